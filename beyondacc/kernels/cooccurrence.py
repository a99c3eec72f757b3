"""Who has both items: the training rows as sets of users, for the distances that read nothing else of them.

An item x item matrix is never kept. The number of users of a listed item and of every other one is counted by one pass
over the profiles of the item's users, and serves all lists that show the item. Three things make that bearable:

- Items are numbered by falling popularity, so that the counters most often touched lie side by side in small memory.
- For the most popular items, which are in most profiles and would be most of the passes, the counts with all items are
  taken beforehand, 64 items at a time as the bits of a word for each user, and kept in a narrow table; the passes leave
  them out.
- Logarithms of all possible counts are looked up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.intrinsics import prefetch
from beyondacc.kernels.jit import comparison, helper, kernel, scratch_kernel
from beyondacc.types import Floats, Int, Offsets, UserIds

__all__ = ["GROUP", "popular_rows", "ranked_rows", "shared_rows"]

GROUP = 64  # bits of a word
_AHEAD, _LINES = 2, 8  # the best of those tried on one machine
_ONE = np.uint64(1)


@kernel
def ranked_rows(
    cursor: Offsets,
    item_starts: Offsets,
    item_users: UserIds,
    order: Offsets,
    popular: Int,
    ranked: NDArray[Any],
    rest: NDArray[np.int64],
) -> None:
    """Write the profiles once more: the ranks of their items by popularity, ascending.

    Parameters
    ----------
    cursor, rest : (users,)
        Where each profile starts; then where it ends, and where its first rank is that is not popular.
    order : (items,)
        Items by rank.
    popular
        How many ranks are popular.
    ranked
        Receives the ranks.
    """
    for rank in range(order.shape[0]):
        for place in range(item_starts[order[rank]], item_starts[order[rank] + 1]):
            user = item_users[place]
            ranked[cursor[user]] = rank
            cursor[user] += 1
            if rank < popular:
                rest[user] = cursor[user]


@helper
def _full_add(one: Any, other: Any, third: Any) -> tuple[Any, Any]:
    """Add three words bit by bit: the sums and the carries."""
    odd = one ^ other
    return odd ^ third, (one & other) | (odd & third)


@helper
def _add_bits(word: Any, power: Int, counts: NDArray[np.int32]) -> None:
    """Add to each count its bit of a word, times a power of two."""
    for bit in range(GROUP):
        counts[bit] += np.int32((word >> np.uint64(bit)) & _ONE) << np.int32(power)


@scratch_kernel
def popular_rows(
    first: Int,
    item_starts: Offsets,
    item_users: UserIds,
    order: Offsets,
    n_users: Int,
    table: NDArray[np.int32],
) -> None:
    """Count the users that 64 popular items, from a rank on, share with every item: ``table[item rank, popular rank]``.

    Bits are added up without carrying them far: eight words become one that counts eights, and only those are unpacked
    (carry-save adders, as in Muła, Kurz & Lemire 2018, The Computer Journal 61(1), sec. 4, bit by bit).
    """
    words = np.zeros(n_users, np.uint64)
    for rank in range(first, first + GROUP):
        mark = _ONE << np.uint64(rank - first)
        for place in range(item_starts[order[rank]], item_starts[order[rank] + 1]):
            words[item_users[place]] |= mark
    counts = np.empty(GROUP, np.int32)
    for rank in range(order.shape[0]):
        counts[:] = 0
        ones: Any = np.uint64(0)
        twos: Any = np.uint64(0)
        fours: Any = np.uint64(0)
        place, stop = item_starts[order[rank]], item_starts[order[rank] + 1]
        while place + 8 <= stop:
            own = item_users[place : place + 8]
            place += 8
            ones, two = _full_add(ones, words[own[0]], words[own[1]])
            ones, more = _full_add(ones, words[own[2]], words[own[3]])
            twos, four = _full_add(twos, two, more)
            ones, two = _full_add(ones, words[own[4]], words[own[5]])
            ones, more = _full_add(ones, words[own[6]], words[own[7]])
            twos, more = _full_add(twos, two, more)
            fours, eights = _full_add(fours, four, more)
            _add_bits(eights, np.int64(3), counts)
        for rest in range(place, stop):
            _add_bits(words[item_users[rest]], np.int64(0), counts)
        _add_bits(ones, np.int64(0), counts)
        _add_bits(twos, np.int64(1), counts)
        _add_bits(fours, np.int64(2), counts)
        for bit in range(GROUP):
            table[rank, first + bit] = counts[bit]


@comparison
def _compare(
    logs: bool,
    own: float,
    weights: Floats,
    by_count: NDArray[np.float64],
    together: NDArray[np.int32],
    ranks: NDArray[Any],
    low: Int,
    high: Int,
) -> tuple[float, float]:
    """Return the largest and the sum of the similarities of an item with those of ``ranks[low:high]``."""
    most, total = -np.inf, 0.0
    if logs:
        for position in range(low, high):
            rank = ranks[position]
            both = together[rank]
            found = (by_count[both, 0] - own - weights[rank]) * by_count[both, 1]
            most = found if found > most else most
            total += found
    else:
        for position in range(low, high):
            rank = ranks[position]
            found = together[rank] * own * weights[rank]
            found = found if found < 1.0 else 1.0
            most = found if found > most else most
            total += found
    return most, total


@scratch_kernel
def shared_rows(
    logs: bool,
    shown: Offsets,
    shown_at: Offsets,
    width: Int,
    users: UserIds,
    starts: Offsets,
    ranked: NDArray[Any],
    rest: Offsets,
    item_starts: Offsets,
    item_users: UserIds,
    order: Offsets,
    table: NDArray[np.int32],
    weights: Floats,
    by_count: NDArray[np.float64],
    first: Int,
    last: Int,
    most: NDArray[np.float64],
    total: NDArray[np.float64],
    counted: NDArray[np.int64],
) -> None:
    """Write the largest and the sum of the similarities of listed items to the items of the user's profile.

    Parameters
    ----------
    logs
        Similarity is ``(by_count[c, 0] - w_i - w_j) * by_count[c, 1]`` for c users of both; else ``c * w_i * w_j``, at
        most 1, and items without users have none.
    shown, shown_at, width
        Where the item of a rank stands in the lists, ``row * width + place``; items without training rows share the
        rank after the last.
    starts, ranked, rest
        Profiles as `ranked_rows` writes them.
    table : (items, popular)
        As `popular_rows` writes it.
    weights : (items + 1,)
    first, last
        Ranks that are served.
    """
    n_items, popular = order.shape[0], table.shape[1]
    per_line = 64 // ranked.itemsize
    together = np.zeros(n_items, np.int32)
    for rank in range(first, last):
        if shown[rank] == shown[rank + 1] or (rank == n_items and not logs):
            continue
        touched = 0
        if rank < popular:
            for other in range(n_items):
                together[other] = table[other, rank]
            touched = n_items
        elif rank < n_items:
            for other in range(popular):
                together[other] = table[rank, other]
            stop = item_starts[order[rank] + 1]
            for place in range(item_starts[order[rank]], stop):
                # profiles lie anywhere in memory: ask for one while another is gone through
                ahead = rest[item_users[place + _AHEAD if place + _AHEAD < stop else place]]
                for line in range(_LINES):
                    prefetch(ranked, ahead + line * per_line)
                user = item_users[place]
                touched += starts[user + 1] - rest[user]
                for position in range(rest[user], starts[user + 1]):
                    together[ranked[position]] += 1
        for place in range(shown[rank], shown[rank + 1]):
            row, column = shown_at[place] // width, shown_at[place] % width
            user = users[row]
            if user < 0 or starts[user] == starts[user + 1]:
                continue
            most[row, column], total[row, column] = _compare(
                logs, weights[rank], weights, by_count, together, ranked, starts[user], starts[user + 1]
            )
            counted[row, column] = starts[user + 1] - starts[user]
        if rank == n_items:
            continue
        together[:popular] = 0
        if touched > n_items // 8:
            together[:] = 0
            continue
        for place in range(item_starts[order[rank]], item_starts[order[rank] + 1]):
            user = item_users[place]
            for position in range(rest[user], starts[user + 1]):
                together[ranked[position]] = 0
