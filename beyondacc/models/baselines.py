"""Models that do not learn from the user: chance and popularity."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from scipy import sparse

from beyondacc.declare.params import Seed
from beyondacc.kernels.hashing import uniform
from beyondacc.models.base import MODELS, Model
from beyondacc.models.layout import Array, Layout
from beyondacc.types import Floats, UserIds

__all__ = ["Popularity", "Random"]


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

    core = True

    seed: Seed = 0

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        pass

    def _layout(self) -> Layout:
        return {}

    def _score(self, users: UserIds) -> Floats:
        return uniform(self.seed, users.astype(np.uint64)[:, None], np.arange(self._n_items, dtype=np.uint64))


@MODELS.declare(
    title="Popularity",
    cite="Cremonesi, Koren & Turrin 2010, RecSys, Performance of Recommender Algorithms on Top-N Recommendation Tasks "
    "(TopPop)",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Popularity(Model):
    """The number of training users of the item, the same for every user."""

    core = True

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        self._counts = np.bincount(train.indices, minlength=train.shape[1]).astype(np.float64)

    def _layout(self) -> Layout:
        return {"_counts": Array(np.float64, (self._n_items,))}

    def _score(self, users: UserIds) -> Floats:
        return np.tile(self._counts, (users.size, 1))
