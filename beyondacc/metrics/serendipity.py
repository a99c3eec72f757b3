"""Unexpectedness and serendipity against a primitive model (METRICS, section 5)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Inputs
from beyondacc.kernels.profile import unexpected_rows
from beyondacc.metrics.ranks import list_metric, truth_metric
from beyondacc.spec.metric import Need
from beyondacc.spec.params import Cutoff
from beyondacc.spec.registry import metric
from beyondacc.spec.states import PerUser

__all__ = ["serendipity_ge", "unexpectedness"]


def _unexpected(inputs: Inputs, k: int, gains: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.empty(len(inputs))
    expected = inputs.expected(k)
    unexpected_rows(inputs.lists, inputs.lengths, k, expected.items, expected.lengths, gains, values)
    return values


@metric(
    title="Unexpectedness",
    family="serendipity",
    better="higher",
    needs=(Need.TRAIN,),
    undefined="for users without a list",
    cite="Murakami, Mori & Orihara 2007, JSAI; Ge, Delgado-Battenfeld & Jannach 2010, RecSys",
    core=True,
)
def unexpectedness(inputs: Inputs, *, k: Cutoff = 10, denominator: Literal["list", "k"] = "list") -> PerUser:
    """Share of the list that a primitive model would not have shown: |R without E| / N.

    E is the first k items of the lists given as ``primitive=``, by default the k most popular items that are not in the
    user's training rows.

    Parameters
    ----------
    denominator
        ``list``: the length of the list; ``k``: 1 - |R and E| / k, so that ranks left empty count as unexpected.
    """
    n = np.minimum(inputs.lengths, k)
    values = _unexpected(inputs, k, np.empty((0, 0)))
    if denominator == "k":
        return list_metric(inputs, 1.0 - (n - values) / k)
    return list_metric(inputs, np.divide(values, n, out=values, where=n > 0))


@metric(
    title="Serendipity (Ge)",
    family="serendipity",
    better="higher",
    needs=(Need.TRAIN, Need.TRUTH),
    undefined="for users without a relevant test item; a missing or empty list scores 0",
    cite="Ge, Delgado-Battenfeld & Jannach 2010, RecSys",
    core=True,
)
def serendipity_ge(inputs: Inputs, *, k: Cutoff = 10) -> PerUser:
    """Share of the list that is relevant and that a primitive model would not have shown: |(R without E) and T| / N."""
    n = np.minimum(inputs.lengths, k)
    values = _unexpected(inputs, k, inputs.gains)
    return truth_metric(inputs, np.divide(values, n, out=np.zeros(len(values)), where=n > 0))
