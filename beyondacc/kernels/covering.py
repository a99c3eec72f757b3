"""Facility location over many candidates: distances are worked out when they are needed, and none is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.bench import Bench
from beyondacc.kernels.distance import OWN, TABLE, distance_row, gather
from beyondacc.kernels.gains import uncovered
from beyondacc.kernels.intrinsics import larger
from beyondacc.kernels.jit import helper, kernel
from beyondacc.kernels.scaling import as_given, first_largest, normalise
from beyondacc.types import Bits, Floats, Int, ItemIds

__all__ = ["cover_rows"]


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
) -> None:
    """Write the similarities max(0, 1 - d) of one gathered item to all n, 1 to itself, into the first row of `out`."""
    distance_row(kind, factor, sets, counts, rows, own_local, own, table, one, n, 1.0, out, np.int64(0))
    if kind == OWN and counts[one] != 0:
        for other in range(one + 1, n):  # of two items the later comes first, as where all pairs are kept
            if counts[other] != 0:
                out[0, other] = own(own_local[other], own_local[one])
    for other in range(n):
        out[0, other] = larger(1.0 - out[0, other], 0.0)
    out[0, one] = 1.0


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
    gamma: float,
    memory: NDArray[np.float64],
    bench: Bench,
    lists: ItemIds,
    scores: Floats,
    lengths: ItemIds,
    weights: Floats,
    how: int,
    picks: ItemIds,
    selection: NDArray[np.float64],
) -> None:
    """Pick what `greedy.greedy_rows` picks with the gain `gains.cover`, in memory that grows with n and not with n^2.

    Parameters
    ----------
    kind, factor, bits, sizes, vectors, own_rows, own, tables, bench
        As in `greedy.greedy_rows`; one row for distances is enough.
    gamma
        As in `gains.cover`.
    memory : (5, n)
        Room: what everybody adds at first and adds now, how much of each candidate is covered, the powers of it, and
        the step at which a value was worked out.
    lists, scores, lengths, weights, how, picks, selection
        As in `greedy.greedy_rows`.
    """
    sets, counts, rows, own_local, near, _, by_candidate, _, no_table = bench
    relevance, worth = by_candidate[0], by_candidate[1]
    at_first, term, worked_out = memory[0], memory[1], memory[4]
    for row in range(lists.shape[0]):
        n = np.int64(lengths[row])
        covered, power = memory[2, :n], memory[3, :n]
        for position in range(n):
            relevance[position] = scores[row, position]
        normalise(relevance, n, np.int64(how), 0.0)
        table = tables[row] if kind == TABLE and tables.shape[0] else no_table
        gather(kind, bits, sizes, vectors, own_rows, lists[row], n, np.int64(0), sets, counts, rows, own_local)
        covered[:] = 0.0
        power[:] = 0.0
        for one in range(n):
            _similar(kind, factor, sets, counts, rows, own_local, own, table, np.int64(one), n, near)
            at_first[one] = uncovered(near, np.int64(0), covered, power, gamma)
        for at in range(weights.shape[1]):
            diversity = weights[row, at]
            if diversity == 0:
                as_given(relevance, n, picks[row, at], selection[row, at])
                continue
            covered[:] = 0.0
            power[:] = 0.0
            for position in range(n):
                term[position] = at_first[position]
                worked_out[position] = 0.0
                worth[position] = (1.0 - diversity) * relevance[position] + diversity * term[position]
            for step in range(picks.shape[2]):
                if step >= n:
                    picks[row, at, step] = -1
                    selection[row, at, step] = np.nan
                    continue
                # the best by the bounds first, then in order whatever may still be better
                best: Int = first_largest(worth, n)
                for turn in range(-1, n if step > 0 else -1):
                    position = int(best) if turn < 0 else turn
                    if worth[position] < worth[best] or worked_out[position] == step:
                        continue
                    _similar(kind, factor, sets, counts, rows, own_local, own, table, position, n, near)
                    term[position] = uncovered(near, np.int64(0), covered, power, gamma)
                    worth[position] = (1.0 - diversity) * relevance[position] + diversity * term[position]
                    worked_out[position] = step
                    if worth[position] > worth[best] or (worth[position] == worth[best] and position < best):
                        best = position
                picks[row, at, step] = best
                selection[row, at, step] = worth[best]
                worth[best] = -np.inf
                if step + 1 == picks.shape[2]:
                    continue
                _similar(kind, factor, sets, counts, rows, own_local, own, table, np.int64(best), n, near)
                if gamma == 0:
                    for position in range(n):
                        covered[position] = larger(covered[position], near[0, position])
                else:
                    for position in range(n):
                        covered[position] += near[0, position]
                        power[position] = np.sqrt(covered[position]) if gamma == 0.5 else covered[position] ** gamma
