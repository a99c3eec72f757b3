"""A restricted Boltzmann machine of ratings."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
from scipy import sparse

from beyondacc.declare.params import Cutoff
from beyondacc.errors import SpecError
from beyondacc.models.base import MODELS
from beyondacc.models.layout import Array, Layout, Number
from beyondacc.models.neural.backend import Backend, Batch, Noise, Tensor, Weights
from beyondacc.models.neural.network import Penalty, Rate, RatingNetwork, Share, product
from beyondacc.types import Floats, UserIds

__all__ = ["RBM"]

_LEVELS = 50  # a visible unit with more states is no scale of ratings but a measurement


@MODELS.declare(
    title="Restricted Boltzmann machine",
    cite="Salakhutdinov, Mnih & Hinton 2007, ICML, Restricted Boltzmann Machines for Collaborative Filtering, sec. 2; "
    "Georgiev & Nakov 2013, ICML, A Non-IID Framework for Collaborative Filtering with RBMs (item-based, real-valued)",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class RBM(RatingNetwork):
    """Binary hidden units that explain the ratings of a user, or of an item; what is not rated is no part of it.

    A rating is a visible unit with one of K states, ``p(v_j = k | h) ~ exp(b_jk + sum_f h_f W_jkf)``, or a Gaussian
    one, ``v_j | h ~ N(b_j + sum_f h_f W_jf, 1)`` for ratings less their mean and divided by their standard deviation;
    ``p(h_f = 1 | v) = sigmoid(c_f + sum_jk v_jk W_jkf)`` runs over the ratings that exist. Learned by contrastive
    divergence, CD-k, from the ratings and their reconstruction after k steps of Gibbs sampling, in which the visible
    units take their means given sampled hidden ones (Hinton 2012, A Practical Guide to Training Restricted Boltzmann
    Machines, sec. 3). The prediction is the expected rating given the probabilities of the hidden units (sec. 2.2 of
    the paper, mean field).

    Parameters
    ----------
    on
        Whose ratings are one case: those of a user, as in the paper, or of an item.
    hidden
        How many hidden units.
    visible
        ``softmax``: each distinct training rating is a state; ``gaussian``: for real-valued ratings, with shorter steps
        such as ``learning_rate=0.01``.
    steps
        The k of CD-k.
    momentum
        Share of the last step that is made again.
    """

    on: Literal["item", "user"] = "user"
    hidden: Cutoff = 100
    visible: Literal["softmax", "gaussian"] = "softmax"
    steps: Cutoff = 1
    momentum: Share = 0.9
    l2: Penalty = 3.0
    batch: Cutoff = 100
    learning_rate: Rate = 0.05

    def _prepare(self, train: sparse.csr_array[Any]) -> None:
        super()._prepare(train)
        self._levels, counts = np.unique(train.data.astype(np.float32), return_counts=True)
        self._rates = counts / counts.sum()
        self._spread = float(train.data.std()) or 1.0  # 1 where all ratings are equal
        if self.visible == "gaussian":
            self._levels, self._rates = np.ones(1, np.float32), np.ones(1)
        elif self._levels.size > _LEVELS:
            raise SpecError(
                f"{self}: the training matrix has {self._levels.size} distinct ratings; visible=softmax takes at most "
                f"{_LEVELS}, give visible=gaussian"
            )

    def _start(self, shape: tuple[int, int], rng: np.random.Generator) -> dict[str, Floats]:
        n_visible = self._levels.size * shape[1]
        return {
            "weights": rng.normal(0, 0.01, (n_visible, self.hidden)),
            # The base rates, as in the paper; those of single items are learned.
            "visible_bias": np.repeat(np.log(self._rates), shape[1]),
            "hidden_bias": np.zeros(self.hidden),
        }

    def _optimizer(self, backend: Backend, weights: Weights) -> Any:
        return backend.descent(weights, self.learning_rate, self.momentum)

    def _states(self, batch: Batch) -> Tensor:
        """Return the visible units of what is rated, 0 elsewhere, ``(n, K * n_columns)``, the state being the outer."""
        if self.visible == "gaussian":
            return (batch.values - self._mean) / self._spread * batch.stored
        levels = batch.values.new_tensor(self._levels.tolist())[:, None]
        return ((batch.values[:, None] == levels) * batch.stored[:, None]).flatten(1)

    def _hidden(self, weights: Weights, states: Tensor) -> Tensor:
        return (states @ weights["weights"] + weights["hidden_bias"]).sigmoid()

    def _reconstruct(self, weights: Weights, hidden: Tensor) -> Tensor:
        """Return the means of all visible units, ``(n, K, n_columns)``."""
        fields = hidden @ weights["weights"].T + weights["visible_bias"]
        fields = fields.unflatten(1, (self._levels.size, -1))
        return fields if self.visible == "gaussian" else fields.softmax(dim=1)

    def _gradients(self, weights: Weights, batch: Batch, noise: Noise, passed: float) -> float:  # noqa: ARG002
        fixed = {name: weight.detach() for name, weight in weights.items()}
        data = self._states(batch)
        first = last = self._hidden(fixed, data)
        model = data
        for _ in range(self.steps):
            means = self._reconstruct(fixed, noise.chosen(last))
            model = (means * batch.stored[:, None]).flatten(1)
            last = self._hidden(fixed, model)
        weights["weights"].grad = model.T @ last - data.T @ first
        weights["visible_bias"].grad = (model - data).sum(dim=0)
        weights["hidden_bias"].grad = (last - first).sum(dim=0)
        return float((model - data).square().sum())

    def _encode(self, weights: Weights, batch: Batch) -> Tensor:
        return self._hidden(weights, self._states(batch))

    def _decode(self, weights: Weights, codes: Tensor) -> Tensor:
        means = self._reconstruct(weights, codes)
        if self.visible == "gaussian":
            return self._mean + self._spread * means[:, 0]
        return (means * means.new_tensor(self._levels.tolist())[:, None]).sum(dim=1)

    def _keep(self, codes: Floats, weights: dict[str, Floats]) -> None:
        decoder, bias = weights["weights"].T, weights["visible_bias"]
        if self.visible == "gaussian":
            decoder, bias = decoder * np.float32(self._spread), bias * np.float32(self._spread) + np.float32(self._mean)
        self._factors(codes, decoder, bias)
        if self.on == "item":  # the columns were users: each gets the weights of its K states side by side
            n_weights, n_levels = self._decoder.shape[0], self._levels.size
            left = self._decoder.reshape(n_weights, n_levels, -1).transpose(2, 1, 0)
            self._codes, self._decoder = (
                left.reshape(len(left), n_levels * n_weights),
                np.ascontiguousarray(self._codes.T),
            )

    def _layout(self) -> Layout:
        of_users = self.on == "user"
        return {
            **super()._layout(),
            "_levels": Array(np.float32, ("levels",)),
            "_rates": Array(np.float64, ("levels",)),
            "_spread": Number(),
            "_codes": Array(np.float32, (self._n_users, "codes" if of_users else ("levels", "codes"))),
            "_decoder": Array(np.float32, ("codes", ("levels", self._n_items) if of_users else self._n_items)),
        }

    def _score(self, users: UserIds) -> Floats:
        left = self._codes[users].reshape(-1, self._decoder.shape[0])
        fields = product(left, self._decoder).reshape(users.size, self._levels.size, self._n_items)
        if self.visible == "gaussian":
            return fields.reshape(users.size, self._n_items)
        fields -= fields.max(axis=1, keepdims=True)
        np.exp(fields, out=fields)
        total, expected = np.zeros((2, users.size, self._n_items))
        for state, level in enumerate(self._levels.tolist()):  # a dense product would round by block
            total += fields[:, state]
            expected += level * fields[:, state]
        return expected / total
