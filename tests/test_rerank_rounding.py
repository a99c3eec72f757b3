"""What is equal but for rounding is equal, and goes to the better input rank."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from rerank_worlds import MARKS

import beyondacc as ba
from beyondacc.errors import NoEffectWarning

pytestmark = MARKS
MORE, LESS = (0.1 + 0.2) + 0.3, (0.3 + 0.2) + 0.1  # not the same float


def between(n, pairs, default=0.5):
    """A symmetric matrix of distances from those of some pairs."""
    matrix = np.full((n, n), default)
    np.fill_diagonal(matrix, 0.0)
    for (one, other), value in pairs.items():
        matrix[one, other] = matrix[other, one] = value
    return matrix


def data_of(n):
    return ba.Dataset(items={item: ["a"] for item in range(n)})


def with_vectors(vectors):
    return ba.Dataset(items=pd.DataFrame({"item_id": range(len(vectors))}), vectors=vectors)


TENTHS = {(0, 3): 0.1, (1, 3): 0.2, (2, 3): 0.3, (0, 4): 0.3, (1, 4): 0.2, (2, 4): 0.1}


def test_the_tenths_are_not_the_same():
    assert MORE > LESS


def test_mean_distances():
    """A z-score over what is left would make the last digit a difference of 2."""
    lists = {"u": {0: 9.0, 1: 8.9, 2: 8.8, 4: 1.0, 3: 1.0}}
    chosen = ba.GreedyDiversity(diversity=0.1, renormalize=True, distance=between(5, TENTHS))
    made = chosen.rerank(lists, data_of(5), k=5)
    assert made.to_dict() == {"u": [0, 1, 2, 4, 3]}
    assert made.gain[0, 3] == made.gain[0, 4] == 0


def test_mean_distances_to_the_profile():
    data = ba.Dataset(train={"u": [0, 1, 2]}, items={item: ["a"] for item in range(5)})
    chosen = ba.Surprise(diversity=1, profile="mean", distance=between(5, TENTHS))
    with pytest.warns(NoEffectWarning, match="equally far from the profile"):
        made = chosen.rerank({"u": [4, 3]}, data)
    assert made.gain.tolist() == [[0, 0]]
    other = ba.Surprise(diversity=1, distance=between(5, TENTHS | {(0, 3): 0.1 + 1e-9, (0, 4): 0.1, (2, 4): 0.3}))
    assert other.rerank({"u": [4, 3]}, data).to_dict() == {"u": [3, 4]}


@pytest.mark.parametrize("twins", [[4, 3], [3, 4]])
def test_sums_of_similarities(twins):
    """Two sums of tenths in another order have the same rank by dissimilarity but for the order of the input."""
    matrix = between(6, TENTHS | {(0, 5): 0.0, (1, 5): 0.0, (2, 5): 0.0, (0, 1): 0.9, (0, 2): 0.8, (1, 2): 0.9})
    similar = [sum(1 - matrix[at, former] for former in (0, 1, 2)) for at in twins]
    assert similar[0] != similar[1]
    assert similar == pytest.approx([2.4, 2.4])
    lists = {"u": [0, 1, 2, *twins, 5]}
    made = ba.TopicDiversification(diversity=0.75, distance=matrix).rerank(lists, data_of(6), k=6)
    assert made.to_dict() == lists


def test_a_loss_of_relevance_that_is_the_bound():
    """The search ends where the loss is more than the bound; one that is as large is allowed."""
    matrix = between(3, {(0, 1): 0.25}, default=1.0)
    lists = {"u": {0: 2.0, 1: 1.5, 2: 1.0}}  # from 1 to 0 by halves
    chosen = ba.Swap(diversity=0.5, distance=matrix)
    assert chosen.rerank(lists, data_of(3), k=2).to_dict() == {"u": [0, 2]}
    assert chosen.at(0.49).rerank(lists, data_of(3), k=2).to_dict() == {"u": [0, 1]}


@pytest.mark.parametrize("tenths", [(0.1, 0.2, 0.3), (0.3, 0.2, 0.1)])
def test_sums_of_distances(tenths):
    """Neither is a later item of the same sum swapped in, nor an earlier one of two out."""
    one, two, three = tenths
    least = {(0, 4): one, (1, 4): two, (2, 4): three, (0, 3): three, (1, 3): two, (2, 3): one, (3, 4): 0.0}
    found = ba.Swap(diversity=1, distance=between(5, least)).rerank({"u": [0, 1, 2, 3, 4]}, data_of(5), k=4)
    assert found.to_dict() == {"u": [0, 1, 2, 3]}
    # 3 and 4 add the same, so that of the two the later one gives way to 5
    with_better = between(6, least | {(5, at): 1.0 for at in range(5)})
    found = ba.Swap(diversity=1, distance=with_better).rerank({"u": [0, 1, 2, 3, 4, 5]}, data_of(6), k=5)
    assert found.to_dict() == {"u": [0, 1, 2, 3, 5]}


def test_turns_of_seats():
    """A share of .6 after one seat is as much as .2 without any, and comes first."""
    assert 0.6 / 3 < 0.2
    items = {1: ["a"], 2: ["b"], 3: ["a"], 10: ["a"], 11: ["a"], 12: ["a"], 13: ["b"], 14: ["c"]}
    data = ba.Dataset(train={"u": [10, 11, 12, 13, 14]}, items=items)
    made = ba.PM2(diversity=1, emphasis=1).rerank({"u": [1, 2, 3]}, data, k=3)
    assert made.to_dict() == {"u": [1, 3, 2]}
    assert made.gain[0].tolist() == pytest.approx([0.6, 0.2, 0.2])


def test_divergences():
    """An item without genres leaves the shares as they are, and so does one that has them in the same shares."""
    items = {1: ["a"], 2: [], 3: ["a"], 4: ["a", "b"], 5: ["a", "b"], 6: [], 10: ["a", "b", "c"]}
    data = ba.Dataset(train={"u": [10]}, items=items)
    for order in ([1, 2, 3], [1, 3, 2], [4, 6, 5], [4, 5, 6], [4, 2, 5, 6]):
        for smoothing in (0.01, 0.3):
            made = ba.Calibrated(diversity=1, smoothing=smoothing).rerank({"u": order}, data, k=4)
            assert made.to_dict() == {"u": order}
            assert len(set(made.gain[0].tolist())) == 1


def test_lengths_that_have_cancelled():
    """What is left of a vector that the picks explain is nothing, not the root of a rounding error."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3, 8))
    alike = np.vstack([vectors, vectors.sum(axis=0), vectors[0] - 0.3 * vectors[2], vectors[1] * 1e-3])
    made = ba.SSD(diversity=1, unit=False, bias=False).rerank({"u": list(range(6))}, with_vectors(alike), k=6)
    assert (made.gain[0, :3] > 0.1).all()
    assert made.gain[0, 3:].tolist() == [0, 0, 0]
    order = made.input_ranks[0].tolist()
    assert order[3:] == sorted(order[3:])


def test_what_is_left_of_a_vector_has_all_its_digits():
    """A vector at a tiny angle to the one picked: a difference of squares would lose half of the digits."""
    angle = 1e-6
    data = with_vectors(
        np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)], [math.cos(2 * angle), math.sin(2 * angle)]])
    )
    made = ba.SSD(diversity=1, bias=False).rerank({"u": [0, 1, 2]}, data, k=3)
    assert made.to_dict() == {"u": [0, 2, 1]}
    assert made.gain[0].tolist() == pytest.approx([1.0, math.sin(2 * angle), 0], rel=1e-9)
