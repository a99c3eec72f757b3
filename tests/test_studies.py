"""Each published study, end to end on a tiny data set of the same layout."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import beyondacc as ba

ROOT = Path(__file__).resolve().parent.parent
GENRES = ["Action", "Comedy", "Drama", "Horror", "Romance"]


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks" / "studies")
    return importlib.import_module


def made_ratings(n_users=40, n_items=60, *, rating=lambda rng, n: rng.integers(1, 6, n)):
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((n_users, n_items)) < np.linspace(0.6, 0.15, n_items))
    return pd.DataFrame({"user_id": users + 1, "item_id": items + 1, "rating": rating(rng, len(users))})


def made_items(n_items=60):
    rng = np.random.default_rng(1)
    genres = ["|".join(rng.choice(GENRES, size=rng.integers(1, 4), replace=False)) for _ in range(n_items)]
    return pd.DataFrame({"item_id": np.arange(1, n_items + 1), "title": "A film", "genres": genres})


def put(folder, **frames):
    folder.mkdir()
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv.gz", index=False)


def page(out):
    text = (out / "results.md").read_text(encoding="utf-8")
    assert "Wall time" in text
    assert f"beyondacc {ba.__version__}" in text
    assert str(out.parent) not in text
    return text


def test_kaminskas_bridge(study, tmp_path):
    put(tmp_path / "ml-1m", ratings=made_ratings(), items=made_items())
    study("kaminskas_bridge").main([str(tmp_path), "-o", str(tmp_path / "out"), "--splits", "2"])
    text = page(tmp_path / "out")
    for heading in ("WARP", "PureSVD", "user kNN", "item kNN"):
        assert f"### {heading}\n" in text
    signs = pd.read_csv(tmp_path / "out" / "signs.csv")
    assert len(signs) == 4 * 5 * 7
    assert set(signs["sign"]) <= {-1, 0, 1}
    assert text.count("reproduced") >= 15


def test_kaminskas_bridge_ranks_the_test_item_among_unrated_ones(study):
    ratings = made_ratings()
    data, allowed = study("kaminskas_bridge").split(ratings, made_items(), 0)
    rated = np.zeros(allowed.shape, bool)
    users = data.users.ids.get_indexer(ratings["user_id"])
    items = data.items.ids.get_indexer(ratings["item_id"])
    rated[users, items] = True
    for user in range(len(data.users)):
        held = data.test.items[data.test.starts[user] : data.test.starts[user + 1]]
        assert len(held) <= 1
        assert set(np.flatnonzero(allowed[user] & rated[user])) == set(held)
    share = len(data.train.items) / len(ratings)
    assert 0.8 <= share < 0.86


def test_movietweetings(study, tmp_path, monkeypatch):
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    put(tmp_path / "movietweetings-100k", ratings=made_ratings(100), items=made_items())
    monkeypatch.setattr(ba, "load_movielens", lambda: (made_ratings(60, 70), made_items(70)))
    study("movietweetings").main([str(tmp_path), "-o", str(tmp_path / "out"), "--n-boot", "20"])
    assert "the same sign in MovieTweetings and MovieLens" in page(tmp_path / "out")
    assert (tmp_path / "out" / "correlations.png").stat().st_size > 1000
    found = pd.read_csv(tmp_path / "out" / "correlations.csv")
    n = len(set(found["metric_a"]) | set(found["metric_b"]))
    assert len(found) == n * (n - 1) / 2


def test_a_core_is_one_of_users_and_items(study):
    given = pd.DataFrame({"user_id": [1, 1, 2, 2, 3, 4, 4], "item_id": [1, 2, 1, 2, 3, 3, 1]})
    kept = study("movietweetings").core(given, 2)
    assert kept.equals(given.iloc[:4])
    assert study("movietweetings").core(given, 1).equals(given)


def test_anelli(study, tmp_path):
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    rows = made_ratings().drop(columns="rating")
    rng = np.random.default_rng(2)
    rows = rows.assign(**{f"test{split}": rng.integers(0, 5, len(rows)) // 4 for split in range(5)})
    put(tmp_path / "ml-1m-anelli2022", interactions=rows)
    options = ["--splits", "2", "--mf-epochs", "2", "--vae-epochs", "1"]
    study("anelli_2022").main([str(tmp_path), "-o", str(tmp_path / "out"), *options])
    text = page(tmp_path / "out")
    assert "over 31 pairs" in text
    assert "MF 2 of 72 epochs; MultVAE 1 of 100 epochs" in text
    assert (tmp_path / "out" / "correlations.png").stat().st_size > 1000


def test_matrix_factorisation_learns_what_users_have(study):
    # two groups of users with items of their own
    rng = np.random.default_rng(3)
    mask = np.kron(np.eye(2), np.ones((20, 15))) * (rng.random((40, 30)) < 0.7)
    users, items = np.nonzero(mask)
    data = ba.Dataset(train=pd.DataFrame({"user_id": users, "item_id": items}))
    scores = study("anelli_2022").mf2020(data, 20, 0)(np.arange(40))
    assert (scores[:20, :15].min(axis=1) > scores[:20, 15:].max(axis=1)).mean() > 0.9


def test_the_published_correlations_are_a_correlation_matrix(study):
    found = study("anelli_2022").published()
    assert np.array_equal(found, found.T, equal_nan=True)
    assert found.abs().max(axis=None) == 1
    assert found.notna().sum(axis=None) == 9 + 2 * 31
    assert found.loc["coverage", "ARP"] == -0.95


def test_course_table(study, tmp_path):
    put(tmp_path / "jester5k", ratings=made_ratings(rating=lambda rng, n: rng.uniform(-10, 10, n).round(2)))
    put(tmp_path / "movielense", ratings=made_ratings())
    study("course_table").main([str(tmp_path), "-o", str(tmp_path / "out"), "--seeds", "2", "--epochs", "1"])
    text = page(tmp_path / "out")
    assert "| matrix factorisation |" in text
    assert text.count("cannot be test errors") == 1
    values = pd.read_csv(tmp_path / "out" / "values.csv")
    assert values.groupby(["data", "method"]).size().eq(2).all()
    assert values["rmse"].between(0.5, 10).all()


def test_autorec(study, tmp_path):
    put(tmp_path / "ml-1m", ratings=made_ratings(), items=made_items())
    study("autorec").main([str(tmp_path), "-o", str(tmp_path / "out"), "--epochs", "1"])
    assert "| BiasedMF | 0.845 |" in page(tmp_path / "out")


def test_a_missing_file_is_named(study, tmp_path):
    with pytest.raises(SystemExit, match=r"holds neither ratings\.csv nor ratings\.csv\.gz"):
        study("common").read(tmp_path, "ratings")
