"""The greedy engine: picks one item after the other, for any gain and any number of weights at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.bench import Bench, row_for
from beyondacc.kernels.distance import JACCARD, TABLE, distance_row, gather, jaccard_row
from beyondacc.kernels.intrinsics import larger
from beyondacc.kernels.jit import PREPARE, START, Candidates, helper, kernel
from beyondacc.kernels.scaling import as_given, first_equal, normalise
from beyondacc.types import Bits, Floats, Int, ItemIds, Offsets

__all__ = ["DISTANCES", "FEATURES", "REMAINING", "ROWS", "greedy_rows"]

DISTANCES, FEATURES, ROWS, REMAINING = 1, 2, 4, 8


@helper
def _gather_features(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    items: ItemIds,
    n: Int,
    starts: NDArray[np.int64],
    features: NDArray[np.int32],
) -> None:
    """Copy the features of the first n items next to each other."""
    place = 0
    for position in range(n):
        starts[position] = place
        for at in range(feature_starts[items[position]], feature_starts[items[position] + 1]):
            features[place] = feature_ids[at]
            place += 1
    starts[n] = place


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
    feature_starts: Offsets,
    feature_ids: ItemIds,
    gain: Any,
    uses: int,
    whole: bool,
    by_user: NDArray[np.float64],
    numbers: NDArray[np.float64],
    memory: NDArray[np.float64],
    starts: NDArray[np.int64],
    features: NDArray[np.int32],
    bench: Bench,
    lists: ItemIds,
    scores: Floats,
    lengths: ItemIds,
    weights: Floats,
    how: int,
    picks: ItemIds,
    selection: NDArray[np.float64],
) -> None:
    """Pick k items one by one for each weight, each the one that is worth most given those before.

    What an item is worth is (1 - weight) times its relevance plus weight times what the gain says, or what the gain
    says alone. Distances, features and whatever the gain prepares are worked out once for all weights.

    Parameters
    ----------
    kind, factor, bits, sizes, vectors, own_rows, own
        The distance, as in `distance.gather`; a missing distance counts as 1.
    tables : (rows, n, n)
        For TABLE: the distances.
    feature_starts, feature_ids
        Compressed rows of the features of all items, for gains that use FEATURES.
    gain
        First-class function, see `jit.GAIN_SIGNATURE`.
    uses
        Which of the DISTANCES to the picked item, FEATURES, ROWS and what is REMAINING the gain reads.
    whole
        Whether the gain is the whole objective.
    by_user : (rows or 1, m)
        Numbers of each user for the gain, or the same for all.
    numbers, memory
        Numbers for the gain, and those that it may keep: zeros.
    starts, features
        Room for the features of one list's candidates.
    bench
        With rows for the distances that are kept for the other weights.
    lists, scores, lengths : (rows, n), (rows, n), (rows,)
        Candidates in input rank order and their relevance.
    weights : (rows, weights)
        Of each user; 0 gives the input order.
    how
        Normalisation of the relevance within the row.
    picks, selection : (rows, weights, k)
        Positions in the input list and the objective's value at selection; padded with -1 and NaN.
    """
    sets, counts, rows, own_local, near, slot_of, by_candidate, remaining, no_table = bench
    relevance, base, term, values = by_candidate[0], by_candidate[1], by_candidate[2], by_candidate[3]
    nothing, nowhere = np.int64(-1), np.int64(0)
    prepare, start = np.int64(PREPARE), np.int64(START)
    for row in range(lists.shape[0]):
        n = np.int64(lengths[row])
        for position in range(n):
            relevance[position] = scores[row, position]
        normalise(relevance, n, np.int64(how), 0.0)
        table = tables[row] if kind == TABLE and tables.shape[0] else no_table
        if uses & (DISTANCES | ROWS):
            gather(kind, bits, sizes, vectors, own_rows, lists[row], n, nowhere, sets, counts, rows, own_local)
            slot_of[: n + 1] = -1
        if uses & FEATURES:
            _gather_features(feature_starts, feature_ids, lists[row], n, starts, features)
        candidates = Candidates(
            relevance[:n],
            remaining,
            near,
            own_local,
            starts,
            features,
            by_user[row if by_user.shape[0] > 1 else 0],
            numbers,
            memory,
        )
        own_term = term[:n]
        gain(prepare, nothing, nothing, n, 0.0, candidates, own_term)
        for at in range(weights.shape[1]):
            diversity = weights[row, at]
            if diversity == 0:
                as_given(relevance, n, picks[row, at], selection[row, at])
                continue
            for position in range(n):
                base[position] = 0.0 if whole else (1.0 - diversity) * relevance[position]
                remaining[position] = position
            scale = 1.0 if whole else diversity
            left = n
            gain(start, nothing, nothing, n, diversity, candidates, own_term)
            for step in range(picks.shape[2]):
                if left == 0:
                    picks[row, at, step] = -1
                    selection[row, at, step] = np.nan
                    continue
                most = -np.inf
                for position in range(n):
                    value = base[position] + scale * term[position]
                    values[position] = value
                    most = larger(value, most)
                picked = first_equal(values, n, most)
                picks[row, at, step] = picked
                selection[row, at, step] = values[picked]
                base[picked] = -np.inf
                left -= 1
                if uses & REMAINING:
                    before = 0  # picked earlier, and remains are in order
                    for former in range(step):
                        before += int(picks[row, at, former] < picked)
                    for later in range(picked - before, left):
                        remaining[later] = remaining[later + 1]
                if left == 0 or step + 1 == picks.shape[2]:
                    continue
                place: Int = picked
                if uses & DISTANCES:
                    place, known = row_for(slot_of, near, picked, n)
                    if not known and kind == JACCARD and sets.shape[1] == 1:  # which is inlined
                        jaccard_row(factor, sets, counts, picked, n, 1.0, near, place)
                    elif not known:
                        distance_row(
                            kind, factor, sets, counts, rows, own_local, own, table, picked, n, 1.0, near, place
                        )
                gain(np.int64(step + 1), picked, place, left, diversity, candidates, own_term)
