"""Bad input on the command line: one line on standard error, exit code 2, no traceback, nothing written."""

import gzip
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_files import N_ITEMS, N_USERS, run, write_files

DATA = ("--train", "train.csv", "--test", "test.csv", "--items", "items.csv")
RERANK = ("rerank", "recs.csv", "--items", "items.csv", "--method")
STUDY = ("study", "--ratings", "ratings.csv", "--items", "items.csv")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys, *args):
    """Run a command that must fail, and return what it says after ``error: ``."""
    before = _contents()
    done = run(capsys, *args)
    assert done.code == 2
    assert done.out == ""
    assert re.fullmatch(r"error: [^\n]+\n", done.err), done.err
    assert "Traceback" not in done.err
    assert "np." not in done.err  # ids as the user knows them
    assert _contents() == before
    return done.err.removeprefix("error: ").rstrip("\n")


def _contents():
    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def evaluate(*args, recs="recs.csv"):
    return ("evaluate", recs, *DATA, "-o", "out.csv", *args)


def change(name, made, **columns):
    """Write a copy of a table with some columns changed: a value puts in row 3, a function is applied to all rows."""
    frame = pd.read_csv(name)
    for column, value in columns.items():
        if callable(value):
            frame[column] = value(frame[column])
        else:
            frame[column] = frame[column].astype(float)
            frame.loc[3, column] = value
    frame.to_csv(made, index=False)
    return made


# ------------------------------------------------------------------------------------------------------ the lists


def test_a_missing_column(capsys):
    pd.read_csv("recs.csv").drop(columns="item_id").to_csv("bad.csv", index=False)
    assert refused(capsys, *evaluate(recs="bad.csv")) == (
        "recs has no item column; its columns are 'user_id', 'score'; call it item_id, itemId, item, i, movieId, "
        "movie_id, doc_id, docno or iid, or say which it is with --columns item=..."
    )


def test_columns_that_could_be_either(capsys):
    frame = pd.read_csv("recs.csv").rename(columns={"user_id": "uid"})
    frame.assign(userId=1).to_csv("bad.csv", index=False)
    assert refused(capsys, *evaluate(recs="bad.csv")) == (
        "recs has 2 columns that could be the user: 'uid', 'userId'; say which with --columns user=uid"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "user=customer",
            "--columns says that the user column is 'customer', but no table has such a column; did you mean user_id?",
        ),
        ("usr=user_id", "--columns has the key 'usr', which names no column; did you mean user or score?"),
        ("user", "--columns 'user' is not ROLE=NAME; write it like user=customer,item=sku"),
        (
            "user=user_id,user=item_id",
            "--columns gives the user column twice, 'user_id' and 'item_id'; keep one of the two",
        ),
    ],
)
def test_column_maps(capsys, given, message):
    assert refused(capsys, *evaluate("--columns", given)) == message


def test_empty_files(here, capsys):
    (here / "empty.csv").touch()
    (here / "head.csv").write_text("user_id,item_id,score\n")
    assert refused(capsys, *evaluate(recs="empty.csv")) == "recs: the file 'empty.csv' is empty"
    assert refused(capsys, *evaluate(recs="head.csv")) == "recs: the file 'head.csv' has no rows"
    assert refused(capsys, *evaluate("--primitive", "empty.csv")) == "primitive: the file 'empty.csv' is empty"
    assert refused(capsys, *evaluate("--train", "nowhere.csv")) == (
        "train: there is no file 'nowhere.csv'; check the path"
    )
    (here / "folder" / "deeper").mkdir(parents=True)
    assert refused(capsys, *evaluate(recs="folder/deeper")) == (
        "recs: the folder 'folder/deeper' holds no part files; check the path"
    )
    assert refused(capsys, *evaluate(recs="folder")).startswith("recs: the folder 'folder' holds the folder 'deeper', ")


def test_files_that_are_not_what_their_extension_says(here, capsys):
    pd.read_csv("recs.csv").to_parquet("table.parquet")
    (here / "parquet.csv").write_bytes((here / "table.parquet").read_bytes())
    (here / "csv.parquet").write_bytes((here / "recs.csv").read_bytes())
    (here / "cut.parquet").write_bytes((here / "table.parquet").read_bytes()[:300])
    (here / "text.csv.gz").write_bytes((here / "recs.csv").read_bytes())
    (here / "binary.csv.gz").write_bytes(gzip.compress(b"\0\1\2"))
    (here / "recs.tsv").write_bytes((here / "recs.csv").read_bytes())
    (here / "recs.run").write_text("1 Q0 101 1 0.5 tag\n1 Q0 102\n")
    (here / "recs.inter").write_text("user_id\titem_id\n1\t101\n")
    (here / "recs.xlsx").write_text("x")
    np.save("cube.npy", np.ones((2, 2, 2)))
    # formats are told by what is in a file, and only then by its name
    written = {}
    for named in ("parquet.csv", "recs.tsv"):
        for source in (named, "recs.csv"):
            done = run(capsys, *evaluate("--force", recs=source))
            assert (done.code, Path("out.csv").read_text()) == (
                0,
                written.setdefault("out", Path("out.csv").read_text()),
            )
    Path("out.csv").unlink()
    said = "recs: the file 'csv.parquet' cannot be read as .parquet: it does not begin with the mark of a parquet file"
    assert refused(capsys, *evaluate(recs="csv.parquet")) == said
    said = "recs: the file 'cut.parquet' cannot be read as .parquet: "
    assert refused(capsys, *evaluate(recs="cut.parquet")).startswith(said)
    assert refused(capsys, *evaluate(recs="text.csv.gz")).startswith(
        "recs: the file 'text.csv.gz' cannot be read as .gz: it does not begin with the mark of such a file"
    )
    assert "it is binary, not text" in refused(capsys, *evaluate(recs="binary.csv.gz"))
    assert refused(capsys, *evaluate(recs="recs.run")) == (
        "recs: the file 'recs.run' cannot be read as .run: line 2 has 3 fields, not 6 (qid Q0 docid rank score tag)"
    )
    assert "the header 'user_id' has no type" in refused(capsys, *evaluate(recs="recs.inter"))
    assert refused(capsys, *evaluate(recs="recs.xlsx")).startswith(
        "recs: the file 'recs.xlsx' has an unknown extension, and its first line 'x' tells no format; "
    )
    said = "vectors: the file 'recs.csv' has an unknown extension; vectors are read from .npy"
    assert refused(capsys, *evaluate("--vectors", "recs.csv")) == said
    assert "it holds float64 of shape (2, 2, 2)" in refused(capsys, *evaluate("--vectors", "cube.npy"))


def test_an_item_twice_in_a_list(capsys):
    frame = pd.read_csv("recs.csv")
    pd.concat([frame, frame[3:4]]).to_csv("bad.csv", index=False)
    item = frame["item_id"][3]
    assert refused(capsys, *evaluate(recs="bad.csv")) == (
        f"recs lists item {item} more than once for user 1 (row {len(frame)}); "
        "remove the repetition, or pass --duplicates first to keep the better rank"
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("score", np.nan, "has no value (null or NaN) in row 3 (rows count from 0); fill or drop such rows"),
        ("score", np.inf, "is inf in row 3 (rows count from 0); it must be finite: fill or drop such rows"),
        ("user_id", np.nan, "has no value (null or NaN) in row 3 (rows count from 0); fill or drop such rows"),
        ("item_id", np.nan, "has no value (null or NaN) in row 3 (rows count from 0); fill or drop such rows"),
    ],
)
def test_values_that_are_none(capsys, column, value, message):
    change("recs.csv", "bad.csv", **{column: value})
    assert refused(capsys, *evaluate(recs="bad.csv")) == f"column {column!r} of recs {message}"
    assert refused(capsys, "rerank", "bad.csv", *RERANK[2:], "mmr", "-o", "out.csv") == (
        f"column {column!r} of candidates {message}"
    )


def test_an_id_that_is_not_whole_is_a_text(capsys):
    change("recs.csv", "bad.csv", item_id=1.5)
    said = refused(capsys, *evaluate(recs="bad.csv"))
    assert re.fullmatch(
        r"item ids of recs are texts \(such as '(1\d\d)\.0'\) but those of train are whole numbers \(such as 1\d\d\), "
        r"and no other table has the former; write them alike, or say --id-type item=number to read \1\.0 as \1, or "
        "--id-type item=text to take them as different ids",
        said,
    )
    assert "item id '1.5' of recs is not a whole number" in refused(
        capsys, *evaluate("--id-type", "number", recs="bad.csv")
    )
    change("recs.csv", "floats.csv", item_id=lambda column: column.astype(float))
    first, *same = (
        run(capsys, *evaluate("--id-type", "number", "--bootstrap", "0", "--quiet", recs=name)).out
        for name in ("recs.csv", "floats.csv")
    )
    assert same == [first]


def test_a_rating_that_is_a_text(capsys):
    change("test.csv", "bad.csv", rating=lambda column: column.astype(str).replace("4.0", "four"))
    assert re.fullmatch(
        r"column 'rating' of test holds 'four' in row \d+ \(rows count from 0\); it must hold numbers",
        refused(capsys, *evaluate("--test", "bad.csv")),
    )


def test_ids_of_different_types(capsys):
    change("recs.csv", "bad.csv", user_id=lambda column: "u" + column.astype(str))
    message = (
        "user ids of recs are texts (such as 'u1') but those of train are whole numbers (such as 1), and no other "
        "table has the former; write them alike, or say --id-type user=text to take them as different ids"
    )
    assert refused(capsys, *evaluate(recs="bad.csv")) == message
    said = refused(capsys, *evaluate("--id-type", "text", recs="bad.csv"))
    assert said.startswith("none of the 12 users of recs (such as 'u1') is among")
    change("train.csv", "other.csv", item_id=lambda column: "i" + column.astype(str))
    said = refused(capsys, *evaluate("--train", "other.csv"))
    assert re.match(r"item ids of train are texts \(such as 'i1\d\d'\) but those of .* are whole numbers", said)
    assert refused(capsys, "rerank", "bad.csv", "--train", "train.csv", "--method", "random") == message.replace(
        "recs", "candidates"
    )


def test_no_user_in_both(capsys):
    change("recs.csv", "bad.csv", user_id=lambda column: column + 1000)
    assert refused(capsys, *evaluate("-m", "ild,ndcg@5", recs="bad.csv")) == (
        f"none of the {N_USERS} users of recs (such as 1001) is among the {N_USERS} users of test (such as 1), "
        "so ndcg@5 cannot be computed; check the user ids"
    )


def test_runs_of_the_same_name(capsys):
    for folder in ("again", "other"):
        Path(folder).mkdir()
        Path(f"{folder}/recs.csv").write_bytes(Path("recs.csv").read_bytes())
    Path("again/recs.tsv").write_bytes(Path("recs.csv").read_bytes())
    done = run(capsys, "evaluate", "again/recs.csv", "other/recs.csv", *DATA, "--bootstrap", "0")
    assert done.out.splitlines()[0].split()[1:3] == ["again", "other"]
    assert refused(capsys, "evaluate", "again/recs.csv", "again/recs.tsv", *DATA) == (
        "the runs 'again/recs.csv' and 'again/recs.tsv' are both called 'recs'; name them, as in NAME=again/recs.tsv"
    )
    done = run(capsys, "evaluate", "a=again/recs.csv", "b=again/recs.tsv", *DATA, "--bootstrap", "0")
    assert done.out.splitlines()[0].split()[1:3] == ["a", "b"]


def test_a_bad_one_of_several_runs_is_named(capsys):
    change("recs.csv", "bad.csv", score=np.nan)
    assert refused(capsys, "evaluate", "recs.csv", "bad.csv", *DATA, "-o", "out.csv").startswith(
        "column 'score' of recs of 'bad' has no value"
    )


# ------------------------------------------------------------------------------------------------- what is missing


def test_what_metrics_and_rerankers_need(capsys):
    pd.read_csv("items.csv").drop(columns="genres").assign(title="x").to_csv("plain.csv", index=False)
    args = ("evaluate", "recs.csv", "--train", "train.csv", "-o", "out.csv")
    needs = "needs item features; pass --items with a genres column"
    said = refused(capsys, *args, "--items", "plain.csv", "-m", "ild,binomial_diversity@5")
    assert said == f"metric 'ild@10' {needs} (also needed by: binomial_diversity@5)"
    assert refused(capsys, *args, "-m", "ndcg") == "metric 'ndcg@10' needs relevant test items; pass --test"
    assert refused(capsys, *args, "-m", "ild(distance=cosine)") == (
        "metric 'ild(distance=cosine)@10' needs item features or vectors; "
        "pass --items with a genres column, or --vectors"
    )
    assert refused(capsys, "evaluate", "recs.csv", "--test", "test.csv", "-m", "epc") == (
        "metric 'epc@10' needs training rows; pass --train"
    )
    assert refused(capsys, "evaluate", "recs.csv") == (
        "evaluate needs something to compare the lists with: pass --train, --test, --items or several"
    )
    assert refused(capsys, "rerank", "recs.csv", "--items", "plain.csv", "--method", "mmr") == (
        f"re-ranker MMR(diversity=0.5) {needs}"
    )
    assert refused(capsys, *RERANK, "novelty") == ("re-ranker Novelty(diversity=0.5) needs training rows; pass --train")
    assert refused(capsys, "rerank", "recs.csv", "--method", "mmr") == (
        "rerank needs the catalogue: pass --items, --train or both"
    )
    assert refused(capsys, *STUDY[:3], "--models", "EASE", "--rerankers", "MMR") == f"re-ranker MMR {needs}"


def test_what_belongs_together(capsys):
    np.save("three.npy", np.ones((3, 2)))
    assert refused(capsys, *evaluate("--vectors", "three.npy")) == (
        f"vectors has 3 rows but items has {N_ITEMS}; pass one vector for each row of items"
    )
    assert refused(capsys, "evaluate", "recs.csv", "--train", "train.csv", "--vectors", "three.npy") == (
        "--vectors are those of the items table; pass --items too"
    )
    assert refused(capsys, *evaluate("--graded")) == (
        "--graded keeps the gains of rows at or above --threshold, which was not given"
    )
    assert refused(capsys, *evaluate("--threshold", "9")).startswith("no test row has a value >= ")
    assert refused(capsys, "study", "--items", "items.csv") == (
        "--items belongs to --ratings; pass both, or neither for MovieLens"
    )
    pd.read_csv("items.csv").iloc[:5].to_csv("few.csv", index=False)
    said = refused(capsys, "evaluate", "recs.csv", "--items", "few.csv", "--unknown-items", "error")
    assert re.fullmatch(
        r"recs list item \d+ for user \d+, which is not in the catalogue; "
        r"add it to --items, or pass --unknown-items keep",
        said,
    )


# --------------------------------------------------------------------------------------------------- what is asked


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("-m", "ndcg@0"), "'ndcg@0': the cutoff '0' is not allowed; k must be a whole number >= 1"),
        (("-m", "temporal_novelty@5"), "metric 'temporal_novelty@5' needs earlier lists; pass --earlier"),
        (("-m", "ndgc@5"), "there is no metric 'ndgc'; did you mean ndcg or dcg?"),
        (("-m", "ild(distnce=cosine)"), "metric 'ild' has no parameter 'distnce'; did you mean distance?"),
        (
            ("-m", "ild(missing=drop)"),
            "metric 'ild': missing='drop' is not allowed; missing must be 'skip', 'one' or 'zero'",
        ),
        (("-m", "ild(distance"), "'ild(distance' cannot be read; write name@10 or name(parameter=value)@10"),
        (
            ("-k", "0"),
            "Invalid value for '-k': '0' is not allowed; it must be a whole number >= 1 and at most 1,000,000 (see ",
        ),
        (("--bootstrap", "x"), "Invalid value for '--bootstrap': 'x' is not allowed; it must be a whole number >= 0"),
        (("--frmat", "csv"), "No such option: --frmat"),
        (("--format", "xml"), "Invalid value for '--format': 'xml' is not one of 'table', 'json', 'csv', 'parquet'"),
        (("--users", "some"), "Invalid value for '--users': 'some' is not one of 'all', 'intersection', 'recommended'"),
        (("--duplicates", "last"), "Invalid value for '--duplicates': 'last' is not one of 'error', 'first'"),
        (("--per-user", "u.csv", "-m", "gini"), "--per-user needs a metric with a value for each user, unlike gini@10"),
    ],
)
def test_evaluate_refuses(capsys, args, message):
    assert refused(capsys, *evaluate(*args)).startswith(message)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("mrm",), "there is no re-ranker 'mrm'; "),
        (("mmr@5",), "'mmr@5': a re-ranker takes no cutoff; leave out @5"),
        (("MMR(divrsity=1)",), "MMR has no parameter 'divrsity'; did you mean diversity"),
        (
            ("mmr", "--diversity", "1.5"),
            "Invalid value for '--diversity': '1.5' is not allowed; it must be a number in [0, 1] (see ",
        ),
        (("MMR(diversity=-1)",), "MMR: diversity='-1' is not allowed; diversity must be a number in [0, 1]"),
        (
            ("mmr", "-k", "0"),
            (
                "Invalid value for '-k': '0' is not allowed; it must be a whole number >= 1 and at most 1,000,000 "
                "(see beyondacc rerank --help)"
            ),
        ),
        (
            ("mmr", "--seed", "1"),
            (
                "MMR has no option --seed; it takes --diversity, --relevance-weight, --normalize, --per-user, "
                "--distance or --renormalize"
            ),
        ),
        (
            ("novelty", "--distance", "cosine"),
            "Novelty has no option --distance; it takes --diversity, --relevance-weight, --normalize or --per-user",
        ),
        (("random", "--renormalize"), "Random has no option --renormalize; it takes --diversity, "),
        (
            ("mmr", "--relevance-weight", "0.3", "--diversity", "0.2"),
            "MMR: diversity=0.2 and relevance_weight=0.3 were both given; give one, the other is 1 minus it",
        ),
        (
            ("MMR(diversity=0.2)", "--diversity", "0.2"),
            "diversity is given by --method 'MMR(diversity=0.2)' and by --diversity; give it once",
        ),
        (
            ("mmr", "--normalize", "max"),
            "MMR: normalize='max' is not allowed; normalize must be 'minmax', 'zscore', 'rank' or 'none'",
        ),
        (("mmr", "--distance", "cosin"), "MMR: distance='cosin' is not allowed; distance must be jaccard, cosine, ham"),
    ],
)
def test_rerank_refuses(capsys, args, message):
    assert refused(capsys, *RERANK, *args, *([] if "-o" in args else ["-o", "out.csv"])).startswith(message)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--models", "EAS"), "there is no model 'EAS'; did you mean EASE or ALS?"),
        (("--models", "EASE(l2=0)"), "EASE: l2='0' is not allowed; l2 must be a number > 0"),
        (("--models", "EASE", "--rerankers", "MM"), "there is no re-ranker 'MM'; did you mean MMR?"),
        (("--rerankers", "mmr,MMR"), "the re-rankers MMR, MMR are not distinct; the sweep sets their weight"),
        (("--split", "hold"), "there is no split 'hold'; did you mean holdout?"),
        (
            ("--split", "holdout(fraction=2)"),
            "the split holdout: fraction='2' is not allowed; fraction must be a number in (0, 1)",
        ),
        (
            ("--split", "by-time"),
            "the split by-time needs a timestamp column; pass one, or split by holdout or leave-one-out",
        ),
        (("--seeds", "1,a"), "--seeds '1,a': 'a' is not allowed; it must be a whole number >= 0"),
        (("--seeds", "1,1"), "--seeds '1,1' gives a number twice; give each once"),
        (("--diversity", "0,1.2"), "--diversity '0,1.2': '1.2' is not allowed; it must be a number in [0, 1]"),
        (("-m", "idl"), "there is no metric 'idl'; did you mean ils, ild or eild"),
        (("--candidates", "0"), "Invalid value for '--candidates': '0' is not allowed; it must be a whole number >= 1"),
        (("--method", "tau"), "Invalid value for '--method': 'tau' is not one of 'spearman', 'pearson', 'kendall'"),
        (("-o", "items.csv"), "items.csv is a file; choose a folder"),
        (("-o", "no/where"), "the folder no does not exist; create it or choose another place"),
        (
            ("--columns", "user=customer"),
            "--columns says that the user column of ratings is 'customer', but ratings has no such",
        ),
    ],
)
def test_study_refuses_before_anything_is_trained(capsys, args, message):
    assert refused(capsys, *STUDY, *args).startswith(message)


def test_a_split_that_is_the_same_for_all_seeds(capsys):
    pd.read_csv("ratings.csv").assign(timestamp=range(9 * N_USERS)).to_csv("timed.csv", index=False)
    said = refused(capsys, "study", "--ratings", "timed.csv", "--split", "leave-one-out", "--seeds", "3,4")
    assert said == "the split leave-one-out holds out the same rows for the seeds 3 and 4; give one seed"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("explain", "idl"), "there is no metric, re-ranker or model 'idl'; did you mean ils, ild or eild?"),
        (("explain", "ild(k=0)"), "metric 'ild': k='0' is not allowed; k must be a whole number >= 1"),
        (("explain", "("), "'(' cannot be read; write name@10 or name(parameter=value)@10"),
        (("evalute",), "No such command 'evalute'"),
        (("evaluate",), "Missing argument 'RECS...' (see beyondacc evaluate --help)"),
        (("rerank", "recs.csv"), "Missing option '--method' (see beyondacc rerank --help)"),
        (("--loud",), "No such option: --loud (see beyondacc --help)"),
    ],
)
def test_what_does_not_exist(capsys, args, message):
    assert refused(capsys, *args).startswith(message)


# ---------------------------------------------------------------------------------------------------------- output


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("-o", "no/x.csv"), "the folder 'no' of the output 'x.csv' does not exist; create it first"),
        (
            ("-o", "train.csv"),
            "the output 'train.csv' exists already; choose another name, or pass --force to overwrite it",
        ),
        (
            ("-o", "folder.csv", "--force"),
            "the output 'folder.csv' is no file that can be replaced; choose another name",
        ),
        (
            ("-o", "/dev/null", "--format", "csv", "--force"),
            "the output '/dev/null' is no file that can be replaced; choose another name",
        ),
        (
            ("-o", "x.xml"),
            "the end of 'x.xml' names no format; end it in .txt, .json, .csv, .parquet or .md, or pass --format",
        ),
        (("--format", "parquet"), "--format parquet needs a file; pass -o FILE.parquet"),
        (("--per-user", "x.txt"), "the output 'x.txt' has an unknown extension; it must end in .csv or .parquet"),
        (("-o", "x.csv", "--per-user", "./x.csv"), "--output and --per-user are both 'x.csv'; give two files"),
    ],
)
def test_outputs_of_evaluate(here, capsys, args, message):
    (here / "folder.csv").mkdir()
    assert refused(capsys, "evaluate", "recs.csv", *DATA, *args) == message


def test_outputs_of_rerank(capsys):
    assert refused(capsys, *RERANK, "mmr", "-o", "x.json") == (
        "the output 'x.json' has an unknown extension; it must end in .csv, .tsv or .parquet"
    )
    assert refused(capsys, *RERANK, "mmr", "-o", "items.csv") == (
        "the output 'items.csv' exists already; choose another name, or pass --force to overwrite it"
    )


def test_parquet_without_pyarrow(capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "pyarrow" else object())
    message = "writing parquet needs pyarrow; pip install 'beyondacc[parquet]'"
    assert refused(capsys, "evaluate", "recs.csv", *DATA, "-o", "x.parquet") == message
    assert refused(capsys, *STUDY, "-o", "x") == message


def test_a_write_that_fails_leaves_nothing(here, capsys, monkeypatch):
    def full(_self, _target):
        raise OSError(28, "No space left on device", "out.csv")

    monkeypatch.setattr(Path, "replace", full)
    assert refused(capsys, *evaluate("-m", "ndcg")) == "out.csv: No space left on device"
    assert not [path for path in here.iterdir() if path.name.endswith(".part")]


def test_a_process_of_its_own_fails_in_one_line(here):
    command = [sys.executable, "-c", "import sys; from beyondacc.cli import main; sys.exit(main())"]
    done = subprocess.run(  # noqa: S603
        [*command, "evaluate", "recs.csv", *DATA, "-m", "ndgc", "-o", "x.csv"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: there is no metric 'ndgc'; did you mean ndcg or dcg?\n"
    assert not (here / "x.csv").exists()
