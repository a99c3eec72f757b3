"""How files are read: what every command that reads any takes alike."""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_type_hints

import typer

from beyondacc.cli.options import OUTPUT, READING
from beyondacc.cli.plugins import Plugins
from beyondacc.errors import SpecError, choices

if TYPE_CHECKING:
    from beyondacc.data.intake.files import File

__all__ = ["FileOptions", "Order", "OrderOption", "Repeats", "Zeros", "takes"]

_SEPARATORS: Final = {"tab": "\t", r"\t": "\t", "space": r"\s+"}


class Order(enum.StrEnum):
    """What orders lists."""

    auto = enum.auto()
    rank = enum.auto()
    score = enum.auto()
    rows = enum.auto()


OrderOption = Annotated[
    Order,
    typer.Option(
        "--order",
        help="What orders the lists. By default the rank, else the score, else the rows; what is not certain is "
        "refused.",
        rich_help_panel=READING,
    ),
]


class Zeros(enum.StrEnum):
    """What a test row of value 0 is."""

    judged = enum.auto()
    relevant = enum.auto()


class Repeats(enum.StrEnum):
    """Which of several rows with the same user and item counts."""

    last = enum.auto()
    error = enum.auto()
    max = enum.auto()
    sum = enum.auto()


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How the files of a command are read; each field is an option."""

    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="ROLE=NAME,...",
            help="Names of columns that are not recognised, such as user=customer,item=sku. A name counts for every "
            "file that has such a column and lacks one of the usual name; test.rating=stars is for one file; "
            "1=user,2=item are positions.",
            rich_help_panel=READING,
            show_default=False,
        ),
    ] = None
    id_type: Annotated[
        list[str] | None,
        typer.Option(
            "--id-type",
            metavar="text|number",
            help="What ids are, or item=text for those of items; by default numbers where no file loses anything.",
            rich_help_panel=READING,
            show_default=False,
        ),
    ] = None
    format_of: Annotated[
        list[str] | None,
        typer.Option(
            "--format-of",
            metavar="[TABLE=]FORMAT",
            help="Of files whose content does not tell, such as recs=trec-run.",
            rich_help_panel=READING,
            show_default=False,
        ),
    ] = None
    encoding: Annotated[
        list[str] | None,
        typer.Option(
            "--encoding",
            metavar="[TABLE=]NAME",
            help="Of text files, such as latin-1 or items=cp1252.",
            rich_help_panel=READING,
            show_default=False,
        ),
    ] = None
    sep: Annotated[
        list[str] | None,
        typer.Option(
            "--sep",
            metavar="[TABLE=]TEXT",
            help="What separates the fields of a line, such as ';' or tab.",
            rich_help_panel=READING,
            show_default=False,
        ),
    ] = None
    decimal: Annotated[
        list[str] | None,
        typer.Option(
            "--decimal",
            metavar="[TABLE=]MARK",
            help="A comma where numbers are written like 3,5.",
            rich_help_panel=READING,
            show_default=False,
        ),
    ] = None
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="Whether the first lines of files are names. --no-header leaves files whose first line names an id.",
            rich_help_panel=READING,
            show_default=False,
        ),
    ] = None
    genre_sep: Annotated[
        str | None,
        typer.Option(
            "--genre-sep",
            metavar="TEXT",
            help="Separates the genres in a text; told from all texts by default.",
            rich_help_panel=READING,
        ),
    ] = None
    repeats: Annotated[
        Repeats,
        typer.Option(
            "--repeats",
            help="Which of several rows with the same user and item counts: the last (by time, if known), or one with "
            "their maximum or sum.",
            rich_help_panel=READING,
        ),
    ] = Repeats.last
    zeros: Annotated[
        Zeros | None,
        typer.Option(
            "--zeros",
            help="Test rows of value 0: judged not relevant (the default), or relevant.",
            rich_help_panel=READING,
        ),
    ] = None
    plugin: Plugins = None
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print no notes.", rich_help_panel=OUTPUT)] = False
    strict: Annotated[bool, typer.Option("--strict", help="Take every note as an error.", rich_help_panel=OUTPUT)] = (
        False
    )

    def names(self) -> dict[str, Any]:
        """Return the columns by role.

        Raises
        ------
        SpecError
            If a text is not ROLE=NAME, or a role is given twice.
        """
        found: dict[str, Any] = {}
        for text in (part.strip() for given in self.columns or [] for part in given.split(",")):
            role, equals, name = (piece.strip() for piece in text.partition("="))
            if not (role and equals and name):
                raise SpecError(f"--columns {text!r} is not ROLE=NAME; write it like user=customer,item=sku")
            table, dot, place = role.rpartition(".")
            if place.isdecimal():  # 1=user, as well as user=1
                role, name = f"{table}{dot}{name}", place
            if found.setdefault(role, name) != name:
                raise SpecError(
                    f"--columns gives the {role} column twice, {found[role]!r} and {name!r}; keep one of the two"
                )
        return found

    def kinds(self) -> Any:
        """Return what ids are, as `Dataset` takes it."""
        found: dict[str, str] = {}
        for text in (part.strip() for given in self.id_type or [] for part in given.split(",")):
            axis, equals, kind = text.rpartition("=")
            found |= {axis: kind} if equals else dict.fromkeys(("user", "item"), kind)
        return found

    def file(self, what: str, path: Path | str) -> File:
        """Return the path of a table together with how to read it."""
        from beyondacc.data.intake.files import File, names_ids  # noqa: PLC0415 - heavy

        table = what.partition(" ")[0]
        chosen = {
            option: _for(table, getattr(self, name), f"--{name.replace('_', '-')}")
            for option, name in (("format", "format_of"), ("encoding", "encoding"), ("sep", "sep"), ("decimal",) * 2)
        }
        chosen["sep"] = _SEPARATORS.get(chosen["sep"] or "", chosen["sep"])
        file = File(path, **chosen, header=self.header)
        named = self.header is False and names_ids(file, what)
        return dataclasses.replace(file, header=True) if named else file


def _for(table: str, texts: Sequence[str] | None, option: str) -> str | None:
    """Return what is said for a table: by its name, or for all."""
    from beyondacc.data.intake.roles import TABLES  # noqa: PLC0415 - heavy

    found: dict[str, str] = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        own = bool(equals) and name in TABLES
        if equals and not own and value and name.isalpha():
            raise SpecError(f"{option} {text!r} names no table; known are {choices(TABLES)}")
        found[name if own else ""] = value if own else text
    return found.get(table, found.get(""))


def takes(group: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command, whose first parameter is such a group, its fields as arguments and options of its own."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        fields = dataclasses.fields(group)
        hints = get_type_hints(group, include_extras=True)
        _, *own = inspect.signature(command).parameters.values()
        own_hints = get_type_hints(command, include_extras=True)
        hints |= {parameter.name: own_hints[parameter.name] for parameter in own}
        defaults = {field.name: field.default for field in fields} | {each.name: each.default for each in own}
        absent = (dataclasses.MISSING, inspect.Parameter.empty)

        @functools.wraps(command)
        def taking(**given: Any) -> None:
            command(group(**{field.name: given.pop(field.name) for field in fields}), **given)

        # typer reads what a command takes from its signature and its annotations
        made = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if default in absent else default,
                annotation=hints[name],
            )
            for name, default in defaults.items()
        ]
        taking.__signature__ = inspect.Signature(made)  # type: ignore[attr-defined] # which functions may have
        taking.__annotations__ = {name: hints[name] for name in defaults}
        return taking

    return decorate
