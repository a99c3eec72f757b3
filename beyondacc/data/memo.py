"""Arrays that are derived from others once, when they are first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from beyondacc.run.forks import renewed

__all__ = ["Memo"]

T = TypeVar("T")


class Memo:
    """Keeps what was built by its key; safe to share between threads, and with a forked process."""

    def __init__(self) -> None:
        self.__setstate__({})

    def renew(self) -> None:
        """Take a new lock, in a forked process."""
        self._lock = threading.RLock()

    def __call__(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return what is known by `key`, building it the first time."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = build()
            found: T = self._kept[key]
            return found

    def of(self, owner: Any) -> Memo:
        """Return one that lives as long as `owner` does, for what is derived from it too."""
        with self._lock:
            found = self._of.get(owner)
            if found is None:
                found = self._of[owner] = Memo()
            return found

    def __getstate__(self) -> dict[Hashable, Any]:
        """Return what is kept: a lock can be neither pickled nor copied, and what owners have is built again."""
        return self._kept

    def __setstate__(self, kept: dict[Hashable, Any]) -> None:
        self._kept = kept
        self._of: WeakKeyDictionary[Any, Memo] = WeakKeyDictionary()
        self.renew()
        renewed(self)

    def __contains__(self, key: Hashable) -> bool:
        """Whether what is known by `key` was built."""
        return key in self._kept

    def without(self, key: Hashable) -> Memo:
        """Return one that keeps what this one does, but for one key."""
        found = Memo()
        found._kept = {other: kept for other, kept in self._kept.items() if other != key}
        return found
