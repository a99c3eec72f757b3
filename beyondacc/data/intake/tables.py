"""The tables of one call, whose ids are settled together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd

from beyondacc.data.groups import UserTable
from beyondacc.data.ids import Ids
from beyondacc.data.intake.kinds import IdKinds, settle_ids
from beyondacc.data.intake.rows import Rows
from beyondacc.data.items import Items

__all__ = ["settle_tables"]


def settle_tables(
    tables: Mapping[str, Rows],
    items: Items | None,
    groups: UserTable | None,
    kinds: IdKinds,
    *,
    known: pd.Index | None = None,
) -> tuple[dict[str, Rows], Items | None, UserTable | None]:
    """Decide what the ids of the tables of one call are; see `beyondacc.data.intake.kinds`.

    Parameters
    ----------
    known
        Ids of items that are what they are, in place of an items table.
    """
    owners = [(what, rows.user) for what, rows in tables.items()]
    if groups is not None:
        own = Ids(np.arange(len(groups.frame), dtype=np.int32), groups.frame.index, written=groups.written)
        *users, table = settle_ids([*owners, ("users", own)], kinds["user"], "user")
        groups = dataclasses.replace(groups, frame=groups.frame.set_axis(table.distinct), written=False)
        groups.reading.ids = {"user": table.kind}
    else:
        users = settle_ids(owners, kinds["user"], "user")
    listed = [(what, rows.item) for what, rows in tables.items()]
    if items is not None:
        own = Ids(np.arange(len(items), dtype=np.int32), items.ids, written=items.written)
        *listed_items, catalogue = settle_ids([*listed, ("items", own)], kinds["item"], "item")
        items = dataclasses.replace(items, ids=catalogue.distinct, written=False)
        items.reading.ids = {"item": catalogue.kind}
    elif known is not None:
        of_world = Ids(np.arange(len(known), dtype=np.int32), known)
        *listed_items, _ = settle_ids([*listed, ("the world", of_world)], kinds["item"], "item")
    else:
        listed_items = settle_ids(listed, kinds["item"], "item")
    found = {}
    for (what, rows), user, item in zip(tables.items(), users, listed_items, strict=True):
        rows.reading.ids = {"user": user.kind, "item": item.kind}
        found[what] = dataclasses.replace(rows, user=user, item=item)
    return found, items, groups
