"""Parquet files with flipped bits are read or refused in one sentence."""

from __future__ import annotations

from fuzzing import numbers, report, run_all


def test_flipped_bits_of_a_parquet_file():
    cases = numbers("parquet", 100)
    wrong, outcomes = run_all("parquet", cases)
    assert not wrong, report("parquet", wrong)
    if len(cases) > 1:
        assert outcomes.get("exit 0", 0) > 0  # a bit of what nobody reads
        assert outcomes.get("exit 2", 0) > len(cases) // 3
