"""Frames of any library as tables, whose columns come as they lie in memory: the one place that knows narwhals."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from beyondacc.data.arrow import ArrowTable, Parquet, from_arrow, has_arrow, open_arrow, to_arrow
from beyondacc.data.columns import plain
from beyondacc.data.ids import number_integers
from beyondacc.errors import DataError

__all__ = ["ACCEPTED", "Columns", "Table", "open_table"]

ACCEPTED: Final = (
    "a DataFrame (pandas, polars, pyarrow or anything narwhals takes), a path, a scipy.sparse matrix, "
    "a dict {user: [items]} or {user: {item: value}}, or a list of (user, item) or (user, item, value) tuples"
)


class Columns(NamedTuple):
    """Columns of a table as they lie in memory.

    Attributes
    ----------
    by_name
        For each, a function that brings it as a pandas or an Arrow column.
    in_memory
        How many rows are there for the asking; 0 for a file, of which one column at a time is to be read.
    """

    by_name: dict[str, Callable[[], Any]]
    in_memory: int


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """An opened frame.

    Parameters
    ----------
    columns
        Their names.
    pull
        Brings some of them as pandas columns.
    bring
        Brings some of them as they lie in memory.
    """

    columns: list[Any]
    pull: Callable[[Sequence[str]], dict[str, pd.Series[Any]]]
    bring: Callable[[Sequence[str]], Columns]


def open_table(source: Any, *, what: str, accepted: str = ACCEPTED) -> Table:
    """Open any frame that narwhals knows, eager or lazy, or a parquet file; lazy ones collect what is asked for only.

    Raises
    ------
    DataError
        If it is no such frame, or two of its columns have one name.
    """
    if type(source).__module__.startswith("pyarrow.") and type(source).__name__ != "Table":
        source = open_arrow(source, what) or source  # a data set, a batch or a stream of them
    if isinstance(source, (Parquet, ArrowTable)):
        return Table(
            list(source.columns),
            pull=lambda names: open_table(source.to_pandas(), what=what).pull(names),
            bring=lambda names: Columns({name: functools.partial(source.column, name) for name in names}, 0),
        )
    if type(source) is pd.DataFrame and source.columns.is_unique and source.columns.inferred_type == "string":
        return Table(  # as below, in a tenth of the time, which is what small frames take
            source.columns.tolist(),
            pull=lambda names: {name: plain(source[name]) for name in names},
            bring=lambda names: Columns({name: functools.partial(source.get, name) for name in names}, len(source)),
        )
    import narwhals.stable.v2 as nw  # noqa: PLC0415 - heavy
    from narwhals.exceptions import DuplicateError  # noqa: PLC0415 - as above

    try:
        frame = nw.from_native(source, pass_through=True)
        if not isinstance(frame, (nw.DataFrame, nw.LazyFrame)):
            raise DataError(f"{what} is a {type(source).__name__}, which cannot be read as a table; pass {accepted}")
        columns: list[Any] = list(frame.collect_schema().names())
    except DuplicateError as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{what} cannot be read as a table: {reason}; give every column its own name") from error

    def collect(names: Sequence[str]) -> Any:
        return frame.select(*names).collect() if isinstance(frame, nw.LazyFrame) else frame

    def pull(names: Sequence[str]) -> dict[str, pd.Series[Any]]:
        eager = collect(names)
        return {name: _to_pandas(eager.get_column(name)) for name in names}

    def bring(names: Sequence[str]) -> Columns:
        eager = collect(names)
        return Columns({name: functools.partial(_native, eager.get_column(name)) for name in names}, len(eager))

    return Table(columns, pull, bring)


def _to_pandas(column: Any) -> pd.Series[Any]:
    if column.implementation.is_pandas_like():
        return plain(column.to_pandas())
    if has_arrow():
        return from_arrow(to_arrow(column))
    return pd.Series(column.to_numpy())


def _native(column: Any) -> Any:
    """Return a series as a pandas or an Arrow column, without a copy where that can be."""
    if column.implementation.is_pandas_like():
        return column.to_pandas()
    return to_arrow(column) if has_arrow() else _without_arrow(column)


def _without_arrow(column: Any) -> pd.Series[Any]:
    """Return a series of polars as a pandas column, its texts as a categorical of polars' own codes."""
    import narwhals.stable.v2 as nw  # noqa: PLC0415 - heavy

    if column.dtype not in {nw.String, nw.Categorical, nw.Enum} or column.null_count():
        return pd.Series(column.to_numpy())
    coded = column.cast(nw.String).cast(nw.Categorical)
    numbers = number_integers([coded.to_native().to_physical().to_numpy()])
    assert numbers is not None  # noqa: S101 - polars numbers texts by whole numbers, though not from 0 on
    distinct = coded.unique()
    order = np.argsort(distinct.to_native().to_physical().to_numpy())
    texts = np.array(distinct.cast(nw.String).to_list(), dtype=object)[order]
    return pd.Series(pd.Categorical.from_codes(numbers.translate(numbers.ascending()[0]), pd.Index(texts)))
