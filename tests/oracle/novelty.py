"""METRICS.md section 4: sum of disc(r) rel_r nov(i_r), divided by the sum of disc(r) over the counted ranks."""

from __future__ import annotations

import math

from oracle.case import NAN, item_counts, over_lists, over_truth, training_users


def self_information(case, k, *, normalized=False, denominator="users", **itemwise):
    popularity = item_counts(case)
    n_users = training_users(case)
    total = {"users": n_users, "interactions": sum(popularity.values())}[denominator]

    def novelty(item):
        if total == 0:
            return NAN
        bits = -math.log2(max(popularity[item], 1) / total)
        if not normalized:
            return bits
        return bits / math.log2(n_users) if n_users > 1 else NAN

    return _itemwise(case, k, novelty, **itemwise)


def epc(case, k, **itemwise):
    popularity = item_counts(case)
    n_users = training_users(case)
    return _itemwise(case, k, lambda item: 1 - popularity[item] / n_users if n_users else NAN, **itemwise)


def mean_popularity(case, k, *, normalized=False, **itemwise):
    popularity = item_counts(case)
    interactions = sum(popularity.values())

    def count(item):
        if not normalized:
            return float(popularity[item])
        return popularity[item] / interactions if interactions else NAN

    return _itemwise(case, k, count, **itemwise)


def _itemwise(case, k, novelty, *, cold="one", discount="none", base=0.85, relevance="none", background=0.0):
    popularity = item_counts(case)
    drop = {"one": False, "drop": True}[cold]

    def disc(r):
        return {"none": 1.0, "log2": 1 / math.log2(r + 2), "reciprocal": 1 / (r + 1), "exp": base**r}[discount]

    def rel(item, relevant):
        if relevance == "none" or item in relevant:
            return 1.0
        return {"binary": 0.0, "background": background}[relevance]

    def value(_user, listed, relevant=None):
        counted = [(r, item) for r, item in enumerate(listed) if not (drop and popularity[item] == 0)]
        if not counted:
            return NAN
        top = math.fsum(disc(r) * rel(item, relevant) * novelty(item) for r, item in counted)
        return top / math.fsum(disc(r) for r, _ in counted)

    return over_lists(case, k, value) if relevance == "none" else over_truth(case, k, value)
