"""Comparisons of runs against naive tests, scipy on its own, and what they must do under a true hypothesis."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from draws import draws
from hypothesis import given, settings, strategies as st
from scipy import stats

import beyondacc as ba
from beyondacc.comparison import significance, swaps, words
from beyondacc.errors import DataError, SpecError
from beyondacc.metrics.base import resampling

pytestmark = pytest.mark.kernel
N_ITEMS = 12
GENRES = {item: ["even" if item % 2 == 0 else "odd", *(["third"] if item % 3 == 0 else [])] for item in range(N_ITEMS)}
COUNTS = ["catalog_coverage@3", "gini@3", "personalization@3", "exposure_gini@3", "pop_rsp@3", "entropy@2"]
OF_USERS = ["ndcg@3", "ild@3", "mean_popularity@3", "radio_calibration@3"]


def world(n_users=7, seed=0, worse=0.0):
    """Data and two runs of ragged lists, some of them empty; the second one leaves out relevant items by chance."""
    rng = np.random.default_rng(seed)
    users = range(n_users)
    train = [(user, item) for user in users for item in rng.choice(N_ITEMS, 4, replace=False)]
    test = {user: rng.choice(N_ITEMS, 4, replace=False).tolist() for user in users}
    lists = []
    for share in (0.0, worse):
        made = {}
        for user in users:
            order = rng.permutation(N_ITEMS).tolist()
            first = [item for item in test[user] if rng.random() < 0.5 - share]
            made[user] = [*first, *(item for item in order if item not in first)][: rng.choice([0, 1, 3, 3, 3, 5])]
        lists.append(made)
    data = ba.Dataset(
        pd.DataFrame(train, columns=["user_id", "item_id"]),
        pd.DataFrame([(u, i) for u in users for i in test[u]], columns=["user_id", "item_id"]),
        GENRES,
    )
    return data, *lists


def naive_exchange(data, one, other, metric):
    """All exchanges of users' lists, evaluated one by one: the share with a difference as far from 0."""
    found = []
    for swapped in itertools.product([False, True], repeat=len(one)):
        pair = [
            {user: (b if swap else a)[user] for user, swap in zip(one, swapped, strict=True)}
            for a, b in ((one, other), (other, one))
        ]
        values = [ba.evaluate(lists, data, metric, n_boot=0).value(metric) for lists in pair]
        found.append(abs(values[0] - values[1]))
    return float(np.mean(np.array(found) >= found[0] - 1e-12))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_exact_permutation_is_every_exchange(seed):
    data, one, other = world(6, seed)
    metrics = [*OF_USERS[1:3], *COUNTS]
    table = ba.compare({"a": one, "b": other}, data, metrics=metrics, n=64, correction="none").table
    assert set(table["test"]) == {"exact permutation"}
    for row in table.itertuples():
        if row.metric in COUNTS:
            assert row.p == pytest.approx(naive_exchange(data, one, other, row.metric)), row.metric
    assert table["p"].nunique() > 4


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_drawn_exchanges_are_evaluated_one_by_one(seed):
    """The same random exchanges, made by hand, of lists of any length, some of items that only one run shows."""
    n_users, n = 40, 25
    data, one, other = world(n_users, seed)
    other[3] = [1, 100][:seed]
    of_users = OF_USERS[:3]
    metrics = [*of_users, *COUNTS]
    reports = ba.evaluate({"a": one, "b": other}, data, metrics, n_boot=0)
    table = ba.compare(reports, n=n, correction="none").table.set_index("metric")
    drawn = np.concatenate(list(swaps._drawn(n_users, n, 0)))
    assert drawn.shape == (n, n_users)
    assert 0.3 < drawn.mean() < 0.7
    users = reports["a"].users.tolist()
    found = {metric: [] for metric in metrics}
    for swapped in [np.zeros(n_users, bool), *drawn]:
        pair = [
            {user: (b if swap else a)[user] for user, swap in zip(users, swapped, strict=True)}
            for a, b in ((one, other), (other, one))
        ]
        made = [ba.evaluate(lists, data, COUNTS, n_boot=0) for lists in pair]
        for metric in COUNTS:
            found[metric].append(abs(made[0].value(metric) - made[1].value(metric)))
        for metric in of_users:
            change = reports["a"].per_user(metric) - reports["b"].per_user(metric)
            found[metric].append(abs(np.nansum(np.where(swapped, -change, change))))
    for metric, values in found.items():
        assert table.loc[metric, "test"] == "permutation"
        assert table.loc[metric, "p"] == pytest.approx(np.mean(np.array(values) >= values[0] - 1e-12)), metric


@pytest.mark.parametrize("n_users", [8, 40])
def test_scipy_permutes_and_resamples_alike(n_users):
    """All exchanges of few users give the same p; of many, both draw their own. Intervals are of other resamples."""
    data, one, other = world(n_users, 7, worse=0.15)
    reports = ba.evaluate({"a": one, "b": other}, data, ["ndcg@3", "mean_popularity@3"], n_boot=0)
    n = 4000
    table = ba.compare(reports, n=n, correction="none").table.set_index("metric")
    for metric in table.index:
        pair = both(reports, metric)

        def gap(x, y, axis=-1):
            return np.mean(x - y, axis=axis)

        by_scipy = stats.permutation_test(
            pair, gap, permutation_type="samples", vectorized=True, n_resamples=n, random_state=5
        )
        exact = table.loc[metric, "test"] == "exact permutation"
        assert exact == (n_users == 8)
        p = by_scipy.pvalue
        assert table.loc[metric, "p"] == pytest.approx(p, abs=1e-12 if exact else 5 * math.sqrt(p / n))
        resampled = stats.bootstrap(
            pair, gap, paired=True, vectorized=True, n_resamples=n, method="percentile", random_state=6
        )
        low, high = resampled.confidence_interval
        row = table.loc[metric]
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), abs=0.12 * (high - low))


@pytest.mark.parametrize("test", ["permutation", "bootstrap"])
def test_threads_change_nothing(large, test):
    _, reports = large
    once, *others = (ba.compare(reports, n=600, test=test, threads=threads).table for threads in (1, 2, 5))
    for other in others:
        pd.testing.assert_frame_equal(once, other, check_exact=True)


def test_sums_in_pieces_are_those_of_one_product():
    rng = np.random.default_rng(3)
    weights, columns = rng.integers(0, 5, (64, 3001)).astype(float), rng.normal(size=(3001, 17))
    assert weights.size * 17 > resampling._SINGLE
    np.testing.assert_allclose(resampling.weighted_sums(weights, columns), weights @ columns, rtol=1e-9, atol=1e-9)
    assert resampling.weighted_sums(weights, columns[:, :0]).shape == (64, 0)


@pytest.mark.parametrize("by", ["length", "rank"])
@pytest.mark.parametrize("exact", [2**24, 1])
def test_showings_of_resamples_are_counted_one_by_one(by, exact, monkeypatch):
    """Also in double precision, which runs of very many users are counted in."""
    monkeypatch.setattr(resampling, "_EXACT", exact)
    data, one, _ = world(30, 2)
    name = "gini@3" if by == "length" else "exposure_gini@3"
    report = ba.evaluate(one, data, name, n_boot=0)
    run = report.run
    compact = resampling.Compact(report.states, run.world, None)
    weights = np.random.default_rng(0).integers(0, 4, (9, len(run)))
    found = compact.resample(weights)
    counted = np.zeros((9, len(compact.slots), len(compact.shown)), np.int64)
    for replicate, times in enumerate(weights):
        for row, items in enumerate(run.lists):
            top = items[: min(run.lengths[row], 3)].tolist()
            for rank, item in enumerate(top):
                slot = compact.slots.tolist().index(len(top) if by == "length" else rank)
                counted[replicate, slot, compact.shown.tolist().index(item)] += times[row]
    np.testing.assert_array_equal(found.shown, counted)
    listed = weights[:, run.lengths > 0]
    np.testing.assert_array_equal(found.lists, listed.sum(axis=1))
    np.testing.assert_array_equal(found.squares, (listed**2).sum(axis=1))
    assert len(compact.slots) > 1


def naive_signs(differences):
    """All signs of the differences."""
    defined = [each for each in differences if not math.isnan(each)]
    sums = [
        abs(sum(sign * each for sign, each in zip(signs, defined, strict=True)))
        for signs in itertools.product([1, -1], repeat=len(defined))
    ]
    return sum(total >= sums[0] - 1e-12 for total in sums) / len(sums)


@settings(max_examples=draws(60), deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.1, 0.2, -0.1, -0.3, 1 / 3, math.nan]), min_size=1, max_size=8))
def test_signs_are_enumerated(differences):
    column = np.array(differences)[:, None]
    (found,) = swaps.permutation_p([swaps.Means(column)], n=300, seed=0)
    assert found[0] == pytest.approx(naive_signs(differences))


def test_random_exchanges_come_near_all_of_them():
    rng = np.random.default_rng(1)
    columns = rng.normal(0.3, 1, (12, 3))
    (exact,) = swaps.permutation_p([swaps.Means(columns)], n=5000, seed=0)
    (drawn,) = swaps.permutation_p([swaps.Means(columns)], n=4000, seed=0)
    np.testing.assert_allclose(drawn, exact, atol=4 * 0.5 / math.sqrt(4000))
    assert (drawn != exact).any()
    data, one, other = world(12, 3)
    systems = {"a": one, "b": other}
    for metric in COUNTS:
        whole, part = (
            ba.compare(systems, data, metrics=metric, n=n, correction="none").table.loc[0, "p"] for n in (4096, 2000)
        )
        assert part == pytest.approx(whole, abs=4 * 0.5 / math.sqrt(2000)), metric


def test_no_random_p_is_zero():
    """The observed exchange counts among those drawn, so that the least p of 19 is 1/20."""
    (found,) = swaps.permutation_p([swaps.Means(np.ones((40, 1)))], n=19, seed=0)
    assert found[0] == 1 / 20
    assert significance.bootstrap_p(np.full(19, 0.5) + np.linspace(-0.1, 0.1, 19), 0.5) == 1 / 20


def test_a_verdict_is_of_the_adjusted_p(large):
    """A p that would do alone does not among ten."""
    _, reports = large
    metrics = [*OF_USERS, *COUNTS]
    alone, among = (ba.compare(reports, n=100, metrics=metrics, correction=each).table for each in ("none", "holm"))
    lost = (alone["p"] <= 0.05) & (among["p_adjusted"] > 0.05)
    assert lost.any()
    assert (among.loc[lost, "verdict"] == "no difference shown").all()
    assert (alone.loc[lost, "verdict"] != "no difference shown").all()


@pytest.fixture(scope="module")
def large():
    data, one, other = world(120, 5, worse=0.2)
    return data, ba.evaluate({"a": one, "b": other}, data, [*OF_USERS, *COUNTS], n_boot=0)


def both(reports, metric):
    frame = pd.DataFrame({name: report.per_user(metric) for name, report in reports.items()}).dropna()
    return frame["a"].to_numpy(), frame["b"].to_numpy()


def test_scipy_on_its_own(large):
    _, reports = large
    by_t = ba.compare(reports, test="t", n=200, correction="none").table.set_index("metric")
    by_rank = ba.compare(reports, test="wilcoxon", n=200, correction="none").table.set_index("metric")
    for metric in OF_USERS:
        one, other = both(reports, metric)
        row = by_t.loc[metric]
        assert row["p"] == pytest.approx(stats.ttest_rel(one, other).pvalue, rel=1e-6)
        rounded = np.round(one - other, 12)  # whether there are zeros decides which of its methods some scipy takes
        assert by_rank.loc[metric, "p"] == pytest.approx(stats.wilcoxon(rounded[rounded != 0]).pvalue, rel=1e-6)
        change = one - other
        assert row["difference"] == pytest.approx(change.mean(), abs=1e-12)
        assert row["value"] - row["other_value"] == pytest.approx(row["difference"], abs=1e-12)
        assert row["effect_size"] == pytest.approx(change.mean() / change.std(ddof=1))
        assert row["detectable"] == pytest.approx(2.8016 * change.std(ddof=1) / math.sqrt(len(change)), rel=1e-4)
        assert (row["n_users"], row["n_left_out"]) == (len(change), 120 - len(change))
        if metric != "radio_calibration@3":
            better = np.mean(change > 1e-12 if row["better"] == "higher" else change < -1e-12)
            assert row["share_better"] == pytest.approx(better)
            assert row["share_better"] + row["share_worse"] + row["share_equal"] == pytest.approx(1)
    assert by_t["n_left_out"].max() > 10
    assert math.isnan(by_t.loc["radio_calibration@3", "share_better"])
    assert (by_t.loc[COUNTS, "test"] == "permutation").all()
    assert by_t.loc[COUNTS, ["effect_size", "share_better"]].isna().all(axis=None)


def test_intervals_and_p_of_the_bootstrap_are_paired_resamples(large):
    _, reports = large
    table = ba.compare(reports, test="bootstrap", n=400, correction="none").table.set_index("metric")
    for metric in ("gini@3", "pop_rsp@3", "catalog_coverage@3"):
        fresh = {
            name: ba.Report(report.run, {report.find(metric): report.state(metric)}, n_boot=400)
            for name, report in reports.items()
        }
        replicates = [report.replicates[report.find(metric)] for report in fresh.values()]
        change = replicates[0] - replicates[1]
        row = table.loc[metric]
        low, high = row["difference"] + np.quantile(change, [0.025, 0.975]) - change.mean()
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high))
        far = np.abs(change - change.mean()) >= abs(row["difference"]) - 1e-12
        assert row["p"] == pytest.approx((1 + far.sum()) / 401)
        assert row["detectable"] == pytest.approx(2.8016 * change.std(ddof=1), rel=1e-4)
    one, other = both(reports, "ild@3")
    rng = np.random.default_rng(0)
    means = [(one - other)[rng.integers(0, len(one), len(one))].mean() for _ in range(4000)]
    row = table.loc["ild@3"]
    assert row["ci_high"] - row["ci_low"] == pytest.approx(np.ptp(np.quantile(means, [0.025, 0.975])), rel=0.25)


P_VALUES = st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=12)


@settings(max_examples=draws(200), deadline=None)
@given(P_VALUES)
def test_corrections_by_their_definitions(given_p):
    """Adjusted: the least level at which the procedure rejects."""
    p = [each for each in given_p if not math.isnan(each)]
    m = len(p)

    def rejects(level, mine, correction):
        ordered = sorted(p)
        if correction == "holm":
            stop = next((i for i, each in enumerate(ordered) if each > level / (m - i) * (1 + 1e-12)), m)
            return mine in ordered[:stop]
        last = max((i for i in range(m) if ordered[i] <= level * (i + 1) / m * (1 + 1e-12)), default=-1)
        return mine in ordered[: last + 1]

    for correction in ("holm", "bh"):
        adjusted = significance.adjust(np.array(given_p), correction)
        np.testing.assert_array_equal(np.isnan(adjusted), np.isnan(given_p))
        for mine, found in zip(given_p, adjusted.tolist(), strict=True):
            if not math.isnan(mine):
                assert mine <= found * (1 + 1e-12)
                assert found <= 1
                assert found == 1 or rejects(found, mine, correction)
                assert found < 1e-300 or not rejects(found * (1 - 1e-9), mine, correction)
    np.testing.assert_array_equal(significance.adjust(np.array(given_p), "none"), given_p)


@pytest.mark.parametrize("test", ["permutation", "t", "wilcoxon", "bootstrap"])
def test_under_the_hypothesis_p_is_about_uniform(test):
    """Of metrics of users and of a run, when both systems draw their lists alike."""
    found = {"ndcg@3": [], "gini@3": []}
    for seed in range(150):
        data, one, other = world(30, 1000 + seed)
        table = ba.compare({"a": one, "b": other}, data, metrics=list(found), test=test, n=199, correction="none").table
        for row in table.itertuples():
            found[row.metric].append(row.p)
    for metric, p in found.items():
        rejected = np.mean(np.array(p) <= 0.1)
        assert 0.03 <= rejected <= 0.19, (metric, rejected)
        assert 0.42 < np.mean(p) < 0.58, (metric, np.mean(p))


def test_what_is_detectable_is_detected_in_four_of_five_cases():
    rng = np.random.default_rng(2)
    shown = {"t": 0, "permutation": 0}
    for _ in range(400):
        difference = rng.normal(0, 1, 50)
        difference += significance.detectable(1 / math.sqrt(50))  # of the true spread
        shown["t"] += significance.t_test(difference) <= 0.05
        (p,) = swaps.permutation_p([swaps.Means(difference[:, None])], n=199, seed=0)
        shown["permutation"] += p[0] <= 0.05
    assert all(0.73 <= count / 400 <= 0.86 for count in shown.values()), shown


def test_pairs_and_the_baseline(large):
    _, reports = large
    three = {"a": reports["a"], "b": reports["b"], "c": reports["a"]}
    whole = ba.compare(three, metrics="ndcg@3", n=99).table
    assert whole[["system", "other"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    against = ba.compare(three, metrics="ndcg@3", n=99, baseline="b").table
    assert against[["system", "other"]].to_numpy().tolist() == [["a", "b"], ["c", "b"]]
    assert whole.loc[2, "difference"] == -whole.loc[0, "difference"]
    assert whole.loc[1, ["difference", "p", "share_equal"]].tolist() == [0, 1, 1]
    assert whole.loc[1, "verdict"] == "no difference shown"
    assert whole.loc[0, "p_adjusted"] == pytest.approx(min(3 * whole.loc[0, "p"], 1))


def test_rows_are_matched_by_user():
    _, one, other = world(9, 4)
    catalogue = ba.Dataset(items=GENRES)  # it knows no users, whose order is then that of the lists
    lists = ba.Recommendations.read(other, catalogue)
    turned = lists.take(np.arange(len(lists))[::-1])
    reports = [ba.evaluate({"a": one, "b": each}, catalogue, ["ild@3", "gini@3"]) for each in (lists, turned)]
    assert not reports[1]["a"].users.equals(reports[1]["b"].users)
    pd.testing.assert_frame_equal(*(ba.compare(each, n=300).table for each in reports))


def test_items_that_only_one_run_lists():
    catalogue = ba.Dataset(items=GENRES)
    one = {user: [user, 100 + user] for user in range(6)}
    other = {user: [user + 1, 200] for user in range(6)}
    table = ba.compare({"a": one, "b": other}, catalogue, metrics=["personalization@2"], n=64).table
    expected = naive_exchange(catalogue, one, other, "personalization@2")
    assert table.loc[0, ["p", "test"]].tolist() == [pytest.approx(expected), "exact permutation"]


def test_chunks_change_nothing(large, monkeypatch):
    _, reports = large
    found = ba.compare(reports, n=150).table
    monkeypatch.setattr(resampling, "_CELLS", 500)
    again = ba.compare(reports, n=150).table
    pd.testing.assert_frame_equal(found, again)
    other = ba.compare(reports, n=150, seed=1).table
    assert (other["p"] != found["p"]).any()


def test_undefined_values_have_no_p():
    data = ba.Dataset(items={item: [] if item < 4 else ["x"] for item in range(8)})
    lists = {"a": {1: [0, 1], 2: [2]}, "b": {1: [1, 0], 2: [3]}}
    found = ba.compare(lists, data, metrics=["ild@2", "catalog_coverage@2"], n=20)
    row = found.table.iloc[0]
    assert row["n_users"] == 0
    assert row["n_left_out"] == 2
    assert math.isnan(row["p"])
    assert row["verdict"] == "-"
    assert "undefined: Intra-list diversity@2" in found.sentences[0]
    assert "1 test;" in found.method
    for test in ("t", "wilcoxon", "bootstrap"):
        assert math.isnan(ba.compare(lists, data, metrics="ild@2", n=20, test=test).table.loc[0, "p"])


# ------------------------------------------------------------------------------------------------------- the words


def line(metric, difference, low, high, p, better="higher", verdict=None, detectable=0.004):
    if verdict is None:
        above, below = words.BETTER[better]
        verdict = "no difference shown" if p > 0.05 else above if difference > 0 else below
    names = ("metric", "system", "other", "difference", "ci_low", "ci_high", "p_adjusted", "better", "verdict")
    made = dict(zip(names, (metric, "EASE", "ItemKNN", difference, low, high, p, better, verdict), strict=True))
    return made | {"detectable": detectable}


def said(*lines):
    table = pd.DataFrame(lines)
    labels = {"ndcg@10": "nDCG@10", "cover": "catalogue coverage", "arp": "popularity", "kl": "calibration"}
    return words.sentences(table, labels, {"cover": words.Unit(4000.0, 0, "items")})


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            [line("ndcg@10", 0.042, 0.038, 0.047, 0.0001), line("cover", -0.055, -0.06, -0.05, 0.012)],
            (
                "EASE beats ItemKNN on nDCG@10 by 0.042 (0.038 to 0.047), p < 0.001; catalogue coverage differs the "
                "other way by 220 items (200 to 240), p = 0.012."
            ),
        ),
        (
            [line("ndcg@10", -0.042, -0.047, -0.038, 0.0001), line("arp", 12.3, 10, 15, 0.04, "lower")],
            (
                "ItemKNN beats EASE on nDCG@10 by 0.042 (0.038 to 0.047), p < 0.001 and on popularity by 12 (10 to "
                "15, lower is better), p = 0.040."
            ),
        ),
        (
            [line("ndcg@10", 0.001, -0.002, 0.004, 0.31)],
            (
                "No difference between EASE and ItemKNN is shown on nDCG@10 (0.001, -0.002 to 0.004, p = 0.31; a "
                "difference of 0.0040 would have been detectable)."
            ),
        ),
        (
            [line("kl", -0.2, -0.3, -0.1, 0.01, "target"), line("ndcg@10", 0.001, -0.002, 0.004, 0.31)],
            (
                "calibration is higher for ItemKNN than for EASE by 0.20 (0.10 to 0.30), p = 0.010; no difference is "
                "shown on nDCG@10 (0.001, -0.002 to 0.004, p = 0.31; a difference of 0.0040 would have been "
                "detectable)."
            ),
        ),
        (
            [line("cover", 0.00025, math.nan, math.nan, 0.02, detectable=math.nan)],
            "EASE beats ItemKNN on catalogue coverage by 1 item, p = 0.020.",
        ),
        (
            [line("kl", math.nan, math.nan, math.nan, math.nan, verdict="-")],
            "Undefined for EASE and ItemKNN: calibration.",
        ),
    ],
)
def test_sentences(lines, sentence):
    assert said(*lines) == [sentence]


def test_sentences_of_a_comparison_and_its_tables(large):
    _, reports = large
    found = ba.compare(reports, n=500)
    assert len(found.sentences) == 1
    assert found.sentences[0].startswith("a beats b on nDCG@3 by 0.")
    assert " items" in found.sentences[0]
    assert found.method == (
        "Permutation over users, 500 exchanges or all there are; p adjusted by Holm, 10 tests; intervals 95 % by the "
        "paired bootstrap over users, 500 replicates"
    )
    assert repr(found).startswith(found.sentences[0])
    assert repr(found).endswith(f"{found.method}.")
    page = found.to_markdown().splitlines()
    assert page[0].startswith("- a beats b on nDCG@3")
    assert sum(text.startswith("| ") for text in page) == 2 + len(found.table)
    assert "<p>a beats b" in found._repr_html_()
    odd = ba.compare({"<i>": reports["a"], "b*": reports["b"]}, metrics="ndcg@3", n=9)
    assert "<i>" not in odd._repr_html_()
    assert "\\<i\\> " in odd.to_markdown()


def test_labels_tell_parameters():
    assert words.label(ba.ndcg @ 10) == "nDCG@10"
    assert words.label(ba.ild(distance="cosine") @ 5) == "Intra-list diversity (distance=cosine)@5"
    assert words.p_text(0.0994) == "p = 0.099"
    assert words.p_text(0.0996) == "p = 0.10"


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": "z"}, "compare: test='z' is not allowed; test must be 'permutation', 't', 'wilcoxon' or 'bootstrap'"),
        ({"correction": "fdr"}, "correction='fdr' is not allowed"),
        ({"n": 0}, "n=0 is not allowed; n must be a whole number >= 1"),
        ({"confidence": 1.0}, r"confidence=1.0 is not allowed; confidence must be a number in \(0, 0.999999\]"),
        ({"seed": -1}, "seed=-1 is not allowed"),
        ({"baseline": "c"}, "the baseline 'c' is none of the runs; known are a or b"),
        ({"metrics": "ndcg@5"}, "ndcg@5 was not evaluated; did you mean ndcg@3"),
        ({"metrics": []}, "no metric was given"),
        ({"data": ba.Dataset(items=GENRES)}, "data= is for lists"),
    ],
)
def test_options_that_are_not_allowed(large, options, message):
    with pytest.raises(SpecError, match=message):
        ba.compare(large[1], **options)


def test_runs_that_cannot_be_compared(large):
    data, reports = large
    with pytest.raises(SpecError, match="compare takes at least two runs by name, 1 given"):
        ba.compare({"a": reports["a"]})
    with pytest.raises(SpecError, match="a Report was given"):
        ba.compare(reports["a"])
    with pytest.raises(SpecError, match="'a' is a Report and 'b' is not"):
        ba.compare({"a": reports["a"], "b": {1: [2]}}, data)
    with pytest.raises(SpecError, match=r"'a' is no Report; give reports of ba.evaluate, or lists with data="):
        ba.compare({"a": {1: [2]}, "b": {1: [3]}})
    catalogue = ba.Dataset(items=GENRES)
    lists = {"a": {user: [1, 2] for user in range(4)}, "b": {user: [1, 2] for user in range(6)}}
    with pytest.raises(DataError, match=r"2 of the 6 users of 'b' \(such as 4\) are not among the 4 of 'a'"):
        ba.compare(lists, catalogue, metrics="gini@2")
    alike = {"a": lists["b"], "b": lists["b"]}
    fewer = ba.Dataset(items={item: ["x"] for item in range(5)})
    made = [ba.evaluate(alike["a"], where, "gini@2") for where in (catalogue, fewer)]
    with pytest.raises(DataError, match="'one' and 'two' were evaluated on different data"):
        ba.compare({"one": made[0], "two": made[1]})
    twin = ba.evaluate(alike["a"], ba.Dataset(items=GENRES), "gini@2")  # as good as the same
    assert ba.compare({"one": made[0], "two": twin}, n=9).table.loc[0, "p"] == 1
    more = ba.evaluate(alike["a"], catalogue, ["gini@2", "ild@2"])
    with pytest.raises(SpecError, match="'two' was evaluated by ild@2, 'one' was not"):
        ba.compare({"one": made[0], "two": more})
    assert len(ba.compare({"one": made[0], "two": more}, metrics=["gini@2"], n=9).table) == 1
