"""Charts of a study, drawn by altair: correlations, trade-offs, exposure, signs of change, intervals."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from beyondacc.charts.canvas import altair, finish, records, save_chart
from beyondacc.charts.points import MINUS, Order, clustered_order, interval_texts, lorenz_points, paired
from beyondacc.charts.view import StudyView
from beyondacc.errors import DataError, SpecError, did_you_mean

if TYPE_CHECKING:
    from altair import FacetChart, LayerChart

__all__ = ["ARROWS", "heatmap", "intervals", "lorenz", "save_chart", "signs", "tradeoff"]

# with a space that does not break, so that the arrow stays with its word
ARROWS = {"higher": "\N{NO-BREAK SPACE}↑", "lower": "\N{NO-BREAK SPACE}↓", "target": ""}
# Okabe and Ito's colours without the yellow that vanishes on white, then Tol's muted ones for larger studies.
COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"),
    *("#882255", "#999933", "#332288", "#44AA99", "#AA4499", "#DDCC77"),
)
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 3], [3, 5], [12, 3, 2, 3, 2, 3])
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
# where white text is easier to read than black on the blue-orange scale; the orange side is lighter
DARK = "datum.{0} > 0.65 || datum.{0} < -0.7"


def heatmap(view: StudyView, order: Order = "families") -> LayerChart:
    """Correlation matrix of the metrics, family by family or clustered, with the coefficient in every cell."""
    alt = altair()
    labels, present = view.labels, set(view.correlations["metric_a"])
    names = [name for name in view.order if name in present]
    clustered = order == "clustered"
    names = clustered_order(view, names) if clustered else names
    domain = [labels[name] for name in names]
    cells = view.correlations
    rounded = cells["coefficient"].round(2) + 0.0  # no negative zero
    data = pd.DataFrame(
        {
            "a": cells["metric_a"].map(labels),
            "b": cells["metric_b"].map(labels),
            "coefficient": cells["coefficient"],
            "text": rounded.map("{:.2f}".format).str.replace("-", MINUS).mask(rounded.isna(), "\N{EN DASH}"),
            "interval": interval_texts(cells["ci_low"], cells["ci_high"], 2),
            "n": cells["n"],
        }
    )
    step = 38 if len(domain) > 8 else 52
    x = alt.X(
        "b:N", title=None, scale=alt.Scale(domain=domain), axis=alt.Axis(labelAngle=-45, ticks=False, domain=False)
    )
    y = alt.Y("a:N", title=None, scale=alt.Scale(domain=domain), axis=alt.Axis(ticks=False, domain=False))
    known = "isValid(datum.coefficient)"
    colour = alt.Color(
        "coefficient:Q",
        title=None,
        scale=alt.Scale(scheme="blueorange", domain=[-1, 1], reverse=True),
        legend=alt.Legend(gradientLength=min(300, step * len(domain)), gradientThickness=12, format=".1f"),
    )
    tooltip = [
        *(alt.Tooltip("a:N", title="metric"), alt.Tooltip("b:N", title="and metric")),
        *(alt.Tooltip("text:N", title="coefficient"), alt.Tooltip("interval:N"), alt.Tooltip("n:Q")),
    ]
    base = alt.Chart(records(data)).encode(x=x, y=y, tooltip=tooltip)
    squares = base.mark_rect(stroke="white", strokeWidth=1).encode(color=colour).transform_filter(known)
    white = alt.condition(DARK.format("coefficient"), alt.value("white"), alt.value("#222"))
    text = base.mark_text(fontSize=10 if step < 50 else 12).encode(text="text:N", color=white)
    firsts = [later for earlier, later in itertools.pairwise(names) if not clustered and _family(view, earlier, later)]
    edges = alt.Chart(records(pd.DataFrame({"edge": [labels[name] for name in firsts]})))
    rule = {"color": "#222", "strokeWidth": 1.2}
    columns = edges.mark_rule(**rule).encode(x=alt.X("edge:N", bandPosition=0))
    rows = edges.mark_rule(**rule).encode(y=alt.Y("edge:N", bandPosition=0))
    linked = f"in the order of the leaves of average linkage on 1 {MINUS} |r|"
    placed = linked if clustered else "lines part the families of metrics"
    title = alt.TitleParams(
        "How the metrics move together",
        subtitle=f"{view.correlation_method} over {view.correlation_level}; {placed}",
    )
    chart = alt.layer(squares, text, columns, rows).properties(width=alt.Step(step), height=alt.Step(step), title=title)
    figure: LayerChart = finish(chart)
    return figure


def tradeoff(view: StudyView, x: str, y: str) -> LayerChart:
    """Every run by two metrics, a line per model and re-ranker along its weight, and the Pareto front of all runs.

    A click on a legend entry highlights that model or re-ranker. There is no front where a metric has a target value.

    Raises
    ------
    SpecError
        If the study has no such metric.
    DataError
        If no run has a value of both.
    """
    alt = altair()
    data = paired(view, x, y)
    if not len(data):
        raise DataError(f"no run has a value of both {x!r} and {y!r}; choose other metrics")
    plain = data["reranker"] == "none"
    models, rerankers = list(data["model"].unique()), ["none", *data.loc[~plain, "reranker"].unique()]
    starts = data[plain].drop(columns="reranker").assign(diversity=0.0)
    ways = data.loc[~plain, ["model", "seed", "reranker"]].drop_duplicates()
    lines = pd.concat([starts.merge(ways, on=["model", "seed"]), data[~plain]], ignore_index=True)
    axes = {}
    for channel, name in (("x", x), ("y", y)):
        kind = alt.X if channel == "x" else alt.Y
        axes[channel] = kind(
            f"{channel}:Q",
            title=_axis(view, name),
            scale=alt.Scale(zero=False, nice=False, padding=12),
            axis=alt.Axis(tickCount=7),
        )
    chosen = [alt.selection_point(name=field, fields=[field], bind="legend") for field in ("model", "reranker")]
    opacity = alt.when(*chosen).then(alt.value(0.95)).otherwise(alt.value(0.08))
    colour = alt.Color(
        "model:N", title="model", scale=alt.Scale(domain=models, range=COLOURS), legend=alt.Legend(orient="right")
    )
    key = alt.Legend(
        title="re-ranker",
        symbolFillColor="#666",
        symbolStrokeColor="#666",
        labelExpr="datum.label == 'none' ? 'none (plain model)' : datum.label",
    )
    shape = alt.Shape("reranker:N", scale=alt.Scale(domain=rerankers, range=SHAPES), legend=key)
    # with a domain of its own, and only so, the dash stays out of the legend of the shapes
    dash = alt.StrokeDash("reranker:N", scale=alt.Scale(domain=rerankers[1:], range=DASHES), legend=None)
    number = {"type": "quantitative"}
    tooltip = [
        *(alt.Tooltip(field, type="nominal") for field in ("run", "model", "reranker")),
        *(alt.Tooltip(field, **number) for field in ("diversity", "seed")),
        *(alt.Tooltip("x_text:N", title=view.labels[x]), alt.Tooltip("y_text:N", title=view.labels[y])),
        *(alt.Tooltip("n_users:Q", title="users"), alt.Tooltip("front:N", title="on the Pareto front")),
    ]
    layers = []
    if data["front"].any():
        front = alt.Chart(records(data[data["front"]])).encode(**axes)
        # the region a run dominates has square corners, and which corner depends on the direction of x
        corner = "step-before" if view.metrics[x].better == "higher" else "step-after"
        layers.append(front.mark_line(interpolate=corner, color="#bdbdbd", strokeWidth=5, opacity=0.6))
        layers.append(front.mark_point(shape="circle", size=190, filled=True, color="#bdbdbd", opacity=0.6))
    paths = (
        alt.Chart(records(lines))
        .mark_line(strokeWidth=1.4)
        .encode(**axes, color=colour, strokeDash=dash, opacity=opacity)
    )
    if len(lines):
        layers.append(paths.encode(order="diversity:Q", detail="seed:N"))
    points = alt.Chart(records(data)).mark_point(filled=True, stroke="white", strokeWidth=0.5)
    size = alt.when("datum.reranker == 'none'").then(alt.value(110)).otherwise(alt.value(42))
    points = points.encode(**axes, color=colour, shape=shape, size=size, opacity=opacity, tooltip=tooltip)
    layers.append(points.add_params(*chosen))
    title = alt.TitleParams(f"{view.labels[y]} against {view.labels[x]}", subtitle=_front_words(view, data, x, y))
    figure: LayerChart = finish(alt.layer(*layers).properties(width=560, height=400, title=title))
    return figure


def lorenz(view: StudyView, runs: Sequence[str] | None = None) -> LayerChart:
    """Lorenz curves of exposure: what share of all recommendations the least recommended items take.

    Parameters
    ----------
    runs
        Names of runs; the plain models if None.

    Raises
    ------
    SpecError
        If the study has no such run.
    """
    alt = altair()
    table = view.runs
    if runs is None:
        runs = [str(run) for run in table.loc[table["reranker"] == "none", "run"] if run in view.exposure]
    names = dict(zip(table["run"], table["label"], strict=True))
    curves, empty = [], []
    for run in runs:
        if run not in view.exposure:
            raise SpecError(f"the study has no exposure of a run {run!r}; {did_you_mean(run, view.exposure)}")
        if view.exposure[run].sum() == 0:
            empty.append(names.get(run, run))
            continue
        items, share = lorenz_points(view.exposure[run])
        curves.append(pd.DataFrame({"run": names.get(run, run), "items": items, "share": share}))
    data = pd.concat(curves) if curves else pd.DataFrame({"run": [], "items": [], "share": []})
    labels = list(data["run"].unique())
    chosen = alt.selection_point(name="run", fields=["run"], bind="legend")
    percent = alt.Axis(format="%", tickCount=6)
    x = alt.X(
        "items:Q",
        title="share of the catalogue, least recommended items first",
        scale=alt.Scale(domain=[0, 1]),
        axis=percent,
    )
    y = alt.Y("share:Q", title="share of all recommendations", scale=alt.Scale(domain=[0, 1]), axis=percent)
    curve = alt.Chart(records(data)).encode(
        x=x,
        y=y,
        color=alt.Color("run:N", title="run", scale=alt.Scale(domain=labels, range=COLOURS)),
        opacity=alt.when(chosen).then(alt.value(1)).otherwise(alt.value(0.1)),
        tooltip=[
            alt.Tooltip("run:N"),
            alt.Tooltip("items:Q", title="least recommended items", format=".1%"),
            alt.Tooltip("share:Q", title="their share of recommendations", format=".2%"),
        ],
    )
    even = pd.DataFrame({"items": [0.0, 1.0], "share": [0.0, 1.0]})
    diagonal = alt.Chart(records(even)).mark_line(color="#888", strokeDash=[4, 4], strokeWidth=1.2).encode(x=x, y=y)
    subtitle = "Dashed: every item recommended equally often; the further below, the more concentrated"
    if empty:
        subtitle += f" (not drawn, nothing recommended: {', '.join(empty)})"
    title = alt.TitleParams("How evenly the catalogue is recommended", subtitle=subtitle)
    # wide invisible marks make thin curves easy to point at
    hover = curve.mark_point(size=120, filled=True).encode(opacity=alt.value(0))
    chart = alt.layer(diagonal, curve.mark_line(strokeWidth=2).add_params(chosen), hover)
    figure: LayerChart = finish(chart.properties(width=430, height=430, title=title))
    return figure


def signs(view: StudyView) -> FacetChart:
    """Matrix of metrics by re-ranker and weight: whether the values of the models rise, fall or stay."""
    alt = altair()
    labels = {name: label + ARROWS[view.metrics[name].better] for name, label in view.labels.items()}
    data = view.signs.dropna(subset=["sign"])
    present = set(data["metric"])
    keys = ["reranker", "diversity", "metric"]
    counts = data.assign(rise=data["sign"] > 0, fall=data["sign"] < 0, stay=data["sign"] == 0).groupby(
        keys, sort=False, as_index=False
    )
    cells = counts.agg(
        mean=("sign", "mean"),
        rise=("rise", "sum"),
        fall=("fall", "sum"),
        stay=("stay", "sum"),
        change=("difference", "mean"),
    )
    half = (cells["rise"] + cells["fall"] + cells["stay"]) / 2
    cells["text"] = np.select(
        [cells["rise"] > half, cells["fall"] > half, cells["stay"] > half], ["+", MINUS, "0"], default="±"
    )
    cells["metric"] = cells["metric"].map(labels)
    cells["change"] = cells["change"].map("{:+.4g}".format)
    cells["weight"] = cells["diversity"].map("{:g}".format)
    weights = [f"{weight:g}" for weight in sorted(cells["diversity"].unique())]
    base = alt.Chart().encode(
        x=alt.X(
            "weight:N",
            title="weight of the re-ranker",
            scale=alt.Scale(domain=weights),
            axis=alt.Axis(labelAngle=0, ticks=False, domain=False),
        ),
        y=alt.Y(
            "metric:N",
            title=None,
            scale=alt.Scale(domain=[labels[name] for name in view.order if name in present]),
            axis=alt.Axis(ticks=False, domain=False),
        ),
        tooltip=[
            *(alt.Tooltip("metric:N"), alt.Tooltip("reranker:N", title="re-ranker"), alt.Tooltip("weight:N")),
            *(alt.Tooltip("rise:Q", title="models that rise"), alt.Tooltip("fall:Q", title="models that fall")),
            *(alt.Tooltip("stay:Q", title="no change shown"), alt.Tooltip("change:N", title="mean change")),
        ],
    )
    colour = alt.Color(
        "mean:Q",
        title="mean sign",
        scale=alt.Scale(scheme="blueorange", domain=[-1, 1], reverse=True),
        legend=alt.Legend(gradientLength=160, gradientThickness=12, values=[-1, 0, 1], format="d"),
    )
    white = alt.condition(DARK.format("mean"), alt.value("white"), alt.value("#222"))
    squares = base.mark_rect(stroke="white", strokeWidth=1).encode(color=colour)
    text = base.mark_text(fontSize=13).encode(text="text:N", color=white)
    title = alt.TitleParams(
        "What re-ranking changes",
        subtitle="Sign of the change in most models (± if there is no majority); ↑ ↓ the better direction",
    )
    cell = alt.layer(squares, text).properties(width=alt.Step(28), height=alt.Step(20))
    header = alt.Header(title=None)
    facet = alt.Facet("reranker:N", header=header, sort=list(cells["reranker"].unique()))
    figure: FacetChart = finish(cell.facet(facet, data=records(cells), columns=4, spacing=12, title=title))
    return figure


def intervals(view: StudyView, metrics: Sequence[str] | None = None) -> FacetChart:
    """Dot plot of the plain models with their intervals, one small panel per metric that has values.

    Parameters
    ----------
    metrics
        Metric strings in the order of the panels; all, family by family, if None.

    Raises
    ------
    SpecError
        If the study has no such metric.
    """
    alt = altair()
    chosen = view.order if metrics is None else list(metrics)
    for name in chosen:
        view.check_metric(name)
    labels = {n: textwrap.fill(text + ARROWS[view.metrics[n].better], 26) for n, text in view.labels.items()}
    runs = view.runs
    table = view.table[(view.table["reranker"] == "none") & view.table["metric"].isin(chosen)].dropna(subset="value")
    table = table.merge(runs[["run", "label"]], on="run")
    data = pd.DataFrame(
        {
            "label": table["label"],
            "model": table["model"],
            "metric": table["metric"].map(labels),
            "value": table["value"],
            "low": table["ci_low"].fillna(table["value"]),
            "high": table["ci_high"].fillna(table["value"]),
            "interval": interval_texts(table["ci_low"], table["ci_high"], 5),
            "users": table["n_users"],
        }
    )
    order = list(runs.loc[runs["reranker"] == "none", "label"])
    models = list(runs["model"].unique())
    base = alt.Chart().encode(
        y=alt.Y(
            "label:N", title=None, scale=alt.Scale(domain=order), axis=alt.Axis(grid=True, ticks=False, domain=False)
        ),
        color=alt.Color("model:N", scale=alt.Scale(domain=models, range=COLOURS), legend=None),
        tooltip=[
            *(alt.Tooltip("label:N", title="run"), alt.Tooltip("metric:N")),
            *(alt.Tooltip("value:Q", format=".5f"), alt.Tooltip("interval:N"), alt.Tooltip("users:Q")),
        ],
    )
    x = alt.X("value:Q", title=None, scale=alt.Scale(zero=False, padding=8), axis=alt.Axis(tickCount=4))
    bar = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=None), x2="high:Q")
    dot = base.mark_point(filled=True, size=50, opacity=1).encode(x=x)
    title = alt.TitleParams(
        "Plain models",
        subtitle="Value with its confidence interval where there is one; ↑ ↓ the better direction",
    )
    cell = alt.layer(bar, dot).properties(width=165, height=alt.Step(18))
    lines = "split(datum.label, '\\n')"
    facet = alt.Facet(
        "metric:N",
        header=alt.Header(title=None, labelFontSize=11, labelLineHeight=13, labelExpr=lines),
        sort=[labels[name] for name in chosen],
    )
    chart = cell.facet(
        facet, data=records(data), columns=4, bounds="flush", spacing={"row": 68, "column": 28}, title=title
    )
    figure: FacetChart = finish(chart.resolve_scale(x="independent"))
    return figure


def _axis(view: StudyView, name: str) -> str:
    better = view.metrics[name].better
    return f"{view.labels[name]}, {'has a target' if better == 'target' else f'{better} is better'}"


def _front_words(view: StudyView, data: pd.DataFrame, x: str, y: str) -> str:
    missing = len(view.runs) - len(data)
    words = f"Grey: Pareto front, {int(data['front'].sum())} of {len(data)} runs"
    if "target" in {view.metrics[x].better, view.metrics[y].better}:
        words = "No Pareto front, because a metric with a target has no better direction"
    return words + (f"; {missing} runs without both values are not drawn" if missing else "")


def _family(view: StudyView, first: str, second: str) -> bool:
    """Whether a new family begins."""
    return view.metrics[first].family != view.metrics[second].family
