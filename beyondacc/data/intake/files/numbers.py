"""Columns of a text that pandas did not infer as numbers, or not exactly."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pandas as pd

__all__ = ["MISSING", "as_numbers", "exact_integers", "has_decimal_commas", "rounded"]

#: Texts that stand for a missing number; in a column of texts they are texts.
MISSING: Final = frozenset(
    {"NA", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "NaN", "nan", "-NaN", "-nan", "null", "NULL", "None"}
    | {"1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND", r"\N"}
)
_WHOLE: Final = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
_COMMA: Final = re.compile(r"\s*[+-]?\d*,\d+\s*", re.ASCII)
_EXACT: Final = 2.0**53
_FEW: Final = 200


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
    """Tell whether a column of floats may hold whole numbers that lost digits because others are missing."""
    if column.dtype != np.float64 or not column.hasnans:
        return False
    present = column.to_numpy()[column.notna().to_numpy()]
    return bool(len(present) and np.abs(present).max() >= _EXACT and (np.floor(present) == present).all())


def has_decimal_commas(column: pd.Series[Any]) -> bool:
    """Tell whether all texts of a column are numbers, some with a comma before their decimals."""
    distinct = [str(each) for each in column.dropna().unique()[:_FEW]]
    return any(map(_COMMA.fullmatch, distinct)) and all(
        _COMMA.fullmatch(text) or _WHOLE.fullmatch(text) for text in distinct
    )
