"""What features a user's profile consists of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel
from beyondacc.types import Floats, ItemIds, Offsets, UserIds

__all__ = ["taste_rows"]


@kernel
def taste_rows(
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    weights: Floats,
    feature_starts: Offsets,
    feature_ids: ItemIds,
    spread: bool,
    out: NDArray[np.float64],
) -> None:
    """Add up the features of the items of each profile.

    Parameters
    ----------
    weights
        Of the rows of the profiles; empty where all weigh 1.
    spread
        Whether an item spreads its weight over its features, or gives all of it to each of them.
    out : (rows, n_features)
        Zeros for a user the dataset does not know.
    """
    for row in range(users.shape[0]):
        out[row] = 0.0
        user = users[row]
        if user < 0:
            continue
        for place in range(starts[user], starts[user + 1]):
            first, last = feature_starts[items[place]], feature_starts[items[place] + 1]
            weight = weights[place] if weights.shape[0] else 1.0
            for position in range(first, last):
                out[row, feature_ids[position]] += weight / (last - first) if spread else weight
