"""How the time of metrics and re-rankers grows: one size doubled at a time, and the exponent fitted.

Run ``python benchmarks/speed/growth.py``. One thread, bare passes over the users, processor time. The exponent is the
slope of a least-squares line through log seconds over log size, with its 95 % interval; beside it stands the exponent
that the definitions allow: METRICS, section 9, for re-rankers, DESIGN ("algebra before loops") for metrics.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from timing import alternate, table

import beyondacc as ba
from beyondacc.bound.batch import Batch
from beyondacc.bound.bind import bind
from beyondacc.evaluation.evaluate import check_metrics, evaluate_run
from beyondacc.rerank import RERANKERS

__all__ = ["AXES", "GROWTH", "Sizes", "fit", "growth_table", "measure_growth"]

_ITEMS = 4099  # a prime, so that steps through the items meet no item twice
_TOLERANCE = 0.1  # by which an interval may lie above what is allowed
_AGAIN = 2  # times that something is measured once more which seems to grow too fast


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The sizes of a workload, each as it is where another one is doubled."""

    users: int = 1000
    length: int = 10
    candidates: int = 100
    picks: int = 10
    dimensions: int = 64
    genres: int = 20
    profile: int = 32


#: Values of each size; the other sizes that must change with it, so that it can grow.
AXES: dict[str, tuple[tuple[int, ...], dict[str, int]]] = {
    "users": ((1000, 2000, 4000, 8000, 16000), {}),
    "length": ((10, 20, 40, 80, 160), {}),
    "candidates": ((50, 100, 200, 400, 800), {"users": 500}),
    "picks": ((5, 10, 20, 40, 80), {"candidates": 200, "users": 500, "dimensions": 128}),
    "dimensions": ((32, 64, 128, 256, 512), {}),
    "genres": ((64, 128, 256, 512, 1024), {}),
    "profile": ((16, 32, 64, 128, 256), {}),
}

_OF_METRICS, _OF_RERANKERS = {"length"}, {"candidates", "picks"}

#: The exponents that are allowed, by size; 0 where none is given. n candidates, k picks, d dimensions.
GROWTH: dict[str, tuple[str, dict[str, float]]] = {
    "ndcg": ("k", {"users": 1, "length": 1}),
    "ild": ("k^2 words", {"users": 1, "length": 2, "genres": 1}),
    "ild(distance=cosine)": ("k d", {"users": 1, "length": 1, "dimensions": 1}),
    "binomial_diversity": ("k + genres", {"users": 1, "length": 1, "genres": 1}),
    "self_information": ("k", {"users": 1, "length": 1}),
    "surprise_content": ("k profile words", {"users": 1, "length": 1, "genres": 1, "profile": 1}),
    "surprise_cooccurrence": ("profile^2 + k profile", {"users": 1, "length": 1, "profile": 2}),
    "calibration_kl": ("k + profile", {"users": 1, "length": 1, "profile": 1, "genres": 1}),
    "gini": ("k", {"users": 1, "length": 1}),
    "personalization": ("k", {"users": 1, "length": 1}),
    "MMR": ("n k words", {"users": 1, "candidates": 1, "picks": 1, "genres": 1}),
    "MMR(distance=cosine)": ("n k d", {"users": 1, "candidates": 1, "picks": 1, "dimensions": 1}),
    "GreedyDiversity": ("n k words", {"users": 1, "candidates": 1, "picks": 1, "genres": 1}),
    "MSD(distance=cosine)": ("n k d", {"users": 1, "candidates": 1, "picks": 1, "dimensions": 1}),
    "DPP": ("n k d + n k^2", {"users": 1, "candidates": 1, "picks": 2, "dimensions": 1}),
    "Cover(distance=cosine)": ("n^2 (d + k)", {"users": 1, "candidates": 2, "picks": 1, "dimensions": 1}),
    "SSD": ("n k w d, here w = k", {"users": 1, "candidates": 1, "picks": 2, "dimensions": 1}),
    "Calibrated": (
        "n k genres + profile",
        {"users": 1, "candidates": 1, "picks": 1, "genres": 1, "profile": 1},
    ),
    "Novelty": ("n log n", {"users": 1, "candidates": 1.2}),
}


def _steps(rng: np.random.Generator, users: int, n: int) -> NDArray[np.int64]:
    """Return n distinct items for each user."""
    first, step = rng.integers(0, _ITEMS, (users, 1)), rng.integers(1, _ITEMS, (users, 1))
    return (first + step * np.arange(n)) % _ITEMS


def world_of(sizes: Sizes) -> tuple[Batch, Batch]:
    """Make lists to evaluate and lists to re-rank of such sizes."""
    rng = np.random.default_rng(0)
    users = np.arange(sizes.users)

    def frame(n: int) -> pd.DataFrame:
        items = _steps(rng, sizes.users, n)
        return pd.DataFrame({"user_id": np.repeat(users, n), "item_id": items.ravel()})

    names = np.array([f"genre{number:04}" for number in range(sizes.genres)])
    chosen = rng.integers(0, sizes.genres, (_ITEMS, 3))
    chosen[: sizes.genres, 0] = np.arange(sizes.genres)  # each genre there is, is used
    genres = ["|".join(names[np.unique(row)]) for row in chosen]
    items = pd.DataFrame({"item_id": np.arange(_ITEMS), "genres": genres})
    vectors = rng.normal(size=(_ITEMS, sizes.dimensions)).astype(np.float32)
    data = ba.Dataset(frame(sizes.profile), frame(10), items, vectors=vectors)

    def lists(n: int) -> Batch:
        found = _steps(rng, sizes.users, n).astype(np.int32)
        scores = -np.sort(-rng.random(found.shape), axis=1)
        return bind(ba.Recommendations(data.users.ids, data.items, found, scores), data)

    return lists(sizes.length), lists(sizes.candidates)


def fit(sizes: Sequence[float], seconds: Sequence[float]) -> tuple[float, float, float]:
    """Return the exponent of seconds = a size^exponent, and the ends of its 95 % interval."""
    found = stats.linregress(np.log(sizes), np.log(seconds))
    half = float(stats.t.ppf(0.975, len(sizes) - 2) * found.stderr) if len(sizes) > 2 else math.inf
    return float(found.slope), float(found.slope) - half, float(found.slope) + half


def _reranks(spec: str) -> bool:
    return spec.partition("(")[0] in RERANKERS


def _pass(spec: str, sizes: Sizes, lists: Batch, pool: Batch) -> Callable[[], Any]:
    if _reranks(spec):
        reranker = RERANKERS.create(spec)
        return lambda: reranker.pick(dataclasses.replace(pool), [0.5], sizes.picks, threads=1)
    metric = check_metrics(f"{spec}@{sizes.length}", lists.data)[0]
    return lambda: evaluate_run(dataclasses.replace(lists), [metric], threads=1)


def _row(spec: str, axis: str, values: Sequence[int], least: dict[tuple[str, int], float]) -> dict[str, Any]:
    seconds = [least[spec, value] for value in values]
    exponent, low, high = fit(values, seconds)
    allowed = GROWTH[spec][1].get(axis, 0.0)
    return {
        "case": spec,
        "axis": axis,
        "sizes": list(values),
        "seconds": seconds,
        "exponent": exponent,
        "low": low,
        "high": high,
        "allowed": allowed,
        "exceeds": low > allowed + _TOLERANCE,
    }


def measure_growth(
    *,
    axes: Sequence[str] | None = None,
    specs: Sequence[str] | None = None,
    doublings: int = 4,
    shrink: int = 1,
    repeats: int = 5,
) -> dict[str, Any]:
    """Measure every metric and re-ranker while one size after the other is doubled.

    Parameters
    ----------
    axes, specs
        Which sizes, and metrics or re-rankers; all by default.
    doublings
        How often each size is doubled, 4 at most.
    shrink
        Divides the number of users.

    Returns
    -------
    dict
        ``rows``, one for each size and metric or re-ranker that may depend on it: seconds (the fastest of the repeats),
        exponent, its interval, what is allowed, and whether the interval lies above that. What may not depend on a size
        is there, too, with 0 allowed.
    """
    rows = []
    for axis in axes or AXES:
        values, others = AXES[axis]
        values = values[: doublings + 1]
        wanted = [spec for spec in specs or GROWTH if axis not in (_OF_METRICS if _reranks(spec) else _OF_RERANKERS)]
        works: dict[tuple[str, int], Callable[[], Any]] = {}
        for value in values:
            sizes = dataclasses.replace(Sizes(), **(others | {axis: value}))
            sizes = dataclasses.replace(sizes, users=max(20, sizes.users // shrink))
            lists, pool = world_of(sizes)
            for spec in wanted:
                works[spec, value] = _pass(spec, sizes, lists, pool)
                works[spec, value]()  # compiles, and derives what is kept of the items
        # all sizes in turn, so that another load on the machine does not look like growth
        times = alternate(works, repeats=repeats, budget=3.0, warm=True)
        least = {key: found.processor.least for key, found in times.items()}
        of_axis = [_row(spec, axis, values, least) for spec in wanted]
        for _ in range(_AGAIN):
            doubtful = {row["case"] for row in of_axis if row["exceeds"]}
            if doubtful:
                again = {key: work for key, work in works.items() if key[0] in doubtful}
                once_more = alternate(again, repeats=repeats, budget=3.0, warm=True)
                for key, found in once_more.items():
                    least[key] = min(least[key], found.processor.least)
                of_axis = [_row(spec, axis, values, least) for spec in wanted]
        rows += of_axis
        print(f"growth with {axis}: done", flush=True)
    return {"rows": rows}


def growth_table(found: dict[str, Any]) -> str:
    """Return exponents as markdown: a row a metric or re-ranker, a column a size."""
    cells = {(row["case"], row["axis"]): row for row in found["rows"]}
    axes = list(dict.fromkeys(row["axis"] for row in found["rows"]))

    def cell(case: str, axis: str) -> str:
        if (case, axis) not in cells:
            return ""
        row = cells[case, axis]
        half = (row["high"] - row["low"]) / 2
        text = f"{row['exponent']:.2f} ± {half:.2f}" if math.isfinite(half) else f"{row['exponent']:.2f}"
        if row["allowed"]:
            text += f" ({row['allowed']:g})"
        return f"**{text}**" if row["exceeds"] else text

    lines = [
        (case, GROWTH[case][0], *(cell(case, axis) for axis in axes)) for case in dict.fromkeys(c for c, _ in cells)
    ]
    ends = [f"{axis}: {AXES[axis][0][0]} to {AXES[axis][0][len(found['rows'][0]['sizes']) - 1]}" for axis in axes]
    said = (
        "Exponents with 95 % intervals, in brackets what the definitions allow (0 where none is given); bold: above "
        f"that by more than {_TOLERANCE:g}. Doubled: {'; '.join(ends)}."
    )
    return f"{said}\n\n{table(('', 'cost of a user', *axes), lines)}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--axis", action="append", choices=list(AXES), help="only these")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    print("\n" + growth_table(measure_growth(axes=chosen.axis, repeats=chosen.repeats)))


if __name__ == "__main__":
    main()
