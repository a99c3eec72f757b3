"""Files that are there whole or not at all, who is writing them, and what a process that was killed left behind.

What is written stands beside its place first, under a hidden name that tells whose it is,
``.NAME.HOST-PID-START-N.part``, and takes its name when it is complete and on the disk. An error or an interruption
removes it; what a killed process left is removed by the next one that writes in the same folder, once its owner is
gone: a process has a start as well as a number, because numbers are given again, and another machine or container is
never judged.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import os
import platform
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from beyondacc.errors import DataError

__all__ = ["abandon", "beside", "discard", "owned", "replace_file", "settle_all", "sweep"]

_LONGEST: Final = 120  # bytes of a name that a hidden one repeats: file systems take 255
_PART: Final = re.compile(r"\..*\.(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-(?P<start>\d+)-\d+\.part", re.DOTALL)
_TURNS: Final = itertools.count()
_OPEN: Final[set[Path]] = set()  # what this process removes when it ends


def replace_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file beside its place and move it there, so that nobody meets half of it.

    Where the path is a link, the file that it names is replaced; a file that is replaced leaves its mode to the new
    one.

    Raises
    ------
    DataError
        If the folder does not exist.
    """
    folder = str(Path(path).parent)
    if not Path(folder).is_dir():
        raise DataError(f"{str(path)!r} cannot be written because the folder {folder!r} does not exist; create it")
    place = Path(path).resolve()
    with beside(place) as part:
        part.write_bytes(content)


@contextlib.contextmanager
def beside(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """Give a hidden place for a file beside its own, and move the file when the block ends without an error.

    Parameters
    ----------
    path
        Where the file will be.
    folder
        Give a folder instead, to move files from with `settle_all`; it is removed at the end in any case.
    """
    sweep(path.parent)
    part = path.with_name(f".{_cut(path.name)}.{_me()}-{next(_TURNS)}.part")
    _OPEN.add(part)
    try:
        if folder:
            part.mkdir()
            yield part
        else:
            yield part
            _settle((part, path))
    except OSError as error:
        if error.filename in {None, str(part)}:  # a full disk; the hidden name says nothing to the reader
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        _remove(part)
        _OPEN.discard(part)


def abandon() -> None:
    """Remove all that is being written, for a process that ends without waiting for its threads."""
    for part in list(_OPEN):
        with contextlib.suppress(OSError):
            _remove(part)


def _settle(*moves: tuple[Path, Path]) -> None:
    """Move complete files to their places, one right after the other when all are on the disk."""
    for part, _ in moves:
        _flush(part)
    for part, path in moves:
        if path.is_file():
            shutil.copymode(path, part)
        part.replace(path)
    for folder in {path.parent for _, path in moves}:
        _flush(folder)


def settle_all(fresh: Path, target: Path) -> None:
    """Move the files of a folder into another one, at once where that is not there."""
    parts = sorted(fresh.iterdir())
    if target.exists():
        _settle(*((part, target / part.name) for part in parts))
        return
    for part in parts:
        _flush(part)
    fresh.replace(target)
    _flush(target.parent)


def discard(folder: Path) -> None:
    """Remove a folder and all in it; it loses its name first, so that nobody takes what is left for the whole."""
    part = folder.with_name(f".{_cut(folder.name)}.{_me()}-{next(_TURNS)}.part")
    folder.replace(part)
    _remove(part)


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk, so that a name never outlives its content."""
    if os.name == "nt" and path.is_dir():  # which cannot be opened there
        return
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if path.is_file():
            raise  # a full disk may say so only now; folders of some network disks cannot be flushed
    finally:
        os.close(descriptor)


def _remove(part: Path) -> None:
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what processes of this machine left in a folder that were killed while they wrote; looks once a folder."""
    _sweep(str(folder.resolve()), os.getpid())


@functools.lru_cache(maxsize=1024)
def _sweep(folder: str, _pid: int) -> None:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _PART.fullmatch(entry.name)
            if match and match["host"] == _host() and not _alive(int(match["pid"]), int(match["start"])):
                with contextlib.suppress(OSError):
                    _remove(Path(entry.path))


# ------------------------------------------------------------------------------------------------------- processes


def _me() -> str:
    return f"{_host()}-{os.getpid()}-{_start(os.getpid())}"


@functools.cache
def _host() -> str:
    """Return a digest of the machine and, where there are containers, of the numbering of its processes."""
    try:
        numbering = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        numbering = ""
    return hashlib.sha256(f"{platform.node()} {numbering}".encode()).hexdigest()[:8]


def _start(pid: int) -> int | None:
    """Return when a process started, in ticks since the machine did; 0 where that is not told, None for no process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else 0
    except OSError:
        return 0
    state, *fields = stat.rpartition(b")")[2].split()
    return None if state in {b"Z", b"X"} else int(fields[18])


def _alive(pid: int, start: int) -> bool:
    if sys.platform == "win32":  # where signal 0 would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # somebody else's
    return not start or _start(pid) in {start, 0}


# ----------------------------------------------------------------------------------------------------------- locks

_HELD: dict[Path, int] = {}  # the thread that holds a lock may take it again
_GUARD: Final = threading.Lock()


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold a folder of results for this process, or refuse while another one holds it.

    The lock is a hidden file beside the folder, ``.NAME.lock``. The system takes it from a process that ends, however
    that ends, and the file says who holds it. Disks without locks are judged by what the file says.

    Raises
    ------
    DataError
        If the folder is held.
    """
    place = folder.resolve()
    lock, mine = place.with_name(f".{_cut(place.name)}.lock"), threading.get_ident()
    with _GUARD:
        holder = _HELD.get(place)
        if holder is not None and holder != mine:
            raise _busy(folder, lock, _self())
        _HELD[place] = mine
    if holder == mine:
        yield
        return
    try:
        sweep(place.parent)
        descriptor = _take(folder, lock)
        _OPEN.add(lock)
        try:
            yield
        finally:
            _OPEN.discard(lock)
            if os.name != "nt":
                lock.unlink(missing_ok=True)  # while it is held, so that nobody holds a file that is gone
            os.close(descriptor)
            if os.name == "nt":
                lock.unlink(missing_ok=True)
    finally:
        with _GUARD:
            _HELD.pop(place, None)


def _take(folder: Path, lock: Path) -> int:
    """Return the descriptor of the lock file, which is held as long as it is open."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        with contextlib.ExitStack() as otherwise:
            otherwise.callback(os.close, descriptor)
            locked, owner = _lock(descriptor), _owner_of(descriptor)
            if locked is False or (locked is None and owner and not _gone(owner)):
                raise _busy(folder, lock, owner)
            if _is_at(descriptor, lock):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, json.dumps(_self()).encode())
                otherwise.pop_all()
                return descriptor
            # the one who held it removed it in between


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> bool | None:
    """Lock a file for this process: whether that was possible, None where there are no locks."""
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415 - not everywhere

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _self() -> dict[str, Any]:
    started = time.strftime("%Y-%m-%d %H:%M:%S")
    pid = os.getpid()
    return {"pid": pid, "start": _start(pid), "host": platform.node(), "numbering": _host(), "since": started}


def _owner_of(descriptor: int) -> dict[str, Any] | None:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0) if hasattr(os, "pread") else os.read(descriptor, 4096))
    except ValueError:  # nobody has written yet
        return None
    return found if isinstance(found, dict) else None


def _gone(owner: dict[str, Any]) -> bool:
    pid, start = owner.get("pid"), owner.get("start")
    if owner.get("numbering") != _host() or not isinstance(pid, int) or not isinstance(start, int):
        return False
    return not _alive(pid, start)


def _busy(folder: Path, lock: Path, owner: dict[str, Any] | None) -> DataError:
    who = "another process"
    if owner:
        who = f"process {owner.get('pid')} on {owner.get('host')}, since {owner.get('since')}"
    return DataError(
        f"{str(folder)!r} is being written by {who} (says {str(lock)!r}); wait until it ends or stop it, "
        "or choose another folder"
    )


def _cut(name: str) -> str:
    """Return the name, or its beginning and a digest where a longer hidden name would be too long."""
    given = os.fsencode(name)
    if len(given) <= _LONGEST:
        return name
    return f"{given[: _LONGEST - 20].decode(errors='ignore')}-{hashlib.sha256(given).hexdigest()[:8]}"
