"""Gains along a list: cumulated gain, average precision, first hit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.types import Floats, ItemIds, Offsets, UserIds

__all__ = ["average_precision_rows", "dcg_rows", "first_hit_rows", "hit_rows", "ndcg_rows"]


@kernel
def hit_rows(gains: Floats, lengths: ItemIds, k: int, weights: Floats, out: NDArray[np.float64]) -> None:
    """Add up the weights of the ranks of the relevant items among the first k; a gain of -1 marks the others."""
    for row in range(gains.shape[0]):
        total = 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            total += weights[rank] if gains[row, rank] >= 0 else 0.0
        out[row] = total


@kernel
def dcg_rows(gains: Floats, lengths: ItemIds, k: int, discounts: Floats, out: NDArray[np.float64]) -> None:
    """Discounted cumulated gain of the first k items; `discounts` has at least k entries."""
    for row in range(gains.shape[0]):
        total = 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            total += (gains[row, rank] if gains[row, rank] > 0 else 0.0) * discounts[rank]
        out[row] = total


@kernel
def ndcg_rows(
    gains: Floats,
    lengths: ItemIds,
    users: UserIds,
    starts: Offsets,
    best: Floats,
    k: int,
    discounts: Floats,
    full: bool,
    of_hits: Floats,
    out: NDArray[np.float64],
) -> None:
    """Discounted cumulated gain over that of the best possible list of k items, NaN for users without any.

    Where no gain is above 0, the value is 0.

    Parameters
    ----------
    best
        Each user's gains, highest first.
    full
        The best list always has k hits, each with the user's highest gain.
    of_hits : (k + 1,)
        What a list is worth that begins with so many hits, where all gains are 1; else empty.
    """
    for row in range(gains.shape[0]):
        user = users[row]
        low, high = (starts[user], starts[user + 1]) if user >= 0 else (starts[0], starts[0])
        if low == high:
            out[row] = np.nan
            continue
        total, most = 0.0, 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            total += (gains[row, rank] if gains[row, rank] > 0 else 0.0) * discounts[rank]
        n = np.uint32(k if full or high - low > k else high - low)
        if of_hits.shape[0]:
            most = of_hits[n]
        else:
            for rank in range(n):
                most += best[low if full else low + rank] * discounts[rank]
        out[row] = total / most if most > 0 else 0.0


@kernel
def average_precision_rows(gains: Floats, lengths: ItemIds, k: int, out: NDArray[np.float64]) -> None:
    """Sum of the precisions at the ranks of the hits among the first k; the caller divides."""
    for row in range(gains.shape[0]):
        hits = 0
        total = 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            if gains[row, rank] >= 0:
                hits += 1
                total += hits / (rank + 1)
        out[row] = total


@kernel
def first_hit_rows(gains: Floats, lengths: ItemIds, k: int, out: NDArray[np.float64]) -> None:
    """Reciprocal rank of the first hit among the first k, 0 if there is none."""
    for row in range(gains.shape[0]):
        out[row] = 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            if gains[row, rank] >= 0:
                out[row] = 1.0 / (rank + 1)
                break
