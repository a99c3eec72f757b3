"""Which correlations of metrics hold from one study to another: another data set, or a published table."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.correlation.coefficients import Floats, Method, all_pairs, choose
from beyondacc.correlation.correlate import group_codes, percentiles, resample
from beyondacc.declare.params import Cutoff, Param
from beyondacc.errors import DataError, SpecError
from beyondacc.evaluation.report import markdown
from beyondacc.metrics import REGISTRY
from beyondacc.study.correlated import Correlated
from beyondacc.texts import for_markdown

__all__ = ["StudyComparison", "compare_studies"]

_NUMBERS = ("one", "one_low", "one_high", "other", "other_low", "other_high", "difference", "ci_low", "ci_high")
_LEVEL = 0.95


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class StudyComparison:
    """The correlations of two studies beside each other.

    Attributes
    ----------
    table : DataFrame
        A row a pair of metrics, the largest difference first: metric_a, metric_b; one and other, the coefficients, with
        the ends of their intervals such as one_low and one_high; difference, the former less the latter, with ci_low
        and ci_high; same_sign; and differs, whether that interval leaves out 0, None where there is none.
    names
        What the two are called.
    only_in_one, only_in_other
        Metrics that the other does not have, which are left out.
    """

    table: pd.DataFrame
    names: tuple[str, str]
    only_in_one: tuple[str, ...]
    only_in_other: tuple[str, ...]

    @property
    def mean_absolute_difference(self) -> float:
        """Over the pairs that both define."""
        return float(self.table["difference"].abs().mean())

    @property
    def n_same_sign(self) -> int:
        """How many pairs have coefficients of the same sign, 0 being one of its own."""
        return int(self.table["same_sign"].sum())

    @property
    def sentence(self) -> str:
        """What holds and what does not, in words."""
        one, other = self.names
        n = int(self.table["difference"].notna().sum())
        if not n:
            return f"No pair of metrics has a coefficient in both {one} and {other}."
        verb = "has" if self.n_same_sign == 1 else "have"
        text = (
            f"{self.n_same_sign} of {n} coefficients {verb} the same sign in {one} and {other}; the mean absolute "
            f"difference is {self.mean_absolute_difference:.2f}"
        )
        row = self.table.iloc[0]
        pair = f"{row['metric_a']} and {row['metric_b']} ({row['one']:.2f} against {row['other']:.2f})"
        tested = self.table[self.table["differs"].notna()]
        if not len(tested):
            return f"{text}, the largest of {pair}."
        beyond = tested[tested["differs"].astype(bool)]
        if not len(beyond):
            return f"{text}; none of {len(tested)} differs beyond its interval, the largest difference is {pair}."
        row = beyond.iloc[0]
        pair = f"{row['metric_a']} and {row['metric_b']} ({row['one']:.2f} against {row['other']:.2f}, difference "
        verb = "differs beyond its interval" if len(beyond) == 1 else "differ beyond their intervals, most of all"
        ends = f"{row['difference']:.2f}, {row['ci_low']:.2f} to {row['ci_high']:.2f})"
        return f"{text}; {len(beyond)} {verb}{':' if len(beyond) == 1 else ''} {pair}{ends}."

    def to_markdown(self) -> str:
        """Return the sentence and the table as Markdown."""
        return f"{for_markdown(self.sentence)}\n\n{markdown(self._printable())}"

    def _printable(self) -> pd.DataFrame:
        texts = {name: [_digits(value) for value in self.table[name]] for name in _NUMBERS}
        marks = ["-" if each is None else "yes" if each else "no" for each in self.table["differs"]]
        found = self.table.assign(
            **texts, differs=marks, same_sign=self.table["same_sign"].map({True: "yes", False: "no"})
        )
        one, other = self.names
        return found.rename(columns={"one": one, "other": other} if one != other else {})

    def __repr__(self) -> str:
        return f"{self.sentence}\n\n{self._printable().to_string(index=False)}"

    def _repr_html_(self) -> str:
        table = self._printable().to_html(index=False, escape=True, border=0)
        return f"<p>{html.escape(self.sentence)}</p>{table}"


def compare_studies(
    one: Correlated,
    other: Correlated | pd.DataFrame | Mapping[tuple[str, str], float],
    *,
    method: Method = "spearman",
    names: Sequence[str] | None = None,
    n_boot: int = 1000,
) -> StudyComparison:
    """Say which correlations of metrics across runs differ between two studies beyond their intervals.

    Parameters
    ----------
    one : StudyResult
    other
        Another result; or a published matrix, as a frame with the metrics as index and columns, or as
        ``{("ndcg@10", "gini@10"): -0.53}``; what it lacks is left out.
    method
        ``pearson``, ``spearman`` or ``kendall``; for a published matrix the one that was published.
    names
        What the two are called in tables and sentences.
    n_boot
        Replicates behind the intervals.

    Returns
    -------
    StudyComparison
        Without intervals of the differences where the other side is a published matrix, which has none.

    Raises
    ------
    SpecError
        If a metric of the matrix is unknown, or the two have fewer than two metrics in common.
    DataError
        If the matrix is no matrix of coefficients.

    Notes
    -----
    The models of the two studies are drawn independently of each other (see `StudyResult.correlations`), and a
    difference is the percentile interval of the differences of their replicates. The intervals are not corrected for
    the number of pairs: of pairs that do not differ, about one in twenty will seem to.
    """
    if not isinstance(one, Correlated):
        raise SpecError(f"the first study is a {type(one).__name__}; give the result of Study.run()")
    n_boot = Param("n_boot", 1000, Cutoff).check(n_boot, "compare_studies")
    called = ("one", "other") if names is None else tuple(map(str, names))
    if len(called) != 2:
        raise SpecError(f"names= has {len(called)} entries; give two, one for each study")
    mine = [str(metric) for metric in one.metrics]
    published = pd.DataFrame() if isinstance(other, Correlated) else _matrix(other)
    theirs = [str(metric) for metric in other.metrics] if isinstance(other, Correlated) else list(published.index)
    common = [name for name in mine if name in theirs]
    if len(common) < 2:
        raise SpecError(
            f"the two have {len(common)} metrics in common, of {', '.join(mine)} and {', '.join(theirs)}; "
            "correlations need two"
        )
    first, second = np.triu_indices(len(common), k=1)
    labels = np.array(common, dtype=object)
    columns: dict[str, Any] = {"metric_a": labels[first], "metric_b": labels[second]}
    sides = [_coefficients(one, common, method, n_boot, one.study.seed)]
    if isinstance(other, Correlated):
        sides.append(_coefficients(other, common, method, n_boot, one.study.seed + 1))
    else:
        sides.append(
            (published.loc[common, common].to_numpy(np.float64)[first, second], np.full((1, len(first)), math.nan))
        )
    for name, (estimate, replicates) in zip(("one", "other"), sides, strict=True):
        columns[name] = estimate
        columns[f"{name}_low"], columns[f"{name}_high"] = percentiles(replicates, _LEVEL)
    columns["difference"] = columns["one"] - columns["other"]
    low, high = percentiles(sides[0][1] - sides[1][1], _LEVEL)
    columns["ci_low"], columns["ci_high"] = low, high
    signs = np.sign(columns["one"]), np.sign(columns["other"])
    columns["same_sign"] = signs[0] == signs[1]
    beyond = (low > 0) | (high < 0)
    columns["differs"] = [None if math.isnan(end) else bool(each) for end, each in zip(low, beyond, strict=True)]
    table = pd.DataFrame(columns).astype({"differs": object})
    order = np.argsort(-table["difference"].abs().fillna(-1.0).to_numpy(), kind="stable")
    return StudyComparison(
        table=table.iloc[order].reset_index(drop=True),
        names=(called[0], called[1]),
        only_in_one=tuple(name for name in mine if name not in theirs),
        only_in_other=tuple(name for name in theirs if name not in mine),
    )


def _coefficients(
    result: Correlated, names: list[str], method: Method, n_boot: int, seed: int
) -> tuple[NDArray[np.float64], Floats]:
    """Return the coefficients across runs of all pairs of different metrics, and their replicates."""
    table = result.values[names].to_numpy(np.float64)
    codes, n_groups = group_codes(result.model_groups, len(table))
    kernel = choose(method)
    first, second = np.triu_indices(len(names))

    def statistic(counts: Floats) -> Floats:
        return all_pairs(kernel, table, counts[:, codes])[:, first != second]

    estimate = statistic(np.ones((1, n_groups)))[0]
    return estimate, resample(statistic, n_groups, n_boot=n_boot, seed=seed, width=len(table))


def _matrix(given: Any) -> pd.DataFrame:
    """Return a published matrix with the metrics as this library writes them, symmetric, NaN where it has nothing."""
    if isinstance(given, pd.DataFrame):
        if list(given.index) != list(given.columns):
            raise DataError("the matrix must have the same metrics as index and columns, in the same order")
        names, numbers = list(given.index), given.to_numpy(np.float64)
        entries = {
            (a, b): numbers[i, j]
            for i, a in enumerate(names)
            for j, b in enumerate(names)
            if not math.isnan(numbers[i, j])
        }
    elif isinstance(given, Mapping) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in given):
        entries = {pair: float(value) for pair, value in given.items()}
    else:
        raise SpecError(
            f"the other study is a {type(given).__name__}; give the result of Study.run(), a frame with the metrics as "
            'index and columns, or {("ndcg@10", "gini@10"): -0.53}'
        )
    parsed = {name: str(REGISTRY.parse(name)) for pair in entries for name in pair}
    known = list(dict.fromkeys(parsed.values()))
    frame = pd.DataFrame(np.nan, index=known, columns=known)
    for (a, b), value in entries.items():
        if not -1 <= value <= 1:
            raise DataError(f"the coefficient of {a!r} and {b!r} is {value:g}; it must be between -1 and 1")
        there = float(frame.to_numpy()[known.index(parsed[b]), known.index(parsed[a])])
        if not math.isnan(there) and abs(there - value) > 1e-9:
            raise DataError(f"the coefficient of {a!r} and {b!r} is given twice, {there:g} and {value:g}; keep one")
        frame.loc[parsed[a], parsed[b]] = frame.loc[parsed[b], parsed[a]] = value
    return frame


def _digits(value: float) -> str:
    return "-" if math.isnan(value) else f"{round(value, 3) + 0.0:.3f}"
