"""The only place that says njit: how kernels are compiled and where they are kept.

A kernel is a serial loop over rows that trusts its input. Compiled code is cached on disk in a folder named by the
digest of all kernel sources and the versions of Python and Numba, because Numba's own cache notices edits in the file
of a function only, not in the files of the helpers it calls. So kernels may share helpers, an upgrade never runs stale
code, and a read-only installation is no obstacle.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numba
import numpy as np
from numba import float64, types
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from beyondacc.kernels.memory import CANARY, FINE, GUARD, HEAD, INFINITE, OUTSIDE, RAISED

__all__ = [
    "CACHE",
    "DISTANCE_SIGNATURE",
    "GAIN_SIGNATURE",
    "PREPARE",
    "START",
    "Candidates",
    "NumbaError",
    "announce",
    "before_fault",
    "comparison",
    "first_class",
    "foreign_gain",
    "gain",
    "kernel",
    "no_distance",
    "own_gain",
    "own_memory",
    "part",
    "plain",
    "read_only",
    "reason",
    "reduction",
    "scratch_kernel",
]

F = TypeVar("F", bound=Callable[..., Any])

#: A user's own distance: two feature rows in, one number out.
DISTANCE_SIGNATURE = float64(float64[::1], float64[::1])

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
        Rows of distances, 1 where there is none; those of all n, in order, for a gain that needs all pairs.
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


def _digest() -> str:
    digest = hashlib.sha256(f"{platform.python_version()} {numba.__version__}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _base() -> Path:
    """Return the folder for compiled code: NUMBA_CACHE_DIR if it is set, else the platform's cache folder."""
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(given)
    home = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(home) if home else Path.home() / ".cache"
    except RuntimeError:  # a container's user without a home
        return Path(tempfile.gettempdir())


def _cache() -> Path:
    for base in (_base(), Path(tempfile.gettempdir())):
        folder = base / "beyondacc" / _digest()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return folder


CACHE = _cache()


@functools.cache
def announce() -> None:
    """Say on a terminal, once a process, that the first use on a machine compiles the kernels."""
    if not any(CACHE.rglob("*.nbi")) and sys.stderr.isatty():
        print("beyondacc: compiling kernels, once, up to a minute", file=sys.stderr)  # noqa: T201 - meant for the terminal


def _with_cache(compile_: Callable[[], Any]) -> Any:
    # CACHE_DIR is read when a dispatcher is made; putting it back leaves other users of numba with their own folder
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(CACHE)
    try:
        return compile_()
    finally:
        numba.config.CACHE_DIR = before


def _compile(function: F, **options: Any) -> F:
    options |= {"nogil": True, "cache": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    compiled: F = _with_cache(lambda: numba.njit(**options)(function))
    return compiled


#: References to arrays are not counted: who only borrows them need not, and counting is an atomic operation at each
#: call and slice, which in short loops takes longer than the work. Numba's own extensions use this option.
_BORROWS = {"_nrt": False}


def kernel(function: F) -> F:
    """Compile a module-level function that makes no arrays.

    nogil, cached on disk, numpy division, no bounds checks, strict floats. Numba refuses one that does make an array.
    """
    return _compile(function, **_BORROWS)


def scratch_kernel(function: F) -> F:
    """Compile a function that makes arrays to work in: as `kernel`, but slower where it cuts or passes arrays."""
    return _compile(function)


def reduction(function: F) -> F:
    """Compile a sum or a dot product: as `kernel`, but additions may be reordered, so that it is vectorised."""
    return _compile(function, fastmath={"reassoc", "contract"}, **_BORROWS)


def part(function: F) -> F:
    """Compile what a loop of a `reduction` calls: as that, and put into the loop, so that it is vectorised."""
    return _compile(function, fastmath={"reassoc", "contract"}, forceinline=True, **_BORROWS)


def comparison(function: F) -> F:
    """Compile a sum of what is larger: as `reduction`, of numbers none of which is NaN, so that it is vectorised."""
    return _compile(function, fastmath={"reassoc", "contract", "nnan", "nsz"}, **_BORROWS)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array as kernels take what they only read, so that they are compiled once."""
    found = array.view()
    found.flags.writeable = False
    return found


def first_class(function: Callable[..., float]) -> Any:
    """Make a Python or numba function passable to a kernel without compiling the kernel again; raises `NumbaError`."""
    python = plain(function)
    return python if numba.config.DISABLE_JIT else numba.cfunc(DISTANCE_SIGNATURE)(python)


def reason(error: NumbaError) -> str:
    """Return the line of an error of numba that says what it does not like."""
    return next(line for line in str(error).splitlines()[1:] or [str(error)] if line.strip()).strip()


_GAINS: dict[Any, Any] = {}


def gain(function: Callable[..., None]) -> Any:
    """Compile a built-in gain, when it is first used, into what a kernel takes as an argument."""
    if numba.config.DISABLE_JIT:
        return function
    if function not in _GAINS:
        options = {"cache": True, "error_model": "numpy", **_BORROWS}
        _GAINS[function] = _with_cache(lambda: numba.cfunc(GAIN_SIGNATURE, **options)(function))
    return _GAINS[function]


def plain(function: Callable[..., Any]) -> Any:
    """Return the Python function of one that numba compiled, any other as it is."""
    return getattr(function, "py_func", function)


def _checked(function: Callable[..., None]) -> Any:
    """Compile a function of somebody else's with its indices checked."""
    python = plain(function)
    if numba.config.DISABLE_JIT:
        return python
    return numba.njit(nogil=True, error_model="numpy", boundscheck=True)(python)


def _adapted(function: Callable[..., None]) -> Any:
    return function if numba.config.DISABLE_JIT else numba.cfunc(GAIN_SIGNATURE, error_model="numpy")(function)


@functools.lru_cache(maxsize=64)
def own_gain(function: Callable[..., None]) -> Any:
    """Make a user's function ``(distances, term, step)`` a gain; raises `NumbaError` where it cannot be compiled.

    It works on copies, between numbers that nobody may change, and what it did is in `memory`, in front of which the
    `HEAD` says whether all went well; what follows a fault is not a number. For `own_memory` numbers of memory: a copy
    of the distances and of the terms, each with a guard on both sides, then what both were before the call.
    """
    inner = _checked(function)

    def adapted(step, picked, row, left, diversity, candidates, term):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, ARG001
        memory, n = candidates.memory, term.shape[0]
        if step == START:
            term[:] = 0.0
        elif step > START and memory[0] != FINE:
            term[:] = np.nan
        elif step > START:
            width = (memory.shape[0] - HEAD - 3 * GUARD) // 4  # of the longest list; what is unused is guard, too
            first, second, third = HEAD + GUARD, HEAD + 2 * GUARD + width, HEAD + 3 * GUARD + 2 * width
            memory[HEAD:third] = CANARY
            for position in range(n):
                memory[first + position] = candidates.distances[row, position]
                memory[second + position] = term[position]
                memory[third + position] = candidates.distances[row, position]
                memory[third + width + position] = term[position]
            memory[1], memory[2] = step, n
            try:
                inner(memory[first : first + n], memory[second : second + n], step)
            except Exception:  # noqa: BLE001 - a callback cannot raise; the caller looks at what it did
                memory[0] = RAISED
            for place in range(HEAD, third):
                inside = first <= place < first + n or second <= place < second + n
                if not inside and memory[place] != CANARY:
                    memory[0] = OUTSIDE
            for position in range(n):
                term[position] = memory[second + position]
            for slot in range(left):
                if memory[0] == FINE and not np.isfinite(term[candidates.remaining[slot]]):
                    memory[0] = INFINITE
            if memory[0] != FINE:
                term[:] = np.nan

    return _adapted(adapted)


def own_memory(n: int) -> int:
    """Return the size of the memory of an `own_gain` for lists of up to n."""
    return HEAD + 3 * GUARD + 4 * n


def before_fault(memory: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances and terms that an `own_gain` had before it went wrong."""
    n = int(memory[2])
    width = (memory.shape[0] - HEAD - 3 * GUARD) // 4
    third = HEAD + 3 * GUARD + 2 * width
    return memory[third : third + n].copy(), memory[third + width : third + width + n].copy()


@functools.lru_cache(maxsize=64)
def foreign_gain(function: Callable[..., None]) -> Any:
    """Compile a gain that does not state what it keeps: with its indices checked, between numbers nobody may change.

    Its memory is what lies between a `HEAD` with a guard and another guard; raises `NumbaError` where it cannot be
    compiled.
    """
    inner = _checked(function)

    def adapted(step, picked, row, left, diversity, candidates, term):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        memory = candidates.memory
        first, last = HEAD + GUARD, memory.shape[0] - GUARD
        if memory[0] == FINE:
            memory[1], memory[2] = step, term.shape[0]
            seen = Candidates(
                candidates.relevance,
                candidates.remaining,
                candidates.distances,
                candidates.rows,
                candidates.starts,
                candidates.features,
                candidates.by_user,
                candidates.numbers,
                memory[first:last],
            )
            try:
                inner(step, picked, row, left, diversity, seen, term)
            except Exception:  # noqa: BLE001 - as above
                memory[0] = RAISED
            for place in range(GUARD):
                if memory[HEAD + place] != CANARY or memory[last + place] != CANARY:
                    memory[0] = OUTSIDE
            for slot in range(left):
                if step >= START and memory[0] == FINE and not np.isfinite(term[candidates.remaining[slot]]):
                    memory[0] = INFINITE
        if memory[0] != FINE:
            term[:] = np.nan

    return _adapted(adapted)


@functools.cache
def no_distance() -> Any:
    """Return what stands for a user's own distance where a built-in one is used, so that kernels keep one signature."""
    if numba.config.DISABLE_JIT:
        return _undefined
    return _with_cache(lambda: numba.cfunc(DISTANCE_SIGNATURE, cache=True)(_undefined))


def _undefined(_one: Any, _other: Any) -> float:
    return np.nan
