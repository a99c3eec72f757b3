"""WARP: factors that rank what a user has above what they have not."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, TypeAlias

import numpy as np
from scipy import sparse

from beyondacc.declare.params import Cutoff, Range, Seed
from beyondacc.kernels.ranking import warp_epoch
from beyondacc.models.base import MODELS, Model
from beyondacc.models.layout import Array, Layout
from beyondacc.models.neighbours import arrays
from beyondacc.models.training import Stopper, hold_out, lost_ndcg
from beyondacc.types import Floats, UserIds

__all__ = ["WARP"]

_Learned: TypeAlias = tuple[Floats, Floats]


@MODELS.declare(
    title="Weighted approximate-rank pairwise factorisation",
    cite="Weston, Bengio & Usunier 2011, IJCAI, WSABIE: Scaling Up to Large Vocabulary Image Annotation, sec. 3 and "
    "algorithm 1",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class WARP(Model):
    """Factors learned so that few items are ranked above those that the user has, the top ranks counting most.

    ``score(u, i) = p_u . q_i``. For each interaction (u, i) items that u does not have are drawn until one, j, has
    ``p_u . q_j > p_u . q_i - 1``. Found after n draws, the rank of i is estimated as the n-th part of the number of
    items u does not have, and a step is taken down the gradient of ``L(rank) (1 + p_u . q_j - p_u . q_i)``, with
    ``L(rank) = 1 + 1/2 + ... + 1/rank``. Rows of factors that become longer than `radius` are cut back to it.
    Users and items without interactions have factors of 0.

    This is our own: the implicit library has no WARP.

    Parameters
    ----------
    factors
        How many.
    epochs
        How many times all interactions are learned from, at most.
    learning_rate
        Length of a step.
    radius
        Of the ball that the factors of a user or an item are kept in: C in the paper. The smaller it is, the smoother
        the model.
    trials
        How many items are drawn at most; the paper draws as many as there are.
    validation
        The share of the interactions that is not learned from, but tells when to stop, by nDCG@100; 0: none, all
        epochs are done.
    patience
        Stop after this many epochs without a better one.
    seed
        Of the first factors, the orders and draws, and the interactions for validation.
    """

    factors: Cutoff = 50
    epochs: Cutoff = 50
    learning_rate: Annotated[float, Range(low=0, open_low=True)] = 0.003
    radius: Annotated[float, Range(low=0, open_low=True)] = 2.0
    trials: Cutoff = 50
    validation: Annotated[float, Range(0, 1, open_high=True)] = 0.0
    patience: Cutoff = 5
    seed: Seed = 0

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        learned, held = hold_out(train, self.validation, self.seed) if self.validation else (train, None)
        rng = np.random.default_rng(self.seed)
        (n_users, n_items), sizes = learned.shape, np.diff(learned.indptr)
        # as long as the ball at first, on average
        users: Floats = rng.normal(0, self.radius / np.sqrt(self.factors), (n_users, self.factors))
        items = rng.normal(0, self.radius / np.sqrt(self.factors), (n_items, self.factors))
        users[sizes == 0] = 0.0
        user_of = np.repeat(np.arange(n_users, dtype=np.int32), sizes)
        offsets, columns, _ = arrays(learned)
        losses = np.concatenate(([0.0], np.cumsum(1.0 / np.arange(1, n_items + 1))))
        options = self.learning_rate, self.radius, self.trials
        unknown = np.bincount(columns, minlength=n_items) == 0
        stopper: Stopper[_Learned] = Stopper(self.patience)
        for epoch in range(1, self.epochs + 1):
            order, start = rng.permutation(columns.size), int(rng.integers(1, 2**31 - 1))
            loss = warp_epoch(order, user_of, offsets, columns, losses, *options, start, users, items)
            text = f"loss {loss / columns.size:.4f}"
            self._users = users
            self._items: Floats = np.where(unknown, 0.0, items.T)
            stop = False
            if held is not None:
                lost = lost_ndcg(self._score, learned, held)
                text += f", validation nDCG {1 - lost:.4f}"
                stop = stopper.stop(lost, lambda: (self._users.copy(), self._items))
            self._tell(epoch, self.epochs, text)
            if stop:
                break
        if stopper.best:
            self._users, self._items = stopper.best

    def _layout(self) -> Layout:
        return {
            "_users": Array(np.float64, (self._n_users, self.factors)),
            "_items": Array(np.float64, (self.factors, self._n_items)),
        }

    def _score(self, users: UserIds) -> Floats:
        # A sparse product adds row by row in a fixed order; the rounding of a dense one depends on the block.
        scores: Floats = sparse.csr_array(self._users[users]) @ self._items
        return scores
