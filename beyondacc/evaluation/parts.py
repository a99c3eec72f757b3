"""Parts of the users, evaluated apart and merged: the same bits as of all users in one call.

Whoever has another engine maps `evaluate_part` over the parts and merges what it returns::

    facts = ItemFacts.merge(Dataset(train, test).facts for train, test, _ in parts)
    world = World(facts, items)
    report = merge(
        (evaluate_part(recs, Dataset(train, test, world=world), ["ndcg@10", "gini@10"]) for train, test, recs in parts),
        world,
    )
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from beyondacc.data.dataset import Dataset
from beyondacc.data.world import World
from beyondacc.declare.params import Cutoff, Param, Seed
from beyondacc.errors import DataError, SpecError, choices
from beyondacc.evaluation.evaluate import MetricLike, evaluate, merge_states
from beyondacc.evaluation.intervals import Replicates, groups_of, n_groups_for, replicate_states
from beyondacc.evaluation.report import Report
from beyondacc.evaluation.values import Values
from beyondacc.metrics.base.metric import Metric
from beyondacc.metrics.base.states import State

__all__ = ["MergedReport", "Part", "evaluate_part", "merge"]


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """What was accumulated over some users, without anything of a single one: small, and pickled as such.

    Attributes
    ----------
    states
        Of each metric.
    diagnostics
        The counts of `Report.diagnostics`.
    n_train_users
        How many users have training rows.
    world
        The fingerprint of the world that it was evaluated in.
    """

    states: Mapping[Metric, State]
    diagnostics: Mapping[str, int]
    n_train_users: int
    world: str

    @property
    def n_users(self) -> int:
        """How many users were evaluated."""
        return self.diagnostics["users"]

    @classmethod
    def merge(cls, parts: Iterable[Part]) -> Part:
        """Add up parts, in any order; no user is in two of them.

        Raises
        ------
        DataError
            If there are none, or they were evaluated in different worlds.
        SpecError
            If their metrics differ.
        """
        several = list(parts)
        if not several:
            raise DataError("there are no parts to merge; evaluate at least one")
        metrics, world = list(several[0].states), several[0].world
        for part in several[1:]:
            if part.world != world:
                raise DataError(
                    "parts were evaluated in worlds of different items or counts; merge the facts of all parts first, "
                    "and give every Dataset the one World made of them"
                )
            if lacking := set(metrics) ^ set(part.states):
                named = choices(sorted(map(str, lacking))).replace(" or ", " and ")
                raise SpecError(f"not all parts were evaluated by the same metrics: {named}; name them with metrics=")
        states = merge_states([[part.states[metric] for metric in metrics] for part in several])
        counts = {name: sum(part.diagnostics[name] for part in several) for name in several[0].diagnostics}
        trained = sum(part.n_train_users for part in several)
        return cls(dict(zip(metrics, states, strict=True)), counts, trained, world)

    def __repr__(self) -> str:
        return f"Part({self.n_users:,} users, {len(self.states)} metrics)"


def evaluate_part(
    recs: Any,
    data: Dataset,
    metrics: MetricLike | Sequence[MetricLike] | None = None,
    *,
    groups: int | None = None,
    **options: Any,
) -> Part:
    """Evaluate the lists of some users, complete in themselves.

    Parameters
    ----------
    recs
        The lists of these users, as in `evaluate`.
    data : Dataset
        Their rows, and what is known of all users: ``Dataset(train, test, world=world)``. All rows of a user are in it.
    metrics
        As in `evaluate`. A metric that needs the rows or the lists of other users is refused, or is not among those
        that are taken where none is named.
    groups
        Into how many groups users are put by their ids, the units of the bootstrap: 1000, or 200 from a million items
        on, by default. It is the same for all parts.
    options
        The further parameters of `evaluate`, but those of the bootstrap and of several runs.

    Returns
    -------
    Part
        To be merged with those of other users.

    Raises
    ------
    DataError, SpecError
        As `evaluate` does.

    Notes
    -----
    A call takes some milliseconds however few users there are: parts of 10,000 users or more are best.
    """
    for name in ("n_boot", "seed"):
        if name in options:
            raise SpecError(f"{name}= is of the intervals, which are made when parts are merged; pass it to merge")
    report = evaluate(recs, data, metrics, n_boot=0, **options)
    if not isinstance(report, Report):
        raise SpecError("several runs were given; evaluate the part of each run apart")
    n = n_groups_for(report.world) if groups is None else Param("groups", 1000, Cutoff).check(groups, "evaluate_part")
    units = groups_of(report.run, n)
    kept: dict[int, State] = {}
    for state in report.states.values():
        if id(state) not in kept:
            kept[id(state)] = state.folded(units)
    found = {metric: kept[id(state)] for metric, state in report.states.items()}
    trained = 0 if data.train is None else int(np.count_nonzero(data.train.occupied))
    return Part(found, report.diagnostics, trained, report.world.fingerprint)


def merge(
    parts: Iterable[Part], world: World, *, n_boot: int = 1000, seed: int = 0, confidence: float = 0.95
) -> MergedReport:
    """Put the parts of all users together.

    Parameters
    ----------
    parts
        In any order; no user is in two of them.
    world : World
        In which they were evaluated.
    n_boot, seed, confidence
        Of the bootstrap over groups of users.

    Returns
    -------
    MergedReport
        Its values have the same bits however the users were cut.

    Raises
    ------
    DataError, SpecError
        As `Part.merge` does, and where the world is another one, or knows of fewer users than the parts have.
    """
    n_boot = Param("n_boot", 1000, Seed).check(n_boot, "merge")
    seed = Param("seed", 0, Seed).check(seed, "merge")
    whole = Part.merge(parts)
    if whole.world != world.fingerprint:
        raise DataError("the parts were evaluated in another world than the one given to merge; give that one")
    if whole.n_train_users > world.n_train_users:
        raise DataError(
            f"the parts have {whole.n_train_users:,} users with training rows, the facts of the world count "
            f"{world.n_train_users:,}: a part was given twice, or the facts of a part are not among those of the world"
        )
    return MergedReport(whole, world, n_boot=n_boot, seed=seed, confidence=confidence)


class MergedReport(Values):
    """The metrics of a run whose users were evaluated in parts.

    Means have intervals from a bootstrap over groups of users; coverage and other values of the whole run have none,
    for the lists behind them are gone. Medians and quantiles need the values of single users and are NaN.
    """

    def __init__(
        self, part: Part, world: World, *, n_boot: int = 1000, seed: int = 0, confidence: float = 0.95
    ) -> None:
        super().__init__(part.states, world, n_boot=n_boot, confidence=confidence)
        self._part, self._seed = part, seed

    @property
    def diagnostics(self) -> Mapping[str, int]:
        """Counts of what a reader should know, at the largest cutoff."""
        return self._part.diagnostics

    @property
    def n_users(self) -> int:
        """How many users were evaluated."""
        return self._part.n_users

    @functools.cached_property
    def replicates(self) -> Replicates:
        """The value of each metric in each bootstrap replicate over groups of users; NaN where it has none."""
        sizes = [len(state.groups) for state in self._states.values() if state.groups is not None]
        if not sizes:
            return {metric: np.full(self._n_boot, np.nan) for metric in self._states}
        return replicate_states([(self.world, self._states)], sizes[0], n_boot=self._n_boot, seed=self._seed)[0]
