"""Lists against the user's past and against what a primitive model would have shown."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.align import mark
from beyondacc.kernels.distance import squared_distance
from beyondacc.kernels.intrinsics import lowest_bit, popcount, prefetch
from beyondacc.kernels.jit import helper, kernel, reduction, scratch_kernel
from beyondacc.kernels.products import dot
from beyondacc.types import Bools, Floats, Int, ItemIds, Offsets, UserIds

__all__ = [
    "ahead_of_popularity_rows",
    "ahead_of_primitive_rows",
    "centroid_rows",
    "popular_rows",
    "unexpected_rows",
]

_AHEAD = 8
_WORD = 64


@scratch_kernel
def popular_rows(
    users: UserIds, starts: Offsets, items: ItemIds, n_items: int, order: ItemIds, out: ItemIds, lengths: ItemIds
) -> None:
    """Fill each list with the first items of `order` that are not in the user's profile.

    The first 64 are the bits of a word, of which the profile takes its own away; further ones are only looked for where
    too few are left.
    """
    place = np.empty(n_items, np.int64)
    bits = np.zeros(n_items, np.uint64)
    first = min(order.shape[0], _WORD)
    for rank in range(first):
        bits[order[rank]] = np.uint64(1) << np.uint64(rank)
    whole = ~np.uint64(0) >> np.uint64(_WORD - first) if first else np.uint64(0)
    for row in range(users.shape[0]):
        user = users[row]
        low, high = (starts[user], starts[user + 1]) if user >= 0 else (starts[0], starts[0])
        own = np.uint64(0)
        for position in range(low, high):
            own |= bits[np.uint32(items[position])]
        left = whole & ~own
        if popcount(left) >= out.shape[1] or first == order.shape[0]:
            n = min(popcount(left), out.shape[1])
            for rank in range(n):
                out[row, rank] = order[lowest_bit(left)]
                left &= left - np.uint64(1)
            lengths[row] = n
            continue
        mark(items, low, high, place)
        filled = 0
        for item in order:
            if filled == out.shape[1]:
                break
            position = place[item]
            if not (low <= position < high and items[position] == item):
                out[row, filled] = item
                filled += 1
        lengths[row] = filled


@scratch_kernel
def _n_items(lists: ItemIds, others: ItemIds) -> int:
    """Return how many items there are at most."""
    highest = np.int32(-1)
    for items in (lists.reshape(-1), others.reshape(-1)):
        for place in range(items.shape[0]):
            highest = max(highest, items[place])
    return int(highest) + 1


@scratch_kernel
def unexpected_rows(
    lists: ItemIds, lengths: ItemIds, k: int, expected: ItemIds, gains: Floats, out: NDArray[np.float64]
) -> None:
    """Count the first k items that are not among the expected ones; with `gains`, only the relevant of them.

    `expected` may hold -1 anywhere.
    """
    expected_by = np.full(_n_items(lists, expected), -1, np.int32)  # the last row that expects an item
    for row in range(lists.shape[0]):
        for rank in range(expected.shape[1]):
            if expected[row, rank] >= 0:
                expected_by[np.uint32(expected[row, rank])] = row
        unexpected = 0
        for rank in range(lengths[row] if lengths[row] < k else k):
            counts = gains[row, rank] >= 0 if gains.shape[0] else True
            unexpected += counts & (expected_by[np.uint32(lists[row, rank])] != row)
        out[row] = unexpected


@kernel
def ahead_of_popularity_rows(
    lists: ItemIds, lengths: ItemIds, k: int, gains: Floats, anybody: Floats, n_items: int, out: NDArray[np.float64]
) -> None:
    """Add up how far the first k items, if relevant, stand higher in the list than they would in everybody's.

    A rank r is worth 1 - r/n_items; `anybody` holds what each item is worth to everybody.
    """
    for row in range(lists.shape[0]):
        total = 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            if gains[row, rank] >= 0:
                ahead = (n_items - rank) / n_items - anybody[lists[row, rank]]
                if ahead > 0:
                    total += ahead
        out[row] = total


@helper
def _worth(scores: Floats, row: int, n: Int, out: NDArray[np.float64]) -> None:
    """Scale the first n scores of a row to 0..1, all to 0 where they are equal; without scores write 1/(rank + 1)."""
    if scores.shape[0] == 0:
        for rank in range(n):
            out[rank] = 1.0 / (rank + 1)
        return
    low = np.inf
    high = -np.inf
    for rank in range(n):
        low = scores[row, rank] if scores[row, rank] < low else low
        high = scores[row, rank] if scores[row, rank] > high else high
    for rank in range(n):
        out[rank] = (scores[row, rank] - low) / (high - low) if high > low else 0.0


@scratch_kernel
def ahead_of_primitive_rows(
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    scores: Floats,
    gains: Floats,
    expected: ItemIds,
    expected_lengths: ItemIds,
    expected_scores: Floats,
    out: NDArray[np.float64],
) -> None:
    """Add up, over the relevant of the first k items, how much more they are worth than to a primitive model.

    Each item counts by the precision at its rank. The scores of a list, and of all that is expected, are scaled to
    0..1; empty arrays stand for no scores. Items that are not expected are worth 0 to the primitive model.
    """
    n_items = _n_items(lists, expected)
    expected_by = np.full(n_items, -1, np.int64)  # the last row that expects an item
    expected_worth = np.empty(n_items)
    own = np.empty(lists.shape[1])
    other = np.empty(expected.shape[1])
    for row in range(lists.shape[0]):
        n = np.int64(lengths[row] if lengths[row] < k else k)
        _worth(scores, row, n, own)
        _worth(expected_scores, row, np.int64(expected_lengths[row]), other)
        for rank in range(expected_lengths[row]):
            expected_by[expected[row, rank]] = row
            expected_worth[expected[row, rank]] = other[rank]
        hits = 0
        total = 0.0
        for rank in range(n):
            if gains[row, rank] < 0:
                continue
            hits += 1
            item = lists[row, rank]
            ahead = own[rank] - (expected_worth[item] if expected_by[item] == row else 0.0)
            if ahead > 0:
                total += ahead * hits / (rank + 1)
        out[row] = total


@reduction
def _square(row: Floats) -> float:
    """Return the squared norm of a row, in double precision."""
    total = 0.0
    for place in range(row.shape[0]):
        total += np.float64(row[place]) * np.float64(row[place])
    return total


@reduction
def _add_rows(rows: Floats, empty: Bools, items: ItemIds, low: Int, high: Int, per_line: int, total: Floats) -> int:
    """Add up the rows of ``items[low:high]`` and return how many of them are not zeros.

    Four at a time, so that the sum is read and written once for four; rows lie anywhere in memory, so that those of the
    next ones, also of the next user, are asked for while these are added.
    """
    width, last = rows.shape[1], items.shape[0] - 1
    total[:] = 0.0
    n = 0
    fours = low + (high - low) // 4 * 4
    for position in range(low, fours, 4):
        for further in range(4):
            first = np.int64(items[min(position + _AHEAD + further, last)]) * width
            for column in range(0, width, per_line):
                prefetch(rows, first + column)
        a, b = np.uint32(items[position]), np.uint32(items[position + 1])
        c, d = np.uint32(items[position + 2]), np.uint32(items[position + 3])
        n += 4 - (int(empty[a]) + int(empty[b]) + int(empty[c]) + int(empty[d]))
        for column in range(width):
            pair = np.float64(rows[a, column]) + np.float64(rows[b, column])
            total[column] += pair + (np.float64(rows[c, column]) + np.float64(rows[d, column]))
    for position in range(fours, high):
        item = np.uint32(items[position])
        n += not empty[item]
        for column in range(width):
            total[column] += rows[item, column]
    return n


@scratch_kernel
def centroid_rows(
    rows: Floats,
    empty: Bools,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    cosine: bool,
    out: NDArray[np.float64],
) -> None:
    """Distance of each of the first k items to the mean of the user's profile; rows of zeros are left out.

    Parameters
    ----------
    rows : (n_items, d)
    empty : (n_items,)
        Which rows are zeros.
    cosine
        1 - cos, else the Euclidean distance.
    out : (rows, k)
        Written where there is a distance.
    """
    width = rows.shape[1]
    per_line = 64 // rows.itemsize
    centre = np.empty(width)
    for row in range(lists.shape[0]):
        user = users[row]
        if user < 0:
            continue
        n = _add_rows(rows, empty, items, starts[user], starts[user + 1], per_line, centre)
        if n == 0:
            continue
        for column in range(width):
            centre[column] /= n
        square = dot(centre, centre)
        if cosine and square == 0:
            continue
        for rank in range(lengths[row] if lengths[row] < k else k):
            item = lists[row, rank]
            if empty[item]:
                continue
            if cosine:
                distance = 1.0 - dot(rows[item], centre) / (math.sqrt(_square(rows[item])) * math.sqrt(square))
                out[row, rank] = 0.0 if distance < 0 else 2.0 if distance > 2 else distance
            else:
                out[row, rank] = math.sqrt(squared_distance(rows[item], centre))
