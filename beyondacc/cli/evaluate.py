"""``beyondacc evaluate``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beyondacc.cli import output as out
from beyondacc.cli.evaluating import Lists
from beyondacc.cli.notes import Notes
from beyondacc.cli.options import OUTPUT, Bootstrap, Force, Format, FormatName, OutputFile, Seed, app
from beyondacc.cli.reading import takes
from beyondacc.errors import SpecError, choices
from beyondacc.texts import visible

if TYPE_CHECKING:
    from beyondacc.evaluation.report import Report

__all__ = ["NOTES", "choose_format"]

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
@takes(Lists)
def evaluate(
    given: Lists,
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
    if not given.has_data:
        raise SpecError("evaluate needs something to compare the lists with: pass --train, --test, --items or several")
    form = choose_format(form, output)
    _check_targets(output, per_user, force=force)
    _ = given.runs  # two of one name are refused before anything is read
    ready = given.read()
    if per_user is not None and all(each.family.grain == "run" for each in ready.metrics):
        raise SpecError(f"--per-user needs a metric with a value for each user, unlike {choices(ready.metrics)}")
    found, reports = ready.evaluate(n_boot=bootstrap, seed=seed)
    notes = Notes(quiet=given.quiet, strict=given.strict)
    for name, report in reports.items():
        notes.add_readings(report.readings)
        notes.add(_notes(report, f"{name}: " if len(reports) > 1 else ""))
    out.deliver(_render(found, reports, form), output)
    if per_user is not None:
        out.deliver(out.encode(_per_user(reports), per_user.suffix.lower()), per_user)
    notes.print()


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
        return (visible(str(found.to_markdown()), lines=True) + "\n").encode()
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


def _notes(report: Report, prefix: str) -> Iterator[str]:
    """Say what a reader of the numbers should know."""
    k = max(metric.k for metric in report)
    n_users = report.diagnostics["users"]
    for name, text in NOTES.items():
        if count := report.diagnostics[name]:
            of = f" of {n_users:,}" if text.startswith("users") else ""
            yield f"{prefix}{text.format(k=k)}: {count:,}{of}"
