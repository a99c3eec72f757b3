"""The report of a study and its charts: escaped, complete, in one file, and drawn by a browser without network."""

import dataclasses
import html.parser
import json
import sys

import numpy as np
import pandas as pd
import pytest
from browser import CHROMIUM, open_page

from beyondacc.charts import points, study_charts as charts
from beyondacc.charts.canvas import bundle
from beyondacc.charts.view import MetricView, StudyView
from beyondacc.errors import DataError, DependencyError, SpecError
from beyondacc.report import study_report as report

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH to open the page with")

METRICS = {
    "ndcg@10": MetricView("nDCG", "higher", "accuracy"),
    "recall@10": MetricView("Recall", "higher", "accuracy"),
    "average_precision@10": MetricView("Average precision", "higher", "accuracy"),
    "reciprocal_rank@10": MetricView("Reciprocal rank", "higher", "accuracy"),
    "ild(distance=jaccard)@10": MetricView("Intra-list diversity", "higher", "diversity"),
    "ild(distance=cosine)@10": MetricView("Intra-list diversity", "higher", "diversity"),
    "binomial_diversity@10": MetricView("Binomial diversity", "higher", "diversity"),
    "subtopic_recall@10": MetricView("Subtopic recall", "higher", "diversity"),
    "vendi@10": MetricView("Vendi score", "higher", "diversity"),
    "self_information@10": MetricView("Self-information", "higher", "novelty"),
    "epc@10": MetricView("Expected popularity complement", "higher", "novelty"),
    "mean_popularity@10": MetricView("Mean popularity", "lower", "novelty"),
    "surprise_content@10": MetricView("Content surprise", "higher", "serendipity"),
    "unserendipity@10": MetricView("Unserendipity", "lower", "serendipity"),
    "serendipity@10": MetricView("Serendipity <b>&amp;</b>", "higher", "serendipity"),
    "catalog_coverage@10": MetricView("Catalogue coverage", "higher", "coverage"),
    "gini@10": MetricView("Gini index", "lower", "coverage"),
    "personalization@10": MetricView("Personalisation", "higher", "coverage"),
    "calibration_kl@10": MetricView("Calibration (KL)", "lower", "calibration"),
    "radio_representation@10": MetricView("Representation", "target", "calibration"),
}
WHOLE_RUN = {"catalog_coverage@10", "gini@10", "personalization@10"}
NASTY = '</script><script>alert("1")</script>'
MODELS = ("Popularity", "ItemKNN", "EASE", "BPR-MF (d=64)", NASTY, "Mödel & 'Söhne' 推薦")
RERANKERS = ("MMR", "XQuAD", "Binomial", "Calibrated")
WEIGHTS = (0.1, 0.25, 0.4, 0.5, 0.75, 0.9)
ITEMS = 9000


def showings(rng, exponent):
    weights = np.arange(1.0, ITEMS + 1) ** -max(exponent, 0.0)
    return rng.multinomial(9430, weights / weights.sum())


def make_view(models=MODELS, rerankers=RERANKERS, weights=WEIGHTS, metrics=METRICS, seeds=(7,)):
    """A study of invented but plausible numbers: accuracy falls and everything else rises with the weight."""
    rng = np.random.default_rng(3)
    scale = {name: 10.0 ** rng.uniform(-1.5, 0.5) for name in metrics}
    scale |= {"ndcg@10": 0.06, "mean_popularity@10": 900.0}
    tilt = {name: rng.uniform(0.1, 0.5) * (-1 if view.family == "accuracy" else 1) for name, view in metrics.items()}
    tilt = {name: -t if metrics[name].better == "lower" else t for name, t in tilt.items()}
    rows, signs, exposure = [], [], {}
    for seed in seeds:
        for place, model in enumerate(models):
            level = {name: scale[name] * rng.uniform(0.7, 1.3) for name in metrics}
            for reranker, weight in [("none", np.nan), *((r, w) for r in rerankers for w in weights)]:
                run = f"{model}/{reranker}/{weight}/{seed}"
                strength = 0.0 if reranker == "none" else weight * (1 + rerankers.index(reranker) / 4)
                exposure[run] = showings(rng, 1.6 - place / 5 - strength / 2)
                for name in metrics:
                    change = tilt[name] * strength**1.5 * rng.uniform(0.8, 1.2) * level[name]
                    value, half = level[name] + change, 0.03 * level[name]
                    low, high = (np.nan, np.nan) if name in WHOLE_RUN else (value - half, value + half)
                    row = (run, model, reranker, weight, seed, name, 10, value, low, high, 943, int(rng.integers(0, 3)))
                    rows.append(row)
                    if reranker != "none":
                        sign = 0 if abs(change) < half else int(np.sign(change))
                        signs.append((model, reranker, weight, name, change, half / 2, sign))
    columns = [
        "run",
        "model",
        "reranker",
        "diversity",
        "seed",
        "metric",
        "k",
        "value",
        "ci_low",
        "ci_high",
        "n_users",
        "n_undefined",
    ]
    table = pd.DataFrame(rows, columns=columns)
    correlations = table.pivot_table(index="run", columns="metric", values="value")[list(metrics)].corr("spearman")
    pairs = [(a, b, correlations.loc[a, b]) for a in metrics for b in metrics]
    correlations = pd.DataFrame(pairs, columns=["metric_a", "metric_b", "coefficient"])
    correlations["ci_low"] = (correlations["coefficient"] - 0.1).clip(-1, 1)
    correlations["ci_high"] = (correlations["coefficient"] + 0.1).clip(-1, 1)
    correlations["n"] = len(exposure)
    diagnostics = pd.DataFrame({"run": list(exposure), "users": 943, "short_lists": 0, "ties": 12, "cold_items": 3})
    return StudyView(
        title=f"Study of {NASTY}",
        table=table,
        metrics=metrics,
        correlations=correlations,
        correlation_method="Spearman's rho",
        correlation_level="runs",
        signs=pd.DataFrame(signs, columns=["model", "reranker", "diversity", "metric", "difference", "se", "sign"]),
        exposure=exposure,
        diagnostics=diagnostics,
        notes={"Data set": "MovieLens 100K & <i>friends</i>", "Split": "80/20 by time", "Wall time": "41 s"},
    )


@pytest.fixture(scope="module")
def view():
    return make_view()


@pytest.fixture(scope="module")
def page(view):
    return report.render(view)


class Elements(html.parser.HTMLParser):
    """Every start tag with its attributes, and the text of the table cells."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def count(self, tag):
        return sum(name == tag for name, _ in self.tags)


def rows_of(chart, field):
    """Rows of the first data set of a chart that has the field."""
    found = []

    def walk(node):
        if isinstance(node, dict):
            values = node.get("data", {}).get("values") if isinstance(node.get("data"), dict) else None
            if values and field in values[0]:
                found.append(values)
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(chart.to_dict())
    return pd.DataFrame(found[-1])


# -- the page -----------------------------------------------------------------------------------------------------


def test_names_from_the_data_are_escaped(page):
    elements = Elements(page)
    assert "<script>alert" not in page
    assert elements.count("i") == 0
    assert NASTY in "".join(elements.texts)
    assert "MovieLens 100K & <i>friends</i>" in elements.texts


def test_libraries_are_there_once_and_every_chart_has_one_script(page):
    libraries = bundle()
    assert len(libraries) > 500_000
    assert page.count(libraries) == 1
    drawn = page.count('vegaEmbed("#chart-')
    assert drawn == 7
    assert Elements(page).count("script") == 1 + drawn
    assert len(page) < 6_000_000


def test_nothing_is_loaded(page):
    for tag, attributes in Elements(page).tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
    assert "default-src 'none'" in page


@needs_browser
def test_browser_draws_every_chart_without_complaint_or_network(view, tmp_path):
    path = tmp_path / "report.html"
    report.write_report(view, path)
    result = open_page(path, screenshot=tmp_path / "report.png")
    assert result.console == ()
    assert result.requests == ()
    # vega marks its own drawings so; the menus hold other small ones
    assert result.dom.count('class="marks"') == 7
    assert result.screenshot.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".part"] == []


@needs_browser
def test_browser_helper_notices_messages_and_requests(tmp_path):
    path = tmp_path / "bad.html"
    path.write_text("<script>console.error('said'); null.x</script><img src='http://nowhere.invalid/i.png'>")
    result = open_page(path)
    assert result.console[0] == "said"
    assert "Uncaught TypeError" in result.console[1]
    assert result.requests == ("http://nowhere.invalid/i.png",)


@needs_browser
@pytest.mark.parametrize("case", ["plain", "one", "undefined"])
def test_smaller_studies_are_drawn_too(case, tmp_path):
    if case == "plain":
        study = make_view(rerankers=())
    elif case == "one":
        study = make_view(models=("EASE",), rerankers=("MMR",), weights=(0.5,), metrics={"ild@5": METRICS["vendi@10"]})
    else:
        study = make_view(seeds=(1, 2), weights=(0.2, 0.8), rerankers=("MMR",))
        table = study.table.assign(value=study.table["value"].mask(study.table["metric"] == "ndcg@10"))
        study = dataclasses.replace(study, table=table, correlations=study.correlations.assign(coefficient=np.nan))
    report.write_report(study, tmp_path / "report.html")
    result = open_page(tmp_path / "report.html")
    assert result.console == ()
    assert result.dom.count('class="marks"') == {"plain": 6, "one": 4, "undefined": 7}[case]


@pytest.mark.parametrize(("name", "pick"), [("ndcg@10", "idxmax"), ("gini@10", "idxmin")])
def test_best_value_follows_the_better_direction(view, name, pick):
    plain = view.runs[view.runs["reranker"] == "none"]
    values = view.table[view.table["metric"] == name].set_index("run")["value"].loc[plain["run"]]
    marks = [cell.mark for cell in report._cells(view, plain)[name]]
    assert marks.count("best") == 1
    assert plain["run"].iloc[marks.index("best")] == getattr(values, pick)()


def test_a_metric_with_a_target_has_no_best_value_and_a_missing_value_is_a_dash(view):
    table = view.table.assign(value=view.table["value"].mask(view.table["metric"] == "ndcg@10"))
    cells = report._cells(dataclasses.replace(view, table=table), view.runs)
    assert {cell.mark for cell in cells["radio_representation@10"]} == {""}
    assert {(cell.text, cell.mark) for cell in cells["ndcg@10"]} == {("\N{EN DASH}", "")}


@pytest.mark.parametrize(
    ("value", "low", "high", "text", "interval"),
    [
        (0.043123, 0.041, 0.0452, "0.0431", "[0.0410, 0.0452]"),
        (1234.5678, 1200, 1260, "1,235", "[1,200, 1,260]"),
        (-0.00001, -0.01, 0.01, "0.000", "[\N{MINUS SIGN}0.010, 0.010]"),
        (-2.5, -2.6, -2.4, "\N{MINUS SIGN}2.50", "[\N{MINUS SIGN}2.60, \N{MINUS SIGN}2.40]"),
        (0.87654321, np.nan, np.nan, "0.8765", ""),
        (0.0, np.nan, np.nan, "0.00", ""),
    ],
)
def test_digits_follow_the_interval(value, low, high, text, interval):
    row = {"value": value, "ci_low": low, "ci_high": high, "n_users": 9, "n_undefined": 1}
    frame = pd.DataFrame([row]).astype(float)
    cell = report._cell(next(frame.itertuples()), report._digits(frame), best=False)
    assert (cell.text, cell.small, cell.hint) == (text, interval, "9 users, undefined for 1 more")


def test_trade_offs_fall_back_to_the_first_metric_of_each_family():
    names = ["recall@10", "vendi@10", "subtopic_recall@10", "gini@10"]
    study = make_view(metrics={name: METRICS[name] for name in names}, rerankers=())
    assert report._pairs(study) == [("vendi@10", "recall@10"), ("gini@10", "recall@10")]
    assert report._pairs(make_view(metrics={"gini@10": METRICS["gini@10"]}, rerankers=())) == []


# -- the charts ---------------------------------------------------------------------------------------------------


def test_labels_tell_metrics_apart():
    title = MetricView("ILD", "higher", "diversity")
    names = ["ild(distance=cosine)@5", "ild(distance=cosine)@10", "ild(distance=jaccard)@10"]
    labels = make_view(metrics=dict.fromkeys(names, title), rerankers=()).labels
    assert list(labels.values()) == ["ILD @5", "ILD @10 (distance=cosine)", "ILD @10 (distance=jaccard)"]
    same = make_view(metrics=dict.fromkeys(["a@10", "b@10"], title), rerankers=()).labels
    assert same == {"a@10": "a@10", "b@10": "b@10"}


@pytest.mark.parametrize(
    ("x", "y"), [("ild(distance=cosine)@10", "ndcg@10"), ("gini@10", "ndcg@10"), ("vendi@10", "gini@10")]
)
def test_front_of_a_trade_off_holds_the_runs_that_none_beats(view, x, y):
    ways = [1 if view.metrics[name].better == "higher" else -1 for name in (x, y)]
    points = view.table.pivot_table(index="run", columns="metric", values="value")[[x, y]] * ways
    expected = set()
    for run, point in points.iterrows():
        if not ((points >= point).all(axis=1) & (points > point).any(axis=1)).any():
            expected.add(run)
    chart = charts.tradeoff(view, x, y)
    rows = rows_of(chart, "front")
    assert set(rows.loc[rows["front"], "run"]) == expected
    # the grey line must run where no better run lies
    line = chart.to_dict()["layer"][0]["mark"]
    assert line["interpolate"] == ("step-before" if ways[0] > 0 else "step-after")


def test_trade_off_lines_start_at_the_plain_model(view):
    layers = charts.tradeoff(view, "vendi@10", "ndcg@10").to_dict()["layer"]
    lines = pd.DataFrame(next(layer for layer in layers if "strokeDash" in layer["encoding"])["data"]["values"])
    assert lines.groupby(["model", "reranker"])["diversity"].min().tolist() == [0.0] * 24
    assert set(lines.groupby(["model", "reranker"]).size()) == {1 + len(WEIGHTS)}


def test_a_target_has_no_front(view):
    chart = charts.tradeoff(view, "radio_representation@10", "ndcg@10")
    assert not rows_of(chart, "front")["front"].any()
    assert chart.to_dict()["title"]["subtitle"].startswith("No Pareto front")


def test_heat_map_prints_every_coefficient_in_family_order(view):
    chart = charts.heatmap(view)
    rows = rows_of(chart, "coefficient")
    assert len(rows) == len(METRICS) ** 2
    one = rows[(rows["a"] == "nDCG") & (rows["b"] == "Gini index")].iloc[0]
    expected = view.correlations.query("metric_a == 'ndcg@10' and metric_b == 'gini@10'")["coefficient"].item()
    assert float(one["text"].replace("\N{MINUS SIGN}", "-")) == round(expected, 2)
    assert chart.to_dict()["title"]["subtitle"].startswith("Spearman's rho over runs")
    assert [edge["edge"] for edge in chart.to_dict()["layer"][2]["data"]["values"]] == [
        "Intra-list diversity (distance=jaccard)",
        "Self-information",
        "Content surprise",
        "Catalogue coverage",
        "Calibration (KL)",
    ]


def test_lorenz_curve_is_thinned_without_leaving_its_shape(view):
    smooth = np.arange(9000)  # bends at every item, so that points have to go
    cases = [(view.exposure["Popularity/none/nan/7"], 1e-9), (np.array([0] * 8999 + [1]), 1e-9), (smooth, 1e-3)]
    for counts, error in [*cases, (np.ones(9000, int), 1e-9), (np.array([3]), 1e-9)]:
        items, share = points.lorenz_points(counts)
        assert len(items) <= 200
        assert (items[0], share[0], items[-1]) == (0, 0, 1)
        assert share[-1] == pytest.approx(1)
        # compared across the diagonal, where a Lorenz curve is steep nowhere
        full = np.concatenate([[0], np.cumsum(np.sort(counts))]) / counts.sum()
        place = np.linspace(0, 1, len(full))
        drawn = np.interp(place + full, items + share, items - share)
        assert np.abs(drawn - (place - full)).max() <= error


def test_lorenz_names_runs_and_the_ones_without_recommendations(view):
    first, second = list(view.exposure)[:2]
    study = dataclasses.replace(view, exposure={**view.exposure, first: np.zeros(ITEMS, dtype=np.int64)})
    chart = charts.lorenz(study, [first, second])
    assert rows_of(chart, "run")["run"].unique().tolist() == ["Popularity + MMR 0.1"]
    assert chart.to_dict()["title"]["subtitle"].endswith("(not drawn, nothing recommended: Popularity)")
    assert len(rows_of(charts.lorenz(view, list(view.exposure)), "run")) > 5000


def test_signs_show_what_most_models_do():
    study = make_view(models=("a", "b", "c"), rerankers=("MMR",), weights=(0.5,))
    values = {"ndcg@10": [-1, -1, 0], "gini@10": [1, 1, 1], "vendi@10": [0, 0, 1], "recall@10": [1, 0, -1]}
    rows = [
        (m, "MMR", 0.5, name, s, 0.1, s) for name, given in values.items() for m, s in zip("abc", given, strict=True)
    ]
    signs = pd.DataFrame(rows, columns=study.signs.columns)
    cells = rows_of(charts.signs(dataclasses.replace(study, signs=signs)), "mean").set_index("metric")["text"]
    space = "\N{NO-BREAK SPACE}"
    assert cells[f"nDCG{space}↑"] == "\N{MINUS SIGN}"
    assert cells[f"Gini index{space}↓"] == "+"
    assert cells[f"Vendi score{space}↑"] == "0"
    assert cells[f"Recall{space}↑"] == "±"


def test_intervals_take_the_metrics_asked_for(view):
    rows = rows_of(charts.intervals(view, ["gini@10", "ndcg@10"]), "low")
    assert len(rows) == 2 * len(MODELS)
    assert set(rows.loc[rows["metric"].str.startswith("Gini"), "interval"]) == {"none"}
    assert (rows["low"] <= rows["value"]).all()


@pytest.mark.parametrize("kind", ["png", "svg", "json", "html"])
def test_charts_are_saved_by_extension(view, tmp_path, kind):
    path = tmp_path / f"chart.{kind}"
    charts.save_chart(charts.heatmap(view), path)
    content = path.read_bytes()
    if kind == "png":
        assert content.startswith(b"\x89PNG")
    elif kind == "svg":
        assert b"<svg" in content
        assert b"Catalogue coverage" in content
    elif kind == "json":
        assert json.loads(content)["layer"]
    else:
        assert content.count(b"<script>") == 2
    assert list(tmp_path.iterdir()) == [path]


def test_errors_say_what_to_do(view, tmp_path, monkeypatch):
    with pytest.raises(SpecError, match=r"no metric 'ndgc@10'; did you mean ndcg@10"):
        charts.tradeoff(view, "ndgc@10", "vendi@10")
    with pytest.raises(SpecError, match=r"no metric 'x'; known are "):
        charts.intervals(view, ["x"])
    with pytest.raises(SpecError, match=r"no exposure of a run 'EASE/none/nan/8'; did you mean .*EASE/none/nan/7"):
        charts.lorenz(view, ["EASE/none/nan/8"])
    nothing = dataclasses.replace(view, table=view.table.assign(value=np.nan))
    with pytest.raises(DataError, match=r"no run has a value of both 'vendi@10' and 'ndcg@10'; choose other metrics"):
        charts.tradeoff(nothing, "vendi@10", "ndcg@10")
    chart = charts.lorenz(view)
    with pytest.raises(SpecError, match=r"chart\.gif'; the name must end in \.png, \.svg, \.json or \.html"):
        charts.save_chart(chart, tmp_path / "chart.gif")
    with pytest.raises(DataError, match=r"folder .*none' does not exist; create it"):
        charts.save_chart(chart, tmp_path / "none" / "chart.json")
    monkeypatch.setitem(sys.modules, "altair", None)
    for draw in (charts.heatmap, charts.signs, charts.lorenz, charts.intervals, report.render):
        with pytest.raises(DependencyError, match=r"altair cannot be imported; .* pip install 'beyondacc\[report\]'"):
            draw(view)
