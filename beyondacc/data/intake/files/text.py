"""The text of a file as a stream of UTF-8: byte order marks, other encodings, where a text stops being one."""

from __future__ import annotations

import codecs
import io
from typing import Any, BinaryIO, Final

import numpy as np

from beyondacc.data.intake.files.source import Part
from beyondacc.errors import DataError
from beyondacc.kernels.text import has_odd_numbers

__all__ = [
    "INNER",
    "Watched",
    "bad_byte",
    "encoding_of",
    "first_lines",
    "opened_text",
    "refuse_binary",
    "whole_text",
]

#: What stands for a separator of several characters, of which pandas' fast parser knows none.
INNER: Final = "\x1f"
_HEAD: Final = 2**18
_PIECE: Final = 2**18  # what pandas asks for at once
_AHEAD: Final = b"\0" * 3  # so that whoever looks at a byte can look at those behind it
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, with whose mark it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Bytes that are printed signs in Windows-1252 and control characters, which no table holds, in Latin-1.
_WINDOWS: Final = frozenset(range(0x80, 0xA0)) - {0x81, 0x8D, 0x8F, 0x90, 0x9D}


def encoding_of(head: bytes, given: str | None) -> str:
    """Tell the encoding of a text from what the user says, or its byte order mark; UTF-8 without either."""
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
    if given is None:
        return marked or "utf-8"
    name = codecs.lookup(given).name
    return "utf-8-sig" if name == "utf-8" and marked == "utf-8" else name


def refuse_binary(part: Part, head: bytes, encoding: str) -> None:
    """Refuse what is no text, and UTF-16 without a mark, whose every second byte is 0."""
    if b"\0" not in head[:4096] or encoding.startswith(("utf-16", "utf-32")):
        return
    pairs = np.frombuffer(head[: len(head[:4096]) // 2 * 2], np.uint8).reshape(-1, 2)
    zeros = (pairs == 0).mean(axis=0)
    if len(pairs) > 1 and zeros.max() > 0.5 and zeros.min() < 0.1:
        name = "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
        raise part.broken(
            f"it looks like UTF-16 without a byte order mark; pass --encoding {name} "
            f"(Python: File(path, encoding={name!r}))"
        )
    raise part.broken("it is binary, not text")


class _Recoded(io.RawIOBase):
    """A stream in another encoding as a stream of UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and not self._ended:
            piece = self._stream.read(_PIECE)
            self._ended = not piece
            self._rest = self._decoder.decode(piece, final=self._ended).encode()
        taken = min(len(buffer), len(self._rest))
        buffer[:taken], self._rest = self._rest[:taken], self._rest[taken:]
        return taken

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


class Watched(io.RawIOBase):
    """A stream of UTF-8 that is looked at while it is read, so that a file is gone through once.

    What is not UTF-8 raises a `UnicodeDecodeError`.

    Parameters
    ----------
    stream
        What is read.
    sep
        What separates fields. Several characters are replaced by `INNER`.
    numbers
        Whether to watch for fields that are no longer what they were once they are read as whole numbers.

    Attributes
    ----------
    quotes
        Whether there was a quotation mark.
    odd
        Whether a field began with a blank, a plus sign or a zero before another digit, ended with a blank, or was -0;
        None where that was not watched.
    failure
        What the stream raised, which pandas would pass on as one of its own errors.
    """

    def __init__(self, stream: BinaryIO, sep: str, *, numbers: bool = False) -> None:
        self.quotes = False
        self.odd: bool | None = False if numbers else None
        self.failure: Exception | None = None
        self._stream = stream
        self._several = sep.encode() if len(sep) > 1 and sep != r"\s+" else b""
        self._sep = ord(INNER) if self._several else ord(sep[0])
        self._numbers = numbers
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._before = b"\n"
        self._tail = b""
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def piece(self) -> bytes:
        """Return the next bytes, none at the end."""
        found = b""
        try:
            while not found and not self._ended:
                piece = self._stream.read(_PIECE)
                self._ended = not piece
                found = self._looked_at(piece)
        except Exception as error:
            self.failure = error
            raise
        return found

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, and return how many bytes there are."""
        self._rest = self._rest or self.piece()
        taken = min(len(buffer), len(self._rest))
        buffer[:taken], self._rest = self._rest[:taken], self._rest[taken:]
        return taken

    def _looked_at(self, piece: bytes) -> bytes:
        if self._decoder.getstate()[0] or not piece.isascii():
            self._decoder.decode(piece, final=self._ended)
        if self._several:
            piece = self._replaced(piece)
        self.quotes = self.quotes or b'"' in piece
        if self._numbers and not self.odd:
            seen = self._before + (piece or b"\n")
            self.odd = _odd_numbers(seen, self._sep)
            self._before = seen[-3:]
        return piece

    def _replaced(self, piece: bytes) -> bytes:
        if INNER.encode() in piece:
            raise DataError(f"it holds the control character {INNER!r}, which stands for the separator; remove it")
        pieces = (self._tail + piece).split(self._several)
        last = pieces[-1]
        held = 0 if self._ended else next((n for n in _lengths(self._several) if last.endswith(self._several[:n])), 0)
        self._tail = last[len(last) - held :]
        pieces[-1] = last[: len(last) - held]
        return INNER.encode().join(pieces)

    def close(self) -> None:
        """Close what is read."""
        if not self.closed:
            self._stream.close()
        super().close()


def _lengths(sep: bytes) -> range:
    return range(len(sep) - 1, 0, -1)


def _odd_numbers(text: bytes, sep: int) -> bool:
    """Tell whether a field would not come back from whole numbers as written; the last three bytes may end none."""
    return bool(has_odd_numbers(np.frombuffer(text + _AHEAD, np.uint8), np.uint8(sep)))


def opened_text(part: Part, encoding: str) -> BinaryIO:
    """Open the text of a file as UTF-8, without a byte order mark."""
    stream = part.open()
    if encoding in {"utf-8", "utf-8-sig"}:
        start = stream.read(3)
        if start == codecs.BOM_UTF8:
            return stream
        stream.close()
        return part.open()
    return io.BufferedReader(_Recoded(stream, encoding), _PIECE)


def first_lines(part: Part, encoding: str) -> list[str]:
    """Return the first lines of a text that are not empty, without one that may be cut off.

    Raises
    ------
    UnicodeDecodeError
        If they are no text of this encoding.
    """
    with opened_text(part, encoding) as stream:
        start = stream.read(_HEAD)
        while start and b"\n" not in start and b"\r" not in start and (more := stream.read(_HEAD)):
            start += more
        whole = not stream.read(1)
    if not whole:
        start = start[: max(start.rfind(b"\n"), start.rfind(b"\r")) + 1] or start
    return [line for line in start.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n") if line]


def whole_text(part: Part, encoding: str) -> str:
    """Return the whole text of a file."""
    with opened_text(part, encoding) as stream:
        return stream.read().decode()


def bad_byte(part: Part, encoding: str) -> DataError:
    """Find the first byte that is no text of an encoding, and make the error that names it and the way out."""
    decoder = codecs.getincrementaldecoder(encoding)()
    read, lines, seen = 0, 1, set[int]()
    place = ""
    with part.open() as stream:
        while not place:
            piece = stream.read(_PIECE)
            held = len(decoder.getstate()[0])
            try:
                lines += decoder.decode(piece, final=not piece).count("\n")
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(error.encoding, errors="replace")
                place = f"byte {read - held + error.start} (line {lines + before.count(chr(10))})"
                seen.update(error.object)
            if not piece:
                break
            read += len(piece)
        while rest := stream.read(_PIECE):
            seen.update(rest)
    if encoding.startswith("utf-8"):
        other = "cp1252" if seen & _WINDOWS else "latin-1"
        return part.broken(
            f"{place} is not UTF-8; pass --encoding {other} (Python: File(path, encoding={other!r})) if it is Western "
            "European, or else the encoding in which it was written"
        )
    return part.broken(f"{place} is not {encoding}; pass the encoding in which it was written, such as utf-8")
