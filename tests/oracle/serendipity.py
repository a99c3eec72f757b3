"""METRICS.md section 5."""

from __future__ import annotations

import math

from oracle.case import NAN, item_counts, over_lists, over_truth, pair_distance, training_users


def surprise_content(case, k, *, distance="jaccard", profile="min"):
    return _surprise(case, k, lambda i, j: pair_distance(case, i, j, distance), profile)


def surprise_cooccurrence(case, k, *, profile="min"):
    return _surprise(case, k, lambda i, j: npmi_distance(case, i, j), profile)


def npmi_distance(case, i, j):
    """(1 - nPMI)/2 over training users; an item nobody has is at distance 1 from everything."""
    n_users = training_users(case)
    c_i = sum(1 for items in case.train.values() if i in items)
    c_j = sum(1 for items in case.train.values() if j in items)
    c_ij = sum(1 for items in case.train.values() if i in items and j in items)
    if c_ij == 0:
        npmi = -1.0
    elif c_ij == n_users:
        npmi = 1.0
    else:
        npmi = math.log2(n_users * c_ij / (c_i * c_j)) / -math.log2(c_ij / n_users)
    return (1 - npmi) / 2


def _surprise(case, k, distance, profile):
    def value(user, listed):
        surprises = []
        for item in listed:
            distances = [distance(item, j) for j in case.train.get(user, {})]
            distances = [d for d in distances if d is not None]
            if distances:
                surprises.append({"min": min(distances), "mean": math.fsum(distances) / len(distances)}[profile])
        return math.fsum(surprises) / len(surprises) if surprises else NAN

    return over_lists(case, k, value)


def expected_items(case, user, k):
    """E: the top k of the primitive model for this user."""
    if case.expected is not None:
        return set(case.expected.get(user, [])[:k])
    popularity = item_counts(case)
    unseen = [item for item in case.item_order if item in case.catalogue and item not in case.train.get(user, {})]
    unseen.sort(key=lambda item: -popularity[item])  # stable: ties keep the vocabulary order
    return set(unseen[:k])


def unexpectedness(case, k, *, denominator="list"):
    def value(user, listed):
        expected = expected_items(case, user, k)
        unexpected = sum(1 for item in listed if item not in expected)
        # with "k" it is 1 - |R and E| / k, so that the ranks a short list leaves empty are unexpected, too
        return {"list": unexpected / len(listed), "k": 1 - (len(listed) - unexpected) / k}[denominator]

    return over_lists(case, k, value)


def serendipity_ge(case, k):
    def value(user, listed, relevant):
        expected = expected_items(case, user, k)
        return sum(1 for item in listed if item not in expected and item in relevant) / len(listed)

    return over_truth(case, k, value)
