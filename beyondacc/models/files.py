"""Trained models as files: a NumPy archive of arrays and a text that says how they belong together; nothing is run."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.errors import DataError
from beyondacc.files.atomic import beside

__all__ = ["Stored", "read_state", "write_state"]

_KIND: Final = "beyondacc model"
_VERSION: Final = 1
_HEADER: Final = "header"
#: What is raised where an archive, an array in it or the text says something else than `write_state` does.
_BROKEN: Final = (
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError, MemoryError, RuntimeError),
    *(NotImplementedError, SyntaxError, struct.error, zlib.error, zipfile.BadZipFile),
)


@dataclasses.dataclass(frozen=True)
class Stored:
    """What a file holds.

    Attributes
    ----------
    name
        Of the class.
    parameters
        Their values, as text where they are no numbers.
    state
        Everything that was learned, by attribute.
    """

    name: str
    parameters: dict[str, Any]
    state: dict[str, Any]


def write_state(path: str | os.PathLike[str], stored: Stored) -> None:
    """Write a file, whole or not at all: it takes its name when it is complete.

    Raises
    ------
    DataError
        If something in the state is neither an array of numbers, a sparse matrix, a number, a text, nor a tuple, list
        or dict of these; or if the file cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {}
    state = {key: _pack(value, arrays, f"{stored.name}.{key}") for key, value in stored.state.items()}
    header = {
        _KIND: _VERSION,
        "model": stored.name,
        "parameters": {key: _plain(value) for key, value in stored.parameters.items()},
        "state": state,
    }
    target = Path(path)
    try:
        with beside(target) as part, part.open("wb") as file:
            np.savez(file, allow_pickle=False, **{_HEADER: np.array(json.dumps(header))}, **arrays)
    except OSError as error:
        raise DataError(f"the model cannot be written to {target}: {error.strerror}; give another path") from error


def read_state(path: str | os.PathLike[str]) -> Stored:
    """Read a file that `write_state` wrote.

    Raises
    ------
    DataError
        If it cannot be read, is another kind of file, or was written by another version.
    """
    source = Path(path)
    with _said(source):
        with source.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(arrays[_HEADER].item())
        version = header[_KIND]
    if version != _VERSION:
        raise DataError(
            f"{source} is the file of a model in version {version!r:.80}, and this reads version {_VERSION}; "
            "train and save the model again"
        )
    with _said(source):
        state = {str(key): _unpack(value, arrays) for key, value in header["state"].items()}
        return Stored(str(header["model"]), dict(header["parameters"]), state)


@contextlib.contextmanager
def _said(source: Path) -> Iterator[None]:
    """Say of a file that it cannot be read, or is none of ours."""
    try:
        yield
    except OSError as error:
        raise DataError(f"the model cannot be read from {source}: {error.strerror or error}; give its path") from error
    except _BROKEN as error:
        raise DataError(f"{source} is not the file of a model; give one that model.save(path) wrote") from error


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _pack(value: Any, arrays: dict[str, NDArray[Any]], what: str) -> Any:
    """Describe a value in what JSON can hold, and put its arrays aside."""
    given, kind = value, type(value)
    if value is None or kind in {bool, int, float, str}:
        return value
    if sparse.issparse(value):
        rows = sparse.csr_array(given)
        parts = [_aside(part, arrays, what) for part in (rows.data, rows.indices, rows.indptr)]
        return {"sparse": parts, "shape": list(rows.shape), "matrix": isinstance(value, sparse.spmatrix)}
    if isinstance(value, np.ndarray):
        return {"array": _aside(value, arrays, what)}
    if isinstance(value, np.generic):
        return {"number": _aside(np.asarray(value), arrays, what)}
    if kind in {tuple, list}:
        return {kind.__name__: [_pack(each, arrays, what) for each in value]}
    if kind is dict and all(isinstance(key, str) for key in value):
        return {"dict": {key: _pack(each, arrays, f"{what}[{key!r}]") for key, each in value.items()}}
    raise DataError(
        f"{what} is a {kind.__name__}, which a file of a model cannot hold; "
        "keep arrays, sparse matrices, numbers, texts, and tuples, lists or dicts of these"
    )


def _aside(array: NDArray[Any], arrays: dict[str, NDArray[Any]], what: str) -> str:
    if array.dtype.hasobject:
        raise DataError(f"{what} is an array of Python objects, which a file of a model cannot hold; keep numbers")
    name = f"a{len(arrays)}"
    arrays[name] = array
    return name


def _unpack(packed: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if not isinstance(packed, dict):
        return packed
    if "sparse" in packed:
        kind = sparse.csr_matrix if packed["matrix"] else sparse.csr_array
        data, *places = (arrays[name] for name in packed["sparse"])
        if any(each.dtype not in {np.dtype(np.int32), np.dtype(np.int64)} for each in places):
            raise TypeError("places in a matrix are whole numbers")  # scipy would make some of them
        return kind((data, *places), shape=tuple(packed["shape"]))
    if "array" in packed:
        return arrays[packed["array"]]
    if "number" in packed:
        return arrays[packed["number"]][()]
    if "dict" in packed:
        return {key: _unpack(each, arrays) for key, each in packed["dict"].items()}
    [(kind, values)] = packed.items()
    return {"tuple": tuple, "list": list}[kind](_unpack(each, arrays) for each in values)
