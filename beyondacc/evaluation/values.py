"""The numbers of a run: values with intervals, and tables of them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.world import World
from beyondacc.errors import SpecError, did_you_mean
from beyondacc.evaluation.aggregate import Aggregate
from beyondacc.evaluation.intervals import Replicates, interval
from beyondacc.metrics.base.metric import Metric, MetricFamily
from beyondacc.metrics.base.registry import REGISTRY
from beyondacc.metrics.base.states import State
from beyondacc.texts import for_markdown

__all__ = ["Values", "digits", "markdown", "printable"]


class Values:
    """The metrics of a run, by what was accumulated for each of them.

    Parameters
    ----------
    states, world
        As evaluated.
    n_boot
        How many replicates there are; 0 for no intervals.
    confidence
        Of the intervals.
    """

    def __init__(
        self, states: Mapping[Metric, State], world: World, *, n_boot: int = 1000, confidence: float = 0.95
    ) -> None:
        self._states = dict(states)
        #: What is known about the items.
        self.world = world
        self._n_boot = n_boot
        self._confidence = confidence

    @property
    def replicates(self) -> Replicates:
        """The value of each metric in each bootstrap replicate."""
        raise NotImplementedError

    @property
    def metrics(self) -> list[Metric]:
        """What was evaluated, in the order given."""
        return list(self._states)

    @property
    def states(self) -> Mapping[Metric, State]:
        """What was accumulated for each metric."""
        return self._states

    def find(self, metric: str | Metric | MetricFamily) -> Metric:
        """Return the evaluated metric of that name.

        Raises
        ------
        SpecError
            If it was not evaluated.
        """
        wanted = REGISTRY.parse(metric)
        if wanted not in self._states:
            names = [str(known) for known in self._states]
            if str(wanted) in names:
                raise SpecError(f"{wanted} was declared anew since the lists were evaluated; evaluate them again")
            raise SpecError(f"{wanted} was not evaluated; {did_you_mean(str(wanted), names)}")
        return wanted

    def state(self, metric: str | Metric | MetricFamily) -> State:
        """Return what the value is made of: a number or several a user, or counts."""
        return self._states[self.find(metric)]

    def value(self, metric: str | Metric | MetricFamily) -> float:
        """Return the value alone, without a bootstrap."""
        wanted = self.find(metric)
        return self._states[wanted].value(wanted, self.world)

    def __getitem__(self, metric: str | Metric | MetricFamily) -> Aggregate:
        wanted = self.find(metric)
        state = self._states[wanted]
        value = self.value(wanted)
        low = high = error = median = p10 = p90 = float("nan")
        n = state.n_users
        if state.per_user is not None and n:
            p10, median, p90 = (float(each) for each in np.quantile(_defined(state.per_user), (0.1, 0.5, 0.9)))
        if self._n_boot and n > 1:  # one user says nothing about others
            replicates = self.replicates[wanted]
            low, high = interval(value, replicates, wanted.bounds, self._confidence)
            certain = _defined(replicates)
            error = float(certain.std(ddof=1)) if len(certain) > 1 else float("nan")
        return Aggregate(wanted, value, low, high, error, median, p10, p90, n, state.n_rows - n)

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)

    def to_pandas(self) -> pd.DataFrame:
        """Return a row a metric.

        The columns are metric, value, standard_error, ci_low, ci_high, median, p10, p90, n_users, n_undefined, better.
        """
        found = [self[metric] for metric in self]
        table = {name: [getattr(each, name) for each in found] for name in _COLUMNS}
        return pd.DataFrame(table | {"metric": [str(metric) for metric in self]})

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        return markdown(printable(self.to_pandas()))

    def __repr__(self) -> str:
        return printable(self.to_pandas()).to_string(index=False)

    def _repr_html_(self) -> str:
        return printable(self.to_pandas()).to_html(index=False, escape=True, border=0)


_NUMBERS = ("value", "standard_error", "ci_low", "ci_high", "median", "p10", "p90")
_COLUMNS = ("metric", *_NUMBERS, "n_users", "n_undefined", "better")


def _defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[~np.isnan(values)]


def digits(value: float, missing: str = "undefined") -> str:
    """Write a value with four digits, or with one where it is large."""
    return missing if np.isnan(value) else f"{value:.4f}" if abs(value) < 100 else f"{value:,.1f}"


def printable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of values with its numbers as text."""
    texts = {name: frame[name].map(functools.partial(digits, missing="-")) for name in _NUMBERS}
    return frame.assign(**texts | {"value": frame["value"].map(digits)})


def markdown(frame: pd.DataFrame) -> str:
    """Return a frame as a Markdown table."""
    rows = [list(frame.columns), ["---"] * frame.shape[1], *frame.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(for_markdown(str(cell), cell=True) for cell in row) + " |" for row in rows)
