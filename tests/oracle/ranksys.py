"""What RankSys prints, written from the definitions it implements, in plain loops.

Vargas & Castells 2011, RecSys (rank and relevance in novelty and diversity); Vargas, Baltrunas, Karatzoglou & Castells
2014, RecSys (binomial diversity); Vargas 2015, thesis, chapters 3 to 6 (item novelty, re-ranking by a linear
combination of z-scores that are taken over what remains at every step). Nothing here is shared with the other oracles:
a slip in these would not be one here.

A `Data` is what its example programs read: ratings to learn from, ratings to judge by, a threshold, genres of items.
"""

from __future__ import annotations

import dataclasses
import math


@dataclasses.dataclass
class Data:
    """Ratings ``{user: {item: rating}}``, genres ``{item: set}``, lists ``{user: [(item, score)]}``, best first."""

    train: dict
    test: dict
    genres: dict
    lists: dict
    threshold: float

    def gain(self, user, item, model, background=0.0):
        """Of a relevance model: none, binary, or background, where items without a rating count a little."""
        if model == "none":
            return 1.0
        rating = self.test.get(user, {}).get(item)
        if rating is None:
            return background if model == "background" else 0.0
        return 1.0 if rating >= self.threshold else 0.0

    def users_of(self, item):
        return [user for user, items in self.train.items() if item in items]


def discount(kind, k):
    return {
        "none": lambda: 1.0,
        "log2": lambda: 1 / math.log2(k + 2),
        "reciprocal": lambda: 1 / (k + 1),
        "exp": lambda: 0.85**k,
    }[kind]()


def distance(data, kind, one, other):
    """Of genres: jaccard or cosine."""
    a, b = data.genres[one], data.genres[other]
    both = len(a & b)
    return 1 - both / len(a | b) if kind == "jaccard" else 1 - both / math.sqrt(len(a) * len(b))


# series: a number for each user with ratings to judge by


def precision(data, user, items, k):
    return sum(data.gain(user, item, "binary") for item in items) / k


def recall(data, user, items, _k):
    relevant = [item for item, rating in data.test[user].items() if rating >= data.threshold]
    return sum(data.gain(user, item, "binary") for item in items) / len(relevant)


def ndcg(data, user, items, k):
    """Gains 2^(rating - threshold + 1) - 1 of relevant items."""
    worth = {
        item: 2.0 ** (rating - data.threshold + 1) - 1
        for item, rating in data.test[user].items()
        if rating >= data.threshold
    }
    dcg = sum(worth.get(item, 0.0) * discount("log2", rank) for rank, item in enumerate(items))
    best = sum(gain * discount("log2", rank) for rank, gain in enumerate(sorted(worth.values(), reverse=True)[:k]))
    return dcg / best


def eild(data, user, items, _k, *, kind, rel, disc, background=0.0):
    total = norm = 0.0
    for i, one in enumerate(items):
        inner = weights = 0.0
        for j, other in enumerate(items):
            if i != j:
                weight = discount(disc, max(0, j - i - 1)) * data.gain(user, other, rel, background)
                inner += weight * distance(data, kind, one, other)
                weights += weight
        if weights > 0:
            total += discount(disc, i) * data.gain(user, one, rel, background) * inner / weights
        norm += discount(disc, i)
    return total / norm


def novelty(data, user, item, model):
    """Popularity complement, free discovery, or distance to the profile."""
    if model == "pc":
        return 1 - len(data.users_of(item)) / len(data.train)
    if model == "fd":
        rows = sum(len(items) for items in data.train.values())
        rarest = min(len(data.users_of(other)) for items in data.train.values() for other in items)
        return -math.log2(max(len(data.users_of(item)), rarest) / rows)
    profile = list(data.train[user])
    return sum(distance(data, "cosine", item, other) for other in profile) / len(profile)


def item_novelty(data, user, items, _k, *, model, rel, disc, background=0.0):
    total = sum(
        discount(disc, rank) * data.gain(user, item, rel, background) * novelty(data, user, item, model)
        for rank, item in enumerate(items)
    )
    return total / sum(discount(disc, rank) for rank in range(len(items)))


def probabilities(data, user, alpha):
    """p(g): of all ratings, of the profile, or of both; with alpha 1 of the genres of the profile only."""
    rows = [item for items in data.train.values() for item in items]
    every = {genre for genres in data.genres.values() for genre in genres}
    overall = {genre: sum(genre in data.genres[item] for item in rows) / len(rows) for genre in every}
    if alpha == 0:
        return overall
    profile = list(data.train[user])
    own = {genre: sum(genre in data.genres[item] for item in profile) / len(profile) for genre in every}
    if alpha == 1:
        return {genre: p for genre, p in own.items() if p > 0}
    return {genre: alpha * own[genre] + (1 - alpha) * overall[genre] for genre in every}


def longing(p, n):
    return (1 - p) ** n


def patience(k, p, n):
    """P(X >= k | X > 0), X binomial of n items."""
    if p >= 1:
        return 1.0
    at_least = sum(math.comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(max(k, 1), n + 1))
    return at_least / (1 - (1 - p) ** n)


def counts_of(data, items):
    counts = {}
    for item in items:
        for genre in data.genres[item]:
            counts[genre] = counts.get(genre, 0) + 1
    return counts


def coverage(p, counts, n):
    return math.prod(longing(p[genre], n) for genre in p if genre not in counts) ** (1 / len(p))


def nonredundancy(p, counts, n):
    if not counts:
        return 0.0
    return math.prod(patience(counts[genre], p[genre], n) for genre in p if genre in counts) ** (1 / len(counts))


def binomial(data, user, items, _k, *, part, alpha, rel="none"):
    p = probabilities(data, user, alpha)
    counted = [item for item in items if data.gain(user, item, rel) > 0]
    counts = counts_of(data, counted)
    factors = {"coverage": coverage(p, counts, len(items)), "nonredundancy": nonredundancy(p, counts, len(counted))}
    return math.prod(factors.values()) if part == "both" else factors[part]


# lists


def zscores(values):
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in values) / len(values))
    return [(x - mean) / deviation if deviation > 1e-12 else 0.0 for x in values]


def greedy(data, user, weight, k, term):
    """Take the item of the largest (1 - weight) z(score) + weight z(term), both over what remains."""
    left, taken = list(data.lists[user]), []
    while left and len(taken) < k:
        relevance = zscores([score for _, score in left])
        added = zscores([term(taken, item) for item, _ in left])
        worth = [(1 - weight) * s + weight * t for s, t in zip(relevance, added, strict=True)]
        best = worth.index(max(worth))
        taken.append(left.pop(best)[0])
    return taken


def mmr(data, user, weight, k, kind):
    """By the mean distance to what was taken."""

    def term(taken, item):
        return math.fsum(distance(data, kind, item, other) for other in taken) / len(taken) if taken else 0.0

    return greedy(data, user, weight, k, term)


def binomial_list(data, user, weight, k, *, part, alpha):
    """By the binomial diversity of what was taken with the item, of a list of k."""
    p = probabilities(data, user, alpha)

    def term(taken, item):
        counts = counts_of(data, [*taken, item])
        factors = {"coverage": coverage(p, counts, k), "nonredundancy": nonredundancy(p, counts, k)}
        return math.prod(factors.values()) if part == "both" else factors[part]

    return greedy(data, user, weight, k, term)


def novelty_list(data, user, weight, k, model):
    """One sort by z-scores over all."""
    items, scores = zip(*data.lists[user], strict=True)
    added = zscores([novelty(data, user, item, model) for item in items])
    worth = [(1 - weight) * s + weight * t for s, t in zip(zscores(scores), added, strict=True)]
    return [items[at] for at in sorted(range(len(items)), key=lambda at: -worth[at])[:k]]
