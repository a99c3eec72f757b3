"""The best k items of a block of scores, which may come in parts: some columns at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.intrinsics import LANES, above, lowest_bit, popcount
from beyondacc.kernels.jit import helper, kernel, read_only
from beyondacc.kernels.sorting import sort_by
from beyondacc.types import Bools, Floats, Int, ItemIds, Offsets, UserIds

__all__ = ["Best", "list_best_rows", "make_best", "offer_rows", "sift_down", "topk_rows"]

_ONE = np.uint64(1)
_COUNTED = 1024  # scores that are sorted sooner by counting how many are ahead of each, many at once
_HALVINGS = 24  # each a pass; sorting takes as long as some thirty


class Best(NamedTuple):
    """What is kept of the scores of each row; ``room > k``.

    Attributes
    ----------
    least : (rows,)
        What a score must be above to be kept.
    counts : (rows,)
        How many are kept.
    scores, items : (rows, room + LANES), (rows, room)
        Those that are, in the order in which they came.
    spare, order, turn : (room,)
        Anything.
    """

    least: Floats
    counts: NDArray[np.int64]
    scores: Floats
    items: ItemIds
    spare: Floats
    order: ItemIds
    turn: ItemIds


def make_best(n_rows: int, k: int, dtype: Any) -> Best:
    """Return room for the best of each row, and for as many more as are worth being thrown out together."""
    room = 2 * k + LANES
    return Best(
        np.full(n_rows, -np.inf, dtype),
        np.zeros(n_rows, np.int64),
        np.empty((n_rows, room + LANES), dtype),
        np.empty((n_rows, room), np.int32),
        np.empty(room, dtype),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
    )


@helper
def sift_down(keys: NDArray[Any], items: ItemIds, size: int) -> None:
    """Restore the heap of the best after its root changed.

    The root is the worst: the least score, and of equals the highest item.
    """
    parent = 0
    key = keys[0]
    item = items[0]
    while True:
        child = 2 * parent + 1
        if child >= size:
            break
        right = child + 1
        if right < size and (keys[right] < keys[child] or (keys[right] == keys[child] and items[right] > items[child])):
            child = right
        if key < keys[child] or (key == keys[child] and item > items[child]):
            break
        keys[parent] = keys[child]
        items[parent] = items[child]
        parent = child
    keys[parent] = key
    items[parent] = item


@helper
def _select(numbers: NDArray[Any], n: Int, rank: Int) -> Any:
    """Return the number of a rank from 0 in falling order among the first n; moves them."""
    low, high = 0, n - 1
    while low < high:
        pivot = numbers[(low + high) >> 1]
        left, right = low, high
        while left <= right:
            while numbers[left] > pivot:
                left += 1
            while numbers[right] < pivot:
                right -= 1
            if left <= right:
                numbers[left], numbers[right] = numbers[right], numbers[left]
                left += 1
                right -= 1
        if rank <= right:
            high = right
        elif rank >= left:
            low = left
        else:
            break
    return numbers[rank]


@helper
def _as_good(scores: Floats, least: float) -> int:
    """Count the scores that are not below one; vectorised."""
    found = 0
    for place in range(scores.shape[0]):
        found += int(scores[place] >= least)
    return found


@helper
def _throw_out(scores: Floats, items: ItemIds, k: Int, spare: Floats) -> tuple[int, Any]:
    """Keep k, or some more, of the best, in order; of equals those that came first.

    A bound that about k scores reach is found by halving, in few passes without branches; only where that fails, as
    among equal scores or beside one that is far off, are they sorted out.

    Returns
    -------
    count : int
        How many are kept, at least a quarter fewer than there is room for.
    least
        At least k of them are not below it.
    """
    low, high = scores[0], scores[0]
    for place in range(scores.shape[0]):
        low = min(low, scores[place])
        high = max(high, scores[place])
    half = scores.dtype.type(0.5)
    found = scores.shape[0]
    equal = found
    for _ in range(_HALVINGS):
        middle = low * half + high * half
        if found <= k + (k >> 3) or not low < middle < high:
            break
        reaching = _as_good(scores, middle)
        if reaching >= k:
            low, found = middle, reaching
        else:
            high = middle
    if found > k + (k >> 1):
        for place in range(scores.shape[0]):
            spare[place] = scores[place]
        low = _select(spare, scores.shape[0], k - 1)
        equal = k - (_as_good(scores, low) - _equals(scores, low))
    count = 0
    for place in range(scores.shape[0]):
        score = scores[place]
        scores[count] = score
        items[count] = items[place]
        same = int(score == low and equal > 0)
        equal -= same
        count += int(score > low) + same
    return count, low


@helper
def _equals(scores: Floats, score: float) -> int:
    found = 0
    for place in range(scores.shape[0]):
        found += int(scores[place] == score)
    return found


@kernel
def offer_rows(
    scores: Floats,
    first: Int,
    users: UserIds,
    cursors: Offsets,
    starts: Offsets,
    seen: ItemIds,
    banned: Bools,
    k: Int,
    found: Best,
) -> int:
    """Keep those scores of each row that may be among its k best.

    Parameters
    ----------
    scores : (rows, columns)
        Of the items from `first` on; parts come in ascending order. -inf is never kept.
    users : (rows,)
        -1 for one without a row.
    cursors : (rows,)
        Where in `seen` to go on; moved.
    starts, seen
        Compressed rows of what is not kept, ascending.
    banned : (n_items,)
        What is not kept of any row.
    found
        Receives what is kept.

    Returns
    -------
    int
        The first row with a NaN or +inf score, -1 if there is none.
    """
    least, counts, best, items, spare, _, _ = found
    n = scores.shape[1]
    whole = n - n % LANES
    room = items.shape[1]
    for row in range(scores.shape[0]):
        own, user = scores[row], users[row]
        at, end = cursors[row], np.int64(starts[user + 1] if user >= 0 else -1)
        count, bound = counts[row], least[row]
        for group in range(0, n, LANES):
            if group < whole:
                word = above(own, group, bound)
            else:
                word = np.uint64(0)
                for place in range(group, n):
                    word |= np.uint64(not own[place] <= bound) << np.uint64(place - group)
            while word:
                place = group + lowest_bit(word)
                word &= word - _ONE
                score = own[place]
                if not score < np.inf:
                    return row
                item = first + place
                if score <= bound or banned[item]:  # the bound rose within the group
                    continue
                while at < end and seen[at] < item:
                    at += 1
                if at < end and seen[at] == item:
                    continue
                best[row, count] = score
                items[row, count] = item
                count += 1
                if count == room:
                    count, bound = _throw_out(best[row, :room], items[row], k, spare)
        counts[row], least[row], cursors[row] = count, bound, at
    return -1


@helper
def _rank(scores: Floats, n: Int, spare: Floats, order: ItemIds, turn: ItemIds) -> None:
    """Write in which order the first n scores fall, equal ones in the order in which they came.

    There is room for a group of `LANES` more scores, which are overwritten.
    """
    if n > _COUNTED:
        for place in range(n):
            spare[place] = -scores[place]
            order[place] = place
        sort_by(spare, order, turn, n)
        return
    turn[:n] = 0  # how many came already of those that are equal, by how many are ahead of them
    scores[n : n + LANES] = -np.inf
    for place in range(n):
        ahead = np.int64(0)
        for group in range(0, n, LANES):
            ahead += popcount(above(scores, group, scores[place]))
        order[ahead + turn[ahead]] = place
        turn[ahead] += 1


@kernel
def list_best_rows(found: Best, lists: ItemIds, scores: Floats, lengths: ItemIds) -> None:
    """List the best of what was kept of each row, best first; equal scores go to the lower item.

    Parameters
    ----------
    lists, scores : (rows, k)
        Padded with -1 and NaN.
    """
    _, counts, best, items, spare, order, turn = found
    for row in range(lists.shape[0]):
        count = counts[row]
        _rank(best[row], count, spare, order, turn)
        filled = min(count, np.int64(lists.shape[1]))
        for place in range(filled):
            lists[row, place] = items[row, order[place]]
            scores[row, place] = best[row, order[place]]
        lists[row, filled:] = -1
        scores[row, filled:] = np.nan
        lengths[row] = filled


def topk_rows(
    scores: Floats,
    users: UserIds,
    starts: Offsets,
    seen: ItemIds,
    banned: Bools,
    lists: ItemIds,
    best: Floats,
    lengths: ItemIds,
) -> int:
    """Write the items with the highest scores, best first; equal scores go to the lower item.

    Parameters
    ----------
    scores : (rows, n_items)
    starts, seen, banned
        As in `offer_rows`.
    lists, best : (rows, k)
        Padded with -1 and NaN.

    Returns
    -------
    int
        The first row with a NaN or +inf score, -1 if there is none.
    """
    found = make_best(len(scores), lists.shape[1], scores.dtype)
    bad = offer_rows(read_only(scores), 0, users, starts[users], starts, seen, banned, lists.shape[1], found)
    list_best_rows(found, lists if bad < 0 else lists[:bad], best, lengths)
    return bad
