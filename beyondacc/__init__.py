"""Beyond-accuracy evaluation of recommender systems: evaluate, re-rank, study.

Names are imported when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beyondacc import models
    from beyondacc.data.dataset import Dataset
    from beyondacc.data.movielens import load_movielens
    from beyondacc.data.recommendations import Recommendations
    from beyondacc.distances import Distance, distance
    from beyondacc.errors import BeyondAccError, DataError, DependencyError, SpecError
    from beyondacc.evaluation import evaluate
    from beyondacc.metrics import (
        average_precision,
        binomial_coverage,
        binomial_diversity,
        binomial_nonredundancy,
        catalog_coverage,
        entropy,
        epc,
        gini,
        hit_rate,
        ild,
        mean_popularity,
        ndcg,
        parse,
        personalization,
        precision,
        recall,
        reciprocal_rank,
        self_information,
        serendipity_ge,
        surprise_content,
        surprise_cooccurrence,
        unexpectedness,
    )
    from beyondacc.rerank import MMR, GreedyDiversity, Novelty, Random, Reranker
    from beyondacc.results import Report, Reports
    from beyondacc.scorers import as_scorer, recommend
    from beyondacc.spec.metric import Metric
    from beyondacc.study import Study, StudyResult

__version__ = "0.1.0"

_HOME = {
    "beyondacc.data.dataset": ("Dataset",),
    "beyondacc.data.movielens": ("load_movielens",),
    "beyondacc.data.recommendations": ("Recommendations",),
    "beyondacc.distances": ("Distance", "distance"),
    "beyondacc.errors": ("BeyondAccError", "DataError", "DependencyError", "SpecError"),
    "beyondacc.evaluation": ("evaluate",),
    "beyondacc.metrics": (
        "average_precision",
        "binomial_coverage",
        "binomial_diversity",
        "binomial_nonredundancy",
        "catalog_coverage",
        "entropy",
        "epc",
        "gini",
        "hit_rate",
        "ild",
        "mean_popularity",
        "ndcg",
        "parse",
        "personalization",
        "precision",
        "recall",
        "reciprocal_rank",
        "self_information",
        "serendipity_ge",
        "surprise_content",
        "surprise_cooccurrence",
        "unexpectedness",
    ),
    "beyondacc.rerank": ("MMR", "GreedyDiversity", "Novelty", "Random", "Reranker"),
    "beyondacc.results": ("Report", "Reports"),
    "beyondacc.scorers": ("as_scorer", "recommend"),
    "beyondacc.spec.metric": ("Metric",),
    "beyondacc.study": ("Study", "StudyResult"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

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
    "average_precision",
    "binomial_coverage",
    "binomial_diversity",
    "binomial_nonredundancy",
    "catalog_coverage",
    "distance",
    "entropy",
    "epc",
    "evaluate",
    "gini",
    "hit_rate",
    "ild",
    "load_movielens",
    "mean_popularity",
    "models",
    "ndcg",
    "parse",
    "personalization",
    "precision",
    "recall",
    "reciprocal_rank",
    "recommend",
    "self_information",
    "serendipity_ge",
    "surprise_content",
    "surprise_cooccurrence",
    "unexpectedness",
]


def __getattr__(name: str) -> Any:
    if name == "models":
        return import_module("beyondacc.models")
    if name in _MODULE_OF:
        found = getattr(import_module(_MODULE_OF[name]), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'beyondacc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
