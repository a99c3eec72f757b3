"""Metrics that weigh each item on its own: every novelty metric is this loop with other weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import helper, kernel
from beyondacc.types import Floats, ItemIds

__all__ = ["REJECTED", "weighted_mean_rows"]

REJECTED = -2.0  # the gain of an item that was judged not relevant, where that is told from not being judged


@helper
def _has_nan(weights: Floats) -> bool:
    """Tell whether the first row has one; a count, so that it is vectorised."""
    found = 0
    for place in range(weights.shape[1]):
        found += np.isnan(weights[0, place])
    return found > 0


@kernel
def weighted_mean_rows(
    weights: Floats,
    of_items: bool,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    discounts: Floats,
    gains: Floats,
    background: float,
    every_rank: bool,
    out: NDArray[np.float64],
) -> None:
    """Write ``sum disc(r) rel(r) w(i_r) / sum disc(r)`` over the first k items.

    Where every item has a weight and all count alike, the lower sum is that of the ranks, and only the upper is added.

    Parameters
    ----------
    weights
        With `of_items` of shape (1, items), else (rows, ranks). NaN leaves an item out of both sums.
    gains
        Empty where every item is relevant; else items with a gain >= 0 weigh 1, those of `REJECTED` 0 and the others
        `background`.
    every_rank
        Divide by the discounts of all k ranks, as if those that hold no weight held 0.
    """
    whole = 0.0
    for rank in range(k):
        whole += discounts[rank]
    if of_items and gains.shape[0] == 0 and not _has_nan(weights):
        even = True
        for rank in range(k):
            even &= discounts[rank] == 1
        length, by = 0, np.nan  # of the list before: most are of one length
        for row in range(lists.shape[0]):
            n = lengths[row] if lengths[row] < k else k
            if n != length:
                length, by = n, 0.0
                for rank in range(n):
                    by += discounts[rank]
                by = np.nan if by == 0 else whole if every_rank else by
            total = 0.0
            if even:
                for rank in range(n):
                    total += weights[0, np.uint32(lists[row, rank])]
            else:
                for rank in range(n):
                    total += discounts[rank] * weights[0, np.uint32(lists[row, rank])]
            out[row] = total / by
        return
    for row in range(lists.shape[0]):
        total = 0.0
        scale = 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            weight = weights[0, lists[row, rank]] if of_items else weights[row, rank]
            if np.isnan(weight):
                continue
            scale += discounts[rank]
            if gains.shape[0] == 0 or gains[row, rank] >= 0:
                total += discounts[rank] * weight
            elif gains[row, rank] != REJECTED:
                total += discounts[rank] * weight * background
        if scale == 0:
            out[row] = np.nan
        else:
            out[row] = total / (whole if every_rank else scale)
