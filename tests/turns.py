"""Whose turn it is among the processes of one run of the tests: what measures time runs while no other test does."""

from __future__ import annotations

import contextlib

try:
    import fcntl
except ImportError:  # Windows: the neighbours are not kept still there
    fcntl = None


class Turns:
    """Tests of several processes run side by side, but for those that are to be alone.

    A file is locked by all that run, together, or by one alone; another, the gate, by who waits for it, so that one
    who wants to be alone is not passed for ever.
    """

    def __init__(self, folder):
        self._gate, self._room = (folder / name for name in ("gate", "room"))

    @contextlib.contextmanager
    def take(self, *, alone):
        if fcntl is None:
            yield
            return
        with self._room.open("a") as room:
            with self._gate.open("a") as gate:
                fcntl.flock(gate, fcntl.LOCK_EX)
                fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
                fcntl.flock(gate, fcntl.LOCK_UN)  # a child that is forked meanwhile would hold it otherwise
            try:
                yield
            finally:
                fcntl.flock(room, fcntl.LOCK_UN)
