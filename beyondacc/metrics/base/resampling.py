"""Values of resampled users, and of users whose lists two systems exchange: from the states of metrics."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.data.ragged import Lists
from beyondacc.data.world import World
from beyondacc.types import Bools

__all__ = [
    "Columns",
    "Compact",
    "ExchangedExposure",
    "ExchangedSums",
    "Finishing",
    "Showings",
    "Totals",
    "Units",
    "at_once",
    "slots_of",
    "weighted_sums",
]

By = Literal["length", "rank"]
_CELLS: Final = 4_000_000  # numbers in a chunk of replicates, at most
_CACHED: Final = 2**17  # numbers that stay in a core's cache
_SOME: Final = 32  # replicates that make it worth to go through the rows once
_SINGLE: Final = 2**18  # multiplications for which OpenBLAS starts no threads
_EXACT: Final = 2**24  # whole numbers below have no rounding in single precision


def at_once(width: int) -> int:
    """Return how many replicates of so many numbers each are computed at once: as a core's cache and memory allow."""
    width = max(1, width)
    return max(1, min(_CELLS // width, max(_SOME, _CACHED // width)))


class Finishing(Protocol):
    """What makes a value of what was accumulated: a metric."""

    def finish(self, summary: Any) -> Any:
        """Return a number, or one a replicate, from `Totals` or `Showings`."""


class Units(NamedTuple):
    """What is resampled in the place of single users: groups of them.

    Attributes
    ----------
    codes : (users,)
        The group of each user.
    n
        Number of groups.
    """

    codes: NDArray[np.int64]
    n: int


class Totals(NamedTuple):
    """Sums over users, of which a value is made; leading axes, if any, are replicates.

    Attributes
    ----------
    sums : (..., n)
    counted : (...)
        Over how many users.
    """

    sums: NDArray[np.float64]
    counted: NDArray[Any]

    @property
    def mean(self) -> Any:
        """The mean of the first number, NaN without users."""
        first = self.sums[..., 0]
        return np.divide(first, self.counted, out=np.full(first.shape, np.nan), where=self.counted > 0)


@dataclasses.dataclass(frozen=True, eq=False)
class Showings:
    """How often each item is shown, beside what is known about the items; leading axes, if any, are replicates.

    Attributes
    ----------
    world
    shown : (..., slots, items and strangers)
        Integer counts, apart for each list length or for each rank, of items that include every one that is shown.
    slots : (slots,)
        The list lengths, or the ranks from 0.
    by
        What the slots are.
    lists, squares : (...)
        Number of non-empty lists and sum of their squared multiplicities (the same, but for a bootstrap replicate).
    items : (items,)
        Which items of the world the last axis begins with; strangers come after them.
    """

    world: World
    shown: NDArray[np.int64]
    slots: NDArray[np.int64]
    by: By
    lists: NDArray[np.int64]
    squares: NDArray[np.int64]
    items: NDArray[np.integer[Any]]

    @functools.cached_property
    def covered(self) -> Bools:
        """Which of the items are in the catalogue, shape (items,)."""
        return np.asarray(self.world.catalogue[self.items])

    @property
    def n_catalogue(self) -> int:
        """Size of the catalogue; its items that are not among `items` were not shown."""
        return int(self.world.catalogue.sum())

    @functools.cached_property
    def total(self) -> NDArray[np.int64]:
        """Showings of all items and strangers, shape (..., items and strangers)."""
        single = self.shown.shape[-2] == 1
        return self.shown[..., 0, :] if single else np.asarray(self.shown.sum(axis=-2))

    @functools.cached_property
    def known(self) -> NDArray[np.int64]:
        """Showings of the items, shape (..., items)."""
        return self.total[..., : len(self.items)]

    @functools.cached_property
    def catalogue(self) -> NDArray[np.int64]:
        """Showings of the catalogue items among `items`, shape (..., covered items)."""
        return self.known if self.covered.all() else self.known[..., self.covered]

    def weighted(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weigh each showing by its slot, (slots,), and return the sums, shape (..., items and strangers)."""
        if len(weights) == 1:
            return np.asarray(self.total * weights[0])
        return np.asarray(np.einsum("...si,s->...i", self.shown, weights))


def slots_of(lengths: NDArray[np.int32], by: By) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return what is counted apart, list lengths or ranks, and where each of them is counted."""
    present = np.bincount(lengths, minlength=1)[1:]
    slots = np.flatnonzero(present) + 1 if by == "length" else np.arange(len(present))
    lookup = np.full(len(present) + 2, -1, np.int32)
    lookup[slots] = np.arange(len(slots))
    return slots, lookup


class Columns:
    """The numbers of each user, of all metrics that have such, next to each other: one product resamples them all.

    Parameters
    ----------
    states
        With `unit_sums`.
    units
        None: single users are resampled.
    """

    def __init__(self, states: Mapping[Finishing, Any], _world: World, units: Units | None) -> None:
        self.places: dict[Finishing, slice] = {}
        sums, kept = [], []
        patterns: dict[bytes, int] = {}  # few patterns of who counts are shared by many metrics
        self.pattern: dict[Finishing, int] = {}
        place = 0
        for metric, state in states.items():
            of_units, counted = state.unit_sums(units)
            sums.append(of_units)
            self.places[metric] = slice(place, place + of_units.shape[1])
            place += of_units.shape[1]
            key = counted.tobytes()
            if key not in patterns:
                patterns[key] = len(patterns)
                kept.append(counted)
            self.pattern[metric] = patterns[key]
        self.sums, self.counted = np.hstack(sums), np.column_stack(kept)

    def replicates(
        self, _weights: NDArray[np.int64], numbers: NDArray[np.float64]
    ) -> dict[Finishing, NDArray[np.float64]]:
        """Return the values where units count as often as is said, shape (replicates, units)."""
        totals, counted = weighted_sums(numbers, self.sums), weighted_sums(numbers, self.counted)
        return {
            metric: np.asarray(metric.finish(Totals(totals[:, places], counted[:, self.pattern[metric]])), np.float64)
            for metric, places in self.places.items()
        }


def weighted_sums(weights: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``weights @ columns``, of (replicates, rows) and (rows, n), with the same bits on any number of threads.

    The rows are cut so that no product is worth a second thread to a linear algebra library. Chunks of replicates are
    on threads already, and a library that spreads each of them once more took three times as long.
    """
    step = max(1, _SINGLE // max(1, len(weights) * columns.shape[1]))
    total = np.zeros((len(weights), columns.shape[1]))
    for start in range(0, len(columns), step):
        total += weights[:, start : start + step] @ columns[start : start + step]
    return total


class Compact:
    """Lists over the items that are shown at all, so that a replicate costs no walk over the catalogue.

    Attributes
    ----------
    slots : (slots,)
        What is counted apart: list lengths or ranks.
    shown : (items,)
        The items that are shown, strangers last.
    incidence : (slots * items, units)
        How often the lists of a unit show an item in a slot: its product with the multiplicities of units counts the
        showings, many replicates at a time.
    listed : (units,)
        How many non-empty lists each unit has.
    """

    def __init__(self, states: Mapping[Finishing, Any], world: World, units: Units | None) -> None:
        state = next(iter(states.values()))
        self.metrics = list(states)
        self.known = state.ranked is not None
        if self.known:
            self._fill(state.ranked, state, world, units)

    def _fill(self, ranked: Lists, like: Any, world: World, units: Units | None) -> None:
        self.world, self.by, self.grouped = world, like.by, units is not None
        lengths = np.minimum(ranked.lengths, np.int32(like.k))
        n_units = len(ranked) if units is None else units.n
        self.slots, lookup = slots_of(lengths, self.by)
        rows, ranks, listed = ranked.flat(like.k)
        self.shown, places = np.unique(ranked.items[listed], return_inverse=True)
        self.items = self.shown[: int(np.searchsorted(self.shown, like.n_known))]
        slots = lookup[ranks] if self.by == "rank" else lookup[lengths[rows]]
        self.shape = (len(self.slots), len(self.shown))
        owners = rows if units is None else units.codes[rows]
        cells = (slots * len(self.shown) + places.ravel(), owners)
        ones = np.ones(len(rows), np.float32 if len(ranked) < _EXACT else np.float64)
        self.incidence: sparse.csr_array[Any] = sparse.csr_array((ones, cells), (math.prod(self.shape), n_units))
        full = (lengths > 0).astype(np.int64)
        self.listed = full if units is None else np.bincount(units.codes, full, n_units).astype(np.int64)

    @classmethod
    def of(cls, ranked: Lists, like: Any, world: World) -> Compact:
        """Return those of some lists, counted as an exposure counts its own."""
        made = cls.__new__(cls)
        made.metrics, made.known = [], True
        made._fill(ranked, like, world, None)  # noqa: SLF001 - its own
        return made

    def cut(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        """Cut replicates into parts whose counts fit into memory."""
        step = at_once(math.prod(self.shape))
        return [rows[start : start + step] for start in range(0, len(rows), step)]

    def count(self, incidence: sparse.csr_array[Any], weights: NDArray[Any]) -> NDArray[np.int64]:
        """Return the showings in each slot, shape (replicates, slots, items), of units that count several times.

        Parameters
        ----------
        incidence : (slots * items, units)
            Of these slots and items.
        weights : (replicates, units)
            How often a unit counts; every sum is a whole number that its type can hold.
        """
        counts: NDArray[Any] = incidence @ weights.T.astype(incidence.dtype, order="C")
        return counts.T.astype(np.int64, order="C").reshape(len(weights), *self.shape)

    def showings(self, shown: NDArray[np.int64], lists: NDArray[np.int64], squares: NDArray[np.int64]) -> Showings:
        """Put counts of replicates together: showings, lists, and the sum of their squared multiplicities."""
        return Showings(self.world, shown, self.slots, self.by, lists, squares, self.items)

    def resample(self, weights: NDArray[np.int64]) -> Showings:
        """Count with multiplicities of the units, shape (replicates, units)."""
        shown = self.count(self.incidence, weights)
        if self.grouped:
            return self.showings(shown, weights @ self.listed, np.square(weights) @ self.listed)
        listed = weights if self.listed.all() else weights[:, self.listed > 0]
        squares = np.einsum("ru,ru->r", listed, listed)  # without a copy of the squares
        return self.showings(shown, listed.sum(axis=-1), squares)

    def replicates(
        self, weights: NDArray[np.int64], _numbers: NDArray[np.float64]
    ) -> dict[Finishing, NDArray[np.float64]]:
        """Return the values where units count as often as is said, shape (replicates, units); NaN without lists."""
        if not self.known:
            return {metric: np.full(len(weights), np.nan) for metric in self.metrics}
        parts = [
            [np.asarray(metric.finish(shown), np.float64) for metric in self.metrics]
            for shown in map(self.resample, self.cut(weights))
        ]
        return {metric: np.concatenate(values) for metric, *values in zip(self.metrics, *parts, strict=True)}


class ExchangedSums:
    """Sums over users: an exchange of the lists of a user moves her numbers from one system to the other.

    Attributes
    ----------
    differ : (users,)
        For whom an exchange changes anything.
    """

    def __init__(self, one: Any, other: Any, _world: World) -> None:
        (columns, counted), (others, further) = one.unit_sums(None), other.unit_sums(None)
        self._own, self._others = (np.column_stack(each) for each in ((columns, counted), (others, further)))
        self._change = self._others - self._own
        self.differ: Bools = np.asarray(self._change.any(axis=1))

    def pairs(self, swapped: Bools) -> Iterator[tuple[Totals, Totals]]:
        """Yield what the values of both systems are made of, where `swapped` is (exchanges, users)."""
        moved = weighted_sums(swapped.astype(np.float64), self._change)
        found = self._own.sum(axis=0) + moved, self._others.sum(axis=0) - moved
        one, other = (Totals(sums[..., :-1], sums[..., -1]) for sums in found)
        yield one, other


class ExchangedExposure:
    """Counts of two systems: the lists of one and then of the other are rows, and exchanged ones move.

    Only what differs in them is counted anew.

    Attributes
    ----------
    differ : (users,)
        For whom an exchange changes any count.
    """

    def __init__(self, one: Any, other: Any, world: World) -> None:
        n = one.n_rows
        hashes = np.union1d(one.hashes, other.hashes)
        ranked = Lists.join([_placed(each, hashes) for each in (one, other)])
        self.lists = Compact.of(ranked, one, world)
        rows = self.lists.incidence
        moved = rows[:, n:] - rows[:, :n]
        moved.eliminate_zeros()
        self.moved = moved
        listed = self.lists.listed
        self.listed = listed[n:] - listed[:n]
        # lists that hold the same items at other ranks differ in no count
        self.differ: Bools = np.bincount(moved.indices, minlength=n) > 0
        self.first, self.both = (
            self.lists.resample(row[None]) for row in (np.repeat([1, 0], n), np.ones(2 * n, np.int64))
        )

    def pairs(self, swapped: Bools) -> Iterator[tuple[Showings, Showings]]:
        """Yield what the values of both systems are made of, where `swapped` is (exchanges, users)."""
        for part in self.lists.cut(swapped):
            shown = self.first.shown + self.lists.count(self.moved, part)
            lists = np.repeat(self.first.lists, len(part))
            if self.listed.any():
                lists += np.where(part, self.listed, 0).sum(axis=1)
            rest = self.both.lists - lists
            yield self.lists.showings(shown, lists, lists), self.lists.showings(self.both.shown - shown, rest, rest)


def _placed(exposure: Any, hashes: NDArray[np.uint64]) -> Lists:
    """Return the lists of an exposure with strangers where their hashes stand among all of them."""
    ranked: Lists = exposure.ranked
    plain = Lists(ranked.starts, ranked.lengths, ranked.items, stride=ranked.stride)
    if not len(exposure.hashes):
        return plain
    n = exposure.n_known
    places = (n + np.searchsorted(hashes, exposure.hashes)).astype(np.int32)
    return plain.recode(np.concatenate([np.arange(n, dtype=np.int32), places]))
