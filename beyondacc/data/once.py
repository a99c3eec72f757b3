"""Arrays that are derived from others once, when they are first asked for, and kept with what they are derived from."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Hashable
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from beyondacc.run.forks import renewed

__all__ = ["Kept", "once"]

O = TypeVar("O")  # noqa: E741 - the owner
P = ParamSpec("P")
T = TypeVar("T")


class Kept:
    """What was derived from its owner, by the function and the arguments; safe to share between threads and forks.

    It is neither pickled nor copied: it is derived again.
    """

    def __init__(self) -> None:
        self.__setstate__({})

    def renew(self) -> None:
        """Take a new lock, in a forked process."""
        self._lock = threading.RLock()

    def __call__(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return what is known by `key`, building it the first time."""
        with self._lock:
            if key not in self._found:
                self._found[key] = build()
            found: T = self._found[key]
            return found

    def along(self, other: Any) -> Kept:
        """Return what is kept for as long as another object lives, too."""
        with self._lock:
            found = self._along.get(other)
            if found is None:
                found = self._along[other] = Kept()
            return found

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, _: dict[str, Any]) -> None:
        self._found: dict[Hashable, Any] = {}
        self._along: WeakKeyDictionary[Any, Kept] = WeakKeyDictionary()
        self.renew()
        renewed(self)


def once(function: Callable[Concatenate[O, P], T]) -> Callable[Concatenate[O, P], T]:
    """Keep what a function returns with its first argument, which has a `Kept` called ``kept``.

    The other arguments are hashable, and positional. An argument of a class with ``weakly_kept = True`` is not kept
    alive: what was derived is dropped with it.
    """
    derive: Any = function

    @functools.wraps(function)
    def found(owner: Any, *args: Any) -> Any:
        kept: Kept = owner.kept
        for each in args:
            if getattr(each, "weakly_kept", False):
                kept = kept.along(each)
        key = function, *(id(each) if getattr(each, "weakly_kept", False) else each for each in args)
        return kept(key, lambda: derive(owner, *args))

    kept_once: Any = found
    return kept_once  # type: ignore[no-any-return]
