"""What the benchmarks share: calls timed in turn, peak memory, the machine, and tables."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import gc
import importlib.metadata
import math
import os
import platform
import resource
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

__all__ = [
    "Peak",
    "Times",
    "alternate",
    "blas_threads",
    "load",
    "machine",
    "now",
    "number",
    "ratio",
    "seconds",
    "table",
    "versions",
]

K = TypeVar("K")

_SHORTEST = 2e-3  # seconds below which a call is repeated within a round
_MOST_CALLS = 200
_SLOW = 1.0  # seconds from which a call needs no warm-up but for compiling
_PACKAGES = ("beyondacc", "numpy", "scipy", "numba", "pandas")


@dataclasses.dataclass
class Times:
    """Seconds of one call, by round; rounds are shared with the calls it was measured beside.

    Attributes
    ----------
    rounds
        Round number to seconds.
    processor
        The same in seconds of the processor, of all threads together: it stands still while other processes have the
        core, which makes it the better measure of a single thread on a busy machine. None where it is this itself.
    """

    rounds: dict[int, float] = dataclasses.field(default_factory=dict)
    processor: Times | None = None

    @property
    def median(self) -> float:
        """The median, which is what tables show."""
        return float(np.median(list(self.rounds.values())))

    @property
    def least(self) -> float:
        """The fastest round."""
        return min(self.rounds.values())

    @property
    def most(self) -> float:
        """The slowest round."""
        return max(self.rounds.values())

    def __len__(self) -> int:
        return len(self.rounds)

    def scaled(self, factor: float, more: float = 0.0) -> Times:
        """Return the times of `factor` times the work and some seconds once."""
        rounds = {place: factor * value + more for place, value in self.rounds.items()}
        return Times(rounds, self.processor and self.processor.scaled(factor, more))


def ratio(one: Times, other: Times) -> float:
    """Return how many times as long the first took: the median over the rounds in which both were measured."""
    shared = one.rounds.keys() & other.rounds.keys()
    if not shared:
        return one.median / other.median
    return float(np.median([one.rounds[place] / other.rounds[place] for place in shared]))


def alternate(
    works: Mapping[K, Callable[[], object]], *, repeats: int = 5, budget: float = 20.0, warm: bool = False
) -> dict[K, Times]:
    """Time calls in turn, so that a machine that becomes slower becomes so for all of them.

    Parameters
    ----------
    works
        Calls by name. A short one is called several times within a round.
    repeats
        Rounds after the first, which warms up.
    budget
        Seconds of one work, of rounds that count, after which it is left out of further ones.
    warm
        Whether all code has run before, on less, so that the first round counts where it is slow.

    Returns
    -------
    dict of Times
        By name, each of at least one round.
    """
    found = {name: Times(processor=Times()) for name in works}
    calls = dict.fromkeys(works, 1)
    spent = dict.fromkeys(works, 0.0)
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for place in range(repeats + 1):
            for name, work in works.items():
                times = found[name]
                if spent[name] > budget and times.rounds:
                    continue
                started, worked = time.perf_counter(), time.process_time()
                for _ in range(calls[name]):
                    work()
                worked, took = time.process_time() - worked, time.perf_counter() - started
                if place or (warm and took > _SLOW):
                    spent[name] += took
                    times.rounds[place] = took / calls[name]
                    times.processor.rounds[place] = worked / calls[name]
                else:
                    calls[name] = min(_MOST_CALLS, math.ceil(_SHORTEST / max(took, 1e-9)))
    finally:
        if collecting:
            gc.enable()
    return found


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the median time of one call."""
    return alternate({"it": work}, repeats=repeats)["it"].median


def blas_threads(threads: int) -> contextlib.AbstractContextManager[Any]:
    """Let BLAS use so many threads in a ``with`` block; without threadpoolctl, OPENBLAS_NUM_THREADS has to say so."""
    try:
        import threadpoolctl  # noqa: PLC0415 - optional
    except ModuleNotFoundError as error:
        if os.environ.get("OPENBLAS_NUM_THREADS") == str(threads):
            return contextlib.nullcontext()
        raise ModuleNotFoundError(
            f"BLAS would use another number of threads than {threads}; "
            f"pip install threadpoolctl, or set OPENBLAS_NUM_THREADS={threads}",
            name="threadpoolctl",
        ) from error
    return threadpoolctl.threadpool_limits(threads, "blas")


def _status(field: str) -> float:
    """Return a number of /proc/self/status in GB, NaN where there is none."""
    path = Path("/proc/self/status")
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    found = next((line.split()[1] for line in lines if line.startswith(f"{field}:")), "nan")
    return float(found) / 1e6


class Peak:
    """The largest resident memory inside a ``with`` block, in GB, above what was resident before it.

    Attributes
    ----------
    before, more : float
        The latter after the block.
    """

    def __enter__(self) -> Self:
        gc.collect()
        with contextlib.suppress(OSError):  # 5 sets the peak back; else it is that of the whole process
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self.before = _status("VmRSS")
        self.more = math.nan
        return self

    def __exit__(self, *_: object) -> None:
        highest = _status("VmHWM")
        if math.isnan(highest):
            highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        self.more = max(0.0, highest - self.before) if not math.isnan(self.before) else highest


def versions() -> dict[str, str]:
    """Return the versions that the numbers depend on."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in _PACKAGES}


def machine() -> dict[str, Any]:
    """Return what the machine is: processor, cores this process may use, caches, memory."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    caches = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / name).read_text(encoding="ascii").strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            caches[f"L{level}"] = size
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return {"cpu": cpu, "cores": cores, "caches": caches, "memory_gb": round(pages, 1)}


def load() -> float:
    """Return how many processes wanted a core, on average over the last minute."""
    return round(os.getloadavg()[0], 2)


def now() -> str:
    """Return date and time, to the minute."""
    return dt.datetime.now(dt.UTC).isoformat(sep=" ", timespec="minutes")


def number(value: float | None, *, digits: int = 3) -> str:
    """Return a number with so many significant digits and no exponent; nothing for none."""
    if value is None or not math.isfinite(value):
        return ""
    if value == 0:
        return "0"
    after = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{after}f}"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a markdown table, its columns after the first to the right; numbers as `number` writes them."""

    def text(value: object) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if value is None or isinstance(value, float | np.floating):
            return number(None if value is None else float(value))
        return str(value)

    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    lines += ["| " + " | ".join(map(text, row)) + " |" for row in rows]
    return "\n".join(lines)
