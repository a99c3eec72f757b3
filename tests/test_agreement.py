"""Whether correlations hold up: planted paradoxes, confounders and odd models, against formulas written out."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
from draws import draws
from scipy import stats
from scipy.cluster import hierarchy

import beyondacc as ba
from beyondacc.charts import study_charts as charts
from beyondacc.correlation import agreement, correlate
from beyondacc.correlation.agreement import Interval
from beyondacc.correlation.coefficients import within_groups
from beyondacc.errors import DataError, SpecError

pytestmark = pytest.mark.kernel
PEERS = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}


def ranks(values, method):
    return stats.rankdata(values) / len(values) if method == "spearman" else values


def pooled_by_hand(tables, i, j, method):
    """Correlate the deviations from the means of the groups, over the rows that have both."""
    left, right = [], []
    for table in tables:
        rows = table[~np.isnan(table[:, [i, j]]).any(axis=1)]
        x, y = ranks(rows[:, i], method), ranks(rows[:, j], method)
        left.append(x - x.mean())
        right.append(y - y.mean())
    return np.corrcoef(np.concatenate(left), np.concatenate(right))[0, 1]


def groups_of_rows(rng, n_groups=4, gaps=0.2):
    tables = []
    for _ in range(n_groups):
        n = int(rng.integers(8, 30))
        table = np.round(rng.normal(size=(n, 3)) + rng.normal(size=(n, 1)), 1) + rng.normal(0, 9, 3)
        table[rng.random((n, 3)) < gaps] = np.nan
        tables.append(table)
    return tables


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_pooled_by_its_definition(method):
    rng = np.random.default_rng(0)
    for _ in range(draws(20, 5)):
        tables = groups_of_rows(rng)
        found = within_groups(method, tables, [np.ones((1, len(table))) for table in tables])[0]
        for place, (i, j) in enumerate(itertools.combinations_with_replacement(range(3), 2)):
            assert found[place] == pytest.approx(pooled_by_hand(tables, i, j, method), abs=1e-12)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_multiplicities_of_groups_are_repeated_rows(method):
    rng = np.random.default_rng(1)
    tables = groups_of_rows(rng)
    weights = [rng.integers(0, 3, (5, len(table))).astype(float) for table in tables]
    found = within_groups(method, tables, weights)
    for place in range(5):
        repeated = [
            np.repeat(table, each[place].astype(int), axis=0) for table, each in zip(tables, weights, strict=True)
        ]
        again = within_groups(method, repeated, [np.ones((1, len(table))) for table in repeated])[0]
        np.testing.assert_allclose(found[place], again, atol=1e-12)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_levels_draw_users_with_their_rows_in_all_runs(method):
    rng = np.random.default_rng(2)
    users = [np.arange(15), np.arange(3, 18)]
    tables = [rng.normal(size=(15, 2)) + rng.normal(size=(15, 1)) for _ in users]
    mean, pooled = agreement.within_runs(tables, users, method, n_boot=60, seed=4, level=0.8)
    drawn = np.random.default_rng(4).integers(0, 18, (60, 18))
    of_mean, of_pool = [], []
    for draw in [np.arange(18), *drawn]:
        rows = [np.concatenate([table[own == user] for user in draw]) for table, own in zip(tables, users, strict=True)]
        of_mean.append(np.mean([PEERS[method](*each.T)[0] for each in rows]))
        of_pool.append(pooled_by_hand(rows, 0, 1, method))
    for found, expected in ((mean, of_mean), (pooled, of_pool)):
        assert found.coefficient[0, 1] == pytest.approx(expected[0])
        ends = np.quantile(expected[1:], [0.1, 0.9])
        assert (found.low[0, 1], found.high[0, 1]) == pytest.approx(tuple(ends))


def test_one_run_pooled_is_that_run():
    rng = np.random.default_rng(3)
    table = rng.normal(size=(30, 3))
    for method in ("pearson", "spearman"):
        mean, pooled = agreement.within_runs([table], [np.arange(30)], method, n_boot=20, seed=0)
        np.testing.assert_allclose(mean.coefficient, pooled.coefficient, atol=1e-12)
        np.testing.assert_allclose(mean.low, pooled.low, atol=1e-12)


# ------------------------------------------------------------------------------------- planted, in studies of the lot


def study_of(values, models, seeds=None, per_user=None):
    """A result whose tables are given: what a study of such runs would hold."""
    seeds = [0] * len(models) if seeds is None else seeds
    names = ["ndcg@5", "ild@5", "self_information@5"][: values.shape[1]]
    data = {seed: ba.Dataset(items={1: ["a"]}) for seed in dict.fromkeys(seeds)}
    weights = dict.fromkeys(zip(models, seeds, strict=True), 0)
    reports = {}
    for place, key in enumerate(zip(models, seeds, strict=True)):
        step, weights[key] = weights[key], weights[key] + 1
        run = ba.study.result.Run(key[0], "none" if step == 0 else "MMR", step / 100, key[1])
        users = np.array([values[place]] * 2) if per_user is None else per_user[place]
        reports[run] = FakeReport(names, users)
    made = object.__new__(ba.StudyResult)
    made.study = FakeStudy(data, names)
    made.reports, made.seconds, made.failures = reports, 0.0, {}
    made.values = pd.DataFrame(values, columns=names)
    return made


class FakeStudy:
    seed, n_boot = 0, 0

    def __init__(self, data, names):
        self.data, self.metrics = data, [ba.parse(name) for name in names]


class FakeReport:
    def __init__(self, names, users):
        self.names, self.table = names, users
        self.users = pd.Index(np.arange(len(users)))

    def find(self, name):
        return ba.parse(name)

    def per_user(self, metric):
        return self.table[:, self.names.index(str(metric))]

    def per_user_frame(self):
        frame = pd.DataFrame(self.table, columns=self.names)
        frame.insert(0, "user_id", self.users)
        return frame


def simpson(rng, n_models=8, n_users=200):
    """Across models the two metrics rise together, across the users of each model one falls where the other rises."""
    tables = []
    for model in range(n_models):
        x = rng.normal(size=n_users)
        tables.append(np.column_stack([model + x, model - x + 0.3 * rng.normal(size=n_users)]))
    return tables


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_a_planted_paradox_is_found(method):
    tables = simpson(np.random.default_rng(5))
    made = study_of(np.array([table.mean(axis=0) for table in tables]), [f"m{i}" for i in range(8)], per_user=tables)
    levels = made.correlation_levels(method=method, n_boot=200)
    assert len(levels) == 1
    row = levels.iloc[0]
    assert row["runs"] > 0.9
    assert row["users"] < -0.9
    assert row["pooled"] < -0.9
    assert row["disagree"]
    (sentence,) = made.disagreements(method=method, n_boot=200)
    assert sentence.startswith(f"ndcg@5 and ild@5: across runs they rise together ({row['runs']:.2f}, ")
    assert "one falls where the other rises (-0.9" in sentence
    total = np.concatenate(tables)
    assert np.corrcoef(total.T)[0, 1] > 0.5  # all rows in one pot would have hidden it


def test_levels_that_agree_are_not_flagged():
    rng = np.random.default_rng(6)
    tables = [model + np.repeat(rng.normal(size=(100, 1)), 2, axis=1) + rng.normal(size=(100, 2)) for model in range(8)]
    made = study_of(np.array([table.mean(axis=0) for table in tables]), [f"m{i}" for i in range(8)], per_user=tables)
    assert not made.correlation_levels(n_boot=100)["disagree"].any()
    assert made.disagreements(n_boot=100) == []


def test_opposite_needs_both_intervals():
    def interval(low, high):
        return Interval(*(np.full((1, 1), end) for end in ((low + high) / 2, low, high)))

    assert agreement.opposite([interval(0.1, 0.5), interval(-0.5, -0.1)]).all()
    assert not agreement.opposite([interval(0.1, 0.5), interval(-0.5, 0.0)]).any()
    assert not agreement.opposite([interval(0.1, 0.5), interval(math.nan, math.nan)]).any()
    assert agreement.opposite([interval(0.1, 0.5), interval(-0.1, 0.1), interval(-0.5, -0.1)]).all()


def confounded(rng, n=60):
    """Two metrics that follow accuracy, and nothing else."""
    accuracy = rng.normal(size=n)
    return np.column_stack([accuracy, accuracy + 0.5 * rng.normal(size=n), -accuracy + 0.5 * rng.normal(size=n)])


def residual_correlation(x, y, z):
    """Correlate what straight lines through z leave over."""
    left, right = (side - np.polyval(np.polyfit(z, side, 1), z) for side in (x, y))
    return np.corrcoef(left, right)[0, 1]


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
def test_what_accuracy_explains_is_taken_out(method):
    values = confounded(np.random.default_rng(7))
    made = study_of(values, [f"m{i // 2}" for i in range(60)])
    plain = made.correlations(method=method, n_boot=50).set_index(["metric_a", "metric_b"])
    found = made.partial_correlations("ndcg@5", method=method, n_boot=200)
    assert set(found["metric_a"]) == {"ild@5", "self_information@5"}
    row = found.set_index(["metric_a", "metric_b"]).loc["ild@5", "self_information@5"]
    pair = "ild@5", "self_information@5"
    assert plain.loc[pair, "ci_high"] < -0.3
    assert row["ci_low"] < 0 < row["ci_high"]
    if method == "kendall":
        ab, ag, bg = (PEERS[method](values[:, i], values[:, j])[0] for i, j in ((1, 2), (1, 0), (2, 0)))
        expected = (ab - ag * bg) / math.sqrt((1 - ag**2) * (1 - bg**2))
    else:
        columns = [stats.rankdata(column) if method == "spearman" else column for column in values.T]
        expected = residual_correlation(columns[1], columns[2], columns[0])
    assert row["coefficient"] == pytest.approx(expected, abs=1e-12)


def test_partial_intervals_draw_whole_models():
    values = confounded(np.random.default_rng(8), 24)
    models = np.arange(24) // 4
    found = agreement.partial(values, 0, "pearson", groups=models, n_boot=80, seed=3, level=0.8)
    drawn = np.random.default_rng(3).integers(0, 6, (80, 6))
    rows = [np.concatenate([values[models == model] for model in draw]) for draw in drawn]
    expected = np.quantile([residual_correlation(each[:, 1], each[:, 2], each[:, 0]) for each in rows], [0.1, 0.9])
    assert (found.low[1, 2], found.high[1, 2]) == pytest.approx(tuple(expected))
    assert np.isnan(found.coefficient[0]).all()
    np.testing.assert_array_equal(np.diagonal(found.coefficient)[1:], 1)
    values[0, 0] = np.nan
    less = agreement.partial(values, 0, "pearson", n_boot=5, seed=0)
    assert less.n[1, 2] == 23
    assert less.coefficient[1, 2] == pytest.approx(residual_correlation(*values[1:, [1, 2, 0]].T))
    copied = np.column_stack([values[1:, 0], 2 * values[1:, 0], values[1:, 1]])
    assert np.isnan(agreement.partial(copied, 0, "pearson", n_boot=5, seed=0).coefficient[1, 2])


def test_partial_within_models():
    rng = np.random.default_rng(9)
    tables = [confounded(rng, 80) for _ in range(3)]
    made = study_of(np.array([table.mean(axis=0) for table in tables]), ["a", "b", "c"], per_user=tables)
    found = made.partial_correlations("ndcg@5", method="pearson", level="users", n_boot=20)
    assert list(found.columns[:2]) == ["model", "seed"]
    for model, table in zip("abc", tables, strict=True):
        rows = found[(found["model"] == model) & (found["metric_a"] == "ild@5")].set_index("metric_b")
        expected = residual_correlation(*table[:, [1, 2, 0]].T)
        assert rows.loc["self_information@5", "coefficient"] == pytest.approx(expected)


def test_an_odd_model_is_named():
    rng = np.random.default_rng(10)
    values = rng.normal(size=(8, 2)) @ np.array([[1.0, -0.8], [0, 0.6]])
    values[3] = [40.0, 40.0]  # far out, it alone makes the coefficient
    models = [f"m{i}" for i in range(8)]
    found = study_of(values, models).correlation_influence(method="pearson", n_boot=100).iloc[0]
    assert found["coefficient"] > 0.9
    assert found["model"] == "m3"
    assert found["changes_sign"]
    for place, model in enumerate(models):
        kept = np.delete(values, place, axis=0)
        assert found[f"without {model}"] == pytest.approx(np.corrcoef(kept.T)[0, 1])
    assert found["change"] == pytest.approx(found["without m3"] - found["coefficient"])
    steady = study_of(np.arange(16.0).reshape(8, 2) ** 2, models).correlation_influence(n_boot=50).iloc[0]
    assert steady["coefficient"] == 1
    assert not steady["changes_sign"]
    assert not steady["leaves_interval"]


def test_leaving_the_interval_is_told():
    """An odd model is missing in many resamples too, so that the interval tells of it and is seldom left."""
    rng = np.random.default_rng(16)
    seen = set()
    for _ in range(60):
        values = rng.normal(size=(12, 2))
        found = study_of(values, list("aaaaaabbbccc")).correlation_influence(method="pearson", n_boot=20).iloc[0]
        without = [found[f"without {model}"] for model in "abc"]
        assert found["leaves_interval"] == (not all(found["ci_low"] <= each <= found["ci_high"] for each in without))
        seen.add(bool(found["leaves_interval"]))
    assert seen == {False, True}


def test_a_model_goes_with_its_sweep():
    rng = np.random.default_rng(11)
    values = rng.normal(size=(9, 2))
    found = study_of(values, list("aaabbbccc")).correlation_influence(method="kendall", n_boot=20).iloc[0]
    assert found["without b"] == pytest.approx(stats.kendalltau(*np.delete(values, [3, 4, 5], axis=0).T)[0])
    constant = study_of(np.ones((6, 2)), list("aabbcc")).correlation_influence(n_boot=20).iloc[0]
    assert constant["model"] is None
    assert math.isnan(constant["change"])
    with pytest.raises(SpecError, match="the study has the model a only; leaving one out needs several"):
        study_of(values, ["a"] * 9).correlation_influence()


def test_every_seed_apart():
    rng = np.random.default_rng(12)
    values = rng.normal(size=(12, 3))
    values[:6, 1] = values[:6, 0]
    values[6:, 1] = -values[6:, 0]
    made = study_of(values, list("abcdef") * 2, seeds=[3] * 6 + [8] * 6)
    found = made.correlation_stability()
    assert list(found.columns) == ["metric_a", "metric_b", "seed 3", "seed 8", "mean", "sd", "spread", "changes_sign"]
    first = found.iloc[0]
    assert first[["seed 3", "seed 8", "mean", "spread", "changes_sign"]].tolist() == [1, -1, 0, 2, True]
    for row in found.itertuples():
        columns = [["ndcg@5", "ild@5", "self_information@5"].index(name) for name in (row.metric_a, row.metric_b)]
        each = [stats.spearmanr(*values[rows][:, columns].T)[0] for rows in (slice(6), slice(6, None))]
        assert found.loc[row.Index, ["seed 3", "seed 8"]].tolist() == pytest.approx(each)
        assert row.sd == pytest.approx(np.std(each, ddof=1))
    with pytest.raises(SpecError, match="the study has the split of seed 0 only; stability needs several"):
        study_of(values, list("abcdefghijkl")).correlation_stability()


def test_oriented_turns_round_what_is_better_lower():
    rng = np.random.default_rng(13)
    made = study_of(rng.normal(size=(9, 2)), list("abcdefghi"), per_user=[rng.normal(size=(20, 2)) for _ in range(9)])
    made.study.metrics = [ba.parse("ndcg@5"), ba.parse("mean_popularity@5")]
    made.values.columns = ["ndcg@5", "mean_popularity@5"]
    for report in made.reports.values():
        report.names = list(made.values.columns)
    for name in ("correlation_levels", "correlation_influence"):
        column = "runs" if name == "correlation_levels" else "coefficient"
        plain, turned = (getattr(made, name)(oriented=oriented, n_boot=20).iloc[0] for oriented in (False, True))
        assert turned[column] == -plain[column]
    assert turned["without a"] == -plain["without a"]


def test_a_study_that_was_run():
    """The methods on a result as `Study` makes it."""
    rng = np.random.default_rng(14)
    ratings = pd.DataFrame(np.argwhere(rng.random((40, 30)) < 0.3), columns=["user_id", "item_id"]).assign(rating=1.0)
    items = {item: [f"g{item % 4}", f"h{item % 3}"] for item in range(30)}
    data = {seed: ba.Dataset.split(ratings, items, seed=seed) for seed in (0, 1)}
    metrics = ["ndcg@5", "ild@5", "gini@5", "self_information@5"]
    made = ba.Study(data, ["Popularity", "ItemKNN(k=5)", "Random"], ["MMR"], metrics, diversity=[0.5], n_boot=0).run()
    levels = made.correlation_levels(n_boot=30)
    own = [name for name in metrics if name != "gini@5"]
    assert levels[["metric_a", "metric_b"]].to_numpy().tolist() == [
        list(pair) for pair in itertools.combinations(own, 2)
    ]
    across = made.correlations(n_boot=30).set_index(["metric_a", "metric_b"])
    within = made.correlations(n_boot=2, level="users").groupby(["metric_a", "metric_b"])["coefficient"].mean()
    for row in levels.itertuples():
        key = (row.metric_a, row.metric_b)
        assert [row.runs, row.runs_low, row.runs_high] == across.loc[key, ["coefficient", "ci_low", "ci_high"]].tolist()
        assert row.users == pytest.approx(within[key])
        assert row.users_low <= row.users <= row.users_high
    assert len(made.correlation_influence(n_boot=5)) == 6
    assert len(made.correlation_stability()) == 6
    assert made.partial_correlations("ndcg@5", n_boot=5)["metric_a"].nunique() == 3
    with pytest.raises(SpecError, match="gini@5 has one value for the whole run"):
        made.partial_correlations("gini@5", level="users", n_boot=5)
    with pytest.raises(SpecError, match="recall@5 was not evaluated"):
        made.partial_correlations("recall@5")
    with pytest.raises(SpecError, match="method='kendall' is not allowed; method must be 'pearson' or 'spearman'"):
        made.correlation_levels(method="kendall")
    with pytest.raises(SpecError, match="level='user' is not allowed; level must be 'runs' or 'users'"):
        made.partial_correlations("ndcg@5", level="user")

    drawn = made.chart("heatmap", order="clustered")
    view = made.view()
    wide = correlate.correlation(made.values, "spearman")
    tree = hierarchy.linkage(1 - np.abs(wide[np.triu_indices(4, 1)]), "average", optimal_ordering=True)
    labels = [view.labels[metrics[place]] for place in hierarchy.leaves_list(tree)]
    spec = json.loads(drawn.to_json())
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == labels
    assert "average linkage on 1 \N{MINUS SIGN} |r|" in spec["title"]["subtitle"]
    families = json.loads(charts.heatmap(view).to_json())["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert families == [view.labels[name] for name in view.order] != labels
    with pytest.raises(SpecError, match="chart 'heatmap': order='size' is not allowed"):
        made.chart("heatmap", order="size")


def test_metrics_that_cluster_stand_together():
    rng = np.random.default_rng(15)
    base = rng.normal(size=(50, 2))
    values = np.column_stack([base[:, 0], base[:, 1], -base[:, 0], -base[:, 1]]) + 0.1 * rng.normal(size=(50, 4))
    names = list("wxyz")
    found = correlate.bootstrap_correlation(np.column_stack([values, np.ones(50)]), "pearson", n_boot=5)
    frame = correlate.to_frame(found, [*names, "constant"])  # undefined with every other

    class View:
        correlations = frame

    order = charts.clustered_order(View, [*names, "constant"])
    assert sorted(order) == sorted([*names, "constant"])
    assert abs(order.index("w") - order.index("y")) == 1
    assert abs(order.index("x") - order.index("z")) == 1
    assert charts.clustered_order(View, ["w", "x"]) == ["w", "x"]


# -------------------------------------------------------------------------------------------------- between studies


def two_studies(n=40):
    """The first two metrics rise together in both, the third changes its sign."""
    rng = np.random.default_rng(17)
    made = []
    for sign in (1, -1):
        x = rng.normal(size=n)
        noise = rng.normal(size=(n, 2))
        values = np.column_stack([x, x + 0.5 * noise[:, 0], sign * x + 0.5 * noise[:, 1]])
        made.append(study_of(values, [f"m{i // 2}" for i in range(n)]))
    return made


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
def test_what_differs_between_studies(method):
    one, other = two_studies()
    found = ba.compare_studies(one, other, method=method, names=["films", "songs"], n_boot=200)
    table = found.table.set_index(["metric_a", "metric_b"])
    assert len(table) == 3
    assert not table.loc[("ndcg@5", "ild@5"), "differs"]
    assert table.loc[("ndcg@5", "self_information@5"), "differs"]
    assert table["same_sign"].tolist().count(False) == 2
    for (a, b), row in table.iterrows():
        each = [PEERS[method](made.values[a], made.values[b])[0] for made in (one, other)]
        assert [row["one"], row["other"]] == pytest.approx(each)
        assert row["difference"] == pytest.approx(each[0] - each[1])
        assert row["ci_low"] < row["difference"] < row["ci_high"]
    assert found.n_same_sign == 1
    assert found.mean_absolute_difference == pytest.approx(table["difference"].abs().mean())
    assert (np.diff(found.table["difference"].abs()) <= 0).all()
    first = found.table.iloc[0]
    assert found.sentence == (
        f"1 of 3 coefficients has the same sign in films and songs; the mean absolute difference is "
        f"{found.mean_absolute_difference:.2f}; 2 differ beyond their intervals, most of all {first['metric_a']} and "
        f"{first['metric_b']} ({first['one']:.2f} against {first['other']:.2f}, difference {first['difference']:.2f}, "
        f"{first['ci_low']:.2f} to {first['ci_high']:.2f})."
    )
    assert repr(found).startswith(found.sentence)
    assert "| metric_a | metric_b | films |" in found.to_markdown()
    assert found._repr_html_().startswith(f"<p>{found.sentence}</p><table")


def test_differences_are_of_independent_draws_of_models():
    one, other = two_studies()
    row = ba.compare_studies(one, other, method="pearson", n_boot=50).table.set_index(["metric_a", "metric_b"]).iloc[-1]
    draws = [np.random.default_rng(seed).integers(0, 20, (50, 20)) for seed in (0, 1)]
    a, b = row.name
    replicates = []
    for made, drawn in zip((one, other), draws, strict=True):
        values = made.values[[a, b]].to_numpy().reshape(20, 2, 2)
        replicates.append(np.array([np.corrcoef(values[draw].reshape(-1, 2).T)[0, 1] for draw in drawn]))
    ends = np.quantile(replicates[0] - replicates[1], [0.025, 0.975])
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(ends)
    assert [row["one_low"], row["one_high"]] == pytest.approx(np.quantile(replicates[0], [0.025, 0.975]))


def test_the_same_study_twice_differs_nowhere():
    one, _ = two_studies()
    found = ba.compare_studies(one, one, n_boot=100)
    assert (found.table["difference"] == 0).all()
    assert not found.table["differs"].any()
    assert (
        "3 of 3 coefficients have the same sign in one and other; the mean absolute difference is 0.00; none of 3"
        in (found.sentence)
    )


def test_a_published_matrix():
    one, _ = two_studies()
    names = ["self_information@5", "ndcg@5", "recall@5"]
    matrix = pd.DataFrame([[1, -0.4, 0.1], [-0.4, 1, 0.9], [0.1, 0.9, 1]], index=names, columns=names)
    as_pairs = {("miuf@5", "ndcg@5"): -0.4, ("recall@5", "ndcg@5"): 0.9}
    for published in (matrix, as_pairs):
        found = ba.compare_studies(one, published, method="pearson", names=("ours", "theirs"), n_boot=50)
        assert len(found.table) == 1
        row = found.table.iloc[0]
        assert [row["metric_a"], row["metric_b"], row["other"]] == ["ndcg@5", "self_information@5", -0.4]
        assert row["difference"] == pytest.approx(row["one"] + 0.4)
        assert math.isnan(row["ci_low"])
        assert row["differs"] is None
        assert row["one_low"] < row["one"] < row["one_high"]
        assert found.only_in_one == ("ild@5",)
        assert found.only_in_other == ("recall@5",)
        assert found.sentence == (
            "0 of 1 coefficients have the same sign in ours and theirs; the mean absolute difference is "
            f"{row['difference']:.2f}, the largest of ndcg@5 and self_information@5 ({row['one']:.2f} against -0.40)."
        )
        assert " - " in found.to_markdown()
    nothing = ba.compare_studies(one, {("ndcg@5", "recall@5"): 0.9, ("ild@5", "recall@5"): 0.2}, n_boot=5)
    assert nothing.sentence == "No pair of metrics has a coefficient in both one and other."


@pytest.mark.parametrize(
    ("other", "options", "message"),
    [
        ([1], {}, "the other study is a list; give the result of Study.run"),
        ({"ndcg@5": 1}, {}, "the other study is a dict"),
        ({("ndgc@5", "ild@5"): 1}, {}, "did you mean ndcg"),
        ({("ndcg@5", "ild@5"): 1.2}, {}, "the coefficient of 'ndcg@5' and 'ild@5' is 1.2; it must be between -1 and 1"),
        ({("ndcg@5", "ild@5"): 0.2, ("ild@5", "ndcg@5"): 0.3}, {}, "is given twice, 0.2 and 0.3; keep one"),
        ({("recall@5", "ndcg@5"): 0.2}, {}, "the two have 1 metrics in common"),
        (pd.DataFrame([[1.0]], index=["ndcg@5"], columns=["ild@5"]), {}, "the same metrics as index and columns"),
        ({("ndcg@5", "ild@5"): 0.2}, {"names": ["a"]}, "names= has 1 entries; give two"),
        ({("ndcg@5", "ild@5"): 0.2}, {"method": "cosine"}, "method='cosine' is not allowed"),
        ({("ndcg@5", "ild@5"): 0.2}, {"n_boot": 0}, "n_boot=0 is not allowed"),
    ],
)
def test_studies_that_cannot_be_compared(other, options, message):
    with pytest.raises((SpecError, DataError), match=message):
        ba.compare_studies(two_studies()[0], other, **options)


def test_the_first_study_is_a_result():
    with pytest.raises(SpecError, match=r"the first study is a dict; give the result of Study.run\(\)"):
        ba.compare_studies({}, two_studies()[0])
