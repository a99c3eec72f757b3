"""One table of (user, item, score) rows, written in every way that people write such tables.

`write` is a plain function of an `Encoding`; `encodings` is a hypothesis strategy of them, `rows` one of tables.
"""

from __future__ import annotations

import bz2
import csv
import dataclasses
import gzip
import io
import json
import lzma
import random
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from hypothesis import strategies as st
from pyarrow import feather

CONTAINERS = ("csv", "tsv", "txt", "jsonl", "json", "parquet", "feather", "folder", "hive", "parquet-folder", "glob")
PACKINGS = ("", "gz", "bz2", "xz", "zst", "zip")
TEXTS = ("utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252")
NAMES = {
    "user": ("user_id", "userId", "USER", "query_id", "qid", "uid"),
    "item": ("item_id", "itemId", "movieId", "docno", "iid"),
    "score": ("score", "prediction", "pred"),
}


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How to write the table; what a container does not know is left aside."""

    container: str = "csv"
    sep: str = ","
    header: bool = True
    names: tuple[str, str, str] = ("user_id", "item_id", "score")
    order: tuple[int, int, int] = (0, 1, 2)
    index: bool = False
    quote_all: bool = False
    encoding: str = "utf-8"
    packing: str = ""
    named_packing: bool = True
    trailing: bool = False
    newline: str = "\n"
    parts: int = 2
    ids_as_numbers: bool = False

    @property
    def options(self):
        """What `File` must be told."""
        said = {}
        if self.encoding in {"latin-1", "cp1252"} and self._is_text:
            said["encoding"] = self.encoding
        if self._is_text and not self._is_records and not self.header:
            said["header"] = False
        return said

    @property
    def columns(self):
        """What `columns=` must say."""
        if self._is_text and not self._is_records and not self.header:
            return {role: 1 + self.order.index(place) for place, role in enumerate(("user", "item", "score"))}
        return None

    @property
    def _is_text(self):
        return self.container not in {"parquet", "feather", "parquet-folder"}

    @property
    def _is_records(self):
        return self.container in {"jsonl", "json"}


def usable(encoding):
    """An encoding without what contradicts itself."""
    sep = "\t" if encoding.container == "tsv" else encoding.sep
    few = {"parquet": "", "feather": ""}.get(encoding.container, encoding.packing)
    # without header, the numbers of rows and the empty field at the end are columns like others
    return dataclasses.replace(
        encoding,
        sep=sep,
        packing=few,
        index=encoding.index and encoding.header and not encoding.trailing,
        trailing=encoding.trailing and encoding.header,
        quote_all=encoding.quote_all and sep != "::",
    )


def as_text(rows, encoding, first=0):
    """The lines of a file with separators."""
    out = io.StringIO()
    names = [encoding.names[place] for place in encoding.order]
    table = [names] * encoding.header + [[_field(row[place]) for place in encoding.order] for row in rows]
    for number, fields in enumerate(table, first - encoding.header):
        label = ["" if number < first else str(number)] if encoding.index else []
        cells = [*label, *fields, *([""] if encoding.trailing and (number >= first or len(rows) % 2) else [])]
        if len(encoding.sep) > 1:
            out.write(encoding.sep.join(cells) + encoding.newline)
        else:
            quoting = csv.QUOTE_ALL if encoding.quote_all else csv.QUOTE_MINIMAL
            csv.writer(out, delimiter=encoding.sep, quoting=quoting, lineterminator=encoding.newline).writerow(cells)
    return out.getvalue().encode(encoding.encoding)


def _field(value):
    return value if isinstance(value, str) else repr(value)


def as_records(rows, encoding):
    """JSON, a record per line or an array."""

    def plain(value):
        return int(value) if encoding.ids_as_numbers and isinstance(value, str) and str(value).isdecimal() else value

    numbers = all(
        isinstance(value, str) and value.isdecimal() and str(int(value)) == value for row in rows for value in row[:2]
    )
    records = [{encoding.names[p]: plain(row[p]) if numbers else row[p] for p in encoding.order} for row in rows]
    if encoding.container == "json":
        text = json.dumps(records, ensure_ascii=False)
    else:
        text = encoding.newline.join(json.dumps(each, ensure_ascii=False) for each in records) + encoding.newline
    return text.encode(encoding.encoding)


def as_table(rows, encoding):
    columns = {encoding.names[place]: [row[place] for row in rows] for place in encoding.order}
    return pa.table(columns)


def packed(content, packing, name):
    if packing == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        return out.getvalue()
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "": bytes}
    return zstandard.ZstdCompressor().compress(content) if packing == "zst" else pack[packing](content)


def _put(path, content, encoding):
    end = f".{encoding.packing}" if encoding.packing and (encoding.named_packing or encoding.packing == "zip") else ""
    path.with_name(path.name + end).write_bytes(packed(content, encoding.packing, path.name))
    return path.with_name(path.name + end)


def _cut(rows, parts):
    size = -(-len(rows) // parts)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def write(rows, encoding: Encoding, folder: Path) -> Path | str:
    """Write rows of (user, item, score), ids as texts, and return the path or pattern to read."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = encoding.container
    if kind in {"csv", "tsv", "txt"}:
        return _put(folder / f"recs.{kind}", as_text(rows, encoding), encoding)
    if kind in {"jsonl", "json"}:
        return _put(folder / f"recs.{kind}", as_records(rows, encoding), encoding)
    if kind == "parquet":
        pq.write_table(as_table(rows, encoding), folder / "recs.parquet")
        return folder / "recs.parquet"
    if kind == "feather":
        feather.write_feather(as_table(rows, encoding), folder / "recs.feather")
        return folder / "recs.feather"
    place = folder / "recs"
    place.mkdir()
    pieces = _cut(rows, encoding.parts)
    if kind == "parquet-folder":
        for number, piece in enumerate(pieces):
            pq.write_table(as_table(piece, encoding), place / f"part-{number:05}.snappy.parquet")
    else:
        for number, piece in enumerate(pieces):
            home = place / f"day=2024-01-{number + 1:02}" if kind == "hive" else place
            home.mkdir(exist_ok=True)
            _put(home / f"part-{number:05}.csv", as_text(piece, encoding), encoding)
    (place / "_SUCCESS").touch()
    (place / ".part-00000.crc").write_bytes(b"crc")
    return str(place / "part-*") if kind == "glob" else place


names = st.tuples(*(st.sampled_from(NAMES[role]) for role in ("user", "item", "score")))
encodings = st.builds(
    Encoding,
    container=st.sampled_from(CONTAINERS),
    sep=st.sampled_from([",", ";", "\t", "|", "::"]),
    header=st.booleans(),
    names=names,
    order=st.permutations([0, 1, 2]).map(tuple),
    index=st.booleans(),
    quote_all=st.booleans(),
    encoding=st.sampled_from(TEXTS),
    packing=st.sampled_from(PACKINGS),
    named_packing=st.booleans(),
    trailing=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
    parts=st.integers(1, 3),
    ids_as_numbers=st.booleans(),
).map(usable)
#: Ids that people have: digits, digits with zeros before them, more digits than 64 bits hold, words that mean nothing.
ids = st.one_of(
    st.integers(0, 99).map(str),
    st.sampled_from(["007", "7", "1e2", "+7", "0706016001", "18446744073709551617", "NA", "null", "nan", "None", "-0"]),
    st.text("abcXYZéü-_.:/# 0", min_size=1, max_size=6)
    .map(str.strip)
    .filter(lambda text: text and "::" not in text and not text.endswith(":") and not text.startswith(":")),
)
plain_ids = st.integers(1, 400).map(str)


@st.composite
def rows(draw, min_size=4):
    """Rows of (user, item, score): several users, no item twice for one of them, scores that fall."""
    kind = draw(st.sampled_from([ids, plain_ids]))
    users = draw(st.lists(kind, min_size=2, max_size=4, unique=True))
    table = []
    for user in users:
        items = draw(st.lists(kind, min_size=1, max_size=4, unique=True))
        table += [(user, item, float(len(items) - place) / 2) for place, item in enumerate(items)]
    while len(table) < min_size:
        table.append((users[-1], f"more{len(table)}", -float(len(table))))
    return table


def random_rows(seed, n_users=5, n_items=20, length=4):
    """The same without hypothesis."""
    draw = random.Random(seed)  # noqa: S311 - no secrets
    return [
        (f"u{user}", f"{item:03}", float(length - place))
        for user in range(n_users)
        for place, item in enumerate(draw.sample(range(n_items), length))
    ]
