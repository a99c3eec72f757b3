"""Genres in any encoding people use: texts, lists, records, dicts of weights, 0/1 columns; out come sparse rows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.columns import is_list_type
from beyondacc.data.intake.genre_cells import listed, of_cells
from beyondacc.data.intake.genre_rows import (
    MAY_HOLD,
    NO_GENRES,
    Genres,
    genre_text,
    is_hashable,
    is_missing,
    of_table,
    pack,
)
from beyondacc.data.intake.genre_texts import decode_lists, find_separator, looks_like_list
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import ALIASES
from beyondacc.errors import DataError

__all__ = ["read_flags", "read_genres"]

_NEVER_GENRES: Final = frozenset({"year", "timestamp", *(name.lower() for name in ALIASES["timestamp"])})


def read_genres(
    values: pd.Series[Any], place: str, genre_sep: str | None = None, reading: Reading | None = None
) -> Genres:
    """Read a column of genres.

    Parameters
    ----------
    values
        ``(n,)`` a `plain` column: texts, one genre each or several with a separator between them, or lists and records
        written as texts (JSON, Python, numpy); lists, tuples, sets or arrays of texts, nested ones too; lists of
        records with a `name`; dicts ``{genre: weight}``; lists of 0/1, one position a genre; numbers. Null, the empty
        text and ``(no genres listed)`` are no genres; the texts NA, null and None are genres of that name.
    place
        Which column of which table, for messages.
    genre_sep
        What stands between the genres of a text; without it, it is told from all texts of the column.
    reading
        Where to say how the genres were read.

    Raises
    ------
    DataError
        If a value is nothing of the kind, the column mixes kinds, or its texts can be read in two ways.
    """
    reading = reading or Reading("items")
    if isinstance(values.dtype, pd.ArrowDtype):
        values = pd.Series(values.tolist(), dtype=object)
    cells = values.dropna()
    if pd.api.types.is_object_dtype(values.dtype) and not all(map(_is_scalar, set(map(type, cells)))):
        if genre_sep is not None:
            reading.note(f"genre_sep={genre_sep!r} splits nothing, as genres are no texts")
        return of_cells(_present(values), place, reading, "")
    # items share few combinations of genres, so only the distinct values are read
    try:
        codes, distinct = pd.factorize(values)
    except TypeError as error:
        odd = next(value for value in cells if not is_hashable(value))
        raise DataError(f"{place} holds {odd!r}; genres must be {MAY_HOLD}") from error
    found = _of_scalars(distinct.tolist(), place, genre_sep, reading)
    return found.take(codes.astype(np.int64))


def _is_scalar(kind: type) -> bool:
    return not is_list_type(kind) and not issubclass(kind, Mapping)


def _present(values: pd.Series[Any]) -> list[Any]:
    """Return the cells of a column, None for those without a genre."""
    return [None if is_missing(value) or value == "" else value for value in map(listed, values.tolist())]


# ---------------------------------------------------------------- texts


def _of_scalars(distinct: list[Any], place: str, genre_sep: str | None, reading: Reading) -> Genres:
    texts = [value for value in distinct if isinstance(value, str)]
    pieces = [[genre_text(value, place)] for value in distinct]
    if not texts:
        reading.genres = "numbers, one genre each" if distinct else "none"
    elif genre_sep is None:
        decoded = decode_lists(texts, place) if len(texts) == len(distinct) else None
        if decoded is not None:
            return of_cells(list(map(listed, decoded)), place, reading, " written as texts")
        mark, note = find_separator([text for text in texts if text.strip() not in NO_GENRES], place)
        reading.genres = "texts, one genre each" if mark is None else f"texts split at {mark!r}"
        if note:
            reading.note(note)
        if mark is not None:
            pieces = [each[0].split(mark) for each in pieces]
    else:
        if not genre_sep:
            raise DataError(
                "genre_sep is empty; say what stands between genres, such as genre_sep='|' (--genre-sep '|')"
            )
        reading.genres = f"texts split at {genre_sep!r}"
        if any(looks_like_list(text) for text in texts):
            reading.note(f"texts of genres that look like lists are split at genre_sep={genre_sep!r} all the same")
        elif not any(genre_sep in text for text in texts):
            reading.note(f"no text of genres has genre_sep={genre_sep!r} in it, so each is one genre")
        pieces = [each[0].split(genre_sep) for each in pieces]
    rows = np.repeat(np.arange(len(pieces)), [len(each) for each in pieces])
    return pack(rows, list(chain.from_iterable(pieces)), len(pieces), place)


def read_flags(columns: Mapping[str, pd.Series[Any]], reading: Reading | None = None) -> Genres | None:
    """Read one 0/1 or boolean column a genre; fewer than two are no genres.

    Parameters
    ----------
    columns
        ``(n,)`` each; those that hold something else are left aside. A missing value is a 0, but there must be a value.
    reading
        Where to say which columns were taken.
    """
    reading = reading or Reading("items")
    flags: dict[str, NDArray[np.bool_]] = {}
    gaps = 0
    for name, values in columns.items():
        if name.lower() in _NEVER_GENRES or not _holds_numbers(values):
            continue
        known = values.dropna()
        if len(known) and known.isin((0, 1)).all():
            numbers = np.zeros(len(values), np.bool_)
            numbers[values.notna().to_numpy()] = known.astype(object).to_numpy() == 1
            flags[name] = numbers
            gaps += len(values) - len(known)
    if len(flags) < 2:
        return None
    reading.genres = f"{len(flags)} columns of 0/1"
    few = ", ".join(map(repr, list(flags)[:4])) + (", ..." if len(flags) > 4 else "")
    reading.note(f"there is no column of genres, so that its {len(flags)} columns of 0/1 are the genres: {few}")
    if gaps:
        reading.note(f"{gaps:,} missing values in columns of 0/1 are taken as 0")
    return of_table(np.column_stack(list(flags.values())), list(flags))


def _holds_numbers(values: pd.Series[Any]) -> bool:
    kind = pd.api.types.infer_dtype(values, skipna=True) if pd.api.types.is_object_dtype(values.dtype) else ""
    return pd.api.types.is_numeric_dtype(values.dtype) or kind in {"integer", "floating", "boolean", "decimal"}
