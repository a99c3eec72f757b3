"""What is known about the items, whoever the users are: counts that merge, features, vectors, the catalogue."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.arrow import STRING
from beyondacc.data.features import Features
from beyondacc.data.ids import encode_index
from beyondacc.data.intake.dates import as_days
from beyondacc.data.intake.kinds import Part, settle
from beyondacc.data.intake.roles import Names
from beyondacc.data.items import Items, read_items
from beyondacc.data.once import Kept, once
from beyondacc.data.profiles import Profiles
from beyondacc.data.vocabulary import Vocabulary, hash_ids, same_kind
from beyondacc.errors import DataError
from beyondacc.types import Bools, Floats, ItemIds

__all__ = ["Counts", "ItemFacts", "World", "pad"]


class Counts(Protocol):
    """How popular the items are, and how many rows there are."""

    def per_item(self, items: Vocabulary) -> NDArray[np.int64]:
        """Return the number of training users of each item, shape (items,)."""
        ...

    @property
    def n_users(self) -> int:
        """Number of users with a training row."""
        ...


@dataclasses.dataclass(frozen=True, eq=False)
class ItemFacts:
    """What metrics need to know of the rows of all users: counts, which are added up over parts of the users.

    A part is made of whole users: all training and test rows of a user are in one of them. Facts take 12 bytes an item
    besides its id, and can be pickled.

    Attributes
    ----------
    ids : (n,)
        The items with training rows, ascending.
    counts : (n,)
        How many users have each of them among their training rows.
    n_users, n_rows
        Number of users with a training row, and of training rows.
    greatest_gain
        The greatest gain of a relevant test row; 0 without any.
    """

    ids: pd.Index
    counts: NDArray[np.int64]
    n_users: int
    n_rows: int
    greatest_gain: float

    @classmethod
    def of(cls, items: Vocabulary, train: Profiles | None, greatest_gain: float = 0.0) -> ItemFacts:
        """Count the training rows, whose items are those of a vocabulary."""
        rows = _Rows(train)
        counts = rows.per_item(items)
        listed = np.flatnonzero(counts)
        listed = listed[np.argsort(items.places[listed], kind="stable")]
        return cls(items.ids.take(listed), counts[listed], rows.n_users, int(counts.sum()), greatest_gain)

    @classmethod
    def merge(cls, facts: Iterable[ItemFacts]) -> ItemFacts:
        """Add up the facts of parts of the users, in any order.

        Raises
        ------
        DataError
            If there are none, or the ids of some are texts and those of others are numbers.
        """
        parts = list(facts)
        if not parts:
            raise DataError("there are no facts to merge; give those of at least one part of the users")
        filled = [part.ids for part in parts if len(part.ids)]
        for ids in filled[1:]:
            same_kind(ids, filled[0], axis="item", what="one part", other="another")
        ids, places = pd.Index([], dtype=STRING), np.empty(0, np.int32)
        if filled:
            joined = encode_index(filled)
            ranks, ids = joined.ascending()
            places = joined.translate(ranks)
        counts = np.zeros(len(ids), np.int64)
        np.add.at(counts, places, np.concatenate([part.counts for part in parts]) if filled else counts)
        return cls(
            ids,
            counts,
            sum(part.n_users for part in parts),
            sum(part.n_rows for part in parts),
            max(part.greatest_gain for part in parts),
        )

    def per_item(self, items: Vocabulary) -> NDArray[np.int64]:
        """Return the number of training users of each item of a vocabulary."""
        places = Vocabulary(self.ids, checked=True).encode(items.ids, what="the items", known="the facts")
        return np.append(self.counts, 0)[places]

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        most = int(self.counts.max(initial=0))
        state["counts"] = self.counts.astype(np.uint32 if most < 2**32 else np.uint64)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"counts": state["counts"].astype(np.int64)})

    def __repr__(self) -> str:
        return f"ItemFacts({len(self.ids):,} items, {self.n_users:,} users, {self.n_rows:,} training rows)"


@dataclasses.dataclass(frozen=True)
class _Rows:
    """Counts of the rows of all users, which are made when they are asked for."""

    train: Profiles | None

    def per_item(self, items: Vocabulary) -> NDArray[np.int64]:
        return np.zeros(len(items), np.int64) if self.train is None else self.train.item_counts(len(items))

    @property
    def n_users(self) -> int:
        return 0 if self.train is None else int(np.count_nonzero(self.train.occupied))


class World:
    """The items and what is known about them: made once, shared by all parts of the users, never holding a user.

    Parameters
    ----------
    facts : ItemFacts
        The counts of all training rows.
    items
        The items table, as in `Dataset`: it is the catalogue; without it the items with training rows are.
    columns, genre_sep, vectors
        As in `Dataset`.

    Attributes
    ----------
    items : Vocabulary
        Those of the items table, then further ones with training rows, ascending, then strangers.
    n_known
        How many of them are no strangers: those are items of some users alone, which have no features and no training
        users, and are not in the catalogue.
    catalogue : (items,)
        Which items can be recommended.
    features : Features or None
    vectors : (items, d) or None
    titles, table
        Of the items table, or None.
    """

    def __init__(
        self,
        facts: ItemFacts,
        items: Any = None,
        *,
        columns: Any = None,
        genre_sep: str | None = None,
        vectors: Any = None,
    ) -> None:
        names = columns if isinstance(columns, Names) else Names(columns)
        table = None if items is None else read_items(items, columns=names, genre_sep=genre_sep)
        if names is not columns:
            names.check_used()
        if table is not None:
            known, own = Part("train", facts.ids, written=False), Part("items", table.ids, table.written)
            table = dataclasses.replace(table, ids=settle([known, own], "auto", "item")[1], written=False)
            if vectors is not None:  # whose labels are ids
                table = table.with_vectors(vectors, names)
        elif vectors is not None:
            raise DataError("vectors= are those of the items table; pass items= too")
        first = None if table is None else table.ids
        labels = ["items", "train"] if table is not None else ["train"]
        vocabulary = Vocabulary.numbering([facts.ids], first, axis="item", names=labels)[0]
        self._fill(vocabulary, table, facts, partial=True)

    @classmethod
    def of_rows(
        cls, items: Vocabulary, n_known: int, table: Items | None, listed: Bools, train: Profiles | None
    ) -> World:
        """Return the world of a dataset that holds all users.

        Parameters
        ----------
        listed : (n_known,)
            Which items have training rows.
        """
        made = cls.__new__(cls)
        made._fill(items, table, _Rows(train), n_known, listed, partial=False)  # noqa: SLF001 - its own
        return made

    def _fill(
        self,
        items: Vocabulary,
        table: Items | None,
        counts: Counts,
        n_known: int | None = None,
        listed: Bools | None = None,
        *,
        partial: bool,
    ) -> None:
        self.items, self.n_known = items, len(items) if n_known is None else n_known
        self.counts, self.kept, self._base = counts, Kept(), self
        self._table, self._listed = table, listed
        #: Whether the counts are those of more users than any dataset of this world need have.
        self.partial = partial
        _ = self.vectors  # copied, whatever happens to those that were given

    def with_strangers(self, items: Vocabulary) -> World:
        """Return the same with items that nothing is known of; `items` begins with those of this world."""
        if len(items) == len(self.items):
            return self
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__ | {"items": items, "kept": Kept()})
        return made

    def __getstate__(self) -> dict[str, Any]:
        counts = self.counts
        if isinstance(counts, _Rows):
            counts = ItemFacts.of(self.items, counts.train)
        return self.__dict__ | {"counts": counts, "kept": Kept()}

    @property
    def n_items(self) -> int:
        """Number of items, strangers included."""
        return len(self.items)

    @property
    @once
    def item_counts(self) -> NDArray[np.int64]:
        """Number of training users of each item."""
        base = self._base
        return pad(base.item_counts, self.n_items) if base is not self else self.counts.per_item(self.items)

    @property
    @once
    def n_train_users(self) -> int:
        """Number of users with at least one training row."""
        return int(self.counts.n_users)

    @property
    def greatest_gain(self) -> float:
        """The greatest gain of a relevant test row of all users, where this world was made from facts; else 0."""
        return self.counts.greatest_gain if self.partial and isinstance(self.counts, ItemFacts) else 0.0

    @property
    @once
    def catalogue(self) -> Bools:
        """Which items can be recommended."""
        if self._base is not self:
            return pad(self._base.catalogue, self.n_items)
        found = np.zeros(self.n_items, np.bool_)
        if self._table is not None:
            found[: len(self._table.ids)] = True
        else:
            found[: self.n_known] = self.item_counts[: self.n_known] > 0 if self._listed is None else self._listed
        return found

    @property
    @once
    def features(self) -> Features | None:
        """Feature sets of all items."""
        if self._table is None or self._table.genres is None:
            return None
        if self._base is not self:
            features = self._base.features
            return features and features.extend(self.n_items)
        genres = self._table.genres
        return Features.build(genres.indptr, genres.indices, genres.names, self.n_items, genres.weights)

    @property
    @once
    def vectors(self) -> Floats | None:
        """Vectors of all items."""
        if self._table is None or self._table.vectors is None:
            return None
        if self._base is not self:
            vectors = self._base.vectors
            return None if vectors is None else pad(vectors, self.n_items)
        made: Floats = pad(self._table.vectors, self.n_items).copy()  # whatever happens to those that were given
        return made

    @property
    def titles(self) -> pd.Index | None:
        """Titles of the items of the items table."""
        return None if self._table is None else self._table.titles

    @property
    @once
    def table(self) -> pd.DataFrame | None:
        """The columns to group by: a row an item."""
        return None if self._table is None else self._table.frame.reindex(range(self.n_items))

    @property
    @once
    def dates(self) -> NDArray[np.datetime64] | None:
        """The day of each item, NaT where unknown, or None where the items table has no dates."""
        if self._table is None or self._table.date_column is None:
            return None
        base, column = self._base, self._table.date_column
        if base is not self:
            dates = base.dates
            assert dates is not None  # noqa: S101 - of the same table
            return np.append(dates, np.full(self.n_items - len(dates), np.datetime64("NaT"), dates.dtype))
        table = self.table
        assert table is not None  # noqa: S101 - it has a column
        return as_days(table[column], f"column {column!r} of items", self._table.reading)

    @property
    def date_column(self) -> str | None:
        """The column of the items table that holds dates, if one does."""
        return None if self._table is None else self._table.date_column

    @property
    @once
    def by_popularity(self) -> ItemIds:
        """The catalogue, most popular first; equally popular items in the order of their ids."""
        if self._base is not self:
            return self._base.by_popularity
        order = np.lexsort((self.items.places, -self.item_counts))
        return order[self.catalogue[order]].astype(np.int32)

    @property
    @once
    def preference_shares(self) -> NDArray[np.float64]:
        """Share of the training rows that fall on items with each feature."""
        features, counts = self.features, self.item_counts
        assert features is not None  # noqa: S101 - what is needed was checked
        per_row = np.repeat(counts, np.diff(features.starts))
        return np.asarray(np.bincount(features.ids, per_row, len(features.names)) / counts.sum())

    @property
    @once
    def item_hashes(self) -> NDArray[np.uint64]:
        """A number for each item that depends on its external id alone."""
        return hash_ids(self.items.ids)

    @property
    @once
    def fingerprint(self) -> str:
        """What tells worlds of other items or other counts apart; strangers do not change it."""
        if self._base is not self:
            return self._base.fingerprint
        known = slice(self.n_known)
        found = hashlib.blake2b(digest_size=8)
        for numbers in (hash_ids(self.items.ids[known]), self.item_counts[known], self.catalogue[known]):
            found.update(np.ascontiguousarray(numbers).tobytes())
        found.update(str(self.n_train_users).encode())
        return found.hexdigest()

    def __repr__(self) -> str:
        return f"World({int(self.catalogue.sum()):,} items)"


def pad(array: NDArray[Any], n: int) -> NDArray[Any]:
    """Append zeros up to n rows."""
    if len(array) == n:
        return array
    return np.concatenate([array, np.zeros((n - len(array), *array.shape[1:]), array.dtype)])
