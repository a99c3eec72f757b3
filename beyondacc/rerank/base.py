"""What every re-ranker shares: its weight, normalisation, and the pass over users."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch
from beyondacc.bound.bind import bind_lists
from beyondacc.data.dataset import Dataset
from beyondacc.data.intake.order import Order
from beyondacc.data.ragged import Lists
from beyondacc.data.recommendations import Recommendations
from beyondacc.declare.declared import Catalog, Declared
from beyondacc.declare.params import Cutoff, Fraction, Param
from beyondacc.distances import Distance
from beyondacc.errors import SpecError, warn_no_effect
from beyondacc.kernels import scaling
from beyondacc.metrics.base.metric import Need
from beyondacc.rerank.taste import scales
from beyondacc.rerank.wrapped import Wrapped
from beyondacc.run.local import map_blocks
from beyondacc.types import Floats, ItemIds

__all__ = ["NORMALISATIONS", "RERANKERS", "Normalize", "Picks", "Reranker", "check_weights", "find_reranker"]

Normalize = Literal["minmax", "zscore", "rank", "none"] | None
NORMALISATIONS = {
    "minmax": scaling.MINMAX,
    "zscore": scaling.ZSCORE,
    "rank": scaling.RANK,
    "none": scaling.NONE,
}
_SAMPLE = 256  # lists that are looked at to say why nothing changed
_ENOUGH = 1024  # items of a list that show whether they differ
_SHUFFLES = 8  # orders in which they are tried, lest the one given should be the best by chance


@dataclasses.dataclass(frozen=True)
class Picks:
    """What a pass picks for each user and weight, both of shape (rows, weights, k).

    Attributes
    ----------
    positions
        In the input list, padded with -1.
    selection
        The objective at selection, padded with NaN.
    asked
        How many items were asked for, also where no list is as long.
    """

    positions: ItemIds
    selection: NDArray[np.float64]
    asked: int

    @classmethod
    def empty(cls, run: Batch, weights: int, k: int) -> Picks:
        """Make room for k items from each list of a run, or for as many as there are."""
        shape = (len(run), weights, min(k, run.ranked.width))
        return cls(np.full(shape, -1, np.int32), np.full(shape, np.nan), k)

    def block(self, rows: slice) -> Picks:
        """Return the part of some rows, sharing memory."""
        return Picks(self.positions[rows], self.selection[rows], self.asked)


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Reranker(Declared, ABC):
    """Reorders candidate lists by relevance and something else.

    Parameters
    ----------
    diversity
        The weight w of the other term, from 0 (the input order, exactly) to 1 (relevance is ignored); 0.5 by default.
    relevance_weight
        1 - diversity, instead of it; giving both is an error.
    normalize
        How relevance is brought to a common scale within each list: ``minmax`` to [0, 1], ``zscore`` (population),
        ``rank`` (1 for the best to 0), ``none``. A constant vector becomes zeros. Lists without scores use their ranks.
    per_user
        Multiply each user's weight by the entropy of the genres of the profile, divided by its largest possible value
        (Di Noia et al. 2014, RecSys).
    """

    diversity: Fraction | None = None
    relevance_weight: Fraction | None = None
    normalize: Normalize = "minmax"
    per_user: bool = False

    needs: ClassVar[tuple[Need, ...]] = ()
    """What it needs of a dataset, besides what its distance needs."""
    prefix: ClassVar[bool] = True
    """Whether the first picks are the same however many are asked for."""

    def __post_init__(self) -> None:
        """Check the parameters and settle the weight."""
        super().__post_init__()
        self.normalize = self.normalize or "none"
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

    @classmethod
    def facts(cls) -> dict[str, Any]:
        """Tell what it needs, and whether its first picks depend on how many are asked for, for listings."""
        return {"needs": [need.value for need in cls.needs], "prefix": cls.prefix}

    @property
    def weight(self) -> float:
        """The weight of the term besides relevance."""
        return 0.5 if self.diversity is None else self.diversity

    @property
    def kind(self) -> str:
        """The re-ranker without its weight, such as ``MMR(distance=cosine)``."""
        name, parameters = str(self).partition("(")[::2]
        rest = [part for part in parameters.removesuffix(")").split(", ") if part and not part.startswith("diversity=")]
        return f"{name}({', '.join(rest)})" if rest else name

    def at(self, diversity: float) -> Self:
        """Return the same re-ranker with another weight."""
        return dataclasses.replace(self, diversity=diversity)

    def missing(self, data: Dataset) -> str | None:
        """Say what a dataset lacks for this re-ranker, or None where nothing is missing."""
        needs = [*self.needs, *((Need.FEATURES, Need.TRAIN) if self.per_user else ())]
        lacking = next((need.value for need in needs if need.missing_in(data)), None)
        chosen = getattr(self, "distance", None)
        return lacking or (chosen.missing(data) if isinstance(chosen, Distance) else None)

    def rerank(
        self,
        candidates: Any,
        data: Dataset,
        *,
        k: int = 10,
        columns: Mapping[str, Any] | None = None,
        order: Order = "auto",
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
        order
            What orders the candidates, as in `evaluate`.
        threads
            Number of threads; one a core by default. The picks do not depend on it.

        Returns
        -------
        Recommendations
            With 1 / rank (from 1) as score, so that whoever sorts by it keeps the order, the candidates' scores as
            `relevance`, the objective at selection as `gain`, and `input_ranks`.

        Raises
        ------
        DataError, SpecError
            If the candidates cannot be used, or the dataset lacks what the re-ranker needs.

        Warns
        -----
        NoEffectWarning
            If no weight below 1 could change any list, because the other term is the same for all candidates.
        """
        settings: dict[str, Any] = {"k": k, "columns": columns, "order": order, "threads": threads}
        return next(iter(self.sweep(candidates, data, [self.weight], **settings).values()))

    def sweep(
        self,
        candidates: Any,
        data: Dataset,
        diversity: Sequence[float],
        *,
        k: int = 10,
        columns: Mapping[str, Any] | None = None,
        order: Order = "auto",
        threads: int | None = None,
    ) -> dict[float, Recommendations]:
        """Pick k items of each list at each of several weights, in one pass.

        Distances and whatever else does not depend on the weight are worked out once for each user.

        Parameters
        ----------
        diversity
            The weights, in [0, 1].
        candidates, data, k, columns, order, threads
            As in `rerank`.

        Returns
        -------
        dict of float to Recommendations
            By weight, each the same as `rerank` gives at it.

        Raises
        ------
        DataError, SpecError
            As `rerank`.
        """
        k = Param("k", 10, Cutoff).check(k, "rerank")
        weights = check_weights(diversity, type(self).__name__)
        if lack := self.missing(data):
            raise SpecError(f"re-ranker {self} needs {lack}")
        lists = Recommendations.read(candidates, data, columns=columns, order=order, what="candidates")
        run = bind_lists(lists, data, "candidates")
        passes = [(rows, part.ranked, self.pick(part, weights, k, threads=threads)) for rows, part in run.parts()]
        self._check(run, weights, [(rows, picks) for rows, _, picks in passes], k)
        places = np.argsort(np.concatenate([rows for rows, _, _ in passes]))
        made = {}
        for place, each in enumerate(weights):
            picked = Lists.join([_picked(given, picks, place) for _, given, picks in passes]).take(places)
            made[each] = Recommendations(run.ids, run.items, picked, ordered_by_score=False)
        return made

    def pick(self, run: Batch, weights: Sequence[float], k: int, *, threads: int | None = None) -> Picks:
        """Pick from the lists of a run that has what the re-ranker needs."""
        parts = run.parts()
        if len(parts) == 1:
            return self._pass(run, weights, k, threads=threads)
        picks = Picks.empty(run, len(weights), k)
        for rows, part in parts:
            made = self._pass(part, weights, k, threads=threads)
            width = made.positions.shape[2]
            picks.positions[rows, :, :width], picks.selection[rows, :, :width] = made.positions, made.selection
        return picks

    def _pass(self, run: Batch, weights: Sequence[float], k: int, *, threads: int | None) -> Picks:
        """Pick from lists that are about equally long."""
        relevance = _relevance(run)
        of_users = np.tile(np.asarray(weights, np.float64), (len(run), 1))
        if self.per_user:
            of_users *= scales(run)[:, None]
        picks = Picks.empty(run, len(weights), k)
        self._prepare(run)

        def work(start: int, stop: int) -> None:
            rows = slice(start, stop)
            self._select(run, rows, relevance[rows], of_users[rows], picks.block(rows))

        map_blocks(work, len(run), threads=threads, width=run.ranked.width)
        return picks

    def wrap(self, scorer: Any, data: Dataset | None = None, *, candidates: int = 100) -> Wrapped:
        """Put the re-ranker around a scoring function: its best candidates are re-ranked.

        Parameters
        ----------
        scorer
            Anything `beyondacc.as_scorer` takes.
        data
            The dataset, for answering one user after the other.
        candidates
            How many of its best items are re-ranked for each user.
        """
        return Wrapped(self, scorer, data, candidates)

    def _prepare(self, run: Batch) -> None:
        """Build what all blocks share, before the threads start."""

    @abstractmethod
    def _select(self, run: Batch, rows: slice, relevance: Floats, weights: Floats, picks: Picks) -> None:
        """Write the picks of a block."""

    def _check(
        self, run: Batch, weights: Sequence[float], passes: Sequence[tuple[NDArray[np.int64], Picks]], k: int
    ) -> None:
        """Warn where the weight cannot make a difference, and say why.

        Parameters
        ----------
        passes
            Some rows of the run, and what was picked from them at each weight.
        k
            How many items were asked for.
        """
        tried = [place for place, weight in enumerate(weights) if weight > 0]
        parts = ((rows, picks.positions[:, place]) for place in tried for rows, picks in passes)
        if not tried or any(_changed(run, rows, positions) for rows, positions in parts):
            return
        several = run.lengths > 1
        if not several.any():
            reason = "no list has more than one candidate"
        else:
            some = np.zeros(len(run), np.bool_)
            some[np.flatnonzero(several)[:: -(-np.count_nonzero(several) // _SAMPLE)]] = True
            part, k = run.take(some), min(k, run.ranked.width)
            if self._can_change(part, k):
                return
            reason = self._why_constant(part, k)
        warn_no_effect(f"{self} changed no list: {reason}")

    def _can_change(self, run: Batch, k: int) -> bool:
        """Whether the full weight changes any list, in its order or in others."""
        full = dataclasses.replace(self, diversity=1.0, per_user=False)
        rng = np.random.default_rng(0)
        longest, two = (max(k, 2), 2) if self.prefix else (k, k)
        everybody = np.arange(len(run))
        if _changed(run, everybody, full.pick(run, [1.0], longest).positions[:, 0]):
            return True
        shuffled = (_shuffled(run, rng) for _ in range(_SHUFFLES))
        return any(_changed(each, everybody, full.pick(each, [1.0], two).positions[:, 0]) for each in shuffled)

    def _why_constant(self, _run: Batch, _k: int) -> str:
        """Say why the term is the same for all candidates, as it was found to be."""
        return "its term is the same for all candidates of a list"


def _picked(given: Lists, picks: Picks, place: int) -> Lists:
    """Return what was picked from lists at one of the weights, with 1 / rank as scores."""
    positions = picks.positions[:, place]
    there = positions >= 0
    places = np.where(there, given.starts[:, None] + positions, 0)
    items = given.items[places] if len(given.items) else places
    scores = None if given.scores is None else given.scores[places] if len(given.scores) else places
    relevance = None if scores is None else np.where(there, np.asarray(scores, np.float64), np.nan)
    by_rank = np.where(there, 1.0 / np.arange(1.0, positions.shape[1] + 1), np.nan)
    listed = np.where(there, items, np.int32(-1))
    return Lists.of_padded(listed, by_rank, positions, relevance=relevance, gain=picks.selection[:, place])


def _changed(run: Batch, rows: NDArray[np.int64], positions: ItemIds) -> bool:
    """Whether the picks from any list of some rows are neither in the input order nor in that of its scores."""
    k = positions.shape[1]
    within = np.arange(k) < run.lengths[rows, None]
    moved = np.flatnonzero(((positions != np.arange(k)) & within).any(axis=1))
    for start in range(0, len(moved), _SAMPLE):  # the first few mostly decide
        some = moved[start : start + _SAMPLE]
        part = run.take(rows[some])
        order = np.argsort(np.where(part.lists >= 0, -_relevance(part), np.inf), axis=1, kind="stable")[:, :k]
        width = order.shape[1]
        if ((positions[some, :width] != order) & within[some, :width]).any():
            return True
    return False


def _shuffled(run: Batch, rng: np.random.Generator) -> Batch:
    """Return the same lists in another order, without scores; of very long ones some items."""
    order = np.argsort(np.where(run.lists >= 0, rng.random(run.lists.shape), 2.0), axis=1)[:, :_ENOUGH]
    return dataclasses.replace(run, ranked=Lists.of_padded(np.take_along_axis(run.lists, order, axis=1)))


def _relevance(run: Batch) -> NDArray[np.float64]:
    """Scores, or where there are none, minus the ranks."""
    if run.scores is not None:
        return np.asarray(run.scores, np.float64)
    return np.broadcast_to(-np.arange(run.lists.shape[1], dtype=np.float64), run.lists.shape).copy()


def check_weights(diversity: Any, owner: str) -> list[float]:
    """Return the distinct weights in the order given; raises `SpecError` where they are not numbers in [0, 1]."""
    if isinstance(diversity, str) or not np.iterable(diversity):
        raise SpecError(
            f"{owner}: diversity={diversity!r} is not allowed; diversity must be several weights in [0, 1], "
            "such as [0, 0.25, 0.5]"
        )
    weight = Param("diversity", 0.5, Fraction)
    weights = list(dict.fromkeys(weight.check(each, owner) + 0.0 for each in diversity))  # no negative zero
    if not weights:
        raise SpecError(f"{owner}: diversity is empty; give at least one weight in [0, 1], such as [0, 0.25, 0.5]")
    return weights


RERANKERS: Catalog[Reranker] = Catalog("re-ranker", "beyondacc.rerankers")
"""All re-rankers by name."""


def find_reranker(given: Any) -> Reranker:
    """Return a re-ranker, or that of a text such as ``MMR(distance=cosine)``; raises `SpecError` for anything else."""
    if isinstance(given, str):
        return RERANKERS.create(given)
    if not isinstance(given, Reranker):
        raise SpecError(
            f"reranker is a {type(given).__name__}; pass a re-ranker or its text, such as 'MMR(distance=cosine)'"
        )
    return given
