"""Distances of small sets, looked up by their sizes and by how many features they share: to divide takes longer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.distance import set_distance
from beyondacc.kernels.intrinsics import popcount
from beyondacc.kernels.jit import helper, kernel, scratch_kernel
from beyondacc.kernels.pairwise import mean_of_pairs
from beyondacc.types import Bits, Floats, Int, ItemIds, Offsets, UserIds

__all__ = ["MOST", "fill", "mean_rows", "pair_rows", "profile_rows"]

MOST = 15  # features of an item: 4096 distances, as the first cache holds


@kernel
def fill(kind: int, factor: float, most: int, table: NDArray[np.float64]) -> None:
    """Write the distance of two sets by size, size and number of features they share, each from 0 to `most`."""
    place = 0
    for one in range(most + 1):
        for other in range(most + 1):
            for shared in range(most + 1):
                table[place] = factor * set_distance(kind, shared, np.float64(one), np.float64(other))
                place += 1


@helper
def _gather(bits: Bits, sizes: Floats, items: ItemIds, first: Int, n: Int, base: Any, words: Bits, places: Bits) -> Int:
    """Copy the sets of n items, but for empty ones, side by side, with sizes times the base; return how many."""
    present = np.int64(0)
    for position in range(first, first + n):
        item = np.uint32(items[position])
        words[present], places[present] = bits[item, 0], np.uint64(np.int64(sizes[item])) * base
        present += sizes[item] != 0
    return present


@scratch_kernel
def mean_rows(
    table: Floats,
    base: int,
    bits: Bits,
    sizes: Floats,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    missing: int,
    singleton: float,
    out: NDArray[np.float64],
) -> None:
    """Mean distance over the unordered pairs of the first k items, as `pairwise.ild_set_rows`.

    Parameters
    ----------
    table, base
        As `fill` wrote it, and one more than its `most`.
    """
    by, whole = np.uint64(base), lists.reshape(-1)
    words, places = np.empty(lists.shape[1] + 1, np.uint64), np.empty(lists.shape[1] + 1, np.uint64)
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        present = _gather(bits, sizes, whole, row * lists.shape[1], n, by, words, places)
        total = 0.0
        for one in range(1, present):
            word, place = words[one], places[one] * by
            for other in range(one):
                total += table[place + places[other] + np.uint64(popcount(word & words[other]))]
        out[row] = mean_of_pairs(total, present, n, missing, singleton)


@scratch_kernel
def pair_rows(
    table: Floats,
    base: int,
    bits: Bits,
    sizes: Floats,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    out: NDArray[np.float64],
) -> None:
    """Write the distances of all pairs of the first k items of each list, as `pairwise.pair_rows`."""
    by = np.uint64(base)
    words, places = np.empty(lists.shape[1], np.uint64), np.empty(lists.shape[1], np.uint64)
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        for one in range(n):
            item = np.uint32(lists[row, one])
            word, place = bits[item, 0], np.uint64(np.int64(sizes[item])) * by
            words[one], places[one] = word, place
            out[row, one, one] = 0.0 if place else np.nan
            for other in range(one):
                distance = table[place * by + places[other] + np.uint64(popcount(word & words[other]))]
                distance = distance if place and places[other] else np.nan
                out[row, one, other] = distance
                out[row, other, one] = distance


@scratch_kernel
def profile_rows(
    table: Floats,
    base: int,
    bits: Bits,
    sizes: Floats,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    longest: int,
    least: NDArray[np.float64],
    total: NDArray[np.float64],
    counted: NDArray[np.int64],
) -> None:
    """Least distance, sum and number of distances to the items of the user's profile, as `pairwise.profile_rows`.

    Two at a time, so that neither sum nor minimum waits for the one before.

    Parameters
    ----------
    longest
        How many items a profile has at most.
    """
    by = np.uint64(base)
    words, places = np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.uint64)
    for row in range(lists.shape[0]):
        user = users[row]
        low, high = (starts[user], starts[user + 1]) if user >= 0 else (starts[0], starts[0])
        m = _gather(bits, sizes, items, low, high - low, by, words, places)
        for rank in range(lengths[row] if lengths[row] < k else k):
            item = np.uint32(lists[row, rank])
            word, place = bits[item, 0], np.uint64(np.int64(sizes[item])) * by * by
            nearest, near, summed, sums = np.inf, np.inf, 0.0, 0.0
            present = m if place else np.int64(0)
            for pair in range(present // 2):
                one, other = np.uint64(2 * pair), np.uint64(2 * pair + 1)
                distance = table[place + places[one] + np.uint64(popcount(word & words[one]))]
                further = table[place + places[other] + np.uint64(popcount(word & words[other]))]
                summed += distance
                sums += further
                nearest = distance if distance < nearest else nearest
                near = further if further < near else near
            if present % 2:
                distance = table[place + places[present - 1] + np.uint64(popcount(word & words[present - 1]))]
                summed += distance
                nearest = distance if distance < nearest else nearest
            least[row, rank] = near if near < nearest else nearest
            total[row, rank] = summed + sums
            counted[row, rank] = present
