"""What the file of a model must hold before a kernel may read it: shapes, types and ranges of everything learned."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.errors import DataError

__all__ = ["Array", "Joined", "Layout", "Number", "Rows", "Size", "Sparse", "check_extent", "check_state"]

Size: TypeAlias = int | str | tuple[int | str, ...]
"""How long something is: a number; a name for what is found out, the same wherever it stands; a product of these."""

_MOST: Final = np.iinfo(np.int32).max  # users, or items, that can be numbered


@dataclasses.dataclass(frozen=True)
class Array:
    """A C-contiguous array; numbers are finite.

    Attributes
    ----------
    dtype
        Exactly.
    shape
    positive
        Whether all numbers must be above 0.
    """

    dtype: type[np.generic]
    shape: tuple[Size, ...]
    positive: bool = False


@dataclasses.dataclass(frozen=True)
class Number:
    """A finite number."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """Compressed rows as kernels take them: a tuple of offsets, columns and any number of arrays of values.

    Attributes
    ----------
    shape
        How many rows and columns.
    values
        How many arrays.
    """

    shape: tuple[int, int]
    values: int = 1


@dataclasses.dataclass(frozen=True)
class Sparse:
    """A matrix of scipy, in compressed rows."""

    shape: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Joined:
    """Several compressed rows with as many entries each, their arrays in one tuple."""

    parts: tuple[Rows, ...]


Part: TypeAlias = Array | Joined | Number | Rows | Sparse
Layout: TypeAlias = Mapping[str, Part | tuple[Part, ...] | None]


def check_state(where: str, state: Mapping[str, Any], layout: Layout) -> None:
    """Refuse what a model did not learn.

    Parameters
    ----------
    where
        What messages begin with.
    state
        What a file holds.
    layout
        What it must hold, by attribute, and nothing else; a tuple stands for one of such parts, None for nothing.

    Raises
    ------
    DataError
        Where something is missing, too much, or not what it must be; the message names the array and the place.
    """
    if odd := sorted(set(state) ^ set(layout)):
        lacks = "lacks" if odd[0] in layout else "holds"
        raise _refusal(
            where, f"{lacks} {odd[0]!r}, which a file of this model must {'' if odd[0] in layout else 'not '}have"
        )
    sizes: dict[str, int] = {}
    arrays = list(_parts(where, state, layout))
    for name, value, part in arrays:
        _bind(where, name, value, part, sizes)
    for name, value, part in arrays:
        _check(where, name, value, part, sizes)


def _refusal(where: str, what: str) -> DataError:
    return DataError(f"{where} {what}; train and save the model again")


def _parts(where: str, state: Mapping[str, Any], layout: Layout) -> Iterator[tuple[str, Any, Array | Number | Sparse]]:
    """Take tuples apart; what is compressed rows becomes its arrays once they belong together."""
    for key, part in layout.items():
        value = state[key]
        if part is None:
            if value is not None:
                raise _refusal(where, f"holds a {type(value).__name__} as {key!r}, which must be nothing")
        elif isinstance(part, Joined | Rows):
            yield from _joined(where, key, value, part.parts if isinstance(part, Joined) else (part,))
        elif isinstance(part, tuple):
            inner = _members(where, key, value, len(part))
            yield from ((f"{key}[{place}]", *both) for place, both in enumerate(zip(inner, part, strict=True)))  # type: ignore[misc] # no rows inside
        else:
            yield key, value, part


def _members(where: str, name: str, value: Any, n: int) -> tuple[Any, ...]:
    if not isinstance(value, tuple) or len(value) != n:
        raise _refusal(where, f"holds a {type(value).__name__} as {name!r}, which must be a tuple of {n}")
    return value


def _joined(where: str, name: str, value: Any, parts: tuple[Rows, ...]) -> Iterator[tuple[str, Any, Array]]:
    given = _members(where, name, value, sum(2 + part.values for part in parts))
    first = length = 0
    for number, part in enumerate(parts):
        last = first + 2 + part.values
        inner = {f"{name}[{place}]": given[place] for place in range(first, last)}
        found = _check_rows(where, inner, part)
        if number and found != length:
            raise _refusal(
                where, f"holds {length} entries in {name}[0] and {found} in {name}[{first}], which must be as many"
            )
        yield from ((key, each, Array(np.float64, (found,))) for key, each in list(inner.items())[2:])
        first, length = last, found


def _check_rows(where: str, inner: Mapping[str, Any], part: Rows) -> int:
    """Check offsets and columns, and return how many entries the rows have."""
    (first, offsets), (second, columns) = list(inner.items())[:2]
    n_rows, n_columns = part.shape
    _check(where, first, offsets, Array(np.int64, (n_rows + 1,)), {})
    falls = np.append(offsets[0] != 0, offsets[1:] < offsets[:-1])
    if falls.any():
        place = int(np.argmax(falls))
        raise _refusal(
            where, f"holds {offsets[place]} in place {place} of {first!r}, where rows begin, which must ascend from 0"
        )
    length = int(offsets[-1])
    _check(where, second, columns, Array(np.int32, (length,)), {})
    if (bad := np.flatnonzero((columns < 0) | (columns >= n_columns))).size:
        raise _refusal(
            where,
            f"holds {columns[bad[0]]} in place {bad[0]} of {second!r}, whose numbers must be from 0 to {n_columns - 1}",
        )
    return length


def _bind(where: str, name: str, value: Any, part: Array | Number | Sparse, sizes: dict[str, int]) -> None:
    """Find out the sizes that have names."""
    if isinstance(part, Array):
        if not isinstance(value, np.ndarray) or value.ndim != len(part.shape):
            raise _refusal(
                where,
                f"holds a {_described(value)} as {name!r}, which must be an array of {len(part.shape)} dimensions",
            )
        for size, found in zip(part.shape, value.shape, strict=True):
            if isinstance(size, str) and sizes.setdefault(size, found) == 0:
                raise _refusal(where, f"holds a {_described(value)} as {name!r}, which must not be empty")


def _check(where: str, name: str, value: Any, part: Array | Number | Sparse, sizes: dict[str, int]) -> None:
    if isinstance(part, Number):
        if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not math.isfinite(value):
            raise _refusal(where, f"holds {value!r:.80} as {name!r}, which must be a finite number")
        return
    if isinstance(part, Sparse):
        _check_sparse(where, name, value, part)
        return
    shape = tuple(_length(size, sizes) for size in part.shape)
    wanted = np.dtype(part.dtype)
    if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype != wanted:
        raise _refusal(where, f"holds a {_described(value)} as {name!r}, which must be an array of {shape} of {wanted}")
    _check_numbers(where, name, value, positive=part.positive)


def _length(size: Size, sizes: Mapping[str, int]) -> int:
    factors = size if isinstance(size, tuple) else (size,)
    return math.prod(sizes[each] if isinstance(each, str) else each for each in factors)


def _check_numbers(where: str, name: str, value: NDArray[Any], *, positive: bool = False) -> None:
    if value.dtype.kind != "f":
        return
    wrong = ~np.isfinite(value) | (value <= 0 if positive else np.False_)
    if wrong.any():
        place = tuple(int(each) for each in np.argwhere(wrong)[0])
        at = place[0] if len(place) == 1 else place
        what = "finite and above 0" if positive else "finite"
        raise _refusal(where, f"holds {value[place]} in place {at} of {name!r}, whose numbers must be {what}")


def _check_sparse(where: str, name: str, value: Any, part: Sparse) -> None:
    if not isinstance(value, sparse.csr_array) or value.shape != part.shape or value.dtype != np.float64:
        raise _refusal(
            where, f"holds a {_described(value)} as {name!r}, which must be a sparse matrix of {part.shape} of float64"
        )
    try:
        value.check_format(full_check=True)
    except ValueError as error:
        raise _refusal(where, f"holds a sparse matrix as {name!r} that is broken ({error})") from error
    _check_numbers(where, f"{name}.data", value.data)


def _described(value: Any) -> str:
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    kind = type(value).__name__
    return kind if shape is None else f"{kind} of {shape} of {dtype}"


def check_extent(where: str, state: Mapping[str, Any]) -> None:
    """Refuse numbers of users and items that are none."""
    for name, what in (("_n_users", "users"), ("_n_items", "items")):
        n = state.get(name)
        if type(n) is not int or not 1 <= n <= _MOST:
            raise _refusal(where, f"says that the model has {n!r:.80} {what}, which must be from 1 to {_MOST}")
