"""What is computed from the table of distances of each list, shape (rows, k, k), and tables of a given matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.itemwise import REJECTED
from beyondacc.kernels.jit import kernel, scratch_kernel
from beyondacc.kernels.pairwise import ONE, SKIP
from beyondacc.types import Floats, ItemIds, Offsets, UserIds

__all__ = ["eild_rows", "matrix_profile_rows", "matrix_rows", "mean_rows"]


@kernel
def mean_rows(
    tables: NDArray[np.float64],
    lengths: ItemIds,
    k: int,
    missing: int,
    singleton: float,
    out: NDArray[np.float64],
    counted: NDArray[np.int64],
) -> None:
    """Mean distance over the unordered pairs of each list, and how many pairs that is."""
    for row in range(tables.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        total = 0.0
        pairs = 0
        for one in range(n):
            for other in range(one + 1, n):
                distance = tables[row, one, other]
                if np.isnan(distance):
                    if missing == SKIP:
                        continue
                    distance = 1.0 if missing == ONE else 0.0
                total += distance
                pairs += 1
        counted[row] = pairs
        out[row] = singleton if n == 1 else total / pairs if pairs else np.nan


@scratch_kernel
def eild_rows(
    tables: NDArray[np.float64],
    lengths: ItemIds,
    k: int,
    missing: int,
    discounts: Floats,
    gains: Floats,
    background: float,
    out: NDArray[np.float64],
) -> None:
    """Rank- and relevance-aware mean distance.

    Parameters
    ----------
    gains
        Empty where all items are relevant; else those with a gain >= 0 weigh 1, those of `REJECTED` 0 and the others
        `background`.
    """
    relevance = np.ones(tables.shape[1])
    for row in range(tables.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        if gains.shape[0]:
            for rank in range(n):
                unrated = 0.0 if gains[row, rank] == REJECTED else background
                relevance[rank] = 1.0 if gains[row, rank] >= 0 else unrated
        total = 0.0
        scale = 0.0
        for one in range(n):
            inner = 0.0
            weights = 0.0
            pairs = 0
            for other in range(n):
                if other == one:
                    continue
                distance = tables[row, one, other]
                if np.isnan(distance):
                    if missing == SKIP:
                        continue
                    distance = 1.0 if missing == ONE else 0.0
                pairs += 1
                weight = discounts[other - one - 1 if other > one else 0] * relevance[other]
                inner += weight * distance
                weights += weight
            if pairs == 0:
                continue
            scale += discounts[one]
            if weights > 0:
                total += discounts[one] * relevance[one] * inner / weights
        out[row] = total / scale if scale > 0 else np.nan


@kernel
def matrix_rows(
    matrix: Floats, places: ItemIds, lists: ItemIds, lengths: ItemIds, k: int, out: NDArray[np.float64]
) -> None:
    """Look the pairs of each list up in a matrix; `places` says where an item stands in it, -1 nowhere."""
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        for one in range(n):
            for other in range(n):
                first = places[lists[row, one]]
                second = places[lists[row, other]]
                out[row, one, other] = matrix[first, second] if first >= 0 and second >= 0 else np.nan


@kernel
def matrix_profile_rows(
    matrix: Floats,
    places: ItemIds,
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
    """Look the distances to the user's profile up in a matrix; results as in `pairwise.profile_rows`."""
    for row in range(lists.shape[0]):
        user = users[row]
        for rank in range(lengths[row] if lengths[row] < k else k):
            least[row, rank] = np.inf
            total[row, rank] = 0.0
            counted[row, rank] = 0
            first = places[lists[row, rank]]
            if user < 0 or first < 0:
                continue
            for position in range(starts[user], starts[user + 1]):
                second = places[items[position]]
                distance = matrix[first, second] if second >= 0 else np.nan
                if not np.isnan(distance):
                    total[row, rank] += distance
                    counted[row, rank] += 1
                    if distance < least[row, rank]:
                        least[row, rank] = distance
