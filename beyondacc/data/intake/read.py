"""Tables of any kind in, rows out: the one place where interactions and lists are looked at and refused."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.columns import encode_ids, plain
from beyondacc.data.frames import ACCEPTED, Columns, open_table
from beyondacc.data.ids import Ids, together
from beyondacc.data.intake.containers import (
    as_array,
    from_dict,
    from_lists,
    from_series,
    from_sparse,
    from_tuples,
    is_sparse,
    means_lists,
)
from beyondacc.data.intake.convert import numbers_of, own, times_of
from beyondacc.data.intake.files import File, read_file
from beyondacc.data.intake.order import Order, find_score, is_run_column, order_lists, refuse_several
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import Names, resolve, short_name
from beyondacc.data.intake.rows import Later, Rows
from beyondacc.errors import DataError

__all__ = ["read_rows"]

_LISTS: Final = frozenset({"recs", "primitive", "earlier", "candidates"})
_OF_LISTS: Final = ("score", "rank", "run")
_OF_INTERACTIONS: Final = ("rating", "timestamp")
_CONVERT: Final[Mapping[str, Callable[[Any, str], NDArray[Any]]]] = {
    "rating": numbers_of,
    "score": numbers_of,
    "rank": numbers_of,
    "timestamp": times_of,
}


def read_rows(
    source: Any,
    *,
    what: str,
    columns: Mapping[str, Any] | Names | None = None,
    order: Order = "auto",
    users: pd.Index[Any] | None = None,
    lists: bool = False,
) -> Rows:
    """Read the rows of one table.

    Parameters
    ----------
    source
        A frame (pandas, polars eager or lazy, pyarrow, anything narwhals takes), the path of a file, a scipy.sparse
        matrix (positions are the ids; explicit zeros are ratings of 0), a dict ``{user: [items]}`` (best first),
        ``{user: {item: value}}`` or ``{user: [(item, value)]}``, a list of ``(user, item)`` or ``(user, item, value)``
        tuples, a list of lists (one per user), a Series, or `Rows`.
    what
        The name of the table, for messages: lists are recs, primitive or earlier ones, others are interactions.
        Values of dicts, tuples and matrices are ratings of interactions, and scores of lists.
    columns
        The user's own column names; see `beyondacc.data.intake.roles.Names`.
    order
        What orders lists; see `beyondacc.data.intake.order`.
    lists
        Whether these are lists, whatever messages call them.
    users
        Whose lists those of a list of lists are.

    Raises
    ------
    DataError
        If the source is of no such kind, empty, lacks a column, or holds an id that cannot be used; or, where several
        readings are likely, the order of lists.
    """
    if isinstance(source, Rows):
        return source
    names = columns if isinstance(columns, Names) else Names(columns)
    is_lists = lists or what.partition(" ")[0] in _LISTS
    reading = Reading(what, type(source).__name__)
    if isinstance(source, (str, os.PathLike, File)):
        roles = ("user_id", "item_id", *(_OF_LISTS if is_lists else _OF_INTERACTIONS))
        source = read_file(source, what=what, reading=reading, columns=names.given(what, roles))
    source = as_array(source)
    if is_sparse(source):
        rows = from_sparse(source, what)
    elif isinstance(source, Mapping):
        rows = from_dict(source, what)
    elif isinstance(source, pd.Series):
        rows = from_series(source, what)
    elif isinstance(source, (list, tuple)):
        rows = from_lists(source, users, what) if means_lists(source, what) else from_tuples(source, what)
    else:
        rows = _from_frame(source, what, names, order if is_lists else None, reading)
    if names is not columns:
        names.check_used()
    if not len(rows):
        raise DataError(f"{what} is empty; pass at least one row")
    reading.rows = len(rows)
    rows = dataclasses.replace(rows, reading=reading)
    # the lists of several runs are ordered when they are taken apart
    return order_lists(rows, what, order) if is_lists and rows.run is None else rows


def _from_frame(source: Any, what: str, names: Names, order: Order | None, reading: Reading) -> Rows:
    table = open_table(source, what=what, accepted=ACCEPTED)
    numbers = _OF_INTERACTIONS if order is None else _OF_LISTS[:2]
    runs = names.of(what, table.columns, ("run",), reading).get("run") if order is not None else None
    present = [name for name in table.columns if name != runs]
    found = resolve(present, ("user_id", "item_id"), names, what, optional=numbers, reading=reading)
    # what plays no role may still say that there is more than one list, or what orders them
    free = [] if order is None else [name for name in table.columns if name not in found.values() and name != runs]
    ordered = bool({"rank", "score"} & set(found))
    free = [name for name in free if isinstance(name, str) and (is_run_column(name) or not ordered)]
    brought = table.bring([*found.values(), *free, *([runs] if runs else [])])
    written = getattr(source, "attrs", {}).get("written", ())
    tasks = [functools.partial(_encode, brought, found[name], what, written) for name in ("user_id", "item_id")]
    user, item = together(tasks, brought.in_memory)
    pull = {name: functools.partial(_plain, brought, name) for name in free}
    if order is not None:
        if runs is None:
            refuse_several(pull, what, order)
        if not ordered:
            column, note = find_score(free, lambda name: pull[name](), what, user, order)
            if column is not None:
                found["score"] = column
                reading.note(note)
    reading.columns = {short_name(name): str(column) for name, column in found.items()}
    later = {
        name: Later(own(brought.by_name[column]()), _CONVERT[name], _place(column, what))
        for name, column in found.items()
        if name in _CONVERT
    }
    return Rows(user, item, later, run=None if runs is None else _plain(brought, runs).astype(str))


def _encode(brought: Columns, column: str, what: str, written: Collection[str]) -> Ids:
    ids = encode_ids(brought.by_name[column](), _place(column, what))
    return dataclasses.replace(ids, written=True) if column in written else ids


def _plain(brought: Columns, column: str) -> pd.Series[Any]:
    return plain(brought.by_name[column]())


def _place(column: Any, what: str) -> str:
    return f"column {column!r} of {what}"
