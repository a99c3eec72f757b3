"""Gains of greedy re-rankers that look at the features of the items picked before.

All are called as `jit.GAIN_SIGNATURE` says, once a step, and write what every remaining candidate adds into `term`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from beyondacc.kernels.binomial import log_absent, log_tails
from beyondacc.kernels.gains import CLOSE, renormalise
from beyondacc.kernels.jit import PREPARE, START, Candidates
from beyondacc.kernels.memory import Sizes, keeps
from beyondacc.types import Int

__all__ = ["BOTH_FACTORS", "COVERAGE", "NONREDUNDANCY", "binomial", "calibrated", "explicit_aspects", "proportional"]

Term = NDArray[np.float64]
BOTH_FACTORS, COVERAGE, NONREDUNDANCY = 0.0, 1.0, 2.0  # which count in `binomial`
_FINE = 2.0**40  # one divided by what makes no difference between divergences


@keeps(lambda sizes: sizes.of_user, numbers=1)
def explicit_aspects(
    step: Int, picked: Int, _row: Int, left: Int, _diversity: float, candidates: Candidates, term: Term
) -> None:
    """Sum over the features of an item of p(f|u), times 1 - alpha for every picked item that has f.

    `by_user` holds p, `numbers` alpha, `memory` what p has become.
    """
    worth = candidates.memory
    if step == PREPARE:
        return
    if step == START:
        for feature in range(worth.shape[0]):
            worth[feature] = candidates.by_user[feature]
    else:
        for place in range(candidates.starts[picked], candidates.starts[picked + 1]):
            worth[candidates.features[place]] *= 1.0 - candidates.numbers[0]
    for slot in range(left):
        position = candidates.remaining[slot]
        gained = 0.0
        for place in range(candidates.starts[position], candidates.starts[position + 1]):
            gained += worth[candidates.features[place]]
        term[position] = gained


@keeps(lambda sizes: sizes.of_user, numbers=1)
def proportional(
    step: Int, picked: Int, _row: Int, left: Int, _diversity: float, candidates: Candidates, term: Term
) -> None:
    """Quotients v_f / (2 s_f + 1) of the features of an item: `emphasis` times that of the feature whose turn it is.

    1 - emphasis times those of the others. A picked item gives its features equal parts of a seat. The turn goes to the
    first feature whose quotient is the largest but for rounding. `by_user` holds the shares v, `numbers` the emphasis,
    `memory` the seats.
    """
    seats = candidates.memory
    if step == PREPARE:
        return
    if step == START:
        seats[:] = 0.0
    else:
        n_features = candidates.starts[picked + 1] - candidates.starts[picked]
        for place in range(candidates.starts[picked], candidates.starts[picked + 1]):
            seats[candidates.features[place]] += 1.0 / n_features
    shares = candidates.by_user
    most = 0.0
    for feature in range(shares.shape[0]):
        most = max(most, shares[feature] / (2.0 * seats[feature] + 1.0))
    turn = 0
    while turn + 1 < shares.shape[0] and shares[turn] / (2.0 * seats[turn] + 1.0) < most * (1.0 - CLOSE):
        turn += 1
    emphasis = candidates.numbers[0]
    for slot in range(left):
        position = candidates.remaining[slot]
        gained = 0.0
        for place in range(candidates.starts[position], candidates.starts[position + 1]):
            feature = candidates.features[place]
            quotient = shares[feature] / (2.0 * seats[feature] + 1.0)
            gained += (emphasis if feature == turn else 1.0 - emphasis) * quotient
        term[position] = gained


@keeps(lambda sizes: 1 + sizes.of_user, numbers=1)
def calibrated(
    step: Int, picked: Int, _row: Int, left: Int, _diversity: float, candidates: Candidates, term: Term
) -> None:
    """Minus the divergence in bits of the genre shares of the list with the item from those of the profile.

    `by_user` holds the shares p of the profile, zeros where it has none, `numbers` how much of p is mixed into those of
    the list. The first of `memory` is the number of picked items with genres, then come the sums of their shares.
    """
    p = candidates.by_user
    mixed = candidates.numbers[0]
    sums = candidates.memory[1:]
    if step == PREPARE:
        return
    if step == START:
        candidates.memory[:] = 0.0
    else:
        n_genres = candidates.starts[picked + 1] - candidates.starts[picked]
        candidates.memory[0] += 1.0 if n_genres else 0.0
        for place in range(candidates.starts[picked], candidates.starts[picked + 1]):
            sums[candidates.features[place]] += 1.0 / n_genres
    counted = candidates.memory[0]
    same = 0.0  # the divergence of the list as it is
    more = 0.0  # and with an item whose genres are not yet added
    for genre in range(p.shape[0]):
        if p[genre] > 0:
            share = sums[genre] / counted if counted else 0.0
            same += p[genre] * math.log2(p[genre] / ((1.0 - mixed) * share + mixed * p[genre]))
            share = sums[genre] / (counted + 1.0)
            more += p[genre] * math.log2(p[genre] / ((1.0 - mixed) * share + mixed * p[genre]))
    for slot in range(left):
        position = candidates.remaining[slot]
        first, last = candidates.starts[position], candidates.starts[position + 1]
        divergence = more if last > first else same
        part = 1.0 / max(1, last - first)
        for place in range(first, last):
            genre = candidates.features[place]
            if p[genre] > 0:
                without = (1.0 - mixed) * sums[genre] / (counted + 1.0) + mixed * p[genre]
                having = (1.0 - mixed) * (sums[genre] + part) / (counted + 1.0) + mixed * p[genre]
                divergence += p[genre] * math.log2(without / having)
        term[position] = 0.0 - math.floor(divergence * _FINE + 0.5) / _FINE  # equal ones are equal


def _memory_of_binomial(sizes: Sizes) -> int:
    return 1 + (3 + sizes.k) * sizes.of_user + (2 * sizes.n if sizes.numbers[3] else 0)


@keeps(_memory_of_binomial, numbers=5)
def binomial(
    step: Int, picked: Int, _row: Int, left: Int, diversity: float, candidates: Candidates, term: Term
) -> None:
    """Binomial diversity of a list of k that has the picked items, the item, and for the rest items without genres.

    `by_user` holds p(g), NaN for genres that are not considered, which count in the root of non-redundancy alone;
    `numbers` whether p is a user's own, the length k, which factors count, whether the objective is that of z-scores
    over what is left, and log(n!) for n = 0..k. `memory`: whether the tables are there, the counts of the genres,
    log P(X = 0) of a list, the table of log P(X >= x | X > 0), x = 0..k, of each genre, and room for z-scores.
    Logarithms of 0 are counted, not added: they would not be taken away again.
    """
    p = candidates.by_user
    n_genres = p.shape[0]
    k, part = int(candidates.numbers[1]), candidates.numbers[2]
    counts = candidates.memory[1 : 1 + n_genres]
    absent = candidates.memory[1 + n_genres : 1 + 2 * n_genres]
    first_tail = 1 + 2 * n_genres
    if step == PREPARE:
        if candidates.memory[0] == 0 or candidates.numbers[0]:
            candidates.memory[0] = 1.0
            for genre in range(n_genres):
                if not math.isnan(p[genre]):
                    absent[genre] = k * log_absent(p[genre])
                    tail = candidates.memory[first_tail + genre * (k + 1) : first_tail + (genre + 1) * (k + 1)]
                    log_tails(p[genre], k, candidates.numbers[4:], tail)
                    tail[0] = 0.0
        return
    if step == START:
        counts[:] = 0.0
    else:
        for place in range(candidates.starts[picked], candidates.starts[picked + 1]):
            counts[candidates.features[place]] += 1.0
    considered = 0
    shown = 0
    covered = 0.0  # log of the product over the genres not shown
    uncovered = 0  # how many of its factors are 0
    spread = 0.0  # log of the product over those shown
    impossible = 0
    for genre in range(n_genres):
        if math.isnan(p[genre]):
            shown += counts[genre] > 0
            continue
        considered += 1
        if counts[genre] == 0:
            covered += absent[genre] if absent[genre] > -np.inf else 0.0
            uncovered += absent[genre] == -np.inf
        else:
            shown += 1
            value = candidates.memory[first_tail + genre * (k + 1) + int(counts[genre])]
            spread += value if value > -np.inf else 0.0
            impossible += value == -np.inf
    for slot in range(left):
        position = candidates.remaining[slot]
        now_shown, now_covered, now_uncovered = shown, covered, uncovered
        now_spread, now_impossible = spread, impossible
        for place in range(candidates.starts[position], candidates.starts[position + 1]):
            genre = candidates.features[place]
            if math.isnan(p[genre]):
                now_shown += counts[genre] == 0
                continue
            at = first_tail + genre * (k + 1) + int(counts[genre])
            before, after = candidates.memory[at], candidates.memory[at + 1]
            if counts[genre] == 0:
                now_shown += 1
                now_covered -= absent[genre] if absent[genre] > -np.inf else 0.0
                now_uncovered -= absent[genre] == -np.inf
            now_spread += (after if after > -np.inf else 0.0) - (before if before > -np.inf else 0.0)
            now_impossible += int(after == -np.inf) - int(before == -np.inf)
        value = 0.0  # the logarithm of what counts
        possible = considered > 0
        if part != NONREDUNDANCY:
            possible = possible and not now_uncovered
            value += now_covered / max(1, considered)
        if part != COVERAGE:
            possible = possible and now_shown > 0 and not now_impossible
            value += now_spread / max(1, now_shown)
        term[position] = math.exp(value) if possible else 0.0
    if candidates.numbers[3]:
        room = candidates.memory[first_tail + n_genres * (k + 1) :]
        renormalise(term, left, diversity, candidates.remaining, candidates.relevance, room)
