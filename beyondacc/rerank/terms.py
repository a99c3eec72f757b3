"""Gains of one's own, known by name."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Final, NoReturn

from beyondacc.declare.catalogue import Origin, origin_of, referred_by
from beyondacc.errors import SpecError, choices
from beyondacc.kernels import jit, own_gains
from beyondacc.kernels.memory import ASTRAY, FAILED, INFINITE, Keeps, Room
from beyondacc.rerank.memory import Runner
from beyondacc.run.forks import Lock
from beyondacc.types import Floats

__all__ = ["GAINS", "Gain", "OwnRunner", "gain"]

_AS: Final = "it as a function (distances, term, step) that changes the array term in place"
_DECLARING = Lock()


@dataclasses.dataclass(frozen=True, repr=False)
class Gain:
    """A gain of one's own, as a parameter.

    Attributes
    ----------
    function
        ``(distances, term, step)``, see `beyondacc.Greedy`.
    name
        As it is written; by default the function's.
    """

    function: Callable[[Floats, Floats, int], None]
    name: str = ""

    def __str__(self) -> str:
        return self.name or str(getattr(self.function, "__name__", self.function))

    def __repr__(self) -> str:
        return f"<gain {self}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.name, origin_of(jit.plain(self.function)))

    def __call__(self, distances: Floats, term: Floats, step: int) -> None:
        """Change the terms, for trying it out."""
        jit.plain(self.function)(distances, term, step)

    @classmethod
    def describe(cls) -> str:
        """Say what is allowed, for messages."""
        known = f"{choices(GAINS)}, or " if GAINS else ""
        return f"{known}a function (distances, term, step) that numba can compile (see beyondacc.gain)"

    @classmethod
    def parse(cls, value: Any) -> Gain | None:
        """Return the gain of a name or a function, None for anything else."""
        if isinstance(value, str):
            return GAINS.get(value)
        return value if isinstance(value, cls) else cls(value) if callable(value) else None

    @functools.cached_property
    def compiled(self) -> Any:
        """What the engine calls; raises `SpecError` where numba cannot compile it."""
        try:
            return own_gains.own_gain(self.function)
        except jit.NumbaError as error:
            raise SpecError(f"gain {self} cannot be compiled by numba ({jit.reason(error)}); write {_AS}") from error

    def fail(self, distances: Floats, term: Floats, step: int) -> NoReturn:
        """Raise `SpecError` from the function's own error for these arguments, which Python tells and numba not."""
        about = f"at step {step} with {len(term)} candidates; it must change term in place and raise nothing"
        try:
            self(distances, term, step)
        except Exception as error:
            raise SpecError(f"gain {self} raised {type(error).__name__} ({error}) {about}") from error
        raise SpecError(f"gain {self} raised an error {about}")


class OwnRunner(Runner):
    """How the engine runs one: on copies of the distances and of its terms, which are its memory.

    Parameters
    ----------
    owner
        What messages call the re-ranker.
    gain
    """

    def __init__(self, owner: str, gain: Gain) -> None:
        keeps = Keeps(0, lambda sizes: own_gains.own_memory(sizes.n))
        super().__init__(owner, str(gain), lambda: gain.compiled, keeps)
        self._gain = gain

    def look_at(self, room: Room) -> None:
        """Raise `SpecError` where the function wrote elsewhere, raised an error or made what is not a number."""
        done, step, n = room.inside[0], int(room.inside[1]), int(room.inside[2])
        if done == ASTRAY or room.written_around:
            raise SpecError(
                f"gain {self.name} wrote outside of distances and term at step {step}; both have {n} numbers, at 0 "
                f"to {n - 1}"
            )
        if done == INFINITE:
            raise SpecError(
                f"gain {self.name} made a term that is not finite at step {step}; terms must be finite numbers"
            )
        if done == FAILED:
            self._gain.fail(*own_gains.before_fault(room.inside), step)


GAINS: Final[dict[str, Gain]] = {}
"""The gains that were declared, by name."""


def gain(given: Callable[[Floats, Floats, int], None], *, name: str | None = None) -> Gain:
    """Declare a gain of one's own, known by its name in texts such as ``Greedy(gain=nearest, distance=cosine)``.

    ::

        @beyondacc.gain
        def nearest(distances, term, step):
            for i in range(len(term)):
                term[i] = distances[i] if step == 1 else min(term[i], distances[i])

    Parameters
    ----------
    given
        A function ``(distances, term, step)``, plain or compiled by numba, see `beyondacc.Greedy`.
    name
        Its name in texts; the function's own by default. A later gain of that name takes its place.

    Raises
    ------
    SpecError
        If it is not a function, or the name cannot stand in a text.
    """
    if isinstance(given, Gain):
        given = given.function
    if not callable(given):
        raise SpecError(f"a gain of your own is a function (distances, term, step); {given!r:.80} is not one")
    own = str(name or getattr(given, "__name__", ""))
    if not own.isidentifier() or not own.isascii():
        raise SpecError(f"{own!r} cannot name a gain; pass name=, made of letters, digits and _")
    with _DECLARING.held:
        made = Gain(given, own)
        if GAINS.get(own) != made:
            GAINS[own] = made
        return GAINS[own]


def _restored(name: str, origin: Origin) -> Gain:
    """Return the gain of a function that is declared in its module, be it under a gain of the same name."""

    def known() -> Gain | None:
        found = GAINS.get(name)
        return found if found is not None and origin_of(jit.plain(found.function)) == origin else None

    if found := known():
        return found
    referred = referred_by(origin, f"the gain {name or origin.qualname!r}")
    return known() or (referred if isinstance(referred, Gain) else Gain(referred, name))
