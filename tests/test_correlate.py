"""Correlations against scipy.stats, pair by pair, and against their own laws."""

from __future__ import annotations

import warnings

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from draws import draws
from hypothesis import given, settings, strategies as st
from scipy import stats

from beyondacc.correlation import coefficients, correlate
from beyondacc.correlation.correlate import Correlation, bootstrap_correlation, correlation, orient, to_frame
from beyondacc.errors import DataError, SpecError

METHODS = ("pearson", "spearman", "kendall")
PEERS = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}
SMALL = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 12), st.integers(1, 5)),
    elements=st.one_of(st.integers(-3, 3).map(float), st.floats(-100, 100, allow_subnormal=False), st.just(np.nan)),
)


def peer(values, method):
    """All pairs, one call of scipy each."""
    m = values.shape[1]
    result = np.full((m, m), np.nan)
    for i in range(m):
        for j in range(m):
            x, y = values[~np.isnan(values[:, [i, j]]).any(axis=1)][:, [i, j]].T
            if len(x) < 3 or len(set(x)) == 1 or len(set(y)) == 1:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result[i, j] = PEERS[method](x, y)[0]
    return result


def random_table(rng):
    """Correlated columns of many kinds: smooth, tied, constant, copied, mirrored, shifted far from 0, with NaN."""
    n, m = rng.integers(0, 40), rng.integers(1, 7)
    values = rng.normal(size=(n, m)) + rng.normal(size=(n, 1))
    for column in range(m):
        kind = rng.integers(8)
        if kind in {0, 1}:
            values[:, column] = np.round(values[:, column] * (1 + kind))
        elif kind == 2:
            values[:, column] = 0.1
        elif kind == 3:
            values[:, column] = values[:, 0]
        elif kind == 4:
            values[:, column] = -values[:, 0]
        elif kind == 5:
            values[:, column] += 1e6
        elif kind == 6:
            values[rng.random(n) < 0.2, column] = np.nan
    return values


@pytest.mark.parametrize("method", METHODS)
def test_agrees_with_scipy(method):
    rng = np.random.default_rng(1)
    undefined = 0
    for _ in range(300):
        values = random_table(rng)
        expected = peer(values, method)
        np.testing.assert_allclose(
            correlation(values, method), expected, rtol=0, atol=1e-9 if method == "pearson" else 1e-12
        )
        undefined += np.isnan(expected).sum()
    assert undefined > 100  # the hard cases did come up


@pytest.mark.parametrize("method", METHODS)
def test_weights_are_repeated_rows(method):
    rng = np.random.default_rng(2)
    for _ in range(draws(100)):
        values = random_table(rng)
        weights = rng.integers(0, 4, size=(5, len(values)))
        found = correlation(values, method, weights)
        assert found.shape == (5, values.shape[1], values.shape[1])
        for replicate, counts in zip(found, weights, strict=True):
            repeated = np.repeat(values, counts, axis=0)
            expected = correlation(repeated, method)
            if method == "pearson":
                np.testing.assert_allclose(replicate, expected, rtol=0, atol=1e-9)
            else:  # sums of whole numbers: the same bits
                np.testing.assert_array_equal(replicate, expected)
            np.testing.assert_allclose(replicate, peer(repeated, method), rtol=0, atol=1e-9)
            np.testing.assert_array_equal(
                correlation(values, method, counts), correlation(values, method, counts[None])[0]
            )


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=draws(150), deadline=None)
@given(values=SMALL, data=st.data())
def test_laws(method, values, data):
    n, m = values.shape
    found = correlation(values, method)
    np.testing.assert_array_equal(found, found.T)
    defined = ~np.isnan(found)
    assert (np.abs(found[defined]) <= 1).all()
    assert (np.diagonal(found)[np.diagonal(defined)] == 1).all()

    complete = ~np.isnan(values)
    for i in range(m):
        for j in range(m):
            x, y = values[complete[:, i] & complete[:, j]][:, [i, j]].T
            assert defined[i, j] == (len(x) >= 3 and len(set(x)) > 1 and len(set(y)) > 1)

    both = correlation(np.hstack([values, -values, values]), method)
    np.testing.assert_array_equal(both[range(m), range(2 * m, 3 * m)], np.diagonal(found))  # equal: exactly 1
    np.testing.assert_array_equal(both[range(m), range(m, 2 * m)], -np.diagonal(found))  # opposite: exactly -1

    rows = data.draw(st.permutations(range(n)))
    columns = data.draw(st.permutations(range(m)))
    shuffled = correlation(values[rows][:, columns], method)
    tolerance = 1e-6 if method == "pearson" else 0
    np.testing.assert_allclose(shuffled, found[np.ix_(columns, columns)], rtol=0, atol=tolerance)


@pytest.mark.parametrize("method", ["spearman", "kendall"])
def test_rank_methods_see_the_order_only(method):
    rng = np.random.default_rng(3)
    values = np.round(rng.normal(size=(50, 6)), 1)
    np.testing.assert_array_equal(correlation(np.exp(values), method), correlation(values, method))
    widest = values.copy()
    widest[np.argmax(values[:, 0]), 0] = np.inf
    widest[np.argmin(values[:, 1]), 1] = -np.inf
    ties = [np.count_nonzero(values[:, 0] == values[:, 0].max()), np.count_nonzero(values[:, 1] == values[:, 1].min())]
    assert ties == [1, 1]  # so that the infinite values change no order
    np.testing.assert_array_equal(correlation(widest, method), correlation(values, method))


def test_pearson_is_undefined_where_a_row_is_infinite():
    values = np.array([[1.0, 2.0, 9.0], [2.0, 1.0, np.inf], [3.0, 5.0, 4.0], [4.0, 3.0, 2.0]])
    found = correlation(values, "pearson", [[1, 1, 1, 1], [1, 0, 1, 1]])
    assert np.isnan(found[0, 2]).all()
    assert not np.isnan(found[0, :2, :2]).any()
    np.testing.assert_allclose(found[1], peer(values[[0, 2, 3]], "pearson"), atol=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e150, 1e307])
def test_pearson_at_any_scale(scale):
    rng = np.random.default_rng(4)
    values = rng.uniform(-1, 1, size=(30, 3))
    np.testing.assert_allclose(correlation(values * scale, "pearson"), peer(values, "pearson"), rtol=0, atol=1e-12)


def test_pearson_far_from_zero():
    rng = np.random.default_rng(5)
    values = rng.integers(0, 100, size=(30, 3)).astype(float)
    weights = rng.integers(0, 3, size=(20, 30))
    found = correlation(values + 2.0**40, "pearson", weights)
    np.testing.assert_allclose(found, correlation(values, "pearson", weights), rtol=0, atol=1e-12)


def test_pearson_keeps_its_digits_near_one():
    # x = (-1, 0, 1) and y = x + e (1, -2, 1): 1 - r = 1 - 1 / sqrt(1 + 3 e²)
    for tiny in (1e-5, 1e-6, 1e-7):
        table = np.array([[-1.0, -1.0 + tiny], [0.0, -2 * tiny], [1.0, 1.0 + tiny]])
        assert 1 - correlation(table, "pearson")[0, 1] == pytest.approx(1.5 * tiny**2, rel=1e-3, abs=2e-16)


@pytest.mark.parametrize("method", METHODS)
def test_linear_columns_are_exactly_one(method):
    rng = np.random.default_rng(6)
    x = rng.normal(size=200)
    table = np.column_stack([x, 3 * x, -7 * x / 3, 0.1 * x])
    weights = rng.integers(0, 3, size=(50, 200))
    for found in correlation(table, method, weights):
        np.testing.assert_array_equal(found, np.outer([1, 1, -1, 1], [1, 1, -1, 1]))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 2), (2, 2)])
def test_too_small(method, shape):
    values = np.arange(shape[0] * shape[1], dtype=float).reshape(shape)
    assert correlation(values, method).shape == (shape[1], shape[1])
    assert np.isnan(correlation(values, method)).all()
    found = bootstrap_correlation(values, method, n_boot=5)
    assert np.isnan(found.low).all()
    assert (found.n == shape[0]).all()
    assert correlation(values, method, np.zeros((0, shape[0]), dtype=int)).shape == (0, shape[1], shape[1])


@pytest.mark.parametrize("method", METHODS)
def test_blocks_do_not_change_a_bit(method, monkeypatch):
    rng = np.random.default_rng(7)
    values = np.round(rng.normal(size=(60, 5)) + rng.normal(size=(60, 1)), 1)
    values[rng.random(60) < 0.1, 2] = np.nan
    expected = bootstrap_correlation(values, method, n_boot=40)
    plain = correlation(values, method)
    for work, memory in ((1, 1), (300, 1000), (1 << 12, 1 << 30), (1 << 24, 500)):
        monkeypatch.setattr(coefficients, "_WORK", work)
        monkeypatch.setattr(correlate, "_MEMORY", memory)
        found = bootstrap_correlation(values, method, n_boot=40)
        np.testing.assert_array_equal(correlation(values, method), plain)
        for field in ("coefficient", "low", "high", "n"):
            if method == "pearson":
                np.testing.assert_allclose(getattr(found, field), getattr(expected, field), rtol=0, atol=1e-14)
            else:
                np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))


def test_kendall_with_heavy_weights_stays_exact():
    values = np.array([[1.0, 1.0], [2.0, 3.0], [3.0, 2.0], [4.0, 4.0]])
    for heavy in (4096, 4097, 100_003):
        counts = np.array([heavy, 1, heavy, heavy - 1])
        concordant = sum(counts[i] * counts[j] for i in range(4) for j in range(i) if (i, j) != (2, 1))
        pairs = concordant + counts[1] * counts[2]
        expected = (int(concordant) - int(counts[1] * counts[2])) / int(pairs)
        assert correlation(values, "kendall", counts)[0, 1] == expected
        assert correlation(values, "kendall", [counts, counts])[1, 0, 1] == expected


def test_kendall_of_many_rows():
    rng = np.random.default_rng(8)
    values = np.round(rng.normal(size=(4000, 3)) + rng.normal(size=(4000, 1)), 2)
    np.testing.assert_allclose(correlation(values, "kendall"), peer(values, "kendall"), rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_bootstrap_is_the_percentile_interval_of_resampled_rows(method):
    rng = np.random.default_rng(9)
    values = rng.normal(size=(25, 3)) + rng.normal(size=(25, 1))
    values[3, 1] = np.nan
    found = bootstrap_correlation(values, method, n_boot=60, seed=5, level=0.8)
    drawn = np.random.default_rng(5).integers(0, 25, size=(60, 25))
    replicates = np.array([peer(values[rows], method) for rows in drawn])
    low, high = np.quantile(replicates, [0.1, 0.9], axis=0)
    np.testing.assert_allclose(found.coefficient, peer(values, method), atol=1e-12)
    np.testing.assert_allclose(found.low, low, atol=1e-12)
    np.testing.assert_allclose(found.high, high, atol=1e-12)
    np.testing.assert_array_equal(found.n, [[25, 24, 25], [24, 24, 24], [25, 24, 25]])
    np.testing.assert_array_equal(np.diagonal(found.low), 1)


@pytest.mark.parametrize("method", METHODS)
def test_bootstrap_draws_whole_groups(method):
    rng = np.random.default_rng(10)
    values = rng.normal(size=(12, 2)) + rng.normal(size=(12, 1))
    groups = np.array([7, 7, -3, 0, 0, 0, 7, -3, 9, 9, 9, 9])
    found = bootstrap_correlation(values, method, groups=groups, n_boot=80, seed=3)
    names = np.unique(groups)
    drawn = np.random.default_rng(3).integers(0, 4, size=(80, 4))
    replicates = [
        peer(np.concatenate([values[groups == names[draw]] for draw in draws]), method)[0, 1] for draws in drawn
    ]
    low, high = np.nanquantile(replicates, [0.025, 0.975])
    np.testing.assert_allclose([found.low[0, 1], found.high[0, 1]], [low, high], atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_groups_widen_the_interval_of_clustered_rows(method):
    rng = np.random.default_rng(11)
    groups = np.repeat(np.arange(15), 20)
    values = rng.normal(size=(15, 2))[groups] + 0.1 * rng.normal(size=(300, 2))
    alone = bootstrap_correlation(values, method, n_boot=300)
    together = bootstrap_correlation(values, method, groups=groups, n_boot=300)
    np.testing.assert_array_equal(alone.coefficient, together.coefficient)
    assert together.high[0, 1] - together.low[0, 1] > 2 * (alone.high[0, 1] - alone.low[0, 1])


@pytest.mark.parametrize(
    ("method", "truth"),
    [("pearson", 0.6), ("spearman", 6 / np.pi * np.arcsin(0.3)), ("kendall", 2 / np.pi * np.arcsin(0.6))],
)
def test_the_interval_covers_the_truth(method, truth):
    # The percentile interval is an asymptotic one and runs a little short: for Pearson 92 % at 60 rows, 93 % at 200.
    rng = np.random.default_rng(12)
    factor = np.linalg.cholesky([[1, 0.6], [0.6, 1]])
    covered = 0
    for seed in range(300):
        found = bootstrap_correlation(rng.normal(size=(100, 2)) @ factor.T, method, n_boot=200, seed=seed)
        covered += found.low[0, 1] <= truth <= found.high[0, 1]
    assert 0.90 <= covered / 300 <= 0.99


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_bits(method):
    rng = np.random.default_rng(13)
    values = rng.normal(size=(40, 4))
    first, again, other = (bootstrap_correlation(values, method, n_boot=50, seed=seed) for seed in (1, 1, 2))
    assert first.low.tobytes() == again.low.tobytes()
    assert first.high.tobytes() == again.high.tobytes()
    assert (first.low[0, 1], first.high[0, 1]) != (other.low[0, 1], other.high[0, 1])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("enough", [False, True])
def test_interval_needs_half_of_the_replicates(method, enough):
    # The second column differs in row 0 only, which 64 % of the replicates draw; the first in row 1 only, or in all.
    values = np.full((30, 2), np.nan)
    values[:, 0] = np.arange(30) if enough else np.arange(30) == 1
    values[:6, 1] = np.arange(6) == 0
    drawn = np.random.default_rng(0).integers(0, 30, size=(200, 30))
    replicates = np.array([peer(values[rows], method)[0, 1] for rows in drawn])
    share = np.mean(~np.isnan(replicates))
    assert 0.2 < share < 0.8
    assert (share > 0.5) == enough
    found = bootstrap_correlation(values, method, n_boot=200)
    ends = np.nanquantile(replicates, [0.025, 0.975]) if enough else [np.nan, np.nan]
    np.testing.assert_allclose([found.low[0, 1], found.high[0, 1]], ends, atol=1e-12)
    assert not np.isnan(found.coefficient).any()


def test_constant_column_has_no_interval():
    values = np.column_stack([np.arange(10.0), np.full(10, 0.1)])
    for method in METHODS:
        found = bootstrap_correlation(values, method, n_boot=20)
        np.testing.assert_array_equal(np.isnan(found.coefficient), [[False, True], [True, True]])
        np.testing.assert_array_equal(np.isnan(found.low), np.isnan(found.coefficient))
        np.testing.assert_array_equal(np.isnan(found.high), np.isnan(found.coefficient))


def test_frame_lists_all_ordered_pairs():
    found = Correlation(
        np.array([[1.0, 0.5], [0.5, 1.0]]),
        np.array([[1.0, 0.2], [0.2, 1.0]]),
        np.array([[1.0, 0.7], [0.7, 1.0]]),
        np.array([[9, 8], [8, 10]]),
    )
    frame = to_frame(found, ["ndcg@10", "ild@10"])
    assert frame.columns.tolist() == ["metric_a", "metric_b", "coefficient", "ci_low", "ci_high", "n"]
    assert frame.to_numpy().tolist() == [
        ["ndcg@10", "ndcg@10", 1.0, 1.0, 1.0, 9],
        ["ndcg@10", "ild@10", 0.5, 0.2, 0.7, 8],
        ["ild@10", "ndcg@10", 0.5, 0.2, 0.7, 8],
        ["ild@10", "ild@10", 1.0, 1.0, 1.0, 10],
    ]
    with pytest.raises(DataError, match="1 names were given for a correlation of 2 columns"):
        to_frame(found, ["ndcg@10"])


def test_orient_turns_lower_is_better():
    values = np.array([[1.0, 2.0, 3.0], [4.0, np.nan, 6.0]])
    turned = orient(values, ["higher", "lower", "target"])
    np.testing.assert_array_equal(turned, [[1, -2, 3], [4, np.nan, 6]])
    assert not np.shares_memory(turned, values)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: correlation([1.0, 2.0], "pearson"), DataError, r"shape \(2,\).*two dimensions"),
        (lambda: correlation([["a", "b"]], "pearson"), DataError, "values must be numbers"),
        (lambda: correlation(np.ones((3, 2)), "kendal"), SpecError, "method='kendal' is not allowed.*'kendall'"),
        (lambda: correlation(np.ones((3, 2)), "pearson", [1, 1]), DataError, r"weights has shape \(2,\)"),
        (lambda: correlation(np.ones((3, 2)), "pearson", [1, 1, -2]), DataError, r"weights\[2\] is -2"),
        (
            lambda: correlation(np.ones((3, 2)), "pearson", [[1, 1, 1], [1, 0.5, 1]]),
            DataError,
            r"weights\[1, 1\] is 0.5",
        ),
        (lambda: correlation(np.ones((3, 2)), "pearson", [1, np.nan, np.inf]), DataError, r"weights\[1\] is nan"),
        (lambda: correlation(np.ones((3, 2)), "pearson", ["1", "1", "1"]), DataError, "weights has dtype"),
        (lambda: bootstrap_correlation(np.ones((3, 2)), "pearson", n_boot=0), SpecError, "n_boot=0.*whole number >= 1"),
        (lambda: bootstrap_correlation(np.ones((3, 2)), "pearson", level=1.0), SpecError, r"level=1.0.*in \(0, 1\)"),
        (lambda: bootstrap_correlation(np.ones((3, 2)), "pearson", seed=-1), SpecError, "seed=-1.*whole number >= 0"),
        (
            lambda: bootstrap_correlation(np.ones((3, 2)), "pearson", groups=[0, 1]),
            DataError,
            r"groups has shape \(2,\)",
        ),
        (
            lambda: bootstrap_correlation(np.ones((2, 2)), "pearson", groups=[0.5, 1]),
            DataError,
            "groups has dtype float64",
        ),
        (lambda: orient(np.ones((3, 2)), ["higher"]), DataError, "1 directions were given for 2 columns"),
        (lambda: orient(np.ones((3, 2)), ["higher", "up"]), SpecError, "column 1: better='up' is not allowed"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()
