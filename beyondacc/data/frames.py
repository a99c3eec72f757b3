"""Tables of any kind in, plain arrays out: the one place where rows from outside are looked at and refused."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Set as AbstractSet
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.data.arrow import Parquet, from_arrow, has_arrow, to_arrow
from beyondacc.data.columns import (
    ALIASES,
    as_floats,
    as_ids,
    encode_ids,
    flatten,
    is_list_type,
    plain,
    resolve,
)
from beyondacc.data.ids import Ids, number_integers, together
from beyondacc.data.intake.rows import Held, Later, Rows
from beyondacc.data.readers import read_table
from beyondacc.errors import DataError

__all__ = ["Rows", "Table", "open_table", "read_rows"]

_ACCEPTED: Final = (
    "a DataFrame (pandas, polars, pyarrow or anything narwhals takes), a path, a scipy.sparse matrix, "
    "a dict {user: [items]} or {user: {item: value}}, or a list of (user, item) or (user, item, value) tuples"
)
_INTERACTIONS: Final = frozenset({"train", "test", "ratings"})
_FIRST = "(rows count from 0)"
_COPIES_ON_WRITE: Final = int(pd.__version__.partition(".")[0]) >= 3


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


def open_table(source: Any, *, what: str, accepted: str = _ACCEPTED) -> Table:
    """Open any frame that narwhals knows, eager or lazy, or a parquet file; lazy ones collect what is asked for only.

    Raises
    ------
    DataError
        If it is no such frame, or two of its columns have one name.
    """
    if isinstance(source, Parquet):
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
        return from_arrow(column.to_arrow())
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


def read_rows(source: Any, *, what: str, columns: Mapping[str, str] | None = None, need_item: bool = True) -> Rows:
    """Read the rows of one table.

    Parameters
    ----------
    source
        A frame (pandas, polars eager or lazy, pyarrow, anything narwhals takes), the path of a file, a scipy.sparse
        matrix (positions are the ids; explicit zeros are ratings of 0), a dict ``{user: [items]}`` (best first) or
        ``{user: {item: value}}``, a list of ``(user, item)`` or ``(user, item, value)`` tuples, or `Rows`.
    what
        The name of the table, for messages. Values of dicts, tuples and matrices are ratings in ``"train"``,
        ``"test"`` and ``"ratings"``, scores elsewhere.
    columns
        The user's own column names, ``{"user": "customer"}``; see `beyondacc.data.columns.resolve`.
    need_item
        Whether the table must have an item column.

    Raises
    ------
    DataError
        If the source is of no such kind, empty, lacks a column, or holds an id or a number that cannot be used.
    """
    if isinstance(source, Rows):
        return source
    if isinstance(source, (str, os.PathLike)):
        source = read_table(source, what=what)
    if sparse.issparse(source):
        rows = _from_sparse(source, what)
    elif isinstance(source, Mapping):
        rows = _from_dict(source, what)
    elif isinstance(source, (list, tuple)):
        rows = _from_tuples(source, what)
    else:
        rows = _from_frame(source, what, columns, need_item=need_item)
    if not len(rows):
        raise DataError(f"{what} is empty; pass at least one row")
    return rows


def _from_frame(source: Any, what: str, columns: Mapping[str, str] | None, *, need_item: bool) -> Rows:
    table = open_table(source, what=what)
    item = () if need_item else ("item_id",)
    wanted = ("user_id", "item_id") if need_item else ("user_id",)
    ordered = what not in _INTERACTIONS and not {"score", "rank"}.isdisjoint(table.columns)
    rating = () if ordered else ("rating",)  # lists that were re-ranked hold relevance and gain besides
    found = resolve(table.columns, wanted, columns, what, optional=(*item, *rating, "score", "rank", "timestamp"))
    brought = table.bring(list(found.values()))

    def encode(name: str) -> Ids:
        return encode_ids(brought.by_name.pop(found[name])(), _place(found[name], what))

    coded = [name for name in ("user_id", "item_id") if name in found]
    ids = together([functools.partial(encode, name) for name in coded], brought.in_memory)
    numbers = {
        name: Later(_own(brought.by_name[column]()), _CONVERT[name], _place(column, what))
        for name, column in found.items()
        if name not in coded
    }
    known = dict(zip(coded, ids, strict=True))
    return Rows(known["user_id"], known.get("item_id", Ids.none()), numbers)


def _own(column: Any) -> Any:
    """Return a column that does not change when the frame does."""
    return column.copy() if isinstance(column, pd.Series) and not _COPIES_ON_WRITE else column


def _numbers(column: Any, place: str) -> NDArray[np.float64]:
    return as_floats(plain(column), place)


def _times(column: Any, place: str) -> NDArray[Any]:
    return as_floats(plain(column), place, dates=True)


_CONVERT: Final[dict[str, Callable[[Any, str], NDArray[Any]]]] = {
    "rating": _numbers,
    "score": _numbers,
    "rank": _numbers,
    "timestamp": _times,
}


def _place(column: str, what: str) -> str:
    return f"column {column!r} of {what}"


def _values(values: pd.Series[Any] | NDArray[Any], what: str) -> dict[str, Any]:
    name = "rating" if what in _INTERACTIONS else "score"
    numbers = Later(_own(pd.Series(values)), _numbers, f"the {name} of {what}")
    return {"numbers": {name: numbers}}


def _from_sparse(source: Any, what: str) -> Rows:
    if source.ndim != 2:
        raise DataError(f"{what} is a sparse array of {source.ndim} dimension; pass one of (users, items)")
    if source.dtype.kind not in "biuf":
        raise DataError(f"{what} is a sparse matrix of {source.dtype}; pass one of real numbers")
    coo = source.tocoo()
    user, item = (
        Ids(position.astype(np.int32), pd.RangeIndex(size), exact=False)  # a copy: the matrix may share it and change
        for position, size in zip((coo.row, coo.col), source.shape, strict=True)
    )
    return Rows(user, item, **_values(coo.data.copy(), what), shape=source.shape)


def _ids(values: Iterable[Any], axis: str, what: str) -> pd.Index[Any]:
    return as_ids(pd.Series(list(values)), f"the {axis} of {what}")


def _is_ranked(kind: type) -> bool:
    return is_list_type(kind) and not issubclass(kind, AbstractSet)


def _from_dict(source: Mapping[Any, Any], what: str) -> Rows:
    if not source:
        return Rows(Ids.none(), Ids.none())
    lower = {key.lower() for key in source if isinstance(key, str)}
    if all(lower & {name.lower(), *map(str.lower, ALIASES[name])} for name in ("user_id", "item_id")):
        raise DataError(
            f"{what} is a dict of columns ({', '.join(map(repr, source))}); pass pandas.DataFrame(...) of it"
        )
    kinds = set(map(type, source.values()))
    nested = [issubclass(kind, Mapping) for kind in kinds]
    if not all(nested) and not all(map(_is_ranked, kinds)):
        # where lists and dicts are mixed, the first value that is no list is the odd one
        user, value = next((user, value) for user, value in source.items() if not _is_ranked(type(value)))
        raise DataError(
            f"{what} is a dict whose value for user {user!r} is {value!r}; "
            "all values must be lists of items (best first), or all dicts {item: value}"
        )
    lists = list(source.values())
    lengths = np.fromiter(map(len, lists), np.int64, len(lists))
    codes = np.repeat(np.arange(len(lists)), lengths)
    owners = _ids(source, "users", what)
    known = Ids.of(owners)
    user = Ids(known.codes.take(codes), known.distinct, exact=False)
    if all(nested):
        values = pd.Series(list(chain.from_iterable(each.values() for each in lists)))
        item = Ids.of(_ids(chain.from_iterable(lists), "items", what))
        return Rows(user, item, **_values(values, what), owners=owners)
    rank = np.arange(1, len(codes) + 1, dtype=np.float64) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Rows(user, encode_ids(flatten(lists), f"the items of {what}"), numbers={"rank": Held(rank)}, owners=owners)


def _from_tuples(source: Sequence[Any], what: str) -> Rows:
    if not source:
        return Rows(Ids.none(), Ids.none())
    good = {2, 3} if all(issubclass(kind, (tuple, list)) for kind in set(map(type, source))) else set()
    if good and len(lengths := set(map(len, source))) == 1 and lengths <= good:
        user, item, *value = zip(*source, strict=True)
        extra = _values(pd.Series(list(value[0])), what) if value else {}
        return Rows(Ids.of(_ids(user, "users", what)), Ids.of(_ids(item, "items", what)), **extra)
    width = len(source[0]) if isinstance(source[0], (tuple, list)) and len(source[0]) in {2, 3} else 0
    row = next(row for row, each in enumerate(source) if not (isinstance(each, (tuple, list)) and len(each) == width))
    raise DataError(
        f"{what} is a list whose row {row} {_FIRST} is {source[row]!r}; "
        "every row must be (user, item), or every row (user, item, value)"
    )
