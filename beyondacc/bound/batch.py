"""A batch: some users, their lists and rows in the positions of a world, and blocks of them for the kernels."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.dataset import Dataset
from beyondacc.data.once import Kept, once
from beyondacc.data.profiles import Profiles, no_profiles
from beyondacc.data.ragged import Lists, is_even
from beyondacc.data.vocabulary import Vocabulary, hash_ids
from beyondacc.data.world import World
from beyondacc.kernels import align, profile
from beyondacc.types import Bools, Floats, ItemIds, UserIds

__all__ = ["Batch", "Block", "Gain", "Inputs", "Users", "best_gains_of", "gains_of", "row_sizes", "test_by_id"]

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
class Batch:
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
    side
        Further lists for the same rows, by the name of what they are: ``primitive``, those of a primitive model, in
        whose place the most popular items are taken; ``earlier``, those shown before, oldest first. Items that the
        batch does not know have positions of their own after its items.
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
    side: Mapping[str, tuple[Lists, ...]] = dataclasses.field(default_factory=dict)

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
    def strangers(self) -> NDArray[np.uint64]:
        """A number for each item that the world does not know, which depends on its external id alone."""
        return hash_ids(self.items.ids[self.world.n_known :])

    @functools.cached_property
    def kept(self) -> Kept:
        """What is derived from the lists of this batch."""
        return Kept()

    @functools.cached_property
    def world(self) -> World:
        """What is known about the items, those that only these lists show included."""
        return self.data.world.with_strangers(self.items)

    @property
    def train(self) -> Profiles:
        """Training rows; empty where the dataset has none."""
        return self.data.train or no_profiles(len(self.data.users))

    @property
    def test(self) -> Profiles:
        """Relevant test rows; empty where the dataset has none."""
        return self.data.test or no_profiles(len(self.data.users))

    def gains(self, gain: Gain = "linear", *, relative: bool = False) -> NDArray[np.float64]:
        """Return what the test rows are worth: their value g, or 2^g - 1.

        Parameters
        ----------
        relative
            Divide the gains of a user by 2^m, or by m where they are linear, where their highest value m is so high
            that sums could be infinite. What is a ratio of two sums of gains stays what it is.
        """
        return gains_of(self.data, gain, relative)

    def best_gains(self, gain: Gain = "linear", *, relative: bool = False) -> NDArray[np.float64]:
        """Return the same, highest first within each user."""
        return best_gains_of(self.data, gain, relative)

    def take(self, rows: NDArray[Any]) -> Batch:
        """Return the run of some of its users, by a mask or by their positions."""
        found: dict[str, Any] = {name: getattr(self, name)[rows] for name in ("ids", "users")}
        side = {name: tuple(lists.take(rows) for lists in several) for name, several in self.side.items()}
        found |= {"ranked": self.ranked.take(rows), "side": side}
        made = dataclasses.replace(self, **found)
        made.__dict__["world"] = self.world
        return made

    def parts(self) -> list[tuple[NDArray[np.int64], Batch]]:
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
        features = self.world.features
        featureless = 0 if features is None else int((features.sizes[listed] == 0).sum())
        return {
            "users": len(self),
            "users_without_list": int((lengths == 0).sum()),
            "users_without_truth": int((row_sizes(self.test, self.users) == 0).sum()) if self.data.has_test else 0,
            "users_without_profile": int((row_sizes(self.train, self.users) == 0).sum()) if self.data.has_train else 0,
            "short_lists": int(((lengths > 0) & (lengths < k)).sum()),
            "tied_users": int(tied),
            "cold_items": int((self.world.item_counts[listed] == 0).sum()) if self.data.has_train else 0,
            "unknown_items": int((~self.world.catalogue[listed]).sum()),
            "featureless_items": featureless,
            "seen_items": int(seen),
        }


class Inputs:
    """A block of rows of a batch: what a metric computes from.

    Attributes
    ----------
    batch : Batch
    world : World
        What is known about the items.
    rows
        Which rows of the batch.
    lists : (rows, K)
        Their items, as many as the cutoffs ask for, padded with -1.
    lengths : (rows,)
        How many these are.
    users : (rows,)
    """

    def __init__(self, batch: Batch, rows: slice, k: int | None = None) -> None:
        self.batch, self.world = batch, batch.world
        self.rows = rows
        self.lists: ItemIds = batch.ranked.pad(rows, k)
        self.lengths = np.minimum(batch.lengths[rows], self.lists.shape[1])
        self.users = batch.users[rows]
        self.kept = Kept()

    def __len__(self) -> int:
        return len(self.users)

    @property
    @once
    def scores(self) -> Floats | None:
        """Score of each listed item, shape (rows, K), padded with NaN, or None where only the order is known."""
        ranked = self.batch.ranked
        return None if ranked.scores is None else ranked.pad(self.rows, self.lists.shape[1], "scores")

    @property
    def gains(self) -> NDArray[np.float64]:
        """Gain of each listed item, shape (rows, K), -1 where it is not relevant."""
        return self.gains_as("linear")

    def gains_as(self, gain: Gain, *, relative: bool = False) -> NDArray[np.float64]:
        """Return the same as one of the gains of `Batch.gains`."""
        return self._gains(gain, relative)

    @once
    def _gains(self, gain: Gain, relative: bool) -> NDArray[np.float64]:
        gains = np.empty(self.lists.shape)
        test, rows = self.batch.test, (self.lists, self.lengths, self.users)
        of_items = self.batch.gains(gain, relative=relative)
        align.gain_rows(*rows, test.starts, test.items, of_items, self.world.n_items, gains)
        return gains

    @property
    @once
    def n_relevant(self) -> NDArray[np.int64]:
        """Number of relevant test items of each row."""
        return row_sizes(self.batch.test, self.users)

    @once
    def expected(self, k: int) -> Block:
        """First k items of a primitive model for each row."""
        batch = self.batch
        for given in batch.side.get("primitive", ()):
            return Block.of(given, self.rows, k)
        train, order = batch.train, self.world.by_popularity
        lists = np.full((len(self), min(k, max(len(order), 1))), -1, np.int32)
        lengths = np.zeros(len(self), np.int32)
        profile.popular_rows(self.users, train.starts, train.items, self.world.n_items, order, lists, lengths)
        return Block(lists, lengths, None)

    def expected_scores(self, k: int) -> Floats | None:
        """Their scores, if the model has any; those of the most popular items are their counts."""
        expected = self.expected(k)
        if self.batch.side.get("primitive"):
            return expected.scores
        counts = self.world.item_counts[expected.items].astype(np.float64)
        return np.where(expected.items >= 0, counts, np.nan)

    def earlier(self, k: int) -> list[Block]:
        """First k items of the earlier lists of each row, oldest first."""
        return [Block.of(lists, self.rows, k) for lists in self.batch.side.get("earlier", ())]


_HIGH: Final = 1000.0
"""Sums of some million gains of 2^1000 are finite."""


@once
def gains_of(data: Dataset, gain: Gain, relative: bool) -> NDArray[np.float64]:
    """Return what the test rows of a dataset are worth; see `Batch.gains`."""
    test = data.test
    if test is None:
        return np.empty(0)
    values = test.values
    if test.all_one:
        return values
    if relative and values.max(initial=0.0) > _HIGH:
        return _relative_gains(test, gain)
    if gain == "linear":
        return values
    with np.errstate(over="ignore"):  # whoever adds them up refuses what is infinite
        return np.asarray(2.0**values - 1.0)


@once
def best_gains_of(data: Dataset, gain: Gain, relative: bool) -> NDArray[np.float64]:
    """Return the same, highest first within each user."""
    gains = gains_of(data, gain, relative)
    if data.test is None or data.test.all_one:
        return gains
    rows = np.repeat(np.arange(len(data.test.sizes)), data.test.sizes)
    return gains[np.lexsort((-gains, rows))]


@once
def test_by_id(data: Dataset) -> ItemIds:
    """Return the items of the test rows, those of each user in the order of their ids as texts, the last first."""
    if data.test is None:
        return np.empty(0, np.int32)
    rows = np.repeat(np.arange(len(data.test.sizes)), data.test.sizes)
    return data.test.items[np.lexsort((data.items.falling[data.test.items], rows))]


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
