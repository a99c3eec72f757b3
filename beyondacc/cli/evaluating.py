"""What the commands that evaluate lists take alike, and how they read and evaluate them."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from beyondacc.cli.options import (
    DATA,
    READING,
    Averaged,
    Columns,
    DefaultCutoff,
    Duplicates,
    Gains,
    GenreSep,
    Graded,
    ItemsFile,
    Seen,
    Threshold,
    Ties,
    TrainFile,
    Undefined,
    UnknownItems,
    Users,
    Vectors,
    check_files,
    split_names,
)
from beyondacc.errors import DataError

if TYPE_CHECKING:
    from beyondacc.data.dataset import Dataset
    from beyondacc.results import Report
    from beyondacc.spec.metric import Metric

__all__ = ["Lists", "takes_lists"]

_POLICY = ("users", "seen", "unknown_items", "duplicates", "undefined", "gains", "ties")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lists:
    """Lists to evaluate, and with what and how: each field is an argument or option of the command line."""

    recs: Annotated[
        list[Path], typer.Argument(metavar="RECS...", help="Recommendation lists; each file is a run, named by it.")
    ]
    train: TrainFile = None
    test: Annotated[
        Path | None, typer.Option("--test", metavar="FILE", help="Held-out interactions.", rich_help_panel=DATA)
    ] = None
    items: ItemsFile = None
    vectors: Vectors = None
    primitive: Annotated[
        Path | None,
        typer.Option(
            "--primitive",
            metavar="FILE",
            help="Lists of a primitive model, for unexpectedness; the most popular items by default.",
            rich_help_panel=DATA,
        ),
    ] = None
    earlier: Annotated[
        list[Path] | None,
        typer.Option(
            "--earlier",
            metavar="FILE",
            help="Earlier lists of the same users, for metrics of change; repeated from oldest to latest.",
            rich_help_panel=DATA,
        ),
    ] = None
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--metric",
            metavar="METRIC",
            help="A metric such as ndcg@10 or 'ild(distance=cosine)@10'; may be repeated. The core metrics that "
            "the data allow by default; all: all that they allow.",
        ),
    ] = None
    k: DefaultCutoff = 10
    columns: Columns = None
    genre_sep: GenreSep = "|"
    threshold: Threshold = None
    graded: Graded = False
    users: Averaged = Users.all
    seen: Annotated[
        Seen,
        typer.Option("--seen", help="Listed items of the user's own training rows.", rich_help_panel=READING),
    ] = Seen.keep
    unknown_items: Annotated[
        UnknownItems,
        typer.Option("--unknown-items", help="Listed items outside the catalogue.", rich_help_panel=READING),
    ] = UnknownItems.keep
    duplicates: Annotated[
        Duplicates,
        typer.Option("--duplicates", help="An item twice in a list: refused, or kept once.", rich_help_panel=READING),
    ] = Duplicates.error
    undefined: Annotated[
        Undefined,
        typer.Option("--undefined", help="A user for whom a metric is undefined.", rich_help_panel=READING),
    ] = Undefined.skip
    gains: Annotated[
        Gains,
        typer.Option("--gains", help="A relevant item's worth: its value, or 1.", rich_help_panel=READING),
    ] = Gains.given
    ties: Annotated[
        Ties,
        typer.Option(
            "--ties", help="Order of equal scores: as given, reversed, or by item id.", rich_help_panel=READING
        ),
    ] = Ties.input
    convention: Annotated[
        str | None,
        typer.Option(
            "--convention",
            metavar="TOOL",
            help="Compute as another tool does; beyondacc explain METRIC --conventions shows which.",
            rich_help_panel=READING,
        ),
    ] = None

    @property
    def has_data(self) -> bool:
        """Whether there is anything to evaluate the lists with."""
        return not (self.train is None and self.test is None and self.items is None)

    @functools.cached_property
    def names(self) -> dict[str, Path]:
        """The runs, named by their files.

        Raises
        ------
        DataError
            If two have the same name.
        """
        names: dict[str, Path] = {}
        for path in self.recs:
            name = Path(path.stem).stem if path.suffix == ".gz" else path.stem
            if name in names:
                raise DataError(
                    f"the runs {str(names[name])!r} and {str(path)!r} are both called {name!r}; rename one file"
                )
            names[name] = path
        return names

    def read(self) -> Ready:
        """Read the files, and see that the data have what the metrics need."""
        before = {f"earlier lists {place}": path for place, path in enumerate(self.earlier or [], start=1)}
        paths = {**before, "train": self.train, "test": self.test, "items": self.items, "primitive": self.primitive}
        whats = {name: "recs" if len(self.names) == 1 else f"recs of {name!r}" for name in self.names}
        paths |= {whats[name]: path for name, path in self.names.items()}
        check_files(paths)
        from beyondacc.cli import inputs  # noqa: PLC0415 - heavy
        from beyondacc.convention import find_convention  # noqa: PLC0415 - heavy
        from beyondacc.evaluation import check_metrics  # noqa: PLC0415 - heavy
        from beyondacc.kernels import jit  # noqa: PLC0415 - heavy

        jit.announce()
        wanted: Any = split_names(self.metric)
        tables = inputs.Tables(paths, self.columns or [])
        data = tables.dataset(
            genre_sep=self.genre_sep, vectors=self.vectors, threshold=self.threshold, graded=self.graded
        )
        given: Any = "all" if wanted == ["all"] else wanted or None
        tool = find_convention(self.convention)
        chosen = check_metrics(given, data, k=self.k, earlier=bool(before), convention=tool)
        lists = {name: tables.rows(what) for name, what in whats.items()}
        options: dict[str, Any] = {name: getattr(self, name).value for name in _POLICY}
        options |= {
            "convention": self.convention,
            "earlier": [tables.rows(what) for what in before] or None,
            "primitive": tables.rows("primitive"),
        }
        return Ready(lists, data, chosen, options)


@dataclasses.dataclass(frozen=True)
class Ready:
    """Lists that are read.

    Attributes
    ----------
    lists
        By the name of the run.
    data, metrics
        What they are evaluated with, and by.
    options
        As `beyondacc.evaluate` takes them.
    """

    lists: dict[str, Any]
    data: Dataset
    metrics: list[Metric]
    options: dict[str, Any]

    def evaluate(self, **options: Any) -> tuple[Any, dict[str, Report]]:
        """Return what `beyondacc.evaluate` does, and the report of each run."""
        from beyondacc.evaluation import evaluate  # noqa: PLC0415 - heavy

        several = len(self.lists) > 1
        lists = self.lists if several else next(iter(self.lists.values()))
        found = evaluate(lists, self.data, self.metrics, **self.options, **options)
        return found, dict(found) if several else {next(iter(self.lists)): found}


def takes_lists(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, whose first parameter is `Lists`, the fields of that as its first arguments and options."""
    fields = dataclasses.fields(Lists)
    hints = get_type_hints(Lists, include_extras=True)
    _, *own = inspect.signature(command).parameters.values()
    own_hints = get_type_hints(command, include_extras=True)
    hints |= {parameter.name: own_hints[parameter.name] for parameter in own}
    defaults = {field.name: field.default for field in fields} | {each.name: each.default for each in own}
    absent = (dataclasses.MISSING, inspect.Parameter.empty)

    @functools.wraps(command)
    def taking(**given: Any) -> None:
        lists = Lists(**{field.name: given.pop(field.name) for field in fields})
        command(lists, **given)

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
