"""Laws that hold for the whole registry, whatever a metric computes."""

from __future__ import annotations

import functools
import itertools

import bridge
import numba
import numpy as np
import pandas as pd
import pytest
from bridge import CUTOFFS, rows_of
from draws import draws
from hypothesis import given, settings, strategies as st
from scipy import sparse
from strategies import assemble, random_case

from beyondacc.bound.bind import bind
from beyondacc.data.dataset import Dataset
from beyondacc.data.recommendations import Recommendations
from beyondacc.evaluation.evaluate import evaluate, evaluate_run
from beyondacc.metrics import REGISTRY
from beyondacc.metrics.base.metric import Need
from beyondacc.run.local import blocks

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("own_distance")]

SLOW = numba.config.DISABLE_JIT
FAMILIES = list(REGISTRY.values())
by_name = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@functools.cache
def bound(number, **options):
    case = random_case(
        np.random.default_rng(number),
        with_vectors=number % 2 == 0,
        with_earlier=True,
        with_dates=True,
        with_attributes=True,
        **options,
    )
    case.expected = None
    data = bridge.to_dataset(case)
    return case, data, bridge.to_run(case, data)


@functools.cache
def variants_of(name):
    """All parameters at a cutoff in the middle, in random order."""
    found = [metric for metric in bridge.variants(REGISTRY[name]) if metric.k == 3]
    np.random.default_rng(2).shuffle(found)
    return found


def some(family, n, k=None):
    """The default and n other variants."""
    chosen = [family(), *variants_of(family.name)[:n]]
    return chosen if k is None else [metric @ k for metric in chosen]


def numbers(report, metric):
    """Per-user values by id, or the value of the run."""
    if metric.family.grain == "run":
        return {"run": report.value(metric)}
    return report.per_user(metric).to_dict()


def assert_same(report, other, metric, *, users=lambda user: user, atol=0.0):
    """The same value for every user, bit by bit unless `atol`, and the same aggregate but for the order of its sum."""
    first, second = numbers(report, metric), numbers(other, metric)
    users = users if metric.family.grain == "user" else str
    assert {users(user) for user in first} == set(second)
    for user, number in first.items():
        np.testing.assert_allclose(second[users(user)], number, rtol=atol, atol=atol, err_msg=f"{metric} of {user}")
    np.testing.assert_allclose(other.value(metric), report.value(metric), rtol=1e-12, atol=1e-12, err_msg=str(metric))


def frames(case):
    """Train, test and recommendations as frames with explicit ranks."""
    lists = {user: {item: rank + 1 for rank, item in enumerate(items)} for user, items in case.lists.items()}
    return rows_of(case.train, "rating"), rows_of(case.truth, "rating"), rows_of(lists, "rank")


def of_any_order(metrics):
    """Those that are the same for any order of rows without times: in a history without them the last row is latest."""
    return [metric for metric in metrics if metric.values.get("history") != "reciprocal"]


def everything(metrics=None, n=3):
    return [metric for family in FAMILIES for metric in some(family, n)] if metrics is None else metrics


# bounds


@by_name
def test_values_lie_within_the_declared_bounds(family):
    seen, visited = 0, []
    once = bridge.covering(family)
    turns = itertools.cycle([*once, *some(family, 200)])
    for number, metric in zip(range(6 if SLOW else draws(60, len(once))), turns, strict=False):
        _, data, run = bound(number)
        if metric.missing(data, run.side):
            continue
        low, high = metric.bounds
        values = np.atleast_1d(bridge.result_of(metric, evaluate_run(run, [metric], threads=1)[metric], run.world))
        values = values[~np.isnan(values)]
        seen += len(values)
        visited.append(metric)
        assert (values >= low).all(), (metric, values.min())
        assert (values <= high).all(), (metric, values.max())
    assert seen
    assert SLOW or bridge.pairs_of(visited) >= bridge.pairs_of(once)


def test_a_value_of_ones_own_for_lists_of_one_item_widens_the_bounds():
    assert REGISTRY.parse("ild(singleton=-1)").bounds == (-1.0, 1.0)
    assert REGISTRY.parse("ild(singleton=3, distance=cosine)").bounds == (0.0, 3.0)


# order, names


@pytest.mark.parametrize("number", range(1 if SLOW else draws(6, 2)))
def test_the_order_of_the_rows_means_nothing(number):
    case, data, _ = bound(number)
    metrics = [metric for metric in of_any_order(everything()) if not metric.missing(data)]
    shuffled = [frame.sample(frac=1, random_state=number) for frame in frames(case)]
    items, vectors = bridge.items_of(case), bridge.vectors_of(case)
    reports = [
        evaluate(recs, Dataset(train, test, items, vectors=vectors), metrics, n_boot=0)
        for train, test, recs in (frames(case), shuffled)
    ]
    for metric in metrics:
        assert_same(*reports, metric)


def test_the_order_of_rows_with_times_means_nothing_to_a_history():
    case, _, _ = bound(0)
    train, test, recs = frames(case)
    rng = np.random.default_rng(0)
    train["timestamp"] = rng.permutation(len(train)) + 10**9
    name = "radio_calibration(history=reciprocal)@3"
    found = []
    for seed in range(4):
        rows = train.sample(frac=1, random_state=seed)
        data = Dataset(rows, test, bridge.items_of(case), vectors=bridge.vectors_of(case))
        found.append(evaluate(recs, data, name, n_boot=0).per_user(name))
        moved = rows.assign(timestamp=rng.permutation(rows.timestamp))
        other = Dataset(moved, test, bridge.items_of(case), vectors=bridge.vectors_of(case))
        assert not evaluate(recs, other, name, n_boot=0).per_user(name).equals(found[0])
    assert found[0].notna().any()
    assert all(each.equals(found[0]) for each in found)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("number", range(1 if SLOW else draws(6, 2)))
def test_the_order_of_the_items_means_nothing(number, text):
    """Neither that of the items table nor, without one, that of the rows: equally good items go by their ids."""
    case, data, _ = bound(number)
    metrics = [metric for metric in of_any_order(everything(n=8)) if not metric.missing(data)]
    rng = np.random.default_rng(number)

    def named(frame):
        return frame.assign(item_id=frame.item_id.map(lambda item: f"i{item}")) if text else frame

    train, test, recs = map(named, frames(case))
    items, vectors = named(bridge.items_of(case)), bridge.vectors_of(case)
    order = rng.permutation(len(items))
    moved = items.iloc[order], None if vectors is None else vectors[order]
    report = evaluate(recs, Dataset(train, test, items, vectors=vectors), metrics, n_boot=0)
    rows = [frame.sample(frac=1, random_state=number) for frame in (train, test, recs)]
    other = evaluate(rows[2], Dataset(*rows[:2], moved[0], vectors=moved[1]), metrics, n_boot=0)
    for metric in metrics:
        assert_same(report, other, metric, atol=1e-9)
    plain, shuffled = Dataset(train, test), Dataset(*rows[:2])
    metrics = [metric for metric in metrics if not metric.missing(plain)]
    report, other = evaluate(recs, plain, metrics, n_boot=0), evaluate(rows[2], shuffled, metrics, n_boot=0)
    assert len(metrics) > len(FAMILIES) / 2
    for metric in metrics:
        assert_same(report, other, metric, atol=1e-9)


@pytest.mark.parametrize("number", range(1 if SLOW else draws(6, 2)))
def test_the_names_of_users_and_items_mean_nothing(number):
    case, data, _ = bound(number)
    # which few others a user is compared with is drawn by their names
    metrics = [metric for metric in everything() if metric.values.get("sample", 50) == 50 and not metric.missing(data)]
    order = {item: f"item {place:04}" for place, item in enumerate(sorted([*case.item_order]))}
    people = sorted({*case.lists, *case.truth, *case.train})
    places = np.random.default_rng(number).permutation(len(people)).tolist()
    names = {user: 7 * place - 20 for user, place in zip(people, places, strict=True)}  # another order, another type

    def renamed(frame):
        return frame.assign(user_id=frame.user_id.map(names), item_id=frame.item_id.map(order))

    train, test, recs = frames(case)
    items, vectors = bridge.items_of(case), bridge.vectors_of(case)
    report = evaluate(recs, Dataset(train, test, items, vectors=vectors), metrics, n_boot=0)
    items = items.assign(item_id=items.item_id.map(order))
    other = evaluate(renamed(recs), Dataset(renamed(train), renamed(test), items, vectors=vectors), metrics, n_boot=0)
    for metric in metrics:
        # a profile is gone through in another order, and so are the genres' sums
        assert_same(report, other, metric, users=names.get, atol=1e-12)


@settings(max_examples=draws(100), deadline=None)
@given(data=st.data())
def test_a_metric_is_read_back_from_its_name(data):
    family = data.draw(st.sampled_from(FAMILIES))
    values = {
        name: data.draw(st.sampled_from(bridge.values_of(param.annotation)) if name != "k" else st.integers(1, 10**6))
        for name, param in family.params.items()
    }
    metric = family(**values)
    assert REGISTRY.parse(str(metric)) == metric
    assert hash(REGISTRY.parse(str(metric))) == hash(metric)
    for alias in family.aliases:
        assert REGISTRY.parse(str(metric).replace(family.name, alias, 1)) == metric


@pytest.mark.parametrize("value", [1e-07, 0.1 + 0.2, 1 / 3, 5e-324])
def test_numbers_are_read_back_to_the_last_bit(value):
    metric = REGISTRY["binomial_diversity"](alpha=value)
    assert REGISTRY.parse(str(metric)).values["alpha"] == value
    assert REGISTRY.parse(str(REGISTRY["ild"](singleton=-value))).values["singleton"] == -value


# blocks, threads


@functools.cache
def many_users(n_users=40 if SLOW else 1200):
    _case, data, run = bound(100, n_users=n_users, n_items=80, n_genres=20)
    return data, run


@by_name
@pytest.mark.parametrize("n_blocks", [1, 2, 3, 7, 50])
def test_blocks_merge_to_the_same_bits(family, n_blocks):
    data, run = many_users(40 if SLOW else draws(1200, 300))
    for metric in some(family, 3, k=10):
        assert not metric.missing(data, {"earlier"})
        whole = metric.state(run.block(0, len(run)))
        parts = [metric.state(run.block(*cut)) for cut in blocks(len(run), n_blocks)]
        assert len(parts) == min(n_blocks, len(run))
        merged = type(whole).merge(parts)
        assert (
            bridge.result_of(metric, merged, run.world).tobytes()
            == bridge.result_of(metric, whole, run.world).tobytes()
        )
        assert (merged.n_users, merged.n_rows) == (whole.n_users, whole.n_rows)


@by_name
def test_threads_change_no_bit(family):
    _, run = many_users()
    metrics = some(family, 3, k=10)
    alone, shared = (evaluate_run(run, metrics, threads=threads) for threads in (1, 2))
    for metric in metrics:
        one, other = (bridge.result_of(metric, states[metric], run.world) for states in (alone, shared))
        assert one.tobytes() == other.tobytes()


# containers


def containers(kind, train, test, recs, n_users, n_items):
    """The same data, with whole positions as ids, in a container of that kind."""
    tables = [train, test, recs]
    if kind == "pandas":
        return tables
    if kind == "polars":
        return [pytest.importorskip("polars").from_pandas(table) for table in tables]
    if kind == "lazy polars":
        return [pytest.importorskip("polars").from_pandas(table).lazy() for table in tables]
    if kind == "arrow":
        return [pytest.importorskip("pyarrow").Table.from_pandas(table) for table in tables]
    listed = recs.sort_values(["user_id", "rank"]).groupby("user_id").item_id.agg(list).to_dict()
    if kind == "dict":
        values = [
            {user: dict(zip(rows.item_id, rows.rating, strict=True)) for user, rows in table.groupby("user_id")}
            for table in (train, test)
        ]
        return [*values, listed]
    if kind == "tuples":
        return [*(list(table.itertuples(index=False, name=None)) for table in (train, test)), listed]
    if kind == "sparse":
        shape = (n_users, n_items)
        matrices = [sparse.csr_array((t.rating, (t.user_id, t.item_id)), shape=shape) for t in (train, test)]
        scores = sparse.coo_array((1.0 / recs["rank"], (recs.user_id, recs.item_id)), shape=shape)
        return [*matrices, scores]
    array = np.full((n_users, recs["rank"].max()), -1, np.int64)
    array[recs.user_id, recs["rank"] - 1] = recs.item_id
    return [train, test, array]


@pytest.mark.parametrize("kind", ["polars", "lazy polars", "arrow", "dict", "tuples", "sparse", "array"])
def test_the_container_means_nothing(kind):
    rng = np.random.default_rng(8)
    n_users, n_items = 12, 30
    train = {user: dict.fromkeys(rng.permutation(n_items)[:6].tolist(), 3.0) for user in range(n_users)}
    test = {user: {item: 1.0 + item % 3 for item in range(n_items) if item not in train[user]} for user in train}
    test = {user: dict(list(items.items())[: 3 + user % 4]) for user, items in test.items()}
    lists = {user: rng.permutation(n_items)[: 4 + user % 5].tolist() for user in train}
    ranks = {user: {item: rank + 1 for rank, item in enumerate(items)} for user, items in lists.items()}
    tables = rows_of(train, "rating"), rows_of(test, "rating"), rows_of(ranks, "rank")
    genres = pd.DataFrame(
        {"item_id": range(n_items), "genres": [f"a|g{item % 4}|h{item % 3}" for item in range(n_items)]}
    )
    plain = Dataset(tables[0], tables[1], genres)
    metrics = [each for each in everything(n=1) if "manhattan" not in str(each) and not each.missing(plain)]

    def report(of):
        train, test, recs = containers(of, *tables, n_users, n_items)
        items = genres
        if of in {"polars", "lazy polars", "arrow"}:
            _, _, items = containers(of, *tables[:2], genres, n_users, n_items)
        elif of == "dict":
            items = dict(zip(genres.item_id, genres.genres.str.split("|"), strict=True))
        return evaluate(recs, Dataset(train, test, items), metrics, n_boot=0)

    first, second = report("pandas"), report(kind)
    for metric in metrics:
        if kind == "sparse" and metric.family.name == "serendipity_murakami":
            continue  # it looks at the scores, which only this container has
        assert_same(first, second, metric)


# what single metrics promise


def value(name, lists, **parts):
    data = Dataset(**parts)
    return evaluate(lists, data, name, n_boot=0, threads=1).value(name)


DISTANCES = ["jaccard", "cosine"]


@pytest.mark.parametrize("distance", DISTANCES)
def test_intra_list_diversity_of_equal_and_of_disjoint_items(distance):
    name = f"ild(distance={distance})"
    equal = {item: ["a", "b", "c"] for item in range(8)}
    disjoint = {item: [f"x{item}", f"y{item}"] for item in range(70)}
    assert value(name, {"u": list(range(8))}, items=equal) == 0
    assert value(f"{name}@70", {"u": list(range(70))}, items=disjoint) == 1


def test_cosine_of_vectors_does_not_care_about_their_length():
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(20, 6))
    items = {"item_id": range(20), "genres": ["a"] * 20}
    scales = 10.0 ** rng.integers(-200, 200, 20)
    lists = {"u": list(range(12)), "v": list(range(8, 20))}
    train = {"u": [15, 16], "v": [1]}
    for name in ("ild(distance=cosine)", "surprise_content(distance=cosine)"):
        one, other = (
            value(name, lists, train=train, items=pd.DataFrame(items), vectors=given_vectors)
            for given_vectors in (vectors, vectors * scales[:, None])
        )
        assert one == pytest.approx(other, rel=1e-12)
    same = np.repeat(vectors[:1], 20, axis=0)
    assert value("ild(distance=cosine)", lists, items=pd.DataFrame(items), vectors=same) == pytest.approx(0, abs=1e-15)
    assert value("ild(distance=cosine)", lists, items=pd.DataFrame(items), vectors=same) >= 0


@pytest.mark.parametrize("number", range(draws(4, 2)))
def test_a_genre_twice_is_a_genre_once(number):
    case, data, run = bound(number, with_features=True)
    twin = {item: genres | {f"{genre} too" for genre in genres} for item, genres in case.features.items()}
    doubled = Dataset(case.train, case.truth or None, twin)
    for name in ("ild", "ild(distance=cosine)", "surprise_content"):
        if "cosine" in name and data.vectors is not None:
            continue
        one = evaluate_run(run, [REGISTRY.parse(name)], threads=1)
        other = evaluate_run(bridge.to_run(case, doubled), [REGISTRY.parse(name)], threads=1)
        (first,), (second,) = one.values(), other.values()
        np.testing.assert_allclose(first.values, second.values, rtol=1e-12, atol=1e-15)


ORDERLESS = [
    "ild", "ild(distance=cosine)", "binomial_diversity", "binomial_coverage(alpha=0.5)", "binomial_nonredundancy",
    "self_information", "epc", "mean_popularity", "surprise_content", "surprise_cooccurrence", "unexpectedness",
    "serendipity_ge", "precision", "recall", "hit_rate", "catalog_coverage", "gini", "entropy", "personalization",
]  # fmt: skip


@pytest.mark.parametrize("number", range(1 if SLOW else draws(5, 2)))
def test_what_looks_at_the_set_does_not_look_at_the_order(number):
    case, data, _run = bound(number)
    k = max(map(len, case.lists.values()))
    metrics = [metric for name in ORDERLESS if not (metric := REGISTRY.parse(name) @ k).missing(data)]
    turned = assemble(
        {user: items[::-1] for user, items in case.lists.items()}, case.truth, case.train, None, None, None
    )
    first = evaluate(bridge.to_lists(case), data, metrics, n_boot=0)
    second = evaluate(bridge.to_lists(turned), data, metrics, n_boot=0)
    for metric in metrics:
        assert_same(first, second, metric, atol=1e-12)


@pytest.mark.parametrize("number", range(1 if SLOW else draws(5, 2)))
def test_every_training_user_twice_changes_no_share(number):
    case, _data, _ = bound(number)
    twins = {f"{user} again": profile for user, profile in case.train.items()}
    train = pd.concat([rows_of(case.train, "rating").astype({"user_id": str}), rows_of(twins, "rating")])
    people = {str(user): items for user, items in bridge.to_lists(case).items()}
    once = Dataset(rows_of(case.train, "rating").astype({"user_id": str}), items=case.features)
    twice = Dataset(train, items=case.features)
    metrics = [
        "binomial_diversity", "binomial_diversity(alpha=0.5)", "epc(cold=drop)", "mean_popularity(normalized=true)",
        "self_information(cold=drop)", "unexpectedness", "surprise_cooccurrence",
    ]  # fmt: skip
    first, second = (evaluate(people, data, metrics, n_boot=0) for data in (once, twice))
    for metric in first:
        assert_same(first, second, metric, atol=1e-12)


@pytest.mark.parametrize("number", range(1 if SLOW else draws(5, 2)))
def test_every_list_twice_changes_no_concentration(number):
    case, data, _ = bound(number)
    lists = {str(user): items for user, items in bridge.to_lists(case).items()}
    twice = lists | {f"{user} again": items for user, items in lists.items()}
    data = Dataset(rows_of(case.train, "rating").astype({"user_id": str}), items=case.features)
    metrics = ["gini", "gini(denominator=n)", "entropy", "entropy(normalized=true)", "catalog_coverage"]
    first, second = (evaluate(recs, data, metrics, n_boot=0) for recs in (lists, twice))
    for metric in first:
        assert first.value(metric) == pytest.approx(second.value(metric), rel=1e-12, nan_ok=True)


def test_coverage_grows_with_the_cutoff():
    for number in range(2 if SLOW else draws(10, 2)):
        _, data, run = bound(number)
        metrics = [REGISTRY["catalog_coverage"] @ k for k in sorted({*CUTOFFS, 4, 5, 8})]
        states = evaluate_run(run, metrics, threads=1)
        grown = [states[metric].value(metric, run.world) for metric in metrics]
        assert grown == sorted(grown)
        assert data.catalogue.any()


def test_even_exposure_and_exposure_of_a_single_item():
    train = {"t": list(range(6))}
    even, single = {user: [user] for user in range(6)}, {user: [0] for user in range(6)}
    people = {f"u{user}": items for user, items in even.items()}, {f"u{user}": items for user, items in single.items()}
    for name, of_even, of_single in (
        ("gini", 0, 1),
        ("gini(complement=true)", 1, 0),
        ("entropy(normalized=true)", 1, 0),
        ("personalization", 1, 0),
        ("catalog_coverage", 1, 1 / 6),
    ):
        assert value(name, people[0], train=train) == pytest.approx(of_even, abs=1e-15), name
        assert value(name, people[1], train=train) == pytest.approx(of_single, abs=1e-15), name


def improvable():
    """Metrics of the truth that one more hit at the end of a list never lowers."""
    families = [family for family in FAMILIES if family.family == "accuracy" or family.name == "serendipity_ge"]
    for family in families:
        assert Need.TRUTH in family.needs(family().values)
        yield from (
            metric
            for metric in bridge.variants(family)
            if (family.name, metric.values.get("denominator")) != ("average_precision", "hits")  # its mean sinks
        )


def test_a_relevant_item_instead_of_the_last_never_lowers_accuracy():
    metrics, better, equal = list(improvable()), 0, 0
    for number in range(4 if SLOW else draws(30)):
        case, data, _ = bound(number)
        if data.test is None:
            continue
        improved = {user: list(items) for user, items in bridge.to_lists(case).items()}
        for user, items in improved.items():
            missing = [item for item in case.truth.get(user, {}) if item not in items]
            if missing and items[-1] not in case.truth[user]:
                items[-1] = missing[0]
        before, after = (
            evaluate_run(bind(Recommendations.read(lists, data), data), metrics, threads=1)
            for lists in (bridge.to_lists(case), improved)
        )
        for metric in metrics:
            change = np.nan_to_num(after[metric].values - before[metric].values)
            assert (change >= -1e-15).all(), metric
            better += (change > 0).sum()
            equal += (change == 0).sum()
    assert better > 100
    assert equal > 100


def test_the_average_of_the_precisions_at_hits_can_sink():
    data = Dataset(test={"u": [1, 2]})
    before, after = (
        evaluate({"u": items}, data, "map(denominator=hits)@3", n_boot=0).value("map(denominator=hits)@3")
        for items in ([1, 8, 9], [1, 8, 2])
    )
    assert (before, after) == (1, pytest.approx(5 / 6))
