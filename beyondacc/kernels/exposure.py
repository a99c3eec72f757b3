"""How often each item is shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.types import ItemIds

__all__ = ["exposure_rows"]


@kernel
def exposure_rows(
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    by_rank: bool,
    slots: ItemIds,
    weights: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Add up how often each item is among the first k, apart for each list length or for each rank.

    Parameters
    ----------
    slots : (longest + 1,)
        Which slice of `out` holds the lists of a length, or with `by_rank` what stands at a rank.
    weights : (replicates, rows)
        How often a row counts, for each replicate of a bootstrap; ones for the plain count.
    out : (replicates, slots, items)
        Added to.
    """
    for replicate in range(weights.shape[0]):
        for row in range(lists.shape[0]):
            weight = weights[replicate, row]
            if weight == 0:
                continue
            n = lengths[row] if lengths[row] < k else k
            slot = slots[n]
            for rank in range(n):
                out[replicate, slots[rank] if by_rank else slot, lists[row, rank]] += weight
