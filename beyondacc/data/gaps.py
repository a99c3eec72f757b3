"""Ranks with gaps: how many users have them, and the ranks as they are written."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.intake.rows import Rows
from beyondacc.data.ragged import Lists
from beyondacc.errors import DataError
from beyondacc.types import ItemIds

__all__ = ["note_gaps", "written_ranks"]


def written_ranks(rows: Rows, keys: NDArray[np.int64], ragged: Lists, n_items: int, what: str) -> ItemIds:
    """Return the rank from 0 that is written beside each listed item.

    Parameters
    ----------
    keys
        Of each row: its list times `n_items`, and its item.
    """
    assert rows.rank is not None  # noqa: S101 - it has gaps
    odd = np.flatnonzero((rows.rank != np.floor(rows.rank)) | (rows.rank > np.iinfo(np.int32).max))
    if len(odd):
        raise DataError(
            f"{what} has the rank {rows.rank[odd[0]]:g} (row {odd[0]}, rows count from 0), which cannot be taken as it "
            "is written; give whole numbers, or pass ranks='order' to take the order alone"
        )
    flat = ragged.flat()
    order = np.lexsort((rows.rank, keys))
    wanted = flat.rows * n_items + ragged.items[flat.places]
    found = np.full(len(ragged.items), -1, np.int32)
    first = rows.rank[order[np.searchsorted(keys[order], wanted)]].astype(np.int32)
    found[flat.places] = first - (0 if (rows.rank == 0).any() else 1)
    return found


def note_gaps(rows: Rows, *, literal: bool) -> bool:
    """Note how many users have ranks with gaps, which lists close or keep; tell whether any has."""
    ranks = rows.rank
    if ranks is None or not len(ranks) or rows.reading.order != "rank":  # else they only say how rows are ordered
        return False
    counts = rows.user.runs.counts.sum(axis=0)
    sums = np.bincount(rows.user.codes, ranks, len(counts))
    # ranks without gaps add up to the least sum that so many different ones can have
    n = np.count_nonzero(sums > counts * (counts - 1 if (ranks == 0).any() else counts + 1) / 2)
    if n:
        outcome = "which stay: an item counts at its rank" if literal else "which are closed: the order alone counts"
        rows.reading.note(f"{n:,} users have gaps in their ranks, {outcome}")
    return bool(n)
