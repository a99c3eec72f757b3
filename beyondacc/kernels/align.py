"""From rows to compressed rows, and from lists to the gains of their items."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.intrinsics import prefetch
from beyondacc.kernels.jit import helper, kernel, scratch_kernel
from beyondacc.kernels.sorting import sort_by
from beyondacc.types import Floats, Int, ItemIds, Offsets, UserIds

__all__ = [
    "copy_rows",
    "drop_seen_rows",
    "gain_rows",
    "group_rows",
    "length_rows",
    "list_rows",
    "mark",
    "seen_rows",
    "size_rows",
    "tied_rows",
    "transpose_rows",
    "unordered_rows",
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
    bounds: Offsets,
    lists: ItemIds,
    listed_scores: NDArray[np.float64],
    kept: ItemIds,
) -> int:
    """Write the items of the rows from `low` to before `high` one list after the other, the best first, each item once.

    Rows longer than their room are cut.

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
    bounds
        Where the room of each row begins, and after the last where it ends.
    lists, listed_scores
        Receive items, and -1 in what is left of the room, and their scores, NaN there; the latter may be empty.
    kept
        Receives how many items each list has.

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
        filled, end = bounds[row], bounds[row + 1]
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
            if filled < end:
                lists[filled] = item
                if scored:
                    listed_scores[filled] = scores[position]
                filled += 1
        kept[row] = filled - bounds[row]
        for place in range(filled, end):
            lists[place] = -1
            if listed_scores.shape[0] > 0:
                listed_scores[place] = np.nan
    return repeated


@kernel
def copy_rows(
    starts: Offsets,
    lengths: ItemIds,
    source: NDArray[np.generic],
    bounds: Offsets,
    fill: float,
    out: NDArray[np.generic],
) -> None:
    """Copy each row into its room, cut where it is longer, filled up where it is shorter.

    Parameters
    ----------
    starts, lengths
        Where each row begins in `source`, and how long it is.
    bounds
        Where the room of each row begins in `out`, and after the last where it ends.
    """
    for row in range(lengths.shape[0]):
        if row + _AHEAD < lengths.shape[0]:  # rows lie in any order
            prefetch(source, starts[row + _AHEAD])
        first, low, high = starts[row], bounds[row], bounds[row + 1]
        n = min(np.int64(lengths[row]), high - low)
        for place in range(n):
            out[low + place] = source[first + place]
        for place in range(low + n, high):
            out[place] = fill


@helper
def mark(items: ItemIds, low: Int, high: Int, place: NDArray[np.int64]) -> None:
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
    starts: Offsets,
    lengths: ItemIds,
    listed: ItemIds,
    scores: NDArray[np.float64],
    users: UserIds,
    profile_starts: Offsets,
    items: ItemIds,
    n_items: int,
    bounds: Offsets,
    kept: ItemIds,
    kept_scores: NDArray[np.float64],
    kept_lengths: ItemIds,
) -> None:
    """Copy of each list the first items that are not in the user's own row, as many as there is room for.

    Parameters
    ----------
    starts, lengths, listed, scores
        The lists: where each begins, how long it is, items and scores; the latter may be empty.
    users, profile_starts, items
        The user of each list, and the rows of all users.
    bounds
        Where the room of each list begins, and after the last where it ends.
    kept, kept_scores, kept_lengths
        Receive items, -1 in what is left of the room, their scores, NaN there, and how many there are.
    """
    place = np.empty(n_items, np.int64)
    scored = kept_scores.shape[0] > 0
    for row in range(lengths.shape[0]):
        user = users[row]
        low, high = (profile_starts[user], profile_starts[user + 1]) if user >= 0 else (np.int64(0), np.int64(0))
        mark(items, low, high, place)
        filled, end = bounds[row], bounds[row + 1]
        for at in range(starts[row], starts[row] + lengths[row]):
            if filled == end:
                break
            item = listed[at]
            position = place[item]
            if not (low <= position < high and items[position] == item):
                kept[filled] = item
                if scored:
                    kept_scores[filled] = scores[at]
                filled += 1
        kept_lengths[row] = filled - bounds[row]
        for at in range(filled, end):
            kept[at] = -1
            if scored:
                kept_scores[at] = np.nan


@scratch_kernel
def seen_rows(
    starts: Offsets,
    lengths: ItemIds,
    listed: ItemIds,
    k: int,
    users: UserIds,
    profile_starts: Offsets,
    items: ItemIds,
    n_items: int,
) -> int:
    """Count the first k items of the lists that are in the user's own row; as `drop_seen_rows`."""
    place = np.empty(n_items, np.int64)
    seen = 0
    for row in range(lengths.shape[0]):
        user = users[row]
        if user < 0:
            continue
        low, high = profile_starts[user], profile_starts[user + 1]
        mark(items, low, high, place)
        for at in range(starts[row], starts[row] + min(np.int64(lengths[row]), k)):
            position = place[listed[at]]
            seen += low <= position < high and items[position] == listed[at]
    return seen


@kernel
def tied_rows(starts: Offsets, lengths: ItemIds, scores: Floats, k: int) -> int:
    """Count the lists with two equal neighbouring scores among their first k items."""
    tied = 0
    for row in range(lengths.shape[0]):
        for place in range(starts[row] + 1, starts[row] + min(np.int64(lengths[row]), k)):
            if scores[place] == scores[place - 1]:
                tied += 1
                break
    return tied


@kernel
def unordered_rows(starts: Offsets, lengths: ItemIds, scores: Floats, out: NDArray[np.bool_]) -> None:
    """Tell which lists have a score that is not below the one before."""
    for row in range(lengths.shape[0]):
        out[row] = False
        for place in range(starts[row] + 1, starts[row] + lengths[row]):
            if scores[place] >= scores[place - 1]:
                out[row] = True
                break
