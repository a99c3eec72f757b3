"""Re-rankers against the metrics they are made of, against linear algebra, and against what a shuffle should be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from draws import draws
from rerank_worlds import HOW, MANY, MARKS, SLOW, uniform, world

import beyondacc as ba
from beyondacc.errors import NoEffectWarning
from beyondacc.kernels.scaling import normalise
from beyondacc.rerank.base import NORMALISATIONS

pytestmark = MARKS
KINDS = [(kind, seed) for kind in ("jaccard", "cosine of vectors") for seed in (0, 1, 3)]


def of_users(lists, here, metric):
    """``{user: value}`` of those with a list."""
    report = ba.evaluate(lists, here.data, metric, n_boot=0, users="recommended")
    return report.per_user(metric).to_dict()


def last_of(made):
    """``{user: (length, selection score of the last pick)}``."""
    lengths = made.lengths
    return {user: (n, made.gain[row, n - 1]) for row, (user, n) in enumerate(zip(made.users, lengths, strict=True))}


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_binomial_diversity_of_a_full_list_is_the_metric(alpha):
    compared = 0
    for at in KINDS:
        here = world(*at)
        for k in (1, 3, 6):
            made = ba.BinomialDiversity(diversity=1, alpha=alpha).rerank(here.frame, here.data, k=k)
            values = of_users(made, here, f"binomial_diversity(alpha={alpha})@{k}")
            for user, (n, score) in last_of(made).items():
                if n == k:
                    assert score == pytest.approx(values[user], rel=1e-9, abs=1e-12)
                    compared += 1
    assert compared > 150


@pytest.mark.parametrize("profile_weight", ["none", "rating"])
@pytest.mark.parametrize("smoothing", [0.01, 0.5])
def test_calibrated_is_minus_the_divergence_of_the_list(smoothing, profile_weight):
    compared = 0
    for at in KINDS:
        here = world(*at)
        for k in (1, 4, 30):
            chosen = ba.Calibrated(diversity=1, smoothing=smoothing, profile_weight=profile_weight)
            made = chosen.rerank(here.frame, here.data, k=k)
            values = of_users(made, here, f"calibration_kl(smoothing={smoothing}, profile_weight={profile_weight})@{k}")
            for user, (_, score) in last_of(made).items():
                if not np.isnan(values[user]):  # a profile with genres and a list with genres
                    assert score == pytest.approx(-values[user], rel=1e-9, abs=1e-10)
                    compared += 1
    assert compared > 100


def test_what_is_calibrated_is_nearer_to_the_profile_the_more_it_weighs():
    data, frame = MANY()
    swept = ba.Calibrated().sweep(frame, data, [0, 0.5, 1.0], k=8)
    means = [ba.evaluate(made, data, "calibration_kl@8", n_boot=0).value("calibration_kl@8") for made in swept.values()]
    assert means == sorted(means, reverse=True)
    assert means[-1] < 0.3 * means[0]


@pytest.mark.parametrize(
    ("method", "metric"),
    [
        (ba.MMR, "ild@8"),
        (ba.GreedyDiversity, "ild@8"),
        (ba.MSD, "ild@8"),
        (ba.DPP, "vendi(distance=cosine, missing=one)@8"),
        (ba.SSD, "ild(distance=cosine)@8"),
        (ba.Swap, "ild@8"),
        (ba.TopicDiversification, "ild@8"),
        (ba.XQuAD, "subtopic_recall@8"),
        (ba.PM2, "proportionality@8"),
        (ba.BinomialDiversity, "binomial_diversity@8"),
        (ba.Novelty, "self_information@8"),
        (ba.Popularity, "epc@8"),
        (ba.Surprise, "surprise_content@8"),
    ],
)
def test_each_raises_what_it_is_for(method, metric):
    data, frame = MANY()
    swept = method().sweep(frame, data, [0, 0.9], k=8)
    before, after = (ba.evaluate(made, data, metric, n_boot=0).value(metric) for made in swept.values())
    assert after > 1.01 * before


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("diversity", [0.1, 0.5, 1.0])
def test_dpp_takes_the_largest_determinant_at_each_step(diversity, scale):
    n, width, n_users = 9, 5, 3 if SLOW else 30
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n_users * n, width))
    data = ba.Dataset(items=pd.DataFrame({"item_id": range(len(vectors))}), vectors=vectors)
    scores = rng.normal(size=(n_users, n))
    frame = pd.DataFrame(
        {"user_id": np.repeat(np.arange(n_users), n), "item_id": range(len(vectors)), "score": scores.ravel()}
    )
    made = ba.DPP(diversity=diversity, scale=scale).rerank(frame, data, k=7)
    weights = np.exp((1 - diversity) * scale * (scores - scores.mean(1, keepdims=True)) / scores.std(1, keepdims=True))
    for row in range(n_users):
        own = unit(vectors[row * n : row * n + n])
        kernel = weights[row][:, None] * (own @ own.T) * weights[row]
        picks = (made.lists[row] - row * n).tolist()
        for step in range(width):
            dets = {
                at: np.linalg.det(kernel[np.ix_([*picks[:step], at], [*picks[:step], at])])
                for at in range(n)
                if at not in picks[:step]
            }
            assert dets[picks[step]] >= max(dets.values()) * (1 - 1e-7)
            before = np.linalg.det(kernel[np.ix_(picks[:step], picks[:step])]) if step else 1.0
            assert made.gain[row, step] == pytest.approx(dets[picks[step]] / before, rel=1e-6)
        ranks = made.input_ranks[row].tolist()
        assert made.gain[row, width:].tolist() == [0, 0]  # no further direction is left
        assert ranks[width:] == [rank for rank in range(n) if rank not in ranks[:width]][:2]


def test_dpp_with_similarities_that_are_no_kernel_fills_up_in_input_order():
    """Distances above 1 between items that are both near to a third: no weights make such a set likely."""
    far = np.array([[0, 0.1, 0.1], [0.1, 0, 3.0], [0.1, 3.0, 0]])
    data = ba.Dataset(items={1: ["a"], 2: ["b"], 3: ["c"]})
    made = ba.DPP(diversity=1, distance=far).rerank({"u": [1, 2, 3]}, data, k=3)
    assert made.input_ranks.tolist() == [[0, 1, 2]]
    assert made.gain[0].tolist() == pytest.approx([1, 1 - 0.9**2, 0])


def test_ssd_is_what_least_squares_leave():
    rng = np.random.default_rng(0)
    n = 12
    vectors = rng.integers(-2, 3, size=(n, 6)).astype(float)
    vectors[3] = vectors[1] + vectors[2]
    data = ba.Dataset(items=pd.DataFrame({"item_id": range(n)}), vectors=vectors)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    points = np.c_[vectors / np.where(norms == 0, 1, norms), np.ones(n)]
    for window in (None, 1, 3):
        made = ba.SSD(diversity=1, window=window, gamma=2.0).rerank({"u": list(range(n))}, data, k=n)
        directions = np.zeros((0, 7))
        for pick, value in zip(made.lists[0], made.gain[0], strict=True):
            recent = directions if window is None else directions[-window:]
            left = points[pick] - recent.T @ np.linalg.lstsq(recent.T, points[pick], rcond=1e-9)[0]
            assert value == pytest.approx(2 * np.linalg.norm(left), abs=1e-9)
            directions = np.vstack([directions, np.where(np.linalg.norm(left) > 1e-9, left, 0)])


def test_pm2_gives_seats_in_proportion():
    """Sainte-Lague: 20 seats of shares .5, .3 and .2."""
    items = {item: ["abc"[item % 3]] for item in range(60)} | {100 + at: [name] for at, name in enumerate("aaaaabbbcc")}
    data = ba.Dataset(train={"u": list(range(100, 110))}, items=items)
    made = ba.PM2(diversity=1, emphasis=1).rerank({"u": list(range(60))}, data, k=20)
    assert np.bincount([item % 3 for item in made.to_dict()["u"]]).tolist() == [10, 6, 4]


def test_novelty_and_popularity_agree_where_counts_are_few():
    """The logarithm keeps the order, and the order is all there is at the full weight."""
    data, frame = MANY()
    one = ba.Novelty(diversity=1).rerank(frame, data, k=20)
    other = ba.Popularity(diversity=1).rerank(frame, data, k=20)
    assert data.item_counts.min() > 0
    np.testing.assert_array_equal(one.lists, other.lists)


# the control


def test_random_is_uniform_and_rests_on_nothing_else():
    data, frame = MANY()
    made = ba.Random(diversity=1, seed=5).rerank(frame, data, k=20)
    assert abs(made.gain.mean() - 0.5) < 0.02
    assert made.gain.min() >= 0
    assert made.gain.max() < 1
    first = np.bincount(made.input_ranks[:, 0], minlength=20)
    assert first.max() < 4 * first.mean()
    half = ba.Random(diversity=1, seed=5).rerank(frame[frame["user_id"] % 2 == 1], data, k=20)
    odd = dict(zip(made.users, made.lists.tolist(), strict=True))
    assert all(odd[user] == row for user, row in zip(half.users, half.lists.tolist(), strict=True))
    other = ba.Random(diversity=1, seed=6).rerank(frame, data, k=20)
    assert (other.lists != made.lists).mean() > 0.5
    row = made.to_pandas().query("user_id == 7").set_index("item_id")["gain"]
    assert row.to_dict() == {item: uniform(5, 7, item) for item in row.index}


# scales


@pytest.mark.parametrize("how", HOW)
def test_normalisation_of_odd_numbers(how):
    rng = np.random.default_rng(0)
    odd = [0.0, -0.0, 5e-324, 1e-323, 1e-308, 1.0, 1 + 2e-16, 1e300, 1.7e308, -1.7e308]
    for _ in range(50 if SLOW else draws(2000)):
        values = rng.choice(odd, rng.integers(0, 20))
        given = values.copy()
        normalise(values, len(values), NORMALISATIONS[how], 0.0)
        assert np.isfinite(values).all(), given
        if how != "rank":
            ordered = values[np.argsort(given, kind="stable")]
            assert (ordered[1:] >= ordered[:-1]).all(), given
        if how == "minmax" and len(values):
            assert 0 <= values.min() <= values.max() <= 1
            assert (given.min() == given.max()) == (values.max() == 0), given


def test_a_tolerance_makes_computed_numbers_constant():
    for spread, constant in ((1e-13, True), (1e-11, False)):
        values = 0.5 + spread * np.array([0.0, 1.0, 0.0])
        normalise(values, 3, NORMALISATIONS["zscore"], 1e-12)
        assert (values == 0).all() == constant
    only_the_first = np.array([1.0, 3.0, 99.0])
    normalise(only_the_first, 2, NORMALISATIONS["minmax"], 0.0)
    assert only_the_first.tolist() == [0, 1, 99]


def test_dpp_with_weights_beyond_all_numbers():
    """Scores of thousands, as they are: what is beyond all numbers is the largest there is, and scores stay numbers."""
    data = ba.Dataset(items={item: [str(item)] for item in range(5)})
    lists = {"u": {0: 4000.0, 1: 3000.0, 2: 300.0, 3: 299.0, 4: -5000.0}}
    with pytest.warns(NoEffectWarning):
        made = ba.DPP(normalize="none", diversity=0.1).rerank(lists, data, k=5)
    assert np.isfinite(made.gain).all()
    assert made.input_ranks.tolist() == [[0, 1, 2, 3, 4]]
    assert made.gain[0, 0] == made.gain[0, 1] > 1e300
    assert made.gain[0, 2:4].tolist() == pytest.approx([np.exp(540), np.exp(538.2)])
    assert made.gain[0, 4] == 0
    frame = made.to_pandas()
    assert ba.Recommendations.read(frame, data).to_dict() == made.to_dict()
