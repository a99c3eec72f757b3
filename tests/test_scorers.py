"""Every form of a scorer gives the items that sorting all its scores would give."""

from __future__ import annotations

import itertools

import numba
import numpy as np
import pandas as pd
import pytest
from draws import draws
from hypothesis import given, settings, strategies as st
from scipy import sparse

import beyondacc as ba
from beyondacc.errors import DataError, SpecError
from beyondacc.kernels.jit import read_only
from beyondacc.kernels.topk import list_best_rows, make_best, offer_rows, topk_rows
from beyondacc.models import MODELS
from beyondacc.scoring import scorers

pytestmark = pytest.mark.kernel
SLOW = numba.config.DISABLE_JIT  # the kernels run as plain Python
N_ROWS = 200 if SLOW else 6000
N_DRAWN = 20 if SLOW else draws(300)
N_USERS, N_ITEMS = 37, 29  # of the dataset below; the last four items are in the test set only
CATALOGUE = 25


@pytest.fixture(scope="module")
def data():
    """String ids whose order is not the order of the items table; items outside the catalogue; a cold user."""
    rng = np.random.default_rng(1)
    items = [f"i{number:02}" for number in rng.permutation(N_ITEMS)]
    users = [f"u{number:02}" for number in rng.permutation(N_USERS)]
    train = {u: rng.choice(items[:CATALOGUE], rng.integers(1, 12), replace=False).tolist() for u in users[:-1]}
    test = {u: rng.choice(items, 3, replace=False).tolist() for u in users}
    test[users[-1]] = items[CATALOGUE:]
    train[users[0]] = items[:CATALOGUE]  # has everything
    return ba.Dataset(train=train, test=test, items={item: ["g"] for item in items[:CATALOGUE]})


def tied(rng, shape=(N_USERS, N_ITEMS)):
    """Scores with many ties and some -inf."""
    scores = rng.integers(-2, 4, shape).astype(float)
    scores[rng.random(shape) < 0.1] = -np.inf
    return scores


def brute(scores, data, k, *, exclude_seen=True, users=None):
    """``{user: [(item, score)]}`` by sorting, ties to the item that comes first in `data.items`."""
    ids, items = data.users.ids.tolist(), data.items.ids.tolist()
    result = {}
    for user in ids if users is None else users:
        row = np.array(scores[ids.index(user)], float)
        row[~data.catalogue] = -np.inf
        if exclude_seen:
            at = ids.index(user)
            row[data.train.items[data.train.starts[at] : data.train.starts[at + 1]]] = -np.inf
        order = [item for item in np.argsort(-row, kind="stable")[:k] if row[item] > -np.inf]
        result[user] = [(items[item], row[item]) for item in order]
    return result


def lists_of(made):
    """``{user: [(item, score)]}``."""
    return {
        user: list(zip(items, made.scores[row, : len(items)].tolist(), strict=True))
        for row, (user, items) in enumerate(made.to_dict().items())
    }


def agrees(source, scores, data, *, k=6, exclude_seen=True, users=None, threads=None):
    made = ba.recommend(source, data, k=k, exclude_seen=exclude_seen, users=users, threads=threads)
    assert lists_of(made) == brute(scores, data, k, exclude_seen=exclude_seen, users=users)
    assert made.lists.shape == (len(made), min(k, len(data.items)))
    return made


class Scores:
    """An object that scores, and keeps its scores."""

    def __init__(self, scores):
        self.scores = scores
        self.asked = []

    def score(self, users):
        self.asked.append(len(users))
        return self.scores if len(users) == len(self.scores) else self.scores[users]


def forms(scores, data):
    """Every form of the same scores; users and items are positions or external ids."""
    users = {user: at for at, user in enumerate(data.users.ids.tolist())}
    items = {item: at for at, item in enumerate(data.items.ids.tolist())}
    whole = np.where(np.isinf(scores), -9, scores)

    def of_pair(user_id, item_ids):
        assert isinstance(user_id, str)
        return scores[users[user_id], [items[item] for item in item_ids]]

    class Callable:
        def __call__(self, user_id, item_ids, temperature=1.0):
            return of_pair(user_id, item_ids) * temperature

    def only_required_arguments_count(chosen, k=3, *, flag=False):  # noqa: ARG001 - options of its own
        return scores[chosen]

    yield "float64", scores, scores
    yield "float32", scores.astype(np.float32), scores
    yield "fortran", np.asfortranarray(scores), scores
    yield "strided", np.repeat(scores, 2, axis=1)[:, ::2], scores
    yield "read-only", _frozen(scores), scores
    yield "int64", whole.astype(np.int64), whole
    yield "int8", whole.astype(np.int8), whole
    yield "bool", whole > 0, whole > 0
    yield "float16", whole.astype(np.float16), whole
    for kind in ("csr", "csc", "coo", "lil"):
        for family in ("matrix", "array"):
            yield f"{kind}_{family}", getattr(sparse, f"{kind}_{family}")(whole), whole
    yield "sparse with infinities", sparse.csr_array(scores), scores
    yield "sparse int", sparse.csr_array(whole.astype(int)), whole
    yield "factors", (whole, np.eye(N_ITEMS)), whole
    yield "float32 factors", (np.eye(N_USERS, dtype=np.float32), whole.T.astype(np.float32)), whole
    yield "float16 factors", (np.eye(N_USERS, dtype=np.float16), whole.T.astype(np.float32)), whole
    yield "int8 factors", (np.eye(N_USERS, dtype=np.int8), whole.T.astype(np.int8)), whole
    yield "f(users)", lambda chosen: scores[chosen], scores
    yield "f(users) -> lists", lambda chosen: scores[chosen].tolist(), scores
    yield "f(users, options)", only_required_arguments_count, scores
    yield "f(user_id, item_ids)", of_pair, scores
    yield "f(user_id, item_ids) -> list", lambda user, chosen: of_pair(user, chosen).tolist(), scores
    yield "callable object", Callable(), scores
    yield "object with score", Scores(scores), scores


def _frozen(array):
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_every_form_is_sorted(data, exclude_seen):
    rng = np.random.default_rng(2)
    for _ in range(2):
        for name, source, scores in forms(tied(rng), data):
            for k in (1, 6, 24, 25, N_ITEMS, 1000):
                made = agrees(source, scores, data, k=k, exclude_seen=exclude_seen)
                assert made.items is data.items, name


def test_a_model_of_ours_is_sorted(data):
    for name, info in MODELS.items():
        if info.factory.needs:
            continue
        model = MODELS.create(name, **({"factors": 5} if "factors" in info.parameters else {})).fit(data.matrix)
        scores = model.score(np.arange(N_USERS, dtype=np.int32))
        agrees(model, scores, data, k=9)


def test_users(data):
    scores = np.random.default_rng(0).normal(size=(N_USERS, N_ITEMS))
    ids = data.users.ids.tolist()
    for users in (ids[5:2:-1], tuple(ids[3:5]), np.array(ids[1:4], object), pd.Series(ids[:3]), pd.Index(ids[7:9])):
        made = agrees(scores, scores, data, users=list(users))
        assert made.users.tolist() == list(users)  # in the order given
        assert lists_of(ba.recommend(scores, data, users=users, k=6)) == lists_of(made)
    assert ba.recommend(scores, data, users=ids[4]).users.tolist() == [ids[4]]
    twice = pd.DataFrame({"user_id": [ids[3], ids[1], ids[3]]})["user_id"]  # the column of a table
    assert ba.recommend(scores, data, users=twice).users.tolist() == [ids[3], ids[1]]
    assert len(ba.recommend(scores, data, users=[])) == 0
    with pytest.raises(DataError, match=r"user 'nobody' is not in the Dataset; recommend to users it knows"):
        ba.recommend(scores, data, users=[ids[0], "nobody"])
    with pytest.raises(DataError, match="user ids of users are integers"):
        ba.recommend(scores, data, users=[3])
    numbers = ba.Dataset(train={5: [1, 2], 6: [2]})
    with pytest.raises(DataError, match=r"user 7 is not in the Dataset"):
        ba.recommend(np.ones((2, 2)), numbers, users=[7])


def test_who_gets_a_list():
    scores = np.arange(12.0).reshape(3, 4)
    both = ba.Dataset(train={1: [1], 2: [2, 3, 4]}, test={2: [1], 3: [1]})
    assert ba.recommend(scores, both, k=2).to_dict() == {2: [1], 3: [4, 3]}
    only_train = ba.Dataset(train={1: [1], 2: [2, 3, 4]})
    assert ba.recommend(scores[:2], only_train, k=2).to_dict() == {1: [4, 3], 2: [1]}
    only_test = ba.Dataset(test={2: [1], 3: [1]}, items={item: ["g"] for item in (4, 3, 2, 1)})
    assert ba.recommend(scores[:2], only_test, k=2).to_dict() == {2: [1, 2], 3: [1, 2]}
    with pytest.raises(DataError, match="the Dataset has no users; pass train= or test= to it"):
        ba.recommend(scores, ba.Dataset(items={1: ["g"]}))


def test_a_list_ends_where_nothing_is_left(data):
    everything, cold = data.users.ids[data.train.sizes == CATALOGUE][0], data.users.ids[data.train.sizes == 0][0]
    made = ba.recommend(np.ones((N_USERS, N_ITEMS)), data, k=100, users=[everything, cold])
    assert made.lengths.tolist() == [0, CATALOGUE]
    assert made.lists.shape == (2, N_ITEMS)
    assert (made.lists[1, :CATALOGUE] == np.arange(CATALOGUE)).all()
    assert np.isnan(made.scores[0]).all()
    nothing = ba.recommend(np.full((N_USERS, N_ITEMS), -np.inf), data)
    assert nothing.lengths.max() == 0


def test_blocks_and_threads_change_nothing(data, monkeypatch):
    scores = tied(np.random.default_rng(4))
    whole = ba.recommend(scores, data, k=7)
    monkeypatch.setattr(scorers, "_ROWS_A_THREAD", 3)
    for rows in (1, 2, 5, N_USERS - 1, N_USERS, N_USERS + 1):
        monkeypatch.setattr(scorers, "_BLOCK_BYTES", 8 * N_ITEMS * rows)
        for threads in (1, 2, 7):
            asks = Scores(scores)
            made = agrees(asks, scores, data, k=7, threads=threads)
            np.testing.assert_array_equal(made.lists, whole.lists)
            np.testing.assert_array_equal(made.scores, whole.scores)
            assert max(asks.asked) == min(rows, N_USERS)  # never more users at once than fit
            assert sum(asks.asked) == N_USERS
    monkeypatch.setattr(scorers, "_BLOCK_BYTES", 1)
    agrees(scores, scores, data)


def test_nothing_of_the_scorer_is_changed(data):
    """Training items become -inf on the way: in a copy, also where a scorer returns an array it keeps."""
    scores = tied(np.random.default_rng(5))
    whole = np.where(np.isinf(scores), 0, scores)
    kept = {
        "matrix": scores.copy(),
        "float32": scores.astype(np.float32),
        "sparse": sparse.csr_array(whole),
        "factors": (whole.copy(), np.eye(N_ITEMS)),
        "object": Scores(scores.copy()),
        "rows": {user: row.copy() for user, row in zip(data.users.ids.tolist(), scores, strict=True)},
    }
    mine = scores.copy()
    for _ in range(2):  # the second time would show what the first one did
        agrees(kept["matrix"], scores, data)
        agrees(kept["float32"], scores, data)
        agrees(kept["sparse"], whole, data)
        agrees(kept["factors"], whole, data)
        agrees(kept["object"], scores, data)
        agrees(lambda _users: mine, scores, data)
        agrees(lambda user, _items: kept["rows"][user], scores, data)
    np.testing.assert_array_equal(kept["matrix"], scores)
    np.testing.assert_array_equal(kept["object"].scores, scores)
    np.testing.assert_array_equal(mine, scores)
    np.testing.assert_array_equal(kept["sparse"].toarray(), whole)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_of_factors_some_users_and_items_at_a_time(data, dtype, monkeypatch):
    """However they are cut, the items are those of the whole product, and what is no number is found."""
    rng = np.random.default_rng(7)
    for rows, columns, threads in ((1, 1, 1), (5, 4, 3), (36, 28, 2), (37, 29, 1), (10, 100, 2)):
        monkeypatch.setattr(scorers, "_ROWS", rows)
        monkeypatch.setattr(scorers, "_COLUMNS", columns)
        for _ in range(5):
            users, items = (rng.integers(-2, 3, (n, 3)).astype(dtype) for n in (N_USERS, N_ITEMS))
            some = data.users.ids[rng.permutation(N_USERS)[:20]].tolist()
            agrees((users, items), users @ items.T, data, k=int(rng.integers(1, 40)), users=some, threads=threads)
            agrees((users, items), users @ items.T, data, k=3, exclude_seen=False, threads=threads)
            item = rng.integers(N_ITEMS)
            users[:, 0], items[item, 0] = 1.0, np.inf
            with pytest.raises(DataError, match=f"returned inf for user 'u.*' and item '{data.items.ids[item]}'"):
                ba.recommend((users, items), data, k=3, threads=threads)
            items[item, 0] = np.nan
            with pytest.raises(DataError, match=f"returned nan for user 'u.*' and item '{data.items.ids[item]}'"):
                ba.recommend((users, items), data, k=3, threads=threads)
    with pytest.raises(DataError, match=r"the factors are of complex\d+; they must be numbers"):
        ba.recommend((users * 1j, items), data)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_that_are_no_numbers_are_refused(data, wrong, dtype, monkeypatch):
    monkeypatch.setattr(scorers, "_ROWS_A_THREAD", 3)
    rng = np.random.default_rng(6)
    for rows in (4, 4096):
        monkeypatch.setattr(scorers, "_BLOCK_BYTES", 8 * N_ITEMS * rows)
        for _ in range(10):
            scores = tied(rng).astype(dtype)
            user, item = rng.integers(N_USERS), rng.integers(N_ITEMS)
            scores[user, item] = wrong
            expected = (
                rf"returned {wrong} for user '{data.users.ids[user]}' and item '{data.items.ids[item]}'; scores must"
            )
            with pytest.raises(DataError, match=expected):
                ba.recommend(scores, data, k=3)
    numbers = ba.Dataset(train={5: [10, 20], 6: [20]})
    with pytest.raises(
        DataError, match=rf"returned {wrong} for user 6 and item 10; scores must be numbers \(-inf keeps"
    ):
        ba.recommend(np.array([[1, 1], [wrong, 1]]), numbers)


def test_messages(data):
    ones = np.ones((N_USERS, N_ITEMS))
    for wrong in (ones.T, ones[:, :-1], ones[0], sparse.csr_array(ones[:-1])):
        with pytest.raises(DataError, match=rf"the score matrix has shape .* it must be \({N_USERS}, {N_ITEMS}\)"):
            ba.recommend(wrong, data)
    for users, items in ((ones[:, :3], ones[:, :3]), (ones[:, :3], ones.T[:, :4]), (ones[:, 0], ones[0])):
        with pytest.raises(DataError, match=r"the factors have shapes .* they must be \(37, f\) and \(29, f\)"):
            ba.recommend((users, items), data)
    for function in (
        lambda users: ones[users][:, 1:],
        lambda users: ones[users].T,
        lambda users: ones[users].astype(str),
        lambda users: ones[users] * 1j,
        lambda users: ones[users].astype(object),
        lambda _users: None,
    ):
        with pytest.raises(
            DataError, match=r"the scorer returned shape .* for 37 users; it must return numbers of shape"
        ):
            ba.recommend(function, data)
    with pytest.raises(
        DataError, match=r"the scorer returned shape \(2,\) for user 'u.*' and 29 items; it must return one"
    ):
        ba.recommend(lambda _user, _items: [1, 2], data)
    for odd in ("popular", 3, None, [ones, ones], (ones, ones, ones), (ones, "b"), pd.Series(ones[0]), {"u": 1}):
        with pytest.raises(SpecError, match=r"is not a scorer; give a user x item matrix"):
            ba.as_scorer(odd, data)
    for k in (0, -1):
        with pytest.raises(SpecError, match=f"k={k} is not allowed; k must be a whole number >= 1"):
            ba.recommend(ones, data, k=k)
    with pytest.raises(ZeroDivisionError):  # what goes wrong inside a scorer is its own
        ba.recommend(lambda users: 1 / (len(users) - N_USERS), data)


def test_as_scorer_scores(data):
    chosen = np.array([3, 0, 3], np.int32)
    for name, source, wanted in forms(tied(np.random.default_rng(9)), data):
        found = np.asarray(ba.as_scorer(source, data).score(chosen))
        np.testing.assert_array_equal(found, np.asarray(wanted)[chosen], err_msg=name)


class Implicit:
    """The signature of implicit.recommender_base.RecommenderBase, on dense scores."""

    def __init__(self, scores):
        self.scores = scores.astype(np.float32)
        self.asked = []

    def recommend(
        self,
        userid,
        user_items,
        N=10,  # noqa: N803 - implicit's name
        filter_already_liked_items=True,
        filter_items=None,
        recalculate_user=False,
        items=None,
    ):
        assert isinstance(user_items, sparse.csr_matrix)
        assert user_items.shape == (len(userid), N_ITEMS)
        assert not recalculate_user
        assert items is None
        self.asked.append(len(userid))
        rows = self.scores[userid]
        least = -np.finfo(np.float32).max
        if filter_already_liked_items:
            rows[user_items.nonzero()] = least
        if filter_items is not None:
            rows[:, filter_items] = least
        order = np.argsort(-rows, axis=1, kind="stable")[:, :N]
        return order.astype(np.int32), np.take_along_axis(rows, order, axis=1)


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_an_object_of_implicit(data, exclude_seen, monkeypatch):
    scores = np.random.default_rng(7).integers(-3, 9, (N_USERS, N_ITEMS)).astype(float)
    for rows in (5, 4096):
        monkeypatch.setattr(scorers, "_BLOCK_BYTES", 8 * N_ITEMS * rows)
        for k in (1, 6, 1000):
            model = Implicit(scores)
            agrees(model, scores, data, k=k, exclude_seen=exclude_seen)
            assert max(model.asked) <= rows
    users = data.users.ids[[4, 2]].tolist()
    agrees(Implicit(scores), scores, data, users=users, exclude_seen=exclude_seen)
    all_known = ba.Dataset(train={1: [1], 2: [2]})
    model = Implicit(scores)
    model.recommend = lambda userid, user_items, N, filter_already_liked_items, filter_items: (  # noqa: ARG005, N803
        np.array([[int(filter_items is None)] * N] * len(userid)),
        np.ones((len(userid), N)),
    )
    assert ba.recommend(model, all_known, k=1).lists.tolist() == [[1], [1]]  # nothing to filter


def test_a_wrapped_recommender_is_no_scorer(data):
    with pytest.raises(ba.SpecError, match="Wrapped is not a scorer; give"):
        ba.recommend(ba.Random().wrap(np.zeros((N_USERS, N_ITEMS))), data)


@pytest.mark.parametrize("k", [0, 2.5, "many"])
def test_k_is_a_whole_number(data, k):
    with pytest.raises(ba.SpecError, match=f"k={k!r} is not allowed; k must be a whole number >= 1"):
        ba.recommend(np.zeros((N_USERS, N_ITEMS)), data, k=k)


# the kernel


def sorted_rows(scores, seen, banned, k):
    """``(lists, scores)`` by a stable sort."""
    masked = np.array(scores, float)
    for row, items in enumerate(seen):
        masked[row, items] = -np.inf
    masked[:, banned] = -np.inf
    order = np.argsort(-masked, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(masked, order, axis=1)
    return np.where(best > -np.inf, order, -1), np.where(best > -np.inf, best, np.nan)


def in_parts(scores, seen, banned, k, cuts):
    """The same by columns: of each part its own banned items, and of seen ones those from a cursor on."""
    starts = np.concatenate([[0], np.cumsum([len(items) for items in seen])]).astype(np.int64)
    items = np.concatenate([np.empty(0, np.int32), *seen]).astype(np.int32)
    users, forbidden = np.arange(len(scores), dtype=np.int32), np.isin(np.arange(scores.shape[1]), banned)
    found, cursors = make_best(len(scores), k, scores.dtype), starts[users]
    for first, stop in itertools.pairwise([0, *cuts, scores.shape[1]]):
        part = read_only(scores[:, first:stop].copy())
        assert offer_rows(part, first, users, cursors, starts, items, forbidden, k, found) == -1
    lists, best = np.full((len(scores), k), 99, np.int32), np.full((len(scores), k), 99, scores.dtype)
    lengths = np.full(len(scores), 99, np.int32)
    list_best_rows(found, lists, best, lengths)
    return lists, best, lengths


def kernel(scores, seen, banned, k):
    starts = np.concatenate([[0], np.cumsum([len(items) for items in seen])]).astype(np.int64)
    items = np.concatenate([np.empty(0, np.int32), *seen]).astype(np.int32)
    lists = np.full((len(scores), k), 99, np.int32)
    best = np.full((len(scores), k), 99, scores.dtype)
    lengths = np.full(len(scores), 99, np.int32)
    users = np.arange(len(scores), dtype=np.int32)
    forbidden = np.isin(np.arange(scores.shape[1]), banned)
    bad = topk_rows(scores, users, starts, items, forbidden, lists, best, lengths)
    return bad, lists, best, lengths


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_kernel_is_a_stable_sort(dtype):
    rng = np.random.default_rng(8)
    done = 0
    while done < N_ROWS:
        n_items = int(rng.choice([1, 2, 5, 31, 32, 33, 130, 300, 1000]))
        n = int(rng.integers(1, 40))
        k = int(rng.integers(1, n_items + 3))
        levels = rng.choice([1, 2, 5, 1000])
        scores = rng.integers(-levels, levels + 1, (n, n_items)).astype(dtype)
        kind = rng.integers(4)
        if kind == 0:
            scores = -np.sort(-scores, axis=1)
        elif kind == 1:
            scores = np.sort(scores, axis=1)  # the worst case: every item is better than those before
        scores[rng.random(scores.shape) < rng.choice([0, 0.3, 0.98])] = -np.inf
        scores[rng.random(scores.shape) < 0.05] = rng.choice([np.finfo(dtype).max, -np.finfo(dtype).max, -0.0, 5e-324])
        seen = [np.sort(rng.choice(n_items, rng.integers(0, n_items + 1), replace=False)) for _ in range(n)]
        banned = np.sort(rng.choice(n_items, rng.integers(0, max(1, n_items // 4)), replace=False))
        bad, lists, best, lengths = kernel(scores, seen, banned, k)
        expected, wanted = sorted_rows(scores, seen, banned, k)
        assert bad == -1
        np.testing.assert_array_equal(lists[:, :n_items], expected)
        np.testing.assert_array_equal(best[:, :n_items], wanted)
        assert (lists[:, n_items:] == -1).all()
        np.testing.assert_array_equal(lengths, (lists >= 0).sum(axis=1))
        cuts = np.sort(rng.choice(n_items + 1, rng.integers(0, 4)))
        for part, entire in zip(in_parts(scores, seen, banned, k, cuts), (lists, best, lengths), strict=True):
            np.testing.assert_array_equal(part, entire)
        done += n


@settings(max_examples=N_DRAWN, deadline=None)
@given(
    rows=st.lists(
        st.lists(st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 1.0, 1e308, np.inf, np.nan]), min_size=7, max_size=7),
        min_size=1,
        max_size=5,
    ),
    seen=st.sets(st.integers(0, 6)),
    banned=st.sets(st.integers(0, 6), max_size=3),
    k=st.integers(1, 9),
)
def test_the_kernel_finds_what_is_no_number(rows, seen, banned, k):
    scores = np.array(rows)
    own = [np.array(sorted(seen), np.int32)] * len(scores)
    bad, lists, best, _ = kernel(scores, own, sorted(banned), k)
    wrong = np.flatnonzero((np.isnan(scores) | (scores == np.inf)).any(axis=1))
    assert bad == (wrong[0] if len(wrong) else -1)  # also where it would not be recommended
    good = len(scores) if bad < 0 else bad
    expected, wanted = sorted_rows(scores[:good], own[:good], sorted(banned), k)
    np.testing.assert_array_equal(lists[:good, :7], expected)
    np.testing.assert_array_equal(best[:good, :7], wanted)


def test_long_lists_are_sorted_too():
    rng = np.random.default_rng(11)
    scores = rng.integers(0, 900, (3, 5000)).astype(float)
    none = [np.empty(0, np.int32)] * 3
    _, lists, best, _ = kernel(scores, none, [], 1500)
    expected, wanted = sorted_rows(scores, none, [], 1500)
    np.testing.assert_array_equal(lists, expected)
    np.testing.assert_array_equal(best, wanted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_kernel_tells_numbers_apart_that_differ_in_their_last_bits(dtype):
    """More stretches than picks, so that a threshold is taken, of scores that no coarser number can tell apart."""
    rng = np.random.default_rng(9)
    none = [np.empty(0, np.int32)] * 20
    for sign, base in ((1, 1.0), (-1, 1.0), (1, 1e30), (-1, 1e-30), (1, 0.0)):
        steps = rng.integers(0, 3000, (20, 1000))
        scores = sign * (dtype(base) + (np.spacing(dtype(base)) * steps)).astype(dtype)
        bad, lists, best, _ = kernel(scores, none, [], 3)
        expected, wanted = sorted_rows(scores, none, [], 3)
        assert bad == -1
        np.testing.assert_array_equal(lists, expected)
        np.testing.assert_array_equal(best, wanted)
        for wrong in (np.nan, np.copysign(np.nan, -1.0), np.inf):
            scores[7, 900] = wrong
            assert kernel(scores, none, [], 3)[0] == 7
    zeros = np.full((20, 1000), -1.0, dtype)
    zeros[:, 5], zeros[:, [100, 200, 300]] = -0.0, 0.0
    np.testing.assert_array_equal(kernel(zeros, none, [], 3)[1], [[5, 100, 200]] * 20)


@pytest.mark.parametrize("threshold", [None, 3])
def test_everybody_with_a_test_row_gets_a_list(threshold):
    """A user whose test rows are all below the threshold, or of value 0, is one of the test set all the same."""
    test = {1: {1: 5.0}, 2: {1: 2.0}, 3: {2: 0.0}, 4: {1: 1.0, 2: 4.0}}
    data = ba.Dataset({user: [3] for user in range(1, 7)}, test, {item: [] for item in (1, 2, 3)}, threshold=threshold)
    assert data.judged is not None
    scores = np.ones((len(data.users), 3))
    made = ba.recommend(scores, data, k=2)
    assert made.users.tolist() == [1, 2, 3, 4]
    assert ba.Random().wrap(scores, data).recommend(k=2).users.tolist() == [1, 2, 3, 4]
    # what looks at the test set is averaged over those with a relevant row, as before
    some = ba.recommend(scores, data, k=2, users=[1, 4] if threshold else [1, 2, 4])
    names = ["recall@2", "ndcg@2"]
    every, few = (ba.evaluate(lists, data, names, n_boot=0) for lists in (made, some))
    assert [every.value(name) for name in names] == [few.value(name) for name in names]
    untested = ba.Dataset({user: [3] for user in range(1, 7)}, items={item: [] for item in (1, 2, 3)})
    assert ba.recommend(np.ones((6, 3)), untested, k=2).users.tolist() == [1, 2, 3, 4, 5, 6]


def test_lists_of_movielens_under_a_threshold_are_those_of_all_users_of_the_test_set():
    ratings, movies = ba.load_movielens()
    data = ba.Dataset.split(ratings, movies, threshold=5)
    made = ba.recommend(ba.models.ItemKNN().fit(data.matrix), data, k=10)
    report = ba.evaluate(made, data, ["catalog_coverage(count=true)@10"], n_boot=0)
    assert len(made) == len(data.users) == 671
    assert report.value("catalog_coverage(count=true)@10") == 693
