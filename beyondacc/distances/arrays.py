"""What kernels read and write of distances: rows, room to compare items in, distances to profiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Inputs, row_sizes
from beyondacc.kernels import distance as kinds, jit
from beyondacc.kernels.bench import Bench, make_bench
from beyondacc.types import Bits, Floats, ItemIds, UserIds

__all__ = ["NO_BITS", "NO_ROWS", "Listed", "Missing", "PairArrays", "ToProfile", "no_pairs", "table_rows"]

Missing = Literal["skip", "one", "zero"]
"""What a pair counts that has no distance: nothing, or that distance."""

NO_BITS: Final = np.empty((0, 0), np.uint64)
NO_ROWS: Final = np.empty((0, 0))


class PairArrays(NamedTuple):
    """What `kernels.distance` reads, in its order."""

    kind: int
    factor: float
    bits: Bits
    sizes: Floats
    vectors: Floats
    own_rows: Floats
    own: Any

    def bench(self, width: int, slots: int) -> Bench:
        """Make room to compare up to `width` items in, with rows for the distances of up to `slots` of them."""
        size = self.own_rows.shape[1]
        spare = 0 if self.own is jit.no_distance() else 2 * size + jit.OWN_SPARE
        return make_bench(width, slots, self.bits, self.vectors, self.own_rows, spare)


def no_pairs(own_rows: Floats | None = None) -> PairArrays:
    """Return arrays without any distance, at most with rows of numbers to put on a kernel's bench."""
    kind, rows = (kinds.TABLE, NO_ROWS) if own_rows is None else (kinds.OWN, own_rows)
    return PairArrays(kind, 1.0, NO_BITS, np.ones(len(rows)), NO_ROWS, rows, jit.no_distance())


class Listed(NamedTuple):
    """The first k items of some lists and whose they are, in the order in which kernels read them."""

    lists: ItemIds
    lengths: NDArray[np.int32]
    k: int
    users: UserIds

    @property
    def width(self) -> int:
        """How many items there are of a list at most."""
        return min(self.k, int(self.lists.shape[1]))


class ToProfile(NamedTuple):
    """Distances of the first k items of each list to the user's profile, each of shape (rows, k).

    Attributes
    ----------
    least
        To the nearest item, NaN where there is no distance.
    total, counted
        Sum and number of distances.
    """

    least: NDArray[np.float64]
    total: NDArray[np.float64]
    counted: NDArray[np.int64]

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> ToProfile:
        """Make room, without any distance: the least is infinite."""
        return cls(np.full(shape, np.inf), np.zeros(shape), np.zeros(shape, np.int64))

    def part(self, rows: slice) -> ToProfile:
        """Return a copy of some rows."""
        return ToProfile(self.least[rows].copy(), self.total[rows].copy(), self.counted[rows].copy())

    def settled(self, inputs: Inputs, missing: Missing) -> ToProfile:
        """Return the same with what the pairs without a distance count, and NaN for what is least of none."""
        least, total, counted = self
        if missing != "skip":
            counts = 1.0 if missing == "one" else 0.0
            sizes = row_sizes(inputs.batch.train, inputs.users)[:, None]
            within = np.arange(least.shape[1]) < inputs.lengths[:, None]
            absent = np.where(within, sizes - counted, 0)
            least = np.where(absent > 0, np.minimum(least, counts), least)
            total = total + counts * absent
            counted = counted + absent
        least[counted == 0] = np.nan
        return ToProfile(least, total, counted)

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean distance, NaN where there is none."""
        mean = np.full(self.total.shape, np.nan)
        np.divide(self.total, self.counted, out=mean, where=self.counted > 0)
        return mean


def table_rows(n_rows: int, width: int, most: int) -> Iterator[slice]:
    """Cut rows so that their tables of distances take no more than so many bytes."""
    step = max(1, most // (8 * max(1, width) ** 2))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))
