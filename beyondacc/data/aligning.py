"""Lists aligned with a dataset: whose rows, in which order, with what is dropped or refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.binding import Binding, Lists, Users
from beyondacc.data.dataset import Dataset, pad
from beyondacc.data.recommendations import Recommendations
from beyondacc.errors import DataError
from beyondacc.kernels import align
from beyondacc.types import Floats, ItemIds

__all__ = ["bind", "bind_lists"]


def bind(
    recs: Recommendations,
    data: Dataset,
    *,
    users: Users = "all",
    seen: Literal["keep", "drop"] = "keep",
    unknown_items: Literal["keep", "error"] = "keep",
    primitive: Recommendations | None = None,
    earlier: Sequence[Recommendations] = (),
) -> Binding:
    """Align lists with a dataset.

    Parameters
    ----------
    users
        Whose rows, as in `Policy`.
    seen
        Whether listed items that are in the user's training rows are kept or dropped.
    unknown_items
        Whether items outside the catalogue are kept (they never count as covered) or an error.
    primitive
        Lists of a primitive model, for unexpectedness; the most popular items by default.
    earlier
        Earlier lists, oldest first, for metrics of change.
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
    lists, scores, lengths = _rows_of(recs, source, own=seen == "drop")
    ids = data.users.ids if len(known) == len(data.users) else data.users.ids.take(known)
    ids = ids if len(known) else recs.users[:0]
    ids = ids.append(recs.users[strangers]) if len(strangers) else ids
    if seen == "drop" and data.train is not None:
        kept = np.empty((0, 0)) if scores is None else scores
        train = data.train
        align.drop_seen_rows(lists, kept, lengths, order, train.starts, train.items, len(recs.items))
    if unknown_items == "error":
        _refuse_unknown(lists, recs, data, ids)
    return Binding(
        data=data,
        ids=ids,
        users=order,
        lists=lists,
        lengths=lengths,
        scores=scores,
        items=recs.items,
        ordered_by_score=recs.ordered_by_score,
        expected=None if primitive is None else _align(primitive, recs, ids),
        earlier=tuple(_align(lists, recs, ids) for lists in earlier),
    )


def _rows_of(
    recs: Recommendations, source: NDArray[np.int32], *, own: bool
) -> tuple[ItemIds, Floats | None, NDArray[np.int32]]:
    """Return lists, scores and lengths in another order, -1 standing for a row without any; copies with `own`."""
    if not own and np.array_equal(source, np.arange(len(recs))):
        return recs.lists, recs.scores, recs.lengths
    there = (source >= 0)[:, None]
    lists = np.where(there, recs.lists[source], np.int32(-1))
    scores = None if recs.scores is None else np.where(there, recs.scores[source], np.nan)
    return lists, scores, np.where(source >= 0, recs.lengths[source], 0).astype(np.int32)


def bind_lists(recs: Recommendations, data: Dataset, what: str = "recs") -> Binding:
    """Put lists in the positions of a dataset and keep their rows as they are, for re-ranking."""
    recs = recs.within(data, what)
    codes = recs.codes(data, what)
    return Binding(
        data=data,
        ids=recs.users,
        users=codes,
        lists=recs.lists,
        lengths=recs.lengths,
        scores=recs.scores,
        items=recs.items,
        ordered_by_score=recs.ordered_by_score,
    )


def _refuse_unknown(lists: ItemIds, recs: Recommendations, data: Dataset, ids: pd.Index[Any]) -> None:
    outside = ~pad(data.catalogue, len(recs.items))
    rows, ranks = np.nonzero((lists >= 0) & outside[lists])
    if len(rows):
        item, user = recs.items.ids[lists[rows, ranks]].tolist()[0], ids[rows].tolist()[0]
        raise DataError(
            f"recs list item {item!r} for user {user!r}, which is not in the catalogue; "
            'add it to items=, or pass unknown_items="keep"'
        )


def _align(lists: Recommendations, recs: Recommendations, ids: pd.Index[Any]) -> Lists:
    """Put further lists in the rows and item positions of a run; items they alone show get further ones."""
    own = recs.items.encode(lists.items.ids, what="primitive", known="recs")
    further = len(recs.items) + np.arange(len(own), dtype=np.int32)
    codes = np.append(np.where(own < 0, further, own), np.int32(-1)).astype(np.int32)
    place = lists.users.get_indexer(ids)
    known = (place >= 0)[:, None]
    items = np.where(known, codes[lists.lists[place]], np.int32(-1))
    scores = None if lists.scores is None else np.where(known, lists.scores[place], np.nan)
    return Lists(items, np.count_nonzero(items >= 0, axis=1).astype(np.int32), scores)
