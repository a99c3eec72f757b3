"""The retrieval metrics of torchmetrics: flat tensors of predictions, targets and user numbers."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch
from torchmetrics.retrieval import RetrievalNormalizedDCG
from worker import Frames, K, Row, serve


def _tensors(frames: Frames) -> list[torch.Tensor]:
    """Join lists and test rows: a relevant item that is not listed must be there, below all that are.

    Equal where no list is shorter than the cutoff, because otherwise such an item would rise into it.
    """
    joined = frames["recs"].merge(frames["test"], how="outer", on=["user_id", "item_id"])
    return [
        torch.from_numpy(joined["score"].fillna(0.0).to_numpy().astype("float32")),
        torch.from_numpy(joined["rating"].fillna(0.0).to_numpy().astype("int64")),
        torch.from_numpy(pd.factorize(joined["user_id"])[0].astype("int64")),
    ]


def _compute(made: list[torch.Tensor]) -> Any:
    preds, target, indexes = made
    return RetrievalNormalizedDCG(top_k=K)(preds, target, indexes=indexes)


ROWS = [
    Row(
        name="ndcg",
        call="RetrievalNormalizedDCG(top_k=10)(preds, target, indexes=indexes)",
        metric="ndcg@10",
        tables=("recs", "test"),
        convert=_tensors,
        compute=_compute,
        tolerance=1e-5,
        because="it computes in single precision",
    )
]

if __name__ == "__main__":
    serve(ROWS, ("torchmetrics", "torch", "numpy", "pandas"))
