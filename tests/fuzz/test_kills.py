"""A study that is killed at random moments goes on to the same bits and leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_files import write_files
from draws import draws
from fuzzing import CHOSEN, environment

KILLS = draws(20, 5)
SEED = 7
STUDY = (
    *("study", "--ratings", "ratings.csv", "--items", "items.csv", "--seeds", "0,1", "--bootstrap", "20", "-q"),
    *("--models", "Popularity,ItemKNN(k=3),EASE,Random", "--rerankers", "MMR,Random", "--diversity", "0.3,0.7"),
    *("-m", "ndcg,ild,gini,self_information", "-k", "3", "--candidates", "8", "-o", "out"),
)
MAIN = "import sys; from beyondacc.cli import main; sys.exit(main())"
SAME = ("results.parquet", "per_user.parquet", "correlations.csv")
FILES = {*SAME, "report.html"}


def start(folder, *more):
    command = [sys.executable, "-c", MAIN, *STUDY, *more]
    return subprocess.Popen(  # noqa: S603 - our own
        command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def finish(folder):
    """Go on until the study is done."""
    process = start(folder)
    _, said = process.communicate()
    if process.returncode == 2 and "out holds results.parquet already" in said:
        process = start(folder, "--force")  # it was killed between its last file and its end
        _, said = process.communicate()
    assert (process.returncode, said) == (0, "")


def contents(folder):
    return {name: (folder / "out" / name).read_bytes() for name in SAME}


def kill_at_random(rng, folder, whole):
    """Start a study and kill it: at any moment, or mostly once it is at work; return whether it was still running."""
    process = start(folder)
    try:
        ends = time.perf_counter() + 60
        if rng.random() < 0.8:
            before = len(list(folder.glob(".out.cells/*.npz")))
            awaited = before + int(rng.integers(1, 30))
            while process.poll() is None and time.perf_counter() < ends:
                if len(list(folder.glob(".out.cells/*.npz"))) >= awaited or list(folder.glob(".out.*.part")):
                    break
                time.sleep(0.001)
            time.sleep(rng.random() * rng.random() * 0.4 * whole)
        else:
            time.sleep(rng.random() * whole)
        process.send_signal(signal.SIGKILL)
    finally:
        process.wait()
        process.stderr.close()
    return process.returncode == -signal.SIGKILL


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.skipif(":" in CHOSEN, reason="one input was asked for")
def test_a_study_that_is_killed_goes_on_to_the_same_bits(tmp_path):
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    write_files(undisturbed)
    inputs = {path.name for path in undisturbed.iterdir()}
    finish(undisturbed)  # compiles what is not compiled yet
    expected = contents(undisturbed)
    (undisturbed / "again").mkdir()
    write_files(undisturbed / "again")
    begun = time.perf_counter()
    finish(undisturbed / "again")
    whole = time.perf_counter() - begun
    assert contents(undisturbed / "again") == expected

    rng = np.random.default_rng(SEED)
    kills = chain = 0
    left = set()
    while kills < KILLS:
        chain += 1
        folder = tmp_path / f"chain{chain}"
        folder.mkdir()
        write_files(folder)
        for _ in range(int(rng.integers(2, 6))):
            if not kill_at_random(rng, folder, whole):
                break  # it was done
            kills += 1
            left |= {_kind(path.relative_to(folder)) for path in folder.rglob(".*")}
        done = (folder / "out").exists() and {path.name for path in (folder / "out").iterdir()} == FILES
        if not done or list(folder.glob(".*")):  # all may be there, but what it was made of too
            finish(folder)
        assert contents(folder) == expected, f"chain {chain} after {kills} kills of seed {SEED}"
        assert {path.name for path in folder.iterdir()} == inputs | {"out"}, f"chain {chain}"
        assert {path.name for path in (folder / "out").iterdir()} == FILES
    assert {"cells", "lock"} <= left  # the kills came while there was something to lose


def _kind(path: Path):
    return path.name.rpartition(".")[2]
