"""What an evaluation returns: values with intervals, per-user arrays, tables."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.aggregate import Aggregate
from beyondacc.breakdown import items_by_group, user_groups
from beyondacc.data.binding import Binding
from beyondacc.data.intake.reading import Reading, as_frame
from beyondacc.errors import SpecError, choices, did_you_mean
from beyondacc.intervals import Replicates, interval, replicate_runs
from beyondacc.spec.metric import Metric, MetricFamily
from beyondacc.spec.params import Cutoff, Fraction, Param
from beyondacc.spec.registry import REGISTRY
from beyondacc.spec.states import Exposure, PerUser, State, Sums
from beyondacc.texts import for_markdown
from beyondacc.types import Bools

__all__ = ["Aggregate", "Groups", "Report", "Reports", "markdown"]


class Report:
    """The metrics of one run.

    Parameters
    ----------
    run, states
        As evaluated.
    n_boot, seed, confidence
        Of the bootstrap, which runs when an interval is first asked for.
    replicates
        The replicates, where they are known already: n_boot of them, drawn with this seed.
    threads
        Of the bootstrap; None: one a core.
    readings
        What the boundary did with each table.
    """

    def __init__(
        self,
        run: Binding,
        states: Mapping[Metric, State],
        *,
        n_boot: int = 1000,
        seed: int = 0,
        confidence: float = 0.95,
        replicates: Replicates | None = None,
        threads: int | None = None,
        readings: Sequence[Reading] = (),
    ) -> None:
        self._run = run
        #: What the boundary did with each table; see `reading`.
        self.readings = list(readings)
        self._states = dict(states)
        self._n_boot = n_boot
        self._seed = seed
        self._confidence = confidence
        self._threads = threads
        if replicates is not None:
            self.replicates = replicates

    @property
    def metrics(self) -> list[Metric]:
        """What was evaluated, in the order given."""
        return list(self._states)

    @property
    def run(self) -> Binding:
        """The lists as they were evaluated, in the positions of the dataset."""
        return self._run

    @property
    def states(self) -> Mapping[Metric, State]:
        """What was accumulated for each metric."""
        return self._states

    @property
    def users(self) -> pd.Index[Any]:
        """External ids of the evaluated users."""
        return self._run.ids

    @functools.cached_property
    def replicates(self) -> Replicates:
        """The value of each metric in each bootstrap replicate; runs over the same users share the resamples."""
        runs = [(self._run, self._states)]
        return replicate_runs(runs, n_boot=self._n_boot, seed=self._seed, threads=self._threads)[0]

    @functools.cached_property
    def diagnostics(self) -> dict[str, int]:
        """Counts of what a reader should know, at the largest cutoff: see `Binding.diagnostics`."""
        return self._run.diagnostics(max(metric.k for metric in self._states))

    @property
    def reading(self) -> pd.DataFrame:
        """What was read, and as what: a row for each table; see `beyondacc.data.intake.reading.as_frame`."""
        return as_frame(self.readings, unknown_items=self.diagnostics["unknown_items"])

    def exposure(self, k: int) -> NDArray[np.int64]:
        """How often each item of the catalogue is among the first k."""
        ranked = self._run.ranked
        counts = np.bincount(ranked.items[ranked.flat(k).places], minlength=self._run.n_items)
        return counts[self._run.catalogue]

    def by(self, by: Any, *, bins: int = 4) -> Groups:
        """Evaluate groups of users apart.

        Parameters
        ----------
        by
            A column of the users table (``Dataset(users=...)``); ``"profile_size"`` or ``"popularity_taste"`` (the mean
            popularity of the profile), cut into quantiles; or ``{user: group}`` as a dict or Series.
        bins
            How many quantiles.

        Returns
        -------
        Groups
            The report of each group; users in no group are in none of them.

        Raises
        ------
        SpecError, DataError
            If users cannot be grouped so.
        """
        codes, names = user_groups(self._run, by, Param("bins", 4, Cutoff).check(bins, "by"))
        found = {name: self._take(codes == code) for code, name in enumerate(names) if (codes == code).any()}
        return Groups(found, int(np.count_nonzero(codes < 0)))

    def _take(self, rows: Bools) -> Report:
        run = self._run.take(rows)
        whole = run.block(0, len(run), max(metric.k for metric in self._states))
        states = {
            metric: metric.state(whole) if isinstance(state, Exposure) else state.take(rows)
            for metric, state in self._states.items()
        }
        bootstrap: dict[str, Any] = {"n_boot": self._n_boot, "seed": self._seed, "threads": self._threads}
        return Report(run, states, confidence=self._confidence, **bootstrap)

    def by_item(self, attribute: str = "popularity", *, k: int | None = None, head: float = 0.8) -> pd.DataFrame:
        """Return how much each group of items is shown and hit.

        Parameters
        ----------
        attribute
            ``"popularity"``: the head and the tail of the catalogue; ``"genres"``; or a column of the items table.
        k
            How many items of a list count; the largest cutoff of the metrics by default.
        head
            The share of the training rows that the head reaches.

        Returns
        -------
        DataFrame
            A row a group: group, items, catalogue_share, shown, exposure_share, exposure_per_item and, with a test set,
            relevant, hits, hit_rate = hits / relevant.
        """
        k = max(metric.k for metric in self._states) if k is None else Param("k", 10, Cutoff).check(k, "by_item")
        return items_by_group(self._run, attribute, k, Param("head", 0.8, Fraction).check(head, "by_item"))

    def find(self, metric: str | Metric | MetricFamily) -> Metric:
        """Return the evaluated metric of that name.

        Raises
        ------
        SpecError
            If it was not evaluated.
        """
        wanted = REGISTRY.parse(metric)
        if wanted not in self._states:
            names = [str(known) for known in self._states]
            raise SpecError(f"{wanted} was not evaluated; {did_you_mean(str(wanted), names)}")
        return wanted

    def state(self, metric: str | Metric | MetricFamily) -> State:
        """Return what the value is made of: a number or several a user, or counts."""
        return self._states[self.find(metric)]

    def value(self, metric: str | Metric | MetricFamily) -> float:
        """Return the value alone, without a bootstrap."""
        wanted = self.find(metric)
        state = self._states[wanted]
        if isinstance(state, PerUser):
            defined = _defined(state.values)
            return float(defined.mean()) if len(defined) else float("nan")
        return float(wanted.finish(state.total if isinstance(state, Sums) else state))

    def __getitem__(self, metric: str | Metric | MetricFamily) -> Aggregate:
        wanted = self.find(metric)
        state = self._states[wanted]
        value = self.value(wanted)
        low = high = error = median = p10 = p90 = float("nan")
        if isinstance(state, PerUser):
            defined = _defined(state.values)
            n = len(defined)
            if n:
                p10, median, p90 = (float(each) for each in np.quantile(defined, (0.1, 0.5, 0.9)))
        else:
            n = int(state.lists if isinstance(state, Exposure) else np.count_nonzero(state.counted))
        if self._n_boot and n > 1:  # one user says nothing about others
            replicates = self.replicates[wanted]
            low, high = interval(value, replicates, wanted.bounds, self._confidence)
            certain = _defined(replicates)
            error = float(certain.std(ddof=1)) if len(certain) > 1 else float("nan")
        return Aggregate(wanted, value, low, high, error, median, p10, p90, n, len(self._run) - n)

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)

    def per_user(self, metric: str | Metric | MetricFamily) -> pd.Series[float]:
        """Return one value a user, indexed by the user's own id, NaN where undefined.

        Raises
        ------
        SpecError
            If the metric has one value for the whole run.
        """
        wanted = self.find(metric)
        state = self._states[wanted]
        if not isinstance(state, PerUser):
            names = [str(known) for known in self._states if known.family.grain == "user"]
            others = f"a value for each user have {choices(names)}" if names else "so has every other metric here"
            raise SpecError(f"{wanted} has one value for the whole run; {others}")
        return pd.Series(state.values, index=self.users, name=str(wanted))

    def per_user_frame(self) -> pd.DataFrame:
        """Return all per-user values: a row a user with its id in the column user_id, a column a metric."""
        frame = pd.DataFrame(
            {str(metric): state.values for metric, state in self._states.items() if isinstance(state, PerUser)}
        )
        frame.insert(0, "user_id", self.users)
        return frame

    def to_pandas(self) -> pd.DataFrame:
        """Return a row a metric.

        The columns are metric, value, standard_error, ci_low, ci_high, median, p10, p90, n_users, n_undefined, better.
        """
        found = [self[metric] for metric in self]
        table = {name: [getattr(each, name) for each in found] for name in _COLUMNS}
        return pd.DataFrame(table | {"metric": [str(metric) for metric in self]})

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        return markdown(_printable(self.to_pandas()))

    def __repr__(self) -> str:
        return _printable(self.to_pandas()).to_string(index=False)

    def _repr_html_(self) -> str:
        return _printable(self.to_pandas()).to_html(index=False, escape=True, border=0)


class Reports(Mapping[str, Report]):
    """The reports of several runs, by name."""

    _each = "run"

    def __init__(self, reports: Mapping[str, Report]) -> None:
        self._reports = dict(reports)

    def __getitem__(self, run: str) -> Report:
        if run not in self._reports:
            raise SpecError(f"there is no {self._each} {run!r}; {did_you_mean(str(run), map(str, self._reports))}")
        return self._reports[run]

    def __iter__(self) -> Iterator[str]:
        return iter(self._reports)

    def __len__(self) -> int:
        return len(self._reports)

    def to_pandas(self) -> pd.DataFrame:
        """Return the tables of all runs (or groups) below each other, with their name in a first column."""
        tables = {name: report.to_pandas() for name, report in self._reports.items()}
        for name, table in tables.items():
            table.insert(0, self._each, name)
        return pd.concat(tables.values(), ignore_index=True)

    def to_wide(self) -> pd.DataFrame:
        """Return the values alone: a row a run (or group), a column a metric."""
        rows = {name: {str(metric): report.value(metric) for metric in report} for name, report in self.items()}
        frame = pd.DataFrame.from_dict(rows, orient="index")
        frame.index.name = self._each
        return frame

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        return markdown(_printable(self.to_pandas()))

    def __repr__(self) -> str:
        return self.to_wide().map(_digits).to_string()

    def _repr_html_(self) -> str:
        return self.to_wide().map(_digits).to_html(escape=True, border=0)


class Groups(Reports):
    """The reports of groups of users, by the name of the group.

    Attributes
    ----------
    n_ungrouped
        How many evaluated users are in no group.
    """

    _each = "group"

    def __init__(self, reports: Mapping[str, Report], n_ungrouped: int) -> None:
        super().__init__(reports)
        self.n_ungrouped = n_ungrouped

    def gaps(self) -> pd.DataFrame:
        """Return the largest gap between groups for each metric, widest in standard errors first.

        The columns are metric, gap, lowest, lowest_value, highest, highest_value and standard_error, that of the
        difference of the two groups; it does not account for their being the extremes.
        """
        rows = []
        for metric in next(iter(self.values())):
            found = {name: report[metric] for name, report in self.items()}
            found = {name: each for name, each in found.items() if not np.isnan(each.value)}
            if not found:
                continue
            low = min(found, key=lambda name: found[name].value)
            high = max(found, key=lambda name: found[name].value)
            error = float(np.hypot(found[low].standard_error, found[high].standard_error)) if low != high else 0.0
            gap = found[high].value - found[low].value
            rows.append((str(metric), gap, low, found[low].value, high, found[high].value, error))
        columns = ["metric", "gap", "lowest", "lowest_value", "highest", "highest_value", "standard_error"]
        table = pd.DataFrame(rows, columns=columns)
        order = (table["gap"] / table["standard_error"].where(table["standard_error"] > 0)).fillna(0.0)
        return table.iloc[np.argsort(-order.to_numpy(), kind="stable")].reset_index(drop=True)


_NUMBERS = ("value", "standard_error", "ci_low", "ci_high", "median", "p10", "p90")
_COLUMNS = ("metric", *_NUMBERS, "n_users", "n_undefined", "better")


def _defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[~np.isnan(values)]


def _digits(value: float, missing: str = "undefined") -> str:
    return missing if np.isnan(value) else f"{value:.4f}" if abs(value) < 100 else f"{value:,.1f}"


def _printable(frame: pd.DataFrame) -> pd.DataFrame:
    texts = {name: frame[name].map(functools.partial(_digits, missing="-")) for name in _NUMBERS}
    return frame.assign(**texts | {"value": frame["value"].map(_digits)})


def markdown(frame: pd.DataFrame) -> str:
    """Return a frame as a Markdown table."""
    rows = [list(frame.columns), ["---"] * frame.shape[1], *frame.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(for_markdown(str(cell), cell=True) for cell in row) + " |" for row in rows)
