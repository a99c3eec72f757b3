"""Distances between items, declared once and used by metrics and re-rankers alike (METRICS, section 2)."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from beyondacc.data.binding import Binding
from beyondacc.data.dataset import Dataset, Features
from beyondacc.errors import SpecError, choices
from beyondacc.kernels import jit, pairwise
from beyondacc.types import Bits, Floats

__all__ = ["COSINE", "DISTANCES", "JACCARD", "Distance", "distance", "pair_arrays"]

On = Literal["sets", "either"]


@dataclasses.dataclass(frozen=True)
class Distance:
    """A symmetric distance between two items.

    Attributes
    ----------
    name
        As in ``ild(distance=NAME)``.
    title
        For tables.
    on
        ``"sets"``: feature sets; ``"either"``: item vectors where the items have them, else feature sets as vectors of
        zeros and ones.
    upper
        The largest value it can take.
    cite
        Where it comes from.
    own
        A user's function of two float64 rows, None for the built-in ones.
    """

    name: str
    title: str
    on: On
    upper: float
    cite: str
    own: Callable[[Floats, Floats], float] | None = None

    def __str__(self) -> str:
        return self.name

    def __call__(self, one: Floats, other: Floats) -> float:
        """Return the distance of two rows, for trying out a distance of one's own."""
        if self.own is None:
            raise SpecError(f"distance {self.name} is computed on encoded items; pass it to a metric or re-ranker")
        return self.own(one, other)

    @functools.cached_property
    def compiled(self) -> Any:
        """What a kernel calls; raises `SpecError` where numba cannot compile it."""
        if self.own is None:
            return jit.no_distance()
        try:
            return jit.first_class(self.own)
        except jit.NumbaError as error:
            reason = next(line for line in str(error).splitlines()[1:] or [str(error)] if line.strip())
            raise SpecError(
                f"distance {self.name} cannot be compiled by numba ({reason.strip()}); "
                "write it as a function of two float64 arrays that returns a float"
            ) from error

    @classmethod
    def describe(cls) -> str:
        """Say what is allowed, for messages."""
        return f"{choices(DISTANCES)}, or a function of two feature rows (see beyondacc.distance)"

    @classmethod
    def parse(cls, value: Any) -> Distance | None:
        """Return the distance of that name, that function, or None where there is no such."""
        if isinstance(value, Distance):
            return value
        if isinstance(value, str):
            return DISTANCES.get(value)
        return distance(value) if callable(value) else None


JACCARD = Distance("jaccard", "Jaccard distance", "sets", 1.0, "Jaccard 1912")
COSINE = Distance("cosine", "Cosine distance", "either", 2.0, "Salton & McGill 1983")
DISTANCES: dict[str, Distance] = {known.name: known for known in (JACCARD, COSINE)}
_BUILT_IN = frozenset(DISTANCES)


def distance(
    function: Callable[[Floats, Floats], float],
    *,
    name: str | None = None,
    upper: float = math.inf,
) -> Distance:
    """Make a distance of your own, usable wherever one is accepted, and by its name in metric strings.

    Parameters
    ----------
    function
        ``(a, b) -> float`` on two float64 rows (item vectors, or zeros and ones for feature sets), that numba can
        compile, or has compiled; symmetric, finite, 0 for equal rows.
    name
        Its name in metric strings; the function's own name by default. A later function of that name takes its place.
    upper
        The largest value it can take.

    Raises
    ------
    SpecError
        If the name is that of a built-in distance, or cannot stand in a metric string.
    """
    python: Any = getattr(function, "py_func", function)
    own = str(name or getattr(python, "__name__", ""))
    if own in _BUILT_IN:
        raise SpecError(f"distance {own!r} is built in; pass name= to call yours otherwise")
    if not own.isidentifier():
        raise SpecError(f"{own!r} cannot name a distance; pass name=, made of letters, digits and _")
    known = DISTANCES.get(own)
    if known is not None and known.own is python and known.upper == upper:
        return known
    made = Distance(own, str(python.__doc__ or own).strip().splitlines()[0], "either", upper, "your own", python)
    DISTANCES[own] = made
    return made


def missing_for(chosen: Distance, data: Dataset) -> str | None:
    """Say what the items lack for a distance, or None where they have it."""
    if data.features is not None or (data.vectors is not None and chosen.on != "sets"):
        return None
    if chosen.on == "sets":
        return "item features; pass items= with a genres column"
    return "item features or vectors; pass items= with a genres column, or vectors="


_NO_BITS = np.empty((0, 0), np.uint64)
_NO_ROWS = np.empty((0, 0))


class PairArrays(NamedTuple):
    """What `kernels.pairwise.distance_row` reads, in its order."""

    kind: int
    bits: Bits
    sizes: Floats
    vectors: Floats
    own_rows: Floats
    own: Any


def pair_arrays(chosen: Distance, run: Binding) -> PairArrays:
    """Return the arrays of a distance for the items of a run."""
    if lack := missing_for(chosen, run.data):
        raise SpecError(f"distance {chosen} needs {lack}")
    features, vectors = run.features, run.vectors
    if chosen.own is not None:
        rows = run.derive("own_rows", lambda: _rows(features, vectors))
        sizes = run.derive("own_norms", lambda: _inverse_norms(rows))
        return PairArrays(pairwise.OWN, _NO_BITS, sizes, _NO_ROWS, rows, chosen.compiled)
    if features is not None and (chosen.on == "sets" or vectors is None):
        kind = pairwise.JACCARD if chosen.on == "sets" else pairwise.COSINE_SETS
        return PairArrays(kind, features.bits, features.sizes, _NO_ROWS, _NO_ROWS, chosen.compiled)
    assert vectors is not None  # noqa: S101 - nothing was missing
    sizes = run.derive("inverse_norms", lambda: _inverse_norms(vectors))
    return PairArrays(pairwise.COSINE_VECTORS, _NO_BITS, sizes, vectors, _NO_ROWS, chosen.compiled)


def _inverse_norms(vectors: Floats) -> Floats:
    """Reciprocal norms, 0 for zero vectors; scaled first so that tiny and huge vectors keep their direction."""
    largest = np.abs(vectors).max(axis=1, initial=0).astype(np.float64)
    scale = np.where(largest > 0, largest, 1.0)
    norms = np.sqrt(np.square(vectors / scale[:, None]).sum(axis=1, dtype=np.float64)) * scale
    inverse = np.zeros(len(norms))
    np.divide(1.0, norms, out=inverse, where=norms > 0)
    return inverse


def _rows(features: Features | None, vectors: Floats | None) -> Floats:
    """Float64 rows for a user's own distance: vectors, or zeros and ones for feature sets."""
    if vectors is not None:
        return np.ascontiguousarray(vectors, np.float64)
    assert features is not None  # noqa: S101 - nothing was missing
    rows = np.zeros((len(features.bits), len(features.names)))
    rows[np.repeat(np.arange(len(features.bits)), np.diff(features.starts)), features.ids] = 1.0
    return rows
