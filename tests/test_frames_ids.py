"""Ids are encoded as they lie in memory, and mean what looking at them row by row says."""

import datetime as dt
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from draws import draws
from hypothesis import given, settings, strategies as st

from beyondacc.data import ids as ids_module
from beyondacc.data.arrow import STRING
from beyondacc.data.columns import as_ids, encode_ids, plain
from beyondacc.data.frames import open_table
from beyondacc.data.ids import Ids, encode_column, encode_index, number_integers
from beyondacc.data.intake.read import read_rows
from beyondacc.data.vocabulary import Vocabulary, factorize
from beyondacc.errors import DataError

INT64 = st.integers(-(2**63), 2**63 - 1)
NEAR = st.integers(0, 30)
WHOLE = [INT64, NEAR, st.integers(-5, 5), INT64.map(lambda value: value >> 40 << 40)]
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=14)
FEW = st.sampled_from(["a", "b", "ab", "", "ä" * 20])
ODD = st.sampled_from([None, True, 2.5, 3.0, float("inf"), 2.0**60, 2**63, b"b", "x", 7, dt.date(2020, 1, 1)])


def pandas_column(values, dtype):
    return pd.DataFrame({"id": pd.Series(values, dtype=dtype)})


def polars_column(values, dtype):
    column = pl.Series("id", values, dtype=dtype, strict=True)
    return pl.DataFrame({"id": column})


def arrow_column(values, kind, cuts=0):
    array = pa.array(values, kind)
    if cuts:
        # a part that is cut off before and behind, an empty chunk, and chunks of unequal lengths
        longer = pa.concat_arrays([array[:1], array, array[:2]])
        array = longer[min(1, len(array)) : min(1, len(array)) + len(array)]
        return pa.table({"id": pa.chunked_array([array[:cuts], array[cuts:cuts], array[cuts:]], array.type)})
    return pa.table({"id": array})


def dictionaries(values, entries, index):
    """Chunks with dictionaries of their own, which repeat entries and hold others that no row has."""
    middle = len(values) // 2
    chunks = []
    for part in (values[:middle], values[middle:]):
        known = [*reversed(part), *part, *([part[0]] if part else [])]
        codes = pa.array([None if value is None else known.index(value) for value in part], index)
        chunks.append(pa.DictionaryArray.from_arrays(codes, pa.array([0 if v is None else v for v in known], entries)))
    return pa.table({"id": pa.chunked_array(chunks, pa.dictionary(index, entries))})


INTEGER_SOURCES = {
    "numpy": lambda values: pandas_column(values, None),
    "numpy-narrow": lambda values: pandas_column([value % 100 for value in values], "int8"),
    "numpy-unsigned": lambda values: pandas_column([value % 2**64 for value in values], "uint64"),
    "numpy-float": lambda values: pandas_column(values, "float64"),
    "numpy-single": lambda values: pandas_column(values, "float32"),
    "numpy-strided": lambda values: pd.DataFrame(np.array([values, values]).T, columns=["other", "id"]),
    "nullable": lambda values: pandas_column(values, "Int64"),
    "nullable-unsigned": lambda values: pandas_column([value % 2**64 for value in values], "UInt64"),
    "pandas-arrow": lambda values: pandas_column(values, "int64[pyarrow]"),
    "object": lambda values: pandas_column(values, object),
    "category": lambda values: pandas_column(values, "category"),
    "category-unused": lambda values: pandas_column(pd.Categorical([*values, 99, 98]), None).iloc[:-2],
    "polars": lambda values: polars_column(values, pl.Int64),
    "polars-chunks": lambda values: pl.concat(
        [polars_column(values[:2], pl.Int64), polars_column(values[2:], pl.Int64)], rechunk=False
    ),
    "polars-narrow": lambda values: polars_column([value % 100 for value in values], pl.UInt16),
    "polars-unsigned": lambda values: polars_column([value % 2**64 for value in values], pl.UInt64),
    "polars-float": lambda values: polars_column([float(value) for value in values], pl.Float64),
    "polars-lazy": lambda values: polars_column(values, pl.Int64).lazy(),
    "arrow": lambda values: arrow_column(values, pa.int64()),
    "arrow-chunks": lambda values: arrow_column(values, pa.int64(), cuts=2),
    "arrow-narrow": lambda values: arrow_column([value % 100 for value in values], pa.uint8(), cuts=1),
    "arrow-unsigned": lambda values: arrow_column([value % 2**64 for value in values], pa.uint64()),
    "arrow-dictionary": lambda values: dictionaries(values, pa.int64(), pa.int16()),
}
STRING_SOURCES = {
    "pandas": lambda values: pandas_column(values, None if values else STRING),
    "pandas-object": lambda values: pandas_column(values, object),
    "pandas-python": lambda values: pandas_column(values, "string[python]"),
    "pandas-arrow": lambda values: pandas_column(values, "string[pyarrow]"),
    "pandas-arrow-type": lambda values: pandas_column(values, pd.ArrowDtype(pa.string())),
    "pandas-arrow-dictionary": lambda values: pandas_column(
        pd.arrays.ArrowExtensionArray(pa.array(values, pa.string()).dictionary_encode()), None
    ),
    "category": lambda values: pandas_column(values, "category"),
    "category-object": lambda values: pandas_column(
        pd.Categorical(values, categories=pd.Index([*dict.fromkeys(values), "unused", 5], dtype=object)), None
    ),
    "category-ordered": lambda values: pandas_column(
        pd.Categorical(values, categories=[*dict.fromkeys(values), "unused"][::-1], ordered=True), None
    ),
    "polars": lambda values: polars_column(values, pl.String),
    "polars-chunks": lambda values: pl.concat(
        [polars_column(values[:2], pl.String), polars_column(values[2:], pl.String)], rechunk=False
    ),
    "polars-slice": lambda values: polars_column(["before", *values, "after"], pl.String).slice(1, len(values)),
    "polars-categorical": lambda values: polars_column(values, pl.Categorical),
    "polars-enum": lambda values: polars_column(values, pl.Enum([*dict.fromkeys(values), "unused"][::-1])),
    "polars-lazy": lambda values: polars_column(values, pl.String).lazy(),
    "arrow": lambda values: arrow_column(values, pa.string()),
    "arrow-large": lambda values: arrow_column(values, pa.large_string()),
    "arrow-chunks": lambda values: arrow_column(values, pa.string(), cuts=2),
    "arrow-large-chunks": lambda values: arrow_column(values, pa.large_string(), cuts=1),
    "arrow-view": lambda values: pa.table(
        {"id": pa.chunked_array([pa.array(part, pa.string()).cast(pa.string_view()) for part in (values[:3], values)])}
    ).slice(min(3, len(values))),
    "arrow-dictionary": lambda values: pa.table({"id": pa.array(values, pa.string()).dictionary_encode()}),
    "arrow-dictionaries": lambda values: dictionaries(values, pa.string(), pa.int8()),
    "arrow-large-dictionaries": lambda values: dictionaries(values, pa.large_string(), pa.uint32()),
}


def column_of(frame):
    return open_table(frame, what="train").bring(["id"]).by_name["id"]()


def told(make):
    try:
        found = make()
    except DataError as error:
        return str(error)
    index = found.index() if isinstance(found, Ids) else found
    return index.tolist(), pd.api.types.is_integer_dtype(index.dtype)


def same(frame):
    """Compare with the ids looked at row by row; returns them, or the message."""
    column = column_of(frame)
    expected = told(lambda: as_ids(plain(column), "column 'id' of train"))
    assert told(lambda: encode_ids(column, "column 'id' of train")) == expected
    return expected


def made(maker, values):
    try:
        with warnings.catch_warnings(action="ignore"):
            return maker(values)
    except (OverflowError, TypeError, ValueError, pa.ArrowException, pl.exceptions.PolarsError):
        return None  # no such column can be made of these values


@pytest.mark.parametrize("source", INTEGER_SOURCES)
@given(st.sampled_from(WHOLE).flatmap(lambda kind: st.lists(kind, max_size=9)))
@settings(deadline=None, max_examples=draws(40))
def test_integers_of_every_source(source, values):
    frame = made(INTEGER_SOURCES[source], values)
    if frame is not None:
        expected = same(frame)
        quick = encode_column(column_of(frame))
        assert (quick is None) == (isinstance(expected, str) or source == "object") or not values


@pytest.mark.parametrize("source", STRING_SOURCES)
@given(st.sampled_from([TEXT, FEW]).flatmap(lambda kind: st.lists(kind, max_size=9)))
@settings(deadline=None, max_examples=draws(40))
def test_strings_of_every_source(source, values):
    frame = made(STRING_SOURCES[source], values)
    assert frame is not None
    assert same(frame) == (values, False)
    assert (encode_column(column_of(frame)) is not None) == (source != "category-object") or not values


@pytest.mark.parametrize("source", [*INTEGER_SOURCES, *STRING_SOURCES])
@given(
    st.sampled_from([*WHOLE, TEXT, FEW]).flatmap(lambda kind: st.lists(kind, min_size=1, max_size=6)),
    st.lists(ODD, min_size=1, max_size=2),
    st.integers(0, 7),
)
@settings(deadline=None, max_examples=draws(40))
def test_what_is_refused_is_refused_alike(source, values, odd, place):
    for maker in (INTEGER_SOURCES.get(source), STRING_SOURCES.get(source)):
        frame = maker and made(maker, values[:place] + odd + values[place:])
        if frame is not None:
            same(frame)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"id": pd.Categorical(["a", None, "b"])}),
        pd.DataFrame({"id": pd.Categorical([None, None])}),
        pd.DataFrame({"id": pd.Categorical([1.5, 2.0, 2.0])}),
        pd.DataFrame({"id": pd.Categorical([1.5, 2.0, 2.0])}).iloc[1:],
        pd.DataFrame({"id": pd.Categorical([True, False])}),
        pd.DataFrame({"id": pd.array([1, None], dtype="Int64")}),
        pd.DataFrame({"id": pd.array([True, False], dtype="boolean")}),
        pd.DataFrame({"id": pd.Series(["a", None], dtype="string[python]")}),
        pd.DataFrame({"id": pd.Series([1, True], dtype=object)}),
        pd.DataFrame({"id": pd.Series([["a"], ["b"]])}),
        pd.DataFrame({"id": pd.Series(["a", ["b"]], dtype=object)}),
        pd.DataFrame({"id": pd.to_datetime(["2020-01-01"])}),
        pl.DataFrame({"id": ["a", None]}, schema={"id": pl.Categorical}),
        pl.DataFrame({"id": ["a", None]}, schema={"id": pl.Enum(["a", "b"])}),
        pl.DataFrame({"id": [None, None]}),
        pl.DataFrame({"id": [[1], [2]]}),
        pl.DataFrame({"id": [True]}),
        pl.DataFrame({"id": [dt.date(2020, 1, 1)]}),
        pa.table({"id": pa.array([None], pa.null())}),
        pa.table({"id": pa.array([b"a"], pa.binary())}),
        pa.table({"id": pa.array([1, None])}),
        pa.table({"id": pa.array([1.0, float("nan")])}),
        pa.table({"id": pa.array([2**63], pa.uint64())}),
        pa.table({"id": pa.DictionaryArray.from_arrays(pa.array([0, None], pa.int8()), pa.array(["a", "b"]))}),
        pa.table({"id": pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array(["a", None]))}),
        pa.table({"id": pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int8()), pa.array(["a", None]))}),
        pa.table({"id": pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array([True, False]))}),
    ],
)
def test_odd_columns(frame):
    same(frame)


EDGES = [0, 1, -1, 2**31, -(2**31), 2**62, -(2**63), 2**63 - 1, 2**63 - 2]


@pytest.mark.kernel
@given(st.lists(st.sampled_from(EDGES) | NEAR, min_size=1, max_size=20), st.lists(NEAR, max_size=4))
@settings(deadline=None)
def test_numbers_of_integers(values, cuts):
    array = np.array(values, dtype=np.int64)
    ids = number_integers(np.split(array, sorted(cut % (len(array) + 1) for cut in cuts)))
    assert ids.tolist() == values
    assert ids.distinct.is_unique
    assert ids.codes.dtype == np.int32
    assert not ids.codes.flags.writeable
    assert ids.occurring.tolist() == [value in set(values) for value in ids.distinct.tolist()]
    codes, uniques = factorize(ids)
    assert uniques.tolist() == sorted(set(values))
    assert uniques.take(codes).tolist() == values


def colliding(n):
    """Integers whose products with the multiplier are 0, 1, 2, ..., so that they meet in the first slots."""
    inverse = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))
    folded = np.arange(n, dtype=np.uint64) * inverse
    return (folded ^ (folded >> np.uint64(32))).view(np.int64)


PATTERNS = {
    "dense": np.arange,
    "strided": lambda n: np.arange(n) * 2**20,
    "high": lambda n: np.arange(n, dtype=np.int64) << 45,
    "both": lambda n: (np.arange(n, dtype=np.int64) << 32) | np.arange(n),
    "negative": lambda n: -np.arange(n) * 3**25,
    "random": lambda n: np.random.default_rng(0).integers(-(2**63), 2**63 - 1, n),
    "colliding": lambda n: colliding(min(n, 500)),
}


@pytest.mark.kernel
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("repeated", [1, 3])
def test_the_table_grows_and_keeps_its_numbers(pattern, repeated, monkeypatch):
    monkeypatch.setattr(ids_module, "_WIDEST", 0)  # no subtraction
    monkeypatch.setattr(ids_module, "_BLOCK", 1000)  # so that tables are full within, at the end and between blocks
    values = np.tile(PATTERNS[pattern](6000), repeated)
    ids = number_integers([values[:1365], values[1365:]])  # 4096 // 3
    codes, uniques = pd.factorize(values)
    assert ids.codes.tolist() == codes.tolist()
    assert ids.distinct.tolist() == uniques.tolist()
    assert ids.exact


def test_close_integers_take_no_table():
    ids = number_integers([np.arange(5, 1000)])
    assert isinstance(ids.distinct, pd.RangeIndex)
    assert ids.codes.tolist() == list(range(995))
    assert isinstance(number_integers([np.array([0, 2**22])]).distinct, pd.RangeIndex) is False


@pytest.mark.kernel
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 3, 900, 2**20, 2**40, -5, 2**63 - 30]), st.lists(st.integers(0, 20), min_size=1)),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["int64", "int32", "uint8", "uint64", "float64"]),
)
@settings(deadline=None)
def test_numbers_of_columns_that_change_their_kind(stretches, dtype):
    """A column may look close to 0, close together or whole for many rows before it does not."""
    values = np.array([start + step for start, steps in stretches for step in steps])
    limits = (-(2**53), 2**53) if dtype == "float64" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    fits = limits[0] <= int(values.min()) and int(values.max()) <= limits[1]
    given_values = values.astype(dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids_module, "_BLOCK", 7)
        ids = number_integers([given_values])
        if dtype == "float64":
            assert number_integers([np.append(given_values, 0.5)]) is None
        if dtype == "uint64":
            assert number_integers([np.append(given_values, np.uint64(2**63))]) is None
    if fits:
        assert ids.tolist() == values.tolist()
        assert ids.occurring.tolist() == [value in set(values.tolist()) for value in ids.distinct.tolist()]


@pytest.mark.kernel
@given(st.lists(st.integers(0, 6), max_size=30), st.integers(1, 4))
@settings(deadline=None)
def test_runs_and_rows_of_each_id(values, parts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids_module, "_WORTH_A_THREAD", 4)
        patch.setattr(ids_module, "n_threads", lambda: parts)
        ids = Ids(np.array(values, np.int32), pd.RangeIndex(8), exact=False)
        expected = [[row for row, value in enumerate(values) if value == code] for code in range(8)]
        assert ids.occurring.tolist() == [bool(rows) for rows in expected]
        runs = ids.runs
        assert ids.occurring.tolist() == [bool(rows) for rows in expected]
        assert runs.counts.sum(axis=0).tolist() == [len(rows) for rows in expected]
        assert runs.firsts.tolist() == [rows[0] if rows else len(values) for rows in expected]
        assert runs.grouped == all(rows == list(range(rows[0], rows[-1] + 1)) for rows in expected if rows)
        table = np.where(ids.occurring, np.arange(8)[::-1], -1).astype(np.int32)  # the code of the last one is row 0
        firsts, lengths, order = ids.grouped(table, 8)
    for row, rows in enumerate(reversed(expected)):
        places = range(firsts[row], firsts[row] + lengths[row])
        assert [order[place] if len(order) else place for place in places] == rows
    assert bool(len(order)) == (not runs.grouped)


def test_strings_that_are_in_arrow_stay_there(monkeypatch):
    """No array of objects, and no more memory than the codes and one table; conversion to objects is an error."""
    rng = np.random.default_rng(0)
    n = 400_000
    distinct = pa.array([f"user-{number:010}" for number in range(2000)])
    texts = distinct.take(pa.array(rng.integers(0, 2000, n)))
    series = pl.from_arrow(texts)
    sources = {
        "arrow": pa.table({"user_id": texts, "item_id": texts}),
        "arrow-large": pa.table({"user_id": texts.cast(pa.large_string()), "item_id": texts}),
        "arrow-chunks": pa.table({"user_id": pa.chunked_array([texts[:9], texts[9:]]), "item_id": texts}),
        "arrow-dictionary": pa.table({"user_id": texts.dictionary_encode(), "item_id": texts}),
        "polars": pl.DataFrame({"user_id": series, "item_id": series}),
        "polars-categorical": pl.DataFrame({"user_id": series.cast(pl.Categorical), "item_id": series}),
        "pandas": pd.DataFrame({"user_id": pd.array(texts, dtype=STRING), "item_id": pd.array(texts, dtype=STRING)}),
    }

    def refuse_long(holder, name):
        original = getattr(holder, name)

        def convert(self, *arguments, **options):
            assert len(self) <= 2000, f"{name}: texts became objects"
            return original(self, *arguments, **options)

        monkeypatch.setattr(holder, name, convert)

    for holder in (pl.Series, type(sources["pandas"]["user_id"].array)):
        for name in {"to_pandas", "to_numpy", "to_list", "__array__", "__iter__", "astype"} & set(dir(holder)):
            refuse_long(holder, name)
    found = {}
    for name, frame in sources.items():
        read_rows(frame.slice(0, 5) if "arrow" in name else frame.head(5), what="train")  # what is loaded late is now
        tracemalloc.start()
        rows = read_rows(frame, what="train")
        kept, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # 4 bytes a row and column are the codes; a pointer would be 8 more, a text 59 more
        assert peak < 13 * n, name
        assert kept < 9 * n, name
        vocabulary, tables = Vocabulary.numbering([rows.user, rows.item])
        found[name] = (rows.user.translate(tables[0]), rows.item.translate(tables[1]), len(vocabulary))
    monkeypatch.undo()
    expected = pd.factorize(texts.to_pandas(), sort=True)[0]
    for name, (users, items, n_ids) in found.items():
        assert np.array_equal(users, expected), name
        assert np.array_equal(items, expected), name
        assert n_ids == 2000


def test_integers_are_copied_once():
    """The codes, half as wide as the ids, are all that is new; in blocks, so that nothing else is as long."""
    n = 1_000_000
    rng = np.random.default_rng(0)
    for ids in (rng.integers(0, 5000, n), rng.integers(0, 5000, n) * 2**40 - 7):
        for frame in (
            pd.DataFrame({"user_id": ids, "item_id": ids}),
            pl.DataFrame({"user_id": ids, "item_id": ids}),
            pa.table({"user_id": pa.chunked_array([ids[:10], ids[10:]]), "item_id": ids}),
        ):
            tracemalloc.start()
            rows = read_rows(frame, what="train")
            kept, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert kept < 8.1 * n
            assert peak < 8 * n + 5_000_000
            assert rows.user.index().equals(pd.Index(ids))


def test_ids_of_rows():
    ids = Ids.of(pd.Index(["b", "a", "b"]))
    assert (ids.tolist(), len(ids), ids.dtype) == (["b", "a", "b"], 3, STRING)
    some = ids[np.array([True, False, True])]
    assert some.tolist() == ["b", "b"]
    assert some.occurring.tolist() == [value == "b" for value in some.distinct]
    ranks, known = some.ascending()
    assert known.tolist() == ["b"]
    assert some.translate(ranks).tolist() == [0, 0]
    assert factorize(some)[1].tolist() == ["b"]
    assert encode_index([pd.Index([]), pd.Index(["c"]), pd.Index(["a", "c"], dtype=object)]).tolist() == ["c", "a", "c"]
    nobody = Ids.none()
    assert (nobody.tolist(), nobody.occurring.tolist(), len(nobody.index())) == ([], [], 0)


def test_rows_of_many_parts(monkeypatch):
    monkeypatch.setattr(ids_module, "_WORTH_A_THREAD", 10)
    monkeypatch.setattr(ids_module, "n_threads", lambda: 3)
    values = np.random.default_rng(0).integers(5, 12, 100)
    ids = number_integers([values])
    assert ids.parts == [(0, 33), (33, 66), (66, 100)]
    assert ids.runs.counts.sum(axis=0).tolist() == np.bincount(values - values.min()).tolist()
    assert ids.runs.counts[1].tolist() == np.bincount(values[33:66] - values.min(), minlength=7).tolist()


WITHOUT = """
import sys
sys.modules["pyarrow"] = None
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "pyarrow" else found(name, *rest)
import numpy as np, pandas as pd, polars as pl
from beyondacc.data.arrow import STRING, has_arrow
from beyondacc.data.intake.read import read_rows
import beyondacc as ba
assert not has_arrow()
texts = ["b", "a", "ä" * 20, "b", ""]
other = pl.Series(["x", "b", "z"], dtype=pl.Categorical)
table = {"user": texts, "item": [7, 2**40, 7, -3, 2**40], "rating": [1.0, 2.0, 3.0, 4.0, 5.0]}
frames = [
    pd.DataFrame(table), pd.DataFrame(table).astype({"user": "category"}), pl.DataFrame(table),
    pl.DataFrame(table, schema_overrides={"user": pl.Categorical}),
    pl.DataFrame(table, schema_overrides={"user": pl.Enum(sorted({*texts, "unused"}))}), pl.LazyFrame(table),
]
for frame in frames:
    rows = read_rows(frame, what="train")
    assert (rows.user.tolist(), rows.item.tolist(), rows.rating.tolist()) == tuple(table.values()), frame
    data = ba.Dataset(train=frame)
    assert data.users.ids.tolist() == sorted(set(texts))
    assert data.users.encode(pd.Index(["b", "q", "a"])).tolist() == [data.users.find("b"), -1, data.users.find("a")]
for maker in (pl.DataFrame, pd.DataFrame):
    try:
        read_rows(maker(table | {"user": ["a", None, "b", "a", "a"]}), what="train")
    except ba.DataError as error:
        assert "has no value (null or NaN) in row 1" in str(error)
    else:
        raise AssertionError
print("done")
"""


def test_everything_works_without_pyarrow():
    run = subprocess.run([sys.executable, "-c", WITHOUT], check=True, capture_output=True, text=True)  # noqa: S603 - ours
    assert run.stdout == "done\n"
