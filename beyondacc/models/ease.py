"""EASE: a linear item-item model in closed form."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from beyondacc.declare.params import Range
from beyondacc.errors import SpecError
from beyondacc.models.base import MODELS, Model
from beyondacc.models.layout import Array, Layout, Sparse
from beyondacc.types import Floats, UserIds

__all__ = ["EASE"]

#: Items whose leverages are computed at a time.
_BLOCK = 1024


@MODELS.declare(
    title="Embarrassingly shallow autoencoder",
    cite="Steck 2019, WWW, Embarrassingly Shallow Autoencoders for Sparse Data",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class EASE(Model):
    """Linear regression of each item on all others, with one ridge penalty and in closed form.

    With ``P = (X^T X + l2 I)^-1`` and ``B = I - P diag(1 / diag P)``, whose diagonal is zero, ``score(u, .) = x_u B``.
    Only the smaller of two systems is solved. With fewer users than items, and ``A = (X X^T + l2 I)^-1``, the identity
    ``X P = A X`` gives ``score(u, .) = x_u - a_u X diag(1 / diag P)`` and
    ``P_jj = (1 - x_j^T A x_j) / l2``, in memory for users x users and the interactions; else B is kept, items x items.

    Parameters
    ----------
    l2
        The penalty on the squared weights, added to each item's number of users on the diagonal of ``X^T X``. Small
        values trust items with few users; the larger it is, the nearer the ranking comes to plain co-occurrence counts.
        The default suits data between MovieLens 100K and 1M.
    """

    core = True

    l2: Annotated[float, Range(low=0, open_low=True)] = 300.0

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        self._train = train
        if train.shape[0] < train.shape[1]:
            self._fit_users()
        else:
            self._fit_items()

    def _fit_items(self) -> None:
        inverse = self._invert(self._train.T @ self._train)
        self._weights: Floats | None = inverse / -self._checked(inverse.diagonal())
        np.fill_diagonal(self._weights, 0.0)

    def _fit_users(self) -> None:
        self._weights = None
        self._inverse = self._invert(self._train @ self._train.T)
        self._by_item = self._train.T.tocsr()
        leverage = np.empty(self._by_item.shape[0])
        for start in range(0, leverage.size, _BLOCK):
            block = self._by_item[start : start + _BLOCK]
            leverage[start : start + _BLOCK] = block.multiply(block @ self._inverse).sum(axis=1)
        self._diagonal = self._checked((1.0 - leverage) / self.l2)

    def _invert(self, gram: sparse.csr_array[Any]) -> Floats:
        """Return the inverse of ``gram + l2 I``, exactly symmetric and C-contiguous."""
        dense = gram.toarray(order="F")
        dense[np.diag_indices_from(dense)] += self.l2
        factor, failed = lapack.dpotrf(dense, lower=True, overwrite_a=True)
        if failed:
            raise self._singular()
        inverse, _ = lapack.dpotri(factor, lower=True, overwrite_c=True)
        for j in range(len(inverse)):
            inverse[j, j + 1 :] = inverse[j + 1 :, j]
        symmetric: Floats = inverse.T
        return symmetric

    def _checked(self, diagonal: Floats) -> Floats:
        if not (np.isfinite(diagonal).all() and (diagonal > 0).all()):
            raise self._singular()
        return diagonal

    def _singular(self) -> SpecError:
        n_users, n_items = self._train.shape
        return SpecError(
            f"EASE: l2={self.l2:g} is too small for a training matrix of {n_users} users x {n_items} items, "
            "whose Gram matrix is singular up to rounding; give a larger l2"
        )

    def _layout(self) -> Layout:
        n_users, n_items = self._n_users, self._n_items
        found: dict[str, Any] = {"_train": Sparse((n_users, n_items))}
        if n_users >= n_items:
            return found | {"_weights": Array(np.float64, (n_items, n_items))}
        return found | {
            "_weights": None,
            "_inverse": Array(np.float64, (n_users, n_users)),
            "_by_item": Sparse((n_items, n_users)),
            "_diagonal": Array(np.float64, (n_items,), positive=True),
        }

    def _score(self, users: UserIds) -> Floats:
        # Only sparse products: they add in a fixed order, the rounding of a dense one depends on the block.
        if self._weights is not None:
            scores: Floats = self._train[users] @ self._weights
            return scores
        scores = self._train[users].toarray()
        scores -= (self._by_item @ self._inverse[:, users]).T / self._diagonal
        return scores
