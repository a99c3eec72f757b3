"""What several test files share."""

from __future__ import annotations

import contextlib
from pathlib import Path

import bridge
import draws
import pytest
from turns import Turns

import beyondacc as ba
from beyondacc.cli import compiling

_TURNS = pytest.StashKey[Turns]()


def pytest_addoption(parser):
    parser.addoption(
        "--draws", choices=draws.PROFILES, default="quick", help="how much is drawn at random; see draws.py"
    )


def pytest_configure(config):
    draws.choose(config.getoption("--draws"))
    if hasattr(config, "workerinput"):  # of pytest-xdist: there are other processes that run tests
        config.stash[_TURNS] = Turns(Path(config.getoption("basetemp")).parent)  # which they share


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    turns = item.config.stash.get(_TURNS, None)
    alone = item.get_closest_marker("alone") is not None
    with contextlib.nullcontext() if turns is None else turns.take(alone=alone):
        return (yield)


def pytest_report_header(config):
    return f"draws: {config.getoption('--draws')}"


def pytest_make_parametrize_id(val):
    """Files in bytes are not told by what they hold: packed ones hold the time, and processes must name tests alike."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


@pytest.fixture(scope="module")
def own_distance():
    """A distance of one's own, known by name while a test file runs."""
    with bridge.distances_as_they_are():
        yield ba.distance(bridge.manhattan)


@pytest.fixture
def fresh_distances():
    """Whatever distances a test makes are gone after it."""
    with bridge.distances_as_they_are():
        yield


@pytest.fixture(autouse=True)
def nothing_is_said_of_the_compiler(monkeypatch):
    """What a command prints does not depend on what was compiled before; tests/test_compiling.py looks at that."""
    monkeypatch.setattr(compiling, "show", lambda **_: None)
