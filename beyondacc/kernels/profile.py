"""Lists against the user's past and against what a primitive model would have shown."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.align import find
from beyondacc.kernels.jit import kernel
from beyondacc.types import Floats, ItemIds, Offsets, UserIds

__all__ = [
    "ahead_of_popularity_rows",
    "ahead_of_primitive_rows",
    "cooccurrence_rows",
    "popular_rows",
    "unexpected_rows",
]


@kernel
def popular_rows(
    users: UserIds, starts: Offsets, items: ItemIds, order: ItemIds, out: ItemIds, lengths: ItemIds
) -> None:
    """Fill each list with the first items of `order` that are not in the user's profile."""
    for row in range(users.shape[0]):
        user = users[row]
        filled = 0
        for item in order:
            if filled == out.shape[1]:
                break
            if user >= 0 and find(items, starts[user], starts[user + 1], item) >= 0:
                continue
            out[row, filled] = item
            filled += 1
        lengths[row] = filled


@kernel
def _n_items(lists: ItemIds, others: ItemIds) -> int:
    """Return how many items there are at most."""
    highest = -1
    for row in range(lists.shape[0]):
        for item in lists[row]:
            highest = max(highest, item)
        for item in others[row]:
            highest = max(highest, item)
    return highest + 1


@kernel
def unexpected_rows(
    lists: ItemIds, lengths: ItemIds, k: int, expected: ItemIds, gains: Floats, out: NDArray[np.float64]
) -> None:
    """Count the first k items that are not among the expected ones; with `gains`, only the relevant of them.

    `expected` may hold -1 anywhere.
    """
    expected_by = np.full(_n_items(lists, expected), -1, np.int64)  # the last row that expects an item
    for row in range(lists.shape[0]):
        for item in expected[row]:
            if item >= 0:
                expected_by[item] = row
        unexpected = 0
        for rank in range(lengths[row] if lengths[row] < k else k):
            if gains.shape[0] and gains[row, rank] < 0:
                continue
            if expected_by[lists[row, rank]] != row:
                unexpected += 1
        out[row] = unexpected


@kernel
def ahead_of_popularity_rows(
    lists: ItemIds, lengths: ItemIds, k: int, gains: Floats, anybody: Floats, n_items: int, out: NDArray[np.float64]
) -> None:
    """Add up how far the first k items, if relevant, stand higher in the list than they would in everybody's.

    A rank r is worth 1 - r/n_items; `anybody` holds what each item is worth to everybody.
    """
    for row in range(lists.shape[0]):
        total = 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            if gains[row, rank] >= 0:
                ahead = (n_items - rank) / n_items - anybody[lists[row, rank]]
                if ahead > 0:
                    total += ahead
        out[row] = total


@kernel
def _worth(scores: Floats, row: int, n: int, out: NDArray[np.float64]) -> None:
    """Scale the first n scores of a row to 0..1, all to 0 where they are equal; without scores write 1/(rank + 1)."""
    if scores.shape[0] == 0:
        for rank in range(n):
            out[rank] = 1.0 / (rank + 1)
        return
    low = np.inf
    high = -np.inf
    for rank in range(n):
        low = scores[row, rank] if scores[row, rank] < low else low
        high = scores[row, rank] if scores[row, rank] > high else high
    for rank in range(n):
        out[rank] = (scores[row, rank] - low) / (high - low) if high > low else 0.0


@kernel
def ahead_of_primitive_rows(
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    scores: Floats,
    gains: Floats,
    expected: ItemIds,
    expected_lengths: ItemIds,
    expected_scores: Floats,
    out: NDArray[np.float64],
) -> None:
    """Add up, over the relevant of the first k items, how much more they are worth than to a primitive model.

    Each item counts by the precision at its rank. The scores of a list, and of all that is expected, are scaled to
    0..1; empty arrays stand for no scores. Items that are not expected are worth 0 to the primitive model.
    """
    n_items = _n_items(lists, expected)
    expected_by = np.full(n_items, -1, np.int64)  # the last row that expects an item
    expected_worth = np.empty(n_items)
    own = np.empty(lists.shape[1])
    other = np.empty(expected.shape[1])
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        _worth(scores, row, n, own)
        _worth(expected_scores, row, expected_lengths[row], other)
        for rank in range(expected_lengths[row]):
            expected_by[expected[row, rank]] = row
            expected_worth[expected[row, rank]] = other[rank]
        hits = 0
        total = 0.0
        for rank in range(n):
            if gains[row, rank] < 0:
                continue
            hits += 1
            item = lists[row, rank]
            ahead = own[rank] - (expected_worth[item] if expected_by[item] == row else 0.0)
            if ahead > 0:
                total += ahead * hits / (rank + 1)
        out[row] = total


@kernel
def _npmi_distance(both: int, one: int, other: int, users: int) -> float:
    """Return (1 - nPMI)/2 from the numbers of users of both items, of each, and in all."""
    if both == 0:
        return 1.0
    if both == users:
        return 0.0
    npmi = math.log2(users * both / (one * other)) / -math.log2(both / users)
    return 0.5 * (1.0 - npmi)


@kernel
def cooccurrence_rows(
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    item_starts: Offsets,
    item_users: UserIds,
    n_users: int,
    average: bool,
    out: NDArray[np.float64],
) -> None:
    """Mean over the first k items of the least (or, with `average`, the mean) nPMI distance to the user's profile.

    Goes through the distinct items of the block, so that the co-occurrences of an item are counted once for all lists
    that show it and no item x item matrix is ever kept. Items beyond `item_starts` have no training users.
    """
    n_items = item_starts.shape[0] - 1
    shown = np.zeros(n_items + 2, np.int64)
    for row in range(lists.shape[0]):
        for rank in range(lengths[row] if lengths[row] < k else k):
            item = lists[row, rank] if lists[row, rank] < n_items else n_items
            shown[item + 1] += 1
    for item in range(n_items + 1):
        shown[item + 1] += shown[item]
    cursor = shown[: n_items + 1].copy()
    shown_to = np.empty(shown[n_items + 1], np.int64)
    for row in range(lists.shape[0]):
        out[row] = 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            item = lists[row, rank] if lists[row, rank] < n_items else n_items
            shown_to[cursor[item]] = row
            cursor[item] += 1
    together = np.zeros(n_items, np.int64)
    for item in range(n_items + 1):
        if shown[item] == shown[item + 1]:
            continue
        low = item_starts[item] if item < n_items else 0
        high = item_starts[item + 1] if item < n_items else 0
        for place in range(low, high):
            for position in range(starts[item_users[place]], starts[item_users[place] + 1]):
                together[items[position]] += 1
        for place in range(shown[item], shown[item + 1]):
            row = shown_to[place]
            user = users[row]
            if user < 0 or starts[user] == starts[user + 1]:
                continue
            least = 1.0
            summed = 0.0
            for position in range(starts[user], starts[user + 1]):
                other = items[position]
                distance = _npmi_distance(
                    together[other], high - low, item_starts[other + 1] - item_starts[other], n_users
                )
                summed += distance
                if distance < least:
                    least = distance
            out[row] += summed / (starts[user + 1] - starts[user]) if average else least
        for place in range(low, high):
            for position in range(starts[item_users[place]], starts[item_users[place] + 1]):
                together[items[position]] = 0
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        user = users[row]
        if n and user >= 0 and starts[user] < starts[user + 1]:
            out[row] /= n
        else:
            out[row] = np.nan
