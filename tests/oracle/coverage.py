"""METRICS.md section 6: numbers of a whole run, and who of the test users has a list."""

from __future__ import annotations

import math
from itertools import combinations

from oracle.case import NAN, disc, features_of, over_truth, top


def exposure(case, k, discount="none", base=0.85):
    """The showings of every catalogue item, each weighed by its rank; with "none" the number of lists that hold it."""
    shown = dict.fromkeys(case.catalogue, 0.0)
    for user in case.lists:
        for r, item in enumerate(top(case, user, k)):
            if item in shown:
                shown[item] += disc(r, discount, base)
    return shown


def shares(case, k, discount, base):
    """The share of every catalogue item in all showings of catalogue items; empty where nothing is shown."""
    x = exposure(case, k, discount, base)
    total = math.fsum(x.values())
    return [n / total for n in x.values()] if total > 0 else []


def catalog_coverage(case, k, *, count=False) -> float:
    shown = sum(1 for n in exposure(case, k).values() if n > 0)
    if count:
        return float(shown)
    return shown / len(case.catalogue) if case.catalogue else NAN


def gini(case, k, *, discount="none", base=0.85, denominator="n-1", complement=False) -> float:
    x = sorted(exposure(case, k, discount, base).values())
    n = len(x)
    if n < 2 or sum(x) == 0:
        return NAN
    concentration = math.fsum((2 * j - n - 1) * x[j - 1] for j in range(1, n + 1))
    concentration /= {"n-1": n - 1, "n": n}[denominator] * math.fsum(x)
    return 1 - concentration if complement else concentration


def exposure_gini(case, k, *, discount="log2", base=0.85, denominator="n-1", complement=False) -> float:
    return gini(case, k, discount=discount, base=base, denominator=denominator, complement=complement)


def entropy(case, k, *, discount="none", base=0.85, normalized=False) -> float:
    p = shares(case, k, discount, base)
    if not p or (normalized and len(p) == 1):
        return NAN
    bits = math.fsum(each * math.log2(1 / each) for each in p if each > 0)
    return bits / math.log2(len(p)) if normalized else bits


def hhi(case, k, *, discount="none", base=0.85) -> float:
    p = shares(case, k, discount, base)
    return math.fsum(each * each for each in p) if p else NAN


def gini_simpson(case, k, *, discount="none", base=0.85) -> float:
    return 1 - hhi(case, k, discount=discount, base=base)


def effective_catalog(case, k, *, discount="none", base=0.85) -> float:
    return 2 ** entropy(case, k, discount=discount, base=base)


def genre_coverage(case, k) -> float:
    shown = {genre for user in case.lists for item in top(case, user, k) for genre in features_of(case, item)}
    return len(shown) / len(case.genres) if case.genres else NAN


def personalization(case, k) -> float:
    shown = [set(top(case, user, k)) for user in case.lists if top(case, user, k)]
    overlaps = [len(a & b) / math.sqrt(len(a) * len(b)) for a, b in combinations(shown, 2)]
    return 1 - math.fsum(overlaps) / len(overlaps) if overlaps else NAN


def inter_user_diversity(case, k) -> float:
    lists = [top(case, user, k) for user in case.lists if top(case, user, k)]
    m = len(lists)
    items = {item for listed in lists for item in listed}
    n = [sum(1 for listed in lists if item in listed) for item in items]
    return math.fsum(n_i / (k * m) * (1 - n_i / m) for n_i in n) if m else NAN


def user_coverage(case, k):
    return over_truth(case, k, lambda _user, _listed, _relevant: 1.0)
