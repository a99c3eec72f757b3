"""Genre shares of a list against those of the profile, of the catalogue, of other lists (METRICS, section 7)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch, Inputs
from beyondacc.data.dataset import Dataset
from beyondacc.data.once import once
from beyondacc.data.world import World
from beyondacc.declare.params import Cutoff, Range, Seed
from beyondacc.kernels import calibration as kernel
from beyondacc.kernels.divergence import FEW, rounded
from beyondacc.kernels.hashing import mix
from beyondacc.metrics.base.metric import Need
from beyondacc.metrics.base.ranks import RankDiscount, discounts
from beyondacc.metrics.base.registry import metric
from beyondacc.metrics.base.states import PerUser
from beyondacc.metrics.tastes import features_of, list_shares, shares_of, taste
from beyondacc.types import Floats, ItemIds, Offsets

__all__ = [
    "calibration_hellinger",
    "calibration_js",
    "calibration_kl",
    "radio_calibration",
    "radio_fragmentation",
    "radio_representation",
]

Divergence = Literal["js", "kl"]
ProfileWeight = Literal["none", "rating"]
GenreWeight = Literal["split", "full"]
_NEEDS = (Need.FEATURES, Need.TRAIN)
_NO_SHARES = "for users without a list, or whose list or profile has no genres"
_STECK = "Steck 2018, RecSys"
_RADIO = "Vrijenhoek, Bénédict, Gutierrez Granada, Odijk & de Rijke 2022, RecSys"
_RADIO_SMOOTHING: Final = (0.001, 0.001)


def _profile(
    inputs: Inputs,
    *,
    kind: int,
    smooth: tuple[float, float],
    by_rank: NDArray[np.float64],
    weights: Literal["none", "rating", "recency"] = "none",
    spread: bool = True,
) -> PerUser:
    """Compare each list with the profile; `smooth` is how much of the other is mixed into the profile and the list."""
    room = kernel.make_room(len(features_of(inputs).names))
    listed, own = list_shares(inputs, by_rank, spread=spread), taste(inputs, weights=weights, spread=spread)
    values = np.empty(len(inputs))
    kernel.profile_rows(
        kind, *smooth, room, listed.starts, listed.ids, listed.shares, own.starts, own.ids, own.shares, values
    )
    return PerUser(values)


@dataclasses.dataclass(frozen=True)
class Shares(RankDiscount):
    """How genre shares are taken.

    Parameters
    ----------
    profile_weight
        What an item of the profile spreads over its genres: 1 (``none``), or its training value (``rating``).
    """

    profile_weight: ProfileWeight = "none"

    def compare(self, inputs: Inputs, k: int, kind: int, smooth: tuple[float, float] = (0.0, 0.0)) -> PerUser:
        """Compare each list with the profile."""
        return _profile(inputs, kind=kind, smooth=smooth, by_rank=self.ranks(k), weights=self.profile_weight)


_SHARES: Final = Shares()


def _lacks(values: Mapping[str, Any], data: Dataset) -> str | None:
    if values["profile_weight"] == "rating" and data.train is not None and (data.train.values < 0).any():
        return "training values >= 0 for profile_weight=rating; pass profile_weight=none"
    return None


@metric(
    title="Calibration (KL)",
    family="calibration",
    better="lower",
    needs=_NEEDS,
    undefined=_NO_SHARES,
    cite=_STECK,
    bounds=(0.0, math.inf),
    lacks=_lacks,
)
def calibration_kl(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    smoothing: Annotated[float, Range(0, 1, open_low=True, open_high=True)] = 0.01,
    smooth: Literal["list", "both"] = "list",
    shares: Shares = _SHARES,
) -> PerUser:
    """Sum over genres of p log2(p / q'), q' = (1 - a) q + a p: how far the genres of the list are from the profile's.

    p are the genre shares of the profile, q those of the list; an item spreads its weight evenly over its genres.

    Parameters
    ----------
    smoothing
        The part a that is mixed in, so that a genre that the list lacks costs a finite amount.
    smooth
        Mix into the shares of the ``list``, or into ``both``: also p' = (1 - a) p + a q.
    """
    return shares.compare(inputs, k, kernel.KL, (smoothing if smooth == "both" else 0.0, smoothing))


@metric(
    title="Calibration (Jensen-Shannon)",
    family="calibration",
    better="lower",
    needs=_NEEDS,
    undefined=_NO_SHARES,
    cite=f"Lin 1991, IEEE Transactions on Information Theory 37(1); {_STECK}",
    lacks=_lacks,
)
def calibration_js(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    root: bool = False,
    smoothing: Annotated[float, Range(0, 1, open_high=True)] = 0.0,
    shares: Shares = _SHARES,
) -> PerUser:
    """Half the sum over genres of p log2(p / m) + q log2(q / m), m = (p + q) / 2.

    p are the genre shares of the profile, q those of the list; an item spreads its weight evenly over its genres.

    Parameters
    ----------
    root
        Give the square root, which is a distance.
    smoothing
        The part of the other's shares that is mixed into either.
    """
    return shares.compare(inputs, k, kernel.ROOT_JS if root else kernel.JS, (smoothing, smoothing))


@metric(
    title="Calibration (Hellinger)",
    family="calibration",
    better="lower",
    needs=_NEEDS,
    undefined=_NO_SHARES,
    cite=f"Hellinger 1909, Journal für die reine und angewandte Mathematik 136; {_STECK}",
    lacks=_lacks,
)
def calibration_hellinger(inputs: Inputs, *, k: Cutoff = 10, shares: Shares = _SHARES) -> PerUser:
    """sqrt(1 - sum over genres of sqrt(p q)): Hellinger distance of the genres of the list from the profile's.

    p are the genre shares of the profile, q those of the list; an item spreads its weight evenly over its genres.
    """
    return shares.compare(inputs, k, kernel.HELLINGER)


def _kind(divergence: Divergence) -> int:
    return kernel.KL if divergence == "kl" else kernel.ROOT_JS


def _radio_bounds(values: Mapping[str, Any]) -> tuple[float, float]:
    return 0.0, math.inf if values["divergence"] == "kl" else 1.0


@metric(
    title="RADio calibration",
    family="calibration",
    better="target",
    needs=_NEEDS,
    undefined=_NO_SHARES,
    cite=_RADIO,
    bounds=_radio_bounds,
)
def radio_calibration(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    divergence: Divergence = "js",
    genre_weight: GenreWeight = "split",
    history: Literal["none", "reciprocal"] = "none",
) -> PerUser:
    """Divergence of the genre shares of the list, weighted by 1 / (r + 1), from those of the profile.

    A thousandth of the other is mixed into either.

    Parameters
    ----------
    divergence
        ``js``: square root of the Jensen-Shannon divergence in bits; ``kl``: sum over genres of p log2(p / q), q of the
        list.
    genre_weight
        What an item gives to each of its genres: an even part of its weight (``split``), or all of it (``full``).
    history
        What an item of the profile weighs: 1 (``none``), or 1 / (n + 1) where n items of the profile are later by their
        timestamps, or else by the order of the training rows (``reciprocal``).
    """
    by_rank, spread = discounts("reciprocal", k), genre_weight == "split"
    return _profile(
        inputs,
        kind=_kind(divergence),
        smooth=_RADIO_SMOOTHING,
        by_rank=by_rank,
        weights="recency" if history == "reciprocal" else "none",
        spread=spread,
    )


@metric(
    title="RADio representation",
    family="calibration",
    better="target",
    needs=(Need.FEATURES,),
    undefined="for users whose list has no genres",
    cite=_RADIO,
    bounds=_radio_bounds,
)
def radio_representation(
    inputs: Inputs, *, k: Cutoff = 10, divergence: Divergence = "js", genre_weight: GenreWeight = "split"
) -> PerUser:
    """Divergence of the genre shares of the list, weighted by 1 / (r + 1), from those of the catalogue.

    A thousandth of the other is mixed into either.

    Parameters
    ----------
    divergence
        ``js``: square root of the Jensen-Shannon divergence in bits; ``kl``: sum over genres of p log2(p / q), q of the
        list.
    genre_weight
        What an item gives to each of its genres: an even part of its weight (``split``), or all of it (``full``).
    """
    room, spread = kernel.make_room(len(features_of(inputs).names)), genre_weight == "split"
    everybody = _catalogue_shares(inputs.world, spread)
    listed, values = list_shares(inputs, discounts("reciprocal", k), spread=spread), np.empty(len(inputs))
    kernel.catalogue_rows(
        _kind(divergence), *_RADIO_SMOOTHING, room, everybody, listed.starts, listed.ids, listed.shares, values
    )
    return PerUser(values)


@once
def _catalogue_shares(world: World, spread: bool) -> NDArray[np.float64]:
    """Genre shares of the catalogue, where each item spreads 1 evenly over its genres, or gives 1 to each of them."""
    features = world.features
    assert features is not None  # noqa: S101 - Need.FEATURES was checked
    shares, used = np.zeros(len(features.names)), np.empty(len(features.names) + 1, np.int32)
    items = np.flatnonzero(world.catalogue).astype(np.int32)
    n = kernel.add_shares(features.starts, features.ids, items, np.ones(len(items)), spread, shares, used)
    kernel.normalise_shares(shares, used, n)
    return shares


def draw_order(run: Batch, seed: int) -> Offsets:
    """Return the rows of a run in the cyclic order in which each is compared with those that follow it.

    The order depends on the seed and on the external ids alone.
    """
    words = mix(mix(np.array([seed % 2**64], np.uint64)) + run.user_hashes)
    order: Offsets = np.argsort(words, kind="stable").astype(np.int64)
    return order


@metric(
    title="RADio fragmentation",
    family="calibration",
    better="target",
    needs=(Need.FEATURES, Need.LISTS_OF_ALL),
    undefined="for users whose list has no genres, or where no other list has any",
    cite=_RADIO,
    bounds=_radio_bounds,
)
def radio_fragmentation(
    inputs: Inputs,
    *,
    k: Cutoff = 10,
    divergence: Divergence = "js",
    genre_weight: GenreWeight = "split",
    sample: Annotated[int, Range(low=1)] = 10,
    seed: Seed = 0,
) -> PerUser:
    """Mean divergence of the genre shares of the list, weighted by 1 / (r + 1), from those of the lists of other users.

    A thousandth of the other is mixed into either.

    Parameters
    ----------
    divergence
        ``js``: square root of the Jensen-Shannon divergence in bits; ``kl``: sum over genres of p log2(p / q), q of the
        list.
    genre_weight
        What an item gives to each of its genres: an even part of its weight (``split``), or all of it (``full``).
    sample
        With how many others a list is compared: those that follow in an order that the user ids and the seed decide.
    seed
        Starts the order.
    """
    features, values = features_of(inputs), np.empty(len(inputs))
    starts, ids, shares, rows, places = _others(inputs.batch, k, seed, genre_weight == "split")
    kernel.fragmentation_rows(
        _kind(divergence),
        *_RADIO_SMOOTHING,
        kernel.make_room(len(features.names)),
        starts,
        ids,
        shares,
        rows,
        places,
        sample,
        inputs.rows.start,
        values,
    )
    return PerUser(values)


@once
def _others(run: Batch, k: int, seed: int, spread: bool) -> tuple[Offsets, ItemIds, Floats, Floats, Offsets]:
    """Return the genre shares of the lists that have genres, in the order of their comparison, and the rows' places.

    A list weighs its items by 1 / (r + 1). Those it is compared with lie next to each other in memory; where there are
    few genres, the shares of all of them do.
    """
    features = run.world.features
    assert features is not None  # noqa: S101 - Need.FEATURES was checked
    order = draw_order(run, seed)
    ranked = run.ranked.take(order)
    lists = ranked.pad(k=k), ranked.lengths, discounts("reciprocal", k)
    starts, ids, shares = shares_of(features, *lists, spread=spread)
    described = np.flatnonzero(np.diff(starts))
    places = np.full(len(run), -1, np.int64)
    places[order[described]] = np.arange(len(described))
    starts = np.append(starts[described], starts[-1])
    width = rounded(len(features.names))
    rows = np.zeros((len(described), width) if width <= FEW else (0, 0))
    kernel.lay_out(starts, ids, shares, rows)
    return starts, ids, shares, rows, places
