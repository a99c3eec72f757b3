"""What the cases share: files that are written where the test runs, and the command line."""

import json

import pytest

from beyondacc.cli import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def put(here):
    """Write files by name; texts as UTF-8."""

    def write(**files):
        for name, content in files.items():
            path = here / name.replace("__", ".")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return here

    return write


@pytest.fixture
def command(capsys):
    """Run the command; returns its exit code, standard output and standard error."""

    def run(*args):
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def values(command):
    """Evaluate by the command line; returns the value of each metric (None where undefined) and the notes."""

    def run(*args):
        code, out, err = command("evaluate", *args, "--bootstrap", 0, "--format", "json")
        assert code == 0, err
        rows = json.loads(out)
        assert all(line.startswith("note: ") for line in err.splitlines())
        return {row["metric"]: row["value"] for row in rows}, [line[6:] for line in err.splitlines()]

    return run


@pytest.fixture
def refusal(command):
    """Evaluate by the command line what is refused; returns the one sentence that says why."""

    def run(*args):
        code, out, err = command("evaluate", *args, "--bootstrap", 0)
        assert (code, out) == (2, ""), (code, out, err)
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return err[7:].strip()

    return run
