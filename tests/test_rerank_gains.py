"""Gains of one's own: what they may be, that they do what built-in ones do, and that they are compiled alone."""

from __future__ import annotations

import dataclasses
import functools

import numba
import numpy as np
import pytest
from rerank_worlds import MANY, MARKS, SLOW, fading, greedy_with, manhattan, mean, nearest, own, same, total, world

import beyondacc as ba
from beyondacc.errors import SpecError
from beyondacc.kernels import greedy, own_gains
from beyondacc.rerank import RERANKERS

pytestmark = MARKS
compiled = pytest.mark.skipif(SLOW, reason="nothing is compiled")
SWEPT = [0.1, 0.4, 0.4, 0.8, 1.0, 0.0]


@pytest.mark.parametrize("normalize", ["minmax", "zscore", "none"])
@pytest.mark.parametrize("kind", ["jaccard", "euclidean", "matrix", "npmi"])
@pytest.mark.parametrize(("gain", "built_in"), [(nearest, ba.MMR), (total, ba.MSD)])
def test_known_gains_are_those_built_in(gain, built_in, kind, normalize):
    here = world(kind, 0)
    given = {"distance": here.distance, "normalize": normalize, "diversity": 0.6}
    assert same(
        ba.Greedy(gain=greedy_with(gain), **given).rerank(here.frame, here.data, k=9),
        built_in(**given).rerank(here.frame, here.data, k=9),
    )


def test_the_mean_is_that_of_greedy_diversity():
    data, frame = MANY()
    one = ba.Greedy(gain=mean, distance="cosine").rerank(frame, data, k=5)
    other = ba.GreedyDiversity(distance="cosine").rerank(frame, data, k=5)
    assert (one.lists == other.lists).mean() > 0.99  # a running mean rounds otherwise
    alike = (one.lists == other.lists).all(axis=1)
    np.testing.assert_allclose(one.gain[alike], other.gain[alike], rtol=1e-12, atol=1e-12)


@compiled
def test_the_engine_is_compiled_once():
    """Neither for another gain or distance, nor for few users, of whom one would make arrays of another kind."""
    data, frame = MANY()
    plain = ba.Greedy(gain=greedy_with(fading)).rerank(frame, data, k=5)
    before = (len(greedy.greedy_rows.signatures), greedy.greedy_rows.stats)

    def another(distances, term, step):
        for i in range(len(term)):
            term[i] = max(term[i], distances[i] / step)

    made = ba.Greedy(gain=another).rerank(frame, data, k=5)
    assert (made.lists != plain.lists).any()
    ba.Greedy(gain=another, distance=own(manhattan)).rerank(frame, data, k=5)
    for method in [info.factory() for info in RERANKERS.values()] + [ba.MMR(distance="cosine")]:
        for users in ([3], [3, 5], [3, 5, 8]):
            few = frame[frame["user_id"].isin(users)]
            method.rerank(few, data, k=4)
            method.rerank(few.drop(columns="score"), data, k=4)
            dataclasses.replace(method, per_user=True).sweep(few, data, [0.1, 0.9], k=4)
    assert (len(greedy.greedy_rows.signatures), greedy.greedy_rows.stats) == before


@compiled
def test_a_compiled_function_is_taken_as_a_plain_one():
    data, frame = MANY()
    for function in (numba.njit(fading), numba.njit(fastmath=True)(fading)):
        chosen = ba.Greedy(gain=function)
        assert same(chosen.rerank(frame, data), ba.Greedy(gain=greedy_with(fading)).rerank(frame, data))
        assert str(chosen) == "Greedy(diversity=0.5, gain=fading)"


def test_it_may_use_numpy_and_what_is_around_it():
    data, frame = MANY()
    power = 2.0

    def powers(distances, term, step):
        term += distances**power / step

    def harmonic(distances, term, step):
        for i in range(len(term)):
            term[i] += distances[i] ** 2 / step

    assert same(ba.Greedy(gain=powers).rerank(frame, data), ba.Greedy(gain=harmonic).rerank(frame, data))


def test_what_it_is_told():
    """The distances of all candidates in input order, a step from 1 on, terms that are zeros at first."""
    items = {1: ["a"], 2: ["b"], 3: ["a", "b"], 4: []}
    lists = {"u": {1: 4.0, 2: 3.0, 3: 2.0, 4: 1.0}}
    by_pick = {1: [0, 1, 0.5, 1], 2: [1, 0, 0.5, 1], 3: [0.5, 0.5, 0, 1], 4: [1, 1, 1, 1]}

    def digits(distances, term, step):  # of the first step the digit before the point, then those after it
        for i in range(len(term)):
            term[i] += distances[i] * 10.0 ** (1 - step)

    made = ba.Greedy(gain=digits, diversity=1).rerank(lists, ba.Dataset(items=items), k=4)
    picks = made.to_dict()["u"]
    assert picks[0] == 1
    for step, item in enumerate(picks):
        told = sum(by_pick[former][item - 1] * 10.0**-at for at, former in enumerate(picks[:step]))
        assert made.gain[0, step] == pytest.approx(told, abs=1e-12)


def test_distances_that_it_changes_are_its_own():
    data, frame = MANY()

    def careless(distances, term, step):  # noqa: ARG001 - every gain is called so
        for i in range(len(term)):
            term[i] += distances[i]
            distances[i] = 77.0

    chosen = ba.Greedy(gain=careless)
    for distance in ("jaccard", "cosine", np.abs(np.subtract.outer(np.arange(40.0), np.arange(40.0)))):
        built_in = ba.MSD(distance=distance).sweep(frame, data, SWEPT, k=6)
        made = dataclasses.replace(chosen, distance=distance).sweep(frame, data, SWEPT, k=6)
        assert all(same(made[diversity], built_in[diversity]) for diversity in SWEPT)
    assert same(chosen.at(0.4).rerank(frame, data, k=6), ba.MSD(diversity=0.4).rerank(frame, data, k=6))


def test_terms_begin_with_zeros_for_every_user_and_weight():
    data, frame = MANY()
    swept = ba.Greedy(gain=greedy_with(fading)).sweep(frame, data, SWEPT, k=6)
    part = frame[frame["user_id"] == 50]
    for diversity in (0.1, 0.8):
        alone = ba.Greedy(gain=fading, diversity=diversity).rerank(part, data, k=6)
        np.testing.assert_array_equal(alone.lists[0], swept[diversity].lists[50])
        np.testing.assert_array_equal(alone.gain[0], swept[diversity].gain[50])


# what is refused


def broken(value, place):
    """A term that is no number after the first pick, for one candidate."""

    def breaking(distances, term, step):
        for i in range(len(term)):
            term[i] += distances[i]
        if step == 1:
            term[place] = value

    return breaking


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_terms_that_are_not_finite(value):
    """Also those of candidates that are not picked: such a term says nothing."""
    data, frame = MANY()
    chosen = ba.Greedy(gain=broken(value, 7))
    for k in (2, 3, 20):
        with pytest.raises(SpecError, match="gain breaking made a term that is not finite at step 1; terms m"):
            chosen.rerank(frame, data, k=k)


def test_terms_of_what_was_picked_are_not_looked_at():
    data, frame = MANY()

    def inverse(distances, term, step):  # noqa: ARG001 - every gain is called so
        for i in range(len(term)):
            term[i] -= 1.0 / distances[i] if distances[i] else np.inf

    apart = np.abs(np.subtract.outer(np.arange(40.0), np.arange(40.0)))
    made = ba.Greedy(gain=inverse, distance=apart, diversity=1).rerank(frame, data, k=20)
    assert np.isfinite(made.gain).all()
    first, second = made.lists[:, 0], made.lists[:, 1]
    rows = np.sort(ba.Recommendations.read(frame, data).lists, axis=1)
    farthest = np.abs(rows - first[:, None]).max(axis=1)
    np.testing.assert_array_equal(np.abs(second - first), farthest)


def test_errors_that_it_raises():
    data, frame = MANY()

    def raising(distances, term, step):
        if step == 3:
            raise ValueError("so many")
        for i in range(len(term)):
            term[i] += distances[i]

    chosen = ba.Greedy(gain=raising)
    with pytest.raises(SpecError, match=r"gain raising raised ValueError \(so many\) at step 3 with 20 candidates"):
        chosen.rerank(frame, data, k=5)
    assert same(chosen.rerank(frame, data, k=3), ba.MSD().rerank(frame, data, k=3))


def of_two(distances, term):
    term[0] = distances[0]


def of_nothing_known(distances, term, step):
    term[0] = step * functools.reduce(max, distances)


@compiled
@pytest.mark.parametrize("function", [of_two, of_nothing_known])
def test_what_numba_cannot_compile(function):
    data, frame = MANY()
    chosen = ba.Greedy(gain=function)
    for weight in (0.5, 0):
        with pytest.raises(
            SpecError,
            match=rf"gain {function.__name__} cannot be compiled by numba \(.+\); write it as a function "
            r"\(distances, term, step\) that changes the array term in place",
        ):
            chosen.at(weight).rerank(frame, data)


def test_what_is_no_function():
    for wrong in (3, "nearest", None, [nearest]):
        with pytest.raises(
            SpecError, match=r"gain must be a function \(distances, term, step\) that numba can compile"
        ):
            ba.Greedy(gain=wrong)
    with pytest.raises(TypeError, match="gain"):
        ba.Greedy()
    assert "Greedy" not in RERANKERS  # without a function there is none
    with pytest.raises(SpecError, match="Greedy needs gain=, a function"):
        RERANKERS.create("Greedy")
    with pytest.raises(SpecError, match=r"re-ranker Greedy\(.+\) needs item features"):
        ba.Greedy(gain=nearest).rerank({1: [1, 2]}, ba.Dataset(train={1: [1]}))


def test_a_gain_is_compiled_once():
    def add(distances, term, _step):
        for place in range(len(term)):
            term[place] += distances[place]

    assert own_gains.own_gain(add) is own_gains.own_gain(add)
    assert ba.Greedy(gain=add).gain.compiled is ba.Greedy(gain=add, diversity=0.2).gain.compiled
