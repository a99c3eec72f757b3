"""What a metric accumulates over a block of users, and how blocks merge.

Merging is exact: cutting the users into any number of blocks gives the same bits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from beyondacc.types import Bools

__all__ = ["Exposure", "PerUser"]


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


@dataclasses.dataclass(frozen=True)
class Exposure:
    """How often each item is shown; blocks are added. Leading axes, if any, are replicates of a bootstrap.

    Attributes
    ----------
    shown : (..., lengths, items)
        Integer counts, apart for each list length, over items that include every item shown.
    lists, squares : (...)
        Number of non-empty lists and sum of their squared multiplicities (the same, but for a bootstrap replicate).
    lengths : (lengths,)
        The list lengths.
    covered : (items,)
        Which of the items are in the catalogue.
    n_catalogue
        Size of the catalogue; its items that are not among `items` were not shown.
    """

    shown: NDArray[np.int64]
    lists: NDArray[np.int64]
    squares: NDArray[np.int64]
    lengths: NDArray[np.int64]
    covered: Bools
    n_catalogue: int

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

    @property
    def catalogue(self) -> NDArray[np.int64]:
        """Showings of the catalogue items among `items`, shape (..., covered items)."""
        total: NDArray[np.int64] = self.shown.sum(axis=-2)[..., self.covered]
        return total
