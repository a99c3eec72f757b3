"""The application and the options that several commands share; nothing heavy is imported here."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from beyondacc.declare import names
from beyondacc.declare.params import Cutoff, Param, Range, Seed as SeedNumber
from beyondacc.errors import DataError, SpecError

__all__ = [
    "TEN",
    "Averaged",
    "Bootstrap",
    "Cutoffs",
    "DefaultCutoff",
    "Duplicates",
    "Force",
    "Format",
    "FormatName",
    "Graded",
    "ItemsFile",
    "OutputFile",
    "Seed",
    "Seen",
    "Threshold",
    "TrainFile",
    "UnknownItems",
    "Users",
    "Vectors",
    "app",
    "check_files",
    "number",
    "numbers",
    "split_names",
]

DATA, READING, OUTPUT = "Data", "How the data are read", "Output"

app = typer.Typer(
    add_completion=False,
    help="Beyond-accuracy evaluation of recommender systems: evaluate lists, re-rank them, correlate metrics.",
)


class Format(enum.StrEnum):
    """How results are written."""

    table = enum.auto()
    json = enum.auto()
    csv = enum.auto()
    parquet = enum.auto()
    markdown = enum.auto()


class Users(enum.StrEnum):
    """Who is averaged."""

    all = enum.auto()
    intersection = enum.auto()
    recommended = enum.auto()
    tested = enum.auto()
    judged = enum.auto()
    judged_intersection = "judged-intersection"


class Seen(enum.StrEnum):
    """What happens to listed items of the user's own training rows."""

    keep = enum.auto()
    drop = enum.auto()


class UnknownItems(enum.StrEnum):
    """What happens to listed items outside the catalogue."""

    keep = enum.auto()
    error = enum.auto()


class Undefined(enum.StrEnum):
    """What a user counts for whom a metric is undefined."""

    skip = enum.auto()
    zero = enum.auto()


class Gains(enum.StrEnum):
    """What a relevant item is worth."""

    given = enum.auto()
    binary = enum.auto()


class Ties(enum.StrEnum):
    """How items of equal score are ordered."""

    input = enum.auto()
    reversed = enum.auto()
    item = enum.auto()
    number = enum.auto()


class Ranks(enum.StrEnum):
    """What a rank says."""

    order = enum.auto()
    literal = enum.auto()


class Duplicates(enum.StrEnum):
    """What happens to an item that stands twice in a list."""

    error = enum.auto()
    first = enum.auto()


def number(annotation: Any) -> Callable[[Any], Any]:
    """Make a reader of numbers in a domain of `beyondacc.declare.params`."""

    def parse(value: Any) -> Any:
        try:
            return Param("it", None, annotation).check(value, "")
        except SpecError as error:
            raise typer.BadParameter(f"{value!r}{str(error).partition(repr(value))[2]}") from error

    return parse


class Cutoffs(tuple[int, ...]):
    """One cutoff of lists or several, ascending."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: Any) -> Cutoffs:
        """Read whole numbers that are separated by commas."""
        if isinstance(value, Cutoffs):
            return value
        read = number(Cutoff)
        found = sorted(read(part.strip()) for part in str(value).split(","))
        if len(set(found)) < len(found):
            raise typer.BadParameter(f"{value!r} gives a cutoff twice; give each once")
        return cls(found)


TEN = Cutoffs((10,))


def numbers(text: str, option: str, annotation: Any) -> list[Any]:
    """Read distinct numbers that are separated by commas."""
    read = number(annotation)
    try:
        found = [read(part.strip()) for part in text.split(",")]
    except typer.BadParameter as error:
        raise SpecError(f"{option} {text!r}: {error.message}") from error
    if len(set(found)) < len(found):
        raise SpecError(f"{option} {text!r} gives a number twice; give each once")
    return found


TrainFile = Annotated[
    Path | None, typer.Option("--train", metavar="FILE", help="Training interactions.", rich_help_panel=DATA)
]
ItemsFile = Annotated[
    Path | None,
    typer.Option("--items", metavar="FILE", help="Items with genres: the catalogue.", rich_help_panel=DATA),
]
Vectors = Annotated[
    Path | None,
    typer.Option(
        "--vectors", metavar="FILE.npy", help="One vector for each row of the items table.", rich_help_panel=DATA
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        parser=number(float),
        metavar="NUMBER",
        help="Only test rows with at least this rating are relevant; without it all above 0, with the rating as gain.",
        rich_help_panel=READING,
    ),
]
Graded = Annotated[
    bool,
    typer.Option("--graded", help="Keep the ratings of relevant rows as gains, instead of 1.", rich_help_panel=READING),
]
Bootstrap = Annotated[
    int,
    typer.Option(
        "--bootstrap",
        parser=number(Annotated[int, Range(low=0)]),
        metavar="N",
        help="Replicates behind the 95 % intervals; 0 for none.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", parser=number(SeedNumber), metavar="N", help="Starts the random numbers.")]
DefaultCutoff = Annotated[
    Cutoffs,
    typer.Option(
        "-k", parser=Cutoffs.parse, metavar="N,...", help="Cutoff of metrics given without one, or several: 5,10,20."
    ),
]
Averaged = Annotated[
    Users | None,
    typer.Option(
        "--users",
        help="Users averaged: of lists or test (all, the default), with a list (recommended), with a relevant test row "
        "(tested), with both (intersection), with any test row (judged), with that and a list (judged-intersection).",
        rich_help_panel=READING,
    ),
]
FormatName = Annotated[
    Format | None,
    typer.Option("--format", help="By default as the output file ends, or a table.", rich_help_panel=OUTPUT),
]
OutputFile = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Instead of standard output.", rich_help_panel=OUTPUT),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.", rich_help_panel=OUTPUT)]


def check_files(paths: Mapping[str, Path | str | None]) -> None:
    """Refuse a file that is not there, before all that is imported to read the others.

    Parameters
    ----------
    paths
        By what messages call them; None for those that were not given.

    Raises
    ------
    DataError
        If nothing has one of the names, which may have a pattern or the name of a run in it.
    """
    for what, path in paths.items():
        if path is not None and not Path(path).exists() and not set(str(path)) & set("*?[="):
            raise DataError(f"{what}: there is no file {str(path)!r}; check the path")


def split_names(texts: list[str] | None) -> list[str]:
    """Split ``ild@5,10, MMR(a=1, b=2)`` at the commas between names; options may be repeated as well."""
    return names.split_names(texts or [])


def _version(value: bool) -> None:
    if value:
        from beyondacc import __version__  # noqa: PLC0415 - the package may import this one

        typer.echo(f"beyondacc {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    version: Annotated[  # noqa: ARG001 - acts before the commands do
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
