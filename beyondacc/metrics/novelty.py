"""Novelty of the items themselves (METRICS, section 4): one kernel, a weight an item."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Inputs
from beyondacc.kernels import itemwise
from beyondacc.metrics.ranks import Base, Discount, Relevance, discounts, itemwise_truth, relevance_gains
from beyondacc.spec.metric import Need
from beyondacc.spec.params import Cutoff, Fraction
from beyondacc.spec.registry import metric
from beyondacc.spec.states import PerUser

__all__ = ["epc", "mean_popularity", "self_information"]

Cold = Literal["one", "drop"]


def _needs(values: Mapping[str, Any]) -> tuple[Need, ...]:
    return (Need.TRAIN, *((Need.TRUTH,) if values["relevance"] != "none" else ()))


def _mean_weight(
    inputs: Inputs,
    weights: NDArray[np.float64],
    *,
    k: int,
    cold: Cold,
    discount: Discount,
    base: float,
    relevance: Relevance,
    background: float,
) -> PerUser:
    if cold == "drop":
        weights = np.where(inputs.run.item_counts > 0, weights, np.nan)
    gains, unrated = relevance_gains(inputs, relevance, background)
    values = np.empty(len(inputs))
    by_rank = discounts(discount, k, base)
    itemwise.weighted_mean_rows(weights, inputs.lists, inputs.lengths, k, by_rank, gains, unrated, values)
    return itemwise_truth(inputs, values, relevance)


def _self_information_bounds(values: Mapping[str, Any]) -> tuple[float, float]:
    return 0.0, 1.0 if values["normalized"] and values["denominator"] == "users" else math.inf


@metric(
    title="Self-information",
    family="novelty",
    better="higher",
    needs=_needs,
    undefined="for users without a list (with relevance: without a relevant test item)",
    aliases=("miuf",),
    cite="Zhou et al. 2010, PNAS 107(10); Kaminskas & Bridge 2016, TiiS 7(1)",
    bounds=_self_information_bounds,
)
def self_information(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    normalized: bool = False,
    denominator: Literal["users", "interactions"] = "users",
    cold: Cold = "one",
    discount: Discount = "none",
    base: Base = 0.85,
    relevance: Relevance = "none",
    background: Fraction = 0.0,
) -> PerUser:
    """Mean over the list of -log2(c_i / |U|), in bits: how unlikely it is that a user knows the item.

    Parameters
    ----------
    normalized
        Divide by log2 |U|, so that an item of one user weighs 1.
    denominator
        ``users``: |U|; ``interactions``: the number of training rows.
    cold
        An item without training users is counted as of ``one`` user, or ``drop`` it.
    discount, base
        Weight of a rank r: ``none``, ``log2``: 1/log2(r + 2), ``reciprocal``: 1/(r + 1), ``exp``: base^r.
    relevance, background
        ``binary``: items that are not relevant weigh 0; ``background``: they weigh `background`.
    """
    counts = inputs.run.item_counts
    total = inputs.run.data.n_train_users if denominator == "users" else int(counts.sum())
    weights = -np.log2(np.maximum(counts, 1) / total)
    if normalized:  # with a single training user no item is rarer than another
        users = inputs.run.data.n_train_users
        weights = weights / math.log2(users) if users > 1 else np.full(len(weights), np.nan)
    return _mean_weight(
        inputs,
        weights,
        k=k,
        cold=cold,
        discount=discount,
        base=base,
        relevance=relevance,
        background=background,
    )


@metric(
    title="Expected popularity complement",
    family="novelty",
    better="higher",
    needs=_needs,
    undefined="for users without a list (with relevance: without a relevant test item)",
    cite="Vargas & Castells 2011, RecSys",
)
def epc(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    cold: Cold = "one",
    discount: Discount = "none",
    base: Base = 0.85,
    relevance: Relevance = "none",
    background: Fraction = 0.0,
) -> PerUser:
    """Mean over the list of 1 - c_i / |U|: the chance that a training user has not met the item.

    Parameters
    ----------
    cold
        An item without training users weighs 1 (``one`` keeps it), or ``drop`` it.
    discount, base
        Weight of a rank r: ``none``, ``log2``: 1/log2(r + 2), ``reciprocal``: 1/(r + 1), ``exp``: base^r.
    relevance, background
        ``binary``: items that are not relevant weigh 0; ``background``: they weigh `background`.
    """
    weights = 1.0 - inputs.run.item_counts / inputs.run.data.n_train_users
    return _mean_weight(
        inputs,
        weights,
        k=k,
        cold=cold,
        discount=discount,
        base=base,
        relevance=relevance,
        background=background,
    )


@metric(
    title="Mean popularity (ARP)",
    family="novelty",
    better="lower",
    needs=_needs,
    undefined="for users without a list (with relevance: without a relevant test item)",
    aliases=("arp",),
    cite="Yin, Cui, Li, Yao & Chen 2012, PVLDB 5(9)",
    bounds=lambda values: (0.0, 1.0 if values["normalized"] else math.inf),
)
def mean_popularity(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    normalized: bool = False,
    cold: Cold = "one",
    discount: Discount = "none",
    base: Base = 0.85,
    relevance: Relevance = "none",
    background: Fraction = 0.0,
) -> PerUser:
    """Mean over the list of c_i, the number of training users of the item.

    Parameters
    ----------
    normalized
        Divide by the number of training rows.
    cold
        An item without training users weighs 0 (``one`` keeps it), or ``drop`` it.
    discount, base
        Weight of a rank r: ``none``, ``log2``: 1/log2(r + 2), ``reciprocal``: 1/(r + 1), ``exp``: base^r.
    relevance, background
        ``binary``: items that are not relevant weigh 0; ``background``: they weigh `background`.
    """
    counts = inputs.run.item_counts
    weights = counts / counts.sum() if normalized else counts.astype(np.float64)
    return _mean_weight(
        inputs,
        weights,
        k=k,
        cold=cold,
        discount=discount,
        base=base,
        relevance=relevance,
        background=background,
    )
