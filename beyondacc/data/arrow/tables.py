"""Tables of Arrow, of which single columns are read: parquet files, data sets, streams of batches."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pandas as pd

from beyondacc.data.arrow.columns import chunked, holds_texts, narrow
from beyondacc.errors import BeyondAccError, DataError

__all__ = ["ArrowTable", "Parquet", "open_arrow", "read_ipc"]

Column = Any
"""A ``pyarrow.ChunkedArray``."""
_FIRST: Final = "(rows count from 0)"
Refuse = Callable[[str], DataError]
_SAID: Final = (
    *(ValueError, OSError, LookupError, TypeError, ArithmeticError),
    *(AttributeError, NotImplementedError, MemoryError),
)
"""What pyarrow raises about a damaged file; its own errors are of these kinds too."""


@contextlib.contextmanager
def _refusing(refuse: Refuse) -> Iterator[None]:
    try:
        yield
    except BeyondAccError:
        raise
    except _SAID as error:
        reason = " ".join(str(error).split()).partition(". ")[0] or type(error).__name__
        raise refuse(reason) from error


class ArrowTable:
    """A table of which single columns are brought when they are asked for.

    Parameters
    ----------
    columns
        The names of the columns.
    bring
        Brings one of them, by its name, as a ``pyarrow.ChunkedArray``.
    kinds
        The Arrow type of each column.
    empty
        Whether there are no rows.
    refuse
        Makes the error to raise, of what pyarrow says, where a column cannot be read.
    """

    def __init__(
        self, columns: list[str], bring: Callable[[str], Column], kinds: Mapping[str, Any], *, empty: bool,
        refuse: Refuse,
    ) -> None:  # fmt: skip
        #: The names of the columns, without those that are the row labels of a pandas frame.
        self.columns = columns
        #: Whether the table has no rows.
        self.empty = empty
        self._bring = bring
        self._kinds = kinds
        self._refuse = refuse

    def column(self, name: str) -> Column:
        """Read one column; its values are checked, so that a damaged file is refused here."""
        with _refusing(self._refuse):
            column = narrow(self._bring(name), f"the column {name!r}")
            column.validate(full=True)
        return column

    def to_pandas(self) -> pd.DataFrame:
        """Read all columns."""
        import pyarrow as pa  # noqa: PLC0415 - optional

        columns = [_decoded(self.column(name)) for name in self.columns]
        with _refusing(self._refuse):
            frame: pd.DataFrame = pa.table(columns, names=self.columns).to_pandas()
        return frame

    def lists(self) -> dict[str, list[str]]:
        """Return the columns that hold lists: what the records of each list hold, or nothing for other elements."""
        from pyarrow import types  # noqa: PLC0415 - optional

        found = {}
        for name in self.columns:
            kind = self._kinds[name]
            if kind is None:  # of a column that folders make
                continue
            if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
                records = types.is_struct(kind.value_type)
                found[name] = [part.name for part in kind.value_type] if records else []
        return found

    def exploded(self, name: str, orders: Collection[str]) -> tuple[pd.DataFrame, int]:
        """Return a row for each element in the lists of one column, and how many of the lists are empty.

        The other columns that hold lists of the same lengths, row by row, are spread along; what else is there is
        repeated. The parts of records become columns. Where no column of `orders`, in lower case, is spread along,
        `rank` counts from 1.
        """
        import pyarrow as pa  # noqa: PLC0415 - optional
        import pyarrow.compute as pc  # noqa: PLC0415

        known = self.lists()
        whole = {each: _decoded(self.column(each)).combine_chunks() for each in self.columns}
        whole = {each: c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c for each, c in whole.items()}
        with _refusing(self._refuse):
            lists = whole[name]
            parents = pc.list_parent_indices(lists)
            lengths = pc.fill_null(pc.list_value_length(lists), 0)
            columns: dict[str, Any] = {}
            ordered = False
            for each, column in whole.items():
                others = pc.fill_null(pc.list_value_length(column), 0) if each in known else None
                if others is not None and not others.equals(lengths) and each.lower() in orders:
                    row = int(np.argmax(np.asarray(pc.not_equal(others, lengths))))
                    raise self._refuse(f"the lists of {name!r} and {each!r} are not equally long in row {row} {_FIRST}")
                if others is not None and others.equals(lengths):
                    flat = pc.list_flatten(column)
                    parts = zip(known[each], flat.flatten(), strict=True) if known[each] else [(each, flat)]
                    for part, values in parts:
                        columns[_unused(part, each, columns, self.columns, known)] = values
                        ordered = ordered or part.lower() in orders
                else:
                    columns[each] = column.take(parents)
            if not ordered:
                sizes = np.asarray(lengths)
                starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
                columns["rank"] = pa.array(np.arange(1, len(starts) + 1) - starts)
            frame: pd.DataFrame = pa.table(columns).to_pandas(ignore_metadata=True)
            return frame, int(np.count_nonzero(np.asarray(lengths) == 0))


def _decoded(column: Column) -> Column:
    import pyarrow as pa  # noqa: PLC0415 - optional

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _unused(part: str, column: str, taken: Mapping[str, Any], others: Sequence[str], lists: Mapping[str, Any]) -> str:
    """Return the name of a part of a record, or with its column before it where another column has that name."""
    twin = part in taken or (part in others and part not in lists)
    return f"{column}.{part}" if twin and part != column else part


class Parquet(ArrowTable):
    """Parquet files that are one table, of which single columns are read when they are asked for.

    Parameters
    ----------
    files
        The file, or the parts of the table in their order: paths, or streams of what is packed elsewhere.
    refuse
        Makes the error to raise, of what pyarrow says of the file at a position, where it is no such file.
    partitions
        What the folders of the parts say: for each column the value of each part.
    """

    def __init__(
        self,
        files: Sequence[Path | BinaryIO],
        refuse: Callable[[int, str], DataError],
        partitions: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        self._files = list(files)
        self._refuse_part = refuse
        self._names: list[str] = []
        self._rows: list[int] = []
        schemas = []
        for place in range(len(self._files)):
            with self._open(place) as opened:
                schemas.append(opened.schema_arrow)
                self._rows.append(opened.metadata.num_rows)
                names = self._named(place, opened.schema_arrow)
            if place and set(names) != set(self._names):
                odd = min(set(names) ^ set(self._names))
                raise refuse(place, f"{odd!r} is a column of this part or of the first one, not of both")
            if not place:
                self._names = names
        self._partitions = {name: parts for name, parts in (partitions or {}).items() if name not in self._names}
        kinds = {name: self._kind(name, schemas) for name in self._names}
        super().__init__(
            [*self._names, *self._partitions],
            self._read,
            kinds | dict.fromkeys(self._partitions),
            empty=not any(self._rows),
            refuse=functools.partial(refuse, 0),
        )

    def _named(self, place: int, schema: Any) -> list[str]:
        described: Sequence[Any] = (schema.pandas_metadata or {}).get("index_columns", ())
        index = {name for name in described if isinstance(name, str)}
        names = [name for name in schema.names if name not in index]
        twin = next((name for name in names if names.count(name) > 1), None)
        if twin is not None:
            raise self._refuse_part(place, f"two of its columns are called {twin!r}; give every column its own name")
        return names

    def _kind(self, name: str, schemas: Sequence[Any]) -> Any:
        """Return the type that a column has in all parts, those without rows aside."""
        import pyarrow as pa  # noqa: PLC0415 - optional

        def plain(kind: Any) -> Any:
            return kind.value_type if pa.types.is_dictionary(kind) else kind

        first = None
        for place, schema in enumerate(schemas):
            kind = plain(schema.field(name).type)
            if not self._rows[place] or pa.types.is_null(kind):
                continue
            joint = kind if first is None or kind == first else _joint(first, kind)
            if joint is None:
                raise self._refuse_part(
                    place, f"its column {name!r} holds {kind} but {first} in the parts before; give all parts one type"
                )
            first = joint
        return plain(schemas[0].field(name).type) if first is None else first

    @contextlib.contextmanager
    def _open(self, place: int, **options: Any) -> Iterator[Any]:
        import pyarrow.parquet as pq  # noqa: PLC0415 - optional

        file = self._files[place]
        if not isinstance(file, Path):
            file.seek(0)
        with _refusing(functools.partial(self._refuse_part, place)):
            opened = pq.ParquetFile(file, page_checksum_verification=True, **options)
            try:
                yield opened
            finally:
                opened.close(force=isinstance(file, Path))

    def _read(self, name: str) -> Column:
        import pyarrow as pa  # noqa: PLC0415 - optional

        if name in self._partitions:
            return self._constant(self._partitions[name])
        chunks = []
        for place, rows in enumerate(self._rows):
            if not rows and (place or any(self._rows)):
                continue
            with self._open(place, read_dictionary=[name] if holds_texts(self._kinds[name]) else None) as opened:
                # threads read several columns at once; of one they only keep what was read for a while longer
                column = opened.read(columns=[name], use_threads=False).column(0)
                column.validate(full=True)
            chunks.append(column)
        if len({str(column.type) for column in chunks}) > 1:
            coded = [pa.types.is_dictionary(column.type) for column in chunks]
            kind = pa.dictionary(pa.int32(), self._kinds[name]) if all(coded) else self._kinds[name]
            chunks = [_cast(column, kind) for column in chunks]
        return pa.chunked_array([chunk for column in chunks for chunk in column.chunks], chunks[0].type)

    def _constant(self, values: Sequence[Any]) -> Column:
        """Return a column in which all rows of a part have one value, as a dictionary."""
        import pyarrow as pa  # noqa: PLC0415 - optional

        if all(isinstance(value, int) for value in values):
            return pa.chunked_array([pa.array(np.repeat(np.array(values, np.int64), self._rows))])
        distinct = sorted({value for value in values if value is not None})
        codes = [None if value is None else distinct.index(value) for value in values]
        rows = pa.array(np.repeat(np.arange(len(values)), self._rows))
        return chunked(pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()).take(rows), pa.array(distinct)))

    def column(self, name: str) -> Column:
        """Read one column; texts come as the dictionaries in which the file keeps them."""
        with _refusing(self._refuse):
            return narrow(self._read(name), f"the column {name!r}")


def _joint(first: Any, second: Any) -> Any:
    """Return the type that holds the values of two types exactly, or None where there is none."""
    import pyarrow as pa  # noqa: PLC0415 - optional

    types = pa.types
    kinds = (first, second)
    if all(map(holds_texts, kinds)):
        return pa.large_string()
    if all(map(types.is_integer, kinds)):
        return pa.int64()  # refused by the cast where an unsigned number is larger
    if all(map(types.is_floating, kinds)):
        return pa.float64()
    small = [types.is_floating(kind) or (types.is_integer(kind) and kind.bit_width <= 32) for kind in kinds]
    if all(small):
        return pa.float64()
    return first if first.equals(second) else None


def _cast(column: Column, kind: Any) -> Column:
    import pyarrow as pa  # noqa: PLC0415 - optional

    return (column if pa.types.is_dictionary(kind) else _decoded(column)).cast(kind)


def open_arrow(source: Any, what: str) -> ArrowTable | None:
    """Open a ``pyarrow.dataset.Dataset``, a ``RecordBatchReader``, a ``RecordBatch`` or a ``Table``; None for others.

    Of a data set one column at a time is read; a stream of batches is read once, to its end.

    Raises
    ------
    DataError
        If two columns have one name, or the source cannot be read.
    """
    if not type(source).__module__.startswith("pyarrow."):
        return None
    import pyarrow as pa  # noqa: PLC0415 - optional
    from pyarrow import dataset  # noqa: PLC0415

    def refuse(reason: str) -> DataError:
        return DataError(f"{what}, a {type(source).__name__} of pyarrow, cannot be read as a table: {reason}")

    with _refusing(refuse):
        if isinstance(source, dataset.Dataset):
            data, schema, empty = source, source.schema, not source.head(1).num_rows

            def bring(name: str) -> Column:
                return data.to_table(columns=[name]).column(0)
        else:
            if isinstance(source, pa.RecordBatchReader):
                source_table = source.read_all()
            elif isinstance(source, pa.RecordBatch):
                source_table = pa.Table.from_batches([source])
            elif isinstance(source, pa.Table):
                source_table = source
            else:
                return None
            schema, empty, bring = source_table.schema, not source_table.num_rows, source_table.column
    return _checked(schema, bring, empty=empty, refuse=refuse)


def _checked(schema: Any, bring: Callable[[str], Column], *, empty: bool, refuse: Refuse) -> ArrowTable:
    with _refusing(refuse):
        names = list(schema.names)
        kinds = dict(zip(names, schema.types, strict=True))
    if len(kinds) < len(names):
        twin = next(name for name in names if names.count(name) > 1)
        raise refuse(f"two of its columns are called {twin!r}; give every column its own name")
    return ArrowTable(names, bring, kinds, empty=empty, refuse=refuse)


def read_ipc(file: Path | BinaryIO, refuse: Refuse) -> ArrowTable:
    """Read a file of Arrow's own format, which is also called Feather."""
    from pyarrow import feather  # noqa: PLC0415 - optional

    with _refusing(refuse):
        table = feather.read_table(file, memory_map=isinstance(file, Path))
        return _checked(table.schema, table.column, empty=not table.num_rows, refuse=refuse)
