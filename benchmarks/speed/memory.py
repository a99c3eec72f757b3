"""Peak memory of an evaluation by every metric that a dataset allows.

Run ``python benchmarks/speed/memory.py L`` (or S, M). Prints the resident memory and the peak after each stage, and the
seconds each metric took.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

from workloads import make

import beyondacc as ba
from beyondacc.evaluation import default_metrics


def resident() -> float:
    """Resident memory in GB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e9


def peak() -> float:
    """Largest resident memory so far in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def say(what: str, started: float) -> None:
    """Print a line of the table."""
    print(
        f"{what:<44} {time.perf_counter() - started:9.2f} s  now {resident():6.2f} GB  peak {peak():6.2f} GB",
        flush=True,
    )


def main() -> None:
    """Make the workload, encode it, evaluate metric by metric."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", choices=["S", "M", "L"])
    parser.add_argument("-m", "--metric", action="append", help="only these metrics")
    chosen = parser.parse_args()
    started = time.perf_counter()
    work = make(chosen.size, candidates=False)
    say(f"workload {chosen.size}: {len(work.train):,} training rows", started)
    started = time.perf_counter()
    data = ba.Dataset(work.train, work.test, work.items, vectors=work.vectors)
    recs = ba.Recommendations.read(work.recs, data)
    say("frames to Dataset and Recommendations", started)
    before = [ba.Recommendations.read(work.recs.sample(frac=0.9, random_state=0), data)]
    ba.evaluate(recs.top(1), data, "ndcg@1", n_boot=0)
    metrics = chosen.metric or list(map(str, default_metrics(data, 10, every=True, earlier=True)))
    for metric in metrics:
        started = time.perf_counter()
        report = ba.evaluate(recs, data, metric, earlier=before, n_boot=0)
        say(f"{metric} = {report.value(metric):.4f}", started)


if __name__ == "__main__":
    main()
