"""The exceptions a user can meet; every message says what was given, what is allowed and what to do."""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Iterable

__all__ = [
    "BeyondAccError",
    "DataError",
    "DependencyError",
    "NoEffectWarning",
    "SpecError",
    "choices",
    "did_you_mean",
    "warn_no_effect",
]


class BeyondAccError(ValueError):
    """Base of all errors that beyondacc raises on purpose."""


class DataError(BeyondAccError):
    """The data given cannot be used as it is: a column, a value, an id, a file, a shape."""


class SpecError(BeyondAccError):
    """What was asked for does not exist or does not fit: a name, a parameter, a combination."""


class DependencyError(BeyondAccError, ImportError):
    """An optional package is needed; the message names the extra that brings it."""


class NoEffectWarning(UserWarning):
    """What was asked for was done and makes no difference; the message says why."""


def warn_no_effect(message: str) -> None:
    """Warn at the line of the user's code that called the library."""
    level, frame = 1, sys._getframe()  # noqa: SLF001 - the only way to see who called
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] == "beyondacc":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, NoEffectWarning, stacklevel=level)


def choices(names: Iterable[object]) -> str:
    """Join names for a message: ``a, b or c``."""
    texts = [str(name) for name in names]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} or {texts[-1]}"


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Say which known names are near the given one, or list them all where none is."""
    names = sorted(known)
    near = difflib.get_close_matches(given, names, n=3, cutoff=0.5)
    return f"did you mean {choices(near)}?" if near else f"known are {choices(names)}"
