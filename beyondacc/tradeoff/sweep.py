"""A sweep: one re-ranker at many weights, what each of them changes, and where the trade-off bends."""

from __future__ import annotations

import functools
import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from beyondacc.bound.batch import Batch
from beyondacc.bound.bind import bind
from beyondacc.charts.view import MetricView, StudyView
from beyondacc.data.dataset import Dataset
from beyondacc.data.intake.order import Order
from beyondacc.data.recommendations import Recommendations
from beyondacc.declare.params import Param, Seed
from beyondacc.errors import SpecError
from beyondacc.evaluation.evaluate import check_metrics, check_overlap, evaluate_run
from beyondacc.evaluation.intervals import interval, replicate_runs
from beyondacc.evaluation.report import Report
from beyondacc.metrics.base.metric import Metric, MetricFamily
from beyondacc.metrics.base.registry import check_cutoffs
from beyondacc.metrics.base.states import State
from beyondacc.rerank.base import Reranker, check_weights, find_reranker
from beyondacc.run.local import map_stream
from beyondacc.tradeoff import pareto

__all__ = ["WEIGHTS", "Sweep", "sweep"]

MetricLike = str | Metric | MetricFamily

WEIGHTS = tuple(step / 20 for step in range(21))
"""The weights a sweep tries by default: from 0 to 1 in steps of 0.05."""
_DIGITS = 12
_FORMAT = "{:.4f}".format
_COLUMNS = (
    *("diversity", "metric", "value", "ci_low", "ci_high"),
    *("change", "change_low", "change_high", "n_users", "better"),
)


def sweep(
    reranker: Reranker | str,
    candidates: Any,
    data: Dataset,
    *,
    diversity: Sequence[float] = WEIGHTS,
    k: int | Sequence[int] = 10,
    metrics: MetricLike | Sequence[MetricLike] | None = None,
    columns: Mapping[str, Any] | None = None,
    order: Order = "auto",
    n_boot: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> Sweep:
    """Re-rank by one re-ranker at many weights and evaluate all of them.

    Parameters
    ----------
    reranker
        A re-ranker, or its text such as ``"MMR(distance=cosine)"``; the sweep sets its weight.
    candidates
        Lists with scores, in any form `Recommendations.read` takes.
    data
        The dataset with what the re-ranker and the metrics need.
    diversity
        The weights, in [0, 1], to twelve digits. At 0 the lists are the first k candidates.
    k
        Cutoff of metrics given without one, or several, and the length of the re-ranked lists at least.
    metrics
        Metrics or their names; the core ones that the data allow by default, ``"all"``: all that they allow.
    columns
        Names of columns that are not recognised.
    order
        What orders the lists, as in `evaluate`.
    n_boot, seed
        Replicates and seed of the bootstrap over users behind the intervals, which all weights share; 0 replicates for
        no intervals.
    threads
        Number of threads; one a core by default. The result does not depend on it.

    Returns
    -------
    Sweep

    Raises
    ------
    DataError
        If the candidates cannot be used.
    SpecError
        If a weight, a re-ranker or a metric is unknown or not allowed, or needs what the data lack.
    """
    if not isinstance(data, Dataset):
        raise SpecError(f"data is a {type(data).__name__}; pass a Dataset, such as Dataset(train, test, items)")
    chosen = find_reranker(reranker)
    # 0.3 is one weight however it was computed
    weights = sorted({round(weight, _DIGITS) for weight in check_weights(diversity, "sweep")})
    cutoffs = check_cutoffs(k, "sweep")
    n_boot = Param("n_boot", 1000, Seed).check(n_boot, "sweep")
    seed = Param("seed", 0, Seed).check(seed, "sweep")
    wanted = check_metrics(metrics, data, k=cutoffs)
    longest = max([*cutoffs, *(metric.k for metric in wanted)])
    lists = chosen.sweep(candidates, data, weights, k=longest, columns=columns, order=order, threads=threads)
    check_overlap(next(iter(lists.values())), data, wanted, "candidates")

    def work(made: Recommendations) -> tuple[Batch, dict[Metric, State]]:
        run = bind(made, data)
        return run, evaluate_run(run, wanted, threads=1)

    runs = map_stream(work, lists.values(), threads=threads)  # several weights at a time
    found = zip(runs, replicate_runs(runs, n_boot=n_boot, seed=seed, threads=threads), strict=True)
    reports = [Report(*run, n_boot=n_boot, seed=seed, replicates=replicates) for run, replicates in found]
    return Sweep(chosen, lists, dict(zip(lists, reports, strict=True)))


class Sweep:
    """One re-ranker at many weights.

    Attributes
    ----------
    reranker : Reranker
    lists : dict of float to Recommendations
        The re-ranked lists at each weight, in ascending order.
    reports : dict of float to Report
        What the metrics say of them.
    """

    def __init__(
        self, reranker: Reranker, lists: Mapping[float, Recommendations], reports: Mapping[float, Report]
    ) -> None:
        self.reranker = reranker
        self.lists = dict(lists)
        self.reports = dict(reports)
        self._first = next(iter(self.reports.values()))

    @property
    def metrics(self) -> list[Metric]:
        """The metrics, in the order given."""
        return self._first.metrics

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """A row a weight and metric.

        The columns are diversity, metric, value, ci_low, ci_high, change, change_low, change_high, n_users, better. A
        change is that of the value against weight 0, NaN where 0 is not among the weights; its interval is of the
        differences within each bootstrap replicate, in which both weights have the same users.
        """
        plain = self.reports.get(0.0)
        starts = {metric: plain[metric] for metric in self.metrics} if plain else {}
        rows = []
        for weight, report in self.reports.items():
            for metric in self.metrics:
                found = report[metric]
                change = low = high = float("nan")
                if plain:
                    start = starts[metric]
                    change = found.value - start.value
                    if min(found.n_users, start.n_users) > 1:  # one user says nothing about others
                        paired = report.replicates[metric] - plain.replicates[metric]
                        least, most = metric.bounds
                        low, high = interval(change, paired, (least - most, most - least))
                values = (found.value, found.ci_low, found.ci_high, change, low, high)
                rows.append((weight, str(metric), *values, found.n_users, found.better))
        return pd.DataFrame(rows, columns=_COLUMNS)

    @functools.cached_property
    def values(self) -> pd.DataFrame:
        """The values alone: a row a weight, a column a metric."""
        rows = [[report.value(metric) for metric in self.metrics] for report in self.reports.values()]
        index = pd.Index(list(self.reports), name="diversity")
        return pd.DataFrame(rows, index=index, columns=[str(metric) for metric in self.metrics])

    def per_user(self, metric: MetricLike) -> pd.DataFrame:
        """Return the values of each user: a row a user, indexed by the user's own id, a column a weight.

        Raises
        ------
        SpecError
            If the metric was not evaluated, or has one value for the whole run.
        """
        found = pd.DataFrame({weight: report.per_user(metric) for weight, report in self.reports.items()})
        return found.rename_axis(columns="diversity")

    def pareto(self, *metrics: MetricLike) -> pd.DataFrame:
        """Return the weights that no other weight beats in all of the metrics: diversity and a column a metric.

        Parameters
        ----------
        metrics
            One or several; by default the first that has a better direction and the first such of another family.

        Raises
        ------
        SpecError
            If a metric was not evaluated, or has no better direction.
        """
        chosen = self._objectives(metrics)
        points = self._points(chosen)
        return points[pareto.pareto_front(points.to_numpy(), _maximise(chosen))].reset_index()

    def hypervolume(self, *metrics: MetricLike, reference: Sequence[float] | None = None) -> float:
        """Return the volume of what the weights reach together, one number for a whole trade-off.

        Parameters
        ----------
        metrics
            As in `pareto`.
        reference
            For each metric the value from which on it counts; by default the worst possible one, or where there is
            none, the worst of the sweep. Sweeps are compared from the same reference only.

        Raises
        ------
        SpecError
            If a metric was not evaluated, or has no better direction.
        DataError
            If the reference has not a finite number for each metric.
        """
        chosen = self._objectives(metrics)
        worst = self._reference(chosen) if reference is None else reference
        return pareto.hypervolume(self._points(chosen).to_numpy(), _maximise(chosen), worst)

    def knee(self, x: MetricLike, y: MetricLike) -> float:
        """Return the weight at which the trade-off of two metrics bends most; NaN where it does not bend.

        Of the weights on the front it is the one farthest beyond the straight line between the two ends of the front,
        both metrics being brought to [0, 1] over it (Das 1999, Structural Optimization 18). It depends on which weights
        were tried.

        Raises
        ------
        SpecError
            If a metric was not evaluated, or has no better direction.
        """
        chosen = self._objectives((x, y))
        if len(chosen) < 2:
            raise SpecError(f"a knee is one of two metrics, but {chosen[0]} was given twice; name x and y")
        place = pareto.knee(self._points(chosen).to_numpy(), _maximise(chosen))
        return float("nan") if place is None else list(self.reports)[place]

    def chart(self, *metrics: MetricLike) -> Any:
        """Draw the sweep as an altair chart; ``chart.save("x.svg")`` writes it.

        Parameters
        ----------
        metrics
            Of two, one is drawn against the other along the weights, with the Pareto front and its knee. Of one or more
            than two, each is drawn against the weight with its intervals; all are by default.

        Raises
        ------
        SpecError
            If a metric was not evaluated.
        DataError
            If nothing can be drawn, because no weight has the values.
        DependencyError
            If altair is missing.
        """
        from beyondacc.charts import sweep_charts  # noqa: PLC0415 - altair is an extra

        chosen = list(dict.fromkeys(self._first.find(metric) for metric in metrics))
        names = [str(metric) for metric in chosen]
        if len(chosen) != 2:
            return sweep_charts.curves(self._view(), names or None)
        bends = all(metric.better != "target" for metric in chosen)
        return sweep_charts.path(self._view(), *names, knee=self.knee(*chosen) if bends else float("nan"))

    def to_pandas(self) -> pd.DataFrame:
        """Return a copy of `table`."""
        return self.table.copy()

    def __len__(self) -> int:
        """How many weights there are."""
        return len(self.reports)

    def __repr__(self) -> str:
        table = self._printable().to_string(float_format=_FORMAT, na_rep="undefined")
        return "\n".join([self._head(), table, *self._words()])

    def _repr_html_(self) -> str:
        table = self._printable().to_html(float_format=_FORMAT, na_rep="undefined", border=0)
        head, *words = (f"<p>{html.escape(text)}</p>" for text in (self._head(), *self._words()))
        return "".join([head, table, *words])

    def _printable(self) -> pd.DataFrame:
        return self.values.set_axis([_text(weight) for weight in self.reports]).rename_axis("diversity")

    def _head(self) -> str:
        return f"{self.reranker.kind}: {self._count(len(self))}, {len(self._first.users):,} users"

    def _words(self) -> list[str]:
        """Say in a sentence where the trade-off of the default metrics bends, and how much it covers."""
        chosen = self._apart()
        if len(chosen) < 2:
            return []
        x, y = chosen
        knee, front = self.knee(x, y), self._count(len(self.pareto(x, y)))
        bend = "have no knee" if np.isnan(knee) else f"have their knee at the weight {_text(knee)}"
        worst = " and ".join(f"{value:.4g}" for value in self._reference(chosen))
        text = f"{x} and {y} {bend}; their Pareto front holds {front}"
        return [f"{text}, with a hypervolume of {self.hypervolume(x, y):.4f} reckoned from {worst}"]

    @staticmethod
    def _count(n: int) -> str:
        return f"{n} weight{'' if n == 1 else 's'}"

    def _apart(self) -> list[Metric]:
        """Return the first metric with values and a better direction, and the first such of another family or any."""
        known = self.values.notna().any()
        able = [metric for metric in self.metrics if metric.better != "target" and known[str(metric)]]
        further = [metric for metric in able[1:] if metric.family.family != able[0].family.family] or able[1:]
        return [*able[:1], *further[:1]]

    def _objectives(self, metrics: Sequence[MetricLike]) -> list[Metric]:
        """Return the distinct metrics of a front, each of which must have a better direction."""
        chosen = list(dict.fromkeys(self._first.find(metric) for metric in metrics)) or self._apart()
        if not chosen:
            raise SpecError(
                "no metric of the sweep has values and a better direction; evaluate another, such as ndcg@10"
            )
        aimless = [metric for metric in chosen if metric.better == "target"]
        if aimless:
            raise SpecError(f"{aimless[0]} has a target instead of a better direction, so it has no Pareto front")
        return chosen

    def _points(self, metrics: Sequence[Metric]) -> pd.DataFrame:
        return self.values[[str(metric) for metric in metrics]]

    def _reference(self, metrics: Sequence[Metric]) -> list[float]:
        """Return the worst possible value of each metric, or where there is none, the worst of the sweep."""
        worst = []
        for metric in metrics:
            bound = metric.bounds[0 if metric.better == "higher" else 1]
            values = self.values[str(metric)].dropna()
            seen = 0.0 if values.empty else values.min() if metric.better == "higher" else values.max()
            worst.append(float(bound if np.isfinite(bound) else seen))
        return worst

    def _view(self) -> StudyView:
        """Return the numbers as charts take them: a study of one model, each weight a run of it."""
        table = self.table[["diversity", "metric", "value", "ci_low", "ci_high", "n_users"]]
        table = table.assign(
            run=table["diversity"].map(_text), model="", reranker=self.reranker.kind, seed=float("nan")
        )
        nothing = pd.DataFrame()
        return StudyView(
            title=self.reranker.kind,
            table=table,
            metrics={
                str(each): MetricView(each.family.title, each.better, each.family.family) for each in self.metrics
            },
            correlations=nothing,
            correlation_method="",
            correlation_level="",
            signs=nothing,
            exposure={},
            diagnostics=nothing,
            notes={},
        )


def _maximise(metrics: Sequence[Metric]) -> list[bool]:
    return [metric.better == "higher" for metric in metrics]


def _text(weight: float) -> str:
    return f"{weight:.{_DIGITS}g}"
