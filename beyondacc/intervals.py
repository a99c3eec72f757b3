"""Bootstrap over users: how far a value would move if other users had been sampled (Efron & Tibshirani 1993, ch. 13).

The interval is the percentile interval, moved so that the replicates' mean lies on the estimate. For means that changes
nothing; coverage and the like are biased downwards in every resample, which shows a part of the users only, and their
plain percentile interval can miss the estimate altogether.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Binding
from beyondacc.kernels.exposure import exposure_rows
from beyondacc.spec.metric import Metric
from beyondacc.spec.states import Exposure, PerUser

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


def replicate(
    run: Binding, states: Mapping[Metric, PerUser | Exposure], *, n_boot: int = 1000, seed: int = 0
) -> Replicates:
    """Return the value of each metric in each bootstrap replicate; metrics of one run share the resampled users.

    Returns
    -------
    dict
        For each metric an array (n_boot,), NaN where the metric is undefined in a replicate.
    """
    averaged = {metric: state.values for metric, state in states.items() if isinstance(state, PerUser)}
    counted = [metric for metric, state in states.items() if isinstance(state, Exposure)]
    compact = {k: _Compact(run, k) for k in {metric.k for metric in counted}}
    parts: dict[Metric, list[NDArray[np.float64]]] = {metric: [] for metric in states}
    values = np.column_stack(list(averaged.values())) if averaged else np.empty((len(run), 0))
    defined = ~np.isnan(values)
    values = np.where(defined, values, 0.0)
    partial = not defined.all()
    width = max((exposure.width for exposure in compact.values()), default=0)
    for weights in _resamples(len(run), n_boot, width, seed):
        as_float = weights.astype(np.float64)
        n_defined = as_float @ defined if partial else np.full((len(weights), values.shape[1]), float(len(run)))
        means = np.divide(as_float @ values, n_defined, out=np.full(n_defined.shape, np.nan), where=n_defined > 0)
        for column, metric in enumerate(averaged):
            parts[metric].append(means[:, column])
        resampled = {k: exposure.resample(weights) for k, exposure in compact.items()}
        for metric in counted:
            parts[metric].append(np.asarray(metric.finish(resampled[metric.k]), np.float64))
    return {metric: np.concatenate([np.empty(0), *chunks]) for metric, chunks in parts.items()}


class _Compact:
    """The lists of a run over the items that are shown at all, so that a replicate costs no walk over the catalogue."""

    def __init__(self, run: Binding, k: int) -> None:
        self.k = k
        self.lengths = np.minimum(run.lengths, k).astype(np.int32)
        lists = np.where(np.arange(min(k, run.lists.shape[1])) < self.lengths[:, None], run.lists[:, :k], -1)
        shown, places = np.unique(lists, return_inverse=True)
        padded = int(len(shown) > 0 and shown[0] == -1)
        self.lists = (places.reshape(lists.shape) - padded).astype(np.int32)
        self.shown = shown[shown >= 0]
        self.present = np.unique(self.lengths[self.lengths > 0]).astype(np.int64)
        self.slots = np.full(k + 1, -1, np.int32)
        self.slots[self.present] = np.arange(len(self.present))
        self.covered = run.catalogue[self.shown]
        self.n_catalogue = int(run.catalogue.sum())
        self.width = len(self.present) * len(self.shown)

    def resample(self, weights: NDArray[np.int64]) -> Exposure:
        counts = np.zeros((len(weights), len(self.present), len(self.shown)), np.int64)
        exposure_rows(self.lists, self.lengths, self.k, self.slots, weights, counts)
        listed = weights[:, self.lengths > 0]
        squares = np.square(listed).sum(axis=-1)
        return Exposure(counts, listed.sum(axis=-1), squares, self.present, self.covered, self.n_catalogue)


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
