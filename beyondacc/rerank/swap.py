"""Swapping items in while relevance allows it (METRICS, section 9)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from beyondacc.bound.batch import Batch
from beyondacc.kernels.orders import swap_rows
from beyondacc.rerank.base import RERANKERS, Picks
from beyondacc.rerank.engine import PairsReranker, slots_for

__all__ = ["Swap"]


@RERANKERS.declare(title="Swap", cite="Yu, Lakshmanan & Amer-Yahia 2009, EDBT, algorithm Swap")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Swap(PairsReranker):
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
    """

    prefix: ClassVar[bool] = False
    kernel = swap_rows

    def _slots(self, width: int, picks: Picks) -> int:
        _, n_weights, k = picks.positions.shape
        return slots_for(width, k * (1 + n_weights))

    def _why_constant(self, run: Batch, k: int) -> str:
        if run.lengths.max() <= k:
            return "no list has more candidates than are picked"
        return super()._why_constant(run, k)
