"""The runs of a study and their numbers as tables."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from beyondacc.data.dataset import Dataset
from beyondacc.evaluation.report import Report
from beyondacc.metrics.base.metric import Metric

__all__ = ["PLAIN", "RUN", "Design", "Run", "Runs"]

PLAIN = "none"
"""What a run without a re-ranker has in the column reranker."""
RUN = ("run", "model", "reranker", "diversity", "seed")
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


class Design(Protocol):
    """What a study was asked for; see `Study`."""

    data: dict[int, Dataset]
    models: dict[str, Any]
    rerankers: list[Any]
    metrics: list[Metric]
    diversity: list[float]
    k: int
    candidates: int
    n_boot: int
    seed: int
    title: str


class Runs:
    """The runs of a study as tables.

    Attributes
    ----------
    reports : dict of Run to Report
    seconds
        How long the study took.
    failures : dict of Run to str
        What happened to the runs that failed, which are in no table.
    """

    def __init__(
        self, study: Design, reports: Mapping[Run, Report], seconds: float, failures: Mapping[Run, str] | None = None
    ) -> None:
        self.study = study
        self.reports = dict(reports)
        self.seconds = seconds
        self.failures = dict(failures or {})

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
        return pd.DataFrame(rows, columns=[*RUN, *_VALUE])

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
