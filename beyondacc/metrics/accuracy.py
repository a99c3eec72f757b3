"""Accuracy: agreement of the list with the relevant test items (METRICS, section 1)."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Gain, Inputs
from beyondacc.data.once import once
from beyondacc.declare.params import Cutoff, Range
from beyondacc.errors import DataError
from beyondacc.kernels import accuracy as kernels
from beyondacc.metrics.base.metric import Need
from beyondacc.metrics.base.ranks import discounts, of_hits, truth_metric
from beyondacc.metrics.base.registry import metric
from beyondacc.metrics.base.states import PerUser

__all__ = [
    "average_precision",
    "dcg",
    "f1",
    "hit_rate",
    "ndcg",
    "precision",
    "r_precision",
    "rbp",
    "recall",
    "reciprocal_rank",
]

CumulatedDiscount = Literal["log2", "log2_clip", "reciprocal"]
Patience = Annotated[float, Range(0, 1, open_low=True, open_high=True)]
_UNDEFINED = "for users without a relevant test item; a missing or empty list scores 0"


@once
def _hits(inputs: Inputs, k: int) -> NDArray[np.float64]:
    hits = np.empty(len(inputs))
    kernels.hit_rows(inputs.gains, inputs.lengths, k, np.ones(k), hits)
    return hits


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
    gain: Gain = "linear",
    ideal: Literal["achievable", "full"] = "achievable",
    discount: CumulatedDiscount = "log2",
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
        ``log2``: 1/log2(r + 2); ``log2_clip``: 1/log2(max(r + 1, 2)), which leaves the first two ranks undiscounted;
        ``reciprocal``: 1/(r + 1).
    """
    run, values = inputs.batch, np.empty(len(inputs))
    best_lists = of_hits(discount, k) if run.test.all_one else np.empty(0)
    rest = (run.best_gains(gain, relative=True), k, discounts(discount, k), ideal == "full", best_lists, values)
    kernels.ndcg_rows(inputs.gains_as(gain, relative=True), inputs.lengths, inputs.users, run.test.starts, *rest)
    return PerUser(values)


@metric(
    title="DCG",
    family="accuracy",
    better="higher",
    needs=(Need.TRUTH,),
    undefined=_UNDEFINED,
    cite="Järvelin & Kekäläinen 2002, TOIS 20(4)",
    bounds=(0.0, math.inf),
)
def dcg(inputs: Inputs, *, k: Cutoff = 10, gain: Gain = "linear", discount: CumulatedDiscount = "log2") -> PerUser:
    """Sum over ranks r < N of gain(g) / log2(r + 2), with g the gain of the item at r, 0 if it is not relevant.

    Parameters
    ----------
    gain
        ``linear``: g; ``exp``: 2^g - 1 (Burges et al. 2005).
    discount
        ``log2``: 1/log2(r + 2); ``log2_clip``: 1/log2(max(r + 1, 2)), which leaves the first two ranks undiscounted;
        ``reciprocal``: 1/(r + 1).
    """
    values = np.empty(len(inputs))
    with np.errstate(over="ignore"):  # of plain Python's kernels; what is infinite is refused
        kernels.dcg_rows(inputs.gains_as(gain), inputs.lengths, k, discounts(discount, k), values)
    if (infinite := np.flatnonzero(np.isinf(values))).size:
        user = inputs.batch.ids[inputs.rows].tolist()[infinite[0]]
        raise DataError(
            f"the dcg(gain={gain}) of user {user!r} is beyond what float64 can hold; use ndcg, which divides by the "
            "best possible list, or smaller gains in test"
        )
    return truth_metric(inputs, values)


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
    title="F1",
    family="accuracy",
    better="higher",
    needs=(Need.TRUTH,),
    undefined=_UNDEFINED,
    cite="van Rijsbergen 1979, Information Retrieval, 2nd edition, chapter 7",
)
def f1(inputs: Inputs, *, k: Cutoff = 10) -> PerUser:
    """Harmonic mean of hits / k and hits / |T|, which is 2 hits / (k + |T|)."""
    return truth_metric(inputs, _ratio(2.0 * _hits(inputs, k), k + inputs.n_relevant))


@metric(
    title="Hit rate",
    family="accuracy",
    better="higher",
    needs=(Need.TRUTH,),
    undefined=_UNDEFINED,
    aliases=("hit", "hitrate", "hr"),
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
    inputs: Inputs, *, k: Cutoff = 10, denominator: Literal["cut", "relevant", "hits", "k", "list"] = "cut"
) -> PerUser:
    """Sum over the hits among the first k of the precision at their rank, divided by min(k, |T|).

    Parameters
    ----------
    denominator
        ``cut``: min(k, |T|); ``relevant``: |T|; ``hits``: the number of hits; ``k``; ``list``: min(N, |T|), where N is
        the length of the list.
    """
    total = np.empty(len(inputs))
    kernels.average_precision_rows(inputs.gains, inputs.lengths, k, total)
    by: NDArray[Any] = np.minimum(inputs.n_relevant, k)
    if denominator == "relevant":
        by = inputs.n_relevant
    elif denominator == "hits":
        by = _hits(inputs, k)
    elif denominator == "k":
        by = np.full(len(inputs), k)
    elif denominator == "list":
        by = np.minimum(np.minimum(inputs.lengths, k), inputs.n_relevant)
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


@metric(
    title="Rank-biased precision",
    family="accuracy",
    better="higher",
    needs=(Need.TRUTH,),
    undefined=_UNDEFINED,
    cite="Moffat & Zobel 2008, TOIS 27(1)",
)
def rbp(inputs: Inputs, *, k: Cutoff = 10, p: Patience = 0.85) -> PerUser:
    """(1 - p) times the sum of p^r over the hits among the first k, r their ranks.

    Parameters
    ----------
    p
        The chance that a reader of one item goes on to the next.
    """
    total = np.empty(len(inputs))
    kernels.hit_rows(inputs.gains, inputs.lengths, k, discounts("exp", k, p), total)
    return truth_metric(inputs, np.minimum((1.0 - p) * total, 1.0))  # rounding alone can exceed 1


@metric(
    title="R-precision",
    family="accuracy",
    better="higher",
    needs=(Need.TRUTH,),
    undefined=_UNDEFINED,
    cite="Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, section 8.4",
)
def r_precision(inputs: Inputs, *, k: Cutoff = 10) -> PerUser:
    """Hits among the first min(k, |T|), divided by |T|."""
    hits = np.empty(len(inputs))
    lengths = np.minimum(inputs.lengths, inputs.n_relevant).astype(np.int32)
    kernels.hit_rows(inputs.gains, lengths, k, np.ones(k), hits)
    return truth_metric(inputs, _ratio(hits, inputs.n_relevant))
