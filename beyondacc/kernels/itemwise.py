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
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    discounts: Floats,
    gains: Floats,
    background: float,
    out: NDArray[np.float64],
) -> None:
    """Write ``sum disc(r) rel(r) w(i_r) / sum disc(r)`` over the first k items.

    Items with a NaN weight are left out of both sums. With an empty `gains` every item is relevant, else those with a
    gain >= 0 weigh 1 and the others `background`.
    """
    for row in range(lists.shape[0]):
        total = 0.0
        scale = 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            weight = weights[lists[row, rank]]
            if np.isnan(weight):
                continue
            scale += discounts[rank]
            if gains.shape[0] == 0 or gains[row, rank] >= 0:
                total += discounts[rank] * weight
            else:
                total += discounts[rank] * weight * background
        out[row] = total / scale if scale > 0 else np.nan
