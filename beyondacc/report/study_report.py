"""The report of a study: one HTML file with tables and charts that opens without network."""

from __future__ import annotations

import dataclasses
import importlib.resources
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from beyondacc.charts import study_charts as charts
from beyondacc.charts.canvas import altair, bundle, embed
from beyondacc.charts.points import MINUS, paired
from beyondacc.charts.view import MetricView, StudyView
from beyondacc.files.atomic import replace_file
from beyondacc.report.page import MISSING, Cell, Row, Section, Table
from beyondacc.texts import LONGEST, cut, visible

__all__ = ["MetricView", "StudyView", "brief", "render", "write_report"]

FACT: Final = 2000
"""Letters of a fact about the study; names in tables have fewer."""


def brief(text: str, longest: int = LONGEST) -> str:
    """Return a text as the page shows it: cut where it is long, its control characters as escapes."""
    return cut(visible(text), longest)


def render(view: StudyView, further: Sequence[Section] = ()) -> str:
    """Return the report as one HTML page; all text from the data is escaped.

    Parameters
    ----------
    further
        Sections that need more than the view, such as of `further.sections`.

    Raises
    ------
    DependencyError
        If altair or vl-convert-python is missing.
    """
    altair()  # says what to install; jinja2 and markupsafe come with it
    import jinja2  # noqa: PLC0415  (an extra, loaded only here)
    import markupsafe  # noqa: PLC0415  (same)

    drawn = 0

    def draw(chart: Any) -> markupsafe.Markup:
        nonlocal drawn
        drawn += 1
        return markupsafe.Markup(embed(chart, f"chart-{drawn}"))  # noqa: S704  (embed escapes what it embeds)

    def hover(text: str, longest: int = LONGEST) -> markupsafe.Markup:
        """Give the whole text of what is cut as an attribute of its element."""
        whole = visible(text)
        return markupsafe.Markup("" if brief(text, longest) == whole else f' title="{markupsafe.escape(whole)}"')  # noqa: S704  (escaped)

    def plain(value: Any) -> Any:
        return visible(value) if isinstance(value, str) and not isinstance(value, markupsafe.Markup) else value

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, finalize=plain)
    environment.filters |= {"brief": brief, "hover": hover}
    template = importlib.resources.files("beyondacc.report").joinpath("template.html").read_text(encoding="utf-8")
    sections = [
        dataclasses.replace(part, charts=[draw(chart) for chart in part.charts]) for part in _sections(view, further)
    ]
    return environment.from_string(template).render(
        title=view.title,
        FACT=FACT,
        facts=_facts(view),
        sections=sections,
        bundle=markupsafe.Markup(bundle()),  # noqa: S704  (the libraries, no data)
    )


def write_report(view: StudyView, path: str | Path, further: Sequence[Section] = ()) -> None:
    """Write the report, whole or not at all; arguments as of `render`.

    Raises
    ------
    DataError
        If the folder does not exist.
    DependencyError
        If altair or vl-convert-python is missing.
    """
    replace_file(Path(path), render(view, further).encode())


def _sections(view: StudyView, further: Sequence[Section]) -> list[Section]:
    runs = view.runs
    plain = runs["reranker"] == "none"
    pairs = _pairs(view)
    again = runs[~plain]
    tables = [_models(view, runs[plain])]
    if len(again):
        tables.append(_runs(view, again))
    sections = [Section("results", "Results", tables=tables, charts=[charts.intervals(view)])]
    if len(view.correlations):
        text = "Blue: the two metrics rise together. Orange: one falls where the other rises."
        sections.append(Section("correlations", "Correlations", [text], charts=[charts.heatmap(view)]))
    if pairs:
        text = (
            "Each mark is a run; lines follow a re-ranker from the plain model along its weight. "
            "No run is better in both metrics than a run on the grey front."
        )
        drawn = [charts.tradeoff(view, x, y) for x, y in pairs]
        sections.append(Section("trade-offs", "Trade-offs", [text], charts=drawn))
    if view.exposure:
        sections.append(Section("exposure", "Exposure", charts=[charts.lorenz(view)]))
    if len(view.signs):
        text = (
            "Each model counts as rising, falling or unchanged. + is a rise of the value: "
            "a gain where ↑ stands, a loss where ↓ stands."
        )
        sections.append(Section("re-ranking", "Effect of re-ranking", [text], charts=[charts.signs(view)]))
    sections += further
    sections.append(Section("diagnostics", "Diagnostics", tables=[_diagnostics(view)]))
    return sections


def _facts(view: StudyView) -> list[tuple[str, str]]:
    table = view.table
    rerankers = table.loc[table["reranker"] != "none", "reranker"].unique()
    cuts = sorted(table["k"].dropna().unique())
    facts = [
        ("Models", ", ".join(brief(str(name)) for name in table["model"].unique())),
        ("Re-rankers", ", ".join(map(str, rerankers)) or "none"),
        ("Runs", f"{table['run'].nunique():,}, each by {len(view.metrics)} metrics"),
        ("Cutoff", ", ".join(f"{cut:g}" for cut in cuts)),
    ]
    return [*((name, str(fact)) for name, fact in view.notes.items()), *(fact for fact in facts if fact[1])]


def _pairs(view: StudyView) -> list[tuple[str, str]]:
    """Choose what accuracy is set against."""
    first, *others = [*view.main, ""]
    if not first or view.metrics[first].family != "accuracy":
        return []
    return [(name, first) for name in others if name and len(paired(view, name, first))]


def _models(view: StudyView, runs: pd.DataFrame) -> Table:
    """Plain models: a row per metric, family by family, a column per model."""
    cells = _cells(view, runs)
    rows: list[Row] = []
    family = None
    for name, label in _heads(view).items():
        if view.metrics[name].family != family:
            family = view.metrics[name].family
            rows.append(Row(family, None))
        rows.append(Row(label, cells[name]))
    return Table(["Metric", *runs["label"]], rows)


def _runs(view: StudyView, runs: pd.DataFrame) -> Table:
    """Re-ranked runs: a row per run, a column per metric."""
    cells = _cells(view, runs)
    heads = _heads(view)
    rows = [Row(label, [cells[name][i] for name in heads]) for i, label in enumerate(runs["label"])]
    return Table(["Run", *heads.values()], rows, fold=f"All {len(runs)} re-ranked runs")


def _heads(view: StudyView) -> dict[str, str]:
    return {name: view.labels[name] + charts.ARROWS[view.metrics[name].better] for name in view.order}


def _cells(view: StudyView, runs: pd.DataFrame) -> dict[str, list[Cell]]:
    """One cell per run and metric; the best of these runs is marked."""
    found = {}
    for name in view.order:
        rows = view.table[view.table["metric"] == name].set_index("run").reindex(runs["run"])
        digits = _digits(rows)
        values = rows["value"]
        best = {"higher": values.max(), "lower": values.min(), "target": math.nan}[view.metrics[name].better]
        found[name] = [_cell(row, digits, best=row.value == best) for row in rows.itertuples()]
    return found


def _cell(row: Any, digits: int, *, best: bool) -> Cell:
    """Show one row of the study's table."""
    if math.isnan(row.value):
        return Cell(MISSING, hint="undefined")
    interval = ""
    if not math.isnan(row.ci_low) and not math.isnan(row.ci_high):
        interval = f"[{_number(row.ci_low, digits)}, {_number(row.ci_high, digits)}]"
    hint = "" if math.isnan(row.n_users) else f"{row.n_users:,.0f} users"
    if hint and row.n_undefined > 0:
        hint += f", undefined for {row.n_undefined:,.0f} more"
    return Cell(_number(row.value, digits), interval, hint, "best" if best else "")


def _digits(rows: pd.DataFrame) -> int:
    """Decimals that show two digits of the width of the intervals, or four of the largest value without any."""
    widths = (rows["ci_high"] - rows["ci_low"]).dropna()
    width = widths.median() if len(widths) else math.nan
    size, shown = (width, 2) if width > 0 else (rows["value"].abs().max(), 4)
    return min(max(shown - 1 - math.floor(math.log10(size)), 0), 8) if size > 0 else 2


def _number(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return text.replace("-", MINUS) if float(text.replace(",", "")) else text.removeprefix("-")


def _diagnostics(view: StudyView) -> Table:
    table = view.diagnostics
    labels = dict(zip(view.runs["run"], view.runs["label"], strict=True))
    columns = [column for column in table.columns if column != "run"]
    rows = [
        Row(str(labels.get(run, run)), [_count(value) for value in counts])
        for run, counts in zip(table["run"], table[columns].itertuples(index=False, name=None), strict=True)
    ]
    heads = [str(column).replace("_", " ") for column in columns]
    return Table(["Run", *heads], rows, fold=f"Counts of all {len(rows)} runs")


def _count(value: Any) -> Cell:
    if pd.isna(value):
        return Cell(MISSING)
    return Cell(f"{value:,.0f}", mark="" if value else "zero")
