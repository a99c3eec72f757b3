"""The only place that says njit: how kernels are compiled and where they are kept.

A kernel is a serial loop over rows that trusts its input. Compiled code is cached on disk in a folder named by the
digest of all kernel sources and the versions of Python and Numba, because Numba's own cache notices edits in the file of a
function only, not in the files of the helpers it calls. So kernels may share helpers, an upgrade never runs stale code,
and a read-only installation is no obstacle.
"""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba import float64

__all__ = ["CACHE", "DISTANCE_SIGNATURE", "first_class", "is_cold", "kernel"]

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
    return Path(home) if home else Path.home() / ".cache"


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


def is_cold() -> bool:
    """Whether no kernel of this version has been compiled on this machine yet."""
    return not any(CACHE.rglob("*.nbi"))


def kernel(function: F) -> F:
    """Compile a module-level function: nogil, cached on disk, numpy division, no bounds checks, no fastmath."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(CACHE)  # read when the dispatcher is made, so that other users of numba keep theirs
    try:
        compiled: F = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    finally:
        numba.config.CACHE_DIR = before
    return compiled


def first_class(function: Callable[..., float]) -> Any:
    """Make a Python or numba function passable to a kernel without compiling the kernel again."""
    python = getattr(function, "py_func", function)
    return python if numba.config.DISABLE_JIT else numba.cfunc(DISTANCE_SIGNATURE)(python)
