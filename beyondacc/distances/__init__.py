"""Distances between items, declared once and used by metrics and re-rankers alike (METRICS, section 2)."""

# the order of declaration is the order of messages
# isort: off
from beyondacc.distances.declared import DISTANCES, Distance
from beyondacc.distances.features import COSINE, JACCARD
from beyondacc.distances.cooccurrence import COOCCURRENCE, NPMI
from beyondacc.distances.own import distance
# isort: on

__all__ = ["COOCCURRENCE", "COSINE", "DISTANCES", "JACCARD", "NPMI", "Distance", "distance"]
