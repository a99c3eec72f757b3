"""What every re-ranker shares: its weight, normalisation, and the pass over users."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.binding import Binding, bind_lists
from beyondacc.data.dataset import Dataset
from beyondacc.data.recommendations import Recommendations
from beyondacc.distances import Distance, missing_for
from beyondacc.errors import SpecError
from beyondacc.kernels import greedy
from beyondacc.rerank.wrapped import Wrapped
from beyondacc.run.local import map_blocks
from beyondacc.spec.declared import Catalog, Declared
from beyondacc.spec.params import Cutoff, Fraction, Param
from beyondacc.types import Floats, ItemIds

__all__ = ["RERANKERS", "Normalize", "Reranker"]

Normalize = Literal["minmax", "zscore", "rank", "none"]
NORMALISATIONS = {"minmax": greedy.MINMAX, "zscore": greedy.ZSCORE, "rank": greedy.RANK, "none": greedy.NONE}


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Reranker(Declared, ABC):
    """Reorders candidate lists by relevance and something else.

    Parameters
    ----------
    diversity
        Weight of the other term, from 0 (the input order, exactly) to 1 (relevance is ignored); 0.5 by default.
    relevance_weight
        1 - diversity, for those who think of it so; giving both is an error.
    normalize
        How relevance is brought to a common scale within each list: ``minmax`` to [0, 1], ``zscore`` (population),
        ``rank`` (1 for the best to 0), ``none``. A constant vector becomes zeros. Lists without scores use their ranks.
    """

    diversity: Fraction | None = None
    relevance_weight: Fraction | None = None
    normalize: Normalize = "minmax"

    def __post_init__(self) -> None:
        """Check the parameters and settle the weight."""
        super().__post_init__()
        if self.diversity is not None and self.relevance_weight is not None:
            raise SpecError(
                f"{type(self).__name__}: diversity={self.diversity:g} and relevance_weight={self.relevance_weight:g} "
                "were both given; give one, the other is 1 minus it"
            )
        if self.relevance_weight is not None:
            self.diversity = round(1.0 - self.relevance_weight, 12)  # 0.3 for 0.7, not 0.30000000000000004
            self.relevance_weight = None
        elif self.diversity is None:
            self.diversity = 0.5

    @property
    def weight(self) -> float:
        """The weight of the term besides relevance."""
        return 0.5 if self.diversity is None else self.diversity

    @property
    def kind(self) -> str:
        """The re-ranker without its weight, such as ``MMR(distance=cosine)``."""
        name, parameters = str(self).partition("(")[::2]
        rest = [part for part in parameters.rstrip(")").split(", ") if part and not part.startswith("diversity=")]
        return f"{name}({', '.join(rest)})" if rest else name

    def at(self, diversity: float) -> Self:
        """Return the same re-ranker with another weight."""
        return dataclasses.replace(self, diversity=diversity)

    def missing(self, data: Dataset) -> str | None:
        """Say what a dataset lacks for this re-ranker, or None where nothing is missing."""
        chosen = getattr(self, "distance", None)
        return missing_for(chosen, data) if isinstance(chosen, Distance) else None

    def rerank(
        self,
        candidates: Any,
        data: Dataset,
        *,
        k: int = 10,
        columns: Mapping[str, str] | None = None,
        threads: int | None = None,
    ) -> Recommendations:
        """Pick k items of each list.

        Parameters
        ----------
        candidates
            Lists with scores, in any form `Recommendations.read` takes; ties rest on their order.
        data
            The dataset with what the re-ranker needs.
        k
            How many items to pick; a shorter list is reordered whole.
        columns
            Names of columns that are not recognised.
        threads
            Number of threads; one a core by default. The picks do not depend on it.

        Returns
        -------
        Recommendations
            With the value of the objective at selection as score, and `input_ranks`.

        Raises
        ------
        DataError, SpecError
            If the candidates cannot be used, or the dataset lacks what the re-ranker needs.
        """
        k = Param("k", 10, Cutoff).check(k, "rerank")
        if lack := self.missing(data):
            raise SpecError(f"re-ranker {self} needs {lack}")
        lists = Recommendations.read(candidates, data, columns=columns, what="candidates")
        run = bind_lists(lists, data, "candidates")
        relevance = _relevance(run)
        picks = np.full((len(run), min(k, run.lists.shape[1])), -1, np.int32)
        selection = np.full(picks.shape, np.nan)
        if self.weight == 0:
            ranks = np.broadcast_to(np.arange(picks.shape[1], dtype=np.int32), picks.shape)
            picks = np.where(ranks < run.lengths[:, None], ranks, np.int32(-1))
            greedy.normalise_rows(relevance, run.lengths, NORMALISATIONS[self.normalize])
            selection = np.where(picks >= 0, relevance[:, : picks.shape[1]], np.nan)
        else:
            self._prepare(run)

            def work(start: int, stop: int) -> None:
                rows = slice(start, stop)
                self._select(run, rows, relevance[rows], picks[rows], selection[rows])

            map_blocks(work, len(run), threads=threads)
        found = np.take_along_axis(run.lists, np.maximum(picks, 0), axis=1)
        made = np.where(picks >= 0, found, np.int32(-1))
        return Recommendations(run.ids, lists.items, made, selection, picks, ordered_by_score=False)

    def wrap(self, scorer: Any, *, candidates: int = 100) -> Wrapped:
        """Put the re-ranker around a scoring function: its best candidates are re-ranked.

        Parameters
        ----------
        scorer
            Anything `beyondacc.as_scorer` takes.
        candidates
            How many of its best items are re-ranked for each user.
        """
        return Wrapped(self, scorer, candidates)

    def _prepare(self, run: Binding) -> None:
        """Build what all blocks share, before the threads start."""

    @abstractmethod
    def _select(
        self, run: Binding, rows: slice, relevance: Floats, picks: ItemIds, selection: NDArray[np.float64]
    ) -> None:
        """Write positions in the input lists of a block and the objective at selection."""


def _relevance(run: Binding) -> NDArray[np.float64]:
    """Scores, or where there are none, minus the ranks."""
    if run.scores is not None:
        return run.scores.astype(np.float64)
    return np.broadcast_to(-np.arange(run.lists.shape[1], dtype=np.float64), run.lists.shape).copy()


RERANKERS: Catalog[Reranker] = Catalog("re-ranker")
"""All re-rankers by name."""
