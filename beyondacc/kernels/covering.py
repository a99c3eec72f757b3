"""Facility location: picks cover the candidates that they are similar to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.bench import Bench
from beyondacc.kernels.distance import OWN, TABLE, distance_row, gather
from beyondacc.kernels.intrinsics import EIGHT, larger, sixteen_gains, sixteen_sums
from beyondacc.kernels.jit import helper, kernel
from beyondacc.kernels.scaling import as_given, first_largest, normalise
from beyondacc.types import Bits, Floats, Int, ItemIds

__all__ = ["cover_rows"]


@helper
def _in_order(more: NDArray[np.float64], less: NDArray[np.float64], n: Int) -> float:
    """Sum of the first n differences, always in the same order, so that what is worth the same is so in every digit."""
    first: float = sixteen_sums(more, less, np.int64(n // 16))
    second, third, fourth = 0.0, 0.0, 0.0
    for four in range(4 * (n // 16), n // 4):
        at = 4 * four
        first, second = (first - less[at]) + more[at], (second - less[at + 1]) + more[at + 1]
        third, fourth = (third - less[at + 2]) + more[at + 2], (fourth - less[at + 3]) + more[at + 3]
    total = (first + third) + (second + fourth)
    for position in range(4 * (n // 4), n):
        total = (total - less[position]) + more[position]
    return total


@helper
def _gained(more: NDArray[np.float64], less: NDArray[np.float64], n: Int) -> float:
    """Sum of those of the first n differences that are above 0, in the same order."""
    first: float = sixteen_gains(more, less, np.int64(n // 16))
    second, third, fourth = 0.0, 0.0, 0.0
    for four in range(4 * (n // 16), n // 4):
        at = 4 * four
        first += larger(more[at] - less[at], 0.0)
        second += larger(more[at + 1] - less[at + 1], 0.0)
        third += larger(more[at + 2] - less[at + 2], 0.0)
        fourth += larger(more[at + 3] - less[at + 3], 0.0)
    total = (first + third) + (second + fourth)
    for position in range(4 * (n // 4), n):
        total += larger(more[position] - less[position], 0.0)
    return total


@helper
def _uncovered(
    similar: NDArray[np.float64],
    one: Int,
    covered: NDArray[np.float64],
    power: NDArray[np.float64],
    gamma: float,
    room: NDArray[np.float64],
) -> float:
    """How much more of all candidates one of them covers; it falls as more is covered, in every digit for gamma 0."""
    n = covered.shape[0]
    if gamma == 0:
        return _gained(similar[one], covered, n)
    if gamma == 0.5:
        for position in range(n):
            room[position] = math.sqrt(covered[position] + similar[one, position])
    else:
        for position in range(n):
            room[position] = (covered[position] + similar[one, position]) ** gamma
    return _in_order(room, power, n)


@helper
def _all_similar(
    kind: int,
    factor: float,
    sets: Bits,
    counts: Floats,
    rows: Floats,
    own_local: Floats,
    own: Any,
    table: NDArray[np.float64],
    n: Int,
    out: NDArray[np.float64],
) -> None:
    """Write the similarities max(0, 1 - d) of all n gathered items, of each to itself 1; a pair is worked out once."""
    for one in range(n):
        here = np.int64(one)
        until = max(here + 1, min(n, np.int64(EIGHT)))  # lest products be summed in another order
        distance_row(kind, factor, sets, counts, rows, own_local, own, table, here, until, 1.0, out, here)
    for one in range(n):
        for other in range(one):
            out[other, one] = out[one, other]
    for one in range(n):
        for other in range(n):
            out[one, other] = larger(1.0 - out[one, other], 0.0)
        out[one, one] = 1.0


@helper
def _similar(
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
    out: NDArray[np.float64],
) -> Int:
    """Write the similarities of one item into the first row of `out`; return which that is."""
    first = np.int64(0)
    distance_row(
        kind, factor, sets, counts, rows, own_local, own, table, one, one + 1 if kind == OWN else n, 1.0, out, first
    )
    if kind == OWN:  # of two items the later comes first, as where all pairs are kept
        for other in range(one + 1, n):
            out[0, other] = 1.0
            if counts[one] != 0 and counts[other] != 0:
                out[0, other] = own(own_local[other], own_local[one])
    for other in range(n):
        out[0, other] = larger(1.0 - out[0, other], 0.0)
    out[0, one] = 1.0
    return first


@kernel
def cover_rows(
    kind: int,
    factor: float,
    bits: Bits,
    sizes: Floats,
    vectors: Floats,
    own_rows: Floats,
    own: Any,
    tables: NDArray[np.float64],
    lists: ItemIds,
    scores: Floats,
    lengths: ItemIds,
    weights: Floats,
    how: Int,
    bench: Bench,
    gamma: float,
    memory: NDArray[np.float64],
    picks: ItemIds,
    selection: NDArray[np.float64],
) -> None:
    """Pick k items one by one for each weight, each the one that is worth most given those before.

    What an item is worth is (1 - weight) times its relevance plus weight times how much more of all candidates it
    covers: facility location over their similarities max(0, 1 - d), of each to itself 1. What an item adds can only
    fall, so that former values are bounds, and only those are worked out anew that might be picked (Minoux 1978).

    Parameters
    ----------
    kind, factor, bits, sizes, vectors, own_rows, own, tables, lists, scores, lengths, weights, how
        As in `greedy.greedy_rows`.
    bench
        With a row of distances for each candidate, or with one, in which they are worked out again and again.
    gamma
        A candidate is covered by the sum of its similarities to the power of gamma, or where gamma is 0 by the greatest
        of them.
    memory : (5, n)
        Room: what everybody adds at first and adds now, how much of each candidate is covered, the powers of it, and
        the step at which a value was worked out.
    picks, selection
        As in `greedy.greedy_rows`.
    """
    sets, counts, rows, own_local, near, _, by_candidate, _, no_table = bench
    relevance, worth, room = by_candidate[0], by_candidate[1], by_candidate[2]
    at_first, term, worked_out = memory[0], memory[1], memory[4]
    kept = near.shape[0] >= lists.shape[1]
    for row in range(lists.shape[0]):
        n = np.int64(lengths[row])
        covered, power = memory[2, :n], memory[3, :n]
        for position in range(n):
            relevance[position] = scores[row, position]
        normalise(relevance, n, how, 0.0)
        table = tables[row] if kind == TABLE and tables.shape[0] else no_table
        gather(kind, bits, sizes, vectors, own_rows, lists[row], n, np.int64(0), sets, counts, rows, own_local)
        if kept:
            _all_similar(kind, factor, sets, counts, rows, own_local, own, table, n, near)
        covered[:] = 0.0
        power[:] = 0.0
        for one in range(n):
            at: Int = np.int64(one)
            if not kept:
                at = _similar(kind, factor, sets, counts, rows, own_local, own, table, at, n, near)
            at_first[one] = _uncovered(near, at, covered, power, gamma, room)
        for turn in range(weights.shape[1]):
            diversity = weights[row, turn]
            if diversity == 0:
                as_given(relevance, n, picks[row, turn], selection[row, turn])
                continue
            covered[:] = 0.0
            power[:] = 0.0
            for position in range(n):
                term[position] = at_first[position]
                worked_out[position] = 0.0
                worth[position] = (1.0 - diversity) * relevance[position] + diversity * term[position]
            for step in range(picks.shape[2]):
                if step >= n:
                    picks[row, turn, step] = -1
                    selection[row, turn, step] = np.nan
                    continue
                # the best by the bounds first, then in order whatever may still be better
                best: Int = first_largest(worth, n)
                for candidate in range(-1, n if step > 0 else -1):
                    tried: Int = best if candidate < 0 else np.int64(candidate)
                    if worth[tried] < worth[best] or worked_out[tried] == step:
                        continue
                    at = tried
                    if not kept:
                        at = _similar(kind, factor, sets, counts, rows, own_local, own, table, at, n, near)
                    term[tried] = _uncovered(near, at, covered, power, gamma, room)
                    worth[tried] = (1.0 - diversity) * relevance[tried] + diversity * term[tried]
                    worked_out[tried] = step
                    if worth[tried] > worth[best] or (worth[tried] == worth[best] and tried < best):
                        best = tried
                picks[row, turn, step] = best
                selection[row, turn, step] = worth[best]
                worth[best] = -np.inf
                if step + 1 == picks.shape[2]:
                    continue
                at = best
                if not kept:
                    at = _similar(kind, factor, sets, counts, rows, own_local, own, table, at, n, near)
                if gamma == 0:
                    for position in range(n):
                        covered[position] = larger(covered[position], near[at, position])
                else:
                    for position in range(n):
                        covered[position] += near[at, position]
                        power[position] = math.sqrt(covered[position]) if gamma == 0.5 else covered[position] ** gamma
