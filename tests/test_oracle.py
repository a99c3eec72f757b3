"""The oracles against values worked out by hand (or asserted by the tests of other projects, where it says so)."""

from __future__ import annotations

import ast
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import ORACLES, PER_USER, RUN_LEVEL, rerank
from oracle.diversity import conditional_tail, geometric_mean
from strategies import assemble, candidates, cases, random_candidates, random_case, scored_lists

LOG3 = math.log2(3)
NAN = float("nan")


def make(lists, truth=None, train=None, features=None, vectors=None, expected=None):
    features = {item: set(genres) for item, genres in features.items()} if features is not None else None
    train = {user: dict.fromkeys(items, 1.0) for user, items in (train or {}).items()}
    return assemble(lists, truth or {}, train, features, vectors, expected)


def value(case, name, k=10, **params):
    """The value of user u."""
    return ORACLES[name](case, k, **params)["u"]


GRADED = make({"u": ["a", "b", "c"]}, {"u": {"a": 3, "c": 2, "d": 1}})


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, 4 / (3 + 2 / LOG3 + 1 / 2)),
        ({"gain": "exp"}, 8.5 / (7 + 3 / LOG3 + 1 / 2)),
        ({"ideal": "full"}, 4 / (3 * (1 + 1 / LOG3 + 1 / 2))),
        ({"ideal": "full", "k": 4}, 4 / (3 * (1 + 1 / LOG3 + 1 / 2 + 1 / math.log2(5)))),
        ({"discount": "log2_clip"}, (3 + 2 / LOG3) / (3 + 2 + 1 / LOG3)),
        ({"k": 1}, 1),
    ],
)
def test_ndcg(params, expected):
    assert value(GRADED, "ndcg", **{"k": 3, **params}) == pytest.approx(expected, rel=1e-14)


def test_ndcg_of_zero_gains_is_zero():
    assert value(make({"u": ["a"]}, {"u": {"a": 0, "b": 0}}), "ndcg") == 0


def test_ndcg_of_the_wikipedia_example():
    # gains 3 2 3 0 1 2, two more judged documents with 3 and 2; .785 also in recommenders' tests (MIT)
    case = make({"u": list("abcdef")}, {"u": {"a": 3, "b": 2, "c": 3, "e": 1, "f": 2, "g": 3, "h": 2}})
    assert value(case, "ndcg", 6) == pytest.approx(0.785, abs=5e-4)


@pytest.mark.parametrize(
    ("name", "k", "params", "expected"),
    [
        ("precision", 5, {}, 2 / 5),
        ("precision", 5, {"denominator": "list"}, 2 / 3),
        ("precision", 2, {"denominator": "relevant"}, 1 / 2),
        ("precision", 5, {"denominator": "relevant"}, 2 / 3),
        ("recall", 2, {}, 1 / 3),
        ("recall", 2, {"denominator": "cut"}, 1 / 2),
        ("average_precision", 3, {}, (1 + 2 / 3) / 3),
        ("average_precision", 2, {}, 1 / 2),
        ("average_precision", 2, {"denominator": "relevant"}, 1 / 3),
        ("average_precision", 3, {"denominator": "hits"}, 5 / 6),
        ("hit_rate", 1, {}, 1),
        ("reciprocal_rank", 3, {}, 1),
    ],
)
def test_hits(name, k, params, expected):
    assert value(GRADED, name, k, **params) == pytest.approx(expected, rel=1e-14)


def test_a_late_hit_and_no_hit():
    case = make({"u": ["x", "y", "a"]}, {"u": {"a": 1}})
    assert value(case, "reciprocal_rank", 3) == pytest.approx(1 / 3)
    for name in ("reciprocal_rank", "hit_rate", "average_precision", "recall"):
        assert value(case, name, 2) == 0
    assert value(case, "average_precision", 2, denominator="hits") == 0


def test_who_gets_a_value():
    case = make({"empty": [], "only_list": ["a"]}, {"empty": {"a": 1}, "missing": {"a": 1}}, {"v": ["a"]})
    assert ORACLES["precision"](case, 1) == pytest.approx({"empty": 0, "missing": 0, "only_list": NAN}, nan_ok=True)
    assert ORACLES["epc"](case, 1) == pytest.approx({"empty": NAN, "missing": NAN, "only_list": 0}, nan_ok=True)
    binary = ORACLES["epc"](case, 1, relevance="binary")
    assert binary == pytest.approx({"empty": 0, "missing": 0, "only_list": NAN}, nan_ok=True)


GENRES = {"x": "ab", "y": "bc", "z": ""}


@pytest.mark.parametrize(
    ("listed", "params", "expected"),
    [
        ("xy", {}, 2 / 3),
        ("xyz", {}, 2 / 3),
        ("xyz", {"missing": "one"}, (2 / 3 + 2) / 3),
        ("xyz", {"missing": "zero"}, 2 / 9),
        ("xz", {"singleton": 0.0}, NAN),
        ("x", {}, NAN),
        ("x", {"singleton": 0.0}, 0),
        ("xy", {"distance": "cosine"}, 1 / 2),
        ("x?", {"missing": "one"}, 1),
        ("xy", {"distance": lambda a, b: sum(abs(p - q) for p, q in zip(a, b, strict=True))}, 2),
    ],
)
def test_ild(listed, params, expected):
    case = make({"u": list(listed)}, features=GENRES)
    assert value(case, "ild", **params) == pytest.approx(expected, rel=1e-14, nan_ok=True)


def test_ild_on_vectors():
    case = make({"u": list("xyzw")}, features=GENRES, vectors={"x": [1.0, 0.0], "y": [-2.0, 0.0], "z": [0.0, 0.0]})
    assert value(case, "ild", distance="cosine") == 2
    assert value(case, "ild", distance=lambda a, b: abs(a[0] - b[0])) == 3
    assert value(case, "ild") == pytest.approx(2 / 3)  # jaccard stays with the sets


def test_ild_of_kaminskas_and_bridge():
    # A-B 1, A-C 1, A-D .5, B-C 0, B-D 1, C-D 1
    case = make({"u": list("ABCD")}, features={"A": "h", "B": "d", "C": "d", "D": "hc", "E": "d"})
    assert value(case, "ild") == 0.75


# METRICS.md, section 3: p'(a) = .8, p'(b) = .2
TWO_GENRES = {"train": {"u": [1, 2], "v": [1, 2, 3]}, "features": {1: "a", 2: "a", 3: "b"}}


@pytest.mark.parametrize(
    ("listed", "alpha", "coverage", "nonredundancy"),
    [
        ([1, 2], 0, 0.8, 2 / 3),
        ([1, 3], 0, 1, 1),
        ([1, 2, 3], 0, 1, 0.950381926623),
        ([1, 2, 3], 0.5, 1, 0.986393923832),
        ([1, 2], 1, 1, 1),  # p''(a) = 1, the only genre considered
        ([3], 1, 0, 0),  # (1 - 1)^1, and no counted genre
        ([1, 2, 4], 0, math.sqrt(0.8**3), 0.896 / 0.992),  # an unknown item is a trial, too
    ],
)
def test_binomial(listed, alpha, coverage, nonredundancy):
    case = make({"u": listed}, **TWO_GENRES)
    assert value(case, "binomial_coverage", alpha=alpha) == pytest.approx(coverage, rel=1e-11)
    assert value(case, "binomial_nonredundancy", alpha=alpha) == pytest.approx(nonredundancy, rel=1e-11)
    assert value(case, "binomial_diversity", alpha=alpha) == pytest.approx(coverage * nonredundancy, rel=1e-11)


def test_binomial_counts_only_relevant_items_if_asked():
    case = make({"u": [1, 2, 3], "w": [1]}, {"u": {2: 1}}, **TWO_GENRES)
    # one trial, genre a: P(X >= 1 | X > 0) = 1; genre b is not covered by a relevant item, in a list of three
    assert value(case, "binomial_nonredundancy", relevant_only=True) == 1
    assert value(case, "binomial_coverage", relevant_only=True) == pytest.approx(math.sqrt(0.8**3))
    assert math.isnan(ORACLES["binomial_diversity"](case, 3, relevant_only=True)["w"])


def test_binomial_falls_back_without_genres_in_the_profile():
    case = make({"w": [1, 2], "x": [1, 2]}, train={**TWO_GENRES["train"], "x": [9]}, features=TWO_GENRES["features"])
    found = ORACLES["binomial_coverage"](case, 2, alpha=1)
    # p' = (4/6, 1/6) now, for the unknown user and for the one with a featureless profile
    assert found == pytest.approx({"w": 5 / 6, "x": 5 / 6})


def test_conditional_tail_at_the_ends():
    assert conditional_tail(1, 5, Fraction(0)) == 1
    assert conditional_tail(2, 5, Fraction(0)) == 0
    assert conditional_tail(5, 5, Fraction(1)) == 1
    tiny = Fraction(1, 10**12)
    assert conditional_tail(1, 50, tiny) == 1
    # p (1 - p) and p^2 over 2p - p^2
    assert conditional_tail(2, 2, tiny) == tiny / (2 - tiny)
    assert float(1 - conditional_tail(2, 2, 1 - tiny)) == pytest.approx(2e-12, rel=1e-9)
    assert geometric_mean([Fraction(1, 10**400)] * 2, 2) == 0
    assert geometric_mean([Fraction(1, 10**400), Fraction(1, 10**200)], 600) == pytest.approx(0.1)


# four users, c_a = 4, c_b = 2, c_c = 1; d is cold; seven interactions
FOUR_USERS = {"p": "ab", "q": "ab", "r": "a", "s": "ac"}


@pytest.mark.parametrize(
    ("name", "listed", "params", "expected"),
    [
        ("self_information", "abcd", {}, (0 + 1 + 2 + 2) / 4),
        ("self_information", "abcd", {"normalized": True}, 5 / 8),
        ("self_information", "c", {"denominator": "interactions"}, math.log2(7)),
        ("self_information", "abcd", {"cold": "drop"}, 1),
        ("self_information", "d", {"cold": "drop"}, NAN),
        ("self_information", "cb", {"discount": "log2"}, (2 + 1 / LOG3) / (1 + 1 / LOG3)),
        ("self_information", "dcb", {"discount": "reciprocal", "cold": "drop"}, (2 / 2 + 1 / 3) / (1 / 2 + 1 / 3)),
        ("self_information", "cb", {"discount": "exp"}, (2 + 0.85) / 1.85),
        ("self_information", "cb", {"discount": "exp", "base": 0.5}, 2.5 / 1.5),
        ("self_information", "cb", {"relevance": "binary"}, 1 / 2),
        ("self_information", "cb", {"relevance": "background", "background": 0.25}, 1.5 / 2),
        ("epc", "abcd", {}, (0 + 1 / 2 + 3 / 4 + 1) / 4),
        ("epc", "abcd", {"cold": "drop"}, 1.25 / 3),
        ("mean_popularity", "abcd", {}, 7 / 4),
        ("mean_popularity", "abcd", {"normalized": True}, 1 / 4),
        ("mean_popularity", "abcd", {"cold": "drop"}, 7 / 3),
        ("mean_popularity", "bc", {"discount": "log2", "relevance": "binary"}, 2 / (1 + 1 / LOG3)),
    ],
)
def test_novelty(name, listed, params, expected):
    case = make({"u": list(listed)}, {"u": {"b": 1}}, FOUR_USERS)
    assert value(case, name, **params) == pytest.approx(expected, rel=1e-14, nan_ok=True)


def test_self_information_of_rectools():
    # RecTools tests/metrics/test_novelty.py (Apache-2.0), MIUF@2
    case = make(
        {"u1": ["i3"], "u2": ["i2", "i3"], "u3": ["i1", "i2"]},
        train={"u1": ["i1", "i2"], "u2": ["i1"], "u3": ["i1"]},
    )
    expected = {"u1": 1.5849625007211563, "u2": 1.5849625007211563, "u3": 0.7924812503605781}
    assert ORACLES["self_information"](case, 2) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("listed", "params", "expected"),
    [
        ("z", {}, 0.5),
        ("z", {"profile": "mean"}, (0.5 + 1) / 2),
        ("zxe", {}, (0.5 + 0) / 2),  # e has no features and is skipped
        ("e", {}, NAN),
    ],
)
def test_surprise_content(listed, params, expected):
    features = {"x": "a", "y": "c", "z": "ab", "e": ""}
    case = make({"u": list(listed), "w": ["x"]}, train={"u": "xye"}, features=features)
    assert value(case, "surprise_content", **params) == pytest.approx(expected, nan_ok=True)
    assert math.isnan(ORACLES["surprise_content"](case, 5)["w"])


def test_surprise_cooccurrence():
    # of four users two have i, one has j, one both: nPMI = log2(4 / 2) / log2(4) = 1/2
    case = make({"u": ["j"]}, train={"u": ["i"], "v": ["i", "j"], "w": ["k"], "x": ["k"]})
    assert value(case, "surprise_cooccurrence") == 0.25
    case.lists["u"] = ["j", "i", "k", "cold"]
    assert value(case, "surprise_cooccurrence") == (0.25 + 0 + 1 + 1) / 4
    case.train["u"]["j"] = 1.0  # now c_i = c_j = c_ij = 2: nPMI 1
    assert value(case, "surprise_cooccurrence", profile="mean") == (0 + 0 + 1 + 1) / 4


def test_surprise_cooccurrence_with_something_everybody_has():
    case = make({"u": ["j"]}, train={"u": ["i", "j"], "v": ["i", "j"]})
    assert value(case, "surprise_cooccurrence") == 0


def test_unexpectedness_and_serendipity():
    # popularity: a 3, b 2, c 2, d 1, e 1; u has a, so that u expects b and c; a stranger expects a and b
    train = {"u": "ad", "v": "abc", "w": "abce"}
    case = make({"u": ["c", "e", "?"], "stranger": ["b"]}, {"u": {"e": 1, "c": 1}}, train)
    case.item_order = ["e", "c", "b", "a", "d", "?"]
    assert value(case, "unexpectedness", 2) == 1 / 2
    assert value(case, "unexpectedness", 3) == 1 / 3  # e is the first of the items with one user
    assert value(case, "serendipity_ge", 2) == 1 / 2
    assert ORACLES["unexpectedness"](case, 2)["stranger"] == 1
    assert ORACLES["unexpectedness"](case, 2, denominator="k")["stranger"] == 1
    assert value(case, "unexpectedness", 4, denominator="k") == 1 - 2 / 4  # of c, e and ? the first two are expected
    case.expected = {"u": ["e", "c"]}
    assert value(case, "unexpectedness", 3) == 1 / 3
    assert value(case, "unexpectedness", 1) == 1
    assert ORACLES["unexpectedness"](case, 2)["stranger"] == 1
    assert value(case, "serendipity_ge", 2) == 0


def test_whole_run():
    # shown: a 3 times, b once, c never, and an unknown item
    case = make({"u": ["a", "b"], "v": ["a", "?"], "w": ["a"], "x": []}, train={"t": "abc"})
    for name, params, expected in (
        ("catalog_coverage", {}, 2 / 3),
        ("catalog_coverage", {"count": True}, 2),
        ("gini", {}, 6 / 8),  # (-2*0 + 0*1 + 2*3) / (2 * 4)
        ("gini", {"denominator": "n"}, 6 / 12),
        ("gini", {"complement": True}, 1 / 4),
        ("entropy", {}, 2 - 3 / 4 * LOG3),
        ("entropy", {"normalized": True}, (2 - 3 / 4 * LOG3) / LOG3),
        ("personalization", {}, 1 - (1 / 2 + 2 / math.sqrt(2)) / 3),
    ):
        assert ORACLES[name](case, 2, **params) == pytest.approx(expected, rel=1e-14), (name, params)
    assert ORACLES["catalog_coverage"](case, 1) == 1 / 3
    assert ORACLES["gini"](case, 1) == 1
    assert ORACLES["personalization"](case, 1) == 0


def test_whole_run_of_nothing():
    empty = make({"u": [], "v": ["?"]}, train={"t": "abc"})
    assert ORACLES["catalog_coverage"](empty, 5) == 0
    assert all(math.isnan(ORACLES[name](empty, 5)) for name in ("gini", "entropy", "personalization"))
    single = make({"u": ["a"]}, train={"t": "a"})
    assert ORACLES["entropy"](single, 5) == 0
    assert math.isnan(ORACLES["gini"](single, 5))
    assert math.isnan(ORACLES["entropy"](single, 5, normalized=True))


# Candidates in input order; 0 and 1 are alike, 2 is far from both.
SCORES = [4.0, 3.0, 2.0]
FAR = [[0.0, 0.25, 1.0], [0.25, 0.0, 1.0], [1.0, 1.0, 0.0]]


def test_mmr():
    # minmax 1, .5, 0; after 0: .25 - .5*.75 = -.125 against 0 - 0; then 1 with -max(.75, 0)
    assert rerank.mmr(SCORES, FAR, 0.5, 3) == ([0, 2, 1], [0.5, 0.0, -0.125])
    assert rerank.mmr(SCORES, FAR, 0.5, 3, None) == ([0, 1, 2], [2.0, 1.125, 1.0])
    assert rerank.mmr(SCORES, FAR, 1.0, 2) == ([0, 2], [0.0, 0.0])
    assert rerank.mmr([1.0, 5.0, 1.0], FAR, 0, 2) == ([0, 1], [0.0, 1.0])
    assert rerank.mmr([1.0, 5.0, 2.0], FAR, 0.25, 9, "rank")[0] == [0, 1, 2]


def test_a_missing_distance_is_one():
    missing = [[0.0, 0.25, NAN], [0.25, 0.0, NAN], [NAN, NAN, NAN]]
    assert rerank.mmr(SCORES, missing, 0.5, 3) == rerank.mmr(SCORES, FAR, 0.5, 3)
    assert rerank.greedy_diversity(SCORES, missing, 0.5, 3) == rerank.greedy_diversity(SCORES, FAR, 0.5, 3)


def test_greedy_diversity():
    # after 0: 1 has .25 + .125, 2 has 0 + .5; then 1 has .25 + .5 * (.25 + 1) / 2
    assert rerank.greedy_diversity(SCORES, FAR, 0.5, 3) == ([0, 2, 1], [0.5, 0.5, 0.5625])
    # z-scored: -1 and 1 for the two that remain, then a single one: 0
    picks, values = rerank.greedy_diversity(SCORES, FAR, 0.5, 3, "zscore", renormalize=True)
    assert picks == [0, 2, 1]
    assert values == pytest.approx([math.sqrt(1.5) / 2, (1 - math.sqrt(1.5)) / 2, 0])


def test_novelty_reranking():
    # z(s) = sqrt(1.5), 0, -sqrt(1.5); z(term) reversed: all tie at .5
    assert rerank.novelty(SCORES, [0.0, 1.0, 2.0], 0.5, 3) == ([0, 1, 2], [0.0, 0.0, 0.0])
    assert rerank.novelty(SCORES, [0.0, 1.0, 2.0], 0.75, 2)[0] == [2, 1]
    assert rerank.novelty(SCORES, [7.0, 7.0, 7.0], 0.75, 2)[0] == [0, 1]
    assert rerank.novelty([1.0, 2.0], [5.0, 0.0], 0, 2)[0] == [0, 1]


@pytest.mark.parametrize("how", ["zscore", "minmax"])
def test_constant_scores_become_zeros(how):
    assert rerank.normalized([0.1] * 3, how) == [0, 0, 0]
    assert rerank.normalized([], how) == []


def test_normalisations():
    assert rerank.normalized([5.0, 9.0, 1.0], "rank") == [1, 0.5, 0]
    assert rerank.normalized([5.0], "rank") == [0]
    assert rerank.normalized([5.0, 9.0, 1.0], "minmax") == [0.5, 1, 0]
    assert rerank.normalized([1.0, 3.0], "zscore") == [-1, 1]
    assert rerank.normalized([2, 2], None) == [2, 2]


@given(candidates(), st.sampled_from([0.125, 0.5, 1.0]))
def test_reranking_takes_the_best_and_regret_sees_what_is_not(given_candidates, diversity):
    scores, matrix = given_candidates
    for order, regret in (
        (rerank.mmr, rerank.mmr_regret),
        (rerank.greedy_diversity, rerank.greedy_diversity_regret),
    ):
        picks, values = order(scores, matrix, diversity, 5)
        assert sorted(set(picks)) == sorted(picks)
        assert len(picks) == len(values) == min(5, len(scores))
        assert regret(picks, scores, matrix, diversity) == 0


def test_regret_of_a_wrong_order():
    assert rerank.mmr_regret([0, 1, 2], SCORES, FAR, 0.5) == 0.125
    assert rerank.greedy_diversity_regret([1, 0, 2], SCORES, FAR, 0.5) == pytest.approx(0.25)


BOUNDED = sorted(set(ORACLES) - {"self_information", "mean_popularity", "entropy"})  # the rest lies in 0..1


def check(case, k):
    for name in BOUNDED:
        if case.features is None and name.startswith(("ild", "binomial", "surprise_content")):
            continue
        found = ORACLES[name](case, k)
        for number in found.values() if name in PER_USER else [found]:
            assert math.isnan(number) or -1e-12 <= number <= 1 + 1e-12, name
        if name in PER_USER:
            assert set(found) == {*case.lists, *case.truth}


@given(cases(), st.integers(1, 6))
def test_bounds_on_drawn_cases(case, k):
    check(case, k)


@given(st.data())
def test_scored_lists_sort_back(data):
    lists = data.draw(cases()).lists
    scores = data.draw(scored_lists(lists))
    for user, items in lists.items():
        pairs = sorted(zip(items, scores[user], strict=True), key=lambda pair: -pair[1])
        assert [item for item, _ in pairs] == items


def test_random_cases_are_bounded_and_varied():
    rng = np.random.default_rng(7)
    drawn = [random_case(rng, with_vectors=i % 2 == 0, with_expected=i % 3 == 0) for i in range(40)]
    for case in drawn:
        check(case, 5)
    assert any(len(case.genres) > 64 for case in drawn)
    assert any(not items for case in drawn for items in case.lists.values())
    assert any(user not in case.lists for case in drawn for user in case.truth)
    assert any(user not in case.train for case in drawn for user in case.lists)
    assert any(item not in case.catalogue for case in drawn for items in case.lists.values() for item in items)
    assert any(gain == 0 for case in drawn for gains in case.truth.values() for gain in gains.values())
    assert any(not genres for case in drawn for genres in case.features.values())
    assert {type(user) for case in drawn for user in case.lists} == {int, str}


def test_random_candidates_have_missing_rows():
    scores, matrix = random_candidates(np.random.default_rng(1), n=6, missing=2)
    assert scores == sorted(scores, reverse=True)
    assert sum(all(math.isnan(d) for d in row) for row in matrix) == 2


def test_the_registry_is_split_in_two():
    assert set(PER_USER).isdisjoint(RUN_LEVEL)
    assert set(ORACLES) == set(PER_USER) | set(RUN_LEVEL)


def test_the_oracle_knows_neither_the_package_nor_numba():
    allowed = {"__future__", "collections", "dataclasses", "fractions", "functools", "itertools", "math", "oracle"}
    for path in (Path(__file__).parent / "oracle").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= allowed, path.name
