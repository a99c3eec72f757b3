"""Binomial genre diversity (METRICS, section 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Inputs
from beyondacc.kernels import binomial
from beyondacc.metrics.ranks import itemwise_truth
from beyondacc.spec.metric import Need
from beyondacc.spec.params import Cutoff, Fraction
from beyondacc.spec.registry import metric
from beyondacc.spec.states import PerUser

__all__ = ["binomial_coverage", "binomial_diversity", "binomial_nonredundancy"]


def _binomial(
    inputs: Inputs, k: int, alpha: float, relevant_only: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coverage and non-redundancy, computed once for the three metrics."""

    def build() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        run = inputs.run
        features = run.features
        assert features is not None  # noqa: S101 - Need.FEATURES was checked
        shares = run.derive("preference_shares", lambda: _preference_shares(inputs))
        factorials = np.array([math.lgamma(n + 1.0) for n in range(k + 1)])
        coverage, nonredundancy = np.empty(len(inputs)), np.empty(len(inputs))
        gains = inputs.gains if relevant_only else np.empty((0, 0))
        binomial.binomial_rows(
            inputs.lists,
            inputs.lengths,
            k,
            gains,
            features.starts,
            features.ids,
            shares,
            alpha,
            inputs.users,
            run.train.starts,
            run.train.items,
            factorials,
            coverage,
            nonredundancy,
        )
        return coverage, nonredundancy

    return inputs.derive(("binomial", k, alpha, relevant_only), build)


def _preference_shares(inputs: Inputs) -> NDArray[np.float64]:
    """Share of the training rows that fall on items with each feature."""
    features, counts = inputs.run.features, inputs.run.item_counts
    assert features is not None  # noqa: S101 - Need.FEATURES was checked
    per_row = np.repeat(counts, np.diff(features.starts))
    shares: NDArray[np.float64] = np.bincount(features.ids, per_row, len(features.names)) / counts.sum()
    return shares


def _binomial_needs(values: Mapping[str, Any]) -> tuple[Need, ...]:
    return (Need.FEATURES, Need.TRAIN, *((Need.TRUTH,) if values["relevant_only"] else ()))


_VARGAS = "Vargas, Baltrunas, Karatzoglou & Castells 2014, RecSys"


@metric(
    title="Binomial diversity",
    family="diversity",
    better="higher",
    needs=_binomial_needs,
    undefined="for users without a list (relevant_only: without a relevant test item)",
    cite=_VARGAS,
    core=True,
)
def binomial_diversity(
    inputs: Inputs, *, k: Cutoff = 10, alpha: Fraction = 0.0, relevant_only: bool = False
) -> PerUser:
    """Binomial coverage times binomial non-redundancy.

    Parameters
    ----------
    alpha
        Weight of the user's own genre shares against those of all training rows; with 1 only the genres of the
        profile count.
    relevant_only
        Count the genres of relevant items only.
    """
    coverage, nonredundancy = _binomial(inputs, k, alpha, relevant_only)
    return itemwise_truth(inputs, coverage * nonredundancy, "binary" if relevant_only else "none")


@metric(
    title="Binomial coverage",
    family="diversity",
    better="higher",
    needs=_binomial_needs,
    undefined="for users without a list (relevant_only: without a relevant test item)",
    cite=_VARGAS,
    core=True,
)
def binomial_coverage(inputs: Inputs, *, k: Cutoff = 10, alpha: Fraction = 0.0, relevant_only: bool = False) -> PerUser:
    """Product over the genres not shown of (1 - p(g))^N, to the power 1 / number of genres.

    p(g) is the share of training rows on items of genre g: missing a common genre costs more than missing a rare one.

    Parameters
    ----------
    alpha
        Weight of the user's own genre shares against those of all training rows; with 1 only the genres of the
        profile count.
    relevant_only
        Count the genres of relevant items only.
    """
    values = _binomial(inputs, k, alpha, relevant_only)[0].copy()
    return itemwise_truth(inputs, values, "binary" if relevant_only else "none")


@metric(
    title="Binomial non-redundancy",
    family="diversity",
    better="higher",
    needs=_binomial_needs,
    undefined="for users without a list (relevant_only: without a relevant test item); 0 where no genre is shown",
    cite=_VARGAS,
    core=True,
)
def binomial_nonredundancy(
    inputs: Inputs, *, k: Cutoff = 10, alpha: Fraction = 0.0, relevant_only: bool = False
) -> PerUser:
    """Product over the genres shown of P(X >= k_g | X > 0), X ~ Bin(S, p(g)), to the power 1 / number of them.

    k_g of the S counted items have genre g: showing a rare genre often costs more than showing a common one often.

    Parameters
    ----------
    alpha
        Weight of the user's own genre shares against those of all training rows; with 1 only the genres of the
        profile count.
    relevant_only
        Count the genres of relevant items only.
    """
    values = _binomial(inputs, k, alpha, relevant_only)[1].copy()
    return itemwise_truth(inputs, values, "binary" if relevant_only else "none")
