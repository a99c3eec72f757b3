"""The conventions of other tools as plain tables: which parameters and choices give the numbers that they print."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

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
        The choices that hold for all of its metrics, as far as they are not our defaults; see `beyondacc.policy`.
    differs
        Metric -> in which respect the tool's number cannot be expressed.
    source
        Version and files the table was read from.
    """

    name: str
    title: str
    metrics: Mapping[str, Mapping[str, Any]]
    policy: Mapping[str, Any]
    differs: Mapping[str, str]
    source: str

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return self.metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)

    def __repr__(self) -> str:
        return f"<convention {self.name}: {len(self)} metrics>"

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
                raise SpecError(
                    f"the number that {self.title} prints for {name} is not expressed: {self.differs[name]}"
                )
            raise SpecError(f"{self.title} has no {name}; {did_you_mean(name, self.metrics)}")
        defaults = plain.family().values
        given = {key: value for key, value in plain.values.items() if value != defaults[key] or key == "k"}
        return plain.family(**{**self.metrics[name], **given})


conventions: dict[str, Convention] = {}


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
