"""Metrics by groups of users, exposure and hits by groups of items."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import bridge
import numpy as np
import pandas as pd
import pytest
from strategies import random_case

from beyondacc import DataError, Dataset, SpecError, evaluate
from beyondacc.data.groups import head_items

METRICS = ["ndcg@3", "ild@3", "gini@3", "self_information@3", "personalization@3", "pop_rsp@3", "catalog_coverage@3"]
KINDS = {0: "a", 1: "b", 2: None}


@pytest.fixture(scope="module")
def case():
    return random_case(np.random.default_rng(4), n_users=30, n_items=40, with_attributes=True)


def users_table(case):
    users = [*dict.fromkeys([*case.train, *case.truth, *case.lists])]
    return {user: KINDS[place % 3] for place, user in enumerate(users)}


def dataset(case, **options):
    return Dataset(case.train, case.truth, bridge.items_of(case), **options)


@pytest.fixture(scope="module")
def report(case):
    table = users_table(case)
    frame = pd.DataFrame({"user_id": list(table), "kind": list(table.values()), "constant": 1})
    return evaluate(bridge.to_lists(case), dataset(case, users=frame), METRICS, n_boot=20)


def test_a_group_is_what_its_users_alone_give(case, report):
    groups = report.by("kind")
    assert list(groups) == ["a", "b"]
    kinds = users_table(case)
    data = dataset(case)
    for name, found in groups.items():
        lists = {user: items for user, items in bridge.to_lists(case).items() if kinds.get(user) == name}
        # users without a list count too: the truth of others is what must not
        truth = {user: gains for user, gains in case.truth.items() if kinds[user] == name}
        alone = evaluate(lists, Dataset(case.train, truth, bridge.items_of(case)), METRICS, n_boot=0)
        assert set(found.users) == set(alone.users)
        for metric in METRICS:
            assert found.value(metric) == pytest.approx(alone.value(metric), rel=1e-12, nan_ok=True), metric
    assert groups.n_ungrouped == len(report.users) - sum(len(found.users) for found in groups.values())
    assert groups.n_ungrouped > 0
    assert data.user_table is None


def test_groups_may_be_a_dict_or_a_series(case, report):
    kinds = users_table(case)
    first = report.by("kind")
    for given in (kinds, pd.Series(kinds)):
        again = report.by(given)
        assert {name: found.value("ndcg@3") for name, found in again.items()} == {
            name: found.value("ndcg@3") for name, found in first.items()
        }


def test_one_group_of_everybody_is_the_report(report):
    (everybody,) = report.by("constant").values()
    for metric in METRICS:
        assert everybody.value(metric) == report.value(metric)
        assert everybody[metric].ci_low == report[metric].ci_low
    assert (report.by("constant").gaps()["gap"] == 0).all()


@pytest.mark.parametrize("by", ["profile_size", "popularity_taste"])
def test_quantiles(case, report, by):
    counts = Counter(item for profile in case.train.values() for item in profile)
    numbers = {
        user: len(case.train[user])
        if by == "profile_size"
        else sum(counts[item] for item in case.train[user]) / len(case.train[user])
        for user in report.users.tolist()
        if user in case.train
    }
    groups = report.by(by, bins=3)
    assert len(groups) == 3
    assert groups.n_ungrouped == len(report.users) - len(numbers)
    spans = [[numbers[user] for user in found.users.tolist()] for found in groups.values()]
    assert all(max(one) < min(other) for one, other in itertools.pairwise(spans))
    if by == "popularity_taste":  # few ties: the groups are about equally large
        assert max(map(len, spans)) - min(map(len, spans)) <= 3
    for name, span in zip(groups, spans, strict=True):
        assert float(name.rsplit("to ", maxsplit=1)[1]) == pytest.approx(max(span), rel=1e-4)


def test_equal_numbers_are_one_group():
    data = Dataset({1: [1], 2: [2], 3: [1]}, {1: [2], 2: [1], 3: [2]})
    groups = evaluate({1: [2], 2: [1], 3: [2]}, data, "ndcg@1", n_boot=0).by("profile_size")
    assert {name: len(found.users) for name, found in groups.items()} == {"1 to 1": 3}


def test_gaps(report):
    groups = report.by("kind")
    gaps = groups.gaps().set_index("metric")
    assert set(gaps.index) == set(METRICS)
    for metric in METRICS:
        values = {name: found.value(metric) for name, found in groups.items()}
        row = gaps.loc[metric]
        assert row["gap"] == max(values.values()) - min(values.values())
        assert values[row["lowest"]] == row["lowest_value"] == min(values.values())
        assert values[row["highest"]] == row["highest_value"] == max(values.values())
        errors = [groups[name][metric].standard_error for name in (row["lowest"], row["highest"])]
        assert row["standard_error"] == pytest.approx(math.hypot(*errors))
    table = groups.to_pandas()
    assert table.columns[:3].tolist() == ["group", "metric", "value"]
    assert len(table) == 2 * len(METRICS)
    assert groups.to_wide().index.name == "group"


@pytest.mark.parametrize("attribute", ["popularity", "genres", "colour"])
def test_items_by_group(case, report, attribute):
    data = dataset(case)
    table = report.by_item(attribute, k=2).set_index("group")
    head = set(data.items.ids[head_items(data.world, 0.8)].tolist())
    of = {
        "popularity": lambda item: {"head" if item in head else "tail"} if item in case.catalogue else set(),
        "genres": lambda item: case.features.get(item, set()),
        "colour": lambda item: {case.attributes["colour"][item]} if case.attributes["colour"].get(item) else set(),
    }[attribute]
    lists = {user: items[:2] for user, items in case.lists.items() if items}
    every = [item for items in lists.values() for item in items]
    for name, row in table.iterrows():
        assert row["items"] == sum(name in of(item) for item in case.catalogue)
        assert row["catalogue_share"] == pytest.approx(row["items"] / len(case.catalogue))
        assert row["shown"] == sum(name in of(item) for item in every)
        assert row["exposure_share"] == pytest.approx(row["shown"] / len(every))
        relevant = [
            (user, item) for user, gains in case.truth.items() for item in gains if gains[item] > 0 and name in of(item)
        ]
        hits = sum(item in lists.get(user, []) for user, item in relevant)
        assert (row["relevant"], row["hits"]) == (len(relevant), hits)
        assert math.isnan(row["hit_rate"]) if not relevant else row["hit_rate"] == hits / len(relevant)
    known = {name for item in case.catalogue for name in of(item)}
    assert set(table.index) >= known


def test_the_head_ends_with_the_item_that_reaches_the_share():
    train = {user: [item for item in range(4) if user < (6, 2, 1, 1)[item]] for user in range(6)}
    data = Dataset(train)
    assert head_items(data.world, 0.8).tolist() == [
        True,
        True,
        False,
        False,
    ]  # 6 + 2, though .8 * 10 is not 8
    assert head_items(data.world, 0.81).tolist() == [True, True, True, False]
    assert head_items(data.world, 0.0).tolist() == [True, False, False, False]
    assert head_items(data.world, 1.0).all()


def test_what_cannot_be_grouped(case, report):
    with pytest.raises(SpecError, match="users cannot be grouped by 'kin'; did you mean kind"):
        report.by("kin")
    with pytest.raises(SpecError, match="no users table: pass users="):
        evaluate(bridge.to_lists(case), dataset(case), "ndcg@3", n_boot=0).by("kind")
    with pytest.raises(DataError, match=r"none of the .* evaluated users is in any group"):
        report.by({"nobody": "a"})
    with pytest.raises(DataError, match="gives user 'x' twice"):
        report.by(pd.Series(["a", "b"], index=["x", "x"]))
    with pytest.raises(SpecError, match="by= is a int"):
        report.by(3)
    with pytest.raises(SpecError, match="bins=0 is not allowed"):
        report.by("profile_size", bins=0)
    with pytest.raises(SpecError, match="more than 50; put them into bins"):
        evaluate({user: [1] for user in range(60)}, Dataset({1: [1]}), "epc", n_boot=0).by({u: u for u in range(60)})
    with pytest.raises(SpecError, match="items have no attribute 'color'; did you mean colour"):
        report.by_item("color")
    with pytest.raises(SpecError, match=r"head=1.5 is not allowed; head must be a number in \[0, 1\]"):
        report.by_item(head=1.5)
    with pytest.raises(SpecError, match="there is no group 'c'"):
        _ = report.by("kind")["c"]
    no_train = evaluate({1: [1]}, Dataset(test={1: [1]}), "ndcg@1", n_boot=0)
    with pytest.raises(SpecError, match="needs training rows of the evaluated users"):
        no_train.by("profile_size")
    with pytest.raises(DataError, match="users lists 1 twice"):
        Dataset({1: [1]}, users=pd.DataFrame({"user": [1, 1], "kind": ["a", "b"]}))
    with pytest.raises(DataError, match="give at least one column to group by"):
        Dataset({1: [1]}, users=pd.DataFrame({"user": [1]}))
