"""Re-rankers that look at the genres of the items picked before (METRICS, section 9)."""

from __future__ import annotations

import dataclasses
import math
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch, row_sizes
from beyondacc.data.dataset import Dataset
from beyondacc.declare.params import Fraction, Range
from beyondacc.kernels import aspect_gains, greedy
from beyondacc.metrics.base.metric import Need
from beyondacc.rerank.base import RERANKERS
from beyondacc.rerank.engine import GreedyReranker, Storage
from beyondacc.rerank.taste import features_of, normalised, profile_features

__all__ = ["PM2", "BinomialDiversity", "Calibrated", "XQuAD"]


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class _Aspects(GreedyReranker):
    """A greedy objective over the genres of the items picked before and those of the profile."""

    needs: ClassVar[tuple[Need, ...]] = (Need.FEATURES, Need.TRAIN)
    uses = greedy.FEATURES | greedy.REMAINING

    def _why_constant(self, run: Batch, k: int) -> str:
        features, ranked = features_of(run), run.ranked
        rows, _, places = ranked.flat()
        items = ranked.items[places]
        if not features.sizes[items].any():
            return "no candidate has genres"
        if (features.bits[items] == features.bits[ranked.items[ranked.starts[rows]]]).all():
            return "all candidates of a list have the same genres: one cluster"
        return super()._why_constant(run, k)


def _intents(run: Batch, rows: slice) -> NDArray[np.float64]:
    """Return p(f|u), the share of a genre among the genre occurrences of the profile; without any, all the same."""
    shares = normalised(profile_features(run, rows, spread=False))
    shares[~shares.any(axis=1)] = 1.0 / max(1, shares.shape[1])
    return shares


@RERANKERS.declare(
    title="Explicit aspects (xQuAD)",
    cite="Santos, Macdonald & Ounis 2010, WWW; Vargas, Castells & Vallet 2011, SIGIR, for recommendation",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class XQuAD(_Aspects):
    """Next item: argmax of (1 - w) s(i) + w sum over genres f of p(f|u) p(i|f) prod over picked j (1 - alpha p(j|f)).

    p(f|u) is the share of f among the genre occurrences of the profile, the same for all without any; p(i|f) is 1 where
    i has f.

    Parameters
    ----------
    alpha
        How much of a genre one item satisfies.
    """

    alpha: Fraction = 1.0

    kernel = aspect_gains.explicit_aspects

    def _storage(self, _run: Batch, _n: int, _k: int) -> Storage:
        return Storage(np.array([self.alpha]))

    def _by_user(self, run: Batch, rows: slice) -> NDArray[np.float64]:
        return _intents(run, rows)


@RERANKERS.declare(title="Proportional seats (PM-2)", cite="Dang & Croft 2012, SIGIR, sec. 3.2")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class PM2(_Aspects):
    """Next item: argmax of (1 - w) s(i) + w (e q(f*) [i has f*] + (1 - e) sum over its other genres f of q(f)).

    q(f) = p(f|u) / (2 seats(f) + 1) is the quotient of Sainte-Lague and f* the genre of the largest; an item that is
    picked gives each of its genres an equal part of a seat. p(f|u) is the share of f among the genre occurrences of the
    profile, the same for all without any.

    Parameters
    ----------
    emphasis
        The weight e of the genre whose turn it is against the item's others.
    """

    emphasis: Fraction = 0.5

    kernel = aspect_gains.proportional

    def _storage(self, _run: Batch, _n: int, _k: int) -> Storage:
        return Storage(np.array([self.emphasis]))

    def _by_user(self, run: Batch, rows: slice) -> NDArray[np.float64]:
        return _intents(run, rows)


@RERANKERS.declare(title="Calibrated recommendations", cite="Steck 2018, RecSys, sec. 3")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Calibrated(_Aspects):
    """Next item: argmax of (1 - w) s(i) - w KL(p, q), p the genre shares of the profile, q of the picks with the item.

    Each item spreads a weight of 1 over its genres, and q is smoothed by p, as in the metric `calibration_kl`. The
    relevance of the items picked before is the same for all, and is left out. Without genres in the profile only
    relevance counts.

    Parameters
    ----------
    smoothing
        How much of p is mixed into q.
    profile_weight
        What an item of the profile spreads over its genres: 1 (``none``), or its training value (``rating``).
    """

    smoothing: Annotated[float, Range(0, 1, open_low=True)] = 0.01
    profile_weight: Literal["none", "rating"] = "none"

    kernel = aspect_gains.calibrated

    def missing(self, data: Dataset) -> str | None:
        """Say what a dataset lacks for this re-ranker, or None where nothing is missing."""
        if lack := super().missing(data):
            return lack
        if self.profile_weight == "rating" and data.train is not None and (data.train.values < 0).any():
            return "training values >= 0 for profile_weight=rating; pass profile_weight=none"
        return None

    def _storage(self, _run: Batch, _n: int, _k: int) -> Storage:
        return Storage(np.array([self.smoothing]))

    def _by_user(self, run: Batch, rows: slice) -> NDArray[np.float64]:
        weights = run.train.values if self.profile_weight == "rating" else None
        return normalised(profile_features(run, rows, spread=True, weights=weights))


@RERANKERS.declare(
    title="Binomial genre diversity", cite="Vargas, Baltrunas, Karatzoglou & Castells 2014, RecSys, sec. 4.3"
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class BinomialDiversity(_Aspects):
    """Next item: argmax of (1 - w) s(i) + w binomial diversity of the picks with the item, as of a list of k.

    The metric `binomial_diversity`, with the places that are not yet taken counted as items without genres.

    Parameters
    ----------
    alpha
        Weight of the user's own genre shares against those of all training rows; with 1 only the genres of the
        profile count; other genres are in the root of non-redundancy alone.
    part
        What counts: ``coverage`` of the genres, ``nonredundancy``, or ``both``, their product.
    renormalize
        Turn the term and relevance into z-scores over the remaining candidates at every step, as RankSys does.
    """

    alpha: Fraction = 0.0
    part: Literal["both", "coverage", "nonredundancy"] = "both"
    renormalize: bool = False

    kernel = aspect_gains.binomial
    prefix = False

    @property
    def whole(self) -> bool:
        """Whether the gain is the whole objective: z-scores of relevance change from step to step."""
        return self.renormalize

    def _storage(self, _run: Batch, _n: int, k: int) -> Storage:
        factorials = [math.lgamma(n + 1.0) for n in range(k + 1)]
        part = {
            "both": aspect_gains.BOTH_FACTORS,
            "coverage": aspect_gains.COVERAGE,
            "nonredundancy": aspect_gains.NONREDUNDANCY,
        }[self.part]
        return Storage(np.array([float(self.alpha > 0), k, part, float(self.renormalize), *factorials]))

    def _by_user(self, run: Batch, rows: slice) -> NDArray[np.float64]:
        shares = run.world.preference_shares
        if self.alpha == 0:
            return shares[None, :]
        own = profile_features(run, rows, spread=False)
        sizes = row_sizes(run.train, run.users[rows])[:, None]
        known = own.any(axis=1, keepdims=True)
        mixed = (1.0 - self.alpha) * shares + self.alpha * np.divide(own, sizes, out=np.zeros(own.shape), where=known)
        considered = ~known | (self.alpha < 1) | (own > 0)
        return np.where(considered, np.where(known, mixed, shares), np.nan)
