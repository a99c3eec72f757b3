"""Sums without rounding, so that neither the order of the numbers nor how they are cut changes a bit.

A small superaccumulator (Neal 2015, "Fast exact summation using small and large superaccumulators", section 3): each
number is added, as whole parts of 32 bits, to limbs that are worth 2^(32 i - 1074).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel

__all__ = ["ABOVE", "BELOW", "LIMBS", "WIDTH", "add_rows"]

LIMBS = 68
"""Limbs that hold any sum of up to 2^31 numbers; those after them count infinities."""
ABOVE, BELOW = LIMBS, LIMBS + 1
WIDTH = LIMBS + 2

_MASK = (1 << 32) - 1
_FRACTION = (1 << 52) - 1


@kernel
def add_rows(bits: NDArray[np.int64], groups: NDArray[np.int64], limbs: NDArray[np.int64]) -> None:
    """Add the numbers of each row to the limbs of its group.

    A limb takes 2^31 numbers before it overflows.

    Parameters
    ----------
    bits : (rows, n)
        Of float64 numbers none of which is NaN.
    groups : (rows,)
    limbs : (groups, n, WIDTH)
        Added to.
    """
    for row in range(bits.shape[0]):
        group = groups[row]
        for place in range(bits.shape[1]):
            word = bits[row, place]
            exponent = (word >> 52) & 0x7FF
            fraction = word & _FRACTION
            if exponent == 0x7FF:
                limbs[group, place, BELOW if word < 0 else ABOVE] += 1
                continue
            if exponent > 0:
                fraction |= 1 << 52
                exponent -= 1
            limb, shift = exponent >> 5, exponent & 31
            # 53 bits, shifted by up to 31: three parts of 32
            low = (fraction << shift) & _MASK
            rest = fraction >> (32 - shift)
            middle, high = rest & _MASK, rest >> 32
            if word < 0:
                low, middle, high = -low, -middle, -high
            limbs[group, place, limb] += low
            limbs[group, place, limb + 1] += middle
            limbs[group, place, limb + 2] += high
