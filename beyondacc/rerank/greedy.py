"""Re-rankers that look at the distances to the items picked before (METRICS, section 9)."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Final, Literal

import numpy as np

from beyondacc.bound.batch import Batch
from beyondacc.declare.params import Range
from beyondacc.distances import COSINE, Distance
from beyondacc.errors import SpecError
from beyondacc.kernels import gains, greedy, orders
from beyondacc.kernels.covering import cover_rows
from beyondacc.rerank.base import RERANKERS, Normalize, Picks
from beyondacc.rerank.engine import DistanceReranker, PairsReranker, Storage, constant_distances
from beyondacc.rerank.memory import Runner
from beyondacc.rerank.terms import Gain, OwnRunner
from beyondacc.types import Floats

__all__ = ["DPP", "MMR", "MSD", "Cover", "Greedy", "GreedyDiversity", "TopicDiversification"]

_MANY: Final = 2048  # candidates whose distances to each other, 32 MiB, are kept


@RERANKERS.declare(title="Maximal marginal relevance", cite="Carbonell & Goldstein 1998, SIGIR, sec. 2")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class MMR(DistanceReranker):
    """Next item: argmax of (1 - w) s(i) - w max over picked j of sim(i, j), sim = 1 - d.

    Parameters
    ----------
    renormalize
        Turn both terms into z-scores over the remaining candidates at every step, as RankSys does with its term, the
        mean distance, which is that of ``GreedyDiversity(renormalize=both)``.
    """

    renormalize: bool = False

    kernel = gains.nearest

    @property
    def uses(self) -> int:
        """What the kernel reads."""
        return greedy.DISTANCES | (greedy.REMAINING if self.renormalize else 0)

    @property
    def whole(self) -> bool:
        """Whether the gain is the whole objective: z-scores of relevance change from step to step."""
        return self.renormalize

    def _storage(self, _run: Batch, _n: int, _k: int) -> Storage:
        return Storage(np.array([float(self.renormalize)]))


@RERANKERS.declare(
    title="Greedy diversification",
    cite="Smyth & McClave 2001, ICCBR; Kaminskas & Bridge 2016, TiiS 7(1)",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class GreedyDiversity(DistanceReranker):
    """Next item: argmax of (1 - w) s(i) + w mean over picked j of d(i, j).

    ``GreedyDiversity(normalize="zscore", renormalize=True)`` is the variant of Kaminskas & Bridge.

    Parameters
    ----------
    renormalize
        Turn the distance term into z-scores over the remaining candidates at every step; ``both``: relevance, too, as
        the re-ranker does that RankSys calls MMR.
    """

    renormalize: bool | Literal["both"] = False

    kernel = gains.mean
    uses = greedy.DISTANCES | greedy.REMAINING

    @property
    def whole(self) -> bool:
        """Whether the gain is the whole objective: z-scores of relevance change from step to step."""
        return self.renormalize == "both"

    def _storage(self, _run: Batch, _n: int, _k: int) -> Storage:
        return Storage(np.array([gains.BOTH if self.renormalize == "both" else float(self.renormalize)]))


@RERANKERS.declare(
    title="Max-sum dispersion", cite="Gollapudi & Sharma 2009, WWW, sec. 4.1; Borodin, Lee & Ye 2012, PODS"
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class MSD(DistanceReranker):
    """Next item: argmax of (1 - w) s(i) + w sum over picked j of d(i, j)."""

    kernel = gains.total


@RERANKERS.declare(
    title="Coverage of the candidates (facility location)",
    cite="Lin & Bilmes 2011, ACL; with gamma Puthiya Parambath, Usunier & Grandvalet 2016, RecSys",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Cover(PairsReranker):
    """Next item: argmax of (1 - w) s(i) + w times how much more of all candidates it covers.

    A candidate is covered by its largest similarity max(0, 1 - d) to a picked item, an item by itself fully.

    Parameters
    ----------
    gamma
        A candidate is covered by the sum of its similarities to the power of gamma instead, in (0, 1].
    """

    gamma: Annotated[float, Range(0, 1, open_low=True)] | None = None

    kernel = cover_rows

    def _slots(self, width: int, _picks: Picks) -> int:
        return width if width <= _MANY else 1

    def _further(self, width: int) -> tuple[Any, ...]:
        return self.gamma or 0.0, np.empty((5, width))


@RERANKERS.declare(
    title="Determinantal point process (greedy MAP)",
    cite="Chen, Zhang & Zhou 2018, NeurIPS, algorithm 1; Kulesza & Taskar 2012",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class DPP(DistanceReranker):
    """Next item: the one that multiplies det(diag(q) Sim diag(q)) of the picks most, q = exp((1 - w) scale s).

    Sim = 1 - d. What adds nothing, a factor of 1e-12 or less, follows in input order.

    Parameters
    ----------
    distance
        Between two items, such that 1 - d is a kernel, as for ``cosine`` and ``jaccard``; where one has no features the
        distance is 1.
    scale
        How much relevance counts: the theta of exp(theta s) at diversity 0.
    """

    normalize: Normalize = "zscore"
    distance: Distance = COSINE
    scale: Annotated[float, Range(low=0, open_low=True)] = 1.0

    kernel = gains.determinant
    whole = True

    def _storage(self, _run: Batch, _n: int, _k: int) -> Storage:
        return Storage(np.array([self.scale]))


@RERANKERS.declare(
    title="Topic diversification (rank fusion)", cite="Ziegler, McNee, Konstan & Lausen 2005, WWW, sec. 3.3"
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class TopicDiversification(DistanceReranker):
    """Next item: the least (1 - w) rank in the input + w rank by dissimilarity, among the remaining candidates.

    Dissimilarity ranks are by the sum of the similarities 1 - d to the picked items, the least similar first.

    Parameters
    ----------
    normalize
        Of the selection scores at diversity 0; only ranks count otherwise.
    """

    kernel = orders.fused_ranks
    uses = greedy.DISTANCES | greedy.REMAINING
    whole = True


@RERANKERS.declare(title="Greedy re-ranking by a gain of your own", cite="your own")
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Greedy(DistanceReranker):
    """Next item: argmax of (1 - w) s(i) + w term(i), the term by a function of your own.

    ::

        def nearest(distances, term, step):
            for i in range(len(term)):
                term[i] = distances[i] if step == 1 else min(term[i], distances[i])


        beyondacc.Greedy(gain=nearest, distance="cosine", diversity=0.3)

    Parameters
    ----------
    gain
        A function ``(distances, term, step)``, plain or compiled by numba, or the name of one that was declared with
        `beyondacc.gain`. It is called after each pick, the step-th,
        with the distances (n,) of all candidates to the item picked and their terms (n,), zeros at first, to be changed
        in place to finite numbers. The engine is not compiled anew for it.
    """

    gain: Gain

    uses = greedy.DISTANCES | greedy.REMAINING

    def _runner(self) -> Runner:
        return OwnRunner(type(self).__name__, self.gain)

    def _select(self, run: Batch, rows: slice, relevance: Floats, weights: Floats, picks: Picks) -> None:
        super()._select(run, rows, relevance, weights, picks)
        if not np.isfinite(picks.selection[picks.positions >= 0]).all():
            raise SpecError(
                f"gain {self.gain} made terms so large that the objective is not finite; make them smaller, or "
                "pass normalize=minmax"
            )

    def _why_constant(self, run: Batch, k: int) -> str:  # noqa: ARG002 - as in the base
        alike = constant_distances(self.distance, run)
        return alike or f"gain {self.gain} makes the same term for all candidates of a list"
