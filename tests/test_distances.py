"""Distances as values: their names, what they need, given matrices, weighted features, distances of training rows."""

from __future__ import annotations

import functools
import itertools
import math
import re

import bridge
import numba
import numpy as np
import pandas as pd
import pytest
from oracle import ORACLES, rerank as rerank_oracle
from oracle.case import measure
from strategies import random_case

import beyondacc as ba
from beyondacc import distances, pairs
from beyondacc.data.dataset import Dataset
from beyondacc.distances import DISTANCES, Distance, missing_for
from beyondacc.errors import DataError, SpecError
from beyondacc.metrics import REGISTRY
from beyondacc.spec.params import Param

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("own_distance")]

SLOW = numba.config.DISABLE_JIT  # the kernels run as plain Python
N_CASES = 12 if SLOW else 120
BUILT_IN = ("jaccard", "cosine", "hamming", "euclidean", "rating_cosine", "pearson", "cooccurrence", "npmi")
WRITTEN = (
    *BUILT_IN,
    "cosine(half=true)",
    "hamming(normalized=false)",
    "rating_cosine(center=item)",
    "rating_cosine(center=none)",
    "rating_cosine(support=common)",
    "rating_cosine(center=item, support=common)",
    "rating_cosine(center=none, support=common)",
)
OF_TRAINING = tuple(text for text in WRITTEN if text.partition("(")[0] in BUILT_IN[4:])
CONSUMERS = [
    family
    for family in REGISTRY.values()
    if "distance" in family.params and family.params["distance"].annotation is Distance
]


def sentence(error):
    return " ".join(str(error.value).split())


# names


def test_all_distances_are_declared_in_full():
    assert tuple(name for name in DISTANCES if DISTANCES[name].own is None) == BUILT_IN
    for name in BUILT_IN:
        kind = DISTANCES[name].kind
        assert kind.title
        assert kind.name == name
        assert kind.cite == "Euclid" or re.search(r"\b(19|20)\d\d\b", kind.cite), name


@pytest.mark.parametrize("text", WRITTEN)
def test_a_name_is_written_as_it_is_read(text):
    made = Distance.parse(text)
    assert str(made) == text
    assert Distance.parse(str(made)) == made
    assert hash(Distance.parse(str(made))) == hash(made)
    for name in ("ild", "surprise_content", "eild"):
        metric = REGISTRY.parse(f"{name}(distance={text})@7")
        assert metric.values["distance"] == made
        assert str(metric) == (f"{name}@7" if text == "jaccard" else f"{name}(distance={text})@7")
        assert REGISTRY.parse(str(metric)) == metric
    reranker = ba.MMR(distance=text)
    assert reranker.distance == made
    assert repr(reranker) == ("MMR(diversity=0.5)" if text == "jaccard" else f"MMR(diversity=0.5, distance={text})")


def test_parameters_at_their_default_are_not_written():
    assert str(Distance.parse("cosine( half = false )")) == "cosine"
    assert Distance.parse("cosine(half=false)") == Distance.parse("cosine")
    assert Distance.parse("rating_cosine(support=all, center=user)") == DISTANCES["rating_cosine"]
    assert Distance.parse("cosine(half=true)") != Distance.parse("cosine")
    assert len({Distance.parse(text) for text in WRITTEN}) == len(WRITTEN)


@pytest.mark.parametrize(
    ("text", "upper"),
    [("cosine", 2), ("cosine(half=true)", 1), ("hamming", 1), ("hamming(normalized=false)", math.inf), ("pearson", 2)],
)
def test_the_largest_value_depends_on_the_parameters(text, upper):
    assert Distance.parse(text).upper == upper
    assert REGISTRY.parse(f"ild(distance={text})").bounds == (0, upper)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cosine(hlaf=true)", "distance 'cosine' has no parameter 'hlaf'; did you mean half?"),
        ("jaccard(half=true)", "distance 'jaccard' has no parameter 'half'; it takes none"),
        ("cosine(half=2)", "distance 'cosine': half='2' is not allowed; half must be true or false"),
        (
            "rating_cosine(center=both)",
            "distance 'rating_cosine': center='both' is not allowed; center must be 'user', 'item' or none",
        ),
    ],
)
def test_parameters_that_do_not_exist(text, message):
    for ask in (lambda: REGISTRY.parse(f"ild(distance={text})@3"), lambda: ba.MMR(distance=text)):
        with pytest.raises(SpecError) as error:
            ask()
        assert sentence(error) == message


@pytest.mark.parametrize("text", ["cosin", "cosine@3", "", "cosine half", "Jaccard"])
def test_names_that_do_not_exist(text):
    with pytest.raises(SpecError, match="is not allowed; distance must be jaccard, cosine, hamming, euclidean, "):
        Param("distance", None, Distance).check(text, "here")


def test_one_knows_its_name_and_no_rows():
    assert repr(Distance.parse("cosine(half=true)")) == "<distance cosine(half=true)>"
    with pytest.raises(SpecError, match=r"distance cosine\(half=true\) is computed on encoded items"):
        Distance.parse("cosine(half=true)")(np.ones(2), np.ones(2))
    assert DISTANCES["manhattan"](np.ones(2), np.zeros(2)) == 2


# what they need


ITEMS = {"a": ["x"], "b": ["x", "y"], "c": []}
TRAIN = {"u": {"a": 1.0, "b": 2.0}, "v": {"b": 5.0, "a": 3.0, "c": 1.0}}


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("jaccard", "item features; pass items= with a genres column"),
        ("hamming", "item features; pass items= with a genres column"),
        ("cosine", "item features or vectors; pass items= with a genres column, or vectors="),
        ("euclidean", "item features or vectors; pass items= with a genres column, or vectors="),
        ("manhattan", "item features or vectors; pass items= with a genres column, or vectors="),
        *[(text, "training rows; pass train=") for text in OF_TRAINING],
    ],
)
def test_what_is_missing_is_said(text, lacks):
    chosen = Distance.parse(text)
    trained, itemized = Dataset(TRAIN), Dataset(items=ITEMS)
    without = itemized if "training" in lacks else trained
    assert missing_for(chosen, without) == lacks
    assert missing_for(chosen, trained if "training" in lacks else itemized) is None
    with pytest.raises(SpecError, match=re.escape(f"needs {lacks}")):
        ba.evaluate({"u": ["a", "b"]}, without, f"ild(distance={text})@2", n_boot=0)
    with pytest.raises(SpecError, match=re.escape(f"needs {lacks}")):
        ba.MMR(distance=text).rerank({"u": ["a", "b"]}, without)


def test_vectors_come_before_features():
    table = pd.DataFrame({"item_id": list(ITEMS), "genres": ["x", "x|y", ""]})
    both = Dataset(items=table, vectors=np.array([[1.0, 0.0], [0.0, 1.0], [3.0, 0.0]]))
    lists = {"u": ["a", "b", "c"]}

    def value(distance, data):
        return ba.evaluate(lists, data, f"ild(distance={distance})@3", n_boot=0)[0].value

    assert value("cosine", both) == pytest.approx(2 / 3)
    assert value("cosine(half=true)", both) == pytest.approx(1 / 3)
    assert value("euclidean", both) == pytest.approx((math.sqrt(2) + 2 + math.sqrt(10)) / 3)
    assert value("cosine", Dataset(items=table)) == pytest.approx(1 - 1 / math.sqrt(2))
    assert value("euclidean", Dataset(items=table)) == 1
    assert value("hamming", both) == 0.5
    assert value("hamming(normalized=false)", both) == 1


# training rows, by hand


def value_of(metric, lists, train, **more):
    return ba.evaluate(lists, Dataset(train, **more), metric, n_boot=0)[0].value


def pair(distance, train, first="i", second="j"):
    """The distance of two items."""
    return value_of(f"ild(distance={distance})@2", {"someone": [first, second]}, train)


def rated(*columns):
    """``{user: {item: value}}`` from one row of values an item, None where there is none."""
    users = range(len(columns[0]))
    return {
        f"u{user}": {
            item: column[user] for item, column in zip("ijkl", columns, strict=False) if column[user] is not None
        }
        for user in users
        if any(column[user] is not None for column in columns)
    }


def test_cooccurrence_and_npmi_by_hand():
    train = rated([1, 1, 1, None], [1, 1, None, None], [None, None, None, 1])
    assert pair("cooccurrence", train) == pytest.approx(1 - 2 / math.sqrt(6))
    assert pair("npmi", train) == pytest.approx((1 - math.log2(4 * 2 / 6) / -math.log2(2 / 4)) / 2)
    assert pair("cooccurrence", train, "i", "k") == 1
    assert pair("npmi", train, "i", "k") == 1
    assert math.isnan(pair("cooccurrence", train, "i", "cold"))
    assert pair("npmi", train, "i", "cold") == 1
    assert pair("npmi", rated([1, 1], [1, 1])) == 0
    assert pair("cooccurrence", rated([1, 1, 1], [1, 1, 1], [1, 1, None])) == 0


def test_rating_cosine_by_hand():
    train = rated([5, 1, None, 4], [3, 2, 4, None], [1, 3, 2, 2])  # means of the users 3, 2, 3, 3
    assert pair("rating_cosine", train, "i", "k") == pytest.approx((1 - (-4 - 1 - 1) / math.sqrt(6 * 7)) / 2)
    assert pair("rating_cosine(support=common)", train, "i", "k") == 1.0  # (2, -1, 1) and (-2, 1, -1)
    assert pair("rating_cosine(center=none, support=common)", train) == pytest.approx((1 - 17 / math.sqrt(26 * 13)) / 2)
    assert pair("rating_cosine(center=none)", train) == pytest.approx((1 - 17 / math.sqrt(42 * 29)) / 2)
    i, j = np.array([5, 1, 4]) - 10 / 3, np.array([3, 2, 4]) - 3.0
    wanted = (1 - (i[0] * j[0] + i[1] * j[1]) / math.sqrt((i @ i) * (j @ j))) / 2
    assert pair("rating_cosine(center=item)", train) == pytest.approx(wanted)


def test_no_common_rater():
    train = rated([5, 1, None, None], [None, None, 2, 4], [1, 2, 4, 5])
    assert pair("rating_cosine", train) == 0.5
    assert math.isnan(pair("rating_cosine(support=common)", train))
    assert math.isnan(pair("pearson", train))


@pytest.mark.parametrize("value", [3.0, 3.5, 0.1, 1e6 / 3, -7.7])
@pytest.mark.parametrize("n", [2, 3, 7, 1000])
def test_no_variance_is_seen_despite_rounding(value, n):
    rng = np.random.default_rng(n)
    other = rng.normal(size=n) * 3 + 4
    train = rated([value] * n, other.tolist(), (other + rng.normal(size=n)).tolist())
    assert math.isnan(pair("pearson", train))
    assert math.isnan(pair("rating_cosine(center=item)", train))
    assert 0 <= pair("pearson", train, "j", "k") <= 2
    alone = {user: {"i": value, "j": value} for user in train}
    assert math.isnan(pair("rating_cosine", alone))
    assert math.isnan(pair("rating_cosine(support=common)", alone))
    assert pair("rating_cosine(center=none)", alone) == pytest.approx(0, abs=1e-15)


def test_everybody_gave_the_same_number_to_everything():
    train = rated(*[[0.1] * 5000] * 3)
    for distance in ("pearson", "rating_cosine", "rating_cosine(center=item, support=common)"):
        assert math.isnan(pair(distance, train)), distance


def test_pearson_of_ratings_is_exact():
    rng = np.random.default_rng(2)
    for _ in range(5 if SLOW else 50):
        one = rng.integers(1, 11, 9) / 2
        if len(set(one)) > 1:
            same, mirrored = one - 0.5, 6 - one
            assert pair("pearson", rated(one.tolist(), same.tolist())) == pytest.approx(0, abs=1e-15)
            assert pair("pearson", rated(one.tolist(), mirrored.tolist())) == pytest.approx(2, abs=1e-15)
            far = 1.5e9 + one  # such as times
            assert pair("pearson", rated(far.tolist(), (2 * far).tolist())) == pytest.approx(0, abs=1e-9)


def test_rows_without_values_count_as_ones():
    lists, ones = {"u": ["a", "b", "c"]}, {"u": ["a", "b"], "v": ["a", "b", "c"], "w": ["c"]}
    with_ones = {user: dict.fromkeys(items, 1.0) for user, items in ones.items()}
    for text in OF_TRAINING:
        found = [value_of(f"ild(distance={text})@3", lists, train) for train in (ones, with_ones)]
        assert found[0] == found[1] or all(map(math.isnan, found))
    assert math.isnan(value_of("ild(distance=rating_cosine)@3", lists, ones))
    # without centring it is the co-occurrence, halved
    half = value_of("ild(distance=rating_cosine(center=none))@3", lists, ones)
    assert half == pytest.approx(value_of("ild(distance=cooccurrence)@3", lists, ones) / 2)


# every consumer against the oracle, with training rows and with matrices


@functools.cache
def bound(number):
    case = random_case(
        np.random.default_rng(1000 + number), with_vectors=number % 2 == 0, with_weights=number % 3 == 0, n_users=6
    )
    if not bridge.usable(case):
        return None
    data = bridge.to_dataset(case)
    return case, data, bridge.to_run(case, data)


def matrix_of(case, rng):
    """Distances of most items, in an order of their own, as a frame; some pairs have none, some items none at all."""
    items = [item for item in case.item_order if rng.random() < 0.85]
    items = [items[at] for at in rng.permutation(len(items))]
    numbers = np.triu(rng.choice([0.0, 0.25, 0.5, 1.0, 1.5, np.nan], (len(items), len(items))), 1)
    numbers += numbers.T
    numbers[np.diag_indices_from(numbers)] = rng.choice([0.0, 0.5, np.nan], len(items))
    if len(items) > 4:
        numbers[1, :] = numbers[:, 1] = np.nan
    return pd.DataFrame(numbers, items, items)


def compare(case, run, metric, distance):
    given = {name: value for name, value in metric.values.items() if name not in {"k", "distance"}}
    expected = ORACLES[metric.family.name](case, metric.k, distance=distance, **given)
    found = metric.state(run.block(0, len(run))).values
    np.testing.assert_allclose(
        found, [expected[user] for user in run.ids.tolist()], rtol=1e-9, atol=1e-12, err_msg=str(metric)
    )


def drawn(family, rng):
    """Values of the other parameters."""
    return {
        name: bridge.values_of(param.annotation)[int(rng.integers(len(bridge.values_of(param.annotation))))]
        for name, param in family.params.items()
        if name != "distance"
    }


@pytest.mark.parametrize("family", CONSUMERS, ids=lambda family: family.name)
def test_distances_of_training_rows_in_every_metric(family):
    rng = np.random.default_rng(4)
    for number in range(N_CASES):
        if bound(number) is not None:
            case, _, run = bound(number)
            for text in OF_TRAINING:
                chosen = Distance.parse(text)
                compare(case, run, family(distance=chosen, **drawn(family, rng)), (chosen.name, dict(chosen.values)))


@pytest.mark.parametrize("family", CONSUMERS, ids=lambda family: family.name)
def test_given_distances_in_every_metric(family):
    rng = np.random.default_rng(5)
    for number in range(N_CASES):
        if bound(number) is not None:
            case, _, run = bound(number)
            frame = matrix_of(case, rng)
            table = {(a, b): frame.iloc[x, y] for x, a in enumerate(frame.index) for y, b in enumerate(frame.columns)}
            chosen = ba.distance(frame, name="given") if number % 2 else frame
            compare(case, run, family(distance=chosen, **drawn(family, rng)), table)


def check_reranking(method, case, data, distance, between, rng):
    items = [case.item_order[at] for at in rng.permutation(len(case.item_order))[:9]]
    scores = np.sort(rng.random(len(items)))[::-1].tolist()
    between = measure(case, between)
    matrix = [[between(a, b) for b in items] for a in items]
    made = method(distance=distance, diversity=0.6).rerank(
        {next(iter(case.train)): dict(zip(items, scores))}, data, k=6
    )  # noqa: B905
    define = rerank_oracle.mmr if method is ba.MMR else rerank_oracle.greedy_diversity
    regret = rerank_oracle.mmr_regret if method is ba.MMR else rerank_oracle.greedy_diversity_regret
    picks = made.input_ranks[0, : made.lengths[0]].tolist()
    expected, values = define(scores, matrix, 0.6, 6)
    if picks == expected:
        np.testing.assert_allclose(made.scores[0, : len(picks)], values, rtol=1e-9, atol=1e-12)
    else:  # a tie but for rounding
        assert len(picks) == len(set(picks)) == len(expected)
        assert regret(picks, scores, matrix, 0.6) <= 1e-9
    return picks == expected


@pytest.mark.parametrize("method", [ba.MMR, ba.GreedyDiversity])
def test_every_distance_in_re_rankers(method):
    rng = np.random.default_rng(6)
    exact = []
    for number in range(N_CASES // 2):
        if bound(number) is None:
            continue
        case, data, _ = bound(number)
        for text in WRITTEN:
            chosen = Distance.parse(text)
            exact.append(check_reranking(method, case, data, chosen, (chosen.name, dict(chosen.values)), rng))
        frame = matrix_of(case, rng)
        table = {(a, b): frame.iloc[x, y] for x, a in enumerate(frame.index) for y, b in enumerate(frame.columns)}
        exact.append(check_reranking(method, case, data, frame, table, rng))
    assert np.mean(exact) > 0.9


@pytest.mark.parametrize("text", [*OF_TRAINING, "jaccard", "euclidean"])
def test_tables_in_small_pieces_give_the_same(text, monkeypatch):
    metrics = [REGISTRY.parse(f"{name}(distance={text})@6") for name in ("ild", "eild", "ils", "vendi", "epd")]
    candidates = pd.DataFrame({"user_id": [1, 1, 1, 2, 2], "item_id": [1, 2, 3, 2, 4], "score": [5.0, 4, 3, 2, 1]})
    for number in range(4):
        if bound(number) is None:
            continue
        case, data, run = bound(number)
        whole = [metric.state(run.block(0, len(run))).values for metric in metrics]
        users = list(case.train)
        items = case.item_order[:4]
        named = candidates.assign(
            user_id=[users[user % len(users)] for user in candidates.user_id],
            item_id=[items[item - 1] for item in candidates.item_id],
        ).drop_duplicates(["user_id", "item_id"])
        picked = ba.MMR(distance=text).rerank(named, data, k=3)
        with monkeypatch.context() as patch:
            patch.setattr(pairs, "_TABLE_BYTES", 300)
            pieces = [metric.state(run.block(0, len(run))).values for metric in metrics]
            again = ba.MMR(distance=text).rerank(named, data, k=3)
        np.testing.assert_array_equal(whole, pieces)
        np.testing.assert_array_equal(picked.scores, again.scores)


# given matrices


def test_a_matrix_says_what_a_distance_says():
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(12, 4))
    vectors[3] = 0
    items = pd.DataFrame({"item_id": np.arange(12) * 3 + 5, "genres": "x"})
    train = {user: dict.fromkeys(rng.choice(items.item_id, 4, replace=False).tolist(), 1.0) for user in range(8)}
    data = Dataset(train, items=items, vectors=vectors)
    norms = np.linalg.norm(vectors, axis=1)
    with np.errstate(invalid="ignore"):
        unit = vectors / norms[:, None]
    matrix = 1 - unit @ unit.T  # not quite symmetric, and not quite 0 on the diagonal
    matrix[:, 0] *= 1 + 1e-12
    lists = {user: rng.permutation(items.item_id)[:6].tolist() for user in range(8)}
    order = rng.permutation(12)
    shuffled = matrix[np.ix_(order, order)]
    ids = items.item_id.to_numpy()[order]
    for given in (
        matrix,
        ba.distance(matrix),
        ba.distance(shuffled, items=ids, name="shuffled"),
        pd.DataFrame(shuffled, index=ids, columns=ids),
        pd.DataFrame(shuffled.astype(object), index=ids, columns=ids),
    ):
        for family in CONSUMERS:
            if "train" in {need.name.lower() for need in family.needs(family().values)} or data.test is None:
                metrics = [family(distance=each) @ 5 for each in (given, "cosine")]
                if any(metric.missing(data) for metric in metrics):
                    continue
                found = [ba.evaluate(lists, data, metric, n_boot=0)[0].values for metric in metrics]
                np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-9, err_msg=family.name)
        picks = [ba.MMR(distance=each).rerank(lists, data, k=4).lists for each in (given, "cosine")]
        np.testing.assert_array_equal(*picks)


def test_a_matrix_is_known_by_its_name():
    made = ba.distance(np.array([[0, 0.5], [0.5, 0]]), name="half_apart")
    assert str(ba.ild(distance=made) @ 2) == "ild(distance=half_apart)@2"
    assert REGISTRY.parse("ild(distance=half_apart)@2") == ba.ild(distance=made) @ 2
    assert made.upper == 0.5
    assert (ba.ild(distance=made) @ 2).bounds == (0, 0.5)
    data = Dataset(items=["a", "b"] and {"a": [], "b": []})
    assert ba.evaluate({"u": ["a", "b"]}, data, "ild(distance=half_apart)@2", n_boot=0)[0].value == 0.5
    assert ba.distance(np.full((2, 2), np.nan), name="nothing").upper == 0


def test_a_matrix_is_copied():
    numbers = np.array([[0, 0.5], [0.5, 0]])
    made = ba.distance(numbers)
    numbers[:] = 7
    data = Dataset(items={"a": [], "b": []})
    assert ba.evaluate({"u": ["a", "b"]}, data, ba.ild(distance=made) @ 2, n_boot=0)[0].value == 0.5


def test_two_matrices_are_two_distances():
    one, other = (ba.distance(np.full((2, 2), value), name="same") for value in (0.25, 0.75))
    assert one != other
    assert REGISTRY.parse("ild(distance=same)") == ba.ild(distance=other) @ 10
    data = Dataset(items={"a": [], "b": []})
    report = ba.evaluate({"u": ["a", "b"]}, data, ba.ild(distance=one) @ 2, n_boot=0)
    assert report[0].value == 0.25


SQUARE = np.array([[0, 0.5, 1], [0.5, 0, 2], [1, 2, 0]])


def changed(row, column, value):
    matrix = SQUARE.copy()
    matrix[row, column] = value
    return matrix


@pytest.mark.parametrize(
    ("matrix", "options", "message"),
    [
        (SQUARE[:2], {}, "a matrix of distances must be square; this one has the shape (2, 3)"),
        (SQUARE[0], {}, "a matrix of distances must be square; this one has the shape (3,)"),
        (
            changed(0, 2, 3),
            {},
            "the matrix of distances holds 3 in row 0, column 2, but 1 the other way round; distances must be symmetric",
        ),
        (
            changed(0, 2, np.nan),
            {},
            "the matrix of distances holds nan in row 0, column 2, but 1 the other way round; "
            "distances must be symmetric",
        ),
        (
            changed(1, 1, np.inf),
            {},
            "the matrix of distances holds inf in row 1, column 1; distances must be finite and >= 0, "
            "or NaN where there is none",
        ),
        (
            changed(1, 2, -0.5),
            {},
            "the matrix of distances holds -0.5 in row 1, column 2; distances must be finite and >= 0, "
            "or NaN where there is none",
        ),
        (
            np.array([["a", "b"], ["b", "a"]]),
            {},
            "a matrix of distances must hold numbers, or NaN where there is no distance",
        ),
        (SQUARE, {"items": [1, 2]}, "the matrix of distances has 3 rows, but items= names 2; name each row once"),
        (SQUARE, {"items": [1, 2, 1]}, "the matrix of distances has item 1 twice; keep one row"),
        (
            pd.DataFrame(SQUARE),
            {"items": [1, 2, 3]},
            "a frame of distances names its items itself; leave out items=",
        ),
        (
            pd.DataFrame(SQUARE, [1, 2, 3], [1, 3, 2]),
            {},
            "a frame of distances needs the same item ids as index and as columns, in the same order",
        ),
    ],
)
def test_matrices_that_are_refused(matrix, options, message):
    with pytest.raises(DataError) as error:
        ba.distance(matrix, **options)
    assert sentence(error) == message


def test_a_matrix_that_does_not_fit_the_dataset():
    data = Dataset(items={1: [], 2: [], 3: [], 4: []})
    message = (
        "the matrix of distances has 3 rows, but the Dataset has 4 items; "
        "say which items they are with beyondacc.distance(matrix, items=...)"
    )
    for ask in (
        lambda given: ba.evaluate({"u": [1, 2]}, data, ba.ild(distance=given) @ 2),
        lambda given: ba.evaluate({"u": [1, 2]}, data, ba.ils(distance=given) @ 2),
        lambda given: ba.MMR(distance=given).rerank({"u": [1, 2]}, data),
    ):
        with pytest.raises(DataError) as error:
            ask(SQUARE)
        assert sentence(error) == message
        with pytest.raises(DataError, match="strings .such as 'a'. .*integers .such as 1."):
            ask(ba.distance(SQUARE, items=["a", "b", "c"]))
    fits = ba.distance(SQUARE, items=[3, 1, 9])
    report = ba.evaluate({"u": [1, 3, 4, "9"][:3]}, data, ba.ild(distance=fits) @ 3, n_boot=0)
    assert report[0].value == 0.5
    unknown = ba.evaluate({"u": [9, 3]}, data, ba.ild(distance=fits) @ 3, n_boot=0)  # which only the matrix knows
    assert unknown[0].value == 1


def test_names_of_ones_own():
    with pytest.raises(SpecError, match="distance 'npmi' is built in; pass name= to call yours otherwise"):
        ba.distance(SQUARE, name="npmi")
    with pytest.raises(SpecError, match="'a b' cannot name a distance"):
        ba.distance(SQUARE, name="a b")
    with pytest.raises(SpecError, match="items= names the rows of a matrix; leave it out for a function"):
        ba.distance(bridge.manhattan, items=[1])


# weighted features


WEIGHTED = {"a": {"x": 1.0, "y": 0.0}, "b": {"x": 0.5, "y": 1.5}, "c": {}, "d": {"y": 2}}


def table(weighted):
    return pd.DataFrame({"item_id": list(weighted), "genres": pd.Series(list(weighted.values()), dtype=object)})


@pytest.mark.parametrize("items", [WEIGHTED, table(WEIGHTED)], ids=["dict", "frame"])
def test_weights_of_features(items):
    data = Dataset(items=items)
    assert data.features.names == ["x", "y"]
    assert data.features.starts.tolist() == [0, 1, 3, 3, 4]
    assert data.features.weights.tolist() == [1.0, 0.5, 1.5, 2.0]
    rows = {"a": (1, 0), "b": (0.5, 1.5), "d": (0, 2)}

    def mean(distance):
        return np.mean([distance(np.array(p), np.array(q)) for p, q in itertools.combinations(rows.values(), 2)])

    lists = {"u": ["a", "b", "c", "d", "unknown"]}
    wanted = {
        "cosine": mean(lambda p, q: 1 - p @ q / math.sqrt((p @ p) * (q @ q))),
        "euclidean": mean(lambda p, q: np.linalg.norm(p - q)),
        "manhattan": mean(lambda p, q: abs(p - q).sum()),
        "jaccard": (0.5 + 1 + 0.5) / 3,
        "hamming": (0.5 + 1 + 0.5) / 3,
    }
    for text, value in wanted.items():
        found = ba.evaluate(lists, data, f"ild(distance={text})@5", n_boot=0)[0].value
        assert found == pytest.approx(value), text
    assert ba.evaluate(lists, data, "subtopic_recall@1", n_boot=0)[0].value == 0.5  # a weight of 0 is no feature


def test_weights_in_every_order_of_names_and_rows():
    rng = np.random.default_rng(8)
    names = [f"g{number}" for number in range(70)]
    rows = {
        item: {name: float(rng.integers(0, 4)) for name in rng.permutation(names)[: rng.integers(0, 9)]}
        for item in range(40)
    }
    features = Dataset(items=rows).features
    for item, given in rows.items():
        span = slice(features.starts[item], features.starts[item + 1])
        found = dict(zip([features.names[at] for at in features.ids[span]], features.weights[span], strict=True))
        assert found == {name: weight for name, weight in given.items() if weight > 0}
        assert int(sum(map(int.bit_count, features.bits[item].tolist()))) == len(found)


def test_items_without_weights():
    assert Dataset(items={"a": {}, "b": {"x": 0}, "c": {"x": 2}}).features.weights.tolist() == [2.0]
    values = pd.Series([{"x": 1}, None, float("nan")], dtype=object)
    frame = pd.DataFrame({"item_id": [1, 2, 3], "genres": values})
    assert Dataset(items=frame).features.starts.tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ({"a": {"x": -1}}, "the genres of items has a negative weight, -1; weights must be >= 0"),
        ({"a": {"x": math.inf}}, "the weights of the genres of items is inf in row 0"),
        ({"a": {"x": "much"}}, "the weights of the genres of items holds 'much' in row 0"),
        ({"a": {"x": None}}, "the weights of the genres of items"),
        ({"a": {"x": 1}, "b": ["x"]}, "the genres of items holds ['x'] in row 1"),
    ],
)
def test_weights_that_are_refused(items, message):
    for given in (items, table(items)):
        with pytest.raises(DataError) as error:
            Dataset(items=given)
        wanted = message if given is items else message.replace("the genres of items", "column 'genres' of items")
        assert wanted in sentence(error)


def test_too_many_features_for_rows_of_numbers(monkeypatch):
    monkeypatch.setattr(pairs, "_ROWS_BYTES", 60)
    lists = {"u": ["a", "b", "d"]}
    weighted, plain = Dataset(items=WEIGHTED), Dataset(items={item: list(each) for item, each in WEIGHTED.items()})
    message = (
        "4 items with 2 features are too many for rows of numbers; "
        "pass vectors= of fewer dimensions, or take distance=jaccard"
    )
    for data, distance in [(weighted, "cosine"), (weighted, "manhattan"), (plain, "euclidean")]:
        with pytest.raises(DataError) as error:
            ba.evaluate(lists, data, f"ild(distance={distance})@3")
        assert sentence(error) == message
        with pytest.raises(DataError):
            ba.MMR(distance=distance).rerank(lists, data)
    for data, distance in [(plain, "cosine"), (weighted, "jaccard")]:
        assert ba.evaluate(lists, data, f"ild(distance={distance})@3", n_boot=0)[0].value > 0


def test_registered_distances_stay_apart():
    assert "given" not in DISTANCES or distances.DISTANCES is not DISTANCES
