"""Comparing runs over the same users: every metric, every pair, one correction over all of them."""

from __future__ import annotations

import dataclasses
import html
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import pandas as pd

from beyondacc.comparison import words
from beyondacc.comparison.pairs import Pair, Test, resample, run_tests
from beyondacc.comparison.significance import Correction, adjust
from beyondacc.comparison.systems import MetricLike, System, read_systems
from beyondacc.data.dataset import Dataset
from beyondacc.declare.params import Confidence, Param, Range, Seed
from beyondacc.errors import SpecError, did_you_mean
from beyondacc.evaluation.report import markdown
from beyondacc.metrics.base.metric import Metric
from beyondacc.texts import for_markdown

__all__ = ["Comparison", "compare"]

_WORDS = {
    "permutation": "permutation over users, {n:,} exchanges or all there are",
    "t": "paired t-test; permutation over users, {n:,} exchanges, for metrics of a whole run",
    "wilcoxon": "Wilcoxon signed-rank test; permutation over users, {n:,} exchanges, for metrics of a whole run",
    "bootstrap": "paired bootstrap over users, {n:,} replicates",
}
_CORRECTIONS = {"holm": "p adjusted by Holm", "bh": "p adjusted by Benjamini and Hochberg", "none": "p not adjusted"}
_COLUMNS = (
    *("metric", "system", "other", "value", "other_value", "difference", "ci_low", "ci_high", "effect_size"),
    *("share_better", "share_worse", "share_equal", "n_users", "n_left_out", "test", "p", "p_adjusted"),
    *("detectable", "better", "verdict"),
)
_SHOWN = ("metric", "system", "other", "difference", "ci_low", "ci_high", "effect_size", "p_adjusted", "detectable")
_NUMBERS = ("value", "other_value", "difference", "ci_low", "ci_high", "effect_size", "detectable")
_SIGNED = ("difference", "ci_low", "ci_high", "effect_size")


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Comparison:
    """What differs between runs.

    Attributes
    ----------
    table : DataFrame
        A row a pair of systems and metric: metric, system, other; value and other_value, the means over the users who
        define both; difference, the former less the latter, with the ends ci_low and ci_high of its paired bootstrap
        interval; effect_size, the mean difference in standard deviations of the users' differences (Cohen's d_z), and
        the shares of users for whom `system` is better, worse and equal, NaN where the metric has one value a run, or,
        of the shares, a target; n_users and n_left_out, who defines both and who does not; test, p and p_adjusted;
        detectable, the difference that the users at hand would have shown in four of five cases; better, as in a
        report; and verdict: ``better`` or ``worse`` (``higher`` or ``lower`` for a metric with a target) where the
        adjusted p is at most 1 less the confidence, else ``no difference shown``, and ``-`` where there is no p.
    sentences
        The same in words, one for each pair.
    method
        What was tested, how often and with which correction, in words.
    """

    table: pd.DataFrame
    sentences: tuple[str, ...]
    method: str

    def to_markdown(self) -> str:
        """Return the sentences and the table as Markdown."""
        lines = [f"- {for_markdown(sentence)}" for sentence in self.sentences]
        return "\n".join([*lines, "", markdown(_printable(self.table)), "", f"{self.method}."])

    def _short(self) -> pd.DataFrame:
        return _printable(self.table)[[*_SHOWN, "verdict"]]

    def __repr__(self) -> str:
        return "\n".join([*self.sentences, "", self._short().to_string(index=False), "", f"{self.method}."])

    def _repr_html_(self) -> str:
        listed = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.sentences)
        return f"{listed}{self._short().to_html(index=False, escape=True, border=0)}<p>{html.escape(self.method)}.</p>"


def compare(
    reports: Mapping[str, Any],
    data: Dataset | None = None,
    *,
    metrics: MetricLike | Sequence[MetricLike] | None = None,
    test: Test = "permutation",
    baseline: str | None = None,
    correction: Correction = "holm",
    n: int = 9999,
    confidence: float = 0.95,
    seed: int = 0,
    threads: int | None = None,
) -> Comparison:
    """Say which of several runs over the same users is better, in what, by how much, and how sure that is.

    Parameters
    ----------
    reports
        At least two reports by name, as `evaluate` returns them for several runs; or ``{"name": lists}``, which are
        evaluated first. A user of one must be a user of all.
    data : Dataset
        For lists; reports have theirs.
    metrics
        Which metrics to compare; by default all that were evaluated, or as in `evaluate` for lists.
    test
        For metrics that have a value for each user: ``permutation``, of the signs of the differences; ``t``, paired;
        ``wilcoxon``, signed ranks; ``bootstrap``, paired. Metrics of a whole run, such as coverage, take ``bootstrap``
        too, else the permutation: the lists of some users are exchanged between the two runs, which are counted anew.
    baseline
        Compare each other run with this one, instead of all pairs.
    correction
        Over all metrics and pairs: ``holm`` (family-wise error), ``bh`` (Benjamini and Hochberg, false discovery rate)
        or ``none``.
    n
        How many exchanges, and how many replicates of the bootstrap behind the intervals. Where no more exchanges exist
        all are counted, and p is exact.
    confidence
        Of the intervals, up to 0.999999; a difference is shown where the adjusted p is at most 1 less this.
    seed
        Of the random numbers.
    threads
        Number of threads; one a core by default. The result does not depend on it.

    Returns
    -------
    Comparison

    Raises
    ------
    SpecError
        If fewer than two runs are given, a metric was not evaluated in all of them, or an argument is not allowed.
    DataError
        If the runs have not the same users or were evaluated on different data.

    Notes
    -----
    All tests take the users as drawn independently of each other from those one wants to speak about; none says
    anything about other data, splits or trainings. The permutation takes as its hypothesis that it makes no difference
    to any user which system made the list, and is exact under it for any distribution (Smucker, Allan & Carterette
    2007, CIKM). The t-test assumes that the mean difference is about normal, as it is for hundreds of users; Wilcoxon's
    that differences lie symmetrically, and it speaks of their median; the bootstrap that the sample looks like what it
    was drawn from, with p a little low for few users (Sakai 2006, SIGIR). Urbano, Lima & Hanjalic 2019, SIGIR, compare
    them.

    Users who leave a metric undefined in either run are left out of it and counted. For metrics of a whole run the
    standard error behind `detectable` is the standard deviation of the paired bootstrap, for others that of the mean
    difference. Where such a metric is at its end, as coverage of genres is that all users together exhaust, resamples
    hardly vary and the bootstrap promises too much; the permutation does not. `detectable` holds for one test without
    correction (Cohen 1988; Sakai 2018).
    """
    test = Param("test", "permutation", Test).check(test, "compare")
    correction = Param("correction", "holm", Correction).check(correction, "compare")
    n = Param("n", 9999, Annotated[int, Range(low=1)]).check(n, "compare")
    seed = Param("seed", 0, Seed).check(seed, "compare")
    confidence = Param("confidence", 0.95, Confidence).check(confidence, "compare")
    systems = read_systems(reports, data, metrics)
    wanted = list(next(iter(systems.values())).states)
    pairs = _pairs(list(systems), baseline)
    found = [Pair(systems[one], systems[other], wanted) for one, other in pairs]
    resample(found, systems, n=n, seed=seed, threads=threads)
    run_tests(found, test, n=n, seed=seed, threads=threads)
    table = pd.DataFrame([row for pair in found for row in pair.rows(confidence)])
    table["p_adjusted"] = adjust(table["p"].to_numpy(np.float64), correction)
    table["verdict"] = [_verdict(row, 1.0 - confidence) for row in table.itertuples()]
    labels = {str(metric): words.label(metric) for metric in wanted}
    units = {str(metric): unit for metric in wanted if (unit := _unit(metric, next(iter(systems.values()))))}
    tests = int(table["p"].notna().sum())
    method = (
        f"{_WORDS[test].format(n=n)}; {_CORRECTIONS[correction]}, {tests} test{'s' if tests != 1 else ''}; "
        f"intervals {100 * confidence:g} % by the paired bootstrap over users, {n:,} replicates"
    )
    return Comparison(
        table=table[list(_COLUMNS)],
        sentences=tuple(words.sentences(table, labels, units)),
        method=method[0].upper() + method[1:],
    )


def _pairs(names: Sequence[str], baseline: str | None) -> list[tuple[str, str]]:
    if baseline is None:
        return list(itertools.combinations(names, 2))
    if baseline not in names:
        raise SpecError(f"the baseline {baseline!r} is none of the runs; {did_you_mean(str(baseline), names)}")
    return [(name, baseline) for name in names if name != baseline]


def _verdict(row: Any, level: float) -> str:
    if math.isnan(row.p_adjusted):
        return words.UNDEFINED
    if row.p_adjusted > level or row.difference == 0:
        return words.NONE
    above, below = words.BETTER[row.better]
    return above if row.difference > 0 else below


def _unit(metric: Metric, system: System) -> words.Unit | None:
    """Tell a share of something as a number of it, where the metric says so."""
    if metric.family.told is None:
        return None
    scale, what = metric.family.told(metric.values, system.run.world)
    return words.Unit(scale, 0, what)


def _printable(table: pd.DataFrame) -> pd.DataFrame:
    texts = {name: [_digits(value, name in _SIGNED) for value in table[name]] for name in _NUMBERS}
    shares = {name: [_digits(value, False, 2) for value in table[name]] for name in _COLUMNS if "share" in name}
    chances = {name: ["-" if math.isnan(p) else words.p_value(p) for p in table[name]] for name in ("p", "p_adjusted")}
    return table.assign(**texts | shares | chances)


def _digits(value: float, signed: bool, places: int = 4) -> str:
    if math.isnan(value):
        return "-"
    sign, value = "+" if signed else "", round(value, places) + 0.0  # no -0.0000
    return f"{value:{sign},.{places}f}" if abs(value) < 100 else f"{value:{sign},.1f}"
