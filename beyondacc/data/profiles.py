"""The items of each user: compressed rows, made from coded ones by counting."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.data.ids import Ids
from beyondacc.kernels import align, encoding
from beyondacc.run.local import map_blocks, map_parts
from beyondacc.types import Floats, ItemIds, Offsets, UserIds

__all__ = ["Profiles"]

_WORTH_THREADS: Final = 2**18  # rows that take longer to sort than to start threads


@dataclasses.dataclass(frozen=True)
class Profiles:
    """The items of each user with a value each: compressed rows, items ascending and distinct within a row."""

    starts: Offsets
    items: ItemIds
    values: NDArray[np.float64]

    @classmethod
    def build(
        cls,
        users: Ids,
        items: Ids,
        values: Floats | None,
        *,
        rows: UserIds,
        places: ItemIds,
        n_rows: int,
        n_items: int,
    ) -> Profiles:
        """Compress rows; of equal (row, item) pairs the last value is kept.

        Parameters
        ----------
        users, items
            Of each input row.
        values
            Of each input row; 1 by default.
        rows, places
            What the distinct users and items are called here.
        """
        n = len(users)
        counts = np.zeros((len(users.counts), n_rows), np.int64)
        known = rows >= 0
        counts[:, rows[known]] = users.counts[:, known]
        starts = np.zeros(n_rows + 1, np.int64)
        np.cumsum(counts.sum(axis=0), out=starts[1:])
        # where each part of the input begins to write in each row: after what the parts before it write
        cursors = starts[:-1] + np.cumsum(counts, axis=0) - counts
        made = cls(starts, np.empty(n, np.int32), np.ones(n) if values is None else np.empty(n))
        given = np.empty(0) if values is None else np.ascontiguousarray(values, np.float64).view()
        given.flags.writeable = False  # as the columns of a frame, so that the kernel is compiled once
        written = made.values[: len(given)]
        numbered = dict(zip(users.parts, cursors, strict=True))

        def scatter(low: int, high: int) -> None:
            part = slice(low, high)
            cursor = numbered[low, high]
            encoding.scatter_rows(
                users.codes[part], items.codes[part], given[part], rows, places, cursor, made.items, written
            )

        def sort(low: int, high: int) -> int:
            longest = int(np.diff(starts[low : high + 1]).max(initial=0))
            keys, own, counts = np.empty((2, longest), np.uint64), np.empty(longest), np.empty(257, np.int64)
            digits = -(-max(n_items - 1, 0).bit_length() // 8)
            return encoding.sort_rows(starts, low, high, digits, made.items, written, keys, own, counts)

        map_parts(scatter, users.parts)
        return made._last_ones() if sum(map_blocks(sort, n_rows, threads=None if n >= _WORTH_THREADS else 1)) else made

    def _last_ones(self) -> Profiles:
        """Keep the last of each item that stands again in its row."""
        kept = np.append(self.items[1:] != self.items[:-1], np.True_)
        ends = self.starts[1:][self.sizes > 0] - 1
        kept[ends] = True
        before = np.concatenate([[0], np.cumsum(kept)])
        return Profiles(before[self.starts], self.items[kept], self.values[kept])

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
