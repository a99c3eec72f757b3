"""Items that users were shown recently, as a parameter of re-rankers."""

from __future__ import annotations

import os
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.data.dataset import Dataset
from beyondacc.data.intake.read import read_rows
from beyondacc.data.once import once
from beyondacc.data.recommendations import Recommendations
from beyondacc.data.vocabulary import same_kind

__all__ = ["Shown"]


class Shown:
    """What each user was shown, the first shown first.

    Parameters
    ----------
    source
        Rows, an array or Recommendations.
    text
        How it is written: the path it was read from, or what it is.
    """

    def __init__(self, source: Any, text: str) -> None:
        self._source, self._text = source, text
        self._known: tuple[weakref.ref[Dataset], Recommendations] | None = None

    def __str__(self) -> str:
        return self._text

    def __getstate__(self) -> tuple[Any, str]:
        """Return what is pickled: not the lists for a dataset."""
        return self._source, self._text

    def __setstate__(self, state: tuple[Any, str]) -> None:
        self._source, self._text = state
        self._known = None

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
        text = str(value) if isinstance(value, str | os.PathLike) else type(value).__name__
        if isinstance(value, Recommendations | np.ndarray):
            return cls(value, text)
        return cls(read_rows(value, what="recent", lists=True), text)

    def lists(self, data: Dataset) -> Recommendations:
        """Return the lists, their ids as those of a dataset; they are kept for the last one."""
        if self._known is None or self._known[0]() is not data:
            self._known = weakref.ref(data), Recommendations.read(self._source, data, what="recent")
        return self._known[1]

    def last(self, run: Batch, rows: slice) -> NDArray[np.int32]:
        """Return the items that the users of some rows were shown, by their position in a run.

        Returns
        -------
        ndarray, (rows, longest)
            In the order shown, padded with -1; an item that the run does not know is its number of items.
        """
        lists = self.lists(run.data)
        place = _places(run, lists)[rows]
        found = np.full((len(place), int(lists.lengths.max(initial=0))), -1, np.int32)
        if len(place) and found.shape[1]:
            shown = lists.ragged.take(place).pad()
            found[:, : shown.shape[1]] = shown[:, : found.shape[1]]
        listed = found >= 0
        if listed.any():
            own, at = np.unique(found[listed], return_inverse=True)
            codes = run.items.encode(lists.items.decode(own), what="recent", known="the dataset")
            found[listed] = np.where(codes >= 0, codes, np.int32(run.n_items))[at]
        return found


@once
def _places(run: Batch, lists: Recommendations) -> NDArray[np.int64]:
    """Return where each row of a run has its list, -1 nowhere."""
    same_kind(lists.users, run.ids, axis="user", what="recent", other="the candidates")
    return np.asarray(lists.users.get_indexer(run.ids), np.int64)
