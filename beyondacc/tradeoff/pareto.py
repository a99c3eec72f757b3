"""The Pareto front: the points that no other point beats in every objective, what they reach, and where they bend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from beyondacc.correlation.correlate import as_table
from beyondacc.errors import DataError
from beyondacc.types import Bools

__all__ = ["hypervolume", "knee", "pareto_front"]

Table = np.ndarray[tuple[int, int], np.dtype[np.float64]]
_NEAR = 1e-12
"""Of the extent of a front: what is nearer to a line than this is on it."""


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
    signs = _signs(maximise, table)
    front = np.zeros(len(table), dtype=np.bool_)
    usable = np.flatnonzero(~np.isnan(table).any(axis=1))
    if not table.shape[1] or not len(usable):
        front[usable] = True
        return front
    gains = table[usable] * signs
    # The best first objective first, ties by the second, ...: whatever dominates a point comes before it.
    order = np.lexsort(gains.T[::-1])[::-1]
    gains = gains[order]
    new = np.concatenate(([True], (gains[1:] != gains[:-1]).any(axis=1)))
    best = _distinct_front(gains[new])
    front[usable[order]] = best[np.cumsum(new) - 1]
    return front


def _distinct_front(gains: Table) -> Bools:
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


def hypervolume(points: ArrayLike, maximise: Sequence[bool], reference: ArrayLike) -> float:
    """Return the volume of what the points dominate, as far as a reference point.

    One number for a whole front: it grows with every point that no other point dominates. A point adds nothing where it
    is not better than the reference in every objective, or has a NaN.

    Parameters
    ----------
    points
        ``(n, d)`` floats, a row per point and a column per objective.
    maximise
        d values: whether more is better.
    reference
        ``(d,)`` finite floats: the worst value of each objective that counts.

    Returns
    -------
    float
        At least 0; infinite where a point is.

    Raises
    ------
    DataError
        If the points are not a table of numbers with at least one column, `maximise` or the reference does not have a
        value for each of them, or the reference is not finite.

    Notes
    -----
    E. Zitzler and L. Thiele, Multiobjective evolutionary algorithms: a comparative case study and the strength Pareto
    approach, IEEE Transactions on Evolutionary Computation 3(4), 1999. Computed exactly, by slicing one objective after
    the other: L. While, P. Hingston, L. Barone and S. Huband, A faster algorithm for calculating hypervolume, IEEE
    Transactions on Evolutionary Computation 10(1), 2006. Two objectives take O(n log n); each further one makes up to
    n slices of them.
    """
    table = as_table(points, "points")
    signs = _signs(maximise, table)
    if not table.shape[1]:
        raise DataError("points have no objective; give a column for each")
    try:
        worst = np.asarray(reference, dtype=np.float64)
    except (TypeError, ValueError):
        worst = np.empty(0)
    if worst.shape != signs.shape or not np.isfinite(worst).all():
        raise DataError(
            f"reference={reference!r} is not allowed; give a finite number for each of {len(signs)} objectives"
        )
    gains = (table - worst) * signs
    gains = gains[(gains > 0).all(axis=1)]  # never so with a NaN
    if np.isinf(gains).any():
        return float("inf")
    return _volume(gains)


def _volume(gains: Table) -> float:
    """Return the volume of the boxes between the origin and each of the points, which are all above it."""
    if not len(gains):
        return 0.0
    if gains.shape[1] == 1:
        return float(gains.max())
    gains = gains[np.argsort(-gains[:, -1], kind="stable")]
    levels = gains[:, -1]
    if gains.shape[1] == 2:
        widths = np.maximum.accumulate(gains[:, 0])
        return float(levels @ np.diff(widths, prepend=0.0))
    total, slab = 0.0, gains[:0, :-1]
    for point, depth in zip(gains[:, :-1], -np.diff(levels, append=0.0), strict=True):
        slab = np.vstack([slab, point])
        slab = slab[pareto_front(slab, [True] * slab.shape[1])]
        if depth > 0:
            total += depth * _volume(slab)
    return float(total)


def knee(points: ArrayLike, maximise: Sequence[bool]) -> int | None:
    """Find the point of a front of two objectives from which either costs most of the other.

    Both objectives are brought to [0, 1] over the front; the knee is the point that lies farthest beyond the straight
    line between the two ends of the front, on the better side.

    Parameters
    ----------
    points
        ``(n, 2)`` floats, a row per point and a column per objective.
    maximise
        2 values: whether more is better.

    Returns
    -------
    int or None
        The position of the knee among the points, of equally far ones the first. None where the front has fewer than
        three distinct points, reaches to infinity, or has no point beyond the line.

    Raises
    ------
    DataError
        If the points are not a table of numbers with two columns, or `maximise` does not have two values.

    Notes
    -----
    I. Das, On characterizing the "knee" of the Pareto curve based on normal-boundary intersection, Structural
    Optimization 18, 1999: the point farthest from the line between the optima of either objective alone.
    """
    table = as_table(points, "points")
    if table.shape[1] != 2:
        raise DataError(f"points has {table.shape[1]} objectives; a knee is one of two, so give two columns")
    gains = table * _signs(maximise, table)
    places = np.flatnonzero(pareto_front(gains, [True, True]))
    front = gains[places]
    if len(np.unique(front, axis=0)) < 3 or np.isinf(front).any():
        return None
    low = front.min(axis=0)
    # the ends are (1, 0) and (0, 1) then; the distance from the line between them is this over the root of two
    beyond = ((front - low) / (front.max(axis=0) - low)).sum(axis=1) - 1.0
    farthest = beyond.max()
    return int(places[np.argmax(beyond > farthest - _NEAR)]) if farthest > _NEAR else None


def _signs(maximise: Sequence[bool], table: Table) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return 1 for each objective of which more is better, -1 for the others."""
    if len(maximise) != table.shape[1]:
        raise DataError(
            f"{len(maximise)} values of maximise were given for {table.shape[1]} objectives; give one for each"
        )
    return np.where(np.asarray(maximise, dtype=np.bool_), 1.0, -1.0)
