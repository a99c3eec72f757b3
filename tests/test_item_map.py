"""The item map: places against numpy's decomposition, colours, lists, labels, and messages; on MovieLens."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import beyondacc as ba
from beyondacc.charts import item_map, projection
from beyondacc.charts.canvas import save_chart
from beyondacc.errors import DataError, DependencyError, SpecError


@pytest.fixture(scope="module")
def tables():
    ratings, movies = ba.load_movielens()
    return ratings[ratings["user_id"] <= 100], movies


@pytest.fixture(scope="module")
def data(tables):
    return ba.Dataset.split(*tables, seed=0)


@pytest.fixture(scope="module")
def lists(data):
    before = ba.recommend(ba.models.PureSVD(factors=10).fit(data.matrix), data, k=50)
    return {"before": before, "after": ba.MMR(diversity=0.7).rerank(before, data, k=10)}


def layers_of(chart):
    """The rows of each layer of a map."""
    spec = chart.to_dict()
    return [pd.DataFrame(layer.get("data", spec.get("data"))["values"]) for layer in spec["layer"]]


def binary(data):
    """Items x users, of the items with a training user, as plain arrays."""
    items = np.flatnonzero(data.catalogue & (data.item_counts > 0))
    return items, (data.matrix.toarray().T[items] > 0).astype(float)


def naive_components(rows):
    centred = rows - rows.mean(axis=0)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    xy = left[:, :2] * lengths[:2]
    for axis in (0, 1):
        if xy[np.abs(xy[:, axis]).argmax(), axis] < 0:
            xy[:, axis] *= -1
    return xy, (lengths**2 / (lengths**2).sum())[:2]


@pytest.fixture(scope="module")
def components(data):
    return naive_components(binary(data)[1])


@pytest.mark.parametrize("whole", [20, 10_000])
def test_components_are_those_of_numpy(data, monkeypatch, whole):
    monkeypatch.setattr(projection, "_WHOLE", whole)  # by iteration, and at once
    rows = binary(data)[1][:500]
    expected, shares = naive_components(rows)
    for matrix in (rows, sparse.csr_array(rows)):
        found, found_shares = projection.principal_axes(matrix)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
        np.testing.assert_allclose(found_shares, shares, rtol=1e-10)


def test_a_map_is_of_the_training_matrix(data, components):
    items, _ = binary(data)
    expected, shares = components
    made = projection.project(data, "pca", 0)
    np.testing.assert_array_equal(made.items, items)
    np.testing.assert_allclose(made.xy, expected, rtol=0, atol=1e-8)
    first, second = (f"{100 * share:.1f} %" for share in shares)
    assert (
        made.words == f"Principal components of the binary training matrix, with {first} and {second} of its variance"
    )


def test_vectors_of_the_items_come_first(tables):
    ratings, movies = tables
    vectors = np.random.default_rng(0).normal(size=(len(movies), 4)) * [3.0, 2.0, 1.0, 0.5]
    vectors[5] = 0.0
    made = projection.project(ba.Dataset(train=ratings, items=movies, vectors=vectors), "pca", 0)
    assert 5 not in made.items
    assert len(made.items) == len(movies) - 1
    expected, shares = naive_components(np.delete(vectors, 5, axis=0))
    np.testing.assert_allclose(made.xy, expected, rtol=0, atol=1e-9)
    assert made.words.startswith("Principal components of the items' vectors of 4, with ")
    assert made.axes[0] == f"first component, {100 * shares[0]:.1f} % of the variance"


def test_the_most_popular_items_are_drawn_at_their_places(data, components):
    items, rows = binary(data)
    expected, _ = components
    chart = ba.item_map(data, top=200)
    (drawn,) = layers_of(chart)
    counts = rows.sum(axis=1)
    assert len(drawn) == 200
    assert drawn["users"].tolist() == sorted(counts, reverse=True)[:200]
    place = {data.titles[item]: n for n, item in enumerate(items)}
    titles = pd.Series(data.titles)
    once = drawn[~drawn["title"].isin(titles[titles.duplicated()])]
    assert len(once) > 150
    xy = expected[[place[title] for title in once["title"]]]
    np.testing.assert_allclose(once[["x", "y"]], xy, rtol=0, atol=2e-4 * np.ptp(expected, axis=0).max())
    left_out = int(data.catalogue.sum()) - len(items)
    words = chart.to_dict()["title"]["subtitle"]
    assert words[1].startswith(f"Drawn: the 200 most popular of {len(items):,} items; {left_out:,} have no place")
    assert ba.item_map(data, top=200).to_dict() == ba.item_map(data, top=200, seed=0).to_dict()


def test_an_item_has_the_colour_of_its_rarest_genre(data, tables):
    _, movies = tables
    genres = movies["genres"].replace("(no genres listed)", "").str.split("|")
    counts = genres.explode().loc[lambda names: names != ""].value_counts()
    seven = counts.index[:7].tolist()
    chart = ba.item_map(data, top=300)
    (drawn,) = layers_of(chart)
    assert chart.to_dict()["layer"][0]["encoding"]["color"]["scale"]["domain"][:7] == seven
    for row in drawn.itertuples():
        own = [genre for genre in row.genres.split(", ") if genre in seven]
        assert row.genre == (max(own, key=seven.index) if own else "other or none")
    assert drawn["genre"].nunique() >= 7


def test_lists_of_a_user_are_rings_and_dots(data, lists):
    user = int(data.users.ids[11])
    chart = ba.item_map(data, lists=lists, user=user, top=50)
    layers = layers_of(chart)
    ids = data.items.ids
    own = {name: recs.to_dict()[user][:10] for name, recs in lists.items()}
    titles = {name: sorted(data.titles[ids.get_indexer(items)]) for name, items in own.items()}
    rings, dots = layers[1], layers[4]
    assert sorted(rings["title"]) == titles["before"]
    assert sorted(dots["title"]) == titles["after"]
    assert set(rings["rank_0"]) == set(dots["rank_1"]) == set(range(1, 11))
    assert len(layers[0]) > 50  # what is listed is drawn even where it is not popular
    both = len(set(own["before"]) & set(own["after"]))
    words = chart.to_dict()["title"]["subtitle"]
    assert " and the listed ones" in words[1]
    assert words[-1] == (
        f"Rings: first 10 of before, dots: first 10 of after, for user {user}; {both} in both (ring with dot)"
    )
    one = ba.item_map(data, lists={"EASE": lists["before"]}, user=user, k=3)
    assert len(layers_of(one)[1]) == 3
    assert one.to_dict()["title"]["subtitle"][-1] == f"Rings: first 3 of EASE, for user {user}"


def test_listed_items_without_a_place_are_counted(data):
    cold = data.items.ids[np.flatnonzero(data.item_counts == 0)[:2]].tolist()
    warm = data.items.ids[data.by_popularity[:2]].tolist()
    chart = ba.item_map(data, lists={"mine": {1: [*cold, *warm, 10**9]}}, user=1)
    assert len(layers_of(chart)[1]) == 2
    assert chart.to_dict()["title"]["subtitle"][-1] == "Rings: first 10 of mine, for user 1; 3 without a place"


def test_labels_touch_neither_each_other_nor_a_listed_item(data, lists):
    for user in data.users.ids[:8].tolist():
        made = ba.item_map(data, lists=lists, user=user, top=30)
        chart, layers = made.to_dict(), layers_of(made)
        spans = [chart["layer"][0]["encoding"][channel]["scale"]["domain"] for channel in "xy"]

        def pixels(frame, spans=spans):
            (left, right), (low, high) = spans
            across = (frame["x"] - left) / (right - left) * item_map.WIDTH
            return list(zip(across, (high - frame["y"]) / (high - low) * item_map.HEIGHT, strict=True))

        texts = pd.concat(
            [
                frame.assign(align=layer["mark"]["align"])
                for frame, layer in zip(layers, chart["layer"], strict=True)
                if layer["mark"]["type"] == "text" and layer["mark"]["color"] != "white"
            ]
        )
        assert len(texts) >= 3
        boxes = []
        for (x, y), text, align in zip(pixels(texts), texts["text"], texts["align"], strict=True):
            width = 5.5 * len(text)
            left = {"left": x, "right": x - width, "center": x - width / 2}[align]
            boxes.append((left, left + width, y - 6, y + 6))
            assert left >= 0
            assert left + width <= item_map.WIDTH
        for one, other in itertools.combinations(boxes, 2):
            assert one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
        marks = pixels(pd.concat([layers[1], layers[4]]))
        for (left, right, top, bottom), (x, y) in itertools.product(boxes, marks):
            assert not (left <= x <= right and top <= y <= bottom)


def test_users_lie_at_the_mean_of_their_profiles(data, components):
    _, rows = binary(data)
    expected, _ = components
    crosses = layers_of(ba.item_map(data, users=True, top=100))[1]
    assert crosses["user"].tolist() == [str(user) for user in data.users.ids]
    means = [expected[rows[:, user] > 0].mean(axis=0) for user in range(rows.shape[1])]
    np.testing.assert_allclose(crosses[["x", "y"]], means, rtol=0, atol=1e-8)
    chart = ba.item_map(data, users=True, top=50, seed=3)
    assert len(layers_of(chart)[1]) == 50
    assert "Crosses: 50 of 100 users, at the mean" in chart.to_dict()["title"]["subtitle"][-1]
    assert set(layers_of(ba.item_map(data, users=True, top=50, seed=4))[1]["user"]) != set(layers_of(chart)[1]["user"])


def test_without_genres_or_titles(tables):
    ratings, _ = tables
    chart = ba.item_map(ba.Dataset(train=ratings), top=20)
    (drawn,) = layers_of(chart)
    assert set(drawn["genre"]) == {"other or none"}
    assert drawn["title"].astype(int).isin(ratings["item_id"]).all()
    assert "legend" in chart.to_dict()["layer"][0]["encoding"]["color"]
    assert "rarest" not in "".join(chart.to_dict()["title"]["subtitle"])


def test_a_map_is_drawn(data, lists, tmp_path):
    save_chart(ba.item_map(data, lists=lists, user=7, users=True), tmp_path / "map.svg")
    assert "Map of the items" in (tmp_path / "map.svg").read_text(encoding="utf-8")


def test_umap_where_it_is_installed(data):
    pytest.importorskip("umap")
    small = ba.item_map(data, by="umap", top=100)
    assert layers_of(small)[0][["x", "y"]].notna().all(axis=None)
    assert small.to_dict()["title"]["subtitle"][0].startswith("UMAP of the binary training matrix")
    assert small.to_dict() == ba.item_map(data, by="umap", top=100).to_dict()


def test_errors_say_what_to_do(data, lists, monkeypatch):
    with pytest.raises(SpecError, match="by='tsne' is not allowed; by must be 'pca' or 'umap'"):
        ba.item_map(data, by="tsne")
    for options in ({"top": 0}, {"k": 0}, {"seed": -1}):
        with pytest.raises(SpecError, match="is not allowed"):
            ba.item_map(data, **options)
    with pytest.raises(SpecError, match=r"lists= was given without user=; .* so pass both"):
        ba.item_map(data, lists=lists)
    with pytest.raises(SpecError, match=r"user= was given without lists="):
        ba.item_map(data, user=1)
    with pytest.raises(SpecError, match=r'one or two by name, such as .*"after": lists}; a Recommendations was given'):
        ba.item_map(data, lists=lists["before"], user=1)
    with pytest.raises(SpecError, match=r"one or two by name, .*; 3 were given"):
        ba.item_map(data, lists={**lists, "more": lists["before"]}, user=1)
    with pytest.raises(DataError, match="'before' has no list for user 99999; name one of its 100 users"):
        ba.item_map(data, lists=lists, user=99999)
    with pytest.raises(DataError, match=r"a map needs vectors of items or training rows; pass vectors= or train="):
        ba.item_map(ba.Dataset(test={1: [2]}))
    with pytest.raises(DataError, match=r"three items with a vector or a training user, the catalogue has 2"):
        ba.item_map(ba.Dataset(train={1: [1, 2], 2: [2]}))
    with pytest.raises(DataError, match="the items differ in fewer than two directions"):
        ba.item_map(ba.Dataset(train={1: [1, 2, 3], 2: [2, 3, 4], 3: [1, 2, 3, 4]}, items={1: [], 2: [], 3: []}))
    table = pd.DataFrame({"item_id": [1, 2, 3]})
    vectors = np.arange(6.0).reshape(3, 2) ** 2
    with pytest.raises(DataError, match=r"which the Dataset has not; pass train="):
        ba.item_map(ba.Dataset(test={1: [2]}, items=table, vectors=vectors), users=True)
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(DependencyError, match=r"by='umap' needs the package umap-learn.* pip install umap-learn, or"):
        ba.item_map(data, by="umap")
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(DependencyError, match="altair cannot be imported"):
        ba.item_map(data)
