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
from beyondacc.kernels.exposure import exposure_rows
from beyondacc.spec.metric import Metric
from beyondacc.spec.states import Exposure, PerUser, State, Sums, exposure_slots

__all__ = ["Replicates", "interval", "replicate"]

Replicates = dict[Metric, NDArray[np.float64]]
_CELLS = 4_000_000  # numbers in a chunk of replicates


def _resamples(n_rows: int, n_boot: int, width: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield chunks of multiplicities, shape (replicates, rows), the same for the same seed whatever the chunks are."""
    rng = np.random.default_rng(seed)
    chunk = max(1, min(n_boot, _CELLS // max(1, n_rows, width)))
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
    counted = {metric: (metric.k, state.by) for metric, state in states.items() if isinstance(state, Exposure)}
    compact = {kind: _Compact(run, *kind) for kind in set(counted.values())}
    columns = _Columns(states)
    parts: dict[Metric, list[NDArray[np.float64]]] = {metric: [] for metric in states}
    width = max((exposure.width for exposure in compact.values()), default=0)
    for weights in _resamples(len(run), n_boot, width, seed):
        for metric, values in columns.resample(weights.astype(np.float64)).items():
            parts[metric].append(values)
        resampled = {kind: exposure.resample(weights) for kind, exposure in compact.items()}
        for metric, kind in counted.items():
            parts[metric].append(np.asarray(metric.finish(resampled[kind]), np.float64))
    return {metric: np.concatenate([np.empty(0), *chunks]) for metric, chunks in parts.items()}


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
        self.defined = np.where(np.isnan(values), 0.0, 1.0)
        self.values = np.where(np.isnan(values), 0.0, values)

    def resample(self, weights: NDArray[np.float64]) -> dict[Metric, NDArray[np.float64]]:
        """Return the values of the replicates, whose multiplicities `weights` are, shape (replicates, users)."""
        if not self.means and not self.sums:
            return {}
        totals = weights @ self.values
        n = len(self.means)
        if self.defined[:, :n].all():
            n_defined = np.broadcast_to(weights.sum(axis=1, keepdims=True), (len(weights), n))
        else:
            n_defined = weights @ self.defined[:, :n]
        means = np.divide(totals[:, :n], n_defined, out=np.full((len(weights), n), np.nan), where=n_defined > 0)
        found = {metric: means[:, place] for place, metric in enumerate(self.means)}
        for metric, places in self.sums.items():
            found[metric] = np.asarray(metric.finish(totals[:, places]), np.float64)
        return found


class _Compact:
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
        counts = np.zeros((len(weights), len(self.slots), len(self.shown)), np.int64)
        exposure_rows(self.lists, self.lengths, self.k, self.by == "rank", self.lookup, weights, counts)
        listed = weights[:, self.lengths > 0]
        squares = np.square(listed).sum(axis=-1)
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
