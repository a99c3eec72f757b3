"""Re-rankers whose term does not depend on the items picked before: one sort."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Binding
from beyondacc.data.dataset import Dataset
from beyondacc.kernels import greedy
from beyondacc.kernels.hashing import uniform
from beyondacc.rerank.base import NORMALISATIONS, RERANKERS, Normalize, Reranker
from beyondacc.spec.metric import Need
from beyondacc.spec.params import Seed
from beyondacc.types import Floats, ItemIds

__all__ = ["Novelty", "Random"]


@RERANKERS.declare(title="Novelty re-ranking", cite="Kaminskas & Bridge 2016, TiiS 7(1)")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Novelty(Reranker):
    """Order by (1 - w) z(s) + w z(-log2(c_i / |U|)), c_i the number of training users of the item.

    Parameters
    ----------
    diversity
        The weight w, from 0 (the input order, exactly) to 1 (relevance is ignored); 0.5 by default.
    relevance_weight
        1 - diversity, instead of it.
    normalize
        How relevance is scaled within each list; the novelty term is always turned into z-scores.
    """

    normalize: Normalize = "zscore"

    def missing(self, data: Dataset) -> str | None:
        """Say what a dataset lacks: training rows."""
        return Need.TRAIN.value if Need.TRAIN.missing_in(data) else None

    def _select(
        self, run: Binding, rows: slice, relevance: Floats, picks: ItemIds, selection: NDArray[np.float64]
    ) -> None:
        novelty = -np.log2(np.maximum(run.item_counts, 1) / run.data.n_train_users)
        lists = run.lists[rows]
        how = NORMALISATIONS[self.normalize]
        greedy.blend_rows(
            lists, relevance, run.lengths[rows], novelty[lists], self.weight, how, greedy.ZSCORE, picks, selection
        )


@RERANKERS.declare(title="Random re-ranking", cite="the control of every comparison")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Random(Reranker):
    """Order by (1 - w) s(i) + w r(i), r uniform in [0, 1): what a method must beat to be more than noise.

    Parameters
    ----------
    diversity
        The weight w, from 0 (the input order, exactly) to 1 (a shuffle); 0.5 by default.
    relevance_weight
        1 - diversity, instead of it.
    normalize
        How relevance is scaled within each list: ``minmax``, ``zscore``, ``rank`` or ``none``.
    seed
        The same seed, user and item give the same number, whatever else is re-ranked.
    """

    seed: Seed = 0

    def _prepare(self, run: Binding) -> None:
        _ = run.user_hashes, run.item_hashes

    def _select(
        self, run: Binding, rows: slice, relevance: Floats, picks: ItemIds, selection: NDArray[np.float64]
    ) -> None:
        lists, lengths = run.lists[rows], run.lengths[rows]
        items = run.item_hashes[lists]
        shuffled = uniform(self.seed, run.user_hashes[rows][:, None], items)
        how = NORMALISATIONS[self.normalize]
        greedy.blend_rows(lists, relevance, lengths, shuffled, self.weight, how, greedy.NONE, picks, selection)
