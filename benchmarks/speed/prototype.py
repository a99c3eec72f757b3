"""What a competent user of numba writes in an afternoon: a plain loop over the users, on positions, of one case each.

Every function is compiled twice, once to be run by one thread and once with ``parallel=True``, where its `prange` is
shared out. It knows one definition, one policy and one weight, as the workloads have them: 20 genres in a word, no
weights of features, relevance as important as diversity. What depends on items alone, as popularity does, is prepared
outside the clock, and compiling is, too.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import os
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from encoded import Arrays, K
from numba import njit, prange
from numpy.typing import NDArray

__all__ = ["PROTOTYPES", "Prototype"]

# threads that wait by spinning, as OpenMP's do, would be counted against whatever is timed next
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

_PIECES = 8  # for each thread; each has arrays of its own to work in
_SECOND, _PAIRS, _FOURS = (np.uint64(word) for word in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F))
_BYTES, _ONE, _TWO, _FOUR, _TOP = (np.uint64(word) for word in (0x0101010101010101, 1, 2, 4, 56))

_helper = njit(error_model="numpy")
_sums = njit(error_model="numpy", fastmath=True)


@_helper
def _popcount(word: Any) -> int:
    word -= (word >> _ONE) & _SECOND
    word = (word & _PAIRS) + ((word >> _TWO) & _PAIRS)
    word = (word + (word >> _FOUR)) & _FOURS
    return np.int64((word * _BYTES) >> _TOP)


@_sums
def _dot(rows: Any, one: int, other: int) -> float:
    total = np.float32(0.0)
    for place in range(rows.shape[1]):
        total += rows[one, place] * rows[other, place]
    return total


@_sums
def _square(vector: Any) -> float:
    total = 0.0
    for place in range(vector.shape[0]):
        total += vector[place] * vector[place]
    return total


@_helper
def _minmax(scores: Any, out: Any) -> int:
    """Write the scores of a list between 0 and 1, and return how many there are."""
    n, low, high = 0, np.inf, -np.inf
    while n < scores.shape[0] and not np.isnan(scores[n]):
        low, high = min(low, scores[n]), max(high, scores[n])
        n += 1
    for place in range(n):
        out[place] = (scores[place] - low) / (high - low) if high > low else 0.0
    return n


@_helper
def _length(items: Any) -> int:
    n = 0
    while n < items.shape[0] and items[n] >= 0:
        n += 1
    return n


def ndcg(
    lists: Any, users: Any, starts: Any, items: Any, gains: Any, discounts: Any, n_items: int, pieces: int
) -> NDArray[np.float64]:
    """DCG over that of the best list; the gains of the user's items are looked up in an array of all items."""
    out = np.full(lists.shape[0], np.nan)
    for piece in prange(pieces):
        gain_of, best = np.zeros(n_items), np.empty(K)
        for row in range(lists.shape[0] * piece // pieces, lists.shape[0] * (piece + 1) // pieces):
            start, stop = starts[users[row]], starts[users[row] + 1]
            if start == stop:
                continue
            n_best = 0
            for place in range(start, stop):
                gain = gains[place]
                gain_of[items[place]] = gain
                if n_best < K:
                    n_best += 1
                elif gain <= best[K - 1]:
                    continue
                at = n_best - 1
                while at > 0 and best[at - 1] < gain:
                    best[at] = best[at - 1]
                    at -= 1
                best[at] = gain
            dcg, ideal = 0.0, 0.0
            for rank in range(n_best):
                ideal += best[rank] * discounts[rank]
            for rank in range(min(K, lists.shape[1])):
                if lists[row, rank] < 0:
                    break
                dcg += gain_of[lists[row, rank]] * discounts[rank]
            for place in range(start, stop):
                gain_of[items[place]] = 0.0
            out[row] = dcg / ideal
    return out


def ild_jaccard(lists: Any, words: Any, sizes: Any, pieces: int) -> NDArray[np.float64]:
    """Mean Jaccard distance of the pairs of a list, of words of genres."""
    out = np.full(lists.shape[0], np.nan)
    for piece in prange(pieces):
        own, counts = np.empty(K, np.uint64), np.empty(K, np.int64)
        for row in range(lists.shape[0] * piece // pieces, lists.shape[0] * (piece + 1) // pieces):
            n = _length(lists[row, :K])
            total = 0.0
            for one in range(n):
                own[one], counts[one] = words[lists[row, one]], sizes[lists[row, one]]
                for other in range(one):
                    common = _popcount(own[one] & own[other])
                    total += 1.0 - common / (counts[one] + counts[other] - common)
            if n > 1:
                out[row] = total / (n * (n - 1) / 2)
    return out


def ild_cosine(lists: Any, unit: Any, pieces: int) -> NDArray[np.float64]:
    """Mean cosine distance of the pairs of a list, from the length of the sum of its vectors."""
    out = np.full(lists.shape[0], np.nan)
    for piece in prange(pieces):
        total = np.empty(unit.shape[1])
        for row in range(lists.shape[0] * piece // pieces, lists.shape[0] * (piece + 1) // pieces):
            n = _length(lists[row, :K])
            total[:] = 0.0
            for rank in range(n):
                item = lists[row, rank]
                for place in range(unit.shape[1]):
                    total[place] += unit[item, place]
            if n > 1:
                out[row] = 1.0 - (_square(total) - n) / (n * (n - 1))
    return out


def self_information(lists: Any, weights: Any, _pieces: int) -> NDArray[np.float64]:
    """Mean of what is looked up for each item."""
    out = np.full(lists.shape[0], np.nan)
    for row in prange(lists.shape[0]):
        total, n = 0.0, 0
        for rank in range(min(K, lists.shape[1])):
            if lists[row, rank] < 0:
                break
            total += weights[lists[row, rank]]
            n += 1
        if n:
            out[row] = total / n
    return out


def binomial_diversity(
    lists: Any, starts: Any, genres: Any, log_p: Any, log_q: Any, log_factorials: Any, pieces: int
) -> NDArray[np.float64]:
    """Coverage times non-redundancy; tails of the binomial distribution are summed for each list."""
    n_genres = log_p.shape[0]
    out = np.full(lists.shape[0], np.nan)
    for piece in prange(pieces):
        counts = np.zeros(n_genres, np.int64)
        for row in range(lists.shape[0] * piece // pieces, lists.shape[0] * (piece + 1) // pieces):
            n = _length(lists[row, :K])
            if not n:
                continue
            counts[:] = 0
            for rank in range(n):
                for place in range(starts[lists[row, rank]], starts[lists[row, rank] + 1]):
                    counts[genres[place]] += 1
            absent, expected, shown = 0.0, 0.0, 0
            for genre in range(n_genres):
                if not counts[genre]:
                    absent += n * log_q[genre]
                    continue
                shown += 1
                tail = 0.0
                for x in range(counts[genre], n + 1):
                    choose = log_factorials[n] - log_factorials[x] - log_factorials[n - x]
                    tail += math.exp(choose + x * log_p[genre] + (n - x) * log_q[genre])
                expected += math.log(tail / -math.expm1(n * log_q[genre]))
            out[row] = math.exp(absent / n_genres + expected / shown) if shown else 0.0
    return out


def surprise_cooccurrence(
    lists: Any, users: Any, starts: Any, items: Any, item_starts: Any, item_users: Any, n_users: int, pieces: int
) -> NDArray[np.float64]:
    """Mean of (1 - nPMI) / 2 with the profile item of highest nPMI: item by item, for all lists that show it."""
    n_items, width = item_starts.shape[0] - 1, min(K, lists.shape[1])
    shown = np.zeros(n_items + 2, np.int64)  # places in the lists, grouped by item
    for row in range(lists.shape[0]):
        for rank in range(_length(lists[row, :width])):
            shown[lists[row, rank] + 2] += 1
    for item in range(2, n_items + 2):
        shown[item] += shown[item - 1]
    shown_at = np.empty(shown[-1], np.int64)
    for row in range(lists.shape[0]):
        for rank in range(_length(lists[row, :width])):
            shown_at[shown[lists[row, rank] + 1]] = row * width + rank
            shown[lists[row, rank] + 1] += 1
    logs = np.log(np.arange(n_users + 1))
    least = np.full((lists.shape[0], width), np.nan)
    for piece in prange(pieces):
        both = np.zeros(n_items, np.int32)
        for item in range(piece, n_items, pieces):
            if shown[item] == shown[item + 1]:
                continue
            both[:] = 0
            for place in range(item_starts[item], item_starts[item + 1]):
                user = item_users[place]
                for at in range(starts[user], starts[user + 1]):
                    both[items[at]] += 1
            own = item_starts[item + 1] - item_starts[item]
            for place in range(shown[item], shown[item + 1]):
                row, rank = shown_at[place] // width, shown_at[place] % width
                most = -1.0
                for at in range(starts[users[row]], starts[users[row] + 1]):
                    other = items[at]
                    count = both[other]
                    if count == n_users:
                        most = 1.0
                    elif count:
                        theirs = item_starts[other + 1] - item_starts[other]
                        npmi = (logs[n_users] + logs[count] - logs[own] - logs[theirs]) / (logs[n_users] - logs[count])
                        most = max(most, npmi)
                least[row, rank] = 0.5 * (1.0 - most)
    out = np.full(lists.shape[0], np.nan)
    for row in prange(lists.shape[0]):
        n = _length(lists[row, :width])
        if n and starts[users[row]] < starts[users[row] + 1]:
            out[row] = least[row, :n].mean()
    return out


def mmr_jaccard(lists: Any, scores: Any, words: Any, sizes: Any, pieces: int) -> tuple[Any, Any]:
    """Relevance minus the largest similarity to a pick, of words of genres."""
    picks, values = np.full((lists.shape[0], K), -1), np.full((lists.shape[0], K), np.nan)
    for piece in prange(pieces):
        relevance, nearest = np.empty(lists.shape[1]), np.empty(lists.shape[1])
        own, counts = np.empty(lists.shape[1], np.uint64), np.empty(lists.shape[1], np.int64)
        for row in range(lists.shape[0] * piece // pieces, lists.shape[0] * (piece + 1) // pieces):
            n = _minmax(scores[row, : _length(lists[row])], relevance)
            for place in range(n):
                own[place], counts[place] = words[lists[row, place]], sizes[lists[row, place]]
                nearest[place] = 0.0
            last = -1
            for step in range(min(K, n)):
                best, most = -1, -np.inf
                for place in range(n):
                    if step:
                        common = _popcount(own[place] & own[last])
                        nearest[place] = max(nearest[place], common / (counts[place] + counts[last] - common))
                    worth = 0.5 * relevance[place] - 0.5 * nearest[place]
                    if worth > most:
                        best, most = place, worth
                picks[row, step], values[row, step] = best, most
                relevance[best], last = -np.inf, best
    return picks, values


def mmr_cosine(lists: Any, scores: Any, unit: Any, pieces: int) -> tuple[Any, Any]:
    """Relevance minus the largest similarity to a pick, of vectors that are copied next to each other."""
    picks, values = np.full((lists.shape[0], K), -1), np.full((lists.shape[0], K), np.nan)
    for piece in prange(pieces):
        relevance, nearest = np.empty(lists.shape[1]), np.empty(lists.shape[1])
        own = np.empty((lists.shape[1], unit.shape[1]), np.float32)
        for row in range(lists.shape[0] * piece // pieces, lists.shape[0] * (piece + 1) // pieces):
            n = _minmax(scores[row, : _length(lists[row])], relevance)
            for place in range(n):
                own[place] = unit[lists[row, place]]
                nearest[place] = -np.inf
            last = -1
            for step in range(min(K, n)):
                best, most = -1, -np.inf
                for place in range(n):
                    worth = 0.5 * relevance[place]
                    if step and worth > -np.inf:
                        nearest[place] = max(nearest[place], _dot(own, place, last))
                        worth -= 0.5 * nearest[place]
                    if worth > most:
                        best, most = place, worth
                picks[row, step], values[row, step] = best, most
                relevance[best], last = -np.inf, best
    return picks, values


def dpp(lists: Any, scores: Any, unit: Any, pieces: int) -> tuple[Any, Any]:
    """Greedy maximum of a determinant by Cholesky rows (Chen, Zhang & Zhou 2018)."""
    picks, values = np.full((lists.shape[0], K), -1), np.full((lists.shape[0], K), np.nan)
    for piece in prange(pieces):
        own = np.empty((lists.shape[1], unit.shape[1]), np.float32)
        quality, left, factor = np.empty(lists.shape[1]), np.empty(lists.shape[1]), np.empty((K, lists.shape[1]))
        for row in range(lists.shape[0] * piece // pieces, lists.shape[0] * (piece + 1) // pieces):
            n = _length(lists[row])
            mean, spread = scores[row, :n].mean(), scores[row, :n].std()
            for place in range(n):
                own[place] = unit[lists[row, place]]
                quality[place] = math.exp((scores[row, place] - mean) / spread if spread > 0 else 0.0)
                left[place] = 1.0
            last = -1
            for step in range(min(K, n)):
                if step:
                    new, root = factor[step - 1], math.sqrt(left[last])
                    for place in range(n):
                        new[place] = _dot(own, place, last)
                    for former in range(step - 1):
                        by = factor[former, last]
                        for place in range(n):
                            new[place] -= by * factor[former, place]
                    for place in range(n):
                        new[place] /= root
                        left[place] -= new[place] * new[place]
                    left[last] = -np.inf
                best, most = -1, -np.inf
                for place in range(n):
                    worth = left[place] * quality[place]
                    if worth > most:
                        best, most = place, worth
                picks[row, step], values[row, step] = best, most
                last = best
    return picks, values


@dataclasses.dataclass(frozen=True)
class Prototype:
    """One case.

    Attributes
    ----------
    function
        Not compiled; the last argument is the number of pieces into which the users are cut.
    prepare
        Its other arguments.
    """

    function: Callable[..., Any]
    prepare: Callable[[Arrays], tuple[Any, ...]]

    def bind(self, arrays: Arrays) -> Callable[[int], Any]:
        """Return what runs it on one thread or on more; the first call on either compiles."""
        prepared = self.prepare(arrays)

        def run(threads: int) -> Any:
            if threads == 1:
                return _compiled(self.function, parallel=False)(*prepared, 1)
            numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
            return _compiled(self.function, parallel=True)(*prepared, _PIECES * threads)

        return run


@functools.cache
def _compiled(function: Callable[..., Any], *, parallel: bool) -> Any:
    return njit(nogil=True, error_model="numpy", parallel=parallel)(function)


def _words(arrays: Arrays) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the genres of each item as the bits of a word, and their number."""
    marks = np.left_shift(np.uint64(1), np.arange(arrays.genres.shape[1], dtype=np.uint64))
    return np.where(arrays.genres, marks, np.uint64(0)).sum(axis=1, dtype=np.uint64), arrays.sizes.astype(np.int64)


def _unit(arrays: Arrays) -> NDArray[np.float32]:
    return arrays.unit.astype(np.float32)


def _relevant(arrays: Arrays) -> tuple[Any, ...]:
    discounts = 1.0 / np.log2(np.arange(K) + 2)
    rows = arrays.test_starts, arrays.test_items, arrays.test_gains
    return arrays.lists, arrays.users, *rows, discounts, arrays.n_items


def _popularity(arrays: Arrays) -> tuple[Any, ...]:
    return arrays.lists, -np.log2(np.maximum(arrays.counts, 1) / arrays.n_users)


def _binomial(arrays: Arrays) -> tuple[Any, ...]:
    starts = np.append(0, np.cumsum(arrays.genres.sum(axis=1)))
    log_factorials = np.append(0.0, np.cumsum(np.log(np.arange(1, K + 1))))
    shares = arrays.preference_shares
    return arrays.lists, starts, np.nonzero(arrays.genres)[1], np.log(shares), np.log1p(-shares), log_factorials


def _training(arrays: Arrays) -> tuple[Any, ...]:
    columns = arrays.columns
    by_item = columns.indptr.astype(np.int64), columns.indices.astype(np.int32)
    return arrays.lists, arrays.users, arrays.train_starts, arrays.train_items, *by_item, arrays.n_users


#: By the name of the case.
PROTOTYPES = {
    "nDCG": Prototype(ndcg, _relevant),
    "ILD Jaccard": Prototype(ild_jaccard, lambda arrays: (arrays.lists, *_words(arrays))),
    "ILD cosine": Prototype(ild_cosine, lambda arrays: (arrays.lists, _unit(arrays))),
    "binomial diversity": Prototype(binomial_diversity, _binomial),
    "self-information": Prototype(self_information, _popularity),
    "surprise (nPMI)": Prototype(surprise_cooccurrence, _training),
    "MMR Jaccard": Prototype(mmr_jaccard, lambda arrays: (arrays.candidates, arrays.scores, *_words(arrays))),
    "MMR cosine": Prototype(mmr_cosine, lambda arrays: (arrays.candidates, arrays.scores, _unit(arrays))),
    "DPP": Prototype(dpp, lambda arrays: (arrays.candidates, arrays.scores, _unit(arrays))),
}
