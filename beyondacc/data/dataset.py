"""A `Dataset`: training rows, relevant test rows and items, encoded and validated once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.data.features import Features
from beyondacc.data.groups import read_users
from beyondacc.data.ids import together
from beyondacc.data.intake.kinds import Kind, choose_kinds
from beyondacc.data.intake.read import read_rows
from beyondacc.data.intake.reading import Reading, counted
from beyondacc.data.intake.roles import Names
from beyondacc.data.intake.rows import Rows
from beyondacc.data.intake.tables import settle_tables
from beyondacc.data.items import read_items
from beyondacc.data.numbering import number_items, number_users
from beyondacc.data.once import Kept, once
from beyondacc.data.profiles import Profiles, no_profiles
from beyondacc.data.relevance import Zeros, judge
from beyondacc.data.repeats import Repeats, one_of_each
from beyondacc.data.split import make_split
from beyondacc.data.vocabulary import Vocabulary, factorize
from beyondacc.data.world import ItemFacts, World, pad
from beyondacc.declare.params import Param
from beyondacc.errors import DataError, SpecError
from beyondacc.types import Bools, Floats, ItemIds, UserIds

__all__ = ["Dataset", "Features", "Profiles", "pad"]


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
        Names of columns that are not recognised, such as ``{"user": "customer", "item": "sku"}``. A name counts for
        every table that has such a column and lacks one of the canonical name; ``{"test.rating": "stars"}`` is of one
        table.
    ids
        What ids are. Ids of text files are ``"number"`` if all of them, in all files of this call, are written as whole
        numbers are, else ``"text"``; either for good, or one for each: ``{"user": "number", "item": "text"}``.
    threshold
        Only test rows with at least this value are relevant, with gain 1 unless `graded`; the others are judged not
        relevant. Without it a test row with a value above 0 is relevant, and its value is its gain.
    zeros
        Without a threshold, a test row of value 0 or False is ``"judged"`` not relevant (the default), or
        ``"relevant"`` with gain 1.
    repeats
        Which of several rows with the same user and item counts: the ``"last"`` one (by time where the table has one,
        else in order), or one with their values' ``"max"`` or ``"sum"``; or an ``"error"``. It is settled before any
        threshold.
    genre_sep
        Separates the genres in a text column; it is told from all of its texts by default.
    vectors : (n_items, d)
        One vector for each row of `items`, or rows whose labels are ids of items: a frame, or a dict
        ``{item: vector}``.
    users
        The users table, a frame with a user id and columns to group by, or a dict ``{user: group}``, for `Report.by`.
    world : World
        What is known about the items, in place of `items`, where train and test are those of a part of the users, and
        may be empty; see `evaluate_part`.

    Attributes
    ----------
    users, items : Vocabulary
        The external ids; positions in them are what kernels see. Items are in the order of the items table, then
        further ones of the training rows, ascending, then those of the test rows alone.
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

    users: Vocabulary
    items: Vocabulary

    def __init__(
        self,
        train: Any = None,
        test: Any = None,
        items: Any = None,
        *,
        columns: Mapping[str, Any] | Names | None = None,
        ids: Kind | Mapping[str, Kind] = "auto",
        threshold: float | None = None,
        graded: bool = False,
        zeros: Zeros | None = None,
        repeats: Repeats = "last",
        genre_sep: str | None = None,
        vectors: Any = None,
        users: Any = None,
        world: World | None = None,
    ) -> None:
        _check_given(train, test, items, vectors, world)
        if graded and threshold is None:
            raise SpecError("graded=True keeps the gains of rows at or above threshold=, which was not given")
        zeros_named = zeros is not None
        zeros = _check("zeros", zeros or "judged", Zeros)
        _check("repeats", repeats, Repeats)
        names = columns if isinstance(columns, Names) else Names(columns)
        given = {"train": train, "test": test}
        if world is not None:  # users of a part may have no rows in one of them
            given = {what: None if is_empty(source) else source for what, source in given.items()}
        rows_of = {
            what: read_rows(source, what=what, columns=names) for what, source in given.items() if source is not None
        }
        table = None if items is None else read_items(items, columns=names, genre_sep=genre_sep)
        groups = None if users is None else read_users(users, names)
        if names is not columns:
            names.check_used()
        known_items = None if world is None else world.items.ids
        tables, table, groups = settle_tables(rows_of, table, groups, choose_kinds(ids), known=known_items)
        if table is not None and vectors is not None:  # whose labels are ids
            table = table.with_vectors(vectors, names)
        self.user_table = None if groups is None else groups.frame
        if repeats != "last":  # which profiles keep
            tables = {what: one_of_each(rows, repeats, what=what) for what, rows in tables.items()}
        train_rows, test_rows = tables.get("train"), tables.get("test")
        before = table if world is None else world
        tasks: list[Callable[[], Any]] = [lambda: number_users(tables), lambda: number_items(tables, before)]
        numbered = together(tasks, max((len(rows) for rows in tables.values()), default=0))
        (self.users, user_codes), (known, self.items, item_codes) = numbered
        self.train = (
            None if train_rows is None else self._profiles(train_rows, user_codes["train"], item_codes["train"])
        )
        self.test: Profiles | None = None
        self.judged: Profiles | None = None
        self._judgements: Profiles | None = None
        self.threshold, self.zeros, self.graded = threshold, zeros, graded
        self._partial = world is not None
        #: Whether the threshold or what rows of value 0 are was named: a convention then leaves them.
        self.threshold_named = zeros_named or threshold is not None
        self._rated = test_rows is not None and "rating" in test_rows.numbers
        if test_rows is not None:
            self._judgements = self._profiles(test_rows, user_codes["test"], item_codes["test"])
            self._judge()
        if world is None:
            listed = np.zeros(known, np.bool_)
            if train_rows is not None:
                listed[item_codes["train"][train_rows.item.occurring]] = True
            world = World.of_rows(self.items, known, table, listed, self.train)
        #: What is known about the items.
        self.world = world.with_strangers(self.items)
        further = [each.reading for each in (table, groups) if each is not None]
        self._readings = [*(rows.reading for rows in tables.values()), *further]
        self.kept = Kept()

    @classmethod
    def split(
        cls,
        ratings: Any,
        items: Any = None,
        *,
        how: str = "holdout(fraction=0.2)",
        seed: int = 0,
        columns: Mapping[str, Any] | Names | None = None,
        ids: Kind | Mapping[str, Kind] = "auto",
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
        columns, ids, options
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
        names = columns if isinstance(columns, Names) else Names(columns)
        read = read_rows(ratings, what="ratings", columns=names)
        genre_sep = options.pop("genre_sep", None)
        table = None if items is None else read_items(items, columns=names, genre_sep=genre_sep)
        groups = None if (users := options.pop("users", None)) is None else read_users(users, names)
        if names is not columns:
            names.check_used()
        found, table, groups = settle_tables({"ratings": read}, table, groups, choose_kinds(ids))
        rows = one_of_each(found["ratings"], repeats, what="ratings")
        codes, _ = factorize(rows.user)
        held_out = chosen.mask(codes, rows.timestamp if chosen.looks_at_times else None, seed)
        return cls(rows.where(~held_out), rows.where(held_out), table, columns=names, users=groups, **options)

    def with_binary_gains(self) -> Dataset:
        """Return the same with a gain of 1 for every relevant item."""
        test = self.test and self.test.unvalued()
        if test is self.test:
            return self
        found = copy.copy(self)
        found.test = test
        found.kept = Kept()
        return found

    @property
    def readings(self) -> list[Reading]:
        """What the boundary did with each table."""
        for reading in self._readings:
            rows = {"train": self.train, "test": self._judgements}.get(reading.table)
            if rows is not None and rows.n_repeated:
                reading.repeated = rows.n_repeated
                reading.note(f"{counted(rows.n_repeated, 'row')} with the user and item of a later one, which counts")
            if reading.table in {"test", "ratings"} and self.judged is not None and self.threshold is None:
                reading.zero_rows = len(self.judged.items)
                rule = "judged not relevant; zeros='relevant' takes every row as relevant"
                reading.note(f"{counted(reading.zero_rows, 'row')} of value 0 taken as {rule}")
        return list({id(reading): reading for reading in self._readings}.values())

    def with_relevance(self, *, threshold: float | None, zeros: Zeros = "judged", graded: bool = False) -> Dataset:
        """Return the same with other test rows relevant; parameters as in `Dataset`."""
        if self._judgements is None:
            return self
        found = copy.copy(self)
        found.threshold, found.zeros, found.graded = threshold, _check("zeros", zeros, Zeros), graded
        found._judge()  # noqa: SLF001 - its own
        found.kept = Kept()
        return found

    def _judge(self) -> None:
        assert self._judgements is not None  # noqa: S101 - who calls looked
        rules: dict[str, Any] = {
            "threshold": self.threshold,
            "zeros": self.zeros,
            "graded": self.graded,
            "needed": not self._partial,
        }
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

    @property
    def catalogue(self) -> Bools:
        """Which items can be recommended, shape (n_items,)."""
        return self.world.catalogue

    @property
    def features(self) -> Features | None:
        """Feature sets of the items."""
        return self.world.features

    @property
    def vectors(self) -> Floats | None:
        """Vectors of the items, shape (n_items, d)."""
        return self.world.vectors

    @property
    def titles(self) -> pd.Index | None:
        """Titles of the items of the items table."""
        return self.world.titles

    @property
    def item_table(self) -> pd.DataFrame | None:
        """The columns to group items by: a row an item of the dataset."""
        return self.world.table

    @property
    def dates(self) -> NDArray[np.datetime64] | None:
        """The day of each item, NaT where unknown, or None where the items table has no dates."""
        return self.world.dates

    @property
    def item_counts(self) -> NDArray[np.int64]:
        """Number of training users of each item."""
        return self.world.item_counts

    @property
    def n_train_users(self) -> int:
        """Number of users with at least one training row."""
        return self.world.n_train_users

    @property
    def by_popularity(self) -> ItemIds:
        """The catalogue, most popular first; equally popular items in the order of their ids."""
        return self.world.by_popularity

    @property
    def has_train(self) -> bool:
        """Whether there are training rows, of the users of this dataset or of another part of all users."""
        return self.train is not None or (self.world.partial and self.world.n_train_users > 0)

    @property
    def has_test(self) -> bool:
        """Whether there are test rows, of the users of this dataset or of another part of all users."""
        return self.test is not None or self.world.greatest_gain > 0

    @property
    @once
    def greatest_gain(self) -> float:
        """The greatest gain of a relevant test row of any user, also of those whom another part holds."""
        if self.test is None:
            return self.world.greatest_gain
        own = float(self.test.values.max(initial=0.0))
        return own if self.test.all_one else max(own, self.world.greatest_gain)

    @property
    def facts(self) -> ItemFacts:
        """What metrics need to know of the users of this dataset, if they are a part of all; see `ItemFacts.merge`."""
        greatest = 0.0 if self.test is None else float(self.test.values.max(initial=0.0))
        return ItemFacts.of(self.items, self.train, greatest)

    @property
    @once
    def by_item(self) -> tuple[NDArray[np.int64], UserIds]:
        """Compressed columns of the training rows; items past the last column have no users."""
        train = self.train or no_profiles(len(self.users))
        return train.transpose(len(self.items))

    @property
    def matrix(self) -> sparse.csr_array:
        """The training rows as a matrix of shape (users, items)."""
        if self.train is None:
            raise DataError("the training matrix was asked for, but the Dataset has no train=")
        return self.train.matrix(len(self.items))


def is_empty(source: Any) -> bool:
    """Whether a table in memory, not the path of one, has no rows."""
    return hasattr(source, "__len__") and not isinstance(source, str) and len(source) == 0


def _check_given(train: Any, test: Any, items: Any, vectors: Any, world: World | None) -> None:
    if world is not None and (items is not None or vectors is not None):
        raise SpecError("world= brings the items; leave out items= and vectors=, or world=")
    if train is None and test is None and items is None and world is None:
        raise DataError("a Dataset needs at least one of train=, test= and items=")
    if vectors is not None and items is None:
        raise DataError("vectors= are those of the items table; pass items= too")


def _check(name: str, value: Any, allowed: Any) -> Any:
    """Refuse a choice that is not allowed."""
    return Param(name, None, allowed).check(value, "Dataset")
