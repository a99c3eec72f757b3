"""The Pareto front, its hypervolume and its knee against their definitions, in plain loops."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from draws import draws
from hypothesis import given, settings, strategies as st

from beyondacc.errors import DataError
from beyondacc.tradeoff.pareto import hypervolume, knee, pareto_front


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


@settings(max_examples=draws(400), deadline=None)
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


def small_tables(n_cases, objectives, largest, points=9):
    """Whole numbers, so that many points are equal, tied or dominated; some are NaN, some tables are empty."""
    rng = np.random.default_rng(objectives)
    for _ in range(n_cases):
        table = rng.integers(0, largest + 1, (rng.integers(0, points), objectives)).astype(float)
        table[rng.random(table.shape) < 0.05] = np.nan
        if rng.random() < 0.3 and len(table):
            table = np.vstack([table, table[rng.integers(len(table), size=2)]])
        yield table, (rng.random(objectives) < 0.5).tolist(), rng.integers(0, largest + 1, objectives)


def cells(points, maximise, reference, largest):
    """Count the unit cells of a grid that lie between the reference and a point, in every objective."""
    found = 0
    for cell in itertools.product(range(largest), repeat=len(maximise)):
        for point in points:
            inside = True
            for low, value, more, worst in zip(cell, point, maximise, reference, strict=True):
                bottom, top = (worst, value) if more else (value, worst)
                inside = inside and bottom <= low and low + 1 <= top  # false of a NaN
            if inside:
                found += 1
                break
    return found


@pytest.mark.parametrize(("objectives", "largest", "n_cases"), [(1, 9, 800), (2, 5, 1500), (3, 3, 1200), (4, 2, 600)])
def test_hypervolume_counts_the_cells_of_a_grid(objectives, largest, n_cases):
    counted = []
    for points, maximise, reference in small_tables(draws(n_cases, 400), objectives, largest):
        counted.append(cells(points, maximise, reference, largest))
        assert hypervolume(points, maximise, reference) == counted[-1]  # whole numbers carry no rounding error
    assert len(set(counted)) > 4


def inclusion_exclusion(points, reference):
    """Volume of a union of boxes: over all subsets, the volume of what they share, with alternating sign."""
    total = 0.0
    for size in range(1, len(points) + 1):
        for chosen in itertools.combinations(points, size):
            sides = [max(min(values) - worst, 0.0) for *values, worst in zip(*chosen, reference, strict=True)]
            total -= (-1) ** size * math.prod(sides)
    return total


@pytest.mark.parametrize("objectives", [1, 2, 3, 4, 5])
def test_hypervolume_is_the_volume_of_a_union(objectives):
    rng = np.random.default_rng(objectives)
    for decimals in (1, 9):
        for n in range(8):
            points, reference = np.round(rng.random((n, objectives)), decimals), rng.random(objectives) / 4
            expected = pytest.approx(inclusion_exclusion(points.tolist(), reference.tolist()), rel=1e-12, abs=1e-15)
            assert hypervolume(points, [True] * objectives, reference) == expected
            assert hypervolume(-points, [False] * objectives, -reference) == expected
            shuffled = points[rng.permutation(n)]
            assert hypervolume(shuffled, [True] * objectives, reference) == expected


def test_hypervolume_of_a_front_is_that_of_all_points():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, 3))
    front = points[pareto_front(points, [True, False, True])]
    assert len(front) < len(points)
    volumes = [hypervolume(each, [True, False, True], [-1, 1, -1]) for each in (points, front)]
    assert volumes[0] == pytest.approx(volumes[1], rel=1e-12)


def test_hypervolume_that_is_infinite():
    assert hypervolume([[np.inf, 1.0], [2.0, np.inf], [1.0, 1.0]], [True, True], [0, 0]) == np.inf
    assert hypervolume([[np.inf, 0.0], [2.0, 3.0], [-np.inf, 4]], [True, True], [0, 0]) == 6
    assert hypervolume([[-np.inf, 1.0]], [False, True], [0, 0]) == np.inf


def bend(points, maximise):
    """The knee in exact fractions: of the points none beats, the one farthest beyond the line between the ends."""
    on_front = definition(points, maximise)
    front = {
        place: [Fraction(int(value)) * (1 if more else -1) for value, more in zip(point, maximise, strict=True)]
        for place, (point, chosen) in enumerate(zip(points, on_front, strict=True))
        if chosen
    }
    if len({tuple(point) for point in front.values()}) < 3:
        return None
    (x, top), (right, y) = max(front.values(), key=lambda p: p[1]), max(front.values(), key=lambda p: p[0])
    best, found = Fraction(0), None
    for place, point in front.items():
        beyond = (point[0] - x) / (right - x) + (point[1] - y) / (top - y) - 1
        if beyond > best:
            best, found = beyond, place
    return found


def test_knee_is_the_definition():
    rng = np.random.default_rng(0)
    found = []
    for points, maximise, _ in small_tables(2500, 2, 12, points=25):
        found.append(knee(points, maximise))
        assert found[-1] == bend(points.tolist(), maximise)
    for _ in range(1000):  # nothing but fronts: x rises where y falls
        points = np.column_stack([np.sort(rng.integers(0, 30, 8)), -np.sort(rng.integers(0, 30, 8))]).astype(float)
        found.append(knee(points, [True, True]))
        assert found[-1] == bend(points.tolist(), [True, True])
    assert found.count(None) > 300
    assert len(set(found)) > 10


def test_knee_does_not_hang_on_the_scale_or_on_rounding():
    points = np.array([[0.1, 0.9], [0.3, 0.85], [0.7, 0.6], [0.9, 0.1]])
    assert knee(points, [True, True]) == 2
    assert knee(points * [1e9, 1e-9] + [7, -3], [True, True]) == 2
    assert knee(-points, [False, False]) == 2
    assert knee(points[::-1], [True, True]) == 1
    line = np.linspace(0.1, 0.7, 25)
    assert knee(np.column_stack([line, 1 - line]), [True, True]) is None  # but for the last digits it is straight
    sagging = np.column_stack([line, 1 / line])
    assert knee(sagging, [True, True]) is None
    assert knee(sagging, [False, False]) is not None  # the same curve from the other side
    even = [[0, 10], [3, 9], [1, 9.5], [9, 3], [10, 0]]
    assert knee(even, [True, True]) == 1  # of two that are equally far the first
    assert knee([*even, [np.inf, 10]], [True, True]) is None
    assert knee(np.empty((0, 2)), [True, True]) is None


def test_messages():
    with pytest.raises(DataError, match="1 values of maximise were given for 2 objectives"):
        pareto_front(np.ones((3, 2)), [True])
    with pytest.raises(DataError, match=r"points has shape \(3,\)"):
        pareto_front(np.ones(3), [True])
    with pytest.raises(DataError, match="3 values of maximise were given for 2 objectives; give one for each"):
        hypervolume(np.ones((3, 2)), [True] * 3, [0, 0])
    with pytest.raises(
        DataError, match=r"reference=\[0\] is not allowed; give a finite number for each of 2 objectives"
    ):
        hypervolume(np.ones((3, 2)), [True, True], [0])
    for reference in ([0, np.inf], [np.nan, 0], [0, "low"], 0, [[0, 0]]):
        with pytest.raises(DataError, match=f"{re.escape(f'reference={reference!r}')} is not allowed; give a finite"):
            hypervolume(np.ones((3, 2)), [True, True], reference)
    with pytest.raises(DataError, match="points have no objective; give a column for each"):
        hypervolume(np.ones((3, 0)), [], [])
    with pytest.raises(DataError, match="points has 3 objectives; a knee is one of two, so give two columns"):
        knee(np.ones((3, 3)), [True] * 3)
    with pytest.raises(DataError, match="1 values of maximise were given for 2 objectives"):
        knee(np.ones((3, 2)), [True])
