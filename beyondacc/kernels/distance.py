"""The distance of two items, of lists whose features are copied side by side into small memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.intrinsics import popcount
from beyondacc.kernels.jit import helper, reduction
from beyondacc.kernels.products import products
from beyondacc.types import Bits, Floats, Int, ItemIds

__all__ = [
    "COSINE_CLIPPED",
    "COSINE_SETS",
    "COSINE_VECTORS",
    "EUCLIDEAN",
    "HAMMING",
    "JACCARD",
    "OWN",
    "TABLE",
    "distance_row",
    "gather",
    "jaccard_row",
    "set_distance",
    "squared_distance",
]

JACCARD, COSINE_SETS, HAMMING, COSINE_VECTORS, COSINE_CLIPPED, EUCLIDEAN, OWN, TABLE = range(8)


@reduction
def squared_distance(a: Floats, b: Floats) -> float:
    """Return the squared Euclidean distance of two rows."""
    total = 0.0
    for position in range(a.shape[0]):
        difference = np.float64(a[position]) - np.float64(b[position])
        total += difference * difference
    return total


@helper
def _gather_words(bits: Bits, items: ItemIds, n: Int, to: Int, sets: Bits, counts: Floats) -> None:
    """Copy sets of a word each and count them, which takes less time than to look their sizes up.

    Positions have no sign, lest each should be tested for counting from the end.
    """
    zero, first = np.uint64(0), np.uint64(to)
    for position in range(np.uint64(n)):
        sets[first + position, zero] = bits[np.uint64(items[position]), zero]
    for position in range(np.uint64(n)):
        counts[first + position] = np.int32(popcount(sets[first + position, zero]))


@helper
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
    if kind <= HAMMING and bits.shape[1] == 1:
        _gather_words(bits, items, n, to, sets, counts)
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
    else:
        for position in range(n):
            item = items[position]
            for word in range(bits.shape[1]):
                sets[to + position, word] = bits[item, word]


@helper
def set_distance(kind: Int, shared: Int, one: float, other: float) -> float:
    """Distance of two sets from the number of features they share and have each; of no meaning where one is empty."""
    if kind == HAMMING:
        return one + other - 2.0 * shared
    scale = one + other - shared if kind == JACCARD else np.sqrt(one * other)
    return 1.0 - shared / (scale if scale > 0 else 1.0)


@helper
def jaccard_row(
    factor: float,
    sets: Bits,
    counts: Floats,
    one: Int,
    n: Int,
    missing: float,
    out: NDArray[np.float64],
    to: Int,
) -> None:
    """Write Jaccard distances of sets of one word each, as `distance_row`: no root, no sum of 0."""
    count = counts[one]
    if count == 0:
        out[to, :n] = missing
        return
    word = sets[one, 0]
    for other in range(n):
        common = np.int32(popcount(word & sets[other, 0]))
        distance = factor * (1.0 - common / (count + counts[other] - common))
        out[to, other] = missing if counts[other] == 0 else distance


@helper
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
        products(rows[one], rows, n, out[to])
        for other in range(n):
            distance = 1.0 - count * counts[other] * out[to, other]
            # rounding must not make equal items closer than 0, nor opposite ones farther than 2
            distance = 0.0 if distance < 0 else distance
            distance = factor * (most if distance > most else distance)
            out[to, other] = missing if count == 0 or counts[other] == 0 else distance
        return
    if sets.shape[1] == 1 and kind == JACCARD:
        jaccard_row(factor, sets, counts, one, n, missing, out, to)
        return
    if sets.shape[1] == 1 and kind <= HAMMING:
        word = sets[one, 0]
        for other in range(n):
            distance = factor * set_distance(kind, popcount(word & sets[other, 0]), count, counts[other])
            out[to, other] = missing if count == 0 or counts[other] == 0 else distance
        return
    if kind == EUCLIDEAN:
        for other in range(n):
            out[to, other] = np.sqrt(squared_distance(rows[one], rows[other]))
    elif kind == OWN:
        for other in range(n):
            if count != 0 and counts[other] != 0:
                out[to, other] = own(own_local[one], own_local[other])
    else:
        for other in range(n):
            shared = np.int64(0)
            for place in range(sets.shape[1]):
                shared += popcount(sets[one, place] & sets[other, place])
            out[to, other] = factor * set_distance(kind, shared, count, counts[other])
    for other in range(n):
        out[to, other] = missing if count == 0 or counts[other] == 0 else out[to, other]
