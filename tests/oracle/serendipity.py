"""METRICS.md section 5."""

from __future__ import annotations

import math

from oracle.case import NAN, filled, item_counts, measure, norm, over_lists, over_truth, row


def _to_profile(case, user, between, missing):
    """The function item -> its distances to the profile, without the pairs that are skipped."""

    def distances(item):
        found = [filled(between(item, j), missing) for j in case.train.get(user, {})]
        return [d for d in found if d is not None]

    return distances


def _mean(numbers):
    return math.fsum(numbers) / len(numbers) if numbers else NAN


def surprise_content(case, k, *, distance="jaccard", missing="skip", profile="min"):
    between = measure(case, distance)

    def value(user, listed):
        found = [_to_profile(case, user, between, missing)(item) for item in listed]
        return _mean([{"min": min(each), "mean": _mean(each)}[profile] for each in found if each])

    return over_lists(case, k, value)


def surprise_cooccurrence(case, k, *, profile="min"):
    return surprise_content(case, k, distance="npmi", profile=profile)


def unserendipity(case, k, *, distance="cooccurrence", missing="skip"):
    between = measure(case, distance)

    def value(user, listed):
        distances = _to_profile(case, user, between, missing)
        return _mean([1 - d for item in listed for d in distances(item)])

    return over_lists(case, k, value)


def serendipity(case, k, *, distance="cooccurrence", missing="skip"):
    between = measure(case, distance)

    def value(user, listed, relevant):
        found = {item: _to_profile(case, user, between, missing)(item) for item in listed}
        return _mean([_mean(each) if item in relevant else 0.0 for item, each in found.items() if each])

    return over_truth(case, k, value)


def distance_unexpectedness(case, k, *, distance="cosine"):
    def away(left, centre):
        if distance == "euclidean":
            return norm([x - y for x, y in zip(left, centre, strict=True)])
        return 1 - math.fsum(x * y for x, y in zip(left, centre, strict=True)) / (norm(left) * norm(centre))

    def rows(items):
        return [found for found in (row(case, item) for item in items) if any(found)]

    def value(user, listed):
        profile = rows(case.train.get(user, {}))
        if not profile:
            return NAN
        centre = [math.fsum(column) / len(profile) for column in zip(*profile, strict=True)]
        if distance == "cosine" and not any(centre):
            return NAN
        return _mean([away(found, centre) for found in rows(listed)])

    return over_lists(case, k, value)


def expected_list(case, user, k):
    """The top k of the primitive model for this user, in order."""
    if case.expected is not None:
        return case.expected.get(user, [])[:k]
    popularity = item_counts(case)
    unseen = [item for item in case.catalogue if item not in case.train.get(user, {})]
    return sorted(unseen, key=lambda item: (-popularity[item], item))[:k]


def unexpectedness(case, k, *, denominator="list"):
    def value(user, listed):
        expected = expected_list(case, user, k)
        unexpected = sum(1 for item in listed if item not in expected)
        # with "k" it is 1 - |R and E| / k, so that the ranks a short list leaves empty are unexpected, too
        return {"list": unexpected / len(listed), "k": 1 - (len(listed) - unexpected) / k}[denominator]

    return over_lists(case, k, value)


def serendipity_ge(case, k):
    def value(user, listed, relevant):
        expected = expected_list(case, user, k)
        return sum(1 for item in listed if item not in expected and item in relevant) / len(listed)

    return over_truth(case, k, value)


def serendipity_rank(case, k, *, denominator="list"):
    popularity = item_counts(case)
    n = len(case.catalogue)
    levels = sorted({popularity[item] for item in case.catalogue} - {0}, reverse=True)

    def to_anybody(item):
        if item not in case.catalogue or popularity[item] == 0:
            return 0.0
        return (n + 1 - (1 + levels.index(popularity[item]))) / n

    def value(_user, listed, relevant):
        total = math.fsum(
            max((n + 1 - rank) / n - to_anybody(item), 0.0) for rank, item in enumerate(listed, 1) if item in relevant
        )
        return total / {"list": len(listed), "k": k}[denominator]

    return over_truth(case, k, value)


def _scaled(scores):
    low, high = min(scores, default=0), max(scores, default=0)
    return [(s - low) / (high - low) if high > low else 0.0 for s in scores]


def _by_rank(items):
    return [1 / (r + 1) for r in range(len(items))]


def serendipity_murakami(case, k):
    popularity = item_counts(case)

    def of_primitive(user):
        expected = expected_list(case, user, k)
        if case.expected is None:
            scores = _scaled([popularity[item] for item in expected])
        elif case.expected_scores is None:
            scores = _by_rank(expected)
        else:
            scores = _scaled(case.expected_scores.get(user, [])[:k])
        return dict(zip(expected, scores, strict=True))

    def value(user, listed, relevant):
        scores = _by_rank(listed) if case.scores is None else _scaled(case.scores[user][:k])
        expected = of_primitive(user)
        total = 0.0
        for r, item in enumerate(listed):
            if item in relevant:
                hits = sum(1 for other in listed[: r + 1] if other in relevant)
                total += max(scores[r] - expected.get(item, 0.0), 0.0) * hits / (r + 1)
        return total / len(listed)

    return over_truth(case, k, value)
