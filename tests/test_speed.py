"""The harness of the benchmarks: naive code agrees with ours, every part makes its rows and its table, the check fails.

What is slow is slowed on purpose here: no test looks at how fast the machine is.
"""

import contextlib
import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from draws import draws

from beyondacc.kernels import greedy
from beyondacc.run import blas

_FOLDER = Path(__file__).parents[1] / "benchmarks" / "speed"
_RATES = 1e9  # of every limit: measuring them is no matter of tests
_REPEATS = {"repeats": 1}


@pytest.fixture(scope="module", autouse=True)
def scripts():
    """The scripts import each other by their plain names."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(_FOLDER)
        if importlib.util.find_spec("threadpoolctl") is None:  # any number of threads will do
            patch.setitem(sys.modules, "threadpoolctl", _without_limits())
        blas._controller.cache_clear()
        yield
        blas._controller.cache_clear()
    for name in set(sys.modules) - before:
        if (_FOLDER / f"{name}.py").exists():
            del sys.modules[name]


def _without_limits():
    """What stands for threadpoolctl: all that the benchmarks and the library call of it, and it limits nothing."""
    unlimited = types.SimpleNamespace(restore_original_limits=lambda: None)
    return types.SimpleNamespace(
        threadpool_limits=lambda *_: contextlib.nullcontext(),
        ThreadpoolController=lambda: types.SimpleNamespace(limit=lambda **_: unlimited),
    )


def script(name):
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def work(scripts):  # noqa: ARG001 - they are imported
    return script("workloads").make("T")


@pytest.fixture(scope="module")
def world(work):
    return script("encoded").encode("T", work)


@pytest.fixture(scope="module")
def rates(scripts):  # noqa: ARG001 - they are imported
    return dict.fromkeys(script("limits").LIMITS, _RATES)


@pytest.fixture(scope="module")
def prototypes(scripts):  # noqa: ARG001 - they are imported
    """The names of those that are compared: each is compiled for one thread and for several, which takes seconds."""
    names = list(script("prototype").PROTOTYPES)
    return names[: draws(len(names), 2)]


@pytest.fixture(scope="module")
def measured(world, rates, prototypes):
    kernels = script("kernels")
    cases = {
        name: case if name in prototypes else dataclasses.replace(case, prototype=None)
        for name, case in kernels.CASES.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "CASES", cases)
        return kernels.measure_kernels(world, limits=rates, repeats=1, naive_seconds=0.01)


def test_workloads_are_the_same_every_time(work):
    again = script("workloads").make("T")
    for field in dataclasses.fields(work):
        one, other = getattr(work, field.name), getattr(again, field.name)
        assert (one == other).all(axis=None)
    assert not work.recs.duplicated(["user_id", "item_id"]).any()


def test_naive_code_has_our_values(measured):
    assert [row["case"] for row in measured["rows"]] == list(script("cases").CASES)
    assert [row["case"] for row in measured["rows"] if not row["value_equal"]] == []


def test_naive_code_that_differs_makes_a_row_void(world, rates):
    kernels = script("kernels")
    for name in ("recall", "gini", "DPP"):
        case = next(case for case in kernels.CASES.values() if name in {case.name, case.spec})

        def wrong(arrays, rows, prepared, naive=case.naive):
            found = naive(arrays, rows, prepared)
            return (found[0][:, ::-1], found[1]) if isinstance(found, tuple) else found + 0.01

        row = kernels.measure_case(dataclasses.replace(case, naive=wrong), world, rates, repeats=1, naive_seconds=0.01)
        assert not row["value_equal"]
        assert "| void |" in kernels.kernels_tables({"limits": rates, "rows": [row]})


def test_a_tie_but_for_rounding_is_no_difference():
    agree = script("kernels").agree
    values = np.array([[0.9, 0.5, 0.4]])
    one, other = (np.array([[0, 1, 2]]), values), (np.array([[0, 2, 1]]), values + 1e-12)
    assert agree(one, other, 1e-9)
    assert not agree(one, (other[0], values + np.array([0.0, 0.1, 0.0])), 1e-9)
    later = np.array([[0.9, 0.5, 0.1]])  # after a tie each goes its own way
    assert agree(one, (other[0], later), 1e-9)
    assert not agree(one, (one[0], later), 1e-9)
    three, others = (np.repeat(each, 3, axis=0) for each in (one[0], other[0]))
    same = np.repeat(values, 3, axis=0)
    assert not agree((three, same), (others, same), 1e-9)  # too many ties


def test_rows_of_kernels(measured):
    for row in measured["rows"]:
        sides = {"ours_1", "ours_2", "public_1", "public_2", "naive", "limit"}
        if row["prototype_equal"] is not None:
            sides |= {"prototype_1", "prototype_2"}
        assert row["seconds"].keys() == sides
        assert all(value > 0 for value in row["seconds"].values())
        assert all(row["min"][name] <= row["seconds"][name] <= row["max"][name] for name in row["min"])
        assert all(np.isfinite(value) for value in row["ratios"].values())
    tables = script("kernels").kernels_tables(measured)
    assert all(tables.count(f"| {row['case']} |") >= 2 for row in measured["rows"])


def test_prototype_stands_beside_ours(measured, prototypes):
    names = prototypes
    equal = {row["case"]: row["prototype_equal"] for row in measured["rows"]}
    assert equal == {name: True if name in names else None for name in script("cases").CASES}
    tables = script("kernels").kernels_tables(measured)
    assert all(tables.count(f"| {name} |") == 3 for name in names)
    found = {name for name, _, _ in script("targets").targets({"T": _result({"kernels": measured})})}
    faster = ("as fast as the prototype", "on two threads 1.7 times as fast as the prototype on one")
    assert found == {f"T, {name}: {how}" for name in names for how in faster}


def test_prototype_that_differs_is_void(world, rates):
    kernels = script("kernels")
    case = kernels.CASES["self-information"]

    def bind(arrays):
        right = case.prototype.bind(arrays)
        return lambda threads: right(threads) + (threads == 2)

    wrong = dataclasses.replace(case, prototype=types.SimpleNamespace(bind=bind))
    row = kernels.measure_case(wrong, world, rates, repeats=1, naive_seconds=0.01)
    assert row["value_equal"]
    assert not row["prototype_equal"]
    assert "|  |  | void |" in kernels.kernels_tables({"limits": rates, "rows": [row]})
    found = script("targets").targets({"T": _result({"kernels": {"rows": [row]}})})
    assert found == [("T, self-information: same values as the prototype", "other values", False)]


def test_blas_that_cannot_be_told_is_an_error(monkeypatch):
    timing = script("timing")
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    with timing.blas_threads(1):
        pass
    with pytest.raises(ModuleNotFoundError, match="or set OPENBLAS_NUM_THREADS=2"):
        timing.blas_threads(2)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    with pytest.raises(ModuleNotFoundError, match="pip install threadpoolctl"):
        timing.blas_threads(1)


def test_times_of_calls_in_turn():
    timing = script("timing")
    order = []
    found = timing.alternate({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeats=3)
    assert order.index("b") == 1
    assert len(found["a"]) == len(found["b"]) == 3
    assert found["a"].least <= found["a"].median <= found["a"].most
    one, other = timing.Times({1: 2.0, 2: 8.0, 3: 1.0}), timing.Times({1: 1.0, 2: 4.0})
    assert timing.ratio(one, other) == 2.0
    assert one.scaled(10, 1.0).rounds == {1: 21.0, 2: 81.0, 3: 11.0}
    assert timing.ratio(timing.Times({1: 3.0}), timing.Times({2: 2.0})) == 1.5
    slow = timing.alternate({"": lambda: order.append("c")}, repeats=5, budget=0.0)
    assert len(slow[""]) == 1


def test_tables_and_numbers():
    timing = script("timing")
    assert [timing.number(value) for value in (0.0012345, 1234.5, 0.0, None, float("nan"))] == [
        *("0.00123", "1,234", "0", "", "")
    ]
    assert timing.table(("a", "b"), [("x", True), ("y", 0.5)]).splitlines() == [
        *("| a | b |", "| --- | ---: |", "| x | yes |", "| y | 0.500 |")
    ]
    assert timing.machine()["cores"] >= 1
    assert "numpy" in timing.versions()
    # in a process of its own, of whose memory nothing else is given or taken meanwhile
    code = "import numpy, timing\nwith timing.Peak() as peak: numpy.ones(20_000_000).sum()\nprint(peak.more)"
    where = os.environ | {"PYTHONPATH": os.pathsep.join([str(_FOLDER), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=where)  # noqa: S603 - ours
    assert 0.15 < float(done.stdout) < 0.3


def test_limits_of_the_machine():
    limits = script("limits")
    found = limits.measure_limits(seconds=0.001, copy_bytes=2**20, side=64)
    assert found.keys() == limits.LIMITS.keys()
    assert all(np.isfinite(rate) and rate > 0 for rate in found.values())
    assert all(name in limits.limits_table(found) for name in found)
    assert [limits.gather_name(size) for size in (2**20, 2**24)] == ["gather_L2", "gather_L3"]
    assert [limits.lookup_name(size) for size in (2**10, 2**20, 2**24)] == ["lookup_L1", "lookup_L2", "lookup_L3"]


def test_exponents_are_found():
    growth = script("growth")
    sizes = np.array([10, 20, 40, 80, 160])
    exponent, low, high = growth.fit(sizes, 3e-6 * sizes**1.5)
    assert (exponent, low, high) == pytest.approx((1.5, 1.5, 1.5))
    rng = np.random.default_rng(0)
    exponent, low, high = growth.fit(sizes, sizes * np.exp(0.1 * rng.normal(size=5)))
    assert low < 1 < high


def test_rows_of_growth():
    growth = script("growth")
    found = growth.measure_growth(axes=list(growth.AXES), doublings=1, shrink=20, repeats=1)
    reranks = {row["case"] for row in found["rows"] if row["axis"] == "candidates"}
    assert {row["case"] for row in found["rows"]} == growth.GROWTH.keys()
    assert "DPP" in reranks
    assert "ild" not in reranks
    written = growth.growth_table(found)
    assert all(f"| {case} |" in written for case in growth.GROWTH)
    steep = dict(found["rows"][0], exponent=3.0, low=2.9, high=3.1, exceeds=True)
    assert "**3.00 ± 0.10 (1)**" in growth.growth_table({"rows": [steep]})


def test_best_items_are_those_of_a_sort(work):
    topk = script("topk")
    found = topk.measure_topk(work, users=100, k=5, threads=1, turn=60)
    assert found["value_equal"]
    assert found["turns"] == 2
    assert found["block"] in topk._BLOCKS
    assert found["seconds"].keys() == {"ours", "sgemm"}
    written = topk.topk_table([found])
    assert "| 100, 400, 5 | 1 |" in written
    assert "void" in topk.topk_table([found | {"value_equal": False}])


def test_best_items_that_are_not_the_best_are_seen(work, monkeypatch):
    topk = script("topk")
    right = topk.ba.recommend

    def wrong(scorer, data, **options):
        return right((-scorer[0], scorer[1]) if isinstance(scorer, tuple) else scorer, data, **options)

    monkeypatch.setattr(topk.ba, "recommend", wrong)
    assert not topk.measure_topk(work, users=50, k=5, threads=1)["value_equal"]


def test_rows_of_the_registry(work):
    registry = script("registry")
    names = ["ndcg", "ild", "surprise_cooccurrence", "serendipity", "gini"]
    found = registry.measure_registry(work, repeats=1, names=names)
    assert found["n_together"] == 3
    assert {row["metric"].partition("@")[0] for row in found["rows"]} == set(names)
    assert "| gini@10 |" in registry.registry_table(found)


def test_rows_of_reranking(world):
    reranking = script("reranking")
    found = reranking.measure_reranking(world, repeats=1, users=5, specs=["MMR", "Random"])
    assert [row["reranker"] for row in found["sweeps"]] == ["MMR", "Random"]
    assert [row["users"] for row in found["one_user"]] == [5, 5]
    assert "| MMR | 400 |" in reranking.reranking_tables(found)


def test_rows_of_the_first_second(work):
    first = script("first")
    found = first.measure_first(work, repeats=1, compiling=False, kinds=("some",))
    assert found["imports"]["beyondacc"]["median"] > 0
    assert found["evaluations"]["some"]["kernels"] > 0
    assert found["evaluations"]["some"]["compiled"] == 0
    whole = {"seconds": 1.0, "processor": 1.0, "compiled": 99}
    empty = {"some": found["evaluations"]["some"], "usual": whole | {"compiled": 71}, "all": whole}
    written = first.first_table(found | {"compiling": empty})
    assert "| four metrics | empty |" in written
    assert "99 variants" in written
    assert "71 variants" in written


def _check(folder, *more):
    return script("check").main(["--size", "T", "--baseline", str(folder / "baseline.json"), "--repeats", "3", *more])


def _slowed(monkeypatch):
    quick = greedy.greedy_rows  # which is most of its case even on a small workload

    def slow(*given):
        for _ in range(8):
            quick(*given)

    monkeypatch.setattr(greedy, "greedy_rows", slow)


@pytest.mark.alone
def test_check_passes_where_nothing_has_changed(tmp_path, capsys):
    assert _check(tmp_path, "--write", "--only", "ILD Jaccard", "--only", "MMR Jaccard") == 0
    assert _check(tmp_path, "--only", "ILD Jaccard", "--only", "MMR Jaccard") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.alone
def test_check_fails_on_a_kernel_that_became_slower(tmp_path, monkeypatch, capsys):
    assert _check(tmp_path, "--write", "--only", "MMR Jaccard", "--only", "nDCG") == 0
    _slowed(monkeypatch)
    assert _check(tmp_path, "--only", "MMR Jaccard", "--only", "nDCG") == 1
    complaints = capsys.readouterr().err.splitlines()
    assert len(complaints) == 1
    assert complaints[0].startswith("MMR Jaccard takes ")
    assert _check(tmp_path, "--write", "--only", "MMR Jaccard") == 0  # if that is how it is to be
    assert _check(tmp_path, "--only", "MMR Jaccard", "--only", "nDCG") == 0


def test_check_fails_on_other_values_and_on_what_was_not_recorded(tmp_path, monkeypatch, capsys):
    assert _check(tmp_path, "--only", "recall") == 1
    assert capsys.readouterr().err == "recall is not in the baseline; record it with --write\n"
    check = script("check")
    case = check.CASES["recall"]
    wrong = dataclasses.replace(case, naive=lambda *given: case.naive(*given) + 0.1)
    monkeypatch.setitem(check.CASES, "recall", wrong)
    assert _check(tmp_path, "--write", "--only", "recall") == 1
    assert capsys.readouterr().err == "recall has other values than naive NumPy code; one of them is wrong\n"
    assert not (tmp_path / "baseline.json").exists()


def test_baseline_has_what_is_checked():
    check = script("check")
    recorded = json.loads(check.BASELINE.read_text(encoding="utf-8"))
    assert recorded["ratios"].keys() >= set(check.CHECKED)
    assert set(check.CHECKED) <= script("cases").CASES.keys()


def _result(found_by_part):
    about = {"date": "2030-01-01 00:00", "load_before": 0.5, "load_after": 1.0}
    timing = script("timing")
    parts = {part: about | {"found": found} for part, found in found_by_part.items()}
    return {"size": "M", "versions": timing.versions(), "machine": timing.machine(), "parts": parts}


def test_targets_and_the_table_of_the_readme(measured):
    targets = script("targets")
    rows = [dict(row, workload="M", ratios=row["ratios"] | {"ours_1 / limit": 2.0}) for row in measured["rows"]]
    ratio = {part: {"median": median} for part, median in (("compute", 150.0), ("end_to_end", 4.0))}
    seconds = {part: {"median": 1.0} for part in ("compute", "convert")}
    peer = {"peer_name": "RecTools", "definition": "ild@10", "equal": True, "ratio": {"1": ratio}, "theirs": seconds}
    peers = [peer | {"ids": ids} for ids in ("plain", "dense", "int64")]
    peers.append(peer | {"ids": "plain", "equal": False, "definition": "ndcg@10"})
    results = {"M": _result({"kernels": measured | {"rows": rows}, "peers": {"rows": peers}})}
    found = {name: met for name, _, met in targets.targets(results)}
    assert found["M, MMR cosine: half the rate of products with a matrix in cache"]
    assert not found["M, ild against RecTools, computation: 200 times as fast"]
    assert not found["M, ild against RecTools, dense ids: 5 times as fast"]
    assert found["M, ild against RecTools, int64 ids: 3 times as fast"]
    assert not any("ndcg against" in name for name in found)
    written = targets.readme_table(results)
    assert "| 150 (RecTools) |" in written
    assert "50 % (matvec)" in written
    assert targets.targets_table(results).startswith(f"{sum(found.values())} of {len(found)} are met.")
    assert "| ild, dense | RecTools |" in targets.peers_short({"rows": peers})


def test_everything_runs_and_is_written(tmp_path, monkeypatch, measured, capsys):
    run = script("run")
    monkeypatch.setattr(run, "measure_kernels", lambda *_, **__: json.loads(json.dumps(measured)))
    monkeypatch.setattr(run, "measure_growth", lambda **_: {"rows": []})
    monkeypatch.setattr(run, "growth_table", lambda _found: "growth")
    given = ["T", "--out", str(tmp_path), "--repeats", "1"]
    assert run.main([*given, "--only", "kernels,growth"]) == 0
    monkeypatch.setattr(run, "measure_kernels", lambda *_, **__: measured | {"rows": measured["rows"][3:4]})
    assert run.main([*given, "--only", "kernels", "--case", measured["rows"][3]["case"]]) == 0
    assert run.main([*given, "--only", "peers,page"]) == 0
    assert "peers was left out" in capsys.readouterr().out
    result = json.loads((tmp_path / "T.json").read_text(encoding="utf-8"))
    assert result["parts"].keys() == {"kernels", "growth"}
    assert len(result["parts"]["kernels"]["found"]["rows"]) == len(measured["rows"])
    written = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "| MMR cosine |" in written
    assert str(tmp_path) not in written
    with pytest.raises(SystemExit):
        run.main([*given, "--only", "nothing"])
    assert "no part is called 'nothing'" in capsys.readouterr().err
