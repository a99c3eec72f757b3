"""Binomial genre diversity (METRICS, section 3)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Inputs
from beyondacc.data.once import once
from beyondacc.declare.params import Cutoff, Fraction, Group
from beyondacc.kernels import binomial
from beyondacc.metrics.base.metric import Need
from beyondacc.metrics.base.ranks import itemwise_truth
from beyondacc.metrics.base.registry import metric
from beyondacc.metrics.base.states import PerUser

__all__ = ["binomial_coverage", "binomial_diversity", "binomial_nonredundancy"]


@dataclasses.dataclass(frozen=True)
class Binomial(Group):
    """What the three metrics count.

    Parameters
    ----------
    alpha
        Weight of the user's own genre shares against those of all training rows; with 1 only the genres of the
        profile count.
    relevant_only
        Count the genres of relevant items only.
    root
        Take the root by the number of genres in the product (``own``), or by that of ``all`` genres of the items table.
    """

    alpha: Fraction = 0.0
    relevant_only: bool = False
    root: Literal["own", "all"] = "own"

    def factors(self, inputs: Inputs, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return coverage and non-redundancy, computed once for the three metrics."""
        return _factors(inputs, k, self)

    def rows(self, inputs: Inputs, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Compute them."""
        run = inputs.batch
        features = inputs.world.features
        assert features is not None  # noqa: S101 - Need.FEATURES was checked
        coverage, nonredundancy = np.empty(len(inputs)), np.empty(len(inputs))
        binomial.binomial_rows(
            inputs.lists,
            inputs.lengths,
            k,
            inputs.gains if self.relevant_only else np.empty((0, 0)),
            features.starts,
            features.ids,
            inputs.world.preference_shares,
            self.alpha,
            inputs.users,
            run.train.starts,
            run.train.items,
            np.array([math.lgamma(n + 1.0) for n in range(k + 1)]),
            self.root == "all",
            coverage,
            nonredundancy,
        )
        return coverage, nonredundancy

    def finish(self, inputs: Inputs, values: NDArray[np.float64]) -> PerUser:
        """Apply the policy on undefined users."""
        return itemwise_truth(inputs, values, "binary" if self.relevant_only else "none")


@once
def _factors(inputs: Inputs, k: int, counting: Binomial) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return counting.rows(inputs, k)


_BINOMIAL: Final = Binomial()


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
def binomial_diversity(inputs: Inputs, *, k: Cutoff = 10, counting: Binomial = _BINOMIAL) -> PerUser:
    """Binomial coverage times binomial non-redundancy.

    It is 1, its maximum, where the list has one item of each genre, whatever the profile and however common the genres
    are: then none is missing and none is repeated.
    """
    coverage, nonredundancy = counting.factors(inputs, k)
    return counting.finish(inputs, coverage * nonredundancy)


@metric(
    title="Binomial coverage",
    family="diversity",
    better="higher",
    needs=_binomial_needs,
    undefined="for users without a list (relevant_only: without a relevant test item)",
    cite=_VARGAS,
    core=True,
)
def binomial_coverage(inputs: Inputs, *, k: Cutoff = 10, counting: Binomial = _BINOMIAL) -> PerUser:
    """Product over the genres not shown of (1 - p(g))^N, to the power 1 / number of genres.

    p(g) is the share of training rows on items of genre g: missing a common genre costs more than missing a rare one.
    """
    return counting.finish(inputs, counting.factors(inputs, k)[0].copy())


@metric(
    title="Binomial non-redundancy",
    family="diversity",
    better="higher",
    needs=_binomial_needs,
    undefined="for users without a list (relevant_only: without a relevant test item); 0 where no genre is shown",
    cite=_VARGAS,
    core=True,
)
def binomial_nonredundancy(inputs: Inputs, *, k: Cutoff = 10, counting: Binomial = _BINOMIAL) -> PerUser:
    """Product over the genres shown of P(X >= k_g | X > 0), X ~ Bin(S, p(g)), to the power 1 / number of them.

    k_g of the S counted items have genre g: showing a rare genre often costs more than showing a common one often.
    """
    return counting.finish(inputs, counting.factors(inputs, k)[1].copy())
