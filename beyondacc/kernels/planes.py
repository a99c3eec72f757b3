"""Profiles as bit planes: 64 items a word, one word for each feature, so that items are counted 64 at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.intrinsics import popcount
from beyondacc.kernels.jit import helper, kernel
from beyondacc.kernels.taste import make_parts
from beyondacc.types import Bits, Int, ItemIds, Offsets, UserIds

__all__ = ["Planes", "make_planes", "plane_taste_rows", "worth_planes"]

_MOST = 16  # features of an item: what is kept grows with their square
_ZERO, _ONE = np.uint64(0), np.uint64(1)
_THIRTY_TWO = np.uint64(32)
_HALF = np.uint64(0xFFFFFFFF)
_MASKS = np.array(
    [0x0000FFFF0000FFFF, 0x00FF00FF00FF00FF, 0x0F0F0F0F0F0F0F0F, 0x3333333333333333, 0x5555555555555555], np.uint64
)


class Planes(NamedTuple):
    """The profile of one user.

    Attributes
    ----------
    words : (64,)
        Features of 64 items.
    square : (32,)
        Two squares of 32 by 32 bits.
    planes : (blocks, 64)
        Which items of a block have a feature.
    classes : (blocks, most + 1)
        Which items of a block have so many features.
    sizes : (most + 1,)
        How many features items have, each number once.
    counts : (most + 1,)
        How many items have so many.
    having : (most + 1, 64)
        How many of them have a feature.
    """

    words: Bits
    square: Bits
    planes: Bits
    classes: Bits
    sizes: Bits
    counts: NDArray[np.int64]
    having: NDArray[np.int64]


def worth_planes(bits: Bits, most: float) -> bool:
    """Tell whether items with up to `most` features each are few enough features for planes."""
    return bits.shape[1] == 1 and most <= _MOST


def make_planes(longest: int, most: int) -> Planes:
    """Make room for profiles of up to `longest` items with up to `most` features each."""
    n_blocks, sizes = -(-longest // 64), most + 1
    return Planes(
        np.zeros(64, np.uint64),
        np.zeros(32, np.uint64),
        np.zeros((n_blocks, 64), np.uint64),
        np.zeros((n_blocks, sizes), np.uint64),
        np.zeros(sizes, np.uint64),
        np.zeros(sizes, np.int64),
        np.zeros((sizes, 64), np.int64),
    )


@kernel
def _transpose(words: Bits) -> None:
    """Transpose two squares of 32 by 32 bits, one in the low halves of the first 32 words, one in the high halves."""
    for turn in range(5):
        step, mask = 16 >> turn, _MASKS[turn]
        by = np.uint64(step)
        for first in range(0, 32, 2 * step):
            for place in range(first, first + step):
                moved = ((words[place] >> by) ^ words[place + step]) & mask
                words[place + step] ^= moved
                words[place] ^= moved << by


@helper
def _slice(bits: Bits, items: ItemIds, low: Int, high: Int, n_features: int, room: Planes) -> Int:
    """Turn ``items[low:high]`` into planes, and return in how many blocks."""
    words, square, planes, classes = room.words, room.square, room.planes, room.classes
    n_blocks = (high - low + 63) // 64
    for block in range(n_blocks):
        first = low + 64 * block
        n = min(high - first, 64)
        for size in range(classes.shape[1]):
            classes[block, size] = _ZERO
        for place in range(n):
            word = bits[np.uint32(items[first + place]), 0]
            words[place] = word
            classes[block, np.uint64(popcount(word))] |= _ONE << np.uint64(place)
        for place in range(n, 64):
            words[place] = _ZERO
        for half in range((n_features + 31) // 32):
            by = np.uint64(32 * half)
            for place in range(32):
                square[place] = ((words[place] >> by) & _HALF) | ((words[place + 32] >> by) << _THIRTY_TWO)
            _transpose(square)
            for place in range(32):
                planes[block, 32 * half + place] = square[place]
    return n_blocks


@helper
def _count_sizes(n_blocks: Int, classes: Bits, sizes: Bits, counts: Offsets) -> Int:
    """Write what numbers of features the items have, but for none, and how many items have each."""
    n_sizes = 0
    for size in range(1, classes.shape[1]):
        n = 0
        for block in range(n_blocks):
            n += popcount(classes[block, size])
        sizes[n_sizes], counts[n_sizes] = size, n
        n_sizes += int(n > 0)
    return n_sizes


@kernel
def plane_taste_rows(
    users: UserIds,
    starts: Offsets,
    items: ItemIds,
    bits: Bits,
    n_features: int,
    room: Planes,
    out_starts: Offsets,
    out_ids: ItemIds,
    counts: NDArray[np.float64],
    shares: NDArray[np.float64],
) -> None:
    """Write the features of the items of each profile, ascending; as `taste.sparse_taste_rows` without weights."""
    planes, classes, sizes, having = room.planes, room.classes, room.sizes, room.having
    filled = np.int64(0)
    out_starts[0] = 0
    for row in range(users.shape[0]):
        user = users[row]
        low, high = (starts[user], starts[user + 1]) if user >= 0 else (starts[0], starts[0])
        n_blocks = _slice(bits, items, low, high, n_features, room)
        n_sizes = _count_sizes(n_blocks, classes, sizes, room.counts)
        for place in range(n_sizes):
            for feature in range(n_features):
                having[place, feature] = 0
            for block in range(n_blocks):
                alike = classes[block, sizes[place]]
                for feature in range(n_features):
                    having[place, feature] += popcount(planes[block, feature] & alike)
        for feature in range(n_features):
            n_items, weight = 0, 0.0
            for place in range(n_sizes):
                n_items += having[place, feature]
                weight += having[place, feature] / np.int64(sizes[place])
            out_ids[filled] = feature
            counts[filled] = n_items
            shares[filled] = weight
            filled += int(n_items > 0)
        out_starts[row + 1] = filled
        make_parts(shares, out_starts[row], filled)
