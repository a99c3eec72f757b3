"""Compile every kernel, for every kind of array that usually reaches it, by doing a little of everything."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from beyondacc.data.dataset import Dataset
from beyondacc.data.recommendations import Recommendations
from beyondacc.diagnosis import diagnose
from beyondacc.evaluation import evaluate
from beyondacc.kernels.jit import CACHE
from beyondacc.kernels.text import has_odd_numbers
from beyondacc.metrics import REGISTRY
from beyondacc.models import MODELS
from beyondacc.rerank import RERANKERS
from beyondacc.run.local import n_threads
from beyondacc.scorers import recommend

__all__ = ["compilations", "kernels", "second_half", "warmup"]

_SIDE = 64  # users and items: more than the factors of any model


def warmup(workers: int | None = None) -> tuple[float, int]:
    """Run all metrics, re-rankers and models on a few rows, so that their machine code is in the cache.

    Numba compiles one function at a time, so that threads would not help: a second process begins at the other end, and
    what one has compiled the other finds in the cache.

    Parameters
    ----------
    workers
        1: all in this process; by default two processes, where there are two cores.

    Returns
    -------
    seconds : float
    compiled : int
        How many variants of kernels were compiled and not found in the cache.
    """
    started, before = time.perf_counter(), compilations()
    other = None
    if n_threads(workers) > 1 and sys.executable and kernels():
        above = os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-c", "from beyondacc.warmup import second_half; print(second_half())"]
        other = subprocess.Popen(  # noqa: S603 - this Python, and a constant
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": above, **_same_cache()},
        )
    for data in _data():
        _use_metrics(data)
    told = other.communicate()[0] if other else ""
    elsewhere = 0
    if told.strip().isdecimal():
        elsewhere = int(told)
    else:  # alone, or the other process could not
        second_half()
    return time.perf_counter() - started, compilations() - before + elsewhere


def _same_cache() -> dict[str, str]:
    """Return what makes another process keep its code where this one does, be it for this process alone."""
    return {} if CACHE is None else {"NUMBA_CACHE_DIR": str(CACHE.parents[1])}


def second_half() -> int:
    """Do what `warmup` leaves to another process, then the metrics from the last; return how many were compiled."""
    before = compilations()
    # first what the other half does not compile too, so that the rest is found in the cache
    ratings = _ratings(np.random.default_rng(0))
    matrix = sparse.csr_array((ratings["rating"], (ratings["user_id"], ratings["item_id"])))
    for name, info in MODELS.items():
        if not info.factory.needs:  # what needs another library has no kernels of ours
            MODELS.create(name).fit(matrix).score(np.arange(2, dtype=np.int32))
    has_odd_numbers(np.frombuffer(b"\n1,2\n\0\0\0", np.uint8), np.uint8(ord(",")))
    for data in _data():
        _use_rerankers(data)
    for data in reversed(_data()):
        _use_metrics(data, backwards=True)
    return compilations() - before


def _data() -> tuple[Dataset, Dataset, Dataset]:
    """Return the kinds of data that kernels are compiled for."""
    rng = np.random.default_rng(0)
    ratings = _ratings(rng)
    items = pd.DataFrame(
        {"item_id": np.arange(_SIDE), "genres": rng.choice(["a", "a|b", "b|c", ""], _SIDE), "year": 2000}
    )
    vectors = rng.random((_SIDE, 3))
    half = len(ratings) // 2
    grouped = ratings[:half].sort_values("user_id")
    # columns of a frame are read-only arrays, those of splits are not; rows stand together or do not; one comes twice
    many = items.assign(genres=["|".join("abcdefghijklmnopq"), *items["genres"][1:]])  # more than are looked up
    by_user = Dataset(pd.concat([grouped, grouped[-1:]]), ratings[half:], many)
    _ = by_user.item_counts  # before anything is sorted
    return (
        by_user,
        Dataset.split(ratings[["user_id", "item_id"]], items, vectors=vectors),
        Dataset.split(ratings, items, vectors=vectors.astype(np.float32)),
    )


def _ratings(rng: np.random.Generator) -> pd.DataFrame:
    users, items = np.nonzero(rng.random((_SIDE, _SIDE)) < 0.3)
    order = rng.permutation(len(users))
    ratings = rng.integers(1, 6, len(users)).astype(np.float64)
    return pd.DataFrame({"user_id": users[order], "item_id": items[order], "rating": ratings})


def _lists(data: Dataset) -> Recommendations:
    """Recommend from scores in both precisions."""
    scores = np.random.default_rng(1).random((_SIDE, _SIDE))
    recommend((scores.astype(np.float32), np.eye(_SIDE, dtype=np.float32)), data, k=3)
    return recommend(scores, data, k=6)


def _use_rerankers(data: Dataset) -> None:
    lists = _lists(data)
    for name in RERANKERS:
        for distance in ("jaccard", "cosine", "npmi") if "distance" in RERANKERS[name].parameters else ("",):
            RERANKERS.create(f"{name}(distance={distance})" if distance else name).rerank(lists, data, k=3)


def _use_metrics(data: Dataset, *, backwards: bool = False) -> None:
    """Evaluate lists with scores, with ranks, with neither; the metrics in order, or backwards."""
    lists = _lists(data)
    metrics = [family @ 3 for family in REGISTRY.values()]
    metrics += [
        REGISTRY.parse(f"{name}(distance={distance})@3")
        for name in ("ild", "ils", "surprise_content", "distance_unexpectedness")
        for distance in ("cosine", "euclidean", "pearson")
        if name != "distance_unexpectedness" or distance != "pearson"
    ]
    metrics += map(REGISTRY.parse, ("binomial_diversity(relevant_only=true)@3", "epc(relevance=binary)@3"))
    metrics = metrics[::-1] if backwards else metrics
    frame = lists.to_pandas()
    for columns in (["user_id", "item_id", "score"], ["user_id", "item_id", "rank"], ["user_id", "item_id"]):
        given = Recommendations.read(frame[columns], data)
        evaluate(given, data, metrics, earlier=lists, n_boot=0)
    # seen items leave lists longer than the cutoff
    found = evaluate(lists, data, metrics, seen="drop", ties="item", primitive=frame, earlier=frame, n_boot=2)
    diagnose(lists, lists, data, "ndcg@3", n_boot=0)
    _ = found.replicates, found.diagnostics, found.by("profile_size"), found.by_item()


def kernels() -> list[Any]:
    """Return the compiled kernels of this process; none where the JIT is off."""
    modules = [module for name, module in sys.modules.items() if name.startswith("beyondacc.kernels.")]
    found = {id(value): value for module in modules for value in vars(module).values() if hasattr(value, "signatures")}
    return list(found.values())


def compilations() -> int:
    """Count the variants of kernels that this process compiled because the cache did not have them."""
    return sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels())
