"""Which of several runs is better, in what, by how much, and whether the users at hand can tell."""

from beyondacc.comparison.compare import Comparison, compare

__all__ = ["Comparison", "compare"]
