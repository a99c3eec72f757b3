"""External ids <-> contiguous int32 codes, by hash for strings and spread integers, by table for close ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.arrow import STRING, look_up
from beyondacc.data.ids import Ids, encode_index
from beyondacc.errors import DataError
from beyondacc.types import ItemIds

__all__ = ["Vocabulary", "factorize", "hash_ids", "id_ranks", "same_kind"]

_FEW = 64  # times as many ids are known as are asked for
_WORTH_A_TABLE = 3  # times that all ids are hashed for a few, until a table of them would have taken as long
_MAX_IDS = np.iinfo(np.int32).max


def _kind(ids: Ids | pd.Index[Any]) -> Literal["integer", "string"]:
    return "integer" if pd.api.types.is_integer_dtype(ids.dtype) else "string"


def same_kind(ids: Ids | pd.Index[Any], known: Ids | pd.Index[Any], *, axis: str, what: str, other: str) -> None:
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


def _example(ids: Ids | pd.Index[Any]) -> str:
    first = ids[:1].tolist()[0]
    return repr(int(first) if _kind(ids) == "integer" else str(first))


def _span(values: NDArray[np.int64], count: int) -> tuple[int, int] | None:
    """Return the smallest value and the width of a lookup table, or None where the table would be too wide."""
    if not len(values):
        return None
    low, high = int(values.min()), int(values.max())
    width = high - low + 1
    return (low, width) if width <= 4 * count + 2**20 else None


def factorize(ids: Ids | pd.Index[Any]) -> tuple[ItemIds, pd.Index[Any]]:
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
    encoded = _encoded(ids)
    ranks, uniques = encoded.ascending()
    return encoded.translate(ranks), uniques


def _encoded(ids: Ids | pd.Index[Any]) -> Ids:
    return ids if isinstance(ids, Ids) else Ids.of(ids)


def _hashes(ids: pd.Index[Any]) -> NDArray[np.int64] | NDArray[np.uint64]:
    """Return a number for each id, which among whole numbers is the id."""
    return np.asarray(ids, np.int64) if _kind(ids) == "integer" else hash_ids(ids)


class _Sorted(NamedTuple):
    """Hashes, ascending, and the code of each."""

    hashes: NDArray[np.int64] | NDArray[np.uint64]
    order: ItemIds

    @classmethod
    def of(cls, hashes: NDArray[np.int64] | NDArray[np.uint64]) -> _Sorted:
        """Sort the hashes of ids in the order of their codes."""
        order = np.argsort(hashes, kind="stable")
        return cls(hashes[order], order.astype(np.int32))


def hash_ids(ids: pd.Index) -> NDArray[np.uint64]:
    """Return a number for each id that depends on the id alone."""
    if not len(ids):
        return np.empty(0, np.uint64)
    return pd.util.hash_pandas_object(ids, index=False).to_numpy().astype(np.uint64)


def id_ranks(ids: pd.Index[Any], *, as_text: bool = False) -> NDArray[np.int64]:
    """Return the place of each id among all of them, ascending: whole numbers as numbers, texts by code points.

    Parameters
    ----------
    as_text
        Whether whole numbers are compared as texts too.
    """
    found = np.empty(len(ids), np.int64)
    found[np.asarray((ids.astype(STRING) if as_text else ids).argsort())] = np.arange(len(ids))
    return found


class Vocabulary:
    """External ids and their codes 0..n-1.

    Parameters
    ----------
    ids
        ``(n,)`` unique integer or string ids; the code of an id is its position.
    checked
        Whether they are known to be unique.

    Raises
    ------
    DataError
        If an id comes twice, or there are more ids than an int32 can number.
    """

    __slots__ = ("_asked", "_falling", "_low", "_order", "_sorted", "_table", "ids", "kind")

    def __init__(self, ids: pd.Index[Any], *, checked: bool = False) -> None:
        if len(ids) > _MAX_IDS:
            raise DataError(f"{len(ids)} ids are more than the {_MAX_IDS} that can be numbered; split the data")
        self.kind: Literal["integer", "string"] = _kind(ids)
        self._low = 0
        self._table: ItemIds | None = None
        self._order: ItemIds | None = None
        self._falling: ItemIds | None = None
        self._sorted: _Sorted | None = None
        self._asked = 0
        if self.kind == "integer":
            values = np.ascontiguousarray(ids, dtype=np.int64)
            self.ids = pd.Index(values)
            self._tabulate(values)
        else:
            self.ids = pd.Index(ids, dtype=STRING)
        if self._table is None and not checked and len(Ids.of(self.ids).distinct) < len(self.ids):
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

    @property
    def places(self) -> ItemIds:
        """The place of each id in their order: whole numbers as numbers, texts by code points."""
        if self._order is None:
            self._order = id_ranks(self.ids).astype(np.int32)
        return self._order

    @property
    def falling(self) -> ItemIds:
        """The place of each id where all are compared as texts and the last comes first, as TREC's tools have it."""
        if self._falling is None:
            self._falling = (len(self) - 1 - id_ranks(self.ids, as_text=True)).astype(np.int32)
        return self._falling

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} {self.kind} ids)"

    def encode(
        self, ids: Ids | pd.Index[Any], *, axis: str = "item", what: str = "recs", known: str = "train"
    ) -> ItemIds:
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
        if ids is self.ids:
            return np.arange(len(self), dtype=np.int32)
        same_kind(ids, self.ids, axis=axis, what=what, other=known)
        if not len(self):
            return np.full(len(ids), -1, np.int32)
        encoded = _encoded(ids)
        # few distinct ids occur many times, so that only the distinct ones are looked up
        return encoded.translate(self._places(encoded.distinct))

    def _places(self, asked: pd.Index[Any]) -> ItemIds:
        """Return the code of each of some distinct ids, -1 where it is unknown."""
        if not len(self) or not len(asked):
            return np.full(len(asked), -1, dtype=np.int32)
        if self._table is None and len(asked) * _FEW <= len(self):
            self._asked += 1
            if self._asked > _WORTH_A_TABLE:
                return self._find_few(asked)
        if self.kind == "string":
            return look_up(asked, self.ids)
        values = np.asarray(asked, dtype=np.int64)
        if self._table is not None:
            # subtraction modulo 2**64 sends every id below the range above it, so one comparison is enough
            offsets = values.view(np.uint64)
            if self._low:
                offsets = offsets - np.uint64(self._low % 2**64)
            return self._table.take(np.minimum(offsets, np.uint64(len(self._table) - 1)).view(np.int64))
        together = encode_index([self.ids, pd.Index(values)])
        table = np.full(len(together.distinct), -1, np.int32)
        table[together.codes[: len(self)]] = np.arange(len(self), dtype=np.int32)
        return table.take(together.codes[len(self) :])

    def _find_few(self, asked: pd.Index[Any]) -> ItemIds:
        """Look few distinct ids up among many, in a table that is kept: to hash all would take nearly all the time.

        Two threads that come first both make it, and one of these is kept.
        """
        known = self._sorted
        if known is None:
            known = self._sorted = _Sorted.of(_hashes(self.ids))
        hashes = _hashes(asked)
        places = np.minimum(np.searchsorted(known.hashes, hashes), len(self) - 1)
        found = known.order.take(places)
        wrong = known.hashes.take(places) != hashes
        if self.kind == "string":  # of which several may have one hash
            wrong |= np.asarray(self.ids.take(found.astype(np.intp)) != asked, np.bool_)
            repeated = wrong & (known.hashes.take(places) == hashes)
            if repeated.any():
                found[repeated] = look_up(asked[repeated], self.ids)
                wrong[repeated] = False
        return np.where(wrong, np.int32(-1), found)

    def some(self, ids: Ids) -> tuple[pd.Index[Any], ItemIds] | None:
        """Give those who occur numbers in the order of the vocabulary.

        Returns
        -------
        ids
            Those who occur, ascending where the vocabulary is; the same object as its own where all do.
        table : (distinct,)
            The place of each distinct id among them, -1 for others. None instead of both if one is unknown.
        """
        places, occurring = self._places(ids.distinct), ids.occurring
        if (places[occurring] < 0).any():
            return None
        present = np.zeros(len(self), np.bool_)
        present[places[occurring]] = True
        if present.all():
            return self.ids, np.where(occurring, places, np.int32(-1))
        ranks = np.cumsum(present, dtype=np.int32) - np.int32(1)
        return self.ids[present], np.where(occurring, ranks[places], np.int32(-1))

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

    def extend(self, ids: Ids | pd.Index[Any]) -> Vocabulary:
        """Return a vocabulary that keeps all codes and numbers the unknown ids after them, sorted ascending."""
        same_kind(ids, self.ids, axis="item", what="recs", other="train")
        return self.join([ids])[0]

    def join(self, parts: Sequence[Ids | pd.Index[Any]]) -> tuple[Vocabulary, list[ItemIds]]:
        """Give the unknown ids of several columns of one kind numbers after the known ones, sorted ascending.

        Returns
        -------
        Vocabulary
            The same one where nothing is unknown.
        tables
            For each part, the code of each of its `distinct` ids.
        """
        columns = [_encoded(part) for part in parts]
        tables = [self._places(column.distinct) for column in columns]
        unknown = [table < 0 for table in tables]
        for place, column in enumerate(columns):
            if not column.exact and unknown[place].any():  # who occurs is only counted where somebody is new
                unknown[place] &= column.occurring
        strangers = [
            column.distinct if strange.all() else column.distinct[strange]
            for column, strange in zip(columns, unknown, strict=True)
        ]
        filled = [some for some in strangers if len(some)]
        if not filled:
            return self, tables
        # those of one column differ already
        alone = len(filled) == 1
        fresh = Ids(np.arange(len(filled[0]), dtype=np.int32), filled[0]) if alone else encode_index(filled)
        ranks, ids = fresh.ascending()
        codes = fresh.translate(ranks)
        codes += np.int32(len(self))
        first = 0
        for table, strange in zip(tables, unknown, strict=True):
            last = first + int(np.count_nonzero(strange))
            table[strange] = codes[first:last]
            first = last
        return Vocabulary(self.ids.append(ids.astype(self.ids.dtype)) if len(self) else ids, checked=True), tables

    @classmethod
    def union(
        cls,
        parts: Sequence[Ids | pd.Index[Any]],
        first: pd.Index[Any] | None = None,
        *,
        axis: str = "item",
        names: Sequence[str] = (),
    ) -> Vocabulary:
        """Give the ids of several tables one numbering; see `numbering`."""
        return cls.numbering(parts, first, axis=axis, names=names)[0]

    @classmethod
    def numbering(
        cls,
        parts: Sequence[Ids | pd.Index[Any]],
        first: pd.Index[Any] | None = None,
        *,
        axis: str = "item",
        names: Sequence[str] = (),
    ) -> tuple[Vocabulary, list[ItemIds]]:
        """Give the ids of several tables one numbering, and say what it calls those of each.

        Parameters
        ----------
        parts
            Ids of each table.
        first
            Unique ids that keep their order and come first, such as those of an items table.
        axis, names
            For messages: ``"user"`` or ``"item"``, and the name of each table (that of `first` first, if it is given).

        Returns
        -------
        Vocabulary
        tables
            For each part, the code of each of its `distinct` ids.

        Raises
        ------
        DataError
            If some tables hold strings and others integers.
        """
        tables = [*([] if first is None else [first]), *parts]
        labels = [*names, *(f"table {number}" for number in range(len(names), len(tables)))]
        filled = [position for position, table in enumerate(tables) if len(table)]
        for position in filled[1:]:
            base = filled[0]
            same_kind(tables[position], tables[base], axis=axis, what=labels[position], other=labels[base])
        return cls(pd.Index([], dtype=STRING) if first is None else first).join(parts)
