"""The conventions of other tools: which parameters and choices give the numbers that they print."""

from beyondacc.evaluation.conventions.base import Convention, Level, conventions, find_convention, with_level

__all__ = ["Convention", "Level", "conventions", "find_convention", "with_level"]
