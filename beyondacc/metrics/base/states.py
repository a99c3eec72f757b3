"""What a metric keeps of some users: arrays, which merge to the same bits however the users are cut.

Whoever holds a state does not ask which kind it is: all have what `State` has.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Hashable, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.ragged import Lists
from beyondacc.data.world import World
from beyondacc.errors import DataError
from beyondacc.metrics.base import resampling
from beyondacc.metrics.base.counts import Counted, packed, unpacked
from beyondacc.metrics.base.exact import exact_limbs, exact_sums, rounded_sums
from beyondacc.metrics.base.resampling import Finishing, Showings, Totals, Units
from beyondacc.types import Bools

__all__ = ["Exposure", "Folded", "PerUser", "State"]


class State:
    """What all states have.

    Attributes
    ----------
    n_rows
        How many users were looked at.
    n_users
        How many of them count.
    per_user : (users,) or None
        One value per user, NaN where undefined, for metrics that have such values, where they are still known.
    stored : array or None
        What `PerUser` can be made from again; None where it is as fast to go through the lists once more.
    together
        States with equal keys are resampled in one go.
    shared
        Metrics whose states have equal ones, not None, are exchanged in one go.
    groups : (groups,) or None
        How many users count in each group, where only sums over groups are left.
    resampled, exchanged
        What resamples such states, and exchanges the users of two; see `metrics.base.resampling`.
    """

    n_rows: int
    n_users: int
    per_user: NDArray[np.float64] | None = None
    stored: NDArray[np.float64] | None = None
    together: Hashable = None
    shared: Hashable = None
    groups: NDArray[np.int64] | None = None
    resampled: Any
    exchanged: Any

    @classmethod
    def merge(cls, states: Sequence[Any]) -> State:
        """Put the states of some users and of others together."""
        raise NotImplementedError

    def take(self, rows: NDArray[Any]) -> Self:
        """Return the same of some users, by a mask or by their positions."""
        raise NotImplementedError

    def filled(self) -> Self:
        """Return the same with 0 for users for whom the metric is undefined."""
        return self

    def among(self, rows: Bools) -> Self:  # noqa: ARG002 - who counts is settled before
        """Return the same where the values of other users are undefined."""
        return self

    def folded(self, units: Units) -> State:
        """Return the same without anything of a single user: no larger for more users."""
        raise NotImplementedError

    def value(self, metric: Finishing, world: World) -> float:
        """Return the value of the metric."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, eq=False)
class PerUser(State):
    """One number per user, of which the mean is taken, or several, from whose sums a value of the run is made.

    Attributes
    ----------
    values : (users,) or (users, n)
        NaN where undefined; of several numbers in the whole row of a user who does not count.
    """

    values: NDArray[np.float64]
    resampled = resampling.Columns
    exchanged = resampling.ExchangedSums
    together = "columns"

    @classmethod
    def merge(cls, states: Sequence[PerUser]) -> PerUser:
        """Join the users in their order."""
        return states[0] if len(states) == 1 else cls(np.concatenate([state.values for state in states]))

    @functools.cached_property
    def columns(self) -> NDArray[np.float64]:
        """The numbers, shape (users, n)."""
        return self.values.reshape(len(self.values), -1)

    @functools.cached_property
    def counted(self) -> Bools:
        """Which users count."""
        return np.asarray(~np.isnan(self.columns).any(axis=1))

    @property
    def n_rows(self) -> int:  # type: ignore[override]
        """How many users were looked at."""
        return len(self.values)

    @functools.cached_property
    def n_users(self) -> int:  # type: ignore[override]
        """How many of them count."""
        return int(np.count_nonzero(self.counted))

    @property
    def per_user(self) -> NDArray[np.float64] | None:  # type: ignore[override]
        """The values, where there is one per user."""
        return self.values if self.values.ndim == 1 else None

    @property
    def stored(self) -> NDArray[np.float64]:  # type: ignore[override]
        """The numbers."""
        return self.values

    @functools.cached_property
    def totals(self) -> Totals:
        """The exactly rounded sums over the users who count."""
        return Totals(exact_sums(self.columns[self.counted]), np.asarray(self.n_users))

    def take(self, rows: NDArray[Any]) -> PerUser:
        """Return the same of some users."""
        return PerUser(self.values[rows])

    def filled(self) -> PerUser:
        """Return the same with 0 for undefined users; sums have none, only some that do not count."""
        return PerUser(np.nan_to_num(self.values)) if self.values.ndim == 1 else self

    def among(self, rows: Bools) -> PerUser:
        """Return the same where the values of other users are undefined."""
        return PerUser(np.where(rows, self.values, np.nan))

    def folded(self, units: Units) -> Folded:
        """Return the sums over groups of users."""
        codes = units.codes[self.counted]
        limbs = exact_limbs(self.columns[self.counted], codes, units.n)
        return Folded(limbs, np.bincount(codes, minlength=units.n), self.n_rows)

    def value(self, metric: Finishing, world: World) -> float:  # noqa: ARG002 - sums say it all
        """Return the value of the metric."""
        return float(metric.finish(self.totals))

    def unit_sums(self, units: Units | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the sums over the users who count, and how many these are, of each user or of each group."""
        if units is not None:
            return self.folded(units).unit_sums(units)
        return np.where(self.counted[:, None], self.columns, 0.0), self.counted.astype(np.float64)


@dataclasses.dataclass(frozen=True, eq=False)
class Folded(State):
    """Sums over groups of users, whose values are no longer known; any cut and any order gives the same bits.

    Attributes
    ----------
    limbs : (groups, n, limbs)
        Of the sums; see `metrics.base.exact`.
    groups : (groups,)
        How many users of each group count.
    n_rows
    """

    limbs: NDArray[np.int64]
    groups: NDArray[np.int64] = dataclasses.field()
    n_rows: int = dataclasses.field()
    together = "columns"
    resampled = resampling.Columns

    @classmethod
    def merge(cls, states: Sequence[Any]) -> Folded:
        """Add up."""
        if any(state.limbs.shape != states[0].limbs.shape for state in states):
            raise DataError("states of different numbers of groups cannot be merged; make all with the same groups=")
        return cls(
            np.sum([state.limbs for state in states], axis=0),
            np.sum([state.groups for state in states], axis=0),
            sum(state.n_rows for state in states),
        )

    @property
    def n_users(self) -> int:  # type: ignore[override]
        """How many users count."""
        return int(self.groups.sum())

    def value(self, metric: Finishing, world: World) -> float:  # noqa: ARG002 - sums say it all
        """Return the value of the metric."""
        return float(metric.finish(Totals(rounded_sums(self.limbs.sum(axis=0)), np.asarray(self.n_users))))

    def unit_sums(self, units: Units | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # noqa: ARG002
        """Return the sums over each group, and how many users of it count."""
        return rounded_sums(self.limbs), self.groups.astype(np.float64)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"limbs": packed(self.limbs), "groups": packed(self.groups)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"limbs": unpacked(state["limbs"]), "groups": unpacked(state["groups"])})


@dataclasses.dataclass(frozen=True, eq=False)
class Exposure(State):
    """How often each item is among the first k.

    Attributes
    ----------
    k, by
        What counts, and what is counted apart: list lengths, or ranks.
    n_known
        How many items the world knows.
    ranked : Lists or None
        The lists, where they are still known.
    hashes : (strangers,)
        Of the items in the lists whose positions come after those that the world knows.
    counts
        Made from the lists where they are not given.
    """

    k: int
    by: Literal["length", "rank"]
    n_known: int
    ranked: Lists | None
    hashes: NDArray[np.uint64]
    counts: Counted | None = None
    resampled = resampling.Compact
    exchanged = resampling.ExchangedExposure

    @classmethod
    def merge(cls, states: Sequence[Any]) -> Exposure:
        """Join the lists, or add up the counts where the lists are not those of one batch."""
        first: Exposure = states[0]
        if len(states) == 1:
            return first
        if any((state.k, state.by, state.n_known) != (first.k, first.by, first.n_known) for state in states):
            raise DataError("exposures of different worlds or cutoffs cannot be merged")
        if all(state.ranked is not None and state.hashes is first.hashes for state in states):
            return dataclasses.replace(first, ranked=Lists.join([state.ranked for state in states]))
        return dataclasses.replace(
            first, ranked=None, hashes=np.empty(0, np.uint64), counts=Counted.merge([state.counted for state in states])
        )

    @functools.cached_property
    def counted(self) -> Counted:
        """The counts."""
        if self.counts is not None:
            return self.counts
        assert self.ranked is not None  # noqa: S101 - one of both is there
        return Counted.of(self.ranked, self.k, self.by, self.n_known, self.hashes)

    @property
    def together(self) -> Hashable:  # type: ignore[override]
        """What is resampled in one go."""
        return "exposure", self.k, self.by

    @property
    def shared(self) -> Hashable:  # type: ignore[override]
        """What is exchanged in one go."""
        return self.together

    @property
    def n_rows(self) -> int:  # type: ignore[override]
        """How many lists were looked at."""
        return len(self.ranked) if self.ranked is not None else self.counted.rows

    @property
    def n_users(self) -> int:  # type: ignore[override]
        """How many of them are not empty."""
        return int(np.count_nonzero(self.ranked.lengths)) if self.ranked is not None else self.counted.lists

    def take(self, rows: NDArray[Any]) -> Exposure:
        """Return the same of some users."""
        if self.ranked is None:
            raise DataError("the lists behind this exposure were not kept, so that no users can be taken from it")
        return dataclasses.replace(self, ranked=self.ranked.take(rows))

    def folded(self, units: Units) -> Exposure:  # noqa: ARG002 - counts are of all users
        """Return the counts without the lists."""
        return dataclasses.replace(self, ranked=None, hashes=np.empty(0, np.uint64), counts=self.counted)

    def value(self, metric: Finishing, world: World) -> float:
        """Return the value of the metric."""
        return float(metric.finish(self.showings(world)))

    def showings(self, world: World) -> Showings:
        """Return the counts beside what is known about the items."""
        counted = self.counted
        lists = np.asarray(counted.lists, np.int64)
        shown = counted.shown if not len(counted.hashes) else np.hstack([counted.shown, counted.strange])
        return Showings(world, shown, counted.slots, self.by, lists, lists, np.arange(self.n_known))

    def __getstate__(self) -> dict[str, Any]:
        state = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if self.counts is not None:
            narrow: Any = {name: packed(getattr(self.counts, name)) for name in ("shown", "strange")}
            state["counts"] = self.counts._replace(**narrow)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["counts"] is not None:
            counts = state["counts"]
            state["counts"] = counts._replace(shown=unpacked(counts.shown), strange=unpacked(counts.strange))
        self.__dict__.update(state)
