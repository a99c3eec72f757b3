"""The metrics: declarations next to their formulas. Importing this package fills the registry."""

# The order of declaration is the order of tables.
# isort: off
from beyondacc.metrics.accuracy import average_precision, hit_rate, ndcg, precision, recall, reciprocal_rank
from beyondacc.metrics.diversity import binomial_coverage, binomial_diversity, binomial_nonredundancy, ild
from beyondacc.metrics.novelty import epc, mean_popularity, self_information
from beyondacc.metrics.serendipity import serendipity_ge, surprise_content, surprise_cooccurrence, unexpectedness
from beyondacc.metrics.coverage import catalog_coverage, entropy, gini, personalization

# isort: on
from beyondacc.spec.registry import REGISTRY

parse = REGISTRY.parse

__all__ = [
    "REGISTRY",
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
]
