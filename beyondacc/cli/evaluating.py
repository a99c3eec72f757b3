"""What the commands that evaluate lists take alike, and how they read and evaluate them."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beyondacc.cli import compiling
from beyondacc.cli.options import (
    DATA,
    READING,
    TEN,
    Averaged,
    DefaultCutoff,
    Duplicates,
    Gains,
    Graded,
    ItemsFile,
    Ranks,
    Seen,
    Threshold,
    Ties,
    TrainFile,
    Undefined,
    UnknownItems,
    Vectors,
    check_files,
    split_names,
)
from beyondacc.cli.reading import FileOptions, Order, OrderOption
from beyondacc.errors import DataError

if TYPE_CHECKING:
    from beyondacc.data.dataset import Dataset
    from beyondacc.evaluation.report import Report
    from beyondacc.metrics.base.metric import Metric

__all__ = ["Lists"]

_POLICY = ("users", "seen", "unknown_items", "duplicates", "undefined", "gains", "ties", "ranks")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lists(FileOptions):
    """Lists to evaluate, and with what and how: each field is an argument or option of the command line."""

    recs: Annotated[
        list[str],
        typer.Argument(
            metavar="RECS...", help="Recommendation lists; each file or folder is a run, named by it or NAME=FILE."
        ),
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
    k: DefaultCutoff = TEN
    order: OrderOption = Order.auto
    threshold: Threshold = None
    graded: Graded = False
    users: Averaged = None
    seen: Annotated[
        Seen | None,
        typer.Option(
            "--seen", help="Listed items of the user's own training rows; keep by default.", rich_help_panel=READING
        ),
    ] = None
    unknown_items: Annotated[
        UnknownItems | None,
        typer.Option(
            "--unknown-items", help="Listed items outside the catalogue; keep by default.", rich_help_panel=READING
        ),
    ] = None
    duplicates: Annotated[
        Duplicates | None,
        typer.Option(
            "--duplicates",
            help="An item twice in a list: refused (error, the default), or kept once.",
            rich_help_panel=READING,
        ),
    ] = None
    undefined: Annotated[
        Undefined | None,
        typer.Option(
            "--undefined",
            help="A user for whom a metric is undefined: left out (skip, the default), or counted as 0.",
            rich_help_panel=READING,
        ),
    ] = None
    gains: Annotated[
        Gains | None,
        typer.Option(
            "--gains", help="A relevant item's worth: its value (given, the default), or 1.", rich_help_panel=READING
        ),
    ] = None
    ties: Annotated[
        Ties | None,
        typer.Option(
            "--ties",
            help="Order of equal scores: as given (input, the default), reversed, by item id as text, or by item id "
            "with whole numbers as numbers (number).",
            rich_help_panel=READING,
        ),
    ] = None
    ranks: Annotated[
        Ranks | None,
        typer.Option(
            "--ranks",
            help="A rank orders the items of a list (order, the default), or counts as it is written, gaps included "
            "(literal).",
            rich_help_panel=READING,
        ),
    ] = None
    convention: Annotated[
        str | None,
        typer.Option(
            "--convention",
            metavar="TOOL",
            help="Compute as another tool does; beyondacc explain METRIC --conventions shows which. Parameters and "
            "options that are named win.",
            rich_help_panel=READING,
        ),
    ] = None

    @property
    def has_data(self) -> bool:
        """Whether there is anything to evaluate the lists with."""
        return not (self.train is None and self.test is None and self.items is None)

    @functools.cached_property
    def runs(self) -> dict[str, str]:
        """The paths of the runs, by name: what stands before ``=``, else that of the file, else of its folder.

        Raises
        ------
        DataError
            If two have the same name.
        """
        given = [_named(text) for text in self.recs]
        names = [name or _stem(path) for name, path in given]
        if len(set(names)) < len(names):  # as where each model has a folder of its own
            folders = [name or Path(path).resolve().parent.name for name, path in given]
            names = folders if len(set(folders)) == len(folders) else names
        found: dict[str, str] = {}
        for name, (_, path) in zip(names, given, strict=True):
            if name in found:
                raise DataError(
                    f"the runs {found[name]!r} and {path!r} are both called {name!r}; name them, as in NAME={path}"
                )
            found[name] = path
        return found

    def read(self) -> Ready:
        """Read the files, and see that the data have what the metrics need."""
        before = {f"earlier lists {place}": path for place, path in enumerate(self.earlier or [], start=1)}
        paths: dict[str, Path | str | None] = {**before, "train": self.train, "test": self.test, "items": self.items}
        whats = {name: "recs" if len(self.runs) == 1 else f"recs of {name!r}" for name in self.runs}
        paths |= {"primitive": self.primitive, **{whats[name]: path for name, path in self.runs.items()}}
        check_files(paths)
        from beyondacc.cli import inputs  # noqa: PLC0415 - heavy
        from beyondacc.evaluation.conventions import find_convention  # noqa: PLC0415 - heavy
        from beyondacc.evaluation.evaluate import check_metrics  # noqa: PLC0415 - heavy

        compiling.show(quiet=self.quiet)
        wanted: Any = split_names(self.metric)
        tables = inputs.Tables(paths, self, order=self.order.value, vectors=self.vectors)
        data = tables.dataset(threshold=self.threshold, graded=self.graded)
        given: Any = "all" if wanted == ["all"] else wanted or None
        tool = find_convention(self.convention)
        chosen = check_metrics(given, data, k=self.k, side={"earlier"} if before else (), convention=tool)
        lists: dict[str, Any] = {}
        for name, what in whats.items():
            runs = tables.runs(what, name)
            several = len(whats) > 1 and list(runs) != [name]  # files of several runs each
            lists |= {f"{name} {run}" if several else run: rows for run, rows in runs.items()}
        named = {name: choice.value for name in _POLICY if (choice := getattr(self, name)) is not None}
        options: dict[str, Any] = named | {
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
        from beyondacc.evaluation.evaluate import evaluate  # noqa: PLC0415 - heavy

        several = len(self.lists) > 1
        lists = self.lists if several else next(iter(self.lists.values()))
        found = evaluate(lists, self.data, self.metrics, **self.options, **options)
        return found, dict(found) if several else {next(iter(self.lists)): found}


def _named(text: str) -> tuple[str, str]:
    """Take ``NAME=FILE`` apart; a path may hold the sign, too, as ``day=2024-05-01/lists.csv`` does."""
    name, equals, path = text.partition("=")
    if not equals or not name or Path(text).exists() or "/" in name or not path:
        return "", text
    return name, path


def _stem(path: str) -> str:
    """Return the name of a file without what it ends with."""
    file = Path(path)
    packed = file.suffix.lower() in {".gz", ".zip", ".zst", ".bz2", ".xz"}
    return Path(file.stem).stem if packed else file.stem
