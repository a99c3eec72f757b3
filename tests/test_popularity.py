"""Accuracy by cutoffs of its own, novelty of items, change, serendipity by rank, popularity bias: by hand, by law."""

from __future__ import annotations

import datetime as dt
import functools
import math

import bridge
import numba
import numpy as np
import pandas as pd
import pytest
from draws import draws
from strategies import random_case

from beyondacc import DataError, Dataset, SpecError, evaluate
from beyondacc.declare.params import Day
from beyondacc.evaluation.evaluate import evaluate_run
from beyondacc.metrics import REGISTRY, parse
from beyondacc.run.local import blocks

pytestmark = pytest.mark.kernel

SLOW = numba.config.DISABLE_JIT
N_CASES = 5 if SLOW else draws(60)
BIASES = [
    "popularity_lift@3",
    "pop_reo@3",
    "pop_rsp@3",
    "group_exposure_ratio@3",
    "group_exposure_ratio(discount=none)@3",
]
# a: 4 users, b: 3, c: 2, d: 1, e: none; the head of 80 % of the 10 rows is a, b, c
TRAIN = {1: ["a", "b"], 2: ["a", "b"], 3: ["a", "b", "c"], 4: ["a", "c", "d"]}
ITEMS = {"a": ["x"], "b": ["x", "y"], "c": ["y"], "d": ["y"], "e": []}


def values(recs, metric, data, **options):
    return evaluate(recs, data, metric, n_boot=0, **options).per_user(metric).to_dict()


def value(recs, metric, data, **options):
    return evaluate(recs, data, metric, n_boot=0, **options).value(metric)


@pytest.fixture(scope="module")
def data():
    return Dataset(TRAIN, {1: ["c", "d"], 2: ["c"], 3: ["d", "e"]}, ITEMS)


@functools.cache
def bound(number):
    case = random_case(
        np.random.default_rng(number),
        with_scores=number % 2 == 0,
        with_expected=number % 3 == 0,
        with_earlier=True,
        with_dates=True,
        with_attributes=True,
    )
    return bridge.to_run(case, bridge.to_dataset(case))


def per_user(number, *names):
    """The values of several metrics in one random case."""
    metrics = [parse(name) for name in names]
    states = evaluate_run(bound(number), metrics, threads=1)
    return [states[metric].values for metric in metrics]


# Accuracy


@pytest.mark.parametrize("number", range(N_CASES))
def test_accuracy_by_other_accuracy(number):
    precision, recall, f1, r_precision, cut = per_user(
        number, "precision@4", "recall@4", "f1@4", "r_precision@50", "ndcg@4"
    )
    both = np.where(precision * recall > 0, precision + recall, 1.0)
    np.testing.assert_allclose(f1, 2 * precision * recall / both, rtol=1e-12)
    recall_at = {t: per_user(number, f"recall@{t}")[0] for t in range(1, 7)}
    sizes = bound(number).block(0, len(bound(number))).n_relevant
    expected = [recall_at[t][row] if t else math.nan for row, t in enumerate(sizes.tolist())]
    np.testing.assert_array_equal(r_precision, expected)
    (dcg,) = per_user(number, "dcg@4")
    assert ((dcg > 0) == (cut > 0)).all()


def test_rank_biased_precision_of_hits_everywhere():
    data = Dataset(test={1: list(range(50)), 2: [3]})
    for p in (1e-17, 0.3, 0.85, 1 - 1e-12):
        found = values({1: list(range(50)), 2: [0, 1, 2, 3]}, f"rbp(p={p})@50", data)
        assert found[1] == pytest.approx(-math.expm1(50 * math.log(p)), rel=1e-3)
        assert found[1] <= 1
        assert found[2] == pytest.approx((1 - p) * p**3)
    with pytest.raises(SpecError, match=r"p must be a number in \(0, 1\)"):
        parse("rbp(p=1)")


def test_gains_of_dcg():
    data = Dataset(test={1: {"a": 3.0, "b": 1.0, "c": 0.0}})
    assert values({1: ["b", "c", "a"]}, "dcg@3", data) == {1: pytest.approx(1 + 3 / 2)}
    assert values({1: ["b", "c", "a"]}, "dcg(gain=exp)@3", data) == {1: pytest.approx(1 + 7 / 2)}
    assert values({1: ["b", "a"]}, "dcg(discount=log2_clip)@3", data) == {1: 4.0}


# Novelty


def test_novelty_by_hand(data):
    recs = {1: ["d", "e"], 2: ["a"], 3: ["stranger", "a"]}
    assert values(recs, "efd@2", data) == pytest.approx(
        {1: math.log2(10), 2: math.log2(10 / 4), 3: (math.log2(10) + math.log2(10 / 4)) / 2}
    )
    assert values(recs, "efd(cold=drop)@2", data) == pytest.approx(
        {1: math.log2(10), 2: math.log2(10 / 4), 3: math.log2(10 / 4)}
    )
    # an item outside the catalogue is as popular as e, and does not count itself
    assert values(recs, "popularity_percentile@2", data) == pytest.approx(
        {1: (0.3 + 0.1) / 2, 2: 0.9, 3: (0.9 + 0.1) / 2}
    )
    assert values(recs, "popularity_percentile(cold=drop)@2", data) == pytest.approx({1: 0.3, 2: 0.9, 3: 0.9})


def test_the_catalogue_is_at_the_middle_percentile(data):
    assert values({1: list(ITEMS)}, "popularity_percentile@9", data)[1] == pytest.approx(0.5)


@pytest.mark.parametrize("number", range(N_CASES))
def test_free_discovery_is_self_information_among_rows(number):
    one, other = per_user(number, "efd(cold=drop)@5", "self_information(denominator=interactions, cold=drop)@5")
    np.testing.assert_allclose(one, other, rtol=1e-12)


def dated(*days):
    frame = pd.DataFrame({"item_id": list("abc"), "date": list(days)})
    return Dataset({1: ["a"]}, {1: ["b"]}, frame)


def test_age_by_hand():
    data = dated("2020-03-01", "2020-02-28", None)
    recs = {1: ["b", "a", "c"], 2: ["c"], 3: ["stranger", "b"]}
    assert values(recs, "age@3", data) == pytest.approx({1: 1.0, 2: math.nan, 3: 2.0}, nan_ok=True)
    later = values(recs, "age(reference=2020-03-11)@3", data)
    assert later == pytest.approx({1: 11.0, 2: math.nan, 3: 12.0}, nan_ok=True)
    assert values(recs, "age(reference=2020-02-27)@1", data)[1] == -1
    assert values(recs, "age(short=k)@3", data)[1] == pytest.approx(2 / 3)
    assert math.isnan(value({1: ["b"]}, "age@3", dated(None, None, None)))
    with pytest.raises(SpecError, match="needs item dates; pass items= with a column of dates"):
        evaluate(recs, Dataset({1: ["a"]}), "age")


def test_a_day_is_a_parameter():
    metric = parse("age(reference=2020-03-01)@5")
    assert str(metric) == "age(reference=2020-03-01)@5"
    assert parse(str(metric)) == metric
    given = [dt.date(2020, 3, 1), pd.Timestamp("2020-03-01 12:00"), "20200301"]
    assert all(REGISTRY["age"](reference=day) @ 5 == metric for day in given)
    assert metric.bounds == (-math.inf, math.inf)
    assert str(parse("age(reference=none)@5")) == "age@5"
    assert parse("age").bounds == (0, math.inf)
    assert Day.parse(pd.NaT) is None
    for wrong in ("yesterday", 2020, pd.NaT, "2020-02-30"):
        with pytest.raises(SpecError, match="reference must be a date such as 2020-12-31 or none"):
            REGISTRY["age"](reference=wrong)


# Change


def test_change_by_hand(data):
    recs = {1: ["a", "b", "e"], 2: ["c"], 3: ["a", "stranger"], 4: []}
    earlier = [{1: ["e", "d"], 2: ["c"], 4: ["a"]}, {1: ["a", "d", "b"], 3: ["other", "stranger"]}, {2: ["a"]}]
    changed, new = (values(recs, f"temporal_{what}@2", data, earlier=earlier) for what in ("diversity", "novelty"))
    assert changed == pytest.approx({1: 0.5, 2: 0.5, 3: 0.5, 4: math.nan}, nan_ok=True)  # of user 1 a, d came last
    assert new == pytest.approx({1: 0.5, 2: 0.0, 3: 0.5, 4: math.nan}, nan_ok=True)
    of_list = values(recs, "temporal_diversity(denominator=list)@2", data, earlier=earlier)
    assert of_list == pytest.approx({1: 0.5, 2: 1.0, 3: 0.5, 4: math.nan}, nan_ok=True)
    alone = values(recs, "temporal_novelty@3", data, earlier={1: ["a"]})
    assert alone == pytest.approx({1: 2 / 3, 2: math.nan, 3: math.nan, 4: math.nan}, nan_ok=True)
    with pytest.raises(SpecError, match="needs earlier lists; pass earlier="):
        evaluate(recs, data, "temporal_novelty")


@pytest.mark.parametrize("number", range(N_CASES))
def test_what_nobody_showed_the_last_list_did_not_show(number):
    changed, new = per_user(number, "temporal_diversity@5", "temporal_novelty@5")
    assert (np.isnan(changed) == np.isnan(new)).all()
    assert not (new > changed).any()


def test_the_same_lists_again_are_no_change(data):
    recs = {1: ["a", "b"], 2: ["c"]}
    assert value(recs, "temporal_diversity@2", data, earlier=[recs, recs]) == 0
    assert value(recs, "temporal_novelty@2", data, earlier=recs) == 0


# Serendipity


def test_serendipity_by_rank_by_hand(data):
    # a 5/5, b 4/5, c 3/5, d 2/5, e and strangers 0
    recs = {1: ["d", "c", "stranger"], 2: ["b", "c"], 3: ["e", "d"], 4: ["a"]}
    found = values(recs, "serendipity_rank@3", data)
    assert found == pytest.approx(
        {1: (3 / 5 + 1 / 5) / 3, 2: (1 / 5) / 2, 3: (1 + 2 / 5) / 2, 4: math.nan}, nan_ok=True
    )
    assert values(recs, "serendipity_rank(denominator=k)@3", data)[3] == pytest.approx((1 + 2 / 5) / 3)


def test_equally_popular_items_share_a_rank_and_the_next_one_follows():
    data = Dataset({1: ["a", "b"], 2: ["a", "b", "c"]}, {3: ["c"]}, {"a": [], "b": [], "c": []})
    assert values({3: ["c"]}, "serendipity_rank@1", data)[3] == pytest.approx(1 - 2 / 3)
    # what is not in the catalogue takes no rank
    data = Dataset({1: ["a", "b"], 2: ["a", "b", "c"]}, {3: ["c"]}, {"c": []})
    assert values({3: ["c"]}, "serendipity_rank@1", data)[3] == 0


def test_serendipity_by_scores_by_hand(data):
    scores = {1: {"d": 5.0, "b": 4.0, "c": 3.0}}  # scaled 1, .5, 0
    assert values(scores, "serendipity_murakami@3", data)[1] == pytest.approx(0.5 / 3)  # expected: c 1, d .5, e 0
    primitive = {1: {"e": 9.0, "d": 7.0, "c": 1.0}}  # scaled 1, .75, 0
    assert values(scores, "serendipity_murakami@3", data, primitive=primitive)[1] == pytest.approx(0.25 / 3)
    unscored = {1: ["e", "d", "c"]}  # 1, 1/2, 1/3
    assert values(scores, "serendipity_murakami@3", data, primitive=unscored)[1] == pytest.approx(0.5 / 3)
    ranks = {1: ["b", "d", "c"]}  # 1, 1/2, 1/3 with 1 hit in 2 and 2 in 3
    assert values(ranks, "serendipity_murakami@3", data, primitive={1: {"a": 1.0}})[1] == pytest.approx(
        (1 / 2 * 1 / 2 + 1 / 3 * 2 / 3) / 3
    )
    same = {1: {"d": 1.0, "c": 1.0}}
    assert values(same, "serendipity_murakami@3", data)[1] == 0
    assert values({1: ["a"], 2: []}, "serendipity_murakami@3", data) == pytest.approx({1: 0, 2: 0, 3: 0})


# Popularity bias


def test_the_long_tail_by_hand(data):
    recs = {1: ["a", "d", "e", "stranger"], 2: ["c", "d"], 3: ["b"]}
    assert values(recs, "aclt@4", data) == {1: 3, 2: 1, 3: 0}
    assert values(recs, "aplt@4", data) == {1: 0.75, 2: 0.5, 3: 0}
    assert values(recs, "aplt@1", data) == {1: 0, 2: 0, 3: 0}
    assert values(recs, "aclt(head=0)@4", data) == {1: 3, 2: 2, 3: 1}  # the head is a alone
    assert parse("aclt@7").bounds == (0, 7)


@pytest.mark.parametrize("number", range(N_CASES))
def test_the_share_of_the_tail_is_its_number_by_the_length(number):
    share, count = per_user(number, "aplt(head=0.5)@7", "aclt(head=0.5)@7")
    lengths = np.minimum(bound(number).lengths, 7)
    np.testing.assert_allclose(share * np.maximum(lengths, 1), count, rtol=1e-12)
    assert (count[lengths > 0] == np.rint(count[lengths > 0])).all()


def test_popularity_lift_by_hand(data):
    # user 1: 3.5 before; user 4: 7/3; the others do not count
    recs = {1: ["a", "e"], 2: [], 4: ["b"], 9: ["a"]}
    before, now = (3.5 + 7 / 3) / 2, (2 + 3) / 2
    assert value(recs, "popularity_lift@2", data) == pytest.approx(now / before - 1)
    assert value(TRAIN, "popularity_lift@9", data) == pytest.approx(0)
    assert value({1: ["e"]}, "popularity_lift@2", data) == -1
    assert math.isnan(value({9: ["a"]}, "popularity_lift@2", data))


def test_unequal_hits_by_hand(data):
    # relevant: c twice (head); d twice and e (tail)
    recs = {1: ["c", "d"], 2: ["a", "c"], 3: ["a"], 4: ["d"]}
    rates = np.array([2 / 2, 1 / 3])
    assert value(recs, "pop_reo@2", data) == pytest.approx(rates.std() / rates.mean())
    assert value(recs, "pop_reo@1", data) == pytest.approx(1)  # only c is hit
    assert math.isnan(value({4: ["a"], 1: ["a"]}, "pop_reo@2", data))  # nothing is hit
    assert math.isnan(value(recs, "pop_reo(head=1)@2", Dataset(TRAIN, {1: ["c"]})))  # no tail


def test_unequal_showings_by_hand(data):
    # users 1, 2: c of the head and d, e are new to them; 9: all five
    recs = {1: ["c", "d"], 2: ["c"], 3: [], 9: ["e", "stranger"]}
    rates = np.array([2 / (1 + 1 + 3), 2 / (2 + 2 + 2)])
    assert value(recs, "pop_rsp@2", data) == pytest.approx(rates.std() / rates.mean())
    assert value({9: list(ITEMS)}, "pop_rsp@5", data) == 0
    assert math.isnan(value({9: ["stranger"]}, "pop_rsp@5", data))


def test_exposure_of_groups_by_hand(data):
    recs = {1: ["a", "d"], 2: ["b", "stranger"]}
    weight = 1 / math.log2(3)
    # head: 2 showings of 3 items, tail: the second rank of 2
    assert value(recs, "group_exposure_ratio@2", data) == pytest.approx((weight / 2) / (2 / 3))
    assert value(recs, "group_exposure_ratio(discount=none)@2", data) == pytest.approx((1 / 2) / (2 / 3))
    # x: a, b; y: b, c, d
    assert value(recs, "group_exposure_ratio(attribute=genres)@2", data) == pytest.approx(((1 + weight) / 3) / 1)
    assert value(recs, "group_exposure_ratio(head=0.1, discount=none)@1", data) == pytest.approx((1 / 4) / 1)
    assert value({1: ["e"]}, "group_exposure_ratio@2", data) == 0
    assert math.isnan(value({1: ["stranger"]}, "group_exposure_ratio@2", data))
    assert math.isnan(value(recs, "group_exposure_ratio(head=1)@2", Dataset({1: ["a", "b"]})))  # no tail


def test_groups_by_a_column():
    kinds = pd.DataFrame({"item_id": list("abcd"), "kind": ["old", "new", None, "new"], "price": range(4)})
    data = Dataset({1: ["a"]}, items=kinds)
    recs = {1: ["a", "b", "c"]}
    assert value(recs, "group_exposure_ratio(attribute=kind, discount=none)@3", data) == pytest.approx(1 / 2)
    with pytest.raises(SpecError, match="needs items with 'kinds'; pass items= with such a column; did you mean kind"):
        evaluate(recs, data, "group_exposure_ratio(attribute=kinds)")
    with pytest.raises(SpecError, match="needs training rows; pass train="):
        evaluate(recs, Dataset(items=kinds), "group_exposure_ratio")
    with pytest.raises(SpecError, match="needs items with 'kind'; pass items= with such a column"):
        evaluate({1: ["a"]}, Dataset(test={1: ["a"]}), "group_exposure_ratio(attribute=kind)")
    many = Dataset({1: [0]}, items=pd.DataFrame({"item_id": range(60), "price": range(60)}))
    with pytest.raises(SpecError, match="more than 50; put them into bins"):
        evaluate({1: [0]}, many, "group_exposure_ratio(attribute=price)")


@pytest.mark.parametrize("name", BIASES)
def test_blocks_and_replicates_of_biases(name):
    metric = parse(name)
    case = random_case(np.random.default_rng(9), n_users=20 if SLOW else 200, n_items=60)
    run = bridge.to_run(case, bridge.to_dataset(case))
    (whole,) = evaluate_run(run, [metric], threads=1).values()
    for n_blocks in (2, 7):
        parts = [metric.state(run.block(*cut)) for cut in blocks(len(run), n_blocks)]
        merged = type(whole).merge(parts)
        assert merged.value(metric, run.world) == whole.value(metric, run.world)
    lists = bridge.to_lists(case)
    report = evaluate(lists, bridge.to_dataset(case), metric, n_boot=30)
    assert report.replicates[metric].shape == (30,)
    low, high = metric.bounds
    defined = report.replicates[metric][~np.isnan(report.replicates[metric])]  # few users may have no row of the tail
    assert len(defined) > 15
    assert (defined >= low).all()
    assert (defined <= high).all()
    assert report[metric].ci_low <= report.value(metric) <= report[metric].ci_high


def test_dates_that_cannot_be_read():
    one_bad = pd.DataFrame({"item_id": [1, 2], "date": ["2001-02-03", "soon"]})
    with pytest.raises(DataError, match=r"cannot be read as dates .*soon"):  # the one that is wrong, not its neighbour
        _ = Dataset(items=one_bad).dates
    named = pd.DataFrame({"item_id": [1, 2, 3], "date": ["01-Jan-1995", None, "31-Dec-1999"]})
    assert Dataset(items=named).dates.astype(str).tolist() == ["1995-01-01", "NaT", "1999-12-31"]
    with pytest.raises(DataError, match="column 'date' of items cannot be read as dates"):
        evaluate({1: ["a"]}, dated("soon", "later", None), "age")
