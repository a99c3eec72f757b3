"""Correlations between metrics, all pairs at once, with bootstrap intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from beyondacc.correlation.coefficients import Floats, Method, all_pairs, choose, parts, unpack
from beyondacc.declare.params import Param, Range
from beyondacc.errors import DataError
from beyondacc.metrics.base.metric import Better

__all__ = [
    "Correlation",
    "Method",
    "as_table",
    "bootstrap_correlation",
    "correlation",
    "group_codes",
    "orient",
    "percentiles",
    "resample",
    "to_frame",
]


_MEMORY = 1 << 23
"""Numbers in one block of multiplicities (64 MiB of float64)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Correlation:
    """Correlation coefficients of all pairs of m columns, with their intervals.

    Parameters
    ----------
    coefficient, low, high
        ``(m, m)`` floats, symmetric; NaN where undefined.
    n
        ``(m, m)`` integers, the rows in which both columns have a value.
    """

    coefficient: Floats
    low: Floats
    high: Floats
    n: NDArray[np.int64]


def correlation(values: ArrayLike, method: Method, weights: ArrayLike | None = None) -> Floats:
    """Correlate all pairs of columns.

    Parameters
    ----------
    values
        ``(n, m)`` floats, a row per observation. A NaN leaves its row out of the pairs of its column only.
    method
        ``"pearson"``; ``"spearman"``, Pearson's coefficient of mid-ranks; ``"kendall"``, tau-b.
    weights
        ``(n,)`` or ``(b, n)`` multiplicities, whole numbers: the coefficients are those of the rows
        repeated that often.

    Returns
    -------
    Floats
        ``(m, m)``, or ``(b, m, m)`` for ``(b, n)`` weights; symmetric, in [-1, 1]. NaN where a pair shares fewer than
        three rows (counted with multiplicity), where one of its columns is constant on these rows, or, for Pearson,
        infinite on one of them. Columns of equal values have exactly 1, of opposite values exactly -1.

    Raises
    ------
    DataError
        If the values are not a table of numbers or the weights do not fit it.
    SpecError
        If the method is unknown.

    Notes
    -----
    Mid-ranks and tau-b after M. G. Kendall, Rank Correlation Methods (1948), chapter 3: tau-b is the sum of
    ``sign(x_k - x_l) sign(y_k - y_l)`` over all pairs of rows, divided by the geometric mean of the pairs not tied in
    ``x`` and those not tied in ``y``. Both rank methods add whole numbers only, so the sums carry no rounding error.
    """
    table = as_table(values)
    kernel = choose(method)
    counts = np.ones(len(table)) if weights is None else _multiplicities(weights, len(table))
    result = unpack(all_pairs(kernel, table, np.atleast_2d(counts)), table.shape[1])
    return result.reshape(counts.shape[:-1] + result.shape[1:])


def bootstrap_correlation(
    values: ArrayLike,
    method: Method,
    *,
    groups: ArrayLike | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Correlation:
    """Correlate all pairs of columns, with percentile bootstrap intervals.

    Parameters
    ----------
    values, method
        As in `correlation`.
    groups
        ``(n,)`` integer codes. Whole groups are drawn with replacement, with all their rows: rows that come from one
        model are not independent. None: every row is a group of its own.
    n_boot
        Number of replicates.
    seed
        Seed of the draws; the same seed gives the same bits, and the same replicates for every method.
    level
        Confidence level, in (0, 1).

    Returns
    -------
    Correlation
        Replicates in which a coefficient is undefined are left out of its interval; where these are more than half,
        the interval is NaN.

    Raises
    ------
    DataError
        If the values are not a table of numbers or the groups do not fit it.
    SpecError
        If the method is unknown, or `n_boot`, `seed` or `level` is out of range.

    Notes
    -----
    B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993), section 13.3; groups as in A. C. Davison
    and D. V. Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
    """
    table = as_table(values)
    kernel = choose(method)
    owner = "bootstrap_correlation"
    n_boot = Param("n_boot", 1000, Annotated[int, Range(low=1)]).check(n_boot, owner)
    seed = Param("seed", 0, Annotated[int, Range(low=0)]).check(seed, owner)
    level = Param("level", 0.95, Annotated[float, Range(0, 1, open_low=True, open_high=True)]).check(level, owner)
    n, m = table.shape
    codes, n_groups = group_codes(groups, n)

    def statistic(counts: Floats) -> Floats:
        return all_pairs(kernel, table, counts[:, codes])

    low, high = unpack(percentiles(resample(statistic, n_groups, n_boot=n_boot, seed=seed, width=n), level), m)
    complete = (~np.isnan(table)).astype(np.float64)
    estimate = unpack(all_pairs(kernel, table, np.ones((1, n))), m)[0]
    return Correlation(estimate, low, high, (complete.T @ complete).astype(np.int64))


def to_frame(correlation: Correlation, names: Sequence[str]) -> pd.DataFrame:
    """List a correlation, one row for every ordered pair of names, the diagonal included.

    Parameters
    ----------
    correlation
        Of m columns.
    names
        The m names of the columns.

    Returns
    -------
    pandas.DataFrame
        Columns ``metric_a``, ``metric_b``, ``coefficient``, ``ci_low``, ``ci_high``, ``n``; m² rows.

    Raises
    ------
    DataError
        If there are not as many names as columns.
    """
    m = len(correlation.coefficient)
    if len(names) != m:
        raise DataError(f"{len(names)} names were given for a correlation of {m} columns; give one name per column")
    labels = np.array([str(name) for name in names], dtype=object)
    return pd.DataFrame(
        {
            "metric_a": np.repeat(labels, m),
            "metric_b": np.tile(labels, m),
            "coefficient": correlation.coefficient.ravel(),
            "ci_low": correlation.low.ravel(),
            "ci_high": correlation.high.ravel(),
            "n": correlation.n.ravel(),
        }
    )


def orient(values: ArrayLike, better: Sequence[Better]) -> Floats:
    """Negate the columns where lower is better, so that a positive correlation means *good together*.

    Parameters
    ----------
    values
        ``(n, m)`` floats.
    better
        m directions. Columns that are best at a target value have no direction and stay as they are.

    Returns
    -------
    Floats
        ``(n, m)``, a new array.

    Raises
    ------
    DataError
        If there are not as many directions as columns.
    SpecError
        If a direction is unknown.
    """
    table = as_table(values)
    if len(better) != table.shape[1]:
        raise DataError(f"{len(better)} directions were given for {table.shape[1]} columns; give one per column")
    known = Param("better", "higher", Better)
    lower = [known.check(direction, f"column {column}") == "lower" for column, direction in enumerate(better)]
    return table * np.where(lower, -1.0, 1.0)


def as_table(values: ArrayLike, name: str = "values") -> Floats:
    """Return the values as a ``(rows, columns)`` array of floats, or raise a `DataError`."""
    try:
        table = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be numbers in rows and columns, but: {error}") from error
    if table.ndim != 2:
        raise DataError(f"{name} has shape {table.shape}; it must have two dimensions, rows and columns")
    return table


def _multiplicities(weights: ArrayLike, n: int) -> Floats:
    counts = np.asarray(weights)
    if counts.ndim not in {1, 2} or counts.shape[-1] != n:
        raise DataError(f"weights has shape {counts.shape}; for {n} rows of values it must be ({n},) or (b, {n})")
    if counts.dtype.kind not in "biuf":
        raise DataError(f"weights has dtype {counts.dtype}; multiplicities must be whole numbers >= 0")
    wrong = ~((counts >= 0) & (counts < np.inf) & (np.floor(counts) == counts))
    if wrong.any():
        place = tuple(int(axis) for axis in np.argwhere(wrong)[0])
        raise DataError(
            f"weights[{', '.join(map(str, place))}] is {counts[place]}; multiplicities must be whole numbers >= 0"
        )
    return counts.astype(np.float64)


def group_codes(groups: ArrayLike | None, n: int) -> tuple[NDArray[np.int64], int]:
    """Return the group of each of n rows, from 0, and how many there are; every row is its own where none are given."""
    if groups is None:
        return np.arange(n), n
    given = np.asarray(groups)
    if given.shape != (n,):
        raise DataError(f"groups has shape {given.shape}; for {n} rows of values it must be ({n},), one code per row")
    if given.dtype.kind not in "iu":
        raise DataError(f"groups has dtype {given.dtype}; it must hold whole numbers, one code per row")
    known, codes = np.unique(given, return_inverse=True)
    return codes.astype(np.int64), len(known)


def resample(statistic: Callable[[Floats], Floats], n_units: int, *, n_boot: int, seed: int, width: int) -> Floats:
    """Draw units with replacement and compute a statistic: ``(n_boot, numbers)``.

    Parameters
    ----------
    statistic
        From multiplicities of the units, ``(b, n_units)``, to ``(b, numbers)``.
    width
        How many rows there are, for the size of a block; the replicates do not depend on it.
    """
    rng = np.random.default_rng(seed)
    blocks = parts(n_boot, max(1, _MEMORY // max(width, 1)))
    return np.concatenate([statistic(_draw(rng, part.stop - part.start, n_units)) for part in blocks])


def _draw(rng: np.random.Generator, replicates: int, units: int) -> Floats:
    """Draw `units` out of `units` with replacement, and count how often each came: ``(replicates, units)``."""
    drawn = rng.integers(0, max(units, 1), size=(replicates, units))
    drawn += np.arange(replicates)[:, None] * units
    return np.bincount(drawn.ravel(), minlength=replicates * units).reshape(replicates, units).astype(np.float64)


def percentiles(replicates: Floats, level: float) -> Floats:
    """Both ends of the interval over axis 0, with linear interpolation, NaN left out: ``(2, pairs)``."""
    ordered = np.sort(replicates, axis=0)  # NaN go last
    defined = np.count_nonzero(~np.isnan(ordered), axis=0)
    last = np.maximum(defined - 1, 0)
    position = np.array([[(1 - level) / 2], [(1 + level) / 2]]) * last
    below = np.floor(position).astype(np.int64)
    start = np.take_along_axis(ordered, below, axis=0)
    step = np.take_along_axis(ordered, np.minimum(below + 1, last), axis=0) - start
    return np.where(2 * defined < len(ordered), np.nan, start + (position - below) * step)
