"""METRICS.md section 3. The binomial family is computed in exact fractions; floats appear in the last step only."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from itertools import combinations

from oracle.case import NAN, features_of, item_counts, over_lists, over_truth, pair_distance


def ild(case, k, *, distance="jaccard", missing="skip", singleton=None):
    def value(_user, listed):
        if len(listed) == 1:
            return NAN if singleton is None else singleton
        distances = []
        for a, b in combinations(listed, 2):
            found = pair_distance(case, a, b, distance)
            if found is None:
                found = {"skip": None, "one": 1.0, "zero": 0.0}[missing]
            if found is not None:
                distances.append(found)
        return math.fsum(distances) / len(distances) if distances else NAN

    return over_lists(case, k, value)


@lru_cache(maxsize=100_000)
def conditional_tail(at_least, trials, p):
    """P(X >= at_least | X > 0) for X ~ Bin(trials, p), p a Fraction, exactly; the limit p -> 0+ at p = 0."""
    if p == 0:
        return Fraction(1 if at_least == 1 else 0)
    tail = sum(math.comb(trials, j) * p**j * (1 - p) ** (trials - j) for j in range(at_least, trials + 1))
    return Fraction(tail) / (1 - (1 - p) ** trials)


def global_probabilities(case):
    """p'(g): the share of the preferences that go to items with g."""
    popularity = item_counts(case)
    total = sum(popularity.values())
    return {
        genre: Fraction(sum(c for item, c in popularity.items() if genre in features_of(case, item)), max(total, 1))
        for genre in case.genres
    }


def genre_probabilities(case, user, alpha, overall):
    """p(g) of the genres that are considered for this user; overall is p'."""
    alpha = Fraction(str(alpha))
    profile = case.train.get(user, {})
    if alpha == 0 or not any(features_of(case, item) for item in profile):
        return overall
    own = {
        genre: Fraction(sum(1 for item in profile if genre in features_of(case, item)), len(profile))
        for genre in case.genres
    }
    if alpha == 1:
        return {genre: p for genre, p in own.items() if p > 0}
    return {genre: (1 - alpha) * overall[genre] + alpha * own[genre] for genre in case.genres}


def geometric_mean(factors, root):
    """(product of exact factors)^(1/root), through logarithms so that nothing underflows."""
    if any(factor == 0 for factor in factors):
        return 0.0
    return math.exp(math.fsum(_log(factor) for factor in factors) / root)


def _log(x):
    if x > Fraction(1, 2):
        return math.log1p(float(x - 1))
    if x > Fraction(1, 10**300):
        return math.log(float(x))
    return math.log(x.numerator) - math.log(x.denominator)


def coverage_of(p, listed, counted):
    """Coverage, from p(g), the features of every listed item and those of the counted ones."""
    if not p:
        return NAN
    absent = [genre for genre in p if not any(genre in features for features in counted)]
    return geometric_mean([(1 - p[genre]) ** len(listed) for genre in absent], len(p))


def nonredundancy_of(p, counted):
    """Non-redundancy, from p(g) and the features of every counted item."""
    k_g = {genre: sum(1 for features in counted if genre in features) for genre in p}
    present = [genre for genre in p if k_g[genre] > 0]
    if not present:
        return 0.0
    return geometric_mean([conditional_tail(k_g[g], len(counted), p[g]) for g in present], len(present))


def _binomial(case, k, alpha, relevant_only, finish):
    overall = global_probabilities(case)

    def value(user, listed, relevant=None):
        p = genre_probabilities(case, user, alpha, overall)
        counted = [item for item in listed if not relevant_only or item in relevant]
        return finish(p, [features_of(case, i) for i in listed], [features_of(case, i) for i in counted])

    return over_truth(case, k, value) if relevant_only else over_lists(case, k, value)


def binomial_coverage(case, k, *, alpha=0, relevant_only=False):
    return _binomial(case, k, alpha, relevant_only, coverage_of)


def binomial_nonredundancy(case, k, *, alpha=0, relevant_only=False):
    return _binomial(case, k, alpha, relevant_only, lambda p, _listed, counted: nonredundancy_of(p, counted))


def binomial_diversity(case, k, *, alpha=0, relevant_only=False):
    def both(p, listed, counted):
        return coverage_of(p, listed, counted) * nonredundancy_of(p, counted)

    return _binomial(case, k, alpha, relevant_only, both)
