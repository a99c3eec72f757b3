"""What an evaluation returns: values with intervals, per-user arrays, tables."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.data.intake.reading import Reading, as_frame
from beyondacc.declare.params import Cutoff, Fraction, Param
from beyondacc.errors import SpecError, choices, did_you_mean
from beyondacc.evaluation.aggregate import Aggregate
from beyondacc.evaluation.groups import items_by_group, user_groups
from beyondacc.evaluation.intervals import Replicates, replicate_runs
from beyondacc.evaluation.values import Values, digits, markdown, printable
from beyondacc.metrics.base.metric import Metric, MetricFamily
from beyondacc.metrics.base.states import State
from beyondacc.types import Bools

__all__ = ["Aggregate", "Groups", "Report", "Reports", "markdown"]


class Report(Values):
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
        run: Batch,
        states: Mapping[Metric, State],
        *,
        n_boot: int = 1000,
        seed: int = 0,
        confidence: float = 0.95,
        replicates: Replicates | None = None,
        threads: int | None = None,
        readings: Sequence[Reading] = (),
    ) -> None:
        #: What the boundary did with each table; see `reading`.
        self.readings = list(readings)
        super().__init__(states, run.world, confidence=confidence, n_boot=n_boot)
        self._run = run
        self._seed = seed
        self._threads = threads
        if replicates is not None:
            self.replicates = replicates

    @property
    def run(self) -> Batch:
        """The lists as they were evaluated, in the positions of the dataset."""
        return self._run

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
        """Counts of what a reader should know, at the largest cutoff: see `Batch.diagnostics`."""
        return self._run.diagnostics(max(metric.k for metric in self._states))

    @property
    def reading(self) -> pd.DataFrame:
        """What was read, and as what: a row for each table; see `beyondacc.data.intake.reading.as_frame`."""
        return as_frame(self.readings, unknown_items=self.diagnostics["unknown_items"])

    def exposure(self, k: int) -> NDArray[np.int64]:
        """How often each item of the catalogue is among the first k."""
        ranked = self._run.ranked
        counts = np.bincount(ranked.items[ranked.flat(k).places], minlength=self._run.n_items)
        return np.asarray(counts[self._run.world.catalogue])

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
        states = {metric: state.take(rows) for metric, state in self._states.items()}
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

    def per_user(self, metric: str | Metric | MetricFamily) -> pd.Series[float]:
        """Return one value a user, indexed by the user's own id, NaN where undefined.

        Raises
        ------
        SpecError
            If the metric has one value for the whole run.
        """
        wanted = self.find(metric)
        state = self._states[wanted]
        if state.per_user is None:
            names = [str(known) for known in self._states if known.family.grain == "user"]
            others = f"a value for each user have {choices(names)}" if names else "so has every other metric here"
            raise SpecError(f"{wanted} has one value for the whole run; {others}")
        return pd.Series(state.per_user, index=self.users, name=str(wanted))

    def per_user_frame(self) -> pd.DataFrame:
        """Return all per-user values: a row a user with its id in the column user_id, a column a metric."""
        frame = pd.DataFrame(
            {str(metric): state.per_user for metric, state in self._states.items() if state.per_user is not None}
        )
        frame.insert(0, "user_id", self.users)
        return frame


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
        return markdown(printable(self.to_pandas()))

    def __repr__(self) -> str:
        return self.to_wide().map(digits).to_string()

    def _repr_html_(self) -> str:
        return self.to_wide().map(digits).to_html(escape=True, border=0)


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
