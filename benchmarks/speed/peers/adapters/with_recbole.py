"""The evaluator of RecBole, which takes ready arrays: what makes them of frames here is ours, not RecBole's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from recbole.evaluator import Evaluator
from recbole.evaluator.collector import DataStruct
from worker import Frames, K, Row, serve

_DIGITS = 12  # it rounds, by default to 4


def _evaluator(metric: str) -> Evaluator:
    return Evaluator({"metrics": [metric], "topk": [K], "metric_decimal_place": _DIGITS})


def _hits(frames: Frames) -> list[Any]:
    """Mark the relevant items of each list, and add how many relevant items its user has."""
    recs, test = frames["recs"], frames["test"]
    codes, users = pd.factorize(recs["user_id"])
    rank = recs.groupby("user_id", sort=False).cumcount().to_numpy()
    marked = recs.merge(test, how="left", on=["user_id", "item_id"])["rating"].notna().to_numpy()
    sizes = test["user_id"].value_counts().reindex(users).to_numpy()
    made = np.zeros((len(users), K + 1), np.int64)
    made[codes, rank] = marked
    made[:, K] = sizes
    struct = DataStruct()
    struct.set("rec.topk", torch.from_numpy(made))
    return [_evaluator("NDCG"), struct]


def _items(metric: str) -> Any:
    """Return a function that numbers the items from 0, without the padding that RecBole counts as one more item."""

    def convert(frames: Frames) -> list[Any]:
        recs, items = frames["recs"], frames["items"]["item_id"]
        codes, users = pd.factorize(recs["user_id"])
        made = np.zeros((len(users), K), np.int64)
        rank = recs.groupby("user_id", sort=False).cumcount().to_numpy()
        made[codes, rank] = pd.Index(items).get_indexer(recs["item_id"])
        struct = DataStruct()
        struct.set("rec.items", torch.from_numpy(made))
        struct.set("data.num_items", len(items))
        return [_evaluator(metric), struct]

    return convert


def _compute(made: list[Any]) -> float:
    return float(next(iter(made[0].evaluate(made[1]).values())))


ROWS = [
    Row(
        name="ndcg",
        call='Evaluator({"metrics": ["NDCG"], ...}).evaluate(struct) of a matrix of hits',
        metric="ndcg@10",
        convention="recbole",
        tables=("recs", "test"),
        order="rank",
        convert=_hits,
        compute=_compute,
    ),
    Row(
        name="gini",
        call='Evaluator({"metrics": ["GiniIndex"], ...}).evaluate(struct) of a matrix of items',
        metric="gini@10",
        convention="recbole",
        tables=("recs", "items", "test"),
        order="rank",
        convert=_items("GiniIndex"),
        compute=_compute,
    ),
    Row(
        name="coverage",
        call='Evaluator({"metrics": ["ItemCoverage"], ...}).evaluate(struct) of a matrix of items',
        metric="catalog_coverage@10",
        convention="recbole",
        tables=("recs", "items", "test"),
        order="rank",
        convert=_items("ItemCoverage"),
        compute=_compute,
    ),
]

if __name__ == "__main__":
    serve(ROWS, ("recbole", "torch", "numpy", "pandas"))
