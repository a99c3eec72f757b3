"""Sweeps over the weight of a re-ranker: every number is the one computed by hand, and the charts say the same."""

from __future__ import annotations

import itertools
import math

import numba
import numpy as np
import pandas as pd
import pytest

import beyondacc as ba
from beyondacc.charts import sweep_charts
from beyondacc.charts.canvas import save_chart
from beyondacc.errors import DataError, SpecError
from beyondacc.tradeoff.pareto import pareto_front
from beyondacc.tradeoff.sweep import WEIGHTS

pytestmark = pytest.mark.kernel
SLOW = numba.config.DISABLE_JIT  # the kernels run as plain Python
N_USERS, N_ITEMS = (36, 50) if SLOW else (60, 80)
METRICS = ["ndcg@5", "ild@5", "mean_popularity@5", "gini@5", "catalog_coverage@10", "serendipity_ge@5", "ild@2"]
METRICS += ["popularity_lift@5", "personalization@5", "group_exposure_ratio@5", "pop_rsp@5"]
OF_USERS = ["ndcg@5", "ild@5", "mean_popularity@5", "serendipity_ge@5", "ild@2"]
DIVERSITY = (0.0, 0.25, 0.5, 0.75, 1.0)
N_BOOT, SEED = 60, 3
COLUMNS = ["diversity", "metric", "value", "ci_low", "ci_high"]
COLUMNS += ["change", "change_low", "change_high", "n_users", "better"]


def tables():
    """Users and items of four tastes; items carry the genre of theirs and a second one."""
    rng = np.random.default_rng(0)
    taste_of_user, taste_of_item = rng.integers(4, size=N_USERS), rng.integers(4, size=N_ITEMS)
    chance = 0.06 + 0.3 * (taste_of_user[:, None] == taste_of_item) * rng.random(N_ITEMS)
    users, items = np.nonzero(rng.random(chance.shape) < chance)
    ratings = pd.DataFrame({"user_id": users, "item_id": items + 1000, "rating": rng.integers(1, 6, len(users))})
    genres = [f"taste{taste}|extra{rng.integers(3)}" for taste in taste_of_item]
    return ratings, pd.DataFrame({"item_id": np.arange(N_ITEMS) + 1000, "genres": genres})


@pytest.fixture(scope="module")
def data():
    ratings, items = tables()
    return ba.Dataset.split(ratings, items, seed=0)


@pytest.fixture(scope="module")
def candidates(data):
    lists = ba.recommend(ba.models.ItemKNN(k=10).fit(data.matrix), data, k=25).to_pandas()
    odd = lists["user_id"] == lists["user_id"].iloc[0]
    return lists[~odd | (lists["rank"] == 1)]  # of one item there is no pair


def swept(data, candidates, reranker="MMR", **options):
    given = {"diversity": DIVERSITY, "metrics": METRICS, "n_boot": N_BOOT, "seed": SEED}
    return ba.sweep(reranker, candidates, data, **{**given, **options})


@pytest.fixture(scope="module")
def result(data, candidates):
    return swept(data, candidates)


@pytest.mark.parametrize(
    "reranker",
    [
        "MMR",
        "MMR(normalize=rank, distance=cosine)",
        ba.GreedyDiversity(renormalize=True),
        ba.Novelty(),
        "Random(seed=4)",
    ],
)
def test_every_weight_is_what_the_functions_give(data, candidates, reranker):
    found = swept(data, candidates, reranker)
    assert found.reranker.kind == (reranker if isinstance(reranker, str) else reranker.kind)
    assert list(found.lists) == list(found.reports) == list(DIVERSITY)
    for weight, report in found.reports.items():
        lists = found.reranker.at(weight).rerank(candidates, data, k=10)
        for name in ("lists", "scores", "input_ranks", "relevance", "gain"):
            assert getattr(found.lists[weight], name).tobytes() == getattr(lists, name).tobytes()
        assert found.lists[weight].users.equals(lists.users)
        alone = ba.evaluate(lists, data, METRICS, n_boot=N_BOOT, seed=SEED)
        pd.testing.assert_frame_equal(report.to_pandas(), alone.to_pandas(), check_exact=True)
        pd.testing.assert_frame_equal(report.per_user_frame(), alone.per_user_frame(), check_exact=True)
        assert report.diagnostics == alone.diagnostics
        for metric in alone:
            assert report.replicates[metric].tobytes() == alone.replicates[metric].tobytes()


def test_the_table_is_tidy(result):
    table = result.table
    assert list(table.columns) == COLUMNS
    assert table["diversity"].tolist() == [weight for weight in DIVERSITY for _ in METRICS]
    assert table["metric"].tolist() == METRICS * len(DIVERSITY)
    rows = table.itertuples()
    for report in result.reports.values():
        for metric, row in zip(result.metrics, rows, strict=False):
            found = report[metric]
            assert (row.value, row.ci_low, row.ci_high) == (found.value, found.ci_low, found.ci_high)
            assert (row.n_users, row.better) == (found.n_users, found.better)
    assert set(table["better"]) == {"higher", "lower", "target"}
    assert len(set(table["n_users"])) > 1
    assert list(result.values.columns) == METRICS
    assert result.values.index.tolist() == list(DIVERSITY)
    assert result.values.index.name == "diversity"
    np.testing.assert_array_equal(result.values.to_numpy().ravel(), table["value"])
    copy = result.to_pandas()
    pd.testing.assert_frame_equal(copy, table)
    copy["value"] = 0
    assert (result.table["value"] != 0).any()
    assert len(result) == len(DIVERSITY)


def quantile(values, share):
    """Linear between the sorted values."""
    place = share * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    ordered = sorted(values)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def mean(values):
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known)


def test_changes_are_resampled_in_pairs(data, result):
    """Draw users by hand, and take the difference of both weights over the same users."""
    users = result.per_user("ndcg@5").index
    drawn = np.random.default_rng(SEED).integers(0, len(users), (N_BOOT, len(users))).tolist()
    shown = {weight: lists.to_dict() for weight, lists in result.lists.items()}
    n_items = data.catalogue.sum()

    def coverage(weight, chosen):
        return len({item for user in chosen for item in shown[weight].get(users[user], [])[:10]}) / n_items

    for metric in [*OF_USERS, "catalog_coverage@10"]:
        rows = result.table[result.table["metric"] == metric].set_index("diversity")
        columns = result.per_user(metric) if metric in OF_USERS else None
        for weight, row in rows.iterrows():
            if columns is None:
                changes = [coverage(weight, chosen) - coverage(0.0, chosen) for chosen in drawn]
            else:
                here, there = columns[weight].tolist(), columns[0.0].tolist()
                changes = [mean([here[u] for u in chosen]) - mean([there[u] for u in chosen]) for chosen in drawn]
            change = row["value"] - rows.loc[0.0, "value"]
            ends = [change + quantile(changes, share) - sum(changes) / N_BOOT for share in (0.025, 0.975)]
            expected = [change, min(ends[0], change), max(ends[1], change)]
            np.testing.assert_allclose(
                row[["change", "change_low", "change_high"]].tolist(), expected, rtol=0, atol=1e-12
            )


def test_changes_are_paired_and_start_from_nothing(result):
    table = result.table
    start = table[table["diversity"] == 0]
    assert (start[["change", "change_low", "change_high"]] == 0).all(axis=None)
    rest = table[table["diversity"] > 0]
    assert (rest["change_low"] <= rest["change"]).all()
    assert (rest["change"] <= rest["change_high"]).all()
    # both weights vary together from user to user, so their difference varies less
    narrow = rest[rest["metric"] == "mean_popularity@5"]
    assert (narrow["change_high"] - narrow["change_low"] < narrow["ci_high"] - narrow["ci_low"]).all()


def test_without_weight_zero_nothing_is_a_change(data, candidates):
    found = swept(data, candidates, diversity=[0.5, 0.25])
    assert list(found.reports) == [0.25, 0.5]
    assert found.table[["change", "change_low", "change_high"]].isna().all(axis=None)
    assert found.table[["ci_low", "ci_high"]].notna().all(axis=None)


def test_without_a_bootstrap(data, candidates, result):
    found = swept(data, candidates, n_boot=0)
    assert found.table[["ci_low", "ci_high", "change_low", "change_high"]].isna().all(axis=None)
    pd.testing.assert_frame_equal(found.values, result.values, check_exact=True)
    np.testing.assert_array_equal(found.table["change"], result.table["change"])


def test_one_user_has_no_interval(data, candidates):
    user = candidates["user_id"].iloc[-1]
    lists = candidates[candidates["user_id"] == user]
    found = swept(data, lists, metrics=["ild@5", "ndcg@5"])
    table = found.table.set_index("metric")
    assert (table.loc["ild@5", "n_users"] == 1).all()
    assert table.loc["ild@5", ["change_low", "change_high"]].isna().all(axis=None)
    assert table.loc["ild@5", "change"].notna().all()
    assert table.loc["ndcg@5", ["change_low", "change_high"]].notna().all(axis=None)


def test_values_of_each_user(result):
    for metric in OF_USERS:
        found = result.per_user(metric)
        assert found.columns.tolist() == list(DIVERSITY)
        assert found.columns.name == "diversity"
        for weight, report in result.reports.items():
            pd.testing.assert_series_equal(found[weight], report.per_user(metric), check_names=False)
    assert result.per_user("ild@2").isna().any(axis=None)


def test_threads_change_nothing(data, candidates, result):
    for threads in (1, 2, 5):
        other = swept(data, candidates, threads=threads)
        pd.testing.assert_frame_equal(other.table, result.table, check_exact=True)
        for weight, lists in result.lists.items():
            assert other.lists[weight].lists.tobytes() == lists.lists.tobytes()


def test_weights_are_distinct_sorted_and_rounded(data, candidates):
    def weights(given):
        return list(swept(data, candidates, diversity=given, metrics="ndcg@5", n_boot=0).reports)

    assert weights([0.3, 1, 0.1 + 0.2, -0.0, 0.3]) == [0.0, 0.3, 1.0]
    assert not np.signbit(weights([-0.0])[0])
    assert weights(np.linspace(0, 1, 11)) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert weights([0.123456789012, 0.1234567890121]) == [0.123456789012]
    default = ba.sweep("MMR", candidates, data, metrics="ndcg@5", n_boot=0)
    assert list(default.reports) == list(WEIGHTS) == np.linspace(0, 1, 21).round(12).tolist()


def test_the_weight_of_the_re_ranker_does_not_matter(data, candidates, result):
    for reranker in (ba.MMR(diversity=0.9), "MMR(diversity=0.1)"):
        pd.testing.assert_frame_equal(swept(data, candidates, reranker).table, result.table, check_exact=True)


def test_lists_are_as_long_as_the_largest_cutoff(data, candidates):
    def length(**options):
        found = swept(data, candidates, diversity=[0, 0.5], n_boot=0, **options)
        assert len({lists.lists.shape[1] for lists in found.lists.values()}) == 1
        return found.lists[0.5].lists.shape[1], [str(metric) for metric in found.metrics]

    assert length(metrics=["ndcg", "ild@20"]) == (20, ["ndcg@10", "ild@20"])
    assert length(metrics=["ndcg", "ild@2"], k=7) == (7, ["ndcg@7", "ild@2"])
    core = ba.evaluate(candidates, data, n_boot=0).metrics
    assert length(metrics=None, k=6) == (6, [str(metric @ 6) for metric in core])


def test_columns_of_candidates_can_be_named(data, candidates, result):
    renamed = candidates.rename(columns={"user_id": "who", "item_id": "what"})
    found = swept(data, renamed, columns={"user": "who", "item": "what"})
    pd.testing.assert_frame_equal(found.table, result.table, check_exact=True)


# fronts


def directed(result, metrics):
    """The values with more being better, a row a weight."""
    signs = {metric: -1 if metric.startswith(("gini", "mean_popularity", "pop_rsp")) else 1 for metric in metrics}
    return [
        [value * signs[metric] for metric, value in row.items()] for _, row in result.values[list(metrics)].iterrows()
    ]


PAIRS = [*itertools.permutations(["ndcg@5", "ild@5", "gini@5", "mean_popularity@5", "catalog_coverage@10"], 2)]


@pytest.mark.parametrize("metrics", [*PAIRS, ("ndcg@5", "ild@5", "gini@5"), ("ild@5",)])
def test_pareto(result, metrics):
    points = directed(result, metrics)
    front = [
        weight
        for weight, mine in zip(DIVERSITY, points, strict=True)
        if not any(
            all(a >= b for a, b in zip(other, mine, strict=True))
            and any(a > b for a, b in zip(other, mine, strict=True))
            for other in points
        )
    ]
    found = result.pareto(*metrics)
    assert list(found.columns) == ["diversity", *metrics]
    assert found["diversity"].tolist() == front
    np.testing.assert_array_equal(found[list(metrics)], result.values.loc[front, list(metrics)])


def area(points, worst):
    """Under the points, strip by strip between their x."""
    total, edges = 0.0, sorted({worst[0], *(x for x, _ in points if x > worst[0])})
    for left, right in itertools.pairwise(edges):
        total += (right - left) * max([0.0, *(y - worst[1] for x, y in points if x >= right)])
    return total


@pytest.mark.parametrize("metrics", PAIRS)
def test_hypervolume(result, metrics):
    points = directed(result, metrics)
    bounds = {"gini@5": -1.0, "mean_popularity@5": -result.values["mean_popularity@5"].max()}
    worst = [bounds.get(metric, 0.0) for metric in metrics]
    assert result.hypervolume(*metrics) == pytest.approx(area(points, worst), rel=1e-12)
    signs = [-1 if metric in bounds else 1 for metric in metrics]
    nearer = [quantile([point[place] for point in points], 0.3) for place in (0, 1)]
    reference = [value * sign for value, sign in zip(nearer, signs, strict=True)]
    assert result.hypervolume(*metrics, reference=reference) == pytest.approx(area(points, nearer), rel=1e-12)
    assert result.hypervolume(*metrics, reference=reference) < result.hypervolume(*metrics)


@pytest.mark.parametrize("metrics", PAIRS)
def test_knee(data, candidates, metrics):
    found = swept(data, candidates, diversity=WEIGHTS, n_boot=0)
    front = found.pareto(*metrics)
    points = front[list(metrics)].to_numpy() * [
        -1 if name in {"gini@5", "mean_popularity@5"} else 1 for name in metrics
    ]
    best, knee = 1e-9, None
    for weight, point in zip(front["diversity"], points.tolist(), strict=True):
        scaled = [
            (value - column.min()) / (column.max() - column.min())
            for value, column in zip(point, points.T, strict=True)
            if column.max() > column.min()
        ]
        if len(scaled) == 2 and len(points) > 2 and sum(scaled) - 1 > best + 1e-12:
            best, knee = sum(scaled) - 1, weight
    answer = found.knee(*metrics)
    assert isinstance(answer, float)
    assert math.isnan(answer) if knee is None else answer == knee


def test_fronts_are_by_default_of_two_families(data, candidates, result):
    assert list(result.pareto().columns) == ["diversity", "ndcg@5", "ild@5"]
    assert result.hypervolume() == result.hypervolume("ndcg@5", "ild@5")
    names = ["popularity_lift@5", "ild@1", "ndcg@5", "recall@5", "gini@5"]
    found = swept(data, candidates, metrics=names, n_boot=0)  # the first has a target, the second no values
    assert list(found.pareto().columns) == ["diversity", "ndcg@5", "gini@5"]
    assert list(swept(data, candidates, metrics=["ndcg@5", "recall@5"]).pareto().columns[1:]) == ["ndcg@5", "recall@5"]
    assert list(swept(data, candidates, metrics=["popularity_lift@5", "ild@5"]).pareto().columns[1:]) == ["ild@5"]
    none = swept(data, candidates, metrics=["popularity_lift@5", "ild@1"], n_boot=0)
    with pytest.raises(SpecError, match="no metric of the sweep has values and a better direction; evaluate another"):
        none.pareto()
    assert none.pareto("ild@1").empty
    assert none.hypervolume("ild@1") == 0


# texts


def test_what_is_printed(data, candidates, result):
    text = repr(result)
    head, *rows, words = text.split("\n")
    assert head == f"MMR: 5 weights, {len(result.per_user('ndcg@5'))} users"
    assert rows[0].split() == METRICS
    assert [row.split()[0] for row in rows[1:]] == ["diversity", "0", "0.25", "0.5", "0.75", "1"]
    assert rows[2].split()[1:] == [f"{value:.4f}" for value in result.values.loc[0.0]]
    front, volume = len(result.pareto("ndcg@5", "ild@5")), result.hypervolume("ndcg@5", "ild@5")
    knee = result.knee("ndcg@5", "ild@5")
    bend = "have no knee" if math.isnan(knee) else f"have their knee at the weight {knee:g}"
    assert words == (
        f"ndcg@5 and ild@5 {bend}; their Pareto front holds {front} weights, "
        f"with a hypervolume of {volume:.4f} reckoned from 0 and 0"
    )
    page = result._repr_html_()
    assert page.count("<table") == 1
    assert f"<p>{words}</p>" in page
    assert all(f"{value:.4f}" in page for value in result.values.loc[1.0])
    one = swept(data, candidates, ba.MMR(distance="cosine"), diversity=[0.5], metrics=["ild@1", "ndcg@5"], n_boot=0)
    assert repr(one).startswith("MMR(distance=cosine): 1 weight, ")
    assert "undefined" in repr(one)
    assert repr(one).endswith(f"{one.values['ndcg@5'].item():.4f}")  # of one metric alone there is nothing to say
    two = swept(data, candidates, diversity=[0.5], metrics=["mean_popularity@5", "ndcg@5"], n_boot=0)
    popularity = two.values["mean_popularity@5"].item()
    assert repr(two).endswith(f"holds 1 weight, with a hypervolume of 0.0000 reckoned from 0 and {popularity:.4g}") or (
        repr(two).endswith(f"holds 1 weight, with a hypervolume of 0.0000 reckoned from {popularity:.4g} and 0")
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"diversity": [0.5, 1.5]}, r"sweep: diversity=1.5 is not allowed; diversity must be a number in \[0, 1\]"),
        ({"diversity": [-0.1]}, "sweep: diversity=-0.1 is not allowed"),
        ({"diversity": ["much"]}, "sweep: diversity='much' is not allowed"),
        ({"diversity": [float("nan")]}, "sweep: diversity=nan is not allowed"),
        (
            {"diversity": []},
            r"sweep: diversity is empty; give at least one weight in \[0, 1\], such as \[0, 0.25, 0.5\]",
        ),
        ({"diversity": 0.5}, r"sweep: diversity=0.5 is not allowed; diversity must be several weights in \[0, 1\]"),
        ({"diversity": "0.5"}, "sweep: diversity='0.5' is not allowed; diversity must be several weights"),
        ({"metrics": ["ndgc@5"]}, "did you mean ndcg"),
        ({"metrics": []}, "no metric was given"),
        ({"metrics": "ndcg", "k": 0}, "sweep: k=0 is not allowed"),
        ({"n_boot": -1}, "sweep: n_boot=-1 is not allowed"),
        ({"seed": 0.5}, "sweep: seed=0.5 is not allowed"),
        ({"reranker": "MRM"}, "there is no re-ranker 'MRM'"),
        ({"reranker": ba.MMR}, "reranker is a ABCMeta; pass a re-ranker or its text, such as 'MMR"),
    ],
)
def test_messages(data, candidates, options, message):
    with pytest.raises(SpecError, match=message):
        swept(data, candidates, **options)


def test_what_the_data_lack_is_said(candidates):
    bare = ba.Dataset(train={1: [1001, 1002], 2: [1002, 1003]}, test={1: [1003], 2: [1001]})
    with pytest.raises(SpecError, match="metric 'ild@5' needs item features; pass items= with a genres column"):
        swept(bare, candidates, "Novelty")
    with pytest.raises(SpecError, match=r"re-ranker MMR.* needs item features; pass items= with a genres column"):
        swept(bare, candidates, metrics=["ndcg@5"])
    with pytest.raises(SpecError, match="data is a DataFrame; pass a Dataset"):
        swept(candidates, candidates)


def test_messages_of_a_result(result):
    for ask in (result.pareto, result.hypervolume, result.chart, lambda *names: result.knee(*names, "ild@5")):
        with pytest.raises(SpecError, match="ndcg@10 was not evaluated; did you mean ndcg@5"):
            ask("ndcg")
    with pytest.raises(SpecError, match="epc@5 was not evaluated"):
        result.per_user("epc@5")
    with pytest.raises(SpecError, match=r"gini@5 has one value for the whole run; a value for each user have ndcg@5, "):
        result.per_user("gini@5")
    aimless = "popularity_lift@5 has a target instead of a better direction, so it has no Pareto front"
    for ask in (result.pareto, result.hypervolume, result.knee):
        with pytest.raises(SpecError, match=aimless):
            ask("ndcg@5", "popularity_lift@5")
    with pytest.raises(SpecError, match="a knee is one of two metrics, but ild@5 was given twice; name x and y"):
        result.knee("ild@5", "ild@5")
    with pytest.raises(
        DataError, match=r"reference=\[0\] is not allowed; give a finite number for each of 2 objectives"
    ):
        result.hypervolume("ndcg@5", "ild@5", reference=[0])


# charts


@pytest.mark.parametrize("metrics", [(), ("ild@5",), ("ndcg@5", "ild@5"), ("ndcg@5", "ild@5", "gini@5")])
@pytest.mark.parametrize("kind", ["svg", "png"])
def test_charts_are_rendered(result, metrics, kind, tmp_path):
    chart = result.chart(*metrics)
    save_chart(chart, tmp_path / f"chart.{kind}")
    content = (tmp_path / f"chart.{kind}").read_bytes()
    if kind == "png":
        assert content.startswith(b"\x89PNG")
        return
    drawn = content.decode()
    shown = metrics or METRICS
    for name in ("ndcg@5", "ild@5", "gini@5"):
        title = {"ndcg@5": "nDCG", "ild@5": "Intra-list diversity", "gini@5": "Gini"}[name]
        assert (title in drawn) == (name in shown)
    assert ("weight 0" in drawn) == (len(metrics) != 2)


def test_curves_show_every_value_with_its_interval(result):
    spec = result.chart().to_dict()
    rows = pd.DataFrame(spec["data"]["values"])
    assert len(rows) == len(result.table)
    assert spec["title"]["text"] == "MMR along its weight"
    assert spec["title"]["subtitle"][0].startswith(
        "Band: 95 % bootstrap interval over users; dashed: the value at weight 0"
    )
    for name, title in (("gini@5", "Gini index of exposure @5"), ("mean_popularity@5", "Mean popularity (ARP) @5")):
        mine = result.table[result.table["metric"] == name]
        shown = rows[rows["metric"].str.replace("\n", " ") == f"{title}\N{NO-BREAK SPACE}↓"]
        for column, here in (("value", "value"), ("ci_low", "low"), ("ci_high", "high"), ("diversity", "diversity")):
            np.testing.assert_allclose(shown[here], mine[column], rtol=1e-12)
        assert (shown["start"] == shown["value"].iloc[0]).all()
    assert set(spec["facet"]["sort"]) == set(rows["metric"])


def test_curves_say_what_they_leave_out(data, candidates):
    found = swept(data, candidates, diversity=[0.5, 1], metrics=["ild@1", "ndcg@5", "recall@5"], n_boot=0)
    title = found.chart().to_dict()["title"]
    assert title["subtitle"][0] == "↑ ↓ the better direction; values need not begin at 0"
    assert title["subtitle"][1] == "Not drawn, undefined at every weight: Intra-list diversity @1"
    with pytest.raises(
        DataError, match="'ild@1' is undefined at every weight, so there is nothing to draw; choose other"
    ):
        found.chart("ild@1")
    with pytest.raises(DataError, match="no weight has a value of both 'ild@1' and 'ndcg@5'; choose other metrics"):
        found.chart("ild@1", "ndcg@5")


def layers(chart):
    """The layers of a chart with the rows they draw."""
    return [(layer["mark"], pd.DataFrame(layer["data"]["values"]), layer) for layer in chart.to_dict()["layer"]]


def rows_of(chart, kind, **looks):
    """The rows that marks of a kind and a look draw."""
    found = [
        rows
        for mark, rows, _ in layers(chart)
        if mark["type"] == kind and all(mark.get(name) == value for name, value in looks.items())
    ]
    assert len(found) == 1
    return found[0]


PATHS = [("ild@5", "ndcg@5"), ("ndcg@5", "ild@5"), ("gini@5", "ild@5"), ("ild@5", "gini@5")]


@pytest.mark.parametrize(("x", "y"), PATHS)
def test_the_path_its_front_and_its_knee(data, candidates, x, y):
    found = swept(data, candidates, diversity=WEIGHTS, n_boot=20)
    chart = found.chart(x, y)
    way = rows_of(chart, "line", color=sweep_charts.BLUE)
    assert way["diversity"].tolist() == list(WEIGHTS)
    np.testing.assert_allclose(way[["x", "y"]], found.values[[x, y]], rtol=1e-12)
    front = found.pareto(x, y)["diversity"].tolist()
    assert way.loc[way["front"], "diversity"].tolist() == front
    grey = rows_of(chart, "line", color=sweep_charts.GREY)
    assert set(grey["diversity"]) == set(front)
    corner = next(mark for mark, *_ in layers(chart) if mark.get("color") == sweep_charts.GREY)["interpolate"]
    assert corner == ("step-after" if x == "gini@5" else "step-before")
    knee = found.knee(x, y)
    subtitle = chart.to_dict()["title"]["subtitle"]
    assert subtitle[0] == f"Numbers: the weight; grey: Pareto front, {len(front)} of 21 weights"
    if math.isnan(knee):
        assert len(subtitle) == 1
        assert not [mark for mark, *_ in layers(chart) if mark.get("color") == sweep_charts.ORANGE]
        return
    assert subtitle[1].startswith(f"Ring: the knee, at {knee:g}: ")
    for filled in (True, False):
        assert rows_of(chart, "point", color=sweep_charts.ORANGE, filled=filled)["diversity"].tolist() == [knee]
    assert rows_of(chart, "text", color=sweep_charts.ORANGE)["text"].tolist() == [f"knee at {knee:g}"]
    ends = rows_of(chart, "line", strokeDash=[4, 4])
    assert ends["x"].tolist() == [grey["x"].min(), grey["x"].max()]


def test_some_path_has_a_knee(data, candidates):
    """Else the test above shows nothing."""
    found = swept(data, candidates, diversity=WEIGHTS, n_boot=0)
    assert not all(math.isnan(found.knee(*pair)) for pair in PATHS)


def test_a_path_without_a_direction_or_values(result):
    chart = result.chart("popularity_lift@5", "ndcg@5")
    words = ["Numbers: the weight; no Pareto front, because a metric with a target has no better direction"]
    assert chart.to_dict()["title"]["subtitle"] == words
    assert {mark.get("color") for mark, *_ in layers(chart)} == {sweep_charts.BLUE, "#222"}
    axes = chart.to_dict()["layer"][0]["encoding"]
    assert [axes[side]["title"] for side in "xy"] == ["Popularity lift @5, has a target", "nDCG @5, higher is better"]
    view = result._view()
    gone = view.table["value"].mask((view.table["metric"] == "ndcg@5") & (view.table["diversity"] == 0.5))
    object.__setattr__(view, "table", view.table.assign(value=gone))
    chart = sweep_charts.path(view, "ild@5", "ndcg@5", knee=math.nan)
    assert chart.to_dict()["title"]["subtitle"][-1] == "Not drawn: 1 weights without both values"
    assert 0.5 not in set(rows_of(chart, "line", color=sweep_charts.BLUE)["diversity"])


def test_one_weight_is_a_point(data, candidates):
    chart = swept(data, candidates, diversity=[0.5], metrics=["ild@5", "ndcg@5"], n_boot=0).chart("ild@5", "ndcg@5")
    assert rows_of(chart, "text")["text"].tolist() == ["0.5"]


def boxes(texts, spans):
    """Where the texts are, in pixels from the upper left corner."""
    found = []
    for row in texts.itertuples():
        across = (row.x - spans["x"][0]) / (spans["x"][1] - spans["x"][0]) * sweep_charts.WIDTH
        down = (spans["y"][1] - row.y) / (spans["y"][1] - spans["y"][0]) * sweep_charts.HEIGHT
        half = len(row.text) * 3
        found.append((across - half, across + half, down - 6, down + 6))
    return found


def test_texts_do_not_overlap():
    """Neither each other nor a point, on winding ways and on crowded ones; most weights that stand apart have one."""
    rng = np.random.default_rng(0)
    for case in range(60):
        n = int(rng.integers(1, 40))
        steps = rng.normal(size=(n, 2)) * [1, -1] + ([0.5, -0.5] if case % 2 else [0, 0])
        points = steps.cumsum(axis=0)
        frame = pd.DataFrame(points, columns=["x", "y"]).assign(diversity=np.linspace(0, 1, n).round(3))
        frame["front"] = pareto_front(points, [True, True])
        knee = frame["diversity"].iloc[int(np.argmax(frame["front"]))] if case % 3 else math.nan
        spans = {"x": sweep_charts._span(frame["x"], sweep_charts.WIDTH)}
        spans["y"] = sweep_charts._span(frame["y"], sweep_charts.HEIGHT)
        texts = sweep_charts._texts(frame, spans, knee, rising=True)
        placed = boxes(texts, spans)
        for left, right, top, bottom in placed:
            assert left >= 0
            assert top >= 0
            assert right <= sweep_charts.WIDTH
            assert bottom <= sweep_charts.HEIGHT
        for one, other in itertools.combinations(placed, 2):
            assert one[0] >= other[1] or other[0] >= one[1] or one[2] >= other[3] or other[2] >= one[3]
        middles = boxes(frame.assign(text=""), spans)
        for (across, _, top, bottom), box in itertools.product(middles, placed):
            assert not (box[0] < across < box[1] and box[2] < (top + bottom) / 2 < box[3])
        assert texts["knee"].sum() == (case % 3 > 0)
        named = {f"{weight:g}" for weight in frame["diversity"]}
        assert set(texts["text"].str.removeprefix("knee at ")) <= named
        for text, box in zip(texts["text"], placed, strict=True):  # beside the point it names
            across, _, top, _ = middles[
                [f"{weight:g}" for weight in frame["diversity"]].index(text.removeprefix("knee at "))
            ]
            assert math.dist((across, top + 6), ((box[0] + box[1]) / 2, (box[2] + box[3]) / 2)) < 70
        assert len(texts) >= min(n, 3)


def test_turns_and_axes():
    for n in range(1, 50):
        assert sorted(sweep_charts._halving(n)) == list(range(n))
        assert {0, n - 1} <= set(sweep_charts._halving(n)[:2])
    assert sweep_charts._halving(9)[:5] == [0, 8, 4, 2, 6]
    for values in ([0.2, 0.4], [3.0], [0.0, 0.0], [-2.0, 5.0, 1.0], [-4.0]):
        low, high = sweep_charts._span(pd.Series(values), 400)
        assert low < min(values)
        assert max(values) < high
