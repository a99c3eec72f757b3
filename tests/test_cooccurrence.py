"""Similarities by common users against plain loops, with and without the table of popular items."""

import numpy as np
import pandas as pd
import pytest

import beyondacc as ba
from beyondacc.bound.bind import bind
from beyondacc.distances import cooccurrence
from beyondacc.kernels import cooccurrence as kernels

pytestmark = pytest.mark.kernel


def naive(train, lists, *, logs):
    """Least and summed distance of each listed item to the user's profile, and the number of distances."""
    profiles = train.groupby("user_id")["item_id"].agg(set).to_dict()
    users_of = train.groupby("item_id")["user_id"].agg(set).to_dict()
    n_users = len(profiles)
    found = []
    for user, items in lists.items():
        for item in items:
            distances = []
            for other in profiles.get(user, ()):
                one, two = users_of.get(item, set()), users_of[other]
                both = len(one & two)
                if logs:
                    if both in {0, n_users}:
                        distances.append(0.0 if both else 1.0)
                    else:
                        npmi = np.log(n_users * both / (len(one) * len(two))) / -np.log(both / n_users)
                        distances.append(0.5 * (1 - npmi))
                elif one:
                    distances.append(1 - both / np.sqrt(len(one) * len(two)))
            found.append((min(distances, default=np.inf), sum(distances), len(distances)))
    return np.array(found)


def case(rng, n_users, n_items):
    """Random rows in which the first items are in most profiles; some users have none, some items are new."""
    density = rng.uniform(0.02, 1, n_items) ** rng.choice([1, 3])
    density[rng.random(n_items) < 0.1] = 1.0
    users, items = np.nonzero(rng.random((n_users, n_items)) < density)
    names = rng.permutation(10 * n_items)
    train = pd.DataFrame({"user_id": users, "item_id": names[items]})
    k = min(5, n_items)
    chosen = {user: names[rng.permutation(n_items + 3)[:k]].tolist() for user in range(n_users + 2)}
    return train, chosen


@pytest.mark.parametrize("logs", [True, False])
@pytest.mark.parametrize("groups", [None, 0, 1, 2])
@pytest.mark.parametrize("narrow", [0, 2**16])
def test_equals_plain_loops(monkeypatch, logs, groups, narrow):
    monkeypatch.setattr(cooccurrence, "_NARROW", narrow)
    if groups is not None:
        monkeypatch.setattr(cooccurrence, "_n_groups", lambda counts, _: min(groups, len(counts) // kernels.GROUP))
    rng = np.random.default_rng(5)
    for n_users, n_items in ((1, 1), (7, 3), (40, 64), (33, 150), (90, 131)):
        train, lists = case(rng, n_users, n_items)
        if not len(train):
            continue
        data = ba.Dataset(train)
        run = bind(ba.Recommendations.read(lists, data), data)
        shown = {user: lists[user] for user in run.ids.tolist()}
        least, total, counted = cooccurrence.shared_to_profile(run, 5, logs=logs)
        wanted = naive(train, shown, logs=logs)
        kept = run.lists >= 0
        assert kept.sum() == len(wanted)
        np.testing.assert_array_equal(counted[kept], wanted[:, 2])
        np.testing.assert_allclose(least[kept], wanted[:, 0], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(total[kept], wanted[:, 1], rtol=1e-12, atol=1e-11)


def test_popular_items_are_counted_together_where_that_is_cheaper():
    assert cooccurrence._n_groups(np.full(128, 1000), np.full(1000, 128)) == 2
    assert cooccurrence._n_groups(np.full(63, 1000), np.full(1000, 63)) == 0
    assert cooccurrence._n_groups(np.append(np.full(64, 1000), np.ones(64, np.int64)), np.full(1000, 64)) == 1
    assert cooccurrence._n_groups(np.ones(128, np.int64), np.ones(128, np.int64)) == 0
    assert cooccurrence._n_groups(np.empty(0, np.int64), np.empty(0, np.int64)) == 0


def test_the_popular_count_what_plain_loops_count():
    rng = np.random.default_rng(1)
    for n_users in (1, 7, 8, 9, 100):
        matrix = rng.random((n_users, 70)) < rng.uniform(0, 1, 70)
        users, items = np.nonzero(matrix.T)[::-1]
        starts = np.append(0, np.cumsum(matrix.sum(axis=0)))
        order = rng.permutation(70)
        table = np.zeros((70, 64), np.int32)
        kernels.popular_rows(0, starts, users.astype(np.int32), order, n_users, table)
        shared = matrix.T.astype(int) @ matrix.astype(int)
        assert len(items) == matrix.sum()
        np.testing.assert_array_equal(table, shared[np.ix_(order, order[:64])])


@pytest.mark.parametrize("metric", ["surprise_cooccurrence@5", "unserendipity@5", "serendipity@5"])
def test_threads_give_the_same_bits(metric):
    rng = np.random.default_rng(2)
    train, lists = case(rng, 700, 150)
    test = pd.DataFrame({"user_id": list(lists), "item_id": [items[0] for items in lists.values()]})
    data = ba.Dataset(train, test)
    one, two = (ba.evaluate(lists, data, metric, n_boot=0, threads=threads).per_user(metric) for threads in (1, 3))
    np.testing.assert_array_equal(one, two)
