"""Gains along a list: cumulated gain, average precision, first hit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.types import Floats, ItemIds, Offsets, UserIds

__all__ = ["average_precision_rows", "dcg_rows", "first_hit_rows", "hit_rows", "ideal_dcg_rows"]


@kernel
def hit_rows(gains: Floats, lengths: ItemIds, k: int, weights: Floats, out: NDArray[np.float64]) -> None:
    """Add up the weights of the ranks of the relevant items among the first k; a gain of -1 marks the others."""
    for row in range(gains.shape[0]):
        total = 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            if gains[row, rank] >= 0:
                total += weights[rank]
        out[row] = total


@kernel
def dcg_rows(
    gains: Floats, lengths: ItemIds, k: int, discounts: Floats, exponential: bool, out: NDArray[np.float64]
) -> None:
    """Discounted cumulated gain of the first k items; `discounts` has at least k entries."""
    for row in range(gains.shape[0]):
        total = 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            gain = gains[row, rank]
            if gain > 0:
                total += (2.0**gain - 1.0 if exponential else gain) * discounts[rank]
        out[row] = total


@kernel
def ideal_dcg_rows(
    users: UserIds,
    starts: Offsets,
    best: Floats,
    k: int,
    discounts: Floats,
    exponential: bool,
    full: bool,
    out: NDArray[np.float64],
) -> None:
    """DCG of the best possible list of k items; `best` holds each user's gains, highest first.

    With `full` the list always has k hits, each with the user's highest gain.
    """
    for row in range(users.shape[0]):
        user = users[row]
        total = 0.0
        if user >= 0 and starts[user] < starts[user + 1]:
            start = starts[user]
            n = starts[user + 1] - start
            for rank in range(k):
                if rank >= n and not full:
                    break
                gain = best[start] if full else best[start + rank]
                total += (2.0**gain - 1.0 if exponential else gain) * discounts[rank]
        out[row] = total


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
