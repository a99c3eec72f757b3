"""Which row of a labelled table belongs to which id: labels decide, and plain row numbers are positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.columns import as_ids
from beyondacc.errors import DataError

__all__ = ["are_row_numbers", "rows_of"]


def are_row_numbers(labels: pd.Index[Any]) -> bool:
    """Whether labels are 0, 1, 2, ..., as a frame has them that was given none."""
    if isinstance(labels, pd.RangeIndex):
        return labels.start == 0 and labels.step == 1
    return pd.api.types.is_integer_dtype(labels.dtype) and bool((labels.to_numpy() == np.arange(len(labels))).all())


def rows_of(
    labels: pd.Index[Any], ids: pd.Index[Any], *, what: str, kind: str, way_out: str, named: bool = False
) -> NDArray[np.int64] | None:
    """Return the row of each id by the labels of the rows, or None where rows are positions.

    Parameters
    ----------
    labels
        ``(rows,)`` of a frame, or keys of a dict.
    ids
        ``(n,)`` whose rows are asked for.
    what
        What has the labels, such as ``"vectors"``.
    kind
        What ids are: ``"item"`` or ``"user"``.
    way_out
        How to say that rows are positions, and what else can be done.
    named
        Whether labels are ids for sure, as keys of a dict and a column of ids are.

    Raises
    ------
    DataError
        If labels that are no row numbers lack some of the ids, or a label comes twice.
    """
    plain = not named and are_row_numbers(labels)
    known = as_ids(pd.Series(labels.to_flat_index()), f"the {kind} labels of {what}")
    if not known.is_unique:
        twice = known[known.duplicated()].tolist()[0]
        raise DataError(f"{what} has two rows for the {kind} {twice!r}; keep one row for each {kind}")
    rows = np.asarray(known.get_indexer(ids), dtype=np.int64)
    missing = np.flatnonzero(rows < 0)
    if not len(missing):
        return rows
    if plain:
        return None
    lost, shown = ids.tolist()[missing[0]], known.tolist()[0] if len(known) else None
    such = "" if shown is None else f" (they are such as {shown!r})"
    raise DataError(
        f"the {kind} labels of {what}{such} lack {len(missing):,} of {len(ids):,} {kind}s, such as {lost!r}; {way_out}"
    )
