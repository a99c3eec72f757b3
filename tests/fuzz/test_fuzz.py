"""Whatever is given, it is done or refused in one sentence, within 30 s, and nothing half-written is left.

200 inputs; see `fuzzing`.
"""

from __future__ import annotations

import pytest
from fuzz_cases import commands, flags_of, make
from fuzzing import numbers, report, run_all

#: How many inputs of each kind; and what of them must not come to nothing, lest the fuzzer tests the parser alone.
FULL = {"bytes": 50, "cells": 50, "frames": 40, "metrics": 30, "options": 30}


@pytest.mark.parametrize("kind", FULL)
def test_whatever_is_given_is_done_or_refused_in_one_sentence(kind):
    cases = numbers(kind, FULL[kind])
    wrong, outcomes = run_all(kind, cases)
    assert not wrong, report(kind, wrong)
    if len(cases) > 1:
        done = outcomes.get("exit 0", 0) + outcomes.get("returned", 0)
        assert sum(outcomes.values()) == len(cases)
        assert 0.05 < done / len(cases) < 0.95, outcomes


@pytest.mark.parametrize("kind", FULL)
def test_a_case_is_the_same_whenever_it_is_made(kind):
    for number in range(5):
        one, other = make(kind, number), make(kind, number)
        assert (one.files, one.args, one.text) == (other.files, other.args, other.text)


def test_all_options_are_drawn():
    """The fuzzer takes options from the commands, so that new ones are tried without a word here."""
    drawn = {command: set() for command in commands()}
    left = {
        command: set(flags_of(command)) - {"-q", "--quiet"} for command in ("evaluate", "rerank", "compare", "study")
    }
    for number in range(2000):
        command, *args = make("options", number).args
        drawn[command] |= {arg for arg in args if arg.startswith("-")}
        if not any(flags - drawn[command] for command, flags in left.items()):
            break
    else:
        assert not {command: flags - drawn[command] for command, flags in left.items()}
