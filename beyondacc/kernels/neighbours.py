"""Nearest rows of a binary matrix by cosine, and sums of weighted sparse rows."""

from __future__ import annotations

import numpy as np

from beyondacc.kernels.jit import kernel
from beyondacc.types import Floats, ItemIds, Offsets

__all__ = ["nearest_rows", "weighted_sums"]


@kernel
def _worse(a_value: float, a_id: int, b_value: float, b_id: int) -> bool:
    """Whether neighbour a gives way to neighbour b: less similar, or as similar and of higher index."""
    return a_value < b_value or (a_value == b_value and a_id > b_id)


@kernel
def _keep(ids: ItemIds, values: Floats, filled: int, new_id: int, new_value: float) -> int:
    """Offer a neighbour to a heap whose root is the worst one kept; return how many are kept now."""
    if filled < ids.size:
        at = filled
        filled += 1
        while at > 0:
            parent = (at - 1) // 2
            if not _worse(new_value, new_id, values[parent], ids[parent]):
                break
            ids[at] = ids[parent]
            values[at] = values[parent]
            at = parent
    elif _worse(values[0], ids[0], new_value, new_id):
        at = 0
        child = 1
        while child < filled:
            right = child + 1
            if right < filled and _worse(values[right], ids[right], values[child], ids[child]):
                child = right
            if not _worse(values[child], ids[child], new_value, new_id):
                break
            ids[at] = ids[child]
            values[at] = values[child]
            at = child
            child = 2 * at + 1
    else:
        return filled
    ids[at] = new_id
    values[at] = new_value
    return filled


@kernel
def nearest_rows(
    start: int,
    offsets: Offsets,
    columns: ItemIds,
    column_offsets: Offsets,
    rows: ItemIds,
    shrink: float,
    ids: ItemIds,
    values: Floats,
    filled: Offsets,
) -> None:
    """Find the nearest other rows of a binary matrix by ``overlap / (sqrt(|a| |b|) + shrink)``.

    Parameters
    ----------
    start
        First row of the block; the block has as many rows as `ids`.
    offsets, columns
        The matrix by rows (CSR).
    column_offsets, rows
        The same matrix by columns (CSC).
    shrink
        Added to the denominator.
    ids, values
        Result, ``(block, k)``: the neighbours that overlap at all and their similarities, in no order; equal
        similarities go to the lower index.
    filled
        Result, ``(block,)``: how many entries of each row of `ids` and `values` are set.
    """
    n = offsets.size - 1
    overlap = np.zeros(n, np.int64)
    touched = np.empty(n, np.int64)
    for r in range(ids.shape[0]):
        row = start + r
        n_touched = 0
        for p in range(offsets[row], offsets[row + 1]):
            column = columns[p]
            for q in range(column_offsets[column], column_offsets[column + 1]):
                other = rows[q]
                if overlap[other] == 0:
                    touched[n_touched] = other
                    n_touched += 1
                overlap[other] += 1
        size = offsets[row + 1] - offsets[row]
        kept = 0
        for t in range(n_touched):
            other = touched[t]
            common = overlap[other]
            overlap[other] = 0
            if other == row:
                continue
            product = size * (offsets[other + 1] - offsets[other])
            # The root of a quotient of whole numbers, so that 1/sqrt(2) and 3/sqrt(18) are the same bits and tie.
            cosine = np.sqrt(common * common / product)
            kept = _keep(ids[r], values[r], kept, other, cosine / (1.0 + shrink / np.sqrt(product)))
        filled[r] = kept


@kernel
def weighted_sums(
    picked: ItemIds,
    offsets: Offsets,
    columns: ItemIds,
    weights: Floats,
    other_offsets: Offsets,
    other_columns: ItemIds,
    other_weights: Floats,
    out: Floats,
) -> None:
    """Add the picked rows of a product of two CSR matrices into `out`, each row by itself and in the order stored.

    Parameters
    ----------
    picked
        Rows of the first matrix, ``(block,)``.
    offsets, columns, weights
        The first matrix.
    other_offsets, other_columns, other_weights
        The second matrix.
    out
        Result, ``(block, columns of the second matrix)``, zeros on entry.
    """
    for r in range(picked.size):
        for p in range(offsets[picked[r]], offsets[picked[r] + 1]):
            weight = weights[p]
            for q in range(other_offsets[columns[p]], other_offsets[columns[p] + 1]):
                out[r, other_columns[q]] += weight * other_weights[q]
