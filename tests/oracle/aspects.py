"""METRICS.md section 3: genres of a list, and what of it is new since earlier lists."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

from oracle.calibration import shares
from oracle.case import NAN, features_of, over_lists, over_truth


def genres_of(case, items):
    return {genre for item in items for genre in features_of(case, item)}


def subtopic_recall(case, k, *, relevant_only=False, denominator="features"):
    def value(_user, listed, relevant=None):
        shown = genres_of(case, [item for item in listed if not relevant_only or item in relevant])
        if denominator == "relevant":
            wanted = genres_of(case, relevant)
            return len(shown & wanted) / len(wanted) if wanted else 0.0
        return len(shown) / {"features": len(case.genres), "k": k, "list": len(listed)}[denominator]

    return over_truth(case, k, value) if relevant_only or denominator == "relevant" else over_lists(case, k, value)


def genre_entropy(case, k, *, normalized=False):
    def value(_user, listed):
        p = shares(case, [(item, 1) for item in listed])
        if not p or (normalized and len(case.genres) == 1):
            return NAN
        bits = math.fsum(float(each) * math.log2(1 / each) for each in p.values() if each > 0)
        return bits / math.log2(len(case.genres)) if normalized else bits

    return over_lists(case, k, value)


def alpha_gain(genres, seen, alpha):
    """Sum of (1-alpha)^(times seen) over the genres, exactly, so that equal gains are equal."""
    return sum((1 - alpha) ** seen[genre] for genre in genres)


def gains_in_order(genre_sets, alpha):
    """The gain of every set after those before it."""
    seen, result = Counter(), []
    for genres in genre_sets:
        result.append(alpha_gain(genres, seen, alpha))
        seen.update(genres)
    return result


def greedy_order(pool, genres, steps, alpha):
    """The items of greatest gain, one after the other; the first in the pool of equals."""
    left, seen, order = list(pool), Counter(), []
    while left and len(order) < steps:
        gains = [alpha_gain(genres(item), seen, alpha) for item in left]
        item = left.pop(gains.index(max(gains)))
        order.append(item)
        seen.update(genres(item))
    return order


def alpha_ndcg(case, k, *, alpha=0.5, relevance="binary", aspects="all", ideal="greedy"):
    alpha = Fraction(str(alpha))

    def dcg(gains):
        return math.fsum(float(gain) / math.log2(r + 2) for r, gain in enumerate(gains))

    def value(user, listed, relevant=None):
        aspect = {"all": set(case.genres), "profile": genres_of(case, case.train.get(user, {}))}[aspects]
        counted = set(listed if relevance == "none" else relevant)
        genres = {item: features_of(case, item) & aspect if item in counted else set() for item in [*listed, *counted]}
        gains = gains_in_order([genres[item] for item in listed], alpha)
        if ideal == "sorted":
            best = sorted(gains, reverse=True)
        else:
            pool = sorted(counted, key=str, reverse=True)  # of equal ones the last id is taken
            steps = len(listed) if relevance == "none" else k
            order = greedy_order(pool, genres.__getitem__, steps, alpha)
            best = gains_in_order([genres[item] for item in order], alpha)
        return dcg(gains) / dcg(best) if sum(best) > 0 else 0.0

    return over_lists(case, k, value) if relevance == "none" else over_truth(case, k, value)


def err_ia(case, k, *, intents="profile"):
    highest = max((gain for gains in case.truth.values() for gain in gains.values()), default=0.0)

    def value(user, listed, relevant):
        if intents == "profile":
            occurrences = Counter(genre for item in case.train.get(user, {}) for genre in features_of(case, item))
        else:
            occurrences = Counter(genres_of(case, relevant))
        if not occurrences:
            return {"profile": NAN, "relevant": 0.0}[intents]
        total = 0.0
        for genre, count in occurrences.items():
            unsatisfied = 1.0
            for r, item in enumerate(listed):
                if item in relevant and genre in features_of(case, item):
                    satisfied = (2 ** relevant[item] - 1) / 2**highest
                    total += count / occurrences.total() * unsatisfied * satisfied / (r + 1)
                    unsatisfied *= 1 - satisfied
        return total

    return over_truth(case, k, value)


def proportionality(case, k, *, relevance="none"):
    def value(user, listed, relevant=None):
        p = shares(case, [(item, 1) for item in case.train.get(user, {})])
        if not p:
            return NAN
        cuts = []
        for t in range(1, len(listed) + 1):
            counted = [item for item in listed[:t] if relevance == "none" or item in relevant]
            nr = t - len(counted)
            c = {genre: sum(1 for item in counted if genre in features_of(case, item)) for genre in p}
            short = sum((p[genre] * t - c[genre]) ** 2 for genre in p if p[genre] * t >= c[genre])
            worst = sum((p[genre] * t) ** 2 for genre in p)
            if relevance != "none":
                short += Fraction(nr * nr, 2)
                worst += Fraction(t * t, 2)
            cuts.append(1 - short / worst)
        return float(sum(cuts) / len(cuts))

    return over_lists(case, k, value) if relevance == "none" else over_truth(case, k, value)


def _since(case, k, former, denominator):
    """The share of the list that is not in the former ones, which `former` chooses among those that are not empty."""

    def value(user, listed):
        earlier = [lists[user] for lists in case.earlier or [] if lists.get(user)]
        if not earlier:
            return NAN
        known = {item for items in former(earlier) for item in items[:k]}
        return sum(1 for item in listed if item not in known) / {"k": k, "list": len(listed)}[denominator]

    return over_lists(case, k, value)


def temporal_diversity(case, k, *, denominator="k"):
    return _since(case, k, lambda earlier: earlier[-1:], denominator)


def temporal_novelty(case, k, *, denominator="k"):
    return _since(case, k, lambda earlier: earlier, denominator)


def unseen_share(case, k, *, denominator="k"):
    """Of the list, what is not in the profile."""

    def value(user, listed):
        profile = case.train.get(user, {})
        return sum(1 for item in listed if item not in profile) / {"k": k, "list": len(listed)}[denominator]

    return over_lists(case, k, value)
