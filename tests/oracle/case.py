"""The input of every oracle, in plain Python, and the policy of METRICS.md section 0 about who gets a value."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

Id = int | str
NAN = float("nan")


@dataclass
class Case:
    """One evaluation, as a person would write it on paper."""

    lists: dict[Id, list[Id]]  # recommendation lists in rank order, may be empty, users may be missing
    truth: dict[Id, dict[Id, float]]  # relevant test items and their gains
    train: dict[Id, dict[Id, float]]  # training rows
    features: dict[Id, set[str]] | None  # genres of the items in the items table; None without an items table
    vectors: dict[Id, list[float]] | None
    catalogue: set[Id]  # the items table if there is one, else the training items
    genres: list[str]  # all features of the items table
    expected: dict[Id, list[Id]] | None  # lists of a primitive model; None: the most popular unseen items
    item_order: list[Id]  # vocabulary order, used for ties


def users(case):
    """Everybody with a list or with truth."""
    return list(dict.fromkeys([*case.lists, *case.truth]))


def top(case, user, k):
    """The list of the user cut at k: R."""
    return case.lists.get(user, [])[:k]


def over_lists(case, k, value):
    """A list metric: NaN without a non-empty list, else value(user, R)."""
    return {user: value(user, top(case, user, k)) if top(case, user, k) else NAN for user in users(case)}


def over_truth(case, k, value):
    """A truth metric: NaN without truth, 0 for a missing or empty list, else value(user, R, T)."""
    result = {}
    for user in users(case):
        relevant = case.truth.get(user, {})
        listed = top(case, user, k)
        if not relevant:
            result[user] = NAN
        elif not listed:
            result[user] = 0.0
        else:
            result[user] = value(user, listed, relevant)
    return result


def item_counts(case):
    """c_i, the number of training users of every item."""
    return Counter(item for profile in case.train.values() for item in profile)


def training_users(case):
    """|U|, the number of users with at least one training row."""
    return sum(1 for profile in case.train.values() if profile)


def features_of(case, item):
    """F(i); empty for an item outside the items table."""
    if case.features is None:
        raise ValueError("this metric needs features")
    return case.features.get(item, set())


def pair_distance(case, a, b, distance):
    """d(a, b), or None where one of the two has no features."""
    if distance == "jaccard":
        left, right = features_of(case, a), features_of(case, b)
        return 1 - len(left & right) / len(left | right) if left and right else None
    left, right = row(case, a), row(case, b)
    if not any(left) or not any(right):
        return None
    if distance == "cosine":
        dot = math.fsum(x * y for x, y in zip(left, right, strict=True))
        norms = math.sqrt(math.fsum(x * x for x in left)) * math.sqrt(math.fsum(x * x for x in right))
        return 1 - dot / norms
    return float(distance(left, right))


def row(case, item):
    """The vector of an item if vectors are given, else its features as 0 and 1; empty where there is none."""
    if case.vectors is not None:
        return case.vectors.get(item, [])
    return [1.0 if genre in features_of(case, item) else 0.0 for genre in case.genres]
