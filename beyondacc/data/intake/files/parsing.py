"""Text with separators, read by pandas: ids as they are written, and nothing but an empty field as missing."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import functools
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.arrow import STRING, numbers_as_texts, texts_encoded
from beyondacc.data.ids import number_integers, together
from beyondacc.data.intake.files.packing import DAMAGED
from beyondacc.data.intake.files.source import Part
from beyondacc.data.intake.files.text import INNER, Watched, bad_byte, opened_text
from beyondacc.errors import BeyondAccError, DataError

__all__ = ["Dialect", "parse", "parse_ids", "refusing", "stripped", "unquoted"]

_NUMBER: Final = re.compile(r"\s*[+-]?[\d.]")
_PLAIN: Final = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)
_UNEVEN: Final = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_OPEN: Final = re.compile(r"EOF inside string starting at row (\d+)")


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How a text is to be read.

    Attributes
    ----------
    sep
        What separates fields.
    quoted
        Whether quotes have a meaning, as in csv.
    header
        Whether the first line holds names; it is left out, as `names` are given.
    names
        Of all fields of a line.
    encoding, decimal
        See `File`.
    """

    sep: str
    quoted: bool
    header: bool
    names: Sequence[str]
    encoding: str = "utf-8"
    decimal: str = "."


@contextlib.contextmanager
def refusing(part: Part, encoding: str, layout: str = "", names: Sequence[str] = ()) -> Iterator[list[Watched]]:
    """Turn what readers raise about a file into one sentence; streams put into the list are asked first."""
    streams: list[Watched] = []
    try:
        yield streams
    except BeyondAccError:
        raise
    except (*DAMAGED, ValueError) as error:  # pandas' errors are ValueErrors
        found = next((each.failure for each in streams if each.failure is not None), error)
        if isinstance(found, DataError):
            raise part.broken(str(found), layout) from error
        if isinstance(found, UnicodeDecodeError):
            raise bad_byte(part, encoding) from error
        if isinstance(found, pd.errors.EmptyDataError):
            raise DataError(f"{part.what}: the file {str(part.path)!r} is empty") from error
        raise part.broken(_reason(found, names), layout or (part.path.suffix if part.packing else "")) from error


def _reason(error: Exception, names: Sequence[str]) -> str:
    text = " ".join(str(error).split())
    if match := _UNEVEN.search(text):
        expected, line, saw = match.groups()
        known = " ".join(name for name in names if name and name[0] != "\0")
        return f"line {line} has {saw} fields, not {expected}{f' ({known})' if known else ''}"
    if match := _OPEN.search(text):
        return f"the quote that opens in row {match[1]} (rows count from 0) never closes"
    return text or type(error).__name__


def parse(
    part: Part,
    dialect: Dialect,
    *,
    dtype: Mapping[str, Any],
    usecols: Sequence[str] | None = None,
    numbers: bool = False,
    strip: bool = False,
) -> tuple[pd.DataFrame, Watched]:
    """Read a text by pandas.

    Parameters
    ----------
    part, dialect
    dtype
        Of some columns; the others are inferred, each from all its rows at once.
    usecols
        Reads these columns only.
    numbers
        Whether to watch for fields that are not written as whole numbers are.
    strip
        Whether blanks after a separator are left out.

    Returns
    -------
    pandas.DataFrame
        An empty field is missing; texts such as ``NA`` are texts.
    Watched
        What was seen on the way.
    """
    options = {"dtype": dict(dtype), "usecols": None if usecols is None else list(usecols), "skipinitialspace": strip}
    try:
        return _parse(part, dialect, options, numbers=numbers, by_pieces=True)
    except pd.errors.DtypeWarning:  # "17" and "A1" in pieces of their own: a column is inferred from all its rows
        return _parse(part, dialect, options, numbers=numbers, by_pieces=False)


class _Bytes:
    """Bytes that pandas takes as they are: of what it knows as a stream it makes texts first, and bytes of them."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    def read(self, _size: int = -1) -> bytes:
        return self._watched.piece()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._watched.piece, b"")


def _parse(
    part: Part, dialect: Dialect, options: dict[str, Any], *, numbers: bool, by_pieces: bool
) -> tuple[pd.DataFrame, Watched]:
    watched = Watched(opened_text(part, dialect.encoding), dialect.sep, numbers=numbers)
    several = len(dialect.sep) > 1 and dialect.sep != r"\s+"
    with (
        refusing(part, dialect.encoding, names=dialect.names) as streams,
        contextlib.closing(watched),
        warnings.catch_warnings(),
    ):
        streams.append(watched)
        warnings.simplefilter("error", pd.errors.ParserWarning)
        warnings.simplefilter("error", pd.errors.DtypeWarning)
        frame = pd.read_csv(
            _Bytes(watched),  # type: ignore[call-overload]
            sep=INNER if several else dialect.sep,
            header=0 if dialect.header else None,
            names=list(dialect.names),
            index_col=False,
            quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
            keep_default_na=False,
            na_values=[""],
            decimal=dialect.decimal,
            low_memory=by_pieces,
            **options,
        )
    return frame, watched


def parse_ids(
    part: Part, dialect: Dialect, ids: Sequence[str], texts: Sequence[str], sample: Mapping[str, Sequence[str]]
) -> tuple[pd.DataFrame, Watched, bool]:
    """Read a text with columns of ids, which become categoricals of what is written.

    Columns are inferred, as pandas reads numbers in half the time of texts, and texts in a fifth of the time when it is
    not asked for them. The stream is watched for fields that would not come back from numbers as they are written;
    columns of other numbers are read once more.

    Parameters
    ----------
    part, dialect
    ids, texts
        The columns of ids; those of other texts, which stay texts.
    sample
        Of each column, its fields in the first rows.

    Returns
    -------
    pandas.DataFrame
    Watched
    bool
        Whether blanks after separators were left out.
    """
    wanted = [*ids, *texts]
    # inferring these would give numbers that are not as they are written
    known = [name for name in wanted if _misread(sample.get(name, ()), as_ids=name in ids)]
    numbers = any(all(map(_PLAIN.fullmatch, sample.get(name, ()))) for name in ids)
    frame, watched = parse(part, dialect, dtype=dict.fromkeys(known, "str"), numbers=numbers)
    again = [name for name in wanted if not _as_written(frame[name], watched, as_ids=name in ids)]
    if again:
        whole, _ = parse(part, dialect, dtype=dict.fromkeys(again, "str"), usecols=again)
        for name in again:
            frame[name] = whole[name]
    coded = _all_encoded(frame, ids)
    texts_of = [coded[name].categories for name in ids if frame[name].dtype != np.int64]
    strip = any(each.str.startswith(" ").any() for each in texts_of)
    if strip:
        frame, watched = parse(part, dialect, dtype=dict.fromkeys(wanted, "str"), strip=True)
        before, coded = coded, _all_encoded(frame, ids)
        # a blank within quotes stays, and is part of the id
        strip = any(list(coded[name].categories) != list(before[name].categories) for name in ids)
    for name in ids:
        frame[name] = coded[name]
    return frame, watched, strip


def _misread(fields: Sequence[str], *, as_ids: bool) -> bool:
    """Tell by its first fields whether a column would be inferred as numbers that lose how they are written."""
    filled = [field for field in fields if field]
    return bool(filled) and all(map(_NUMBER.match, filled)) and not (as_ids and all(map(_PLAIN.fullmatch, filled)))


def _as_written(column: pd.Series[Any], watched: Watched, *, as_ids: bool) -> bool:
    """Tell whether a column holds its fields as they are written: as texts, or ids as plain whole numbers."""
    if column.dtype == np.int64:
        return as_ids and watched.odd is False
    if isinstance(column.dtype, pd.StringDtype):
        return True
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "string"


def _all_encoded(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.Categorical]:
    tasks = [functools.partial(_encoded, frame[name]) for name in names]
    return dict(zip(names, together(tasks, len(frame)), strict=True))


def _encoded(column: pd.Series[Any]) -> pd.Categorical:
    return _numbered(column.to_numpy()) if column.dtype == np.int64 else texts_encoded(column)


def _numbered(numbers: NDArray[np.int64]) -> pd.Categorical:
    """Encode whole numbers as the texts in which they are written."""
    if not len(numbers):
        return pd.Categorical.from_codes([], pd.Index([], dtype=STRING))
    ids = number_integers([numbers])
    assert ids is not None  # noqa: S101 - they are whole
    codes, occurring = ids.codes, ids.occurring
    if not occurring.all():
        codes = ids.translate(np.cumsum(occurring, dtype=np.int32) - np.int32(1))
    return pd.Categorical.from_codes(codes, numbers_as_texts(np.asarray(ids.distinct)[occurring]), validate=False)


def unquoted(column: pd.Series[Any]) -> pd.Series[Any]:
    """Take the quotes off the fields that they enclose, where quotes are text elsewhere; numbers become numbers."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        bare = _bare(pd.Series(column.cat.categories))
        if bare is None:
            return column
        codes, distinct = pd.factorize(bare.where(bare != ""))  # two that are one without their quotes
        texts = pd.Index(distinct, dtype=STRING)
        renumbered = np.append(codes, -1)[column.cat.codes.to_numpy()]
        return pd.Series(pd.Categorical.from_codes(renumbered, texts), index=column.index)
    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return column
    bare = _bare(column)
    return column if bare is None else bare.where(bare != "")


def _bare(texts: pd.Series[Any]) -> pd.Series[Any] | None:
    if not len(texts):
        return None
    strings = texts.astype(STRING)
    enclosed = (strings.str.len() > 1) & strings.str.startswith('"') & strings.str.endswith('"')
    enclosed = enclosed.fillna(value=False).astype(bool)
    if not enclosed.any():
        return None
    return strings.mask(enclosed, strings.str.slice(1, -1).str.replace('""', '"', regex=False))


def stripped(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """Take off the blank that ends all ids of a column, as in ``7 ; 12 ; 3``; None where not all end so."""
    categories = column.cat.categories
    if not len(categories) or not all(str(each).endswith(" ") for each in categories):
        return None
    bare = [str(each).rstrip(" ") for each in categories]
    codes, distinct = pd.factorize(np.array(bare, dtype=object))
    renumbered = np.append(codes, -1)[column.cat.codes.to_numpy()]
    return pd.Series(pd.Categorical.from_codes(renumbered, pd.Index(distinct, dtype=STRING)), index=column.index)
