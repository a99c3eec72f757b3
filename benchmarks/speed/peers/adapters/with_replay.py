"""RePlay on polars frames, which are its fastest; made from the pandas frames, which is its conversion."""

from __future__ import annotations

from typing import Any

import polars as pl
from replay import metrics
from worker import K, Row, serve

_COLUMNS = {"query_column": "user_id", "item_column": "item_id"}


def _polars(*names: str) -> Any:
    return lambda frames: [pl.from_pandas(frames[name]) for name in names]


def _compute(metric: type) -> Any:
    return lambda made: metric(K, rating_column="score", **_COLUMNS)(*made)


def _first(result: dict[str, float]) -> float:
    return float(next(iter(result.values())))


ROWS = [
    Row(
        name="ndcg",
        call="NDCG(10)(recommendations, ground_truth) of polars frames",
        metric="ndcg@10",
        convention="replay",
        tables=("recs", "test"),
        convert=_polars("recs", "test"),
        compute=_compute(metrics.NDCG),
        number=_first,
        journey=True,
    ),
    Row(
        name="novelty",
        call="Surprisal(10)(recommendations, train) of polars frames",
        metric="self_information@10",
        convention="replay",
        tables=("recs", "train"),
        convert=_polars("recs", "train"),
        compute=_compute(metrics.Surprisal),
        number=_first,
        journey=True,
    ),
    Row(
        name="unexpectedness",
        call="Unexpectedness(10)(recommendations, base_recommendations) of polars frames",
        metric="unexpectedness@10",
        convention="replay",
        tables=("recs", "popular"),
        convert=_polars("recs", "popular"),
        compute=_compute(metrics.Unexpectedness),
        number=_first,
        journey=True,
    ),
    Row(
        name="coverage",
        call="Coverage(10)(recommendations, train) of polars frames",
        metric="catalog_coverage@10",
        convention="replay",
        tables=("recs", "train"),
        convert=_polars("recs", "train"),
        compute=_compute(metrics.Coverage),
        number=_first,
        journey=True,
    ),
]

if __name__ == "__main__":
    serve(ROWS, ("replay-rec", "polars", "numpy", "pandas"))
