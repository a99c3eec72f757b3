"""Parts of the users bound apart: merged, they say what all users in one call say, bit by bit."""

import multiprocessing
import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import beyondacc as ba
from beyondacc.evaluation import intervals
from beyondacc.metrics import REGISTRY
from beyondacc.metrics.base.metric import Need

APART = ("surprise_cooccurrence", "unserendipity", "serendipity", "radio_fragmentation")


def tables(n_users=120, n_items=90, seed=0, *, text=False):
    """Train, test, recommendations and items; unknown items, short and missing lists, users of one table alone."""
    rng = np.random.default_rng(seed)
    users, items = np.arange(n_users), np.arange(n_items)

    def rows(whose, most, of):
        found = [(user, item) for user in whose for item in rng.choice(of, rng.integers(1, most), replace=False)]
        return pd.DataFrame(found, columns=["user_id", "item_id"])

    popular = rng.permutation(items)[: n_items // 2]
    train = rows(users[: int(n_users * 0.9)], 20, np.concatenate([popular, items])[:n_items])
    train = train.drop_duplicates().assign(rating=lambda frame: 1.0 + frame.item_id % 5)
    test = rows(users[int(n_users * 0.05) :], 8, items).assign(rating=lambda frame: frame.item_id % 4 + 0.0)
    test.loc[rng.random(len(test)) < 0.05, "item_id"] += 500  # which only test has
    recs = rows(users[int(n_users * 0.1) :], 25, items)
    odd = rng.random(len(recs)) < 0.1
    recs.loc[odd, "item_id"] += rng.choice([500, 700, 900], odd.sum())  # which some users alone are shown
    recs = recs.drop_duplicates()
    recs["score"] = rng.random(len(recs))
    genres = ["|".join(rng.choice(list("abcdefg"), rng.integers(0, 4), replace=False)) for _ in items]
    table = pd.DataFrame({"item_id": items, "genres": genres, "date": pd.Timestamp("2020-01-01")})
    table["date"] += pd.to_timedelta(rng.integers(0, 900, n_items), "D")
    table["colour"] = rng.choice(["red", "blue"], n_items)
    if text:
        for frame in (train, test, recs, table):
            frame["item_id"] = frame.item_id.map("i{:04}".format)
    return train, test, recs, table


def of_users(frame, users):
    return frame[frame.user_id.isin(users)]


def cut(n_users, n_parts, seed):
    codes = np.random.default_rng(seed).permutation(np.arange(n_users) % n_parts)
    return [np.flatnonzero(codes == part) for part in range(n_parts)]


def through_pickle(made):
    return pickle.loads(pickle.dumps(made))  # noqa: S301 - ours


def some_metrics(n=4):
    """Each metric with its defaults and with some of its parameters, but for those that need other users."""
    rng = np.random.default_rng(7)
    found = []
    for family in REGISTRY.values():
        found += [family @ 5, family @ 10]
        for _ in range(n):
            given = {}
            for name, param in family.params.items():
                values = param.choices if hasattr(param, "choices") else ()
                if name != "k" and values and rng.random() < 0.6:
                    given[name] = values[rng.integers(len(values))]
            try:
                found.append(family(**given) @ int(rng.integers(1, 12)))
            except ba.SpecError:
                continue
    return list(dict.fromkeys(found))


def parts_of(train, test, recs, cuts, world, metrics, **options):
    for users in cuts:
        data = ba.Dataset(of_users(train, users), of_users(test, users), world=world)
        yield ba.evaluate_part(of_users(recs, users), data, metrics, **options)


def world_of(train, test, cuts, items):
    facts = [ba.Dataset(of_users(train, users), of_users(test, users)).facts for users in cuts]
    return ba.World(ba.ItemFacts.merge(facts), items)


def test_personalization_of_two_users_bound_apart():
    recs = {1: ["a", "b"], 2: ["a"]}
    train = {1: ["c"], 2: ["d"]}
    data = ba.Dataset(train, items={item: ["x"] for item in "abcd"})
    whole = ba.evaluate(recs, data, ["personalization@2"], n_boot=0)["personalization@2"].value
    world = ba.World(data.facts, {item: ["x"] for item in "abcd"})
    parts = [
        ba.evaluate_part({user: recs[user]}, ba.Dataset({user: train[user]}, world=world), ["personalization@2"])
        for user in recs
    ]
    assert round(whole, 4) == 0.2929
    assert ba.merge(parts, world)["personalization@2"].value == whole


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("with_items", [True, False])
def test_any_cut_in_any_order_gives_the_bits_of_one_call(text, with_items):
    train, test, recs, items = tables(text=text)
    items = items if with_items else None
    data = ba.Dataset(train, test, items)
    world_1 = world_of(train, test, [np.arange(120)], items)
    metrics = [each for each in some_metrics() if each.missing(ba.Dataset(train, test, world=world_1)) is None]
    whole = ba.evaluate(recs, data, metrics, n_boot=0)
    families = {metric.family.name for metric in metrics}
    needing = {name for name, each in REGISTRY.items() if (each @ 5).missing(data)}
    assert families | needing | set(APART) == set(REGISTRY)
    intervals = []
    for n_parts in (1, 2, 3, 7):
        cuts = cut(120, n_parts, seed=n_parts)
        world = through_pickle(world_of(train, test, cuts[::-1], items))
        assert world.items.ids.equals(data.world.items.ids[: data.world.n_known])
        parts = [through_pickle(part) for part in parts_of(train, test, recs, cuts, world, metrics)]
        order = np.random.default_rng(n_parts).permutation(n_parts)
        merged = ba.merge([parts[place] for place in order], world, n_boot=20)
        # in two steps, too
        twice = (
            ba.merge([ba.Part.merge(parts[:1]), ba.Part.merge(parts[1:] or parts[:0])], world)
            if n_parts > 1
            else merged
        )
        for metric in metrics:
            value = np.float64(whole.value(metric))
            assert np.float64(merged.value(metric)).tobytes() == value.tobytes(), (n_parts, metric)
            assert np.float64(twice.value(metric)).tobytes() == value.tobytes(), (n_parts, metric)
            assert merged[metric].n_users == whole[metric].n_users, (n_parts, metric)
            assert merged[metric].n_undefined == whole[metric].n_undefined, (n_parts, metric)
        assert merged.diagnostics == whole.diagnostics
        intervals.append(merged.to_pandas().to_csv())
    assert len(set(intervals)) == 1


def test_a_user_without_rows_in_some_tables_is_a_part():
    train, test, recs, items = tables(25, 30, seed=3)
    data, cuts = ba.Dataset(train, test, items), [[user] for user in range(25)]
    world = world_of(train, test, [np.arange(25)], items)
    metrics = ["ndcg@5", "recall@5", "ild@5", "gini@5", "personalization@5", "unexpectedness@5", "pop_reo@5"]
    whole = ba.evaluate(recs, data, metrics, n_boot=0)
    there = [users for users in cuts if len(of_users(pd.concat([test, recs]), users))]
    sizes = {tuple(len(of_users(frame, users)) > 0 for frame in (train, test, recs)) for users in there}
    assert {(True, False, False), (True, True, False), (False, True, True), (True, True, True)} & sizes
    merged = ba.merge(parts_of(train, test, recs, there, world, metrics), world, n_boot=0)
    assert {each: merged[each].value for each in metrics} == {each: whole[each].value for each in metrics}
    assert merged.n_users == len(whole.users) == len(there)


def work(arguments):
    return ba.evaluate_part(*arguments)


def test_parts_in_other_processes():
    train, test, recs, items = tables(60, 50, seed=4)
    cuts = cut(60, 3, seed=1)
    world = world_of(train, test, cuts, items)
    metrics = ["ndcg@5", "gini@5", "personalization@5", "pop_reo@5", "self_information@5"]
    tasks = [
        (of_users(recs, users), ba.Dataset(of_users(train, users), of_users(test, users), world=world), metrics)
        for users in cuts
    ]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        merged = ba.merge(pool.imap_unordered(work, tasks), world, n_boot=0)
    whole = ba.evaluate(recs, ba.Dataset(train, test, items), metrics, n_boot=0)
    assert {each: merged[each].value for each in metrics} == {each: whole[each].value for each in metrics}


@pytest.mark.parametrize(
    "policy",
    [
        {"undefined": "zero"},
        {"users": "tested"},
        {"seen": "drop"},
        {"gains": "binary"},
        {"convention": "recbole"},
        {"convention": "ranksys"},
        {"users": "intersection"},
    ],
)
def test_policies_hold_in_parts(policy):
    train, test, recs, items = tables(80, 60, seed=2)
    data = ba.Dataset(train, test, items)
    cuts = cut(80, 3, seed=3)
    world = world_of(train, test, cuts, items)
    metrics = ["ndcg@5", "precision@5", "ild@5", "gini@5", "catalog_coverage@5", "err_ia@5", "self_information@5"]
    if "convention" in policy:
        metrics = [name for name in metrics if name.split("@")[0] in ba.conventions[policy["convention"]]]
    whole = ba.evaluate(recs, data, metrics, n_boot=0, **policy)
    merged = ba.merge(parts_of(train, test, recs, cuts, world, metrics, **policy), world, n_boot=0)
    for metric in whole:
        assert merged.value(metric) == whole.value(metric), metric
        assert merged[metric].n_users == whole[metric].n_users, metric


def test_earlier_and_primitive_lists_in_parts():
    train, test, recs, items = tables(60, 50, seed=5)
    earlier, primitive = (tables(60, 50, seed=seed)[2] for seed in (8, 9))
    data, cuts = ba.Dataset(train, test, items), cut(60, 3, seed=2)
    world = world_of(train, test, cuts, items)
    metrics = ["temporal_diversity@5", "temporal_novelty@5", "unexpectedness@5", "serendipity_murakami@5"]
    whole = ba.evaluate(recs, data, metrics, earlier=earlier, primitive=primitive, n_boot=0)
    parts = [
        ba.evaluate_part(
            of_users(recs, users),
            ba.Dataset(of_users(train, users), of_users(test, users), world=world),
            metrics,
            earlier=of_users(earlier, users),
            primitive=of_users(primitive, users),
        )
        for users in cuts
    ]
    merged = ba.merge(parts, world, n_boot=0)
    assert {each: merged[each].value for each in metrics} == {each: whole[each].value for each in metrics}


def test_metrics_that_need_other_users_are_refused_by_name():
    train, test, recs, items = tables(40, 30, seed=1)
    world = world_of(train, test, [np.arange(40)], items)
    data = ba.Dataset(train, test, world=world)
    for name in [*APART, "self_information(short=mean)", "ild(distance=npmi)", "ild(distance=pearson)"]:
        with pytest.raises(ba.SpecError, match=rf"metric '{name.split('(')[0]}.* which a part of them does not have"):
            ba.evaluate_part(recs, data, [name])
    whole = ba.Dataset(train, test, items)
    refused = [name for name, each in REGISTRY.items() if not (each @ 5).missing(whole) and (each @ 5).missing(data)]
    assert sorted(refused) == sorted(APART)
    assert {Need.TRAIN_OF_ALL, Need.LISTS_OF_ALL} == {need for need in Need if need.name.endswith("OF_ALL")}


def test_what_cannot_be_merged():
    train, test, recs, items = tables(40, 30, seed=1)
    world = world_of(train, test, [np.arange(40)], items)
    data = ba.Dataset(train, test, world=world)
    part = ba.evaluate_part(recs, data, ["ndcg@5", "gini@5"])
    with pytest.raises(ba.DataError, match="no parts"):
        ba.merge([], world)
    with pytest.raises(ba.DataError, match="no facts"):
        ba.ItemFacts.merge([])
    with pytest.raises(ba.SpecError, match="gini@5 and gini@6"):
        ba.merge([part, ba.evaluate_part(recs, data, ["ndcg@5", "gini@6"])], world)
    with pytest.raises(ba.DataError, match="different numbers of groups"):
        ba.merge([part, ba.evaluate_part(recs, data, ["ndcg@5", "gini@5"], groups=7)], world)
    with pytest.raises(ba.DataError, match="a part was given twice"):
        ba.merge([part, part], world)
    # the facts of some parts alone, which know all items, or items that another table describes
    some = ba.World(ba.Dataset(of_users(train, range(5, 40))).facts, items)
    other = ba.evaluate_part(recs, ba.Dataset(of_users(train, range(5, 40)), test, world=some), ["ndcg@5", "gini@5"])
    with pytest.raises(ba.DataError, match="worlds of different items or counts"):
        ba.merge([part, other], world)
    with pytest.raises(ba.DataError, match="in another world than the one given to merge"):
        ba.merge([part], some)
    small = ba.World(ba.Dataset(of_users(train, [1, 2])).facts)
    with pytest.raises(ba.DataError, match="which the facts of the world do not count"):
        ba.Dataset(train, test, world=small)
    with pytest.raises(ba.SpecError, match="pass it to merge"):
        ba.evaluate_part(recs, data, ["ndcg@5"], n_boot=5)
    with pytest.raises(ba.SpecError, match="leave out items= and vectors="):
        ba.Dataset(train, test, items, world=world)


def test_states_are_small():
    rng = np.random.default_rng(0)
    n_users, n_items = 6_000, 20_000
    listed = np.minimum(rng.exponential(1500, (n_users, 10)).astype(np.int64), n_items - 1)
    recs = pd.DataFrame({"user_id": np.repeat(np.arange(n_users), 10), "item_id": listed.ravel()}).drop_duplicates()
    world = ba.World(ba.Dataset(recs).facts, pd.DataFrame({"item_id": np.arange(n_items)}))
    part = ba.evaluate_part(
        recs, ba.Dataset(recs, recs, world=world), ["ndcg@10", "gini@10", "exposure_gini@10", "pop_reo@10"]
    )
    for metric, state in part.states.items():
        assert len(pickle.dumps(state)) < 200_000, metric
    assert len(pickle.dumps(ba.Dataset(recs).facts)) < 12 * n_items + 8 * n_items + 2_000


def test_the_lines_of_the_readme(tmp_path, monkeypatch):
    train, test, recs, items = tables(60, 50, seed=4)
    monkeypatch.chdir(tmp_path)
    items.to_csv("items.csv", index=False)
    text = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```py\n(.*?)```", text.partition("### A part of the users\n")[2], flags=re.DOTALL)[:1]
    parts = [tuple(of_users(frame, users) for frame in (train, test, recs)) for users in cut(60, 3, seed=1)]
    names = {"parts": parts}
    exec(code, names)  # noqa: S102 - our own lines
    whole = ba.evaluate(recs, ba.Dataset(train, test, items), [str(each) for each in names["report"]], n_boot=0)
    assert len(whole) == 4
    for metric in whole:
        assert names["report"].value(metric) == whole.value(metric)


def test_groups_are_resampled_in_place_of_many_users(monkeypatch):
    train, test, recs, items = tables(3000, 60, seed=6)
    data, metrics = ba.Dataset(train, test, items), ["ndcg@5", "recall@5", "gini@5", "personalization@5", "pop_reo@5"]
    single = ba.evaluate(recs, data, metrics, n_boot=400)
    _ = single.replicates  # which are drawn when they are asked for
    monkeypatch.setattr(intervals, "MOST_USERS", 1000)
    grouped = ba.evaluate(recs, data, metrics, n_boot=400)
    for metric in single:
        one, other = single[metric], grouped[metric]
        assert other.value == one.value
        assert other.standard_error == pytest.approx(one.standard_error, rel=0.2), metric
        assert (other.ci_low, other.ci_high) != (one.ci_low, one.ci_high)
    cuts = cut(3000, 3, seed=3)
    world = world_of(train, test, cuts, items)
    merged = ba.merge(parts_of(train, test, recs, cuts, world, metrics), world, n_boot=400)
    for metric in merged:
        of_mean = metric.family.name in {"ndcg", "recall", "pop_reo"}
        assert (merged[metric].ci_low == grouped[metric].ci_low) is of_mean, metric
        assert bool(np.isnan(merged[metric].ci_low)) is not of_mean, metric
