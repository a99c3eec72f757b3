"""The definition of every re-ranker, and comparisons with it.

`METHODS` connects every re-ranker with its definition: `define` says what to pick, `gains` what each remaining
candidate is worth, which tells whether other picks are as good but for rounding.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from oracle import rerank, rerank_aspects as aspects, rerank_orders as orders, rerank_sets as sets
from rerank_worlds import (
    FEATURED,
    KINDS,
    SLOW,
    WITH_KERNEL,
    Given,
    fading,
    greedy_with,
    mean,
    nearest,
    rows_of,
    scaled,
    total,
    uniform,
)

import beyondacc as ba
from beyondacc.errors import NoEffectWarning


@dataclasses.dataclass(frozen=True)
class Method:
    """A re-ranker and its definition.

    `terms`: what z-scores are made of with `renormalize`.
    `kinds`: the worlds it is tried on; `variants`: its parameters, for a world with a distance or without.
    """

    make: Callable[..., Any]
    define: Callable[..., Any]
    gains: Callable[..., Any] | None = None
    variants: tuple[dict[str, Any], ...] = ({},)
    kinds: tuple[str, ...] = tuple(KINDS)
    with_distance: bool = True
    terms: Callable[..., Any] | None = None

    def reranker(self, here, diversity, normalize, options):
        """The re-ranker for a world."""
        distance = {"distance": here.distance} if self.with_distance else {}
        return self.make(diversity=diversity, normalize=normalize, **distance, **options)


def _spectrum(window=(None, 1, 2, 3, 40), gamma=(1.0, 0.25, 2.0)):
    every = list(itertools.product(window, gamma, (True, False), (True, False)))
    return tuple(dict(zip(("window", "gamma", "unit", "bias"), each, strict=True)) for each in every)


def _surprise_term(given, profile):
    return rerank.zscore([rerank.surprise_term(each, profile) for each in given.to_profile()], 1e-12)


def _novelty_term(given):
    n_users = len(given.world.case.train)
    return [-math.log2(max(given.world.counts[item], 1) / n_users) for item in given.items]


def _popularity_term(given):
    return [given.world.counts[item] for item in given.items]


def _swap(given):
    picks, _ = orders.swap(scaled(given.scores, "minmax"), given.matrix, given.diversity, given.k)
    return picks, [given.relevance[i] for i in picks]


def _calibrated(given, profile_weight="none"):
    return given.features, aspects.profile_shares(given.world.case, given.user, profile_weight)


def _greedy_diversity_gains(given, renormalize=False):
    terms = functools.partial(rerank.greedy_diversity_terms, given.matrix, renormalize=renormalize is True)
    return given.by(terms, renormalize=renormalize == "both")


def _greedy(gain, **given):
    return ba.Greedy(gain=greedy_with(gain), **given)


def _random(given, seed):
    return given.by_sort([uniform(seed, given.user, item) for item in given.items])


METHODS = {
    "MMR": Method(
        ba.MMR,
        lambda g, **o: rerank.mmr(g.scores, g.matrix, *g.common, **o),
        lambda g, renormalize=False: g.by(functools.partial(rerank.mmr_terms, g.matrix), renormalize=renormalize),
        ({}, {"renormalize": True}),
        terms=lambda g: functools.partial(rerank.mmr_terms, g.matrix),
    ),
    "GreedyDiversity": Method(
        ba.GreedyDiversity,
        lambda g, **o: rerank.greedy_diversity(g.scores, g.matrix, *g.common, **o),
        _greedy_diversity_gains,
        ({}, {"renormalize": True}, {"renormalize": "both"}),
        terms=lambda g: functools.partial(rerank.greedy_diversity_terms, g.matrix),
    ),
    "MSD": Method(
        ba.MSD,
        lambda g: sets.msd(g.scores, g.matrix, *g.common),
        lambda g: g.by(sets.msd_terms(g.matrix)),
    ),
    "Cover": Method(
        ba.Cover,
        lambda g, **o: sets.cover(g.scores, g.matrix, *g.common, **o),
        lambda g, **o: g.by(sets.cover_terms(g.matrix, **o)),
        tuple({"gamma": gamma} for gamma in (None, 0.5, 1.0, 0.3)),
    ),
    "DPP": Method(
        ba.DPP,
        lambda g, **o: sets.dpp(g.scores, g.matrix, *g.common, **o),
        lambda g, **o: sets.dpp_gains(g.scores, g.matrix, g.diversity, g.how, **o),
        tuple({"scale": scale} for scale in (1.0, 0.5, 3.0)),
        WITH_KERNEL,
    ),
    "TopicDiversification": Method(
        ba.TopicDiversification,
        lambda g: orders.topic_diversification(g.scores, g.matrix, *g.common),
        lambda g: orders.topic_diversification_gains(g.matrix, g.diversity),
    ),
    "SSD": Method(
        ba.SSD,
        lambda g, **o: sets.ssd(g.scores, g.rows, *g.common, **o),
        lambda g, **o: sets.ssd_gains(g.relevance, g.rows, g.diversity, **o),
        _spectrum(),
        ("jaccard", "cosine of vectors", "cosine of float32 vectors"),
        with_distance=False,
    ),
    "XQuAD": Method(
        ba.XQuAD,
        lambda g, **o: aspects.xquad(g.scores, g.features, g.shares, *g.common, **o),
        lambda g, **o: g.by(aspects.xquad_terms(g.features, g.shares, **o)),
        tuple({"alpha": alpha} for alpha in (1.0, 0.0, 0.3, 0.5)),
        FEATURED,
        with_distance=False,
    ),
    "PM2": Method(
        ba.PM2,
        lambda g, **o: aspects.pm2(g.scores, g.features, g.shares, *g.common, **o),
        lambda g, **o: g.by(aspects.pm2_terms(g.features, g.shares, **o)),
        tuple({"emphasis": emphasis} for emphasis in (0.5, 0.0, 0.9, 1.0)),
        FEATURED,
        with_distance=False,
    ),
    "Calibrated": Method(
        ba.Calibrated,
        lambda g, smoothing, profile_weight: aspects.calibrated(
            g.scores, *_calibrated(g, profile_weight), *g.common, smoothing=smoothing
        ),
        lambda g, smoothing, profile_weight: g.by(
            aspects.calibrated_terms(*_calibrated(g, profile_weight), smoothing=smoothing)
        ),
        tuple(
            {"smoothing": smoothing, "profile_weight": weight}
            for smoothing in (0.01, 0.5, 1.0)
            for weight in ("none", "rating")
        ),
        FEATURED,
        with_distance=False,
    ),
    "BinomialDiversity": Method(
        ba.BinomialDiversity,
        lambda g, alpha, **o: aspects.binomial_diversity(g.scores, g.features, g.probabilities(alpha), *g.common, **o),
        lambda g, alpha, part, renormalize: g.by(
            aspects.binomial_terms(g.features, g.probabilities(alpha), g.k, part), renormalize=renormalize
        ),
        tuple(
            {"alpha": alpha, "part": part, "renormalize": renormalize}
            for alpha in (0.0, 0.3, 1.0)
            for part in ("both", "coverage", "nonredundancy")
            for renormalize in (False, True)
        ),
        FEATURED,
        terms=lambda g, alpha, part: aspects.binomial_terms(g.features, g.probabilities(alpha), g.k, part),
        with_distance=False,
    ),
    "Swap": Method(ba.Swap, _swap),
    "Novelty": Method(
        ba.Novelty,
        lambda g: rerank.novelty(g.scores, _novelty_term(g), *g.common),
        lambda g: g.by_sort(rerank.zscore(_novelty_term(g))),
        kinds=FEATURED,
        with_distance=False,
    ),
    "Popularity": Method(
        ba.Popularity,
        lambda g: rerank.popularity(g.scores, _popularity_term(g), *g.common),
        lambda g: g.by_sort(rerank.zscore([-count for count in _popularity_term(g)])),
        kinds=FEATURED,
        with_distance=False,
    ),
    "Surprise": Method(
        ba.Surprise,
        lambda g, profile: rerank.surprise(g.scores, g.to_profile(), *g.common, profile),
        lambda g, profile: g.by_sort(_surprise_term(g, profile)),
        ({"profile": "min"}, {"profile": "mean"}),
    ),
    "Random": Method(
        ba.Random,
        lambda g, seed: rerank.take(len(g.items), g.k, _random(g, seed)) if g.diversity else g.as_given,
        _random,
        tuple({"seed": seed} for seed in (0, 1, 2**40)),
        kinds=FEATURED,
        with_distance=False,
    ),
    "Greedy": Method(
        _greedy,
        lambda g, gain: sets.own(g.scores, g.matrix, g.diversity, g.k, gain, g.how),
        lambda g, gain: g.by(sets.own_terms(g.matrix, gain)),
        tuple({"gain": gain} for gain in (nearest, total, mean, fading)),
    ),
}


# comparisons


def check(name, options, given, picks, values):
    """Compare a list with the definition, selection for selection and score for score; return whether it is the same.

    Where rounding breaks a tie another list is right from there on: then no pick may fall behind the best choice.
    """
    method = METHODS[name]
    expected, wanted = method.define(given, **options)
    n = len(given.items)
    here = f"{name} {options} {given.normalize} {given.diversity} k={given.k} {given.user} {given.items} {given.scores}"
    sizes = [1.0, *map(abs, wanted)]
    gains = method.gains(given, **options) if method.gains and given.diversity else None
    if gains:
        sizes += map(abs, gains(list(range(n)), []))
    size = max(filter(math.isfinite, sizes))
    if options.get("renormalize") and gains:
        noise = _noise(method.terms(given, **{key: x for key, x in options.items() if key != "renormalize"}), picks, n)
        if noise is None:
            return False
        size += noise
    if picks != expected:
        assert len(picks) == len(set(picks)) == len(expected), here
        if gains:
            assert rerank.shortfall(picks, n, gains) <= 1e-9 * size, here
            wanted = rerank.along(picks, n, gains)
        else:
            assert name == "Swap", here
            assert picks in near_swaps(given), here
            wanted = [given.relevance[i] for i in picks]
    np.testing.assert_allclose(values, wanted, rtol=1e-9, atol=1e-9 * size, err_msg=here)
    return picks == expected


def _noise(terms, picks, n):
    """What rounding makes of z-scores of terms that are close to each other; None where it decides if they are equal.

    In units of what is tolerated.
    """
    worst, remaining = 0.0, list(range(n))
    for step, pick in enumerate(picks):
        found = terms(remaining, picks[:step])
        spread = max(found) - min(found)
        if 0.5e-12 < spread < 2e-12:
            return None
        worst = max(worst, 4e-6 * max(map(abs, found)) / spread if spread > 1e-12 else 0.0)
        remaining.remove(pick)
    return worst


def near_swaps(given):
    """What is right for a bound that is more or less by rounding."""
    return [_swap(given.at(diversity=given.diversity + off))[0] for off in (-1e-12, 1e-12)]


def changed(given, picks):
    """Whether picks are neither in the input order nor in that of the scores."""
    scores = given.world.lists[given.user][1]
    by_score = sorted(range(len(scores)), key=lambda at: -scores[at])
    return picks not in (list(range(len(picks))), by_score[: len(picks)])


def run_and_check(name, options, here, normalize, diversity, k):
    """Re-rank all lists of a world and compare them; return how many were compared and how many are the same.

    A warning is due exactly where neither this weight nor the full weight changes any list.
    """
    method = METHODS[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = method.reranker(here, diversity, normalize, options).rerank(here.frame, here.data, k=k)
    assert made.lists.shape[1] <= k
    found = rows_of(made)
    assert set(found) == set(here.lists)
    lists = {user: Given(here, user, normalize, diversity, k) for user in found}
    compared = [user for user, given in lists.items() if name != "DPP" or not overflows(given, **options)]
    exact = sum(check(name, options, lists[user], *found[user]) for user in compared)
    due = diversity > 0 and not any(changed(given, found[user][0]) for user, given in lists.items())
    if due:
        longest = k if name == "Swap" else max(len(given.items) for given in lists.values())
        full = (given.at(diversity=1.0, k=longest) for given in lists.values())
        due = not any(changed(given, method.define(given, **options)[0]) for given in full)
    told = [each.category for each in caught if not (SLOW and each.category is RuntimeWarning)]
    if not (due and not told and name == "Swap"):  # of few lists that are long enough none may change by chance
        assert told == due * [NoEffectWarning], (name, options, diversity, k)
    return len(compared), exact


def overflows(given, scale):
    """Whether weights of a determinantal point process cannot be told apart: without normalisation only."""
    return max(map(abs, given.relevance)) * 2 * scale * (1 - given.diversity) > 700
