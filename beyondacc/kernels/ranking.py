"""Models that learn to rank: steps towards ranking what a user has above what they have not, and sparse regression."""

from __future__ import annotations

import numpy as np

from beyondacc.kernels.jit import helper, kernel, scratch_kernel
from beyondacc.types import Floats, ItemIds, Offsets

__all__ = ["elastic_net_columns", "warp_epoch"]

# The minimal standard generator of Park & Miller 1988, CACM 31(10), with the multiplier of 1993: no product overflows.
_MULTIPLIER = 48271
_MODULUS = 2147483647


@helper
def _pull_inside(vector: Floats, radius: float) -> None:
    square = 0.0
    for f in range(vector.size):
        square += vector[f] * vector[f]
    if square > radius * radius:
        scale = radius / np.sqrt(square)
        for f in range(vector.size):
            vector[f] *= scale


@kernel
def warp_epoch(
    order: Offsets,
    users: ItemIds,
    offsets: Offsets,
    items: ItemIds,
    losses: Floats,
    rate: float,
    radius: float,
    trials: int,
    seed: int,
    user_factors: Floats,
    item_factors: Floats,
) -> float:
    """For each interaction, look for an item that is ranked too high, and push both items and the user apart.

    Parameters
    ----------
    order : (n,)
        Positions of interactions.
    users, offsets, items
        The user of each interaction, and the binary matrix by rows (CSR), items ascending.
    losses : (n_items + 1,)
        The loss of each rank.
    rate, radius
        Length of a step, and of the longest row of factors.
    trials
        How many items that the user does not have are tried.
    seed
        In [1, 2**31 - 2].
    user_factors, item_factors
        Changed in place.

    Returns
    -------
    float
        The sum of the estimated losses.
    """
    n_items, n_factors = item_factors.shape
    state = seed
    total = 0.0
    for place in order:
        user = users[place]
        first = offsets[user]
        last = offsets[user + 1]
        others = n_items - (last - first)
        if others == 0:
            continue
        mine = user_factors[user]
        good = item_factors[items[place]]
        score = 0.0
        for f in range(n_factors):
            score += mine[f] * good[f]
        for trial in range(1, trials + 1):
            state = state * _MULTIPLIER % _MODULUS
            # the draw-th of the items that the user does not have: as many further as the user's items before it
            draw = state % others
            low = first
            high = last
            while low < high:
                middle = (low + high) // 2
                if items[middle] - (middle - first) <= draw:
                    low = middle + 1
                else:
                    high = middle
            bad = item_factors[draw + (low - first)]
            other = 0.0
            for f in range(n_factors):
                other += mine[f] * bad[f]
            if other + 1.0 > score:
                loss = losses[others // trial]
                total += loss * (other + 1.0 - score)
                step = rate * loss
                for f in range(n_factors):
                    before = mine[f]
                    mine[f] += step * (good[f] - bad[f])
                    good[f] += step * before
                    bad[f] -= step * before
                _pull_inside(mine, radius)
                _pull_inside(good, radius)
                _pull_inside(bad, radius)
                break
    return total


@scratch_kernel
def elastic_net_columns(
    start: int,
    gram: Floats,
    l1: float,
    l2: float,
    positive: bool,
    sweeps: int,
    tolerance: float,
    weights: Floats,
) -> None:
    """Regress each column on all others with both penalties, by coordinate descent.

    Parameters
    ----------
    start
        First column of the block; the block has as many columns as `weights` has rows.
    gram : (n, n)
        Products of all columns with each other.
    l1, l2, positive
        Half the squared error is minimised plus ``l1 |w|_1 + l2 / 2 |w|_2^2``, over w >= 0 where `positive`.
    sweeps, tolerance
        Sweeps over the coordinates end when none moves a weight by more than `tolerance`, or after so many.
    weights : (block, n)
        Result, zeros on entry; of each column the weights of the others.
    """
    n = gram.shape[0]
    gradient = np.empty(n)
    candidates = np.empty(n, np.int64)
    active = np.empty(n, np.int64)
    for r in range(weights.shape[0]):
        column = start + r
        own = weights[r]
        for i in range(n):  # a loop, as slices bring the text of an error, and code for that
            gradient[i] = gram[column, i]  # of what is not explained yet, with each column
        n_candidates = 0
        for i in range(n):
            # a column that has nothing in common gets no positive weight: explaining more only lowers its gradient
            if i != column and gram[i, i] > 0.0 and (not positive or gram[column, i] > l1):
                candidates[n_candidates] = i
                n_candidates += 1
        whole = True  # sweeps over all coordinates, and between these over those that are not 0
        n_active = 0
        for _ in range(sweeps):
            moved = 0.0
            chosen = candidates[:n_candidates] if whole else active[:n_active]
            for i in chosen:
                before = own[i]
                explained = gradient[i] + gram[i, i] * before
                after = 0.0
                if explained > l1:
                    after = (explained - l1) / (gram[i, i] + l2)
                elif explained < -l1 and not positive:
                    after = (explained + l1) / (gram[i, i] + l2)
                change = after - before
                if change != 0.0:
                    own[i] = after
                    row = gram[i]
                    for j in range(n):
                        gradient[j] -= change * row[j]
                    if abs(change) > moved:
                        moved = abs(change)
            if moved <= tolerance:
                if whole:
                    break
                whole = True
            elif whole:
                whole = False
                n_active = 0
                for c in range(n_candidates):
                    if own[candidates[c]] != 0.0:
                        active[n_active] = candidates[c]
                        n_active += 1
