"""Files as people have them: what is read, what is said about it, and what is refused with a way out."""

import gzip

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from beyondacc.data.arrow import Parquet, narrow, open_arrow, to_arrow
from beyondacc.data.intake.files import File, read_file
from beyondacc.data.intake.reading import Reading
from beyondacc.errors import DataError, SpecError


@pytest.fixture
def put(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def table_of(path, what="recs", columns=None, **said):
    reading = Reading(what)
    found = read_file(File(path, **said) if said else path, what=what, reading=reading, columns=columns)
    frame = found.to_pandas() if isinstance(found, Parquet) else found
    rows = frame.astype(object).where(frame.notna(), None).to_dict("list")
    return rows, frame, reading


READ = [
    # header lines
    ("a.csv", "user_id,item_id\n1,5,\n2,7,\n", {"user_id": ["1", "2"], "item_id": ["5", "7"]}, "ends with a separator"),
    ("a.csv", "user_id,item_id,\n1,5,\n", {"user_id": ["1"], "item_id": ["5"]}, "ends with a separator"),
    ("a.csv", ",user_id,item_id\n0,5,1\n1,7,2\n", {"user_id": ["5", "7"], "item_id": ["1", "2"]}, "numbers the rows"),
    ("a.csv", '"","user_id","item_id"\n"3",5,1\n"1",7,2\n', {"user_id": ["5", "7"], "item_id": ["1", "2"]}, "numbers"),
    ("a.csv", ",user_id,item_id\nx,5,1\n", {"1": ["x"], "user_id": ["5"], "item_id": ["1"]}, ""),
    (
        "a.csv",
        "user_id,item_id,score\n0,u1,i1,3.0\n1,u1,i2,2.0\n",
        {"user_id": ["u1", "u1"], "item_id": ["i1", "i2"], "score": [3.0, 2.0]},
        "numbers the rows",
    ),
    (
        "a.txt",
        '"user_id" "item_id" "score"\n"1" 1 14 3.0\n"2" 1 15 2.0\n',
        {"user_id": ["1", "1"], "item_id": ["14", "15"], "score": [3.0, 2.0]},
        "numbers the rows",
    ),
    (
        "recs.tsv",
        "u1\ti1\t3.0\nu1\ti2\t2.0\nu2\ti3\t1.5\n",
        {"user_id": ["u1", "u1", "u2"], "item_id": ["i1", "i2", "i3"], "score": [3.0, 2.0, 1.5]},
        "taken as user_id, item_id, score",
    ),
    # ids as they are written, and nothing but an empty field is missing
    (
        "a.csv",
        'user_id,item_id\n007,1e2\n+7," 7"\n12345678901234567890,NA\n,null\n',
        {"user_id": ["007", "+7", "12345678901234567890", None], "item_id": ["1e2", " 7", "NA", "null"]},
        "",
    ),
    (
        "a.csv",
        "user_id, item_id, score\n1, 007, 3\n1, 8, NA\n",
        {"user_id": ["1", "1"], "item_id": ["007", "8"], "score": [3.0, None]},
        "blanks after the separator",
    ),
    ("a.txt", "user_id | item_id\n7 | 9\n12 | 10\n", {"user_id": ["7", "12"], "item_id": ["9", "10"]}, "blanks before"),
    (
        "a.csv",
        "item_id,genres,title\n1,NA,007\n2,null,1984\n3,,nan\n",
        {"item_id": ["1", "2", "3"], "genres": ["NA", "null", None], "title": ["007", "1984", "nan"]},
        "",
    ),
    (
        "a.csv",
        "user_id,item_id,timestamp\n1,14,1600000000000000001\n1,15,\n",
        {"user_id": ["1", "1"], "item_id": ["14", "15"], "timestamp": [1600000000000000001, None]},
        "",
    ),
    (
        "a.csv",
        "user_id,item_id,score\n1,14,99999999999999999999\n1,15,2\n",
        {"user_id": ["1", "1"], "item_id": ["14", "15"], "score": [99999999999999999999, 2]},
        "",
    ),
    # quotes
    (
        "i.tsv",
        'item_id\ttitle\tgenres\n1\t"Hello, she said\tNews\n"2"\t"Plain"\tSports\n3\tOne more"\tNews\n',
        {
            "item_id": ["1", "2", "3"],
            "title": ['"Hello, she said', "Plain", 'One more"'],
            "genres": ["News", "Sports", "News"],
        },
        "",
    ),
    ("i.csv", 'item_id,title\n1,"a\nb"\n2,"c ""d"""\n', {"item_id": ["1", "2"], "title": ["a\nb", 'c "d"']}, ""),
    # formats by content
    (
        "x.dat",
        "q1 Q0 d1 1 0.9 x\nq1 Q0 d2 0 0.5 x\n",
        {"user_id": ["q1", "q1"], "item_id": ["d1", "d2"], "rank": [1, 0], "score": [0.9, 0.5]},
        "",
    ),
    ("x", "q1 0 d1 1\nq1 0 d2 -2\n", {"user_id": ["q1", "q1"], "item_id": ["d1", "d2"], "rating": [1, -2]}, ""),
    ("ua.base", "1\t2\t3\t4\n", {"user_id": ["1"], "item_id": ["2"], "rating": [3], "timestamp": [4]}, ""),
    ("x.csv", "user_id:token,item_id:token\n007,1\n", {"user_id": ["007"], "item_id": ["1"]}, ""),
    ("x", '{"user": 1, "item": "007"}\n', {"user": [1], "item": ["007"]}, ""),
    (
        "a.json",
        '[{"user": 1, "item": "7"},\n {"user": 2, "item": 8, "score": 1}]',
        {"user": [1, 2], "item": ["7", "8"], "score": [None, 1.0]},
        "quoted and unquoted",
    ),
    ("movies.dat", "1::Café :: x::A|B\n", {"item_id": ["1"], "title": ["Café :: x"], "genres": ["A|B"]}, ""),
    (
        "movies.dat",
        "1::Café::A|B\n".encode("latin-1"),
        {"item_id": ["1"], "title": ["Café"], "genres": ["A|B"]},
        "",
    ),
    ("packed.csv", gzip.compress(b"user,item\n1,2\n"), {"user": ["1"], "item": ["2"]}, ""),
    # a row per user
    (
        "a.csv",
        'user_id,item_id\n1,"14 12"\n2,"11 15"\n',
        {"user_id": ["1", "1", "2", "2"], "item_id": ["14", "12", "11", "15"], "rank": [1, 2, 1, 2]},
        "holds a list",
    ),
    (
        "a.csv",
        'user_id,item_id,score\n1,"[14, 12]","[0.5, 0.25]"\n2,"[\'a b\']",[1]\n',
        {"user_id": ["1", "1", "2"], "item_id": ["14", "12", "a b"], "score": [0.5, 0.25, 1.0]},
        "holds a list",
    ),
    (
        "a.csv",
        "user_id,item_id\n1,Toy Story\n2,Heat Now\n",
        {"user_id": ["1", "2"], "item_id": ["Toy Story", "Heat Now"]},
        "",
    ),
    (
        "a.jsonl",
        '{"user": 1, "item": [7, 8]}\n{"user": 2, "item": []}\n',
        {"user": [1, 1], "item": [7, 8], "rank": [1, 2]},
        "1 row holds an empty list",
    ),
]


@pytest.mark.parametrize(("name", "content", "expected", "note"), READ)
def test_what_is_read(put, name, content, expected, note):
    rows, _, reading = table_of(put(name, content))
    assert rows == expected
    assert any(note in each for each in reading.notes) if note else reading.notes == []
    assert reading.rows == len(next(iter(expected.values())))


REFUSED = [
    ("recs", "a.csv", "user_id,item_id,rating\n0,1,14,3.0\n1,1,15,2.0\n", "--columns 2=user,3=item or"),
    ("recs", "a.csv", "user_id,item_id\n1,5\n2,7,3\n", "line 3 has 3 fields, not 2 (user_id item_id)"),
    ("items", "a.csv", "sku,label\nA1,x\nA2,y\n", "may be a row or the names of the columns; if it is"),
    ("items", "a.csv", "1,Toy Story\n2,Heat\n", "(1, Toy Story) looks like a row, not like names of columns"),
    ("train", "a.csv", "1,14,5.0\n1,15,4.0\n", "--no-header --columns 1=user,2=item,3=rating"),
    ("recs", "a.csv", "1;14;3,5\n1;8;2,0\n", "could be separated by ',' or ';'; say which with --sep"),
    ("recs", "a.csv", "user_id;item_id;score\n1;14;3,5\n", "pass --decimal , (Python: File(path, decimal=','))"),
    ("recs", "a.csv", "user_id,user_id,score\n1,14,1\n", "two of its columns are called 'user_id'"),
    ("recs", "a.csv", b"user_id,item_id\n1,2\n\xe9,4\n", "byte 20 (line 3) is not UTF-8; pass --encoding latin-1"),
    ("recs", "a.csv", b"user_id,item_id\n1,2\n\x93,4\n", "is not UTF-8; pass --encoding cp1252"),
    ("recs", "a.csv", "user_id,item_id\n1,2\n".encode("utf-16-le"), "pass --encoding utf-16-le"),
    ("recs", "a.csv", 'user_id,item_id\n1,"2\n', "the quote that opens in row 1 (rows count from 0) never closes"),
    ("items", "i.tsv", 'item_id\ttitle\tgenres\n1\t"Hello\nWorld"\tNews\n', "line 2 ends within quotes"),
    ("recs", "a.json", '[{"user": 1, "item": "7"}, {"user": 2, "item": 7}]', "holds 7 both with quotes and without"),
    ("recs", "a.json", '{"user_id": {"0": 1}, "item_id": {"0": 3}}', "ids are texts or whole numbers"),
    ("recs", "a.json", '{"user": 1}\n{"user"', "line 2 is not JSON"),
    ("recs", "a.json", "[1, 2]", "is not a record but 1"),
    ("recs", "a.jsonl", '{"user": 1, "item": [7, 8], "score": [1]}\n', "holds 2 elements in 'item' but 1 in 'score'"),
    ("recs", "a.dat", "4\n5\n", "pass --format-of recs=... (Python: File(path, format=...)), one of csv, tsv"),
    ("recs", "a.csv", "u,14,3.0\nv,15,2.0\n", "may be a row or the names of the columns"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "name", "content", "reason"), REFUSED)
def test_what_is_refused(put, what, name, content, reason):
    with pytest.raises(DataError) as caught:
        table_of(put(name, content), what)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_the_user_says(put):
    path = put("a.csv", "u1,i1,3.0\nu1,i2,2.0\n")
    assert table_of(path, columns={"user": 1, "item": "2"})[0] == {
        "1": ["u1", "u1"],
        "2": ["i1", "i2"],
        "3": [3.0, 2.0],
    }
    assert table_of(path, header=True, columns={"user": "u1", "item": "i1"})[0] == {
        "u1": ["u1"],
        "i1": ["i2"],
        "3.0": [2.0],
    }
    with pytest.raises(DataError, match="looks like a row"):
        table_of(path, columns={"user": "u1", "item": "i1"})
    with pytest.raises(DataError, match="there is none at the position 7"):
        table_of(path, columns={"user": 1, "item": 7})
    labelled = put("b.csv", "user_id,item_id,rating\n0,1,14,3.0\n1,1,15,2.0\n")
    rows = table_of(labelled, columns={"user": 2, "item": 3, "rating": 4})[0]
    assert (rows["2"], rows["3"], rows["4"]) == (["1", "1"], ["14", "15"], [3.0, 2.0])
    decimals = put("c.csv", "user_id;item_id;score\n1;014;3,5\n")
    assert table_of(decimals, decimal=",")[0] == {"user_id": ["1"], "item_id": ["014"], "score": [3.5]}
    latin = put("d.csv", "item_id,title\n1,Café\n".encode("latin-1"))
    assert table_of(latin, "items", encoding="latin-1")[0]["title"] == ["Café"]
    spanning = put("e.tsv", 'item_id\ttitle\n1\t"a\nb"\n')
    assert table_of(spanning, "items", format="csv", sep="\t")[0]["title"] == ["a\nb"]
    for said in ({"format": "xls"}, {"encoding": "nonsense"}, {"encoding": "rot13"}, {"sep": '"'}, {"decimal": ";"}):
        with pytest.raises(SpecError):
            File(path, **said)


def test_what_is_marked(put):
    assert table_of(put("a.csv", "user,item,score\n1,2,3\n"))[1].attrs == {"written": {"user", "item"}}
    assert table_of(put("a.csv", "customer,sku\n1,2\n"), columns={"user": "customer", "item": "sku"})[1].attrs == {
        "written": {"customer", "sku"}
    }
    recbole = table_of(put("a.inter", "user_id:token\titem_id:token\n007\t2\n"))[1]
    assert recbole.attrs == {"tokens": {"user_id", "item_id"}}
    assert table_of(put("a.jsonl", '{"user": 1, "item": "2"}\n'))[1].attrs == {}


def test_folders_and_patterns(put, tmp_path):
    for day, item in (("01", "007"), ("02", "7")):
        put(f"hive/day=2024-01-{day}/part-0.csv", f"user_id,item_id,n\n1,{item},{day}\n")
    put("hive/_SUCCESS", "")
    put("hive/day=2024-01-01/.part-0.csv.crc", b"crc")
    rows, _, reading = table_of(tmp_path / "hive")
    assert rows == {"user_id": ["1", "1"], "item_id": ["007", "7"], "n": [1, 2], "day": ["2024-01-01", "2024-01-02"]}
    assert reading.form.endswith("2 parts")
    assert table_of(str(tmp_path / "hive" / "day=*" / "*.csv"))[0] == rows
    # a column that is numbers in one part and texts in another is texts as written
    put("parts/a.csv", "user_id,item_id,code\n1,2,007\n")
    put("parts/b.csv.gz", gzip.compress(b"user_id,item_id,code\n1,3,x\n"))
    assert table_of(tmp_path / "parts")[0]["code"] == ["007", "x"]
    put("uneven/a.csv", "user_id,item_id\n1,2\n")
    put("uneven/b.csv", "user_id,item_id,score\n1,2,3\n")
    for place, reason in [
        ("uneven", "'score' is a column of it or of"),
        ("hive/none-*", "no file with content matches"),
    ]:
        with pytest.raises(DataError, match=reason):
            table_of(str(tmp_path / place))
    put("mixed/a.csv", "user_id,item_id\n1,2\n")
    put("mixed/b.jsonl", '{"user_id": 1, "item_id": 2}\n')
    with pytest.raises(DataError, match=r"it is jsonl, but .* is csv"):
        table_of(tmp_path / "mixed")
    put("deep/model/a.csv", "user_id,item_id\n1,2\n")
    with pytest.raises(DataError, match="holds the folder 'model', which is not a partition"):
        table_of(tmp_path / "deep")


def test_parts_of_parquet(tmp_path):
    place = tmp_path / "t"
    for number, (kind, score) in enumerate([(pa.int32(), pa.float32()), (pa.int64(), pa.float64())]):
        home = place / f"fold={number}"
        home.mkdir(parents=True)
        table = pa.table({"user_id": pa.array([1, 2], kind), "item_id": ["a", "b"], "score": pa.array([0.5, 2], score)})
        pq.write_table(table, home / "part-0.parquet", use_dictionary=bool(number))
    rows, _, _ = table_of(place)
    assert rows == {
        "user_id": [1, 2, 1, 2], "item_id": ["a", "b", "a", "b"], "score": [0.5, 2, 0.5, 2], "fold": [0, 0, 1, 1],
    }  # fmt: skip
    pq.write_table(pa.table({"user_id": ["1"], "item_id": ["a"], "score": [1.0]}), place / "fold=1" / "part-1.parquet")
    with pytest.raises(DataError, match="its column 'user_id' holds string but int64 in the parts before"):
        table_of(place)


def test_lists_in_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    for kind in (pa.list_(pa.int64()), pa.large_list(pa.int64()), pa.list_(pa.int64(), 2)):
        pq.write_table(pa.table({"user_id": [1, 2], "item_id": pa.array([[14, 12], [11, 15]], kind)}), path)
        assert table_of(path)[0] == {"user_id": [1, 1, 2, 2], "item_id": [14, 12, 11, 15], "rank": [1, 2, 1, 2]}
    pq.write_table(pa.table({"user_id": [1, 2], "item_id": [["a"], []], "prediction": [[0.5], []]}), path)
    rows, _, reading = table_of(path)
    assert rows == {"user_id": [1], "item_id": ["a"], "prediction": [0.5]}
    assert "1 row holds an empty list" in reading.notes
    pq.write_table(pa.table({"user_id": [1], "item_id": [["a", "b"]], "score": [[0.5]]}), path)
    with pytest.raises(DataError, match="the lists of 'item_id' and 'score' are not equally long in row 0"):
        table_of(path)


def test_whole_numbers_of_other_widths():
    for kind in (pa.decimal128(38, 0), pa.decimal128(5, 0), pa.decimal256(60, 0)):
        column = pa.chunked_array([pa.array([1, None, 12]).cast(pa.decimal256(60, 0)).cast(kind)])
        assert narrow(column).type == pa.int64()
        assert narrow(column).to_pylist() == [1, None, 12]
    with pytest.raises(DataError, match=f"holds {2**70}, which needs more than 64 bits"):
        narrow(pa.array([2**70], pa.decimal128(38, 0)))
    wide = pl.Series([1, 2], dtype=pl.Int128)
    assert narrow(wide).to_list() == [1, 2]
    import narwhals.stable.v2 as nw

    assert to_arrow(nw.from_native(wide, series_only=True)).to_pylist() == [1, 2]
    with pytest.raises(DataError, match=f"holds {-(2**70)}, which needs"):
        narrow(pl.Series([-(2**70)], dtype=pl.Int128))


def test_sources_of_arrow(tmp_path):
    table = pa.table({"user_id": ["a", "b"], "item_id": [1, 2]})
    pq.write_table(table, tmp_path / "t.parquet")
    for source in (
        table,
        table.to_batches()[0],
        pa.dataset.dataset(tmp_path / "t.parquet"),
        pa.RecordBatchReader.from_batches(table.schema, table.to_batches()),
    ):
        opened = open_arrow(source, "recs")
        assert opened.columns == ["user_id", "item_id"]
        assert not opened.empty
        assert opened.column("item_id").to_pylist() == [1, 2]
        assert opened.to_pandas().to_dict("list") == {"user_id": ["a", "b"], "item_id": [1, 2]}
    assert open_arrow(pd.DataFrame(), "recs") is None
    assert open_arrow(np.zeros(3), "recs") is None
    twins = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["user_id", "user_id"])
    with pytest.raises(DataError, match="two of its columns are called 'user_id'"):
        open_arrow(twins, "recs")
