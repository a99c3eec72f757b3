"""Numbers that were written as texts, and numbers that float64 cannot hold."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.errors import DataError

__all__ = ["MISSING", "as_numbers", "exact_integers", "has_decimal_commas", "nullable", "refuse_rounded", "rounded"]

#: Texts that stand for a missing number; in a column of texts they are texts.
MISSING: Final = frozenset(
    {"NA", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "NaN", "nan", "-NaN", "-nan", "null", "NULL", "None"}
    | {"1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND", r"\N"}
)
_WHOLE: Final = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
_COMMA: Final = re.compile(r"\s*[+-]?\d*,\d+\s*", re.ASCII)
_EXACT: Final = 2.0**53
_FEW: Final = 200


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


def as_numbers(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """Turn a column of texts into numbers if all but such as ``NA`` are some; None if not, or if all are missing."""
    texts = column.dropna()
    if not len(texts) or not _could_be_numbers(texts.iloc[:_FEW].tolist()):
        return None
    distinct = texts.unique()
    numbers = pd.to_numeric(pd.Series(distinct, dtype=object), errors="coerce")
    unread = numbers.isna().to_numpy()
    if unread.all() or not set(map(str, distinct[unread])) <= MISSING:
        return None
    kept = column.where(~column.isin(list(distinct[unread])))
    if all(_WHOLE.fullmatch(str(text)) for text in distinct[~unread]):
        return exact_integers(kept)
    return pd.Series(pd.to_numeric(kept.astype(object), errors="coerce"), index=column.index)


def _could_be_numbers(texts: list[Any]) -> bool:
    """Tell by the first texts of a column, most of which hold no numbers, whether a look at all of them is worth it."""
    for text in map(str, texts):
        if text not in MISSING:
            try:
                float(text)
            except ValueError:
                return False
    return True


def exact_integers(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Turn texts of whole numbers into numbers that are not rounded; missing ones stay missing."""
    values = [None if pd.isna(text) else int(text) for text in texts]
    if any(value is not None and not -(2**63) <= value < 2**63 for value in values):
        return pd.Series(values, index=texts.index, dtype=object)
    if any(value is None or abs(value) > _EXACT for value in values):
        whole = pd.Series(values, index=texts.index, dtype="Int64")
        return whole if max((abs(v) for v in values if v is not None), default=0) > _EXACT else whole.astype(np.float64)
    return pd.Series(values, index=texts.index, dtype=np.int64)


def rounded(column: pd.Series[Any]) -> bool:
    """Tell whether a column of floats may hold whole numbers that lost digits, as others are missing or not whole."""
    if column.dtype != np.float64:
        return False
    present = column.to_numpy()[column.notna().to_numpy()]
    return bool(len(present) and np.abs(present).max() >= _EXACT and (np.floor(present) == present).all())


def has_decimal_commas(column: pd.Series[Any]) -> bool:
    """Tell whether all texts of a column are numbers, some with a comma before their decimals."""
    distinct = [str(each) for each in column.dropna().unique()[:_FEW]]
    return any(map(_COMMA.fullmatch, distinct)) and all(
        _COMMA.fullmatch(text) or _WHOLE.fullmatch(text) for text in distinct
    )
