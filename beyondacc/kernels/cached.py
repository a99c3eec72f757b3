"""Where compiled kernels are kept.

That of each file lies in a folder named by the digest of its source, of the sources of all kernels that it imports and
of the versions of Python and Numba, because Numba's own cache notices edits in the file of a function only, not in the
files of the helpers it calls. So kernels may share helpers, an edit recompiles what depends on it and nothing else, an
upgrade never runs stale code, copies of the package in several places share what they compiled, and a read-only
installation is no obstacle. What lies in that folder is run, so it is one that nobody else can write in.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from beyondacc.files.folders import fresh, private

__all__ = ["CACHE", "COMPILER", "LASTS", "Place", "digest_of", "imported", "version", "with_cache"]

_HERE = Path(__file__).parent
#: What compiles the kernels, as the name of a folder.
COMPILER = f"python{platform.python_version()}-numba{numba.__version__}"
#: Imports of kernels, absolute as everywhere in this package; that no other way is used is tested.
_IMPORT = re.compile(r"^\s*(?:from|import)\s+beyondacc\.kernels([.\w]*)(?:\s+import\s+(\([^)]*\)|.*))?", re.MULTILINE)


@functools.cache
def version() -> str:
    """Return what changes with the code of any kernel and with what compiles it."""
    return _digest(set(_HERE.rglob("*.py")))


@functools.cache
def digest_of(path: Path) -> str:
    """Return what changes with the code of a file, with any that it imports, however far off, and with the compiler."""
    needed, new = {path}, {path}
    while new:
        new = {each for found in new for each in imported(found)} - needed
        needed |= new
    return _digest(needed)


@functools.cache
def imported(path: Path) -> frozenset[Path]:
    """Return the files of kernels that one imports itself."""
    found: set[Path] = set()
    for below, names in _IMPORT.findall(path.read_text(encoding="utf-8")):
        parts = below.split(".")[1:]
        last = [name.split()[0] for name in names.strip("() ").split(",") if name.strip()]
        for place in (_HERE.joinpath(*parts), *(_HERE.joinpath(*parts, name) for name in last)):
            found |= {each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()}
    return frozenset(found - {_HERE / "__init__.py"})


def _digest(paths: set[Path]) -> str:
    parts = [f"{os.path.relpath(path, _HERE)} {_mark(path)}" for path in sorted(paths)]
    return hashlib.sha256("\n".join([COMPILER, *parts]).encode()).hexdigest()[:16]


@functools.cache
def _mark(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _base() -> Path | None:
    """Return the folder for compiled code: NUMBA_CACHE_DIR if it is set, else the platform's cache folder."""
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(given)
    home = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(home) if home else Path.home() / ".cache"
    except RuntimeError:  # a container's user without a home
        return None


def _cache() -> tuple[Path | None, bool]:
    """Return the folder for compiled code, None where there is none, and whether it outlives this process."""
    if not _HERE.is_dir():  # in an archive, whose files cannot be looked at for what they import
        return None, False
    below = "beyondacc", COMPILER
    base = _base()
    if base is not None and (folder := private(base, *below)):
        return folder, True
    try:
        shared = Path(tempfile.gettempdir())
    except OSError:  # nothing can be written anywhere
        return None, False
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    if folder := private(shared, f"beyondacc-{owner}", *below):
        return folder, True
    base = fresh()
    return (None if base is None else private(base, *below)), False


#: Where compiled code is kept, None where it cannot be, and whether for later processes too.
CACHE, LASTS = _cache()


class Place:
    """Where Numba keeps the code of one function; it asks for one of these, a cache locator, by name."""

    def __init__(self, function: Any, file: str) -> None:
        self._line = function.__code__.co_firstlineno
        self._folder = _folder_of(file)

    @classmethod
    def from_function(cls, function: Any, file: str) -> Place:
        """Return the place of a function in a file."""
        return cls(function, file)

    def ensure_cache_path(self) -> None:
        """Make the folder before something is written; nobody else can have made it inside of one that is private."""
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def get_cache_path(self) -> str:
        """Return the folder."""
        return str(self._folder)

    def get_source_stamp(self) -> str:
        """Return what must not have changed: sources by content, not by date, and so for all copies of the package."""
        return self._folder.name

    def get_disambiguator(self) -> str:
        """Return what tells functions of one name apart."""
        return str(self._line)


@functools.cache
def _folder_of(file: str) -> Path:
    assert CACHE is not None  # noqa: S101 - asked for only where there is one
    path = Path(file)
    return CACHE / f"{path.stem}-{digest_of(path)}"


def with_cache(function: Any, compile_: Callable[[], Any]) -> Any:
    """Call what makes a dispatcher of a function, which then keeps its code where that of its file is kept."""
    # these are read when a dispatcher is made; putting them back leaves other users of numba with their own folder.
    # A numba before 0.62 asks for no locator, and takes a folder in that of the file
    config = numba.config
    names = ("CACHE_DIR", "CACHE_LOCATOR_CLASSES")
    before = [getattr(config, name, "") for name in names]
    folder = "" if CACHE is None else str(_folder_of(function.__code__.co_filename))
    config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = folder, f"{__name__}.{Place.__name__}"
    try:
        return compile_()
    finally:
        config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = before
