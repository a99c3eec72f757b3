"""What this machine can do at most: memory, caches, counting bits, products of matrices.

Run ``python benchmarks/speed/limits.py``. Rates are of one thread, except ``sgemm_2``; each is the best of several
passes, because a limit is not a matter of averages. The kernels are local, so that a mistake in the library's cannot
lower the bar.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from timing import blas_threads, table

from beyondacc.kernels.intrinsics import popcount

__all__ = ["LIMITS", "add_name", "gather_name", "lookup_name", "measure_limits"]

#: name -> what is counted
LIMITS = {
    "copy": "bytes copied, from arrays that no cache holds",
    "read_L2": "bytes read from the second cache",
    "read_L3": "bytes read from the third cache",
    "popcount": "words of 64 bits counted, in the first cache",
    "sgemm_1": "float32 operations of a large matrix product, one thread",
    "sgemm_2": "the same, two threads",
    "matvec": "float32 operations of a 100 x 64 matrix times a vector, in cache",
    "matvec_double": "the same in float64",
    "gather_L2": "bytes of rows of 64 float32 read at random, from a table in the second cache",
    "gather_L3": "the same, in the third cache",
    "lookup_L1": "numbers looked up at random, in the first cache",
    "lookup_L2": "the same, in the second cache",
    "lookup_L3": "the same, in the third cache",
    "add_L1": "counters increased, a hundred ascending ones at a time, in the first cache",
    "add_L2": "the same, in the second cache",
}
_L2_BYTES = 2**20  # of tables that are to lie in the second cache: half of the usual 2 MB
_MATRIX, _WIDTH = 100, 64


def gather_name(n_bytes: int) -> str:
    """Return the limit for gathering rows from a table of such a size."""
    return "gather_L2" if n_bytes <= 2 * _L2_BYTES else "gather_L3"


def lookup_name(n_bytes: int) -> str:
    """Return the limit for looking numbers up in a table of such a size."""
    return "lookup_L1" if n_bytes <= 2**15 else "lookup_L2" if n_bytes <= 2 * _L2_BYTES else "lookup_L3"


def add_name(n_bytes: int) -> str:
    """Return the limit for counting in a table of such a size."""
    return "add_L1" if n_bytes <= 2**15 else "add_L2"


_fast = numba.njit(nogil=True, fastmath=True, error_model="numpy")


@_fast
def _read(words: Any, times: int) -> int:
    total = np.uint64(0)
    for _ in range(times):
        for place in range(words.shape[0]):
            total ^= words[place]
        words[0] += np.uint64(1)  # lest one pass should serve for all
    return total


@_fast
def _popcounts(one: Any, other: Any, times: int) -> int:
    total = 0
    for turn in range(times):
        for place in range(one.shape[0]):
            total += popcount(one[place] & other[place])
        one[turn % one.shape[0]] += np.uint64(1)
    return total


@_fast
def _rows_by_one(matrix: Any, vector: Any, out: Any, times: int) -> None:
    for turn in range(times):
        vector[turn % vector.shape[0]] += out[0] * vector.dtype.type(1e-20)
        for row in range(matrix.shape[0]):
            total = vector.dtype.type(0)
            for column in range(matrix.shape[1]):
                total += matrix[row, column] * vector[column]
            out[row] = total


@_fast
def _rows_by_four(matrix: Any, vector: Any, out: Any, times: int) -> None:
    for turn in range(times):
        vector[turn % vector.shape[0]] += out[0] * vector.dtype.type(1e-20)
        for row in range(0, matrix.shape[0] - 3, 4):
            a, b, c, d = out.dtype.type(0), out.dtype.type(0), out.dtype.type(0), out.dtype.type(0)
            for column in range(matrix.shape[1]):
                by = vector[column]
                a += matrix[row, column] * by
                b += matrix[row + 1, column] * by
                c += matrix[row + 2, column] * by
                d += matrix[row + 3, column] * by
            out[row], out[row + 1], out[row + 2], out[row + 3] = a, b, c, d


@_fast
def _rows_by_blas(matrix: Any, vector: Any, out: Any, times: int) -> None:
    for turn in range(times):
        vector[turn % vector.shape[0]] += out[0] * vector.dtype.type(1e-20)
        np.dot(matrix, vector, out)


@_fast
def _gather(rows: Any, places: Any) -> int:
    total = np.uint64(0)
    for place in range(places.shape[0]):
        row = rows[places[place]]
        for column in range(row.shape[0]):
            total ^= row[column]
    return total


@_fast
def _look_up(numbers: Any, places: Any) -> float:
    total = 0.0
    for place in range(places.shape[0]):
        total += numbers[places[place]]
    return total


@_fast
def _add(counters: Any, places: Any) -> None:
    for place in range(places.shape[0]):
        counters[places[place]] += 1


def _best(work: Callable[[], object], amount: float, seconds: float) -> float:
    """Return the highest rate over passes that together take so many seconds; at least three."""
    work()
    least, ends, passes = np.inf, time.perf_counter() + seconds, 0
    while passes < 3 or time.perf_counter() < ends:
        started = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - started)
        passes += 1
    return amount / least


def _largest_copy() -> int:
    """Return how many bytes to copy: twice the third cache, if a sixth of the free memory allows it."""
    cache = Path("/sys/devices/system/cpu/cpu0/cache/index3/size")
    third = int(cache.read_text(encoding="ascii").strip().rstrip("K")) * 1024 if cache.exists() else 2**25
    info = Path("/proc/meminfo")
    lines = info.read_text(encoding="ascii").splitlines() if info.exists() else []
    free = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")), 2**31)
    return int(min(max(2 * third, 2**28), free // 6))


def _copy(rate: Callable[..., float], n_bytes: int) -> float:
    source = np.ones(n_bytes // 8)
    target = np.ones_like(source)
    return rate(lambda: np.copyto(target, source), 2.0 * source.nbytes)


def _vectors(rate: Callable[..., float]) -> dict[str, float]:
    found = {}
    for name, dtype in (("matvec", np.float32), ("matvec_double", np.float64)):
        rng = np.random.default_rng(0)
        matrix = rng.random((_MATRIX, _WIDTH)).astype(dtype)
        vector, out, times = matrix[0].copy(), np.zeros(_MATRIX, dtype), 2000
        amount = 2.0 * matrix.size * times
        found[name] = max(
            rate(lambda f=f, m=matrix, v=vector, o=out, t=times: f(m, v, o, t), amount)
            for f in (_rows_by_one, _rows_by_four, _rows_by_blas)
        )
    return found


def measure_limits(*, seconds: float = 0.3, copy_bytes: int | None = None, side: int = 2048) -> dict[str, float]:
    """Measure all limits.

    Parameters
    ----------
    seconds
        Spent on each.
    copy_bytes
        Size of the array that is copied.
    side
        Of the matrices whose product is taken.

    Returns
    -------
    dict of str to float
        Amounts a second, as `LIMITS` says of what.
    """

    def rate(work: Callable[[], object], amount: float) -> float:
        return _best(work, amount, seconds)

    found: dict[str, float] = {}
    found["copy"] = _copy(rate, copy_bytes or _largest_copy())
    for name, n_bytes, times in (("read_L2", _L2_BYTES, 50), ("read_L3", 32 * _L2_BYTES, 2)):
        words = np.arange(n_bytes // 8, dtype=np.uint64)
        found[name] = rate(lambda w=words, t=times: _read(w, t), n_bytes * times)
    one, other = (np.arange(start, start + 1024, dtype=np.uint64) for start in (3, 77))
    found["popcount"] = rate(lambda: _popcounts(one, other, 500), 500.0 * len(one))
    square = np.random.default_rng(0).random((side, side), np.float32)
    product = np.empty_like(square)
    for threads in (1, 2):
        with blas_threads(threads):
            found[f"sgemm_{threads}"] = rate(lambda: np.matmul(square, square.T, out=product), 2.0 * side**3)
    found |= _vectors(rate)
    rng = np.random.default_rng(0)
    for name, n_bytes in (("gather_L2", _L2_BYTES), ("gather_L3", 16 * _L2_BYTES)):
        rows = np.ones((n_bytes // (4 * _WIDTH), _WIDTH // 2), np.uint64)
        places = rng.integers(0, len(rows), 50_000).astype(np.int32)
        found[name] = rate(lambda r=rows, p=places: _gather(r, p), float(rows[0].nbytes * len(places)))
    for name, n_bytes in (("lookup_L1", 2**14), ("lookup_L2", _L2_BYTES // 2), ("lookup_L3", 16 * _L2_BYTES)):
        numbers = np.ones(n_bytes // 8)
        places = rng.integers(0, len(numbers), 100_000).astype(np.int32)
        found[name] = rate(lambda n=numbers, p=places: _look_up(n, p), len(places))
    for name, n_bytes in (("add_L1", 2**14), ("add_L2", _L2_BYTES // 4)):
        counters = np.zeros(n_bytes // 4, np.int32)
        places = np.sort(rng.integers(0, len(counters), (1000, 100)), axis=1).astype(np.int32).ravel()
        found[name] = rate(lambda c=counters, p=places: _add(c, p), len(places))
    return found


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(limits_table(measure_limits()))


def limits_table(found: dict[str, float]) -> str:
    """Return the limits as a markdown table, in billions a second."""
    return table(("limit", "10^9 a second", "of"), ((name, rate / 1e9, LIMITS[name]) for name, rate in found.items()))


if __name__ == "__main__":
    main()
