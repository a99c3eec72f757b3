"""Novelty of the items themselves (METRICS, section 4): one kernel, a weight an item."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Inputs
from beyondacc.data.once import once
from beyondacc.data.world import World
from beyondacc.declare.params import Cutoff, Day
from beyondacc.metrics.base.metric import Need
from beyondacc.metrics.base.ranks import Weighting, relevance_needs
from beyondacc.metrics.base.registry import metric
from beyondacc.metrics.base.states import PerUser

__all__ = ["age", "efd", "epc", "mean_popularity", "popularity_percentile", "self_information"]

Cold = Literal["one", "drop"]
_UNDEFINED = "for users without a list (with relevance: without a relevant test item), or where no listed item counts"


def _needs(values: Mapping[str, Any]) -> tuple[Need, ...]:
    return (Need.TRAIN, *relevance_needs(values))


def _kept(world: World, weights: NDArray[np.float64], cold: str) -> NDArray[np.float64]:
    """Leave items without training users out, where they are to be dropped."""
    return np.where(world.item_counts > 0, weights, np.nan) if cold == "drop" else weights


def _self_information_bounds(values: Mapping[str, Any]) -> tuple[float, float]:
    # with short="mean" the mean of the users' numbers, and not each of them, is within 1
    within = values["normalized"] and values["denominator"] == "users" and values["short"] != "mean"
    return 0.0, 1.0 if within else math.inf


@metric(
    title="Self-information",
    family="novelty",
    better="higher",
    needs=_needs,
    undefined=_UNDEFINED,
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
    return weighting.mean(inputs, k, _self_information(inputs.world, normalized, denominator, cold))


@once
def _self_information(world: World, normalized: bool, denominator: str, cold: str) -> NDArray[np.float64]:
    counts, users = world.item_counts, world.n_train_users
    weights: NDArray[np.float64] = -np.log2(
        np.maximum(counts, 1) / (users if denominator == "users" else int(counts.sum()))
    )
    if normalized:  # with a single training user no item is rarer than another
        weights = weights / math.log2(users) if users > 1 else np.full(len(weights), np.nan)
    return _kept(world, weights, cold)


@metric(
    title="Expected popularity complement",
    family="novelty",
    better="higher",
    needs=_needs,
    undefined=_UNDEFINED,
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
    return weighting.mean(inputs, k, _popularity_complement(inputs.world, cold))


@once
def _popularity_complement(world: World, cold: str) -> NDArray[np.float64]:
    return _kept(world, np.asarray(1.0 - world.item_counts / world.n_train_users), cold)


@metric(
    title="Expected free discovery",
    family="novelty",
    better="higher",
    needs=_needs,
    undefined=_UNDEFINED,
    cite="Vargas & Castells 2011, RecSys",
    bounds=(0.0, math.inf),
)
def efd(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    cold: Literal["largest", "drop"] = "largest",
    weighting: Weighting = Weighting(),
) -> PerUser:
    """Mean over the list of -log2(c_i / sum of c), in bits: how unlikely it is that a training row is of the item.

    Parameters
    ----------
    cold
        An item without training users weighs as much as the ``largest`` weight of any other, or ``drop`` it.
    """
    return weighting.mean(inputs, k, _free_discovery(inputs.world, cold))


@once
def _free_discovery(world: World, cold: str) -> NDArray[np.float64]:
    counts = world.item_counts
    rarest = counts[counts > 0].min()
    return _kept(world, np.asarray(np.log2(counts.sum() / np.maximum(counts, rarest))), cold)


@metric(
    title="Mean popularity (ARP)",
    family="novelty",
    better="lower",
    needs=_needs,
    undefined=_UNDEFINED,
    aliases=("arp", "average_popularity"),
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
    return weighting.mean(inputs, k, _popularity(inputs.world, normalized, cold))


@once
def _popularity(world: World, normalized: bool, cold: str) -> NDArray[np.float64]:
    counts = world.item_counts
    return _kept(world, np.asarray(counts / counts.sum() if normalized else counts.astype(np.float64)), cold)


@metric(
    title="Popularity percentile",
    family="novelty",
    better="lower",
    needs=_needs,
    undefined=_UNDEFINED,
    cite="Ekstrand & Mahant 2017, FLAIRS",
)
def popularity_percentile(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    cold: Literal["zero", "drop"] = "zero",
    weighting: Weighting = Weighting(),
) -> PerUser:
    """Mean over the list of the share of the catalogue that is less popular, equally popular items counting half.

    Popularity is c_i, the number of training users of the item.

    Parameters
    ----------
    cold
        An item without training users counts as of popularity ``zero``, or ``drop`` it.
    """
    return weighting.mean(inputs, k, _popularity_percentiles(inputs.world, cold))


@once
def _popularity_percentiles(world: World, cold: str) -> NDArray[np.float64]:
    counts = world.item_counts
    of_catalogue = np.sort(counts[world.catalogue])
    less, at_most = (np.searchsorted(of_catalogue, counts, side=side) for side in ("left", "right"))
    return _kept(world, np.asarray((less + at_most) / (2 * len(of_catalogue))), cold)


@metric(
    title="Age of items",
    family="novelty",
    better="lower",
    needs=lambda values: (Need.DATES, *relevance_needs(values)),
    undefined=_UNDEFINED,
    cite="Chakraborty, Ghosh, Ganguly & Gummadi 2017, WWW, recency of what is recommended",
    bounds=lambda values: (0.0 if values["reference"] is None else -math.inf, math.inf),
)
def age(inputs: Inputs, *, k: Cutoff = 10, reference: Day | None = None, weighting: Weighting = Weighting()) -> PerUser:
    """Mean over the list of the days from the item's date to a reference date; items without a date are left out.

    Parameters
    ----------
    reference
        The reference date; by default the latest date of any item.
    """
    return weighting.mean(inputs, k, _ages(inputs.world, reference))


@once
def _ages(world: World, reference: Day | None) -> NDArray[np.float64]:
    dates = world.dates
    assert dates is not None  # noqa: S101 - Need.DATES was checked
    weights = np.full(world.n_items, np.nan)
    known = np.flatnonzero(~np.isnat(dates))
    if len(known):
        now = dates[known].max() if reference is None else np.datetime64(reference, "D")
        weights[known] = (now - dates[known]).astype(np.int64)
    return weights
