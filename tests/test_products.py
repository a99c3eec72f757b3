"""Products of a row with many: against NumPy, for every width and number of rows, and the same to the last bit."""

import numpy as np
import pytest

from beyondacc.kernels.intrinsics import EIGHT
from beyondacc.kernels.products import products

pytestmark = pytest.mark.kernel


def _made(dtype: type, n: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n * 100 + width)
    return rng.standard_normal(width).astype(dtype), rng.standard_normal((n, width)).astype(dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("width", [0, 1, 3, 4, 7, 8, 17, 64, 65])
@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 23])
def test_they_are_those_of_numpy_and_nothing_else_is_written(dtype, tolerance, width, n):
    mine, rows = _made(dtype, n, width)
    out = np.full(n + 3, 7.0)
    products(mine, rows, np.int64(n), out[:n])
    expected = rows.astype(np.float64) @ mine.astype(np.float64)
    np.testing.assert_allclose(out[:n], expected, rtol=0, atol=tolerance * max(1, width))
    assert (out[n:] == 7.0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [5, 64, 65])
def test_equal_rows_have_equal_products_wherever_they_are_and_of_whichever_of_the_two(dtype, width):
    _, rows = _made(dtype, 20, width)
    rows[[0, 7, 8, 15, 16, 19]] = rows[3]
    table = np.full((20, 20), np.nan)
    for one in range(20):
        for n in (EIGHT, 13, 20):
            products(rows[one], rows, np.int64(n), table[one])
            again = np.empty(n)
            products(rows[one], rows, np.int64(n), again)
            assert (table[one, :n] == again).all()
    assert (table == table.T).all()
    assert (table[:, [0, 7, 8, 15, 16, 19]] == table[:, [3]]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_of_whole_numbers_they_are_exact(dtype):
    rows = np.random.default_rng(0).integers(-9, 10, (30, 21)).astype(dtype)
    out = np.empty(30)
    products(rows[4], rows, np.int64(30), out)
    assert (out == rows @ rows[4]).all()
