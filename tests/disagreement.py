"""Print the largest disagreement of the metrics with their oracles on random cases: python tests/disagreement.py."""

from __future__ import annotations

from collections import Counter

import bridge
import numpy as np
from strategies import random_case

import beyondacc as ba
from beyondacc.evaluation.evaluate import evaluate_run
from beyondacc.metrics import REGISTRY

CASES = 400


def main():
    ba.distance(bridge.manhattan)
    rng = np.random.default_rng(5)
    variants = {name: bridge.variants(family, 400) for name, family in REGISTRY.items()}
    absolute, relative, compared = Counter(), Counter(), 0
    for number in range(CASES):
        switches = dict.fromkeys(("with_scores", "with_earlier", "with_dates", "with_attributes"), True)
        case = random_case(rng, with_vectors=number % 2 == 0, with_weights=number % 4 == 1, **switches)
        if not bridge.usable(case):
            continue
        data = bridge.to_dataset(case)
        run = bridge.to_run(case, data)
        for name, known in variants.items():
            metric = known[int(rng.integers(len(known)))]
            if metric.missing(data, run.side) or (name.startswith("binomial") and number % 4):
                continue  # exact fractions take their time
            found = np.atleast_1d(bridge.result_of(metric, evaluate_run(run, [metric], threads=1)[metric], run.world))
            expected = bridge.expected_of(case, metric)
            if metric.family.grain == "user":
                expected = [expected[user] for user in run.ids.tolist()]
            expected = np.atleast_1d(expected)
            finite = np.isfinite(expected)
            np.testing.assert_array_equal(found[~finite], expected[~finite], err_msg=str(metric))
            gaps = np.abs(found - expected)[finite]
            compared += len(gaps)
            absolute[name] = max(absolute[name], gaps.max(initial=0))
            relative[name] = max(relative[name], (gaps / np.maximum(1, np.abs(expected[finite]))).max(initial=0))
    print(f"{len(REGISTRY)} metrics, {compared:,} numbers")
    for what, found in (("absolute", absolute), ("relative to at least 1", relative)):
        print(f"{what}:", ", ".join(f"{name} {gap:.1e}" for name, gap in found.most_common(4)))


if __name__ == "__main__":
    main()
