"""Coverage, concentration, spread between users: values of a run, from mergeable counts (METRICS, section 6)."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Inputs
from beyondacc.kernels.exposure import exposure_rows
from beyondacc.spec.metric import Need
from beyondacc.spec.params import Cutoff
from beyondacc.spec.registry import metric
from beyondacc.spec.states import Exposure

__all__ = ["catalog_coverage", "count_exposure", "entropy", "gini", "personalization"]

Value = Any  # a number, or an array of one number a replicate


def count_exposure(inputs: Inputs, k: int) -> Exposure:
    """Count how often each item of the run is among the first k, apart for each list length."""
    run = inputs.run

    def lengths_present() -> NDArray[np.int64]:
        present = np.unique(np.minimum(run.lengths, k)).astype(np.int64)
        return present[present > 0]

    lengths = lengths_present()
    slots = np.full(k + 1, -1, np.int32)
    slots[lengths] = np.arange(len(lengths))
    shown = np.zeros((1, len(lengths), run.n_items), np.int64)
    exposure_rows(inputs.lists, inputs.lengths, k, slots, np.ones((1, len(inputs)), np.int64), shown)
    lists = np.asarray(np.count_nonzero(inputs.lengths), np.int64)
    return Exposure(shown[0], lists, lists, lengths, run.catalogue, int(run.catalogue.sum()))


def _divide(numerator: Value, denominator: Value) -> Value:
    """Divide, NaN where there is nothing to divide by."""
    numerator, denominator = np.broadcast_arrays(np.asarray(numerator, np.float64), denominator)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)


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
)
def catalog_coverage(exposure: Exposure, *, k: Cutoff = 10, count: bool = False) -> Value:  # noqa: ARG001 - k was used
    """Share of the catalogue that is shown to anyone: |{i: n_i > 0}| / |catalogue|.

    Parameters
    ----------
    count
        Give the number of items instead.
    """
    shown = np.count_nonzero(exposure.catalogue, axis=-1)
    return shown if count else shown / exposure.n_catalogue


@metric(
    title="Gini index of exposure",
    family="coverage",
    better=lambda values: "higher" if values["complement"] else "lower",
    needs=(Need.CATALOGUE,),
    undefined="where no item of the catalogue is shown, or the catalogue has one item",
    cite="Gini 1912; Adomavicius & Kwon 2012, TKDE 24(5)",
    accumulate=count_exposure,
)
def gini(
    exposure: Exposure,
    *,
    k: Cutoff = 10,  # noqa: ARG001 - k was used by accumulate
    denominator: Literal["n-1", "n"] = "n-1",
    complement: bool = False,
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
    n = exposure.n_catalogue
    ascending = np.sort(exposure.catalogue, axis=-1)
    ranks = np.arange(n - ascending.shape[-1] + 1, n + 1)
    weighted = ascending @ (2 * ranks - n - 1)
    scale = (n - 1 if denominator == "n-1" else n) if n > 1 else 0
    value = _divide(weighted, scale * ascending.sum(axis=-1))
    return 1.0 - value if complement else value


@metric(
    title="Entropy of exposure",
    family="coverage",
    better="higher",
    needs=(Need.CATALOGUE,),
    undefined="where no item of the catalogue is shown; normalized: where the catalogue has one item",
    cite="Shannon 1948; Adomavicius & Kwon 2012, TKDE 24(5)",
    accumulate=count_exposure,
    bounds=lambda values: (0.0, 1.0 if values["normalized"] else math.inf),
)
def entropy(exposure: Exposure, *, k: Cutoff = 10, normalized: bool = False) -> Value:  # noqa: ARG001 - k was used
    """Shannon entropy of exposure in bits: -sum over items of p log2 p, p = n_i / sum n.

    Parameters
    ----------
    normalized
        Divide by log2 |catalogue|.
    """
    shown = exposure.catalogue
    total = shown.sum(axis=-1)
    logs = np.log2(shown, out=np.zeros(shown.shape), where=shown > 0)
    bits = np.log2(total, out=np.full(np.shape(total), np.nan), where=total > 0) - _divide(
        (shown * logs).sum(axis=-1), total
    )
    bits = np.maximum(bits, 0.0)
    return _divide(bits, math.log2(exposure.n_catalogue)) if normalized else bits


@metric(
    title="Personalization",
    family="coverage",
    better="higher",
    undefined="where fewer than two users have a list",
    cite="Zhou et al. 2010, PNAS 107(10), inter-user diversity; Hurley & Zhang 2011, TOIT 10(4)",
    accumulate=count_exposure,
)
def personalization(exposure: Exposure, *, k: Cutoff = 10) -> Value:  # noqa: ARG001 - k was used by accumulate
    """1 - mean over pairs of users of |R_u and R_v| / sqrt(N_u N_v): how different the lists of two users are.

    Computed from counts as 1 - (sum s_i^2 - m) / (m (m - 1)), s_i = sum over lists with i of 1 / sqrt(N_u).
    """
    sums = np.einsum("...li,l->...i", exposure.shown, 1.0 / np.sqrt(exposure.lengths))
    overlap = np.square(sums).sum(axis=-1) - exposure.squares  # a list with itself, and with its own copies, is no pair
    pairs = np.square(exposure.lists) - exposure.squares
    return np.clip(1.0 - _divide(overlap, pairs), 0.0, 1.0)
