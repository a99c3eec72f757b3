"""Folders of results: one study at a time, never fewer rows in silence, and odd names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_files import run, write_files
from test_stopping import MAIN

from beyondacc.files import atomic as files
from beyondacc.study.store import FolderStore

STUDY = ("study", "--ratings", "ratings.csv", "--items", "items.csv", "--bootstrap", "0", "-q", "-o", "out")
SMALL = (*STUDY, "--models", "Popularity", "--rerankers", "none", "-m", "ndcg")
LARGE = (*STUDY, "--models", "Popularity,Random,EASE", "--rerankers", "MMR", "--diversity", "0.5", "-m", "ndcg,ild")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def refused(capsys, *args):
    done = run(capsys, *args)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+\n", done.err), done.err
    return done.err.removeprefix("error: ").rstrip("\n")


def test_results_of_more_rows_are_never_replaced(here, capsys):
    assert run(capsys, *LARGE).code == 0
    before = contents(here / "out")
    assert len(pd.read_parquet("out/results.parquet")) == 3 * 2 * 2
    assert refused(capsys, *SMALL, "--force") == (
        "out/results.parquet holds 12 rows and this study has 1; "
        "choose another folder to keep them, or remove out/results.parquet to drop them"
    )
    assert contents(here / "out") == before
    assert run(capsys, *LARGE, "--force").code == 0  # as many
    assert run(capsys, *LARGE, "-m", "gini", "--force").code == 0  # more
    assert len(pd.read_parquet("out/results.parquet")) == 3 * 2 * 3
    (here / "out" / "results.parquet").unlink()
    assert run(capsys, *SMALL, "--force").code == 0
    assert len(pd.read_parquet("out/results.parquet")) == 1
    assert sorted(path.name for path in here.iterdir() if path.name.startswith(".")) == []


def test_runs_that_fail_do_not_shrink_results(here, capsys, monkeypatch):
    assert run(capsys, *LARGE).code == 0
    before = contents(here / "out")

    def fit(*_args, **_options):
        raise RuntimeError("no luck")

    monkeypatch.setattr("beyondacc.models.EASE.fit", fit)
    done = run(capsys, *LARGE, "--force")
    assert done.code == 2
    note, error = done.err.splitlines()
    assert note.startswith("note: failed and left out: EASE")
    assert error.startswith("error: out/results.parquet holds 12 rows and this study has 8; ")
    assert contents(here / "out") == before
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert run(capsys, *LARGE, "--force").code == 0  # what is done is kept and what failed is tried again
    assert contents(here / "out").keys() == before.keys()


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing", b"x" * 1000])
def test_what_is_no_table_is_replaced(here, capsys, content):
    (here / "out").mkdir()
    (here / "out" / "results.parquet").write_bytes(content)
    assert run(capsys, *SMALL, "--force").code == 0
    assert len(pd.read_parquet("out/results.parquet")) == 1


@pytest.mark.skipif(os.name == "nt", reason="processes are judged by /proc and signals")
def test_a_second_study_is_refused_while_the_first_one_writes(here, capsys):
    models = ",".join(f"Random(seed={seed})" for seed in range(40))
    args = (*STUDY, "--models", models, "--rerankers", "MMR", "-m", "ndcg,ild")
    first = subprocess.Popen([sys.executable, "-c", MAIN, *args])  # noqa: S603 - our own
    try:
        while not list(here.glob(".out.cells/*.npz")) and first.poll() is None:
            time.sleep(0.02)
        for again in (args, (*args, "--force"), (*SMALL, "--force"), (*SMALL[:-1], "gini"), (*args, "-o", "./out")):
            said = refused(capsys, *again)
            assert f"is being written by process {first.pid} on {os.uname().nodename}, since " in said
        first.send_signal(19)  # SIGSTOP: a process that sleeps is not gone
        assert f"process {first.pid}" in refused(capsys, *args, "--force")
        first.send_signal(18)
    finally:
        assert first.wait(300) == 0  # whatever the others did, its cells are there
    table = pd.read_parquet("out/results.parquet")
    assert table["model"].nunique() == 40
    assert [path.name for path in here.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (".", "the output '.' is no name of a folder; name one for the results, such as -o beyondacc-study or "),
        ("..", "the output '..' is no name of a folder; "),
        ("/", "the output '/' is no name of a folder; "),
        ("out/..", "the output 'out/..' is no name of a folder; "),
        ("recs.csv", "recs.csv is a file; choose a folder"),
        ("x" * 255, f"{'.' + 'x' * 255 + '.cells'}: File name too long"),
        ("x" * 300, ""),
        ("bell\a", ""),
    ],
)
def test_odd_names_of_folders(here, capsys, output, message):
    (here / "out").mkdir()
    before = {path.name for path in here.iterdir()}
    done = run(capsys, *SMALL, "-o", output)
    if done.code == 0:
        assert output.startswith("bell")
        assert before | {output} == {path.name for path in here.iterdir()}
        return
    assert done.code == 2
    assert re.fullmatch(r"error: [^\n\x1b\a]+\n", done.err)
    assert done.err.startswith(f"error: {message}")
    assert before == {path.name for path in here.iterdir()}


def test_the_present_folder_by_python(here):
    """Where a folder needs no hidden one beside it for cells, it may be the present one."""
    import beyondacc as ba

    data = ba.Dataset.split("ratings.csv", "items.csv")
    found = ba.Study(data, ["Popularity"], [], ["ndcg@3"], n_boot=0).run()
    (here / "sub").mkdir()
    os.chdir("sub")
    assert {str(path) for path in found.save(".")} == contents(Path()).keys()
    assert [path.name for path in here.iterdir() if path.name.startswith(".")] == []


def test_cells_that_are_damaged_are_made_again(here):
    store = FolderStore(here / "cells", {"data": "these"})
    store.put({"a": np.arange(1000)}, "key")
    file = next((here / "cells").glob("*.npz"))
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        broken = bytearray(whole[: rng.integers(len(whole) + 1)] if rng.random() < 0.5 else whole)
        for place in rng.integers(len(broken), size=3) if broken else ():
            broken[place] = rng.integers(256)
        file.write_bytes(bytes(broken))
        found = store.get("key")
        assert found is None or set(found) == {"a"} or bytes(broken) != whole
    (here / "cells" / "study.json").write_text("{")
    with pytest.raises(
        files.DataError, match=r"study.json does not say of which study the cells are; remove its folder"
    ):
        FolderStore(here / "cells", {"data": "these"})
    (here / "cells" / "study.json").write_text("[1]")
    with pytest.raises(files.DataError, match="does not say of which study"):
        FolderStore(here / "cells", {"data": "these"})


FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); " + MAIN


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
@pytest.mark.parametrize(
    ("room", "args"),
    [
        (100, ("evaluate", "recs.csv", "--test", "test.csv", "-m", "ndcg", "--format", "csv", "-o", "x.csv")),
        (100, ("evaluate", "recs.csv", "--test", "test.csv", "-m", "ndcg", "--per-user", "x.parquet")),
        (100, ("rerank", "recs.csv", "--items", "items.csv", "--method", "mmr", "-o", "x.csv")),
        (100, ("rerank", "recs.csv", "--items", "items.csv", "--method", "mmr", "-o", "recs.csv", "--force")),
        (20_000, LARGE),  # there is room for its cells and tables, and none for its report
    ],
)
def test_a_file_for_which_there_is_no_room(here, room, args):
    before = contents(here)
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", FULL.format(room), *args], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    error = done.stderr.splitlines()[-1]
    assert re.fullmatch(r"error: \S*(x\.csv|x\.parquet|recs\.csv|out\S*): File too large", error), done.stderr
    assert "Traceback" not in done.stderr
    assert contents(here) == before
    assert {path.name for path in here.iterdir()} - set(before) <= {".out.cells"}
    if args == LARGE:  # which goes on when there is room again
        assert subprocess.run([sys.executable, "-c", MAIN, *args], check=False).returncode == 0  # noqa: S603
        assert len(pd.read_parquet("out/results.parquet")) == 12
        assert {path.name for path in here.iterdir()} - set(before) == {"out"}
