"""Models that do not learn from the user: chance and popularity."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.models.base import MODELS, Model
from beyondacc.spec.params import Seed
from beyondacc.types import Floats, UserIds

__all__ = ["Popularity", "Random"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit states in place, as splitmix64 does."""
    state ^= state >> np.uint64(30)
    state *= np.uint64(0xBF58476D1CE4E5B9)
    state ^= state >> np.uint64(27)
    state *= np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return state


@MODELS.declare(
    title="Random",
    cite="Steele, Lea & Flood 2014, OOPSLA, Fast Splittable Pseudorandom Number Generators (the generator splitmix64)",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Random(Model):
    """Uniform scores in [0, 1) that depend on the seed, the user and the item alone.

    Parameters
    ----------
    seed
        Another seed gives other scores.
    """

    seed: Seed = 0

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        pass

    def _score(self, users: UserIds) -> Floats:
        # One stream per user, started from a hash of seed and user; the item is the position in the stream.
        start = _mix(np.array([self.seed % 2**64], np.uint64) + _GOLDEN)
        streams = _mix(start + users.astype(np.uint64) * _GOLDEN)
        bits = _mix(streams[:, None] + np.arange(1, self._n_items + 1, dtype=np.uint64) * _GOLDEN)
        scores: Floats = np.multiply(bits >> np.uint64(11), 2.0**-53)
        return scores


@MODELS.declare(
    title="Popularity",
    cite="Cremonesi, Koren & Turrin 2010, RecSys, Performance of Recommender Algorithms on Top-N Recommendation Tasks "
    "(TopPop)",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Popularity(Model):
    """The number of training users of the item, the same for every user."""

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        self._counts = np.bincount(train.indices, minlength=train.shape[1]).astype(np.float64)

    def _score(self, users: UserIds) -> Floats:
        return np.tile(self._counts, (users.size, 1))
