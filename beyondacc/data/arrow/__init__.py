"""Arrow's columns and tables; the only package that imports pyarrow, which is optional."""

from beyondacc.data.arrow.columns import (
    STRING,
    chunked,
    dictionaries,
    flatten_lists,
    from_arrow,
    has_arrow,
    is_arrow_backed,
    look_up,
    narrow,
    number_chunks,
    numbers_as_texts,
    texts_encoded,
    to_arrow,
)
from beyondacc.data.arrow.tables import ArrowTable, Parquet, open_arrow, read_ipc

__all__ = [
    "STRING",
    "ArrowTable",
    "Parquet",
    "chunked",
    "dictionaries",
    "flatten_lists",
    "from_arrow",
    "has_arrow",
    "is_arrow_backed",
    "look_up",
    "narrow",
    "number_chunks",
    "numbers_as_texts",
    "open_arrow",
    "read_ipc",
    "texts_encoded",
    "to_arrow",
]
