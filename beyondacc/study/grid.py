"""A study: every model, every re-ranker at every weight, every metric."""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from beyondacc.data.dataset import Dataset
from beyondacc.declare.catalogue import fingerprint, origin_of
from beyondacc.declare.params import Param, Range, Seed
from beyondacc.distances import Distance
from beyondacc.errors import SpecError
from beyondacc.evaluation.evaluate import check_metrics
from beyondacc.kernels import jit
from beyondacc.metrics.base.registry import check_cutoffs
from beyondacc.models import MODELS, Model
from beyondacc.rerank import MMR, GreedyDiversity, Novelty, Random, Reranker
from beyondacc.rerank.base import check_weights, find_reranker
from beyondacc.rerank.terms import Gain
from beyondacc.study.cells import Cells
from beyondacc.study.progress import meter
from beyondacc.study.result import StudyResult
from beyondacc.study.store import FolderStore, Store, digest_of

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
        scorer, a wrapped re-ranker, or ready recommendations, as lists or the file that holds them; or a list of models
        or texts, named by themselves. The core ones of `beyondacc.models` by default, which ``beyondacc models --json``
        tells.
    rerankers
        Re-rankers or their texts, whose weight the sweep sets; MMR, GreedyDiversity, Novelty and Random by default.
    metrics
        Metrics or their names; all that the data allows, at k, by default.
    diversity
        The weights of the sweep, in [0, 1], to six digits. At 0 a re-ranker returns the plain list, which is
        evaluated once.
    k
        Cutoff of metrics given without one, or several, and the length of re-ranked lists at least.
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
        k: int | Sequence[int] = 10,
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
        self.k = max([*check_cutoffs(k, "Study"), *(metric.k for metric in self.metrics)])
        self.candidates = max(candidates, self.k)
        self.n_boot = Param("n_boot", 1000, Annotated[int, Range(low=0)]).check(n_boot, "Study")
        self.seed = Param("seed", 0, Seed).check(seed, "Study")
        self.title = title

    def __len__(self) -> int:
        """How many runs there are."""
        swept = len([weight for weight in self.diversity if weight > 0])
        return len(self.data) * len(self.models) * (1 + swept * len(self.rerankers))

    def run(
        self, *, folder: str | os.PathLike[str] | None = None, progress: bool = False, threads: int | None = None
    ) -> StudyResult:
        """Train, recommend, re-rank and evaluate everything.

        A run that fails does not stop the others: it is left out, and `StudyResult.failures` says why.

        Parameters
        ----------
        folder
            Where the results are kept run by run. A study that was stopped goes on where it stopped if it is given the
            same folder, and ends with the same bits. Models and lists of your own are told apart by their names alone.
        progress
            Say on standard error how far it is, and how far the training of a model that learns in epochs: bars with
            elapsed and remaining time, lines where it is no terminal.
        threads
            Number of threads; one a core by default. The result does not depend on it.

        Raises
        ------
        DataError
            If the folder holds another study.
        SpecError
            If every run fails.
        """
        started = time.perf_counter()
        store = Store() if folder is None else FolderStore(Path(folder), self._facts())
        cells = Cells(self, store, threads)
        n_models = len(self.data) * len(self.models)
        with meter(show=progress, n_models=n_models, n_runs=len(self)) as told:
            for seed in self.data:
                for name in self.models:
                    told.model(name)
                    cells.run(name, seed, told)
        if not cells.reports:
            run, error = next(iter(cells.failures.items()))
            raise SpecError(f"every run of the study failed; {run}: {error}")
        return StudyResult(self, cells.reports, time.perf_counter() - started, failures=cells.failures)

    def _facts(self) -> dict[str, str]:
        """Tell what the study is of: what must be the same where it goes on."""
        from beyondacc import __version__  # noqa: PLC0415 - the package imports this module

        own = sorted({f"{origin_of(each).qualname}:{fingerprint(each)}" for each in self._declaring()})
        return ({"lines of your own": ", ".join(own)} if own else {}) | {
            "data": " ".join(f"{seed}:{digest_of(data, self.metrics)}" for seed, data in self.data.items()),
            "models": ", ".join(
                f"{name}={model if isinstance(model, Model) else ''}" for name, model in self.models.items()
            ),
            "re-rankers": ", ".join(each.kind for each in self.rerankers),
            "metrics": ", ".join(map(str, self.metrics)),
            "numbers": f"k={self.k} candidates={self.candidates} n_boot={self.n_boot} seed={self.seed}",
            "version": f"{__version__} {jit.version()}",
        }

    def _declaring(self) -> Iterator[Callable[..., Any]]:
        """Yield the functions and classes of one's own that the runs are made by and evaluated by."""
        found: list[Any] = [type(each) for each in self.rerankers]
        for metric in self.metrics:
            found += [each for each in (metric.family.compute, metric.family.accumulate) if each is not None]
        values = [value for metric in self.metrics for value in metric.values.values()]
        values += [value for each in self.rerankers for value in vars(each).values()]
        found += [value.declaring for value in values if isinstance(value, Distance)]
        found += [value.function for value in values if isinstance(value, Gain)]
        for each in found:
            declaring = inspect.unwrap(jit.plain(each))
            if not origin_of(declaring).ours:
                yield declaring


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
    return {str(name): _model(each) if isinstance(each, str) else each for name, each in models.items()}


def _model(text: str) -> Any:
    """Return the model that a text describes, or the path of lists that it names."""
    path = Path(text)
    return path if path.suffix and path.is_file() else MODELS.create(text)
