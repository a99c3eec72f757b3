"""Damaged files: one sentence, whatever bit was flipped or wherever a file was cut off."""

import random
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from draws import draws

from beyondacc.data.arrow import Parquet
from beyondacc.data.frames import open_table
from beyondacc.data.intake.files import read_file
from beyondacc.data.intake.reading import Reading
from beyondacc.errors import BeyondAccError, DataError
from intake.encodings import PACKINGS, Encoding, as_text, packed, random_rows

N_FLIPS = draws(400)


def tables():
    """Small tables of the kinds of columns that parquet writers make."""
    n = 60
    users = [f"u{k % 7}é" for k in range(n)]
    plain = pd.DataFrame({"user_id": users, "item_id": [f"i{k % 11}" for k in range(n)], "score": np.arange(n) / 3})
    yield "texts", pa.Table.from_pandas(plain), {}
    yield "no dictionary", pa.Table.from_pandas(plain), {"use_dictionary": False, "compression": "none"}
    numbers = pa.table({"user_id": pa.array(range(n), pa.int32()), "item_id": pa.array([k % 5 for k in range(n)])})
    yield "numbers", numbers, {"compression": "none"}
    coded = pa.table({"user_id": pa.array(users).dictionary_encode(), "item_id": list(range(n))})
    yield "categories", coded, {"compression": "none", "row_group_size": 25}
    lists = pa.table({"user_id": users[:9], "item_id": [[1, 2, 3]] * 9, "score": [[3.0, 2.0, 1.0]] * 9})
    yield "lists", lists, {}


@pytest.mark.parametrize("name", [name for name, _, _ in tables()])
def test_flipped_bits_of_parquet_are_no_tracebacks(tmp_path, name):
    """Every file is read or refused by us, in one line; what is read has texts that are texts, and codes that exist."""
    table, options = next((table, options) for kind, table, options in tables() if kind == name)
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, **options)
    content = path.read_bytes()
    draw = random.Random(name)  # noqa: S311 - no secrets
    sentences, read = [], 0
    for _ in range(N_FLIPS):
        changed = bytearray(content)
        for _ in range(draw.choice([1, 1, 3])):
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = read_file(path, what="recs", reading=Reading("recs"))
                if isinstance(found, Parquet):
                    opened = open_table(found, what="recs")
                    opened.pull(opened.columns)
                    found.to_pandas()
            read += 1
        except BeyondAccError as error:
            sentences.append(str(error))
    assert len(sentences) > N_FLIPS / 10
    assert len(sentences) + read == N_FLIPS
    assert not [each for each in sentences if "\n" in each]


@pytest.mark.parametrize("packing", PACKINGS[1:])
@pytest.mark.parametrize("container", ["csv", "run"])
def test_packed_files_that_are_cut_off(tmp_path, packing, container):
    rows = random_rows(0, n_users=200, n_items=50)
    text = (
        as_text(rows, Encoding())
        if container == "csv"
        else b"".join(f"{user} Q0 {item} 1 {score} t\n".encode() for user, item, score in rows)
    )
    content = packed(text, packing, f"recs.{container}")
    path = tmp_path / f"recs.{container}.{packing}"
    for kept in (len(content) - 9, len(content) // 2, 12):
        path.write_bytes(content[:kept])
        with pytest.raises(DataError, match=r"recs: the file .* cannot be read as \.") as caught:
            read_file(path, what="recs", reading=Reading("recs"))
        assert "\n" not in str(caught.value)


def test_flipped_bits_of_packed_texts(tmp_path):
    draw = random.Random(1)  # noqa: S311 - no secrets
    sentences = []
    for packing in PACKINGS[1:]:
        content = packed(as_text(random_rows(0, n_users=50), Encoding()), packing, "recs.csv")
        path = tmp_path / f"recs.csv.{packing}"
        for _ in range(60):
            changed = bytearray(content)
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
            path.write_bytes(changed)
            try:
                read_file(path, what="recs", reading=Reading("recs"))
            except BeyondAccError as error:
                sentences.append(str(error))
    assert len(sentences) > 100
    assert not [each for each in sentences if "\n" in each]
