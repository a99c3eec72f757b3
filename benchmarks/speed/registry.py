"""Every metric that a workload allows: seconds and peak memory, each on its own and all together.

Run ``python benchmarks/speed/registry.py L`` (or S, M). From encoded lists, through `evaluate`, without a bootstrap.
"""

from __future__ import annotations

import argparse
from typing import Any

from timing import Peak, alternate, blas_threads, table
from workloads import Workload, make

import beyondacc as ba
from beyondacc.evaluation.evaluate import default_metrics
from beyondacc.metrics.base.metric import Metric, Need
from beyondacc.run.local import n_threads

__all__ = ["measure_registry", "registry_table"]

_K = 10


def _looks_at_pairs_of_users(metric: Metric) -> bool:
    """Tell metrics that count which users share items."""
    of_all = Need.TRAIN_OF_ALL in metric.family.needs(metric.values)
    return of_all or getattr(metric.values.get("distance"), "needs", None) == "train"


def measure_registry(work: Workload, *, repeats: int = 3, names: list[str] | None = None) -> dict[str, Any]:
    """Measure all metrics, or some.

    Returns
    -------
    dict
        ``together``: seconds of all that need no co-occurrence in one call, by number of threads; ``rows``: each metric
        on its own, with the memory that it needed at most, in GB.
    """
    data = ba.Dataset(work.train, work.test, work.items, vectors=work.vectors)
    recs = ba.Recommendations.read(work.recs, data)
    before = [ba.Recommendations.read(work.recs.sample(frac=0.9, random_state=0), data)]

    def evaluate(metrics: Any, threads: int) -> list[float]:
        report = ba.evaluate(recs, data, metrics, earlier=before, n_boot=0, threads=threads)
        return [report.value(metric) for metric in report]  # which are added up when they are asked for

    found = default_metrics(data, _K, every=True, side={"earlier"})
    metrics = [metric for metric in found if names is None or metric.family.name in names]
    plain = [metric for metric in metrics if not _looks_at_pairs_of_users(metric)]
    some = recs.users[:300]
    few = ba.Recommendations(some, recs.items, recs.lists[:300], None if recs.scores is None else recs.scores[:300])
    ba.evaluate(few, data, metrics, earlier=before, n_boot=0)  # compiles, and derives what is kept of the items
    counts = sorted({1, min(2, n_threads())})
    rows = []
    with blas_threads(1):
        works = {count: lambda t=count: evaluate(plain, t) for count in counts}
        together = alternate(works, repeats=repeats, budget=30.0, warm=True)
        for metric in metrics:
            works = {count: lambda t=count, m=metric: evaluate(m, t) for count in counts}
            with Peak() as peak:
                times = alternate(works, repeats=repeats, budget=2.0, warm=True)
            rows.append(
                {
                    "metric": str(metric),
                    "seconds": {str(count): each.median for count, each in times.items()},
                    "processor": {str(count): each.processor.median for count, each in times.items()},
                    "peak_gb": peak.more,
                }
            )
    return {
        "n_together": len(plain),
        "together": {str(count): each.median for count, each in together.items()},
        "together_processor": {str(count): each.processor.median for count, each in together.items()},
        "rows": sorted(rows, key=lambda row: -row["processor"]["1"]),
    }


def registry_table(found: dict[str, Any]) -> str:
    """Return what was measured as markdown."""
    counts = list(found["together"])
    clocks = [f"{count} thread{'s' * (count != '1')}, s" for count in counts]
    header = ("metric", clocks[0], "of the processor", *clocks[1:], "peak, GB")
    together = {"metric": f"the {found['n_together']} without co-occurrence in one call", "peak_gb": None}
    together |= {"seconds": found["together"], "processor": found["together_processor"]}
    lines = []
    for row in (together, *found["rows"]):
        one, *more = (row["seconds"][count] for count in counts)
        lines.append((row["metric"], one, row["processor"]["1"], *more, row["peak_gb"]))
    said = (
        "`evaluate` of encoded lists, one call a metric, and one for all that need no co-occurrence; without a "
        "bootstrap. Peak: memory beyond what was there before."
    )
    return f"{said}\n\n{table(header, lines)}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size")
    parser.add_argument("-m", "--metric", action="append", help="only these")
    chosen = parser.parse_args()
    print(registry_table(measure_registry(make(chosen.size, candidates=False), names=chosen.metric)))


if __name__ == "__main__":
    main()
