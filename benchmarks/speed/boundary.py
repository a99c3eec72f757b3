"""What it costs to get from frames to arrays: beside a bare factorize of the same columns.

Run ``python benchmarks/speed/boundary.py L`` (or S, M). For each kind of ids and each source two tables are printed.
The first encodes the users and items of one table, from the frame to a code a row, sorted by id, with all checks; the
second makes the whole `Dataset` and the lists. Both are beside the fastest of the ways to factorize both columns, one
after the other, that pandas, polars and Arrow have; those give codes in the order of appearance, and check nothing.
Ratios are of calls that alternate, in seconds and in seconds of the processor, of all threads together: the latter
stand still while other processes have the cores. Memory is the peak above the frames.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from timing import Peak, Times, alternate, load, machine, now, ratio, table, versions
from workloads import SIZES, Workload, make

import beyondacc as ba
from beyondacc.data.ids import Ids, together
from beyondacc.data.intake.read import read_rows
from beyondacc.data.vocabulary import Vocabulary
from beyondacc.kernels.hashing import mix
from beyondacc.run.local import n_threads

KINDS = ("dense", "hashed", "strings")
SOURCES = ("pandas", "polars", "arrow", "parquet")
IDS = ("user_id", "item_id")
TABLES = ("train", "test", "recs")
SMALL = 1000  # rows on which everything is compiled and loaded before


def rename(work: Workload, kind: str, *, shuffled: bool) -> dict[str, pd.DataFrame]:
    """Return the tables with ids of a kind: 0 to n - 1, 64-bit hashes, or texts."""
    tables = {name: getattr(work, name).copy() for name in (*TABLES, "items")}
    rng = np.random.default_rng(0)
    for column in IDS:
        every = np.unique(np.concatenate([frame[column].to_numpy() for frame in tables.values() if column in frame]))
        if kind == "strings":
            names: Any = pa.array(np.char.mod(f"{column[:4]}%07d", every), pa.large_string())
        else:
            names = rng.permutation(len(every)) if kind == "dense" else mix(every.astype(np.uint64)).view(np.int64)
        for frame in tables.values():
            if column in frame:
                codes = np.searchsorted(every, frame[column].to_numpy())
                frame[column] = pd.array(names.take(pa.array(codes)), "str") if kind == "strings" else names[codes]
    if shuffled:
        tables["train"] = tables["train"].sample(frac=1, random_state=0, ignore_index=True)
    return tables


def given(tables: dict[str, pd.DataFrame], source: str, folder: Path) -> dict[str, Any]:
    """Return the tables as a source has them."""
    if source == "parquet":
        for name, frame in tables.items():
            frame.to_parquet(folder / f"{name}.parquet", index=False)
        return {name: folder / f"{name}.parquet" for name in tables}
    convert = {
        "pandas": lambda frame: frame,
        "polars": pl.from_pandas,
        "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    }[source]
    return {name: convert(frame) for name, frame in tables.items()}


def head(frame: Any, folder: Path) -> Any:
    """Return the first rows of a table."""
    if isinstance(frame, Path):
        small = folder / f"small-{frame.name}"
        pq.write_table(pq.read_table(frame).slice(0, SMALL), small)
        return small
    return frame.slice(0, SMALL) if isinstance(frame, pa.Table) else frame.head(SMALL)


def encode(frame: Any) -> list[np.ndarray]:
    """Encode the users and the items of a table as the library does."""
    rows = read_rows(frame, what="train")

    def number(ids: Ids) -> np.ndarray:
        _, (codes,) = Vocabulary.numbering([ids])
        return ids.translate(codes)

    return together([lambda: number(rows.user), lambda: number(rows.item)], len(rows))


def bare_ways(frame: Any, kind: str) -> dict[str, Callable[[], object]]:
    """Return the ways to factorize both columns of a table."""
    if isinstance(frame, pd.DataFrame):
        return {"pd.factorize": lambda: [pd.factorize(frame[column])[0] for column in IDS]}
    if isinstance(frame, Path):
        return {
            "read, dictionary_encode": lambda: [
                pq.read_table(frame, columns=[column])[column].dictionary_encode() for column in IDS
            ],
            "read, pd.factorize": lambda: [
                pd.factorize(pd.read_parquet(frame, columns=[column])[column])[0] for column in IDS
            ],
        }
    ways: dict[str, Callable[[], object]] = {
        "pd.factorize": lambda: [pd.factorize(frame[column].to_pandas())[0] for column in IDS]
    }
    if isinstance(frame, pa.Table):
        ways["dictionary_encode"] = lambda: [frame[column].dictionary_encode() for column in IDS]
    else:
        ways["dictionary_encode"] = lambda: [frame[column].to_arrow().dictionary_encode() for column in IDS]
        if kind == "strings":
            ways["cast(Categorical)"] = lambda: [frame[column].cast(pl.Categorical) for column in IDS]
    return ways


def build(frames: dict[str, Any]) -> tuple[ba.Dataset, ba.Recommendations]:
    """Do what a user does before the first number, and what the first metric that looks at profiles waits for."""
    data = ba.Dataset(frames["train"], frames["test"], frames["items"])
    assert data.train is not None  # noqa: S101 - it was given
    assert data.test is not None  # noqa: S101 - same
    _ = data.train.items, data.test.items
    return data, ba.Recommendations.read(frames["recs"], data)


def settle() -> None:
    """Give memory back that allocators keep, so that the peak counts all that is taken again."""
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def fastest(times: dict[Any, Times]) -> Any:
    """Return the way with the least median."""
    return min((way for way in times if way != "ours"), key=lambda way: times[way].median)


def entry(ours: Times, bare: Times, way: str, peak: Peak) -> dict[str, Any]:
    """Return what is told of a comparison."""
    assert ours.processor is not None  # noqa: S101 - `alternate` measures it
    assert bare.processor is not None  # noqa: S101 - same
    return {
        "seconds": ours.median,
        "way": way,
        "bare": bare.median,
        "ratio": ratio(ours, bare),
        "processor": ours.processor.median,
        "bare_processor": bare.processor.median,
        "processor_ratio": ratio(ours.processor, bare.processor),
        "peak_gb": peak.more,
    }


def measure(frames: dict[str, Any], kind: str, repeats: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Measure the tables of one source, one by one and all together."""
    small = {name: head(frame, folder) for name, frame in frames.items()}
    for name in TABLES:
        encode(small[name])
        for way in bare_ways(small[name], kind).values():
            way()
    build(small | {"items": frames["items"]})
    every: dict[Any, Callable[[], object]] = {"ours": lambda: build(frames)}
    ways = {}
    for name in TABLES:
        found = alternate(
            {"ours": lambda name=name: encode(frames[name])} | bare_ways(frames[name], kind), repeats=repeats
        )
        ways[name] = fastest(found)
        settle()
        with Peak() as peak:
            encode(frames[name])
        yield {"table": name} | entry(found["ours"], found[ways[name]], ways[name], peak)
    every["bare"] = lambda: [bare_ways(frames[name], kind)[way]() for name, way in ways.items()]
    found = alternate(every, repeats=repeats)
    settle()
    with Peak() as peak:
        build(frames)
    yield {"table": "all"} | entry(found["ours"], found["bare"], ", ".join(sorted(set(ways.values()))), peak)


HEADER = ["ids, source, table", "seconds", "bare", "ratio", "processor", "bare", "ratio", "peak GB", "fastest bare way"]


def line(row: dict[str, Any]) -> list[object]:
    """Return a row of the printed table."""
    names = ("seconds", "bare", "ratio", "processor", "bare_processor", "processor_ratio", "peak_gb", "way")
    return [f"{row['ids']}, {row['source']}, {row['table']}", *(row[name] for name in names)]


def main() -> None:
    """Make the workload, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=SOURCES)
    parser.add_argument("--shuffled", action="store_true", help="training rows in any order, not user by user")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    chosen = parser.parse_args()
    work = make(chosen.size, candidates=False)
    print(f"{chosen.size}: {len(work.train):,} training rows, {len(work.recs):,} of lists; {n_threads()} threads")
    rows = []
    for kind in chosen.kinds:
        tables = rename(work, kind, shuffled=chosen.shuffled)
        for source in chosen.sources:
            with tempfile.TemporaryDirectory() as folder:
                frames = given(tables, source, Path(folder))
                for found in measure(frames, kind, chosen.repeats, Path(folder)):
                    rows.append({"ids": kind, "source": source} | found)
                    print(table(HEADER, [line(rows[-1])]).splitlines()[-1], flush=True)
    print("\n" + table(HEADER, [line(row) for row in rows if row["table"] != "all"]))
    print("\nDataset and Recommendations beside a bare factorize of the ids of all tables\n")
    print(table(HEADER, [line(row) for row in rows if row["table"] == "all"]))
    if chosen.out is not None:
        about = {"machine": machine(), "versions": versions(), "load": load(), "date": now(), "size": chosen.size}
        about |= {"repeats": chosen.repeats, "threads": n_threads(), "shuffled": chosen.shuffled}
        chosen.out.write_text(json.dumps(about | {"rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
