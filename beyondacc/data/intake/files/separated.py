"""Files of lines and separators: csv, tsv, texts of any name, and the atomic files of RecBole."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from beyondacc.data.intake.files.guesses import SEPARATORS, even_separators, is_recbole, separator, split
from beyondacc.data.intake.files.header import LABELS, SURPLUS, labels_of, list_layout, may_be_lists, names_of, unnamed
from beyondacc.data.intake.files.parsing import Dialect, parse, parse_ids, stripped, unquoted
from beyondacc.data.intake.files.source import Asked, File, Part, reads
from beyondacc.data.intake.files.text import first_lines, opened_text
from beyondacc.data.intake.numbers import as_numbers, exact_integers, has_decimal_commas, rounded
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import IDS, NUMBERS, TEXTS, role_of, with_role
from beyondacc.errors import DataError, choices

__all__ = ["read_separated"]

_SHOWN: Final = {"\t": "tabs", r"\s+": "blanks", " ": "blanks"}
_SAMPLE: Final = 500
_ENCODINGS: Final = {"iso8859-1": "latin-1"}
_ENDS: Final = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


def read_separated(part: Part, encoding: str, asked: Asked) -> pd.DataFrame:
    """Read lines of fields.

    Parameters
    ----------
    part, encoding, asked

    Raises
    ------
    DataError
        If the separator, the names of the columns or the kind of a column cannot be told, or lines are uneven.
    """
    file, given, reading = asked.file, asked.given, asked.reading
    lines = _lines(part, encoding)
    sep = _separator(part, file, lines)
    quoted = sep != "\t" or file.format == "csv"
    rows = split(lines[:_SAMPLE], sep, quoted=quoted)
    dialect = Dialect(sep, quoted and len(sep) in {1, 3}, True, [], encoding, file.decimal or ".")
    names = names_of(part, rows, given, header=file.header, dialect=dialect)
    dialect = dataclasses.replace(dialect, header=names.header, names=names.fields)
    reading.form = f"{'tsv' if sep == chr(9) else 'csv'}, separated by {_SHOWN.get(sep, repr(sep))}" + (
        "" if encoding.startswith("utf-8") else f", {_ENCODINGS.get(encoding, encoding)}"
    )
    if names.header and any(field != field.strip() for field in rows[0]):
        reading.note("blanks around the names of columns were left out")
    ids = names.fields[:2] if names.unsure else with_role(names.fields, IDS, given)
    known = [*with_role(names.fields, TEXTS, given), *(name for name in names.fields if name in asked.texts)]
    frame = _columns(part, dialect, ids, [name for name in known if name not in ids], rows, reading=reading)
    frame = _without_unnamed(frame, reading)
    if names.unsure:
        return _named_lists(frame, part, rows, reading)
    _refuse_commas(frame, part, given, dialect)
    frame.attrs["written"] = {name for name in ids if name in frame}
    return frame


def _separator(part: Part, file: File, lines: Sequence[str]) -> str:
    usual = {"csv": ",", "tsv": "\t"}.get(file.format or "") or _ENDS.get(part.suffix)
    if file.sep is not None:
        if len(split(lines[:1], file.sep, quoted=file.sep != "\t")[0]) == 1 and len(lines[0]) > 1:
            other = separator(lines, None)
            if other is not None:
                raise part.broken(
                    f"its first line {lines[0][:80]!r} is one field; pass --sep {other!r}, not {file.sep!r}"
                )
        return file.sep
    found = separator(lines, usual)
    if found is not None:
        return found
    even = even_separators(lines, [*SEPARATORS])
    if usual is not None and not [sep for sep in even if sep != usual]:
        return usual
    if len(even) > 1:
        raise part.broken(
            f"its lines could be separated by {choices(map(repr, even))}; say which with --sep "
            f"(Python: File(path, sep={even[0]!r}))"
        )
    if role_of(lines[0], {}) in IDS:
        return ","  # one column, with its name above it
    raise part.broken(
        f"nothing separates its first line {lines[0][:80]!r}; pass --sep (Python: File(path, sep=...)) or the format"
    )


def _columns(
    part: Part,
    dialect: Dialect,
    ids: Sequence[str],
    texts: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    reading: Reading,
) -> pd.DataFrame:
    """Read the columns and settle what pandas does not: blanks and quotes around ids, numbers that are texts."""
    below = rows[1:] if dialect.header else rows
    sample = {
        name: [row[place].strip('"') if dialect.quoted else row[place] for row in below if place < len(row)]
        for place, name in enumerate(dialect.names)
    }
    frame, watched, strip = parse_ids(part, dialect, ids, texts, sample)
    if strip:
        reading.note("blanks after the separator were left out")
    if watched.quotes and not dialect.quoted:
        _refuse_spanning(part, dialect, frame)
        for name in frame.columns:
            frame[name] = unquoted(frame[name])
    for name in ids:
        bare = stripped(frame[name]) if strip or dialect.sep != "," else None
        if bare is not None:
            frame[name] = bare
            reading.note(f"blanks before the separator were left out of the column {name!r}")
    for name in frame.columns:
        if name not in ids and name not in texts:
            frame[name] = _settled(part, dialect, frame[name], strip=strip)
    return frame


def _settled(part: Part, dialect: Dialect, column: pd.Series[Any], *, strip: bool) -> pd.Series[Any]:
    if rounded(column):
        whole, _ = parse(part, dialect, dtype={str(column.name): "str"}, usecols=[str(column.name)], strip=strip)
        if whole[column.name].dropna().str.fullmatch(r"[+-]?\d+").all():
            return exact_integers(whole[column.name])
    if isinstance(column.dtype, pd.StringDtype) or column.dtype == object:
        if pd.api.types.infer_dtype(column, skipna=True) != "string":
            return column
        numbers = as_numbers(column)
        return column if numbers is None else numbers
    return column


def _refuse_spanning(part: Part, dialect: Dialect, frame: pd.DataFrame) -> None:
    """Refuse a field within quotes that spans lines, where quotes are text: its line is short and its quote open."""
    if not frame.iloc[:, -1].isna().any():
        return
    with opened_text(part, dialect.encoding) as stream:
        for number, line in enumerate(stream, 1):
            fields = line.decode().rstrip("\r\n").split(dialect.sep)
            last = fields[-1]
            if len(fields) < len(dialect.names) and last[:1] == '"' and (len(last) == 1 or last[-1] != '"'):
                raise part.broken(
                    f"line {number} ends within quotes; in files separated by tabs a field ends with its line: pass "
                    "--format csv --sep '\\t' where fields span lines (Python: File(path, format='csv', sep='\\t')), "
                    "or complete the line"
                )


def _without_unnamed(frame: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Leave out the numbers of rows, and the empty field at the end of each; other columns without name keep it."""
    if SURPLUS in frame:
        if frame[SURPLUS].isna().all():
            reading.note("each line ends with a separator; the empty field behind it was left out")
            frame = frame.drop(columns=SURPLUS)
        else:
            frame = frame.rename(columns={SURPLUS: str(len(frame.columns))})
    if LABELS in frame:
        if labels_of(frame[LABELS]):
            reading.note("the first column has no name and numbers the rows; it was left out")
            frame = frame.drop(columns=LABELS)
        else:
            frame = frame.rename(columns={LABELS: "1"})
    return frame


def _named_lists(frame: pd.DataFrame, part: Part, rows: Sequence[Sequence[str]], reading: Reading) -> pd.DataFrame:
    """Name the columns of lists without header, where only one layout fits."""
    names = list_layout(frame) if may_be_lists(part) else None
    if names is None:
        raise unnamed(part, rows, certain=True)
    frame.columns = pd.Index(names)
    reading.note(f"the file has no header line; its columns were taken as {', '.join(names)}, as its rows show")
    frame.attrs["written"] = {"user_id", "item_id"}
    return frame


def _refuse_commas(frame: pd.DataFrame, part: Part, given: Mapping[str, str], dialect: Dialect) -> None:
    for name in with_role(frame.columns, NUMBERS, given):
        column = frame[name]
        texts = isinstance(column.dtype, pd.StringDtype) or column.dtype == object
        if texts and dialect.decimal == "." and has_decimal_commas(column.astype(object)):
            example = next(text for text in column.dropna() if "," in str(text))
            raise part.broken(
                f"its column {name!r} holds {example!r}; if the comma stands before decimals, pass --decimal , "
                "(Python: File(path, decimal=',')), else write numbers without commas"
            )


def _lines(part: Part, encoding: str) -> list[str]:
    lines = first_lines(part, encoding)
    if not lines:
        raise DataError(f"{part.what}: the file {str(part.path)!r} is empty")
    return lines


@reads("recbole", "inter", ends=(".inter", ".item", ".user"))
def read_recbole(part: Part, encoding: str, asked: Asked) -> pd.DataFrame:
    """Read an atomic file of RecBole: names with types, sequences become lists, titles and tokens stay texts.

    Raises
    ------
    DataError
        If a name has no type.
    """
    file, reading = asked.file, asked.reading
    lines = _lines(part, encoding)
    sep = file.sep or is_recbole(lines[0])
    if sep is None or is_recbole(lines[0]) is None:
        odd = next(field for field in lines[0].split("\t") if is_recbole(field) is None)
        raise part.broken(
            f"the header {odd!r} has no type; write name:type, separated by tabs, type token, token_seq, float or "
            "float_seq"
        )
    rows = split(lines[:_SAMPLE], sep, quoted=sep != "\t")
    width = len(rows[0])
    headers = [field.strip().rpartition(":")[::2] for field in rows[0]]
    names = [name for name, _ in headers]
    twin = next((name for name in names if names.count(name) > 1), None)
    if twin is not None:
        raise part.broken(f"two of its columns are called {twin!r}; give every column its own name")
    kinds = dict(headers)
    dialect = Dialect(sep, sep != "\t", header=True, names=names, encoding=encoding, decimal=file.decimal or ".")
    if any(len(row) > width for row in rows):
        at = next(number for number, row in enumerate(rows) if len(row) > width)
        raise part.broken(f"line {at + 1} has {len(rows[at])} fields, not {width} ({' '.join(names)})")
    tokens = [name for name, kind in headers if kind == "token"]
    sequences = [name for name, kind in headers if kind.endswith("_seq")]
    frame = _columns(part, dialect, tokens, [*sequences, *asked.texts], rows, reading=reading)
    for name in sequences:
        if role_of(name, {}) != "title":
            filled = frame[name].astype(object).where(frame[name].notna(), "")
            frame[name] = _sequences(part, name, filled, kinds[name])
    reading.form = "recbole" + (f", separated by {_SHOWN.get(sep, repr(sep))}" if sep != "\t" else "")
    frame.attrs["tokens"] = set(tokens)
    return frame


def _sequences(part: Part, name: str, column: pd.Series[Any], kind: str) -> pd.Series[Any]:
    lists = column.str.split()
    if kind != "float_seq":
        return lists
    try:
        return lists.map(lambda each: np.array(each, np.float64))
    except ValueError as error:
        raise part.broken(f"its column {name!r} holds something that is not a number: {error}") from error
