"""Charts of groups: genres that move together, genres in lists against profiles, models by groups of users."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from beyondacc.charts.canvas import altair, finish, records
from beyondacc.charts.points import MINUS, interval_texts
from beyondacc.charts.study_charts import ARROWS, COLOURS, DARK
from beyondacc.charts.view import StudyView
from beyondacc.errors import DataError

if TYPE_CHECKING:
    from altair import FacetChart, LayerChart

__all__ = ["genre_bias", "genre_heatmap", "user_groups"]


def genre_heatmap(found: pd.DataFrame, k: int) -> FacetChart:
    """Correlation matrices of genre shares, one small panel for the profiles and for each model.

    Parameters
    ----------
    found
        Of `genres.genre_correlations`.
    k
        How many items of a list count.

    Raises
    ------
    DataError
        If there are fewer than two genres.
    """
    alt = altair()
    if not len(found):
        raise DataError("a correlation of genres needs two genres that training rows have; give items= more genres")
    names = list(dict.fromkeys(found["genre_a"]))
    rounded = found["coefficient"].round(2) + 0.0  # no negative zero
    data = found.assign(
        coefficient=found["coefficient"].round(4),
        text=rounded.map("{:.2f}".format).str.replace("-", MINUS).mask(rounded.isna(), "undefined"),
    )
    look = {"title": None, "scale": alt.Scale(domain=names)}
    base = alt.Chart().encode(
        x=alt.X("genre_b:N", **look, axis=alt.Axis(labelAngle=-45, ticks=False, domain=False)),
        y=alt.Y("genre_a:N", **look, axis=alt.Axis(ticks=False, domain=False)),
        tooltip=[
            *(alt.Tooltip("source:N", title="of"), alt.Tooltip("genre_a:N", title="genre")),
            *(alt.Tooltip("genre_b:N", title="and genre"), alt.Tooltip("text:N", title="Pearson's r")),
            alt.Tooltip("n_users:Q", title="users"),
        ],
    )
    colour = alt.Color(
        "coefficient:Q",
        title=None,
        scale=alt.Scale(scheme="blueorange", domain=[-1, 1], reverse=True),
        legend=alt.Legend(gradientLength=200, gradientThickness=12, format=".1f"),
    )
    known = "isValid(datum.coefficient)"
    squares = base.mark_rect(stroke="white", strokeWidth=1).encode(color=colour).transform_filter(known)
    white = alt.condition(DARK.format("coefficient"), alt.value("white"), alt.value("#222"))
    shown = base.mark_text(fontSize=7.5).encode(text="short:N", color=white)
    data["short"] = data["text"].str.replace("0.", ".", regex=False).mask(rounded.isna(), "\N{EN DASH}")
    title = alt.TitleParams(
        "Genres that move together",
        subtitle=[
            f"Pearson's r over users between the shares of two genres, in the profiles and the first {k} of the lists",
            f"of each plain model; the {len(names)} most frequent genres; \N{EN DASH}: the same share for all users",
        ],
    )
    cell = alt.layer(squares, shown).properties(width=alt.Step(23), height=alt.Step(20))
    facet = alt.Facet(
        "source:N", header=alt.Header(title=None, labelLimit=0), sort=list(dict.fromkeys(found["source"]))
    )
    chart = cell.facet(facet, data=records(data), columns=3, spacing={"row": 18, "column": 14}, title=title)
    figure: FacetChart = finish(chart)
    return figure


def genre_bias(found: pd.DataFrame, k: int, models: Sequence[str]) -> LayerChart:
    """How much more or less lists show each genre than the profiles of their users hold.

    Parameters
    ----------
    found
        Of `genres.representation`.
    k
        How many items of a list count.
    models
        All models of the study, so that each has the colour it has in other charts.

    Raises
    ------
    DataError
        If there is nothing to compare.
    """
    alt = altair()
    if not len(found):
        raise DataError("genres of lists cannot be compared: fewer than two users have both a profile and a list")
    names, drawn = list(dict.fromkeys(found["genre"])), list(dict.fromkeys(found["model"]))
    data = found.assign(
        difference=100 * found["difference"],
        low=100 * found["ci_low"],
        high=100 * found["ci_high"],
        interval=interval_texts(100 * found["ci_low"], 100 * found["ci_high"], 1),
    ).drop(columns=["ci_low", "ci_high"])
    base = alt.Chart(records(data)).encode(
        y=alt.Y(
            "genre:N", title=None, scale=alt.Scale(domain=names), axis=alt.Axis(ticks=False, domain=False, grid=False)
        ),
        yOffset=alt.YOffset("model:N", scale=alt.Scale(domain=drawn)),
        color=alt.Color("model:N", title="model", scale=alt.Scale(domain=list(models), range=COLOURS)),
        tooltip=[
            *(alt.Tooltip("model:N"), alt.Tooltip("genre:N")),
            *(alt.Tooltip(f"{side}_share:Q", title=f"share in {side}s", format=".1%") for side in ("profile", "list")),
            *(alt.Tooltip("difference:Q", title="points of a percent", format="+.1f"), alt.Tooltip("interval:N")),
            alt.Tooltip("n_users:Q", title="users"),
        ],
    )
    words = "list less profile, in points of a percent"
    bar = base.mark_rule(strokeWidth=1.6).encode(x=alt.X("low:Q", title=words), x2="high:Q")
    dot = base.mark_point(filled=True, size=34, opacity=1).encode(x=alt.X("difference:Q", title=words))
    zero = alt.Chart(records(pd.DataFrame({"x": [0.0]}))).mark_rule(color="#888", strokeDash=[4, 4]).encode(x="x:Q")
    title = alt.TitleParams(
        "Genres in lists against profiles",
        subtitle=[
            f"Share of the first {k} items that have a genre less that of the user's training items, mean over users;",
            "bars: 1.96 standard errors; right of the dashed line lists show more of it than profiles hold",
        ],
    )
    chart = alt.layer(zero, bar, dot).properties(width=430, height=alt.Step(7, **{"for": "offset"}), title=title)
    figure: LayerChart = finish(chart)
    return figure


def user_groups(view: StudyView, values: pd.DataFrame, by: str) -> FacetChart:
    """Dot plot of the plain models in each group of users, one small panel a metric.

    Parameters
    ----------
    view
        For the names of metrics and the colours of models.
    values
        Of `gaps.group_values`.
    by
        What users are grouped by.

    Raises
    ------
    DataError
        If no group has a value.
    """
    alt = altair()
    values = values.dropna(subset="value")
    if not len(values):
        raise DataError(f"no group of {by} has a value of any of these metrics; choose other metrics")
    labels = _labels(view, values["metric"].unique())
    data = pd.DataFrame(
        {
            "group": values["group"],
            "model": values["model"],
            "metric": values["metric"].map(labels),
            "value": values["value"],
            "low": values["ci_low"].fillna(values["value"]),
            "high": values["ci_high"].fillna(values["value"]),
            "interval": interval_texts(values["ci_low"], values["ci_high"], 5),
            "users": values["n_users"],
        }
    )
    groups, drawn = list(dict.fromkeys(data["group"])), list(dict.fromkeys(data["model"]))
    base = alt.Chart().encode(
        y=alt.Y(
            "group:N",
            title=None,
            scale=alt.Scale(domain=groups, paddingInner=0.3),
            axis=alt.Axis(ticks=False, domain=False),
        ),
        yOffset=alt.YOffset("model:N", scale=alt.Scale(domain=drawn)),
        color=alt.Color(
            "model:N",
            title="model",
            scale=alt.Scale(domain=[str(model) for model in view.runs["model"].unique()], range=COLOURS),
        ),
        tooltip=[
            *(alt.Tooltip("model:N"), alt.Tooltip("group:N", title=by), alt.Tooltip("metric:N")),
            *(alt.Tooltip("value:Q", format=".5f"), alt.Tooltip("interval:N"), alt.Tooltip("users:Q")),
        ],
    )
    x = alt.X("value:Q", title=None, scale=alt.Scale(zero=False, padding=8), axis=alt.Axis(tickCount=4))
    bar = base.mark_rule(strokeWidth=1.8).encode(x=alt.X("low:Q", title=None), x2="high:Q")
    dot = base.mark_point(filled=True, size=40, opacity=1).encode(x=x)
    title = alt.TitleParams(
        f"Groups of users by {by.replace('_', ' ')}",
        subtitle="Value of each plain model among the users of a group, with its bootstrap interval; "
        "↑ ↓ the better direction",
    )
    cell = alt.layer(bar, dot).properties(width=165, height=alt.Step(9, **{"for": "offset"}))
    facet = alt.Facet(
        "metric:N",
        header=alt.Header(title=None, labelFontSize=11, labelLineHeight=13, labelExpr="split(datum.label, '\\n')"),
        sort=list(labels.values()),
    )
    chart = cell.facet(
        facet, data=records(data), columns=4, bounds="flush", spacing={"row": 68, "column": 28}, title=title
    )
    figure: FacetChart = finish(chart.resolve_scale(x="independent"))
    return figure


def _labels(view: StudyView, metrics: Iterable[str]) -> Mapping[str, str]:
    return {name: textwrap.fill(view.labels[name] + ARROWS[view.metrics[name].better], 26) for name in metrics}
