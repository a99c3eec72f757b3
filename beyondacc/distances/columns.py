"""Distances between the columns of the training rows: how the same users rated two items."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch, Inputs
from beyondacc.data.dataset import Dataset
from beyondacc.data.once import once
from beyondacc.data.profiles import Profiles
from beyondacc.distances.arrays import Listed, ToProfile
from beyondacc.distances.declared import TABLE_BYTES, Distance, declare
from beyondacc.kernels import columns
from beyondacc.run.local import map_parts, n_threads
from beyondacc.types import Bools, Floats

__all__ = ["OfColumns"]

_NO_TABLES: Final = np.empty((0, 0, 0))
_NO_PROFILES: Final = ToProfile(np.empty((0, 0)), np.empty((0, 0)), np.empty((0, 0), np.int64))


class OfColumns(Distance):
    """A distance that is worked out of the profiles of all users who have an item, for all lists that show it."""

    needs = "train"
    table_bytes = TABLE_BYTES  # few lists take as long as many: nearly all items are listed

    def missing(self, data: Dataset) -> str | None:
        """Say that there are no training rows, or those of some users alone, if so."""
        if not data.has_train:
            return "training rows; pass train="
        return "the training rows of all users, which a part of them does not have" if data.world.partial else None

    @abstractmethod
    def _columns(self, batch: Batch) -> tuple[int, tuple[Any, ...]]:
        """Return which of `kernels.columns` it is, and what that reads of the training rows, in its order."""

    def present(self, batch: Batch) -> Bools:
        """Tell which items have training users."""
        return batch.world.item_counts > 0

    def _tables(self, batch: Batch, listed: Listed, found: NDArray[np.float64]) -> None:
        kind, train = self._columns(batch)
        everything = (0, len(batch.data.items) + 1)
        into: tuple[Any, ...] = (*train, *everything, False, found, *_NO_PROFILES)
        columns.column_rows(kind, *listed, *into)

    def _to_profile(self, inputs: Inputs, k: int) -> ToProfile:
        # all items of the batch at once: a part of the rows would show nearly all of them, too
        return _of_batch(inputs.batch, self, k).part(inputs.rows)

    def _of_all(self, batch: Batch, k: int) -> ToProfile:
        """Return the distances to the profiles for all rows of a batch."""
        lists = batch.ranked.pad(k=k)
        found = ToProfile.empty(lists.shape)
        kind, train = self._columns(batch)
        sizes = batch.train.sizes
        effort = np.bincount(batch.train.items, np.repeat(sizes, sizes), len(batch.data.items))
        ends = np.cumsum(np.append(effort, 1.0))
        n_parts = 8 * n_threads()
        cuts = np.unique(np.searchsorted(ends, ends[-1] * np.arange(1, n_parts) / n_parts))
        cuts = np.unique([0, *cuts.tolist(), len(ends)])

        def work(first: int, last: int) -> None:
            into: tuple[Any, ...] = (*train, first, last, True, _NO_TABLES, *found)
            columns.column_rows(kind, lists, batch.lengths, k, batch.users, *into)

        map_parts(work, list(itertools.pairwise(cuts.tolist())))
        return found


@once
def _of_batch(batch: Batch, chosen: OfColumns, k: int) -> ToProfile:
    return chosen._of_all(batch, k)  # noqa: SLF001 - its own


@declare(
    "rating_cosine",
    "Cosine distance of ratings",
    cite="Sarwar et al. 2001, WWW; Kaminskas & Bridge 2016, TiiS 7(1)",
)
class _RatingCosine(OfColumns):
    center: Literal["user", "item"] | None = "user"
    support: Literal["all", "common"] = "all"

    upper = 1.0

    def _columns(self, batch: Batch) -> tuple[int, tuple[Any, ...]]:
        kind = columns.COSINE if self.support == "all" else columns.COMMON_COSINE
        return kind, _rated(batch, self.center)


@declare("pearson", "Pearson distance of ratings", cite="Resnick et al. 1994, CSCW")
class _Pearson(OfColumns):
    upper = 2.0

    def _columns(self, batch: Batch) -> tuple[int, tuple[Any, ...]]:
        return columns.PEARSON, _rated(batch, "shift")


def _rated(batch: Batch, center: str | None) -> tuple[Any, ...]:
    """Return what `kernels.columns` reads of the ratings, in its order."""
    train, (item_starts, item_users) = batch.train, batch.data.by_item
    values, by_item, norms = _centred_columns(batch.data, center)
    return train.starts, train.items, values, item_starts, item_users, by_item, norms, batch.world.n_train_users


@once
def _centred_columns(data: Dataset, center: str | None) -> tuple[Floats, Floats, Floats]:
    """Return the centred training values, the same item by item, and the norm of each item's."""
    train = data.train
    assert train is not None  # noqa: S101 - what is needed was checked
    values = _centred(train, center)
    norms = np.sqrt(np.bincount(train.items, np.square(values), len(data.items)))
    return values, values[np.argsort(train.items, kind="stable")], norms


def _centred(train: Profiles, center: str | None) -> Floats:
    """Take the user's or the item's mean from each training value; what is left but for rounding is 0.

    ``shift`` takes the item's least value, which no correlation sees, but which keeps digits and is exact for ratings.
    """
    values = train.values
    if center is None or not len(values):
        return values
    if center == "shift":
        least = np.full(int(train.items.max()) + 1, np.inf)
        np.minimum.at(least, train.items, values)
        return np.asarray(values - least[train.items])
    groups = train.items if center == "item" else np.repeat(np.arange(len(train.sizes)), train.sizes)
    sizes = np.bincount(groups)
    means = np.divide(np.bincount(groups, values), sizes, out=np.zeros(len(sizes)), where=sizes > 0)[groups]
    left: Floats = values - means
    rounding = 1e-12 + np.finfo(np.float64).eps * sizes[groups]  # of a sum of so many numbers
    left[np.abs(left) <= rounding * np.maximum(np.abs(values), np.abs(means))] = 0.0
    return left
