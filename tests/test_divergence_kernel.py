"""The function behind the Jensen-Shannon divergence, to the last digits."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from beyondacc.kernels.divergence import _excess

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize(("low", "high"), [(1e-12, 0.01), (0.01, 0.03), (0.03, 0.75), (0.75, 1.0)])
def test_excess_is_exact(low, high):
    """Also next to the places where one way to compute it takes over from another."""
    drawn = np.random.default_rng(0).uniform(low, high, 500)
    edges = [np.nextafter(low, 1), np.nextafter(high, 0), 0.5 / 256, 1.5 / 256, 2.5 / 256, 63.5 / 256, 191.5 / 256]
    edges += [0.6, np.nextafter(0.6, 1)]
    with localcontext() as context:
        context.prec = 50
        for d in [*drawn.tolist(), *edges]:
            exact = Decimal(float(d))
            expected = (1 + exact) * (1 + exact).ln() + (1 - exact) * (1 - exact).ln()
            assert abs(Decimal(float(_excess(float(d)))) / expected - 1) < Decimal("1e-15")
