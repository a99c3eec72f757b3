"""From rows to profiles and lists: what a dict of dicts says, for every source and every order of the rows."""

import functools
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from draws import draws
from hypothesis import given, settings, strategies as st
from scipy import sparse

from beyondacc import DataError, Dataset, Recommendations
from beyondacc.data import ids as ids_module, profiles as profiles_module, recommendations as recommendations_module
from beyondacc.data.ids import Ids, number_integers
from beyondacc.data.profiles import Profiles
from beyondacc.data.vocabulary import Vocabulary
from beyondacc.run import local

SOURCES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "arrow": pa.table,
    "arrow-chunks": lambda table: pa.concat_tables([pa.table(table).slice(0, 3), pa.table(table).slice(3)]),
    "category": lambda table: pd.DataFrame(table).astype(
        {name: "category" for name in table if name in {"user_id", "item_id"}}
    ),
    "polars-categorical": lambda table: pl.DataFrame(table).with_columns(
        pl.selectors.by_dtype(pl.String).cast(pl.Categorical)
    ),
    "arrow-dictionary": lambda table: pa.table(
        {
            name: pa.array(values).dictionary_encode() if name in {"user_id", "item_id"} else pa.array(values)
            for name, values in table.items()
        }
    ),
}
KINDS = {
    "dense": lambda numbers: numbers,
    "spread": lambda numbers: [(number * 0x9E3779B97F4A7C15 + 7) % 2**63 - 2**62 for number in numbers],
    "strings": lambda numbers: [f"id{number:03}" for number in numbers],
}


def rows_of(profiles):
    return [
        dict(zip(profiles.items[low:high].tolist(), profiles.values[low:high].tolist(), strict=True))
        for low, high in zip(profiles.starts, profiles.starts[1:], strict=False)
    ]


def build(users, items, values, *, n_rows, n_items):
    known = [number_integers([np.asarray(codes, np.int64)]) for codes in (users, items)]
    tables = [np.asarray(each.distinct, dtype=np.int32) for each in known]
    return Profiles.build(*known, values, rows=tables[0], places=tables[1], n_rows=n_rows, n_items=n_items)


@pytest.mark.kernel
@pytest.mark.parametrize("n_items", [1, 2, 200, 300, 70_000, 2**24 + 5])
@pytest.mark.parametrize("rated", [True, False])
@pytest.mark.parametrize("parts", [1, 3])
def test_rows_become_profiles(n_items, rated, parts, monkeypatch):
    """Rows of every length, in every order, with repetitions, of items of one to four bytes."""
    monkeypatch.setattr(ids_module, "_WORTH_A_THREAD", 50)
    monkeypatch.setattr(ids_module, "n_threads", lambda: parts)
    in_parts = functools.partial(local.map_blocks, least=2)
    monkeypatch.setattr(profiles_module, "map_blocks", in_parts)
    monkeypatch.setattr(profiles_module, "_WORTH_THREADS", 0)
    rng = np.random.default_rng(n_items + parts)
    sizes = rng.permutation([0, 1, 2, 3, 23, 24, 25, 26, 80, 300])
    users = np.repeat(np.arange(len(sizes)), sizes)
    items = rng.integers(0, n_items, len(users))
    for order in (np.arange(len(users)), np.lexsort((items, users)), rng.permutation(len(users))):
        values = rng.random(len(users))
        expected = [{} for _ in sizes]
        for user, item, value in zip(users[order], items[order], values, strict=True):
            expected[user][int(item)] = value if rated else 1.0
        found = build(users[order], items[order], values if rated else None, n_rows=len(sizes), n_items=n_items)
        assert rows_of(found) == [dict(sorted(row.items())) for row in expected]
        assert [list(row) for row in rows_of(found)] == [sorted(row) for row in expected]
        assert (found.starts.dtype, found.items.dtype, found.values.dtype) == (np.int64, np.int32, np.float64)
        assert found.starts[-1] == len(found.items) == len(found.values)


@pytest.mark.kernel
@pytest.mark.parametrize("order", ["by user", "shuffled"])
@pytest.mark.parametrize("repeated", [True, False])
def test_items_are_counted_before_and_after_they_are_sorted(order, repeated):
    """Rows that name an item twice for a user count once; users and items that do not occur are counted, too."""
    rng = np.random.default_rng(3)
    pairs = [(user, item) for user in (0, 2, 3, 7) for item in rng.permutation(20)[: 3 * user + 1].tolist()]
    pairs = sorted(pairs * 2, key=lambda pair: pair[0]) if repeated else pairs
    if order == "shuffled":
        pairs = [pairs[place] for place in rng.permutation(len(pairs))]
    users, items = (np.array(column) for column in zip(*pairs, strict=True))
    expected = [len({user for user, other in pairs if other == item}) for item in range(23)]
    made = [build(users, items, np.arange(2.0, len(users) + 2), n_rows=9, n_items=23) for _ in range(2)]
    assert made[0].item_counts(23).tolist() == expected
    assert made[0].occupied.tolist() == [user in {0, 2, 3, 7} for user in range(9)]
    assert rows_of(made[1]) == rows_of(made[0])
    assert made[1].item_counts(23).tolist() == expected
    assert Profiles(made[0].starts, made[0].items, made[0].values).occupied.tolist() == made[0].occupied.tolist()


def test_values_of_one():
    rated = build([0, 0, 1], [2, 1, 0], np.array([1.0, 3.0, 2.0]), n_rows=2, n_items=3)
    plain = rated.unvalued()  # before and after its rows were made
    assert rows_of(rated) == [{1: 3.0, 2: 1.0}, {0: 2.0}]
    for found in (plain, rated.unvalued(), Profiles(rated.starts, rated.items, rated.values).unvalued()):
        assert rows_of(found) == [{1: 1.0, 2: 1.0}, {0: 1.0}]
        assert found.unvalued() is found
    ones = build([0, 1], [1, 0], np.ones(2), n_rows=2, n_items=2)
    assert ones.unvalued() is ones
    assert rows_of(ones) == [{1: 1.0}, {0: 1.0}]


def _changes():
    columns = {"user_id": [1, 1, 2], "item_id": [5, 6, 5], "rating": [3.0, 4.0, 5.0]}
    frame = pd.DataFrame(columns)
    yield frame, lambda: frame.__setitem__("rating", 0.0)
    in_place = pd.DataFrame(columns)
    yield in_place, lambda: in_place.loc.__setitem__((0, "rating"), 0.0)
    by_position = pd.DataFrame(columns)
    yield by_position, lambda: by_position.iloc.__setitem__((slice(None), 2), 0.0)
    shared = np.array(columns["rating"])
    yield pa.table(columns | {"rating": shared}), lambda: shared.fill(0.0)
    polars = pl.DataFrame(columns)
    yield polars, lambda: polars.__setitem__((0, "rating"), 0.0)
    matrix = sparse.coo_array((columns["rating"], ([0, 0, 1], [0, 1, 0])))

    def change():
        matrix.data[:], matrix.row[:], matrix.col[:] = 0.0, 1, 1

    yield matrix, change


@pytest.mark.parametrize("place", range(6))
def test_later_changes_of_a_frame_do_not_reach_the_dataset(place):
    frame, change = list(_changes())[place]
    data = Dataset(frame)
    change()
    assert rows_of(data.train) == [{0: 3.0, 1: 4.0}, {0: 5.0}]


def test_profiles_of_rows_that_are_no_vectors():
    table = np.array([[3.0, 1.0], [1.0, 2.0], [2.0, 3.0]])
    found = build([1, 0, 1], [2, 1, 0], table[:, 1], n_rows=3, n_items=3)  # every other number in memory
    assert rows_of(found) == [{1: 2.0}, {0: 3.0, 2: 1.0}, {}]
    nobody = Profiles.build(
        *(Ids.none(),) * 2, None, rows=np.empty(0, np.int32), places=np.empty(0, np.int32), n_rows=2, n_items=0
    )
    assert rows_of(nobody) == [{}, {}]


TRIPLES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 9), st.sampled_from([0.0, 1.0, 2.5])), min_size=1, max_size=40
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", SOURCES)
@given(train=TRIPLES, test=TRIPLES, table=st.sets(st.integers(0, 11), min_size=1) | st.none(), unrated=st.booleans())
@settings(deadline=None, max_examples=draws(15))
def test_a_dataset_is_what_its_dicts_say(source, kind, train, test, table, unrated):
    name = KINDS[kind]
    make = SOURCES[source]

    def frame(triples):
        users, items, values = map(list, zip(*triples, strict=True))
        columns = {"user_id": name(users), "item_id": name(items), "rating": values}
        return make({column: columns[column] for column in list(columns)[: 2 if unrated else 3]})

    first = None if table is None else name(sorted(table, key=lambda item: item * 7 % 12))
    last = {(user, item): value for user, item, value in test}
    if not unrated and not any(last.values()):
        with pytest.raises(DataError, match="no test row has a value above 0"):
            Dataset(test=frame(test))
        return
    data = Dataset(frame(train), frame(test), None if first is None else {item: [] for item in first})
    triples = train + test
    users = sorted({user for each in triples for user in name([each[0]])})
    trained, tested = ({item for each in rows for item in name([each[1]])} - set(first or []) for rows in (train, test))
    items = [*sorted(trained), *sorted(tested - trained)]  # what test alone has is not known to the world
    assert data.users.ids.tolist() == users
    assert data.items.ids.tolist() == [*(first or []), *items]
    for given_rows, profiles in ((train, data.train), (test, data.test)):
        expected = [{} for _ in users]
        for user, item, value in given_rows:
            place = data.items.ids.tolist().index(name([item])[0])
            expected[users.index(name([user])[0])][place] = 1.0 if unrated else value
        if profiles is data.test and not unrated:  # rows of value 0 are judged not relevant
            judged = [{place: value for place, value in row.items() if not value} for row in expected]
            expected = [{place: value for place, value in row.items() if value} for row in expected]
            assert (rows_of(data.judged) if data.judged else [{}] * len(users)) == judged
        assert rows_of(profiles) == expected
        assert all(list(row) == sorted(row) for row in rows_of(profiles))
    known = data.items.ids.tolist() if first is None else first
    in_train = {name([item])[0] for _, item, _ in train}
    assert data.catalogue.tolist() == [
        item in (in_train if first is None else known) for item in data.items.ids.tolist()
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", SOURCES)
@given(
    st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 12), max_size=5, unique=True), min_size=1),
    st.randoms(use_true_random=False),
    st.booleans(),
)
@settings(deadline=None, max_examples=draws(15))
def test_lists_are_what_their_dict_says(source, kind, lists, random, within):
    name = KINDS[kind]
    rows = [(user, item, -rank) for user, items in lists.items() for rank, item in enumerate(items)]
    random.shuffle(rows)
    if not rows:
        return
    users, items, scores = map(list, zip(*rows, strict=True))
    frame = SOURCES[source]({"user_id": name(users), "item_id": name(items), "score": scores})
    data = Dataset(train=pd.DataFrame({"user": name([0, 3]), "item": name([5, 40])})) if within else None
    found = Recommendations.read(frame, data, order="score")
    expected = {name([user])[0]: name(items) for user, items in lists.items() if items}
    assert found.to_dict() == dict(sorted(expected.items()))
    listed = {item for items in expected.values() for item in items}
    first = name([5, 40]) if within else []
    assert found.items.ids.tolist() == sorted(first) + sorted(listed - set(first))


def test_a_dict_of_lists_keeps_users_without_any():
    found = Recommendations.read({"b": ["x"], "a": [], "c": ["x", "y"]})
    assert found.to_dict() == {"a": [], "b": ["x"], "c": ["x", "y"]}
    assert Dataset(train={1: [5], 3: [], 2: [4]}).users.ids.tolist() == [1, 2]


def test_an_array_keeps_the_users_it_is_given_for():
    data = Dataset(train={3: [7], 1: [8]})
    array = np.array([[8, -1], [9, 7]])
    assert Recommendations.read(array, data).to_dict() == {1: [8], 3: [9, 7]}
    assert Recommendations.from_array(array, users=["z", "a"]).to_dict() == {"z": [8], "a": [9, 7]}
    with pytest.raises(DataError, match=r"^the id 'z' comes twice; ids of a vocabulary must be unique$"):
        Recommendations.from_array(array, users=["z", "z"])


@pytest.mark.parametrize("kind", ["dense", "spread", "strings"])
def test_examples_in_messages_are_those_of_the_first_row(kind):
    rows = pd.DataFrame({"user": KINDS[kind]([4, 2]), "item": KINDS[kind]([4, 2])})
    other = pd.DataFrame({"user": [9, 8], "item": [9, 8]} if kind == "strings" else {"user": ["q"], "item": ["q"]})
    example = KINDS[kind]([4])[0]
    with pytest.raises(DataError, match=rf"user ids of test are \w+s \(such as .*\) but .*\(such as {example!r}\)"):
        Dataset(rows, other)
    with pytest.raises(DataError, match=rf"user ids of recs are \w+s \(such as {example!r}\) but those of the dataset"):
        Recommendations.read(rows, Dataset(other))


@given(
    st.lists(st.sampled_from([-(2**63), -5, -4, 0, 1, 2, 3, 7, 2**40, 2**63 - 1]), min_size=1, unique=True),
    st.lists(st.sampled_from([-(2**63), -5, -3, 0, 2, 5, 9, 2**41, 2**63 - 1]), min_size=1),
    st.lists(st.booleans(), min_size=1),
)
@settings(deadline=None)
def test_a_vocabulary_takes_in_what_occurs_only(known, rows, kept):
    ids = Ids.of(pd.Index(rows, dtype=np.int64))[np.resize(kept, len(rows))]
    before = Vocabulary(pd.Index(known, dtype=np.int64))
    after, (table,) = before.join([ids])
    assert after.ids.tolist() == known + sorted(set(ids.tolist()) - set(known))
    assert after.ids.take(ids.translate(table)).tolist() == ids.tolist()
    assert (after is before) == (set(ids.tolist()) <= set(known))


def test_large_sums_are_no_infinite_ratings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = Dataset(train=pd.DataFrame({"user": [1, 2], "item": [1, 2], "rating": [1.7e308, 1.7e308]}))
        assert data.train.values.tolist() == [1.7e308, 1.7e308]
        data = Dataset(train=pd.DataFrame({"user": [1, 2, 3], "item": [1, 2, 3], "rating": [0, np.inf, -np.inf]}))
        with pytest.raises(DataError, match=r"column 'rating' of train is inf in row 1"):
            _ = data.train.values


@pytest.mark.kernel
@pytest.mark.parametrize("key", ["rank", "score", "rank and score", "nothing"])
@pytest.mark.parametrize("order", ["by user", "shuffled"])
@pytest.mark.parametrize("threads", [1, 3])
@given(
    lists=st.dictionaries(
        st.integers(0, 5),
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12),
        min_size=1,
    ),
    random=st.randoms(use_true_random=False),
    k=st.integers(1, 8) | st.none(),
    sort=st.booleans(),
)
@settings(deadline=None, max_examples=draws(20))
def test_lists_of_rows_in_any_order(key, order, threads, lists, random, k, sort):
    """Ties keep the order of the rows, the better of two places counts, and the first row that repeats is named."""
    rows = [(user, *row) for user, rows in lists.items() for row in rows]
    if order == "shuffled":
        random.shuffle(rows)
    column = {"rank": 2, "score": 3, "rank and score": 2, "nothing": 0}[key]
    sign = -1 if key == "score" else 1
    if sort:
        rows.sort(key=lambda row: sign * row[column])
        rows.sort(key=lambda row: row[0])
    expected, scores, repeated = {}, {}, []
    for user in sorted(lists):
        mine = [(place, row) for place, row in enumerate(rows) if row[0] == user]
        mine.sort(key=lambda each: sign * each[1][column])
        expected[user], scores[user] = [], []
        for place, row in mine:
            if row[1] in expected[user]:
                repeated.append(place)
            else:
                expected[user].append(row[1])
                scores[user].append(row[3])
    names = ["user_id", "item_id", *(["rank"] if "rank" in key else []), *(["score"] if "score" in key else [])]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "rank", "score"])[names]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recommendations_module, "_WORTH_A_THREAD", 1)
        patch.setattr(recommendations_module, "n_threads", lambda: threads)
        named = {"order": {"rank and score": "rank", "nothing": "rows"}.get(key, key)}
        found = Recommendations.read(frame, duplicates="first", k=k, **named)
        if repeated:
            with pytest.raises(DataError, match=rf"more than once .*\(row {min(repeated)}\)"):
                Recommendations.read(frame, **named)
    assert found.to_dict() == {user: items[:k] for user, items in expected.items()}
    assert found.lists[found.lists < 0].tolist() == [-1] * int((found.lists < 0).sum())
    if "score" in key:
        padded = [scores[user][:k] + [None] * (found.lists.shape[1] - len(scores[user][:k])) for user in sorted(lists)]
        assert np.array_equal(found.scores, np.array(padded, float), equal_nan=True)
