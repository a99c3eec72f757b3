"""Metrics as a competent user would write them: NumPy for each user, one user after the other.

Each takes `Arrays`, the rows to compute, and what `prepare` made, and returns a value for each row (of the coverage
family: for the run). What depends on items alone is prepared outside the clock, as the library keeps it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from encoded import Arrays, K
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "binomial_diversity",
    "calibration_kl",
    "catalog_coverage",
    "cooccurrences",
    "gini",
    "ild_cosine",
    "ild_jaccard",
    "ndcg",
    "personalization",
    "recall",
    "self_information",
    "serendipity",
    "serendipity_rank",
    "surprise_content",
    "surprise_cooccurrence",
    "unexpectedness",
]

Values = NDArray[np.float64]
Rows = NDArray[np.int64]
_DISCOUNTS = 1.0 / np.log2(np.arange(K) + 2)
_PAIRS = {n: np.triu_indices(n, 1) for n in range(2, K + 1)}
_DENSE = 10_000  # items up to which all co-occurrences are counted ahead


def ndcg(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """DCG over that of the best list."""
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        relevant, gains = arrays.relevant(arrays.users[row])
        if not len(relevant):
            continue
        listed = arrays.listed(row)
        same = listed[:, None] == relevant
        dcg = (same @ gains) @ _DISCOUNTS[: len(listed)]
        best = np.sort(gains)[::-1][:K]
        found[place] = dcg / (best @ _DISCOUNTS[: len(best)])
    return found


def recall(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """Share of the relevant items that are listed."""
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        relevant, _ = arrays.relevant(arrays.users[row])
        if len(relevant):
            found[place] = np.isin(arrays.listed(row), relevant).sum() / len(relevant)
    return found


def ild_jaccard(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """Mean Jaccard distance of the pairs of a list."""
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        listed = arrays.listed(row)
        if len(listed) < 2:
            continue
        sets, sizes = arrays.sets[listed], arrays.sizes[listed]
        common = sets @ sets.T
        distances = 1.0 - common / (sizes[:, None] + sizes - common)
        found[place] = distances[_PAIRS[len(listed)]].mean(dtype=np.float64)
    return found


def ild_cosine(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """Mean cosine distance of the pairs of a list."""
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        listed = arrays.listed(row)
        if len(listed) < 2:
            continue
        unit = arrays.unit[listed]
        found[place] = 1.0 - (unit @ unit.T)[_PAIRS[len(listed)]].mean()
    return found


def binomial_diversity(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """Coverage times non-redundancy, from the binomial distribution."""
    p = arrays.preference_shares
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        listed = arrays.listed(row)
        n = len(listed)
        if not n:
            continue
        counts = arrays.genres[listed].sum(axis=0)
        shown = counts > 0
        coverage = np.prod((1.0 - p[~shown]) ** n) ** (1.0 / len(p))
        tails = special.bdtrc(counts[shown] - 1, n, p[shown]) / (1.0 - (1.0 - p[shown]) ** n)
        found[place] = coverage * np.prod(tails) ** (1.0 / shown.sum()) if shown.any() else 0.0
    return found


def self_information(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """Mean of -log2 of the share of users who know the item."""
    weights = -np.log2(np.maximum(arrays.counts, 1) / arrays.n_users)
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        listed = arrays.listed(row)
        if len(listed):
            found[place] = weights[listed].mean()
    return found


def surprise_content(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """Mean Jaccard distance to the nearest item of the profile."""
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        listed, profile = arrays.listed(row), arrays.profile(arrays.users[row])
        if not len(listed) or not len(profile):
            continue
        common = arrays.sets[listed] @ arrays.sets[profile].T
        unions = arrays.sizes[listed][:, None] + arrays.sizes[profile] - common
        found[place] = (1.0 - common / unions).min(axis=1).mean(dtype=np.float64)
    return found


def cooccurrences(arrays: Arrays) -> NDArray[np.float32] | None:
    """Count the users of every pair of items, where the items are few enough for a matrix."""
    if arrays.n_items > _DENSE:
        return None
    columns = arrays.columns
    return (columns.T @ columns).toarray()


def _both(
    arrays: Arrays, listed: NDArray[np.int32], profile: NDArray[np.int32], matrix: NDArray[np.float32] | None
) -> NDArray[np.float64]:
    if matrix is not None:
        return matrix[np.ix_(listed, profile)].astype(np.float64)
    columns = arrays.columns
    return (columns[:, listed].T @ columns[:, profile]).toarray().astype(np.float64)


def surprise_cooccurrence(arrays: Arrays, rows: Rows, matrix: Any = None) -> Values:
    """Mean of (1 - nPMI) / 2 with the profile item of highest nPMI."""
    found = np.full(len(rows), np.nan)
    n = arrays.n_users
    for place, row in enumerate(rows):
        listed, profile = arrays.listed(row), arrays.profile(arrays.users[row])
        if not len(listed) or not len(profile):
            continue
        both = _both(arrays, listed, profile, matrix)
        with np.errstate(divide="ignore", invalid="ignore"):
            npmi = np.log2(n * both / np.outer(arrays.counts[listed], arrays.counts[profile])) / -np.log2(both / n)
        npmi[both == 0] = -1.0
        npmi[both == n] = 1.0
        found[place] = (0.5 * (1.0 - npmi)).min(axis=1).mean()
    return found


def serendipity(arrays: Arrays, rows: Rows, matrix: Any = None) -> Values:
    """Mean over the list of 1 - mean cosine of co-occurrence with the profile, where the item is relevant."""
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        user = arrays.users[row]
        listed, profile, (relevant, _) = arrays.listed(row), arrays.profile(user), arrays.relevant(user)
        listed = listed[arrays.counts[listed] > 0]
        if not len(relevant) or not len(listed) or not len(profile):
            continue
        cosine = _both(arrays, listed, profile, matrix)
        cosine /= np.sqrt(np.outer(arrays.counts[listed], arrays.counts[profile]))
        found[place] = (np.isin(listed, relevant) * (1.0 - cosine.mean(axis=1))).mean()
    return found


def serendipity_rank(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """Mean over the list of how much higher than by popularity a relevant item stands."""
    n = arrays.n_items
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        relevant, _ = arrays.relevant(arrays.users[row])
        if not len(relevant):
            continue
        listed = arrays.listed(row)
        anybody = np.where(arrays.counts[listed] > 0, (n - arrays.levels[listed]) / n, 0.0)
        ahead = np.maximum((n - np.arange(len(listed))) / n - anybody, 0.0)
        found[place] = (ahead * np.isin(listed, relevant)).mean()
    return found


def unexpectedness(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """Share of the list that is not among the most popular items outside the profile."""
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        listed, profile = arrays.listed(row), arrays.profile(arrays.users[row])
        if not len(listed):
            continue
        popular = arrays.by_popularity[: K + len(profile)]
        popular = popular[~np.isin(popular, profile)][:K]
        found[place] = (~np.isin(listed, popular)).mean()
    return found


def calibration_kl(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """Sum of p log2(p / q') over genres, p of the profile and q' of the list with a hundredth of p."""
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):
        listed, profile = arrays.listed(row), arrays.profile(arrays.users[row])
        if not len(listed) or not len(profile):
            continue
        p, q = arrays.spread[profile].mean(axis=0), arrays.spread[listed].mean(axis=0)
        some = p > 0
        p, q = p[some], q[some]
        found[place] = (p * np.log2(p / (0.99 * q + 0.01 * p))).sum()
    return found


def catalog_coverage(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """Share of the items that are shown."""
    lists = arrays.lists[rows, :K]
    return np.array([len(np.unique(lists[lists >= 0])) / arrays.n_items])


def gini(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """Gini index of how often items are shown."""
    lists = arrays.lists[rows, :K]
    shown = np.sort(np.bincount(lists[lists >= 0], minlength=arrays.n_items))
    n = len(shown)
    return np.array([(2 * np.arange(1, n + 1) - n - 1) @ shown / ((n - 1) * shown.sum())])


def personalization(arrays: Arrays, rows: Rows, _prepared: Any = None) -> Values:
    """1 - mean over pairs of users of the cosine of their lists, pair by pair."""
    shown = np.zeros((len(rows), arrays.n_items), np.float32)
    for place, row in enumerate(rows):
        shown[place, arrays.listed(row)] = 1.0
    shown /= np.sqrt(shown.sum(axis=1, keepdims=True))
    similar = shown @ shown.T
    return np.array([1.0 - similar[np.triu_indices(len(rows), 1)].mean(dtype=np.float64)])
