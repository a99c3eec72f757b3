"""What every model shares: parameters that are checked, fit, score and predict, its file, and the registry."""

from __future__ import annotations

import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from scipy import sparse

from beyondacc.data.checks import check_sparse
from beyondacc.declare.declared import Catalog, Declared
from beyondacc.declare.params import parameters
from beyondacc.errors import DataError, SpecError
from beyondacc.models.files import Stored, read_state, write_state
from beyondacc.models.layout import Layout, check_extent, check_state
from beyondacc.types import Floats, ItemIds, UserIds

__all__ = ["MODELS", "Model", "Progress"]

Progress: TypeAlias = Callable[[int, int, str], None]
"""Told how many epochs, or other steps, are done, of how many, and a text such as the loss."""

_BLOCK_BYTES = 32 * 2**20  # of scores that ratings are picked from at a time


class Model(Declared, ABC):
    """A recommendation model: fitted on a matrix of users x items, it scores every item for a user.

    A subclass is a dataclass whose fields are its parameters, keyword-only and annotated with their domains
    (``k: Cutoff = 60``), and implements `_fit` and `_score`. An implicit model learns who has which item, an explicit
    one learns the values, and also predicts them. What `_fit` learns it keeps in attributes that are arrays, sparse
    matrices, numbers, texts, or tuples, lists or dicts of these, so that it can be saved.
    """

    explicit: ClassVar[bool] = False
    """Whether it learns from the values of the interactions, ratings, and predicts them."""
    core: ClassVar[bool] = False
    """Whether it is among the models that a study trains by default."""
    needs: ClassVar[str] = ""
    """The extra of the package that brings the library it needs; empty where none is needed."""

    step: ClassVar[str] = "epoch"
    """What `fit` tells the number of, while it learns."""

    _n_users = 0  # until it is fitted
    _n_items = 0
    _progress: Progress | None = None  # while it is fitted

    @classmethod
    def facts(cls) -> dict[str, Any]:
        """Return whether it is explicit, whether a study trains it by default, and the extra it needs."""
        return {"explicit": cls.explicit, "core": cls.core, "needs": cls.needs}

    def fit(self, train: sparse.csr_array[Any] | sparse.csr_matrix[Any], *, progress: Progress | None = None) -> Self:
        """Learn from the interactions in `train`.

        Parameters
        ----------
        train
            Sparse matrix, ``(n_users, n_items)``. Every stored entry is one interaction: of an implicit model whatever
            its value, of an explicit one with its value as the rating, which may be 0 or negative. It is not modified.
        progress
            Called as ``progress(done, total, text)`` after each epoch by models that learn in epochs, or after other
            steps, as `step` says.

        Raises
        ------
        DataError
            If `train` is not a sparse matrix of two dimensions or has no interactions; of an explicit model also if a
            rating is not a finite number or is given twice.
        SpecError
            If a parameter does not fit the matrix.
        DependencyError
            If the library it needs is not installed.
        """
        given: Any = train
        if not sparse.issparse(train) or given.ndim != 2:
            raise DataError(
                f"{type(self).__name__}: train must be a scipy.sparse matrix of users x items, "
                f"got {type(given).__name__} with {getattr(given, 'ndim', 'no')} dimensions; "
                "give a two-dimensional scipy.sparse.csr_array"
            )
        check_sparse(given, f"{type(self).__name__}: train")
        own: sparse.csr_array[Any] = sparse.csr_array(given, copy=True, dtype=np.float64)
        n_users, n_items = own.shape
        if own.nnz == 0:
            raise DataError(
                f"{type(self).__name__}: the training matrix of {n_users} users x {n_items} items has no "
                "interactions; give at least one"
            )
        own.sum_duplicates()
        if self.explicit:
            self._check_ratings(own, given)
        else:
            own.data[:] = 1.0
        self._n_users = 0  # a fit that fails leaves no half of an old one behind
        self._progress = progress
        try:
            self._fit(own)
        finally:
            del self._progress
        self._n_users, self._n_items = n_users, n_items
        return self

    def _check_ratings(self, own: sparse.csr_array[Any], given: Any) -> None:
        if (stored := given.tocoo().nnz) > own.nnz:
            raise DataError(
                f"{type(self).__name__}: the training matrix stores {stored} ratings for {own.nnz} pairs of user and "
                "item; give each pair one rating"
            )
        wrong = np.flatnonzero(~np.isfinite(own.data))
        if wrong.size:
            user = int(np.searchsorted(own.indptr, wrong[0], side="right")) - 1
            raise DataError(
                f"{type(self).__name__}: the rating of user {user} and item {own.indices[wrong[0]]} is "
                f"{own.data[wrong[0]]}; ratings must be finite numbers"
            )

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
        return self._score(self._rows(users, "score(users)"))

    def predict(self, users: UserIds, items: ItemIds) -> Floats:
        """Predict the rating of each pair of a user and an item.

        Parameters
        ----------
        users, items
            Rows and columns of the training matrix, ``(n,)`` each.

        Returns
        -------
        ndarray
            A new float64 array, ``(n,)``; finite, on the scale of the training ratings, and not clipped to it.

        Raises
        ------
        SpecError
            If the model is implicit, or has not been fitted.
        DataError
            If `users` or `items` are not rows or columns of the training matrix, or not equally many.
        """
        if not self.explicit:
            explicit = ", ".join(info.name for info in MODELS.values() if info.factory.explicit)
            raise SpecError(f"{self} does not learn from ratings and predicts none; models that do are {explicit}")
        rows = self._rows(users, "predict(users, items)")
        columns = self._positions(items, self._n_items, "item", "column")
        if rows.size != columns.size:
            raise DataError(
                f"{type(self).__name__}: {rows.size} users and {columns.size} items are no pairs; give equally many"
            )
        return self._predict(rows, columns)

    @property
    def n_items(self) -> int:
        """How many items it scores; 0 until it is fitted."""
        return self._n_items

    def _rows(self, users: UserIds, call: str) -> UserIds:
        if self._n_users == 0:
            raise SpecError(f"{self} has not been fitted; call fit(train) before {call}")
        return self._positions(users, self._n_users, "user", "row")

    def _positions(self, given: Any, n: int, axis: str, place: str) -> UserIds:
        array = np.asarray(given)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise DataError(
                f"{type(self).__name__}: {axis}s must be a one-dimensional array of whole numbers, "
                f"got {array.ndim} dimensions of {array.dtype}"
            )
        outside = np.flatnonzero((array < 0) | (array >= n))
        if outside.size:
            raise DataError(
                f"{type(self).__name__}: {axis} {array[outside[0]]} (position {outside[0]}) is not a {place} of the "
                f"training matrix; {axis}s must be from 0 to {n - 1}"
            )
        return array.astype(np.int32)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to one file, which `Model.load` reads; nothing in it can run code.

        Parameters
        ----------
        path
            Its name is taken as it is; an older file there is replaced when the new one is complete.

        Raises
        ------
        SpecError
            If the model has not been fitted, or is none of `MODELS`.
        DataError
            If the file cannot be written, or the model has learned something that a file cannot hold.
        """
        name = type(self).__name__
        if self._n_users == 0:
            raise SpecError(f"{self} has not been fitted; call fit(train) before save(path)")
        if name not in MODELS or MODELS[name].factory is not type(self):
            raise SpecError(f"{name} is not among the declared models, so load could not find it; use MODELS.declare")
        known = parameters(type(self))
        learned = {key: value for key, value in vars(self).items() if key not in known}
        write_state(path, Stored(name, {key: getattr(self, key) for key in known}, learned))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a fitted model from a file that `save` wrote; it scores with the same bits.

        Parameters
        ----------
        path
            Of the file.

        Raises
        ------
        DataError
            If it is not the file of a model, cannot be read, or holds what the model cannot have learned.
        SpecError
            If there is no model of that name here, or it is not of the class that was asked for.
        """
        stored = read_state(path)
        made = MODELS.create(stored.name, **stored.parameters)
        if not isinstance(made, cls):
            raise SpecError(f"{path} holds the model {stored.name}; load it by {stored.name}.load or models.load")
        where, state = f"the model {stored.name} in {path}", dict(stored.state)
        check_extent(where, state)
        made._n_users, made._n_items = state.pop("_n_users"), state.pop("_n_items")  # noqa: SLF001 - its own
        layout = made._layout()  # noqa: SLF001 - its own
        known = parameters(type(made))
        for key in state:
            if layout is None and (key in known or key.startswith("__")):
                raise DataError(f"{where} holds {key!r}, which is not learned; train and save the model again")
        if layout is not None:
            check_state(where, state, layout)
        vars(made).update(state)
        return made

    def _layout(self) -> Layout | None:
        """Return what a file must hold before it is read: what was learned for `_n_users` and `_n_items`.

        A kernel that is given a position outside of an array ends the process, so nothing else keeps a broken file
        from doing so. None, for a model of one's own: whatever it has learned, of which nothing is known here.
        """
        return None

    @abstractmethod
    def _fit(self, train: sparse.csr_array[Any]) -> None:
        """Learn from a matrix in canonical form, which is the model's to keep; an implicit model gets ones."""

    @abstractmethod
    def _score(self, users: UserIds) -> Floats:
        """Score checked users of a fitted model."""

    def _predict(self, users: UserIds, items: ItemIds) -> Floats:
        """Predict the ratings of checked pairs; the default picks them from the scores of the users."""
        ratings = np.empty(users.size)
        distinct, position = np.unique(users, return_inverse=True)
        step = max(1, _BLOCK_BYTES // (8 * self._n_items))
        order = np.argsort(position, kind="stable")
        bounds = np.searchsorted(position[order], np.arange(0, distinct.size + step, step))
        for number, (start, stop) in enumerate(itertools.pairwise(bounds)):
            first = number * step
            pairs = order[start:stop]
            scores = self._score(distinct[first : first + step])
            ratings[pairs] = scores[position[pairs] - first, items[pairs]]
        return ratings

    def _tell(self, done: int, total: int, text: str) -> None:
        """Report an epoch to who asked for it."""
        if self._progress is not None:
            self._progress(done, total, text)


MODELS: Catalog[Model] = Catalog("model")
"""All models by name."""
