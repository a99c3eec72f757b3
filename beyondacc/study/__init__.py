"""Studies: a grid of runs, correlations, Pareto fronts, charts, a report."""

from beyondacc.study.grid import Study
from beyondacc.study.result import StudyResult
from beyondacc.tradeoff.tuning import Tuned, tune

__all__ = ["Study", "StudyResult", "Tuned", "tune"]
