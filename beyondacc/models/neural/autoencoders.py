"""Denoising autoencoders of who has what."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import numpy as np

from beyondacc.declare.params import Cutoff, Range
from beyondacc.models.base import MODELS
from beyondacc.models.neural.backend import Batch, Noise, Tensor, Weights
from beyondacc.models.neural.network import Corruption, Network, Penalty, Rate, glorot
from beyondacc.types import Floats

__all__ = ["CDAE", "DenoisingAutoencoder"]


def cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """Return ``-log p`` of 0/1 values under independent Bernoulli units, elementwise and without overflow."""
    return logits.clamp(min=0) - logits * wanted + (-logits.abs()).exp().log1p()


@MODELS.declare(
    title="Denoising autoencoder",
    cite="Vincent, Larochelle, Bengio & Manzagol 2008, ICML, Extracting and Composing Robust Features with Denoising "
    "Autoencoders, sec. 2.3; over users as in Wu, DuBois, Zheng & Ester 2016, WSDM, sec. 3.4",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class DenoisingAutoencoder(Network):
    """Reconstruction of what a user has from a part of it, through one hidden layer.

    With x the user's row of zeros and ones, each one lost with probability q and the others divided by ``1 - q``,
    ``p(x) = sigmoid(V^T sigmoid(W^T x + b) + c)``. The loss is the cross-entropy between p and the whole row, over all
    items, and the penalty. The score is the logit of p, nothing lost.

    Parameters
    ----------
    hidden
        How many hidden units.
    corruption
        The probability q that an interaction is lost in training.
    """

    hidden: Cutoff = 200
    corruption: Corruption = 0.5
    l2: Penalty = 1.0
    learning_rate: Rate = 5e-3

    def _start(self, shape: tuple[int, int], rng: np.random.Generator) -> dict[str, Floats]:
        return {
            "encoder": glorot(rng, shape[1], self.hidden),
            "encoder_bias": np.zeros(self.hidden),
            "decoder": glorot(rng, self.hidden, shape[1]),
            "decoder_bias": np.zeros(shape[1]),
        }

    def _code(self, weights: Weights, batch: Batch, values: Tensor) -> Tensor:  # noqa: ARG002 - CDAE's needs the rows
        return (values @ weights["encoder"] + weights["encoder_bias"]).sigmoid()

    def _encode(self, weights: Weights, batch: Batch) -> Tensor:
        return self._code(weights, batch, batch.values)

    def _weigh(self, batch: Batch, noise: Noise) -> Tensor | None:  # noqa: ARG002 - CDAE draws
        """Return which entries have a part in the loss, None for all."""
        return None

    def _loss(self, weights: Weights, batch: Batch, noise: Noise, _passed: float) -> Tensor:
        corrupted = noise.kept(batch.values, self.corruption)
        losses = cross_entropy(self._decode(weights, self._code(weights, batch, corrupted)), batch.stored)
        part = self._weigh(batch, noise)
        return losses.sum() if part is None else (losses * part).sum()


@MODELS.declare(
    title="Collaborative denoising autoencoder",
    cite="Wu, DuBois, Zheng & Ester 2016, WSDM, Collaborative Denoising Auto-Encoders for Top-N Recommender Systems, "
    "sec. 3",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class CDAE(DenoisingAutoencoder):
    """A denoising autoencoder whose hidden layer has an input for the user, learned for each.

    ``p(u, x) = sigmoid(V^T sigmoid(W^T x + t_u + b) + c)``, with x the corrupted row of user u and t_u the user's own
    vector. The loss is the cross-entropy over the items of the user and some of the others, drawn anew in each step.

    Parameters
    ----------
    hidden
        How many hidden units.
    corruption
        The probability q that an interaction is lost in training.
    negatives
        How many items the user does not have are drawn for each one the user has, on average; none: all count.
    """

    negatives: Annotated[int, Range(low=1)] | None = 5

    def _start(self, shape: tuple[int, int], rng: np.random.Generator) -> dict[str, Floats]:
        return super()._start(shape, rng) | {"user": glorot(rng, shape[0], self.hidden)}

    def _code(self, weights: Weights, batch: Batch, values: Tensor) -> Tensor:
        own = weights["user"][batch.rows]
        return (values @ weights["encoder"] + own + weights["encoder_bias"]).sigmoid()

    def _weigh(self, batch: Batch, noise: Noise) -> Tensor | None:
        if self.negatives is None:
            return None
        n_stored = batch.stored.sum(dim=1, keepdim=True)
        others = batch.stored.shape[1] - n_stored
        chance = (self.negatives * n_stored / others.clamp(min=1)).clamp(max=1)
        return noise.chosen(batch.stored + (1 - batch.stored) * chance)
