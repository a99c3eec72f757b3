"""Genres in any encoding people use: texts, lists, records, dicts of weights, 0/1 columns; out come sparse rows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence, Set as AbstractSet
from decimal import Decimal
from itertools import chain
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.columns import ALIASES, is_list_type
from beyondacc.data.intake.genre_texts import NO_GENRES, decode_lists, find_separator, looks_like_list
from beyondacc.data.intake.reading import Reading
from beyondacc.errors import DataError
from beyondacc.types import ItemIds, Offsets

__all__ = ["Genres", "cumulate", "read_flags", "read_genres", "union_rows"]

_FIRST: Final = "(rows count from 0)"
_NEVER_GENRES: Final = frozenset({"year", "timestamp", *(name.lower() for name in ALIASES["timestamp"])})
_NAME_KEYS: Final = frozenset({"genre", "category", "label", "tag", "title"})
_BOOLS: Final = (bool, np.bool_)
_NUMBERS: Final = (int, float, np.number, Decimal)
_MAY_HOLD: Final = "texts such as 'Action|Drama', or lists of texts"


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
        indptr = cumulate(counts)
        starts = np.append(self.indptr[:-1], 0)[rows]
        places = np.arange(indptr[-1]) - np.repeat(indptr[:-1], counts) + np.repeat(starts, counts)
        weights = None if self.weights is None else self.weights[places]
        return Genres(indptr, self.indices[places], self.names, weights)


def cumulate(counts: NDArray[Any]) -> Offsets:
    """Return the row pointers of rows of such lengths."""
    indptr = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    return indptr


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
        return _of_cells(_present(values), place, reading, "")
    # items share few combinations of genres, so only the distinct values are read
    try:
        codes, distinct = pd.factorize(values)
    except TypeError as error:
        odd = next(value for value in cells if not _is_hashable(value))
        raise DataError(f"{place} holds {odd!r}; genres must be {_MAY_HOLD}") from error
    found = _of_scalars(distinct.tolist(), place, genre_sep, reading)
    return found.take(codes.astype(np.int64))


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_scalar(kind: type) -> bool:
    return not is_list_type(kind) and not issubclass(kind, Mapping)


def _missing(value: Any) -> bool:
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, (float, np.floating)) and value != value)
    )


def _present(values: pd.Series[Any]) -> list[Any]:
    """Return the cells of a column, None for those without a genre."""
    return [None if _missing(value) or value == "" else value for value in map(_listed, values.tolist())]


class _Bag(list[Any]):
    """The elements of a set, in no order."""


def _listed(value: Any) -> Any:
    """Turn arrays and sets into lists, which compare and print plainly; a tuple stays one."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, AbstractSet):
        return _Bag(value)
    return list(value) if is_list_type(type(value)) else value


# ---------------------------------------------------------------- texts


def _of_scalars(distinct: list[Any], place: str, genre_sep: str | None, reading: Reading) -> Genres:
    texts = [value for value in distinct if isinstance(value, str)]
    pieces = [[_text(value, place)] for value in distinct]
    if not texts:
        reading.genres = "numbers, one genre each" if distinct else "none"
    elif genre_sep is None:
        decoded = decode_lists(texts, place) if len(texts) == len(distinct) else None
        if decoded is not None:
            return _of_cells(list(map(_listed, decoded)), place, reading, " written as texts")
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
    return _pack(rows, list(chain.from_iterable(pieces)), len(pieces), place)


def _text(value: Any, place: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, _NUMBERS) and not isinstance(value, _BOOLS):
        number: Any = value.item() if isinstance(value, np.generic) else value
        if isinstance(number, int) or (math.isfinite(number) and number == int(number)):
            return str(int(number))
    shown = value.item() if isinstance(value, np.generic) else value
    raise DataError(f"{place} holds {shown!r}; genres must be {_MAY_HOLD}")


# ---------------------------------------------------------------- lists and dicts


def _of_cells(cells: list[Any], place: str, reading: Reading, how: str) -> Genres:
    """Read lists and dicts; None and empty ones are rows without genres."""
    given = {row: cell for row, cell in enumerate(cells) if cell is not None and not (_is_dict(cell) and not cell)}
    dicts = any(map(_is_dict, given.values()))
    for row, cell in given.items():
        if not (_is_dict(cell) if dicts else isinstance(cell, (list, tuple))):
            every = "where one item has a dict, all need one" if dicts else "every row must hold a list"
            raise DataError(f"{place} holds {cell!r} in row {row} {_FIRST}; {every}")
    if dicts and not all(isinstance(_named(cell), str) for cell in given.values()):
        reading.genres = f"dicts of weights{how}"
        return _weighted([given.get(row, {}) for row in range(len(cells))], place)
    given = {row: [cell] for row, cell in given.items()} if dicts else given
    if pairs := _of_pairs(given):
        reading.genres = f"lists of genres and weights{how}"
        return _weighted([pairs.get(row, {}) for row in range(len(cells))], place)
    nested = any(is_list_type(type(each)) for cell in given.values() for each in cell)
    lists: dict[int, list[Any]] = {row: list(_leaves(cell)) if nested else list(cell) for row, cell in given.items()}
    kinds = set(map(type, chain.from_iterable(lists.values())))
    records = any(issubclass(kind, Mapping) for kind in kinds)
    ordered = not nested and not records and not any(isinstance(cell, _Bag) for cell in given.values())
    if ordered and _are_flags(lists, kinds, place):
        return _indicators(lists, len(cells), reading, how)
    if records:
        lists = _names_of(lists, place)
    if nested:
        _refuse_mixtures(lists, kinds, place)
        reading.note("genres that are lists in lists are flattened")
    form = "lists of records, by name" if records else "lists"
    reading.genres = f"{'nested ' if nested else ''}{form}{', flattened' if nested else ''}{how}"
    rows = np.repeat(np.array(list(lists), np.int64), [len(each) for each in lists.values()])
    return _pack(rows, list(chain.from_iterable(lists.values())), len(cells), place)


def _is_dict(value: Any) -> bool:
    return isinstance(value, Mapping)


def _leaves(value: Any) -> Iterator[Any]:
    """Walk through lists in lists, however deep."""
    waiting = [iter(value)]
    while waiting:
        for each in waiting[-1]:
            if is_list_type(type(each)):
                waiting.append(iter(_listed(each)))
                break
            yield each
        else:
            waiting.pop()


def _refuse_mixtures(lists: Mapping[int, list[Any]], kinds: set[type], place: str) -> None:
    """Refuse texts and numbers side by side in nested lists: the numbers could be weights, or ids beside names."""
    if any(issubclass(kind, str) for kind in kinds) and any(issubclass(kind, _NUMBERS) for kind in kinds):
        row, number = next(
            (row, each)
            for row, cell in lists.items()
            for each in cell
            if isinstance(each, _NUMBERS) and not _missing(each)
        )
        raise DataError(
            f"{place} holds the number {number!r} among the texts of row {row} {_FIRST}; genres must be {_MAY_HOLD}, "
            "and weights dicts such as {'Action': 0.5}"
        )


def _named(record: Mapping[Any, Any]) -> Any:
    """Return the name in a record of a genre: what stands under `name`, or alone under a like key; else None."""
    for key, value in record.items():
        if isinstance(key, str) and key.lower() == "name":
            return value
    alone = [value for key, value in record.items() if isinstance(key, str) and key.lower() in _NAME_KEYS]
    return alone[0] if len(record) == len(alone) == 1 else None


def _names_of(lists: Mapping[int, list[Any]], place: str) -> dict[int, list[Any]]:
    def name(row: int, record: Any) -> Any:
        if _missing(record):
            return None
        found = _named(record) if _is_dict(record) else None
        if found is None or not isinstance(found, (str, *_NUMBERS)):
            raise DataError(
                f"{place} holds {record!r} in row {row} {_FIRST}; lists of records need the text of each genre as 'name'"
            )
        return found

    return {row: [name(row, record) for record in cell] for row, cell in lists.items()}


# ---------------------------------------------------------------- 0 and 1


def _are_flags(lists: Mapping[int, list[Any]], kinds: set[type], place: str) -> bool:
    """Tell whether lists of 0 and 1 say for each genre whether an item has it, and are not lists of genre ids.

    Lists of ids repeat nothing, so that equally long lists of which one repeats a number are no ids.
    """
    if not kinds or not all(issubclass(kind, (*_BOOLS, *_NUMBERS)) for kind in kinds):
        return False
    bools = all(issubclass(kind, _BOOLS) for kind in kinds)
    lengths = {len(each) for each in lists.values()}
    only = all(each in (0, 1) for cell in lists.values() for each in cell)
    if bools and len(lengths) > 1:
        row = next(row for row, cell in lists.items() if len(cell) != len(next(iter(lists.values()))))
        raise DataError(
            f"{place} holds {len(lists[row])} values of True and False in row {row} {_FIRST} and "
            f"{len(next(iter(lists.values())))} in others; give one for each genre"
        )
    if bools:
        return True
    if not only or len(lengths) > 1:
        return False
    if any(len(set(cell)) < len(cell) for cell in lists.values()):
        return True
    if lengths == {2}:
        raise DataError(
            f"{place} holds lists of one 0 and one 1, which could be ids of genres or say for each of two genres "
            "whether an item has it; give texts, ['0', '1'], for ids, and [False, True] or columns of 0/1 for the other"
        )
    return False


def _indicators(lists: Mapping[int, list[Any]], n_rows: int, reading: Reading, how: str) -> Genres:
    width = len(next(iter(lists.values())))
    table = np.zeros((n_rows, width), np.bool_)
    table[list(lists)] = np.array(list(lists.values()), dtype=np.float64) != 0
    reading.genres = f"lists of {width} positions of 0/1{how}"
    reading.note(
        f"lists of 0 and 1 say for each of {width} genres whether an item has it; they are called 0 to {width - 1}"
    )
    return _of_table(table, list(map(str, range(width))))


def _of_table(table: NDArray[np.bool_], names: list[str]) -> Genres:
    return Genres(cumulate(table.sum(axis=1)), np.nonzero(table)[1].astype(np.int32), names)


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
    return _of_table(np.column_stack(list(flags.values())), list(flags))


def _holds_numbers(values: pd.Series[Any]) -> bool:
    kind = pd.api.types.infer_dtype(values, skipna=True) if pd.api.types.is_object_dtype(values.dtype) else ""
    return pd.api.types.is_numeric_dtype(values.dtype) or kind in {"integer", "floating", "boolean", "decimal"}


# ---------------------------------------------------------------- weights


def _of_pairs(given: Mapping[int, Any]) -> dict[int, dict[Any, Any]] | None:
    """Return lists of (text, number) tuples, as Arrow's maps come, as dicts; None for other lists."""
    pairs = [each for cell in given.values() for each in cell]
    if not pairs or not all(isinstance(each, tuple) and len(each) == 2 for each in pairs):
        return None
    if not all(isinstance(name, str) and (_missing(w) or isinstance(w, (*_NUMBERS, *_BOOLS))) for name, w in pairs):
        return None
    return {row: dict(cell) for row, cell in given.items()}


def _weighted(cells: Sequence[Mapping[Any, Any]], place: str) -> Genres:
    """Read dicts ``{genre: weight}``; a weight of 0 and a missing one are no genre, and True is no weight but a mark."""
    for row, cell in enumerate(cells):
        for name, weight in cell.items():
            if not _missing(weight) and not isinstance(weight, (*_NUMBERS, *_BOOLS)):
                raise DataError(
                    f"{place} gives the genre {name!r} the weight {weight!r} in row {row} {_FIRST}; "
                    "weights must be numbers, and records of genres need a 'name'"
                )
    kinds = {type(weight) for cell in cells for weight in cell.values() if not _missing(weight)}
    rows = np.repeat(np.arange(len(cells)), [len(cell) for cell in cells])
    weights = np.array([0.0 if _missing(w) else float(w) for cell in cells for w in cell.values()], dtype=np.float64)
    if not np.isfinite(weights).all():
        raise DataError(f"{place} has the weight {weights[~np.isfinite(weights)][0]:g}; weights must be finite")
    if (weights < 0).any():
        raise DataError(f"{place} has a negative weight, {weights[weights < 0][0]:g}; weights must be >= 0")
    names = [name for cell in cells for name in cell]
    counted = np.flatnonzero(weights > 0)
    named = [_text(names[place_], place).strip() for place_ in counted]
    packed = _pack(rows[counted], named, len(cells), place)
    if kinds and all(issubclass(kind, _BOOLS) for kind in kinds):
        return packed
    position = {name: number for number, name in enumerate(packed.names)}
    codes = np.array([position.get(name, -1) for name in named], np.int64)
    width = max(len(position), 1)
    keys = np.repeat(np.arange(len(cells)), np.diff(packed.indptr)) * width + packed.indices
    found = np.zeros(len(packed.indices))
    kept = codes >= 0
    found[np.searchsorted(keys, rows[counted][kept] * width + codes[kept])] = weights[counted][kept]
    return dataclasses.replace(packed, weights=found)


# ---------------------------------------------------------------- sparse rows


def _pack(rows: NDArray[np.int64], flat: list[Any], n_rows: int, place: str) -> Genres:
    """Build sparse rows from one genre an element: `rows[j]` has the genre `flat[j]`, missing ones are left out."""
    numbers: dict[Any, int] = {}
    try:
        codes = np.fromiter((numbers.setdefault(value, len(numbers)) for value in flat), np.int64, len(flat))
    except TypeError as error:
        odd = next(value for value in flat if not _is_hashable(value))
        raise DataError(f"{place} holds {odd!r}; genres must be {_MAY_HOLD}") from error
    cleaned = ["" if _missing(value) else _text(value, place).strip() for value in numbers]
    names = sorted(set(cleaned) - NO_GENRES)
    position = {name: number for number, name in enumerate(names)}
    final = np.array([position.get(name, -1) for name in cleaned], dtype=np.int64)[codes]
    return _of_keys(rows[final >= 0] * max(len(names), 1) + final[final >= 0], n_rows, names)


def _of_keys(keys: NDArray[np.int64], n_rows: int, names: list[str]) -> Genres:
    keys = np.sort(keys)
    keys = keys[np.diff(keys, prepend=-1) > 0]  # np.unique hashes whole numbers, which takes longer than to sort them
    rows, indices = np.divmod(keys, max(len(names), 1))
    return Genres(cumulate(np.bincount(rows, minlength=n_rows)), indices.astype(np.int32), names)


def union_rows(genres: Genres, owners: NDArray[np.int64], n_items: int) -> Genres:
    """Join rows of one item each: `owners` says whose they are, from 0 to `n_items` - 1; weights are left out."""
    rows = np.repeat(owners, np.diff(genres.indptr))
    return _of_keys(rows * max(len(genres.names), 1) + genres.indices, n_items, genres.names)
