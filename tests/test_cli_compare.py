"""``beyondacc compare``: the comparison of the library, in every format, and one line for every mistake."""

import io
import json
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import typer
from cli_files import run, write_files

import beyondacc as ba
from beyondacc.cli.options import app

DATA = ("--train", "train.csv", "--test", "test.csv", "--items", "items.csv")
FEW = ("-m", "ndcg@3,catalog_coverage@3", "--replicates", "50")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    frame = pd.read_csv("recs.csv")
    frame.assign(score=-frame["score"]).to_parquet("turned.parquet", index=False)
    rng = np.random.default_rng(1)
    frame.assign(score=rng.random(len(frame))).to_csv("random.csv", index=False)
    return tmp_path


def ok(capsys, *args):
    done = run(capsys, "compare", *args)
    assert done.code == 0, done.err
    return done


def expected(*names, metrics=("ndcg@3", "catalog_coverage@3"), **options):
    data = ba.Dataset("train.csv", "test.csv", "items.csv")
    lists = {
        name.partition(".")[0]: pd.read_parquet(name) if "parquet" in name else pd.read_csv(name) for name in names
    }
    return ba.compare(lists, data, metrics=list(metrics), **{"n": 50, **options})


def test_the_command_is_listed_after_evaluate():
    code = "from beyondacc.cli import main; main(['--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.index(" evaluate ") < done.stdout.index(" compare ") < done.stdout.index(" rerank ")


def test_table(capsys):
    done = ok(capsys, "recs.csv", "turned.parquet", *DATA, *FEW)
    found = expected("recs.csv", "turned.parquet")
    lines = done.out.splitlines()
    sentence = found.sentences[0]
    assert " ".join(lines[: lines.index("")]) == sentence
    head = lines.index("") + 1
    assert lines[head].split() == [
        *("metric", "recs", "turned", "difference", "interval", "d_z", "p", "detectable", "verdict"),
    ]
    cells = lines[head + 2].split()
    row = found.table.iloc[0]
    assert cells[:4] == ["ndcg@3", *(f"{row[name]:.4f}" for name in ("value", "other_value", "difference"))]
    assert max(map(len, lines)) <= 120
    assert lines[-1].endswith("50 replicates.")


def test_formats_hold_the_table_of_the_library(here, capsys):
    args = ("recs.csv", "turned.parquet", "random.csv", *DATA, *FEW)
    table = expected("recs.csv", "turned.parquet", "random.csv").table
    printed = ok(capsys, *args, "--format", "csv").out
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(printed)), table, check_dtype=False)
    rows = json.loads(ok(capsys, *args, "--format", "json").out)
    pd.testing.assert_frame_equal(pd.DataFrame(rows), table, check_dtype=False)
    done = ok(capsys, *args, "-o", "x.parquet")
    assert (done.out, done.err) == ("", "wrote x.parquet\n")
    pd.testing.assert_frame_equal(pd.read_parquet("x.parquet"), table, check_dtype=False)
    ok(capsys, *args, "-o", "x.md")
    assert (here / "x.md").read_text().startswith("- ")
    assert "| metric | system | other |" in (here / "x.md").read_text()


def test_options(capsys):
    args = ("recs.csv", "turned.parquet", "random.csv", *DATA, "-m", "ndcg@3", "--format", "json")
    options = ("--method", "t", "--baseline", "random", "--correction", "bh", "--replicates", "30", "--seed", "3")
    rows = json.loads(ok(capsys, *args, *options, "--confidence", "0.9").out)
    found = expected(
        *("recs.csv", "turned.parquet", "random.csv"),
        metrics=["ndcg@3"],
        test="t",
        baseline="random",
        correction="bh",
        n=30,
        seed=3,
        confidence=0.9,
    )
    pd.testing.assert_frame_equal(pd.DataFrame(rows), found.table, check_dtype=False)
    assert [row["other"] for row in rows] == ["random", "random"]


def test_core_metrics_by_default_at_the_cutoff(capsys):
    rows = json.loads(
        ok(capsys, "recs.csv", "random.csv", *DATA, "-k", "4", "--replicates", "9", "--format", "json").out
    )
    core = [str(family @ 4) for family in ba.metrics.REGISTRY.values() if family.core]
    assert [row["metric"] for row in rows] == core


def test_users_in_one_run_only(capsys):
    frame = pd.read_csv("recs.csv")
    pd.concat([frame, frame.tail(8).assign(user_id=77)]).to_csv("more.csv", index=False)
    done = run(capsys, "compare", "recs.csv", "more.csv", *DATA, *FEW)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: 1 of the 13 users of 'more' (such as 77) are not among the 12 of 'recs'; compare over the same users, "
        "such as those with --users tested in both evaluations\n"
    )
    rows = json.loads(ok(capsys, "recs.csv", "more.csv", *DATA, *FEW, "--users", "tested", "--format", "json").out)
    assert [row["difference"] for row in rows] == [0, 0]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("recs.csv", *DATA), "compare needs at least two files of lists, one for each run"),
        (("recs.csv", "random.csv"), "compare needs something to evaluate the lists with: pass --train, --test"),
        (("recs.csv", "recs.csv", *DATA), "the runs 'recs.csv' and 'recs.csv' are both called 'recs'"),
        (
            ("recs.csv", "random.csv", *DATA, "--baseline", "rando"),
            "--baseline 'rando' is none of the runs; did you mean random?",
        ),
        (("recs.csv", "random.csv", *DATA, "--method", "z"), "'z' is not one of 'permutation', 't', 'wilcoxon'"),
        (("recs.csv", "random.csv", *DATA, "--correction", "x"), "'x' is not one of 'holm', 'bh', 'none'"),
        (("recs.csv", "random.csv", *DATA, "--replicates", "0"), "'--replicates': '0' is not allowed"),
        (("recs.csv", "random.csv", *DATA, "--confidence", "1"), "'--confidence': '1' is not allowed"),
        (("recs.csv", "random.csv", *DATA, "-m", "ndgc"), "did you mean ndcg"),
        (("recs.csv", "random.csv", *DATA, "--format", "parquet"), "--format parquet needs a file"),
        (("recs.csv", "random.csv", *DATA, "-o", "recs.csv"), "the output 'recs.csv' exists already"),
    ],
)
def test_mistakes_are_one_line(capsys, args, message):
    done = run(capsys, "compare", *args)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert message in done.err


# ------------------------------------------------------------------------------------- what `evaluate` takes as well


@pytest.fixture
def odd():
    """Two runs with equal scores, seen and repeated items, a list of one item and a user without any."""
    frame, train = pd.read_csv("recs.csv"), pd.read_csv("train.csv")
    first = train.groupby("user_id").head(1)[["user_id", "item_id"]].assign(score=0.95)
    again = frame.groupby("user_id").head(2).assign(score=0.05)
    names = []
    for turn, name in enumerate(("one", "other")):
        kept = frame[(frame["user_id"] != 3) | (frame["score"] == 1)]
        mixed = kept.assign(score=(kept["score"] * (1 if turn else 3.7) % 1).round(0 if turn else 1))
        made = pd.concat([first if turn else first.head(4), mixed, again])
        made[made["user_id"] != 5].to_csv(f"{name}.csv", index=False)
        names.append(f"{name}.csv")
    return names


CHOICES = [
    {},
    {"users": "recommended"},
    {"seen": "drop"},
    {"undefined": "zero"},
    {"gains": "binary"},
    {"ties": "reversed"},
    {"ties": "item"},
    {"convention": "recbole"},
]


def test_lists_are_read_as_evaluate_reads_them(odd, capsys):
    """Every choice gives the numbers of the library, and changes some."""
    metrics = ["ndcg@3", "average_precision@3"]
    data = ba.Dataset("train.csv", "test.csv", "items.csv")
    found = []
    for choice in CHOICES:
        options = [text for name, value in choice.items() for text in (f"--{name}", value)]
        more = () if "convention" in choice else ("-m", "ild@3", "-m", "gini@3")
        args = (*odd, *DATA, "-m", ",".join(metrics), *more, "--duplicates", "first", *options)
        rows = json.loads(ok(capsys, *args, "--replicates", "50", "--format", "json").out)
        asked = [*metrics, *more[1::2]]
        lists = {name.removesuffix(".csv"): name for name in odd}
        reports = ba.evaluate(lists, data, asked, duplicates="first", n_boot=0, **choice)
        pd.testing.assert_frame_equal(pd.DataFrame(rows), ba.compare(reports, n=50).table, check_dtype=False)
        found.append(json.dumps(rows))
    assert len(set(found)) == len(CHOICES)


def test_duplicates_and_unknown_items_can_be_errors(odd, capsys):
    done = run(capsys, "compare", *odd, *DATA, *FEW)
    assert done.code == 2
    assert "--duplicates first" in done.err
    pd.read_csv("recs.csv").assign(item_id=lambda frame: frame["item_id"] + 15).to_csv("far.csv", index=False)
    ok(capsys, "recs.csv", "far.csv", *DATA, *FEW)
    done = run(capsys, "compare", "recs.csv", "far.csv", *DATA, *FEW, "--unknown-items", "error")
    assert (done.code, done.err.count("\n")) == (2, 1)


def test_earlier_and_primitive_lists(capsys):
    args = ("recs.csv", "random.csv", *DATA, "-m", "temporal_novelty@3,unexpectedness@3", "--replicates", "50")
    rows = json.loads(
        ok(capsys, *args, "--earlier", "recs.csv", "--primitive", "turned.parquet", "--format", "json").out
    )
    data = ba.Dataset("train.csv", "test.csv", "items.csv")
    reports = ba.evaluate(
        {"recs": "recs.csv", "random": "random.csv"},
        data,
        ["temporal_novelty@3", "unexpectedness@3"],
        earlier="recs.csv",
        primitive="turned.parquet",
        n_boot=0,
    )
    pd.testing.assert_frame_equal(pd.DataFrame(rows), ba.compare(reports, n=50).table, check_dtype=False)
    assert rows[0]["value"] == 0
    assert rows[0]["other_value"] > 0
    assert not any(math.isnan(row["p"]) for row in rows)


def test_columns_have_the_names_of_ones_own(capsys):
    for name in ("recs", "random"):
        pd.read_csv(f"{name}.csv").rename(columns={"user_id": "who", "item_id": "what"}).to_csv(f"{name}.csv")
    done = ok(capsys, "recs.csv", "random.csv", *DATA, *FEW, "--columns", "user=who,item=what", "--format", "csv")
    assert len(pd.read_csv(io.StringIO(done.out))) == 2


def test_both_commands_take_the_same_options_of_lists():
    """Whatever `evaluate` is told about lists and data, `compare` can be told."""
    group = typer.main.get_command(app)
    taken = {name: {each.name for each in group.commands[name].params} for name in ("evaluate", "compare")}
    assert taken["evaluate"] - taken["compare"] == {"bootstrap", "per_user"}
    assert taken["compare"] - taken["evaluate"] == {"method", "baseline", "correction", "replicates", "confidence"}
