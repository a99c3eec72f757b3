"""Names of metrics as people write them, and several cutoffs wherever metrics are taken."""

from __future__ import annotations

import dataclasses
import io
import itertools

import pandas as pd
import pytest
from cli_files import run, write_files
from hypothesis import given, strategies as st

import beyondacc as ba
from beyondacc.declare.names import split_cutoffs, split_names
from beyondacc.errors import SpecError
from beyondacc.evaluation.evaluate import check_metrics
from beyondacc.metrics import REGISTRY

DATA = ba.Dataset({"u": [1, 2], "v": [1, 3]}, {"u": [3], "v": [2]}, {1: ["a"], 2: ["b"], 3: ["a", "b"], 4: ["a"]})
LISTS = {"u": [3, 4], "v": [4, 2]}


def written(metrics):
    return [str(metric) for metric in metrics]


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        *((alias, "hit_rate") for alias in ("hr", "HR", "hit", "HitRate", "Hit-Rate", "HIT_RATE")),
        *((alias, "mean_popularity") for alias in ("ARP", "arp", "average_popularity", "Average_Popularity")),
        *((alias, "ils") for alias in ("intra_list_similarity", "ILS")),
        *((alias, "gini") for alias in ("gini_index", "Gini", "GINI")),
        *((alias, "average_precision") for alias in ("map", "MAP")),
        *((alias, "reciprocal_rank") for alias in ("mrr", "MRR")),
        ("nDCG", "ndcg"),
        ("Intra_List_Diversity", "ild"),
    ],
)
def test_names_that_mean_one_metric(alias, name):
    assert REGISTRY.parse(f"{alias}@3") == REGISTRY[name] @ 3


@given(data=st.data())
def test_the_case_of_a_name_means_nothing(data):
    names = [name for family in REGISTRY.values() for name in (family.name, *family.aliases)]
    name = data.draw(st.sampled_from(names))
    spelled = "".join(data.draw(st.sampled_from((letter.lower(), letter.upper()))) for letter in name)
    assert REGISTRY.parse(spelled) == REGISTRY.parse(name)
    assert REGISTRY.parse(spelled.replace("_", "-")) == REGISTRY.parse(name)


@pytest.mark.parametrize(
    ("name", "meanings"),
    [
        ("novelty", ["self_information", "epc", "efd"]),
        ("Coverage", ["catalog_coverage", "user_coverage", "genre_coverage"]),
        ("diversity", ["ild", "genre_entropy", "personalization"]),
        ("shannon_entropy", ["entropy", "genre_entropy"]),
    ],
)
def test_names_that_may_mean_several_are_answered_with_these(name, meanings):
    with pytest.raises(SpecError) as caught:
        REGISTRY.parse(f"{name}@10")
    message = str(caught.value)
    assert message.startswith(f"{name!r} may mean several metrics; name one: {meanings[0]} (")
    parts = message.split("name one: ")[1].replace(" or ", ", ").split("), ")
    assert [part.split(" (")[0] for part in parts] == meanings
    assert REGISTRY.meanings(name) == tuple(meanings)
    assert REGISTRY.find(name) is None


def test_a_name_with_several_meanings_cannot_be_declared():
    family = REGISTRY["ndcg"]
    with pytest.raises(SpecError, match="a metric named 'ndcg' is declared already"):
        REGISTRY.add(family)
    with pytest.raises(SpecError, match="a metric named 'novelty' is declared already"):
        REGISTRY.add(dataclasses.replace(family, name="novelty", aliases=()))


# cutoffs


@pytest.mark.parametrize(
    ("given", "k", "found"),
    [
        ("ndcg@5,10,20", 10, ["ndcg@5", "ndcg@10", "ndcg@20"]),
        ("ndcg@20, 5", 10, ["ndcg@5", "ndcg@20"]),
        ("ndcg", [5, 10], ["ndcg@5", "ndcg@10"]),
        ("ndcg, ild(distance=cosine)@2,3, recall@7", (4, 1), [
            *("ndcg@1", "ndcg@4", "ild(distance=cosine)@2", "ild(distance=cosine)@3", "recall@7"),
        ]),
        (["ndcg@5,10", "ndcg@10"], 3, ["ndcg@5", "ndcg@10"]),
        ([REGISTRY["ild"], REGISTRY["ild"](distance="cosine"), REGISTRY["ild"] @ 7], [2, 3], [
            *("ild@2", "ild@3", "ild(distance=cosine)@2", "ild(distance=cosine)@3", "ild@7"),
        ]),
        ("ndcg(k=3)", [5, 10], ["ndcg@3"]),
    ],
)  # fmt: skip
def test_several_cutoffs(given, k, found):
    assert written(REGISTRY.parse_several(given, k=k)) == found
    assert written(REGISTRY.parse_several(REGISTRY.parse_several(given, k=k), k=1)) == found


@pytest.mark.parametrize(
    ("given", "k", "message"),
    [
        ("ndcg@5,5", 10, "'ndcg@5,5' gives a cutoff twice; give each once"),
        ("ndcg", [5, 5], r"metrics: k=\[5, 5\] gives a cutoff twice; give each once"),
        ("ndcg", [], r"metrics: k=\[\] names no cutoff; give a whole number >= 1, or several such as \[5, 10\]"),
        ("ndcg", [0, 5], "metrics: k=0 is not allowed; k must be a whole number >= 1"),
        ("ndcg", "5,10", "metrics: k='5,10' is not allowed; k must be a whole number >= 1"),
        ("ndcg@5,x", 10, "'ndcg@5,x' cannot be read|the cutoff '5,x' is not allowed|there is no metric 'x'"),
        ("ndcg@0,5", 10, "'ndcg@0': the cutoff '0' is not allowed; k must be a whole number >= 1"),
    ],
)
def test_cutoffs_that_are_refused(given, k, message):
    with pytest.raises(SpecError, match=message):
        REGISTRY.parse_several(given, k=k)


def test_one_cutoff_where_there_is_one_metric():
    with pytest.raises(SpecError, match="'ndcg@5,10' names several cutoffs; give one here"):
        REGISTRY.parse("ndcg@5,10")


@given(st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True), st.sampled_from([",", ", ", " ,"]))
def test_cutoffs_are_split_in_ascending_order(cutoffs, comma):
    text = f"ild(missing=one)@{comma.join(map(str, cutoffs))}"
    assert split_names([f"ndcg@3, {text},recall"])[0::2] == ["ndcg@3", "recall"]
    (again,) = split_names([text])
    assert split_cutoffs(again) == [f"ild(missing=one)@{k}" for k in sorted(cutoffs)]


def test_default_metrics_at_several_cutoffs():
    for metrics in (None, "all"):
        found = check_metrics(metrics, DATA, k=[2, 1])
        alone = [check_metrics(metrics, DATA, k=k) for k in (1, 2)]
        assert found == [metric for pair in zip(*alone, strict=True) for metric in pair]


@pytest.mark.kernel
@pytest.mark.filterwarnings("ignore::beyondacc.errors.NoEffectWarning")
def test_metrics_at_several_cutoffs_wherever_they_are_taken():
    wanted = ["ndcg@1", "ndcg@2", "ild@2"]
    given = ["ndcg", "ild@2"]
    report = ba.evaluate(LISTS, DATA, given, k=[1, 2], n_boot=0)
    assert written(report) == report.to_pandas()["metric"].tolist() == wanted
    for metric in wanted:
        assert str(report.value(metric)) == str(ba.evaluate(LISTS, DATA, metric, n_boot=0).value(metric))
    reports = ba.evaluate({"a": LISTS, "b": LISTS}, DATA, given, k=[1, 2], n_boot=0)
    assert list(reports.to_wide().columns) == wanted
    assert dict.fromkeys(ba.compare(reports, n=9).table["metric"]) == dict.fromkeys(wanted)
    groups = report.by({"u": "one", "v": "two"})
    assert written(next(iter(groups.values()))) == wanted
    scored = {user: dict(zip(items, (2.0, 1.0), strict=True)) for user, items in LISTS.items()}
    swept = ba.sweep("MMR", scored, DATA, diversity=[0, 1], metrics=given, k=[1, 2], n_boot=0)
    assert written(swept.metrics) == wanted
    assert written(ba.diagnose(LISTS, LISTS, DATA, "ndcg@1,2", n_boot=0).changes["metric"]) == wanted[:2]
    study = ba.Study(DATA, models=["Popularity"], rerankers=[], metrics=given, k=[1, 2], n_boot=0)
    assert written(study.metrics) == wanted
    assert study.k == 2
    found = study.run().table["metric"].tolist()
    assert found == wanted
    with pytest.raises(SpecError, match=r"tune: k=\[1, 2\] gives several cutoffs; give one, and name the others"):
        ba.tune("MMR", scored, DATA, target="ndcg >= 0", k=[1, 2])


@pytest.fixture
def files(tmp_path, monkeypatch):
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)


@pytest.mark.kernel
@pytest.mark.usefixtures("files")
def test_several_cutoffs_on_the_command_line(capsys):
    data = ("--train", "train.csv", "--test", "test.csv", "--items", "items.csv", "--format", "csv")
    for args in (("-m", "ndcg,HR@2", "-k", "3,1"), ("-m", "nDCG@1,3", "-m", "hit@2"), ("-m", "ndcg@1,3,hit_rate@2")):
        done = run(capsys, "evaluate", "recs.csv", *data, "--bootstrap", "0", *args)
        assert done.code == 0, done.err
        assert [line.split(",")[0] for line in done.out.splitlines()[1:]] == ["ndcg@1", "ndcg@3", "hit_rate@2"]
    pd.read_csv("recs.csv").to_csv("other.csv", index=False)
    done = run(capsys, "compare", "recs.csv", "other.csv", *data, "-m", "ndcg", "-k", "1,3", "--replicates", "9")
    assert done.code == 0, done.err
    assert list(dict.fromkeys(pd.read_csv(io.StringIO(done.out))["metric"])) == ["ndcg@1", "ndcg@3"]
    for text, message in (("5,5", "gives a cutoff twice"), ("5,x", "'x' is not allowed"), ("", "'' is not allowed")):
        done = run(capsys, "evaluate", "recs.csv", *data, "-k", text)
        assert done.code == 2
        assert message in done.err


@pytest.mark.kernel
@pytest.mark.usefixtures("files")
def test_an_option_that_is_named_wins_over_a_convention(capsys):
    data = ("--train", "train.csv", "--test", "test.csv", "--items", "items.csv", "--format", "csv")
    base = ("evaluate", "recs.csv", *data, "--bootstrap", "0", "-m", "ild@3", "--convention", "lenskit")
    assert run(capsys, *base).code == 2  # LensKit has no ild
    base = ("evaluate", "recs.csv", *data, "--bootstrap", "0", "-m", "recall(denominator=relevant)@3,ndcg@3")
    lists = pd.read_csv("recs.csv")
    lists[lists.iloc[:, 0] != lists.iloc[0, 0]].to_csv("recs.csv", index=False)  # a test user without a list
    found = {}
    for users, gains in itertools.product((None, "all"), (None, "given")):
        named = [*(["--users", users] if users else []), *(["--gains", gains] if gains else [])]
        done = run(capsys, *base, "--convention", "lenskit", *named)
        assert done.code == 0, done.err
        table = pd.read_csv(io.StringIO(done.out)).set_index("metric")
        assert list(table.index) == ["recall(denominator=relevant)@3", "ndcg(discount=log2_clip)@3"]
        found[users, gains] = table
    named, by_tool = found["all", None], found[None, None]
    assert named["n_users"].sum() + named["n_undefined"].sum() > by_tool["n_users"].sum() + by_tool["n_undefined"].sum()
    plain = ba.evaluate(
        "recs.csv", ba.Dataset("train.csv", "test.csv", "items.csv", zeros="relevant"), "ndcg(discount=log2_clip)@3",
        users="recommended", undefined="zero", n_boot=0,
    )  # fmt: skip
    value = found[None, "given"].loc["ndcg(discount=log2_clip)@3", "value"]
    assert value == pytest.approx(plain.value("ndcg(discount=log2_clip)@3"), abs=1e-15)
    assert value != by_tool.loc["ndcg(discount=log2_clip)@3", "value"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("err_ia",), "1.442866 times as much at k = 10"),
        (("binomial_diversity",), "whatever the profile"),
        (("HR",), "hit_rate: Hit rate (metric)"),
        (("Novelty",), "(re-ranker)"),
    ],
)
def test_explain(capsys, args, said):
    done = run(capsys, "explain", *args)
    assert done.code == 0, done.err
    assert said in " ".join(done.out.split())


def test_explain_answers_with_what_a_name_may_mean(capsys):
    done = run(capsys, "explain", "coverage")
    assert done.code == 2
    assert "'coverage' may mean several metrics; name one: catalog_coverage (Catalogue coverage), " in done.err


@pytest.mark.kernel
def test_what_explain_says_of_err_ia_and_binomial_diversity():
    """The constant of ndeval at 10, and that one item of each genre is the best list, whatever the profile."""
    items = {n: ["a"] for n in range(10)}
    data = ba.Dataset({"u": [0]}, {"u": list(range(10))}, items)
    assert 1 / ba.evaluate({"u": list(range(10))}, data, "err_ia@10", n_boot=0).value("err_ia@10") == pytest.approx(
        1.442866, abs=5e-7
    )
    genres = {1: ["a"], 2: ["b"], 3: ["c"], 4: ["a", "b", "c"], 5: ["a"]}
    for profile in ([1], [4], [5, 1, 2], [3]):
        data = ba.Dataset({"u": profile, "v": [2, 3]}, items=genres)
        for alpha in (0.0, 0.5):
            metric = f"binomial_diversity(alpha={alpha})@5"
            for shown in ([1, 2, 3], [4]):
                assert ba.evaluate({"u": shown}, data, metric, n_boot=0).value(metric) == pytest.approx(1.0)
            assert ba.evaluate({"u": [1, 5, 2, 3]}, data, metric, n_boot=0).value(metric) < 1
