"""Studies on a small dataset: what is in the grid, that every number is the one computed by hand, and the files."""

from __future__ import annotations

import dataclasses
import io
import itertools
import math
import re

import numba
import numpy as np
import pandas as pd
import pytest

import beyondacc as ba
from beyondacc.correlation import correlate
from beyondacc.errors import DataError, SpecError
from beyondacc.models import MODELS, ItemKNN, Popularity
from beyondacc.rerank import RERANKERS
from beyondacc.study import grid, progress as study_progress
from beyondacc.study.result import PLAIN, Run

pytestmark = pytest.mark.kernel
SLOW = numba.config.DISABLE_JIT  # the kernels run as plain Python
N_USERS, N_ITEMS = (25, 40) if SLOW else (60, 80)
METRICS = ["ndcg@5", "ild@5", "mean_popularity@5", "gini@5", "catalog_coverage@10", "self_information@5"]
N_BOOT = 40
COLUMNS = ["run", "model", "reranker", "diversity", "seed", "metric"]
COLUMNS += ["k", "value", "ci_low", "ci_high", "n_users", "n_undefined"]


def tables(seed=0):
    """Users and items of four tastes; items carry the genre of theirs and a second one."""
    rng = np.random.default_rng(seed)
    taste_of_user, taste_of_item = rng.integers(4, size=N_USERS), rng.integers(4, size=N_ITEMS)
    chance = 0.06 + 0.25 * (taste_of_user[:, None] == taste_of_item) * rng.random(N_ITEMS)
    users, items = np.nonzero(rng.random(chance.shape) < chance)
    ratings = pd.DataFrame({"user_id": users, "item_id": items + 1000, "rating": rng.integers(1, 6, len(users))})
    genres = [f"taste{taste}|extra{rng.integers(3)}" for taste in taste_of_item]
    return ratings, pd.DataFrame({"item_id": np.arange(N_ITEMS) + 1000, "genres": genres})


RATINGS, ITEMS = tables()


def split(seed=0):
    return ba.Dataset.split(RATINGS, ITEMS, seed=seed)


def own_scores(data):
    return np.random.default_rng(3).random((len(data.users), len(data.items)))


@pytest.fixture(scope="module")
def data():
    return split()


@pytest.fixture(scope="module")
def models(data):
    """Every kind: one of ours, its text, a scorer, ready recommendations."""
    ready = {user: data.items.ids[[3, 1, 4, 15, 9, 2, 6]].tolist() for user in data.users.ids[::2].tolist()}
    return {"pop": Popularity(), "knn": "ItemKNN(k=8)", "mine": own_scores(data), "ready": ready}


def study(data, models, **options):
    given = {"rerankers": [ba.MMR(), "Random(seed=4)"], "metrics": METRICS, "diversity": (0.0, 0.3, 0.8)}
    return ba.Study(data, models, **{**given, "n_boot": N_BOOT, "candidates": 20, **options})


@pytest.fixture(scope="module")
def result(data, models):
    return study(data, models).run()


@pytest.fixture(scope="module")
def seeds():
    given = {seed: split(seed) for seed in (5, 7)}
    return given, study(given, ["Popularity", "ItemKNN(k=8)"]).run()


def test_the_grid(data, models, result):
    made = study(data, models)
    assert len(made) == len(result.reports) == 4 * (1 + 2 * 2)
    runs = list(result.reports)
    assert runs[:5] == [
        Run("pop", PLAIN, 0.0, 0),
        Run("pop", "MMR", 0.3, 0),
        Run("pop", "MMR", 0.8, 0),
        Run("pop", "Random(seed=4)", 0.3, 0),
        Run("pop", "Random(seed=4)", 0.8, 0),
    ]
    assert [run.model for run in runs] == [name for name in models for _ in range(5)]
    assert sum(run.reranker == PLAIN for run in runs) == 4
    assert [result.name(run) for run in runs[:3]] == ["pop", "pop + MMR 0.3", "pop + MMR 0.8"]
    assert [str(metric) for metric in result.metrics] == METRICS
    assert repr(result) == "StudyResult(20 runs, 6 metrics)"
    assert result.seconds > 0


def test_the_table_is_tidy(result):
    table = result.table
    assert list(table.columns) == COLUMNS
    assert len(table) == 20 * len(METRICS)
    assert not table[["run", "metric"]].duplicated().any()
    assert table["metric"].tolist() == METRICS * 20
    assert table["k"].tolist() == [5, 5, 5, 5, 10, 5] * 20
    assert (table["ci_low"] <= table["value"] + 1e-12).all()
    assert (table["value"] <= table["ci_high"] + 1e-12).all()
    wide = result.values
    assert list(wide.columns) == METRICS
    assert list(wide.index) == [result.name(run) for run in result.reports]
    np.testing.assert_array_equal(wide.to_numpy(), table["value"].to_numpy().reshape(20, -1))


def by_hand(data, model, reranker, weight, metrics=METRICS, k=10, candidates=20):
    """The report of a run, through the public functions one after the other."""
    if isinstance(model, dict):
        lists = ba.Recommendations.read(model, data)
    else:
        model = MODELS.create(model) if isinstance(model, str) else model
        fitted = model.fit(data.matrix) if hasattr(model, "fit") else model
        lists = ba.recommend(fitted, data, k=candidates)
    if reranker is not None:
        lists = RERANKERS.create(reranker, diversity=weight).rerank(lists, data, k=k)
    return ba.evaluate(lists.top(k), data, list(metrics), n_boot=N_BOOT)


def equal_reports(one, other):
    pd.testing.assert_frame_equal(one.to_pandas(), other.to_pandas(), check_exact=True)
    pd.testing.assert_frame_equal(one.per_user_frame(), other.per_user_frame(), check_exact=True)
    assert one.diagnostics == other.diagnostics


def test_every_run_is_what_the_functions_give(data, models, result):
    for run, report in result.reports.items():
        reranker = None if run.reranker == PLAIN else run.reranker
        equal_reports(report, by_hand(data, models[run.model], reranker, run.diversity))


def test_several_splits(seeds):
    given, result = seeds
    assert len(result.reports) == 2 * 2 * 5
    assert [run.seed for run in result.reports] == [5] * 10 + [7] * 10
    assert set(result.table["run"]) == {result.name(run) for run in result.reports}
    assert "ItemKNN(k=8) + MMR 0.3, seed 7" in set(result.table["run"])
    assert len(result.values) == 20
    for run, report in result.reports.items():
        reranker = None if run.reranker == PLAIN else run.reranker
        equal_reports(report, by_hand(given[run.seed], run.model, reranker, run.diversity))
    plain = result.values.loc[["Popularity, seed 5", "Popularity, seed 7"], "ndcg@5"]
    assert plain.nunique() == 2


def equal_results(one, other):
    for attribute in ("table", "values", "per_user", "diagnostics"):
        pd.testing.assert_frame_equal(getattr(one, attribute), getattr(other, attribute), check_exact=True)
    pd.testing.assert_frame_equal(one.signs(), other.signs(), check_exact=True)
    pd.testing.assert_frame_equal(one.correlations(n_boot=20), other.correlations(n_boot=20), check_exact=True)


def test_threads_change_nothing(data, models, result):
    for threads in (1, 2, 5):
        equal_results(result, study(data, models).run(threads=threads))


def test_a_wrapped_recommender_is_a_model(data):
    wrapped = ba.MMR(diversity=0.4).wrap(own_scores(data), candidates=15)
    made = ba.Study(data, {"wrapped": wrapped}, [], ["ild"], k=4, candidates=8, n_boot=0).run()
    by_hand = ba.evaluate(wrapped.recommend(data, k=8), data, "ild@4", n_boot=0)
    assert made.table["metric"].tolist() == ["ild@4"]  # cut at the study's k, as it names no cutoff
    assert made.table["value"].tolist() == [by_hand.value("ild@4")]


def test_progress_is_shown_and_changes_nothing(data, models, result, capsys):
    equal_results(result, study(data, models).run(progress=True))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "model 4 of 4: ready; 15 of 20 runs evaluated" in shown.err
    assert "all 20 runs evaluated" in shown.err
    study(data, models).run()
    assert capsys.readouterr().err == ""


def test_progress_on_a_terminal_is_bars(data, models, result, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    equal_results(result, study(data, models).run(progress=True))
    shown = capsys.readouterr().err
    assert "20/20" in shown
    assert "elapsed" in shown


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Slow(ba.models.Model):
    """Tells of its training."""

    text: str = "training loss 0.25, validation nDCG 0.1875"

    def _fit(self, train):
        self._scores = np.asarray(train.sum(axis=0), float)
        for epoch in range(1, 4):
            self._tell(epoch, 3, self.text)

    def _score(self, users):
        return np.tile(self._scores, (len(users), 1))


class Itemwise(Slow):
    step = "item"


def slow_study(data):
    return ba.Study(data, {"slow": Slow(), "itemwise": Itemwise(text="")}, [], ["ndcg@5"], n_boot=0)


def test_progress_in_a_log_tells_epochs_now_and_then(data, capsys, monkeypatch):
    slow_study(data).run(progress=True)
    assert "epoch" not in capsys.readouterr().err  # a training of moments
    monkeypatch.setattr(study_progress, "_SECONDS", 0.0)
    slow_study(data).run(progress=True)
    said = [line.partition("] ")[2] for line in capsys.readouterr().err.splitlines()]
    assert said == [
        "model 1 of 2: slow; 0 of 2 runs evaluated",
        *(f"slow: epoch {epoch} of 3, training loss 0.25, validation nDCG 0.1875" for epoch in (1, 2, 3)),
        "model 2 of 2: itemwise; 1 of 2 runs evaluated",
        *(f"itemwise: item {item} of 3" for item in (1, 2, 3)),
        "all 2 runs evaluated",
    ]
    slow_study(data).run()
    assert capsys.readouterr().err == ""


def test_progress_on_a_terminal_shows_the_epochs_while_a_model_is_trained(data, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    shown = []
    tell = Slow._tell

    def look(self, *what):
        tell(self, *what)
        shown.append(watched[0].get_renderable())

    watched = []
    real = study_progress._Bars.__init__
    monkeypatch.setattr(
        study_progress._Bars, "__init__", lambda self, bars, *n: (watched.append(bars), real(self, bars, *n))[1]
    )
    monkeypatch.setattr(Slow, "_tell", look)
    slow_study(data).run(progress=True)
    assert capsys.readouterr().err
    screens = [plain(each) for each in shown]
    for screen, epoch in zip(screens, [1, 2, 3] * 2, strict=True):
        first, second, third = screen
        assert f" {epoch}/3 " in second
        assert (first[:26].strip(), second[:26].strip()) in {
            ("model slow", "validation nDCG 0.1875"),
            ("model itemwise", "items"),
        }
        assert "/2" in third
        assert max(map(len, screen)) <= 80
    assert len(plain(watched[0].get_renderable())) == 2  # and not when all is done


def plain(renderable):
    """The lines of something that rich shows, on a screen of 80 columns."""
    from rich.console import Console

    console = Console(width=80, file=io.StringIO(), color_system=None)
    console.print(renderable)
    return console.file.getvalue().splitlines()


def test_the_numbers_per_user(result):
    found = result.per_user
    own = [metric for metric in METRICS if not metric.startswith(("gini", "catalog"))]
    assert list(found.columns) == ["run", "model", "reranker", "diversity", "seed", "user_id", *own]
    for run, report in result.reports.items():
        rows = found[found["run"] == result.name(run)]
        for metric in own:
            np.testing.assert_array_equal(rows[metric], report.per_user(metric))
    assert list(result.diagnostics["run"]) == [result.name(run) for run in result.reports]
    worst = [max(report[metric].n_undefined for metric in report) for report in result.reports.values()]
    assert list(result.diagnostics["undefined_users"]) == worst
    assert max(worst) > 0  # the ready lists leave out every other user


def entries(frame, names):
    """The coefficients as a square table."""
    wide = frame.pivot_table(index="metric_a", columns="metric_b", values="coefficient", dropna=False)
    return wide.loc[names, names].to_numpy()


@pytest.mark.parametrize("oriented", [False, True])
@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
def test_correlations_across_runs(result, method, oriented):
    found = result.correlations(method=method, oriented=oriented, n_boot=30)
    assert list(found.columns) == ["metric_a", "metric_b", "coefficient", "ci_low", "ci_high", "n"]
    values = result.values.to_numpy()
    if oriented:
        values = values * [-1 if metric.better == "lower" else 1 for metric in result.metrics]
    np.testing.assert_array_equal(entries(found, METRICS), correlate.correlation(values, method))
    assert (found["n"] == 20).all()
    at = METRICS.index("gini@5")
    signs = np.sign(entries(found, METRICS)[at, METRICS.index("catalog_coverage@10")])
    assert signs == (1 if oriented else -1)


def test_correlations_draw_whole_models(result, data):
    codes = np.repeat(np.arange(4), 5)
    expected = correlate.bootstrap_correlation(result.values, "spearman", groups=codes, n_boot=30, seed=0)
    np.testing.assert_array_equal(result.correlations(n_boot=30)["ci_low"], expected.low.ravel())
    few = study(data, {"pop": Popularity(), "knn": ItemKNN(k=8)}).run()  # too few models to draw
    expected = correlate.bootstrap_correlation(few.values, "spearman", n_boot=30, seed=0)
    np.testing.assert_array_equal(few.correlations(n_boot=30)["ci_low"], expected.low.ravel())


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
def test_correlations_across_users(result, method):
    found = result.correlations(method=method, level="users", n_boot=20)
    assert list(found.columns[:2]) == ["model", "seed"]
    assert list(dict.fromkeys(found["model"])) == ["pop", "knn", "mine", "ready"]
    own = [metric for metric in METRICS if not metric.startswith(("gini", "catalog"))]
    for run, report in result.reports.items():
        if run.reranker == PLAIN:
            mine = found[found["model"] == run.model]
            values = np.column_stack([report.per_user(metric) for metric in own])
            np.testing.assert_array_equal(entries(mine, own), correlate.correlation(values, method))


def test_signs_by_hand(data, models, result):
    signs = result.signs()
    keys = ["model", "reranker", "diversity", "seed", "metric"]
    assert list(signs.columns) == [*keys, "difference", "se", "sign"]
    assert len(signs) == 4 * 2 * 2 * len(METRICS)
    plain = {name: by_hand(data, model, None, 0) for name, model in models.items()}
    for row in signs.itertuples():
        made = by_hand(data, models[row.model], row.reranker, row.diversity) if row.metric == METRICS[0] else made  # noqa: F821
        difference = made[row.metric].value - plain[row.model][row.metric].value
        metric = made.find(row.metric)
        error = np.nanstd(made.replicates[metric] - plain[row.model].replicates[metric], ddof=1)
        assert row.difference == difference
        assert row.se == pytest.approx(error, rel=1e-12)
        assert row.sign == (0 if abs(difference) <= 1.96 * error else math.copysign(1, difference))
    assert set(signs["sign"]) == {-1.0, 0.0, 1.0}
    signs["sign"] = 9
    assert (result.signs()["sign"] != 9).all()  # a copy was given away


def test_the_error_of_a_sign_is_paired(result):
    """Of the mean over users, it is the spread of the mean difference, not of two means that vary together."""
    signs = result.signs().query("metric == 'self_information@5' and model == 'knn' and reranker == 'MMR'")
    for row in signs.itertuples():
        users = [
            result.reports[Run("knn", *which, 0)].per_user("self_information@5")
            for which in ((PLAIN, 0.0), (row.reranker, row.diversity))
        ]
        change = users[1] - users[0]
        assert row.se == pytest.approx(change.std() / math.sqrt(len(change)), rel=0.5)


def test_without_a_bootstrap(data):
    made = study(data, {"pop": Popularity(), "knn": ItemKNN(k=8)}, n_boot=0).run()
    assert made.table["ci_low"].isna().all()
    assert made.table["value"].notna().all()
    assert made.signs()["sign"].isna().all()
    assert made.signs()["difference"].notna().all()


def test_pareto(result):
    for x, y in itertools.permutations(["ndcg@5", "ild@5", "gini@5", "catalog_coverage@10"], 2):
        found = result.pareto(x, y)
        assert list(found.columns) == ["run", "model", "reranker", "diversity", "seed", x, y]
        points = result.values[[x, y]] * [-1 if name == "gini@5" else 1 for name in (x, y)]
        front = [
            name
            for name, mine in points.iterrows()
            if not any((other >= mine).all() and (other > mine).any() for _, other in points.iterrows())
        ]
        assert found["run"].tolist() == front
        np.testing.assert_array_equal(found[[x, y]], result.values.loc[front, [x, y]])
    with pytest.raises(SpecError, match=r"ndcg@10 was not evaluated; did you mean ndcg@5"):
        result.pareto("ndcg", "ild@5")


def test_what_has_a_target_has_no_front(result, monkeypatch):
    monkeypatch.setattr(ba.Metric, "better", property(lambda metric: "higher" if metric.k == 10 else "target"))
    with pytest.raises(SpecError, match="ild@5 has a target instead of a better direction, so it has no Pareto front"):
        result.pareto("catalog_coverage@10", "ild@5")


def test_metrics_that_nobody_defines_are_kept(data):
    made = study(data, {"pop": Popularity()}, metrics=["ild@1", "ndcg@5"], rerankers=[ba.Random()]).run()
    assert list(made.values.columns) == ["ild@1", "ndcg@5"]
    assert made.values["ild@1"].isna().all()
    assert made.pareto("ild@1", "ndcg@5").empty
    assert (made.table.loc[made.table["metric"] == "ild@1", "n_users"] == 0).all()
    alone = study(data, {"pop": Popularity()}, metrics=["ild@1"], rerankers=[]).run()
    assert alone.values.shape == (1, 1)


def test_the_defaults(data):
    made = ba.Study(data)
    assert list(made.models) == [name for name, info in MODELS.items() if info.factory.core]
    assert [each.kind for each in made.rerankers] == ["MMR", "GreedyDiversity", "Novelty", "Random"]
    assert made.diversity == sorted(grid.DIVERSITY)
    assert len(made) == len(made.models) * (1 + 6 * 4)
    assert {metric.k for metric in made.metrics} == {10}
    assert {metric.family.name for metric in ba.Study(data, k=3).metrics} == {m.family.name for m in made.metrics}
    bare = ba.Dataset(train={1: [1, 2], 2: [2, 3]}, test={1: [3], 2: [1]})
    without = ba.Study(bare)
    assert [reranker.kind for reranker in without.rerankers] == ["Novelty", "Random"]
    assert not {"ild", "binomial_diversity"} & {metric.family.name for metric in without.metrics}


def test_names_weights_and_lengths(data):
    assert list(study(data, ["Popularity", ItemKNN(k=3)]).models) == ["Popularity", "ItemKNN(k=3)"]
    assert study(data, ["Popularity"], diversity=[0.5, 0.1, 0.5]).diversity == [0.1, 0.5]
    tenths = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert study(data, ["Popularity"], diversity=np.linspace(0, 1, 11)).diversity == tenths
    close = study(data, ["Popularity"], diversity=[0.1234561, 0.1234562, 0.123457]).run()
    assert len(close.values) == len(close.reports) == 1 + 2 * 2  # what cannot be told apart by name is one run
    alone = study(data, ["Popularity"], diversity=[0.5, 0.1])
    assert len(alone) == 1 + 2 * 2  # the plain list is always there
    assert len(study(data, ["Popularity"], diversity=[])) == 1
    made = study(data, ["Popularity"], metrics=["ndcg@3", "recall@30"], candidates=5)
    assert made.k == made.candidates == 30
    assert study(data, ["Popularity"], metrics=["ndcg@3"], k=7).k == 7
    swept = study(data, ["Popularity"], rerankers=[ba.MMR(diversity=0.9), ba.MMR(distance="cosine")], diversity=[0.2])
    assert [run.reranker for run in swept.run().reports] == [PLAIN, "MMR", "MMR(distance=cosine)"]
    assert {run.diversity for run in swept.run().reports} == {0.0, 0.2}


def test_what_is_given_is_not_changed(data):
    scores = own_scores(data)
    study(data, {"mine": scores, "fn": lambda users: scores[users]}).run()
    np.testing.assert_array_equal(scores, own_scores(data))


def never(_users):
    pytest.fail("something was trained or scored before everything was checked")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ["ndgc@5"]}, "did you mean ndcg"),
        ({"metrics": []}, "no metric was given"),
        ({"rerankers": ["MRM"]}, "there is no re-ranker 'MRM'"),
        ({"rerankers": ["MMR(distance=far)"]}, "distance='far' is not allowed"),
        ({"rerankers": [ba.MMR(), ba.MMR(diversity=0.1)]}, "the re-rankers MMR, MMR are not distinct"),
        ({"diversity": [0.5, 1.5]}, r"diversity=1.5 is not allowed; diversity must be a number in \[0, 1\]"),
        ({"diversity": [-0.1]}, "diversity=-0.1 is not allowed"),
        ({"diversity": ["much"]}, "diversity='much' is not allowed"),
        ({"n_boot": -1}, "n_boot=-1 is not allowed; n_boot must be a whole number >= 0"),
        ({"seed": -1}, "seed=-1 is not allowed"),
        ({"metrics": None, "k": 0}, "k=0 is not allowed"),
        ({"models": {}}, "a Study needs at least one model"),
        ({"models": []}, "a Study needs at least one model"),
        ({"models": ["Popular"]}, "there is no model 'Popular'; did you mean Popularity"),
        ({"models": [never]}, "a function has no name of its own; pass models="),
        ({"models": {"a": never, "b": "EASE(l2=-1)"}}, "EASE: l2='-1' is not allowed"),
    ],
)
def test_errors_come_before_training(data, options, message):
    models = options.pop("models", {"mine": never})
    with pytest.raises(SpecError, match=message):
        study(data, models, **options)


def test_what_the_data_lacks_is_said_before_training(data):
    bare = ba.Dataset(train={1: [1, 2], 2: [2, 3]}, test={1: [3], 2: [1]})
    with pytest.raises(SpecError, match="re-ranker MMR needs item features; pass items= with a genres column"):
        ba.Study(bare, {"mine": never}, [ba.MMR()], ["ndcg@5"])
    with pytest.raises(SpecError, match="metric 'ild@5' needs item features; pass items= with a genres column"):
        ba.Study(bare, {"mine": never}, [], ["ndcg@5", "ild@5"])
    with pytest.raises(
        SpecError, match="re-ranker MMR needs item features"
    ):  # also where only the second split lacks it
        ba.Study({0: data, 1: bare}, {"mine": never}, [ba.MMR()], ["ndcg@5"])
    with pytest.raises(SpecError, match="metric 'ild@5' needs item features"):
        ba.Study({0: data, 1: bare}, {"mine": never}, [], ["ild@5"])
    with pytest.raises(SpecError, match="a Study needs a Dataset, or"):
        ba.Study({}, {"mine": never})


def test_messages_of_a_result(result):
    with pytest.raises(SpecError, match="level='models' is not allowed; level must be 'runs' or 'users'"):
        result.correlations(level="models")
    with pytest.raises(SpecError, match="method"):
        result.correlations(method="cosine")
    known = "heatmap, tradeoff, lorenz, signs, intervals, map, genres, genre_bias or groups"
    with pytest.raises(SpecError, match=f"there is no chart 'pie'; there are {known}"):
        result.chart("pie")
    for metrics in ((), ("ndcg@5",), ("ndcg@5", "ild@5", "gini@5")):
        with pytest.raises(SpecError, match=f"a tradeoff has two metrics, {len(metrics)} were given; name x and y"):
            result.chart("tradeoff", *metrics)
    with pytest.raises(SpecError, match="epc@5 was not evaluated"):
        result.chart("intervals", "epc@5")


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        *(("heatmap", ()), ("tradeoff", ("ndcg@5", "ild@5")), ("lorenz", ()), ("signs", ())),
        *(("intervals", ("ndcg@5",)), ("map", ()), ("genres", ()), ("genre_bias", ()), ("groups", ())),
    ],
)
def test_charts(result, name, metrics, tmp_path):
    alt = pytest.importorskip("altair")
    chart = result.chart(name, *metrics, oriented=True)
    assert isinstance(chart, alt.TopLevelMixin)
    chart.save(tmp_path / "chart.svg")
    drawn = (tmp_path / "chart.svg").read_text()
    assert drawn.startswith("<svg")
    shown = {"heatmap": "Catalog", "tradeoff": "MMR", "lorenz": "pop", "signs": "MMR", "intervals": "knn"}
    shown |= {"map": "taste0", "genres": "training profiles", "genre_bias": "extra1", "groups": "ready"}
    assert shown[name] in drawn


FILES = ["results.parquet", "per_user.parquet", "correlations.csv", "report.html"]


def test_save(result, tmp_path):
    folder = tmp_path / "out"
    assert result.save(folder) == [folder / name for name in FILES]
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert list(tmp_path.iterdir()) == [folder]
    pd.testing.assert_frame_equal(pd.read_parquet(folder / FILES[0]), result.table, check_dtype=False)
    pd.testing.assert_frame_equal(pd.read_parquet(folder / FILES[1]), result.per_user, check_dtype=False)
    written = pd.read_csv(folder / FILES[2])
    assert list(written.columns[:4]) == ["level", "model", "seed", "method"]
    spearman = written[(written["level"] == "runs") & (written["method"] == "spearman")]
    np.testing.assert_allclose(
        entries(spearman, METRICS), correlate.correlation(result.values, "spearman"), rtol=0, atol=1e-12
    )
    assert set(zip(written["level"], written["method"], strict=True)) == {
        *itertools.product(["runs"], ["pearson", "spearman", "kendall"]),
        *itertools.product(["users"], ["pearson", "spearman"]),
    }
    page = (folder / FILES[3]).read_text(encoding="utf-8")
    assert "<html" in page
    assert "Beyond-accuracy study" in page
    assert not re.search(r'(src|href)="https?:', page)  # opens without a network

    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(DataError, match=r"out holds results.parquet already; pass --force \(force=True\) to overwrite"):
        result.save(folder)
    (folder / FILES[0]).unlink()
    with pytest.raises(DataError, match=r"holds per_user.parquet already"):
        result.save(folder)
    assert {path.name for path in folder.iterdir()} == set(FILES[1:])
    (folder / "notes.txt").write_text("mine")
    result.save(folder, force=True)
    assert (folder / FILES[0]).read_bytes() == before[FILES[0]]
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("what", ["report", "_all_correlations"])
def test_save_writes_all_or_nothing(result, tmp_path, monkeypatch, what):
    def fail(*_args, **_options):
        raise RuntimeError("no ink")

    monkeypatch.setattr(type(result), what, fail)
    with pytest.raises(RuntimeError, match="no ink"):
        result.save(tmp_path / "out")
    assert not list(tmp_path.iterdir())
    kept = tmp_path / "kept"
    kept.mkdir()
    for name in FILES:
        (kept / name).write_text("old")
    with pytest.raises(RuntimeError, match="no ink"):
        result.save(kept, force=True)
    assert list(tmp_path.iterdir()) == [kept]
    assert [(kept / name).read_text() for name in FILES] == ["old"] * 4


def test_save_needs_a_place(result, tmp_path):
    with pytest.raises(DataError, match=r"the folder .*missing does not exist; create it or choose another place"):
        result.save(tmp_path / "missing" / "out")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match="file is a file; choose a folder"):
        result.save(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    assert len(result.save(tmp_path / "empty")) == 4
