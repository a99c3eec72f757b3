"""Distances between items: on the fly from their features, or looked up in a table of the pairs of each list."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel, popcount, reduction
from beyondacc.types import Bits, Floats, Int, ItemIds, Offsets, UserIds

__all__ = [
    "COSINE_CLIPPED",
    "COSINE_SETS",
    "COSINE_VECTORS",
    "EUCLIDEAN",
    "HAMMING",
    "JACCARD",
    "OWN",
    "SKIP",
    "TABLE",
    "distance_row",
    "gather",
    "ild_cosine_rows",
    "ild_rows",
    "pair_rows",
    "profile_rows",
]

JACCARD, COSINE_SETS, HAMMING, COSINE_VECTORS, COSINE_CLIPPED, EUCLIDEAN, OWN, TABLE = range(8)
SKIP, ONE, ZERO = range(3)


@reduction
def _dot(a: Floats, b: Floats) -> float:
    total = 0.0
    for position in range(a.shape[0]):
        total += a[position] * b[position]
    return total


@reduction
def _squared_distance(a: Floats, b: Floats) -> float:
    total = 0.0
    for position in range(a.shape[0]):
        difference = np.float64(a[position]) - np.float64(b[position])
        total += difference * difference
    return total


@kernel
def gather(
    kind: int,
    bits: Bits,
    sizes: Floats,
    vectors: Floats,
    own_rows: Floats,
    items: ItemIds,
    n: Int,
    to: Int,
    sets: Bits,
    counts: Floats,
    rows: Floats,
    own_local: Floats,
) -> None:
    """Copy the features of the first n items next to each other, from position `to`.

    Pairs are then compared in memory that is small and contiguous, which is many times faster.

    Parameters
    ----------
    kind
        Kinds of sets read `bits`, kinds of vectors `vectors`, OWN `own_rows`; TABLE needs none of them.
    sizes : (n_items,)
        Number of features of an item for sets; reciprocal norm for vectors; 0 where the item has none.
    sets, counts, rows, own_local
        The copies of bits, sizes, vectors and own_rows.
    """
    if kind == TABLE:
        return
    for position in range(n):
        counts[to + position] = sizes[items[position]]
    if COSINE_VECTORS <= kind <= EUCLIDEAN:
        for position in range(n):
            item = items[position]
            for column in range(vectors.shape[1]):
                rows[to + position, column] = vectors[item, column]
    elif kind == OWN:
        for position in range(n):
            item = items[position]
            for column in range(own_rows.shape[1]):
                own_local[to + position, column] = own_rows[item, column]
    elif bits.shape[1] == 1:
        for position in range(n):
            sets[to + position, 0] = bits[items[position], 0]
    else:
        for position in range(n):
            item = items[position]
            for word in range(bits.shape[1]):
                sets[to + position, word] = bits[item, word]


@kernel
def _set_distance(kind: int, shared: int, one: float, other: float) -> float:
    """Distance of two sets from the number of features they share and have each; of no meaning where one is empty."""
    if kind == HAMMING:
        return one + other - 2.0 * shared
    scale = one + other - shared if kind == JACCARD else np.sqrt(one * other)
    return 1.0 - shared / (scale if scale > 0 else 1.0)


@reduction
def _dots(rows: Floats, one: Int, n: Int, out: NDArray[np.float64], to: Int) -> None:
    """Products of one row with the first n, four at a time, so that the one is read once for four."""
    width = rows.shape[1]
    nothing = rows.dtype.type(0)
    fours = n // 4
    for four in range(fours):
        first, second, third, fourth = nothing, nothing, nothing, nothing
        for place in range(width):
            mine = rows[one, place]
            first += mine * rows[4 * four, place]
            second += mine * rows[4 * four + 1, place]
            third += mine * rows[4 * four + 2, place]
            fourth += mine * rows[4 * four + 3, place]
        out[to, 4 * four], out[to, 4 * four + 1] = first, second
        out[to, 4 * four + 2], out[to, 4 * four + 3] = third, fourth
    for other in range(4 * fours, n):
        out[to, other] = _dot(rows[one], rows[other])


@kernel
def distance_row(
    kind: int,
    factor: float,
    sets: Bits,
    counts: Floats,
    rows: Floats,
    own_local: Floats,
    own: Any,
    table: NDArray[np.float64],
    one: Int,
    n: Int,
    missing: float,
    out: NDArray[np.float64],
    to: Int,
) -> None:
    """Distances of one gathered item to the first n.

    The loops are from 0 and without branches, and arrays are not cut, so that they are vectorised and nothing is
    counted.

    Parameters
    ----------
    kind, sets, counts, rows, own_local
        As `gather` left them.
    factor
        Multiplies the distance.
    own
        First-class function of two rows of `own_local`, which are float64 whatever the vectors are.
    table : (n, n)
        For TABLE: the distances, NaN where there is none.
    missing
        What to write where there is no distance.
    out, to
        An array, and in which of its rows to write.
    """
    if kind == TABLE:
        for other in range(n):
            out[to, other] = missing if np.isnan(table[one, other]) else table[one, other]
        return
    count = counts[one]
    if COSINE_VECTORS <= kind <= COSINE_CLIPPED:
        most = 2.0 if kind == COSINE_VECTORS else 1.0  # clipped: no similarity below 0
        _dots(rows, one, n, out, to)
        for other in range(n):
            distance = 1.0 - count * counts[other] * out[to, other]
            # rounding must not make equal items closer than 0, nor opposite ones farther than 2
            distance = 0.0 if distance < 0 else distance
            out[to, other] = factor * (most if distance > most else distance)
    elif kind == EUCLIDEAN:
        for other in range(n):
            out[to, other] = np.sqrt(_squared_distance(rows[one], rows[other]))
    elif kind == OWN:
        for other in range(n):
            if count != 0 and counts[other] != 0:
                out[to, other] = own(own_local[one], own_local[other])
    elif sets.shape[1] == 1:
        word = sets[one, 0]
        for other in range(n):
            out[to, other] = popcount(word & sets[other, 0])
        for other in range(n):
            out[to, other] = factor * _set_distance(kind, out[to, other], count, counts[other])
    else:
        for other in range(n):
            shared = 0
            for place in range(sets.shape[1]):
                shared += popcount(sets[one, place] & sets[other, place])
            out[to, other] = factor * _set_distance(kind, shared, count, counts[other])
    for other in range(n):
        out[to, other] = missing if count == 0 or counts[other] == 0 else out[to, other]


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
                total += _set_distance(kind, shared, counts[one], counts[other])
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
        total_distance = 0.5 * (present * present - _dot(total, total))  # the unit vectors' own squares add `present`
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
