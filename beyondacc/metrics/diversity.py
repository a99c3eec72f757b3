"""Diversity inside a list, from distances between its items (METRICS, section 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Inputs
from beyondacc.declare.params import Cutoff, Fraction
from beyondacc.distances import JACCARD, Distance
from beyondacc.distances.arrays import Missing
from beyondacc.distances.declared import POLICIES
from beyondacc.kernels import tables
from beyondacc.kernels.vendi import make_lanes, vendi_rows
from beyondacc.metrics.base.ranks import (
    RankDiscount,
    Relevance,
    itemwise_truth,
    list_metric,
    relevance_gains,
    relevance_needs,
)
from beyondacc.metrics.base.registry import metric
from beyondacc.metrics.base.states import PerUser
from beyondacc.types import Bools, Floats

__all__ = ["eild", "ild", "ils", "vendi"]

_SMALL: Final = 64  # items whose eigenvalues a kernel finds


def distance_bounds(values: Mapping[str, Any]) -> tuple[float, float]:
    """Bounds of a mean of distances, or of what is given for a list without pairs."""
    alone = values.get("singleton") or 0.0
    return min(0.0, alone), max(values["distance"].upper, 1.0 if values.get("missing") == "one" else 0.0, alone)


@metric(
    title="Intra-list diversity",
    family="diversity",
    better="higher",
    undefined="for users with fewer than two items that have features",
    aliases=("intra_list_diversity",),
    cite="Smyth & McClave 2001, ICCBR; Ziegler et al. 2005, WWW",
    bounds=distance_bounds,
    core=True,
)
def ild(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    distance: Distance = JACCARD,
    missing: Missing = "skip",
    singleton: float | None = None,
) -> PerUser:
    """Mean distance over the unordered pairs of the first k items: 2 / (N (N - 1)) sum of d(i, j).

    Parameters
    ----------
    distance
        Between two items.
    missing
        What a pair counts that has no distance, as where an item has no features: ``skip`` it, distance ``one`` or
        ``zero``.
    singleton
        The value of a list of one item; undefined by default.
    """
    alone = math.nan if singleton is None else singleton
    return list_metric(inputs, distance.mean_inside(inputs, k, missing, alone))


def _similarity_bounds(values: Mapping[str, Any]) -> tuple[float, float]:
    k, upper = values["k"], max(values["distance"].upper, 1.0)
    pairs = 1 if values["average"] else max(1, k * (k - 1) // 2)
    alone = values["singleton"] or 0.0
    return min((1.0 - upper) * pairs, alone), max(float(pairs), alone)


@metric(
    title="Intra-list similarity",
    family="diversity",
    better="lower",
    undefined="for users with fewer than two items that have features",
    aliases=("intra_list_similarity",),
    cite="Ziegler, McNee, Konstan & Lausen 2005, WWW",
    bounds=_similarity_bounds,
)
def ils(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    distance: Distance = JACCARD,
    average: bool = False,
    missing: Missing = "skip",
    singleton: float | None = None,
) -> PerUser:
    """Sum of the similarities 1 - d(i, j) over the unordered pairs of the first k items.

    Parameters
    ----------
    distance
        Between two items.
    average
        Divide by the number of pairs.
    missing
        What a pair counts that has no distance: ``skip`` it, distance ``one`` or ``zero``.
    singleton
        The value of a list of one item; undefined by default.
    """
    means, counted = distance.mean_and_count(inputs, k, missing)
    values = (1.0 - means) * (1 if average else counted)
    if singleton is not None:
        values[np.minimum(inputs.lengths, k) == 1] = singleton
    return list_metric(inputs, values)


@metric(
    title="Expected intra-list diversity (EILD)",
    family="diversity",
    better="higher",
    needs=relevance_needs,
    undefined="for users with fewer than two items that have features (with relevance: or no relevant test item)",
    cite="Vargas & Castells 2011, RecSys",
    bounds=distance_bounds,
)
def eild(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    distance: Distance = JACCARD,
    missing: Missing = "skip",
    by_rank: RankDiscount = RankDiscount(),
    relevance: Relevance = "none",
    background: Fraction = 0.0,
) -> PerUser:
    """Mean over ranks a, weighted by disc(a), of rel(a) times the mean distance to the others, weighted by w(a, b).

    w(a, b) = disc(max(0, b - a - 1)) rel(b). Without discount and relevance it is the intra-list diversity.

    Parameters
    ----------
    distance
        Between two items.
    missing
        What a pair counts that has no distance: ``skip`` it, distance ``one`` or ``zero``.
    relevance, background
        ``binary``: items that are not relevant weigh 0; ``background``: items without a test row weigh `background`,
        those judged not relevant 0.
    """
    values = np.empty(len(inputs))
    gains, unrated = relevance_gains(inputs, relevance, background)
    weights = by_rank.ranks(k)
    for rows, table in distance.inside(inputs, k):
        of_rows = gains[rows] if len(gains) else gains
        tables.eild_rows(table, inputs.lengths[rows], k, POLICIES[missing], weights, of_rows, unrated, values[rows])
    return itemwise_truth(inputs, values, relevance)


@metric(
    title="Vendi score",
    family="diversity",
    better="higher",
    undefined="for users without an item that has features",
    cite="Friedman & Dieng 2023, TMLR",
    bounds=lambda values: (1.0, float(values["k"])),
)
def vendi(inputs: Inputs, *, k: Cutoff = 10, distance: Distance = JACCARD, missing: Missing = "skip") -> PerUser:
    """Effective number of different items: exp of the Shannon entropy of the eigenvalues of K / N, K the similarities.

    K(i, j) = 1 - d(i, j) and K(i, i) = 1. Eigenvalues below 0, which there are where K is no kernel, count as 0.

    Parameters
    ----------
    distance
        Between two items.
    missing
        ``skip``: items without features are left out; ``one``, ``zero``: a pair without a distance has that distance.
    """
    values = np.empty(len(inputs))
    present = distance.present(inputs.batch) if missing == "skip" else np.empty(0, np.bool_)
    without = 1.0 if missing == "zero" else 0.0
    width = min(k, inputs.lists.shape[1])
    room = make_lanes(width) if width <= _SMALL else None
    for rows, table in distance.inside(inputs, k):
        lists, lengths = inputs.lists[rows], inputs.lengths[rows]
        if room is not None:
            vendi_rows(table, lists, lengths, k, present, without, room, values[rows])
            continue
        kept = np.arange(width) < np.minimum(lengths, k)[:, None]
        kept &= present[lists[:, :width]] if len(present) else True
        values[rows] = _vendi_of_many(table, kept, without)
    return list_metric(inputs, values)


def _vendi_of_many(table: Floats, kept: Bools, without: float) -> NDArray[np.float64]:
    """Return what `vendi_rows` does, by LAPACK, whose blocks are faster for large matrices."""
    similar = np.where(np.isnan(table), without, 1.0 - table)
    similar *= kept[:, :, None] & kept[:, None, :]
    diagonal = np.arange(table.shape[1])
    similar[:, diagonal, diagonal] = kept
    roots = np.maximum(np.linalg.eigvalsh(similar), 0.0)
    total = roots.sum(axis=1, keepdims=True)
    shares = np.divide(roots, total, out=np.zeros_like(roots), where=total > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    effective = np.maximum(np.exp(-(shares * logs).sum(axis=1)), 1.0)
    return np.where(kept.any(axis=1), np.minimum(effective, np.maximum(kept.sum(axis=1), 1)), np.nan)
