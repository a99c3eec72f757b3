"""Genres as aspects of what a user wants: distinct ones, repeated ones, their proportions along a list."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.calibration import forget_shares, normalise_shares
from beyondacc.kernels.jit import kernel, scratch_kernel
from beyondacc.types import Floats, Int, ItemIds, Offsets, UserIds

__all__ = ["alpha_ndcg_rows", "distinct_rows", "err_ia_rows", "proportionality_rows"]

_TIE = 1.0 + 1e-12


@kernel
def _mark(
    feature_starts: Offsets, feature_ids: ItemIds, items: ItemIds, low: Int, high: Int, stamp: Int, marks: Offsets
) -> int:
    """Stamp the features of ``items[low:high]``, and count those that were not stamped before."""
    fresh = 0
    for place in range(low, high):
        for position in range(feature_starts[items[place]], feature_starts[items[place] + 1]):
            if marks[feature_ids[position]] != stamp:
                marks[feature_ids[position]] = stamp
                fresh += 1
    return fresh


@scratch_kernel
def distinct_rows(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    n_features: int,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    gains: Floats,
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    of_relevant: bool,
    possible: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Count the distinct features of the first k items.

    Parameters
    ----------
    gains
        Empty, or the gains of the listed items, of which then only those >= 0 are counted.
    starts, items
        Relevant items of the users.
    of_relevant
        Count only features that a relevant item of the user has.
    possible
        Zeros; with `of_relevant` it receives how many such features there are.
    """
    wanted = np.full(n_features, -1, np.int64)
    seen = np.full(n_features, -1, np.int64)
    for row in range(lists.shape[0]):
        user = users[row]
        if of_relevant and user >= 0:
            possible[row] = _mark(feature_starts, feature_ids, items, starts[user], starts[user + 1], row, wanted)
        distinct = 0
        for rank in range(lengths[row] if lengths[row] < k else k):
            if gains.shape[0] and gains[row, rank] < 0:
                continue
            item = lists[row, rank]
            for position in range(feature_starts[item], feature_starts[item + 1]):
                feature = feature_ids[position]
                if seen[feature] != row and (not of_relevant or wanted[feature] == row):
                    seen[feature] = row
                    distinct += 1
        out[row] = distinct


@kernel
def _gain(feature_starts: Offsets, feature_ids: ItemIds, item: Int, worth: Floats) -> float:
    """Sum what the features of an item are worth."""
    total = 0.0
    for position in range(feature_starts[item], feature_starts[item + 1]):
        total += worth[feature_ids[position]]
    return total


@kernel
def _shrink(feature_starts: Offsets, feature_ids: ItemIds, item: Int, worth: NDArray[np.float64], by: float) -> None:
    """Make the features of an item worth less."""
    for position in range(feature_starts[item], feature_starts[item + 1]):
        worth[feature_ids[position]] *= by


@kernel
def _restore(
    feature_starts: Offsets, feature_ids: ItemIds, items: ItemIds, worth: Floats, marks: Offsets, stamp: Int
) -> None:
    """Make the features of items worth 1 again, or 0 where they are not stamped."""
    for item in items:
        for position in range(feature_starts[item], feature_starts[item + 1]):
            feature = feature_ids[position]
            worth[feature] = 1.0 if stamp < 0 or marks[feature] == stamp else 0.0


@kernel
def _ascending(numbers: NDArray[Any], n: Int) -> None:
    """Sort the first n numbers, which are few, in place; np.sort takes seconds to compile."""
    for place in range(1, n):
        number, hole = numbers[place], place
        while hole > 0 and numbers[hole - 1] > number:
            numbers[hole] = numbers[hole - 1]
            hole -= 1
        numbers[hole] = number


@kernel
def _greedy(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    pool: ItemIds,
    steps: Int,
    keep: float,
    discounts: Floats,
    worth: NDArray[np.float64],
    bounds: NDArray[np.float64],
) -> float:
    """Discounted gain of a pool taken greedily; of equal gains the first in the pool is taken."""
    bounds[: pool.shape[0]] = np.inf
    total = 0.0
    for step in range(steps):
        best = 0.0
        chosen = -1
        for place in range(pool.shape[0]):
            # features only lose worth: what an item gained before, it will not exceed
            if bounds[place] <= best * _TIE:
                continue
            bounds[place] = _gain(feature_starts, feature_ids, pool[place], worth)
            if bounds[place] > best * _TIE:  # equal gains differ by rounding where they are added in another order
                best = bounds[place]
                chosen = place
        if chosen < 0:
            break
        bounds[chosen] = 0.0
        total += best * discounts[step]
        _shrink(feature_starts, feature_ids, pool[chosen], worth, keep)
    return total


@scratch_kernel
def alpha_ndcg_rows(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    n_features: int,
    keep: float,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    gains: Floats,
    discounts: Floats,
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    profile_starts: Offsets,
    profile_items: ItemIds,
    of_profile: bool,
    greedy: bool,
    out: NDArray[np.float64],
) -> None:
    """Discounted gain of the first k items by what is new in them, over that of an ideal list; 0 where that is 0.

    Parameters
    ----------
    keep
        What a feature is worth after it was shown, as a share of what it was worth before: 1 - alpha.
    gains
        Empty, or the gains of the listed items, of which then only those >= 0 count.
    starts, items
        Relevant items of the users, from which the ideal is taken; where `gains` is empty, it is taken from the list.
    of_profile, greedy
        Count only features of the profile; take a greedy ideal, not the gains of the list itself in falling order.
    """
    longest = lists.shape[1]
    for row in range(lists.shape[0]):
        user = users[row]
        if user >= 0 and starts[user + 1] - starts[user] > longest:
            longest = starts[user + 1] - starts[user]
    bounds = np.empty(longest)
    worth = np.zeros(n_features)
    marks = np.full(n_features, -1, np.int64)
    reached = np.empty(lists.shape[1])
    for row in range(lists.shape[0]):
        user = users[row]
        n = lengths[row] if lengths[row] < k else k
        stamp = row if of_profile else -1
        if of_profile and user >= 0:
            _mark(
                feature_starts, feature_ids, profile_items, profile_starts[user], profile_starts[user + 1], row, marks
            )
        _restore(feature_starts, feature_ids, lists[row, :n], worth, marks, stamp)
        actual = 0.0
        for rank in range(n):
            reached[rank] = 0.0
            if gains.shape[0] == 0 or gains[row, rank] >= 0:
                reached[rank] = _gain(feature_starts, feature_ids, lists[row, rank], worth)
                actual += reached[rank] * discounts[rank]
                _shrink(feature_starts, feature_ids, lists[row, rank], worth, keep)
        ideal = 0.0
        if not greedy:
            _ascending(reached, n)
            for rank in range(n):
                ideal += reached[n - 1 - rank] * discounts[rank]
        elif gains.shape[0] == 0:
            listed = lists[row, :n].copy()
            _ascending(listed, n)
            _restore(feature_starts, feature_ids, listed, worth, marks, stamp)
            ideal = _greedy(feature_starts, feature_ids, listed, n, keep, discounts, worth, bounds)
        elif user >= 0:
            pool = items[starts[user] : starts[user + 1]]
            _restore(feature_starts, feature_ids, pool, worth, marks, stamp)
            ideal = _greedy(feature_starts, feature_ids, pool, k, keep, discounts, worth, bounds)
        out[row] = actual / ideal if ideal > 0 else 0.0


@scratch_kernel
def err_ia_rows(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    n_features: int,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    gains: Floats,
    greatest: float,
    taste_starts: Offsets,
    taste_ids: ItemIds,
    taste_counts: Floats,
    distinct: bool,
    out: NDArray[np.float64],
) -> None:
    """Average the expected reciprocal rank of each feature in the first k items over what the user intends.

    Parameters
    ----------
    greatest
        The largest gain of all: an item of gain g satisfies with probability (2^g - 1) / 2^greatest.
    taste_starts, taste_ids, taste_counts
        The features that are the intents of each row, and how often they occur; NaN where none do.
    distinct
        Each feature counts once, and users whose items have none get 0.
    """
    intents = np.zeros(n_features)
    waiting = np.ones(n_features)
    for row in range(lists.shape[0]):
        low, high = taste_starts[row], taste_starts[row + 1]
        occurrences = 0.0
        for place in range(low, high):
            intents[taste_ids[place]] = 1.0 if distinct else taste_counts[place]
            occurrences += intents[taste_ids[place]]
        total = 0.0
        n = lengths[row] if lengths[row] < k else k
        for rank in range(n):
            if gains[row, rank] <= 0:
                continue
            item = lists[row, rank]
            satisfied = 2.0 ** (gains[row, rank] - greatest) - 2.0**-greatest
            found = 0.0
            for position in range(feature_starts[item], feature_starts[item + 1]):
                found += intents[feature_ids[position]] * waiting[feature_ids[position]]
            total += found * satisfied / (rank + 1)
            _shrink(feature_starts, feature_ids, item, waiting, 1.0 - satisfied)
        for rank in range(n):
            for position in range(feature_starts[lists[row, rank]], feature_starts[lists[row, rank] + 1]):
                waiting[feature_ids[position]] = 1.0
        for place in range(low, high):
            intents[taste_ids[place]] = 0.0
        nothing = 0.0 if distinct else np.nan
        out[row] = total / occurrences if occurrences else nothing


@scratch_kernel
def proportionality_rows(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    n_features: int,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    gains: Floats,
    taste_starts: Offsets,
    taste_ids: ItemIds,
    taste_shares: Floats,
    out: NDArray[np.float64],
) -> None:
    """Mean over the cuts of the first k items of how far the genres are in proportion to those of the profile.

    NaN where the profile has no genres.

    Parameters
    ----------
    gains
        Empty, or the gains of the listed items, of which then only those >= 0 are counted.
    """
    p, used = np.zeros(n_features), np.empty(n_features, np.int32)
    counts = np.zeros(n_features)
    for row in range(lists.shape[0]):
        out[row] = np.nan
        n = lengths[row] if lengths[row] < k else k
        n_used = taste_starts[row + 1] - taste_starts[row]
        if n == 0 or n_used == 0:
            continue
        for place in range(n_used):
            used[place] = taste_ids[taste_starts[row] + place]
            p[used[place]] = taste_shares[taste_starts[row] + place]
        normalise_shares(p, used, n_used)
        squares = 0.0
        for place in range(n_used):
            squares += p[used[place]] * p[used[place]]
        total = 0.0
        misses = 0
        for rank in range(n):
            item = lists[row, rank]
            if gains.shape[0] == 0 or gains[row, rank] >= 0:
                for position in range(feature_starts[item], feature_starts[item + 1]):
                    counts[feature_ids[position]] += 1.0
            else:
                misses += 1
            shown = rank + 1.0
            short = 0.5 * misses * misses
            for place in range(n_used):
                lacking = p[used[place]] * shown - counts[used[place]]
                lacking = lacking if lacking > 0 else 0.0
                short += lacking * lacking
            shortest = shown * shown * (squares + (0.5 if gains.shape[0] else 0.0))
            if short < shortest:  # equal but for rounding where nothing was counted
                total += 1.0 - short / shortest
        out[row] = total / n
        forget_shares(p, used, n_used)
        for rank in range(n):
            for position in range(feature_starts[lists[row, rank]], feature_starts[lists[row, rank] + 1]):
                counts[feature_ids[position]] = 0.0
