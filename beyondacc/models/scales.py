"""Means and standard deviations of the ratings of a group: a user or an item."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.types import Floats

__all__ = ["means", "spreads"]

Codes = NDArray[np.integer[Any]]


def means(values: Floats, groups: Codes, n_groups: int, empty: float) -> Floats:
    """Return the mean of each group, ``(n_groups,)``; `empty` where it has no values."""
    counts = np.bincount(groups, minlength=n_groups)
    sums = np.bincount(groups, values, minlength=n_groups)
    found: Floats = np.divide(sums, counts, out=np.full(n_groups, empty), where=counts > 0)
    return found


def spreads(deviations: Floats, groups: Codes, n_groups: int) -> Floats:
    """Return the standard deviation of each group, ``(n_groups,)``, from deviations from its mean.

    The square root of the mean square. 0 where all values are equal, up to rounding, and where there are none.
    """
    squares = means(np.square(deviations), groups, n_groups, 0.0)
    return np.where(squares > 1e-20, np.sqrt(squares), 0.0)
