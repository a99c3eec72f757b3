"""Codes for ids: the same as a plain dict gives, for every kind and spread of ids."""

import re
import threading
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

import beyondacc
from beyondacc.data import vocabulary
from beyondacc.data.arrow import STRING
from beyondacc.data.ids import Ids
from beyondacc.data.intake.read import read_rows
from beyondacc.data.vocabulary import Vocabulary, factorize
from beyondacc.errors import DataError

INT64 = st.integers(-(2**63), 2**63 - 1)
NEAR = st.integers(-5, 30)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)
KINDS = st.sampled_from([INT64, NEAR, INT64.map(lambda value: value // 2**32), TEXT])


def index(values):
    return pd.Index(values, dtype=STRING if values and isinstance(values[0], str) else np.int64)


@st.composite
def lists(draw, count):
    kind = draw(KINDS)
    return [draw(st.lists(kind, max_size=12)) for _ in range(count)]


@given(lists(1))
@settings(deadline=None)  # the first call may compile
def test_factorize_numbers_the_sorted_ids(tables):
    [values] = tables
    codes, uniques = factorize(index(values))
    expected = {value: code for code, value in enumerate(sorted(set(values)))}
    assert uniques.tolist() == list(expected)
    assert codes.tolist() == [expected[value] for value in values]
    assert codes.dtype == np.int32


@given(lists(2))
@settings(deadline=None)
def test_encode_and_decode_against_a_dict(tables):
    known, asked = tables
    order = list(dict.fromkeys(known))
    vocabulary = Vocabulary(index(order))
    expected = {value: code for code, value in enumerate(order)}
    asked += known
    codes = vocabulary.encode(index(asked))
    assert codes.dtype == np.int32
    assert codes.tolist() == [expected.get(value, -1) for value in asked]
    assert vocabulary.decode(codes[codes >= 0]).tolist() == [value for value in asked if value in expected]
    assert len(vocabulary) == len(order)


@given(lists(3), st.booleans())
@settings(deadline=None)
def test_union_keeps_the_first_and_sorts_the_rest(tables, with_first):
    first, *parts = tables
    first = list(dict.fromkeys(first)) if with_first else []
    vocabulary = Vocabulary.union([index(part) for part in parts], index(first) if with_first else None)
    assert vocabulary.ids.tolist() == first + sorted({value for part in parts for value in part} - set(first))
    assert Vocabulary.union([factorize(index(part))[1] for part in parts], index(first)).ids.tolist() == list(
        vocabulary.ids
    )


@given(lists(2))
@settings(deadline=None)
def test_extend_keeps_codes(tables):
    known, fresh = tables
    before = Vocabulary(index(list(dict.fromkeys(known))))
    after = before.extend(index(fresh))
    assert after.ids.tolist() == before.ids.tolist() + sorted(set(fresh) - set(known))
    assert np.array_equal(after.encode(before.ids), np.arange(len(before)))


@pytest.mark.parametrize("low", [0, 1, -7, 2**63 - 9, -(2**63)])
def test_integers_at_the_edges(low):
    ids = pd.Index(np.array(range(low, low + 9), dtype=np.int64))
    known = Vocabulary(ids)
    assert known.encode(ids[::-1]).tolist() == list(range(9))[::-1]
    outside = [low - 1, low + 9, -(2**63), 2**63 - 1, 0]
    outside = [value for value in outside if -(2**63) <= value < 2**63 and not low <= value < low + 9]
    assert set(known.encode(pd.Index(outside, dtype=np.int64)).tolist()) == {-1}
    assert known.kind == "integer"


def test_narrow_integers_take_a_table_and_wide_ones_a_hash():
    assert Vocabulary(pd.Index([3, 2**20]))._table is not None
    assert Vocabulary(pd.Index([3, 2**22]))._table is None
    assert Vocabulary(pd.Index([3, 2**22])).encode(pd.Index([2**22, 4, 3])).tolist() == [1, -1, 0]


@pytest.mark.parametrize("dtype", [object, STRING, "string[python]", "string[pyarrow]"])
def test_strings_of_every_dtype_meet(dtype):
    known = Vocabulary(pd.Index(["b", "a"], dtype=dtype))
    assert (known.kind, known.ids.dtype, repr(known)) == ("string", STRING, "Vocabulary(2 string ids)")
    for other in (object, STRING, "string[python]", "string[pyarrow]"):
        ids = pd.Index(["a", "c", "b", "a"], dtype=other)
        assert known.encode(ids).tolist() == [1, -1, 0, 1]
        assert known.extend(ids).ids.tolist() == ["b", "a", "c"]
        codes, uniques = factorize(ids)
        assert (codes.tolist(), uniques.tolist(), uniques.dtype) == ([0, 2, 1, 0], ["a", "b", "c"], STRING)
        assert Vocabulary.union([ids, known.ids]).ids.tolist() == ["a", "b", "c"]


def test_polars_and_pandas_strings_meet():
    table = {"user": ["u1", "u2"], "item": ["x", "y"]}
    known = Vocabulary.union([read_rows(pd.DataFrame(table), what="train").user])
    assert known.encode(read_rows(pl.DataFrame(table), what="recs").user[::-1]).tolist() == [1, 0]


def test_empty_vocabularies_fit_everything():
    empty = Vocabulary.union([])
    assert (len(empty), empty.encode(pd.Index([1, 2])).tolist(), empty.encode(pd.Index(["a"])).tolist()) == (
        0,
        [-1, -1],
        [-1],
    )
    assert empty.extend(pd.Index([2, 1])).ids.tolist() == [1, 2]
    assert Vocabulary(pd.Index([1])).encode(pd.Index([], dtype=STRING)).tolist() == []
    assert Vocabulary.union([pd.Index([2]), pd.Index([], dtype=STRING)]).kind == "integer"
    assert empty.decode(np.empty(0, np.int32)).tolist() == []


def test_strings_and_integers_do_not_meet():
    message = (
        "user ids of recs are strings (such as '17') but those of train are integers (such as 17); convert one of them"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        Vocabulary(pd.Index([17, 2])).encode(pd.Index(["17", "x"]), axis="user", what="recs", known="train")
    message = (
        "item ids of test are integers (such as 3) but those of items are strings (such as 'a'); convert one of them"
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        Vocabulary.union([pd.Index(["b"]), pd.Index([3])], pd.Index(["a"]), names=("items", "train", "test"))
    with pytest.raises(DataError, match="item ids of table 1 are integers"):
        Vocabulary.union([pd.Index(["b"]), pd.Index([3])])


@pytest.mark.parametrize("ids", [["b", "a", "b"], [4, 5, 4], [4, 2**40, 4]])
def test_ids_come_once(ids):
    with pytest.raises(DataError, match=rf"^the id {ids[0]!r} comes twice; ids of a vocabulary must be unique$"):
        Vocabulary(pd.Index(ids))


def test_more_ids_than_an_int32_holds(monkeypatch):
    monkeypatch.setattr(vocabulary, "_MAX_IDS", 2)
    with pytest.raises(DataError, match=r"^3 ids are more than the 2 that can be numbered; split the data$"):
        Vocabulary(pd.Index([1, 2, 3]))


def test_padding_has_no_id():
    with pytest.raises(IndexError, match="code -1 has no external id"):
        Vocabulary(pd.Index([1])).decode(np.array([0, -1]))
    with pytest.raises(IndexError):
        Vocabulary(pd.Index([1])).decode(np.array([1]))


@given(st.sets(st.integers(-3, 12), min_size=1), st.lists(st.integers(-3, 14), min_size=1), st.sampled_from([1, 2**40]))
def test_some_of_a_vocabulary(known, asked, scale):
    vocabulary = Vocabulary(pd.Index(np.array(sorted(known)) * scale))
    ids = Ids.of(pd.Index(np.array(asked) * scale))
    found = vocabulary.some(ids)
    if not set(asked) <= known:
        assert found is None
        return
    names, table = found
    assert names.tolist() == [value * scale for value in sorted(set(asked))]
    assert names.take(ids.translate(table)).tolist() == [value * scale for value in asked]
    assert ((table < 0) == ~ids.occurring).all()
    assert (names is vocabulary.ids) == (set(asked) == known)
    assert vocabulary.encode(names).tolist() == [sorted(known).index(value) for value in sorted(set(asked))]


# --- few ids among many


def spread(n):
    """Whole numbers too far apart for a table of them all."""
    return pd.Index(np.random.default_rng(0).permutation(np.arange(n, dtype=np.int64) * 1_000_003 - 10**9))


def texts(n):
    return pd.Index([f"item {number}" for number in np.random.default_rng(0).permutation(n)])


@pytest.mark.parametrize("make", [spread, texts])
@pytest.mark.parametrize("modulus", [None, 7, 1])
def test_few_ids_are_found_as_many_are(make, modulus, monkeypatch):
    """Also where hashes of texts collide, as those of whole numbers cannot."""
    if modulus and make is texts:
        usual = vocabulary.hash_ids
        monkeypatch.setattr(vocabulary, "hash_ids", lambda ids: usual(ids) % np.uint64(modulus))
    known = Vocabulary(make(2000))
    rng = np.random.default_rng(1)
    for n in (1, 2, 7, 20, 1, 2, 7, 10):
        places = rng.choice(2000, n, replace=False)
        asked = known.ids[places]
        np.testing.assert_array_equal(known.encode(asked), places)
        strange = make(4000)[~make(4000).isin(known.ids)][:n]
        mixed = asked.append(strange)[rng.permutation(n + len(strange))]
        expected = known.ids.get_indexer(mixed)
        assert (expected < 0).sum() == len(strange)
        np.testing.assert_array_equal(known.encode(mixed), expected)
    assert known._sorted is not None


@pytest.mark.parametrize("make", [spread, texts])
def test_the_table_of_a_vocabulary_is_built_once_and_by_many_threads(make, monkeypatch):
    known, built = Vocabulary(make(5000)), []
    usual = vocabulary._Sorted.of.__func__

    def of(cls, hashes):
        built.append(len(hashes))
        return usual(cls, hashes)

    monkeypatch.setattr(vocabulary._Sorted, "of", classmethod(of))
    for place in range(30):
        assert known.encode(known.ids[place : place + 3]).tolist() == [place, place + 1, place + 2]
    assert built == [5000]
    once = Vocabulary(make(5000))
    once.encode(once.ids[:3])
    assert built == [5000]  # for one question it would take longer than it saves
    again, wrong = Vocabulary(make(5000)), []

    def look(place):
        if again.encode(again.ids[place : place + 1]).tolist() != [place]:
            wrong.append(place)

    threads = [threading.Thread(target=look, args=(place,)) for place in range(30)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


@pytest.mark.alone
def test_a_list_with_texts_takes_about_as_long_as_one_with_whole_numbers():
    """Of 200,000 items; to hash them for each call took 30 times as long."""
    n, least = 200_000, {}
    for name, ids in (("texts", [f"item{number:07d}" for number in range(n)]), ("numbers", list(range(n)))):
        items = pd.DataFrame({"item_id": ids, "genres": ["a|b", "b", "c|a", "a"] * (n // 4)})
        data = beyondacc.Dataset({"u": ids[:50]}, None, items)
        lists = {"u": {ids[1001 * place]: float(place % 7) for place in range(100)}}
        for _ in range(4):  # until it is worth a table
            beyondacc.MMR().rerank(lists, data, k=20)
        times = []
        for _ in range(15):
            started = time.perf_counter()
            beyondacc.MMR().rerank(lists, data, k=20)
            times.append(time.perf_counter() - started)
        least[name] = min(times)
    assert least["texts"] < 3 * least["numbers"]
