"""What the first lines of a text say about it: the separator, whether there is a header line, which format it is.

One guess per function; each says None, or nothing, where it is not certain.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from typing import Final

from beyondacc.data.intake.roles import IDS, RECBOLE_TYPES, role_of

__all__ = [
    "SEPARATORS",
    "even_separators",
    "has_header",
    "is_number",
    "is_recbole",
    "movielens_kind",
    "names_ids_by",
    "separator",
    "split",
    "trec_kind",
]

SEPARATORS: Final = (",", ";", "\t", "|", "::")
_NUMBER: Final = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*")
_MOST: Final = 200  # lines that are looked at
_LARGEST_GRADE: Final = 1000


def split(lines: Sequence[str], sep: str, *, quoted: bool) -> list[list[str]]:
    """Split lines into their fields, by the rules of csv where quotes have a meaning."""
    if sep == r"\s+":
        return [[_bare(field) for field in line.split()] for line in lines]
    if not quoted or len(sep) > 1:
        return [[_bare(field) for field in line.split(sep)] for line in lines]
    try:
        return [row for row in csv.reader("\n".join(lines).split("\n"), delimiter=sep) if row]
    except csv.Error:  # a field of more than 128 KiB
        return [line.split(sep) for line in lines]


def _bare(field: str) -> str:
    """Take the quotes off a field that they enclose."""
    return field[1:-1].replace('""', '"') if len(field) > 1 and field[0] == field[-1] == '"' else field


def is_number(field: str) -> bool:
    """Tell whether a field is a number, with a point or a comma."""
    return _NUMBER.fullmatch(field) is not None


def even_separators(lines: Sequence[str], among: Sequence[str] = SEPARATORS) -> list[str]:
    """Return the separators that split all lines into equally many fields, two or more; the first line may lack one."""
    found = []
    for sep in among:
        widths = [len(row) for row in split(lines[:_MOST], sep, quoted=sep != "\t")]
        later = set(widths[1:]) or {widths[0]}
        if len(later) == 1 and min(later) > 1 and widths[0] in {max(later), max(later) - 1} and widths[0] > 1:
            found.append(sep)
    return found


def separator(lines: Sequence[str], usual: str | None) -> str | None:
    """Tell what separates the fields.

    The separator that the extension promises, where it splits the first line; else the only one that splits all lines
    evenly, or the one that brings out the name of an id in the first line; blanks only in the last way.

    Returns
    -------
    str or None
        None where several could be it, or none is.
    """
    even = even_separators(lines)
    naming = [sep for sep in (*SEPARATORS, r"\s+") if names_ids_by(lines[0], sep)]
    if usual is not None and len(split(lines[:1], usual, quoted=usual != "\t")[0]) > 1:
        rivals = [sep for sep in even if sep != usual]
        if usual in naming or not naming:
            # numbers with a comma, separated otherwise, without names above them: both split evenly
            return None if rivals and usual in even and not naming and _all_numbers(lines[0], rivals[0]) else usual
    for found in (naming, even):
        if len(found) == 1:
            return found[0]
    return None


def names_ids_by(line: str, sep: str) -> bool:
    """Whether a line, so separated, holds the name of a column of ids."""
    fields = split([line], sep, quoted=sep != "\t")[0]
    return len(fields) > 1 and any(role_of(_bare(field), {}) in IDS for field in fields)


def _all_numbers(line: str, sep: str) -> bool:
    return all(map(is_number, split([line], sep, quoted=False)[0]))


def has_header(rows: Sequence[Sequence[str]], given: Mapping[str, str]) -> bool | None:
    """Tell whether the first row holds names; None where nothing tells.

    It does where it names an id, or a column that the user names, and where a column of numbers has no number at its
    top. It does not where numbers stand above numbers, or its texts come again below.
    """
    first, below = rows[0], rows[1:_MOST]
    columns = [[row[place] for row in below if place < len(row) and row[place].strip()] for place in range(len(first))]
    numeric = [all(map(is_number, column)) for column in columns]
    as_data = [bool(field.strip()) and is_number(field) and same for field, same in zip(first, numeric, strict=True)]
    as_name = [
        bool(field.strip()) and not is_number(field) and same and bool(column)
        for field, same, column in zip(first, numeric, columns, strict=True)
    ]
    again = any(field in column for field, column in zip(first, columns, strict=True) if not is_number(field))
    named = [field.strip() for field in first if role_of(field, {}) in IDS]
    if named:
        # a letter such as "u" may be an id itself, where numbers stand beside it
        return True if not any(as_data) or any(len(name) > 1 for name in named) else None
    if any(as_data):
        # the columns of a matrix of pandas are called 0, 1, 2 ...
        counted = [field for field in first if is_number(field)] == list(map(str, range(sum(map(is_number, first)))))
        return None if any(as_name) or (counted and len(first) > 1) else False
    if any(field in given.values() for field in first):
        return True
    if any(as_name):
        return True
    return False if again and not any(role_of(field, {}) for field in first) else None


def is_recbole(line: str) -> str | None:
    """Tell by its first line whether a file is one of RecBole's, and what separates its fields."""
    sep = next((mark for mark in ("\t", ",", ";", " ") if mark in line.strip()), "\t")
    pieces = [field.strip().rpartition(":") for field in line.strip().split(sep)]
    return sep if all(name and kind in RECBOLE_TYPES for name, _, kind in pieces) else None


def trec_kind(lines: Sequence[str]) -> str | None:
    """Tell a run, ``qid Q0 docid rank score tag``, and judgements, ``qid 0 docid rel``, from other texts."""
    rows = [line.split() for line in lines[:_MOST] if line.strip()]
    widths = set(map(len, rows))
    if widths == {6}:
        good = all(_is_iteration(row[1]) and _is_whole(row[3]) and is_number(row[4]) for row in rows)
        return "trec-run" if good and len({row[1].lower() for row in rows}) == 1 else None
    if widths == {4}:
        good = all(_is_iteration(row[1]) and _is_whole(row[3]) and abs(int(row[3])) <= _LARGEST_GRADE for row in rows)
        return "qrels" if good and len({row[1].lower() for row in rows}) == 1 else None
    return None


def _is_iteration(field: str) -> bool:
    return field.lower() in {"q0", "0"}


def _is_whole(field: str) -> bool:
    return re.fullmatch(r"[+-]?\d{1,19}", field, re.ASCII) is not None


def movielens_kind(row: str) -> str | None:
    """Tell by its first line which file of MovieLens a text is like."""
    if len(row.split("\t")) == 4 and all(map(is_number, row.split("\t"))):
        return "u.data"
    if len(row.split("|")) == 24:
        return "u.item"
    if len(row.split("|")) == 5:
        return "u.user"
    fields = row.split("::")
    if len(fields) == 4 and all(map(is_number, fields)):
        return "ratings.dat"
    if len(fields) == 5 and fields[1] in {"M", "F"}:
        return "users.dat"
    return "movies.dat" if len(fields) >= 3 else None
