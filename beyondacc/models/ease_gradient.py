"""EASE by gradient descent, where the closed form is too large or is to be checked."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import numpy as np
from scipy import sparse

from beyondacc.declare.params import Cutoff, Range, Seed
from beyondacc.models.base import MODELS, Model
from beyondacc.models.layout import Array, Layout, Sparse
from beyondacc.models.training import Stopper, hold_out, lost_ndcg
from beyondacc.types import Floats, UserIds

__all__ = ["EASEGradient"]

_DECAY, _SQUARE_DECAY, _SMALL = 0.9, 0.999, 1e-8  # of Adam, as its authors propose


@MODELS.declare(
    title="Embarrassingly shallow autoencoder by gradient descent",
    cite="Steck 2019, WWW, Embarrassingly Shallow Autoencoders for Sparse Data, eq. 3; Kingma & Ba 2015, ICLR, Adam: "
    "A Method for Stochastic Optimization, algorithm 1",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class EASEGradient(Model):
    """The weights of `EASE` by mini-batches of users instead of the closed form, the diagonal held at zero.

    Minimises ``|X - X B|^2 + l2 |B|^2`` with ``diag(B) = 0`` by Adam, whose steps shrink evenly to 0 over the epochs;
    a batch stands for all users, in proportion. ``score(u, .) = x_u B``. B and two matrices of Adam are kept, items x
    items each, while nothing is inverted.

    Parameters
    ----------
    l2
        The penalty on the squared weights, as of `EASE`.
    epochs
        How many times all users are learned from, at most.
    learning_rate
        Length of the first step.
    batch
        How many users a step looks at.
    validation
        The share of the interactions that is not learned from, but tells when to stop, by nDCG@100; 0: none, all
        epochs are done.
    patience
        Stop after this many epochs without a better one.
    seed
        Of the orders of users, and the interactions for validation.
    """

    l2: Annotated[float, Range(low=0, open_low=True)] = 300.0
    epochs: Cutoff = 50
    learning_rate: Annotated[float, Range(low=0, open_low=True)] = 0.01
    batch: Cutoff = 512
    validation: Annotated[float, Range(0, 1, open_high=True)] = 0.0
    patience: Cutoff = 5
    seed: Seed = 0

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        self._train = train
        learned, held = hold_out(train, self.validation, self.seed) if self.validation else (train, None)
        n_users, n_items = learned.shape
        rng = np.random.default_rng(self.seed)
        self._weights: Floats = np.zeros((n_items, n_items))
        moments = np.zeros_like(self._weights), np.zeros_like(self._weights)
        stopper: Stopper[Floats] = Stopper(self.patience)
        n_batches = -(-n_users // self.batch)
        for epoch in range(1, self.epochs + 1):
            order, loss = rng.permutation(n_users), 0.0
            for number in range(n_batches):
                rows = learned[order[number * self.batch : (number + 1) * self.batch]]
                residual = rows @ self._weights
                residual -= rows.toarray()
                loss += float(np.vdot(residual, residual))
                gradient = 2 * n_users / rows.shape[0] * (rows.T @ residual) + 2 * self.l2 * self._weights
                np.fill_diagonal(gradient, 0.0)
                step = (epoch - 1) * n_batches + number
                self._move(gradient, *moments, step, self.epochs * n_batches)
            text = f"squared error of a user {loss / n_users:.4f}"
            stop = False
            if held is not None:
                lost = lost_ndcg(lambda users: learned[users] @ self._weights, learned, held)
                text += f", validation nDCG {1 - lost:.4f}"
                stop = stopper.stop(lost, self._weights.copy)
            self._tell(epoch, self.epochs, text)
            if stop:
                break
        if stopper.best is not None:
            self._weights = stopper.best

    def _move(self, gradient: Floats, first: Floats, second: Floats, step: int, n_steps: int) -> None:
        """Take a step of Adam; all arrays but the gradient are changed in place."""
        first *= _DECAY
        first += (1 - _DECAY) * gradient
        second *= _SQUARE_DECAY
        second += (1 - _SQUARE_DECAY) * np.square(gradient)
        rate = self.learning_rate * (1 - step / n_steps) / (1 - _DECAY ** (step + 1))
        self._weights -= rate * first / (np.sqrt(second / (1 - _SQUARE_DECAY ** (step + 1))) + _SMALL)

    def _layout(self) -> Layout:
        items = self._n_items
        return {"_train": Sparse((self._n_users, items)), "_weights": Array(np.float64, (items, items))}

    def _score(self, users: UserIds) -> Floats:
        # A sparse product adds in a fixed order; the rounding of a dense one depends on the block.
        scores: Floats = self._train[users] @ self._weights
        return scores
