"""From ids to codes, and from coded rows to compressed rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.intrinsics import popcount, prefetch
from beyondacc.kernels.jit import kernel
from beyondacc.types import Bits, Bools, Int, ItemIds, Offsets, UserIds

__all__ = ["close_rows", "count_items", "find_runs", "mark_codes", "number_words", "scatter_rows", "sort_rows"]

_SHORT = 8  # rows up to this length are sorted by insertion
_AHEAD = 8  # rows whose memory is asked for before it is needed
_LINE = 8  # 64-bit numbers in a line of the cache
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
def find_runs(codes: ItemIds, first: Int, counts: NDArray[np.int64], firsts: NDArray[np.int64]) -> int:
    """Add to `counts` how often each code occurs, and write into `firsts` where it first does.

    Parameters
    ----------
    first
        The position of the first of the codes.
    firsts
        Holds more than any position where a code was not met yet.

    Returns
    -------
    int
        How many runs of equal codes there are: as many as codes that occur, if equal ones stand together.
    """
    runs = 0
    start = 0
    for position in range(codes.shape[0]):
        if position and codes[position] == codes[position - 1]:
            continue
        if position:  # one addition a run: each would wait for the one before it
            counts[codes[start]] += position - start
        start = position
        runs += 1
        code = codes[position]
        if first + position < firsts[code]:
            firsts[code] = first + position
    if codes.shape[0]:
        counts[codes[start]] += codes.shape[0] - start
    return runs


@kernel
def mark_codes(codes: ItemIds, marked: Bools) -> None:
    """Mark the codes that occur."""
    for code in codes:
        marked[code] = True


@kernel
def scatter_rows(
    users: UserIds,
    items: ItemIds,
    values: NDArray[np.float64],
    rows: UserIds,
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
    rows
        What a user code is called in the output.
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
        out_items[at] = items[position]
        if rated:
            out_values[at] = values[position]
        at += 1
    if before >= 0:
        cursor[row] = at


@kernel
def sort_rows(
    firsts: Offsets,
    starts: Offsets,
    low: Int,
    high: Int,
    codes: ItemIds,
    table: ItemIds,
    given: NDArray[np.float64],
    items: ItemIds,
    values: NDArray[np.float64],
    sizes: NDArray[np.int64],
    own: NDArray[np.float64],
    keys: NDArray[np.uint64],
    bits: Bits,
    marks: Bits,
    last: NDArray[np.int32],
) -> None:
    """Write the rows from `low` to before `high` by ascending item, of equal items the last.

    A row is a set of bits, which is read in order; a bit of `marks` says that a word of them holds any.

    Parameters
    ----------
    firsts
        Where each row begins in `codes` and `given`, which may be `items` and `values`: then as `starts`.
    starts
        Where each row is written; it ends where the next one starts.
    table
        The item of each code.
    given
        Values of the rows, or empty where there are none.
    sizes
        Receives how many items each row holds: fewer than it had rows where items stand in it again.
    own, keys, bits, marks, last
        Memory that is given: (longest row,), (longest row,), (items / 64,) and (items / 4096,) zeros, (items,).
    """
    rated = given.shape[0] > 0
    one = np.uint64(1)
    for row in range(low, high):
        source = firsts[row]
        if row + _AHEAD < high:  # rows lie in any order
            coming = firsts[row + _AHEAD]
            prefetch(codes, coming)
            prefetch(codes, coming + 2 * _LINE)
            if rated:
                prefetch(given, coming)
                prefetch(given, coming + _LINE)
        at = starts[row]
        n = starts[row + 1] - at
        before = np.int32(-1)
        ordered = True
        for place in range(n):
            item = table[codes[source + place]]
            items[at + place] = item
            ordered = ordered and before < item
            before = item
            if rated:
                own[place] = given[source + place]
        if ordered:
            if rated:
                for place in range(n):
                    values[at + place] = own[place]
            sizes[row] = n
            continue
        written = np.int64(0)
        if n <= _SHORT:
            for place in range(n):
                key = (np.uint64(items[at + place]) << _HALF) | np.uint64(place)
                hole = place
                while hole > 0 and keys[hole - 1] > key:
                    keys[hole] = keys[hole - 1]
                    hole -= 1
                keys[hole] = key
            for place in range(n):
                item = np.int32(keys[place] >> _HALF)
                written -= place > 0 and items[at + written - 1] == item
                items[at + written] = item
                if rated:
                    values[at + written] = own[np.int64(keys[place] & _LOW_HALF)]
                written += 1
            sizes[row] = written
            continue
        least, most = np.int64(marks.shape[0]), np.int64(0)
        for place in range(n):
            item = np.int64(items[at + place])
            bits[item >> 6] |= one << np.uint64(item & 63)
            marks[item >> 12] |= one << np.uint64((item >> 6) & 63)
            last[item] = place
            least, most = min(least, item >> 12), max(most, item >> 12)
        for mark in range(least, most + 1):
            left = marks[mark]
            marks[mark] = 0
            while left:
                word = (mark << 6) + popcount(~left & (left - one))  # the place of the lowest bit
                left &= left - one
                held = bits[word]
                bits[word] = 0
                while held:
                    item = (word << 6) + popcount(~held & (held - one))
                    held &= held - one
                    items[at + written] = item
                    if rated:
                        values[at + written] = own[last[item]]
                    written += 1
        sizes[row] = written


@kernel
def close_rows(starts: Offsets, sizes: NDArray[np.int64], items: ItemIds, values: NDArray[np.float64]) -> None:
    """Move rows together of which only the first `sizes` items are left, in place."""
    rated = values.shape[0] > 0
    at = np.int64(0)
    for row in range(sizes.shape[0]):
        low = starts[row]
        starts[row] = at
        for place in range(low, low + sizes[row]):
            items[at] = items[place]
            if rated:
                values[at] = values[place]
            at += 1
    starts[sizes.shape[0]] = at


@kernel
def count_items(users: UserIds, items: ItemIds, counts: NDArray[np.int32]) -> None:
    """Count how many users have each item, where all rows of a user follow each other.

    The second column of `counts` is added to; the first one holds the last user who had the item, -1 at first.
    """
    for position in range(users.shape[0]):
        user, item = users[position], np.uint32(items[position])
        counts[item, 1] += counts[item, 0] != user
        counts[item, 0] = user
