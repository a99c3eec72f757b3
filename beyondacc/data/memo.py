"""Arrays that are derived from others once, when they are first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

__all__ = ["Memo"]

T = TypeVar("T")


class Memo:
    """Keeps what was built by its key; safe to share between threads."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    def __call__(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return what is known by `key`, building it the first time."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = build()
            found: T = self._kept[key]
            return found

    def __getstate__(self) -> dict[Hashable, Any]:
        """Return what is kept: a lock can be neither pickled nor copied."""
        return self._kept

    def __setstate__(self, kept: dict[Hashable, Any]) -> None:
        self._kept, self._lock = kept, threading.RLock()

    def __contains__(self, key: Hashable) -> bool:
        """Whether what is known by `key` was built."""
        return key in self._kept

    def without(self, key: Hashable) -> Memo:
        """Return one that keeps what this one does, but for one key."""
        found = Memo()
        found._kept = {other: kept for other, kept in self._kept.items() if other != key}
        return found
