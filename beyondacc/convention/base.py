"""A convention: which parameters and choices give the numbers that another tool prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from beyondacc.convention.tables import TABLES
from beyondacc.errors import SpecError, did_you_mean
from beyondacc.metrics import REGISTRY
from beyondacc.spec.metric import Metric, MetricFamily

__all__ = ["Convention", "conventions", "find_convention"]


@dataclasses.dataclass(frozen=True, eq=False)
class Convention(Mapping[str, Mapping[str, Any]]):
    """How one tool computes: a mapping from the names of metrics to parameters.

    Attributes
    ----------
    name, title
        As in ``convention=NAME``, and in words.
    metrics
        Metric -> the parameters that express the tool's definition, as far as they are not our defaults.
    policy
        The choices that hold for its metrics, as far as they are not our defaults; see `beyondacc.policy`.
    differs
        Metric -> in which respect the tool's number cannot be expressed, and how to get it.
    source
        Version and files the table was read from, and whether they were run.
    policies
        Metric -> choices of its own: fewer users than by `policy`, or what undefined users count.
    notes
        Metric -> when the numbers are equal, or which variant of the tool is meant.
    data
        What the tool takes as relevant and as the catalogue: how to make the `Dataset`.
    """

    name: str
    title: str
    metrics: Mapping[str, Mapping[str, Any]]
    policy: Mapping[str, Any]
    differs: Mapping[str, str]
    source: str
    policies: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    data: str = ""

    def __post_init__(self) -> None:
        """Refuse choices of one metric that the rows of a report, which all metrics share, cannot hold."""
        for name, own in self.policies.items():
            wider = "users" in own and "users" in self.policy
            if wider or set(own) - {"users", "undefined"} or REGISTRY[name].grain == "run":
                raise SpecError(
                    f"convention {self.name!r}: {name} cannot have choices of its own, {dict(own)}; only users and "
                    "undefined of a metric with a value for each user, where policy leaves users at all"
                )

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return self.metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)

    def __repr__(self) -> str:
        return f"<convention {self.name}: {len(self)} metrics>"

    def policy_of(self, name: str) -> dict[str, Any]:
        """Return the choices for one metric, as far as they are not our defaults."""
        return {**self.policy, **self.policies.get(name, {})}

    def metric(self, text: str | Metric | MetricFamily, *, k: int = 10) -> Metric:
        """Read a metric; parameters that it leaves at their default are set as the tool sets them.

        Raises
        ------
        SpecError
            If the tool has no such metric, or computes it in a way that no parameter expresses.
        """
        plain = REGISTRY.parse(text, k=k)
        name = plain.family.name
        if name not in self.metrics:
            if name in self.differs:
                raise SpecError(f"no parameters give the {name} that {self.title} prints: {self.differs[name]}")
            raise SpecError(f"{self.title} has no {name}; {did_you_mean(name, self.metrics)}")
        defaults = plain.family().values
        given = {key: value for key, value in plain.values.items() if value != defaults[key] or key == "k"}
        return plain.family(**{**self.metrics[name], **given})


conventions: dict[str, Convention] = {name: Convention(name=name, **table) for name, table in TABLES.items()}


def find_convention(name: str | Convention | None) -> Convention | None:
    """Return the convention of that name; None for none.

    Raises
    ------
    SpecError
        If there is none of that name.
    """
    if name is None or isinstance(name, Convention):
        return name
    if name not in conventions:
        raise SpecError(f"there is no convention {name!r}; {did_you_mean(str(name), conventions)}")
    return conventions[name]
