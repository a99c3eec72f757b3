"""What commands write: aligned tables, and files that are there whole or not at all."""

from __future__ import annotations

import importlib.util
import io
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beyondacc.cli.compiling import hide
from beyondacc.cli.messages import say
from beyondacc.errors import DataError, DependencyError, SpecError, choices
from beyondacc.files.atomic import replace_file, sweep
from beyondacc.texts import LONGEST, cut, visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["aligned", "check_output", "check_parquet", "decimals", "deliver", "encode", "number", "records"]

WIDTH = 120


def check_output(path: Path, suffixes: Sequence[str] = (), *, force: bool) -> None:
    """Refuse a file that cannot be written, before any work is done.

    Parameters
    ----------
    path
        The file.
    suffixes
        Its allowed extensions; any by default.
    force
        Whether it may exist already.

    Raises
    ------
    SpecError
        If its extension is not allowed.
    DataError
        If its folder does not exist, or something is in its place.
    DependencyError
        If it is a parquet file and pyarrow is missing.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise SpecError(f"the output {str(path)!r} has an unknown extension; it must end in {choices(suffixes)}")
    if not path.parent.is_dir():
        raise DataError(f"the folder {str(path.parent)!r} of the output {path.name!r} does not exist; create it first")
    if path.exists() and not path.is_file():
        raise DataError(f"the output {str(path)!r} is no file that can be replaced; choose another name")
    if path.exists() and not force:
        raise DataError(
            f"the output {str(path)!r} exists already; choose another name, or pass --force to overwrite it"
        )
    if path.suffix.lower() == ".parquet":
        check_parquet()
    sweep(path.resolve().parent)


def check_parquet() -> None:
    """Raise a `DependencyError` where parquet cannot be written."""
    if importlib.util.find_spec("pyarrow") is None:
        raise DependencyError("writing parquet needs pyarrow; pip install 'beyondacc[parquet]'")


def encode(frame: pd.DataFrame, suffix: str) -> bytes:
    """Return a frame as the content of a file with this extension: .csv, .tsv, .json or .parquet."""
    if suffix == ".parquet":
        stream = io.BytesIO()
        frame.to_parquet(stream, index=False, engine="pyarrow")
        return stream.getvalue()
    if suffix == ".json":
        return (json.dumps(records(frame), indent=2, ensure_ascii=False) + "\n").encode()
    separator = {".csv": ",", ".tsv": "\t"}[suffix]
    return frame.to_csv(index=False, sep=separator, lineterminator="\n").encode()


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as values that JSON can hold: null for NaN."""
    rows = frame.to_dict(orient="records")
    return [
        {str(key): None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
        for row in rows
    ]


def deliver(content: bytes, path: Path | None) -> None:
    """Write to a file, which is there whole or not at all, or where there is none, to standard output."""
    if path is None:
        hide()
        typer.echo(content, nl=False)
        return
    replace_file(path, content)
    say(f"wrote {path}", err=True)


def aligned(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[int] = (),
    gap: int = 2,
    longest: int = LONGEST,
) -> list[str]:
    """Lay out a table: a line for the head, a rule, a line for each row.

    Parameters
    ----------
    head
        Names of the columns.
    rows
        Texts, as many as columns.
    right
        Positions of the columns that are aligned to the right.
    gap
        Spaces between columns.
    longest
        Letters of a cell; longer ones are cut in their middle.
    """
    cells = [[cut(visible(text), longest) for text in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    flush = set(right)
    between = " " * gap

    def line(texts: Sequence[str]) -> str:
        shown = [
            text.rjust(width) if place in flush else text.ljust(width)
            for place, (text, width) in enumerate(zip(texts, widths, strict=True))
        ]
        return between.join(shown).rstrip()

    return [line(cells[0]), between.join("-" * width for width in widths), *map(line, cells[1:])]


def decimals(values: Iterable[float]) -> int:
    """Return with how many decimals numbers of this size are told apart: 4 about 1, fewer the larger they are."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest < 0.01:
        return 6
    return max(0, 4 - max(0, math.floor(math.log10(largest))))


def number(value: float, places: int) -> str:
    """Write a number; a metric that nobody defines is ``undefined``."""
    if math.isnan(value):
        return "undefined"
    text = f"{value:,.{places}f}"
    return text if float(text.replace(",", "")) else text.removeprefix("-")
