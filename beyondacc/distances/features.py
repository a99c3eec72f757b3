"""Distances of feature sets, and of item vectors, weighted features, or sets as rows of zeros and ones."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch, Inputs, row_sizes
from beyondacc.data.dataset import Dataset
from beyondacc.data.features import Features
from beyondacc.data.once import once
from beyondacc.data.world import World
from beyondacc.distances.arrays import NO_BITS, NO_ROWS, Listed, Missing, PairArrays, ToProfile
from beyondacc.distances.declared import POLICIES, declare
from beyondacc.distances.pairs import Gathered, OfRows
from beyondacc.distances.rows import double_rows, double_scaled, scaled_rows
from beyondacc.kernels import distance as kinds, jit, pairwise, sets
from beyondacc.types import Bits, Floats

__all__ = ["COSINE", "JACCARD", "Looked"]


class Looked(NamedTuple):
    """What `kernels.sets` reads, in its order."""

    table: Floats
    base: int
    bits: Bits
    sizes: Floats


@once
def _distances_of_sets(_world: World, kind: int, factor: float, most: int) -> Floats:
    table = np.empty((most + 1) ** 3)
    sets.fill(kind, factor, most, table)
    return table


class _OfSets(Gathered):
    """A distance of two sets, by their sizes and by how many features they share.

    Where each set is a word and none is large, it is looked up by these three numbers.
    """

    kind: ClassVar[int]
    """Which of `kernels.distance` it is."""

    needs = "features"

    def missing(self, data: Dataset) -> str | None:
        """Say that there are no features, if so."""
        return None if data.features is not None else "item features; pass items= with a genres column"

    def _factor(self, _features: Features) -> float:
        """Return what the distance is multiplied by."""
        return 1.0

    def _sets(self, world: World) -> Features | None:
        """Return the sets, or None where something else is compared."""
        return world.features

    def _arrays(self, batch: Batch) -> PairArrays:
        features = self._sets(batch.world)
        assert features is not None  # noqa: S101 - what is needed was checked
        factor = self._factor(features)
        return PairArrays(self.kind, factor, features.bits, features.sizes, NO_ROWS, NO_ROWS, jit.no_distance())

    def looked_up(self, batch: Batch) -> Looked | None:
        """Return a table of the distances, where there is one."""
        features = self._sets(batch.world)
        if features is None or features.bits.shape[1] != 1 or features.most > sets.MOST:
            return None
        table = _distances_of_sets(batch.world, self.kind, self._factor(features), features.most)
        return Looked(table, features.most + 1, features.bits, features.sizes)

    def _mean_inside(self, inputs: Inputs, k: int, missing: Missing, alone: float) -> NDArray[np.float64]:
        """Return the mean distance inside each list, added up without a table of the pairs."""
        batch = inputs.batch
        if self._sets(batch.world) is None:
            return super()._mean_inside(inputs, k, missing, alone)
        means = np.empty(len(inputs))
        if (looked := self.looked_up(batch)) is not None:
            sets.mean_rows(*looked, inputs.lists, inputs.lengths, k, POLICIES[missing], alone, means)
            return means
        kind, factor, bits, sizes, *_ = self.arrays(batch)
        pairwise.ild_set_rows(
            kind, factor, bits, sizes, inputs.lists, inputs.lengths, k, POLICIES[missing], alone, means
        )
        return means

    def _tables(self, batch: Batch, listed: Listed, found: NDArray[np.float64]) -> None:
        if (looked := self.looked_up(batch)) is not None:
            sets.pair_rows(*looked, listed.lists, listed.lengths, listed.k, found)
        else:
            super()._tables(batch, listed, found)

    def _to_profile(self, inputs: Inputs, k: int) -> ToProfile:
        if (looked := self.looked_up(inputs.batch)) is None:
            return super()._to_profile(inputs, k)
        train = inputs.batch.train
        found = ToProfile.empty((len(inputs), min(k, inputs.lists.shape[1])))
        longest = int(row_sizes(train, inputs.users).max(initial=0))
        profile = (inputs.users, train.starts, train.items, longest)
        sets.profile_rows(*looked, inputs.lists, inputs.lengths, k, *profile, *found)
        return found


@declare("jaccard", "Jaccard distance", cite="Jaccard 1912")
class _Jaccard(_OfSets):
    kind = kinds.JACCARD
    upper = 1.0


@declare("cosine", "Cosine distance", cite="Salton & McGill 1983")
class _Cosine(OfRows, _OfSets):
    """Of vectors where the items have them, else of weighted features, else of feature sets."""

    half: bool = False
    clip: bool = False

    kind = kinds.COSINE_SETS

    @property
    def upper(self) -> float:
        """The largest value: 2 for opposite rows, less where it is halved, or no similarity is below 0."""
        return (1.0 if self.clip else 2.0) * self._halved

    @property
    def _halved(self) -> float:
        return 0.5 if self.half else 1.0

    def _factor(self, _features: Features) -> float:
        return self._halved

    def _sets(self, world: World) -> Features | None:
        features = world.features
        return None if world.vectors is not None or features is None or features.weights is not None else features

    def _arrays(self, batch: Batch) -> PairArrays:
        if self._sets(batch.world) is not None:
            return super()._arrays(batch)
        kind = kinds.COSINE_CLIPPED if self.clip else kinds.COSINE_VECTORS
        rows, inverse_norms = double_scaled(batch.world), scaled_rows(batch.world)[1]
        return PairArrays(kind, self._halved, NO_BITS, inverse_norms, rows, NO_ROWS, jit.no_distance())

    def _mean_inside(self, inputs: Inputs, k: int, missing: Missing, alone: float) -> NDArray[np.float64]:
        """Return the mean distance inside each list, from the sum of the rows where they are summed up."""
        if self.clip or self._sets(inputs.world) is not None:
            return super()._mean_inside(inputs, k, missing, alone)
        means = np.empty(len(inputs))
        rows, inverse_norms = scaled_rows(inputs.world)  # float32 as they are: half as many bytes
        lists = (inputs.lists, inputs.lengths, k)
        pairwise.ild_cosine_rows(self._halved, inverse_norms, rows, *lists, POLICIES[missing], alone, means)
        return means


@declare("hamming", "Hamming distance", cite="Hamming 1950")
class _Hamming(_OfSets):
    normalized: bool = True

    kind = kinds.HAMMING

    @property
    def upper(self) -> float:
        """The largest value: 1 where it is divided by the number of features."""
        return 1.0 if self.normalized else math.inf

    def _factor(self, features: Features) -> float:
        return 1.0 / max(1, len(features.names)) if self.normalized else 1.0


@declare("euclidean", "Euclidean distance", cite="Euclid")
class _Euclidean(OfRows):
    upper = math.inf

    def _arrays(self, batch: Batch) -> PairArrays:
        sizes, rows = scaled_rows(batch.world)[1], double_rows(batch.world)
        return PairArrays(kinds.EUCLIDEAN, 1.0, NO_BITS, sizes, rows, NO_ROWS, jit.no_distance())


JACCARD, COSINE = _Jaccard(), _Cosine()
