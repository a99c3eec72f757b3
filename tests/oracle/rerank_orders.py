"""METRICS.md section 9: re-rankers that compare ranks and sums of distances, and the diagnostics of a re-ranking.

A comparison of sums decides what comes next here. Sums are exact, and two of them that differ by less than TOLERANCE
count as equal: sums of the same distances in another order would compare by their rounding otherwise.
"""

from __future__ import annotations

import math
from fractions import Fraction

from oracle.rerank import as_given, known, normalized, take

TOLERANCE = Fraction(1, 10**12)


def swap(scores, matrix, diversity, k, tolerance=TOLERANCE):
    """The first k; a later candidate takes the place of the one that adds the least if it adds more."""
    s = normalized(scores, "minmax")
    if diversity == 0:
        return as_given(s, k)

    def spread(i, others):
        return sum(Fraction(known(matrix[i][j])) for j in others if j != i)

    chosen = set(range(min(k, len(s))))
    for c in range(len(chosen), len(s)):
        spreads = {o: spread(o, chosen) for o in chosen}
        least = min(spreads.values())
        weakest = max(o for o in chosen if spreads[o] <= least + tolerance)
        if s[weakest] - s[c] > diversity:
            break
        if spread(c, chosen - {weakest}) > spreads[weakest] + tolerance:
            chosen = (chosen - {weakest}) | {c}
    return sorted(chosen), [s[i] for i in sorted(chosen)]


def topic_diversification(scores, matrix, diversity, k, normalize="minmax"):
    """The least (1 - lambda) rank by relevance + lambda rank by dissimilarity; selection score minus that."""
    if diversity == 0:
        return as_given(normalized(scores, normalize), k)
    return take(len(scores), k, topic_diversification_gains(matrix, diversity))


def topic_diversification_gains(matrix, diversity, tolerance=TOLERANCE):
    """Before the first pick all sums are 0, so that both ranks are those of the input."""

    def gains(remaining, selected):
        sums = {i: sum(1 - Fraction(known(matrix[i][j])) for j in selected) for i in remaining}
        groups = []  # of equal sums, the least similar first
        for i in sorted(remaining, key=sums.get):
            if groups and sums[i] <= sums[groups[-1][-1]] + tolerance:
                groups[-1].append(i)
            else:
                groups.append([i])
        by_dissimilarity = [i for group in groups for i in sorted(group)]
        return [
            0.0 - ((1 - diversity) * rank + diversity * by_dissimilarity.index(i)) for rank, i in enumerate(remaining)
        ]

    return gains


def overlap(reference, reranked, k):
    """The share of the first k re-ranked items that are among the first k of the input."""
    shown = reranked[:k]
    return sum(1 for item in shown if item in reference[:k]) / len(shown) if shown else math.nan


def least_item_promoted(reference, reranked, k):
    """The largest input position, from 0, among the first k re-ranked items, minus k; 0 if none came from below k.

    As in LensKit; the item at position k gives 0 as well.
    """
    return max([0, *(reference.index(item) - k for item in reranked[:k] if item in reference)])


def rank_biased_overlap(reference, reranked, k, p=0.9):
    """The weighted mean of the shares that both lists have in common at depths 1 to n, with weights p^(depth - 1).

    n is k or the length of the shorter list. Webber, Moffat & Zobel (2010) go on to infinity; here the sum is cut at n
    and divided by the weights used, so that equal lists are at 1.
    """
    depths = range(1, min(k, len(reference), len(reranked)) + 1)
    if not depths:
        return math.nan
    shares = [len(set(reference[:d]) & set(reranked[:d])) / d for d in depths]
    weights = [p ** (d - 1) for d in depths]
    return math.fsum(w * share for w, share in zip(weights, shares, strict=True)) / math.fsum(weights)
