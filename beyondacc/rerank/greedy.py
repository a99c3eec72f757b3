"""Re-rankers that pick one item after the other, each looking at those picked before."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Binding
from beyondacc.distances import JACCARD, Distance
from beyondacc.kernels import greedy, pairwise
from beyondacc.pairs import pair_arrays, pair_tables, table_rows
from beyondacc.rerank.base import NORMALISATIONS, RERANKERS, Reranker
from beyondacc.types import Floats, ItemIds

__all__ = ["MMR", "GreedyDiversity"]


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class _Greedy(Reranker):
    """A greedy objective over distances to the items picked before."""

    distance: Distance = JACCARD

    def _prepare(self, run: Binding) -> None:
        pair_arrays(self.distance, run)

    _gain: ClassVar[int]

    @property
    def _stepwise(self) -> bool:
        """Whether the term is normalised anew at every step."""
        return False

    def _select(
        self, run: Binding, rows: slice, relevance: Floats, picks: ItemIds, selection: NDArray[np.float64]
    ) -> None:
        arrays = pair_arrays(self.distance, run)
        lists, lengths, users = run.lists[rows], run.lengths[rows], run.users[rows]
        looked_up = arrays.kind == pairwise.TABLE
        cuts = table_rows(len(lists), lists.shape[1]) if looked_up else iter([slice(0, len(lists))])
        for cut in cuts:
            part = lists[cut]
            tables = np.empty((0, 0, 0))
            if looked_up:
                tables = pair_tables(self.distance, run, part, lengths[cut], users=users[cut], k=lists.shape[1])
            greedy.greedy_rows(
                *arrays,
                tables,
                part,
                relevance[cut],
                lengths[cut],
                self._gain,
                self.weight,
                NORMALISATIONS[self.normalize],
                self._stepwise,
                picks[cut],
                selection[cut],
            )


@RERANKERS.declare(title="Maximal marginal relevance", cite="Carbonell & Goldstein 1998, SIGIR, sec. 2")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class MMR(_Greedy):
    """Next item: argmax of (1 - w) s(i) - w max over picked j of sim(i, j), sim = 1 - d.

    Parameters
    ----------
    diversity
        The weight w, from 0 (the input order, exactly) to 1 (relevance is ignored); 0.5 by default.
    relevance_weight
        1 - diversity, instead of it.
    normalize
        How relevance is scaled within each list: ``minmax``, ``zscore``, ``rank`` or ``none``.
    distance
        Between two items; where one has no features the distance is 1.
    """

    _gain = greedy.MOST_SIMILAR


@RERANKERS.declare(
    title="Greedy diversification",
    cite="Smyth & McClave 2001, ICCBR; Kaminskas & Bridge 2016, TiiS 7(1)",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class GreedyDiversity(_Greedy):
    """Next item: argmax of (1 - w) s(i) + w mean over picked j of d(i, j).

    ``GreedyDiversity(normalize="zscore", renormalize=True)`` is the variant of Kaminskas & Bridge.

    Parameters
    ----------
    diversity
        The weight w, from 0 (the input order, exactly) to 1 (relevance is ignored); 0.5 by default.
    relevance_weight
        1 - diversity, instead of it.
    normalize
        How relevance is scaled within each list: ``minmax``, ``zscore``, ``rank`` or ``none``.
    distance
        Between two items; where one has no features the distance is 1.
    renormalize
        Turn the distance term into z-scores over the remaining candidates at every step.
    """

    renormalize: bool = False

    _gain = greedy.MEAN_DISTANCE

    @property
    def _stepwise(self) -> bool:
        return self.renormalize
