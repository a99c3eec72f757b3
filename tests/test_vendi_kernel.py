"""Eigenvalues of many small matrices at a time, against LAPACK; the Vendi score, against numpy."""

import numpy as np
import pytest

from beyondacc.kernels.vendi import _eigenvalues, _tridiagonal, make_lanes, vendi_rows
from beyondacc.metrics.diversity import _vendi_of_many

pytestmark = pytest.mark.kernel

SIZES = (1, 2, 3, 4, 7, 10, 17)


def eigenvalues(matrices):
    """In ascending order, of matrices that differ, so that some are ready before others."""
    n = matrices.shape[1]
    work = make_lanes(n)
    lanes, found = work.shape[1], np.empty(matrices.shape[:2])
    for start in range(0, len(matrices), lanes):
        part = matrices[start : start + lanes]
        work[:] = 0.0
        work[: n * n, : len(part)] = part.reshape(len(part), -1).T
        _tridiagonal(work, np.int64(n))
        _eigenvalues(work, np.int64(n))
        found[start : start + lanes] = work[n * n : n * n + n, : len(part)].T
    return np.sort(found, axis=1)


def gram(rows):
    """Products of all pairs of rows."""
    return rows @ rows.transpose(0, 2, 1)


def matrices_of(kind, n, count):
    """Symmetric matrices of a kind."""
    rng = np.random.default_rng(n)
    square = rng.normal(size=(count, n, n))
    square = square + square.transpose(0, 2, 1)
    thirds = rng.integers(0, 4, (count, n, n)) / 3
    blocks = rng.integers(0, 3, (count, n))
    few = rng.normal(size=(count, n, 2))
    graded = 10.0 ** -np.arange(n)
    return {
        "random": square,
        "similarities": gram(rng.dirichlet(np.ones(4), (count, n)) ** 0.5),
        "rank one": gram(rng.random((count, n, 1))),
        "ones": np.ones((count, n, n)),
        "identity": np.tile(np.eye(n), (count, 1, 1)),
        "zeros": np.zeros((count, n, n)),
        "equal items": (blocks[:, :, None] == blocks[:, None, :]) * 1.0,
        "repeated": gram(few[:, rng.integers(0, n, n)]),
        "thirds": np.tril(thirds, -1) + np.tril(thirds, -1).transpose(0, 2, 1) + np.eye(n),
        "graded": square * graded[:, None] * graded,
        "small": square * 1e-100,
        "diagonal": np.eye(n) * square,
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        *("random", "similarities", "rank one", "ones", "identity", "zeros", "equal items", "repeated"),
        *("thirds", "graded", "small", "diagonal"),
    ],
)
@pytest.mark.parametrize("n", SIZES)
def test_eigenvalues_are_those_of_lapack(kind, n, request):
    """To a few units of the last digit of the largest."""
    count = 400 if hasattr(vendi_rows, "signatures") else 3
    given = matrices_of(kind, n, count)
    expected = np.linalg.eigvalsh(given)
    largest = np.abs(expected).max(axis=1, keepdims=True)
    assert (np.abs(eigenvalues(given) - expected) <= 2e-15 * np.sqrt(n) * largest).all(), request.node.name


@pytest.mark.parametrize("without", [0.0, 1.0])
@pytest.mark.parametrize("n", SIZES)
def test_scores_are_those_of_numpy(n, without):
    """Also of short and empty lists, of items that do not count and of distances beyond 1."""
    rng = np.random.default_rng(n)
    count = 200 if hasattr(vendi_rows, "signatures") else 4
    table = rng.choice([0.0, 0.25, 0.5, 2 / 3, 1.0, 1.5, np.nan], (count, n, n))
    table = np.maximum(table, table.transpose(0, 2, 1))
    lists = rng.integers(0, 20, (count, n)).astype(np.int32)
    lengths = rng.integers(0, n + 1, count).astype(np.int32)
    for present in (np.empty(0, np.bool_), rng.random(20) < 0.7):
        for scale in (1.0, 1e200):
            values = np.empty(count)
            vendi_rows(table * scale, lists, lengths, n, present, without, make_lanes(n), values)
            kept = (np.arange(n) < lengths[:, None]) & (present[lists] if len(present) else True)
            expected = _vendi_of_many(table * scale, kept, without)
            np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_no_eigenvalue_rests_on_other_matrices():
    """To the last bit, whatever takes longer next to it."""
    given = np.concatenate([matrices_of(kind, 10, 4) for kind in ("random", "similarities", "equal items", "thirds")])
    together = eigenvalues(given)
    for matrix, expected in zip(given, together, strict=True):
        np.testing.assert_array_equal(eigenvalues(matrix[None])[0], expected)
