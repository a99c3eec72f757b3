"""Distances between items, declared once and used by metrics and re-rankers alike (METRICS, section 2)."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NoReturn
from weakref import WeakValueDictionary

import numpy as np

from beyondacc.data.dataset import Dataset
from beyondacc.data.matrix import Matrix, is_matrix, read_matrix
from beyondacc.declare.catalogue import Origin, Packages, origin_of, referred_by
from beyondacc.declare.names import parse_call
from beyondacc.declare.params import Param, bind, format_call
from beyondacc.errors import SpecError, choices
from beyondacc.kernels import jit
from beyondacc.run.forks import Lock
from beyondacc.types import Floats

__all__ = ["COOCCURRENCE", "COSINE", "DISTANCES", "JACCARD", "NPMI", "Distance", "distance", "missing_for"]

On = Literal["sets", "rows", "train", "ratings", "matrix"]
Values = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Kind:
    """The declaration of a distance.

    Attributes
    ----------
    name
        As in ``ild(distance=NAME)``.
    title, cite
        For tables.
    on
        ``sets``: feature sets; ``rows``: item vectors where the items have them, else weighted features, else feature
        sets as rows of zeros and ones; ``train``: who has the items; ``ratings``: how they were rated; ``matrix``:
        looked up.
    upper
        The largest value it can take, for given parameters.
    params
        Its parameters.
    """

    name: str
    title: str
    on: On
    upper: Callable[[Values], float]
    cite: str
    params: Mapping[str, Param] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class Distance:
    """A symmetric distance between two items, with its parameters set; equal to any other that computes the same.

    Attributes
    ----------
    kind
        Its declaration.
    values
        Its parameters.
    own
        A user's function of two float64 rows, or None.
    matrix
        A given matrix of distances, or None.
    """

    kind: Kind
    values: Values = dataclasses.field(default_factory=dict)
    own: Callable[[Floats, Floats], float] | None = None
    matrix: Matrix | None = None

    @property
    def name(self) -> str:
        """The name without parameters."""
        return self.kind.name

    @property
    def on(self) -> On:
        """What it is computed from."""
        return self.kind.on

    @property
    def upper(self) -> float:
        """The largest value it can take."""
        return self.kind.upper(self.values)

    def __str__(self) -> str:
        return format_call(self.name, self.kind.params, self.values)

    def __repr__(self) -> str:
        return f"<distance {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Distance) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __deepcopy__(self, _memo: Any) -> Distance:
        return self  # nothing in it changes

    def __reduce__(self) -> tuple[Any, ...]:
        if self.matrix is not None:
            return _restored_matrix, (self.name, self.matrix, DISTANCES.get(self.name) is self)
        if self.own is not None:
            return _restored_own, (self.name, origin_of(self.own), self.upper)
        return _restored_built_in, (self.name, dict(self.values))

    @property
    def _key(self) -> tuple[Any, ...]:
        return (self.name, tuple(self.values.items()), self.own, self.matrix, self.upper)

    def __call__(self, one: Floats, other: Floats) -> float:
        """Return the distance of two rows, for trying out a distance of one's own."""
        if self.own is None:
            raise SpecError(f"distance {self} is computed on encoded items; pass it to a metric or re-ranker")
        return self.own(one, other)

    @functools.cached_property
    def compiled(self) -> Any:
        """What a kernel calls; raises `SpecError` where numba cannot compile it."""
        if self.own is None:
            return jit.no_distance()
        try:
            return jit.first_class(self.own, self.upper)
        except (jit.NumbaError, TypeError) as error:  # a TypeError where it is no function at all
            why = jit.reason(error) if isinstance(error, jit.NumbaError) else str(error).rstrip(".")
            raise SpecError(
                f"distance {self} cannot be compiled by numba ({why}); "
                "write it as a function of two float64 arrays, which it only reads, that returns a float"
            ) from error

    def refuse(self, one: Floats, other: Floats, returned: float | None) -> NoReturn:
        """Raise the error of a function of one's own that failed for two rows.

        Parameters
        ----------
        one, other
            The rows.
        returned
            What it returned, or None where it raised an error.
        """
        rows = f"for the rows {_shown(one)} and {_shown(other)}"
        if returned is not None:
            top = "" if math.isinf(self.upper) else f" and at most upper={self.upper:g}"
            raise SpecError(
                f"distance {self} returned {returned:g} {rows}; it must return finite numbers >= 0{top}; a pair "
                "without a distance can only be said in a matrix, as NaN"
            )
        error: Exception | None = None
        try:  # once more, for what it has to say: what numba compiled cannot
            with np.errstate(all="ignore"):
                self(jit.read_only(one), jit.read_only(other))
        except Exception as raised:  # noqa: BLE001 - the user's own
            error = raised
        said = "an error" if error is None else f"{type(error).__name__} ({error})"
        raise SpecError(
            f"distance {self} raised {said} {rows}; mend the function so that it returns a number >= 0 for any two rows"
        ) from error

    @classmethod
    def describe(cls) -> str:
        """Say what is allowed, for messages."""
        _PACKAGES.load()
        return f"{choices([*DISTANCES, *_GIVEN])}, a matrix, or a function of two feature rows (see beyondacc.distance)"

    @classmethod
    def parse(cls, value: Any) -> Distance | None:
        """Return the distance of that name, function or matrix, or None where there is no such."""
        if isinstance(value, Distance):
            return value
        if is_matrix(value) or callable(value):
            return distance(value)
        if not isinstance(value, str):
            return None
        name = value.partition("(")[0].strip()
        known = DISTANCES.get(name) or _GIVEN.get(name)
        if known is None:
            _PACKAGES.load()
            known = DISTANCES.get(name)
        if known is None or name == value:
            return known
        name, given, cutoff = parse_call(value)
        if cutoff is not None:
            return None
        values = bind(f"distance {name!r}", known.kind.params, given)
        return dataclasses.replace(known, values=MappingProxyType(values))


def _declare(
    name: str, title: str, on: On, upper: float | Callable[[Values], float], cite: str, **params: tuple[Any, Any]
) -> Distance:
    known = {key: Param(key, default, annotation) for key, (default, annotation) in params.items()}
    top = upper if callable(upper) else lambda _values: upper
    values = MappingProxyType(bind(name, known, {}))
    return Distance(Kind(name, title, on, top, cite, known), values)


JACCARD = _declare("jaccard", "Jaccard distance", "sets", 1.0, "Jaccard 1912")
COSINE = _declare(
    "cosine",
    "Cosine distance",
    "rows",
    lambda values: (1.0 if values["clip"] else 2.0) * (0.5 if values["half"] else 1.0),
    "Salton & McGill 1983",
    half=(False, bool),
    clip=(False, bool),
)
HAMMING = _declare(
    "hamming",
    "Hamming distance",
    "sets",
    lambda values: 1.0 if values["normalized"] else math.inf,
    "Hamming 1950",
    normalized=(True, bool),
)
EUCLIDEAN = _declare("euclidean", "Euclidean distance", "rows", math.inf, "Euclid")
RATING_COSINE = _declare(
    "rating_cosine",
    "Cosine distance of ratings",
    "ratings",
    1.0,
    "Sarwar et al. 2001, WWW; Kaminskas & Bridge 2016, TiiS 7(1)",
    center=("user", Literal["user", "item"] | None),
    support=("all", Literal["all", "common"]),
)
PEARSON = _declare("pearson", "Pearson distance of ratings", "ratings", 2.0, "Resnick et al. 1994, CSCW")
COOCCURRENCE = _declare(
    "cooccurrence", "Cosine distance of the sets of users", "train", 1.0, "Zhang, Séaghdha, Quercia & Jambor 2012, WSDM"
)
NPMI = _declare(
    "npmi",
    "Normalised pointwise mutual information",
    "train",
    1.0,
    "Bouma 2009, GSCL; Kaminskas & Bridge 2014, RecSys workshop",
)
DISTANCES: dict[str, Distance] = {
    known.name: known for known in (JACCARD, COSINE, HAMMING, EUCLIDEAN, RATING_COSINE, PEARSON, COOCCURRENCE, NPMI)
}
_BUILT_IN = frozenset(DISTANCES)
_PACKAGES = Packages("distance", "beyondacc.distances")
#: Matrices that were given without a name: known by one for as long as somebody has them.
_GIVEN: WeakValueDictionary[str, Distance] = WeakValueDictionary()
_DECLARING = Lock()


def distance(
    given: Callable[[Floats, Floats], float] | Any,
    *,
    name: str | None = None,
    upper: float = math.inf,
    items: Any = None,
) -> Distance:
    """Make a distance of your own, usable wherever one is accepted, and by its name in metric strings.

    Parameters
    ----------
    given
        A function ``(a, b) -> float`` on two float64 rows (item vectors, weighted features, or zeros and ones for
        feature sets) that it only reads, that numba can compile, or has compiled; symmetric, finite, >= 0, 0 for equal
        rows. An error that it raises, and any other number, end the evaluation in a `SpecError`. Or a symmetric
        matrix of distances >= 0, NaN where there is none: an array, or a DataFrame with the item ids as index.
    name
        Its name in metric strings; the function's own name, or ``matrix``, ``matrix_2`` and so on, by default. A later
        distance of that name takes its place. A matrix with a name is kept until then; one without is known by its
        name, and in memory, only for as long as it, or a metric or re-ranker with it, is there.
    upper
        The largest value it can take; that of a matrix is looked up.
    items
        The item ids of the rows of an array; those of the dataset in its order by default. Other items have no
        distance to anything.

    Raises
    ------
    SpecError
        If it is neither a function nor a matrix, or the name is that of a built-in distance or cannot stand in a
        metric string.
    DataError
        If a matrix is not square, symmetric and >= 0, or its ids do not fit.
    """
    if is_matrix(given):
        matrix = read_matrix(given, items)
        with _DECLARING.held:
            return _given(matrix, name)
    if not callable(given):
        raise SpecError(
            f"a distance of your own is a function of two rows, an array or a DataFrame; {given!r:.80} is none of these"
        )
    if items is not None:
        raise SpecError("items= names the rows of a matrix; leave it out for a function")
    if not upper >= 0:
        raise SpecError(f"upper={upper!r} is not allowed; upper is the largest value of the distance, a number >= 0")
    python = jit.plain(given)
    own = _own_name(str(name or getattr(python, "__name__", "")))
    with _DECLARING.held:
        known = DISTANCES.get(own)
        if known is not None and known.own is python and known.upper == upper:
            return known
        made = DISTANCES[own] = _of_function(python, own, upper)
        return made


def _restored_built_in(name: str, values: Values) -> Distance:
    known = DISTANCES[name]
    return dataclasses.replace(known, values=MappingProxyType(bind(f"distance {name!r}", known.kind.params, values)))


def _restored_own(name: str, origin: Origin, upper: float) -> Distance:
    """Return the distance of a function that is declared in its module, be it under a distance of the same name."""
    for declare in (lambda: None, lambda: referred_by(origin, f"the distance {name!r}")):
        referred = declare()
        found = DISTANCES.get(name)
        if found and found.own and found.upper == upper and origin_of(found.own) == origin:
            return found
    if isinstance(referred, Distance):
        return referred
    # whoever has the name keeps it
    return distance(referred, name=name, upper=upper) if name not in DISTANCES else _of_function(referred, name, upper)


def _restored_matrix(name: str, matrix: Matrix, named: bool) -> Distance:
    with _DECLARING.held:
        same = (each for each in (*DISTANCES.values(), *_GIVEN.values()) if each.matrix and each.matrix.equals(matrix))
        if found := next((each for each in same if each.name == name), None):
            return found
        made = _of_matrix(matrix, _free_name(name))
        (DISTANCES if named and made.name == name else _GIVEN)[made.name] = made
        return made


def _of_function(function: Any, name: str, upper: float) -> Distance:
    python = jit.plain(function)
    title = (str(python.__doc__ or "").strip() or name).splitlines()[0]
    return Distance(Kind(name, title, "rows", lambda _values: upper, "your own"), own=python)


def _of_matrix(matrix: Matrix, name: str) -> Distance:
    top = matrix.largest
    return Distance(Kind(name, "Given distances", "matrix", lambda _values: top, "your own"), matrix=matrix)


def _given(matrix: Matrix, name: str | None) -> Distance:
    """Return the distance of a matrix; the same numbers again are the same distance, and are kept once."""
    for each in (*DISTANCES.values(), *_GIVEN.values()):
        if each.matrix is not None and name in {None, each.name} and each.matrix.equals(matrix):
            if name is not None:
                DISTANCES[name] = each
            return each
    own = _own_name(name or _free_name("matrix"))
    made = _of_matrix(matrix, own)
    if name is None:
        _GIVEN[own] = made
    else:
        DISTANCES[own] = made
    return made


def _shown(row: Floats) -> str:
    """Write the first numbers of a row."""
    return f"[{', '.join(f'{number:g}' for number in row[:8])}{', ...' if len(row) > 8 else ''}]"


def _free_name(name: str) -> str:
    """Return a name that no other distance has, so that two of them in a report are told apart."""
    names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
    return next(each for each in names if each not in DISTANCES and each not in _GIVEN)


def _own_name(name: str) -> str:
    if name in _BUILT_IN:
        raise SpecError(f"distance {name!r} is built in; pass name= to call yours otherwise")
    if not name.isidentifier():
        raise SpecError(f"{name!r} cannot name a distance; pass name=, made of letters, digits and _")
    return name


def missing_for(chosen: Distance, data: Dataset) -> str | None:
    """Say what a dataset lacks for a distance, or None where it has it."""
    if chosen.on == "matrix":
        return None
    if chosen.on in {"train", "ratings"}:
        if not data.has_train:
            return "training rows; pass train="
        return "the training rows of all users, which a part of them does not have" if data.world.partial else None
    if data.features is not None or (data.vectors is not None and chosen.on == "rows"):
        return None
    if chosen.on == "sets":
        return "item features; pass items= with a genres column"
    return "item features or vectors; pass items= with a genres column, or vectors="
