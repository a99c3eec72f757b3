"""Change against earlier lists (METRICS, section 3)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from beyondacc.bound.batch import Inputs
from beyondacc.declare.params import Cutoff
from beyondacc.kernels.align import gain_rows
from beyondacc.kernels.profile import unexpected_rows
from beyondacc.metrics.base.metric import Need
from beyondacc.metrics.base.ranks import list_metric
from beyondacc.metrics.base.registry import metric
from beyondacc.metrics.base.states import PerUser
from beyondacc.types import ItemIds

__all__ = ["temporal_diversity", "temporal_novelty", "unseen_share"]

Denominator = Literal["k", "list"]
_UNDEFINED = "for users without a list or without a non-empty earlier list"
_CITE = "Lathia, Hailes, Capra & Amatriain 2010, SIGIR"


def _earlier(inputs: Inputs, k: int) -> list[ItemIds]:
    """Return the first k items of each earlier list, oldest first, padded to one width."""
    lists = [each.items for each in inputs.earlier(k)]
    width = max(each.shape[1] for each in lists)
    return [np.pad(each, ((0, 0), (0, width - each.shape[1])), constant_values=-1) for each in lists]


def _new(inputs: Inputs, k: int, earlier: ItemIds, denominator: Denominator) -> PerUser:
    """Return the share of new items, NaN where nothing was shown earlier."""
    values = np.empty(len(inputs))
    unexpected_rows(inputs.lists, inputs.lengths, k, earlier, np.empty((0, 0)), values)
    values /= np.clip(inputs.lengths, 1, k) if denominator == "list" else k
    values[(earlier < 0).all(axis=1)] = np.nan
    return list_metric(inputs, values)


@metric(
    title="Temporal diversity",
    family="diversity",
    better="higher",
    needs=(Need.EARLIER,),
    undefined=_UNDEFINED,
    cite=_CITE,
)
def temporal_diversity(inputs: Inputs, *, k: Cutoff = 10, denominator: Denominator = "k") -> PerUser:
    """How many of the first k items the user's latest earlier list does not show, divided by k.

    The first k items of an earlier list count. A user's empty earlier lists are passed over.

    Parameters
    ----------
    denominator
        ``k``; ``list``: the length of the list.
    """
    latest, *older = reversed(_earlier(inputs, k))
    for lists in older:
        latest = np.where((latest < 0).all(axis=1, keepdims=True), lists, latest)
    return _new(inputs, k, latest, denominator)


@metric(
    title="Temporal novelty",
    family="diversity",
    better="higher",
    needs=(Need.EARLIER,),
    undefined=_UNDEFINED,
    cite=_CITE,
)
def temporal_novelty(inputs: Inputs, *, k: Cutoff = 10, denominator: Denominator = "k") -> PerUser:
    """How many of the first k items none of the user's earlier lists shows, divided by k.

    The first k items of an earlier list count.

    Parameters
    ----------
    denominator
        ``k``; ``list``: the length of the list.
    """
    return _new(inputs, k, np.concatenate(_earlier(inputs, k), axis=1), denominator)


@metric(
    title="Share of unseen items",
    family="novelty",
    better="higher",
    needs=(Need.TRAIN,),
    undefined="for users without a list",
    cite="Castells, Hurley & Vargas 2022, Recommender Systems Handbook, 3rd edition, ch. 16, sec. 2; RePlay's Novelty",
)
def unseen_share(inputs: Inputs, *, k: Cutoff = 10, denominator: Denominator = "k") -> PerUser:
    """How many of the first k items are not among the user's training rows, divided by k.

    To a user without training rows all items are unseen.

    Parameters
    ----------
    denominator
        ``k``; ``list``: the length of the list, as in RePlay.
    """
    train, seen = inputs.batch.train, np.empty(inputs.lists.shape)
    rows = (inputs.lists, inputs.lengths, inputs.users, train.starts, train.items)
    gain_rows(*rows, np.zeros(len(train.items)), inputs.world.n_items, seen)
    unseen = np.count_nonzero((seen[:, :k] < 0) & (inputs.lists[:, :k] >= 0), axis=1)
    return list_metric(inputs, unseen / (np.clip(inputs.lengths, 1, k) if denominator == "list" else k))
