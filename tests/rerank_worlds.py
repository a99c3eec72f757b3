"""Random worlds for the tests of re-rankers: candidates in a known order, and what the definitions say about them.

A `World` holds a dataset and lists of candidates; a `Given` is one of its lists as a definition sees it.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from typing import Any

import bridge
import numba
import numpy as np
import pandas as pd
import pytest
from oracle import rerank, rerank_aspects as aspects
from oracle.case import features_of, item_counts, measure, row as row_of
from oracle.diversity import genre_probabilities, global_probabilities
from strategies import name_users, random_case

import beyondacc as ba
from beyondacc.rerank.base import NORMALISATIONS, RERANKERS

SLOW = numba.config.DISABLE_JIT  # the kernels run as plain Python
MARKS = [
    pytest.mark.kernel,
    pytest.mark.usefixtures("fresh_distances"),
    # numpy's own numbers warn where those of a compiled kernel wrap around, or are divided by zero and not looked at
    *(
        [pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered in scalar:RuntimeWarning")]
        if SLOW
        else []
    ),
]
HOW = sorted(NORMALISATIONS)
WEIGHTS = (0.0, 0.1, 0.3, 0.5, 0.9, 1.0)


# distances and gains of one's own


def manhattan(one, other):
    """Sum of absolute differences."""
    total = 0.0
    for place in range(len(one)):
        total += abs(one[place] - other[place])
    return total


def looked_up(one, other):
    """The entry of a distance matrix: one item has its row, the other tells its column at the end."""
    return one[int(other[-1]) - 1]


def nearest(distances, term, step):
    """Of MMR."""
    for place in range(len(term)):
        value = distances[place] - 1.0
        term[place] = value if step == 1 or value < term[place] else term[place]


def total(distances, term, step):  # noqa: ARG001 - every gain is called so
    """Of MSD."""
    for place in range(len(term)):
        term[place] += distances[place]


def mean(distances, term, step):
    """Of GreedyDiversity."""
    for place in range(len(term)):
        term[place] += (distances[place] - term[place]) / step


def fading(distances, term, step):
    """The last picks count most, and late ones more than early ones."""
    for place in range(len(term)):
        term[place] = 0.5 * term[place] + step * distances[place] ** 2


@functools.cache
def own(function):
    """A distance of one's own, compiled once."""
    return ba.distance(function)


@functools.cache
def greedy_with(function):
    """A gain of one's own, compiled once."""
    return ba.Greedy(gain=function).gain


# candidates

SCORES = {
    "falling": lambda rng, n: np.sort(rng.random(n))[::-1],
    "any order": lambda rng, n: rng.normal(size=n),
    "tied": lambda rng, n: rng.integers(0, 3, n).astype(float),
    "constant": lambda rng, n: np.full(n, rng.normal()),
    "negative": lambda rng, n: -rng.random(n) * 10,
    "huge": lambda rng, n: rng.choice([-1e300, -1e299, 0.0, 1e299, 1e300, 1e300], n),
    "tiny": lambda rng, n: rng.choice([0.0, 1e-300, 2e-300], n),
    "almost constant": lambda rng, n: 1 + rng.integers(0, 3, n) * 1e-15,
}


def random_lists(rng, pool, users, longest=11):
    """``{user: (items, scores)}`` in input order, every kind of score, lists of one item among them."""
    lists = {}
    for number, user in enumerate(users):
        n = 1 if rng.random() < 0.08 else int(rng.integers(1, min(longest, len(pool)) + 1))
        kind = list(SCORES)[number % len(SCORES)]
        lists[user] = ([pool[at] for at in rng.permutation(len(pool))[:n]], SCORES[kind](rng, n).tolist())
    return lists


def frame_of(lists, rng):
    """The lists as rows in any order, with ranks that may contradict the scores."""
    rows = [
        (user, item, rank + 1, score)
        for user, (items, values) in lists.items()
        for rank, (item, score) in enumerate(zip(items, values, strict=True))
    ]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "rank", "score"])
    return frame.sample(frac=1, random_state=int(rng.integers(1000)))


# name: the distance as the library gets it and as the definitions do, and whether items have vectors
KINDS = {
    "jaccard": ("jaccard", "jaccard", False),
    "cosine": ("cosine", "cosine", False),
    "hamming": ("hamming", "hamming", False),
    "hamming, counted": ("hamming(normalized=false)", ("hamming", {"normalized": False}), False),
    "own": (manhattan, manhattan, False),
    "cosine of vectors": ("cosine", "cosine", True),
    "cosine of float32 vectors": ("cosine", "cosine", True),
    "half cosine of vectors": ("cosine(half=true)", ("cosine", {"half": True}), True),
    "euclidean": ("euclidean", "euclidean", True),
    "own of vectors": (manhattan, manhattan, True),
    "matrix": (None, None, False),
    "npmi": ("npmi", "npmi", False),
    "cooccurrence": ("cooccurrence", "cooccurrence", False),
    "pearson": ("pearson", "pearson", False),
    "rating_cosine": ("rating_cosine(center=item)", ("rating_cosine", {"center": "item"}), False),
}
WITH_KERNEL = (  # 1 - d is one
    *("jaccard", "cosine", "hamming", "cosine of vectors", "half cosine of vectors", "cosine of float32 vectors"),
    "cooccurrence",
)
FEATURED = ("jaccard", "cosine of vectors")  # users have profiles, items features; the distance is not looked at


class World:
    """A dataset with candidates whose order is known, and the distances between all items.

    Seeds that are 1, 2 and 3 by division by 4: few genres, all items alike, long lists.
    """

    def __init__(self, kind, seed):
        rng = np.random.default_rng([seed, *kind.encode()])
        given, known, with_vectors = KINDS[kind]
        few, alike, long = (seed % 4 == which for which in (1, 2, 3))
        n_users = 10 if long else 22
        self.case = random_case(
            rng, n_users=n_users, n_items=45 if long else 25, with_vectors=with_vectors, n_genres=3 if few else None
        )
        if alike:
            self.case.features = {item: {self.case.genres[0]} for item in self.case.features}
            self.case.genres = self.case.genres[:1]
        self.data = bridge.to_dataset(self.case, dtype=np.float32 if "float32" in kind else np.float64)
        names = [*self.case.train, *self.case.truth]
        self.unknown = 999_999 if isinstance(names[0], int) else "unknown to all"
        pool = [*self.case.item_order, self.unknown]
        if given is None:
            given, known = random_matrix(rng, self.case.item_order)
        self.distance = own(given) if given is manhattan else given
        self.users = name_users(range(n_users + 2), "int" if isinstance(names[0], int) else "str")
        self.lists = random_lists(rng, pool, self.users, 28 if long else 11)
        self.frame = frame_of(self.lists, rng)
        self.between = measure(self.case, known)
        self.counts = item_counts(self.case)
        self.overall = global_probabilities(self.case)


def random_matrix(rng, items):
    """Distances of most items, and some of them are missing; as the library gets them and as a table."""
    some = [item for item in items if rng.random() < 0.85]
    numbers = np.triu(rng.integers(0, 9, (len(some), len(some))) / 8, 1)
    numbers[rng.random(numbers.shape) < 0.05] = np.nan
    numbers = np.triu(numbers, 1)
    numbers += numbers.T
    table = {
        pair: numbers[at] for pair, at in zip(itertools.product(some, some), np.ndindex(numbers.shape), strict=True)
    }
    return ba.distance(numbers, items=some, name="given"), table


@functools.cache
def world(kind, seed):
    """Made once for all tests."""
    return World(kind, seed)


def scaled(scores, how):
    """The same scores near 1, where the normalisation looks neither at their size nor at where they lie.

    Squares overflow and means lose all digits otherwise, in the definition as well.
    """
    largest = max(map(abs, scores), default=0.0)
    if how not in {"minmax", "zscore"} or largest == 0:
        return scores
    scores = [math.ldexp(score, -math.frexp(largest)[1]) for score in scores]
    low, high = min(scores), max(scores)
    return [score - low for score in scores] if 0 < high <= 2 * low else scores  # the differences are exact


@dataclasses.dataclass(frozen=True)
class Given:
    """One list of a world and how it is to be re-ranked, as the definitions see it."""

    world: Any
    user: Any
    normalize: str
    diversity: float
    k: int

    @property
    def how(self):
        return None if self.normalize == "none" else self.normalize

    @functools.cached_property
    def items(self):
        return self.world.lists[self.user][0]

    @functools.cached_property
    def scores(self):
        return scaled(self.world.lists[self.user][1], self.how)

    @functools.cached_property
    def relevance(self):
        return rerank.normalized(self.scores, self.how)

    @functools.cached_property
    def matrix(self):
        return [[self.world.between(a, b) for b in self.items] for a in self.items]

    @functools.cached_property
    def features(self):
        return [features_of(self.world.case, item) for item in self.items]

    @property
    def rows(self):
        return [row_of(self.world.case, item) for item in self.items]

    @property
    def shares(self):
        return aspects.feature_shares(self.world.case, self.user)

    def to_profile(self):
        return [
            [self.world.between(item, other) for other in self.world.case.train.get(self.user, {})]
            for item in self.items
        ]

    def probabilities(self, alpha):
        return genre_probabilities(self.world.case, self.user, alpha, self.world.overall)

    def by(self, terms, *, renormalize=False):
        """The objective of terms."""
        objective = rerank.renormalized_objective if renormalize else rerank.objective_of
        return objective(self.relevance, self.diversity, terms)

    def by_sort(self, term):
        """The objective of a term that does not depend on what is selected."""
        return self.by(lambda remaining, _selected: [term[i] for i in remaining])

    @property
    def as_given(self):
        return rerank.as_given(self.relevance, self.k)

    @property
    def common(self):
        """What most definitions take last."""
        return self.diversity, self.k, self.how

    def at(self, **changes):
        """The same list, re-ranked otherwise."""
        return dataclasses.replace(self, **changes)


# results


def rows_of(made):
    """``{user: (picked positions, selection scores)}``."""
    lengths = made.lengths.tolist()
    return {
        user: (made.input_ranks[row, :n].tolist(), made.gain[row, :n].tolist())
        for row, (user, n) in enumerate(zip(made.users.tolist(), lengths, strict=True))
    }


def same(one, other):
    """Whether two results are the same bit for bit."""
    assert one.users.equals(other.users)
    np.testing.assert_array_equal(one.lists, other.lists)
    np.testing.assert_array_equal(one.input_ranks, other.input_ranks)
    np.testing.assert_array_equal(one.scores, other.scores)
    np.testing.assert_array_equal(one.gain, other.gain)
    return True


def uniform(seed, user, item):
    """The number of a seed, a user and an item by their external ids, in whole numbers without a bound."""
    word = 2**64
    state = seed % word
    for part in (0, hashed(user), hashed(item)):
        state = (state + part + 0x9E3779B97F4A7C15) % word
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % word
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB % word
        state ^= state >> 31
    return (state >> 11) * 2.0**-53


@functools.cache
def hashed(key):
    return int(pd.util.hash_pandas_object(pd.Index([key]), index=False).iloc[0])


# all re-rankers, for laws

SETTINGS = {  # besides the defaults
    "MMR": [{"distance": "npmi"}, {"renormalize": True}],
    "GreedyDiversity": [{"normalize": "zscore", "renormalize": True}, {"renormalize": "both"}],
    "Cover": [{"gamma": 0.5}],
    "DPP": [{"distance": "jaccard", "normalize": "minmax"}],
    "SSD": [{"window": 2, "bias": False}],
    "XQuAD": [{"alpha": 0.5}],
    "Calibrated": [{"profile_weight": "rating"}],
    "BinomialDiversity": [
        {"alpha": 0.5},
        {"alpha": 1.0, "part": "coverage"},
        {"part": "nonredundancy", "renormalize": True},
    ],
    "Surprise": [{"distance": "npmi", "profile": "mean"}],
    "Random": [{"seed": 7}],
}
ALL = [info.factory(**given) for name, info in RERANKERS.items() for given in ({}, *SETTINGS.get(name, []))]
EVERY = [*ALL, ba.Greedy(gain=greedy_with(fading))]  # with one of one's own, which has no text


def many_users(n_users=600, n_items=40, seed=0):
    """A dataset that knows all its users, and candidates of 20 items each."""
    rng = np.random.default_rng(seed)
    genres = {item: [f"g{g}" for g in rng.choice(6, rng.integers(0, 4), replace=False)] for item in range(n_items)}
    train = {
        user: {int(item): float(rng.integers(1, 6)) for item in rng.choice(n_items, 5, replace=False)}
        for user in range(n_users)
    }
    data = ba.Dataset(train=train, items=genres)
    lists = np.argsort(rng.random((n_users, n_items)), axis=1)[:, :20]
    frame = pd.DataFrame(
        {
            "user_id": np.repeat(np.arange(n_users), 20),
            "item_id": lists.ravel(),
            "rank": np.tile(np.arange(20) + 1, n_users),
            "score": rng.normal(size=lists.size).round(1),
        }
    )
    return data, frame


MANY = functools.cache(lambda: many_users(80) if SLOW else many_users())
