"""Where metrics are declared and found by name."""

from __future__ import annotations

import copyreg
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, get_args

from beyondacc.bound.batch import Inputs
from beyondacc.data.dataset import Dataset
from beyondacc.data.world import World
from beyondacc.declare.catalogue import Catalogue, Origin, origin_of, plain
from beyondacc.declare.names import parse_call, split_cutoffs, split_names
from beyondacc.declare.params import Cutoff, Param, parameters
from beyondacc.errors import SpecError, choices, did_you_mean
from beyondacc.metrics.base.metric import Better, Bounds, Metric, MetricFamily, Need
from beyondacc.metrics.base.own import check_function, guarded, title_of, users_values
from beyondacc.metrics.base.states import State

__all__ = ["REGISTRY", "Registry", "as_needs", "check_cutoffs", "metric"]

Needs = str | Need | Sequence[str | Need]

#: Names that people use for more than one metric, and those.
_MEANINGS: Final = {
    "coverage": ("catalog_coverage", "user_coverage", "genre_coverage"),
    "diversity": ("ild", "genre_entropy", "personalization"),
    "novelty": ("self_information", "epc", "efd"),
    "shannon_entropy": ("entropy", "genre_entropy"),
}


class Registry(Catalogue[MetricFamily]):
    """The metrics by name, in order of declaration; names are told apart without regard to case."""

    def __init__(self) -> None:
        super().__init__("metric", "beyondacc.metrics")

    def declaring(self, thing: MetricFamily) -> Callable[..., Any]:
        """Return the declared function."""
        return thing.compute

    def names_of(self, name: str, thing: MetricFamily) -> tuple[str, ...]:
        """Return the name and the aliases."""
        return (name, *thing.aliases)

    def add(self, made: MetricFamily) -> None:
        """Take in a metric, or let it take the place of what the same lines declared; names and aliases are unique.

        Raises
        ------
        SpecError
            If one of its names is that of another metric, or means several.
        """
        for name in (made.name, *made.aliases):
            if self.meanings(name):
                raise SpecError(self.refusal(name, made))
        self.enter(made.name, made)

    def find(self, name: str) -> MetricFamily | None:
        """Return the metric of a name or alias, also where an installed package declares it."""
        return None if self.meanings(name) else self.known(name)

    def meanings(self, name: str) -> tuple[str, ...]:
        """Return the names of the metrics that a name may mean, where people use it for several; else nothing."""
        return _MEANINGS.get(plain(name), ())

    def unknown(self, name: str, further: Iterable[str] = (), what: str = "metric") -> str:
        """Say that there is no metric of a name: which ones it may mean, or which names are near.

        Parameters
        ----------
        further
            Other names there are.
        what
            What was looked for.
        """
        if meanings := self.meanings(name):
            told = choices(f"{each} ({self[each].title})" for each in meanings)
            return f"{name!r} may mean several metrics; name one: {told}"
        names = [*self, *(alias for family in self.values() for alias in family.aliases), *further]
        return f"there is no {what} {name!r}; {did_you_mean(plain(name), names)}"

    def parse(self, text: str | Metric | MetricFamily, *, k: int = 10) -> Metric:
        """Read a metric from a string such as ``"ild(distance=cosine)@10"``; ``parse(str(m)) == m``.

        Parameters
        ----------
        text
            A name, or a metric with or without its parameters.
        k
            The cutoff where none is named.

        Raises
        ------
        SpecError
            If the name or a parameter is unknown, or a value is not allowed; the message names the nearest.
        """
        if isinstance(text, Metric):
            return text if "k" in text.named else text @ k
        if isinstance(text, MetricFamily):
            return text @ k
        if not isinstance(text, str):
            raise SpecError(f"{text!r} is not a metric; give a name such as 'ndcg@10' or a metric such as ndcg @ 10")
        name, given, cutoff = parse_call(text)
        found = self.find(name)
        if found is None:
            raise SpecError(self.unknown(name))
        if cutoff is not None or "k" not in given:
            given["k"] = str(k if cutoff is None else cutoff)
        return found(**given)

    def parse_several(self, given: Any, *, k: int | Sequence[int] = 10) -> list[Metric]:
        """Read metrics: a text, a metric, or a sequence of these; ``"ndcg@5,10"`` is ndcg at both cutoffs.

        Parameters
        ----------
        given
            As in `parse`; a text may name several metrics that commas part.
        k
            The cutoffs of each metric that names none.

        Returns
        -------
        list of Metric
            Each once, in the order given; the cutoffs of one metric follow each other and ascend.

        Raises
        ------
        SpecError
            As `parse` does, and where a cutoff is not allowed or given twice.
        """
        cutoffs = check_cutoffs(k)
        found: dict[Metric, None] = {}
        for each in [given] if isinstance(given, str | Metric | MetricFamily) else list(given):
            for text in split_names([each]) if isinstance(each, str) else [each]:
                texts = split_cutoffs(text) if isinstance(text, str) else [text]
                found |= dict.fromkeys(self.parse(one, k=cutoff) for one in texts for cutoff in cutoffs)
        return list(found)


def check_cutoffs(k: Any, owner: str = "metrics") -> list[int]:
    """Return one cutoff or several as a list in ascending order.

    Raises
    ------
    SpecError
        If there is none, one is not allowed, or one is given twice.
    """
    several = isinstance(k, Iterable) and not isinstance(k, str)
    found = sorted(Param("k", 10, Cutoff).check(each, owner) for each in (k if several else [k]))
    if not found:
        raise SpecError(f"{owner}: k={k!r} names no cutoff; give a whole number >= 1, or several such as [5, 10]")
    if len(set(found)) < len(found):
        raise SpecError(f"{owner}: k={k!r} gives a cutoff twice; give each once")
    return found


REGISTRY = Registry()


def metric(
    *,
    better: Better | Callable[[Mapping[str, Any]], Better],
    title: str | None = None,
    family: str = "own",
    cite: str = "your own",
    undefined: str = "where it is NaN",
    needs: Needs | Callable[[Mapping[str, Any]], Needs] = (),
    bounds: Bounds | Callable[[Mapping[str, Any]], Bounds] | None = None,
    aliases: tuple[str, ...] = (),
    accumulate: Callable[[Inputs, Mapping[str, Any]], State] | None = None,
    lacks: Callable[[Mapping[str, Any], Dataset], str | None] | None = None,
    told: Callable[[Mapping[str, Any], World], tuple[float, str]] | None = None,
    core: bool = False,
) -> Callable[[Callable[..., Any]], MetricFamily]:
    """Declare a metric: it is evaluated, listed, explained, bootstrapped and correlated like every other.

    The name is the function's; its parameters are the function's keyword-only ones, among them the cutoff ``k``, each
    with an annotation and a default. Declared once more by the same lines, as in the cell of a notebook, it takes the
    place of what they declared before::

        @beyondacc.metric(better="higher", needs="train", bounds=(0, 1))
        def rare(batch, *, k: int = 10, below: int = 5):
            \"\"\"Share of the first k items that fewer than `below` users have.\"\"\"
            items = batch.lists[:, :k]  # padded with -1
            few = (items >= 0) & (batch.world.item_counts[items] < below)
            return few.sum(axis=1) / np.maximum(np.minimum(batch.lengths, k), 1)


        beyondacc.evaluate(recs, data, ["ndcg@10", "rare(below=3)@10"])

    Parameters
    ----------
    better
        ``higher``, ``lower``, or neither: ``target``; like needs and bounds a plain value or a function of the
        parameters.
    title, family, cite
        For tables; the title is the first line of the docstring by default.
    undefined
        When it is undefined, in words.
    needs
        What it needs besides the lists: ``truth``, ``train``, ``features``, ``rows`` (features or vectors),
        ``catalogue``, ``dates``, ``earlier``, or several of these.
    bounds
        Least and greatest value, which intervals keep to; of a metric of one's own any number by default.
    aliases
        Further names that are read as it.
    accumulate
        Given for a metric at the grain of a run, whose function then finishes `Showings` or `Totals`.
    lacks
        What a dataset lacks for given parameters where `needs` cannot say it, None where nothing.
    told
        How sentences tell its differences; see `MetricFamily`.
    core
        Whether it is evaluated where no metric is named; of the library's own only.

    Returns
    -------
    callable
        To stand above a function ``(batch, *, k, ...)``: of a block of users, (n,) values, NaN where undefined.

    Raises
    ------
    SpecError
        If the name is another metric's, or the function is not one that can be called so.
    """

    def declare(function: Callable[..., Any]) -> MetricFamily:
        ours = origin_of(function).ours
        spans = _values(bounds if bounds is not None else (0.0, 1.0) if ours else (-math.inf, math.inf))
        compute, adds, known = function, accumulate, {} if ours else _own_parameters(function, core=core)
        if not ours and accumulate is None:
            compute = users_values(function, function.__name__, spans)
        elif accumulate is not None and not ours:
            owner = f"metric {function.__name__!r}"
            compute, adds = guarded(function, owner), guarded(accumulate, owner)
        made = MetricFamily(
            name=function.__name__,
            aliases=aliases,
            title=title or title_of(function),
            family=family,
            better=better if callable(better) else _values(_choice(better)),
            undefined=undefined,
            cite=cite,
            grain="user" if accumulate is None else "run",
            core=core,
            compute=compute,
            accumulate=adds,
            lacks=lacks,
            told=told,
            params=MappingProxyType(known or parameters(function)),
            bounds=spans,
            needs=needs_of,
        )
        REGISTRY.add(made)
        return made

    asked = needs if callable(needs) else _values(as_needs(needs))

    def needs_of(values: Mapping[str, Any]) -> tuple[Need, ...]:
        return as_needs(asked(values))

    return declare


def _values(given: Any) -> Callable[[Mapping[str, Any]], Any]:
    """Return a function of the parameters: the one that was given, or one that always returns the value."""
    return given if callable(given) else lambda _values: given


def _choice(better: str) -> str:
    known = get_args(Better)
    if better not in known:
        raise SpecError(f"better={better!r} is not allowed; better must be {choices(map(repr, known))}")
    return better


def as_needs(given: Needs) -> tuple[Need, ...]:
    """Return needs that are named by texts, or one alone, as a tuple."""
    several = (given,) if isinstance(given, str | Need) else tuple(given)
    names = {need.name.lower(): need for need in Need}
    for each in several:
        if isinstance(each, str) and each not in names:
            raise SpecError(f"needs={each!r} is not allowed; a metric may need {choices(map(repr, names))}")
    return tuple(names[each] if isinstance(each, str) else each for each in several)


def _own_parameters(function: Any, *, core: bool) -> dict[str, Param]:
    known = check_function(function, "metric", "a block of users as its one positional argument", cutoff=True)
    if core:
        raise SpecError(
            f"metric {function.__name__!r}: core=True is for the library's own, so that what is evaluated by default "
            "does not depend on what is installed; leave it out and name the metric"
        )
    return known


def _reduced(family: MetricFamily) -> tuple[Any, ...]:
    return _restored, (family.name, *origin_of(family.compute))


def _restored(name: str, module: str, qualname: str) -> MetricFamily:
    return REGISTRY.restore(name, Origin(module, qualname))


copyreg.pickle(MetricFamily, _reduced)  # by name: in another process it is the metric that is declared there
