"""METRICS.md section 9: quadratic re-rankers of one user's candidates, which come in input rank order.

Each returns the picked positions and their selection scores. A missing distance (NaN or None: an item without features)
counts as distance 1, similarity 0, so that such an item is neither punished nor loved (`missing="one"`).
More re-rankers are in rerank_sets, rerank_aspects and rerank_orders. All are made of the parts here: a function
`gains(remaining, selected)` says what each remaining candidate is worth, `take` takes the best one after the other.
`shortfall` and `along` look at the picks of others. A method with terms has `gains = objective_of(...)`.
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


def known(distance):
    """The distance that counts."""
    return 1.0 if distance is None or math.isnan(distance) else float(distance)


def mmr_terms(matrix, remaining, selected):
    """Minus the largest similarity to what is selected, for each remaining candidate."""
    if not selected:
        return [0.0 for _ in remaining]
    return [-max(1 - known(matrix[i][j]) for j in selected) for i in remaining]


def greedy_diversity_terms(matrix, remaining, selected, *, renormalize=False):
    """Mean distance to what is selected, for each remaining candidate."""
    if not selected:
        return [0.0 for _ in remaining]
    means = [math.fsum(known(matrix[i][j]) for j in selected) / len(selected) for i in remaining]
    # A mean is a computed number: equal means may differ in the last bits, which a z-score would blow up to size 1.
    return zscore(means, tolerance=1e-12) if renormalize else means


def objective(scores, diversity, terms, remaining, selected):
    """(1 - lambda) s(i) + lambda term(i | selected), for each remaining candidate."""
    added = terms(remaining, selected)
    return [(1 - diversity) * scores[i] + diversity * term for i, term in zip(remaining, added, strict=True)]


def objective_of(scores, diversity, terms):
    """The same as a function of the remaining candidates and those selected."""
    return lambda remaining, selected: objective(scores, diversity, terms, remaining, selected)


def renormalized_objective(scores, diversity, terms):
    """The same of z-scores of both over the remaining candidates, anew at every step."""

    def gains(remaining, selected):
        relevance = zscore(near_one([scores[i] for i in remaining]))
        added = zscore(terms(remaining, selected), tolerance=1e-12)
        return [(1 - diversity) * s + diversity * term for s, term in zip(relevance, added, strict=True)]

    return gains


def near_one(scores):
    """The same but for their size and for where they lie, at which a z-score does not look, nor may it overflow."""
    largest = max(map(abs, scores), default=0.0)
    if largest == 0:
        return scores
    scores = [math.ldexp(score, -math.frexp(largest)[1]) for score in scores]
    low, high = min(scores), max(scores)
    return [score - low for score in scores] if 0 < high <= 2 * low else scores  # the differences are exact


def take(n, k, gains):
    """Take the best of the n candidates that remain, k times; ties go to the better input rank."""
    selected, values, remaining = [], [], list(range(n))
    while remaining and len(selected) < k:
        found = gains(remaining, selected)
        best = max(found)
        pick = remaining[found.index(best)]  # the first of equals: remaining is in input order
        selected.append(pick)
        values.append(best)
        remaining.remove(pick)
    return selected, values


def as_given(scores, k):
    """What no weight on diversity gives: the input order, exactly."""
    order = list(range(min(k, len(scores))))
    return order, [scores[i] for i in order]


def greedy(scores, diversity, k, terms, *, renormalize=False):
    """Greedy selection by the objective."""
    if diversity == 0:
        return as_given(scores, k)
    objective_by = renormalized_objective if renormalize else objective_of
    return take(len(scores), k, objective_by(scores, diversity, terms))


def _steps(picks, n, gains):
    """(gain of the pick, the most that could be gained) of every step."""
    remaining = list(range(n))
    for step, pick in enumerate(picks):
        found = gains(remaining, picks[:step])
        yield found[remaining.index(pick)], max(found)
        remaining.remove(pick)


def shortfall(picks, n, gains):
    """The most that any pick falls behind the best choice at its step; near 0 also where rounding broke a tie."""
    return max((best - gain for gain, best in _steps(picks, n, gains)), default=0.0)


def along(picks, n, gains):
    """The selection scores of these picks, given those before each."""
    return [gain for gain, _ in _steps(picks, n, gains)]


def regret(picks, scores, diversity, terms):
    """The shortfall of picks by the objective."""
    return shortfall(picks, len(scores), objective_of(scores, diversity, terms))


def mmr(scores, distance_matrix, diversity, k, normalize="minmax", renormalize=False):
    relevance = normalized(scores, normalize)
    return greedy(relevance, diversity, k, _mmr(distance_matrix), renormalize=renormalize)


def mmr_regret(picks, scores, distance_matrix, diversity, normalize="minmax"):
    return regret(picks, normalized(scores, normalize), diversity, _mmr(distance_matrix))


def greedy_diversity(scores, distance_matrix, diversity, k, normalize="minmax", renormalize=False):
    """`renormalize` is False, True (the term) or "both"."""
    terms = _greedy_diversity(distance_matrix, renormalize is True)
    return greedy(normalized(scores, normalize), diversity, k, terms, renormalize=renormalize == "both")


def greedy_diversity_regret(picks, scores, distance_matrix, diversity, normalize="minmax", renormalize=False):
    return regret(picks, normalized(scores, normalize), diversity, _greedy_diversity(distance_matrix, renormalize))


def _mmr(matrix):
    return lambda remaining, selected: mmr_terms(matrix, remaining, selected)


def _greedy_diversity(matrix, renormalize):
    return lambda remaining, selected: greedy_diversity_terms(matrix, remaining, selected, renormalize=renormalize)


def novelty(scores, term, diversity, k, normalize="zscore", tolerance=0.0):
    """One stable sort by (1 - lambda) s + lambda z(term); a term whose spread is within the tolerance is constant."""
    relevance = normalized(scores, normalize)
    if diversity == 0:
        return as_given(relevance, k)
    added = zscore(term, tolerance)
    blend = [(1 - diversity) * s + diversity * t for s, t in zip(relevance, added, strict=True)]
    order = sorted(range(len(scores)), key=lambda i: -blend[i])[:k]
    return order, [blend[i] for i in order]


def surprise(scores, to_profile, diversity, k, normalize="zscore", profile="min"):
    """By the distances of every candidate to the items of the profile; a user without profile has none at all."""
    term = [surprise_term(distances, profile) for distances in to_profile]
    return novelty(scores, term, diversity, k, normalize, tolerance=1e-12)  # a mean is a computed number


def surprise_term(distances, profile):
    distances = [known(d) for d in distances]
    if not distances:
        return 0.0
    return {"min": min(distances), "mean": math.fsum(distances) / len(distances)}[profile]


def popularity(scores, counts, diversity, k, normalize="zscore"):
    """By how few training users have the item."""
    return novelty(scores, [-count for count in counts], diversity, k, normalize)
