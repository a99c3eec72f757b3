"""Numbers that look random and depend on their key alone: no generator whose state depends on what was drawn before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mix", "uniform"]

Words = NDArray[np.uint64]


def mix(values: Words) -> Words:
    """Scramble 64-bit words, one to one.

    The output function of SplitMix64 (Steele, Lea & Flood 2014, OOPSLA, "Fast splittable pseudorandom number
    generators", figure 13), after one step of its counter.
    """
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def uniform(seed: int, first: Words, second: Words) -> NDArray[np.float64]:
    """Return numbers in [0, 1) for keys (seed, first, second); `first` and `second` are broadcast."""
    start = mix(np.array([seed % 2**64], np.uint64))
    words = mix(mix(start + first) + second)
    numbers: NDArray[np.float64] = np.multiply(words >> np.uint64(11), 2.0**-53)
    return numbers
