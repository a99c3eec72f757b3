"""Lists aligned with a dataset: whose rows, in which order, with what is dropped or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from beyondacc.bound.batch import Batch, Users
from beyondacc.data.dataset import Dataset
from beyondacc.data.profiles import Profiles
from beyondacc.data.ragged import Lists, room
from beyondacc.data.recommendations import Recommendations
from beyondacc.data.world import pad
from beyondacc.errors import DataError
from beyondacc.kernels import align
from beyondacc.types import UserIds

__all__ = ["bind", "bind_lists"]


def bind(
    recs: Recommendations,
    data: Dataset,
    *,
    users: Users = "all",
    seen: Literal["keep", "drop"] = "keep",
    unknown_items: Literal["keep", "error"] = "keep",
    side: Mapping[str, Sequence[Recommendations]] | None = None,
    k: int | None = None,
) -> Batch:
    """Align lists with a dataset.

    Parameters
    ----------
    users
        Whose rows, as in `Policy`.
    seen
        Whether listed items that are in the user's training rows are kept or dropped.
    unknown_items
        Whether items outside the catalogue are kept (they never count as covered) or an error.
    side
        Further lists of the same users, by the name of what they are; see `Batch`.
    k
        How many items of each list to keep, of those that are not dropped; all by default.
    """
    recs = recs.within(data)
    codes = recs.codes(data)
    tested = np.zeros(len(data.users), np.bool_) if data.test is None else data.test.occupied
    judged = tested if data.judged is None else tested | data.judged.occupied
    makes_a_row = np.ones(len(recs), np.bool_) if users == "all" else recs.lengths > 0
    if recs.users is data.users.ids:  # as where lists were read for all users of the dataset
        in_recs, place = makes_a_row, codes
    else:
        in_recs, place = np.zeros(len(data.users), np.bool_), np.full(len(data.users), -1, np.int32)
        in_recs[codes[(codes >= 0) & makes_a_row]] = True
        place[codes[codes >= 0]] = np.flatnonzero(codes >= 0)
    strangers = np.flatnonzero((codes < 0) & makes_a_row & (users in {"all", "recommended"}))
    wanted = {
        "all": judged | in_recs,
        "intersection": tested & in_recs,
        "recommended": in_recs,
        "tested": tested,
        "judged": judged,
        "judged-intersection": judged & in_recs,
    }[users]
    known = np.flatnonzero(wanted).astype(np.int32)
    order = np.concatenate([known, np.full(len(strangers), -1, np.int32)])
    if not len(order):
        raise DataError(f'no user is left to evaluate with users="{users}"; pass users="all" or check the user ids')
    source = np.concatenate([place[known], strangers.astype(np.int32)])
    ranked = recs.ragged.take(source)
    if seen == "drop" and data.train is not None:
        ranked = _without_seen(ranked, order, data.train, len(recs.items), k)
    elif k is not None:
        ranked = ranked.top(k)
    ids = data.users.ids if len(known) == len(data.users) else data.users.ids.take(known)
    ids = ids if len(known) else recs.users[:0]
    ids = ids.append(recs.users[strangers]) if len(strangers) else ids
    if unknown_items == "error":
        _refuse_unknown(ranked, recs, data, ids)
    return Batch(
        data=data,
        ids=ids,
        users=order,
        ranked=ranked,
        items=recs.items,
        ordered_by_score=recs.ordered_by_score,
        side={
            name: tuple(_align(lists, recs, ids, name) for lists in several) for name, several in (side or {}).items()
        },
    )


def _without_seen(ranked: Lists, users: UserIds, train: Profiles, n_items: int, k: int | None) -> Lists:
    """Return the first k items of each list that are not in the training row of its user."""
    bounds, stride = room(ranked.lengths, k)
    lengths, items = np.empty(len(ranked), np.int32), np.empty(bounds[-1], np.int32)
    scores = None if ranked.scores is None else np.empty(len(items))
    align.drop_seen_rows(
        ranked.starts,
        ranked.lengths,
        ranked.items,
        np.empty(0) if ranked.scores is None else ranked.scores,
        users,
        train.starts,
        train.items,
        n_items,
        bounds,
        items,
        np.empty(0) if scores is None else scores,
        lengths,
    )
    return Lists(bounds[:-1], lengths, items, scores, stride=stride)


def bind_lists(recs: Recommendations, data: Dataset, what: str = "recs") -> Batch:
    """Put lists in the positions of a dataset and keep their rows as they are, for re-ranking."""
    recs = recs.within(data, what)
    codes = recs.codes(data, what)
    return Batch(
        data=data,
        ids=recs.users,
        users=codes,
        ranked=recs.ragged,
        items=recs.items,
        ordered_by_score=recs.ordered_by_score,
    )


def _refuse_unknown(ranked: Lists, recs: Recommendations, data: Dataset, ids: pd.Index[Any]) -> None:
    outside = ~pad(data.catalogue, len(recs.items))
    rows, _, places = ranked.flat()
    items = ranked.items[places]
    unknown = np.flatnonzero(outside[items])
    if len(unknown):
        item, user = recs.items.ids[items[unknown[:1]]].tolist()[0], ids[rows[unknown[:1]]].tolist()[0]
        raise DataError(
            f"recs list item {item!r} for user {user!r}, which is not in the catalogue; "
            'add it to items=, or pass unknown_items="keep"'
        )


def _align(lists: Recommendations, recs: Recommendations, ids: pd.Index[Any], what: str) -> Lists:
    """Put further lists in the rows and item positions of a run; items they alone show get further ones."""
    own = recs.items.encode(lists.items.ids, what=what, known="recs")
    further = len(recs.items) + np.arange(len(own), dtype=np.int32)
    codes = np.where(own < 0, further, own).astype(np.int32)
    return lists.ragged.recode(codes).take(lists.users.get_indexer(ids))
