"""Files without header whose layout is known: runs and judgements of TREC, the original files of MovieLens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd

from beyondacc.data.arrow import STRING
from beyondacc.data.intake.files.guesses import movielens_kind
from beyondacc.data.intake.files.parsing import Dialect, parse_ids
from beyondacc.data.intake.files.source import Asked, Part, reads
from beyondacc.data.intake.files.text import first_lines, opened_text
from beyondacc.data.intake.reading import Reading
from beyondacc.errors import DataError

__all__ = ["MOVIELENS", "movielens_name", "read_movielens"]

_GENRES: Final = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
_SAMPLE: Final = 500
_SPLIT: Final = re.compile(r"^u[a-z0-9]\.(base|test)$")


class Layout(NamedTuple):
    """The fields of a line: what they are called in messages, and what the columns are called that are kept."""

    sep: str
    fields: Sequence[str]
    keep: Mapping[str, int]
    texts: Sequence[str] = ()


_RUN: Final = Layout(
    r"\s+", ("qid", "Q0", "docid", "rank", "score", "tag"), {"user_id": 0, "item_id": 2, "rank": 3, "score": 4}
)
_QRELS: Final = Layout(r"\s+", ("qid", "0", "docid", "rel"), {"user_id": 0, "item_id": 2, "rating": 3})
_RATINGS: Final = ("user_id", "item_id", "rating", "timestamp")
_ITEMS: Final = ("item_id", "title", "release_date", "video_release_date", "url", *_GENRES)
#: By the name of the file.
MOVIELENS: Final[Mapping[str, Layout | None]] = {
    "u.data": Layout("\t", _RATINGS, {name: place for place, name in enumerate(_RATINGS)}),
    "u.item": Layout(
        "|",
        _ITEMS,
        {name: place for place, name in enumerate(_ITEMS) if name not in {"video_release_date", "url"}},
        ("title", "release_date"),
    ),
    "u.user": Layout(
        "|",
        ("user_id", "age", "gender", "occupation", "zip_code"),
        {"user_id": 0, "age": 1, "gender": 2, "occupation": 3, "zip_code": 4},
        ("gender", "occupation", "zip_code"),
    ),
    "ratings.dat": Layout(
        "::",
        ("user", "item", "rating", "timestamp"),
        {name: place for place, name in enumerate(_RATINGS)},
    ),
    "users.dat": Layout(
        "::",
        ("user", "gender", "age", "occupation", "zip"),
        {"user_id": 0, "gender": 1, "age": 2, "occupation": 3, "zip_code": 4},
        ("gender", "zip_code"),
    ),
    "movies.dat": None,  # titles hold its separator
}


def movielens_name(name: str) -> str | None:
    """Return the file of MovieLens that a name means: ``ua.base`` and ``u1.test`` are like ``u.data``."""
    if name in MOVIELENS:
        return name
    return "u.data" if _SPLIT.match(name) or name.endswith(".base") else None


def _read(part: Part, layout: Layout, encoding: str, label: str) -> pd.DataFrame:
    """Read lines that all have the fields of a layout; ids are kept as they are written."""
    kept = {place: name for name, place in layout.keep.items()}
    columns = [kept.get(place, f"\0{place}") for place in range(len(layout.fields))]
    lines = [line for line in first_lines(part, encoding) if line.strip()]
    if not lines:
        raise DataError(f"{part.what}: the file {str(part.path)!r} is empty")
    rows = [_fields(line, layout.sep) for line in lines[:_SAMPLE]]
    if any(len(row) != len(columns) for row in rows):
        raise _uneven(part, layout, encoding, label)
    ids = [name for name in ("user_id", "item_id") if name in layout.keep]
    unused = [name for name in columns if name.startswith("\0")]
    sample = {name: [row[place] for row in rows] for place, name in enumerate(columns)}
    dialect = Dialect(layout.sep, quoted=False, header=False, names=columns, encoding=encoding)
    try:
        frame, _, _ = parse_ids(part, dialect, ids, [*layout.texts, *unused], sample)
    except DataError as error:
        raise _uneven(part, layout, encoding, label, error) from error
    last = frame[columns[-1]]
    if last.isna().any():  # lines with too few fields are filled up, and a complete one may end with an empty field
        uneven = _uneven(part, layout, encoding, label, DataError())
        if uneven.args:
            raise uneven
    return frame[list(layout.keep)]


def _fields(line: str, sep: str) -> list[str]:
    return line.split() if sep == r"\s+" else line.rstrip("\r\n").split(sep)


def _uneven(part: Part, layout: Layout, encoding: str, label: str, other: DataError | None = None) -> DataError:
    """Name the first line with too few or too many fields; slow, but on the way to an error."""
    with opened_text(part, encoding) as stream:
        for number, line in enumerate(stream, 1):
            found = len(_fields(line.decode(), layout.sep))
            if line.strip() and found != len(layout.fields):
                reason = f"line {number} has {found} fields, not {len(layout.fields)} ({' '.join(layout.fields)})"
                return part.broken(reason, label)
    return other or part.broken("its lines have other fields than its layout", label)


@reads("trec-run", "trec", "run", ends=(".run", ".trec"))
def read_run(part: Part, encoding: str, asked: Asked) -> pd.DataFrame:
    """Read a run of TREC, ``qid Q0 docid rank score tag``, with its ranks and scores as they stand."""
    frame = _read(part, _RUN, encoding, part.suffix or "run")
    asked.reading.form = "trec run"
    frame.attrs["written"] = {"user_id", "item_id"}
    return frame


@reads("qrels", "trec-qrels", ends=(".qrels", ".qrel"))
def read_qrels(part: Part, encoding: str, asked: Asked) -> pd.DataFrame:
    """Read judgements of TREC, ``qid 0 docid rel``; all of them, also those of 0 and below, judged not relevant.

    Raises
    ------
    DataError
        If a judgement is not a whole number of 64 bits.
    """
    frame = _read(part, _QRELS, encoding, part.suffix or "qrels")
    grades = frame["rating"]
    if grades.dtype != "int64":
        texts = grades.astype(object)
        numbers = pd.to_numeric(texts.astype(str), errors="coerce")
        bad = texts[numbers.isna()]
        if len(bad):
            raise part.broken(f"the judgement {bad.iloc[0]!r} is not a number", part.suffix or "qrels")
        if grades.dtype != "float64":
            wide = next(each for each in texts if not -(2**63) <= int(each) < 2**63)
            raise part.broken(f"the judgement {wide} needs more than 64 bits", part.suffix or "qrels")
    asked.reading.form = "qrels"
    frame.attrs["written"] = {"user_id", "item_id"}
    return frame


def read_movielens(part: Part, encoding: str | None, reading: Reading) -> pd.DataFrame:
    """Read an original file of MovieLens; texts that are not UTF-8 are Latin-1, in which the older ones are written.

    Raises
    ------
    DataError
        If a line has other fields than its layout.
    """
    given = encoding or "utf-8"
    if encoding is None and not _is_utf8(part):
        given = "latin-1"
    name = movielens_name(part.name)
    if name is None:
        lines = first_lines(part, given)
        name = movielens_kind(lines[0]) if lines else None
        if name is None:
            raise part.broken(
                "its first line is like none of u.data, u.item, u.user, ratings.dat, movies.dat, users.dat"
            )
    layout = MOVIELENS[name]
    frame = _movies(part, given) if layout is None else _read(part, layout, given, part.name)
    reading.form = f"movielens {name}" + (f", {given}" if given != "utf-8" else "")
    frame.attrs["written"] = {each for each in ("user_id", "item_id") if each in frame}
    return frame


def _is_utf8(part: Part) -> bool:
    decoded: Any = None
    with opened_text(part, "utf-8") as stream:
        try:
            for decoded in stream:  # lines end where characters do
                decoded.decode()
        except UnicodeDecodeError:
            return False
    return True


def _movies(part: Part, encoding: str) -> pd.DataFrame:
    rows = []
    with opened_text(part, encoding) as stream:
        for number, line in enumerate(stream, 1):
            item, _, rest = line.decode().rstrip("\r\n").partition("::")
            title, mark, genres = rest.rpartition("::")
            if not (mark and item):
                raise part.broken(f"line {number} is not movie::title::genres", part.name)
            rows.append((item, title, genres))
    if not rows:
        raise DataError(f"{part.what}: the file {str(part.path)!r} is empty")
    frame = pd.DataFrame(rows, columns=["item_id", "title", "genres"], dtype=STRING)
    return frame.assign(item_id=frame["item_id"].astype("category"))
