"""Figures that other tools print, and the arithmetic by which their conventions differ from ours.

The lists of the figures that the project was told of (novelty 6.329 and 5.434, recall .0720 and .0704, RADio .440 and
.468) are not at hand: of them, the arithmetic is shown on lists that can be followed by hand.
"""

import math
from collections import Counter

import numpy as np
import pytest

import beyondacc as ba
from beyondacc.data.dataset import Dataset

LOG3 = math.log2(3)


def value(recs, data, metric, **options):
    (found,) = [
        report.value(each) for report in [ba.evaluate(recs, data, metric, n_boot=0, **options)] for each in report
    ]
    return found


def world_of_ndeval(name=lambda n: f"d{n:03d}", n_users=1136):
    """Test rows and lists in which many relevant items bring equally much that is new."""
    rng = np.random.default_rng(2009)
    items = [name(n) for n in range(120)]
    genres = {item: [f"g{genre}" for genre in rng.choice(8, rng.integers(1, 4), replace=False)] for item in items}
    test = {}
    for user in range(n_users):
        test[f"u{user:04d}"] = [items[n] for n in rng.choice(120, rng.integers(1, 15), replace=False)]
    lists = {}
    for user, own in test.items():
        drawn = [items[n] for n in rng.choice(120, 10, replace=False)]
        both = dict.fromkeys([item for pair in zip(own, drawn, strict=False) for item in pair] + drawn)
        lists[user] = list(both)[: rng.integers(1, 11)]
    return genres, test, lists


def alpha_dcg(order, genres, k):
    seen, total = Counter(), 0.0
    for rank, item in enumerate(order[:k]):
        total += sum(0.5 ** seen[genre] for genre in genres.get(item, ())) / math.log2(rank + 2)
        seen.update(genres.get(item, ()))
    return total


def alpha_ndcg(listed, relevant, genres, k):
    """As ndeval does it: of equally good items its ideal takes the one whose id is the last, compared as texts."""
    left, ideal, seen = sorted(relevant, key=str, reverse=True), [], Counter()
    while left and len(ideal) < k:
        best = max(left, key=lambda item: sum(0.5 ** seen[genre] for genre in genres[item]))
        left.remove(best)
        ideal.append(best)
        seen.update(genres[best])
    counted = {item: genres[item] for item in relevant}
    return alpha_dcg(listed, counted, k) / alpha_dcg(ideal, genres, k)


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("name", "printed"),
    [
        # the means of what pyndeval 0.0.8 returned for the 1,136 users of the same rows
        (lambda n: f"d{n:03d}", {5: 0.5678462570675974, 10: 0.5759078491812006}),
        (int, {5: 0.56791629397462, 10: 0.5759816281188699}),  # whole numbers, which it knows as texts: 9 is after 10
    ],
)
def test_alpha_ndcg_agrees_with_ndeval(name, printed):
    genres, test, lists = world_of_ndeval(name)
    rng = np.random.default_rng(1)
    shuffled = {user: [own[n] for n in rng.permutation(len(own))] for user, own in test.items()}
    for rows in (test, shuffled):
        report = ba.evaluate(lists, Dataset(test=rows, items=genres), ["alpha_ndcg@5", "alpha_ndcg@10"], n_boot=0)
        for k, mean in printed.items():
            found = report.per_user(f"alpha_ndcg@{k}")
            assert found.mean() == pytest.approx(mean, rel=1e-14)
            for user, listed in lists.items():
                assert found[user] == pytest.approx(alpha_ndcg(listed, test[user], genres, k), rel=1e-14, abs=1e-15)


@pytest.mark.kernel
def test_the_ideal_of_alpha_ndcg_takes_the_last_of_equal_ids():
    # a and b bring two genres each, c one of each: after b, c brings 1.5 and a 1; after a it would be less
    genres = {"a": ["p", "q"], "b": ["p", "r"], "c": ["q", "s"]}
    data = Dataset(test={"u": ["a", "b", "c"]}, items=genres)
    # c first, then b with nothing shared: 2 + 2 / log2 3, then a: 1 / 2
    assert value({"u": ["a"]}, data, "alpha_ndcg@3") == pytest.approx(2 / (2 + 2 / LOG3 + 1 / 2))
    renamed = {"z": ["p", "q"], "b": ["p", "r"], "c": ["q", "s"]}
    data = Dataset(test={"u": ["z", "b", "c"]}, items=renamed)
    # z first, then c (1.5, as b), then b with p half worth: 2 + 1.5 / log2 3 + 1.5 / 2
    assert value({"u": ["z"]}, data, "alpha_ndcg@3") == pytest.approx(2 / (2 + 1.5 / LOG3 + 1.5 / 2))


@pytest.mark.kernel
def test_novelty_of_recommenders_is_more_where_long_lists_hold_what_is_rare():
    """Lists of 1 to 5 items: there a mean of 15 rows, here of 5 lists (6.329 and 5.434 on other lists)."""
    # 32 training rows; the bits of items a to e are 1, 2, 3, 4 and 4
    counts = {"a": 16, "b": 8, "c": 4, "d": 2, "e": 2}
    train = {f"{item}{n}": [item] for item, count in counts.items() for n in range(count)}
    lists = {f"a{n}": list("abcde")[: n + 1] for n in range(5)}
    data = Dataset(train)
    rows = (5 * 1 + 4 * 2 + 3 * 3 + 2 * 4 + 1 * 4) / 15
    by_list = (1 + 3 / 2 + 6 / 3 + 10 / 4 + 14 / 5) / 5
    assert (rows, by_list) == (pytest.approx(34 / 15), pytest.approx(1.96))
    for name in ("efd", "self_information"):
        assert value(lists, data, f"{name}@5", convention="recommenders") == pytest.approx(rows, rel=1e-14)
        assert value(lists, data, f"{name}(short=list)@5", convention="recommenders") == pytest.approx(by_list)
    assert value(lists, data, "efd@5") == pytest.approx(by_list)
    assert value(lists, data, "efd(short=mean)@5") == pytest.approx(rows, rel=1e-14)


@pytest.mark.kernel
def test_the_level_of_relevance_of_two_tools_on_values_from_0_to_5():
    """RecTools takes every row, ranx those from level 1 on (recall .0720 and .0704, precision .0886 and .0761)."""
    test = {"a": {1: 0, 2: 5}, "b": {1: 0, 3: 0, 4: 4}, "c": {2: 3, 5: 1}, "d": {6: 0}}
    lists = {"a": [1, 9], "b": [1, 4], "c": [2, 9], "d": [6, 1]}
    data = Dataset(test=test, items={item: [] for item in range(1, 10)})
    found = {
        tool: [value(lists, data, f"{name}@2", convention=tool) for name in ("recall", "precision")]
        for tool in ("rectools", "ranx")
    }
    assert found["rectools"] == pytest.approx([(1 / 2 + 2 / 3 + 1 / 2 + 1) / 4, (1 / 2 + 2 / 2 + 1 / 2 + 1 / 2) / 4])
    # the 0s of a, b and d are no hits, and those of b are not missed; d has nothing to be found and counts 0
    assert found["ranx"] == pytest.approx([(0 + 1 + 1 / 2 + 0) / 4, (0 + 1 / 2 + 1 / 2 + 0) / 4])
    for place, name in enumerate(("recall@2", "precision@2")):
        told = ba.explain_difference(lists, data, name, "rectools", "ranx")
        assert (told.first_value, told.second_value) == (found["rectools"][place], found["ranx"][place])


@pytest.mark.kernel
def test_genres_in_full_and_in_parts():
    """RADio counts 1/rank for each genre of an item, here an item spreads it by default (.440 and .468)."""
    data = Dataset({"u": ["x", "y"]}, items={"x": ["p"], "y": ["q"], "w": ["p", "q", "r"], "z": ["p"]})
    lists = {"u": ["w", "z"]}
    found = {way: value(lists, data, f"radio_calibration(genre_weight={way})@2") for way in ("full", "split")}
    of_list = {"full": (3 / 2, 1, 1), "split": (1 / 3 + 1 / 2, 1 / 3, 1 / 3)}
    for way, shown in of_list.items():
        q = [each / sum(shown) for each in shown]
        p = [1 / 2, 1 / 2, 0]
        first = [0.999 * one + 0.001 * two for one, two in zip(p, q, strict=True)]
        second = [0.999 * two + 0.001 * one for one, two in zip(p, q, strict=True)]
        halves = [(one + two) / 2 for one, two in zip(first, second, strict=True)]
        bits = sum(x * math.log2(x / h) for row in (first, second) for x, h in zip(row, halves, strict=True)) / 2
        assert found[way] == pytest.approx(math.sqrt(bits), rel=1e-12)
    assert found["full"] > found["split"]
