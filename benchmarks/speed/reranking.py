"""What a sweep saves, how long one user waits, and what each re-ranker costs.

Run ``python benchmarks/speed/reranking.py M`` (or S). Every ratio is of one run on one machine: medians of repeats that
alternate. With ``--peer`` also pyversity, where it is installed, on the same encoded candidates.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from workloads import make

import beyondacc as ba
from beyondacc.rerank import RERANKERS
from beyondacc.run.local import n_threads

WEIGHTS = tuple(step / 20 for step in range(21))
PEERS = {
    "mmr": "MMR(distance=cosine(clip=true), normalize=none)",
    "msd": "MSD(distance=cosine, normalize=none)",
    "dpp": "DPP(distance=cosine)",
    "ssd": "SSD",
    "cover": "Cover(distance=cosine, normalize=none, gamma=0.5)",
}


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median time of a call, after one that does not count."""
    work()
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return float(np.median(found))


def sweeps(candidates: ba.Recommendations, data: ba.Dataset, repeats: int) -> None:
    """Compare a sweep over 21 weights with 21 single runs, and with one."""
    print("\n| re-ranker | one run | sweep of 21 / one run | 21 runs / sweep |\n| --- | ---: | ---: | ---: |")
    for name in RERANKERS:
        for text in [name] + [f"{name}(distance=cosine)"] * ("distance" in RERANKERS[name].parameters):
            chosen = RERANKERS.create(text)
            one = seconds(lambda c=chosen: c.rerank(candidates, data, threads=1), repeats)
            swept = seconds(lambda c=chosen: c.sweep(candidates, data, WEIGHTS, threads=1), repeats)
            every = seconds(
                lambda c=chosen: [c.at(weight).rerank(candidates, data, threads=1) for weight in WEIGHTS], 1
            )
            print(f"| {text} | {one:.3f} s | {swept / one:.1f} | {every / swept:.1f} |", flush=True)


def one_user(data: ba.Dataset, n: int = 1000) -> None:
    """Answer users one by one, from 100 candidates with vectors of 64 dimensions."""
    rng = np.random.default_rng(0)
    factors = tuple(rng.normal(size=(len(axis), 64)).astype(np.float32) for axis in (data.users, data.items))
    users = data.users.ids[:n].tolist()
    print(f"\n| re-ranker, {len(data.items):,} items | median | 99 % |\n| --- | ---: | ---: |")
    for text in ("MMR(distance=cosine)", "MMR", "DPP", "SSD", "Calibrated", "Random"):
        recommender = RERANKERS.create(text).wrap(factors, data, candidates=100)
        recommender.recommend(users[0])
        found = []
        for user in users:
            started = time.perf_counter()
            recommender.recommend(user, k=10)
            found.append(time.perf_counter() - started)
        median, late = np.quantile(found, (0.5, 0.99)) * 1e6
        print(f"| {text} | {median:.0f} us | {late:.0f} us |", flush=True)


def peers(candidates: ba.Recommendations, data: ba.Dataset, repeats: int, n: int = 2000) -> None:
    """Compare with pyversity, user by user, conversion left out on both sides."""
    import pyversity  # noqa: PLC0415 - optional

    lists, scores = candidates.lists[:n], candidates.scores[:n]
    some = ba.Recommendations(candidates.users[:n], candidates.items, lists, scores)
    inputs = [
        (data.vectors[row[row >= 0]].astype(np.float32), score[row >= 0].astype(np.float32))
        for row, score in zip(lists, scores, strict=True)
    ]
    print(f"\n| strategy | pyversity / ours, one thread | ours on {n_threads()} | same picks |")
    print("| --- | ---: | ---: | ---: |")
    for name, text in PEERS.items():
        chosen = RERANKERS.create(text)

        def theirs(name: str = name) -> list[np.ndarray]:
            strategy = pyversity.Strategy(name)
            return [
                pyversity.diversify(rows, values, k=10, strategy=strategy, diversity=0.5).indices
                for rows, values in inputs
            ]

        slow = seconds(theirs, 1)
        fast, faster = (seconds(lambda c=chosen, t=t: c.rerank(some, data, threads=t), repeats) for t in (1, None))
        made = chosen.rerank(some, data).input_ranks
        same = np.mean([np.array_equal(one, other) for one, other in zip(theirs(), made, strict=True)])
        print(f"| {name} | {slow / fast:.0f} | {slow / faster:.0f} | {100 * same:.1f} % |", flush=True)


def main() -> None:
    """Make the workload and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", choices=["S", "M"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer", action="store_true", help="compare with pyversity")
    chosen = parser.parse_args()
    work = make(chosen.size)
    data = ba.Dataset(work.train, work.test, work.items, vectors=work.vectors)
    candidates = ba.Recommendations.read(work.candidates, data)
    print(f"{len(candidates):,} users, {candidates.lists.shape[1]} candidates, 10 picks")
    if chosen.peer:
        peers(candidates, data, chosen.repeats)
    one_user(data)
    sweeps(candidates, data, chosen.repeats)


if __name__ == "__main__":
    main()
