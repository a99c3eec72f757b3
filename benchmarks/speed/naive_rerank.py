"""Re-rankers as a competent user would write them: NumPy for each user, a loop over the picks.

Each returns the picked positions and the value of the objective at each pick, both of shape (rows, k); the weight of
the term besides relevance is one half.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from encoded import Arrays, K
from numpy.typing import NDArray

__all__ = [
    "calibrated",
    "cover_cosine",
    "dpp_cosine",
    "greedy_diversity_cosine",
    "greedy_diversity_jaccard",
    "mmr_cosine",
    "mmr_jaccard",
    "msd_cosine",
    "novelty",
    "ssd",
]

Values = NDArray[np.float64]
Rows = NDArray[np.int64]
Picks = tuple[NDArray[np.int64], Values]
OneUser = Callable[[Arrays, int, int], Picks]
_HALF = 0.5


def _minmax(scores: Values) -> Values:
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high > low else np.zeros(len(scores))


def _zscore(scores: Values) -> Values:
    spread = scores.std()
    return (scores - scores.mean()) / spread if spread > 0 else np.zeros(len(scores))


def _jaccard(arrays: Arrays, items: NDArray[np.int32]) -> Values:
    sets, sizes = arrays.sets[items].astype(np.float64), arrays.sizes[items].astype(np.float64)
    common = sets @ sets.T
    return common / (sizes[:, None] + sizes - common)


def _cosine(arrays: Arrays, items: NDArray[np.int32]) -> Values:
    rows = arrays.unit[items]
    return rows @ rows.T


def _every(arrays: Arrays, rows: Rows, one: Callable[[NDArray[np.int32], Values, int], Picks]) -> Picks:
    picks, values = np.full((len(rows), K), -1), np.full((len(rows), K), np.nan)
    for place, row in enumerate(rows):
        items, scores = arrays.pool(row)
        found, worth = one(items, scores, row)
        picks[place, : len(found)], values[place, : len(found)] = found, worth
    return picks, values


def _greedy(n: int, gain: Callable[[int, int], Values]) -> Picks:
    """Pick the best of what is left, K times; `gain` gets the step and the last pick."""
    picks: list[int] = []
    values: list[float] = []
    for step in range(min(K, n)):
        worth = gain(step, picks[-1] if picks else -1)
        worth[picks] = -np.inf
        picks.append(int(worth.argmax()))
        values.append(float(worth[picks[-1]]))
    return np.array(picks), np.array(values)


def _nearest(similar: Values, scores: Values) -> Picks:
    relevance, nearest = _minmax(scores), np.full(len(scores), -np.inf)

    def gain(step: int, last: int) -> Values:
        if not step:
            return (1.0 - _HALF) * relevance
        np.maximum(nearest, similar[last], out=nearest)
        return (1.0 - _HALF) * relevance - _HALF * nearest

    return _greedy(len(scores), gain)


def mmr_jaccard(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Picks:
    """Relevance minus the largest similarity to a pick."""
    return _every(arrays, rows, lambda items, scores, _row: _nearest(_jaccard(arrays, items), scores))


def mmr_cosine(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Picks:
    """Relevance minus the largest similarity to a pick."""
    return _every(arrays, rows, lambda items, scores, _row: _nearest(_cosine(arrays, items), scores))


def _summed(distances: Values, scores: Values, *, mean: bool) -> Picks:
    relevance, total = _minmax(scores), np.zeros(len(scores))

    def gain(step: int, last: int) -> Values:
        if step:
            np.add(total, distances[last], out=total)
        return (1.0 - _HALF) * relevance + _HALF * (total / max(1, step) if mean else total)

    return _greedy(len(scores), gain)


def greedy_diversity_jaccard(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Picks:
    """Relevance plus the mean distance to the picks."""
    return _every(arrays, rows, lambda items, s, _row: _summed(1.0 - _jaccard(arrays, items), s, mean=True))


def greedy_diversity_cosine(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Picks:
    """Relevance plus the mean distance to the picks."""
    return _every(arrays, rows, lambda items, s, _row: _summed(1.0 - _cosine(arrays, items), s, mean=True))


def msd_cosine(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Picks:
    """Relevance plus the sum of the distances to the picks."""
    return _every(arrays, rows, lambda items, s, _row: _summed(1.0 - _cosine(arrays, items), s, mean=False))


def dpp_cosine(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Picks:
    """Greedy maximum of a determinant, by Cholesky rows."""

    def one(items: NDArray[np.int32], scores: Values, _row: int) -> Picks:
        similar = _cosine(arrays, items)
        weight = np.exp(2.0 * (1.0 - _HALF) * _zscore(scores))
        residual = np.ones(len(items))
        factor = np.zeros((K, len(items)))

        def gain(step: int, last: int) -> Values:
            if step:
                done = step - 1
                row = (similar[last] - factor[:done, last] @ factor[:done]) / np.sqrt(residual[last])
                factor[done] = row
                np.subtract(residual, row * row, out=residual)
            return residual * weight

        return _greedy(len(items), gain)

    return _every(arrays, rows, one)


def cover_cosine(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Picks:
    """Relevance plus how much more of all candidates is covered."""

    def one(items: NDArray[np.int32], scores: Values, _row: int) -> Picks:
        similar = np.maximum(_cosine(arrays, items), 0.0)
        np.fill_diagonal(similar, 1.0)
        relevance, covered = _minmax(scores), np.zeros(len(items))

        def gain(step: int, last: int) -> Values:
            if step:
                np.maximum(covered, similar[last], out=covered)
            return (1.0 - _HALF) * relevance + _HALF * np.maximum(similar - covered, 0.0).sum(axis=1)

        return _greedy(len(items), gain)

    return _every(arrays, rows, one)


def ssd(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Picks:
    """Relevance plus the length of what is left of a vector after those of the picks."""

    def one(items: NDArray[np.int32], scores: Values, _row: int) -> Picks:
        left = np.column_stack([arrays.unit[items], np.ones(len(items))])
        relevance = _zscore(scores)

        def gain(step: int, last: int) -> Values:
            if step:
                direction = left[last] / np.linalg.norm(left[last])
                np.subtract(left, np.outer(left @ direction, direction), out=left)
            return (1.0 - _HALF) * relevance + _HALF * np.linalg.norm(left, axis=1)

        return _greedy(len(items), gain)

    return _every(arrays, rows, one)


def calibrated(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Picks:
    """Relevance minus the divergence of the genres of the picks with the item from those of the profile."""

    def one(items: NDArray[np.int32], scores: Values, row: int) -> Picks:
        profile = arrays.profile(arrays.candidate_users[row])
        p = arrays.spread[profile].mean(axis=0) if len(profile) else np.zeros(arrays.genres.shape[1])
        some = p > 0
        p, spread = p[some], arrays.spread[items][:, some]
        relevance, sums = _minmax(scores), np.zeros(len(p))

        def gain(step: int, last: int) -> Values:
            if step:
                np.add(sums, spread[last], out=sums)
            q = (sums + spread) / (step + 1)
            return (1.0 - _HALF) * relevance - _HALF * (p * np.log2(p / (0.99 * q + 0.01 * p))).sum(axis=1)

        return _greedy(len(items), gain)

    return _every(arrays, rows, one)


def novelty(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Picks:
    """Order by relevance and self-information, both as z-scores."""
    weights = -np.log2(np.maximum(arrays.counts, 1) / arrays.n_users)

    def one(items: NDArray[np.int32], scores: Values, _row: int) -> Picks:
        worth = (1.0 - _HALF) * _zscore(scores) + _HALF * _zscore(weights[items])
        best = np.argsort(-worth, kind="stable")[:K]
        return best, worth[best]

    return _every(arrays, rows, one)
