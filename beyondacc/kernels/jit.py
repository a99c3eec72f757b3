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
from typing import Any, TypeVar

import numba
import numpy as np
from numba import float64, types
from numba.core.errors import NumbaError
from numba.extending import intrinsic

__all__ = [
    "CACHE",
    "DISTANCE_SIGNATURE",
    "NumbaError",
    "announce",
    "first_class",
    "kernel",
    "no_distance",
    "popcount",
    "reduction",
]

F = TypeVar("F", bound=Callable[..., Any])

#: A user's own distance: two feature rows in, one number out.
DISTANCE_SIGNATURE = float64(float64[::1], float64[::1])


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
        print("beyondacc: compiling kernels, once, up to half a minute", file=sys.stderr)  # noqa: T201 - meant for the terminal


def _with_cache(compile_: Callable[[], Any]) -> Any:
    # CACHE_DIR is read when a dispatcher is made; putting it back leaves other users of numba with their own folder
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(CACHE)
    try:
        return compile_()
    finally:
        numba.config.CACHE_DIR = before


def _compile(function: F, **options: Any) -> F:
    compiled: F = _with_cache(lambda: numba.njit(nogil=True, cache=True, error_model="numpy", **options)(function))
    return compiled


def kernel(function: F) -> F:
    """Compile a module-level function: nogil, cached on disk, numpy division, no bounds checks, strict floats."""
    return _compile(function)


def reduction(function: F) -> F:
    """Compile a sum or a dot product: as `kernel`, but additions may be reordered, so that it is vectorised."""
    return _compile(function, fastmath={"reassoc", "contract"})


def first_class(function: Callable[..., float]) -> Any:
    """Make a Python or numba function passable to a kernel without compiling the kernel again; raises `NumbaError`."""
    python: Any = getattr(function, "py_func", function)
    return python if numba.config.DISABLE_JIT else numba.cfunc(DISTANCE_SIGNATURE)(python)


@functools.cache
def no_distance() -> Any:
    """Return what stands for a user's own distance where a built-in one is used, so that kernels keep one signature."""
    if numba.config.DISABLE_JIT:
        return _undefined
    return _with_cache(lambda: numba.cfunc(DISTANCE_SIGNATURE, cache=True)(_undefined))


def _undefined(_one: Any, _other: Any) -> float:
    return np.nan


if numba.config.DISABLE_JIT:

    def popcount(word: Any) -> int:
        """Count the bits of a word."""
        return int(word).bit_count()

else:

    @intrinsic
    def popcount(typing_context: Any, word: Any) -> Any:  # noqa: ARG001 - numba's calling convention
        """Count the bits of a word: one machine instruction."""

        def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.ctpop(arguments[0])

        return types.int64(types.uint64), emit
