"""The names of the columns of a text: from its first line, by their positions, or because only one layout fits."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from beyondacc.data.intake.files.guesses import has_header, is_number
from beyondacc.data.intake.files.parsing import Dialect, parse, unquoted
from beyondacc.data.intake.files.source import Part
from beyondacc.data.intake.files.text import opened_text
from beyondacc.data.intake.roles import IDS, INTERACTIONS, NUMBERS, positions, role_of
from beyondacc.errors import DataError

__all__ = ["LABELS", "SURPLUS", "Names", "labels_of", "list_layout", "may_be_lists", "names_of", "unnamed"]

#: What columns are called that are left out once they are read: labels of rows, the empty field at the end of a row.
LABELS: Final = "\0labels"
SURPLUS: Final = "\0surplus"
_TYPICAL: Final = {"items": ("item", "title", "genres"), "users": ("user", "group")}
_WHOLE: Final = re.compile(r"[+-]?\d+", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Names:
    """The names of the fields of a line.

    Attributes
    ----------
    header
        Whether the first line holds names.
    fields
        A name for each field; `LABELS` and `SURPLUS` for those that are to be left out.
    unsure
        Whether the layout of a file without header is to be told by its rows.
    """

    header: bool
    fields: list[str]
    unsure: bool = False


def names_of(
    part: Part, rows: Sequence[Sequence[str]], given: Mapping[str, str], *, header: bool | None, dialect: Dialect
) -> Names:
    """Name the fields of a text.

    Parameters
    ----------
    part
    rows
        Its first rows, split into fields.
    given
        The user's own names or positions of columns, by role.
    header
        What the user says.
    dialect
        How to read the file, where the first rows do not tell; its names are not used.

    Raises
    ------
    DataError
        If nothing tells whether the first row holds names, or which names belong to which fields.
    """
    width = max(map(len, rows[1:] or rows))
    known = has_header(rows, given) if header is None else header
    places = positions(given, () if known is False else map(str.strip, rows[0]))
    named = {name for name in given.values() if not name.isdecimal()} & {field.strip() for field in rows[0]}
    if known is None or (known is False and header is None and (named or (not places and not may_be_lists(part)))):
        raise unnamed(part, rows, certain=known is False)
    if places and max(places) > max(width, len(rows[0])):
        raise part.broken(f"its lines have {width} fields, so there is none at the position {max(places)}")
    if not known:
        return Names(header=False, fields=list(map(str, range(1, width + 1))), unsure=not places)
    fields = [str(place) if place in places else name.strip() for place, name in enumerate(rows[0], 1)]
    found = _completed(part, rows, fields, places, width=width, dialect=dialect)
    return Names(header=True, fields=_unique(part, found, given))


def may_be_lists(part: Part) -> bool:
    """Tell by the name of a table whether it may hold lists of recommendations."""
    return part.what not in {*INTERACTIONS, *_TYPICAL}


def unnamed(part: Part, rows: Sequence[Sequence[str]], *, certain: bool) -> DataError:
    """Make the error of a file whose columns have no names, with both ways to say what they are."""
    width = max(map(len, rows))
    number = "rating" if part.what in INTERACTIONS else "score"
    roles = _TYPICAL.get(part.what, ("user", "item", number, "timestamp" if number == "rating" else "rank"))[:width]
    pairs = ",".join(f"{place}={role}" for place, role in enumerate(roles, 1))
    mapping = ", ".join(f"{role!r}: {place}" for place, role in enumerate(roles, 1))
    shown = ", ".join(field[:40] for field in rows[0][:6]) + (", ..." if len(rows[0]) > 6 else "")
    ways = (
        f"if it is a row, pass --no-header --columns {pairs} with the positions of the columns "
        f"(Python: File(path, header=False) and columns={{{mapping}}}); if it holds names, "
    )
    ways += (
        "pass --header (Python: File(path, header=True))"
        if certain
        else f"say which are meant with --columns {roles[0]}=... (Python: columns={{{roles[0]!r}: ...}})"
    )
    looks = "looks like a row, not like names of columns" if certain else "may be a row or the names of the columns"
    return DataError(f"{part.what}: the first line of {str(part.path)!r} ({shown}) {looks}; {ways}")


def _unique(part: Part, names: Sequence[str], given: Mapping[str, str]) -> list[str]:
    """Tell apart columns of one name, unless it is one that counts."""
    result: list[str] = []
    for place, name in enumerate(names, 1):
        unnamed = name or str(place)
        number, unused = 0, unnamed
        while unused in result:
            number += 1
            unused = f"{unnamed}.{number}"
        if number and role_of(name, given) is not None:
            raise part.broken(
                f"two of its columns are called {name!r}; give each its own name, or say which is meant by its "
                f"position, such as --columns {place}={(role_of(name, given) or '').removesuffix('_id')}"
            )
        result.append(unused)
    return result


def _completed(
    part: Part,
    rows: Sequence[Sequence[str]],
    names: list[str],
    places: Mapping[int, str],
    *,
    width: int,
    dialect: Dialect,
) -> list[str]:
    """Fit names to lines that have other fields than the first one."""
    surplus = width - len(names)
    if surplus <= 0:
        if names[0] == "" and len(names) > 1:
            return [LABELS, *_without_last(names[1:])]
        return _without_last(names)
    if surplus == 1 and places:
        return [str(place) if place in places else "" for place in range(1, width + 1)]
    if surplus == 1:
        reading = dataclasses.replace(dialect, header=True, names=list(map(str, range(width))))
        frame, _ = parse(part, reading, dtype=dict.fromkeys(reading.names, "str"), usecols=["0", str(width - 1)])
        if not dialect.quoted:
            frame = frame.apply(unquoted)
        if frame[str(width - 1)].isna().all():
            return [*names, SURPLUS]
        if _are_labels(frame["0"], rows, names, quoted=_begins_quoted(part, dialect)):
            return [LABELS, *names]
    at = next(number for number, row in enumerate(rows[1:], 1) if len(row) > len(names))
    line = _line_of(part, dialect.encoding, at)
    if any(len(row) <= len(names) for row in rows[1:]):
        raise part.broken(f"line {line} has {len(rows[at])} fields, not {len(names)} ({' '.join(names)})")
    raise part.broken(
        f"line {line} has {len(rows[at])} fields but the first line {len(names)} names; add the name "
        "that is missing: at the beginning if the first field numbers the rows, else at the end, or pass the positions "
        f"of the columns, --columns 2=user,3=item or --columns 1=user,2=item (Python: columns={{'user': 2, 'item': 3}})"
    )


def _line_of(part: Part, encoding: str, place: int) -> int:
    """Return the number of a line, counted from 1, by its place among those that are not empty."""
    with opened_text(part, encoding) as stream:
        filled = (number for number, line in enumerate(stream, 1) if line.strip(b"\r\n"))
        return next(itertools.islice(filled, place, None))


def _without_last(names: list[str]) -> list[str]:
    """Mark a column without name at the end, which is none where its fields are empty."""
    return [*names[:-1], SURPLUS] if len(names) > 1 and names[-1] == "" else names


def _begins_quoted(part: Part, dialect: Dialect) -> bool:
    lines = part.head(2**16).splitlines()
    return dialect.quoted and len(lines) > 1 and lines[1].lstrip().startswith(b'"')


def labels_of(column: pd.Series[Any]) -> bool:
    """Tell whether a column numbers the rows, or holds what numbered them before some were left out."""
    texts = column.dropna().astype(str)
    return len(texts) == len(column) and bool(texts.str.fullmatch(r"\d+").all()) and texts.is_unique


def _are_labels(first: pd.Series[Any], rows: Sequence[Sequence[str]], names: Sequence[str], *, quoted: bool) -> bool:
    """Tell whether the first field of each line numbers the rows, as R and pandas write it, so that no name is its own.

    Certain where the fields count from 0 or 1 within quotes, as R writes them, or where a column of numbers would
    hold texts if the names began at the first field.
    """
    if not labels_of(first):
        return False
    numeric = [place for place, name in enumerate(names) if role_of(name, {}) in NUMBERS]
    below = rows[1:]
    if any(not is_number(row[place]) for place in numeric for row in below if place < len(row) and row[place]):
        return all(
            is_number(row[place + 1]) for place in numeric for row in below if place + 1 < len(row) and row[place + 1]
        )
    start = int(str(first.iloc[0])) if len(first) else -1
    counted = start in {0, 1} and np.array_equal(
        first.astype(str).astype(np.int64), np.arange(start, start + len(first))
    )
    return quoted and counted and any(role_of(name, {}) in IDS for name in names)


def list_layout(frame: pd.DataFrame) -> list[str] | None:
    """Tell what the columns of lists without header are; None where it is not certain.

    User, item and score: the rows of a user stand together, no item twice among them, and numbers fall within each
    user, at least once. User, item and rank: they count from 1, at least up to 3 steps in all.
    """
    if len(frame.columns) != 3 or not pd.api.types.is_numeric_dtype(frame.iloc[:, 2].dtype):
        return None
    users, items = (frame.iloc[:, place].cat.codes.to_numpy() for place in (0, 1))
    numbers = frame.iloc[:, 2].to_numpy(dtype=np.float64)
    same = users[1:] == users[:-1]
    together = np.count_nonzero(~same) + 1 == len(np.unique(users))
    distinct = len(pd.DataFrame({"user": users, "item": items}).drop_duplicates()) == len(frame)
    if (
        not (together and distinct and same.any())
        or not np.isfinite(numbers).all()
        or min(users.min(), items.min()) < 0
    ):
        return None
    steps = np.diff(numbers)[same]
    starts = numbers[np.append(True, ~same)]
    if (steps == 1).all() and (starts == 1).all() and len(steps) > 2:
        return ["user_id", "item_id", "rank"]
    return ["user_id", "item_id", "score"] if (steps <= 0).all() and (steps < 0).any() else None
