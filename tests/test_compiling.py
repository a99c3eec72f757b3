"""What is compiled again after an edit, what says that kernels are compiled, and what only kernels call."""

from __future__ import annotations

import ast
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from beyondacc.cli import compiling
from beyondacc.kernels import cached, jit
from beyondacc.kernels.distance import distance_row

ROOT = Path(__file__).resolve().parents[1]
KERNELS = ROOT / "beyondacc" / "kernels"
FILES = sorted(KERNELS.rglob("*.py"))
INSIDE = {"helper", "reduction", "comparison"}  # decorators of what has no entry from Python

compiled_only = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")

# three kernels: of align.py, which imports sorting.py; of topk.py, which does, too; of accuracy.py, which does not
USE = """
import numpy as np
from beyondacc.kernels import jit
from beyondacc.kernels.accuracy import first_hit_rows
from beyondacc.kernels.align import length_rows
from beyondacc.kernels.topk import list_best_rows, make_best
one = np.ones(1, np.int32)
length_rows(np.array([[3, 1, -1]], np.int32), one)
first_hit_rows(np.array([[0.0, 1.0]]), np.array([2], np.int32), 2, np.empty(1))
list_best_rows(make_best(1, 1, np.float64), np.empty((1, 1), np.int32), np.empty((1, 1)), one)
print(*(sum(f.stats.cache_misses.values()) for f in (first_hit_rows, length_rows, list_best_rows)))
"""


def python(code, place, cache):
    """Run lines with the package of a place and a cache folder; what they print."""
    env = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    env |= {"PYTHONPATH": str(place), "XDG_CACHE_HOME": str(cache)}
    return subprocess.run(  # noqa: S603 - our own lines
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=place, env=env, check=True
    )


def misses(place, cache):
    return tuple(map(int, python(USE, place, cache).stdout.splitlines()[0].split()))


def copy_to(place):
    shutil.copytree(ROOT / "beyondacc", place / "beyondacc", ignore=shutil.ignore_patterns("__pycache__"))
    return place


@compiled_only
def test_an_edit_recompiles_what_depends_on_it_and_nothing_else(tmp_path):
    place, cache = copy_to(tmp_path / "one"), tmp_path / "cache"
    assert misses(place, cache) == (1, 1, 1)
    assert misses(place, cache) == (0, 0, 0)

    def edit(name):
        path = place / "beyondacc" / "kernels" / name
        path.write_text(path.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
        return misses(place, cache)

    assert edit("sorting.py") == (0, 1, 1)
    assert edit("align.py") == (0, 1, 0)
    assert edit("accuracy.py") == (1, 0, 0)
    assert edit("vendi.py") == (0, 0, 0)
    assert edit("jit.py") == (1, 1, 1)
    assert misses(place, cache) == (0, 0, 0)


@compiled_only
def test_copies_of_the_package_share_what_they_compiled(tmp_path):
    """Dates of files and where they lie say nothing: what they hold does."""
    cache = tmp_path / "cache"
    assert misses(copy_to(tmp_path / "one"), cache) == (1, 1, 1)
    other = copy_to(tmp_path / "other")
    for path in (other / "beyondacc" / "kernels").glob("*.py"):
        os.utime(path, (1, 1))
    assert misses(other, cache) == (0, 0, 0)


@compiled_only
def test_what_an_edited_helper_computes_is_what_is_run(tmp_path):
    """The kernel that calls it stands in another file, which did not change."""
    place, cache = copy_to(tmp_path / "one"), tmp_path / "cache"
    code = """
import numpy as np
from beyondacc.kernels.scaling import normalise
values = np.array([1.0, 3.0])
normalise(values, 2, 1, 0.0)
print(values.tolist())
"""
    before = python(code, place, cache).stdout
    path = place / "beyondacc" / "kernels" / "intrinsics.py"
    text = path.read_text(encoding="utf-8")
    swapped = text.replace('return _choice(">")', 'return _choice("<")', 1)
    assert swapped != text
    path.write_text(swapped, encoding="utf-8")
    assert python(code, place, cache).stdout != before


def imports(path):
    """The files of kernels that a file imports, from its syntax."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, path
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        for name in names:
            place = ROOT.joinpath(*name.split("."))
            found |= {each for each in (place.with_suffix(".py"), place / "__init__.py") if each in FILES}
    return found - {KERNELS / "__init__.py"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_imports_that_count_are_those_that_python_sees(path):
    assert cached.imported(path) == imports(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from beyondacc.kernels import align, jit\n", {"align", "jit"}),
        ("from beyondacc.kernels import (\n    align as a,\n    jit,\n)\n", {"align", "jit"}),
        ("if True:\n    from beyondacc.kernels.align import mark  # noqa\n", {"align"}),
        ("import beyondacc.kernels.align\n", {"align"}),
        ("import beyondacc.kernels.align as a\nfrom beyondacc.kernels.jit import (kernel)\n", {"align", "jit"}),
        ("from beyondacc.types import Int\nimport beyondacc.kernels\n", set()),
    ],
)
def test_imports_of_every_form_count(text, expected, tmp_path):
    path = tmp_path / "some.py"
    path.write_text(text, encoding="utf-8")
    assert {each.stem for each in cached.imported(path)} == expected


def decorated():
    """``{(file, function): its decorators}``."""
    return {
        (path.stem, node.name): {ast.unparse(each) for each in node.decorator_list}
        for path in FILES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }


def test_what_has_no_entry_from_python_is_called_by_kernels_only():
    inside = {name for name, words in decorated().items() if words & INSIDE}
    assert len(inside) > 40
    for path in (*ROOT.glob("beyondacc/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/**/*.py")):
        if path in FILES or path == Path(__file__):
            continue
        tree, aliases = ast.parse(path.read_text(encoding="utf-8")), {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "beyondacc.kernels":
                aliases |= {each.asname or each.name: each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("beyondacc.kernels."):
                used = {(node.module.rpartition(".")[2], each.name) for each in node.names}
                assert not used & inside, path
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
                assert (aliases[node.value.id], node.attr) not in inside, (path, node.lineno)


@compiled_only
def test_python_that_calls_a_helper_is_refused_and_lives():
    with pytest.raises(TypeError, match="distance_row is a helper of kernels and cannot be called from Python"):
        distance_row(0)


# ------------------------------------------------------------------------------------------- what is said

COMPILE = """
import sys
import numpy as np
from beyondacc.cli import compiling
from beyondacc.kernels.align import length_rows, size_rows
if sys.argv[1] != "python":
    compiling.show(quiet=sys.argv[1] == "quiet", bar=sys.argv[1] != "line")
    compiling.steps(1, 4)
one = np.ones(1, np.int32)
length_rows(np.array([[3, 1, -1]], np.int32), one)
size_rows(one, np.zeros(4, np.int64), np.zeros(1, np.int64))
compiling.steps(3, 4)
compiling.end()
print(*one)
"""


def said(how, cache, *, terminal):
    """What is on standard error while two kernels are compiled."""
    env = {name: value for name, value in os.environ.items() if name not in {"NUMBA_CACHE_DIR", "NO_COLOR"}}
    env |= {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache), "TERM": "xterm", "COLUMNS": "120"}
    near, far = pty.openpty() if terminal else os.pipe()
    with subprocess.Popen(  # noqa: S603 - our own lines
        [sys.executable, "-c", COMPILE, how], stdout=subprocess.PIPE, stderr=far, text=True, cwd=ROOT, env=env
    ) as process:
        os.close(far)
        parts = []
        while True:
            try:
                part = os.read(near, 4096)
            except OSError:  # a terminal whose other end was closed
                break
            if not part:
                break
            parts.append(part)
        assert process.stdout.read() == "2\n"
    os.close(near)
    assert process.returncode == 0
    return b"".join(parts).decode()


@compiled_only
def test_a_command_says_once_that_it_compiles(tmp_path):
    line = "compiling kernels, once per machine\n"
    assert said("bar", tmp_path / "a", terminal=False) == line
    assert said("bar", tmp_path / "a", terminal=False) == ""  # nothing was to be compiled
    assert said("quiet", tmp_path / "b", terminal=False) == ""
    assert said("python", tmp_path / "c", terminal=False) == ""  # the library speaks to people only


@compiled_only
def test_a_terminal_has_a_bar(tmp_path):
    shown = said("bar", tmp_path / "a", terminal=True)
    assert "compiling kernels, once per machine" in shown
    assert "1 compiled" in shown or "2 compiled" in shown
    assert "━" in shown
    assert said("bar", tmp_path / "a", terminal=True) == ""
    assert said("quiet", tmp_path / "b", terminal=True) == ""
    assert said("line", tmp_path / "c", terminal=True) == "compiling kernels, once per machine\r\n"
    assert said("python", tmp_path / "d", terminal=True) == "beyondacc: compiling kernels, once per machine\r\n"


@compiled_only
def test_who_has_no_folder_is_told_why(monkeypatch, capsys):
    monkeypatch.setattr(jit, "LASTS", False)
    shown = compiling._Shown(bar=True)
    shown.compiled(1)
    shown.compiled(2)
    assert capsys.readouterr().err == (
        "compiling kernels, for this process alone, as it has no cache folder in which only its user can write\n"
    )


def test_only_kernels_are_counted():
    before = jit._WATCH.compiled
    assert numba.njit(lambda x: x + 1)(np.int64(1)) == 2
    assert jit._WATCH.compiled == before
