"""The lists and series of numbers that RankSys prints for a small data set, from its published definitions."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
from draws import draws
from oracle import ranksys

import beyondacc as ba
from beyondacc.rerank import RERANKERS

K = 5
GENRES = "abcdefg"


@functools.cache
def drawn(seed):
    """Ten users, 26 items of one to three genres, candidates of 12 with falling scores; ratings above and below 4."""
    rng = np.random.default_rng(seed)
    genres = {item: set(rng.choice(list(GENRES), rng.integers(1, 4), replace=False).tolist()) for item in range(26)}
    train, test, lists = {}, {}, {}
    for user in range(10):
        order = rng.permutation(26).tolist()
        profile, judged, rest = order[:7], order[7:14], order[14:]
        train[user] = {item: float(rng.integers(1, 6)) for item in profile}
        test[user] = {item: float(rng.integers(1, 6)) for item in judged}
        test[user][judged[0]] = 5.0
        pool = rng.permutation([*judged, *rest])[:12].tolist()
        scores = np.sort(rng.choice(10_000, len(pool), replace=False) / 1000)[::-1]
        lists[user] = list(zip(pool, scores.tolist(), strict=True))
    missing = set(range(26)) - {item for items in train.values() for item in items}
    for item in sorted(missing):  # all items were rated by somebody
        train[item % 10][item] = 3.0
        test[item % 10].pop(item, None)
        lists[item % 10] = [pair for pair in lists[item % 10] if pair[0] != item]
    return ranksys.Data(train, test, genres, lists, 4.0)


@functools.cache
def dataset(seed):
    data = drawn(seed)
    items = {item: sorted(genres) for item, genres in data.genres.items()}
    return ba.Dataset(train=data.train, test=data.test, items=items, threshold=data.threshold)


def candidates(seed):
    return {user: dict(pairs) for user, pairs in drawn(seed).lists.items()}


# metric of ours: series there; 35 of them

SERIES = {
    f"precision@{K}": ranksys.precision,
    f"recall@{K}": ranksys.recall,
    **{
        f"eild(distance={kind}, discount={disc}, relevance={rel}, background=0.3)@{K}": functools.partial(
            ranksys.eild, kind=kind, rel=rel, disc=disc, background=0.3
        )
        for kind, rel, disc in [
            *itertools.product(("jaccard", "cosine"), ("none", "binary", "background"), ("none", "log2")),
            ("cosine", "background", "reciprocal"),
            ("cosine", "background", "exp"),
        ]
    },
    **{
        f"{name}(discount={disc}, relevance={rel}, background=0.2)@{K}": functools.partial(
            ranksys.item_novelty, model=model, rel=rel, disc=disc, background=0.2
        )
        for (name, model), (rel, disc) in itertools.product(
            (("epc", "pc"), ("efd", "fd")), (("none", "none"), ("binary", "log2"), ("background", "reciprocal"))
        )
    },
    f"epd(distance=cosine)@{K}": functools.partial(ranksys.item_novelty, model="pd", rel="none", disc="none"),
    **{
        f"binomial_{name}(alpha={alpha})@{K}": functools.partial(ranksys.binomial, part=part, alpha=alpha)
        for (name, part), alpha in itertools.product(
            (("diversity", "both"), ("coverage", "coverage"), ("nonredundancy", "nonredundancy")), (0, 0.5, 1)
        )
    },
    **{
        f"binomial_{name}(alpha=1, relevant_only=true)@{K}": functools.partial(
            ranksys.binomial, part=part, alpha=1, rel="binary"
        )
        for name, part in (("diversity", "both"), ("coverage", "coverage"), ("nonredundancy", "nonredundancy"))
    },
}

# re-ranker of ours: list there; 60 for ten users

LISTS = {
    "GreedyDiversity(normalize=zscore, renormalize=both, distance=jaccard)": functools.partial(
        ranksys.mmr, kind="jaccard"
    ),
    "GreedyDiversity(normalize=none, renormalize=both, distance=cosine)": functools.partial(ranksys.mmr, kind="cosine"),
    "BinomialDiversity(renormalize=true)": functools.partial(ranksys.binomial_list, part="both", alpha=0),
    "BinomialDiversity(alpha=0.5, renormalize=true)": functools.partial(ranksys.binomial_list, part="both", alpha=0.5),
    "BinomialDiversity(alpha=1, renormalize=true)": functools.partial(ranksys.binomial_list, part="both", alpha=1),
    "BinomialDiversity(part=coverage, renormalize=true)": functools.partial(
        ranksys.binomial_list, part="coverage", alpha=0
    ),
    "BinomialDiversity(alpha=0.5, part=nonredundancy, renormalize=true)": functools.partial(
        ranksys.binomial_list, part="nonredundancy", alpha=0.5
    ),
}


def test_how_many_there_are():
    assert len(SERIES) == 35
    assert len(LISTS) * 10 >= 60


@pytest.mark.parametrize("seed", range(draws(3)))
@pytest.mark.parametrize("metric", SERIES)
def test_series(metric, seed):
    data = drawn(seed)
    lists = {user: [item for item, _ in pairs[:K]] for user, pairs in data.lists.items()}
    report = ba.evaluate(lists, dataset(seed), [metric], n_boot=0)
    found = report.per_user_frame().set_index("user_id").iloc[:, 0]
    expected = [SERIES[metric](data, user, lists[user], K) for user in found.index]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(draws(3)))
def test_ndcg_of_ratings_above_a_threshold(seed):
    """Gains 2^(rating - threshold + 1) - 1: those of values that are that much lower."""
    data = drawn(seed)
    shifted = {
        user: {item: rating - data.threshold + 1 for item, rating in items.items() if rating >= data.threshold}
        for user, items in data.test.items()
    }
    lists = {user: [item for item, _ in pairs[:K]] for user, pairs in data.lists.items()}
    report = ba.evaluate(lists, ba.Dataset(data.train, shifted), [f"ndcg(gain=exp)@{K}"], n_boot=0)
    found = report.per_user_frame().set_index("user_id").iloc[:, 0]
    np.testing.assert_allclose(found, [ranksys.ndcg(data, user, lists[user], K) for user in found.index], rtol=1e-9)


@pytest.mark.parametrize("seed", range(draws(3)))
@pytest.mark.parametrize("weight", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("text", LISTS)
def test_lists(text, weight, seed):
    data = drawn(seed)
    made = RERANKERS.create(text).at(weight)
    found = made.rerank(candidates(seed), dataset(seed), k=K).to_dict()
    assert found == {user: LISTS[text](data, user, weight, K) for user in found}


@pytest.mark.parametrize("seed", range(draws(3)))
@pytest.mark.parametrize("weight", [0.3, 0.7])
def test_lists_by_novelty_of_items(weight, seed):
    data = drawn(seed)
    found = ba.Popularity(diversity=weight).rerank(candidates(seed), dataset(seed), k=K).to_dict()
    assert found == {user: ranksys.novelty_list(data, user, weight, K, "pc") for user in found}
    found = ba.Novelty(diversity=weight).rerank(candidates(seed), dataset(seed), k=K).to_dict()
    assert found == {user: ranksys.novelty_list(data, user, weight, K, "fd") for user in found}
    chosen = ba.Surprise(diversity=weight, distance="cosine", profile="mean")
    found = chosen.rerank(candidates(seed), dataset(seed), k=K).to_dict()
    assert found == {user: ranksys.novelty_list(data, user, weight, K, "pd") for user in found}


def test_genres_outside_the_profile_count_in_the_root_alone():
    data = ba.Dataset(
        train={"u": [1, 2], "v": [3]}, items={1: ["a"], 2: ["a", "b"], 3: ["c"], 4: ["c", "d"], 5: ["a", "c"]}
    )
    report = (
        ba.evaluate(
            {"u": [3, 4], "v": [5, 4]},
            data,
            ["binomial_nonredundancy(alpha=1)@2", "binomial_coverage(alpha=1)@2"],
            n_boot=0,
        )
        .per_user_frame()
        .set_index("user_id")
    )
    assert report.loc["u"].tolist() == pytest.approx([1.0, 0.0])  # a is all of the profile, and is missing
    alone = ba.evaluate({"u": [1, 5]}, data, ["binomial_nonredundancy(alpha=1)@2"], n_boot=0).per_user_frame()
    assert alone.iloc[0, 1] == pytest.approx(1.0)  # p(a) = 1: patience 1, c in the root
    mixed = ba.Dataset(train={"u": [1, 2]}, items={1: ["a"], 2: ["b"], 3: ["a", "z"], 4: ["a", "y"]})
    two = ba.evaluate({"u": [3, 4]}, mixed, ["binomial_nonredundancy(alpha=1)@2"], n_boot=0).per_user_frame()
    assert two.iloc[0, 1] == pytest.approx((0.25 / 0.75) ** (1 / 3))  # P(X = 2 | X > 0) of p(a) = 1/2; a, y and z
