"""Texts of the user as they are shown: nothing in them is obeyed by a terminal, and none fills a page."""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["LONGEST", "cut", "for_markdown", "visible"]

LONGEST: Final = 80
"""Letters of a name in a table."""
_JOINERS: Final = "\u200c\u200d"  # which scripts and emoji need, and which only join


def visible(text: str, *, lines: bool = False) -> str:
    r"""Write what a terminal would obey, such as colours, bells and the direction of text, as escapes: ``\x1b``.

    Parameters
    ----------
    text
        Any text.
    lines
        Keep ends of lines.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(letter, lines=lines) for letter in text)


def _shown(letter: str, *, lines: bool) -> str:
    if letter.isprintable() or letter in _JOINERS or (lines and letter == "\n"):
        return letter
    if unicodedata.category(letter) == "Zs":  # blanks of other widths
        return letter
    return letter.encode("unicode_escape").decode("ascii")


def for_markdown(text: str, *, cell: bool = False) -> str:
    r"""Write a text such that Markdown shows it: in one line, with its marks escaped as in ``\*``.

    Parameters
    ----------
    text
        Any text, such as the name of a run.
    cell
        It stands in a table, where only what would end the cell is escaped.
    """
    marks = "\\|" if cell else "\\`*_[]<>|"
    return "".join(f"\\{letter}" if letter in marks else letter for letter in " ".join(text.splitlines()))


def cut(text: str, longest: int = LONGEST) -> str:
    """Cut a text in its middle: names of models differ at their ends as often as at their beginnings."""
    if len(text) <= longest:
        return text
    head = (longest - 3) * 2 // 3
    return f"{text[:head]}...{text[len(text) - (longest - 3 - head) :]}"
