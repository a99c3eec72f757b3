"""Where metrics are declared and found by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from beyondacc.data.binding import Inputs
from beyondacc.data.dataset import Dataset
from beyondacc.errors import SpecError, did_you_mean
from beyondacc.spec.metric import Better, Bounds, Metric, MetricFamily, Need
from beyondacc.spec.names import parse_call
from beyondacc.spec.params import parameters
from beyondacc.spec.states import State

__all__ = ["REGISTRY", "Registry", "metric"]


class Registry(dict[str, MetricFamily]):
    """The metrics by name, in order of declaration."""

    def add(self, made: MetricFamily) -> None:
        """Take in a metric; names and aliases are unique."""
        for name in (made.name, *made.aliases):
            if self.find(name) is not None:
                raise SpecError(f"a metric named {name!r} is declared already")
        self[made.name] = made

    def find(self, name: str) -> MetricFamily | None:
        """Return the metric of a name or alias."""
        return self.get(name) or next((family for family in self.values() if name in family.aliases), None)

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
            return text
        if isinstance(text, MetricFamily):
            return text @ k
        if not isinstance(text, str):
            raise SpecError(f"{text!r} is not a metric; give a name such as 'ndcg@10' or a metric such as ndcg @ 10")
        name, given, cutoff = parse_call(text)
        found = self.find(name)
        if found is None:
            names = [*self, *(alias for family in self.values() for alias in family.aliases)]
            raise SpecError(f"there is no metric {name!r}; {did_you_mean(name, names)}")
        if cutoff is not None or "k" not in given:
            given["k"] = str(k if cutoff is None else cutoff)
        return found(**given)


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
    core: bool = False,
) -> Callable[[Callable[..., Any]], MetricFamily]:
    """Declare a metric; its name is the function's, its parameters are the function's keyword-only ones.

    Parameters
    ----------
    better, needs, bounds
        Plain values, or functions of the parameters.
    accumulate
        Given for a metric at the grain of a run, whose function then finishes an `Exposure` or sums.
    lacks
        What a dataset lacks for given parameters where `needs` cannot say it, None where nothing.
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
            params=MappingProxyType(parameters(function)),
            bounds=bounds if callable(bounds) else lambda _values: bounds,
            needs=needs if callable(needs) else lambda _values: needs,
        )
        REGISTRY.add(made)
        return made

    return declare
