"""Beyond-accuracy evaluation of recommender systems: evaluate, re-rank, study.

Names are imported when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beyondacc import models as models
    from beyondacc.data.dataset import Dataset as Dataset
    from beyondacc.data.movielens import load_movielens as load_movielens
    from beyondacc.data.recommendations import Recommendations as Recommendations
    from beyondacc.distances import Distance as Distance, distance as distance
    from beyondacc.errors import (
        BeyondAccError as BeyondAccError,
        DataError as DataError,
        DependencyError as DependencyError,
        SpecError as SpecError,
    )
    from beyondacc.evaluation import evaluate as evaluate
    from beyondacc.metrics import *
    from beyondacc.rerank import (
        MMR as MMR,
        GreedyDiversity as GreedyDiversity,
        Novelty as Novelty,
        Random as Random,
        Reranker as Reranker,
    )
    from beyondacc.results import Report as Report, Reports as Reports
    from beyondacc.scorers import as_scorer as as_scorer, recommend as recommend
    from beyondacc.spec.metric import Metric as Metric
    from beyondacc.study import Study as Study, StudyResult as StudyResult


__version__ = "0.1.0"

_HOME = {
    "beyondacc.data.dataset": ("Dataset",),
    "beyondacc.data.movielens": ("load_movielens",),
    "beyondacc.data.recommendations": ("Recommendations",),
    "beyondacc.distances": ("Distance", "distance"),
    "beyondacc.errors": ("BeyondAccError", "DataError", "DependencyError", "SpecError"),
    "beyondacc.evaluation": ("evaluate",),
    "beyondacc.rerank": ("MMR", "GreedyDiversity", "Novelty", "Random", "Reranker"),
    "beyondacc.results": ("Report", "Reports"),
    "beyondacc.scorers": ("as_scorer", "recommend"),
    "beyondacc.spec.metric": ("Metric",),
    "beyondacc.study": ("Study", "StudyResult"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def _public() -> list[str]:
    metrics = import_module("beyondacc.metrics")
    return sorted([*_MODULE_OF, "models", "parse", *metrics.REGISTRY])


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return _public()
    if name == "models":
        return import_module("beyondacc.models")
    if name in _MODULE_OF:
        found = getattr(import_module(_MODULE_OF[name]), name)
    elif name.startswith("_") or name not in _public():
        raise AttributeError(f"module 'beyondacc' has no attribute {name!r}")
    else:
        found = getattr(import_module("beyondacc.metrics"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return _public()
