"""Items that users were shown recently, as a parameter of re-rankers."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Binding
from beyondacc.data.intake.rows import Rows
from beyondacc.data.recommendations import Recommendations
from beyondacc.data.vocabulary import same_kind

__all__ = ["Shown"]


class Shown:
    """What each user was shown, the first shown first.

    Parameters
    ----------
    lists
        One list for each of some users.
    text
        How it is written: the path it was read from, or how much it is.
    """

    def __init__(self, lists: Recommendations, text: str) -> None:
        self.lists = lists
        self._text = text

    def __str__(self) -> str:
        return self._text

    @classmethod
    def describe(cls) -> str:
        """Say what is allowed, for messages."""
        return "lists of the items shown, the first shown first: a path, a frame or {user: [items]}"

    @classmethod
    def parse(cls, value: Any) -> Shown | None:
        """Read lists in any form `Recommendations.read` takes; None for what is none."""
        if isinstance(value, cls):
            return value
        if value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and value == "none"):
            return None
        if isinstance(value, Rows):
            lists = Recommendations._from_rows(value, None, what="recent")  # noqa: SLF001 - what a command has read
        else:
            lists = Recommendations.read(value, what="recent")
        return cls(lists, str(value) if isinstance(value, str | os.PathLike) else f"{len(lists)} lists")

    def longest(self) -> int:
        """Return the length of the longest list."""
        return int(self.lists.lengths.max(initial=0))

    def last(self, run: Binding, rows: slice, most: int) -> NDArray[np.int32]:
        """Return the last items that the users of some rows were shown, by their position in a run.

        Returns
        -------
        ndarray, (rows, most)
            In the order shown, padded with -1 at the end; an item that the run does not know is its number of items.
        """
        found = np.full((rows.stop - rows.start, most), -1, np.int32)
        place = run.own(("shown", self), lambda: self._places(run))[rows]
        for row in np.flatnonzero(place >= 0).tolist():
            shown = self.lists.lists[place[row], : self.lists.lengths[place[row]]][-most:]
            found[row, : len(shown)] = shown
        listed = found >= 0
        if listed.any():
            own, at = np.unique(found[listed], return_inverse=True)
            codes = run.items.encode(self.lists.items.decode(own), what="recent", known="the dataset")
            found[listed] = np.where(codes >= 0, codes, np.int32(run.n_items))[at]
        return found

    def _places(self, run: Binding) -> NDArray[np.int64]:
        """Return where each row of a run has its list, -1 nowhere."""
        same_kind(self.lists.users, run.ids, axis="user", what="recent", other="the candidates")
        return np.asarray(self.lists.users.get_indexer(run.ids), np.int64)
