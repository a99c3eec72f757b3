"""Genre shares of lists and of profiles, and how far two of them are apart.

Shares are kept in buffers with a place for each feature, of which only the features in use are written, read and
emptied again: a row costs what it shows, however many features there are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.jit import kernel, scratch_kernel
from beyondacc.types import Floats, Int, ItemIds, Offsets

__all__ = [
    "HELLINGER",
    "JS",
    "KL",
    "ROOT_JS",
    "add_shares",
    "catalogue_rows",
    "entropy_rows",
    "forget_shares",
    "fragmentation_rows",
    "make_room",
    "normalise_shares",
    "profile_rows",
    "share_rows",
]

KL, JS, ROOT_JS, HELLINGER = range(4)
_STEPS = 256


Room = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]


def make_room(n_features: int) -> Room:
    """Make what kernels that compare shares of features work in: two rows of zeros, and a list of features."""
    return np.zeros(n_features), np.zeros(n_features), np.empty(2 * n_features + 1, np.int32)


@kernel
def add_shares(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    items: ItemIds,
    weights: Floats,
    to: NDArray[np.float64],
    other: Floats,
    used: ItemIds,
    n_used: Int,
) -> Int:
    """Spread the weight of each item evenly over its features, and return how many features are in use.

    Parameters
    ----------
    weights
        One for each item, none of them negative; empty where all weigh 1.
    to, other : (n_features,)
        What is added to, and the shares it will be compared with.
    used : (n_features + 1,)
        First the `n_used` features that have a share in either.
    """
    for place in range(items.shape[0]):
        item = items[place]
        n = feature_starts[item + 1] - feature_starts[item]
        weight = weights[place] if weights.shape[0] else 1.0
        if n == 0 or weight <= 0:
            continue
        part = weight / n
        for position in range(feature_starts[item], feature_starts[item + 1]):
            feature = feature_ids[position]
            used[n_used] = feature  # without a branch, for none could be foreseen
            n_used += int(to[feature] == 0) & int(other[feature] == 0)
            to[feature] += part
    return n_used


@kernel
def normalise_shares(shares: NDArray[np.float64], used: ItemIds, n_used: Int) -> bool:
    """Divide the shares by their sum; say whether there was anything to divide."""
    total = 0.0
    for place in range(n_used):
        total += shares[used[place]]
    if total == 0:
        return False
    for place in range(n_used):
        shares[used[place]] /= total
    return True


@kernel
def forget_shares(shares: NDArray[np.float64], used: ItemIds, n_used: Int) -> None:
    """Empty a buffer."""
    for place in range(n_used):
        shares[used[place]] = 0.0


@scratch_kernel
def entropy_rows(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    n_features: int,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    out: NDArray[np.float64],
) -> None:
    """Shannon entropy in bits of the genre shares of the first k items, NaN where they have no genres."""
    shares, used = np.zeros(n_features), np.empty(n_features + 1, np.int32)
    alike = np.empty(0)
    nothing = np.int64(0)  # numba compiles a callee anew for every type, and a literal is a type of its own
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        n_used = add_shares(feature_starts, feature_ids, lists[row, :n], alike, shares, shares, used, nothing)
        out[row] = np.nan
        if normalise_shares(shares, used, n_used):
            bits = 0.0
            for place in range(n_used):
                bits -= shares[used[place]] * math.log2(shares[used[place]])
            out[row] = bits if bits > 0 else 0.0
        forget_shares(shares, used, n_used)


def _expansions() -> NDArray[np.float64]:
    """Return the power series of `_excess` around the points 0, 1 / 256, ... up to 3 / 4, by the place of the power."""
    d = np.arange(3 * _STEPS // 4 + 1) / _STEPS
    n = np.arange(1, 120)
    square = d * d
    rest = 1.0 - square
    return np.column_stack(
        [
            (square[:, None] ** n / (n * (2 * n - 1))).sum(axis=1),  # no differences of logarithms
            2.0 * np.arctanh(d),
            1.0 / rest,
            2.0 / 3.0 * d / rest**2,
            (1.0 + 3.0 * square) / (6.0 * rest**3),
            2.0 / 5.0 * d * (1.0 + square) / rest**4,
            (1.0 + 10.0 * square + 5.0 * square**2) / (15.0 * rest**5),
            np.zeros(len(d)),  # a row is a line of the cache
        ]
    )


_EXPANSIONS = _expansions()


@kernel
def _excess(d: float) -> float:
    """Return (1 + d) ln(1 + d) + (1 - d) ln(1 - d) for 0 <= d < 1, to the last digit, sooner than its logarithms."""
    if d < 0.01:
        square = d * d
        return square * (1.0 + square * (1 / 6 + square * (1 / 15 + square * (1 / 28 + square / 45))))
    if d <= 0.75:
        nearest = int(d * _STEPS + 0.5)
        off = d - nearest / _STEPS
        found: float = _EXPANSIONS[nearest, 6]
        for power in range(5, -1, -1):
            found = found * off + _EXPANSIONS[nearest, power]
        return found
    return (1.0 + d) * math.log(1.0 + d) + (1.0 - d) * math.log(1.0 - d)


@kernel
def _term(kind: Int, p: float, q: float) -> float:
    """Return what one feature adds to a divergence; never negative but for KL.

    The usual forms of JS and Hellinger subtract numbers of order 1 from each other, and a square root would make 1e-8
    of the rounding: these stay exact for nearly equal shares.
    """
    if kind == KL:
        if p == 0:
            return 0.0
        return p * math.log2(p / q) if q > 0 else np.inf
    if kind == HELLINGER:
        return 0.5 * (math.sqrt(p) - math.sqrt(q)) ** 2
    if p == 0 and q == 0:
        return 0.0
    d = (p - q) / (p + q)  # with the mean m of both, p = m (1 + d) and q = m (1 - d)
    if abs(d) == 1:
        return 0.5 * (p + q)
    return (p + q) * _excess(abs(d)) / (4.0 * math.log(2.0))


@kernel
def _divergence(
    kind: Int, smooth_p: float, smooth_q: float, p: Floats, q: Floats, used: ItemIds, n_used: Int, rest: float
) -> float:
    """Divergence of q from p, each mixed with a part of the other.

    Parameters
    ----------
    smooth_p, smooth_q
        p becomes (1 - smooth_p) p + smooth_p q, and q likewise.
    used : (2 n_features + 1,)
        First the `n_used` features that are in use; then room for as many, and one.
    rest
        The sum of p over features that are not in use, where q is 0.
    """
    total = 0.0
    of_p_alone, of_q_alone = rest, 0.0
    stop = n_used
    for place in range(n_used):  # which of the two has a feature cannot be foreseen: no branches
        of_p, of_q = p[used[place]], q[used[place]]
        of_p_alone += of_p if of_q == 0 else 0.0
        of_q_alone += of_q if of_p == 0 else 0.0
        used[stop] = used[place]
        stop += int(of_p > 0) & int(of_q > 0)
    for place in range(n_used, stop):
        of_p, of_q = p[used[place]], q[used[place]]
        mixed = (1.0 - smooth_p) * of_p + smooth_p * of_q
        total += _term(kind, mixed, (1.0 - smooth_q) * of_q + smooth_q * of_p)
    # every divergence is linear in what only one of the two has: no logarithms for each of these
    if of_p_alone > 0:
        total += of_p_alone * _term(kind, 1.0 - smooth_p, smooth_q)
    if of_q_alone > 0:
        total += of_q_alone * _term(kind, smooth_p, 1.0 - smooth_q)
    if total < 0:  # KL of equal shares, by rounding
        return 0.0
    if kind == KL:
        return total
    if total > 1:
        total = 1.0
    return total if kind == JS else math.sqrt(total)


@kernel
def profile_rows(
    kind: int,
    smooth_p: float,
    smooth_q: float,
    feature_starts: Offsets,
    feature_ids: ItemIds,
    room: Room,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    discounts: Floats,
    taste_starts: Offsets,
    taste_ids: ItemIds,
    taste_shares: Floats,
    out: NDArray[np.float64],
) -> None:
    """Divergence of the genre shares q of the first k items from those of the user's profile, p.

    NaN where either has no genres.

    Parameters
    ----------
    room
        Of `make_room`; left as it was.
    taste_starts, taste_ids, taste_shares
        Features of the profiles, not yet divided by their sum.
    """
    p, q, used = room
    for row in range(lists.shape[0]):
        out[row] = np.nan
        n = lengths[row] if lengths[row] < k else k
        n_used: Int = np.int64(0)
        for place in range(taste_starts[row], taste_starts[row + 1]):
            if taste_shares[place] > 0:
                p[taste_ids[place]] = taste_shares[place]
                used[n_used] = taste_ids[place]
                n_used += 1
        n_used = add_shares(feature_starts, feature_ids, lists[row, :n], discounts[:n], q, p, used, n_used)
        if normalise_shares(p, used, n_used) and normalise_shares(q, used, n_used):
            out[row] = _divergence(kind, smooth_p, smooth_q, p, q, used, n_used, 0.0)
        forget_shares(p, used, n_used)
        forget_shares(q, used, n_used)


@scratch_kernel
def catalogue_rows(
    kind: int,
    smooth_p: float,
    smooth_q: float,
    feature_starts: Offsets,
    feature_ids: ItemIds,
    p: Floats,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    discounts: Floats,
    out: NDArray[np.float64],
) -> None:
    """Divergence of the genre shares of the first k items from the same shares p for everybody.

    NaN where the list has no genres.
    """
    n_features = p.shape[0]
    q, used = np.zeros(n_features), np.empty(2 * n_features + 1, np.int32)
    support = np.count_nonzero(p)
    nothing = np.int64(0)
    for row in range(lists.shape[0]):
        out[row] = np.nan
        n = lengths[row] if lengths[row] < k else k
        n_used = add_shares(feature_starts, feature_ids, lists[row, :n], discounts[:n], q, q, used, nothing)
        if normalise_shares(q, used, n_used):
            met = 0
            rest = 1.0
            for place in range(n_used):
                if p[used[place]] > 0:
                    met += 1
                    rest -= p[used[place]]
            # where the list has all features, what is left of 1 is rounding
            rest = rest if met < support and rest > 0 else 0.0
            out[row] = _divergence(kind, smooth_p, smooth_q, p, q, used, n_used, rest)
        forget_shares(q, used, n_used)


@scratch_kernel
def share_rows(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    n_features: int,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    discounts: Floats,
    out_starts: Offsets,
    out_ids: ItemIds,
    out_shares: NDArray[np.float64],
) -> None:
    """Write the genre shares of the first k items of each list, compressed rows; `out_starts` begins with 0."""
    shares, used = np.zeros(n_features), np.empty(n_features + 1, np.int32)
    nothing = np.int64(0)
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        n_used = add_shares(feature_starts, feature_ids, lists[row, :n], discounts[:n], shares, shares, used, nothing)
        normalise_shares(shares, used, n_used)
        first = out_starts[row]
        for place in range(n_used):
            out_ids[first + place] = used[place]
            out_shares[first + place] = shares[used[place]]
        out_starts[row + 1] = first + n_used
        forget_shares(shares, used, n_used)


@kernel
def fragmentation_rows(
    kind: int,
    smooth_p: float,
    smooth_q: float,
    room: Room,
    share_starts: Offsets,
    share_ids: ItemIds,
    shares: Floats,
    places: Offsets,
    sample: int,
    start: int,
    out: NDArray[np.float64],
) -> None:
    """Mean divergence of the genre shares of each list from those of the lists that follow it in a cyclic order.

    Parameters
    ----------
    room
        Of `make_room`; left as it was.
    share_starts, share_ids, shares
        Genre shares of the lists that have genres, in the cyclic order, as `share_rows` writes them.
    places : (rows of the run,)
        Where the list of a row stands in that order, -1 where it has no genres.
    sample
        How many lists a list is compared with, fewer where there are fewer others; NaN where there are none.
    start
        The first row of the block; `out` has one value for each of its rows.
    """
    p, q, used = room
    others = share_starts.shape[0] - 2
    compared = sample if sample < others else others
    for position in range(out.shape[0]):
        row = start + position
        out[position] = np.nan
        if places[row] < 0 or compared < 1:
            continue
        here = places[row]
        own = share_starts[here + 1] - share_starts[here]
        for place in range(own):
            used[place] = share_ids[share_starts[here] + place]
            q[used[place]] = shares[share_starts[here] + place]
        total = 0.0
        for _ in range(compared):
            here = here + 1 if here < others else 0
            first, last = share_starts[here], share_starts[here + 1]
            n_used = own
            for place in range(first, last):
                feature = share_ids[place]
                p[feature] = shares[place]
                used[n_used] = feature
                n_used += int(q[feature] == 0)
            total += _divergence(kind, smooth_p, smooth_q, p, q, used, n_used, 0.0)
            for place in range(first, last):
                p[share_ids[place]] = 0.0
        forget_shares(q, used, own)
        out[position] = total / compared
