"""A re-ranker around a scoring function."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.data.dataset import Dataset
from beyondacc.data.ragged import Lists
from beyondacc.data.recommendations import Recommendations
from beyondacc.declare.params import Cutoff, Param
from beyondacc.errors import DataError, SpecError
from beyondacc.scoring.scorers import as_scorer, best_of, recommend

__all__ = ["Answer", "Wrapped"]


class Reranks(Protocol):
    """A re-ranker, as far as it is needed here; see `rerank.base.Reranker`."""

    @property
    def weight(self) -> float:
        """The weight of the diversity term."""

    def missing(self, data: Dataset) -> str | None:
        """Say what a dataset lacks."""

    def rerank(self, recs: Any, data: Dataset, *, k: int, threads: int | None) -> Recommendations:
        """Re-rank lists."""

    def pick(self, run: Batch, weights: Sequence[float], k: int, *, threads: int | None) -> Any:
        """Pick from the lists of a batch."""


class Answer(NamedTuple):
    """The items for one user.

    Attributes
    ----------
    items : (k,)
        External ids, best first; fewer where the user has fewer candidates.
    scores : (k,)
        1 / rank, the rank from 1.
    input_ranks : (k,)
        The rank of each item among the candidates, from 0.
    relevance : (k,)
        What the scorer says.
    gain : (k,)
        The objective at selection.
    """

    items: NDArray[Any]
    scores: NDArray[np.float64]
    input_ranks: NDArray[np.int32]
    relevance: NDArray[np.float64]
    gain: NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Wrapped:
    """A recommender: a scorer whose best candidates are re-ranked.

    Attributes
    ----------
    reranker
    scorer
        Anything `beyondacc.as_scorer` takes.
    data
        The dataset, or None where each call names it.
    candidates
        How many of its best items are re-ranked for each user.
    """

    reranker: Reranks
    scorer: Any
    data: Dataset | None = None
    candidates: int = 100

    def __post_init__(self) -> None:
        """Check the number of candidates, and that the data have what the re-ranker needs."""
        Param("candidates", 100, Cutoff).check(self.candidates, "wrap")
        if self.data is not None and (lack := self.reranker.missing(self.data)):
            raise SpecError(f"re-ranker {self.reranker} needs {lack}")

    def recommend(
        self,
        given: Any = None,
        *,
        k: int = 10,
        users: Any = None,
        exclude_seen: bool = True,
        threads: int | None = None,
    ) -> Any:
        """Recommend k items to one user, or to many.

        Parameters
        ----------
        given
            The id of a user, who is answered at once; or a dataset; or nothing, for the dataset the re-ranker was
            wrapped with.
        k
            Length of the lists; at least as many candidates are taken.
        users, exclude_seen, threads
            As in `beyondacc.recommend`.

        Returns
        -------
        Answer
            For one user.
        Recommendations
            For a dataset.

        Raises
        ------
        DataError
            If a user is unknown, or the scorer returns what cannot be used.
        SpecError
            If no dataset is there.
        """
        k = Param("k", 10, Cutoff).check(k, "recommend")
        n = max(k, self.candidates)
        data = given if isinstance(given, Dataset) else self.data
        if data is None:
            raise SpecError("recommend needs the data: pass them to wrap(scorer, data), or recommend(data)")
        if given is not None and given is not data:
            if users is not None:
                raise SpecError(f"recommend({given!r}) is for one user; leave out users=, or the user")
            return self._answer(given, data, k, n, exclude_seen=exclude_seen)
        best = recommend(self.scorer, data, k=n, users=users, exclude_seen=exclude_seen, threads=threads)
        return self.reranker.rerank(best, data, k=k, threads=threads)

    @functools.cached_property
    def _source(self) -> Any:
        assert self.data is not None  # noqa: S101 - asked for with it only
        return as_scorer(self.scorer, self.data)

    def _answer(self, user: Any, data: Dataset, k: int, n: int, *, exclude_seen: bool) -> Answer:
        """Answer one user without what only pays for many: frames, threads, warnings."""
        code = data.users.find(user)
        if code < 0:
            raise DataError(f"user {user!r} is not in the Dataset; recommend to users it knows")
        users = np.array([code], np.int32)
        lists, scores = best_of(self._source, data, users, n, exclude_seen=exclude_seen, threads=1)
        run = Batch(
            data=data,
            ids=data.users.ids[code : code + 1],
            users=users,
            ranked=Lists.of_padded(lists, scores),
            items=data.items,
            ordered_by_score=True,
        )
        picks = self.reranker.pick(run, [self.reranker.weight], k, threads=1)
        positions = picks.positions[0, 0]
        positions = positions[positions >= 0]
        n_items = len(positions)
        return Answer(
            data.items.ids.to_numpy()[lists[0, positions]],
            1.0 / np.arange(1.0, n_items + 1),
            positions,
            np.asarray(scores[0, positions], np.float64),
            picks.selection[0, 0, :n_items],
        )
