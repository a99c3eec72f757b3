"""The recipes of CONTRIBUTING.md: each is done in a copy, refused without its test, and held by the laws."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("beyondacc", "tests", "README.md", "CONTRIBUTING.md", "pyproject.toml")
LONGEST = 15


class Step(NamedTuple):
    """Lines for a file: behind its last, or where a table of it begins."""

    path: str
    where: str
    lines: str


def recipes():
    """By their headings, the steps of each."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = {}
    for section in text.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        steps = re.findall(r"^In `(.+?)`(.*?):\n\n```python\n(.*?)```$", body, flags=re.MULTILINE | re.DOTALL)
        assert len(steps) == body.count("```python")
        if steps:
            found[title] = [Step(*step) for step in steps]
    return found


RECIPES = recipes()


def is_test(step):
    return step.path.startswith("tests/")


def do(copy, step):
    """Write the lines of a step where it says."""
    path = copy / step.path
    text = path.read_text(encoding="utf-8")
    table = re.search(r"among `(\w+)`", step.where)
    if table:
        before, opening, rest = re.split(rf"^({table[1]} = \{{\n)", text, maxsplit=1, flags=re.MULTILINE)
        text = f"{before}{opening}{step.lines}{rest}"
    else:
        text = f"{text}\n\n{step.lines}"
    if "`__all__`" in step.where:
        name = re.search(r"^(?:def|class) (\w+)", step.lines, re.MULTILINE)[1]
        text, n = re.subn(r"^__all__ = \[", f'__all__ = ["{name}", ', text, count=1, flags=re.MULTILINE)
        assert n == 1
    path.write_text(text, encoding="utf-8")


def copied(folder, steps):
    """A copy of the package and its tests, with some steps done."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
        else:
            shutil.copy(source, folder / name)
    for step in steps:
        do(folder, step)
    return folder


def run(copy, *args, **environment):
    done = subprocess.run(  # noqa: S603 - our own tests
        [sys.executable, *args],
        check=False,
        capture_output=True,
        text=True,
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
    )
    return done.returncode, done.stdout + done.stderr


def run_tests(copy, *args, **environment):
    return run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *args, **environment)


METRIC, GAIN, READER = "A metric", "A gain, and its re-ranker", "A reader"
DEMANDS = {
    METRIC: [
        "tests/test_metrics.py::test_there_is_no_oracle_without_a_metric",
        "tests/test_by_hand.py::test_every_metric_has_a_value_by_hand_or_of_another_project",
    ],
    GAIN: ["tests/test_rerank_definitions.py::test_all_rerankers_have_a_definition"],
    READER: ["tests/intake/test_formats.py::test_every_format_has_a_sample"],
}
LAWS = {
    METRIC: "cold_share or no_oracle or every_metric_has or tables",
    GAIN: "Quadratic or all_rerankers or tables",
    READER: "run-json or every_format",
}
FILES = {
    METRIC: ["laws", "metrics", "by_hand", "readme"],
    GAIN: ["rerank_definitions", "rerank_laws", "readme"],
    READER: ["formats"],
}


def test_recipes_are_short_and_few_files_long():
    assert set(RECIPES) == set(DEMANDS) == set(LAWS) == set(FILES)
    most = {METRIC: 4, GAIN: 3, READER: 2}
    for title, steps in RECIPES.items():
        assert len({step.path for step in steps}) <= most[title]
        assert any(map(is_test, steps))
        for step in steps:
            assert len(step.lines.splitlines()) <= LONGEST, step


def test_nothing_is_taken_without_its_test(tmp_path):
    copy = copied(tmp_path, [step for steps in RECIPES.values() for step in steps if not is_test(step)])
    demands = [test for tests in DEMANDS.values() for test in tests]
    code, said = run_tests(copy, *demands, NUMBA_DISABLE_JIT="1")
    assert code == 1, said
    assert f"{len(demands)} failed" in said, said
    for name in ("cold_share", "Quadratic", "run-json"):
        assert name in said


@pytest.mark.parametrize("title", RECIPES)
def test_the_laws_hold_for_a_recipe(title, tmp_path):
    copy = copied(tmp_path, RECIPES[title])
    if "readme" in FILES[title]:
        code, said = run(copy, "tests/readme.py", NUMBA_DISABLE_JIT="1")
        assert code == 0, said
    files = [str(next((copy / "tests").rglob(f"test_{name}.py"))) for name in FILES[title]]
    # numba would compile every kernel for the copy
    code, said = run_tests(copy, *files, "-k", LAWS[title], NUMBA_DISABLE_JIT="1")
    assert code == 0, said
    passed = int(re.search(r"(\d+) passed", said)[1])
    assert passed >= {METRIC: 12, GAIN: 8, READER: 2}[title], said
    assert "failed" not in said


def test_the_copies_would_pass_the_linters(tmp_path):
    ruff = shutil.which("ruff", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if ruff is None:
        pytest.skip("ruff is not installed")
    copy = copied(tmp_path, [step for steps in RECIPES.values() for step in steps])
    changed = sorted({step.path for steps in RECIPES.values() for step in steps})
    done = [[ruff, "format", "--diff", *changed], [ruff, "check", *changed, "--ignore", "RUF022"]]
    for command in done:
        found = subprocess.run(command, check=False, capture_output=True, text=True, cwd=copy)  # noqa: S603 - ours
        if command[1] == "check":
            assert found.returncode == 0, found.stdout
        else:
            removed = [line for line in found.stdout.splitlines() if line.startswith("-") and "__all__" not in line]
            assert not [line for line in removed if not line.startswith("---")], found.stdout
