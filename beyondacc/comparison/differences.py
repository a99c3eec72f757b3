"""Why two tools print different numbers: which choices differ, and how much each one moves the value."""

from __future__ import annotations

import dataclasses
import itertools
import math
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from beyondacc.data.dataset import Dataset
from beyondacc.data.intake.order import Order
from beyondacc.data.recommendations import Recommendations
from beyondacc.declare.params import parameters
from beyondacc.errors import SpecError
from beyondacc.evaluation.conventions import Convention, find_convention, with_level
from beyondacc.evaluation.evaluate import check_metrics, evaluate_by
from beyondacc.evaluation.policy import Policy
from beyondacc.evaluation.report import Report
from beyondacc.metrics.base.metric import Metric, MetricFamily

__all__ = ["Choice", "Difference", "explain_difference"]

_WIDTH = 110
_INDENT = " " * 11
_LEAST = 5e-5  # what four digits show
_OURS = Convention("beyondacc", "beyondacc", {}, {}, {}, "")
_LEVEL = "level"
_LEVELS = (
    "Which test rows are relevant: every row; above 0: those of a value above 0; from l on: those of at least the "
    "value l. The others are judged not relevant. A threshold= that the Dataset was given holds for both."
)


@dataclasses.dataclass(frozen=True)
class Choice:
    """One respect in which two conventions differ.

    Attributes
    ----------
    name
        The parameter of the metric, or the choice of the evaluation.
    first, second
        What each tool chooses.
    meaning
        What can be chosen.
    alone
        How the first tool's number changes where this choice alone becomes the second's.
    effect
        Its share of the whole difference: the mean change over all orders in which the choices could be made one after
        the other (Shapley 1953). The shares add up to the difference.
    """

    name: str
    first: Any
    second: Any
    meaning: str
    alone: float
    effect: float


@dataclasses.dataclass(frozen=True)
class Difference:
    """The numbers of two tools for one metric, and what parts them.

    Attributes
    ----------
    metric
        Its name with the cutoff.
    first, second
        The tools.
    first_metric, second_metric : Metric
        As each tool computes it.
    first_value, second_value
        The numbers.
    choices
        In which they differ, the largest effect first.
    """

    metric: str
    first: str
    second: str
    first_metric: Metric
    second_metric: Metric
    first_value: float
    second_value: float
    choices: tuple[Choice, ...]

    def to_pandas(self) -> pd.DataFrame:
        """Return a row a choice: choice, the two tools' values, alone, effect."""
        return pd.DataFrame(
            [(each.name, str(each.first), str(each.second), each.alone, each.effect) for each in self.choices],
            columns=["choice", self.first, self.second, "alone", "effect"],
        )

    def __str__(self) -> str:
        gap = self.second_value - self.first_value
        head = f"{self.metric}: {self.first} prints {self.first_value:.4f}, {self.second} {self.second_value:.4f}"
        if not self.choices:
            return f"{head}\nThe two make the same choices."
        lines = [f"{head} ({gap:+.4f})"]
        idle = [each for each in self.choices if abs(each.alone) < _LEAST and abs(each.effect) < _LEAST]
        for each in self.choices:
            if each in idle:
                continue
            lines.append(f"{each.effect:+9.4f}  {each.name}: {_word(each.first)} -> {_word(each.second)}")
            lines += textwrap.wrap(each.meaning, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
            if len(self.choices) > 1 and not math.isclose(each.alone, each.effect, abs_tol=_LEAST):
                lines.append(f"{_INDENT}Changed alone it moves {self.first}'s number by {each.alone:+.4f}.")
        if idle:
            words = ", ".join(f"{each.name}: {_word(each.first)} -> {_word(each.second)}" for each in idle)
            lines += textwrap.wrap(f"Without effect here: {words}", _WIDTH, initial_indent="  ", subsequent_indent="  ")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def explain_difference(
    recs: Any,
    data: Dataset,
    metric: str | Metric | MetricFamily,
    first: str | Convention | None,
    second: str | Convention | None = None,
    *,
    columns: Mapping[str, Any] | None = None,
    order: Order = "auto",
    threads: int | None = None,
) -> Difference:
    """Say in words and numbers why two tools print different values of one metric for the same lists.

    Parameters
    ----------
    recs
        Lists of one run, as in `evaluate`.
    data : Dataset
    metric
        Such as ``"ndcg@10"``; parameters that it names are the same for both.
    first, second
        Names of `beyondacc.conventions`; None is beyondacc itself.
    columns
        Names of columns that are not recognised.
    order
        What orders the lists, as in `evaluate`.
    threads
        Number of threads; one a core by default.

    Returns
    -------
    Difference

    Raises
    ------
    SpecError
        If a tool is unknown, has no such metric, or computes it in a way that no parameter expresses.
    DataError
        If the lists cannot be used.

    Notes
    -----
    The metric is computed once for each subset of the differing choices.
    """
    tools = [find_convention(name) or _OURS for name in (first, second)]
    if not isinstance(metric, str | Metric | MetricFamily) or metric == "all":
        raise SpecError(f"explain_difference takes one metric, such as 'ndcg@10', not {metric!r}")
    read = [check_metrics(metric, data, convention=None if tool is _OURS else tool) for tool in tools]
    if len(read[0]) > 1:
        raise SpecError(f"explain_difference takes one metric, such as 'ndcg@10', not {metric!r}")
    metrics = [found[0] for found in read]
    policies = [Policy.choose({}, tool.policy_for(data, metrics[0].family.name)) for tool in tools]
    options = [
        {**each.values, **dataclasses.asdict(policy), _LEVEL: tool.level(data)}
        for each, policy, tool in zip(metrics, policies, tools, strict=True)
    ]
    family = metrics[0].family
    # no parameter of a metric has the name of a choice of the policy: a test sees to it
    differing = [name for name in options[0] if options[0][name] != options[1][name]]
    keeps_first = any(policy.duplicates == "first" for policy in policies)
    duplicates: Any = "first" if keeps_first else "error"
    ranks: Any = "literal" if any(policy.ranks == "literal" for policy in policies) else "order"
    made = Recommendations.read(recs, data, columns=columns, order=order, duplicates=duplicates, ranks=ranks)
    if made.ragged.ranks is None:  # no rank has a gap before it
        differing = [name for name in differing if name != "ranks"]
    values: dict[frozenset[str], float] = {}
    for size in range(len(differing) + 1):
        for changed in itertools.combinations(differing, size):
            chosen = options[0] | {name: options[1][name] for name in changed}
            policy = Policy(**{name: chosen[name] for name in parameters(Policy)})
            computed = family(**{name: chosen[name] for name in family.params})
            judged = with_level(data, chosen[_LEVEL])
            report = Report(*evaluate_by(made, judged, [computed], policy, threads=threads), n_boot=0)
            values[frozenset(changed)] = report.value(computed)
    every = frozenset(differing)
    meanings = family.documented | Policy.documented() | {_LEVEL: _LEVELS}
    found = [
        Choice(
            name,
            options[0][name],
            options[1][name],
            meanings.get(name, ""),
            values[frozenset({name})] - values[frozenset()],
            _share(name, every, values),
        )
        for name in differing
    ]
    found.sort(key=lambda choice: -abs(np.nan_to_num(choice.effect)))
    return Difference(
        metric=f"{family.name}@{metrics[0].k}",
        first=tools[0].name,
        second=tools[1].name,
        first_metric=metrics[0],
        second_metric=metrics[1],
        first_value=values[frozenset()],
        second_value=values[every],
        choices=tuple(found),
    )


def _share(name: str, every: frozenset[str], values: Mapping[frozenset[str], float]) -> float:
    """Return the Shapley value of one choice: its mean effect over all orders."""
    others = every - {name}
    n = len(every)
    total = 0.0
    for size in range(len(others) + 1):
        weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
        for before in itertools.combinations(sorted(others), size):
            total += weight * (values[frozenset({*before, name})] - values[frozenset(before)])
    return total
