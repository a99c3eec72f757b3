"""Whatever is declared is pickled by its name and values; what an evaluation returns is pickled whole."""

from __future__ import annotations

import contextlib
import copy
import importlib
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import bridge
import numpy as np
import pandas as pd
import pytest
from bridge import manhattan

import beyondacc as ba
from beyondacc.cli import plugins
from beyondacc.declare.params import parameters
from beyondacc.distances import DISTANCES, Distance
from beyondacc.errors import SpecError
from beyondacc.evaluation.conventions import Convention, conventions
from beyondacc.evaluation.policy import Policy
from beyondacc.metrics import REGISTRY
from beyondacc.models import MODELS
from beyondacc.rerank import RERANKERS
from beyondacc.rerank.shown import Shown
from beyondacc.rerank.terms import GAINS

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
SHOWN = {"u": [1, 2]}


def round_trips(value):
    """The same value from a pickle of every protocol, and from copies."""
    for protocol in PROTOCOLS:
        yield pickle.loads(pickle.dumps(value, protocol))  # noqa: S301 - our own
    yield copy.deepcopy(value)
    yield copy.copy(value)


def choices_of(param):
    """The values to try for a parameter, those of a closed set all."""
    if param.annotation == Shown | None:
        return [None, SHOWN]
    return bridge.values_of(param.annotation)


def sets_of(params, seed):
    """No parameter, then two random choices of all that differ from the defaults in at least one."""
    yield {}
    rng = np.random.default_rng(seed)
    found = 0
    while found < 2 and params:
        drawn = {}
        for name, param in params.items():
            values = choices_of(param)
            drawn[name] = values[rng.integers(len(values))]
        if any(value != params[name].default for name, value in drawn.items()):
            yield drawn
            found += 1


def metrics():
    return [
        family(**given) for place, family in enumerate(REGISTRY.values()) for given in sets_of(family.params, place)
    ]


def known_distances():
    for place, each in enumerate(DISTANCES.values()):
        for given in sets_of(each.params, place):
            text = ", ".join(f"{key}={value}" for key, value in given.items()).lower()
            yield Distance.parse(f"{each.name}({text})" if text else each.name)


def classes(catalog):
    """Each member with each of its sets, as far as they go together."""
    for place, info in enumerate(catalog.values()):
        yield info.factory()
        for given in list(sets_of(info.parameters, place))[1:]:
            if given.get("relevance_weight") is not None:
                given.pop("diversity", None)
            with contextlib.suppress(SpecError):  # some do not go together
                yield info.factory(**given)


def everything():
    yield from REGISTRY.values()
    yield from metrics()
    yield from known_distances()
    yield from classes(RERANKERS)
    yield from classes(MODELS)
    yield from conventions.values()
    yield from (Policy(**given) for given in sets_of(parameters(Policy), 0))


def test_every_declared_thing_comes_back():
    seen = 0
    for value in everything():
        for again in round_trips(value):
            assert type(again) is type(value)
            assert repr(again) == repr(value)
            if type(value).__eq__ is not object.__eq__:
                assert again == value
                if type(value).__hash__ is not None:
                    assert hash(again) == hash(value)
                    assert {again: 1}[value] == 1
        seen += 1
    assert seen > 3 * (len(REGISTRY) + len(RERANKERS) + len(MODELS))


def test_names_and_values_are_small():
    for value in everything():
        size = len(pickle.dumps(value))
        if getattr(value, "recent", None) is not None:
            continue  # which holds lists
        assert size < (150 if value in REGISTRY.values() or value in conventions.values() else 1000), value


def test_a_metric_keeps_what_was_named():
    for metric in (
        ba.ndcg,
        ba.ndcg(k=10),
        ba.ild(distance="jaccard") @ 3,
        ba.conventions["lenskit"].metric("ndcg(k=3)"),
    ):
        for again in round_trips(metric):
            assert (getattr(again, "named", None), getattr(again, "spelled", None)) == (
                getattr(metric, "named", None),
                getattr(metric, "spelled", None),
            )
            assert again is metric or metric is not ba.ndcg


# --- one's own


@pytest.mark.usefixtures("fresh_distances")
def test_distances_of_ones_own_come_back():
    numbers = 1.0 - np.eye(4)
    for made in (
        ba.distance(manhattan),
        ba.distance(manhattan, name="other", upper=9.0),
        ba.distance(numbers),
        ba.distance(numbers, name="given"),
        ba.distance(2 * numbers, items=["a", "b", "c", "d"]),
    ):
        for again in round_trips(made):
            assert again is made
        for again in round_trips(ba.ild(distance=made) @ 3):
            assert again == ba.ild(distance=made) @ 3


def forget():
    """Know no distances but those of the library, as a new process does."""
    for name in [name for name, each in DISTANCES.items() if each.cite == "your own"]:
        del DISTANCES[name]
    DISTANCES.unnamed.clear()


def test_a_distance_comes_back_where_it_is_not_known_yet(fresh_distances):  # noqa: ARG001
    function, matrix = ba.distance(manhattan, upper=5.0), ba.distance(1.0 - np.eye(3))
    named = ba.distance(2.0 - 2.0 * np.eye(3), name="given")
    blob = pickle.dumps([function, matrix, named, function])
    forget()
    again = pickle.loads(blob)  # noqa: S301 - our own
    assert [each.name for each in again] == ["manhattan", "matrix", "given", "manhattan"]
    assert again[0] is again[3] is DISTANCES["manhattan"]
    assert again[0] == function  # of the same function
    assert DISTANCES["given"] is again[2]
    assert DISTANCES.unnamed["matrix"] is again[1]
    np.testing.assert_array_equal(again[2].matrix.numbers, named.matrix.numbers)
    # whoever has the name keeps it
    for name in ("manhattan", "given"):
        del DISTANCES[name]
    other, taken = ba.distance(np.subtract, name="manhattan"), ba.distance(3.0 - 3.0 * np.eye(3), name="given")
    again = pickle.loads(blob)  # noqa: S301 - our own
    assert DISTANCES["manhattan"] is other
    assert DISTANCES["given"] is taken
    assert again[0] == function
    assert again[2].name == "given_2"


MINE = '''
import beyondacc as ba
import numpy as np

@ba.metric(better="higher")
def length(batch, *, k: int = 10, power: float = 1.0):
    return np.minimum(batch.lengths, k) ** power

@ba.distance
def cityblock(one, other):
    return np.abs(one - other).sum()

@ba.gain
def nearest(distances, term, step):
    for i in range(len(term)):
        term[i] = distances[i] if step == 1 else min(term[i], distances[i])

@ba.reranker(needs="train")
def Rare(batch, *, power: float = 0.5):
    """Rare items first."""
    return -(batch.world.item_counts[batch.lists] ** power)

@ba.reranker(cite="mine")
class Mine(ba.MMR):
    """Another name."""
    more: bool = False
'''


@pytest.fixture
def mine(tmp_path, fresh_distances, monkeypatch):  # noqa: ARG001
    """A file of one's own, declared while a test runs."""
    file = tmp_path / "mine_for_pickles.py"
    file.write_text(MINE)
    plugins._load_all([file])
    yield importlib.import_module("mine_for_pickles")
    for catalogue, names in ((REGISTRY, ["length"]), (RERANKERS, ["Rare", "Mine"]), (GAINS, ["nearest"])):
        for name in names:
            catalogue.pop(name, None)
    plugins._forget()


def of_mine(mine):
    return [
        mine.length,
        mine.length(power=0.5) @ 3,
        ba.ild(distance=mine.cityblock) @ 2,
        mine.cityblock,
        mine.nearest,
        RERANKERS.create("Greedy(gain=nearest, distance=cityblock)"),
        mine.Rare(power=2, diversity=0.1),
        mine.Mine(more=True, distance="cosine"),
    ]


def told(blob):
    """What another process reads in pickles, and whether it equals what it has by the same name."""
    found = pickle.loads(blob)  # noqa: S301 - our own
    known = [REGISTRY.parse(str(each)) if isinstance(each, ba.Metric) else each for each in found]
    same = [
        one == other and (isinstance(one, Convention) or hash(one) == hash(other))
        for one, other in zip(found, known, strict=True)
    ]
    return list(map(repr, found)), all(same)


def test_another_process_reads_the_same(mine):
    values = [*everything(), *of_mine(mine)]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        told_by_it, same = pool.submit(told, pickle.dumps(values)).result(timeout=300)
    assert same
    shown = list(map(repr, values))
    assert [one for one in zip(told_by_it, shown, strict=True) if one[0] != one[1]] == []


def test_what_ones_own_lines_declare_comes_back(mine):
    for value in of_mine(mine):
        for again in round_trips(value):
            assert repr(again) == repr(value)
            assert again is value or isinstance(value, ba.Metric | ba.Reranker)
            if isinstance(value, ba.Metric):
                assert again == value


def test_what_is_declared_nowhere_is_said(mine):
    blobs = {kind: pickle.dumps(each) for kind, each in zip(("metric", "distance"), (mine.length, mine.cityblock))}  # noqa: B905
    del REGISTRY["length"], DISTANCES["cityblock"]
    plugins._forget()
    for kind, blob in blobs.items():
        with pytest.raises(
            SpecError, match=rf"the {kind} '\w+' was declared by \w+ in the module mine_for_pickles, but"
        ):
            pickle.loads(blob)  # noqa: S301 - our own
    plugins._load_all([])


# --- what an evaluation returns


def world():
    rng = np.random.default_rng(0)
    users, items = range(12), range(20)
    train = {user: {int(item): float(rng.integers(1, 6)) for item in rng.permutation(20)[:6]} for user in users}
    test = {user: rng.permutation(20)[:5].tolist() for user in users}
    genres = pd.DataFrame({"item_id": items, "genres": [f"a|g{item % 4}" for item in items]})
    lists = {
        user: {int(item): 1.0 - place / 20 for place, item in enumerate(rng.permutation(20)[:10])} for user in users
    }
    other = {user: dict(zip(reversed(rows), rows.values(), strict=True)) for user, rows in lists.items()}
    return ba.Dataset(train, test, genres), lists, other


def results():
    data, lists, other = world()
    wanted = ["ndcg@5", "gini@5", "ild@5", "personalization@5", "pop_reo@5"]
    report = ba.evaluate(lists, data, wanted, n_boot=20)
    reports = ba.evaluate({"one": lists, "other": other}, data, wanted, n_boot=20)
    study = ba.Study(data, models=["Popularity", "EASE"], rerankers=["MMR", "Novelty"], diversity=[0.5], n_boot=20, k=5)
    found = study.run()
    yield "report", report, lambda it: it.to_pandas()
    yield "reports", reports, lambda it: it.to_pandas()
    yield "groups", report.by({user: f"g{user % 2}" for user in range(12)}), lambda it: it.to_pandas()
    yield "comparison", ba.compare(reports, n=19), lambda it: it.table
    yield (
        "study",
        study,
        lambda it: pd.DataFrame({"n": [len(it)], "kinds": [str([each.kind for each in it.rerankers])]}),
    )
    yield "study result", found, lambda it: it.table
    sweep = ba.sweep(
        "MMR(distance=cosine)", lists, data, diversity=[0, 0.5], metrics=["ndcg@5", "ild@5"], n_boot=20, k=5
    )
    yield "sweep", sweep, lambda it: it.table
    yield "tuned", ba.tune("MMR", lists, data, target="ndcg >= 0", k=5), lambda it: pd.DataFrame({"text": [repr(it)]})
    yield "diagnosis", ba.diagnose(lists, other, data, "ndcg@5", n_boot=20, k=5), lambda it: it.changes
    yield "study comparison", ba.compare_studies(found, found), lambda it: pd.DataFrame({"text": [repr(it)]})
    ratings = ba.Ratings(
        {user: {item: float((user + item) % 5) for item in range(8)} for user in range(9)},
        {user: {item: float((user + item) % 5) for item in range(8, 11)} for user in range(9)},
    )
    rated = ba.evaluate_ratings(ba.models.BiasedMF(factors=2), ratings, n_boot=20)
    yield "rating report", rated, lambda it: it.to_pandas()


@pytest.mark.kernel
@pytest.mark.filterwarnings("ignore::beyondacc.errors.NoEffectWarning")
def test_every_result_comes_back():
    kinds = []
    for kind, value, table in results():
        for again in round_trips(value):
            assert type(again) is type(value)
            pd.testing.assert_frame_equal(table(again), table(value), obj=kind)
        kinds.append(kind)
    assert len(kinds) == 11


@pytest.mark.kernel
def test_a_report_that_comes_back_goes_on():
    """Nothing that is derived when it is first asked for is lost, asked for before or not."""
    data, lists, _ = world()
    groups = {user: f"g{user % 2}" for user in range(12)}
    whole = ba.evaluate(lists, data, ["ndcg@5", "gini@5"], n_boot=20)
    for asked in (False, True):
        report = ba.evaluate(lists, data, ["ndcg@5", "gini@5"], n_boot=20)
        if asked:
            report.to_pandas(), report.by(groups)
        again = pickle.loads(pickle.dumps(report))  # noqa: S301 - our own
        pd.testing.assert_frame_equal(again.to_pandas(), whole.to_pandas())
        pd.testing.assert_frame_equal(again.by(groups).to_pandas(), whole.by(groups).to_pandas())
        assert again.value(ba.ndcg @ 5) == whole.value("ndcg@5")
