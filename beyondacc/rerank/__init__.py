"""Re-rankers: one greedy engine with declared gains, one sort for terms that do not depend on the picks."""

from beyondacc.rerank.base import RERANKERS, Reranker
from beyondacc.rerank.blend import Novelty, Random
from beyondacc.rerank.greedy import MMR, GreedyDiversity
from beyondacc.rerank.wrapped import Wrapped

__all__ = ["MMR", "RERANKERS", "GreedyDiversity", "Novelty", "Random", "Reranker", "Wrapped"]
