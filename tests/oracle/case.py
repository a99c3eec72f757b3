"""The input of every oracle, in plain Python, and the policy of METRICS.md section 0 about who gets a value."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

Id = int | str
NAN = float("nan")


@dataclass
class Case:
    """One evaluation, as a person would write it on paper."""

    lists: dict[Id, list[Id]]  # recommendation lists in rank order, may be empty, users may be missing
    truth: dict[Id, dict[Id, float]]  # test rows with their values, above 0 where relevant
    train: dict[Id, dict[Id, float]]  # training rows
    features: dict[Id, set[str]] | None  # genres of the items in the items table; None without an items table
    vectors: dict[Id, list[float]] | None
    catalogue: set[Id]  # the items table if there is one, else the training items
    genres: list[str]  # all features of the items table
    expected: dict[Id, list[Id]] | None  # lists of a primitive model; None: the most popular unseen items
    item_order: list[Id]  # vocabulary order
    scores: dict[Id, list[float]] | None = None  # one for each rank of every list
    expected_scores: dict[Id, list[float]] | None = None  # the same of `expected`
    earlier: list[dict[Id, list[Id]]] | None = None  # former lists, the oldest first
    dates: dict[Id, date] | None = None  # of some items of the items table
    attributes: dict[str, dict[Id, Id]] | None = None  # of some items of the items table, by column
    weights: dict[Id, dict[str, float]] | None = None  # of the genres; `features` has those above 0
    rejected: dict[Id, set[Id]] = field(default_factory=dict)  # test items judged not relevant
    draw_orders: Callable[[int], list[Id]] | None = None  # by seed, the users in a cyclic order; None: as in `lists`


def users(case):
    """Everybody with a list or with a test row, relevant or not."""
    return list(dict.fromkeys([*case.lists, *case.truth, *case.rejected]))


def top(case, user, k):
    """The list of the user cut at k: R."""
    return case.lists.get(user, [])[:k]


def over_lists(case, k, value):
    """A list metric: NaN without a non-empty list, else value(user, R)."""
    return {user: value(user, top(case, user, k)) if top(case, user, k) else NAN for user in users(case)}


def relevant_of(case, user):
    """The user's relevant test items with their gains; a row of value 0 is judged not relevant."""
    return {item: gain for item, gain in case.truth.get(user, {}).items() if gain > 0}


def over_truth(case, k, value):
    """A truth metric: NaN without truth, 0 for a missing or empty list, else value(user, R, T)."""
    result = {}
    for user in users(case):
        relevant = relevant_of(case, user)
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


def row(case, item):
    """What dense distances see: vectors if given, else weights of genres, else 0 and 1; empty where there is none."""
    if case.vectors is not None:
        return case.vectors.get(item, [])
    if case.weights is not None:
        return [case.weights.get(item, {}).get(genre, 0.0) for genre in case.genres]
    return [1.0 if genre in features_of(case, item) else 0.0 for genre in case.genres]


def disc(r, discount, base):
    """The weight of rank r."""
    return {"none": 1.0, "log2": 1 / math.log2(r + 2), "reciprocal": 1 / (r + 1), "exp": base**r}[discount]


def rel(item, relevant, relevance, background, rejected=()):
    """The weight of an item by its relevance; `relevant` is not looked at where relevance is "none"."""
    if relevance == "none" or item in relevant:
        return 1.0
    return 0.0 if relevance == "binary" or item in rejected else background


def pair_distance(case, a, b, distance):
    """d(a, b), or None where the two have no distance."""
    return measure(case, distance)(a, b)


def measure(case, distance):
    """The function (a, b) -> d(a, b) or None of a name, a pair (name, parameters), a function of rows or a table."""
    if isinstance(distance, dict):
        kind = _looked_up(distance)
    elif callable(distance):
        kind = _of_rows(case, distance)
    else:
        name, params = (distance, {}) if isinstance(distance, str) else distance
        kind = DISTANCES[name](case, **params)
    known = {}

    def between(a, b):
        if (a, b) not in known:
            known[a, b] = kind(a, b)
        return known[a, b]

    return between


def describes(case, distance):
    """The function item -> whether the item has what the distance looks at."""
    if isinstance(distance, dict):
        return lambda item: any(item in pair and not math.isnan(d) for pair, d in distance.items())
    name = None if callable(distance) else distance if isinstance(distance, str) else distance[0]
    if name in {"jaccard", "hamming"}:
        return lambda item: bool(features_of(case, item))
    if name in {"rating_cosine", "pearson", "cooccurrence"}:
        popularity = item_counts(case)
        return lambda item: popularity[item] > 0
    if name == "npmi":
        return lambda _item: True
    return lambda item: any(row(case, item))


def filled(d, missing):
    """The distance that counts; None: the pair is skipped."""
    return {"skip": None, "one": 1.0, "zero": 0.0}[missing] if d is None else d


def _looked_up(table):
    def between(a, b):
        d = table.get((a, b), table.get((b, a)))
        return None if d is None or math.isnan(d) else d

    return between


def _of_rows(case, function):
    def between(a, b):
        left, right = row(case, a), row(case, b)
        return float(function(left, right)) if any(left) and any(right) else None

    return between


def _jaccard(case):
    def between(a, b):
        left, right = features_of(case, a), features_of(case, b)
        return 1 - len(left & right) / len(left | right) if left and right else None

    return between


def _hamming(case, *, normalized=True):
    def between(a, b):
        left, right = features_of(case, a), features_of(case, b)
        if not left or not right:
            return None
        return len(left ^ right) / len(case.genres) if normalized else float(len(left ^ right))

    return between


def norm(numbers):
    return math.sqrt(math.fsum(x * x for x in numbers))


def _cosine(case, *, half=False, clip=False):
    def between(left, right):
        d = 1 - math.fsum(x * y for x, y in zip(left, right, strict=True)) / (norm(left) * norm(right))
        d = min(d, 1) if clip else d
        return d / 2 if half else d

    return _of_rows(case, between)


def _euclidean(case):
    return _of_rows(case, lambda left, right: norm([x - y for x, y in zip(left, right, strict=True)]))


def mean(numbers):
    """The exact mean, so that what is equal to it becomes 0 when centred."""
    return sum(Fraction(x) for x in numbers) / len(numbers)


def columns(case):
    """{item: {user: training value}}."""
    result = {}
    for user, profile in case.train.items():
        for item, value in profile.items():
            result.setdefault(item, {})[user] = value
    return result


def _rating_cosine(case, *, center="user", support="all"):
    by_item = columns(case)
    user_means = {user: mean(profile.values()) for user, profile in case.train.items() if profile}
    centred = {}
    for item, column in by_item.items():
        middle = {
            "user": user_means,
            "item": dict.fromkeys(column, mean(column.values())),
            "none": dict.fromkeys(column, 0),
        }[center or "none"]
        centred[item] = {user: float(Fraction(x) - middle[user]) for user, x in column.items()}

    def between(a, b):
        left, right = centred.get(a, {}), centred.get(b, {})
        common = [user for user in left if user in right]
        dot = math.fsum(left[user] * right[user] for user in common)
        if support == "common":
            left, right = ({user: column[user] for user in common} for column in (left, right))
        norms = norm(left.values()) * norm(right.values())
        return (1 - dot / norms) / 2 if norms > 0 else None

    return between


def _pearson(case):
    by_item = columns(case)

    def between(a, b):
        left, right = by_item.get(a, {}), by_item.get(b, {})
        common = [user for user in left if user in right]
        if len(common) < 2:
            return None
        left, right = ([Fraction(column[user]) for user in common] for column in (left, right))
        left, right = ([float(x - mean(numbers)) for x in numbers] for numbers in (left, right))
        norms = norm(left) * norm(right)
        return 1 - math.fsum(x * y for x, y in zip(left, right, strict=True)) / norms if norms > 0 else None

    return between


def _cooccurrence(case):
    by_item = columns(case)

    def between(a, b):
        left, right = set(by_item.get(a, {})), set(by_item.get(b, {}))
        return 1 - len(left & right) / math.sqrt(len(left) * len(right)) if left and right else None

    return between


def _npmi(case):
    """An item nobody has is at distance 1 from everything."""
    n_users = training_users(case)
    by_item = columns(case)

    def between(a, b):
        left, right = set(by_item.get(a, {})), set(by_item.get(b, {}))
        both = len(left & right)
        if both == 0:
            return 1.0
        if both == n_users:
            return 0.0
        npmi = math.log2(n_users * both / (len(left) * len(right))) / -math.log2(both / n_users)
        return (1 - npmi) / 2

    return between


DISTANCES = {
    "jaccard": _jaccard,
    "hamming": _hamming,
    "cosine": _cosine,
    "euclidean": _euclidean,
    "rating_cosine": _rating_cosine,
    "pearson": _pearson,
    "cooccurrence": _cooccurrence,
    "npmi": _npmi,
}
