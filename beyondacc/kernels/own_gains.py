"""Gains of somebody else's: what they write outside, raise, or make that is not a number is seen and told."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels import jit
from beyondacc.kernels.jit import START, Candidates
from beyondacc.kernels.memory import ASTRAY, CANARY, FAILED, FINE, GUARD, HEAD, INFINITE

__all__ = ["before_fault", "foreign_gain", "own_gain", "own_memory"]

_NEAR = 32  # numbers beside each array of an `own_gain`, which are looked at after every call


@functools.lru_cache(maxsize=64)
def own_gain(function: Callable[..., None]) -> Any:
    """Make a user's function ``(distances, term, step)`` a gain; raises `NumbaError` where it cannot be compiled.

    It works on copies, between numbers that nobody may change, and what it did is in `memory`, in front of which the
    `HEAD` says whether all went well; what follows a fault is not a number. For `own_memory` numbers of memory: a copy
    of the distances and of the terms, each with a guard on both sides, then what both were before the call.
    """
    inner = jit.checked(function)

    def adapted(step, picked, row, left, diversity, candidates, term):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, ARG001
        memory, n = candidates.memory, term.shape[0]
        if step == START:
            term[:] = 0.0
        elif step > START and memory[0] != FINE:
            term[:] = np.nan
        elif step > START:
            first = HEAD + _NEAR
            second, third = first + n + _NEAR, first + 2 * n + 2 * _NEAR
            for place in range(_NEAR):
                memory[HEAD + place] = CANARY
                memory[second - _NEAR + place] = CANARY
                memory[third - _NEAR + place] = CANARY
            for position in range(n):
                memory[first + position] = candidates.distances[row, position]
                memory[second + position] = term[position]
                memory[third + position] = candidates.distances[row, position]
                memory[third + n + position] = term[position]
            memory[1], memory[2] = step, n
            try:
                inner(memory[first : first + n], memory[second : second + n], step)
            except Exception:  # noqa: BLE001 - a callback cannot raise; the caller looks at what it did
                memory[0] = FAILED
            changed = 0
            for place in range(_NEAR):
                changed += memory[HEAD + place] != CANARY
                changed += memory[second - _NEAR + place] != CANARY
                changed += memory[third - _NEAR + place] != CANARY
            if changed:
                memory[0] = ASTRAY
            for position in range(n):
                term[position] = memory[second + position]
            for slot in range(left):
                if memory[0] == FINE and not np.isfinite(term[candidates.remaining[slot]]):
                    memory[0] = INFINITE
            if memory[0] != FINE:
                term[:] = np.nan

    return jit.as_gain(adapted)


def own_memory(n: int) -> int:
    """Return the size of the memory of an `own_gain` for lists of up to n."""
    return HEAD + 3 * _NEAR + 4 * n


def before_fault(memory: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances and terms that an `own_gain` had before it went wrong."""
    n = int(memory[2])
    third = HEAD + 3 * _NEAR + 2 * n
    return memory[third : third + n].copy(), memory[third + n : third + 2 * n].copy()


@functools.lru_cache(maxsize=64)
def foreign_gain(function: Callable[..., None]) -> Any:
    """Compile a gain that does not state what it keeps: with its indices checked, between numbers nobody may change.

    Its memory is what lies between a `HEAD` with a guard and another guard; raises `NumbaError` where it cannot be
    compiled.
    """
    inner = jit.checked(function)

    def adapted(step, picked, row, left, diversity, candidates, term):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        memory = candidates.memory
        first, last = HEAD + GUARD, memory.shape[0] - GUARD
        if memory[0] == FINE:
            memory[1], memory[2] = step, term.shape[0]
            seen = Candidates(
                candidates.relevance,
                candidates.remaining,
                candidates.distances,
                candidates.rows,
                candidates.starts,
                candidates.features,
                candidates.by_user,
                candidates.numbers,
                memory[first:last],
            )
            try:
                inner(step, picked, row, left, diversity, seen, term)
            except Exception:  # noqa: BLE001 - as above
                memory[0] = FAILED
            for place in range(GUARD):
                if memory[HEAD + place] != CANARY or memory[last + place] != CANARY:
                    memory[0] = ASTRAY
            for slot in range(left):
                if step >= START and memory[0] == FINE and not np.isfinite(term[candidates.remaining[slot]]):
                    memory[0] = INFINITE
        if memory[0] != FINE:
            term[:] = np.nan

    return jit.as_gain(adapted)
