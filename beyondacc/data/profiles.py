"""The items of each user: compressed rows, made from coded ones by counting when they are first asked for."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.data.checks import check_profiles
from beyondacc.data.ids import Ids
from beyondacc.data.once import Kept, once
from beyondacc.kernels import align, encoding
from beyondacc.kernels.jit import read_only
from beyondacc.run.local import map_blocks, map_parts
from beyondacc.types import Bools, Floats, ItemIds, Offsets, UserIds

__all__ = ["Profiles", "no_profiles"]

_WORTH_THREADS: Final = 2**18  # rows that take longer to sort than to start threads


class Profiles:
    """The items of each user with a value each: compressed rows, items ascending and distinct within a row.

    Parameters
    ----------
    starts, items, values
        What they are.

    Raises
    ------
    DataError
        If they do not belong together.
    """

    def __init__(self, starts: Offsets, items: ItemIds, values: NDArray[np.float64]) -> None:
        check_profiles(starts, items, values)
        self._fill(None, (starts, items), values)

    def _fill(
        self, coded: _Coded | None, rows: tuple[Offsets, ItemIds] | None, values: NDArray[np.float64] | None
    ) -> None:
        self._coded, self._sorted, self._values, self.kept = coded, rows, values, Kept()
        self._recency: NDArray[np.int64] | None = None

    @classmethod
    def build(
        cls,
        users: Ids,
        items: Ids,
        values: Floats | Callable[[], Floats] | None,
        *,
        rows: UserIds,
        places: ItemIds,
        n_rows: int,
        n_items: int,
        times: Callable[[], NDArray[Any]] | None = None,
    ) -> Profiles:
        """Compress rows, when they are first asked for; of equal (row, item) pairs the last value is kept.

        Parameters
        ----------
        users, items
            Of each input row.
        values
            Of each input row, which nobody may change any more, or what brings them when they are first asked for;
            1 by default.
        rows, places
            What the distinct users and items are called here.
        times
            Brings the time of each input row: the last of equal pairs is then the latest, and of equally late ones the
            last. It is asked only where pairs are repeated and have values.
        """
        made = cls.__new__(cls)
        coded = _Coded(users, items, values, rows, places, n_rows, n_items, times)
        made._fill(coded, None, None)  # noqa: SLF001 - its own
        return made

    @property
    def starts(self) -> Offsets:
        """Where each row begins, and the last one ends, shape (rows + 1,)."""
        return self._rows[0]

    @property
    def items(self) -> ItemIds:
        """The items, row by row."""
        return self._rows[1]

    @property
    @once
    def values(self) -> NDArray[np.float64]:
        """The value of each item."""
        if self._values is not None:
            return self._values
        coded = self._coded
        if coded is None or coded.values is None:
            return np.ones(len(self.items))
        # sorted once more, as few metrics look at values and those of many rows take long to write
        return (coded if self.n_repeated == 0 else coded.by_time()).sort(rated=True)[2]

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the rows as they are, not as they came."""
        values = None if self.all_one else self.values
        recency = None if self._coded is None else self.recency
        return {"_coded": None, "_sorted": self._rows, "_values": values, "_recency": recency, "kept": Kept()}

    @property
    def n_repeated(self) -> int:
        """How many input rows had the user and item of another one and are therefore left out."""
        return 0 if self._coded is None else len(self._coded.users) - len(self.items)

    def input_row(self, place: int) -> int:
        """Return the input row of the pair at a place of `items`, for messages; the last one where it was repeated."""
        if self._coded is None:
            return place
        coded = self._coded
        user = int(np.searchsorted(self.starts, place, side="right")) - 1
        own = coded.rows[coded.users.codes] == user
        return int(np.flatnonzero(own & (coded.places[coded.items.codes] == self.items[place]))[-1])

    @property
    @once
    def _rows(self) -> tuple[Offsets, ItemIds]:
        if self._sorted is not None:
            return self._sorted
        assert self._coded is not None  # noqa: S101 - else they are given
        rows = self._sorted = self._coded.sort(rated=False)[:2]
        return rows

    @property
    @once
    def all_one(self) -> bool:
        """Whether every value is 1."""
        if self._coded is not None:  # else they would have been left out
            return self._coded.values is None
        return self._values is None or bool((self._values == 1).all())

    @property
    def all_positive(self) -> bool:
        """Whether every value is above 0, as far as that can be told without sorting rows."""
        values = self.values if self._coded is None else self._coded.values
        return values is None or bool((values > 0).all())

    def unvalued(self) -> Profiles:
        """Return the same with a value of 1 for every item; the same object where they are 1 already."""
        if self.all_one:
            return self
        coded = self._coded and dataclasses.replace(self._coded, given=None)
        made = type(self).__new__(type(self))
        made._fill(coded, self._sorted, None)  # noqa: SLF001 - its own
        made._recency = self._recency  # noqa: SLF001 - its own
        return made

    @property
    @once
    def recency(self) -> NDArray[np.int64]:
        """How many items of its row are later than each item: 0 for the latest.

        Later is what has the later time, of equally late ones and where there are no times the later row of input.
        """
        if self._recency is not None:
            return self._recency
        coded = self._coded
        moments = np.arange(len(self.items)) if coded is None else coded.moments()
        rows = np.repeat(np.arange(len(self.sizes)), self.sizes)
        found = np.empty(len(rows), np.int64)
        found[np.lexsort((-moments, rows))] = np.arange(len(rows)) - self.starts[rows]
        return found

    @property
    @once
    def occupied(self) -> Bools:
        """Which rows hold anything, shape (rows,)."""
        return self.sizes > 0 if self._coded is None else self._coded.lengths > 0

    def item_counts(self, n_items: int) -> NDArray[np.int64]:
        """Return in how many rows each item stands, shape (n_items,)."""
        if self._coded is None or not self._coded.users.runs.grouped or self._sorted is not None:
            return np.bincount(self.items, minlength=n_items)
        return self._coded.count_items()

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many items each row holds."""
        return np.diff(self.starts)

    def transpose(self, n_columns: int) -> tuple[Offsets, UserIds]:
        """Return the compressed columns: which rows hold each item, ascending."""
        starts, users = np.zeros(n_columns + 1, np.int64), np.empty(len(self.items), np.int32)
        align.transpose_rows(self.starts, self.items, starts, users)
        return starts, users

    def matrix(self, n_columns: int) -> sparse.csr_array:
        """Return the rows as a scipy matrix of shape (rows, n_columns), sharing memory."""
        return sparse.csr_array((self.values, self.items, self.starts), shape=(len(self.starts) - 1, n_columns))


@dataclasses.dataclass(frozen=True, eq=False)
class _Coded:
    """Rows that are not compressed yet; see `Profiles.build`."""

    users: Ids
    items: Ids
    given: Floats | Callable[[], Floats] | None
    rows: UserIds
    places: ItemIds
    n_rows: int
    n_items: int
    times: Callable[[], NDArray[Any]] | None

    @functools.cached_property
    def values(self) -> Floats | None:
        """The value of each row of input, None where all are 1: then there is nothing to sort along."""
        found = self.given() if callable(self.given) else self.given
        if found is not None and (found[:1] == 1).all() and (found == 1).all():
            return None
        return found

    def by_time(self) -> _Coded:
        """Return the same rows in the order of their times; equally late ones stay as they are."""
        if self.times is None or self.values is None:
            return self
        order = np.argsort(self.times(), kind="stable")
        some: dict[str, Any] = {"users": self.users[order], "items": self.items[order], "given": self.values[order]}
        return dataclasses.replace(self, **some, times=None)

    def moments(self) -> NDArray[np.float64]:
        """Return for each compressed item a number that grows with its time: of equal pairs that of the last."""
        order = slice(None) if self.times is None else np.argsort(self.times(), kind="stable")
        numbers = np.arange(2.0, len(self.users) + 2)  # not all 1, which would not be sorted along
        return dataclasses.replace(self, users=self.users[order], items=self.items[order], given=numbers).sort(
            rated=True
        )[2]

    @functools.cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many rows of input each row has in each of their parts, shape (parts, rows)."""
        known = np.flatnonzero(self.rows >= 0)
        counts = np.zeros((len(self.users.parts), self.n_rows), np.int64)
        counts[:, self.rows[known]] = self.users.runs.counts[:, known]
        return counts

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many rows of input each row has, shape (rows,)."""
        found: NDArray[np.int64] = self.counts.sum(axis=0)
        return found

    def count_items(self) -> NDArray[np.int64]:
        """Return in how many rows each item stands, if all rows of a user follow each other."""
        counts = np.zeros((len(self.items.distinct), 2), np.int32)
        counts[:, 0] = -1
        encoding.count_items(self.users.codes, self.items.codes, counts)
        found = np.zeros(self.n_items, np.int64)
        known = self.places >= 0
        found[self.places[known]] = counts[known, 1]
        return found

    def sort(self, *, rated: bool) -> tuple[Offsets, ItemIds, NDArray[np.float64]]:
        """Return the compressed rows: starts, items and, where they are `rated`, values."""
        users, n, n_rows, counts = self.users, len(self.users), self.n_rows, self.counts
        starts = np.zeros(n_rows + 1, np.int64)
        np.cumsum(self.lengths, out=starts[1:])
        given = np.empty(0)
        if rated and self.values is not None:
            given = np.ascontiguousarray(self.values, np.float64)
        codes, given = self.items.codes, read_only(given)
        items, values = np.empty(n, np.int32), np.empty(len(given))
        if users.runs.grouped:
            firsts, known = np.zeros(n_rows, np.int64), np.flatnonzero(self.rows >= 0)
            firsts[self.rows[known]] = users.runs.firsts[known]
        else:
            # where each part of the input begins to write in each row: after what the parts before it write
            numbered = dict(zip(users.parts, starts[:-1] + np.cumsum(counts, axis=0) - counts, strict=True))

            def scatter(low: int, high: int) -> None:
                part = slice(low, high)
                cursor = numbered[low, high]
                encoding.scatter_rows(users.codes[part], codes[part], given[part], self.rows, cursor, items, values)

            map_parts(scatter, users.parts)
            firsts, codes, given = starts[:-1], read_only(items), read_only(values)  # sorted where they stand
        sizes, words = np.empty(n_rows, np.int64), -(-self.n_items // 64)

        def sort(low: int, high: int) -> None:
            longest = int(np.diff(starts[low : high + 1]).max(initial=0))
            own, keys, last = np.empty(longest), np.empty(longest, np.uint64), np.empty(self.n_items, np.int32)
            bits, marks = np.zeros(words, np.uint64), np.zeros(-(-words // 64), np.uint64)
            given_rows = firsts, starts, low, high, codes, self.places, given
            encoding.sort_rows(*given_rows, items, values, sizes, own, keys, bits, marks, last)

        map_blocks(sort, n_rows, threads=None if n >= _WORTH_THREADS else 1)
        if sizes.sum() == n:
            return starts, items, values
        encoding.close_rows(starts, sizes, items, values)
        return starts, items[: starts[-1]].copy(), values[: starts[-1]].copy()


def no_profiles(n_rows: int) -> Profiles:
    """Return rows that hold nothing."""
    return Profiles(np.zeros(n_rows + 1, np.int64), np.empty(0, np.int32), np.empty(0))
