"""The genres of users' profiles, as re-rankers weigh them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.data.dataset import Features
from beyondacc.kernels.taste import taste_rows

__all__ = ["features_of", "normalised", "profile_features", "profile_rows", "scales"]

_BYTES: Final = 2**26  # of the numbers of users that are there at a time


def features_of(run: Batch) -> Features:
    """Return the features of the items, which were checked to be there."""
    features = run.world.features
    assert features is not None  # noqa: S101 - what is needed was checked
    return features


def profile_rows(rows: slice, n_features: int) -> Iterator[slice]:
    """Cut rows so that their numbers stay few."""
    step = max(1, _BYTES // (8 * max(1, n_features)))
    for start in range(rows.start, rows.stop, step):
        yield slice(start, min(start + step, rows.stop))


def profile_features(
    run: Batch, rows: slice, *, spread: bool, weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Add up the features of each user's profile, shape (rows, n_features).

    Parameters
    ----------
    spread
        Whether an item spreads its weight over its features, or gives all of it to each.
    weights
        Of the training rows; 1 by default.
    """
    features, train = features_of(run), run.train
    found = np.empty((rows.stop - rows.start, len(features.names)))
    given = np.empty(0) if weights is None else weights
    taste_rows(run.users[rows], train.starts, train.items, given, features.starts, features.ids, spread, found)
    return found


def normalised(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide each row by its sum; rows of zeros stay zeros."""
    total = sums.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(sums, total, out=np.zeros(sums.shape), where=total > 0)
    return shares


def scales(run: Batch) -> NDArray[np.float64]:
    """Return the entropy of the genre shares of each user's profile, divided by that of equal shares, shape (rows,).

    1, which leaves a weight as it is, where nothing is known of a user's genres (after Di Noia, Ostuni, Rosati,
    Tomeo & Di Sciascio 2014, RecSys, who set the diversity of a user's list by the entropy of the profile).
    """
    n_features = len(features_of(run).names)
    found = np.ones(len(run))
    if n_features < 2:
        return found
    for rows in profile_rows(slice(0, len(run)), n_features):
        shares = normalised(profile_features(run, rows, spread=True))
        logs = np.log2(shares, out=np.zeros(shares.shape), where=shares > 0)
        entropy = -(shares * logs).sum(axis=1) / np.log2(n_features)
        found[rows] = np.where(shares.any(axis=1), np.clip(entropy, 0.0, 1.0), 1.0)
    return found
