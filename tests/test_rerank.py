"""Re-rankers against their quadratic definitions, against other projects' values, and against their own laws."""

from __future__ import annotations

import functools
import json
import math
import types
from pathlib import Path

import bridge
import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import rerank as oracle
from oracle.case import pair_distance
from strategies import candidates as drawn_candidates
from strategies import random_case

import beyondacc as ba
from beyondacc import distances
from beyondacc.errors import DataError, SpecError
from beyondacc.kernels import greedy
from beyondacc.rerank import RERANKERS, Wrapped, base
from beyondacc.rerank.base import NORMALISATIONS
from beyondacc.run.local import map_blocks

SLOW = numba.config.DISABLE_JIT  # the kernels run as plain Python
pytestmark = [
    pytest.mark.kernel,
    # numpy's own integers warn where those of a compiled kernel wrap around
    *([pytest.mark.filterwarnings("ignore:overflow encountered in scalar:RuntimeWarning")] if SLOW else []),
]
N_WORLDS = 1 if SLOW else 7
N_DRAWN = 10 if SLOW else 300
KINDS = ("jaccard", "cosine on sets", "float64 vectors", "float32 vectors", "own on vectors", "own on sets")
METHODS = {"MMR": {}, "GreedyDiversity": {}, "renormalized": {"renormalize": True}}
ALL = [
    ba.MMR(),
    ba.GreedyDiversity(),
    ba.GreedyDiversity(normalize="zscore", renormalize=True),
    ba.Novelty(),
    ba.Random(),
]
ORACLES = Path(__file__).resolve().parents[2] / "shared" / "oracles"


def manhattan(one, other):
    """Sum of absolute differences."""
    total = 0.0
    for place in range(len(one)):
        total += abs(one[place] - other[place])
    return total


def clipped_cosine(one, other):
    """1 minus the cosine, no similarity below 0."""
    dot = ones = others = 0.0
    for place in range(len(one)):
        dot += one[place] * other[place]
        ones += one[place] ** 2
        others += other[place] ** 2
    return 1.0 - min(max(dot / math.sqrt(ones * others), 0.0), 1.0)


def clipped_dot(one, other):
    """1 minus the inner product, no similarity below 0."""
    dot = 0.0
    for place in range(len(one)):
        dot += one[place] * other[place]
    return 1.0 - min(max(dot, 0.0), 1.0)


@pytest.fixture(autouse=True)
def _own_distances(monkeypatch):
    monkeypatch.setattr(distances, "DISTANCES", distances.DISTANCES.copy())


@functools.cache
def own(function):
    """A distance of one's own, compiled once."""
    return ba.distance(function)


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


def random_lists(rng, pool, n_users, longest=11):
    """``{user: (items, scores)}`` in input order, every kind of score, lists of one item among them."""
    lists = {}
    for number in range(n_users):
        n = 1 if rng.random() < 0.08 else int(rng.integers(1, longest + 1))
        items = [pool[at] for at in rng.permutation(len(pool))[:n]]
        lists[f"c{number:04}"] = (items, list(SCORES)[number % len(SCORES)])
    return {user: (items, SCORES[kind](rng, len(items)).tolist()) for user, (items, kind) in lists.items()}


def frame_of(lists, rng, *, scores=True):
    """The lists as rows in any order, with ranks that may contradict the scores."""
    rows = [
        (user, item, rank + 1, score)
        for user, (items, values) in lists.items()
        for rank, (item, score) in enumerate(zip(items, values, strict=True))
    ]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "rank", "score"])
    return frame.sample(frac=1, random_state=int(rng.integers(1000)))[["user_id", "item_id", "rank", "score"][: 3 + scores]]


class World:
    """A dataset with candidates whose order is known, and the distances between all items."""

    def __init__(self, kind, seed, n_users=24):
        rng = np.random.default_rng(seed)
        vectors = "vectors" in kind
        while True:
            self.case = random_case(rng, with_vectors=vectors, n_genres=3 if seed % 2 else None)
            if all(isinstance(user, str) for user in self.case.train):  # the users of the candidates are strings, too
                break
        if seed % 5 == 4:  # all items look the same
            self.case.features = {item: {self.case.genres[0]} for item in self.case.features}
            self.case.genres = self.case.genres[:1]
        self.data = bridge.to_dataset(self.case, dtype=np.float32 if kind == "float32 vectors" else np.float64)
        self.distance = {"jaccard": "jaccard", "own": own(manhattan)}.get(kind.split()[0], "cosine")
        pool = [*self.case.item_order, "unknown to all"]
        self.lists = random_lists(rng, pool, n_users)
        self.frame = frame_of(self.lists, rng)
        known = self.distance if isinstance(self.distance, str) else manhattan
        table = {
            (a, b): pair_distance(self.case, a, b, known) if a in described and b in described else None
            for described in [set(self.case.features)]
            for a in pool
            for b in pool
        }
        self.table = {pair: math.nan if d is None else d for pair, d in table.items()}
        self.counts = {
            item: sum(item in profile for profile in self.case.train.values())
            for item in pool
        }

    def matrix(self, items):
        return [[self.table[a, b] for b in items] for a in items]


@functools.cache
def world(kind, seed):
    return World(kind, seed)


def rows_of(made):
    """``{user: (picked positions, selection scores)}``."""
    lengths = made.lengths.tolist()
    return {
        user: (made.input_ranks[row, :n].tolist(), made.scores[row, :n].tolist())
        for row, (user, n) in enumerate(zip(made.users.tolist(), lengths, strict=True))
    }


def scaled(scores, how):
    """Scores small enough to be squared, where the normalisation does not look at their size."""
    largest = max(map(abs, scores), default=0.0)
    if how not in {"minmax", "zscore"} or 1e-100 < largest < 1e100 or largest == 0:
        return scores
    factor = 2.0 ** -math.frexp(largest)[1]
    return [score * factor if factor < math.inf else score * 2.0**900 for score in scores]


def check(made, world, method, k, normalize, diversity):
    """Compare all lists with the definition, selection for selection; return how many agree in every pick."""
    how = None if normalize == "none" else normalize
    options = dict(METHODS[method])
    select, regret = {
        "MMR": (oracle.mmr, oracle.mmr_regret),
        "GreedyDiversity": (oracle.greedy_diversity, oracle.greedy_diversity_regret),
    }[method if method == "MMR" else "GreedyDiversity"]
    exact = 0
    for user, (picks, values) in rows_of(made).items():
        items, raw = world.lists[user]
        scores, matrix = scaled(raw, how), world.matrix(items)
        expected, wanted = select(scores, matrix, diversity, k, how, **options)
        size = max(1.0, max(map(abs, scores)) if how is None else 0.0)
        context = f"{method} {normalize} {diversity} {user} {raw}"
        if picks == expected:
            exact += 1
        else:  # a tie but for rounding
            assert regret(picks, scores, matrix, diversity, how, **options) <= 1e-9 * size, context
            assert len(picks) == len(expected), context
        np.testing.assert_allclose(values, wanted, rtol=1e-9, atol=1e-8 * size, err_msg=context)
    return exact


def reranker(method, **given):
    name = "MMR" if method == "MMR" else "GreedyDiversity"
    return RERANKERS.create(name, **given, **METHODS[method])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_definition(kind, method):
    rng = np.random.default_rng(1)
    cases = exact = 0
    for seed in range(N_WORLDS):
        here = world(kind, seed)
        for normalize in NORMALISATIONS:
            diversity = float(rng.choice([0.0, 0.1, 0.3, 0.5, 0.9, 1.0, rng.random()]))
            k = int(rng.integers(1, 14))
            made = reranker(method, distance=here.distance, diversity=diversity, normalize=normalize).rerank(
                here.frame, here.data, k=k
            )
            assert made.lists.shape[1] <= k
            cases += len(made)
            exact += check(made, here, method, k, normalize, diversity)
    assert cases >= 4 * 24 * N_WORLDS
    assert exact >= 0.97 * cases  # ties that rounding breaks are the exception


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=N_DRAWN, deadline=None)
@given(data=st.data())
def test_equals_the_definition_on_drawn_cases(data, method):
    """Distances of quarters and scores of halves have ties at every step, and no rounding breaks them."""
    scores, matrix = data.draw(drawn_candidates())
    normalize = data.draw(st.sampled_from(sorted(NORMALISATIONS)))
    diversity = data.draw(st.sampled_from([0.25, 0.5, 0.75, 1.0]))
    k = data.draw(st.integers(1, 10))
    n = len(scores)
    # an item's row of the matrix is its vector, its own number is appended: the distance looks itself up
    rows = np.array([[*row, number] for number, row in enumerate(matrix)])
    gone = np.isnan(np.delete(rows[:, :n], [], axis=1)).all(axis=1)
    rows[gone] = 0.0
    vectors = np.where(np.isnan(rows), 0.0, rows)
    vectors[~gone] += 0.0
    made_up = ba.Dataset(items={"item_id": list(range(n))} if False else pd.DataFrame({"item_id": range(n)}), vectors=np.c_[vectors, ~gone])
    here = types.SimpleNamespace(lists={0: (list(range(n)), scores)}, matrix=lambda _items: matrix)
    frame = pd.DataFrame({"user_id": 0, "item_id": range(n), "rank": range(1, n + 1), "score": scores})
    made = reranker(method, distance=own(looked_up), diversity=diversity, normalize=normalize).rerank(frame, made_up, k=k)
    exact = check(made, here, method, k, normalize, diversity)
    if normalize in {"none", "minmax", "rank"} and method == "MMR":
        assert exact == 1


def looked_up(one, other):
    """The entry of a distance matrix whose row is the vector: the column is told by the last but one number."""
    return one[int(other[len(other) - 2])]
