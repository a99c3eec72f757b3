"""Deterministic workloads: interactions with a power law of popularity, lists, candidates, genres, vectors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

__all__ = ["SIZES", "Workload", "make"]


@dataclasses.dataclass(frozen=True)
class Workload:
    """Tables as a user would have them, with integer ids that are not positions.

    Attributes
    ----------
    train, test
        user_id, item_id, rating.
    items
        item_id, genres (1 to 4 of 20, separated by ``|``).
    recs, candidates
        user_id, item_id, score: 10 and 100 items a user.
    vectors : (items, 64)
    """

    train: pd.DataFrame
    test: pd.DataFrame
    items: pd.DataFrame
    recs: pd.DataFrame
    candidates: pd.DataFrame
    vectors: np.ndarray


#: users, items, training rows; T is for tests of the harness, C for the check that CI runs
SIZES = {
    "T": (300, 400, 6_000),
    "S": (1_000, 2_000, 60_000),
    "C": (12_000, 3_000, 400_000),
    "M": (31_360, 6_807, 1_500_000),
    "L": (162_000, 60_000, 25_000_000),
}
_TEST = 10  # relevant items a user, about
_GENRES = 20


def make(size: str, *, seed: int = 0, candidates: bool = True) -> Workload:
    """Make a workload.

    Parameters
    ----------
    size
        One of `SIZES`.
    candidates
        Whether to make the lists of 100, which are most of the memory.
    """
    n_users, n_items, n_rows = SIZES[size]
    rng = np.random.default_rng(seed)
    popularity = np.arange(1, n_items + 1) ** -0.8
    popularity = np.cumsum(rng.permutation(popularity / popularity.sum()))
    activity = rng.lognormal(0.0, 1.0, n_users)
    shares = activity / activity.sum()
    user_ids = rng.permutation(10 * n_users)[:n_users].astype(np.int64)
    item_ids = rng.permutation(10 * n_items)[:n_items].astype(np.int64)

    def pairs(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Draw distinct items for each user, popular ones more often; a few fewer than asked for."""
        users = np.repeat(np.arange(n_users, dtype=np.int64), sizes)
        keys = users * n_items + np.searchsorted(popularity, rng.random(len(users))).clip(max=n_items - 1)
        keys.sort()  # np.unique hashes whole numbers, a hundred times slower
        return np.divmod(keys[np.diff(keys, prepend=-1) > 0], n_items)

    def frame(users: np.ndarray, items: np.ndarray, **columns: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame({"user_id": user_ids[users], "item_id": item_ids[items], **columns})

    sizes = np.minimum(rng.poisson(1.15 * n_rows * shares), n_items // 3)
    users, items = pairs(sizes)
    train = frame(users, items, rating=rng.integers(1, 11, len(users)) / 2)
    users, items = pairs(np.full(n_users, _TEST))
    test = frame(users, items, rating=np.ones(len(users)))

    def lists(length: int) -> pd.DataFrame:
        users, items = pairs(np.full(n_users, 2 * length))
        order = rng.permutation(len(users))
        order = order[np.argsort(users[order], kind="stable")]
        users, items = users[order], items[order]
        starts = np.searchsorted(users, np.arange(n_users))
        rank = np.arange(len(users)) - starts[users]
        kept = rank < length
        return frame(users[kept], items[kept], score=1.0 / (1.0 + rank[kept]))

    names = np.array([f"genre{number:02}" for number in range(_GENRES)])
    genres = ["|".join(rng.choice(names, rng.integers(1, 5), replace=False)) for _ in range(n_items)]
    return Workload(
        train=train,
        test=test,
        items=pd.DataFrame({"item_id": item_ids, "genres": genres}),
        recs=lists(10),
        candidates=lists(100) if candidates else pd.DataFrame(),
        vectors=rng.normal(size=(n_items, 64)).astype(np.float32),
    )
