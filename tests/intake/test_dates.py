"""Days and times in every unit and notation; what can be read in two ways is refused, and nothing is rounded."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from draws import draws
from hypothesis import given, settings, strategies as st

import beyondacc as ba
from beyondacc.data.columns import plain
from beyondacc.data.intake.date_texts import day_of_texts
from beyondacc.data.intake.dates import as_days, as_times
from beyondacc.data.intake.reading import Reading
from beyondacc.errors import DataError

EPOCH = dt.date(1970, 1, 1)
STEP = 864 * 10**9  # of 100 ns, in a day


def days(values):
    reading = Reading("items")
    values = values if isinstance(values, pd.Series) else pd.Series(values)
    return as_days(values, "column 'date' of items", reading).astype(str).tolist(), reading


def since(day):
    return (day - EPOCH).days


UNITS = {  # the seconds are such that no digits are those of a date, which is refused
    "seconds": lambda day: since(day) * 86_400 + 35,
    "float seconds": lambda day: since(day) * 86_400 + 0.25,
    "milliseconds": lambda day: since(day) * 86_400_000 + 99,
    "microseconds": lambda day: since(day) * 86_400_000_000,
    "nanoseconds": lambda day: since(day) * 86_400_000_000_000,
    "100 ns since 1970": lambda day: since(day) * STEP,
    "100 ns of .NET": lambda day: (since(day) + 719_162) * STEP,
    "100 ns of Windows": lambda day: (since(day) + 134_774) * STEP,
    "YYYYMMDD": lambda day: int(f"{day:%Y%m%d}"),
    "YYYYMMDD as floats": lambda day: float(f"{day:%Y%m%d}"),
    "YYYYMMDDHHMMSS": lambda day: int(f"{day:%Y%m%d}153000"),
    "decimals": lambda day: Decimal(f"{day:%Y%m%d}"),
    "digits": lambda day: f"{day:%Y%m%d}",
    "digits of seconds": lambda day: str(since(day) * 86_400 + 35),
    "dates": lambda day: day,
    "timestamps": lambda day: pd.Timestamp(day) + pd.Timedelta(hours=23),
    "datetimes": lambda day: dt.datetime(day.year, day.month, day.day, 12, tzinfo=dt.UTC),
    "ISO": lambda day: f"{day:%Y-%m-%d}",
    "ISO with a time": lambda day: f"{day:%Y-%m-%d}T23:59:59.999999Z",
    "ISO with an offset": lambda day: f"{day:%Y-%m-%d} 23:00:00+09:00",
    "slashes": lambda day: f"{day:%Y/%m/%d}",
    "MovieLens": lambda day: f"{day:%d-%b-%Y}",
    "German": lambda day: f"{day.day}.{day.month}.{day.year}",
    "English": lambda day: f"{day:%B} {day.day}, {day.year}",
    "short English": lambda day: f"{day:%b %d %Y}",
    "British": lambda day: f"{day.day} {day:%B} {day.year}",
    "ordinal": lambda day: f"{day.day}th {day:%b}. {day.year}",
    "RFC 2822": lambda day: f"{day:%a, %d %b %Y} 10:20:30 +0000",
    "Twitter": lambda day: f"{day:%a %b %d} 10:20:30 +0000 {day.year}",
}
MANY = st.lists(st.dates(dt.date(1975, 1, 1), dt.date(2068, 12, 31)), min_size=1, max_size=12)


@pytest.mark.parametrize("unit", UNITS)
@settings(max_examples=draws(25), deadline=None)
@given(given_days=MANY, gap=st.booleans())
def test_days_are_the_same_in_every_unit(unit, given_days, gap):
    if "1970" in unit:
        given_days = [max(day, dt.date(1985, 1, 1)) for day in given_days]  # before, they could be microseconds
    if unit == "nanoseconds":
        given_days = [*given_days, dt.date(2019, 1, 5)]  # beyond what .NET and Windows count
    if unit.startswith("100 ns of"):
        given_days = [*given_days, dt.date(2001, 2, 3)]  # no whole day as nanoseconds
    values = pd.Series([UNITS[unit](day) for day in given_days] + [None] * gap)
    found, reading = days(values)
    assert found == [day.isoformat() for day in given_days] + ["NaT"] * gap
    assert reading.dates


@settings(max_examples=draws(40), deadline=None)
@given(given_days=MANY)
def test_kinds_of_columns(given_days):
    stamps = pd.Series(pd.to_datetime(given_days))
    expected = [day.isoformat() for day in given_days]
    seconds = pd.Series([since(day) * 86_400 for day in given_days])
    columns = [
        *(stamps.astype(f"datetime64[{unit}]") for unit in ("s", "ms", "us", "ns")),
        stamps.dt.tz_localize("America/New_York"),
        stamps.dt.to_period("D"),
        seconds.astype("Int64"),
        seconds.astype("int64[pyarrow]"),
        plain(pl.Series(given_days).to_arrow()),
        plain(pa.array(given_days, pa.date64())),
        plain(pl.Series(stamps).to_arrow()),
        plain(pd.Series(expected, dtype="category")),
        pd.Series(expected, dtype="str"),
    ]
    for column in columns:
        assert days(plain(column))[0] == expected
    years = [f"{day.year}-01-01" for day in given_days]
    for column in (
        pd.Series([day.year for day in given_days], dtype=kind) for kind in ("int16", "uint16", "float32", "Int64")
    ):
        assert days(column)[0] == years
    assert days(pd.Series([str(day.year) for day in given_days]))[0] == years
    months = [f"{day:%Y-%m}-01" for day in given_days]
    for form in ("%Y-%m", "%B %Y", "%b %Y"):
        assert days(pd.Series([day.strftime(form) for day in given_days]))[0] == months


@pytest.mark.parametrize(
    ("values", "expected", "said"),
    [
        ([20190105, 20190115], ["2019-01-05", "2019-01-15"], "numbers, YYYYMMDD"),
        ([201901, 201913 - 1], ["2019-01-01", "2019-12-01"], "numbers, YYYYMM"),
        ([1999, 2019], ["1999-01-01", "2019-01-01"], "years, January 1 each"),
        ([-1e9, 1.5e9], ["1938-04-24", "2017-07-14"], "seconds since 1970"),
        ([0, 1_500_000_000], ["1970-01-01", "2017-07-14"], "seconds since 1970"),
        ([1_546_646_400_000], ["2019-01-05"], "milliseconds since 1970"),
        (["1/2/2019", "3/14/2018"], ["2019-01-02", "2018-03-14"], "texts, month/day/year"),
        (["1/2/2019", "14/3/2018"], ["2019-02-01", "2018-03-14"], "texts, day/month/year"),
        (["1-2-2019", "3-14-2018 10:00"], ["2019-01-02", "2018-03-14"], "texts, month/day/year"),
        (["1/1/2019", ""], ["2019-01-01", "NaT"], "texts"),
        (["11/15/2019 8:55:22 AM"], ["2019-11-15"], "texts, month/day/year"),
        (
            ["2019", "2018-02", "3 Apr 2017", "NA", "nan", "N/A"],
            ["2019-01-01", "2018-02-01", "2017-04-03"] + ["NaT"] * 3,
            "texts",
        ),
        ([pd.Timestamp("2019-01-05"), "2018", None], ["2019-01-05", "2018-01-01", "NaT"], "texts"),
        ([None, None], ["NaT", "NaT"], ""),
        (["", " "], ["NaT", "NaT"], "texts"),
    ],
)
def test_what_was_done_is_said(values, expected, said):
    found, reading = days(pd.Series(values, dtype=object) if None in values else pd.Series(values))
    assert found == expected
    assert reading.dates == said
    between = said in {"texts", "", "seconds since 1970"} or said.startswith("years")
    assert bool(reading.notes) != between


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            [17_901, 17_902],
            "numbers such as 17,901 could be days, hours, months or seconds since some day); give dates",
        ),
        ([99, 5], "could be years without their century, or years of antiquity"),
        ([2019, 20190105], "cannot be read as dates (numbers such as 2,019 could be days"),
        ([20190105, 20190230], "could be days, hours"),
        ([20190105, 0], "could be days, hours"),
        ([200112], "could be YYYYMM or YYMMDD"),
        ([2019010512], "could be YYYYMMDDHH or seconds since 1970"),
        ([201901051230], "could be YYYYMMDDHHMM or milliseconds since 1970"),
        (
            [1_546_646_400, 1_500_000_000, 253_402_300_799],
            "could be seconds, milliseconds or other steps since some day",
        ),
        ([623_000_000_000_000_123], "could be seconds, milliseconds or other steps since some day"),  # ns or .NET
        ([2 * 10**10], "could be seconds, milliseconds or other steps"),
        ([np.inf, 1.0], "it holds a number that is not finite"),
        ([10**30], "must fit into 64 bits"),
        (
            ["1/2/2019", "3/4/2018"],
            "holds '1/2/2019', and no text tells whether the day or the month is first; give texts",
        ),
        (
            ["13/2/2019", "3/14/2018"],
            "holds '13/2/2019', which has the day first, and '3/14/2018', which has the month",
        ),
        (["2019-02-30"], "it holds '2019-02-30'"),
        (["12/31/99"], "it holds '12/31/99'"),
        (["soon", "2019-01-01"], "it holds 'soon'"),
        (["2019-01-01", "x 2019"], "it holds 'x 2019'"),
        ([True, False], "it holds True"),
        ([b"2019"], "it holds b'2019'"),
        ([["2019"]], "it holds ['2019']"),
        ([2019, "2018-01-01"], "it holds 2019"),
        ([pd.Timedelta(1)], "it holds Timedelta("),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(values, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        days(values)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("column 'date' of items ")


# ---------------------------------------------------------------- times that are compared

NANOSECONDS = st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=8)


@settings(deadline=None)
@given(NANOSECONDS)
def test_times_are_not_rounded(times):
    instants = pd.Series(pd.to_datetime(times, utc=True))
    instants = instants.dt.as_unit("ns")
    columns = {
        "numbers": [
            pd.Series(times),
            pd.Series(times, dtype="Int64"),
            pd.Series(times, dtype=object),
            pd.Series(list(map(str, times))),
            pd.Series(list(map(Decimal, times))),
            plain(pa.array(times)),
        ],
        "nanoseconds since 1970": [
            instants,
            instants.dt.tz_localize(None),
            instants.dt.tz_convert("Asia/Tokyo"),
            instants.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str[:-6] + [f"{time % 10**9:09d}Z" for time in times],
            plain(pl.Series(instants.dt.tz_localize(None)).to_arrow()),
        ],
    }
    for unit, series in columns.items():
        for column in series:
            found, said = as_times(column, "column 'time' of train")
            assert said == unit
            assert found.dtype == np.int64
            assert found.tolist() == times


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.5, 2.0], [1.5, 2.0]),
        ([Decimal("1.5"), 2], [1.5, 2.0]),
        (pd.Series([3, 250], dtype="uint8"), [3, 250]),
        (pd.Series([3, 2**63 - 1], dtype="uint64"), [3, 2**63 - 1]),
        ([dt.date(1970, 1, 2), dt.date(1969, 12, 31)], None),
        (["1970-01-02", "1969-12-31T00:00Z"], None),
        ([], []),
    ],
)
def test_times_of_other_kinds(values, expected):
    found, unit = as_times(pd.Series(values), "column 'time' of train")
    if expected is None:
        assert found[0] == -found[1] > 0
        assert unit.endswith("seconds since 1970")
    else:
        assert found.tolist() == expected
        assert unit == "numbers"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            ["2020-01-01T10:00", "later"],
            "holds 'later' in row 1 (rows count from 0); pass numbers, dates or ISO 8601 texts",
        ),
        (["11/15/2019 8:55:22 AM"], "holds '11/15/2019 8:55:22 AM' in row 0"),
        ([pd.Timestamp("2020-01-01"), pd.NaT], "has no value (null or NaN) in row 1"),
        (["2020-01-01", None], "has no value (null or NaN) in row 1"),
        ([1.0, np.nan], "has no value (null or NaN) in row 1"),
        ([1.0, np.inf], "is inf in row 1"),
        (
            pd.Series([1, 2**64 - 1], dtype="uint64"),
            "holds 18446744073709551615 in row 1 (rows count from 0); times must fit",
        ),
        ([1, 2**70], "times must fit into 64 bits"),
        ([Decimal("1577836800.0000000001"), Decimal("1577836800.0000000002")], "differ by less than float64 can tell"),
        ([True, False], "in row 0 (rows count from 0); pass numbers"),
        (pd.to_timedelta([1, 2]), "holds Timedelta("),
        ([[1]], "holds [1] in row 0"),
        (["9" * 40], "holds '999"),
    ],
)
def test_what_is_no_time_is_refused(values, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        as_times(pd.Series(values), "column 'time' of train")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("how", ["leave-one-out", "by-time(fraction=0.5)"])
def test_a_split_tells_nanoseconds_apart(how):
    times = [1577836800000000100, 1577836800000000000]
    for column in (times, pd.to_datetime(times), list(map(str, times)), pd.Series(times, dtype="UInt64")):
        log = pd.DataFrame({"user_id": [1, 1], "item_id": [1, 2], "timestamp": column})
        for source in (log, pl.from_pandas(log)):
            data = ba.Dataset.split(source, how=how)
            assert data.items.ids[data.test.items].tolist() == [1]


def test_ages_of_items_whose_dates_are_numbers():
    for dates in ([20190105, 20190115], ["20190105", "20190115"], [1546646400000, 1547510400000]):
        items = pd.DataFrame({"item_id": [1, 2], "date": dates})
        report = ba.evaluate({1: [1, 2]}, ba.Dataset(items=items), "age(reference=2019-01-25)@2", n_boot=0)
        assert report.value("age(reference=2019-01-25)@2") == 15


def test_texts_of_one_day_are_read_once_and_as_each_alone():
    """Texts that differ in the time of day alone share what was read; whatever they hold, nothing else changes."""
    draw = np.random.default_rng(6)
    heads = ["1999-12-31", "2001/2/3", "19991231", "31-Dec-1999", "Fri, 31 Dec 1999", "December 31, 1999", "13/12/1999",
             "Fri Dec 31", "December 1999", "1999", "31.12.1999", "1999-Dec-31", "x"]  # fmt: skip
    times = ["", " 10:00", "T10:00", "t1:00:59Z", ", 10:00", " at 10:00", "  9:15 pm", "T10:00\n", " 10:0",
             " 10:00:00 +0000 1998", "10:00", " 10:00 x", " 100:00", ":00", "T10", " :10", " 1\u0660:00"]  # fmt: skip
    texts = [head + time for head in heads for time in times]

    def read(some):
        try:
            return day_of_texts(some, "column 'date' of items", Reading("items")).tolist()
        except DataError:
            return None

    alone = {text: read([text]) for text in texts}
    assert sum(day is None for day in alone.values()) > 50
    good = [text for text in texts if alone[text]]
    assert len(good) > 50
    for _ in range(20):
        some = draw.permutation(good).tolist()
        assert read(some) == [alone[text][0] for text in some]
        odd = str(draw.choice([text for text in texts if alone[text] is None]))
        place = int(draw.integers(len(some) + 1))
        assert read([*some[:place], odd, *some[place:]]) is None


def test_many_times_of_few_days_take_little_more_than_the_days(monkeypatch):
    from beyondacc.data.intake import date_texts

    asked = []
    plain_day = date_texts._plain
    monkeypatch.setattr(date_texts, "_plain", lambda text: asked.append(text) or plain_day(text))
    days_of, minutes = [f"1999-12-{day:02d}" for day in range(1, 11)], range(24 * 60)
    texts = [f"{day} {minute // 60:02d}:{minute % 60:02d}:00" for day in days_of for minute in minutes]
    found = day_of_texts(texts, "x", Reading("items"))
    assert len(asked) == 10
    assert found[::1440].astype(str).tolist() == days_of


def test_dates_that_nobody_needs_are_not_read():
    items = pd.DataFrame({"item_id": [1, 2], "genres": ["a", "b"], "date": ["soon", "later"]})
    data = ba.Dataset({"u": [1]}, {"u": [2]}, items)
    assert ba.evaluate({"u": [2]}, data, ["ndcg@2", "ild@2", "gini@2"], n_boot=0).value("ndcg@2") == 1
    with pytest.raises(DataError, match="cannot be read as dates"):
        ba.evaluate({"u": [2]}, data, "age@2", n_boot=0)
