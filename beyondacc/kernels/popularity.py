"""Sums of numbers of the items, over lists and over the rows of users."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.types import Floats, ItemIds, Offsets, UserIds

__all__ = ["listed_sums", "owned_sums"]


@kernel
def listed_sums(
    lists: ItemIds, lengths: ItemIds, k: int, gains: Floats, numbers: Floats, out: NDArray[np.float64]
) -> None:
    """Add up the numbers (items, n) of the first k items of each list; with `gains`, only of the relevant ones."""
    for row in range(lists.shape[0]):
        for column in range(numbers.shape[1]):
            out[row, column] = 0.0
        for rank in range(lengths[row] if lengths[row] < k else k):
            if gains.shape[0] and gains[row, rank] < 0:
                continue
            for column in range(numbers.shape[1]):
                out[row, column] += numbers[lists[row, rank], column]


@kernel
def owned_sums(users: UserIds, starts: Offsets, items: ItemIds, numbers: Floats, out: NDArray[np.float64]) -> None:
    """Add up the numbers (items, n) of each user's own items; a user -1 has none."""
    for row in range(users.shape[0]):
        for column in range(numbers.shape[1]):
            out[row, column] = 0.0
        if users[row] < 0:
            continue
        for place in range(starts[users[row]], starts[users[row] + 1]):
            for column in range(numbers.shape[1]):
                out[row, column] += numbers[items[place], column]
