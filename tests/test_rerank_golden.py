"""What other projects assert of their re-rankers, through the public classes and their parameters."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rerank_worlds import MARKS, own

import beyondacc as ba

pytestmark = MARKS
FILE = Path(__file__).resolve().parents[2] / "shared" / "oracles" / "reranking_pyversity.json"
absent = pytest.mark.skipif(not FILE.is_file(), reason="shared/oracles is not beside the checkout")
READ = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {"cases": [], "datasets": {}}
RTOL = 2e-6  # pyversity 0.2.0 works in float32


def clipped_cosine(one, other):
    """1 minus the cosine, no similarity below 0."""
    dot = ones = others = 0.0
    for place in range(len(one)):
        dot += one[place] * other[place]
        ones += one[place] ** 2
        others += other[place] ** 2
    return 1.0 - max(dot / math.sqrt(ones * others), 0.0)


def clipped_dot(one, other):
    """1 minus the inner product, no similarity below 0."""
    dot = 0.0
    for place in range(len(one)):
        dot += one[place] * other[place]
    return 1.0 - max(dot, 0.0)


def minus_dot(one, other):
    """What the inner product lacks to 8, which is as good as its negative: MSD picks the same for any constant."""
    dot = 0.0
    for place in range(len(one)):
        dot += one[place] * other[place]
    return 8.0 - dot


def mmr(metric="cosine", normalize=True):
    assert (metric, normalize) in {("cosine", True), ("dot", False)}
    similarity = clipped_cosine if metric == "cosine" else clipped_dot
    return ba.MMR(normalize="none", distance=own(similarity))


def msd(metric="cosine", normalize=True):
    assert (metric, normalize) in {("cosine", True), ("dot", False)}
    return ba.MSD(normalize="none", distance="cosine" if metric == "cosine" else own(minus_dot))


def cover():
    return ba.Cover(normalize="none", gamma=0.5, distance="cosine")


def dpp(scale=1.0):
    return ba.DPP(scale=scale)


def ssd(window=None, normalize=True, append_bias=True, normalize_scores=True):
    how = "zscore" if normalize_scores else "none"
    return ba.SSD(window=window, unit=normalize, bias=append_bias, normalize=how)


METHODS = {"MMR": mmr, "MSD": msd, "COVER": cover, "DPP": dpp, "SSD": ssd}


@absent
@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in READ["cases"]])
def test_pyversity(case):
    inputs = case["inputs"]
    given = READ["datasets"][str(inputs["dataset"])]
    n = len(given["scores"])
    data = ba.Dataset(items=pd.DataFrame({"item_id": range(n)}), vectors=np.array(given["embeddings"]))
    candidates = pd.DataFrame({"user_id": 1, "item_id": range(n), "score": given["scores"]})
    if case["id"] == "pyversity-d1-dpp-1.0":
        # All are worth the same at its first pick, which goes to the first of its input, in no order of scores.
        candidates["rank"] = range(n)
    chosen = METHODS[case["metric"].split()[0]](**inputs["kwargs"]).at(inputs["diversity"])
    if inputs["diversity"] == 0:
        chosen = dataclasses.replace(chosen, normalize="none")  # it gives the scores back as they are
    made = chosen.rerank(candidates, data, k=inputs["k"])
    assert made.to_dict()[1] == case["expected"]["indices"]
    gains = case["expected"]["selection_scores"]
    if "msd-dot" in case["id"]:  # see `minus_dot`: the constant counts once for each item picked before
        gains = np.array(gains) + 8.0 * inputs["diversity"] * np.arange(len(gains))
    np.testing.assert_allclose(made.gain[0], gains, rtol=RTOL, atol=case["tol"])


@absent
def test_all_cases_are_used():
    names = [case["metric"].split()[0] for case in READ["cases"]]
    assert set(names) == set(METHODS)
    assert len(names) >= 17
    assert {key for case in READ["cases"] for key in case["inputs"]["kwargs"]} == {
        *("metric", "normalize", "scale", "window", "append_bias", "normalize_scores")
    }
