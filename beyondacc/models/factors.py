"""Models with latent factors."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from beyondacc.errors import SpecError
from beyondacc.models.base import MODELS, Model
from beyondacc.spec.params import Cutoff, Seed
from beyondacc.types import Floats, UserIds

__all__ = ["PureSVD"]


@MODELS.declare(
    title="PureSVD",
    cite="Cremonesi, Koren & Turrin 2010, RecSys, Performance of Recommender Algorithms on Top-N Recommendation Tasks, "
    "sec. 3.3",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class PureSVD(Model):
    """Truncated singular value decomposition of the binary matrix, missing entries being zeros.

    With X ~ U S V^T, ``score(u, .) = x_u V V^T``, which is row u of U S V^T. The signs of the singular vectors, which
    the decomposition leaves open, cancel in it.

    Parameters
    ----------
    factors
        How many singular vectors; at most one less than the smaller side of the training matrix.
    seed
        For the vector that the iteration starts from.
    """

    core = True

    factors: Cutoff = 50
    seed: Seed = 0

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        n_users, n_items = train.shape
        side = min(n_users, n_items)
        if self.factors > side - 1:
            remedy = f"factors must be at most {side - 1}" if side > 1 else "no number of factors is possible"
            raise SpecError(
                f"PureSVD: factors={self.factors} does not fit a training matrix of {n_users} users x {n_items} items; "
                f"{remedy}, one less than its smaller side"
            )
        start = np.random.default_rng(self.seed).uniform(size=side)
        # Beyond the rank svds returns directions that no row of X has a part in, so they need no removal.
        self._vectors = np.ascontiguousarray(svds(train, self.factors, v0=start)[2])
        self._users = train @ self._vectors.T

    def _score(self, users: UserIds) -> Floats:
        # A sparse product adds row by row in a fixed order; the rounding of a dense one depends on the block.
        scores: Floats = sparse.csr_array(self._users[users]) @ self._vectors
        return scores
