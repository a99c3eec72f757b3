"""METRICS.md section 7. Shares of genres are exact fractions, so that equal shares are at divergence 0 exactly."""

from __future__ import annotations

import math
from fractions import Fraction

from oracle.case import NAN, disc, features_of, over_lists, top
from oracle.diversity import _log as exact_log


def shares(case, weighed, genre_weight="split"):
    """The genre shares of (item, weight) pairs: every item splits its weight among its genres, or gives each all of it.

    Empty without mass.
    """
    mass = {}
    for item, weight in weighed:
        parts = {"split": len(features_of(case, item)), "full": 1}[genre_weight]
        for genre in features_of(case, item):
            mass[genre] = mass.get(genre, 0) + Fraction(weight) / parts
    total = sum(mass.values())
    return {genre: each / total for genre, each in mass.items() if each > 0}


def mixed(a, p, q):
    """(1-a) p + a q."""
    return {genre: (1 - a) * p.get(genre, 0) + a * q.get(genre, 0) for genre in p.keys() | q.keys()}


def kl(p, q):
    """Sum of p log2(p/q)."""
    terms = []
    for genre in p:
        if p[genre] > 0:
            if q.get(genre, 0) == 0:
                return math.inf
            terms.append(float(p[genre]) * exact_log(p[genre] / q[genre]) / math.log(2))
    return max(math.fsum(terms), 0.0)


def js(p, q):
    """Half of KL(p, m) plus half of KL(q, m) with m halfway; exact fractions leave no noise to take the root of."""
    middle = mixed(Fraction(1, 2), p, q)
    return (kl(p, middle) + kl(q, middle)) / 2


def hellinger(p, q):
    """sqrt(1 - sum of sqrt(p q)), in a form that is 0 for equal shares."""
    return math.sqrt(math.fsum((math.sqrt(p.get(g, 0)) - math.sqrt(q.get(g, 0))) ** 2 for g in p.keys() | q.keys()) / 2)


def _calibration(case, k, divergence, *, discount="none", base=0.85, profile_weight="none"):
    def value(user, listed):
        profile = case.train.get(user, {})
        p = shares(case, [(item, {"none": 1, "rating": x}[profile_weight]) for item, x in profile.items()])
        q = shares(case, [(item, disc(r, discount, base)) for r, item in enumerate(listed)])
        return divergence(p, q) if p and q else NAN

    return over_lists(case, k, value)


def calibration_kl(case, k, *, smoothing=0.01, smooth="list", **weighting):
    a = Fraction(str(smoothing))

    def divergence(p, q):
        return kl({"list": p, "both": mixed(a, p, q)}[smooth], mixed(a, q, p))

    return _calibration(case, k, divergence, **weighting)


def calibration_js(case, k, *, root=False, smoothing=0.0, **weighting):
    a = Fraction(str(smoothing))

    def divergence(p, q):
        found = js(mixed(a, p, q), mixed(a, q, p))
        return math.sqrt(found) if root else found

    return _calibration(case, k, divergence, **weighting)


def calibration_hellinger(case, k, **weighting):
    return _calibration(case, k, hellinger, **weighting)


def _listed_shares(case, listed, genre_weight):
    return shares(case, [(item, Fraction(1, r + 1)) for r, item in enumerate(listed)], genre_weight)


def _normative(context, listed, divergence):
    """The divergence of the genre shares of a list from those of its context, both smoothed by the other one."""
    if not context or not listed:
        return NAN
    p, q = mixed(Fraction(1, 1000), context, listed), mixed(Fraction(1, 1000), listed, context)
    return {"js": lambda: math.sqrt(js(p, q)), "kl": lambda: kl(p, q)}[divergence]()


def radio_calibration(case, k, *, divergence="js", genre_weight="split", history="none"):
    def value(user, listed):
        latest_first = list(case.train.get(user, {}))[::-1]
        weights = {"none": lambda _at: 1, "reciprocal": lambda at: Fraction(1, at + 1)}[history]
        profile = shares(case, [(item, weights(at)) for at, item in enumerate(latest_first)], genre_weight)
        return _normative(profile, _listed_shares(case, listed, genre_weight), divergence)

    return over_lists(case, k, value)


def radio_representation(case, k, *, divergence="js", genre_weight="split"):
    pool = shares(case, [(item, 1) for item in case.catalogue], genre_weight)

    def value(_user, listed):
        return _normative(pool, _listed_shares(case, listed, genre_weight), divergence)

    return over_lists(case, k, value)


def radio_fragmentation(case, k, *, divergence="js", genre_weight="split", sample=10, seed=0):
    order = list(case.lists) if case.draw_orders is None else case.draw_orders(seed)
    shown = {user: _listed_shares(case, top(case, user, k), genre_weight) for user in order}
    circle = [user for user in order if shown[user]]

    def value(user, _listed):
        if user not in circle:
            return NAN
        at = circle.index(user)
        others = (circle[at + 1 :] + circle[:at])[:sample]
        found = [_normative(shown[other], shown[user], divergence) for other in others]
        return math.fsum(found) / len(found) if found else NAN

    return over_lists(case, k, value)
