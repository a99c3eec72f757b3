"""``beyondacc study`` and ``beyondacc warmup``."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from beyondacc.cli import compiling
from beyondacc.cli.messages import say
from beyondacc.cli.options import (
    DATA,
    OUTPUT,
    TEN,
    Bootstrap,
    DefaultCutoff,
    Force,
    Graded,
    ItemsFile,
    Seed,
    Threshold,
    Vectors,
    app,
    check_files,
    number,
    numbers,
    split_names,
)
from beyondacc.cli.reading import FileOptions, takes
from beyondacc.declare.params import Cutoff, Fraction, Seed as SeedNumber
from beyondacc.errors import DataError
from beyondacc.files.atomic import discard, owned

__all__ = ["Method", "study", "warmup"]

GRID = "What is tried"


class Method(enum.StrEnum):
    """Which coefficient the printed matrix shows."""

    spearman = enum.auto()
    pearson = enum.auto()
    kendall = enum.auto()


@app.command()
@takes(FileOptions)
def study(
    reading: FileOptions,
    ratings: Annotated[
        Path | None,
        typer.Option(
            "--ratings",
            metavar="FILE",
            help="Interactions to split into train and test; MovieLens latest-small by default.",
            rich_help_panel=DATA,
        ),
    ] = None,
    items: ItemsFile = None,
    vectors: Vectors = None,
    split: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="NAME",
            help="holdout(fraction=0.2), leave-one-out or by-time(fraction=0.2).",
            rich_help_panel=DATA,
        ),
    ] = "holdout(fraction=0.2)",
    seeds: Annotated[
        str,
        typer.Option(
            "--seeds", metavar="N,...", help="Of the split; each gives runs of its own.", rich_help_panel=DATA
        ),
    ] = "0",
    threshold: Threshold = None,
    graded: Graded = False,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models",
            metavar="NAME,...",
            help="Such as EASE,'ItemKNN(k=40)'; the core models by default, beyondacc models lists all.",
            rich_help_panel=GRID,
        ),
    ] = None,
    rerankers: Annotated[
        list[str] | None,
        typer.Option(
            "--rerankers",
            metavar="NAME,...",
            help="Such as MMR,'GreedyDiversity(distance=cosine)', or none; all that the data allow by default.",
            rich_help_panel=GRID,
        ),
    ] = None,
    diversity: Annotated[
        str | None,
        typer.Option(
            "--diversity",
            metavar="W,...",
            help="Weights at which each re-ranker is tried; 0,0.1,0.2,0.3,0.5,0.7,0.9 by default.",
            rich_help_panel=GRID,
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "-m", "--metric", metavar="METRIC", help="All that the data allow by default.", rich_help_panel=GRID
        ),
    ] = None,
    k: DefaultCutoff = TEN,
    candidates: Annotated[
        int,
        typer.Option(
            "--candidates",
            parser=number(Cutoff),
            metavar="N",
            help="How many items of a model are re-ranked.",
            rich_help_panel=GRID,
        ),
    ] = 100,
    bootstrap: Bootstrap = 1000,
    seed: Seed = 0,
    method: Annotated[
        Method,
        typer.Option("--method", help="Coefficient of the matrix printed.", rich_help_panel=OUTPUT),
    ] = Method.spearman,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FOLDER", help="Where the results are written.", rich_help_panel=OUTPUT),
    ] = Path("beyondacc-study"),
    force: Force = False,
) -> None:
    """Train models, re-rank their lists at several weights, evaluate all by all metrics, correlate the metrics.

    Writes results.parquet, per_user.parquet, correlations.csv and report.html, which opens in a browser. A study that
    was stopped goes on where it stopped; a run that fails is left out and named. Results of more rows are never
    replaced, and never two studies write to one folder at a time.
    """
    if items is not None and ratings is None:
        raise DataError("--items belongs to --ratings; pass both, or neither for MovieLens")
    check_files({"ratings": ratings, "items": items})
    wanted_seeds = numbers(seeds, "--seeds", SeedNumber)
    weights = None if diversity is None else numbers(diversity, "--diversity", Fraction)

    from beyondacc.cli import studying  # noqa: PLC0415 - heavy
    from beyondacc.study.grid import DIVERSITY, Study  # noqa: PLC0415 - heavy

    studying.check_target(output, force=force)
    chosen = split_names(rerankers) or None
    prepared = Study(
        studying.datasets(
            ratings,
            items,
            vectors=vectors,
            split=split,
            seeds=wanted_seeds,
            reading=reading,
            threshold=threshold,
            graded=graded,
        ),
        models=split_names(models) or None,
        rerankers=[] if chosen == ["none"] else chosen,
        metrics=split_names(metric) or None,
        diversity=DIVERSITY if weights is None else weights,
        k=k,
        candidates=candidates,
        n_boot=bootstrap,
        seed=seed,
        title=f"Beyond-accuracy study of {'MovieLens latest-small' if ratings is None else ratings.stem}",
    )
    cells = output.with_name(f".{output.name}.cells")
    with owned(output):
        # again, for another study may have written there in between
        studying.check_target(output, force=force, rows=len(prepared) * len(prepared.metrics))
        found = prepared.run(folder=cells, progress=not reading.quiet)
        for text in found.failed():
            say(f"note: failed and left out: {text}", err=True)
        files = found.save(output, force=force)
        if not found.failures:
            discard(cells)
    if reading.quiet:
        return
    for line in studying.describe(found, method=method.value):
        say(line)
    say("\nWritten")
    for file in files:
        say(f"  {file}  ({max(file.stat().st_size // 1000, 1):,} kB)")


@app.command()
def warmup(
    *,
    every: Annotated[
        bool, typer.Option("--all", help="Compile every kernel, also those of metrics and methods that few use.")
    ] = False,
) -> None:
    """Compile kernels now, so that no later command has to: those of the core metrics, models and re-rankers."""
    from beyondacc.kernels import jit  # noqa: PLC0415 - heavy
    from beyondacc.warmup import warmup as compile_  # noqa: PLC0415 - heavy

    compiling.show()
    seconds, compiled = compile_(every=every, told=compiling.steps)
    what = (
        f"compiled {compiled} variants of kernels in {seconds:.1f} s" if compiled else "everything was compiled before"
    )
    if jit.LASTS:
        say(f"{what}; the cache is {jit.CACHE}")
    else:
        say(
            f"{what}, but for this process alone: no cache folder can be written by its user and nobody else; "
            "set NUMBA_CACHE_DIR to a folder of your own"
        )
