"""What a distance is: its name and parameters, and the kernels that it brings; all that are known by name.

Metrics and re-rankers call its methods. Which kernel computes what, and from what, is for each kind of distance to
know: a kind is a subclass, and a further built-in distance is one more class in the module of its kind.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeVar, dataclass_transform
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch, Inputs
from beyondacc.data.dataset import Dataset
from beyondacc.data.once import once
from beyondacc.declare.catalogue import Packages
from beyondacc.declare.names import parse_call
from beyondacc.declare.params import Param, bind, format_call, parameters
from beyondacc.distances.arrays import Listed, Missing, PairArrays, ToProfile, no_pairs, table_rows
from beyondacc.errors import DataError, SpecError, choices
from beyondacc.kernels import pairwise, tables
from beyondacc.kernels.bench import Bench
from beyondacc.run.forks import Lock
from beyondacc.types import Bools, Floats

__all__ = ["DISTANCES", "POLICIES", "TABLE_BYTES", "Distance", "Known", "declare"]

POLICIES: Final = {"skip": pairwise.SKIP, "one": pairwise.ONE, "zero": pairwise.ZERO}
TABLE_BYTES: Final = 2**28  # of the tables that are there at a time
_LONGEST_BYTES: Final = 2**29  # of the distances inside one list
_CACHE_BYTES: Final = 2**20  # of tables that are cheap to begin anew: what follows finds them in the cache

D = TypeVar("D", bound="Distance")


class Distance(ABC):
    """A symmetric distance between two items, with its parameters set; equal to any other that computes the same.

    Attributes
    ----------
    name
        As in ``ild(distance=NAME)``.
    title, cite
        For tables.
    params
        Its parameters.
    needs
        What it is computed from, for listings; None where that is not the dataset's.
    table_bytes
        How large the tables are that are there at a time.
    """

    name: str
    title: str
    cite: str
    params: Mapping[str, Param] = MappingProxyType({})

    needs: ClassVar[str | None] = None
    table_bytes: ClassVar[int] = _CACHE_BYTES

    @property
    @abstractmethod
    def upper(self) -> float:
        """The largest value it can take."""

    @property
    def values(self) -> Mapping[str, Any]:
        """The values of its parameters."""
        return MappingProxyType({each: getattr(self, each) for each in self.params})

    @property
    def declaring(self) -> Callable[..., Any]:
        """The function or class that it is declared by."""
        return type(self)

    def __str__(self) -> str:
        return format_call(self.name, self.params, self.values)

    def __repr__(self) -> str:
        return f"<distance {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Distance) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __deepcopy__(self, _memo: Any) -> Distance:
        return self  # nothing in it changes

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.name, dict(self.values))

    @property
    def _key(self) -> tuple[Any, ...]:
        return (self.name, tuple(self.values.items()))

    def __call__(self, _one: Floats, _other: Floats) -> float:
        """Return the distance of two rows, for trying out a distance of one's own."""
        raise SpecError(f"distance {self} is computed on encoded items; pass it to a metric or re-ranker")

    @classmethod
    def describe(cls) -> str:
        """Say what is allowed, for messages."""
        return f"{choices(DISTANCES.names())}, a matrix, or a function of two feature rows (see beyondacc.distance)"

    @classmethod
    def parse(cls, value: Any) -> Distance | None:
        """Return the distance of that name, function or matrix, or None where there is no such."""
        return DISTANCES.read(value)

    # what a kind of distance brings

    @abstractmethod
    def missing(self, data: Dataset) -> str | None:
        """Say what a dataset lacks for it, or None where it has it."""

    @abstractmethod
    def present(self, batch: Batch) -> Bools:
        """Tell which items can have a distance to another at all, shape (items,)."""

    def _arrays(self, _batch: Batch) -> PairArrays:
        """Return the arrays by which kernels compare candidates; by default they look distances up in tables."""
        return no_pairs()

    @abstractmethod
    def _tables(self, batch: Batch, listed: Listed, found: NDArray[np.float64]) -> None:
        """Write the distances inside the lists, shape (rows, k, k), which are NaN so far."""

    @abstractmethod
    def _to_profile(self, inputs: Inputs, k: int) -> ToProfile:
        """Return the distances to the profile, infinite where there is no least one."""

    def _mean_inside(self, inputs: Inputs, k: int, missing: Missing, alone: float) -> NDArray[np.float64]:
        """Return the means inside the lists; by default from the tables of their pairs."""
        return self.mean_and_count(inputs, k, missing, alone)[0]

    def look_at(self, _bench: Bench) -> None:
        """Raise what went wrong while a kernel compared items on this bench: by default nothing can."""
        return

    # what metrics and re-rankers call

    def arrays(self, batch: Batch) -> PairArrays:
        """Return what kernels read that compare candidates: of the items, or nothing where they look distances up.

        Raises
        ------
        SpecError
            If the dataset lacks what the distance needs.
        DataError
            If a matrix does not fit the dataset, or features are too many for rows of numbers.
        """
        self._check(batch)
        return self._arrays(batch)

    def parts(self, batch: Batch, rows: slice) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Cut rows of a batch into those whose tables of distances kernels look up at a time.

        Yields
        ------
        slice
            Some rows.
        ndarray, (rows, n, n)
            The distances inside their lists, or (0, 0, 0) where kernels work them out from `arrays`.

        Raises
        ------
        DataError
            If a list is too long for a table.
        """
        width = batch.ranked.width
        if 8 * width**2 > _LONGEST_BYTES:
            user = batch.ids[[int(batch.lengths.argmax())]].tolist()[0]  # as Python writes it
            raise DataError(
                f"user {user!r} has {width:,} candidates, and distance {self} needs a table of all their pairs, "
                f"{8 * width**2 / 2**30:.1f} GiB; give at most {math.isqrt(_LONGEST_BYTES // 8):,} candidates, such as "
                "candidates.top(1000), or take a distance of the items' features"
            )
        for cut in table_rows(rows.stop - rows.start, width, TABLE_BYTES):
            part = slice(rows.start + cut.start, rows.start + cut.stop)
            yield part, self.tables(batch, Listed(batch.lists[part], batch.lengths[part], width, batch.users[part]))

    def _check(self, batch: Batch) -> None:
        if lack := self.missing(batch.data):
            raise SpecError(f"distance {self} needs {lack}")

    def tables(self, batch: Batch, listed: Listed) -> NDArray[np.float64]:
        """Return the distances inside each list, shape (rows, k, k), NaN where there is none or where a list ends.

        Raises
        ------
        SpecError, DataError
            As `arrays`.
        """
        self._check(batch)
        found = np.full((len(listed.lists), listed.width, listed.width), np.nan)
        self._tables(batch, listed, found)
        return found

    def inside(self, inputs: Inputs, k: int) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Yield the distances inside the first k of each list as `tables` does, for some rows at a time."""
        for rows in table_rows(len(inputs), min(k, inputs.lists.shape[1]), self.table_bytes):
            listed = Listed(inputs.lists[rows], inputs.lengths[rows], k, inputs.users[rows])
            yield rows, self.tables(inputs.batch, listed)

    def mean_and_count(
        self, inputs: Inputs, k: int, missing: Missing, alone: float = math.nan
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the mean distance over the pairs of the first k of each list, and how many pairs that is.

        Parameters
        ----------
        missing
            What a pair counts that has no distance: ``skip`` it, distance ``one`` or ``zero``.
        alone
            The mean of a list of one item.
        """
        means, counted = np.empty(len(inputs)), np.empty(len(inputs), np.int64)
        for rows, table in self.inside(inputs, k):
            tables.mean_rows(table, inputs.lengths[rows], k, POLICIES[missing], alone, means[rows], counted[rows])
        return means, counted

    def mean_inside(self, inputs: Inputs, k: int, missing: Missing, alone: float = math.nan) -> NDArray[np.float64]:
        """Return the mean of `mean_and_count` but for rounding, in the fastest way there is."""
        self._check(inputs.batch)
        return self._mean_inside(inputs, k, missing, alone)

    def to_profile(self, inputs: Inputs, k: int, missing: Missing = "skip") -> ToProfile:
        """Return the distances of the first k of each list to the user's profile; `missing` as in `mean_and_count`."""
        return _kept_to_profile(inputs, self, k, missing)


@once
def _kept_to_profile(inputs: Inputs, chosen: Distance, k: int, missing: Missing) -> ToProfile:
    chosen._check(inputs.batch)  # noqa: SLF001 - its own
    return chosen._to_profile(inputs, k).settled(inputs, missing)  # noqa: SLF001 - its own


def _restored(name: str, values: Mapping[str, Any]) -> Distance:
    known = DISTANCES[name]
    return type(known)(**bind(f"distance {name!r}", known.params, values))


class Known(dict[str, Distance]):
    """The distances that are known by name, with their parameters at their defaults.

    Attributes
    ----------
    unnamed
        Matrices that were given without a name: known by one for as long as somebody has them.
    declaring
        Held by whoever enters one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unnamed: WeakValueDictionary[str, Distance] = WeakValueDictionary()
        self.declaring = Lock()
        self._built_in: set[str] = set()
        self._readers: list[Callable[[Any], Distance | None]] = []
        self._packages = Packages("distance", "beyondacc.distances")

    def build_in(self, made: Distance) -> None:
        """Enter one of the library's own, whose name nobody else's can have."""
        self._built_in.add(made.name)
        self[made.name] = made

    def reads(self, reader: Callable[[Any], Distance | None]) -> None:
        """Let a kind of distance make one of a value that is not a text; None for what is not its own."""
        self._readers.append(reader)

    def names(self) -> list[str]:
        """Return all names, those of installed packages too."""
        self._packages.load()
        return [*self, *self.unnamed]

    def everyone(self) -> list[Distance]:
        """Return all that are declared, and the matrices that were given."""
        return [*self.values(), *self.unnamed.values()]

    def read(self, value: Any) -> Distance | None:
        """Return what a name, a text with parameters, a function or a matrix stands for; None for anything else."""
        if isinstance(value, Distance):
            return value
        if not isinstance(value, str):
            return next((found for reader in self._readers if (found := reader(value)) is not None), None)
        name = value.partition("(")[0].strip()
        known = self.get(name) or self.unnamed.get(name)
        if known is None:
            self._packages.load()
            known = self.get(name)
        if known is None or name == value:
            return known
        name, given, cutoff = parse_call(value)
        if cutoff is not None:
            return None
        values = bind(f"distance {name!r}", known.params, given)
        return type(known)(**values) if values else known

    def free_name(self, name: str) -> str:
        """Return a name that no other distance has, so that two of them in a report are told apart."""
        names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
        return next(each for each in names if each not in self and each not in self.unnamed)

    def own_name(self, name: str) -> str:
        """Return a name that one of one's own can have; raises `SpecError`."""
        if name in self._built_in:
            raise SpecError(f"distance {name!r} is built in; pass name= to call yours otherwise")
        if not name.isidentifier():
            raise SpecError(f"{name!r} cannot name a distance; pass name=, made of letters, digits and _")
        return name


DISTANCES: Final = Known()


@dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=False)
def declare(name: str, title: str, *, cite: str) -> Callable[[type[D]], type[D]]:
    """Declare one of the library's own: a class whose annotated fields are its parameters."""

    def enter(cls: type[D]) -> type[D]:
        made = dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)(cls)
        made.name, made.title, made.cite = name, title, cite
        made.params = MappingProxyType(parameters(made))
        DISTANCES.build_in(made())
        return made

    return enter
