"""Feature sets of items, as compressed rows and as bits."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from beyondacc.types import Bits, Floats, ItemIds, Offsets

__all__ = ["Features"]


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
