"""What the fuzzer's files share."""

import pytest

from beyondacc.warmup import warmup


@pytest.fixture(scope="package", autouse=True)
def compiled():
    """All is compiled before a case is timed: what compiles is silent for as long as what is stuck."""
    warmup()
