"""Recommendation models to study: numpy and scipy only."""

from beyondacc.models.base import MODELS, Model
from beyondacc.models.baselines import Popularity, Random
from beyondacc.models.ease import EASE
from beyondacc.models.factors import PureSVD
from beyondacc.models.neighbours import ItemKNN, UserKNN

__all__ = [
    "EASE",
    "MODELS",
    "ItemKNN",
    "Model",
    "Popularity",
    "PureSVD",
    "Random",
    "UserKNN",
]
