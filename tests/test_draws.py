"""The profiles of `draws`: the full one draws what is asked for, and the quick one visits all that the full one does.

That the loops inside of tests do so is asserted by each of them: every value of every parameter of every metric against
the oracle (test_metrics) and within its bounds (test_laws), every variant and world of every re-ranker
(test_rerank_definitions). Here is that no test and no parameter of one is left out, but for seeds.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path

import bridge
import draws as profiles
import pytest
import test_laws
from draws import draws
from hypothesis import settings

HERE = Path(__file__).parent
DRAWN = {"number", "seed"}  # the parameters of tests that stand for a draw
FILES = [path for path in sorted(HERE.rglob("test_*.py")) if "from draws import" in path.read_text(encoding="utf-8")]


@pytest.fixture
def choose():
    """Choose a profile; the one of this run is back after the test."""
    (before,) = profiles._chosen
    yield profiles.choose
    profiles.choose(before)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("quick", [1, 1, 4, 7, 10, 20]), ("full", [1, 3, 4, 7, 100, 20]), ("tenfold", [10, 30, 40, 70, 1000, 200])],
)
def test_how_often(choose, name, expected):
    choose(name)
    assert [draws(1), draws(3), draws(4, 9), draws(7, 7), draws(100), draws(20, 20)] == expected
    assert settings().max_examples == draws(100)


def parameters(path, monkeypatch):
    """``{test: [(names, values)]}`` of a file as it is imported in the profile that is chosen."""
    name = f"again_{path.stem}"
    monkeypatch.syspath_prepend(path.parent)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)  # where its dataclasses look for their types
    spec.loader.exec_module(module)
    tests = {name: found for name, found in vars(module).items() if name.startswith("test_")}
    return {
        name: [(mark.args[0], mark.args[1]) for mark in getattr(found, "pytestmark", []) if mark.name == "parametrize"]
        for name, found in tests.items()
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HERE)))
def test_the_quick_profile_leaves_out_nothing_but_draws(path, choose, monkeypatch):
    found = {}
    for name in ("quick", "full"):
        choose(name)
        found[name] = parameters(path, monkeypatch)
    quick, full = found.values()
    assert quick.keys() == full.keys()
    for test, given in full.items():
        for (names, values), (other_names, others) in zip(given, quick[test], strict=True):
            assert names == other_names
            if names in DRAWN and isinstance(values, range):
                assert list(others)
                assert {*others} <= {*values}, test
            else:
                assert len(list(others)) == len(list(values)), test


def test_every_law_is_tried_on_every_metric_and_value_as_in_the_full_profile(choose, monkeypatch):
    """Datasets differ in what they have, and so in the metrics that can be tried on them."""
    path, visited = HERE / "test_laws.py", {}
    for name in ("quick", "full"):
        choose(name)
        for test, given in parameters(path, monkeypatch).items():
            for numbers in (values for names, values in given if names == "number"):
                metrics = test_laws.everything(n=200)
                visited.setdefault(test, []).append(
                    {
                        (metric.family.name, *pair)
                        for number in numbers
                        for metric in metrics
                        if not metric.missing(test_laws.bound(number)[1], {"earlier"})
                        for pair in metric.values.items()
                    }
                )
    assert len(visited) > 5
    for test, (quick, full) in visited.items():
        assert quick == full, test
    every = {(family.name, *pair) for family in test_laws.FAMILIES for pair in bridge.pairs_of(bridge.covering(family))}
    assert len({name for name, *_ in every}) == len(test_laws.FAMILIES)


def literals(tree):
    """Lines where a number of draws is written down instead of asked for."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        given = [each.value for each in node.keywords if each.arg == "max_examples"]
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if called == "parametrize" and isinstance(node.args[0], ast.Constant) and node.args[0].value in DRAWN:
            given += getattr(node.args[1], "args", [])  # of range
        if any(isinstance(each, ast.Constant) for each in given):
            yield node.lineno


def test_numbers_of_draws_are_asked_for():
    wrong = {
        f"{path.relative_to(HERE)}:{line}"
        for path in HERE.rglob("test_*.py")
        for line in literals(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert not wrong
    assert list(literals(ast.parse("settings(max_examples=draws(9))\nmark.parametrize('seed', range(draws(3)))"))) == []
    assert list(literals(ast.parse("settings(max_examples=9)\nmark.parametrize('seed', range(3))"))) == [1, 2]
