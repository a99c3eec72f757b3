"""Scores as labelled tables and with masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.intake.labels import rows_of
from beyondacc.errors import DataError
from beyondacc.types import UserIds

__all__ = ["labelled_scores", "unmasked"]


def labelled_scores(
    frame: pd.DataFrame, users: pd.Index[Any], items: pd.Index[Any]
) -> Callable[[UserIds], NDArray[np.float64]]:
    """Return a function of positions in `users` that brings their scores, in the order of `items`.

    Parameters
    ----------
    frame
        Row labels are ids of users and column labels ids of items; labels 0, 1, 2, ... that are no ids are positions.
        A missing score is -inf, which keeps an item out. Rows and columns with other labels are left aside.
    users, items
        External ids, each of which needs a row or a column.

    Raises
    ------
    DataError
        If labels are those of some of the ids only, or a score is no number.
    """
    try:
        table = frame.to_numpy(dtype=np.float64, na_value=-np.inf)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the frame of scores holds something else than numbers ({error}); drop such columns"
        ) from error
    found = []
    for labels, ids, kind, axis in ((frame.index, users, "user", "rows"), (frame.columns, items, "item", "columns")):
        way_out = (
            f"reindex the frame (with fill_value=-inf for {kind}s without scores), or pass frame.to_numpy() where its "
            f"{axis} are in the order of data.{kind}s"
        )
        rows = rows_of(labels, ids, what="the frame of scores", kind=kind, way_out=way_out)
        if rows is None and len(labels) != len(ids):
            raise DataError(
                f"the frame of scores has {len(labels)} {kind}s without labels, but the Dataset has {len(ids)}; "
                f"label them with the ids of the {kind}s"
            )
        found.append(np.arange(len(labels)) if rows is None else rows)
    of_users, of_items = found
    return lambda asked: table[of_users[asked]][:, of_items]


def unmasked(scores: Any) -> Any:
    """Turn what is masked into -inf, which keeps an item out; what has no mask comes back as it is."""
    if not isinstance(scores, np.ma.MaskedArray):
        return scores
    kind = scores.dtype if scores.dtype.kind == "f" else np.dtype(np.float64)
    return np.ma.filled(scores.astype(kind), -np.inf)
