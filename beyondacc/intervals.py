"""Bootstrap over users: how far a value would move if other users had been sampled (Efron & Tibshirani 1993, ch. 13).

The interval is the percentile interval, moved so that the replicates' mean lies on the estimate. For means that changes
nothing; coverage and the like are biased downwards in every resample, which shows a part of the users only, and their
plain percentile interval can miss the estimate altogether.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Binding
from beyondacc.errors import DataError
from beyondacc.kernels.exposure import exposure_rows
from beyondacc.spec.metric import Metric
from beyondacc.spec.states import Exposure, PerUser, State, Sums, exposure_slots

__all__ = ["Compact", "Replicates", "interval", "replicate", "replicate_runs"]

Replicates = dict[Metric, NDArray[np.float64]]
_CELLS = 4_000_000  # numbers in a chunk of replicates


def _resamples(n_rows: int, n_boot: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield chunks of multiplicities, shape (replicates, rows), the same for the same seed whatever the chunks are."""
    rng = np.random.default_rng(seed)
    chunk = max(1, min(n_boot, _CELLS // max(1, n_rows)))
    for start in range(0, n_boot, chunk):
        n = min(chunk, n_boot - start)
        drawn = rng.integers(0, n_rows, (n, n_rows), dtype=np.int64)
        drawn += n_rows * np.arange(n)[:, None]
        yield np.bincount(drawn.ravel(), minlength=n * n_rows).reshape(n, n_rows)


def replicate(run: Binding, states: Mapping[Metric, State], *, n_boot: int = 1000, seed: int = 0) -> Replicates:
    """Return the value of each metric in each bootstrap replicate; metrics of one run share the resampled users.

    Returns
    -------
    dict
        For each metric an array (n_boot,), NaN where the metric is undefined in a replicate.
    """
    return replicate_runs([(run, states)], n_boot=n_boot, seed=seed)[0]


def replicate_runs(
    runs: Sequence[tuple[Binding, Mapping[Metric, State]]], *, n_boot: int = 1000, seed: int = 0
) -> list[Replicates]:
    """Return the replicates of several runs over the same users, who are drawn once for all runs.

    The replicates of each run are those `replicate` gives it alone, bit by bit, so that the difference of two runs
    in a replicate is a paired one. Besides the states, a copy of their numbers is held for each run, and chunks of
    replicates whose size does not depend on how many runs there are.

    Parameters
    ----------
    runs
        Each run with the states of its metrics.
    n_boot, seed
        Number of replicates, and seed of the draws.

    Returns
    -------
    list of dict
        For each run, and each of its metrics, an array (n_boot,).

    Raises
    ------
    DataError
        If the runs do not have the same number of users.
    """
    sizes = sorted({len(run) for run, _ in runs})
    if len(sizes) > 1:
        raise DataError(
            f"runs of {sizes[0]} and of {sizes[-1]} users cannot share resamples; bind them all to the same users"
        )
    resampled = [_Resampled(run, states) for run, states in runs]
    for weights in _resamples(sizes[0], n_boot, seed) if sizes else ():
        numbers = weights.astype(np.float64)
        for each in resampled:
            each.add(weights, numbers)
    return [each.replicates for each in resampled]


class _Resampled:
    """The replicates of one run, chunk by chunk."""

    def __init__(self, run: Binding, states: Mapping[Metric, State]) -> None:
        self.parts: dict[Metric, list[NDArray[np.float64]]] = {metric: [] for metric in states}
        self.columns = _Columns(states)
        kinds: dict[tuple[int, Literal["length", "rank"]], list[Metric]] = {}
        for metric, state in states.items():
            if isinstance(state, Exposure):
                kinds.setdefault((metric.k, state.by), []).append(metric)
        self.exposures = [(Compact(run, *kind), metrics) for kind, metrics in kinds.items()]

    def add(self, weights: NDArray[np.int64], numbers: NDArray[np.float64]) -> None:
        """Take a chunk of multiplicities, given as whole numbers and as floats."""
        for metric, values in self.columns.resample(numbers).items():
            self.parts[metric].append(values)
        for exposure, metrics in self.exposures:
            step = max(1, _CELLS // max(1, exposure.width))
            for start in range(0, len(weights), step):
                shown = exposure.resample(weights[start : start + step])
                for metric in metrics:
                    self.parts[metric].append(np.asarray(metric.finish(shown), np.float64))

    @property
    def replicates(self) -> Replicates:
        """The chunks behind each other."""
        return {metric: np.concatenate([np.empty(0), *chunks]) for metric, chunks in self.parts.items()}


class _Columns:
    """The numbers of each user, of all metrics that have such, next to each other: one product resamples them all."""

    def __init__(self, states: Mapping[Metric, State]) -> None:
        self.means = [metric for metric, state in states.items() if isinstance(state, PerUser)]
        sums = {metric: state for metric, state in states.items() if isinstance(state, Sums)}
        every = [state.values for state in states.values() if isinstance(state, PerUser)]
        self.sums: dict[Metric, slice] = {}
        place = len(every)
        for metric, state in sums.items():
            n = state.columns.shape[1]
            self.sums[metric] = slice(place, place + n)
            place += n
            every += list(np.where(state.counted[:, None], state.columns, np.nan).T)
        values = np.column_stack(every) if every else np.empty((0, 0))
        undefined = np.isnan(values)
        self.values = np.where(undefined, 0.0, values)
        # few patterns of who defines a metric are shared by many metrics
        patterns: dict[bytes, int] = {}
        kept = [patterns.setdefault(column.tobytes(), len(patterns)) for column in undefined.T[: len(self.means)]]
        self.pattern = np.array(kept, np.int64)
        firsts = [kept.index(place) for place in range(len(patterns))]
        self.defined = (~undefined[:, firsts]).astype(np.float64)

    def resample(self, weights: NDArray[np.float64]) -> dict[Metric, NDArray[np.float64]]:
        """Return the values of the replicates, whose multiplicities `weights` are, shape (replicates, users)."""
        if not self.means and not self.sums:
            return {}
        totals = weights @ self.values
        n_defined = (weights @ self.defined)[:, self.pattern]
        means = np.full(n_defined.shape, np.nan)
        np.divide(totals[:, : len(self.means)], n_defined, out=means, where=n_defined > 0)
        found = {metric: means[:, place] for place, metric in enumerate(self.means)}
        for metric, places in self.sums.items():
            found[metric] = np.asarray(metric.finish(totals[:, places]), np.float64)
        return found


class Compact:
    """The lists of a run over the items that are shown at all, so that a replicate costs no walk over the catalogue."""

    def __init__(self, run: Binding, k: int, by: Literal["length", "rank"]) -> None:
        self.run, self.k, self.by = run, k, by
        self.lengths = np.minimum(run.lengths, k).astype(np.int32)
        lists = np.where(np.arange(min(k, run.lists.shape[1])) < self.lengths[:, None], run.lists[:, :k], -1)
        shown, places = np.unique(lists, return_inverse=True)
        padded = int(len(shown) > 0 and shown[0] == -1)
        self.lists = (places.reshape(lists.shape) - padded).astype(np.int32)
        self.shown = shown[shown >= 0]
        self.slots, self.lookup = exposure_slots(self.lengths, k, by)
        self.width = len(self.slots) * len(self.shown)

    def resample(self, weights: NDArray[np.int64]) -> Exposure:
        """Count with multiplicities of the rows, shape (replicates, rows)."""
        counts = np.zeros((len(weights), len(self.slots), len(self.shown)), np.int64)
        exposure_rows(self.lists, self.lengths, self.k, self.by == "rank", self.lookup, weights, counts)
        some = self.lengths > 0
        listed = weights if some.all() else weights[:, some]
        squares = np.einsum("ru,ru->r", listed, listed)  # without a copy of the squares
        return Exposure(counts, self.slots, self.by, listed.sum(axis=-1), squares, self.shown, self.run)


def interval(
    value: float, replicates: NDArray[np.float64], bounds: Sequence[float], confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval around a value; NaN where fewer than half of the replicates are defined."""
    defined = replicates[~np.isnan(replicates)]
    if np.isnan(value) or 2 * len(defined) < len(replicates) or not len(defined):
        return float("nan"), float("nan")
    tail = (1.0 - confidence) / 2.0
    low, high = value + np.quantile(defined, [tail, 1.0 - tail]) - defined.mean()
    return float(max(min(low, value), bounds[0])), float(min(max(high, value), bounds[1]))
