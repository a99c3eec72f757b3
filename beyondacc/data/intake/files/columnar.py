"""Files of columns: parquet, and Arrow's own format."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import pandas as pd

from beyondacc.data.arrow import ArrowTable, Parquet, has_arrow, read_ipc
from beyondacc.data.intake.files.parsing import refusing
from beyondacc.data.intake.files.source import Part
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import NUMBERS, ORDERS, with_role
from beyondacc.errors import DataError, DependencyError

__all__ = ["ARROW_MARK", "PARQUET_MARK", "exploded", "read_feather", "read_parquet"]

PARQUET_MARK: Final = b"PAR1"
ARROW_MARK: Final = b"ARROW1"


def _need_arrow(form: str) -> None:
    if not has_arrow():
        raise DependencyError(f"reading {form} needs pyarrow; pip install 'beyondacc[parquet]'")


def _file(part: Part, mark: bytes, form: str) -> Path | BinaryIO:
    """Return the path of a file, or what is in a packed one as a stream in memory."""
    with refusing(part, "utf-8", form):
        if part.head(len(mark)) != mark:
            raise part.broken(f"it does not begin with the mark of a {form} file", f".{form}")
        _need_arrow(form)
        if not part.packing:
            return part.path
        with part.open() as stream:
            return io.BytesIO(stream.read())


def read_parquet(parts: Sequence[Part], reading: Reading, partitions: Mapping[str, Sequence[Any]]) -> Parquet:
    """Open the parts of a table, of which nothing is read yet.

    Raises
    ------
    DataError
        If a part is not parquet, or its columns are not those of the first one.
    DependencyError
        If pyarrow is missing.
    """
    files = [_file(part, PARQUET_MARK, "parquet") for part in parts]
    reading.form = "parquet"

    def refuse(place: int, reason: str) -> DataError:
        return parts[place].broken(reason, ".parquet")

    return Parquet(files, refuse, partitions)


def read_feather(part: Part, reading: Reading) -> pd.DataFrame:
    """Read a file of Arrow's own format."""
    file = _file(part, ARROW_MARK, "feather")
    reading.form = "feather"
    return read_ipc(file, lambda reason: part.broken(reason, ".feather")).to_pandas()


def exploded(table: ArrowTable, reading: Reading, given: Mapping[str, str]) -> pd.DataFrame | None:
    """Give each element its row where the items stand in lists, or in records of lists; None where they do not."""
    lists = table.lists()
    items = with_role(table.columns, ["item_id"], given)
    nested = [name for name in items if name in lists]
    if not items:
        # LensKit's own layout: a row per list, its items as records in one column
        nested = [name for name, records in lists.items() if with_role(records, ["item_id"], given)]
    if not nested:
        return None
    numbers = with_role(table.columns, NUMBERS, given)
    orders = ORDERS | {given[role].lower() for role in ("score", "rank") if role in given}
    frame, empty = table.exploded(nested[0], orders | {name.lower() for name in numbers if name in lists})
    reading.note(f"each row holds a list in {nested[0]!r}; its elements became rows in their order")
    if empty:
        reading.note(f"{empty} {'row holds' if empty == 1 else 'rows hold'} an empty list")
    return frame
