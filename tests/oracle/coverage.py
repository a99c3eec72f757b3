"""METRICS.md section 6: numbers of a whole run."""

from __future__ import annotations

import math
from itertools import combinations

from oracle.case import NAN, top


def exposure(case, k):
    """n_i of every catalogue item: the number of lists that hold it."""
    return {item: sum(1 for user in case.lists if item in top(case, user, k)) for item in case.catalogue}


def catalog_coverage(case, k, *, count=False):
    shown = sum(1 for n in exposure(case, k).values() if n > 0)
    if count:
        return float(shown)
    return shown / len(case.catalogue) if case.catalogue else NAN


def gini(case, k, *, denominator="n-1", complement=False):
    x = sorted(exposure(case, k).values())
    n = len(x)
    if n < 2 or sum(x) == 0:
        return NAN
    concentration = sum((2 * j - n - 1) * x[j - 1] for j in range(1, n + 1))
    concentration /= {"n-1": n - 1, "n": n}[denominator] * sum(x)
    return 1 - concentration if complement else concentration


def entropy(case, k, *, normalized=False):
    x = list(exposure(case, k).values())
    if sum(x) == 0 or (normalized and len(x) == 1):
        return NAN
    bits = math.fsum(n / sum(x) * math.log2(sum(x) / n) for n in x if n > 0)
    return bits / math.log2(len(x)) if normalized else bits


def personalization(case, k):
    shown = [set(top(case, user, k)) for user in case.lists if top(case, user, k)]
    overlaps = [len(a & b) / math.sqrt(len(a) * len(b)) for a, b in combinations(shown, 2)]
    return 1 - math.fsum(overlaps) / len(overlaps) if overlaps else NAN
