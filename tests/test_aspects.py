"""Genres in lists, by hand: aspects, binomial roots, calibration and RADio, and the laws that hold for them alone."""

from __future__ import annotations

import itertools
import math
import re

import bridge
import numpy as np
import pytest
from draws import draws
from hypothesis import given, settings, strategies as st
from strategies import random_case

import beyondacc
from beyondacc import Dataset, Recommendations, evaluate, parse
from beyondacc.bound.bind import bind
from beyondacc.errors import SpecError
from beyondacc.evaluation.evaluate import evaluate_run
from beyondacc.metrics.calibration import draw_order

pytestmark = pytest.mark.kernel

LOG3, LOG4, LOG5 = (1 / math.log2(n) for n in (3, 4, 5))


def of(metric, ranking, **parts):
    """The value of one user, called u."""
    return evaluate({"u": ranking}, Dataset(**parts), metric, n_boot=0).per_user(metric)["u"]


def single(groups):
    """``{genre: items}`` as an items table in which every item has one genre."""
    return {item: [genre] for genre, items in groups.items() for item in items}


# subtopic recall


ITEMS = {1: ["a", "b"], 2: ["b"], 3: ["c"], 4: [], 5: ["d", "e"]}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("subtopic_recall@3", 2 / 5),
        ("subtopic_recall(denominator=k)@6", 3 / 6),
        ("subtopic_recall(denominator=list)@6", 3 / 4),
        ("subtopic_recall(denominator=list)@2", 2 / 2),
        ("subtopic_recall(relevant_only=true)@6", 1 / 5),
        ("subtopic_recall(relevant_only=true, denominator=list)@6", 1 / 4),
        ("subtopic_recall(denominator=relevant)@6", 1 / 3),  # of b, d and e
        ("subtopic_recall(denominator=relevant, relevant_only=true)@6", 1 / 3),
    ],
)
def test_subtopic_recall(metric, expected):
    assert of(metric, [1, 4, 2, 3], test={"u": [2, 5]}, items=ITEMS) == pytest.approx(expected)


def test_subtopic_recall_where_there_is_nothing_to_find():
    assert of("subtopic_recall", [4], items=ITEMS) == 0
    assert of("subtopic_recall(denominator=relevant)", [1], test={"u": [4]}, items=ITEMS) == 0
    assert of("subtopic_recall(denominator=relevant)", [99], test={"u": [1]}, items=ITEMS) == 0
    assert math.isnan(of("subtopic_recall", [1], items={1: [], 2: []}))


# genre entropy


def test_genre_entropy():
    items = single({"a": [1, 5], "b": [2], "c": [3], "d": [4]}) | {6: ["a", "b"], 7: []}
    assert of("genre_entropy", [1, 2, 3, 4], items=items) == 2
    assert of("genre_entropy(normalized=true)", [1, 2, 3, 4], items=items) == 1
    assert of("genre_entropy", [1, 5], items=items) == 0
    assert of("genre_entropy", [6, 7], items=items) == 1
    three_quarters = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    assert of("genre_entropy", [6, 1], items=items) == pytest.approx(three_quarters)
    assert of("genre_entropy(normalized=true)@2", [6, 1, 2], items=items) == pytest.approx(three_quarters / 2)
    assert math.isnan(of("genre_entropy", [7], items=items))
    assert math.isnan(of("genre_entropy(normalized=true)", [1], items={1: ["a"]}))


# alpha-nDCG


def test_alpha_ndcg_of_a_genre_twice():
    items = single({"a": [1, 2], "b": [3]})
    expected = (1 + 0.4 * LOG3 + 0.5) / (1 + LOG3 + 0.4 * 0.5)
    assert of("alpha_ndcg(alpha=0.6)@3", [1, 2, 3], test={"u": [1, 2, 3]}, items=items) == pytest.approx(expected)
    # what is not relevant neither counts nor uses a genre up
    found = of("alpha_ndcg@3", [1, 2, 3], test={"u": [2, 3]}, items=items)
    assert found == pytest.approx((LOG3 + 0.5) / (1 + LOG3))


def test_alpha_ndcg_of_all_items_is_that_of_the_list_reordered():
    items = single({"a": [1, 2], "b": [3]})
    expected = (1 + 0.5 * LOG3 + 0.5) / (1 + LOG3 + 0.5 * 0.5)
    assert of("alpha_ndcg(relevance=none)", [1, 2, 3], items=items) == pytest.approx(expected)
    expected = (1 + 0.5 * LOG3 + 0.5) / (1 + LOG3 + 0.5 * 0.5)
    assert of("alpha_ndcg(relevance=none, ideal=sorted)", [1, 2, 3], items=items) == pytest.approx(expected)


def test_a_list_can_be_better_than_the_greedy_ideal():
    items = {1: ["a", "b", "e"], 2: ["c", "d", "f"], 3: ["a", "b", "c", "d"]}
    metric = parse("alpha_ndcg(alpha=1)@2")
    found = of(str(metric), [1, 2], test={"u": [1, 2, 3]}, items=items)
    assert found == pytest.approx((3 + 3 * LOG3) / (4 + LOG3))
    assert 1 < found < metric.bounds[1]
    assert of("alpha_ndcg(alpha=1)@2", [3, 1], test={"u": [1, 2, 3]}, items=items) == pytest.approx(1)


@pytest.mark.parametrize("table", list(itertools.permutations([1, 2, 3])))
@pytest.mark.parametrize("rows", list(itertools.permutations([1, 2, 3])))
@pytest.mark.parametrize(("ids", "first"), [((1, 2, 3), 3), ((1, 3, 2), 2), ((10, 9, 11), 2), (("10", "9", "11"), 2)])
def test_of_equal_gains_the_ideal_takes_the_item_of_the_last_id(table, rows, ids, first):
    """Whatever the order of the items table and of the test rows; whole numbers are compared as texts, as by ndeval."""
    genres = {1: ["a", "b"], 2: ["b", "c"], 3: ["c", "d"]}
    ideal = {3: 2 + 2 * LOG3, 2: 2 + LOG3}[first]  # after 3 item 1 has two new genres, after 2 every item has one
    items = {ids[item - 1]: genres[item] for item in table}
    test = {"u": [ids[item - 1] for item in rows]}
    assert of("alpha_ndcg(alpha=1)@2", [ids[1]], test=test, items=items) == pytest.approx(2 / ideal)


def test_equal_gains_are_equal_in_whatever_order_they_are_added():
    """.7 + .49 + 1 and 1 + .49 + .7 differ in the last bit."""
    genres = [f"g{n}" for n in range(3)]
    for turn in range(3):
        shown = {10: [genres[turn]], 11: [genres[turn], genres[(turn + 1) % 3]]}
        items = {1: ["x", "y"], 2: ["x", "z"]} | {item: ["x", *each] for item, each in shown.items()}
        values = [
            of("alpha_ndcg(alpha=0.3)@4", [10, 11, *last], test={"u": [1, 2, 10, 11]}, items=items)
            for last in ([1, 2], [2, 1])
        ]
        assert values[0] == pytest.approx(values[1], rel=1e-14)


def test_alpha_ndcg_of_the_genres_of_the_profile():
    items = {1: ["a", "b", "c"], 2: ["d"], 3: ["d"]}
    parts = {"train": {"u": [3]}, "items": items, "test": {"u": [1, 2]}}
    assert of("alpha_ndcg(aspects=profile)", [1, 2], **parts) == pytest.approx(LOG3)
    assert of("alpha_ndcg(aspects=profile)", [2, 1], **parts) == 1
    parts["train"] = {"v": [3]}  # no profile, no aspects, no ideal
    assert of("alpha_ndcg(aspects=profile)", [2, 1], **parts) == 0


def test_alpha_ndcg_of_no_genres_is_zero():
    assert of("alpha_ndcg", [4], test={"u": [4]}, items=ITEMS) == 0
    assert of("alpha_ndcg(relevance=none, ideal=sorted)", [4], items=ITEMS) == 0


@settings(max_examples=draws(30), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_without_a_penalty_and_with_one_genre_each_it_is_ndcg(seed):
    rng = np.random.default_rng(seed)
    items = {item: [f"g{item % 3}"] for item in range(12)}
    parts = {"test": {"u": rng.permutation(12)[: rng.integers(1, 9)].tolist()}, "items": items}
    ranking = rng.permutation(12)[: rng.integers(1, 12)].tolist()
    assert of("alpha_ndcg(alpha=0)@7", ranking, **parts) == pytest.approx(of("ndcg@7", ranking, **parts), rel=1e-12)


# ERR-IA


def test_err_ia_of_one_genre_is_the_expected_reciprocal_rank():
    items = single({"a": [1, 2, 3, 4]})
    parts = {"train": {"u": [4]}, "test": {"u": {1: 1.0, 2: 3.0}}, "items": items}
    # 1/8 at the first rank; 7/8 at the third if the first did not do
    expected = 1 / 8 + 7 / 8 * 7 / 8 / 3
    assert of("err_ia", [1, 3, 2], **parts) == pytest.approx(expected)
    assert of("err_ia(intents=relevant)", [1, 3, 2], **parts) == pytest.approx(expected)


def test_err_ia_weighs_genres_by_the_profile():
    items = {1: ["a"], 2: ["b"], 3: ["a", "b"], 4: ["a"], 5: []}
    parts = {"train": {"u": [3, 4]}, "test": {"u": [1, 2]}, "items": items}
    assert of("err_ia", [1, 2], **parts) == pytest.approx(2 / 3 * 1 / 2 + 1 / 3 * 1 / 2 / 2)
    assert of("err_ia(intents=relevant)", [1, 2], **parts) == pytest.approx(1 / 2 * 1 / 2 + 1 / 2 * 1 / 2 / 2)
    assert math.isnan(of("err_ia", [1, 2], **parts | {"train": {"u": [5]}}))
    assert math.isnan(of("err_ia", [1, 2], **parts | {"train": {"v": [3]}}))
    assert of("err_ia(intents=relevant)", [1, 5], **parts | {"test": {"u": [5]}}) == 0


def test_err_ia_of_huge_gains():
    parts = {"train": {"u": [1]}, "test": {"u": {1: 5000.0, 2: 4999.0}, "v": {1: 0.0}}, "items": single({"a": [1, 2]})}
    assert of("err_ia", [1, 2], **parts) == pytest.approx(1)
    assert of("err_ia", [2, 1], **parts) == pytest.approx(1 / 2 + 1 / 2 / 2)


# proportionality


def test_proportionality():
    items = single({"a": [1, 2, 3], "b": [4, 5, 6]}) | {7: ["a", "b"], 8: []}
    parts = {"train": {"u": [3, 6]}, "test": {"u": [1, 4]}, "items": items}
    # b lacks 1/2 of an item after one of a, nothing after one of each
    assert of("proportionality", [1, 4], **parts) == pytest.approx((1 / 2 + 1) / 2)
    assert of("proportionality", [7], **parts) == 1
    assert of("proportionality", [8], **parts) == 0
    assert of("proportionality(relevance=binary)", [1, 4], **parts) == pytest.approx(((1 - 0.25 / 1) + 1) / 2)
    assert of("proportionality(relevance=binary)", [2, 5], **parts) == 0
    assert math.isnan(of("proportionality", [1], train={"u": [8]}, items=items))


# binomial roots


@pytest.mark.parametrize(("ranking", "coverage", "nonredundancy"), [([1, 2], 0.8, 2 / 3), ([1, 2, 3], 1, None)])
def test_binomial_root_of_all_genres(ranking, coverage, nonredundancy):
    parts = {"train": {"u1": [1, 2], "u2": [1, 2, 3]}, "items": {1: ["a"], 2: ["a"], 3: ["b"]}}
    own, of_all = (
        [of(f"binomial_{name}(root={root})", ranking, **parts) for name in ("coverage", "nonredundancy", "diversity")]
        for root in ("own", "all")
    )
    assert own[0] == of_all[0] == pytest.approx(coverage)
    if nonredundancy is None:
        assert own == of_all  # both genres are in the list
    else:
        assert own[1] == pytest.approx(nonredundancy)
        assert of_all[1] == pytest.approx(math.sqrt(nonredundancy))
        assert of_all[2] == pytest.approx(coverage * math.sqrt(nonredundancy))


def test_binomial_root_of_all_genres_for_the_genres_of_a_profile():
    parts = {"train": {"u": [3], "v": [1]}, "items": {1: ["a"], 2: ["a", "b"], 3: ["b", "c"], 4: []}}
    assert of("binomial_coverage(alpha=1)", [1], **parts) == 0  # p is 1 for b and c, and both are missing
    assert of("binomial_nonredundancy(alpha=1, root=all)", [4], **parts) == 0


def test_binomial_without_any_genre():
    parts = {"train": {"u": [1]}, "items": {1: [], 2: []}}
    assert math.isnan(of("binomial_coverage", [2], **parts))


# calibration

DIVERGENCES = ["calibration_kl", "calibration_js", "calibration_js(root=true)", "calibration_hellinger"]


@pytest.mark.parametrize("name", [*DIVERGENCES, "radio_calibration", "radio_calibration(divergence=kl)"])
def test_a_list_like_the_profile_is_calibrated(name):
    items = {item: ["a", "b", "c"] for item in range(20)}
    items |= {item: ["b", "a", "c"] for item in range(20, 40)}
    found = of(name, list(range(7, 20)), train={"u": list(range(20, 37))}, items=items)
    assert 0 <= found < 1e-15  # a root of rounding errors would be 1e-8


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("calibration_kl", -math.log2(0.01)),
        ("calibration_kl(smoothing=0.5)", 1),
        ("calibration_kl(smoothing=0.25, smooth=both)", 0.75 * math.log2(3) - 0.25 * math.log2(3)),
        ("calibration_js", 1),
        ("calibration_js(root=true)", 1),
        ("calibration_hellinger", 1),
        ("radio_calibration(divergence=kl)", 0.998 * math.log2(999)),
    ],
)
def test_a_list_with_nothing_of_the_profile(name, expected):
    found = of(name, [3], train={"u": [1, 2]}, items={1: ["a"], 2: ["b"], 3: ["c", "d"]})
    assert found == pytest.approx(expected, rel=1e-12)


def test_calibration_of_a_half():
    parts = {"train": {"u": [1, 2]}, "items": {1: ["a"], 2: ["b"], 3: ["a"], 4: []}}
    js = 0.5 * (0.5 * math.log2(0.5 / 0.75) + 0.5 * math.log2(0.5 / 0.25)) + 0.5 * math.log2(1 / 0.75)
    assert of("calibration_js", [3, 4], **parts) == pytest.approx(js)
    assert of("calibration_js(root=true)", [3], **parts) == pytest.approx(math.sqrt(js))
    assert of("calibration_hellinger", [3], **parts) == pytest.approx(math.sqrt(1 - math.sqrt(0.5)))
    kl = 0.5 * math.log2(0.5 / 0.995) + 0.5 * math.log2(0.5 / 0.005)
    assert of("calibration_kl", [3], **parts) == pytest.approx(kl)


def test_weights_of_ranks_and_of_ratings():
    items = single({"a": [1, 3], "b": [2, 4]})
    parts = {"train": {"u": {1: 3.0, 2: 1.0}}, "items": items}
    assert of("calibration_js(profile_weight=rating)", [3, 4], **parts) > 0.01
    assert of("calibration_js", [3, 4], **parts) == 0
    weighed = f"calibration_js(discount=exp, base={1 / 3}, profile_weight=rating)"
    assert of(weighed, [3, 4], **parts) == pytest.approx(0, abs=1e-15)
    parts["train"] = {"u": {1: 3.0, 2: 0.0}}  # a rating of 0 is no weight
    assert of("calibration_js(profile_weight=rating)", [3], **parts) == 0
    assert math.isnan(of("calibration_js(profile_weight=rating)", [3], train={"u": {1: 0.0}}, items=items))


def test_negative_ratings_are_no_weights():
    data = Dataset(train={"u": {1: -1.0}}, items=single({"a": [1]}))
    metric = "calibration_kl(profile_weight=rating)@10"
    with pytest.raises(SpecError, match=re.escape("pass profile_weight=none")) as refused:
        evaluate({"u": [1]}, data, metric, n_boot=0)
    assert metric in str(refused.value)
    assert evaluate({"u": [1]}, data, "calibration_kl", n_boot=0).value("calibration_kl") == 0


def test_smoothing_is_neither_nothing_nor_everything():
    for value in (0, 1):
        with pytest.raises(SpecError, match=re.escape("smoothing must be a number in (0, 1)")):
            beyondacc.calibration_kl(smoothing=value)


@pytest.mark.parametrize("name", [*DIVERGENCES, "radio_calibration", "radio_calibration(divergence=kl)"])
def test_without_shares_there_is_no_calibration(name):
    items = {1: ["a"], 2: []}
    for ranking, profile in (([2], [1]), ([1], [2]), ([2], [2])):
        assert math.isnan(of(name, ranking, train={"u": profile}, items=items))
    assert math.isnan(of(name, [1], train={"v": [1]}, items=items))


# RADio


@pytest.mark.parametrize("divergence", ["js", "kl"])
def test_representation_of_everything_and_of_little(divergence):
    name = f"radio_representation(divergence={divergence})"
    everything = [f"g{n}" for n in range(50)]
    items = {item: [everything[item % 50]] for item in range(100)} | {100: everything}
    assert of(f"{name}@1", [100], items=items) == pytest.approx(0, abs=1e-14)
    assert of(f"{name}@1", [0], items={0: ["a", "b"], 1: ["a"], 2: ["b"], 3: []}) == pytest.approx(0, abs=1e-14)
    # a list of one of the 50 genres
    p, q = 0.999 * 0.02 + 0.001, 0.999 + 0.001 * 0.02
    if divergence == "kl":
        expected = p * math.log2(p / q) + 0.999 * 0.98 * math.log2(999)
    else:
        m = (p + q) / 2
        others = 0.98 * (0.999 * math.log2(0.999 / 0.5) + 0.001 * math.log2(0.001 / 0.5))
        expected = math.sqrt((p * math.log2(p / m) + q * math.log2(q / m) + others) / 2)
    assert of(f"{name}@1", [0], items=items) == pytest.approx(expected)


def test_representation_needs_no_training_rows():
    assert beyondacc.radio_representation().missing(Dataset(items=ITEMS)) is None
    assert beyondacc.radio_calibration().missing(Dataset(items=ITEMS)) is not None


GENRES = single({"a": [1, 2, 3], "b": [4, 5, 6]}) | {7: []}


def fragmentation(lists, parameters="", **parts):
    metric = f"radio_fragmentation({parameters})"
    return evaluate(lists, Dataset(items=GENRES, **parts), metric, n_boot=0).per_user(metric)


def test_fragmentation_of_equal_and_of_disjoint_lists():
    assert fragmentation({"u": [1, 2], "v": [2, 3], "w": [3]}).tolist() == [0, 0, 0]
    apart = fragmentation({"u": [1, 2], "v": [4]}, "divergence=kl")
    np.testing.assert_allclose(apart, 0.998 * math.log2(999))
    assert fragmentation({"u": [1], "v": [2], "w": [4]})["w"] == pytest.approx(fragmentation({"u": [1], "w": [4]})["w"])


def test_only_lists_with_genres_are_compared():
    found = fragmentation({"u": [1], "v": [7], "w": [99], "x": [4], "y": [7, 1]}, test={"z": [1]})
    assert found.isna().tolist() == [user in "vwz" for user in found.index]
    assert fragmentation({"u": [1], "v": [7]}).isna().all()
    alone = evaluate({"u": [1], "y": [7, 1]}, Dataset(items=GENRES), "radio_fragmentation@1", n_boot=0)
    assert alone.per_user("radio_fragmentation@1").isna().all()  # at this cutoff y shows no genre


def drawn(n_users=60, seed=0):
    case = random_case(np.random.default_rng(seed), n_users=n_users, n_genres=5)
    data = bridge.to_dataset(case)
    return data, bind(Recommendations.read(bridge.to_lists(case), data), data)


def values(run, name):
    (state,) = evaluate_run(run, [parse(name)], threads=1).values()
    return dict(zip(run.ids.tolist(), state.values.tolist(), strict=True))


def test_with_everybody_in_the_sample_the_seed_means_nothing():
    _, run = drawn()
    one, other, few = (
        np.array(list(values(run, f"radio_fragmentation(sample={sample}, seed={seed})").values()))
        for sample, seed in ((1000, 0), (1000, 7), (3, 7))
    )
    np.testing.assert_allclose(one, other, rtol=1e-12)
    assert (np.isnan(one) == np.isnan(few)).all()
    assert np.nanmax(np.abs(one - few)) > 0.01


def test_whom_a_list_is_compared_with_depends_on_ids_and_seed_alone():
    data, run = drawn()
    name = "radio_fragmentation(sample=3)"
    whole = values(run, name)
    shuffled = np.random.default_rng(1).permutation(len(run))
    turned = bind(
        Recommendations.read({run.ids[at]: lists_of(run, at) for at in shuffled if run.lengths[at]}, data), data
    )
    assert {user: found for user, found in values(turned, name).items() if not math.isnan(found)} == {
        user: found for user, found in whole.items() if not math.isnan(found)
    }
    assert sorted(draw_order(run, 3)) == list(range(len(run)))
    assert draw_order(run, 3).tolist() != draw_order(run, 4).tolist()
    at = run.ids[draw_order(run, 3)].tolist()
    there = turned.ids[draw_order(turned, 3)].tolist()
    assert [user for user in at if user in set(there)] == there


def lists_of(run, at):
    return run.items.ids[run.lists[at, : run.lengths[at]]].tolist()


def test_many_genres():
    """More genres than a dense matrix of users x genres could hold; buffers are emptied after every row."""
    rng = np.random.default_rng(2)
    n_genres, n_users = 10_000, 300
    items = {item: [f"g{genre}" for genre in rng.integers(0, n_genres, 3)] for item in range(2 * n_genres)}
    train = {user: rng.integers(0, len(items), 20).tolist() for user in range(n_users)}
    lists = {user: np.unique(rng.integers(0, len(items), 10)).tolist() for user in range(n_users)}
    lists |= {user + n_users: lists[user] for user in range(n_users)}
    train |= {user + n_users: train[user] for user in range(n_users)}
    names = ["genre_entropy", "proportionality", "subtopic_recall", "alpha_ndcg(relevance=none)", *DIVERGENCES]
    names += ["radio_calibration", "radio_representation"]
    made = evaluate(lists, Dataset(train=train, items=items), names, n_boot=0)
    for name in names:
        found = made.per_user(name).to_numpy()
        assert (found[:n_users] == found[n_users:]).all(), name
        assert not np.isnan(found).any()
