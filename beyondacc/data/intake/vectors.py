"""Vectors of items: a column of lists, an array in the order of the items, or rows with labels that are item ids."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.columns import as_floats, as_ids, as_lists, is_list_type
from beyondacc.data.frames import open_table
from beyondacc.data.intake.containers import as_array
from beyondacc.data.intake.files import read_vectors
from beyondacc.data.intake.genre_texts import decode_lists
from beyondacc.data.intake.labels import are_row_numbers, rows_of
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import Names, resolve
from beyondacc.errors import DataError

__all__ = ["align_vectors", "vectors_of_lists"]

Vectors = NDArray[np.floating[Any]]
_WAY_OUT: Final = (
    "give a row for each item, of zeros where it has no vector, or pass vectors.to_numpy() where row i is the vector "
    "of row i of items"
)


def align_vectors(
    vectors: Any, ids: pd.Index[Any], columns: Names | None = None, reading: Reading | None = None
) -> Vectors:
    """Return one vector for each item.

    Parameters
    ----------
    vectors
        ``(n, d)`` numbers in the order of `ids`, the path of such a ``.npy`` file, a dict ``{item: vector}``, a pandas
        Series of vectors, or a frame of numbers. The labels of a pandas frame, or the item column of any frame, say
        which row is whose; labels 0, 1, 2, ... that are not the ids of the items are none.
    ids
        ``(n,)`` of the items.
    columns
        The user's own column names.
    reading
        Where to say what was done.

    Returns
    -------
    ``(n, d)`` finite float32 or float64, C-contiguous.

    Raises
    ------
    DataError
        If they are not numbers of shape (n, d), or labels are those of some of the items only.
    """
    reading = reading or Reading("items")
    vectors = as_array(vectors)
    if isinstance(vectors, Mapping):
        labels, array = pd.Index(list(vectors)), _stacked(pd.Series(list(vectors.values()), dtype=object))
        return _labelled(array, labels, ids, reading, named=True)
    if isinstance(vectors, pd.Series):
        return _labelled(_stacked(vectors), vectors.index, ids, reading, named=False)
    if hasattr(type(vectors), "columns") or hasattr(type(vectors), "collect_schema"):
        return _of_frame(vectors, ids, columns, reading)
    return _in_order(vectors, len(ids))


def _in_order(vectors: Any, n_items: int) -> Vectors:
    try:
        array = read_vectors(vectors) if isinstance(vectors, (str, os.PathLike)) else np.asanyarray(vectors)
    except (TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, DataError):
            raise
        reason = " ".join(str(error).split())
        raise DataError(
            f"vectors is a {type(vectors).__name__} that is no array ({reason}); pass a dense array of numbers of "
            f"shape ({n_items}, d)"
        ) from error
    if np.ma.isMaskedArray(array):
        if np.ma.is_masked(array):
            row = int(np.argmax(np.ma.getmaskarray(array).any(axis=tuple(range(1, array.ndim)))))
            raise DataError(f"vectors holds a masked number in row {row} (rows count from 0); fill it or drop the item")
        array = np.ma.getdata(array)
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise DataError(
            f"vectors is {array.dtype} of shape {array.shape}; pass a dense array of numbers of shape ({n_items}, d)"
        )
    if len(array) != n_items:
        raise DataError(f"vectors has {len(array)} rows but items has {n_items}; pass one vector for each row of items")
    return _checked(array, "vectors")


def _of_frame(frame: Any, ids: pd.Index[Any], columns: Names | None, reading: Reading) -> Vectors:
    if not isinstance(frame, pd.DataFrame):
        table = open_table(frame, what="vectors", accepted="a frame, an array of numbers, or a dict {item: vector}")
        frame = pd.DataFrame(table.pull(table.columns))
    names = [name for name in frame.columns if isinstance(name, str)]
    found = resolve(names, (), columns or Names(None), "vectors", optional=("item_id",), reading=reading).get("item_id")
    labels = frame.index if found is None else as_ids(frame[found], f"column {found!r} of vectors")
    rest = frame if found is None else frame.drop(columns=found)
    if rest.shape[1] == 1 and not pd.api.types.is_numeric_dtype(rest.dtypes.iloc[0]):
        array = vectors_of_lists(rest.iloc[:, 0].reset_index(drop=True), f"column {rest.columns[0]!r} of vectors")
    else:
        odd = next((name for name, kind in rest.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)), None)
        if odd is not None:
            raise DataError(
                f"column {odd!r} of vectors holds no numbers; every column must be a part of the vectors, or the item "
                "ids, which is said with columns={'item': ...} or by the labels of the rows"
            )
        array = _checked(rest.to_numpy(dtype=_common(rest), na_value=np.nan), "vectors")
    return _labelled(array, labels, ids, reading, named=found is not None)


def _common(frame: pd.DataFrame) -> Any:
    kinds = {str(kind).lower() for kind in frame.dtypes}
    return np.float32 if kinds <= {"float16", "float32"} else np.float64


def _labelled(array: Vectors, labels: pd.Index[Any], ids: pd.Index[Any], reading: Reading, *, named: bool) -> Vectors:
    rows = rows_of(labels, ids, what="vectors", kind="item", way_out=_WAY_OUT, named=named)
    if rows is None:
        return _in_order(array, len(ids))
    if not named and are_row_numbers(labels) and (rows != np.arange(len(rows))).any():
        reading.note("labels of vectors are numbers that are ids of items, which decide whose a row is, not the order")
    if len(array) > len(ids):
        reading.note(f"vectors has {len(array) - len(ids):,} rows for items that are not in the table")
    return np.ascontiguousarray(array[rows])


def _stacked(values: pd.Series[Any]) -> Vectors:
    if values.empty:
        raise DataError("vectors is empty; pass one vector for each item")
    return vectors_of_lists(values.reset_index(drop=True), "vectors")


def vectors_of_lists(values: pd.Series[Any], place: str) -> Vectors:
    """Read a column of lists of numbers, or of such lists written as texts, as an ``(n, d)`` array.

    Raises
    ------
    DataError
        If a row is not a list of numbers, or they are not equally long.
    """
    if pd.api.types.infer_dtype(values) == "string":
        texts = values.astype(object).fillna("").tolist()
        decoded = decode_lists(texts, place)
        values = values if decoded is None else pd.Series(decoded, dtype=object)
    elif pd.api.types.is_object_dtype(values.dtype):
        dense = [each.toarray().ravel() if hasattr(each, "toarray") else each for each in values]
        values = pd.Series(dense, dtype=object)
        deep = next((row for row, each in enumerate(values) if _depth(each) != 1), None)
        if deep is not None:
            raise DataError(
                f"{place} holds an array of shape {np.shape(values[deep])} in row {deep}; give one of shape (d,)"
            )
    lengths, flat = as_lists(values, place)
    if (lengths != lengths[0]).any():
        row = int(np.argmax(lengths != lengths[0]))
        raise DataError(
            f"{place} has {lengths[row]} numbers in row {row} (rows count from 0) but {lengths[0]} in row 0; "
            "all vectors must be equally long"
        )
    if flat.dtype.kind == "f" and flat.notna().all():
        return _checked(flat.to_numpy().reshape(len(values), -1), place)
    if pd.api.types.is_numeric_dtype(flat.dtype):
        return _checked(flat.to_numpy(dtype=np.float64, na_value=np.nan).reshape(len(values), -1), place)
    if any(is_list_type(kind) for kind in set(map(type, flat))):
        raise DataError(f"{place} holds lists of lists; give one list of numbers for each item")
    return _checked(as_floats(flat, f"{place}, flattened,").reshape(len(values), -1), place)


def _depth(each: Any) -> int:
    return each.ndim if isinstance(each, np.ndarray) else 1


def _checked(array: NDArray[Any], place: str) -> Vectors:
    if not array.shape[1]:
        raise DataError(f"{place} holds vectors of length 0; pass at least one number an item")
    dtype = {"float32": np.float32, "float16": np.float32}.get(array.dtype.name, np.float64)
    dense: Vectors = np.ascontiguousarray(array, dtype=dtype)
    finite = np.isfinite(dense).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise DataError(f"{place} holds NaN or infinity in row {row} (rows count from 0); fill it or drop the item")
    return dense
