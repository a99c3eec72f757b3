"""Distances of one's own that fail, that are declared by many threads, and that are no longer needed."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import warnings
import weakref

import numba
import numpy as np
import pandas as pd
import pytest

import beyondacc as ba
from beyondacc import Dataset, evaluate
from beyondacc.distances import Distance
from beyondacc.errors import NoEffectWarning, SpecError
from beyondacc.metrics import REGISTRY
from beyondacc.rerank import RERANKERS

pytestmark = pytest.mark.usefixtures("fresh_distances")
kernel = pytest.mark.kernel

N_ITEMS, WIDTH = 24, 3


def world(seed=0, n_users=6):
    """A dataset whose items have vectors, and lists; item 5 is second in each, its first coordinate is 100."""
    rng = np.random.default_rng(seed)
    vectors = rng.random((N_ITEMS, WIDTH))
    vectors[5, 0] = 100.0
    others = np.delete(np.arange(N_ITEMS), 5)
    train = {user: rng.choice(others, 6, replace=False).tolist() for user in range(n_users)}
    test = {user: rng.choice(others, 4, replace=False).tolist() for user in range(n_users)}
    data = Dataset(train, test, pd.DataFrame({"item_id": range(N_ITEMS)}), vectors=vectors)
    listed = {user: [int(others[user]), 5, *rng.permutation(others[8:])[:10].tolist()] for user in range(n_users)}
    lists = {user: {item: -float(place) for place, item in enumerate(row)} for user, row in listed.items()}
    return data, lists


def manhattan(one, other):
    total = 0.0
    for place in range(len(one)):
        total += abs(one[place] - other[place])
    return total


def raises(one, other):
    if one[0] > 50 or other[0] > 50:
        raise ValueError("item 5 is odd")
    return 1.0


def outside(one, other):
    return one[len(one) + 40] - other[0]


def outside_of_the_other(one, other):
    return abs(one[0] - other[one.size])


def is_nan(one, other):
    return np.nan if one[0] > 50 or other[0] > 50 else 1.0


def is_negative(one, other):
    return -1.0 if one[0] > 50 or other[0] > 50 else 1.0


def is_infinite(one, other):
    return np.inf if one[0] > 50 or other[0] > 50 else 1.0


def divides(one, other):
    return 1.0 / (0.0 * one[0] * other[0])


FAILING = {
    raises: r"distance raises raised ValueError \(item 5 is odd\) for the rows \[.*\] and \[.*\]; mend the function",
    outside: r"distance outside raised IndexError \(.*\) for the rows \[.*\] and \[.*\]; mend the function",
    outside_of_the_other: r"distance outside_of_the_other raised IndexError \(.*\) for the rows ",
    is_nan: r"distance is_nan returned nan for the rows .*; it must return finite numbers >= 0; a pair without a "
    r"distance can only be said in a matrix, as NaN",
    is_negative: r"distance is_negative returned -1 for the rows .*; it must return finite numbers >= 0",
    is_infinite: r"distance is_infinite returned inf for the rows .*; it must return finite numbers >= 0",
    divides: r"distance divides returned inf for the rows ",
}
TAKING = [
    name for name, family in REGISTRY.items() if "distance" in family.params and name != "distance_unexpectedness"
]
RERANKING = [name for name in RERANKERS if "distance" in RERANKERS[name].parameters]


def uses(data, lists):
    """Everything that takes a distance, as ``{name: f(distance)}``."""
    found = {
        name: lambda chosen, name=name: evaluate(lists, data, REGISTRY[name](distance=chosen) @ 5, n_boot=0)
        for name in TAKING
    }
    found |= {
        name: lambda chosen, name=name: RERANKERS[name].factory(distance=chosen).rerank(lists, data, k=4)
        for name in RERANKING
    }
    return found


@kernel
@pytest.mark.parametrize("function", FAILING, ids=lambda function: function.__name__)
def test_what_an_own_distance_does_wrong_is_raised_once_as_its_error(function, capfd):
    data, lists = world()
    for name, use in uses(data, lists).items():
        with pytest.raises(SpecError, match=FAILING[function]) as caught:
            use(function)
        assert (caught.value.__cause__ is None) == ("returned" in str(caught.value)), name
    assert capfd.readouterr() == ("", "")  # nothing is printed by the way
    with pytest.raises(SpecError, match="distance raises raised ValueError"):
        evaluate(
            lists, data, ba.ild(distance=numba.njit(raises) if not numba.config.DISABLE_JIT else raises) @ 5, n_boot=0
        )


@kernel
def test_an_own_distance_that_is_right_gives_what_it_gave():
    data, lists = world()
    rows = data.vectors
    numbers = np.abs(rows[:, None] - rows).sum(axis=2)
    for use in uses(data, lists).values():
        mine, given = use(manhattan), use(ba.distance(numbers))
        if isinstance(mine, ba.Report):
            assert mine.to_pandas()["value"].tolist() == pytest.approx(given.to_pandas()["value"].tolist(), rel=1e-12)
        else:
            np.testing.assert_array_equal(mine.lists, given.lists)


@kernel
def test_what_is_out_of_range_only_by_rounding_is_set_right():
    def rounded(one, other):
        return -1e-15 if abs(one[0] - other[0]) < 9 else 1.0 + 1e-12

    data, lists = world()
    made = ba.distance(rounded, upper=1.0)
    report = evaluate(lists, data, ba.ild(distance=made) @ 12, n_boot=0)
    assert (np.asarray(report.per_user("ild(distance=rounded)@12")) >= 0).all()

    def above(one, other):
        return 1.5 if one[0] != other[0] else 0.0

    with pytest.raises(SpecError, match=r"distance above returned 1.5 for .* finite numbers >= 0 and at most upper=1;"):
        evaluate(lists, data, ba.ild(distance=ba.distance(above, upper=1.0)) @ 5, n_boot=0)
    for upper in (-1.0, np.nan):
        with pytest.raises(SpecError, match=r"upper=.* is not allowed; upper is the largest value"):
            ba.distance(above, upper=upper)


@kernel
def test_booleans_and_whole_numbers_are_numbers():
    def differs(one, other):
        return one[0] != other[0]

    def one_apart(_one, _other):
        return 1

    data, lists = world()
    for function in (differs, one_apart):
        report = evaluate(lists, data, ba.ild(distance=function) @ 5, n_boot=0)
        assert report.value(f"ild(distance={function.__name__})@5") == 1


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_what_numba_cannot_compile_is_said():
    def writes(one, other):
        one[0] = other[0]
        return 1.0

    def unknown(one, other):
        return no_such_name(one, other)  # noqa: F821 - as it should be

    data, lists = world()
    for given in (writes, unknown, ba.distance(np.hypot, name="hypotenuse"), ba.distance(max, name="most")):
        with pytest.raises(
            SpecError, match=r"distance \w+ cannot be compiled by numba \(.*two float64 arrays, which it"
        ):
            evaluate(lists, data, ba.ild(distance=given) @ 5, n_boot=0)


@kernel
def test_a_failing_distance_in_one_thread_does_not_fail_another():
    """What went wrong is kept where a block of users is worked on, not in the distance."""
    data, lists = world()
    good = Dataset(
        items=pd.DataFrame({"item_id": range(N_ITEMS)}), vectors=np.random.default_rng(1).random((N_ITEMS, WIDTH))
    )
    made = ba.distance(raises)
    expected = evaluate(lists, good, ba.ild(distance=made) @ 5, n_boot=0).to_pandas()["value"].tolist()
    outcomes = []

    def work(of):
        for _ in range(20):
            try:
                outcomes.append(evaluate(lists, of, ba.ild(distance=made) @ 5, n_boot=0).to_pandas()["value"].tolist())
            except SpecError:
                outcomes.append("refused")

    threads = [threading.Thread(target=work, args=(each,)) for each in (data, good, data, good)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert outcomes.count("refused") == 40
    assert outcomes.count(expected) == 40


# --- many threads


def test_distances_are_declared_from_many_threads():
    made, errors = [], []
    start = threading.Barrier(8)

    def declare(seed):
        rng = np.random.default_rng(seed)
        start.wait()
        try:
            for number in range(40):
                half = np.triu(rng.random((5, 5)), 1)
                made.append(ba.distance(half + half.T))
                namespace = {}
                exec(f"def own_{seed}_{number}(one, other): return 1.0", namespace)  # noqa: S102 - ours
                made.append(ba.distance(namespace[f"own_{seed}_{number}"]))
                with pytest.raises(SpecError):
                    REGISTRY.parse("ild(distance=nothing)@5")  # reads all names
        except BaseException as error:  # noqa: BLE001 - told to the test
            errors.append(error)

    threads = [threading.Thread(target=declare, args=(seed,)) for seed in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not errors
    assert len({each.name for each in made}) == len(made) == 8 * 80
    assert all(Distance.parse(each.name) is each for each in made)


def test_the_same_matrix_from_many_threads_is_one_distance():
    numbers = 1.0 - np.eye(30)
    found = []
    threads = [threading.Thread(target=lambda: found.append(ba.distance(numbers.copy()))) for _ in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({id(each) for each in found}) == 1


# --- what is kept


def test_a_matrix_is_let_go_with_its_owner():
    data, lists = world()
    numbers = 1.0 - np.eye(N_ITEMS)

    def use(number):
        metric = ba.ild(distance=numbers * (1 + number)) @ 5
        chosen = metric.values["distance"]
        report = evaluate(lists, data, [metric, ba.vendi(distance=chosen) @ 5, ba.epd(distance=chosen) @ 5], n_boot=2)
        assert report.value(str(metric)) == 1 + number
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NoEffectWarning)
            ba.MMR(distance=chosen).rerank(lists, data, k=3)
        return weakref.ref(chosen), weakref.ref(chosen.matrix)

    for number in range(3):
        found = use(number)
        gc.collect()
        assert [each() for each in found] == [None, None], number
    with pytest.raises(SpecError, match=r"distance='matrix' is not allowed"):
        REGISTRY.parse("ild(distance=matrix)@5")
    named = weakref.ref(ba.distance(numbers, name="mine"))
    gc.collect()
    assert REGISTRY.parse("ild(distance=mine)@5").values["distance"] is named()
    ba.distance(2 * numbers, name="mine")
    gc.collect()
    assert named() is None


def test_memory_does_not_grow_with_the_matrices_that_were_given():
    n = 400
    items = pd.DataFrame({"item_id": range(n)})
    data = Dataset({0: list(range(10))}, {0: [1]}, items)
    lists = {0: list(range(20))}
    rng = np.random.default_rng(0)

    def round_():
        half = np.triu(rng.random((n, n)), 1)
        evaluate(lists, data, ba.ild(distance=half + half.T) @ 5, n_boot=0)

    round_()
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(10):
            round_()
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 8 * n * n  # less than one of the ten
