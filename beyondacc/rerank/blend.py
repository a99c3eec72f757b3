"""Re-rankers whose term does not depend on the items picked before: one sort (METRICS, section 9)."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.declare.params import Seed
from beyondacc.distances import JACCARD, Distance
from beyondacc.kernels import scaling
from beyondacc.kernels.gains import CLOSE
from beyondacc.kernels.hashing import uniform
from beyondacc.kernels.orders import blend_rows
from beyondacc.metrics.base.metric import Need
from beyondacc.rerank.base import NORMALISATIONS, RERANKERS, Normalize, Picks, Reranker
from beyondacc.types import Floats

__all__ = ["Novelty", "Popularity", "Random", "Surprise"]


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Blend(Reranker):
    """A weighted sum of relevance and a term."""

    scaled: ClassVar[int] = scaling.ZSCORE
    """How the term is scaled."""
    tolerance: ClassVar[float] = 0.0
    """Terms that differ by no more are equal but for rounding."""

    @abstractmethod
    def _term(self, run: Batch, rows: slice) -> NDArray[np.float64]:
        """Return the term of each candidate, of the shape of the lists."""

    def _select(self, run: Batch, rows: slice, relevance: Floats, weights: Floats, picks: Picks) -> None:
        how = NORMALISATIONS[str(self.normalize)]
        term = np.ascontiguousarray(self._term(run, rows))
        blend_rows(
            run.lists[rows],
            relevance,
            run.lengths[rows],
            term,
            weights,
            how,
            self.scaled,
            self.tolerance,
            picks.positions,
            picks.selection,
        )


@RERANKERS.declare(title="Novelty re-ranking", cite="Kaminskas & Bridge 2016, TiiS 7(1)")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Novelty(Blend):
    """Order by (1 - w) z(s) + w z(-log2(c_i / |U|)), c_i the number of training users of the item.

    Parameters
    ----------
    normalize
        How relevance is scaled within each list; the novelty term is always turned into z-scores.
    """

    normalize: Normalize = "zscore"

    needs: ClassVar[tuple[Need, ...]] = (Need.TRAIN,)

    def _term(self, run: Batch, rows: slice) -> NDArray[np.float64]:
        novelty: NDArray[np.float64] = -np.log2(np.maximum(run.world.item_counts, 1) / run.world.n_train_users)
        return novelty[run.lists[rows]]

    def _why_constant(self, _run: Batch, _k: int) -> str:
        return "all candidates of a list have the same number of training users"


@RERANKERS.declare(title="Popularity re-ranking", cite="Adomavicius & Kwon 2012, TKDE 24(5), sec. 4")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Popularity(Blend):
    """Order by (1 - w) z(s) + w z(-c_i), c_i the number of training users of the item: less popular items first.

    Parameters
    ----------
    normalize
        How relevance is scaled within each list; the popularity term is always turned into z-scores.
    """

    normalize: Normalize = "zscore"

    needs: ClassVar[tuple[Need, ...]] = (Need.TRAIN,)

    def _term(self, run: Batch, rows: slice) -> NDArray[np.float64]:
        found: NDArray[np.float64] = -run.world.item_counts[run.lists[rows]].astype(np.float64)
        return found

    def _why_constant(self, _run: Batch, _k: int) -> str:
        return "all candidates of a list have the same number of training users"


@RERANKERS.declare(title="Surprise re-ranking", cite="Kaminskas & Bridge 2014, RecSys workshop; 2016, TiiS 7(1)")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Surprise(Blend):
    """Order by (1 - w) z(s) + w z(distance of the item to the user's profile).

    Users without a profile keep the order of relevance.

    Parameters
    ----------
    normalize
        How relevance is scaled within each list; the distance to the profile is always turned into z-scores.
    distance
        Between two items, ``npmi`` for co-occurrence surprise; where one has no features the distance is 1.
    profile
        ``min``: the nearest item of the profile; ``mean``: the mean distance to it.
    """

    normalize: Normalize = "zscore"
    distance: Distance = JACCARD
    profile: Literal["min", "mean"] = "min"

    tolerance: ClassVar[float] = CLOSE
    needs: ClassVar[tuple[Need, ...]] = (Need.TRAIN,)

    def _prepare(self, run: Batch) -> None:
        self._term(run, slice(0, 0))  # what is worked out for the whole run at once, before there are threads

    def _term(self, run: Batch, rows: slice) -> NDArray[np.float64]:
        found = self.distance.to_profile(run.block(rows.start, rows.stop), run.ranked.width, "one")
        return np.nan_to_num(found.least if self.profile == "min" else found.mean, nan=0.0)

    def _why_constant(self, _run: Batch, _k: int) -> str:
        return "all candidates of a list are equally far from the profile"


@RERANKERS.declare(title="Random re-ranking", cite="the control of every comparison")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Random(Blend):
    """Order by (1 - w) s(i) + w r(i), r uniform in [0, 1): what a method must beat to be more than noise.

    Parameters
    ----------
    seed
        The same seed, user and item give the same number, whatever else is re-ranked.
    """

    seed: Seed = 0

    scaled: ClassVar[int] = scaling.NONE

    def _prepare(self, run: Batch) -> None:
        _ = run.user_hashes, run.world.item_hashes

    def _term(self, run: Batch, rows: slice) -> NDArray[np.float64]:
        items = run.world.item_hashes[run.lists[rows]]
        return uniform(self.seed, run.user_hashes[rows][:, None], items)
