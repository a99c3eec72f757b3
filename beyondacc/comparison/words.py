"""A comparison in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd

from beyondacc.metrics.base.metric import Metric

__all__ = ["BETTER", "NONE", "UNDEFINED", "Unit", "join", "label", "p_text", "p_value", "sentences"]

BETTER: Final = {"higher": ("better", "worse"), "lower": ("worse", "better"), "target": ("higher", "lower")}
"""The verdicts on a difference above and below 0, by what is better."""
NONE: Final = "no difference shown"
UNDEFINED: Final = "-"


class Unit(NamedTuple):
    """How differences of a metric are told: times a factor, with a number of decimals, and a word behind."""

    factor: float = 1.0
    decimals: int | None = None
    word: str = ""


def label(metric: Metric) -> str:
    """Return the title of a metric with its parameters and cutoff, such as ``nDCG@10``."""
    name, _, cutoff = str(metric).rpartition("@")
    given = name.partition("(")[2].removesuffix(")")
    return f"{metric.family.title}{f' ({given})' if given else ''}@{cutoff}"


def sentences(table: pd.DataFrame, labels: Mapping[str, str], units: Mapping[str, Unit]) -> list[str]:
    """Return a sentence for each pair of systems: what is better in what by how much, and what is not shown.

    Parameters
    ----------
    table
        `Comparison.table`.
    labels
        What metrics are called.
    units
        How their differences are told, where not as they are.
    """
    found = []
    for _, rows in table.groupby(["system", "other"], sort=False):
        lines: Iterable[Any] = rows.itertuples()
        told = [_Told(row, labels[row.metric], units.get(row.metric, Unit())) for row in lines]
        found.append(_sentence(told))
    return found


class _Told:
    """One row of the table and its texts."""

    def __init__(self, row: Any, name: str, unit: Unit) -> None:
        self.row, self.name, self.unit = row, name, unit
        ends = [unit.factor * end for end in (row.ci_low, row.ci_high)]
        self.difference = unit.factor * row.difference
        self.ends = ends if self.difference >= 0 else [-ends[1], -ends[0]]
        self.places = unit.decimals
        if self.places is None:
            self.places = _places(ends[1] - ends[0] if ends[1] > ends[0] else abs(self.difference))

    @property
    def winner(self) -> str | None:
        return {"better": self.row.system, "worse": self.row.other}.get(self.row.verdict)

    def _number(self, value: float) -> str:
        text = f"{value:,.{self.places}f}"
        return text if float(text.replace(",", "")) else text.removeprefix("-")

    def _with_unit(self, text: str) -> str:
        if not self.unit.word:
            return text
        return f"{text} {self.unit.word.removesuffix('s') if text == '1' else self.unit.word}"

    def amount(self) -> str:
        """Say by how much the larger value is larger, with interval and p."""
        notes = [] if any(map(math.isnan, self.ends)) else [" to ".join(map(self._number, self.ends))]
        notes += ["lower is better"] if self.row.better == "lower" else []
        behind = f" ({', '.join(notes)})" if notes else ""
        size = self._with_unit(self._number(abs(self.difference)))
        return f"{size}{behind}, {p_text(self.row.p_adjusted)}"

    def not_shown(self) -> str:
        """Return the name of a metric and what is known of a difference that is not shown."""
        parts = [self._with_unit(self._number(self.difference))]
        if not math.isnan(self.row.ci_low):
            # the interval of the signed difference, which may well lie on both sides of 0
            ends = sorted((self.unit.factor * self.row.ci_low, self.unit.factor * self.row.ci_high))
            parts[0] += f", {' to '.join(map(self._number, ends))}"
        parts.append(p_text(self.row.p_adjusted))
        least = self.unit.factor * self.row.detectable
        words = f"{', '.join(parts)}"
        if least > 0:
            decimals = _places(least) if self.unit.decimals is None else self.unit.decimals
            words += f"; a difference of {self._with_unit(f'{least:,.{decimals}f}')} would have been detectable"
        return f"{self.name} ({words})"


def _sentence(told: Sequence[_Told]) -> str:
    row = told[0].row
    shown = [each for each in told if each.winner]
    aimless = [each for each in told if each.row.verdict in BETTER["target"]]
    unseen = [each for each in told if each.row.verdict == NONE]
    undefined = [each for each in told if each.row.verdict == UNDEFINED]
    parts = []
    if shown:
        winner = shown[0].winner
        loser = row.other if winner == row.system else row.system
        wins = [f"on {each.name} by {each.amount()}" for each in shown if each.winner == winner]
        losses = [f"{each.name} differs the other way by {each.amount()}" for each in shown if each.winner != winner]
        parts += [f"{winner} beats {loser} {join(wins)}", *losses]
    for each in aimless:
        top, low = (row.system, row.other) if each.row.difference > 0 else (row.other, row.system)
        parts.append(f"{each.name} is higher for {top} than for {low} by {each.amount()}")
    if unseen:
        between = "" if parts else f" between {row.system} and {row.other}"
        parts.append(f"no difference{between} is shown on {join([each.not_shown() for each in unseen])}")
    if undefined:
        between = "" if parts else f" for {row.system} and {row.other}"
        parts.append(f"undefined{between}: {join([each.name for each in undefined])}")
    words = "; ".join(parts)
    return (words if shown or aimless else words[0].upper() + words[1:]) + "."


def p_text(p: float) -> str:
    """Write a p-value for a sentence: ``p = 0.012``, ``p < 0.001``."""
    text = p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def p_value(p: float) -> str:
    """Write a p-value for a table: ``0.012``, ``< 0.001``."""
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"


def _places(size: float) -> int:
    """Return with how many decimals a number or the width of an interval of this size is told."""
    return min(max(math.ceil(math.log10(5.0 / size)), 0), 8) if size > 0 else 3


def join(texts: Iterable[str]) -> str:
    """Join parts of a sentence: ``a, b and c``."""
    *most, last = texts
    return f"{', '.join(most)} and {last}" if most else last
