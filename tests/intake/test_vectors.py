"""Labels decide whose a row is: vectors, scores and distances; row numbers are positions; masks keep out."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import beyondacc as ba
from beyondacc.data.intake.reading import Reading
from beyondacc.data.items import read_items
from beyondacc.data.vocabulary import Vocabulary
from beyondacc.distances.matrices import read_matrix
from beyondacc.errors import DataError
from beyondacc.scoring.scorers import recommend

IDS = ["x", "y", "z", "w"]
TRUE = np.array([[1.0, 0.0], [0.5, 2.0], [0.0, 1.0], [3.0, 3.0]])


def items(ids=IDS):
    return pd.DataFrame({"item_id": ids})


def read(vectors, ids=IDS, **options):
    reading = Reading("items")
    return read_items(items(ids), vectors=vectors, reading=reading, **options).vectors, reading


def labelled(order, ids=IDS):
    return pd.DataFrame(TRUE[order], index=[ids[place] for place in order])


FORMS = {
    "a pandas index": labelled,
    "a column of ids": lambda order: labelled(order).rename_axis("item_id").reset_index(),
    "float32": lambda order: labelled(order).astype("float32"),
    "a column of vectors": lambda order: pd.DataFrame(
        {"item": [IDS[i] for i in order], "embedding": TRUE[order].tolist()}
    ),
    "a series": lambda order: pd.Series(TRUE[order].tolist(), index=[IDS[place] for place in order]),
    "a series of arrays": lambda order: pd.Series(list(TRUE[order]), index=[IDS[place] for place in order]),
    "a dict": lambda order: {IDS[place]: TRUE[place].tolist() for place in order},
    "a dict of arrays": lambda order: {IDS[place]: TRUE[place] for place in order},
    "a dict of texts": lambda order: {IDS[place]: str(TRUE[place]) for place in order},
    "polars": lambda order: pl.DataFrame({"item": [IDS[i] for i in order], "a": TRUE[order, 0], "b": TRUE[order, 1]}),
    "polars lists": lambda order: pl.DataFrame({"item": [IDS[i] for i in order], "v": TRUE[order].tolist()}),
    "polars arrays": lambda order: pl.DataFrame(
        {"item": [IDS[i] for i in order], "v": pl.Series(TRUE[order].tolist(), dtype=pl.Array(pl.Float32, 2))}
    ),
    "lazy polars": lambda order: pl.LazyFrame(
        {"item": [IDS[i] for i in order], "a": TRUE[order, 0], "b": TRUE[order, 1]}
    ),
    "arrow": lambda order: pa.table({"item": [IDS[i] for i in order], "a": TRUE[order, 0], "b": TRUE[order, 1]}),
}


@pytest.mark.parametrize("form", FORMS)
def test_labels_decide_whose_a_vector_is(form):
    rng = np.random.default_rng(len(form))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(6):
            order = rng.permutation(4)
            found, reading = read(FORMS[form](order))
            assert found.tolist() == TRUE.tolist()
            assert found.flags.c_contiguous
            assert not reading.notes
            fewer, reading = read(FORMS[form](order), ids=["w", "x"])  # of which there are more vectors
            assert fewer.tolist() == TRUE[[3, 0]].tolist()
            assert reading.notes == ["vectors has 2 rows for items that are not in the table"]


@pytest.mark.parametrize(
    "make",
    [
        lambda array: array,
        np.ndarray.tolist,
        pd.DataFrame,
        lambda array: pl.DataFrame(array, schema=["a", "b"]),
        np.ma.asarray,
    ],
)
def test_rows_without_labels_are_in_the_order_of_the_items(make):
    assert read(make(TRUE))[0].tolist() == TRUE.tolist()
    assert read(make(TRUE), ids=[1, 2, 3, 4])[0].tolist() == TRUE.tolist()  # three of which are row numbers
    with pytest.raises(DataError, match="vectors has 3 rows but items has 4; pass one vector for each row of items"):
        read(make(TRUE[:3]))


def test_row_numbers_that_are_the_ids_decide():
    ids = [2, 0, 3, 1]
    for frame in (
        pd.DataFrame(TRUE),
        pd.DataFrame(TRUE, index=np.arange(4)),
        pd.DataFrame(TRUE, index=[0.0, 1.0, 2.0, 3.0]),
    ):
        found, reading = read(frame, ids=ids)
        assert found.tolist() == TRUE[ids].tolist()
    assert not reading.notes  # floats are labels
    assert (
        read(pd.DataFrame(TRUE), ids=ids)[1].notes[0].startswith("labels of vectors are numbers that are ids of items")
    )
    assert not read(pd.DataFrame(TRUE), ids=[0, 1, 2, 3])[1].notes
    assert read(TRUE, ids=ids)[0].tolist() == TRUE.tolist()
    assert read(dict(enumerate(TRUE)), ids=ids)[0].tolist() == TRUE[ids].tolist()


WAY_OUT = (
    "give a row for each item, of zeros where it has no vector, or pass vectors.to_numpy() where row i is the vector"
)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (
            labelled([0, 1, 2]),
            f"the item labels of vectors (they are such as 'x') lack 1 of 4 items, such as 'w'; {WAY_OUT}",
        ),
        (pd.DataFrame(TRUE, index=list("abcd")), "lack 4 of 4 items, such as 'x'; give a row"),
        (pd.DataFrame(TRUE, index=[1, 2, 3, 4]), "lack 4 of 4 items"),
        (
            pd.DataFrame(TRUE, index=["x", "x", "y", "z"]),
            "vectors has two rows for the item 'x'; keep one row for each item",
        ),
        ({"x": [1], "y": [2]}, "lack 2 of 4 items, such as 'z'"),
        ({0: [1], 1: [2], 2: [3], 3: [4]}, "lack 4 of 4 items"),
        (
            {"x": [1], "y": [2, 3], "z": [1], "w": [1]},
            "vectors has 2 numbers in row 1 (rows count from 0) but 1 in row 0",
        ),
        ({"x": 1, "y": 2, "z": 3, "w": 4}, "vectors holds 1 in row 0 (rows count from 0); every row must hold a list"),
        ({"x": [[1]], "y": [[1]], "z": [[1]], "w": [[1]]}, "vectors holds lists of lists; give one list of numbers"),
        (dict.fromkeys(IDS, np.eye(2)), "vectors holds an array of shape (2, 2) in row 0; give one of shape (d,)"),
        ({}, "vectors is empty; pass one vector for each item"),
        ([[1], [2, 3], [1], [1]], "vectors is a list that is no array ("),
        (
            np.ma.masked_equal([[1], [2], [3], [4]], 3),
            "vectors holds a masked number in row 2 (rows count from 0); fill",
        ),
        (labelled([0, 1, 2, 3]).replace(0.5, np.nan), "vectors holds NaN or infinity in row 1"),
        (
            pl.DataFrame({"k": IDS, "b": [0, 0, 1, 1]}),
            "column 'k' of vectors holds no numbers; every column must be a part",
        ),
        (pl.DataFrame({"item": IDS}), "vectors holds vectors of length 0"),
        (
            pd.DataFrame(TRUE, index=pd.MultiIndex.from_product([[1, 2], [3, 4]])),
            "the item labels of vectors holds (1, 3)",
        ),
        (np.array([object()] * 4), "vectors is object of shape (4,); pass a dense array of numbers of shape (4, d)"),
        (TRUE * 1j, "vectors is complex128"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(vectors, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read(vectors)
    assert "\n" not in str(caught.value)


def test_the_users_own_name_of_the_item_column():
    frame = pl.DataFrame({"sku": IDS[::-1], "a": [3.0, 0.0, 0.5, 1.0], "b": [3, 1, 2, 0]})
    table = pd.DataFrame({"sku": IDS})
    found = read_items(table, columns={"item": "sku"}, vectors=frame).vectors
    assert found.tolist() == TRUE.tolist()


def test_vectors_as_texts_of_a_column():
    for texts in (["[1, 0]", "[0.5, 2]"], ["[1. 0.]", "[0.5 2. ]"], ["(1, 0)", "[0.5,2]"]):
        table = pd.DataFrame({"item": [1, 2], "vector": texts})
        assert read_items(table).vectors.tolist() == [[1.0, 0.0], [0.5, 2.0]]


def test_equal_vectors_by_label_have_no_distance():
    vectors = pd.DataFrame([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]], index=["z", "y", "x"])
    data = ba.Dataset(items=items(["x", "y", "z"]), vectors=vectors)
    assert ba.evaluate({1: ["x", "y"]}, data, ["ild(distance=cosine)@2"], n_boot=0).value("ild(distance=cosine)@2") == 0


# ---------------------------------------------------------------- scores


DATA = ba.Dataset(train={"u": ["x", "y"], "v": ["z"], "t": ["w"]}, items=items())
SCORES = np.array([[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0], [0.0, 5.0, 1.0, 2.0]])


def test_labels_decide_whose_scores_they_are():
    users, ids = DATA.users.ids.tolist(), DATA.items.ids.tolist()
    rng = np.random.default_rng(1)
    expected = recommend(SCORES, DATA, k=4)
    for _ in range(5):
        rows, columns = rng.permutation(3), rng.permutation(4)
        frame = pd.DataFrame(SCORES, index=users, columns=ids).iloc[rows, columns]
        frame["new"] = 9.0  # an item of which the dataset knows nothing
        for scorer in (frame, frame.astype("float32"), frame.astype("Float64")):
            assert same(recommend(scorer, DATA, k=4), expected)
    assert same(recommend(pd.DataFrame(SCORES), DATA, k=4), expected)
    assert same(recommend(pd.DataFrame(SCORES, index=users), DATA, k=4), expected)


def same(first, second):
    return np.array_equal(first.lists, second.lists) and np.array_equal(first.scores, second.scores, equal_nan=True)


def test_masked_scores_are_not_recommended():
    best = SCORES.max(axis=1, keepdims=True)
    mask = np.isclose(SCORES, best)
    expected = recommend(np.where(mask, -np.inf, SCORES), DATA, k=4)
    masked = np.ma.masked_array(SCORES, mask)
    frame = pd.DataFrame(np.where(mask, np.nan, SCORES), index=DATA.users.ids, columns=DATA.items.ids)
    position = {user: place for place, user in enumerate(DATA.users.ids.tolist())}
    whole = np.ma.masked_array(SCORES.astype(int), mask)
    for scorer in (
        masked,
        whole,
        masked.astype(np.float32),
        frame,
        frame.astype("Float64"),
        lambda users: masked[users],
        lambda user, _: masked[position[user]],
    ):
        found = recommend(scorer, DATA, k=4)
        assert same(found, expected)
        for row, kept in zip(found.lists, mask, strict=True):
            assert not kept[row[row >= 0]].any()


@pytest.mark.parametrize(
    ("scorer", "message"),
    [
        (
            pd.DataFrame(SCORES, index=list("uvq"), columns=IDS),
            "the user labels of the frame of scores (they are such as 'u')",
        ),
        (
            pd.DataFrame(SCORES, index=list("uvt"), columns=list("xyzq")),
            "lack 1 of 4 items, such as 'w'; reindex the frame",
        ),
        (pd.DataFrame(SCORES[:2]), "the frame of scores has 2 users without labels, but the Dataset has 3; label them"),
        (pd.DataFrame(SCORES.astype(str)).replace("1.0", "a"), "the frame of scores holds something else than numbers"),
        ((np.ma.masked_equal(np.eye(3), 0), np.ones((4, 3))), "the factors have masked numbers"),
    ],
)
def test_scores_that_do_not_fit_are_refused(scorer, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        recommend(scorer, DATA, k=2)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------- distances


def test_frames_of_distances_go_by_their_labels():
    rng = np.random.default_rng(0)
    numbers = rng.random((4, 4))
    numbers += numbers.T
    np.fill_diagonal(numbers, 0.0)
    frame = pd.DataFrame(numbers, index=IDS, columns=IDS)
    items_ = Vocabulary(pd.Index(IDS))
    for _ in range(5):
        rows, columns = rng.permutation(4), rng.permutation(4)
        matrix = read_matrix(frame.iloc[rows, columns])
        places = matrix.places(items_, 4)
        assert np.array_equal(matrix.numbers[np.ix_(places, places)], numbers)
    assert read_matrix(pd.DataFrame(numbers)).places(items_, 4).tolist() == [0, 1, 2, 3]
    assert read_matrix(pd.DataFrame(numbers)).places(Vocabulary(pd.Index([1, 2, 3, 4])), 4).tolist() == [0, 1, 2, 3]
    assert read_matrix(pd.DataFrame(numbers)).places(Vocabulary(pd.Index([3, 1, 0, 2])), 4).tolist() == [3, 1, 0, 2]
    assert read_matrix(pd.DataFrame(numbers)).places(Vocabulary(pd.Index([3, 1, 0, 2, 9])), 5).tolist() == [
        3,
        1,
        0,
        2,
        -1,
    ]
    masked = read_matrix(np.ma.masked_equal(numbers, numbers[0, 1]))
    assert np.isnan(masked.numbers[[0, 1], [1, 0]]).all()


@pytest.mark.parametrize(
    "given",
    [np.eye(3), np.eye(3) + 1e-12, pd.DataFrame(np.eye(2)), np.array([[1.0, -0.5], [-0.5, 1.0]]), np.ones((1, 1))],
)
def test_similarities_are_refused_with_the_way_out(given):
    with pytest.raises(DataError, match="has ones on its diagonal, as similarities have; pass 1 - matrix, or a matrix"):
        ba.distance(given)


def test_other_labels_of_distances_are_refused():
    frame = pd.DataFrame(np.zeros((2, 2)), index=["a", "b"], columns=["a", "b"])
    with pytest.raises(
        DataError, match="has none of the 4 items of the Dataset; its labels are such as 'a', items such as"
    ):
        read_matrix(frame).places(Vocabulary(pd.Index(IDS)), 4)
    with pytest.raises(
        DataError, match="needs the same item ids as index and as columns, each once; for a matrix without"
    ):
        read_matrix(frame.rename(columns={"a": "c"}))
