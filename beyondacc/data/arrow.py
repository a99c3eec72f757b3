"""Arrow columns, by their buffers: texts as dictionaries, numbers without a copy, parquet files column by column.

The only module that imports pyarrow, which is optional; nothing here makes one Python object a row.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.errors import DataError
from beyondacc.types import ItemIds

__all__ = [
    "STRING",
    "Parquet",
    "chunked",
    "dictionaries",
    "flatten_lists",
    "from_arrow",
    "has_arrow",
    "is_arrow_backed",
    "look_up",
    "number_chunks",
    "to_arrow",
]

Column = Any
"""A ``pyarrow.ChunkedArray``."""


def has_arrow() -> bool:
    """Whether pyarrow is installed."""
    return importlib.util.find_spec("pyarrow") is not None


def _string_dtype() -> Any:
    default = pd.Index(["a"]).dtype
    if default != np.dtype(object):
        return default
    # pandas 2 keeps strings as Python objects unless it is asked for Arrow's
    return pd.StringDtype("pyarrow") if has_arrow() else default


#: The dtype of string ids: what pandas infers, or Arrow strings where that would be Python objects.
STRING: Final = _string_dtype()


def is_arrow_backed(dtype: Any) -> bool:
    """Whether pandas keeps a column of this dtype in Arrow's memory."""
    return isinstance(dtype, pd.ArrowDtype) or (isinstance(dtype, pd.StringDtype) and dtype.storage == "pyarrow")


def chunked(array: Any) -> Column:
    """Return the Arrow memory of a pandas array, or an Arrow array, as a column of chunks; nothing is copied."""
    import pyarrow as pa  # noqa: PLC0415 - optional

    found = array if isinstance(array, pa.Array | pa.ChunkedArray) else pa.array(array)
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def to_arrow(series: Any) -> Column:
    """Return a series of narwhals as an Arrow column, without a copy where its library can share its memory."""
    import pyarrow as pa  # noqa: PLC0415 - optional

    native = series.to_native()
    if isinstance(native, pa.ChunkedArray):
        return native
    try:
        # polars: the texts as they are; `to_arrow` would copy them into the older layout
        return _without_views(pa.chunked_array(native))
    except (OSError, TypeError, ValueError):  # categoricals of polars 1.20; pyarrow's own errors are ValueErrors
        return chunked(series.to_arrow())


def _without_views(column: Column) -> Column:
    """Give the dictionaries of polars' categoricals the layout of texts from which pyarrow can take rows."""
    import pyarrow as pa  # noqa: PLC0415 - optional

    if not pa.types.is_dictionary(column.type) or not pa.types.is_string_view(column.type.value_type):
        return column
    texts = pa.large_string()
    chunks = [pa.DictionaryArray.from_arrays(chunk.indices, chunk.dictionary.cast(texts)) for chunk in column.chunks]
    return pa.chunked_array(chunks, pa.dictionary(column.type.index_type, texts))


def _holds_texts(kind: Any) -> bool:
    import pyarrow as pa  # noqa: PLC0415 - optional

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def from_arrow(array: Any) -> pd.Series[Any]:
    """Turn an Arrow array or column into a plain pandas column; dictionaries are decoded, lists stay in Arrow."""
    import pyarrow as pa  # noqa: PLC0415 - optional

    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if _holds_texts(array.type):
        return pd.Series(_texts(array))
    if hasattr(array.type, "value_type"):
        return pd.Series(pd.arrays.ArrowExtensionArray(array))
    return pd.Series(array.to_pandas())


def _texts(array: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - optional

    return pd.array(array.cast(pa.large_string()), dtype=STRING)


def flatten_lists(values: pd.Series[Any]) -> tuple[NDArray[np.int64], pd.Series[Any]]:
    """Return the lengths of Arrow's lists, 0 for a missing one, and all their elements."""
    import pyarrow as pa  # noqa: PLC0415 - optional
    import pyarrow.compute as pc  # noqa: PLC0415

    array = pa.array(values.array)
    lengths = np.asarray(pc.fill_null(pc.list_value_length(array), 0), dtype=np.int64)
    return lengths, from_arrow(pc.list_flatten(array))


def number_chunks(column: Column) -> list[NDArray[Any]] | None:
    """Return the chunks of a column of numbers without nulls, sharing memory; None for other columns."""
    import pyarrow as pa  # noqa: PLC0415 - optional

    if column.null_count or not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return None
    return [chunk.to_numpy() for chunk in column.chunks]


@dataclasses.dataclass(frozen=True)
class Dictionaries:
    """A column as positions in a list of entries.

    Attributes
    ----------
    chunks
        Positions, chunk by chunk, in the dictionary of the chunk.
    starts
        Where the dictionary of each chunk begins in `entries`.
    entries : pyarrow.ChunkedArray
        The dictionaries that differ, one after the other.
    distinct
        Whether no entry comes twice and every one occurs.
    """

    chunks: list[NDArray[Any]]
    starts: list[int]
    entries: Column
    distinct: bool

    def index(self) -> pd.Index[Any]:
        """Return the entries, which are texts, as a pandas index."""
        found: pd.Index[Any] = pd.Index(_texts(self.entries), dtype=STRING)
        return found


def dictionaries(column: Column) -> Dictionaries | None:
    """Take a column of texts without nulls, or any dictionary, apart; None for other columns."""
    import pyarrow as pa  # noqa: PLC0415 - optional

    if column.null_count:
        return None
    texts = _holds_texts(column.type)
    if not texts and not pa.types.is_dictionary(column.type):
        return None
    coded = column.dictionary_encode() if texts else column
    places: dict[tuple[Any, ...], int] = {}
    different: list[Any] = []
    starts = []
    for chunk in coded.chunks:
        entries = chunk.dictionary
        # chunks of one column mostly share a dictionary, which a comparison would have to read through
        address = (entries.offset, len(entries), *(0 if each is None else each.address for each in entries.buffers()))
        if address not in places:
            places[address] = sum(map(len, different))
            different.append(entries)
        starts.append(places[address])
    return Dictionaries(
        chunks=[chunk.indices.to_numpy() for chunk in coded.chunks],
        starts=starts,
        entries=pa.chunked_array(different, None if different else coded.type.value_type),
        distinct=texts and len(different) == 1,
    )


def look_up(asked: pd.Index[Any], known: pd.Index[Any]) -> ItemIds:
    """Return the position of each text in `known`, whose texts are distinct; -1 where it is not there."""
    if not (is_arrow_backed(asked.dtype) and is_arrow_backed(known.dtype)):
        found: ItemIds = known.get_indexer(asked).astype(np.int32)
        return found
    import pyarrow.compute as pc  # noqa: PLC0415 - optional, and surely there with such an index

    values = chunked(known.array).combine_chunks()
    places = pc.index_in(chunked(asked.array).cast(values.type), value_set=values)
    known_places: ItemIds = pc.fill_null(places, -1).to_numpy().astype(np.int32)
    return known_places


class Parquet:
    """A parquet file of which single columns are read when they are asked for.

    Parameters
    ----------
    file
    refuse
        Makes the error to raise, of what pyarrow says, where it is no such file.
    """

    def __init__(self, file: Path, refuse: Callable[[str], DataError]) -> None:
        from pyarrow import types  # noqa: PLC0415 - optional

        self._file = file
        self._refuse = refuse
        with self._open() as opened:
            schema = opened.schema_arrow
            #: Whether the table has no rows.
            self.empty = not opened.metadata.num_rows
        described: Sequence[Any] = (schema.pandas_metadata or {}).get("index_columns", ())
        index = {name for name in described if isinstance(name, str)}
        #: The names of the columns, without those that are the row labels of a pandas frame.
        self.columns: list[str] = [name for name in schema.names if name not in index]
        #: By the name of each column that holds lists of records, the names of what a record holds.
        self.records: dict[str, list[str]] = {
            field.name: [part.name for part in field.type.value_type]
            for field in schema
            if (types.is_list(field.type) or types.is_large_list(field.type)) and types.is_struct(field.type.value_type)
        }

    @contextlib.contextmanager
    def _open(self, **options: Any) -> Iterator[Any]:
        import pyarrow.parquet as pq  # noqa: PLC0415 - optional

        try:
            with pq.ParquetFile(self._file, **options) as opened:
                yield opened
        except (ValueError, OSError) as error:  # pyarrow's errors are of these kinds
            raise self._refuse(" ".join(str(error).split())) from error

    def column(self, name: str) -> Column:
        """Read one column; texts come as the dictionaries in which the file keeps them."""
        with self._open(read_dictionary=[name]) as opened:
            # threads read several columns at once; of one they only keep what was read for a while longer
            return opened.read(columns=[name], use_threads=False).column(0)

    def to_pandas(self) -> pd.DataFrame:
        """Read all columns."""
        with self._open():
            return pd.read_parquet(self._file, engine="pyarrow")

    def unnested(self, name: str) -> pd.DataFrame:
        """Read all columns, with a row for each record in the lists of one of them, whose parts become columns."""
        import pyarrow as pa  # noqa: PLC0415 - optional
        from pyarrow import compute  # noqa: PLC0415 - optional

        with self._open() as opened:
            table = opened.read().combine_chunks()
        lists = pa.concat_arrays(table.column(name).chunks)
        rows = table.drop_columns([name]).take(compute.list_parent_indices(lists))
        records = pa.Table.from_batches([pa.RecordBatch.from_struct_array(compute.list_flatten(lists))])
        for part in records.column_names:
            rows = rows.append_column(part, records.column(part))
        frame: pd.DataFrame = rows.to_pandas(ignore_metadata=True)
        return frame
