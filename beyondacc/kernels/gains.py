"""Gains of greedy re-rankers that look at the distances to the items picked before.

All are called as `jit.GAIN_SIGNATURE` says, once a step, and write what every candidate adds into `term`; what they
write for candidates that were picked is not read.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.intrinsics import larger, smaller
from beyondacc.kernels.jit import PREPARE, START, Candidates, comparison, helper
from beyondacc.kernels.memory import keeps
from beyondacc.kernels.scaling import ZSCORE, first_largest, normalise
from beyondacc.types import Int

__all__ = ["BOTH", "CLOSE", "FLOOR", "cover", "determinant", "mean", "nearest", "renormalise", "total", "uncovered"]

Term = NDArray[np.float64]
CLOSE = 1e-12  # computed numbers that differ by no more are equal but for rounding
FLOOR = 1e-12  # a residual variance up to this is none
BOTH = 2.0  # what is renormalised: the term and relevance, not the term alone
_STEEPEST = 350.0  # an exponent whose square is a number


@helper
def renormalise(
    term: Term,
    left: Int,
    diversity: float,
    remaining: NDArray[np.int64],
    relevance: NDArray[np.float64],
    room: NDArray[np.float64],
) -> None:
    """Turn terms into the whole objective: z-scores of relevance and of the term, both over what is left.

    `room` is for 2 n numbers. Of terms that are equal but for rounding a z-score would make numbers of size 1.
    """
    n = term.shape[0]
    of_relevance, of_term = room[:left], room[n : n + left]
    for slot in range(left):
        of_relevance[slot] = relevance[remaining[slot]]
        of_term[slot] = term[remaining[slot]]
    normalise(of_relevance, left, np.int64(ZSCORE), 0.0)
    normalise(of_term, left, np.int64(ZSCORE), CLOSE)
    for slot in range(left):
        term[remaining[slot]] = (1.0 - diversity) * of_relevance[slot] + diversity * of_term[slot]


@keeps(lambda sizes: 3 * sizes.n if sizes.numbers[0] else 0, numbers=1)
def nearest(step: Int, _picked: Int, row: Int, left: Int, diversity: float, candidates: Candidates, term: Term) -> None:
    """Minus the greatest similarity 1 - d to a picked item: a running minimum of distances.

    Where `numbers` say so, the whole objective: z-scores of it and of relevance over what is left. Then the first n of
    `memory` hold the minimum, and 2 n are for the scores.
    """
    n = term.shape[0]
    if step == PREPARE:
        return
    if candidates.numbers[0]:
        closest = candidates.memory[:n]
        if step == START:
            closest[:] = 0.0
        else:
            for position in range(n):
                value = candidates.distances[row, position] - 1.0
                closest[position] = value if step == 1 else smaller(value, closest[position])
        for position in range(n):
            term[position] = closest[position]
        renormalise(term, left, diversity, candidates.remaining, candidates.relevance, candidates.memory[n:])
    elif step == START:
        term[:] = 0.0
    else:
        for position in range(n):
            value = candidates.distances[row, position] - 1.0
            term[position] = value if step == 1 else smaller(value, term[position])


@keeps()
def total(step: Int, _picked: Int, row: Int, _left: Int, _diversity: float, candidates: Candidates, term: Term) -> None:
    """Sum of the distances to the picked items."""
    if step == START:
        term[:] = 0.0
    elif step > START:
        for position in range(term.shape[0]):
            term[position] += candidates.distances[row, position]


@keeps(lambda sizes: 3 * sizes.n, numbers=1)
def mean(step: Int, _picked: Int, row: Int, left: Int, diversity: float, candidates: Candidates, term: Term) -> None:
    """Mean of the distances to the picked items; z-scores of it over what is left where `numbers` say 1.

    Where they say `BOTH` the whole objective: z-scores of it and of relevance. The first n of `memory` hold the sums,
    the next 2 n the z-scores in the order of what is left.
    """
    n = term.shape[0]
    sums = candidates.memory[:n]
    if step == START:
        term[:] = 0.0
        sums[:] = 0.0
        if candidates.numbers[0] == BOTH:
            renormalise(term, left, diversity, candidates.remaining, candidates.relevance, candidates.memory[n:])
    elif step > START:
        for position in range(n):
            sums[position] += candidates.distances[row, position]
            term[position] = sums[position] / step
        if candidates.numbers[0] == BOTH:
            renormalise(term, left, diversity, candidates.remaining, candidates.relevance, candidates.memory[n:])
        elif candidates.numbers[0]:
            scaled = candidates.memory[n : n + left]
            for slot in range(left):
                scaled[slot] = term[candidates.remaining[slot]]
            # of means that are equal but for rounding a z-score would make numbers of size 1
            normalise(scaled, left, np.int64(ZSCORE), CLOSE)
            for slot in range(left):
                term[candidates.remaining[slot]] = scaled[slot]


@comparison
def uncovered(
    similar: NDArray[np.float64], one: Int, covered: NDArray[np.float64], power: NDArray[np.float64], gamma: float
) -> float:
    """How much more of all candidates one of them covers; it falls as more is covered, in every digit for gamma 0."""
    gained = 0.0
    if gamma == 0:
        for position in range(covered.shape[0]):
            more = similar[one, position] - covered[position]
            gained += more if more > 0 else 0.0
    elif gamma == 0.5:
        for position in range(covered.shape[0]):
            gained += math.sqrt(covered[position] + similar[one, position]) - power[position]
    else:
        for position in range(covered.shape[0]):
            gained += (covered[position] + similar[one, position]) ** gamma - power[position]
    return gained


@keeps(lambda sizes: 5 * sizes.n, numbers=1)
def cover(step: Int, _picked: Int, row: Int, left: Int, diversity: float, candidates: Candidates, term: Term) -> None:
    """How much more of all candidates is covered: facility location over their similarities max(0, 1 - d).

    An item covers itself fully. `numbers` hold gamma: a candidate is covered by the sum of its similarities to the
    power of gamma, or where gamma is 0 by the greatest of them. What an item adds can only fall, so that former values
    are bounds, and only those are worked out anew that might be picked (Minoux 1978). `memory`, n each: what everybody
    adds at first, how much of each candidate is covered, the powers of it, the step at which a value was worked out,
    and the objective.
    """
    n = term.shape[0]
    gamma = candidates.numbers[0]
    at_first = candidates.memory[:n]
    covered = candidates.memory[n : 2 * n]
    power = candidates.memory[2 * n : 3 * n]
    worked_out = candidates.memory[3 * n : 4 * n]
    worth = candidates.memory[4 * n : 5 * n]
    similar = candidates.distances
    if step == PREPARE:
        covered[:] = 0.0
        power[:] = 0.0
        for one in range(n):
            for other in range(n):
                similar[one, other] = larger(1.0 - similar[one, other], 0.0)
            similar[one, one] = 1.0
        for one in range(n):
            at_first[one] = uncovered(similar, one, covered, power, gamma)
        return
    if step == START:
        for position in range(n):
            term[position] = at_first[position]
        covered[:] = 0.0
        power[:] = 0.0
        worked_out[:] = 0.0
        return
    if gamma == 0:
        for position in range(n):
            covered[position] = larger(covered[position], similar[row, position])
    else:
        for position in range(n):
            covered[position] += similar[row, position]
            power[position] = math.sqrt(covered[position]) if gamma == 0.5 else covered[position] ** gamma
    worth[:] = -np.inf
    for slot in range(left):
        position = candidates.remaining[slot]
        worth[position] = (1.0 - diversity) * candidates.relevance[position] + diversity * term[position]
    # the best by the bounds first, then in order whatever may still be better
    best = first_largest(worth, n)
    for turn in range(-1, left):
        position = best if turn < 0 else candidates.remaining[turn]
        if worth[position] < worth[best] or worked_out[position] == step:
            continue
        term[position] = uncovered(similar, position, covered, power, gamma)
        worth[position] = (1.0 - diversity) * candidates.relevance[position] + diversity * term[position]
        worked_out[position] = step
        if worth[position] > worth[best] or (worth[position] == worth[best] and position < best):
            best = position


@keeps(lambda sizes: (2 + min(sizes.n, sizes.k)) * sizes.n, numbers=1)
def determinant(
    step: Int, picked: Int, row: Int, _left: Int, diversity: float, candidates: Candidates, term: Term
) -> None:
    """By what factor an item multiplies the determinant of diag(q) Sim diag(q), q = exp((1 - diversity) scale s).

    An incremental Cholesky factorisation (Chen, Zhang & Zhou 2018): the first n of `memory` are the residual variances
    of the similarities, then come q squared and the rows of the factor. What adds nothing is worth 0.
    """
    n = term.shape[0]
    residual = candidates.memory[:n]
    weight = candidates.memory[n : 2 * n]
    if step == PREPARE:
        return
    if step == START:
        for position in range(n):
            residual[position] = 1.0
            exponent = (1.0 - diversity) * candidates.numbers[0] * candidates.relevance[position]
            quality = math.exp(min(exponent, _STEEPEST))
            weight[position] = quality * quality
    elif residual[picked] * weight[picked] > FLOOR:
        first = 2 * n
        factor = candidates.memory[first + (step - 1) * n : first + step * n]
        for position in range(n):
            factor[position] = 1.0 - candidates.distances[row, position]
        rows = candidates.memory[first : first + (step - 1) * n]
        pairs = (step - 1) // 2
        for pair in range(pairs):  # two at a time, so that the new row is read half as often
            one, other = 2 * pair * n, (2 * pair + 1) * n
            by_one, by_other = rows[one + picked], rows[other + picked]
            for position in range(n):
                factor[position] = factor[position] - by_one * rows[one + position] - by_other * rows[other + position]
        if 2 * pairs < step - 1:
            last = (step - 2) * n
            by = rows[last + picked]
            for position in range(n):
                factor[position] -= by * rows[last + position]
        pivot = 1.0 / math.sqrt(residual[picked])
        for position in range(n):
            factor[position] *= pivot
            residual[position] -= factor[position] * factor[position]
    else:
        residual[:] = 0.0
    for position in range(n):
        value = residual[position] * weight[position]
        term[position] = value if value > FLOOR else 0.0
