"""Distances between columns of the training rows: who has both items, and how they rated them.

An item x item matrix is never kept. The kernels go through the distinct items that are shown; for each of them one pass
over its users' profiles says what every other item shares with it, and all lists that show it are served.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import helper, scratch_kernel
from beyondacc.types import Floats, Int, ItemIds, Offsets, UserIds

__all__ = ["COMMON_COSINE", "COOCCURRENCE", "COSINE", "NPMI", "PEARSON", "column_rows"]

COOCCURRENCE, NPMI, COSINE, COMMON_COSINE, PEARSON = range(5)


@helper
def _npmi_distance(both: Int, one: Int, other: Int, users: int) -> float:
    """Return (1 - nPMI)/2 from the numbers of users of both items, of each, and in all."""
    if both == 0:
        return 1.0
    if both == users:
        return 0.0
    npmi = math.log2(users * both / (one * other)) / -math.log2(both / users)
    return 0.5 * (1.0 - npmi)


@helper
def _spread(n: Int, total: float, squares: float) -> float:
    """Sum of squared deviations from the mean; 0 where it is nothing but the rounding of sums of n numbers."""
    spread = squares - total * total / n
    return spread if spread > (1e-12 + 2.3e-16 * n) * squares else 0.0


@helper
def _distance(
    kind: int,
    both: Int,
    one: Int,
    other: Int,
    users: int,
    norms: float,
    x: float,
    y: float,
    xx: float,
    yy: float,
    xy: float,
) -> float:
    """Distance of two items, NaN where there is none.

    Parameters
    ----------
    both, one, other, users
        Numbers of users of both items, of each, and in all.
    norms
        Product of the norms of the two columns.
    x, y, xx, yy, xy
        Sums over the common users; anything where the kind does not need them.
    """
    if kind == NPMI:
        return _npmi_distance(both, one, other, users)
    if one == 0 or other == 0:
        return np.nan
    if kind == COOCCURRENCE:
        distance = 1.0 - both / math.sqrt(one * other)
        return 0.0 if distance < 0 else distance
    if kind == PEARSON:
        if both < 2:
            return np.nan
        spread = _spread(both, x, xx)
        other_spread = _spread(both, y, yy)
        if spread == 0 or other_spread == 0:
            return np.nan
        distance = 1.0 - (xy - x * y / both) / math.sqrt(spread * other_spread)
        return 0.0 if distance < 0 else 2.0 if distance > 2 else distance
    scale = norms if kind == COSINE else math.sqrt(xx * yy)
    if scale == 0:
        return np.nan
    distance = 0.5 * (1.0 - xy / scale)
    return 0.0 if distance < 0 else 1.0 if distance > 1 else distance


@scratch_kernel
def column_rows(
    kind: int,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    values: Floats,
    item_starts: Offsets,
    item_users: UserIds,
    item_values: Floats,
    norms: Floats,
    n_users: int,
    first_item: int,
    last_item: int,
    to_profile: bool,
    tables: NDArray[np.float64],
    least: NDArray[np.float64],
    total: NDArray[np.float64],
    counted: NDArray[np.int64],
) -> None:
    """Distances of the first k items to the user's profile, or to each other.

    Parameters
    ----------
    users, starts, items, values
        The training rows; values are centred as the kind wants them.
    item_starts, item_users, item_values
        The same by columns. Items beyond `item_starts` have no training users.
    norms : (items,)
        Of the columns; any single number where the kind does not need values.
    first_item, last_item
        Serve the lists' items from the first to before the last; the items without training users count as one more.
    to_profile
        Fill `least`, `total`, `counted` as `pairwise.profile_rows` does; else `tables` as `pairwise.pair_rows` does.
    """
    n_items = item_starts.shape[0] - 1
    width = lists.shape[1]
    rated = kind >= COSINE
    shown = np.zeros(n_items + 2, np.int64)
    for row in range(lists.shape[0]):
        for rank in range(lengths[row] if lengths[row] < k else k):
            item = lists[row, rank] if lists[row, rank] < n_items else n_items
            shown[item + 1] += 1
    for item in range(n_items + 1):
        shown[item + 1] += shown[item]
    cursor = shown[: n_items + 1].copy()
    shown_at = np.empty(shown[n_items + 1], np.int64)
    for row in range(lists.shape[0]):
        for rank in range(lengths[row] if lengths[row] < k else k):
            item = lists[row, rank] if lists[row, rank] < n_items else n_items
            shown_at[cursor[item]] = row * width + rank
            cursor[item] += 1
    together = np.zeros(n_items, np.int32)
    sums = np.zeros((n_items if rated else 1, 5))
    for item in range(first_item, last_item):
        if shown[item] == shown[item + 1]:
            continue
        low = item_starts[item] if item < n_items else 0
        high = item_starts[item + 1] if item < n_items else 0
        touched = 0
        for place in range(low, high):
            user = item_users[place]
            touched += starts[user + 1] - starts[user]
            for position in range(starts[user], starts[user + 1]):
                other = items[position]
                together[other] += 1
                if rated:
                    x = item_values[place]
                    y = values[position]
                    sums[other, 0] += x
                    sums[other, 1] += y
                    sums[other, 2] += x * x
                    sums[other, 3] += y * y
                    sums[other, 4] += x * y
        norm = norms[item] if rated and item < n_items else 0.0
        for place in range(shown[item], shown[item + 1]):
            row = shown_at[place] // width
            rank = shown_at[place] % width
            user = users[row]
            if to_profile:
                nearest = np.inf
                summed = 0.0
                present = 0
                first = starts[user] if user >= 0 else 0
                for position in range(first, starts[user + 1] if user >= 0 else 0):
                    other = items[position]
                    at = other if rated else 0
                    distance = _distance(
                        kind,
                        np.int64(together[other]),
                        high - low,
                        item_starts[other + 1] - item_starts[other],
                        n_users,
                        norm * norms[at],
                        sums[at, 0],
                        sums[at, 1],
                        sums[at, 2],
                        sums[at, 3],
                        sums[at, 4],
                    )
                    if not np.isnan(distance):
                        summed += distance
                        present += 1
                        if distance < nearest:
                            nearest = distance
                least[row, rank] = nearest
                total[row, rank] = summed
                counted[row, rank] = present
                continue
            for other_rank in range(lengths[row] if lengths[row] < k else k):
                other = lists[row, other_rank]
                known = other < n_items
                at = other if rated and known else 0
                tables[row, rank, other_rank] = _distance(
                    kind,
                    np.int64(together[other] if known else 0),
                    high - low,
                    item_starts[other + 1] - item_starts[other] if known else 0,
                    n_users,
                    norm * norms[at],
                    sums[at, 0],
                    sums[at, 1],
                    sums[at, 2],
                    sums[at, 3],
                    sums[at, 4],
                )
        if touched > n_items:
            together[:] = 0
            sums[:] = 0.0
            continue
        for place in range(low, high):
            user = item_users[place]
            for position in range(starts[user], starts[user + 1]):
                together[items[position]] = 0
                if rated:
                    for column in range(5):
                        sums[items[position], column] = 0.0
