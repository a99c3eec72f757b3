"""The same metrics by beyondacc, through its public interface, from the same frames as the peer."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from worker import Frames, Row, serve

import beyondacc as ba

#: As the pools of all workers, so that one number says what a process may use.
THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))


def _dataset(frames: Frames) -> ba.Dataset:
    items = frames.get("genres", frames.get("items"))
    return ba.Dataset(frames.get("train", frames.get("past")), frames.get("test"), items, vectors=frames.get("vectors"))


def _evaluation(theirs: dict[str, Any]) -> Row:
    def convert(frames: Frames) -> list[Any]:
        data = None if set(frames) <= {"recs", "popular"} else _dataset(frames)
        if data is None:  # a metric of the lists alone needs some catalogue, which they are
            data = ba.Dataset(train=frames["recs"][["user_id", "item_id"]])
        lists = [ba.Recommendations.read(frames[name], data) for name in ("recs", "popular") if name in frames]
        return [data, *lists]

    def compute(made: list[Any]) -> Any:
        data, recs, *primitive = made
        return ba.evaluate(
            recs,
            data,
            theirs["metric"],
            convention=theirs["convention"],
            primitive=primitive[0] if primitive else None,
            n_boot=0,
            threads=THREADS,
        )

    return _row(theirs, convert, compute, lambda report: float(report.value(report.metrics[0])))


def _reranking(theirs: dict[str, Any]) -> Row:
    chosen = getattr(ba, theirs["metric"])(**theirs["options"])

    def convert(frames: Frames) -> list[Any]:
        data = _dataset(frames)
        return [ba.Recommendations.read(frames["candidates"], data), data]

    def compute(made: list[Any]) -> Any:
        return chosen.rerank(*made, k=10, threads=THREADS)

    return _row(theirs, convert, compute, lambda lists: np.asarray(lists.input_ranks)[np.argsort(lists.users)])


def _row(theirs: dict[str, Any], convert: Any, compute: Any, number: Any) -> Row:
    return Row(
        name=theirs["name"],
        call="",
        metric=theirs["metric"],
        tables=tuple(theirs["tables"]),
        order=theirs["order"],
        convert=convert,
        compute=compute,
        number=number,
    )


def row_of(theirs: dict[str, Any]) -> Row:
    """Return our side of a peer's row."""
    return _evaluation(theirs) if theirs["options"] is None else _reranking(theirs)


if __name__ == "__main__":
    serve(row_of, ("beyondacc", "numba", "numpy", "pandas"))
