"""How many numbers a gain reads and keeps, stated beside it, and what stands around memory so that writes show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ASTRAY",
    "CANARY",
    "FAILED",
    "FINE",
    "GUARD",
    "HEAD",
    "INFINITE",
    "Keeps",
    "Room",
    "Sizes",
    "foreign_room",
    "foreign_size",
    "guarded",
    "keeps",
]

F = TypeVar("F", bound=Callable[..., Any])

GUARD: Final = 128  # numbers on both sides of memory that nobody may change
CANARY: Final = -8.765432123456789e-222  # what they are: nothing that a computation ends with
HEAD: Final = 3  # numbers in front of what a function of somebody else's works in: what it did, at which step, and n
FINE, FAILED, INFINITE, ASTRAY = 0.0, 1.0, 2.0, 3.0  # what it did


class Sizes(NamedTuple):
    """What the memory of a gain depends on.

    Attributes
    ----------
    n, k
        Candidates of the longest list, and picks.
    of_user
        Numbers of each user.
    width
        Columns of the item rows.
    numbers
        Those for everybody.
    """

    n: int
    k: int
    of_user: int
    width: int
    numbers: NDArray[np.float64]


class Keeps(NamedTuple):
    """What a gain reads and keeps: the least number of its `numbers`, and how large its memory must be."""

    numbers: int
    memory: Callable[[Sizes], int]


def keeps(memory: Callable[[Sizes], int] = lambda _: 0, *, numbers: int = 0) -> Callable[[F], F]:
    """State beside a gain what it reads and keeps; the engine checks it before it runs.

    A gain without such a statement is compiled with its indices checked.
    """

    def mark(function: F) -> F:
        function.keeps = Keeps(numbers, memory)  # type: ignore[attr-defined]
        return function

    return mark


class Room(NamedTuple):
    """Memory of zeros, with numbers on both sides that nobody may change."""

    whole: NDArray[np.float64]
    inside: NDArray[np.float64]

    @property
    def written_around(self) -> bool:
        """Whether somebody wrote there all the same."""
        return bool((self.whole[:GUARD] != CANARY).any() or (self.whole[-GUARD:] != CANARY).any())


def guarded(size: int) -> Room:
    """Make room for so many numbers."""
    whole = np.full(size + 2 * GUARD, CANARY)
    inside = whole[GUARD : GUARD + size]
    inside[:] = 0.0
    return Room(whole, inside)


def foreign_room(size: int) -> Room:
    """Make room for a gain whose indices are checked: a head, a guard, so many zeros, another guard."""
    room = guarded(HEAD + 2 * GUARD + size)
    room.inside[HEAD : HEAD + GUARD] = CANARY
    room.inside[HEAD + GUARD + size :] = CANARY
    return room


def foreign_size(room: Room) -> int:
    """Return how many of its numbers are the gain's."""
    return len(room.inside) - HEAD - 2 * GUARD
