"""Sliding spectrum decomposition (METRICS, section 9)."""

from __future__ import annotations

import dataclasses
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Binding
from beyondacc.kernels import greedy
from beyondacc.kernels.spectrum import spectrum
from beyondacc.pairs import PairArrays, double_rows, no_pairs, scaled_rows
from beyondacc.rerank.base import RERANKERS, Normalize
from beyondacc.rerank.engine import GreedyReranker, Storage
from beyondacc.spec.metric import Need
from beyondacc.spec.params import Cutoff, Range

__all__ = ["SSD"]


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
    """

    normalize: Normalize = "zscore"
    window: Cutoff | None = None
    gamma: Annotated[float, Range(low=0, open_low=True)] = 1.0
    unit: bool = True
    bias: bool = True

    needs: ClassVar[tuple[Need, ...]] = (Need.ROWS,)
    kernel = spectrum
    uses = greedy.ROWS | greedy.REMAINING

    def _points(self, run: Binding) -> NDArray[np.float64]:
        """Return the rows of the items as they are compared."""

        def build() -> NDArray[np.float64]:
            rows = double_rows(run)
            if self.unit:
                scaled, inverse = scaled_rows(run)
                rows = scaled * inverse[:, None]
            return np.column_stack([rows, np.ones(len(rows))]) if self.bias else rows

        return run.derive(("points", self.unit, self.bias), build)

    def _arrays(self, run: Binding) -> PairArrays:
        return no_pairs(self._points(run))

    def _storage(self, _run: Binding, n: int, k: int) -> Storage:
        directions = max(1, min(n, k, self.window or k))
        return Storage(np.array([self.gamma, directions, float(self.unit)]))

    def _why_constant(self, _run: Binding, _k: int) -> str:
        return "the vectors of the candidates of a list do not tell them apart"
