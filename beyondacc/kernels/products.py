"""Products of one row with many, eight at a time: what the distances of vectors take most of their time for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.intrinsics import EIGHT, REGISTER, eight_products
from beyondacc.kernels.jit import kernel, reduction
from beyondacc.types import Floats, Int

__all__ = ["dot", "products"]


@reduction
def dot(a: Floats, b: Floats) -> float:
    """Return the product of two rows."""
    total = 0.0
    for position in range(a.shape[0]):
        total += a[position] * b[position]
    return total


@kernel
def products(mine: Floats, rows: Floats, n: Int, out: NDArray[np.float64]) -> None:
    """Write the products of a row with the first n.

    Which rows are taken together makes no difference to any bit, but that fewer than eight are taken one by one.
    """
    if n < EIGHT:
        for position in range(n):
            out[position] = dot(mine, rows[position])
        return
    width = mine.shape[0]
    lanes = REGISTER // rows.itemsize
    columns = np.int64(width // lanes * lanes)
    for eight in range((n + EIGHT - 1) // EIGHT):
        first = np.int64(min(EIGHT * eight, n - EIGHT))
        eight_products(mine, rows, first, columns, out)
    if columns < width:
        for position in range(n):
            rest = rows.dtype.type(0)
            for column in range(columns, width):
                rest += mine[column] * rows[position, column]
            out[position] += rest
