"""Re-rankers: one greedy engine with declared gains, one sort for terms that do not depend on the picks."""

# The order of declaration is the order of tables.
# isort: off
from beyondacc.rerank.base import RERANKERS, Reranker
from beyondacc.rerank.greedy import MMR, GreedyDiversity
from beyondacc.rerank.blend import Novelty, Random
from beyondacc.rerank.wrapped import Wrapped

# isort: on

__all__ = ["MMR", "RERANKERS", "GreedyDiversity", "Novelty", "Random", "Reranker", "Wrapped"]
