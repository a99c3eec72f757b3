"""Distances inside lists, and between lists and profiles: on the fly from the features of the items."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.distance import HAMMING, OWN, distance_row, dot, gather, set_distance
from beyondacc.kernels.jit import kernel, popcount
from beyondacc.types import Bits, Floats, Int, ItemIds, Offsets, UserIds

__all__ = ["SKIP", "ild_cosine_rows", "ild_rows", "pair_rows", "profile_rows"]

SKIP, ONE, ZERO = range(3)


@kernel
def _mean_of_pairs(total: float, present: Int, n: Int, missing: int, singleton: float) -> float:
    """Divide a sum over the pairs of the `present` of n items that have features, by the policy for the others."""
    if n == 1:
        return singleton
    pairs = present * (present - 1) // 2
    if missing != SKIP:
        every = n * (n - 1) // 2
        total += every - pairs if missing == ONE else 0
        pairs = every
    return total / pairs if pairs else np.nan


@kernel
def ild_rows(
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
    missing: int,
    singleton: float,
    out: NDArray[np.float64],
) -> None:
    """Mean distance over the unordered pairs of the first k items, for sets and one's own distance.

    A list is short, so that a call of `distance_row` for each item would cost more than the distances.
    """
    width = lists.shape[1]
    sets = np.empty((width, bits.shape[1]), np.uint64)
    counts = np.empty(width)
    rows = np.empty((width, vectors.shape[1]), vectors.dtype)
    own_local = np.empty((width, own_rows.shape[1]))
    items = np.empty(width, np.int32)
    first = np.int64(0)  # numba compiles a callee anew for every type, and a literal is a type of its own
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        present = first
        for rank in range(n):
            if sizes[lists[row, rank]] != 0:
                items[present] = lists[row, rank]
                present += 1
        gather(kind, bits, sizes, vectors, own_rows, items, present, first, sets, counts, rows, own_local)
        total = 0.0
        for one in range(present - 1):
            for other in range(one + 1, present):
                if kind == OWN:
                    total += own(own_local[one], own_local[other])
                    continue
                shared = 0
                for word in range(sets.shape[1]):
                    shared += popcount(sets[one, word] & sets[other, word])
                total += set_distance(kind, shared, counts[one], counts[other])
        out[row] = _mean_of_pairs(factor * total, present, n, missing, singleton)


@kernel
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
    """Mean cosine distance over pairs as (|sum v|^2 - sum |v|^2) of the unit vectors: O(k d) instead of O(k^2 d)."""
    total = np.empty(vectors.shape[1])
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        total[:] = 0.0
        present = 0
        for rank in range(n):
            item = lists[row, rank]
            scale = inverse_norms[item]
            if scale != 0:
                present += 1
                for position in range(vectors.shape[1]):
                    total[position] += scale * vectors[item, position]
        total_distance = 0.5 * (present * present - dot(total, total))  # the unit vectors' own squares add `present`
        if total_distance < 0:
            total_distance = 0.0
        out[row] = _mean_of_pairs(factor * total_distance, present, n, missing, singleton)


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
    out: NDArray[np.float64],
) -> None:
    """Write the distances of all pairs of the first k items of each list, shape (rows, k, k), NaN where there is none.

    The diagonal is 0 where the item has features.
    """
    width = lists.shape[1]
    sets = np.empty((width, bits.shape[1]), np.uint64)
    counts = np.empty(width)
    rows = np.empty((width, vectors.shape[1]), vectors.dtype)
    own_local = np.empty((width, own_rows.shape[1]))
    no_table = np.empty((0, 0))
    first = np.int64(0)
    for row in range(lists.shape[0]):
        n = np.int64(lengths[row] if lengths[row] < k else k)
        gather(kind, bits, sizes, vectors, own_rows, lists[row], n, first, sets, counts, rows, own_local)
        if kind <= HAMMING:  # of a short list, a call for each item would cost more than the distances
            for one in range(n):
                out[row, one, one] = 0.0 if counts[one] != 0 else np.nan
                for other in range(one):
                    shared = 0
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
    least: NDArray[np.float64],
    total: NDArray[np.float64],
    counted: NDArray[np.int64],
) -> None:
    """Least distance, sum and number of distances of each of the first k items to the items of the user's profile.

    Parameters
    ----------
    least, total, counted : (rows, k)
        Infinite, 0 and 0 where there is no distance.
    """
    longest = 0
    for row in range(users.shape[0]):
        if users[row] >= 0 and starts[users[row] + 1] - starts[users[row]] > longest:
            longest = starts[users[row] + 1] - starts[users[row]]
    width = longest + lists.shape[1]  # the profile, then the list
    sets = np.empty((width, bits.shape[1]), np.uint64)
    counts = np.empty(width)
    rows = np.empty((width, vectors.shape[1]), vectors.dtype)
    own_local = np.empty((width, own_rows.shape[1]))
    distances = np.empty((1, width))
    no_table = np.empty((0, 0))
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
