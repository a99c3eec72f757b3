"""Genres as lists and dicts: of texts, of records, of weights, of 0 and 1, and lists in lists."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence, Set as AbstractSet
from itertools import chain
from typing import Any, Final

import numpy as np
import pandas as pd

from beyondacc.data.columns import as_floats, is_list_type
from beyondacc.data.intake.genre_rows import BOOLS, MAY_HOLD, NUMBERS, Genres, genre_text, is_missing, of_table, pack
from beyondacc.data.intake.reading import Reading
from beyondacc.errors import DataError

__all__ = ["listed", "of_cells"]

_FIRST: Final = "(rows count from 0)"
_NAME_KEYS: Final = frozenset({"genre", "category", "label", "tag", "title"})


class _Bag(list[Any]):
    """The elements of a set, in no order."""


def listed(value: Any) -> Any:
    """Turn arrays and sets into lists, which compare and print plainly; a tuple stays one."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, AbstractSet):
        return _Bag(value)
    return list(value) if is_list_type(type(value)) else value


# ---------------------------------------------------------------- lists and dicts


def of_cells(cells: list[Any], place: str, reading: Reading, how: str) -> Genres:
    """Read lists and dicts; None and empty ones are rows without genres."""
    given = {row: cell for row, cell in enumerate(cells) if cell is not None and not (_is_dict(cell) and not cell)}
    dicts = any(map(_is_dict, list(given.values())[:1]))
    for row, cell in given.items():
        if not (_is_dict(cell) if dicts else isinstance(cell, (list, tuple))):
            every = "where one item has weights, all need them" if dicts else "every row must hold a list"
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
    return pack(rows, list(chain.from_iterable(lists.values())), len(cells), place)


def _is_dict(value: Any) -> bool:
    return isinstance(value, Mapping)


def _leaves(value: Any) -> Iterator[Any]:
    """Walk through lists in lists, however deep."""
    waiting = [iter(value)]
    while waiting:
        for each in waiting[-1]:
            if is_list_type(type(each)):
                waiting.append(iter(listed(each)))
                break
            yield each
        else:
            waiting.pop()


def _refuse_mixtures(lists: Mapping[int, list[Any]], kinds: set[type], place: str) -> None:
    """Refuse texts and numbers side by side in nested lists: the numbers could be weights, or ids beside names."""
    if any(issubclass(kind, str) for kind in kinds) and any(issubclass(kind, NUMBERS) for kind in kinds):
        row, number = next(
            (row, each)
            for row, cell in lists.items()
            for each in cell
            if isinstance(each, NUMBERS) and not is_missing(each)
        )
        raise DataError(
            f"{place} holds the number {number!r} among the texts of row {row} {_FIRST}; genres must be {MAY_HOLD}, "
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
        if is_missing(record):
            return None
        found = _named(record) if _is_dict(record) else None
        if found is None or not isinstance(found, (str, *NUMBERS)):
            raise DataError(
                f"{place} holds {record!r} in row {row} {_FIRST}; records need the text of a genre as 'name'"
            )
        return found

    return {row: [name(row, record) for record in cell] for row, cell in lists.items()}


# ---------------------------------------------------------------- 0 and 1


def _are_flags(lists: Mapping[int, list[Any]], kinds: set[type], place: str) -> bool:
    """Tell whether lists of 0 and 1 say for each genre whether an item has it, and are not lists of genre ids.

    Lists of ids repeat nothing, so that equally long lists of which one repeats a number are no ids.
    """
    if not kinds or not all(issubclass(kind, (*BOOLS, *NUMBERS)) for kind in kinds):
        return False
    bools = all(issubclass(kind, BOOLS) for kind in kinds)
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
    return of_table(table, list(map(str, range(width))))


# ---------------------------------------------------------------- weights


def _of_pairs(given: Mapping[int, Any]) -> dict[int, dict[Any, Any]] | None:
    """Return lists of (text, number) tuples, as Arrow's maps come, as dicts; None for other lists."""
    pairs = [each for cell in given.values() for each in cell]
    if not pairs or not all(isinstance(each, tuple) and len(each) == 2 for each in pairs):
        return None
    if not all(isinstance(name, str) and (is_missing(w) or isinstance(w, (*NUMBERS, *BOOLS))) for name, w in pairs):
        return None
    return {row: dict(cell) for row, cell in given.items()}


def _weighted(cells: Sequence[Mapping[Any, Any]], place: str) -> Genres:
    """Read dicts ``{genre: weight}``; 0 and None are no genre, and True is no weight but a mark."""
    known = [{name: weight for name, weight in cell.items() if weight is not None} for cell in cells]
    for row, cell in enumerate(known):
        for weight in cell.values():
            if not isinstance(weight, (*NUMBERS, *BOOLS)):
                raise DataError(
                    f"the weights of {place} holds {weight!r} in row {row} {_FIRST}; it must hold numbers, "
                    "and records of genres need a 'name'"
                )
    kinds = {type(weight) for cell in known for weight in cell.values()}
    rows = np.repeat(np.arange(len(known)), [len(cell) for cell in known])
    flat = [float(weight) if isinstance(weight, BOOLS) else weight for cell in known for weight in cell.values()]
    weights = as_floats(pd.Series(flat, dtype=object), f"the weights of {place}")
    if (weights < 0).any():
        raise DataError(f"{place} has a negative weight, {weights[weights < 0][0]:g}; weights must be >= 0")
    names = [name for cell in known for name in cell]
    counted = np.flatnonzero(weights > 0)
    named = [genre_text(names[place_], place).strip() for place_ in counted]
    packed = pack(rows[counted], named, len(cells), place)
    if kinds and all(issubclass(kind, BOOLS) for kind in kinds):
        return packed
    position = {name: number for number, name in enumerate(packed.names)}
    codes = np.array([position.get(name, -1) for name in named], np.int64)
    width = max(len(position), 1)
    keys = np.repeat(np.arange(len(cells)), np.diff(packed.indptr)) * width + packed.indices
    found = np.zeros(len(packed.indices))
    kept = codes >= 0
    found[np.searchsorted(keys, rows[counted][kept] * width + codes[kept])] = weights[counted][kept]
    return dataclasses.replace(packed, weights=found)
