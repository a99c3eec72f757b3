"""How the metrics of a study move together, and how far one can rely on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.correlation import agreement, correlate
from beyondacc.correlation.coefficients import Moment
from beyondacc.declare.params import Cutoff, Param
from beyondacc.errors import SpecError
from beyondacc.evaluation.report import Report
from beyondacc.study.runs import PLAIN, Run, Runs

__all__ = ["Correlated"]

Level = Literal["runs", "users"]


class Correlated(Runs):
    """The runs of a study and the correlations of their metrics."""

    def correlations(
        self,
        *,
        method: correlate.Method = "spearman",
        level: Level = "runs",
        oriented: bool = False,
        n_boot: int = 1000,
    ) -> pd.DataFrame:
        """Correlate all pairs of metrics.

        Parameters
        ----------
        method
            ``pearson``, ``spearman`` or ``kendall`` (tau-b).
        level
            ``runs``: across runs, one value a run; ``users``: within each plain model, across users, for metrics that
            have a value for each.
        oriented
            Turn metrics of which lower is better round first, so that a positive coefficient says that both get better
            together.
        n_boot
            Replicates behind the intervals. Whole models are drawn across runs, because the runs of one model's sweep
            are not independent; where there are fewer than three models, runs are. Users are drawn across users.

        Returns
        -------
        DataFrame
            metric_a, metric_b, coefficient, ci_low, ci_high, n, for all ordered pairs; with ``level="users"`` also
            model and seed.
        """
        if Param("level", "runs", Level).check(level, "correlations") == "runs":
            return self._correlate(self.values, method, oriented, n_boot, self.model_groups)
        parts = []
        for run, report in self._plain():
            values = report.per_user_frame().drop(columns="user_id")
            found = self._correlate(values, method, oriented, n_boot, None)
            found.insert(0, "model", run.model)
            found.insert(1, "seed", run.seed)
            parts.append(found)
        return pd.concat(parts, ignore_index=True)

    def correlation_levels(
        self, *, method: Moment = "spearman", oriented: bool = False, n_boot: int = 1000
    ) -> pd.DataFrame:
        """Correlate the metrics that have a value for each user at three levels, which can disagree.

        Parameters
        ----------
        method
            ``pearson`` or ``spearman``.
        oriented, n_boot
            As in `correlations`.

        Returns
        -------
        DataFrame
            A row a pair: metric_a, metric_b; runs, the coefficient across all runs; users, that across the users of a
            plain model, averaged over the plain models; pooled, that across the users of all plain models, each value
            taken about the mean of its model; each with its interval, as runs_low and runs_high; and disagree, whether
            two of the intervals lie on different sides of 0.
        """
        method = Param("method", "spearman", Moment).check(method, "correlation_levels")
        names = [str(metric) for metric in self.metrics if metric.family.grain == "user"]
        numbers = self._numbers(self.values[names], oriented)
        options: dict[str, Any] = {"n_boot": n_boot, "seed": self.study.seed}
        across = correlate.bootstrap_correlation(numbers, method, groups=self.model_groups, **options)
        reports = [report for _, report in self._plain()]
        tables = [self._numbers(report.per_user_frame()[names], oriented) for report in reports]
        first, *others = (report.users for report in reports)
        ends = np.cumsum([len(report.users) for report in reports])
        codes = np.split(pd.factorize(first.append(others))[0].astype(np.int64), ends[:-1])
        mean, pooled = agreement.within_runs(tables, codes, method, **options)
        runs = agreement.Interval(across.coefficient, across.low, across.high)
        return agreement.list_levels(names, {"runs": runs, "users": mean, "pooled": pooled})

    def disagreements(self, *, n: int = 5, **options: Any) -> list[str]:
        """Say in a sentence each where the levels disagree most: the first n pairs, options as `correlation_levels`."""
        n = Param("n", 5, Cutoff).check(n, "disagreements")
        return agreement.disagreements(self.correlation_levels(**options), n)

    def partial_correlations(
        self,
        given: str,
        *,
        method: correlate.Method = "spearman",
        level: Level = "runs",
        oriented: bool = False,
        n_boot: int = 1000,
    ) -> pd.DataFrame:
        """Correlate all pairs of other metrics with one metric held fixed, such as accuracy.

        Two metrics can move together only because both follow accuracy from model to model; their partial correlation
        is what is left.

        Parameters
        ----------
        given
            The metric that is held fixed, such as ``"ndcg@10"``.
        method, level, oriented, n_boot
            As in `correlations`.

        Returns
        -------
        DataFrame
            As `correlations`, without the given metric.

        Raises
        ------
        SpecError
            If the metric was not evaluated, or has no value for each user where the level needs it.
        """
        fixed = next(iter(self.reports.values())).find(given)
        options: dict[str, Any] = {"method": method, "n_boot": n_boot, "seed": self.study.seed}

        def correlated(values: pd.DataFrame, groups: Any) -> pd.DataFrame:
            names = list(values.columns)
            place = names.index(str(fixed))
            found = agreement.partial(self._numbers(values, oriented), place, groups=groups, **options)
            frame = correlate.to_frame(found, names)
            return frame[(frame["metric_a"] != str(fixed)) & (frame["metric_b"] != str(fixed))].reset_index(drop=True)

        if Param("level", "runs", Level).check(level, "partial_correlations") == "runs":
            return correlated(self.values, self.model_groups)
        parts = []
        for run, report in self._plain():
            report.per_user(fixed)  # says that a metric of the whole run has no value for each
            found = correlated(report.per_user_frame().drop(columns="user_id"), None)
            found.insert(0, "model", run.model)
            found.insert(1, "seed", run.seed)
            parts.append(found)
        return pd.concat(parts, ignore_index=True)

    def correlation_stability(self, *, method: correlate.Method = "spearman", oriented: bool = False) -> pd.DataFrame:
        """Correlate across the runs of every seed apart: what another split would have said.

        Returns
        -------
        DataFrame
            A row a pair: metric_a, metric_b, a column for each seed such as ``seed 0``, their mean, sd and spread
            (largest less smallest), and changes_sign, whether they have different signs.

        Raises
        ------
        SpecError
            If the study has one split only.
        """
        seeds = list(dict.fromkeys(run.seed for run in self.reports))
        if len(seeds) < 2:
            raise SpecError(
                f"the study has the split of seed {seeds[0]} only; stability needs several, such as "
                "Study({0: Dataset.split(..., seed=0), 1: Dataset.split(..., seed=1)}, ...)"
            )
        of_run = np.array([run.seed for run in self.reports])
        numbers = self._numbers(self.values, oriented)
        tables = {seed: numbers[of_run == seed] for seed in seeds}
        return agreement.stability(tables, list(self.values.columns), method)

    def correlation_influence(
        self, *, method: correlate.Method = "spearman", oriented: bool = False, n_boot: int = 1000
    ) -> pd.DataFrame:
        """Correlate across runs without each model in turn, so that one odd model cannot make a correlation unnoticed.

        Parameters
        ----------
        method, oriented, n_boot
            As in `correlations`.

        Returns
        -------
        DataFrame
            A row a pair: metric_a, metric_b, coefficient, ci_low, ci_high of all runs, a column such as ``without
            EASE`` for each model; model, the one whose absence changes most, and the change; and of any absence,
            changes_sign and leaves_interval.

        Raises
        ------
        SpecError
            If the study has one model only.
        """
        models = [run.model for run in self.reports]
        if len(set(models)) < 2:
            raise SpecError(f"the study has the model {models[0]} only; leaving one out needs several")
        numbers = self._numbers(self.values, oriented)
        whole = correlate.bootstrap_correlation(
            numbers, method, groups=self.model_groups, n_boot=n_boot, seed=self.study.seed
        )
        return agreement.influence(numbers, models, whole, list(self.values.columns), method)

    @property
    def model_groups(self) -> NDArray[np.int64] | None:
        """The model of each run, whose runs are drawn together; None where there are too few models to draw."""
        models = pd.factorize(pd.Series([run.model for run in self.reports]))[0]
        return models.astype(np.int64) if len(set(models)) >= 3 else None

    def _numbers(self, values: pd.DataFrame, oriented: bool) -> NDArray[np.float64]:
        """Return a table of metrics as numbers, those of which lower is better turned round if asked for."""
        numbers = values.to_numpy(np.float64)
        better = {str(metric): metric.better for metric in self.metrics}
        return correlate.orient(numbers, [better[name] for name in values.columns]) if oriented else numbers

    def _correlate(
        self, values: pd.DataFrame, method: correlate.Method, oriented: bool, n_boot: int, groups: Any
    ) -> pd.DataFrame:
        numbers = self._numbers(values, oriented)
        found = correlate.bootstrap_correlation(numbers, method, groups=groups, n_boot=n_boot, seed=self.study.seed)
        return correlate.to_frame(found, list(values.columns))

    def _plain(self) -> Iterator[tuple[Run, Report]]:
        """Yield the runs without a re-ranker."""
        return ((run, report) for run, report in self.reports.items() if run.reranker == PLAIN)

    def _all_correlations(self) -> pd.DataFrame:
        """Correlations across runs and within models, by all three methods; plain coefficients, not oriented."""
        parts = []
        levels: tuple[Level, ...] = ("runs", "users")
        methods: tuple[correlate.Method, ...] = ("pearson", "spearman", "kendall")
        for level, method in itertools.product(levels, methods):
            if level == "users" and method == "kendall":
                continue  # compares all pairs of users: asked for by name, not written by default
            part = self.correlations(method=method, level=level)
            parts.append(part.assign(level=level, method=method))
        found = pd.concat(parts, ignore_index=True)
        first = ["level", "model", "seed", "method"]
        return found[[*first, *(column for column in found.columns if column not in first)]]
