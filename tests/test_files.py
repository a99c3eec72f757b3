"""Files are there whole or not at all; what killed processes left is swept; a lock names its owner."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import beyondacc
from beyondacc.errors import DataError
from beyondacc.files import atomic as files

posix = pytest.mark.skipif(os.name == "nt", reason="processes are judged by /proc and signals")
PACKAGE = Path(beyondacc.__file__).parent


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def program(code, *args):
    """Start a process that runs some lines, and return it when these are done and it waits to be killed."""
    head = "import sys\nfrom pathlib import Path\nfrom beyondacc.files import atomic as files\n"
    wait = "\nprint('there', flush=True)\nimport time\ntime.sleep(600)\n"
    command = [sys.executable, "-c", head + code + wait, *map(str, args)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own lines
    assert process.stdout.readline() == "there\n"
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


# ------------------------------------------------------------------------------------------------- whole or not at all


def test_a_file_is_replaced_with_its_mode(tmp_path):
    path = tmp_path / "out.csv"
    files.replace_file(path, b"one")
    path.chmod(0o640)
    files.replace_file(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["out.csv"]
    with pytest.raises(
        DataError, match=r"'.*x\.csv' cannot be written because the folder '.*no' does not exist; create it"
    ):
        files.replace_file(tmp_path / "no" / "x.csv", b"")


def test_the_file_that_a_link_names_is_replaced(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "deep" / "real.csv")
    files.replace_file(tmp_path / "link.csv", b"one")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "deep" / "real.csv").read_bytes() == b"one"


def _write_half(path, error, *, folder):
    with files.beside(path, folder=folder) as part:
        (part / "some" if folder else part).write_bytes(b"half")
        raise error


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("folder", [False, True])
def test_what_fails_leaves_nothing(tmp_path, error, folder):
    path = tmp_path / "out"
    with pytest.raises(type(error)) as caught:
        _write_half(path, error, folder=folder)
    assert names(tmp_path) == []
    if isinstance(error, OSError):
        assert caught.value.filename == str(path)  # and not the hidden name


def test_a_long_name_can_be_written(tmp_path):
    path = tmp_path / ("ü" * 100 + "x" * 50)
    files.replace_file(path, b"1")
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_of_files_is_moved_and_keeps_what_else_is_there(tmp_path, there):
    target = tmp_path / "out"
    if there:
        target.mkdir()
        (target / "mine").write_bytes(b"mine")
        (target / "a").write_bytes(b"old")
    with files.beside(target, folder=True) as fresh:
        for name in "ab":
            (fresh / name).write_bytes(b"new")
        files.settle_all(fresh, target)
    assert names(target) == (["a", "b", "mine"] if there else ["a", "b"])
    assert (target / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["out"]


def test_many_writers_of_one_file(tmp_path):
    """Threads and processes write at once: whoever is last wins, and nobody ever reads a mixture."""
    path = tmp_path / "out.bin"
    code = (
        "for turn in range(int(sys.argv[2])):\n    files.replace_file(sys.argv[1], sys.argv[3].encode() * 400_000)\n"
        "raise SystemExit"
    )
    processes = [program_only(code, path, 60, letter) for letter in "ab"]
    errors = []

    def write(letter):
        try:
            for _ in range(60):
                files.replace_file(path, letter * 400_000)
        except BaseException as error:  # noqa: BLE001 - looked at below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"c", b"d")]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads) or any(each.poll() is None for each in processes):
        if path.exists():
            content = path.read_bytes()
            assert len(content) == 400_000
            assert content == content[:1] * 400_000
            seen.add(content[:1])
    for thread in threads:
        thread.join()
    assert [each.wait() for each in processes] == [0, 0]
    assert not errors
    assert len(seen) > 1
    assert names(tmp_path) == ["out.bin"]


def program_only(code, *args):
    arguments = [
        sys.executable,
        "-c",
        f"import sys\nfrom beyondacc.files import atomic as files\n{code}",
        *map(str, args),
    ]
    return subprocess.Popen(arguments)  # noqa: S603 - our own lines


def test_there_is_one_way_to_write_a_file():
    """No module writes files on its own, other than into a place that `files` gave it."""
    writes = {"write_bytes", "write_text", "mkstemp", "NamedTemporaryFile", "TemporaryDirectory", "mkdtemp"}
    writes |= {"fsync", "copymode"}
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in writes
    }
    # compiled code has its own, and so has the folder where it lies
    assert {each for each in found if not each.startswith("kernels/")} == {"files/atomic.py", "files/folders.py"}


# ------------------------------------------------------------------------------------------------------------ sweeping

LEAVE = """
import contextlib
stack = contextlib.ExitStack()
stack.enter_context(files.beside(Path(sys.argv[1]) / "out.csv")).write_bytes(b"half")
fresh = stack.enter_context(files.beside(Path(sys.argv[1]) / "out", folder=True))
(fresh / "some").write_bytes(b"half")
"""


@posix
def test_what_a_killed_process_left_is_swept_by_the_next(tmp_path):
    alive, dead = program(LEAVE, tmp_path), program(LEAVE, tmp_path)
    kill(dead)
    left = {name for name in names(tmp_path) if f"-{dead.pid}-" in name}
    others = set(names(tmp_path)) - left
    assert len(left) == len(others) == 2
    mine = {".hidden", "out.csv.part", ".out.csv.part", ".out.12345678-1-1-1.part.txt", f".x.{'0' * 8}-1-1-1.part"}
    for name in mine:
        (tmp_path / name).touch()
    try:
        files.replace_file(tmp_path / "other", b"1")
        assert set(names(tmp_path)) == {"other", *others, *mine}  # of another machine is anybody's guess
    finally:
        kill(alive)


@posix
def test_a_number_that_was_given_again_is_another_process(tmp_path):
    host, pid, start = files._me().rsplit("-", 2)
    kept, gone = f".out.{host}-{pid}-{start}-77.part", f".out.{host}-{pid}-{int(start) + 1}-77.part"
    (tmp_path / kept).touch()
    (tmp_path / gone).touch()
    files.sweep(tmp_path)
    assert names(tmp_path) == [kept]


# --------------------------------------------------------------------------------------------------------------- locks

HOLD = """
held = files.owned(Path(sys.argv[1]))
held.__enter__()
"""


@posix
def test_a_lock_names_its_owner_and_dies_with_it(tmp_path):
    target = tmp_path / "out"
    other = program(HOLD, target)
    assert names(tmp_path) == [".out.lock"]
    with pytest.raises(DataError) as caught, files.owned(target):
        raise AssertionError
    said = str(caught.value)
    assert said.startswith(f"'{target}' is being written by process {other.pid} on {os.uname().nodename}, since 20")
    assert said.endswith("wait until it ends or stop it, or choose another folder")
    kill(other)
    assert names(tmp_path) == [".out.lock"]
    with files.owned(target):
        owner = json.loads((tmp_path / ".out.lock").read_text())
        assert owner["pid"] == os.getpid()
        with files.owned(tmp_path / "." / "out"):  # of this thread already
            assert names(tmp_path) == [".out.lock"]
        refused = []
        thread = threading.Thread(target=lambda: refused.append(_refused(target)))
        thread.start()
        thread.join()
        assert f"process {os.getpid()} " in refused[0]
    assert names(tmp_path) == []
    with files.owned(target):
        pass


def _refused(target):
    try:
        with files.owned(target):
            return ""
    except DataError as error:
        return str(error)


@posix
def test_disks_without_locks_are_judged_by_what_the_file_says(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_lock", lambda _: None)
    target, lock = tmp_path / "out", tmp_path / ".out.lock"
    other = program(HOLD, target)
    owner = json.loads(lock.read_text())
    with pytest.raises(DataError, match=f"process {other.pid} on "), files.owned(target):
        raise AssertionError
    kill(other)
    with files.owned(target):
        pass
    for changed in ({"numbering": "of another"}, {"pid": os.getpid(), "start": files._start(os.getpid())}):
        lock.write_text(json.dumps(owner | changed))
        with pytest.raises(DataError, match="is being written by process"), files.owned(target):
            raise AssertionError
    for changed in ({"pid": os.getpid(), "start": 1}, {"pid": 2**22 + 1}):
        lock.write_text(json.dumps(owner | changed))
        with files.owned(target):
            pass
    lock.write_text("not from here")
    with files.owned(target):
        pass


@posix
def test_only_one_of_many_holds_a_lock(tmp_path):
    """Processes take and leave one lock at random: nobody ever meets another one inside."""
    code = """
import os, random, time
from beyondacc.errors import DataError
place, seed = Path(sys.argv[1]), int(sys.argv[2])
draw, taken, ends = random.Random(seed), 0, time.time() + 3
while time.time() < ends:
    try:
        with files.owned(place / "out"):
            inside = os.open(place / "inside", os.O_CREAT | os.O_EXCL)
            time.sleep(draw.random() / 500)
            os.close(inside)
            os.unlink(place / "inside")
            taken += 1
    except DataError:
        time.sleep(draw.random() / 500)
assert taken
raise SystemExit
"""
    processes = [program_only(f"from pathlib import Path\n{code}", tmp_path, seed) for seed in range(4)]
    assert [each.wait() for each in processes] == [0] * 4
    assert names(tmp_path) == []
