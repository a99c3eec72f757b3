"""The best k items of a block of scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.types import ItemIds, Offsets, UserIds

__all__ = ["sift_down", "topk_rows"]

_STRIDE = 32


@kernel
def sift_down(keys: NDArray[Any], items: ItemIds, size: int) -> None:
    """Restore the heap of the best after its root changed.

    The root is the worst: the least score, and of equals the highest item.
    """
    parent = 0
    key = keys[0]
    item = items[0]
    while True:
        child = 2 * parent + 1
        if child >= size:
            break
        right = child + 1
        if right < size and (keys[right] < keys[child] or (keys[right] == keys[child] and items[right] > items[child])):
            child = right
        if key < keys[child] or (key == keys[child] and item > items[child]):
            break
        keys[parent] = keys[child]
        items[parent] = items[child]
        parent = child
    keys[parent] = key
    items[parent] = item


@kernel
def topk_rows(
    scores: NDArray[Any],
    users: UserIds,
    starts: Offsets,
    seen: ItemIds,
    banned: ItemIds,
    lists: ItemIds,
    best: NDArray[Any],
    lengths: ItemIds,
) -> int:
    """Write the items with the highest scores, best first; equal scores go to the lower item.

    Parameters
    ----------
    scores : (rows, n_items)
        Overwritten: items of the user's row of `seen` and all of `banned` become -inf. -inf is never listed.
    lists, best : (rows, k)
        Padded with -1 and NaN.

    Returns
    -------
    int
        The first row with a NaN or +inf score, -1 if there is none.
    """
    k = lists.shape[1]
    n_items = scores.shape[1]
    keys = np.empty(k, scores.dtype)
    kept = np.empty(k, np.int32)
    for row in range(scores.shape[0]):
        own = scores[row]
        user = users[row]
        if user >= 0:
            for position in range(starts[user], starts[user + 1]):
                if own[seen[position]] < np.inf:  # keeps a NaN or +inf where it can be found
                    own[seen[position]] = -np.inf
        for item in banned:
            if own[item] < np.inf:
                own[item] = -np.inf
        for rank in range(k):
            keys[rank] = -np.inf
            kept[rank] = n_items  # worse than any real item with the same score
        least = keys[0]
        for begin in range(0, n_items, _STRIDE):
            stride = own[begin : begin + _STRIDE]  # indices that start at 0 let the next loop be vectorised
            better = 0
            for place in range(stride.shape[0]):
                better += not stride[place] <= least
            if better == 0:  # so it is for most strides
                continue
            for place in range(stride.shape[0]):
                score = stride[place]
                if score <= least:
                    continue
                if not score < np.inf:
                    return row
                keys[0] = score
                kept[0] = begin + place
                sift_down(keys, kept, k)
                least = keys[0]
        for size in range(k - 1, 0, -1):
            key = keys[size]
            item = kept[size]
            keys[size] = keys[0]
            kept[size] = kept[0]
            keys[0] = key
            kept[0] = item
            sift_down(keys, kept, size)
        filled = 0
        while filled < k and keys[filled] > -np.inf:
            lists[row, filled] = kept[filled]
            best[row, filled] = keys[filled]
            filled += 1
        for rank in range(filled, k):
            lists[row, rank] = -1
            best[row, rank] = np.nan
        lengths[row] = filled
    return -1
