"""The library recmetrics: lists of lists in, Python loops and scikit-learn's similarities."""

from __future__ import annotations

from typing import Any

import recmetrics
from worker import Frames, K, Row, genre_columns, lists_of, serve

_FEW = 2_000


def _popularity(frames: Frames) -> list[Any]:
    """Count the training users of all items: it raises KeyError for an item without a count."""
    train = frames["train"]
    counts = train["item_id"].value_counts().reindex(frames["items"]["item_id"], fill_value=1)
    return [lists_of(frames["recs"]), counts.to_dict(), train["user_id"].nunique(), K]


ROWS = [
    Row(
        name="novelty",
        call="novelty(predicted, pop, u, n)",
        metric="self_information@10",
        tables=("recs", "train", "items"),
        order="rank",
        convert=_popularity,
        compute=lambda made: recmetrics.novelty(*made),
        number=lambda found: float(found[0]),
    ),
    Row(
        name="coverage",
        call="prediction_coverage(predicted, catalog)",
        metric="catalog_coverage@10",
        tables=("recs", "train"),
        order="rank",
        convert=lambda frames: [lists_of(frames["recs"]), frames["train"]["item_id"].unique().tolist()],
        compute=lambda made: recmetrics.prediction_coverage(*made),
        number=lambda found: found / 100,
        tolerance=5.1e-5,
        because="it rounds per cents to two digits",
        differs="it counts listed items that are not in the catalogue",
    ),
    Row(
        name="ild",
        call="intra_list_similarity(predicted, feature_df)",
        metric="ils(distance=cosine, average=true)@10",
        tables=("recs", "genres"),
        order="rank",
        convert=lambda frames: [lists_of(frames["recs"]), genre_columns(frames["genres"])],
        compute=lambda made: recmetrics.intra_list_similarity(*made),
        users=_FEW,
    ),
    Row(
        name="personalization",
        call="personalization(predicted)",
        metric="personalization@10",
        tables=("recs",),
        order="rank",
        convert=lambda frames: [lists_of(frames["recs"])],
        compute=lambda made: recmetrics.personalization(*made),
        users=_FEW,
        power=2,
    ),
]

if __name__ == "__main__":
    serve(ROWS, ("recmetrics", "scikit-learn", "numpy", "pandas"))
