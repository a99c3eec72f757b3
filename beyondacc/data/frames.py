"""Tables of any kind in, plain arrays out: the one place where rows from outside are looked at and refused."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Set as AbstractSet
from itertools import chain
from typing import Any, Final

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.exceptions import DuplicateError
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.data.columns import (
    ALIASES,
    as_floats,
    as_ids,
    flatten,
    from_arrow,
    is_list_type,
    plain,
    resolve,
    short_name,
)
from beyondacc.data.readers import read_table
from beyondacc.data.vocabulary import STRING
from beyondacc.errors import DataError

__all__ = ["Rows", "Table", "open_table", "read_rows"]

_ACCEPTED: Final = (
    "a DataFrame (pandas, polars, pyarrow or anything narwhals takes), a path, a scipy.sparse matrix, "
    "a dict {user: [items]} or {user: {item: value}}, or a list of (user, item) or (user, item, value) tuples"
)
_INTERACTIONS: Final = frozenset({"train", "test", "ratings"})
_FIRST = "(rows count from 0)"


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Validated rows of one table, column by column; n is the number of rows.

    Parameters
    ----------
    user, item
        ``(n,)`` external ids, int64 or strings, without nulls; `item` is empty where it was not needed and not there.
    rating, score, rank, timestamp
        ``(n,)`` finite float64, or None where the table has no such column; timestamps of dates are Unix seconds.
    shape
        ``(n_users, n_items)`` of a sparse matrix, whose ids are positions.
    owners
        All users of a dict of users, those without any item included; None for other sources.
    """

    user: pd.Index
    item: pd.Index
    rating: NDArray[np.float64] | None = None
    score: NDArray[np.float64] | None = None
    rank: NDArray[np.float64] | None = None
    timestamp: NDArray[np.float64] | None = None
    shape: tuple[int, int] | None = None
    owners: pd.Index | None = None

    def __len__(self) -> int:
        return len(self.user)

    def where(self, keep: NDArray[np.bool_]) -> Rows:
        """Return the rows marked in `keep`."""
        numbers = {
            name: None if (column := getattr(self, name)) is None else column[keep]
            for name in ("rating", "score", "rank", "timestamp")
        }
        return dataclasses.replace(self, user=self.user[keep], item=self.item[keep], **numbers)


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """An opened frame: the names of its columns, and a function that brings some of them as pandas columns."""

    columns: list[Any]
    pull: Callable[[Sequence[str]], dict[str, pd.Series[Any]]]


def open_table(source: Any, *, what: str, accepted: str = _ACCEPTED) -> Table:
    """Open any frame that narwhals knows, eager or lazy; lazy ones collect the columns asked for only.

    Raises
    ------
    DataError
        If it is no such frame, or two of its columns have one name.
    """
    try:
        frame = nw.from_native(source, pass_through=True)
        if not isinstance(frame, (nw.DataFrame, nw.LazyFrame)):
            raise DataError(f"{what} is a {type(source).__name__}, which cannot be read as a table; pass {accepted}")
        columns: list[Any] = list(frame.collect_schema().names())
    except DuplicateError as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{what} cannot be read as a table: {reason}; give every column its own name") from error

    def pull(names: Sequence[str]) -> dict[str, pd.Series[Any]]:
        chosen: Any = frame.select(*names)
        eager = chosen.collect() if isinstance(chosen, nw.LazyFrame) else chosen
        return {name: _to_pandas(eager[name]) for name in names}

    return Table(columns, pull)


def _to_pandas(column: Any) -> pd.Series[Any]:
    if column.implementation.is_pandas_like():
        return plain(column.to_pandas())
    if importlib.util.find_spec("pyarrow"):
        return from_arrow(column.to_arrow())
    return pd.Series(column.to_numpy())


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
    found = resolve(table.columns, wanted, columns, what, optional=(*item, "rating", "score", "rank", "timestamp"))
    pulled = table.pull(list(found.values()))
    # each column is let go as soon as it is converted
    ready: dict[str, Any] = {
        short_name(name): as_ids(pulled.pop(column), _place(column, what))
        if name in {"user_id", "item_id"}
        else as_floats(pulled.pop(column), _place(column, what), dates=name == "timestamp")
        for name, column in found.items()
    }
    return Rows(**({"item": pd.Index([], dtype=STRING)} | ready))


def _place(column: str, what: str) -> str:
    return f"column {column!r} of {what}"


def _values(values: pd.Series[Any] | NDArray[Any], what: str) -> dict[str, Any]:
    name = "rating" if what in _INTERACTIONS else "score"
    return {name: as_floats(pd.Series(values), f"the {name} of {what}")}


def _from_sparse(source: Any, what: str) -> Rows:
    if source.ndim != 2:
        raise DataError(f"{what} is a sparse array of {source.ndim} dimension; pass one of (users, items)")
    if source.dtype.kind not in "biuf":
        raise DataError(f"{what} is a sparse matrix of {source.dtype}; pass one of real numbers")
    coo = source.tocoo()
    user, item = (pd.Index(position.astype(np.int64)) for position in (coo.row, coo.col))
    return Rows(user, item, **_values(coo.data, what), shape=source.shape)


def _ids(values: Iterable[Any], axis: str, what: str) -> pd.Index:
    return as_ids(pd.Series(list(values)), f"the {axis} of {what}")


def _is_ranked(kind: type) -> bool:
    return is_list_type(kind) and not issubclass(kind, AbstractSet)


def _from_dict(source: Mapping[Any, Any], what: str) -> Rows:
    if not source:
        return Rows(pd.Index([]), pd.Index([]))
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
    user = owners.take(codes)
    if all(nested):
        values = pd.Series(list(chain.from_iterable(each.values() for each in lists)))
        return Rows(user, _ids(chain.from_iterable(lists), "items", what), **_values(values, what), owners=owners)
    rank = np.arange(1, len(codes) + 1, dtype=np.float64) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Rows(user, as_ids(flatten(lists), f"the items of {what}"), rank=rank, owners=owners)


def _from_tuples(source: Sequence[Any], what: str) -> Rows:
    if not source:
        return Rows(pd.Index([]), pd.Index([]))
    good = {2, 3} if all(issubclass(kind, (tuple, list)) for kind in set(map(type, source))) else set()
    if good and len(lengths := set(map(len, source))) == 1 and lengths <= good:
        user, item, *value = zip(*source, strict=True)
        extra = _values(pd.Series(list(value[0])), what) if value else {}
        return Rows(_ids(user, "users", what), _ids(item, "items", what), **extra)
    width = len(source[0]) if isinstance(source[0], (tuple, list)) and len(source[0]) in {2, 3} else 0
    row = next(row for row, each in enumerate(source) if not (isinstance(each, (tuple, list)) and len(each) == width))
    raise DataError(
        f"{what} is a list whose row {row} {_FIRST} is {source[row]!r}; "
        "every row must be (user, item), or every row (user, item, value)"
    )
