"""Distances that are looked up in a matrix, as a user gives it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch, Inputs
from beyondacc.data.columns import as_ids
from beyondacc.data.dataset import Dataset
from beyondacc.data.intake.labels import are_row_numbers
from beyondacc.data.once import once
from beyondacc.data.vocabulary import Vocabulary
from beyondacc.data.world import World
from beyondacc.distances.arrays import Listed, PairArrays, ToProfile
from beyondacc.distances.declared import DISTANCES, Distance
from beyondacc.errors import DataError
from beyondacc.kernels import tables
from beyondacc.types import Bools, ItemIds

__all__ = ["Given", "Matrix", "given_matrix", "is_matrix", "read_matrix"]

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
    numbered
        Whether `items` are the labels 0, 1, 2, ... of a frame that was given none. They are the ids of the items where
        all items of a dataset are among them, else positions.
    """

    numbers: NDArray[np.float64]
    items: Vocabulary | None
    numbered: bool = False

    weakly_kept: ClassVar[bool] = True

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
        return same and self.numbered == other.numbered and np.array_equal(self.numbers, other.numbers, equal_nan=True)

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
            If a matrix without ids has not one row for each item of the dataset, or ids are of another kind or all
            unknown.
        """
        if self.items is not None and not self.numbered:
            found = self.items.encode(items.ids, what="the dataset", known="the matrix of distances")
            if known and (found[:known] < 0).all():
                raise DataError(
                    f"the matrix of distances has none of the {known:,} items of the Dataset; its labels are such as "
                    f"{self.items.ids.tolist()[0]!r}, items such as {items.ids.tolist()[0]!r}: label its rows and "
                    "columns with the ids of the items, or pass an array with a row for each item in their order"
                )
            return found
        if self.items is not None and self.items.kind == items.kind:
            found = self.items.encode(items.ids, what="the dataset", known="the matrix of distances")
            if (found[:known] >= 0).all() or (len(self.numbers) != known and (found[:known] >= 0).any()):
                return found
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
        A square array, of which what is masked is NaN, or a DataFrame with the item ids as index and as columns, in any
        order.
    items
        The item ids of the rows of an array.

    Raises
    ------
    DataError
        If it is not square and symmetric, holds a number below 0 or an infinite one, holds similarities (ones on the
        diagonal), or the ids do not fit.
    """
    vocabulary = None
    numbered = isinstance(given, pd.DataFrame) and are_row_numbers(given.index)
    if isinstance(given, pd.DataFrame):
        if items is not None:
            raise DataError("a frame of distances names its items itself; leave out items=")
        given, items = _square(given)
    if items is not None:
        ids = as_ids(pd.Series(list(items)), "items of the matrix of distances")
        if not ids.is_unique:
            raise DataError(
                f"the matrix of distances has item {ids[ids.duplicated()].tolist()[0]!r} twice; keep one row"
            )
        vocabulary = Vocabulary(ids)
    if isinstance(given, np.ma.MaskedArray):
        given = np.ma.filled(given.astype(np.float64), np.nan)
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
    _refuse_similarities(numbers)
    return Matrix(_checked(numbers), vocabulary, numbered)


def _square(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Index[Any]]:
    """Return a frame with its columns in the order of its rows, and their labels."""
    if frame.index.equals(frame.columns):
        return frame, frame.index
    unique = frame.index.is_unique and frame.columns.is_unique
    if not unique or set(frame.index) != set(frame.columns):
        raise DataError(
            "a frame of distances needs the same item ids as index and as columns, each once; for a matrix without "
            "labels pass frame.to_numpy()"
        )
    return frame[list(frame.index)], frame.index


def _refuse_similarities(numbers: NDArray[np.float64]) -> None:
    own = np.diag(numbers)
    if len(own) and np.allclose(own, 1.0, rtol=0.0, atol=_ROUNDING):
        raise DataError(
            "the matrix of distances has ones on its diagonal, as similarities have; pass 1 - matrix, or a matrix with "
            "zeros there if these are distances"
        )


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


class Given(Distance):
    """A given matrix of distances as a distance.

    Attributes
    ----------
    matrix : Matrix
    """

    title, cite = "Given distances", "your own"

    def __init__(self, matrix: Matrix, name: str) -> None:
        self.matrix, self.name = matrix, name

    @property
    def upper(self) -> float:
        """The largest number in it."""
        return self.matrix.largest

    @property
    def _key(self) -> tuple[Any, ...]:
        return self.name, self.matrix

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.name, self.matrix, DISTANCES.get(self.name) is self)

    def missing(self, _data: Dataset) -> None:
        """Say that nothing is missing, whatever the dataset has."""

    def present(self, batch: Batch) -> Bools:
        """Tell which items have any distance."""
        return _has_row(batch.world, self.matrix, len(batch.data.items))

    def _arrays(self, batch: Batch) -> PairArrays:
        self._places(batch)  # that they fit
        return super()._arrays(batch)

    def _tables(self, batch: Batch, listed: Listed, found: NDArray[np.float64]) -> None:
        places = self._places(batch)
        tables.matrix_rows(self.matrix.numbers, places, listed.lists, listed.lengths, listed.k, found)

    def _to_profile(self, inputs: Inputs, k: int) -> ToProfile:
        train, numbers, places = inputs.batch.train, self.matrix.numbers, self._places(inputs.batch)
        found = ToProfile.empty((len(inputs), min(k, inputs.lists.shape[1])))
        profile = (inputs.users, train.starts, train.items)
        tables.matrix_profile_rows(numbers, places, inputs.lists, inputs.lengths, k, *profile, *found)
        return found

    def _places(self, batch: Batch) -> ItemIds:
        """Return the row of each item of a batch, -1 where it has none."""
        return _places(batch.world, self.matrix, len(batch.data.items))


@once
def _places(world: World, matrix: Matrix, known: int) -> ItemIds:
    return matrix.places(world.items, known)


@once
def _has_row(world: World, matrix: Matrix, known: int) -> Bools:
    some = np.append(~np.isnan(matrix.numbers).all(axis=1), False)
    found: Bools = some[_places(world, matrix, known)]
    return found


def _known(matrix: Matrix) -> Iterator[Given]:
    """Yield the distances of the same numbers for the same items."""
    for each in DISTANCES.everyone():
        if isinstance(each, Given) and each.matrix.equals(matrix):
            yield each


def given_matrix(given: Any, items: Any = None, name: str | None = None) -> Given:
    """Return the distance of a matrix; the same numbers again are the same distance, and are kept once.

    Raises
    ------
    SpecError, DataError
        As `beyondacc.distance`.
    """
    matrix = read_matrix(given, items)
    with DISTANCES.declaring.held:
        for each in _known(matrix):
            if name in {None, each.name}:
                if name is not None:
                    DISTANCES[name] = each
                return each
        made = Given(matrix, DISTANCES.own_name(name or DISTANCES.free_name("matrix")))
        (DISTANCES.unnamed if name is None else DISTANCES)[made.name] = made
        return made


def _restored(name: str, matrix: Matrix, named: bool) -> Given:
    with DISTANCES.declaring.held:
        if found := next((each for each in _known(matrix) if each.name == name), None):
            return found
        made = Given(matrix, DISTANCES.free_name(name))
        (DISTANCES if named and made.name == name else DISTANCES.unnamed)[made.name] = made
        return made


DISTANCES.reads(lambda value: given_matrix(value) if is_matrix(value) else None)
