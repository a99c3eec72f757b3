"""A `Dataset`: training rows, relevant test rows and items, encoded and validated once."""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.data.columns import as_days
from beyondacc.data.frames import read_rows
from beyondacc.data.groups import read_users
from beyondacc.data.ids import Ids, together
from beyondacc.data.intake.rows import Rows
from beyondacc.data.items import Items, read_items
from beyondacc.data.memo import Memo
from beyondacc.data.profiles import Profiles
from beyondacc.data.relevance import Zeros, judge
from beyondacc.data.repeats import Repeats, one_of_each
from beyondacc.data.split import make_split
from beyondacc.data.vocabulary import Vocabulary, factorize
from beyondacc.errors import DataError, SpecError
from beyondacc.spec.params import Param
from beyondacc.types import Bits, Floats, ItemIds, Offsets, UserIds

__all__ = ["Dataset", "Features", "Profiles", "pad"]


@dataclasses.dataclass(frozen=True)
class Features:
    """Feature sets of items, as compressed rows and as bits.

    Attributes
    ----------
    starts, ids
        Compressed rows: the features of item i are ``ids[starts[i]:starts[i + 1]]``.
    bits : (n_items, words)
        The same as bit sets of 64-bit words.
    names
        Of the features.
    weights
        Of each of `ids`, or None where they have none.
    """

    starts: Offsets
    ids: ItemIds
    bits: Bits
    names: list[str]
    weights: Floats | None = None

    @classmethod
    def build(
        cls, starts: Offsets, ids: ItemIds, names: list[str], n_items: int, weights: Floats | None = None
    ) -> Features:
        """Set the bits; items past the rows given have no features."""
        missing = n_items + 1 - len(starts)
        starts = np.concatenate([starts, np.full(missing, starts[-1])]) if missing > 0 else starts
        bits = np.zeros((n_items, max(1, -(-len(names) // 64))), np.uint64)
        rows = np.repeat(np.arange(n_items), np.diff(starts))
        np.bitwise_or.at(bits, (rows, ids >> 6), np.left_shift(np.uint64(1), (ids & 63).astype(np.uint64)))
        return cls(starts, ids, bits, names, weights)

    @functools.cached_property
    def sizes(self) -> NDArray[np.float64]:
        """How many features each item has."""
        return np.diff(self.starts).astype(np.float64)

    @functools.cached_property
    def most(self) -> int:
        """How many features an item has at most."""
        return int(self.sizes.max(initial=0))

    def extend(self, n_items: int) -> Features:
        """Return the same with items added that have no features."""
        return Features.build(self.starts, self.ids, self.names, n_items, self.weights)


class Dataset:
    """What recommendations are evaluated against.

    Parameters
    ----------
    train, test
        Interactions: a pandas, polars or arrow frame, a scipy.sparse matrix (users x items), a dict
        ``{user: [items]}`` or ``{user: {item: value}}``, or tuples. Either may be absent; a metric that needs it says
        so.
    items
        A frame with an item id and optionally title, genres and vector columns, or a dict ``{item: [genres]}``. It is
        the catalogue; without it the training items are.
    columns
        Names of columns that are not recognised, such as ``{"user": "customer", "item": "sku"}``.
    threshold
        Only test rows with at least this value are relevant, with gain 1 unless `graded`; the others are judged not
        relevant. Without it a test row with a value above 0 is relevant, and its value is its gain.
    zeros
        Without a threshold, a test row of value 0 or False is ``"judged"`` not relevant, or ``"relevant"`` with gain 1.
    repeats
        Which of several rows with the same user and item counts: the ``"last"`` one (by time where the table has one,
        else in order), or one with their values' ``"max"`` or ``"sum"``; or an ``"error"``. It is settled before any
        threshold.
    genre_sep
        Separates the genres in a text column.
    vectors : (n_items, d)
        One vector for each row of `items`.
    users
        The users table, a frame with a user id and columns to group by, or a dict ``{user: group}``, for `Report.by`.

    Attributes
    ----------
    users, items : Vocabulary
        The external ids; positions in them are what kernels see. Items are in the order of the items table.
    train, test : Profiles or None
        Training rows, and relevant test rows with their gains.
    judged : Profiles or None
        Test rows judged not relevant, with their values; None where there are none.
    catalogue : (n_items,)
        Which items can be recommended.
    features : Features or None
    vectors : (n_items, d) or None
    item_table, user_table : DataFrame or None
        The columns to group by: a row an item of the dataset, and a row a user, by id.

    Raises
    ------
    DataError
        If a table lacks a column, is empty, or holds values that cannot be used.
    """

    def __init__(
        self,
        train: Any = None,
        test: Any = None,
        items: Any = None,
        *,
        columns: Mapping[str, str] | None = None,
        threshold: float | None = None,
        graded: bool = False,
        zeros: Zeros = "judged",
        repeats: Repeats = "last",
        genre_sep: str = "|",
        vectors: Any = None,
        users: Any = None,
    ) -> None:
        if train is None and test is None and items is None:
            raise DataError("a Dataset needs at least one of train=, test= and items=")
        if graded and threshold is None:
            raise SpecError("graded=True keeps the gains of rows at or above threshold=, which was not given")
        if vectors is not None and items is None:
            raise DataError("vectors= has one row for each row of the items table; pass items= too")
        _check("zeros", zeros, Zeros)
        _check("repeats", repeats, Repeats)
        train_rows, test_rows = (
            None if source is None else _read(source, what, columns, repeats)
            for source, what in ((train, "train"), (test, "test"))
        )
        table = None if items is None else read_items(items, columns=columns, genre_sep=genre_sep, vectors=vectors)
        tables = {name: rows for name, rows in (("train", train_rows), ("test", test_rows)) if rows}
        first = None if table is None else table.ids
        (self.users, user_codes), (self.items, item_codes) = together(
            [
                lambda: _vocabulary(tables, "user", None),
                lambda: _vocabulary(tables, "item", first),
            ],
            max((len(rows) for rows in tables.values()), default=0),
        )
        self.titles = None if table is None else table.titles
        self.train = (
            None if train_rows is None else self._profiles(train_rows, user_codes["train"], item_codes["train"])
        )
        self.test: Profiles | None = None
        self.judged: Profiles | None = None
        self._judgements: Profiles | None = None
        self.threshold = threshold
        self._rated = test_rows is not None and "rating" in test_rows.numbers
        if test_rows is not None:
            self._judgements = self._profiles(test_rows, user_codes["test"], item_codes["test"])
            self._judge(threshold, zeros, graded)
        self.catalogue = np.zeros(len(self.items), np.bool_)
        if table is not None:
            self.catalogue[: len(table.ids)] = True
        elif train_rows is not None:
            self.catalogue[item_codes["train"][train_rows.item.occurring]] = True
        self.features = self._features(table)
        self.vectors = self._vectors(table)
        self._date_column = table and table.date_column
        self.item_table = None if table is None else table.frame.reindex(range(len(self.items)))
        self.user_table = None if users is None else read_users(users, columns)
        self.derive = Memo()

    @classmethod
    def split(
        cls,
        ratings: Any,
        items: Any = None,
        *,
        how: str = "holdout(fraction=0.2)",
        seed: int = 0,
        columns: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Dataset:
        """Hold out some of the interactions as the test set.

        Parameters
        ----------
        ratings
            Interactions, in any form `train` takes. Of rows with the same user and item one is left before they are
            split, so that no pair is on both sides.
        items
            The items table.
        how
            ``"holdout(fraction=0.2)"``: a share of each user's rows, at random; ``"leave-one-out"``: each user's latest
            row, a random one without timestamps; ``"by-time(fraction=0.2)"``: the latest share of all rows.
        seed
            Of the random choice.
        columns, options
            As in `Dataset`.

        Raises
        ------
        SpecError
            If there is no such split.
        DataError
            If the split leaves no test row, or needs timestamps that are not there.
        """
        chosen = make_split(how)
        repeats = _check("repeats", options.pop("repeats", "last"), Repeats)
        rows = one_of_each(read_rows(ratings, what="ratings", columns=columns), repeats, what="ratings")
        codes, _ = factorize(rows.user)
        held_out = chosen.mask(codes, rows.timestamp, seed)
        return cls(train=rows.where(~held_out), test=rows.where(held_out), items=items, columns=columns, **options)

    def with_binary_gains(self) -> Dataset:
        """Return the same with a gain of 1 for every relevant item."""
        test = self.test and self.test.unvalued()
        if test is self.test:
            return self
        found = copy.copy(self)
        found.test = test
        found.derive = Memo()
        return found

    def with_relevance(self, *, threshold: float | None, zeros: Zeros = "judged", graded: bool = False) -> Dataset:
        """Return the same with other test rows relevant; parameters as in `Dataset`."""
        if self._judgements is None:
            return self
        found = copy.copy(self)
        found.threshold = threshold
        found._judge(threshold, zeros, graded)  # noqa: SLF001 - its own
        found.derive = Memo()
        return found

    def _judge(self, threshold: float | None, zeros: Zeros, graded: bool) -> None:
        assert self._judgements is not None  # noqa: S101 - who calls looked
        rules: dict[str, Any] = {"threshold": threshold, "zeros": zeros, "graded": graded}
        self.test, self.judged = judge(self._judgements, rated=self._rated, **rules)

    def __repr__(self) -> str:
        parts = [f"{len(self.users):,} users", f"{int(self.catalogue.sum()):,} items"]
        parts += [f"{len(rows.items):,} {name} rows" for name in ("train", "test") if (rows := getattr(self, name))]
        if self.features:
            parts.append(f"{len(self.features.names)} genres")
        if self.vectors is not None:
            parts.append(f"vectors of {self.vectors.shape[1]}")
        return f"Dataset({', '.join(parts)})"

    def _profiles(self, rows: Rows, users: UserIds, items: ItemIds) -> Profiles:
        shape: dict[str, Any] = {"n_rows": len(self.users), "n_items": len(self.items)}
        # they are looked at when something needs them
        given: dict[str, Any] = {"values": rows.numbers.get("rating"), "times": rows.numbers.get("timestamp")}
        return Profiles.build(rows.user, rows.item, rows=users, places=items, **given, **shape)

    def _features(self, table: Items | None) -> Features | None:
        if table is None or table.genres is None:
            return None
        genres = table.genres
        return Features.build(genres.indptr, genres.indices, genres.names, len(self.items), genres.weights)

    def _vectors(self, table: Items | None) -> Floats | None:
        if table is None or table.vectors is None:
            return None
        vectors: Floats = pad(table.vectors, len(self.items)).copy()  # whatever happens to those that were given
        return vectors

    @property
    def dates(self) -> NDArray[np.datetime64] | None:
        """The day of each item, NaT where unknown, or None where the items table has no dates."""
        table, column = self.item_table, self._date_column
        if table is None or column is None:
            return None
        return self.derive("dates", lambda: as_days(table[column], f"column {column!r} of items"))

    @property
    def item_counts(self) -> NDArray[np.int64]:
        """Number of training users of each item."""
        if self.train is None:
            return np.zeros(len(self.items), np.int64)
        train = self.train
        return self.derive("item_counts", lambda: train.item_counts(len(self.items)))

    @property
    def n_train_users(self) -> int:
        """Number of users with at least one training row."""
        return 0 if self.train is None else int(np.count_nonzero(self.train.occupied))

    @property
    def by_popularity(self) -> ItemIds:
        """The catalogue, most popular first; equally popular items in catalogue order."""

        def build() -> ItemIds:
            order = np.argsort(-self.item_counts, kind="stable")
            return order[self.catalogue[order]].astype(np.int32)

        return self.derive("by_popularity", build)

    @property
    def matrix(self) -> sparse.csr_array:
        """The training rows as a matrix of shape (users, items)."""
        if self.train is None:
            raise DataError("the training matrix was asked for, but the Dataset has no train=")
        return self.train.matrix(len(self.items))


def _vocabulary(
    tables: dict[str, Rows], axis: Literal["user", "item"], first: pd.Index[Any] | None
) -> tuple[Vocabulary, dict[str, ItemIds]]:
    """Join the ids of all tables; the extent of a sparse matrix counts, so that positions stay what they were.

    Returns
    -------
    Vocabulary
    codes
        Of the distinct ids of each table.
    """
    parts: list[Ids | pd.Index[Any]] = [getattr(rows, axis) for rows in tables.values()]
    if axis == "user":  # who occurs is also where their rows are, which profiles need
        _ = [rows.user.runs for rows in tables.values()]
    names = [*([] if first is None else ["items"]), *tables]
    extents = [rows.shape[axis == "item"] for rows in tables.values() if rows.shape is not None]
    if extents:
        parts.append(pd.RangeIndex(max(extents)))
        names.append("the sparse matrix")
    vocabulary, codes = Vocabulary.numbering(parts, first, axis=axis, names=names)
    return vocabulary, dict(zip(tables, codes, strict=False))


def _read(source: Any, what: str, columns: Mapping[str, str] | None, repeats: Repeats) -> Rows:
    rows = read_rows(source, what=what, columns=columns)
    return rows if repeats == "last" else one_of_each(rows, repeats, what=what)  # profiles keep the last one


def _check(name: str, value: Any, allowed: Any) -> Any:
    """Refuse a choice that is not allowed."""
    return Param(name, None, allowed).check(value, "Dataset")


def pad(array: NDArray[Any], n: int) -> NDArray[Any]:
    """Append zeros up to n rows."""
    if len(array) == n:
        return array
    return np.concatenate([array, np.zeros((n - len(array), *array.shape[1:]), array.dtype)])
