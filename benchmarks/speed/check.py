"""Fail where a kernel has become slower: a check for CI.

Run ``OPENBLAS_NUM_THREADS=1 python benchmarks/speed/check.py``. Each kernel is timed on one thread in turn with naive
NumPy code, whose products of small matrices lose by threads. One that takes more than twice as much of the naive code's
time as ``baseline.json`` says, even after it was measured again, is named in a sentence, and the exit code is 1. So is
one whose values are not those of the naive code. ``--write`` records what is measured now.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cases import CASES, Case
from encoded import World, load_world
from kernels import Ours, agree, sample_rows
from timing import alternate, blas_threads, machine, now, number, versions

__all__ = ["BASELINE", "CHECKED", "Measured", "main", "measure"]

BASELINE = Path(__file__).with_name("baseline.json")
#: The cases that are checked.
CHECKED = (
    *("nDCG", "ILD Jaccard", "ILD cosine", "binomial diversity", "self-information", "surprise (content)"),
    *("surprise (nPMI)", "serendipity (rank)", "calibration", "personalization", "MMR Jaccard", "MMR cosine"),
    *("GreedyDiversity cosine", "DPP", "Cover", "SSD", "Calibrated", "Novelty"),
)
_TIMES = 2.0  # by which a kernel may become slower
_AGAIN = 4  # times that a suspicious one is measured once more
_RERANKED = 1000  # lists
_NAIVE = 100  # rows that naive code computes


@dataclasses.dataclass
class Measured:
    """One case.

    Attributes
    ----------
    ours, naive
        Seconds of the processor in the fastest round, of the same number of users.
    equal
        Whether the values are the same.
    """

    ours: float
    naive: float
    equal: bool

    @property
    def ratio(self) -> float:
        """How much of the naive code's time ours takes."""
        return self.ours / self.naive


def _works(case: Case, world: World) -> tuple[dict[str, Callable[[], Any]], bool, float]:
    """Return both sides, whether their values are equal, and how many times as many users ours computes."""
    if case.reranks and len(world.pool) > _RERANKED:
        kept = np.arange(len(world.pool)) < _RERANKED
        world = dataclasses.replace(world, pool=world.pool.take(kept))
    ours, prepared = Ours(case, world), case.prepare(world.arrays) if case.prepare else None
    n_rows = len(ours.run)
    rows = sample_rows(n_rows, 2 * _NAIVE if case.of_run else _NAIVE)
    run = ours.run
    if case.of_run:  # a value of the same users
        kept = np.zeros(n_rows, np.bool_)
        kept[rows] = True
        run = run.take(kept)
    found = ours.values(ours.bare(1, run), rows)
    equal = agree(found, case.naive(world.arrays, rows, prepared), case.tolerance)
    works = {"ours": lambda: ours.bare(1), "naive": lambda: case.naive(world.arrays, rows, prepared)}
    return works, equal, (n_rows / len(rows)) ** case.power


def measure(case: Case, world: World, baseline: float | None, *, repeats: int = 5) -> Measured:
    """Measure a case, and measure it again while it looks slower than the baseline allows."""
    with blas_threads(1):
        works, equal, factor = _works(case, world)
        found = Measured(np.inf, np.inf, equal)
        for _ in range(1 + _AGAIN):
            times = alternate(works, repeats=repeats, budget=1.0, warm=True)
            found.ours = min(found.ours, times["ours"].processor.least)
            found.naive = min(found.naive, factor * times["naive"].processor.least)
            if baseline is None or found.ratio <= _TIMES * baseline:
                break
    return found


def _complaint(name: str, found: Measured, baseline: float | None) -> str | None:
    if not found.equal:
        return f"{name} has other values than naive NumPy code; one of them is wrong"
    if baseline is None:
        return f"{name} is not in the baseline; record it with --write"
    if found.ratio > _TIMES * baseline:
        return (
            f"{name} takes {number(found.ratio)} of the time of naive NumPy code, {found.ratio / baseline:.1f} times "
            f"the recorded {number(baseline)}; find out why, or record it with --write"
        )
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Check, or record; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="C", help="workload")
    parser.add_argument("--only", action="append", choices=list(CASES), help="only these")
    parser.add_argument("--baseline", type=Path, default=BASELINE)
    parser.add_argument("--write", action="store_true", help="record what is measured as the baseline")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args(argv)
    known: dict[str, float] = {}
    if chosen.baseline.exists():
        known = json.loads(chosen.baseline.read_text(encoding="utf-8"))["ratios"]
    names = chosen.only or CHECKED
    world = load_world(chosen.size)
    complaints, measured = [], {}
    for name in names:
        baseline = None if chosen.write else known.get(name)
        found = measure(CASES[name], world, baseline, repeats=3 * chosen.repeats if chosen.write else chosen.repeats)
        measured[name] = float(f"{found.ratio:.3g}")
        was = "" if baseline is None else f", recorded {number(baseline)}"
        print(f"{name}: {number(1e3 * found.ours)} ms, {number(found.ratio)} of naive{was}", flush=True)
        complaint = _complaint(name, found, found.ratio if chosen.write else baseline)
        complaints += [complaint] if complaint else []
    if chosen.write and not complaints:
        record = {"date": now(), "size": chosen.size, "machine": machine(), "versions": versions()}
        record["ratios"] = known | measured
        chosen.baseline.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
