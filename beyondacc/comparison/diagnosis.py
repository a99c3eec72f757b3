"""What a re-ranking did to the lists, user by user, and to every metric, with paired intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from beyondacc.bound.bind import bind_lists
from beyondacc.data.dataset import Dataset
from beyondacc.data.intake.order import Order
from beyondacc.data.intake.roles import Names
from beyondacc.data.recommendations import Recommendations
from beyondacc.data.vocabulary import same_kind
from beyondacc.declare.params import Cutoff, Fraction, Param, Seed
from beyondacc.errors import DataError, SpecError
from beyondacc.evaluation.evaluate import MetricLike, check_metrics, evaluate_run
from beyondacc.evaluation.intervals import interval, replicate_runs
from beyondacc.evaluation.report import Report
from beyondacc.kernels.overlap import rank_rows
from beyondacc.metrics.base.metric import Better, Need
from beyondacc.run.local import map_blocks
from beyondacc.types import ItemIds

__all__ = ["ROUNDING", "Diagnosis", "compare", "diagnose", "printable"]

ROUNDING: Final = 1e-12
"""Sums over the same items in another order differ by less, relative to 1 or the sum."""
_CHANGES: Final = ("before", "after", "change", "standard_error", "ci_low", "ci_high")


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Diagnosis:
    """What a re-ranking did.

    Attributes
    ----------
    k
        How many items of a list count.
    per_user : DataFrame
        A row a user, indexed by the user's own id. overlap: the share of the first k items that were among the first k
        before. least_item_promoted: how many ranks below the first k the item stood that came from furthest down (its
        rank before, from 0, minus k; 0 where none came from below). rank_biased_overlap: the weighted mean of the
        shares that both lists have in common at depths 1 to n, the least of k and the two lengths, with the weights
        p^(depth - 1). changed: whether the first k differ in any place; a list that became shorter does. The first and
        the third are NaN where a list is empty.
    summary : DataFrame
        A row for each of these: mean, median, p10, p90, n_users; the mean of changed is the share of lists changed.
    changes : DataFrame
        A row a metric: metric, before, after, change, standard_error, ci_low, ci_high, better, verdict. The interval of
        the change is a 95 % bootstrap interval over users, paired: each resample has the same users before and after.
        The verdict is ``better`` or ``worse`` where the interval leaves out 0, else ``no change shown``, and ``-`` for
        a metric that is neither better higher nor better lower, and where there is no interval.
    deepest_rank
        The rank before, from 1, of the item of each list that came from furthest down, averaged over lists.
    """

    k: int
    per_user: pd.DataFrame
    summary: pd.DataFrame
    changes: pd.DataFrame
    deepest_rank: float

    @property
    def sentence(self) -> str:
        """What happened to the lists, in words."""
        means = self.summary["mean"]
        users = f"{len(self.per_user):,} user{'s' if len(self.per_user) != 1 else ''}"
        if np.isnan(means["overlap"]):
            return f"{users}, all with empty lists."
        deep = "" if np.isnan(self.deepest_rank) else f"deepest item from rank {self.deepest_rank:.0f} on average, "
        return (
            f"{users}: {100 * means['overlap']:.0f} % of the first {self.k} kept, {deep}"
            f"{100 * means['changed']:.0f} % of lists changed."
        )

    def __repr__(self) -> str:
        return f"{self.sentence}\n\n{printable(self.changes).to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p>{self.sentence}</p>{printable(self.changes).to_html(index=False, escape=True, border=0)}"


def diagnose(
    before: Any,
    after: Any,
    data: Dataset,
    metrics: MetricLike | Sequence[MetricLike] | None = None,
    *,
    k: int = 10,
    p: float = 0.9,
    columns: Mapping[str, Any] | None = None,
    order: Order = "auto",
    n_boot: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> Diagnosis:
    """Say what a re-ranking, of this library or any other, did to the lists.

    Parameters
    ----------
    before, after
        The candidates and the re-ranked lists, in any form `Recommendations.read` takes. The users are those of
        `after`; an item that `before` does not list has no rank there.
    data : Dataset
    metrics
        As in `evaluate`; by default the core metrics that the data allow, at k.
    k
        How many items of a list count, also for metrics given without a cutoff.
    p
        The persistence of rank-biased overlap, in [0, 1]: 0 looks at the first item alone, 1 at all depths alike.
    columns
        Names of columns that are not recognised, in both.
    order
        What orders the lists, as in `evaluate`.
    n_boot, seed
        Replicates and seed of the bootstrap; 0 replicates for no intervals.
    threads
        Number of threads; one a core by default. The values do not depend on it.

    Returns
    -------
    Diagnosis

    Raises
    ------
    DataError
        If the lists cannot be used, or `before` lacks a user of `after`.
    SpecError
        If a metric is unknown or lacks its data.

    Notes
    -----
    Rank-biased overlap after Webber, Moffat & Zobel 2010, TOIS 28(4), "A similarity measure for indefinite rankings":
    there the sum has no end, here it ends at k or the shorter list and is divided by its weights, so that equal lists
    have 1. Least item promoted as in LensKit. Users of the test set without a list in `after`, whom `evaluate` counts
    as 0, are left out.
    """
    if not isinstance(data, Dataset):
        raise SpecError(f"data is a {type(data).__name__}; pass a Dataset, such as Dataset(train, test, items)")
    k = Param("k", 10, Cutoff).check(k, "diagnose")
    p = Param("p", 0.9, Fraction).check(p, "diagnose")
    n_boot = Param("n_boot", 1000, Seed).check(n_boot, "diagnose")
    seed = Param("seed", 0, Seed).check(seed, "diagnose")
    wanted = check_metrics(metrics, data, k=k)
    names = Names(columns)
    new, old = (
        Recommendations.read(lists, data, columns=names, order=order, what=what)
        for lists, what in ((after, "after"), (before, "before"))
    )
    names.check_used()
    old = _of_users(old, new.users)
    ranks = _input_ranks(old, new, k, threads)
    per_user = _per_user(old.lengths, new.ragged.pad(k=k), ranks, k, p).set_index(new.users)
    deepest = ranks.max(axis=1) + 1.0
    runs = [bind_lists(recs.top(max(metric.k for metric in wanted)), data) for recs in (old, new)]
    needing = [metric for metric in wanted if Need.TRUTH in metric.family.needs(metric.values)]
    if needing and not runs[1].among("tested").any():
        raise DataError(
            f"none of the {len(new)} users of after has a relevant test item, so {needing[0]} cannot be compared; "
            "check the user ids"
        )
    states = [(run, evaluate_run(run, wanted, threads=threads)) for run in runs]
    replicates = replicate_runs(states, n_boot=n_boot, seed=seed, threads=threads)
    reports = [
        Report(*state, n_boot=n_boot, seed=seed, replicates=each)
        for state, each in zip(states, replicates, strict=True)
    ]
    return Diagnosis(
        k=k,
        per_user=per_user,
        summary=_summary(per_user),
        changes=compare(*reports),
        deepest_rank=float(deepest[deepest > 0].mean()) if deepest.any() else float("nan"),
    )


def _of_users(recs: Recommendations, users: pd.Index[Any]) -> Recommendations:
    """Return the lists of these users, in their order."""
    same_kind(users, recs.users, axis="user", what="after", other="before")
    place = recs.users.get_indexer(users)
    if (missing := place < 0).any():
        example = users[missing][:1].tolist()[0]  # as Python writes it
        raise DataError(
            f"before has no list for {int(missing.sum())} of the {len(users)} users of after (such as {example!r}); "
            "give as before the lists that were re-ranked, those of every user of after"
        )
    return recs.take(place)


def _input_ranks(old: Recommendations, new: Recommendations, k: int, threads: int | None) -> ItemIds:
    """Return the rank before of each of the first k items, shape (users, k), -1 where there is none."""
    codes = old.items.encode(new.items.ids, what="after", known="before")
    lists, others = new.ragged.recode(codes).pad(k=k), old.ragged
    ranks = np.empty_like(lists)

    def work(start: int, stop: int) -> None:
        rows = slice(start, stop)
        before = others.starts[rows], others.lengths[rows], others.items
        rank_rows(lists[rows], *before, len(old.items), ranks[rows])

    map_blocks(work, len(lists), threads=threads)
    return ranks


def _per_user(lengths: ItemIds, shown: ItemIds, ranks: ItemIds, k: int, p: float) -> pd.DataFrame:
    """Compare lists by the ranks before, (users, width), of the items shown after; `lengths` are those before."""
    n_users, width = shown.shape
    places = np.arange(width)
    n_shown = np.count_nonzero(shown >= 0, axis=1)
    # an item is common to both lists from the depth on at which the later of its two ranks lies
    deep = np.where(ranks >= 0, np.minimum(np.maximum(ranks, places), width), width)
    counts = np.bincount((np.arange(n_users)[:, None] * (width + 1) + deep).ravel(), minlength=n_users * (width + 1))
    shares = counts.reshape(n_users, width + 1)[:, :width].cumsum(axis=1) / (places + 1)
    within = places < np.minimum(lengths, n_shown)[:, None]
    weights = np.where(within, p**places, 0.0)
    moved = ((shown >= 0) & (ranks != places)).any(axis=1)
    with np.errstate(invalid="ignore"):
        return pd.DataFrame(
            {
                "overlap": np.count_nonzero((ranks >= 0) & (ranks < k), axis=1) / n_shown,
                "least_item_promoted": np.maximum(ranks.max(axis=1) - k, 0),
                "rank_biased_overlap": (shares * weights).sum(axis=1) / weights.sum(axis=1),
                "changed": moved | (np.minimum(lengths, k) != n_shown),
            }
        )


def _summary(per_user: pd.DataFrame) -> pd.DataFrame:
    numbers = per_user.astype(np.float64)
    quantiles = {name: numbers.quantile(q) for name, q in (("median", 0.5), ("p10", 0.1), ("p90", 0.9))}
    return pd.DataFrame({"mean": numbers.mean(), **quantiles, "n_users": numbers.count()})


def compare(before: Report, after: Report) -> pd.DataFrame:
    """Compare two reports on the same users, in the same order, metric by metric: see `Diagnosis.changes`."""
    rows = []
    for metric in after:
        old, new = before[metric], after[metric]
        change = new.value - old.value
        error = low = high = float("nan")
        if not (np.isnan(new.standard_error) or np.isnan(old.standard_error)):
            replicates = after.replicates[metric] - before.replicates[metric]
            span = metric.bounds[1] - metric.bounds[0]
            low, high = interval(change, replicates, (-span, span))
            certain = replicates[~np.isnan(replicates)]
            error = float(certain.std(ddof=1)) if len(certain) > 1 else error
        rounding = ROUNDING * max(1.0, abs(old.value), abs(new.value))
        verdict = _verdict(metric.better, low, high, rounding)
        rows.append((str(metric), old.value, new.value, change, error, low, high, metric.better, verdict))
    return pd.DataFrame(rows, columns=["metric", *_CHANGES, "better", "verdict"])


def _verdict(better: Better, low: float, high: float, rounding: float) -> str:
    if better == "target" or np.isnan(low):
        return "-"
    if low <= rounding and high >= -rounding:
        return "no change shown"
    return "better" if (low > 0) == (better == "higher") else "worse"


def printable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of changes with its numbers as text: changes with their sign, four digits."""
    signed = {"change", "ci_low", "ci_high"}
    texts = {name: [_digits(value, name in signed) for value in table[name]] for name in _CHANGES if name in table}
    return table.assign(**texts)


def _digits(value: float, signed: bool) -> str:
    if np.isnan(value):
        return "-"
    sign, value = "+" if signed else "", round(value, 4) + 0.0  # no -0.0000
    return f"{value:{sign}.4f}" if abs(value) < 100 else f"{value:{sign},.1f}"
