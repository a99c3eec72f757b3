"""The options of re-rankers: those that all have, and one for each further parameter that any of them declares.

The latter are read from the declarations when a command line has such an option, or asks for help: that takes time.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin

import typer
from typer.core import TyperCommand

from beyondacc.cli.options import number
from beyondacc.cli.plugins import load_named
from beyondacc.declare.params import Fraction

if TYPE_CHECKING:
    from beyondacc.declare.params import Param

__all__ = [
    "DistanceName",
    "Diversity",
    "MethodCommand",
    "Normalize",
    "PerUser",
    "RelevanceWeight",
    "flag_of",
    "further_options",
]

METHOD: Final = "Method"
_META: Final = "beyondacc.cli.methods"


def _of(flag: str, metavar: str, help_: str, domain: Any = None) -> Any:
    parser = None if domain is None else number(domain)
    return typer.Option(flag, metavar=metavar, help=help_, rich_help_panel=METHOD, parser=parser)


Diversity = Annotated[float | None, _of("--diversity", "W", "From 0, the input order, to 1; default 0.5.", Fraction)]
RelevanceWeight = Annotated[float | None, _of("--relevance-weight", "W", "1 - diversity, instead of it.", Fraction)]
DistanceName = Annotated[str | None, _of("--distance", "NAME", "Such as jaccard, cosine or npmi.")]
Normalize = Annotated[
    str | None, _of("--normalize", "NAME", "How scores are scaled in each list: minmax, zscore, rank or none.")
]
PerUser = Annotated[
    bool | None,
    typer.Option(
        "--per-user/--no-per-user",
        help="Scale each user's weight by how varied the profile is.",
        rich_help_panel=METHOD,
    ),
]


class MethodCommand(TyperCommand):
    """A command that takes the parameters of all re-rankers as options, those of plugins too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, with further options where some are asked for."""
        known = {name for param in self.params for name in (*param.opts, *param.secondary_opts)}
        given = {arg.partition("=")[0] for arg in args if arg.startswith("--") and arg != "--"}
        if given - known:  # --help, too
            args = load_named(args)
            declared = _declared()
            have = {flag: owners for flag, owners in declared.items() if flag not in known}
            self.params = [*self.params, *_params(have)]
            args = _with_values(args, {flag: words for flag in have if (words := _words(have[flag].values()))})
        return list(super().parse_args(ctx, args))


def further_options(ctx: typer.Context) -> dict[str, str]:
    """Return the texts of the further options that were given, by parameter."""
    found: dict[str, str] = ctx.meta.get(_META, {})
    return dict(found)


def flag_of(parameter: str) -> str:
    """Return the option of a parameter."""
    return f"--{parameter.replace('_', '-')}"


def _declared() -> dict[str, dict[str, Param]]:
    """Return all options, each with the re-rankers that have it, in the order in which they are declared."""
    from beyondacc.rerank import RERANKERS  # noqa: PLC0415 - heavy

    found: dict[str, dict[str, Param]] = {}
    for info in (*RERANKERS.listed().values(), *RERANKERS.templates.values()):
        for name, param in info.parameters.items():
            found.setdefault(flag_of(name), {})[info.name] = param
    return found


def _params(options: Mapping[str, Mapping[str, Param]]) -> list[Any]:
    """Make typer's parameters: texts, which the re-ranker reads, and which are kept aside for it."""

    def command() -> None:
        """Take the options."""

    def keep(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> None:
        if value is not None:
            ctx.meta.setdefault(_META, {})[param.name] = str(value)

    made = {}
    for flag, owners in options.items():
        name = flag[2:].replace("-", "_")
        option = typer.Option(
            flag,
            metavar=_metavar(owners.values()),
            help=_help(name, owners),
            rich_help_panel=METHOD,
            show_default=False,
            expose_value=False,
            callback=keep,
        )
        made[name] = Annotated[str | None, option]
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)
        for name, hint in made.items()
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # which functions may have
    command.__annotations__ = made
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return list(typer.main.get_command(app).params)


def _with_values(args: Sequence[str], switches: Mapping[str, set[str]]) -> list[str]:
    """Write ``--unit`` as ``--unit=true`` and ``--no-unit`` as ``--unit=false``; ``--renormalize both`` has a value."""
    made: list[str] = []
    rest = iter(range(len(args)))
    for place in rest:
        arg = args[place]
        positive = f"--{arg[5:]}" if arg.startswith("--no-") else ""
        following = args[place + 1].lower() if place + 1 < len(args) else ""
        if arg in switches and following in switches[arg]:
            made.append(f"{arg}={args[place + 1]}")
            next(rest)
        elif arg in switches:
            made.append(f"{arg}=true")
        elif positive in switches:
            made.append(f"{positive}=false")
        else:
            made.append(arg)
    return made


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield what a parameter may be."""
    if get_origin(annotation) in {Union, types.UnionType}:
        for part in get_args(annotation):
            yield from _parts(part)
    else:
        yield annotation


def _words(params: Any) -> set[str]:
    """Return the words that a switch takes, none for what is no switch in any re-ranker."""
    parts = [part for param in params for part in _parts(param.annotation)]
    if bool not in parts:
        return set()
    named = {str(word) for part in parts if get_origin(part) is Literal for word in get_args(part)}
    return {"true", "false", *named}


def _metavar(params: Any) -> str:
    parts = [part for param in params for part in _parts(param.annotation) if part is not type(None)]
    plain = [get_args(part)[0] if get_origin(part) is Annotated else part for part in parts]
    if bool in plain:
        return f"[{'|'.join(sorted(_words(params)))}]"
    if any(getattr(part, "__name__", "") == "Shown" for part in plain):
        return "FILE"
    return "N" if set(plain) == {int} else "NUMBER" if set(plain) <= {int, float} else "NAME"


def _help(name: str, owners: Mapping[str, Param]) -> str:
    """Say which re-rankers have a parameter, and the first sentence of what each says of it."""
    from beyondacc.declare.params import descriptions  # noqa: PLC0415 - heavy
    from beyondacc.rerank import RERANKERS  # noqa: PLC0415 - heavy

    said: dict[str, list[str]] = {}
    for owner, param in owners.items():
        chosen = all(get_origin(part) is Literal for part in _parts(param.annotation))
        text = param.domain if chosen else descriptions(RERANKERS.find(owner).factory).get(name, param.domain)
        said.setdefault(re.split(r"[.;] |, as |\.$", text)[0], []).append(owner)
    return "; ".join(f"{', '.join(each)}: {text[0].lower()}{text[1:]}" for text, each in said.items() if text) + "."
