"""Novelty of the items themselves (METRICS, section 4): one kernel, a weight an item."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Inputs
from beyondacc.metrics.ranks import Weighting, relevance_needs
from beyondacc.spec.metric import Need
from beyondacc.spec.params import Cutoff
from beyondacc.spec.registry import metric
from beyondacc.spec.states import PerUser

__all__ = ["epc", "mean_popularity", "self_information"]

Cold = Literal["one", "drop"]


def _needs(values: Mapping[str, Any]) -> tuple[Need, ...]:
    return (Need.TRAIN, *relevance_needs(values))


def _drop(inputs: Inputs, weights: NDArray[np.float64], cold: str) -> NDArray[np.float64]:
    """Leave items without training users out, if so wished."""
    return np.where(inputs.run.item_counts > 0, weights, np.nan) if cold == "drop" else weights


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
    core=True,
)
def self_information(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    normalized: bool = False,
    denominator: Literal["users", "interactions"] = "users",
    cold: Cold = "one",
    weighting: Weighting = Weighting(),
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
    """
    counts = inputs.run.item_counts
    total = inputs.run.data.n_train_users if denominator == "users" else int(counts.sum())
    weights = -np.log2(np.maximum(counts, 1) / total)
    if normalized:  # with a single training user no item is rarer than another
        users = inputs.run.data.n_train_users
        weights = weights / math.log2(users) if users > 1 else np.full(len(weights), np.nan)
    return weighting.mean(inputs, k, _drop(inputs, weights, cold))


@metric(
    title="Expected popularity complement",
    family="novelty",
    better="higher",
    needs=_needs,
    undefined="for users without a list (with relevance: without a relevant test item)",
    cite="Vargas & Castells 2011, RecSys",
    core=True,
)
def epc(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    cold: Cold = "one",
    weighting: Weighting = Weighting(),
) -> PerUser:
    """Mean over the list of 1 - c_i / |U|: the chance that a training user has not met the item.

    Parameters
    ----------
    cold
        An item without training users weighs 1 (``one`` keeps it), or ``drop`` it.
    """
    weights = 1.0 - inputs.run.item_counts / inputs.run.data.n_train_users
    return weighting.mean(inputs, k, _drop(inputs, weights, cold))


@metric(
    title="Mean popularity (ARP)",
    family="novelty",
    better="lower",
    needs=_needs,
    undefined="for users without a list (with relevance: without a relevant test item)",
    aliases=("arp",),
    cite="Yin, Cui, Li, Yao & Chen 2012, PVLDB 5(9)",
    bounds=lambda values: (0.0, 1.0 if values["normalized"] else math.inf),
    core=True,
)
def mean_popularity(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    normalized: bool = False,
    cold: Cold = "one",
    weighting: Weighting = Weighting(),
) -> PerUser:
    """Mean over the list of c_i, the number of training users of the item.

    Parameters
    ----------
    normalized
        Divide by the number of training rows.
    cold
        An item without training users weighs 0 (``one`` keeps it), or ``drop`` it.
    """
    counts = inputs.run.item_counts
    weights = counts / counts.sum() if normalized else counts.astype(np.float64)
    return weighting.mean(inputs, k, _drop(inputs, weights, cold))
