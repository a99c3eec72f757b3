"""Recommendations bound to a dataset: rows aligned, unknown items given room, blocks cut for the kernels."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.dataset import Dataset, Features, Profiles, pad
from beyondacc.data.memo import Memo
from beyondacc.data.ragged import Lists, is_even
from beyondacc.data.vocabulary import Vocabulary, hash_ids
from beyondacc.kernels import align, profile
from beyondacc.types import Bools, Floats, ItemIds, UserIds

__all__ = ["Binding", "Block", "Gain", "Inputs", "Users", "row_sizes"]

Users = Literal["all", "intersection", "recommended", "tested", "judged", "judged-intersection"]
Gain = Literal["linear", "exp"]
_SHORT = 16  # items: lists of fewer are as good as equally long


class Block(NamedTuple):
    """The first items of some lists.

    Attributes
    ----------
    items : (rows, k)
        Padded with -1.
    lengths : (rows,)
    scores : (rows, k) or None
        Padded with NaN.
    """

    items: ItemIds
    lengths: NDArray[np.int32]
    scores: Floats | None

    @classmethod
    def of(cls, lists: Lists, rows: slice, k: int) -> Block:
        """Return the first k items of some rows."""
        scores = None if lists.scores is None else lists.pad(rows, k, "scores")
        return cls(lists.pad(rows, k), np.minimum(lists.lengths[rows], k), scores)


@dataclasses.dataclass(frozen=True)
class Binding:
    """One run of recommendations in the positions of a dataset.

    Rows are the users of the test set and of the recommendations, in the order of the dataset, then those it does not
    know. Items are those of the dataset, then unknown ones, which have no features and no training users.

    Attributes
    ----------
    data : Dataset
    ids : (rows,)
        External ids of the rows.
    users : (rows,)
        Their positions in the dataset, -1 where it does not know them.
    ranked : Lists
        The list of each row, as long as it is.
    expected
        Lists of a primitive model for the same rows, or None: the most popular items are taken. Items that the run does
        not know have positions of their own after its items.
    earlier
        Earlier lists for the same rows, oldest first, with such items, too.
    items
        Those of the dataset, then unknown ones.
    ordered_by_score
        Whether equal scores left the order of a list to chance.
    """

    data: Dataset
    ids: pd.Index[Any]
    users: UserIds
    ranked: Lists
    items: Vocabulary
    ordered_by_score: bool
    expected: Lists | None = None
    earlier: tuple[Lists, ...] = ()

    def __len__(self) -> int:
        return len(self.users)

    @property
    def lengths(self) -> NDArray[np.int32]:
        """How many items each list holds."""
        return self.ranked.lengths

    @property
    def lists(self) -> ItemIds:
        """The lists as a matrix that is padded with -1: users x longest list in memory, for lists of about one length.

        Metrics see the first items of a block of rows instead, and re-rankers one of the `parts`.
        """
        return self.ranked.padded["items"]

    @property
    def scores(self) -> Floats | None:
        """The scores as a matrix that is padded with NaN, or None; as `lists`."""
        return self.ranked.padded.get("scores")

    @property
    def n_items(self) -> int:
        """Number of items of the dataset and of unknown ones."""
        return len(self.items)

    @functools.cached_property
    def user_hashes(self) -> NDArray[np.uint64]:
        """A number for each row that depends on the user's external id alone."""
        return hash_ids(self.ids)

    @functools.cached_property
    def item_hashes(self) -> NDArray[np.uint64]:
        """A number for each item that depends on its external id alone."""
        return hash_ids(self.items.ids)

    @functools.cached_property
    def derive(self) -> Memo:
        """Arrays derived from the items; those of the dataset where no item is new to it."""
        return self.data.derive if self.n_items == len(self.data.items) else Memo()

    @functools.cached_property
    def own(self) -> Memo:
        """What is derived from the lists of this run."""
        return Memo()

    @property
    def test_by_id(self) -> ItemIds:
        """The items of the test rows, those of each user in the order of their ids as texts, the last first."""

        def build() -> ItemIds:
            test, places = self.test, self.data.items.falling
            rows = np.repeat(np.arange(len(test.sizes)), test.sizes)
            return test.items[np.lexsort((places[test.items], rows))]

        return self.data.derive("test_by_id", build)

    @property
    def item_counts(self) -> NDArray[np.int64]:
        """Training users of each item, unknown items included."""
        return pad(self.data.item_counts, self.n_items)

    @property
    def catalogue(self) -> Bools:
        """Which items are in the catalogue."""
        return pad(self.data.catalogue, self.n_items)

    @property
    def features(self) -> Features | None:
        """Feature sets of all items."""
        features = self.data.features
        return features and self.derive("features", lambda: features.extend(self.n_items))

    @property
    def vectors(self) -> Floats | None:
        """Vectors of all items."""
        vectors = self.data.vectors
        return None if vectors is None else self.derive("vectors", lambda: pad(vectors, self.n_items))

    @property
    def by_item(self) -> tuple[NDArray[np.int64], UserIds]:
        """Compressed columns of the training rows; items past the last column have no users."""
        train = self.train
        return self.data.derive("by_item", lambda: train.transpose(len(self.data.items)))

    @property
    def train(self) -> Profiles:
        """Training rows; empty where the dataset has none."""
        return self.data.train or _no_profiles(len(self.data.users))

    @property
    def test(self) -> Profiles:
        """Relevant test rows; empty where the dataset has none."""
        return self.data.test or _no_profiles(len(self.data.users))

    def gains(self, gain: Gain = "linear", *, relative: bool = False) -> NDArray[np.float64]:
        """Return what the test rows are worth: their value g, or 2^g - 1.

        Parameters
        ----------
        relative
            Divide the gains of a user by 2^m, or by m where they are linear, where their highest value m is so high
            that sums could be infinite. What is a ratio of two sums of gains stays what it is.
        """
        values = self.test.values
        if self.test.all_one:
            return values
        if relative and self.data.derive("highest gain", lambda: values.max(initial=0.0)) > _HIGH:
            return self.data.derive(("relative gains", gain), lambda: _relative_gains(self.test, gain))
        if gain == "linear":
            return values

        def build() -> NDArray[np.float64]:
            with np.errstate(over="ignore"):  # whoever adds them up refuses what is infinite
                return np.asarray(2.0**values - 1.0)

        return self.data.derive("exp gains", build)

    def best_gains(self, gain: Gain = "linear", *, relative: bool = False) -> NDArray[np.float64]:
        """Return the same, highest first within each user."""

        def build() -> NDArray[np.float64]:
            test, gains = self.test, self.gains(gain, relative=relative)
            if self.test.all_one:
                return gains
            rows = np.repeat(np.arange(len(test.sizes)), test.sizes)
            return gains[np.lexsort((-gains, rows))]

        return self.data.derive(("best_gains", gain, relative), build)

    @property
    def preference_shares(self) -> NDArray[np.float64]:
        """Share of the training rows that fall on items with each feature."""
        features, counts = self.features, self.item_counts
        assert features is not None  # noqa: S101 - what is needed was checked
        per_row = np.repeat(counts, np.diff(features.starts))
        return self.derive(
            "preference_shares", lambda: np.bincount(features.ids, per_row, len(features.names)) / counts.sum()
        )

    def take(self, rows: NDArray[Any]) -> Binding:
        """Return the run of some of its users, by a mask or by their positions."""
        found: dict[str, Any] = {name: getattr(self, name)[rows] for name in ("ids", "users")}
        expected = self.expected and self.expected.take(rows)
        earlier = tuple(lists.take(rows) for lists in self.earlier)
        found |= {"ranked": self.ranked.take(rows), "expected": expected, "earlier": earlier}
        made = dataclasses.replace(self, **found)
        made.__dict__["derive"] = self.derive  # which depends on the items alone
        return made

    def parts(self) -> list[tuple[NDArray[np.int64], Binding]]:
        """Cut the run into runs whose lists are about equally long, so that their matrices are as large as the lists.

        Returns
        -------
        list
            Some rows, and the run of these.
        """
        if is_even(self.lengths):
            return [(np.arange(len(self)), self)]
        classes = np.ceil(np.log2(np.maximum(self.lengths, _SHORT))).astype(np.int64)
        found = (np.flatnonzero(classes == each) for each in np.unique(classes))
        return [(rows, self.take(rows)) for rows in found]

    def among(self, users: Users) -> Bools:
        """Return which rows are those of such users, of the rows there are."""
        listed, tested = self.lengths > 0, row_sizes(self.test, self.users) > 0
        judged = tested if self.data.judged is None else tested | (row_sizes(self.data.judged, self.users) > 0)
        of = {"tested": tested, "recommended": listed, "intersection": listed & tested, "judged": judged}
        return of.get(users, listed & judged if users == "judged-intersection" else np.ones(len(self), np.bool_))

    def block(self, start: int, stop: int, k: int | None = None) -> Inputs:
        """Return the rows from `start` to `stop` as metrics with cutoffs up to k see them; by default, with any."""
        return Inputs(self, slice(start, stop), k)

    def diagnostics(self, k: int) -> dict[str, int]:
        """Count what a reader of the numbers should know, within the first k of each list.

        Users with tied scores where scores decide the order, lists shorter than k, listed items that are cold, unknown
        to the catalogue, without features or already in the user's training rows.
        """
        ranked, train, lengths = self.ranked, self.train, np.minimum(self.lengths, k)
        listed = ranked.items[ranked.flat(k).places]
        lists = ranked.starts, lengths, ranked.items, k
        seen = align.seen_rows(*lists, self.users, train.starts, train.items, self.n_items)
        scores = ranked.scores if self.ordered_by_score else None
        tied = 0 if scores is None else align.tied_rows(ranked.starts, lengths, scores, k)
        featureless = 0 if self.features is None else int((self.features.sizes[listed] == 0).sum())
        return {
            "users": len(self),
            "users_without_list": int((lengths == 0).sum()),
            "users_without_truth": int((row_sizes(self.test, self.users) == 0).sum()) if self.data.test else 0,
            "users_without_profile": int((row_sizes(self.train, self.users) == 0).sum()) if self.data.train else 0,
            "short_lists": int(((lengths > 0) & (lengths < k)).sum()),
            "tied_users": int(tied),
            "cold_items": int((self.item_counts[listed] == 0).sum()) if self.data.train else 0,
            "unknown_items": int((~self.catalogue[listed]).sum()),
            "featureless_items": featureless,
            "seen_items": int(seen),
        }


class Inputs:
    """A block of rows of a run: what a metric computes from.

    Attributes
    ----------
    run : Binding
    rows
        Which rows of it.
    lists : (rows, K)
        Their items, as many as the cutoffs ask for, padded with -1.
    lengths : (rows,)
        How many these are.
    users : (rows,)
    """

    def __init__(self, run: Binding, rows: slice, k: int | None = None) -> None:
        self.run = run
        self.rows = rows
        self.lists: ItemIds = run.ranked.pad(rows, k)
        self.lengths = np.minimum(run.lengths[rows], self.lists.shape[1])
        self.users = run.users[rows]
        self.derive = Memo()  # of this block

    def __len__(self) -> int:
        return len(self.users)

    @property
    def scores(self) -> Floats | None:
        """Score of each listed item, shape (rows, K), padded with NaN, or None where only the order is known."""
        ranked = self.run.ranked
        if ranked.scores is None:
            return None
        return self.derive("scores", lambda: ranked.pad(self.rows, self.lists.shape[1], "scores"))

    @property
    def gains(self) -> NDArray[np.float64]:
        """Gain of each listed item, shape (rows, K), -1 where it is not relevant."""
        return self.gains_as("linear")

    def gains_as(self, gain: Gain, *, relative: bool = False) -> NDArray[np.float64]:
        """Return the same as one of the gains of `Binding.gains`."""

        def build() -> NDArray[np.float64]:
            gains = np.empty(self.lists.shape)
            test, rows = self.run.test, (self.lists, self.lengths, self.users)
            align.gain_rows(
                *rows, test.starts, test.items, self.run.gains(gain, relative=relative), self.run.n_items, gains
            )
            return gains

        return self.derive(("gains", gain, relative), build)

    @property
    def n_relevant(self) -> NDArray[np.int64]:
        """Number of relevant test items of each row."""
        return self.derive("n_relevant", lambda: row_sizes(self.run.test, self.users))

    def expected(self, k: int) -> Block:
        """First k items of a primitive model for each row."""
        run = self.run
        if run.expected is not None:
            return Block.of(run.expected, self.rows, k)

        def build() -> Block:
            train, order = run.train, run.data.by_popularity
            lists = np.full((len(self), min(k, max(len(order), 1))), -1, np.int32)
            lengths = np.zeros(len(self), np.int32)
            profile.popular_rows(self.users, train.starts, train.items, run.n_items, order, lists, lengths)
            return Block(lists, lengths, None)

        return self.derive(("expected", k), build)

    def expected_scores(self, k: int) -> Floats | None:
        """Their scores, if the model has any; those of the most popular items are their counts."""
        expected = self.expected(k)
        if self.run.expected is not None:
            return expected.scores
        return np.where(expected.items >= 0, self.run.item_counts[expected.items].astype(np.float64), np.nan)

    def earlier(self, k: int) -> list[Block]:
        """First k items of the earlier lists of each row, oldest first."""
        return [Block.of(lists, self.rows, k) for lists in self.run.earlier]


_HIGH: Final = 1000.0
"""Sums of some million gains of 2^1000 are finite."""


def _relative_gains(test: Profiles, gain: Gain) -> NDArray[np.float64]:
    values, rows = test.values, np.repeat(np.arange(len(test.sizes)), test.sizes)
    highest = np.zeros(len(test.sizes))
    np.maximum.at(highest, rows, values)
    most = highest[rows]
    if gain == "linear":
        return np.where(most > 2.0**_HIGH, values / np.maximum(most, 1.0), values)
    scale = np.where(most > _HIGH, most, 0.0)
    return np.asarray(2.0 ** (values - scale) - 2.0**-scale)


def row_sizes(rows: Profiles, users: UserIds) -> NDArray[np.int64]:
    """How many items each user has; none for a user the dataset does not know."""
    found = np.empty(len(users), np.int64)
    align.size_rows(users, rows.starts, found)
    return found


def _no_profiles(n_users: int) -> Profiles:
    return Profiles(np.zeros(n_users + 1, np.int64), np.empty(0, np.int32), np.empty(0))
