"""How often the tests draw: the one place that knows.

What is drawn many times (cases for an oracle, examples of hypothesis, seeds, inputs of the fuzzer, kills, forks) asks
`draws` how often. ``pytest --draws quick`` is the default and draws a tenth, but visits every metric, parameter, law
and world; ``--draws full`` is what .ci/run passes; ``--draws tenfold`` is for whoever looks for what is rare.
Numbers that a test's statistics rest on, as those that a significance level is checked with, are not draws.
"""

from __future__ import annotations

import math

from hypothesis import settings

PROFILES = {"quick": 0.1, "full": 1, "tenfold": 10}
_EXAMPLES = 100  # of hypothesis, where a test does not say how many

_chosen = ["quick"]


def choose(profile):
    """Take a profile for this process, before any test file is imported."""
    _chosen[:] = [profile]
    settings.register_profile(profile, max_examples=draws(_EXAMPLES))
    settings.load_profile(profile)


def draws(full, least=1):
    """Say how many to draw where the full profile draws so many.

    Parameters
    ----------
    full
        Of the full profile.
    least
        Which the quick profile does not go below: what visits everything once.
    """
    (profile,) = _chosen
    share = PROFILES[profile]
    return full if share == 1 else max(math.ceil(full * share), min(full, least))
