"""From rows to compressed rows, and from lists to the gains of their items."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.intrinsics import prefetch
from beyondacc.kernels.jit import kernel, scratch_kernel
from beyondacc.kernels.sorting import sort_by
from beyondacc.types import Floats, Int, ItemIds, Offsets, UserIds

__all__ = [
    "drop_seen_rows",
    "gain_rows",
    "group_rows",
    "length_rows",
    "list_rows",
    "mark",
    "size_rows",
    "tied_rows",
    "transpose_rows",
]

_AHEAD = 8  # rows whose memory is asked for before it is needed
_LINE = 8  # 64-bit numbers in a line of the cache


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


@kernel
def list_rows(
    firsts: Offsets,
    lengths: Offsets,
    low: Int,
    high: Int,
    order: Offsets,
    codes: ItemIds,
    table: ItemIds,
    ranks: Floats,
    scores: Floats,
    last: NDArray[np.int32],
    keys: NDArray[np.float64],
    places: NDArray[np.int64],
    spare: NDArray[np.int64],
    lists: ItemIds,
    listed_scores: NDArray[np.float64],
) -> int:
    """Write the items of the rows from `low` to before `high` into a padded matrix, the best first, each item once.

    Rows longer than the matrix are cut.

    Parameters
    ----------
    firsts, lengths
        Where each row begins and how many input rows it has.
    order
        The input row at each position, or empty: the position itself.
    codes, table
        The code of each input row, and the item of each code.
    ranks, scores
        Of the input rows, or empty. The rows are sorted by rank, else by falling score; equal ones keep their order.
    last
        Holds -1 for each item.
    keys, places, spare
        Memory that is given, each as long as the longest row.
    lists, listed_scores
        Receive items, -1 where a list ends, and their scores, NaN there; the latter may be empty.

    Returns
    -------
    int
        The first input row whose item stands earlier in its list, or -1.
    """
    ranked, scored, scattered = ranks.shape[0] > 0, scores.shape[0] > 0, order.shape[0] > 0
    repeated = -1
    for row in range(low, high):
        first, n = firsts[row], lengths[row]
        if not scattered and row + _AHEAD < high:  # rows lie in any order
            coming = firsts[row + _AHEAD]
            prefetch(codes, coming)
            prefetch(codes, coming + lengths[row + _AHEAD])
            if ranked:
                prefetch(ranks, coming)
                prefetch(ranks, coming + _LINE)
            if scored:
                prefetch(scores, coming)
                prefetch(scores, coming + _LINE)
        falls = 0
        if not scattered:
            for place in range(first + 1, first + n if ranked else first):
                falls += ranks[place] < ranks[place - 1]
            for place in range(first + 1, first + n if scored and not ranked else first):
                falls += scores[place] > scores[place - 1]
        chosen = scattered or falls > 0
        if chosen:
            for place in range(n):
                position = order[first + place] if scattered else first + place
                places[place] = place
                keys[place] = ranks[position] if ranked else -scores[position] if scored else 0.0
            sort_by(keys, places, spare, n)
        filled = 0
        for place in range(n):
            position = first + (places[place] if chosen else place)
            if scattered:
                position = order[position]
            item = table[codes[position]]
            if last[item] == row:
                if repeated < 0 or position < repeated:
                    repeated = position
                continue
            last[item] = row
            if filled < lists.shape[1]:
                lists[row, filled] = item
                if scored:
                    listed_scores[row, filled] = scores[position]
                filled += 1
        for rank in range(filled, lists.shape[1]):
            lists[row, rank] = -1
            if scored:
                listed_scores[row, rank] = np.nan
    return repeated


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
    """Write the gain of each listed item for its user, -1 where the item is not among the user's own.

    The user's gains are written into an array of all items and taken out of it again, so that no item asks a question
    whose answer the processor would have to guess.
    """
    gain_of = np.full(n_items, -1.0)
    for row in range(lists.shape[0]):
        user = users[row]
        low, high = (starts[user], starts[user + 1]) if user >= 0 else (starts[0], starts[0])
        for position in range(low, high):
            gain_of[np.uint32(items[position])] = gains[position]
        n = lengths[row]
        for rank in range(n):
            out[row, rank] = gain_of[np.uint32(lists[row, rank])]
        for rank in range(n, lists.shape[1]):
            out[row, rank] = -1.0
        for position in range(low, high):
            gain_of[np.uint32(items[position])] = -1.0


@kernel
def length_rows(lists: ItemIds, out: NDArray[np.int32]) -> None:
    """Write how many items each list holds before the -1 that pad it."""
    for row in range(lists.shape[0]):
        n = lists.shape[1]
        while n > 0 and lists[row, n - 1] < 0:
            n -= 1
        out[row] = n


@kernel
def size_rows(users: UserIds, starts: Offsets, out: NDArray[np.int64]) -> None:
    """Write how many items each user has; a user -1 has none."""
    for row in range(users.shape[0]):
        user = users[row]
        out[row] = starts[user + 1] - starts[user] if user >= 0 else 0


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
