"""A value worked out by hand for every metric for which no other project asserts one: the suite demands it.

The arithmetic stands beside each value. Who adds a metric adds a row here, or maps a case in `test_golden.py`.
"""

from __future__ import annotations

import ast
import re
from math import log2, sqrt
from pathlib import Path

import pytest

import beyondacc as ba
from beyondacc.metrics import REGISTRY

pytestmark = pytest.mark.kernel

ITEMS = {
    "item_id": [1, 2, 3, 4, 5],
    "genres": [["a"], ["b"], ["a", "b"], ["a"], ["c"]],
    "date": ["2020-01-01", "2020-01-05", "2020-01-21", None, "2020-01-31"],
}
TRAIN = {"u": [1, 2], "v": [1, 3], "w": [1, 2]}  # c = 3, 2, 1, 0, 0, which is 6 rows of 3 users; the head is 1 and 2
TEST = {"u": [3, 4], "v": [2], "x": [5]}
LISTS = {"u": [3, 4], "v": [2, 5]}
EARLIER = [{"u": [4, 1], "v": [2, 1]}, {"u": [3, 5]}]
PRIMITIVE = {"u": [3, 1], "v": [4, 5]}

L = 1 / log2(3)  # the weight of the second rank; that of the first is 1


def js(p, q):
    """Square root of the Jensen-Shannon divergence in bits, with a thousandth of the other in either."""
    one = [0.999 * a + 0.001 * b for a, b in zip(p, q, strict=True)]
    other = [0.999 * b + 0.001 * a for a, b in zip(p, q, strict=True)]
    half = [(a + b) / 2 for a, b in zip(one, other, strict=True)]
    parts = (a * log2(a / m) / 2 for side in (one, other) for a, m in zip(side, half, strict=True) if a)
    return sqrt(sum(parts))


# genres a, b, c: the list of u gives 1/2 + 1/2 to a and 1/2 to b, that of v 1 to b and 1/2 to c
OF_U, OF_V = (2 / 3, 1 / 3, 0), (0, 2 / 3, 1 / 3)
PROFILE_U, PROFILE_V = (1 / 2, 1 / 2, 0), (3 / 4, 1 / 4, 0)

HAND = {
    # 2 hits / (2 + 2); 2 * 1 / (2 + 1); x has no list
    "f1@2": (1 + 2 / 3 + 0) / 3,
    # u: K / 2 = [[1/2, 1/4], [1/4, 1/2]] has the eigenvalues 3/4 and 1/4, and exp of their entropy is 4 / 3^(3/4); v: 2
    "vendi@2": (4 / 3**0.75 + 2) / 2,
    # 4 of 6 rows have a, 3 have b. u: a twice, (4/9) / (1 - 1/9) = 1/2, b once: 1; v: b and c once each
    "binomial_nonredundancy@2": (sqrt(1 / 2) + 1) / 2,
    # u: nothing is missing; v, of 3/4 a and 1/4 b: 1 - .75^2 / (.75^2 + .25^2) after both items
    "proportionality@2": (1 + 0.1) / 2,
    # u: 4 is not in the latest; v, whose latest is the first: 5
    "temporal_diversity@2": (1 / 2 + 1 / 2) / 2,
    # u: both were shown at some time; v: 5 was not
    "temporal_novelty@2": (0 + 1 / 2) / 2,
    # nobody has a listed item; two items in four places
    "unseen_share@4": 2 / 4,
    # u: 1 - 1/3 and 1; v: 1 - 2/3 and 1
    "epc@2": ((2 / 3 + 1) / 2 + (1 / 3 + 1) / 2) / 2,
    # 2 of 6 rows are of item 2, 1 of item 3, and that is the largest weight: u has it twice, v once
    "efd@2": (log2(6) + (log2(3) + log2(6)) / 2) / 2,
    # of 5 items: below 3 are 4 and 5, and itself by half; below 2 one more; 4 and 5 are equal
    "popularity_percentile@2": ((2.5 / 5 + 1 / 5) / 2 + (3.5 / 5 + 1 / 5) / 2) / 2,
    # to the 31st: u 10 days, 4 has no date; v 26 and 0
    "age@2": (10 + (26 + 0) / 2) / 2,
    # u: 3 is 1/2 from 1 and from 2, 4 is 0 and 1; v: 2 is 1 from 1 and 1/2 from 3, 5 is 1 from both
    "epd@2": ((1 / 2 + 1 / 2) / 2 + (3 / 4 + 1) / 2) / 2,
    "surprise_content@2": ((1 / 2 + 0) / 2 + (1 / 2 + 1) / 2) / 2,
    # 3 and 1 share v: 1 / sqrt(1 * 3), 3 and 2 nobody; 2 and 1 share two: 2 / sqrt(2 * 3); nobody has 4 and 5
    "unserendipity@2": ((1 / sqrt(3) + 0) / 2 + (2 / sqrt(6) + 0) / 2) / 2,
    # u: (1, 1, 0) and (1, 0, 0) with (1/2, 1/2, 0); v: (0, 1, 0) and (0, 0, 1) with (1, 1/2, 0)
    "distance_unexpectedness@2": ((0 + 1 - 1 / sqrt(2)) / 2 + (1 - 1 / sqrt(5) + 1) / 2) / 2,
    # u: 4, which is relevant, is left of two; v: 2, which is; x has no list
    "serendipity_ge@2": (1 / 2 + 1 / 2 + 0) / 3,
    # u: 3 is first in both, 4 has 1/2 - 0 times 2 hits / 2; v: 2 has 1 - 0 times 1 hit / 1
    "serendipity_murakami@2": ((0 + 1 / 2) / 2 + (1 + 0) / 2 + 0) / 3,
    # x has none
    "user_coverage@2": 2 / 3,
    # a and b of a, b and c
    "genre_coverage@1": 2 / 3,
    # 0, L, L, 1, 1 times -4, -2, 0, 2, 4, over 4 times their sum
    "exposure_gini@2": (-2 * L + 2 + 4) / (4 * (2 + 2 * L)),
    # four items once each
    "effective_catalog@2": 4,
    "hhi@2": 4 * (1 / 4) ** 2,
    "gini_simpson@2": 1 - 4 * (1 / 4) ** 2,
    # each 1 / (2 * 2) times 1 - 1/2
    "inter_user_diversity@2": 4 * (1 / 4) * (1 / 2),
    # u: 1/2 and 1/2 with 3/4 and 1/4; v: only b is in both, 1/4 and 1/2
    "calibration_hellinger@2": (sqrt(1 - sqrt(3 / 8) - sqrt(1 / 8)) + sqrt(1 - sqrt(1 / 8))) / 2,
    "radio_calibration@2": (js(PROFILE_U, OF_U) + js(PROFILE_V, OF_V)) / 2,
    # of five items a has 1 + 1/2 + 1, b 1 + 1/2, c 1
    "radio_representation@2": (js((0.5, 0.3, 0.2), OF_U) + js((0.5, 0.3, 0.2), OF_V)) / 2,
    "radio_fragmentation@2": js(OF_U, OF_V),
    # all but 2 are in the tail
    "aplt@2": (2 / 2 + 1 / 2) / 2,
    "aclt@2": (2 + 1) / 2,
    # lists: (1 + 0) / 2 and (2 + 0) / 2; profiles: (3 + 2) / 2 and (3 + 1) / 2, w has no list
    "popularity_lift@2": (0.75 - 2.25) / 2.25,
    # head: 2 of v is hit; tail: 3 and 4 of u are, 5 of x is not; 1 and 2/3, whose mean is 5/6 and deviation 1/6
    "pop_reo@2": (1 / 6) / (5 / 6),
    # head: 2 of v is shown, no other could be; tail: 3, 4, 5 of 3, 4, 5 of u and 4, 5 of v; 1 and 3/5
    "pop_rsp@2": 0.2 / 0.8,
    # head: 0 and 1; tail: 1, L and L
    "group_exposure_ratio@2": (1 / 2) / ((1 + 2 * L) / 3),
}


@pytest.mark.parametrize("metric", HAND)
def test_values_worked_out_by_hand(metric):
    import pandas as pd

    data = ba.Dataset(TRAIN, TEST, pd.DataFrame(ITEMS))
    report = ba.evaluate(LISTS, data, metric, earlier=EARLIER, primitive=PRIMITIVE, n_boot=0)
    assert report.value(metric) == pytest.approx(HAND[metric], rel=1e-12, abs=1e-15)


def golden():
    """The metrics that the cases of other projects are mapped to."""
    source = (Path(__file__).parent / "test_golden.py").read_text(encoding="utf-8")
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    words = {word for text in texts if isinstance(text, str) for word in re.findall(r"^[a-z_0-9]+(?=$|[(@])", text)}
    return {family.name for word in words if (family := REGISTRY.find(word)) is not None}


def demanded(families):
    """The metrics without a value that was not computed by this library or its oracles."""
    held = golden() | {REGISTRY.parse(text).family.name for text in HAND}
    return sorted(family.name for family in families if family.name not in held)


def test_every_metric_has_a_value_by_hand_or_of_another_project():
    assert len(golden()) > 25
    assert not demanded(REGISTRY.values()), "work a value out by hand in HAND, or map a case in test_golden.py"
    assert not golden() & {REGISTRY.parse(text).family.name for text in HAND}, "each once"
