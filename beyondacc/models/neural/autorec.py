"""AutoRec: an autoencoder of ratings."""

from __future__ import annotations

import dataclasses

import numpy as np

from beyondacc.declare.params import Cutoff
from beyondacc.models.base import MODELS
from beyondacc.models.neural.backend import Batch, Noise, Tensor, Weights
from beyondacc.models.neural.network import Penalty, RatingNetwork, glorot
from beyondacc.types import Floats

__all__ = ["AutoRec"]


@MODELS.declare(
    title="Autoencoder of ratings",
    cite="Sedhain, Menon, Sanner & Xie 2015, WWW Companion, AutoRec: Autoencoders Meet Collaborative Filtering, sec. 2",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class AutoRec(RatingNetwork):
    """Reconstruction of the ratings of an item, or of a user, from all of them through one hidden layer.

    With r the ratings of an item (or a user), 0 where there is none, ``h(r) = V^T sigmoid(W^T r + b) + c``. The loss is
    ``sum of (r_j - h(r)_j)^2 over the ratings j that exist``, and the penalty. As in the paper
    the ratings are not centred, so that the hidden units also see who has rated at all. c starts at the mean rating.

    Parameters
    ----------
    on
        Whose ratings are reconstructed: those of an item (I-AutoRec) or of a user (U-AutoRec).
    hidden
        How many hidden units.
    """

    hidden: Cutoff = 500
    l2: Penalty = 200.0

    def _start(self, shape: tuple[int, int], rng: np.random.Generator) -> dict[str, Floats]:
        return {
            "encoder": glorot(rng, shape[1], self.hidden),
            "encoder_bias": np.zeros(self.hidden),
            "decoder": glorot(rng, self.hidden, shape[1]),
            "decoder_bias": np.full(shape[1], self._mean),
        }

    def _encode(self, weights: Weights, batch: Batch) -> Tensor:
        return (batch.values @ weights["encoder"] + weights["encoder_bias"]).sigmoid()

    def _loss(self, weights: Weights, batch: Batch, _noise: Noise, _passed: float) -> Tensor:
        outputs = self._decode(weights, self._encode(weights, batch))
        return ((outputs - batch.values) * batch.stored).square().sum()

    def _keep(self, codes: Floats, weights: dict[str, Floats]) -> None:
        self._factors(codes, weights["decoder"], weights["decoder_bias"])
        if self.on == "item":  # the rows were items
            self._codes, self._decoder = np.ascontiguousarray(self._decoder.T), np.ascontiguousarray(self._codes.T)
