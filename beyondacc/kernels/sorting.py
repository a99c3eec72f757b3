"""A stable sort in memory that is given; numpy's own takes numba longer to compile than all else that sorts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import helper
from beyondacc.types import Floats, Int

__all__ = ["sort_by"]

_RUN = 8


@helper
def sort_by(keys: Floats, order: NDArray[Any], spare: NDArray[Any], n: Int) -> None:
    """Sort the first n positions of `order` by their keys, ascending and stable, in memory that is given.

    A merge sort from the bottom up, of runs sorted by insertion; `spare` is as long as `order`.
    """
    for start in range(0, n, _RUN):
        for place in range(start + 1, min(start + _RUN, n)):
            moved = order[place]
            key = keys[np.int64(moved)]
            at = place
            while at > start and keys[np.int64(order[at - 1])] > key:
                order[at] = order[at - 1]
                at -= 1
            order[at] = moved
    length = np.int64(_RUN)
    while length < n:
        for start in range(0, n, 2 * length):
            middle = min(start + length, n)
            stop = min(start + 2 * length, n)
            one, other = start, middle
            for place in range(start, stop):
                take_one = one < middle
                if take_one and other < stop:
                    take_one = keys[np.int64(order[one])] <= keys[np.int64(order[other])]
                if take_one:
                    spare[place] = order[one]
                    one += 1
                else:
                    spare[place] = order[other]
                    other += 1
        for place in range(n):
            order[place] = spare[place]
        length *= 2
