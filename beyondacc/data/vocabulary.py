"""External ids <-> contiguous int32 codes, by hash for strings and by table for integers."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.errors import DataError
from beyondacc.types import ItemIds

__all__ = ["STRING", "Vocabulary", "factorize", "hash_ids", "same_kind"]

_MAX_IDS = np.iinfo(np.int32).max


def _string_dtype() -> Any:
    default = pd.Index(["a"]).dtype
    if default != np.dtype(object):
        return default
    # pandas 2 keeps strings as Python objects unless it is asked for Arrow's
    return pd.StringDtype("pyarrow") if importlib.util.find_spec("pyarrow") else default


#: The dtype of string ids: what pandas infers, or Arrow strings where that would be Python objects.
STRING: Final = _string_dtype()


def _kind(ids: pd.Index) -> Literal["integer", "string"]:
    return "integer" if pd.api.types.is_integer_dtype(ids.dtype) else "string"


def same_kind(ids: pd.Index, known: pd.Index, *, axis: str, what: str, other: str) -> None:
    """Refuse to compare string ids with integer ids; empty ids fit everything.

    Raises
    ------
    DataError
        If one side holds strings and the other integers; names both tables with an example each.
    """
    if len(ids) and len(known) and _kind(ids) != _kind(known):
        raise DataError(
            f"{axis} ids of {what} are {_kind(ids)}s (such as {_example(ids)}) but those of {other} are "
            f"{_kind(known)}s (such as {_example(known)}); convert one of them"
        )


def _example(ids: pd.Index) -> str:
    return repr(int(ids[0]) if _kind(ids) == "integer" else str(ids[0]))


def _span(values: NDArray[np.int64], count: int) -> tuple[int, int] | None:
    """Return the smallest value and the width of a lookup table, or None where the table would be too wide."""
    if not len(values):
        return None
    low, high = int(values.min()), int(values.max())
    width = high - low + 1
    return (low, width) if width <= 4 * count + 2**20 else None


def factorize(ids: pd.Index) -> tuple[ItemIds, pd.Index]:
    """Give each distinct id a number.

    Parameters
    ----------
    ids
        ``(n,)`` integer or string ids without nulls.

    Returns
    -------
    codes : int32 array, (n,)
        Position of each id in `uniques`.
    uniques : pandas.Index
        The distinct ids, sorted ascending, so that the order of the rows does not matter.
    """
    if _kind(ids) == "integer":
        values = np.asarray(ids, dtype=np.int64)
        if (span := _span(values, len(values))) is not None:
            low, width = span
            offsets = values - low if low else values
            seen = np.zeros(width, dtype=np.bool_)
            seen[offsets] = True
            table = np.cumsum(seen, dtype=np.int32)
            table -= 1
            return table.take(offsets), pd.Index(np.flatnonzero(seen) + low)
    codes, uniques = pd.factorize(ids)
    distinct = pd.Index(uniques) if _kind(ids) == "integer" else pd.Index(uniques, dtype=STRING)
    order = np.asarray(distinct.argsort())
    ranks = np.empty(len(order), dtype=np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    return ranks.take(codes), distinct.take(order)


def hash_ids(ids: pd.Index) -> NDArray[np.uint64]:
    """Return a number for each id that depends on the id alone."""
    return pd.util.hash_pandas_object(ids, index=False).to_numpy().astype(np.uint64)


class Vocabulary:
    """External ids and their codes 0..n-1.

    Parameters
    ----------
    ids
        ``(n,)`` unique integer or string ids; the code of an id is its position.

    Raises
    ------
    DataError
        If an id comes twice, or there are more ids than an int32 can number.
    """

    __slots__ = ("_low", "_table", "ids", "kind")

    def __init__(self, ids: pd.Index) -> None:
        if len(ids) > _MAX_IDS:
            raise DataError(f"{len(ids)} ids are more than the {_MAX_IDS} that can be numbered; split the data")
        self.kind: Literal["integer", "string"] = _kind(ids)
        self._low = 0
        self._table: ItemIds | None = None
        if self.kind == "integer":
            values = np.ascontiguousarray(ids, dtype=np.int64)
            self.ids = pd.Index(values)
            self._tabulate(values)
        else:
            self.ids = pd.Index(ids, dtype=STRING)
        if self._table is None and not self.ids.is_unique:
            self._refuse_duplicates()

    def _tabulate(self, values: NDArray[np.int64]) -> None:
        if (span := _span(values, len(values))) is None:
            return
        self._low, width = span
        codes = np.arange(len(values), dtype=np.int32)
        table = np.full(width + 1, -1, dtype=np.int32)  # the last entry answers for everything outside
        table[values - self._low] = codes
        if not np.array_equal(table.take(values - self._low), codes):
            self._refuse_duplicates()
        self._table = table

    def _refuse_duplicates(self) -> None:
        repeated = self.ids[self.ids.duplicated()][:1]
        raise DataError(f"the id {_example(repeated)} comes twice; ids of a vocabulary must be unique")

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} {self.kind} ids)"

    def encode(self, ids: pd.Index, *, axis: str = "item", what: str = "recs", known: str = "train") -> ItemIds:
        """Return the code of each id, -1 where it is unknown.

        Parameters
        ----------
        ids
            ``(n,)`` ids without nulls.
        axis, what, known
            For the message: ``"user"`` or ``"item"``, the table of `ids`, and the table this vocabulary was made from.

        Raises
        ------
        DataError
            If strings are looked up among integers or the reverse.
        """
        same_kind(ids, self.ids, axis=axis, what=what, other=known)
        if not len(self):
            return np.full(len(ids), -1, dtype=np.int32)
        if self._table is not None and _kind(ids) == "integer":
            # subtraction modulo 2**64 sends every id below the range above it, so one comparison is enough
            offsets = np.asarray(ids, dtype=np.int64).view(np.uint64)
            if self._low:
                offsets = offsets - np.uint64(self._low % 2**64)
            return self._table.take(np.minimum(offsets, np.uint64(len(self._table) - 1)).view(np.int64))
        # few distinct ids occur many times: hash each row once, look up the distinct ones only
        codes, uniques = pd.factorize(ids)
        distinct = pd.Index(uniques, dtype=self.ids.dtype)
        return self.ids.get_indexer(distinct).astype(np.int32).take(codes)

    def find(self, id_: Any) -> int:
        """Return the code of one id, -1 where it is unknown: `encode` without what only pays for many."""
        if self._table is not None:
            place = int(id_) - self._low if isinstance(id_, int | np.integer) else -1
            return int(self._table[place]) if 0 <= place < len(self._table) else -1
        return int(self.ids.get_indexer(pd.Index([id_]))[0])

    def decode(self, codes: NDArray[np.integer[Any]]) -> pd.Index:
        """Return the external ids of codes; padding (-1) has none and must be cut off before.

        Raises
        ------
        IndexError
            If a code is negative or too large.
        """
        if len(codes) and codes.min() < 0:
            raise IndexError(f"code {codes.min()} has no external id")
        return self.ids.take(np.asarray(codes, dtype=np.intp))

    def extend(self, ids: pd.Index) -> Vocabulary:
        """Return a vocabulary that keeps all codes and numbers the unknown ids after them, sorted ascending."""
        _, distinct = factorize(ids)
        fresh = distinct[self.encode(distinct) < 0]
        if not len(self):
            return Vocabulary(fresh)
        return Vocabulary(self.ids.append(fresh.astype(self.ids.dtype))) if len(fresh) else self

    @classmethod
    def union(
        cls, parts: Sequence[pd.Index], first: pd.Index | None = None, *, axis: str = "item", names: Sequence[str] = ()
    ) -> Vocabulary:
        """Give the ids of several tables one numbering.

        Parts may repeat ids, but are best the `uniques` of `factorize`: then ``vocabulary.encode(uniques)[codes]``
        encodes each table without hashing its rows a second time.

        Parameters
        ----------
        parts
            Ids of each table.
        first
            Unique ids that keep their order and come first, such as those of an items table.
        axis, names
            For messages: ``"user"`` or ``"item"``, and the name of each table (that of `first` first, if it is given).

        Raises
        ------
        DataError
            If some tables hold strings and others integers.
        """
        tables = [*([] if first is None else [first]), *parts]
        labels = [*names, *(f"table {number}" for number in range(len(names), len(tables)))]
        filled = [position for position, table in enumerate(tables) if len(table)]
        if not filled:
            return cls(pd.Index([], dtype=STRING))
        for position in filled[1:]:
            base = filled[0]
            same_kind(tables[position], tables[base], axis=axis, what=labels[position], other=labels[base])
        start = cls(tables[0][:0] if first is None else first)
        distinct = [factorize(table)[1] for table in parts if len(table)]
        return start.extend(distinct[0].append(distinct[1:])) if distinct else start
