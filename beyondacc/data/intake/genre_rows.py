"""Genres as sparse rows, and what a genre may be called."""

from __future__ import annotations

import dataclasses
import math
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.errors import DataError
from beyondacc.types import ItemIds, Offsets

__all__ = [
    "BOOLS",
    "MAY_HOLD",
    "NO_GENRES",
    "NUMBERS",
    "Genres",
    "genre_text",
    "is_hashable",
    "is_missing",
    "of_table",
    "pack",
    "union_rows",
]

#: Texts that stand for no genre at all.
NO_GENRES: Final = frozenset({"", "(no genres listed)"})
BOOLS: Final = (bool, np.bool_)
NUMBERS: Final = (int, float, np.number, Decimal)
MAY_HOLD: Final = "texts such as 'Action|Drama', or lists of texts"


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

    def take(self, rows: NDArray[np.int64]) -> Genres:
        """Return the genres of some rows; -1 stands for a row without any."""
        counts = np.append(np.diff(self.indptr), 0)[rows]
        indptr = _cumulate(counts)
        starts = np.append(self.indptr[:-1], 0)[rows]
        places = np.arange(indptr[-1]) - np.repeat(indptr[:-1], counts) + np.repeat(starts, counts)
        weights = None if self.weights is None else self.weights[places]
        return Genres(indptr, self.indices[places], self.names, weights)


def _cumulate(counts: NDArray[Any]) -> Offsets:
    """Return the row pointers of rows of such lengths."""
    indptr = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    return indptr


def is_missing(value: Any) -> bool:
    """Whether a value is null or NaN; no text is."""
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, (float, np.floating)) and np.isnan(value))
    )


def is_hashable(value: Any) -> bool:
    """Whether a value can be looked up."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def genre_text(value: Any, place: str) -> str:
    """Return a genre as a text: texts as they are, whole numbers without a point; others are refused."""
    if isinstance(value, str):
        return value
    if isinstance(value, NUMBERS) and not isinstance(value, BOOLS):
        number: Any = value.item() if isinstance(value, np.generic) else value
        if isinstance(number, int) or (math.isfinite(number) and number == int(number)):
            return str(int(number))
    shown = value.item() if isinstance(value, np.generic) else value
    raise DataError(f"{place} holds {shown!r}; genres must be {MAY_HOLD}")


def pack(rows: NDArray[np.int64], flat: list[Any], n_rows: int, place: str) -> Genres:
    """Build sparse rows from one genre an element: `rows[j]` has the genre `flat[j]`, missing ones are left out."""
    numbers: dict[Any, int] = {}
    try:
        codes = np.fromiter((numbers.setdefault(value, len(numbers)) for value in flat), np.int64, len(flat))
    except TypeError as error:
        odd = next(value for value in flat if not is_hashable(value))
        raise DataError(f"{place} holds {odd!r}; genres must be {MAY_HOLD}") from error
    cleaned = ["" if is_missing(value) else genre_text(value, place).strip() for value in numbers]
    names = sorted(set(cleaned) - NO_GENRES)
    position = {name: number for number, name in enumerate(names)}
    final = np.array([position.get(name, -1) for name in cleaned], dtype=np.int64)[codes]
    return _of_keys(rows[final >= 0] * max(len(names), 1) + final[final >= 0], n_rows, names)


def _of_keys(keys: NDArray[np.int64], n_rows: int, names: list[str]) -> Genres:
    keys = np.sort(keys)
    keys = keys[np.diff(keys, prepend=-1) > 0]  # np.unique hashes whole numbers, which takes longer than to sort them
    rows, indices = np.divmod(keys, max(len(names), 1))
    return Genres(_cumulate(np.bincount(rows, minlength=n_rows)), indices.astype(np.int32), names)


def union_rows(genres: Genres, owners: NDArray[np.int64], n_items: int) -> Genres:
    """Join rows of one item each: `owners` says whose they are, from 0 to `n_items` - 1; weights are left out."""
    rows = np.repeat(owners, np.diff(genres.indptr))
    return _of_keys(rows * max(len(genres.names), 1) + genres.indices, n_items, genres.names)


def of_table(table: NDArray[np.bool_], names: list[str]) -> Genres:
    """Build sparse rows from a table ``(items, genres)``, which keeps its order."""
    return Genres(_cumulate(table.sum(axis=1)), np.nonzero(table)[1].astype(np.int32), names)
