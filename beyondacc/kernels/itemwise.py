"""Metrics that weigh each item on its own: every novelty metric is this loop with other weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.types import Floats, ItemIds

__all__ = ["weighted_mean_rows"]


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

    Parameters
    ----------
    weights
        With `of_items` of shape (1, items), else (rows, ranks). NaN leaves an item out of both sums.
    gains
        Empty where every item is relevant; else items with a gain >= 0 weigh 1 and the others `background`.
    every_rank
        Divide by the discounts of all k ranks, as if those that hold no weight held 0.
    """
    whole = 0.0
    for rank in range(k):
        whole += discounts[rank]
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
            else:
                total += discounts[rank] * weight * background
        if scale == 0:
            out[row] = np.nan
        else:
            out[row] = total / (whole if every_rank else scale)
