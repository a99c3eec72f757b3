"""The only place that imports torch: loading it, choosing a device, and dense batches of sparse rows on it."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.errors import DependencyError, SpecError
from beyondacc.types import Floats

__all__ = ["Backend", "Batch", "Noise", "Tensor", "Weights"]

Tensor: TypeAlias = Any
"""A tensor of torch, which a type checker need not have installed."""
Weights: TypeAlias = dict[str, Tensor]
"""What a network learns, by name."""


@dataclasses.dataclass(frozen=True)
class Batch:
    """Rows of a matrix, dense on the device.

    Attributes
    ----------
    rows
        Their positions in the matrix, int64, ``(n,)``.
    values
        float32, ``(n, n_columns)``; 0 where nothing is stored.
    stored
        The same with 1 where something is stored, be it a 0.
    """

    rows: Tensor
    values: Tensor
    stored: Tensor

    @property
    def share(self) -> Tensor:
        """The values divided by the Euclidean norm of their row; a row of zeros stays one."""
        return self.values / self.values.norm(dim=1, keepdim=True).clamp(min=1e-12)


class Noise:
    """Random tensors from one seeded generator, which the global one of torch has no part in."""

    def __init__(self, generator: Any) -> None:
        self._generator = generator

    def chosen(self, probability: Tensor) -> Tensor:
        """Return 1 with the given probabilities, else 0, in their shape."""
        return probability.bernoulli(generator=self._generator)

    def kept(self, values: Tensor, drop: float) -> Tensor:
        """Return the values, each set to 0 with probability `drop`, else divided by ``1 - drop``."""
        mask = values.new_empty(values.shape).bernoulli_(1.0 - drop, generator=self._generator)
        return values * mask / (1.0 - drop)

    def normal(self, like: Tensor) -> Tensor:
        """Return standard normal numbers in the shape of a tensor."""
        return like.new_empty(like.shape).normal_(generator=self._generator)


class Backend:
    """torch on one device.

    Parameters
    ----------
    owner
        Name of the model, for messages.
    device
        ``auto``: CUDA where torch sees such a device, else the CPU; any other text is torch's name of a device.

    Raises
    ------
    DependencyError
        If torch is not installed.
    SpecError
        If torch does not know the device or cannot use it.
    """

    def __init__(self, owner: str, device: str) -> None:
        try:
            self.torch: Any = importlib.import_module("torch")
        except ImportError as error:
            raise DependencyError(f"{owner} learns with torch; pip install 'beyondacc[neural]'") from error
        name = device
        if device == "auto":
            name = "cuda" if self.torch.cuda.is_available() else "cpu"
        try:
            self.device = self.torch.device(name)
            self.torch.zeros(1, device=self.device).cpu()  # some devices are known and not here, or give nothing back
        except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch raises each of them for this
            reason = str(error).partition("\n")[0]
            raise SpecError(
                f"{owner}: device={device!r} cannot be used ({reason}); device must be 'auto', 'cpu', or a device that "
                "torch has here, such as 'cuda' or 'cuda:1'"
            ) from error

    def noise(self, seed: int) -> Noise:
        """Return a source of random tensors on the device."""
        return Noise(self.torch.Generator(device=self.device).manual_seed(seed))

    def weights(self, arrays: Mapping[str, Floats]) -> Weights:
        """Return arrays as float32 tensors that take gradients."""
        return {name: self._tensor(array.astype(np.float32)).requires_grad_() for name, array in arrays.items()}

    def adam(self, weights: Weights, learning_rate: float) -> Any:
        """Return the optimizer of Kingma & Ba 2015, ICLR."""
        return self.torch.optim.Adam(list(weights.values()), lr=learning_rate)

    def descent(self, weights: Weights, learning_rate: float, momentum: float) -> Any:
        """Return gradient descent with momentum."""
        return self.torch.optim.SGD(list(weights.values()), lr=learning_rate, momentum=momentum)

    def batch(self, matrix: sparse.csr_array[Any], rows: NDArray[np.integer[Any]]) -> Batch:
        """Return rows of a float32 matrix."""
        part = matrix[rows]
        values = self._tensor(part.toarray())
        part.data = np.ones_like(part.data)
        return Batch(self._tensor(rows.astype(np.int64)), values, self._tensor(part.toarray()))

    def fixed(self) -> Any:
        """Return a context in which nothing is recorded for gradients."""
        return self.torch.no_grad()

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return self.torch.from_numpy(array).to(self.device)
