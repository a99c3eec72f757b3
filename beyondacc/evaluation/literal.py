"""Ranks as they are written: lists whose gaps stay, as in tools that read a rank and not an order."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from beyondacc.bound.batch import Batch
from beyondacc.data.ragged import Lists
from beyondacc.data.vocabulary import Vocabulary
from beyondacc.metrics.base.metric import Metric

__all__ = ["by_written_rank"]


def by_written_rank(batch: Batch, metrics: Sequence[Metric]) -> list[tuple[Batch, list[Metric]]]:
    """Return what each metric is computed from where an item counts at the rank that is written beside it.

    Accuracy is that of lists in which an item that nobody knows stands in each gap; other metrics see the items whose
    rank is within their cutoff.
    """
    if batch.ranked.ranks is None:
        return [(batch, list(metrics))]
    accuracy = [metric for metric in metrics if metric.family.family == "accuracy"]
    found = [(_spread(batch, max(metric.k for metric in accuracy)), accuracy)] if accuracy else []
    others = [metric for metric in metrics if metric not in accuracy]
    cutoffs = sorted({metric.k for metric in others})
    return found + [(_within(batch, k), [metric for metric in others if metric.k == k]) for k in cutoffs]


def _spread(batch: Batch, k: int) -> Batch:
    """Return lists of at most k items with one that nobody knows in each gap."""
    ranked, ids = batch.ranked, batch.items.ids
    assert ranked.ranks is not None  # noqa: S101 - who calls looked
    rows, order, places = ranked.flat()
    # of items with one rank the later comes after the earlier: places rise by one or more
    beyond = k + len(order) + 1
    ahead = np.minimum(ranked.ranks[places], k) - order + rows * beyond
    at = np.maximum.accumulate(ahead) - rows * beyond + order if len(order) else order
    kept = at < k
    lengths = np.zeros(len(ranked), np.int64)
    np.maximum.at(lengths, rows[kept], at[kept] + 1)
    starts = np.cumsum(lengths) - lengths
    items = np.full(int(lengths.sum()), len(ids), np.int32)
    items[starts[rows[kept]] + at[kept]] = ranked.items[places[kept]]
    spread = Lists(starts, lengths.astype(np.int32), items)
    return dataclasses.replace(batch, ranked=spread, items=Vocabulary(ids.append(_nobody(ids)), checked=True))


def _within(batch: Batch, k: int) -> Batch:
    """Return lists of the items whose rank is among the first k."""
    ranked = batch.ranked
    assert ranked.ranks is not None  # noqa: S101 - who calls looked
    rows, _, places = ranked.flat()
    lengths = np.bincount(rows[ranked.ranks[places] < k], minlength=len(ranked)).astype(np.int32)
    return dataclasses.replace(batch, ranked=dataclasses.replace(ranked, lengths=lengths, stride=0, ranks=None))


def _nobody(ids: pd.Index[Any]) -> pd.Index[Any]:
    """Return an id that is none of some."""
    if pd.api.types.is_integer_dtype(ids.dtype):
        return pd.Index([int(ids.max()) + 1 if len(ids) and ids.max() < 2**62 else -1], dtype=ids.dtype)
    return pd.Index(["\0" * (1 + int(ids.str.len().max() if len(ids) else 0))], dtype=ids.dtype)
