"""Genres as texts: which separator a column has, and the texts of lists and records of Python, JSON and numpy."""

from __future__ import annotations

import ast
import io
import json
import math
import re
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

from beyondacc.data.intake.genre_rows import NO_GENRES
from beyondacc.errors import DataError

__all__ = ["decode_lists", "find_separator", "looks_like_list", "parse_list"]

_SEPARATORS: Final = ("|", ";", ",")  # the earlier one is rarer in names, so it is the outer one where both are there
_NOTHING: Final = {"nan": math.nan, "NaN": math.nan, "null": None, "NULL": None}
_WRAPPERS: Final = frozenset({"set", "frozenset", "list", "tuple", "array"})
_BROKEN: Final = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, tokenize.TokenError)
_BEGINS: Final = re.compile(r"\s*(\[|\(|\{|(set|frozenset|list|tuple|array)\s*\()")
_LIST_ONLY: Final = re.compile(r"""\s*[\[({]\s*["'{\[]""")  # what no plain name begins with
_WORDS: Final = r"""(?:[^\[\]{}"':]|(?<=\w)')*"""  # with the apostrophe of Children's
_BARE: Final = re.compile(rf"\[({_WORDS})\]|\{{({_WORDS})\}}")  # [Action, Drama] and {Action,Drama}
_ENTITY: Final = re.compile(r"&#?\w+;")  # the semicolon of &amp; separates nothing
_NUMBERS: Final = re.compile(r"[\d.eE+\-\s]+")
_ENUMERATION: Final = re.compile(r".+,.+\s(?:&|and)\s[^,]+")  # Clothing, Shoes & Jewelry


# ---------------------------------------------------------------- lists written as texts


class _Plain(ast.NodeTransformer):
    """Turn ``nan`` and ``null`` into what they mean, ``set(...)`` and ``array([...])`` into what they wrap."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(_NOTHING[node.id]) if node.id in _NOTHING else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id in _WRAPPERS and len(node.args) < 2:
            inner: ast.expr = self.visit(node.args[0]) if node.args else ast.List([], ast.Load())
            return inner
        return node


def parse_list(text: str) -> Any:
    """Read the text of one list, tuple, set or dict; None where it is no such text.

    JSON, Python's own notation, and numpy's, which has no commas (``['Action' 'Drama']``).
    """
    if not _BEGINS.match(text):
        return None
    found: Any
    try:
        found = json.loads(text, parse_constant=float)
    except _BROKEN:
        try:
            found = _python(text)
        except _BROKEN:
            return None
    return found if isinstance(found, (list, tuple, set, dict)) else None


def looks_like_list(text: str) -> bool:
    """Whether a text begins as lists and records of quoted texts do, and no plain name does."""
    return _LIST_ONLY.match(text) is not None


def _python(text: str) -> Any:
    text = text.strip()
    kinds = [
        token.type
        for token in tokenize.generate_tokens(io.StringIO(f"({text})").readline)
        if token.type not in {tokenize.NL, tokenize.NEWLINE}
    ]
    if any(first == second == tokenize.STRING for first, second in pairwise(kinds)):
        return _numpy(text)  # Python would join the two texts into one
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as the invalid escape in 'R\&B', which is as it stands
        tree = ast.parse(f"({text})", mode="eval")
        return ast.literal_eval(_Plain().visit(tree).body)


def _numpy(text: str) -> list[str]:
    found = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING:
            found.append(str(ast.literal_eval(token.string)))
        elif token.type not in {tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER} and token.string not in {"[", "]"}:
            raise ValueError(token.string)
    return found


def _bare(text: str) -> list[str] | None:
    """Read ``[Action, Drama]``, which other languages print, and ``[0 1 1]``, which numpy does."""
    match = _BARE.fullmatch(text.strip())
    if not match:
        return None
    inside = match[1] if match[1] is not None else match[2]
    if "," not in inside and _NUMBERS.fullmatch(inside):
        return inside.split()
    return [piece.strip() for piece in inside.split(",")] if inside.strip() else []


def _numeric(found: list[str]) -> list[Any]:
    try:
        return [float(each) for each in found]
    except ValueError:
        return list(found)


def decode_lists(texts: Sequence[str], place: str) -> list[Any] | None:
    """Read texts as the lists or dicts they write down; None where they are plain texts.

    Parameters
    ----------
    texts
        The distinct texts of a column.
    place
        Which column of which table, for messages.

    Raises
    ------
    DataError
        If some of the texts are lists and others are not, or one that begins like a list cannot be read.
    """
    given = [text for text in texts if text.strip() not in NO_GENRES]
    if not any(_BEGINS.match(text) for text in given):
        return None
    found = {text: parse_list(text) for text in given}
    strict = [text for text in given if found[text] is not None]
    for text in given:
        if found[text] is None and (bare := _bare(text)) is not None:
            found[text] = _numeric(bare)
    rest = [text for text in given if found[text] is None]
    if not rest:
        return [found.get(text) for text in texts]
    broken = next((text for text in rest if looks_like_list(text)), None)
    if strict or broken is not None:
        odd = broken or rest[0]
        said = (
            f"while others are lists such as {_short(strict[0])}" if strict else "which begins like a list and is none"
        )
        raise DataError(
            f"{place} holds {_short(odd)}, {said}; write every genre list the same way, or say what stands "
            "between genres of plain texts with genre_sep='|' (--genre-sep '|')"
        )
    return None


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


# ---------------------------------------------------------------- separators


def _pieces(texts: Iterable[str], mark: str) -> list[list[str]]:
    return [[piece.strip() for piece in text.split(mark)] for text in texts]


def find_separator(texts: Sequence[str], place: str) -> tuple[str | None, str]:
    """Tell from all texts of a column what stands between genres.

    Parameters
    ----------
    texts
        The distinct texts.
    place
        Which column of which table, for messages.

    Returns
    -------
    mark
        ``|``, ``;`` or ``,``, or None where no text has one: every text is one genre.
    note
        What a reader should know of the choice; empty where there was none.

    Raises
    ------
    DataError
        If two marks could be it.
    """
    bare = [_ENTITY.sub("", text) for text in texts] if any("&" in text for text in texts) else texts
    present = [mark for mark in _SEPARATORS if any(mark in text for text in bare)]
    if not present:
        return None, ""
    outer, inner = present[0], present[1:]
    if not inner:
        if outer == ",":
            _refuse_enumerations(texts, place)
        return outer, "" if outer == "|" else f"texts of genres are split at {outer!r}"
    names = {piece for pieces in _pieces(texts, outer) for piece in pieces}
    for mark in inner:
        own = {name: {part.strip() for part in name.split(mark)} - {""} for name in names if mark in name}
        together = any(outer in text and mark in text for text in texts)
        apart = next((name for name, parts in own.items() if parts & names), None)
        if together and apart is None:
            continue
        shown = next(text for text in texts if mark in text)
        other = next(text for text in texts if outer in text)
        raise DataError(
            f"{place} has texts with {mark!r} such as {_short(shown)} and with {outer!r} such as {_short(other)}, "
            f"and either could separate the genres; say which with genre_sep={outer!r} (--genre-sep {outer!r}) "
            f"or genre_sep={mark!r} (--genre-sep {mark!r})"
        )
    kept = next(name for name in sorted(names) if any(mark in name for mark in inner))
    return outer, f"texts of genres are split at {outer!r}, and {_short(kept)} is one genre"


def _refuse_enumerations(texts: Sequence[str], place: str) -> None:
    """Refuse names such as ``Clothing, Shoes & Jewelry`` whose parts stand nowhere else: they could be one genre."""
    marked = [text for text in texts if "," in text]
    if not all(_ENUMERATION.fullmatch(text.strip()) for text in marked):
        return
    counts = Counter(piece for pieces in _pieces(texts, ",") for piece in set(pieces))
    if all(counts[piece] == 1 for pieces in _pieces(marked, ",") for piece in pieces):
        raise DataError(
            f"{place} holds {_short(marked[0])}, which could be one genre or several; say genre_sep='|' "
            "(--genre-sep '|') to keep such texts whole, or genre_sep=',' (--genre-sep ',') to split them"
        )
