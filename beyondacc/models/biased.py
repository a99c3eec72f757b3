"""Biased matrix factorisation of ratings."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from scipy import sparse

from beyondacc.declare.params import Cutoff, Range, Seed
from beyondacc.errors import SpecError
from beyondacc.kernels.ratings import factor_epoch, pair_products
from beyondacc.models.base import MODELS, Model
from beyondacc.models.layout import Array, Layout, Number
from beyondacc.models.neighbours import arrays
from beyondacc.models.scales import means, spreads
from beyondacc.models.training import Stopper, hold_out
from beyondacc.types import Floats, ItemIds, UserIds

__all__ = ["BiasedMF"]

_INITIAL = 0.1  # standard deviation of a product of factors before the first step

_Learned: TypeAlias = tuple[Floats, Floats, Floats, Floats]


@MODELS.declare(
    title="Biased matrix factorisation",
    cite="Koren, Bell & Volinsky 2009, IEEE Computer 42(8), Matrix Factorization Techniques for Recommender Systems, "
    "eq. 4 and 5",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class BiasedMF(Model):
    """Ratings explained by a mean, a bias of the user, a bias of the item and a product of factors.

    ``predict(u, i) = m + b_u + b_i + p_u . q_i`` minimises the sum over the ratings of
    ``(r_ui - predict(u, i))^2 + l2 (b_u^2 + b_i^2 + |p_u|^2 + |q_i|^2)`` by stochastic gradient descent, one rating at
    a time in a new random order each epoch. m is the mean of the ratings. Users and items without ratings keep a bias
    and factors of 0. With a share for validation, the epoch with the least error on it is the one that is kept.

    Parameters
    ----------
    factors
        How many; with few epochs more of them do little harm.
    epochs
        How many times all ratings are learned from, at most.
    learning_rate
        Length of a step. The default suits ratings from 1 to 5; those that spread s times as far want s times less.
    l2
        The penalty on squares, for each rating that a bias or a row of factors takes part in. The default suits ratings
        from 1 to 5; those that spread s times as far want s times more.
    normalize
        "zscore" (scale-adjusted): each user's ratings are learned as deviations from the user's mean in standard
        deviations, and predictions are turned back; 1 where a user's ratings are all equal.
    validation
        The share of the ratings that is not learned from, but tells when to stop; 0: none, all epochs are done.
    patience
        Stop after this many epochs without a better one.
    seed
        Of the first factors, the orders, and the ratings for validation.
    """

    explicit: ClassVar[bool] = True

    factors: Cutoff = 50
    epochs: Cutoff = 100
    learning_rate: Annotated[float, Range(low=0, open_low=True)] = 0.01
    l2: Annotated[float, Range(low=0)] = 0.1
    normalize: Literal["none", "zscore"] = "none"
    validation: Annotated[float, Range(0, 1, open_high=True)] = 0.05
    patience: Cutoff = 5
    seed: Seed = 0

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        n_users, _ = train.shape
        users = np.repeat(np.arange(n_users), np.diff(train.indptr))
        self._centres: Floats = np.zeros(n_users)
        self._scales: Floats = np.ones(n_users)
        if self.normalize == "zscore":
            self._centres = means(train.data, users, n_users, float(train.data.mean()))
            found = spreads(train.data - self._centres[users], users, n_users)
            self._scales = np.where(found > 0, found, 1.0)
            train.data = (train.data - self._centres[users]) / self._scales[users]
        learned, held = hold_out(train, self.validation, self.seed) if self.validation else (train, None)
        self._mean = float(learned.data.mean())
        self._learned = self._descend(learned, held)

    def _descend(self, train: sparse.csr_array[Any], held: sparse.csr_array[Any] | None) -> _Learned:
        (n_users, n_items), sizes = train.shape, np.diff(train.indptr)
        rng = np.random.default_rng(self.seed)
        scale = np.sqrt(_INITIAL) / self.factors**0.25
        user_factors = rng.normal(0, scale, (n_users, self.factors))
        item_factors = rng.normal(0, scale, (n_items, self.factors))
        user_factors[sizes == 0] = 0.0
        item_factors[np.bincount(train.indices, minlength=n_items) == 0] = 0.0
        learned = np.zeros(n_users), np.zeros(n_items), user_factors, item_factors
        users = np.repeat(np.arange(n_users, dtype=np.int32), sizes)
        _, items, ratings = arrays(train)
        stopper: Stopper[_Learned] = Stopper(self.patience)
        for epoch in range(1, self.epochs + 1):
            order = rng.permutation(ratings.size)
            loss = factor_epoch(order, users, items, ratings, self._mean, self.learning_rate, self.l2, *learned)
            if not np.isfinite(loss):
                raise SpecError(
                    f"BiasedMF: learning_rate={self.learning_rate:g} is too large for these ratings, the factors grew "
                    f"without bound in epoch {epoch}; give a smaller one, or normalize=zscore"
                )
            text = f"training error {np.sqrt(loss / ratings.size):.4f}"
            stop = False
            if held is not None:
                error = self._error(learned, held)
                text += f", validation {error:.4f}"
                stop = stopper.stop(error, lambda: _copy(learned))
            self._tell(epoch, self.epochs, text)
            if stop:
                break
        return stopper.best or learned

    def _error(self, learned: _Learned, held: sparse.csr_array[Any]) -> float:
        """Return the root mean square error on the scale of the ratings given."""
        users = np.repeat(np.arange(held.shape[0], dtype=np.int32), np.diff(held.indptr))
        errors = self._scales[users] * (held.data - self._explained(learned, users, held.indices.astype(np.int32)))
        return float(np.sqrt(np.mean(np.square(errors))))

    def _explained(self, learned: _Learned, users: UserIds, items: ItemIds) -> Floats:
        user_biases, item_biases, user_factors, item_factors = learned
        products = np.empty(users.size)
        pair_products(users, items, user_factors, item_factors, products)
        explained: Floats = self._mean + user_biases[users] + item_biases[items] + products
        return explained

    def _predict(self, users: UserIds, items: ItemIds) -> Floats:
        predicted: Floats = self._centres[users] + self._scales[users] * self._explained(self._learned, users, items)
        return predicted

    def _layout(self) -> Layout:
        users, items = self._n_users, self._n_items
        shapes: tuple[tuple[int, ...], ...] = ((users,), (items,), (users, self.factors), (items, self.factors))
        return {
            "_centres": Array(np.float64, (users,)),
            "_scales": Array(np.float64, (users,)),
            "_mean": Number(),
            "_learned": tuple(Array(np.float64, shape) for shape in shapes),
        }

    def _score(self, users: UserIds) -> Floats:
        user_biases, item_biases, user_factors, item_factors = self._learned
        # A sparse product adds row by row in a fixed order; the rounding of a dense one depends on the block.
        scores: Floats = sparse.csr_array(user_factors[users]) @ np.ascontiguousarray(item_factors.T)
        scores += (self._mean + user_biases[users])[:, None] + item_biases
        return np.ascontiguousarray(self._centres[users, None] + self._scales[users, None] * scores)


def _copy(learned: _Learned) -> _Learned:
    user_biases, item_biases, user_factors, item_factors = learned
    return user_biases.copy(), item_biases.copy(), user_factors.copy(), item_factors.copy()
