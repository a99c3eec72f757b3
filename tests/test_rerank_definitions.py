"""Every re-ranker against its definition: selection for selection and score for score."""

from __future__ import annotations

import itertools
import types

import bridge
import numpy as np
import pandas as pd
import pytest
from draws import draws
from hypothesis import given, settings, strategies as st
from oracle.case import features_of, item_counts
from oracle.diversity import global_probabilities
from rerank_methods import METHODS, check, run_and_check
from rerank_worlds import FEATURED, HOW, KINDS, MARKS, SCORES, SLOW, WEIGHTS, Given, looked_up, own, rows_of, world
from strategies import assemble, candidates

import beyondacc as ba
from beyondacc.rerank import RERANKERS

pytestmark = MARKS
N_RUNS = 120  # each of 20 lists or so
N_DRAWN = 15 if SLOW else draws(120)
N_SETTINGS = 40  # runs whose normalisations, cutoffs and weights are all there are
CUTOFFS = (1, 2, 3, 5, 8, 13, 40)
QUARTERS = (0.25, 0.5, 0.75, 1.0)
PAIRS = [name for name, method in METHODS.items() if method.with_distance and name not in {"DPP", "Surprise"}]
BY_FEATURES = ("SSD", "XQuAD", "PM2", "Calibrated", "BinomialDiversity", "Novelty", "Popularity", "Random")
# where relevance is not turned into z-scores and distances are quarters, the same sums are made in both
EXACT = {"MMR", "MSD", "TopicDiversification", "Swap"}


def test_all_rerankers_have_a_definition():
    assert {*METHODS} == {*RERANKERS, "Greedy"}
    assert {*PAIRS, *BY_FEATURES, "DPP", "Surprise"} == {*METHODS}


@pytest.mark.parametrize("name", METHODS)
def test_equals_the_definition(name):
    method = METHODS[name]
    rng = np.random.default_rng(1)
    worlds = itertools.cycle((kind, seed) for seed in range(4) for kind in method.kinds)
    variants = itertools.cycle(method.variants)
    most = N_RUNS // 2 if method.kinds == FEATURED else N_RUNS
    each_once = max(len(method.variants), 4 * len(method.kinds))
    n_runs = 5 if SLOW else draws(most, max(each_once, N_SETTINGS))
    cases = exact = 0
    seen = {"how": set(), "k": set(), "diversity": set()}
    for here, options in itertools.islice(zip(worlds, variants, strict=False), n_runs):
        how, k = str(rng.choice(HOW)), int(rng.choice(CUTOFFS))
        diversity = float(rng.choice([*WEIGHTS, rng.random()]))
        compared, equal = run_and_check(name, options, world(*here), how, diversity, k)
        cases += compared
        exact += equal
        for key, value in (("how", how), ("k", k), ("diversity", diversity)):
            seen[key].add(value)
    assert exact >= 0.97 * cases  # ties that rounding breaks are the exception
    if not SLOW:
        assert cases >= 1100 * n_runs / most
        assert each_once <= n_runs
        assert seen["how"] == set(HOW)
        assert seen["k"] == set(CUTOFFS)
        assert seen["diversity"] > set(WEIGHTS)


def test_the_worlds_have_it_all():
    """Lists of one, long lists, items without features or unknown, users without profile or unknown, odd scores."""
    worlds = [world(kind, seed) for kind in ("jaccard", "cosine of vectors") for seed in range(4)]
    lists = [(here, user, items) for here in worlds for user, (items, _) in here.lists.items()]
    assert min(len(items) for _, _, items in lists) == 1
    assert max(len(items) for _, _, items in lists) > 20
    assert sum(here.unknown in items for here, _, items in lists) > 5
    assert sum(not features_of(here.case, item) for here, _, items in lists for item in items) > 100
    assert sum(user not in here.case.train for here, user, _ in lists) > 10
    assert sum(user in here.case.train for here, user, _ in lists) > 50
    assert all(here.data.users.find(here.users[-1]) < 0 for here in worlds)
    assert {len(here.case.genres) for here in worlds} >= {1, 3}
    assert max(len(here.case.genres) for here in (world(kind, 0) for kind in KINDS)) > 64
    scores = [scores for here in worlds for _, scores in here.lists.values()]
    assert sum(len(set(each)) == 1 < len(each) for each in scores) > 10
    assert max(map(max, scores)) == 1e300
    assert sum(each != sorted(each, reverse=True) for each in scores) > 50
    assert len(scores) > 100 > len(SCORES)


def test_a_wrong_pick_is_seen():
    """What the comparison is worth."""
    here = world("jaccard", 1)
    seen = dict.fromkeys(METHODS, 0)
    for name, method in METHODS.items():
        options = method.variants[0]
        for user, (items, _) in here.lists.items():
            one = Given(here, user, "minmax", 0.75, 3)
            picks, values = method.define(one, **options)
            assert check(name, options, one, picks, values)
            if len(items) < 5:
                continue
            with pytest.raises(AssertionError):
                check(name, options, one, picks, [*values[:-1], values[-1] + 1e-6])
            left = [at for at in range(len(items)) if at not in picks[:2]]
            if name == "Swap":
                wrong = next(at for at in left if sorted([*picks[:2], at]) != picks)
                worse = True
            else:
                worth = method.gains(one, **options)(left, picks[:2])
                wrong, worse = left[worth.index(min(worth))], min(worth) < max(worth) - 1e-6
            if worse:
                with pytest.raises(AssertionError):
                    check(name, options, one, [*picks[:2], wrong], values)
                seen[name] += 1
    assert min(seen.values()) > 3


# drawn cases


def drawn(lists, data, **facts):
    """A world of a few lists."""
    rows = [
        (user, item, rank, score)
        for user, (items, scores) in lists.items()
        for rank, (item, score) in enumerate(zip(items, scores, strict=True), 1)
    ]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "rank", "score"])
    return types.SimpleNamespace(lists=lists, data=data, frame=frame, **facts)


def compare(name, here, data, *, exactly=False):
    """Draw how, and compare with the definition; whether a warning is due is drawn as well, and looked at elsewhere."""
    options = data.draw(st.sampled_from(METHODS[name].variants))
    normalize = data.draw(st.sampled_from(HOW))
    diversity = data.draw(st.sampled_from(QUARTERS))
    k = data.draw(st.integers(1, 10))
    chosen = METHODS[name].reranker(here, diversity, normalize, options)
    made = rows_of(chosen.rerank(here.frame, here.data, k=k))
    same = [check(name, options, Given(here, user, normalize, diversity, k), *made[user]) for user in here.lists]
    if exactly and normalize != "zscore" and not options.get("renormalize"):
        assert all(same)


@pytest.mark.filterwarnings("ignore::beyondacc.errors.NoEffectWarning")
@pytest.mark.parametrize("by", ["function", "matrix"])
@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=N_DRAWN, deadline=None)
@given(data=st.data())
def test_equals_the_definition_on_drawn_distances(data, name, by):
    """Distances of quarters and scores of halves have ties at every step, and no rounding breaks them."""
    scores, matrix = data.draw(candidates())
    n = len(scores)
    if by == "function":
        gone = np.isnan(np.diag(matrix))
        vectors = np.c_[np.nan_to_num(matrix), np.arange(n) + 1.0]
        vectors[gone] = 0.0  # an item without a vector
        dataset, distance = ba.Dataset(items=pd.DataFrame({"item_id": range(n)}), vectors=vectors), own(looked_up)
    else:
        dataset = ba.Dataset(items=pd.DataFrame({"item_id": range(n)}))
        distance = ba.distance(np.array(matrix), name="drawn")
    here = drawn({0: (list(range(n)), scores)}, dataset, distance=distance, between=lambda a, b: matrix[a][b])
    compare(name, here, data, exactly=name in EXACT)


@st.composite
def featured(draw):
    """Scores, genres of few kinds, and training rows of the user and of another one."""
    n = draw(st.integers(1, 7))
    palette = draw(st.lists(st.sets(st.sampled_from("abcd"), max_size=3), min_size=1, max_size=3))
    features = {item: set(draw(st.sampled_from(palette))) for item in range(n)}
    features[n] = {"a", "b"}
    scores = draw(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 0.5, 2.0, 3.0]), min_size=n, max_size=n))
    rows = st.dictionaries(st.integers(0, n), st.sampled_from([1.0, 2.0, 5.0]), max_size=4)
    train = {"u": draw(rows), "v": draw(rows)}
    case = assemble(
        {}, {}, {user: profile for user, profile in train.items() if profile} or {"v": {n: 1.0}}, features, None, None
    )
    return case, {"u": (list(range(n)), scores)}


@pytest.mark.filterwarnings("ignore::beyondacc.errors.NoEffectWarning")
@pytest.mark.parametrize("name", BY_FEATURES)
@settings(max_examples=N_DRAWN, deadline=None)
@given(data=st.data())
def test_equals_the_definition_on_drawn_features(data, name):
    case, lists = data.draw(featured())
    here = drawn(
        lists, bridge.to_dataset(case), case=case, counts=item_counts(case), overall=global_probabilities(case)
    )
    compare(name, here, data)
