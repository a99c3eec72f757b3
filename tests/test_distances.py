"""Distances through everything that takes one: their names, given matrices, weighted features, training rows."""

from __future__ import annotations

import functools
import itertools
import math

import bridge
import numba
import numpy as np
import pandas as pd
import pytest
from draws import draws
from hypothesis import assume, given, settings, strategies as st
from oracle import ORACLES
from oracle.case import describes, measure
from strategies import cases, random_case

import beyondacc as ba
from beyondacc import Dataset, evaluate
from beyondacc.distances import DISTANCES, JACCARD, Distance, declared, rows
from beyondacc.distances.columns import OfColumns
from beyondacc.errors import DataError, NoEffectWarning, SpecError
from beyondacc.evaluation.evaluate import evaluate_run
from beyondacc.metrics import REGISTRY
from beyondacc.rerank import RERANKERS

pytestmark = pytest.mark.kernel

SLOW = numba.config.DISABLE_JIT  # the kernels run as plain Python
N_CASES = 10 if SLOW else draws(100, 30)
N_DRAWN = 10 if SLOW else draws(100)
N_ITEMS = 10 if SLOW else 25  # of candidates
INSIDE = ("ild", "ils", "eild", "vendi")
TO_PROFILE = ("epd", "surprise_content", "unserendipity", "serendipity")
TAKING = tuple(name for name, family in REGISTRY.items() if "distance" in family.params)
ON_TRAIN = (
    *("npmi", "cooccurrence", "pearson", "rating_cosine", "rating_cosine(center=item)"),
    *("rating_cosine(center=none)", "rating_cosine(support=common)"),
)


@pytest.fixture(autouse=True)
def _own_distances(fresh_distances):
    """Those of a test are gone after it."""


def manhattan(one, other):
    """Sum of absolute differences."""
    total = 0.0
    for place in range(len(one)):
        total += abs(one[place] - other[place])
    return total


def mean_of(recs, data, metric):
    """The value of one metric."""
    return evaluate(recs, data, metric, n_boot=0).value(metric)


def values_of(recs, data, metric):
    """The values of the users."""
    return evaluate(recs, data, metric, n_boot=0).per_user(metric)


# names


FORMS = {
    **{name: name for name in DISTANCES},
    "jaccard()": "jaccard",
    " cosine ( half = TRUE ) ": "cosine(half=true)",
    "cosine(half=false)": "cosine",
    "hamming(normalized=false)": "hamming(normalized=false)",
    "hamming( normalized = true )": "hamming",
    "rating_cosine(center=user, support=all)": "rating_cosine",
    "rating_cosine(support=common,center=item)": "rating_cosine(center=item, support=common)",
    "rating_cosine(center=none)": "rating_cosine(center=none)",
    "rating_cosine(support=common)": "rating_cosine(support=common)",
}


@pytest.mark.parametrize(("written", "canonical"), FORMS.items())
def test_names_round_trip(written, canonical):
    chosen = Distance.parse(written)
    assert str(chosen) == canonical
    assert repr(chosen) == f"<distance {canonical}>"
    again = Distance.parse(canonical)
    assert again == chosen
    assert hash(again) == hash(chosen)
    for name in TAKING:
        if name == "distance_unexpectedness":  # takes two names of its own
            continue
        metric = REGISTRY.parse(f"{name}(distance={written})@5")
        assert metric.values["distance"] == chosen
        assert REGISTRY.parse(str(metric)) == metric
        assert metric == REGISTRY[name](distance=chosen) @ 5 == REGISTRY[name](distance=canonical) @ 5
        default = REGISTRY[name]().values["distance"] == chosen
        assert str(metric) == (f"{name}@5" if default else f"{name}(distance={canonical})@5")
    for name in ("MMR", "GreedyDiversity"):
        made = RERANKERS.create(f"{name}(distance={written}, diversity=0.3)")
        assert made.distance == chosen
        assert RERANKERS.create(repr(made)).distance == chosen
        assert ("distance" in repr(made)) == (canonical != "jaccard")


def test_distances_with_other_parameters_are_others():
    every = [Distance.parse(text) for text in set(FORMS.values())]
    assert len(set(every)) == len(every)
    assert Distance.parse("cosine") != "cosine"


_ALLOWED = (
    "is not allowed; distance must be jaccard, cosine, hamming, euclidean, rating_cosine, pearson, cooccurrence or "
    "npmi, a matrix, or a function of two feature rows (see beyondacc.distance)"
)
WRONG = {
    "cosin": f"distance='cosin' {_ALLOWED}",
    "Jaccard": f"distance='Jaccard' {_ALLOWED}",
    "cosine(half=true)@5": f"distance='cosine(half=true)@5' {_ALLOWED}",
    "cosine(half=2)": "distance 'cosine': half='2' is not allowed; half must be true or false",
    "cosine(hlf=true)": "distance 'cosine' has no parameter 'hlf'; did you mean half?",
    "jaccard(half=true)": "distance 'jaccard' has no parameter 'half'; it takes none",
    "cosine(half)": "'cosine(half)': 'half' is not parameter=value",
    "cosine(half=true, half=false)": "'cosine(half=true, half=false)' gives half twice",
    "rating_cosine(center=median)": (
        "distance 'rating_cosine': center='median' is not allowed; center must be 'user' or 'item' or none"
    ),
    "rating_cosine(support=none)": (
        "distance 'rating_cosine': support='none' is not allowed; support must be 'all' or 'common'"
    ),
}


@pytest.mark.parametrize(("written", "message"), WRONG.items())
def test_wrong_names(written, message):
    for read in (
        lambda: REGISTRY.parse(f"ild(distance={written})@5"),
        lambda: ba.ild(distance=written),
        lambda: RERANKERS.create(f"MMR(distance={written})"),
        lambda: ba.GreedyDiversity(distance=written),
    ):
        with pytest.raises(SpecError) as error:
            read()
        assert str(error.value).endswith(message)


@pytest.mark.parametrize("value", [3, None, [[0.0, 1.0], [1.0, 0.0]]])
def test_what_is_no_distance_at_all(value):
    with pytest.raises(SpecError, match="is not allowed; distance must be jaccard, "):
        ba.ild(distance=value)
    for name in (None, "mine"):
        with pytest.raises(SpecError, match=r"is a function of two rows, an array or a DataFrame; .* is none of these"):
            ba.distance(value, name=name)


def test_names_of_ones_own():
    made = ba.distance(manhattan)
    assert ba.distance(manhattan) is made
    assert ba.distance(manhattan, upper=9.0) != made
    assert str(ba.ild(distance=manhattan) @ 5) == "ild(distance=manhattan)@5"
    assert REGISTRY.parse("ild(distance=manhattan)@5") == ba.ild(distance=manhattan) @ 5
    assert REGISTRY.parse("ild(distance=manhattan())@5") == ba.ild(distance=manhattan) @ 5
    assert made(np.array([1.0, 2.0]), np.array([0.0, 4.0])) == 3.0
    with pytest.raises(SpecError, match="computed on encoded items; pass it to a metric or re-ranker"):
        JACCARD(np.zeros(1), np.zeros(1))
    with pytest.raises(SpecError, match="distance 'manhattan' has no parameter 'p'; it takes none"):
        REGISTRY.parse("ild(distance=manhattan(p=2))@5")
    with pytest.raises(SpecError, match="distance 'cosine' is built in; pass name="):
        ba.distance(np.zeros((2, 2)), name="cosine")
    with pytest.raises(SpecError, match="'<lambda>' cannot name a distance; pass name="):
        ba.distance(lambda _one, _other: 0.0)
    with pytest.raises(SpecError, match="'a b' cannot name a distance; pass name="):
        ba.distance(np.zeros((2, 2)), name="a b")
    with pytest.raises(SpecError, match="items= names the rows of a matrix; leave it out for a function"):
        ba.distance(manhattan, items=["a", "b"])


UPPER = {
    "jaccard": 1,
    "cosine": 2,
    "cosine(half=true)": 1,
    "cosine(clip=true)": 1,
    "cosine(half=true, clip=true)": 0.5,
    "hamming": 1,
    "hamming(normalized=false)": math.inf,
    "euclidean": math.inf,
    "rating_cosine": 1,
    "rating_cosine(support=common)": 1,
    "pearson": 2,
    "cooccurrence": 1,
    "npmi": 1,
}


@pytest.mark.parametrize(("name", "upper"), UPPER.items())
def test_bounds_of_metrics_are_those_of_the_distance(name, upper):
    chosen = Distance.parse(name)
    assert chosen.upper == upper
    for each in ("ild", "eild", "epd", "surprise_content"):
        assert REGISTRY[each](distance=chosen).bounds == (0, upper)
        assert REGISTRY[each](distance=chosen, missing="one").bounds == (0, max(1, upper))
    assert ba.ils(distance=chosen, k=4, average=True).bounds == (1 - max(1, upper), 1)
    assert ba.ils(distance=chosen, k=4).bounds == ((1 - max(1, upper)) * 6, 6)
    assert ba.vendi(distance=chosen, k=4).bounds == (1, 4)
    assert ba.unserendipity(distance=chosen).bounds == (min(0, 1 - upper), 1)
    assert ba.serendipity(distance=chosen).bounds == (0, max(1, upper))
    small = ba.distance(np.array([[0.0, 0.25], [0.25, np.nan]]))
    assert ba.ild(distance=small).bounds == (0, 0.25)
    assert ba.ild(distance=small, missing="one").bounds == (0, 1)
    assert ba.ild(distance=ba.distance(np.full((2, 2), np.nan))).bounds[1] == 0


@pytest.mark.parametrize("name", UPPER)
def test_values_keep_within_the_bounds(name):
    rng = np.random.default_rng(0)
    for _ in range(N_CASES // 5):
        case = random_case(rng, with_vectors=bool(rng.integers(2)), with_weights=bool(rng.integers(2)))
        if not bridge.usable(case):
            continue
        data = bridge.to_dataset(case)
        run = bridge.to_run(case, data)
        metrics = [REGISTRY[each](distance=name) @ 5 for each in TAKING if each != "distance_unexpectedness"]
        metrics = [metric for metric in metrics if not metric.missing(data)]
        for metric, state in evaluate_run(run, metrics, threads=1).items():
            found = state.values[~np.isnan(state.values)]
            low, high = metric.bounds
            assert ((found >= low - 1e-12) & (found <= high + 1e-12)).all(), metric


@pytest.mark.parametrize(("data", "lacks"), [
    (
        Dataset(items={"a": ["x"], "b": ["y"]}),
        {**dict.fromkeys(ON_TRAIN, "training rows; pass train=")},
    ),
    (
        Dataset({"u": ["a", "b"]}),
        {
            **dict.fromkeys(("jaccard", "hamming"), "item features; pass items= with a genres column"),
            **dict.fromkeys(
                ("cosine", "euclidean"), "item features or vectors; pass items= with a genres column, or vectors="
            ),
        },
    ),
    (
        Dataset(items=pd.DataFrame({"item_id": ["a", "b"]}), vectors=np.eye(2)),
        {
            **dict.fromkeys(("jaccard", "hamming"), "item features; pass items= with a genres column"),
            **dict.fromkeys(ON_TRAIN, "training rows; pass train="),
        },
    ),
])  # fmt: skip
def test_what_a_dataset_lacks(data, lacks):
    for name in (*UPPER, *ON_TRAIN):
        metric, chosen = f"ild(distance={name})@5", RERANKERS.create(f"MMR(distance={name})")
        if name not in lacks and name.partition("(")[0] in lacks:
            continue  # the same distance with parameters
        if name not in lacks:
            mean_of({"u": ["a", "b"]}, data, metric)
            with pytest.warns(NoEffectWarning):  # of two candidates one is left after the first pick
                chosen.rerank({"u": ["a", "b"]}, data)
            continue
        with pytest.raises(SpecError) as error:
            mean_of({"u": ["a", "b"]}, data, metric)
        assert str(error.value) == f"metric '{REGISTRY.parse(metric)}' needs {lacks[name]}"
        with pytest.raises(SpecError) as error:
            chosen.rerank({"u": ["a", "b"]}, data)
        assert str(error.value) == f"re-ranker {chosen} needs {lacks[name]}"
    matrix = np.zeros((len(data.items), len(data.items)))
    assert mean_of({"u": ["a", "b"]}, data, ba.ild(distance=matrix) @ 5) == 0


# given matrices


def table_of(case, chosen, items, *, diagonal=False):
    """``{(i, j): distance}`` of the oracle; with `diagonal`, 0 between an item that is described and itself."""
    between, known = measure(case, chosen), describes(case, chosen)
    found = {(a, b): between(a, b) for a in items for b in items}
    table = {pair: math.nan if d is None else max(d, 0.0) for pair, d in found.items()}
    if diagonal:
        table |= {(item, item): 0.0 for item in items if known(item)}
    return table


def square(table, items):
    return np.array([[table[a, b] for b in items] for a in items])


def spec_of(name):
    """A distance as the oracle takes it."""
    chosen = Distance.parse(name)
    return chosen.name, dict(chosen.values)


MATRIX_FROM = ("jaccard", "cosine(half=true)", "hamming", "npmi", "cooccurrence", "pearson", "rating_cosine")


@pytest.mark.parametrize("name", MATRIX_FROM)
def test_a_matrix_is_the_distance_it_was_computed_from(name):
    rng = np.random.default_rng(7)
    compared = 0
    for number in range(N_CASES // 5):
        case = random_case(rng, with_vectors=number % 2 == 0)
        if not bridge.usable(case):
            continue
        data = bridge.to_dataset(case)
        run = bridge.to_run(case, data)
        for metric in (*INSIDE, *TO_PROFILE):
            # items that nobody has are known to the matrix, too
            table = table_of(case, spec_of(name), case.item_order, diagonal=metric == "vendi")
            made = ba.distance(square(table, case.item_order), items=case.item_order)
            options = {"missing": ("skip", "one", "zero")[number % 3]}
            if "profile" in REGISTRY[metric].params:
                options["profile"] = ("min", "mean")[number % 2]
            one, other = (REGISTRY[metric](distance=each, **options) @ (3, 10)[number % 2] for each in (name, made))
            if one.missing(data):
                continue
            states = evaluate_run(run, [one, other], threads=1)
            np.testing.assert_allclose(
                states[other].values, states[one].values, rtol=1e-9, atol=1e-12, err_msg=f"{one} {options}"
            )
            compared += 1
    assert compared > N_CASES


def random_matrix(rng, items, *, missing=0.2):
    """``{(i, j): distance}`` with gaps, some items without any distance."""
    table = {}
    gone = {item for item in items if rng.random() < 0.1}
    for a, b in itertools.combinations_with_replacement(items, 2):
        d = (
            math.nan
            if {a, b} & gone or rng.random() < missing
            else float(rng.choice([0.0, 0.5, 1.0, 1.7, rng.random()]))
        )
        table[a, b] = table[b, a] = 0.0 if a == b and not math.isnan(d) else d
    return table


def check_matrix(case, data, run, table, items, metric, *, named):
    """Compare one metric of a given matrix with the oracle."""
    numbers = square(table, items)
    if named == "array":
        chosen = ba.distance(numbers, items=items)
    elif named == "frame":
        chosen = ba.distance(pd.DataFrame(numbers, index=items, columns=items))
    else:
        chosen = ba.distance(numbers)
    made = metric.family(**{**metric.values, "distance": chosen})
    if made.missing(data):
        return False
    options = {name: value for name, value in made.values.items() if name not in {"k", "distance"}}
    expected = ORACLES[made.family.name](case, made.k, distance=table, **options)
    found = evaluate_run(run, [made], threads=1)[made].values
    ids = run.ids.tolist()
    np.testing.assert_allclose(found, [expected[user] for user in ids], rtol=1e-9, atol=1e-12, err_msg=str(metric))
    return True


@pytest.mark.parametrize("name", [*INSIDE, *TO_PROFILE])
def test_the_oracle_agrees_about_given_matrices(name):
    rng = np.random.default_rng(11)
    family = REGISTRY[name]
    free = [name for name in family.params if name != "distance"]
    choices = [bridge.values_of(family.params[name].annotation) for name in free]
    variants = [family(**dict(zip(free, values, strict=True))) for values in itertools.product(*choices)]
    rng.shuffle(variants)
    compared = 0
    for number in range(N_CASES):
        case = random_case(rng, with_features=number % 3 > 0)
        if not bridge.usable(case):
            continue
        data = bridge.to_dataset(case)
        run = bridge.to_run(case, data)
        named = ("array", "frame", "dataset")[number % 3]
        items = data.items.ids.tolist()
        if named != "dataset":  # in any order, some missing, some that nobody knows
            items = [item for item in rng.permutation(case.item_order).tolist() if rng.random() < 0.9]
            items.append(items[0] * 1000 + 1 if isinstance(items[0], int) else "nobody's") if items else None
        if not items:
            continue
        table = random_matrix(rng, items)
        for metric in variants[number % len(variants) :: max(1, len(variants) // 3)][:3]:
            compared += check_matrix(case, data, run, table, items, metric, named=named)
    assert compared > N_CASES


@settings(max_examples=N_DRAWN, deadline=None)
@given(data=st.data())
def test_the_oracle_agrees_about_drawn_matrices(data):
    case = data.draw(cases())
    assume(bridge.usable(case))
    dataset = bridge.to_dataset(case)
    run = bridge.to_run(case, dataset)
    items = dataset.items.ids.tolist()
    drawn = st.sampled_from([math.nan, 0.0, 0.25, 0.25, 1.0, 3.0])
    table = {}
    for a, b in itertools.combinations_with_replacement(items, 2):
        table[a, b] = table[b, a] = data.draw(drawn)
    assume(any(table[item, item] != 1.0 for item in items))  # which would be similarities
    name = data.draw(st.sampled_from([*INSIDE, *TO_PROFILE]))
    options = {"missing": data.draw(st.sampled_from(["skip", "one", "zero"]))}
    metric = REGISTRY[name](k=data.draw(st.sampled_from([1, 2, 3, 10])), **options)
    check_matrix(case, dataset, run, table, items, metric, named=data.draw(st.sampled_from(["array", "dataset"])))


SMALL = Dataset({"u": ["a", "b"]}, {"u": ["c"]}, {"a": ["x"], "b": ["x", "y"], "c": []})


def test_matrices_by_hand():
    matrix = np.array([[0.0, 0.4, np.nan], [0.4, 0.0, 0.9], [np.nan, 0.9, np.nan]])
    ild = ba.ild(distance=matrix) @ 3
    assert mean_of({"u": ["a", "b", "c"]}, SMALL, ild) == pytest.approx(0.65)
    assert mean_of({"u": ["a", "b", "z"]}, SMALL, ild) == pytest.approx(0.4)  # nobody knows z
    assert math.isnan(mean_of({"u": ["a", "c"]}, SMALL, ild))
    one, zero = (ba.ild(distance=matrix, missing=policy) @ 3 for policy in ("one", "zero"))
    assert mean_of({"u": ["a", "b", "c"]}, SMALL, one) == pytest.approx(2.3 / 3)
    assert mean_of({"u": ["a", "b", "c"]}, SMALL, zero) == pytest.approx(1.3 / 3)
    named = ba.distance(matrix[:2, :2], items=["b", "c"], name="mine")
    assert mean_of({"u": ["a", "b", "c"]}, SMALL, "ild(distance=mine)@3") == pytest.approx(0.4)
    assert str(ba.ild(distance=named) @ 3) == "ild(distance=mine)@3"
    frame = pd.DataFrame(matrix, index=list("cab"), columns=list("cab"))
    assert mean_of({"u": ["a", "b", "c"]}, SMALL, ba.ild(distance=frame) @ 3) == pytest.approx(0.65)
    assert mean_of({"u": ["a", "b"]}, SMALL, ba.ild(distance=frame) @ 3) == pytest.approx(0.9)


def test_a_matrix_is_copied_and_later_ones_have_names_of_their_own():
    matrix = np.array([[0.0, 0.4], [0.4, 0.0]])
    data = Dataset(items={"a": ["x"], "b": ["y"]})
    first = ba.distance(matrix)
    matrix[:] = 7.0
    assert mean_of({"u": ["a", "b"]}, data, ba.ild(distance=first) @ 2) == 0.4
    second = ba.distance(matrix)
    assert first != second
    assert Distance.parse(str(first)) is first
    assert Distance.parse(str(second)) is second
    assert ba.distance(matrix, name=str(first)) is Distance.parse(str(first))  # a name asked for is taken
    assert values_of({"u": ["a", "b"]}, data, ba.ild(distance=first) @ 2)["u"] == 0.4


def test_matrices_that_are_symmetric_but_for_rounding():
    rows = np.random.default_rng(0).normal(size=(40, 7))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    numbers = 1 - rows @ rows.T  # holds a few -2e-16
    numbers[0, 1] += 1e-13
    made = ba.distance(numbers)
    assert (made.matrix.numbers >= 0).all()
    assert np.array_equal(made.matrix.numbers, made.matrix.numbers.T)
    np.testing.assert_allclose(made.matrix.numbers, numbers, atol=1e-12)
    assert made.upper == made.matrix.numbers.max()


def changed(row, column, number, both=False):
    matrix = np.zeros((3, 3))
    matrix[row, column] = number
    if both:
        matrix[column, row] = number
    return matrix


_HOLDS = "the matrix of distances holds"
NO_MATRIX = [
    (np.zeros((2, 3)), {}, "a matrix of distances must be square; this one has the shape (2, 3)"),
    (np.zeros(3), {}, "a matrix of distances must be square; this one has the shape (3,)"),
    (
        changed(0, 1, 1.0),
        {},
        f"{_HOLDS} 1 in row 0, column 1, but 0 the other way round; distances must be symmetric",
    ),
    (
        changed(2, 1, np.nan),
        {},
        f"{_HOLDS} 0 in row 1, column 2, but nan the other way round; distances must be symmetric",
    ),
    (
        changed(0, 2, -0.5, both=True),
        {},
        f"{_HOLDS} -0.5 in row 0, column 2; distances must be finite and >= 0, or NaN where there is none",
    ),
    (
        changed(1, 2, np.inf, both=True),
        {},
        f"{_HOLDS} inf in row 1, column 2; distances must be finite and >= 0, or NaN where there is none",
    ),
    (np.array([["x"]]), {}, "a matrix of distances must hold numbers, or NaN where there is no distance"),
    (
        np.zeros((3, 3)),
        {"items": ["a", "b"]},
        "the matrix of distances has 3 rows, but items= names 2; name each row once",
    ),
    (np.zeros((3, 3)), {"items": ["a", "b", "a"]}, "the matrix of distances has item 'a' twice; keep one row"),
    (
        np.zeros((2, 2)),
        {"items": ["a", None]},
        (
            "items of the matrix of distances has no value (null or NaN) in row 1 (rows count from 0); "
            "fill or drop such rows"
        ),
    ),
    (
        pd.DataFrame(np.zeros((2, 2)), index=["a", "b"], columns=["b", "c"]),
        {},
        (
            "a frame of distances needs the same item ids as index and as columns, each once; for a matrix without "
            "labels pass frame.to_numpy()"
        ),
    ),
    (
        pd.DataFrame(np.zeros((2, 2))),
        {"items": ["a", "b"]},
        "a frame of distances names its items itself; leave out items=",
    ),
]


@pytest.mark.parametrize(("given_", "options", "message"), NO_MATRIX)
def test_what_is_no_matrix_of_distances(given_, options, message):
    with pytest.raises(DataError) as error:
        ba.distance(given_, **options)
    assert str(error.value) == message
    if not options:
        with pytest.raises(DataError, match="distances"):
            ba.MMR(distance=given_)


def test_matrices_that_do_not_fit_the_dataset():
    small, strange = ba.distance(np.zeros((2, 2))), ba.distance(np.zeros((2, 2)), items=[1, 2])
    rows = "the matrix of distances has 2 rows, but the Dataset has 3 items; say which items they are with"
    kinds = "item ids of the dataset are strings .* but those of the matrix of distances are integers .*; convert one"
    for chosen, message in ((small, rows), (strange, kinds)):
        for name in (*INSIDE, *TO_PROFILE):
            with pytest.raises(DataError, match=message):
                mean_of({"u": ["a", "b"]}, SMALL, REGISTRY[name](distance=chosen) @ 3)
        for name in ("MMR", "GreedyDiversity"):
            with pytest.raises(DataError, match=message):
                RERANKERS.create(name, distance=chosen).rerank({"u": ["a", "b"]}, SMALL)


# weighted features


def weighted_case(rng, **options):
    while True:
        case = random_case(rng, with_weights=True, **options)
        if bridge.usable(case):
            return case


@pytest.mark.parametrize("source", ["dict", "frame"])
def test_weights_are_the_vectors_of_the_same_numbers(source):
    rng = np.random.default_rng(3)
    own = ba.distance(manhattan)
    for number in range(N_CASES // 10):
        case = weighted_case(rng)
        frame = bridge.items_of(case)
        items = dict(zip(frame["item_id"], frame["genres"], strict=True)) if source == "dict" else frame
        weighted = Dataset(case.train, case.truth or None, items)
        assert weighted.features.names == case.genres
        rows = [[case.weights[item].get(genre, 0.0) for genre in case.genres] for item in case.features]
        ids = pd.DataFrame({"item_id": list(case.features)})
        vectors = Dataset(case.train, case.truth or None, ids, vectors=np.array(rows))
        sets = Dataset(case.train, case.truth or None, {item: sorted(case.features[item]) for item in case.features})
        lists = bridge.to_lists(case)
        k = (2, 10)[number % 2]
        for name in (*INSIDE, *TO_PROFILE):
            for chosen in ("cosine", "cosine(half=true)", "euclidean", own):
                compare(lists, weighted, vectors, REGISTRY[name](distance=chosen) @ k, rtol=1e-9)
            for chosen in ("jaccard", "hamming"):
                compare(lists, weighted, sets, REGISTRY[name](distance=chosen) @ k, rtol=0)
        for name in ("binomial_diversity", "genre_entropy", "alpha_ndcg", "calibration_kl"):
            compare(lists, weighted, sets, REGISTRY[name] @ k, rtol=0)
        for chosen in ("cosine", "euclidean", own):
            one, other = (ba.MMR(distance=chosen).rerank(lists, each, k=5) for each in (weighted, vectors))
            assert one.to_dict() == other.to_dict()


def compare(lists, one, other, metric, *, rtol):
    """A metric over two datasets that say the same."""
    if metric.missing(one) or metric.missing(other):
        return
    found, expected = (values_of(lists, data, metric) for data in (one, other))
    np.testing.assert_allclose(found, expected.reindex(found.index), rtol=rtol, atol=rtol / 1000, err_msg=str(metric))


@pytest.mark.parametrize(
    "chosen", ["cosine", "cosine(half=true)", "cosine(clip=true)", "euclidean", "jaccard", "hamming", manhattan]
)
def test_the_oracle_agrees_about_weights(chosen):
    rng = np.random.default_rng(5)
    for number in range(N_CASES // 3):
        case = weighted_case(rng)
        data = bridge.to_dataset(case)
        assert data.features.weights is not None
        run = bridge.to_run(case, data)
        for name in (*INSIDE, *TO_PROFILE):
            metric = REGISTRY[name](distance=chosen, missing=("skip", "one", "zero")[number % 3]) @ (2, 10)[number % 2]
            if metric.missing(data):
                continue
            expected = bridge.expected_of(case, metric)
            found = evaluate_run(run, [metric], threads=1)[metric].values
            np.testing.assert_allclose(
                found, [expected[user] for user in run.ids.tolist()], rtol=1e-9, atol=1e-12, err_msg=str(metric)
            )


def test_weights_by_hand():
    data = Dataset(items={"a": {"x": 3, "y": 4}, "b": {" x ": 1.0, "z": 0}, "c": {"y": 0}, "d": None})
    assert data.features.names == ["x", "y"]
    assert data.features.sizes.tolist() == [2, 1, 0, 0]
    assert data.features.weights.tolist() == [3, 4, 1]
    for name, expected in {"cosine": 0.4, "euclidean": math.sqrt(20), "jaccard": 0.5, "hamming": 0.5}.items():
        assert mean_of({"u": ["a", "b", "c", "d"]}, data, f"ild(distance={name})@4") == pytest.approx(expected)
    nothing = Dataset(items={"a": {"x": 0}, "b": {}})
    for name in ("cosine", "euclidean", "jaccard", "hamming"):
        assert math.isnan(mean_of({"u": ["a", "b"]}, nothing, f"ild(distance={name})@4"))
        with pytest.warns(NoEffectWarning, match="no two candidates of a list have a .* distance"):
            assert ba.MMR(distance=name).rerank({"u": ["b", "a"]}, nothing).to_dict() == {"u": ["b", "a"]}


BAD_WEIGHTS = [
    ({"a": {"x": 1}, "b": {"y": -1}}, "has a negative weight, -1; weights must be >= 0"),
    (
        {"a": {"x": 1}, "b": ["y"]},
        r"holds \['y'\] in row 1 \(rows count from 0\); where one item has weights, all need them",
    ),
    ({"a": ["x"], "b": {"y": 1}}, r"holds \{'y': 1\} in row 1 \(rows count from 0\); every row must hold a list"),
    ({"a": {"x": "much"}}, "holds 'much' .*; it must hold numbers"),
    ({"a": {"x": np.inf}}, "is inf .*; it must be finite"),
    ({"a": {"x": np.nan}}, "has no value"),
    ({"a": {None: 1.0}}, "holds None; genres must be texts"),
]


@pytest.mark.parametrize(("items", "message"), BAD_WEIGHTS)
def test_weights_that_are_none(items, message):
    with pytest.raises(DataError, match=f"the genres of items {message}|the weights of the genres of items {message}"):
        Dataset(items=items)
    frame = pd.DataFrame({"item_id": list(items), "genres": pd.Series(list(items.values()), dtype=object)})
    with pytest.raises(DataError, match=f"column 'genres' of items {message}"):
        Dataset(items=frame)


def test_features_that_are_too_many_for_rows(monkeypatch):
    monkeypatch.setattr(rows, "_ROWS_BYTES", 8 * 3 * 2 - 1)
    message = "3 items with 2 features are too many for rows of numbers; pass vectors= of fewer dimensions, or take"
    for chosen in ("euclidean", manhattan):
        with pytest.raises(DataError, match=message):
            mean_of({"u": ["a", "b"]}, SMALL, ba.ild(distance=chosen) @ 3)
        with pytest.raises(DataError, match=message):
            ba.MMR(distance=chosen).rerank({"u": ["a", "b"]}, SMALL)
    assert mean_of({"u": ["a", "b"]}, SMALL, "ild(distance=cosine)@3") == pytest.approx(1 - math.sqrt(0.5))


# training rows


@functools.cache
def rated(kind="ratings", n_users=40):
    """A dataset whose items many have, and lists of candidates of users known and unknown."""
    rng = np.random.default_rng(9)
    items = [f"i{number:02}" for number in range(N_ITEMS)]
    train = {}
    for user in range(n_users):
        held = rng.permutation(N_ITEMS - 2)[: rng.integers(1, N_ITEMS // 2)]  # two items nobody has
        numbers = rng.choice([1.0, 2.0, 3.0, 4.5], len(held))
        train[f"u{user}"] = {items[at]: numbers[place] for place, at in enumerate(held)}
    if kind == "none":
        train = {user: list(profile) for user, profile in train.items()}
    data = Dataset(train, {"u0": ["i00"]}, {item: [] for item in items})
    rows = [
        (user, item, score)
        for user in [*train, "stranger"]
        for item, score in zip(
            rng.permutation([*items, "unknown"])[: rng.integers(1, 12)].tolist(),
            np.sort(rng.random(12))[::-1].tolist(),
            strict=False,
        )
    ]
    return data, pd.DataFrame(rows, columns=["user_id", "item_id", "score"])


def looked_up(data, name):
    """All distances of one name as a matrix: each is what a list of its two items has."""
    items = [*data.items.ids.tolist(), "unknown"]
    lists = {f"{a} {b}": [a, b] for a, b in itertools.combinations(items, 2)}
    found = values_of(lists, data, f"eild(distance={name})@2")
    matrix = np.full((len(items), len(items)), np.nan)
    for one, other in itertools.combinations(range(len(items)), 2):
        matrix[one, other] = matrix[other, one] = found[f"{items[one]} {items[other]}"]
    return ba.distance(matrix, items=items)


def same(one, other):
    """Whether two results are the same bit for bit."""
    assert one.users.equals(other.users)
    np.testing.assert_array_equal(one.lists, other.lists)
    np.testing.assert_array_equal(one.input_ranks, other.input_ranks)
    np.testing.assert_array_equal(one.gain, other.gain)
    return True


TRAINED_RERANKERS = (
    *("MMR(diversity=0.7)", "MMR(diversity=1.0)", "GreedyDiversity(diversity=0.5)"),
    *("GreedyDiversity(diversity=0.6, normalize=zscore, renormalize=true)",),
)


@pytest.mark.parametrize("name", ON_TRAIN)
def test_rerankers_with_training_distances(name):
    data, frame = rated()
    table = looked_up(data, name)
    assert np.isfinite(table.matrix.numbers).any()
    for text in TRAINED_RERANKERS:
        one, other = (RERANKERS.create(text, distance=each).rerank(frame, data, k=8) for each in (name, table))
        assert same(one, other)
        plain = RERANKERS.create(text).at(0).rerank(frame, data, k=8)
        assert (one.lists != plain.lists).any()


@pytest.mark.parametrize("name", ["npmi", "pearson", "matrix"])
def test_tables_that_are_cut_are_the_same(name, monkeypatch):
    data, frame = rated()
    chosen = looked_up(data, "rating_cosine") if name == "matrix" else name
    metrics = [REGISTRY[each](distance=chosen) @ 6 for each in (*INSIDE, *TO_PROFILE)]
    texts = TRAINED_RERANKERS[1:3]

    def run(threads):
        report = evaluate(frame, data, metrics, n_boot=0, threads=threads)
        made = [RERANKERS.create(text, distance=chosen).rerank(frame, data, k=6, threads=threads) for text in texts]
        return [report.per_user(metric) for metric in metrics], made

    values, picks = run(1)
    for size in (1, 8 * 11**2 * 7, 8 * 6**2 * 5):
        monkeypatch.setattr(declared, "TABLE_BYTES", size)
        for kind in (Distance, OfColumns):
            monkeypatch.setattr(kind, "table_bytes", size)
        again, picked = run(2)
        for one, other in zip(values, again, strict=True):
            pd.testing.assert_series_equal(one, other, check_exact=True)
        assert all(same(one, other) for one, other in zip(picks, picked, strict=True))


def test_values_do_not_rest_on_who_else_is_there():
    data, frame = rated()
    metrics = [REGISTRY[each](distance=name) @ 6 for each in (*INSIDE, *TO_PROFILE) for name in ("npmi", "pearson")]
    whole = evaluate(frame, data, metrics, n_boot=0)
    for user in ("u0", "u7", "stranger"):  # u0 is in the test set
        alone = evaluate(frame[frame["user_id"].isin([user, "u0"])], data, metrics, n_boot=0)
        for metric in metrics:
            one, other = (float(report.per_user(metric)[user]) for report in (whole, alone))
            assert one == other or (math.isnan(one) and math.isnan(other)), (metric, user)


@pytest.mark.parametrize("name", ["npmi", "cosine", "matrix"])
def test_around_a_scorer(name):
    rng = np.random.default_rng(2)
    users, items = [f"u{number}" for number in range(12)], [f"i{number}" for number in range(N_ITEMS)]
    train = {user: rng.permutation(items)[:4].tolist() for user in users}
    vectors = rng.normal(size=(N_ITEMS, 3))
    data = Dataset(train, items=pd.DataFrame({"item_id": items}), vectors=vectors)
    scores = rng.random((len(data.users), len(data.items)))
    chosen = np.abs(np.subtract.outer(range(N_ITEMS), range(N_ITEMS))) / N_ITEMS if name == "matrix" else name
    method = ba.MMR(distance=chosen, diversity=0.8)
    wrapped = method.wrap(scores, candidates=6)
    made = wrapped.recommend(data, k=3)
    by_hand = method.rerank(ba.recommend(scores, data, k=6), data, k=3)
    assert same(made, by_hand)
    assert all(not set(found) & set(train[user]) for user, found in made.to_dict().items())
    assert (made.lists != ba.recommend(scores, data, k=3).lists).any()


# numbers at the ends


SIZES = {np.float64: (1e-310, 1e-200, 1e-30, 1.0, 1e30, 1e200, 1e307), np.float32: (1e-37, 1e-25, 1.0, 1e20, 1e37)}


@pytest.mark.parametrize("dtype", SIZES)
def test_cosine_does_not_see_the_size_of_vectors(dtype):
    rng = np.random.default_rng(4)
    directions = rng.normal(size=(12, 5))
    directions[3] = 0.0
    items = pd.DataFrame({"item_id": range(12)})
    train, lists = {user: [user, 11 - user] for user in range(6)}, {user: list(range(5, 11)) for user in range(6)}
    metrics = [REGISTRY[name](distance="cosine") @ 5 for name in (*INSIDE, "epd", "surprise_content", "unserendipity")]

    def values(vectors):
        data = Dataset(train, items=items, vectors=vectors)
        report = evaluate(lists, data, metrics, n_boot=0)
        picks = ba.MMR(distance="cosine", diversity=1).rerank(lists, data, k=6).to_dict()
        return np.array([report.per_user(metric) for metric in metrics]), picks

    expected, picks = values(directions.astype(dtype))
    assert np.isfinite(expected).all()
    for size in SIZES[dtype]:
        mixed = np.where(np.arange(12) % 2, size, 1.0)[:, None]
        for factor in (size, mixed):
            found, order = values((directions * factor).astype(dtype))
            np.testing.assert_allclose(found, expected, rtol=1e-9 if dtype is np.float64 else 1e-5, err_msg=str(size))
            assert order == picks


def test_float32_vectors_are_those_of_float64():
    rng = np.random.default_rng(6)
    vectors = rng.normal(size=(30, 9)).astype(np.float32)
    train, lists = {0: list(range(9))}, {0: list(range(8, 30))}
    items = pd.DataFrame({"item_id": range(30)})
    single, double = (Dataset(train, {0: [9]}, items, vectors=vectors.astype(dtype)) for dtype in ("f4", "f8"))
    for name, chosen in itertools.product(
        (*INSIDE, *TO_PROFILE), ("cosine", "cosine(half=true)", "euclidean", manhattan)
    ):
        compare(lists, single, double, REGISTRY[name](distance=chosen) @ 20, rtol=2e-6)


def test_a_matrix_given_again_is_the_same_distance():
    numbers = np.array([[0, 0.5], [0.5, np.nan]])
    before = len(DISTANCES.unnamed)
    data, metric = Dataset(items={"a": [], "b": []}), ba.ild(distance=numbers) @ 2
    report = evaluate({"u": ["a", "b"]}, data, metric, n_boot=0)
    assert report.value(ba.ild(distance=numbers.copy()) @ 2) == 0.5
    assert ba.ild(distance=numbers) @ 2 == metric
    assert len(DISTANCES.unnamed) == before + 1
    named = ba.distance(numbers, name="named")
    assert named is ba.distance(numbers, name="named")
    assert named != metric.values["distance"]
    for other in (numbers + 0.5, numbers[:1, :1]):
        assert ba.distance(other) != metric.values["distance"]
    of_items = [ba.distance(numbers, items=items) for items in ("ab", "ba", "ab")]
    assert of_items[0] is of_items[2]
    assert len({metric.values["distance"], *of_items}) == 3


def columns_of(**columns):
    """Training rows from one row of values an item, None where there is none."""
    users = range(len(next(iter(columns.values()))))
    rows = {f"u{user}": {item: column[user] for item, column in columns.items()} for user in users}
    return {user: {item: value for item, value in row.items() if value is not None} for user, row in rows.items()}


def between(name, train, one="i", other="j"):
    """The distance of two items."""
    return mean_of({"someone": [one, other]}, Dataset(train), f"ild(distance={name})@2")


def test_training_distances_by_hand():
    train = columns_of(i=[1, 1, 1, None], j=[1, 1, None, None], k=[None, None, None, 1])
    assert between("cooccurrence", train) == pytest.approx(1 - 2 / math.sqrt(6))
    assert between("npmi", train) == pytest.approx((1 - math.log2(4 * 2 / 6) / -math.log2(2 / 4)) / 2)
    assert [between(name, train, "i", "k") for name in ("cooccurrence", "npmi")] == [1, 1]
    train = columns_of(i=[5, 1, None, 4], j=[3, 2, 4, None], k=[1, 3, 2, 2])
    # less the users' means 3, 2, 3 and 3: i is 2, -1, none and 1, k is -2, 1, -1 and -1
    assert between("rating_cosine", train, "i", "k") == pytest.approx((1 + 6 / math.sqrt(6 * 7)) / 2)
    assert between("rating_cosine(support=common)", train, "i", "k") == pytest.approx(1)
    assert between("rating_cosine(center=none)", train) == pytest.approx((1 - 17 / math.sqrt(42 * 29)) / 2)
    common = "rating_cosine(center=none, support=common)"
    assert between(common, train) == pytest.approx((1 - 17 / math.sqrt(26 * 13)) / 2)
    assert (
        between("rating_cosine", columns_of(i=[5, 1, None], j=[None, None, 2], k=[1, 2, 4])) == 0.5
    )  # nobody rated both


def test_pearson_of_ratings_is_exact_and_of_far_values_nearly():
    rng = np.random.default_rng(2)
    for _ in range(30):
        stars = rng.permutation(np.arange(1, 10)) / 2
        assert between("pearson", columns_of(i=stars.tolist(), j=(stars + 0.5).tolist())) == pytest.approx(0, abs=1e-15)
        assert between("pearson", columns_of(i=stars.tolist(), j=(6 - stars).tolist())) == pytest.approx(2, abs=1e-15)
        far = 1.5e9 + stars  # as seconds since 1970; an item has a scale of its own
        assert between("pearson", columns_of(i=far.tolist(), j=(2 * far).tolist())) == pytest.approx(0, abs=1e-15)


def lists_of_pairs(items):
    return {f"{a} {b}": [a, b] for a, b in itertools.combinations(items, 2)}


@pytest.mark.parametrize("rating", [0.1, 1.0, 4.1, 1e-3, 1e9])
def test_ratings_that_do_not_vary(rating):
    train = {f"u{n}": dict.fromkeys("abc"[: 1 + n % 3], rating) for n in range(30)}
    data = Dataset(train, items={item: [] for item in "abcd"})
    for name in ("pearson", "rating_cosine", "rating_cosine(center=item)", "rating_cosine(support=common)"):
        metric = f"eild(distance={name})@2"
        assert values_of(lists_of_pairs("abcd"), data, metric).isna().all(), name
        with pytest.warns(NoEffectWarning, match="no two candidates of a list have a .* distance"):
            found = ba.MMR(distance=name, diversity=1).rerank({"u0": list("dcba")}, data)
        assert found.to_dict() == {"u0": list("dcba")}
        vendi = f"vendi(distance={name})@4"
        assert mean_of({"u0": list("abcd")}, data, vendi) == pytest.approx(3)  # nobody has d
    values = values_of(lists_of_pairs("ab"), data, "eild(distance=rating_cosine(center=none))@2")
    assert values["a b"] == pytest.approx((1 - 20 / math.sqrt(30 * 20)) / 2)


def test_one_rater_and_no_ratings():
    one = Dataset({"u": {"a": 1.0, "b": 5.0}}, items={"a": [], "b": [], "c": []})
    expected = {
        "pearson": math.nan,
        "cooccurrence": 0.0,
        "npmi": 0.0,
        "rating_cosine": 1.0,
        "rating_cosine(center=item)": math.nan,
        "rating_cosine(center=none)": 0.0,
        "rating_cosine(support=common)": 1.0,
    }
    for name, value in expected.items():
        assert mean_of({"u": ["a", "b"]}, one, f"ild(distance={name})@2") == pytest.approx(value, nan_ok=True), name
        cold = 1.0 if name == "npmi" else math.nan
        assert mean_of({"u": ["a", "c"]}, one, f"ild(distance={name})@2") == pytest.approx(cold, nan_ok=True), name
    data, frame = rated("none")  # each row is a 1
    for name in ("pearson", "rating_cosine", "rating_cosine(center=item)"):
        assert values_of(frame, data, f"ild(distance={name})@5").isna().all()
    uncentred = values_of(frame, data, "ild(distance=rating_cosine(center=none))@5")
    half = values_of(frame, data, "ild(distance=cooccurrence)@5") / 2  # the columns are sets of users
    np.testing.assert_allclose(uncentred, half, rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore::beyondacc.errors.NoEffectWarning")  # a list of the stranger may be of one item
def test_users_that_the_dataset_does_not_know():
    data, frame = rated()
    lists = frame[frame["user_id"] == "stranger"]
    known = pd.concat([lists.assign(user_id="u3"), lists])
    for name in ("npmi", "cooccurrence", "pearson", "rating_cosine"):
        for metric in INSIDE:
            found = values_of(known, data, f"{metric}(distance={name})@8")
            assert found["stranger"] == pytest.approx(found["u3"], nan_ok=True)
        for metric in ("epd", "surprise_content", "unserendipity"):
            assert math.isnan(values_of(known, data, f"{metric}(distance={name})@8")["stranger"])
        made = ba.GreedyDiversity(distance=name).rerank(known, data, k=5).to_dict()
        assert made["stranger"] == made["u3"]
