"""What a study does: candidates of each model, all re-rankings of them, an evaluation of each; kept cell by cell."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from beyondacc.bound.batch import Batch
from beyondacc.bound.bind import bind
from beyondacc.data.dataset import Dataset
from beyondacc.data.ragged import Lists
from beyondacc.data.recommendations import Recommendations
from beyondacc.evaluation.evaluate import evaluate_run
from beyondacc.evaluation.report import Report
from beyondacc.metrics.base.metric import Metric
from beyondacc.metrics.base.states import PerUser, State
from beyondacc.models import Model
from beyondacc.rerank import Reranker, Wrapped
from beyondacc.run.local import map_stream
from beyondacc.scoring.scorers import recommend
from beyondacc.study.progress import Meter
from beyondacc.study.runs import PLAIN, Design, Run
from beyondacc.study.store import Arrays, Store

__all__ = ["Cells"]


class Cells:
    """The runs of a study as far as they are done.

    Attributes
    ----------
    reports, failures : dict
        Of each run that is done its report, of each that failed what happened.
    """

    def __init__(self, study: Design, store: Store, threads: int | None) -> None:
        self.study = study
        self.store = store
        self.threads = threads
        self.reports: dict[Run, Report] = {}
        self.failures: dict[Run, str] = {}

    def run(self, name: str, seed: int, told: Meter) -> None:
        """Do all runs of a model on one split."""
        data, weights = self.study.data[seed], [weight for weight in self.study.diversity if weight > 0]
        plain = Run(name, PLAIN, 0.0, seed)
        swept = {
            reranker: [Run(name, reranker.kind, weight, seed) for weight in weights]
            for reranker in self.study.rerankers
        }
        every = [plain, *(run for runs in swept.values() for run in runs)]
        lists = self._try(every, lambda: self._candidates(name, seed, told))
        told.trained()
        if lists is None:
            return
        todo: list[tuple[Run, Recommendations]] = [(plain, lists.top(self.study.k))]
        for reranker, runs in swept.items():
            made = self._try(runs, functools.partial(self._rerank, reranker, lists, data, runs))
            todo += [] if made is None else zip(runs, made, strict=True)

        def work(cell: tuple[Run, Recommendations]) -> tuple[Run, Report | None]:
            run, made = cell
            report = self._try([run], lambda: self._evaluate(run, made, data))
            told.run(str(run))
            return run, report

        found = map_stream(work, todo, threads=self.threads)
        self.reports |= {run: report for run, report in found if report is not None}

    def _try(self, runs: list[Run], work: Callable[[], Any]) -> Any:
        """Return what the work returns, or None where it fails, which is noted for the runs that rest on it."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - a cell that fails must not stop the others, whatever it is
            text = f"{type(error).__name__}: {error}"
            self.failures |= dict.fromkeys(runs, text)
            return None

    def _candidates(self, name: str, seed: int, told: Meter) -> Recommendations:
        model, data = self.study.models[name], self.study.data[seed]
        n = self.study.candidates
        if isinstance(model, Recommendations) or not (isinstance(model, Model | Wrapped) or _is_scorer(model)):
            return Recommendations.read(model, data, k=n)

        if (kept := self.store.get("candidates", name, seed)) is not None:
            return _lists_of(kept, data)
        if isinstance(model, Wrapped):
            made: Recommendations = model.recommend(data, k=n)
        else:
            if isinstance(model, Model):
                model.fit(data.matrix, progress=functools.partial(told.step, model.step))
            made = recommend(model, data, k=n)
        users = made.codes(data)
        self.store.put({"users": users, **made.ragged.arrays()}, "candidates", name, seed)
        return made

    def _rerank(
        self, reranker: Reranker, lists: Recommendations, data: Dataset, runs: list[Run]
    ) -> list[Recommendations]:
        """Re-rank at the weights of some runs, in one pass for those that are not there."""
        kept = {run: self.store.get("lists", *_key(run)) for run in runs}
        absent = [run.diversity for run, arrays in kept.items() if arrays is None]
        made = reranker.sweep(lists, data, absent, k=self.study.k, threads=self.threads) if absent else {}
        found = []
        for run, arrays in kept.items():
            if arrays is None:
                picked = made[run.diversity]
                arrays = picked.ragged.arrays()  # noqa: PLW2901
                self.store.put(arrays, "lists", *_key(run))
            again = Lists.of_arrays(arrays)
            found.append(Recommendations(lists.users, lists.items, again, ordered_by_score=False))
        return found

    def _evaluate(self, run: Run, made: Recommendations, data: Dataset) -> Report:
        bound = bind(made, data)
        n_boot, seed = self.study.n_boot, self.study.seed
        kept = self.store.get("values", *_key(run))
        if kept is None:
            states = evaluate_run(bound, self.study.metrics, threads=1)
            report = Report(bound, states, n_boot=n_boot, seed=seed, threads=1)
            if n_boot:
                _ = report.replicates  # here, where the threads are, and not one by one when the table is made
            self.store.put(_values_of(report, n_boot), "values", *_key(run))
            return report
        states = {metric: _state(metric, kept, bound) for metric in self.study.metrics}
        replicates = {metric: kept[f"replicates {metric}"] for metric in self.study.metrics} if n_boot else None
        return Report(bound, states, n_boot=n_boot, seed=seed, replicates=replicates)


def _key(run: Run) -> tuple[object, ...]:
    return run.model, run.reranker, run.diversity, run.seed


def _values_of(report: Report, n_boot: int) -> Arrays:
    found: Arrays = {}
    for metric, state in report.states.items():
        if state.stored is not None:
            found[f"values {metric}"] = state.stored
        if n_boot:
            found[f"replicates {metric}"] = report.replicates[metric]
    return found


def _state(metric: Metric, kept: Arrays, bound: Batch) -> State:
    """Return the state that was kept; showings are counted again, which is as fast."""
    if f"values {metric}" in kept:
        return PerUser(kept[f"values {metric}"])
    return metric.state(bound.block(0, len(bound), metric.k))


def _lists_of(arrays: Arrays, data: Dataset) -> Recommendations:
    return Recommendations(data.users.ids.take(arrays["users"]), data.items, Lists.of_arrays(arrays))


def _is_scorer(model: Any) -> bool:
    """Tell scorers from ready recommendations: frames, dicts and int arrays."""
    if callable(model) or isinstance(model, tuple):
        return True
    if hasattr(model, "dtype") and hasattr(model, "shape"):
        return bool(model.dtype.kind == "f")
    return callable(getattr(model, "score", None)) or callable(getattr(model, "recommend", None))
