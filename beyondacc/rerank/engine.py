"""Re-rankers that pick one item after the other: one engine, and a gain for each."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.distances import JACCARD, Distance
from beyondacc.distances.arrays import Listed, PairArrays, no_pairs
from beyondacc.kernels import greedy
from beyondacc.kernels.bench import Bench
from beyondacc.kernels.memory import Room, Sizes
from beyondacc.rerank.base import NORMALISATIONS, Picks, Reranker
from beyondacc.rerank.memory import Runner, Storage, runner_of
from beyondacc.rerank.taste import profile_rows
from beyondacc.types import Floats

__all__ = ["DistanceReranker", "GreedyReranker", "PairsReranker", "Storage", "constant_distances", "slots_for"]

_MANY: Final = 512  # candidates that show whether their distances differ
_SLOT_BYTES: Final = 2**26  # of distances that are kept for other weights


def slots_for(width: int, wanted: int) -> int:
    """Return how many rows of distances to keep: as many as wanted, if they are not too large."""
    return max(1, min(width, wanted, _SLOT_BYTES // (8 * max(1, width))))


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class GreedyReranker(Reranker):
    """A re-ranker whose next item is the one of the largest objective."""

    kernel: ClassVar[Callable[..., None]]
    """Its gain, see `beyondacc.kernels.jit.GAIN_SIGNATURE`; one that does not state with
    `beyondacc.kernels.memory.keeps` how much memory it uses has its indices checked."""

    @property
    def uses(self) -> int:
        """What the kernel reads, as in `beyondacc.kernels.greedy`."""
        raise NotImplementedError

    @property
    def whole(self) -> bool:
        """Whether the gain is the whole objective."""
        return False

    def _runner(self) -> Runner:
        """Return how the gain is run."""
        return runner_of(type(self).__name__, type(self).kernel)

    def _arrays(self, _run: Batch) -> PairArrays:
        """Return what distances, or item rows, are made of."""
        return no_pairs()

    def _storage(self, _run: Batch, _n: int, _k: int) -> Storage:
        """Declare what the gain reads and keeps for up to n candidates and k picks."""
        return Storage()

    def _by_user(self, _run: Batch, _rows: slice) -> NDArray[np.float64]:
        """Return the gain's numbers for some users, or a single row for all."""
        return np.empty((1, 0))

    def _look_at(self, room: Room, _bench: Bench) -> None:
        """Raise `SpecError` where the gain did what it must not do."""
        self._runner().look_at(room)

    def _parts(self, run: Batch, rows: slice) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Cut a block into parts whose tables of distances, or numbers of users, are not too large."""
        features = run.world.features
        if self.uses & greedy.FEATURES and features is not None:
            for part in profile_rows(rows, len(features.names)):
                yield part, np.empty((0, 0, 0))
        else:
            yield rows, np.empty((0, 0, 0))

    def _prepare(self, run: Batch) -> None:
        _ = self._runner().compiled
        self._arrays(run)
        self._by_user(run, slice(0, 0))

    def _select(self, run: Batch, rows: slice, relevance: Floats, weights: Floats, picks: Picks) -> None:
        width = run.ranked.width
        features = run.world.features if self.uses & greedy.FEATURES else None
        starts = np.zeros(1, np.int64) if features is None else features.starts
        ids = np.empty(0, np.int32) if features is None else features.ids
        most = int(np.diff(starts).max(initial=0))
        slots = 1
        if self.uses & greedy.DISTANCES and weights.shape[1] > 1:
            slots = slots_for(width, picks.positions.shape[2] * weights.shape[1])
        arrays, runner = self._arrays(run), self._runner()
        bench = arrays.bench(width, slots)
        storage = self._storage(run, width, picks.asked)
        numbers = np.ascontiguousarray(storage.numbers, np.float64)
        of_user = self._by_user(run, slice(rows.start, rows.start)).shape[1]
        room = runner.room(storage, Sizes(width, picks.asked, of_user, arrays.own_rows.shape[1], numbers))
        for part, tables in self._parts(run, rows):
            own = slice(part.start - rows.start, part.stop - rows.start)
            made = picks.block(own)
            greedy.greedy_rows(
                *arrays,
                tables,
                starts,
                ids,
                runner.compiled,
                self.uses,
                self.whole,
                self._by_user(run, part),
                numbers,
                room.inside,
                np.zeros(width + 1, np.int64),
                np.empty(width * most, np.int32),
                bench,
                run.lists[part],
                relevance[own],
                run.lengths[part],
                weights[own],
                NORMALISATIONS[str(self.normalize)],
                made.positions,
                made.selection,
            )
            self._look_at(room, bench)


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class DistanceReranker(GreedyReranker):
    """A greedy objective over distances to the items picked before.

    Parameters
    ----------
    distance
        Between two items; where one has no features the distance is 1.
    """

    distance: Distance = JACCARD

    @property
    def uses(self) -> int:
        """What the kernel reads."""
        return greedy.DISTANCES

    def _arrays(self, run: Batch) -> PairArrays:
        return self.distance.arrays(run)

    def _parts(self, run: Batch, rows: slice) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        return self.distance.parts(run, rows)

    def _look_at(self, room: Room, bench: Bench) -> None:
        self.distance.look_at(bench)
        super()._look_at(room, bench)

    def _why_constant(self, run: Batch, k: int) -> str:
        return constant_distances(self.distance, run) or super()._why_constant(run, k)


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class PairsReranker(Reranker):
    """A re-ranker with a kernel of its own over the distances between the candidates of a list.

    Parameters
    ----------
    distance
        Between two items; where one has no features the distance is 1.
    """

    distance: Distance = JACCARD

    kernel: ClassVar[Callable[..., None]]
    """Takes the arrays of a distance, tables, lists, scores, lengths, weights, normalisation, a bench, what `_further`
    returns, picks and selection."""

    @abstractmethod
    def _slots(self, width: int, picks: Picks) -> int:
        """Return for how many candidates there is room to keep distances."""

    def _further(self, _width: int) -> tuple[Any, ...]:
        """Return what else the kernel takes."""
        return ()

    def _prepare(self, run: Batch) -> None:
        self.distance.arrays(run)

    def _select(self, run: Batch, rows: slice, relevance: Floats, weights: Floats, picks: Picks) -> None:
        width, how = run.ranked.width, NORMALISATIONS[str(self.normalize)]
        arrays = self.distance.arrays(run)
        bench = arrays.bench(width, self._slots(width, picks))
        further = self._further(width)
        for part, tables in self.distance.parts(run, rows):
            own = slice(part.start - rows.start, part.stop - rows.start)
            lists = (run.lists[part], relevance[own], run.lengths[part], weights[own])
            made = picks.block(own)
            type(self).kernel(*arrays, tables, *lists, how, bench, *further, made.positions, made.selection)
            self.distance.look_at(bench)

    def _why_constant(self, run: Batch, k: int) -> str:
        return constant_distances(self.distance, run) or super()._why_constant(run, k)


def constant_distances(chosen: Distance, run: Batch) -> str | None:
    """Say what the distances inside the lists are where they make no difference, or None where they differ."""
    width = min(run.ranked.width, _MANY)
    rows = slice(0, max(1, _SLOT_BYTES // (8 * width**2)))
    lengths = np.minimum(run.lengths[rows], width)
    listed = Listed(run.ranked.pad(rows, width), lengths, width, run.users[rows])
    found = chosen.tables(run, listed)
    pairs = (np.arange(width) < lengths[:, None, None]) & (np.arange(width)[:, None] < lengths[:, None, None])
    pairs[:, np.arange(width), np.arange(width)] = False
    if np.isnan(found[pairs]).all():
        return f"no two candidates of a list have a {chosen} distance, so that all count as 1 apart"
    found[np.isnan(found)] = 1.0
    if found[pairs].max() <= 1e-12:
        return f"all candidates of a list are alike, their {chosen} distance is 0: one cluster"
    spread = np.where(pairs, found, -np.inf).max(axis=(1, 2)) - np.where(pairs, found, np.inf).min(axis=(1, 2))
    return f"the {chosen} distance does not tell the candidates of a list apart" if spread.max() <= 1e-12 else None
