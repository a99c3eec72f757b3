"""A workload as both sides of a comparison see it: encoded by the library, and as the plain arrays of naive code."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from workloads import Workload, make

import beyondacc as ba
from beyondacc.bound.batch import Batch
from beyondacc.bound.bind import bind, bind_lists

__all__ = ["Arrays", "K", "World", "encode", "load_world"]

K = 10  # metrics are cut there, re-rankers pick so many


@dataclasses.dataclass(frozen=True)
class Arrays:
    """What naive code computes from: positions of users and items, everything that depends on items alone prepared.

    Attributes
    ----------
    lists, users
        Evaluated lists padded with -1, and the user of each row.
    candidates, scores, candidate_users
        The same of the lists to re-rank.
    train_starts, train_items
        Compressed rows of the training items of each user.
    test_starts, test_items, test_gains
        Compressed rows of the relevant items of each user.
    genres : (items, genres) bool
    vectors : (items, d)
    places : (items,)
        The place of each item in the order of their ids.
    """

    lists: NDArray[np.int32]
    users: NDArray[np.int32]
    candidates: NDArray[np.int32]
    scores: NDArray[np.float64]
    candidate_users: NDArray[np.int32]
    train_starts: NDArray[np.int64]
    train_items: NDArray[np.int32]
    test_starts: NDArray[np.int64]
    test_items: NDArray[np.int32]
    test_gains: NDArray[np.float64]
    genres: NDArray[np.bool_]
    vectors: NDArray[np.float32]
    places: NDArray[np.int32]

    def listed(self, row: int) -> NDArray[np.int32]:
        """Return the first items of a list."""
        items = self.lists[row, :K]
        return items[items >= 0]

    def profile(self, user: int) -> NDArray[np.int32]:
        """Return the training items of a user."""
        return self.train_items[self.train_starts[user] : self.train_starts[user + 1]]

    def relevant(self, user: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the relevant items of a user and their gains."""
        own = slice(self.test_starts[user], self.test_starts[user + 1])
        return self.test_items[own], self.test_gains[own]

    def pool(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return candidates and their scores."""
        kept = self.candidates[row] >= 0
        return self.candidates[row, kept], self.scores[row, kept]

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.genres)

    @functools.cached_property
    def n_users(self) -> int:
        """Number of users with training items."""
        return int(np.count_nonzero(np.diff(self.train_starts)))

    @functools.cached_property
    def counts(self) -> NDArray[np.int64]:
        """Training users of each item."""
        return np.bincount(self.train_items, minlength=self.n_items)

    @functools.cached_property
    def by_popularity(self) -> NDArray[np.int64]:
        """Items, most popular first; equally popular ones in the order of their ids."""
        return np.lexsort((self.places, -self.counts))

    @functools.cached_property
    def levels(self) -> NDArray[np.int64]:
        """How many distinct numbers of training users are larger than that of each item."""
        distinct = np.unique(self.counts)
        return len(distinct) - 1 - np.searchsorted(distinct, self.counts)

    @functools.cached_property
    def sets(self) -> NDArray[np.float32]:
        """Genres as zeros and ones."""
        return self.genres.astype(np.float32)

    @functools.cached_property
    def sizes(self) -> NDArray[np.float32]:
        """Genres of each item."""
        return self.sets.sum(axis=1)

    @functools.cached_property
    def spread(self) -> NDArray[np.float64]:
        """Genres of each item, together weighing 1."""
        return self.genres / np.maximum(self.sizes, 1)[:, None].astype(np.float64)

    @functools.cached_property
    def preference_shares(self) -> NDArray[np.float64]:
        """Share of the training rows that fall on items of each genre."""
        return self.counts @ self.genres / self.counts.sum()

    @functools.cached_property
    def unit(self) -> NDArray[np.float64]:
        """Vectors of length 1."""
        rows = self.vectors.astype(np.float64)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    @functools.cached_property
    def columns(self) -> sparse.csc_array:
        """Training rows as a matrix of ones, by columns."""
        ones = np.ones(len(self.train_items), np.float32)
        shape = (len(self.train_starts) - 1, self.n_items)
        return sparse.csr_array((ones, self.train_items, self.train_starts), shape=shape).tocsc()


@dataclasses.dataclass(frozen=True)
class World:
    """A workload, encoded.

    Attributes
    ----------
    run, pool
        Evaluated lists, and those to re-rank, in the positions of the dataset: what bare kernels are timed on.
    """

    name: str
    data: ba.Dataset
    recs: ba.Recommendations
    candidates: ba.Recommendations | None
    run: Batch
    pool: Batch
    arrays: Arrays


def encode(name: str, work: Workload) -> World:
    """Encode a workload."""
    data = ba.Dataset(work.train, work.test, work.items, vectors=work.vectors)
    recs = ba.Recommendations.read(work.recs, data)
    candidates = ba.Recommendations.read(work.candidates, data) if len(work.candidates) else None
    run = bind(recs, data)
    pool = bind_lists(candidates or recs, data)
    train, test = run.train, run.test
    features = run.world.features
    genres = np.zeros((len(data.items), len(features.names)), np.bool_)
    genres[np.repeat(np.arange(len(genres)), np.diff(features.starts)), features.ids] = True
    arrays = Arrays(
        lists=run.lists,
        users=run.users,
        candidates=pool.lists,
        scores=pool.scores,
        candidate_users=pool.users,
        train_starts=train.starts,
        train_items=train.items,
        test_starts=test.starts,
        test_items=test.items,
        test_gains=test.values,
        genres=genres,
        vectors=data.vectors,
        places=data.items.places,
    )
    return World(name, data, recs, candidates, run, pool, arrays)


def load_world(size: str, *, candidates: bool = True) -> World:
    """Make a workload and encode it."""
    return encode(size, make(size, candidates=candidates))
