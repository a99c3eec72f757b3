"""Ratings predicted from neighbourhoods: of users who rated alike, of items that were rated alike."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from scipy import sparse

from beyondacc.declare.params import Cutoff, Range
from beyondacc.kernels.ratings import COSINE, MSD, PEARSON, neighbour_ratings
from beyondacc.models.base import MODELS, Model
from beyondacc.models.layout import Array, Joined, Layout, Rows
from beyondacc.models.neighbours import arrays
from beyondacc.models.scales import means, spreads
from beyondacc.types import Floats, ItemIds, Offsets, UserIds

__all__ = ["ItemKNNRatings", "UserKNNRatings"]

_BLOCK = 1 << 20  # ratings predicted at a time, of whole rows


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class _RatingNeighbours(Model):
    """Ratings averaged over similar rows of the matrix, or of its transpose."""

    explicit: ClassVar[bool] = True

    k: Cutoff = 40
    normalize: Literal["none", "mean", "zscore"] = "mean"
    similarity: Literal["pearson", "cosine", "msd"] = "pearson"
    shrink: Annotated[float, Range(low=0)] = 25.0
    min_common: Cutoff = 2

    @staticmethod
    @abstractmethod
    def _oriented(train: sparse.csr_array[Any]) -> sparse.csr_array[Any]:
        """Return the matrix with a row for each of those that are neighbours of each other."""

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        matrix = self._oriented(train)
        n_rows, n_columns = matrix.shape
        sizes = np.diff(matrix.indptr)
        row_of = np.repeat(np.arange(n_rows), sizes)
        mean = float(matrix.data.mean())
        columns_mean = means(matrix.data, matrix.indices, n_columns, mean)
        self._centres: Floats = means(matrix.data, row_of, n_rows, mean)
        # what is predicted without neighbours: the mean of the row, of the column, of everything
        self._defaults = (self._centres, sizes > 0, columns_mean)
        self._scales: Floats = np.ones(n_rows)
        deviations = matrix.data - self._centres[row_of]
        normalised = matrix.data
        if self.normalize == "none":
            self._centres = np.zeros(n_rows)
        else:
            normalised = deviations
        if self.normalize == "zscore":
            self._scales = spreads(deviations, row_of, n_rows)
            normalised = deviations / np.where(self._scales > 0, self._scales, 1.0)[row_of]
        compared = deviations if self.similarity == "pearson" else matrix.data
        order = np.argsort(matrix.indices, kind="stable")  # by columns, in which rows ascend
        offsets = np.concatenate(([0], np.cumsum(np.bincount(matrix.indices, minlength=n_columns))))
        by_column = (offsets.astype(np.int64), row_of[order].astype(np.int32), compared[order])
        self._matrix = (*arrays(matrix)[:2], compared, *by_column, normalised[order])

    def _layout(self) -> Layout:
        n_rows, n_columns = self._oriented(sparse.csr_array((self._n_users, self._n_items))).shape
        return {
            "_centres": Array(np.float64, (n_rows,)),
            "_scales": Array(np.float64, (n_rows,)),
            "_defaults": tuple(
                Array(kind, (n,)) for kind, n in ((np.float64, n_rows), (np.bool_, n_rows), (np.float64, n_columns))
            ),
            "_matrix": Joined((Rows((n_rows, n_columns)), Rows((n_columns, n_rows), values=2))),
        }

    def _averages(self, rows: ItemIds, starts: Offsets, wanted: ItemIds) -> Floats:
        """Predict the columns ``wanted[starts[r]:starts[r + 1]]`` for each of the rows."""
        found = np.empty(wanted.size)
        how = {"cosine": COSINE, "pearson": PEARSON, "msd": MSD}[self.similarity]
        n = len(self._centres)  # no more of them can be neighbours, or be common
        options = (how, self.shrink, min(self.min_common, self._n_users + self._n_items), min(self.k, n))
        neighbour_ratings(rows, starts, wanted, *self._matrix, *options, found)
        row_of = np.repeat(rows, np.diff(starts))
        row_means, known, column_means = self._defaults
        default = np.where(known[row_of], row_means[row_of], column_means[wanted])
        return np.where(np.isnan(found), default, self._centres[row_of] + self._scales[row_of] * found)

    def _grid(self, rows: ItemIds, columns: ItemIds) -> Floats:
        """Predict all columns given for all rows given, ``(rows, columns)``."""
        found = np.empty((rows.size, columns.size))
        step = max(1, _BLOCK // columns.size) if columns.size else 1
        for start in range(0, rows.size, step):
            block = rows[start : start + step]
            starts = np.arange(block.size + 1, dtype=np.int64) * columns.size
            found[start : start + step] = self._averages(block, starts, np.tile(columns, block.size)).reshape(
                block.size, columns.size
            )
        return found

    def _pairs(self, rows: ItemIds, columns: ItemIds) -> Floats:
        """Predict pairs; each row is compared once."""
        order = np.argsort(rows, kind="stable")
        distinct, first = np.unique(rows[order], return_index=True)
        found = np.empty(rows.size)
        found[order] = self._averages(distinct, np.append(first, rows.size).astype(np.int64), columns[order])
        return found


_CITE = (
    "Resnick et al. 1994, CSCW, GroupLens: An Open Architecture for Collaborative Filtering of Netnews; "
    "Herlocker, Konstan, Borchers & Riedl 1999, SIGIR, An Algorithmic Framework for Performing Collaborative "
    "Filtering, sec. 5"
)


@MODELS.declare(title="Rating prediction by nearest users", cite=_CITE)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class UserKNNRatings(_RatingNeighbours):
    """The average rating of the item among the most similar users who rated it, weighted by the similarity.

    With N(u, i) the k users most similar to u among those who rated i, ``predict(u, i) = m_u + s_u * (sum of
    sim(u, v) (r_vi - m_v) / s_v over v in N(u, i)) / (sum of sim(u, v))``, where m and s are 0 and 1 ("none"), the
    user's mean and 1 ("mean"), or the user's mean and standard deviation ("zscore"; a user whose ratings are all
    equal is predicted to repeat them). Only positive similarities count. Where there are none, the user's mean is
    predicted; of a user without ratings the item's mean; of both the mean of all ratings.

    Nothing is stored but the ratings: a user is compared with all others when ratings are predicted.

    Parameters
    ----------
    k
        How many users count; equally similar ones are taken by lower index.
    normalize
        What is averaged: ratings, deviations from each user's mean, or these in standard deviations (scale-adjusted).
    similarity
        Over the items that both rated: the correlation of their ratings, the cosine, or ``msd``: 1 / (1 + m), m the
        mean square of the differences (after Shardanand & Maes 1995, CHI).
    shrink
        A similarity over n common items is multiplied by ``n / (n + shrink)``.
    min_common
        Users with fewer common items are no neighbours.
    """

    @staticmethod
    def _oriented(train: sparse.csr_array[Any]) -> sparse.csr_array[Any]:
        return train

    def _score(self, users: UserIds) -> Floats:
        return self._grid(users, np.arange(self._n_items, dtype=np.int32))

    def _predict(self, users: UserIds, items: ItemIds) -> Floats:
        return self._pairs(users, items)


@MODELS.declare(
    title="Rating prediction by nearest items",
    cite="Sarwar et al. 2001, WWW, Item-Based Collaborative Filtering Recommendation Algorithms, sec. 3 "
    "(correlation and weighted sum); scale-adjusted as in Herlocker et al. 1999, SIGIR, sec. 5",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class ItemKNNRatings(_RatingNeighbours):
    """The average rating of the user for the most similar items they rated, weighted by the similarity.

    As `UserKNNRatings` with users and items exchanged: N(u, i) are the k items most similar to i among those that u
    rated, means and standard deviations are of items. Only positive similarities count. Where there are none, the
    item's mean is predicted; of an item without ratings the user's mean; of both the mean of all ratings.

    Nothing is stored but the ratings: an item is compared with all others when ratings are predicted, so that scoring
    few users costs as much as scoring many.

    Parameters
    ----------
    k
        How many items count; equally similar ones are taken by lower index.
    normalize
        What is averaged: ratings, deviations from each item's mean, or these in standard deviations (scale-adjusted).
    similarity
        Over the users who rated both: the correlation of the ratings, the cosine, or ``msd``: 1 / (1 + m), m the
        mean square of the differences (after Shardanand & Maes 1995, CHI).
    shrink
        A similarity over n common users is multiplied by ``n / (n + shrink)``.
    min_common
        Items with fewer common users are no neighbours.
    """

    @staticmethod
    def _oriented(train: sparse.csr_array[Any]) -> sparse.csr_array[Any]:
        return train.T.tocsr()

    def _score(self, users: UserIds) -> Floats:
        return np.ascontiguousarray(self._grid(np.arange(self._n_items, dtype=np.int32), users).T)

    def _predict(self, users: UserIds, items: ItemIds) -> Floats:
        return self._pairs(items, users)
