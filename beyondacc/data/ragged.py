"""`Lists`: ranked lists of any lengths, one after the other, so that memory follows the rows."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels import align
from beyondacc.types import ItemIds, Offsets

__all__ = ["FILLS", "Flat", "Lists", "is_even", "room"]

#: What stands in each column where a list ends. A further number of each listed item is a field of `Lists` and a line.
FILLS: Final[Mapping[str, float]] = {
    "items": -1,
    "scores": np.nan,
    "input_ranks": -1,
    "ranks": -1,
    "relevance": np.nan,
    "gain": np.nan,
}
_TYPES: Final = {
    "items": np.int32,
    "scores": np.float64,
    "input_ranks": np.int32,
    "ranks": np.int32,
    "relevance": np.float64,
    "gain": np.float64,
}
_FEW: Final = 2**20  # places that are few enough, however many of them stay empty


def is_even(lengths: NDArray[np.integer[Any]]) -> bool:
    """Whether lists can all be given the room of the longest: half of it is used, or it is little."""
    return len(lengths) * int(lengths.max(initial=0)) <= max(_FEW, 2 * int(lengths.sum(dtype=np.int64)))


def room(lengths: NDArray[np.integer[Any]], k: int | None = None) -> tuple[Offsets, int]:
    """Return where lists of these lengths, cut at k, are put, and the width of all where they get the same room.

    Returns
    -------
    bounds : (n + 1,)
        Where the room of each begins, and after the last where it ends.
    stride
        0 where each list only gets what it needs.
    """
    needed = lengths if k is None else np.minimum(lengths, k)
    if is_even(needed):
        stride = max(1, int(needed.max(initial=0)))
        return np.arange(len(needed) + 1, dtype=np.int64) * stride, stride
    bounds = np.zeros(len(needed) + 1, np.int64)
    np.cumsum(needed, out=bounds[1:])
    return bounds, 0


class Flat(NamedTuple):
    """Every listed item.

    Attributes
    ----------
    rows, ranks : (n,)
        In which list it stands, and at which rank, from 0.
    places : (n,)
        Where it stands in the columns of `Lists`.
    """

    rows: NDArray[np.int64]
    ranks: NDArray[np.int64]
    places: NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class Lists:
    """Ranked lists: where each begins, how long it is, and what all of them list.

    Lists may lie in any order, and with gaps between them, so that taking some of them copies nothing.

    Attributes
    ----------
    starts, lengths : (n,)
        Where each list begins in the columns, and how many items it has.
    items : (places,)
        Positions of items, the best of a list first; -1 in gaps.
    scores : (places,) or None
        NaN in gaps.
    input_ranks : (places,) or None
        The rank of each item in the list before it was re-ranked, from 0; -1 in gaps.
    ranks : (places,) or None
        The rank that is written beside each item, from 0, where the order alone does not count; -1 in gaps.
    relevance, gain : (places,) or None
        For lists that were re-ranked: the score of each item in the list before, None where that had none, and the
        value of the objective when it was picked; NaN in gaps. Their scores are 1 / rank, the rank from 1.
    stride
        Where the columns are the rows of a matrix that is padded with -1 and NaN, its width; else 0.
    """

    starts: Offsets
    lengths: NDArray[np.int32]
    items: ItemIds
    scores: NDArray[np.float64] | None = None
    input_ranks: ItemIds | None = None
    stride: int = 0
    relevance: NDArray[np.float64] | None = None
    gain: NDArray[np.float64] | None = None
    ranks: ItemIds | None = None

    @classmethod
    def of_padded(
        cls,
        items: NDArray[Any],
        scores: NDArray[Any] | None = None,
        input_ranks: NDArray[Any] | None = None,
        *,
        relevance: NDArray[Any] | None = None,
        gain: NDArray[Any] | None = None,
    ) -> Self:
        """Take padded matrices (n, K) as they are; those of the right type whose rows lie together are not copied."""
        n, width = items.shape
        given = {
            "items": items,
            "scores": scores,
            "input_ranks": input_ranks,
            "relevance": relevance,
            "gain": gain,
        }
        columns = {
            name: None if matrix is None else np.ascontiguousarray(matrix, _TYPES[name]).reshape(-1)
            for name, matrix in given.items()
        }
        lengths = np.empty(n, np.int32)
        align.length_rows(np.ascontiguousarray(items, np.int32), lengths)
        made: Any = columns
        return cls(np.arange(n, dtype=np.int64) * width, lengths, **made, stride=width)

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Make lists of what `arrays` returned."""
        lengths = np.asarray(arrays["lengths"], np.int32)
        ends = np.cumsum(lengths, dtype=np.int64)
        even = bool(len(lengths)) and bool((lengths == lengths[0]).all()) and lengths[0] > 0
        columns: Any = {name: arrays[name] for name in FILLS if name in arrays}
        return cls(ends - lengths, lengths, **columns, stride=int(lengths[0]) if even else 0)

    @classmethod
    def join(cls, parts: Sequence[Lists]) -> Lists:
        """Put the lists of several behind each other; they have the same columns."""
        if len(parts) == 1:
            return parts[0]
        first = parts[0]
        if all(part.items is first.items for part in parts):  # rows of the same lists
            starts, lengths = (
                np.concatenate([getattr(part, name) for part in parts]) for name in ("starts", "lengths")
            )
            return dataclasses.replace(first, starts=starts, lengths=lengths, stride=0)
        offsets = np.cumsum([0, *(len(part.items) for part in parts[:-1])])
        columns: Any = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
        strides = {part.stride for part in parts}
        return cls(
            np.concatenate([part.starts + offset for part, offset in zip(parts, offsets, strict=True)]),
            np.concatenate([part.lengths for part in parts]),
            **columns,
            stride=strides.pop() if len(strides) == 1 else 0,
        )

    def __len__(self) -> int:
        return len(self.lengths)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: no list that was not taken, and nothing that was derived."""
        kept = self.compact()
        return {field.name: getattr(kept, field.name) for field in dataclasses.fields(self)}

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns that there are, by name."""
        found = {name: getattr(self, name) for name in FILLS}
        return {name: column for name, column in found.items() if column is not None}

    @functools.cached_property
    def width(self) -> int:
        """Length of the longest list, at least 1."""
        return max(1, int(self.lengths.max(initial=0)))

    def with_columns(self, **columns: NDArray[Any] | None) -> Lists:
        """Return the same lists with other columns."""
        made: Any = columns
        return dataclasses.replace(self, **made)

    def take(self, rows: NDArray[Any]) -> Lists:
        """Return the lists of some rows, by a mask or by their positions, -1 standing for an empty list."""
        rows = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        if len(rows) == len(self) and np.array_equal(rows, np.arange(len(self))):
            return self
        if not len(self):
            none = np.zeros(len(rows), np.int64)
            return dataclasses.replace(self, starts=none, lengths=none.astype(np.int32), stride=0)
        lengths = np.where(rows >= 0, self.lengths[rows], np.int32(0))
        return dataclasses.replace(self, starts=self.starts[rows], lengths=lengths, stride=0)

    def rows(self, rows: slice) -> Lists:
        """Return some lists that follow each other, without a copy."""
        return dataclasses.replace(self, starts=self.starts[rows], lengths=self.lengths[rows], stride=0)

    def top(self, k: int) -> Lists:
        """Return the first k of each list, without what lies between them."""
        return self if max(self.width, self.stride) <= k else self._copied(k)

    def compact(self) -> Lists:
        """Return the same lists without gaps that are larger than the lists, and without lists that were not taken."""
        return self if self.stride or len(self.items) <= 2 * self.lengths.sum(dtype=np.int64) else self._copied(None)

    def _copied(self, k: int | None) -> Lists:
        bounds, stride = room(self.lengths, k)
        columns: Any = {name: self._copy(name, bounds) for name in self.columns}
        lengths = self.lengths if k is None else np.minimum(self.lengths, np.int32(k))
        return Lists(bounds[:-1], lengths, **columns, stride=stride)

    def _copy(self, name: str, bounds: Offsets, rows: slice = slice(None)) -> NDArray[Any]:
        source: NDArray[Any] = getattr(self, name)
        out = np.empty(bounds[-1], source.dtype)
        align.copy_rows(self.starts[rows], self.lengths[rows], source, bounds, FILLS[name], out)
        return out

    def recode(self, table: ItemIds) -> Lists:
        """Return the same lists of other positions: the new one of each item."""
        return dataclasses.replace(self, items=np.append(table, np.int32(-1)).astype(np.int32)[self.items])

    def flat(self, k: int | None = None, rows: NDArray[np.int64] | None = None) -> Flat:
        """Return every item among the first k of the lists, or of those of some rows."""
        lengths = self.lengths if k is None else np.minimum(self.lengths, k)
        starts = self.starts if rows is None else self.starts[rows]
        lengths = lengths if rows is None else lengths[rows]
        owners = np.repeat(np.arange(len(starts)) if rows is None else rows, lengths)
        ends = np.cumsum(lengths, dtype=np.int64)
        ranks = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
        return Flat(owners, ranks, ranks + np.repeat(starts, lengths))

    def row(self, at: int) -> ItemIds:
        """Return the items of one list."""
        first = int(self.starts[at])
        return self.items[first : first + int(self.lengths[at])]

    def pad(self, rows: slice = slice(None), k: int | None = None, name: str = "items") -> NDArray[Any]:
        """Return the first k of some lists as a matrix of the width of the longest, or of k.

        A part of the columns, where they are such a matrix already.

        Parameters
        ----------
        name
            Of the column.
        """
        width = self.width if k is None else min(k, self.width)
        start, stop, _ = rows.indices(len(self))
        if self.stride == width:
            column: NDArray[Any] = getattr(self, name)
            return column[start * width : stop * width].reshape(-1, width)
        return self._copy(name, np.arange(stop - start + 1, dtype=np.int64) * width, rows).reshape(-1, width)

    @functools.cached_property
    def padded(self) -> dict[str, NDArray[Any]]:
        """All columns as matrices (n, longest), or as they were given: users x longest list in memory."""
        if self.stride:
            return {name: column.reshape(len(self), self.stride) for name, column in self.columns.items()}
        return {name: self.pad(name=name) for name in self.columns}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what the lists are made of, without gaps: the lengths, and each column."""
        places = self.flat().places
        return {"lengths": self.lengths} | {name: column[places] for name, column in self.columns.items()}
