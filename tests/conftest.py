"""What several test files share."""

from __future__ import annotations

import bridge
import pytest

from beyondacc import distances


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
