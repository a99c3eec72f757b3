"""``beyondacc compare``."""

from __future__ import annotations

import enum
import math
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beyondacc.cli import output as out
from beyondacc.cli.evaluate import choose_format
from beyondacc.cli.evaluating import Lists
from beyondacc.cli.notes import Notes
from beyondacc.cli.options import Force, Format, FormatName, OutputFile, Seed, app, number
from beyondacc.cli.reading import takes
from beyondacc.declare.params import Confidence, Cutoff
from beyondacc.errors import SpecError, did_you_mean
from beyondacc.texts import visible

if TYPE_CHECKING:
    import pandas as pd

    from beyondacc.comparison import Comparison

__all__ = ["compare"]


class Method(enum.StrEnum):
    """How the differences of users are tested."""

    permutation = enum.auto()
    t = enum.auto()
    wilcoxon = enum.auto()
    bootstrap = enum.auto()


class Correction(enum.StrEnum):
    """How p-values are corrected for their number."""

    holm = enum.auto()
    bh = enum.auto()
    none = enum.auto()


@app.command()
@takes(Lists)
def compare(
    given: Lists,
    method: Annotated[
        Method,
        typer.Option(
            "--method",
            help="Test of metrics with a value for each user; others, such as coverage, are counted anew with "
            "exchanged lists, or resampled.",
        ),
    ] = Method.permutation,
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", metavar="RUN", help="Compare the others with this run; all pairs by default."),
    ] = None,
    correction: Annotated[
        Correction, typer.Option("--correction", help="Over all metrics and pairs: Holm, Benjamini-Hochberg or none.")
    ] = Correction.holm,
    replicates: Annotated[
        int,
        typer.Option(
            "--replicates", parser=number(Cutoff), metavar="N", help="Exchanges, and resamples for intervals."
        ),
    ] = 9999,
    confidence: Annotated[
        float,
        typer.Option(
            "--confidence",
            parser=number(Confidence),
            metavar="C",
            help="Of the intervals; 1 less it is the level of the tests.",
        ),
    ] = 0.95,
    seed: Seed = 0,
    form: FormatName = None,
    output: OutputFile = None,
    force: Force = False,
) -> None:
    """Say which of several runs over the same users is better, in what, by how much, and how sure that is.

    Every metric and pair is tested, p-values are corrected over all of them, and a sentence sums up each pair.
    """
    names = given.runs
    if len(names) < 2:
        raise SpecError("compare needs at least two files of lists, one for each run")
    if not given.has_data:
        raise SpecError("compare needs something to evaluate the lists with: pass --train, --test, --items or several")
    if baseline is not None and baseline not in names:
        raise SpecError(f"--baseline {baseline!r} is none of the runs; {did_you_mean(baseline, names)}")
    form = choose_format(form, output)
    if output is not None:
        out.check_output(output, force=force)

    ready = given.read()
    from beyondacc.comparison import compare as compare_runs  # noqa: PLC0415 - heavy

    _, reports = ready.evaluate(n_boot=0)
    notes = Notes(quiet=given.quiet, strict=given.strict)
    for report in reports.values():
        notes.add_readings(report.readings)
    options: dict[str, Any] = {"test": method.value, "correction": correction.value, "baseline": baseline}
    found = compare_runs(reports, **options, n=replicates, confidence=confidence, seed=seed)
    out.deliver(_render(found, form), output)
    notes.print()


def _render(found: Comparison, form: Format) -> bytes:
    if form is Format.table:
        return ("\n".join(_lines(found)) + "\n").encode()
    if form is Format.markdown:
        return (visible(found.to_markdown(), lines=True) + "\n").encode()
    return out.encode(found.table, f".{form.value}")


def _lines(found: Comparison) -> list[str]:
    """Lay out a sentence and a table for each pair."""
    lines = []
    pairs: Iterable[tuple[Any, pd.DataFrame]] = found.table.groupby(["system", "other"], sort=False)
    for sentence, (names, table) in zip(found.sentences, pairs, strict=True):
        head = ["metric", *names, "difference", "interval", "d_z", "p", "detectable", "verdict"]
        rows: Iterable[Any] = table.itertuples()
        cells = [_cells(row) for row in rows]
        lines += [*textwrap.wrap(visible(sentence), out.WIDTH, break_long_words=False, break_on_hyphens=False), ""]
        lines += [*out.aligned(head, cells, right=range(1, len(head) - 1)), ""]
    return lines + textwrap.wrap(f"{found.method}.", out.WIDTH)


def _cells(row: Any) -> list[str]:
    from beyondacc.comparison.words import p_value  # noqa: PLC0415 - heavy

    places = out.decimals([row.value, row.other_value])
    low, high = (out.number(end, places) for end in (row.ci_low, row.ci_high))
    return [
        row.metric,
        *(out.number(value, places) for value in (row.value, row.other_value, row.difference)),
        "" if math.isnan(row.ci_low) else f"[{low}, {high}]",
        "" if math.isnan(row.effect_size) else f"{row.effect_size:.2f}",
        "" if math.isnan(row.p_adjusted) else p_value(row.p_adjusted),
        "" if math.isnan(row.detectable) else out.number(row.detectable, places),
        row.verdict,
    ]
