"""Re-rankers that pick one item after the other: one engine, and a gain for each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.distances import JACCARD, Distance
from beyondacc.errors import DataError, SpecError
from beyondacc.kernels import distance as kinds, greedy, jit, memory, own_gains
from beyondacc.pairs import PairArrays, no_pairs, pair_arrays, pair_tables, refuse_own, table_rows
from beyondacc.rerank.base import NORMALISATIONS, Picks, Reranker
from beyondacc.rerank.taste import profile_rows
from beyondacc.types import Floats

__all__ = ["DistanceReranker", "GreedyReranker", "Storage", "slots_for", "tables_of"]

_TABLE_BYTES: Final = 2**29  # of the distances inside one list
_MANY: Final = 512  # candidates that show whether their distances differ
_SLOT_BYTES: Final = 2**26  # of distances that are kept for other weights

NOTHING = np.empty(0)


class Storage(NamedTuple):
    """What a re-ranker declares for its gain.

    Attributes
    ----------
    numbers
        What the gain reads, the same for everybody.
    memory
        How many numbers it keeps; by default as many as the kernel states (`beyondacc.kernels.memory.keeps`), or none
        where it states nothing.
    """

    numbers: NDArray[np.float64] = NOTHING
    memory: int | None = None


def slots_for(width: int, wanted: int) -> int:
    """Return how many rows of distances to keep: as many as wanted, if they are not too large."""
    return max(1, min(width, wanted, _SLOT_BYTES // (8 * max(1, width))))


def tables_of(
    chosen: Distance, arrays: PairArrays, run: Batch, rows: slice
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield the rows of a block with the distances inside their lists, which are empty where kernels work them out."""
    if arrays.kind != kinds.TABLE:
        yield rows, np.empty((0, 0, 0))
        return
    width = run.ranked.width
    if 8 * width**2 > _TABLE_BYTES:
        user = run.ids[[int(run.lengths.argmax())]].tolist()[0]  # as Python writes it
        raise DataError(
            f"user {user!r} has {width:,} candidates, and distance {chosen} needs a table of all their pairs, "
            f"{8 * width**2 / 2**30:.1f} GiB; give at most {math.isqrt(_TABLE_BYTES // 8):,} candidates, such as "
            "candidates.top(1000), or take a distance of the items' features"
        )
    for cut in table_rows(rows.stop - rows.start, width):
        part = slice(rows.start + cut.start, rows.start + cut.stop)
        lists, lengths, users = run.lists[part], run.lengths[part], run.users[part]
        yield part, pair_tables(chosen, run, lists, lengths, users=users, k=width)


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class GreedyReranker(Reranker):
    """A re-ranker whose next item is the one of the largest objective."""

    kernel: ClassVar[Callable[..., None]]
    """Its kernel, see `beyondacc.kernels.jit.GAIN_SIGNATURE`; one that does not state with
    `beyondacc.kernels.memory.keeps` how much memory it uses has its indices checked."""

    @property
    def uses(self) -> int:
        """What the kernel reads, as in `beyondacc.kernels.greedy`."""
        raise NotImplementedError

    @property
    def whole(self) -> bool:
        """Whether the gain is the whole objective."""
        return False

    def _compiled(self) -> Any:
        kernel: Any = type(self).kernel
        return jit.gain(kernel) if hasattr(kernel, "keeps") else own_gains.foreign_gain(kernel)

    def _arrays(self, _run: Batch) -> PairArrays:
        """Return what distances, or item rows, are made of."""
        return no_pairs()

    def _storage(self, _run: Batch, _n: int, _k: int) -> Storage:
        """Declare what the gain reads and keeps for up to n candidates and k picks."""
        return Storage()

    def _by_user(self, _run: Batch, _rows: slice) -> NDArray[np.float64]:
        """Return the gain's numbers for some users, or a single row for all."""
        return np.empty((1, 0))

    def _room(self, storage: Storage, sizes: memory.Sizes) -> memory.Room:
        """Make room for what the gain keeps; raises `SpecError` where less is declared than it states that it uses."""
        kernel, size = type(self).kernel, storage.memory
        stated: memory.Keeps | None = getattr(kernel, "keeps", None)
        name = f"{type(self).__name__}, whose gain is {kernel.__name__},"
        if size is not None and (type(size) is not int or size < 0):
            raise SpecError(f"{name} declares a memory of {size!r}; it must be a whole number >= 0")
        if stated is None:
            return memory.foreign_room(size or 0)
        if len(storage.numbers) < stated.numbers:
            raise SpecError(
                f"{name} declares {len(storage.numbers)} numbers, of which the gain reads {stated.numbers}; "
                "declare all of them"
            )
        needed = stated.memory(sizes)
        if size is not None and size < needed:
            raise SpecError(
                f"{name} declares a memory of {size:,} numbers, of which the gain uses {needed:,} for {sizes.n} "
                f"candidates and {sizes.k} picks; declare as many, or None, which is what it uses"
            )
        return memory.guarded(needed if size is None else size)

    def _look_at(self, room: memory.Room) -> None:
        """Raise `SpecError` where the gain did what it must not do."""
        kernel, done = type(self).kernel, room.inside
        name = f"gain {kernel.__name__} of {type(self).__name__}"
        foreign = not hasattr(kernel, "keeps")
        if room.written_around or (foreign and done[0] == memory.ASTRAY):
            raise SpecError(f"{name} wrote outside of the memory that is declared; it must stay within its arrays")
        if foreign and done[0] == memory.FAILED:
            raise SpecError(
                f"{name} raised an error at step {int(done[1])} with {int(done[2])} candidates, as where it reads or "
                f"writes outside of its arrays; {memory.foreign_size(room):,} numbers of memory are declared"
            )
        if foreign and done[0] == memory.INFINITE:
            raise SpecError(
                f"{name} made a term that is not finite at step {int(done[1])}; terms of what is left must be finite"
            )

    def _parts(self, run: Batch, rows: slice) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Cut a block into parts whose tables of distances, or numbers of users, are not too large."""
        features = run.world.features
        if self.uses & greedy.FEATURES and features is not None:
            for part in profile_rows(rows, len(features.names)):
                yield part, np.empty((0, 0, 0))
        else:
            yield rows, np.empty((0, 0, 0))

    def _prepare(self, run: Batch) -> None:
        self._compiled()
        self._arrays(run)
        self._by_user(run, slice(0, 0))

    def _select(self, run: Batch, rows: slice, relevance: Floats, weights: Floats, picks: Picks) -> None:
        width = run.ranked.width
        features = run.world.features if self.uses & greedy.FEATURES else None
        starts = np.zeros(1, np.int64) if features is None else features.starts
        ids = np.empty(0, np.int32) if features is None else features.ids
        most = int(np.diff(starts).max(initial=0))
        slots = 1
        if self.uses & greedy.PAIRS:
            slots = width
        elif self.uses & greedy.DISTANCES and weights.shape[1] > 1:
            slots = slots_for(width, picks.positions.shape[2] * weights.shape[1])
        arrays = self._arrays(run)
        bench = arrays.bench(width, slots)
        storage = self._storage(run, width, picks.asked)
        numbers = np.ascontiguousarray(storage.numbers, np.float64)
        of_user = self._by_user(run, slice(rows.start, rows.start)).shape[1]
        sizes = memory.Sizes(width, picks.asked, of_user, arrays.own_rows.shape[1], numbers)
        room = self._room(storage, sizes)
        for part, tables in self._parts(run, rows):
            own = slice(part.start - rows.start, part.stop - rows.start)
            made = picks.block(own)
            greedy.greedy_rows(
                *arrays,
                tables,
                starts,
                ids,
                self._compiled(),
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
            refuse_own(getattr(self, "distance", None), bench)
            self._look_at(room)


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
        return pair_arrays(self.distance, run)

    def _parts(self, run: Batch, rows: slice) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        return tables_of(self.distance, self._arrays(run), run, rows)

    def _why_constant(self, run: Batch, k: int) -> str:
        return constant_distances(self.distance, run) or super()._why_constant(run, k)


def constant_distances(chosen: Distance, run: Batch) -> str | None:
    """Say what the distances inside the lists are where they make no difference, or None where they differ."""
    width = min(run.ranked.width, _MANY)
    rows = slice(0, max(1, _SLOT_BYTES // (8 * width**2)))
    lengths = np.minimum(run.lengths[rows], width)
    found = pair_tables(chosen, run, run.ranked.pad(rows, width), lengths, users=run.users[rows], k=width)
    pairs = (np.arange(width) < lengths[:, None, None]) & (np.arange(width)[:, None] < lengths[:, None, None])
    pairs[:, np.arange(width), np.arange(width)] = False
    if np.isnan(found[pairs]).all():
        return f"no two candidates of a list have a {chosen} distance, so that all count as 1 apart"
    found[np.isnan(found)] = 1.0
    if found[pairs].max() <= 1e-12:
        return f"all candidates of a list are alike, their {chosen} distance is 0: one cluster"
    spread = np.where(pairs, found, -np.inf).max(axis=(1, 2)) - np.where(pairs, found, np.inf).min(axis=(1, 2))
    return f"the {chosen} distance does not tell the candidates of a list apart" if spread.max() <= 1e-12 else None
