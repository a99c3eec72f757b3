"""Weights by the entropy of the genres of each user's profile: against single runs at naively computed weights."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from oracle.rerank_aspects import profile_shares
from rerank_worlds import EVERY, MANY, MARKS, rows_of, same, world

import beyondacc as ba
from beyondacc.errors import SpecError

pytestmark = MARKS
every = pytest.mark.parametrize("method", EVERY, ids=str)


def scale_of(case, user):
    """The entropy of the genre shares of the profile, of the largest there could be."""
    shares = profile_shares(case, user)
    if not shares or len(case.genres) == 1:
        return 1.0
    return -math.fsum(float(p) * math.log2(p) for p in shares.values()) / math.log2(len(case.genres))


@every
def test_each_user_has_a_weight_of_their_own(method):
    chosen = dataclasses.replace(method, per_user=True)
    equal = cases = 0
    scales = []
    for seed in (0, 1, 3):
        here = world("jaccard", seed)
        for diversity in (0.4, 1.0):
            made = rows_of(chosen.at(diversity).rerank(here.frame, here.data, k=6))
            weights = {user: min(1.0, diversity * scale_of(here.case, user)) for user in here.lists}
            swept = method.sweep(here.frame, here.data, list(weights.values()), k=6)
            expected = {weight: rows_of(found) for weight, found in swept.items()}
            for user, (picks, values) in made.items():
                wanted = expected[weights[user]][user]
                cases += 1
                if picks == wanted[0]:  # not so where the last digit of the weight breaks a tie
                    equal += 1
                    size = max(1.0, *map(abs, wanted[1]))
                    np.testing.assert_allclose(values, wanted[1], rtol=1e-9, atol=1e-9 * size)
            scales += [scale_of(here.case, user) for user in here.lists]
    assert equal >= 0.98 * cases
    assert cases > 90
    assert {0.0, 1.0} < set(scales)
    assert len(set(scales)) > 20


@every
def test_a_profile_of_one_genre_keeps_the_order_and_one_of_none_has_the_whole_weight(method):
    data = ba.Dataset(
        train={"one": [1, 2], "two": [1, 3], "none": [5]},
        items={1: ["a"], 2: ["a"], 3: ["b"], 4: ["a", "b"], 5: [], 6: ["b"]},
    )
    lists = {user: {1: 3.0, 2: 3.0, 4: 2.0, 3: 1.5, 6: 1.0} for user in ("one", "two", "none", "nobody")}
    plain = method.at(0.9).rerank(lists, data, k=3)
    made = dataclasses.replace(method, per_user=True).at(0.9).rerank(lists, data, k=3)
    as_given = method.at(0).rerank(lists, data, k=3)
    for row, user in enumerate(made.users):  # "two" has both genres to the same part
        expected = as_given if user == "one" else plain
        np.testing.assert_array_equal(made.input_ranks[row], expected.input_ranks[row])
        np.testing.assert_array_equal(made.gain[row], expected.gain[row])
    assert set(made.users) == set(lists)
    assert (plain.input_ranks != as_given.input_ranks).any()


@pytest.mark.parametrize("method", [ba.Random(), ba.Popularity(), ba.SSD(), ba.MMR(distance="npmi")], ids=str)
def test_where_there_is_one_genre_in_all_nothing_changes(method):
    here = world("jaccard", 2)
    assert len(here.case.genres) == 1
    made = dataclasses.replace(method, per_user=True).rerank(here.frame, here.data)
    assert same(made, method.rerank(here.frame, here.data))


@every
def test_a_sweep_and_threads_change_nothing(method):
    data, frame = MANY()
    chosen = dataclasses.replace(method, per_user=True)
    swept = chosen.sweep(frame, data, [0.9, 0.0, 0.3], k=5, threads=2)
    for diversity, made in swept.items():
        assert same(made, chosen.at(diversity).rerank(frame, data, k=5, threads=1))
    whole = method.sweep(frame, data, [0.9, 0.3], k=5)
    assert same(swept[0.0], method.at(0).rerank(frame, data, k=5))
    assert (swept[0.9].lists != whole[0.9].lists).any()


def test_what_it_needs():
    lists = {1: [1, 2]}
    for data, lack in (
        (ba.Dataset(train={1: [1, 2]}), "item features; pass items= with a genres column"),
        (ba.Dataset(items={1: ["a"], 2: ["b"]}), "training rows; pass train="),
    ):
        for method in (ba.Random(per_user=True), ba.MMR(per_user=True, distance=np.zeros((2, 2)))):
            assert method.missing(data) == lack
            with pytest.raises(SpecError, match=f"needs {lack[:15]}"):
                method.rerank(lists, data)
        assert ba.Random().missing(data) is None
    assert str(ba.Random(per_user=True)) == "Random(diversity=0.5, per_user=true)"
    with pytest.raises(SpecError, match="per_user must be true or false"):
        ba.MMR(per_user="often")
