"""Locks in a forked process: a thread that held one stayed with the parent and will never let it go."""

from __future__ import annotations

import functools
import os
import sys
import threading
from typing import Any, Final, Protocol
from weakref import WeakSet

__all__ = ["Lock", "renewed"]


class Renewable(Protocol):
    """Something with a lock of its own."""

    def renew(self) -> None:
        """Take a new lock, in a process that was forked while a thread may have held the old one."""


_RENEWABLE: Final[WeakSet[Any]] = WeakSet()


def renewed(owner: Renewable) -> None:
    """See that whoever has a lock gets a new one in each forked process."""
    _RENEWABLE.add(owner)


class Lock:
    """A lock of a module, to be held as ``with lock.held:``; the same thread may take it twice."""

    def __init__(self) -> None:
        self.renew()
        renewed(self)

    def renew(self) -> None:
        """Take a new lock."""
        self.held = threading.RLock()


def _renew() -> None:
    for owner in list(_RENEWABLE):
        owner.renew()
    if sys.version_info < (3, 12):  # until then a cached property had one lock for all its objects
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] == "beyondacc":
                for value in list(vars(module).values()):
                    _renew_properties(value)


def _renew_properties(found: Any) -> None:
    for each in list(vars(found).values()) if isinstance(found, type) else ():
        if isinstance(each, functools.cached_property):
            each.lock = threading.RLock()  # type: ignore[attr-defined] # which later versions do not have


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
