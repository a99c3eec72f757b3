"""The conventions of other tools: which parameters and choices give the numbers that they print."""

from beyondacc.convention.base import Convention, conventions, find_convention

__all__ = ["Convention", "conventions", "find_convention"]
