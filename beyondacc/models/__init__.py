"""Recommendation models to study."""

# The order of declaration is the order of tables.
# isort: off
from beyondacc.models.base import MODELS, Model, Progress
from beyondacc.models.baselines import Popularity, Random
from beyondacc.models.neighbours import ItemKNN, UserKNN
from beyondacc.models.factors import CentredSVD, PureSVD
from beyondacc.models.ease import EASE
from beyondacc.models.ease_gradient import EASEGradient
from beyondacc.models.slim import SLIM
from beyondacc.models.warp import WARP
from beyondacc.models.implicit_library import ALS, BPR
from beyondacc.models.rating_neighbours import ItemKNNRatings, UserKNNRatings
from beyondacc.models.biased import BiasedMF
from beyondacc.models.neural.autorec import AutoRec
from beyondacc.models.neural.rbm import RBM
from beyondacc.models.neural.autoencoders import CDAE, DenoisingAutoencoder
from beyondacc.models.neural.multinomial import MultDAE, MultVAE

# isort: on

__all__ = [
    "ALS",
    "BPR",
    "CDAE",
    "EASE",
    "MODELS",
    "RBM",
    "SLIM",
    "WARP",
    "AutoRec",
    "BiasedMF",
    "CentredSVD",
    "DenoisingAutoencoder",
    "EASEGradient",
    "ItemKNN",
    "ItemKNNRatings",
    "Model",
    "MultDAE",
    "MultVAE",
    "Popularity",
    "Progress",
    "PureSVD",
    "Random",
    "UserKNN",
    "UserKNNRatings",
    "load",
]

load = Model.load
