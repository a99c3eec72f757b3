"""Compile every kernel, for every kind of array that usually reaches it, by doing a little of everything."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import pandas as pd

from beyondacc.data.dataset import Dataset
from beyondacc.data.recommendations import Recommendations
from beyondacc.diagnosis import diagnose
from beyondacc.evaluation import evaluate
from beyondacc.metrics import REGISTRY
from beyondacc.models import MODELS
from beyondacc.rerank import RERANKERS
from beyondacc.scorers import recommend

__all__ = ["compilations", "kernels", "warmup"]

_SIDE = 64  # users and items: more than the factors of any model


def warmup() -> tuple[float, int]:
    """Run all metrics, re-rankers and models on a few rows, so that their machine code is in the cache.

    Returns
    -------
    seconds : float
    compiled : int
        How many variants of kernels were compiled and not found in the cache.
    """
    started, before = time.perf_counter(), compilations()
    rng = np.random.default_rng(0)
    ratings = _ratings(rng)
    items = pd.DataFrame(
        {"item_id": np.arange(_SIDE), "genres": rng.choice(["a", "a|b", "b|c", ""], _SIDE), "year": 2000}
    )
    vectors = rng.random((_SIDE, 3))
    half = len(ratings) // 2
    rated = Dataset(ratings[:half], ratings[half:], items)  # columns of a frame are read-only arrays, splits are not
    unrated = Dataset.split(ratings[["user_id", "item_id"]], items, vectors=vectors)
    single = Dataset.split(ratings, items, vectors=vectors.astype(np.float32))
    for data in (rated, unrated, single):
        _use(data, rng)
    for name, info in MODELS.items():
        if not info.factory.needs:  # what needs another library has no kernels of ours
            recommend(MODELS.create(name).fit(rated.matrix), rated, k=3)
    return time.perf_counter() - started, compilations() - before


def _ratings(rng: np.random.Generator) -> pd.DataFrame:
    users, items = np.nonzero(rng.random((_SIDE, _SIDE)) < 0.3)
    order = rng.permutation(len(users))
    ratings = rng.integers(1, 6, len(users)).astype(np.float64)
    return pd.DataFrame({"user_id": users[order], "item_id": items[order], "rating": ratings})


def _use(data: Dataset, rng: np.random.Generator) -> None:
    """Recommend, re-rank and evaluate: from scores in both precisions; lists with scores, with ranks, with neither."""
    scores = rng.random((_SIDE, _SIDE))
    recommend(scores.astype(np.float32), data, k=3)
    lists = recommend(scores, data, k=6)
    for name in RERANKERS:
        for distance in ("jaccard", "cosine", "npmi") if "distance" in RERANKERS[name].parameters else ("",):
            text = f"{name}(distance={distance})" if distance else name
            diagnose(lists, RERANKERS.create(text).rerank(lists, data, k=3), data, "ndcg@3", n_boot=0)
    metrics = [family @ 3 for family in REGISTRY.values()]
    metrics += [
        REGISTRY.parse(f"{name}(distance={distance})@3")
        for name in ("ild", "ils", "surprise_content", "distance_unexpectedness")
        for distance in ("cosine", "euclidean", "pearson")
        if name != "distance_unexpectedness" or distance != "pearson"
    ]
    metrics += map(REGISTRY.parse, ("binomial_diversity(relevant_only=true)@3", "epc(relevance=binary)@3"))
    frame = lists.to_pandas()
    for columns in (["user_id", "item_id", "score"], ["user_id", "item_id", "rank"], ["user_id", "item_id"]):
        given = Recommendations.read(frame[columns], data)
        evaluate(given, data, metrics, earlier=lists, n_boot=0)
    # seen items leave lists longer than the cutoff
    found = evaluate(lists, data, metrics, seen="drop", primitive=frame, earlier=frame, n_boot=2)
    _ = found.replicates, found.diagnostics, found.by("profile_size"), found.by_item()


def kernels() -> list[Any]:
    """Return the compiled kernels of this process; none where the JIT is off."""
    modules = [module for name, module in sys.modules.items() if name.startswith("beyondacc.kernels.")]
    found = {id(value): value for module in modules for value in vars(module).values() if hasattr(value, "signatures")}
    return list(found.values())


def compilations() -> int:
    """Count the variants of kernels that this process compiled because the cache did not have them."""
    return sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels())
