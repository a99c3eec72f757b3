"""The pipeline and what it returns: reports, policies, diagnostics, intervals, and what is said of bad input."""

from __future__ import annotations

import copy
import pickle
import re

import numba
import numpy as np
import pandas as pd
import pytest
from draws import draws

from beyondacc.bound.bind import bind
from beyondacc.data.dataset import Dataset
from beyondacc.data.recommendations import Recommendations
from beyondacc.data.vocabulary import Vocabulary
from beyondacc.distances import DISTANCES
from beyondacc.errors import DataError, NoEffectWarning, SpecError
from beyondacc.evaluation import intervals
from beyondacc.evaluation.evaluate import check_metrics, evaluate, evaluate_run
from beyondacc.evaluation.report import Report, Reports
from beyondacc.metrics import REGISTRY, catalog_coverage, gini, ild, ndcg, precision, recall
from beyondacc.metrics.base import resampling
from beyondacc.rerank import MMR
from beyondacc.run import local

pytestmark = pytest.mark.kernel

# Popularity: 10 has three users, 11 two, 12 and 15 one; 13 and 14 are cold, 14 has no genre.
TRAIN = pd.DataFrame({"user_id": [1, 1, 2, 2, 3, 3, 4], "item_id": [10, 11, 10, 11, 10, 12, 15]})
TEST = pd.DataFrame({"user_id": [1, 1, 2, 4], "item_id": [12, 13, 12, 10], "rating": [5.0, 1.0, 3.0, 4.0]})
ITEMS = pd.DataFrame({"item_id": [10, 11, 12, 13, 14, 15], "genres": ["a|b", "b", "c", "a", "", "c"]})
# 4 has no list, 9 is nobody; 99 is no item; 10 is in the profile of 1
RECS = {1: [12, 10, 14], 2: [13, 12], 3: [13], 9: [99, 11, 12]}


@pytest.fixture(scope="module")
def data():
    return Dataset(TRAIN, TEST, ITEMS)


def run(metric, data, recs=RECS, **options):
    return evaluate(recs, data, metric, **{"n_boot": 0, **options})


def sentence(error):
    """The message, which is one sentence."""
    text = str(error.value)
    assert "\n" not in text
    assert not text.endswith(".")
    assert len(text) < 500
    return text


# the report


def test_a_report_by_name_alias_and_metric(data):
    report = run(["map@2", "ndcg@3", ild(distance="cosine") @ 3, catalog_coverage @ 2], data)
    assert isinstance(report, Report)
    assert len(report) == 4
    assert list(map(str, report)) == ["average_precision@2", "ndcg@3", "ild(distance=cosine)@3", "catalog_coverage@2"]
    assert report.metrics == list(report)
    # of three users with truth 1 hits first, 2 second, 4 has no list
    assert report["map@2"].value == report["average_precision@2"].value == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    assert report["item_coverage@2"].metric == catalog_coverage @ 2
    assert report[ild(distance="cosine") @ 3].value == report.value("ild(distance = cosine) @ 3")
    found = report["ndcg@3"]
    assert (found.n_users, found.n_undefined, found.better, found.bounds) == (3, 2, "higher", (0.0, 1.0))
    assert np.isnan(found.ci_low)
    assert np.isnan(found.standard_error)


def test_one_metric_and_many_and_a_family(data):
    for metric in ("ndcg", ndcg, ndcg @ 10, ["ndcg@10"], (ndcg, "ndcg(gain=linear)@10")):
        assert run(metric, data).metrics == [ndcg @ 10]


def test_per_user_values_are_indexed_by_the_users_own_ids(data):
    report = run(["precision@2", "ild@3", "gini@2"], data)
    series = report.per_user("precision@2")
    assert series.name == "precision@2"
    assert series.to_dict() == pytest.approx({1: 0.5, 2: 0.5, 3: np.nan, 4: 0.0, 9: np.nan}, nan_ok=True)
    assert report.users.tolist() == [1, 2, 3, 4, 9]  # those of the dataset in its order, then the others
    frame = report.per_user_frame()
    assert frame.columns.tolist() == ["user_id", "precision@2", "ild@3"]
    assert frame.user_id.tolist() == [1, 2, 3, 4, 9]
    named = evaluate({"zoe": ["x"], "ann": ["y"]}, Dataset(test={"ann": ["y"]}), "hit_rate@1", n_boot=0)
    assert named.per_user("hit_rate@1").to_dict() == pytest.approx({"ann": 1.0, "zoe": np.nan}, nan_ok=True)


def test_what_has_one_value_for_the_run_has_none_for_a_user(data):
    with pytest.raises(SpecError) as error:
        run(["gini@2", "ndcg@2"], data).per_user("gini@2")
    assert sentence(error) == "gini@2 has one value for the whole run; a value for each user have ndcg@2"
    with pytest.raises(SpecError) as error:
        run("gini@2", data).per_user(gini @ 2)
    assert sentence(error) == "gini@2 has one value for the whole run; so has every other metric here"


def test_what_was_not_evaluated(data):
    report = run(["ndcg@2", "gini@2"], data)
    with pytest.raises(SpecError) as error:
        report["ndcg@5"]
    assert sentence(error) == "ndcg@5 was not evaluated; did you mean ndcg@2?"
    with pytest.raises(SpecError) as error:
        report.value("ndgc@2")
    assert sentence(error) == "there is no metric 'ndgc'; did you mean ndcg or dcg?"


def test_tables(data):
    report = run(["ndcg@2", "gini(complement=true)@2", "arp@2", "ild@2"], data, n_boot=50)
    table = report.to_pandas()
    assert table.columns.tolist() == [
        *("metric", "value", "standard_error", "ci_low", "ci_high", "median", "p10", "p90"),
        *("n_users", "n_undefined", "better"),
    ]
    assert table.metric.tolist() == ["ndcg@2", "gini(complement=true)@2", "mean_popularity@2", "ild@2"]
    assert table.better.tolist() == ["higher", "higher", "lower", "higher"]
    assert table.value.tolist() == [report.value(metric) for metric in report]
    lines = report.to_markdown().splitlines()
    assert lines[0] == f"| {' | '.join(table.columns)} |"
    assert len(lines) == 2 + len(report)
    assert f"| {table.value[0]:.4f} |" in lines[2]
    for text in (repr(report), report._repr_html_()):
        assert "gini(complement=true)@2" in text
    empty = run("ild@1", data)
    assert "undefined" in repr(empty)
    assert np.isnan(empty.value("ild@1"))


def test_several_runs(data):
    other = {1: [13], 2: [12]}
    reports = run(["ndcg@2", "gini@2"], data, {"good": other, "plain": RECS})
    assert isinstance(reports, Reports)
    assert list(reports) == ["good", "plain"]
    assert len(reports) == 2
    assert reports["good"].value("ndcg@2") == run("ndcg@2", data, other).value("ndcg@2")
    wide = reports.to_wide()
    assert wide.index.tolist() == ["good", "plain"]
    assert wide.loc["plain", "gini@2"] == reports["plain"].value("gini@2")
    table = reports.to_pandas()
    assert table.columns.tolist()[:3] == ["run", "metric", "value"]
    assert table.run.tolist() == ["good", "good", "plain", "plain"]
    assert "plain" in repr(reports)
    assert "plain" in reports._repr_html_()
    assert "| plain |" in reports.to_markdown()
    with pytest.raises(SpecError) as error:
        reports["goood"]
    assert sentence(error) == "there is no run 'goood'; did you mean good?"


@pytest.mark.parametrize(
    ("recs", "several"),
    [
        ({1: [12, 13]}, False),
        ({1: (12, 13)}, False),
        ({1: np.array([12, 13])}, False),
        ({1: pd.Series([12, 13])}, False),
        ({1: {12: 0.5, 13: 0.25}}, False),
        ({2: {}, 1: {12: 0.5, 13: 0.25}}, False),
        ({"a": {1: [12, 13]}}, True),
        ({"a": {1: {12: 0.5, 13: 0.25}}}, True),
        ({"a": pd.DataFrame({"user": [1, 1], "item": [12, 13]})}, True),
        ({"a": Recommendations.read({1: [12, 13]})}, True),
        ({"a": np.array([[12, 13], [-1, -1], [-1, -1], [-1, -1]])}, True),
    ],
)
def test_one_run_or_several(data, recs, several):
    made = run("map@2", data, recs)
    assert isinstance(made, Reports) == several
    report = made["a"] if several else made
    assert report.per_user("map@2")[1] == 1


# policies


def test_whose_values_are_averaged(data):
    everybody = run(["recall@2", "epc@2"], data)
    assert (everybody["recall@2"].n_users, everybody["recall@2"].n_undefined) == (3, 2)
    assert (everybody["epc@2"].n_users, everybody["epc@2"].n_undefined) == (4, 1)
    assert everybody.value("recall@2") == pytest.approx((1 / 2 + 1 + 0) / 3)
    both = run(["recall@2", "epc@2"], data, users="intersection")
    assert both.users.tolist() == [1, 2]
    assert both.value("recall@2") == pytest.approx((1 / 2 + 1) / 2)
    recommended = run(["recall@2", "epc@2"], data, users="recommended")
    assert recommended.users.tolist() == [1, 2, 3, 9]
    assert recommended["recall@2"].n_undefined == 2


def test_items_of_the_profile_are_kept_or_dropped(data):
    kept, dropped = run("map@2", data), run("map@2", data, seen="drop")
    assert kept.per_user("map@2")[1] == 1 / 2
    assert dropped.diagnostics["seen_items"] == 0
    assert kept.diagnostics["seen_items"] == 1
    # 14 moves up to the second place
    assert run("ild@2", data, seen="drop").diagnostics["featureless_items"] == 2
    scored = {1: {10: 3.0, 12: 2.0, 14: 2.0}}
    assert run("map@2", data, scored, seen="drop").diagnostics["tied_users"] == 1
    assert run("map@2", data, scored).diagnostics["tied_users"] == 0
    # a list that was cut before would be one short
    assert run("precision@1", data, {1: [10, 12]}, seen="drop").per_user("precision@1")[1] == 1


def test_items_outside_the_catalogue(data):
    report = run(["catalog_coverage@3", "epc@1"], data)
    assert report.value("catalog_coverage@3") == 5 / 6  # 10, 11, 12, 13, 14
    assert report.per_user("epc@1")[9] == 1
    named = Dataset({"u": ["x"]}, items={"x": ["g"], "y": ["g"]})
    with pytest.raises(DataError) as error:
        run("epc", named, {"u": ["y", "z"]}, unknown_items="error")
    assert sentence(error) == (
        "recs list item 'z' for user 'u', which is not in the catalogue; add it to items=, "
        'or pass unknown_items="keep"'
    )
    assert run("epc", named, {"u": ["y"]}, unknown_items="error").value("epc") == 1


def test_an_item_twice(data):
    rows = pd.DataFrame({"user": [1, 1, 1], "item": [12, 14, 12], "rank": [3, 2, 1]})
    assert run("map@2", data, rows, duplicates="first").per_user("map@2")[1] == 1 / 2  # first, not third
    named = Dataset(test={"u": ["x"]})
    with pytest.raises(DataError) as error:
        run("map", named, {"u": ["x", "y", "x"]})
    assert sentence(error) == (
        "recs lists item 'x' more than once for user 'u' (row 2); remove the repetition, "
        'or pass duplicates="first" to keep the better rank'
    )
    with pytest.raises(DataError, match="recs of 'b' lists item 'x' more than once"):
        run("map", named, {"a": {"u": ["x"]}, "b": {"u": ["x", "x"]}})


def test_what_is_relevant():
    recs = {1: [13, 12], 2: [12], 4: [10]}

    def ndcg_of_1(**options):
        return run("ndcg", Dataset(test=TEST, **options), recs).per_user("ndcg")[1]

    later = 1 / np.log2(3)
    assert ndcg_of_1() == pytest.approx((1 + 5 * later) / (5 + later))
    assert ndcg_of_1(threshold=4) == pytest.approx(later)  # only 12, as a gain of 1
    assert ndcg_of_1(threshold=4, graded=True) == pytest.approx(later)
    assert ndcg_of_1(threshold=1) == pytest.approx(1)
    assert ndcg_of_1(threshold=1, graded=True) == pytest.approx((1 + 5 * later) / (5 + later))
    strict = run("recall", Dataset(test=TEST, threshold=4), recs)
    assert strict["recall"].n_users == 2
    assert np.isnan(strict.per_user("recall")[2])


def test_lists_of_a_primitive_model(data):
    recs = {1: [12, 13], 2: [13, 77]}
    primitive = {1: [13, 14], 2: [55, 77]}
    assert run("unexpectedness@2", data, recs).per_user("unexpectedness@2").to_dict() == pytest.approx(
        {1: 1 / 2, 2: 1, 4: np.nan}, nan_ok=True
    )  # the most popular that are new: 12 and 15 for 1, 12 and 15 for 2
    made = run(["unexpectedness@2", "serendipity_ge@2"], data, recs, primitive=primitive)
    assert made.per_user("unexpectedness@2").to_dict() == pytest.approx({1: 1 / 2, 2: 1 / 2, 4: np.nan}, nan_ok=True)
    assert made.per_user("serendipity_ge@2").to_dict() == pytest.approx({1: 1 / 2, 2: 0, 4: 0})
    frame = pd.DataFrame({"customer": [1, 1], "item": [13, 14]})
    mapped = run("unexpectedness@2", data, frame, primitive=frame, columns={"user": "customer"})
    assert mapped.value("unexpectedness@2") == 0
    with pytest.raises(DataError, match="primitive lists item"):
        run("unexpectedness@2", data, recs, primitive={1: [13, 13]})


def test_diagnostics_by_hand(data):
    scored = pd.DataFrame(
        {
            "user": [1, 1, 1, 2, 2, 3, 9, 9, 9],
            "item": [12, 10, 14, 13, 12, 13, 99, 11, 12],
            "score": [3.0, 2.0, 2.0, 5.0, 5.0, 1.0, 3.0, 3.0, 3.0],
        }
    )
    assert run(["ndcg@2", "recall@3"], data, scored).diagnostics == {
        "users": 5,
        "users_without_list": 1,  # 4
        "users_without_truth": 2,  # 3 and 9
        "users_without_profile": 1,  # 9
        "short_lists": 2,  # 2 and 3
        "tied_users": 3,  # 1, 2 and 9
        "cold_items": 4,  # 14, 13 twice, 99
        "unknown_items": 1,  # 99
        "featureless_items": 2,  # 14 and 99
        "seen_items": 1,  # 10 of 1
    }
    at_2 = run("ndcg@2", data, scored).diagnostics
    assert (at_2["tied_users"], at_2["short_lists"], at_2["featureless_items"]) == (2, 1, 1)
    bare = run("ndcg@2", Dataset(test=TEST)).diagnostics
    assert bare["cold_items"] == bare["users_without_profile"] == bare["featureless_items"] == bare["tied_users"] == 0


def test_exposure(data):
    report = run("gini@2", data)
    assert report.exposure(2).tolist() == [1, 1, 2, 2, 0, 0]  # of 10 to 15
    assert report.exposure(2).sum() == 6


def test_empty_lists_are_lists_that_are_missing(data):
    array = np.array([[12, 10], [-1, -1], [13, -1], [-1, -1]])  # the users of the dataset in their order
    report = run(["recall@2", "epc@2"], data, array)
    assert report.per_user("recall@2").to_dict() == pytest.approx({1: 0.5, 2: 0, 3: np.nan, 4: 0}, nan_ok=True)
    assert report["epc@2"].n_users == 2
    assert report.diagnostics["users_without_list"] == 2
    as_dict = run(["recall@2", "epc@2"], data, {1: [12, 10], 2: [], 3: [13], 4: []})
    for metric in report:
        pd.testing.assert_series_equal(report.per_user(metric), as_dict.per_user(metric))


def test_a_cutoff_beyond_the_lists(data):
    report = run(["precision@50", "ild@50", "epc@50"], data)
    assert report.per_user("precision@50")[1] == 1 / 50
    assert report.per_user("epc@50")[2] == pytest.approx((1 + 3 / 4) / 2)
    assert report.diagnostics["short_lists"] == 4


# intervals


N_ITEMS = 1000


@pytest.fixture(scope="module")
def many():
    """Many users with lists of ten items, some of which are shown most and others never."""
    rng = np.random.default_rng(0)
    n_users, n_items = 60 if numba.config.DISABLE_JIT else 400, N_ITEMS
    weights = 1 / np.arange(1, n_items + 1)
    weights /= weights.sum()
    lists, train, test = (
        {user: rng.choice(n_items, size, replace=False, p=weights).tolist() for user in range(n_users)}
        for size in (10, 15, 5)
    )
    items = pd.DataFrame({"item_id": range(n_items), "genres": [f"g{item % 7}|h{item % 5}" for item in range(n_items)]})
    return lists, Dataset(train, test, items)


def test_intervals_hold_the_value_of_every_metric(many):
    lists, data = many
    before = [{user: items[::-1][: 3 + user % 4] for user, items in lists.items()}]
    report = evaluate(lists, data, "all", earlier=before, n_boot=200)
    assert {metric.family.name for metric in report} == set(REGISTRY) - {"age"}
    for metric in report:
        found = report[metric]
        assert found.ci_low <= found.value <= found.ci_high, metric
        assert found.bounds[0] <= found.ci_low, metric
        assert found.ci_high <= found.bounds[1], metric
        assert found.standard_error >= 0
        assert found.ci_low < found.ci_high or metric.family.name in {"user_coverage", "genre_coverage"}, metric
        assert report.replicates[metric].shape == (200,)


def test_the_spread_of_the_users_values(many):
    lists, data = many
    report = evaluate(lists, data, ["ndcg@10", "gini@10"], n_boot=50)
    values = report.per_user("ndcg@10").dropna()
    found = report["ndcg@10"]
    assert (found.p10, found.median, found.p90) == tuple(values.quantile([0.1, 0.5, 0.9]))
    assert found.standard_error == pytest.approx(values.std() / len(values) ** 0.5, rel=0.3)
    assert np.isnan([report["gini@10"].p10, report["gini@10"].median, report["gini@10"].p90]).all()


def test_undefined_users_may_count_as_zero(data):
    plain = run("ild@2", data, {1: [13], 2: [12, 13], 3: []})
    zeros = run("ild@2", data, {1: [13], 2: [12, 13], 3: []}, undefined="zero")
    assert plain["ild@2"].n_undefined > 0
    assert zeros["ild@2"].n_undefined == 0
    assert zeros.value("ild@2") == pytest.approx(plain.value("ild@2") * plain["ild@2"].n_users / zeros["ild@2"].n_users)
    with pytest.raises(SpecError, match="undefined='nought' is not allowed; undefined must be 'skip' or 'zero'"):
        run("ild@2", data, undefined="nought")


def test_intervals_depend_on_the_seed_alone(many):
    lists, data = many
    metrics = ["ndcg@10", "catalog_coverage@10", "personalization@10", "gini@5"]
    first, again, other = (
        evaluate(lists, data, metrics, n_boot=100, seed=seed, threads=threads)
        for seed, threads in ((3, 1), (3, 2), (4, 1))
    )
    for metric in metrics:
        metric = first.find(metric)  # noqa: PLW2901
        assert first.replicates[metric].tobytes() == again.replicates[metric].tobytes()
        assert (first[metric].ci_low, first[metric].ci_high) == (again[metric].ci_low, again[metric].ci_high)
        assert (first.replicates[metric] != other.replicates[metric]).any()


def test_chunks_of_replicates_hold_the_same_resamples(monkeypatch):
    whole = np.concatenate(list(intervals._resamples(37, 100, seed=5)))
    monkeypatch.setattr(resampling, "_CELLS", 300)
    parts = list(intervals._resamples(37, 100, seed=5))
    assert len(parts) > 5
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert (whole.sum(axis=1) == 37).all()


@pytest.mark.parametrize("cells", [None, 1500])
def test_runs_that_share_resamples_have_the_replicates_they_have_alone(many, monkeypatch, cells):
    """Whatever the other runs are, and however many chunks the replicates are cut into: the same bits."""
    lists, data = many
    if cells:
        monkeypatch.setattr(resampling, "_CELLS", cells)
    names = ["ndcg@10", "ild@2", "serendipity_ge@5", "gini@10", "group_exposure_ratio@5", "pop_rsp@5", "entropy@3"]
    short = {user: items[: user % 4] for user, items in lists.items()}  # some lists have no pair
    backwards = {user: items[::-1] for user, items in lists.items()}
    runs = []
    for recs, some in ((lists, names), (short, names[::-1]), (backwards, names[:2]), (lists, names[3:4])):
        metrics = check_metrics(some, data)
        run = bind(Recommendations.read(recs, data), data)
        runs.append((run, evaluate_run(run, metrics)))
    alone = [intervals.replicate_runs([run], n_boot=25, seed=3)[0] for run in runs]
    draws = []
    draw = intervals._resamples
    monkeypatch.setattr(intervals, "_resamples", lambda *given: draws.append(given) or draw(*given))
    together = intervals.replicate_runs(runs, n_boot=25, seed=3)
    assert draws == [(len(lists), 25, 3)]
    for one, other, (_, states) in zip(alone, together, runs, strict=True):
        assert list(one) == list(other) == list(states)
        for metric, values in one.items():
            assert values.shape == (25,)
            assert values.tobytes() == other[metric].tobytes()
            assert np.isfinite(values).any()
    assert intervals.replicate_runs([]) == []


def test_runs_of_other_users_share_no_resamples(many):
    lists, data = many
    runs = []
    for users in ("all", "intersection", "all"):
        few = Recommendations.read({user: lists[user] for user in range(7)}, data)
        run = bind(few, data, users=users)
        runs.append((run, evaluate_run(run, [ndcg @ 5])))
    with pytest.raises(DataError, match=f"runs of 7 and of {len(lists)} users cannot share resamples; bind them all"):
        intervals.replicate_runs(runs)


def test_replicates_are_what_the_metrics_say_of_resampled_users(many):
    """Repeat users under new names, as the first resample says, and evaluate anew."""
    lists, data = many
    metrics = ["ndcg@10", "ild@10", "catalog_coverage@10", "gini@10", "entropy@10"]
    report = evaluate(lists, data, metrics, n_boot=3, seed=1)
    weights = next(intervals._resamples(len(lists), 3, seed=1))[0]
    people = report.users.tolist()
    drawn = [(user, copy) for user, weight in zip(people, weights, strict=True) for copy in range(weight)]
    copies = {f"{user}-{copy}": lists[user] for user, copy in drawn}
    test = data.test
    truth = {f"{user}-{copy}": test.items[test.starts[user] : test.starts[user + 1]].tolist() for user, copy in drawn}
    genres = {item: [f"g{item % 7}", f"h{item % 5}"] for item in range(N_ITEMS)}
    resampled = evaluate(copies, Dataset(test=truth, items=genres), metrics, n_boot=0)
    for metric in report:
        assert report.replicates[metric][0] == pytest.approx(resampled.value(metric), rel=1e-12)


def test_personalization_of_a_resample_leaves_out_pairs_of_one_user_with_itself():
    data = Dataset(train={"t": list(range(6))})
    lists = {"a": [0, 1], "b": [1, 2], "c": [3, 4]}
    report = evaluate(lists, data, "personalization@2", n_boot=40)
    weights = next(intervals._resamples(3, 40, seed=0))
    for (a, b, c), found in zip(weights, report.replicates[report.metrics[0]], strict=True):
        pairs = a * b + a * c + b * c
        assert found == pytest.approx(1 - a * b / 2 / pairs if pairs else np.nan, nan_ok=True)


def test_intervals_of_means_are_close_to_the_normal_ones_and_shrink(many):
    lists, data = many
    widths = []
    for n_users in (len(lists) // 4, len(lists)):
        few = {user: lists[user] for user in range(n_users)}
        report = evaluate(few, data, "epc@10", n_boot=2000, users="intersection")
        found, values = report["epc@10"], report.per_user("epc@10")
        error = values.std(ddof=0) / np.sqrt(len(values))
        assert found.standard_error == pytest.approx(error, rel=0.1)
        assert found.ci_low == pytest.approx(found.value - 1.96 * error, abs=0.25 * error)
        assert found.ci_high == pytest.approx(found.value + 1.96 * error, abs=0.25 * error)
        widths.append(found.ci_high - found.ci_low)
    assert widths[1] == pytest.approx(widths[0] / 2, rel=0.4)


def test_no_interval_where_nothing_is_defined(data):
    report = run(["ild@1", "ndcg@2"], data, n_boot=20)
    assert all(np.isnan([report["ild@1"].ci_low, report["ild@1"].ci_high, report["ild@1"].standard_error]))
    assert not np.isnan(report["ndcg@2"].ci_low)
    assert run("ndcg@2", data).replicates[ndcg @ 2].shape == (0,)
    low, high = intervals.interval(0.5, np.array([0.5, np.nan, np.nan]), (0.0, 1.0))
    assert np.isnan(low)
    assert np.isnan(high)


# what is missing


@pytest.mark.parametrize(
    ("metrics", "parts", "message"),
    [
        (
            ["ndcg@10", "ild@10", "binomial_diversity@10"],
            {"train": TRAIN, "test": TEST},
            (
                "metric 'ild@10' needs item features; pass items= with a genres column "
                "(also needed by: binomial_diversity@10)"
            ),
        ),
        (
            ["ild@10"],
            {"train": TRAIN, "items": ITEMS[["item_id"]]},
            "metric 'ild@10' needs item features; pass items= with a genres column",
        ),
        (
            ["surprise_content(distance=cosine)@5"],
            {"train": TRAIN},
            (
                "metric 'surprise_content(distance=cosine)@5' needs item features or vectors; "
                "pass items= with a genres column, or vectors="
            ),
        ),
        (
            ["epc", "map@3", "recall"],
            {"train": TRAIN},
            "metric 'average_precision@3' needs relevant test items; pass test= (also needed by: recall@10)",
        ),
        (["epc"], {"test": TEST}, "metric 'epc@10' needs training rows; pass train="),
        (["gini"], {"test": TEST}, "metric 'gini@10' needs a catalogue; pass items= or train="),
        (
            ["arp(relevance=binary)"],
            {"train": TRAIN},
            "metric 'mean_popularity(relevance=binary)@10' needs relevant test items; pass test=",
        ),
    ],
)
def test_what_a_metric_needs(metrics, parts, message):
    with pytest.raises(SpecError) as error:
        run(metrics, Dataset(**parts))
    assert sentence(error) == message


def test_vectors_serve_the_cosine_but_not_jaccard():
    data = Dataset(items=ITEMS[["item_id"]], vectors=np.eye(6))
    assert check_metrics("ild(distance=cosine)@3", data) == [ild(distance="cosine") @ 3]
    with pytest.raises(SpecError, match="needs item features; pass items= with a genres column"):
        check_metrics("ild@3", data)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("ndgc@10", "there is no metric 'ndgc'; did you mean ndcg or dcg?"),
        (
            "item_converage@5",
            "there is no metric 'item_converage'; did you mean item_coverage, user_coverage or genre_coverage?",
        ),
        ("ndcg@0", "'ndcg@0': the cutoff '0' is not allowed; k must be a whole number >= 1"),
        ("ndcg@-3", "'ndcg@-3': the cutoff '-3' is not allowed; k must be a whole number >= 1"),
        ("ndcg@ten", "'ndcg@ten': the cutoff 'ten' is not allowed; k must be a whole number >= 1"),
        ("ndcg(k=0)", "metric 'ndcg': k='0' is not allowed; k must be a whole number >= 1 and at most 1,000,000"),
        ("ndcg(gian=exp)", "metric 'ndcg' has no parameter 'gian'; did you mean gain?"),
        ("ndcg(gain=square)@5", "metric 'ndcg': gain='square' is not allowed; gain must be 'linear' or 'exp'"),
        (
            "binomial_diversity(alpha=2)",
            "metric 'binomial_diversity': alpha='2' is not allowed; alpha must be a number in [0, 1]",
        ),
        (
            "ild(distance=hamming)",
            (
                "metric 'ild': distance='hamming' is not allowed; distance must be jaccard or cosine, "
                "a matrix, or a function of two feature rows (see beyondacc.distance)"
            ),
        ),
        (
            "gini(complement=maybe)",
            "metric 'gini': complement='maybe' is not allowed; complement must be true or false",
        ),
        ("ndcg(gain)", "'ndcg(gain)': 'gain' is not parameter=value"),
        ("ndcg(gain=exp, gain=linear)", "'ndcg(gain=exp, gain=linear)' gives gain twice"),
        ("ndcg 10", "'ndcg 10' cannot be read; write name@10 or name(parameter=value)@10"),
        ([], 'no metric was given; name at least one, such as "ndcg@10"'),
    ],
)
def test_metrics_that_do_not_exist(data, metric, message, fresh_distances):  # noqa: ARG001
    for name in [*DISTANCES]:
        if name not in {"jaccard", "cosine"}:
            del DISTANCES[name]
    with pytest.raises(SpecError) as error:
        run(metric, data)
    assert sentence(error) == message


def test_cutoffs_in_python():
    assert (ndcg @ 3).k == 3
    assert (precision(denominator="list") @ 7).k == 7
    with pytest.raises(SpecError) as error:
        ndcg @ 0
    assert sentence(error) == "metric 'ndcg': k=0 is not allowed; k must be a whole number >= 1 and at most 1,000,000"
    with pytest.raises(SpecError, match=r"k=2\.5 is not allowed"):
        recall @ 2.5


# bad input


def lists(**columns):
    return pd.DataFrame({"user": [1, 1, 2], "item": [12, 13, 12], **columns})


@pytest.mark.parametrize(
    ("recs", "options", "message"),
    [
        (
            lists().drop(columns="item"),
            {},
            (
                "recs has no item column; its columns are 'user'; call it item_id, itemId, item, i, movieId, movie_id, "
                "doc_id, docno or iid, or say which it is with columns={'item': ...} (--columns item=...)"
            ),
        ),
        (lists(), {"columns": {"usr": "user"}}, "columns= has the key 'usr', which names no column; did you mean user"),
        (
            lists(),
            {"columns": {"user": "customer"}},
            "columns= says that the user column of recs is 'customer', but recs has no such column; did you mean user?",
        ),
        (lists().iloc[:0], {}, "recs is empty; pass at least one row"),
        ({}, {}, "recs is empty; pass at least one row"),
        ({1: [], 2: []}, {}, "recs is empty; pass at least one row"),
        ({1: {}, 2: {}}, {}, "recs is empty; pass at least one row"),
        (
            lists(score=[1.0, np.nan, 2.0]),
            {},
            "column 'score' of recs has no value (null or NaN) in row 1 (rows count from 0); fill or drop such rows",
        ),
        (lists(score=[1.0, 2.0, np.inf]), {}, "column 'score' of recs is inf in row 2 (rows count from 0)"),
        (lists(user=[1, 1, np.nan]), {}, "column 'user' of recs has no value (null or NaN) in row 2"),
        (lists(item=["12", None, "13"]), {}, "column 'item' of recs has no value (null or NaN) in row 1"),
        (
            lists(item=["i12", "i13", "i12"]),
            {},
            (
                "item ids of recs are strings (such as 'i12') but those of the dataset are integers (such as 10); "
                "convert one of them"
            ),
        ),
        (
            {"1": [12]},
            {},
            (
                "user ids of recs are strings (such as '1') but those of the dataset are integers (such as 1); "
                "convert one of them"
            ),
        ),
        (
            {77: [12], 3: [13]},
            {},
            (
                "none of the 2 users of recs (such as 3) is among the 3 users of test (such as 1), "
                "so ndcg@2 cannot be computed; check the user ids"
            ),
        ),
        (
            np.ones((2, 3), int),
            {},
            (
                "recs is an array of 2 rows for 4 users; give one row for each user of the Dataset in the order of "
                "data.users, or make it with Recommendations.from_array(array, users=...)"
            ),
        ),
        (np.ones((4, 2)), {}, "recs is an array of shape (4, 2) and type float64; an array must be (users, k)"),
        (np.full((4, 1), -7), {}, "recs holds -7; item ids of an array must be >= 0, or -1 where a list ends"),
        ({1: {12, 13}}, {}, "recs is a dict whose value for user 1 is {"),
        (5, {}, "recs is a int, which cannot be read as a table; pass a DataFrame"),
        ("nowhere.csv", {}, "recs: there is no file 'nowhere.csv'; check the path"),
        ({"a": lists(), "b": lists().iloc[:0]}, {}, "recs of 'b' is empty; pass at least one row"),
    ],
)
def test_lists_that_cannot_be_used(data, recs, options, message):
    with pytest.raises(DataError) as error:
        run("ndcg@2", data, recs, **options)
    assert sentence(error).startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"users": "some"},
            (
                "evaluate: users='some' is not allowed; users must be 'all', 'intersection', 'recommended', 'tested', "
                "'judged' or 'judged-intersection'"
            ),
        ),
        ({"seen": "hide"}, "evaluate: seen='hide' is not allowed; seen must be 'keep' or 'drop'"),
        (
            {"unknown_items": "drop"},
            "evaluate: unknown_items='drop' is not allowed; unknown_items must be 'keep' or 'error'",
        ),
        ({"duplicates": "last"}, "evaluate: duplicates='last' is not allowed; duplicates must be 'error' or 'first'"),
        ({"n_boot": -1}, "evaluate: n_boot=-1 is not allowed; n_boot must be a whole number >= 0"),
        ({"n_boot": 0.5}, "evaluate: n_boot=0.5 is not allowed; n_boot must be a whole number >= 0"),
        ({"seed": -1}, "evaluate: seed=-1 is not allowed; seed must be a whole number >= 0"),
    ],
)
def test_options_that_do_not_exist(data, options, message):
    with pytest.raises(SpecError) as error:
        run("ndcg@2", data, **options)
    assert sentence(error) == message


def test_a_frame_is_no_dataset():
    with pytest.raises(SpecError) as error:
        run("ndcg@2", TEST)
    assert sentence(error) == "data is a DataFrame; pass a Dataset, such as Dataset(train, test, items)"


def test_nobody_is_left(data):
    with pytest.raises(DataError) as error:
        run("epc@2", data, {3: [12]}, users="intersection")
    assert sentence(error) == (
        'no user is left to evaluate with users="intersection"; pass users="all" or check the user ids'
    )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "a Dataset needs at least one of train=, test= and items="),
        ({"train": TRAIN.iloc[:0]}, "train is empty; pass at least one row"),
        ({"test": {1: {2: -0.5}}}, "test has a negative gain, -0.5 in row 0; gains must be >= 0"),
        ({"test": {1: [2]}, "threshold": 3}, "threshold=3 needs a rating column in test, which has none"),
        ({"test": {1: {2: 1.0}}, "threshold": 3}, "no test row has a value >= threshold=3; lower the threshold"),
        ({"train": {"a": [1]}, "test": {1: [1]}}, "user ids of test are integers (such as 1) but those of train are "),
        ({"train": TRAIN, "vectors": np.eye(3)}, "vectors= are those of the items table; pass items="),
        ({"items": ITEMS, "vectors": np.eye(3)}, "vectors has 3 rows but items has 6; pass one vector for each row"),
    ],
)
def test_datasets_that_cannot_be_made(parts, message):
    with pytest.raises((DataError, SpecError)) as error:
        Dataset(**parts)
    assert re.match(re.escape(message), sentence(error))


def test_equal_scores_are_no_ties_where_ranks_decide():
    data = Dataset(train={1: [1, 2, 3]}, test={1: [4]}, items={item: ["a"] for item in range(6)})
    tied = pd.DataFrame({"user_id": 1, "item_id": [4, 5], "score": 0.5})
    assert evaluate(tied, data, "ndcg@2", n_boot=0).diagnostics["tied_users"] == 1
    assert evaluate(tied.assign(rank=[1, 2]), data, "ndcg@2", n_boot=0).diagnostics["tied_users"] == 0
    with pytest.warns(NoEffectWarning):  # two candidates, one left after the first pick
        reranked = MMR(diversity=1.0).rerank(tied, data, k=2)
    assert evaluate(reranked, data, "ndcg@2", n_boot=0).diagnostics["tied_users"] == 0


@pytest.mark.parametrize("ties", ["item", "reversed"])
def test_by_score_is_a_stable_sort_of_each_list(ties):
    rng = np.random.default_rng(4)
    for _ in range(draws(200)):
        n, k = rng.integers(1, 6, 2)
        lists = [rng.permutation(30)[: rng.integers(0, k + 1)].tolist() for _ in range(n)]
        scores = [rng.integers(0, rng.choice([2, 50]), len(each)).astype(float).tolist() for each in lists]
        scores = [sorted(each, reverse=True) if rng.random() < 0.7 else each for each in scores]
        width = max(map(len, lists))
        padded = np.array([each + [-1] * (width - len(each)) for each in lists], np.int32).reshape(n, width)
        numbers = np.array([each + [np.nan] * (width - len(each)) for each in scores]).reshape(n, width)
        items = Vocabulary(pd.Index(np.arange(30)))
        found = Recommendations(pd.Index(np.arange(n)), items, padded, numbers).by_score(ties)
        for row, (own, values) in enumerate(zip(lists, scores, strict=True)):
            key = [str(item) for item in own] if ties == "item" else list(range(len(own)))
            order = sorted(range(len(own)), key=lambda at, v=values, t=key: (v[at], t[at]), reverse=True)
            assert found.lists[row, : len(own)].tolist() == [own[at] for at in order]
            assert found.scores[row, : len(own)].tolist() == [values[at] for at in order]


@pytest.mark.parametrize(
    ("dtype", "power"), [(np.float32, -70), (np.float32, 70), (np.float64, -400), (np.float64, 400)]
)
def test_the_size_of_vectors_changes_no_cosine(dtype, power):
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(12, 4)).astype(dtype)
    vectors[3] = 0.0
    train = pd.DataFrame({"user_id": np.repeat(np.arange(6), 4), "item_id": rng.integers(0, 12, 24)})
    items = pd.DataFrame({"item_id": np.arange(12)})
    lists = {user: rng.permutation(12)[:5].tolist() for user in range(6)}
    names = ["distance_unexpectedness@5", "ild(distance=cosine)@5", "surprise_content(distance=cosine)@5"]
    plain, scaled = (
        evaluate(lists, Dataset(train, items=items, vectors=each), names, n_boot=0).per_user_frame()
        for each in (vectors, np.ldexp(vectors, power).astype(dtype))
    )
    pd.testing.assert_frame_equal(plain, scaled, rtol=1e-6 if dtype == np.float32 else 1e-12)


def test_seen_items_are_dropped_from_a_copy():
    train = pd.DataFrame({"user_id": [1, 1, 2], "item_id": [1, 2, 3]})
    data = Dataset(train)
    recs = Recommendations.read({1: [1, 3], 2: [3, 1]}, data)
    before, lengths = recs.lists.copy(), recs.lengths.copy()
    evaluate(recs, data, "self_information@2", seen="drop", n_boot=0)
    evaluate(recs, data, "self_information@2", n_boot=0)
    np.testing.assert_array_equal(recs.lists, before)
    np.testing.assert_array_equal(recs.lengths, lengths)


def test_few_rows_of_few_metrics_start_no_threads(monkeypatch):
    """Starting one takes as long as some thousands of rows of one metric; many metrics are worth it sooner."""
    lists = {user: [user % 7, 7] for user in range(1000)}
    data = Dataset(train={user: [user % 5] for user in range(1000)}, test=lists)
    started = []

    def one_by_one(work, parts, **_):
        started.append(len(parts))
        return [work(*part) for part in parts]

    monkeypatch.setattr(local, "map_parts", one_by_one)
    for n_metrics, parts in ((1, 1), (32, 2)):
        evaluate(lists, data, [f"ndcg@{k}" for k in range(1, n_metrics + 1)], n_boot=0, threads=2)
        assert started[-1] == parts  # before come those of the profiles


@pytest.mark.parametrize("again", [lambda it: pickle.loads(pickle.dumps(it)), copy.deepcopy])  # noqa: S301 - our own
@pytest.mark.parametrize("asked_before", [True, False])
def test_datasets_and_lists_can_be_pickled_and_copied(again, asked_before):
    """As where runs are evaluated by processes of one's own."""
    data = Dataset(TRAIN, TEST, ITEMS)
    recs = Recommendations.read({4: [10, 12], 1: [13, 10]}, data)
    metrics = ["ndcg@2", "ild@2", "self_information@2", "catalog_coverage@2"]
    if asked_before:
        evaluate(recs, data, metrics, n_boot=0)
    data_again, recs_again = again((data, recs))
    assert data_again.users is not data.users
    report = evaluate(recs_again, data_again, metrics, n_boot=20)
    wanted = evaluate(recs, data, metrics, n_boot=20)
    pd.testing.assert_frame_equal(report.to_pandas(), wanted.to_pandas())
