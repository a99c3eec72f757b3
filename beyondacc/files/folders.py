"""Folders for what is run when it is read back, such as compiled code: only their owner may write there."""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
from pathlib import Path

__all__ = ["fresh", "open_to_others", "private"]

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def private(base: Path, *parts: str) -> Path | None:
    """Return a folder below `base` in which only this user can write, with mode 700 where it is new; None without one.

    Each of the folders on the way from `base` on must be safe, because who may write in one may exchange what is below
    it. `base` itself may be behind a link, which is its user's own setting; what is below it may not.
    """
    folder = Path(os.path.realpath(base))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if open_to_others(folder, shared=True):
            return None
        for part in parts:
            folder /= part
            folder.mkdir(mode=0o700, exist_ok=True)
            if open_to_others(folder):
                return None
    except OSError:  # what is in the way is a file or a dangling link, or nothing can be written here
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def open_to_others(folder: Path, *, shared: bool = False) -> bool:
    """Whether somebody else may have put there what is in a folder, or exchange it later; a link is open to others.

    Parameters
    ----------
    shared
        Whether it may be a folder of the system in which nobody can exchange what is another's, such as ``/tmp``.
    """
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return True
    if not hasattr(os, "getuid"):  # there modes say nothing, and folders of a user are kept from others by the system
        return False
    if found.st_uid != os.getuid() and not (shared and found.st_uid == 0):
        return True
    writers = found.st_mode & _OTHERS
    if shared and found.st_mode & stat.S_ISVTX:
        return False
    if writers == stat.S_IWGRP and _is_of_one(found.st_gid, found.st_uid):
        return False
    return bool(writers)


def _is_of_one(group: int, user: int) -> bool:
    """Whether a group is that of a single user, as many systems have one for each, who then let it write."""
    import grp  # noqa: PLC0415 - not on every platform
    import pwd  # noqa: PLC0415

    try:
        owner, found = pwd.getpwuid(user), grp.getgrgid(group)
    except KeyError:  # a container's user whom nobody knows
        return False
    return owner.pw_gid == group and found.gr_name == owner.pw_name and set(found.gr_mem) <= {owner.pw_name}


def fresh() -> Path | None:
    """Return a new private folder that is removed when this process ends; None where nothing can be written."""
    try:
        folder = tempfile.mkdtemp(prefix="beyondacc-")
    except OSError:
        return None
    atexit.register(_remove, folder, os.getpid())
    return Path(folder)


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # not a child that ends before it
        shutil.rmtree(folder, ignore_errors=True)
