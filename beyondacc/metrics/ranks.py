"""What several metrics share: rank discounts, relevance weights, the policy on undefined users."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Inputs
from beyondacc.spec.params import Range
from beyondacc.spec.states import PerUser

__all__ = [
    "Base",
    "Discount",
    "Relevance",
    "discounts",
    "itemwise_truth",
    "list_metric",
    "relevance_gains",
    "truth_metric",
]

Discount = Literal["none", "log2", "reciprocal", "exp"]
Relevance = Literal["none", "binary", "background"]
Base = Annotated[float, Range(0, 1, open_low=True)]


def discounts(kind: str, k: int, base: float = 0.85) -> NDArray[np.float64]:
    """Return the weight of each rank r = 0..k-1.

    1, 1/log2(r + 2), 1/(r + 1) or base^r; ``log2_clip`` is 1/log2(max(r + 1, 2)).
    """
    ranks = np.arange(k, dtype=np.float64)
    if kind == "none":
        return np.ones(k)
    if kind == "log2":
        return np.asarray(1.0 / np.log2(ranks + 2.0))
    if kind == "log2_clip":
        return np.asarray(1.0 / np.log2(np.maximum(ranks + 1.0, 2.0)))
    return np.asarray(1.0 / (ranks + 1.0) if kind == "reciprocal" else base**ranks)


def truth_metric(inputs: Inputs, values: NDArray[np.float64]) -> PerUser:
    """Leave a metric undefined for users without relevant test items; a missing list has scored 0."""
    values[inputs.n_relevant == 0] = np.nan
    return PerUser(values)


def list_metric(inputs: Inputs, values: NDArray[np.float64]) -> PerUser:
    """Leave a metric undefined for users without a list."""
    values[inputs.lengths == 0] = np.nan
    return PerUser(values)


def relevance_gains(inputs: Inputs, relevance: Relevance, background: float) -> tuple[NDArray[np.float64], float]:
    """Return the gains a kernel weighs items by, empty where all count alike, and what a non-relevant item weighs."""
    if relevance == "none":
        return np.empty((0, 0)), 1.0
    return inputs.gains, background if relevance == "background" else 0.0


def itemwise_truth(inputs: Inputs, values: NDArray[np.float64], relevance: Relevance) -> PerUser:
    """Apply the policy of a metric that looks at the truth only where relevance counts."""
    if relevance == "none":
        return list_metric(inputs, values)
    values[inputs.lengths == 0] = 0.0
    return truth_metric(inputs, values)
