"""Genres as aspects of what a user wants: how many a list has, how often, in which proportion (METRICS, section 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Inputs, test_by_id
from beyondacc.data.once import once
from beyondacc.data.world import World
from beyondacc.declare.params import Cutoff, Fraction
from beyondacc.kernels import aspects as kernel
from beyondacc.kernels.calibration import entropy_rows
from beyondacc.metrics.base.metric import Need
from beyondacc.metrics.base.ranks import discounts, itemwise_truth, list_metric
from beyondacc.metrics.base.registry import metric
from beyondacc.metrics.base.states import PerUser
from beyondacc.metrics.tastes import features_of, list_shares, taste
from beyondacc.types import ItemIds

__all__ = ["alpha_ndcg", "err_ia", "genre_entropy", "proportionality", "subtopic_recall"]

Seen = Literal["none", "binary"]


def _counted(inputs: Inputs, relevance: Seen) -> NDArray[np.float64]:
    """Return the gains by which a kernel tells which items count, empty where all do."""
    return inputs.gains if relevance == "binary" else np.empty((0, 0))


def _of_relevant(values: Mapping[str, Any]) -> bool:
    return bool(values["relevant_only"]) or values["denominator"] == "relevant"


@metric(
    title="Subtopic recall",
    family="diversity",
    better="higher",
    needs=lambda values: (Need.FEATURES, *((Need.TRUTH,) if _of_relevant(values) else ())),
    undefined="for users without a list (relevant_only, or denominator=relevant: without a relevant test item)",
    cite="Zhai, Cohen & Lafferty 2003, SIGIR",
    bounds=lambda values: (0.0, 1.0 if values["denominator"] in {"features", "relevant"} else math.inf),
)
def subtopic_recall(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    relevant_only: bool = False,
    denominator: Literal["features", "k", "list", "relevant"] = "features",
) -> PerUser:
    """Share of all genres that the list has: number of distinct genres of its items / number of genres.

    Parameters
    ----------
    relevant_only
        Count the genres of relevant items only.
    denominator
        ``features``: all genres of the items table; ``k``; ``list``: the length of the list; ``relevant``: the distinct
        genres of the user's relevant test items, of which then only those in the list are counted; 0 where there are
        none.
    """
    features, test = features_of(inputs), inputs.batch.test
    values, possible = np.empty(len(inputs)), np.zeros(len(inputs), np.int64)
    kernel.distinct_rows(
        features.starts,
        features.ids,
        len(features.names),
        inputs.lists,
        inputs.lengths,
        k,
        _counted(inputs, "binary" if relevant_only else "none"),
        inputs.users,
        test.starts,
        test.items,
        denominator == "relevant",
        possible,
        values,
    )
    if denominator == "features":
        values /= len(features.names) or math.nan
    elif denominator == "relevant":
        values /= np.maximum(possible, 1)
    else:
        values /= k if denominator == "k" else np.clip(inputs.lengths, 1, k)
    of_truth = relevant_only or denominator == "relevant"
    return itemwise_truth(inputs, values, "binary" if of_truth else "none")


@metric(
    title="Genre entropy",
    family="diversity",
    better="higher",
    needs=(Need.FEATURES,),
    undefined="for users whose list has no genres; normalized: where the items table has one genre",
    cite="Shannon 1948, BSTJ 27",
    bounds=lambda values: (0.0, 1.0 if values["normalized"] else math.inf),
)
def genre_entropy(inputs: Inputs, *, k: Cutoff = 10, normalized: bool = False) -> PerUser:
    """Shannon entropy in bits of the genre shares of the list: -sum over genres of q log2 q.

    Each item spreads a weight of 1 evenly over its genres.

    Parameters
    ----------
    normalized
        Divide by log2 of the number of genres of the items table.
    """
    n, values, listed = len(features_of(inputs).names), np.empty(len(inputs)), list_shares(inputs, np.ones(k))
    entropy_rows(listed.starts, listed.shares, values)
    if normalized:
        values = np.minimum(values / math.log2(n), 1.0) if n > 1 else np.full(len(values), math.nan)
    return list_metric(inputs, values)


def _alpha_needs(values: Mapping[str, Any]) -> tuple[Need, ...]:
    return (
        Need.FEATURES,
        *((Need.TRUTH,) if values["relevance"] == "binary" else ()),
        *((Need.TRAIN,) if values["aspects"] == "profile" else ()),
    )


@once
def _of_falling_ids(world: World) -> ItemIds:
    return np.argsort(world.items.falling).astype(np.int32)


@metric(
    title="alpha-nDCG",
    family="diversity",
    better="higher",
    needs=_alpha_needs,
    undefined="for users without a relevant test item (relevance=none: without a list)",
    cite="Clarke et al. 2008, SIGIR",
    # a greedy list has at least 1 - 1/e of the best gain at every cut (Nemhauser, Wolsey & Fisher 1978)
    bounds=lambda values: (0.0, math.e / (math.e - 1.0) if values["ideal"] == "greedy" else 1.0),
)
def alpha_ndcg(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    alpha: Fraction = 0.5,
    relevance: Seen = "binary",
    aspects: Literal["all", "profile"] = "all",
    ideal: Literal["greedy", "sorted"] = "greedy",
) -> PerUser:
    """Sum over ranks of rel_r / log2(r + 2) sum over genres f of the item of (1 - alpha)^n_f, over that of an ideal.

    n_f is the number of relevant items before rank r that have genre f. 0 where the ideal is 0. The greedy ideal is not
    always the best list, so that a list can exceed 1.

    Parameters
    ----------
    alpha
        How much a genre loses by each item that has it.
    relevance
        ``binary``: relevant items count; ``none``: all items do.
    aspects
        Count ``all`` genres, or only those of the user's ``profile``.
    ideal
        ``greedy``: of the relevant test items (of the list where all items count), take at each of k ranks the one with
        the largest gain, of equal ones the one whose item id, compared as a text, is the last, as ndeval does;
        ``sorted``: the gains of the list itself in falling order.
    """
    features, test, train = features_of(inputs), inputs.batch.test, inputs.batch.train
    places, values = inputs.batch.items.falling, np.empty(len(inputs))
    kernel.alpha_ndcg_rows(
        features.starts,
        features.ids,
        len(features.names),
        1.0 - alpha,
        inputs.lists,
        inputs.lengths,
        k,
        _counted(inputs, relevance),
        discounts("log2", k),
        inputs.users,
        test.starts,
        test_by_id(inputs.batch.data),
        train.starts,
        train.items,
        places,
        _of_falling_ids(inputs.world),
        aspects == "profile",
        ideal == "greedy",
        values,
    )
    return itemwise_truth(inputs, values if ideal == "greedy" else np.minimum(values, 1.0), relevance)


def _err_needs(values: Mapping[str, Any]) -> tuple[Need, ...]:
    return (Need.FEATURES, Need.TRUTH, *((Need.TRAIN,) if values["intents"] == "profile" else ()))


@metric(
    title="Intent-aware reciprocal rank (ERR-IA)",
    family="diversity",
    better="higher",
    needs=_err_needs,
    undefined="for users without a relevant test item; intents=profile: with a list, but no genres in the profile",
    cite="Chapelle, Metzler, Zhang & Grinspan 2009, CIKM; Chapelle et al. 2011, Information Retrieval 14(6)",
)
def err_ia(inputs: Inputs, *, k: Cutoff = 10, intents: Literal["profile", "relevant"] = "profile") -> PerUser:
    """Sum over genres f of p(f|u) sum over ranks of R_rf / (r + 1) times the product of 1 - R_qf over earlier ranks q.

    R_rf = (2^g - 1) / 2^gmax where the item has genre f, else 0; g is its gain, 0 where it is not relevant, and gmax
    the largest gain of the test set. No list reaches 1: with gains of 1, one whose items all have all intents has
    sum over r < k of 2^-(r + 1) / (r + 1). ndeval divides by that, so that it prints 1.442866 times as much at k = 10.

    Parameters
    ----------
    intents
        p(f|u) is the share of f among the genres of the items of the user's ``profile``, counted with repetition; or it
        is the same for each genre of the user's ``relevant`` test items, and the value 0 where they have none.
    """
    run, features = inputs.batch, features_of(inputs)
    wanted = taste(inputs, "train" if intents == "profile" else "test")
    values = np.empty(len(inputs))
    kernel.err_ia_rows(
        features.starts,
        features.ids,
        len(features.names),
        inputs.lists,
        inputs.lengths,
        k,
        inputs.gains,
        run.data.greatest_gain,
        wanted.starts,
        wanted.ids,
        wanted.counts,
        intents == "relevant",
        values,
    )
    return itemwise_truth(inputs, values, "binary")


@metric(
    title="Proportionality (CPR)",
    family="diversity",
    better="higher",
    needs=lambda values: (
        Need.FEATURES,
        Need.TRAIN,
        *((Need.TRUTH,) if values["relevance"] == "binary" else ()),
    ),
    undefined="for users without a list (relevance=binary: a relevant test item), or without genres in the profile",
    cite="Dang & Croft 2012, SIGIR",
)
def proportionality(inputs: Inputs, *, k: Cutoff = 10, relevance: Seen = "none") -> PerUser:
    """Mean over the cuts t = 1..N of the list of 1 - DP_t / IDP_t: how well its genres keep the profile's proportions.

    DP_t = sum over genres with p_g t >= c_g of (p_g t - c_g)^2 + n_t^2 / 2; IDP_t = sum over genres of (p_g t)^2.
    p_g is the share of genre g in the profile, where each item spreads 1 evenly over its genres; c_g counts the items
    with g among the first t, and n_t those of them that are not relevant.

    Parameters
    ----------
    relevance
        ``none``: all items count, and n_t is 0; ``binary``: only relevant items count, and t^2 / 2 is added to IDP_t.
    """
    features, own = features_of(inputs), taste(inputs)
    values = np.empty(len(inputs))
    kernel.proportionality_rows(
        features.starts,
        features.ids,
        len(features.names),
        inputs.lists,
        inputs.lengths,
        k,
        _counted(inputs, relevance),
        own.starts,
        own.ids,
        own.shares,
        values,
    )
    return itemwise_truth(inputs, values, relevance)
