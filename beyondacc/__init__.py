"""Beyond-accuracy evaluation of recommender systems: evaluate, re-rank, study.

Names are imported when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beyondacc import metrics as _metrics
    from beyondacc import models
    from beyondacc.data.dataset import Dataset
    from beyondacc.data.movielens import load_movielens
    from beyondacc.data.recommendations import Recommendations
    from beyondacc.distances import Distance, distance
    from beyondacc.errors import (
        BeyondAccError,
        DataError,
        DependencyError,
        SpecError,
    )
    from beyondacc.evaluation import evaluate
    from beyondacc.metrics import *
    from beyondacc.rerank import (
        MMR,
        GreedyDiversity,
        Novelty,
        Random,
        Reranker,
    )
    from beyondacc.results import Report, Reports
    from beyondacc.scorers import as_scorer, recommend
    from beyondacc.spec.metric import Metric
    from beyondacc.study import Study, StudyResult

    __all__ = [
        "MMR",
        "BeyondAccError",
        "DataError",
        "Dataset",
        "DependencyError",
        "Distance",
        "GreedyDiversity",
        "Metric",
        "Novelty",
        "Random",
        "Recommendations",
        "Report",
        "Reports",
        "Reranker",
        "SpecError",
        "Study",
        "StudyResult",
        "as_scorer",
        "distance",
        "evaluate",
        "load_movielens",
        "models",
        "recommend",
    ]
    __all__ += _metrics.__all__

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
