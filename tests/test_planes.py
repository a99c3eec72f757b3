"""Profiles as bit planes, against kernels that go through them item by item."""

import numpy as np
import pytest
from draws import draws

from beyondacc.kernels.planes import _transpose, make_planes, plane_taste_rows
from beyondacc.kernels.taste import sparse_taste_rows

pytestmark = pytest.mark.kernel

COMPILED = hasattr(plane_taste_rows, "signatures")


def world(n_features, most, seed=0):
    """Items with up to so many of the features, and profiles as long as a block, nearly so, and much longer."""
    rng = np.random.default_rng(seed)
    n_items = 300
    sizes = rng.integers(0, most + 1, n_items)
    ids = np.concatenate([np.sort(rng.choice(n_features, size, replace=False)) for size in sizes]).astype(np.int32)
    feature_starts = np.concatenate([[0], np.cumsum(sizes)])
    bits = np.zeros((n_items, 1), np.uint64)
    np.bitwise_or.at(bits[:, 0], np.repeat(np.arange(n_items), sizes), np.uint64(1) << ids.astype(np.uint64))
    lengths = [0, 1, 2, 31, 32, 33, 63, 64, 65, 150, 290] if COMPILED else [0, 3, 33, 70]
    profiles = [np.sort(rng.choice(n_items, length, replace=False)) for length in lengths]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    users = np.append(rng.permutation(len(lengths)), -1).astype(np.int32)
    return feature_starts, ids, bits, users, starts, np.concatenate(profiles).astype(np.int32)


@pytest.mark.parametrize("seed", range(draws(3)))
def test_transposes(seed):
    words = np.random.default_rng(seed).integers(0, 2**64, 32, np.uint64)
    bits = np.unpackbits(words.view(np.uint8).reshape(32, 8), axis=1, bitorder="little")
    _transpose(words)
    found = np.unpackbits(words.view(np.uint8).reshape(32, 8), axis=1, bitorder="little")
    np.testing.assert_array_equal(found[:, :32], bits[:, :32].T)
    np.testing.assert_array_equal(found[:, 32:], bits[:, 32:].T)


@pytest.mark.parametrize(("n_features", "most"), [(1, 1), (20, 4), (32, 7), (33, 10), (64, 16)])
def test_taste_is_the_sum_of_the_items(n_features, most):
    feature_starts, ids, bits, users, starts, items = world(n_features, most)
    found = []
    for kernel, given in (
        (sparse_taste_rows, (np.empty(0), feature_starts, ids, n_features, True)),
        (plane_taste_rows, (bits, n_features, make_planes(290, most))),
    ):
        room = (len(users) + 1) * n_features
        out_starts, out_ids = np.zeros(len(users) + 1, np.int64), np.empty(room, np.int32)
        counts, shares = np.empty(room), np.empty(room)
        kernel(users, starts, items, *given, out_starts, out_ids, counts, shares)
        rows = np.repeat(np.arange(len(users)), np.diff(out_starts))
        dense = np.zeros((2, len(users), n_features))
        dense[0, rows, out_ids[: len(rows)]], dense[1, rows, out_ids[: len(rows)]] = (
            counts[: len(rows)],
            shares[: len(rows)],
        )
        found.append((out_starts, dense))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-13)
