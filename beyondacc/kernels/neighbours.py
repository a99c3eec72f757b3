"""Nearest rows of a binary matrix by cosine, and sums of weighted sparse rows."""

from __future__ import annotations

import numpy as np

from beyondacc.kernels.jit import kernel, scratch_kernel
from beyondacc.kernels.topk import sift_down
from beyondacc.types import Floats, ItemIds, Offsets

__all__ = ["nearest_rows", "weighted_sums"]


@scratch_kernel
def nearest_rows(
    start: int,
    offsets: Offsets,
    columns: ItemIds,
    column_offsets: Offsets,
    rows: ItemIds,
    shrink: float,
    conditional: bool,
    ids: ItemIds,
    values: Floats,
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
    conditional
        By ``overlap / (|b| + shrink)`` instead: which part of the other row this one has.
    ids, values
        Result, ``(block, k)``: the neighbours that overlap at all and their similarities, in no order; equal
        similarities go to the lower index. Where there are fewer than k, the rest is the number of rows and -inf.
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
        ids[r, :] = n
        values[r, :] = -np.inf
        for t in range(n_touched):
            other = touched[t]
            common = overlap[other]
            overlap[other] = 0
            if other == row:
                continue
            of_other = offsets[other + 1] - offsets[other]
            if conditional:
                value = common / (of_other + shrink)
            else:
                product = size * of_other
                # The root of a quotient of whole numbers, so that 1/sqrt(2) and 3/sqrt(18) are the same bits and tie.
                cosine = np.sqrt(common * common / product)
                value = cosine / (1.0 + shrink / np.sqrt(product))
            if value > values[r, 0] or (value == values[r, 0] and other < ids[r, 0]):
                values[r, 0] = value
                ids[r, 0] = other
                sift_down(values[r], ids[r], ids.shape[1])


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
