"""The candidates of one user side by side in small memory, and rows of their distances that are kept."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import helper
from beyondacc.types import Bits, Floats, Int

__all__ = ["Bench", "make_bench", "row_for"]


class Bench(NamedTuple):
    """What kernels that compare the items of a list work in; made outside of them, so that they count no references.

    Attributes
    ----------
    sets, counts, rows, own_local
        What `distance.gather` fills.
    near : (slots, width)
        Rows of distances.
    slot_of : (width + 1,)
        In which of them a candidate has its distances, -1 where it has none; after the last candidate, the last slot
        that is in use.
    numbers, places : (4, width), (width,)
        What each candidate has.
    no_table : (0, 0)
    """

    sets: NDArray[np.uint64]
    counts: NDArray[np.float64]
    rows: NDArray[Any]
    own_local: NDArray[np.float64]
    near: NDArray[np.float64]
    slot_of: NDArray[np.int64]
    numbers: NDArray[np.float64]
    places: NDArray[np.int64]
    no_table: NDArray[np.float64]


def make_bench(width: int, slots: int, bits: Bits, vectors: Floats, own_rows: Floats, spare: int = 0) -> Bench:
    """Make room for up to `width` items and the distances of up to `slots` of them.

    Parameters
    ----------
    spare
        How many zeros follow each of the `own_rows`, for what a user's own distance has to tell.
    """
    return Bench(
        np.empty((width, bits.shape[1]), np.uint64),
        np.empty(width),
        np.empty((width, vectors.shape[1]), vectors.dtype),
        np.zeros((width, own_rows.shape[1] + spare)),
        np.empty((slots, width)),
        np.full(width + 1, -1, np.int64),
        np.zeros((4, width)),
        np.empty(width, np.int64),
        np.empty((0, 0)),
    )


@helper
def row_for(slot_of: NDArray[np.int64], near: NDArray[np.float64], position: Int, n: Int) -> tuple[Int, bool]:
    """Return the row of `near` for the distances of one of n candidates, and whether they are there already.

    Where there are fewer rows than candidates the last one is used again and again.
    """
    slot = slot_of[position]
    if slot >= 0:
        return slot, True
    if slot_of[n] + 1 < near.shape[0]:
        slot_of[n] += 1
        if slot_of[n] + 1 < near.shape[0] or near.shape[0] >= n:
            slot_of[position] = slot_of[n]
    return slot_of[n], False
