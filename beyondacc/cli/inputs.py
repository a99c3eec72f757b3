"""Files in, a `Dataset` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from beyondacc.data.dataset import Dataset
from beyondacc.data.intake.read import read_rows
from beyondacc.data.intake.rows import Rows
from beyondacc.data.items import Items, read_items
from beyondacc.data.readers import read_table
from beyondacc.errors import DataError, SpecError, did_you_mean

__all__ = ["Tables"]


class Tables:
    """The tables of one command.

    Parameters
    ----------
    paths
        The files by what messages call them; None for those that were not given.
    columns
        The texts of ``--columns``. A name counts for every table that has it, so that lists with standard names and
        interactions with one's own go together.

    Raises
    ------
    DataError
        If a file cannot be read, or no table has a column that was named.
    SpecError
        If a text is not ROLE=NAME.
    """

    def __init__(self, paths: Mapping[str, Path | None], columns: Sequence[str]) -> None:
        self._columns = _mapping(columns)
        self._frames: dict[str, pd.DataFrame] = {
            what: read_table(path, what=what) for what, path in paths.items() if path is not None
        }
        present = {str(name) for frame in self._frames.values() for name in frame.columns}
        for role, name in self._columns.items():
            if name not in present:
                raise DataError(
                    f"--columns says that the {role} column is {name!r}, but no file has such a column; "
                    f"{did_you_mean(name, present)}"
                )

    def _take(self, what: str) -> tuple[pd.DataFrame, dict[str, str]]:
        frame = self._frames.pop(what)
        return frame, {role: name for role, name in self._columns.items() if name in frame.columns}

    def rows(self, what: str) -> Rows | None:
        """Return the rows of a table, or None where it was not given."""
        if what not in self._frames:
            return None
        frame, columns = self._take(what)
        return read_rows(frame, what=what, columns=columns)

    def items(self, *, genre_sep: str, vectors: Path | None) -> Items | None:
        """Return the items table, or None where it was not given."""
        if "items" not in self._frames:
            if vectors is not None:
                raise DataError("--vectors has one row for each row of the items table; pass --items too")
            return None
        frame, columns = self._take("items")
        return read_items(frame, columns=columns, genre_sep=genre_sep, vectors=vectors)

    def dataset(self, *, genre_sep: str, vectors: Path | None, **options: Any) -> Dataset:
        """Make a dataset of the tables train, test and items; options as in `Dataset`."""
        items = self.items(genre_sep=genre_sep, vectors=vectors)
        return Dataset(train=self.rows("train"), test=self.rows("test"), items=items, **options)


def _mapping(texts: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in (part.strip() for given in texts for part in given.split(",")):
        role, equals, name = (piece.strip() for piece in text.partition("="))
        if not (role and equals and name):
            raise SpecError(f"--columns {text!r} is not ROLE=NAME; write it like user=customer,item=sku")
        if found.setdefault(role, name) != name:
            raise SpecError(
                f"--columns gives the {role} column twice, {found[role]!r} and {name!r}; keep one of the two"
            )
    return found
