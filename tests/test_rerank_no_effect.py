"""The warning that a re-ranking makes no difference: where it is due, with the right reason, and nowhere else."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
from rerank_worlds import EVERY, MANY, MARKS, fading, greedy_with

import beyondacc as ba
from beyondacc.errors import NoEffectWarning
from beyondacc.rerank import base

pytestmark = MARKS
FAR = [ba.MMR, ba.GreedyDiversity, ba.MSD, ba.Cover, ba.DPP, ba.TopicDiversification, ba.Swap]
GENRES = [ba.XQuAD, ba.PM2, ba.Calibrated, ba.BinomialDiversity]
# items: 1 to 3 are alike, 4 is like them in part, 5 and 6 have no genres, 7 to 9 share nothing
ITEMS = {1: ["a"], 2: ["a"], 3: ["a"], 4: ["a", "b"], 5: [], 6: [], 7: ["c"], 8: ["d"], 9: ["e"]}
DATA = ba.Dataset(train={"u": [1, 4], "v": [4, 7], "w": [7, 8, 2], "x": [1, 2, 3]}, items=ITEMS)
ALIKE = {"u": {1: 3.0, 2: 2.0, 3: 1.0}, "v": {3: 2.0, 1: 1.0}}
NOTHING = {"u": {5: 3.0, 6: 2.0, 99: 1.0}, "v": {6: 2.0, 5: 1.0}}
APART = {"u": {7: 3.0, 8: 2.0, 9: 1.0}, "v": {9: 2.0, 8: 1.0}}
SINGLE = {"u": {1: 1.0}, "v": {4: 1.0}}
MIXED = {"u": {1: 3.0, 2: 2.9, 4: 2.8, 9: 2.7, 3: 2.6}, "v": {1: 3.0, 7: 2.9, 2: 2.8, 8: 2.7, 4: 2.6}}


def said(caught):
    """What was changed and why not, of the one warning, which is at the line that called."""
    (warning,) = (each for each in caught if each.category is NoEffectWarning)
    assert warning.filename == __file__
    return str(warning.message).split(": ", 1)


def reason_of(chosen, lists, k=2, data=DATA):
    """What the warning gives as reason for one weight, and for several."""
    with pytest.warns(NoEffectWarning) as caught:
        made = chosen.rerank(lists, data, k=k)
    assert made.to_dict() == {user: list(items)[:k] for user, items in lists.items()}
    head, reason = said(caught)
    assert head == f"{chosen} changed no list"
    with pytest.warns(NoEffectWarning) as caught:
        swept = chosen.sweep(lists, data, [0.0, 0.2, 1.0], k=k)
    assert said(caught) == [head, reason]
    assert all(each.to_dict() == made.to_dict() for each in swept.values())
    return reason


@pytest.mark.parametrize("chosen", [each() for each in FAR] + [ba.Greedy(gain=greedy_with(fading))], ids=str)
def test_distances_that_do_not_differ(chosen):
    for name in ("jaccard", "cosine"):
        method = dataclasses.replace(chosen, distance=name)
        assert reason_of(method, NOTHING) == (
            f"no two candidates of a list have a {name} distance, so that all count as 1 apart"
        )
        assert reason_of(method, ALIKE) == (
            f"all candidates of a list are alike, their {name} distance is 0: one cluster"
        )
        assert reason_of(method, APART) == f"the {name} distance does not tell the candidates of a list apart"
    given = ba.distance(np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]), items=[7, 8, 9], name="half")
    method = dataclasses.replace(chosen, distance=given)
    assert reason_of(method, APART) == "the half distance does not tell the candidates of a list apart"
    assert reason_of(method, ALIKE).startswith("no two candidates of a list have a half distance")
    assert reason_of(method, {"u": {1: 2.0, 5: 1.0, 6: 0.5}}).startswith("no two candidates of a list have a half")
    # of two candidates there is one distance: 1 where one has no genres, 0 where they are alike
    pairs = {"u": {1: 2.0, 5: 1.0}, "v": {1: 2.0, 2: 1.0}}
    assert reason_of(chosen, pairs, k=1).endswith("distance does not tell the candidates of a list apart")


@pytest.mark.parametrize("method", GENRES)
def test_genres_that_do_not_differ(method):
    assert reason_of(method(), NOTHING) == "no candidate has genres"
    assert reason_of(method(), ALIKE) == "all candidates of a list have the same genres: one cluster"
    assert reason_of(method(), {"u": {4: 1.0}, "v": {1: 2.0, 2: 1.0}}) == (
        "all candidates of a list have the same genres: one cluster"
    )


def test_genres_that_say_nothing_to_a_user():
    """Without genres in the profile a list cannot be calibrated; what is far from it has no seat."""
    reason = "its term is the same for all candidates of a list"
    assert reason_of(ba.Calibrated(), {"nobody": MIXED["u"]}) == reason
    assert reason_of(ba.PM2(), {"x": APART["u"]}) == reason
    assert reason_of(ba.XQuAD(), {"x": APART["u"]}) == reason


def test_vectors_that_do_not_differ():
    reason = "the vectors of the candidates of a list do not tell them apart"
    for lists in (ALIKE, NOTHING, APART):
        assert reason_of(ba.SSD(), lists) == reason
    assert reason_of(ba.SSD(unit=False, bias=False, window=1), APART) == reason


@pytest.mark.parametrize("method", [ba.Novelty, ba.Popularity])
def test_counts_that_do_not_differ(method):
    data = ba.Dataset(train={"u": [1, 2], "v": [1, 2], "w": [3]})
    lists = {"u": {1: 2.0, 2: 1.0}, "x": {3: 3.0, 2: 2.0}}
    assert reason_of(method(), {"u": lists["u"]}, data=data) == (
        "all candidates of a list have the same number of training users"
    )
    assert method(diversity=1).rerank(lists, data).to_dict()["x"] == [3, 2]  # already in order: no warning
    assert reason_of(method(), {"u": {98: 2.0, 99: 1.0}}, data=data).startswith(
        "all candidates of a list have the same"
    )


def test_profiles_that_are_equally_far():
    reason = "all candidates of a list are equally far from the profile"
    for method in (ba.Surprise(), ba.Surprise(profile="mean"), ba.Surprise(distance="npmi")):
        assert reason_of(method, {"nobody": MIXED["u"]}) == reason
    assert reason_of(ba.Surprise(), {"x": APART["u"], "u": ALIKE["u"]}) == reason
    assert reason_of(ba.Surprise(profile="mean"), {"x": APART["u"], "w": ALIKE["u"]}) == reason


@pytest.mark.parametrize("method", EVERY, ids=str)
def test_lists_of_one(method):
    assert reason_of(method, SINGLE) == "no list has more than one candidate"


def test_swap_needs_more_candidates_than_it_picks():
    assert reason_of(ba.Swap(diversity=1), MIXED, k=5) == "no list has more candidates than are picked"
    assert reason_of(ba.Swap(diversity=1), MIXED, k=9) == "no list has more candidates than are picked"
    assert ba.Swap(diversity=1).rerank(MIXED, DATA, k=4).input_ranks[:, 3].tolist() == [3, 4]
    assert reason_of(ba.Swap(diversity=1), MIXED, k=1) == "its term is the same for all candidates of a list"


def test_a_gain_of_ones_own_that_says_nothing():
    def idle(distances, term, step):
        pass

    def forgetful(distances, term, step):  # what it returns is not looked at
        return distances * step + term

    for gain in (idle, forgetful):
        assert reason_of(ba.Greedy(gain=gain), MIXED) == (
            f"gain {gain.__name__} makes the same term for all candidates of a list"
        )


@pytest.mark.parametrize("method", EVERY, ids=str)
def test_no_warning_where_something_changes_or_could(method):
    with warnings.catch_warnings():
        warnings.simplefilter("error", NoEffectWarning)
        for lists in (SINGLE, ALIKE, NOTHING, APART, MIXED):  # nothing is asked for
            assert method.at(0).rerank(lists, DATA, k=3).to_dict() == {u: list(each)[:3] for u, each in lists.items()}
        # alone, no item can be taken for another, and none is redundant
        alone = isinstance(method, ba.Swap) or getattr(method, "part", "") == "nonredundancy"
        for k in (2, 3) if alone else (1, 2, 3):
            least = method.at(1e-12).rerank(MIXED, DATA, k=k).to_dict()
            if not isinstance(method, ba.DPP):  # whose determinant is there with any weight
                assert least == {user: list(items)[:k] for user, items in MIXED.items()}
            method.at(0.7).rerank(MIXED, DATA, k=k)
        swept = method.sweep(MIXED, DATA, [1e-12, 0.0], k=3)
        assert swept[0.0].to_dict() == {user: list(items)[:3] for user, items in MIXED.items()}
        dataclasses.replace(method, per_user=True).at(1e-12).rerank(MIXED, DATA, k=3)


@pytest.mark.parametrize("method", [each for each in EVERY if not isinstance(each, ba.Random)], ids=str)
def test_no_warning_where_the_full_weight_gives_the_order_there_is_by_chance(method):
    """What a method makes of its own list at the full weight often stays as it is, and yet its term says much."""
    users = ["u", "v"]
    lists = {user: {item: float(-rank) for rank, item in enumerate(MIXED["u"])} for user in users}
    again = 0
    for _ in range(4):
        found = method.at(1).rerank(lists, DATA, k=3 if isinstance(method, ba.Swap) else 5).to_dict()
        order = {user: [*items, *(item for item in lists[user] if item not in items)] for user, items in found.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("error", NoEffectWarning)
            same = method.at(0.5).rerank(
                {user: {item: float(-rank) for rank, item in enumerate(items)} for user, items in order.items()},
                DATA,
                k=3,
            )
        again += same.to_dict() == {user: items[:3] for user, items in order.items()}
        lists = {user: {item: float(-rank) for rank, item in enumerate(items)} for user, items in order.items()}
    assert again


def test_no_warning_where_weights_of_users_are_zero():
    """It is their profiles that say so, of one genre each; the term says much."""
    data = ba.Dataset(train={"u": [1, 2], "v": [3]}, items=ITEMS)
    with warnings.catch_warnings():
        warnings.simplefilter("error", NoEffectWarning)
        for method in (ba.MMR, ba.PM2, ba.Random, ba.Cover):
            made = method(diversity=0.9, per_user=True).rerank(MIXED, data, k=4)
            assert made.input_ranks.tolist() == [[0, 1, 2, 3]] * 2


def test_no_warning_where_few_of_many_lists_could_change():
    """Of 1,000 lists of alike items every third has another one, whose relevance is too low for a small weight."""
    users = range(1000)
    data = ba.Dataset(train={user: [1, 4] for user in users}, items=ITEMS)
    lists = {user: {1: 3.0, 2: 2.0, 9 if user % 3 == 2 else 3: 1e-9} for user in users}
    with warnings.catch_warnings():
        warnings.simplefilter("error", NoEffectWarning)
        for method in (ba.MMR, ba.XQuAD, ba.BinomialDiversity, ba.SSD, ba.Swap, ba.Popularity):
            made = method(diversity=1e-6).rerank(lists, data, k=2)
            assert (made.input_ranks == [0, 1]).all()


def test_the_order_of_the_scores_is_no_change():
    """Lists that come with ranks against their scores: a weight on relevance alone is not what was asked for."""
    lists = {"u": [1, 2, 3]}
    frame = ba.Recommendations.read(lists, DATA).to_pandas().assign(score=[1.0, 3.0, 2.0])
    with pytest.warns(NoEffectWarning, match="one cluster"):
        made = ba.MMR(diversity=0.3).rerank(frame, DATA, k=3)
    assert made.to_dict() == {"u": [2, 3, 1]}


def test_wrapped_scorers_warn_as_well():
    data = ba.Dataset(train={"u": [4], "v": [4]}, items={item: ["a"] for item in range(1, 6)})
    wrapped = ba.MMR().wrap(lambda users: np.arange(5.0) + np.zeros((len(users), 1)), data)
    with pytest.warns(NoEffectWarning, match="one cluster") as caught:
        wrapped.recommend(k=2)
    assert said(caught)[0] == "MMR(diversity=0.5) changed no list"


def test_the_look_at_why_is_short(monkeypatch):
    """Of many lists some are looked at, from all over the run."""
    data, frame = MANY()
    seen = []
    look = ba.MMR._why_constant

    def spy(self, run, k):
        seen.append(run.ids.tolist())
        return look(self, run, k)

    monkeypatch.setattr(base, "_SAMPLE", 16)
    monkeypatch.setattr(ba.MMR, "_why_constant", spy)
    alike = ba.Dataset(train={0: [0]}, items={item: ["a"] for item in range(40)})
    with pytest.warns(NoEffectWarning):
        ba.MMR().rerank(frame, alike, k=3)
    assert len(seen) == 1
    assert 8 <= len(seen[0]) <= 16
    assert max(seen[0]) > 0.8 * len(data.users)
