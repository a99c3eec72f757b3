"""LensKit: a collection of item lists, measured list by list."""

from __future__ import annotations

from typing import Any

from lenskit.data import ItemListCollection, UserIDKey
from lenskit.metrics import NDCG, ListGini, RunAnalysis
from worker import Frames, K, Row, serve


def _collections(frames: Frames) -> list[Any]:
    return [ItemListCollection.from_df(frames[name], UserIDKey) for name in ("recs", "test")]


def _list_metric(made: list[Any]) -> float:
    found = RunAnalysis(NDCG(K)).measure(*made).list_summary()
    return float(found["mean"].iloc[0])


def _global_metric(made: list[Any]) -> float:
    items, *collections = made
    return float(RunAnalysis(ListGini(K, items=items)).measure(*collections).global_metrics().iloc[0])


ROWS = [
    Row(
        name="ndcg",
        call="RunAnalysis(NDCG(10)).measure(recs, test).list_summary()",
        metric="ndcg@10",
        convention="lenskit",
        tables=("recs", "test"),
        order="rank",
        convert=_collections,
        compute=_list_metric,
        journey=True,
    ),
    Row(
        name="gini",
        call="RunAnalysis(ListGini(10, items=n)).measure(recs, test).global_metrics()",
        metric="gini@10",
        convention="lenskit",
        tables=("recs", "test", "items"),
        order="rank",
        convert=lambda frames: [len(frames["items"]), *_collections(frames)],
        compute=_global_metric,
    ),
]

if __name__ == "__main__":
    serve(ROWS, ("lenskit", "numpy", "pandas", "pyarrow"))
