"""Columns of ids, encoded: which distinct ids there are, and which of them each row holds.

Integers are numbered by subtraction where they lie close together, else by a hash table; texts by Arrow's dictionaries.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.arrow import STRING, chunked, dictionaries, is_arrow_backed, number_chunks
from beyondacc.kernels import align, encoding
from beyondacc.kernels.jit import read_only
from beyondacc.run.local import blocks, map_parts, n_threads
from beyondacc.types import Bools, ItemIds, Offsets

__all__ = ["Ids", "encode_column", "encode_index", "number_integers", "together"]

T = TypeVar("T")
_BLOCK: Final = 2**16  # rows whose 64-bit copies stay in the cache
_WORTH_A_THREAD: Final = 2**20
_WORTH_THREADS: Final = 2**16  # rows that take longer than to start threads
_WIDEST: Final = 2**21  # a table of so many codes is little more than a cache holds
_FEWEST_SLOTS: Final = 2**12
_EXACT: Final = 2.0**53  # whole floats beyond it may already have merged two ids
_LARGEST: Final = np.iinfo(np.int64).max


class Runs(NamedTuple):
    """Where the ids of n rows stand.

    Attributes
    ----------
    counts : (parts, distinct)
        How often each distinct id occurs in each part of the rows.
    firsts : (distinct,)
        The row where it first occurs, n where it does not.
    grouped
        Whether all rows of an id follow each other.
    """

    counts: NDArray[np.int64]
    firsts: NDArray[np.int64]
    grouped: bool


@dataclasses.dataclass(frozen=True, eq=False)
class Ids:
    """The ids of n rows.

    Parameters
    ----------
    codes
        ``(n,)`` position in `distinct` of the id of each row.
    distinct
        Ids that differ, int64 or strings, in any order.
    exact
        Whether every one of them occurs.
    written
        Whether they are texts only because they stood in a file, where nothing else can stand.
    """

    codes: ItemIds
    distinct: pd.Index[Any]
    exact: bool = True
    written: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", read_only(np.ascontiguousarray(self.codes, np.int32)))

    @classmethod
    def of(cls, ids: pd.Index[Any]) -> Ids:
        """Encode valid ids, int64 or strings."""
        return encode_index([ids])

    @classmethod
    def none(cls) -> Ids:
        """Return the ids of no rows, which fit every kind."""
        return cls(np.empty(0, np.int32), pd.Index([], dtype=STRING))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> Ids:
        return Ids(self.codes[rows], self.distinct, exact=False, written=self.written)

    @property
    def dtype(self) -> Any:
        """The dtype of the ids."""
        return self.distinct.dtype

    @property
    def kind(self) -> str:
        """What the ids are: ``"number"`` or ``"text"``."""
        return "number" if pd.api.types.is_integer_dtype(self.dtype) else "text"

    def index(self) -> pd.Index[Any]:
        """Return the id of each row."""
        return self.distinct.take(self.codes)

    def tolist(self) -> list[Any]:
        """Return the id of each row."""
        return self.index().tolist()

    @functools.cached_property
    def parts(self) -> list[tuple[int, int]]:
        """Nearly equal parts of the rows, for threads."""
        return blocks(len(self), min(n_threads(), len(self) // _WORTH_A_THREAD))

    @functools.cached_property
    def runs(self) -> Runs:
        """How often and where each distinct id occurs."""
        counts = np.zeros((len(self.parts), len(self.distinct)), np.int64)
        firsts = np.full(counts.shape, len(self), np.int64)
        numbered = dict(zip(self.parts, range(len(counts)), strict=True))

        def find(low: int, high: int) -> int:
            part = numbered[low, high]
            return encoding.find_runs(self.codes[low:high], low, counts[part], firsts[part])

        n_runs = sum(map_parts(find, self.parts))
        n_runs -= sum(bool(self.codes[low] == self.codes[low - 1]) for low, _ in self.parts[1:])
        found = firsts.min(axis=0)
        return Runs(counts, found, n_runs == np.count_nonzero(found < len(self)))

    def grouped(self, rows: ItemIds, n_rows: int) -> tuple[Offsets, Offsets, Offsets]:
        """Find the rows of each id.

        Parameters
        ----------
        rows : (distinct,)
            The group of each distinct id, -1 where it does not occur; no two are in one.
        n_rows
            How many groups there are.

        Returns
        -------
        firsts, lengths : (n_rows,)
            Where each group begins in `order`, and how many rows it has.
        order
            The rows, group by group, each in the order given; empty where they stand together already: then the
            position is the row.
        """
        firsts, lengths, known = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.int64), np.flatnonzero(rows >= 0)
        lengths[rows[known]] = self.runs.counts.sum(axis=0)[known]
        if self.runs.grouped:
            firsts[rows[known]] = self.runs.firsts[known]
            return firsts, lengths, np.empty(0, np.int64)
        starts, order = np.zeros(n_rows + 1, np.int64), np.empty(len(self), np.int64)
        align.group_rows(self.translate(rows), starts, order)
        return starts[:-1], lengths, order

    @property
    def occurring(self) -> Bools:
        """Which of the distinct ids occur."""
        if self.exact:
            return np.ones(len(self.distinct), np.bool_)
        if "runs" in vars(self):  # they were needed before
            return self.runs.firsts < len(self)
        found = np.zeros(len(self.distinct), np.bool_)
        encoding.mark_codes(self.codes, found)
        return found

    def ascending(self) -> tuple[ItemIds, pd.Index[Any]]:
        """Sort the ids that occur.

        Returns
        -------
        ranks : (distinct,)
            The place of each distinct id among those that occur, -1 for others.
        ids
            Those that occur, ascending.
        """
        occurring = self.occurring
        places = np.flatnonzero(occurring)
        if not isinstance(self.distinct, pd.RangeIndex):
            places = places[np.asarray(self.distinct.take(places).argsort())]
        ranks = np.full(len(occurring), -1, np.int32)
        ranks[places] = np.arange(len(places), dtype=np.int32)
        return ranks, self.distinct.take(places)

    def translate(self, table: ItemIds) -> ItemIds:
        """Return ``table[code]`` of each row."""
        found = np.empty(len(self), np.int32)
        for low in range(0, len(self), _BLOCK):
            part = self.codes[low : low + _BLOCK]
            # codes are never out of range, and only then is nothing buffered
            table.take(part, out=found[low : low + len(part)], mode="clip")
        return found


def together(tasks: Sequence[Callable[[], T]], n: int) -> list[T]:
    """Do tasks on n rows, on threads where that pays; of several errors the one of the first task is raised."""
    threads = None if n >= _WORTH_THREADS else 1
    return map_parts(lambda task, _: tasks[task](), [(task, task + 1) for task in range(len(tasks))], threads=threads)


def _blocks(chunks: Sequence[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    for chunk in chunks:
        for low in range(0, len(chunk), _BLOCK):
            yield chunk[low : low + _BLOCK]


def _ends(block: NDArray[Any]) -> tuple[int, int] | None:
    """Return the least and the largest number, or None if some are not whole."""
    low, high = block.min(), block.max()
    if block.dtype.kind == "f" and not (-_EXACT <= low <= high <= _EXACT and (np.floor(block) == block).all()):
        return None
    return int(low), int(high)


def number_integers(chunks: Sequence[NDArray[Any]]) -> Ids | None:
    """Encode whole numbers of any type, as one column; None if some are not whole or beyond 64 bits."""
    n = sum(map(len, chunks))
    if not n:
        return Ids.none()
    codes = np.empty(n, np.int32)
    widest = min(4 * n + _BLOCK, _WIDEST)
    lowest, highest = _LARGEST, -_LARGEST - 1
    first = 0
    for block in _blocks(chunks):
        ends = _ends(block)
        if ends is None:
            return None
        lowest, highest = min(lowest, ends[0]), max(highest, ends[1])
        if block.dtype.kind == "i" and highest - lowest >= widest:
            break  # whatever follows is no better
        last = first + len(block)
        if lowest >= 0 and highest < widest:  # while it is in the cache
            codes[first:last] = block
        first = last
    if highest > _LARGEST:
        return None
    if highest - lowest >= widest or highest == _LARGEST:
        return Ids(codes, _hash(chunks, codes))
    if not 0 <= lowest <= highest < widest:
        _subtract(chunks, lowest, codes)
    elif lowest:
        codes -= np.int32(lowest)
    return Ids(codes, pd.RangeIndex(lowest, highest + 1), exact=False)


def _subtract(chunks: Sequence[NDArray[Any]], low: int, codes: ItemIds) -> None:
    first = 0
    for block in _blocks(chunks):
        last = first + len(block)
        codes[first:last] = block.astype(np.int64, copy=False) - low
        first = last


def _hash(chunks: Sequence[NDArray[Any]], codes: ItemIds) -> pd.Index[Any]:
    """Write a number for each integer, by first appearance, and return those that differ."""
    slots, distinct = _table(_FEWEST_SLOTS)
    known = first = 0
    for block in _blocks(chunks):
        words = read_only(np.ascontiguousarray(block, np.int64))  # as the columns of pandas
        found = codes[first : first + len(block)]
        found.fill(-1)
        at = 0
        with np.errstate(over="ignore"):  # a hash is a product modulo 2**64, which Python says where it is no kernel
            while (known := encoding.number_words(words, at, slots, distinct, known, found)) == len(distinct):
                at = len(found) if found[-1] >= 0 else at + int(np.argmin(found[at:]))
                before = read_only(distinct)
                slots, distinct = _table(4 * len(slots))
                known = encoding.number_words(before, 0, slots, distinct, 0, np.empty(len(before), np.int32))
        first += len(block)
    return pd.Index(distinct[:known].copy())


def _table(n_slots: int) -> tuple[ItemIds, NDArray[np.int64]]:
    """Return an empty hash table and room for what it holds: at most a third of the slots, so that few collide."""
    return np.full(n_slots, -1, np.int32), np.empty(n_slots // 3, np.int64)


def encode_index(parts: Sequence[pd.Index[Any]]) -> Ids:
    """Encode valid ids of one kind, int64 or strings, as one column."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return Ids.none()
    if pd.api.types.is_integer_dtype(parts[0].dtype):
        found = number_integers([np.asarray(part, dtype=np.int64) for part in parts])
    else:
        found = encode_column(pd.Series(parts[0].append(list(parts[1:]))))
    assert found is not None  # noqa: S101 - ids were checked before
    return found


def encode_column(column: Any) -> Ids | None:
    """Encode a column of pandas, or an Arrow column, as it lies in memory.

    Returns
    -------
    Ids or None
        None where ids are missing or are not all whole numbers or all strings, as far as that can be told quickly:
        whoever looks row by row finds out what is wrong, if anything is.
    """
    if not len(column):
        return Ids.none()
    if not isinstance(column, pd.Series):
        return _from_arrow(column)
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes, categories = column.cat.codes.to_numpy(), column.cat.categories
        if categories.dtype == STRING and len(categories) and codes.min() >= 0:  # no two are equal, and none is missing
            return Ids(codes.astype(np.int32, copy=False), categories, exact=False)
        known = encode_column(pd.Series(categories))
        return None if known is None or codes.min() < 0 else Ids(known.codes.take(codes), known.distinct, exact=False)
    if is_arrow_backed(dtype):
        return _from_arrow(chunked(column.array))
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        return number_integers([column.to_numpy()])
    if pd.api.types.is_bool_dtype(dtype):
        return None
    if pd.api.types.is_integer_dtype(dtype):
        return None if column.hasnans else number_integers([column.to_numpy(dtype=dtype.name.lower())])
    texts = isinstance(dtype, pd.StringDtype) or pd.api.types.is_object_dtype(dtype)
    return _from_objects(column) if texts else None


def _from_objects(column: pd.Series[Any]) -> Ids | None:
    """Encode texts that are Python objects already."""
    try:
        codes, distinct = pd.factorize(column)
    except TypeError:  # lists and the like
        return None
    # what equals a text is one, so that the distinct ones tell the kind of all; numbers of other types may be equal
    if codes.min() < 0 or pd.api.types.infer_dtype(distinct, skipna=False) != "string":
        return None
    return Ids(codes.astype(np.int32), pd.Index(distinct, dtype=STRING))


def _from_arrow(column: Any) -> Ids | None:
    if (chunks := number_chunks(column)) is not None:
        return number_integers(chunks)
    if (found := dictionaries(column)) is None:
        return None
    if found.distinct:
        codes = found.chunks[0] if len(found.chunks) == 1 else np.concatenate(found.chunks)
        return Ids(codes, found.index())
    known = encode_column(found.entries)
    if known is None:
        return None
    tables = (known.codes[start:] for start in found.starts)
    parts = [table.take(chunk) for table, chunk in zip(tables, found.chunks, strict=True)]
    return Ids(np.concatenate(parts), known.distinct, exact=False)
