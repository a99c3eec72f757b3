"""What every model shares: parameters that are checked, fit and score, and the registry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from scipy import sparse

from beyondacc.errors import DataError, SpecError
from beyondacc.spec.declared import Catalog, Declared
from beyondacc.types import Floats, UserIds

__all__ = ["MODELS", "Model"]


class Model(Declared, ABC):
    """A recommendation model for implicit feedback: fitted on who has which item, it scores every item for a user.

    A subclass is a dataclass whose fields are its parameters, keyword-only and annotated with their domains
    (``k: Cutoff = 60``), and implements `_fit` and `_score`.
    """

    _n_users = 0  # until it is fitted
    _n_items = 0

    def fit(self, train: sparse.csr_array[Any] | sparse.csr_matrix[Any]) -> Self:
        """Learn from the interactions in `train`.

        Parameters
        ----------
        train
            Sparse matrix, ``(n_users, n_items)``. Every stored entry counts as one interaction, whatever its value.
            It is not modified.

        Raises
        ------
        DataError
            If `train` is not a sparse matrix of two dimensions or has no interactions.
        SpecError
            If a parameter does not fit the matrix.
        """
        given: Any = train
        if not sparse.issparse(train) or given.ndim != 2:
            raise DataError(
                f"{type(self).__name__}: train must be a scipy.sparse matrix of users x items, "
                f"got {type(given).__name__} with {getattr(given, 'ndim', 'no')} dimensions; "
                "give a two-dimensional scipy.sparse.csr_array"
            )
        binary: sparse.csr_array[Any] = sparse.csr_array(given, copy=True, dtype=np.float64)
        n_users, n_items = binary.shape
        if binary.nnz == 0:
            raise DataError(
                f"{type(self).__name__}: the training matrix of {n_users} users x {n_items} items has no "
                "interactions; give at least one"
            )
        binary.sum_duplicates()
        binary.data[:] = 1.0
        self._n_users = 0  # a fit that fails leaves no half of an old one behind
        self._fit(binary)
        self._n_users, self._n_items = n_users, n_items
        return self

    def score(self, users: UserIds) -> Floats:
        """Score every item for the given users.

        A row depends on its user alone, bit for bit, so blocks of users can be scored apart and in any order.

        Parameters
        ----------
        users
            Rows of the training matrix, ``(block,)``.

        Returns
        -------
        ndarray
            A new C-contiguous float64 array, ``(block, n_items)``; finite, higher is better.

        Raises
        ------
        SpecError
            If the model has not been fitted.
        DataError
            If `users` are not rows of the training matrix.
        """
        if self._n_users == 0:
            raise SpecError(f"{self} has not been fitted; call fit(train) before score(users)")
        rows = np.asarray(users)
        if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
            raise DataError(
                f"{type(self).__name__}: users must be a one-dimensional array of whole numbers, "
                f"got {rows.ndim} dimensions of {rows.dtype}"
            )
        outside = np.flatnonzero((rows < 0) | (rows >= self._n_users))
        if outside.size:
            raise DataError(
                f"{type(self).__name__}: user {rows[outside[0]]} (position {outside[0]}) is not a row of the training "
                f"matrix; users must be from 0 to {self._n_users - 1}"
            )
        return self._score(rows.astype(np.int32))

    @abstractmethod
    def _fit(self, train: sparse.csr_array[Any]) -> None:
        """Learn from a binary matrix in canonical form, which is the model's to keep."""

    @abstractmethod
    def _score(self, users: UserIds) -> Floats:
        """Score checked users of a fitted model."""


MODELS: Catalog[Model] = Catalog("model")
"""All models by name."""
