"""Tables in: every kind of source gives the same rows, and every refusal says what to do."""

import datetime as dt
import importlib.util
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from beyondacc.data.arrow import STRING
from beyondacc.data.ids import Ids
from beyondacc.data.intake.read import read_rows
from beyondacc.data.intake.roles import ALIASES, resolve
from beyondacc.data.intake.rows import Rows
from beyondacc.data.items import read_items
from beyondacc.errors import DataError

INTS = {"user_id": [7, 7, 3], "item_id": [10, 11, 10], "rating": [1.0, 0.0, -2.5], "timestamp": [5, 6, 4]}
TEXTS = INTS | {"user_id": ["b", "b", "a"], "item_id": ["x", "y", "x"]}
MAKERS = {
    "pandas": pd.DataFrame,
    "pandas-nullable": lambda data: pd.DataFrame(data).convert_dtypes(),
    "pandas-arrow": lambda data: pd.DataFrame(data).convert_dtypes(dtype_backend="pyarrow"),
    "pandas-object": lambda data: pd.DataFrame(data, dtype=object),
    "pandas-category": lambda data: pd.DataFrame(data).astype({"user_id": "category", "item_id": "category"}),
    "pandas-float": lambda data: pd.DataFrame(data).astype({"user_id": float} if data is INTS else {}),
    "pandas-unsigned": lambda data: pd.DataFrame(data).astype({"user_id": "uint64"} if data is INTS else {}),
    "pandas-index": lambda data: pd.DataFrame(data, index=[9, 9, 9]),
    "polars": pl.DataFrame,
    "polars-lazy": pl.LazyFrame,
    "polars-categorical": lambda data: pl.DataFrame(
        data, schema_overrides={"user_id": pl.Categorical, "item_id": pl.Categorical} if data is TEXTS else {}
    ),
    "arrow": pa.table,
    "arrow-chunks": lambda data: pa.concat_tables([pa.table(data).slice(0, 2), pa.table(data).slice(2)]),
    "arrow-dictionary": lambda data: pa.table(
        {name: pa.array(values).dictionary_encode() if "_id" in name else values for name, values in data.items()}
    ),
}


def refused(message, source, **options):
    def read():
        rows = read_rows(source, **({"what": "train"} | options))
        return rows.rating, rows.score, rows.rank, rows.timestamp  # looked at when somebody asks for them

    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [INTS, TEXTS], ids=["integers", "strings"])
@pytest.mark.parametrize("maker", MAKERS)
def test_every_frame_gives_the_same_rows(maker, data):
    rows = read_rows(MAKERS[maker](data), what="train")
    assert (rows.user.tolist(), rows.item.tolist()) == (data["user_id"], data["item_id"])
    for ids in (rows.user, rows.item):
        assert ids.dtype == np.int64 if data is INTS else not pd.api.types.is_integer_dtype(ids.dtype)
        assert ids.index().name is None
    assert rows.rating.dtype == np.float64
    assert rows.timestamp.dtype == np.int64
    assert (rows.rating.tolist(), rows.timestamp.tolist()) == (data["rating"], data["timestamp"])
    assert rows.score is rows.rank is rows.shape is None
    assert len(rows) == 3


def test_floats_are_not_copied_and_strings_do_not_become_objects():
    frame = pd.DataFrame(TEXTS)
    assert np.shares_memory(read_rows(frame, what="train").rating, frame["rating"].to_numpy())
    assert read_rows(frame, what="train").user.dtype == STRING
    for source in (pl.DataFrame(TEXTS), pa.table(TEXTS)):
        assert isinstance(read_rows(source, what="train").user.dtype, pd.StringDtype)


def test_a_lazy_frame_collects_the_columns_it_needs_only():
    lazy = pl.LazyFrame(INTS).with_columns(
        broken=pl.col("rating").map_batches(lambda _: 1 / 0, return_dtype=pl.Float64)
    )
    assert len(read_rows(lazy, what="train")) == 3


@pytest.mark.parametrize("data", [INTS, TEXTS], ids=["integers", "strings"])
def test_polars_is_read_without_pyarrow(monkeypatch, data):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    rows = read_rows(pl.DataFrame(data), what="train")
    assert (rows.user.tolist(), rows.item.tolist()) == (data["user_id"], data["item_id"])
    assert rows.rating.tolist() == data["rating"]


def test_dicts_tuples_and_matrices():
    lists = read_rows({"b": ["x", "y"], "c": [], "a": ("x",)}, what="recs")
    assert (lists.user.tolist(), lists.item.tolist(), lists.rank.tolist()) == (
        ["b", "b", "a"],
        ["x", "y", "x"],
        [1, 2, 1],
    )
    assert lists.score is lists.rating is None
    arrays = read_rows({1: np.array([5, 6]), 2: np.array([6])}, what="recs")
    assert (arrays.user.tolist(), arrays.item.tolist(), arrays.rank.tolist()) == ([1, 1, 2], [5, 6, 6], [1, 2, 1])
    values = {"b": {"x": 1.0, "y": 0.5}, "a": {"x": 2}}
    pairs = [("b", "x", 1.0), ("b", "y", 0.5), ("a", "x", 2)]
    matrix = sparse.csr_array((np.array([1.0, 0.5, 2.0, 0.0]), ([1, 1, 0, 0], [0, 1, 0, 2])), shape=(2, 4))
    for source in (values, pairs):
        train, recs = read_rows(source, what="train"), read_rows(source, what="recs of a")
        assert (train.user.tolist(), train.item.tolist()) == (["b", "b", "a"], ["x", "y", "x"])
        assert train.rating.tolist() == recs.score.tolist() == [1.0, 0.5, 2.0]
        assert train.score is train.rank is recs.rating is recs.rank is None
    for sort in (matrix, sparse.coo_matrix(matrix), sparse.csc_matrix(matrix)):
        rows = read_rows(sort, what="train")
        triples = sorted(zip(rows.user.tolist(), rows.item.tolist(), rows.rating.tolist(), strict=True))
        assert triples == [(0, 0, 2.0), (0, 2, 0.0), (1, 0, 1.0), (1, 1, 0.5)]
        assert rows.shape == (2, 4)
        assert rows.user.dtype == rows.item.dtype == np.int64
    assert read_rows([(1, 2), [1, 3]], what="test").rating is None


def test_rows_and_paths_are_taken(tmp_path):
    rows = Rows(Ids.of(pd.Index([1])), Ids.of(pd.Index([2])))
    assert read_rows(rows, what="train") is rows
    pd.DataFrame(INTS).to_csv(tmp_path / "train.csv", index=False)
    # texts, as they stand there, until all tables of a call are known
    assert read_rows(tmp_path / "train.csv", what="train").user.tolist() == list(map(str, INTS["user_id"]))
    assert read_rows(str(tmp_path / "train.csv"), what="train").item.written


@pytest.mark.parametrize("canonical", ALIASES)
def test_every_alias_is_found_in_any_case(canonical):
    for alias in (canonical, *ALIASES[canonical]):
        for column in (alias, alias.upper(), f"{alias}:token"):
            assert resolve(["other", column], [canonical], None, "train") == {canonical: column}


def test_no_alias_has_two_meanings():
    names = [name.lower() for canonical, aliases in ALIASES.items() for name in (canonical, *aliases)]
    assert len(names) == len(set(names))


def test_the_mapping_and_exact_names_come_first():
    columns = ["user", "userId", "user_id", "customer", "item"]
    assert resolve(columns, ["user_id", "item_id"], None, "train") == {"user_id": "user_id", "item_id": "item"}
    own = {"train.user": "customer"}  # without a table, a name is for tables that lack the canonical column
    assert resolve(columns, ["user_id"], own, "train") == {"user_id": "customer"}
    assert resolve(columns, ["user_id"], own | {"genres": "tags"}, "train") == {"user_id": "customer"}
    with pytest.raises(DataError, match=r"but train has 'user_id' as well; say columns=\{'train.user': 'customer'\}"):
        resolve(columns, ["user_id"], {"user_id": "customer"}, "train")
    assert resolve(columns[:2] + columns[3:], ["user_id"], {"user": "customer"}, "train") == {"user_id": "customer"}
    # a mapped column is not found a second time under its own name
    assert resolve(["buyer", "item", "sku"], ["item_id"], {"user": "item", "item": "sku"}, "train") == {
        "item_id": "sku"
    }
    with pytest.raises(DataError, match="train has no item column; its columns are 'item', 'x'"):
        resolve(["item", "x"], ["user_id", "item_id"], {"user": "item"}, "train")


@pytest.mark.parametrize(
    ("data", "mapping", "message"),
    [
        (
            {"person": [1], "item": [2]},
            None,
            (
                "train has no user column; its columns are 'person', 'item'; call it user_id, userId, user, u, "
                "query_id, qid or uid, or say which it is with columns={'user': ...} (--columns user=...)"
            ),
        ),
        ({0: [1], 1: [2]}, None, "train has no user column; its columns are 0, 1; call it user_id"),
        (
            {"user": [1], "item": [2]},
            {"usr": "user"},
            "columns= has the key 'usr', which names no column; did you mean",
        ),
        (
            {"user": [1], "item": [2]},
            {"item": "itm"},
            "columns= says that the item column of train is 'itm', but train has no such column; did you mean item?",
        ),
        (
            {"userId": [1], "uid": [2], "item": [3]},
            None,
            (
                "train has 2 columns that could be the user: 'userId', 'uid'; say which with "
                "columns={'user': 'userId'} (--columns user=userId)"
            ),
        ),
        (
            {"user": [1], "item": [1]},
            {"user": "item", "item": "item"},
            "columns= takes 'item' of train for both the user and",
        ),
        (
            {"user": [1], "item": [1]},
            {"user": "user", "user_id": "item"},
            "columns= gives the user column twice; keep one",
        ),
    ],
)
def test_columns_that_do_not_fit(data, mapping, message):
    refused(message, pd.DataFrame(data), columns=mapping)


def test_two_columns_of_one_name():
    message = "train cannot be read as a table: Expected unique column names"
    refused(message, pd.DataFrame([[1, 2, 3]], columns=["user", "user", "item"]))


@pytest.mark.parametrize(
    "source",
    [
        pd.DataFrame({"user": [], "item": []}),
        pl.DataFrame({"user": [], "item": []}),
        {},
        {1: []},
        {1: {}},
        [],
        sparse.csr_matrix((3, 3)),
    ],
    ids=str,
)
def test_empty_tables(source):
    refused("train is empty; pass at least one row", source)


@pytest.mark.parametrize("maker", [pd.DataFrame, pl.DataFrame, pa.table, pl.LazyFrame])
@pytest.mark.parametrize("column", ["user_id", "item_id", "rating", "timestamp"])
@pytest.mark.parametrize("data", [INTS, TEXTS], ids=["integers", "strings"])
def test_nulls_are_refused(maker, column, data):
    values = [*data[column][:2], None]
    message = (
        f"column {column!r} of train has no value (null or NaN) in row 2 (rows count from 0); fill or drop such rows"
    )
    refused(message, maker(data | {column: values}))
    if maker is pd.DataFrame and isinstance(values[0], str):
        refused(message, pd.DataFrame(data | {column: pd.Categorical(values)}))
        refused(message, pd.DataFrame(data | {column: pd.Series(values, dtype=object)}))


def test_a_categorical_without_categories_is_all_null():
    refused("column 'item' of train has no value", pd.DataFrame({"user": [1], "item": pd.Categorical([None])}))


@pytest.mark.parametrize(
    ("what", "column"), [("recs", "score"), ("recs", "rank"), ("train", "rating"), ("train", "timestamp")]
)
@pytest.mark.parametrize("maker", [pd.DataFrame, pl.DataFrame])
def test_infinite_numbers_are_refused(what, column, maker):
    data = {"user": [1, 2], "item": [1, 2], column: [1.0, -np.inf]}
    refused(
        f"column {column!r} of {what} is -inf in row 1 (rows count from 0); it must be finite", maker(data), what=what
    )
    data[column] = [1.0, np.nan]
    refused(f"column {column!r} of {what} has no value (null or NaN) in row 1", maker(data), what=what)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([True, False], "True (bool) in row 0"),
        ([1.0, 2.5], "2.5 (float) in row 1"),
        ([1.0, np.inf], "inf (float) in row 1"),
        ([1.0, 2.0**60], "1.152921504606847e+18 (float) in row 1"),
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), "Timestamp('2020-01-01 00:00:00') (Timestamp) in row 0"),
        (pd.Series([1, "a"], dtype=object), "'a' (str) in row 1"),
        (pd.Series(["a", 1], dtype=object), "1 (int) in row 1"),
        (pd.Series([b"a", b"b"]), "b'a' (bytes) in row 0"),
        (pd.Series([(1, 2), (3, 4)]), "(1, 2) (tuple) in row 0"),
        (pd.Series([dt.date(2020, 1, 1)] * 2), "datetime.date(2020, 1, 1) (date) in row 0"),
        (np.array([1, 2**63], dtype=np.uint64), "9223372036854775808 (int) in row 1"),
        (pd.Series([1, 2**70], dtype=object), "1180591620717411303424 (int) in row 1"),
    ],
)
def test_ids_of_other_kinds_are_refused(values, shown):
    message = (
        f"column 'item' of train holds {shown} (rows count from 0); ids must be all whole numbers (64 bits) or all"
    )
    refused(message, pd.DataFrame({"user": [1, 2], "item": values}))


@pytest.mark.parametrize(
    ("values", "shown"),
    [(["3", "x"], "'x' in row 1"), (["3", "4"], "'3' in row 0"), (pd.to_datetime(["2020-01-01"] * 2), "Timestamp(")],
)
def test_texts_are_no_numbers(values, shown):
    refused(f"column 'rating' of train holds {shown}", pd.DataFrame({"user": [1, 2], "item": [1, 2], "rating": values}))


@pytest.mark.parametrize(
    "values", [pd.Series([True, False]), pd.Series([Decimal(1), Decimal(0)]), pd.Series([1, 0.0], dtype=object)]
)
def test_other_numbers_are_numbers(values):
    rows = read_rows(pd.DataFrame({"user": [1, 2], "item": [1, 2], "rating": values}), what="train")
    assert rows.rating.tolist() == [1.0, 0.0]


def test_dates_become_whole_numbers():
    days = ["1970-01-02", "1969-12-31"]
    frame = pd.DataFrame({"user": [1, 2], "item": [1, 2], "time": days})
    stamps = pd.to_datetime(frame["time"])
    sources = [
        frame,
        frame.assign(time=stamps),
        frame.assign(time=stamps.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")),
        frame.assign(time=stamps.dt.date),
        pl.from_pandas(frame.assign(time=stamps)),
        pl.from_pandas(frame).with_columns(pl.col("time").str.to_date()),
        pa.Table.from_pandas(frame.assign(time=stamps.astype("datetime64[s]"))),
    ]
    for source in sources:
        times = read_rows(source, what="train").timestamp
        assert times.dtype == np.int64  # in the unit of the column, which is not rounded
        assert times.tolist() in [[86400 * step, -86400 * step] for step in (1, 10**3, 10**6, 10**9)]
    message = "column 'time' of train holds 'later' in row 1 (rows count from 0); pass numbers, dates or ISO 8601 texts"
    refused(message, frame.assign(time=["2020-01-01T10:00", "later"]))
    refused(
        "column 'time' of train has no value (null or NaN) in row 1", frame.assign(time=pd.Series([stamps[0], pd.NaT]))
    )
    refused("column 'time' of train holds Timedelta(", frame.assign(time=pd.to_timedelta([1, 2])))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (5, "train is a int, which cannot be read as a table; pass a DataFrame (pandas, polars, pyarrow or anything"),
        (np.zeros((2, 2)), "train is a ndarray, which cannot be read as a table"),
        (pd.Series([1]), "train is a Series, which cannot be read as a table"),
        (None, "train is a NoneType, which cannot be read as a table"),
        (
            {1: [2], 3: 4},
            "train is a dict whose value for user 3 is 4; all values must be lists of items (best first)",
        ),
        ({1: "abc"}, "train is a dict whose value for user 1 is 'abc'"),
        ({1: {2: 3.0}, 3: [4]}, "train is a dict whose value for user 1 is {2: 3.0}"),
        (
            {"userId": [1], "movieId": [2]},
            "train is a dict of columns ('userId', 'movieId'); pass pandas.DataFrame(...) of",
        ),
        ({1: [2, "a"]}, "the items of train holds 'a' (str) in row 1"),
        ({1: [2], "a": [3]}, "the users of train holds 'a' (str) in row 1"),
        ({1: {2: np.nan}}, "the rating of train has no value (null or NaN) in row 0"),
        ({1: {2: "x"}}, "the rating of train holds 'x' in row 0"),
        (
            [(1, 2), (1, 2, 3)],
            "train is a list whose row 1 (rows count from 0) is (1, 2, 3); every row must be (user, item)",
        ),
        ([(1, 2), 5], "train is a list whose row 1 (rows count from 0) is 5"),
        ([(1,)], "train is a list whose row 0 (rows count from 0) is (1,)"),
        ([(1, None)], "the items of train has no value"),
        (sparse.coo_array([1.0, 2.0]), "train is a sparse array of 1 dimension; pass one of (users, items)"),
        (sparse.csr_matrix([[1j]]), "train is a sparse matrix of complex128; pass one of real numbers"),
        (sparse.csr_matrix([[np.inf]]), "the rating of train is inf in row 0"),
    ],
)
def test_other_sources_are_refused(source, message):
    refused(message, source)


# ---------------------------------------------------------------- items

TABLE = {
    "item": [5, 3, 9, 4],
    "genres": ["Drama | Action", None, "(no genres listed)", "Action|Action|"],
    "year": [1, 2, 3, 4],
}
SETS = [{"Action", "Drama"}, set(), set(), {"Action"}]
LISTS = [["Drama", "Action"], None, [], ["Action", "Action"]]


def sets(items):
    genres = items.genres
    rows = [genres.indices[low:high].tolist() for low, high in zip(genres.indptr, genres.indptr[1:], strict=False)]
    assert all(row == sorted(set(row)) for row in rows)
    assert (genres.indptr.dtype, genres.indices.dtype) == (np.int64, np.int32)
    return [{genres.names[column] for column in row} for row in rows]


def items_refused(message, source, **options):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read_items(source, **options)
    assert "\n" not in str(caught.value)


GENRE_SOURCES = {
    "pandas": pd.DataFrame(TABLE),
    "pandas-category": pd.DataFrame(TABLE).astype({"genres": "category"}),
    "pandas-object": pd.DataFrame(TABLE, dtype=object),
    "pandas-lists": pd.DataFrame(TABLE | {"genres": LISTS}),
    "pandas-arrays": pd.DataFrame(
        TABLE | {"genres": [None if x is None else np.array(x, dtype=object) for x in LISTS]}
    ),
    "polars": pl.DataFrame(TABLE),
    "polars-lists": pl.DataFrame(TABLE | {"genres": LISTS}),
    "polars-lazy": pl.LazyFrame(TABLE | {"genres": LISTS}),
    "arrow": pa.table(TABLE),
    "arrow-lists": pa.table(TABLE | {"genres": LISTS}),
    "dict-texts": dict(zip(TABLE["item"], TABLE["genres"], strict=True)),
    "dict-lists": dict(zip(TABLE["item"], LISTS, strict=True)),
    "dict-sets": dict(zip(TABLE["item"], SETS, strict=True)),
}


@pytest.mark.parametrize("name", GENRE_SOURCES)
def test_genres_in_every_form(name):
    items = read_items(GENRE_SOURCES[name])
    assert items.ids.tolist() == TABLE["item"]
    assert items.genres.names == ["Action", "Drama"]
    assert sets(items) == SETS
    assert len(items) == len(items.frame) == 4
    assert items.titles is None
    assert items.vectors is None
    if "dict" not in name:
        assert items.frame["year"].tolist() == TABLE["year"]
        assert list(items.frame.columns) == ["year"]


def test_genres_as_flags():
    frame = pd.DataFrame(
        {"item": [1, 2], "title": ["a", None], "year": [0, 1], "War": [1, 0], "Crime": [True, True], "n": [2, 0]}
    )
    for source in (frame, pl.from_pandas(frame)):
        items = read_items(source)
        assert items.genres.names == ["War", "Crime"]
        assert sets(items) == [{"War", "Crime"}, {"Crime"}]
        assert items.titles[0] == "a"
        assert pd.isna(items.titles[1])
    assert read_items(frame.drop(columns="War")).genres is None
    assert read_items(frame.assign(genre="x")).genres.names == ["x"]


def test_genres_may_be_numbers_and_have_another_separator():
    assert sets(read_items(pd.DataFrame({"item": [1, 2], "genre": [3.0, None]}))) == [{"3"}, set()]
    assert sets(read_items(pd.DataFrame({"item": [1], "genre": ["a|b, c"]}), genre_sep=",")) == [{"a|b", "c"}]
    assert sets(read_items(pd.DataFrame({"item": [1], "tags": ["a|b"]}), columns={"genres": "tags"})) == [{"a", "b"}]
    assert sets(read_items({1: [4, None], 2: []})) == [{"4"}, set()]
    assert sets(read_items(pd.DataFrame({"item": [1], "genres": [None]}))) == [set()]
    message = "column 'genres' of items holds 2.5; genres must be texts such as 'Action|Drama', or lists of texts"
    items_refused(message, pd.DataFrame({"item": [1], "genres": [2.5]}))
    message = "column 'genres' of items holds 'Drama' in row 1 (rows count from 0); every row must hold a list"
    items_refused(message, pd.DataFrame({"item": [1, 2], "genres": [["a"], "Drama"]}))


@pytest.mark.parametrize(
    "maker",
    [
        pd.DataFrame,
        pl.DataFrame,
        lambda data: pl.DataFrame(data, schema_overrides={"vector": pl.Array(pl.Float64, 2)}),
        lambda data: pd.DataFrame(data | {"vector": [np.array(vector) for vector in data["vector"]]}),
        pa.table,
    ],
)
def test_vectors_as_a_column(maker):
    items = read_items(maker({"item": [1, 2], "vector": [[1.0, 2.0], [3.0, 4.5]]}))
    assert items.vectors.tolist() == [[1.0, 2.0], [3.0, 4.5]]
    assert items.vectors.dtype == np.float64
    assert items.vectors.flags.c_contiguous
    assert list(items.frame.columns) == []


def test_vectors_keep_float32():
    single = {"vector": pl.List(pl.Float32)}
    assert (
        read_items(pl.DataFrame({"item": [1], "vector": [[1.0]]}, schema_overrides=single)).vectors.dtype == np.float32
    )
    assert read_items(pd.DataFrame({"item": [1], "vector": [[1]]})).vectors.dtype == np.float64


def test_vectors_beside_the_table(tmp_path):
    table = pd.DataFrame({"item": [1, 2], "vector": ["kept out", "of it"]})
    array = np.asfortranarray([[1, 2, 3], [4, 5, 6]])
    np.save(tmp_path / "vectors.npy", array)
    for vectors in (array, array.tolist(), tmp_path / "vectors.npy"):
        items = read_items(table, vectors=vectors)
        assert items.vectors.tolist() == array.tolist()
        assert items.vectors.flags.c_contiguous
    assert read_items(items) is items
    assert read_items(items, vectors=array.astype(np.float16)).vectors.dtype == np.float32
    items_refused("vectors has 3 rows but items has 2; pass one vector for each row of items", table, vectors=np.eye(3))
    items_refused(
        "vectors is float64 of shape (2,); pass a dense array of numbers of shape (2, d)", table, vectors=[1.0, 2.0]
    )
    items_refused("vectors is object of shape ()", table, vectors=sparse.eye_array(2))
    items_refused("vectors holds NaN or infinity in row 1 (rows count from 0)", table, vectors=[[1.0], [np.nan]])
    items_refused(
        "vectors holds vectors of length 0; pass at least one number an item", table, vectors=np.zeros((2, 0))
    )


@pytest.mark.parametrize("maker", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ([[1.0, 2.0], [3.0]], "column 'vector' of items has 1 numbers in row 1 (rows count from 0) but 2 in row 0"),
        ([[1.0, 2.0], None], "column 'vector' of items has 0 numbers in row 1"),
        ([[1.0], [None]], "column 'vector' of items holds NaN or infinity in row 1 (rows count from 0)"),
        ([[1.0], [np.inf]], "column 'vector' of items holds NaN or infinity in row 1"),
        ([["a"], ["b"]], "column 'vector' of items, flattened, holds 'a' in row 0"),
    ],
)
def test_vectors_that_do_not_fit(maker, vectors, message):
    items_refused(message, maker({"item": [1, 2], "vector": vectors}))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            pd.DataFrame({"item": ["a", "b", "a"]}),
            "items lists 'a' twice, in rows 0 and 2 (rows count from 0); keep one row an",
        ),
        (pd.DataFrame({"item": [4, 7, 7]}), "items lists 7 twice, in rows 1 and 2"),
        (pd.DataFrame({"item": []}), "items is empty; pass at least one item"),
        (pd.DataFrame({"item": [], "vector": []}), "items is empty; pass at least one item"),
        ({}, "items is empty; pass at least one item"),
        (pd.DataFrame({"item": [1, None]}), "column 'item' of items has no value (null or NaN) in row 1"),
        (pd.DataFrame({"name": ["x"]}), "items has no item column; its columns are 'name'"),
        (
            {"item_id": [1], "genres": ["a"]},
            "items is a dict of columns ('item_id', 'genres'); pass pandas.DataFrame(...)",
        ),
        ({1: ["a"], 2: 3.5}, "the genres of items holds 3.5 in row 1 (rows count from 0); every row must hold a list"),
        (7, "items is a int, which cannot be read as a table; pass a DataFrame (pandas, polars, pyarrow or anything"),
    ],
)
def test_items_that_do_not_fit(source, message):
    items_refused(message, source)


def test_pyarrow_is_here():
    """The tests above would pass by the slow way without it."""
    assert importlib.util.find_spec("pyarrow")
