"""Odd values, and damage to bytes, to cells and to texts; all drawn from one generator."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

TEXTS = (
    *(
        "",
        " ",
        "NA",
        "nan",
        "null",
        "None",
        "inf",
        "-inf",
        "007",
        "1e2",
        "+7",
        "1.0",
        "-1",
        "0",
        "-0.0",
        "1_000",
        "1,5",
    ),
    *("9223372036854775807", "-9223372036854775808", "-9223372036854775807", "18446744073709551616", "1e309", "0x10"),
    *("1e-320", "٣", "½", "True", "false", "2020-01-01", "20200101", "1.5e9", "a,b", "a\tb", 'a"b', "a'b", "a|b", "::"),
    *(
        "a\nb",
        "a\rb",
        "\x1b[31mred\x1b[0m",
        "\x07",
        "\u202eabc",
        "\u2028",
        "\ufeff1",
        "ä",
        "推薦",
        "😀",
        "\x00",
        "..",
        "/",
    ),
    *("['a', 'b']", '["a"]', "[1, 2]", "{'a': 1}", "[", "x" * 3000, "9" * 400, "user_id", "item_id", "score", "<b>"),
)
NUMBERS = (
    *(0, 1, -1, 2, 7, 100, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), -(2**63) + 1, 2**63, 2**64 - 1, 2**64, 10**30),
    *(0.5, -0.5, 1.5, -0.0, 1e-300, 1e300, -1e300, 1e18, 1.7976931348623157e308, 0.9999999999999999, 1e-17),
    *(float("nan"), float("inf"), float("-inf")),
)
OBJECTS = (
    *(None, pd.NA, pd.NaT, True, False, b"bytes", 1 + 2j, dt.date(2020, 1, 1), dt.datetime(2020, 1, 1)),  # noqa: DTZ001
    *(pd.Timestamp("2020-01-01", tz="UTC"), pd.Timedelta("1h"), (), (1, 2), [], ["a"], [["a"], ["b"]], {}, {"a": 1}),
    *(frozenset({1}), np.float32(1.5), np.int8(3), np.array([1, 2]), np.str_("x"), float, object()),
)
MARKS = (
    *(
        b'"',
        b"'",
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xe9",
        b",",
        b"\t",
        b";",
        b"|",
    ),
    *(b"::", b" ", b"[", b"{", b"#", b"PAR1", b"\x1f\x8b", b"NaN", b"inf", b"-1", b"1e309", b"9" * 30, b"\x1b[2J"),
)


def pick(rng, values):
    """Return one of the values, which may be of any kind."""
    return values[int(rng.integers(len(values)))]


def any_value(rng):
    return pick(rng, pick(rng, (TEXTS, NUMBERS, OBJECTS)))


# --------------------------------------------------------------------------------------------------------------- bytes


def _flip(rng, data):
    place = int(rng.integers(len(data)))
    return data[:place] + bytes([data[place] ^ (1 << int(rng.integers(8)))]) + data[place + 1 :]


def _set(rng, data):
    place = int(rng.integers(len(data)))
    return data[:place] + bytes([int(rng.integers(256))]) + data[place + 1 :]


def _span(rng, data):
    start = int(rng.integers(len(data)))
    return start, min(len(data), start + int(rng.integers(1, 40)))


def _delete(rng, data):
    start, stop = _span(rng, data)
    return data[:start] + data[stop:]


def _repeat(rng, data):
    start, stop = _span(rng, data)
    return data[:stop] + data[start:stop] * int(rng.integers(1, 4)) + data[stop:]


def _insert(rng, data):
    place = int(rng.integers(len(data) + 1))
    return data[:place] + pick(rng, MARKS) + data[place:]


def _cut(rng, data):
    return data[: int(rng.integers(len(data) + 1))]


def _behead(rng, data):
    return data[int(rng.integers(len(data) + 1)) :]


def _lines(rng, data):
    lines = data.split(b"\n")
    return b"\n".join(lines[place] for place in rng.permutation(len(lines)))


def _swap(rng, data):
    """Put one mark in place of another throughout."""
    return data.replace(pick(rng, (b",", b"\n", b"\t", b" ", b"1", b"_", b".")), pick(rng, MARKS))


DAMAGES = (_flip, _set, _delete, _repeat, _insert, _cut, _behead, _lines, _swap)


def damage(rng, data, *, kinds=DAMAGES):
    """Damage bytes a few times."""
    for _ in range(int(rng.integers(1, 4))):
        if data:
            data = pick(rng, kinds)(rng, data)
    return data


def damage_text(rng, text):
    """Damage a text a little: letters are lost, doubled, exchanged or odd."""
    for _ in range(int(rng.integers(1, 3))):
        place = int(rng.integers(len(text) + 1))
        odd = pick(
            rng,
            (
                "",
                "",
                text[place - 1 : place] * 2,
                pick(rng, "()@=,.;:|*-+'\"\\/0192eE \t\n\x1b~§[]{}"),
                pick(rng, TEXTS),
            ),
        )
        text = text[:place] + odd + text[place + int(rng.integers(2)) :]
    return text


# --------------------------------------------------------------------------------------------------------------- cells


def _as_objects(frame, column):
    return frame.assign(**{column: frame[column].astype(object)}) if isinstance(column, str) else frame


def _cells(rng, frame):
    """Put odd values into some cells of a column."""
    column = pick(rng, list(frame.columns))
    values = frame[column].astype(object).tolist()
    odd = any_value(rng)
    for _ in range(int(rng.integers(1, 4))):
        values[int(rng.integers(len(values)))] = odd if rng.random() < 0.7 else any_value(rng)
    return _with(frame, column, values)


def _column(rng, frame):
    """Make a whole column of one odd value."""
    return _with(frame, pick(rng, list(frame.columns)), [any_value(rng)] * len(frame))


def _with(frame, column, values):
    cells = pd.Series(np.empty(len(values), object), index=frame.index)
    for place, value in enumerate(values):
        cells.iat[place] = value
    found = {name: cells if name == column else frame[name] for name in frame.columns}
    return pd.DataFrame(found, index=frame.index)


def _cast(rng, frame):
    column = pick(rng, list(frame.columns))
    kind = pick(
        rng, ("str", "object", "float64", "float32", "int8", "uint64", "category", "boolean", "Int64", "string")
    )
    try:
        return frame.assign(**{str(column): frame[column].astype(kind)})
    except (TypeError, ValueError, OverflowError):
        return frame


def _rename(rng, frame):
    column = pick(rng, list(frame.columns))
    new = pick(
        rng, ("", "user", "item", "score", "rank", "rating", "genres", "title", "timestamp", "Unnamed: 0", "1", *TEXTS)
    )
    return frame.rename(columns={column: new})


def _drop(rng, frame):
    return frame.drop(columns=pick(rng, list(frame.columns))) if len(frame.columns) > 1 else frame


def _double(rng, frame):
    column = pick(rng, list(frame.columns))
    return pd.concat([frame, frame[[column]]], axis=1)


def _rows(rng, frame):
    """Repeat, lose or mix rows."""
    n = len(frame)
    places = pick(
        rng, (rng.integers(n, size=n), rng.permutation(n), np.arange(int(rng.integers(3))), np.arange(n).repeat(2))
    )
    return frame.iloc[places].reset_index(drop=True)


def _index(rng, frame):
    return frame.set_index(pick(rng, list(frame.columns)), drop=bool(rng.random() < 0.5))


def _numbers(rng, frame):
    """Scale or shift a column of numbers beyond its type."""
    numeric = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name].dtype)]
    if not numeric:
        return frame
    column = pick(rng, numeric)
    factor = pick(rng, (0, -1, 1e300, 1e-300, 1e18, 2.0**53, 0.5))
    with np.errstate(all="ignore"):
        return frame.assign(**{column: frame[column].astype("float64") * factor})


TABLE_DAMAGES = (_cells, _cells, _cells, _column, _cast, _rename, _drop, _double, _rows, _index, _numbers)


def damage_table(rng, frame):
    """Damage a table once or twice; each damage is one that people's tables have."""
    for _ in range(int(rng.integers(1, 3))):
        if len(frame) and len(frame.columns) and frame.columns.is_unique:
            frame = pick(rng, TABLE_DAMAGES)(rng, frame)
    return frame
