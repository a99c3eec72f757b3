"""Ctrl-C, SIGTERM and SIGHUP: the right exit code, one line, nothing half-written, whenever they come."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from cli_files import run, write_files
from draws import draws

from beyondacc.cli.stopping import Stops

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
LINES = {
    signal.SIGINT: "interrupted\n",
    signal.SIGTERM: "interrupted by SIGTERM\n",
    signal.SIGHUP: "interrupted by SIGHUP\n",
}
PROCESSES = []
MAIN = "import sys; from beyondacc.cli import main; sys.exit(main())"
STUDY = ("study", "--ratings", "ratings.csv", "--items", "items.csv", "-m", "ndcg,ild", "-q", "-o", "out")
# many runs, each of them short
LONG = ("--models", ",".join(f"Random(seed={seed})" for seed in range(40)), "--rerankers", "MMR", "--bootstrap", "50")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    ignored = [number for number in CODES if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:  # as where a shell runs the tests in the background; processes would inherit it
        signal.signal(number, signal.SIG_DFL)
    yield tmp_path
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    for process in PROCESSES:  # of tests that failed
        if process.poll() is None:
            process.kill()
            process.communicate()
    PROCESSES.clear()


def started(*args, main=MAIN, **options):
    command = [sys.executable, "-c", main, *args]
    process = subprocess.Popen(  # noqa: S603 - our own
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    PROCESSES.append(process)
    return process


def wait_for(condition, process):
    for _ in range(6000):
        if condition() or process.poll() is not None:
            return
        time.sleep(0.01)


@pytest.mark.parametrize("number", CODES)
def test_a_study_that_is_stopped(here, number):
    before = {path.name for path in here.iterdir()}
    process = started(*STUDY, *LONG)
    cells = here / ".out.cells"
    wait_for(lambda: len(list(cells.glob("*.npz"))) > 5, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (CODES[number], "", LINES[number])
    assert {path.name for path in here.iterdir()} == before | {".out.cells"}  # with which it goes on
    assert {path.suffix for path in cells.iterdir()} == {".npz", ".json"}


# says when it writes a file of results, and writes slowly
SLOW = """
import sys, time
from pathlib import Path
import beyondacc.files.atomic as files
def slow(path):
    Path("writing").touch()
    time.sleep(30)
files._flush = slow
from beyondacc.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize(
    "args",
    [
        ("evaluate", "recs.csv", "--test", "test.csv", "-m", "ndcg", "-o", "x.csv"),
        ("evaluate", "recs.csv", "--test", "test.csv", "-m", "ndcg", "--per-user", "x.parquet"),
        ("rerank", "recs.csv", "--items", "items.csv", "--method", "mmr", "-o", "x.csv"),
    ],
)
def test_a_file_that_is_being_written(here, number, args):
    before = {path.name for path in here.iterdir()}
    process = started(*args, main=SLOW)
    wait_for((here / "writing").exists, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (CODES[number], LINES[number])
    assert {path.name for path in here.iterdir()} == before | {"writing"}


STUCK = f"""
import threading, time
from pathlib import Path
import beyondacc.evaluation.evaluate
from beyondacc.files import atomic as files
def write():
    with files.beside(Path("x.csv")) as part:
        part.write_bytes(b"half")
        Path("writing").touch()
        time.sleep(120)
def evaluate(*args, **options):
    threading.Thread(target=write).start()
    time.sleep(120)
beyondacc.evaluation.evaluate.evaluate = evaluate
{MAIN}
"""


@pytest.mark.parametrize("number", CODES)
def test_a_thread_that_does_not_end(here, number):
    """As those of a pool may wait for ever after an exception in its midst: the process ends all the same."""
    before = {path.name for path in here.iterdir()}
    process = started("evaluate", "recs.csv", "--test", "test.csv", "-m", "ndcg", "-o", "x.csv", main=STUCK)
    wait_for((here / "writing").exists, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (CODES[number], LINES[number])
    assert {path.name for path in here.iterdir()} == before | {"writing"}


def test_at_any_moment_of_the_imports(here):
    """From the first line of the program on there is no traceback, whatever is being imported."""
    announced = f"import sys; print('there', flush=True); {MAIN}"
    args = ("evaluate", "recs.csv", "--test", "test.csv", "--items", "items.csv", "-o", "x.csv", "--force")
    begun = time.perf_counter()
    process = started(*args, main=announced)
    process.communicate()
    assert process.returncode == 0
    whole = time.perf_counter() - begun
    draw, seen = np.random.default_rng(11), set()
    for turn in range(draws(16, 6)):
        number = list(CODES)[turn % 3]
        process = started(*args, main=announced)
        process.stdout.readline()
        time.sleep(0.03 + draw.random() * whole * 0.8)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        seen.add(process.returncode)
        if process.returncode not in {0, -number}:
            assert (process.returncode, err) == (CODES[number], LINES[number]), turn
        else:  # it was over, and Python was about to end
            assert re.fullmatch(r"(note: [^\n]+\n)*wrote x.csv\n(note: [^\n]+\n)*", err)
        assert not [path.name for path in here.iterdir() if path.name.startswith(".")]
    assert len(seen) > 1


def test_an_ignored_signal_stays_ignored(here):
    """As under nohup."""
    ignoring = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); {MAIN}"
    process = started("evaluate", "recs.csv", "--test", "test.csv", "-m", "ndcg", "-o", "x.csv", main=ignoring)
    time.sleep(0.5)
    for _ in range(10):
        process.send_signal(signal.SIGHUP)
        time.sleep(0.05)
    process.communicate()
    assert process.returncode == 0
    assert (here / "x.csv").exists()


def test_a_terminal_that_is_gone_changes_no_exit_code():
    reader, writer = os.pipe()
    waits = (
        "import sys, time, beyondacc.evaluation.evaluate\n"
        "def evaluate(*args, **options):\n    print('there', flush=True)\n    time.sleep(60)\n"
        f"beyondacc.evaluation.evaluate.evaluate = evaluate\n{MAIN}"
    )
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", waits, "evaluate", "recs.csv", "--test", "test.csv", "-m", "ndcg"],
        stdout=subprocess.PIPE,
        stderr=writer,
        text=True,
    )
    assert process.stdout.readline() == "there\n"
    process.stdout.close()
    os.close(writer)
    os.close(reader)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 129


def test_handlers_are_as_before_where_the_command_is_called_by_a_program(capsys):
    def own(_number, _frame):
        raise AssertionError

    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in names]
    kept = signal.signal(signal.SIGTERM, own)
    try:
        assert run(capsys, "metrics").code == 0
        assert signal.getsignal(signal.SIGTERM) is own
        with Stops(to_the_end=False):
            assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, kept)
    assert [signal.getsignal(number) for number in names] == before


def test_a_command_of_another_thread_leaves_signals_alone(capsys):
    found = []
    thread = threading.Thread(target=lambda: found.append(run(capsys, "metrics").code))
    thread.start()
    thread.join()
    assert found == [0]


def test_a_signal_that_a_callback_swallows_comes_again():
    """Python cannot raise what comes while it runs a destructor, prints it and goes on."""

    class Swallows:
        def __del__(self):
            signal.raise_signal(signal.SIGTERM)
            sum(range(10))

    before = sys.unraisablehook

    def work():
        Swallows()
        for _ in range(100):
            time.sleep(0.05)

    with Stops(to_the_end=False) as stops, pytest.raises(KeyboardInterrupt):
        work()
    assert stops.heard is signal.SIGTERM
    assert stops.judge(130, "") == (143, "interrupted by SIGTERM")
    assert sys.unraisablehook is before


@pytest.mark.parametrize("number", CODES)
def test_whatever_fails_after_a_signal_fails_because_of_it(capsys, monkeypatch, number):
    def evaluate(*_args, **_options):
        try:
            signal.raise_signal(number)
            time.sleep(1)
        except KeyboardInterrupt:
            raise ImportError("numpy could not be imported") from None  # as compiled modules say it

    monkeypatch.setattr("beyondacc.evaluation.evaluate.evaluate", evaluate)
    done = run(capsys, "evaluate", "recs.csv", "--test", "test.csv", "-m", "ndcg")
    assert (done.code, done.out, done.err) == (CODES[number], "", LINES[number])
