"""How often each item is shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.types import ItemIds, Offsets

__all__ = ["exposure_rows"]


@kernel
def exposure_rows(
    starts: Offsets, lengths: ItemIds, items: ItemIds, by_rank: bool, slots: ItemIds, out: NDArray[np.int64]
) -> None:
    """Add up how often each item is listed, apart for each list length or for each rank.

    Parameters
    ----------
    starts, lengths, items
        Lists, as in `data.ragged`.
    slots : (longest + 1,)
        Which row of `out` holds the lists of a length, or with `by_rank` what stands at a rank.
    out : (slots, items)
        Added to.
    """
    for row in range(starts.shape[0]):
        n, first = lengths[row], starts[row]
        slot = np.uint32(slots[n])
        for rank in range(n):
            out[np.uint32(slots[rank]) if by_rank else slot, np.uint32(items[first + rank])] += 1
