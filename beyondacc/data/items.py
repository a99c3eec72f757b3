"""The items table: ids, titles, genres as sparse rows, vectors, and whatever else is known about an item."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.arrow import STRING
from beyondacc.data.columns import as_floats, as_ids, as_lists, is_list_type
from beyondacc.data.frames import open_table
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import ALIASES, Names, resolve, short_name
from beyondacc.data.readers import read_table, read_vectors
from beyondacc.errors import DataError
from beyondacc.types import ItemIds, Offsets

__all__ = ["Genres", "Items", "read_items"]

_FIRST: Final = "(rows count from 0)"
_NO_GENRES: Final = frozenset({"", "(no genres listed)"})
_NEVER_GENRES: Final = frozenset({"year", "timestamp", *(name.lower() for name in ALIASES["timestamp"])})
_ACCEPTED: Final = (
    "a DataFrame (pandas, polars, pyarrow or anything narwhals takes), a path, a dict {item: [genres]}, or Items"
)


@dataclasses.dataclass(frozen=True, eq=False)
class Genres:
    """Sets of genres in compressed sparse rows.

    Parameters
    ----------
    indptr
        ``(n_items + 1,)``; the genres of item i are ``indices[indptr[i]:indptr[i + 1]]``.
    indices
        Positions in `names`, ascending and without repetition inside an item.
    names
        The genres: sorted, or in column order where each genre has a column.
    weights
        ``(indptr[-1],)`` positive weights of the genres, or None where they have none.
    """

    indptr: Offsets
    indices: ItemIds
    names: list[str]
    weights: NDArray[np.float64] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Items:
    """A validated items table; n is the number of items.

    Parameters
    ----------
    ids
        ``(n,)`` unique external ids, int64 or strings.
    titles
        ``(n,)`` texts, missing where unknown, or None where the table has no titles.
    genres
        n rows, or None.
    vectors
        ``(n, d)`` finite float32 or float64, C-contiguous, or None.
    frame
        The other columns, n rows: for grouping, and the dates.
    date_column
        Which of them holds the dates; they are read when a metric asks for them.
    written
        Whether the ids are texts only because they stood in a file.
    reading
        What the boundary did with the table.
    """

    ids: pd.Index
    titles: pd.Index | None
    genres: Genres | None
    vectors: NDArray[np.floating[Any]] | None
    frame: pd.DataFrame
    date_column: str | None = None
    written: bool = False
    reading: Reading = dataclasses.field(default_factory=lambda: Reading("items"))

    def __len__(self) -> int:
        return len(self.ids)


def read_items(
    source: Any,
    *,
    columns: Mapping[str, Any] | Names | None = None,
    genre_sep: str = "|",
    vectors: Any = None,
) -> Items:
    """Read the items table.

    Parameters
    ----------
    source
        A frame (pandas, polars, pyarrow, anything narwhals takes), the path of a file, a dict ``{item: [genres]}``, or
        `Items`. Genres are a column of texts (``"Action|Drama"``), a column of lists, or, where there is no genres
        column, the 0/1 and boolean columns if there are at least two of them. A missing or empty text and
        ``(no genres listed)`` mean no genres.
    columns
        The user's own column names, ``{"item": "sku", "genres": "tags"}``.
    genre_sep
        What stands between the genres of a text.
    vectors
        ``(n, d)`` one row of numbers for each row of the table, or the path of such a ``.npy`` file; in place of a
        column `vector` of lists.

    Raises
    ------
    DataError
        If an item is missing or listed twice, vectors do not fit, or the source is of no such kind.
    """
    if isinstance(source, Items):
        return source if vectors is None else dataclasses.replace(source, vectors=_aligned(vectors, len(source)))
    if isinstance(source, (str, os.PathLike)):
        source = read_table(source, what="items")
    if isinstance(source, Mapping):
        items = _from_dict(source, genre_sep)
    else:
        items = _from_frame(source, columns, genre_sep, with_vectors=vectors is None)
    if not len(items):
        raise DataError("items is empty; pass at least one item")
    if not items.ids.is_unique:
        second = int(np.argmax(items.ids.duplicated()))
        item = items.ids[second]
        first = int(np.argmax(np.asarray(items.ids == item)))
        shown = item if isinstance(item, str) else int(item)
        raise DataError(
            f"items lists {shown!r} twice, in rows {first} and {second} (rows count from 0); keep one row an item"
        )
    return items if vectors is None else dataclasses.replace(items, vectors=_aligned(vectors, len(items)))


def _from_dict(source: Mapping[Any, Any], genre_sep: str) -> Items:
    names = {name.lower() for name in ("item_id", *ALIASES["item_id"])}
    if any(isinstance(key, str) and key.lower() in names for key in source):
        raise DataError(
            f"items is a dict of columns ({', '.join(map(repr, source))}); pass pandas.DataFrame(...) of it"
        )
    ids = as_ids(pd.Series(list(source)), "the items of items") if source else pd.Index([])
    values = pd.Series(list(source.values()), dtype=object)
    return Items(
        ids, None, _genres(values, "the genres of items", genre_sep), None, pd.DataFrame(index=range(len(ids)))
    )


def _from_frame(source: Any, columns: Mapping[str, Any] | Names | None, genre_sep: str, *, with_vectors: bool) -> Items:
    table = open_table(source, what="items", accepted=_ACCEPTED)
    found = resolve(table.columns, ("item_id",), columns, "items", optional=("title", "genres", "vector", "date"))
    pulled = table.pull([column for column in table.columns if isinstance(column, str)])
    taken: dict[str, pd.Series[Any]] = {
        short_name(name): pulled.pop(column) for name, column in found.items() if name != "date"
    }
    ids = as_ids(taken["item"], f"column {found['item_id']!r} of items")
    titles = pd.Index(taken["title"].astype(STRING).array) if "title" in taken else None
    if "genres" in taken:
        genres: Genres | None = _genres(taken["genres"], f"column {found['genres']!r} of items", genre_sep)
    else:
        genres = _flags(pulled)
    vectors = None
    if "vector" in taken and with_vectors and len(ids):
        vectors = _from_lists(taken["vector"], f"column {found['vector']!r} of items")
    frame = pd.DataFrame({name: column.array for name, column in pulled.items()}, index=range(len(ids)))
    return Items(ids, titles, genres, vectors, frame, found.get("date"))


def _genres(values: pd.Series[Any], place: str, genre_sep: str) -> Genres:
    first = values.first_valid_index()
    if first is not None and isinstance(values.loc[first], Mapping):
        return _weighted(values, place)
    holds_lists = isinstance(values.dtype, pd.ArrowDtype) or (
        pd.api.types.is_object_dtype(values.dtype) and first is not None and is_list_type(type(values.loc[first]))
    )
    if holds_lists:
        lengths, flat = as_lists(values, place)
        return _pack(np.repeat(np.arange(len(values)), lengths), flat, len(values))
    # items share few combinations of genres, so only the distinct texts are split
    codes, distinct = pd.factorize(values)
    texts = [_text(value, place).split(genre_sep) for value in distinct.tolist()]
    pieces = np.fromiter(map(len, texts), np.int64, len(texts))
    table = _pack(
        np.repeat(np.arange(len(texts)), pieces), pd.Series([name for text in texts for name in text]), len(texts)
    )
    counts = np.append(np.diff(table.indptr), 0)[codes]  # code -1, no value, takes the 0 at the end
    indptr = _cumulate(counts)
    starts = np.append(table.indptr[:-1], 0)[codes]
    positions = np.arange(indptr[-1]) - np.repeat(indptr[:-1], counts) + np.repeat(starts, counts)
    return Genres(indptr, table.indices[positions], table.names)


def _weighted(values: pd.Series[Any], place: str) -> Genres:
    """Read dicts ``{genre: weight}``; a weight of 0 is no genre."""
    known = [{} if value is None or (isinstance(value, float) and np.isnan(value)) else value for value in values]
    for row, each in enumerate(known):
        if not isinstance(each, Mapping):
            raise DataError(f"{place} holds {each!r} in row {row} {_FIRST}; where one item has weights, all need them")
    weights = as_floats(
        pd.Series([w for each in known for w in each.values()], dtype=object), f"the weights of {place}"
    )
    if (weights < 0).any():
        raise DataError(f"{place} has a negative weight, {weights[weights < 0][0]:g}; weights must be >= 0")
    rows = np.repeat(np.arange(len(known)), [len(each) for each in known])[weights > 0]
    flat = [_text(name, place).strip() for each in known for name in each]
    named = [name for name, weight in zip(flat, weights, strict=True) if weight > 0]
    packed = _pack(rows, pd.Series(named, dtype=object), len(known))
    position = {name: number for number, name in enumerate(packed.names)}
    codes = np.array([position.get(name, -1) for name in named], np.int64)
    found = np.zeros(len(packed.indices))
    kept = codes >= 0
    keys = np.repeat(np.arange(len(known)), np.diff(packed.indptr)) * max(len(position), 1) + packed.indices
    found[np.searchsorted(keys, rows[kept] * max(len(position), 1) + codes[kept])] = weights[weights > 0][kept]
    return dataclasses.replace(packed, weights=found)


def _text(value: Any, place: str) -> str:
    if isinstance(value, str):
        return value
    number = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, (int, float)) and not isinstance(number, bool) and number == int(number):
        return str(int(number))
    raise DataError(f"{place} holds {number!r}; genres must be texts such as 'Action|Drama', or lists of texts")


def _pack(rows: NDArray[np.int64], flat: pd.Series[Any], n_rows: int) -> Genres:
    """Build sparse rows from one genre an element: `rows[j]` has the genre `flat[j]`."""
    codes, distinct = pd.factorize(flat)
    cleaned = [_text(value, "the genres of items").strip() for value in distinct]
    names = sorted(set(cleaned) - _NO_GENRES)
    position = {name: number for number, name in enumerate(names)}
    renumber = np.array([*(position.get(name, -1) for name in cleaned), -1], dtype=np.int64)  # the last one for nulls
    final = renumber[codes]
    keys = np.sort(rows[final >= 0] * max(len(names), 1) + final[final >= 0])
    keys = keys[np.diff(keys, prepend=-1) > 0]  # np.unique hashes whole numbers, which takes longer than to sort them
    rows, indices = np.divmod(keys, max(len(names), 1))
    return Genres(_cumulate(np.bincount(rows, minlength=n_rows)), indices.astype(np.int32), names)


def _cumulate(counts: NDArray[Any]) -> Offsets:
    indptr = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    return indptr


def _flags(columns: Mapping[str, pd.Series[Any]]) -> Genres | None:
    """Read one 0/1 or boolean column a genre; fewer than two are no genres."""
    flags = {
        name: values.to_numpy(dtype=np.bool_)
        for name, values in columns.items()
        if name.lower() not in _NEVER_GENRES
        and pd.api.types.is_numeric_dtype(values.dtype)
        and values.isin((0, 1)).all()
    }
    if len(flags) < 2:
        return None
    table = np.column_stack(list(flags.values()))
    return Genres(_cumulate(table.sum(axis=1)), np.nonzero(table)[1].astype(np.int32), list(flags))


def _from_lists(values: pd.Series[Any], place: str) -> NDArray[np.floating[Any]]:
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
    return _checked(as_floats(flat, f"{place}, flattened,").reshape(len(values), -1), place)


def _aligned(vectors: Any, n_items: int) -> NDArray[np.floating[Any]]:
    array = read_vectors(vectors) if isinstance(vectors, (str, os.PathLike)) else np.asarray(vectors)
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise DataError(
            f"vectors is {array.dtype} of shape {array.shape}; pass a dense array of numbers of shape ({n_items}, d)"
        )
    if len(array) != n_items:
        raise DataError(f"vectors has {len(array)} rows but items has {n_items}; pass one vector for each row of items")
    return _checked(array, "vectors")


def _checked(array: NDArray[Any], place: str) -> NDArray[np.floating[Any]]:
    if not array.shape[1]:
        raise DataError(f"{place} holds vectors of length 0; pass at least one number an item")
    dtype = {"float32": np.float32, "float16": np.float32}.get(array.dtype.name, np.float64)
    dense: NDArray[np.floating[Any]] = np.ascontiguousarray(array, dtype=dtype)
    finite = np.isfinite(dense).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise DataError(f"{place} holds NaN or infinity in row {row} (rows count from 0); fill it or drop the item")
    return dense
