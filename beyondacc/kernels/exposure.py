"""How often each item is shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.types import ItemIds

__all__ = ["exposure_rows"]


@kernel
def exposure_rows(
    lists: ItemIds, lengths: ItemIds, k: int, by_rank: bool, slots: ItemIds, out: NDArray[np.int64]
) -> None:
    """Add up how often each item is among the first k, apart for each list length or for each rank.

    Parameters
    ----------
    slots : (longest + 1,)
        Which row of `out` holds the lists of a length, or with `by_rank` what stands at a rank.
    out : (slots, items)
        Added to.
    """
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        slot = np.uint32(slots[n])
        for rank in range(n):
            out[np.uint32(slots[rank]) if by_rank else slot, np.uint32(lists[row, rank])] += 1
