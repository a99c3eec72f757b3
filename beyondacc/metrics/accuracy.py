"""Accuracy: agreement of the list with the relevant test items (METRICS, section 1)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Inputs
from beyondacc.kernels import accuracy as kernels
from beyondacc.metrics.ranks import discounts, truth_metric
from beyondacc.spec.metric import Need
from beyondacc.spec.params import Cutoff
from beyondacc.spec.registry import metric
from beyondacc.spec.states import PerUser

__all__ = ["average_precision", "hit_rate", "ndcg", "precision", "recall", "reciprocal_rank"]

_UNDEFINED = "for users without a relevant test item; a missing or empty list scores 0"


def _hits(inputs: Inputs, k: int) -> NDArray[np.float64]:
    def build() -> NDArray[np.float64]:
        hits = np.empty(len(inputs))
        kernels.hit_rows(inputs.gains, inputs.lengths, k, hits)
        return hits

    return inputs.derive(("hits", k), build)


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[Any]) -> NDArray[np.float64]:
    """Divide where there is something to divide by; 0 elsewhere."""
    values = np.zeros(len(numerator))
    np.divide(numerator, denominator, out=values, where=denominator > 0)
    return values


@metric(
    title="nDCG",
    family="accuracy",
    better="higher",
    needs=(Need.TRUTH,),
    undefined=_UNDEFINED,
    cite="Järvelin & Kekäläinen 2002, TOIS 20(4)",
    core=True,
)
def ndcg(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    gain: Literal["linear", "exp"] = "linear",
    ideal: Literal["achievable", "full"] = "achievable",
    discount: Literal["log2", "log2_clip"] = "log2",
) -> PerUser:
    """DCG / IDCG, with DCG = sum over ranks r < N of gain(g) / log2(r + 2).

    IDCG is the same sum over the user's min(k, |T|) best gains. A user whose gains are all 0 scores 0.

    Parameters
    ----------
    gain
        ``linear``: g; ``exp``: 2^g - 1 (Burges et al. 2005).
    ideal
        ``achievable``: the best list the user's relevant items allow; ``full``: k hits with the user's highest gain.
    discount
        ``log2``: 1/log2(r + 2); ``log2_clip``: 1/log2(max(r + 1, 2)), which leaves the first two ranks undiscounted.
    """
    weights = discounts(discount, k)
    run = inputs.run
    found, best = np.empty(len(inputs)), np.empty(len(inputs))
    kernels.dcg_rows(inputs.gains, inputs.lengths, k, weights, gain == "exp", found)
    kernels.ideal_dcg_rows(
        inputs.users, run.test.starts, run.best_gains, k, weights, gain == "exp", ideal == "full", best
    )
    return truth_metric(inputs, _ratio(found, best))


@metric(
    title="Precision",
    family="accuracy",
    better="higher",
    needs=(Need.TRUTH,),
    undefined=_UNDEFINED,
    cite="Herlocker, Konstan, Terveen & Riedl 2004, TOIS 22(1)",
    core=True,
)
def precision(inputs: Inputs, *, k: Cutoff = 10, denominator: Literal["k", "list", "relevant"] = "k") -> PerUser:
    """Hits among the first k, divided by k.

    Parameters
    ----------
    denominator
        ``k``; ``list``: the length of the list; ``relevant``: min(k, |T|).
    """
    by: NDArray[Any] = np.full(len(inputs), k)
    if denominator == "list":
        by = np.minimum(inputs.lengths, k)
    elif denominator == "relevant":
        by = np.minimum(inputs.n_relevant, k)
    return truth_metric(inputs, _ratio(_hits(inputs, k), by))


@metric(
    title="Recall",
    family="accuracy",
    better="higher",
    needs=(Need.TRUTH,),
    undefined=_UNDEFINED,
    cite="Herlocker, Konstan, Terveen & Riedl 2004, TOIS 22(1)",
    core=True,
)
def recall(inputs: Inputs, *, k: Cutoff = 10, denominator: Literal["relevant", "cut"] = "relevant") -> PerUser:
    """Hits among the first k, divided by |T|.

    Parameters
    ----------
    denominator
        ``relevant``: |T|; ``cut``: min(k, |T|).
    """
    by = np.minimum(inputs.n_relevant, k) if denominator == "cut" else inputs.n_relevant
    return truth_metric(inputs, _ratio(_hits(inputs, k), by))


@metric(
    title="Hit rate",
    family="accuracy",
    better="higher",
    needs=(Need.TRUTH,),
    undefined=_UNDEFINED,
    cite="Deshpande & Karypis 2004, TOIS 22(1)",
    core=True,
)
def hit_rate(inputs: Inputs, *, k: Cutoff = 10) -> PerUser:
    """1 if any of the first k is relevant, else 0."""
    return truth_metric(inputs, (_hits(inputs, k) > 0).astype(np.float64))


@metric(
    title="Average precision (MAP)",
    family="accuracy",
    better="higher",
    needs=(Need.TRUTH,),
    undefined=_UNDEFINED,
    aliases=("map",),
    cite="Buckley & Voorhees 2000, SIGIR",
    # a precision at a hit is at most 1, and there are at most as many hits as any of the denominators
    core=True,
)
def average_precision(
    inputs: Inputs, *, k: Cutoff = 10, denominator: Literal["cut", "relevant", "hits"] = "cut"
) -> PerUser:
    """Sum over the hits among the first k of the precision at their rank, divided by min(k, |T|).

    Parameters
    ----------
    denominator
        ``cut``: min(k, |T|); ``relevant``: |T|; ``hits``: the number of hits.
    """
    total = np.empty(len(inputs))
    kernels.average_precision_rows(inputs.gains, inputs.lengths, k, total)
    by: NDArray[Any] = np.minimum(inputs.n_relevant, k)
    if denominator == "relevant":
        by = inputs.n_relevant
    elif denominator == "hits":
        by = _hits(inputs, k)
    return truth_metric(inputs, _ratio(total, by))


@metric(
    title="Reciprocal rank (MRR)",
    family="accuracy",
    better="higher",
    needs=(Need.TRUTH,),
    undefined=_UNDEFINED,
    aliases=("mrr",),
    cite="Voorhees 1999, TREC-8 question answering track",
    core=True,
)
def reciprocal_rank(inputs: Inputs, *, k: Cutoff = 10) -> PerUser:
    """1 / (1 + rank of the first hit among the first k), 0 without a hit."""
    values = np.empty(len(inputs))
    kernels.first_hit_rows(inputs.gains, inputs.lengths, k, values)
    return truth_metric(inputs, values)
