"""Interactions and items as people have them: ids, genres, dates, encodings, repeated rows."""

import gzip
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

import beyondacc as ba

LISTS = "user_id,item_id,score\n1,1,3\n1,2,2\n1,3,1\n"


def test_ids_that_differ_by_zeros_in_front(put, values):
    put(
        recs__csv="user_id,item_id,score\n1,007,1\n",
        test__csv="user_id,item_id\n1,7\n",
        train__csv="user_id,item_id\n1,007\n1,12\n2,7\n2,12\n3,12\n",
    )
    found, _ = values(
        "recs.csv", "--train", "train.csv", "--test", "test.csv", "-m", "hit_rate@1", "-m", "catalog_coverage@1"
    )
    assert found == {"hit_rate@1": 0, "catalog_coverage@1": pytest.approx(1 / 3)}


@pytest.mark.parametrize("odd", ["007", "1e2", "+7", "12345678901234567890", " 7", "7.0", "-0", "B7"])
def test_ids_that_are_not_written_as_numbers_stay_texts(put, odd):
    put(train__csv=f"user_id,item_id\n1,{odd}\n1,12\n2,12\n", test__csv="user_id,item_id\n1,7\n")
    data = ba.Dataset("train.csv", "test.csv")
    expected = odd.strip()  # a blank after the separator is stripped, and noted
    if expected.lstrip("-").isdecimal() and str(int(expected)) == expected and len(expected) < 19:
        assert set(data.items.ids) == {int(expected), 12}
    else:
        assert set(data.items.ids) == {expected, "12", "7"}
    assert data.users.ids.tolist() == [1, 2]  # users are decided apart
    assert data.train.sizes.sum() == 3


def test_a_file_in_which_all_ids_happen_to_be_digits(put, values, command):
    put(
        recs__csv="user_id,item_id,score\nA1,B0003,1\nA2,0001388703,1\n",
        test__csv="user_id,item_id\nA2,0001388703\n",
        train__csv="user_id,item_id\nA1,B0002\nA1,0001388703\nA2,B0002\nA2,B0003\n",
    )
    args = ("recs.csv", "--train", "train.csv", "--test", "test.csv")
    assert values(*args, "-m", "hit_rate@1")[0] == {"hit_rate@1": 1}
    # what is written out is what came in
    items = "item_id,genres\nB0002,a\n0001388703,b\nB0003,a\n"
    put(items__csv=items)
    code, out, err = command("rerank", "recs.csv", "--method", "mmr", "--items", "items.csv", "-k", 1)
    assert (code, "0001388703" in out) == (0, True), err


def test_the_kind_of_ids_can_be_named(put, refusal, values):
    put(train__csv="user_id,item_id\n1,7\n1,12\n", recs__csv="user_id,item_id\n1,007\n")
    args = ("recs.csv", "--train", "train.csv", "-m", "catalog_coverage@1")
    assert values(*args)[0] == {"catalog_coverage@1": 0}
    assert values(*args, "--id-type", "number")[0] == {"catalog_coverage@1": 0.5}
    assert values(*args, "--id-type", "item=text")[0] == {"catalog_coverage@1": 0}
    put(train__csv="user_id,item_id\n1,7\n1,007\n")
    assert refusal(*args, "--id-type", "number") == (
        "the item ids '7' and '007' of train are one whole number; pass --id-type item=text to tell them apart"
    )
    numbers = ba.Dataset({1: [7, 12]})
    with pytest.raises(ba.DataError, match=r"item ids of recs are texts \(such as '007'\) but those of the dataset"):
        ba.evaluate("recs.csv", numbers, ["catalog_coverage@1"], n_boot=0)


def test_128_bit_ids():
    recs = pl.DataFrame({"user_id": [1, 1], "item_id": [14, 12]}).with_columns(pl.col("item_id").cast(pl.Int128))
    assert ba.evaluate(recs, ba.Dataset({1: [9]}, {1: [14]}), ["ndcg@2"], n_boot=0)["ndcg@2"].value == 1


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("item_id,genres\n1,NA|EU\n2,NA\n3,EU\n", 2 / 3),
        (
            "item_id,genres\n1,\"['Action', 'Drama']\"\n2,\"['Action']\"\n3,\"['Drama', 'Comedy']\"\n",
            (0.5 + 2 / 3 + 1) / 3,
        ),
    ],
    ids=["a genre called NA", "texts of Python lists"],
)
def test_genres_of_files(put, values, items, expected):
    put(recs__csv=LISTS, items__csv=items)
    assert values("recs.csv", "--items", "items.csv", "-m", "ild@3")[0]["ild@3"] == pytest.approx(expected)


def test_nested_lists_of_genres():
    items = pd.DataFrame({"item_id": ["x", "y"], "categories": [[["Books", "Fiction"]], [["Books"], ["Toys"]]]})
    report = ba.evaluate({1: ["x", "y"]}, ba.Dataset(items=items), ["ild@2"], n_boot=0)
    assert report["ild@2"].value == pytest.approx(2 / 3)
    assert "flatten" in report.reading["notes"][0] + report.reading["genres"][0]


def test_dates_as_numbers_such_as_20190105(put, values):
    put(recs__csv="user_id,item_id,score\n1,1,3\n1,2,2\n", items__csv="item_id,published\n1,20190105\n2,20190115\n")
    found, _ = values("recs.csv", "--items", "items.csv", "-m", "age(reference=2019-01-25)@2")
    assert list(found.values()) == [15]


def test_exponential_gains_of_play_counts(put, values):
    put(
        recs__csv="user_id,item_id,score\n1,10,2\n1,12,1\n2,11,1\n",
        test__csv="user_id,item_id,rating\n1,12,13883\n1,10,1\n2,11,3\n",
    )
    found, _ = values("recs.csv", "--test", "test.csv", "-m", "ndcg(gain=exp)@2")
    assert list(found.values()) == [pytest.approx((1 + 1 / np.log2(3)) / 2)]


@pytest.mark.parametrize("packed", ["train.jsonl", "train.jsonl.gz", "train.txt"])
def test_json_lines(put, values, packed):
    rows = [("A1", "B1", 5.0), ("A2", "B1", 3.0), ("A2", "B2", 4.0)]
    text = "".join(json.dumps(dict(zip(("user_id", "item_id", "rating"), row, strict=True))) + "\n" for row in rows)
    put(
        recs__csv="user_id,item_id,score\nA1,B2,1\n",
        **{packed: gzip.compress(text.encode()) if ".gz" in packed else text},
    )
    assert values("recs.csv", "--train", packed, "-m", "self_information@1")[0] == {"self_information@1": 1}


def test_a_file_in_latin_1(put, values, refusal):
    put(recs__csv=LISTS, items__csv="item_id,title,genres\n1,Café,Comédie\n2,x,Drame\n3,y,Drame\n".encode("latin-1"))
    args = ("recs.csv", "--items", "items.csv", "-m", "ild@3")
    assert "byte 26 (line 2) is not UTF-8; pass --encoding latin-1" in refusal(*args)
    for encoding in ("latin-1", "items=cp1252"):
        assert values(*args, "--encoding", encoding)[0] == {"ild@3": pytest.approx(2 / 3)}


def test_nanoseconds_are_not_rounded():
    times = [1577836800000000100, 1577836800000000000]  # item 1 is the later one
    for column in (times, pd.to_datetime(times)):
        log = pd.DataFrame({"user_id": [1, 1], "item_id": [1, 2], "timestamp": column})
        data = ba.Dataset.split(log, how="leave-one-out")
        assert data.items.ids[data.test.items].tolist() == [1]


def test_lists_without_a_header_line(put, values, refusal):
    put(recs__tsv="u1\ti1\t3.0\nu1\ti2\t2.0\nu2\ti3\t1.5\n", test__csv="user_id,item_id\nu1,i1\nu2,i3\n")
    args = ("recs.tsv", "--test", "test.csv", "-m", "hit_rate@1")
    assert values(*args)[0] == {"hit_rate@1": 1}
    assert values(*args, "--no-header", "--columns", "1=user,2=item,3=score")[0] == {"hit_rate@1": 1}
    said = refusal(*args, "--columns", "user=u1,item=i1,score=3.0")
    assert "looks like a row" in said
    assert "--no-header --columns 1=user,2=item,3=score" in said


def test_a_parquet_folder_as_spark_writes_it(here, values, put):
    (here / "recs.parquet").mkdir()
    frame = pd.DataFrame({"user_id": [1, 1, 2], "item_id": [14, 12, 15], "score": [2.0, 1.0, 1.0]})
    frame[:2].to_parquet("recs.parquet/part-00000-a.snappy.parquet")
    frame[2:].to_parquet("recs.parquet/part-00001-a.snappy.parquet")
    (here / "recs.parquet" / "_SUCCESS").touch()
    put(test__csv="user_id,item_id\n1,14\n2,15\n")
    assert values("recs.parquet", "--test", "test.csv", "-m", "ndcg@2")[0] == {"ndcg@2": 1}


def test_a_parquet_file_with_a_list_per_row(here, values, put):
    pd.DataFrame({"user_id": [1, 2], "item_id": [[14, 12], [11, 15]]}).to_parquet("recs.parquet")
    put(test__csv="user_id,item_id\n1,14\n2,15\n")
    found, _ = values("recs.parquet", "--test", "test.csv", "-m", "ndcg@2")
    assert found == {"ndcg@2": pytest.approx((1 + 1 / np.log2(3)) / 2)}


def test_rows_of_value_0_are_judged_not_relevant(put, values):
    put(
        recs__csv="user_id,item_id,score\n1,1,2\n1,2,1\n",
        test__csv="user_id,item_id,rating\n1,1,0\n1,2,1\n",
        test__qrels="1 0 1 0\n1 0 2 1\n",
        flags__csv="user_id,item_id,rating\n1,1,False\n1,2,True\n",
    )
    metrics = ("-m", "precision@2", "-m", "reciprocal_rank@2", "-m", "ndcg@2")
    for name in ("test.csv", "test.qrels", "flags.csv"):
        found, notes = values("recs.csv", "--test", name, *metrics)
        assert found == {"precision@2": 0.5, "reciprocal_rank@2": 0.5, "ndcg@2": pytest.approx(1 / np.log2(3))}
        assert any("1 row of value 0" in note for note in notes)
    every, _ = values("recs.csv", "--test", "test.csv", *metrics, "--zeros", "relevant")
    assert every == {"precision@2": 1, "reciprocal_rank@2": 1, "ndcg@2": 1}


def test_a_split_never_puts_a_pair_on_both_sides():
    log = pd.DataFrame(
        {"user_id": [1] * 4 + [2] * 4, "item_id": [10, 10, 11, 10, 12, 11, 12, 12], "timestamp": range(8)}
    )
    for how in ("leave-one-out", "holdout(fraction=0.5)", "by-time(fraction=0.4)"):
        data = ba.Dataset.split(log, how=how)
        pairs = [
            {
                (user, item)
                for user in range(len(rows.sizes))
                for item in rows.items[rows.starts[user] : rows.starts[user + 1]]
            }
            for rows in (data.train, data.test)
        ]
        assert not pairs[0] & pairs[1]
        assert len(pairs[0] | pairs[1]) == 4
        assert data.readings[0].repeated == 4
    with pytest.raises(ba.DataError, match="ratings holds item 10 more than once for user 1"):
        ba.Dataset.split(log, repeats="error")


def test_the_last_row_counts_before_any_threshold(put, values):
    put(
        recs__csv="user_id,item_id,score\n1,1,2\n1,2,1\n",
        test__csv="user_id,item_id,rating\n1,1,5\n1,2,3\n1,1,1\n1,3,4\n",
    )
    args = ("recs.csv", "--test", "test.csv", "--threshold", 4, "-m", "precision@2", "-m", "recall@2")
    found, notes = values(*args)
    assert found == {"precision@2": 0, "recall@2": 0}
    assert any("1 row with the user and item of a later one" in note for note in notes)
    assert values(*args, "--repeats", "max")[0] == {"precision@2": 0.5, "recall@2": 0.5}


@pytest.mark.parametrize("how", ["last", "max", "sum"])
def test_repeated_rows_against_a_naive_count(how):
    rng = np.random.default_rng(5)
    rows = pd.DataFrame(
        {"user": rng.integers(0, 4, 60), "item": rng.integers(0, 6, 60), "rating": rng.integers(1, 6, 60)}
    ).assign(timestamp=rng.permutation(60))
    expected = {}
    for row in rows.sort_values("timestamp").itertuples():
        before = expected.get((row.user, row.item))
        merged = {"last": row.rating, "max": max(before or 0, row.rating), "sum": (before or 0) + row.rating}
        expected[row.user, row.item] = merged[how]
    data = ba.Dataset(test=rows, repeats=how)
    found = {
        (int(data.users.ids[user]), int(data.items.ids[data.test.items[place]])): data.test.values[place]
        for user in range(len(data.users))
        for place in range(data.test.starts[user], data.test.starts[user + 1])
    }
    assert found == expected


def test_quotation_marks_in_a_tab_separated_file(put, values):
    rows = '1\t"Hello, she said\tNews\n2\tPlain title\tSports\n3\tOne more"\tNews\n4\tLast\tArts\n'
    put(recs__csv=LISTS, items__tsv=f"item_id\ttitle\tgenres\n{rows}")
    found, _ = values("recs.csv", "--items", "items.tsv", "-m", "catalog_coverage@3", "-m", "ild@3")
    assert found == {"catalog_coverage@3": 0.75, "ild@3": pytest.approx(2 / 3)}


def test_columns_that_no_metric_needs_are_not_looked_at(put, values, refusal):
    put(
        recs__csv="user_id,item_id,score\n1,11,1\n2,10,1\n",
        test__csv="user_id,item_id\n1,11\n2,10\n",
        train__csv="user_id,item_id,time,rating\n1,10,11/15/2019 8:55:22 AM,\n2,11,11/15/2019 9:01:02 AM,5\n",
    )
    args = ("recs.csv", "--train", "train.csv", "--test", "test.csv")
    found, _ = values(*args, "-m", "ndcg@1", "-m", "self_information@1")
    assert found == {"ndcg@1": 1, "self_information@1": 1}
    assert "column 'rating' of train has no value" in refusal(*args, "-m", "ild(distance=rating_cosine)@2")
    ranked = pd.DataFrame({"user_id": [1, 1], "item_id": [11, 10], "rank": [1, 2], "score": [np.nan, 1.0]})
    report = ba.evaluate(ranked, ba.Dataset(test={1: [11]}), ["ndcg@1"], n_boot=0)
    assert report["ndcg@1"].value == 1
    assert "the scores are left out" in report.reading["notes"].iloc[-1]


def test_labels_of_vectors_decide():
    items = pd.DataFrame({"item_id": ["x", "y", "z"]})
    vectors = pd.DataFrame([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]], index=["z", "y", "x"])
    data = ba.Dataset(items=items, vectors=vectors)
    report = ba.evaluate({1: ["x", "y"]}, data, ["ild(distance=cosine)@2"], n_boot=0)
    assert report["ild(distance=cosine)@2"].value == 0


def test_every_note_is_an_error_where_that_is_asked_for(put, refusal, values):
    put(recs__csv="user_id,item_id,rating\n1,9,1\n1,14,2\n", test__csv="user_id,item_id\n1,14\n")
    args = ("recs.csv", "--test", "test.csv", "-m", "ndcg@2")
    assert "--strict takes as an error" in refusal(*args, "--strict")
    assert values(*args, "--quiet")[1] == []


def test_what_was_read_is_told(put):
    put(
        train__csv="user_id;item_id;rating\n1;007;3\n1;12;4\n1;12;5\n",
        items__csv="sku,genres\n007,Action|Drama\n12,Drama\n",
        recs__csv="user_id,item_id,est\n1,12,0.1\n1,007,0.9\n1,99,0.05\n",
    )
    data = ba.Dataset("train.csv", items="items.csv", columns={"item": "sku"})
    report = ba.evaluate("recs.csv", data, ["ild@2"], n_boot=0)
    told = report.reading.set_index("table")
    assert told.loc["train", ["rows", "ids", "repeated"]].tolist() == [3, "user=number, item=text", 1]
    assert told.loc["items", "columns"] == "item=sku, genres=genres"
    assert "'|'" in told.loc["items", "genres"]
    assert told.loc["recs", ["order", "columns"]].tolist() == ["score", "user=user_id, item=item_id, score=est"]
    assert told.loc["recs", "unknown_items"] == 0  # within the first two
    assert "';'" in told.loc["train", "format"]
