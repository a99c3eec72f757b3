"""SLIM: a sparse linear item-item model."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, ClassVar

import numpy as np
from scipy import sparse

from beyondacc.declare.params import Range
from beyondacc.kernels.neighbours import weighted_sums
from beyondacc.kernels.ranking import elastic_net_columns
from beyondacc.models.base import MODELS, Model
from beyondacc.models.layout import Layout, Rows
from beyondacc.models.neighbours import arrays
from beyondacc.types import Floats, UserIds

__all__ = ["SLIM"]

_BLOCK = 256  # items regressed at a time
_SWEEPS = 1000
_TOLERANCE = 1e-5  # the largest move of a weight in the last sweep


@MODELS.declare(
    title="Sparse linear method",
    cite="Ning & Karypis 2011, ICDM, SLIM: Sparse Linear Methods for Top-N Recommender Systems, eq. 4",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class SLIM(Model):
    """Linear regression of each item on all others with an elastic net penalty.

    ``score(u, .) = x_u W``, where W minimises ``1/2 |X - X W|^2 + l2/2 |W|^2 + l1 |W|_1`` over weights that are 0 on
    the diagonal and, where `positive`, not negative; by cyclic coordinate descent on ``X^T X``, until no weight moves
    by more than 1e-5. ``X^T X`` is kept as a dense matrix of items x items while the model is fitted; W is sparse.

    Parameters
    ----------
    l1
        The penalty on the weights: larger values leave fewer of them, and drop items with few users.
    l2
        The penalty on the squared weights.
    positive
        Whether weights must not be negative, as in the paper. Without this, fitting takes longer.
    """

    step: ClassVar[str] = "item"

    l1: Annotated[float, Range(low=0)] = 3.0
    l2: Annotated[float, Range(low=0, open_low=True)] = 100.0
    positive: bool = True

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        n_items = train.shape[1]
        gram = np.ascontiguousarray((train.T @ train).toarray())
        blocks = []
        for start in range(0, n_items, _BLOCK):
            found = np.zeros((min(_BLOCK, n_items - start), n_items))
            elastic_net_columns(start, gram, self.l1, self.l2, self.positive, _SWEEPS, _TOLERANCE, found)
            blocks.append(sparse.csr_array(found))
            self._tell(min(start + _BLOCK, n_items), n_items, "")
        weights: Any = sparse.vstack(blocks, format="csr")
        self._users, self._weights = arrays(train), arrays(weights.T.tocsr())

    def _layout(self) -> Layout:
        items = self._n_items
        return {"_users": Rows((self._n_users, items)), "_weights": Rows((items, items))}

    def _score(self, users: UserIds) -> Floats:
        scores = np.zeros((users.size, self._n_items))
        weighted_sums(users, *self._users, *self._weights, scores)
        return scores
