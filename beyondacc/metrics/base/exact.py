"""Exactly rounded sums: the same bits for any order of the numbers and for any way to cut them into parts."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels import exact
from beyondacc.kernels.jit import read_only

__all__ = ["exact_limbs", "exact_sums", "rounded_sums"]

_ONE: Final = 1 << 1074


def exact_limbs(
    columns: NDArray[np.float64], groups: NDArray[np.int64] | None = None, n_groups: int = 1
) -> NDArray[np.int64]:
    """Return the limbs of the sums over each group, which are added up to merge sums.

    Parameters
    ----------
    columns : (rows, n)
        Without NaN.
    groups : (rows,)
        One group for all rows by default.

    Returns
    -------
    ndarray, (n_groups, n, limbs)
    """
    limbs = np.zeros((n_groups, columns.shape[1], exact.WIDTH), np.int64)
    groups = np.zeros(len(columns), np.int64) if groups is None else groups
    bits = np.ascontiguousarray(columns, np.float64).view(np.int64)
    exact.add_rows(read_only(bits), read_only(groups), limbs)
    return limbs


def rounded_sums(limbs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the numbers that limbs stand for, each rounded once, shape of `limbs` without the last axis."""
    flat = limbs.reshape(-1, exact.WIDTH)
    sums = np.array([_rounded(row) for row in flat.tolist()], np.float64)
    return np.asarray(sums.reshape(limbs.shape[:-1]), np.float64)


def exact_sums(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the exactly rounded sum of each column without NaN, shape (n,); as `math.fsum`."""
    return np.asarray(rounded_sums(exact_limbs(columns))[0])


def _rounded(limbs: list[Any]) -> float:
    above, below = limbs[exact.ABOVE], limbs[exact.BELOW]
    if above or below:
        return float("nan") if above and below else float("inf") if above else float("-inf")
    total = sum(limb << (32 * place) for place, limb in enumerate(limbs[: exact.LIMBS]) if limb)
    try:
        return float(total / _ONE)  # whole numbers are divided with one rounding
    except OverflowError:
        return float("inf") if total > 0 else float("-inf")
