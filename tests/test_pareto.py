"""The Pareto front against its quadratic definition."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from beyondacc.errors import DataError
from beyondacc.study.pareto import pareto_front


def definition(points, maximise):
    """Compare every point with every other, in plain loops."""
    front = []
    for mine in points:
        dominated = any(np.isnan(mine))
        for other in points:
            if any(np.isnan(other)):
                continue
            gains = [(a, b) if more else (b, a) for a, b, more in zip(mine, other, maximise, strict=True)]
            dominated |= all(a <= b for a, b in gains) and any(a < b for a, b in gains)
        front.append(not dominated)
    return front


@settings(max_examples=400, deadline=None)
@given(
    points=hnp.arrays(
        np.float64,
        st.tuples(st.integers(0, 14), st.integers(0, 4)),
        elements=st.one_of(
            st.integers(0, 3).map(float), st.sampled_from([np.nan, np.inf, -np.inf, -0.0]), st.floats(-1, 1)
        ),
    ),
    data=st.data(),
)
def test_is_the_definition(points, data):
    maximise = data.draw(st.lists(st.booleans(), min_size=points.shape[1], max_size=points.shape[1]))
    found = pareto_front(points, maximise)
    assert found.dtype == np.bool_
    assert found.tolist() == definition(points, maximise)


@pytest.mark.parametrize("objectives", [1, 2, 3, 5])
def test_larger_tables(objectives):
    rng = np.random.default_rng(objectives)
    for decimals in (1, 6):
        points = np.round(rng.normal(size=(150, objectives)), decimals)
        maximise = rng.random(objectives) < 0.5
        assert pareto_front(points, maximise).tolist() == definition(points, maximise)


def test_copies_are_kept_and_nan_is_not():
    points = [[1, 3], [1, 3], [2, 2], [2, 1], [np.nan, 9], [3, 3]]
    assert pareto_front(points, [True, True]).tolist() == [False, False, False, False, False, True]
    assert pareto_front(points[:5], [True, True]).tolist() == [True, True, True, False, False]
    assert pareto_front(points, [False, True]).tolist() == [True, True, False, False, False, False]


def test_messages():
    with pytest.raises(DataError, match="1 values of maximise were given for 2 objectives"):
        pareto_front(np.ones((3, 2)), [True])
    with pytest.raises(DataError, match=r"points has shape \(3,\)"):
        pareto_front(np.ones(3), [True])
