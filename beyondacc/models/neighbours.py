"""Neighbourhood models: items like those of the user, items of users like the user."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from scipy import sparse

from beyondacc.declare.params import Cutoff, Range
from beyondacc.kernels.neighbours import nearest_rows, weighted_sums
from beyondacc.models.base import MODELS, Model
from beyondacc.models.layout import Layout, Rows
from beyondacc.types import Floats, ItemIds, Offsets, UserIds

__all__ = ["ItemKNN", "UserKNN", "arrays"]

Similarity = Literal["cosine", "conditional"]
#: Neighbours found at a time before the unused places are dropped.
_BLOCK = 1 << 22


def arrays(matrix: sparse.csr_array[Any]) -> tuple[Offsets, ItemIds, Floats]:
    """Return the arrays of a CSR matrix in the types of the kernels."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data


def _nearest(
    matrix: sparse.csr_array[Any], k: int, shrink: float, similarity: Similarity = "cosine"
) -> sparse.csr_array[Any]:
    """Return the similarities of each row to its k nearest other rows, ``(n_rows, n_rows)``."""
    n = matrix.shape[0]
    k = min(k, max(n - 1, 1))
    by_row, by_column = arrays(matrix), arrays(matrix.T.tocsr())
    step = max(_BLOCK // k, 1)
    blocks = []
    for start in range(0, n, step):
        block = min(step, n - start)
        ids, values = np.empty((block, k), np.int32), np.empty((block, k))
        nearest_rows(start, *by_row[:2], *by_column[:2], shrink, similarity == "conditional", ids, values)
        used = ids < n
        blocks.append((ids[used], values[used], np.count_nonzero(used, axis=1)))
    ids, values, filled = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return sparse.csr_array((values, ids, np.concatenate(([0], np.cumsum(filled)))), shape=(n, n))


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class _Neighbours(Model):
    """Scores that are rows of a product of two sparse matrices, one of them similarities."""

    of_items: ClassVar[bool]
    """Whether the similarities are those of items, else of users."""

    k: Cutoff
    shrink: Annotated[float, Range(low=0)] = 0.0

    @abstractmethod
    def _operands(self, train: sparse.csr_array[Any]) -> tuple[sparse.csr_array[Any], sparse.csr_array[Any]]:
        """Return the two matrices, ``(n_users, m)`` and ``(m, n_items)``."""

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        left, right = self._operands(train)
        self._left, self._right = arrays(left), arrays(right)

    def _layout(self) -> Layout:
        inner = self._n_items if self.of_items else self._n_users
        return {"_left": Rows((self._n_users, inner)), "_right": Rows((inner, self._n_items))}

    def _score(self, users: UserIds) -> Floats:
        scores = np.zeros((users.size, self._n_items))
        weighted_sums(users, *self._left, *self._right, scores)
        return scores


@MODELS.declare(
    title="Item-based nearest neighbours",
    cite="Sarwar et al. 2001, WWW, Item-Based Collaborative Filtering Recommendation Algorithms; "
    "without normalisation as in Kaminskas & Bridge 2016, ACM TiiS 7(1)",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class ItemKNN(_Neighbours):
    """Sum of the similarities between an item and those of its nearest items that the user has.

    Two items with user sets A and B have the similarity ``|A & B| / (sqrt(|A| |B|) + shrink)``, the cosine of their
    binary columns where `shrink` is 0. Each item i keeps the k most similar other items N(i), and
    ``score(u, i) = sum of sim(i, j) over j in N(i) that u has``. There is no division by the sum of the similarities.

    Parameters
    ----------
    k
        How many nearest items each item keeps; equally similar ones are taken by lower index.
    shrink
        Added to the denominator; lowers similarities that rest on few users.
    similarity
        ``cosine``; ``conditional``: ``sim(i, j) = |A & B| / (|B| + shrink)``, the chance that a user of j has i, which
        is not that of j given i (Deshpande & Karypis 2004, TOIS 22(1), section 4.1.2, without their scaling by
        popularity).
    """

    core = True
    of_items = True

    k: Cutoff = 60
    similarity: Similarity = "cosine"

    def _operands(self, train: sparse.csr_array[Any]) -> tuple[sparse.csr_array[Any], sparse.csr_array[Any]]:
        return train, _nearest(train.T.tocsr(), self.k, self.shrink, self.similarity).T.tocsr()


@MODELS.declare(
    title="User-based nearest neighbours",
    cite="Sarwar et al. 2000, EC, Analysis of Recommendation Algorithms for E-Commerce; "
    "without normalisation as in Kaminskas & Bridge 2016, ACM TiiS 7(1)",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class UserKNN(_Neighbours):
    """Sum of the similarities between the user and those of the nearest users who have the item.

    Two users with item sets A and B have the similarity ``|A & B| / (sqrt(|A| |B|) + shrink)``, and
    ``score(u, i) = sum of sim(u, v) over the k users v nearest to u who have i``. There is no division by the sum of
    the similarities.

    Parameters
    ----------
    k
        How many nearest users count; equally similar ones are taken by lower index.
    shrink
        Added to the denominator; lowers similarities that rest on few items.
    """

    core = True
    of_items = False

    k: Cutoff = 150

    def _operands(self, train: sparse.csr_array[Any]) -> tuple[sparse.csr_array[Any], sparse.csr_array[Any]]:
        return _nearest(train, self.k, self.shrink), train
