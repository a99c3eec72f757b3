"""Names for the arrays that travel through the library, and the protocol of a scorer."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bits", "Bools", "Floats", "Int", "ItemIds", "Offsets", "Scorer", "UserIds"]

ItemIds: TypeAlias = NDArray[np.int32]
"""Positions in the item vocabulary; -1 pads a list."""
Int: TypeAlias = int | np.int64
"""A whole number inside a kernel."""
UserIds: TypeAlias = NDArray[np.int32]
"""Positions in the user vocabulary."""
Offsets: TypeAlias = NDArray[np.int64]
"""Row pointers of a compressed sparse row layout, length rows + 1."""
Floats: TypeAlias = NDArray[np.floating[Any]]
Bools: TypeAlias = NDArray[np.bool_]
Bits: TypeAlias = NDArray[np.uint64]
"""Feature sets as bits, ``(n_items, words)``."""


class Scorer(Protocol):
    """Anything that scores every item for a block of users."""

    def score(self, users: UserIds) -> Floats:
        """Return scores of shape ``(len(users), n_items)``; higher is better."""
        ...
