"""A study: every model, every re-ranker at every weight, every metric."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from beyondacc.data.binding import bind
from beyondacc.data.dataset import Dataset
from beyondacc.data.recommendations import Recommendations
from beyondacc.errors import SpecError
from beyondacc.evaluation import check_metrics, evaluate_run
from beyondacc.models import MODELS, Model
from beyondacc.rerank import MMR, GreedyDiversity, Novelty, Random, Reranker, Wrapped
from beyondacc.rerank.base import check_weights, find_reranker
from beyondacc.results import Report
from beyondacc.run.local import n_threads
from beyondacc.scorers import recommend
from beyondacc.spec.params import Param, Range, Seed
from beyondacc.study.progress import Meter, meter
from beyondacc.study.result import PLAIN, Run, StudyResult

__all__ = ["DIVERSITY", "Study"]

DIVERSITY = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
"""The weights a study tries by default."""


class Study:
    """Evaluate models, plain and re-ranked over a sweep of weights, by many metrics at once.

    Parameters
    ----------
    data
        A dataset, or several as ``{seed: dataset}``: the same data split with other seeds. Each gives runs of its own.
    models
        ``{"name": model}``: a model of `beyondacc.models` (fitted here), its text such as ``"ItemKNN(k=40)"``, any
        scorer, a wrapped re-ranker, or ready recommendations; or a list of models or texts, named by themselves. The
        core ones of `beyondacc.models` by default, which ``beyondacc models --json`` tells.
    rerankers
        Re-rankers or their texts, whose weight the sweep sets; MMR, GreedyDiversity, Novelty and Random by default.
    metrics
        Metrics or their names; all that the data allows, at k, by default.
    diversity
        The weights of the sweep, in [0, 1], to six digits. At 0 a re-ranker returns the plain list, which is
        evaluated once.
    k
        Cutoff of metrics given without one, and the length of re-ranked lists at least.
    candidates
        How many of a model's best items are re-ranked.
    n_boot, seed
        Replicates and seed of the bootstrap over users behind the intervals.
    title
        Heading of the report.

    Raises
    ------
    SpecError
        If something is unknown, or a metric or re-ranker needs what the data lacks: before anything is trained.
    """

    def __init__(
        self,
        data: Dataset | Mapping[int, Dataset],
        models: Mapping[str, Any] | Sequence[Any] | None = None,
        rerankers: Sequence[Reranker | str] | None = None,
        metrics: Sequence[Any] | None = None,
        *,
        diversity: Sequence[float] = DIVERSITY,
        k: int = 10,
        candidates: int = 100,
        n_boot: int = 1000,
        seed: int = 0,
        title: str = "Beyond-accuracy study",
    ) -> None:
        self.data: dict[int, Dataset] = {seed: data} if isinstance(data, Dataset) else dict(data)
        if not self.data:
            raise SpecError("a Study needs a Dataset, or {seed: Dataset} with at least one")
        first = next(iter(self.data.values()))
        self.models = _named_models(models)
        chosen = [MMR(), GreedyDiversity(), Novelty(), Random()] if rerankers is None else rerankers
        self.rerankers = [find_reranker(each) for each in chosen]
        if rerankers is None:
            self.rerankers = [each for each in self.rerankers if each.missing(first) is None]
        self.metrics = check_metrics(metrics, first, k=k)
        for data_set in self.data.values():
            check_metrics(self.metrics, data_set)
            for reranker in self.rerankers:
                if lack := reranker.missing(data_set):
                    raise SpecError(f"re-ranker {reranker.kind} needs {lack}")
        kinds = [reranker.kind for reranker in self.rerankers]
        if len(set(kinds)) < len(kinds):
            raise SpecError(f"the re-rankers {', '.join(kinds)} are not distinct; the sweep sets their weight")
        # names of runs show six digits
        given = list(diversity)
        self.diversity = sorted({float(f"{each:g}") for each in check_weights(given, "Study")}) if given else []
        self.k = max([k, *(metric.k for metric in self.metrics)])
        self.candidates = max(candidates, self.k)
        self.n_boot = Param("n_boot", 1000, Annotated[int, Range(low=0)]).check(n_boot, "Study")
        self.seed = Param("seed", 0, Seed).check(seed, "Study")
        self.title = title

    def __len__(self) -> int:
        """How many runs there are."""
        swept = len([weight for weight in self.diversity if weight > 0])
        return len(self.data) * len(self.models) * (1 + swept * len(self.rerankers))

    def run(self, *, progress: bool = False, threads: int | None = None) -> StudyResult:
        """Train, recommend, re-rank and evaluate everything.

        Parameters
        ----------
        progress
            Say on standard error how far it is: bars with elapsed and remaining time, lines where it is no terminal.
        threads
            Number of threads; one a core by default. The result does not depend on it.
        """
        started = time.perf_counter()
        reports: dict[Run, Report] = {}
        n_models = len(self.data) * len(self.models)
        with meter(show=progress, n_models=n_models, n_runs=len(self)) as told:
            for seed, data in self.data.items():
                for name, model in self.models.items():
                    told.model(name)
                    lists = self._candidates(model, data)
                    told.trained()
                    reports.update(self._sweep(name, seed, lists, told=told, threads=threads))
        seconds = time.perf_counter() - started
        return StudyResult(self, reports, seconds)

    def _candidates(self, model: Any, data: Dataset) -> Recommendations:
        if isinstance(model, Model):
            return recommend(model.fit(data.matrix), data, k=self.candidates)
        if isinstance(model, Wrapped):
            wrapped: Recommendations = model.recommend(data, k=self.candidates)
            return wrapped
        if isinstance(model, Recommendations) or not _is_scorer(model):
            return Recommendations.read(model, data, k=self.candidates)
        return recommend(model, data, k=self.candidates)

    def _sweep(
        self, name: str, seed: int, lists: Recommendations, *, told: Meter, threads: int | None
    ) -> Iterator[tuple[Run, Report]]:
        """Evaluate the plain lists of a model and all re-rankings of them, several at a time."""
        data = self.data[seed]
        weights = [weight for weight in self.diversity if weight > 0]
        cells = [(Run(name, PLAIN, 0.0, seed), lists.top(self.k))]
        for reranker in self.rerankers if weights else ():
            swept = reranker.sweep(lists, data, weights, k=self.k, threads=threads)
            cells += [(Run(name, reranker.kind, weight, seed), made) for weight, made in swept.items()]

        def work(cell: tuple[Run, Recommendations]) -> tuple[Run, Report]:
            run, made = cell
            bound = bind(made, data)
            report = Report(bound, evaluate_run(bound, self.metrics, threads=1), n_boot=self.n_boot, seed=self.seed)
            if self.n_boot:
                _ = report.replicates  # here, where the threads are, and not one by one when the table is made
            told.run(str(run))
            return run, report

        with ThreadPoolExecutor(n_threads(threads)) as pool:
            yield from pool.map(work, cells)


def _named_models(models: Mapping[str, Any] | Sequence[Any] | None) -> dict[str, Any]:
    if models is None:
        models = [name for name, info in MODELS.items() if info.factory.core]
    if not isinstance(models, Mapping):
        odd = [each for each in models if not isinstance(each, Model | str)]
        if odd:
            raise SpecError(f"a {type(odd[0]).__name__} has no name of its own; pass models={{'name': ...}}")
        models = {str(each): each for each in models}
    if not models:
        raise SpecError("a Study needs at least one model")
    return {str(name): MODELS.create(each) if isinstance(each, str) else each for name, each in models.items()}


def _is_scorer(model: Any) -> bool:
    """Tell scorers from ready recommendations: frames, dicts and int arrays."""
    if callable(model) or isinstance(model, tuple):
        return True
    if hasattr(model, "dtype") and hasattr(model, "shape"):
        return bool(model.dtype.kind == "f")
    return callable(getattr(model, "score", None)) or callable(getattr(model, "recommend", None))
