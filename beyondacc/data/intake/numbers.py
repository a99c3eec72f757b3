"""Numbers that float64 cannot hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.errors import DataError

__all__ = ["nullable", "refuse_rounded"]

_EXACT: Final = 2.0**53


def nullable(values: pd.Series[Any]) -> pd.Series[Any]:
    """Let integers beyond 2^53 keep their type where rows without a value join them, which makes floats of others."""
    dtype = values.dtype
    if not (isinstance(dtype, np.dtype) and dtype.kind in "iu" and len(values)):
        return values
    large = max(abs(int(values.min())), abs(int(values.max()))) > _EXACT
    return values.astype("UInt64" if dtype.kind == "u" else "Int64") if large else values


def refuse_rounded(values: pd.Series[Any], floats: NDArray[np.float64], place: str) -> None:
    """Refuse whole numbers that are other numbers as float64, as some beyond 2^53 are.

    Parameters
    ----------
    values
        ``(n,)`` as given.
    floats
        ``(n,)`` the same as float64.
    place
        Which column of which table, for messages.

    Raises
    ------
    DataError
        Names the first such row.
    """
    for row in np.flatnonzero(np.abs(floats) > _EXACT):
        value = values.iloc[row]
        if isinstance(value, (int, np.integer, Decimal)) and int(floats[row]) != value:
            raise DataError(
                f"{place} holds {value} in row {row} (rows count from 0), which float64 rounds to {int(floats[row])}; "
                "pass smaller numbers, such as differences or ranks"
            )
