"""Rows of one table: ids encoded, numbers as they came until somebody asks for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.ids import Ids
from beyondacc.data.intake.reading import Reading

__all__ = ["Held", "Later", "Rows"]

_NUMBERS: Final = ("rating", "score", "rank", "timestamp")


class Later:
    """A column of numbers that is converted and checked when it is first asked for.

    Parameters
    ----------
    column
        As it lies in memory. It is kept: its array may share its memory, and while a column of pandas is kept, pandas
        copies what it is about to change.
    convert
        Turns it into an array, or raises a `DataError`: a function of a module, so that it can be pickled.
    place
        Which column of which table, for messages.
    """

    def __init__(self, column: Any, convert: Callable[[Any, str], NDArray[Any]], place: str) -> None:
        self._column = column
        self._convert = convert
        self._place = place
        self._array: NDArray[Any] | None = None

    def __call__(self) -> NDArray[Any]:
        """Return the numbers, shape (n,)."""
        if self._array is None:
            self._array = self._convert(self._column, self._place)
        return self._array


@dataclasses.dataclass(frozen=True)
class Held:
    """Numbers that are there already, as what brings them."""

    array: NDArray[Any]

    def __call__(self) -> NDArray[Any]:
        """Return the numbers."""
        return self.array


@dataclasses.dataclass(frozen=True)
class _Some:
    """Some rows of a column."""

    whole: Callable[[], NDArray[Any]]
    kept: NDArray[Any]

    def __call__(self) -> NDArray[Any]:
        some: NDArray[Any] = self.whole()[self.kept]
        return some


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one table, column by column; n is the number of rows.

    Parameters
    ----------
    user, item
        The external ids of the rows; `item` is empty where it was not needed and not there.
    numbers
        By name (rating, score, rank, timestamp) what brings ``(n,)`` numbers: finite float64, or for times int64 where
        they are whole. They are looked at when they are asked for, so that what nobody needs need not be right.
    shape
        ``(n_users, n_items)`` of a sparse matrix, whose ids are positions.
    owners
        All users of a dict of users, those without any item included; None for other sources.
    run
        The run of each row as text, where a column was named for it; else None.
    reading
        What the boundary did with the table.
    """

    user: Ids
    item: Ids
    numbers: Mapping[str, Callable[[], NDArray[Any]]] = dataclasses.field(default_factory=dict)
    shape: tuple[int, int] | None = None
    owners: pd.Index[Any] | None = None
    run: pd.Series[Any] | None = None
    reading: Reading = dataclasses.field(default_factory=lambda: Reading("rows"))

    def __len__(self) -> int:
        return len(self.user)

    def _number(self, name: str) -> NDArray[Any] | None:
        brings = self.numbers.get(name)
        return None if brings is None else brings()

    @property
    def rating(self) -> NDArray[np.float64] | None:
        """Ratings, or None where the table has none."""
        return self._number("rating")

    @property
    def score(self) -> NDArray[np.float64] | None:
        """Scores, or None where the table has none."""
        return self._number("score")

    @property
    def rank(self) -> NDArray[np.float64] | None:
        """Ranks, or None where the table has none."""
        return self._number("rank")

    @property
    def timestamp(self) -> NDArray[Any] | None:
        """Times, or None where the table has none; whole numbers stay int64: float64 would round those beyond 2^53."""
        return self._number("timestamp")

    def where(self, keep: NDArray[Any]) -> Rows:
        """Return the rows marked in `keep`, or at its positions."""
        some = {name: _Some(brings, keep) for name, brings in self.numbers.items()}
        run = None if self.run is None else self.run[keep].reset_index(drop=True)
        return dataclasses.replace(self, user=self.user[keep], item=self.item[keep], numbers=some, run=run)

    def by_run(self) -> dict[str, Rows]:
        """Return the rows of each run, in the order in which runs first occur."""
        if self.run is None:
            return {}
        codes, names = pd.factorize(self.run)
        return {str(name): dataclasses.replace(self.where(codes == n), run=None) for n, name in enumerate(names)}

    def without(self, *names: str) -> Rows:
        """Return the same without some columns of numbers."""
        numbers = {name: brings for name, brings in self.numbers.items() if name not in names}
        return dataclasses.replace(self, numbers=numbers)
