"""Popularity bias and exposure of groups of items (METRICS, section 8)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.bound.batch import Inputs, row_sizes
from beyondacc.data.dataset import Dataset, Profiles
from beyondacc.data.groups import POPULARITY, head_items, item_attributes, item_groups, tail_items
from beyondacc.data.once import once
from beyondacc.data.world import World
from beyondacc.declare.params import Cutoff, Fraction, Group
from beyondacc.errors import did_you_mean
from beyondacc.kernels.popularity import listed_sums, owned_sums
from beyondacc.metrics.base.metric import Need
from beyondacc.metrics.base.ranks import RankDiscount, list_metric, ratio
from beyondacc.metrics.base.registry import metric
from beyondacc.metrics.base.resampling import Showings, Totals
from beyondacc.metrics.base.states import PerUser
from beyondacc.metrics.coverage import count_exposure, showings

__all__ = ["aclt", "aplt", "group_exposure_ratio", "pop_reo", "pop_rsp", "popularity_lift"]

Value = Any  # a number, or an array of one number a replicate
_EVERY = np.empty((0, 0))
_LONG_TAIL = "Abdollahpouri, Burke & Mobasher 2019, FLAIRS"
_UNDER = "Zhu, Wang & Caverlee 2020, SIGIR"


@dataclasses.dataclass(frozen=True)
class Head(Group):
    """What is popular.

    Parameters
    ----------
    head
        The head is the most popular items, up to the first with which they hold this share of the training rows. All
        other items are the tail.
    head_by
        ``interactions``: as above; ``items``: the head is this share of the items of the catalogue with training rows,
        the tail is the rarest others, rounded down but at least one, and items without training rows are in neither, as
        in RecBole's TailPercentage, whose tail_ratio is 1 - head.
    """

    head: Fraction = 0.8
    head_by: Literal["interactions", "items"] = "interactions"

    def and_tail(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return ones for the items that are in the head, and for those that are in the tail: (items, 2)."""
        return _head_and_tail(inputs.world, self.head, self.head_by)


@once
def _head_and_tail(world: World, head: float, head_by: str) -> NDArray[np.float64]:
    if head_by == "items":
        rare = tail_items(world, head)
        return np.column_stack([(world.item_counts > 0) & ~rare, rare]).astype(np.float64)
    popular = head_items(world, head)
    return np.column_stack([popular, ~popular]).astype(np.float64)


_HEAD: Final = Head()


def _listed(inputs: Inputs, k: int, numbers: NDArray[np.float64], gains: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.empty((len(inputs), numbers.shape[1]))
    listed_sums(inputs.lists, inputs.lengths, k, gains, numbers, found)
    return found


def _owned(inputs: Inputs, rows: Profiles, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.empty((len(inputs), numbers.shape[1]))
    owned_sums(inputs.users, rows.starts, rows.items, numbers, found)
    return found


@metric(
    title="Share of long-tail items (APLT)",
    family="popularity",
    better="higher",
    needs=(Need.TRAIN,),
    undefined="for users without a list",
    cite=_LONG_TAIL,
)
def aplt(inputs: Inputs, *, k: Cutoff = 10, popular: Head = _HEAD) -> PerUser:
    """Share of the list that is in the tail of the catalogue."""
    tail = _listed(inputs, k, popular.and_tail(inputs), _EVERY)[:, 1]
    return list_metric(inputs, tail / np.clip(inputs.lengths, 1, k))


@metric(
    title="Number of long-tail items (ACLT)",
    family="popularity",
    better="higher",
    needs=(Need.TRAIN,),
    undefined="for users without a list",
    cite=_LONG_TAIL,
    bounds=lambda values: (0.0, float(values["k"])),
)
def aclt(inputs: Inputs, *, k: Cutoff = 10, popular: Head = _HEAD) -> PerUser:
    """How many of the first k items are in the tail of the catalogue."""
    return list_metric(inputs, _listed(inputs, k, popular.and_tail(inputs), _EVERY)[:, 1])


def _popularity_of_lists_and_profiles(inputs: Inputs, values: Mapping[str, Any]) -> PerUser:
    run, k = inputs.batch, values["k"]
    counts = inputs.world.item_counts[:, None].astype(np.float64)
    sizes = row_sizes(run.train, inputs.users)
    listed = _listed(inputs, k, counts, _EVERY) / np.clip(inputs.lengths, 1, k)[:, None]
    owned = _owned(inputs, run.train, counts) / np.maximum(sizes, 1)[:, None]
    columns = np.hstack([listed, owned])
    columns[(inputs.lengths == 0) | (sizes == 0)] = np.nan
    return PerUser(columns)


@metric(
    title="Popularity lift",
    family="popularity",
    better="target",
    needs=(Need.TRAIN,),
    undefined="where no user has a list and training rows",
    cite="Abdollahpouri, Mansoury, Burke & Mobasher 2020, RecSys",
    accumulate=_popularity_of_lists_and_profiles,
    bounds=(-1.0, math.inf),
)
def popularity_lift(totals: Totals, *, k: Cutoff = 10) -> Value:  # noqa: ARG001 - k was used by accumulate
    """How much more popular lists are than profiles: (GAP_R - GAP_P) / GAP_P, 0 where they are equally popular.

    GAP is the mean over users of the mean c_i of the first k items of their list (R) or of their training rows (P), c_i
    the number of training users of the item. Users without a list or without training rows do not count.
    """
    listed, owned = totals.sums[..., 0], totals.sums[..., 1]
    return ratio(listed - owned, owned)


def _rate_spread(totals: Totals) -> Value:
    """Return standard deviation / mean of two rates, |a - b| / (a + b), from both numerators and both denominators."""
    rates = ratio(totals.sums[..., :2], totals.sums[..., 2:])
    return ratio(np.abs(rates[..., 0] - rates[..., 1]), rates.sum(axis=-1))


def _hits_of_head_and_tail(inputs: Inputs, values: Mapping[str, Any]) -> PerUser:
    groups = Head(values["head"], values["head_by"]).and_tail(inputs)
    hits = _listed(inputs, values["k"], groups, inputs.gains)
    columns = np.hstack([hits, _owned(inputs, inputs.batch.test, groups)])
    columns[inputs.n_relevant == 0] = np.nan
    return PerUser(columns)


@metric(
    title="Popularity-opportunity bias (REO)",
    family="popularity",
    better="lower",
    needs=(Need.TRAIN, Need.TRUTH),
    undefined="where the head or the tail has no relevant test item, or no item is hit",
    cite=f"{_UNDER}, ranking-based equal opportunity",
    accumulate=_hits_of_head_and_tail,
)
def pop_reo(totals: Totals, *, k: Cutoff = 10, popular: Head = _HEAD) -> Value:  # noqa: ARG001 - used before
    """How unequal the hit rates of head and tail are: standard deviation / mean of hits / relevant test items.

    Hits and relevant test items are added up over all users.
    """
    return _rate_spread(totals)


def _showings_of_head_and_tail(inputs: Inputs, values: Mapping[str, Any]) -> PerUser:
    run = inputs.batch
    groups = Head(values["head"], values["head_by"]).and_tail(inputs) * inputs.world.catalogue[:, None]
    shown = _listed(inputs, values["k"], groups, _EVERY)
    columns = np.hstack([shown, groups.sum(axis=0) - _owned(inputs, run.train, groups)])
    columns[inputs.lengths == 0] = np.nan
    return PerUser(columns)


@metric(
    title="Popularity-rank bias (RSP)",
    family="popularity",
    better="lower",
    needs=(Need.TRAIN,),
    undefined="where nothing of the head or of the tail can be recommended to anyone, or nothing of the catalogue is",
    cite=f"{_UNDER}, ranking-based statistical parity",
    accumulate=_showings_of_head_and_tail,
)
def pop_rsp(totals: Totals, *, k: Cutoff = 10, popular: Head = _HEAD) -> Value:  # noqa: ARG001 - used before
    """How unequally head and tail are shown: standard deviation / mean of showings / items that could be shown.

    Those are the items of the catalogue that are not among the user's training rows. Both are added up over all users
    with a list; only items of the catalogue count.
    """
    return _rate_spread(totals)


def _attribute_lacking(values: Mapping[str, Any], data: Dataset) -> str | None:
    """Say that the items lack the attribute; raises `SpecError` where it has too many values."""
    attribute, known = values["attribute"], item_attributes(data.world)
    if attribute in known:
        item_groups(data.world, attribute, values["head"])
        return None
    if attribute == POPULARITY:
        return Need.TRAIN.value
    hint = f"; {did_you_mean(attribute, known)}" if known else ""
    return f"items with {attribute!r}; pass items= with such a column{hint}"


@once
def _members(world: World, attribute: str, head: float) -> sparse.csr_array:
    """Return which items are in which group of the catalogue, as ones: (items, groups)."""
    groups = item_groups(world, attribute, head)
    ones, shape = np.ones(len(groups.items)), (world.n_items, len(groups.names))
    return sparse.csr_array((ones, (groups.items, groups.groups)), shape=shape)


@metric(
    title="Exposure ratio of item groups",
    family="popularity",
    better="higher",
    undefined="where fewer than two groups have items, or none of them is shown",
    cite="Singh & Joachims 2018, KDD, demographic parity of exposure",
    accumulate=count_exposure,
    lacks=_attribute_lacking,
)
def group_exposure_ratio(
    exposure: Showings,
    *,
    k: Cutoff = 10,  # noqa: ARG001 - k was used by accumulate
    attribute: str = POPULARITY,
    head: Fraction = 0.8,
    by_rank: RankDiscount = RankDiscount(discount="log2"),
) -> Value:
    """Lowest over highest mean exposure of a group of items: 1 where all groups are shown alike, 0 where one never is.

    The exposure of an item is the sum over users of the weight of the rank at which they see it; that of a group is the
    mean over its items of the catalogue.

    Parameters
    ----------
    attribute
        What the items are grouped by: ``popularity`` (head and tail), ``genres`` (an item is in the group of each of
        its genres), or a column of the items table. Items without it are in no group.
    head
        The head is the most popular items, up to the first with which they hold this share of the training rows.
    """
    members = _members(exposure.world, attribute, head)
    shown = showings(exposure, by_rank)
    sizes = members.sum(axis=0)
    if np.count_nonzero(sizes) < 2:
        return np.full(shown.shape[:-1], np.nan)
    flat = shown.reshape(-1, shown.shape[-1])
    means = np.asarray(flat @ members[exposure.items])[:, sizes > 0] / sizes[sizes > 0]
    return ratio(means.min(axis=1), means.max(axis=1)).reshape(shown.shape[:-1])
