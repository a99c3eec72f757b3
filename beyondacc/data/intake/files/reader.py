"""A path in, a table out: which format a file has, and what its parts are together."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from beyondacc.data.arrow import Parquet
from beyondacc.data.intake.files import columnar, records  # noqa: F401 - records declares a format
from beyondacc.data.intake.files.guesses import (
    SEPARATORS,
    even_separators,
    is_recbole,
    names_ids_by,
    separator,
    trec_kind,
)
from beyondacc.data.intake.files.layouts import movielens_name, read_movielens
from beyondacc.data.intake.files.lists import with_a_row_per_element
from beyondacc.data.intake.files.parsing import refusing
from beyondacc.data.intake.files.separated import read_separated
from beyondacc.data.intake.files.source import ENDS, FORMATS, READERS, Asked, File, Part, parts_of
from beyondacc.data.intake.files.text import encoding_of, first_lines, refuse_binary
from beyondacc.data.intake.files.together import joined, mixed
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import IDS, given_names, with_role
from beyondacc.errors import DataError, choices

__all__ = ["read_file"]

_TEXT_ENDS: Final = frozenset({".csv", ".tsv", ".tab"})
_HEAD: Final = 2**13


def read_file(
    source: str | os.PathLike[str] | File,
    *,
    what: str,
    reading: Reading,
    columns: Mapping[str, Any] | None = None,
) -> pd.DataFrame | Parquet:
    """Read a table from a file, a folder of part files, or the files that a pattern names.

    The format is what `File` says, else what the name says where it is one of a known layout, else what the content is
    like. Packed files (``.gz .bz2 .xz .zst .zip``) are unpacked, also without such a name.

    ===========  ========================================================================================
    csv, tsv     ``.csv .tsv`` and any text of lines and separators; with or without header
    jsonl        ``.jsonl .json .ndjson``, records: one per line, or an array
    parquet      ``.parquet``; needs pyarrow (extra ``parquet``); lists of items become rows
    feather      ``.feather .arrow .ipc``, likewise
    trec-run     ``.run .trec``, ``qid Q0 docid rank score tag``; ranks and scores as they stand
    qrels        ``.qrels``, ``qid 0 docid rel``; all rows, also those judged not relevant
    recbole      ``.inter .item .user``, atomic files: names with types
    movielens    ``u.data u.item u.user ratings.dat movies.dat users.dat``, ``.base``
    ===========  ========================================================================================

    Parameters
    ----------
    source
        The path, or a `File` that says how to read it.
    what
        The name of the table, for messages.
    reading
        Is filled in: where the table lies, its format, and a note for each choice that can change a number.
    columns
        The user's own names of columns, ``{"user": "customer"}``; whole numbers and texts of digits are positions,
        counted from 1, unless a column has such a name. A column named by its position is called by it: ``"1"``.

    Returns
    -------
    pandas.DataFrame or Parquet
        With the file's own column names, or canonical ones where the format has none; without header, positions.
        Columns of ids are categoricals of the texts that are written, nothing but an empty field is missing, and
        ``attrs["written"]`` names those that are texts only because the file is one; ``attrs["tokens"]`` those that
        the file declares as texts. Of parquet files nothing is read yet.

    Raises
    ------
    DataError
        If the file is missing, empty, damaged, or nothing tells how to read it.
    DependencyError
        If a package is missing that the format needs.
    """
    file = source if isinstance(source, File) else File(source)
    given = given_names(columns)
    parts = parts_of(file.path, what)
    reading.source = str(file.path)
    forms = [_form(part, file) for part in parts]
    odd = next((place for place, form in enumerate(forms) if form != forms[0]), None)
    if odd is not None:
        raise parts[odd].broken(f"it is {forms[odd]}, but {str(parts[0].path)!r} is {forms[0]}", "a part of one table")
    partitions = {name: _inferred([part.partition[name] for part in parts], name, given) for name in parts[0].partition}
    asked = Asked(file, given, reading)
    table = _read(parts, forms[0], asked, partitions)
    packings = sorted({part.packing for part in parts} - {""})
    reading.form += "".join(f", {each}" for each in packings) + (f", {len(parts)} parts" if len(parts) > 1 else "")
    if table.empty:
        plural = "files" if len(parts) > 1 else "file"
        raise DataError(f"{what}: the {plural} {str(file.path)!r} {'have' if len(parts) > 1 else 'has'} no rows")
    if isinstance(table, Parquet):
        rows = columnar.exploded(table, reading, given)
        if rows is None:
            return table
        table = rows
    reading.rows = len(table)
    return table


def names_ids(file: File, what: str) -> bool:
    """Whether the first line of a text names a column of ids, so that it is a header line for sure."""
    part = parts_of(file.path, what)[0]
    with refusing(part, file.encoding or "utf-8"):
        head = part.head(_HEAD)
        if b"\0" in head and not encoding_of(head, file.encoding).startswith("utf-16"):
            return False
        lines = first_lines(part, encoding_of(head, file.encoding))
    separators = SEPARATORS if file.sep is None else [file.sep]
    return bool(lines) and any(names_ids_by(lines[0], sep) for sep in separators)


def _form(part: Part, file: File) -> str:
    """Tell the format of a file."""
    if file.format is not None:
        return file.format
    if movielens_name(part.name) is not None:
        return "movielens"
    with refusing(part, file.encoding or "utf-8"):
        head = part.head(_HEAD)
    if head.startswith(columnar.PARQUET_MARK) and b"\0" in head:
        return "parquet"
    if head.startswith(columnar.ARROW_MARK):
        return "feather"
    if part.suffix in ENDS:
        return ENDS[part.suffix]
    encoding = encoding_of(head, file.encoding)
    refuse_binary(part, head, encoding)
    with refusing(part, encoding):
        lines = first_lines(part, encoding)
    return _form_of_text(part, file, lines)


def _form_of_text(part: Part, file: File, lines: Sequence[str]) -> str:
    if not lines:
        return "csv"
    if lines[0].lstrip()[:1] in {"{", "["} and part.suffix not in _TEXT_ENDS:
        return "jsonl"
    if is_recbole(lines[0]):
        return "recbole"
    trec = trec_kind(lines)
    if trec is not None and file.sep is None and file.header is None:
        return trec
    if part.suffix not in _TEXT_ENDS and file.sep is None:
        found = separator(lines, None)
        if found is None and not even_separators(lines) and not with_role(lines[:1], IDS, {}):
            raise DataError(
                f"{part.what}: the file {str(part.path)!r} has an unknown extension, and its first line "
                f"{lines[0][:60]!r} tells no format; pass --format-of {part.what}=... "
                f"(Python: File(path, format=...)), one of {choices(FORMATS)}"
            )
        return "tsv" if found == "\t" else "csv"
    return "tsv" if part.suffix in {".tsv", ".tab"} else "csv"


def _read(
    parts: Sequence[Part], form: str, asked: Asked, partitions: Mapping[str, Sequence[Any]]
) -> pd.DataFrame | Parquet:
    if form == "parquet":
        return columnar.read_parquet(parts, asked.reading, partitions)
    frames = [_frame(part, form, asked) for part in parts]
    unlike = mixed(frames)
    if unlike and form in {"csv", "tsv", "recbole"}:
        frames = [_frame(part, form, dataclasses.replace(asked, texts=unlike)) for part in parts]
    whole = joined(frames, parts, partitions)
    if form in {"csv", "tsv", "jsonl"}:
        whole = with_a_row_per_element(whole, parts[0], asked.reading, asked.given)
    return whole


def _frame(part: Part, form: str, asked: Asked) -> pd.DataFrame:
    """Read one part."""
    if form == "feather":
        return columnar.read_feather(part, asked.reading)
    said = asked.file.encoding
    with refusing(part, said or "utf-8"):
        head = part.head(_HEAD)
    encoding = encoding_of(head, said)
    refuse_binary(part, head, encoding)
    with refusing(part, encoding):
        if form in READERS:
            return READERS[form](part, encoding, asked)
        if form == "movielens":
            return read_movielens(part, None if encoding == "utf-8" and said is None else encoding, asked.reading)
        known = form if asked.file.format or part.suffix in _TEXT_ENDS else None
        chosen = dataclasses.replace(asked, file=dataclasses.replace(asked.file, format=known))
        return read_separated(part, encoding, chosen)


def _inferred(values: Sequence[Any], name: str, given: Mapping[str, str]) -> list[Any]:
    """Read what folders say as whole numbers where all are some; ids stay texts."""
    present = [value for value in values if value is not None]
    plain = all(value.isascii() and value.isdecimal() and str(int(value)) == value for value in present)
    if not present or not plain or len(present) < len(values) or with_role([name], IDS, given):
        return list(values)
    return [int(value) for value in values]
