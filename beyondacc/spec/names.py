"""Reading names such as ``ild(distance=cosine(half=true))@10`` back into a name, its parameters and a cutoff."""

from __future__ import annotations

import re

from beyondacc.errors import SpecError

__all__ = ["parse_call", "split_calls"]

_CALL = re.compile(
    r"\s*(?P<name>[A-Za-z_][\w-]*)\s*(?:\((?P<arguments>(?:[^()]|\([^()]*\))*)\))?\s*(?:@\s*(?P<k>\S+))?\s*", re.ASCII
)


def split_calls(text: str) -> list[str]:
    """Split ``a(b=1, c=2), d`` at the commas outside parentheses."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def parse_call(text: str) -> tuple[str, dict[str, str], int | None]:
    """Split ``name(key=value, ...)@k`` into its parts; values stay text and are converted by the parameter's domain.

    Raises
    ------
    SpecError
        If the text does not have that form.
    """
    match = _CALL.fullmatch(text)
    if match is None:
        raise SpecError(f"{text!r} cannot be read; write name@10 or name(parameter=value)@10")
    given: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in split_calls(match["arguments"] or ""))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (key and equals and value):
            raise SpecError(f"{text!r}: {part!r} is not parameter=value")
        if key in given:
            raise SpecError(f"{text!r} gives {key} twice")
        given[key] = value
    if match["k"] is None:
        return match["name"], given, None
    if not match["k"].isdecimal() or int(match["k"]) < 1:
        raise SpecError(f"{text!r}: the cutoff {match['k']!r} is not allowed; k must be a whole number >= 1")
    return match["name"], given, int(match["k"])
