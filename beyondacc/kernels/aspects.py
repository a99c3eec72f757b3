"""Genres as aspects of what a user wants: distinct ones, repeated ones, their proportions along a list."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import helper, reduction, scratch_kernel
from beyondacc.types import Floats, Int, ItemIds, Offsets, UserIds

__all__ = ["alpha_ndcg_rows", "distinct_rows", "err_ia_rows", "proportionality_rows"]

_TIE = 1.0 + 1e-12


@helper
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


@helper
def _gain(feature_starts: Offsets, feature_ids: ItemIds, item: Int, worth: Floats) -> float:
    """Sum what the features of an item are worth."""
    total = 0.0
    for position in range(feature_starts[item], feature_starts[item + 1]):
        total += worth[feature_ids[position]]
    return total


@helper
def _shrink(feature_starts: Offsets, feature_ids: ItemIds, item: Int, worth: NDArray[np.float64], by: float) -> None:
    """Make the features of an item worth less."""
    for position in range(feature_starts[item], feature_starts[item + 1]):
        worth[feature_ids[position]] *= by


@helper
def _restore(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    items: ItemIds,
    low: Int,
    high: Int,
    worth: NDArray[np.float64],
    marks: Offsets,
    stamp: Int,
) -> None:
    """Make the features of ``items[low:high]`` worth 1 again, or 0 where they are not stamped."""
    for place in range(low, high):
        item = items[place]
        for position in range(feature_starts[item], feature_starts[item + 1]):
            feature = feature_ids[position]
            worth[feature] = 1.0 if stamp < 0 or marks[feature] == stamp else 0.0


@helper
def _ascending(numbers: NDArray[Any], n: Int) -> None:
    """Sort the first n numbers, which are few, in place; np.sort takes seconds to compile."""
    for place in range(1, n):
        number, hole = numbers[place], place
        while hole > 0 and numbers[hole - 1] > number:
            numbers[hole] = numbers[hole - 1]
            hole -= 1
        numbers[hole] = number


@helper
def _greedy(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    pool: ItemIds,
    low: Int,
    n: Int,
    steps: Int,
    keep: float,
    discounts: Floats,
    worth: NDArray[np.float64],
    bounds: NDArray[np.float64],
) -> float:
    """Discounted gain of the n items from `low` of a pool taken greedily; of equal gains the first one is taken."""
    for place in range(n):
        bounds[place] = np.inf
    total = 0.0
    for step in range(steps):
        best = 0.0
        chosen = -1
        for place in range(n):
            # features only lose worth: what an item gained before, it will not exceed
            if bounds[place] <= best * _TIE:
                continue
            bounds[place] = _gain(feature_starts, feature_ids, pool[low + place], worth)
            if bounds[place] > best * _TIE:  # equal gains differ by rounding where they are added in another order
                best = bounds[place]
                chosen = place
        if chosen < 0:
            break
        bounds[chosen] = 0.0
        total += best * discounts[step]
        _shrink(feature_starts, feature_ids, pool[low + chosen], worth, keep)
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
    places: ItemIds,
    of_places: ItemIds,
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
        Of equal ones the ideal takes the first.
    places, of_places
        The place of each item among those that are equally good for an ideal taken from the list, and the item at each
        place.
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
    reached, listed = np.empty(lists.shape[1]), np.empty(lists.shape[1], np.int32)
    ranks = np.empty(lists.shape[1], np.int64)
    nothing = np.int64(0)
    for row in range(lists.shape[0]):
        user = users[row]
        n = lengths[row] if lengths[row] < k else k
        stamp = row if of_profile else -1
        if of_profile and user >= 0:
            _mark(
                feature_starts, feature_ids, profile_items, profile_starts[user], profile_starts[user + 1], row, marks
            )
        n_counted = np.int64(0)
        for rank in range(n):
            listed[n_counted], ranks[n_counted] = lists[row, rank], rank
            n_counted += int(gains.shape[0] == 0 or gains[row, rank] >= 0)
            reached[rank] = 0.0
        _restore(feature_starts, feature_ids, listed, nothing, n_counted, worth, marks, stamp)
        actual = 0.0
        for place in range(n_counted):
            rank = ranks[place]
            reached[rank] = _gain(feature_starts, feature_ids, listed[place], worth)
            actual += reached[rank] * discounts[rank]
            _shrink(feature_starts, feature_ids, listed[place], worth, keep)
        out[row] = 0.0
        if actual == 0:  # as for most users
            continue
        ideal = 0.0
        if not greedy:
            _ascending(reached, n)
            for rank in range(n):
                ideal += reached[n - 1 - rank] * discounts[rank]
        elif gains.shape[0] == 0:
            for rank in range(n):
                listed[rank] = places[listed[rank]]
            _ascending(listed, n)
            for rank in range(n):
                listed[rank] = of_places[listed[rank]]
            _restore(feature_starts, feature_ids, listed, nothing, n, worth, marks, stamp)
            ideal = _greedy(feature_starts, feature_ids, listed, nothing, n, n, keep, discounts, worth, bounds)
        elif user >= 0:
            low, high = starts[user], starts[user + 1]
            _restore(feature_starts, feature_ids, items, low, high, worth, marks, stamp)
            ideal = _greedy(feature_starts, feature_ids, items, low, high - low, k, keep, discounts, worth, bounds)
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
    worth = np.zeros(n_features)  # intents, and how much of them still waits
    hits = np.empty(lists.shape[1], np.int64)
    for row in range(lists.shape[0]):
        low, high = taste_starts[row], taste_starts[row + 1]
        out[row] = 0.0 if distinct or high > low else np.nan
        n_hits = 0
        for rank in range(lengths[row] if lengths[row] < k else k):
            hits[n_hits] = rank
            n_hits += int(gains[row, rank] > 0)
        if high == low or n_hits == 0:  # as for most users
            continue
        occurrences = 0.0
        for place in range(low, high):
            intent = 1.0 if distinct else taste_counts[place]
            worth[taste_ids[place]] = intent
            occurrences += intent
        total = 0.0
        for hit in range(n_hits):
            rank = hits[hit]
            item = lists[row, rank]
            satisfied = 2.0 ** (gains[row, rank] - greatest) - 2.0**-greatest
            found = 0.0
            for position in range(feature_starts[item], feature_starts[item + 1]):
                feature = feature_ids[position]
                found += worth[feature]
                worth[feature] *= 1.0 - satisfied
            total += found * satisfied / (rank + 1)
        for place in range(low, high):
            worth[taste_ids[place]] = 0.0
        out[row] = total / occurrences


@reduction
def _shortfall(p: Floats, first: Int, counts: Floats, n: Int, shown: float) -> float:
    """Add up the squares of what n features lack of their proportions of what was shown."""
    total = 0.0
    for place in range(n):
        lacking = p[first + place] * shown - counts[place]
        lacking = lacking if lacking > 0 else 0.0
        total += lacking * lacking
    return total


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
    counts = np.zeros(n_features + 1)  # side by side, for the features of the profile; the last is for all others
    place_of = np.full(n_features, n_features, np.int64)
    for row in range(lists.shape[0]):
        out[row] = np.nan
        n = lengths[row] if lengths[row] < k else k
        first = taste_starts[row]
        n_used = taste_starts[row + 1] - first
        if n == 0 or n_used == 0:
            continue
        squares = 0.0
        for place in range(n_used):
            place_of[taste_ids[first + place]] = place
            counts[place] = 0.0
            squares += taste_shares[first + place] * taste_shares[first + place]
        total = 0.0
        misses = 0
        for rank in range(n):
            item = lists[row, rank]
            if gains.shape[0] == 0 or gains[row, rank] >= 0:
                for position in range(feature_starts[item], feature_starts[item + 1]):
                    counts[np.uint64(place_of[np.uint32(feature_ids[position])])] += 1.0
            else:
                misses += 1
            shown = rank + 1.0
            short = 0.5 * misses * misses + _shortfall(taste_shares, first, counts, n_used, shown)
            shortest = shown * shown * (squares + (0.5 if gains.shape[0] else 0.0))
            if short < shortest:  # equal but for rounding where nothing was counted
                total += 1.0 - short / shortest
        out[row] = total / n
        for place in range(n_used):
            place_of[taste_ids[first + place]] = n_features
