"""The effective number of items of a list, from the eigenvalues of its similarities.

Many small matrices are worked on at a time, number by number: the same steps in the same order for each of them, so
that they are vectorised. A matrix that has come to its end early waits for the others: no value rests on theirs.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import helper, kernel
from beyondacc.types import Bools, Floats, Int, ItemIds

__all__ = ["make_lanes", "vendi_rows"]

_MOST = 60  # turns for an eigenvalue; two or three are usual
_TINY = 1e-290  # a square that is as good as 0, and would not leave its reciprocal finite for long
_PRECISION = 2.0**-104  # of a square, to the last digit


def make_lanes(n: int) -> NDArray[np.float64]:
    """Make room for some matrices of n rows each: their numbers, then three vectors and single numbers."""
    lanes = 32 if n <= 16 else 8  # so many stay in the cache
    return np.zeros((n * n + 3 * n + 7, lanes))


@kernel
def _tridiagonal(work: NDArray[np.float64], n: Int) -> None:
    """Make symmetric matrices tridiagonal by Householder's reflections.

    Only what is below the diagonal is read. Afterwards row ``n * n + i`` of `work` has element i of the diagonals, row
    ``n * n + n + i`` the squares of what is between i and i + 1.
    """
    lanes = work.shape[1]
    diagonal, between, product = n * n, n * n + n, n * n + 2 * n
    square, scale, half = n * n + 3 * n, n * n + 3 * n + 1, n * n + 3 * n + 2
    for step in range(n - 2):
        first = step + 1
        for lane in range(lanes):
            work[square, lane] = 0.0
        for i in range(first + 1, n):
            for lane in range(lanes):
                work[square, lane] += work[i * n + step, lane] * work[i * n + step, lane]
        # the reflection takes the column to (length, 0, ..., 0); it is 1 - scale v v', v in place of the column
        for lane in range(lanes):
            head, rest = work[first * n + step, lane], work[square, lane]
            whole = head * head + rest
            length = math.sqrt(whole)
            length = -length if head > 0 else length
            work[between + step, lane] = whole
            work[first * n + step, lane] = head - length
            divisor = whole - length * head
            work[scale, lane] = 1.0 / divisor if rest > 0 and divisor > _TINY else 0.0
            work[half, lane] = 0.0
        for i in range(first, n):
            for lane in range(lanes):
                work[product + i, lane] = work[i * n + i, lane] * work[i * n + step, lane]
        for i in range(first + 1, n):
            for j in range(first, i):
                for lane in range(lanes):
                    work[product + i, lane] += work[i * n + j, lane] * work[j * n + step, lane]
                for lane in range(lanes):
                    work[product + j, lane] += work[i * n + j, lane] * work[i * n + step, lane]
        for i in range(first, n):
            for lane in range(lanes):
                work[product + i, lane] *= work[scale, lane]
                work[half, lane] += work[product + i, lane] * work[i * n + step, lane]
        for lane in range(lanes):
            work[half, lane] *= 0.5 * work[scale, lane]
        for i in range(first, n):
            for lane in range(lanes):
                work[product + i, lane] -= work[half, lane] * work[i * n + step, lane]
        for i in range(first, n):
            for j in range(first, i + 1):
                for lane in range(lanes):
                    work[i * n + j, lane] -= (
                        work[i * n + step, lane] * work[product + j, lane]
                        + work[product + i, lane] * work[j * n + step, lane]
                    )
    for i in range(n):
        for lane in range(lanes):
            work[diagonal + i, lane] = work[i * n + i, lane]
    if n > 1:
        for lane in range(lanes):
            last = work[(n - 1) * n + n - 2, lane]
            work[between + n - 2, lane] = last * last


@kernel
def _eigenvalues(work: NDArray[np.float64], n: Int) -> None:
    """Take the diagonals of tridiagonal matrices to their eigenvalues, in no order.

    The rational variant of the QL algorithm (Reinsch 1973, Numerische Mathematik 20), with Wilkinson's shift.
    """
    lanes = work.shape[1]
    diagonal, between = n * n, n * n + n
    cosine, sine, gamma, square, shift, least = (
        n * n + 3 * n,
        n * n + 3 * n + 1,
        n * n + 3 * n + 2,
        n * n + 3 * n + 3,
        n * n + 3 * n + 4,
        n * n + 3 * n + 5,
    )
    moves = n * n + 3 * n + 6
    for lane in range(lanes):
        work[least, lane] = 0.0
    for i in range(n):
        for lane in range(lanes):
            size = work[diagonal + i, lane] * work[diagonal + i, lane]
            size = size if i == n - 1 or size > work[between + i, lane] else work[between + i, lane]
            work[least, lane] = size if size > work[least, lane] else work[least, lane]
    for lane in range(lanes):
        work[least, lane] *= _PRECISION
    for low in range(n - 1):
        for _ in range(_MOST):
            going = 0
            for lane in range(lanes):
                going += work[between + low, lane] > work[least, lane]
            if not going:
                break
            for lane in range(lanes):
                here, apart = work[diagonal + low, lane], work[between + low, lane]
                work[moves, lane] = 1.0 if apart > work[least, lane] else 0.0
                gap = 0.5 * (work[diagonal + low + 1, lane] - here)
                root = math.sqrt(gap * gap + apart)
                divisor = gap + (root if gap >= 0 else -root)
                work[shift, lane] = here - (apart / divisor if divisor != 0 else 0.0)
                work[cosine, lane] = 1.0
                work[sine, lane] = 0.0
                work[gamma, lane] = work[diagonal + n - 1, lane] - work[shift, lane]
                work[square, lane] = work[gamma, lane] * work[gamma, lane]
            for i in range(n - 2, low - 1, -1):
                inside = 0.0 if i < n - 2 else 1.0
                for lane in range(lanes):
                    p, apart = work[square, lane], work[between + i, lane]
                    total = p + apart
                    inverse = 1.0 / total if total > _TINY else 0.0
                    before = work[sine, lane] * total
                    beyond, was = work[between + i + 1, lane], work[diagonal + i + 1, lane]
                    moving = work[moves, lane]
                    work[between + i + 1, lane] = before if moving > inside else beyond
                    c = p * inverse if total > _TINY else 1.0
                    s = apart * inverse
                    old = work[gamma, lane]
                    alpha = work[diagonal + i, lane]
                    new = c * (alpha - work[shift, lane]) - s * old
                    found = old + (alpha - new)
                    work[diagonal + i + 1, lane] = found if moving > 0 else was
                    work[square, lane] = new * new / c if c > _TINY else work[cosine, lane] * apart
                    work[cosine, lane], work[sine, lane], work[gamma, lane] = c, s, new
            for lane in range(lanes):
                beyond, was = work[between + low, lane], work[diagonal + low, lane]
                found, rest = work[shift, lane] + work[gamma, lane], work[sine, lane] * work[square, lane]
                work[diagonal + low, lane] = found if work[moves, lane] > 0 else was
                work[between + low, lane] = rest if work[moves, lane] > 0 else beyond


@helper
def _effective(work: NDArray[np.float64], n: Int, lane: Int) -> float:
    """Return exp of the entropy of the shares of the eigenvalues above 0; those below count as 0."""
    total = 0.0
    for i in range(n):
        total += max(work[n * n + i, lane], 0.0)
    entropy = 0.0
    for i in range(n):
        share = work[n * n + i, lane] / total
        if share > 0:
            entropy -= share * math.log(share)
    return math.exp(entropy)


@kernel
def vendi_rows(
    tables: Floats,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    present: Bools,
    without: float,
    work: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Effective number of different items among the first k, NaN where there are none.

    Parameters
    ----------
    tables : (rows, n, n)
        The distances inside each list, NaN where there is none.
    present : (n_items,) or (0,)
        Which items count; all of them if it is empty.
    without
        The similarity of two items that have no distance.
    work
        Of `make_lanes`, for n.
    """
    n, lanes = np.int64(tables.shape[1]), work.shape[1]
    for start in range(0, tables.shape[0], lanes):
        for lane in range(lanes):
            row = start + lane
            length, most = 0, 1.0
            if row < tables.shape[0]:
                length = lengths[row] if lengths[row] < k else k
            for one in range(n):
                counts = one < length and (present.shape[0] == 0 or present[lists[row, one]])
                work[one * n + one, lane] = 1.0 if counts else 0.0
                for other in range(one):
                    similar = 0.0
                    if counts and work[other * n + other, lane] > 0:
                        distance = tables[row, one, other]
                        similar = without if np.isnan(distance) else 1.0 - distance
                    work[one * n + other, lane] = similar
                    most = max(most, abs(similar))
            items = 0.0
            for one in range(n):
                items += work[one * n + one, lane]
            if row < tables.shape[0]:
                out[row] = items
            if most > 1:  # squares must not overflow; shares of eigenvalues do not change
                for place in range(n * n):
                    work[place, lane] /= most
        _tridiagonal(work, n)
        _eigenvalues(work, n)
        for lane in range(min(lanes, tables.shape[0] - start)):
            items = out[start + lane]
            out[start + lane] = np.nan
            if items > 0:
                out[start + lane] = min(max(_effective(work, n, lane), 1.0), items)
