"""Bootstrap over users: how far a value would move if other users had been sampled (Efron & Tibshirani 1993, ch. 13).

The interval is the percentile interval, moved so that the replicates' mean lies on the estimate. For means that changes
nothing; coverage and the like are biased downwards in every resample, which shows a part of the users only, and their
plain percentile interval can miss the estimate altogether.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.data.binding import Binding
from beyondacc.errors import DataError
from beyondacc.run.local import map_stream
from beyondacc.spec.metric import Metric
from beyondacc.spec.states import Exposure, PerUser, State, Sums, exposure_slots

__all__ = ["Compact", "Replicates", "at_once", "interval", "replicate_runs", "weighted_sums"]

Replicates = dict[Metric, NDArray[np.float64]]
_CELLS = 4_000_000  # numbers in a chunk of replicates, at most
_CACHED = 2**17  # numbers that stay in a core's cache
_SOME = 32  # replicates that make it worth to go through the rows once
_SINGLE = 2**18  # multiplications for which OpenBLAS starts no threads
_EXACT = 2**24  # whole numbers below have no rounding in single precision


def at_once(width: int) -> int:
    """Return how many replicates of so many numbers each are computed at once: as a core's cache and memory allow."""
    width = max(1, width)
    return max(1, min(_CELLS // width, max(_SOME, _CACHED // width)))


def _resamples(n_rows: int, n_boot: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield chunks of multiplicities, shape (replicates, rows), the same for the same seed whatever the chunks are."""
    rng = np.random.default_rng(seed)
    chunk = at_once(n_rows)
    for start in range(0, n_boot, chunk):
        n = min(chunk, n_boot - start)
        drawn = rng.integers(0, n_rows, (n, n_rows), dtype=np.int64)
        drawn += n_rows * np.arange(n)[:, None]
        yield np.bincount(drawn.ravel(), minlength=n * n_rows).reshape(n, n_rows)


def replicate_runs(
    runs: Sequence[tuple[Binding, Mapping[Metric, State]]],
    *,
    n_boot: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> list[Replicates]:
    """Return the replicates of several runs over the same users, who are drawn once for all runs.

    The replicates of each run are those it has alone, bit by bit, so that the difference of two runs in a replicate is
    a paired one. Besides the states, a copy of their numbers is held for each run, and chunks of replicates whose size
    does not depend on how many runs there are.

    Parameters
    ----------
    runs
        Each run with the states of its metrics.
    n_boot, seed
        Number of replicates, and seed of the draws.
    threads
        Number of threads; None: one a core. The replicates do not depend on it.

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

    def work(weights: NDArray[np.int64]) -> list[Replicates]:
        numbers = weights.astype(np.float64)
        return [each.replicates(weights, numbers) for each in resampled]

    chunks = map_stream(work, _resamples(sizes[0], n_boot, seed) if sizes else (), threads=threads)
    return [
        {metric: np.concatenate([np.empty(0), *(chunk[place][metric] for chunk in chunks)]) for metric in states}
        for place, (_, states) in enumerate(runs)
    ]


class _Resampled:
    """What the replicates of one run are made of."""

    def __init__(self, run: Binding, states: Mapping[Metric, State]) -> None:
        self.columns = _Columns(states)
        kinds: dict[tuple[int, Literal["length", "rank"]], list[Metric]] = {}
        for metric, state in states.items():
            if isinstance(state, Exposure):
                kinds.setdefault((metric.k, state.by), []).append(metric)
        self.exposures = [(Compact(run, *kind), metrics) for kind, metrics in kinds.items()]

    def replicates(self, weights: NDArray[np.int64], numbers: NDArray[np.float64]) -> Replicates:
        """Return those of a chunk of multiplicities, given as whole numbers and as floats."""
        found = self.columns.resample(numbers)
        for exposure, metrics in self.exposures:
            parts = [
                [np.asarray(metric.finish(shown), np.float64) for metric in metrics]
                for shown in map(exposure.resample, exposure.cut(weights))
            ]
            found |= {metric: np.concatenate(values) for metric, *values in zip(metrics, *parts, strict=True)}
        return found


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
        totals = weighted_sums(weights, self.values)
        n_defined = weighted_sums(weights, self.defined)[:, self.pattern]
        means = np.full(n_defined.shape, np.nan)
        np.divide(totals[:, : len(self.means)], n_defined, out=means, where=n_defined > 0)
        found = {metric: means[:, place] for place, metric in enumerate(self.means)}
        for metric, places in self.sums.items():
            found[metric] = np.asarray(metric.finish(totals[:, places]), np.float64)
        return found


def weighted_sums(weights: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``weights @ columns``, of (replicates, rows) and (rows, n), with the same bits on any number of threads.

    The rows are cut so that no product is worth a second thread to a linear algebra library. Chunks of replicates are
    on threads already, and a library that spreads each of them once more took three times as long.
    """
    step = max(1, _SINGLE // max(1, len(weights) * columns.shape[1]))
    total = np.zeros((len(weights), columns.shape[1]))
    for start in range(0, len(columns), step):
        total += weights[:, start : start + step] @ columns[start : start + step]
    return total


class Compact:
    """The lists of a run over the items that are shown at all, so that a replicate costs no walk over the catalogue.

    Attributes
    ----------
    slots : (slots,)
        What is counted apart: list lengths or ranks.
    shown : (items,)
        The items that are shown.
    incidence : (slots * items, rows)
        1 where a row shows an item in a slot: its product with the multiplicities of rows counts the showings, many
        replicates at a time.
    listed : (rows,)
        Which rows have a list.
    """

    def __init__(self, run: Binding, k: int, by: Literal["length", "rank"]) -> None:
        self.run, self.by = run, by
        lengths = np.minimum(run.lengths, k).astype(np.int32)
        self.listed = lengths > 0
        self.slots, lookup = exposure_slots(lengths, k, by)
        rows, ranks, listed = run.ranked.flat(k)
        self.shown, places = np.unique(run.ranked.items[listed], return_inverse=True)
        slots = lookup[ranks] if by == "rank" else lookup[lengths[rows]]
        self.shape = (len(self.slots), len(self.shown))
        cells = (slots * len(self.shown) + places.ravel(), rows)
        ones = np.ones(len(rows), np.float32 if len(run) < _EXACT else np.float64)
        self.incidence: sparse.csr_array[Any] = sparse.csr_array((ones, cells), (math.prod(self.shape), len(run)))

    def cut(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        """Cut replicates into parts whose counts fit into memory."""
        step = at_once(math.prod(self.shape))
        return [rows[start : start + step] for start in range(0, len(rows), step)]

    def count(self, incidence: sparse.csr_array[Any], weights: NDArray[Any]) -> NDArray[np.int64]:
        """Return the showings in each slot, shape (replicates, slots, items), of rows that count several times.

        Parameters
        ----------
        incidence : (slots * items, rows)
            Of these slots and items.
        weights : (replicates, rows)
            How often a row counts; every sum is a whole number that its type can hold.
        """
        counts: NDArray[Any] = incidence @ weights.T.astype(incidence.dtype, order="C")
        return counts.T.astype(np.int64, order="C").reshape(len(weights), *self.shape)

    def exposure(self, shown: NDArray[np.int64], lists: NDArray[np.int64], squares: NDArray[np.int64]) -> Exposure:
        """Put counts of replicates together: showings, lists, and the sum of their squared multiplicities."""
        return Exposure(shown, self.slots, self.by, lists, squares, self.shown, self.run)

    def resample(self, weights: NDArray[np.int64]) -> Exposure:
        """Count with multiplicities of the rows, shape (replicates, rows)."""
        listed = weights if self.listed.all() else weights[:, self.listed]
        squares = np.einsum("ru,ru->r", listed, listed)  # without a copy of the squares
        return self.exposure(self.count(self.incidence, weights), listed.sum(axis=-1), squares)


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
