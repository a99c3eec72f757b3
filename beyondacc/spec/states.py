"""What a metric accumulates over a block of users, and how blocks merge.

Merging is exact: cutting the users into any number of blocks gives the same bits.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Binding
from beyondacc.types import Bools, ItemIds

__all__ = ["Exposure", "PerUser", "State", "Sums", "exposure_slots"]


@dataclasses.dataclass(frozen=True)
class PerUser:
    """One value a user, NaN where undefined; blocks are joined in user order.

    Attributes
    ----------
    values : (users,)
    """

    values: NDArray[np.float64]

    @classmethod
    def merge(cls, states: Sequence[PerUser]) -> PerUser:
        """Join the blocks."""
        return cls(np.concatenate([state.values for state in states]))

    def take(self, rows: Bools) -> PerUser:
        """Return the same of some users."""
        return PerUser(self.values[rows])

    def filled(self) -> PerUser:
        """Return the same with 0 for undefined users."""
        return PerUser(np.nan_to_num(self.values))


@dataclasses.dataclass(frozen=True)
class Sums:
    """Several numbers a user, of which a value of the run is made from the sums over users.

    The columns are kept until the end, so that sums of fractions do not depend on the blocks.

    Attributes
    ----------
    columns : (users, n)
        NaN in the rows of users who are left out.
    """

    columns: NDArray[np.float64]

    @classmethod
    def merge(cls, states: Sequence[Sums]) -> Sums:
        """Join the blocks."""
        return cls(np.concatenate([state.columns for state in states]))

    def take(self, rows: Bools) -> Sums:
        """Return the same of some users."""
        return Sums(self.columns[rows])

    def filled(self) -> Sums:
        """Return the same: sums have no undefined users, only some that do not count."""
        return self

    @property
    def counted(self) -> Bools:
        """Which users count."""
        return np.asarray(~np.isnan(self.columns).any(axis=1))

    @property
    def total(self) -> NDArray[np.float64]:
        """The sums over the users who count, shape (n,)."""
        return np.asarray(self.columns[self.counted].sum(axis=0))


@dataclasses.dataclass(frozen=True)
class Exposure:
    """How often each item is shown; blocks are added. Leading axes, if any, are replicates of a bootstrap.

    Attributes
    ----------
    shown : (..., slots, items)
        Integer counts, apart for each list length or for each rank, over items that include every item shown.
    slots : (slots,)
        The list lengths, or the ranks from 0.
    by
        What the slots are.
    lists, squares : (...)
        Number of non-empty lists and sum of their squared multiplicities (the same, but for a bootstrap replicate).
    items : (items,)
        Which items of the run the last axis holds.
    run
        For what is known about the items.
    """

    shown: NDArray[np.int64]
    slots: NDArray[np.int64]
    by: Literal["length", "rank"]
    lists: NDArray[np.int64]
    squares: NDArray[np.int64]
    items: ItemIds
    run: Binding

    @classmethod
    def merge(cls, states: Sequence[Exposure]) -> Exposure:
        """Add the blocks."""
        first, *rest = states
        for state in rest:
            first = dataclasses.replace(
                first,
                shown=first.shown + state.shown,
                lists=first.lists + state.lists,
                squares=first.squares + state.squares,
            )
        return first

    def filled(self) -> Exposure:
        """Return the same: counts have no undefined users."""
        return self

    @functools.cached_property
    def covered(self) -> Bools:
        """Which of the items are in the catalogue, shape (items,)."""
        return self.run.catalogue[self.items]

    @property
    def n_catalogue(self) -> int:
        """Size of the catalogue; its items that are not among `items` were not shown."""
        return int(self.run.catalogue.sum())

    @functools.cached_property
    def total(self) -> NDArray[np.int64]:
        """Showings of all items, shape (..., items)."""
        single = self.shown.shape[-2] == 1
        return self.shown[..., 0, :] if single else np.asarray(self.shown.sum(axis=-2))

    @functools.cached_property
    def catalogue(self) -> NDArray[np.int64]:
        """Showings of the catalogue items among `items`, shape (..., covered items)."""
        return self.total if self.covered.all() else self.total[..., self.covered]

    def weighted(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weigh each showing by its slot and return the sums, shape (..., items); weights are (slots,)."""
        if len(weights) == 1:
            return np.asarray(self.total * weights[0])
        return np.asarray(np.einsum("...si,s->...i", self.shown, weights))


def exposure_slots(
    lengths: NDArray[np.int32], k: int, by: Literal["length", "rank"]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return what is counted apart, list lengths or ranks, and where each of them is counted."""
    present = np.bincount(lengths, minlength=1)[1:]
    slots = np.flatnonzero(present) + 1 if by == "length" else np.arange(len(present))
    lookup = np.full(k + 1, -1, np.int32)
    lookup[slots] = np.arange(len(slots))
    return slots, lookup


State = PerUser | Sums | Exposure
