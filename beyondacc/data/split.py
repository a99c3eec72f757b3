"""Which rows become the test set: masks over rows, from user codes and timestamps alone."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from beyondacc.declare.names import parse_call
from beyondacc.declare.params import Range, bind, format_call, parameters
from beyondacc.errors import DataError, SpecError, did_you_mean
from beyondacc.kernels.hashing import mix
from beyondacc.types import Bools

__all__ = ["ByTime", "Holdout", "LeaveOneOut", "Split", "by_time", "holdout", "leave_one_out", "make_split"]

Users = NDArray[np.integer[Any]]
Times = NDArray[np.floating[Any]] | NDArray[np.integer[Any]]
Share = Annotated[float, Range(0, 1, open_low=True, open_high=True)]
"""The share of rows that are held out."""


def holdout(users: Users, fraction: float = 0.2, seed: int = 0) -> Bools:
    """Hold out a random share of each user's rows.

    Of n rows, ``round(fraction * n)`` (halves up) are held out, but at least one stays, so that users with one row keep
    it. What is held out of a user depends on the seed, the user's code and the order of their own rows only.

    Parameters
    ----------
    users
        ``(n,)`` user codes, not negative.
    fraction
        The share, in (0, 1).
    seed
        Any whole number.

    Returns
    -------
    bool array, (n,)
        True for test rows.

    Raises
    ------
    DataError
        If no row is held out.
    """
    counts = np.bincount(users)
    # 1e-9: 0.29 * 50 is 14.499999999999998 in binary and still means fourteen and a half
    wanted = np.minimum(np.floor(counts * fraction + 0.5 + 1e-9).astype(np.int64), np.maximum(counts - 1, 0))
    order, places = _places(users, _keys(users, counts, seed), counts)
    return _mask(order, places < wanted[users[order]], "holdout", f"with fraction={fraction:g} no user has enough rows")


def leave_one_out(users: Users, timestamps: Times | None = None, seed: int = 0) -> Bools:
    """Hold out one row of each user: the latest, or a random one where there are no timestamps.

    Of equally late rows the last one given is taken. Users with one row keep it.

    Parameters
    ----------
    users
        ``(n,)`` user codes, not negative.
    timestamps
        ``(n,)`` times, or None; whole numbers are compared as such, without rounding.
    seed
        Any whole number; for the random choice.

    Returns
    -------
    bool array, (n,)
        True for test rows.

    Raises
    ------
    DataError
        If every user has one row only.
    """
    counts = np.bincount(users)
    keys = _keys(users, counts, seed) if timestamps is None else timestamps
    order, places = _places(users, keys, counts)
    sizes = counts[users[order]]
    return _mask(order, (places == sizes - 1) & (sizes > 1), "leave-one-out", "no user has two rows")


def by_time(timestamps: Times | None, fraction: float = 0.2) -> Bools:
    """Hold out the latest share of all rows; rows of the same time as the last training row stay in train.

    Parameters
    ----------
    timestamps
        ``(n,)`` times.
    fraction
        The share, in (0, 1).

    Returns
    -------
    bool array, (n,)
        True for test rows.

    Raises
    ------
    DataError
        If there are no timestamps, or none is later than the cut.
    """
    if timestamps is None:
        raise DataError("the split by-time needs a timestamp column; pass one, or split by holdout or leave-one-out")
    kept = len(timestamps) - int(np.floor(len(timestamps) * fraction + 0.5 + 1e-9))
    last = np.partition(timestamps, max(kept - 1, 0))[max(kept - 1, 0)]
    later: Bools = timestamps > last
    if not later.any():
        raise DataError(f"the split by-time leaves the test set empty: no row is later than {last}; change fraction")
    return later


def _mask(order: NDArray[np.int64], chosen: Bools, name: str, reason: str) -> Bools:
    if not chosen.any():
        raise DataError(f"the split {name} leaves the test set empty: {reason}; pass more rows or another split")
    mask = np.zeros(len(order), dtype=np.bool_)
    mask[order[chosen]] = True
    return mask


def _keys(users: Users, counts: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """Return one pseudo-random key a row from (seed, user, number of the row among the user's rows)."""
    order, places = _places(users, None, counts)
    number = np.empty(len(users), dtype=np.uint64)
    number[order] = places.astype(np.uint64)
    return mix(number + mix(users.astype(np.uint64) + mix(np.array([seed % 2**64], dtype=np.uint64))))


def _places(
    users: Users, keys: NDArray[Any] | None, counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order rows by user, then key, then as given, and number the rows of each user from 0 in that order."""
    order = np.argsort(users, kind="stable") if keys is None else np.lexsort((keys, users))
    return order, np.arange(len(users)) - np.repeat(np.cumsum(counts) - counts, counts)


class Split(Protocol):
    """A way to split; its text is what `make_split` reads."""

    looks_at_times: ClassVar[bool]

    def mask(self, users: Users, timestamps: Times | None, seed: int) -> Bools:
        """Return ``(n,)`` True for test rows."""
        ...


class _Named:
    name: ClassVar[str]
    looks_at_times: ClassVar[bool] = True

    def __str__(self) -> str:
        return format_call(self.name, parameters(type(self)), vars(self))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Holdout(_Named):
    """`holdout` as a value."""

    name: ClassVar[str] = "holdout"
    looks_at_times: ClassVar[bool] = False
    fraction: Share = 0.2

    def mask(self, users: Users, timestamps: Times | None, seed: int) -> Bools:  # noqa: ARG002 - one signature for all
        """Hold out a random share of each user's rows."""
        return holdout(users, self.fraction, seed)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LeaveOneOut(_Named):
    """`leave_one_out` as a value."""

    name: ClassVar[str] = "leave-one-out"

    def mask(self, users: Users, timestamps: Times | None, seed: int) -> Bools:
        """Hold out one row of each user."""
        return leave_one_out(users, timestamps, seed)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ByTime(_Named):
    """`by_time` as a value."""

    name: ClassVar[str] = "by-time"
    fraction: Share = 0.2

    def mask(self, users: Users, timestamps: Times | None, seed: int) -> Bools:  # noqa: ARG002 - one signature for all
        """Hold out the latest share of all rows."""
        return by_time(timestamps, self.fraction)


_SPLITS: Final = {split.name: split for split in (Holdout, LeaveOneOut, ByTime)}


def make_split(text: str) -> Split:
    """Read ``holdout(fraction=0.2)``, ``leave-one-out`` or ``by-time(fraction=0.2)``; `str` writes it back.

    Raises
    ------
    SpecError
        If there is no such split, or a parameter does not fit.
    """
    given_name, given, cutoff = parse_call(text)
    name = given_name.replace("_", "-")
    if name not in _SPLITS:
        raise SpecError(f"there is no split {given_name!r}; {did_you_mean(name, _SPLITS)}")
    if cutoff is not None:
        raise SpecError(f"the split {text!r} has a cutoff @{cutoff}; write it without")
    split: Any = _SPLITS[name]
    result: Split = split(**bind(f"the split {name}", parameters(split), given))
    return result
