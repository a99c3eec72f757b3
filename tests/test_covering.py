"""Facility location: sums in an order that is written down, and distances that are kept or worked out again."""

from __future__ import annotations

import numba
import numpy as np
import pytest

import beyondacc as ba
from beyondacc.kernels import covering
from beyondacc.rerank import greedy

pytestmark = pytest.mark.kernel

SLOW = numba.config.DISABLE_JIT  # the kernels run as plain Python


def summed(more, less, step):
    """The order, in plain loops: sixteen sums, of these four, then by fours, then one by one."""
    n = len(more)
    sums = [0.0] * 16
    for block in range(n // 16):
        for place in range(16):
            sums[place] = step(sums[place], more[16 * block + place], less[16 * block + place])
    four = [((sums[at] + sums[4 + at]) + sums[8 + at]) + sums[12 + at] for at in range(4)]
    four = [(four[0] + four[2]) + (four[1] + four[3]), 0.0, 0.0, 0.0]
    for first in range(16 * (n // 16), 4 * (n // 4), 4):
        for at in range(4):
            four[at] = step(four[at], more[first + at], less[first + at])
    total = (four[0] + four[2]) + (four[1] + four[3])
    for at in range(4 * (n // 4), n):
        total = step(total, more[at], less[at])
    return total


ORDERS = {
    "_in_order": lambda total, plus, minus: (total - minus) + plus,
    "_gained": lambda total, plus, minus: total + max(plus - minus, 0.0),
}


@pytest.mark.parametrize("name", ORDERS)
def test_sums_are_in_the_order_that_is_written_down(name):
    inner = getattr(covering, name)
    called = inner if SLOW else numba.njit(inner.py_func)
    rng = np.random.default_rng(0)
    for n in range(70):
        more, less = rng.random((2, n)) * rng.choice([1e-3, 1.0, 1e6], (2, n))
        assert called(more, less, n) == summed(more.tolist(), less.tolist(), ORDERS[name]), n


@pytest.mark.parametrize("gamma", [None, 0.5, 0.3])
@pytest.mark.parametrize("distance", ["jaccard", "cosine", "hamming", "npmi"])
def test_distances_that_are_worked_out_again_are_those_that_are_kept(distance, gamma, monkeypatch):
    rng = np.random.default_rng(1)
    items = [f"i{number:02}" for number in range(40)]
    genres = {item: rng.choice(list("abcdef"), rng.integers(0, 4), replace=False).tolist() for item in items}
    train = {f"u{user}": rng.choice(items, 9, replace=False).tolist() for user in range(6)}
    data = ba.Dataset(train, items=genres)
    lists = {user: rng.permutation(items)[: rng.integers(2, 30)].tolist() for user in train}
    method = ba.Cover(distance=distance, gamma=gamma)
    swept = [0.2, 0.7, 1.0]
    kept = method.sweep(lists, data, swept, k=6)
    monkeypatch.setattr(greedy, "_MANY", 1)
    again = method.sweep(lists, data, swept, k=6)
    for weight in swept:
        np.testing.assert_array_equal(again[weight].lists, kept[weight].lists)
        np.testing.assert_array_equal(again[weight].gain, kept[weight].gain)
