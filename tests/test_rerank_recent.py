"""Items that were shown before count as picked: sliding spectrum decomposition over the whole feed."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from draws import draws
from oracle import rerank
from oracle.case import row as row_of
from oracle.rerank_sets import ssd, ssd_gains
from rerank_worlds import HOW, MANY, MARKS, Given, rows_of, same, world

import beyondacc as ba
from beyondacc.errors import DataError, SpecError
from beyondacc.rerank import RERANKERS

pytestmark = MARKS
WORLDS = ("jaccard", "cosine of vectors", "cosine of float32 vectors")


def shown_lists(rng, here):
    """Lists of any length, also longer than a window, of some users and of one who has no candidates; items unknown."""
    pool = [*here.case.item_order, here.unknown]
    users = [user for user in [*here.lists, *here.users[-1:]] if rng.random() < 0.8]
    return {user: [pool[at] for at in rng.permutation(len(pool))[: rng.integers(1, 7)]] for user in users}


@pytest.mark.parametrize("kind", WORLDS)
@pytest.mark.parametrize("seed", range(draws(6, 4)))
def test_equals_the_definition(kind, seed):
    rng = np.random.default_rng([seed, len(kind)])
    here = world(kind, seed % 4)
    for window in (None, 1, 2, 3, 8):
        options = {"window": window, "gamma": float(rng.choice([0.5, 1.0])), "unit": bool(rng.random() < 0.6)}
        options["bias"] = bool(rng.random() < 0.5)
        shown = shown_lists(rng, here)
        how, diversity, k = str(rng.choice(HOW)), float(rng.choice([0.3, 0.7, 1.0])), int(rng.choice([1, 3, 8]))
        made = ba.SSD(diversity=diversity, normalize=how, recent=shown, **options).rerank(here.frame, here.data, k=k)
        compared = 0
        for user, (picks, values) in rows_of(made).items():
            given = Given(here, user, how, diversity, k)
            before = [row_of(here.case, item) for item in shown.get(user, [])]
            gains = ssd_gains(given.relevance, given.rows, diversity, shown=before, **options)
            n = len(given.items)
            size = max(1.0, *map(abs, gains(list(range(n)), [])))
            assert rerank.shortfall(picks, n, gains) <= 1e-9 * size
            np.testing.assert_allclose(values, rerank.along(picks, n, gains), rtol=1e-9, atol=1e-9 * size)
            compared += bool(before)
        assert compared > 3


def test_by_hand():
    rows = [[3.0, 0.0], [0.0, 2.0]]
    assert ssd([1.0, 1.0], rows, 1.0, 2, bias=False, shown=[[1.0, 0.0]]) == ([1, 0], [1.0, 0.0])
    data = ba.Dataset(items=pd.DataFrame({"item_id": ["a", "b", "c"]}), vectors=np.array([[3.0, 0], [0, 2], [1, 0]]))
    chosen = ba.SSD(diversity=1, bias=False, recent={"u": ["c"]})
    made = chosen.rerank({"u": ["a", "b"], "v": ["a", "b"]}, data)
    assert made.to_dict() == {"u": ["b", "a"], "v": ["a", "b"]}  # of the other nothing was shown
    assert made.gain[0].tolist() == pytest.approx([1, 0])


@pytest.mark.parametrize("window", [None, 1, 2, 4])
@pytest.mark.parametrize("bias", [True, False])
def test_the_rest_of_a_feed_is_what_one_pass_would_pick(window, bias):
    data, frame = MANY()
    chosen = ba.SSD(diversity=0.6, normalize="none", window=window, bias=bias)
    whole = chosen.rerank(frame, data, k=8)
    for n in (1, 3, 5):
        first = whole.top(n).to_pandas()
        taken = set(zip(first["user_id"], first["item_id"], strict=True))
        left = [pair not in taken for pair in zip(frame["user_id"], frame["item_id"], strict=True)]
        rest = ba.SSD(diversity=0.6, normalize="none", window=window, bias=bias, recent=whole.top(n))
        made = rest.rerank(frame[left], data, k=8 - n)
        alike = (made.lists == whole.lists[:, n:]).all(axis=1)
        assert alike.mean() > 0.99  # rounding may break a tie
        np.testing.assert_allclose(made.gain[alike], whole.gain[alike, n:], rtol=1e-9, atol=1e-9)


def test_forms_of_lists(tmp_path):
    data, frame = MANY()
    lists = {user: [user % 40, (user + 7) % 40, 999] for user in range(0, 80, 3)}
    table = pd.DataFrame([(user, item) for user, items in lists.items() for item in items], columns=["user", "item"])
    table["rank"] = table.groupby("user").cumcount() + 1
    table.to_csv(tmp_path / "shown.csv", index=False)
    expected = ba.SSD(recent=lists).rerank(frame, data, k=5)
    for form in (table, table.sample(frac=1, random_state=0), str(tmp_path / "shown.csv"), tmp_path / "shown.csv"):
        assert same(ba.SSD(recent=form).rerank(frame, data, k=5), expected)
    assert (expected.lists != ba.SSD().rerank(frame, data, k=5).lists).any()
    chosen = RERANKERS.create(f"SSD(window=2, recent={tmp_path / 'shown.csv'})")
    assert str(chosen) == f"SSD(diversity=0.5, window=2, recent={tmp_path / 'shown.csv'})"
    again = pickle.loads(pickle.dumps(chosen))  # noqa: S301 - our own
    assert same(again.rerank(frame, data, k=5), chosen.at(0.5).rerank(frame, data, k=5))
    assert same(ba.SSD(recent=None).rerank(frame, data, k=5), ba.SSD(recent="none").rerank(frame, data, k=5))


def test_one_user_at_a_time_is_answered_as_all_are():
    data, _ = MANY()
    scores = np.random.default_rng(0).random((len(data.users), len(data.items)))
    wrapped = ba.SSD(recent={3: [1, 2], 5: [7]}, window=3).wrap(scores, data, candidates=12)
    every_user = wrapped.recommend(k=5)
    for user in (3, 5, 8):
        alone = wrapped.recommend(user, k=5)
        assert list(alone.items) == every_user.to_dict()[user]
        np.testing.assert_array_equal(alone.gain, every_user.gain[data.users.find(user)])


def test_what_is_refused():
    data, frame = MANY()
    for wrong in (3, True, 0.5):
        with pytest.raises(SpecError, match=r"recent must be lists of the items shown, the first shown first"):
            ba.SSD(recent=wrong)
    with pytest.raises(DataError):
        ba.SSD(recent="no such file.csv")
    with pytest.raises(DataError, match="recent"):
        ba.SSD(recent={"a": ["b"]}).rerank(frame, data, k=5)
