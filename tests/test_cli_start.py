"""How the command starts: as a module, and without what it does not need yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROBE = """
import sys
from beyondacc.cli import main
code = main(sys.argv[1:])
print(code, *sorted(name for name in ("numba", "pandas", "numpy", "scipy", "pyarrow") if name in sys.modules))
"""


def run(*command, cwd=ROOT):
    done = subprocess.run(  # noqa: S603 - our own lines
        [sys.executable, *command],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_package_is_a_command(tmp_path):
    import beyondacc

    assert run("-m", "beyondacc", "--version", cwd=tmp_path) == (0, f"beyondacc {beyondacc.__version__}\n", "")
    assert run("-m", "beyondacc", cwd=tmp_path)[1].lstrip().startswith("Usage: beyondacc ")
    code, printed, said = run("-m", "beyondacc", "evaluate", "missing.csv", "--train", "x.csv", cwd=tmp_path)
    assert (code, printed) == (2, "")
    assert said == "error: train: there is no file 'x.csv'; check the path\n"


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (["evaluate", "missing.csv", "--train", "there.csv"], "recs: there is no file 'missing.csv'"),
        (["evaluate", "there.csv", "missing.csv", "--items", "there.csv"], "recs of 'missing': there is no file"),
        (["evaluate", "there.csv", "--test", "missing.csv"], "test: there is no file 'missing.csv'"),
        (["evaluate", "there.csv", "--train", "there.csv", "--earlier", "missing.csv"], "earlier lists 1: there is no"),
        (["compare", "there.csv", "missing.csv", "--train", "there.csv"], "recs of 'missing': there is no file"),
        (["rerank", "missing.csv", "--method", "mmr", "--items", "there.csv"], "candidates: there is no file"),
        (["rerank", "there.csv", "--method", "mmr", "--items", "missing.csv"], "items: there is no file"),
        (["study", "--ratings", "missing.csv"], "ratings: there is no file 'missing.csv'"),
    ],
)
def test_a_file_that_is_not_there_is_refused_before_anything_heavy_is_imported(command, what, tmp_path):
    (tmp_path / "there.csv").write_text("user_id,item_id\n1,2\n")
    code, printed, said = run("-c", PROBE, *command, cwd=tmp_path)
    assert said.startswith(f"error: {what}")
    assert (code, printed) == (0, "2\n")
