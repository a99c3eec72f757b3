"""Distances inside lists, and between lists and profiles: on the fly from the features of the items."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.bench import Bench
from beyondacc.kernels.distance import HAMMING, distance_row, gather, set_distance
from beyondacc.kernels.intrinsics import popcount, prefetch
from beyondacc.kernels.jit import helper, kernel, reduction, scratch_kernel
from beyondacc.kernels.products import dot
from beyondacc.types import Bits, Floats, Int, ItemIds, Offsets, UserIds

__all__ = ["SKIP", "ild_cosine_rows", "ild_set_rows", "mean_of_pairs", "pair_rows", "profile_rows"]

SKIP, ONE, ZERO = range(3)


@helper
def mean_of_pairs(total: float, present: Int, n: Int, missing: int, singleton: float) -> float:
    """Divide a sum over the pairs of the `present` of n items that have features, by the policy for the others."""
    if n == 1:
        return singleton
    pairs = present * (present - 1) // 2
    if missing != SKIP:
        every = n * (n - 1) // 2
        total += every - pairs if missing == ONE else 0
        pairs = every
    return total / pairs if pairs else np.nan


@reduction
def _sum_of_set_distances(kind: int, sets: Bits, counts: Floats, n: Int) -> float:
    """Sum of the distances of n sets that are not empty, over their pairs."""
    total = 0.0
    if sets.shape[1] == 1:
        for one in range(1, n):
            word, count = sets[one, 0], counts[one]
            for other in range(one):
                total += set_distance(kind, popcount(word & sets[other, 0]), count, counts[other])
        return total
    for one in range(1, n):
        for other in range(one):
            shared = np.int64(0)
            for word in range(sets.shape[1]):
                shared += popcount(sets[one, word] & sets[other, word])
            total += set_distance(kind, shared, counts[one], counts[other])
    return total


@scratch_kernel
def ild_set_rows(
    kind: int,
    factor: float,
    bits: Bits,
    sizes: Floats,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    missing: int,
    singleton: float,
    out: NDArray[np.float64],
) -> None:
    """Mean distance over the unordered pairs of the first k items, for sets."""
    width = lists.shape[1]
    sets, counts = np.empty((width, bits.shape[1]), np.uint64), np.empty(width)
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        present = np.int64(0)
        for rank in range(n):
            item = lists[row, rank]
            if sizes[item] != 0:
                counts[present] = sizes[item]
                for word in range(bits.shape[1]):
                    sets[present, word] = bits[item, word]
                present += 1
        out[row] = mean_of_pairs(
            factor * _sum_of_set_distances(kind, sets, counts, present), present, n, missing, singleton
        )


@scratch_kernel
def ild_cosine_rows(
    factor: float,
    inverse_norms: Floats,
    vectors: Floats,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    missing: int,
    singleton: float,
    out: NDArray[np.float64],
) -> None:
    """Mean cosine distance over pairs as (|sum v|^2 - sum |v|^2) of the unit vectors: O(k d) instead of O(k^2 d).

    Vectors are added four at a time, so that the sum is read and written once for four, and the next list's are asked
    for ahead.
    """
    size, numbers = vectors.shape[1], vectors.reshape(-1)
    line = 64 // vectors.itemsize
    total = np.empty(size)
    items, scales = np.zeros(lists.shape[1] + 3, np.int32), np.zeros(lists.shape[1] + 3)
    for row in range(lists.shape[0]):
        following = min(row + 1, lists.shape[0] - 1)
        for rank in range(lengths[following] if lengths[following] < k else k):
            first = np.int64(lists[following, rank]) * size
            for at in range(first, first + size, line):
                prefetch(numbers, at)
        n = lengths[row] if lengths[row] < k else k
        present = np.int64(0)
        for rank in range(n):
            item = lists[row, rank]
            if inverse_norms[item] != 0:
                items[present], scales[present] = item, inverse_norms[item]
                present += 1
        scales[present : present + 3] = 0.0
        total[:] = 0.0
        for four in range(0, present, 4):
            a, b, c, d = items[four], items[four + 1], items[four + 2], items[four + 3]
            by_a, by_b, by_c, by_d = scales[four], scales[four + 1], scales[four + 2], scales[four + 3]
            for place in range(size):
                pair = by_a * vectors[a, place] + by_b * vectors[b, place]
                total[place] += pair + (by_c * vectors[c, place] + by_d * vectors[d, place])
        total_distance = 0.5 * (present * present - dot(total, total))  # the unit vectors' own squares add `present`
        if total_distance < 0:
            total_distance = np.float64(0.0)
        out[row] = mean_of_pairs(factor * total_distance, present, n, missing, singleton)


@kernel
def pair_rows(
    kind: int,
    factor: float,
    bits: Bits,
    sizes: Floats,
    vectors: Floats,
    own_rows: Floats,
    own: Any,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    bench: Bench,
    out: NDArray[np.float64],
) -> None:
    """Write the distances of all pairs of the first k items of each list, shape (rows, k, k), NaN where there is none.

    The diagonal is 0 where the item has features.
    """
    sets, counts, rows, own_local, no_table = bench.sets, bench.counts, bench.rows, bench.own_local, bench.no_table
    first = np.int64(0)
    for row in range(lists.shape[0]):
        n = np.int64(lengths[row] if lengths[row] < k else k)
        gather(kind, bits, sizes, vectors, own_rows, lists[row], n, first, sets, counts, rows, own_local)
        if kind <= HAMMING:  # of a short list, a call for each item would cost more than the distances
            for one in range(n):
                out[row, one, one] = 0.0 if counts[one] != 0 else np.nan
                for other in range(one):
                    shared = np.int64(0)
                    for word in range(sets.shape[1]):
                        shared += popcount(sets[one, word] & sets[other, word])
                    distance = factor * set_distance(kind, shared, counts[one], counts[other])
                    distance = np.nan if counts[one] == 0 or counts[other] == 0 else distance
                    out[row, one, other] = distance
                    out[row, other, one] = distance
            continue
        for one in range(n):
            distance_row(kind, factor, sets, counts, rows, own_local, own, no_table, one, one, np.nan, out[row], one)
            out[row, one, one] = 0.0 if counts[one] != 0 else np.nan
            for other in range(one):
                out[row, other, one] = out[row, one, other]


@kernel
def profile_rows(
    kind: int,
    factor: float,
    bits: Bits,
    sizes: Floats,
    vectors: Floats,
    own_rows: Floats,
    own: Any,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    bench: Bench,
    least: NDArray[np.float64],
    total: NDArray[np.float64],
    counted: NDArray[np.int64],
) -> None:
    """Least distance, sum and number of distances of each of the first k items to the items of the user's profile.

    Parameters
    ----------
    bench
        As wide as the longest profile and list together, with one row of distances.
    least, total, counted : (rows, k)
        Infinite, 0 and 0 where there is no distance.
    """
    sets, counts, rows, own_local, no_table = bench.sets, bench.counts, bench.rows, bench.own_local, bench.no_table
    distances = bench.near
    first = np.int64(0)
    for row in range(lists.shape[0]):
        user = users[row]
        n = lengths[row] if lengths[row] < k else k
        m = starts[user + 1] - starts[user] if user >= 0 else first
        if m:
            profile = items[starts[user] : starts[user + 1]]
            gather(kind, bits, sizes, vectors, own_rows, profile, m, first, sets, counts, rows, own_local)
            gather(kind, bits, sizes, vectors, own_rows, lists[row], n, m, sets, counts, rows, own_local)
        for rank in range(n):
            nearest = np.inf
            summed = 0.0
            present = 0
            if m:
                distance_row(
                    kind, factor, sets, counts, rows, own_local, own, no_table, m + rank, m, np.nan, distances, first
                )
            for position in range(m):
                distance = distances[0, position]
                if not np.isnan(distance):
                    summed += distance
                    present += 1
                    if distance < nearest:
                        nearest = distance
            least[row, rank] = nearest
            total[row, rank] = summed
            counted[row, rank] = present
