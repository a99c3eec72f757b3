"""Groups of users and of items: by a column, by genre, by popularity, by size of the profile."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.columns import as_ids
from beyondacc.data.frames import open_table
from beyondacc.data.intake.files import File, read_file
from beyondacc.data.intake.numbers import nullable
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import Names, resolve
from beyondacc.data.once import once
from beyondacc.errors import DataError, SpecError, choices, did_you_mean
from beyondacc.types import Bools

if TYPE_CHECKING:
    from beyondacc.data.world import World

__all__ = [
    "POPULARITY",
    "ItemGroups",
    "column_groups",
    "head_items",
    "item_attributes",
    "item_groups",
    "read_users",
    "tail_items",
]

POPULARITY: Final = "popularity"
GENRES: Final = "genres"


@dataclasses.dataclass(frozen=True)
class ItemGroups:
    """Which items are in which group; an item may be in several, or in none.

    Attributes
    ----------
    items, groups : (memberships,)
        Positions of an item and of its group.
    names
        Of the groups.
    """

    items: NDArray[np.int64]
    groups: NDArray[np.int64]
    names: list[str]

    def sums(self, numbers: NDArray[Any]) -> NDArray[np.float64]:
        """Add up numbers of the items, shape (items,), over each group, shape (groups,)."""
        return np.bincount(self.groups, numbers[self.items].astype(np.float64), len(self.names)).astype(np.float64)


@dataclasses.dataclass(frozen=True)
class UserTable:
    """The users table.

    Attributes
    ----------
    frame
        Its columns, indexed by the user ids.
    written
        Whether the ids are texts only because they stood in a file.
    reading
        What the boundary did with the table.
    """

    frame: pd.DataFrame
    written: bool
    reading: Reading


def read_users(source: Any, names: Names) -> UserTable:
    """Read the users table.

    Parameters
    ----------
    source
        A frame with a user id and one column or more, the path of such a file, or a dict ``{user: group}``.

    Raises
    ------
    DataError
        If there is no user column, no other column, or a user twice.
    """
    if isinstance(source, UserTable):
        return source
    reading = Reading("users", type(source).__name__)
    if isinstance(source, (str, os.PathLike, File)):
        source = read_file(source, what="users", reading=reading, columns=names.given("users", ("user_id",)))
    if isinstance(source, Mapping):
        source = pd.DataFrame({"user_id": list(source), "group": list(source.values())})
    accepted = "a DataFrame (pandas, polars, pyarrow or anything narwhals takes), a path, or a dict {user: group}"
    table = open_table(source, what="users", accepted=accepted)
    found = resolve(table.columns, ("user_id",), names, "users", reading=reading)["user_id"]
    pulled = table.pull([column for column in table.columns if isinstance(column, str)])
    ids = as_ids(pulled.pop(found), f"column {found!r} of users")
    if not pulled:
        raise DataError(f"users has the column {found!r} only; give at least one column to group by")
    if not ids.is_unique:
        twice = ids[ids.duplicated()].tolist()[0]
        raise DataError(f"users lists {twice!r} twice; keep one row a user")
    reading.rows, reading.columns = len(ids), {"user": str(found)}
    frame = pd.DataFrame({name: nullable(column).array for name, column in pulled.items()}, index=ids)
    return UserTable(frame, found in getattr(source, "attrs", {}).get("written", ()), reading)


@once
def head_items(world: World, head: float) -> Bools:
    """Tell which items are the head: the most popular ones, up to the first that reaches the share."""
    order = world.by_popularity
    reached = np.cumsum(world.item_counts[order])
    found = np.zeros(world.n_items, np.bool_)
    if len(order):
        # in whole numbers as far as possible: .8 of 10 rows is 8, not 8.000000000000002
        wanted = head * int(reached[-1])
        wanted = round(wanted) if abs(wanted - round(wanted)) < _ROUNDING * max(1.0, wanted) else wanted
        found[order[: int(np.searchsorted(reached, wanted)) + 1]] = True
    return found


_ROUNDING: Final = 1e-12


@once
def tail_items(world: World, head: float) -> Bools:
    """Tell which items of the catalogue are the rarest 1 - head of those with training rows, at least one."""
    order = world.by_popularity
    order = order[world.item_counts[order] > 0]
    found = np.zeros(world.n_items, np.bool_)
    # 1 - .9 of 50 items are 5, not 4.999999999999999
    size = max(1, int((1.0 - head) * len(order) + _ROUNDING * max(1, len(order))))
    found[order[len(order) - size :]] = True
    return found


def item_attributes(world: World) -> list[str]:
    """Return what items can be grouped by."""
    known = [POPULARITY] if world.n_train_users else []
    known += [GENRES] if world.features is not None else []
    return known + ([] if world.table is None else [str(name) for name in world.table.columns])


@once
def item_groups(world: World, attribute: str, head: float) -> ItemGroups:
    """Group the catalogue.

    Parameters
    ----------
    attribute
        ``popularity``: head and tail; ``genres``: an item is in each of its genres; or a column of the items table.
    head
        The share of the training rows that the head reaches.

    Raises
    ------
    SpecError
        If the items have no such attribute.
    """
    known = item_attributes(world)
    if attribute not in known:
        hint = did_you_mean(attribute, known) if known else "pass items= with such a column"
        raise SpecError(f"items have no attribute {attribute!r}; {hint}")

    if attribute == POPULARITY:
        items = np.flatnonzero(world.catalogue)
        tail = ~head_items(world, head)
        return ItemGroups(items, tail[items].astype(np.int64), ["head", "tail"])
    if attribute == GENRES:
        features = world.features
        assert features is not None  # noqa: S101 - known attributes have their data
        items = np.repeat(np.arange(len(features.bits)), np.diff(features.starts))
        return ItemGroups(items, features.ids.astype(np.int64), features.names)
    assert world.table is not None  # noqa: S101 - known attributes have their data
    codes, names = column_groups(world.table[attribute], attribute)
    items = np.flatnonzero(codes >= 0)
    return ItemGroups(items, codes[items], names)


def column_groups(values: pd.Series[Any], name: str, most: int = 50) -> tuple[NDArray[np.int64], list[str]]:
    """Return a code for each value, -1 where it is missing, and the names of the groups in order.

    Whole numbers of any type have the name of the integer, so that a column means the same with missing values, as
    text, or as decimals; an empty text is a missing value.

    Raises
    ------
    SpecError
        If there are more than `most` groups, or values are lists or dicts.
    """
    try:
        codes, distinct = pd.factorize(values)
    except (TypeError, NotImplementedError) as error:
        raise SpecError(
            f"{name} holds lists or other values that cannot be groups; give one text, number or date for each row"
        ) from error
    known = distinct.tolist()
    if len(known) > most:
        few = choices(repr(value) for value in known[:3])
        raise SpecError(
            f"{name} has {len(known):,} different values (such as {few}), more than {most}; "
            "put them into bins first, for example with pandas.qcut"
        )
    texts = list(map(_group_name, known))
    try:
        order = sorted(range(len(known)), key=known.__getitem__)
    except TypeError:  # texts beside numbers
        order = sorted(range(len(known)), key=texts.__getitem__)
    names = [text for text in dict.fromkeys(texts[place] for place in order) if text]
    numbers = {text: number for number, text in enumerate(names)}
    return np.array([*(numbers.get(text, -1) for text in texts), -1], dtype=np.int64)[codes], names


def _group_name(value: Any) -> str:
    if isinstance(value, (float, Decimal)) and math.isfinite(value) and value == value // 1:
        return str(int(value))
    return str(value).strip()
