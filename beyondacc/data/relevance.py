"""Which test rows are relevant, and what they are worth: decided after rows of one user and item became one."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.profiles import Profiles
from beyondacc.errors import DataError
from beyondacc.types import Bools

__all__ = ["Relevance", "Zeros", "judge"]

Zeros = Literal["judged", "relevant"]
"""What a test row of value 0 is: judged not relevant, or relevant as every row."""


class Relevance(NamedTuple):
    """What the test rows say.

    Attributes
    ----------
    relevant
        The relevant rows with their gains.
    judged
        The rows that were judged not relevant, or None where there are none.
    """

    relevant: Profiles
    judged: Profiles | None


def judge(
    rows: Profiles, *, rated: bool, threshold: float | None, zeros: Zeros, graded: bool, needed: bool = True
) -> Relevance:
    """Tell relevant rows from those judged not relevant.

    Parameters
    ----------
    rows
        All test rows.
    rated
        Whether the test table has values.
    threshold
        Rows of at least this value are relevant; without it those of a value above 0.
    zeros
        What a row of value 0 is where there is no threshold.
    graded
        Whether the gain of a row at or above the threshold is its value, instead of 1.
    needed
        Whether some row must be relevant, as of all users.

    Raises
    ------
    DataError
        If no row is relevant, a gain is negative, or there is a threshold but no values.
    """
    if threshold is not None and not rated:
        raise DataError(f"threshold={threshold:g} needs a rating column in test, which has none")
    if not rated or (threshold is None and rows.all_positive):
        return Relevance(rows, None)
    values = rows.values
    if threshold is None:
        _refuse_negative(rows, values)
        relevant: Bools = values > 0 if zeros == "judged" else np.ones(len(values), np.bool_)
        gains = np.where(values > 0, values, 1.0)
    else:
        relevant = values >= threshold
        gains = values if graded else np.ones(len(values))
        _refuse_negative(rows, np.where(relevant, gains, 0.0))
    if needed and not relevant.any():
        raise DataError(
            "no test row has a value above 0, so none is relevant; pass zeros='relevant' to take every row as relevant"
            if threshold is None
            else f"no test row has a value >= threshold={threshold:g}; lower the threshold"
        )
    if relevant.all():
        return Relevance(rows if np.array_equal(gains, values) else _some(rows, relevant, gains), None)
    return Relevance(_some(rows, relevant, gains), _some(rows, ~relevant, values))


def _refuse_negative(rows: Profiles, gains: NDArray[np.float64]) -> None:
    if (negative := np.flatnonzero(gains < 0)).size:
        at = rows.input_row(int(negative[0]))
        raise DataError(
            f"test has a negative gain, {gains[negative[0]]:g} in row {at}; "
            "gains must be >= 0: shift them, or pass threshold= to say what is relevant"
        )


def _some(rows: Profiles, kept: Bools, values: NDArray[np.float64]) -> Profiles:
    before = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(kept, out=before[1:])
    return Profiles(before[rows.starts], rows.items[kept], values[kept])
