"""From rows to compressed rows, and from lists to the gains of their items."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel, scratch_kernel
from beyondacc.kernels.sorting import sort_by
from beyondacc.types import Bools, Floats, ItemIds, Offsets, UserIds

__all__ = [
    "drop_seen_rows",
    "gain_rows",
    "group_rows",
    "list_rows",
    "mark",
    "order_rows",
    "repeated_rows",
    "tied_rows",
    "transpose_rows",
]


@scratch_kernel
def group_rows(rows: NDArray[np.int32], starts: Offsets, order: Offsets) -> None:
    """Sort by counting: `order` lists the positions of row 0, then of row 1, ..., each in input order.

    `starts` holds zeros, shape ``(n + 1,)``, and becomes the row pointers.
    """
    n = starts.shape[0] - 1
    for position in range(rows.shape[0]):
        starts[rows[position] + 1] += 1
    for row in range(n):
        starts[row + 1] += starts[row]
    cursor = starts[:n].copy()
    for position in range(rows.shape[0]):
        row = rows[position]
        order[cursor[row]] = position
        cursor[row] += 1


@scratch_kernel
def transpose_rows(starts: Offsets, items: ItemIds, item_starts: Offsets, users: UserIds) -> None:
    """Turn compressed rows into compressed columns: which rows hold each item, ascending.

    `item_starts` holds zeros, shape ``(n + 1,)``, and becomes the column pointers.
    """
    n = item_starts.shape[0] - 1
    for item in items:
        item_starts[item + 1] += 1
    for item in range(n):
        item_starts[item + 1] += item_starts[item]
    cursor = item_starts[:n].copy()
    for user in range(starts.shape[0] - 1):
        for position in range(starts[user], starts[user + 1]):
            users[cursor[items[position]]] = user
            cursor[items[position]] += 1


@scratch_kernel
def order_rows(starts: Offsets, order: Offsets, keys: Floats) -> None:
    """Sort the positions of each row by ascending key, in place; equal keys keep their order."""
    longest = 0
    for row in range(starts.shape[0] - 1):
        longest = max(longest, starts[row + 1] - starts[row])
    own = np.empty(longest)
    ranks, spare = np.empty(longest, np.int64), np.empty(longest, np.int64)
    for row in range(starts.shape[0] - 1):
        first, n = starts[row], starts[row + 1] - starts[row]
        ordered = True
        for place in range(n):
            own[place] = keys[order[first + place]]
            ranks[place] = place
            ordered = ordered and not (place and own[place] < own[place - 1])
        if ordered:
            continue
        sort_by(own, ranks, spare, n)
        for place in range(n):
            spare[place] = order[first + ranks[place]]
        for place in range(n):
            order[first + place] = spare[place]


@scratch_kernel
def repeated_rows(starts: Offsets, order: Offsets, items: ItemIds, n_items: int, repeated: Bools) -> None:
    """Mark every position whose item stands earlier in the same row."""
    last_row = np.full(n_items, -1, np.int64)
    for row in range(starts.shape[0] - 1):
        for place in range(starts[row], starts[row + 1]):
            position = order[place]
            if last_row[items[position]] == row:
                repeated[position] = True
            last_row[items[position]] = row


@kernel
def list_rows(starts: Offsets, order: Offsets, items: ItemIds, skip: Bools, lists: ItemIds, places: Offsets) -> None:
    """Write the items of each row into a padded matrix, leaving out those marked in `skip`.

    `places`, shaped like `lists`, receives the input position of each item. Rows longer than the matrix are cut.
    """
    for row in range(starts.shape[0] - 1):
        filled = 0
        for place in range(starts[row], starts[row + 1]):
            if filled == lists.shape[1]:
                break
            position = order[place]
            if skip[position]:
                continue
            lists[row, filled] = items[position]
            places[row, filled] = position
            filled += 1


@kernel
def mark(items: ItemIds, low: int, high: int, place: NDArray[np.int64]) -> None:
    """Note at which position of ``items[low:high]`` each item stands; of equal ones the last.

    An item is there if what `place` holds for it lies from `low` to `high` and ``items`` has the item at that position.
    Whatever else `place` holds, from another row or from nowhere, tells of itself that it is not meant, so that it need
    neither be initialised nor cleared (Briggs & Torczon 1993, ACM LOPLAS 2). Callers spell this test out: numba counts
    references to an array at each call, which takes longer than the test.
    """
    for position in range(low, high):
        place[items[position]] = position


@scratch_kernel
def gain_rows(
    lists: ItemIds,
    lengths: ItemIds,
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    gains: Floats,
    n_items: int,
    out: Floats,
) -> None:
    """Write the gain of each listed item for its user, -1 where the item is not among the user's own."""
    place = np.empty(n_items, np.int64)
    for row in range(lists.shape[0]):
        user = users[row]
        for rank in range(lists.shape[1]):
            out[row, rank] = -1.0
        if user < 0:
            continue
        low, high = starts[user], starts[user + 1]
        mark(items, low, high, place)
        for rank in range(lengths[row]):
            item = lists[row, rank]
            position = place[item]
            if low <= position < high and items[position] == item:
                out[row, rank] = gains[position]


@scratch_kernel
def drop_seen_rows(
    lists: ItemIds,
    scores: NDArray[Any],
    lengths: ItemIds,
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    n_items: int,
) -> None:
    """Take the items of the user's own row out of each list, in place; the rest moves up."""
    place = np.empty(n_items, np.int64)
    for row in range(lists.shape[0]):
        user = users[row]
        if user < 0:
            continue
        low, high = starts[user], starts[user + 1]
        mark(items, low, high, place)
        kept = 0
        for rank in range(lengths[row]):
            item = lists[row, rank]
            position = place[item]
            if not (low <= position < high and items[position] == item):
                lists[row, kept] = item
                if scores.shape[0]:
                    scores[row, kept] = scores[row, rank]
                kept += 1
        for rank in range(kept, lengths[row]):
            lists[row, rank] = -1
        lengths[row] = kept


@kernel
def tied_rows(scores: Floats, lengths: ItemIds, k: int) -> int:
    """Count the lists with two equal neighbouring scores among their first k items."""
    tied = 0
    for row in range(scores.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        for rank in range(1, n):
            if scores[row, rank] == scores[row, rank - 1]:
                tied += 1
                break
    return tied
