"""Gains of greedy re-rankers that look at the distances to the items picked before.

All are called as `jit.GAIN_SIGNATURE` says, once a step, and write what every candidate adds into `term`; what they
write for candidates that were picked is not read.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.intrinsics import smaller
from beyondacc.kernels.jit import PREPARE, START, Candidates, helper
from beyondacc.kernels.memory import keeps
from beyondacc.kernels.scaling import ZSCORE, normalise
from beyondacc.types import Int

__all__ = ["BOTH", "CLOSE", "FLOOR", "determinant", "mean", "nearest", "renormalise", "total"]

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
