"""From a distance and a run to numbers: distances inside each list, and to each user's profile."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch, Inputs, row_sizes
from beyondacc.cooccurrence import shared_to_profile
from beyondacc.data.dataset import Dataset
from beyondacc.data.matrix import Matrix
from beyondacc.data.once import once
from beyondacc.data.profiles import Profiles
from beyondacc.data.world import World
from beyondacc.distances import Distance, missing_for
from beyondacc.errors import DataError, SpecError
from beyondacc.kernels import columns, distance as kinds, jit, pairwise, sets, tables
from beyondacc.kernels.bench import Bench, make_bench
from beyondacc.run.local import map_parts, n_threads
from beyondacc.types import Bits, Bools, Floats, ItemIds, UserIds

__all__ = [
    "PairArrays",
    "double_rows",
    "has_row",
    "inside",
    "item_rows",
    "looked_up",
    "no_pairs",
    "pair_arrays",
    "pair_tables",
    "refuse_own",
    "scaled_rows",
    "table_rows",
    "to_profile",
]

_TABLE_BYTES: Final = 2**28  # of the tables that are there at a time
_CACHE_BYTES: Final = 2**20  # of tables that are cheap to begin anew: what follows finds them in the cache
_ROWS_BYTES: Final = 2**31  # of features as dense rows
_MOST: Final = {4: 2.0**30, 8: 2.0**300}  # by the bytes of a number: what can be multiplied without care
_NO_BITS = np.empty((0, 0), np.uint64)
_NO_ROWS = np.empty((0, 0))
_COLUMNS: Final = {"cooccurrence": columns.COOCCURRENCE, "npmi": columns.NPMI, "pearson": columns.PEARSON}


class PairArrays(NamedTuple):
    """What `kernels.distance` reads, in its order."""

    kind: int
    factor: float
    bits: Bits
    sizes: Floats
    vectors: Floats
    own_rows: Floats
    own: Any

    def bench(self, width: int, slots: int) -> Bench:
        """Make room to compare up to `width` items in, with rows for the distances of up to `slots` of them."""
        size = self.own_rows.shape[1]
        spare = 0 if self.own is jit.no_distance() else 2 * size + jit.OWN_SPARE
        return make_bench(width, slots, self.bits, self.vectors, self.own_rows, spare)


def refuse_own(chosen: Any, bench: Bench) -> None:
    """Raise the error of a distance that is a user's own function, if it failed while a kernel used this bench."""
    if not isinstance(chosen, Distance) or chosen.own is None:
        return
    size = (bench.own_local.shape[1] - jit.OWN_SPARE) // 3
    for row in bench.own_local[np.flatnonzero(bench.own_local[:, size])[:1]]:
        one, other = row[size + jit.OWN_SPARE :].reshape(2, size)
        chosen.refuse(one, other, None if row[size] == jit.RAISED else float(row[size + 1]))


def pair_arrays(chosen: Distance, run: Batch) -> PairArrays:
    """Return the arrays of a distance for the items of a run; those of a looked up one are empty.

    Raises
    ------
    SpecError
        If the dataset lacks what the distance needs.
    DataError
        If a matrix does not fit the dataset, or features are too many for rows of numbers.
    """
    if lack := missing_for(chosen, run.data):
        raise SpecError(f"distance {chosen} needs {lack}")
    if chosen.on in {"train", "ratings", "matrix"}:
        if chosen.matrix is not None:
            _places(run.world, chosen.matrix, len(run.data.items))
        return PairArrays(kinds.TABLE, 1.0, _NO_BITS, np.empty(0), _NO_ROWS, _NO_ROWS, chosen.compiled)
    features = run.world.features
    if chosen.own is not None:
        _, sizes = scaled_rows(run.world)
        return PairArrays(kinds.OWN, 1.0, _NO_BITS, sizes, _NO_ROWS, double_rows(run.world), chosen.compiled)
    halved = 0.5 if chosen.values.get("half") else 1.0
    as_sets = run.world.vectors is None and features is not None and features.weights is None
    if features is not None and (chosen.on == "sets" or (as_sets and chosen.name == "cosine")):
        kind, factor = kinds.COSINE_SETS, halved
        if chosen.name == "jaccard":
            kind = kinds.JACCARD
        elif chosen.name == "hamming":
            kind = kinds.HAMMING
            factor = 1.0 / max(1, len(features.names)) if chosen.values["normalized"] else 1.0
        return PairArrays(kind, factor, features.bits, features.sizes, _NO_ROWS, _NO_ROWS, chosen.compiled)
    scaled, sizes = scaled_rows(run.world)
    if chosen.name == "euclidean":
        return PairArrays(kinds.EUCLIDEAN, 1.0, _NO_BITS, sizes, item_rows(run.world), _NO_ROWS, chosen.compiled)
    kind = kinds.COSINE_CLIPPED if chosen.values["clip"] else kinds.COSINE_VECTORS
    return PairArrays(kind, halved, _NO_BITS, sizes, scaled, _NO_ROWS, chosen.compiled)


class Looked(NamedTuple):
    """What `kernels.sets` reads, in its order."""

    table: Floats
    base: int
    bits: Bits
    sizes: Floats


def looked_up(arrays: PairArrays, run: Batch) -> Looked | None:
    """Return a table of the distances of sets, where each is a word and none is large."""
    features = run.world.features
    if arrays.kind > kinds.HAMMING or arrays.bits.shape[1] != 1 or features is None or features.most > sets.MOST:
        return None
    table = _distances_of_sets(run.world, arrays.kind, arrays.factor, features.most)
    return Looked(table, features.most + 1, arrays.bits, arrays.sizes)


@once
def _distances_of_sets(_world: World, kind: int, factor: float, most: int) -> Floats:
    table = np.empty((most + 1) ** 3)
    sets.fill(kind, factor, most, table)
    return table


def item_rows(world: World) -> Floats:
    """Return a row of numbers for each item: its vector, else its weighted features, else zeros and ones."""
    return _dense(world) if world.vectors is None else world.vectors


@once
def _dense(world: World) -> Floats:
    features = world.features
    assert features is not None  # noqa: S101 - what is needed was checked
    shape = (len(features.bits), len(features.names))
    if 8 * shape[0] * shape[1] > _ROWS_BYTES:
        raise DataError(
            f"{shape[0]:,} items with {shape[1]:,} features are too many for rows of numbers; "
            "pass vectors= of fewer dimensions, or take distance=jaccard"
        )
    rows = np.zeros(shape)
    of_item = np.repeat(np.arange(shape[0]), np.diff(features.starts))
    rows[of_item, features.ids] = 1.0 if features.weights is None else features.weights
    return rows


@once
def scaled_rows(world: World) -> tuple[Floats, Floats]:
    """Return rows whose products neither overflow nor vanish, and their reciprocal norms, 0 for rows of zeros."""
    rows = item_rows(world)
    most = _MOST[rows.dtype.itemsize]
    largest = np.maximum(rows.max(axis=1, initial=0), -rows.min(axis=1, initial=0))
    extreme = (largest > most) | ((largest < 1 / most) & (largest > 0))
    if extreme.any():  # a power of two changes nothing but the size
        rows = rows.copy()
        rows[extreme] = np.ldexp(rows[extreme], -np.frexp(largest[extreme])[1][:, None])
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return rows, np.divide(1.0, norms, out=np.zeros(len(norms)), where=norms > 0)


@once
def _places(world: World, matrix: Matrix, known: int) -> ItemIds:
    """Return the row of a matrix for each item, -1 where it has none; `known` of them are those of the dataset."""
    return matrix.places(world.items, known)


@once
def _has_row(world: World, matrix: Matrix, known: int) -> Bools:
    some = np.append(~np.isnan(matrix.numbers).all(axis=1), False)
    found: Bools = some[_places(world, matrix, known)]
    return found


def has_row(matrix: Matrix, run: Batch) -> Bools:
    """Tell which items of a run have any distance in a matrix."""
    return _has_row(run.world, matrix, len(run.data.items))


def _columns(chosen: Distance, run: Batch) -> tuple[int, tuple[Any, ...]]:
    """Return the kind of a distance and what `kernels.columns` reads of the training rows, in its order."""
    train, (item_starts, item_users) = run.train, run.data.by_item
    n_users = run.world.n_train_users
    kind = _COLUMNS.get(chosen.name)
    if kind is None:
        kind = columns.COSINE if chosen.values["support"] == "all" else columns.COMMON_COSINE
    if chosen.on == "train":
        none = np.zeros(1)
        return kind, (train.starts, train.items, none, item_starts, item_users, none, none, n_users)
    center = "shift" if chosen.name == "pearson" else chosen.values["center"]
    values, by_item, norms = _centred_columns(run.data, center)
    return kind, (train.starts, train.items, values, item_starts, item_users, by_item, norms, n_users)


@once
def _centred_columns(data: Dataset, center: str | None) -> tuple[Floats, Floats, Floats]:
    """Return the centred training values, the same item by item, and the norm of each item's."""
    train = data.train
    assert train is not None  # noqa: S101 - what is needed was checked
    values = _centred(train, center)
    norms = np.sqrt(np.bincount(train.items, np.square(values), len(data.items)))
    return values, values[np.argsort(train.items, kind="stable")], norms


def _centred(train: Profiles, center: str | None) -> Floats:
    """Take the user's or the item's mean from each training value; what is left but for rounding is 0.

    ``shift`` takes the item's least value, which no correlation sees, but which keeps digits and is exact for ratings.
    """
    values = train.values
    if center is None or not len(values):
        return values
    if center == "shift":
        least = np.full(int(train.items.max()) + 1, np.inf)
        np.minimum.at(least, train.items, values)
        return np.asarray(values - least[train.items])
    groups = train.items if center == "item" else np.repeat(np.arange(len(train.sizes)), train.sizes)
    sizes = np.bincount(groups)
    means = np.divide(np.bincount(groups, values), sizes, out=np.zeros(len(sizes)), where=sizes > 0)[groups]
    left: Floats = values - means
    rounding = 1e-12 + np.finfo(np.float64).eps * sizes[groups]  # of a sum of so many numbers
    left[np.abs(left) <= rounding * np.maximum(np.abs(values), np.abs(means))] = 0.0
    return left


def pair_tables(
    chosen: Distance, run: Batch, lists: ItemIds, lengths: NDArray[np.int32], *, users: UserIds, k: int
) -> NDArray[np.float64]:
    """Return the distances inside each list, shape (rows, k, k), NaN where there is none or where a list ends.

    Raises
    ------
    SpecError, DataError
        As `pair_arrays`.
    """
    width = min(k, lists.shape[1])
    found = np.full((len(lists), width, width), np.nan)
    arrays = pair_arrays(chosen, run)
    if chosen.matrix is not None:
        tables.matrix_rows(
            chosen.matrix.numbers, _places(run.world, chosen.matrix, len(run.data.items)), lists, lengths, k, found
        )
    elif arrays.kind == kinds.TABLE:
        kind, train = _columns(chosen, run)
        everything = (0, len(run.data.items) + 1)
        into: tuple[Any, ...] = (
            *everything,
            False,
            found,
            np.empty((0, 0)),
            np.empty((0, 0)),
            np.empty((0, 0), np.int64),
        )
        columns.column_rows(kind, lists, lengths, k, users, *train, *into)
    elif looked := looked_up(arrays, run):
        sets.pair_rows(*looked, lists, lengths, k, found)
    else:
        bench = arrays.bench(lists.shape[1], 1)
        pairwise.pair_rows(*arrays, lists, lengths, k, bench, found)
        refuse_own(chosen, bench)
    return found


def table_rows(n_rows: int, width: int, most: int = _TABLE_BYTES) -> Iterator[slice]:
    """Cut rows so that their tables stay small."""
    step = max(1, most // (8 * max(1, width) ** 2))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def inside(chosen: Distance, inputs: Inputs, k: int) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield the distances inside the first k of each list, some rows at a time."""
    # those of training rows go through the profiles of all listed items, for few lists as for many
    most = _TABLE_BYTES if chosen.on in {"train", "ratings"} else _CACHE_BYTES
    for rows in table_rows(len(inputs), min(k, inputs.lists.shape[1]), most):
        lists, lengths, users = inputs.lists[rows], inputs.lengths[rows], inputs.users[rows]
        yield rows, pair_tables(chosen, inputs.batch, lists, lengths, users=users, k=k)


class ToProfile(NamedTuple):
    """Distances of the first k items of each list to the user's profile, each of shape (rows, k).

    Attributes
    ----------
    least
        To the nearest item, NaN where there is no distance.
    total, counted
        Sum and number of distances.
    """

    least: NDArray[np.float64]
    total: NDArray[np.float64]
    counted: NDArray[np.int64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean distance, NaN where there is none."""
        mean = np.full(self.total.shape, np.nan)
        np.divide(self.total, self.counted, out=mean, where=self.counted > 0)
        return mean


def to_profile(chosen: Distance, inputs: Inputs, k: int, missing: str = "skip") -> ToProfile:
    """Return the distances to the profile; `missing` says what a pair without a distance counts: skip, one or zero."""
    return _to_profile(inputs, chosen, k, missing)


@once
def _columns_to_profile(run: Batch, chosen: Distance, k: int) -> tuple[NDArray[Any], ...]:
    """Go through the items of the whole run at once: a part of the rows would show nearly all of them, too."""
    if chosen.on == "train":
        return shared_to_profile(run, k, logs=chosen.name == "npmi")
    lists = run.ranked.pad(k=k)
    shape = lists.shape
    found = (np.full(shape, np.inf), np.zeros(shape), np.zeros(shape, np.int64))
    kind, train = _columns(chosen, run)
    no_table = np.empty((0, 0, 0))
    sizes = run.train.sizes
    effort = np.bincount(run.train.items, np.repeat(sizes, sizes), len(run.data.items))
    ends = np.cumsum(np.append(effort, 1.0))
    n_parts = 8 * n_threads()
    cuts = np.unique(np.searchsorted(ends, ends[-1] * np.arange(1, n_parts) / n_parts))
    cuts = np.unique([0, *cuts.tolist(), len(ends)])

    def work(first: int, last: int) -> None:
        into: tuple[Any, ...] = (*train, first, last, True, no_table, *found)
        columns.column_rows(kind, lists, run.lengths, k, run.users, *into)

    map_parts(work, list(itertools.pairwise(cuts.tolist())))
    return found


@once
def _to_profile(inputs: Inputs, chosen: Distance, k: int, missing: str) -> ToProfile:
    run, train = inputs.batch, inputs.batch.train
    shape = (len(inputs), min(k, inputs.lists.shape[1]))
    least, total = np.full(shape, np.inf), np.zeros(shape)
    counted = np.zeros(shape, np.int64)
    arrays = pair_arrays(chosen, run)
    lists, lengths, users = inputs.lists, inputs.lengths, inputs.users
    found = (least, total, counted)
    profile = (users, train.starts, train.items)
    if chosen.matrix is not None:
        places = _places(run.world, chosen.matrix, len(run.data.items))
        tables.matrix_profile_rows(chosen.matrix.numbers, places, lists, lengths, k, *profile, *found)
    elif arrays.kind == kinds.TABLE:
        whole = _columns_to_profile(run, chosen, k)
        least, total, counted = (each[inputs.rows].copy() for each in whole)
    elif looked := looked_up(arrays, run):
        sets.profile_rows(*looked, lists, lengths, k, *profile, int(row_sizes(train, users).max(initial=0)), *found)
    else:
        longest = int(row_sizes(train, users).max(initial=0))
        bench = arrays.bench(longest + lists.shape[1], 1)
        pairwise.profile_rows(*arrays, lists, lengths, k, *profile, bench, *found)
        refuse_own(chosen, bench)
    if missing != "skip":
        counts = 1.0 if missing == "one" else 0.0
        sizes = row_sizes(train, users)[:, None]
        within = np.arange(shape[1]) < inputs.lengths[:, None]
        absent = np.where(within, sizes - counted, 0)
        least = np.where(absent > 0, np.minimum(least, counts), least)
        total = total + counts * absent
        counted = counted + absent
    least[counted == 0] = np.nan
    return ToProfile(least, total, counted)


def no_pairs(own_rows: Floats | None = None) -> PairArrays:
    """Return arrays without any distance, at most with rows of numbers to put on a kernel's bench."""
    kind, rows = (kinds.TABLE, _NO_ROWS) if own_rows is None else (kinds.OWN, own_rows)
    return PairArrays(kind, 1.0, _NO_BITS, np.ones(len(rows)), _NO_ROWS, rows, jit.no_distance())


@once
def double_rows(world: World) -> NDArray[np.float64]:
    """Return `item_rows` as float64."""
    return np.ascontiguousarray(item_rows(world), np.float64)
