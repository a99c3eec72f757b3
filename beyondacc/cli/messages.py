"""Messages of the library in the words of the command line."""

from __future__ import annotations

import re

import typer

from beyondacc.cli.compiling import hide
from beyondacc.texts import visible

__all__ = ["in_options", "one_line", "say"]

_OPTIONS = (
    "train|test|items|columns|vectors|threshold|graded|duplicates|users|seen|unknown_items|earlier|primitive|undefined|"
    "order|zeros|repeats|genre_sep"
)
_RULES = (
    (re.compile(r"columns=\{.*?\} \((--columns [^)]*)\)"), r"\1"),
    (re.compile(r" \(force=True\)"), ""),
    (re.compile(r"\bgraded=True\b"), "--graded"),
    (re.compile(r" \(Python: (?:[^()]|\([^()]*\))*\)"), ""),
    (re.compile(r"\bids=\{'(\w+)': '(\w+)'\}"), r"--id-type \1=\2"),
    (re.compile(r"\bids='(\w+)'"), r"--id-type \1"),
    (re.compile(rf"\b({_OPTIONS})=[\"']([\w|,;]+)[\"']"), r"--\1 \2"),
    (re.compile(rf"(?<![\w(])({_OPTIONS})=(?=[ ,;)]|$)"), r"--\1"),
)


def in_options(message: str) -> str:
    """Name options instead of keyword arguments: ``pass items=`` becomes ``pass --items``."""
    for pattern, replacement in _RULES:
        message = pattern.sub(replacement, message)
    return re.sub(r"--(\w+)_(\w+)", r"--\1-\2", message)


def one_line(message: str) -> str:
    """Join the lines of a message, and write as escapes what a terminal would obey."""
    return visible(" ".join(line.strip() for line in message.split("\n")))


def say(text: str, *, err: bool = False) -> None:
    """Print lines of text, and nothing that a terminal would obey: every text of a command goes through here."""
    hide()
    typer.echo(visible(text, lines=True), err=err)
