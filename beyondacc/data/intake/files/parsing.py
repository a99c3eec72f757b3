"""Text with separators, read by pandas: ids as they are written, and nothing but an empty field as missing."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.arrow import STRING, numbers_as_texts
from beyondacc.data.intake.files.packing import DAMAGED
from beyondacc.data.intake.files.source import Part
from beyondacc.data.intake.files.text import INNER, Watched, bad_byte, opened_text
from beyondacc.errors import BeyondAccError, DataError

__all__ = ["Dialect", "parse", "parse_ids", "refusing", "stripped", "unquoted"]

_PIECE: Final = 2**19
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
        return (
            f"line {line} has {saw} fields, not {expected}{f' ({chr(32).join(filter(None, names))})' if names else ''}"
        )
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
    watched = Watched(opened_text(part, dialect.encoding), dialect.sep, numbers=numbers)
    several = len(dialect.sep) > 1 and dialect.sep != r"\s+"
    # with a thousands separator, which no text holds, pandas 3.1 keeps categories of digits as texts: "007" is not 7
    thousands = "\x01" if "category" in dtype.values() and dialect.decimal == "." else None
    with (
        refusing(part, dialect.encoding, names=dialect.names) as streams,
        io.TextIOWrapper(io.BufferedReader(watched, _PIECE), "utf-8", newline="") as stream,
        warnings.catch_warnings(),
    ):
        streams.append(watched)
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            stream,
            sep=INNER if several else dialect.sep,
            header=0 if dialect.header else None,
            names=list(dialect.names),
            index_col=False,
            usecols=None if usecols is None else list(usecols),
            quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE,
            keep_default_na=False,
            na_values=[""],
            dtype=dict(dtype),
            decimal=dialect.decimal,
            thousands=thousands,
            skipinitialspace=strip,
            low_memory=False,
        )
    return frame, watched


def parse_ids(
    part: Part, dialect: Dialect, ids: Sequence[str], texts: Sequence[str], sample: Mapping[str, Sequence[str]]
) -> tuple[pd.DataFrame, Watched, bool]:
    """Read a text with columns of ids, which become categoricals of what is written.

    Where the first rows hold plain whole numbers, the columns are read as numbers, which takes pandas half the time,
    and the stream is watched for a field that would not come back as it is written.

    Parameters
    ----------
    part, dialect
    ids, texts
        The columns of ids; those of other texts, which are not inferred.
    sample
        Of each column, its fields in the first rows.

    Returns
    -------
    pandas.DataFrame
    Watched
    bool
        Whether blanks after separators were left out.
    """
    quick = [name for name in ids if sample.get(name) and all(map(_PLAIN.fullmatch, sample[name]))]
    known = dict.fromkeys(texts, "str")
    slow = known | dict.fromkeys(ids, "category")
    if quick:
        frame, watched = parse(
            part, dialect, dtype={name: kind for name, kind in slow.items() if name not in quick}, numbers=True
        )
        if not watched.odd and all(frame[name].dtype == np.int64 for name in quick):
            for name in quick:
                frame[name] = _numbered(frame[name].to_numpy())
            for name in set(ids) - set(quick):
                frame[name] = _as_texts(frame[name])
            return frame, watched, False
    frame, watched = parse(part, dialect, dtype=slow)
    strip = any(_begins_blank(frame[name]) for name in ids)
    if strip:
        frame, watched = parse(part, dialect, dtype=slow, strip=True)
    for name in ids:
        if not all(isinstance(text, str) for text in frame[name].cat.categories[:1]):
            whole, _ = parse(part, dialect, dtype={name: object}, usecols=[name], strip=strip)
            frame[name] = whole[name].astype("category")
        frame[name] = _as_texts(frame[name])
    return frame, watched, strip


def _begins_blank(column: pd.Series[Any]) -> bool:
    categories = column.cat.categories
    return not pd.api.types.is_numeric_dtype(categories.dtype) and any(str(each)[:1] == " " for each in categories)


def _as_texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give the categories of a column the dtype of texts, also where all its fields are empty."""
    categorical = column.astype("category") if not isinstance(column.dtype, pd.CategoricalDtype) else column
    texts = pd.Index(categorical.cat.categories, dtype=STRING)
    return pd.Series(pd.Categorical.from_codes(categorical.cat.codes, texts), index=column.index)


def _numbered(numbers: NDArray[np.int64]) -> pd.Categorical:
    """Encode whole numbers as the texts in which they are written."""
    if not len(numbers):
        return pd.Categorical.from_codes([], pd.Index([], dtype=STRING))
    low, high = int(numbers.min()), int(numbers.max())
    if high - low > 4 * len(numbers) + 2**16:
        found, distinct = pd.factorize(numbers)
        codes: NDArray[Any] = found
    else:  # a table of all numbers between them is quicker than to hash each
        places = numbers - low
        occurs = np.zeros(high - low + 1, np.bool_)
        occurs[places] = True
        codes = (np.cumsum(occurs, dtype=np.int32) - 1)[places]
        distinct = np.flatnonzero(occurs) + low
    return pd.Categorical.from_codes(codes, numbers_as_texts(distinct))


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
