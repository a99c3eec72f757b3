"""What every model shares: parameters that are checked, fit and score, and the registry."""

from __future__ import annotations

import dataclasses
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated, Any, Self, TypeVar

import numpy as np
from scipy import sparse

from beyondacc.errors import DataError, SpecError, did_you_mean
from beyondacc.spec.names import parse_call
from beyondacc.spec.params import Param, Range, bind, format_call, parameters
from beyondacc.types import Floats, UserIds

__all__ = ["MODELS", "Model", "ModelInfo", "Seed", "create", "model"]

Seed = Annotated[int, Range(low=0)]
"""Starts a generator of random numbers."""


class Model(ABC):
    """A recommendation model for implicit feedback: fitted on who has which item, it scores every item for a user.

    A subclass is a dataclass whose fields are its parameters, keyword-only and annotated with their domains
    (``k: Cutoff = 60``), and implements `_fit` and `_score`.
    """

    _n_users = 0  # until it is fitted
    _n_items = 0

    def __post_init__(self) -> None:
        """Check the parameters; raises `SpecError`."""
        known = parameters(type(self))
        for name, value in bind(type(self).__name__, known, {name: getattr(self, name) for name in known}).items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        known = parameters(type(self))
        return format_call(type(self).__name__, known, {name: getattr(self, name) for name in known})

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


M = TypeVar("M", bound=Model)


@dataclasses.dataclass(frozen=True)
class ModelInfo:
    """What is known about a model.

    Parameters
    ----------
    name
        The name to write in a call, such as ``ItemKNN``.
    title
        The name in words.
    cite
        Where it is defined.
    factory
        The class.
    """

    name: str
    title: str
    cite: str
    factory: type[Model]

    @property
    def parameters(self) -> dict[str, Param]:
        """The parameters by name."""
        return parameters(self.factory)

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.factory) or "").partition("\n")[0]

    def as_dict(self) -> dict[str, Any]:
        """Describe the model in values that JSON can hold."""
        return {
            "name": self.name,
            "title": self.title,
            "parameters": [
                {"name": param.name, "default": param.default, "domain": param.domain}
                for param in self.parameters.values()
            ],
            "cite": self.cite,
        }


MODELS: dict[str, ModelInfo] = {}
"""All models by name."""


def _find(name: str) -> ModelInfo | None:
    return next((info for known, info in MODELS.items() if known.lower() == name.lower()), None)


def model(*, title: str, cite: str) -> Callable[[type[M]], type[M]]:
    """Enter a model class in `MODELS`.

    Parameters
    ----------
    title
        The model's name in words.
    cite
        Author, year, venue and title of the work that defines it.

    Raises
    ------
    SpecError
        If the name is taken; names are told apart without regard to case.
    """

    def register(cls: type[M]) -> type[M]:
        taken = _find(cls.__name__)
        if taken is not None:
            raise SpecError(f"the model name {cls.__name__!r} is taken by {taken.name}; choose another class name")
        MODELS[cls.__name__] = ModelInfo(cls.__name__, title, cite, cls)
        return cls

    return register


def create(text: str) -> Model:
    """Make a model from text such as ``ItemKNN(k=40)``; the case of the model's name does not matter.

    Raises
    ------
    SpecError
        If the text cannot be read, the model or a parameter is unknown, or a value is not allowed.
    """
    name, given, cutoff = parse_call(text)
    info = _find(name)
    if info is None:
        raise SpecError(f"there is no model {name!r}; {did_you_mean(name, MODELS)}")
    if cutoff is not None:
        raise SpecError(f"{text!r}: a model takes no cutoff; leave out @{cutoff}")
    return info.factory(**bind(info.name, info.parameters, given))
