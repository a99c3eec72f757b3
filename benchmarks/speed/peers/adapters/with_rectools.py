"""RecTools: frames in, so that its conversion is nearly nothing and its computation starts from ids."""

from __future__ import annotations

from typing import Any

from rectools import metrics
from worker import Frames, K, Row, genre_columns, serve


def _frames(*names: str) -> Any:
    return lambda frames: [frames[name] for name in names]


def _with_catalogue(*names: str) -> Any:
    return lambda frames: [*(frames[name] for name in names), frames["items"]["item_id"].to_numpy()]


def _with_distances(frames: Frames) -> list[Any]:
    return [metrics.PairwiseHammingDistanceCalculator(genre_columns(frames["genres"])), frames["recs"]]


ROWS = [
    Row(
        name="ndcg",
        call="NDCG(k=10).calc(reco, interactions)",
        metric="ndcg@10",
        convention="rectools",
        tables=("recs", "test"),
        order="rank",
        convert=_frames("recs", "test"),
        compute=lambda made: metrics.NDCG(k=K).calc(*made),
        journey=True,
    ),
    Row(
        name="novelty",
        call="MeanInvUserFreq(k=10).calc(reco, prev_interactions)",
        metric="self_information@10",
        convention="rectools",
        tables=("recs", "train"),
        order="rank",
        convert=_frames("recs", "train"),
        compute=lambda made: metrics.MeanInvUserFreq(k=K).calc(*made),
        journey=True,
    ),
    Row(
        name="serendipity",
        call="Serendipity(k=10).calc(reco, interactions, prev_interactions, catalog)",
        metric="serendipity_rank@10",
        convention="rectools",
        tables=("recs", "test", "train", "items"),
        order="rank",
        convert=_with_catalogue("recs", "test", "train"),
        compute=lambda made: metrics.Serendipity(k=K).calc(*made),
        journey=True,
    ),
    Row(
        name="coverage",
        call="CatalogCoverage(k=10).calc(reco, catalog)",
        metric="catalog_coverage@10",
        convention="rectools",
        tables=("recs", "items"),
        order="rank",
        convert=_with_catalogue("recs"),
        compute=lambda made: metrics.CatalogCoverage(k=K).calc(*made),
        journey=True,
    ),
    Row(
        name="ild",
        call="IntraListDiversity(k=10, PairwiseHammingDistanceCalculator(features)).calc(reco)",
        metric="ild@10",
        convention="rectools",
        tables=("recs", "genres"),
        order="rank",
        convert=_with_distances,
        compute=lambda made: metrics.IntraListDiversity(k=K, distance_calculator=made[0]).calc(made[1]),
        journey=True,
    ),
    Row(
        name="popularity",
        call="AvgRecPopularity(k=10).calc(reco, prev_interactions)",
        metric="mean_popularity@10",
        convention="rectools",
        tables=("recs", "train"),
        order="rank",
        convert=_frames("recs", "train"),
        compute=lambda made: metrics.AvgRecPopularity(k=K).calc(*made),
    ),
]

if __name__ == "__main__":
    serve(ROWS, ("RecTools", "numpy", "pandas"))
