"""Genres in profiles and in lists: what shares they have, how the shares of two move together over users."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.bound.batch import Batch
from beyondacc.correlation.correlate import correlation
from beyondacc.data.dataset import Features
from beyondacc.errors import DataError

__all__ = ["PROFILES", "common_genres", "genre_correlations", "genre_shares", "profile_shares", "representation"]

PROFILES = "training profiles"
"""What the profiles are called where the models have their names."""

Floats = NDArray[np.float64]


def genre_shares(run: Batch, k: int) -> Floats:
    """Return the share of the first k listed items that have each genre, NaN where a list is empty.

    An item counts fully for each of its genres, so that the shares of a list need not add up to 1 and one can rise
    without another falling.

    Returns
    -------
    (rows, genres)
    """
    rows, _, places = run.ranked.flat(k)
    return _shares(rows, run.ranked.items[places], len(run), _features(run))


def profile_shares(run: Batch) -> Floats:
    """Return the share of the training items that have each genre, NaN for a user without any; as `genre_shares`."""
    train = run.train
    sizes = np.append(np.diff(train.starts), 0)
    owners = np.repeat(np.arange(len(train.starts) - 1), np.diff(train.starts))
    shares = _shares(owners, train.items, len(sizes), _features(run))
    return shares[run.users]  # a user the dataset does not know has -1, the last row, which is empty


def _features(run: Batch) -> Features:
    features = run.world.features
    if features is None:
        raise DataError("shares of genres need items with genres; pass items= with a genres column to the Dataset")
    return features


def _shares(rows: NDArray[np.int64], items: NDArray[np.int32], n_rows: int, features: Features) -> Floats:
    n_items = len(features.starts) - 1
    listed = sparse.csr_array((np.ones(len(rows)), (rows, items)), shape=(n_rows, n_items))
    ones = np.ones(len(features.ids))
    has = sparse.csr_array((ones, features.ids, features.starts), shape=(n_items, len(features.names)))
    sizes = np.bincount(rows, minlength=n_rows).astype(np.float64)
    sizes[sizes == 0] = np.nan
    shares: Floats = (listed @ has).toarray() / sizes[:, None]
    return shares


def common_genres(run: Batch, most: int) -> list[int]:
    """Return the positions of the genres that most training rows have, most frequent first, at most so many."""
    features = _features(run)
    rows = np.bincount(features.ids, run.world.item_counts.repeat(np.diff(features.starts)), len(features.names))
    return [int(genre) for genre in np.argsort(-rows, kind="stable")[:most] if rows[genre] > 0]


def genre_correlations(runs: Mapping[str, Batch], k: int, most: int) -> pd.DataFrame:
    """Correlate the shares of genres over users: Pearson's r, for the profiles and for the lists of each model.

    Parameters
    ----------
    runs
        Runs over one dataset, by the name of the model.
    k
        How many items of a list count.
    most
        How many genres, the most frequent ones.

    Returns
    -------
    DataFrame
        source (`PROFILES` or the model), genre_a, genre_b, coefficient (NaN where a share is the same for all users),
        n_users; both orders, without the diagonal.
    """
    first = next(iter(runs.values()))
    chosen = common_genres(first, most)
    names = [_features(first).names[genre] for genre in chosen]
    tables = {PROFILES: profile_shares(first)} | {model: genre_shares(run, k) for model, run in runs.items()}
    rows = []
    for source, shares in tables.items():
        found = correlation(shares[:, chosen], "pearson")
        n_users = int(np.count_nonzero(~np.isnan(shares).any(axis=1)))
        rows += [
            (source, a, b, found[i, j], n_users) for i, a in enumerate(names) for j, b in enumerate(names) if i != j
        ]
    return pd.DataFrame(rows, columns=["source", "genre_a", "genre_b", "coefficient", "n_users"])


def representation(runs: Mapping[str, Batch], k: int, most: int) -> pd.DataFrame:
    """Compare the shares of genres in lists with those in the profiles of the same users.

    Parameters
    ----------
    runs, k, most
        As in `genre_correlations`.

    Returns
    -------
    DataFrame
        A row a model and genre: model, genre, profile_share and list_share (means over the users with both), difference
        (of the latter from the former), ci_low, ci_high (1.96 standard errors of the mean paired difference), n_users.
    """
    first = next(iter(runs.values()))
    chosen = common_genres(first, most)
    names = [_features(first).names[genre] for genre in chosen]
    rows = []
    for model, run in runs.items():
        own, shown = profile_shares(run)[:, chosen], genre_shares(run, k)[:, chosen]
        both = ~(np.isnan(own) | np.isnan(shown)).any(axis=1)
        n_users = int(both.sum())
        if n_users < 2:  # one user says nothing about others
            continue
        own, shown = own[both], shown[both]
        difference = (shown - own).mean(axis=0)
        half = 1.96 * (shown - own).std(axis=0, ddof=1) / np.sqrt(n_users)
        columns = (own.mean(axis=0), shown.mean(axis=0), difference, difference - half, difference + half)
        rows += [(model, name, *numbers, n_users) for name, *numbers in zip(names, *columns, strict=True)]
    shares = ["profile_share", "list_share", "difference", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=["model", "genre", *shares, "n_users"])
