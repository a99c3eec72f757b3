"""A re-ranker around a scoring function."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from beyondacc.data.dataset import Dataset
from beyondacc.data.recommendations import Recommendations
from beyondacc.scorers import recommend
from beyondacc.spec.params import Cutoff, Param

if TYPE_CHECKING:
    from beyondacc.rerank.base import Reranker

__all__ = ["Wrapped"]


@dataclasses.dataclass(frozen=True)
class Wrapped:
    """A recommender: a scorer whose best candidates are re-ranked.

    Attributes
    ----------
    reranker
    scorer
        Anything `beyondacc.as_scorer` takes.
    candidates
        How many of its best items are re-ranked for each user.
    """

    reranker: Reranker
    scorer: Any
    data: Dataset | None = None
    candidates: int = 100

    def __post_init__(self) -> None:
        """Check the number of candidates."""
        Param("candidates", 100, Cutoff).check(self.candidates, "wrap")

    def recommend(
        self,
        data: Dataset,
        *,
        k: int = 10,
        users: Any = None,
        exclude_seen: bool = True,
        threads: int | None = None,
    ) -> Recommendations:
        """Recommend k items to each user.

        Parameters
        ----------
        data, users, exclude_seen, threads
            As in `beyondacc.recommend`.
        k
            Length of the lists; at least as many candidates are taken.
        """
        k = Param("k", 10, Cutoff).check(k, "recommend")
        n = max(k, self.candidates)
        best = recommend(self.scorer, data, k=n, users=users, exclude_seen=exclude_seen, threads=threads)
        return self.reranker.rerank(best, data, k=k, threads=threads)
