"""Where a table lies: a file, packed or not, a folder of part files, or a pattern; and how a user says to read it."""

from __future__ import annotations

import codecs
import dataclasses
import glob
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias
from urllib.parse import unquote

import pandas as pd

from beyondacc.data.intake.files.packing import packing_of, unpacked
from beyondacc.data.intake.reading import Reading
from beyondacc.errors import DataError, SpecError, choices, did_you_mean

__all__ = ["ENDS", "FORMATS", "READERS", "Asked", "File", "Part", "parts_of", "reads"]

#: The names of the formats, and what else they are called; those that `reads` declares come to these.
FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "csv": (),
    "tsv": (),
    "parquet": (),
    "feather": ("arrow", "ipc"),
    "movielens": (),
}
#: By the end of a file's name, the format it has whatever its content is like.
ENDS: Final[dict[str, str]] = {
    ".parquet": "parquet", ".pq": "parquet", ".feather": "feather", ".arrow": "feather", ".ipc": "feather",
}  # fmt: skip
_MISSING_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"
_PARTITION: Final = re.compile(r"([^=]+)=(.*)")
_WILD: Final = re.compile(r"[*?\[]")


@dataclasses.dataclass(frozen=True)
class File:
    r"""A path together with how to read what lies there; None leaves a choice to the content of the file.

    Parameters
    ----------
    path
        A file, packed or not (gz, bz2, xz, zst, zip); a folder of part files, as Spark writes it; or a glob pattern.
    format
        One of `FORMATS`: ``"csv"``, ``"tsv"``, ``"jsonl"``, ``"parquet"``, ``"feather"``, ``"trec-run"``, ``"qrels"``,
        ``"recbole"``, ``"movielens"``.
    encoding
        Of its text, such as ``"latin-1"``; UTF-8 by default, UTF-16 where a byte order mark says so.
    sep
        What separates the fields of a line: one character, ``"::"``, or ``r"\s+"`` for blanks and tabs.
    decimal
        ``","`` where numbers are written like 3,5.
    header
        Whether the first line holds the names of the columns.

    Raises
    ------
    SpecError
        If a format, an encoding, a separator or a decimal mark is none.
    """

    path: str | os.PathLike[str]
    format: str | None = None
    encoding: str | None = None
    sep: str | None = None
    decimal: str | None = None
    header: bool | None = None

    def __post_init__(self) -> None:
        if self.format is not None:
            given = self.format.lower()
            names = {other: name for name, others in FORMATS.items() for other in (name, *others)}
            if given not in names:
                raise SpecError(f"{self.format!r} is not a format of files; {did_you_mean(given, names)}")
            object.__setattr__(self, "format", names[given])
        if self.encoding is not None:
            try:
                known = codecs.lookup(self.encoding)
            except LookupError as error:
                raise SpecError(
                    f"{self.encoding!r} is not an encoding of texts; name one such as utf-8, latin-1, cp1252 or utf-16"
                ) from error
            if not known._is_text_encoding:  # noqa: SLF001 - the only place that tells rot13 and base64 apart
                raise SpecError(f"{self.encoding!r} is not an encoding of texts; name one such as utf-8 or latin-1")
        if self.sep is not None and (not self.sep or set(self.sep) & set('"\r\n')):
            raise SpecError(f"sep={self.sep!r} cannot separate fields; pass one such as ',', ';', '\\t' or '::'")
        if self.decimal not in {None, ".", ","}:
            raise SpecError(f"decimal={self.decimal!r} is not a decimal mark; pass '.' or ','")
        if self.decimal == "," == self.sep:
            raise SpecError("sep and decimal are both ','; pass the separator, such as sep=';'")


@dataclasses.dataclass(frozen=True)
class Asked:
    """What the user says about a table, and where what was done with it is written down.

    Attributes
    ----------
    file
    given
        The user's own names or positions of columns, by role.
    reading
        Gets a note for each choice that can change a number.
    texts
        Further columns to keep as texts, because they hold texts in another part of the table.
    """

    file: File
    given: Mapping[str, str]
    reading: Reading
    texts: frozenset[str] = frozenset()


Reader: TypeAlias = "Callable[[Part, str, Asked], pd.DataFrame]"
#: By format, what reads one text of an encoding.
READERS: Final[dict[str, Reader]] = {}


def reads(name: str, *others: str, ends: Sequence[str]) -> Callable[[Reader], Reader]:
    """Declare a format of texts by the function that reads one file of it.

    Parameters
    ----------
    name, others
        What it is called.
    ends
        How names of such files end, as in ``(".run", ".trec")``.
    """

    def declare(reader: Reader) -> Reader:
        FORMATS[name] = others
        ENDS.update(dict.fromkeys(ends, name))
        READERS[name] = reader
        return reader

    return declare


@dataclasses.dataclass(frozen=True)
class Part:
    """One file of a table.

    Attributes
    ----------
    path
        Where it lies.
    what
        The name of the table, for messages.
    packing
        How it is packed, ``"gz"`` or so; empty where it is not.
    name
        Its name without what says that it is packed; of a zip file, the name of what is in it.
    partition
        What the folders say in which it lies: ``{"day": "2024-01-01"}``; None for a missing value.
    """

    path: Path
    what: str
    packing: str = ""
    name: str = ""
    partition: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def suffix(self) -> str:
        """The end of the name in lower case, such as ``.csv``."""
        return Path(self.name).suffix.lower()

    def open(self) -> BinaryIO:
        """Open what is in the file, unpacked."""
        return unpacked(self.path, self.packing)

    def head(self, size: int) -> bytes:
        """Return the first bytes of what is in the file."""
        with self.open() as stream:
            return stream.read(size)

    def broken(self, reason: str, layout: str = "") -> DataError:
        """Make the error of a file that is not what it should be."""
        suffix = Path(self.name).suffix
        layout = layout or (self.name if self.name.startswith("u.") or suffix == ".dat" else suffix) or self.name
        return DataError(f"{self.what}: the file {str(self.path)!r} cannot be read as {layout}: {reason}")


def parts_of(source: str | os.PathLike[str], what: str) -> list[Part]:
    """List the files of a table: one, those of a folder, or those that a pattern names; in the order of their paths.

    Files whose names begin with ``.`` or ``_`` and ``.crc`` files are left out, as Spark and Dask mean it, and empty
    part files too. Folders ``name=value`` are partitions.

    Raises
    ------
    DataError
        If there is nothing of that name, nothing in it, or a folder holds folders that are not partitions.
    """
    path = Path(source)
    try:
        if path.is_dir():
            return _of_folder(path, what)
        if not path.exists() and _WILD.search(str(source)):
            return _of_pattern(str(source), what)
        if not path.is_file():
            raise DataError(f"{what}: there is no file {str(path)!r}; check the path")
        if not path.stat().st_size:
            raise DataError(f"{what}: the file {str(path)!r} is empty")
        return [_part(path, what, {})]
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError(f"{what}: the file {str(path)!r} cannot be read: {reason}") from error


def _part(path: Path, what: str, partition: Mapping[str, Any]) -> Part:
    packing, name = packing_of(path, what)
    return Part(path, what, packing, name, partition)


def _hidden(name: str) -> bool:
    return name.startswith((".", "_")) or name.endswith(".crc")


def _of_folder(folder: Path, what: str) -> list[Part]:
    found = list(_walk(folder, what, {}))
    parts = [_part(path, what, partition) for path, partition in found if path.stat().st_size]
    if not parts:
        if found:
            raise DataError(f"{what}: the files of the folder {str(folder)!r} are empty")
        raise DataError(f"{what}: the folder {str(folder)!r} holds no part files; check the path")
    return _alike(parts, folder, what)


def _walk(folder: Path, what: str, partition: Mapping[str, Any]) -> list[tuple[Path, Mapping[str, Any]]]:
    found: list[tuple[Path, Mapping[str, Any]]] = []
    for path in sorted(folder.iterdir(), key=lambda each: each.name):
        if not path.is_dir():
            if not _hidden(path.name):
                found.append((path, partition))
            continue
        match = _PARTITION.fullmatch(path.name)
        if match is not None:
            found += _walk(path, what, {**partition, **_partition(match)})
        elif not _hidden(path.name):
            raise DataError(
                f"{what}: the folder {str(folder)!r} holds the folder {path.name!r}, which is not a partition such as "
                "day=2024-01-01; pass the folder of one table, or a pattern such as 'folder/*/*.csv'"
            )
    return found


def _partition(match: re.Match[str]) -> dict[str, Any]:
    name, value = map(unquote, match.groups())
    return {name: None if value == _MISSING_PARTITION else value}


def _of_pattern(pattern: str, what: str) -> list[Part]:
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - a Path knows no absolute patterns
    files: list[tuple[Path, Mapping[str, Any]]] = []
    fixed = len(Path(_WILD.split(pattern)[0] + "x").parent.parts)
    for each in found:
        path = Path(each)
        matches = [_PARTITION.fullmatch(piece) for piece in path.parts[fixed:]]
        partition = {key: value for match in matches if match for key, value in _partition(match).items()}
        if path.is_dir():
            files += _walk(path, what, partition)
        elif not _hidden(path.name):
            files.append((path, {k: v for k, v in partition.items() if f"{k}=" not in path.name}))
    parts = [_part(path, what, partition) for path, partition in dict(_first(files)).items() if path.stat().st_size]
    if not parts:
        raise DataError(f"{what}: no file with content matches {pattern!r}; check the pattern")
    return _alike(parts, Path(pattern), what)


def _first(files: list[tuple[Path, Mapping[str, Any]]]) -> list[tuple[Path, Mapping[str, Any]]]:
    """Sort files by their paths and keep each once: a pattern such as ``**`` finds folders and what is in them."""
    once: dict[Path, Mapping[str, Any]] = {}
    for path, partition in files:
        if len(partition) >= len(once.get(path, {})):
            once[path] = partition
    return sorted(once.items(), key=lambda each: str(each[0]))


def _alike(parts: list[Part], place: Path, what: str) -> list[Part]:
    """Refuse parts of which some lie in partitions that others do not lie in."""
    first = set(parts[0].partition)
    for part in parts:
        if set(part.partition) != first:
            odd = choices(sorted(first ^ set(part.partition)))
            raise DataError(
                f"{what}: of the parts in {str(place)!r} only some lie in folders {odd}=..., not {str(part.path)!r} "
                f"or not {str(parts[0].path)!r}; partition all of them alike"
            )
    return parts
