"""Rows with the same user and item: one of them counts, and which one is said."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np

from beyondacc.data.intake.rows import Held, Rows
from beyondacc.errors import DataError

__all__ = ["Repeats", "one_of_each"]

Repeats = Literal["last", "error", "max", "sum"]
"""What becomes of rows with the same user and item: the latest counts, an error, or their values' maximum or sum."""


def one_of_each(rows: Rows, how: Repeats, *, what: str) -> Rows:
    """Return rows of which no two have the same user and item, in the order given.

    Parameters
    ----------
    how
        ``"last"``: the latest row counts, by time where the table has one, of equally late ones the last;
        ``"error"``; ``"max"``, ``"sum"``: the last row with the highest value of all or with their sum, a row without
        a value counting 1.
    what
        How messages call the table.

    Raises
    ------
    DataError
        If `how` is ``"error"`` and a pair is repeated.
    """
    pairs = rows.user.codes.astype(np.int64) * max(len(rows.item.distinct), 1) + rows.item.codes
    order = np.argsort(pairs, kind="stable")
    same = pairs[order[1:]] == pairs[order[:-1]]
    if not same.any():
        return rows
    if how == "error":
        at = int(order[1:][same].min())
        raise DataError(
            f"{what} holds item {rows.item[[at]].tolist()[0]!r} more than once for user "
            f"{rows.user[[at]].tolist()[0]!r} (row {at}, rows count from 0); keep one of them, or pass repeats='last', "
            "'max' or 'sum'"
        )
    if how == "last" and (times := rows.timestamp) is not None:
        order = np.lexsort((times, pairs))
    starts = np.flatnonzero(np.append(True, ~same))
    lasts = order[np.append(starts[1:], len(order)) - 1]
    rows.reading.repeated += len(rows) - len(lasts)
    if how != "last":
        values = np.ones(len(rows)) if rows.rating is None else rows.rating
        merge = np.maximum if how == "max" else np.add
        merged = np.array(values)
        merged[lasts] = merge.reduceat(values[order], starts)
        rows = dataclasses.replace(rows, numbers={**rows.numbers, "rating": Held(merged)})
    return rows.where(np.sort(lasts))
