"""Re-rankers that sort: by a term that does not depend on the picks, by two ranks, and by exchanging items."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.bench import Bench, row_for
from beyondacc.kernels.distance import TABLE, distance_row, gather
from beyondacc.kernels.gains import CLOSE
from beyondacc.kernels.jit import PREPARE, START, Candidates, helper, kernel, scratch_kernel
from beyondacc.kernels.memory import keeps
from beyondacc.kernels.scaling import MINMAX, as_given, first_largest, normalise
from beyondacc.kernels.sorting import sort_by
from beyondacc.types import Bits, Floats, Int, ItemIds

__all__ = ["blend_rows", "fused_ranks", "swap_rows"]


_FEW = 16


@helper
def first_of(
    values: NDArray[np.float64],
    n: Int,
    order: NDArray[np.int64],
    spare: NDArray[np.int64],
    picks: ItemIds,
    selection: NDArray[np.float64],
) -> None:
    """Pick the positions of the largest of the first n values, equal ones in input order; the values are lost."""
    k = min(n, picks.shape[0])
    picks[k:] = -1
    selection[k:] = np.nan
    if k <= _FEW:  # as many searches are faster than a sort
        for step in range(k):
            position = first_largest(values, n)
            picks[step] = position
            selection[step] = values[position]
            values[position] = -np.inf
        return
    for position in range(n):
        order[position] = position
        values[position] = -values[position]
    sort_by(values, order, spare, n)
    for step in range(k):
        picks[step] = order[step]
        selection[step] = -values[order[step]]


@scratch_kernel
def blend_rows(
    lists: ItemIds,
    scores: Floats,
    lengths: ItemIds,
    terms: Floats,
    weights: Floats,
    how: Int,
    how_term: Int,
    tolerance: float,
    picks: ItemIds,
    selection: NDArray[np.float64],
) -> None:
    """Order by a weighted sum of relevance and a term that does not depend on the picks: one sort for each weight.

    Parameters
    ----------
    terms : (rows, n)
    how, how_term, tolerance
        Normalisation of both, and what differences of the term are none.
    weights, picks, selection
        As in `greedy.greedy_rows`.
    """
    width = lists.shape[1]
    relevance, term, values = np.empty(width), np.empty(width), np.empty(width)
    order, spare = np.empty(width, np.int64), np.empty(width, np.int64)
    for row in range(lists.shape[0]):
        n = np.int64(lengths[row])
        for position in range(n):
            relevance[position] = scores[row, position]
            term[position] = terms[row, position]
        normalise(relevance, n, how, 0.0)
        normalise(term, n, how_term, tolerance)
        for at in range(weights.shape[1]):
            diversity = weights[row, at]
            if diversity == 0:
                as_given(relevance, n, picks[row, at], selection[row, at])
                continue
            for position in range(n):
                values[position] = (1.0 - diversity) * relevance[position] + diversity * term[position]
            first_of(values, n, order, spare, picks[row, at], selection[row, at])


@keeps(lambda sizes: 3 * sizes.n)
def fused_ranks(
    step: Int,
    _picked: Int,
    row: Int,
    left: Int,
    diversity: float,
    candidates: Candidates,
    term: NDArray[np.float64],
) -> None:
    """Minus (1 - diversity) times the rank in the input plus diversity times the rank by dissimilarity to the picks.

    Both are ranks among the remaining candidates. Sums of similarities that are equal but for rounding keep the input
    order. The whole objective. `memory`: the sums of similarities, the order by them, room to sort.
    """
    n = term.shape[0]
    sums = candidates.memory[:n]
    order = candidates.memory[n : 2 * n]
    spare = candidates.memory[2 * n : 3 * n]
    if step == PREPARE:
        return
    if step == START:
        sums[:] = 0.0
    else:
        for position in range(n):
            sums[position] += 1.0 - candidates.distances[row, position]
    for slot in range(left):
        order[slot] = candidates.remaining[slot]
    sort_by(sums, order, spare, left)
    first = 0
    while first < left:  # groups of sums each of which is close to the next
        last = first + 1
        while last < left and sums[int(order[last])] <= sums[int(order[last - 1])] + CLOSE:
            last += 1
        for place in range(first + 1, last):
            moved = order[place]
            at = place
            while at > first and order[at - 1] > moved:
                order[at] = order[at - 1]
                at -= 1
            order[at] = moved
        first = last
    for slot in range(left):
        term[int(order[slot])] = 0.0 - diversity * slot
    for slot in range(left):
        term[candidates.remaining[slot]] -= (1.0 - diversity) * slot


@helper
def _near(
    kind: int,
    factor: float,
    sets: Bits,
    counts: Floats,
    rows: Floats,
    own_local: Floats,
    near: NDArray[np.float64],
    slot_of: NDArray[np.int64],
    own: Any,
    table: NDArray[np.float64],
    one: Int,
    n: Int,
) -> Int:
    """Return the row of `near` with the distances of one candidate to all n."""
    place, known = row_for(slot_of, near, one, n)
    if not known:
        distance_row(kind, factor, sets, counts, rows, own_local, own, table, one, n, 1.0, near, place)
    return place


@kernel
def swap_rows(
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
    picks: ItemIds,
    selection: NDArray[np.float64],
) -> None:
    """Start from the first k and exchange the item that adds least for later ones that add more, for each weight.

    What an item adds is the sum of its distances to the others. The search ends at the first candidate whose relevance,
    from 0 to 1, is more than the weight below that of the item it would replace. Of items that add least but for
    rounding the last is exchanged.

    Parameters
    ----------
    kind, factor, bits, sizes, vectors, own_rows, own, tables, lists, scores, lengths, weights, how, bench
        As in `greedy.greedy_rows`.
    picks, selection
        In input order, with their relevance, which is normalised as `how` says.
    """
    sets, counts, rows, own_local, near, slot_of, by_candidate, chosen, no_table = bench
    relevance, level, sums = by_candidate[0], by_candidate[1], by_candidate[2]  # those chosen are ascending
    for row in range(lists.shape[0]):
        n = np.int64(lengths[row])
        for position in range(n):
            relevance[position] = scores[row, position]
            level[position] = scores[row, position]
        normalise(relevance, n, how, 0.0)
        normalise(level, n, np.int64(MINMAX), 0.0)
        table = tables[row] if kind == TABLE and tables.shape[0] else no_table
        gather(kind, bits, sizes, vectors, own_rows, lists[row], n, np.int64(0), sets, counts, rows, own_local)
        slot_of[: n + 1] = -1
        size = min(n, picks.shape[2])
        for at in range(weights.shape[1]):
            as_given(relevance, n, picks[row, at], selection[row, at])
            if weights[row, at] == 0 or size == n:
                continue
            sums[:n] = 0.0  # of the distances to those chosen
            for position in range(size):
                chosen[position] = position
                place = _near(
                    kind, factor, sets, counts, rows, own_local, near, slot_of, own, table, np.int64(position), n
                )
                for other in range(n):
                    sums[other] += near[place, other] if other != position else 0.0
            for candidate in range(size, n):
                least = np.inf
                for place in range(size):
                    least = min(least, sums[chosen[place]])
                slot = size - 1
                while sums[chosen[slot]] > least + CLOSE:
                    slot -= 1
                weakest = chosen[slot]
                if level[weakest] - level[candidate] > weights[row, at]:
                    break
                place = _near(kind, factor, sets, counts, rows, own_local, near, slot_of, own, table, weakest, n)
                if sums[candidate] - near[place, candidate] > sums[weakest] + CLOSE:
                    for other in range(n):
                        sums[other] -= near[place, other] if other != weakest else 0.0
                    place = _near(
                        kind, factor, sets, counts, rows, own_local, near, slot_of, own, table, np.int64(candidate), n
                    )
                    for other in range(n):
                        sums[other] += near[place, other] if other != candidate else 0.0
                    for place in range(slot, size - 1):
                        chosen[place] = chosen[place + 1]
                    chosen[size - 1] = candidate  # the last by position
            for step in range(size):
                picks[row, at, step] = chosen[step]
                selection[row, at, step] = relevance[chosen[step]]
