"""METRICS.md section 9: re-rankers that look at the features of what is selected.

`features` are the feature sets of the candidates, empty for an item without features. Shares are exact fractions.
"""

from __future__ import annotations

import math
from fractions import Fraction

from oracle.calibration import kl, mixed, shares as genre_shares
from oracle.case import features_of
from oracle.diversity import coverage_of, nonredundancy_of
from oracle.rerank import greedy, normalized


def feature_shares(case, user):
    """p(f|u) in feature order: the shares of the feature occurrences of the profile; without any, all the same."""
    occurrences = [feature for item in case.train.get(user, {}) for feature in features_of(case, item)]
    if not occurrences:
        return {feature: Fraction(1, len(case.genres)) for feature in case.genres}
    return {feature: Fraction(occurrences.count(feature), len(occurrences)) for feature in case.genres}


def profile_shares(case, user, profile_weight="none"):
    """The genre shares of the profile as calibration has them; empty without a profile with genres."""
    profile = case.train.get(user, {})
    return genre_shares(case, [(item, {"none": 1, "rating": x}[profile_weight]) for item, x in profile.items()])


def xquad(scores, features, shares, diversity, k, normalize="minmax", alpha=1.0):
    return greedy(normalized(scores, normalize), diversity, k, xquad_terms(features, shares, alpha))


def xquad_terms(features, shares, alpha=1.0):
    """Sum over the features of i of p(f|u) times (1 - alpha) for every selected item that has f."""
    kept = 1 - Fraction(alpha)

    def term(i, selected):
        return sum(
            Fraction(shares.get(f, 0)) * kept ** sum(1 for j in selected if f in features[j]) for f in features[i]
        )

    return lambda remaining, selected: [float(term(i, selected)) for i in remaining]


def pm2(scores, features, shares, diversity, k, normalize="minmax", emphasis=0.5):
    return greedy(normalized(scores, normalize), diversity, k, pm2_terms(features, shares, emphasis))


def pm2_terms(features, shares, emphasis=0.5, tolerance=1e-12):
    """The quotient of the feature whose turn it is, and those of the others.

    The turn goes to the first feature, in the order of the shares, whose quotient is within the tolerance of the
    largest: quotients of different seats are often equal but for rounding.
    """
    emphasis = Fraction(emphasis)

    def terms(remaining, selected):
        quotients = {}
        for f, share in shares.items():
            seats = sum(Fraction(1, len(features[j])) for j in selected if f in features[j])
            quotients[f] = Fraction(share) / (2 * seats + 1)
        most = max(quotients.values(), default=Fraction(0))
        turn = next((f for f, quotient in quotients.items() if quotient >= most * (1 - Fraction(tolerance))), None)
        return [
            float(
                sum((emphasis if f == turn else 1 - emphasis) * quotients.get(f, Fraction(0)) for f in features[i]),
            )
            for i in remaining
        ]

    return terms


def binomial_diversity(
    scores, features, probabilities, diversity, k, normalize="minmax", part="both", renormalize=False
):
    """`probabilities` are those of the metric (oracle.diversity.genre_probabilities): p of the genres considered."""
    terms = binomial_terms(features, probabilities, k, part)
    return greedy(normalized(scores, normalize), diversity, k, terms, renormalize=renormalize)


def binomial_terms(features, probabilities, k, part="both"):
    """Coverage times non-redundancy of a list of k, or one of them; places not yet taken have no genres."""

    def value(chosen):
        if not probabilities:
            return 0.0
        listed = [features[j] for j in chosen] + [set()] * (k - len(chosen))
        factors = {"both": (coverage_of, nonredundancy_of), "coverage": (coverage_of,)}.get(part, (nonredundancy_of,))
        return math.prod(factor(probabilities, listed, listed) for factor in factors)

    return lambda remaining, selected: [value([*selected, i]) for i in remaining]


def calibrated(scores, features, profile, diversity, k, normalize="minmax", smoothing=0.01):
    """`profile` are the genre shares of the profile (profile_shares)."""
    return greedy(normalized(scores, normalize), diversity, k, calibrated_terms(features, profile, smoothing))


def calibrated_terms(features, profile, smoothing=0.01):
    """Minus the divergence of the genre shares of the list, smoothed by the profile, from those of the profile."""
    a = Fraction(str(smoothing))

    def term(chosen):
        counted = [features[j] for j in chosen if features[j]]
        q = {}
        for genres in counted:
            for genre in genres:
                q[genre] = q.get(genre, 0) + Fraction(1, len(genres) * len(counted))
        return -kl(profile, mixed(a, q, profile)) if profile else 0.0

    return lambda remaining, selected: [term([*selected, i]) for i in remaining]
