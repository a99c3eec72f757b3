"""How far two rows of shares are apart: the functions behind the divergences, and where their numbers are laid out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import helper, kernel, part, reduction
from beyondacc.types import Floats, Int

__all__ = ["FEW", "HELLINGER", "JS", "KL", "LANES", "ROOT_JS", "Room", "alone", "divergence", "make_room", "rounded"]

KL, JS, ROOT_JS, HELLINGER = range(4)
LANES = 4  # numbers that a machine takes at a time at least
FEW = 64  # features of which all are looked at, rather than to find out which

# the series of (1 + d) ln(1 + d) + (1 - d) ln(1 - d), by d^2, and of the logarithm
_NEAR = 0.6  # up to which this many terms are enough
_TERMS = np.array([1.0 / (n * (2 * n - 1)) for n in range(1, 33)])
_LOGS = np.array([2.0 / (2 * n + 1) for n in range(1, 11)])
# of the bits of a number: where its power of two is, and what makes it that of a number next to 1
_PLACE = np.uint64(52)
_UNIT = np.uint64(1023 << 52)
_FROM_ROOT = np.uint64((1023 << 52) - 0x3FE6A09E667F3BCD)  # down to the root of 1/2
_WHOLE, _LESS = np.uint64(0x433 << 52), 2.0**52 + 1023.0  # make a number of it without an instruction of its own
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10


class Room(NamedTuple):
    """What kernels that compare shares of features work in.

    Attributes
    ----------
    shares : (n_features,)
        Zeros.
    met : (n_features,)
        When a feature was met the last time.
    used : (n_features + 1,)
        Features.
    both : (2, n_features + 4)
        Shares of both, side by side; zeros where there are few features.
    """

    shares: NDArray[np.float64]
    met: NDArray[np.int64]
    used: NDArray[np.int32]
    both: NDArray[np.float64]


def make_room(n_features: int) -> Room:
    """Make room for as many features."""
    return Room(
        np.zeros(n_features),
        np.full(n_features, -1, np.int64),
        np.empty(n_features + 1, np.int32),
        np.zeros((2, rounded(n_features))),
    )


@kernel
def rounded(n: Int) -> Int:
    """Return the multiple of `LANES` that is as large as n or larger."""
    return (n + LANES - 1) // LANES * LANES


@part
def _ln(x: float) -> float:
    """Natural logarithm of a normal number to the last digit, without branches, so that loops are vectorised."""
    bits = np.float64(x).view(np.uint64)
    power = (bits + _FROM_ROOT) >> _PLACE
    more = np.uint64(bits + _UNIT - (power << _PLACE)).view(np.float64) - 1.0
    times = np.uint64(power | _WHOLE).view(np.float64) - _LESS
    ratio = more / (2.0 + more)
    square = ratio * ratio
    fourth = square * square
    even, odd = _LOGS[8], _LOGS[9]
    for n in range(6, -1, -2):
        even = even * fourth + _LOGS[n]
        odd = odd * fourth + _LOGS[n + 1]
    found: float = times * _LN2_HIGH + (times * _LN2_LOW + (more - ratio * (more - square * (even + odd * square))))
    return found


@part
def _excess(d: float) -> float:
    """Return (1 + d) ln(1 + d) + (1 - d) ln(1 - d) for 0 <= d <= 1, to the last digit, without branches."""
    square = d * d
    fourth = square * square
    even, odd = _TERMS[30], _TERMS[31]
    for n in range(28, -1, -2):
        even = even * fourth + _TERMS[n]
        odd = odd * fourth + _TERMS[n + 1]
    near = square * (even + odd * square)
    far = (1.0 + d) * _ln(1.0 + d) + (1.0 - d) * _ln(1.0 - d)
    return near if d <= _NEAR else far


@reduction
def _sum_terms(
    kind: Int, smooth_p: float, smooth_q: float, ps: Floats, p_row: Int, qs: Floats, q_row: Int, n: Int
) -> float:
    """Add up what the first n features of two rows add to a divergence.

    The usual forms of JS and Hellinger subtract numbers of order 1 from each other, and a square root would make 1e-8
    of the rounding: these stay exact for nearly equal shares.
    """
    total = 0.0
    if kind == KL:
        for place in range(n):
            p = (1.0 - smooth_p) * ps[p_row, place] + smooth_p * qs[q_row, place]
            q = (1.0 - smooth_q) * qs[q_row, place] + smooth_q * ps[p_row, place]
            lacking = np.inf if p > 0 else 0.0
            total += p * _ln(p / q if q > 0 else 1.0) + (0.0 if q > 0 else lacking)
        return total / math.log(2.0)
    if kind == HELLINGER:
        for place in range(n):
            p = (1.0 - smooth_p) * ps[p_row, place] + smooth_p * qs[q_row, place]
            q = (1.0 - smooth_q) * qs[q_row, place] + smooth_q * ps[p_row, place]
            apart = math.sqrt(p) - math.sqrt(q)
            total += apart * apart
        return 0.5 * total
    for place in range(n):  # with the mean m of both, p = m (1 + d) and q = m (1 - d)
        p = (1.0 - smooth_p) * ps[p_row, place] + smooth_p * qs[q_row, place]
        q = (1.0 - smooth_q) * qs[q_row, place] + smooth_q * ps[p_row, place]
        both = p + q
        total += both * _excess(abs(p - q) / (both if both > 0 else 1.0))
    return total / (4.0 * math.log(2.0))


@helper
def alone(kind: Int, p: float, q: float) -> float:
    """Return what a feature adds to a divergence for each share of 1 that only one of two has, mixed into p and q.

    Every divergence is linear in it: no logarithms for each of these features.
    """
    if kind == KL:
        if p == 0:
            return 0.0
        return p * math.log2(p / q) if q > 0 else np.inf
    if kind == HELLINGER:
        return 0.5 * (math.sqrt(p) - math.sqrt(q)) ** 2
    return (p + q) * _excess(abs(p - q) / (p + q)) / (4.0 * math.log(2.0)) if p + q > 0 else 0.0


@helper
def divergence(
    kind: Int,
    smooth_p: float,
    smooth_q: float,
    ps: Floats,
    p_row: Int,
    qs: Floats,
    q_row: Int,
    n: Int,
    rest: float,
) -> float:
    """Divergence of q from p, each mixed with a part of the other.

    Parameters
    ----------
    smooth_p, smooth_q
        p becomes (1 - smooth_p) p + smooth_p q, and q likewise.
    ps, p_row, qs, q_row, n
        The shares are the first n numbers of a row each; fastest where n is a multiple of `LANES`.
    rest
        What other features add.
    """
    total = _sum_terms(kind, smooth_p, smooth_q, ps, p_row, qs, q_row, n) + rest
    if total < 0:  # KL of equal shares, by rounding
        return 0.0
    if kind == KL:
        return total
    if total > 1:
        total = 1.0
    return total if kind == JS else math.sqrt(total)
