"""`Recommendations`: one ranked list a user, from any container, encoded once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.dataset import Dataset
from beyondacc.data.frames import Rows, read_rows
from beyondacc.data.ids import Ids, together
from beyondacc.data.memo import Memo
from beyondacc.data.vocabulary import Vocabulary, same_kind
from beyondacc.errors import DataError
from beyondacc.kernels import align
from beyondacc.kernels.jit import read_only
from beyondacc.run.local import blocks, map_parts, n_threads
from beyondacc.types import Floats, ItemIds, UserIds

__all__ = ["OF_ITEMS", "Recommendations"]

OF_ITEMS: Final = ("lists", "scores", "input_ranks", "relevance", "gain")
"""The attributes of `Recommendations` that have a number for each listed item."""
_WORTH_A_THREAD: Final = 2**18  # rows that take longer to list than to start a thread


@dataclasses.dataclass(frozen=True)
class Recommendations:
    """Ranked lists of items, one for each of some users.

    Attributes
    ----------
    users : (n,)
        External ids of the users, distinct.
    items : Vocabulary
        What the positions in `lists` mean.
    lists : (n, K)
        Positions of the items in rank order, padded with -1.
    scores : (n, K) or None
        Scores of the items, padded with NaN, or None where only the order is known.
    input_ranks, relevance, gain : (n, K) or None
        For lists that were re-ranked: the rank of each item in the list before, from 0, padded with -1; its score there
        (None where that list had none) and the value of the objective when it was picked, both padded with NaN. Their
        `scores` are 1 / rank, the rank from 1.
    ordered_by_score
        Whether equal scores left the order to chance; not so for lists that came with ranks or were re-ranked.
    """

    users: pd.Index[Any]
    items: Vocabulary
    lists: ItemIds
    scores: Floats | None = None
    input_ranks: ItemIds | None = None
    ordered_by_score: bool = True
    relevance: Floats | None = None
    gain: Floats | None = None

    @functools.cached_property
    def lengths(self) -> NDArray[np.int32]:
        """How many items each list holds."""
        found = np.empty(len(self.lists), np.int32)
        align.length_rows(self.lists, found)
        return found

    @functools.cached_property
    def _codes(self) -> Memo:
        return Memo()

    def codes(self, data: Dataset, what: str = "recs") -> UserIds:
        """Return the position of each user in a dataset, -1 for those it does not know."""
        users = data.users
        return self._codes(users, lambda: users.encode(self.users, axis="user", what=what, known="the dataset"))

    def __len__(self) -> int:
        return len(self.users)

    def __repr__(self) -> str:
        return f"Recommendations({len(self):,} users, up to {self.lists.shape[1]} items)"

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each listed item: user_id, item_id, rank (from 1) and, where known, score.

        Lists that were re-ranked have relevance, gain and input_rank (from 1) too; their score falls with the rank, so
        that whoever sorts by it keeps the order.
        """
        rows, ranks = np.nonzero(self.lists >= 0)
        frame = pd.DataFrame(
            {
                "user_id": self.users[rows],
                "item_id": self.items.decode(self.lists[rows, ranks]),
                "rank": ranks + 1,
            }
        )
        for name, numbers in (("score", self.scores), ("relevance", self.relevance), ("gain", self.gain)):
            if numbers is not None:
                frame[name] = numbers[rows, ranks]
        if self.input_ranks is not None:
            frame["input_rank"] = self.input_ranks[rows, ranks] + 1
        return frame

    def to_dict(self) -> dict[Any, list[Any]]:
        """Return ``{user: [items]}`` in external ids."""
        return {
            user: self.items.decode(row[:n]).tolist()
            for user, row, n in zip(self.users.tolist(), self.lists, self.lengths, strict=True)
        }

    def top(self, k: int) -> Recommendations:
        """Return the first k of each list."""
        cut: dict[str, Any] = {
            name: None if (array := getattr(self, name)) is None else np.ascontiguousarray(array[:, :k])
            for name in OF_ITEMS
        }
        return dataclasses.replace(self, **cut)

    def by_score(self, ties: Literal["reversed", "item"]) -> Recommendations:
        """Return the same lists in the order of their scores, highest first; those without scores as they are.

        Parameters
        ----------
        ties
            How items of equal score are ordered: ``reversed``: against the order given; ``item``: by item id as text,
            descending.
        """
        if self.scores is None:
            return self
        again = dataclasses.replace(self, ordered_by_score=True)
        within = self.lists[:, 1:] >= 0
        other = np.flatnonzero(((self.scores[:, 1:] >= self.scores[:, :-1]) & within).any(axis=1))
        if not len(other):  # all fall strictly already, as most lists do
            return again
        places, ranks = np.nonzero(self.lists[other] >= 0)
        rows = other[places]
        listed, scores = self.lists[rows, ranks], self.scores[rows, ranks]
        key: NDArray[np.int64] = ranks
        if ties == "item":
            key = np.empty(len(self.items), np.int64)
            key[np.argsort(self.items.ids.astype(str).to_numpy(), kind="stable")] = np.arange(len(key))
            key = key[listed]
        order = np.lexsort((-key, -scores, rows))
        moved: dict[str, Any] = {}
        for name in OF_ITEMS:
            if (array := getattr(self, name)) is not None:
                moved[name] = array.copy()
                moved[name][rows, ranks] = array[rows, ranks][order]
        return dataclasses.replace(again, **moved)

    def within(self, data: Dataset, what: str = "recs") -> Recommendations:
        """Return the same lists in the dataset's item positions; items it does not know get positions after its own."""
        known = data.items
        n = len(known)
        if self.items is known or (len(self.items) >= n and self.items.ids[:n].equals(known.ids)):
            return self
        _same_type(self.items.ids, data, "item", what)
        items = known.extend(self.items.ids)
        codes = np.append(items.encode(self.items.ids), np.int32(-1))
        return dataclasses.replace(self, items=items, lists=codes[self.lists])

    @classmethod
    def read(
        cls,
        source: Any,
        data: Dataset | None = None,
        *,
        columns: Mapping[str, str] | None = None,
        duplicates: Literal["error", "first"] = "error",
        k: int | None = None,
        what: str = "recs",
    ) -> Recommendations:
        """Make lists from any container.

        Parameters
        ----------
        source
            A frame with user, item and optionally rank or score (rank by ``rank`` ascending where that column is there,
            else by ``score`` descending; equal values keep the input order), a dict ``{user: [items]}`` or
            ``{user: {item: score}}``, an int array (users, K) of item ids padded with -1 whose rows are the users of
            `data` in their order, or Recommendations.
        data
            Whose item positions to use; ids it does not know are added.
        columns
            Names of columns that are not recognised.
        duplicates
            What to do where an item stands twice in a list: raise, or keep the better rank.
        k
            How many items of each list to keep; all by default.
        what
            How messages call the lists.
        """
        if isinstance(source, cls):
            made = source if data is None else source.within(data, what)
            return made if k is None or k >= made.lists.shape[1] else made.top(k)
        if isinstance(source, np.ndarray):
            return cls.from_array(source, data=data, what=what).top(k or source.shape[1])
        rows = read_rows(source, what=what, columns=columns)
        return cls._from_rows(rows, data, what=what, duplicates=duplicates, k=k)

    @classmethod
    def from_array(
        cls, array: NDArray[Any], *, users: Any = None, data: Dataset | None = None, what: str = "recs"
    ) -> Recommendations:
        """Make lists from an int array (users, K) of item ids padded with -1, best first.

        Parameters
        ----------
        users : (n,)
            External ids of the rows; the users of `data`, in their order, by default.
        """
        if array.ndim != 2 or array.dtype.kind not in "iu":
            raise DataError(
                f"{what} is an array of shape {array.shape} and type {array.dtype}; "
                "an array must be (users, k) whole numbers, the item ids in rank order padded with -1"
            )
        if users is None and data is None:
            raise DataError(f"{what} is an array; pass users=, the user id of each row")
        ids = pd.Index(data.users.ids if users is None and data is not None else users)
        if len(ids) != len(array):
            raise DataError(
                f"{what} is an array of {len(array)} rows for {len(ids)} users; give one row for each user of the "
                "Dataset in the order of data.users, or make it with Recommendations.from_array(array, users=...)"
            )
        if (array < -1).any():
            raise DataError(
                f"{what} holds {int(array.min())}; item ids of an array must be >= 0, or -1 where a list ends"
            )
        positions, ranks = np.nonzero(array >= 0)
        owners = Ids.of(ids)
        rows = Rows(
            user=Ids(owners.codes.take(positions), owners.distinct, exact=False),
            item=Ids.of(pd.Index(array[positions, ranks].astype(np.int64))),
        )
        return cls._from_rows(rows, data, what=what, users=ids)

    @classmethod
    def _from_rows(
        cls,
        rows: Rows,
        data: Dataset | None,
        *,
        what: str,
        duplicates: str = "error",
        k: int | None = None,
        users: pd.Index[Any] | None = None,
    ) -> Recommendations:
        if data is not None:
            _same_type(rows.user, data, "user", what)
            _same_type(rows.item, data, "item", what)
        _ = rows.user.runs  # who occurs, and where their rows are

        def number_users() -> tuple[pd.Index[Any], ItemIds]:
            known = None if data is None or users is not None or rows.owners is not None else data.users.some(rows.user)
            if known is not None:
                return known
            everyone: list[Ids | pd.Index[Any]] = [rows.user] if rows.owners is None else [rows.user, rows.owners]
            vocabulary, tables = Vocabulary.numbering(everyone, users)
            return vocabulary.ids, tables[0]

        def number_items() -> tuple[Vocabulary, list[ItemIds]]:
            return Vocabulary.numbering([rows.item]) if data is None else data.items.join([rows.item])

        tasks: list[Callable[[], Any]] = [number_users, number_items]
        (owners, own), (items, (table,)) = together(tasks, len(rows))
        firsts, lengths, order = rows.user.grouped(own, len(owners))
        longest = int(lengths.max(initial=0))
        width = longest if k is None else min(k, longest)
        lists = np.empty((len(owners), max(width, 1)), np.int32)
        scores = None if rows.score is None else np.empty(lists.shape)
        ranks, given = (
            read_only(np.empty(0) if column is None else np.ascontiguousarray(column))
            for column in (rows.rank, rows.score)
        )
        codes, written = rows.item.codes, np.empty((0, 0)) if scores is None else scores

        def write(low: int, high: int) -> int:
            last, keys = np.full(len(items), -1, np.int32), np.empty(longest)
            places, spare = np.empty(longest, np.int64), np.empty(longest, np.int64)
            whose = firsts, lengths, low, high, order
            return align.list_rows(*whose, codes, table, ranks, given, last, keys, places, spare, lists, written)

        parts = blocks(len(owners), min(n_threads(), len(rows) // _WORTH_A_THREAD))
        repeated = [row for row in map_parts(write, parts) if row >= 0]
        if duplicates == "error" and repeated:
            at = min(repeated)
            item, user = rows.item[[at]].tolist()[0], rows.user[[at]].tolist()[0]
            raise DataError(
                f"{what} lists item {item!r} more than once for user {user!r} (row {at}); "
                'remove the repetition, or pass duplicates="first" to keep the better rank'
            )
        return cls(owners, items, lists, scores, ordered_by_score=rows.rank is None)


def _same_type(ids: Ids | pd.Index[Any], data: Dataset, axis: Literal["user", "item"], what: str) -> None:
    """Refuse ids of another type than the dataset's here, before they are all found to be unknown."""
    vocabulary = data.users if axis == "user" else data.items
    same_kind(ids, vocabulary.ids, axis=axis, what=what, other="the dataset")
