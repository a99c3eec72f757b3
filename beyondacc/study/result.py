"""What a study found: table, correlations, signs, fronts, charts, files."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from beyondacc.errors import DataError, SpecError, choices
from beyondacc.results import Report
from beyondacc.spec.metric import Metric
from beyondacc.study import correlate, pareto
from beyondacc.study.view import MetricView, StudyView

if TYPE_CHECKING:
    from beyondacc.study.grid import Study

__all__ = ["FILES", "PLAIN", "Run", "StudyResult", "check_folder"]

FILES = ("results.parquet", "per_user.parquet", "correlations.csv", "report.html")
"""What `StudyResult.save` writes."""

PLAIN = "none"
"""What a run without a re-ranker has in the column reranker."""
Level = Literal["runs", "users"]
_RUN = ("run", "model", "reranker", "diversity", "seed")
_VALUE = ("metric", "k", "value", "ci_low", "ci_high", "n_users", "n_undefined")


@dataclasses.dataclass(frozen=True)
class Run:
    """One cell of the grid."""

    model: str
    reranker: str
    diversity: float
    seed: int

    def __str__(self) -> str:
        return self.model if self.reranker == PLAIN else f"{self.model} + {self.reranker} {self.diversity:g}"


class StudyResult:
    """The runs of a study and what they say together.

    Attributes
    ----------
    reports : dict of Run to Report
    seconds
        How long the study took.
    failures : dict of Run to str
        What happened to the runs that failed, which are in no table.
    """

    def __init__(
        self, study: Study, reports: Mapping[Run, Report], seconds: float, failures: Mapping[Run, str] | None = None
    ) -> None:
        self.study = study
        self.reports = dict(reports)
        self.seconds = seconds
        self.failures = dict(failures or {})

    def __repr__(self) -> str:
        failed = f", {len(self.failures)} failed" if self.failures else ""
        return f"StudyResult({len(self.reports)} runs, {len(self.metrics)} metrics{failed})"

    @property
    def metrics(self) -> list[Metric]:
        """The metrics, in the order given."""
        return self.study.metrics

    def name(self, run: Run) -> str:
        """Return the name of a run in tables; with several splits it says which."""
        return str(run) if len(self.study.data) == 1 else f"{run}, seed {run.seed}"

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """A row a run and metric: run, model, reranker, diversity, seed, metric, k, value, interval, user counts."""
        rows = []
        for run, report in self.reports.items():
            for metric in self.metrics:
                found = report[metric]
                rows.append(
                    (
                        self.name(run),
                        *dataclasses.astuple(run),
                        str(metric),
                        metric.k,
                        found.value,
                        found.ci_low,
                        found.ci_high,
                        found.n_users,
                        found.n_undefined,
                    )
                )
        return pd.DataFrame(rows, columns=[*_RUN, *_VALUE])

    @functools.cached_property
    def values(self) -> pd.DataFrame:
        """The values alone: a row a run, a column a metric."""
        wide = self.table.pivot_table(index="run", columns="metric", values="value", sort=False, dropna=False)
        return wide[[str(metric) for metric in self.metrics]]

    @functools.cached_property
    def per_user(self) -> pd.DataFrame:
        """A row a run and user: run, model, reranker, diversity, seed, user_id and a column a per-user metric."""
        frames = []
        for run, report in self.reports.items():
            frame = report.per_user_frame()
            for place, (column, value) in enumerate({"run": self.name(run), **dataclasses.asdict(run)}.items()):
                frame.insert(place, column, value)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    @functools.cached_property
    def diagnostics(self) -> pd.DataFrame:
        """A row a run: run, the counts of `Report.diagnostics`, and the most users any metric is undefined for."""
        undefined = self.table.groupby("run", sort=False)["n_undefined"].max()
        counts = [{"run": self.name(run), **report.diagnostics} for run, report in self.reports.items()]
        return pd.DataFrame(counts).assign(undefined_users=undefined.to_numpy())

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
        if level == "runs":
            models = pd.factorize(pd.Series([run.model for run in self.reports]))[0]
            groups = models if len(set(models)) >= 3 else None
            return self._correlate(self.values, method, oriented, n_boot, groups)
        if level != "users":
            raise SpecError(f"level={level!r} is not allowed; level must be 'runs' or 'users'")
        parts = []
        for run, report in self.reports.items():
            if run.reranker == PLAIN:
                values = report.per_user_frame().drop(columns="user_id")
                found = self._correlate(values, method, oriented, n_boot, None)
                found.insert(0, "model", run.model)
                found.insert(1, "seed", run.seed)
                parts.append(found)
        return pd.concat(parts, ignore_index=True)

    def _correlate(
        self, values: pd.DataFrame, method: correlate.Method, oriented: bool, n_boot: int, groups: Any
    ) -> pd.DataFrame:
        names = list(values.columns)
        numbers = values.to_numpy(np.float64)
        if oriented:
            better = {str(metric): metric.better for metric in self.metrics}
            numbers = correlate.orient(numbers, [better[name] for name in names])
        found = correlate.bootstrap_correlation(numbers, method, groups=groups, n_boot=n_boot, seed=self.study.seed)
        return correlate.to_frame(found, names)

    @functools.cached_property
    def _signs(self) -> pd.DataFrame:
        rows = []
        for run, report in self.reports.items():
            plain = self.reports.get(dataclasses.replace(run, reranker=PLAIN, diversity=0.0))
            if run.reranker == PLAIN or plain is None:
                continue
            for metric in self.metrics:
                difference = report.value(metric) - plain.value(metric)
                error = float("nan")
                if self.study.n_boot:
                    paired = report.replicates[metric] - plain.replicates[metric]
                    paired = paired[~np.isnan(paired)]
                    error = float(paired.std(ddof=1)) if len(paired) > 1 else float("nan")
                sign = np.sign(difference) if abs(difference) > 1.96 * error else 0.0
                rows.append((*dataclasses.astuple(run), str(metric), difference, error, sign))
        signs = pd.DataFrame(rows, columns=[*_RUN[1:], "metric", "difference", "se", "sign"])
        signs.loc[signs["difference"].isna() | signs["se"].isna(), "sign"] = np.nan
        return signs

    def signs(self) -> pd.DataFrame:
        """Say what each re-ranking changed against the plain model.

        Returns
        -------
        DataFrame
            model, reranker, diversity, seed, metric, difference, se (of the difference, from the paired bootstrap over
            users) and sign: -1, 0 or 1, 0 where the difference is within 1.96 se.
        """
        return self._signs.copy()

    def pareto(self, x: str, y: str) -> pd.DataFrame:
        """Return the runs that no other run beats in both metrics: run, model, reranker, diversity, seed, x, y.

        Raises
        ------
        SpecError
            If a metric was not evaluated, or has no better direction.
        """
        report = next(iter(self.reports.values()))
        wanted = [report.find(metric) for metric in (x, y)]
        aimless = [metric for metric in wanted if metric.better == "target"]
        if aimless:
            raise SpecError(f"{aimless[0]} has a target instead of a better direction, so it has no Pareto front")
        points = self.values[[str(metric) for metric in wanted]]
        front = pareto.pareto_front(points.to_numpy(), [metric.better == "higher" for metric in wanted])
        runs = pd.DataFrame([{"run": self.name(run), **dataclasses.asdict(run)} for run in self.reports])
        return runs.join(points.reset_index(drop=True))[front].reset_index(drop=True)

    def view(self, *, method: correlate.Method = "spearman", oriented: bool = False) -> StudyView:
        """Return the numbers as charts and report take them."""
        metrics = {
            str(metric): MetricView(metric.family.title, metric.better, metric.family.family) for metric in self.metrics
        }
        method_name = {"pearson": "Pearson's r", "spearman": "Spearman's rho", "kendall": "Kendall's tau-b"}[method]
        return StudyView(
            title=self.study.title,
            table=self.table,
            metrics=metrics,
            correlations=self.correlations(method=method, oriented=oriented),
            correlation_method=f"{method_name}, oriented by what is better" if oriented else method_name,
            correlation_level="runs",
            signs=self.signs(),
            exposure={self.name(run): report.exposure(self.study.k) for run, report in self.reports.items()},
            diagnostics=self.diagnostics,
            notes=self._notes(),
        )

    def _notes(self) -> dict[str, str]:
        from beyondacc import __version__  # noqa: PLC0415 - the package imports this module

        data = next(iter(self.study.data.values()))
        failed = {"Failed": "; ".join(dict.fromkeys(self.failed()))} if self.failures else {}
        return failed | {
            "Data": repr(data).removeprefix("Dataset(").removesuffix(")"),
            "Seeds of the split": ", ".join(map(str, self.study.data)),
            "Candidates re-ranked": str(self.study.candidates),
            "Intervals": f"95 % bootstrap over users, {self.study.n_boot:,} replicates, seed {self.study.seed}",
            "Wall time": f"{self.seconds:.0f} s for training, re-ranking and evaluation",
            "Software": f"beyondacc {__version__}, numpy {np.__version__}, Python {platform.python_version()}",
        }

    def failed(self) -> Iterator[str]:
        """Say in a sentence each what failed."""
        for text in dict.fromkeys(self.failures.values()):
            runs = [self.name(run) for run, each in self.failures.items() if each == text]
            yield f"{runs[0]}{f' and {len(runs) - 1} more runs' if runs[1:] else ''}: {text}"

    def chart(self, name: str, *metrics: str, **options: Any) -> Any:
        """Draw one chart as an altair chart; ``chart.save("x.svg")`` writes it.

        Parameters
        ----------
        name
            ``heatmap``, ``tradeoff`` (of two metrics), ``lorenz``, ``signs`` or ``intervals`` (of any metrics).
        metrics
            The metrics it shows.
        options
            Of `view`: ``method``, ``oriented``.
        """
        from beyondacc.study import charts  # noqa: PLC0415 - altair is an extra

        view = self.view(**options)
        report = next(iter(self.reports.values()))
        names = [str(report.find(metric)) for metric in metrics]
        drawing: dict[str, Callable[[], Any]] = {
            "heatmap": lambda: charts.heatmap(view),
            "tradeoff": lambda: charts.tradeoff(view, *names),
            "lorenz": lambda: charts.lorenz(view),
            "signs": lambda: charts.signs(view),
            "intervals": lambda: charts.intervals(view, names or None),
        }
        if name not in drawing:
            raise SpecError(f"there is no chart {name!r}; there are {choices(drawing)}")
        if name == "tradeoff" and len(names) != 2:
            raise SpecError(f"a tradeoff has two metrics, {len(names)} were given; name x and y")
        return drawing[name]()

    def report(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write the report, one HTML file that opens without a network; options as in `view`."""
        from beyondacc.study.report import write_report  # noqa: PLC0415 - altair is an extra

        write_report(self.view(**options), os.fspath(path))
        return Path(path)

    def save(self, folder: str | os.PathLike[str], *, force: bool = False) -> list[Path]:
        """Write results.parquet, per_user.parquet, correlations.csv and report.html into a folder.

        All files are written next to it first and moved when all are complete.

        Raises
        ------
        DataError
            If the folder's parent does not exist, or one of the files is there already and `force` is not set.
        """
        target = Path(folder)
        check_folder(target, force=force)
        table, per_user, correlations, report = FILES
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as made:
            fresh = Path(made)
            self.table.to_parquet(fresh / table, index=False)
            self.per_user.to_parquet(fresh / per_user, index=False)
            self._all_correlations().to_csv(fresh / correlations, index=False)
            self.report(fresh / report)
            target.mkdir(exist_ok=True)
            for name in FILES:
                (fresh / name).replace(target / name)
        return [target / name for name in FILES]

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


def check_folder(target: Path, *, force: bool) -> None:
    """Refuse a folder whose parent is missing or that holds results already."""
    if not target.parent.is_dir():
        raise DataError(f"the folder {target.parent} does not exist; create it or choose another place")
    if target.exists() and not target.is_dir():
        raise DataError(f"{target} is a file; choose a folder")
    there = [name for name in FILES if (target / name).exists()]
    if there and not force:
        raise DataError(f"{target} holds {there[0]} already; pass --force (force=True) to overwrite, or another folder")
