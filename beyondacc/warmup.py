"""Compile kernels, for every kind of array that usually reaches them, by doing a little of everything, or of most."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from beyondacc.comparison.diagnosis import diagnose
from beyondacc.data.dataset import Dataset
from beyondacc.data.recommendations import Recommendations
from beyondacc.evaluation.evaluate import default_metrics, evaluate
from beyondacc.kernels.jit import CACHE
from beyondacc.kernels.text import has_odd_numbers
from beyondacc.metrics import REGISTRY
from beyondacc.models import MODELS
from beyondacc.rerank import RERANKERS
from beyondacc.run.local import n_threads
from beyondacc.scoring.scorers import recommend
from beyondacc.study import Study

__all__ = ["compilations", "kernels", "second_half", "warmup"]

Step = Callable[[], None]
_SIDE = 64  # users and items: more than the factors of any model
_PARTS = 4  # of the metrics, each a step
_COLUMNS = (["user_id", "item_id", "score"], ["user_id", "item_id", "rank"], ["user_id", "item_id"])


def warmup(
    workers: int | None = None, *, every: bool = False, told: Callable[[int, int], None] | None = None
) -> tuple[float, int]:
    """Run metrics, re-rankers and models on a few rows, so that their machine code is in the cache.

    Numba compiles one function at a time, so that threads would not help: a second process begins at the other end, and
    what one has compiled the other finds in the cache.

    Parameters
    ----------
    workers
        1: all in this process; by default two processes, where there are two cores.
    every
        Whether to run all of them, on all kinds of data, and not only the core metrics, the core models, and the
        re-rankers that a study takes by default, on feature sets.
    told
        Called with how many steps are done, of how many, after each.

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
        command = [sys.executable, "-c", f"from beyondacc.warmup import second_half; print(second_half(every={every}))"]
        other = subprocess.Popen(  # noqa: S603 - this Python, and a constant
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": above, **_same_cache()},
        )
    first, second = _steps(every=every)
    rest = [] if other else second
    _take(first, told, len(first) + len(rest))
    answer = other.communicate()[0] if other else ""
    elsewhere = 0
    if answer.strip().isdecimal():
        elsewhere = int(answer)
    else:  # alone, or the other process could not
        _take(second, told, len(first) + len(second), done=len(first))
    return time.perf_counter() - started, compilations() - before + elsewhere


def _take(steps: Sequence[Step], told: Callable[[int, int], None] | None, total: int, done: int = 0) -> None:
    for place, step in enumerate(steps, start=1 + done):
        step()
        if told is not None:
            told(place, total)


def _same_cache() -> dict[str, str]:
    """Return what makes another process keep its code where this one does, be it for this process alone."""
    return {} if CACHE is None else {"NUMBA_CACHE_DIR": str(CACHE.parents[1])}


def second_half(*, every: bool = False) -> int:
    """Do what `warmup` leaves to another process, then the metrics from the last; return how many were compiled."""
    before = compilations()
    first, second = _steps(every=every)
    _take(second, None, 0)
    _take(first[::-1], None, 0)  # so that what both need is found in the cache
    return compilations() - before


def _steps(*, every: bool) -> tuple[list[Step], list[Step]]:
    """Return what one process does, and what another: metrics, and models and re-rankers."""
    if not every:
        plain = _plain()
        core: list[Step] = [functools.partial(_use_core, data) for data in plain]
        return [_read_text, *core], [functools.partial(_use_study, plain[-1])]
    kinds = _data()
    second: list[Step] = [
        functools.partial(_use_model, name)
        for name, info in MODELS.items()
        if not info.factory.needs  # what needs another library has no kernels of ours
    ]
    second += [functools.partial(_use_reranker, name, data) for data in kinds for name in RERANKERS]
    metrics = [functools.partial(_use_metrics, data, start=start) for data in kinds for start in range(_PARTS)]
    return [_read_text, *metrics], second


def _read_text() -> None:
    """Look for odd numbers, as where files of text are read."""
    has_odd_numbers(np.frombuffer(b"\n1,2\n\0\0\0", np.uint8), np.uint8(ord(",")))


def _plain() -> tuple[Dataset, Dataset]:
    """Return the kinds of data that most have: given parts, and a split; items have genres."""
    rng = np.random.default_rng(0)
    ratings, items = _ratings(rng), _items(rng)
    half = len(ratings) // 2
    return Dataset(ratings[:half], ratings[half:], items), Dataset.split(ratings, items)


def _data() -> tuple[Dataset, Dataset, Dataset]:
    """Return the kinds of data that kernels are compiled for."""
    rng = np.random.default_rng(0)
    ratings, items = _ratings(rng), _items(rng)
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


def _items(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {"item_id": np.arange(_SIDE), "genres": rng.choice(["a", "a|b", "b|c", ""], _SIDE), "year": 2000}
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


def _use_core(data: Dataset) -> None:
    """Evaluate lists by the core metrics as most do: with scores, with ranks, with neither."""
    lists = recommend(np.random.default_rng(1).random((_SIDE, _SIDE)), data, k=6)
    frame = lists.to_pandas()
    for columns in _COLUMNS:
        found = evaluate(frame[columns], data, k=3, n_boot=2)
        _ = str(found), found.diagnostics


def _use_study(data: Dataset) -> None:
    """Train the core models, re-rank with what is taken by default, evaluate by the core metrics."""
    Study(data, metrics=default_metrics(data, 3), diversity=(0.5,), k=3, candidates=6, n_boot=2).run(threads=1)


def _use_model(name: str) -> None:
    ratings = _ratings(np.random.default_rng(0))
    matrix = sparse.csr_array((ratings["rating"], (ratings["user_id"], ratings["item_id"])))
    MODELS.create(name).fit(matrix).score(np.arange(2, dtype=np.int32))


def _use_reranker(name: str, data: Dataset) -> None:
    lists = _lists(data)
    for distance in ("jaccard", "cosine", "npmi") if "distance" in RERANKERS[name].parameters else ("",):
        RERANKERS.create(f"{name}(distance={distance})" if distance else name).rerank(lists, data, k=3)


def _use_metrics(data: Dataset, *, start: int) -> None:
    """Evaluate lists with scores, with ranks, with neither, by a part of the metrics."""
    lists = _lists(data)
    metrics = [family @ 3 for family in REGISTRY.values()]
    metrics += [
        REGISTRY.parse(f"{name}(distance={distance})@3")
        for name in ("ild", "ils", "surprise_content", "distance_unexpectedness")
        for distance in ("cosine", "euclidean", "pearson")
        if name != "distance_unexpectedness" or distance != "pearson"
    ]
    metrics += map(REGISTRY.parse, ("binomial_diversity(relevant_only=true)@3", "epc(relevance=binary)@3"))
    metrics = metrics[start::_PARTS]
    frame = lists.to_pandas()
    for columns in _COLUMNS:
        given = Recommendations.read(frame[columns], data)
        report = evaluate(given, data, metrics, earlier=lists, n_boot=0)
        _ = [report.value(metric) for metric in report]  # which are added up when they are asked for
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
