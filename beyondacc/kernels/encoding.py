"""From ids to codes, and from coded rows to compressed rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.types import Int, ItemIds, Offsets, UserIds

__all__ = ["count_codes", "number_words", "scatter_rows", "sort_rows"]

_SHORT = 24  # rows up to this length are sorted by insertion
_BYTE = np.uint64(255)
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(2**32 - 1)
_SCATTER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio (Knuth, volume 3, section 6.4)


@kernel
def number_words(
    words: NDArray[np.int64], first: Int, slots: ItemIds, distinct: NDArray[np.int64], known: int, codes: ItemIds
) -> int:
    """Give words numbers by their first appearance, from position `first` on, until they end or `distinct` is full.

    Parameters
    ----------
    slots
        An open hash table: the number of a word, or -1; a power of two long, and longer than `distinct`.
    distinct
        The words by number; the first `known` of them are in the table.
    codes
        Receives the number of each word.

    Returns
    -------
    int
        How many words are known now. If that is as many as `distinct` holds, the first code that is -1 says where it
        stopped; codes from `first` on must be -1 before.
    """
    mask = slots.shape[0] - 1
    bits = np.uint64(64)
    size = slots.shape[0]
    while size > 1:
        size >>= 1
        bits -= np.uint64(1)
    before = np.int64(0)
    code = np.int32(-1)
    for position in range(first, words.shape[0]):
        word = words[position]
        if word != before or code < 0:  # rows of one user mostly follow each other
            mixed = np.uint64(word)
            slot = np.int64(((mixed ^ (mixed >> _HALF)) * _SCATTER) >> bits)
            code = slots[slot]
            while code >= 0 and distinct[code] != word:  # the slots hold no words, so that more of them fit the cache
                slot = (slot + 1) & mask
                code = slots[slot]
            if code < 0:
                if known == distinct.shape[0]:
                    break
                code = np.int32(known)
                slots[slot] = code
                distinct[known] = word
                known += 1
            before = word
        codes[position] = code
    return known


@kernel
def count_codes(codes: ItemIds, counts: NDArray[np.int64]) -> None:
    """Add to `counts` how often each code occurs."""
    before = np.int32(0)
    run = 0
    for position in range(codes.shape[0]):
        if codes[position] != before:  # one addition a run: each would wait for the one before it
            counts[before] += run
            before = codes[position]
            run = 0
        run += 1
    if run:
        counts[before] += run


@kernel
def scatter_rows(
    users: UserIds,
    items: ItemIds,
    values: NDArray[np.float64],
    rows: UserIds,
    places: ItemIds,
    cursor: Offsets,
    out_items: ItemIds,
    out_values: NDArray[np.float64],
) -> None:
    """Write items and values, in input order, where the row of their user has room.

    Parameters
    ----------
    users, items
        Codes of each input row.
    values
        Of each input row, or empty where there are none.
    rows, places
        What a user code and an item code are called in the output.
    cursor
        Where the next item of each row is written; moves on.
    """
    rated = values.shape[0] > 0
    before = np.int32(-1)
    row = np.int32(0)
    at = np.int64(0)
    for position in range(users.shape[0]):
        if users[position] != before:
            if before >= 0:
                cursor[row] = at
            before = users[position]
            row = rows[before]
            at = cursor[row]
        out_items[at] = places[items[position]]
        if rated:
            out_values[at] = values[position]
        at += 1
    if before >= 0:
        cursor[row] = at


@kernel
def sort_rows(
    starts: Offsets,
    first: Int,
    last: Int,
    digits: Int,
    items: ItemIds,
    values: NDArray[np.float64],
    keys: NDArray[np.uint64],
    own: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> int:
    """Sort each of the rows from `first` to before `last` by item, in place; equal items keep their order.

    Parameters
    ----------
    digits
        How many bytes an item has.
    values
        Moved along with the items, or empty.
    keys, own, counts
        Memory that is given, as numba takes long to compile what allocates it: (2, longest row), (longest row,) where
        there are values, (257,).

    Returns
    -------
    int
        How many items stand in their row again.
    """
    rated = values.shape[0] > 0
    repeated = 0
    for row in range(first, last):
        low = starts[row]
        n = starts[row + 1] - low
        ordered = True
        for place in range(1, n):
            ordered = ordered and items[low + place - 1] < items[low + place]
        if ordered:
            continue
        for place in range(n):
            keys[0, place] = (np.uint64(items[low + place]) << _HALF) | np.uint64(place)
            if rated:
                own[place] = values[low + place]
        side = 0
        if n <= _SHORT:
            for place in range(1, n):
                key = keys[0, place]
                at = place
                while at > 0 and keys[0, at - 1] > key:
                    keys[0, at] = keys[0, at - 1]
                    at -= 1
                keys[0, at] = key
        else:
            for digit in range(digits):
                shift = _HALF + np.uint64(8 * digit)
                for byte in range(257):
                    counts[byte] = 0
                for place in range(n):
                    counts[np.int64((keys[side, place] >> shift) & _BYTE) + 1] += 1
                for byte in range(256):
                    counts[byte + 1] += counts[byte]
                for place in range(n):
                    key = keys[side, place]
                    bucket = np.int64((key >> shift) & _BYTE)
                    keys[1 - side, counts[bucket]] = key
                    counts[bucket] += 1
                side = 1 - side
        before = np.int32(-1)
        for place in range(n):
            key = keys[side, place]
            item = np.int32(key >> _HALF)
            repeated += item == before
            before = item
            items[low + place] = item
            if rated:
                values[low + place] = own[np.int64(key & _LOW_HALF)]
    return repeated
