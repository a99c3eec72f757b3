"""How often each item is shown, as counts that are added up, and small where most of them are 0."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.ragged import Lists
from beyondacc.kernels.exposure import exposure_rows
from beyondacc.kernels.jit import read_only
from beyondacc.metrics.base.resampling import slots_of
from beyondacc.run.local import blocks, map_parts, n_threads

__all__ = ["Counted", "packed", "unpacked"]

_WORTH_A_THREAD: Final = 2**15  # lists that take longer to count than to start a thread


class Counted(NamedTuple):
    """How often each item is shown.

    Attributes
    ----------
    slots : (slots,)
        What is counted apart: list lengths, or ranks from 0.
    shown : (slots, items)
        Of the items that the world knows.
    strange : (slots, strangers)
        Of others.
    hashes : (strangers,)
        Which those are, ascending.
    lists, rows
        Number of non-empty lists, and of all.
    """

    slots: NDArray[np.int64]
    shown: NDArray[np.int64]
    strange: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    lists: int
    rows: int

    @classmethod
    def of(
        cls, ranked: Lists, k: int, by: Literal["length", "rank"], n_known: int, hashes: NDArray[np.uint64]
    ) -> Counted:
        """Count the first k items of lists whose items after those that are known are strangers of such hashes."""
        lengths = np.minimum(ranked.lengths, np.int32(k))
        slots, lookup = slots_of(lengths, by)
        n_items = n_known + len(hashes)
        starts, items = read_only(ranked.starts), read_only(ranked.items)

        def work(start: int, stop: int) -> NDArray[np.int64]:
            found = np.zeros((len(slots), n_items), np.int64)
            rows = slice(start, stop)
            exposure_rows(starts[rows], lengths[rows], items, by == "rank", lookup, found)
            return found

        parts = map_parts(work, blocks(len(ranked), min(n_threads(), len(ranked) // _WORTH_A_THREAD)))
        shown = functools.reduce(np.add, parts)
        lists = int(np.count_nonzero(lengths))
        strange = shown[:, n_known:]
        seen = np.flatnonzero(strange.any(axis=0))
        seen = seen[np.argsort(hashes[seen], kind="stable")]
        return cls(slots, np.ascontiguousarray(shown[:, :n_known]), strange[:, seen], hashes[seen], lists, len(ranked))

    @classmethod
    def merge(cls, counts: Sequence[Counted]) -> Counted:
        """Add up counts of other lists of the same known items."""
        slots = functools.reduce(np.union1d, [each.slots for each in counts]).astype(np.int64)
        hashes = functools.reduce(np.union1d, [each.hashes for each in counts]).astype(np.uint64)
        shown = np.zeros((len(slots), counts[0].shown.shape[1]), np.int64)
        strange = np.zeros((len(slots), len(hashes)), np.int64)
        for each in counts:
            rows = np.searchsorted(slots, each.slots)
            shown[rows] += each.shown
            strange[np.ix_(rows, np.searchsorted(hashes, each.hashes))] += each.strange
        lists, rows_in_all = sum(each.lists for each in counts), sum(each.rows for each in counts)
        return cls(slots, shown, strange, hashes, lists, rows_in_all)


def packed(numbers: NDArray[np.int64]) -> tuple[tuple[int, ...], bytes, bytes]:
    """Write whole numbers most of which are 0 as the places of the others and what stands there, compressed."""
    flat = numbers.reshape(-1)
    places = np.flatnonzero(flat)
    gaps = np.diff(places, prepend=0).astype(np.int64)
    first, second = (zlib.compress(_narrow(each).tobytes(), 6) for each in (gaps, flat[places]))
    return numbers.shape, first, second


def _narrow(numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Write the low bytes of all numbers, then the next ones, and so on: like bytes lie together."""
    return np.ascontiguousarray(numbers.view(np.uint8).reshape(-1, 8).T)


def unpacked(narrow: tuple[tuple[int, ...], bytes, bytes]) -> NDArray[np.int64]:
    """Return the numbers that `packed` wrote."""
    shape, *both = narrow
    gaps, values = (
        np.ascontiguousarray(np.frombuffer(zlib.decompress(each), np.uint8).reshape(8, -1).T).view(np.int64).reshape(-1)
        for each in both
    )
    flat = np.zeros(int(np.prod(shape)), np.int64)
    flat[np.cumsum(gaps)] = values
    return flat.reshape(shape)
