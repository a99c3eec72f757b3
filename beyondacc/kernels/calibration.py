"""Genre shares of lists and of profiles, and how far two of them are apart.

Shares are kept in buffers with a place for each feature, of which only the features in use are written, read and
emptied again: a row costs what it shows, however many features there are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.divergence import FEW, HELLINGER, JS, KL, ROOT_JS, Room, alone, divergence, make_room, rounded
from beyondacc.kernels.jit import helper, kernel, scratch_kernel
from beyondacc.types import Floats, Int, ItemIds, Offsets

__all__ = [
    "HELLINGER",
    "JS",
    "KL",
    "ROOT_JS",
    "add_shares",
    "catalogue_rows",
    "entropy_rows",
    "fragmentation_rows",
    "lay_out",
    "make_room",
    "normalise_shares",
    "profile_rows",
    "share_rows",
]


_P, _Q = np.int64(0), np.int64(1)  # rows of a room


@kernel
def add_shares(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    items: ItemIds,
    weights: Floats,
    spread: bool,
    to: NDArray[np.float64],
    used: ItemIds,
) -> Int:
    """Give the weight of each item to its features, and return how many features are in use.

    Parameters
    ----------
    weights
        One for each item, none of them negative.
    spread
        Whether an item spreads its weight evenly over its features, or gives all of it to each of them.
    to : (n_features,)
        Zeros, to which is added.
    used : (n_features + 1,)
        Receives the features that are in use.
    """
    n_used = np.int64(0)
    for place in range(items.shape[0]):
        item = items[place]
        n = feature_starts[item + 1] - feature_starts[item]
        weight = weights[place]
        if n == 0 or weight <= 0:
            continue
        part = weight / n if spread else weight
        for position in range(feature_starts[item], feature_starts[item + 1]):
            feature = feature_ids[position]
            used[n_used] = feature  # without a branch, for none could be foreseen
            n_used += int(to[feature] == 0)
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


@helper
def _forget(shares: NDArray[np.float64], used: ItemIds, n_used: Int) -> None:
    """Empty a buffer."""
    for place in range(n_used):
        shares[used[place]] = 0.0


@kernel
def entropy_rows(starts: Offsets, shares: Floats, out: NDArray[np.float64]) -> None:
    """Shannon entropy in bits of shares, compressed rows; NaN where there are none."""
    for row in range(out.shape[0]):
        bits = 0.0
        for place in range(starts[row], starts[row + 1]):
            bits -= shares[place] * math.log2(shares[place])
        out[row] = bits if bits > 0 else 0.0
        if starts[row] == starts[row + 1]:
            out[row] = np.nan


@helper
def _load(room: Room, ids: ItemIds, shares: Floats, first: Int, last: Int) -> None:
    """Lay out the shares of a list, the q of `_compare`."""
    for place in range(first, last):
        room.used[place - first] = ids[place]
        room.shares[np.uint32(ids[place])] = shares[place]


@helper
def _compare(
    kind: Int,
    smooth_p: float,
    smooth_q: float,
    room: Room,
    n_used: Int,
    turn: Int,
    ids: ItemIds,
    shares: Floats,
    first: Int,
    last: Int,
    only_p: float,
    only_q: float,
) -> float:
    """Divergence of the shares that were laid out, those of `n_used` features, from ``shares[first:last]``.

    Parameters
    ----------
    turn
        A number that was not given before with this room.
    only_p, only_q
        What `alone` says.
    """
    laid_out, met, used, both = room.shares, room.met, room.used, room.both
    n = np.int64(0)
    p_alone, q_alone = 0.0, 0.0
    for place in range(first, last):  # which of the two has a feature cannot be foreseen: no branches
        feature = np.uint32(ids[place])
        of_p, of_q = shares[place], laid_out[feature]
        shared = int(of_p > 0) & int(of_q > 0)
        both[0, n], both[1, n] = of_p, of_q
        n += shared
        met[feature] = turn if shared else -1
        p_alone += 0.0 if shared else of_p
    for place in range(n_used):
        feature = np.uint32(used[place])
        q_alone += 0.0 if met[feature] == turn else laid_out[feature]
    p_alone = p_alone * only_p if p_alone > 0 else 0.0  # which may be infinite
    q_alone = q_alone * only_q if q_alone > 0 else 0.0
    end = rounded(n)
    for place in range(n, end):  # shares of 1 in both add nothing
        both[0, place], both[1, place] = 1.0, 1.0
    return divergence(kind, smooth_p, smooth_q, both, _P, both, _Q, end, p_alone + q_alone)


@kernel
def profile_rows(
    kind: int,
    smooth_p: float,
    smooth_q: float,
    room: Room,
    starts: Offsets,
    ids: ItemIds,
    shares: Floats,
    taste_starts: Offsets,
    taste_ids: ItemIds,
    taste_shares: Floats,
    out: NDArray[np.float64],
) -> None:
    """Divergence of the genre shares q of the lists from those of the users' profiles, p.

    NaN where either has no genres.

    Parameters
    ----------
    room
        Of `make_room`.
    starts, ids, shares
        Of the lists, compressed rows.
    taste_starts, taste_ids, taste_shares
        Of the profiles; some may be 0.
    """
    only_p = alone(kind, 1.0 - smooth_p, smooth_q)
    only_q = alone(kind, smooth_p, 1.0 - smooth_q)
    both = room.both
    width = both.shape[1]
    few = width <= FEW
    for row in range(out.shape[0]):
        first, last = taste_starts[row], taste_starts[row + 1]
        own = starts[row + 1] - starts[row]
        some = 0.0
        for place in range(first, last):
            some += taste_shares[place]
        out[row] = np.nan
        if not own or some == 0:
            continue
        if few:
            both[:] = 0.0
            for place in range(first, last):
                both[0, np.uint32(taste_ids[place])] = taste_shares[place]
            for place in range(starts[row], starts[row + 1]):
                both[1, np.uint32(ids[place])] = shares[place]
            out[row] = divergence(kind, smooth_p, smooth_q, both, _P, both, _Q, width, 0.0)
        else:
            _load(room, ids, shares, starts[row], starts[row + 1])
            out[row] = _compare(
                kind, smooth_p, smooth_q, room, own, row, taste_ids, taste_shares, first, last, only_p, only_q
            )
            _forget(room.shares, room.used, own)


@kernel
def catalogue_rows(
    kind: int,
    smooth_p: float,
    smooth_q: float,
    room: Room,
    p: Floats,
    starts: Offsets,
    ids: ItemIds,
    shares: Floats,
    out: NDArray[np.float64],
) -> None:
    """Divergence of the genre shares of the lists from the same shares p for everybody; NaN where a list has none."""
    only_p = alone(kind, 1.0 - smooth_p, smooth_q)
    only_q = alone(kind, smooth_p, 1.0 - smooth_q)
    both = room.both
    support = 0
    for feature in range(p.shape[0]):
        support += int(p[feature] != 0)
    for row in range(out.shape[0]):
        n = np.int64(0)
        p_alone, q_alone = 1.0, 0.0
        for place in range(starts[row], starts[row + 1]):
            of_p, of_q = p[np.uint32(ids[place])], shares[place]
            both[0, n], both[1, n] = of_p, of_q
            n += int(of_p > 0)
            p_alone -= of_p
            q_alone += 0.0 if of_p > 0 else of_q
        # where the list has all features, what is left of 1 is rounding
        p_alone = p_alone * only_p if n < support and p_alone > 0 else 0.0
        q_alone = q_alone * only_q if q_alone > 0 else 0.0
        end = rounded(n)
        for place in range(n, end):  # shares of 1 in both add nothing
            both[0, place], both[1, place] = 1.0, 1.0
        out[row] = divergence(kind, smooth_p, smooth_q, both, _P, both, _Q, end, p_alone + q_alone)
        if starts[row] == starts[row + 1]:
            out[row] = np.nan


@scratch_kernel
def share_rows(
    feature_starts: Offsets,
    feature_ids: ItemIds,
    n_features: int,
    lists: ItemIds,
    lengths: ItemIds,
    k: int,
    discounts: Floats,
    spread: bool,
    out_starts: Offsets,
    out_ids: ItemIds,
    out_shares: NDArray[np.float64],
) -> None:
    """Write the genre shares of the first k items of each list, compressed rows; `out_starts` begins with 0.

    `spread` is that of `add_shares`.
    """
    shares, used = np.zeros(n_features), np.empty(n_features + 1, np.int32)
    for row in range(lists.shape[0]):
        n = lengths[row] if lengths[row] < k else k
        n_used = add_shares(feature_starts, feature_ids, lists[row, :n], discounts[:n], spread, shares, used)
        normalise_shares(shares, used, n_used)
        first = out_starts[row]
        for place in range(n_used):
            out_ids[first + place] = used[place]
            out_shares[first + place] = shares[used[place]]
        out_starts[row + 1] = first + n_used
        _forget(shares, used, n_used)


@kernel
def lay_out(starts: Offsets, ids: ItemIds, shares: Floats, out: NDArray[np.float64]) -> None:
    """Turn compressed rows into rows; `out` holds zeros."""
    for row in range(out.shape[0]):
        for place in range(starts[row], starts[row + 1]):
            out[row, np.uint32(ids[place])] = shares[place]


@kernel
def fragmentation_rows(
    kind: int,
    smooth_p: float,
    smooth_q: float,
    room: Room,
    share_starts: Offsets,
    share_ids: ItemIds,
    shares: Floats,
    rows: Floats,
    places: Offsets,
    sample: int,
    start: int,
    out: NDArray[np.float64],
) -> None:
    """Mean divergence of the genre shares of each list from those of the lists that follow it in a cyclic order.

    Parameters
    ----------
    room
        Of `make_room`.
    share_starts, share_ids, shares
        Genre shares of the lists that have genres, in the cyclic order, as `share_rows` writes them.
    rows : (lists, n_features, rounded) or (0, 0)
        The same as rows, where there are few features.
    places : (rows of the run,)
        Where the list of a row stands in that order, -1 where it has no genres.
    sample
        How many lists a list is compared with, fewer where there are fewer others; NaN where there are none.
    start
        The first row of the block; `out` has one value for each of its rows.
    """
    only_p = alone(kind, 1.0 - smooth_p, smooth_q)
    only_q = alone(kind, smooth_p, 1.0 - smooth_q)
    others = share_starts.shape[0] - 2
    compared = sample if sample < others else others
    width = rows.shape[1]
    for position in range(out.shape[0]):
        here = places[start + position]
        out[position] = np.nan
        if here < 0 or compared < 1:
            continue
        own = share_starts[here + 1] - share_starts[here]
        total, other = 0.0, here
        if not width:
            _load(room, share_ids, shares, share_starts[here], share_starts[here + 1])
        for step in range(compared):
            other = other + 1 if other < others else 0
            if width:
                total += divergence(kind, smooth_p, smooth_q, rows, other, rows, here, width, 0.0)
                continue
            first, last, turn = share_starts[other], share_starts[other + 1], position * compared + step
            total += _compare(kind, smooth_p, smooth_q, room, own, turn, share_ids, shares, first, last, only_p, only_q)
        if not width:
            _forget(room.shares, room.used, own)
        out[position] = total / compared
