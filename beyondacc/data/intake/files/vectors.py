"""Arrays of numbers from ``.npy`` files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.errors import DataError

__all__ = ["read_vectors"]


def read_vectors(path: str | os.PathLike[str], *, what: str = "vectors") -> NDArray[Any]:
    """Read an ``(n, d)`` array of numbers from a ``.npy`` file; pickled objects are refused.

    Raises
    ------
    DataError
        If the file is missing or holds something else.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(f"{what}: there is no file {str(file)!r}; check the path")
    if not file.stat().st_size:
        raise DataError(f"{what}: the file {str(file)!r} is empty")
    if file.suffix != ".npy":
        raise DataError(f"{what}: the file {str(file)!r} has an unknown extension; vectors are read from .npy")
    start = f"{what}: the file {str(file)!r} cannot be read as .npy:"
    try:
        vectors: NDArray[Any] = np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{start} it is not an .npy file of numbers") from error
    if vectors.ndim != 2 or vectors.dtype.kind not in "biuf":
        raise DataError(f"{start} it holds {vectors.dtype} of shape {vectors.shape}, not numbers of shape (items, d)")
    return vectors
