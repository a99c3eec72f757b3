"""What features a user's profile consists of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import helper, kernel, scratch_kernel
from beyondacc.types import Floats, Int, ItemIds, Offsets, UserIds

__all__ = ["make_parts", "sparse_taste_rows", "taste_rows"]


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


@helper
def make_parts(numbers: NDArray[np.float64], first: Int, last: Int) -> None:
    """Divide ``numbers[first:last]`` by their sum, if there is anything to divide."""
    total = 0.0
    for place in range(first, last):
        total += numbers[place]
    if total > 0:
        for place in range(first, last):
            numbers[place] /= total


@scratch_kernel
def sparse_taste_rows(
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    weights: Floats,
    feature_starts: Offsets,
    feature_ids: ItemIds,
    n_features: int,
    spread: bool,
    out_starts: Offsets,
    out_ids: ItemIds,
    counts: NDArray[np.float64],
    shares: NDArray[np.float64],
) -> None:
    """Write the features of the items of each profile, each once, in the order in which they are first met.

    Parameters
    ----------
    weights
        Of the rows of the profiles, none of them negative; empty where all weigh 1.
    spread
        Whether an item spreads its weight evenly over its features, or gives all of it to each of them.
    out_starts : (rows + 1,)
        Where each row starts in `out_ids`, `counts` and `shares`, which are long enough.
    counts, shares
        How many items have the feature, and what these items give to it, as parts of the sum.
    """
    own_counts, own_shares = np.zeros(n_features), np.zeros(n_features)
    filled = np.int64(0)
    out_starts[0] = 0
    for row in range(users.shape[0]):
        user = users[row]
        low, high = (starts[user], starts[user + 1]) if user >= 0 else (np.int64(0), np.int64(0))
        for place in range(low, high):
            first, last = feature_starts[items[place]], feature_starts[items[place] + 1]
            weight = weights[place] if weights.shape[0] else 1.0
            part = weight / (last - first) if spread and last > first else weight
            for position in range(first, last):
                feature = feature_ids[position]
                if own_counts[feature] == 0:
                    out_ids[filled] = feature
                    filled += 1
                own_counts[feature] += 1.0
                own_shares[feature] += part
        for place in range(out_starts[row], filled):
            counts[place] = own_counts[out_ids[place]]
            shares[place] = own_shares[out_ids[place]]
            own_counts[out_ids[place]] = 0.0
            own_shares[out_ids[place]] = 0.0
        make_parts(shares, out_starts[row], filled)
        out_starts[row + 1] = filled
