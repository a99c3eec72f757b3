"""Swapping items in while relevance allows it (METRICS, section 9)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from beyondacc.bound.batch import Batch
from beyondacc.distances import JACCARD, Distance
from beyondacc.kernels.orders import swap_rows
from beyondacc.pairs import pair_arrays, refuse_own
from beyondacc.rerank.base import NORMALISATIONS, RERANKERS, Picks, Reranker
from beyondacc.rerank.engine import constant_distances, slots_for, tables_of
from beyondacc.types import Floats

__all__ = ["Swap"]


@RERANKERS.declare(title="Swap", cite="Yu, Lakshmanan & Amer-Yahia 2009, EDBT, algorithm Swap")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Swap(Reranker):
    """Start from the first k; later candidates take the place of the item that adds least, while relevance allows it.

    What an item adds is the sum of its distances to the others. The search ends at the first candidate whose relevance,
    scaled to [0, 1], is more than w below that of the item it would replace. The list is in input order.

    Parameters
    ----------
    diversity
        The bound w on the loss of relevance by a swap, from 0 (the input order, exactly) to 1 (relevance is ignored);
        0.5 by default.
    normalize
        How the relevance that is the selection score is scaled; the bound is on the scale of ``minmax``.
    distance
        Between two items; where one has no features the distance is 1.
    """

    distance: Distance = JACCARD

    prefix: ClassVar[bool] = False

    def _prepare(self, run: Batch) -> None:
        pair_arrays(self.distance, run)

    def _select(self, run: Batch, rows: slice, relevance: Floats, weights: Floats, picks: Picks) -> None:
        width = run.ranked.width
        arrays = pair_arrays(self.distance, run)
        slots = slots_for(width, picks.positions.shape[2] * (1 + weights.shape[1]))
        bench = arrays.bench(width, slots)
        for part, tables in tables_of(self.distance, arrays, run, rows):
            own = slice(part.start - rows.start, part.stop - rows.start)
            made = picks.block(own)
            swap_rows(
                *arrays,
                tables,
                run.lists[part],
                relevance[own],
                run.lengths[part],
                weights[own],
                NORMALISATIONS[str(self.normalize)],
                bench,
                made.positions,
                made.selection,
            )
            refuse_own(self.distance, bench)

    def _why_constant(self, run: Batch, k: int) -> str:
        if run.lengths.max() <= k:
            return "no list has more candidates than are picked"
        return constant_distances(self.distance, run) or super()._why_constant(run, k)
