"""Blocks of users on the threads of this machine: kernels release the GIL, so plain threads are enough."""

from __future__ import annotations

import contextvars
import functools
import operator
import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import ContextVar
from typing import Final, TypeVar

__all__ = ["LEAST", "blocks", "map_blocks", "map_parts", "map_stream", "n_threads"]

T = TypeVar("T")
U = TypeVar("U")
_CHOSEN: ContextVar[int | None] = ContextVar("threads", default=None)  # what runs inside a block asks for no more
LEAST: Final = 256  # rows that are worth a thread, where nothing else is said
_MOST_THREADS: Final = 512
_MOST_NUMBERS: Final = 2**22  # in the rows of a block
_MOST = 16_384  # rows that bound the memory of a block, and stay in the cache from one metric to the next


def n_threads(threads: int | None = None) -> int:
    """Return the number of threads to use: as given, else as around this call, else one for each core it may use."""
    threads = _CHOSEN.get() if threads is None else threads
    if threads is not None:
        return max(1, threads)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def blocks(n_rows: int, n_blocks: int) -> list[tuple[int, int]]:
    """Cut rows into nearly equal, contiguous blocks, in order; never an empty one unless there are no rows."""
    n_blocks = max(1, min(n_blocks, n_rows))
    return [(n_rows * block // n_blocks, n_rows * (block + 1) // n_blocks) for block in range(n_blocks)]


def map_blocks(
    work: Callable[[int, int], T], n_rows: int, *, threads: int | None = None, least: int = LEAST, width: int = 1
) -> list[T]:
    """Return ``work(start, stop)`` of each block of at least `least` rows, in order; the first error is raised.

    Rows that have `width` numbers each are cut into blocks of no more than a few million numbers.
    """
    workers = n_threads(threads)
    most = max(1, min(_MOST, _MOST_NUMBERS // width))
    n_blocks = max(min(workers, n_rows // least), -(-n_rows // most))
    if n_blocks > workers:
        n_blocks = -(-n_blocks // workers) * workers  # so that the threads end together
    before = _CHOSEN.set(workers)
    try:
        return map_parts(work, blocks(n_rows, n_blocks), threads=workers)
    finally:
        _CHOSEN.reset(before)


def map_parts(work: Callable[[int, int], T], parts: list[tuple[int, int]], *, threads: int | None = None) -> list[T]:
    """Return ``work(start, stop)`` of each part, in order, as `map_stream` does."""
    return map_stream(lambda part: work(*part), parts, threads=threads)


def map_stream(work: Callable[[T], U], parts: Iterable[T], *, threads: int | None = None) -> list[U]:
    """Return what `work` makes of each part, in order; of several errors that of the first part is raised.

    Parts are taken one after the other, whenever a thread is free, so that no more of them exist at a time than there
    are threads. Where making them takes random numbers these are the same for any number of threads. This thread is
    one of them: it starts at once, and it needs nobody else to get to the end, so that calls may be nested.
    """
    workers = min(n_threads(threads), operator.length_hint(parts, sys.maxsize))
    if workers <= 1:
        return [work(part) for part in parts]
    source, lock = enumerate(parts), threading.Lock()
    made: dict[int, U] = {}
    errors: dict[int, BaseException] = {}

    def consume() -> None:
        place = -1
        try:
            while not errors:
                with lock:
                    place, part = next(source, (-1, None))
                if part is None:
                    return
                made[place] = work(part)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that asked
            errors[place] = error

    helpers = [_pool().submit(contextvars.copy_context().run, consume) for _ in range(workers - 1)]
    consume()
    try:
        wait([helper for helper in helpers if not helper.cancel()])
    except BaseException as error:
        errors[-1] = error  # which ends the helpers after the parts that they are at
        raise
    if errors:
        raise errors[min(errors)]
    return [made[place] for place in sorted(made)]


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """Return threads that are kept, for starting one takes as long as thousands of rows; they come when asked for."""
    return ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="beyondacc")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads stay with the parent
