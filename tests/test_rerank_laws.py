"""Laws that every re-ranker obeys, whatever its definition."""

from __future__ import annotations

import contextlib
import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest
from oracle import rerank as oracle
from rerank_worlds import ALL, EVERY, HOW, MANY, MARKS, frame_of, rows_of, same, scaled, uniform, world

import beyondacc as ba
from beyondacc.distances import declared
from beyondacc.errors import NoEffectWarning
from beyondacc.rerank import RERANKERS, base, engine, taste
from beyondacc.run.local import map_blocks

pytestmark = MARKS
every = pytest.mark.parametrize("method", EVERY, ids=str)
SWEPT = [0.3, 1.0, 0.0, 0.3, 0.05, 1.0, 0.75]


def test_every_reranker_is_tried():
    assert {type(method) for method in ALL} == {info.factory for info in RERANKERS.values()}


@every
def test_without_diversity_the_order_is_the_input_order(method):
    here = world("jaccard", 1)
    for normalize in HOW:
        made = dataclasses.replace(method, normalize=normalize).at(0).rerank(here.frame, here.data, k=5)
        for user, (picks, values) in rows_of(made).items():
            items, raw = here.lists[user]
            assert picks == list(range(min(5, len(items))))
            how = None if normalize == "none" else normalize
            wanted = oracle.normalized(scaled(raw, how), how)[:5]
            np.testing.assert_allclose(values, wanted, rtol=1e-9, atol=1e-9)
    kind = type(here.users[0])
    made = method.at(0).rerank({kind(5): [kind(9), kind(2)]}, here.data)  # nobody and nothing that is known
    assert made.to_dict() == {kind(5): [kind(9), kind(2)]}


@every
@pytest.mark.parametrize("normalize", HOW)
def test_full_diversity_ignores_relevance(method, normalize):
    here = world("jaccard", 0)
    chosen = dataclasses.replace(method, normalize=normalize).at(1)
    made = chosen.rerank(here.frame, here.data, k=7)
    rng = np.random.default_rng(0)
    shuffled = here.frame.assign(score=rng.permutation(here.frame["score"].to_numpy()))
    for frame in (shuffled, here.frame.drop(columns="score")):
        other = chosen.rerank(frame, here.data, k=7)
        if isinstance(method, ba.Swap):  # its selection scores are relevance
            np.testing.assert_array_equal(made.input_ranks, other.input_ranks)
        else:
            assert same(made, other)


@pytest.mark.parametrize("method", [method for method in EVERY if method.prefix], ids=str)
@pytest.mark.parametrize("kind", ["jaccard", "cosine of vectors"])
def test_the_beginning_does_not_depend_on_the_length(method, kind):
    here = world(kind, 3)
    whole = method.rerank(here.frame, here.data, k=50)
    assert whole.lengths.tolist() == [len(here.lists[user][0]) for user in whole.users]
    for k in (1, 2, 5, 11):
        assert same(method.rerank(here.frame, here.data, k=k), whole.top(k))


@pytest.mark.parametrize("method", [method for method in EVERY if not method.prefix], ids=str)
def test_the_beginning_depends_on_the_length_where_that_is_declared(method):
    data, frame = MANY()
    whole = method.rerank(frame, data, k=12)
    assert any((method.rerank(frame, data, k=k).lists != whole.lists[:, :k]).any() for k in (2, 5, 8))


def test_which_rerankers_depend_on_the_length():
    assert {type(method) for method in ALL if not method.prefix} == {ba.BinomialDiversity, ba.Swap}


@every
def test_ties_go_to_the_better_input_rank(method):
    """All items are alike, so that but for relevance nothing makes a difference."""
    n = 70  # more than a sort that is stable for short lists only would get right
    items = [f"i{number:02}" for number in np.random.default_rng(0).permutation(n)]
    data = ba.Dataset(train={"u": items}, items={item: ["same"] for item in sorted(items)})
    frame = pd.DataFrame({"user_id": "u", "item_id": items, "rank": range(1, n + 1), "score": 3.0})
    levels = frame.assign(score=[float(rank % 3) for rank in range(n)])
    by_level = sorted(range(n), key=lambda rank: (-(rank % 3), rank))
    by_number = sorted(range(n), key=lambda rank: -uniform(getattr(method, "seed", 0), "u", items[rank]))
    for diversity in (0.2, 0.5, 1.0):
        for k in (4, n):
            chosen = method.at(diversity)
            if isinstance(method, ba.Random):
                assert chosen.rerank(frame, data, k=k).input_ranks.tolist() == [by_number[:k]]
                continue
            with pytest.warns(NoEffectWarning):
                made = chosen.rerank(frame, data, k=k)
            assert made.input_ranks.tolist() == [list(range(k))]
    if isinstance(method, ba.Random):
        return
    expected = {
        ba.Swap: list(range(n)),  # what is kept stays in input order
        ba.TopicDiversification: list(range(n)),  # relevance is the rank in the input
        ba.DPP: [2, *(rank for rank in range(n) if rank != 2)],  # once one is picked the others add nothing
    }.get(type(method), by_level)
    # the best one first, and the others in input order, is neither the input order nor that of the scores
    moved = isinstance(method, ba.DPP)
    with contextlib.nullcontext() if moved else pytest.warns(NoEffectWarning):
        made = method.at(0.5).rerank(levels, data, k=n)
    assert made.input_ranks[0].tolist() == expected


@every
def test_candidates_without_scores_have_their_ranks(method):
    here = world("jaccard", 0)
    bare = {user: items for user, (items, _) in here.lists.items()}
    ranks = {user: (items, [-float(rank) for rank in range(len(items))]) for user, (items, _) in here.lists.items()}
    frame = frame_of(ranks, np.random.default_rng(0))
    for normalize in HOW:
        chosen = dataclasses.replace(method, normalize=normalize)
        assert same(chosen.rerank(bare, here.data), chosen.rerank(frame, here.data))


@every
def test_input_ranks_and_items_belong_together(method):
    here = world("jaccard", 3)
    made = method.rerank(here.frame, here.data, k=6)
    rows = rows_of(made)
    assert set(rows) == set(here.lists)
    for user, items in made.to_dict().items():
        assert items == [here.lists[user][0][at] for at in rows[user][0]]
    assert (made.input_ranks[made.lists < 0] == -1).all()
    for numbers in (made.scores, made.relevance, made.gain):
        assert np.isnan(numbers[made.lists < 0]).all()
        assert np.isfinite(numbers[made.lists >= 0]).all()


@every
def test_threads_and_blocks_change_nothing(method, monkeypatch):
    data, frame = MANY()
    one = method.rerank(frame, data, k=5, threads=1)
    assert same(one, method.rerank(frame, data, k=5, threads=2))
    monkeypatch.setattr(base, "map_blocks", functools.partial(map_blocks, least=7))
    assert same(one, method.rerank(frame, data, k=5, threads=3))
    assert same(one, method.rerank(frame, data, k=5, threads=50))
    part = frame[frame["user_id"].isin([3, 70])]
    alone = method.rerank(part, data, k=5)
    np.testing.assert_array_equal(alone.lists, one.lists[[3, 70]])
    np.testing.assert_array_equal(alone.gain, one.gain[[3, 70]])
    # tables of distances and numbers of users for a few rows at a time
    monkeypatch.setattr(declared, "TABLE_BYTES", 8 * 20**2 * 5)
    monkeypatch.setattr(taste, "_BYTES", 8 * 6 * 5)
    assert same(one, method.rerank(frame, data, k=5, threads=2))


@every
def test_a_sweep_is_many_single_runs(method, monkeypatch):
    data, frame = MANY()
    for normalize in ("minmax", "zscore"):
        chosen = dataclasses.replace(method, normalize=normalize)
        swept = chosen.sweep(frame, data, SWEPT, k=6)
        assert list(swept) == [0.3, 1.0, 0.0, 0.05, 0.75]
        for diversity, made in swept.items():
            assert same(made, chosen.at(diversity).rerank(frame, data, k=6))
    # with room for the distances of two items only, and with weights in another order
    monkeypatch.setattr(engine, "_SLOT_BYTES", 2 * 8 * 20)
    again = chosen.sweep(frame, data, sorted(SWEPT, reverse=True), k=6, threads=1)
    assert list(again) == [1.0, 0.75, 0.3, 0.05, 0.0]
    assert all(same(made, swept[diversity]) for diversity, made in again.items())
    assert same(chosen.sweep(frame, data, np.array([0.3]), k=6)[0.3], swept[0.3])


@every
def test_a_sweep_of_ragged_lists(method):
    here = world("jaccard", 3)
    swept = method.sweep(here.frame, here.data, SWEPT, k=9)
    assert all(same(made, method.at(each).rerank(here.frame, here.data, k=9)) for each, made in swept.items())


@every
def test_all_ways_to_give_candidates_are_one(method):
    data, frame = MANY()
    lists = frame.sort_values(["user_id", "rank"])["item_id"].to_numpy().reshape(-1, 20)
    bare = method.rerank(frame.drop(columns="score"), data)
    assert same(bare, method.rerank(lists, data))
    assert same(bare, method.rerank(dict(enumerate(lists.tolist())), data))
    assert same(bare, method.rerank(ba.Recommendations.read(lists, data), data))
    wide = ba.Recommendations.read(np.c_[lists, lists[:, ::-1] + 1000], data)
    assert same(bare, method.rerank(wide.top(20), data))
    renamed = frame.rename(columns={"item_id": "sku"})
    assert same(method.rerank(renamed, data, columns={"item": "sku"}), method.rerank(frame, data))


@every
def test_what_was_made_can_be_read_again(method):
    here = world("jaccard", 0)
    made = method.rerank(here.frame, here.data, k=6)
    frame = made.to_pandas()
    assert list(frame.columns) == ["user_id", "item_id", "rank", "score", "relevance", "gain", "input_rank"]
    again = ba.Recommendations.read(frame.sample(frac=1, random_state=1), here.data)
    assert again.to_dict() == made.to_dict()
    place = again.users.get_indexer(made.users)
    np.testing.assert_array_equal(again.scores[place], made.scores)
    assert (frame["input_rank"] >= 1).all()
    twice = ba.MMR(diversity=0).rerank(made, here.data, k=6)
    assert twice.to_dict() == made.to_dict()


@every
def test_empty_lists_stay_empty(method):
    genres = {1: ["a"], 2: ["a"], 3: ["a", "b"], 4: ["c"], 5: ["c", "d", "e"]}
    data = ba.Dataset(train={user: [user % 5 + 1, 1, 3] for user in range(6)}, items=genres)
    lists = np.full((6, 5), -1)
    lists[3] = [1, 2, 3, 4, 5]
    for diversity in (0, 1):
        made = method.at(diversity).rerank(lists, data, k=3)
        assert made.lengths.tolist() == [0, 0, 0, 3, 0, 0]
        assert (made.lists[[0, 1, 2, 4, 5]] == -1).all()
    with pytest.warns(NoEffectWarning, match="no list has more than one candidate"):
        made = method.rerank(np.full((6, 5), -1), data)
    assert made.lengths.tolist() == [0] * 6


@every
def test_features_of_nothing(method):
    """Candidates without features, known and unknown, of users with and without a profile."""
    data = ba.Dataset(train={"u": ["a", "b"], "v": ["b"]}, items={"a": ["x"], "b": ["x", "y"], "c": [], "d": []})
    lists = {"u": {"c": 3.0, "d": 2.0, "e": 1.0}, "v": {"d": 3.0, "c": 3.0}, "w": {"e": 1.0, "f": 0.5, "g": 0.25}}
    items = {user: list(given) for user, given in lists.items()}
    if isinstance(method, ba.Random):
        made = method.rerank(lists, data)
        assert {user: sorted(given) for user, given in made.to_dict().items()} == {
            user: sorted(given) for user, given in items.items()
        }
        return
    with pytest.warns(NoEffectWarning):
        made = method.rerank(lists, data)
    assert made.to_dict() == items
    assert np.isfinite(made.gain[made.lists >= 0]).all()


def test_unknown_users_and_items_are_reordered_like_others():
    data = ba.Dataset(train={1: [1, 2, 3]}, items={1: ["a"], 2: ["a"], 3: ["b"]})
    lists = {99: [1, 2, 3, 77]}
    assert ba.MMR(diversity=0.9).rerank(lists, data).to_dict() == {99: [1, 3, 77, 2]}
    # an item nobody has counts as one with one user for the logarithm, and as none for the count
    with pytest.warns(NoEffectWarning, match="the same number of training users"):
        assert ba.Novelty(diversity=1).rerank(lists, data).to_dict() == lists
    assert ba.Popularity(diversity=1).rerank(lists, data).to_dict() == {99: [77, 1, 2, 3]}
    assert sorted(ba.Random(diversity=1).rerank(lists, data).to_dict()[99]) == [1, 2, 3, 77]


@every
def test_wrapped_is_recommend_and_rerank(method):
    data, _ = MANY()
    scores = np.random.default_rng(0).random((len(data.users), len(data.items)))
    for options in ({}, {"exclude_seen": False}, {"users": [5, 2, 7]}, {"threads": 2}):
        found = method.wrap(scores, candidates=12).recommend(data, k=5, **options)
        best = ba.recommend(scores, data, k=12, **options)
        assert same(found, method.rerank(best, data, k=5))
    wrapped = method.wrap(scores, data, candidates=12)
    every_user = wrapped.recommend(k=5)
    for row in (0, 7, 79):
        alone = wrapped.recommend(data.users.ids[row], k=5)
        assert list(alone.items) == every_user.to_dict()[data.users.ids[row]]
        np.testing.assert_array_equal(alone.scores, every_user.scores[row])
        np.testing.assert_array_equal(alone.relevance, every_user.relevance[row])
        np.testing.assert_array_equal(alone.gain, every_user.gain[row])
        np.testing.assert_array_equal(alone.input_ranks, every_user.input_ranks[row])


def test_at_least_as_many_candidates_are_taken_as_are_asked_for():
    data, _ = MANY()
    scores = np.random.default_rng(0).random((len(data.users), len(data.items)))
    few = ba.MMR(diversity=0).wrap(scores, candidates=1).recommend(data, k=5)
    np.testing.assert_array_equal(few.lists, ba.recommend(scores, data, k=5).lists)
    assert ba.MMR().wrap(scores).candidates == 100
