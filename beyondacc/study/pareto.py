"""The Pareto front: the points that no other point beats in every objective."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from beyondacc.errors import DataError
from beyondacc.study.correlate import as_table
from beyondacc.types import Bools

__all__ = ["pareto_front"]


def pareto_front(points: ArrayLike, maximise: Sequence[bool]) -> Bools:
    """Mark the points that are not dominated.

    A point is dominated where another is at least as good in every objective and better in one. Equal points do not
    dominate each other, so all copies of a point of the front are in it. A point with a NaN is never in the front, and
    dominates none.

    Parameters
    ----------
    points
        ``(n, d)`` floats, a row per point and a column per objective.
    maximise
        d values: whether more is better.

    Returns
    -------
    Bools
        ``(n,)``, true for the points of the front.

    Raises
    ------
    DataError
        If the points are not a table of numbers, or `maximise` does not have a value for each of its columns.

    Notes
    -----
    H. T. Kung, F. Luccio and F. P. Preparata, On finding the maxima of a set of vectors, J. ACM 22(4), 1975.
    Two objectives take O(n log n), more take O(n f d) for a front of f points.
    """
    table = as_table(points, "points")
    if len(maximise) != table.shape[1]:
        raise DataError(
            f"{len(maximise)} values of maximise were given for {table.shape[1]} objectives; give one for each"
        )
    front = np.zeros(len(table), dtype=np.bool_)
    usable = np.flatnonzero(~np.isnan(table).any(axis=1))
    if not table.shape[1] or not len(usable):
        front[usable] = True
        return front
    gains = table[usable] * np.where(np.asarray(maximise, dtype=np.bool_), 1.0, -1.0)
    # The best first objective first, ties by the second, ...: whatever dominates a point comes before it.
    order = np.lexsort(gains.T[::-1])[::-1]
    gains = gains[order]
    new = np.concatenate(([True], (gains[1:] != gains[:-1]).any(axis=1)))
    best = _distinct_front(gains[new])
    front[usable[order]] = best[np.cumsum(new) - 1]
    return front


def _distinct_front(gains: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Bools:
    """Mark the front of distinct points in descending lexicographic order, more being better in every column."""
    front = np.zeros(len(gains), dtype=np.bool_)
    if gains.shape[1] == 2:
        front[0] = True
        front[1:] = gains[1:, 1] > np.maximum.accumulate(gains[:, 1])[:-1]
        return front
    left = np.arange(len(gains))
    while len(left):
        front[left[0]] = True  # nothing left comes before it, so nothing dominates it
        left = left[(gains[left] > gains[left[0]]).any(axis=1)]
    return front
