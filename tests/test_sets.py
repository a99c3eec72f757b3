"""Distances of small sets that are looked up, beside those that are computed."""

from __future__ import annotations

import numpy as np
import pytest
from draws import draws

import beyondacc as ba
from beyondacc.kernels import distance as kinds, jit, pairwise, sets
from beyondacc.kernels.bench import make_bench

pytestmark = pytest.mark.kernel

NO_ROWS = np.empty((0, 0))


def draw(rng, most):
    """Items of up to so many features of 64, some without; lists of any length; users without a profile or unknown."""
    n_items, n_users, width = int(rng.integers(1, 12)), int(rng.integers(1, 6)), int(rng.integers(1, 8))
    features = [rng.choice(64, rng.integers(0, most + 1), replace=False) for _ in range(n_items)]
    bits = np.array([[sum(1 << int(bit) for bit in own)] for own in features], np.uint64).reshape(-1, 1)
    sizes = np.array([len(own) for own in features], np.float64)
    lists = rng.integers(0, n_items, (n_users, width)).astype(np.int32)
    lengths = rng.integers(0, width + 1, n_users).astype(np.int32)
    lists[np.arange(width) >= lengths[:, None]] = -1
    profiles = rng.integers(0, 7, n_users)
    starts = np.append(0, np.cumsum(profiles))
    items = rng.integers(0, n_items, starts[-1]).astype(np.int32)
    users = np.where(rng.random(n_users) < 0.2, -1, np.arange(n_users)).astype(np.int32)
    return bits, sizes, lists, lengths, users, starts, items


@pytest.mark.parametrize("most", [1, 4, sets.MOST])
@pytest.mark.parametrize("kind", [kinds.JACCARD, kinds.COSINE_SETS, kinds.HAMMING])
def test_looked_up_as_computed(kind, most):
    rng = np.random.default_rng(most)
    own = jit.no_distance()
    for _ in range(draws(60)):
        bits, sizes, lists, lengths, users, starts, items = draw(rng, most)
        factor, k = float(rng.choice([1.0, 0.5, 1 / 7])), int(rng.integers(1, 9))
        table = np.empty((most + 1) ** 3)
        sets.fill(kind, factor, most, table)
        looked = (table, most + 1, bits, sizes)
        computed = (kind, factor, bits, sizes)
        whole = (*computed, NO_ROWS, NO_ROWS, own)
        shape = (len(lists), min(k, lists.shape[1]))

        for missing in (pairwise.SKIP, pairwise.ONE, pairwise.ZERO):
            found, wanted = np.empty((2, len(lists)))
            sets.mean_rows(*looked, lists, lengths, k, missing, 0.25, found)
            pairwise.ild_set_rows(*computed, lists, lengths, k, missing, 0.25, wanted)
            np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=1e-15)

        found, wanted = np.full((2, *shape, shape[1]), np.nan)
        bench = make_bench(lists.shape[1], 1, bits, NO_ROWS, NO_ROWS)
        sets.pair_rows(*looked, lists, lengths, k, found)
        pairwise.pair_rows(*whole, lists, lengths, k, bench, wanted)
        np.testing.assert_array_equal(found, wanted)

        found = np.full(shape, np.inf), np.zeros(shape), np.zeros(shape, np.int64)
        wanted = tuple(array.copy() for array in found)
        longest = int(np.diff(starts).max(initial=0))
        bench = make_bench(longest + lists.shape[1], 1, bits, NO_ROWS, NO_ROWS)
        profile = (users, starts, items)
        sets.profile_rows(*looked, lists, lengths, k, *profile, longest, *found)
        pairwise.profile_rows(*whole, lists, lengths, k, *profile, bench, *wanted)
        np.testing.assert_array_equal(found[0], wanted[0])
        np.testing.assert_allclose(found[1], wanted[1], rtol=1e-14)
        np.testing.assert_array_equal(found[2], wanted[2])


@pytest.mark.parametrize(("n_features", "looks"), [(sets.MOST, True), (sets.MOST + 1, False)])
def test_large_sets_are_computed(n_features, looks):
    genres = [f"g{number}" for number in range(n_features)]
    items = {"a": genres, "b": genres[:1], "c": genres[1:]}
    data = ba.Dataset({"u": ["a"]}, items=items)
    report = ba.evaluate({"u": ["b", "c", "a"]}, data, ["ild@3", "surprise_content@3", "eild@3"], n_boot=0)
    assert (report.metrics[0].values["distance"].looked_up(report.run) is not None) == looks
    ild = (1.0 + (n_features - 1) / n_features + 1 / n_features) / 3
    assert report.value("ild@3") == pytest.approx(ild)
    assert report.value("eild@3") == pytest.approx(ild)
    assert report.value("surprise_content@3") == pytest.approx(1 / 3)
