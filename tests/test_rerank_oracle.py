"""The definitions of the re-rankers against other projects' values, against values by hand, and against their laws."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from draws import draws
from hypothesis import given, settings, strategies as st
from oracle import rerank, rerank_aspects as aspects, rerank_orders as orders, rerank_sets as sets
from oracle.diversity import binomial_diversity, genre_probabilities, global_probabilities
from strategies import assemble, candidates, random_candidates

GOLDEN = Path(__file__).resolve().parents[2] / "shared" / "oracles" / "reranking_pyversity.json"
LENSKIT = GOLDEN.with_name("reranking.json")
absent = pytest.mark.skipif(not GOLDEN.is_file(), reason="shared/oracles is not beside the checkout")


def read(path):
    return json.loads(path.read_text()) if path.is_file() else {"cases": []}


# pyversity 0.2.0 works in float32 and adds 1e-7 to the diagonal of a DPP and to the deviation of its scores


def unit(rows):
    rows = np.array(rows)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def golden_mmr(scores, rows, diversity, k, metric="cosine", **_of_metric):
    similarity = np.clip(rows @ rows.T if metric == "dot" else unit(rows) @ unit(rows).T, 0, None)
    return rerank.mmr(scores, 1 - similarity, diversity, k, None)


def golden_msd(scores, rows, diversity, k, metric="cosine", **_of_metric):
    distances = -(rows @ rows.T) if metric == "dot" else 1 - unit(rows) @ unit(rows).T
    return sets.msd(scores, distances, diversity, k, None)


def golden_cover(scores, rows, diversity, k, gamma=0.5):
    return sets.cover(scores, 1 - unit(rows) @ unit(rows).T, diversity, k, None, gamma)


def golden_dpp(scores, rows, diversity, k, scale=1.0):
    how = None if diversity == 0 else "zscore"  # pyversity gives the raw scores back then
    return sets.dpp(scores, 1 - unit(rows) @ unit(rows).T, diversity, k, how, scale)


def golden_ssd(scores, rows, diversity, k, window=None, normalize=True, append_bias=True, normalize_scores=True):
    how = "zscore" if normalize_scores and diversity > 0 else None
    return sets.ssd(scores, rows.tolist(), diversity, k, how, window=window, unit=normalize, bias=append_bias)


@absent
@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in read(GOLDEN)["cases"]])
def test_pyversity(case):
    given_, inputs = read(GOLDEN)["datasets"][str(case["inputs"]["dataset"])], case["inputs"]
    scores, rows = np.array(given_["scores"]), np.array(given_["embeddings"])
    # Its first pick is the best score even where scores do not count, and so is our input rank 0. The tie at the first
    # pick of a DPP without scores goes to its position 0.
    in_order = case["id"].endswith("dpp-1.0")
    order = np.arange(len(scores)) if in_order else np.argsort(-scores, kind="stable")
    method = {"MMR": golden_mmr, "MSD": golden_msd, "COVER": golden_cover, "DPP": golden_dpp, "SSD": golden_ssd}
    made = method[case["metric"].split()[0]](
        scores[order].tolist(), rows[order], inputs["diversity"], inputs["k"], **inputs["kwargs"]
    )
    assert order[made[0]].tolist() == case["expected"]["indices"]
    np.testing.assert_allclose(made[1], case["expected"]["selection_scores"], rtol=2e-6, atol=case["tol"])


@absent
@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in read(LENSKIT)["cases"]])
def test_lenskit(case):
    inputs = case["inputs"]
    found = orders.least_item_promoted(inputs["reference"], inputs["reranked"], inputs["n"])
    assert found == case["expected"]["value"]


# by hand: a and b are alike, c is far from both

SCORES = [2.0, 1.5, 1.0]  # minmax 1, 1/2, 0
NEAR = [[0.0, 0.25, 1.0], [0.25, 0.0, 1.0], [1.0, 1.0, 0.0]]
NOTHING = [[None] * 3, [None, 0.0, 1.0], [float("nan"), 1.0, 0.0]]


def test_msd():
    assert sets.msd(SCORES, NEAR, 0.5, 3) == ([0, 2, 1], [0.5, 0.5, 0.875])
    assert sets.msd(SCORES, NEAR, 1.0, 3) == ([0, 2, 1], [0, 1, 1.25])
    assert sets.msd(SCORES, NOTHING, 0.5, 3) == ([0, 1, 2], [0.5, 0.75, 1.0])


def total(distances, term, _step):
    for place, distance in enumerate(distances):
        term[place] += distance


def mean(distances, term, step):
    for place, distance in enumerate(distances):
        term[place] += (distance - term[place]) / step


def nearest(distances, term, step):
    for place, distance in enumerate(distances):
        term[place] = distance - 1 if step == 1 else min(term[place], distance - 1)


@given(candidates(), st.sampled_from([0.25, 0.5, 1.0]), st.integers(1, 6))
def test_own_gains_that_are_known(made, diversity, k):
    scores, matrix = made
    assert sets.own(scores, matrix, diversity, k, total) == sets.msd(scores, matrix, diversity, k)
    assert sets.own(scores, matrix, diversity, k, nearest) == rerank.mmr(scores, matrix, diversity, k)
    assert sets.own(scores, matrix, diversity, 2, mean) == rerank.greedy_diversity(scores, matrix, diversity, 2)


def test_cover():
    # alone, a and b cover 1 + .75, c covers 1
    assert sets.cover(SCORES, NEAR, 1.0, 3) == ([0, 2, 1], [1.75, 1.0, 0.25])
    assert sets.cover(SCORES, NEAR, 0.5, 2) == ([0, 2], [0.5 + 0.875, 0.5])
    root = math.sqrt(0.75)
    picks, values = sets.cover(SCORES, NEAR, 1.0, 3, gamma=0.5)
    assert picks == [0, 2, 1]
    assert values == pytest.approx([1 + root, 1, 2 * math.sqrt(1.75) - 1 - root])
    # every candidate covers itself, also without a distance to itself
    assert sets.cover(SCORES, NOTHING, 1.0, 3) == ([0, 1, 2], [1, 1, 1])


@given(candidates(), st.sampled_from([0.25, 0.5, 1.0]))
def test_cover_with_gamma_1_is_one_sort(made, diversity):
    """Similarities add up, whatever is selected."""
    scores, matrix = made
    n = len(scores)
    similar = [[float(i == j) or max(0.0, 1 - rerank.known(matrix[i][j])) for j in range(n)] for i in range(n)]
    worth = [
        (1 - diversity) * s + diversity * sum(row)
        for s, row in zip(rerank.normalized(scores, "minmax"), similar, strict=True)
    ]
    picks, values = sets.cover(scores, matrix, diversity, 5, gamma=1.0)
    assert picks == sorted(range(n), key=lambda i: -worth[i])[:5]
    assert values == [worth[i] for i in picks]


def test_dpp():
    # constant scores: weights 1; the residual of b after a is 1 - .75^2
    assert sets.dpp([1.0] * 3, NEAR, 0.5, 3) == ([0, 2, 1], [1.0, 1.0, 1 - 0.75**2])
    # z-scores of 2, 1 are 1, -1; w = exp(.5), exp(-.5)
    picks, values = sets.dpp([2.0, 1.0], [[0, 0.5], [0.5, 0]], 0.5, 2)
    assert picks == [0, 1]
    assert values == pytest.approx([math.e, 0.75 / math.e])
    _, values = sets.dpp([2.0, 1.0], [[0, 0.5], [0.5, 0]], 0.5, 2, scale=4.0)
    assert values == pytest.approx([math.e**4, 0.75 / math.e**4])
    assert sets.dpp([2.0, 1.0], NEAR, 0, 2) == ([0, 1], [1.0, -1.0])


def test_dpp_fills_up():
    """Three of four are the same."""
    matrix = [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]]
    assert sets.dpp([1.0] * 4, matrix, 1.0, 4) == ([0, 2, 1, 3], [1.0, 1.0, 0.0, 0.0])
    assert sets.dpp([1.0] * 4, matrix, 1.0, 3) == ([0, 2, 1], [1.0, 1.0, 0.0])


def test_dpp_floor():
    """Small weights make a residual variance small that is none of a duplicate."""
    scores, far = [3.0, 0.0, 1.0], [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    picks, values = sets.dpp(scores, far, 0.5, 3, scale=120.0)
    assert picks == [0, 1, 2]
    assert values[1:] == [0.0, 0.0]
    assert sets.dpp(scores, far, 0.5, 3, scale=120.0, weighted_floor=False)[0] == [0, 2, 1]


@pytest.mark.parametrize("seed", range(draws(20)))
def test_dpp_is_the_ratio_of_determinants(seed):
    rng = np.random.default_rng(seed)
    rows = unit(rng.normal(size=(9, 5)))
    scores = np.sort(rng.random(9))[::-1].tolist()
    diversity = float(rng.choice([0.1, 0.5, 1.0]))
    picks, values = sets.dpp(scores, 1 - rows @ rows.T, diversity, 7, scale=0.5)
    weights = np.exp((1 - diversity) * 0.5 * np.array(rerank.zscore(scores)))
    kernel = weights[:, None] * (rows @ rows.T) * weights
    dets = [1.0, *(np.linalg.det(kernel[np.ix_(picks[:n], picks[:n])]) for n in range(1, 6))]
    np.testing.assert_allclose(values[:5], np.array(dets[1:]) / dets[:-1], rtol=1e-7)
    assert max(values[5:]) < 1e-9  # five dimensions are used up
    assert values[0] == pytest.approx(max(np.diag(kernel)))
    for n in range(1, 5):  # no other item would have made the next determinant larger
        others = [
            np.linalg.det(kernel[np.ix_([*picks[:n], i], [*picks[:n], i])]) for i in range(9) if i not in picks[:n]
        ]
        assert max(others) <= dets[n + 1] * (1 + 1e-7)


@given(st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4), min_size=4, max_size=4))
def test_determinant(rows):
    exact = sets.determinant([[Fraction(x, 3) for x in row] for row in rows])
    assert float(exact) == pytest.approx(np.linalg.det(np.array(rows) / 3), abs=1e-9)
    assert (exact == 0) == (np.linalg.matrix_rank(np.array(rows)) < 4)


def test_ssd():
    rows = [[3.0, 0.0], [5.0, 0.0], [0.0, 2.0]]
    # all rows are of length sqrt(2); b is a again, c has the angle with a whose cosine is 1/2
    picks, values = sets.ssd([1.0] * 3, rows, 1.0, 3)
    assert picks == [0, 2, 1]
    assert values == pytest.approx([math.sqrt(2), math.sqrt(1.5), 0])
    assert sets.ssd([1.0] * 3, rows, 1.0, 3, bias=False) == ([0, 2, 1], [1.0, 1.0, 0.0])
    assert sets.ssd([1.0] * 3, rows, 0.5, 3, bias=False, unit=False, gamma=2.0) == ([1, 2, 0], [5.0, 2.0, 0.0])
    # without a row: of no length but for the one added
    assert sets.ssd([1.0] * 3, [[3.0, 0.0], None, [0.0, 0.0]], 1.0, 3, bias=False)[1] == [1.0, 0.0, 0.0]
    assert sets.ssd([1.0] * 2, [None, []], 1.0, 2)[1] == [1.0, 0.0]


def test_a_direction_that_leaves_the_window_is_not_worked_into_those_that_stay():
    rows = [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]]
    relevance = [9.0, 6.0, 3.0, 0.0]
    gains = sets.ssd_gains(relevance, rows, 0.5, window=1, unit=False, bias=False)
    # the direction of the second item is (0, 1, 0), what was left of it; of the third (1, 1, 0) stays (1, 0, 0)
    assert rerank.along([0, 1, 2, 3], 4, gains)[2:] == [0.5 * (3 + 1), 0.5 * 1]
    # in the window of two the third has nothing left, and a direction of none takes nothing off
    gains = sets.ssd_gains(relevance, rows, 0.5, window=2, unit=False, bias=False)
    assert rerank.along([0, 1, 2, 3], 4, gains)[2:] == [1.5, 0.0]


@pytest.mark.parametrize("window", [None, 1, 2, 3])
@pytest.mark.parametrize("seed", range(draws(5)))
def test_ssd_is_a_least_squares_residual(seed, window):
    rng = np.random.default_rng(seed)
    rows = rng.integers(-2, 3, size=(10, 6)).astype(float)
    rows[3] = rows[1] + rows[2]
    scores = np.sort(rng.random(10))[::-1].tolist()
    picks, values = sets.ssd(scores, rows.tolist(), 0.75, 8, window=window)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    points = np.c_[rows / np.where(norms == 0, 1, norms), np.ones(10)]
    relevance = rerank.zscore(scores)
    directions = np.zeros((0, 7))
    for pick, value in zip(picks, values, strict=True):
        recent = directions if window is None else directions[-window:]
        solved = np.linalg.lstsq(recent.T, points[pick], rcond=1e-9)[0]
        left = points[pick] - recent.T @ solved
        assert value == pytest.approx(0.25 * relevance[pick] + 0.75 * np.linalg.norm(left), abs=1e-9)
        directions = np.vstack([directions, np.where(np.linalg.norm(left) > 1e-9, left, 0)])


# features

WITH = [{"a"}, {"a", "b"}, {"b"}, set()]
EVEN = {"a": Fraction(1, 2), "b": Fraction(1, 2)}
MOSTLY_A = {"a": Fraction(3, 4), "b": Fraction(1, 4)}
FOUR = [3.0, 2.0, 1.0, 0.0]  # minmax 1, 2/3, 1/3, 0


def make(train, features, genres=None):
    case = assemble({}, {}, {"u": train}, {item: set(having) for item, having in features.items()}, None, None)
    case.genres = genres or case.genres
    return case


def test_shares_of_features():
    case = make({1: 5.0, 2: 1.0, 9: 3.0}, {1: "a", 2: "ab", 3: "c"})
    assert aspects.feature_shares(case, "u") == {"a": Fraction(2, 3), "b": Fraction(1, 3), "c": 0}
    assert aspects.feature_shares(case, "nobody") == dict.fromkeys("abc", Fraction(1, 3))
    assert aspects.profile_shares(case, "u") == {"a": Fraction(3, 4), "b": Fraction(1, 4)}
    assert aspects.profile_shares(case, "u", "rating") == {"a": Fraction(11, 12), "b": Fraction(1, 12)}
    assert aspects.profile_shares(case, "nobody") == {}
    assert aspects.feature_shares(make({3: 1.0}, {1: "ab", 3: ""}), "u") == EVEN


def test_xquad():
    # the second has all there is; then nothing is left to win and the order is that of the input
    assert aspects.xquad(FOUR, WITH, EVEN, 1.0, 4) == ([1, 0, 2, 3], [1, 0, 0, 0])
    assert aspects.xquad(FOUR, WITH, EVEN, 1.0, 4, alpha=0.5) == ([1, 0, 2, 3], [1, 0.25, 0.25, 0])
    assert aspects.xquad(FOUR, WITH, EVEN, 1.0, 3, alpha=0.0) == ([1, 0, 2], [1, 0.5, 0.5])
    picks, values = aspects.xquad(FOUR, WITH, MOSTLY_A, 0.5, 4)
    assert picks == [0, 1, 2, 3]
    assert values == pytest.approx([0.5 * (1 + 3 / 4), 0.5 * (2 / 3 + 1 / 4), 0.5 / 3, 0])


def test_pm2():
    # first a's turn: .5 * 3/4 + .5 * 1/4 for the item with both; then seats of 1/2 each: quotients 3/8 and 1/8
    picks, values = aspects.pm2(FOUR, WITH, MOSTLY_A, 1.0, 4)
    assert (picks, values) == ([1, 0, 2, 3], [0.5, 3 / 16, 1 / 16, 0])
    # all weight on the feature whose turn it is: a (3/4 to 1/4), a again (3/4/3 to 1/4: a tie), b (3/4/5
    # to 1/4), and a (3/4/5 to 1/4/3), which the item that is left has not
    picks, values = aspects.pm2([0.0] * 4, [{"a"}, {"b"}, {"a"}, {"b"}], MOSTLY_A, 1.0, 4, emphasis=1.0)
    assert (picks, values) == ([0, 2, 1, 3], [0.75, 0.25, 0.25, 0])
    # none on it: what is not its turn counts only
    picks, values = aspects.pm2([0.0] * 4, WITH, MOSTLY_A, 1.0, 1, emphasis=0.0)
    assert (picks, values) == ([1], [0.25])


def test_pm2_gives_seats_in_proportion():
    """Sainte-Lague: 100 seats of shares .5, .3 and .2."""
    shares = {"a": Fraction(1, 2), "b": Fraction(3, 10), "c": Fraction(1, 5)}
    features = [{"abc"[at % 3]} for at in range(60)]
    picks, _ = aspects.pm2([0.0] * 60, features, shares, 1.0, 20, emphasis=1.0)
    assert [sum(features[at] == {name} for at in picks) for name in "abc"] == [10, 6, 4]


def test_binomial_diversity():
    # METRICS section 3: p(a) = .8, p(b) = .2
    p = {"a": Fraction(4, 5), "b": Fraction(1, 5)}
    picks, values = aspects.binomial_diversity(FOUR[:3], [{"a"}, {"a"}, {"b"}], p, 1.0, 2)
    assert picks == [0, 2]
    assert values == pytest.approx([0.8, 1.0])  # sqrt((1 - .2)^2) times P(X >= 1 | X > 0)
    assert aspects.binomial_diversity(FOUR[:2], [set(), set()], p, 1.0, 2) == ([0, 1], [0, 0])
    assert aspects.binomial_diversity(FOUR[:2], [{"a"}, set()], {}, 1.0, 2) == ([0, 1], [0, 0])
    # an item without genres changes nothing
    _, values = aspects.binomial_diversity(FOUR[:3], [{"a"}, set(), set()], p, 1.0, 3)
    assert values == pytest.approx([0.8**1.5] * 3)


@given(st.permutations(range(6)), st.sampled_from([0, 0.5, 1]))
def test_binomial_diversity_of_a_full_list_is_the_metric(order, alpha):
    case = make({1: 1.0, 2: 1.0, 5: 1.0}, {1: "a", 2: "ab", 3: "b", 4: "c", 5: "ac", 6: "bc"})
    items = [at + 1 for at in order]
    features = [case.features[item] for item in items]
    p = genre_probabilities(case, "u", alpha, global_probabilities(case))
    picks, values = aspects.binomial_diversity([1.0] * 6, features, p, 1.0, 4)
    case.lists = {"u": [items[at] for at in picks]}
    assert values[-1] == pytest.approx(binomial_diversity(case, 4, alpha=alpha)["u"])


def test_calibrated():
    # the item with both genres is what the profile is
    assert aspects.calibrated(FOUR, WITH, EVEN, 1.0, 1) == ([1], [0])
    picks, values = aspects.calibrated([0.0] * 3, [{"a"}, set(), {"b"}], EVEN, 1.0, 3, smoothing=0.5)
    assert picks == [0, 2, 1]
    assert values == pytest.approx([-(0.5 * math.log2(2 / 3) + 0.5), 0, 0])
    # nothing counted yet: only the smoothing part of the profile is there
    _, values = aspects.calibrated([0.0], [set()], EVEN, 1.0, 1, smoothing=0.25)
    assert values == pytest.approx([-2])
    assert aspects.calibrated(FOUR, WITH, {}, 0.5, 4) == ([0, 1, 2, 3], pytest.approx([0.5, 1 / 3, 1 / 6, 0]))
    assert aspects.calibrated(FOUR, WITH, MOSTLY_A, 1.0, 4, smoothing=1.0) == ([0, 1, 2, 3], [0, 0, 0, 0])


# ranks, sums and sorts


def test_swap():
    # b adds .25, c adds 1; the relevance of b is 1/2 over that of c
    assert orders.swap(SCORES, NEAR, 0.5, 2) == ([0, 2], [1, 0])
    assert orders.swap(SCORES, NEAR, 0.49, 2) == ([0, 1], [1, 0.5])
    assert orders.swap(SCORES, NEAR, 0, 2) == ([0, 1], [1, 0.5])
    assert orders.swap(SCORES, NEAR, 1.0, 1) == ([0], [1])
    assert orders.swap(SCORES, NEAR, 1.0, 5) == ([0, 1, 2], [1, 0.5, 0])
    # the candidate that falls too far ends the search even if a later one does not
    far = [[0, 0.1, 1, 1], [0.1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]]
    assert orders.swap([4.0, 3.0, 0.0, 2.9], far, 0.5, 2)[0] == [0, 1]
    assert orders.swap([4.0, 3.0, 2.9, 0.0], far, 0.5, 2)[0] == [0, 2]


def test_topic_diversification():
    # after a: relevance ranks b 0, c 1; b is the more similar, so dissimilarity ranks c 0, b 1
    assert orders.topic_diversification(SCORES, NEAR, 0.75, 3) == ([0, 2, 1], [0, -0.25, 0])
    assert orders.topic_diversification(SCORES, NEAR, 0.5, 3) == ([0, 1, 2], [0, -0.5, 0])
    assert orders.topic_diversification(SCORES, NEAR, 1.0, 3) == ([0, 2, 1], [0, 0, 0])
    assert orders.topic_diversification(SCORES, NEAR, 0, 3) == ([0, 1, 2], [1, 0.5, 0])


def test_sums_that_differ_by_rounding_are_equal():
    tenth, others = 0.1 + 0.2, 0.3  # not the same float
    matrix = [[0, others, tenth], [others, 0, 1], [tenth, 1, 0]]
    assert tenth > others
    assert orders.topic_diversification(SCORES, matrix, 1.0, 3)[0] == [0, 1, 2]
    assert orders.swap(SCORES, matrix, 1.0, 2)[0] == [0, 1]  # the third adds no more than the second
    matrix = [[0, others, tenth, 1], [others, 0, 0.1, 1], [tenth, 0.1, 0, 1], [1, 1, 1, 0]]
    assert orders.swap(FOUR, matrix, 1.0, 3)[0] == [0, 1, 3]  # the weakest is the third, not the second
    assert orders.swap(FOUR, matrix, 1.0, 3, tolerance=0)[0] == [0, 2, 3]


def test_surprise_and_popularity():
    assert rerank.surprise(SCORES, [[0.0, 0.5], [0.25, None], [1.0, 1.0]], 1.0, 3)[0] == [2, 1, 0]
    assert rerank.surprise(SCORES, [[0.0, 1.0], [0.25, 0.25], [None, 0.0]], 1.0, 3, profile="mean")[0] == [0, 2, 1]
    assert rerank.surprise(SCORES, [[], [], []], 1.0, 2) == ([0, 1], [0, 0])
    tenths = [[0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.2, 0.2, 0.2]]
    assert rerank.surprise(SCORES, tenths, 1.0, 3, profile="mean") == ([0, 1, 2], [0, 0, 0])
    assert rerank.popularity(SCORES, [3, 0, 1], 1.0, 3)[0] == [1, 2, 0]
    assert rerank.popularity(SCORES, [3, 0, 1], 0, 3, "minmax") == ([0, 1, 2], [1, 0.5, 0])


def test_diagnostics():
    assert orders.overlap("abcdef", "acf", 3) == pytest.approx(2 / 3)
    assert orders.overlap("abcdef", "ac", 3) == 1
    assert math.isnan(orders.overlap("abc", "", 3))
    assert orders.least_item_promoted("abcdef", "acf", 3) == 2
    assert orders.least_item_promoted("abcdef", "acd", 3) == 0
    assert orders.least_item_promoted("abcdef", "ba", 3) == 0
    assert orders.rank_biased_overlap("abcdef", "abc", 3) == 1
    assert orders.rank_biased_overlap("abcdef", "def", 3) == 0
    # depth 1: none, depth 2: both, depth 3: two of three
    assert orders.rank_biased_overlap("abcd", "bad", 3) == pytest.approx((0.9 + 0.81 * 2 / 3) / (1 + 0.9 + 0.81))
    assert orders.rank_biased_overlap("abcd", "ba", 3, p=0.5) == pytest.approx(0.5 / 1.5)
    assert math.isnan(orders.rank_biased_overlap("abc", "", 3))


# laws of all


def everything(matrix, n):
    """{name: order(scores, diversity, k)} with data for n candidates, and whether more picks leave the first alone."""
    features = [{name for name, bit in zip("abc", (1, 2, 4), strict=True) if i * 5 % 8 & bit} for i in range(n)]
    shares = {"a": Fraction(1, 2), "b": Fraction(1, 4), "c": Fraction(1, 4)}
    rows = [[float(i % 3), float(i * i % 5), float(-i)] for i in range(n)]
    return {
        "MSD": (lambda s, d, k: sets.msd(s, matrix, d, k), True),
        "Cover": (lambda s, d, k: sets.cover(s, matrix, d, k), True),
        "Cover of gamma": (lambda s, d, k: sets.cover(s, matrix, d, k, gamma=0.5), True),
        "DPP": (lambda s, d, k: sets.dpp(s, matrix, d, k, "minmax"), True),
        "SSD": (lambda s, d, k: sets.ssd(s, rows, d, k, "minmax", window=2), True),
        "XQuAD": (lambda s, d, k: aspects.xquad(s, features, shares, d, k, alpha=0.5), True),
        "PM2": (lambda s, d, k: aspects.pm2(s, features, shares, d, k, emphasis=0.75), True),
        "Calibrated": (lambda s, d, k: aspects.calibrated(s, features, shares, d, k), True),
        "BinomialDiversity": (lambda s, d, k: aspects.binomial_diversity(s, features, shares, d, k), False),
        "TopicDiversification": (lambda s, d, k: orders.topic_diversification(s, matrix, d, k), True),
        "Swap": (lambda s, d, k: orders.swap(s, matrix, d, k), False),
        "Surprise": (lambda s, d, k: rerank.surprise(s, matrix, d, k, "minmax", "mean"), True),
        "Popularity": (lambda s, d, k: rerank.popularity(s, [i % 4 for i in range(n)], d, k, "minmax"), True),
    }


@settings(deadline=None)
@given(candidates(), st.sampled_from([0.125, 0.5, 1.0]), st.integers(1, 6))
def test_laws(made, diversity, k):
    scores, matrix = made
    for name, (order, prefix) in everything(matrix, len(scores)).items():
        picks, values = order(scores, diversity, k)
        assert len(picks) == len(values) == len(set(picks)) == min(k, len(scores)), name
        assert set(picks) <= set(range(len(scores))), name
        assert all(map(math.isfinite, values)), name
        assert order(scores, 0, k)[0] == list(range(len(scores)))[:k], name
        assert order(scores, 0, k)[1] == rerank.normalized(scores, "minmax")[:k], name
        if prefix:
            longer = order(scores, diversity, k + 2)
            assert (longer[0][:k], longer[1][:k]) == (picks, values), name


@settings(deadline=None)
@given(candidates())
def test_without_relevance_scores_do_not_matter(made):
    scores, matrix = made
    for name, (order, _) in everything(matrix, len(scores)).items():
        picks, values = order(scores, 1.0, 4)
        others = order(scores[::-1], 1.0, 4)
        assert others[0] == picks, name
        if name != "Swap":
            assert others[1] == values, name


@pytest.mark.parametrize("seed", range(draws(10)))
def test_shortfall_sees_a_wrong_pick(seed):
    scores, matrix = random_candidates(np.random.default_rng(seed), n=8)
    for gains in (
        rerank.objective_of(scores, 0.5, sets.msd_terms(matrix)),
        rerank.objective_of(scores, 0.5, sets.cover_terms(matrix)),
        sets.dpp_gains(scores, matrix, 0.5),
        orders.topic_diversification_gains(matrix, 0.5),
    ):
        picks, values = rerank.take(8, 5, gains)
        assert rerank.shortfall(picks, 8, gains) == 0
        assert rerank.along(picks, 8, gains) == values
        assert rerank.shortfall([*picks[:2], picks[4], picks[3]], 8, gains) >= 0
    wrong = [int(np.argmin(scores))]
    assert rerank.shortfall(wrong, 8, rerank.objective_of(scores, 0.5, sets.msd_terms(matrix))) > 0
