"""What models share that learn in epochs: interactions held out, and when to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np
from scipy import sparse

from beyondacc.errors import DataError
from beyondacc.kernels.hashing import uniform
from beyondacc.types import Bools

__all__ = ["Stopper", "hold_out"]

T = TypeVar("T")


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
