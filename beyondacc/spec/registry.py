"""Where metrics are declared and found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from beyondacc.data.batch import Inputs
from beyondacc.data.dataset import Dataset
from beyondacc.data.world import World
from beyondacc.errors import SpecError, choices, did_you_mean
from beyondacc.spec.metric import Better, Bounds, Metric, MetricFamily, Need
from beyondacc.spec.names import parse_call, split_cutoffs, split_names
from beyondacc.spec.params import Cutoff, Param, parameters
from beyondacc.spec.states import State

__all__ = ["REGISTRY", "Registry", "check_cutoffs", "metric"]


#: Names that people use for more than one metric, and those.
_MEANINGS: Final = {
    "coverage": ("catalog_coverage", "user_coverage", "genre_coverage"),
    "diversity": ("ild", "genre_entropy", "personalization"),
    "novelty": ("self_information", "epc", "efd"),
    "shannon_entropy": ("entropy", "genre_entropy"),
}


def _plain(name: str) -> str:
    """Return a name as it is compared: case does not matter, nor whether its words are joined by - or by _."""
    return name.lower().replace("-", "_")


class Registry(dict[str, MetricFamily]):
    """The metrics by name, in order of declaration; names are told apart without regard to case."""

    def add(self, made: MetricFamily) -> None:
        """Take in a metric; names and aliases are unique."""
        for name in (made.name, *made.aliases):
            if self.find(name) is not None or self.meanings(name):
                raise SpecError(f"a metric named {name!r} is declared already")
        self[made.name] = made

    def find(self, name: str) -> MetricFamily | None:
        """Return the metric of a name or alias."""
        plain = _plain(name)
        return self.get(plain) or next((family for family in self.values() if plain in family.aliases), None)

    def meanings(self, name: str) -> tuple[str, ...]:
        """Return the names of the metrics that a name may mean, where people use it for several; else nothing."""
        return _MEANINGS.get(_plain(name), ())

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
        return f"there is no {what} {name!r}; {did_you_mean(_plain(name), names)}"

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
    title: str,
    family: str,
    better: Better | Callable[[Mapping[str, Any]], Better],
    cite: str,
    undefined: str,
    needs: tuple[Need, ...] | Callable[[Mapping[str, Any]], tuple[Need, ...]] = (),
    bounds: Bounds | Callable[[Mapping[str, Any]], Bounds] = (0.0, 1.0),
    aliases: tuple[str, ...] = (),
    accumulate: Callable[[Inputs, Mapping[str, Any]], State] | None = None,
    lacks: Callable[[Mapping[str, Any], Dataset], str | None] | None = None,
    told: Callable[[Mapping[str, Any], World], tuple[float, str]] | None = None,
    core: bool = False,
) -> Callable[[Callable[..., Any]], MetricFamily]:
    """Declare a metric; its name is the function's, its parameters are the function's keyword-only ones.

    Parameters
    ----------
    better, needs, bounds
        Plain values, or functions of the parameters.
    accumulate
        Given for a metric at the grain of a run, whose function then finishes `Showings` or `Totals`.
    lacks
        What a dataset lacks for given parameters where `needs` cannot say it, None where nothing.
    told
        How sentences tell its differences; see `MetricFamily`.
    core
        Whether it is evaluated where no metric is named.
    """

    def declare(function: Callable[..., Any]) -> MetricFamily:
        made = MetricFamily(
            name=function.__name__,
            aliases=aliases,
            title=title,
            family=family,
            better=better if callable(better) else lambda _values: better,
            undefined=undefined,
            cite=cite,
            grain="user" if accumulate is None else "run",
            core=core,
            compute=function,
            accumulate=accumulate,
            lacks=lacks,
            told=told,
            params=MappingProxyType(parameters(function)),
            bounds=bounds if callable(bounds) else lambda _values: bounds,
            needs=needs if callable(needs) else lambda _values: needs,
        )
        REGISTRY.add(made)
        return made

    return declare
