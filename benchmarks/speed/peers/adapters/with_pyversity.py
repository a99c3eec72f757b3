"""The re-rankers of pyversity, user by user, on vectors and scores in single precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyversity
from worker import Frames, K, Row, serve

_FEW = 2_000
_COSINE = {"distance": "cosine", "normalize": "none"}


def _inputs(frames: Frames) -> list[Any]:
    """Return the users, and vectors and scores of each one's candidates, best first as in the frame."""
    candidates = frames["candidates"]
    places = pd.Index(frames["items"]["item_id"]).get_indexer(candidates["item_id"])
    rows, scores = frames["vectors"][places], candidates["score"].to_numpy().astype(np.float32)
    codes, users = pd.factorize(candidates["user_id"])
    cuts = np.flatnonzero(np.diff(codes)) + 1
    return [users, list(zip(np.split(rows, cuts), np.split(scores, cuts), strict=True))]


def _compute(strategy: str) -> Any:
    chosen = pyversity.Strategy(strategy)

    def compute(made: list[Any]) -> list[Any]:
        users, inputs = made
        return [
            users,
            [
                pyversity.diversify(embeddings=vectors, scores=scores, k=K, strategy=chosen, diversity=0.5).indices
                for vectors, scores in inputs
            ],
        ]

    return compute


def _picks(found: list[Any]) -> np.ndarray:
    """Return the picks of users by id, the order that both sides share."""
    users, picks = found
    return np.array(picks)[np.argsort(users)]


def _row(strategy: str, name: str, **options: Any) -> Row:
    return Row(
        name=strategy,
        call=f'diversify(embeddings, scores, 10, "{strategy}", diversity=0.5) for each user',
        metric=name,
        options={"diversity": 0.5, **options},
        tables=("candidates", "items", "vectors"),
        convert=_inputs,
        compute=_compute(strategy),
        number=_picks,
        users=_FEW,
        tolerance=1e-3,
        because="candidates that are equal in single precision",
    )


ROWS = [
    _row("mmr", "MMR", distance="cosine(clip=true)", normalize="none"),
    _row("msd", "MSD", **_COSINE),
    _row("dpp", "DPP", distance="cosine"),
    _row("ssd", "SSD"),
    _row("cover", "Cover", gamma=0.5, **_COSINE),
]

if __name__ == "__main__":
    serve(ROWS, ("pyversity", "numpy", "pandas"))
