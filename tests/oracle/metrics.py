"""Every oracle by the registry name of its metric: `name(case, k, *, parameters)`.

Whatever function of the modules takes a case, k and nothing else but parameters by their names is an oracle.
"""

from __future__ import annotations

import inspect

from oracle import accuracy, aspects, calibration, coverage, diversity, novelty, popularity, serendipity


def _is_oracle(module, function):
    """Whether a module declares it, with the arguments of an oracle."""
    if not inspect.isfunction(function) or function.__module__ != module.__name__ or function.__name__[0] == "_":
        return False
    first, *parameters = inspect.signature(function).parameters.values()
    named = {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
    return (
        first.name == "case"
        and bool(parameters)
        and parameters[0].name == "k"
        and all(each.kind in named for each in parameters[1:])
    )


ORACLES = {
    name: function
    for module in (accuracy, diversity, aspects, novelty, serendipity, coverage, calibration, popularity)
    for name, function in vars(module).items()
    if _is_oracle(module, function)
}
# Give one float for the whole run, and say so.
RUN_LEVEL = {name: each for name, each in ORACLES.items() if each.__annotations__.get("return") == "float"}
# Give {user: float}, NaN where undefined; users are those with a list or with truth.
PER_USER = {name: each for name, each in ORACLES.items() if name not in RUN_LEVEL}
