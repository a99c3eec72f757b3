"""Files in, pandas frames out: csv, tsv, parquet, TREC runs and qrels, RecBole atomic files, MovieLens's own layouts.

Text columns are inferred by pandas: an id column of digits becomes integers (``"007"`` is read as 7), and in csv, tsv
and RecBole files the texts that pandas takes as missing (``NA``, ``null``, the empty text) are missing.
"""

from __future__ import annotations

import csv
import functools
import gzip
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.arrow import Parquet, has_arrow
from beyondacc.data.intake.roles import ALIASES, RECBOLE_TYPES
from beyondacc.errors import DataError, DependencyError, choices

__all__ = ["read_table", "read_vectors"]

_GENRES: Final = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
_TITLES: Final = ("title", *ALIASES["title"])
_ITEM: Final = frozenset(name.lower() for name in ("item_id", *ALIASES["item_id"]))


def read_table(path: str | os.PathLike[str], *, what: str) -> Any:
    """Read a table by the extension of its file.

    ========================  ===========================================================================
    ``.csv`` ``.tsv``         with a header; also ``.csv.gz`` and ``.tsv.gz``
    ``.parquet``              needs pyarrow (extra ``parquet``); also LensKit's layout of a row a list
    ``.run`` ``.trec``        TREC run, ``qid Q0 docid rank score tag``; TREC orders by score, here `rank` decides as
                              long as it tells rows apart: a rank that is the same in all rows is left out
    ``.qrels``                TREC judgements, ``qid 0 docid rel``; rows with rel <= 0, judged not relevant, are dropped
    ``.inter .item .user``    RecBole atomic files: tabs, typed header; sequences become lists, titles stay texts
    ``u.data`` ``u.item``     MovieLens 100K; ``u.item`` gives one 0/1 column a genre
    ``ratings.dat``           MovieLens 1M and 10M, likewise ``movies.dat``
    ========================  ===========================================================================

    Parameters
    ----------
    path
        The file.
    what
        The name of the table, for messages.

    Returns
    -------
    pandas.DataFrame or Parquet
        With the file's own column names, or canonical ones where the format has no header. Of a parquet file nothing is
        read yet; `open_table` knows it.

    Raises
    ------
    DataError
        If the file is missing, empty, of an unknown extension, or not what its extension says.
    DependencyError
        If it is a parquet file and pyarrow is missing.
    """
    file = _existing(path, what)
    suffix = "".join(file.suffixes[-2:]) if file.suffix == ".gz" else file.suffix
    reader = _BY_NAME.get(file.name) or _BY_SUFFIX.get(suffix.lower())
    if reader is None:
        known = choices(sorted([*_BY_SUFFIX, *_BY_NAME]))
        raise DataError(f"{what}: the file {str(file)!r} has an unknown extension; known are {known}")
    try:
        frame = reader(file, what)
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{what}: the file {str(file)!r} is empty") from error
    except (pd.errors.ParserError, gzip.BadGzipFile, EOFError) as error:
        raise _broken(file, what, " ".join(str(error).split())) from error
    except UnicodeDecodeError as error:
        raise _broken(file, what, f"byte {error.start} is no {error.encoding} text") from error
    if frame.empty:
        raise DataError(f"{what}: the file {str(file)!r} has no rows")
    return frame


def read_vectors(path: str | os.PathLike[str], *, what: str = "vectors") -> NDArray[Any]:
    """Read an ``(n, d)`` array of numbers from a ``.npy`` file; pickled objects are refused.

    Raises
    ------
    DataError
        If the file is missing or holds something else.
    """
    file = _existing(path, what)
    if file.suffix != ".npy":
        raise DataError(f"{what}: the file {str(file)!r} has an unknown extension; vectors are read from .npy")
    try:
        vectors: NDArray[Any] = np.load(file, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise _broken(file, what, "it is no .npy file of numbers") from error
    if vectors.ndim != 2 or vectors.dtype.kind not in "biuf":
        raise _broken(file, what, f"it holds {vectors.dtype} of shape {vectors.shape}, not numbers of shape (items, d)")
    return vectors


def _existing(path: str | os.PathLike[str], what: str) -> Path:
    file = Path(path)
    if not file.is_file():
        raise DataError(f"{what}: there is no file {str(file)!r}; check the path")
    if not file.stat().st_size:
        raise DataError(f"{what}: the file {str(file)!r} is empty")
    return file


def _broken(file: Path, what: str, reason: str) -> DataError:
    layout = file.name if file.name in _BY_NAME else file.suffix
    return DataError(f"{what}: the file {str(file)!r} cannot be read as {layout}: {reason}")


def _refuse_binary(file: Path, what: str) -> None:
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        if b"\0" in stream.read(4096):
            raise _broken(file, what, "it is binary, not text")


def _separated(separator: str) -> Callable[[Path, str], pd.DataFrame]:
    def read(file: Path, what: str) -> pd.DataFrame:
        _refuse_binary(file, what)
        # inferring a column from all its rows at once: by chunks, "17" and "A1" would become an int and a text
        frame = pd.read_csv(file, sep=separator, low_memory=False)
        if len(frame.columns) == 1:
            header = str(frame.columns[0])
            other = next((mark for mark in ",;\t|" if mark in header), None)
            if other is not None:
                reason = f"the header {header!r} is one column; separate columns by {separator!r}, not {other!r}"
                raise _broken(file, what, reason)
        return frame

    return read


def _columns(
    file: Path, what: str, separator: str, names: Sequence[str], keep: Mapping[str, int], *, encoding: str = "utf-8"
) -> pd.DataFrame:
    """Read a file without header whose lines all have the fields `names`; `keep` maps columns to their position."""
    _refuse_binary(file, what)
    try:
        frame = pd.read_csv(
            file,
            sep=separator,
            header=None,
            quoting=csv.QUOTE_NONE,
            keep_default_na=False,
            dtype={position: "category" for position in range(len(names)) if position not in keep.values()},
            encoding=encoding,
            low_memory=False,
        )
        # lines with too few fields are filled up with empty texts, which a complete line cannot hold at its end
        last = frame.iloc[:, -1]
        short = len(frame.columns) != len(names) or not (pd.api.types.is_numeric_dtype(last) or (last != "").all())
    except pd.errors.ParserError:
        _refuse_uneven(file, what, separator, names, encoding)
        raise
    if short:
        _refuse_uneven(file, what, separator, names, encoding)
    return pd.DataFrame({name: frame[position] for name, position in keep.items()}, copy=False)


def _refuse_uneven(file: Path, what: str, separator: str, names: Sequence[str], encoding: str) -> None:
    """Name the first line with too few or too many fields, if there is one; slow, but on the way to an error."""
    fields = [name for name in names if name]
    between = {r"\s+": None, ":": "::"}.get(separator, separator)
    with file.open(encoding=encoding) as stream:
        for number, line in enumerate(stream, 1):
            found = len(line.rstrip("\r\n").split(between))
            if line.strip() and found != len(fields):
                reason = f"line {number} has {found} fields, not {len(fields)} ({' '.join(fields)})"
                raise _broken(file, what, reason)


def _trec_run(file: Path, what: str) -> pd.DataFrame:
    names = ("qid", "Q0", "docid", "rank", "score", "tag")
    frame = _columns(file, what, r"\s+", names, {"user_id": 0, "item_id": 2, "rank": 3, "score": 4})
    ranks = frame["rank"]
    return frame.drop(columns="rank") if len(frame) > 1 and (ranks == ranks.iloc[0]).all() else frame


def _trec_qrels(file: Path, what: str) -> pd.DataFrame:
    frame = _columns(file, what, r"\s+", ("qid", "0", "docid", "rel"), {"user_id": 0, "item_id": 2, "rating": 3})
    if not pd.api.types.is_numeric_dtype(frame["rating"].dtype):
        text = pd.to_numeric(frame["rating"], errors="coerce").isna()
        raise _broken(file, what, f"the judgement {frame['rating'][text].iloc[0]!r} is no number")
    relevant = frame[frame["rating"] > 0]
    if relevant.empty:
        raise DataError(f"{what}: the file {str(file)!r} judges nothing as relevant; at least one row needs rel > 0")
    return relevant.reset_index(drop=True)


def _recbole(file: Path, what: str) -> pd.DataFrame:
    _refuse_binary(file, what)
    frame = pd.read_csv(file, sep="\t", quoting=csv.QUOTE_NONE, low_memory=False)
    result: dict[str, Any] = {}
    for header in map(str, frame.columns):
        name, _, kind = header.rpartition(":")
        if kind not in RECBOLE_TYPES or not name:
            reason = (
                f"the header {header!r} has no type; write name:type, separated by tabs, type {choices(RECBOLE_TYPES)}"
            )
            raise _broken(file, what, reason)
        if kind.endswith("_seq") and name.lower() not in _TITLES:
            texts = frame[header].astype(str).where(frame[header].notna(), "")
            lists = texts.str.split()
            result[name] = lists.map(np.float64) if kind == "float_seq" else lists
        else:
            result[name] = frame[header]
    return pd.DataFrame(result, copy=False)


def _u_data(file: Path, what: str) -> pd.DataFrame:
    names = ("user_id", "item_id", "rating", "timestamp")
    return _columns(file, what, "\t", names, {name: position for position, name in enumerate(names)})


def _u_item(file: Path, what: str) -> pd.DataFrame:
    names = ("item_id", "title", "release_date", "video_release_date", "url", *_GENRES)
    keep = {name: position for position, name in enumerate(names) if name not in {"video_release_date", "url"}}
    return _columns(file, what, "|", names, keep, encoding="latin-1")


def _ratings_dat(file: Path, what: str) -> pd.DataFrame:
    # "::" read as two separators with nothing between: pandas' fast parser knows separators of one character only
    names = ("user", "", "item", "", "rating", "", "timestamp")
    return _columns(file, what, ":", names, {"user_id": 0, "item_id": 2, "rating": 4, "timestamp": 6})


def _movies_dat(file: Path, what: str) -> pd.DataFrame:
    _refuse_binary(file, what)
    rows = []
    with file.open(encoding="latin-1") as stream:
        for number, line in enumerate(stream, 1):
            item, _, rest = line.rstrip("\r\n").partition("::")
            title, mark, genres = rest.rpartition("::")
            if not (mark and item.isdecimal()):
                raise _broken(file, what, f"line {number} is not movie::title::genres")
            rows.append((int(item), title, genres))
    return pd.DataFrame(rows, columns=["item_id", "title", "genres"])


def _parquet(file: Path, what: str) -> pd.DataFrame | Parquet:
    with file.open("rb") as stream:
        if stream.read(4) != b"PAR1":
            raise _broken(file, what, "it does not begin with the mark of a parquet file")
    if not has_arrow():
        raise DependencyError("reading parquet needs pyarrow; pip install 'beyondacc[parquet]'")
    found = Parquet(file, functools.partial(_broken, file, what))
    if _ITEM & {name.lower() for name in found.columns}:
        return found
    # LensKit's own layout: a row a list, its items as records in one column
    lists = [name for name, parts in found.records.items() if _ITEM & {part.lower() for part in parts}]
    return found.unnested(lists[0]) if lists else found


_BY_SUFFIX: Final[Mapping[str, Callable[[Path, str], pd.DataFrame | Parquet]]] = {
    ".csv": _separated(","),
    ".csv.gz": _separated(","),
    ".tsv": _separated("\t"),
    ".tsv.gz": _separated("\t"),
    ".parquet": _parquet,
    ".run": _trec_run,
    ".trec": _trec_run,
    ".qrels": _trec_qrels,
    ".inter": _recbole,
    ".item": _recbole,
    ".user": _recbole,
}
_BY_NAME: Final[Mapping[str, Callable[[Path, str], pd.DataFrame]]] = {
    "u.data": _u_data,
    "u.item": _u_item,
    "ratings.dat": _ratings_dat,
    "movies.dat": _movies_dat,
}
