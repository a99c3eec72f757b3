"""What several metrics share: rank discounts, relevance weights, the policy on undefined users."""

from __future__ import annotations

import dataclasses
import functools
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch, Inputs
from beyondacc.data.once import once
from beyondacc.declare.params import Fraction, Group, Range
from beyondacc.kernels.align import gain_rows
from beyondacc.kernels.itemwise import REJECTED, weighted_mean_rows
from beyondacc.metrics.base.metric import Need
from beyondacc.metrics.base.states import PerUser

__all__ = [
    "Base",
    "Discount",
    "RankDiscount",
    "Relevance",
    "Weighting",
    "discounts",
    "itemwise_truth",
    "list_metric",
    "of_hits",
    "ratio",
    "relevance_gains",
    "relevance_needs",
    "truth_metric",
]

Discount = Literal["none", "log2", "reciprocal", "exp"]
Relevance = Literal["none", "binary", "background"]
Base = Annotated[float, Range(0, 1, open_low=True)]


@functools.lru_cache
def discounts(kind: str, k: int, base: float = 0.85) -> NDArray[np.float64]:
    """Return the weight of each rank r = 0..k-1, which nobody may change.

    1, 1/log2(r + 2), 1/(r + 1) or base^r; ``log2_clip`` is 1/log2(max(r + 1, 2)).
    """
    ranks = np.arange(k, dtype=np.float64)
    if kind == "none":
        return np.ones(k)
    if kind == "log2":
        return np.asarray(1.0 / np.log2(ranks + 2.0))
    if kind == "log2_clip":
        return np.asarray(1.0 / np.log2(np.maximum(ranks + 1.0, 2.0)))
    return np.asarray(1.0 / (ranks + 1.0) if kind == "reciprocal" else base**ranks)


@dataclasses.dataclass(frozen=True)
class RankDiscount(Group):
    """How much a rank weighs.

    Parameters
    ----------
    discount, base
        Weight of a rank r: ``none``, ``log2``: 1/log2(r + 2), ``reciprocal``: 1/(r + 1), ``exp``: base^r.
    """

    discount: Discount = "none"
    base: Base = 0.85

    def ranks(self, k: int) -> NDArray[np.float64]:
        """Return the weights of the ranks 0..k-1."""
        return discounts(self.discount, k, self.base)


@dataclasses.dataclass(frozen=True)
class Weighting(RankDiscount):
    """How items are averaged whose weight does not depend on the others of the list.

    Parameters
    ----------
    relevance, background
        ``binary``: items that are not relevant weigh 0; ``background``: items without a test row weigh `background`,
        those judged not relevant 0.
    short
        What the sum is divided by: the discounts of the ranks of the ``list``, those of all ``k`` ranks, or the
        ``mean`` of the former over all lists, so that the mean over users is that over the rows of all lists.
    """

    relevance: Relevance = "none"
    background: Fraction = 0.0
    short: Literal["list", "k", "mean"] = "list"

    def mean(self, inputs: Inputs, k: int, weights: NDArray[np.float64]) -> PerUser:
        """Average weights over each list.

        Parameters
        ----------
        weights : (items,) or (rows, ranks)
            NaN leaves an item out.
        """
        of_items = weights.ndim == 1
        gains, unrated = relevance_gains(inputs, self.relevance, self.background)
        values = np.empty(len(inputs))
        by_rank, every_rank = self.ranks(k), self.short != "list"
        weights = weights[None, :] if of_items else weights
        weighted_mean_rows(
            weights, of_items, inputs.lists, inputs.lengths, k, by_rank, gains, unrated, every_rank, values
        )
        if self.short == "mean":
            # lists of which no item counts are rows all the same
            scale = _mean_scale(inputs.batch, k, self.discount, self.base)
            values = np.where(np.isnan(values), 0.0, values) * by_rank.sum() / scale
        return itemwise_truth(inputs, values, self.relevance)


@once
def _mean_scale(batch: Batch, k: int, discount: Discount, base: float) -> float:
    """Return the mean over the lists of all users of the discounts of their first k ranks."""
    lengths = np.minimum(batch.lengths, k)
    scales = np.append(0.0, np.cumsum(discounts(discount, k, base)))[lengths[lengths > 0]]
    return float(scales.mean()) if len(scales) else 1.0


def relevance_needs(values: Any) -> tuple[Need, ...]:
    """Return what a metric needs for the sake of its relevance weights."""
    of_all = (Need.LISTS_OF_ALL,) if values.get("short") == "mean" else ()
    return (*((Need.TRUTH,) if values["relevance"] != "none" else ()), *of_all)


@functools.lru_cache
def of_hits(kind: str, k: int) -> NDArray[np.float64]:
    """Return what lists are worth that begin with 0, 1, ..., k hits of gain 1."""
    return np.append(0.0, np.cumsum(discounts(kind, k)))


def ratio(numerator: Any, denominator: Any) -> Any:
    """Divide numbers, or arrays of one number a replicate; NaN where there is nothing to divide by."""
    numerator, denominator = np.broadcast_arrays(np.asarray(numerator, np.float64), denominator)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)


def truth_metric(inputs: Inputs, values: NDArray[np.float64]) -> PerUser:
    """Leave a metric undefined for users without relevant test items; a missing list has scored 0."""
    values[inputs.n_relevant == 0] = np.nan
    return PerUser(values)


def list_metric(inputs: Inputs, values: NDArray[np.float64]) -> PerUser:
    """Leave a metric undefined for users without a list."""
    values[inputs.lengths == 0] = np.nan
    return PerUser(values)


def relevance_gains(inputs: Inputs, relevance: Relevance, background: float) -> tuple[NDArray[np.float64], float]:
    """Return the gains a kernel weighs items by, empty where all count alike, and what an item without a row weighs.

    Gains below 0 are of items without a relevant test row: -1, which weigh the second number, and `REJECTED` for those
    judged not relevant, which weigh 0.
    """
    if relevance == "none":
        return np.empty((0, 0)), 1.0
    if relevance == "binary":
        return inputs.gains, 0.0
    return (inputs.gains if inputs.batch.data.judged is None else _with_rejected(inputs)), background


@once
def _with_rejected(inputs: Inputs) -> NDArray[np.float64]:
    judged, rejected = inputs.batch.data.judged, np.empty(inputs.lists.shape)
    assert judged is not None  # noqa: S101 - who calls looked
    rows = (inputs.lists, inputs.lengths, inputs.users, judged.starts, judged.items)
    gain_rows(*rows, np.zeros(len(judged.items)), inputs.world.n_items, rejected)
    return np.where(rejected >= 0, REJECTED, inputs.gains)


def itemwise_truth(inputs: Inputs, values: NDArray[np.float64], relevance: Relevance) -> PerUser:
    """Apply the policy of a metric that looks at the truth only where relevance counts."""
    if relevance == "none":
        return list_metric(inputs, values)
    values[inputs.lengths == 0] = 0.0
    return truth_metric(inputs, values)
