"""trec_eval through pytrec_eval: dicts of text ids in, a dict of values for each user out."""

from __future__ import annotations

from typing import Any

import pytrec_eval
from worker import Frames, Row, serve

_MEASURE = "ndcg_cut_10"


def _dict(frame: Any, column: str) -> dict[str, dict[str, Any]]:
    """Return ``{user: {item: value}}``."""
    made: dict[str, dict[str, Any]] = {}
    users, items = (frame[name].astype(str).tolist() for name in ("user_id", "item_id"))
    for user, item, value in zip(users, items, frame[column].tolist(), strict=True):
        made.setdefault(user, {})[item] = value
    return made


def _objects(frames: Frames) -> list[Any]:
    test = frames["test"].assign(rating=frames["test"]["rating"].astype("int64"))
    return [pytrec_eval.RelevanceEvaluator(_dict(test, "rating"), {"ndcg_cut.10"}), _dict(frames["recs"], "score")]


def _mean(made: list[Any]) -> float:
    found = made[0].evaluate(made[1])
    return sum(each[_MEASURE] for each in found.values()) / len(found)


ROWS = [
    Row(
        name="ndcg",
        call='RelevanceEvaluator(qrel, {"ndcg_cut.10"}).evaluate(run), and the mean',
        metric="ndcg@10",
        convention="trec_eval",
        tables=("recs", "test"),
        convert=_objects,
        compute=_mean,
        journey=True,
    )
]

if __name__ == "__main__":
    serve(ROWS, ("pytrec-eval-terrier", "numpy", "pandas"))
