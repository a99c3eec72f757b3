"""What a study found: table, correlations, signs, fronts, charts, files."""

from __future__ import annotations

import dataclasses
import functools
import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from beyondacc.charts.points import Order
from beyondacc.charts.view import MetricView, StudyView
from beyondacc.correlation import correlate
from beyondacc.declare.params import Param
from beyondacc.errors import DataError, SpecError, choices
from beyondacc.files.atomic import beside, owned, settle_all
from beyondacc.study.correlated import Correlated
from beyondacc.study.runs import PLAIN, RUN, Run
from beyondacc.tradeoff import pareto

__all__ = ["FILES", "PLAIN", "Run", "StudyResult", "check_folder"]

FILES = ("results.parquet", "per_user.parquet", "correlations.csv", "report.html")
"""What `StudyResult.save` writes."""


class StudyResult(Correlated):
    """The runs of a study and what they say together.

    Attributes
    ----------
    reports : dict of Run to Report
    seconds
        How long the study took.
    failures : dict of Run to str
        What happened to the runs that failed, which are in no table.
    """

    def __repr__(self) -> str:
        failed = f", {len(self.failures)} failed" if self.failures else ""
        return f"StudyResult({len(self.reports)} runs, {len(self.metrics)} metrics{failed})"

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
        signs = pd.DataFrame(rows, columns=[*RUN[1:], "metric", "difference", "se", "sign"])
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

    def chart(self, name: str, *metrics: str, order: Order = "families", **options: Any) -> Any:
        """Draw one chart as an altair chart; ``chart.save("x.svg")`` writes it.

        Parameters
        ----------
        name
            ``heatmap``, ``tradeoff`` (of two metrics), ``lorenz``, ``signs``, ``intervals`` (of any metrics), ``map``
            (of the items, with a user's lists as an example), ``genres``, ``genre_bias`` or ``groups`` (of users).
        metrics
            The metrics it shows.
        order
            Of the heat map: ``families``, or ``clustered`` by how strongly the metrics correlate.
        options
            Of `view`: ``method``, ``oriented``.
        """
        from beyondacc.charts import study_charts as charts  # noqa: PLC0415 - altair is an extra
        from beyondacc.report import further  # noqa: PLC0415 - altair is an extra

        view = self.view(**options)
        report = next(iter(self.reports.values()))
        names = [str(report.find(metric)) for metric in metrics]
        order = Param("order", "families", Order).check(order, f"chart {name!r}")
        drawing: dict[str, Callable[[], Any]] = {
            "heatmap": lambda: charts.heatmap(view, order),
            "tradeoff": lambda: charts.tradeoff(view, *names),
            "lorenz": lambda: charts.lorenz(view),
            "signs": lambda: charts.signs(view),
            "intervals": lambda: charts.intervals(view, names or None),
            **{each: functools.partial(draw, self, view) for each, draw in further.DRAWINGS.items()},
        }
        if name not in drawing:
            raise SpecError(f"there is no chart {name!r}; there are {choices(drawing)}")
        if name == "tradeoff" and len(names) != 2:
            raise SpecError(f"a tradeoff has two metrics, {len(names)} were given; name x and y")
        return drawing[name]()

    def report(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write the report, one HTML file that opens without a network; options as in `view`."""
        from beyondacc.report import further, study_report as report  # noqa: PLC0415 - altair is an extra

        view = self.view(**options)
        report.write_report(view, os.fspath(path), further.sections(self, view))
        return Path(path)

    def save(self, folder: str | os.PathLike[str], *, force: bool = False) -> list[Path]:
        """Write results.parquet, per_user.parquet, correlations.csv and report.html into a folder.

        All files are written next to it first and moved when all are complete.

        Parameters
        ----------
        folder
            Created where it is not there; its parent must be.
        force
            Replace files that are there. Results of more rows are kept nevertheless: choose another folder, or remove
            them.

        Raises
        ------
        DataError
            If the folder's parent does not exist, another process is writing there, one of the files is there already
            and `force` is not set, or results.parquet has more rows than this study.
        """
        target = Path(folder)
        check_folder(target, force=force)
        table, per_user, correlations, report = FILES
        place = target.resolve()
        near = place / table if place.exists() else place  # on the same disk
        with owned(target), beside(near, folder=True) as fresh:
            check_folder(target, force=force, rows=len(self.table))
            self.table.to_parquet(fresh / table, index=False)
            self.per_user.to_parquet(fresh / per_user, index=False)
            self._all_correlations().to_csv(fresh / correlations, index=False)
            self.report(fresh / report)
            settle_all(fresh, place)
        return [target / name for name in FILES]


def check_folder(target: Path, *, force: bool, rows: int | None = None) -> None:
    """Refuse a folder whose parent is missing or that holds results already; with `force` one that holds more `rows`.

    Raises
    ------
    DataError
        If the folder is refused.
    """
    if not target.parent.is_dir():
        raise DataError(f"the folder {target.parent} does not exist; create it or choose another place")
    if target.exists() and not target.is_dir():
        raise DataError(f"{target} is a file; choose a folder")
    there = [name for name in FILES if (target / name).exists()]
    if there and not force:
        raise DataError(f"{target} holds {there[0]} already; pass --force (force=True) to overwrite, or another folder")
    table = target / FILES[0]
    if rows is not None and table.exists() and (before := _rows_of(table)) > rows:
        raise DataError(
            f"{table} holds {before:,} rows and this study has {rows:,}; "
            f"choose another folder to keep them, or remove {table} to drop them"
        )


def _rows_of(table: Path) -> int:
    """Return how many rows of results a file holds; none where it holds no results."""
    try:
        return len(pd.read_parquet(table, columns=["metric"]))
    except Exception:  # noqa: BLE001 - whatever pyarrow says of a broken file, there is nothing to lose
        return 0
