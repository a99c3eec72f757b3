"""Distances of two items by how many training users have both."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.data.dataset import Dataset
from beyondacc.data.once import once
from beyondacc.distances.arrays import ToProfile
from beyondacc.distances.columns import OfColumns
from beyondacc.distances.declared import declare
from beyondacc.kernels import align, columns, cooccurrence
from beyondacc.run.local import map_parts, n_threads
from beyondacc.types import Bools, Floats, Offsets, UserIds

__all__ = ["COOCCURRENCE", "NPMI", "shared_to_profile"]

_NARROW: Final = 2**16
_TABLE: Final = 2**25  # numbers in the table of the popular items


class _Ranked(NamedTuple):
    """Training rows by popularity, in the order in which `kernels.cooccurrence` reads them."""

    starts: Offsets
    ranks: NDArray[np.integer[Any]]
    rest: Offsets
    item_starts: Offsets
    item_users: UserIds
    order: Offsets
    table: NDArray[np.int32]


@once
def _ranked(data: Dataset) -> _Ranked:
    train = data.train
    assert train is not None  # noqa: S101 - what is needed was checked
    n_items, n_users = len(data.items), len(train.sizes)
    counts = data.item_counts
    order = np.argsort(-counts, kind="stable")
    item_starts, item_users = data.by_item
    n_groups = _n_groups(counts[order], train.sizes)
    table = np.zeros((n_items, n_groups * cooccurrence.GROUP), np.int32)
    # half the memory to go through, if it is enough
    ranks: NDArray[Any] = np.empty(len(train.items), np.uint16 if n_items <= _NARROW else np.int32)
    cursor, rest = train.starts[:-1].copy(), train.starts[:-1].copy()

    def work(group: int, _: int) -> None:
        first = group * cooccurrence.GROUP
        cooccurrence.popular_rows(first, item_starts, item_users, order, n_users, table)

    map_parts(work, [(group, group + 1) for group in range(n_groups)])
    cooccurrence.ranked_rows(cursor, item_starts, item_users, order, table.shape[1], ranks, rest)
    return _Ranked(train.starts, ranks, rest, item_starts, item_users, order, table)


def _n_groups(counts: NDArray[np.int64], sizes: NDArray[np.int64]) -> int:
    """Return how many groups of the most popular items are cheaper to count together."""
    n_rows = int(sizes.sum())
    whole = len(counts) // cooccurrence.GROUP
    most = min(whole, _TABLE // (max(1, len(counts)) * cooccurrence.GROUP))
    if not n_rows or not most:
        return 0
    # one by one: for each user of the item the whole profile; together: each training row once
    length = float(np.square(sizes, dtype=np.float64).sum()) / n_rows
    passes = counts[: most * cooccurrence.GROUP].reshape(most, -1).sum(axis=1) * length
    return int(np.count_nonzero(passes > 2.0 * n_rows))


def shared_to_profile(run: Batch, k: int, *, logs: bool) -> ToProfile:
    """Return the least and the sum of the distances of the first k items to the profile, and their number.

    Goes through the items of the whole run at once: a part of the rows would show nearly all of them, too.

    Parameters
    ----------
    logs
        (1 - nPMI) / 2; else 1 - c_ij / sqrt(c_i c_j).
    """
    data = run.data
    lists = run.ranked.pad(k=k)
    shape = lists.shape
    ranked = _ranked(data)
    n_items = len(data.items)
    n_cold = int(np.searchsorted(-data.item_counts[ranked.order], 0))
    rank_of = np.full(run.n_items + 2, n_items, np.int32)
    rank_of[ranked.order[:n_cold]] = np.arange(n_cold, dtype=np.int32)
    rank_of[-1] = n_items + 1
    listed = np.arange(shape[1]) < run.lengths[:, None]
    labels = rank_of[np.where(listed, lists, -1)].reshape(-1)
    shown, shown_at = np.zeros(n_items + 3, np.int64), np.empty(len(labels), np.int64)
    align.group_rows(labels, shown, shown_at)
    weights, by_count = _numbers(data.item_counts[ranked.order], data.n_train_users, logs=logs)
    most, total, counted = np.full(shape, -np.inf), np.zeros(shape), np.zeros(shape, np.int64)

    def work(first: int, last: int) -> None:
        into: tuple[Any, ...] = (weights, by_count, first, last, most, total, counted)
        cooccurrence.shared_rows(logs, shown, shown_at, shape[1], run.users, *ranked, *into)

    ends = np.cumsum(np.append(data.item_counts[ranked.order], 1))
    n_parts = 16 * n_threads()
    cuts = np.unique(np.searchsorted(ends, ends[-1] * np.arange(1, n_parts) / n_parts))
    map_parts(work, list(itertools.pairwise(np.unique([0, *cuts.tolist(), len(ends)]).tolist())))
    half = 0.5 if logs else 1.0
    # a similarity of 1 may be rounded to more
    least, total = np.maximum(half * (1.0 - most), 0.0), np.maximum(half * (counted - total), 0.0)
    return ToProfile(np.where(counted > 0, least, np.inf), total, counted)


def _numbers(counts: NDArray[np.int64], n_users: int, *, logs: bool) -> tuple[Floats, Floats]:
    """Return what `kernels.cooccurrence.shared_rows` multiplies; the last item is one without users."""
    if not logs:
        scale = np.sqrt(np.append(counts, 0))
        return np.divide(1.0, scale, out=np.zeros(len(scale)), where=scale > 0), np.zeros((1, 2))
    with np.errstate(divide="ignore"):
        logarithms = np.log(np.arange(n_users + 1))
        by_count = np.column_stack([logarithms + logarithms[-1], 1.0 / (logarithms[-1] - logarithms)])
    # the limits, exact whatever weights are taken off: -1 where nobody has both items, 1 where everybody has
    by_count[0], by_count[-1] = (-1e300, 1e-300), (1e300, 1e-300)
    return np.append(np.where(counts > 0, logarithms[counts], 0.0), 0.0), by_count


class _Counted(OfColumns):
    """A distance by how many users have both items, and either."""

    upper = 1.0
    kind: ClassVar[int]
    logs: ClassVar[bool]

    def _columns(self, batch: Batch) -> tuple[int, tuple[Any, ...]]:
        train, (item_starts, item_users), none = batch.train, batch.data.by_item, np.zeros(1)
        n_users = batch.world.n_train_users
        return self.kind, (train.starts, train.items, none, item_starts, item_users, none, none, n_users)

    def _of_all(self, batch: Batch, k: int) -> ToProfile:
        return shared_to_profile(batch, k, logs=self.logs)


@declare("cooccurrence", "Cosine distance of the sets of users", cite="Zhang, Séaghdha, Quercia & Jambor 2012, WSDM")
class _Cooccurrence(_Counted):
    kind, logs = columns.COOCCURRENCE, False


@declare(
    "npmi",
    "Normalised pointwise mutual information",
    cite="Bouma 2009, GSCL; Kaminskas & Bridge 2014, RecSys workshop",
)
class _NPMI(_Counted):
    kind, logs = columns.NPMI, True

    def present(self, batch: Batch) -> Bools:
        """Tell that all items are: even one without users has a distance to all others."""
        return np.ones(batch.n_items, np.bool_)


COOCCURRENCE, NPMI = _Cooccurrence(), _NPMI()
