"""What a re-ranking did: against naive definitions, LensKit's cases and a bootstrap written out."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from draws import draws
from oracle import rerank_orders as oracle

import beyondacc as ba
from beyondacc.comparison.diagnosis import printable
from beyondacc.errors import DataError, SpecError

pytestmark = pytest.mark.kernel
N_WORLDS = draws(60, 20)
N_USERS = 60
MEASURES = ("overlap", "least_item_promoted", "rank_biased_overlap", "changed")
ORACLES = Path(__file__).resolve().parents[2] / "shared" / "oracles" / "reranking.json"
ITEMS = {item: ["even" if item % 2 == 0 else "odd", *(["third"] if item % 3 == 0 else [])] for item in range(30)}


def plain(before, after, **options):
    """Without intervals, by a metric that every dataset allows."""
    return ba.diagnose(before, after, ba.Dataset(items=ITEMS), "catalog_coverage", **{"n_boot": 0, **options})


def random_lists(rng):
    """Lists before and after: ragged, empty, reordered, cut, longer, foreign; items 30 to 33 are unknown."""
    before, after = {}, {}
    for user in rng.permutation(N_USERS).tolist():
        pool = rng.permutation(34).tolist()
        before[user] = pool[: rng.choice([0, 1, 3, 8, 20])]
        kind = rng.integers(6)
        if kind == 0:
            after[user] = before[user][: rng.integers(0, 12)]
        elif kind == 1:
            after[user] = rng.permutation(before[user]).astype(int).tolist()[: rng.integers(0, 12)]
        elif kind == 2:
            after[user] = rng.permutation(34).tolist()[: rng.integers(0, 25)]
        elif kind == 3:  # a swap of two
            after[user] = before[user].copy()
            if len(before[user]) > 1:
                one, other = rng.choice(len(before[user]), 2, replace=False)
                after[user][one], after[user][other] = before[user][other], before[user][one]
        elif kind == 4:  # some of both, some known to no list before
            after[user] = rng.permutation([*before[user], 40, 41]).astype(int).tolist()
    order = rng.permutation(list(after)).tolist()
    return before, {user: after[user] for user in order}


@pytest.mark.parametrize("ids", [int, "i{}".format])
def test_equals_the_definition(ids):
    rng = np.random.default_rng(0)
    seen = {name: set() for name in MEASURES}
    for _ in range(N_WORLDS):
        before, after = random_lists(rng)
        k, p = int(rng.choice([1, 2, 3, 5, 10, 50])), float(rng.choice([0.0, 0.5, 0.9, 1.0, rng.random()]))
        named = [{user: list(map(ids, items)) for user, items in lists.items()} for lists in (before, after)]
        data = ba.Dataset(items={ids(item): genres for item, genres in ITEMS.items()})
        found = ba.diagnose(*named, data, "catalog_coverage", k=k, p=p, n_boot=0).per_user
        assert found.columns.tolist() == list(MEASURES)
        assert set(found.index) == set(after)
        for user, items in after.items():
            expected = (
                oracle.overlap(before[user], items, k),
                oracle.least_item_promoted(before[user], items, k),
                oracle.rank_biased_overlap(before[user], items, k, p),
                before[user][:k] != items[:k],
            )
            assert tuple(found.loc[user]) == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True), (k, p, user)
            for name, value in zip(MEASURES, expected, strict=True):
                seen[name].add(None if math.isnan(value) else float(value))
    assert {None, 0.0, 1.0, 0.5} <= seen["overlap"]
    assert {None, 0.0, 1.0} <= seen["rank_biased_overlap"]
    assert max(seen["least_item_promoted"]) > 10
    assert seen["changed"] == {0.0, 1.0}


def test_equal_lists_have_a_rank_biased_overlap_of_exactly_one():
    lists = {user: list(range(user)) for user in range(1, 25)}
    for p in (0.0, 0.1, 0.3, 0.9, 1.0):
        assert (plain(lists, lists, p=p, k=20).per_user["rank_biased_overlap"] == 1).all()


def golden():
    """Cases of least item promoted; none where the file is not there."""
    cases = json.loads(ORACLES.read_text(encoding="utf-8"))["cases"] if ORACLES.exists() else []
    return [case for case in cases if case["metric"].startswith("LeastItemPromoted")]


@pytest.mark.skipif(not ORACLES.exists(), reason="shared/oracles is not beside the checkout")
def test_golden():
    cases = golden()
    assert len(cases) >= 2
    for case in cases:
        given = case["inputs"]
        found = plain({1: given["reference"]}, {1: given["reranked"]}, k=given["n"])
        assert found.per_user["least_item_promoted"].tolist() == [case["expected"]["value"]], case["id"]


def test_the_summary():
    before = {"a": [1, 2, 3, 4], "b": [1, 2, 3], "c": [1, 2], "d": [], "e": [5, 6, 7, 8, 9]}
    after = {"e": [9, 8], "d": [1], "c": [1, 2], "b": [], "a": [2, 1]}
    found = plain(before, after, k=2, p=0.5)
    assert found.per_user.index.tolist() == ["a", "b", "c", "d", "e"]
    assert found.per_user["overlap"].tolist() == pytest.approx([1, math.nan, 1, 0, 0], nan_ok=True)
    assert found.per_user["least_item_promoted"].tolist() == [0, 0, 0, 0, 2]
    assert found.per_user["changed"].tolist() == [True, True, False, True, True]
    assert found.summary.index.tolist() == list(MEASURES)
    assert found.summary.columns.tolist() == ["mean", "median", "p10", "p90", "n_users"]
    assert found.summary["n_users"].tolist() == [4, 5, 3, 5]
    assert found.summary.loc["overlap"].tolist() == pytest.approx([0.5, 0.5, 0, 1, 4])
    assert found.summary.loc["least_item_promoted"].tolist() == pytest.approx([0.4, 0, 0, 1.2, 5])
    assert found.summary.loc["changed", "mean"] == 0.8
    assert found.deepest_rank == pytest.approx((5 + 2 + 2) / 3)  # two lists hold nothing that was there before


# metrics


def world(n_users=40, seed=3):
    """Users with truth, candidates, and a re-ranking of them to popular items, a list of one and an empty one."""
    rng = np.random.default_rng(seed)
    before = {user: rng.permutation(30)[: rng.integers(8, 20)].tolist() for user in range(n_users)}
    after = {user: rng.permutation(sorted(items)[:7]).tolist()[:6] for user, items in before.items()}
    after[3], after[5] = after[3][:1], []
    test = {user: rng.permutation(30)[: rng.integers(1, 5)].tolist() for user in range(n_users) if user % 4}
    train = {user: rng.permutation(12)[:5].tolist() for user in range(n_users)}
    return before, after, ba.Dataset(train, test, ITEMS)


def resampled(n, n_boot, seed):
    return np.random.default_rng(seed).integers(0, n, (n_boot, n))


def test_changes_equal_a_bootstrap_written_out():
    before, after, data = world()
    metrics = ["ndcg@5", "ild@5", "mean_popularity@3", "catalog_coverage@5"]
    table = ba.diagnose(before, after, data, metrics, n_boot=200, seed=7).changes.set_index("metric")
    assert table.columns.tolist() == [
        *("before", "after", "change", "standard_error", "ci_low", "ci_high", "better", "verdict")
    ]
    assert table.index.tolist() == metrics
    drawn = resampled(40, 200, 7)

    def covered(lists, users):
        return len({item for user in users for item in lists[user][:5]} & set(ITEMS)) / len(ITEMS)

    for name in metrics:
        values = []
        for lists in (before, after):
            report = ba.evaluate(lists, data, name, n_boot=0)
            if name.startswith("catalog"):
                values.append([covered(lists, range(40)), *(covered(lists, users) for users in drawn)])
            else:
                of = report.per_user(name).to_numpy()
                values.append([report.value(name), *(np.nanmean(of[users]) for users in drawn)])
        old, new = (np.array(each) for each in values)
        change, replicates = new[0] - old[0], new[1:] - old[1:]
        low, high = change + np.quantile(replicates, [0.025, 0.975]) - replicates.mean()
        expected = [old[0], new[0], change, replicates.std(ddof=1), low, high]
        found = table.loc[name]
        np.testing.assert_allclose(found.iloc[:6].astype(float), expected, rtol=1e-9, atol=1e-12)
        up = "better" if found["better"] == "higher" else "worse"
        down = "worse" if up == "better" else "better"
        assert found["verdict"] == (up if low > 0 else down if high < 0 else "no change shown")
    assert set(table["verdict"]) == {"worse", "no change shown"}


def test_a_change_in_the_better_direction_is_better():
    data = ba.Dataset({u: [0, 1] for u in range(12)} | {50: [2]}, {u: [9] for u in range(12)}, ITEMS)
    rare = {user: [9, 7, 8 + 2 * (user % 3)] for user in range(12)}
    common = {user: [0, 1, 2 + 2 * (user % 3)] for user in range(12)}
    metrics = ["hit_rate@2", "mean_popularity@2", "popularity_lift@2"]
    for lists, verdicts in ((common, ["worse", "worse", "-"]), (rare, ["better", "better", "-"])):
        table = ba.diagnose(rare if lists is common else common, lists, data, metrics, n_boot=50).changes
        assert table["better"].tolist() == ["higher", "lower", "target"]
        assert table["verdict"].tolist() == verdicts


def test_equal_lists_show_no_change():
    before, _, data = world()
    found = ba.diagnose(before, before, data, n_boot=100)
    assert len(found.changes) > 10
    assert (found.changes[["change", "standard_error", "ci_low", "ci_high"]] == 0).all().all()
    assert set(found.changes["verdict"]) == {"no change shown"}
    assert found.summary["mean"].tolist() == [1, 0, 1, 0]


def test_rounding_is_no_change():
    """The same first five in another order are as surprising, but for the last digit."""
    off_zero = 0
    for seed in range(200):
        if seed >= 20 and off_zero:
            break
        before, _, data = world(seed=seed)
        turned = {user: items[4::-1] for user, items in before.items()}
        row = ba.diagnose(before, turned, data, "surprise_cooccurrence@5", n_boot=50).changes.iloc[0]
        off_zero += row["ci_low"] * row["ci_high"] > 0
        assert row["verdict"] == "no change shown"
    assert off_zero


def test_without_intervals_there_is_no_verdict():
    before, after, data = world()
    table = ba.diagnose(before, after, data, "ndcg@5", n_boot=0).changes
    assert table[["standard_error", "ci_low", "ci_high"]].isna().all().all()
    assert table["verdict"].tolist() == ["-"]
    alone = ba.diagnose({1: before[1]}, {1: after[1]}, data, "ndcg@5", n_boot=50)
    assert alone.changes["verdict"].tolist() == ["-"]  # one user says nothing about others


def test_the_metrics_are_the_core_ones_at_k():
    before, after, data = world()
    found = ba.diagnose(before, after, data, k=3, n_boot=0).changes["metric"].tolist()
    assert {"ndcg@3", "ild@3", "gini@3"} <= set(found)
    assert all(name.endswith("@3") for name in found)
    table = ba.diagnose(before, after, data, ["recall", "ild@7"], k=3, n_boot=0).changes
    assert table["metric"].tolist() == ["recall@3", "ild@7"]
    report = ba.evaluate(before, data, ["recall@3", "ild@7"], n_boot=0)
    assert table["before"].tolist() == [report.value("recall@3"), report.value("ild@7")]
    assert len(ba.diagnose(before, after, data, "all", n_boot=0).changes) > len(found)


def test_the_users_are_those_of_after():
    before, after, data = world()
    metrics = ["ndcg@5", "ild@5", "gini@5", "personalization@5"]
    people = [33, 2, 17, 9, 1]
    some = {user: after[user] for user in people}
    width = max(map(len, some.values()))
    padded = np.array([items + [-1] * (width - len(items)) for items in some.values()])
    given = ba.Recommendations.from_array(padded, users=people)
    found = ba.diagnose(before, given, data, metrics, n_boot=0)
    assert found.per_user.index.tolist() == people
    pd.testing.assert_frame_equal(ba.diagnose(before, some, data, metrics).per_user.loc[people], found.per_user)
    for name, lists in (("before", {user: before[user] for user in some}), ("after", some)):
        report = ba.evaluate(lists, data, metrics, n_boot=0, users="recommended")
        assert found.changes[name].tolist() == pytest.approx([report.value(metric) for metric in metrics], rel=1e-12)
    whole = ba.diagnose(before, after, data, metrics, n_boot=0).changes
    assert whole["after"].tolist() == [ba.evaluate(after, data, name, n_boot=0).value(name) for name in metrics]


def test_users_the_dataset_does_not_know():
    before, after, data = world()
    strange = ba.diagnose(before | {99: [1, 2, 3]}, {99: [3, 1], **after}, data, "ild@2", k=2, n_boot=20)
    assert strange.per_user.loc[99, "overlap"] == 0.5
    report = ba.evaluate({99: [3, 1], **after}, data, "ild@2", n_boot=0)
    assert strange.changes["after"].tolist() == [report.value("ild@2")]


def test_all_ways_to_give_lists_are_one():
    _, _, data = world()
    rng = np.random.default_rng(0)
    before = np.argsort(rng.random((40, 30)), axis=1)[:, :12]
    after = before[:, rng.permutation(12)[:6]]
    expected = ba.diagnose(before, after, data, n_boot=50)
    frames = [
        pd.DataFrame({"who": np.repeat(np.arange(40), lists.shape[1]), "item": lists.ravel()})
        .assign(rank=np.tile(np.arange(lists.shape[1]), 40))
        .sample(frac=1, random_state=1)
        for lists in (before, after)
    ]
    dicts = [dict(enumerate(lists.tolist())) for lists in (before, after)]
    read = [ba.Recommendations.read(lists, data) for lists in (before, after)]
    for one, other, options in (
        (*frames, {"columns": {"user": "who"}}),
        (*dicts, {"threads": 1}),
        (*read, {"threads": 3}),
        (read[0], dicts[1], {}),
    ):
        found = ba.diagnose(one, other, data, n_boot=50, **options)
        pd.testing.assert_frame_equal(found.per_user.sort_index(), expected.per_user)
        pd.testing.assert_frame_equal(found.changes, expected.changes)
    made = ba.MMR(diversity=0.4).rerank(before, data, k=5)
    ranks = ba.diagnose(before, made, data, "ild@5", k=5, n_boot=0).per_user["least_item_promoted"]
    assert ranks.tolist() == np.maximum(made.input_ranks.max(axis=1) - 5, 0).tolist()


# text


def test_text():
    before, after, data = world()
    found = ba.diagnose(before, after, data, ["ndcg@5", "mean_popularity@5"], k=5, n_boot=50)
    means = found.summary["mean"]
    assert found.sentence == (
        f"40 users: {100 * means['overlap']:.0f} % of the first 5 kept, deepest item from rank "
        f"{found.deepest_rank:.0f} on average, 100 % of lists changed."
    )
    first, blank, heads, *rows = repr(found).splitlines()
    assert (first, blank) == (found.sentence, "")
    assert heads.split() == found.changes.columns.tolist()
    assert len(rows) == 2
    row = found.changes.iloc[0]
    assert f"{row['before']:.4f} {row['after']:.4f} {row['change']:+.4f}" in " ".join(rows[0].split())
    shown = found._repr_html_()
    assert shown.startswith(f"<p>{found.sentence}</p><table")
    assert "mean_popularity@5" in shown


def test_text_of_odd_lists():
    assert plain({1: [1, 2, 3]}, {1: [3, 2]}, k=2).sentence == (
        "1 user: 50 % of the first 2 kept, deepest item from rank 3 on average, 100 % of lists changed."
    )
    foreign = plain({1: [1, 2], 2: [3]}, {1: [4], 2: [5]}, k=1)
    assert foreign.sentence == "2 users: 0 % of the first 1 kept, 100 % of lists changed."
    empty = ba.Recommendations.from_array(np.full((2, 3), -1), users=[1, 2])
    assert plain({1: [1, 2], 2: [3]}, empty).sentence == "2 users, all with empty lists."
    table = pd.DataFrame({"change": [-1e-9, -0.25, 1234.56, math.nan], "before": [-1e-9, 0.25, -0.5, 150.0]})
    shown = printable(table)
    assert shown["change"].tolist() == ["+0.0000", "-0.2500", "+1,234.6", "-"]
    assert shown["before"].tolist() == ["0.0000", "0.2500", "-0.5000", "150.0"]


def test_messages():
    before, after, data = world()
    with pytest.raises(DataError, match=r"before has no list for 2 of the 40 users of after \(such as 7\); give as b"):
        ba.diagnose({user: items for user, items in before.items() if user not in {7, 8}}, after, data)
    with pytest.raises(DataError, match=r"user ids of after are strings .* but those of the dataset are integers"):
        ba.diagnose({"a": [1]}, {"a": [1]}, data)
    bare = ba.Dataset(items=ITEMS)
    with pytest.raises(DataError, match=r"user ids of after are integers .* but those of before are strings"):
        ba.diagnose({"a": [1]}, {1: [1]}, bare)
    with pytest.raises(DataError, match="none of the 2 users of after has a relevant test item, so ndcg@10 cannot be"):
        ba.diagnose({70: [1], 71: [2]}, {70: [1], 71: [2]}, data)
    assert ba.diagnose({70: [1], 71: [2]}, {70: [1], 71: [2]}, data, "gini").changes["verdict"].iloc[0] != "better"
    with pytest.raises(DataError, match="after lists item 1 more than once for user 2"):
        ba.diagnose(before, {2: [1, 1]}, data)
    with pytest.raises(DataError, match="before lists item 1 more than once for user 2"):
        ba.diagnose({2: [1, 1]}, {2: [1]}, data)
    with pytest.raises(SpecError, match="data is a dict; pass a Dataset"):
        ba.diagnose(before, after, {1: [2]})
    with pytest.raises(SpecError, match="metric 'ndcg@10' needs relevant test items; pass test="):
        ba.diagnose(before, after, bare, "ndcg")
    for name, value in (("k", 0), ("p", 1.5), ("n_boot", -1), ("seed", -1)):
        with pytest.raises(SpecError, match=f"diagnose: {name}={value} is not allowed; {name} must be a"):
            ba.diagnose(before, after, data, **{name: value})
