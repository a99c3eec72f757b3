"""Sums without rounding, against `math.fsum`."""

import math

import numpy as np
import pytest
from draws import draws
from hypothesis import given, settings, strategies as st

from beyondacc.metrics.base.exact import exact_limbs, exact_sums, rounded_sums

SOME = [0.0, -0.0, 5e-324, -5e-324, 2.0**-1022, 1e308, 1.0, 0.1]
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)


@pytest.mark.kernel
@settings(max_examples=draws(300), deadline=None)
@given(numbers=st.lists(NUMBERS | st.sampled_from(SOME), max_size=40))
def test_sums_are_those_of_fsum(numbers):
    column = np.array(numbers, np.float64)
    try:
        expected = math.fsum(numbers)
    except OverflowError:
        return
    found = exact_sums(column[:, None])
    assert found.shape == (1,)
    assert found[0] == expected


@pytest.mark.kernel
@pytest.mark.parametrize("size", [0, 1, 2, 1000, 20_000])
def test_any_cut_and_any_order_gives_the_same_bits(size):
    rng = np.random.default_rng(size)
    columns = rng.normal(size=(size, 3)) * 10.0 ** rng.integers(-12, 12, (size, 3))
    whole = exact_sums(columns)
    assert whole.tolist() == [math.fsum(column) for column in columns.T]
    for parts in (2, 3, 7):
        order = rng.permutation(size)
        limbs = sum(exact_limbs(columns[rows]) for rows in np.array_split(order, parts))
        assert rounded_sums(limbs)[0].tobytes() == whole.tobytes()
    groups = rng.integers(0, 5, size)
    by_group = exact_limbs(columns, groups, 5)
    assert rounded_sums(by_group.sum(axis=0, keepdims=True))[0].tobytes() == whole.tobytes()
    for group, sums in enumerate(rounded_sums(by_group)):
        assert sums.tolist() == [math.fsum(column) for column in columns[groups == group].T]


@pytest.mark.kernel
def test_what_is_infinite_stays_so():
    columns = np.array([[1.0, np.inf, -np.inf, np.inf], [2.0, 3.0, 1.0, -np.inf]])
    found = exact_sums(columns)
    assert found[:3].tolist() == [3.0, np.inf, -np.inf]
    assert np.isnan(found[3])
    assert exact_sums(np.full((4, 1), 1e308))[0] == np.inf
    assert exact_sums(np.full((4, 1), -1e308))[0] == -np.inf
    # a sum that is beyond float64 on the way only
    assert exact_sums(np.array([[1e308], [1e308], [-1e308], [-1e308], [1.0]]))[0] == 1.0
