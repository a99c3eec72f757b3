"""The genres of users' profiles, as metrics read them: once for all metrics of a block of rows."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Inputs, row_sizes
from beyondacc.data.dataset import Features
from beyondacc.data.once import once
from beyondacc.kernels.calibration import share_rows
from beyondacc.kernels.planes import make_planes, plane_taste_rows, worth_planes
from beyondacc.kernels.taste import sparse_taste_rows
from beyondacc.types import ItemIds, Offsets

__all__ = ["Shares", "Taste", "features_of", "list_shares", "shares_of", "taste"]


class Taste(NamedTuple):
    """Features of the items of each row's user, compressed rows.

    Attributes
    ----------
    starts : (rows + 1,)
    ids : (n,)
        Each feature once a row.
    counts : (n,)
        How many items have it.
    shares : (n,)
        What these items give to it of their weights, as parts of the sum; 0 where that is 0.
    """

    starts: Offsets
    ids: ItemIds
    counts: NDArray[np.float64]
    shares: NDArray[np.float64]


def features_of(inputs: Inputs) -> Features:
    """Return the features of the items, which were checked to be there."""
    features = inputs.world.features
    assert features is not None  # noqa: S101 - Need.FEATURES was checked
    return features


def taste(
    inputs: Inputs,
    source: Literal["train", "test"] = "train",
    weights: Literal["none", "rating", "recency"] = "none",
    *,
    spread: bool = True,
) -> Taste:
    """Return what the training items of each row's user, or the relevant test items, consist of.

    Parameters
    ----------
    weights
        What an item weighs: 1, its value, or 1 / (n + 1) where n items of the user are later.
    spread
        Whether an item spreads its weight evenly over its features, or gives all of it to each of them.
    """
    return _taste(inputs, source, weights, spread)


@once
def _taste(inputs: Inputs, source: str, weights: str, spread: bool) -> Taste:
    features, profiles = features_of(inputs), inputs.batch.train if source == "train" else inputs.batch.test
    n_features = len(features.names)
    most = features.most
    lengths = row_sizes(profiles, inputs.users)
    n = int(np.minimum(lengths * most, n_features).sum()) + n_features
    starts, ids = np.zeros(len(inputs) + 1, np.int64), np.empty(n, np.int32)
    counts, shares = np.empty(n), np.empty(n)
    if weights == "none" and spread and worth_planes(features.bits, most):
        room = make_planes(int(lengths.max(initial=0)), most)
        plane_taste_rows(
            inputs.users,
            profiles.starts,
            profiles.items,
            features.bits,
            n_features,
            room,
            starts,
            ids,
            counts,
            shares,
        )
        return Taste(starts, ids, counts, shares)
    given = profiles.values if weights == "rating" else np.empty(0)
    if weights == "recency":
        given = 1.0 / (profiles.recency + 1)
    rows = (inputs.users, profiles.starts, profiles.items, given)
    sparse_taste_rows(*rows, features.starts, features.ids, n_features, spread, starts, ids, counts, shares)
    return Taste(starts, ids, counts, shares)


class Shares(NamedTuple):
    """Genre shares of lists, compressed rows, each feature once a row."""

    starts: Offsets
    ids: ItemIds
    shares: NDArray[np.float64]


def shares_of(
    features: Features,
    lists: ItemIds,
    lengths: NDArray[np.int32],
    by_rank: NDArray[np.float64],
    *,
    spread: bool = True,
) -> Shares:
    """Return the genre shares of the first items of lists, as many as there are weights of ranks.

    Parameters
    ----------
    spread
        Whether an item spreads its weight over its genres, or gives all of it to each of them.
    """
    k = len(by_rank)
    n = int(np.minimum(np.minimum(lengths, k) * features.most, len(features.names)).sum())
    starts, ids, shares = np.zeros(len(lists) + 1, np.int64), np.empty(n, np.int32), np.empty(n)
    of_lists = features.starts, features.ids, len(features.names), lists, lengths, k, by_rank
    share_rows(*of_lists, spread, starts, ids, shares)
    return Shares(starts, ids, shares)


def list_shares(inputs: Inputs, by_rank: NDArray[np.float64], *, spread: bool = True) -> Shares:
    """Return the genre shares of the lists of a block, once for all metrics that weigh ranks and genres alike."""
    return _list_shares(inputs, tuple(by_rank.tolist()), spread)


@once
def _list_shares(inputs: Inputs, by_rank: tuple[float, ...], spread: bool) -> Shares:
    return shares_of(features_of(inputs), inputs.lists, inputs.lengths, np.array(by_rank), spread=spread)
