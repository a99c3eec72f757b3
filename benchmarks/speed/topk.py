"""From factors to the best items of every user, beside the bare product of the same blocks.

Run ``python benchmarks/speed/topk.py L --users 20000``. Scores are products of 64-d float32 factors; training items are
left out. Both sides take the same users in turn, some thousands at a time, on the same number of threads; the bare
product is NumPy's, of all items and as many users at a time as go fastest, into one array.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from timing import Peak, blas_threads, table
from workloads import Workload, make

import beyondacc as ba
from beyondacc.run.local import n_threads

__all__ = ["measure_topk", "topk_table"]

_Factors = tuple[NDArray[np.float32], NDArray[np.float32]]
_WIDTH = 64
_TURN = 8192  # users of one turn
_CHECKED = 32  # users whose lists are sorted out in full
_BLOCKS = (64, 128, 256, 512, 1024, 2048, 4096)


def _bare(users: NDArray[np.float32], items: NDArray[np.float32], rows: NDArray[np.int64], block: int) -> None:
    out = np.empty((min(block, len(rows)), len(items)), np.float32)
    for start in range(0, len(rows), block):
        some = users[rows[start : start + block]]
        np.matmul(some, items.T, out=out[: len(some)])


def _clocked(work: Callable[[], object], threads: int) -> float:
    """Return seconds of the clock; of a single thread those of the processor, lest other processes should count."""
    clock = time.process_time if threads == 1 else time.perf_counter
    started = clock()
    work()
    return clock() - started


def _equal(found: ba.Recommendations, factors: _Factors, data: ba.Dataset, rows: NDArray[np.int64], k: int) -> bool:
    """Compare the scores of some lists with those of a full sort; equal products may differ in their last digits."""
    for place in np.linspace(0, len(rows) - 1, _CHECKED).astype(int):
        scores = factors[0][rows[place]].astype(np.float64) @ factors[1].T.astype(np.float64)
        scores[data.train.items[data.train.starts[rows[place]] : data.train.starts[rows[place] + 1]]] = -np.inf
        best = np.sort(scores)[::-1][:k]
        listed = found.lists[place]
        if not np.allclose(scores[listed], best, rtol=1e-4, atol=1e-4):
            return False
    return True


def measure_topk(
    work: Workload, *, users: int | None = None, k: int = 100, threads: int | None = None, turn: int = _TURN
) -> dict[str, Any]:
    """Measure the best k items of each user against the bare product.

    Parameters
    ----------
    users
        How many; all by default.
    threads
        Of BLAS on both sides, and of the selection; one a core by default.
    turn
        Users that each side takes before it is the other's turn.

    Returns
    -------
    dict
        Seconds of both sides added up, their ratio (the median over the turns), the size of the blocks, the bare
        product with every size of block that was tried, and memory in GB.
    """
    threads = n_threads(threads)
    catalogue = pd.DataFrame({"item_id": work.items["item_id"]})
    data = ba.Dataset(train=work.train, items=catalogue)
    rng = np.random.default_rng(0)
    sizes = len(data.users), len(data.items)
    factors = tuple(rng.normal(size=(size, _WIDTH)).astype(np.float32) for size in sizes)
    rows = np.arange(min(users or len(data.users), len(data.users)))
    ids = data.users.ids
    turns = [rows[start : start + turn] for start in range(0, len(rows), turn)]
    with blas_threads(threads):
        equal = _equal(ba.recommend(factors, data, k=k, users=ids[turns[0]]), factors, data, turns[0], k)
        tried = {block: _clocked(lambda b=block: _bare(*factors, turns[0], b), threads) for block in _BLOCKS}
        best = min(tried, key=tried.__getitem__)
        ours, bare = [], []
        with Peak() as peak:
            for part in turns:
                own = ids[part]
                ours.append(_clocked(lambda o=own: ba.recommend(factors, data, k=k, users=o, threads=threads), threads))
                bare.append(_clocked(lambda p=part: _bare(*factors, p, best), threads))
    return {
        "users": len(rows),
        "items": len(data.items),
        "k": k,
        "threads": threads,
        "seconds": {"ours": sum(ours), "sgemm": sum(bare)},
        "ratio": float(np.median(np.divide(ours, bare))),
        "ratio_of_sums": sum(ours) / sum(bare),
        "min": min(np.divide(ours, bare)),
        "max": max(np.divide(ours, bare)),
        "turns": len(turns),
        "block": best,
        "sgemm_by_block": {str(block): seconds / len(turns[0]) * len(rows) for block, seconds in tried.items()},
        "gigaflops": 2e-9 * len(rows) * len(data.items) * _WIDTH / sum(bare),
        "peak_gb": peak.more,
        "block_gb": 4e-9 * best * len(data.items),
        "lists_gb": 12e-9 * len(turns[0]) * k,
        "value_equal": equal,
    }


def topk_table(found: list[dict[str, Any]]) -> str:
    """Return what was measured as markdown, a row for each number of threads."""
    header = (
        "users, items, k",
        "threads",
        "ours, s",
        "product, s",
        "ours / product",
        "block",
        "peak, GB",
    )
    lines = []
    for row in found:
        name = f"{row['users']:,}, {row['items']:,}, {row['k']}" + ("" if row["value_equal"] else " (void)")
        seconds = row["seconds"]
        lines.append(
            (
                *(name, row["threads"], seconds["ours"], seconds["sgemm"], row["ratio"], row["block"]),
                row["peak_gb"],
            )
        )
    said = (
        "The best items of each user from 64-d float32 factors, training items left out, beside the bare product "
        "in blocks of so many users, the fastest size; peak: memory beyond data and factors. One thread in time of the "
        "processor."
    )
    return f"{said}\n\n{table(header, lines)}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size")
    parser.add_argument("--users", type=int, help="take so many")
    parser.add_argument("-k", type=int, default=100)
    chosen = parser.parse_args()
    work = make(chosen.size, candidates=False)
    counts = sorted({1, min(2, n_threads())})
    print(topk_table([measure_topk(work, users=chosen.users, k=chosen.k, threads=threads) for threads in counts]))


if __name__ == "__main__":
    main()
