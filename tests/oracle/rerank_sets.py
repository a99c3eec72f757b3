"""METRICS.md section 9: re-rankers that look at the distances or the rows of what is selected.

The whole objective is worked out anew for every set. Determinants are exact, residuals have far more digits than a
float, so that neither has noise of its own.
"""

from __future__ import annotations

import math
from fractions import Fraction

from oracle.rerank import as_given, greedy, known, normalized, take

FLOOR = 1e-12  # a residual variance up to this is none
NEGLIGIBLE = 1e-10  # a residual row shorter than this part of its row is none
ONE = 1 << 240  # numbers of rows are whole multiples of 1 / ONE


def msd(scores, matrix, diversity, k, normalize="minmax"):
    return greedy(normalized(scores, normalize), diversity, k, msd_terms(matrix))


def msd_terms(matrix):
    """Sum of the distances to what is selected."""
    return lambda remaining, selected: [math.fsum(known(matrix[i][j]) for j in selected) for i in remaining]


def own(scores, matrix, diversity, k, gain, normalize="minmax"):
    return greedy(normalized(scores, normalize), diversity, k, own_terms(matrix, gain))


def own_terms(matrix, gain):
    """What `gain(distances, term, step)` has made of a term of zeros, called once for every item selected."""

    def terms(remaining, selected):
        term = [0.0] * len(matrix)
        for step, j in enumerate(selected, 1):
            gain([known(matrix[i][j]) for i in range(len(matrix))], term, step)
        return [term[i] for i in remaining]

    return terms


def cover(scores, matrix, diversity, k, normalize="minmax", gamma=None):
    return greedy(normalized(scores, normalize), diversity, k, cover_terms(matrix, gamma))


def cover_terms(matrix, gamma=None):
    """How much more of all candidates is covered."""

    def similarity(i, j):
        return 1.0 if i == j else max(0.0, 1 - known(matrix[i][j]))

    def covered(selected):
        """Of every candidate the nearest selected one, or the sum of all of them to the power of gamma."""
        if not selected:
            return 0.0
        by_item = [[similarity(i, j) for i in selected] for j in range(len(matrix))]
        return math.fsum(max(found) if gamma is None else math.fsum(found) ** gamma for found in by_item)

    return lambda remaining, selected: [covered([*selected, i]) - covered(selected) for i in remaining]


def dpp(scores, matrix, diversity, k, normalize="zscore", scale=1.0, *, weighted_floor=True):
    """Greedy search for the largest determinant; what adds nothing follows in input order, with selection score 0.

    The floor holds for the residual variance of the weighted kernel, or for that of the similarities.
    """
    if diversity == 0:
        return as_given(normalized(scores, normalize), k)
    return take(len(scores), k, dpp_gains(scores, matrix, diversity, normalize, scale, weighted_floor=weighted_floor))


def dpp_gains(scores, matrix, diversity, normalize="zscore", scale=1.0, *, weighted_floor=True):
    """det(L of S and i) / det(L of S); 0 where that is nothing: then it is 0 for all that follow, too.

    L = diag(w) Sim diag(w): the weights of S cancel out, so that the determinants are those of the similarities.
    """
    weights = [_exp((1 - diversity) * scale * s) for s in normalized(scores, normalize)]

    def gains(remaining, selected):
        before = determinant(_similarities(matrix, selected))
        found = []
        for i in remaining:
            residual = determinant(_similarities(matrix, [*selected, i])) / before if before > 0 else Fraction(0)
            gain = float(residual) * weights[i] * weights[i] if residual > 0 else 0.0
            found.append(gain if (gain if weighted_floor else residual) > FLOOR else 0.0)
        return found

    return gains


def _exp(x):
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _similarities(matrix, items):
    return [[Fraction(1 if i == j else 1 - known(matrix[i][j])) for j in items] for i in items]


def determinant(rows):
    """Exactly, by elimination without fractions (Bareiss)."""
    n = len(rows)
    unit = math.lcm(*(x.denominator for row in rows for x in row))
    a = [[int(x * unit) for x in row] for row in rows]
    sign, former = 1, 1
    for at in range(n):
        pivot = next((row for row in range(at, n) if a[row][at] != 0), None)
        if pivot is None:
            return Fraction(0)
        if pivot != at:
            a[at], a[pivot], sign = a[pivot], a[at], -sign
        for i in range(at + 1, n):
            for j in range(at + 1, n):
                a[i][j] = (a[i][j] * a[at][at] - a[i][at] * a[at][j]) // former  # no remainder
        former = a[at][at]
    return Fraction(sign * former, unit**n)


def ssd(scores, rows, diversity, k, normalize="zscore", *, window=None, gamma=1.0, unit=True, bias=True, shown=()):
    """Sliding spectrum decomposition; a candidate without a row (None, empty or zeros) has a row of zeros."""
    relevance = normalized(scores, normalize)
    if diversity == 0:
        return as_given(relevance, k)
    options = {"window": window, "gamma": gamma, "unit": unit, "bias": bias, "shown": shown}
    return take(len(scores), k, ssd_gains(relevance, rows, diversity, **options))


def ssd_gains(relevance, rows, diversity, *, window=None, gamma=1.0, unit=True, bias=True, shown=()):
    """(1 - lambda) s(i) + lambda gamma |what is left of row i|.

    Everything selected has a direction: what was left of its row when it was selected. What is left of a row is its
    least-squares residual against the directions of the last `window` selected items (None: of all). A direction that
    leaves the window is not worked into those that stay, as in the paper's circular queue and in pyversity. `shown` are
    the rows of items shown before, which count as if selected, the first shown first.
    """
    points = _points([*rows, *shown], unit, bias)

    def gains(remaining, selected):
        directions = []
        for j in [*range(len(rows), len(points)), *selected]:
            directions.append(_residual(points[j], _last(directions, window)))
        return [
            (1 - diversity) * relevance[i]
            + diversity * gamma * _float(_length(_residual(points[i], _last(directions, window))))
            for i in remaining
        ]

    return gains


def _last(directions, window):
    return directions if window is None else directions[-window:]


def _points(rows, unit, bias):
    """Rows of whole numbers: of length 1, with a further 1 at the end."""
    width = max((len(row) for row in rows if row is not None), default=0)
    found = []
    for row in rows:
        point = [int(Fraction(x) * ONE) for x in row] if row is not None and len(row) else [0] * width
        length = _length(point)
        if unit and length:
            point = [x * ONE // length for x in point]
        found.append([*point, ONE] if bias else point)
    return found


def _dot(left, right):
    return sum(x * y for x, y in zip(left, right, strict=True))


def _length(row):
    return math.isqrt(_dot(row, row))


def _float(x):
    return float(Fraction(x, ONE))


def _residual(row, directions):
    """The directions are at right angles, so that the part along each can be taken off on its own."""
    left = row
    for direction in directions:
        square = _dot(direction, direction)
        if square:
            along = _dot(row, direction)
            left = [x - along * y // square for x, y in zip(left, direction, strict=True)]
    return left if _float(_length(left)) > NEGLIGIBLE * _float(_length(row)) else [0] * len(row)
