"""Bootstrap over users: how far a value would move if other users had been sampled (Efron & Tibshirani 1993, ch. 13).

The interval is the percentile interval, moved so that the replicates' mean lies on the estimate. For means that changes
nothing; coverage and the like are biased downwards in every resample, which shows a part of the users only, and their
plain percentile interval can miss the estimate altogether.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.data.world import World
from beyondacc.errors import DataError
from beyondacc.kernels.hashing import mix
from beyondacc.metrics.base.metric import Metric
from beyondacc.metrics.base.resampling import Units, at_once
from beyondacc.metrics.base.states import State
from beyondacc.run.local import map_stream

__all__ = ["Replicates", "groups_of", "interval", "n_groups_for", "replicate_runs", "replicate_states", "units_of"]

Replicates = dict[Metric, NDArray[np.float64]]
MOST_USERS: Final = 100_000
"""Users that are resampled one by one; of more, groups are."""
GROUPS: Final = 1000
FEW_GROUPS: Final = 200
MANY_ITEMS: Final = 10**6


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
    runs: Sequence[tuple[Batch, Mapping[Metric, State]]],
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
    if not runs:
        return []
    units = units_of(runs[0][0])
    n_units = sizes[0] if units is None else units.n
    found = [(run.world, states) for run, states in runs]
    return replicate_states(found, n_units, units, n_boot=n_boot, seed=seed, threads=threads)


def replicate_states(
    states_of: Sequence[tuple[World, Mapping[Metric, State]]],
    n_units: int,
    units: Units | None = None,
    *,
    n_boot: int,
    seed: int,
    threads: int | None = None,
) -> list[Replicates]:
    """Return the replicates of several states of the same users or groups of users, as `replicate_runs` does.

    Parameters
    ----------
    states_of
        The states of the metrics of each run, and the world in which they were made.
    n_units
        How many users, or groups of them, are drawn each time.
    units
        The group of each user, where the states know single users and groups are drawn.
    """
    resampled = [_Resampled(world, states, units) for world, states in states_of]

    def work(weights: NDArray[np.int64]) -> list[Replicates]:
        numbers = weights.astype(np.float64)
        return [each.replicates(weights, numbers) for each in resampled]

    chunks = map_stream(work, _resamples(n_units, n_boot, seed), threads=threads)
    return [
        {metric: np.concatenate([np.empty(0), *(chunk[place][metric] for chunk in chunks)]) for metric in states}
        for place, (_, states) in enumerate(states_of)
    ]


class _Resampled:
    """What the replicates of one run are made of."""

    def __init__(self, world: World, states: Mapping[Metric, State], units: Units | None) -> None:
        together: dict[Hashable, dict[Metric, State]] = {}
        for metric, state in states.items():
            together.setdefault((type(state).resampled, state.together), {})[metric] = state
        self.parts = [next(iter(several.values())).resampled(several, world, units) for several in together.values()]

    def replicates(self, weights: NDArray[np.int64], numbers: NDArray[np.float64]) -> Replicates:
        """Return those of a chunk of multiplicities, given as whole numbers and as floats."""
        found: Replicates = {}
        for part in self.parts:
            found |= part.replicates(weights, numbers)
        return found


def units_of(run: Batch) -> Units | None:
    """Return the groups of users that are resampled in the place of single users, where these are many; else None."""
    if len(run) <= MOST_USERS:
        return None
    return groups_of(run, n_groups_for(run.world))


def groups_of(run: Batch, n: int) -> Units:
    """Put users into groups by their ids, which the same user is in wherever she is evaluated."""
    return Units((mix(run.user_hashes) % np.uint64(n)).astype(np.int64), n)


def n_groups_for(world: World) -> int:
    """Return into how many groups users are put: fewer where each of them holds many items."""
    return FEW_GROUPS if world.n_known >= MANY_ITEMS else GROUPS


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
