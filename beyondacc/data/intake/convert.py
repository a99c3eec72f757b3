"""Columns of numbers: owned when they come, converted when they are needed."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.arrow import number_chunks
from beyondacc.data.columns import as_floats, plain
from beyondacc.data.intake.dates import as_times

__all__ = ["numbers_of", "own", "times_of"]

_COPIES_ON_WRITE: Final = int(pd.__version__.partition(".")[0]) >= 3


def own(column: Any) -> Any:
    """Return a column that does not change when what it came from does."""
    if isinstance(column, pd.Series):
        return column if _COPIES_ON_WRITE else column.copy()
    chunks = number_chunks(column)  # which may lie in an array of numpy
    return column if chunks is None else pd.Series(np.concatenate([np.empty(0, chunks[0].dtype), *chunks]))


def numbers_of(column: Any, place: str) -> NDArray[np.float64]:
    """Return finite numbers; see `as_floats`."""
    return as_floats(plain(column), place)


def times_of(column: Any, place: str) -> NDArray[Any]:
    """Return times that can be compared: int64 where they are whole; see `as_times`."""
    return as_times(plain(column), place)[0]
