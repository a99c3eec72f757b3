"""The weight of a re-ranker that gives the most of one metric while others stay within bounds."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.bound.bind import bind_lists
from beyondacc.comparison.diagnosis import ROUNDING, compare, printable
from beyondacc.data.dataset import Dataset
from beyondacc.data.intake.order import Order
from beyondacc.data.recommendations import Recommendations
from beyondacc.declare.params import Cutoff, Param, Range, Seed
from beyondacc.errors import DataError, SpecError
from beyondacc.evaluation.evaluate import MetricLike, check_metrics, evaluate_run
from beyondacc.evaluation.intervals import replicate_runs
from beyondacc.evaluation.report import Report
from beyondacc.kernels.hashing import uniform
from beyondacc.metrics.base.metric import Metric, Need
from beyondacc.metrics.base.registry import REGISTRY, check_cutoffs
from beyondacc.metrics.base.states import State
from beyondacc.rerank.base import Reranker, check_weights, find_reranker
from beyondacc.run.local import map_stream
from beyondacc.tradeoff.targets import Target
from beyondacc.types import Bools

__all__ = ["Tuned", "tune"]

Numbers = NDArray[np.float64]
Runs = dict[float, tuple[Batch, dict[Metric, State]]]

_GRID: Final = tuple(step / 40 for step in range(41))
_FINER: Final = 21  # weights from one neighbour of the best to the other
_DIGITS: Final = 6


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Tuned:
    """The weight that was found, and what it does for users who had no part in finding it.

    Attributes
    ----------
    diversity
        The weight: of those that meet all targets for the validation users, the one with the best objective.
    ci_low, ci_high
        The 2.5 and 97.5 % points of the weights that the bootstrap resamples of the held-out users would have chosen
        from the same grid; NaN where none of them could.
    n_unmet, n_boot
        In how many of the resamples no weight meets the targets.
    reranker : Reranker
        The re-ranker at this weight.
    objective
        What was maximised or minimised, such as ``maximise ild@10``.
    n_validation, n_held_out
        Number of users.
    table : DataFrame
        A row a weight that was tried: diversity, the value of each metric for the validation users, and meets: whether
        the targets are met.
    held_out : DataFrame
        A row a metric, for the held-out users: before is at weight 0, after at `diversity`; see `Diagnosis.changes`.
    targets : DataFrame
        A row a target, for the held-out users: target, value, bound, holds, share (of the resamples in which it holds).
    """

    diversity: float
    ci_low: float
    ci_high: float
    n_unmet: int
    n_boot: int
    reranker: Reranker
    objective: str
    n_validation: int
    n_held_out: int
    table: pd.DataFrame
    held_out: pd.DataFrame
    targets: pd.DataFrame

    @property
    def sentences(self) -> list[str]:
        """What was found, in words."""
        how = f"{self.objective} over {len(self.table)} weights on {self.n_validation:,} validation users"
        found = [f"{self.reranker.kind} at diversity {self.diversity:g}, chosen to {how}."]
        for target, value, bound, holds, share in self.targets.itertuples(index=False):
            verb = "holds" if holds else "does not hold"
            often = "" if np.isnan(share) else f"; it holds in {100 * share:.0f} % of resamples"
            where = f"for {self.n_held_out:,} held-out users"
            found.append(f"{target} {verb} {where}: {value:.4f}, the bound is {bound:.4f}{often}.")
        if not np.isnan(self.ci_low):
            found.append(f"Their resamples choose {self.ci_low:g} to {self.ci_high:g} (95 %).")
        if self.n_unmet:
            found.append(f"In {self.n_unmet:,} of {self.n_boot:,} resamples no weight meets the target.")
        return found

    def __repr__(self) -> str:
        return "\n".join([*self.sentences, "", printable(self.held_out).to_string(index=False)])

    def _repr_html_(self) -> str:
        said = "<br>".join(map(html.escape, self.sentences))
        return f"<p>{said}</p>{printable(self.held_out).to_html(index=False, escape=True, border=0)}"


def tune(
    reranker: Reranker | str,
    candidates: Any,
    data: Dataset,
    *,
    target: str = "ndcg >= 0.95 * baseline",
    maximise: MetricLike | None = None,
    minimise: MetricLike | None = None,
    k: int = 10,
    per_user: bool = False,
    validation: float = 0.5,
    diversity: Sequence[float] | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    columns: Mapping[str, Any] | None = None,
    order: Order = "auto",
    threads: int | None = None,
) -> Tuned:
    """Find the weight of a re-ranker that is best in one metric while others stay within bounds.

    The users are split at random: the weight is chosen on some and checked on the others.

    Parameters
    ----------
    reranker
        A re-ranker, or its text such as ``"MMR(distance=cosine)"``; its own weight does not matter.
    candidates
        Lists with scores, in any form `Recommendations.read` takes.
    data
        The dataset with what the re-ranker and the metrics need.
    target
        What must hold: a metric, ``>=``, ``<=``, ``>`` or ``<``, and a number, ``number * baseline`` or
        ``baseline - number`` (or ``+``), where the baseline is the value for the input lists. Several are joined by
        ``and``.
    maximise, minimise
        The metric to get the most or the least of: one of the two; ``maximise="ild"`` by default. Of equally good
        weights the smallest is chosen.
    k
        Cutoff of metrics given without one, and the length of the re-ranked lists at least.
    per_user
        Whether the weight of each user is scaled by how varied the user's profile is, see `Reranker`.
    validation
        The share of the users on whom the weight is chosen, in (0, 1). On which side a user is depends on the seed and
        the user's id alone. Users without candidates are left out, and where a metric looks at the test set, those
        without a relevant test item.
    diversity
        The weights to try, to six digits, and 0; by default 0 to 1 in steps of 0.025, then finer steps around the best.
    n_boot, seed
        Replicates and seed of the bootstrap over the held-out users; 0 replicates for no intervals.
    columns
        Names of columns that are not recognised.
    order
        What orders the lists, as in `evaluate`.
    threads
        Number of threads; one a core by default. The result does not depend on it.

    Returns
    -------
    Tuned

    Raises
    ------
    DataError
        If the candidates cannot be used, or leave too few users.
    SpecError
        If a target cannot be read or no weight meets it, or the re-ranker or a metric needs what the data lack.
    """
    if not isinstance(data, Dataset):
        raise SpecError(f"data is a {type(data).__name__}; pass a Dataset, such as Dataset(train, test, items)")
    chosen = find_reranker(reranker)
    if per_user:
        chosen = dataclasses.replace(chosen, per_user=True)
    if len(check_cutoffs(k, "tune")) > 1:
        raise SpecError(f"tune: k={k!r} gives several cutoffs; give one, and name the others as in 'ndcg@20'")
    k = Param("k", 10, Cutoff).check(k, "tune")
    n_boot = Param("n_boot", 1000, Seed).check(n_boot, "tune")
    seed = Param("seed", 0, Seed).check(seed, "tune")
    share = Param("validation", 0.5, Annotated[float, Range(0, 1, open_low=True, open_high=True)])
    validation = share.check(validation, "tune")
    targets = Target.parse(target, k)
    if maximise is not None and minimise is not None:
        raise SpecError(f"tune: maximise={maximise!r} and minimise={minimise!r} were both given; give one")
    sign, verb = (1.0, "maximise") if minimise is None else (-1.0, "minimise")
    named = maximise if minimise is None else minimise
    objective = REGISTRY.parse("ild" if named is None else named, k=k)
    metrics = check_metrics([*(each.metric for each in targets), objective], data, k=k)
    lists = Recommendations.read(candidates, data, columns=columns, order=order, what="candidates")
    grid = None if diversity is None else sorted({0.0, *(round(w, _DIGITS) for w in check_weights(diversity, "tune"))})
    seen, held = _split(lists, data, metrics, validation, seed)
    search = _Search(chosen, data, tuple(metrics), tuple(targets), objective, sign, k, threads)
    weights, values, place = search.run(seen, grid)
    return Tuned(
        diversity=weights[place],
        n_boot=n_boot,
        reranker=chosen.at(weights[place]),
        objective=f"{verb} {objective}",
        n_validation=len(seen),
        n_held_out=len(held),
        table=pd.DataFrame({"diversity": weights, **{str(metric): values[metric] for metric in metrics}}).assign(
            meets=search.meets(values)
        ),
        **_check(search, held, weights, place, n_boot=n_boot, seed=seed),
    )


def _split(
    lists: Recommendations, data: Dataset, metrics: Sequence[Metric], validation: float, seed: int
) -> tuple[Recommendations, Recommendations]:
    """Return the lists of the validation users and of the held-out users."""
    run = bind_lists(lists, data, "candidates")
    truth = any(Need.TRUTH in metric.family.needs(metric.values) for metric in metrics)
    usable = run.among("intersection" if truth else "recommended")
    drawn = uniform(seed, run.user_hashes, np.zeros(len(run), np.uint64)) < validation
    sides = usable & drawn, usable & ~drawn
    n_seen, n_held = (int(np.count_nonzero(side)) for side in sides)
    if min(n_seen, n_held) < 2:
        who = f"{n_seen + n_held} users with candidates{' and a relevant test item' * truth}"
        raise DataError(
            f"validation={validation:g} leaves {n_seen} of the {who} to choose the weight on and {n_held} to check it "
            "on; tune needs two of each, so give more users or check the user ids"
        )
    return lists.take(sides[0]), lists.take(sides[1])


@dataclasses.dataclass(frozen=True)
class _Search:
    """What is looked for, and with what; weights ascend from 0, the baseline, along the last axis of all arrays."""

    reranker: Reranker
    data: Dataset
    metrics: tuple[Metric, ...]
    targets: tuple[Target, ...]
    objective: Metric
    sign: float
    k: int
    threads: int | None

    def run(
        self, lists: Recommendations, diversity: Sequence[float] | None
    ) -> tuple[list[float], dict[Metric, Numbers], int]:
        """Try all weights; return them, what the metrics are at each, and the place of the best."""
        runs = self.runs(lists, _GRID if diversity is None else diversity)
        if diversity is None and (best := int(self.choose(self.values(runs)))) >= 0:
            weights = list(runs)
            around = np.linspace(weights[max(best - 1, 0)], weights[min(best + 1, len(weights) - 1)], _FINER)
            runs |= self.runs(lists, [weight for weight in around.round(_DIGITS).tolist() if weight not in runs])
            runs = dict(sorted(runs.items()))
        weights, values = list(runs), self.values(runs)
        place = int(self.choose(values))
        if place < 0:
            raise SpecError(self.refusal(weights, values, len(lists)))
        return weights, values, place

    def runs(self, lists: Recommendations, weights: Sequence[float]) -> Runs:
        """Re-rank at each weight and evaluate."""
        k = max([self.k, *(metric.k for metric in self.metrics)])
        made = self.reranker.sweep(lists, self.data, weights, k=k, threads=self.threads)

        def work(each: Recommendations) -> tuple[Batch, dict[Metric, State]]:
            run = bind_lists(each, self.data)
            return run, evaluate_run(run, self.metrics, threads=1)

        # several weights at a time
        return dict(zip(made, map_stream(work, made.values(), threads=self.threads), strict=True))

    def values(self, runs: Runs) -> dict[Metric, Numbers]:
        """Return the value of each metric in each run."""
        reports = [Report(*run, n_boot=0) for run in runs.values()]
        return {metric: np.array([report.value(metric) for report in reports]) for metric in self.metrics}

    def meets(self, values: Mapping[Metric, Numbers]) -> Bools:
        """Return where all targets are met."""
        found = [each.meets(values[each.metric], values[each.metric][..., :1]) for each in self.targets]
        return np.asarray(np.all(found, axis=0))

    def choose(self, values: Mapping[Metric, Numbers]) -> NDArray[np.int64]:
        """Return the place of the best weight that meets the targets, of equally good ones the first; -1 for none."""
        gains = self.sign * values[self.objective]
        gains = np.where(self.meets(values) & ~np.isnan(gains), gains, -np.inf)
        best = gains.max(axis=-1, keepdims=True)
        none = np.isinf(best[..., 0])
        equal = gains >= best - ROUNDING * np.maximum(1.0, np.abs(best))
        return np.where(none, -1, equal.argmax(axis=-1))

    def refusal(self, weights: Sequence[float], values: Mapping[Metric, Numbers], n_users: int) -> str:
        """Say why there is no best weight."""
        met = " and ".join(each.text for each in self.targets)
        if self.meets(values).any():
            return (
                f"{self.objective} is undefined for the {n_users} validation users wherever {met}; name another metric"
            )
        reached = []
        for each in self.targets:
            of = values[each.metric]
            if np.isnan(of).all():
                reached.append(f"{each.metric} is undefined")
                continue
            best = int(np.nanargmax(of) if each.sign[0] == ">" else np.nanargmin(of))
            bound = float(each.bound(of[0]))
            reached.append(
                f"{each.metric} reaches {of[best]:.4f} at diversity {weights[best]:g}, the bound is {bound:.4f}"
            )
        return (
            f"no weight of {self.reranker.kind} meets {met} for the {n_users} validation users: {'; '.join(reached)}; "
            "loosen the target or take another re-ranker"
        )


def _check(
    search: _Search, lists: Recommendations, weights: Sequence[float], place: int, *, n_boot: int, seed: int
) -> dict[str, Any]:
    """Look at the held-out users: what the weight does there, and which weights their resamples choose."""
    runs = list(search.runs(lists, weights).values())
    drawn = replicate_runs(runs, n_boot=n_boot, seed=seed, threads=search.threads)
    plain, tuned = (Report(*runs[at], n_boot=n_boot, seed=seed, replicates=drawn[at]) for at in (0, place))
    values = {metric: np.column_stack([each[metric] for each in drawn]) for metric in search.metrics}
    chosen = search.choose(values)
    found = np.array(weights)[chosen[chosen >= 0]]
    low, high = np.quantile(found, (0.025, 0.975), method="inverted_cdf") if len(found) else (np.nan, np.nan)
    rows = []
    for target in search.targets:
        baseline, value = plain.value(target.metric), tuned.value(target.metric)
        held = target.meets(values[target.metric][:, place], values[target.metric][:, 0])
        share = held.mean() if n_boot else np.nan
        rows.append((target.text, value, float(target.bound(baseline)), bool(target.meets(value, baseline)), share))
    return {
        "ci_low": float(low),
        "ci_high": float(high),
        "n_unmet": int(np.count_nonzero(chosen < 0)),
        "held_out": compare(plain, tuned),
        "targets": pd.DataFrame(rows, columns=["target", "value", "bound", "holds", "share"]),
    }
