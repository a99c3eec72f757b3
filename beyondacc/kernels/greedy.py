"""Re-ranking: one greedy engine over users, and one pass for terms that do not depend on what was picked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.kernels.pairwise import TABLE, distance_row, gather
from beyondacc.types import Bits, Floats, Int, ItemIds

__all__ = [
    "MEAN_DISTANCE",
    "MINMAX",
    "MOST_SIMILAR",
    "NONE",
    "RANK",
    "ZSCORE",
    "blend_rows",
    "greedy_rows",
    "normalise_rows",
]

MINMAX, ZSCORE, RANK, NONE = range(4)
MOST_SIMILAR, MEAN_DISTANCE = range(2)


@kernel
def normalise(values: NDArray[np.float64], n: Int, how: Int) -> None:
    """Bring the first n values, in input rank order, to a common scale in place; constant values become zeros."""
    if how == NONE or n == 0:
        return
    if how == RANK:
        for position in range(n):
            values[position] = (n - 1 - position) / (n - 1) if n > 1 else 0.0
        return
    low = values[0]
    high = values[0]
    for position in range(n):
        if values[position] < low:
            low = values[position]
        if values[position] > high:
            high = values[position]
    if low == high:
        values[:n] = 0.0
        return
    half = 0.5 if high > 1e307 or low < -1e307 else 1.0  # because high - low may overflow
    total = 0.0
    for position in range(n):
        values[position] = (half * values[position] - half * low) / (half * high - half * low)
        total += values[position]
    if how == MINMAX:
        return
    mean = total / n  # z-scores of values in [0, 1] are those of the values themselves, but lose fewer digits
    squares = 0.0
    for position in range(n):
        squares += (values[position] - mean) ** 2
    deviation = np.sqrt(squares / n)
    for position in range(n):
        values[position] = (values[position] - mean) / deviation


@kernel
def normalise_rows(scores: NDArray[np.float64], lengths: ItemIds, how: int) -> None:
    """Normalise each row of scores in place."""
    for row in range(scores.shape[0]):
        normalise(scores[row], lengths[row], how)


@kernel
def greedy_rows(
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
    gain: int,
    diversity: float,
    how: int,
    renormalise: bool,
    picks: ItemIds,
    selection: NDArray[np.float64],
) -> None:
    """Pick k items one by one, each the best sum of relevance and of distance to those picked before.

    Parameters
    ----------
    kind, factor, bits, sizes, vectors, own_rows, own
        The distance, as in `pairwise.gather`; a missing distance counts as 1.
    tables : (rows, n, n)
        For TABLE: the distances.
    lists, scores, lengths : (rows, n), (rows, n), (rows,)
        Candidates in input rank order and their relevance.
    gain
        MOST_SIMILAR: minus the greatest similarity to a picked item (running maximum);
        MEAN_DISTANCE: the mean distance to the picked items (running sum).
    how
        Normalisation of the relevance within the row.
    renormalise
        Whether the distance term is z-scored over the remaining candidates at every step.
    picks, selection : (rows, k)
        Positions in the input list and the objective's value at selection; padded with -1 and NaN.
    """
    width = lists.shape[1]
    relevance = np.empty(width)
    term = np.empty(width)
    scaled = np.empty(width)
    distances = np.empty(width)
    remaining = np.empty(width, np.int64)
    sets = np.empty((width, bits.shape[1]), np.uint64)
    counts = np.empty(width)
    rows = np.empty((width, vectors.shape[1]), vectors.dtype)
    own_local = np.empty((width, own_rows.shape[1]))
    no_table = np.empty((0, 0))
    first = np.int64(0)  # numba compiles a callee anew for every type, and a literal is a type of its own
    zscore = np.int64(ZSCORE)
    for row in range(lists.shape[0]):
        n = np.int64(lengths[row])
        gather(kind, bits, sizes, vectors, own_rows, lists[row], n, first, sets, counts, rows, own_local)
        for position in range(n):
            relevance[position] = scores[row, position]
            term[position] = 0.0
            scaled[position] = 0.0
            remaining[position] = position
        normalise(relevance, n, how)
        left = n
        for step in range(picks.shape[1]):
            if left == 0:
                picks[row, step] = -1
                selection[row, step] = np.nan
                continue
            for slot in range(left):
                scaled[slot] = term[remaining[slot]]
                if gain == MEAN_DISTANCE and step > 0:
                    scaled[slot] /= step
            if renormalise:
                low = scaled[0]
                high = scaled[0]
                for slot in range(left):
                    low = min(low, scaled[slot])
                    high = max(high, scaled[slot])
                if high - low <= 1e-12:  # equal but for rounding, which a z-score would blow up
                    scaled[:left] = 0.0
                else:
                    normalise(scaled, left, zscore)
            best_slot = 0
            best = -np.inf
            for slot in range(left):
                value = (1.0 - diversity) * relevance[remaining[slot]] + diversity * scaled[slot]
                if value > best:
                    best = value
                    best_slot = slot
            picked = remaining[best_slot]
            picks[row, step] = picked
            selection[row, step] = best
            for slot in range(best_slot, left - 1):  # keeps the input order, on which ties rest
                remaining[slot] = remaining[slot + 1]
            left -= 1
            if step + 1 == picks.shape[1]:
                break
            table = tables[row] if kind == TABLE else no_table
            distance_row(kind, factor, sets, counts, rows, own_local, own, table, picked, first, n, distances)
            for slot in range(left):
                position = remaining[slot]
                distance = 1.0 if np.isnan(distances[position]) else distances[position]
                if gain == MEAN_DISTANCE:
                    term[position] += distance
                elif step == 0 or distance - 1.0 < term[position]:
                    term[position] = distance - 1.0


@kernel
def blend_rows(
    lists: ItemIds,
    scores: Floats,
    lengths: ItemIds,
    terms: Floats,
    diversity: float,
    how: int,
    how_term: int,
    picks: ItemIds,
    selection: NDArray[np.float64],
) -> None:
    """Order by a weighted sum of relevance and a term that does not depend on the picks: one stable sort."""
    for row in range(lists.shape[0]):
        n = np.int64(lengths[row])
        relevance = scores[row, :n].astype(np.float64)
        term = terms[row, :n].astype(np.float64)
        normalise(relevance, n, how)
        normalise(term, n, how_term)
        blended = (1.0 - diversity) * relevance + diversity * term
        order = np.argsort(-blended, kind="mergesort")
        for step in range(picks.shape[1]):
            picks[row, step] = order[step] if step < n else -1
            selection[row, step] = blended[order[step]] if step < n else np.nan
