"""Packed files: told by their first bytes, opened as streams of what is in them."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from beyondacc.errors import DataError, DependencyError

__all__ = ["DAMAGED", "packing_of", "unpacked"]

#: What the unpackers raise about a file that is cut off or damaged.
DAMAGED: Final = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, OSError)
_MARKS: Final[Mapping[str, bytes]] = {
    "gz": b"\x1f\x8b",
    "bz2": b"1AY&SY",  # behind "BZh" and a digit, with which a text may begin as well
    "xz": b"\xfd7zXZ\0",
    "zst": b"\x28\xb5\x2f\xfd",
    "zip": b"PK\x03\x04",
}
_SUFFIXES: Final = {
    ".gz": "gz",
    ".gzip": "gz",
    ".bz2": "bz2",
    ".xz": "xz",
    ".zst": "zst",
    ".zstd": "zst",
    ".zip": "zip",
}
_PIECE: Final = 2**20


def packing_of(path: Path, what: str) -> tuple[str, str]:
    """Tell how a file is packed, empty where it is not, and the name of what is in it.

    Raises
    ------
    DataError
        If it is not packed as its extension says, or a zip file does not hold one file.
    """
    with path.open("rb") as stream:
        start = stream.read(10)
    said = _SUFFIXES.get(path.suffix.lower(), "")
    start = start[4:] if start.startswith(b"BZh") else start
    found = next((packing for packing, mark in _MARKS.items() if start.startswith(mark)), "")
    if said and found != said:
        raise DataError(
            f"{what}: the file {str(path)!r} cannot be read as {path.suffix}: it does not begin with the mark of such "
            "a file; unpack it or mend its name"
        )
    if found == "zip":
        return found, _member(path, what)
    return found, path.stem if said else path.name


def _member(path: Path, what: str) -> str:
    """Return the name of the one file in a zip file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [each.filename for each in archive.infolist() if not each.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{what}: the file {str(path)!r} cannot be read as .zip: {error}") from error
    if "[Content_Types].xml" in names:
        raise DataError(f"{what}: the file {str(path)!r} is a workbook of Excel; save the sheet as csv")
    own = [name for name in names if not name.startswith("__MACOSX/") and not Path(name).name.startswith(".")]
    if len(own) != 1:
        raise DataError(
            f"{what}: the file {str(path)!r} holds {len(own)} files ({', '.join(map(repr, own[:4]))}"
            f"{', ...' if len(own) > 4 else ''}), not one; unpack it and pass the one that is meant"
        )
    return Path(own[0]).name


def unpacked(path: Path, packing: str) -> BinaryIO:
    """Open what is in a file.

    Raises
    ------
    DependencyError
        If it is packed by Zstandard and nothing is installed that unpacks it.
    """
    if packing == "gz":
        return cast("BinaryIO", gzip.open(path))
    if packing == "bz2":
        return cast("BinaryIO", bz2.open(path))
    if packing == "xz":
        return cast("BinaryIO", lzma.open(path))
    if packing == "zip":
        return _zipped(path)
    if packing == "zst":
        return io.BufferedReader(_Zstandard(path), _PIECE)
    return path.open("rb")


def _zipped(path: Path) -> BinaryIO:
    with zipfile.ZipFile(path) as archive:
        own = [
            each
            for each in archive.infolist()
            if not each.is_dir() and not each.filename.startswith("__MACOSX/") and Path(each.filename).name[0] != "."
        ]
        try:
            return cast("BinaryIO", archive.open(own[0]))  # which keeps the file open for itself
        except (RuntimeError, NotImplementedError) as error:  # a password, or a method that Python does not know
            raise OSError(str(error)) from error


class _Zstandard(io.RawIOBase):
    """What a file packed by Zstandard holds; its end is checked, which the readers of the packages do not do."""

    def __init__(self, path: Path) -> None:
        self._start, self._error = _unpacker()
        self._frame = self._start()
        self._begun = False
        self._rest = b""
        self._stream = path.open("rb")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = self._stream.read(_PIECE // 8)
            if not piece:
                if self._begun and not self._frame.eof:
                    raise EOFError("the file ends before what is packed in it")
                return 0
            self._rest = self._unpack(piece)
        taken = min(len(buffer), len(self._rest))
        buffer[:taken], self._rest = self._rest[:taken], self._rest[taken:]
        return taken

    def _unpack(self, piece: bytes) -> bytes:
        found = b""
        try:
            while piece:
                if self._frame.eof:  # several frames, one after the other, are one file
                    self._frame = self._start()
                found += self._frame.decompress(piece)
                self._begun = True
                piece = self._frame.unused_data if self._frame.eof else b""
        except self._error as error:
            raise OSError(str(error)) from error
        return found

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def _of_package(decompressor: Any) -> Any:
    return lambda: decompressor().decompressobj()


def _unpacker() -> tuple[Any, type[Exception]]:
    """Return what unpacks a frame of Zstandard, of Python 3.14 or of the package zstandard, and what it raises."""
    for name in ("compression.zstd", "zstandard"):
        try:
            found = importlib.import_module(name)
        except ImportError:
            continue
        start = found.ZstdDecompressor
        return (start if name == "compression.zstd" else _of_package(start)), found.ZstdError
    raise DependencyError("reading .zst needs Python 3.14 or the package zstandard; pip install zstandard")
