"""Where the items of one list stand in another."""

from __future__ import annotations

import numpy as np

from beyondacc.kernels.jit import scratch_kernel
from beyondacc.types import ItemIds, Offsets

__all__ = ["rank_rows"]


@scratch_kernel
def rank_rows(lists: ItemIds, starts: Offsets, lengths: ItemIds, others: ItemIds, n_items: int, out: ItemIds) -> None:
    """Write the rank of each item of `lists` in the other list of the same row, -1 where it does not stand there.

    `lists` is padded with -1, which also stands for items that no other list holds. The other lists begin at `starts`
    in `others`; `n_items` is more than any item of theirs.
    """
    owners = np.full(n_items, -1, np.int32)
    ranks = np.empty(n_items, np.int32)
    for row in range(lists.shape[0]):
        for rank in range(lengths[row]):
            item = others[starts[row] + rank]
            owners[item] = row
            ranks[item] = rank
        for rank in range(lists.shape[1]):
            item = lists[row, rank]
            out[row, rank] = ranks[item] if item >= 0 and owners[item] == row else -1
