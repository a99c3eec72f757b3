"""Models with latent factors."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from beyondacc.declare.params import Cutoff, Seed
from beyondacc.errors import SpecError
from beyondacc.models.base import MODELS, Model
from beyondacc.models.layout import Array, Layout
from beyondacc.models.scales import means
from beyondacc.types import Floats, UserIds

__all__ = ["CentredSVD", "PureSVD"]


def _decomposed(model: PureSVD | CentredSVD, matrix: sparse.csr_array[Any]) -> tuple[Floats, Floats]:
    """Return the right singular vectors, ``(factors, n_items)``, and the rows of the matrix in their terms."""
    n_users, n_items = matrix.shape
    side = min(n_users, n_items)
    if model.factors > side - 1:
        name = type(model).__name__
        remedy = f"factors must be at most {side - 1}" if side > 1 else "no number of factors is possible"
        raise SpecError(
            f"{name}: factors={model.factors} does not fit a training matrix of {n_users} users x {n_items} items; "
            f"{remedy}, one less than its smaller side"
        )
    if not matrix.data.any():  # nobody deviates from anything; the iteration would have nowhere to start
        return np.zeros((model.factors, n_items)), np.zeros((n_users, model.factors))
    start = np.random.default_rng(model.seed).uniform(size=side)
    # Beyond the rank svds returns directions that no row of X has a part in, so they need no removal.
    vectors = np.ascontiguousarray(svds(matrix, model.factors, v0=start)[2])
    return vectors, matrix @ vectors.T


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
        self._vectors, self._users = _decomposed(self, train)

    def _layout(self) -> Layout:
        return {
            "_vectors": Array(np.float64, (self.factors, self._n_items)),
            "_users": Array(np.float64, (self._n_users, self.factors)),
        }

    def _score(self, users: UserIds) -> Floats:
        # A sparse product adds row by row in a fixed order; the rounding of a dense one depends on the block.
        scores: Floats = sparse.csr_array(self._users[users]) @ self._vectors
        return scores


@MODELS.declare(
    title="PureSVD of deviations from the user's mean",
    cite="Cremonesi, Koren & Turrin 2010, RecSys, Performance of Recommender Algorithms on Top-N Recommendation Tasks, "
    "sec. 3.3; of the user-centred matrix as in Kaminskas & Bridge 2016, ACM TiiS 7(1)",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class CentredSVD(Model):
    """Truncated singular value decomposition of the ratings less each user's mean, missing entries being zeros.

    With X of these deviations ~ U S V^T, ``predict(u, i) = m_u + (x_u V V^T)_i``. Because a missing rating counts as
    the user's mean, predictions stay near it: made to rank items, not to hit ratings. A user without ratings is
    predicted the mean of all.

    Parameters
    ----------
    factors
        How many singular vectors; at most one less than the smaller side of the training matrix.
    seed
        For the vector that the iteration starts from.
    """

    explicit: ClassVar[bool] = True

    factors: Cutoff = 25
    seed: Seed = 0

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        users = np.repeat(np.arange(train.shape[0]), np.diff(train.indptr))
        self._means = means(train.data, users, train.shape[0], float(train.data.mean()))
        train.data -= self._means[users]
        self._vectors, self._users = _decomposed(self, train)

    def _layout(self) -> Layout:
        return {
            "_vectors": Array(np.float64, (self.factors, self._n_items)),
            "_users": Array(np.float64, (self._n_users, self.factors)),
            "_means": Array(np.float64, (self._n_users,)),
        }

    def _score(self, users: UserIds) -> Floats:
        scores: Floats = sparse.csr_array(self._users[users]) @ self._vectors
        scores += self._means[users, None]
        return scores
