"""What a sample of paired differences says: classical tests, effect sizes, corrections for many tests."""

from __future__ import annotations

import dataclasses
import math
import warnings
from statistics import NormalDist
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.types import Floats

__all__ = ["POWER", "ROUNDING", "Correction", "Paired", "adjust", "bootstrap_p", "detectable", "t_test", "wilcoxon"]

Correction = Literal["holm", "bh", "none"]
POWER: Final = 0.8
"""The chance of showing a difference that is called detectable."""
ROUNDING: Final = 1e-12
"""Sums over the same items in another order differ by less, relative to 1 or the sum."""


@dataclasses.dataclass(frozen=True, eq=False)
class Paired:
    """The values of one metric for the same users in two runs.

    Attributes
    ----------
    difference : (users,)
        First less second, exactly 0 where the two differ by rounding alone; NaN where either is undefined.
    value, other
        Their means over the users who define both.
    n, n_left_out
        How many users define both, and how many do not.
    """

    difference: NDArray[np.float64]
    value: float
    other: float
    n: int
    n_left_out: int

    @classmethod
    def of(cls, one: NDArray[np.float64], other: NDArray[np.float64]) -> Paired:
        """Pair two columns of values, (users,) each, NaN where undefined."""
        difference = one - other
        size = np.maximum(1.0, np.maximum(np.abs(one), np.abs(other)))
        difference[np.abs(difference) <= ROUNDING * size] = 0.0
        both = ~np.isnan(difference)
        value, second = (float(column[both].mean()) if both.any() else math.nan for column in (one, other))
        return cls(difference, value, second, int(both.sum()), int((~both).sum()))

    @property
    def defined(self) -> NDArray[np.float64]:
        """The differences of the users who define both, shape (n,)."""
        return self.difference[~np.isnan(self.difference)]

    @property
    def standard_error(self) -> float:
        """Of the mean difference; NaN for fewer than two users."""
        return float(self.defined.std(ddof=1)) / math.sqrt(self.n) if self.n > 1 else math.nan

    @property
    def effect_size(self) -> float:
        """Mean difference in standard deviations of the differences: Cohen's d_z (Cohen 1988, section 2.3.5).

        NaN where all differences are equal.
        """
        spread = float(self.defined.std(ddof=1)) if self.n > 1 else 0.0
        return float(self.defined.mean()) / spread if spread > 0 else math.nan

    @property
    def shares(self) -> tuple[float, float, float]:
        """Shares of the users whose first value is higher, lower and equal."""
        if not self.n:
            return math.nan, math.nan, math.nan
        found = self.defined
        higher, lower = (int(np.count_nonzero(side)) for side in (found > 0, found < 0))
        return higher / self.n, lower / self.n, (self.n - higher - lower) / self.n


def t_test(difference: NDArray[np.float64]) -> float:
    """Two-sided p of the paired t-test (Student 1908), for defined differences (n,); NaN for fewer than two."""
    from scipy import stats  # noqa: PLC0415 - heavy

    if len(difference) < 2:
        return math.nan
    if not difference.any():
        return 1.0
    with warnings.catch_warnings():  # nearly equal differences: p is nearly 0, as it should be
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(stats.ttest_1samp(difference, 0.0).pvalue)


def wilcoxon(difference: NDArray[np.float64]) -> float:
    """Two-sided p of the signed-rank test (Wilcoxon 1945), which leaves out differences of 0; NaN for fewer than two.

    It asks whether the differences lie symmetrically about 0, not whether their mean is 0.
    """
    from scipy import stats  # noqa: PLC0415 - heavy

    if len(difference) < 2:
        return math.nan
    unequal = difference[difference != 0]
    if not len(unequal):
        return 1.0
    # differences that are equal but for rounding share a rank
    return float(stats.wilcoxon(np.round(unequal / np.abs(unequal).max(), 12)).pvalue)


def bootstrap_p(replicates: NDArray[np.float64], difference: float) -> float:
    """Two-sided p by the paired bootstrap: how often a replicate lies as far from their mean as the difference from 0.

    Parameters
    ----------
    replicates : (replicates,)
        Differences in resamples of users; NaN, where undefined, are left out.
    difference
        The one observed.

    Notes
    -----
    Shifted to the null hypothesis as in Efron & Tibshirani 1993, section 16.4; for retrieval, Sakai 2006, SIGIR. One is
    added to both counts, so that no p is 0 (Phipson & Smyth 2010).
    """
    defined = replicates[~np.isnan(replicates)]
    if math.isnan(difference) or 2 * len(defined) < len(replicates) or not len(defined):
        return math.nan
    far = np.abs(defined - defined.mean()) >= abs(difference) - ROUNDING * max(1.0, abs(difference))
    return (1 + int(np.count_nonzero(far))) / (1 + len(defined))


def detectable(standard_error: float, confidence: float = 0.95) -> float:
    """Return the difference that a sample with this standard error would have shown in four of five cases.

    (z_(1 - a/2) + z_.8) standard errors, 2.80 of them at 95 %: the paired normal approximation, two-sided, for one test
    without correction (Cohen 1988, chapter 2; Sakai 2018, Laboratory Experiments in Information Retrieval).
    """
    normal = NormalDist()
    return (normal.inv_cdf(0.5 + confidence / 2) + normal.inv_cdf(POWER)) * standard_error


def adjust(p: Floats, correction: Correction) -> NDArray[np.float64]:
    """Correct p-values for their number.

    Parameters
    ----------
    p : (tests,)
        NaN for tests that could not be made, which count for nothing.
    correction
        ``holm``: the chance of any false rejection stays below the level (Holm 1979, Scandinavian Journal of Statistics
        6(2)). ``bh``: the expected share of false ones among the rejections does (Benjamini & Hochberg 1995, JRSS B
        57(1)), for tests that are independent or depend positively on each other. ``none``: as they are.
    """
    adjusted = np.array(p, np.float64)
    if correction == "none":
        return adjusted
    tests = np.flatnonzero(~np.isnan(adjusted))
    order = tests[np.argsort(adjusted[tests], kind="stable")]
    ascending, m = adjusted[order], len(order)
    if correction == "holm":
        found = np.maximum.accumulate(ascending * np.arange(m, 0, -1))
    else:
        found = np.minimum.accumulate((ascending * m / np.arange(1, m + 1))[::-1])[::-1]
    adjusted[order] = np.minimum(found, 1.0)
    return adjusted
