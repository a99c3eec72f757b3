"""The best k items of a block of scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.types import Int, ItemIds, Offsets, UserIds

__all__ = ["sift_down", "topk_rows"]

_STRIDE = 64


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
def _largest(bits: NDArray[Any], stride: Int, signs: NDArray[Any], largest: NDArray[Any]) -> None:
    """Write the largest of a stretch of `_STRIDE` numbers, read as whole numbers in the same order.

    -inf becomes 0, -0 what is just before 0, and NaN of either sign more than infinity, so that one maximum finds the
    largest and what must not be there; that of whole numbers is vectorised.
    """
    mask, sign, least = signs[0], signs[1], signs[2]
    part = bits[stride * _STRIDE : (stride + 1) * _STRIDE]
    most = largest.dtype.type(0)
    for place in range(part.shape[0]):
        whole = part[place]
        ascending = bits.dtype.type(whole ^ ((whole >> sign) & mask))
        number = largest.dtype.type(ascending - least)
        most = number if number > most else most
    largest[stride] = most


@kernel
def _select(numbers: NDArray[Any], n: Int, rank: Int) -> Any:
    """Return the number of a rank from 0 in falling order among the first n; moves them."""
    low, high = 0, n - 1
    while low < high:
        pivot = numbers[(low + high) >> 1]
        left, right = low, high
        while left <= right:
            while numbers[left] > pivot:
                left += 1
            while numbers[right] < pivot:
                right -= 1
            if left <= right:
                numbers[left], numbers[right] = numbers[right], numbers[left]
                left += 1
                right -= 1
        if rank <= right:
            high = right
        elif rank >= left:
            low = left
        else:
            break
    return numbers[rank]


@kernel
def _topk_rows(
    scores: NDArray[Any],
    bits: NDArray[Any],
    signs: NDArray[Any],
    largest: NDArray[Any],
    ordered: NDArray[Any],
    floor: NDArray[Any],
    least_wanted: NDArray[Any],
    keys: NDArray[Any],
    kept: ItemIds,
    users: UserIds,
    starts: Offsets,
    seen: ItemIds,
    banned: ItemIds,
    lists: ItemIds,
    best: NDArray[Any],
    lengths: ItemIds,
) -> int:
    """Do what `topk_rows` says.

    Parameters
    ----------
    bits
        The scores, as whole numbers.
    signs
        All bits but the sign, the place of the sign, and what -inf is in ascending order.
    largest, ordered : (strides,)
        Anything, as whole numbers.
    floor, least_wanted : (1,)
        The same memory as a whole number and as a score.
    keys, kept : (k,)
        Anything: scores and items.
    """
    k = lists.shape[1]
    n_items = scores.shape[1]
    n_strides = largest.shape[0]
    nothing = largest.dtype.type(0)
    mask, sign, least_bits = signs[0], signs[1], signs[2]
    zero, infinity = largest.dtype.type(-least_bits), largest.dtype.type(-1 - 2 * least_bits)
    for row in range(scores.shape[0]):
        own = scores[row]
        user = users[row]
        for stride in range(n_strides):
            _largest(bits[row], stride, signs, largest)
        for stride in range(n_strides):
            if largest[stride] >= infinity:
                return row
        # only now, when the row is in the cache
        stale = np.int64(-1)
        if user >= 0:
            for position in range(starts[user], starts[user + 1]):
                own[seen[position]] = -np.inf
                if seen[position] // _STRIDE != stale:
                    if stale >= 0:
                        _largest(bits[row], stale, signs, largest)
                    stale = np.int64(seen[position] // _STRIDE)
        for item in banned:
            own[item] = -np.inf
            if item // _STRIDE != stale:
                if stale >= 0:
                    _largest(bits[row], stale, signs, largest)
                stale = np.int64(item // _STRIDE)
        if stale >= 0:
            _largest(bits[row], stale, signs, largest)
        # k strides have an item as good as the k-th largest of their largest: no item below that is listed
        lowest = nothing
        if n_strides > k:
            for stride in range(n_strides):
                ordered[stride] = largest[stride]
            lowest = _select(ordered, n_strides, k - 1)
            lowest = lowest - largest.dtype.type(lowest == zero)  # -0 is not below 0
        # NumPy, where nothing is compiled, makes a float of the sum of a signed and an unsigned number
        ascending = bits.dtype.type(bits.dtype.type(lowest) + least_bits)
        floor[0] = ascending ^ ((ascending >> sign) & mask)
        for rank in range(k):
            keys[rank] = -np.inf
            kept[rank] = n_items  # worse than any real item with the same score
        least = keys[0]
        for stride in range(n_strides):
            if largest[stride] < lowest:
                continue
            for item in range(stride * _STRIDE, min(n_items, (stride + 1) * _STRIDE)):
                score = own[item]
                if score <= least or score < least_wanted[0]:
                    continue
                keys[0] = score
                kept[0] = item
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
    single = scores.dtype.itemsize == 4
    bits: NDArray[Any] = scores.view(np.int32 if single else np.int64)
    most = int(np.iinfo(bits.dtype).max)
    infinity = int(np.array(np.inf, scores.dtype).view(bits.dtype))
    signs = np.array([most, np.iinfo(bits.dtype).bits - 1, -1 - infinity], bits.dtype)
    largest: NDArray[Any] = np.empty(-(-scores.shape[1] // _STRIDE), np.uint32 if single else np.uint64)
    floor, k = np.empty(1, bits.dtype), lists.shape[1]
    threshold = floor, floor.view(scores.dtype)
    heap = np.empty(k, scores.dtype), np.empty(k, np.int32)
    with np.errstate(over="ignore"):  # whole numbers wrap around, also where nothing is compiled
        return _topk_rows(
            *(scores, bits, signs, largest, np.empty_like(largest), *threshold, *heap),
            *(users, starts, seen, banned, lists, best, lengths),
        )
