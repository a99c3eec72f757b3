"""METRICS.md section 3. The binomial family is computed in exact fractions; floats appear in the last step only."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from itertools import combinations

from oracle.case import NAN, describes, disc, features_of, filled, item_counts, measure, over_lists, over_truth, rel


def ild(case, k, *, distance="jaccard", missing="skip", singleton=None):
    def value(distances):
        return math.fsum(distances) / len(distances)

    return _pairwise(case, k, value, distance, missing, singleton)


def ils(case, k, *, distance="jaccard", average=False, missing="skip", singleton=None):
    def value(distances):
        similarity = math.fsum(1 - d for d in distances)
        return similarity / len(distances) if average else similarity

    return _pairwise(case, k, value, distance, missing, singleton)


def _pairwise(case, k, finish, distance, missing, singleton):
    between = measure(case, distance)

    def value(_user, listed):
        if len(listed) == 1:
            return NAN if singleton is None else singleton
        distances = [filled(between(a, b), missing) for a, b in combinations(listed, 2)]
        distances = [d for d in distances if d is not None]
        return finish(distances) if distances else NAN

    return over_lists(case, k, value)


def eild(case, k, *, distance="jaccard", discount="none", base=0.85, relevance="none", background=0.0, missing="skip"):
    between = measure(case, distance)

    def value(user, listed, relevant=None):
        def weight(item):
            return rel(item, relevant, relevance, background, case.rejected.get(user, ()))

        upper, lower = [], []
        for a, item in enumerate(listed):
            partners = []  # (w_ab, d(a, b))
            for b, other in enumerate(listed):
                d = filled(between(item, other), missing) if b != a else None
                if d is not None:
                    partners.append((disc(max(0, b - a - 1), discount, base) * weight(other), d))
            if partners:
                total = math.fsum(w for w, _ in partners)
                inner = math.fsum(w * d for w, d in partners) / total if total > 0 else 0.0
                upper.append(disc(a, discount, base) * weight(item) * inner)
                lower.append(disc(a, discount, base))
        return math.fsum(upper) / math.fsum(lower) if lower else NAN

    return over_lists(case, k, value) if relevance == "none" else over_truth(case, k, value)


def vendi(case, k, *, distance="jaccard", missing="skip"):
    between = measure(case, distance)
    described = describes(case, distance)
    default = {"skip": 0.0, "one": 0.0, "zero": 1.0}[missing]

    def similarity(a, b):
        if a == b:
            return 1.0
        d = between(a, b)
        return default if d is None else 1 - d

    def value(_user, listed):
        counted = [item for item in listed if missing != "skip" or described(item)]
        if not counted:
            return NAN
        n = len(counted)
        found = [max(each, 0.0) for each in eigenvalues([[similarity(a, b) / n for b in counted] for a in counted])]
        p = [each / math.fsum(found) for each in found]
        return math.exp(-math.fsum(each * math.log(each) for each in p if each > 0))

    return over_lists(case, k, value)


def eigenvalues(matrix):
    """Of a symmetric matrix, by Jacobi's rotations: each makes one entry beside the diagonal 0."""
    a = [[float(x) for x in line] for line in matrix]
    n = len(a)
    size = math.fsum(x * x for line in a for x in line)
    while math.fsum(a[i][j] ** 2 for i, j in combinations(range(n), 2)) > 1e-28 * size:
        for i, j in combinations(range(n), 2):
            if a[i][j] == 0:
                continue
            theta = (a[j][j] - a[i][i]) / (2 * a[i][j])
            tangent = math.copysign(1 / (abs(theta) + math.hypot(theta, 1)), theta)
            cosine = 1 / math.hypot(tangent, 1)
            sine = tangent * cosine
            for line in a:  # the two columns
                line[i], line[j] = cosine * line[i] - sine * line[j], sine * line[i] + cosine * line[j]
            one, other = a[i], a[j]  # the two rows
            a[i] = [cosine * x - sine * y for x, y in zip(one, other, strict=True)]
            a[j] = [sine * x + cosine * y for x, y in zip(one, other, strict=True)]
            a[i][j] = a[j][i] = 0.0
    return [a[i][i] for i in range(n)]


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


def coverage_of(p, listed, counted, root=None):
    """Coverage, from p(g), the features of every listed item and those of the counted ones."""
    if not p:
        return NAN
    absent = [genre for genre in p if not any(genre in features for features in counted)]
    return geometric_mean([(1 - p[genre]) ** len(listed) for genre in absent], root or len(p))


def nonredundancy_of(p, _listed, counted, root=None):
    """Non-redundancy, from p(g) of the genres that are considered and the features of every counted item."""
    k_g = {genre: sum(1 for features in counted if genre in features) for genre in p}
    present = [genre for genre in p if k_g[genre] > 0]
    shown = len(set().union(*counted))  # genres that are not considered are in the root, not in the product
    if not shown:
        return 0.0
    return geometric_mean([conditional_tail(k_g[g], len(counted), p[g]) for g in present], root or shown)


def _binomial(case, k, factors, *, alpha=0, relevant_only=False, root="own"):
    overall = global_probabilities(case)
    root = {"own": None, "all": len(case.genres)}[root]

    def value(user, listed, relevant=None):
        p = genre_probabilities(case, user, alpha, overall)
        counted = [features_of(case, item) for item in listed if not relevant_only or item in relevant]
        return math.prod(factor(p, [features_of(case, item) for item in listed], counted, root) for factor in factors)

    return over_truth(case, k, value) if relevant_only else over_lists(case, k, value)


def binomial_coverage(case, k, **params):
    return _binomial(case, k, [coverage_of], **params)


def binomial_nonredundancy(case, k, **params):
    return _binomial(case, k, [nonredundancy_of], **params)


def binomial_diversity(case, k, **params):
    return _binomial(case, k, [coverage_of, nonredundancy_of], **params)
