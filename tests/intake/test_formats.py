"""Every format has a sample, which is read by its name, by the ends of its files, and packed."""

from __future__ import annotations

import gzip
import io

import pandas as pd
import pytest

import beyondacc as ba
from beyondacc.data.intake.files import FORMATS, read_file
from beyondacc.data.intake.files.source import ENDS
from beyondacc.data.intake.reading import Reading
from beyondacc.data.recommendations import Recommendations

ROWS = [("1", "7", 3.0), ("1", "8", 2.5), ("2", "7", 1.0)]


def columnar(write):
    stream = io.BytesIO()
    getattr(pd.DataFrame(ROWS, columns=["user_id", "item_id", "score"]), write)(stream)
    return stream.getvalue()


#: The same three rows in each format; who adds a format adds them here.
SAMPLES = {
    "csv": b"user_id,item_id,score\n1,7,3.0\n1,8,2.5\n2,7,1.0\n",
    "tsv": b"user_id\titem_id\tscore\n1\t7\t3.0\n1\t8\t2.5\n2\t7\t1.0\n",
    "parquet": lambda: columnar("to_parquet"),
    "feather": lambda: columnar("to_feather"),
    "movielens": b"1\t7\t3.0\t7\n1\t8\t2.5\t8\n2\t7\t1.0\t9\n",
    "jsonl": b'{"user_id": "1", "item_id": "7", "score": 3.0}\n{"user_id": "1", "item_id": "8", "score": 2.5}\n'
    b'{"user_id": "2", "item_id": "7", "score": 1.0}\n',
    "trec-run": b"1 Q0 7 1 3.0 x\n1 Q0 8 2 2.5 x\n2 Q0 7 1 1.0 x\n",
    "qrels": b"1 0 7 3.0\n1 0 8 2.5\n2 0 7 1.0\n",
    "recbole": b"user_id:token\titem_id:token\tscore:float\n1\t7\t3.0\n1\t8\t2.5\n2\t7\t1.0\n",
}
VALUES = {"qrels": "rating", "movielens": "rating"}  # the others have scores
NAMED = {"movielens": "u.data"}  # whose files are known by their whole name


def content(form):
    sample = SAMPLES[form]
    if not isinstance(sample, bytes):
        pytest.importorskip("pyarrow")
        return sample()
    return sample


def rows_of(file, form):
    table = read_file(file, what="recs", reading=Reading("recs"))
    if not isinstance(table, pd.DataFrame):
        table = Recommendations.read(file, what="recs").to_pandas()
    return [
        (str(user), str(item), value)
        for user, item, value in table[["user_id", "item_id", VALUES.get(form, "score")]].to_numpy().tolist()
    ]


def test_every_format_has_a_sample():
    assert set(SAMPLES) == set(FORMATS), "add the three rows in the format to SAMPLES"
    assert set(ENDS.values()) <= set(FORMATS)


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_is_read_by_its_names_and_by_the_ends_of_its_files(form, tmp_path):
    whole = content(form)
    ends = [end for end, each in ENDS.items() if each == form]
    asked = [ba.File(tmp_path / "plain", format=name) for name in (form, form.upper(), *FORMATS[form])]
    files = [tmp_path / NAMED.get(form, f"named{end}") for end in (ends or [f".{form}"])]
    for path in (tmp_path / "plain", *files):
        path.write_bytes(whole)
    packed = tmp_path / f"{NAMED.get(form, 'packed' + (ends or [f'.{form}'])[0])}.gz"
    packed.write_bytes(gzip.compress(whole))
    for file in (*asked, *files, packed):
        assert rows_of(file, form) == ROWS, file
