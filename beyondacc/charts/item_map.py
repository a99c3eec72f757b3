"""The item map: the catalogue in the plane, and the lists of one user on it, before and after re-ranking."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.charts.canvas import altair, finish, records
from beyondacc.charts.projection import By, Projection, project
from beyondacc.charts.study_charts import COLOURS
from beyondacc.data.dataset import Dataset
from beyondacc.data.recommendations import Recommendations
from beyondacc.declare.params import Cutoff, Param, Seed
from beyondacc.errors import DataError, SpecError

if TYPE_CHECKING:
    from altair import LayerChart

__all__ = ["item_map"]

GENRES = (*COLOURS[:6], COLOURS[7])  # without black, which the lists have
GREY = "#b4b4b4"
OTHER = "other or none"
INK = "#111"
WIDTH, HEIGHT = 620, 480
_ROOM = 0.04  # of the axes, around the outermost points
_LETTER, _LINE = 5.9, 13.0  # pixels of a letter and a line of a label
_MARK = 8.0  # pixels from the middle of a listed item to its edge
_TITLE = 30  # letters of a label

Box = tuple[float, float, float, float]
"""Left, right, top and bottom, in pixels from the upper left corner."""


def item_map(
    data: Dataset,
    *,
    lists: Mapping[str, Any] | None = None,
    user: Any = None,
    by: By = "pca",
    users: bool = False,
    top: int = 1500,
    k: int = 10,
    seed: int = 0,
) -> LayerChart:
    """Draw the items in the plane, near ones alike, and where the lists of one user lie.

    Colour is the genre: the seven that most items of the catalogue have, all others grey; an item with several of the
    seven takes the rarest of them. The area of a mark is the number of training users.

    Parameters
    ----------
    data : Dataset
        Its vectors of items are projected, or else the columns of its binary training matrix.
    lists
        One or two lists by name, such as ``{"before": candidates, "after": reranked}``, in any form
        `Recommendations.read` takes; the first is drawn as rings, the second as dots, some of the items with titles.
    user
        Whose lists.
    by
        ``pca``, or ``umap`` where the package umap-learn is installed.
    users
        Draw users as crosses, each at the mean of the items of its profile; of more than `top` users a random choice.
    top
        How many items are drawn, the most popular ones; those of the lists always are.
    k
        How many items of a list count.
    seed
        Of UMAP, of the start of an iterated decomposition, and of the choice of users.

    Returns
    -------
    altair.LayerChart

    Raises
    ------
    SpecError
        If an argument is not allowed, or of `lists` and `user` only one is given.
    DataError
        If the items make no map, a list names the user not, or users are to be drawn without training rows.
    DependencyError
        If altair, or for ``by="umap"`` umap-learn, is missing.
    """
    altair()
    by = Param("by", "pca", By).check(by, "item_map")
    top = Param("top", 1500, Cutoff).check(top, "item_map")
    k = Param("k", 10, Cutoff).check(k, "item_map")
    seed = Param("seed", 0, Seed).check(seed, "item_map")
    listed = _listed(data, lists, user, k)
    if users and data.train is None:
        raise DataError("users lie at the mean of their training rows, which the Dataset has not; pass train=")
    projection = project(data, by, seed)
    items, genres = _items(data, projection, listed, top)
    crosses, n_users = _users(data, projection, top, seed) if users else (pd.DataFrame(), 0)
    words = [projection.words, _words(data, projection, items, top, genres)]
    if listed:
        words.append(_list_words(listed, user, k, set(projection.items.tolist())))
    if n_users:
        drawn = f"{len(crosses):,} of {n_users:,} users" if len(crosses) < n_users else f"the {n_users:,} users"
        words.append(f"Crosses: {drawn}, at the mean of the items of their profiles")
    lines = [line for text in words for line in textwrap.wrap(text, 120)]
    return _draw(items, crosses, genres=genres, names=list(listed), axes=projection.axes, words=lines)


def _listed(data: Dataset, lists: Mapping[str, Any] | None, user: Any, k: int) -> dict[str, list[int]]:
    """Return the positions of the first k items of the user in each list; items the dataset does not know have -1."""
    if lists is None and user is None:
        return {}
    if lists is None or user is None:
        given, missing = ("user=", "lists=") if lists is None else ("lists=", "user=")
        raise SpecError(f"{given} was given without {missing}; the map shows the lists of one user, so pass both")
    if not isinstance(lists, Mapping) or not 1 <= len(lists) <= 2:
        what = f"{len(lists)} were given" if isinstance(lists, Mapping) else f"a {type(lists).__name__} was given"
        raise SpecError(f'lists= are one or two by name, such as {{"before": lists, "after": lists}}; {what}')
    found = {}
    for name, each in lists.items():
        recs = Recommendations.read(each, data, what=str(name)).top(k)
        row = recs.users.get_indexer(pd.Index([user]))[0]
        if row < 0:
            raise DataError(f"{name!r} has no list for user {user!r}; name one of its {len(recs):,} users")
        found[str(name)] = [int(item) if item < len(data.items) else -1 for item in recs.ragged.row(row)]
    return found


def _items(
    data: Dataset, projection: Projection, listed: Mapping[str, Sequence[int]], top: int
) -> tuple[pd.DataFrame, list[str]]:
    """Return what is drawn of the items, most popular first, and the genres that have colours, most frequent first.

    The columns are x, y, title, genre, genres, users, and rank_0, rank_1: the rank in each list, NaN where in none.
    """
    counts = data.item_counts[projection.items]
    wanted = np.zeros(len(counts), np.bool_)
    wanted[np.argsort(-counts, kind="stable")[:top]] = True
    wanted |= np.isin(projection.items, [item for items in listed.values() for item in items])
    chosen = np.flatnonzero(wanted)
    chosen = chosen[np.argsort(-counts[chosen], kind="stable")]
    places = projection.items[chosen]
    titles = data.items.ids[places].astype(str)
    if data.titles is not None:
        known = pd.Series(data.titles, dtype=object).reindex(places).to_numpy()
        titles = pd.Index([title if isinstance(title, str) else own for title, own in zip(known, titles, strict=True)])
    colours, texts, frequent = _genres(data, places)
    span = np.ptp(projection.xy, axis=0).max()
    xy = projection.xy[chosen].round(4 - math.floor(math.log10(span)))
    frame = {"x": xy[:, 0], "y": xy[:, 1], "title": titles, "genre": colours, "genres": texts, "users": counts[chosen]}
    table = pd.DataFrame(frame)
    for place, items in enumerate(listed.values()):
        ranks = {item: rank for rank, item in enumerate(items, 1)}
        table[f"rank_{place}"] = [ranks.get(item, math.nan) for item in places.tolist()]
    return table, frequent


def _genres(data: Dataset, places: NDArray[np.int64]) -> tuple[list[str], list[str], list[str]]:
    """Return of each item the genre whose colour it has and all genres as text, and the genres that have colours."""
    features = data.features
    if features is None:
        return [OTHER] * len(places), [""] * len(places), []
    within = np.repeat(data.catalogue, np.diff(features.starts))
    counts = np.bincount(features.ids[within], minlength=len(features.names))
    order = [int(genre) for genre in np.argsort(-counts, kind="stable")[: len(GENRES)] if counts[genre]]
    colours, texts = [], []
    for place in places:
        own = features.ids[features.starts[place] : features.starts[place + 1]].tolist()
        rare = max((order.index(genre) for genre in own if genre in order), default=-1)
        colours.append(features.names[order[rare]] if rare >= 0 else OTHER)
        texts.append(", ".join(features.names[genre] for genre in own))
    return colours, texts, [features.names[genre] for genre in order]


def _users(data: Dataset, projection: Projection, top: int, seed: int) -> tuple[pd.DataFrame, int]:
    """Return where users lie, x and y, and of how many they are."""
    profiles = data.matrix[:, projection.items]
    profiles.data = np.ones(len(profiles.data))
    sizes = np.asarray(profiles.sum(axis=1)).ravel()
    rows = np.flatnonzero(sizes)
    n_users = len(rows)
    if n_users > top:
        rows = np.sort(np.random.default_rng(seed).choice(rows, top, replace=False))
    xy = (profiles[rows] @ projection.xy) / sizes[rows, None]
    return pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "user": data.users.ids[rows].astype(str)}), n_users


def _words(data: Dataset, projection: Projection, items: pd.DataFrame, top: int, genres: Sequence[str]) -> str:
    placed = len(projection.items)
    words = "Drawn: all items" if len(items) == placed else f"Drawn: the {top:,} most popular of {placed:,} items"
    if len(items) != placed and len(items) > top:
        words += " and the listed ones"
    if left_out := int(data.catalogue.sum()) - placed:
        words += f"; {left_out:,} have no place"
    return words + ("; colour: the rarest of their genres" if genres else "")


def _list_words(listed: Mapping[str, Sequence[int]], user: Any, k: int, placed: set[int]) -> str:
    marks = ["Rings", "dots"]
    parts = [f"{mark}: first {k} of {name}" for mark, name in zip(marks, listed, strict=False)]
    words = f"{', '.join(parts)}, for user {user}"
    lost = len({item for items in listed.values() for item in items if item not in placed})
    if len(listed) == 2:
        both = len(set.intersection(*map(set, listed.values())) & placed)
        words += f"; {both} in both (ring with dot)"
    return words + (f"; {lost} without a place" if lost else "")


def _draw(
    items: pd.DataFrame,
    crosses: pd.DataFrame,
    *,
    genres: list[str],
    names: list[str],
    axes: tuple[str, str],
    words: list[str],
) -> LayerChart:
    alt = altair()
    spans = {}
    for channel in ("x", "y"):
        values = pd.concat([items[channel], crosses[channel]]) if len(crosses) else items[channel]
        low, high = float(values.min()), float(values.max())
        room = _ROOM * ((high - low) or 1.0)
        spans[channel] = (low - room, high + room)
    bare = alt.Axis(labels=False, ticks=False, grid=False)
    place = {
        "x": alt.X("x:Q", title=axes[0] or None, scale=alt.Scale(domain=list(spans["x"]), nice=False), axis=bare),
        "y": alt.Y("y:Q", title=axes[1] or None, scale=alt.Scale(domain=list(spans["y"]), nice=False), axis=bare),
    }
    tooltip = [
        *(alt.Tooltip("title:N"), alt.Tooltip("genres:N"), alt.Tooltip("users:Q", title="training users")),
        *(alt.Tooltip(f"rank_{number}:Q", title=f"rank, {name}") for number, name in enumerate(names)),
    ]
    chosen = alt.selection_point(name="genre", fields=["genre"], bind="legend")
    domain = [*genres, *([OTHER] if (items["genre"] == OTHER).any() else [])]
    colour = alt.Color(
        "genre:N",
        title="genre",
        scale=alt.Scale(domain=domain, range=[*GENRES[: len(genres)], GREY]),
        legend=alt.Legend(symbolOpacity=1, symbolSize=90) if genres else None,
    )
    size = alt.Size(
        "users:Q",
        title="training users",
        scale=alt.Scale(range=[10, 320], zero=True),
        legend=alt.Legend(symbolFillColor="#888", symbolStrokeWidth=0, tickCount=4),
    )
    faint = 0.35 if names else 0.6  # so that the lists stand out
    marks = alt.Chart(records(items)).mark_point(filled=True, stroke="white", strokeWidth=0.4)
    opacity = alt.when(chosen).then(alt.value(faint)).otherwise(alt.value(0.05))
    layers = [marks.encode(**place, color=colour, size=size, opacity=opacity, tooltip=tooltip).add_params(chosen)]
    if len(crosses):
        people = alt.Chart(records(crosses)).mark_point(shape="cross", filled=True, color="#333", size=22, opacity=0.7)
        layers.append(people.encode(**place, tooltip=[alt.Tooltip("user:N")]))
    if names:
        layers += _lists(items, names, spans, place, tooltip)
    title = alt.TitleParams("Map of the items", subtitle=words)
    figure: LayerChart = finish(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=title))
    return figure


def _lists(
    items: pd.DataFrame, names: Sequence[str], spans: Mapping[str, tuple[float, float]], place: Any, tooltip: Any
) -> list[Any]:
    """Return the layers of the lists: rings, dots and titles, each on a white edge."""
    alt = altair()
    layers = []
    rings = alt.Chart(records(items[items["rank_0"].notna()])).encode(**place, tooltip=tooltip)
    for colour, width in (("white", 4.5), (INK, 1.8)):
        layers.append(
            rings.mark_point(shape="circle", filled=False, size=200, opacity=1, stroke=colour, strokeWidth=width)
        )
    if len(names) == 2:
        dots = alt.Chart(records(items[items["rank_1"].notna()])).encode(**place, tooltip=tooltip)
        layers.append(dots.mark_point(shape="circle", filled=True, size=170, opacity=1, color="white"))
        layers.append(dots.mark_point(shape="circle", filled=True, size=70, opacity=1, color=INK, stroke="white"))
    texts = _labels(items, names, spans)
    look = {"fontSize": 10.5, "baseline": "middle"}
    for edge in ({"color": "white", "stroke": "white", "strokeWidth": 3.5, "opacity": 0.85}, {"color": INK}):
        for align, part in texts.groupby("align"):
            layers.append(
                alt.Chart(records(part)).mark_text(**look, **edge, align=align).encode(**place, text="text:N")
            )
    return layers


def _labels(items: pd.DataFrame, names: Sequence[str], spans: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """Write titles beside listed items, those that have room: x, y, text, and align, which end of it lies there.

    The items that only the last list has come first, then those that only the first has.
    """
    listed = items[items[[f"rank_{number}" for number in range(len(names))]].notna().any(axis=1)]
    if len(names) == 2:
        order = np.where(listed["rank_0"].isna(), 0, np.where(listed["rank_1"].isna(), 1, 2))
        listed = listed.assign(order=order).sort_values(["order", "rank_1", "rank_0"], kind="stable")
    else:
        listed = listed.sort_values("rank_0")
    (left, right), (bottom, top) = spans["x"], spans["y"]
    across = ((listed["x"] - left) / (right - left) * WIDTH).tolist()
    down = ((top - listed["y"]) / (top - bottom) * HEIGHT).tolist()
    taken: list[Box] = [(x - _MARK, x + _MARK, y - _MARK, y + _MARK) for x, y in zip(across, down, strict=True)]
    rows = []
    for x, y, title in zip(across, down, listed["title"], strict=True):
        text = title if len(title) <= _TITLE else f"{title[: _TITLE - 1].rstrip()}…"
        half = len(text) * _LETTER / 2
        for sideways, downward, align in ((1, 0, "left"), (-1, 0, "right"), (0, -1, "center"), (0, 1, "center")):
            middle = x + sideways * (half + _MARK + 3), y + downward * (_LINE / 2 + _MARK + 1)
            box = (middle[0] - half, middle[0] + half, middle[1] - _LINE / 2, middle[1] + _LINE / 2)
            inside = min(box) >= 0 and box[1] <= WIDTH and box[3] <= HEIGHT
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                anchor = middle[0] - sideways * half, middle[1]
                spot = left + anchor[0] / WIDTH * (right - left), top - anchor[1] / HEIGHT * (top - bottom)
                rows.append((*spot, text, align))
                break
    return pd.DataFrame(rows, columns=["x", "y", "text", "align"])


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]
