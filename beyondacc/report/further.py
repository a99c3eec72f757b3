"""Sections of the report that need the lists of a study: comparison, item map, genres, groups of users."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from beyondacc.bound.batch import Batch, row_sizes
from beyondacc.charts import group_charts
from beyondacc.charts.item_map import item_map
from beyondacc.charts.points import MINUS
from beyondacc.charts.study_charts import ARROWS
from beyondacc.charts.view import StudyView
from beyondacc.comparison import compare
from beyondacc.data.recommendations import Recommendations
from beyondacc.errors import DataError, SpecError, choices
from beyondacc.evaluation.report import Report
from beyondacc.report import gaps, genres
from beyondacc.report.page import Cell, Row, Section, Table
from beyondacc.study.runs import PLAIN, Run, Runs

__all__ = ["DRAWINGS", "sections"]

N_ITEMS = 1000
"""Items on the map."""
N_GENRES = 12
"""Genres of the small panels."""
N_GAPS = 15
"""Rows of the table of gaps."""
MOST_GROUPS = 12
"""More groups than this are in the table, but not drawn."""
ALL_PAIRS = 4
"""More models than this are compared with the one that is best in the first metric, not each with each other."""
REPLICATES = 999
"""Of the comparison: few, as one waits, but enough for the least p to stay below .05 after some fifty tests."""


class _Plain(NamedTuple):
    """The plain models on the first split."""

    seed: int
    reports: dict[str, Report]

    @classmethod
    def of(cls, result: Runs) -> _Plain:
        runs = [run for run in result.reports if run.reranker == PLAIN]
        if not runs:
            raise SpecError("no plain model of the study was evaluated, so there is nothing to draw; run it again")
        seed = runs[0].seed
        return cls(seed, {run.model: result.reports[run] for run in runs if run.seed == seed})

    @property
    def runs(self) -> dict[str, Batch]:
        return {model: report.run for model, report in self.reports.items()}


def sections(result: Runs, view: StudyView) -> list[Section]:
    """Return the sections, each where the data allow it and with what stands against it where they do not."""
    plain = _Plain.of(result)
    split = f" Of the split with seed {plain.seed}." if len(result.study.data) > 1 else ""
    data = result.study.data[plain.seed]
    made = [_comparison(view, plain, split)] if len(plain.reports) > 1 else []
    if data.train is not None or data.vectors is not None:
        words = (
            "Near items are alike to the users, or in their vectors. Rings and dots are an example: the model best on "
            "the first metric, its first re-ranker at the weight nearest to one half, and a user whose list kept as "
            "many items as the median list, with a profile of middle size."
        )
        made.append(_drawn("map", "Item map", words + split, lambda: [_map(result, view)]))
    if data.features is not None and data.train is not None:
        words = (
            "Shares of the items with a genre, user by user. An item counts for each of its genres, so that one share "
            "can rise without another falling. Blue: who has more of the one has more of the other."
        )
        charts = [_genres, _bias]
        made.append(_drawn("genres", "Genres", words + split, lambda: [draw(result, view) for draw in charts]))
    if data.train is not None or data.user_table is not None:
        made.append(_groups(view, plain, split))
    return made


def _drawn(name: str, title: str, words: str, draw: Callable[[], list[Any]]) -> Section:
    """Return a section with charts, or one that says why there are none."""
    try:
        return Section(name, title, [words], charts=draw())
    except DataError as error:
        return Section(name, title, [f"Not drawn: {error}."])


def _comparison(view: StudyView, plain: _Plain, split: str) -> Section:
    """Compare the plain models in plain sentences."""
    best = _best(plain, view.main[0])
    many = len(plain.reports) > ALL_PAIRS
    try:
        found = compare(plain.reports, metrics=view.main, test="t", baseline=best if many else None, n=REPLICATES)
    except DataError as error:
        return Section("comparison", "Comparison", [f"The plain models were not compared: {error}."])
    names = choices(view.labels[name] for name in view.main).replace(" or ", " and ")
    flattered = "; as the best it is chosen by the same numbers, which flatters it" if many else ""
    words = (
        f"The plain models on {names}; first {best}, which is best on {view.labels[view.main[0]]} here, and each other "
        f"one{flattered}. The tests speak of other users like these, not of other data or trainings.{split}"
    )
    pairs = found.table[["system", "other"]].drop_duplicates()
    shown = (pairs == best).any(axis=1).tolist()
    first = [sentence for sentence, each in zip(found.sentences, shown, strict=True) if each]
    rest = [sentence for sentence, each in zip(found.sentences, shown, strict=True) if not each]
    return Section("comparison", "Comparison", [words, f"{found.method}."], points=first, folded=rest)


def _best(plain: _Plain, metric: str) -> str:
    """Return the model that is best on a metric."""
    values = {model: report.value(metric) for model, report in plain.reports.items()}
    sign = -1.0 if next(iter(plain.reports.values())).find(metric).better == "lower" else 1.0
    return max(values, key=lambda model: -np.inf if np.isnan(values[model]) else sign * values[model])


def _map(result: Runs, view: StudyView) -> Any:
    """Draw the item map with the lists of one user, where anything was re-ranked."""
    plain = _Plain.of(result)
    data, k = result.study.data[plain.seed], result.study.k
    again = [run for run in result.reports if run.reranker != PLAIN and run.seed == plain.seed]
    swept = _Plain(plain.seed, {model: plain.reports[model] for model in plain.reports if model in _models(again)})
    if not swept.reports:
        return item_map(data, top=N_ITEMS)
    model = _best(swept, view.main[0])
    runs = [run for run in again if run.model == model]
    run = min((run for run in runs if run.reranker == runs[0].reranker), key=lambda each: abs(each.diversity - 0.5))
    before, after = plain.reports[model].run, result.reports[run].run
    lists = {
        name: Recommendations(each.ids, each.items, each.ranked) for name, each in ((model, before), (str(run), after))
    }
    return item_map(data, lists=lists, user=_typical(before, after, k), top=N_ITEMS, k=k)


def _models(runs: Iterable[Run]) -> set[str]:
    return {run.model for run in runs}


def _typical(before: Batch, after: Batch, k: int) -> Any:
    """Return the user whose list kept as many items as the median list, with the profile of middle size of these."""
    kept = np.array(
        [len(set(before.ranked.row(row)[:k]) & set(after.ranked.row(row)[:k])) for row in range(len(before))]
    )
    rows = np.flatnonzero(kept == np.sort(kept)[len(kept) // 2])
    sizes = row_sizes(before.train, before.users[rows])
    row = rows[np.argsort(sizes, kind="stable")[len(rows) // 2]]
    return before.ids[row : row + 1].tolist()[0]


def _genres(result: Runs, view: StudyView) -> Any:  # noqa: ARG001 - all drawings are called alike
    k = result.study.k
    return group_charts.genre_heatmap(genres.genre_correlations(_Plain.of(result).runs, k, N_GENRES), k)


def _bias(result: Runs, view: StudyView) -> Any:
    k = result.study.k
    found = genres.representation(_Plain.of(result).runs, k, N_GENRES)
    return group_charts.genre_bias(found, k, [str(model) for model in view.runs["model"].unique()])


def _user_groups(result: Runs, view: StudyView) -> Any:
    reports = _Plain.of(result).reports
    groups = {model: report.by(gaps.SIZE) for model, report in reports.items()}
    return group_charts.user_groups(view, gaps.group_values(groups, view.main), gaps.SIZE)


DRAWINGS = {"map": _map, "genres": _genres, "genre_bias": _bias, "groups": _user_groups}
"""The charts by name, each drawn of a result and its view."""


def _groups(view: StudyView, plain: _Plain, split: str) -> Section:
    """Draw the groups of users, and list the largest gaps between them."""
    found, left_out = gaps.grouped(plain.reports)
    few = {by: each for by, each in found.items() if max(map(len, each.values())) <= MOST_GROUPS}
    charts = [group_charts.user_groups(view, gaps.group_values(each, view.main), by) for by, each in few.items()]
    table = gaps.largest_gaps(found, N_GAPS) if found else pd.DataFrame()
    intro = (
        "The plain models among users who differ. Groups by the size of the profile are quarters of the users, as far "
        f"as equal sizes allow. Groups differ in more than their name, so a gap tells no cause, and coverage "
        f"and other metrics of a whole run also depend on how many users a group has.{split}"
    )
    words = [intro]
    if len(table):
        words.append(
            "The table has for each metric the model whose groups lie farthest apart, in standard errors of the "
            "difference (z); as these are the extremes of all models and groups, expect smaller gaps elsewhere."
        )
    words += [f"Not drawn, more than {MOST_GROUPS} groups: {by}." for by in found if by not in few]
    words += [f"Left out: {reason}." for reason in left_out.values()]
    return Section("groups", "Groups of users", words, tables=[_gaps(view, table)] if len(table) else [], charts=charts)


def _gaps(view: StudyView, table: pd.DataFrame) -> Table:
    rows = []
    lines: Iterable[Any] = table.itertuples()
    for row in lines:
        places = min(max(1 - math.floor(math.log10(1.96 * row.standard_error)), 0), 8)
        ends = [
            Cell(_number(value, places), group)
            for value, group in ((row.lowest_value, row.lowest), (row.highest_value, row.highest))
        ]
        gap = Cell(_number(row.gap, places), f"± {_number(1.96 * row.standard_error, places)}")
        name = view.labels[row.metric] + ARROWS[view.metrics[row.metric].better]
        cells = [Cell(row.by.replace("_", " ")), Cell(row.model), *ends, gap, Cell(f"{row.z:.1f}")]
        rows.append(Row(name, cells))
    return Table(["Metric", "Users by", "Model", "Lowest", "Highest", "Gap", "z"], rows)


def _number(value: float, places: int) -> str:
    return f"{value:,.{places}f}".replace("-", MINUS)
