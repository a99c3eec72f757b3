"""How far the items of a list are from the user's past (METRICS, sections 4 and 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Inputs
from beyondacc.declare.params import Cutoff
from beyondacc.distances import COOCCURRENCE, JACCARD, NPMI, Distance
from beyondacc.distances.arrays import Missing, ToProfile
from beyondacc.distances.rows import double_rows, scaled_rows
from beyondacc.kernels.profile import centroid_rows
from beyondacc.metrics.base.metric import Need
from beyondacc.metrics.base.ranks import Weighting, list_metric, ratio, relevance_needs
from beyondacc.metrics.base.registry import metric
from beyondacc.metrics.base.states import PerUser
from beyondacc.metrics.diversity import distance_bounds

__all__ = [
    "distance_unexpectedness",
    "epd",
    "serendipity",
    "surprise_content",
    "surprise_cooccurrence",
    "unserendipity",
]

ProfileStatistic = Literal["min", "mean"]
_KB = "Kaminskas & Bridge 2014, RecSys workshop on user interfaces; 2016, TiiS 7(1)"


def _statistic(found: ToProfile, profile: ProfileStatistic) -> NDArray[np.float64]:
    return found.least if profile == "min" else found.mean


def _mean_of_items(inputs: Inputs, k: int, weights: NDArray[np.float64]) -> PerUser:
    return Weighting().mean(inputs, k, weights)


@metric(
    title="Expected profile distance (EPD)",
    family="novelty",
    better="higher",
    needs=lambda values: (Need.TRAIN, *relevance_needs(values)),
    undefined="for users without a list or without training rows, or where no pair has a distance (with relevance: "
    "without a relevant test item)",
    cite="Vargas & Castells 2011, RecSys",
    bounds=distance_bounds,
)
def epd(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    distance: Distance = JACCARD,
    missing: Missing = "skip",
    profile: ProfileStatistic = "mean",
    weighting: Weighting = Weighting(),
) -> PerUser:
    """Mean over the list of the mean distance to the items of the user's profile.

    Parameters
    ----------
    distance
        Between two items.
    missing
        What a pair counts that has no distance: ``skip`` it, distance ``one`` or ``zero``.
    profile
        ``mean``: the mean distance to the profile; ``min``: the nearest item.
    """
    return weighting.mean(inputs, k, _statistic(distance.to_profile(inputs, k, missing), profile))


@metric(
    title="Content surprise",
    family="serendipity",
    better="higher",
    needs=(Need.TRAIN,),
    undefined="for users without a list or without training rows, or where no listed or no profile item has features",
    cite=_KB,
    bounds=distance_bounds,
    core=True,
)
def surprise_content(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    distance: Distance = JACCARD,
    missing: Missing = "skip",
    profile: ProfileStatistic = "min",
) -> PerUser:
    """Mean over the list of the distance to the nearest item of the user's profile.

    Parameters
    ----------
    distance
        Between two items.
    missing
        What a pair counts that has no distance: ``skip`` it, distance ``one`` or ``zero``.
    profile
        ``min``: the nearest item; ``mean``: the mean distance to the profile.
    """
    return _mean_of_items(inputs, k, _statistic(distance.to_profile(inputs, k, missing), profile))


@metric(
    title="Co-occurrence surprise",
    family="serendipity",
    better="higher",
    needs=(Need.TRAIN, Need.TRAIN_OF_ALL),
    undefined="for users without a list or without training rows",
    cite=_KB,
    core=True,
)
def surprise_cooccurrence(inputs: Inputs, *, k: Cutoff = 10, profile: ProfileStatistic = "min") -> PerUser:
    """Mean over the list of (1 - nPMI) / 2 with the profile item of highest nPMI.

    nPMI = log2(|U| c_ij / (c_i c_j)) / -log2(c_ij / |U|) counts how often training users have both items; -1 where none
    has, 1 where all have.

    Parameters
    ----------
    profile
        ``min``: the nearest item; ``mean``: the mean distance to the profile.
    """
    return _mean_of_items(inputs, k, _statistic(NPMI.to_profile(inputs, k), profile))


@metric(
    title="Unserendipity",
    family="serendipity",
    better="lower",
    needs=(Need.TRAIN,),
    undefined="for users without a list or without training rows, or where no pair has a distance",
    cite="Zhang, Séaghdha, Quercia & Jambor 2012, WSDM (Auralist)",
    bounds=lambda values: (min(0.0, 1.0 - values["distance"].upper), 1.0),
)
def unserendipity(
    inputs: Inputs, *, k: Cutoff = 10, distance: Distance = COOCCURRENCE, missing: Missing = "skip"
) -> PerUser:
    """Mean similarity 1 - d(i, j) over all pairs of a listed item and an item of the user's profile.

    Parameters
    ----------
    distance
        Between two items.
    missing
        What a pair counts that has no distance: ``skip`` it, distance ``one`` or ``zero``.
    """
    found = distance.to_profile(inputs, k, missing)
    total = np.cumsum(found.total, axis=1)[:, -1]  # in rank order, however long other lists are
    return list_metric(inputs, 1.0 - ratio(total, found.counted.sum(axis=1)))


@metric(
    title="Serendipity",
    family="serendipity",
    better="higher",
    needs=(Need.TRAIN, Need.TRUTH),
    undefined="for users without a relevant test item, and for those with a list none of whose items has a distance "
    "to the profile; a missing list scores 0",
    cite="Zhang, Séaghdha, Quercia & Jambor 2012, WSDM; Yan 2020, Medium, as in Microsoft's recommenders",
    bounds=lambda values: (0.0, max(1.0, values["distance"].upper)),
)
def serendipity(
    inputs: Inputs, *, k: Cutoff = 10, distance: Distance = COOCCURRENCE, missing: Missing = "skip"
) -> PerUser:
    """Mean over the list of (1 - mean similarity to the profile) rel: relevant items unlike what the user knows.

    Parameters
    ----------
    distance
        Between two items; similarity is 1 minus it.
    missing
        What a pair counts that has no distance: ``skip`` it, distance ``one`` or ``zero``. Items without any distance
        are left out.
    """
    return Weighting(relevance="binary").mean(inputs, k, distance.to_profile(inputs, k, missing).mean)


def _centroid_bounds(values: Mapping[str, Any]) -> tuple[float, float]:
    return 0.0, 2.0 if values["distance"] == "cosine" else np.inf


@metric(
    title="Distance from the profile's centre",
    family="serendipity",
    better="higher",
    needs=(Need.TRAIN, Need.ROWS),
    undefined="for users without a list, or where no listed or no profile item has features",
    cite="Adamopoulos & Tuzhilin 2014, TIST 5(4)",
    bounds=_centroid_bounds,
)
def distance_unexpectedness(
    inputs: Inputs, *, k: Cutoff = 10, distance: Literal["cosine", "euclidean"] = "cosine"
) -> PerUser:
    """Mean over the list of the distance to the mean of the items of the user's profile.

    Items are their vectors, else their weighted features, else zeros and ones; those without any are left out.

    Parameters
    ----------
    distance
        ``cosine``: 1 - cos; ``euclidean``.
    """
    train = inputs.batch.train
    weights = np.full((len(inputs), min(k, inputs.lists.shape[1])), np.nan)
    rows, empty = double_rows(inputs.world), scaled_rows(inputs.world)[1] == 0
    lists = (inputs.lists, inputs.lengths, k, inputs.users)
    centroid_rows(rows, empty, *lists, train.starts, train.items, distance == "cosine", weights)
    return _mean_of_items(inputs, k, weights)
