"""Re-rankers: one greedy engine with declared gains, one sort for terms that do not depend on the picks."""

# The order of declaration is the order of tables.
# isort: off
from beyondacc.rerank.base import RERANKERS as RERANKERS, Reranker as Reranker
from beyondacc.rerank.greedy import *
from beyondacc.rerank.spectrum import *
from beyondacc.rerank.aspects import *
from beyondacc.rerank.swap import *
from beyondacc.rerank.blend import *
from beyondacc.rerank.wrapped import Wrapped as Wrapped
from beyondacc.rerank.terms import gain as gain
from beyondacc.rerank.own import reranker as reranker
