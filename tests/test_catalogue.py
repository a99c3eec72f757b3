"""Metrics, gains, distances and re-rankers of one's own: declared in 15 lines, in a file or in a package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from cli_files import run, write_files

import beyondacc as ba
from beyondacc.cli import plugins
from beyondacc.errors import DataError, SpecError
from beyondacc.metrics import REGISTRY
from beyondacc.rerank import RERANKERS
from beyondacc.rerank.terms import GAINS

ROOT = Path(__file__).resolve().parents[1]
MINE = '''
import beyondacc as ba
import numpy as np


@ba.metric(better="higher", needs="train", bounds=(0, 1), aliases=("scarce",))
def rare_share(batch, *, k: int = 10, below: int = 5):
    """Share of rare items: those that fewer than `below` users have.

    Parameters
    ----------
    below
        How few.
    """
    items = batch.lists[:, :k]
    few = (items >= 0) & (batch.world.item_counts[items] < below)
    return few.sum(axis=1) / np.maximum(np.minimum(batch.lengths, k), 1)


@ba.gain
def nearest_pick(distances, term, step):
    for i in range(len(term)):
        term[i] = distances[i] if step == 1 else min(term[i], distances[i])


@ba.distance
def cityblock(one, other):
    """City block distance."""
    return np.abs(one - other).sum()


@ba.reranker(needs="train")
def Rare(batch, *, power: float = 0.5):
    """Rare items first: the term is -count^power.

    Parameters
    ----------
    power
        Of the number of users.
    """
    return -(batch.world.item_counts[batch.lists] ** power)
'''


@pytest.fixture(autouse=True)
def forgotten(fresh_distances):  # noqa: ARG001
    """Whatever a test declares is gone after it."""
    kept = [(each, dict(each)) for each in (REGISTRY, RERANKERS, RERANKERS.templates, GAINS)]
    yield
    for catalogue, members in kept:
        catalogue.clear()
        catalogue.update(members)
    plugins._forget()


@pytest.fixture
def files(tmp_path, monkeypatch):
    write_files(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


DATA = ("--train", "train.csv", "--test", "test.csv", "--items", "items.csv")


def world():
    rng = np.random.default_rng(0)
    train = {user: {int(item): 3.0 for item in rng.permutation(20)[: 3 + user % 5]} for user in range(12)}
    lists = {user: {int(i): 1 - p / 20 for p, i in enumerate(rng.permutation(20)[:8])} for user in range(12)}
    genres = {item: ["a", f"g{item % 4}"] for item in range(20)}
    return ba.Dataset(train, {user: rng.permutation(20)[:4].tolist() for user in range(12)}, genres), lists


def counts_of(data):
    train = data.train
    return np.bincount(train.items, minlength=len(data.items))


def expected(data, lists, k, below):
    """The share by plain loops."""
    counts = dict(zip(data.items.ids.tolist(), counts_of(data).tolist(), strict=True))
    return {
        user: sum(counts[item] < below for item in list(rows)[:k]) / min(k, len(rows)) for user, rows in lists.items()
    }


# --- in Python


def declare_rare():
    @ba.metric(better="higher", needs="train", bounds=(0, 1))
    def rare(batch, *, k: int = 10, below: int = 5):
        """Share of rare items: those that fewer than `below` users have."""
        items = batch.lists[:, :k]
        few = (items >= 0) & (batch.world.item_counts[items] < below)
        return few.sum(axis=1) / np.maximum(np.minimum(batch.lengths, k), 1)

    return rare


@pytest.mark.kernel
def test_a_metric_of_ones_own_is_one_like_ours():
    rare = declare_rare()
    data, lists = world()
    metric = rare(below=3) @ 4
    assert str(metric) == "rare(below=3)@4"
    assert REGISTRY.parse("Rare(below=3)@4") == metric
    report = ba.evaluate(lists, data, ["ndcg@4", "rare(below=3)@4"], n_boot=50)
    assert report.per_user(metric).to_dict() == expected(data, lists, 4, 3)
    found = report[metric]
    assert 0 <= found.ci_low < found.value < found.ci_high <= 1
    assert (found.n_users, found.better) == (12, "higher")
    assert rare.title == "Share of rare items"
    assert (rare.family, rare.cite, rare.bounds({})) == ("own", "your own", (0, 1))
    assert rare.as_dict()["needs"] == ["train"]
    reports = ba.evaluate(
        {"a": lists, "b": {u: dict(reversed(r.items())) for u, r in lists.items()}}, data, metric, n_boot=0
    )
    assert list(ba.compare(reports, n=9).table["metric"]) == [str(metric)]
    swept = ba.sweep("Novelty", lists, data, diversity=[0, 1], metrics=["rare@4"], n_boot=0, k=4)
    assert swept.table["value"].iloc[-1] >= swept.table["value"].iloc[0]
    study = ba.Study(
        data, models=["Popularity", "Random"], rerankers=["Novelty"], metrics=["rare", "epc"], n_boot=0, k=4
    )
    assert list(dict.fromkeys(study.run().table["metric"])) == ["rare@4", "epc@4"]
    with pytest.raises(SpecError, match=r"metric 'rare@10' needs training rows; pass train="):
        ba.evaluate(lists, ba.Dataset(items={1: ["a"]}), "rare")


def test_the_same_lines_again_take_the_place_of_the_former():
    first, order = declare_rare(), list(REGISTRY)
    data, lists = world()
    report = ba.evaluate(lists, data, "rare@3", n_boot=0)
    second = declare_rare()
    assert first is not second
    assert REGISTRY["rare"] is second
    assert list(REGISTRY) == order
    assert first @ 3 != second @ 3
    with pytest.raises(SpecError, match="rare@3 was declared anew since the lists were evaluated; evaluate them again"):
        report.value("rare@3")

    def another():
        @ba.metric(better="higher")
        def rare(batch, *, k: int = 10):  # noqa: ARG001
            return np.zeros(len(batch))

    with pytest.raises(SpecError, match="a metric named 'rare' is declared already; choose another name"):
        another()
    for name in ("ild", "ILD", "map", "intra_list_diversity", "novelty"):
        space = {"ba": ba}
        with pytest.raises(SpecError, match=f"a metric named '{name}' is declared already"):
            exec(f"def {name}(batch, *, k: int = 3): return batch\nba.metric(better='higher')({name})", space)  # noqa: S102

    def gainful(distances, term, step):
        term[:] = distances * step

    one = ba.gain(gainful)
    assert ba.gain(gainful) is one is GAINS["gainful"]
    assert ba.gain(one, name="other") is GAINS["other"]
    assert RERANKERS.create("greedy(gain=other)").gain is GAINS["other"]


def bad(function, **options):
    return ba.metric(**({"better": "higher"} | options))(function)


def no_cutoff(batch, *, power: float = 1.0):
    return batch, power


def positional(batch, k=10):
    return batch, k


def untyped(batch, *, k: int = 10, power=1.0):
    return batch, k, power


def listed(batch, *, k: int = 10, powers: list = ()):
    return batch, k, powers


def needing(batch, *, k: int = 10, power: float):
    return batch, k, power


def outside(batch, *, k: int = 10, mode: Literal["a", "b"] = "c"):
    return batch, k, mode


def unknown(batch, *, k: int = 10, mode: Nothing = 1):  # noqa: F821
    return batch, k, mode


def fine(batch, *, k: int = 10):
    return np.zeros(len(batch)) + k


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (
            no_cutoff,
            {},
            r"'no_cutoff' has no parameter k, the cutoff; write it as def no_cutoff\(batch, \*, k: int = 10",
        ),
        (positional, {}, r"must take a block of users as its one positional argument, and its parameters behind \*"),
        (untyped, {}, r"the parameter power has no annotation; write it like power: float = 1.0"),
        (listed, {}, r"the annotation <class 'list'> of powers is not one that a text can be read as; take bool, int"),
        (needing, {}, r"the parameter power has no default"),
        (outside, {}, r"mode='c' is not allowed; mode must be 'a' or 'b'"),
        (unknown, {}, r"an annotation cannot be read \(name 'Nothing' is not defined\)"),
        (lambda batch, *, k: batch + k, {}, r"is declared above a function with a name"),
        (3, {}, r"is declared above a function with a name of letters, digits and _; 3 is not one"),
        (fine, {"better": "up"}, r"better='up' is not allowed; better must be 'higher', 'lower' or 'target'"),
        (fine, {"needs": "rows, train"}, r"needs='rows, train' is not allowed; a metric may need 'truth', 'train', "),
        (fine, {"core": True}, r"core=True is for the library's own"),
    ],
)
def test_functions_that_cannot_be_metrics(function, options, message):
    before = dict(REGISTRY)
    with pytest.raises(SpecError, match=message):
        bad(function, **options)
    assert dict(REGISTRY) == before


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (
            lambda batch: np.zeros(len(batch) + 1),
            r"an array of float64 of the shape \(13,\) for 12 users; it must return",
        ),
        (lambda batch: batch.lists, r"an array of int32 of the shape \(12, 8\) for 12 users"),
        (lambda _batch: None, r"a NoneType for 12 users"),
        (lambda batch: np.array(["a"] * len(batch)), r"an array of <U1"),
        (
            lambda batch: np.full(len(batch), 2.0),
            r"'odd' returned 2; it must return finite numbers within its bounds, 0 to 1",
        ),
        (lambda batch: np.full(len(batch), np.inf), r"returned inf; it must return finite numbers"),
        (lambda batch: batch.nothing, r"raised AttributeError \(.*'nothing'\) at test_catalogue.py, line \d+; mend"),
        (lambda _batch: {}[0], r"metric 'odd' raised KeyError \(0\) at test_catalogue.py, line \d+; mend the function"),
    ],
)
def test_what_a_metric_returns_is_looked_at(returned, message):
    @ba.metric(better="higher", bounds=(0, 1))
    def odd(batch, *, k: int = 10):  # noqa: ARG001
        return returned(batch)

    data, lists = world()
    with pytest.raises(SpecError, match=message):
        ba.evaluate(lists, data, "odd", n_boot=0, threads=1)


def test_a_metric_without_bounds_has_none():
    @ba.metric(better="target")
    def wide(batch, *, k: int = 10):  # noqa: ARG001
        return np.where(np.arange(len(batch)) % 2, -100.0, np.nan)

    data, lists = world()
    report = ba.evaluate(lists, data, "wide", n_boot=10)
    assert (report["wide"].value, report["wide"].n_undefined) == (-100, 6)
    assert wide.as_dict()["bounds"] == [None, None]


@pytest.mark.kernel
def test_a_metric_of_a_whole_run():
    from beyondacc.metrics.coverage import catalog_coverage

    @ba.metric(better="higher", needs="catalogue", accumulate=catalog_coverage.accumulate)
    def shown(state, *, k: int = 10):  # noqa: ARG001
        return (state.total > 0).sum(axis=-1).astype(float)

    data, lists = world()
    value = ba.evaluate(lists, data, "shown@3", n_boot=10).value("shown@3")
    assert value == len({item for rows in lists.values() for item in list(rows)[:3]})


# --- re-rankers and gains


@pytest.mark.kernel
def test_a_function_of_candidates_is_a_reranker():
    @ba.reranker(needs="train")
    def Rarity(batch, *, power: float = 1.0):  # noqa: N802
        """Rare items first."""
        return -(batch.world.item_counts[batch.lists] ** power)

    data, lists = world()
    lists[3] = dict(list(lists[3].items())[:2])  # ragged
    for weight in (0, 0.3, 1):
        one = RERANKERS.create("rarity", diversity=weight).rerank(lists, data, k=5)
        other = ba.Popularity(diversity=weight).rerank(lists, data, k=5)
        pd.testing.assert_frame_equal(one.to_pandas(), other.to_pandas())
    assert str(Rarity(power=2, diversity=0.25)) == "Rarity(diversity=0.25, power=2.0)"
    assert Rarity.__qualname__.endswith("<locals>.Rarity")
    assert RERANKERS["Rarity"].title == "Rare items first"
    assert [need.name for need in Rarity.needs] == ["TRAIN"]
    assert Rarity(power=2).at(0.1).power == 2
    with pytest.raises(SpecError, match=r"re-ranker Rarity\(diversity=0.5\) needs training rows"):
        Rarity().rerank(lists, ba.Dataset(items={1: ["a"]}))
    with pytest.raises(SpecError, match="every re-ranker has a parameter normalize; call yours otherwise"):

        @ba.reranker()
        def Other(batch, *, normalize: bool = True):  # noqa: N802
            return batch, normalize


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (
            lambda batch: np.zeros(len(batch)),
            r"re-ranker 'Odd' returned an array of float64 of the shape \(12,\) for lists",
        ),
        (lambda batch: np.full(batch.lists.shape, np.nan), "it must return one finite number for each candidate"),
        (lambda _batch: 1 // 0, r"re-ranker 'Odd' raised ZeroDivisionError .* at test_catalogue.py, line \d+"),
    ],
)
def test_what_a_reranker_returns_is_looked_at(returned, message):
    @ba.reranker()
    def Odd(batch):  # noqa: N802
        return returned(batch)

    data, lists = world()
    with pytest.raises(SpecError, match=message):
        Odd().rerank(lists, data, threads=1)


def test_a_class_is_a_reranker():
    @ba.reranker(title="Mine", cite="me")
    class Mine(ba.MMR):
        """As MMR.

        Parameters
        ----------
        shift
            Nothing.
        """

        shift: float = 0.0

    data, lists = world()
    assert str(RERANKERS.create("mine(shift=1)")) == "Mine(diversity=0.5, shift=1.0)"
    pd.testing.assert_frame_equal(
        Mine(shift=2).rerank(lists, data, k=4).to_pandas(), ba.MMR().rerank(lists, data, k=4).to_pandas()
    )
    with pytest.raises(SpecError, match="the re-ranker name 'MMR' is taken by MMR; choose another class name"):
        ba.reranker()(type("MMR", (ba.MMR,), {}))
    with pytest.raises(SpecError, match=r"int is not a re-ranker; make it a subclass of beyondacc\.Reranker"):
        ba.reranker()(int)
    with pytest.raises(SpecError, match="re-ranker Half does not say how it picks; define _select"):
        ba.reranker()(type("Half", (ba.Reranker,), {}))
    assert "Half" not in RERANKERS


@pytest.mark.kernel
def test_a_gain_is_known_by_its_name():
    def nearest(distances, term, step):
        for i in range(len(term)):
            term[i] = distances[i] if step == 1 else min(term[i], distances[i])

    made = ba.gain(nearest)
    data, lists = world()
    text = "Greedy(gain=nearest, diversity=0.3)"
    one, other = (
        each.rerank(lists, data, k=5) for each in (RERANKERS.create(text), ba.Greedy(gain=nearest, diversity=0.3))
    )
    pd.testing.assert_frame_equal(one.to_pandas(), other.to_pandas())
    assert RERANKERS.create(str(RERANKERS.create(text))).gain is made
    study = ba.Study(
        data, models=["Popularity"], rerankers=["greedy(gain=nearest)"], diversity=[0.5], metrics=["ild"], n_boot=0, k=4
    )
    assert [each.kind for each in study.rerankers] == ["Greedy(gain=nearest)"]
    assert len(study.run().table) == 2
    for wrong, message in (
        (3, "3 is not one"),
        (lambda _distances, _term, _step: None, "'<lambda>' cannot name a gain; pass name="),
    ):
        with pytest.raises(SpecError, match=message):
            ba.gain(wrong)
    with pytest.raises(SpecError, match=r"gain='nothing' is not allowed; gain must be nearest, or a function"):
        RERANKERS.create("Greedy(gain=nothing)")


# --- on the command line


@pytest.mark.kernel
@pytest.mark.usefixtures("files")
def test_every_command_knows_what_a_plugin_declares(capsys):
    plugin = ("--plugin", "mine.py")

    def ok(*args):
        done = run(capsys, *args)
        assert done.code == 0, done.err
        return done.out

    metric = "rare_share(below=3)@4"
    values = {}
    for args in (("-m", metric), ("-m", "scarce(below=3)@4,ild(distance=cityblock)@3")):
        out = ok("evaluate", "recs.csv", *DATA, *args, *plugin, "--format", "json", "--bootstrap", "0")
        values |= {each["metric"]: each["value"] for each in json.loads(out)}
    assert list(values) == [metric, "ild(distance=cityblock)@3"]
    data = ba.Dataset("train.csv", "test.csv", "items.csv")
    lists = {user: dict.fromkeys(rows["item_id"]) for user, rows in pd.read_csv("recs.csv").groupby("user_id")}
    assert values[metric] == pytest.approx(np.mean(list(expected(data, lists, 4, 3).values())))
    pd.read_csv("recs.csv").iloc[::-1].assign(score=lambda frame: -frame["score"]).to_csv("other.csv", index=False)
    assert metric in ok("compare", "recs.csv", "other.csv", *DATA, "-m", metric, *plugin, "--replicates", "9")
    for method in ("rare(power=2)", "Greedy(gain=nearest_pick, distance=cityblock)", "MMR(distance=cityblock)"):
        assert ok("rerank", "recs.csv", *DATA[:2], *DATA[4:], "--method", method, *plugin, "-k", "3")
    base = ("rerank", "recs.csv", *DATA[:2], *DATA[4:], "-k", "3")
    for written, options in (
        ("rare(power=2)", ("--method", "rare", "--power", "2", *plugin)),
        ("rare(power=2)", (*plugin, "--power=2", "--method", "Rare")),
        ("greedy(gain=nearest_pick)", ("--gain", "nearest_pick", "--method", "greedy", "--plugin=mine.py")),
    ):
        assert ok(*base, *options) == ok(*base, "--method", written, *plugin)
    assert "--power " in ok("rerank", "--help", *plugin)
    out = ok(
        *(
            "study",
            "--ratings",
            "ratings.csv",
            "--items",
            "items.csv",
            "--models",
            "Popularity,Random",
            "-m",
            "rare_share@3,ild@3",
        ),
        *("--rerankers", "Rare", "--diversity", "0.5", "--bootstrap", "0", "-o", "out", *plugin),
    )
    assert "rare_share" in out
    assert "rare_share" in ok("metrics", *plugin)
    assert "rare_share" in {each["name"] for each in json.loads(ok("metrics", "--json", *plugin))}
    listed = ok("rerankers", *plugin)
    assert "Rare items first" in listed
    assert "Greedy needs gain=, nearest_pick, or a function" in listed
    for name, said in (
        ("rare_share", "Share of rare items: those that fewer than `below` users have."),
        ("rare_share", "How few."),
        ("rare", "the term is -count^power"),
        ("greedy", "nearest_pick, or a function"),
        ("greedy(gain=nearest_pick)", "written     Greedy(diversity=0.5, gain=nearest_pick)"),
        ("ild(distance=cityblock)@3", "written     ild(distance=cityblock)@3"),
    ):
        assert said in ok("explain", name, *plugin)
    for command in ("evaluate", "compare", "rerank", "study", "metrics", "rerankers", "explain"):
        assert "--plugin" in ok(command, "--help")


@pytest.mark.usefixtures("files")
def test_plugins_are_repeated_and_import_what_lies_beside_them(capsys, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "beside_it.py").write_text("POWER = 2\n")
    (tmp_path / "deep" / "second.py").write_text(
        "import beside_it\nimport beyondacc as ba\n\n"
        '@ba.metric(better="lower")\ndef lengths(batch, *, k: int = 10):\n    return batch.lengths ** beside_it.POWER\n'
    )
    path, modules = list(sys.path), set(sys.modules)
    done = run(capsys, "metrics", "--plugin", "mine.py", "--plugin", "deep/second.py")
    assert done.code == 0, done.err
    assert {"rare_share", "lengths"} <= {line.split(" ")[0] for line in done.out.splitlines()}
    again = run(capsys, "metrics", "--plugin", "deep/second.py")  # the same lines take their own place
    assert again.code == 0, again.err
    plugins._forget()
    assert sys.path == path
    assert {*sys.modules} - modules <= {"beside_it"}
    sys.modules.pop("beside_it")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import beyondacc as ba\n\nx = y\n", "line 3, raised NameError (name 'y' is not defined); mend the file"),
        ("x = 1\ny = (\n", "line 2, raised SyntaxError ('(' was never closed); mend the file"),
        ("def f():\n    raise KeyError('a')\n\nf()\n", "line 2, raised KeyError ('a'); mend the file"),
        ("raise SystemExit(3)\n", "line 1, raised SystemExit (3); mend the file"),
        ("import nothing_of_that_name\n", "line 1, raised ModuleNotFoundError (No module named"),
        (
            "import beyondacc as ba\n\n@ba.metric(better='higher')\ndef ild(batch, *, k: int = 1):\n    return 0\n",
            "line 3: a metric named 'ild' is declared already; choose another name",
        ),
        (
            "import beyondacc as ba\n\n@ba.metric(better='higher')\ndef own(batch, k=1):\n    return 0\n",
            "line 3: metric 'own' must take a block of users as its one positional argument",
        ),
    ],
)
@pytest.mark.usefixtures("files")
def test_what_is_wrong_in_a_plugin_is_one_line(capsys, tmp_path, text, said):
    (tmp_path / "wrong.py").write_text(text)
    for command in (("metrics",), ("evaluate", "recs.csv", *DATA), ("study",)):
        done = run(capsys, *command, "--plugin", "wrong.py")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"error: plugin wrong.py, {said}")
        assert done.err.count("\n") == 1
    assert "wrong" not in sys.modules


@pytest.mark.usefixtures("files")
def test_files_that_are_not_plugins(capsys, tmp_path):
    (tmp_path / "json.py").write_text("")
    (tmp_path / "numpy.py").write_text("")
    (tmp_path / "a.b.py").write_text("")
    (tmp_path / "mine.txt").write_text("")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "mine.py").write_text("")
    for names, said in (
        (["nothing.py"], "plugin: there is no file 'nothing.py'; check the path"),
        (["mine.txt"], "plugin 'mine.txt' is not a file of Python; name one such as mine.py"),
        (["a.b.py"], "plugin 'a.b.py' is not a file of Python"),
        (["deep"], "plugin 'deep' is not a file of Python"),
        (["json.py"], "plugin 'json.py' is called like the module json that is installed; rename the file"),
        (["numpy.py"], "plugin 'numpy.py' is called like the module numpy that is installed"),
        (["mine.py", "deep/mine.py"], "are both called mine; rename one"),
    ):
        done = run(capsys, "metrics", *(part for name in names for part in ("--plugin", name)))
        assert done.code == 2
        assert said in done.err


@pytest.mark.kernel
@pytest.mark.usefixtures("files")
def test_a_study_with_other_lines_of_ones_own_is_another(tmp_path):
    data, _ = world()

    def study():
        plugins._load_all([tmp_path / "mine.py"])
        rerankers = ["Rare", "Greedy(gain=nearest_pick)", "MMR(distance=cityblock)"]
        made = ba.Study(
            data,
            models=["Random"],
            rerankers=rerankers,
            metrics=["rare_share@3", "ild@3"],
            diversity=[0.5],
            n_boot=0,
            k=3,
        )
        return made.run(folder=tmp_path / "cells").table

    first = study()
    pd.testing.assert_frame_equal(study(), first)
    facts = json.loads((tmp_path / "cells" / "study.json").read_text())
    assert [each.split(":")[0] for each in facts["lines of your own"].split(", ")] == [
        "Rare", "cityblock", "nearest_pick", "rare_share",
    ]  # fmt: skip
    (tmp_path / "mine.py").write_text(MINE.replace("< below", "<= below"))
    with pytest.raises(DataError, match="with other lines of your own; choose another folder"):
        study()
    plain = ba.Study(data, models=["Random"], rerankers=["MMR"], metrics=["ild@3"], n_boot=0, k=3)
    assert "lines of your own" not in plain._facts()


def test_lines_without_a_file_are_told_apart():
    from beyondacc.declare.catalogue import fingerprint

    found = {}
    for text in ("x + 1", "x + 2", "[y for y in x]", "[y + 1 for y in x]", "x + 1"):
        space = {"__name__": "nowhere"}
        exec(f"def f(x, *, k=1): return {text}\nclass C:\n    def g(self, x): return {text}", space)  # noqa: S102
        found.setdefault(text, set()).add((fingerprint(space["f"]), fingerprint(space["C"])))
    assert all(len(each) == 1 for each in found.values())
    assert len({pair for each in found.values() for pair in each}) == 4
    assert len({one for each in found.values() for one, _ in each}) == 4


@pytest.mark.kernel
def test_the_file_of_the_readme(files, capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    own = text.partition("### One's own\n")[2].partition("\n#")[0]
    (code,) = re.findall(r"```py\n(.*?)```", own, flags=re.DOTALL)
    (files / "own.py").write_text(code)
    metrics = "rare(below=3)@10,ild(distance=cityblock)@3"
    done = run(capsys, "evaluate", "recs.csv", *DATA, "-m", metrics, "--plugin", "own.py", "--format", "csv")
    assert done.code == 0, done.err
    assert [line.split(",")[0] for line in done.out.splitlines()[1:]] == metrics.split(",")
    for method in ("rare(power=1)", "Greedy(gain=nearest, distance=cityblock)"):
        done = run(capsys, "rerank", "recs.csv", *DATA[:2], *DATA[4:], "--method", method, "--plugin", "own.py")
        assert done.code == 0, done.err


# --- of packages


def package(folder, name, groups, text):
    """A package that is installed, as far as Python can tell, with entry points."""
    (folder / f"{name}.py").write_text(text)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"[beyondacc.{group}]\n{name} = {name}" for group in groups]
    (info / "entry_points.txt").write_text("\n\n".join(lines) + "\n")


def probe(folder, code):
    done = subprocess.run(  # noqa: S603 - our own lines
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"},
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


def test_packages_bring_more_by_entry_points(tmp_path):
    write_files(tmp_path)
    package(tmp_path, "goodpkg", ["metrics", "rerankers", "distances"], MINE)
    package(tmp_path, "badpkg", ["metrics"], "import nothing_of_that_name\n")
    package(tmp_path, "clash", ["metrics"], MINE.replace("rare_share", "ild").replace("Rare(", "Rare2("))
    lines, _ = probe(
        tmp_path,
        """
import sys, warnings
import beyondacc as ba
from beyondacc.metrics import REGISTRY
from beyondacc.rerank import RERANKERS
data = ba.Dataset("train.csv", "test.csv", "items.csv")
ba.evaluate("recs.csv", data, ["ndcg@3", "ild(distance=cosine)@3"], n_boot=0)
ba.evaluate("recs.csv", data, n_boot=0)
RERANKERS.create("MMR(distance=cosine)"); dir(ba); REGISTRY.meanings("novelty")
print("goodpkg" in sys.modules, "badpkg" in sys.modules)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(ba.evaluate("recs.csv", data, "rare_share@3", n_boot=0).value("rare_share@3") >= 0)
    REGISTRY.listed(); REGISTRY.find("nothing"); RERANKERS.listed()
    print(ba.Distance.parse("cityblock"), RERANKERS.create("rare"), REGISTRY["ild"].cite != "your own")
for each in caught:
    print(each.category.__name__, each.message)
""",
    )
    assert lines[:3] == ["False False", "True", "cityblock Rare(diversity=0.5) True"]
    assert len(lines) == 5
    bad, clash = sorted(lines[3:])
    assert bad == (
        "UserWarning the entry point badpkg = badpkg of the package badpkg in beyondacc.metrics cannot be loaded "
        "(ModuleNotFoundError: No module named 'nothing_of_that_name'), so its metrics are not known; update or "
        "uninstall the package"
    )
    assert clash.startswith(
        "UserWarning the entry point clash = clash of the package clash in beyondacc.metrics cannot"
    )
    assert "a metric named 'ild' is declared already" in clash


def test_the_command_knows_what_packages_bring(tmp_path):
    write_files(tmp_path)
    package(tmp_path, "goodpkg", ["metrics", "rerankers", "distances"], MINE)
    package(tmp_path, "badpkg", ["metrics"], "1 / 0\n")
    code = "import sys; from beyondacc.cli import main; sys.exit(main(sys.argv[1:]))"

    def command(*args):
        done = subprocess.run(  # noqa: S603 - our own lines
            [sys.executable, "-c", code, *args],
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    out, err = command("metrics")
    assert "\nrare_share " in out
    assert err.startswith("note: the entry point badpkg = badpkg of the package badpkg in beyondacc.metrics cannot be")
    assert err.count("\n") == 1
    assert "\nRare " in command("rerankers")[0]
    assert "rare_share@3" in command("evaluate", "recs.csv", *DATA, "-m", "rare_share@3", "--bootstrap", "0")[0]
    assert command("evaluate", "recs.csv", *DATA, "-m", "ndcg@3", "--bootstrap", "0", "-q")[1] == ""
