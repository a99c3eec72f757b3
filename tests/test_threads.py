"""Threads: kept from call to call, nested, after a fork, and with errors."""

import multiprocessing
import os
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from beyondacc.run import blas
from beyondacc.run.local import map_blocks, map_parts, map_stream, n_threads


def test_streams_keep_their_order_and_take_no_more_parts_than_threads():
    made, done = [], []

    def parts():
        for place in range(40):
            made.append(place)
            yield place

    def work(place):
        assert len(made) - len(done) <= 4
        done.append(place)
        return place**2

    for threads in (1, 4):
        assert map_stream(work, parts(), threads=threads) == [place**2 for place in range(40)]
    assert map_stream(work, [], threads=3) == []
    assert map_parts(lambda start, stop: stop - start, [(0, 3), (3, 7)], threads=5) == [3, 4]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_runs_inside_a_block_asks_for_no_more_threads(threads):
    usual = n_threads()
    assert map_blocks(lambda *_: n_threads(), 10_000, threads=threads) == [threads] * max(1, threads)
    assert n_threads() == usual
    with pytest.raises(ZeroDivisionError):
        map_blocks(lambda *_: 1 // 0, 10_000, threads=threads)
    assert n_threads() == usual


def test_the_error_of_the_first_part_is_raised_and_no_further_part_is_taken():
    taken = []

    def work(place):
        taken.append(place)
        time.sleep(0.05 if place == 2 else 0.002)  # the later part fails first
        if place in {2, 3}:
            raise ValueError(place)

    for _ in range(20):
        taken.clear()
        with pytest.raises(ValueError, match="2"):
            map_stream(work, range(100), threads=4)
        assert len(taken) < 100

    def parts():
        yield 0
        raise KeyError("parts")

    for threads in (1, 3):
        with pytest.raises(KeyError, match="parts"):
            map_stream(lambda place: place, parts(), threads=threads)
        with pytest.raises(KeyboardInterrupt):
            map_stream(lambda _: interrupt(), range(9), threads=threads)


def interrupt():
    raise KeyboardInterrupt


def test_several_threads_work_and_are_kept():
    def work(_):
        barrier.wait(timeout=30)  # until all three are here
        return threading.current_thread()

    for _ in range(5):
        barrier = threading.Barrier(3)
        seen = set(map_stream(work, range(3), threads=3))
        assert len(seen) == 3
        assert threading.current_thread() in seen
        assert all(thread.is_alive() for thread in seen)


def test_calls_may_be_nested():
    def inner(place):
        return sum(map_stream(lambda x: x + place, range(10), threads=8))

    def outer(place):
        return sum(map_stream(inner, range(place), threads=8))

    assert map_stream(outer, range(12), threads=8) == [
        sum(sum(x + inside for x in range(10)) for inside in range(place)) for place in range(12)
    ]


def test_many_callers_at_once():
    results = {}

    def call(name):
        results[name] = map_stream(lambda x: x * name, range(50), threads=4)

    callers = [threading.Thread(target=call, args=(name,)) for name in range(20)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert results == {name: [x * name for x in range(50)] for name in range(20)}


def test_helpers_run_in_the_context_of_the_caller():
    barrier = threading.Barrier(2)

    def divide(_):
        barrier.wait(timeout=30)
        return np.float64(1) / np.float64(0)

    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        map_stream(divide, range(2), threads=2)
    with np.errstate(divide="ignore"):
        assert map_stream(divide, range(2), threads=2) == [np.inf, np.inf]


def total(_):
    barrier = threading.Barrier(2)
    return sum(map_stream(lambda part: barrier.wait(timeout=30) * 0 + part, range(2), threads=2))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    assert total(0) == 1  # threads now exist here
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map_async(total, range(4)).get(timeout=60) == [1] * 4
    assert total(0) == 1


class Limits:
    """Stands for threadpoolctl: BLAS has two threads unless it is limited."""

    def __init__(self):
        self.blas = 2

    def limit(self, *, limits, user_api):
        assert (limits, user_api) == (1, "blas")
        before, self.blas = self.blas, limits
        return SimpleNamespace(restore_original_limits=lambda: setattr(self, "blas", before))


def test_blas_has_its_threads_back_when_the_last_block_ends(monkeypatch):
    limits = Limits()
    monkeypatch.setattr(blas, "_controller", lambda: limits)
    barrier, seen = threading.Barrier(2), []

    def inside():
        with blas.SINGLE_BLAS as single:
            barrier.wait(timeout=30)
            seen.append((single, limits.blas))

    with blas.SINGLE_BLAS, pytest.raises(ZeroDivisionError), blas.SINGLE_BLAS:
        1 / 0  # noqa: B018
    assert limits.blas == 2
    both = [threading.Thread(target=inside) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert seen == [(True, 1)] * 2
    assert limits.blas == 2
    monkeypatch.setattr(blas, "_controller", lambda: None)
    with blas.SINGLE_BLAS as single:
        assert not single
    assert limits.blas == 2


def test_without_threadpoolctl_there_is_no_limit(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert blas._controller.__wrapped__() is None
    there = SimpleNamespace(ThreadpoolController=Limits)
    monkeypatch.setitem(sys.modules, "threadpoolctl", there)
    assert isinstance(blas._controller.__wrapped__(), Limits)
