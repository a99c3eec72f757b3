"""Plain models by groups of users: values with intervals, and the largest gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from beyondacc.errors import DataError, SpecError
from beyondacc.evaluation.report import Groups, Report

__all__ = ["SIZE", "group_values", "grouped", "largest_gaps"]

SIZE = "profile_size"
"""The grouping that every dataset with training rows has."""


def grouped(reports: Mapping[str, Report]) -> tuple[dict[str, dict[str, Groups]], dict[str, str]]:
    """Evaluate the groups of users of each model: by the size of the profile and by each column of the users table.

    Parameters
    ----------
    reports
        Of models over one dataset, by name.

    Returns
    -------
    dict
        For each grouping that makes at least two groups, the groups of each model.
    dict
        Why others were left out.
    """
    data = next(iter(reports.values())).run.data
    columns = [] if data.user_table is None else [str(name) for name in data.user_table.columns]
    found, left_out = {}, {}
    for by in [SIZE, *columns]:
        try:
            groups = {model: report.by(by) for model, report in reports.items()}
        except (DataError, SpecError) as error:
            left_out[by] = str(error)
            continue
        if all(len(each) > 1 for each in groups.values()):
            found[by] = groups
        else:
            left_out[by] = f"{by} makes one group only"
    return found, left_out


def group_values(groups: Mapping[str, Groups], metrics: Sequence[str]) -> pd.DataFrame:
    """Return a row a model, group and metric: model, group, metric, value, ci_low, ci_high, n_users."""
    rows = [
        (model, name, metric, found.value, found.ci_low, found.ci_high, found.n_users)
        for model, each in groups.items()
        for name, report in each.items()
        for metric in metrics
        for found in [report[metric]]
    ]
    return pd.DataFrame(rows, columns=["model", "group", "metric", "value", "ci_low", "ci_high", "n_users"])


def largest_gaps(found: Mapping[str, Mapping[str, Groups]], n: int) -> pd.DataFrame:
    """Return the gap of each grouping and metric in the model where it is widest, in standard errors.

    Parameters
    ----------
    found
        Of `grouped`.
    n
        How many rows, the widest gaps.

    Returns
    -------
    DataFrame
        model, by, the columns of `Groups.gaps`, and z, the gap in standard errors; none without a bootstrap.
    """
    parts = [
        groups.gaps().assign(model=model, by=by) for by, models in found.items() for model, groups in models.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    table["z"] = table["gap"] / table["standard_error"].where(table["standard_error"] > 0)
    columns = ["model", "by", *(name for name in table.columns if name not in {"model", "by"})]
    table = table[columns].dropna(subset="z").sort_values("z", ascending=False, kind="stable")
    return table.drop_duplicates(["by", "metric"]).head(n).reset_index(drop=True)
