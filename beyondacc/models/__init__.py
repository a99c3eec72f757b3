"""Recommendation models to study."""

# The order of declaration is the order of tables.
# isort: off
from beyondacc.models.base import MODELS, Model, Progress
from beyondacc.models.baselines import Popularity, Random
from beyondacc.models.neighbours import ItemKNN, UserKNN
from beyondacc.models.factors import PureSVD
from beyondacc.models.ease import EASE

# isort: on

__all__ = [
    "EASE",
    "MODELS",
    "ItemKNN",
    "Model",
    "Popularity",
    "Progress",
    "PureSVD",
    "Random",
    "UserKNN",
    "load",
]

load = Model.load
