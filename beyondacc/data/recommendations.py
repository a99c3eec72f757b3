"""`Recommendations`: one ranked list a user, from any container, encoded once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.checks import check_lists
from beyondacc.data.dataset import Dataset
from beyondacc.data.gaps import note_gaps, written_ranks
from beyondacc.data.ids import Ids, together
from beyondacc.data.intake.containers import as_array
from beyondacc.data.intake.kinds import fit_ids
from beyondacc.data.intake.order import Order
from beyondacc.data.intake.read import read_rows
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import Names
from beyondacc.data.intake.rows import Rows
from beyondacc.data.once import Kept, once
from beyondacc.data.ragged import Lists, room
from beyondacc.data.vocabulary import Vocabulary, id_ranks, same_kind
from beyondacc.errors import DataError
from beyondacc.kernels import align
from beyondacc.kernels.jit import read_only
from beyondacc.run.local import blocks, map_parts, n_threads
from beyondacc.types import Floats, ItemIds, UserIds

__all__ = ["Recommendations"]

_WORTH_A_THREAD: Final = 2**18  # rows that take longer to list than to start a thread


@dataclasses.dataclass(frozen=True, init=False, eq=False)
class Recommendations:
    """Ranked lists of items, one for each of some users.

    Parameters
    ----------
    users, items, ordered_by_score
        As the attributes.
    lists, scores, input_ranks : (n, K)
        Padded matrices, as the attributes; or `lists` alone, as `Lists`. They are not copied.

    Raises
    ------
    DataError
        If matrices are not of one shape with a row for each user, or `lists` hold anything but positions in `items`
        and the -1 after them.

    Attributes
    ----------
    users : (n,)
        External ids of the users, distinct.
    items : Vocabulary
        What the positions in `lists` mean.
    ragged : Lists
        The lists one after the other, which take as much memory as there are listed items.
    ordered_by_score
        Whether equal scores left the order to chance; not so for lists that came with ranks or were re-ranked.
    """

    users: pd.Index[Any]
    items: Vocabulary
    ragged: Lists
    ordered_by_score: bool

    def __init__(
        self,
        users: pd.Index[Any],
        items: Vocabulary,
        lists: Lists | ItemIds,
        scores: Floats | None = None,
        input_ranks: ItemIds | None = None,
        *,
        ordered_by_score: bool = True,
    ) -> None:
        if not isinstance(users, pd.Index) or not isinstance(items, Vocabulary):
            raise DataError(
                f"Recommendations have users of type {type(users).__name__} and items of type {type(items).__name__}; "
                "give a pandas.Index and a Vocabulary, or use Recommendations.read"
            )
        if not isinstance(lists, Lists):
            check_lists(len(users), len(items), lists, scores, input_ranks)
        ragged = lists if isinstance(lists, Lists) else Lists.of_padded(lists, scores, input_ranks)
        made = {"users": users, "items": items, "ragged": ragged, "ordered_by_score": ordered_by_score}
        self.__dict__.update(made)  # frozen for everybody else

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: nothing that was derived."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def _with(self, **changes: Any) -> Recommendations:
        """Return the same with some attributes changed."""
        given = self.__getstate__() | changes
        return Recommendations(
            given["users"], given["items"], given["ragged"], ordered_by_score=given["ordered_by_score"]
        )

    @property
    def lengths(self) -> NDArray[np.int32]:
        """How many items each list holds."""
        return self.ragged.lengths

    @property
    def lists(self) -> ItemIds:
        """Positions of the items in rank order, padded with -1, shape (n, K).

        Takes users x longest list in memory, where the lists did not come so: for a look at lists of about one length.
        """
        return self.ragged.padded["items"]

    @property
    def scores(self) -> Floats | None:
        """Scores of the items, padded with NaN, shape (n, K), or None where only the order is known; as `lists`."""
        return self.ragged.padded.get("scores")

    @property
    def input_ranks(self) -> ItemIds | None:
        """Rank of each item in the list before it was re-ranked, from 0, padded with -1, or None; as `lists`."""
        return self.ragged.padded.get("input_ranks")

    @property
    def relevance(self) -> Floats | None:
        """Score of each item in the list before it was re-ranked, padded with NaN, or None; as `lists`."""
        return self.ragged.padded.get("relevance")

    @property
    def gain(self) -> Floats | None:
        """Value of the objective when each item of a re-ranked list was picked, padded with NaN, or None; as `lists`.

        The `scores` of such lists are 1 / rank, so that they order them.
        """
        return self.ragged.padded.get("gain")

    @functools.cached_property
    def kept(self) -> Kept:
        """What is derived from the lists."""
        return Kept()

    def codes(self, data: Dataset, what: str = "recs") -> UserIds:
        """Return the position of each user in a dataset, -1 for those it does not know."""
        return self._codes(data.users, what)

    @once
    def _codes(self, users: Vocabulary, what: str) -> UserIds:
        return users.encode(self.users, axis="user", what=what, known="the dataset")

    def __len__(self) -> int:
        return len(self.users)

    def __repr__(self) -> str:
        return f"Recommendations({len(self):,} users, up to {self.lengths.max(initial=0)} items)"

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each listed item: user_id, item_id, rank (from 1) and, where known, score.

        Lists that were re-ranked have relevance, gain and input_rank (from 1) too; their score falls with the rank, so
        that whoever sorts by it keeps the order.
        """
        rows, ranks, places = self.ragged.flat()
        columns = self.ragged.columns
        frame = pd.DataFrame(
            {
                "user_id": self.users[rows],
                "item_id": self.items.decode(columns["items"][places]),
                "rank": ranks + 1,
            }
        )
        for name, column in (("score", "scores"), ("relevance", "relevance"), ("gain", "gain")):
            if column in columns:
                frame[name] = columns[column][places]
        if "input_ranks" in columns:
            frame["input_rank"] = columns["input_ranks"][places] + 1
        return frame

    def to_dict(self) -> dict[Any, list[Any]]:
        """Return ``{user: [items]}`` in external ids."""
        listed = self.items.decode(self.ragged.items[self.ragged.flat().places]).tolist()
        ends = np.cumsum(self.lengths, dtype=np.int64).tolist()
        return {
            user: listed[first:last] for user, first, last in zip(self.users.tolist(), [0, *ends], ends, strict=False)
        }

    def top(self, k: int) -> Recommendations:
        """Return the first k of each list."""
        ragged = self.ragged.top(k)
        return self if ragged is self.ragged else self._with(ragged=ragged)

    def take(self, rows: NDArray[Any]) -> Recommendations:
        """Return the lists of some users, by a mask or by their positions."""
        return self._with(users=self.users[rows], ragged=self.ragged.take(rows))

    def by_score(self, ties: Literal["reversed", "item", "number"]) -> Recommendations:
        """Return the same lists in the order of their scores, highest first; those without scores as they are.

        Parameters
        ----------
        ties
            How items of equal score are ordered: ``reversed``: against the order given; ``item``: by item id as text,
            descending; ``number``: the same, whole-number ids as numbers.
        """
        given = self.ragged
        if given.scores is None:
            return self
        other = np.empty(len(self), np.bool_)
        align.unordered_rows(given.starts, given.lengths, given.scores, other)
        if not other.any():  # all fall strictly already, as most lists do
            return self._with(ordered_by_score=True)
        rows, ranks, places = given.flat(rows=np.flatnonzero(other))
        listed, scores = given.items[places], given.scores[places]
        key: NDArray[np.int64] = ranks
        if ties != "reversed":
            key = id_ranks(self.items.ids, as_text=ties == "item")[listed]
        order = np.lexsort((-key, -scores, rows))
        given = given.with_columns(ranks=None)
        columns = {name: column.copy() for name, column in given.columns.items()}
        for name, column in columns.items():
            column[places] = given.columns[name][places[order]]
        return self._with(ragged=given.with_columns(**columns), ordered_by_score=True)

    def within(self, data: Dataset, what: str = "recs") -> Recommendations:
        """Return the same lists in the dataset's item positions; items it does not know get positions after its own."""
        known = data.items
        n = len(known)
        if self.items is known or (len(self.items) >= n and self.items.ids[:n].equals(known.ids)):
            return self
        _same_type(self.items.ids, data, "item", what)
        items = known.extend(self.items.ids)
        return self._with(items=items, ragged=self.ragged.recode(items.encode(self.items.ids)))

    @classmethod
    def read(
        cls,
        source: Any,
        data: Dataset | None = None,
        *,
        columns: Mapping[str, Any] | Names | None = None,
        duplicates: Literal["error", "first"] = "error",
        order: Order = "auto",
        ranks: Literal["order", "literal"] = "order",
        k: int | None = None,
        what: str = "recs",
        readings: list[Reading] | None = None,
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
        order
            What orders the lists: the ``"rank"``, the ``"score"``, or the ``"rows"`` as they stand. By default the rank
            does where it tells the items of a user apart, else the score, else the rows; where that is not certain, it
            is an error.
        ranks
            Whether ranks only order the items (``"order"``), or are kept as they are written, gaps included
            (``"literal"``).
        k
            How many items of each list to keep; all by default.
        what
            How messages call the lists.
        readings
            Learns what the boundary did with them.
        """
        source = as_array(source)
        if isinstance(source, cls):
            made = source if data is None else source.within(data, what)
            return made if k is None else made.top(k)
        if isinstance(source, np.ndarray):
            return cls.from_array(source, data=data, what=what).top(k or source.shape[1])
        users = None if data is None else data.users.ids
        rows = read_rows(source, what=what, columns=columns, order=order, users=users, lists=True)
        rows = fit_ids(rows, users, None if data is None else data.items.ids, what)
        if readings is not None:
            readings.append(rows.reading)
        return cls._from_rows(rows, data, what=what, duplicates=duplicates, literal=ranks == "literal", k=k)

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
        literal: bool = False,
        k: int | None = None,
        users: pd.Index[Any] | None = None,
    ) -> Recommendations:
        if data is not None:
            _same_type(rows.user, data, "user", what)
            _same_type(rows.item, data, "item", what)
        _ = rows.user.runs  # who occurs, and where their rows are
        has_gaps = note_gaps(rows, literal=literal)

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
        bounds, stride = room(lengths, k)
        listed, kept = np.empty(bounds[-1], np.int32), np.empty(len(owners), np.int32)
        scores = None if rows.score is None else np.empty(len(listed))
        ranks, given = (
            read_only(np.empty(0) if column is None else np.ascontiguousarray(column))
            for column in (rows.rank, rows.score)
        )
        codes, written = rows.item.codes, np.empty(0) if scores is None else scores

        def write(low: int, high: int) -> int:
            last, keys = np.full(len(items), -1, np.int32), np.empty(longest)
            places, spare = np.empty(longest, np.int64), np.empty(longest, np.int64)
            whose = firsts, lengths, low, high, order
            into = bounds, listed, written, kept
            return align.list_rows(*whose, codes, table, ranks, given, last, keys, places, spare, *into)

        parts = blocks(len(owners), min(n_threads(), len(rows) // _WORTH_A_THREAD))
        repeated = [row for row in map_parts(write, parts) if row >= 0]
        if duplicates == "error" and repeated:
            at = min(repeated)
            item, user = rows.item[[at]].tolist()[0], rows.user[[at]].tolist()[0]
            raise DataError(
                f"{what} lists item {item!r} more than once for user {user!r} (row {at}); "
                'remove the repetition, or pass duplicates="first" to keep the better rank'
            )
        ragged = Lists(bounds[:-1], kept, listed, scores, stride=stride)
        if has_gaps and literal:
            keys = rows.user.translate(own).astype(np.int64) * len(items) + rows.item.translate(table)
            ragged = ragged.with_columns(ranks=written_ranks(rows, keys, ragged, len(items), what))
        return cls(owners, items, ragged, ordered_by_score=rows.rank is None)


def _same_type(ids: Ids | pd.Index[Any], data: Dataset, axis: Literal["user", "item"], what: str) -> None:
    """Refuse ids of another type than the dataset's here, before they are all found to be unknown."""
    vocabulary = data.users if axis == "user" else data.items
    same_kind(ids, vocabulary.ids, axis=axis, what=what, other="the dataset")
