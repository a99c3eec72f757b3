"""Whatever the way a table is written in, the rows that are read are the same."""

import itertools
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from draws import draws
from hypothesis import HealthCheck, given, settings

from beyondacc.data.arrow import Parquet
from beyondacc.data.intake.files import File, read_file
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import given_names, role_of
from intake.encodings import CONTAINERS, PACKINGS, Encoding, encodings, random_rows, rows, usable, write


def read_rows(path, encoding):
    """The rows that `read_file` delivers, ids as texts."""
    reading = Reading("recs")
    source = File(path, **encoding.options) if encoding.options else path
    table = read_file(source, what="recs", reading=reading, columns=encoding.columns)
    frame = table.to_pandas() if isinstance(table, Parquet) else table
    given = given_names(encoding.columns)
    by_role = {role_of(name, given): name for name in frame.columns}
    users, items = (frame[by_role[role]] for role in ("user_id", "item_id"))
    assert not {"user_id", "item_id"} & set(map(str, frame.columns)) or encoding.columns is None
    scores = frame[by_role["score"]]
    assert scores.dtype.kind in "fi"
    if encoding.container == "hive":
        assert frame["day"].astype(str).str.startswith("2024-01-0").all()
    return list(zip(users.astype(str), items.astype(str), scores.astype(float), strict=True)), frame, reading


@settings(max_examples=draws(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows(), encodings)
def test_rows_do_not_depend_on_how_they_are_written(table, encoding):
    with tempfile.TemporaryDirectory() as folder:
        found, frame, _ = read_rows(write(table, encoding, Path(folder)), encoding)
        assert found == table
        if encoding.container in {"csv", "tsv", "txt", "folder", "hive", "glob"}:
            ids = frame.attrs["written"] - {"day"}
            assert len(ids) == 2
            assert all(isinstance(frame[name].dtype, pd.CategoricalDtype) for name in ids)


@pytest.mark.parametrize(("container", "packing"), list(itertools.product(CONTAINERS, PACKINGS)))
def test_every_container_in_every_packing(tmp_path, container, packing):
    table = random_rows(3)
    for named in (True, False):
        encoding = usable(Encoding(container=container, packing=packing, named_packing=named))
        found, _, reading = read_rows(write(table, encoding, tmp_path / str(named)), encoding)
        assert found == table
        assert reading.rows == (0 if "parquet" in container else len(table))
        assert (encoding.packing in reading.form) if encoding.packing and "parquet" not in container else reading.form


def test_without_pyarrow(tmp_path, monkeypatch):
    """Texts are read without pyarrow, and to the same rows."""
    table = [(user, str(int(item)), score) for user, item, score in random_rows(1)]
    monkeypatch.setattr("beyondacc.data.arrow.columns.has_arrow", lambda: False)
    for container in ("csv", "tsv", "jsonl", "folder"):
        encoding = Encoding(container=container, sep="\t" if container == "tsv" else ",")
        assert read_rows(write(table, encoding, tmp_path / container), encoding)[0] == table


def test_digits_are_read_quickly_and_exactly(tmp_path):
    """Plain whole numbers take the quick way, and one odd id far behind the first rows does not."""
    rng = np.random.default_rng(0)
    table = [(str(u), str(i), 0.5) for u, i in rng.integers(1, 10**6, (40_000, 2)).tolist()]
    for odd in ("007", "+7", " 7", "7 ", "-0", "1e2", "12345678901234567890", "-07", "A"):
        for place in (0, 39_999):
            changed = list(table)
            changed[place] = ("5", odd, 0.5)
            encoding = Encoding(quote_all=odd in {" 7", "7 "})
            path = write(changed, encoding, tmp_path / f"{odd}{place}")
            assert read_rows(path, encoding)[0] == changed
    found, frame, _ = read_rows(write(table, Encoding(), tmp_path / "plain"), Encoding())
    assert found == table
    assert frame["user_id"].cat.categories.is_unique
