"""Times and days of any kind: dates, texts in several notations, and numbers whose unit is told from all of them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.intake.date_texts import day_of_texts
from beyondacc.data.intake.reading import Reading
from beyondacc.errors import DataError, choices

__all__ = ["as_days", "as_times"]

Days = NDArray[np.datetime64]
_FIRST: Final = "(rows count from 0)"
_GIVE: Final = "give dates, or texts such as 1999-12-31"
_DAY: Final = 86_400
_YEAR: Final = 31_536_000  # seconds; what is nearer to 1970 could be anything
_LATEST: Final = 4_102_444_800  # seconds to 2100
_TO_1970: Final = {"Windows": 134_774, ".NET": 719_162}  # days from 1601-01-01 and from 0001-01-01


class _Unit(NamedTuple):
    """A unit of time since 1970: how many make a second, and the numbers that can be meant."""

    name: str
    per_second: int
    least: int
    most: int


# windows that do not meet: from a year after 1970 to 2100, but for 100 ns, whose neighbours are nearer
_UNITS: Final = (
    _Unit("seconds", 1, _YEAR, _LATEST),
    _Unit("milliseconds", 10**3, _YEAR * 10**3, _LATEST * 10**3),
    _Unit("microseconds", 10**6, _YEAR * 10**6, _LATEST * 10**6),
    _Unit("steps of 100 ns", 10**7, _LATEST * 10**6 + 1, _YEAR * 10**9 - 1),
    _Unit("nanoseconds", 10**9, _YEAR * 10**9, _LATEST * 10**9),
)


def as_times(values: pd.Series[Any], place: str) -> tuple[NDArray[np.int64] | NDArray[np.float64], str]:
    """Read times that can be compared, without rounding any.

    Parameters
    ----------
    values
        ``(n,)`` a `plain` column: numbers, dates, ISO 8601 texts, or texts of whole numbers.
    place
        Which column of which table, for messages.

    Returns
    -------
    times
        ``(n,)`` int64 of whole numbers, dates and texts; finite float64 of other numbers.
    unit
        What they count, in words: ``"nanoseconds since 1970"``, or ``"numbers"`` as they were given.

    Raises
    ------
    DataError
        If a time is missing, infinite, beyond 64 bits or nothing of the kind; names the first such row.
    """
    if values.empty:
        return np.empty(0, np.int64), "numbers"
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "i":
        return values.to_numpy(dtype=np.int64), "numbers"
    kind = pd.api.types.infer_dtype(values)
    if kind == "string":
        texts = values.astype(str).str.strip()
        whole = texts.str.fullmatch(r"[+-]?\d{1,30}").to_numpy(dtype=bool)
        if whole.all():
            values, kind = pd.Series([int(text) for text in texts], dtype=object), "integer"
    if kind in {"datetime64", "datetime", "date", "string"}:
        return _instants(values, place, texts=kind == "string")
    nulls = values.isna().to_numpy()
    if nulls.any():
        raise DataError(
            f"{place} has no value (null or NaN) in row {int(np.argmax(nulls))} {_FIRST}; fill or drop such rows"
        )
    found = _numbers(values, place)
    if found is None:
        row = next((row for row, value in enumerate(values) if not _is_number(value)), 0)
        raise DataError(
            f"{place} holds {values.iloc[row]!r} in row {row} {_FIRST}; pass numbers, dates or ISO 8601 texts"
        )
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        row = int(np.argmin(np.isfinite(found)))
        raise DataError(f"{place} is {found[row]} in row {row} {_FIRST}; it must be finite: fill or drop such rows")
    return found, "numbers"


def _instants(values: pd.Series[Any], place: str, *, texts: bool) -> tuple[NDArray[np.int64], str]:
    parsed = pd.to_datetime(values, utc=True, format="ISO8601" if texts else None, errors="coerce")
    for odd, said in ((parsed.isna() & values.notna(), None), (values.isna(), "no value (null or NaN)")):
        if odd.any():
            row = int(np.argmax(odd.to_numpy()))
            if said:
                raise DataError(f"{place} has {said} in row {row} {_FIRST}; fill or drop such rows")
            raise DataError(
                f"{place} holds {values.iloc[row]!r} in row {row} {_FIRST}; pass numbers, dates or ISO 8601 texts"
            )
    naive = parsed.dt.tz_localize(None).to_numpy()
    step = np.datetime_data(naive.dtype)[0]
    names = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
    return naive.astype(np.int64), f"{names[step]} since 1970"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number, Decimal)) and not isinstance(value, (bool, np.bool_))


def _numbers(values: pd.Series[Any], place: str) -> NDArray[np.int64] | NDArray[np.float64] | None:
    """Return numbers as int64 where they are whole, else float64; None where some are no numbers. Nulls are refused."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return None
    if pd.api.types.is_float_dtype(values.dtype):
        return np.asarray(values.to_numpy(dtype=np.float64))
    if pd.api.types.is_integer_dtype(values.dtype):
        if str(values.dtype).lower() == "uint64":
            large = values.to_numpy(dtype=np.uint64) > np.iinfo(np.int64).max
            _refuse_large(values, large, place)
        return np.asarray(values.to_numpy(dtype=np.int64))
    cells = values.tolist()
    if not all(map(_is_number, cells)):
        return None
    if all(map(_is_whole, cells)):
        limits = np.iinfo(np.int64)
        _refuse_large(values, np.array([not limits.min <= int(value) <= limits.max for value in cells]), place)
        return np.array([int(value) for value in cells], dtype=np.int64)
    floats = np.array([float(value) for value in cells], dtype=np.float64)
    if len(np.unique(floats)) < len(set(cells)):
        raise DataError(f"{place} has numbers that differ by less than float64 can tell; pass whole numbers or dates")
    return floats


def _is_whole(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return isinstance(value, (int, np.integer))


def _refuse_large(values: pd.Series[Any], large: NDArray[np.bool_], place: str) -> None:
    if large.any():
        row = int(np.argmax(large))
        raise DataError(f"{place} holds {int(values.iloc[row])} in row {row} {_FIRST}; times must fit into 64 bits")


def as_days(values: pd.Series[Any], place: str, reading: Reading | None = None) -> Days:
    """Read days, NaT where missing.

    Parameters
    ----------
    values
        ``(n,)`` a `plain` column: dates; texts such as 1999-12-31, 31-Dec-1999, 31.12.1999 or December 31, 1999, whose
        time of day is left out; years; numbers such as 19991231; or a number of seconds, milliseconds, microseconds,
        steps of 100 ns or nanoseconds since 1970, or of steps of 100 ns as Windows and .NET count them.
    place
        Which column of which table, for messages.
    reading
        Where to say how they were read.

    Returns
    -------
    ``(n,)`` datetime64[D].

    Raises
    ------
    DataError
        If a value is no date, or all of them can be read in two ways.
    """
    reading = reading or Reading("items")
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.start_time
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        reading.dates = "dates"
        local = values.dt.tz_localize(None) if values.dt.tz is not None else values
        return local.to_numpy().astype("datetime64[D]")
    days = np.full(len(values), "NaT", dtype="datetime64[D]")
    known = np.flatnonzero(values.notna().to_numpy())
    if not len(known):
        return days
    given = values.iloc[known]
    if not pd.api.types.is_bool_dtype(given.dtype) and pd.api.types.is_numeric_dtype(given.dtype):
        days[known] = _of_numbers(given, place, reading)
        return days
    cells = given.tolist()
    if all(map(_is_number, cells)):
        days[known] = _of_numbers(given, place, reading)
        return days
    dates = [isinstance(cell, (dt.date, np.datetime64)) for cell in cells]  # Timestamps and datetimes are dates
    if all(dates):
        reading.dates = "dates"
        days[known] = [_day(cell) for cell in cells]
        return days
    if (odd := next((cell for cell in cells if not isinstance(cell, (str, dt.date, np.datetime64))), None)) is not None:
        raise DataError(f"{place} cannot be read as dates (it holds {odd!r}); {_GIVE}")
    texts = [cell.strip() if isinstance(cell, str) else _day(cell).astype(str) for cell in cells]
    whole = [text for text in texts if text.isascii() and text.isdecimal()]
    filled = np.array([bool(text) for text in texts])
    if whole and len(whole) == filled.sum():
        days[known[filled]] = _of_numbers(pd.Series([int(text) for text in whole], dtype=object), place, reading)
        return days
    days[known] = day_of_texts(texts, place, reading)
    return days


def _day(value: Any) -> Any:
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[D]")
    return np.datetime64(dt.date(value.year, value.month, value.day), "D")


# ---------------------------------------------------------------- numbers


def _of_numbers(given: pd.Series[Any], place: str, reading: Reading) -> Days:
    found = _numbers(given.reset_index(drop=True), place)
    if found is None or not np.isfinite(found).all():
        raise DataError(f"{place} cannot be read as dates (it holds a number that is not finite); {_GIVE}")
    if found.dtype.kind == "f" and (found == np.floor(found)).all() and (np.abs(found) < 2.0**63).all():
        found = found.astype(np.int64)  # whole numbers with gaps become floats
    least, most = found.min(), found.max()
    calendar = _calendar(found.astype(np.int64)) if found.dtype.kind == "i" and least > 0 else {}
    if least >= 1000 and most <= 9999 and found.dtype.kind == "i":
        return _said("years, January 1 each", _from_parts(found), reading)
    if len(calendar) == 1 and (only := next(iter(calendar))) not in _REFUSED:
        reading.note(f"dates that are numbers, such as {int(found[0])}, are read as {only}")
        return _said(f"numbers, {only}", calendar[only], reading)
    if not calendar:
        unit = _unit(found)
        if isinstance(unit, _Unit):
            days = found // (unit.per_second * _DAY)
            if unit.name != "seconds":
                reading.note(f"dates that are numbers are read as {unit.name} since 1970")
            return _said(f"{unit.name} since 1970", days.astype(np.int64).astype("datetime64[D]"), reading)
        if isinstance(unit, str):
            days = found // (10**7 * _DAY) - _TO_1970[unit]
            reading.note(f"dates that are numbers are read as steps of 100 ns, as {unit} counts them")
            return _said(f"steps of 100 ns ({unit})", days.astype("datetime64[D]"), reading)
    shown = f"{found[0]:,}" if found.dtype.kind == "i" else f"{found[0]!r}"
    raise DataError(
        f"{place} cannot be read as dates (numbers such as {shown} could be {_guesses(calendar, most)}); {_GIVE}"
    )


def _said(unit: str, days: Days, reading: Reading) -> Days:
    reading.dates = unit
    return days


_REFUSED: Final = ("YYYYMMDDHH", "YYYYMMDDHHMM", "YYYYMM or YYMMDD")


def _guesses(calendar: dict[str, Days], most: Any) -> str:
    if calendar:
        second = {10: "seconds since 1970", 12: "milliseconds since 1970"}.get(len(str(int(most))), "")
        return choices([*calendar, *([second] if second else [])])
    if most < 1000:
        return "years without their century, or years of antiquity"
    if most < _YEAR:
        return "days, hours, months or seconds since some day"
    return "seconds, milliseconds or other steps since some day"


def _from_parts(years: Any, months: Any = 1, days: Any = 1) -> Days:
    start = (np.asarray(years, np.int64) - 1970).astype("datetime64[Y]").astype("datetime64[M]")
    found: Days = (start + (np.asarray(months) - 1)).astype("datetime64[D]") + (np.asarray(days) - 1)
    return found


def _calendar(numbers: NDArray[np.int64]) -> dict[str, Days]:
    """Read whole numbers as the digits of dates; a notation counts where all are dates of 1800 to 2199."""
    width = len(str(int(numbers.max())))
    if len(str(int(numbers.min()))) != width or width not in {6, 8, 10, 12, 14}:
        return {}
    if width == 6:
        years, months = np.divmod(numbers, 100)
        month = _checked(years, months, np.ones_like(years))
        rest, last = np.divmod(numbers, 100)
        century, middle = np.divmod(rest, 100)
        short = _checked(2000 + century, middle, last)
        if month is None:
            return {} if short is None else {"YYYYMM or YYMMDD": short}
        return {"YYYYMM": month} if short is None else {"YYYYMM or YYMMDD": month}
    head = numbers // 10 ** (width - 8)
    for place, limit in zip(range(width - 10, -1, -2), (24, 60, 60), strict=False):
        if (numbers // 10**place % 100 >= limit).any():
            return {}
    found = _checked(head // 10_000, head // 100 % 100, head % 100)
    return {} if found is None else {"YYYYMMDDHHMMSS"[:width]: found}


def _checked(years: Any, months: Any, days: Any) -> Days | None:
    if (years < 1800).any() or (years > 2199).any() or (months < 1).any() or (months > 12).any() or (days < 1).any():
        return None
    found = _from_parts(years, months, days)
    same = found.astype("datetime64[M]") == _from_parts(years, months).astype("datetime64[M]")
    return found if same.all() and (days <= 31).all() else None


def _unit(numbers: NDArray[np.int64] | NDArray[np.float64]) -> _Unit | str | None:
    """Tell the unit of numbers from their range; None where none or two are plausible.

    The largest number decides, and most of the others must be plausible in its unit too: one date in the year 9999
    would else make milliseconds of seconds. Steps as Windows and .NET count them lie where nanoseconds of some months
    do. What is round as nanoseconds is round as these steps, so they are meant where they are the rounder ones.
    """
    sizes = np.abs(numbers[numbers != 0])
    if not len(sizes):
        return None
    most = sizes.max()
    unit = next((each for each in _UNITS if each.least <= most <= each.most), None)
    if unit is None or 2 * np.count_nonzero((sizes >= unit.least) & (sizes <= unit.most)) <= len(sizes):
        return None
    if unit.name != "nanoseconds":
        return unit
    for name, offset in _TO_1970.items():
        early, late = ((offset + day) * _DAY * 10**7 for day in (-25_567, 47_482))  # 1900 and 2100
        if sizes.min() >= early and most <= late:
            ours, theirs = _roundness(numbers, 10**9), _roundness(numbers, 10**7)
            return None if ours == theirs else name
    return unit


def _roundness(numbers: NDArray[Any], per_second: int) -> int:
    """Tell whether numbers of so many a second are all whole days (2), whole seconds (1) or neither (0)."""
    return 2 if (numbers % (per_second * _DAY) == 0).all() else int((numbers % per_second == 0).all())
