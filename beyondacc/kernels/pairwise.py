"""Distances between items and everything that averages them: one shared row of distances for metrics and re-rankers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel, popcount, reduction
from beyondacc.types import Bits, Floats, ItemIds, Offsets, UserIds

__all__ = [
    "COSINE_SETS",
    "COSINE_VECTORS",
    "JACCARD",
    "OWN",
    "SKIP",
    "distance_row",
    "ild_cosine_rows",
    "ild_rows",
    "nearest_rows",
]

JACCARD, COSINE_SETS, COSINE_VECTORS, OWN = range(4)
SKIP, ONE, ZERO = range(3)


@reduction
def _dot(a: Floats, b: Floats) -> float:
    total = 0.0
    for position in range(a.shape[0]):
        total += a[position] * b[position]
    return total


@kernel
def distance_row(
    kind: int,
    bits: Bits,
    sizes: Floats,
    vectors: Floats,
    own_rows: Floats,
    own: Any,
    item: int,
    others: ItemIds,
    low: int,
    high: int,
    out: NDArray[np.float64],
) -> None:
    """Distances of one item to ``others[low:high]``, NaN where either has no features.

    Parameters
    ----------
    kind
        JACCARD and COSINE_SETS read `bits`; COSINE_VECTORS reads `vectors`; OWN reads `own_rows`.
    sizes : (n_items,)
        Number of features of an item for sets; reciprocal norm for vectors; 0 where the item has none.
    own
        First-class function of two rows of `own_rows`, which are float64 whatever `vectors` are.
    """
    size = sizes[item]
    if kind == COSINE_VECTORS:
        for position in range(low, high):
            other = others[position]
            weight = size * sizes[other]
            distance = 1.0 - weight * _dot(vectors[item], vectors[other])
            # rounding must not make equal items closer than 0, nor opposite ones farther than 2
            out[position] = np.nan if weight == 0 else 0.0 if distance < 0 else 2.0 if distance > 2 else distance
    elif kind == OWN:
        for position in range(low, high):
            other = others[position]
            if size == 0 or sizes[other] == 0:
                out[position] = np.nan
            else:
                out[position] = own(own_rows[item], own_rows[other])
    else:
        for position in range(low, high):
            other = others[position]
            shared = 0
            for word in range(bits.shape[1]):
                shared += popcount(bits[item, word] & bits[other, word])
            if size == 0 or sizes[other] == 0:
                out[position] = np.nan
            elif kind == JACCARD:
                out[position] = 1.0 - shared / (size + sizes[other] - shared)
            else:
                out[position] = 1.0 - shared / np.sqrt(size * sizes[other])


@kernel
def ild_rows(
    kind: int,
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
    """Mean distance over the unordered pairs of the first k items."""
    row_distances = np.empty(lists.shape[1])
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        total = 0.0
        pairs = 0
        for rank in range(n - 1):
            distance_row(
                kind, bits, sizes, vectors, own_rows, own, lists[row, rank], lists[row], rank + 1, n, row_distances
            )
            for other in range(rank + 1, n):
                distance = row_distances[other]
                if np.isnan(distance):
                    if missing == SKIP:
                        continue
                    distance = 1.0 if missing == ONE else 0.0
                total += distance
                pairs += 1
        if n == 1:
            out[row] = singleton
        elif pairs:
            out[row] = total / pairs
        else:
            out[row] = np.nan


@kernel
def ild_cosine_rows(
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
        pairs = present * (present - 1) // 2
        similarity = 0.5 * (_dot(total, total) - present)
        distance = pairs - similarity
        if missing != SKIP:
            every = n * (n - 1) // 2
            distance += every - pairs if missing == ONE else 0
            pairs = every
        if n == 1:
            out[row] = singleton
        elif pairs:
            out[row] = distance / pairs if distance > 0 else 0.0
        else:
            out[row] = np.nan


@kernel
def nearest_rows(
    kind: int,
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
    average: bool,
    out: NDArray[np.float64],
) -> None:
    """Mean over the first k items of the least (or, with `average`, the mean) distance to the user's profile.

    Items or profile items without features are skipped; NaN where nothing is left.
    """
    longest = 0
    for row in range(users.shape[0]):
        if users[row] >= 0 and starts[users[row] + 1] - starts[users[row]] > longest:
            longest = starts[users[row] + 1] - starts[users[row]]
    distances = np.empty(longest)
    for row in range(lists.shape[0]):
        user = users[row]
        out[row] = np.nan
        if user < 0 or starts[user] == starts[user + 1]:
            continue
        profile = items[starts[user] : starts[user + 1]]
        total = 0.0
        counted = 0
        for rank in range(lengths[row] if lengths[row] < k else k):
            distance_row(
                kind, bits, sizes, vectors, own_rows, own, lists[row, rank], profile, 0, profile.shape[0], distances
            )
            least = np.inf
            summed = 0.0
            present = 0
            for position in range(profile.shape[0]):
                distance = distances[position]
                if not np.isnan(distance):
                    summed += distance
                    present += 1
                    if distance < least:
                        least = distance
            if present:
                total += summed / present if average else least
                counted += 1
        if counted:
            out[row] = total / counted
