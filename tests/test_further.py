"""What the report says of lists: comparison, map, genres and groups; numbers against pandas, on MovieLens."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from browser import CHROMIUM, open_page
from test_item_map import layers_of

import beyondacc as ba
from beyondacc.charts import group_charts
from beyondacc.errors import DataError
from beyondacc.report import further, gaps, genres, study_report as report

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH to open the page with")
METRICS = ["ndcg@10", "recall@10", "ild@10", "catalog_coverage@10"]
MODELS = ["Popularity", "PureSVD(factors=10)"]


@pytest.fixture(scope="module")
def tables():
    ratings, movies = ba.load_movielens()
    ratings = ratings[ratings["user_id"] <= 120]
    years = pd.to_datetime(ratings.groupby("user_id")["timestamp"].min(), unit="s").dt.year
    users = pd.DataFrame({"user_id": years.index, "since": np.where(years < 2000, "before 2000", "2000 on")})
    return ratings, movies, users.assign(ratings=ratings.groupby("user_id").size().to_numpy(), all="one")


@pytest.fixture(scope="module")
def result(tables):
    ratings, movies, users = tables
    data = ba.Dataset.split(ratings, movies, users=users, seed=0)
    study = ba.Study(data, MODELS, ["MMR", "Novelty"], METRICS, diversity=[0.2, 0.6], n_boot=100, candidates=30)
    return study.run()


@pytest.fixture(scope="module")
def view(result):
    return result.view()


@pytest.fixture(scope="module")
def made(result, view):
    return {section.id: section for section in further.sections(result, view)}


@pytest.fixture(scope="module")
def plain(result):
    return {run.model: found for run, found in result.reports.items() if run.reranker == "none"}


def genre_frame(movies):
    """A row an item, a column a genre, from the text of the table."""
    dummies = movies.set_index("item_id")["genres"].str.get_dummies("|")
    return dummies.drop(columns="(no genres listed)", errors="ignore")


def listed_rows(found):
    """A row each user and listed item."""
    run = found.run
    rows, ranks = np.nonzero(run.lists[:, :10] >= 0)
    return pd.DataFrame({"user": run.ids[rows], "item": run.items.ids[run.lists[rows, ranks]]})


def training_rows(data):
    rows, items = data.matrix.nonzero()
    return pd.DataFrame({"user": data.users.ids[rows], "item": data.items.ids[items]})


def shares_of(rows, movies):
    flags = genre_frame(movies).loc[rows["item"]].reset_index(drop=True)
    return flags.groupby(rows["user"].to_numpy()).mean()


def test_shares_of_genres_are_those_of_pandas(result, plain, tables):
    data = result.study.data[0]
    expected = shares_of(training_rows(data), tables[1])
    for found in plain.values():
        names = found.run.world.features.names
        assert sorted(names) == sorted(expected.columns)
        np.testing.assert_allclose(genres.profile_shares(found.run), expected.loc[found.run.ids, names], atol=1e-12)
        lists = shares_of(listed_rows(found), tables[1]).loc[found.run.ids, names]
        np.testing.assert_allclose(genres.genre_shares(found.run, 10), lists, atol=1e-12)


def test_correlations_of_genres_are_those_of_pandas(result, plain, tables):
    found = genres.genre_correlations({name: each.run for name, each in plain.items()}, 10, 5)
    profiles = shares_of(training_rows(result.study.data[0]), tables[1])
    counts = genre_frame(tables[1]).loc[training_rows(result.study.data[0])["item"]].sum()
    common = counts.sort_values(ascending=False).index[:5].tolist()
    assert list(dict.fromkeys(found["genre_a"])) == common
    sources = {genres.PROFILES: profiles} | {m: shares_of(listed_rows(each), tables[1]) for m, each in plain.items()}
    assert list(dict.fromkeys(found["source"])) == list(sources)
    for row in found.itertuples():
        expected = sources[row.source][row.genre_a].corr(sources[row.source][row.genre_b])
        assert row.coefficient == pytest.approx(expected, abs=1e-10)
    assert len(found) == 3 * 5 * 4
    drawn = pd.DataFrame(group_charts.genre_heatmap(found, 10).to_dict()["data"]["values"])
    np.testing.assert_allclose(drawn["coefficient"], found["coefficient"], atol=1e-4)
    first = drawn.iloc[0]
    assert first["text"] == f"{found['coefficient'].iloc[0]:.2f}".replace("-", "\N{MINUS SIGN}")


def test_lists_are_compared_with_the_profiles_of_their_users(result, plain, tables):
    found = genres.representation({name: each.run for name, each in plain.items()}, 10, 4)
    profiles = shares_of(training_rows(result.study.data[0]), tables[1])
    for row in found.itertuples():
        shown = shares_of(listed_rows(plain[row.model]), tables[1])[row.genre]
        change = shown - profiles[row.genre]
        assert row.n_users == change.notna().sum() == 120
        assert row.profile_share == pytest.approx(profiles[row.genre].mean())
        assert row.list_share == pytest.approx(shown.mean())
        assert row.difference == pytest.approx(change.mean())
        assert row.ci_high - row.ci_low == pytest.approx(2 * 1.96 * change.sem())
    chart = group_charts.genre_bias(found, 10, ["Popularity", *MODELS])
    drawn = layers_of(chart)[2]
    np.testing.assert_allclose(drawn["difference"], 100 * found["difference"])
    assert chart.to_dict()["layer"][2]["encoding"]["color"]["scale"]["domain"] == ["Popularity", *MODELS]


def test_values_of_groups_are_those_of_the_report(made, plain):
    found, left_out = gaps.grouped(plain)
    assert list(found) == ["profile_size", "since"]
    assert "ratings has " in left_out["ratings"]
    assert "more than 50" in left_out["ratings"]
    assert left_out["all"] == "all makes one group only"
    charts = made["groups"].charts
    assert [chart.to_dict()["title"]["text"] for chart in charts] == [
        "Groups of users by profile size",
        "Groups of users by since",
    ]
    for by, chart in zip(found, charts, strict=True):
        drawn = pd.DataFrame(chart.to_dict()["data"]["values"])
        assert len(drawn) == 2 * len(found[by][MODELS[0]]) * 3  # nDCG, diversity and coverage
        for row in drawn[drawn["metric"].str.startswith("nDCG")].itertuples():
            group = plain[row.model].by(by)[row.group]
            aggregate = group["ndcg@10"]
            ends = (aggregate.value, aggregate.ci_low, aggregate.ci_high)
            assert (row.value, row.low, row.high) == pytest.approx(ends, rel=1e-12)
            assert row.users == len(group.users)
    assert "Left out: all makes one group only." in made["groups"].text


def test_the_table_has_the_widest_gap_of_each_metric(made, plain):
    found, _ = gaps.grouped(plain)
    table = gaps.largest_gaps(found, 5)
    every = [
        (model, by, row.metric, row.gap, row.gap / row.standard_error)
        for by, models in found.items()
        for model, groups in models.items()
        for row in groups.gaps().itertuples()
        if row.standard_error > 0
    ]
    widest = pd.DataFrame(every, columns=["model", "by", "metric", "gap", "z"])
    widest = widest.loc[widest.groupby(["by", "metric"])["z"].idxmax()].nlargest(5, "z").reset_index(drop=True)
    pd.testing.assert_frame_equal(table[["model", "by", "metric", "gap", "z"]], widest)
    (shown,) = made["groups"].tables
    assert len(shown.rows) == 8  # two groupings, four metrics
    first = shown.rows[0].cells
    assert (first[0].text, first[1].text) == (widest["by"][0].replace("_", " "), widest["model"][0])
    assert first[-1].text == f"{widest['z'][0]:.1f}"


def test_sentences_are_those_of_the_comparison(made, plain, result, view, monkeypatch):
    section = made["comparison"]
    options = {"metrics": view.main, "test": "t", "n": further.REPLICATES}
    assert tuple(section.points) == ba.compare(plain, **options).sentences
    assert len(section.points) == 1
    assert "Paired t-test" in section.text[1]
    assert view.main == ["ndcg@10", "ild@10", "catalog_coverage@10"]
    data = result.study.data[0]
    more = ba.Study(data, [*MODELS, "ItemKNN", "EASE"], [], METRICS, n_boot=0).run()
    best = max(more.reports, key=lambda run: more.reports[run].value("ndcg@10")).model
    monkeypatch.setattr(further, "REPLICATES", 99)
    all_pairs = {each.id: each for each in further.sections(more, more.view())}["comparison"]
    assert (len(all_pairs.points), len(all_pairs.folded)) == (3, 3)
    assert all(best in sentence for sentence in all_pairs.points)
    assert not any(best in sentence for sentence in all_pairs.folded)
    monkeypatch.setattr(further, "ALL_PAIRS", 3)
    some = {each.id: each for each in further.sections(more, more.view())}["comparison"]
    assert (len(some.points), len(some.folded)) == (3, 0)


def test_models_for_other_users_are_not_compared(result):
    data = result.study.data[0]
    item = data.items.ids[:3].tolist()
    lists = {"one": {1: item, 2: item}, "two": {1: item, 77_777: item}}
    made = ba.Study(data, lists, [], ["ild@10"], n_boot=0).run()
    section = further.sections(made, made.view())[0]
    assert section.text[0].startswith("The plain models were not compared: 1 of the 121 users of 'two' (such as 77777)")


def test_the_map_has_an_example(made, result, plain):
    (chart,) = made["map"].charts
    spec = chart.to_dict()
    best = max(plain, key=lambda model: plain[model].value("ndcg@10"))
    last = "Rings" + " ".join(spec["title"]["subtitle"]).partition("Rings")[2]
    assert last.startswith(f"Rings: first 10 of {best}, dots: first 10 of {best} + MMR 0.6, for user ")
    user = int(last.partition("for user ")[2].partition(";")[0])
    run = next(run for run in result.reports if str(run) == f"{best} + MMR 0.6")
    lists = [listed_rows(found).groupby("user")["item"].agg(set) for found in (plain[best], result.reports[run])]
    kept = pd.Series({each: len(lists[0][each] & lists[1][each]) for each in lists[0].index})
    assert kept[user] == sorted(kept)[60]
    sizes = training_rows(result.study.data[0]).groupby("user").size()[kept[kept == kept[user]].index]
    assert sizes[user] == sorted(sizes)[len(sizes) // 2]
    assert result.chart("map").to_dict() == spec
    alone = ba.Study(result.study.data[0], MODELS[:1], [], METRICS, n_boot=0).run()
    assert "Rings" not in "".join(alone.chart("map").to_dict()["title"]["subtitle"])


def test_data_without_genres_or_training_rows_have_fewer_sections():
    train = {user: [user % 5, user % 3 + 5, 8 + user % 2] for user in range(20)}
    bare = ba.Study(ba.Dataset(train=train, test={0: [9], 1: [1]}), MODELS[:1], [], ["ndcg@5"], n_boot=0).run()
    made = {each.id: each for each in further.sections(bare, bare.view())}
    assert list(made) == ["map", "groups"]
    assert made["groups"].tables == []
    only = ba.Study(ba.Dataset(test={0: [9], 1: [1]}), {"mine": {0: [9, 1], 1: [2]}}, [], ["ndcg@5"], n_boot=0).run()
    assert further.sections(only, only.view()) == []
    line = ba.Dataset(train={0: [1, 2, 3], 1: [2, 3]}, test={0: [4]}, items={1: [], 2: [], 3: [], 4: []})
    flat = ba.Study(line, MODELS[:1], [], ["ndcg@5"], n_boot=0).run()
    assert further.sections(flat, flat.view())[0].text == [
        "Not drawn: the items differ in fewer than two directions, which makes no map; give them richer vectors."
    ]


def test_messages(view, plain):
    values = gaps.group_values(gaps.grouped(plain)[0]["since"], ["ndcg@10"])
    with pytest.raises(DataError, match="no group of since has a value of any of these metrics; choose other metrics"):
        group_charts.user_groups(view, values.assign(value=np.nan), "since")
    runs = {name: each.run for name, each in plain.items()}
    with pytest.raises(DataError, match="a correlation of genres needs two genres that training rows have"):
        group_charts.genre_heatmap(genres.genre_correlations(runs, 10, 1), 10)
    with pytest.raises(DataError, match="fewer than two users have both a profile and a list"):
        group_charts.genre_bias(genres.representation(runs, 10, 0), 10, MODELS)
    bare = ba.Dataset(train={1: [1, 2], 2: [2, 3]}, test={1: [3], 2: [1]})
    run = ba.evaluate({1: [3], 2: [1]}, bare, "ndcg@5", n_boot=0).run
    with pytest.raises(DataError, match="shares of genres need items with genres; pass items= with a genres column"):
        genres.genre_shares(run, 5)


def test_several_splits_say_which_is_shown(tables):
    ratings, movies, _ = tables
    given = {seed: ba.Dataset.split(ratings, movies, seed=seed) for seed in (4, 5)}
    result = ba.Study(given, MODELS, ["Novelty"], METRICS, diversity=[0.5], n_boot=0).run()
    for section in further.sections(result, result.view()):
        assert " Of the split with seed 4." in section.text[0]


@needs_browser
def test_the_report_is_drawn_without_complaint_or_network(result, view, tmp_path):
    result.report(tmp_path / "report.html")
    seen = open_page(tmp_path / "report.html")
    assert seen.console == ()
    assert seen.requests == ()
    base = report.render(view).count('vegaEmbed("#chart-')
    assert seen.dom.count('class="marks"') == base + 5  # map, two of genres, two groupings
    for title in ("Comparison", "Item map", "Genres", "Groups of users"):
        assert f"<h2>{title}</h2>" in seen.dom
    assert (tmp_path / "report.html").stat().st_size < 3_000_000
