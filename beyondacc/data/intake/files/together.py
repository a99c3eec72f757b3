"""The parts of a table as one frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from beyondacc.data.intake.files.records import column_of
from beyondacc.data.intake.files.source import Part

__all__ = ["joined", "mixed"]

_MARKS = ("written", "tokens")


def _kind(column: pd.Series[Any]) -> str | None:
    """Tell numbers from texts and from others; None for a column without a value."""
    if not column.notna().any():
        return None
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "ids"
    if pd.api.types.is_bool_dtype(column.dtype):
        return "truth values"
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "numbers"
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    return {"string": "texts", "integer": "numbers", "boolean": "truth values"}.get(inferred, "values")


def mixed(frames: Sequence[pd.DataFrame]) -> frozenset[str]:
    """Return the columns that hold numbers in some parts and texts in others."""
    kinds: dict[str, set[str]] = {}
    for frame in frames:
        for name in frame.columns:
            kind = _kind(frame[name])
            if kind is not None:
                kinds.setdefault(name, set()).add(kind)
    return frozenset(name for name, found in kinds.items() if len(found) > 1 and "ids" not in found)


def joined(
    frames: Sequence[pd.DataFrame], parts: Sequence[Part], partitions: Mapping[str, Sequence[Any]]
) -> pd.DataFrame:
    """Put the rows of all parts one after the other, and what their folders say into columns.

    Raises
    ------
    DataError
        If a part has other columns than the first one, or a column holds different kinds of values.
    """
    first = frames[0]
    for frame, part in zip(frames, parts, strict=True):
        if set(frame.columns) != set(first.columns):
            odd = min(set(frame.columns) ^ set(first.columns))
            raise part.broken(
                f"{odd!r} is a column of it or of {str(parts[0].path)!r}, not of both; give all parts the same columns"
            )
    whole = first if len(frames) == 1 else pd.DataFrame({name: _column(name, frames, parts) for name in first.columns})
    marks = {mark: set().union(*(frame.attrs.get(mark, ()) for frame in frames)) for mark in _MARKS}
    for name, values in partitions.items():
        if name not in whole:
            codes, distinct = pd.factorize(np.array(values, dtype=object))
            places = np.repeat(codes, [len(frame) for frame in frames])
            if all(isinstance(value, int) for value in values):
                whole[name] = np.array(values, np.int64)[np.repeat(np.arange(len(values)), [len(f) for f in frames])]
            else:
                whole[name] = pd.Categorical.from_codes(places, pd.Index(distinct.tolist(), dtype="str"))
                marks["written"].add(name)
    whole.attrs = {mark: names for mark, names in marks.items() if names}
    return whole


def _column(name: str, frames: Sequence[pd.DataFrame], parts: Sequence[Part]) -> pd.Series[Any]:
    columns = [frame[name] for frame in frames]
    kinds = [_kind(column) for column in columns]
    present = [kind for kind in kinds if kind is not None]
    for kind, part in zip(kinds, parts, strict=True):
        if kind is not None and kind != present[0] and {kind, present[0]} != {"numbers", "truth values"}:
            raise part.broken(f"its column {name!r} holds {kind}, but {present[0]} in the parts before it")
    if any(isinstance(column.dtype, pd.CategoricalDtype) for column in columns):
        coded = [
            column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category") for column in columns
        ]
        kept = [column for column in coded if len(column.cat.categories)] or coded[:1]
        texts = kept[0].cat.categories.dtype
        aligned = [column.cat.set_categories(column.cat.categories.astype(texts)) for column in coded]
        return pd.Series(union_categoricals(aligned))
    kept = [column for column, kind in zip(columns, kinds, strict=True) if kind is not None]
    if len({column.dtype for column in kept}) == 1 and len(kept) == len(columns):
        return pd.concat(columns, ignore_index=True)
    whole = [value for column in columns for value in column.astype(object).where(column.notna(), None)]
    return column_of([value.item() if isinstance(value, np.generic) else value for value in whole])
