"""A convention: which parameters and choices give the numbers that another tool prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final

from beyondacc.data.dataset import Dataset
from beyondacc.data.relevance import Zeros
from beyondacc.errors import DataError, SpecError, did_you_mean
from beyondacc.evaluation.conventions.tables import TABLES
from beyondacc.metrics import REGISTRY
from beyondacc.metrics.base.metric import Metric, MetricFamily

__all__ = ["Convention", "Level", "conventions", "find_convention", "with_level"]

#: Which users are always some of others.
_WITHIN: Final[Mapping[str, tuple[str, ...]]] = {
    "all": ("recommended", "tested", "intersection", "judged", "judged-intersection"),
    "judged": ("tested", "intersection", "judged-intersection"),
    "recommended": ("intersection", "judged-intersection"),
    "judged-intersection": ("intersection",),
    "tested": ("intersection",),
    "intersection": (),
}


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
        The choices that hold for its metrics, as far as they are not our defaults; see `evaluation.policy`. Its users
        are those of all metrics, also of those of the whole run, unless `policies` says otherwise.
    differs
        Metric -> in which respect the tool's number cannot be expressed, and how to get it.
    source
        Version and files the table was read from, and whether they were run.
    policies
        Metric -> choices of its own: fewer users than by `policy`, or what undefined users count.
    relevance
        Which test rows are relevant, as `Dataset.with_relevance` takes it; empty where the tool leaves that to whoever
        calls it.
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
    relevance: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    data: str = ""

    def __post_init__(self) -> None:
        """Refuse choices of one metric that the rows of a report, which all metrics share, cannot hold."""
        rows = self.policy.get("users", "all")
        for name, own in self.policies.items():
            wider = own.get("users", rows) not in {rows, *_WITHIN[rows]}
            if wider or set(own) - {"users", "undefined"} or REGISTRY[name].grain == "run":
                raise SpecError(
                    f"convention {self.name!r}: {name} cannot have choices of its own, {dict(own)}; only undefined, "
                    f"and users that are among those of its policy ({rows}), of a metric with a value for each user"
                )

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return self.metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)

    def __reduce__(self) -> str | tuple[Any, ...]:
        return (find_convention, (self.name,)) if conventions.get(self.name) is self else super().__reduce__()

    def __repr__(self) -> str:
        return f"<convention {self.name}: {len(self)} metrics>"

    def policy_of(self, name: str) -> dict[str, Any]:
        """Return the choices for one metric, as far as they are not our defaults."""
        return {**self.policy, **self.policies.get(name, {})}

    def choices_of(self, name: str) -> dict[str, Any]:
        """Return the same for one metric together with which test rows are relevant."""
        return {**self.policy_of(name), **self.relevance}

    def policy_for(self, data: Dataset, name: str | None = None) -> dict[str, Any]:
        """Return the choices for one metric, or for all, on a dataset: without a test set nobody is told by it."""
        found = dict(self.policy) if name is None else self.policy_of(name)
        if data.test is None and "users" in found:
            found["users"] = "recommended"
        return found

    def read(self, data: Dataset) -> Dataset:
        """Return a dataset with those test rows relevant that the tool takes, unless the dataset names which are.

        Raises
        ------
        DataError
            If no test row is relevant then.
        """
        try:
            return with_level(data, self.level(data))
        except DataError as error:
            raise DataError(f"convention {self.name!r}: {error}") from error

    def level(self, data: Dataset) -> Level:
        """Return which test rows of a dataset are relevant by the convention; what the dataset names wins."""
        return Level.of(data) if data.threshold_named else dataclasses.replace(Level.of(data), **self.relevance)

    def metric(self, text: str | Metric | MetricFamily, *, k: int = 10) -> Metric:
        """Read a metric; parameters that it does not name are set as the tool sets them.

        One that is named keeps its value, also where that is our default; the metric remembers what was named.

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
        tool, ours = self.metrics[name], plain.family().values
        own = {key: value for key, value in plain.values.items() if key in plain.named or value != ours[key]}
        made = plain.family(**{**tool, **own, "k": plain.k})
        spelled = {key for key in plain.named & tool.keys() if plain.values[key] == ours[key]}
        return dataclasses.replace(made, named=plain.named, spelled=frozenset(spelled))


@dataclasses.dataclass(frozen=True)
class Level:
    """Which test rows are relevant; see `Dataset`."""

    threshold: float | None
    zeros: Zeros
    graded: bool

    @classmethod
    def of(cls, data: Dataset) -> Level:
        """Return that of a dataset."""
        return cls(data.threshold, data.zeros, data.graded)

    def __str__(self) -> str:
        if self.threshold is None:
            return "above 0" if self.zeros == "judged" else "every row"
        return f"from {self.threshold:g} on{'' if self.graded else ', gain 1'}"


def with_level(data: Dataset, level: Level) -> Dataset:
    """Return a dataset with other test rows relevant.

    Raises
    ------
    DataError
        If no test row is relevant then.
    """
    same = level == Level.of(data) or (level.threshold is None and data.threshold is None and data.judged is None)
    # rows that all have the value 1, or none, are relevant by every convention
    if same or data.test is None or (data.judged is None and data.test.all_one):
        return data
    return data.with_relevance(**dataclasses.asdict(level))


conventions: dict[str, Convention] = {name: Convention(name=name, **table) for name, table in TABLES.items()}


def find_convention(name: str | Convention | None) -> Convention | None:
    """Return the convention of that name, whose case does not matter; None for none.

    Raises
    ------
    SpecError
        If there is none of that name.
    """
    if name is None or isinstance(name, Convention):
        return name
    known = str(name).lower()
    if known not in conventions:
        raise SpecError(f"there is no convention {name!r}; {did_you_mean(known, conventions)}")
    return conventions[known]
