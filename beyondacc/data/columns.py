"""Columns of outside tables: the one table of their names, and their values as ids, numbers and lists.

Strings travel as Arrow or pandas string arrays, never as one Python object a row, and numbers are copied at most once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.arrow import STRING, chunked, flatten_lists, from_arrow
from beyondacc.data.ids import Ids, encode_column
from beyondacc.data.intake.numbers import refuse_rounded
from beyondacc.errors import DataError

__all__ = [
    "as_floats",
    "as_ids",
    "as_lists",
    "encode_ids",
    "flatten",
    "is_list_type",
    "plain",
]

_FIRST: Final = "(rows count from 0)"
_EXACT: Final = 2.0**53  # whole floats beyond it may already have merged two ids


def plain(values: Any) -> pd.Series[Any]:
    """Decode Arrow columns, and categoricals and Arrow dtypes of pandas, so that few kinds are left; keeps nulls."""
    if not isinstance(values, pd.Series):
        return from_arrow(values)
    if isinstance(values.dtype, pd.CategoricalDtype):
        categories, codes = values.cat.categories, values.cat.codes.to_numpy()
        decoded = pd.Series(categories.take(codes)) if len(categories) else pd.Series([None] * len(values))
        return decoded.mask(codes < 0) if (codes < 0).any() else decoded
    return from_arrow(chunked(values.array)) if isinstance(values.dtype, pd.ArrowDtype) else values


def _first(mask: Any) -> int:
    return int(np.argmax(np.asarray(mask)))


def _refuse_nulls(values: pd.Series[Any], place: str) -> None:
    nulls = values.isna().to_numpy()
    if nulls.any():
        raise DataError(f"{place} has no value (null or NaN) in row {_first(nulls)} {_FIRST}; fill or drop such rows")


def encode_ids(column: Any, place: str) -> Ids:
    """Encode a column of pandas, or an Arrow column; takes and refuses what `as_ids` does."""
    found = encode_column(column)
    return Ids.of(as_ids(plain(column), place)) if found is None else found


def as_ids(values: pd.Series[Any], place: str) -> pd.Index:
    """Turn a column into ids: integers of any width and whole floats become int64, strings stay strings.

    Parameters
    ----------
    values
        ``(n,)`` a `plain` column.
    place
        Which column of which table, for messages.

    Raises
    ------
    DataError
        If an id is missing or neither a whole number nor a string; names the first such row.
    """
    if values.empty:
        empty: pd.Index = pd.Index([], dtype=STRING)
        return empty
    dtype = values.dtype
    inferred = pd.api.types.infer_dtype(values, skipna=False) if pd.api.types.is_object_dtype(dtype) else ""
    if inferred == "string":
        return _index(values)
    _refuse_nulls(values, place)
    if isinstance(dtype, pd.StringDtype):
        return _index(values)
    if pd.api.types.is_bool_dtype(dtype):
        raise _bad_id(values, 0, place)
    if pd.api.types.is_integer_dtype(dtype) or inferred == "integer":
        return _integers(values, place)
    if pd.api.types.is_float_dtype(dtype) or inferred == "floating":
        floats = values.to_numpy(dtype=np.float64)
        odd = (np.floor(floats) != floats) | (np.abs(floats) > _EXACT)
        if odd.any():
            raise _bad_id(values, _first(odd), place)
        return pd.Index(floats.astype(np.int64))
    kinds = [type(value) for value in values]
    good = kinds[0] if kinds[0] in {str, int} else None
    raise _bad_id(values, next((row for row, kind in enumerate(kinds) if kind is not good), 0), place)


def _index(values: pd.Series[Any]) -> pd.Index:
    """Take the array of a column without its name and row labels; the dtype is given, as inferring it would copy."""
    ids: pd.Index = pd.Index(values.array, dtype=values.dtype)
    return ids


def _integers(values: pd.Series[Any], place: str) -> pd.Index:
    unsigned = pd.api.types.is_object_dtype(values.dtype) or str(values.dtype).lower() == "uint64"
    if unsigned:
        large = (values > np.iinfo(np.int64).max).to_numpy(dtype=bool)
        if large.any():
            raise _bad_id(values, _first(large), place)
    ids: pd.Index = pd.Index(values.to_numpy(dtype=np.int64))
    return ids


def _bad_id(values: pd.Series[Any], row: int, place: str) -> DataError:
    value = values.iloc[row]
    shown = value.item() if isinstance(value, np.generic) else value
    return DataError(
        f"{place} holds {shown!r} ({type(shown).__name__}) in row {row} {_FIRST}; "
        "ids must be all whole numbers (64 bits) or all strings; convert the column"
    )


def as_floats(values: pd.Series[Any], place: str) -> NDArray[np.float64]:
    """Turn a column into finite float64, without a copy where it is one already.

    Parameters
    ----------
    values
        ``(n,)`` a `plain` column.
    place
        Which column of which table, for messages.

    Raises
    ------
    DataError
        If a value is missing, infinite or no number; names the first such row.
    """
    if values.empty:
        return np.empty(0)
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
        numbers = values.to_numpy(dtype=np.float64)
        if values.dtype.kind != "f":
            refuse_rounded(values, numbers, place)
        if values.dtype.kind != "f" or _surely_finite(numbers):
            return numbers
    _refuse_nulls(values, place)
    if not pd.api.types.is_numeric_dtype(values.dtype):
        text = pd.to_numeric(values.astype(object), errors="coerce").isna().to_numpy()
        if text.any() or not pd.api.types.infer_dtype(values).startswith(("integer", "floating", "mixed-i", "decimal")):
            row = _first(text)
            raise DataError(f"{place} holds {values.iloc[row]!r} in row {row} {_FIRST}; it must hold numbers")
    floats = values.to_numpy(dtype=np.float64)
    infinite = ~np.isfinite(floats)
    if infinite.any():
        row = _first(infinite)
        raise DataError(f"{place} is {floats[row]} in row {row} {_FIRST}; it must be finite: fill or drop such rows")
    refuse_rounded(values, floats, place)
    return floats


def _surely_finite(floats: NDArray[np.float64]) -> bool:
    """Tell, by one pass that keeps nothing, that no number is NaN or infinite; a sum may overflow without any."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(floats.sum()))


def as_lists(values: pd.Series[Any], place: str) -> tuple[NDArray[np.int64], pd.Series[Any]]:
    """Flatten a column of lists; a missing list is an empty one.

    Returns
    -------
    lengths : int64 array, (n,)
    flat : pandas.Series
        All elements, one list after the other.

    Raises
    ------
    DataError
        If a row holds something else than a list.
    """
    if isinstance(values.dtype, pd.ArrowDtype):
        return flatten_lists(values)
    present = ~values.isna().to_numpy()
    lists = values[present].tolist()
    if not all(is_list_type(kind) for kind in set(map(type, lists))):
        row = next(row for row, value in enumerate(values) if present[row] and not is_list_type(type(value)))
        raise DataError(f"{place} holds {values.iloc[row]!r} in row {row} {_FIRST}; every row must hold a list")
    lengths = np.zeros(len(values), dtype=np.int64)
    lengths[present] = np.fromiter(map(len, lists), np.int64, len(lists))
    return lengths, flatten(lists)


def is_list_type(kind: type) -> bool:
    """Whether values of a type are collections of elements: lists, tuples, sets, arrays; not texts, not dicts."""
    return issubclass(kind, Collection) and not issubclass(kind, (str, bytes, Mapping))


def flatten(lists: Collection[Any]) -> pd.Series[Any]:
    """Put the elements of all lists one after the other."""
    if lists and all(issubclass(kind, np.ndarray) for kind in set(map(type, lists))):
        return pd.Series(np.concatenate(list(lists)))
    return pd.Series(list(chain.from_iterable(lists)))
