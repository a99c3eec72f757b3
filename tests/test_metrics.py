"""Every metric of the registry with every value of its parameters against the oracle."""

from __future__ import annotations

import functools
import math
import re
from fractions import Fraction

import bridge
import numba
import numpy as np
import pytest
from draws import draws
from hypothesis import assume, given, settings, strategies as st
from oracle import ORACLES, PER_USER
from oracle.diversity import _log as exact_log, conditional_tail
from strategies import assemble, cases, random_case

import beyondacc as ba
from beyondacc.evaluation.evaluate import evaluate_run
from beyondacc.kernels.binomial import log_tails
from beyondacc.metrics import REGISTRY

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("own_distance")]

SLOW = numba.config.DISABLE_JIT  # the kernels run as plain Python
N_CASES = 60 if SLOW else draws(480, 480)
N_ENOUGH = 60 if SLOW else draws(480)  # cases where they had every value
N_DRAWN = 10 if SLOW else draws(200)
RTOL, ATOL = 1e-9, 1e-12
FAMILIES = list(REGISTRY.values())


@functools.cache
def bound(number):
    """The random case of that number with its dataset and run, or None where it has no list at all."""
    case = random_case(
        np.random.default_rng(number),
        with_features=number % 5 != 4,
        with_vectors=number % 2 == 0,
        with_expected=number % 3 == 0,
        with_scores=number % 2 == 1,
        with_earlier=number % 3 != 1,
        with_dates=number % 4 != 3,
        with_attributes=number % 6 != 5,
        with_weights=number % 4 == 1,
        train_outside_table=number % 7 != 0,
    )
    if not bridge.usable(case):
        return None
    data = bridge.to_dataset(case)
    return case, data, bridge.to_run(case, data)


def check(case, data, run, metric, *, rtol=RTOL, atol=ATOL):
    """Compare one metric with the oracle, unless the dataset lacks what it needs; say whether it was compared."""
    if metric.missing(data, run.side):
        return False
    state = evaluate_run(run, [metric], threads=1)[metric]
    expected = bridge.expected_of(case, metric)
    if metric.family.grain == "run":
        np.testing.assert_allclose(
            bridge.result_of(metric, state, run.world), expected, rtol=rtol, atol=atol, err_msg=str(metric)
        )
        return True
    ids = run.ids.tolist()
    np.testing.assert_allclose(
        state.values, [expected[user] for user in ids], rtol=rtol, atol=atol, err_msg=f"{metric} of {ids}"
    )
    # whoever the library left out, users with an empty list and nothing else, has no value
    assert all(math.isnan(number) for user, number in expected.items() if user not in set(ids))
    return True


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_metric_is_declared_in_full(family):
    assert family.name in ORACLES, "write its oracle"
    assert (family.name in PER_USER) == (family.grain == "user")
    assert family.title
    assert family.undefined
    assert re.search(r"\b(18|19|20)\d\d\b", family.cite), "cite a work with its year"
    assert family.summary.endswith("."), "the docstring begins with the formula"
    chosen = family()
    assert chosen.better in {"higher", "lower", "target"}
    assert chosen.bounds[0] < chosen.bounds[1]
    for name in family.params:
        assert name == "k" or name in family.documented, f"describe {name}"


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("ild", ["features"]),
        ("surprise_content", ["train", "features"]),
        ("serendipity", ["train", "truth"]),
        ("unserendipity", ["train"]),
        ("ndcg", ["truth"]),
    ],
)
def test_a_declaration_tells_what_the_metric_needs(name, needs):
    assert REGISTRY[name].as_dict()["needs"] == needs


def test_there_is_no_oracle_without_a_metric():
    assert set(ORACLES) == set(REGISTRY)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_oracle_agrees_on_random_cases(family):
    variants = bridge.variants(family)
    np.random.default_rng(1).shuffle(variants)
    step = 3 if family.name.startswith("binomial") else 1  # exact fractions take their time
    wanted = bridge.pairs_of(bridge.covering(family))
    compared, turn = set(), 0
    for number in range(0, N_CASES, step):
        if number >= N_ENOUGH and compared == wanted:
            break
        if bound(number) is None:
            continue
        for metric in variants[turn % len(variants) : turn % len(variants) + 2]:
            if check(*bound(number), metric):
                compared |= {(name, metric.values[name]) for name in family.params}
        turn += 2
    assert compared == wanted


@functools.cache
def variants_of(name):
    return bridge.variants(REGISTRY[name])


@settings(max_examples=N_DRAWN, deadline=None)
@given(data=st.data())
def test_the_oracle_agrees_on_drawn_cases(data):
    case = data.draw(cases())
    assume(bridge.usable(case))
    dataset = bridge.to_dataset(case)
    run = bridge.to_run(case, dataset)
    for name in REGISTRY:
        variants = variants_of(name)
        check(case, dataset, run, variants[data.draw(st.integers(0, len(variants) - 1))])


@pytest.mark.parametrize("distance", ["cosine", "manhattan"])
@pytest.mark.parametrize("name", ["ild", "surprise_content"])
def test_float32_vectors(name, distance):
    rng = np.random.default_rng(5)
    for number in range(4 if SLOW else draws(40)):
        case = random_case(rng, with_vectors=True)
        if not bridge.usable(case):
            continue
        # what float32 holds exactly, so that only the arithmetic can differ
        case.vectors = {item: rng.normal(size=8).astype(np.float32).tolist() for item in case.vectors}
        metric = REGISTRY.parse(f"{name}(distance={distance})@{(3, 10)[number % 2]}")
        single = bridge.to_dataset(case, dtype=np.float32)
        assert single.vectors.dtype == np.float32
        assert check(case, single, bridge.to_run(case, single), metric, rtol=1e-6, atol=1e-6)
        double = bridge.to_dataset(case)
        assert check(case, double, bridge.to_run(case, double), metric)


def test_a_distance_that_numba_compiled():
    @numba.njit
    def furthest(one, other):
        largest = 0.0
        for place in range(len(one)):
            largest = max(largest, abs(one[place] - other[place]))
        return largest

    made = ba.distance(furthest)
    for number in (2, 6, 8):
        case, data, run = bound(number)
        for name in ("ild", "surprise_content"):
            assert check(case, data, run, REGISTRY[name](distance=made) @ 5)


def test_long_lists():
    n = 200 if SLOW else draws(1000, 300)
    rng = np.random.default_rng(3)
    case = random_case(rng, n_users=3, n_items=n + 300, n_genres=20, max_length=20)
    pool = case.item_order
    case.lists = {user: [pool[at] for at in rng.permutation(len(pool))[:n]] for user in case.train}
    data = bridge.to_dataset(case)
    run = bridge.to_run(case, data)
    for family in FAMILIES:
        for k in (10, n):
            if k > 200 and (family.name.startswith("binomial") or family.name == "vendi"):
                continue  # below, without fractions of a thousand trials; eigenvalues of a thousand rows take minutes
            metric = family @ k
            assert check(case, data, run, metric) or metric.missing(data), family


def test_binomial_of_long_lists():
    case = assemble({"u": list(range(1000))}, {}, {"v": dict.fromkeys(range(4), 1.0)}, {}, None, None)
    case.features = {item: {"rare"} if item == 0 else {"common"} for item in range(1000)}
    case.genres, case.catalogue = ["common", "rare"], set(range(1000))
    data = bridge.to_dataset(case)
    assert check(case, data, bridge.to_run(case, data), REGISTRY["binomial_diversity"] @ 1000)


@pytest.mark.parametrize("n", [1, 2, 7, 50, 200])
@pytest.mark.parametrize("p", [0.0, 1e-30, 1e-12, 1e-3, 0.3, 0.5, 0.9, 1 - 1e-12, 1.0])
def test_binomial_tails_to_the_last_digits(p, n):
    factorials = np.array([math.lgamma(x + 1.0) for x in range(n + 1)])
    out = np.full(n + 1, np.nan)
    log_tails(p, n, factorials, out)
    for x in sorted({1, 2, n // 2 + 1, n} & set(range(1, n + 1))):
        exact = conditional_tail(x, n, Fraction(p))
        wanted = exact_log(exact) if exact else -math.inf
        assert out[x] == pytest.approx(wanted, rel=1e-13, abs=1e-12), x


def test_a_primitive_model_of_ones_own():
    case = bound(0)[0]
    assert case.expected is not None
    for number in range(0, 30, 3):
        case, data, run = bound(number)
        expected = [case.expected.get(user, []) for user in run.ids.tolist()]
        assert run.side["primitive"][0].lengths.tolist() == [len(items) for items in expected]
        for name in ("unexpectedness", "unexpectedness(denominator=k)", "serendipity_ge"):
            assert check(case, data, run, REGISTRY.parse(f"{name}@4"))
