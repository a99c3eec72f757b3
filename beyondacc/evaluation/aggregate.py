"""One number of a run."""

from __future__ import annotations

import dataclasses

from beyondacc.metrics.base.metric import Better, Bounds, Metric

__all__ = ["Aggregate"]


@dataclasses.dataclass(frozen=True)
class Aggregate:
    """One number of a run and what stands behind it.

    Attributes
    ----------
    metric : Metric
    value
        NaN where no user defines it.
    ci_low, ci_high
        Bootstrap interval over users; NaN where fewer than two define the value.
    standard_error
        Standard deviation of the bootstrap replicates.
    median, p10, p90
        Quantiles of the users' values; NaN at the grain of a run.
    n_users, n_undefined
        How many users it averages (or, at the grain of a run, counts), and how many it leaves out.
    """

    metric: Metric
    value: float
    ci_low: float
    ci_high: float
    standard_error: float
    median: float
    p10: float
    p90: float
    n_users: int
    n_undefined: int

    @property
    def better(self) -> Better:
        """Whether higher or lower is better, or neither."""
        return self.metric.better

    @property
    def bounds(self) -> Bounds:
        """Least and greatest possible value."""
        return self.metric.bounds
