"""Randomisation: what the differences of two systems would be if users had got their lists from either by chance.

Under the hypothesis that it makes no difference to a user which of two systems made the list, every exchange of the two
lists of some users is as likely as what was observed. For a mean over users an exchange turns the sign of a difference
(Fisher 1935, The Design of Experiments, section 21); for counts of a run, such as coverage, both runs are counted anew
(the randomisation test of Smucker, Allan & Carterette 2007, CIKM, applied to a statistic that is no mean).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.comparison.significance import ROUNDING
from beyondacc.metrics.base.metric import Metric
from beyondacc.metrics.base.resampling import at_once, weighted_sums
from beyondacc.metrics.base.states import State
from beyondacc.run.local import map_stream
from beyondacc.types import Bools

__all__ = ["Means", "Statistic", "Values", "counted", "enumerated", "permutation_p"]


class Statistic(Protocol):
    """Differences of two systems, several at once, that can be computed for exchanged lists.

    Attributes
    ----------
    differ : (users,)
        Users for whom an exchange can change anything.
    scale : (differences,)
        Of what size the numbers are that cancel out.
    """

    differ: Bools
    scale: NDArray[np.float64]

    def exchanged(self, swapped: Bools) -> NDArray[np.float64]:
        """Return the differences, shape (exchanges, differences), where `swapped` is (exchanges, users)."""


class Exchange(Protocol):
    """Two states whose users exchange their lists; see `metrics.base.resampling`."""

    differ: Bools

    def pairs(self, swapped: Bools) -> Iterable[tuple[Any, Any]]:
        """Yield what the values of both systems are made of, where `swapped` is (exchanges, users)."""


class Means:
    """Sums of paired differences: an exchange turns a sign.

    Parameters
    ----------
    columns : (users, differences)
        NaN for users who are left out.
    """

    def __init__(self, columns: NDArray[np.float64]) -> None:
        self.columns = np.nan_to_num(columns)
        self.differ = np.asarray(self.columns.any(axis=1))
        self.scale = np.abs(self.columns).sum(axis=0)

    def exchanged(self, swapped: Bools) -> NDArray[np.float64]:
        """Return the sums with the signs turned."""
        return np.asarray(self.columns.sum(axis=0) - 2.0 * weighted_sums(swapped.astype(np.float64), self.columns))


class Values:
    """Values of both systems, which are made anew from what an exchange moves between them."""

    def __init__(self, metrics: Sequence[Metric], exchange: Exchange) -> None:
        self.metrics, self.exchange = metrics, exchange
        self.differ = exchange.differ
        self.scale = np.ones(len(metrics))

    def exchanged(self, swapped: Bools) -> NDArray[np.float64]:
        """Return the differences of the values of each metric."""
        parts = [
            np.column_stack([metric.finish(one) - metric.finish(other) for metric in self.metrics])
            for one, other in self.exchange.pairs(swapped)
        ]
        return np.concatenate(parts)


def counted(
    one: tuple[Batch, Mapping[Metric, State]], other: tuple[Batch, Mapping[Metric, State]]
) -> list[tuple[list[Metric], Statistic]]:
    """Return the statistics of the metrics at the grain of a run, for two runs with the same users in the same order.

    Returns
    -------
    list
        The metrics of each statistic, one for each of its differences.
    """
    found: list[tuple[list[Metric], Statistic]] = []
    together: dict[Hashable, list[Metric]] = {}
    for metric, state in one[1].items():
        if state.per_user is None:
            together.setdefault(state.shared or metric, []).append(metric)
    for metrics in together.values():
        mine, theirs = (states[metrics[0]] for _, states in (one, other))
        found.append((metrics, Values(metrics, mine.exchanged(mine, theirs, one[0].world))))
    return found


def permutation_p(
    statistics: Sequence[Statistic], *, n: int, seed: int, threads: int | None = 1
) -> list[NDArray[np.float64]]:
    """Return the two-sided p of each difference: how many exchanges give one as far from 0 as the observed one.

    Parameters
    ----------
    statistics
        Of the same users; those that are not enumerated share their random exchanges.
    n
        How many random exchanges are drawn, each user's lists being exchanged or not with equal chance. Where no more
        exchanges exist among the users who differ, every one is counted instead, and the p is exact.
    seed
        Of the draws.
    threads
        Number of threads; None: one a core. The p do not depend on it.

    Returns
    -------
    list of arrays
        For each statistic (differences,); NaN where the observed one is undefined. A random p counts the observed
        exchange among those drawn, so that none is 0 (Phipson & Smyth 2010, Statistical Applications in Genetics and
        Molecular Biology 9(1)).
    """
    tallies = [_Tally(each) for each in statistics]
    drawn = [tally for tally in tallies if not enumerated(tally.statistic, n)]
    for tally in tallies:
        if enumerated(tally.statistic, n):
            tally.add(map_stream(tally.count, _every(tally.statistic.differ), threads=threads))
    if drawn:
        n_users = len(statistics[0].differ)
        counts = map_stream(
            lambda swapped: [tally.count(swapped) for tally in drawn], _drawn(n_users, n, seed), threads=threads
        )
        for tally, parts in zip(drawn, zip(*counts, strict=True), strict=True):
            tally.add([np.ones((2, 1), np.int64), *parts])
    return [tally.p for tally in tallies]


def enumerated(statistic: Statistic, n: int) -> bool:
    """Whether there are no more than n exchanges among the users who differ."""
    n_differ = int(np.count_nonzero(statistic.differ))
    return n_differ < 63 and 2**n_differ <= n


def _drawn(n_users: int, n: int, seed: int) -> Iterator[Bools]:
    """Yield random exchanges, in chunks; each is drawn apart, so that they do not depend on the chunks."""
    rng = np.random.default_rng(seed)
    chunk = at_once(n_users)
    for start in range(0, n, chunk):
        coins = [np.frombuffer(rng.bytes(-(-n_users // 8)), np.uint8) for _ in range(min(chunk, n - start))]
        yield np.unpackbits(np.array(coins), axis=1, count=n_users).view(np.bool_)


def _every(differ: Bools) -> Iterator[Bools]:
    """Yield all exchanges among some users, in chunks."""
    rows, n_users = np.flatnonzero(differ), len(differ)
    total = 2 ** len(rows)
    chunk = at_once(n_users)
    for start in range(0, total, chunk):
        codes = np.arange(start, min(start + chunk, total))
        patterns = np.zeros((len(codes), n_users), np.bool_)
        patterns[:, rows] = codes[:, None] >> np.arange(len(rows)) & 1
        yield patterns


class _Tally:
    """How many exchanges give a difference as far from 0 as the observed one, of how many that define it."""

    def __init__(self, statistic: Statistic) -> None:
        self.statistic = statistic
        observed = np.abs(statistic.exchanged(np.zeros((1, len(statistic.differ)), np.bool_))[0])
        self.least = observed - ROUNDING * np.maximum(statistic.scale, observed)
        self.far = np.zeros(len(observed), np.int64)
        self.defined = np.zeros(len(observed), np.int64)

    def count(self, swapped: Bools) -> NDArray[np.int64]:
        """Return for some exchanges how many are as far from 0 and how many define a difference, (2, differences)."""
        found = np.abs(self.statistic.exchanged(swapped))
        return np.array([np.count_nonzero(sides, axis=0) for sides in (found >= self.least, ~np.isnan(found))])

    def add(self, counts: Iterable[NDArray[np.int64]]) -> None:
        """Take what was counted."""
        for far, defined in counts:
            self.far, self.defined = self.far + far, self.defined + defined

    @property
    def p(self) -> NDArray[np.float64]:
        known = ~np.isnan(self.least) & (self.defined > 0)
        return np.where(known, self.far / np.maximum(self.defined, 1), np.nan)
