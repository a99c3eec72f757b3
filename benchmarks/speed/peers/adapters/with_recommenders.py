"""Recommenders, once of Microsoft: frames in, joins of frames of pairs."""

from __future__ import annotations

from typing import Any

from recommenders.evaluation import python_evaluation as evaluation
from worker import K, Row, serve

_IDS = {"col_user": "user_id", "col_item": "item_id"}
_LISTED = "it counts listed items that are not in the training rows"
_FEW = 1_000  # its similarities join all pairs of each user's training rows


def _frames(*names: str) -> Any:
    return lambda frames: [frames[name] for name in names]


def _forget() -> None:
    """Empty its caches, which know the frames of the repeat before."""
    for function in vars(evaluation).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()


ROWS = [
    Row(
        name="ndcg",
        call="ndcg_at_k(rating_true, rating_pred, k=10)",
        metric="ndcg@10",
        convention="recommenders",
        tables=("test", "recs"),
        convert=_frames("test", "recs"),
        compute=lambda made: evaluation.ndcg_at_k(*made, col_rating="rating", col_prediction="score", k=K, **_IDS),
        journey=True,
    ),
    Row(
        name="novelty",
        call="novelty(train_df, reco_df)",
        metric="self_information@10",
        convention="recommenders",
        tables=("past", "recs"),
        convert=_frames("past", "recs"),
        compute=lambda made: evaluation.novelty(*made, **_IDS),
        before=_forget,
        journey=True,
    ),
    Row(
        name="coverage",
        call="catalog_coverage(train_df, reco_df)",
        metric="catalog_coverage@10",
        convention="recommenders",
        tables=("past", "recs"),
        convert=_frames("past", "recs"),
        compute=lambda made: evaluation.catalog_coverage(*made, **_IDS),
        differs=_LISTED,
        before=_forget,
        journey=True,
    ),
    Row(
        name="entropy",
        call="distributional_coverage(train_df, reco_df)",
        metric="entropy@10",
        convention="recommenders",
        tables=("past", "recs"),
        convert=_frames("past", "recs"),
        compute=lambda made: evaluation.distributional_coverage(*made, **_IDS),
        differs=_LISTED,
        before=_forget,
    ),
    Row(
        name="serendipity",
        call="serendipity(train_df, reco_df)",
        metric="surprise_content@10",
        convention="recommenders",
        tables=("past", "recs"),
        convert=_frames("past", "recs"),
        compute=lambda made: evaluation.serendipity(*made, **_IDS),
        before=_forget,
        users=_FEW,
    ),
    Row(
        name="ild",
        call="diversity(train_df, reco_df)",
        metric="ild@10",
        convention="recommenders",
        tables=("past", "recs"),
        convert=_frames("past", "recs"),
        compute=lambda made: evaluation.diversity(*made, **_IDS),
        before=_forget,
        users=_FEW,
    ),
]

if __name__ == "__main__":
    serve(ROWS, ("recommenders", "numpy", "pandas"))
