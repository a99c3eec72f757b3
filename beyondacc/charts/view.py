"""The numbers of a study as plain frames: what charts and report are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.errors import SpecError, did_you_mean
from beyondacc.metrics.base.metric import Better

__all__ = ["MetricView", "StudyView"]

PREFERRED = ("ild", "self_information", "catalog_coverage")
"""What accuracy is set against, where the study has it."""


@dataclass(frozen=True)
class MetricView:
    """How a metric is shown: its title, which direction is better, and the family that keeps it company."""

    title: str
    better: Better
    family: str


@dataclass(frozen=True, eq=False)
class StudyView:
    """The numbers of a study as plain frames, ready to be drawn and written.

    Parameters
    ----------
    title
        Heading of the report.
    table
        One row per run and metric: run, model, reranker ("none" for the plain model), diversity, seed, metric (a key of
        `metrics`), k, value, ci_low, ci_high, n_users, n_undefined. Missing values are NaN.
    metrics
        Metric string, such as ``"ild(distance=cosine)@10"``, to how it is shown.
    correlations
        metric_a, metric_b, coefficient, ci_low, ci_high, n; symmetric, with both orders and the diagonal.
    correlation_method, correlation_level
        What the coefficient is and over what it was taken, such as "Kendall's tau-b" and "runs".
    signs
        model, reranker, diversity, metric, difference, se, sign: change against the plain model, sign in -1, 0, 1.
    exposure
        Run to how often each item of the catalogue was recommended, shape ``(n_items,)``.
    diagnostics
        One row per run: run, then columns of whole numbers.
    notes
        Facts such as data set, split, seeds, versions, wall time.
    """

    title: str
    table: pd.DataFrame
    metrics: Mapping[str, MetricView]
    correlations: pd.DataFrame
    correlation_method: str
    correlation_level: str
    signs: pd.DataFrame
    exposure: Mapping[str, NDArray[np.integer[Any]]]
    diagnostics: pd.DataFrame
    notes: Mapping[str, str]

    @property
    def order(self) -> list[str]:
        """The metric strings, family by family."""
        families = list(dict.fromkeys(view.family for view in self.metrics.values()))
        return sorted(self.metrics, key=lambda name: families.index(self.metrics[name].family))

    @property
    def main(self) -> list[str]:
        """What stands for all: the first accuracy metric with values, then the preferred ones of other families.

        Where there is none of these, the first of up to three other families.
        """
        valued = set(self.table.dropna(subset="value")["metric"])
        accuracy = [name for name in self.order if self.metrics[name].family == "accuracy"]
        stems = {name: name.partition("@")[0].partition("(")[0] for name in self.order}
        chosen = [name for stem in PREFERRED for name in [n for n in self.order if stems[n] == stem][:1]]
        if not chosen:
            firsts = {self.metrics[name].family: name for name in reversed(self.order) if name not in accuracy}
            chosen = [name for name in self.order if name in firsts.values()][:3]
        return [*[name for name in accuracy if name in valued][:1], *chosen]

    @property
    def labels(self) -> dict[str, str]:
        """Short distinct names: the title, with cutoff or parameters only where they tell metrics apart."""
        titles = {name: view.title for name, view in self.metrics.items()}
        if len({name.rpartition("@")[2] for name in self.metrics if "@" in name}) > 1:
            titles = {
                name: f"{title} @{name.rpartition('@')[2]}" if "@" in name else title for name, title in titles.items()
            }
        longer = {name: f"{title} ({name.partition('(')[2].rpartition(')')[0]})" for name, title in titles.items()}
        titles = {name: _distinct(titles, name, longer[name].removesuffix(" ()")) for name in titles}
        return {name: _distinct(titles, name, name) for name in titles}

    @property
    def runs(self) -> pd.DataFrame:
        """One row per run: run, model, reranker, diversity, seed, label; plain models first in their order."""
        runs = self.table[["run", "model", "reranker", "diversity", "seed"]].drop_duplicates("run")
        several = len(runs["seed"].unique()) > 1
        label = (
            runs["model"]
            .astype(str)
            .where(
                runs["reranker"] == "none",
                runs["model"].astype(str)
                + " + "
                + runs["reranker"].astype(str)
                + runs["diversity"].astype(float).map(" {:g}".format),
            )
        )
        if several:
            label += runs["seed"].map(lambda seed: "" if pd.isna(seed) else f", seed {seed:g}")
        runs = runs.assign(label=label)
        return runs.sort_values("reranker", key=lambda names: names != "none", kind="stable", ignore_index=True)

    def check_metric(self, name: str) -> None:
        """Raise a `SpecError` where the study has no such metric."""
        if name not in self.metrics:
            raise SpecError(f"the study has no metric {name!r}; {did_you_mean(name, self.metrics)}")


def _distinct(titles: Mapping[str, str], name: str, otherwise: str) -> str:
    """Return the title of a metric, or something else where another metric has the same."""
    return titles[name] if list(titles.values()).count(titles[name]) == 1 else otherwise
