"""What the models share that learn with torch: parameters, the loop of training, early stopping, and numpy scores."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.declare.params import Cutoff, Range, Seed
from beyondacc.errors import SpecError
from beyondacc.models.base import Model
from beyondacc.models.layout import Array, Layout, Number
from beyondacc.models.neural.backend import Backend, Batch, Noise, Tensor, Weights
from beyondacc.models.training import Stopper, hold_out, lost_ndcg
from beyondacc.types import Floats, UserIds

__all__ = ["Corruption", "Network", "Penalty", "Rate", "RatingNetwork", "Share", "glorot", "product"]

Corruption: TypeAlias = Annotated[float, Range(0, 1, open_high=True)]
"""A probability of being lost that leaves something."""
Penalty: TypeAlias = Annotated[float, Range(low=0)]
Rate: TypeAlias = Annotated[float, Range(low=0, open_low=True)]
Share: TypeAlias = Annotated[float, Range(0, 1, open_high=True)]

_SCORED = 1024  # rows that are encoded or validated at a time


def glorot(rng: np.random.Generator, n_in: int, n_out: int) -> Floats:
    """Return first weights, ``(n_in, n_out)``, uniform as in Glorot & Bengio 2010, AISTATS, eq. 16."""
    bound = np.sqrt(6.0 / (n_in + n_out))
    return rng.uniform(-bound, bound, (n_in, n_out))


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Network(Model):
    """A model with an encoder of rows of the training matrix and a linear decoder, learned in batches.

    After training, the codes of all rows and the decoder are kept as two numpy arrays whose product is the scores, so
    that a fitted model needs no torch. Entries that were held out are part of what the codes are made from.

    A subclass says how the weights start, what a batch adds to their gradients, and how rows are encoded.

    Parameters
    ----------
    l2
        The penalty: l2 / 2 times the sum of the squared weights, biases left out, is added to the loss over all rows.
    epochs
        How many times the training rows are gone through, at most.
    batch
        How many rows make a step.
    learning_rate
        The size of the steps.
    validation
        Share of the training entries that are held out to stop early by; 0: none, all `epochs` are gone through.
    patience
        How many epochs in a row may be no better on what is held out; then the weights of the best are restored.
    seed
        For the first weights, the order of the rows, the noise and what is held out. On a CPU the same seed gives the
        same bits, with as many threads.
    device
        ``auto``: CUDA where there is such a device, else the CPU; or the name of a device of torch.
    """

    needs: ClassVar[str] = "neural"

    l2: Penalty = 0.0
    epochs: Cutoff = 100
    batch: Cutoff = 256
    learning_rate: Rate = 1e-3
    validation: Share = 0.05
    patience: Cutoff = 10
    seed: Seed = 0
    device: str = "auto"

    @abstractmethod
    def _start(self, shape: tuple[int, int], rng: np.random.Generator) -> dict[str, Floats]:
        """Return the first weights for a matrix of the given shape; those named ``*bias`` are not penalised."""

    @abstractmethod
    def _encode(self, weights: Weights, batch: Batch) -> Tensor:
        """Return the codes of rows without noise, ``(n, d)``."""

    def _decode(self, weights: Weights, codes: Tensor) -> Tensor:
        """Return what the network says of every column, ``(n, n_columns)``."""
        return codes @ weights["decoder"] + weights["decoder_bias"]

    def _oriented(self, matrix: sparse.csr_array[Any]) -> sparse.csr_array[Any]:
        """Return the matrix whose rows are learned from."""
        return matrix

    def _optimizer(self, backend: Backend, weights: Weights) -> Any:
        return backend.adam(weights, self.learning_rate)

    def _loss(self, weights: Weights, batch: Batch, noise: Noise, passed: float) -> Tensor:
        """Return the loss of a batch, summed over its rows, when a share of the epochs has passed."""
        raise NotImplementedError

    def _gradients(self, weights: Weights, batch: Batch, noise: Noise, passed: float) -> float:
        """Set the gradients of the weights to those of the sum over the batch, and return its loss."""
        loss = self._loss(weights, batch, noise, passed)
        loss.backward()
        return float(loss.detach())

    def _fit(self, train: sparse.csr_array[Any]) -> None:
        self._prepare(train)
        backend = Backend(type(self).__name__, self.device)
        whole = self._oriented(train.astype(np.float32))
        fitted, held = whole, None
        if self.validation:
            parts = hold_out(train, self.validation, self.seed)
            fitted, held = (self._oriented(part.astype(np.float32)) for part in parts)
        weights = self._learn(backend, fitted, held)
        with backend.fixed():
            codes = [self._encode(weights, backend.batch(whole, rows)) for rows in _blocks(whole.shape[0])]
            self._keep(np.concatenate([_array(part) for part in codes]), {k: _array(w) for k, w in weights.items()})

    def _prepare(self, train: sparse.csr_array[Any]) -> None:
        """Learn the scale of the ratings, where there are any."""

    def _learn(self, backend: Backend, fitted: sparse.csr_array[Any], held: sparse.csr_array[Any] | None) -> Weights:
        """Return the weights after the last epoch, or of the best where entries are held out."""
        rng = np.random.default_rng(self.seed)
        n_rows = fitted.shape[0]
        weights = backend.weights(self._start(fitted.shape, rng))
        noise = backend.noise(int(rng.integers(2**63)))
        optimizer = self._optimizer(backend, weights)
        stopper: Stopper[Weights] = Stopper(self.patience)
        for epoch in range(self.epochs):
            order, loss = rng.permutation(n_rows), 0.0
            for start in range(0, n_rows, self.batch):
                rows = order[start : start + self.batch]
                passed = (epoch + start / n_rows) / self.epochs
                loss += self._gradients(weights, backend.batch(fitted, rows), noise, passed)
                with backend.fixed():
                    self._penalise(weights, rows.size, n_rows)
                optimizer.step()
                optimizer.zero_grad()
            if not np.isfinite(loss):
                raise SpecError(
                    f"{self}: the loss is {loss} after epoch {epoch + 1}; "
                    f"give a learning_rate smaller than {self.learning_rate:g}"
                )
            text, stop = f"training loss {loss / n_rows:.4g}", False
            if held is not None:
                with backend.fixed():
                    error, found = self._validate(backend, weights, fitted, held)
                text += f", validation {found}"
                stop = stopper.stop(error, lambda: {name: weight.detach().clone() for name, weight in weights.items()})
            self._tell(epoch + 1, self.epochs, text)
            if stop:
                break
        return weights if stopper.best is None else stopper.best

    def _penalise(self, weights: Weights, n: int, n_rows: int) -> None:
        """Add a batch's part of the penalty to the gradients, and make them those of the mean over its rows."""
        for name, weight in weights.items():
            if self.l2 and not name.endswith("bias"):
                weight.grad.add_(weight, alpha=self.l2 * n / n_rows)
            weight.grad.div_(n)

    def _validate(
        self, backend: Backend, weights: Weights, fitted: sparse.csr_array[Any], held: sparse.csr_array[Any]
    ) -> tuple[float, str]:
        """Return what early stopping makes least, on the held entries, and a text that tells it."""

        def outputs(rows: NDArray[Any]) -> Tensor:
            return self._decode(weights, self._encode(weights, backend.batch(fitted, rows)))

        if not self.explicit:
            lost = lost_ndcg(lambda users: _array(outputs(users)), fitted, held)
            return lost, f"nDCG {1 - lost:.4f}"
        total = 0.0
        for rows in _blocks(fitted.shape[0]):
            wanted = backend.batch(held, rows)
            total += float(((outputs(rows) - wanted.values) * wanted.stored).square().sum())
        rmse = float(np.sqrt(total / held.nnz))
        return rmse, f"RMSE {rmse:.4f}"

    def _keep(self, codes: Floats, weights: dict[str, Floats]) -> None:
        self._factors(codes, weights["decoder"], weights["decoder_bias"])

    def _factors(self, codes: Floats, decoder: Floats, bias: Floats) -> None:
        """Keep the codes and the decoder; the bias becomes the weight of one more code, which is 1."""
        self._codes = np.hstack([codes, np.ones((len(codes), 1), np.float32)])
        self._decoder = np.vstack([decoder, bias])

    def _layout(self) -> Layout:
        return {
            "_codes": Array(np.float32, (self._n_users, "codes")),
            "_decoder": Array(np.float32, ("codes", self._n_items)),
        }

    def _score(self, users: UserIds) -> Floats:
        return product(self._codes[users], self._decoder)


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class RatingNetwork(Network):
    """A network that predicts ratings, from the rows of items or of users."""

    explicit: ClassVar[bool] = True

    on: Literal["item", "user"] = "item"

    def _prepare(self, train: sparse.csr_array[Any]) -> None:
        self._mean = float(train.data.mean())

    def _layout(self) -> Layout:
        return {**super()._layout(), "_mean": Number()}

    def _oriented(self, matrix: sparse.csr_array[Any]) -> sparse.csr_array[Any]:
        return matrix.T.tocsr() if self.on == "item" else matrix


def product(left: Floats, right: Floats) -> Floats:
    """Multiply dense matrices so that a row of the result depends on the row of `left` alone, bit for bit.

    A sparse product adds row by row in a fixed order; the rounding of a dense one depends on the block.
    """
    result: Floats = (sparse.csr_array(left) @ right).astype(np.float64)
    return result


def _array(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().cpu().numpy()
    return array


def _blocks(n_rows: int) -> Iterator[NDArray[np.int64]]:
    return (np.arange(start, min(start + _SCORED, n_rows)) for start in range(0, n_rows, _SCORED))
