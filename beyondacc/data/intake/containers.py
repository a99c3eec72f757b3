"""Rows from what is not a frame: dicts, tuples, lists of lists, series, sparse matrices, tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from itertools import chain
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import sparse

from beyondacc.data.checks import check_sparse
from beyondacc.data.columns import as_ids, encode_ids, flatten, is_list_type
from beyondacc.data.ids import Ids
from beyondacc.data.intake.convert import numbers_of, own
from beyondacc.data.intake.roles import ALIASES, INTERACTIONS
from beyondacc.data.intake.rows import Held, Later, Rows
from beyondacc.errors import DataError

__all__ = [
    "as_array",
    "from_dict",
    "from_lists",
    "from_series",
    "from_sparse",
    "from_tuples",
    "is_sparse",
    "means_lists",
]

_FIRST: Final = "(rows count from 0)"


def _is_tensor(source: Any) -> bool:
    """Whether something is a tensor of torch, told without importing it."""
    return all(hasattr(source, name) for name in ("detach", "cpu", "numpy"))


def as_array(source: Any) -> Any:
    """Return a tensor as an array, detached from its gradient and its device; half precision becomes float32."""
    if not _is_tensor(source):
        return source
    plain = source.detach().cpu()
    return (plain.float() if "float16" in str(plain.dtype) else plain).numpy()


def _values(values: pd.Series[Any], what: str) -> dict[str, Any]:
    name = "rating" if what in INTERACTIONS else "score"
    return {name: Later(own(values), numbers_of, f"the {name} of {what}")}


def from_sparse(source: Any, what: str) -> Rows:
    """Read a sparse matrix of (users, items), whose positions are the ids."""
    if source.ndim != 2:
        raise DataError(f"{what} is a sparse array of {source.ndim} dimension; pass one of (users, items)")
    if source.dtype.kind not in "biuf":
        raise DataError(f"{what} is a sparse matrix of {source.dtype}; pass one of real numbers")
    check_sparse(source, what)
    coo = source.tocoo()
    user, item = (
        Ids(position.astype(np.int32), pd.RangeIndex(size), exact=False)  # a copy: the matrix may share it and change
        for position, size in zip((coo.row, coo.col), source.shape, strict=True)
    )
    return Rows(user, item, _values(pd.Series(coo.data.copy()), what), shape=source.shape)


def _ids(values: Iterable[Any], axis: str, what: str) -> pd.Index[Any]:
    return as_ids(pd.Series(list(values)), f"the {axis} of {what}")


def _is_ranked(kind: type, what: str) -> bool:
    return is_list_type(kind) and (what in INTERACTIONS or not issubclass(kind, AbstractSet))


def from_dict(source: Mapping[Any, Any], what: str) -> Rows:
    """Read ``{user: [items]}``, ``{user: {item: value}}`` or ``{user: [(item, value)]}``; sets of interactions."""
    if not source:
        return Rows(Ids.none(), Ids.none())
    lower = {key.lower() for key in source if isinstance(key, str)}
    if all(lower & {name.lower(), *map(str.lower, ALIASES[name])} for name in ("user_id", "item_id")):
        raise DataError(
            f"{what} is a dict of columns ({', '.join(map(repr, source))}); pass pandas.DataFrame(...) of it"
        )
    owners = _ids(source, "users", what)
    lists = [as_array(each) for each in source.values()]
    kinds = set(map(type, lists))
    nested = [issubclass(kind, Mapping) for kind in kinds]
    if not all(nested) and not all(_is_ranked(kind, what) for kind in kinds):
        # where lists and dicts are mixed, the first value that is no list is the odd one
        user, value = next(
            (user, value) for user, value in zip(source, lists, strict=True) if not _is_ranked(type(value), what)
        )
        order = "; a set has no order" if isinstance(value, AbstractSet) else ""
        raise DataError(
            f"{what} is a dict whose value for user {user!r} is {value!r}{order}; all values must be lists of items "
            "(best first), or all dicts {item: value}, or all lists of (item, value) pairs"
        )
    lengths = np.fromiter(map(len, lists), np.int64, len(lists))
    codes = np.repeat(np.arange(len(lists)), lengths)
    known = Ids.of(owners)
    user = Ids(known.codes.take(codes), known.distinct, exact=False)
    place = f"the items of {what}"
    if all(nested):
        values = pd.Series(list(chain.from_iterable(each.values() for each in lists)))
        item = Ids.of(_ids(chain.from_iterable(lists), "items", what))
        return Rows(user, item, _values(values, what), owners=owners)
    if pairs := _pairs(lists):
        item = Ids.of(_ids((each for each, _ in pairs), "items", what))
        return Rows(user, item, _values(pd.Series([value for _, value in pairs]), what), owners=owners)
    rank = np.arange(1, len(codes) + 1, dtype=np.float64) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Rows(user, encode_ids(flatten(lists), place), {"rank": Held(rank)}, owners=owners)


def _pairs(lists: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Return all elements if each is an (item, value) pair."""
    if not all(issubclass(kind, list | tuple) for kind in set(map(type, lists))):
        return []
    flat = list(chain.from_iterable(lists))
    if not all(issubclass(kind, list | tuple) for kind in set(map(type, flat))) or set(map(len, flat)) != {2}:
        return []
    numbers = all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for _, value in flat)
    return flat if numbers else []


def from_tuples(source: Sequence[Any], what: str) -> Rows:
    """Read a row a tuple: ``(user, item)`` or ``(user, item, value)``."""
    if not source:
        return Rows(Ids.none(), Ids.none())
    good = {2, 3} if all(issubclass(kind, (tuple, list)) for kind in set(map(type, source))) else set()
    if good and len(lengths := set(map(len, source))) == 1 and lengths <= good:
        user, item, *value = zip(*source, strict=True)
        numbers = _values(pd.Series(list(value[0])), what) if value else {}
        return Rows(Ids.of(_ids(user, "users", what)), Ids.of(_ids(item, "items", what)), numbers)
    width = len(source[0]) if isinstance(source[0], (tuple, list)) and len(source[0]) in {2, 3} else 0
    row = next(row for row, each in enumerate(source) if not (isinstance(each, (tuple, list)) and len(each) == width))
    raise DataError(
        f"{what} is a list whose row {row} {_FIRST} is {source[row]!r}; "
        "every row must be (user, item), or every row (user, item, value)"
    )


def means_lists(source: Any, what: str) -> bool:
    """Whether a list of lists means one ranked list per user, and not a row each.

    Tuples are rows; lists and arrays are ranked lists, as no row of a table is written so, unless all of them look
    like rows of few users.

    Raises
    ------
    DataError
        If both readings are likely.
    """
    if not isinstance(source, list | tuple) or not source or what in INTERACTIONS:
        return False
    kinds = set(map(type, source))
    if not all(issubclass(kind, list | np.ndarray) or _is_tensor_type(kind) for kind in kinds):
        return False
    rows = [as_array(each) for each in source]
    if len({len(row) for row in rows}) == 1 and len(rows[0]) in {2, 3}:
        users = [row[0] for row in rows]
        if len(rows) > 1 and len(set(users)) < len(users) and not any(len(set(row)) < len(row) for row in rows):
            raise DataError(
                f"{what} is a list of {len(rows)} lists such as {list(rows[0])!r}, which may be rows (user, item"
                f"{', value' if len(rows[0]) == 3 else ''}) or one ranked list per user; pass rows as tuples, "
                "or lists as {user: [items]}"
            )
        if len(rows) > 1 and len(set(users)) < len(users):
            return False  # an item does not stand twice in a list
    return True


def _is_tensor_type(kind: type) -> bool:
    """Whether a type is torch's tensor."""
    return all(hasattr(kind, name) for name in ("detach", "cpu", "numpy"))


def from_lists(source: Sequence[Any], users: pd.Index[Any] | None, what: str) -> Rows:
    """Read one ranked list per user of the dataset, in the order of its users.

    Raises
    ------
    DataError
        If there is no dataset, or there are not as many lists as users.
    """
    if users is None or len(users) != len(source):
        known = "no Dataset says whose they are" if users is None else f"the Dataset has {len(users)} users"
        raise DataError(
            f"{what} is a list of {len(source)} lists, one per user, but {known}; pass {{user: [items]}}, "
            "or rows as tuples (user, item) or (user, item, value)"
        )
    return from_dict(dict(zip(users.tolist(), source, strict=True)), what)


def from_series(source: pd.Series[Any], what: str) -> Rows:
    """Read a Series of lists indexed by user, or of values indexed by (user, item).

    Raises
    ------
    DataError
        If it is neither.
    """
    if source.index.nlevels == 2:
        user, item = (Ids.of(_ids(source.index.get_level_values(level), axis, what)) for level, axis in _LEVELS)
        return Rows(user, item, _values(source.reset_index(drop=True), what))
    if len(source) and source.map(lambda each: is_list_type(type(each)) or isinstance(each, Mapping)).all():
        return from_dict(dict(zip(source.index.tolist(), source.tolist(), strict=True)), what)
    raise DataError(
        f"{what} is a Series, which cannot be read as a table; pass a Series of lists indexed by user, or one of "
        "values indexed by (user, item)"
    )


_LEVELS: Final = ((0, "users"), (1, "items"))


def is_sparse(source: Any) -> bool:
    """Whether something is a sparse matrix."""
    return bool(sparse.issparse(source))
