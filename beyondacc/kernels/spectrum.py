"""The gain of sliding spectrum decomposition: how much of an item's row the rows before do not explain."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.intrinsics import larger
from beyondacc.kernels.jit import PREPARE, START, Candidates, helper, reduction
from beyondacc.kernels.memory import Sizes, keeps
from beyondacc.types import Int

__all__ = ["spectrum"]

_NEGLIGIBLE = 1e-10  # a residual row shorter than this part of its row is none
_CANCELLED = 1e-4  # a square that is smaller than this part of what it is left of has lost too many digits


@reduction
def _products(points: NDArray[np.float64], direction: NDArray[np.float64], n: Int, out: NDArray[np.float64]) -> None:
    """Products of a direction with the first n points, four at a time, so that it is read once for four."""
    width = direction.shape[0]
    fours = n // 4
    for four in range(fours):
        at = 4 * four
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for column in range(width):
            part = direction[column]
            a += part * points[at, column]
            b += part * points[at + 1, column]
            c += part * points[at + 2, column]
            d += part * points[at + 3, column]
        out[at], out[at + 1], out[at + 2], out[at + 3] = a, b, c, d
    for at in range(4 * fours, n):
        a = 0.0
        for column in range(width):
            a += direction[column] * points[at, column]
        out[at] = a


@reduction
def _product(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    total = 0.0
    for column in range(one.shape[0]):
        total += one[column] * other[column]
    return total


@helper
def _work_out(
    point: NDArray[np.float64],
    square: float,
    directions: NDArray[np.float64],
    lengths: NDArray[np.float64],
    room: Int,
    out: NDArray[np.float64],
) -> float:
    """Write what is left of a point at right angles to the directions, zeros where it is negligible; its square.

    Each part is taken off twice, the second time of what rounding has left. Not a `reduction`, which would divide every
    number of a direction in place of the part.
    """
    width = point.shape[0]
    for column in range(width):
        out[column] = point[column]
    for turn in range(2 * room):
        at = turn % room
        if lengths[at] > 0:
            direction = directions[at * width : (at + 1) * width]
            part = _product(out, direction) / lengths[at]
            for column in range(width):
                out[column] -= part * direction[column]
    left = _product(out, out)
    if left <= _NEGLIGIBLE**2 * square:
        out[:] = 0.0
        return 0.0
    return left


@helper
def _push(
    point: NDArray[np.float64],
    square: float,
    at: Int,
    n: Int,
    rows: NDArray[np.float64],
    directions: NDArray[np.float64],
    lengths: NDArray[np.float64],
    room: Int,
    along: NDArray[np.float64],
    still: NDArray[np.float64],
    work: NDArray[np.float64],
) -> None:
    """Put a direction in one of the places, and take its part off what is left of the rows."""
    width = point.shape[0]
    _work_out(point, square, directions, lengths, room, work)
    if lengths[at] > 0:  # the direction that leaves the window gives back what it took
        for position in range(n):
            still[position] += along[position] * along[position] / lengths[at]
    newest = directions[at * width : (at + 1) * width]
    for column in range(width):
        newest[column] = work[column]
    lengths[at] = _product(work, work)
    if lengths[at] > 0:
        _products(rows, work, n, along)
        for position in range(n):
            still[position] -= along[position] * along[position] / lengths[at]


@helper
def _square(point: NDArray[np.float64], whole: float) -> float:
    """Square of a row; where all are of length 1 a whole number but for rounding, which would decide between equals."""
    square = _product(point, point)
    return math.floor(square + 0.5) if whole else square


def _memory(sizes: Sizes) -> int:
    room = int(sizes.numbers[1])
    return (2 + room) * sizes.n + room * sizes.width + room + sizes.width


@keeps(_memory, numbers=3)
def spectrum(
    step: Int, picked: Int, _row: Int, left: Int, _diversity: float, candidates: Candidates, term: NDArray[np.float64]
) -> None:
    """Gamma times the length of what is left of a row after the directions of the last `window` picked items.

    A direction is what was left of a row when it was picked. Directions less than a window apart are at right angles,
    so that squares of lengths are differences of squares, and rows are worked out only where these have cancelled.

    `numbers`: gamma, how many directions there is room for, which is the window, and whether all rows are of length 1
    but for a last column of 1, or not. `by_user`: how many items were shown before, and their rows, the last shown at
    the end, which count as picked. `memory`: the squares of the rows, of what is left of them, and for each direction
    the products with the rows; the directions, their squares, a row of work.
    """
    n, width = term.shape[0], candidates.rows.shape[1]
    gamma, room, whole = candidates.numbers[0], int(candidates.numbers[1]), candidates.numbers[2]
    n_before = int(candidates.by_user[0])
    squares = candidates.memory[:n]
    still = candidates.memory[n : 2 * n]
    place = (2 + room) * n
    directions = candidates.memory[place : place + room * width]
    place += room * width
    lengths = candidates.memory[place : place + room]
    work = candidates.memory[place + room : place + room + width]
    if step == PREPARE:
        for position in range(n):
            squares[position] = _square(candidates.rows[position], whole)
        return
    if step == START:
        for position in range(n):
            still[position] = squares[position]
        lengths[:] = 0.0
        for before in range(n_before):
            point = candidates.by_user[1 + before * width : 1 + (before + 1) * width]
            at: Int = before % room
            along = candidates.memory[(2 + at) * n : (3 + at) * n]
            square = _square(point, whole)
            _push(point, square, at, n, candidates.rows, directions, lengths, room, along, still, work)
    else:
        at = (n_before + step - 1) % room
        along = candidates.memory[(2 + at) * n : (3 + at) * n]
        point, square = candidates.rows[picked], squares[picked]
        _push(point, square, at, n, candidates.rows, directions, lengths, room, along, still, work)
    for position in range(n):  # all roots at once, below 0 of what was picked
        term[position] = gamma * math.sqrt(larger(still[position], 0.0))
    for slot in range(left):
        position = candidates.remaining[slot]
        if still[position] < _CANCELLED * squares[position]:
            square = _work_out(candidates.rows[position], squares[position], directions, lengths, room, work)
            term[position] = gamma * math.sqrt(square)
