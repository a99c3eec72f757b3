"""Extremes: very many features, users, ranks; laws that a metric obeys whatever the size."""

from __future__ import annotations

import math

import bridge
import numba
import numpy as np
import pandas as pd
import pytest
from draws import draws
from oracle import ORACLES
from strategies import assemble, random_case

from beyondacc import Dataset, evaluate
from beyondacc.evaluation.evaluate import default_metrics, evaluate_run
from beyondacc.kernels.binomial import log_tails
from beyondacc.metrics import REGISTRY

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("own_distance")]

SLOW = numba.config.DISABLE_JIT


def check_all(case, *, k, skip=()):
    """Compare every metric at its defaults with the oracle."""
    data = bridge.to_dataset(case)
    run = bridge.to_run(case, data)
    metrics = [metric @ k for metric in default_metrics(data, k, every=True, side=run.side)]
    compared = 0
    for metric in metrics:
        if metric.family.name in skip:
            continue
        state = evaluate_run(run, [metric], threads=1)[metric]
        expected = bridge.expected_of(case, metric)
        found = bridge.result_of(metric, state, run.world)
        if metric.family.grain == "user":
            expected = [expected[user] for user in run.ids.tolist()]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=str(metric))
        compared += 1
    return compared


def test_ten_thousand_features():
    rng = np.random.default_rng(0)
    n_genres = 500 if SLOW else 10_000
    case = random_case(rng, n_users=4, n_items=30, n_genres=1)
    names = [f"g{number:05}" for number in range(n_genres)]
    case.features = {item: set(rng.choice(names, rng.integers(0, 60)).tolist()) for item in case.features}
    case.features[next(iter(case.features))] |= set(names)  # one item has them all
    case.genres = names
    # exact fractions of ten thousand genres take minutes
    skip = [name for name in ORACLES if name.startswith("binomial")]
    assert check_all(case, k=10, skip=skip) > 40


def test_binomial_with_ten_thousand_features():
    """Half of the genres are those of one item, half those of the other: two values of p, so that it can be said."""
    n = 1_000 if SLOW else 5_000
    names = [f"g{number:05}" for number in range(2 * n)]
    items = {1: names[:n], 2: names[n:], 3: []}
    data = Dataset({1: [1], 2: [1], 3: [2], 4: [3]}, items=items)
    report = evaluate({9: [1, 3]}, data, ["binomial_coverage@2", "binomial_nonredundancy@2"], n_boot=0)
    assert report.value("binomial_coverage@2") == pytest.approx(math.sqrt((1 - 1 / 4) ** 2), rel=1e-12)
    assert report.value("binomial_nonredundancy@2") == pytest.approx(1.0, rel=1e-12)
    twice = evaluate({9: [1, 3], 8: [2, 3]}, Dataset({1: [1], 2: [2]}, items={**items, 3: names[:n]}), n_boot=0)
    p, both = 1 / 2, 1 / 4  # of user 9 every genre of the first half is there twice
    expected = both / (1 - (1 - p) ** 2)
    found = twice.per_user("binomial_nonredundancy@10")
    assert found[9] == pytest.approx(expected, rel=1e-12)
    assert found[8] == pytest.approx(1.0, rel=1e-12)


def test_a_thousand_ranks():
    rng = np.random.default_rng(1)
    n = 100 if SLOW else 1_000
    case = random_case(rng, n_users=3, n_items=n + 200, n_genres=20, max_length=20, with_earlier=True)
    pool = case.item_order
    case.lists = {user: [pool[at] for at in rng.permutation(len(pool))[:n]] for user in case.train}
    # in test_metrics, without fractions; the oracle's eigenvalues of a thousand rows take minutes
    skip = [name for name in ORACLES if name.startswith("binomial") or name == "vendi"]
    assert check_all(case, k=n, skip=skip) > 40


def test_a_million_users_of_one_item_each():
    n = 2_000 if SLOW else 1_000_000
    users = np.arange(n)
    items = users % 7
    frame = pd.DataFrame({"user_id": users, "item_id": items})
    genres = {item: [f"g{item % 3}"] for item in range(8)}
    train = pd.DataFrame({"user_id": users, "item_id": (users + 1) % 7})
    data = Dataset(train, frame[: n // 2], genres)
    metrics = [
        *("ndcg@5", "precision@5", "epc@5", "self_information@5", "surprise_content@5", "surprise_cooccurrence@5"),
        *("binomial_diversity@5", "calibration_kl@5", "aplt@5", "genre_entropy@5", "vendi@5", "radio_fragmentation@5"),
        *("catalog_coverage@5", "gini@5", "exposure_gini@5", "personalization@5", "pop_reo@5", "popularity_lift@5"),
        *("group_exposure_ratio@5", "inter_user_diversity@5", "user_coverage@5", "ild@5"),
    ]
    report = evaluate(frame, data, metrics, n_boot=0)
    assert report.value("ndcg@5") == 1.0
    assert report.value("precision@5") == pytest.approx(1 / 5, rel=1e-12)
    assert report["ndcg@5"].n_users == n // 2
    assert report.value("catalog_coverage@5") == 7 / 8
    assert report.value("vendi@5") == 1.0
    assert report.value("genre_entropy@5") == 0.0
    assert math.isnan(report.value("ild@5"))
    counts = np.bincount(items)
    same = (counts * (counts - 1)).sum() / (n * (n - 1))
    assert report.value("personalization@5") == pytest.approx(1 - same, rel=1e-9)
    assert report.value("surprise_cooccurrence@5") == 1.0  # nobody has two items
    assert report.value("epc@5") == pytest.approx(1 - (counts[items] / n).mean(), rel=1e-3)


@pytest.mark.parametrize("p", [1e-12, 1 - 1e-12])
def test_probabilities_at_the_ends(p):
    """A genre that almost nobody, or almost everybody, prefers, in closed form through the kernel."""
    factorials = np.array([math.lgamma(n + 1.0) for n in range(3)])
    out = np.empty(3)
    log_tails(p, 2, factorials, out)
    # P(X >= 2 | X > 0) = p^2 / (1 - (1 - p)^2) = p / (2 - p)
    assert out[2] == pytest.approx(math.log(p) - math.log(2 - p), rel=1e-12, abs=1e-12)


def test_single_and_double_precision_agree():
    rng = np.random.default_rng(2)
    case = random_case(rng, n_users=20, n_items=60, with_vectors=True)
    case.vectors = {item: rng.normal(size=16).astype(np.float32).tolist() for item in case.vectors}
    single, double = (bridge.to_dataset(case, dtype=dtype) for dtype in (np.float32, np.float64))
    lists = bridge.to_lists(case)
    names = [name for name, family in REGISTRY.items() if "distance" in family.params]
    assert len(names) >= 8
    for name in names:
        for distance in ("cosine", "euclidean"):
            metric = f"{name}(distance={distance})@5"
            one, other = (evaluate(lists, data, metric, n_boot=0) for data in (single, double))
            np.testing.assert_allclose(
                one.per_user(metric), other.per_user(metric), rtol=2e-6, atol=2e-6, err_msg=metric
            )


# laws of single metrics


def test_the_greedy_ideal_is_ideal():
    rng = np.random.default_rng(3)
    for _ in range(20 if SLOW else draws(200)):
        genres = {item: set(rng.choice(list("abcdef"), rng.integers(1, 4)).tolist()) for item in range(12)}
        relevant = rng.permutation(12)[: rng.integers(1, 8)].tolist()
        left, seen, ideal = sorted(relevant), dict.fromkeys("abcdef", 0), []
        while left:
            best = max(left, key=lambda item: (sum(0.5 ** seen[g] for g in genres[item]), str(item)))
            left.remove(best)
            ideal.append(best)
            for genre in genres[best]:
                seen[genre] += 1
        data = Dataset(test={1: relevant}, items={item: sorted(each) for item, each in genres.items()})
        assert evaluate({1: ideal}, data, "alpha_ndcg@12", n_boot=0).value("alpha_ndcg@12") == pytest.approx(
            1, abs=1e-12
        )


def test_a_list_in_the_proportions_of_the_profile_is_calibrated():
    rng = np.random.default_rng(4)
    for _ in range(draws(20, 5)):
        genres = {item: rng.choice(list("abcd"), rng.integers(1, 4), replace=False).tolist() for item in range(10)}
        profile = rng.permutation(10)[: rng.integers(1, 10)].tolist()
        data = Dataset({1: profile}, items=genres)
        metrics = ["calibration_kl@10", "calibration_js@10", "calibration_hellinger@10"]
        report = evaluate({1: profile[::-1]}, data, metrics, n_boot=0)
        assert [report.value(metric) for metric in metrics] == pytest.approx([0, 0, 0], abs=1e-7)


def test_genres_that_no_item_of_the_list_nor_of_the_training_rows_has_change_nothing():
    """An item nobody sees may bring new genres: only the root of the coverage grows, towards 1."""
    rng = np.random.default_rng(5)
    case = random_case(rng, n_users=6, n_items=20, n_genres=5)
    lists = bridge.to_lists(case)
    genres = {item: sorted(each) for item, each in case.features.items()}
    new = "z" if isinstance(next(iter(genres)), str) else 10**6
    plain, more = Dataset(case.train, items=genres), Dataset(case.train, items={**genres, new: ["unheard of"]})
    n = len(case.genres)
    for metric in ("binomial_nonredundancy@5", "binomial_coverage@5", "binomial_diversity(alpha=1)@5"):
        one, other = (evaluate(lists, data, metric, n_boot=0).per_user(metric) for data in (plain, more))
        if "coverage" in metric:
            one = one ** (n / (n + 1))  # the genre's own factor is (1 - 0)^N = 1
        np.testing.assert_allclose(one, other, rtol=1e-10)


def test_vendi_counts_what_is_different():
    items = {item: [f"g{item}"] for item in range(6)} | {item: ["same"] for item in range(6, 12)}
    data = Dataset(items=items)
    assert evaluate({1: list(range(6))}, data, "vendi@6", n_boot=0).value("vendi@6") == pytest.approx(6)
    assert evaluate({1: list(range(6, 12))}, data, "vendi@6", n_boot=0).value("vendi@6") == pytest.approx(1)
    assert evaluate({1: [0, 6, 7, 1]}, data, "vendi@4", n_boot=0).value("vendi@4") < 3.01


def test_eild_without_weights_is_ild():
    case = assemble({"u": [3, 1, 2]}, {}, {"u": {9: 1.0}}, {1: {"a"}, 2: {"a", "b"}, 3: {"c"}, 9: {"a"}}, None, None)
    data = bridge.to_dataset(case)
    report = evaluate(case.lists, data, ["ild@3", "eild@3"], n_boot=0)
    assert report.value("eild@3") == pytest.approx(report.value("ild@3"), rel=1e-12)
