"""What a gain reads and keeps, declared by its re-ranker, and the one check of it before the engine runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.errors import SpecError
from beyondacc.kernels import jit, own_gains
from beyondacc.kernels.memory import (
    ASTRAY,
    FAILED,
    INFINITE,
    Keeps,
    Room,
    Sizes,
    foreign_room,
    foreign_size,
    guarded,
)

__all__ = ["BuiltIn", "Foreign", "Runner", "Storage", "runner_of"]


class Storage(NamedTuple):
    """What a re-ranker declares for its gain.

    Attributes
    ----------
    numbers
        What the gain reads, the same for everybody.
    memory
        How many numbers it keeps; by default as many as the gain states (`beyondacc.kernels.memory.keeps`), or none
        where it states nothing.
    """

    numbers: NDArray[np.float64] = np.empty(0)
    memory: int | None = None


class Runner:
    """How the engine runs the gain of a re-ranker.

    Parameters
    ----------
    owner
        What messages call the re-ranker.
    name
        What they call the gain.
    compiled
        What the engine calls; raises `SpecError` or numba's error where it cannot be compiled.
    stated
        What the gain states that it reads and keeps, or None.
    """

    def __init__(self, owner: str, name: str, compiled: Callable[[], Any], stated: Keeps | None) -> None:
        self.owner, self.name, self._compile, self.stated = owner, name, compiled, stated

    @property
    def compiled(self) -> Any:
        """What the engine calls."""
        return self._compile()

    def room(self, declared: Storage, sizes: Sizes) -> Room:
        """Make room for what the gain keeps; raises `SpecError` where less is declared than it states that it uses."""
        size, stated = declared.memory, self.stated
        about = f"{self.owner}, whose gain is {self.name},"
        if size is not None and (type(size) is not int or size < 0):
            raise SpecError(f"{about} declares a memory of {size!r}; it must be a whole number >= 0")
        if stated is None:
            return self._made(size or 0)
        if len(declared.numbers) < stated.numbers:
            raise SpecError(
                f"{about} declares {len(declared.numbers)} numbers, of which the gain reads {stated.numbers}; "
                "declare all of them"
            )
        needed = stated.memory(sizes)
        if size is not None and size < needed:
            raise SpecError(
                f"{about} declares a memory of {size:,} numbers, of which the gain uses {needed:,} for {sizes.n} "
                f"candidates and {sizes.k} picks; declare as many, or None, which is what it uses"
            )
        return self._made(needed if size is None else size)

    def _made(self, size: int) -> Room:
        return guarded(size)

    def look_at(self, room: Room) -> None:
        """Raise `SpecError` where the gain did what it must not do."""
        if room.written_around:
            self._astray()

    def _astray(self) -> None:
        raise SpecError(
            f"gain {self.name} of {self.owner} wrote outside of the memory that is declared; it must stay within its "
            "arrays"
        )


class BuiltIn(Runner):
    """A gain that states what it keeps: it is trusted with as much."""

    def __init__(self, owner: str, kernel: Any) -> None:
        super().__init__(owner, kernel.__name__, lambda: jit.gain(kernel), kernel.keeps)


class Foreign(Runner):
    """A gain that states nothing: its indices are checked."""

    def __init__(self, owner: str, kernel: Any) -> None:
        super().__init__(owner, kernel.__name__, lambda: own_gains.foreign_gain(kernel), None)

    def _made(self, size: int) -> Room:
        return foreign_room(size)

    def look_at(self, room: Room) -> None:
        """Raise `SpecError` where the gain wrote elsewhere, raised an error or made what is not a number."""
        done, about = room.inside, f"gain {self.name} of {self.owner}"
        if room.written_around or done[0] == ASTRAY:
            self._astray()
        if done[0] == FAILED:
            raise SpecError(
                f"{about} raised an error at step {int(done[1])} with {int(done[2])} candidates, as where it reads or "
                f"writes outside of its arrays; {foreign_size(room):,} numbers of memory are declared"
            )
        if done[0] == INFINITE:
            raise SpecError(
                f"{about} made a term that is not finite at step {int(done[1])}; terms of what is left must be finite"
            )


def runner_of(owner: str, kernel: Any) -> Runner:
    """Return how a kernel is run: as it states what it keeps, or with its indices checked."""
    return BuiltIn(owner, kernel) if hasattr(kernel, "keeps") else Foreign(owner, kernel)
