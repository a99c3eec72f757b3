"""Reading names such as ``ild(distance=cosine(half=true))@10`` back into a name, its parameters and a cutoff."""

from __future__ import annotations

import re
from collections.abc import Iterable

from beyondacc.errors import SpecError

__all__ = ["parse_call", "split_calls", "split_cutoffs", "split_names"]

_CALL = re.compile(
    r"\s*(?P<name>[A-Za-z_][\w-]*)\s*(?:\((?P<arguments>(?:[^()]|\([^()]*\))*)\))?"
    r"\s*(?:@\s*(?P<k>\S+(?:\s*,\s*\S+)*))?\s*",
    re.ASCII,
)
_CUTOFFS = re.compile(r"@\s*(?P<k>\d+(?:\s*,\s*\d+)*)\s*$", re.ASCII)


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


def split_names(texts: Iterable[str]) -> list[str]:
    """Split ``ild@5, MMR(a=1, b=2)`` at the commas outside parentheses, but not ``ndcg@5,10,20``, which is one."""
    parts: list[str] = []
    for part in (piece.strip() for text in texts for piece in split_calls(text)):
        if part.isdecimal() and parts and _CUTOFFS.search(parts[-1]):
            parts[-1] += f",{part}"
        elif part:
            parts.append(part)
    return parts


def split_cutoffs(text: str) -> list[str]:
    """Write ``ndcg@5,10`` as ``ndcg@5`` and ``ndcg@10``, in ascending order; a text with one cutoff stays as it is.

    Raises
    ------
    SpecError
        If a cutoff is given twice.
    """
    match = _CUTOFFS.search(text)
    if match is None or "," not in match[0]:
        return [text]
    cutoffs = sorted(int(part) for part in match["k"].split(","))
    if len(set(cutoffs)) < len(cutoffs):
        raise SpecError(f"{text!r} gives a cutoff twice; give each once")
    return [f"{text[: match.start()]}@{k}" for k in cutoffs]


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
    if "," in match["k"] and _CUTOFFS.search(text):
        raise SpecError(f"{text!r} names several cutoffs; give one here")
    if not match["k"].isdecimal() or int(match["k"]) < 1:
        raise SpecError(f"{text!r}: the cutoff {match['k']!r} is not allowed; k must be a whole number >= 1")
    return match["name"], given, int(match["k"])
