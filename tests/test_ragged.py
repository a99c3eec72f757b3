"""Lists of any lengths: what holds for padded matrices holds for them, in memory that follows the rows."""

from __future__ import annotations

import itertools
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from memory import PEAK

import beyondacc as ba
from beyondacc.data import ragged
from beyondacc.data.ragged import FILLS, Lists, is_even, room
from beyondacc.data.vocabulary import Vocabulary
from beyondacc.distances import declared
from beyondacc.errors import DataError
from beyondacc.kernels import align
from beyondacc.kernels.overlap import rank_rows
from beyondacc.rerank import RERANKERS, base, greedy

ROOT = Path(__file__).resolve().parents[1]
SLOW = numba.config.DISABLE_JIT


@pytest.fixture
def tight(monkeypatch):
    """No list gets more room than it needs, however few there are."""
    monkeypatch.setattr(ragged, "_FEW", 0)


@st.composite
def rows(draw):
    """Lists of items with a score and a rank each, as plain Python."""
    lengths = draw(st.lists(st.one_of(st.integers(0, 4), st.just(30)), min_size=1, max_size=9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return [
        [(int(item), float(rng.integers(0, 5)), int(rank)) for rank, item in enumerate(rng.permutation(40)[:n])]
        for n in lengths
    ]


def lists_of(given):
    """The same as `Lists`, without gaps."""
    lengths = np.array([len(row) for row in given], np.int32)
    ends = np.cumsum(lengths, dtype=np.int64)
    items, scores, ranks = (np.array([entry[at] for row in given for entry in row]) for at in range(3))
    columns = (items.astype(np.int32), scores.astype(np.float64), ranks.astype(np.int32))
    return Lists(ends - lengths, lengths, *columns)


def padded_of(given):
    """The same from padded matrices."""
    width = max(1, *map(len, given))
    matrices = []
    for at, name in enumerate(list(FILLS)[:3]):
        matrix = np.full((len(given), width), FILLS[name], np.float64 if name == "scores" else np.int32)
        for row, entries in enumerate(given):
            matrix[row, : len(entries)] = [entry[at] for entry in entries]
        matrices.append(matrix)
    return Lists.of_padded(*matrices)


def plain(lists):
    """What `Lists` hold as plain Python."""
    parts = [column.tolist() for column in lists.columns.values()]
    return [
        [tuple(column[place] for column in parts) for place in range(start, start + n)]
        for start, n in zip(lists.starts.tolist(), lists.lengths.tolist(), strict=True)
    ]


MAKERS = (lists_of, padded_of, lambda given: lists_of(given[::-1]).take(np.arange(len(given))[::-1]))


@pytest.mark.kernel
@pytest.mark.parametrize("make", MAKERS)
@settings(deadline=None)
@given(given=rows(), data=st.data())
def test_lists_do_what_plain_ones_do(make, given, data):
    lists = make(given)
    n = len(given)
    k = data.draw(st.integers(1, 35))
    assert plain(lists) == given
    assert lists.lengths.tolist() == [len(row) for row in given]
    assert lists.width == max(1, *map(len, given))
    assert plain(lists.top(k)) == [row[:k] for row in given]
    assert [lists.row(at).tolist() for at in range(n)] == [[entry[0] for entry in row] for row in given]
    some = data.draw(st.lists(st.integers(-1, n - 1), max_size=6))
    taken = [given[at] if at >= 0 else [] for at in some]
    assert plain(lists.take(np.array(some, np.int64))) == taken
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    assert plain(lists.take(mask)) == [row for row, kept in zip(given, mask, strict=True) if kept]
    table = np.random.default_rng(k).permutation(50).astype(np.int32)[:40]
    assert plain(lists.recode(table)) == [[(int(table[entry[0]]), *entry[1:]) for entry in row] for row in given]
    assert plain(Lists.join([lists, lists.take(mask), lists])) == given + plain(lists.take(mask)) + given
    assert plain(lists.compact()) == plain(pickle.loads(pickle.dumps(lists))) == given  # noqa: S301 - our own bytes
    assert plain(Lists.of_arrays(lists.arrays())) == given
    found = lists.flat(k)
    expected = [(row, rank, *entry) for row, entries in enumerate(given) for rank, entry in enumerate(entries[:k])]
    columns = [column[found.places] for column in lists.columns.values()]
    assert list(zip(*(each.tolist() for each in (found.rows, found.ranks, *columns)), strict=True)) == expected


@pytest.mark.kernel
@pytest.mark.parametrize("make", MAKERS)
@settings(deadline=None)
@given(given=rows(), data=st.data())
def test_padded_parts(make, given, data):
    lists = make(given)
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(given))] * 2)))
    k = data.draw(st.none() | st.integers(1, 35))
    width = lists.width if k is None else min(k, lists.width)
    for at, (name, fill) in enumerate(list(FILLS.items())[:3]):
        found = lists.pad(slice(start, stop), k, name)
        expected = [[entry[at] for entry in row[:width]] for row in given[start:stop]]
        assert found.shape == (stop - start, width)
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(
            found, np.array([row + [fill] * (width - len(row)) for row in expected]).reshape(-1, width)
        )
        np.testing.assert_array_equal(lists.padded[name][start:stop, :width], found)


def test_matrices_are_not_copied():
    items, scores = np.arange(12, dtype=np.int32).reshape(3, 4), np.zeros((3, 4))
    lists = Lists.of_padded(items, scores)
    made = ba.Recommendations(pd.Index([1, 2, 3]), Vocabulary(pd.Index(np.arange(12))), items, scores)
    for found in (lists.items, lists.pad(), lists.pad(slice(1, 3)), lists.padded["items"], made.lists):
        assert np.shares_memory(found, items)
    assert np.shares_memory(lists.take(np.array([2, 0])).items, items)
    assert lists.take(np.arange(3)) is lists is lists.top(4)
    assert np.shares_memory(lists.pad(name="scores"), scores)
    assert not np.shares_memory(lists.top(2).items, items)  # which would keep what was cut off


@pytest.mark.parametrize(
    ("lists", "scores", "words"),
    [
        ([[0, 5]], None, "hold 5 in row 0, rank 2; they hold positions in items, from 0 to 4"),
        ([[-2, 1]], None, "hold -2 in row 0, rank 1; they hold positions in items"),
        ([[-1, 1]], None, "have an item after -1 in row 0, rank 2"),
        ([[0], [1]], None, "have 1 users and 2 lists; give a row for each user"),
        ([0], None, "give an array of 2 dimensions of int32"),
        ([[0, 1]], np.array([[1.0]]), r"scores of Recommendations have shape \(1, 1\)"),
    ],
)
def test_matrices_that_are_no_lists(lists, scores, words):
    with pytest.raises(DataError, match=words):
        ba.Recommendations(pd.Index(["u"]), Vocabulary(pd.Index(np.arange(5))), np.array(lists, np.int32), scores)


def test_room():
    assert room(np.array([2, 3, 1])) == (pytest.approx([0, 3, 6, 9]), 3)
    assert room(np.array([2, 3, 1]), 2) == (pytest.approx([0, 2, 4, 6]), 2)
    bounds, stride = room(np.array([10] * 2000 + [20_000]))
    assert (bounds[-1], stride) == (40_000, 0)
    assert room(np.array([10] * 200_000 + [20_000]), 10)[1] == 10
    assert room(np.zeros(3, np.int32)) == (pytest.approx([0, 1, 2, 3]), 1)
    assert is_even(np.zeros(0, np.int32))


@pytest.mark.kernel
@settings(deadline=None)
@given(given=rows(), data=st.data())
def test_kernels_that_go_through_lists(given, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    lists, n = lists_of(given), len(given)
    users = rng.integers(-1, 5, n).astype(np.int32)
    profiles = [rng.permutation(40)[: rng.integers(0, 20)].astype(np.int32) for _ in range(5)]
    starts = np.cumsum([0, *map(len, profiles)])
    owned = np.concatenate(profiles)
    k = data.draw(st.integers(1, 35))

    def seen(row, item):
        return users[row] >= 0 and item in profiles[users[row]]

    kept = [[entry for entry in entries if not seen(row, entry[0])][:k] for row, entries in enumerate(given)]
    bounds, _ = room(lists.lengths, k)
    items, scores = np.empty(bounds[-1], np.int32), np.empty(bounds[-1])
    lengths = np.empty(n, np.int32)
    whose = users, starts, owned, 40
    align.drop_seen_rows(lists.starts, lists.lengths, lists.items, lists.scores, *whose, bounds, items, scores, lengths)
    assert plain(Lists(bounds[:-1], lengths, items, scores)) == [[entry[:2] for entry in row] for row in kept]
    gaps = np.ones(bounds[-1], np.bool_)
    gaps[Lists(bounds[:-1], lengths, items).flat().places] = False
    assert (items[gaps] == -1).all()
    assert np.isnan(scores[gaps]).all()
    count = align.seen_rows(lists.starts, lists.lengths, lists.items, k, *whose)
    assert count == sum(seen(row, entry[0]) for row, entries in enumerate(given) for entry in entries[:k])
    values = [[entry[1] for entry in row] for row in given]
    pairs = [list(itertools.pairwise(row)) for row in values]
    tied = align.tied_rows(lists.starts, lists.lengths, lists.scores, k)
    assert tied == sum(any(a == b for a, b in row[: k - 1]) for row in pairs)
    unordered = np.empty(n, np.bool_)
    align.unordered_rows(lists.starts, lists.lengths, lists.scores, unordered)
    assert unordered.tolist() == [any(b >= a for a, b in row) for row in pairs]
    shown = np.array([rng.permutation(np.r_[-1, -1, np.arange(40)])[:6] for _ in range(n)], np.int32)
    found = np.empty_like(shown)
    rank_rows(shown, lists.starts, lists.lengths, lists.items, 40, found)
    ranks = [{entry[0]: rank for rank, entry in enumerate(row)} for row in given]
    assert found.tolist() == [[ranks[row].get(item, -1) for item in each] for row, each in enumerate(shown.tolist())]


# the library with lists that lie in matrices, and with lists that do not


def uneven(*, text=False, seed=0):
    """Many short lists and a few long ones, with ties, unknown items and unknown users, and their dataset."""
    rng = np.random.default_rng(seed)
    n_users, n_items = 40, 90
    name = "i{}".format if text else int
    lists = {}
    for user in range(n_users):
        n = 85 if user % 13 == 5 else rng.integers(0, 5)
        lists[user] = {name(int(item)): float(rng.integers(0, 6)) for item in rng.permutation(n_items + 5)[:n]}
    lists |= {999: {name(3): 1.0, name(1000): 1.0}}
    recs = pd.DataFrame(
        [(user, item, score) for user, items in lists.items() for item, score in items.items()],
        columns=["user_id", "item_id", "score"],
    )
    recs = recs.sample(frac=1.0, random_state=seed)
    seen = [(user, name(int(item))) for user in range(n_users) for item in rng.permutation(n_items)[: user % 30]]
    test = [(user, name(int(item))) for user in range(0, n_users, 2) for item in rng.permutation(n_items)[:8]]
    genres = ["|".join(rng.choice(list("abcdef"), rng.integers(0, 4), replace=False)) for _ in range(n_items)]
    items = pd.DataFrame({"item_id": [name(n) for n in range(n_items)], "genres": genres, "year": 2000})
    train, test = (pd.DataFrame(pairs, columns=["user_id", "item_id"]) for pairs in (seen, test))
    train["rating"] = rng.integers(1, 6, len(train)).astype(float)
    return recs, ba.Dataset(train, test, items, vectors=rng.normal(size=(n_items, 4)))


def outcome(recs, data, **options):
    """All that a report tells, as bytes and tables."""
    report = ba.evaluate(recs, data, "all", earlier=[recs, recs.assign(score=-recs.score)], n_boot=20, **options)
    tables = [report.to_pandas(), report.per_user_frame(), report.by("profile_size", bins=2).to_pandas()]
    tables += [report.by_item(), report.by_item("genres", k=3), pd.DataFrame([report.diagnostics])]
    return [*tables, pd.DataFrame({"shown": report.exposure(7)})]


def check(ones, others):
    for one, other in zip(ones, others, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.skipif(SLOW, reason="without the JIT it takes minutes")
@pytest.mark.parametrize("users", ["all", "recommended", "tested"])
@pytest.mark.parametrize("seen", ["keep", "drop"])
@pytest.mark.parametrize("ties", ["input", "item", "reversed"])
def test_evaluate_gives_the_same_bits(monkeypatch, users, seen, ties):
    recs, data = uneven(text=ties == "item")
    options = {"users": users, "seen": seen, "ties": ties, "primitive": recs.assign(score=recs.score % 3)}
    even = outcome(recs, data, **options)
    monkeypatch.setattr(ragged, "_FEW", 0)
    lists = ba.Recommendations.read(recs, data)
    assert not lists.ragged.stride
    check(outcome(recs, data, **options), even)


@pytest.mark.usefixtures("tight")
@pytest.mark.parametrize("k", [1, 3, 50])
def test_seen_items_are_dropped_before_the_cut(k):
    recs, data = uneven()
    recs = recs[recs.user_id != 999].sort_values(["user_id", "score"], ascending=[True, False], kind="stable")
    owners = np.repeat(np.arange(len(data.users)), data.train.sizes)
    known = set(zip(data.users.decode(owners).tolist(), data.items.decode(data.train.items).tolist(), strict=True))
    keep = [pair not in known for pair in zip(recs.user_id, recs.item_id, strict=True)]
    assert not all(keep)
    names = [f"ndcg@{k}", f"catalog_coverage@{k}", f"ild@{k}"]
    dropped = ba.evaluate(recs, data, names, seen="drop", users="tested", n_boot=0)
    expected = ba.evaluate(recs[keep], data, names, users="tested", n_boot=0)
    check([dropped.to_pandas(), dropped.per_user_frame()], [expected.to_pandas(), expected.per_user_frame()])
    assert dropped.run.ranked.width <= k
    assert len(dropped.run.ranked.items) <= np.minimum(recs.groupby("user_id").size(), k).sum()


@pytest.mark.usefixtures("tight")
def test_containers_go_there_and_back():
    recs, data = uneven()
    lists = ba.Recommendations.read(recs, data)
    plain_lists = {
        user: rows.sort_values("score", ascending=False, kind="stable")["item_id"].tolist()
        for user, rows in recs.groupby("user_id")
    }
    assert not lists.ragged.stride
    made = (lists, lists.within(data), pickle.loads(pickle.dumps(lists)))  # noqa: S301 - our own bytes
    for each in (*made, ba.Recommendations.read(lists.to_pandas(), data)):
        assert {user: items for user, items in each.to_dict().items() if items} == plain_lists
    assert lists.top(4).to_dict() == {user: items[:4] for user, items in lists.to_dict().items()}
    assert lists.lists.shape == (len(lists), 85)
    assert repr(lists).endswith("up to 85 items)")
    few = lists.take(lists.lengths < 6)
    assert few.to_dict() == {user: items for user, items in lists.to_dict().items() if len(items) < 6}
    assert len(pickle.dumps(few.ragged)) < len(pickle.dumps(lists.ragged)) / 2
    repeated = pd.concat([recs, recs.sample(frac=0.5, random_state=1).assign(score=-1.0)])
    again = ba.Recommendations.read(repeated, data, duplicates="first")
    assert again.to_dict() == lists.to_dict()
    with pytest.raises(DataError, match="more than once for user"):
        ba.Recommendations.read(repeated, data)
    with pytest.raises(DataError, match=r"recs list item 9\d+ for user"):
        ba.evaluate(recs[recs.user_id != 999], data, "ndcg", unknown_items="error", seen="drop", n_boot=0)


@pytest.mark.skipif(SLOW, reason="without the JIT it takes minutes")
def test_compare_and_diagnose_give_the_same_bits(monkeypatch):
    recs, data = uneven()
    others = recs.assign(score=-recs.score)

    def found():
        compared = ba.compare({"one": recs, "other": others}, data, metrics=["ndcg", "catalog_coverage", "gini"], n=50)
        tables = [compared.table]
        for before, after in ((recs, others), (recs, recs.groupby("user_id").head(2)), (others, recs)):
            told = ba.diagnose(before, after, data, ["ndcg", "ild@3"], k=5, n_boot=20)
            tables += [told.per_user, told.summary, told.changes]
        return tables

    even = found()
    monkeypatch.setattr(ragged, "_FEW", 0)
    check(found(), even)


@pytest.mark.filterwarnings("ignore::beyondacc.errors.NoEffectWarning")
@pytest.mark.skipif(SLOW, reason="without the JIT it takes minutes")
@pytest.mark.parametrize("name", sorted(RERANKERS))
def test_re_rankers_pick_the_same(monkeypatch, name):
    recs, data = uneven()
    distances = ["jaccard", "cosine", "npmi", "pearson"] if "distance" in RERANKERS[name].parameters else [None]
    methods = [RERANKERS.create(f"{name}(distance={each})" if each else name) for each in distances]

    def found():
        swept = [method.sweep(recs, data, [0, 0.5, 1], k=k) for method in methods for k in (3, 12, 200)]
        return [each.to_pandas() for made in swept for each in made.values()]

    even = found()
    monkeypatch.setattr(ragged, "_FEW", 0)
    run = ba.Recommendations.read(recs, data)
    parts = base.bind_lists(run, data).parts()
    assert len(parts) > 1
    assert sum(len(rows) * part.ranked.width for rows, part in parts) <= 2 * run.lengths.sum() + 16 * len(run)
    check(found(), even)
    width = 300  # as much of a matrix as is not used must make no difference
    slack = [
        np.pad(each, ((0, 0), (0, width)), constant_values=fill)
        for each, fill in ((run.lists, -1), (run.scores, np.nan))
    ]
    recs = ba.Recommendations(run.users, run.items, *slack)
    check(found(), even)
    picks = methods[0].pick(base.bind_lists(run, data), [0.5], 12)
    swept = methods[0].sweep(recs, data, [0.5], k=12)[0.5]
    np.testing.assert_array_equal(picks.positions[:, 0], swept.input_ranks)
    np.testing.assert_array_equal(picks.selection[:, 0], swept.gain)


def near(one, other):
    """A distance of one's own."""
    return abs(one[0] - other[0]) / (1.0 + abs(one[0] - other[0]))


@pytest.mark.kernel
@pytest.mark.parametrize("gamma", [None, 0.5, 0.3])
@pytest.mark.parametrize("distance", ["jaccard", "cosine", "hamming", "euclidean", "npmi", near])
def test_cover_of_many_candidates_is_that_of_few(monkeypatch, distance, gamma):
    recs, data = uneven()
    recs = recs[recs.user_id.isin([5, 6, 7, 8, 9])]
    method = ba.Cover(distance=distance, gamma=gamma)
    few = method.sweep(recs, data, [0, 0.4, 1], k=6)
    monkeypatch.setattr(greedy, "_MANY", 0)
    for weight, found in method.sweep(recs, data, [0, 0.4, 1], k=6).items():
        np.testing.assert_array_equal(found.input_ranks, few[weight].input_ranks)
        np.testing.assert_allclose(found.gain, few[weight].gain, rtol=1e-12, atol=1e-12)


def test_a_table_of_all_pairs_is_not_too_large(monkeypatch):
    recs, data = uneven()
    monkeypatch.setattr(declared, "_LONGEST_BYTES", 8 * 80**2)
    for method in (ba.MMR(distance="npmi"), ba.Swap(distance="pearson"), ba.Cover(distance="cooccurrence")):
        with pytest.raises(DataError) as caught:
            method.rerank(recs, data)
        assert str(caught.value).startswith("user 5 has 85 candidates, and distance ")
        assert "give at most 80 candidates, such as candidates.top(1000)" in str(caught.value)
    ba.MMR(distance="npmi").rerank(ba.Recommendations.read(recs, data).top(80), data)
    ba.MMR().rerank(recs, data)


# memory

LONG = (
    PEAK
    + """
import warnings
import numpy as np, pandas as pd
import beyondacc as ba
from beyondacc.rerank import RERANKERS

warnings.simplefilter("ignore")

def world(n):
    user = np.concatenate([np.repeat(np.arange(1, n), 10), np.zeros(n, int)])
    item = np.concatenate([np.tile(np.arange(10), n - 1), np.arange(n)])
    recs = pd.DataFrame({"user_id": user, "item_id": item, "score": -(item // 2).astype(float)})
    train = pd.DataFrame({"user_id": np.arange(n), "item_id": np.arange(n), "rating": 1.0 + np.arange(n) % 5})
    test = pd.DataFrame({"user_id": np.arange(n), "item_id": (np.arange(n) + 1) % 10})
    rng = np.random.default_rng(0)
    genres = ["|".join(rng.choice(list("abcdefgh"), rng.integers(1, 4), replace=False)) for _ in range(n)]
    return recs, ba.Dataset(train, test, pd.DataFrame({"item_id": np.arange(n), "genres": genres}))

def everything(recs, data):
    short = recs[recs.item_id < 50]
    for options in ({}, {"seen": "drop"}, {"ties": "item"}, {"ties": "reversed", "seen": "drop"}):
        report = ba.evaluate(recs, data, "all", n_boot=10, primitive=recs, earlier=[recs], **options)
        report.diagnostics, report.by("profile_size").to_pandas(), report.by_item(), report.exposure(10)
        one, other = (ba.evaluate(each, data, "ndcg", n_boot=0, **options)["ndcg"].value for each in (recs, short))
        assert one == other, options
    lists = ba.Recommendations.read(recs, data)
    lists.to_pandas(), lists.to_dict(), lists.top(10), lists.within(data), lists.by_score("item"), repr(lists)
    others = recs.assign(score=-recs.score)
    ba.compare({"one": recs, "other": others}, data, metrics=["ndcg", "catalog_coverage"], n=50)
    ba.diagnose(lists, others, data, "ndcg", n_boot=10)
    for name in RERANKERS:
        picked = RERANKERS.create(name).rerank(recs, data, k=10 if name == "Cover" else 20)
        assert picked.lengths.max() == 10 if name == "Cover" else 20, name

everything(*world(60))
before = peak()
everything(*world(20_000))
print(before / 2**20, peak() / 2**20)
"""
)


@pytest.mark.skipif(SLOW, reason="without the JIT it takes hours")
@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory otherwise")
def test_one_long_list_takes_as_much_memory_as_its_rows():
    """220,000 rows, one list of them of 20,000 items: less than 1 GB, Python and what is compiled included."""
    done = subprocess.run(  # noqa: S603 - our own lines
        [sys.executable, "-c", textwrap.dedent(LONG)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    before, peak = map(float, done.stdout.split())
    assert peak < 1000, (before, peak)
    assert peak - before < 400, (before, peak)
