"""Autoencoders with a multinomial likelihood: Mult-DAE and Mult-VAE."""

from __future__ import annotations

import dataclasses

import numpy as np

from beyondacc.declare.params import Cutoff, Fraction
from beyondacc.models.base import MODELS
from beyondacc.models.neural.backend import Batch, Noise, Tensor, Weights
from beyondacc.models.neural.network import Corruption, Network, glorot
from beyondacc.types import Floats

__all__ = ["MultDAE", "MultVAE"]


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class _Multinomial(Network):
    """Encoder and decoder with one hidden layer each; what they share of the paper."""

    hidden: Cutoff = 600
    latent: Cutoff = 200
    dropout: Corruption = 0.5

    def _width(self) -> int:
        """Return how many numbers the encoder gives."""
        return self.latent

    def _start(self, shape: tuple[int, int], rng: np.random.Generator) -> dict[str, Floats]:
        sizes = {
            "encoder": (shape[1], self.hidden),
            "latent": (self.hidden, self._width()),
            "hidden": (self.latent, self.hidden),
            "decoder": (self.hidden, shape[1]),
        }
        weights = {name: glorot(rng, *size) for name, size in sizes.items()}
        return weights | {f"{name}_bias": np.zeros(size[1]) for name, size in sizes.items()}

    def _latent(self, weights: Weights, values: Tensor) -> Tensor:
        hidden = (values @ weights["encoder"] + weights["encoder_bias"]).tanh()
        return hidden @ weights["latent"] + weights["latent_bias"]

    def _widen(self, weights: Weights, latent: Tensor) -> Tensor:
        """Return the hidden layer of the decoder, which is what a row is kept as."""
        return (latent @ weights["hidden"] + weights["hidden_bias"]).tanh()

    def _misfit(self, weights: Weights, batch: Batch, latent: Tensor) -> Tensor:
        """Return ``-log p(x | latent)``, summed over the rows, up to the multinomial coefficient."""
        logits = self._decode(weights, self._widen(weights, latent))
        return -(batch.stored * logits.log_softmax(dim=1)).sum()


@MODELS.declare(
    title="Mult-DAE",
    cite="Liang, Krishnan, Hoffman & Jebara 2018, WWW, Variational Autoencoders for Collaborative Filtering, sec. 2.3",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class MultDAE(_Multinomial):
    """A denoising autoencoder that takes what a user has for draws from one distribution over the items.

    The input is the user's row of zeros and ones divided by its Euclidean norm, with dropout; the layers are items,
    `hidden`, `latent`, `hidden`, items, with tanh between them (sec. 4.2). The loss is ``-sum of log p_i over the items
    i of the user``, p being the softmax of the output, and the penalty. The score is the logit of p, without dropout.

    Parameters
    ----------
    hidden
        How many units the hidden layers have.
    latent
        How many units the layer between them has.
    dropout
        The probability that an input is lost in training.
    """

    def _encode(self, weights: Weights, batch: Batch) -> Tensor:
        return self._widen(weights, self._latent(weights, batch.share).tanh())

    def _loss(self, weights: Weights, batch: Batch, noise: Noise, _passed: float) -> Tensor:
        latent = self._latent(weights, noise.kept(batch.share, self.dropout)).tanh()
        return self._misfit(weights, batch, latent)


@MODELS.declare(
    title="Mult-VAE",
    cite="Liang, Krishnan, Hoffman & Jebara 2018, WWW, Variational Autoencoders for Collaborative Filtering, sec. 2",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class MultVAE(_Multinomial):
    """A variational autoencoder that takes what a user has for draws from one distribution over the items.

    The encoder gives the mean m and the logarithm of the variance s^2 of a Gaussian latent vector z; layers, input and
    dropout are those of `MultDAE`, without tanh on z. The loss of a user is
    ``-sum of log p_i(z) over the user's items + beta KL(N(m, s^2) || N(0, 1))`` with one z drawn, the negative of the
    paper's eq. 6 and 7; beta rises from 0 (sec. 2.2.2). The score is the logit of p at ``z = m``.

    Parameters
    ----------
    hidden
        How many units the hidden layers have.
    latent
        How many dimensions z has.
    dropout
        The probability that an input is lost in training.
    beta
        The weight of the KL term at its end; 0.2 is where the paper's rise stops.
    annealing
        Share of the epochs in which beta rises in a straight line; 0: it is whole from the start.
    """

    beta: Fraction = 0.2
    annealing: Fraction = 0.5

    def _width(self) -> int:
        return 2 * self.latent

    def _encode(self, weights: Weights, batch: Batch) -> Tensor:
        return self._widen(weights, self._latent(weights, batch.share)[:, : self.latent])

    def _loss(self, weights: Weights, batch: Batch, noise: Noise, passed: float) -> Tensor:
        mean, log_variance = self._latent(weights, noise.kept(batch.share, self.dropout)).chunk(2, dim=1)
        latent = mean + (log_variance / 2).exp() * noise.normal(mean)
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum() / 2
        beta = self.beta * min(passed / self.annealing, 1.0) if self.annealing else self.beta
        return self._misfit(weights, batch, latent) + beta * divergence
