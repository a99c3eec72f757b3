"""Coverage, concentration, spread between users: values of a run, from mergeable counts (METRICS, section 6)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Inputs
from beyondacc.data.once import once
from beyondacc.declare.params import Cutoff
from beyondacc.metrics.base.metric import Better, Need
from beyondacc.metrics.base.ranks import RankDiscount, ratio, truth_metric
from beyondacc.metrics.base.registry import metric
from beyondacc.metrics.base.resampling import Showings
from beyondacc.metrics.base.states import Exposure, PerUser

__all__ = [
    "catalog_coverage",
    "effective_catalog",
    "entropy",
    "exposure_gini",
    "genre_coverage",
    "gini",
    "gini_simpson",
    "hhi",
    "inter_user_diversity",
    "personalization",
    "user_coverage",
]

Value = Any  # a number, or an array of one number a replicate
GiniDenominator = Literal["n-1", "n"]
_CONCENTRATION = "where no item of the catalogue is shown"


def count_exposure(inputs: Inputs, values: Mapping[str, Any]) -> Exposure:
    """Count how often each item is among the first k: by rank where ranks weigh, else by list length."""
    by: Literal["length", "rank"] = "rank" if values.get("discount", "none") != "none" else "length"
    return _exposure(inputs, values["k"], by)


@once
def _exposure(inputs: Inputs, k: int, by: Literal["length", "rank"]) -> Exposure:
    return Exposure(k, by, inputs.world.n_known, inputs.batch.ranked.rows(inputs.rows), inputs.batch.strangers)


def showings(exposure: Showings, by_rank: RankDiscount) -> NDArray[Any]:
    """Return the exposure of the items, weighted by rank, shape (..., items)."""
    if exposure.by == "length":
        return exposure.known
    weights = by_rank.ranks(int(exposure.slots.max(initial=-1)) + 1)[exposure.slots]
    return exposure.weighted(weights)[..., : len(exposure.items)]


def _showings(exposure: Showings, by_rank: RankDiscount) -> NDArray[Any]:
    """Return the same of the catalogue."""
    if exposure.by == "length":
        return exposure.catalogue
    return showings(exposure, by_rank)[..., exposure.covered]


@metric(
    title="Catalogue coverage",
    family="coverage",
    better="higher",
    needs=(Need.CATALOGUE,),
    undefined="never; 0 where nothing is shown",
    aliases=("item_coverage",),
    cite="Herlocker, Konstan, Terveen & Riedl 2004, TOIS 22(1); Kaminskas & Bridge 2016, TiiS 7(1)",
    accumulate=count_exposure,
    bounds=lambda values: (0.0, math.inf if values["count"] else 1.0),
    told=lambda values, world: (1.0 if values["count"] else float(world.catalogue.sum()), "items"),
    core=True,
)
def catalog_coverage(exposure: Showings, *, k: Cutoff = 10, count: bool = False) -> Value:  # noqa: ARG001 - k was used
    """Share of the catalogue that is shown to anyone: |{i: n_i > 0}| / |catalogue|.

    Parameters
    ----------
    count
        Give the number of items instead.
    """
    shown = np.count_nonzero(exposure.catalogue, axis=-1)
    return shown if count else shown / exposure.n_catalogue


@metric(
    title="User coverage",
    family="coverage",
    better="higher",
    needs=(Need.TRUTH,),
    undefined="for users without a relevant test item",
    cite="Ge, Delgado-Battenfeld & Jannach 2010, RecSys",
)
def user_coverage(inputs: Inputs, *, k: Cutoff = 10) -> PerUser:  # noqa: ARG001 - any item will do
    """Share of the users of the test set who have a non-empty list."""
    return truth_metric(inputs, (inputs.lengths > 0).astype(np.float64))


@metric(
    title="Genre coverage",
    family="coverage",
    better="higher",
    needs=(Need.FEATURES,),
    undefined="never; 0 where nothing is shown",
    cite="Ge, Delgado-Battenfeld & Jannach 2010, RecSys, coverage of the catalogue, counted over genres",
    accumulate=count_exposure,
)
def genre_coverage(exposure: Showings, *, k: Cutoff = 10) -> Value:  # noqa: ARG001 - k was used by accumulate
    """Share of the genres of the items table that are shown to anyone."""
    features = exposure.world.features
    assert features is not None  # noqa: S101 - Need.FEATURES was checked
    starts, items = features.starts, exposure.items
    sizes = np.diff(starts)[items]
    places = np.repeat(starts[items] - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
    of_item = np.repeat(np.arange(len(items)), sizes)
    present = (exposure.known > 0)[..., of_item]
    genres = features.ids[places]
    shown = np.zeros((*present.shape[:-1], len(features.names)), np.bool_)
    for replicate in np.ndindex(present.shape[:-1]):
        shown[replicate][genres[present[replicate]]] = True
    return np.count_nonzero(shown, axis=-1) / max(1, len(features.names))


def _gini(exposure: Showings, by_rank: RankDiscount, denominator: GiniDenominator, complement: bool) -> Value:
    n = exposure.n_catalogue
    ascending = np.sort(_showings(exposure, by_rank).astype(np.float64), axis=-1)
    ranks = np.arange(n - ascending.shape[-1] + 1, n + 1)
    weighted = np.einsum("...i,i->...", ascending, (2 * ranks - n - 1).astype(np.float64))
    scale = (n - 1 if denominator == "n-1" else n) if n > 1 else 0
    value = np.clip(ratio(weighted, scale * ascending.sum(axis=-1)), 0.0, 1.0)
    return 1.0 - value if complement else value


def _gini_better(values: Mapping[str, Any]) -> Better:
    return "higher" if values["complement"] else "lower"


@metric(
    title="Gini index of exposure",
    family="coverage",
    better=_gini_better,
    needs=(Need.CATALOGUE,),
    aliases=("gini_index",),
    undefined=f"{_CONCENTRATION}, or the catalogue has one item",
    cite="Gini 1912; Adomavicius & Kwon 2012, TKDE 24(5)",
    accumulate=count_exposure,
    core=True,
)
def gini(
    exposure: Showings,
    *,
    k: Cutoff = 10,  # noqa: ARG001 - k was used by accumulate
    denominator: GiniDenominator = "n-1",
    complement: bool = False,
    by_rank: RankDiscount = RankDiscount(),
) -> Value:
    """Concentration of exposure: sum over j = 1..n of (2j - n - 1) x_(j) / ((n - 1) sum x), x ascending.

    0 is even exposure, 1 is all exposure on one item. Items never shown count.

    Parameters
    ----------
    denominator
        ``n-1`` or ``n``.
    complement
        Give 1 - Gini, which some call Gini too; then higher is more even.
    """
    return _gini(exposure, by_rank, denominator, complement)


@metric(
    title="Gini index of rank-discounted exposure",
    family="coverage",
    better=_gini_better,
    needs=(Need.CATALOGUE,),
    undefined=f"{_CONCENTRATION}, or the catalogue has one item",
    cite="Gini 1912; Singh & Joachims 2018, KDD, exposure by rank",
    accumulate=count_exposure,
)
def exposure_gini(
    exposure: Showings,
    *,
    k: Cutoff = 10,  # noqa: ARG001 - k was used by accumulate
    denominator: GiniDenominator = "n-1",
    complement: bool = False,
    by_rank: RankDiscount = RankDiscount(discount="log2"),
) -> Value:
    """Gini index of the exposure of items, x_i = sum over users of the weight of the rank at which they see item i.

    Parameters
    ----------
    denominator
        ``n-1`` or ``n``.
    complement
        Give 1 - Gini, which some call Gini too; then higher is more even.
    """
    return _gini(exposure, by_rank, denominator, complement)


def _entropy(exposure: Showings, by_rank: RankDiscount) -> Value:
    shown = _showings(exposure, by_rank)
    total = shown.sum(axis=-1)
    most = shown.max(initial=0)
    few = shown.dtype.kind == "i" and most < shown.size  # numbers, many times over: a table has their terms
    terms = _terms(np.arange(most + 1)).take(shown) if few else _terms(shown)
    bits = np.log2(total, out=np.full(np.shape(total), np.nan), where=total > 0) - ratio(terms.sum(axis=-1), total)
    return np.maximum(bits, 0.0)


def _terms(shown: NDArray[Any]) -> NDArray[np.float64]:
    """Return x log2 x, 0 for 0."""
    return np.asarray(shown * np.log2(shown, out=np.zeros(shown.shape), where=shown > 0))


@metric(
    title="Entropy of exposure",
    family="coverage",
    better="higher",
    needs=(Need.CATALOGUE,),
    undefined=f"{_CONCENTRATION}; normalized: where the catalogue has one item",
    cite="Shannon 1948; Adomavicius & Kwon 2012, TKDE 24(5)",
    accumulate=count_exposure,
    bounds=lambda values: (0.0, 1.0 if values["normalized"] else math.inf),
    core=True,
)
def entropy(
    exposure: Showings,
    *,
    k: Cutoff = 10,  # noqa: ARG001 - k was used by accumulate
    normalized: bool = False,
    by_rank: RankDiscount = RankDiscount(),
) -> Value:
    """Shannon entropy of exposure in bits: -sum over items of p log2 p, p = n_i / sum n.

    Parameters
    ----------
    normalized
        Divide by log2 |catalogue|.
    """
    bits = _entropy(exposure, by_rank)
    return np.minimum(ratio(bits, math.log2(exposure.n_catalogue)), 1.0) if normalized else bits


@metric(
    title="Effective catalogue size",
    family="coverage",
    better="higher",
    needs=(Need.CATALOGUE,),
    undefined=_CONCENTRATION,
    cite="Hill 1973, Ecology 54(2), diversity number of order 1",
    accumulate=count_exposure,
    bounds=(1.0, math.inf),
)
def effective_catalog(exposure: Showings, *, k: Cutoff = 10, by_rank: RankDiscount = RankDiscount()) -> Value:  # noqa: ARG001 - k was used
    """2^entropy: how many items, shown equally often, would have the entropy of the exposure."""
    return np.exp2(_entropy(exposure, by_rank))


def _concentration(exposure: Showings, by_rank: RankDiscount) -> Value:
    shown = _showings(exposure, by_rank).astype(np.float64)
    total = shown.sum(axis=-1)
    return np.clip(ratio(np.square(shown).sum(axis=-1), np.square(total)), 0.0, 1.0)


@metric(
    title="Herfindahl-Hirschman index of exposure",
    family="coverage",
    better="lower",
    needs=(Need.CATALOGUE,),
    undefined=_CONCENTRATION,
    cite="Herfindahl 1950; Adomavicius & Kwon 2012, TKDE 24(5)",
    accumulate=count_exposure,
)
def hhi(exposure: Showings, *, k: Cutoff = 10, by_rank: RankDiscount = RankDiscount()) -> Value:  # noqa: ARG001 - k was used
    """Chance that two showings are of one item: sum over items of p^2, p = n_i / sum n."""
    return _concentration(exposure, by_rank)


@metric(
    title="Gini-Simpson index of exposure",
    family="coverage",
    better="higher",
    needs=(Need.CATALOGUE,),
    undefined=_CONCENTRATION,
    cite="Simpson 1949, Nature 163",
    accumulate=count_exposure,
)
def gini_simpson(exposure: Showings, *, k: Cutoff = 10, by_rank: RankDiscount = RankDiscount()) -> Value:  # noqa: ARG001 - k was used
    """Chance that two showings are of different items: 1 - sum over items of p^2, p = n_i / sum n."""
    return 1.0 - _concentration(exposure, by_rank)


@metric(
    title="Personalization",
    family="coverage",
    better="higher",
    undefined="where fewer than two users have a list",
    cite="Zhou et al. 2010, PNAS 107(10), inter-user diversity; Hurley & Zhang 2011, TOIT 10(4)",
    accumulate=count_exposure,
    core=True,
)
def personalization(exposure: Showings, *, k: Cutoff = 10) -> Value:  # noqa: ARG001 - k was used by accumulate
    """1 - mean over pairs of users of |R_u and R_v| / sqrt(N_u N_v): how different the lists of two users are.

    Computed from counts as 1 - (sum s_i^2 - m) / (m (m - 1)), s_i = sum over lists with i of 1 / sqrt(N_u).
    """
    sums = exposure.weighted(1.0 / np.sqrt(exposure.slots))
    overlap = np.square(sums).sum(axis=-1) - exposure.squares  # a list with itself, and with its own copies, is no pair
    pairs = np.square(exposure.lists) - exposure.squares
    return np.clip(1.0 - ratio(overlap, pairs), 0.0, 1.0)


@metric(
    title="Inter-user diversity",
    family="coverage",
    better="higher",
    undefined="where no user has a list",
    cite="Bellogín, Cantador & Castells 2010, HetRec",
    accumulate=count_exposure,
)
def inter_user_diversity(exposure: Showings, *, k: Cutoff = 10) -> Value:
    """Sum over items of n_i / (k m) (1 - n_i / m): the chance that another list lacks an item that one list shows.

    m is the number of non-empty lists.
    """
    shown = exposure.total
    lists = np.asarray(exposure.lists)
    others = (shown * (lists[..., None] - shown)).sum(axis=-1)
    return ratio(others, k * np.square(lists))
