"""A matrix of distances between items, as a user gives it."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.columns import as_ids
from beyondacc.data.vocabulary import Vocabulary
from beyondacc.errors import DataError
from beyondacc.types import ItemIds

__all__ = ["Matrix", "is_matrix", "read_matrix"]

_ROUNDING: Final = 1e-9


@dataclasses.dataclass(frozen=True, eq=False)
class Matrix:
    """Given distances.

    Attributes
    ----------
    numbers : (n, n)
        NaN where there is no distance.
    items
        The items of the rows, or None: those of the dataset in its order.
    """

    numbers: NDArray[np.float64]
    items: Vocabulary | None

    @property
    def largest(self) -> float:
        """The largest distance."""
        return float(np.nanmax(self.numbers)) if np.isfinite(self.numbers).any() else 0.0

    def equals(self, other: Matrix) -> bool:
        """Whether another matrix says the same about the same items."""
        if self.items is None or other.items is None:
            same = self.items is other.items
        else:
            same = self.items.ids.equals(other.items.ids)
        return same and np.array_equal(self.numbers, other.numbers, equal_nan=True)

    def places(self, items: Vocabulary, known: int) -> ItemIds:
        """Return the row of each item, -1 where it has none.

        Parameters
        ----------
        items
            Those of a run: of a dataset, then unknown ones.
        known
            How many of them are those of the dataset.

        Raises
        ------
        DataError
            If a matrix without ids has not one row for each item of the dataset, or ids are of another kind.
        """
        if self.items is not None:
            return self.items.encode(items.ids, what="the dataset", known="the matrix of distances")
        if len(self.numbers) != known:
            raise DataError(
                f"the matrix of distances has {len(self.numbers)} rows, but the Dataset has {known} items; "
                "say which items they are with beyondacc.distance(matrix, items=...)"
            )
        places = np.arange(len(items), dtype=np.int32)
        places[known:] = -1
        return places


def is_matrix(value: Any) -> bool:
    """Whether a value can only be meant as a matrix."""
    return isinstance(value, np.ndarray | pd.DataFrame)


def read_matrix(given: Any, items: Any = None) -> Matrix:
    """Check a matrix of distances and copy it.

    Parameters
    ----------
    given
        A square array, or a DataFrame with the item ids as index and as columns.
    items
        The item ids of the rows of an array.

    Raises
    ------
    DataError
        If it is not square and symmetric, holds a number below 0 or an infinite one, or the ids do not fit.
    """
    vocabulary = None
    if isinstance(given, pd.DataFrame):
        if items is not None:
            raise DataError("a frame of distances names its items itself; leave out items=")
        if not given.index.equals(given.columns):
            raise DataError("a frame of distances needs the same item ids as index and as columns, in the same order")
        items = given.index
    if items is not None:
        ids = as_ids(pd.Series(list(items)), "items of the matrix of distances")
        if not ids.is_unique:
            raise DataError(
                f"the matrix of distances has item {ids[ids.duplicated()].tolist()[0]!r} twice; keep one row"
            )
        vocabulary = Vocabulary(ids)
    try:
        numbers = np.array(given, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise DataError("a matrix of distances must hold numbers, or NaN where there is no distance") from error
    if numbers.ndim != 2 or numbers.shape[0] != numbers.shape[1]:
        raise DataError(f"a matrix of distances must be square; this one has the shape {numbers.shape}")
    if vocabulary is not None and len(vocabulary) != len(numbers):
        raise DataError(
            f"the matrix of distances has {len(numbers)} rows, but items= names {len(vocabulary)}; name each row once"
        )
    return Matrix(_checked(numbers), vocabulary)


def _checked(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Refuse what is no distance; what is one but for rounding, such as ``1 - X @ X.T``, is mended in place."""
    odd = np.isinf(numbers) | (numbers < -_ROUNDING)
    if odd.any():
        row, column = np.argwhere(odd)[0]
        raise DataError(
            f"the matrix of distances holds {numbers[row, column]:g} in row {row}, column {column}; distances must be "
            "finite and >= 0, or NaN where there is none"
        )
    np.maximum(numbers, 0.0, out=numbers)
    if np.array_equal(numbers, numbers.T, equal_nan=True):
        return numbers
    apart = ~np.isclose(numbers, numbers.T, rtol=_ROUNDING, atol=_ROUNDING, equal_nan=True)
    if apart.any():
        row, column = np.argwhere(apart)[0]
        raise DataError(
            f"the matrix of distances holds {numbers[row, column]:g} in row {row}, column {column}, but "
            f"{numbers[column, row]:g} the other way round; distances must be symmetric"
        )
    return np.asarray(0.5 * (numbers + numbers.T))
