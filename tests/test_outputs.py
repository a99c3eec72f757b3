"""Lists as LensKit, RecBole and implicit give them: files that they wrote, read as they are, in a study beside ours.

The folder ``outputs`` holds the scripts that made the files, and the numbers those tools printed for them.
"""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import beyondacc as ba

pytestmark = pytest.mark.kernel

FOLDER = Path(__file__).parent / "outputs"
FILES = {
    "lenskit": ["lenskit.csv", "lenskit-flat.parquet", "lenskit.parquet"],
    "recbole": ["recbole.csv", "recbole.inter"],
}
#: What each tool calls its metrics.
NAMES = {
    "lenskit": {
        "NDCG@10": "ndcg",
        "Precision@10": "precision",
        "Recall@10": "recall",
        "RecipRank@10": "reciprocal_rank",
        "Hit@10": "hit_rate",
    },
    "recbole": {
        "ndcg@10": "ndcg",
        "precision@10": "precision",
        "recall@10": "recall",
        "mrr@10": "reciprocal_rank",
        "hit@10": "hit_rate",
        "map@10": "average_precision",
    },
}
METRICS = ["precision@10", "ndcg@10", "ild@10", "catalog_coverage@10"]
ITEMS = {f"i{item:02}": ["even" if item % 2 == 0 else "odd"] for item in range(40)}


@pytest.fixture(scope="module")
def data():
    return ba.Dataset(FOLDER / "train.csv", FOLDER / "test.csv", ITEMS)


def rows(name, separator=","):
    with (FOLDER / name).open(newline="") as stream:
        return [
            {key.partition(":")[0]: text for key, text in row.items()}
            for row in csv.DictReader(stream, delimiter=separator)
        ]


def by_hand(name):
    """Precision, nDCG, diversity and coverage of the lists in a csv file, in plain loops."""
    lists, test = {}, {}
    for row in sorted(rows(name), key=lambda row: -float(row["score"])):
        lists.setdefault(row["user_id"], []).append(row["item_id"])
    for row in rows("test.csv"):
        test.setdefault(row["user_id"], {})[row["item_id"]] = float(row["rating"])
    found = {metric: [] for metric in METRICS[:3]}
    for user, items in lists.items():
        assert len(items) == 10
        found["precision@10"].append(sum(item in test[user] for item in items) / 10)
        gains, ideal = [test[user].get(item, 0) for item in items], sorted(test[user].values(), reverse=True)
        both = [sum(gain / math.log2(rank + 2) for rank, gain in enumerate(each)) for each in (gains, ideal)]
        found["ndcg@10"].append(both[0] / both[1])
        odd = sum(ITEMS[item] == ["odd"] for item in items)
        found["ild@10"].append(odd * (10 - odd) / 45)
    means = {metric: sum(values) / len(values) for metric, values in found.items()}
    return means | {"catalog_coverage@10": len({item for items in lists.values() for item in items}) / 40}


def require(name):
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")


@pytest.mark.parametrize("name", [name for names in FILES.values() for name in names])
def test_files_of_other_tools_hold_the_same_lists_in_every_form(data, name):
    require(name)
    tool = name[:7]
    read = ba.Recommendations.read(FOLDER / name, data)
    expected = {}
    for row in rows(f"{tool}.csv"):
        expected.setdefault(row["user_id"], []).append((row["item_id"], pytest.approx(float(row["score"]), rel=1e-6)))
    assert read.to_dict() == {user: [item for item, _ in items] for user, items in expected.items()}
    assert read.scores.tolist() == [[score for _, score in items] for items in expected.values()]


def test_a_row_a_list_with_an_empty_list(tmp_path):
    """Other records than those of items are let alone."""
    pa = pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    from pyarrow import parquet

    record = pa.struct([("item", pa.int64()), ("score", pa.float32())])
    lists = [[{"item": 3, "score": 0.25}, {"item": 1, "score": 0.5}], [], [{"item": 2, "score": 0.0}]]
    for kind in (pa.list_, pa.large_list):
        table = pa.table({"query_id": ["a", "b", "c"], "run": [1, 1, 1], "items": pa.array(lists, kind(record))})
        parquet.write_table(table, tmp_path / "lists.parquet")
        assert ba.Recommendations.read(tmp_path / "lists.parquet").to_dict() == {"a": [1, 3], "c": [2]}
    parquet.write_table(table.append_column("item_id", [[7, 8, 9]]), tmp_path / "rows.parquet")
    assert ba.Recommendations.read(tmp_path / "rows.parquet").to_dict() == {"a": [7], "b": [8], "c": [9]}


@pytest.mark.parametrize("tool", list(FILES))
def test_the_numbers_are_those_the_tool_printed(data, tool):
    printed = json.loads((FOLDER / f"{tool}.json").read_text())
    assert set(printed) == set(NAMES[tool])
    names = [f"{NAMES[tool][name]}@10" for name in printed]
    report = ba.evaluate(FOLDER / f"{tool}.csv", data, names, convention=tool, n_boot=0)
    assert [report.value(metric) for metric in report] == pytest.approx(list(printed.values()), abs=1e-9)


def test_they_join_a_study_beside_our_models(data):
    pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    recbole = pd.read_csv(FOLDER / "recbole.csv")
    models = {
        "ours": "ItemKNN(k=10)",
        **{name: FOLDER / name for names in FILES.values() for name in names},
        "text": str(FOLDER / "lenskit.csv"),
        "frame": recbole,
        "of arrays": {user: items.to_numpy() for user, items in recbole.groupby("user_id")["item_id"]},
    }
    study = ba.Study(data, models, ["MMR"], METRICS, diversity=[0, 0.5], candidates=10, n_boot=0)
    found = study.run()
    assert not found.failures
    assert len(found.reports) == 2 * len(models)
    plain = found.values
    for name in models:
        if name != "ours":
            expected = by_hand("lenskit.csv" if name.startswith(("lenskit", "text")) else "recbole.csv")
            assert plain.loc[name].to_dict() == pytest.approx(expected), name
    assert plain.loc["ours", "precision@10"] > 0
    varied = {name: plain.loc[f"{name} + MMR 0.5", "ild@10"] for name in ("lenskit.csv", "recbole.csv")}
    assert all(value == pytest.approx(plain.loc[name, "ild@10"]) for name, value in varied.items())  # all ten are kept
    first = found.reports[next(run for run in found.reports if run.model == "lenskit.parquet" and run.diversity == 0.5)]
    assert first["ndcg@10"].value != plain.loc["lenskit.parquet", "ndcg@10"]  # in another order


def test_atomic_files_of_recbole_are_a_dataset(data):
    """Its training rows are in two files, of which a frame makes one."""
    parts = [pd.DataFrame(rows(f"recbole.{part}.inter", "\t")) for part in ("train", "valid")]
    train = pd.concat(parts).astype({"rating": int, "timestamp": int})
    made = ba.Dataset(train, FOLDER / "recbole.test.inter", ITEMS)
    assert (made.matrix != data.matrix).nnz == 0
    one, other = (ba.evaluate(FOLDER / "recbole.inter", each, METRICS, n_boot=0) for each in (made, data))
    pd.testing.assert_frame_equal(one.to_pandas(), other.to_pandas())


def test_what_implicit_recommends_joins_as_a_model_and_as_arrays():
    """`model.recommend` gives positions and scores; positions become ids by `data.items`."""
    als = pytest.importorskip("implicit.als", reason="the extra 'models' is not installed")
    from threadpoolctl import threadpool_limits

    items = {int(item[1:]): genres for item, genres in ITEMS.items()}
    texts = [ba.Dataset(FOLDER / "train.csv", FOLDER / "test.csv", ITEMS)]
    numbers = [
        pd.DataFrame({name: [int(row[name][1:]) for row in rows(f"{part}.csv")] for name in ("user_id", "item_id")})
        for part in ("train", "test")
    ]
    for data in (*texts, ba.Dataset(*numbers, items)):
        with threadpool_limits(1, "blas"):
            model = als.AlternatingLeastSquares(factors=4, iterations=5, random_state=0, use_gpu=False)
            matrix = sparse.csr_matrix(data.matrix.astype(np.float32))
            model.fit(matrix, show_progress=False)
            users = np.arange(len(data.users))
            ids, scores = model.recommend(users, matrix, N=10)
            frame = pd.DataFrame(
                {
                    "user_id": data.users.ids.repeat(10),
                    "item_id": data.items.ids.take(ids.ravel()),
                    "score": scores.ravel(),
                }
            )
            models = {"model": model, "frame": frame}
            if data.items.ids[0] == 0:  # ids that are positions: the array of them is enough
                assert data.items.ids.tolist() == list(range(40))
                models["array"] = ids
            found = ba.Study(data, models, [], METRICS, n_boot=0, candidates=10).run()
        assert not found.failures
        for name in models:
            assert found.values.loc[name].to_dict() == pytest.approx(found.values.loc["model"].to_dict()), name
        lists = {user: set(frame["item_id"][frame["user_id"] == user]) for user in data.users.ids}
        shown = set().union(*lists.values())
        assert found.values.loc["frame", "catalog_coverage@10"] == pytest.approx(len(shown) / 40)
