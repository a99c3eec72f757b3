"""Bytes of a text of fields."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel

__all__ = ["has_odd_numbers"]


@kernel
def has_odd_numbers(text: NDArray[np.uint8], sep: np.uint8) -> bool:
    """Tell whether a field of a text would not come back from whole numbers as it is written.

    It begins with a plus sign, a blank, or a zero before another digit, also behind a minus sign, ends with a blank, or
    is -0. No branch, so that many bytes are looked at at once.

    Parameters
    ----------
    text
        Begins before a field; its last three bytes are only looked at from those before them.
    sep
        What separates fields; lines and quotation marks do, too.
    """
    found = False  # a number would be widened to 64 bits
    for place in range(text.shape[0] - 3):
        here, second, third, fourth = text[place], text[place + 1], text[place + 2], text[place + 3]
        edge = (here == sep) | (here == 10) | (here == 13) | (here == 34)
        edge_second = (second == sep) | (second == 10) | (second == 13) | (second == 34)
        edge_fourth = (fourth == sep) | (fourth == 10) | (fourth == 13) | (fourth == 34)
        blank = ((here == 32) | ((here >= 9) & (here <= 12))) & (not edge)
        blank_second = ((second == 32) | ((second >= 9) & (second <= 12))) & (not edge_second)
        digit_third, digit_fourth = (third >= 48) & (third <= 57), (fourth >= 48) & (fourth <= 57)
        odd = (blank & edge_second) | (edge & blank_second) | (edge & (second == 43))
        odd |= edge & (second == 48) & digit_third
        odd |= edge & (second == 45) & (third == 48) & (edge_fourth | digit_fourth)
        found |= odd
    return found
