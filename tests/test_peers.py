"""The harness that measures peers, with peers that need no environment of their own."""

import importlib
import json
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PEERS = Path(__file__).parents[1] / "benchmarks" / "speed" / "peers"
MODULES = ("exchange", "install", "pairing", "run", "table", "worker")

ADAPTER = """
import os, sys, time
sys.path.insert(0, {folder!r})
import numpy as np
from worker import Row, lists_of, serve

def lists(frames):
    return [lists_of(frames["recs"]), frames["items"]["item_id"].tolist()]

def covered(made):
    print("what a library prints is no answer")
    return len({{item for each in made[0] for item in each}} & set(made[1]))

def row(name, compute=covered, number=float, **more):
    return Row(
        name=name, call="covered(lists, items)", metric="catalog_coverage@10", convention="rectools",
        tables=("recs", "items"), order="rank", convert=lists, compute=compute, number=number, **more,
    )

ROWS = [
    row("coverage", journey=True),
    row("some", users=5),
    row("wrong", lambda made: 1 + covered(made), differs="it counts one more"),
    row("raising", lambda made: 1 / 0),
    row("dying", lambda made: os._exit(3)),
    row("slow", lambda made: time.sleep(60)),
    row("after"),
    Row(
        name="mmr", call="first(candidates)", metric="MMR", options={{"diversity": 0.0}},
        tables=("candidates", "genres"), convert=lambda frames: frames["candidates"]["user_id"].nunique(),
        compute=lambda n: np.tile(np.arange(10), (n, 1)), number=lambda picks: picks,
    ),
]
serve(ROWS, ("numpy",))
"""


@pytest.fixture(scope="module")
def peers():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PEERS))
        patch.syspath_prepend(str(PEERS / "adapters"))
        for name in MODULES:  # their names are those of other files, too
            patch.delitem(sys.modules, name, raising=False)
        yield types.SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
        for name in MODULES:
            sys.modules.pop(name, None)


def small(n_users=20, n_items=30):
    rng = np.random.default_rng(0)
    user_ids, item_ids = rng.permutation(10 * n_users)[:n_users], rng.permutation(10 * n_items)[:n_items]

    def rows(length, **columns):
        items = np.concatenate([rng.choice(item_ids, length, replace=False) for _ in range(n_users)])
        return pd.DataFrame({"user_id": np.repeat(user_ids, length), "item_id": items, **columns})

    def scores(length):
        return np.tile(1.0 / np.arange(1, length + 1), n_users)

    return types.SimpleNamespace(
        train=rows(8, rating=1.0),
        test=rows(3, rating=1.0),
        recs=rows(10, score=scores(10)),
        candidates=rows(15, score=scores(15)),
        items=pd.DataFrame({"item_id": item_ids, "genres": np.where(item_ids % 2, "odd|any", "any")}),
        vectors=rng.normal(size=(n_items, 4)).astype(np.float32),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("workload")


@pytest.fixture(scope="module")
def sizes(peers, folder):
    (folder / "adapter.py").write_text(ADAPTER.format(folder=str(PEERS / "adapters")), encoding="utf-8")
    return peers.exchange.write(small(), folder)


@pytest.fixture(scope="module")
def ours(peers):
    with peers.exchange.Worker(Path(sys.executable), PEERS / "adapters" / "ours.py") as worker:
        yield {1: worker}


@pytest.fixture(scope="module")
def measure(peers, folder, sizes, ours):
    def call(*rows, ids=("plain",), python=sys.executable, **budget):
        chosen = peers.pairing.Budget(**budget)
        session = peers.run.Session(ours, folder, sizes, chosen, ids, frozenset(rows))
        found = []
        about = session.measure({"title": "Fake", "threads": [1]}, Path(python), folder / "adapter.py", found.append)
        return about, found

    return call


@pytest.fixture(scope="module")
def measured(measure):
    about, rows = measure("coverage", "some", "wrong", "raising", "dying", "after", "mmr", repeats=1)
    assert about == {"versions": {"numpy": np.__version__}}
    return {row["row"]: row for row in rows}


def test_a_peer_is_measured_between_ours_with_each_kind_of_ids(measure, peers):
    _, rows = measure("coverage", ids=peers.exchange.IDS, repeats=2)
    assert [row["ids"] for row in rows] == list(peers.exchange.IDS)
    for row in rows:
        assert row["equal"]
        assert row["value"] == row["ours_value"] > 0
        assert row["theirs"]["compute"]["repeats"] == row["ratio"]["1"]["end_to_end"]["repeats"] == 2
        assert row["ours"]["1"]["compute"]["repeats"] == 3
        times = row["theirs"]["convert"]
        assert 0 < times["min"] <= times["median"] <= times["max"]
        assert row["definition"] == "catalog_coverage(count=true)@10 (gains=binary, ranks=literal)"
        assert peers.run.said(row).endswith("equal")


def test_rows_that_differ_are_void_and_failures_are_named(measured):
    assert measured["wrong"]["void"].endswith(": it counts one more")
    assert not measured["wrong"]["equal"]
    assert measured["raising"]["failed"] == "the peer: ZeroDivisionError: division by zero"
    assert measured["dying"]["failed"] == "the peer: ended with status 3"
    assert measured["after"]["equal"]  # in a new process
    assert measured["some"]["scaled"] == 4
    assert measured["some"]["value"] <= measured["after"]["value"]
    assert measured["mmr"]["equal"]
    assert measured["mmr"]["value"] == 1


def test_a_peer_that_does_not_answer_is_given_up(measure):
    _, (row,) = measure("slow", timeout=0.5)
    assert row["failed"] == "the peer: no answer in 0.5 s"


def test_a_peer_that_is_not_installed_is_named(measure, tmp_path):
    assert measure("coverage", python=tmp_path / "nothing") == ({"failed": "not installed"}, [])


def test_picks_are_compared_list_by_list(peers):
    row = {"tolerance": 0.3, "differs": ""}
    ours = np.array([[0, 1], [0, 2], [1, 0], [3, 1]])
    theirs = ours.copy()
    theirs[2] = theirs[2, ::-1]
    assert peers.pairing.agree(theirs, ours, row) == {"value": 0.75, "ours_value": 1.0, "equal": True}
    theirs[0] = theirs[0, ::-1]
    assert peers.pairing.agree(theirs, ours, row)["void"] == "50.00 % of the lists differ"


def test_a_slow_peer_is_measured_once(peers, tmp_path):
    asked = []

    class Slow:
        def __init__(self, seconds):
            self.seconds = seconds

        def ask(self, do, **_):
            asked.append((self.seconds, do))
            return {"value": 1.0} | dict.fromkeys(peers.pairing._PARTS, self.seconds)

    row = {"tolerance": 1e-6, "differs": ""}
    found = peers.pairing.pair(Slow(80.0), {1: Slow(5.0)}, row, tmp_path)
    # one call of the peer, ours to warm up, before and after
    assert asked == [(80.0, "measure"), *[(5.0, "measure")] * 3]
    assert found["theirs"]["compute"]["repeats"] == 1
    assert found["ratio"]["1"]["compute"]["median"] == 16


@pytest.mark.usefixtures("sizes")
def test_tables_are_the_same_whatever_the_ids(peers, folder):
    work = small()
    plain = peers.worker.Tables(str(folder), "plain")
    for name in ("train", "recs", "candidates"):
        found = plain.select((name,), "score")[name]
        pd.testing.assert_frame_equal(found, getattr(work, name))
    genres = plain.select(("genres",), "score")["genres"]
    pd.testing.assert_frame_equal(
        genres.sort_values("item_id", ignore_index=True),
        work.items.sort_values("item_id", ignore_index=True),
        check_dtype=False,
    )
    np.testing.assert_array_equal(
        plain.select(("vectors",), "score")["vectors"][np.argsort(genres["item_id"])],
        work.vectors[np.argsort(work.items["item_id"])],
    )
    for kind in peers.exchange.IDS[1:]:
        tables = peers.worker.Tables(str(folder), kind)
        for name in ("test", "recs", "popular", "past"):
            found, expected = (each.select((name,), "rank")[name] for each in (tables, plain))
            assert found.columns.tolist() == expected.columns.tolist()
            for column in ("user_id", "item_id"):
                pairs = pd.DataFrame({"one": found[column], "other": expected[column]}).drop_duplicates()
                assert pairs["one"].is_unique
                assert pairs["other"].is_unique
    some = peers.worker.Tables(str(folder), "dense", 5).select(("recs",), "rank")["recs"]
    assert sorted(set(some["user_id"])) == list(range(5))


@pytest.mark.usefixtures("sizes")
def test_the_past_holds_nothing_that_is_listed(peers, folder):
    tables = peers.worker.Tables(str(folder), "plain").select(("past", "recs", "train"), "rank")
    past, recs, train = (set(zip(each["user_id"], each["item_id"], strict=True)) for each in tables.values())
    assert past == train - recs < train


@pytest.mark.usefixtures("sizes")
def test_new_columns_of_one_call_are_gone_in_the_next(peers, folder):
    tables = peers.worker.Tables(str(folder), "plain")
    recs = tables.select(("recs",), "rank")["recs"]
    recs["mine"] = 1
    assert "mine" not in tables.select(("recs",), "rank")["recs"]


def test_the_markdown_has_a_line_for_each_row(measured, peers, sizes, tmp_path):
    rows = [*measured.values(), measured["coverage"] | {"ids": "text"}]
    result = {
        "workload": {"size": "S", **sizes},
        "machine": peers.run.machine(),
        "ours": {"numpy": "2"},
        "peers": {"fake": {"versions": {"fake": "1.0"}}, "other": {"failed": "no wheel"}},
        "rows": rows,
    }
    text = peers.table.render(json.loads(json.dumps(result)))
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(lines) == 8
    assert {line.count("|") for line in lines} == {9}
    assert sum("| equal |" in line for line in lines) == 4
    assert sum("| void: " in line for line in lines) == 1
    assert sum("ZeroDivisionError" in line for line in lines) == 1
    assert sum("100.00 % of the lists" in line for line in lines) == 1
    assert "Fake, 5 users" in text
    assert "s (times 4.0)" in text
    assert "- other: no wheel" in text
    assert "ids random texts" in text
    file = tmp_path / "out.json"
    file.write_text(json.dumps(result), encoding="utf-8")
    printed = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, PEERS / "table.py", file], capture_output=True, text=True, check=True
    )
    assert printed.stdout == text + "\n"
    assert "Seconds are those of the processor" in peers.table.render(result, processor=True)


def test_a_row_measured_anew_takes_the_place_of_the_old_one(peers):
    def row(name, value, ids="plain"):
        return {"peer_name": "Fake", "row": name, "ids": ids, "threads": 1, "value": value}

    old = [row("a", 1), row("b", 2), row("b", 3, "text")]
    assert peers.run.merged(old, row("b", 4)) == [row("a", 1), row("b", 3, "text"), row("b", 4)]


def test_an_environment_that_cannot_be_made_is_named_with_the_reason(peers, monkeypatch, tmp_path, capsys):
    ran = []

    def run(command):
        ran.append(command)
        if "broken" in command:
            raise subprocess.CalledProcessError(1, command, stderr="collecting\nERROR: no wheel of broken\n\nhint\n")
        if "list" in command:
            return json.dumps([{"name": "Sound_Name", "version": "1.0"}])
        (tmp_path / "sound-name").mkdir(exist_ok=True)
        return ""

    pins = {
        "broken": {"imports": "broken", "requirements": ["broken"]},
        "sound-name": {"imports": "sound", "requirements": ["sound-name==1.0"]},
    }
    monkeypatch.setattr(peers.install, "_run", run)
    monkeypatch.setattr(peers.install, "PINS", pins)
    monkeypatch.setattr(sys, "argv", ["install.py", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"^1 of 2 failed: broken$"):
        peers.install.main()
    assert capsys.readouterr().out.splitlines() == [
        "broken: failed: ERROR: no wheel of broken",
        "sound-name: 1.0, 1 packages",
    ]
    ran.clear()
    assert str(peers.install.install("sound-name", tmp_path, pins)) == "sound-name: 1.0, 1 packages"
    assert len(ran) == 1  # it is there already, so only its versions are asked for


def test_every_pin_is_exact_and_has_an_adapter(peers):
    for name, pin in peers.install.PINS.items():
        assert all("==" in requirement for requirement in pin["requirements"]), name
        assert (PEERS / "adapters" / pin["adapter"]).exists(), name
    named = {pin["adapter"] for pin in peers.install.PINS.values()}
    assert named == {path.name for path in (PEERS / "adapters").glob("with_*.py")}
