"""``beyondacc rerank``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beyondacc.cli import compiling, output as out
from beyondacc.cli.messages import say
from beyondacc.cli.methods import (
    DistanceName,
    Diversity,
    MethodCommand,
    Normalize,
    PerUser,
    RelevanceWeight,
    flag_of,
    further_options,
)
from beyondacc.cli.notes import Notes
from beyondacc.cli.options import DATA, OUTPUT, Force, ItemsFile, TrainFile, Vectors, app, check_files, number
from beyondacc.cli.reading import FileOptions, Order, OrderOption, takes
from beyondacc.declare.params import Cutoff
from beyondacc.errors import SpecError, choices

if TYPE_CHECKING:
    from beyondacc.data.recommendations import Recommendations

__all__ = ["rerank"]


@app.command(cls=MethodCommand)
@takes(FileOptions)
def rerank(
    reading: FileOptions,
    ctx: typer.Context,
    candidates: Annotated[Path, typer.Argument(metavar="CANDIDATES", help="Lists to pick from, best with scores.")],
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="NAME",
            help="A re-ranker such as mmr or 'MMR(distance=cosine)'; beyondacc rerankers lists them.",
        ),
    ],
    k: Annotated[
        int, typer.Option("-k", parser=number(Cutoff), metavar="N", help="How many items to pick for each user.")
    ] = 10,
    items: ItemsFile = None,
    train: TrainFile = None,
    vectors: Vectors = None,
    order: OrderOption = Order.auto,
    diversity: Diversity = None,
    relevance_weight: RelevanceWeight = None,
    per_user: PerUser = None,
    normalize: Normalize = None,
    distance: DistanceName = None,
    test: Annotated[
        Path | None,
        typer.Option("--test", metavar="FILE", help="Held-out interactions, for --diagnose.", rich_help_panel=DATA),
    ] = None,
    diagnose: Annotated[
        bool,
        typer.Option(
            "--diagnose",
            help="Say on standard error what changed, list by list and metric by metric.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help=".csv, .tsv or .parquet; csv on standard output by default.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Pick k items of each candidate list anew, weighing relevance against diversity or novelty.

    An option of a method that the chosen one does not have is an error: beyondacc explain NAME says what it takes.
    """
    if output is not None:
        out.check_output(output, (".csv", ".tsv", ".parquet"), force=force)

    files = {"train": train, "test": test, "items": items, "candidates": candidates}
    check_files(files)
    from beyondacc.cli import inputs  # noqa: PLC0415 - heavy
    from beyondacc.data.recommendations import Recommendations  # noqa: PLC0415 - heavy

    given = {
        "diversity": diversity,
        "relevance_weight": relevance_weight,
        "per_user": per_user,
        "normalize": normalize,
        "distance": distance,
        **further_options(ctx),
    }
    chosen = _create(method, {name: value for name, value in given.items() if value is not None})
    if items is None and train is None:
        raise SpecError("rerank needs the catalogue: pass --items, --train or both")
    if test is not None and not diagnose:
        raise SpecError("--test is for --diagnose; pass both, or neither")
    compiling.show(quiet=reading.quiet)
    files = {"train": train, "test": test, "items": items, "candidates": candidates}
    tables = inputs.Tables(files, reading, order=order.value, vectors=vectors)
    data = tables.dataset()
    notes = Notes(quiet=reading.quiet, strict=reading.strict)
    notes.add_readings([*data.readings, *tables.readings()])
    lists = Recommendations.read(tables.rows("candidates"), data, what="candidates")
    picked = chosen.rerank(lists, data, k=k)
    notes.add(_notes(lists, k))
    out.deliver(out.encode(picked.to_pandas(), ".csv" if output is None else output.suffix.lower()), output)
    notes.print()
    if diagnose:
        from beyondacc.comparison.diagnosis import diagnose as compare  # noqa: PLC0415 - heavy

        say(str(compare(lists, picked, data, k=k)), err=True)


def _notes(lists: Recommendations, k: int) -> Iterator[str]:
    """Say where there was little to pick from."""
    if (lists.lengths <= k).all():
        yield f"no list has more than {k} candidates, so all are only reordered; give longer lists or a smaller -k"
    elif short := int((lists.lengths < k).sum()):
        yield f"lists of fewer than {k} candidates: {short:,} of {len(lists):,}"


def _create(method: str, given: dict[str, Any]) -> Any:
    """Make the re-ranker, from its text and the options that it has."""
    from beyondacc.declare.names import parse_call  # noqa: PLC0415 - heavy
    from beyondacc.rerank import RERANKERS  # noqa: PLC0415 - heavy

    name, written, _ = parse_call(method)
    info = RERANKERS.find(name)
    for option in given:
        flag = flag_of(option)
        if option not in info.parameters:
            raise SpecError(f"{info.name} has no option {flag}; it takes {choices(map(flag_of, info.parameters))}")
        if option in written:
            raise SpecError(f"{option} is given by --method {method!r} and by {flag}; give it once")
    return RERANKERS.create(method, **given)
