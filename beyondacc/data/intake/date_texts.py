"""Days in texts, in the notations in which people and programs write them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.intake.reading import Reading
from beyondacc.errors import DataError

__all__ = ["day_of_texts"]

_NAMES: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS: Final = {short: number for number, name in enumerate(_NAMES, 1) for short in (name, name[:3], name[:4])}
#: Texts that stand for no date; no notation of dates has them.
_MISSING: Final = frozenset({"", "na", "n/a", "nan", "nat", "none", "null", "<na>", "unknown", "?", "-"})
_TIME: Final = r"(?:(?:T|,?\s+(?:at\s+)?)\d{1,2}:\d{2}.*)?"  # whatever follows is a time of day
_WEEKDAY: Final = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_MONTH: Final = r"(?P<month>[a-z]{3,9})\.?"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR: Final = r"(?P<year>\d{4})"
_PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_YEAR}([-/. ])(?P<month>\d{{1,2}})(?:\2(?P<day>\d{{1,2}}))?{_TIME}",  # 1999-12-31, 1999/12/31, 1999-12
        rf"{_YEAR}(?P<month>\d{{2}})(?P<day>\d{{2}})(?:T\d.*)?",  # 19991231
        _YEAR,
        rf"{_WEEKDAY}{_DAY}[-/. ]{_MONTH}[-/, ]\s*{_YEAR}{_TIME}",  # 31-Dec-1999, Fri, 31 Dec 1999 10:00
        rf"{_WEEKDAY}{_MONTH}[-/ ]\s*{_DAY},?[-/ ]\s*{_YEAR}{_TIME}",  # December 31, 1999
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY}\s+\d{{1,2}}:\d{{2}}\S*\s+(?:\S+\s+)?{_YEAR}",  # Fri Dec 31 10:00:00 +0000 1999
        rf"{_MONTH}[-/, ]\s*{_YEAR}",  # December 1999
        rf"{_YEAR}[-/ ]{_MONTH}[-/ ]{_DAY}{_TIME}",  # 1999-Dec-31
        rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.{_YEAR}{_TIME}",  # 31.12.1999; with dots the day is first
    )
)
_EITHER: Final = re.compile(rf"(?P<first>\d{{1,2}})([-/])(?P<second>\d{{1,2}})\2{_YEAR}{_TIME}", re.IGNORECASE)
_FORMS: Final = "texts such as 1999-12-31"


def day_of_texts(texts: Sequence[str], place: str, reading: Reading) -> NDArray[np.datetime64]:
    """Read the day of each text, NaT for missing ones.

    The notations may differ from text to text. Where all texts of the form 11/12/1999 can be read with the day first
    and with the month first, and differ, they are refused.

    Raises
    ------
    DataError
        If a text is no date, or which of two numbers is the month cannot be told.
    """
    texts = _alike(texts)
    distinct = dict.fromkeys(texts)
    either = {text: match for text in distinct if (match := _EITHER.fullmatch(text))}
    month_first = _month_first(either.values(), place)
    found: dict[str, np.datetime64] = {}
    for text in distinct:
        try:
            if text.lower() in _MISSING:
                found[text] = np.datetime64("NaT", "D")
            elif text in either:
                pair = int(either[text]["first"]), int(either[text]["second"])
                month, day = pair if month_first else pair[::-1]
                found[text] = _day(either[text]["year"], month, day)
            else:
                found[text] = _plain(text)
        except ValueError as error:
            raise DataError(
                f"{place} cannot be read as dates (it holds {text!r}); give dates, {_FORMS}, years or Unix seconds"
            ) from error
    reading.dates = "texts"
    if either and any(match["first"] != match["second"] for match in either.values()):
        order = "month/day/year" if month_first else "day/month/year"
        reading.dates = f"texts, {order}"
        reading.note(f"dates such as {next(iter(either))!r} are read as {order}")
    return np.array([found[text] for text in texts], dtype="datetime64[D]")


def _alike(texts: Iterable[str]) -> list[str]:
    """Return for each text the first one of the same day and notation, which differs in the time of day at most."""
    firsts: dict[
        str, str
    ] = {}  # by what stands before the time of day, if that is a day, so that all behind it is time
    others = set()
    found = []
    for text in texts:
        before, _, behind = text.partition(":")
        day, hour = (before[:-2], before[-2:]) if before[-2:].isdecimal() else (before[:-1], before[-1:])
        minutes = behind[:2]
        if hour.isdecimal() and len(minutes) == 2 and minutes.isdecimal() and "\n" not in text:
            if day not in firsts and day not in others:
                if any(each.fullmatch(f"{day}00:00") for each in (*_PATTERNS, _EITHER)):
                    firsts[day] = text
                else:
                    others.add(day)
            text = firsts.get(day, text)  # noqa: PLW2901
        found.append(text)
    return found


def _month_first(matches: Iterable[re.Match[str]], place: str) -> bool:
    pairs = {(int(match["first"]), int(match["second"])): match[0] for match in matches}
    days = next((text for (first, _), text in pairs.items() if first > 12), None)
    months = next((text for (_, second), text in pairs.items() if second > 12), None)
    if days and months:
        raise DataError(
            f"{place} holds {days!r}, which has the day first, and {months!r}, which has the month first; give {_FORMS}"
        )
    unclear = next((text for (first, second), text in pairs.items() if first != second), None)
    if not days and not months and unclear:
        raise DataError(
            f"{place} holds {unclear!r}, and no text tells whether the day or the month is first; give {_FORMS}, "
            "or read the column with pandas.to_datetime(..., dayfirst=True) or dayfirst=False"
        )
    return bool(months)


def _plain(text: str) -> np.datetime64:
    for pattern in _PATTERNS:
        if match := pattern.fullmatch(text):
            parts: dict[str, Any] = match.groupdict()
            month = parts.get("month") or "1"
            number = int(month) if month.isdigit() else _MONTHS.get(month.lower(), 0)
            return _day(parts["year"], number, int(parts.get("day") or 1))
    raise ValueError(text)


def _day(year: str, month: int, day: int) -> np.datetime64:
    return np.datetime64(dt.date(int(year), month, day), "D")
