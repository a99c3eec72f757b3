"""JSON: a record per line, or an array of records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from beyondacc.data.arrow import STRING
from beyondacc.data.intake.files.parsing import refusing
from beyondacc.data.intake.files.source import Asked, Part, reads
from beyondacc.data.intake.files.text import opened_text
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import IDS, with_role
from beyondacc.errors import DataError

__all__ = ["column_of"]

_SHAPE: Final = "write one record {...} per line, or an array [{...}, ...] of them"


@reads("jsonl", "json", "ndjson", ends=(".jsonl", ".json", ".ndjson"))
def read_records(part: Part, encoding: str, asked: Asked) -> pd.DataFrame:
    """Read records, each an object; a name that a record lacks is missing there.

    Quoted ids are texts and others numbers, as the file says; where one column holds both, all become texts.

    Raises
    ------
    DataError
        If a line is not JSON, or not an object, or ids differ only by their quotes.
    """
    reading, given = asked.reading, asked.given
    columns: dict[str, list[Any]] = {}
    count = 0
    with refusing(part, encoding, "json"):
        for number, record in _records(part, encoding):
            if not isinstance(record, dict):
                raise part.broken(f"line {number} is not a record but {json.dumps(record)[:60]}; {_SHAPE}", "json")
            for name, value in record.items():
                values = columns.setdefault(name, [])
                if len(values) < count:
                    values.extend([None] * (count - len(values)))
                values.append(value)
            count += 1
    for values in columns.values():
        values.extend([None] * (count - len(values)))
    if not count:
        raise DataError(f"{part.what}: the file {str(part.path)!r} has no rows")
    frame = pd.DataFrame({name: column_of(values) for name, values in columns.items()})
    for name in with_role(frame.columns, IDS, given):
        frame[name] = _ids(part, name, frame[name], columns[name], reading)
    reading.form = "json" + (f", {encoding}" if not encoding.startswith("utf-8") else "")
    return frame


def _records(part: Part, encoding: str) -> Iterator[tuple[int, Any]]:
    with opened_text(part, encoding) as stream:
        first = True
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            if first and line.lstrip()[:1] == b"[":
                yield from _array(part, number, line + stream.read())
                return
            first = False
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as error:
                raise part.broken(f"line {number} is not JSON ({error.msg}); {_SHAPE}", "json") from error
            except RecursionError as error:
                raise part.broken(f"line {number} is nested too deeply", "json") from error


def _array(part: Part, number: int, text: bytes) -> Iterator[tuple[int, Any]]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        reason = f"it is not JSON ({error.msg} in line {number + error.lineno - 1}); {_SHAPE}"
        raise part.broken(reason, "json") from error
    except RecursionError as error:
        raise part.broken("it is nested too deeply", "json") from error
    for record in found:
        yield number, record


def column_of(values: list[Any]) -> pd.Series[Any]:
    """Make a column of what JSON holds: numbers that are not rounded, texts, or values of any kind."""
    kinds = {type(value) for value in values} - {type(None)}
    missing = any(value is None for value in values)
    if kinds == {str}:
        texts: pd.Series[Any] = pd.Series(values, dtype=STRING)
        return texts
    if kinds == {int}:
        small = all(value is None or -(2**63) <= value < 2**63 for value in values)
        if small:
            exact = not missing or all(value is None or abs(value) <= 2**53 for value in values)
            return pd.Series(values, dtype=("float64" if exact else "Int64") if missing else "int64")
        return pd.Series(values, dtype=object)
    if kinds and kinds <= {int, float}:
        large = any(type(value) is int and abs(value) > 2**53 for value in values)
        return pd.Series(values, dtype=object if large else "float64")
    if kinds == {bool} and not missing:
        return pd.Series(values, dtype=bool)
    return pd.Series(values, dtype=object)


def _ids(part: Part, name: str, column: pd.Series[Any], values: list[Any], reading: Reading) -> pd.Series[Any]:
    kinds = {type(value) for value in values} - {type(None)}
    if dict in kinds:
        shown = next(json.dumps(value)[:60] for value in values if type(value) is dict)
        raise part.broken(f"its column {name!r} holds {shown}; ids are texts or whole numbers: {_SHAPE}", "json")
    if kinds == {int, str}:
        quoted = {value for value in values if type(value) is str}
        twin = next((value for value in values if type(value) is int and str(value) in quoted), None)
        if twin is not None:
            raise part.broken(
                f"its column {name!r} holds {twin} both with quotes and without; write all its ids in one way", "json"
            )
        reading.note(f"the column {name!r} holds quoted and unquoted ids, which were read as texts")
        column = pd.Series([None if value is None else str(value) for value in values], dtype=STRING)
        return column.astype("category")
    if kinds == {str}:
        # an empty text is no id, as in other files
        coded: pd.Series[Any] = column.where(column != "").astype("category")
        return coded
    if kinds == {int} and column.dtype == "float64":
        return column.astype("Int64")
    return column
