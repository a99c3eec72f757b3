"""Functions that users declare as metrics: what is asked of them, and what is said where they fail."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from beyondacc.declare.params import Cutoff, Param, parameters
from beyondacc.errors import BeyondAccError, SpecError
from beyondacc.metrics.base.states import PerUser

__all__ = ["check_function", "guarded", "line_of", "title_of", "users_values"]

_PLAIN: Final = "bool, int, float, str, a Literal, one of these | None, or beyondacc.Distance"
_SHAPE: Final = "def {name}(batch, *, k: int = 10)"


def title_of(function: Callable[..., Any]) -> str:
    """Return what a function is called in words: the first line of its docstring, else its name."""
    first = (inspect.getdoc(function) or "").partition("\n")[0].partition(":")[0].rstrip(".")
    return first or str(getattr(function, "__name__", "")).replace("_", " ").capitalize()


def line_of(error: BaseException, file: str) -> int | None:
    """Return the line of a file in which an error was raised, or None where it was in none of it."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else None


def check_function(function: Any, kind: str, takes: str, *, cutoff: bool) -> dict[str, Param]:
    """Return the parameters of a user's function: keyword-only, with an annotation and a default each.

    Parameters
    ----------
    kind
        What messages call it: ``"metric"``.
    takes
        What its one positional argument is.
    cutoff
        Whether it must have k, whose annotation may be int.

    Raises
    ------
    SpecError
        If it is none, its name cannot be written, or a parameter lacks what it must have.
    """
    name = getattr(function, "__name__", "")
    if not callable(function) or not (name.isidentifier() and name.isascii()):
        raise SpecError(
            f"a {kind} is declared above a function with a name of letters, digits and _; {function!r:.80} is not one"
        )
    owner = f"{kind} {name!r}"
    shape = _SHAPE.format(name=name) if cutoff else f"def {name}(batch, *, power: float = 1.0)"
    kinds = [each.kind for each in inspect.signature(function).parameters.values()]
    single = [kind for kind in kinds if kind is not inspect.Parameter.KEYWORD_ONLY]
    if len(single) != 1 or single[0] not in {
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.POSITIONAL_ONLY,
    }:
        raise SpecError(f"{owner} must take {takes}, and its parameters behind *; write it as {shape}")
    try:
        found = parameters(function)
    except NameError as error:
        raise SpecError(
            f"{owner}: an annotation cannot be read ({error}); import its name where it is defined"
        ) from error
    if cutoff and "k" not in found:
        raise SpecError(f"{owner} has no parameter k, the cutoff; write it as {shape}")
    if cutoff and found["k"].annotation is int:
        found["k"] = Param("k", found["k"].default, Cutoff)
    for param in found.values():
        if param.annotation is inspect.Parameter.empty or param.default is inspect.Parameter.empty:
            lack = "annotation" if param.annotation is inspect.Parameter.empty else "default"
            raise SpecError(f"{owner}: the parameter {param.name} has no {lack}; write it like power: float = 1.0")
        try:
            _ = param.domain
        except AttributeError as error:
            raise SpecError(
                f"{owner}: the annotation {param.annotation!r} of {param.name} is not one that a text can be read as; "
                f"take {_PLAIN}"
            ) from error
        param.check(param.default, owner)
    return found


def guarded(function: Callable[..., Any], owner: str) -> Callable[..., Any]:
    """Let a user's function raise a sentence that names it, with its own error as the cause."""

    @functools.wraps(function)
    def call(*given: Any, **values: Any) -> Any:
        try:
            return function(*given, **values)
        except BeyondAccError:
            raise
        except Exception as error:
            file = inspect.unwrap(function).__code__.co_filename
            where = f"at {Path(file).name}, line {line_of(error, file)}"
            raise SpecError(f"{owner} raised {type(error).__name__} ({error}) {where}; mend the function") from error

    return call


def users_values(
    function: Callable[..., Any], name: str, bounds: Callable[[Mapping[str, Any]], tuple[float, float]]
) -> Callable[..., PerUser]:
    """Let a user's function of a block of users return a plain array, which is checked: one number for each user."""
    call = guarded(function, f"metric {name!r}")

    @functools.wraps(function)
    def compute(inputs: Any, **values: Any) -> PerUser:
        found = call(inputs, **values)
        array = np.asarray(found.values if isinstance(found, PerUser) else found)
        if array.shape != (len(inputs),) or array.dtype.kind not in "fiub":
            raise SpecError(
                f"metric {name!r} returned {_shown(found)} for {len(inputs)} users; "
                "it must return an array with one number for each user, NaN where it is undefined"
            )
        array = np.array(array, np.float64)
        low, high = bounds(values)
        outside = array[np.isinf(array) | (array < low) | (array > high)]
        if len(outside):
            raise SpecError(
                f"metric {name!r} returned {outside[0]:g}; it must return finite numbers"
                + (f" within its bounds, {low:g} to {high:g}" if np.isfinite([low, high]).any() else "")
                + ", or NaN where it is undefined"
            )
        return PerUser(array)

    return compute


def _shown(found: Any) -> str:
    if isinstance(found, np.ndarray):
        return f"an array of {found.dtype} of the shape {found.shape}"
    return f"a {type(found).__name__}"
