"""``beyondacc evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beyondacc.cli import output as out
from beyondacc.cli.options import (
    DATA,
    OUTPUT,
    READING,
    Averaged,
    Bootstrap,
    Columns,
    DefaultCutoff,
    Duplicates,
    Force,
    Format,
    FormatName,
    Gains,
    GenreSep,
    Graded,
    ItemsFile,
    OutputFile,
    Seed,
    Seen,
    Threshold,
    Ties,
    TrainFile,
    Undefined,
    UnknownItems,
    Users,
    Vectors,
    app,
    split_names,
)
from beyondacc.errors import DataError, SpecError, choices

if TYPE_CHECKING:
    from beyondacc.results import Report

__all__ = ["NOTES", "choose_format", "run_names"]

#: What `Report.diagnostics` counts, in words.
NOTES = {
    "users_without_list": "users without a list",
    "users_without_truth": "users without a relevant test item",
    "users_without_profile": "users without training rows",
    "short_lists": "lists of fewer than {k} items",
    "tied_users": "users with equal scores in their list, which --ties orders",
    "cold_items": "listed items without training rows",
    "unknown_items": "listed items outside the catalogue",
    "featureless_items": "listed items without genres",
    "seen_items": "listed items of the user's own training rows",
}
_BY_SUFFIX = {
    ".txt": Format.table,
    ".json": Format.json,
    ".csv": Format.csv,
    ".parquet": Format.parquet,
    ".md": Format.markdown,
}


@app.command()
def evaluate(
    recs: Annotated[list[Path], typer.Argument(metavar="RECS...", help="Recommendation lists; each file is a run.")],
    train: TrainFile = None,
    test: Annotated[
        Path | None, typer.Option("--test", metavar="FILE", help="Held-out interactions.", rich_help_panel=DATA)
    ] = None,
    items: ItemsFile = None,
    vectors: Vectors = None,
    primitive: Annotated[
        Path | None,
        typer.Option(
            "--primitive",
            metavar="FILE",
            help="Lists of a primitive model, for unexpectedness; the most popular items by default.",
            rich_help_panel=DATA,
        ),
    ] = None,
    earlier: Annotated[
        list[Path] | None,
        typer.Option(
            "--earlier",
            metavar="FILE",
            help="Earlier lists of the same users, for metrics of change; repeated from oldest to latest.",
            rich_help_panel=DATA,
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--metric",
            metavar="METRIC",
            help="A metric such as ndcg@10 or 'ild(distance=cosine)@10'; may be repeated. The core metrics that "
            "the data allow by default; all: all that they allow.",
        ),
    ] = None,
    k: DefaultCutoff = 10,
    columns: Columns = None,
    genre_sep: GenreSep = "|",
    threshold: Threshold = None,
    graded: Graded = False,
    users: Averaged = Users.all,
    seen: Annotated[
        Seen,
        typer.Option("--seen", help="Listed items of the user's own training rows.", rich_help_panel=READING),
    ] = Seen.keep,
    unknown_items: Annotated[
        UnknownItems,
        typer.Option("--unknown-items", help="Listed items outside the catalogue.", rich_help_panel=READING),
    ] = UnknownItems.keep,
    duplicates: Annotated[
        Duplicates,
        typer.Option("--duplicates", help="An item twice in a list: refused, or kept once.", rich_help_panel=READING),
    ] = Duplicates.error,
    undefined: Annotated[
        Undefined,
        typer.Option("--undefined", help="A user for whom a metric is undefined.", rich_help_panel=READING),
    ] = Undefined.skip,
    gains: Annotated[
        Gains,
        typer.Option("--gains", help="A relevant item's worth: its value, or 1.", rich_help_panel=READING),
    ] = Gains.given,
    ties: Annotated[
        Ties,
        typer.Option(
            "--ties", help="Order of equal scores: as given, reversed, or by item id.", rich_help_panel=READING
        ),
    ] = Ties.input,
    convention: Annotated[
        str | None,
        typer.Option(
            "--convention",
            metavar="TOOL",
            help="Compute as another tool does; beyondacc explain METRIC --conventions shows which.",
            rich_help_panel=READING,
        ),
    ] = None,
    bootstrap: Bootstrap = 1000,
    seed: Seed = 0,
    form: FormatName = None,
    output: OutputFile = None,
    per_user: Annotated[
        Path | None,
        typer.Option(
            "--per-user", metavar="FILE", help="The values of each user, .csv or .parquet.", rich_help_panel=OUTPUT
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Evaluate recommendation lists by accuracy, diversity, novelty, serendipity and coverage.

    Files are .csv, .tsv, .parquet, TREC runs and qrels, RecBole atomic files or MovieLens's own.
    """
    names = run_names(recs)
    if train is None and test is None and items is None:
        raise SpecError("evaluate needs something to compare the lists with: pass --train, --test, --items or several")
    form = choose_format(form, output)
    _check_targets(output, per_user, force=force)

    from beyondacc.cli import inputs  # noqa: PLC0415 - heavy
    from beyondacc.convention import find_convention  # noqa: PLC0415 - heavy
    from beyondacc.evaluation import check_metrics, evaluate as evaluate_lists  # noqa: PLC0415 - heavy
    from beyondacc.kernels import jit  # noqa: PLC0415 - heavy

    jit.announce()
    wanted: Any = split_names(metric)
    before = {f"earlier lists {place}": path for place, path in enumerate(earlier or [], start=1)}
    paths = {**before, "train": train, "test": test, "items": items, "primitive": primitive}
    whats = {name: "recs" if len(names) == 1 else f"recs of {name!r}" for name in names}
    tables = inputs.Tables({**paths, **{whats[name]: path for name, path in names.items()}}, columns or [])
    data = tables.dataset(genre_sep=genre_sep, vectors=vectors, threshold=threshold, graded=graded)
    names_given: Any = "all" if wanted == ["all"] else wanted or None
    tool = find_convention(convention)
    chosen = check_metrics(names_given, data, k=k, earlier=bool(before), convention=tool)
    if per_user is not None and all(each.family.grain == "run" for each in chosen):
        raise SpecError(f"--per-user needs a metric with a value for each user, unlike {choices(chosen)}")
    lists = {name: tables.rows(what) for name, what in whats.items()}
    options: dict[str, Any] = {
        "users": users.value,
        "seen": seen.value,
        "unknown_items": unknown_items.value,
        "duplicates": duplicates.value,
        "undefined": undefined.value,
        "gains": gains.value,
        "ties": ties.value,
        "convention": convention,
        "earlier": [tables.rows(what) for what in before] or None,
        "primitive": tables.rows("primitive"),
        "n_boot": bootstrap,
        "seed": seed,
    }
    found = evaluate_lists(lists if len(lists) > 1 else next(iter(lists.values())), data, chosen, **options)
    reports: dict[str, Report] = dict(found) if len(lists) > 1 else {next(iter(lists)): found}
    out.deliver(_render(found, reports, form), output)
    if per_user is not None:
        out.deliver(out.encode(_per_user(reports), per_user.suffix.lower()), per_user)
    for name, report in reports.items():
        _note(report, f"{name}: " if len(reports) > 1 else "")


def run_names(paths: list[Path]) -> dict[str, Path]:
    """Name the runs by their files."""
    names: dict[str, Path] = {}
    for path in paths:
        name = Path(path.stem).stem if path.suffix == ".gz" else path.stem
        if name in names:
            raise DataError(
                f"the runs {str(names[name])!r} and {str(path)!r} are both called {name!r}; rename one file"
            )
        names[name] = path
    return names


def _check_targets(output: Path | None, per_user: Path | None, *, force: bool) -> None:
    if output is not None:
        out.check_output(output, force=force)
    if per_user is not None:
        out.check_output(per_user, (".csv", ".parquet"), force=force)
    if output is not None and per_user is not None and output.resolve() == per_user.resolve():
        raise SpecError(f"--output and --per-user are both {str(output)!r}; give two files")


def choose_format(form: Format | None, output: Path | None) -> Format:
    """Return the format asked for, or else that of the output file, or else a table."""
    if output is None:
        if form is Format.parquet:
            raise SpecError("--format parquet needs a file; pass -o FILE.parquet")
        return form or Format.table
    if form is None:
        form = _BY_SUFFIX.get(output.suffix.lower())
    if form is None:
        raise SpecError(
            f"the end of {str(output)!r} names no format; end it in {choices(_BY_SUFFIX)}, or pass --format"
        )
    return form


def _render(found: Any, reports: dict[str, Report], form: Format) -> bytes:
    """Return what is written: as bytes, because parquet is."""
    if form is Format.table:
        lines = _wide(reports) if len(reports) > 1 else _single(found)
        return ("\n".join(lines) + "\n").encode()
    if form is Format.markdown:
        return (str(found.to_markdown()) + "\n").encode()
    return out.encode(found.to_pandas(), f".{form.value}")


def _single(report: Report) -> list[str]:
    rows = []
    for metric in report:
        each = report[metric]
        places = out.decimals([each.value])
        interval = ""
        if each.ci_low == each.ci_low:  # not NaN
            interval = f"[{out.number(each.ci_low, places)}, {out.number(each.ci_high, places)}]"
        value = out.number(each.value, places)
        rows.append([str(metric), value, interval, f"{each.n_users:,}", f"{each.n_undefined:,}", str(each.better)])
    head = ["metric", "value", "95 % interval", "users", "undefined", "better"]
    if not any(row[2] for row in rows):  # no bootstrap, no intervals
        for row in (head, *rows):
            del row[2]
    return out.aligned(head, rows, right=range(1, len(head) - 1))


def _wide(reports: dict[str, Report]) -> list[str]:
    """Lay out a row a metric and a column a run."""
    rows = []
    for metric in next(iter(reports.values())):
        values = [report.value(metric) for report in reports.values()]
        places = out.decimals(values)
        rows.append((str(metric), *(out.number(value, places) for value in values), metric.better))
    head = ("metric", *reports, "better")
    return out.aligned(head, rows, right=range(1, len(head) - 1))


def _per_user(reports: dict[str, Report]) -> Any:
    import pandas as pd  # noqa: PLC0415 - heavy

    frames = {name: report.per_user_frame() for name, report in reports.items()}
    if len(frames) == 1:
        return next(iter(frames.values()))
    for name, frame in frames.items():
        frame.insert(0, "run", name)
    return pd.concat(frames.values(), ignore_index=True)


def _note(report: Report, prefix: str) -> None:
    """Say on standard error what a reader of the numbers should know."""
    k = max(metric.k for metric in report)
    n_users = report.diagnostics["users"]
    for name, text in NOTES.items():
        if count := report.diagnostics[name]:
            of = f" of {n_users:,}" if text.startswith("users") else ""
            typer.echo(f"note: {prefix}{text.format(k=k)}: {count:,}{of}", err=True)
