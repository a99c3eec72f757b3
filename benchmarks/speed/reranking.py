"""What a sweep of weights saves, and how long one user waits.

Run ``python benchmarks/speed/reranking.py M`` (or S).
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from encoded import World, load_world
from timing import alternate, ratio, table

import beyondacc as ba
from beyondacc.rerank import RERANKERS

__all__ = ["measure_reranking", "reranking_tables"]

_WEIGHTS = tuple(step / 20 for step in range(21))
_ONE_USER = ("MMR(distance=cosine)", "MMR", "DPP", "SSD", "Calibrated", "Random")


def _sweep(spec: str, world: World, repeats: int) -> dict[str, Any]:
    """Compare a sweep over 21 weights with one run, and with 21."""
    chosen = RERANKERS.create(spec)
    given: tuple[Any, ...] = (world.candidates, world.data)
    times = alternate(
        {
            "one": lambda: chosen.rerank(*given, threads=1),
            "sweep": lambda: chosen.sweep(*given, _WEIGHTS, threads=1),
            "every": lambda: [chosen.at(weight).rerank(*given, threads=1) for weight in _WEIGHTS],
        },
        repeats=repeats,
        budget=5.0,
    )
    return {
        "reranker": spec,
        "seconds": {name: each.processor.median for name, each in times.items()},
        "sweep / one": ratio(times["sweep"].processor, times["one"].processor),
        "every / sweep": ratio(times["every"].processor, times["sweep"].processor),
    }


def _one_user(spec: str, data: ba.Dataset, n: int) -> dict[str, Any]:
    """Answer users one by one, from 100 candidates with vectors of 64 dimensions."""
    rng = np.random.default_rng(0)
    factors = tuple(rng.normal(size=(len(axis), 64)).astype(np.float32) for axis in (data.users, data.items))
    users = data.users.ids[:n].tolist()
    recommender = RERANKERS.create(spec).wrap(factors, data, candidates=100)
    recommender.recommend(users[0])
    found = []
    for user in users:
        started = time.perf_counter()
        recommender.recommend(user, k=10)
        found.append(time.perf_counter() - started)
    median, late = np.quantile(found, (0.5, 0.99))
    return {"reranker": spec, "items": len(data.items), "median": float(median), "late": float(late), "users": n}


def measure_reranking(world: World, *, repeats: int = 3, users: int = 1000, specs: list[str] | None = None) -> Any:
    """Measure sweeps and single users.

    Parameters
    ----------
    users
        Who are answered one by one.
    specs
        Only these re-rankers.

    Returns
    -------
    dict
        ``sweeps`` and ``one_user``, a row a re-ranker each.
    """
    every = [
        text
        for name in RERANKERS
        if name != "Greedy" and not (name == "Surprise" and world.name == "L")
        for text in [name] + [f"{name}(distance=cosine)"] * ("distance" in RERANKERS[name].parameters)
    ]
    alone = [spec for spec in _ONE_USER if specs is None or spec in specs]
    return {
        "sweeps": [_sweep(spec, world, repeats) for spec in specs or every],
        "one_user": [_one_user(spec, world.data, min(users, len(world.data.users))) for spec in alone],
    }


def reranking_tables(found: dict[str, Any]) -> str:
    """Return what was measured as markdown."""
    sweeps = table(
        ("re-ranker", "one run, ms", "sweep of 21 / one run", "21 runs / sweep"),
        (
            (row["reranker"], 1e3 * row["seconds"]["one"], row["sweep / one"], row["every / sweep"])
            for row in found["sweeps"]
        ),
    )
    alone = table(
        ("re-ranker", "items", "median, µs", "99 %, µs"),
        ((row["reranker"], f"{row['items']:,}", 1e6 * row["median"], 1e6 * row["late"]) for row in found["one_user"]),
    )
    return (
        f"A sweep over 21 weights beside one run and 21 runs, one thread, in time of the processor:\n\n{sweeps}\n\n"
        f"One user at a time, the best 100 of all items from 64-d factors re-ranked to 10:\n\n{alone}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    print(reranking_tables(measure_reranking(load_world(chosen.size), repeats=chosen.repeats)))


if __name__ == "__main__":
    main()
