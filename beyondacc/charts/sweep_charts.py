"""Charts of a sweep: every metric along the weight, and one metric against another."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from beyondacc.charts.canvas import altair, finish, records
from beyondacc.charts.points import interval_texts, paired
from beyondacc.charts.study_charts import ARROWS, COLOURS
from beyondacc.charts.view import StudyView
from beyondacc.errors import DataError

if TYPE_CHECKING:
    from altair import FacetChart, LayerChart

__all__ = ["curves", "path"]

BLUE, ORANGE = COLOURS[:2]
GREY = "#bdbdbd"
WIDTH, HEIGHT = 560, 400
_PAD = 38  # pixels between the outermost points and the frame
_LETTER, _LINE = 6.4, 13.0  # pixels of a letter and a line of text
_HEAD = 14  # pixels of a line of a panel's heading
_APART = 36  # pixels between points whose weight is written beside them

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, right, top and bottom, in pixels from the upper left corner."""


def curves(view: StudyView, metrics: Sequence[str] | None = None) -> FacetChart:
    """Each metric along the weight of the re-ranker, with its interval as a band, one small panel a metric.

    Parameters
    ----------
    metrics
        Metric strings in the order of the panels; all, family by family, if None.

    Raises
    ------
    DataError
        If none of them has a value at any weight.
    """
    alt = altair()
    wanted = view.order if metrics is None else list(metrics)
    table = view.table[view.table["metric"].isin(wanted)].dropna(subset="value")
    present = set(table["metric"])
    chosen = [name for name in wanted if name in present]
    if not chosen:
        raise DataError(
            f"{wanted[0]!r} is undefined at every weight, so there is nothing to draw; choose other metrics"
        )
    large = len(chosen) == 1
    labels = {
        name: textwrap.fill(view.labels[name] + ARROWS[view.metrics[name].better], 60 if large else 26)
        for name in chosen
    }
    missing = [view.labels[name] for name in wanted if name not in present]
    starts = table[table["diversity"] == 0].set_index("metric")["value"]
    data = pd.DataFrame(
        {
            "metric": table["metric"].map(labels),
            "diversity": table["diversity"],
            "value": table["value"],
            "low": table["ci_low"],
            "high": table["ci_high"],
            "start": table["metric"].map(starts).astype(float),
            "interval": interval_texts(table["ci_low"], table["ci_high"], 5),
            "users": table["n_users"],
        }
    )
    x = alt.X(
        "diversity:Q",
        title="weight",
        scale=alt.Scale(nice=False, padding=4),
        axis=alt.Axis(tickCount=8 if large else 4, grid=False, format="~g", titlePadding=5),
    )
    y = {
        "title": None,
        "scale": alt.Scale(zero=False, nice=False, padding=8),
        "axis": alt.Axis(tickCount=6 if large else 4),
    }
    tooltip = [
        *(alt.Tooltip("metric:N"), alt.Tooltip("diversity:Q", title="weight"), alt.Tooltip("value:Q", format=".5f")),
        *(alt.Tooltip("interval:N"), alt.Tooltip("users:Q")),
    ]
    base = alt.Chart().encode(x=x)
    band = base.mark_area(color=BLUE, opacity=0.2).encode(y=alt.Y("low:Q", **y), y2="high:Q")
    plain = alt.Chart().mark_rule(color="#888", strokeDash=[4, 4], strokeWidth=1)
    plain = plain.encode(y=alt.Y("mean(start):Q", **y))
    line = base.mark_line(color=BLUE, strokeWidth=1.8, strokeJoin="round").encode(y=alt.Y("value:Q", **y))
    points = base.mark_point(color=BLUE, filled=True, opacity=1, size=40 if large else 14)
    points = points.encode(y=alt.Y("value:Q", **y), tooltip=tooltip)
    # a heading of the facet would move up and down with the labels of the axis
    head = alt.Chart().transform_aggregate(n="count()", groupby=["metric"])
    up = alt.expr(f"-8 - {_HEAD} * length(split(datum.metric, '\\n'))")
    head = head.mark_text(
        align="left", baseline="top", fontWeight="bold", fontSize=12, lineHeight=_HEAD, lineBreak="\n", dy=up
    )
    head = head.encode(x=alt.value(0), y=alt.value(0), text="metric:N")
    title = alt.TitleParams(f"{view.title} along its weight", subtitle=_curve_words(data, missing))
    size = {"width": WIDTH, "height": 320} if large else {"width": 168, "height": 120}
    cell = alt.layer(band, plain, line, points, head).properties(**size)
    empty = alt.Header(title=None, labelExpr="''", labelPadding=0)
    facet = alt.Facet("metric:N", header=empty, sort=[labels[name] for name in chosen])
    chart = cell.facet(
        facet, data=records(data), columns=4, bounds="flush", spacing={"row": 88, "column": 54}, title=title
    )
    chart = chart.resolve_scale(y="independent").resolve_axis(x="independent")
    figure: FacetChart = finish(chart)
    return figure


def _curve_words(data: pd.DataFrame, missing: Sequence[str]) -> list[str]:
    words = ["↑ ↓ the better direction", "values need not begin at 0"]
    if data["start"].notna().any():
        words.insert(0, "dashed: the value at weight 0")
    if data["low"].notna().any():
        words.insert(0, "band: 95 % bootstrap interval over users")
    text = "; ".join(words)
    rest = textwrap.wrap(f"Not drawn, undefined at every weight: {', '.join(missing)}", 100) if missing else []
    return [text[0].upper() + text[1:], *rest]


def path(view: StudyView, x: str, y: str, *, knee: float) -> LayerChart:
    """One metric against another along the weights of the re-ranker, with the Pareto front and its knee.

    There is no front where a metric has a target value.

    Parameters
    ----------
    knee
        The weight of the knee; NaN for none.

    Raises
    ------
    DataError
        If no weight has a value of both.
    """
    alt = altair()
    data = paired(view, x, y).sort_values("diversity", ignore_index=True)
    if not len(data):
        raise DataError(f"no weight has a value of both {x!r} and {y!r}; choose other metrics")
    spans = {"x": _span(data["x"], WIDTH), "y": _span(data["y"], HEIGHT)}
    axes = {}
    for channel, name in (("x", x), ("y", y)):
        kind = alt.X if channel == "x" else alt.Y
        better = view.metrics[name].better
        axes[channel] = kind(
            f"{channel}:Q",
            title=f"{view.labels[name]}, {'has a target' if better == 'target' else f'{better} is better'}",
            scale=alt.Scale(domain=list(spans[channel]), nice=False, zero=False),
            axis=alt.Axis(tickCount=7),
        )
    at_knee = data["diversity"] == knee
    tooltip = [
        *(alt.Tooltip("diversity:Q", title="weight"), alt.Tooltip("x_text:N", title=view.labels[x])),
        *(alt.Tooltip("y_text:N", title=view.labels[y]), alt.Tooltip("n_users:Q", title="users")),
        alt.Tooltip("front:N", title="on the Pareto front"),
    ]
    layers = []
    front = data[data["front"]].sort_values("x")
    if len(front):
        # the region a weight dominates has square corners, and which corner depends on the direction of x
        corner = "step-before" if view.metrics[x].better == "higher" else "step-after"
        marks = alt.Chart(records(front)).encode(**axes)
        layers.append(marks.mark_line(interpolate=corner, color=GREY, strokeWidth=5, opacity=0.6))
        layers.append(marks.mark_point(shape="circle", size=190, filled=True, color=GREY, opacity=0.6))
    if at_knee.any():
        ends = alt.Chart(records(front.iloc[[0, -1]])).encode(**axes)
        layers.append(ends.mark_line(color="#888", strokeDash=[4, 4], strokeWidth=1))
    way = alt.Chart(records(data)).encode(**axes)
    layers.append(way.encode(order="diversity:Q").mark_line(color=BLUE, strokeWidth=1.6, strokeJoin="round"))
    layers.append(way.encode(tooltip=tooltip).mark_point(color=BLUE, filled=True, size=46, opacity=1))
    if at_knee.any():
        bend = alt.Chart(records(data[at_knee])).encode(**axes)
        layers.append(bend.encode(tooltip=tooltip).mark_point(color=ORANGE, filled=True, size=90, opacity=1))
        layers.append(bend.mark_point(color=ORANGE, filled=False, size=300, opacity=1, strokeWidth=1.8))
    texts = _texts(data, spans, knee, rising=view.metrics[x].better == "higher")
    for colour, weight in (("#222", "normal"), (ORANGE, "bold")):
        chosen = texts[(texts["knee"]) == (colour == ORANGE)]
        if len(chosen):
            words = alt.Chart(records(chosen)).encode(**axes, text="text:N")
            layers.append(words.mark_text(color=colour, fontWeight=weight, fontSize=11, baseline="middle"))
    title = alt.TitleParams(
        f"{view.title}: {view.labels[y]} against {view.labels[x]}", subtitle=_path_words(view, data, (x, y), knee)
    )
    figure: LayerChart = finish(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=title))
    return figure


def _path_words(view: StudyView, data: pd.DataFrame, metrics: tuple[str, str], knee: float) -> list[str]:
    words = [f"Numbers: the weight; grey: Pareto front, {int(data['front'].sum())} of {len(data)} weights"]
    if "target" in {view.metrics[name].better for name in metrics}:
        words = ["Numbers: the weight; no Pareto front, because a metric with a target has no better direction"]
    elif not math.isnan(knee):
        words.append(f"Ring: the knee, at {knee:g}: of the front the farthest beyond the dashed line between its ends")
    missing = len(view.runs) - len(data)
    return [*words, f"Not drawn: {missing} weights without both values"] if missing else words


def _span(values: pd.Series[float], pixels: int) -> Point:
    """Return the ends of an axis, with room around the values."""
    low, high = float(values.min()), float(values.max())
    extent = high - low or abs(high) / 10 or 1.0  # an axis of one value has an extent, too
    room = extent * _PAD / (pixels - 2 * _PAD)
    return (low - room, high + room) if high > low else (low - extent / 2, high + extent / 2)


def _texts(data: pd.DataFrame, spans: dict[str, Point], knee: float, *, rising: bool) -> pd.DataFrame:
    """Write weights beside their points, as many as have room there: x, y (the middle of the text), text, knee.

    The knee comes first, and always has its text; then both ends, then the weights half-way between those that had
    their turn.

    Parameters
    ----------
    rising
        Whether more of x is better, on which the corners of the front depend.
    """
    (left, right), (bottom, top) = spans["x"], spans["y"]
    across = (data["x"].to_numpy(float) - left) / (right - left) * WIDTH
    down = (top - data["y"].to_numpy(float)) / (top - bottom) * HEIGHT
    points: list[Point] = list(zip(across.tolist(), down.tolist(), strict=True))
    front = sorted(itertools.compress(points, data["front"]))
    corners = [(a[0], b[1]) if rising else (b[0], a[1]) for a, b in itertools.pairwise(front)]
    drawn = [points, [each for pair in itertools.zip_longest(front, corners) for each in pair if each]]
    obstacles = _along([*drawn, [front[0], front[-1]]] if knee in set(data["diversity"]) else drawn)
    boxes: list[Box] = []
    written: list[Point] = []
    rows = []
    weights = data["diversity"].tolist()
    for place in sorted(_halving(len(points)), key=lambda place: weights[place] != knee):
        here, is_knee = points[place], weights[place] == knee
        if not is_knee and any(math.dist(here, other) < _APART for other in written):
            continue
        text = f"knee at {weights[place]:g}" if is_knee else f"{weights[place]:g}"
        half = len(text) * _LETTER / 2, _LINE / 2
        before, after = points[max(place - 1, 0)], points[min(place + 1, len(points) - 1)]
        way = after[0] - before[0], after[1] - before[1]
        gaps = (16.0, 28.0, 40.0) if is_knee else (10.0,)
        around = [box for gap in gaps for box in _around(here, half, gap, way) if _inside(box)]
        free = [box for box in around if not _held(box, obstacles) and not any(_overlap(box, other) for other in boxes)]
        if not free and is_knee:  # it has its name in any case, across a line if need be
            free = [min(around, key=lambda box: _held(box, obstacles))]
        if free:
            boxes.append(free[0])
            written.append(here)
            middle = (free[0][0] + free[0][1]) / 2, (free[0][2] + free[0][3]) / 2
            spot = left + middle[0] / WIDTH * (right - left), top - middle[1] / HEIGHT * (top - bottom)
            rows.append((*spot, text, is_knee))
    return pd.DataFrame(rows, columns=["x", "y", "text", "knee"])


def _inside(box: Box) -> bool:
    return min(box) >= 0 and box[1] <= WIDTH and box[3] <= HEIGHT


def _held(box: Box, points: Sequence[Point]) -> int:
    """Return how many points a box holds."""
    return sum(box[0] < x < box[1] and box[2] < y < box[3] for x, y in points)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _around(point: Point, half: Point, gap: float, way: Point) -> list[Box]:
    """Return where a text can be around a point, first what lies across the way that a line takes there."""
    length = math.hypot(*way) or 1.0
    sides = [(1, 0), (0, -1), (-1, 0), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1)]
    sides.sort(key=lambda side: round(abs(side[0] * way[0] + side[1] * way[1]) / math.hypot(*side) / length, 1))
    boxes = []
    for across, down in sides:
        room = gap * 0.6 if across and down else gap
        x, y = point[0] + across * (half[0] + room), point[1] + down * (half[1] + room)
        boxes.append((x - half[0], x + half[0], y - half[1], y + half[1]))
    return boxes


def _along(lines: list[list[Point]]) -> list[Point]:
    """Return the points of lines, and points between them, close enough for no text to slip through."""
    found = list(itertools.chain.from_iterable(lines))
    for (x, y), (to_x, to_y) in itertools.chain.from_iterable(map(itertools.pairwise, lines)):
        steps = int(math.dist((x, y), (to_x, to_y)) / (_LINE / 4)) + 1
        found += [(x + (to_x - x) * step / steps, y + (to_y - y) * step / steps) for step in range(1, steps)]
    return found


def _halving(n: int) -> list[int]:
    """Return 0..n-1 with both ends first, then the middles of what lies between."""
    order = dict.fromkeys([0, n - 1])
    gaps = [(0, n - 1)]
    while gaps:
        start, end = gaps.pop(0)
        middle = (start + end) // 2
        if start < middle < end:
            order[middle] = None
            gaps += [(start, middle), (middle, end)]
    return list(order)
