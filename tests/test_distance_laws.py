"""What holds for every distance: it is what a plain loop over single pairs says, in whichever shape it is asked for."""

from __future__ import annotations

import functools
import itertools
import math
import pickle

import bridge
import numba
import numpy as np
import pytest
from bridge import manhattan
from oracle.case import measure
from strategies import random_case

import beyondacc as ba
from beyondacc import evaluate
from beyondacc.distances import DISTANCES, Distance
from beyondacc.distances.arrays import Listed, ToProfile
from beyondacc.errors import SpecError
from beyondacc.metrics import REGISTRY
from beyondacc.metrics.base.metric import Need
from beyondacc.rerank import RERANKERS

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.usefixtures("fresh_distances"),
    pytest.mark.filterwarnings("ignore::beyondacc.errors.NoEffectWarning"),
]

SLOW = numba.config.DISABLE_JIT  # the kernels run as plain Python
N_CASES = 2 if SLOW else 5
KINDS = ("sets", "many sets", "weights", "float64", "float32")


def texts():
    """Every built-in distance with every combination of the values of its parameters."""
    for name, each in DISTANCES.items():
        choices = [bridge.values_of(param.annotation) for param in each.params.values()]
        for values in itertools.product(*choices):
            yield str(Distance.parse(name).__class__(**dict(zip(each.params, values, strict=True))))


TEXTS = list(texts())
ALL = [*TEXTS, "own", "matrix", "frame"]


def draw(rng, kind):
    """A case, its dataset and its lists, or None where the library would refuse it."""
    case = random_case(
        rng,
        with_vectors=kind.startswith("float"),
        with_weights=kind == "weights",
        n_genres=70 if kind == "many sets" else None,  # of two words
        n_items=18,
    )
    if not bridge.usable(case):
        return None
    data = bridge.to_dataset(case, dtype=np.float32 if kind == "float32" else np.float64)
    return case, data, bridge.to_run(case, data)


@functools.cache
def compiled_once():
    """A distance of one's own, which is compiled once for all tests of this file."""
    return ba.distance(manhattan)


def chosen_of(rng, text, case):
    """The distance as the library takes it, and a function of two ids as the oracle has it."""
    if text == "own":
        return compiled_once(), measure(case, manhattan)
    if text in {"matrix", "frame"}:
        items = case.item_order
        numbers = rng.choice([0.0, 0.25, 1.0, 1.5, math.nan], (len(items), len(items)))
        numbers = np.triu(numbers, 1) + np.triu(numbers, 1).T
        numbers[0, :] = numbers[:, 0] = math.nan
        table = {(a, b): numbers[i, j] for i, a in enumerate(items) for j, b in enumerate(items)}
        return ba.distance(numbers, items=items, name="given" if text == "frame" else None), measure(case, table)
    chosen = Distance.parse(text)
    return chosen, measure(case, (chosen.name, dict(chosen.values)))


def cases_of(text, kind):
    rng = np.random.default_rng(len(text) + 100 * KINDS.index(kind))
    for _ in range(N_CASES):
        if (drawn := draw(rng, kind)) is None:
            continue
        case, data, run = drawn
        chosen, between = chosen_of(rng, text, case)
        if chosen.missing(data) is None:
            yield case, run, chosen, between


def naive_inside(case, run, between, k):
    """``{(row, i, j): distance}`` of the pairs that have one, a pair at a time."""
    found = {}
    for row, user in enumerate(run.ids.tolist()):
        listed = case.lists.get(user, [])[:k]
        for (i, a), (j, b) in itertools.permutations(enumerate(listed), 2):
            if (d := between(a, b)) is not None:
                found[row, i, j] = d
    return found


def naive_to_profile(case, run, between, k, missing):
    """``{(row, rank): distances}`` of a listed item to those of the profile."""
    found = {}
    for row, user in enumerate(run.ids.tolist()):
        for rank, item in enumerate(case.lists.get(user, [])[:k]):
            several = [between(item, other) for other in case.train.get(user, {})]
            counts = {"skip": None, "one": 1.0, "zero": 0.0}[missing]
            several = [counts if d is None else d for d in several]
            found[row, rank] = [d for d in several if d is not None]
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ALL)
def test_inside_is_what_a_loop_over_pairs_says(text, kind):
    rtol, atol = (2e-6, 2e-7) if kind == "float32" else (1e-9, 1e-9)
    for case, run, chosen, between in cases_of(text, kind):
        for k in (1, 3, 50):
            inputs, wanted = run.block(0, len(run), k), naive_inside(case, run, between, k)
            seen = []
            for rows, table in chosen.inside(inputs, k):
                for at, i, j in zip(*np.nonzero(~np.isnan(table)), strict=True):
                    if i != j:
                        place = (rows.start + int(at), int(i), int(j))
                        seen.append(place)
                        assert table[at, i, j] == pytest.approx(wanted[place], rel=rtol, abs=atol), (place, str(chosen))
            assert sorted(seen) == sorted(wanted)
            check_means(case, run, chosen, wanted, k, rtol=rtol, atol=atol)


def check_means(case, run, chosen, wanted, k, *, rtol, atol):
    """The two ways to the mean of the pairs of a list, for what is left out and for what counts."""
    inputs = run.block(0, len(run), k)
    for missing in ("skip", "one", "zero"):
        means, counted = chosen.mean_and_count(inputs, k, missing, 0.25)
        quick = chosen.mean_inside(inputs, k, missing, 0.25)
        for row, user in enumerate(run.ids.tolist()):
            pairs = list(itertools.combinations(range(len(case.lists.get(user, [])[:k])), 2))
            several = [wanted.get((row, i, j), {"one": 1.0, "zero": 0.0}.get(missing)) for i, j in pairs]
            several = [d for d in several if d is not None]
            alone = len(case.lists.get(user, [])[:k]) == 1
            mean = 0.25 if alone else np.mean(several) if several else math.nan
            assert counted[row] == len(several)
            assert means[row] == pytest.approx(mean, rel=rtol, abs=atol, nan_ok=True)
            assert quick[row] == pytest.approx(mean, rel=rtol, abs=10 * atol, nan_ok=True), (missing, str(chosen))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ALL)
def test_to_profile_is_what_a_loop_over_pairs_says(text, kind):
    rtol, atol = (2e-6, 2e-7) if kind == "float32" else (1e-9, 1e-9)
    for case, run, chosen, between in cases_of(text, kind):
        for k, missing in ((1, "skip"), (4, "one"), (50, "zero"), (50, "skip")):
            found = chosen.to_profile(run.block(0, len(run), k), k, missing)
            wanted = naive_to_profile(case, run, between, k, missing)
            for (row, rank), several in wanted.items():
                least = min(several, default=math.nan)
                assert found.counted[row, rank] == len(several)
                assert found.least[row, rank] == pytest.approx(least, rel=rtol, abs=atol, nan_ok=True)
                assert found.total[row, rank] == pytest.approx(sum(several), rel=rtol, abs=10 * atol)
            elsewhere = np.ones(found.counted.shape, np.bool_)
            for place in wanted:
                elsewhere[place] = False
            assert not found.counted[elsewhere].any()
            assert np.isnan(found.least[elsewhere]).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ALL)
def test_what_is_not_present_has_no_distance_to_anything(text, kind):
    absent = 0
    for _case, run, chosen, between in cases_of(text, kind):
        present, items = chosen.present(run), run.items.ids.tolist()
        assert present.shape == (len(items),)
        for place, item in enumerate(items):
            if not present[place]:
                absent += 1
                assert all(between(item, other) is None for other in items if other != item), (item, str(chosen))
    assert absent or SLOW or text == "npmi" or kind not in {"sets", "weights"}


@pytest.mark.parametrize("text", ALL)
def test_parts_are_the_tables_or_leave_kernels_the_arrays(text):
    """A re-ranker sees the same distances: a kernel that compares two candidates, as a table of all of them."""
    for case, run, chosen, between in cases_of(text, "sets"):
        arrays, rows = chosen.arrays(run), slice(1, len(run))
        covered = []
        for part, tables in chosen.parts(run, rows):
            covered += range(part.start, part.stop)
            width = run.ranked.width
            if tables.size:
                assert tables.shape == (part.stop - part.start, width, width)
                listed = Listed(run.lists[part], run.lengths[part], width, run.users[part])
                np.testing.assert_array_equal(tables, chosen.tables(run, listed))
            else:
                assert len(arrays.sizes) == run.n_items or not part.stop - part.start
        assert covered == list(range(1, len(run)))
        lists = {user: items for user, items in case.lists.items() if len(items) > 1}
        if not lists:
            continue
        second = ba.MMR(distance=chosen, diversity=1).rerank(lists, run.data, k=2).to_dict()
        for user, (first, picked) in second.items():
            distances = [1.0 if (d := between(first, other)) is None else d for other in lists[user][1:]]
            assert distances[lists[user].index(picked) - 1] == pytest.approx(max(distances), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("text", ALL)
def test_what_was_pickled_computes_the_same(text):
    for case, run, chosen, _ in itertools.islice(cases_of(text, "sets"), 2):
        for again in (pickle.loads(pickle.dumps(chosen)), pickle.loads(pickle.dumps(ba.ild(distance=chosen)))):  # noqa: S301 - ours
            restored = again if isinstance(again, Distance) else again.values["distance"]
            assert (restored, hash(restored), str(restored)) == (chosen, hash(chosen), str(chosen))
            assert (restored.upper, restored.needs) == (chosen.upper, chosen.needs)
            assert restored.declaring is chosen.declaring
            inputs = run.block(0, len(run), 5)
            for (_, one), (_, other) in zip(chosen.inside(inputs, 5), restored.inside(inputs, 5), strict=True):
                np.testing.assert_array_equal(one, other)
        assert case.lists


@pytest.mark.parametrize("text", ALL)
def test_what_a_dataset_lacks_is_said_by_whoever_is_asked(text):
    rng = np.random.default_rng(0)
    case = next(drawn for _ in range(50) if (drawn := draw(rng, "sets")) is not None)[0]
    chosen = chosen_of(rng, text, case)[0]
    data = ba.Dataset(test={"u": case.item_order[:2]})
    lack = chosen.missing(data)
    assert (lack is None) == (chosen.needs is None)
    if lack is None:
        return
    run = bridge.bind(ba.Recommendations.read({"u": case.item_order[:2]}, data), data)
    inputs = run.block(0, 1, 2)
    for ask in (
        lambda: chosen.arrays(run),
        lambda: list(chosen.inside(inputs, 2)),
        lambda: chosen.mean_inside(inputs, 2, "skip"),
        lambda: chosen.to_profile(inputs, 2),
    ):
        with pytest.raises(SpecError) as told:
            ask()
        assert str(told.value) == f"distance {chosen} needs {lack}"
    assert ba.ild(distance=chosen).missing(data) == lack == ba.MMR(distance=chosen).missing(data)
    assert any(need.value == lack for need in Need)


# a kind of distance that nobody has thought of


class PopularityGap(Distance):
    """How much more popular one of two items is, as a share of the training users: a kind that this file declares."""

    name, title, cite, needs, upper = "popularity_gap", "Popularity gap", "this test", "train", 1.0

    def missing(self, data):
        return None if data.has_train else Need.TRAIN.value

    def present(self, batch):
        return self._shares(batch) > 0

    def _shares(self, batch):
        return batch.world.item_counts / batch.world.n_train_users

    def _between(self, batch, one, other):
        shares = self._shares(batch)
        there = (one >= 0) & (other >= 0) & (shares[one] > 0) & (shares[other] > 0)
        return np.where(there, abs(shares[one] - shares[other]), np.nan)

    def _tables(self, batch, listed, found):
        items = np.where(np.arange(listed.lists.shape[1]) < listed.lengths[:, None], listed.lists, -1)[
            :, : listed.width
        ]
        found[:] = self._between(batch, items[:, :, None], items[:, None, :])

    def _to_profile(self, inputs, k):
        found = ToProfile.empty((len(inputs), min(k, inputs.lists.shape[1])))
        train = inputs.batch.train
        for row, user in enumerate(inputs.users):
            profile = train.items[train.starts[user] : train.starts[user + 1]] if user >= 0 else train.items[:0]
            for rank in range(min(k, inputs.lengths[row])):
                several = self._between(inputs.batch, inputs.lists[row, rank], profile)
                several = several[~np.isnan(several)]
                found.least[row, rank] = several.min(initial=np.inf)
                found.total[row, rank], found.counted[row, rank] = several.sum(), len(several)
        return found


def test_a_kind_of_distance_is_one_class():
    """Whatever takes a distance takes one that only this file knows, and a matrix of its numbers gives the same."""
    DISTANCES["popularity_gap"] = PopularityGap()
    rng = np.random.default_rng(3)
    compared = 0
    for _ in range(N_CASES):
        if (drawn := draw(rng, "sets")) is None:
            continue
        case, data, run = drawn
        every = np.arange(run.n_items)
        gap = PopularityGap()
        numbers = gap._between(run, every[:, None], every[None, :])
        given = ba.distance(numbers, items=run.items.ids.tolist())
        lists = bridge.to_lists(case)
        for name, family in REGISTRY.items():
            if "distance" in family.params and name != "distance_unexpectedness":
                one, other = (family(distance=each) @ 5 for each in ("popularity_gap", given))
                if one.missing(data):
                    continue
                found, wanted = (evaluate(lists, data, each, n_boot=0).per_user(each) for each in (one, other))
                np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12, err_msg=name)
                compared += 1
        for name, info in RERANKERS.items():
            if "distance" in info.parameters:
                found, wanted = (
                    RERANKERS.create(name, distance=each).rerank(lists, data, k=4) for each in ("popularity_gap", given)
                )
                assert found.to_dict() == wanted.to_dict(), name
                compared += 1
    assert compared > 10 * N_CASES / 2
