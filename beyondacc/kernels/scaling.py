"""Relevance and other terms on a common scale within each list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.intrinsics import larger, smaller
from beyondacc.kernels.jit import helper, kernel
from beyondacc.types import Floats, Int, ItemIds

__all__ = ["MINMAX", "NONE", "RANK", "ZSCORE", "as_given", "first_equal", "first_largest", "largest", "normalise"]

MINMAX, ZSCORE, RANK, NONE = range(4)


@helper
def largest(values: NDArray[np.float64], n: Int) -> float:
    """Return the largest of the first n, none of which is NaN."""
    most = -np.inf
    for position in range(n):
        most = larger(values[position], most)
    return most


@helper
def first_equal(values: NDArray[np.float64], n: Int, wanted: float) -> int:
    """Return the first position of the first n with a value; 0 where there is none."""
    for eight in range(n // 8):
        at = 8 * eight
        there = (values[at] == wanted) | (values[at + 1] == wanted) | (values[at + 2] == wanted)
        there |= (values[at + 3] == wanted) | (values[at + 4] == wanted) | (values[at + 5] == wanted)
        if there | (values[at + 6] == wanted) | (values[at + 7] == wanted):
            while values[at] != wanted:
                at += 1
            return at
    for at in range(8 * (n // 8), n):
        if values[at] == wanted:
            return at
    return 0


@helper
def first_largest(values: NDArray[np.float64], n: Int) -> int:
    """Return the position of the largest of the first n, of equal ones the first; 0 where all are minus infinity."""
    return first_equal(values, n, largest(values, n))


@helper
def smallest(values: NDArray[np.float64], n: Int) -> float:
    """Return the smallest of the first n, as `largest`."""
    least = np.inf
    for position in range(n):
        least = smaller(values[position], least)
    return least


@kernel
def normalise(values: NDArray[np.float64], n: Int, how: Int, tolerance: float) -> None:
    """Bring the first n values, in input rank order, to a common scale in place; constant values become zeros.

    Parameters
    ----------
    tolerance
        Values that differ by no more are constant: 0, or what rounding makes of equal numbers that were computed.
    """
    if how == NONE or n == 0:
        return
    if how == RANK:
        for position in range(n):
            values[position] = (n - 1 - position) / (n - 1) if n > 1 else 0.0
        return
    low = smallest(values, n)
    high = largest(values, n)
    half = 0.5 if high > 1e307 or low < -1e307 else 1.0  # because high - low may overflow
    if low == high or half * high - half * low <= half * tolerance:
        values[:n] = 0.0
        return
    for position in range(n):
        values[position] = (half * values[position] - half * low) / (half * high - half * low)
    if how == MINMAX:
        return
    total = 0.0
    for position in range(n):
        total += values[position]
    mean = total / n  # z-scores of values in [0, 1] are those of the values themselves, but lose fewer digits
    squares = 0.0
    for position in range(n):
        squares += (values[position] - mean) ** 2
    deviation = np.sqrt(squares / n)
    for position in range(n):
        values[position] = (values[position] - mean) / deviation


@helper
def as_given(relevance: Floats, n: Int, picks: ItemIds, selection: NDArray[np.float64]) -> None:
    """Pick in input order, which is what no weight on anything else gives; the relevance is the selection score."""
    for step in range(picks.shape[0]):
        picks[step] = step if step < n else -1
        selection[step] = relevance[step] if step < n else np.nan
