"""What several test files share."""

from __future__ import annotations

import bridge
import pytest

from beyondacc import distances
from beyondacc.cli import compiling


@pytest.fixture(scope="module")
def own_distance():
    """A distance of one's own, known by name while a test file runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "DISTANCES", distances.DISTANCES.copy())
        yield distances.distance(bridge.manhattan)


@pytest.fixture
def fresh_distances(monkeypatch):
    """Whatever distances a test makes are gone after it."""
    monkeypatch.setattr(distances, "DISTANCES", distances.DISTANCES.copy())


@pytest.fixture(autouse=True)
def nothing_is_said_of_the_compiler(monkeypatch):
    """What a command prints does not depend on what was compiled before; tests/test_compiling.py looks at that."""
    monkeypatch.setattr(compiling, "show", lambda **_: None)
