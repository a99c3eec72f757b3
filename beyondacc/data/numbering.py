"""Numbers for the users and the items of the tables of one dataset."""

from __future__ import annotations

from typing import Any

import pandas as pd

from beyondacc.data.intake.rows import Rows
from beyondacc.data.items import Items
from beyondacc.data.vocabulary import Vocabulary, same_kind
from beyondacc.data.world import World
from beyondacc.errors import DataError
from beyondacc.types import ItemIds

__all__ = ["number_items", "number_users"]


def number_users(tables: dict[str, Rows]) -> tuple[Vocabulary, dict[str, ItemIds]]:
    """Give the users of all tables numbers; the rows of a sparse matrix count, so that positions stay what they were.

    Returns
    -------
    Vocabulary
    codes
        Of the distinct ids of each table.
    """
    _ = [rows.user.runs for rows in tables.values()]  # who occurs is also where their rows are, which profiles need
    extents = [rows.shape[0] for rows in tables.values() if rows.shape is not None]
    parts: list[Any] = [*(rows.user for rows in tables.values()), *_extent(extents)]
    vocabulary, codes = Vocabulary.numbering(parts, axis="user", names=[*tables, "the sparse matrix"])
    return vocabulary, dict(zip(tables, codes, strict=False))


def number_items(tables: dict[str, Rows], before: Items | World | None) -> tuple[int, Vocabulary, dict[str, ItemIds]]:
    """Give the items numbers: those of the items table or of a world, of the training rows, of test rows alone.

    Returns
    -------
    int
        How many of them are in the items table or have training rows.
    Vocabulary
    codes
        Of the distinct ids of each table.
    """
    extents = [rows.shape[1] for rows in tables.values() if rows.shape is not None]
    parts: list[Any] = [*(tables[what].item for what in ("train",) if what in tables), *_extent(extents)]
    names = [*(what for what in ("train",) if what in tables), *(["the sparse matrix"] if extents else [])]
    if isinstance(before, World):
        known = before.items
        _same_kinds(tables, known.ids, "world")
        codes = known.join([tables["train"].item])[1] if "train" in tables else []
        if codes and (codes[0] >= len(known)).any():
            stranger = tables["train"].item.distinct[codes[0] >= len(known)].tolist()[0]
            raise DataError(
                f"train has the item {stranger!r}, which the facts of the world do not count; count the facts of every "
                "part, such as with Dataset(part).facts, and merge them before the World is made"
            )
    else:
        first = None if before is None else before.ids
        if before is not None:
            _same_kinds(tables, before.ids, "items")
        known, codes = Vocabulary.numbering(
            parts, first, axis="item", names=[*([] if first is None else ["items"]), *names]
        )
    found = dict(zip(names, codes, strict=False))
    if "test" not in tables:
        return len(known), known, found
    test = tables["test"].item
    if len(known) and len(test):
        same_kind(test, known.ids, axis="item", what="test", other="items" if before is not None else "train")
    everything, (found["test"],) = known.join([test])
    return len(known), everything, found


def _same_kinds(tables: dict[str, Rows], known: pd.Index[Any], other: str) -> None:
    for what, rows in tables.items():
        same_kind(rows.item, known, axis="item", what=what, other=other)


def _extent(extents: list[int]) -> list[pd.Index[Any]]:
    return [pd.RangeIndex(max(extents))] if extents else []
