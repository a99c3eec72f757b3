"""Re-rankers of one's own, known by name like those of the library."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol, TypeVar, dataclass_transform, overload

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.declare.params import parameters
from beyondacc.errors import SpecError, choices
from beyondacc.kernels.gains import CLOSE
from beyondacc.metrics.base.metric import Need
from beyondacc.metrics.base.own import check_function, guarded, title_of
from beyondacc.metrics.base.registry import as_needs
from beyondacc.rerank.base import RERANKERS, Normalize, Reranker
from beyondacc.rerank.blend import Blend

__all__ = ["reranker"]

R = TypeVar("R", bound=Reranker)


class _Declares(Protocol):
    """What stands above a re-ranker."""

    @overload
    def __call__(self, given: type[R]) -> type[R]: ...
    @overload
    def __call__(self, given: Callable[..., Any]) -> type[Reranker]: ...


@dataclass_transform(kw_only_default=True, eq_default=False)
def reranker(
    *, title: str | None = None, cite: str = "your own", needs: str | Need | Sequence[str | Need] = ()
) -> _Declares:
    """Declare a re-ranker of one's own: it is listed, explained, swept and studied like every other.

    Either a function whose term does not depend on the items picked before; the next item is the one of the largest
    (1 - w) z(s) + w z(term), and what it declares is a class with the function's keyword-only parameters::

        @beyondacc.reranker(needs="train")
        def Rare(batch, *, power: float = 0.5):
            \"\"\"Items that few users have first: the term is -count^power.\"\"\"
            return -(batch.world.item_counts[batch.lists] ** power)


        Rare(power=1, diversity=0.3).rerank(candidates, data, k=10)

    Or a subclass of `beyondacc.Reranker` with annotated fields as its parameters; it becomes a dataclass. What looks at
    the distances to the items picked before is `beyondacc.gain`.

    Parameters
    ----------
    title, cite
        For tables; the title is the first line of the docstring by default.
    needs
        What it needs, as `beyondacc.metric` takes it.

    Returns
    -------
    callable
        To stand above a class, or a function ``(batch, *, ...)`` that returns the term of each candidate, of the shape
        of ``batch.lists``, (users, candidates); where these are -1, padding, it does not matter.

    Raises
    ------
    SpecError
        If the name is another re-ranker's, or the class or function is not one that can be used so.
    """
    needed = as_needs(needs)

    def declare(given: Any) -> Any:
        made = given if isinstance(given, type) else _of_function(given)
        if not issubclass(made, Reranker):
            raise SpecError(f"{made.__name__} is not a re-ranker; make it a subclass of beyondacc.Reranker")
        if needed:
            made.needs = needed
        if "__dataclass_params__" not in vars(made):
            made = dataclasses.dataclass(kw_only=True, repr=False, eq=False)(made)
        if inspect.isabstract(made):
            lacking = choices(sorted(made.__abstractmethods__))
            raise SpecError(f"re-ranker {made.__name__} does not say how it picks; define {lacking}")
        return RERANKERS.declare(title=title or title_of(given), cite=cite)(made)

    return declare


def _of_function(function: Any) -> type[Reranker]:
    """Make a class whose term is a function of a block of users."""
    known = check_function(function, "re-ranker", "a block of users as its one positional argument", cutoff=False)
    name = function.__name__
    taken = [each for each in known if each in parameters(Blend)]
    if taken:
        raise SpecError(f"re-ranker {name!r}: every re-ranker has a parameter {taken[0]}; call yours otherwise")
    call = guarded(function, f"re-ranker {name!r}")

    def term(self: Any, run: Batch, rows: slice) -> NDArray[np.float64]:
        block = run.block(rows.start, rows.stop, run.ranked.width)
        found = np.asarray(call(block, **{each: getattr(self, each) for each in known}))
        there = block.lists >= 0
        if found.shape != there.shape or found.dtype.kind not in "fiub" or not np.isfinite(found[there]).all():
            raise SpecError(
                f"re-ranker {name!r} returned an array of {found.dtype} of the shape {found.shape} for lists of the "
                f"shape {there.shape}; it must return one finite number for each candidate"
            )
        return np.where(there, found, 0.0)

    fields = {each: param.annotation for each, param in known.items()}
    space: dict[str, Any] = {
        "__doc__": inspect.getdoc(function),
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "__annotations__": {"normalize": Normalize, "tolerance": ClassVar[float], **fields},
        "normalize": "zscore",
        "tolerance": CLOSE,
        "_term": term,
        **{each: param.default for each, param in known.items()},
    }
    return types.new_class(name, (Blend,), exec_body=lambda names: names.update(space))
