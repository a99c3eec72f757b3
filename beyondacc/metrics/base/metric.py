"""What a metric is: a small value such as ``ild(distance=cosine)@10``, made from one declaration."""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
from collections.abc import Callable, Container, Mapping
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from beyondacc.bound.batch import Inputs
from beyondacc.data.dataset import Dataset
from beyondacc.data.world import World
from beyondacc.declare.params import Param, arguments, bind, descriptions, format_call
from beyondacc.distances import Distance
from beyondacc.metrics.base.states import PerUser, State

__all__ = ["Better", "Bounds", "Metric", "MetricFamily", "Need"]

Better = Literal["higher", "lower", "target"]
Bounds = tuple[float, float]


class Need(enum.Enum):
    """What a metric needs besides the lists; the value says what to pass."""

    TRUTH = "relevant test items; pass test="
    TRAIN = "training rows; pass train="
    FEATURES = "item features; pass items= with a genres column"
    ROWS = "item features or vectors; pass items= with a genres column, or vectors="
    CATALOGUE = "a catalogue; pass items= or train="
    DATES = "item dates; pass items= with a column of dates"
    EARLIER = "earlier lists; pass earlier="
    TRAIN_OF_ALL = "the training rows of all users, which a part of them does not have; evaluate all users in one call"
    LISTS_OF_ALL = "the lists of all users, which a part of them does not have; evaluate all users in one call"

    @property
    def side(self) -> str | None:
        """The name of the further lists that are needed, if any are."""
        return {Need.EARLIER: "earlier"}.get(self)

    def missing_in(self, data: Dataset, side: Container[str] = ()) -> bool:
        """Whether a dataset, with some further lists, lacks it."""
        return (
            self.side not in side
            if self.side
            else {
                Need.TRUTH: not data.has_test,
                Need.TRAIN: not data.has_train,
                Need.FEATURES: data.features is None,
                Need.ROWS: data.features is None and data.vectors is None,
                Need.DATES: data.world.date_column is None,
                Need.CATALOGUE: not data.catalogue.any(),
                Need.TRAIN_OF_ALL: data.world.partial,
                Need.LISTS_OF_ALL: data.world.partial,
            }[self]
        )


@dataclasses.dataclass(frozen=True, eq=False)
class MetricFamily:
    """A metric with its parameters open: call it with parameters or cut it with ``@ k`` to get a `Metric`.

    Attributes
    ----------
    name, aliases
        Registry name, and other names that parse to it.
    title, family, undefined, cite
        For tables: title, family, when it is undefined, source.
    grain
        ``"user"``: one value per user, averaged; ``"run"``: one value a run, from counts or sums.
    better, bounds, needs
        Direction, least and greatest value, and what it needs, for given parameters.
    core
        Whether it is among the metrics that are evaluated where none is named.
    compute
        The declared function: ``(inputs, k=, ...) -> array or PerUser``, or at the grain of a run ``(summary, k=, ...)
        -> float``, where the summary is what the state brings: `Showings` or `Totals`.
    accumulate
        For the grain of a run: ``(inputs, values) -> State``.
    told
        How sentences tell differences, for given parameters and a world: by which number they are multiplied, and what
        they then count; None where they are told as they are.
    lacks
        Says what a dataset or a run lacks for given parameters, beyond `needs`; None where nothing is missing.
    """

    name: str
    aliases: tuple[str, ...]
    title: str
    family: str
    better: Callable[[Mapping[str, Any]], Better]
    undefined: str
    cite: str
    grain: Literal["user", "run"]
    core: bool
    compute: Callable[..., Any]
    accumulate: Callable[[Inputs, Mapping[str, Any]], State] | None
    lacks: Callable[[Mapping[str, Any], Dataset], str | None] | None
    told: Callable[[Mapping[str, Any], World], tuple[float, str]] | None
    params: Mapping[str, Param]
    bounds: Callable[[Mapping[str, Any]], Bounds]
    needs: Callable[[Mapping[str, Any]], tuple[Need, ...]]

    def __call__(self, **given: Any) -> Metric:
        """Return the metric with these parameters, which are then named."""
        values = MappingProxyType(bind(f"metric {self.name!r}", self.params, given))
        return Metric(self, values, frozenset(given))

    def __matmul__(self, k: int) -> Metric:
        return self() @ k

    def __repr__(self) -> str:
        return f"<metric {self.name}: {self.title}>"

    @property
    def summary(self) -> str:
        """First paragraph of the docstring: the formula in words."""
        text = inspect.getdoc(self.compute) or ""
        return " ".join(text.split("\n\n", maxsplit=1)[0].split())

    @property
    def description(self) -> str:
        """The whole docstring."""
        return inspect.getdoc(self.compute) or ""

    @property
    def documented(self) -> dict[str, str]:
        """What is said about each parameter."""
        return descriptions(self.compute)

    def as_dict(self) -> dict[str, Any]:
        """Return the declaration as plain values, for JSON."""
        chosen = self()
        of_distance = [each.needs for each in chosen.values.values() if isinstance(each, Distance) and each.needs]
        return {
            "name": self.name,
            "aliases": list(self.aliases),
            "title": self.title,
            "family": self.family,
            "better": chosen.better,
            "bounds": [None if np.isinf(bound) else bound for bound in chosen.bounds],
            "needs": list(dict.fromkeys([*(need.name.lower() for need in self.needs(chosen.values)), *of_distance])),
            "grain": self.grain,
            "core": self.core,
            "undefined": self.undefined,
            "parameters": [param.as_dict() for param in self.params.values()],
            "formula": self.summary,
            "cite": self.cite,
        }


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric with all parameters set; equal to any other that computes the same, whatever was named.

    Attributes
    ----------
    family, values
        What is computed: the only attributes that `==` and `hash` look at.
    named
        The parameters that were given, also those at their default: no convention changes them. Without ``k`` among
        them the cutoff is open: an evaluation sets it.
    spelled
        Those of them at our default where the convention that the metric was read by has another value: its text
        writes them, so that it means the same when that convention reads it again.
    """

    family: MetricFamily
    values: Mapping[str, Any]
    named: frozenset[str] = frozenset()
    spelled: frozenset[str] = frozenset()

    def __hash__(self) -> int:
        return hash((self.family.name, tuple(self.values.items())))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Metric) and self.family is other.family and dict(self.values) == dict(other.values)

    def __str__(self) -> str:
        open_values = {name: value for name, value in self.values.items() if name != "k"}
        return f"{format_call(self.family.name, self.family.params, open_values, self.spelled)}@{self.k}"

    def __repr__(self) -> str:
        return f"<{self}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Metric._restored, (self.family, dict(self.values), self.named, self.spelled)

    @classmethod
    def _restored(
        cls, family: MetricFamily, values: Mapping[str, Any], named: frozenset[str], spelled: frozenset[str]
    ) -> Metric:
        return cls(family, MappingProxyType(bind(f"metric {family.name!r}", family.params, values)), named, spelled)

    def __matmul__(self, k: int) -> Metric:
        values = bind(f"metric {self.family.name!r}", self.family.params, {**self.values, "k": k})
        return dataclasses.replace(self, values=MappingProxyType(values), named=self.named | {"k"})

    @property
    def k(self) -> int:
        """The cutoff."""
        return int(self.values["k"])

    @property
    def better(self) -> Better:
        """Whether higher or lower values are better, or neither."""
        return self.family.better(self.values)

    @property
    def bounds(self) -> Bounds:
        """Least and greatest value it can take."""
        return self.family.bounds(self.values)

    def missing(self, data: Dataset, side: Container[str] = ()) -> str | None:
        """Say what a dataset lacks for this metric; None where nothing is missing.

        Parameters
        ----------
        side
            The names of the further lists there are, such as ``earlier``.
        """
        for need in self.family.needs(self.values):
            if need.missing_in(data, side):
                return need.value
        if self.family.lacks and (lack := self.family.lacks(self.values, data)):
            return lack
        for value in self.values.values():
            if isinstance(value, Distance) and (lack := value.missing(data)):
                return lack
        return None

    def state(self, inputs: Inputs) -> State:
        """Accumulate over a block of users."""
        if self.family.accumulate is not None:
            return self.family.accumulate(inputs, self.values)
        found = self.family.compute(inputs, **self._arguments)
        return found if isinstance(found, State) else PerUser(np.asarray(found, np.float64))

    def finish(self, summary: Any) -> Any:
        """Return the value of the metric: a number, or one a replicate.

        Parameters
        ----------
        summary
            `Totals` or `Showings`, whichever the states of the metric bring.
        """
        return summary.mean if self.family.grain == "user" else self.family.compute(summary, **self._arguments)

    @functools.cached_property
    def _arguments(self) -> dict[str, Any]:
        return arguments(self.family.compute, self.values)
