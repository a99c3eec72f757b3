"""Distances whose items are copied side by side into small memory and compared there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch, Inputs, row_sizes
from beyondacc.data.dataset import Dataset
from beyondacc.distances.arrays import Listed, PairArrays, ToProfile
from beyondacc.distances.declared import Distance
from beyondacc.kernels import pairwise
from beyondacc.types import Bools

__all__ = ["Gathered", "OfRows"]

_NO_TABLES = np.empty((0, 0, 0))


class Gathered(Distance):
    """A distance that is worked out of arrays of the items when it is needed."""

    @abstractmethod
    def _arrays(self, batch: Batch) -> PairArrays:
        """Return the arrays by which kernels compare items."""

    def present(self, batch: Batch) -> Bools:
        """Tell which items have features."""
        found: Bools = self.arrays(batch).sizes != 0
        return found

    def parts(self, batch: Batch, rows: slice) -> Iterator[tuple[slice, NDArray[np.float64]]]:  # noqa: ARG002 - as in the base
        """Return all rows at once, and no table."""
        yield rows, _NO_TABLES

    def _tables(self, batch: Batch, listed: Listed, found: NDArray[np.float64]) -> None:
        arrays = self.arrays(batch)
        bench = arrays.bench(listed.lists.shape[1], 1)
        pairwise.pair_rows(*arrays, listed.lists, listed.lengths, listed.k, bench, found)
        self.look_at(bench)

    def _to_profile(self, inputs: Inputs, k: int) -> ToProfile:
        train, arrays = inputs.batch.train, self.arrays(inputs.batch)
        found = ToProfile.empty((len(inputs), min(k, inputs.lists.shape[1])))
        longest = int(row_sizes(train, inputs.users).max(initial=0))
        bench = arrays.bench(longest + inputs.lists.shape[1], 1)
        profile = (inputs.users, train.starts, train.items)
        pairwise.profile_rows(*arrays, inputs.lists, inputs.lengths, k, *profile, bench, *found)
        self.look_at(bench)
        return found


class OfRows(Gathered):
    """A distance of two rows of numbers."""

    needs = "features or vectors"

    def missing(self, data: Dataset) -> str | None:
        """Say that there are neither features nor vectors, if so."""
        if data.features is not None or data.vectors is not None:
            return None
        return "item features or vectors; pass items= with a genres column, or vectors="
