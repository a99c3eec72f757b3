"""The library ranx: its objects are made from frames of text ids, then evaluated by compiled loops."""

from __future__ import annotations

from typing import Any

import ranx
from worker import Frames, Row, serve


def _objects(frames: Frames) -> list[Any]:
    """Make its objects as its documentation does; it takes ids as objects and whole numbers as relevance."""
    test, recs = (
        frame.assign(
            user_id=frame["user_id"].astype(str).astype(object), item_id=frame["item_id"].astype(str).astype(object)
        )
        for frame in (frames["test"], frames["recs"])
    )
    qrels = ranx.Qrels.from_df(
        test.assign(rating=test["rating"].astype("int64")),
        q_id_col="user_id",
        doc_id_col="item_id",
        score_col="rating",
    )
    return [qrels, ranx.Run.from_df(recs, q_id_col="user_id", doc_id_col="item_id", score_col="score")]


ROWS = [
    Row(
        name="ndcg",
        call='evaluate(qrels, run, "ndcg@10")',
        metric="ndcg@10",
        convention="ranx",
        tables=("recs", "test"),
        convert=_objects,
        compute=lambda made: ranx.evaluate(*made, "ndcg@10"),
        journey=True,
    )
]

if __name__ == "__main__":
    serve(ROWS, ("ranx", "numba", "numpy", "pandas"))
