"""What the boundary did with a table: which column it took for what, how it read ids and genres, what it left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import pandas as pd

__all__ = ["Reading", "as_frame", "counted"]


@dataclasses.dataclass
class Reading:
    """How one table was read; the readers fill it in while they go.

    Attributes
    ----------
    table
        What messages call the table: ``"train"``, ``"recs of 'ease'"``.
    source
        The path of the file, or the kind of container.
    form
        The format of a file, such as ``"csv, separated by ';', latin-1"``.
    rows
        How many rows were there.
    columns
        The role of each column that was taken, such as ``{"user": "query_id"}``.
    ids
        What ids are: ``{"user": "text", "item": "number"}``.
    genres, dates
        How they were split and which unit they have, in words; empty where there are none.
    order
        What orders a list: ``"rank"``, ``"score"``, ``"rows"``; empty for other tables.
    repeated, zero_rows
        Rows with the user and item of a later one; rows judged not relevant.
    notes
        Sentences about every choice that can change a number, each for a reader who wants to know.
    """

    table: str
    source: str = ""
    form: str = ""
    rows: int = 0
    columns: dict[str, str] = dataclasses.field(default_factory=dict)
    ids: dict[str, str] = dataclasses.field(default_factory=dict)
    genres: str = ""
    dates: str = ""
    order: str = ""
    repeated: int = 0
    zero_rows: int = 0
    notes: list[str] = dataclasses.field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Say something once; sentences begin in lower case, without the table's name, and end without a stop."""
        if sentence not in self.notes:
            self.notes.append(sentence)


def as_frame(readings: Iterable[Reading], *, unknown_items: int = 0) -> pd.DataFrame:
    """Return a row for each table that was read.

    Its columns are table, source, format, rows, columns (role=name of those taken), ids (text or number), genres and
    dates (how they were split, which unit they have), order (what orders the lists), repeated (rows left out for a
    later one of the same user and item), zero_rows (rows judged not relevant), unknown_items (listed items outside the
    catalogue, of the lists) and notes: every choice that can change a number.
    """

    def pairs(mapping: dict[str, Any]) -> str:
        return ", ".join(f"{role}={name}" for role, name in mapping.items())

    rows = [
        {
            "table": each.table,
            "source": each.source,
            "format": each.form,
            "rows": each.rows,
            "columns": pairs(each.columns),
            "ids": pairs(each.ids),
            "genres": each.genres,
            "dates": each.dates,
            "order": each.order,
            "repeated": each.repeated,
            "zero_rows": each.zero_rows,
            "unknown_items": unknown_items if each.table.startswith("recs") else 0,
            "notes": "; ".join(each.notes),
        }
        for each in readings
    ]
    return pd.DataFrame(rows)


def counted(n: int, noun: str) -> str:
    """Write ``1 row`` or ``2,000 rows``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
