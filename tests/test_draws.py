"""The profiles of `draws`: the full one draws what is asked for, and the quick one visits all that the full one does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import bridge
import draws as profiles
import pytest
import test_laws
from draws import draws
from hypothesis import settings

from beyondacc.metrics import REGISTRY

HERE = Path(__file__).parent
LAWS = {  # how many random datasets each law is tried on, and the variants of each metric; as test_laws has them
    "test_the_order_of_the_rows_means_nothing": (6, test_laws.everything()),
    "test_the_order_of_the_items_means_nothing": (6, test_laws.everything(n=8)),
}


@pytest.fixture
def profile():
    """Choose a profile; the one that was chosen is back after the test."""
    (before,) = profiles._chosen
    yield profiles.choose
    profiles.choose(before)


@pytest.mark.parametrize(
    ("name", "numbers"), [("quick", [1, 1, 4, 7, 10, 20]), ("full", [1, 3, 4, 7, 100, 20]), ("tenfold", [10, 30, 40, 70, 1000, 200])]
)
def test_how_often(profile, name, numbers):
    profile(name)
    assert [draws(1), draws(3), draws(4, 9), draws(7, 7), draws(100), draws(20, 20)] == numbers
    assert settings().max_examples == draws(100)
