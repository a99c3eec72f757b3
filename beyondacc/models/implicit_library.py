"""Models that the library implicit trains: alternating least squares and Bayesian personalised ranking."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import Annotated, Any, ClassVar

import numpy as np
from scipy import sparse

from beyondacc.declare.params import Cutoff, Range, Seed
from beyondacc.errors import DependencyError
from beyondacc.models.base import MODELS, Model
from beyondacc.models.layout import Array, Layout
from beyondacc.run.blas import SINGLE_BLAS
from beyondacc.types import Floats, UserIds

__all__ = ["ALS", "BPR"]


def _library(name: str) -> Any:
    try:
        import implicit  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise DependencyError(f"{name} is trained by the library implicit; pip install 'beyondacc[models]'") from error
    return implicit


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class _Factors(Model):
    """A product of factors that implicit has learned."""

    needs: ClassVar[str] = "models"

    epochs: Cutoff

    @abstractmethod
    def _model(self, implicit: Any) -> Any:
        """Return the model of implicit, not fitted."""

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        implicit = _library(type(self).__name__)
        binary = sparse.csr_matrix(train.astype(np.float32))
        with SINGLE_BLAS:  # as implicit demands: it has threads of its own, and brings threadpoolctl
            made = self._model(implicit)
            made.fit(binary, show_progress=False, callback=self._done)
        self._users: Floats = np.asarray(made.user_factors, np.float64)
        self._items: Floats = np.ascontiguousarray(np.asarray(made.item_factors, np.float64).T)

    def _done(self, epoch: int, *_: Any) -> None:
        self._tell(epoch + 1, self.epochs, "")

    def _layout(self) -> Layout:
        return {
            "_users": Array(np.float64, (self._n_users, "factors")),
            "_items": Array(np.float64, ("factors", self._n_items)),
        }

    def _score(self, users: UserIds) -> Floats:
        # A sparse product adds row by row in a fixed order; the rounding of a dense one depends on the block.
        left: Any = sparse.csr_array(self._users[users])
        scores: Floats = left @ self._items
        return scores


@MODELS.declare(
    title="Alternating least squares for implicit feedback",
    cite="Hu, Koren & Volinsky 2008, ICDM, Collaborative Filtering for Implicit Feedback Datasets; with conjugate "
    "gradients as in Takacs, Pilaszy & Tikk 2011, RecSys (the library implicit)",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class ALS(_Factors):
    """Factors that give 1 for what users have and 0 for all else, where what they have weighs more.

    ``score(u, i) = p_u . q_i`` minimises the sum over all u and i of ``c_ui (x_ui - p_u . q_i)^2`` plus
    ``l2 (|p_u|^2 + |q_i|^2)``, where c is `alpha` for interactions and 1 elsewhere: Hu, Koren & Volinsky's own alpha is
    this one less 1. It is trained by the library implicit, in single precision.

    Parameters
    ----------
    factors
        How many.
    epochs
        How many times users and items are solved for.
    alpha
        What an interaction weighs.
    l2
        The penalty on the squared factors.
    seed
        Of the first factors.
    """

    factors: Cutoff = 50
    epochs: Cutoff = 15
    alpha: Annotated[float, Range(low=0, open_low=True)] = 2.0
    l2: Annotated[float, Range(low=0)] = 10.0
    seed: Seed = 0

    def _model(self, implicit: Any) -> Any:
        return implicit.als.AlternatingLeastSquares(
            factors=self.factors,
            iterations=self.epochs,
            alpha=self.alpha,
            regularization=self.l2,
            random_state=self.seed,
            use_gpu=False,
        )


@MODELS.declare(
    title="Bayesian personalised ranking",
    cite="Rendle, Freudenthaler, Gantner & Schmidt-Thieme 2009, UAI, BPR: Bayesian Personalized Ranking from Implicit "
    "Feedback (the library implicit)",
)
@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class BPR(_Factors):
    """Factors and item biases that rank what users have above what they have not, pair by pair.

    ``score(u, i) = p_u . q_i + b_i`` maximises the sum of ``log sigmoid(score(u, i) - score(u, j))`` over items i that
    u has and drawn ones j that u has not, less ``l2`` times the squares, by stochastic gradient ascent. It is trained
    by the library implicit, in single precision and on one thread, so that the same seed gives the same factors. That
    library draws j from all interactions, popular items most often, and not evenly as the paper does: popular items
    are held down, lists reach far into the catalogue and hit less.

    Parameters
    ----------
    factors
        How many.
    epochs
        How many times as many pairs are drawn as there are interactions.
    learning_rate
        Length of a step.
    l2
        The penalty on the squared factors and biases, at each step.
    seed
        Of the first factors and the pairs.
    """

    factors: Cutoff = 50
    epochs: Cutoff = 50
    learning_rate: Annotated[float, Range(low=0, open_low=True)] = 0.02
    l2: Annotated[float, Range(low=0)] = 0.03
    seed: Seed = 0

    def _model(self, implicit: Any) -> Any:
        return implicit.bpr.BayesianPersonalizedRanking(
            factors=self.factors,
            iterations=self.epochs,
            learning_rate=self.learning_rate,
            regularization=self.l2,
            random_state=self.seed,
            num_threads=1,
            use_gpu=False,
        )
