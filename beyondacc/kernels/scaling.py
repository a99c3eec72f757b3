"""Relevance and other terms on a common scale within each list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.types import Floats, Int, ItemIds

__all__ = ["MINMAX", "NONE", "RANK", "ZSCORE", "as_given", "first_largest", "largest", "normalise"]

MINMAX, ZSCORE, RANK, NONE = range(4)


@kernel
def largest(values: NDArray[np.float64], n: Int) -> float:
    """Return the largest of the first n, eight at a time: the compiler does not take a strict maximum apart itself."""
    a, b, c, d = -np.inf, -np.inf, -np.inf, -np.inf
    e, f, g, h = -np.inf, -np.inf, -np.inf, -np.inf
    for eight in range(n // 8):
        at = 8 * eight
        a = values[at] if values[at] > a else a
        b = values[at + 1] if values[at + 1] > b else b
        c = values[at + 2] if values[at + 2] > c else c
        d = values[at + 3] if values[at + 3] > d else d
        e = values[at + 4] if values[at + 4] > e else e
        f = values[at + 5] if values[at + 5] > f else f
        g = values[at + 6] if values[at + 6] > g else g
        h = values[at + 7] if values[at + 7] > h else h
    for at in range(8 * (n // 8), n):
        a = values[at] if values[at] > a else a
    return max(a, b, c, d, e, f, g, h)


@kernel
def first_largest(values: NDArray[np.float64], n: Int) -> int:
    """Return the position of the largest of the first n, of equal ones the first; 0 where all are minus infinity."""
    most = largest(values, n)
    for eight in range(n // 8):
        at = 8 * eight
        there = (values[at] == most) | (values[at + 1] == most) | (values[at + 2] == most) | (values[at + 3] == most)
        there |= (values[at + 4] == most) | (values[at + 5] == most) | (values[at + 6] == most)
        if there | (values[at + 7] == most):
            while values[at] != most:
                at += 1
            return at
    for at in range(8 * (n // 8), n):
        if values[at] == most:
            return at
    return 0


@kernel
def smallest(values: NDArray[np.float64], n: Int) -> float:
    """Return the smallest of the first n, as `largest`."""
    a, b, c, d = np.inf, np.inf, np.inf, np.inf
    e, f, g, h = np.inf, np.inf, np.inf, np.inf
    for eight in range(n // 8):
        at = 8 * eight
        a = values[at] if values[at] < a else a
        b = values[at + 1] if values[at + 1] < b else b
        c = values[at + 2] if values[at + 2] < c else c
        d = values[at + 3] if values[at + 3] < d else d
        e = values[at + 4] if values[at + 4] < e else e
        f = values[at + 5] if values[at + 5] < f else f
        g = values[at + 6] if values[at + 6] < g else g
        h = values[at + 7] if values[at + 7] < h else h
    for at in range(8 * (n // 8), n):
        a = values[at] if values[at] < a else a
    return min(a, b, c, d, e, f, g, h)


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


@kernel
def as_given(relevance: Floats, n: Int, picks: ItemIds, selection: NDArray[np.float64]) -> None:
    """Pick in input order, which is what no weight on anything else gives; the relevance is the selection score."""
    for step in range(picks.shape[0]):
        picks[step] = step if step < n else -1
        selection[step] = relevance[step] if step < n else np.nan
