"""Re-rankers: one greedy engine with declared gains, one sort for terms that do not depend on the picks."""

# The order of declaration is the order of tables.
# isort: off
from beyondacc.rerank.base import RERANKERS, Reranker
from beyondacc.rerank.greedy import DPP, MMR, MSD, Cover, Greedy, GreedyDiversity, TopicDiversification
from beyondacc.rerank.spectrum import SSD
from beyondacc.rerank.aspects import PM2, BinomialDiversity, Calibrated, XQuAD
from beyondacc.rerank.swap import Swap
from beyondacc.rerank.blend import Novelty, Popularity, Random, Surprise
from beyondacc.rerank.wrapped import Wrapped
from beyondacc.rerank.terms import gain
from beyondacc.rerank.own import reranker

# isort: on

__all__ = [
    "DPP",
    "MMR",
    "MSD",
    "PM2",
    "RERANKERS",
    "SSD",
    "BinomialDiversity",
    "Calibrated",
    "Cover",
    "Greedy",
    "GreedyDiversity",
    "Novelty",
    "Popularity",
    "Random",
    "Reranker",
    "Surprise",
    "Swap",
    "TopicDiversification",
    "Wrapped",
    "XQuAD",
    "gain",
    "reranker",
]
