"""The tables of other tools' conventions: they can be read, and they give the numbers that the tools themselves print.

``conventions.json`` holds a toy data set (short lists, a test user without a list, a listed user without a test row,
items without training rows, one without genres) and what the tools printed for it.
"""

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_files import run, write_files

from beyondacc.convention import Convention, conventions, find_convention
from beyondacc.data.binding import Users
from beyondacc.data.dataset import Dataset
from beyondacc.errors import SpecError
from beyondacc.evaluation import evaluate
from beyondacc.metrics import REGISTRY
from beyondacc.policy import Policy
from beyondacc.spec.params import bind, parameters

TOY = json.loads((Path(__file__).parent / "conventions.json").read_text(encoding="utf-8"))
TRAIN, TEST, RECS = TOY["train"], TOY["test"], TOY["recs"]
ITEMS = {item: TOY["genres"].get(item, []) for item in TOY["items"]}
TRAINED = sorted({item for row in TRAIN.values() for item in row})
FULL = {user: items for user, items in RECS.items() if len(items) == 5}
TOOLS = [
    *("rectools", "recbole", "ranx", "trec_eval", "replay"),
    *("recommenders", "lenskit", "elliot", "ranksys", "kaminskas-bridge"),
]
ENTRIES = [(tool.name, name) for tool in conventions.values() for name in tool]
#: Which lists and data a number was printed for, where not for all of them.
SETUPS = {
    None: (RECS, {"train": TRAIN, "test": TEST, "items": ITEMS}),
    "padded": (FULL, {"train": TRAIN, "test": {u: TEST[u] for u in FULL if u in TEST}, "items": ITEMS | {"[PAD]": []}}),
    "of training": ({u: [i for i in items if i in TRAINED] for u, items in RECS.items()}, {"train": TRAIN}),
    "categories": (RECS, {"items": {item: [str(int(item[1:]) % 4)] for item in ITEMS}}),
    "base lists": (RECS, {"train": TRAIN}),
    "full lists": (FULL, {"train": TRAIN}),
    "lists of test users": ({u: RECS[u] for u in RECS if u in TEST}, {"train": TRAIN, "test": TEST, "items": ITEMS}),
}


def value(recs, data, metric, **options):
    (found,) = [report.value(each) for report in [evaluate(recs, data, metric, n_boot=0, **options)] for each in report]
    return found


def of_setup(setup):
    recs, parts = SETUPS[setup]
    options = {}
    if setup == "base lists":
        options["primitive"] = {user: TRAINED[n % 20 : n % 20 + 5] for n, user in enumerate(RECS)}
    return recs, Dataset(**parts), options


def test_the_tools():
    assert list(conventions) == TOOLS
    for name, tool in conventions.items():
        assert find_convention(name) is tool
        assert find_convention(tool) is tool
        assert repr(tool) == f"<convention {name}: {len(tool)} metrics>"
        assert dict(tool) == dict(tool.metrics)
        assert tool.title
        assert re.search(r"; (run|read)|version run", tool.source)
        assert tool.data.endswith(".")
    assert find_convention(None) is None


@pytest.mark.parametrize(("tool", "name"), ENTRIES)
def test_every_entry_can_be_read(tool, name):
    """It names parameters and choices that there are, and only those that differ from our defaults."""
    convention, family = conventions[tool], REGISTRY[name]
    values = bind(name, family.params, convention[name])
    defaults = family().values
    assert all(values[each] != defaults[each] for each in convention[name])
    assert convention.metric(name, k=7) == family(**values) @ 7 == REGISTRY.parse(str(convention.metric(name, k=7)))
    policy = convention.policy_of(name)
    assert set(policy) <= set(parameters(Policy))
    assert all(policy[each] != getattr(Policy(), each) for each in policy)
    Policy.choose(policy, {})


@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_said_about_a_metric(tool):
    convention = conventions[tool]
    assert set(convention.notes) <= set(convention)
    assert set(convention.differs) <= set(REGISTRY) - set(convention)
    for text in convention.notes.values():
        assert text.endswith(".")
    for text in convention.differs.values():
        assert not text.endswith(".")
    for text in (*convention.notes.values(), *convention.differs.values()):
        for name, given in re.findall(r"\b([a-z_]+)\((\w+=[^()]*(?:\([^()]*\))?[^()]*)\)", text):
            assert REGISTRY.parse(f"{name}({given})")


@pytest.mark.parametrize("tool", TOOLS)
def test_policies_of_single_metrics(tool):
    assert set(conventions[tool].policies) <= set(conventions[tool])


@pytest.mark.parametrize(
    ("policy", "policies"),
    [
        ({"users": "tested"}, {"recall": {"users": "recommended"}}),
        ({}, {"recall": {"gains": "binary"}}),
        ({}, {"gini": {"users": "recommended"}}),
    ],
)
def test_policies_that_a_report_cannot_hold(policy, policies):
    (name,) = policies
    with pytest.raises(SpecError, match=f"convention 'mine': {name} cannot have choices of its own"):
        Convention("mine", "Mine", {name: {}}, policy, {}, "", policies=policies)


def test_no_parameter_is_called_as_a_choice():
    choices = set(parameters(Policy))
    for family in REGISTRY.values():
        assert not choices & set(family.params), family.name


@pytest.mark.kernel
@pytest.mark.parametrize(("tool", "name"), ENTRIES)
def test_every_entry_evaluates(tool, name):
    data = Dataset(TRAIN, TEST, ITEMS, threshold=1, graded=True)
    found = evaluate(RECS, data, f"{name}@5", convention=tool, n_boot=0)
    (metric,) = found
    low, high = metric.bounds
    assert low <= found.value(metric) <= high


@pytest.mark.kernel
@pytest.mark.parametrize("row", TOY["printed"], ids=lambda row: f"{row['tool']} {row['called']} {row.get('setup', '')}")
def test_numbers_that_tools_print(row):
    recs, data, options = of_setup(row.get("setup"))
    found = value(recs, data, row["metric"], convention=row["tool"], **options, **row.get("options", {}))
    assert found == pytest.approx(row["value"], rel=1e-6)


@pytest.mark.kernel
def test_several_metrics_of_a_tool_at_once():
    """Each by its own choices, the bootstrap included."""
    for tool in ("rectools", "recommenders", "lenskit"):
        rows = [row for row in TOY["printed"] if row["tool"] == tool and not row.get("setup")]
        report = evaluate(
            RECS, Dataset(TRAIN, TEST, ITEMS), [row["metric"] for row in rows], convention=tool, n_boot=20
        )
        table = report.to_pandas()
        np.testing.assert_allclose(table["value"], [row["value"] for row in rows], rtol=1e-6)
        assert (table["ci_low"] <= table["value"]).all()
        assert (table["value"] <= table["ci_high"]).all()
        alone = [evaluate(RECS, Dataset(TRAIN, TEST, ITEMS), row["metric"], convention=tool, n_boot=0) for row in rows]
        assert table["value"].tolist() == [each.to_pandas()["value"].iloc[0] for each in alone]


@pytest.mark.kernel
def test_conversions():
    """What is not expressed can be had as the tables say."""
    data = Dataset(TRAIN, TEST, ITEMS)
    recs, padded, _ = of_setup("padded")
    entropy, count = (value(recs, padded, name) for name in ("entropy@5", "catalog_coverage(count=true)@5"))
    assert entropy * math.log(2) / count == pytest.approx(TOY["recbole ShannonEntropy"], rel=1e-6)
    report = evaluate(RECS, data, "r_precision@20", users="intersection", n_boot=0)
    per_user = report.per_user("r_precision@20")
    assert per_user.sum() / (per_user > 0).sum() == pytest.approx(TOY["recommenders r_precision_at_k"], rel=1e-6)


@pytest.mark.kernel
@pytest.mark.parametrize(("tool", "n_users"), [("ranx", 79), ("trec_eval", 78)])
def test_users_below_the_level_count_zero(tool, n_users):
    """The share averaged here turns our mean into that over all users with test rows."""
    data = Dataset(TRAIN, TEST, ITEMS, threshold=4, graded=True)
    ours = {
        "precision": "precision@5",
        "recall": "recall@5",
        "average_precision": "average_precision@5",
        "ndcg": "ndcg@5",
        "P_5": "precision@5",
        "recall_5": "recall@5",
        "map_cut_5": "average_precision@5",
        "Rprec": "r_precision@20",
        "success_5": "hit_rate@5",
    }
    for called, printed in TOY["level 4"][tool].items():
        report = evaluate(RECS, data, ours[called], convention=tool, n_boot=0)
        (row,) = report.to_pandas().itertuples()
        assert row.value * row.n_users / n_users == pytest.approx(printed, rel=1e-6)
    if tool == "trec_eval":  # or all users with a list are taken, where all of them have test rows
        recs, _ = SETUPS["lists of test users"]
        found = value(recs, data, "recall@5", convention=tool, users="recommended")
        assert found == pytest.approx(TOY["level 4"][tool]["recall_5"], rel=1e-6)


@pytest.mark.kernel
def test_ties_as_trec_eval_and_replay_break_them():
    """pytrec_eval lists b before a and c before b, replay 3 before 2 before 1, where the scores are equal."""
    data = Dataset(test={"q": ["b"]}, items={"a": [], "b": [], "c": []})
    assert value({"q": {"a": 1.0, "b": 1.0}}, data, "reciprocal_rank@5", convention="trec_eval") == 1.0
    assert value({"q": {"b": 1.0, "c": 1.0}}, data, "reciprocal_rank@5", convention="trec_eval") == 0.5
    data = Dataset(test={1: [3]}, items={1: [], 2: [], 3: []})
    assert value({1: {1: 1.0, 2: 1.0, 3: 1.0}}, data, "reciprocal_rank@3", convention="replay") == 1.0


@pytest.mark.kernel
def test_the_authors_own_number_of_surprise():
    """Kaminskas & Bridge assert it in a test of theirs; training rows that are the user's mean are lost there."""
    rows = {
        "Jack": {"A": 5, "B": 1, "C": 3, "D": 4, "E": 3},
        "u2": {"B": 4, "C": 1},
        "u3": {"B": 2, "E": 5},
        "Zak": {"A": 4, "B": 1, "C": 4, "D": 5, "E": 4},
        "Me": {"A": 5, "C": 4, "E": 3},
    }
    kept = {
        user: {item: rating for item, rating in row.items() if abs(rating - np.mean(list(row.values()))) > 1e-9}
        for user, row in rows.items()
    }
    data = Dataset(kept, {"Me": ["B"]})
    lists = {"Me": ["A", "B", "C", "D"]}
    # here items that the user has seen are in the list, which the tool's own lists never hold
    assert value(lists, data, "surprise_cooccurrence@4", users="intersection") == pytest.approx(
        0.306732842163, abs=1e-12
    )
    assert conventions["kaminskas-bridge"].metric("surprise_cooccurrence@4") == REGISTRY.parse(
        "surprise_cooccurrence@4"
    )


@pytest.mark.kernel
def test_users_with_a_relevant_item_only():
    data = Dataset({"a": [1, 2], "b": [1], "c": [2]}, {"a": [3], "b": [4]}, {1: ["x"], 2: ["y"], 3: ["x"], 4: ["y"]})
    recs = {"a": [3, 2], "c": [1, 3], "stranger": [2, 1]}
    report = evaluate(recs, data, ["ild@2", "recall@2"], users="tested", n_boot=0)
    assert sorted(report.users) == ["a", "b"]
    assert report.per_user("ild@2").isna().to_dict() == {"a": False, "b": True}
    assert report.per_user("recall@2").to_dict() == {"a": 1.0, "b": 0.0}
    filled = evaluate(recs, data, ["ild@2", "recall@2"], users="tested", undefined="zero", n_boot=0)
    assert filled.value("ild@2") == 0.5
    with pytest.raises(ValueError, match='no user is left to evaluate with users="tested"'):
        evaluate(recs, Dataset({"a": [1, 2]}), "epc@2", users="tested")
    whole = evaluate(recs, data, "epc@2", n_boot=0)._run
    for users in Users.__args__:
        rows = evaluate(recs, data, "epc@2", users=users, n_boot=0)._run.ids
        assert sorted(whole.ids[whole.among(users)]) == sorted(rows)


def test_parameters_that_are_given_stay():
    tool = conventions["lenskit"]
    assert str(tool.metric("ndcg(gain=exp)@3")) == "ndcg(gain=exp, discount=log2_clip)@3"
    assert str(tool.metric("precision(denominator=relevant)@3")) == "precision(denominator=relevant)@3"
    assert str(tool.metric(REGISTRY["dcg"] @ 4)) == "dcg(discount=log2_clip)@4"
    assert tool.metric(tool.metric("recall@4")) == tool.metric("recall@4")


@pytest.mark.kernel
def test_choices_that_are_given_stay():
    data = Dataset(TRAIN, TEST, ITEMS)
    assert len(evaluate(RECS, data, "recall@5", convention="lenskit", n_boot=0).users) == 79
    assert len(evaluate(RECS, data, "recall@5", convention="lenskit", users="tested", n_boot=0).users) == 79
    assert len(evaluate(RECS, data, "recall@5", convention="lenskit", users="intersection", n_boot=0).users) == 78
    own = Convention("mine", "Mine", {"recall": {"denominator": "cut"}}, {"users": "intersection"}, {}, "")
    found = evaluate(RECS, data, "recall@5", convention=own, n_boot=0)
    assert str(found.metrics[0]) == "recall(denominator=cut)@5"
    assert len(found.users) == 78


@pytest.mark.kernel
def test_the_default_metrics_are_those_the_tool_has():
    report = evaluate(RECS, Dataset(TRAIN, TEST, ITEMS), convention="recbole", n_boot=0)
    names = [metric.family.name for metric in report]
    assert names == [name for name, family in REGISTRY.items() if family.core and name in conventions["recbole"]]


def test_messages():
    data = Dataset(TRAIN, TEST, ITEMS)
    with pytest.raises(SpecError, match="there is no convention 'rectool'; did you mean rectools"):
        evaluate(RECS, data, "ndcg@5", convention="rectool")
    with pytest.raises(
        SpecError, match=r"there is no convention 'nothing'; known are elliot, kaminskas-bridge, .*trec_eval"
    ):
        find_convention("nothing")
    with pytest.raises(SpecError, match="RecBole has no ild; known are "):
        evaluate(RECS, data, "ild@5", convention="recbole")
    with pytest.raises(SpecError, match=r"no parameters give the entropy that RecBole prints: it is in nats .*ln 2"):
        evaluate(RECS, data, "entropy@5", convention="recbole")
    with pytest.raises(SpecError, match="metric 'recall': denominator='list' is not allowed"):
        evaluate(RECS, data, "recall(denominator=list)@5", convention="lenskit")


@pytest.fixture
def files(tmp_path, monkeypatch):
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)


def test_explain_shows_conventions(capsys):
    done = run(capsys, "explain", "ndcg", "--conventions")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["tool", "ndcg", "who", "is", "averaged,", "order"]
    having = [name for name in TOOLS if "ndcg" in conventions[name]]
    assert [line.split()[0] for line in lines[2 : 2 + len(having)]] == having
    assert re.search(r"^rectools +ideal=full +gains=binary$", done.out, re.MULTILINE)
    assert re.search(
        r"^lenskit +discount=log2_clip +users=recommended, undefined=zero, gains=binary$", done.out, re.MULTILINE
    )
    assert "Notes:\n  rectools: With divide_by_achievable=True" in done.out
    assert "Their data:\n  rectools: Every test row is relevant" in done.out
    assert "Not expressed" not in done.out
    assert done.out.endswith("beyondacc evaluate ... -m ndcg --convention TOOL computes it so.\n")

    expressed = run(capsys, "explain", "recall", "--conventions").out
    assert re.search(r"^recommenders +as here +gains=binary, users=intersection$", expressed, re.MULTILINE)
    only_not = run(capsys, "explain", "popularity_percentile", "--conventions").out
    assert only_not.startswith("\nNot expressed:\n  lenskit: MeanPopRank")
    assert "computes it so" not in only_not
    assert run(capsys, "explain", "hhi", "--conventions").out == f"None of {', '.join(TOOLS)} has hhi.\n"


@pytest.mark.usefixtures("files")
def test_evaluate_with_a_convention(capsys):
    args = ("evaluate", "recs.csv", "--train", "train.csv", "--test", "test.csv", "--items", "items.csv")
    done = run(capsys, *args, "-m", "ndcg@3", "--convention", "recbole", "--bootstrap", "0", "--format", "csv")
    assert done.code == 0, done.err
    data = Dataset("train.csv", "test.csv", "items.csv")
    expected = value(pd.read_csv("recs.csv"), data, "ndcg@3", users="tested", gains="binary", seen="drop")
    assert f"ndcg@3,{expected!r}," in done.out
    done = run(capsys, *args, "-m", "ndcg@3", "--convention", "lenskit", "--bootstrap", "0")
    assert "ndcg(discount=log2_clip)@3" in done.out
    done = run(capsys, *args, "-m", "entropy", "--convention", "recbole")
    assert done.code != 0
    assert "no parameters give the entropy that RecBole prints" in done.err
