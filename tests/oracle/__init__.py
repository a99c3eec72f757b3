"""Naive formulas straight from METRICS.md; nothing in here knows beyondacc."""

from oracle.case import Case
from oracle.metrics import ORACLES, PER_USER, RUN_LEVEL

__all__ = ["ORACLES", "PER_USER", "RUN_LEVEL", "Case"]
