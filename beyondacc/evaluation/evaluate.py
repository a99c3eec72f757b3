"""The one pipeline: bind, check needs, accumulate over blocks, merge, finish."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from beyondacc.bound.batch import Batch, Users
from beyondacc.bound.bind import bind
from beyondacc.data.dataset import Dataset, is_empty
from beyondacc.data.intake.containers import as_array
from beyondacc.data.intake.order import Order, order_runs
from beyondacc.data.intake.read import read_rows
from beyondacc.data.intake.roles import Names
from beyondacc.data.recommendations import Recommendations
from beyondacc.declare.params import Param, Seed
from beyondacc.errors import DataError, SpecError
from beyondacc.evaluation.conventions import Convention, find_convention
from beyondacc.evaluation.literal import by_written_rank
from beyondacc.evaluation.policy import Policy, Ties
from beyondacc.evaluation.report import Report, Reports
from beyondacc.metrics import REGISTRY
from beyondacc.metrics.base.metric import Metric, MetricFamily, Need
from beyondacc.metrics.base.registry import check_cutoffs
from beyondacc.metrics.base.states import State
from beyondacc.run.local import LEAST, map_blocks

__all__ = ["check_metrics", "check_overlap", "default_metrics", "evaluate", "evaluate_by", "evaluate_run"]

MetricLike = str | Metric | MetricFamily
_WORTH_A_THREAD: Final = 8192  # rows of one metric that take longer than to start a thread


def default_metrics(
    data: Dataset, k: int | Sequence[int], *, every: bool = False, side: Container[str] = ()
) -> list[Metric]:
    """Return the core metrics that a dataset allows, or all of them, cut at each k."""
    cutoffs = check_cutoffs(k)
    found = [
        family @ cutoff
        for family in (REGISTRY.listed() if every else REGISTRY).values()
        if family.core or every
        for cutoff in cutoffs
    ]
    return [metric for metric in found if metric.missing(data, side) is None]


def check_metrics(
    metrics: MetricLike | Sequence[MetricLike] | None,
    data: Dataset,
    *,
    k: int | Sequence[int] = 10,
    side: Container[str] = (),
    convention: Convention | None = None,
) -> list[Metric]:
    """Read the metrics, cut at each k where they name no cutoff, and see that the dataset has what they need.

    Parameters
    ----------
    metrics
        None: the core metrics that the data allow; ``"all"``: all that they allow.
    k
        A cutoff, or several.
    side
        The names of the further lists there are, such as ``earlier``.
    convention
        Sets the parameters that a metric does not name.

    Raises
    ------
    SpecError
        If a metric is unknown, or needs what the dataset lacks; the message says what to pass and who else needs it.
    """
    if metrics is None or (isinstance(metrics, str) and metrics == "all"):
        found = default_metrics(data, k, every=metrics is not None, side=side)
        return [convention.metric(each) for each in found if each.family.name in convention] if convention else found
    wanted = REGISTRY.parse_several(metrics, k=k)
    if convention:
        wanted = list(dict.fromkeys(map(convention.metric, wanted)))
    if not wanted:
        raise SpecError('no metric was given; name at least one, such as "ndcg@10"')
    lacking: dict[str, list[str]] = {}
    for metric in wanted:
        if lack := metric.missing(data, side):
            lacking.setdefault(lack, []).append(str(metric))
    for lack, names in lacking.items():
        others = f" (also needed by: {', '.join(names[1:])})" if names[1:] else ""
        raise SpecError(f"metric {names[0]!r} needs {lack}{others}")
    return wanted


def evaluate_run(run: Batch, metrics: Sequence[Metric], *, threads: int | None = None) -> dict[Metric, State]:
    """Return the merged state of each metric over all rows of a run."""
    k = max(metric.k for metric in metrics)

    def work(start: int, stop: int) -> list[State]:
        inputs = run.block(start, stop, k)
        return [metric.state(inputs) for metric in metrics]

    least = max(LEAST, _WORTH_A_THREAD // len(metrics))
    cut = map_blocks(work, len(run), threads=threads, least=least, width=min(k, run.ranked.width))
    return dict(zip(metrics, merge_states(cut), strict=True))


def merge_states(parts: Sequence[Sequence[State]]) -> list[State]:
    """Return the states of several metrics over all parts; metrics that share a state in every part still do."""
    merged: dict[tuple[int, ...], State] = {}
    found = []
    for states in zip(*parts, strict=True):
        key = tuple(map(id, states))
        if key not in merged:
            merged[key] = type(states[0]).merge(states)
        found.append(merged[key])
    return found


def _is_several(recs: Any) -> bool:
    """Tell ``{"run": recommendations}`` from the dicts that are recommendations themselves."""
    if not isinstance(recs, Mapping):
        return False
    # a user without items says nothing
    first = next((value for value in recs.values() if not isinstance(value, Mapping) or value), None)
    first = as_array(first)
    if isinstance(first, Mapping):
        return not np.isscalar(next(iter(first.values())))
    if isinstance(first, np.ndarray):
        return first.ndim == 2
    return first is not None and not isinstance(first, list | tuple | set | frozenset | pd.Series | pd.Index)


def evaluate(
    recs: Any,
    data: Dataset,
    metrics: MetricLike | Sequence[MetricLike] | None = None,
    *,
    k: int | Sequence[int] = 10,
    users: Users | None = None,
    seen: Literal["keep", "drop"] | None = None,
    unknown_items: Literal["keep", "error"] | None = None,
    duplicates: Literal["error", "first"] | None = None,
    undefined: Literal["skip", "zero"] | None = None,
    gains: Literal["given", "binary"] | None = None,
    ties: Ties | None = None,
    ranks: Literal["order", "literal"] | None = None,
    convention: str | Convention | None = None,
    primitive: Any = None,
    earlier: Any = None,
    columns: Mapping[str, Any] | None = None,
    order: Order = "auto",
    n_boot: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> Any:
    """Evaluate recommendation lists.

    Parameters
    ----------
    recs
        Lists of one run (a frame, the path of a file, a dict ``{user: [items]}``, ``{user: {item: score}}`` or
        ``{user: [(item, score)]}``, an int array padded with -1, `Recommendations`), or several runs:
        ``{"name": lists}``, or a frame with a column of names: ``columns={"run": "model"}``.
    data : Dataset
    metrics
        Names such as ``"ild(distance=cosine)@10"``, or metrics such as ``beyondacc.ild(distance="cosine") @ 10``. By
        default the core metrics that the data allow; ``"all"``: all that they allow. ``"ndcg@5,10"`` is ndcg at both
        cutoffs.
    k
        The cutoff of metrics that name none, or several: each of these metrics is then computed at all of them.
    users
        Who is averaged: ``"all"`` users of the test set and of the lists, each metric over those that define it;
        ``"recommended"``: users with a non-empty list; ``"tested"``: users with a relevant test item;
        ``"intersection"``: users with both; ``"judged"``: users with a test row, relevant or not;
        ``"judged-intersection"``: those of them with a non-empty list. ``"all"`` by default.
    seen, unknown_items, duplicates
        Listed items of the user's own training rows: ``"keep"`` (the default) or ``"drop"``; items outside the
        catalogue: ``"keep"`` (the default) or ``"error"``; an item twice in a list: ``"error"`` (the default) or
        ``"first"``, which keeps its better rank.
    undefined
        What a user counts for whom a metric is undefined: nothing (``"skip"``, the default), or ``"zero"``.
    gains
        What a relevant item is worth: its value in the test set (``"given"``, the default), or 1 (``"binary"``).
    ties
        How items of equal score are ordered: as given (``"input"``, the default); ``"reversed"``: against the order
        given; ``"item"``: by item id as text, descending; ``"number"``: the same, whole-number ids as numbers. The
        latter three put every list that has scores in the order of its scores.
    ranks
        Whether a rank only orders the items of a list (``"order"``, the default), or an item counts at the rank that is
        written beside it (``"literal"``): one row of rank 9 is then no hit at 3.
    convention
        A tool whose numbers to reproduce, such as ``"recbole"`` (see `beyondacc.conventions`). It sets the parameters
        that a metric does not name, those of the choices above that are not named, and which test rows are relevant
        unless the `Dataset` names that. What is named wins, also where it is our default.
    primitive
        Lists of a primitive model, for unexpectedness; the most popular items by default.
    earlier
        Earlier lists of the same users, oldest first, for metrics of change: lists as `recs`, or a list of such.
    columns
        Names of columns that are not recognised, as in `Dataset`: of all lists, or of one table, such as
        ``{"recs.score": "s"}``.
    order
        What orders the lists: ``"rank"``, ``"score"``, or the ``"rows"`` as they stand. By default the rank does where
        it tells the items of a user apart, else the score, else the rows; what is not certain is refused.
    n_boot, seed
        Replicates and seed of the bootstrap behind the intervals; 0 replicates for none.
    threads
        Number of threads; one a core by default. The values do not depend on it.

    Returns
    -------
    Report or Reports
        Reports, by name, where several runs were given.

    Raises
    ------
    DataError, SpecError
        If the lists cannot be used, or a metric is unknown or lacks its data.
    """
    if not isinstance(data, Dataset):
        raise SpecError(f"data is a {type(data).__name__}; pass a Dataset, such as Dataset(train, test, items)")
    given: dict[str, Any] = {"users": users, "seen": seen, "unknown_items": unknown_items, "duplicates": duplicates}
    given |= {"undefined": undefined, "gains": gains, "ties": ties, "ranks": ranks}
    tool = find_convention(convention)
    before = [] if earlier is None else earlier if isinstance(earlier, list) else [earlier]
    given_side = {"earlier": before, "primitive": [] if primitive is None else [primitive]}
    given_side = {name: lists for name, lists in given_side.items() if lists}
    wanted = check_metrics(metrics, data, k=k, side=given_side, convention=tool)
    data = tool.read(data) if tool else data
    policy = Policy.choose(given, tool.policy_for(data) if tool else {})
    policies = {}
    if tool:
        policies = {metric: Policy.choose(given, tool.policy_for(data, metric.family.name)) for metric in wanted}
    n_boot = Param("n_boot", 1000, Seed).check(n_boot, "evaluate")
    seed = Param("seed", 0, Seed).check(seed, "evaluate")
    names, readings = Names(columns), list(data.readings)
    shared: dict[str, Any] = {"columns": names, "data": data, "order": order, "readings": readings}
    if names.has("run", "recs"):
        if _is_several(recs):
            raise SpecError(
                "columns= names a column of runs, but several runs were given; give one table, or no column"
            )
        rows = read_rows(recs, what="recs", columns=names, order=order)
        recs = order_runs(rows, "recs", order)
    side = {
        name: [Recommendations.read(lists, what=name, **shared) for lists in several]
        for name, several in given_side.items()
    }
    asked = _Asked(data, wanted, policy, policies, side, n_boot=n_boot, seed=seed, threads=threads)
    if _is_several(recs):
        return Reports({str(name): _report(lists, f"recs of {name!r}", asked, shared) for name, lists in recs.items()})
    return _report(recs, "recs", asked, shared)


@dataclasses.dataclass(frozen=True)
class _Asked:
    """By what each run is evaluated."""

    data: Dataset
    metrics: list[Metric]
    policy: Policy
    policies: Mapping[Metric, Policy]
    side: Mapping[str, Sequence[Recommendations]]
    _: dataclasses.KW_ONLY
    n_boot: int
    seed: int
    threads: int | None


def _report(recs: Any, what: str, asked: _Asked, settings: Mapping[str, Any]) -> Report:
    """Read the lists of a run and evaluate them; the settings are those by which all tables are read."""
    data, policy, readings = asked.data, asked.policy, [*settings["readings"]]
    # what is dropped or ordered anew must be there first
    longest = max(metric.k for metric in asked.metrics) if policy.seen == "keep" and policy.ties == "input" else None
    own: dict[str, Any] = {**settings, "readings": readings, "duplicates": policy.duplicates, "ranks": policy.ranks}
    if data.world.partial and is_empty(recs):
        lists = Recommendations.from_array(np.empty((0, 0), np.int64), users=data.users.ids[:0], data=data)
    else:
        lists = Recommendations.read(recs, k=longest, what=what, **own)
    settings["columns"].check_used()
    check_overlap(lists, data, asked.metrics, what)
    found = evaluate_by(
        lists, data, asked.metrics, policy, policies=asked.policies, side=asked.side, threads=asked.threads
    )
    return Report(*found, n_boot=asked.n_boot, seed=asked.seed, threads=asked.threads, readings=readings)


def evaluate_by(
    recs: Recommendations,
    data: Dataset,
    metrics: Sequence[Metric],
    policy: Policy,
    *,
    policies: Mapping[Metric, Policy] | None = None,
    side: Mapping[str, Sequence[Recommendations]] | None = None,
    threads: int | None = None,
) -> tuple[Batch, dict[Metric, State]]:
    """Bind lists by a policy and return the run with the states of its metrics.

    Parameters
    ----------
    policies
        Those of some metrics at the grain of a user, which may average fewer users and count undefined ones otherwise.
    side
        Further lists of the same users, by the name of what they are.
    """
    if policy.ties != "input":
        recs = recs.by_score(policy.ties)
    if policy.gains == "binary":
        data = data.with_binary_gains()
    run = bind(
        recs,
        data,
        users=policy.users,
        seen=policy.seen,
        unknown_items=policy.unknown_items,
        side=side,
        k=max(metric.k for metric in metrics),
    )
    states: dict[Metric, State] = {}
    for lists, some in by_written_rank(run, metrics) if policy.ranks == "literal" else [(run, metrics)]:
        states |= evaluate_run(lists, some, threads=threads)
    states = {metric: states[metric] for metric in metrics}
    own = dict.fromkeys(metrics, policy) | dict(policies or {})
    return run, {metric: _count(metric, state, run, own[metric], policy.users) for metric, state in states.items()}


def _count(metric: Metric, state: State, run: Batch, policy: Policy, users: Users) -> State:
    """Settle who counts in a state of all rows of a run, which was bound for such users."""
    state = state.filled() if policy.undefined == "zero" else state
    if policy.users != users and metric.family.grain == "user":
        return state.among(run.among(policy.users))
    return state


def check_overlap(made: Recommendations, data: Dataset, metrics: Sequence[Metric], what: str) -> None:
    """Refuse lists of users none of whom is in the test set: every accuracy would be a meaningless zero."""
    needing = [metric for metric in metrics if Need.TRUTH in metric.family.needs(metric.values)]
    if not needing or data.test is None or data.world.partial:  # a part may have no tested user
        return
    codes = made.codes(data, what)
    if not data.test.occupied[codes[codes >= 0]].any():
        tested = data.users.ids[data.test.sizes > 0]
        ours, theirs = made.users[:1].tolist()[0], tested[:1].tolist()[0]  # as Python writes them
        raise DataError(
            f"none of the {len(made)} users of {what} (such as {ours!r}) is among the {len(tested)} users of "
            f"test (such as {theirs!r}), so {needing[0]} cannot be computed; check the user ids"
        )
