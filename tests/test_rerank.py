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
from hypothesis import given, settings, strategies as st
from oracle import rerank as oracle
from oracle.case import pair_distance
from strategies import candidates as drawn_candidates, random_case

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
N_WORLDS = 2 if SLOW else 7
N_DRAWN = 30 if SLOW else 150
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
    return frame.sample(frac=1, random_state=int(rng.integers(1000)))[
        ["user_id", "item_id", "rank", "score"][: 3 + scores]
    ]


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
        self.counts = {item: sum(item in profile for profile in self.case.train.values()) for item in pool}

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
    """The same scores near 1, where the normalisation looks neither at their size nor at where they lie.

    Squares overflow and means lose all digits otherwise, in the definition as well.
    """
    largest = max(map(abs, scores), default=0.0)
    if how not in {"minmax", "zscore"} or largest == 0:
        return scores
    scores = [math.ldexp(score, -math.frexp(largest)[1]) for score in scores]
    low, high = min(scores), max(scores)
    return [score - low for score in scores] if 0 < high <= 2 * low else scores  # the differences are exact


def check(made, world, method, k, normalize, diversity):
    """Compare all lists with the definition, selection for selection; return how many agree in every pick."""
    how = None if normalize == "none" else normalize
    options = METHODS[method]
    define, regret = (
        (oracle.mmr, oracle.mmr_regret)
        if method == "MMR"
        else (oracle.greedy_diversity, oracle.greedy_diversity_regret)
    )
    exact = 0
    for user, (picks, values) in rows_of(made).items():
        items, raw = world.lists[user]
        scores, matrix = scaled(raw, how), world.matrix(items)
        expected, wanted = define(scores, matrix, diversity, k, how, **options)
        size = max(1.0, max(map(abs, scores)) if how is None else 0.0)
        context = f"{method} {normalize} {diversity} {user} {raw}"
        if picks == expected:
            exact += 1
        else:  # a tie but for rounding; from there on another list is right
            assert sorted(set(picks)) == sorted(picks), context
            assert len(picks) == len(expected), context
            assert regret(picks, scores, matrix, diversity, how, **options) <= 1e-9 * size, context
            wanted = along(picks, scores, matrix, method, diversity, how)
        np.testing.assert_allclose(values, wanted, rtol=1e-9, atol=1e-9 * size, err_msg=context)
    return exact


def along(picks, scores, matrix, method, diversity, how):
    """The objective of each pick, given those before."""
    terms = oracle.mmr_terms if method == "MMR" else oracle.greedy_diversity_terms
    terms = functools.partial(terms, matrix, **METHODS[method])
    scores, remaining, values = oracle.normalized(scores, how), list(range(len(scores))), []
    for step, pick in enumerate(picks):
        found = oracle.objective(scores, diversity, terms, remaining, picks[:step])
        values.append(found[remaining.index(pick)])
        remaining.remove(pick)
    return values


def reranker(method, **given):
    return RERANKERS.create("MMR" if method == "MMR" else "GreedyDiversity", **given, **METHODS[method])


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
    gone = np.isnan(np.diag(matrix))
    vectors = np.c_[np.nan_to_num(matrix), np.arange(n) + 1.0]
    vectors[gone] = 0.0  # an item without a vector
    dataset = ba.Dataset(items=pd.DataFrame({"item_id": range(n)}), vectors=vectors)
    here = types.SimpleNamespace(lists={0: (list(range(n)), scores)}, matrix=lambda _items: matrix)
    frame = pd.DataFrame({"user_id": 0, "item_id": range(n), "rank": range(1, n + 1), "score": scores})
    chosen = reranker(method, distance=own(looked_up), diversity=diversity, normalize=normalize)
    exact = check(chosen.rerank(frame, dataset, k=k), here, method, k, normalize, diversity)
    if method == "MMR" and normalize != "zscore":
        assert exact == 1


def looked_up(one, other):
    """The entry of a distance matrix: one item has its row, the other tells its column at the end."""
    return one[int(other[-1]) - 1]


@pytest.mark.parametrize("normalize", NORMALISATIONS)
@pytest.mark.parametrize("kind", ["jaccard", "float64 vectors"])
def test_novelty_is_one_sort(kind, normalize):
    rng = np.random.default_rng(3)
    for seed in range(N_WORLDS):
        here = world(kind, seed)
        n_train = len(here.case.train)
        diversity = float(rng.choice([0.1, 0.5, 0.9, 1.0, rng.random()]))
        made = ba.Novelty(diversity=diversity, normalize=normalize).rerank(here.frame, here.data, k=8)
        for user, (picks, values) in rows_of(made).items():
            items, raw = here.lists[user]
            how = None if normalize == "none" else normalize
            scores = scaled(raw, how)
            relevance = oracle.normalized(scores, how)
            term = [-math.log2(max(here.counts[item], 1) / n_train) for item in items]
            novel = oracle.zscore(term)
            blend = [(1 - diversity) * s + diversity * t for s, t in zip(relevance, novel, strict=True)]
            check_sorted(picks, values, blend, min(8, len(items)))
            if normalize == "zscore":
                np.testing.assert_allclose(values, oracle.novelty(scores, term, diversity, 8)[1], rtol=1e-9, atol=1e-8)


def check_sorted(picks, values, blend, n):
    """The n largest of the blend, ties by position unless rounding breaks them."""
    size = max(1.0, *map(abs, blend))
    best = sorted(range(len(blend)), key=lambda at: -blend[at])[:n]
    np.testing.assert_allclose(values, [blend[at] for at in picks], rtol=1e-9, atol=1e-8 * size)
    np.testing.assert_allclose(values, [blend[at] for at in best], rtol=1e-9, atol=1e-8 * size)
    assert len(set(picks)) == len(picks) == n
    exact = [at for at in range(1, n) if values[at] == values[at - 1]]
    assert all(picks[at] > picks[at - 1] for at in exact)


def uniform(seed, user, item):
    """The number of a seed, a user and an item by their external ids, in whole numbers without a bound."""
    word = 2**64
    state = seed % word
    for part in (0, *(int(pd.util.hash_pandas_object(pd.Index([key]), index=False).iloc[0]) for key in (user, item))):
        state = (state + part + 0x9E3779B97F4A7C15) % word
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % word
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB % word
        state ^= state >> 31
    return (state >> 11) * 2.0**-53


@pytest.mark.parametrize("seed", [0, 1, 2**40])
@pytest.mark.parametrize("normalize", NORMALISATIONS)
def test_random_is_one_sort_of_its_own_numbers(normalize, seed):
    here = world("jaccard", 0)
    for diversity in (0.3, 1.0):
        made = ba.Random(diversity=diversity, normalize=normalize, seed=seed).rerank(here.frame, here.data, k=6)
        for user, (picks, values) in rows_of(made).items():
            items, raw = here.lists[user]
            how = None if normalize == "none" else normalize
            relevance = oracle.normalized(scaled(raw, how), how)
            numbers = [uniform(seed, user, item) for item in items]
            blend = [(1 - diversity) * s + diversity * r for s, r in zip(relevance, numbers, strict=True)]
            check_sorted(picks, values, blend, min(6, len(items)))


def many_users(n_users=600, n_items=40, seed=0):
    """A dataset that knows all its users, and candidates of 20 items each."""
    rng = np.random.default_rng(seed)
    genres = {item: [f"g{g}" for g in rng.choice(6, rng.integers(0, 4), replace=False)] for item in range(n_items)}
    train = {user: rng.choice(n_items, 5, replace=False).tolist() for user in range(n_users)}
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


def test_random_is_uniform_and_rests_on_nothing_else():
    data, frame = MANY()
    made = ba.Random(diversity=1, seed=5).rerank(frame, data, k=20)
    assert abs(made.scores.mean() - 0.5) < 0.02
    assert made.scores.min() >= 0
    assert made.scores.max() < 1
    first = np.bincount(made.input_ranks[:, 0], minlength=20)
    assert first.max() < 4 * first.mean()
    half = ba.Random(diversity=1, seed=5).rerank(frame[frame["user_id"] % 2 == 1], data, k=20)
    odd = dict(zip(made.users, made.lists.tolist(), strict=True))
    assert all(odd[user] == row for user, row in zip(half.users, half.lists.tolist(), strict=True))
    other = ba.Random(diversity=1, seed=6).rerank(frame, data, k=20)
    assert (other.lists != made.lists).mean() > 0.5


def same(one, other):
    """Whether two results are the same bit for bit."""
    assert one.users.equals(other.users)
    np.testing.assert_array_equal(one.lists, other.lists)
    np.testing.assert_array_equal(one.input_ranks, other.input_ranks)
    np.testing.assert_array_equal(one.scores, other.scores)
    return True


@pytest.mark.parametrize("method", ALL, ids=str)
def test_without_diversity_the_order_is_the_input_order(method):
    here = world("jaccard", 1)
    for normalize in NORMALISATIONS:
        chosen = RERANKERS[type(method).__name__].factory(diversity=0, normalize=normalize)
        made = chosen.rerank(here.frame, here.data, k=5)
        for user, (picks, values) in rows_of(made).items():
            items, raw = here.lists[user]
            assert picks == list(range(min(5, len(items))))
            how = None if normalize == "none" else normalize
            wanted = oracle.normalized(scaled(raw, how), how)[:5]
            np.testing.assert_allclose(values, wanted, rtol=1e-9, atol=1e-9)
    made = method.at(0).rerank({"c": ["z", "a"]}, here.data)
    assert made.to_dict() == {"c": ["z", "a"]}


@pytest.mark.parametrize("method", ALL, ids=str)
@pytest.mark.parametrize("normalize", NORMALISATIONS)
def test_full_diversity_ignores_relevance(method, normalize):
    here = world("jaccard", 2)
    chosen = RERANKERS.create(str(method), normalize=normalize).at(1)
    made = chosen.rerank(here.frame, here.data, k=7)
    rng = np.random.default_rng(0)
    shuffled = here.frame.assign(score=rng.permutation(here.frame["score"].to_numpy()))
    np.testing.assert_array_equal(made.lists, chosen.rerank(shuffled, here.data, k=7).lists)
    without = here.frame.drop(columns="score")
    assert same(made, chosen.rerank(without, here.data, k=7))


@pytest.mark.parametrize("method", ALL, ids=str)
def test_the_beginning_does_not_depend_on_the_length(method):
    here = world("float64 vectors", 3)
    chosen = method if isinstance(method, ba.Novelty | ba.Random) else RERANKERS.create(str(method), distance="cosine")
    whole = chosen.rerank(here.frame, here.data, k=50)
    assert whole.lengths.tolist() == [len(here.lists[user][0]) for user in whole.users]
    for k in (1, 2, 5, 11):
        part = chosen.rerank(here.frame, here.data, k=k)
        assert same(part, whole.top(k))


@pytest.mark.parametrize("method", ALL, ids=str)
def test_ties_go_to_the_better_input_rank(method):
    n = 70  # more than a sort that is stable for short lists only would get right
    items = [f"i{number:02}" for number in np.random.default_rng(0).permutation(n)]
    data = ba.Dataset(train={"u": items}, items={item: ["same"] for item in sorted(items)})
    frame = pd.DataFrame({"user_id": "u", "item_id": items, "rank": range(1, n + 1), "score": 3.0})
    for diversity in (0.2, 0.5, 1.0):
        for k in (4, n):
            made = method.at(diversity).rerank(frame, data, k=k)
            expected = list(range(k))
            if isinstance(method, ba.Random):
                numbers = [uniform(0, "u", item) for item in items]
                expected = sorted(range(n), key=lambda rank: -numbers[rank])[:k]
            assert made.input_ranks.tolist() == [expected]
    levels = frame.assign(score=[float(rank % 3) for rank in range(n)])
    if not isinstance(method, ba.Random):  # all distances are 0: each level in input order
        made = method.at(0.5).rerank(levels, data, k=n)
        assert made.input_ranks[0].tolist() == sorted(range(n), key=lambda rank: (-(rank % 3), rank))


def test_candidates_without_scores_have_their_ranks():
    here = world("jaccard", 0)
    bare = {user: items for user, (items, _) in here.lists.items()}
    ranks = {user: (items, [-float(rank) for rank in range(len(items))]) for user, (items, _) in here.lists.items()}
    frame = frame_of(ranks, np.random.default_rng(0))
    for method in ALL:
        for normalize in NORMALISATIONS:
            chosen = RERANKERS.create(str(method), normalize=normalize)
            assert same(chosen.rerank(bare, here.data), chosen.rerank(frame, here.data))


def test_input_ranks_and_items_belong_together():
    here = world("jaccard", 3)
    for method in ALL:
        made = method.rerank(here.frame, here.data, k=6)
        for user, items in made.to_dict().items():
            picks = rows_of(made)[user][0]
            assert items == [here.lists[user][0][at] for at in picks]
        assert (made.input_ranks[made.lists < 0] == -1).all()
        assert np.isnan(made.scores[made.lists < 0]).all()


@pytest.mark.parametrize("method", ALL, ids=str)
def test_threads_and_blocks_change_nothing(method, monkeypatch):
    data, frame = MANY()
    one = method.rerank(frame, data, k=5, threads=1)
    assert same(one, method.rerank(frame, data, k=5, threads=2))
    monkeypatch.setattr(base, "map_blocks", functools.partial(map_blocks, least=7))
    assert same(one, method.rerank(frame, data, k=5, threads=3))
    assert same(one, method.rerank(frame, data, k=5, threads=50))
    part = frame[frame["user_id"].isin([3, 70])]
    alone = method.rerank(part, data, k=5)
    np.testing.assert_array_equal(alone.lists, one.lists[[3, 70]])
    np.testing.assert_array_equal(alone.scores, one.scores[[3, 70]])


@pytest.mark.parametrize("method", ALL, ids=str)
def test_what_was_made_can_be_read_again(method):
    here = world("jaccard", 2)
    made = method.rerank(here.frame, here.data, k=6)
    frame = made.to_pandas()
    assert list(frame.columns) == ["user_id", "item_id", "rank", "score", "input_rank"]
    again = ba.Recommendations.read(frame.sample(frac=1, random_state=1), here.data)
    assert again.to_dict() == made.to_dict()
    place = again.users.get_indexer(made.users)
    np.testing.assert_array_equal(again.scores[place], made.scores)
    assert (frame["input_rank"] >= 1).all()
    twice = ba.MMR(diversity=0).rerank(made, here.data, k=6)
    assert twice.to_dict() == made.to_dict()


def test_all_ways_to_give_candidates_are_one():
    data, frame = MANY()
    lists = frame.sort_values(["user_id", "rank"])["item_id"].to_numpy().reshape(-1, 20)
    for method in ALL:
        bare = method.rerank(frame.drop(columns="score"), data)
        assert same(bare, method.rerank(lists, data))
        assert same(bare, method.rerank(dict(enumerate(lists.tolist())), data))
        assert same(bare, method.rerank(ba.Recommendations.read(lists, data), data))
        wide = ba.Recommendations.read(np.c_[lists, lists[:, ::-1] + 1000], data)
        assert same(bare, method.rerank(wide.top(20), data))
    renamed = frame.rename(columns={"item_id": "sku"})
    assert same(ba.MMR().rerank(renamed, data, columns={"item": "sku"}), ba.MMR().rerank(frame, data))


def test_empty_lists_stay_empty():
    data = MANY()[0]
    lists = np.full((len(data.users), 4), -1)
    lists[3] = [1, 2, 3, 4]
    for method in ALL:
        for diversity in (0, 0.5):
            made = method.at(diversity).rerank(lists, data)
            assert len(made) == len(lists)
            assert made.lengths[3] == 4
            assert made.lengths.sum() == 4


@pytest.mark.parametrize(
    "chosen",
    [
        ba.MMR(),
        ba.MMR(diversity=0.3, distance="cosine", normalize="rank"),
        ba.MMR(diversity=0),
        ba.MMR(diversity=1),
        ba.MMR(relevance_weight=0.9),
        ba.GreedyDiversity(normalize="zscore", renormalize=True, diversity=1 / 3),
        ba.Novelty(normalize="none", diversity=0.25),
        ba.Random(seed=2**62, diversity=0.7),
    ],
    ids=str,
)
def test_text_and_back(chosen):
    again = RERANKERS.create(str(chosen))
    assert type(again) is type(chosen)
    assert str(again) == str(chosen)
    assert again.weight == chosen.weight
    assert again.kind == chosen.kind
    assert "diversity=" not in chosen.kind
    assert RERANKERS.create(chosen.kind).at(chosen.weight).weight == chosen.weight
    assert str(RERANKERS.create(chosen.kind).at(chosen.weight)) == str(chosen)


def test_text_of_a_distance_of_ones_own():
    chosen = ba.MMR(distance=ba.distance(manhattan))
    assert str(chosen) == "MMR(diversity=0.5, distance=manhattan)"
    assert RERANKERS.create(str(chosen)).distance.own is manhattan


@pytest.mark.parametrize("name", sorted(RERANKERS))
def test_a_reranker_is_declared_in_full(name):
    info = RERANKERS[name]
    assert name == info.name == info.factory.__name__
    assert getattr(ba, name) is info.factory
    assert info.title
    assert info.cite
    assert info.summary.endswith(".")
    assert info.description.index("Parameters") > 0
    for parameter in info.parameters:
        assert f"\n{parameter}\n" in info.description, f"describe {parameter}"
    listed = json.loads(json.dumps(info.as_dict()))
    assert [each["name"] for each in listed["parameters"]] == list(info.parameters)
    assert all(each["domain"] for each in listed["parameters"])
    assert RERANKERS.create(name.lower()).weight == 0.5
    assert str(RERANKERS.create(name)) == f"{name}(diversity=0.5)"
    assert {type(each).__name__ for each in ALL} == set(RERANKERS)


def test_weights():
    assert ba.MMR(relevance_weight=0.75).weight == 0.25
    assert ba.MMR(relevance_weight=0).weight == 1
    assert ba.MMR(relevance_weight=1).weight == 0
    assert ba.MMR(relevance_weight=0.2).at(0.3).weight == 0.3
    here = world("jaccard", 0)
    assert same(
        ba.MMR(relevance_weight=0.75).rerank(here.frame, here.data),
        ba.MMR(diversity=0.25).rerank(here.frame, here.data),
    )
    with pytest.raises(SpecError, match=r"MMR: diversity=0.3 and relevance_weight=0.7 were both given; give one"):
        ba.MMR(diversity=0.3, relevance_weight=0.7)
    for wrong in (-0.1, 1.1, math.nan, math.inf, "much", True):
        with pytest.raises(
            SpecError, match=r"MMR: diversity=.* is not allowed; diversity must be a number in \[0, 1\]"
        ):
            ba.MMR(diversity=wrong)
        with pytest.raises(SpecError, match="relevance_weight must be a number in"):
            ba.Random(relevance_weight=wrong)
        with pytest.raises(SpecError, match="diversity must be a number in"):
            ba.Novelty().at(wrong)


def test_messages():
    data, frame = MANY()
    featureless = ba.Dataset(train={1: [1, 2]})
    trainless = ba.Dataset(items={1: ["a"], 2: ["b"]})
    lists = {1: [1, 2]}
    with pytest.raises(
        SpecError, match=r"re-ranker MMR\(diversity=0.5\) needs item features; pass items= with a genres"
    ):
        ba.MMR().rerank(lists, featureless)
    with pytest.raises(
        SpecError, match="needs item features or vectors; pass items= with a genres column, or vectors="
    ):
        ba.GreedyDiversity(distance="cosine").rerank(lists, featureless)
    with pytest.raises(SpecError, match=r"re-ranker Novelty\(diversity=0.5\) needs training rows; pass train="):
        ba.Novelty().rerank(lists, trainless)
    assert ba.MMR().missing(featureless) == "item features; pass items= with a genres column"
    assert ba.Novelty().missing(trainless) == "training rows; pass train="
    assert ba.Random().missing(trainless) is None
    assert ba.Random().rerank(lists, trainless).lengths.tolist() == [2]
    for k in (0, -3):
        with pytest.raises(SpecError, match=f"k={k} is not allowed; k must be a whole number >= 1"):
            ba.MMR().rerank(frame, data, k=k)
    twice = pd.concat([frame, frame[frame["user_id"] == 3].head(1)])
    item = frame.loc[frame["user_id"] == 3, "item_id"].iloc[0]
    with pytest.raises(DataError, match=rf"candidates lists item .*{item}.* more than once for user .*3.* "):
        ba.MMR().rerank(twice, data)
    with pytest.raises(DataError, match="column 'score' of candidates has no value"):
        ba.MMR().rerank(frame.assign(score=np.nan), data)
    with pytest.raises(DataError, match="candidates"):
        ba.MMR().rerank(frame.assign(item_id=frame["item_id"].map("i{}".format)), data)
    with pytest.raises(SpecError, match=r"there is no re-ranker 'MRM'; did you mean MMR\?"):
        RERANKERS.create("MRM")
    with pytest.raises(SpecError, match="Novelty has no parameter 'distance'"):
        RERANKERS.create("Novelty(distance=cosine)")
    with pytest.raises(SpecError, match="normalize must be 'minmax', 'zscore', 'rank' or 'none'"):
        ba.MMR(normalize="max")
    with pytest.raises(SpecError, match=r"leave out @10"):
        RERANKERS.create("MMR@10")


def test_unknown_users_and_items_are_reordered_like_others():
    data = ba.Dataset(train={1: [1, 2, 3]}, items={1: ["a"], 2: ["a"], 3: ["b"]})
    lists = {99: [1, 2, 3, 77]}
    assert ba.MMR(diversity=0.9).rerank(lists, data).to_dict() == {99: [1, 3, 77, 2]}
    assert (
        ba.Novelty(diversity=1).rerank(lists, data).to_dict() == lists
    )  # an item nobody has counts as one with one user
    assert sorted(ba.Random(diversity=1).rerank(lists, data).to_dict()[99]) == [1, 2, 3, 77]


@pytest.mark.parametrize("how", NORMALISATIONS)
def test_normalisation_of_odd_numbers(how):
    rng = np.random.default_rng(0)
    odd = [0.0, -0.0, 5e-324, 1e-323, 1e-308, 1.0, 1 + 2e-16, 1e300, 1.7e308, -1.7e308]
    for _ in range(50 if SLOW else 2000):
        values = rng.choice(odd, rng.integers(0, 6))
        given_ = values.copy()
        greedy.normalise(values, len(values), NORMALISATIONS[how])
        assert np.isfinite(values).all(), given_
        if how != "rank":
            ordered = values[np.argsort(given_, kind="stable")]
            assert (ordered[1:] >= ordered[:-1]).all(), given_
        if how == "minmax" and len(values):
            assert 0 <= values.min() <= values.max() <= 1
            assert (given_.min() == given_.max()) == (values.max() == 0), given_


# what other projects assert

NOT_BUILT = {
    "MSD selection": "max-sum dispersion adds the distances up; GreedyDiversity has their mean",
    "COVER selection": "facility location is not built yet",
    "DPP selection": "determinantal point processes are not built yet",
    "SSD selection": "sliding spectrum decomposition is not built yet",
    "LeastItemPromoted@3": "diagnostics of a re-ranking are not built yet",
}


def golden():
    """Cases with their dataset; none where the files are not there."""
    found = []
    for path in sorted(ORACLES.glob("reranking*.json")):
        read = json.loads(path.read_text())
        found += [(case, read.get("datasets", {})) for case in read["cases"]]
    return found


GOLDEN = golden()


@pytest.mark.skipif(not GOLDEN, reason="shared/oracles is not beside the checkout")
@pytest.mark.parametrize(("case", "made_on"), GOLDEN, ids=[case["id"] for case, _ in GOLDEN])
def test_golden(case, made_on):
    if case["metric"] in NOT_BUILT:
        pytest.skip(NOT_BUILT[case["metric"]])
    assert case["metric"] == "MMR selection"
    inputs = case["inputs"]
    given_ = made_on[str(inputs["dataset"])]
    n = len(given_["scores"])
    data = ba.Dataset(items=pd.DataFrame({"item_id": range(n)}), vectors=np.array(given_["embeddings"]))
    scores = pd.DataFrame({"user_id": 1, "item_id": range(n), "score": given_["scores"]})
    similarity = {None: clipped_cosine, "dot": clipped_dot}[inputs["kwargs"].get("metric")]
    chosen = ba.MMR(diversity=inputs["diversity"], normalize="none", distance=own(similarity))
    made = chosen.rerank(scores, data, k=inputs["k"])
    assert made.to_dict()[1] == case["expected"]["indices"]
    np.testing.assert_allclose(made.scores[0], case["expected"]["selection_scores"], rtol=0, atol=case["tol"])


@pytest.mark.skipif(not GOLDEN, reason="shared/oracles is not beside the checkout")
def test_golden_cases_are_used():
    assert sum(case["metric"] == "MMR selection" for case, _ in GOLDEN) >= 3
    assert set(NOT_BUILT) <= {case["metric"] for case, _ in GOLDEN}


# a re-ranker around a scoring function


def test_wrapped_is_recommend_and_rerank():
    data, _ = MANY()
    rng = np.random.default_rng(0)
    scores = rng.random((len(data.users), len(data.items)))
    for method in ALL:
        for options in ({}, {"exclude_seen": False}, {"users": [5, 2, 7]}, {"threads": 2}):
            found = method.wrap(scores, candidates=12).recommend(data, k=5, **options)
            best = ba.recommend(scores, data, k=12, **options)
            assert same(found, method.rerank(best, data, k=5))
    few = ba.MMR(diversity=0).wrap(scores, candidates=1).recommend(data, k=5)
    np.testing.assert_array_equal(few.lists, ba.recommend(scores, data, k=5).lists)  # at least k candidates are taken
    assert Wrapped(ba.MMR(), scores).candidates == ba.MMR().wrap(scores).candidates == 100


def test_wrapped_messages():
    for candidates in (0, -1):
        with pytest.raises(
            SpecError, match=f"candidates={candidates} is not allowed; candidates must be a whole number"
        ):
            ba.MMR().wrap(np.ones((2, 2)), candidates=candidates)
    with pytest.raises(SpecError, match="k=0 is not allowed"):
        ba.Random().wrap(lambda users: np.ones((len(users), 40))).recommend(MANY()[0], k=0)
