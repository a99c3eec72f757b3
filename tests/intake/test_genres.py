"""One table of genres in every encoding people use, and what cannot be read."""

from __future__ import annotations

import contextlib
import json
import re
from decimal import Decimal
from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import beyondacc as ba
from beyondacc.data.intake.genres import read_flags, read_genres
from beyondacc.data.intake.reading import Reading
from beyondacc.data.items import read_items
from beyondacc.errors import DataError

NAMES = ["Action", "Children's", "Drama", "Film-Noir", "NA", "None", "R&B", "Sci-Fi", "nan", "null", "Ünïcode", "42"]


def sets(genres):
    rows = [genres.indices[low:high].tolist() for low, high in zip(genres.indptr, genres.indptr[1:], strict=False)]
    assert all(row == sorted(set(row)) for row in rows)
    assert (genres.indptr.dtype, genres.indices.dtype) == (np.int64, np.int32)
    return [{genres.names[column] for column in row} for row in rows]


def read(values, genre_sep=None):
    reading = Reading("items")
    values = values if isinstance(values, pd.Series) else pd.Series(values, dtype=object)
    return read_genres(values, "column 'genres' of items", genre_sep, reading), reading


def table(rng):
    """Lists of genres, some empty; every genre occurs, and one item has several."""
    rows = [
        [NAMES[place] for place in rng.permutation(len(NAMES))[: rng.integers(0, 4)]] for _ in range(rng.integers(3, 9))
    ]
    return [*rows, NAMES[:3], *([name] for name in NAMES[3:])]


def frame(values, **more):
    return pd.DataFrame({"item": range(len(values)), "genres": pd.Series(values, dtype=object), **more})


def records(names):
    return [{"id": number, "name": name} for number, name in enumerate(names)]


def flags(rows, dtype):
    return pd.DataFrame({name: np.array([name in row for row in rows], dtype=dtype) for name in NAMES})


def long_rows(rows):
    pairs = [(item, name) for item, row in enumerate(rows) for name in row or [None]]
    return pd.DataFrame(pairs, columns=["item", "genres"])


def arrow(values, kind):
    return pa.table({"item": range(len(values)), "genres": pa.array(values, kind)})


RECORD = pa.struct([("id", pa.int64()), ("name", pa.string())])
TEXTS = {
    "pipes": "|".join,
    "pipes and blanks": " | ".join,
    "semicolons": "; ".join,
    "commas": ",".join,
    "commas and blanks": ", ".join,
    "trailing pipes": lambda row: "".join(f"{name}|" for name in row),
    "python lists": repr,
    "python tuples": lambda row: repr(tuple(row)),
    "python sets": lambda row: repr(set(row)),
    "frozen sets": lambda row: repr(frozenset(row)),
    "JSON lists": json.dumps,
    "JSON with blanks": lambda row: f" {json.dumps(row, ensure_ascii=False, indent=1)} ",
    "numpy arrays": lambda row: str(np.array(row)),
    "arrays of objects": lambda row: repr(np.array(row, dtype=object)),
    "JSON records": lambda row: json.dumps(records(row)),
    "python records": lambda row: repr(records(row)),
    "JSON nested lists": lambda row: json.dumps([row, [row[:1]]]),
    "JSON flags": lambda row: json.dumps({name: name in row for name in NAMES}),
}
FORMS = {
    **{
        name: (lambda rows, write=write: frame([write(row) if row else "" for row in rows]))
        for name, write in TEXTS.items()
    },
    "a dict of texts": lambda rows: {item: "|".join(row) for item, row in enumerate(rows)},
    "a categorical": lambda rows: frame(["|".join(row) for row in rows]).astype({"genres": "category"}),
    "polars texts": lambda rows: pl.DataFrame({"item": range(len(rows)), "genres": ["|".join(row) for row in rows]}),
    "lists": frame,
    "tuples": lambda rows: frame([tuple(row) for row in rows]),
    "sets": lambda rows: frame([set(row) for row in rows]),
    "frozensets in a dict": lambda rows: {item: frozenset(row) for item, row in enumerate(rows)},
    "arrays": lambda rows: frame([np.array(row, dtype=object) for row in rows]),
    "arrays of texts": lambda rows: frame([np.array(row, dtype=str) for row in rows]),
    "null for none": lambda rows: frame([row or None for row in rows]),
    "NaN for none": lambda rows: frame([row or np.nan for row in rows]),
    "polars lists": lambda rows: pl.DataFrame({"item": range(len(rows)), "genres": rows}),
    "polars categories": lambda rows: pl.DataFrame(
        {"item": range(len(rows)), "genres": pl.Series(rows, dtype=pl.List(pl.Categorical))}
    ),
    "polars records": lambda rows: pl.DataFrame({"item": range(len(rows)), "genres": list(map(records, rows))}),
    "polars flags": lambda rows: pl.DataFrame(
        {"item": range(len(rows)), "genres": [{name: name in row or None for name in NAMES} for row in rows]}
    ),
    "arrow lists": lambda rows: arrow(rows, pa.list_(pa.string())),
    "arrow large lists": lambda rows: arrow(rows, pa.large_list(pa.large_string())),
    "arrow dictionaries": lambda rows: arrow(rows, pa.list_(pa.dictionary(pa.int8(), pa.string()))),
    "arrow records": lambda rows: arrow(list(map(records, rows)), pa.list_(RECORD)),
    "arrow nested lists": lambda rows: arrow([[row, row[:1]] for row in rows], pa.list_(pa.list_(pa.string()))),
    "records": lambda rows: frame(list(map(records, rows))),
    "nested lists": lambda rows: frame([[[row[:1]], row] for row in rows]),
    "lists of arrays": lambda rows: frame([[np.array(row, dtype=object)] for row in rows]),
    "dicts of True": lambda rows: frame([dict.fromkeys(row, True) for row in rows]),
    "a row for each genre": long_rows,
    "a row for each genre, polars": lambda rows: pl.from_pandas(long_rows(rows)),
    **{
        f"columns of {dtype}": (lambda rows, dtype=dtype: flags(rows, dtype).assign(item=range(len(rows))))
        for dtype in ("bool", "int8", "uint8", "int64", "float32")
    },
    "columns of nullable bools": lambda rows: flags(rows, "bool").astype("boolean").assign(item=range(len(rows))),
    "columns of decimals": lambda rows: flags(rows, "int64").map(Decimal).assign(item=range(len(rows))),
    "columns of 1 and NaN": lambda rows: flags(rows, "float64").replace(0.0, np.nan).assign(item=range(len(rows))),
    "polars columns": lambda rows: pl.from_pandas(flags(rows, "uint8").assign(item=range(len(rows)))),
}
NUMBERED = {
    "lists of 0/1": lambda rows, dtype: frame(
        [np.array([name in row for name in NAMES], dtype).tolist() for row in rows]
    ),
    "arrays of 0/1": lambda rows, dtype: frame([np.array([name in row for name in NAMES], dtype) for row in rows]),
    "texts of 0/1": lambda rows, _: frame([str([int(name in row) for name in NAMES]) for row in rows]),
    "texts of numpy": lambda rows, _: frame([str(np.array([name in row for name in NAMES], int)) for row in rows]),
    "arrow lists of 0/1": lambda rows, dtype: arrow(
        [np.array([name in row for name in NAMES], dtype).tolist() for row in rows], None
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_table_of_genres_is_the_same_in_every_encoding(form):
    rng = np.random.default_rng(sum(map(ord, form)))
    for _ in range(8):
        rows = table(rng)
        reading = Reading("items")
        items = read_items(FORMS[form](rows), reading=reading)
        assert items.ids.tolist() == list(range(len(rows)))
        assert sets(items.genres) == list(map(set, rows))
        assert sorted(items.genres.names) == sorted(NAMES)
        assert items.genres.weights is None
        assert reading.genres


@pytest.mark.parametrize(("form", "dtype"), list(product(NUMBERED, (bool, int, float, np.int8))))
def test_positions_of_genres_have_numbers(form, dtype):
    rng = np.random.default_rng(3)
    for _ in range(3):
        rows = table(rng)
        genres = read_items(NUMBERED[form](rows, dtype)).genres
        assert genres.names == list(map(str, range(len(NAMES))))
        assert [{NAMES[int(number)] for number in row} for row in sets(genres)] == list(map(set, rows))


@pytest.mark.parametrize(
    "form", ["[Action, Sci-Fi, Children's]", "{Action,Sci-Fi,Children's}", "[Action,Sci-Fi,Children's]"]
)
def test_lists_without_quotes(form):
    genres, reading = read([form, "[]", "", "[Action]"])
    assert sets(genres) == [{"Action", "Sci-Fi", "Children's"}, set(), set(), {"Action"}]
    assert reading.genres == "lists written as texts"


@pytest.mark.parametrize(
    ("values", "expected", "said", "note"),
    [
        (["Action|Drama", "NA"], [{"Action", "Drama"}, {"NA"}], "texts split at '|'", None),
        (["a; b", "c"], [{"a", "b"}, {"c"}], "texts split at ';'", "texts of genres are split at ';'"),
        (["a, b", "c", ""], [{"a", "b"}, {"c"}, set()], "texts split at ','", "texts of genres are split at ','"),
        (["Science Fiction", "Drama"], [{"Science Fiction"}, {"Drama"}], "texts, one genre each", None),
        (
            ["Sci-Fi, Fantasy|Drama", "Sci-Fi, Fantasy"],
            [{"Sci-Fi, Fantasy", "Drama"}, {"Sci-Fi, Fantasy"}],
            "texts split at '|'",
            "texts of genres are split at '|', and 'Sci-Fi, Fantasy' is one genre",
        ),
        (["Rock &amp; Roll|Pop"], [{"Rock &amp; Roll", "Pop"}], "texts split at '|'", None),
        (
            ["Action & Adventure, Dramas", "Dramas"],
            [{"Action & Adventure", "Dramas"}, {"Dramas"}],
            "texts split at ','",
            "texts of genres are split at ','",
        ),
        (["(no genres listed)", "[unknown]", "a"], [set(), {"[unknown]"}, {"a"}], "texts, one genre each", None),
        ([None, "NA", "", "null"], [set(), {"NA"}, set(), {"null"}], "texts, one genre each", None),
        (["['a', nan]", "['b', None]"], [{"a"}, {"b"}], "lists written as texts", None),
        (['["a", null]'], [{"a"}], "lists written as texts", None),
        (
            [[["Books", "Fiction"]], [["Books"], ["Toys"]]],
            [{"Books", "Fiction"}, {"Books", "Toys"}],
            "nested lists, flattened",
            "genres that are lists in lists are flattened",
        ),
        ([[0], [1]], [{"0"}, {"1"}], "lists", None),  # of one id each
        ([[0, 1], [1]], [{"0", "1"}, {"1"}], "lists", None),
        ([{0, 1}, {1}], [{"0", "1"}, {"1"}], "lists", None),  # a set has no positions
        ([[28, 12], [28]], [{"28", "12"}, {"28"}], "lists", None),
        ([[0, 1], [1, 1]], [{"1"}, {"0", "1"}], "lists of 2 positions of 0/1", "lists of 0 and 1 say for each of 2"),
        ([[True, False]], [{"0"}], "lists of 2 positions of 0/1", "lists of 0 and 1 say for each of 2 genres whether"),
        ([[{"genre": "a"}, {"genre": "b"}], []], [{"a", "b"}, set()], "lists of records, by name", None),
        ([{"id": 1, "name": "a"}, None], [{"a"}, set()], "lists of records, by name", None),
        ([[("a", 0.5), ("b", 0.0)], None], [{"a"}, set()], "lists of genres and weights", None),
        (['{"a": 0.5, "b": 0}', "{}"], [{"a"}, set()], "dicts of weights written as texts", None),
        ([3.0, None], [{"3"}, set()], "numbers, one genre each", None),
        ([None, None], [set(), set()], "none", None),
    ],
)
def test_what_was_done_is_said(values, expected, said, note):
    genres, reading = read(values)
    assert sets(genres) == expected
    assert reading.genres == said
    assert any(each.startswith(note) for each in reading.notes) if note else not reading.notes


def test_weights_of_dicts_and_of_maps():
    for values in (
        [{"a": 0.5, "b": 2}, {"a": 1}],
        ['{"a": 0.5, "b": 2}', "{'a': 1}"],
        [[("b", 2.0), ("a", 0.5)], [("a", 1.0)]],
    ):
        genres, _ = read(values)
        assert genres.weights.tolist() == [0.5, 2.0, 1.0]
    mapped = pa.array([[("a", 0.5), ("b", 2.0)], [("a", 1.0)]], pa.map_(pa.string(), pa.float64()))
    assert read_items(pa.table({"item": [1, 2], "genres": mapped})).genres.weights.tolist() == [0.5, 2.0, 1.0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["A|B", "C, D"], "has texts with ',' such as 'C, D' and with '|' such as 'A|B', and either could separate"),
        (
            ["Sci-Fi, Fantasy|Drama", "Fantasy"],
            "say which with genre_sep='|' (--genre-sep '|') or genre_sep=',' (--genre-",
        ),
        (
            ["Clothing, Shoes & Jewelry", "Books"],
            "which could be one genre or several; say genre_sep='|' (--genre-sep '|')",
        ),
        (["['Action'", "['Drama']"], """holds "['Action'", while others are lists such as "['Drama']"; write every"""),
        (["Drama", "['Drama']"], "holds 'Drama', while others are lists such as"),
        (["['Dra"], """holds "['Dra", which begins like a list and is none"""),
        (["[" * 5000], "which begins like a list and is none"),
        ([[0, 1], [1, 0]], "could be ids of genres or say for each of two genres whether an item has it"),
        ([[True], [True, False]], "holds 2 values of True and False in row 1 (rows count from 0) and 1 in others"),
        ([[{"id": 1, "label": "A"}]], "records need the text of a genre as 'name'"),
        ([[{"name": "a"}, "b"]], "holds 'b' in row 0 (rows count from 0); records need"),
        ([[["A", 3]]], "holds the number 3 among the texts of row 0"),
        ([["a"], "Drama"], "holds 'Drama' in row 1 (rows count from 0); every row must hold a list"),
        ([{"A": 1}, ["b"]], "holds ['b'] in row 1 (rows count from 0); where one item has weights, all need them"),
        ([{"A": 1}, {"b": "x"}], "holds 'x' in row 1 (rows count from 0); it must hold numbers, and records"),
        ([{"A": -1}], "has a negative weight, -1"),
        ([{"A": np.inf}], "is inf in row 0"),
        ([b"x"], "holds b'x'; genres must be texts such as 'Action|Drama', or lists of texts"),
        ([[b"x"]], "holds b'x'"),
        ([[np.inf]], "holds inf"),
        ([[2.5]], "holds 2.5"),
        ([True, False], "holds True"),
        ([pd.Timestamp("2020-01-01")], "holds Timestamp"),
        ([np.array("a")], "every row must hold a list"),
        ([["a", object]], "holds <class 'object'>"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(values, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read(values)
    assert "\n" not in str(caught.value)


def test_no_cell_ends_in_another_error():
    """Whatever stands in a column, there are genres or a `DataError`."""
    cells = [None, np.nan, "", "a|b", "['a']", 3, 2.5, True, ["a"], [["a"]], ("a",), {"a"}, {}, {"a": 1}, {"name": "a"}]
    cells += [
        [{"name": "a"}],
        [None],
        [1, 0],
        [[1], "a"],
        b"a",
        Decimal(2),
        pd.NA,
        pd.NaT,
        np.array([1, 0]),
        [{}],
        object(),
        {"a": {}},
    ]
    cells += [
        np.array([["a"]]),
        pd.Series(["a"]),
        range(3),
        [("a", 1)],
        ["a", {"b"}],
        float("inf"),
        [Decimal("0.5")],
        10**30,
    ]
    outcomes = []
    for first, second in product(cells, repeat=2):
        with contextlib.suppress(DataError):
            genres, _ = read(pd.Series([first, second], dtype=object))
            assert len(sets(genres)) == 2
            outcomes.append(genres)
    assert 100 < len(outcomes) < len(cells) ** 2


def test_a_named_separator_wins():
    assert sets(read(["a|b, c"], ",")[0]) == [{"a|b", "c"}]
    assert sets(read(["Clothing, Shoes & Jewelry"], "|")[0]) == [{"Clothing, Shoes & Jewelry"}]
    assert sets(read(["A|B", "C, D"], "|")[0]) == [{"A", "B"}, {"C, D"}]
    assert read(["a|b"], ",")[1].notes == ["no text of genres has genre_sep=',' in it, so each is one genre"]
    assert "look like lists" in read(["['a']"], ",")[1].notes[0]
    assert "splits nothing" in read([["a"]], ",")[1].notes[0]
    with pytest.raises(DataError, match="genre_sep is empty"):
        read(["a"], "")


def test_columns_of_flags():
    reading = Reading("items")
    columns = {"War": pd.Series([1, None, 0]), "Crime": pd.Series([True, False, True]), "n": pd.Series([2, 0, 1])}
    genres = read_flags(columns | {"empty": pd.Series([None] * 3), "year": pd.Series([0, 1, 1])}, reading)
    assert genres.names == ["War", "Crime"]
    assert sets(genres) == [{"War", "Crime"}, set(), {"Crime"}]
    assert reading.genres == "2 columns of 0/1"
    assert reading.notes == [
        "there is no column of genres, so that its 2 columns of 0/1 are the genres: 'War', 'Crime'",
        "1 missing values in columns of 0/1 are taken as 0",
    ]
    assert read_flags({"War": columns["War"]}) is None


def test_a_row_for_each_genre():
    rows = {
        "item": [7, 5, 7, 7],
        "genres": ["a|b", "c", "d", "a"],
        "title": ["x", None, "x", "x"],
        "year": [1, None, 1, 1],
    }
    rows["vector"] = [[1.0], [2.0], [1.0], [1.0]]
    for source in (pd.DataFrame(rows), pl.DataFrame(rows)):
        reading = Reading("items")
        items = read_items(source, reading=reading)
        assert items.ids.tolist() == [7, 5]
        assert sets(items.genres) == [{"a", "b", "d"}, {"c"}]
        assert items.titles[0] == "x"
        assert items.vectors.tolist() == [[1.0], [2.0]]
        assert items.frame["year"].tolist()[0] == 1
        assert reading.notes == ["items with a row for each genre are joined, 4 rows to 2 items"]
        assert reading.genres.endswith("a row for each item and genre")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"genres": ["a", "a"]}, "items lists 7 twice, in rows 0 and 1 (rows count from 0); keep one row an item"),
        (
            {"title": ["x", "y"]},
            "in rows 0 and 1 (rows count from 0), which differ in 'title'; keep one row an item, or",
        ),
        ({"tags": [["x"], ["y"]]}, "which differ in 'tags'"),
        ({"vector": [[1.0], [2.0]]}, "which differ in 'vector'"),
        (
            {"genres": [{"a": 0.5}, {"b": 0.5}]},
            "items lists 7 twice, in rows 0 and 1 (rows count from 0); keep one row",
        ),
    ],
)
def test_rows_of_one_item_that_differ_in_more_are_refused(change, message):
    with pytest.raises(DataError, match=re.escape(message)):
        read_items(pd.DataFrame({"item": [7, 7], "genres": ["a", "b"]} | change))


def test_the_distance_of_category_paths():
    items = pd.DataFrame({"item_id": ["x", "y"], "categories": [[["Books", "Fiction"]], [["Books"], ["Toys"]]]})
    for source in (items, pl.from_dict(items.to_dict("list"))):
        report = ba.evaluate({1: ["x", "y"]}, ba.Dataset(items=source), "ild@2", n_boot=0)
        assert report.value("ild@2") == pytest.approx(2 / 3)
