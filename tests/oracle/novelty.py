"""METRICS.md section 4: sum of disc(r) rel_r nov(i_r), divided by the sum of disc(r) over the counted ranks."""

from __future__ import annotations

import math
from datetime import date

from oracle.case import NAN, disc, filled, item_counts, measure, over_lists, over_truth, rel, training_users


def self_information(case, k, *, normalized=False, denominator="users", cold="one", **itemwise):
    popularity = item_counts(case)
    n_users = training_users(case)
    total = {"users": n_users, "interactions": sum(popularity.values())}[denominator]

    def novelty(item):
        if total == 0 or _dropped(popularity[item], cold, "one"):
            return NAN
        bits = -math.log2(max(popularity[item], 1) / total)
        if not normalized:
            return bits
        return bits / math.log2(n_users) if n_users > 1 else NAN

    return _itemwise(case, k, novelty, **itemwise)


def epc(case, k, *, cold="one", **itemwise):
    popularity = item_counts(case)
    n_users = training_users(case)

    def novelty(item):
        if n_users == 0 or _dropped(popularity[item], cold, "one"):
            return NAN
        return 1 - popularity[item] / n_users

    return _itemwise(case, k, novelty, **itemwise)


def mean_popularity(case, k, *, normalized=False, cold="one", **itemwise):
    popularity = item_counts(case)
    interactions = sum(popularity.values())

    def count(item):
        if _dropped(popularity[item], cold, "one"):
            return NAN
        if not normalized:
            return float(popularity[item])
        return popularity[item] / interactions if interactions else NAN

    return _itemwise(case, k, count, **itemwise)


def efd(case, k, *, cold="largest", **itemwise):
    popularity = item_counts(case)
    interactions = sum(popularity.values())

    def novelty(item):
        if interactions == 0 or _dropped(popularity[item], cold, "largest"):
            return NAN
        return -math.log2((popularity[item] or min(popularity.values())) / interactions)

    return _itemwise(case, k, novelty, **itemwise)


def popularity_percentile(case, k, *, cold="zero", **itemwise):
    popularity = item_counts(case)

    def percentile(item):
        if _dropped(popularity[item], cold, "zero"):
            return NAN
        less = sum(1 for j in case.catalogue if popularity[j] < popularity[item])
        equal = sum(1 for j in case.catalogue if popularity[j] == popularity[item])
        return (less + equal / 2) / len(case.catalogue)

    return _itemwise(case, k, percentile, **itemwise)


def age(case, k, *, reference=None, **itemwise):
    dates = case.dates or {}
    now = date.fromisoformat(reference) if reference is not None else max(dates.values(), default=None)
    return _itemwise(case, k, lambda item: float((now - dates[item]).days) if item in dates else NAN, **itemwise)


def epd(case, k, *, distance="jaccard", missing="skip", profile="mean", **itemwise):
    between = measure(case, distance)

    def novelty(user, item):
        distances = [filled(between(item, j), missing) for j in case.train.get(user, {})]
        distances = [d for d in distances if d is not None]
        if not distances:
            return NAN
        return {"min": min(distances), "mean": math.fsum(distances) / len(distances)}[profile]

    return _per_user(case, k, novelty, **itemwise)


def _dropped(count, cold, kept):
    return {kept: False, "drop": count == 0}[cold]


def _itemwise(case, k, novelty, **itemwise):
    return _per_user(case, k, lambda _user, item: novelty(item), **itemwise)


def _per_user(case, k, novelty, *, discount="none", base=0.85, relevance="none", background=0.0, short="list"):
    lengths = [min(len(items), k) for items in case.lists.values() if items]
    every = math.fsum(disc(r, discount, base) for n in lengths for r in range(n)) / max(len(lengths), 1)

    def value(user, listed, relevant=None):
        weighed = [(r, item, novelty(user, item)) for r, item in enumerate(listed)]
        counted = [(r, item, weight) for r, item, weight in weighed if not math.isnan(weight)]
        if not counted:
            return 0.0 if short == "mean" else NAN
        rejected = case.rejected.get(user, ())
        top = math.fsum(
            disc(r, discount, base) * rel(item, relevant, relevance, background, rejected) * weight
            for r, item, weight in counted
        )
        if short == "mean":
            return top / every
        ranks = {"list": [r for r, _, _ in counted], "k": range(k)}[short]
        return top / math.fsum(disc(r, discount, base) for r in ranks)

    return over_lists(case, k, value) if relevance == "none" else over_truth(case, k, value)
