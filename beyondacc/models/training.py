"""What models share that learn in epochs: interactions held out, and when to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np
from scipy import sparse

from beyondacc.errors import DataError
from beyondacc.kernels.hashing import uniform
from beyondacc.kernels.topk import topk_rows
from beyondacc.types import Bools, Floats, UserIds

__all__ = ["Stopper", "hold_out", "lost_ndcg"]

T = TypeVar("T")

_CUTOFF = 100  # of the nDCG that tells when to stop
_USERS = 1024  # ranked at a time


def hold_out(
    train: sparse.csr_array[Any], share: float, seed: int
) -> tuple[sparse.csr_array[Any], sparse.csr_array[Any]]:
    """Set a random share of the stored entries aside; every user keeps one at least.

    Parameters
    ----------
    train
        Interactions in canonical form, ``(n_users, n_items)``. Explicit zeros are entries.
    share
        In (0, 1): ``round(share * nnz)`` entries (halves up) are set aside, or fewer where users have too few.
    seed
        Another seed sets others aside.

    Returns
    -------
    train, held
        Matrices of the same shape with disjoint entries, all of `train` together.

    Raises
    ------
    DataError
        If no entry can be set aside.
    """
    sizes = np.diff(train.indptr)
    users = np.repeat(np.arange(sizes.size), sizes)
    keys = uniform(seed, np.arange(train.nnz, dtype=np.uint64), np.zeros(1, np.uint64))
    kept = np.lexsort((keys, users))[train.indptr[:-1][sizes > 0]]  # each user's entry with the least key
    free = np.ones(train.nnz, np.bool_)
    free[kept] = False
    candidates = np.flatnonzero(free)
    chosen = candidates[np.argsort(keys[candidates], kind="stable")[: int(share * train.nnz + 0.5)]]
    if not chosen.size:
        raise DataError(
            f"validation={share:g} of {train.nnz} interactions of {np.count_nonzero(sizes)} users sets none aside, "
            "because every user keeps one; give a larger share, or validation=0 to learn from all"
        )
    held = np.zeros(train.nnz, np.bool_)
    held[chosen] = True
    return _entries(train, ~held), _entries(train, held)


def _entries(matrix: sparse.csr_array[Any], chosen: Bools) -> sparse.csr_array[Any]:
    offsets = np.concatenate(([0], np.cumsum(chosen)))[matrix.indptr]
    return sparse.csr_array((matrix.data[chosen], matrix.indices[chosen], offsets), shape=matrix.shape)


class Stopper(Generic[T]):
    """Remember the state of the best epoch, and say when none has been better for a while.

    Parameters
    ----------
    patience
        How many epochs in a row may be no better than the best before it is time to stop.

    Attributes
    ----------
    best
        The state of the best epoch, None before the first.
    loss
        Its loss.
    epoch
        Its number, from 1.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best: T | None = None
        self.loss = np.inf
        self.epoch = 0
        self._seen = 0

    def stop(self, loss: float, state: Callable[[], T]) -> bool:
        """Take the loss of an epoch, lower being better, and return whether to stop.

        Parameters
        ----------
        loss
            On what is held out. NaN is never better.
        state
            Returns a copy of the state; called where the epoch is the best so far.
        """
        self._seen += 1
        if loss < self.loss:
            self.best, self.loss, self.epoch = state(), loss, self._seen
        return self._seen - self.epoch >= self.patience


def lost_ndcg(score: Callable[[UserIds], Floats], train: sparse.csr_array[Any], held: sparse.csr_array[Any]) -> float:
    """Return 1 - nDCG@100 of the held-out items, averaged over the users who have some: a loss for `Stopper`.

    Parameters
    ----------
    score
        Scores every item for some users, ``(block, n_items)``.
    train
        What is not to be recommended, ``(n_users, n_items)``.
    held
        What is to be found; all alike, whatever their values.
    """
    users = np.flatnonzero(np.diff(held.indptr)).astype(np.int32)
    width = min(_CUTOFF, train.shape[1])
    rows = train.sorted_indices()
    starts, seen = rows.indptr.astype(np.int64), rows.indices.astype(np.int32)
    nothing = np.zeros(train.shape[1], np.bool_)
    discounts = 1.0 / np.log2(np.arange(2, width + 2))
    best = np.concatenate(([0.0], np.cumsum(discounts)))
    found = 0.0
    for start in range(0, users.size, _USERS):
        block = users[start : start + _USERS]
        lists = np.empty((block.size, width), np.int32)
        scores = np.ascontiguousarray(score(block))
        top, lengths = np.empty((block.size, width), scores.dtype), np.empty(block.size, np.int32)
        topk_rows(scores, block, starts, seen, nothing, lists, top, lengths)
        relevant = np.zeros((block.size, train.shape[1] + 1), np.bool_)  # one column more, for the padding
        rows = held[block]
        relevant[np.repeat(np.arange(block.size), np.diff(rows.indptr)), rows.indices] = True
        hits = np.take_along_axis(relevant, lists, axis=1)
        ideal = best[np.minimum(np.diff(rows.indptr), width)]
        found += float((hits @ discounts / ideal).sum())
    return 1.0 - found / users.size
