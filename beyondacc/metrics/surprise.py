"""How far the items of a list are from the user's past (METRICS, sections 4 and 5)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from beyondacc.data.binding import Inputs
from beyondacc.distances import JACCARD, Distance, pair_arrays
from beyondacc.kernels import pairwise
from beyondacc.kernels.profile import cooccurrence_rows
from beyondacc.metrics.diversity import distance_bounds
from beyondacc.metrics.ranks import list_metric
from beyondacc.spec.metric import Need
from beyondacc.spec.params import Cutoff
from beyondacc.spec.registry import metric
from beyondacc.spec.states import PerUser

__all__ = ["surprise_content", "surprise_cooccurrence"]

ProfileStatistic = Literal["min", "mean"]
_KB = "Kaminskas & Bridge 2014, RecSys workshop on user interfaces; 2016, TiiS 7(1)"


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
    inputs: Inputs, *, k: Cutoff = 10, distance: Distance = JACCARD, profile: ProfileStatistic = "min"
) -> PerUser:
    """Mean over the list of the distance to the nearest item of the user's profile.

    Parameters
    ----------
    distance
        Between two items; items without features are left out.
    profile
        ``min``: the nearest item; ``mean``: the mean distance to the profile.
    """
    values = np.empty(len(inputs))
    train = inputs.run.train
    pairwise.nearest_rows(
        *pair_arrays(distance, inputs.run),
        inputs.lists,
        inputs.lengths,
        k,
        inputs.users,
        train.starts,
        train.items,
        profile == "mean",
        values,
    )
    return list_metric(inputs, values)


@metric(
    title="Co-occurrence surprise",
    family="serendipity",
    better="higher",
    needs=(Need.TRAIN,),
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
    values = np.empty(len(inputs))
    train = inputs.run.train
    item_starts, item_users = inputs.run.by_item
    cooccurrence_rows(
        inputs.lists,
        inputs.lengths,
        k,
        inputs.users,
        train.starts,
        train.items,
        item_starts,
        item_users,
        inputs.run.data.n_train_users,
        profile == "mean",
        values,
    )
    return list_metric(inputs, values)
