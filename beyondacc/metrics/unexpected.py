"""Unexpectedness and serendipity against a primitive model (METRICS, section 5)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Inputs
from beyondacc.data.once import once
from beyondacc.data.world import World
from beyondacc.declare.params import Cutoff
from beyondacc.kernels.profile import ahead_of_popularity_rows, ahead_of_primitive_rows, unexpected_rows
from beyondacc.metrics.base.metric import Need
from beyondacc.metrics.base.ranks import list_metric, truth_metric
from beyondacc.metrics.base.registry import metric
from beyondacc.metrics.base.states import PerUser
from beyondacc.types import Floats

__all__ = ["serendipity_ge", "serendipity_murakami", "serendipity_rank", "unexpectedness"]

Denominator = Literal["list", "k"]
_ACCURATE = "for users without a relevant test item; a missing or empty list scores 0"


def _unexpected(inputs: Inputs, k: int, gains: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.empty(len(inputs))
    unexpected_rows(inputs.lists, inputs.lengths, k, inputs.expected(k).items, gains, values)
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
def unexpectedness(inputs: Inputs, *, k: Cutoff = 10, denominator: Denominator = "list") -> PerUser:
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
    undefined=_ACCURATE,
    cite="Ge, Delgado-Battenfeld & Jannach 2010, RecSys",
    core=True,
)
def serendipity_ge(inputs: Inputs, *, k: Cutoff = 10) -> PerUser:
    """Share of the list that is relevant and that a primitive model would not have shown: |(R without E) and T| / N."""
    return truth_metric(inputs, _unexpected(inputs, k, inputs.gains) / np.clip(inputs.lengths, 1, k))


@once
def _anybody(world: World) -> NDArray[np.float64]:
    """Return how high each item stands in the order of popularity, from 1 down to 0 for a cold item."""
    counts = np.where(world.catalogue, world.item_counts, 0)
    levels = np.unique(counts[counts > 0])
    worse = len(levels) - 1 - np.searchsorted(levels, counts)  # how many distinct counts are larger
    n = int(world.catalogue.sum())
    return np.where(counts > 0, (n - worse) / n, 0.0)


@metric(
    title="Serendipity (rank)",
    family="serendipity",
    better="higher",
    needs=(Need.TRAIN, Need.TRUTH),
    undefined=_ACCURATE,
    cite="Murakami, Mori & Orihara 2007, JSAI, with popularity as the primitive model, as in RecTools 2022",
)
def serendipity_rank(inputs: Inputs, *, k: Cutoff = 10, denominator: Denominator = "list") -> PerUser:
    """Mean over the list of max(p_u - p_any, 0) if the item is relevant, else 0: how much higher than by popularity.

    p_u = (n + 1 - rank) / n and p_any = (n + 1 - popularity rank) / n, both ranks from 1, n the size of the catalogue.
    Items with equally many training users share a popularity rank, the next item has the next one. p_any is 0 for items
    without training users or outside the catalogue.

    Parameters
    ----------
    denominator
        ``list``: the length of the list; ``k``.
    """
    values, anybody = np.empty(len(inputs)), _anybody(inputs.world)
    n_items = int(inputs.world.catalogue.sum())
    ahead_of_popularity_rows(inputs.lists, inputs.lengths, k, inputs.gains, anybody, n_items, values)
    return truth_metric(inputs, values / (np.clip(inputs.lengths, 1, k) if denominator == "list" else k))


@metric(
    title="Serendipity (Murakami)",
    family="serendipity",
    better="higher",
    needs=(Need.TRAIN, Need.TRUTH),
    undefined=_ACCURATE,
    cite="Murakami, Mori & Orihara 2007, JSAI",
)
def serendipity_murakami(inputs: Inputs, *, k: Cutoff = 10) -> PerUser:
    """Mean over the list of max(a - b, 0) hits(r) / (r + 1) if the item is relevant, else 0.

    a is the item's score, min-max scaled over the first k of the list (all 0 where they are equal), and 1/(r + 1) where
    the lists have no scores. b is the same for the first k items of a primitive model, and 0 for items not among them.
    hits(r) counts the relevant items up to rank r. The primitive model is that of the lists given as ``primitive=``, by
    default the most popular items that are not in the user's training rows, scored by their number of training users.
    """
    values, expected = np.empty(len(inputs)), inputs.expected(k)
    ahead_of_primitive_rows(
        inputs.lists,
        inputs.lengths,
        k,
        _numbers(inputs.scores),
        inputs.gains,
        expected.items,
        expected.lengths,
        _numbers(inputs.expected_scores(k)),
        values,
    )
    return truth_metric(inputs, values / np.clip(inputs.lengths, 1, k))


def _numbers(scores: Floats | None) -> NDArray[np.float64]:
    """Return scores in one type, so that a kernel is compiled once; empty where there are none."""
    return np.empty((0, 0)) if scores is None else np.ascontiguousarray(scores, np.float64)
