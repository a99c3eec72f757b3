"""Pairs of runs: the differences of their values, resampled and tested."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.comparison import significance, swaps
from beyondacc.comparison.significance import Paired
from beyondacc.comparison.systems import System
from beyondacc.evaluation.intervals import interval, replicate_runs
from beyondacc.metrics.base.metric import Metric
from beyondacc.metrics.base.states import PerUser

__all__ = ["Pair", "Test", "resample", "run_tests"]

Test = Literal["permutation", "t", "wilcoxon", "bootstrap"]


class Pair:
    """Two systems and what is found out about them, metric by metric."""

    def __init__(self, one: System, other: System, metrics: Sequence[Metric]) -> None:
        self.one, self.other, self.metrics = one, other, metrics
        self.paired: dict[Metric, Paired] = {}
        for metric in metrics:
            mine, theirs = one.states[metric].per_user, other.states[metric].per_user
            if mine is not None and theirs is not None:
                self.paired[metric] = Paired.of(mine, theirs)
        self.replicates: dict[Metric, NDArray[np.float64]] = {}
        self.p: dict[Metric, float] = {}
        self.tests: dict[Metric, str] = {}

    def difference(self, metric: Metric) -> float:
        """Return the difference of the values, over the users who define both."""
        if paired := self.paired.get(metric):
            return float(paired.defined.mean()) if paired.n else math.nan
        return self.one.values[metric] - self.other.values[metric]

    def found(self, metric: Metric, test: str, p: float) -> None:
        """Note the outcome of a test."""
        self.tests[metric], self.p[metric] = test, p

    def rows(self, confidence: float) -> list[dict[str, Any]]:
        """Return a row a metric, all but what needs the other pairs."""
        return [self._row(metric, confidence) for metric in self.metrics]

    def _row(self, metric: Metric, confidence: float) -> dict[str, Any]:
        paired = self.paired.get(metric)
        value, other = (paired.value, paired.other) if paired else (self.one.values[metric], self.other.values[metric])
        difference, replicates = self.difference(metric), self.replicates[metric]
        span = metric.bounds[1] - metric.bounds[0]
        defined = replicates[~np.isnan(replicates)]
        low = high = error = math.nan
        if len(self.one.users) > 1 and (paired is None or paired.n > 1):  # one user says nothing about others
            low, high = interval(difference, replicates, (-span, span), confidence)
            error = paired.standard_error if paired else float(defined.std(ddof=1)) if len(defined) > 1 else math.nan
        higher, lower, equal = paired.shares if paired and metric.better != "target" else (math.nan,) * 3
        return {
            "metric": str(metric),
            "system": self.one.name,
            "other": self.other.name,
            "value": value,
            "other_value": other,
            "difference": difference,
            "ci_low": low,
            "ci_high": high,
            "effect_size": paired.effect_size if paired else math.nan,
            "share_better": higher if metric.better == "higher" else lower,
            "share_worse": lower if metric.better == "higher" else higher,
            "share_equal": equal,
            "n_users": paired.n if paired else len(self.one.users),
            "n_left_out": paired.n_left_out if paired else 0,
            "test": self.tests[metric],
            "p": self.p[metric],
            "detectable": significance.detectable(error, confidence),
            "better": metric.better,
        }


def resample(
    pairs: Sequence[Pair], systems: Mapping[str, System], *, n: int, seed: int, threads: int | None = None
) -> None:
    """Resample the users, the same for all systems and pairs."""
    runs: list[Any] = [
        (pair.one.run, {metric: PerUser(paired.difference) for metric, paired in pair.paired.items()}) for pair in pairs
    ]
    for system in systems.values():
        counts = {metric: state for metric, state in system.states.items() if state.per_user is None}
        runs.append((system.run, counts))
    found = replicate_runs(runs, n_boot=n, seed=seed, threads=threads)
    of_system = dict(zip(systems, found[len(pairs) :], strict=True))
    for pair, replicates in zip(pairs, found, strict=False):
        one, other = of_system[pair.one.name], of_system[pair.other.name]
        pair.replicates = replicates | {metric: one[metric] - other[metric] for metric in one}


def run_tests(pairs: Sequence[Pair], test: Test, *, n: int, seed: int, threads: int | None = None) -> None:
    """Find the p of every pair and metric, by random exchanges that all of them share."""
    exchanges: list[tuple[list[_Key], swaps.Statistic]] = []
    for pair in pairs:
        for metric in pair.metrics:
            paired = pair.paired.get(metric)
            if test == "bootstrap":
                pair.found(metric, test, significance.bootstrap_p(pair.replicates[metric], pair.difference(metric)))
            elif paired and test != "permutation":
                by = {"t": significance.t_test, "wilcoxon": significance.wilcoxon}[test]
                pair.found(metric, test, by(paired.defined))
            elif paired and not paired.n:
                pair.found(metric, test, math.nan)
        if test == "permutation":
            exchanges += [
                ([(pair, metric)], swaps.Means(paired.difference[:, None]))
                for metric, paired in pair.paired.items()
                if paired.n
            ]
        if test != "bootstrap":
            counts = swaps.counted((pair.one.run, pair.one.states), (pair.other.run, pair.other.states))
            exchanges += [([(pair, metric) for metric in metrics], statistic) for metrics, statistic in counts]
    exchanges = _joined(exchanges, n)
    tested = swaps.permutation_p([statistic for _, statistic in exchanges], n=n, seed=seed, threads=threads)
    for (keys, statistic), values in zip(exchanges, tested, strict=True):
        name = "exact permutation" if swaps.enumerated(statistic, n) else "permutation"
        for (pair, metric), p in zip(keys, values.tolist(), strict=True):
            pair.found(metric, name, p)


def _joined(exchanges: list[tuple[list[_Key], swaps.Statistic]], n: int) -> list[tuple[list[_Key], swaps.Statistic]]:
    """Put all means that take random exchanges side by side, so that one product with the signs serves them all."""
    joined: list[tuple[list[_Key], swaps.Statistic]] = []
    others: list[tuple[list[_Key], swaps.Statistic]] = []
    for entry in exchanges:
        alike = isinstance(entry[1], swaps.Means) and not swaps.enumerated(entry[1], n)
        (joined if alike else others).append(entry)
    if joined:
        columns = [statistic.columns for _, statistic in joined if isinstance(statistic, swaps.Means)]
        others.append(([key for keys, _ in joined for key in keys], swaps.Means(np.hstack(columns))))
    return others


_Key = tuple[Pair, Metric]
