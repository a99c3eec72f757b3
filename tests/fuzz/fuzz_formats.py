"""The formats in which the fuzzer writes a table, in one list: a new one needs a line here.

A format that the package does not read is refused, which is as good an outcome as any.
"""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

ROWS = ("recs", "train", "test", "ratings")
TABLES = (*ROWS, "items")


@dataclasses.dataclass(frozen=True)
class Format:
    """A way to write a table.

    Attributes
    ----------
    name
        Of the file; a star stands for that of the table.
    write
        Makes bytes of a frame; raises `ValueError` or `TypeError` where the frame cannot be written so.
    tables
        Which tables it holds.
    options
        What a command is told where it has such options.
    """

    name: str
    write: Callable[[pd.DataFrame], bytes]
    tables: tuple[str, ...] = TABLES
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)


def separated(separator=",", *, encoding="utf-8", header=True, decimal="."):
    def write(frame):
        text = frame.to_csv(index=False, sep=separator, header=header, decimal=decimal)
        return text.encode(encoding, errors="replace")

    return write


def parquet(frame):
    stream = io.BytesIO()
    frame.columns = list(map(str, frame.columns))
    frame.reset_index(drop=True).to_parquet(stream, engine="pyarrow", index=False)
    return stream.getvalue()


def json_lines(frame):
    return frame.to_json(orient="records", lines=True, default_handler=str).encode()


def _lines(frame, line):
    return "".join(line(*row) for row in frame.itertuples(index=False, name=None)).encode(errors="replace")


def _wide(frame, width):
    """The first columns, as many as the format has."""
    if len(frame.columns) < width:
        raise ValueError(f"{width} columns are needed")
    return frame.iloc[:, :width]


def trec_run(frame):
    places = iter(range(len(frame)))
    return _lines(_wide(frame, 3), lambda user, item, score: f"{user} Q0 {item} {next(places)} {score} tag\n")


def qrels(frame):
    return _lines(_wide(frame, 3), lambda user, item, rating: f"{user} 0 {item} {rating}\n")


def recbole(frame):
    kinds = {"user_id": "token", "item_id": "token", "genres": "token_seq", "title": "token_seq"}
    named = frame.rename(columns={name: f"{name}:{kinds.get(str(name), 'float')}" for name in frame.columns})
    return separated("\t")(named)


def u_data(frame):
    return _lines(_wide(frame, 4), lambda *row: "\t".join(map(str, row)) + "\n")


def ratings_dat(frame):
    return _lines(_wide(frame, 4), lambda *row: "::".join(map(str, row)) + "\n")


def movies_dat(frame):
    return _lines(_wide(frame, 3), lambda *row: "::".join(map(str, row)) + "\n")


def u_item(frame):
    flags = "|".join(["0", "1"] * 9 + ["0"])
    return _lines(_wide(frame, 2), lambda item, title: f"{item}|{title}|01-Jan-1995||http|{flags}\n")


RATED = ("train", "test", "ratings")
FORMATS = (
    Format("*.csv", separated()),
    Format("*.csv", separated()),  # what most people have
    Format("*.csv", separated(encoding="utf-8-sig")),
    Format("*.csv", separated(encoding="latin-1"), options={"--encoding": "latin-1"}),
    Format("*.csv", separated(encoding="utf-16")),
    Format("*.csv", separated(";", decimal=","), options={"--sep": ";", "--decimal": ","}),
    Format("*.csv", separated("|"), options={"--sep": "|"}),
    Format("*.csv", separated(header=False), options={"--no-header": ""}),
    Format("*.tsv", separated("\t")),
    Format("*.txt", separated("\t")),
    Format("*.dat", separated("::"[0])),
    Format("*.parquet", parquet),
    Format("*.jsonl", json_lines),
    Format("*.json", json_lines),
    Format("*.run", trec_run, ("recs",)),
    Format("*.trec", trec_run, ("recs",)),
    Format("*.qrels", qrels, RATED),
    Format("*.inter", recbole, ROWS),
    Format("*.item", recbole, ("items",)),
    Format("u.data", u_data, RATED),
    Format("*.base", u_data, RATED),
    Format("ratings.dat", ratings_dat, RATED),
    Format("movies.dat", movies_dat, ("items",)),
    Format("u.item", u_item, ("items",)),
)


def _zip(data):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("table"), data)
    return stream.getvalue()


def _zst(data):
    import pyarrow as pa

    return pa.compress(data, codec="zstd", asbytes=True)


#: How a file is packed, by what its name gets.
PACKINGS: Mapping[str, Callable[[bytes], bytes]] = {
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".zip": _zip,
    ".zst": _zst,
    ".bz2": bz2.compress,
}


def arrays(rng, n):
    """Content of a .npy file of about n vectors."""
    stream = io.BytesIO()
    shape = [(n, 3), (n, 3), (n, 1), (n + 1, 2), (n,), (n, 2, 2), (0, 3), (n, 0)][int(rng.integers(8))]
    kind: Any = ["f8", "f4", "i8", "u1", "?", "f2", "c16", "U3"][int(rng.integers(8))]
    values = rng.normal(size=shape)
    np.save(stream, (values > 0).astype(kind) if kind == "U3" else values.astype(kind), allow_pickle=False)
    return stream.getvalue()
