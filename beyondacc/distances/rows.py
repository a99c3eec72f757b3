"""A row of numbers for each item: its vector, else its weighted features, else zeros and ones."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.once import once
from beyondacc.data.world import World
from beyondacc.errors import DataError
from beyondacc.types import Floats

__all__ = ["double_rows", "double_scaled", "item_rows", "scaled_rows"]

_ROWS_BYTES: Final = 2**31  # of features as dense rows
_MOST: Final = {4: 2.0**30, 8: 2.0**300}  # by the bytes of a number: what can be multiplied without care


def item_rows(world: World) -> Floats:
    """Return the rows of all items; vectors may be float32.

    Raises
    ------
    DataError
        If features are too many for rows of numbers.
    """
    return _dense(world) if world.vectors is None else world.vectors


@once
def _dense(world: World) -> Floats:
    features = world.features
    assert features is not None  # noqa: S101 - what is needed was checked
    shape = (len(features.bits), len(features.names))
    if 8 * shape[0] * shape[1] > _ROWS_BYTES:
        raise DataError(
            f"{shape[0]:,} items with {shape[1]:,} features are too many for rows of numbers; "
            "pass vectors= of fewer dimensions, or take distance=jaccard"
        )
    rows = np.zeros(shape)
    of_item = np.repeat(np.arange(shape[0]), np.diff(features.starts))
    rows[of_item, features.ids] = 1.0 if features.weights is None else features.weights
    return rows


@once
def scaled_rows(world: World) -> tuple[Floats, Floats]:
    """Return rows whose products neither overflow nor vanish, and their reciprocal norms, 0 for rows of zeros."""
    rows = item_rows(world)
    most = _MOST[rows.dtype.itemsize]
    largest = np.maximum(rows.max(axis=1, initial=0), -rows.min(axis=1, initial=0))
    extreme = (largest > most) | ((largest < 1 / most) & (largest > 0))
    if extreme.any():  # a power of two changes nothing but the size
        rows = rows.copy()
        rows[extreme] = np.ldexp(rows[extreme], -np.frexp(largest[extreme])[1][:, None])
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return rows, np.divide(1.0, norms, out=np.zeros(len(norms)), where=norms > 0)


@once
def double_rows(world: World) -> NDArray[np.float64]:
    """Return `item_rows` as float64."""
    return np.ascontiguousarray(item_rows(world), np.float64)


@once
def double_scaled(world: World) -> NDArray[np.float64]:
    """Return the first of `scaled_rows` as float64."""
    return np.ascontiguousarray(scaled_rows(world)[0], np.float64)
