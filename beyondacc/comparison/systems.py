"""The runs of a comparison: the same users in the same order, the same data, the same metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from beyondacc.bound.batch import Batch
from beyondacc.data.dataset import Dataset
from beyondacc.data.profiles import Profiles
from beyondacc.errors import DataError, SpecError, choices
from beyondacc.evaluation.evaluate import MetricLike, evaluate
from beyondacc.evaluation.report import Report
from beyondacc.metrics.base.metric import Metric, MetricFamily
from beyondacc.metrics.base.states import State

__all__ = ["MetricLike", "System", "read_systems"]


@dataclasses.dataclass(frozen=True, eq=False)
class System:
    """One run: its lists, the states of its metrics and their values."""

    name: str
    run: Batch
    states: dict[Metric, State]
    values: dict[Metric, float]

    @property
    def users(self) -> pd.Index[Any]:
        """External ids of the users."""
        return self.run.ids


def read_systems(
    reports: Mapping[str, Any], data: Dataset | None, metrics: MetricLike | Sequence[MetricLike] | None
) -> dict[str, System]:
    """Bring reports, or lists that are evaluated first, to the same users in the same order.

    Raises
    ------
    SpecError
        If they are not at least two reports, or lists with a dataset, or a metric was not evaluated for all.
    DataError
        If their users or their data differ.
    """
    given = dict(reports) if isinstance(reports, Mapping) else {}
    if len(given) < 2:
        what = f"{len(given)} given" if isinstance(reports, Mapping) else f"a {type(reports).__name__} was given"
        raise SpecError(f'compare takes at least two runs by name, {what}; pass {{"one": report, "other": report}}')
    made = [name for name, each in given.items() if isinstance(each, Report)]
    if made and len(made) < len(given):
        other = next(name for name in given if name not in made)
        raise SpecError(f"{made[0]!r} is a Report and {other!r} is not; give reports only, or lists with data=")
    if not made:
        if data is None:
            raise SpecError(f"{next(iter(given))!r} is no Report; give reports of ba.evaluate, or lists with data=")
        given = {name: evaluate(lists, data, metrics, n_boot=0) for name, lists in given.items()}
    elif data is not None:
        raise SpecError("data= is for lists, and reports were given, which have their own; leave it out")
    wanted = _find_metrics(given, metrics if made else None)
    (first, report), *others = given.items()
    found = {str(first): _system(str(first), report, wanted[first], np.arange(len(report.users)))}
    for name, other in others:
        order = _order(str(first), report.users, str(name), other.users)
        if not _same_data(report.run, other.run):
            raise DataError(
                f"{first!r} and {name!r} were evaluated on different data (items, training rows, test rows or "
                "gains); evaluate both with one Dataset and the same options"
            )
        found[str(name)] = _system(str(name), other, wanted[name], order)
    return found


def _system(name: str, report: Report, metrics: Sequence[Metric], order: Any) -> System:
    """Take the rows of a report in some order; positions do as well as a mask."""
    shared = {id(state): state.take(order) for state in map(report.state, metrics)}
    states = {metric: shared[id(report.state(metric))] for metric in metrics}
    return System(name, report.run.take(order), states, {metric: report.value(metric) for metric in metrics})


def _order(first: str, users: pd.Index[Any], name: str, others: pd.Index[Any]) -> Any:
    """Return where the users of one run stand in another."""
    for here, mine, there, theirs in ((first, users, name, others), (name, others, first, users)):
        missing = mine[~mine.isin(theirs)]
        if len(missing):
            example = missing[:1].tolist()[0]  # as Python writes it
            raise DataError(
                f"{len(missing)} of the {len(mine)} users of {here!r} (such as {example!r}) are not among the "
                f'{len(theirs)} of {there!r}; compare over the same users, such as those with users="tested" '
                "in both evaluations"
            )
    return others.get_indexer(users)


def _same_data(one: Batch, other: Batch) -> bool:
    if one.data is other.data:
        return True
    parts = [(one.data.train, other.data.train), (one.data.test, other.data.test)]
    return (
        one.data.users.ids.equals(other.data.users.ids)
        and one.data.items.ids.equals(other.data.items.ids)
        and np.array_equal(one.data.catalogue, other.data.catalogue)
        and all(_same_rows(*rows) for rows in parts)
    )


def _same_rows(one: Profiles | None, other: Profiles | None) -> bool:
    if one is None or other is None:
        return one is other
    names = ("starts", "items", "values")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def _find_metrics(
    reports: Mapping[str, Report], metrics: MetricLike | Sequence[MetricLike] | None
) -> dict[str, list[Metric]]:
    """Return the metrics to compare, as each report has them: those named, or all, which must be the same."""
    if metrics is not None and metrics != "all":
        given = [metrics] if isinstance(metrics, str | Metric | MetricFamily) else list(metrics)
        if not given:
            raise SpecError('no metric was given; name at least one, such as "ndcg@10"')
        return {name: list(dict.fromkeys(map(report.find, given))) for name, report in reports.items()}
    first, *others = reports
    for one, other in [(first, name) for name in others] + [(name, first) for name in others]:
        if lacking := [metric for metric in reports[one] if metric not in reports[other].metrics]:
            raise SpecError(
                f"{one!r} was evaluated by {choices(lacking).replace(' or ', ' and ')}, {other!r} was not; evaluate "
                "both by the same metrics, or say with metrics= which to compare"
            )
    return dict.fromkeys(reports, reports[first].metrics)
