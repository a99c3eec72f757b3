"""Why two tools print different numbers: the choices add up to the difference."""

import itertools
import json
import math
from pathlib import Path

import pandas as pd
import pytest

from beyondacc.comparison.differences import Choice, Difference, explain_difference
from beyondacc.data.dataset import Dataset
from beyondacc.errors import SpecError
from beyondacc.evaluation.conventions import Convention, conventions
from beyondacc.evaluation.evaluate import evaluate
from beyondacc.metrics import REGISTRY

pytestmark = pytest.mark.kernel

TOY = json.loads((Path(__file__).parent / "conventions.json").read_text(encoding="utf-8"))
ITEMS = {item: TOY["genres"].get(item, []) for item in TOY["items"]}
RECS = TOY["recs"]
PAIRS = [
    *(("ndcg@5", *pair) for pair in itertools.combinations(["rectools", "ranx", "recbole", "lenskit", "elliot"], 2)),
    ("average_precision@5", "rectools", "lenskit"),
    ("recall@5", "recommenders", "lenskit"),
    ("gini@5", "recbole", "elliot"),
    ("self_information@5", "replay", "rectools"),
    ("serendipity_rank@5", "rectools", None),
]


@pytest.fixture(scope="module")
def data():
    return Dataset(TOY["train"], TOY["test"], ITEMS)


def printed(data, metric, tool):
    report = evaluate(RECS, data, metric, convention=tool, n_boot=0)
    return report.value(report.metrics[0])


@pytest.mark.parametrize(("metric", "first", "second"), PAIRS)
def test_the_effects_add_up(data, metric, first, second):
    found = explain_difference(RECS, data, metric, first, second)
    assert found.first_value == printed(data, metric, first)
    assert found.second_value == printed(data, metric, second)
    total = sum(each.effect for each in found.choices)
    assert total == pytest.approx(found.second_value - found.first_value, abs=1e-12)
    sizes = [abs(each.effect) for each in found.choices]
    assert sizes == sorted(sizes, reverse=True)
    assert found.metric == metric
    assert (found.first, found.second) == (first, second or "beyondacc")
    back = explain_difference(RECS, data, metric, second, first)
    assert {each.name: each.effect for each in back.choices} == pytest.approx(
        {each.name: -each.effect for each in found.choices}, abs=1e-12
    )


@pytest.mark.parametrize("tool", [None, "rectools", "trec_eval"])
def test_equal_conventions_leave_no_choice(data, tool):
    found = explain_difference(RECS, data, "ndcg@5", tool, tool)
    assert found.choices == ()
    assert found.first_value == found.second_value
    assert str(found).endswith("\nThe two make the same choices.")
    assert found.to_pandas().empty


def test_a_single_choice_is_the_whole_difference(data):
    full = Convention("full", "Full", {"ndcg": {"ideal": "full"}}, {}, {}, "")
    found = explain_difference(RECS, data, "ndcg@5", full)
    (choice,) = found.choices
    assert (choice.name, choice.first, choice.second) == ("ideal", "full", "achievable")
    assert choice.effect == choice.alone == found.second_value - found.first_value
    assert choice.meaning == REGISTRY["ndcg"].documented["ideal"]
    assert "Changed alone" not in str(found)
    assert repr(found) == str(found)


def test_two_choices_by_hand(data):
    """Shapley's shares of two choices: the mean of what each moves first and what it moves last."""
    first = Convention("one", "One", {"precision": {}}, {"users": "intersection"}, {}, "")
    second = Convention("two", "Two", {"precision": {"denominator": "list"}}, {}, {}, "")
    plain, by_list = "precision@5", "precision(denominator=list)@5"
    corners = {
        (metric, users): evaluate(RECS, data, metric, users=users, n_boot=0).value(metric)
        for metric in (plain, by_list)
        for users in ("intersection", "all")
    }
    found = explain_difference(RECS, data, "precision@5", first, second)
    start, end = corners[plain, "intersection"], corners[by_list, "all"]
    of_list = corners[by_list, "intersection"] - start, end - corners[plain, "all"]
    of_users = corners[plain, "all"] - start, end - corners[by_list, "intersection"]
    effects = {each.name: (each.alone, each.effect) for each in found.choices}
    assert effects["denominator"] == pytest.approx((of_list[0], sum(of_list) / 2), abs=1e-15)
    assert effects["users"] == pytest.approx((of_users[0], sum(of_users) / 2), abs=1e-15)
    assert effects.keys() == {"denominator", "users"}


def test_a_policy_of_one_metric_counts(data):
    found = explain_difference(RECS, data, "recall@5", "recommenders", "recbole")
    assert ("users", "intersection", "tested") in {(each.name, each.first, each.second) for each in found.choices}
    found = explain_difference(RECS, data, "ndcg@5", "recommenders", "recbole")
    assert ("users", "all", "tested") in {(each.name, each.first, each.second) for each in found.choices}


def test_parameters_that_are_named_are_the_same_for_both(data):
    found = explain_difference(RECS, data, "ndcg(gain=exp, discount=log2_clip)@5", "rectools", "elliot")
    assert found.first_metric.values["discount"] == found.second_metric.values["discount"] == "log2_clip"
    assert {"ideal", "gains"} <= {each.name for each in found.choices}
    assert not {"gain", "discount"} & {each.name for each in found.choices}


def test_the_text(data):
    text = str(explain_difference(RECS, data, "ndcg@5", "rectools", "ranx"))
    lines = text.splitlines()
    assert lines[0] == "ndcg@5: rectools prints 0.2245, ranx 0.2347 (+0.0103)"
    assert lines[1] == "  +0.0690  ideal: full -> achievable"
    assert "           Changed alone it moves rectools's number by +0.0577." in lines
    # a listed user without a test row counts 0 with the one alone, and nobody else does
    assert lines[-4:] == [
        "  -0.0014  undefined: skip -> zero",
        "           What a user counts for whom a metric is undefined: skip: nothing; zero: 0.",
        "           Changed alone it moves rectools's number by -0.0028.",
        "  Without effect here: level: every row -> from 1 on",
    ]
    assert max(map(len, lines)) <= 110
    tested = {user: RECS[user] for user in RECS if user in TOY["test"]}
    text = str(explain_difference(tested, data, "ndcg@5", "rectools", "ranx"))
    assert text.endswith(
        "\n  Without effect here: users: all -> judged, undefined: skip -> zero, level: every row -> from 1 on"
    )


def test_what_is_without_effect_takes_one_line():
    idle = [Choice(name, True, None, "what it means", 0.0, 1e-9) for name in ("one", "two")]
    unknown = Choice("three", 1, 2, "what it means", math.nan, math.nan)
    both = {"first_metric": REGISTRY["ndcg"] @ 5, "second_metric": REGISTRY["ndcg"] @ 5}
    shown = Difference("ndcg@5", "a", "b", **both, first_value=0.5, second_value=0.5, choices=(unknown, *idle))
    assert str(shown).splitlines()[-1] == "  Without effect here: one: true -> none, two: true -> none"
    assert "three: 1 -> 2" in str(shown)


def test_the_table(data):
    table = explain_difference(RECS, data, "ndcg@5", "rectools", "ranx").to_pandas()
    assert list(table.columns) == ["choice", "rectools", "ranx", "alone", "effect"]
    assert set(table["choice"]) == {"ideal", "gains", "users", "undefined", "level"}
    assert table.set_index("choice").loc["ideal", ["rectools", "ranx"]].tolist() == ["full", "achievable"]


def test_lists_with_repetitions_and_columns(data):
    rows = [(user, item, -rank) for user, items in RECS.items() for rank, item in enumerate(items)]
    frame = pd.DataFrame(rows, columns=["who", "item", "score"])
    once = Convention("once", "Once", {"ndcg": {}}, {"duplicates": "first"}, {}, "")
    twice = pd.concat([frame, frame.head(3)])
    found = explain_difference(twice, data, "ndcg@5", "ranx", once, columns={"user": "who"}, threads=1)
    assert "duplicates" in {each.name for each in found.choices}
    assert found.first_value == pytest.approx(printed(data, "ndcg@5", "ranx"), abs=1e-15)


def test_ranks_with_gaps(data):
    rows = [(user, item, 2 * rank + 1) for user, items in RECS.items() for rank, item in enumerate(items)]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "rank"])
    found = explain_difference(frame, data, "ndcg@5", "rectools", "ranx")
    (ranks,) = [each for each in found.choices if each.name == "ranks"]
    assert (ranks.first, ranks.second) == ("literal", "order")
    assert ranks.effect > 0
    assert sum(each.effect for each in found.choices) == pytest.approx(found.second_value - found.first_value)


def test_messages(data):
    with pytest.raises(SpecError, match=r"explain_difference takes one metric, such as 'ndcg@10', not \['ndcg@10'\]"):
        explain_difference(RECS, data, ["ndcg@10"], "ranx")
    with pytest.raises(SpecError, match="takes one metric, such as 'ndcg@10', not 'all'"):
        explain_difference(RECS, data, "all", "ranx")
    with pytest.raises(SpecError, match="there is no convention 'ranks'; did you mean ranksys"):
        explain_difference(RECS, data, "ndcg@10", "ranks")
    with pytest.raises(SpecError, match="RecBole has no f1"):
        explain_difference(RECS, data, "f1@10", "rectools", "recbole")
    with pytest.raises(SpecError, match="no parameters give the average_precision that Elliot prints"):
        explain_difference(RECS, data, "average_precision@10", "rectools", "elliot")
    assert conventions["rectools"].metric("f1@10")


def test_the_level_of_relevance_is_a_choice():
    """With test values from 0 on RecTools counts every row and ranx those of level 1: they print two numbers."""
    values = {"a": {"x": 0, "y": 3}, "b": {"x": 0, "z": 2}, "c": {"z": 1}}
    catalogue = {item: [] for item in "xyzw"}
    lists = {"a": ["x", "w"], "b": ["z", "x"], "c": ["w", "z"]}
    data = Dataset(test=values, items=catalogue)
    found = explain_difference(lists, data, "recall@2", "rectools", "ranx")
    assert (found.first_value, found.second_value) == (pytest.approx(2.5 / 3), pytest.approx(2 / 3))
    (level,) = [each for each in found.choices if each.effect]
    assert (level.name, str(level.first), str(level.second)) == ("level", "every row", "from 1 on")
    assert level.effect == pytest.approx(-0.5 / 3)
    text = str(found)
    assert "-0.1667  level: every row -> from 1 on\n           Which test rows are relevant: every row; above 0" in text
    for tool, printed_ in (("rectools", found.first_value), ("ranx", found.second_value)):
        report = evaluate(lists, data, "recall@2", convention=tool, n_boot=0)
        assert report.value(report.metrics[0]) == printed_
    assert "level" not in {each.name for each in explain_difference(lists, data, "recall@2", None, "ranksys").choices}
    for named in ({"zeros": "judged"}, {"threshold": 2}):
        same = explain_difference(lists, Dataset(test=values, items=catalogue, **named), "recall@2", "rectools", "ranx")
        assert "level" not in {each.name for each in same.choices}


def test_one_metric_at_one_cutoff(data):
    with pytest.raises(SpecError, match="takes one metric, such as 'ndcg@10', not 'ndcg@5,10'"):
        explain_difference(RECS, data, "ndcg@5,10", "ranx")
