"""Diversity inside a list (METRICS, section 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from beyondacc.data.binding import Inputs
from beyondacc.distances import JACCARD, Distance, pair_arrays
from beyondacc.kernels import pairwise
from beyondacc.spec.params import Cutoff
from beyondacc.spec.registry import metric
from beyondacc.spec.states import PerUser

__all__ = ["ild"]


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
    missing: Literal["skip", "one", "zero"] = "skip",
    singleton: float | None = None,
) -> PerUser:
    """Mean distance over the unordered pairs of the first k items: 2 / (N (N - 1)) sum of d(i, j).

    Parameters
    ----------
    distance
        Between two items.
    missing
        What a pair counts of which an item has no features: ``skip`` it, distance ``one`` or ``zero``.
    singleton
        The value of a list of one item; undefined by default.
    """
    values = np.empty(len(inputs))
    pairs = pair_arrays(distance, inputs.run)
    policy = ("skip", "one", "zero").index(missing)
    alone = math.nan if singleton is None else singleton
    rest = (inputs.lists, inputs.lengths, k, policy, alone, values)
    if pairs.kind == pairwise.COSINE_VECTORS:
        pairwise.ild_cosine_rows(pairs.sizes, pairs.vectors, *rest)
    else:
        pairwise.ild_rows(*pairs, *rest)
    return PerUser(values)
