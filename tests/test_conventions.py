"""The tables of other tools' conventions: they can be read, and they give the numbers that the tools themselves print.

``conventions.json`` holds a toy data set (short lists, a test user without a list, a listed user without a test row,
items without training rows, one without genres) and what the tools printed for it.
"""

import inspect
import json
import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_files import run, write_files
from draws import draws

import beyondacc as ba
from beyondacc.bound.batch import Users
from beyondacc.data.dataset import Dataset
from beyondacc.data.intake.read import read_rows
from beyondacc.data.recommendations import Recommendations
from beyondacc.declare.params import bind, parameters
from beyondacc.errors import DataError, SpecError
from beyondacc.evaluation.conventions import Convention, conventions, find_convention
from beyondacc.evaluation.evaluate import evaluate
from beyondacc.evaluation.policy import Policy
from beyondacc.metrics import REGISTRY
from beyondacc.rerank import RERANKERS

TOY = json.loads((Path(__file__).parent / "conventions.json").read_text(encoding="utf-8"))
TRAIN, TEST, RECS = TOY["train"], TOY["test"], TOY["recs"]
ITEMS = {item: TOY["genres"].get(item, []) for item in TOY["items"]}
TRAINED = sorted({item for row in TRAIN.values() for item in row})
FULL = {user: items for user, items in RECS.items() if len(items) == 5}
TOOLS = [
    *("rectools", "recbole", "ranx", "trec_eval", "replay"),
    *("recommenders", "lenskit", "elliot", "ranksys", "kaminskas-bridge", "radio"),
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


#: Parameters of the tools themselves that texts name.
OF_TOOLS = {
    *(
        "divide_by_achievable",
        "divide_by_k",
        "r_precision",
        "normalize",
        "score_type",
        "offset",
        "col_relevance",
        "beta",
    ),
}


def named_in(text):
    """The parameters that a text names, with their values: in calls of metrics and re-rankers, and outside of them."""
    calls = re.findall(r"\b(\w+)\(((?:\w+=[^()]*(?:\([^()]*\))?[^()]*)+)\)", text)
    calls = [(name, given) for name, given in calls if name in REGISTRY or name in RERANKERS]
    rest = text
    for name, given in calls:
        rest = rest.replace(f"{name}({given})", "")
    plain = re.findall(r"\b(\w+)=([\w.]*)", rest)
    plain += [
        (each, "") for some in re.findall(r"Name ([a-z_, ]+) as there", rest) for each in re.findall(r"\w+", some)
    ]
    return calls, [(name, given.rstrip(".")) for name, given in plain if name != "and"]


def check_text(text, metric=None):
    """Raise where a text names a parameter, a choice or a value that there is not."""
    calls, plain = named_in(text)
    for name, given in calls:
        (REGISTRY.parse if name in REGISTRY else RERANKERS.create)(f"{name}({given})")
    others = {*inspect.signature(Dataset.__init__).parameters, *inspect.signature(evaluate).parameters}
    for name, given in plain:
        if metric is not None and name in REGISTRY[metric].params:
            assert not given or REGISTRY.parse(f"{metric}({name}={given})")
        elif name in parameters(Policy):
            assert not given or Policy.choose({name: given}, {})
        else:
            assert name in others | OF_TOOLS, f"{name} in {text!r}"


@pytest.mark.parametrize("tool", TOOLS)
def test_what_texts_name_exists(tool):
    convention = conventions[tool]
    check_text(convention.data)
    for name, text in (*convention.notes.items(), *convention.differs.items()):
        check_text(text, name)


def test_texts_that_name_what_there_is_not():
    for text in (
        "Pass colour=red.", "Name colour and alpha as there.", "It is ndcg(colour=1).", "Take gains=some.",
        "Take MMR(colour=1).", "It is ild(distance=hamming(colour=1)).", "Pass normalised=True.",
    ):  # fmt: skip
        with pytest.raises((AssertionError, SpecError)):
            check_text(text, "alpha_ndcg")
    check_text("Name alpha and relevance as there, with ideal=sorted and gains=binary; pass threshold=.", "alpha_ndcg")
    every = [
        name
        for tool in conventions.values()
        for text in (tool.data, *tool.notes.values(), *tool.differs.values())
        for name, _ in named_in(text)[1]
    ]
    assert set(every) >= OF_TOOLS


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
    """Both average every user with a test row, relevant or not."""
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
        assert (row.value, row.n_users) == (pytest.approx(printed, rel=1e-6), n_users)


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
    assert lines[0].split() == ["tool", "ndcg", "who", "is", "averaged,", "order,", "relevance"]
    having = [name for name in TOOLS if "ndcg" in conventions[name]]
    assert [line.split()[0] for line in lines[2 : 2 + len(having)]] == having
    assert re.search(r"^rectools +ideal=full +gains=binary, ranks=literal, zeros=relevant$", done.out, re.MULTILINE)
    assert re.search(
        r"^lenskit +discount=log2_clip +users=recommended, undefined=zero, gains=binary, zeros=relevant$",
        done.out,
        re.MULTILINE,
    )
    assert "Notes:\n  rectools: With divide_by_achievable=True" in done.out
    assert "Their data:\n  rectools: Every test row is relevant" in done.out
    assert "Not expressed" not in done.out
    assert done.out.endswith("beyondacc evaluate ... -m ndcg --convention TOOL computes it so.\n")

    expressed = run(capsys, "explain", "recall", "--conventions").out
    assert re.search(
        r"^recommenders +as here +gains=binary, users=intersection, zeros=relevant$", expressed, re.MULTILINE
    )
    only_not = run(capsys, "explain", "popularity_percentile", "--conventions").out
    assert only_not.startswith("\nNot expressed:\n  lenskit: MeanPopRank")
    assert "computes it so" not in only_not
    assert run(capsys, "explain", "hhi", "--conventions").out == f"None of {', '.join(TOOLS)} has hhi.\n"


@pytest.mark.usefixtures("files")
def test_evaluate_with_a_convention(capsys):
    args = ("evaluate", "recs.csv", "--train", "train.csv", "--test", "test.csv", "--items", "items.csv")
    done = run(capsys, *args, "-m", "ndcg@3", "--convention", "recbole", "--bootstrap", "0", "--format", "csv")
    assert done.code == 0, done.err
    data = Dataset("train.csv", "test.csv", "items.csv", zeros="relevant")
    expected = value(pd.read_csv("recs.csv"), data, "ndcg@3", users="tested", gains="binary", seen="drop")
    assert f"ndcg@3,{expected!r}," in done.out
    done = run(capsys, *args, "-m", "ndcg@3", "--convention", "lenskit", "--bootstrap", "0")
    assert "ndcg(discount=log2_clip)@3" in done.out
    done = run(capsys, *args, "-m", "entropy", "--convention", "recbole")
    assert done.code != 0
    assert "no parameters give the entropy that RecBole prints" in done.err


# --------------------------------------------------------------------------------- whose users, what is named, levels

#: Test values 5 and below; with a threshold of 5 the users b and d have test rows, but no relevant one; d has no list.
RATED = {
    "train": {user: ["t1", "t2"] for user in "abcd"} | {"e": ["x1", "x2"]},
    "test": {"a": {"x1": 5, "x2": 1}, "b": {"x2": 4}, "c": {"x3": 5, "x4": 5}, "d": {"x1": 3}},
    "items": {"t1": ["p"], "t2": ["q"], "x1": ["p"], "x2": ["p", "q"], "x3": ["q"], "x4": ["p"], "x5": ["q"]},
}
RATED_LISTS = {"a": ["x1", "x2"], "b": ["x3", "x5"], "c": ["x4", "x1"]}


def rated(**options):
    return Dataset(**RATED, **({"threshold": 5} | options))


@pytest.mark.kernel
def test_the_users_of_a_convention_count_for_the_metrics_to_which_the_tool_applies_them():
    """With a threshold Elliot and RankSys leave nobody with a list out of coverage, ILD, EPC and Gini."""
    metrics = ["precision@2", "catalog_coverage(count=true)@2", "ild(distance=jaccard)@2", "epc(discount=none)@2"]
    plain = evaluate(RATED_LISTS, rated(), ["ild@2", "epc@2", "gini(complement=true)@2"], n_boot=0)
    ranksys = evaluate(RATED_LISTS, rated(), [*metrics, "gini@2"], convention="ranksys", n_boot=0)
    assert ranksys.value("catalog_coverage(count=true)@2") == 5
    assert ranksys["ild@2"].n_users == 3
    for name in ("ild@2", "epc@2", "gini(complement=true)@2"):
        assert ranksys.value(name) == plain.value(name)
    # (1/2 + 0 + 1/2 + 0) / 4: with the user whose rows are all below the threshold, and the one without a list
    assert (ranksys.value("precision@2"), ranksys["precision@2"].n_users) == (0.25, 4)
    elliot = evaluate(
        RATED_LISTS, rated(), ["precision@2", "catalog_coverage@2", "mean_popularity@2", "pop_reo@2"], n_boot=0,
        convention="elliot",
    )  # fmt: skip
    assert elliot.value("catalog_coverage(count=true)@2") == 5
    assert elliot["mean_popularity@2"].n_users == 3
    assert (elliot.value("precision@2"), elliot["precision@2"].n_users) == (0.5, 2)
    stranger = RATED_LISTS | {"e": ["x5", "t1"]}  # a list, but no test row: RankSys counts it, Elliot drops it
    assert value(stranger, rated(), "catalog_coverage@2", convention="ranksys") == 6
    assert value(stranger, rated(), "catalog_coverage@2", convention="elliot") == 5


@pytest.mark.kernel
@pytest.mark.parametrize("tool", ["elliot", "ranksys"])
def test_coverage_of_movielens_under_a_threshold(tool):
    """693 items of all lists, not the 576 of the users with a test row of 5."""
    ratings, movies = ba.load_movielens()
    data = Dataset.split(ratings, movies, threshold=5)
    lists = ba.recommend(ba.models.ItemKNN().fit(data.matrix), data, k=10, users=data.users.ids)
    assert value(lists, data, "catalog_coverage@10", convention=tool) == 693
    assert value(lists, data, "catalog_coverage@10", convention=tool, users="intersection") == 576


@pytest.mark.kernel
def test_a_run_without_a_test_set_averages_the_lists():
    data = Dataset(RATED["train"], items=RATED["items"])
    for tool in ("elliot", "ranksys", "recbole"):
        assert value(RATED_LISTS, data, "mean_popularity@2" if tool != "ranksys" else "epc@2", convention=tool) >= 0


@pytest.mark.kernel
def test_users_with_any_test_row():
    report = evaluate(RATED_LISTS, rated(), ["precision@2", "ild@2"], users="judged", undefined="zero", n_boot=0)
    assert sorted(report.users) == ["a", "b", "c", "d"]
    assert report.per_user("precision@2").to_dict() == {"a": 0.5, "b": 0.0, "c": 0.5, "d": 0.0}
    report = evaluate(RATED_LISTS, rated(), "ild@2", users="judged-intersection", n_boot=0)
    assert sorted(report.users) == ["a", "b", "c"]
    whole = evaluate(RATED_LISTS, rated(), "epc@2", n_boot=0)._run
    for users in Users.__args__:
        rows = evaluate(RATED_LISTS, rated(), "epc@2", users=users, n_boot=0)._run.ids
        assert sorted(whole.ids[whole.among(users)]) == sorted(rows)


@pytest.mark.kernel
def test_what_is_named_wins_also_at_our_default():
    items = {1: ["p"], 2: ["p", "q"], 3: []}
    data = Dataset({"u": [3]}, {"u": [1]}, items)
    assert value({"u": [1, 2]}, data, "ild@2", convention="ranksys") == pytest.approx(1 - 1 / math.sqrt(2))
    assert value({"u": [1, 2]}, data, "ild(distance=jaccard)@2", convention="ranksys") == 0.5
    assert value({"u": [1, 2]}, data, ba.ild(distance="jaccard") @ 2, convention="ranksys") == 0.5
    graded = Dataset({"u": [9]}, {"u": {1: 4, 2: 5}}, {item: [] for item in (1, 2, 3, 9)})
    lists = {"u": [3, 1]}
    binary = value(lists, graded, "ndcg@2", convention="lenskit")
    given = value(lists, graded, "ndcg@2", convention="lenskit", gains="given")
    assert (binary, given) == (0.5, pytest.approx(4 / 9))
    # the first two ranks are not discounted: 4 + 3 of 5 + 4
    three = Dataset({"u": [9]}, {"u": {1: 4, 2: 5, 3: 3}}, {item: [] for item in (1, 2, 3, 9)})
    found = value({"u": [1, 3]}, three, "ndcg@2", convention="lenskit", gains="given")
    assert found == pytest.approx(7 / 9)
    recs = {"u": [1], "v": [2]}
    tested = Dataset({"u": [9], "v": [9]}, {"u": [1], "w": [2]}, {item: [] for item in (1, 2, 9)})
    assert len(evaluate(recs, tested, "recall@1", convention="lenskit", users="all", n_boot=0).users) == 3
    assert len(evaluate(recs, tested, "serendipity_rank@1", convention="rectools", n_boot=0).users) == 3
    own = evaluate(recs, tested, "serendipity_rank@1", convention="rectools", n_boot=0)["serendipity_rank@1"].n_users
    named = evaluate(
        recs, tested, "serendipity_rank@1", convention="rectools", users="all", n_boot=0
    )["serendipity_rank@1"].n_users  # fmt: skip
    assert (own, named) == (2, 3)
    full = Dataset({"u": [9]}, {"u": [1]}, {item: [] for item in (1, 2, 9)})
    assert value({"u": [1, 2]}, full, "ndcg@2", convention="rectools") == pytest.approx(1 / (1 + 1 / math.log2(3)))
    assert value({"u": [1, 2]}, full, "ndcg(ideal=achievable)@2", convention="rectools") == 1.0
    with pytest.raises(SpecError, match=r"evaluate: users='some' is not allowed"):
        evaluate(recs, tested, "recall@1", users="some", convention="lenskit")


@pytest.mark.parametrize(("tool", "name"), ENTRIES)
def test_every_parameter_that_a_convention_sets_can_be_named(tool, name):
    """At our default too; its text says so, means the same when it is read again, and equal metrics are equal."""
    convention, family = conventions[tool], REGISTRY[name]
    ours = family()
    for parameter in convention[name]:
        text = ours.values[parameter]
        written = f"{name}({parameter}={str(text).lower() if isinstance(text, bool | None) else text})@3"
        read = convention.metric(written)
        assert read.values[parameter] == text
        assert all(
            read.values[other] == convention.metric(f"{name}@3").values[other]
            for other in family.params
            if other != parameter
        )
        for again in (str(read), read, convention.metric(read)):
            assert convention.metric(again) == read
            assert str(convention.metric(again)) == str(read)
        assert parameter in str(read)
        plain = REGISTRY.parse(str(read))
        assert plain == read
        assert hash(plain) == hash(read)


def test_what_was_named_survives():
    metric = REGISTRY.parse("ild(distance=jaccard)@2")
    assert metric == REGISTRY["ild"] @ 2
    assert str(metric) == "ild@2"
    assert metric.named == {"distance", "k"}
    assert (metric @ 5).named == {"distance", "k"}
    assert (REGISTRY["ild"] @ 2).named == {"k"}
    assert REGISTRY["ild"]().named == frozenset()


LEVELS = {
    "test": {"a": {"x1": 0, "x2": 3}, "b": {"x1": 0}, "c": {"x3": 1, "x4": 5}},
    "items": {f"x{n}": [] for n in range(1, 6)},
}
LEVEL_LISTS = {"a": ["x1", "x2"], "b": ["x1", "x5"], "c": ["x5", "x4"]}


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("tool", "recall", "precision"),
    [
        # rows of value 0 are relevant: (2/2 + 1/1 + 1/2) / 3, (2/2 + 1/2 + 1/2) / 3
        *((tool, 2.5 / 3, 2 / 3) for tool in ("rectools", "recbole", "replay", "recommenders", "lenskit")),
        # they are not, and the user who has no other counts 0: (1/1 + 0 + 1/2) / 3, (1/2 + 0 + 1/2) / 3
        *((tool, 0.5, 1 / 3) for tool in ("ranx", "trec_eval")),
    ],
)
def test_the_level_of_relevance_is_part_of_a_convention(tool, recall, precision):
    data = Dataset(**LEVELS)
    assert value(LEVEL_LISTS, data, "recall@2", convention=tool) == pytest.approx(recall)
    assert value(LEVEL_LISTS, data, "precision@2", convention=tool) == pytest.approx(precision)
    # and the dataset is as before
    assert value(LEVEL_LISTS, data, "recall@2") == 0.75
    named = Dataset(**LEVELS, zeros="judged")
    level = conventions[tool].level(named)
    assert (level.threshold, level.zeros) == (None, "judged")
    for other in ("rectools", "ranx"):
        found = evaluate(LEVEL_LISTS, Dataset(**LEVELS, threshold=3), "recall@2", convention=other, n_boot=0)
        assert sorted(map(float, found.per_user("recall@2").dropna())) in ([1.0, 1.0], [0.0, 1.0, 1.0])


@pytest.mark.kernel
def test_no_row_reaches_the_level():
    data = Dataset(test={"a": {"x1": 0.5}}, items=LEVELS["items"])
    with pytest.raises(DataError, match=r"convention 'ranx': no test row has a value >= threshold=1; lower the thr"):
        evaluate(LEVEL_LISTS, data, "recall@2", convention="ranx")
    assert value(LEVEL_LISTS, Dataset(test={"a": ["x1"]}, items=LEVELS["items"]), "recall@2", convention="ranx") == 1


@pytest.mark.kernel
def test_novelty_of_recommenders_is_a_mean_over_rows():
    """Naively as Recommenders does it, on lists of one to five items, cold ones among them."""
    rng = np.random.default_rng(3)
    users = [f"u{n}" for n in range(40)]
    train = {user: [f"i{n}" for n in rng.choice(25, rng.integers(1, 9), replace=False)] for user in users}
    recs = {user: [f"i{n}" for n in rng.choice(30, rng.integers(1, 6), replace=False)] for user in users}
    counts = pd.Series([item for row in train.values() for item in row]).value_counts()
    rows = [item for row in recs.values() for item in row]
    expected = sum(-math.log2(counts[item] / counts.sum()) for item in rows if item in counts.index) / len(rows)
    data = Dataset(train)
    for name in ("self_information@5", "efd@5"):
        assert value(recs, data, name, convention="recommenders") == pytest.approx(expected, rel=1e-12)
        by_list = value(recs, data, name.replace("@", "(short=list)@"), convention="recommenders")
        assert by_list != pytest.approx(expected, rel=1e-3)


@pytest.mark.kernel
def test_ndcg_of_recommenders_by_raw_scores_leaves_out_users_without_gains():
    data = Dataset(**LEVELS)
    report = evaluate(LEVEL_LISTS, data, ["ndcg@2", "ndcg(gain=exp)@2"], n_boot=0)
    assert report.per_user("ndcg@2").isna().to_dict() == {"a": False, "b": True, "c": False}
    assert report.per_user("ndcg(gain=exp)@2").isna().sum() == 1


@pytest.mark.kernel
def test_whole_number_ids_are_ordered_as_numbers_where_the_tool_does():
    """RePlay lists 10 before 9 where the scores are equal, trec_eval 9 before 10: it compares texts."""
    data = Dataset(test={1: [10]}, items={9: [], 10: []})
    for tool, first in (("replay", 1.0), ("trec_eval", 0.0)):
        assert value({1: {9: 1.0, 10: 1.0}}, data, "hit_rate@1", convention=tool) == first
    data = Dataset(test={1: ["10"]}, items={"9": [], "10": []})
    assert value({1: {"9": 1.0, "10": 1.0}}, data, "hit_rate@1", ties="number") == 0.0


@pytest.mark.kernel
def test_the_case_of_a_convention_does_not_matter():
    assert find_convention("RecTools") is conventions["rectools"]


@pytest.mark.kernel
def test_the_latest_items_of_the_history_weigh_most_under_radio():
    """RADio reverses the history and counts 1/rank: by time, and the later row where times are equal or missing."""
    genres = {1: ["p"], 2: ["q"], 3: ["r"], 4: ["p", "q"]}
    lists = {"u": [1]}

    def expected(weights):
        total = sum(weights)
        q, p = (1.0, 0.0, 0.0), [weight / total for weight in weights]
        mixed = [[0.999 * a + 0.001 * b for a, b in zip(*pair, strict=True)] for pair in ((p, q), (q, p))]
        middle = [(a + b) / 2 for a, b in zip(*mixed, strict=True)]
        bits = sum(x * math.log2(x / m) for row in mixed for x, m in zip(row, middle, strict=True) if x)
        return pytest.approx(math.sqrt(bits / 2), rel=1e-12)

    frame = pd.DataFrame({"user_id": "u", "item_id": [1, 2, 3], "rating": [5.0, 4.0, 3.0]})
    by_rows = Dataset(frame, items=genres)
    assert value(lists, by_rows, "radio_calibration@1", convention="radio") == expected([1 / 3, 1 / 2, 1])
    assert value(lists, by_rows, "radio_calibration(history=none)@1", convention="radio") == expected([1, 1, 1])
    assert value(lists, by_rows, "radio_calibration@1") == expected([1, 1, 1])
    for times, weights in (
        ([30, 20, 10], [1, 1 / 2, 1 / 3]),
        ([20, 30, 20], [1 / 3, 1, 1 / 2]),  # 1 and 3 at the same time: the later row first
        ([7, 7, 7], [1 / 3, 1 / 2, 1]),
    ):
        data = Dataset(frame.assign(timestamp=times), items=genres)
        assert value(lists, data, "radio_calibration@1", convention="radio") == expected(weights)
        # a pair that is given again counts once, at its latest
        again = pd.concat([frame.assign(timestamp=times), frame.assign(timestamp=100).iloc[:1]])
        data = Dataset(again, items=genres)
        rest = [1 / 2, 1 / 3] if weights[1] > weights[2] else [1 / 3, 1 / 2]
        assert value(lists, data, "radio_calibration@1", convention="radio") == expected([1, *rest])
    full = Dataset(pd.DataFrame({"user_id": "u", "item_id": [2, 4]}), items=genres)
    assert value(lists, full, "radio_calibration@1", convention="radio") == expected([1, 1 + 1 / 2, 0])


@pytest.mark.kernel
def test_the_history_is_ordered_as_a_naive_sort_does():
    rng = np.random.default_rng(8)
    for turn in range(30):
        n = int(rng.integers(1, 40))
        frame = pd.DataFrame(
            {"user_id": rng.integers(0, 4, n), "item_id": rng.integers(0, 9, n), "rating": rng.integers(1, 3, n)}
        )
        if turn % 3:
            frame["timestamp"] = rng.integers(0, 3, n) if turn % 3 == 1 else rng.permutation(n)
        data = Dataset(frame)
        found = data.train.recency
        kept = frame.assign(row=range(n), time=frame.get("timestamp", 0)).sort_values(["time", "row"])
        kept = kept.drop_duplicates(["user_id", "item_id"], keep="last")
        for user, rows in kept.groupby("user_id"):
            own = slice(*data.train.starts[(code := data.users.ids.get_loc(user)) : code + 2])
            of_items = dict(zip(data.items.ids.take(data.train.items[own]), found[own], strict=True))
            assert of_items == {item: place for place, item in enumerate(rows["item_id"][::-1])}


@pytest.mark.kernel
def test_times_that_nobody_needs_are_not_read():
    frame = pd.DataFrame({"user_id": "u", "item_id": [1, 2], "timestamp": ["soon", "later"]})
    data = Dataset(frame, items={1: ["p"], 2: ["q"]})
    assert value({"u": [1]}, data, "radio_calibration@1") > 0
    with pytest.raises(DataError, match=r"column 'timestamp' of train holds 'soon' in row 0"):
        value({"u": [1]}, data, "radio_calibration(history=reciprocal)@1")


@pytest.mark.kernel
def test_genres_count_in_full_under_radio():
    data = Dataset({"u": [1]}, items={1: ["p"], 2: ["p", "q"], 3: ["q"]})
    lists = {"u": [2, 3]}
    # shares of the list: p 1, q 1 + 1/2, of the profile: p alone
    p, q = 1 / 2.5, 1.5 / 2.5
    mixed = ((0.999 + 0.001 * p, 0.001 * q), (0.999 * p + 0.001, 0.999 * q))
    middle = [(one + two) / 2 for one, two in zip(*mixed, strict=True)]
    js = sum(x * math.log2(x / m) for row in mixed for x, m in zip(row, middle, strict=True)) / 2
    assert value(lists, data, "radio_calibration@2", convention="radio") == pytest.approx(math.sqrt(js), rel=1e-12)
    split = value(lists, data, "radio_calibration(genre_weight=split)@2", convention="radio")
    assert split == value(lists, data, "radio_calibration@2") != pytest.approx(math.sqrt(js), rel=1e-3)


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("ranks", "n"),
    [
        ([("a", 9), ("b", 1), ("b", 2)], 1),
        ([("a", 2), ("b", 1), ("b", 3)], 2),
        ([("a", 1), ("b", 2), ("b", 1)], 0),
        ([("a", 0), ("b", 1), ("b", 0)], 0),
        ([("a", 0), ("b", 2), ("b", 0)], 1),
    ],
)
def test_gaps_in_ranks_are_closed_and_noted(ranks, n):
    """Where ranks only order the items, as they do but for RecTools."""
    frame = pd.DataFrame([(user, f"i{at}", rank) for at, (user, rank) in enumerate(ranks)])
    rows = read_rows(frame.set_axis(["user_id", "item_id", "rank"], axis=1), what="recs")
    made = Recommendations._from_rows(rows, None, what="recs")
    assert made.to_pandas()["rank"].max() == max(pd.Series([user for user, _ in ranks]).value_counts())
    told = f"{n} users have gaps in their ranks, which are closed: the order alone counts"
    assert (told in rows.reading.notes) == bool(n)


@pytest.mark.kernel
def test_the_tail_of_recbole():
    """As TailPercentage: the rarest tenth of the items seen in training, whole lists of k items each."""
    rng = np.random.default_rng(4)
    popular = 1 / np.arange(1, 41) / (1 / np.arange(1, 41)).sum()
    train = {f"u{n}": [f"i{item:02d}" for item in rng.choice(40, 12, replace=False, p=popular)] for n in range(60)}
    data = Dataset(train, {user: ["i39"] for user in train}, {f"i{n:02d}": [] for n in range(44)})
    lists = {user: [f"i{n:02d}" for n in rng.choice(44, 5, replace=False)] for user in train}
    counts = Counter(item for row in train.values() for item in row)
    inner = {item: -place for place, item in enumerate(sorted(counts))}  # its numbers, such that ties go as ours do
    rarest = sorted(counts, key=lambda item: (counts[item], inner[item]))
    for head, ratio in ((0.9, 0.1), (0.7, 0.3)):
        tail = set(rarest[: max(int(len(counts) * ratio + 1e-9), 1)])
        metric = "aplt@5" if head == 0.9 else f"aplt(head={head})@5"
        found = value(lists, data, metric, convention="recbole", seen="keep")
        whole = np.mean([sum(item in tail for item in items) / 5 for items in lists.values()])
        assert found == pytest.approx(whole)


def naive_literal(ranked, relevant, k):
    """Accuracy of (item, rank) pairs as RecTools computes it: by the rank that is written."""
    hits = sorted(rank for item, rank in ranked if rank <= k and item in relevant)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, k + 1))
    precisions = sum(place / rank for place, rank in enumerate(hits, 1))
    return {
        "reciprocal_rank": 1 / hits[0] if hits else 0.0,
        "precision": len(hits) / k,
        "recall": len(hits) / len(relevant),
        "ndcg": sum(1 / math.log2(rank + 1) for rank in hits) / ideal,
        "average_precision": precisions / len(relevant),
        "hit_rate": float(bool(hits)),
    }


def test_rectools_takes_ranks_literally():
    recs = pd.DataFrame({"user_id": [1], "item_id": [5], "rank": [9]})
    data = Dataset(test={1: [5]})
    assert evaluate(recs, data, "reciprocal_rank@3", convention="rectools", n_boot=0)["reciprocal_rank@3"].value == 0
    for options in ({}, {"convention": "rectools", "ranks": "order"}):
        report = evaluate(recs, data, "reciprocal_rank@3", n_boot=0, **options)
        assert report["reciprocal_rank@3"].value == 1
        assert "1 users have gaps in their ranks, which are closed" in " ".join(report.readings[-1].notes)
    report = evaluate(recs, data, "reciprocal_rank@9", ranks="literal", n_boot=0)
    assert report["reciprocal_rank@9"].value == 1 / 9
    assert "which stay" in " ".join(report.readings[-1].notes)


@pytest.mark.parametrize("text", [False, True])
def test_literal_ranks_against_plain_loops(text):
    rng = np.random.default_rng(3)
    for _ in range(draws(40, 4)):
        n_items, k = int(rng.integers(3, 30)), int(rng.integers(1, 12))
        name = (lambda item: f"i{item}") if text else int
        rows, test = [], {}
        for user in range(int(rng.integers(1, 6))):
            items = rng.permutation(n_items)[: rng.integers(1, 8)]
            ranks = np.sort(rng.permutation(15)[: len(items)]) + 1
            rows += [(user, name(item), rank) for item, rank in zip(items.tolist(), ranks.tolist(), strict=True)]
            test[user] = [name(item) for item in rng.permutation(n_items)[: rng.integers(1, 5)].tolist()]
        recs = pd.DataFrame(rows, columns=["user_id", "item_id", "rank"])
        data = Dataset({user: [name(0)] for user in test}, test)
        names = [*naive_literal([], {1}, 1), "catalog_coverage", "self_information"]
        report = evaluate(recs, data, names, k=k, convention="rectools", n_boot=0)
        for user, relevant in test.items():
            of_user = recs[recs.user_id == user]
            ranked = list(zip(of_user.item_id, of_user["rank"], strict=True))
            for metric, value in naive_literal(ranked, set(relevant), k).items():
                assert report.per_user(report.metrics[names.index(metric)])[user] == pytest.approx(value), metric
        shown = set(recs.item_id[recs["rank"] <= k]) & {name(0)}
        assert report.value(report.metrics[6]) == len(shown)
        listed = recs[recs["rank"] <= k].user_id.nunique()
        assert report[report.metrics[7]].n_users == listed


@pytest.mark.parametrize("order", ["rows", "score", "auto"])
def test_only_a_rank_that_orders_is_taken_literally(order):
    """Neither the places of rows, nor a rank beside a score that orders, have gaps, of whichever user they are."""
    rows = [(1, 12, 3, 9.0), (1, 13, 7, 8.0), (2, 13, 3, 7.0), (2, 11, 7, 6.0)]
    recs = pd.DataFrame(rows, columns=["user_id", "item_id", "rank", "score"])
    recs = recs.drop(columns="rank") if order == "auto" else recs
    data = Dataset(train={1: [10], 2: [10]}, test={1: [12], 2: [11]})
    for convention in ("rectools", None):
        report = evaluate(recs, data, ["recall@2", "reciprocal_rank@2"], order=order, convention=convention, n_boot=0)
        assert [report.value(metric) for metric in report] == [1, 0.75]
        assert not [note for note in report.readings[-1].notes if "gaps" in note]


def test_a_run_whose_scores_order_has_no_gaps(tmp_path):
    (tmp_path / "r.run").write_text("1 Q0 12 9 9.0 t\n1 Q0 13 8 8.0 t\n2 Q0 13 1 7.0 t\n2 Q0 11 2 6.0 t\n")
    data = Dataset(train={1: [10], 2: [10]}, test={1: [12], 2: [11]})
    report = evaluate(tmp_path / "r.run", data, "recall@2", convention="rectools", n_boot=0)
    assert report.readings[-1].order == "score"
    assert report["recall@2"].value == 1


def test_ranks_that_cannot_be_taken_literally():
    recs = pd.DataFrame({"user_id": 1, "item_id": [1, 2, 3], "rank": [1.5, 2.5, 9]})
    with pytest.raises(DataError, match=r"recs has the rank 1.5 .* pass ranks='order'"):
        evaluate(recs, Dataset(test={1: [1]}), "ndcg@3", ranks="literal", n_boot=0)
