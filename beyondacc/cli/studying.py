"""What ``beyondacc study`` does: data sets, the study, and its results as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from beyondacc.charts.canvas import load
from beyondacc.cli import compiling, inputs
from beyondacc.cli.output import WIDTH, aligned, check_parquet, decimals, number
from beyondacc.cli.reading import FileOptions
from beyondacc.correlation.coefficients import Method
from beyondacc.correlation.correlate import correlation
from beyondacc.data.dataset import Dataset
from beyondacc.data.movielens import load_movielens
from beyondacc.errors import SpecError
from beyondacc.study import StudyResult
from beyondacc.study.result import PLAIN, check_folder
from beyondacc.texts import cut, visible

__all__ = ["check_target", "datasets", "describe"]


def check_target(folder: Path, *, force: bool, rows: int | None = None) -> None:
    """Refuse a folder that cannot be written, and missing packages, before any work is done."""
    if folder.name in {"", ".."}:
        raise SpecError(
            f"the output {str(folder)!r} is no name of a folder; "
            "name one for the results, such as -o beyondacc-study or -o ../beyondacc-study"
        )
    check_folder(folder, force=force, rows=rows)
    check_parquet()
    for package in ("altair", "vl_convert"):
        load(package)


def datasets(
    ratings: Path | None,
    items: Path | None,
    *,
    vectors: Path | None,
    split: str,
    seeds: Sequence[int],
    reading: FileOptions,
    **options: Any,
) -> dict[int, Dataset]:
    """Split the ratings once for each seed.

    Raises
    ------
    DataError
        If the files cannot be used.
    SpecError
        If there is no such split, or it is the same for two seeds.
    """
    compiling.show(quiet=reading.quiet, bar=False)
    table: Any
    catalogue: Any
    if ratings is None:
        table, catalogue = load_movielens()
    else:
        tables = inputs.Tables({"ratings": ratings, "items": items}, reading, vectors=vectors)
        table, catalogue = tables.rows("ratings"), tables.items
    options |= {"repeats": reading.repeats.value, "zeros": None if reading.zeros is None else reading.zeros.value}
    made = {seed: Dataset.split(table, catalogue, how=split, seed=seed, **options) for seed in seeds}
    first, *others = made.items()
    for seed, data in others:
        if _same_test(first[1], data):
            raise SpecError(
                f"the split {split} holds out the same rows for the seeds {first[0]} and {seed}; give one seed"
            )
    return made


def _same_test(one: Dataset, other: Dataset) -> bool:
    if one.test is None or other.test is None:
        return False
    return np.array_equal(one.test.starts, other.test.starts) and np.array_equal(one.test.items, other.test.items)


def describe(found: StudyResult, *, method: Any) -> Iterator[str]:
    """Yield the lines to print: plain models, what re-ranking changes, correlations."""
    table = found.table
    several = len(found.study.data)
    mean = f", mean of {several} seeds" if several > 1 else ""
    plain = table[table["reranker"] == PLAIN]
    values = plain.pivot_table(index="metric", columns="model", values="value", sort=False, dropna=False)
    values = values.reindex(index=[str(metric) for metric in found.metrics], columns=list(found.study.models))
    yield f"Models{mean}"
    yield from _chunks("metric", _value_cells(values))
    if len(table) > len(plain):
        yield from _changes(found, values)
    if len(found.metrics) > 1 and len(found.reports) > 2:
        yield ""
        yield f"Correlation of the metrics across {len(found.reports)} runs ({method}, in hundredths; - undefined)"
        yield from _chunks("", _correlation_cells(found, method), gap=1)


def _value_cells(values: pd.DataFrame) -> pd.DataFrame:
    cells = [[number(value, decimals(row)) for value in row] for row in values.to_numpy()]
    return pd.DataFrame(cells, index=values.index, columns=values.columns)


def _changes(found: StudyResult, plain: pd.DataFrame) -> Iterator[str]:
    """Tell what each re-ranker changes at a middle weight: the mean over models, and how many rise and fall."""
    weights = [weight for weight in found.study.diversity if weight > 0]
    weight = weights[(len(weights) - 1) // 2]
    signs = found.signs()
    signs = signs[signs["diversity"] == weight]
    grouped = signs.groupby(["metric", "reranker"], sort=False)
    means = grouped["difference"].mean().to_dict()
    rises = grouped["sign"].agg(lambda sign: int((sign > 0).sum())).to_dict()
    falls = grouped["sign"].agg(lambda sign: int((sign < 0).sum())).to_dict()
    n = len(found.study.models) * len(found.study.data)
    yield ""
    yield f"Change by re-ranking at diversity {weight:g}, mean over {n} model{'s' if n > 1 else ''}"
    if found.study.n_boot:
        yield "(5+ 1-: a rise beyond 1.96 standard errors for five of them, a fall for one)"
    cells = {}
    for reranker in dict.fromkeys(signs["reranker"]):
        changes, marks = [], []
        for metric in map(str, found.metrics):
            value = means[metric, reranker]
            text = number(value, decimals(plain.loc[metric].to_numpy()))
            changes.append(f"+{text}" if value >= 0 else text)
            counts = (rises[metric, reranker], falls[metric, reranker])
            marks.append(" ".join(f"{count}{sign}" for count, sign in zip(counts, "+-", strict=True) if count))
        width = max(map(len, marks))
        cells[reranker] = [f"{text} {mark:<{width}}" for text, mark in zip(changes, marks, strict=True)]
    yield from _chunks("metric", pd.DataFrame(cells, index=list(map(str, found.metrics))))


def _correlation_cells(found: StudyResult, method: Method) -> pd.DataFrame:
    """Lay out all pairs; columns have numbers, as names would make them too wide."""
    names = list(map(str, found.metrics))
    wide = correlation(found.values.to_numpy(np.float64), method)
    cuts = {name.rpartition("@")[2] for name in names}
    short = [name.rpartition("@")[0] if len(cuts) == 1 else name for name in names]
    cells = [["-" if np.isnan(value) else f"{100 * value:.0f}" for value in row] for row in wide]
    heads = [str(place) for place in range(1, len(names) + 1)]
    rows = [f"{place:>2} {name}" for place, name in enumerate(short, 1)]
    return pd.DataFrame(cells, index=rows, columns=heads).replace("-0", "0")


def _shown(name: object) -> str:
    return cut(visible(str(name)))


def _chunks(corner: str, cells: pd.DataFrame, *, gap: int = 2) -> Iterator[str]:
    """Lay out a table in as many parts below each other as its width asks for."""
    cells = cells.set_axis([_shown(name) for name in cells.index]).set_axis(
        [_shown(name) for name in cells.columns], axis="columns"
    )
    label = max([len(corner), *map(len, cells.index)])
    start = 0
    while start < cells.shape[1]:
        stop, width = start, label
        while stop < cells.shape[1]:
            width += gap + max(len(cells.columns[stop]), *map(len, cells.iloc[:, stop]))
            if width > WIDTH and stop > start:
                break
            stop += 1
        part = cells.iloc[:, start:stop]
        if start:
            yield ""
        rows = [(str(name), *row) for name, row in zip(part.index, part.to_numpy().tolist(), strict=True)]
        yield from aligned((corner, *part.columns), rows, right=range(1, part.shape[1] + 1), gap=gap)
        start = stop
