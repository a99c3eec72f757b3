"""The only place that says njit: how kernels are compiled.

A kernel is a serial loop over rows that trusts its input.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
from llvmlite.binding import ffi as llvm
from numba import float64, types
from numba.core import event
from numba.core.compiler_lock import global_compiler_lock
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from beyondacc.kernels.cached import CACHE, COMPILER, LASTS, version, with_cache

__all__ = [
    "CACHE",
    "COMPILER",
    "DISTANCE_SIGNATURE",
    "GAIN_SIGNATURE",
    "LASTS",
    "OUTSIDE",
    "OWN_SPARE",
    "PREPARE",
    "RAISED",
    "ROUNDING",
    "START",
    "Candidates",
    "NumbaError",
    "as_gain",
    "checked",
    "comparison",
    "first_class",
    "gain",
    "helper",
    "kernel",
    "no_distance",
    "once",
    "part",
    "plain",
    "read_only",
    "reason",
    "reduction",
    "scratch_kernel",
    "tell",
    "version",
]

F = TypeVar("F", bound=Callable[..., Any])

#: A user's own distance: two feature rows in, one number out.
DISTANCE_SIGNATURE = float64(float64[::1], float64[::1])

#: What a user's own distance may miss its range by, and is set right for: vectors are often float32.
ROUNDING = 1e-6
OWN_SPARE = 2
RAISED, OUTSIDE = 1.0, 2.0

PREPARE, START = -1, 0


class Candidates(NamedTuple):
    """What a gain sees of the candidates of one user, in input rank order.

    Attributes
    ----------
    relevance : (n,) float64
        Normalised.
    remaining : (n,) int64
        First the positions that are left, ascending; all of them for a gain that does not say that it reads them.
    distances : (slots, >= n) float64
        Rows of distances, 1 where there is none.
    rows : (>= n, d) float64
        Item rows.
    starts, features : (n + 1,) int64, int32
        Compressed rows of the features of each candidate.
    by_user : (m,) float64
        Numbers that the method has for this user.
    numbers : float64
        Numbers that the method has for everybody.
    memory : float64
        The gain's own, zeros at first, and kept from user to user.
    """

    relevance: NDArray[np.float64]
    remaining: NDArray[np.int64]
    distances: NDArray[np.float64]
    rows: NDArray[np.float64]
    starts: NDArray[np.int64]
    features: NDArray[np.int32]
    by_user: NDArray[np.float64]
    numbers: NDArray[np.float64]
    memory: NDArray[np.float64]


_LINE, _TABLE, _WHOLE = float64[::1], float64[:, ::1], types.int64[::1]
#: The gain of a greedy re-ranker: ``(step, picked, row, left, diversity, candidates, term)``. It is called with step
#: PREPARE for each user, START before the first pick, and t after the t-th pick, which is at position `picked` and has
#: its distances in ``candidates.distances[row]``; it writes what each remaining candidate adds into ``term``.
GAIN_SIGNATURE = types.void(
    *(types.int64, types.int64, types.int64, types.int64, float64),
    types.NamedTuple(
        [_LINE, _WHOLE, _TABLE, _TABLE, _WHOLE, types.int32[::1], _LINE, _LINE, _LINE],
        Candidates,
    ),
    _LINE,
)


class _Watch(event.Listener):  # type: ignore[misc]
    """Counts the variants of kernels that this process compiles, and tells somebody of each."""

    def __init__(self) -> None:
        self.compiled = 0
        self.tell: Callable[[int], None] = _say_once

    def on_start(self, event: Any) -> None:
        if (event.data["dispatcher"].py_func.__module__ or "").startswith(_PACKAGE):
            self.compiled += 1
            self.tell(self.compiled)

    def on_end(self, event: Any) -> None:
        """Do nothing."""


def once() -> str:
    """Say for how long kernels are compiled."""
    if LASTS:
        return "once per machine"
    return "for this process alone, as it has no cache folder in which only its user can write"


def _say_once(compiled: int) -> None:
    if compiled == 1 and sys.stderr.isatty():
        print(f"beyondacc: compiling kernels, {once()}", file=sys.stderr)  # noqa: T201 - meant for the terminal


def tell(how: Callable[[int], None] | None = None) -> None:
    """Have a function called with the number of variants so far whenever this process compiles one.

    By default a line on the terminal says so, once a process.
    """
    _WATCH.tell = _say_once if how is None else how


_PACKAGE = __name__.rpartition(".")[0] + "."
_WATCH = _Watch()
event.register("numba:compile", _WATCH)


def _compile(function: F, **options: Any) -> F:
    options |= {"nogil": True, "cache": CACHE is not None, "error_model": "numpy", "no_cfunc_wrapper": True}
    compiled: F = with_cache(function, lambda: numba.njit(**options)(function))
    return compiled


@functools.cache
def _uncalled(dispatcher: Any) -> type:
    """Return a class of dispatchers that only kernels call: Python, which has no entry there, would end the process."""

    def refuse(self: Any, *_given: Any, **_named: Any) -> Any:
        raise TypeError(f"{self.__name__} is a helper of kernels and cannot be called from Python; call its py_func")

    return type(f"Uncalled{dispatcher.__name__}", (dispatcher,), {"__call__": refuse})


def _inside(function: F, **options: Any) -> F:
    """Compile without an entry from Python, which for arrays takes a good part of the time to compile."""
    compiled: Any = _compile(function, no_cpython_wrapper=True, **options, **_BORROWS)
    if not numba.config.DISABLE_JIT:
        kind: Any = type(compiled)
        compiled.__class__ = _uncalled(kind)
    return compiled  # type: ignore[no-any-return]


#: References to arrays are not counted: who only borrows them need not, and counting is an atomic operation at each
#: call and slice, which in short loops takes longer than the work. Numba's own extensions use this option.
_BORROWS = {"_nrt": False}


def kernel(function: F) -> F:
    """Compile a module-level function that makes no arrays.

    nogil, cached on disk, numpy division, no bounds checks, strict floats. Numba refuses one that does make an array.
    """
    return _compile(function, **_BORROWS)


def helper(function: F) -> F:
    """Compile what only other kernels call: as `kernel`, in less time."""
    return _inside(function)


def scratch_kernel(function: F) -> F:
    """Compile a function that makes arrays to work in: as `kernel`, but slower where it cuts or passes arrays."""
    return _compile(function)


def reduction(function: F) -> F:
    """Compile a sum or a dot product: as `helper`, but additions may be reordered, so that it is vectorised."""
    return _inside(function, fastmath={"reassoc", "contract"})


def part(function: F) -> F:
    """Compile what a loop of a `reduction` calls: as that, and put into the loop, so that it is vectorised."""
    return _compile(function, fastmath={"reassoc", "contract"}, forceinline=True, **_BORROWS)


def comparison(function: F) -> F:
    """Compile a sum of what is larger: as `reduction`, of numbers none of which is NaN, so that it is vectorised."""
    return _inside(function, fastmath={"reassoc", "contract", "nnan", "nsz"})


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array as kernels take what they only read, so that they are compiled once."""
    found = array.view()
    found.flags.writeable = False
    return found


def first_class(function: Callable[..., float], upper: float) -> Any:
    """Make a user's distance passable to a kernel without compiling the kernel again; raises `NumbaError`.

    A callback of a kernel cannot raise. What goes wrong, an error, or a number that is not in [0, upper], is written
    behind the first row, where it stays while other items are compared: rows have `OWN_SPARE` and twice their own
    length more than the numbers of an item, which are these, what went wrong (`RAISED` or `OUTSIDE`), the number that
    was returned, and copies of the two rows. The distance is 0 then.

    Parameters
    ----------
    function
        Of two float64 rows, which it may read and not change; plain or compiled by numba.
    upper
        The largest number it may return, but for rounding.
    """
    python = plain(function)
    least, most = -ROUNDING, upper + ROUNDING * max(1.0, upper)
    if numba.config.DISABLE_JIT:

        def inner(one: NDArray[Any], other: NDArray[Any]) -> float:
            with np.errstate(all="ignore"):  # compiled code says nothing either
                return python(read_only(one), read_only(other))  # type: ignore[no-any-return]
    else:
        rows = types.Array(float64, 1, "C", readonly=True)
        inner = numba.njit((rows, rows), nogil=True, error_model="numpy", boundscheck=True)(python)

    def adapted(one, other):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        size = (one.shape[0] - OWN_SPARE) // 3
        wrong = 0.0
        value = np.nan
        try:
            value = 0.0 + inner(one[:size], other[:size])  # a number, of whichever type
        except Exception:  # noqa: BLE001 - it may be any, and a callback cannot raise
            wrong = RAISED
        if least <= value <= most and value < np.inf:
            return value if value > 0.0 else 0.0
        if one[size] == 0.0:
            one[size] = RAISED if wrong != 0.0 else OUTSIDE
            one[size + 1] = value
            for place in range(size):
                one[size + OWN_SPARE + place] = one[place]
                one[2 * size + OWN_SPARE + place] = other[place]
        return 0.0  # finite, so that whoever takes the largest of some numbers has one

    return adapted if numba.config.DISABLE_JIT else numba.cfunc(DISTANCE_SIGNATURE, error_model="numpy")(adapted)


def reason(error: NumbaError) -> str:
    """Return the line of an error of numba that says what it does not like."""
    return next(line for line in str(error).splitlines()[1:] or [str(error)] if line.strip()).strip()


_GAINS: dict[Any, Any] = {}


def gain(function: Callable[..., None]) -> Any:
    """Compile a built-in gain, when it is first used, into what a kernel takes as an argument."""
    if numba.config.DISABLE_JIT:
        return function
    if function not in _GAINS:
        options = {"cache": CACHE is not None, "error_model": "numpy", **_BORROWS}
        _GAINS[function] = with_cache(function, lambda: numba.cfunc(GAIN_SIGNATURE, **options)(function))
    return _GAINS[function]


def plain(function: Callable[..., Any]) -> Any:
    """Return the Python function of one that numba compiled, any other as it is."""
    return getattr(function, "py_func", function)


def checked(function: Callable[..., None]) -> Any:
    """Compile a function of somebody else's with its indices checked."""
    python = plain(function)
    if numba.config.DISABLE_JIT:
        return python
    return numba.njit(nogil=True, error_model="numpy", boundscheck=True)(python)


def as_gain(function: Callable[..., None]) -> Any:
    """Make what has the arguments of a gain passable to a kernel, without keeping it on disk."""
    return function if numba.config.DISABLE_JIT else numba.cfunc(GAIN_SIGNATURE, error_model="numpy")(function)


@functools.cache
def no_distance() -> Any:
    """Return what stands for a user's own distance where a built-in one is used, so that kernels keep one signature."""
    if numba.config.DISABLE_JIT:
        return _undefined
    return with_cache(_undefined, lambda: numba.cfunc(DISTANCE_SIGNATURE, cache=CACHE is not None)(_undefined))


def _undefined(_one: Any, _other: Any) -> float:
    return np.nan


def _hold_compiler() -> None:
    # else a child that is forked while a thread compiles would wait for that thread, which it does not have
    global_compiler_lock.acquire()
    llvm.lib._lock.__enter__()  # noqa: SLF001 - no other way


def _release_compiler() -> None:
    llvm.lib._lock.__exit__(None, None, None)  # noqa: SLF001 - no other way
    global_compiler_lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_compiler, after_in_parent=_release_compiler, after_in_child=_release_compiler)
