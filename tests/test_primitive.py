"""The most popular items that a user has not seen, and what of a list is not among them."""

from __future__ import annotations

import numpy as np
import pytest
from draws import draws

from beyondacc.kernels.profile import popular_rows, unexpected_rows

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("n_items", [1, 5, 63, 64, 65, 100, 300])
def test_most_popular_items_not_seen(n_items):
    """The first 64 are looked at otherwise than further ones: a user may have seen all of them, or all items."""
    rng = np.random.default_rng(n_items)
    for _ in range(draws(20, 5)):
        order = rng.permutation(n_items)[: rng.integers(0, n_items + 1)].astype(np.int32)
        k = int(rng.integers(1, 80))
        seen = [order[: rng.integers(0, len(order) + 1)] for _ in range(4)]
        seen += [rng.choice(n_items, rng.integers(0, n_items + 1), replace=False) for _ in range(4)]
        starts = np.append(0, np.cumsum([len(own) for own in seen]))
        items = np.concatenate([np.sort(own) for own in seen]).astype(np.int32)
        users = np.append(rng.permutation(len(seen)), -1).astype(np.int32)
        lists, lengths = np.full((len(users), k), -1, np.int32), np.zeros(len(users), np.int32)
        popular_rows(users, starts, items, n_items, order, lists, lengths)
        for row, user in enumerate(users):
            own = set() if user < 0 else set(seen[user].tolist())
            wanted = [item for item in order.tolist() if item not in own][:k]
            assert lists[row, : lengths[row]].tolist() == wanted
            assert (lists[row, lengths[row] :] == -1).all()


def test_unexpected_items():
    rng = np.random.default_rng(0)
    for _ in range(draws(200)):
        n_rows, width, k = (int(n) for n in rng.integers(1, 6, 3))
        lists, expected = (np.array([rng.permutation(9)[:width] for _ in range(n_rows)], np.int32) for _ in range(2))
        lengths = rng.integers(0, width + 1, n_rows).astype(np.int32)
        lists[np.arange(width) >= lengths[:, None]] = -1
        expected[rng.random(expected.shape) < 0.3] = -1
        gains = rng.choice([-1.0, 0.0, 2.0], lists.shape) if rng.random() < 0.5 else np.empty((0, 0))
        found = np.empty(n_rows)
        unexpected_rows(lists, lengths, k, expected, gains, found)
        for row in range(n_rows):
            kept = [rank for rank in range(min(k, lengths[row])) if not len(gains) or gains[row, rank] >= 0]
            assert found[row] == sum(lists[row, rank] not in expected[row] for rank in kept)
