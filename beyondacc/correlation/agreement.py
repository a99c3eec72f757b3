"""Whether a correlation holds up: at other levels, for a given accuracy, on other splits, without any one model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.correlation.coefficients import Floats, Method, Moment, all_pairs, choose, unpack, within_groups
from beyondacc.correlation.correlate import Correlation, correlation, group_codes, percentiles, resample

__all__ = ["Interval", "disagreements", "influence", "list_levels", "opposite", "partial", "stability", "within_runs"]

LEVELS = {
    "runs": "across runs",
    "users": "across the users of a run",
    "pooled": "across the users of all runs, each about its mean,",
}


class Interval(NamedTuple):
    """Coefficients of all pairs of m columns, ``(m, m)``, and the ends of their intervals."""

    coefficient: Floats
    low: Floats
    high: Floats


def opposite(intervals: Sequence[Interval]) -> NDArray[np.bool_]:
    """Return for which pairs any two intervals lie on different sides of 0, ``(m, m)``."""
    above = np.any([each.low > 0 for each in intervals], axis=0)
    below = np.any([each.high < 0 for each in intervals], axis=0)
    return np.asarray(above & below)


def within_runs(
    tables: Sequence[Floats],
    users: Sequence[NDArray[np.int64]],
    method: Moment,
    *,
    n_boot: int,
    seed: int,
    level: float = 0.95,
) -> tuple[Interval, Interval]:
    """Correlate across the users of each run: the mean over runs, and all of them pooled about the means of their runs.

    Parameters
    ----------
    tables
        ``(n, m)`` values of each run, a row a user.
    users
        ``(n,)`` number of the user of each row. Users are drawn with replacement, with their rows in all runs, because
        the same users are in all of them.
    method, n_boot, seed, level
        As in `bootstrap_correlation`.

    Returns
    -------
    tuple of Interval
        The mean of the coefficients of the runs that have one, and the pooled one: the correlation of the deviations
        from the means of the run (of mid-ranks within the run, for Spearman).

    Notes
    -----
    The correlation across runs, within runs and over all rows can have different signs (Simpson 1951, JRSS B 13(2);
    Robinson 1950, American Sociological Review 15(3), on correlations of groups taken for those of individuals). The
    within-group coefficient as in Snijders & Bosker 2012, Multilevel Analysis, section 3.6.1.
    """
    known, codes = np.unique(np.concatenate(users), return_inverse=True)
    places = np.split(codes, np.cumsum([len(each) for each in users])[:-1])
    kernel = choose(method)
    m = tables[0].shape[1]

    def statistic(counts: Floats) -> Floats:
        weights = [np.ascontiguousarray(counts[:, place]) for place in places]
        of_runs = np.array([all_pairs(kernel, table, each) for table, each in zip(tables, weights, strict=True)])
        return np.hstack([_mean(of_runs), within_groups(method, tables, weights)])

    estimate = statistic(np.ones((1, len(known))))
    replicates = resample(statistic, len(known), n_boot=n_boot, seed=seed, width=len(codes))
    ends = percentiles(replicates, level)
    half = estimate.shape[1] // 2
    mean, pooled = (
        Interval(*unpack(np.vstack([estimate[:, part], ends[:, part]]), m)) for part in (slice(half), slice(half, None))
    )
    return mean, pooled


def _mean(of_runs: Floats) -> Floats:
    """Average over the first axis, leaving out NaN."""
    defined = ~np.isnan(of_runs)
    counts = defined.sum(axis=0)
    total = np.where(defined, of_runs, 0.0).sum(axis=0)
    return np.where(counts > 0, total / np.maximum(counts, 1), np.nan)


def disagreements(levels: pd.DataFrame, n: int) -> list[str]:
    """Return a sentence for each of the n pairs whose levels lie furthest apart, of those that disagree.

    Parameters
    ----------
    levels
        As `Correlated.correlation_levels` returns it.
    """
    told = []
    for row in levels[levels["disagree"]].to_dict("records"):
        above = max((level for level in LEVELS if row[f"{level}_low"] > 0), key=lambda level: float(row[level]))
        below = min((level for level in LEVELS if row[f"{level}_high"] < 0), key=lambda level: float(row[level]))
        texts = [
            f"{LEVELS[level]} {word} ({row[level]:.2f}, {row[f'{level}_low']:.2f} to {row[f'{level}_high']:.2f})"
            for level, word in ((above, "they rise together"), (below, "one falls where the other rises"))
        ]
        gap = float(row[above]) - float(row[below])
        told.append((gap, f"{row['metric_a']} and {row['metric_b']}: {texts[0]}, {texts[1]}."))
    return [sentence for _, sentence in sorted(told, key=lambda each: -each[0])[:n]]


def partial(
    table: Floats, given: int, method: Method, *, groups: Any = None, n_boot: int, seed: int, level: float = 0.95
) -> Correlation:
    """Correlate all pairs of columns with one of them held fixed, with percentile bootstrap intervals.

    Parameters
    ----------
    table
        ``(n, m)`` floats; rows where the given column is NaN are left out.
    given
        Position of the column that is held fixed; its own coefficients are NaN.
    method, groups, n_boot, seed, level
        As in `bootstrap_correlation`.

    Notes
    -----
    (r_ab - r_ag r_bg) / sqrt((1 - r_ag^2)(1 - r_bg^2)), for Pearson's and Spearman's coefficients (Yule 1907,
    Proceedings of the Royal Society A 79) and for tau-b alike (Kendall 1948, Rank Correlation Methods, chapter 8).
    Undefined where a column is a function of the given one. Where columns have gaps of their own, the three
    coefficients come from different rows.
    """
    kept = ~np.isnan(table[:, given])
    rows = table[kept]
    codes, n_groups = group_codes(None if groups is None else np.asarray(groups)[kept], len(rows))
    kernel, m = choose(method), table.shape[1]
    first, second = np.triu_indices(m)

    def statistic(counts: Floats) -> Floats:
        full = unpack(all_pairs(kernel, rows, counts[:, codes]), m)
        plain, left, right = full[:, first, second], full[:, first, given], full[:, second, given]
        divisor = np.sqrt((1 - left**2) * (1 - right**2))
        found = np.full(plain.shape, np.nan)
        np.divide(plain - left * right, divisor, out=found, where=(divisor > 0) & (first != second))
        # gaps can bring it beyond 1, rounding too
        found = np.clip(found, -1.0, 1.0)
        return np.where((first == second) & (first != given) & ~np.isnan(plain), 1.0, found)

    replicates = resample(statistic, n_groups, n_boot=n_boot, seed=seed, width=len(rows))
    low, high = unpack(percentiles(replicates, level), m)
    complete = (~np.isnan(rows)).astype(np.float64)
    estimate = unpack(statistic(np.ones((1, n_groups))), m)[0]
    return Correlation(estimate, low, high, (complete.T @ complete).astype(np.int64))


def stability(tables: Mapping[int, Floats], names: Sequence[str], method: Method) -> pd.DataFrame:
    """Correlate on every split apart: see `Correlated.correlation_stability`."""
    found = {f"seed {seed}": correlation(table, method) for seed, table in tables.items()}
    frame = _pairs(names, found)
    every = frame[list(found)].to_numpy(np.float64)
    frame["mean"] = every.mean(axis=1)
    frame["sd"] = every.std(axis=1, ddof=1)
    frame["spread"] = np.ptp(every, axis=1)
    frame["changes_sign"] = (every.min(axis=1) < 0) & (every.max(axis=1) > 0)
    return frame


def influence(
    table: Floats, models: Sequence[str], whole: Correlation, names: Sequence[str], method: Method
) -> pd.DataFrame:
    """Correlate without each model in turn: see `Correlated.correlation_influence`.

    Parameters
    ----------
    table, models
        ``(n, m)`` values and the model of each row.
    whole
        The correlation of all rows, with its intervals.
    """
    own = np.asarray(models, dtype=object)
    left_out = list(dict.fromkeys(models))
    without = {f"without {model}": correlation(table[own != model], method) for model in left_out}
    columns = {"coefficient": whole.coefficient, "ci_low": whole.low, "ci_high": whole.high}
    frame = _pairs(names, columns | without)
    every = frame[list(without)].to_numpy(np.float64)
    estimate = frame["coefficient"].to_numpy(np.float64)[:, None]
    change = every - estimate
    size = np.where(np.isnan(change), -1.0, np.abs(change))
    at = size.argmax(axis=1)
    rows = np.arange(len(frame))
    known = size[rows, at] >= 0
    frame["model"] = [left_out[place] if ok else None for place, ok in zip(at, known, strict=True)]
    frame["change"] = np.where(known, change[rows, at], math.nan)
    frame["changes_sign"] = np.any(every * estimate < 0, axis=1)
    ends = frame[["ci_low", "ci_high"]].to_numpy(np.float64)
    frame["leaves_interval"] = np.any((every < ends[:, :1]) | (every > ends[:, 1:]), axis=1)
    return frame


def _pairs(names: Sequence[str], columns: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """List some numbers ``(m, m)`` of every unordered pair of names."""
    first, second = np.triu_indices(len(names), k=1)
    labels = np.array(names, dtype=object)
    found = {name: numbers[first, second] for name, numbers in columns.items()}
    return pd.DataFrame({"metric_a": labels[first], "metric_b": labels[second], **found})


def list_levels(names: Sequence[str], levels: Mapping[str, Interval]) -> pd.DataFrame:
    """List the coefficients of every level with their intervals, and whether any two have different signs."""
    columns: dict[str, NDArray[Any]] = {}
    for name, each in levels.items():
        columns |= {name: each.coefficient, f"{name}_low": each.low, f"{name}_high": each.high}
    return _pairs(names, columns | {"disagree": opposite(list(levels.values()))})
