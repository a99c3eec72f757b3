"""METRICS.md section 9: quadratic re-rankers of one user's candidates, which come in input rank order.

Each returns the picked positions and their selection scores. A missing distance (NaN: an item without features) counts
as distance 1, similarity 0, so that such an item is neither punished nor loved (`missing="one"`).
"""

from __future__ import annotations

import math


def zscore(values, tolerance=0.0):
    """Population z-score; a vector whose spread is within the tolerance becomes zeros."""
    if not values or max(values) - min(values) <= tolerance:
        return [0.0] * len(values)
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))
    return [(v - mean) / deviation for v in values]


def normalized(scores, how):
    """The scores as they enter the objective; `rank` looks at positions only, None changes nothing."""
    n = len(scores)
    if how is None:
        return [float(s) for s in scores]
    if how == "rank":
        return [(n - 1 - r) / (n - 1) for r in range(n)] if n > 1 else [0.0] * n
    if how == "zscore":
        return zscore(scores)
    if how == "minmax":
        low, high = min(scores, default=0), max(scores, default=0)
        return [(s - low) / (high - low) for s in scores] if high > low else [0.0] * n
    raise ValueError(how)


def _distance(matrix, i, j):
    return 1.0 if math.isnan(matrix[i][j]) else float(matrix[i][j])


def mmr_terms(matrix, remaining, selected):
    """Minus the largest similarity to what is selected, for each remaining candidate."""
    if not selected:
        return [0.0 for _ in remaining]
    return [-max(1 - _distance(matrix, i, j) for j in selected) for i in remaining]


def greedy_diversity_terms(matrix, remaining, selected, *, renormalize=False):
    """Mean distance to what is selected, for each remaining candidate."""
    if not selected:
        return [0.0 for _ in remaining]
    means = [math.fsum(_distance(matrix, i, j) for j in selected) / len(selected) for i in remaining]
    # A mean is a computed number: equal means may differ in the last bits, which a z-score would blow up to size 1.
    return zscore(means, tolerance=1e-12) if renormalize else means


def objective(scores, diversity, terms, remaining, selected):
    """(1 - lambda) s(i) + lambda term(i | selected), for each remaining candidate."""
    added = terms(remaining, selected)
    return [(1 - diversity) * scores[i] + diversity * term for i, term in zip(remaining, added, strict=True)]


def greedy(scores, diversity, k, terms):
    """Take the best remaining candidate k times; ties go to the better input rank."""
    if diversity == 0:
        order = list(range(min(k, len(scores))))
        return order, [scores[i] for i in order]
    selected, values, remaining = [], [], list(range(len(scores)))
    while remaining and len(selected) < k:
        gains = objective(scores, diversity, terms, remaining, selected)
        best = max(gains)
        pick = remaining[gains.index(best)]  # the first of equals: remaining is in input order
        selected.append(pick)
        values.append(best)
        remaining.remove(pick)
    return selected, values


def regret(picks, scores, diversity, terms):
    """The most that any pick falls behind the best choice at its step; near 0 also where rounding broke a tie."""
    worst, remaining = 0.0, list(range(len(scores)))
    for step, pick in enumerate(picks):
        gains = objective(scores, diversity, terms, remaining, picks[:step])
        worst = max(worst, max(gains) - gains[remaining.index(pick)])
        remaining.remove(pick)
    return worst


def mmr(scores, distance_matrix, diversity, k, normalize="minmax"):
    return greedy(normalized(scores, normalize), diversity, k, _mmr(distance_matrix))


def mmr_regret(picks, scores, distance_matrix, diversity, normalize="minmax"):
    return regret(picks, normalized(scores, normalize), diversity, _mmr(distance_matrix))


def greedy_diversity(scores, distance_matrix, diversity, k, normalize="minmax", renormalize=False):
    return greedy(normalized(scores, normalize), diversity, k, _greedy_diversity(distance_matrix, renormalize))


def greedy_diversity_regret(picks, scores, distance_matrix, diversity, normalize="minmax", renormalize=False):
    return regret(picks, normalized(scores, normalize), diversity, _greedy_diversity(distance_matrix, renormalize))


def _mmr(matrix):
    return lambda remaining, selected: mmr_terms(matrix, remaining, selected)


def _greedy_diversity(matrix, renormalize):
    return lambda remaining, selected: greedy_diversity_terms(matrix, remaining, selected, renormalize=renormalize)


def novelty(scores, term, diversity, k):
    """One stable sort by (1 - lambda) z(s) + lambda z(term)."""
    relevance = zscore(scores)
    if diversity == 0:
        order = list(range(len(scores)))
        return order[:k], relevance[:k]
    blend = [(1 - diversity) * s + diversity * t for s, t in zip(relevance, zscore(term), strict=True)]
    order = sorted(range(len(scores)), key=lambda i: -blend[i])[:k]
    return order, [blend[i] for i in order]
