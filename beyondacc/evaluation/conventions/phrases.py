"""What the tables of conventions say more than once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = [
    "ALL_RELEVANT",
    "BACKGROUND",
    "BINOMIAL",
    "EVERY_ROW",
    "FULL_LISTS",
    "LEVEL",
    "NO_CUTOFF",
    "PADDED",
    "ROWS",
    "SHIFTED",
    "TWICE",
    "each",
    "plain",
]

EVERY_ROW = "Every test row is relevant, whatever its value."
SHIFTED = "Its gain is 2^(v - threshold + 1) - 1: pass test values v - threshold + 1 and threshold=1, graded=True."
NO_CUTOFF = "It has no cutoff: take a k that no list exceeds."
ALL_RELEVANT = "It has no cutoff: take a k that no user's number of relevant items exceeds."
LEVEL = (
    "Values of test rows are gains, whole numbers, and those below level 1 do not count; for another level l pass "
    "threshold=l, graded=True. Users whose test rows are all below it count 0."
)
ROWS = "It counts rows: a training row given twice counts twice there, and once here."
TWICE = (
    "An item that stands twice in a list counts twice there; here it is an error, or counts once with duplicates=first."
)
PADDED = "It counts the padding as an item: pass items= with the items of all rows and one more."
BINOMIAL = "Name alpha and relevant_only as there."
BACKGROUND = "Name discount, relevance and background as there."
FULL_LISTS = "Equal where all lists have k items: there each list weighs 1, whatever its length."


def plain(*names: str) -> dict[str, dict[str, Any]]:
    """Name metrics that are as ours."""
    return {name: {} for name in names}


def each(names: Iterable[str], **choices: Any) -> dict[str, dict[str, Any]]:
    """Give several metrics the same choices of their own."""
    return {name: dict(choices) for name in names}
