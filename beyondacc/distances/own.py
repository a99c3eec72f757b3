"""Distances of one's own: functions of two rows of numbers, and the one call that makes any."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from beyondacc.bound.batch import Batch
from beyondacc.declare.catalogue import Origin, origin_of, referred_by
from beyondacc.distances.arrays import NO_BITS, NO_ROWS, PairArrays
from beyondacc.distances.declared import DISTANCES, Distance
from beyondacc.distances.matrices import given_matrix, is_matrix
from beyondacc.distances.pairs import OfRows
from beyondacc.distances.rows import double_rows, scaled_rows
from beyondacc.errors import SpecError
from beyondacc.kernels import distance as kinds, jit
from beyondacc.kernels.bench import Bench
from beyondacc.types import Floats

__all__ = ["Own", "distance"]


class Own(OfRows):
    """A user's function of two rows of numbers.

    Attributes
    ----------
    own
        The function, in Python.
    """

    cite = "your own"

    def __init__(self, own: Callable[[Floats, Floats], float], name: str, upper: float) -> None:
        self.own, self.name, self._upper = own, name, upper
        self.title = (str(own.__doc__ or "").strip() or name).splitlines()[0]

    @property
    def upper(self) -> float:
        """The largest value it can take, as its user says."""
        return self._upper

    @property
    def declaring(self) -> Callable[..., Any]:
        """The function."""
        return self.own

    @property
    def _key(self) -> tuple[Any, ...]:
        return self.name, self.own, self.upper

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.name, origin_of(self.own), self.upper)

    def __call__(self, one: Floats, other: Floats) -> float:
        """Return the distance of two rows, for trying it out."""
        return self.own(one, other)

    @functools.cached_property
    def compiled(self) -> Any:
        """What a kernel calls; raises `SpecError` where numba cannot compile it."""
        try:
            return jit.first_class(self.own, self.upper)
        except (jit.NumbaError, TypeError) as error:  # a TypeError where it is no function at all
            why = jit.reason(error) if isinstance(error, jit.NumbaError) else str(error).rstrip(".")
            raise SpecError(
                f"distance {self} cannot be compiled by numba ({why}); "
                "write it as a function of two float64 arrays, which it only reads, that returns a float"
            ) from error

    def _arrays(self, batch: Batch) -> PairArrays:
        sizes, rows = scaled_rows(batch.world)[1], double_rows(batch.world)
        return PairArrays(kinds.OWN, 1.0, NO_BITS, sizes, NO_ROWS, rows, self.compiled)

    def look_at(self, bench: Bench) -> None:
        """Raise the error of the function, if it failed while a kernel compared items on this bench."""
        size = (bench.own_local.shape[1] - jit.OWN_SPARE) // 3
        for row in bench.own_local[np.flatnonzero(bench.own_local[:, size])[:1]]:
            one, other = row[size + jit.OWN_SPARE :].reshape(2, size)
            self._refuse(one, other, None if row[size] == jit.RAISED else float(row[size + 1]))

    def _refuse(self, one: Floats, other: Floats, returned: float | None) -> NoReturn:
        """Raise the error for two rows, for which it returned something, or None where it raised an error."""
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


def _shown(row: Floats) -> str:
    """Write the first numbers of a row."""
    return f"[{', '.join(f'{number:g}' for number in row[:8])}{', ...' if len(row) > 8 else ''}]"


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
        return given_matrix(given, items, name)
    if not callable(given):
        raise SpecError(
            f"a distance of your own is a function of two rows, an array or a DataFrame; {given!r:.80} is none of these"
        )
    if items is not None:
        raise SpecError("items= names the rows of a matrix; leave it out for a function")
    if not upper >= 0:
        raise SpecError(f"upper={upper!r} is not allowed; upper is the largest value of the distance, a number >= 0")
    python = jit.plain(given)
    made = Own(python, DISTANCES.own_name(str(name or getattr(python, "__name__", ""))), upper)
    with DISTANCES.declaring.held:
        known = DISTANCES.get(made.name)
        if known == made:
            return known
        DISTANCES[made.name] = made
        return made


def _restored(name: str, origin: Origin, upper: float) -> Distance:
    """Return the distance of a function that is declared in its module, be it under a distance of the same name."""
    referred: Any = None
    for declare in (lambda: None, lambda: referred_by(origin, f"the distance {name!r}")):
        referred = declare()
        found = DISTANCES.get(name)
        if isinstance(found, Own) and found.upper == upper and origin_of(found.own) == origin:
            return found
    if isinstance(referred, Distance):
        return referred
    if name in DISTANCES:  # whoever has the name keeps it
        return Own(jit.plain(referred), name, upper)
    return distance(referred, name=name, upper=upper)


DISTANCES.reads(lambda value: distance(value) if callable(value) else None)
