"""Sliding spectrum decomposition (METRICS, section 9)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.data.once import once
from beyondacc.data.world import World
from beyondacc.declare.params import Cutoff, Range
from beyondacc.distances.arrays import PairArrays, no_pairs
from beyondacc.distances.rows import double_rows, scaled_rows
from beyondacc.kernels import greedy
from beyondacc.kernels.spectrum import spectrum
from beyondacc.metrics.base.metric import Need
from beyondacc.rerank.base import RERANKERS, Normalize
from beyondacc.rerank.engine import GreedyReranker, Storage
from beyondacc.rerank.shown import Shown
from beyondacc.rerank.taste import profile_rows

__all__ = ["SSD"]


@once
def _points(world: World, unit: bool, bias: bool) -> NDArray[np.float64]:
    """Return the rows of the items as they are compared."""
    rows = double_rows(world)
    if unit:
        scaled, inverse = scaled_rows(world)
        rows = scaled * inverse[:, None]
    return np.column_stack([rows, np.ones(len(rows))]) if bias else rows


@RERANKERS.declare(title="Sliding spectrum decomposition (SSD)", cite="Huang, Wang, Peng & Wang 2021, KDD, sec. 3")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class SSD(GreedyReranker):
    """Next item: argmax of (1 - w) s(i) + w gamma |what is left of its vector after those of the last picks|.

    What is left of a vector is its part at right angles to what was left of the vectors of the last `window` picked
    items. Vectors are the items' own, else their weighted features, else zeros and ones.

    Parameters
    ----------
    window
        How many of the last picks count; all by default.
    gamma
        What the length is multiplied by.
    unit
        Make all vectors of length 1 first.
    bias
        Put a further 1 at the end of each vector, so that what all have in common counts once.
    recent
        What users were shown before, lists in any form the candidates may have, the first shown first: these items
        count as picked before the first, so that the picks are those of one pass over the whole feed; a user without
        such a list begins anew.
    """

    normalize: Normalize = "zscore"
    window: Cutoff | None = None
    gamma: Annotated[float, Range(low=0, open_low=True)] = 1.0
    unit: bool = True
    bias: bool = True
    recent: Shown | None = None

    needs: ClassVar[tuple[Need, ...]] = (Need.ROWS,)
    kernel = spectrum
    uses = greedy.ROWS | greedy.REMAINING

    def _points(self, run: Batch) -> NDArray[np.float64]:
        """Return the rows of the items as they are compared."""
        return _points(run.world, self.unit, self.bias)

    def _arrays(self, run: Batch) -> PairArrays:
        return no_pairs(self._points(run))

    def _most(self, run: Batch) -> int:
        """How many items were shown before, at most; directions rest on all before them, whatever the window."""
        return 0 if self.recent is None else int(self.recent.lists(run.data).lengths.max(initial=0))

    def _storage(self, run: Batch, n: int, k: int) -> Storage:
        directions = self._most(run) + min(n, k)
        directions = max(1, directions if self.window is None else min(directions, self.window))
        return Storage(np.array([self.gamma, directions, float(self.unit)]))

    def _by_user(self, run: Batch, rows: slice) -> NDArray[np.float64]:
        if self.recent is None:
            return np.zeros((1, 1))
        points = self._points(run)
        unknown = np.zeros(points.shape[1])
        unknown[-1] = float(self.bias)
        items = self.recent.last(run, rows)
        width = items.shape[1] * points.shape[1]
        found = np.empty((len(items), 1 + width))
        found[:, 0] = np.count_nonzero(items >= 0, axis=1)
        known = items < len(points)
        shown = np.where(known[:, :, None], points[np.where(known, items, 0)], unknown)
        found[:, 1:] = shown.reshape(len(items), width)
        return found

    def _parts(self, run: Batch, rows: slice) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        for part in profile_rows(rows, 1 + self._most(run) * self._points(run).shape[1]):
            yield part, np.empty((0, 0, 0))

    def _why_constant(self, _run: Batch, _k: int) -> str:
        return "the vectors of the candidates of a list do not tell them apart"
