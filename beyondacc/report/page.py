"""What a page of a report is made of: sections of text, tables and charts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

__all__ = ["MISSING", "Cell", "Row", "Section", "Table"]

MISSING = "\N{EN DASH}"


@dataclasses.dataclass(frozen=True)
class Cell:
    """What a cell shows, what stands small below it, the hint one sees on pointing at it, and how it is marked."""

    text: str
    small: str = ""
    hint: str = ""
    mark: str = ""


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a table."""

    head: str
    cells: Sequence[Cell] | None
    """None makes the row a heading."""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table with a head for each column, that of the first included."""

    heads: Sequence[str]
    rows: Sequence[Row]
    fold: str = ""
    """What to click to see the table; empty shows it at once."""


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the page with a heading."""

    id: str
    title: str
    text: Sequence[str] = ()
    points: Sequence[str] = ()
    """Sentences in a list, below the text."""
    folded: Sequence[str] = ()
    """Further ones, to be seen on a click."""
    tables: Sequence[Table] = ()
    charts: Sequence[Any] = ()
