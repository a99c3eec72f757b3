"""Notes on standard error: one for each choice that can change a number, or errors where that was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from beyondacc.cli.messages import in_options, one_line, say
from beyondacc.errors import DataError

if TYPE_CHECKING:
    from beyondacc.data.intake.reading import Reading

__all__ = ["Notes"]


class Notes:
    """What a reader of the numbers should know; collected first, so that a strict command writes nothing.

    Parameters
    ----------
    quiet
        Whether to print none.
    strict
        Whether every note is an error.
    """

    def __init__(self, *, quiet: bool, strict: bool) -> None:
        self._quiet = quiet
        self._strict = strict
        self._texts: list[str] = []

    def add(self, texts: Iterable[str]) -> None:
        """Collect notes, each once.

        Raises
        ------
        DataError
            If notes are errors.
        """
        for text in map(in_options, map(one_line, texts)):
            if self._strict:
                raise DataError(f"{text} (a note, which --strict takes as an error)")
            if text not in self._texts:
                self._texts.append(text)

    def add_readings(self, readings: Iterable[Reading]) -> None:
        """Collect what the boundary noted of each table."""
        self.add(f"{reading.table}: {note}" for reading in readings for note in reading.notes)

    def print(self) -> None:
        """Print what was collected, unless nothing is to be printed."""
        if not self._quiet:
            for text in self._texts:
                say(f"note: {text}", err=True)
        self._texts.clear()
