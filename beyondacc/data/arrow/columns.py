"""Arrow columns, by their buffers: texts as dictionaries, numbers without a copy; no Python object per row."""

from __future__ import annotations

import dataclasses
import importlib.util
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.errors import DataError
from beyondacc.types import ItemIds

__all__ = [
    "STRING",
    "chunked",
    "dictionaries",
    "flatten_lists",
    "from_arrow",
    "has_arrow",
    "holds_texts",
    "is_arrow_backed",
    "look_up",
    "narrow",
    "number_chunks",
    "numbers_as_texts",
    "texts_encoded",
    "to_arrow",
]

Column = Any
"""A ``pyarrow.ChunkedArray``."""

_WIDE: Final = ("Int128", "UInt128")
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


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
    if str(series.dtype) in _WIDE:
        return chunked(narrow(native).to_arrow())
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


def holds_texts(kind: Any) -> bool:
    """Whether an Arrow type is one of texts."""
    import pyarrow as pa  # noqa: PLC0415 - optional

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def from_arrow(array: Any) -> pd.Series[Any]:
    """Turn an Arrow array or column into a plain pandas column; dictionaries are decoded, lists stay in Arrow."""
    import pyarrow as pa  # noqa: PLC0415 - optional

    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if holds_texts(array.type):
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
    texts = holds_texts(column.type)
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


def numbers_as_texts(numbers: NDArray[np.int64]) -> pd.Index[Any]:
    """Write whole numbers as texts, which Arrow does without a Python object for each."""
    if not has_arrow():
        written: pd.Index[Any] = pd.Index(list(map(str, numbers.tolist())), dtype=STRING)
        return written
    import pyarrow as pa  # noqa: PLC0415 - optional

    texts: pd.Index[Any] = pd.Index(_texts(pa.array(numbers).cast(pa.string())), dtype=STRING)
    return texts


def texts_encoded(column: pd.Series[Any]) -> pd.Categorical:
    """Encode a column of texts, which Arrow does several times as fast as pandas; missing ones stay missing."""
    texts = column.astype(STRING)
    if not is_arrow_backed(texts.dtype):
        codes, distinct = pd.factorize(texts)
        return pd.Categorical.from_codes(codes, pd.Index(distinct, dtype=STRING), validate=False)
    coded = chunked(texts.array).dictionary_encode()  # all chunks share one dictionary
    if not coded.num_chunks:
        return pd.Categorical.from_codes([], pd.Index([], dtype=STRING))
    chunks = [each.indices if not each.null_count else each.indices.fill_null(-1) for each in coded.chunks]
    indices = np.concatenate([each.to_numpy() for each in chunks])
    distinct = pd.Index(_texts(coded.chunk(0).dictionary), dtype=STRING)
    return pd.Categorical.from_codes(indices, distinct, validate=False)


def narrow(column: Any, place: str = "a column") -> Any:
    """Turn whole numbers of more than 64 bits, which few programs read, into 64 bits where they fit.

    Parameters
    ----------
    column
        An Arrow array or column (decimals of scale 0, texts as views), or a series of polars (``Int128``). Columns
        of other types come back as they are.
    place
        Which column of which table, for messages.

    Raises
    ------
    DataError
        If a number needs more than 64 bits.
    """
    if str(getattr(column, "dtype", "")) in _WIDE:
        low, high = column.min(), column.max()
        if low is not None and not _LOWEST <= low <= high <= _HIGHEST:
            raise _too_wide(place, low if low < _LOWEST else high)
        return column.cast(int)
    if not has_arrow():
        return column
    import pyarrow as pa  # noqa: PLC0415 - optional
    import pyarrow.compute as pc  # noqa: PLC0415

    if not isinstance(column, pa.Array | pa.ChunkedArray):
        return column
    if pa.types.is_string_view(column.type):
        return column.cast(pa.large_string())
    if not pa.types.is_decimal(column.type) or column.type.scale != 0:
        return column
    try:
        # by way of the widest: Arrow casts no decimal of a few digits to 64 bits
        wide_enough = column if pa.types.is_decimal256(column.type) else column.cast(pa.decimal128(38, 0))
        return wide_enough.cast(pa.int64())
    except pa.ArrowInvalid as error:
        extremes = pc.min_max(column).as_py()
        wide = extremes["min"] if extremes["min"] < _LOWEST else extremes["max"]
        raise _too_wide(place, int(wide)) from error


def _too_wide(place: str, number: int) -> DataError:
    return DataError(f"{place} holds {number}, which needs more than 64 bits; pass whole numbers of 64 bits, or texts")
