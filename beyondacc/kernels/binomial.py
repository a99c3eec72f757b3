"""Binomial genre diversity (Vargas, Baltrunas, Karatzoglou & Castells, RecSys 2014, sec. 4)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import helper, kernel, scratch_kernel
from beyondacc.types import Floats, Int, ItemIds, Offsets, UserIds

__all__ = ["binomial_rows", "log_absent", "log_tails"]


@kernel
def log_tails(p: float, n: Int, log_factorials: Floats, out: NDArray[np.float64]) -> None:
    """Write ``log P(X >= x | X > 0)`` for x = 1..n, X ~ Bin(n, p); the limits where p is 0 or 1.

    Sums from the far tail inwards in logarithms, so that neither p = 1e-12 nor p = 1 - 1e-12 underflows.
    """
    if p <= 0 or p >= 1:
        for x in range(1, n + 1):
            out[x] = 0.0 if p >= 1 or x == 1 else -np.inf
        return
    log_p = math.log(p)
    log_q = math.log1p(-p)
    log_any = math.log(-math.expm1(n * log_q))
    tail = -np.inf
    for x in range(n, 0, -1):
        choose = log_factorials[n] - log_factorials[x] - log_factorials[n - x]
        term = choose + x * log_p + (n - x) * log_q
        high = term if term > tail else tail
        low = tail if term > tail else term
        tail = high + math.log1p(math.exp(low - high))
        out[x] = tail - log_any if tail < log_any else 0.0
    out[1] = 0.0


@helper
def log_absent(p: float) -> float:
    """Logarithm of the chance that an item lacks a feature."""
    return math.log1p(-p) if p < 1 else -np.inf


@scratch_kernel
def binomial_rows(
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    gains: Floats,
    feature_starts: Offsets,
    feature_ids: ItemIds,
    shares: Floats,
    alpha: float,
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    log_factorials: Floats,
    all_roots: bool,
    coverage: NDArray[np.float64],
    nonredundancy: NDArray[np.float64],
) -> None:
    """Coverage and non-redundancy of the first k items.

    Parameters
    ----------
    gains
        Empty, or the gains of the listed items, of which then only those >= 0 are counted.
    shares : (n_features,)
        Share of all preferences that fall on items with the feature.
    alpha
        Weight of the user's own shares against `shares`.
    log_factorials
        ``log(n!)`` for n = 0..k at least.
    all_roots
        Take both roots by the number of all features, not by that of the features in the product.
    """
    n_features = shares.shape[0]
    counts = np.zeros(n_features, np.int64)
    p = shares.astype(np.float64)
    considered = np.ones(n_features, np.bool_)
    absent = np.empty(n_features)
    if alpha == 0:
        for feature in range(n_features):
            absent[feature] = log_absent(p[feature])
    tails = np.empty((n_features, k + 1))
    tails_of: Int = -1
    own = np.zeros(n_features, np.int64)
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        if n == 0:
            coverage[row] = np.nan
            nonredundancy[row] = np.nan
            continue
        counts[:] = 0
        counted: Int = np.int64(0)
        for rank in range(n):
            if gains.shape[0] and gains[row, rank] < 0:
                continue
            counted += 1
            item = lists[row, rank]
            for position in range(feature_starts[item], feature_starts[item + 1]):
                counts[feature_ids[position]] += 1
        if alpha > 0:
            own[:] = 0
            occurrences = 0
            size = 0
            user = users[row]
            if user >= 0:
                size = starts[user + 1] - starts[user]
                for place in range(starts[user], starts[user + 1]):
                    item = items[place]
                    for position in range(feature_starts[item], feature_starts[item + 1]):
                        own[feature_ids[position]] += 1
                        occurrences += 1
            for feature in range(n_features):
                considered[feature] = True
                p[feature] = shares[feature]
                if occurrences:
                    p[feature] = (1.0 - alpha) * shares[feature] + alpha * own[feature] / size
                    considered[feature] = alpha < 1 or own[feature] > 0
        elif counted != tails_of and counted:
            for feature in range(n_features):
                log_tails(p[feature], counted, log_factorials, tails[feature])
            tails_of = counted
        n_considered = 0
        n_shown = 0
        log_coverage = 0.0
        log_nonredundancy = 0.0
        for feature in range(n_features):
            if not considered[feature]:  # a genre outside the profile is not in the product, but in the root
                n_shown += counts[feature] > 0
                continue
            n_considered += 1
            if counts[feature] == 0:
                log_coverage += n * (absent[feature] if alpha == 0 else log_absent(p[feature]))
                continue
            n_shown += 1
            if alpha > 0:
                log_tails(p[feature], counted, log_factorials, tails[feature])
            log_nonredundancy += tails[feature, counts[feature]]
        if n_considered == 0:  # the items table has no genres
            coverage[row] = np.nan
            nonredundancy[row] = 0.0
            continue
        coverage[row] = math.exp(log_coverage / (n_features if all_roots else n_considered))
        nonredundancy[row] = 0.0
        if n_shown:
            nonredundancy[row] = math.exp(log_nonredundancy / (n_features if all_roots else n_shown))
