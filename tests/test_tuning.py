"""Weights by a target: against brute force with plain evaluations, and a bootstrap written out."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

import beyondacc as ba
from beyondacc.data.recommendations import Recommendations
from beyondacc.errors import DataError, SpecError
from beyondacc.tradeoff import tuning
from beyondacc.tradeoff.targets import Target

pytestmark = pytest.mark.kernel
N_ITEMS = 40
WEIGHTS = (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)
ITEMS = {
    item: [f"g{genre}" for genre in np.random.default_rng(item).choice(6, 1 + item % 3, replace=False)]
    for item in range(N_ITEMS)
}


def world(n_users=160, seed=0):
    """Users 0 to 9 have no test item, 10 to 14 no candidates; the better ranked of the candidates are relevant."""
    rng = np.random.default_rng(seed)
    lists = {user: rng.permutation(N_ITEMS)[:15].tolist() for user in range(n_users)}
    train = {user: rng.permutation(N_ITEMS)[:6].tolist() for user in range(n_users)}
    chance = 0.5 / (1 + np.arange(15))
    test = {
        user: [items[at] for at in np.flatnonzero(rng.random(15) < chance)] or items[:1]
        for user, items in lists.items()
    }
    frame = pd.DataFrame(
        [
            (user, item, 15 - rank + rng.random())
            for user, items in lists.items()
            for rank, item in enumerate(items)
            if not 10 <= user < 15
        ],
        columns=["user_id", "item_id", "score"],
    )
    return frame, train, {user: items for user, items in test.items() if user >= 10}


FRAME, TRAIN, TEST = world()
DATA = ba.Dataset(TRAIN, TEST, ITEMS)


def tuned(reranker="MMR", target="ndcg >= 0.9 * baseline", frame=FRAME, data=DATA, **options):
    return ba.tune(reranker, frame, data, target=target, **{"k": 5, "n_boot": 0, "diversity": WEIGHTS, **options})


def side(user, seed):
    """The number of a user that decides on the side, in whole numbers without a bound."""
    word = 2**64
    state = seed % word
    for part in (0, int(pd.util.hash_pandas_object(pd.Index([user]), index=False).iloc[0]), 0):
        state = (state + part + 0x9E3779B97F4A7C15) % word
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % word
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB % word
        state ^= state >> 31
    return (state >> 11) * 2.0**-53


LISTED = [user for user in range(160) if not 10 <= user < 15]
TESTED = [user for user in LISTED if user >= 10]


def sides(seed=0, share=0.5, users=TESTED):
    """The validation users and the held-out users."""
    return [[user for user in users if (side(user, seed) < share) is seen] for seen in (True, False)]


def values_of(reranker, metrics, users, weights, k=5, data=DATA):
    """Plain evaluations of plain re-rankings: a row a weight, a column a metric."""
    frame = FRAME[FRAME["user_id"].isin(users)]
    rows = []
    for weight in weights:
        made = reranker.at(weight).rerank(frame, data, k=k)
        report = ba.evaluate(made, data, metrics, users="recommended", n_boot=0)
        rows.append([report.value(metric) for metric in metrics])
    return np.array(rows)


# the choice

CASES = {
    "ndcg@5 >= 0.9 * baseline": (ba.MMR(), lambda value, base: value >= 0.9 * base, "maximise", "ild@5"),
    "recall@5 >= baseline - 0.03": (
        *(ba.GreedyDiversity(diversity=0.9), lambda value, base: value >= base - 0.03, "maximise", "ild@5"),
    ),
    "ndcg@5 > 0.25": (ba.Novelty(), lambda value, _: value > 0.25, "minimise", "mean_popularity@5"),
    "mean_popularity@5 <= 0.97 * baseline": (
        *(ba.Novelty(), lambda value, base: value <= 0.97 * base, "maximise", "ndcg@5"),
    ),
    "catalog_coverage@5 >= baseline - 1": (ba.Random(), lambda value, base: value >= base - 1, "minimise", "gini@5"),
}


@pytest.mark.parametrize("seed", [0, 1, 2**40])
@pytest.mark.parametrize("target", CASES)
def test_the_best_weight_is_that_of_brute_force(target, seed):
    reranker, bound, verb, objective = CASES[target]
    metrics = [target.split(" ")[0], objective]
    found = tuned(reranker, target, seed=seed, **{verb: objective})
    weights = [0.0, *WEIGHTS]
    # no metric of the last looks at the test set
    seen, held = sides(seed, users=LISTED if objective == "gini@5" else TESTED)
    values = values_of(reranker, metrics, seen, weights)
    meets = [bool(bound(value, values[0, 0])) for value in values[:, 0]]
    sign = 1 if verb == "maximise" else -1
    best = max((at for at in range(len(weights)) if meets[at]), key=lambda at: (sign * values[at, 1], -at))
    assert found.diversity == found.reranker.weight == weights[best]
    assert found.reranker.kind == reranker.kind
    assert found.objective == f"{verb} {objective}"
    assert found.table.columns.tolist() == ["diversity", *metrics, "meets"]
    assert found.table["diversity"].tolist() == weights
    assert found.table["meets"].tolist() == meets
    np.testing.assert_allclose(found.table[metrics].to_numpy(), values, rtol=1e-12)
    there = values_of(reranker, metrics, held, [0.0, found.diversity])
    np.testing.assert_allclose(found.held_out[["before", "after"]].to_numpy().T, there, rtol=1e-12)
    assert found.held_out["metric"].tolist() == metrics
    assert (found.n_validation, found.n_held_out) == (len(seen), len(held))
    assert found.targets.columns.tolist() == ["target", "value", "bound", "holds", "share"]
    assert found.targets[["target", "value"]].iloc[0].tolist() == [target, pytest.approx(there[1, 0])]
    assert found.targets["holds"].tolist() == [bool(bound(there[1, 0], there[0, 0]))]


def test_the_cases_choose_different_weights():
    """Otherwise brute force would prove little."""
    chosen = [
        tuned(reranker, target, seed=seed, **{verb: objective}).diversity
        for target, (reranker, _, verb, objective) in CASES.items()
        for seed in range(3)
    ]
    assert len(set(chosen)) > 4
    assert not {0.0, 1.0} >= set(chosen)


def test_the_default_grid_is_made_finer_around_the_best():
    found = tuned(diversity=None)
    weights = found.table["diversity"].to_numpy()
    assert (np.diff(weights) > 0).all()
    coarse = np.arange(41) / 40
    assert set(coarse) <= set(weights)
    finer = np.array(sorted(set(weights) - set(coarse)))
    assert len(finer) == 18
    seen, _ = sides()
    values = values_of(ba.MMR(), ["ndcg@5", "ild@5"], seen, weights)
    np.testing.assert_allclose(found.table[["ndcg@5", "ild@5"]].to_numpy(), values, rtol=1e-12)
    gains = np.where(values[:, 0] >= 0.9 * values[0, 0], values[:, 1], -np.inf)
    assert found.diversity == weights[np.flatnonzero(gains >= gains.max() - 1e-12)[0]]
    of_coarse = np.where(np.isin(weights, coarse), gains, -np.inf)
    best = weights[of_coarse.argmax()]
    assert best - 0.025 <= finer.min() <= finer.max() <= best + 0.025
    assert found.diversity not in coarse


def test_weights_of_ones_own_are_tried_as_they_are():
    assert tuned(diversity=[0.3]).table["diversity"].tolist() == [0, 0.3]
    assert tuned(diversity=np.array([0.7, 0.0, 0.7, 0.1 + 0.2])).table["diversity"].tolist() == [0, 0.3, 0.7]


def test_of_equally_good_weights_the_smallest_is_chosen():
    for aim in ({"maximise": "user_coverage"}, {"minimise": "user_coverage"}):
        found = tuned(n_boot=20, **aim)
        assert found.diversity == found.ci_low == found.ci_high == found.n_unmet == 0
        assert found.table["meets"].sum() > 2


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_choice_among_numbers(sign):
    bounded, objective = ba.ndcg @ 5, ba.ild @ 5
    targets = tuple(Target.parse("ndcg@5 >= 0.9 * baseline and ndcg@5 < 1.2 * baseline", 5))
    search = tuning._Search(ba.MMR(), DATA, (bounded, objective), targets, objective, sign, 5, None)
    nan = math.nan
    for of_target, of_objective, place in (
        ([1, 1, 1, 1], [1, 2, 5, 3], 2),
        ([1, 1, 0.89, 1], [1, 2, 5, 3], 3),
        ([1, 0.9 - 1e-15, 0.9 - 1e-9, 0.8], [1, 2, 3, 5], 1),  # rounding does not miss a target
        ([1, 1.2 - 1e-15, 1.2 - 1e-9, 2], [1, 5, 3, 2], 2),  # nor does it reach one
        ([1, 1, 1, 1], [1, 2, 2 + 1e-15, 2 - 1e-9], 1),  # nor is it a gain
        ([1, nan, 1, 1], [1, 5, nan, 3], 3),
        ([1, 1, 1, 1], [nan, nan, nan, nan], -1),
        ([nan, 1, 1, 1], [1, 2, 5, 3], -1),
        ([-1, 1, 1, 1], [1, 2, 5, 3], -1),
    ):
        values = {bounded: np.array(of_target, float), objective: sign * np.array(of_objective, float)}
        assert search.choose(values) == place
        several = {metric: np.array([row, row]) for metric, row in values.items()}
        assert search.choose(several).tolist() == [place, place]


def test_several_targets():
    found = tuned(target="ndcg >= 0.5 * baseline and mean_popularity <= baseline AND ild>=0", maximise="ild")
    table = found.table
    assert table.columns.tolist() == ["diversity", "ndcg@5", "mean_popularity@5", "ild@5", "meets"]
    start = table.iloc[0]
    meets = (table["ndcg@5"] >= 0.5 * start["ndcg@5"]) & (table["mean_popularity@5"] <= start["mean_popularity@5"])
    assert table["meets"].tolist() == meets.tolist()
    assert 1 < meets.sum() < len(meets)
    assert found.targets["target"].tolist() == [
        *("ndcg@5 >= 0.5 * baseline", "mean_popularity@5 <= baseline", "ild@5 >= 0")
    ]


def test_a_longer_cutoff_makes_longer_lists():
    found = tuned(target="ndcg@12 >= 0.9 * baseline", maximise="ild@5")
    values = values_of(ba.MMR(), ["ndcg@12", "ild@5"], sides()[0], [0.0, *WEIGHTS], k=12)
    np.testing.assert_allclose(found.table[["ndcg@12", "ild@5"]].to_numpy(), values, rtol=1e-12)


def test_weights_scaled_for_each_user():
    found = tuned(per_user=True)
    assert found.reranker.per_user
    assert not tuned().reranker.per_user
    pd.testing.assert_frame_equal(found.table, tuned(ba.MMR(per_user=True)).table)
    assert not found.table.equals(tuned().table)
    values = values_of(ba.MMR(per_user=True), ["ndcg@5", "ild@5"], sides()[0], [0.0, *WEIGHTS])
    np.testing.assert_allclose(found.table[["ndcg@5", "ild@5"]].to_numpy(), values, rtol=1e-12)


# the split


def split_of(frame, seed=0, share=0.5, truth=True):
    lists = Recommendations.read(frame, DATA)
    metrics = [ba.ndcg @ 5] if truth else [ba.ild @ 5]
    return [part.users.tolist() for part in tuning._split(lists, DATA, metrics, share, seed)]


def test_the_split_depends_on_the_seed_and_the_user_alone():
    for seed, share in ((0, 0.5), (1, 0.5), (7, 0.2), (2**40, 0.9)):
        parts = split_of(FRAME, seed, share)
        assert parts == sides(seed, share)
        shuffled = FRAME.sample(frac=1, random_state=3).assign(rank=lambda rows: -rows["score"])
        assert split_of(shuffled, seed, share) == parts
        some = FRAME[FRAME["user_id"] % 3 > 0]
        assert split_of(some, seed, share) == [[user for user in part if user % 3] for part in parts]
    assert split_of(FRAME, truth=False) == sides(users=LISTED)
    assert split_of(FRAME, 0) != split_of(FRAME, 1)


def test_lists_and_scores_stay_with_their_users():
    lists = Recommendations.read(FRAME, DATA)
    for part in tuning._split(lists, DATA, [ba.ndcg @ 5], 0.5, 0):
        rows = lists.users.get_indexer(part.users)
        np.testing.assert_array_equal(part.lists, lists.lists[rows])
        np.testing.assert_array_equal(part.scores, lists.scores[rows])


def test_rows_in_another_order_give_the_same():
    expected = tuned(n_boot=50)
    same_text(tuned(n_boot=50, frame=FRAME.sample(frac=1, random_state=5)), expected)


def test_held_out_users_have_no_part_in_the_choice():
    seen, held = sides()
    expected = tuned(n_boot=20)
    others = {user: FRAME.loc[FRAME["user_id"] == user, "item_id"].tolist()[-3:] for user in held}
    changed = tuned(n_boot=20, data=ba.Dataset(TRAIN, TEST | others, ITEMS))
    pd.testing.assert_frame_equal(changed.table, expected.table)
    assert changed.diversity == expected.diversity
    assert not changed.held_out.equals(expected.held_out)
    reversed_lists = FRAME.assign(score=FRAME["score"].where(~FRAME["user_id"].isin(held), -FRAME["score"]))
    pd.testing.assert_frame_equal(tuned(frame=reversed_lists).table, expected.table)
    others = {user: FRAME.loc[FRAME["user_id"] == user, "item_id"].tolist()[-3:] for user in seen}
    changed = tuned(n_boot=20, data=ba.Dataset(TRAIN, TEST | others, ITEMS))
    assert not changed.table.equals(expected.table)


def same_text(one, other):
    assert repr(one) == repr(other)
    for name in ("table", "held_out", "targets"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)


def test_threads_change_nothing():
    expected = tuned(n_boot=50, threads=1)
    for threads in (2, 5):
        same_text(tuned(n_boot=50, threads=threads), expected)


# what the held-out users say


def test_intervals_equal_a_bootstrap_written_out():
    n_boot, seed = 150, 7
    metrics = ["ndcg@5", "ild@5"]
    # lists in another order than that of relevance: a weight above 0 may help
    frame = FRAME.assign(score=np.random.default_rng(1).random(len(FRAME)))
    found = tuned(target="ndcg@5 >= 1.03 * baseline", n_boot=n_boot, seed=seed, frame=frame)
    _, held = sides(seed)
    weights = [0.0, *WEIGHTS]
    columns = []
    for weight in weights:
        made = ba.MMR(diversity=weight).rerank(frame[frame["user_id"].isin(held)], DATA, k=5)
        report = ba.evaluate(made, DATA, metrics, users="recommended", n_boot=0)
        columns.append([report.per_user(metric).to_numpy() for metric in metrics])
    per_user = np.array(columns)  # weight, metric, user
    drawn = np.random.default_rng(seed).integers(0, len(held), (n_boot, len(held)))
    chosen, holds, n_unmet = [], 0, 0
    place = weights.index(found.diversity)
    for users in drawn:
        values = np.nanmean(per_user[:, :, users], axis=2)
        meets = values[:, 0] >= 1.03 * values[0, 0]
        holds += meets[place]
        if meets.any():
            best = values[meets, 1].max()
            chosen.append(
                next(w for w, ok, ild in zip(weights, meets, values[:, 1], strict=True) if ok and ild == best)
            )
        else:
            n_unmet += 1
    assert (found.n_unmet, found.n_boot) == (n_unmet, n_boot)
    assert found.targets["share"].tolist() == [pytest.approx(holds / n_boot)]
    assert (found.ci_low, found.ci_high) == tuple(np.quantile(chosen, (0.025, 0.975), method="inverted_cdf"))
    assert 0 < n_unmet < n_boot
    assert found.ci_low < found.ci_high
    assert f"In {n_unmet} of 150 resamples no weight meets the target." in found.sentences
    made = found.reranker.rerank(frame[frame["user_id"].isin(held)], DATA, k=5)
    changes = ba.diagnose(frame, made, DATA, metrics, n_boot=n_boot, seed=seed).changes
    pd.testing.assert_frame_equal(found.held_out, changes)


def test_without_a_bootstrap_there_are_no_intervals():
    found = tuned(n_boot=0)
    assert math.isnan(found.ci_low)
    assert math.isnan(found.ci_high)
    assert (found.n_unmet, found.n_boot) == (0, 0)
    assert found.targets["share"].isna().all()
    assert found.held_out["verdict"].tolist() == ["-", "-"]
    assert not [line for line in found.sentences if "resample" in line]


def test_text():
    found = tuned("MMR(distance=cosine)", n_boot=50)
    first, second, third = found.sentences
    assert first == (
        f"MMR(distance=cosine) at diversity {found.diversity:g}, chosen to maximise ild@5 over 8 weights "
        f"on {found.n_validation} validation users."
    )
    target = found.targets.iloc[0]
    verb = "holds" if target["holds"] else "does not hold"
    assert second == (
        f"ndcg@5 >= 0.9 * baseline {verb} for {found.n_held_out} held-out users: {target['value']:.4f}, the bound is "
        f"{target['bound']:.4f}; it holds in {100 * target['share']:.0f} % of resamples."
    )
    assert third == f"Their resamples choose {found.ci_low:g} to {found.ci_high:g} (95 %)."
    lines = repr(found).splitlines()
    assert lines[:4] == [first, second, third, ""]
    assert lines[4].split()[:3] == ["metric", "before", "after"]
    shown = found._repr_html_()
    assert "ndcg@5 &gt;= 0.9 * baseline" in shown
    assert shown.startswith(f"<p>{first}<br>")
    assert "<table" in shown


def test_other_ways_to_name_the_same():
    expected = tuned()
    same_text(tuned("mmr"), expected)
    same_text(tuned(ba.MMR(diversity=0.9), maximise=ba.ild), expected)
    same_text(tuned(maximise=ba.ild @ 5), expected)
    same_text(tuned(frame=FRAME.rename(columns={"item_id": "sku"}), columns={"item": "sku"}), expected)


# targets


@pytest.mark.parametrize(
    ("text", "sign", "bound", "written"),
    [
        ("ndcg@10 >= 0.95 * baseline", ">=", 0.38, "ndcg@10 >= 0.95 * baseline"),
        ("ndcg<.5*baseline", "<", 0.2, "ndcg@7 < .5*baseline"),
        (" ild(distance=cosine)  >0.25 ", ">", 0.25, "ild(distance=cosine)@7 > 0.25"),
        ("gini@3 <= baseline", "<=", 0.4, "gini@3 <= baseline"),
        ("gini@3 <= Baseline + 5e-2", "<=", 0.45, "gini@3 <= Baseline + 5e-2"),
        ("gini@3 <= baseline\t-\t.1", "<=", 0.3, "gini@3 <= baseline\t-\t.1"),
        ("map >= -1", ">=", -1.0, "average_precision@7 >= -1"),
        ("ndcg >= 2. * baseline", ">=", 0.8, "ndcg@7 >= 2. * baseline"),
        ("ndcg >= 0 * baseline", ">=", 0.0, "ndcg@7 >= 0 * baseline"),
    ],
)
def test_targets_are_read(text, sign, bound, written):
    (target,) = Target.parse(text, 7)
    assert target.bound(0.4) == pytest.approx(bound)
    assert (target.sign, target.text) == (sign, written)
    assert Target.parse(target.text, 3) == [dataclasses.replace(target, text=target.text)]
    below, above = bool(target.meets(bound - 1e-6, 0.4)), bool(target.meets(bound + 1e-6, 0.4))
    assert (below, above) == (sign[0] == "<", sign[0] == ">")
    assert bool(target.meets(target.bound(0.4), 0.4)) == (len(sign) == 2)
    assert not target.meets(math.nan, 0.4)
    found = target.meets(np.array([[bound - 1, bound + 1]]), np.array([[0.4]]))
    assert found.tolist() == [[below, above]]


def test_an_undefined_baseline_does_not_matter_where_it_is_not_named():
    assert Target.parse("ndcg >= 0.5", 5)[0].meets(0.6, math.nan)
    assert not Target.parse("ndcg >= 0.5 * baseline", 5)[0].meets(0.6, math.nan)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "ndcg",
            "ndcg = 0.5",
            "ndcg >= ",
            ">= 0.5",
            "ndcg >= much",
            "ndcg >= 0.5 * base",
            "ndcg >= baseline * 0.5",
            "",
        ),
        *("ndcg >= 0.5 and", "ndcg >= baseline - -0.1", "0.5 <= ndcg <= 1", "ndcg >= 95 %", "ndcg >= 1 + baseline"),
    ],
)
def test_targets_that_cannot_be_read(text):
    with pytest.raises(SpecError, match=r"target '.*' cannot be read; .* such as 'ndcg@10 >= 0.95 \* baseline'"):
        Target.parse(text, 5)


def test_messages():
    with pytest.raises(SpecError, match="there is no metric 'ndgc'; did you mean ndcg"):
        tuned(target="ndgc@5 >= 0.5")
    with pytest.raises(SpecError, match="the target 'None' cannot be read"):
        tuned(target=None)
    with pytest.raises(SpecError, match=r"tune: maximise='ild' and minimise='gini' were both given; give one"):
        tuned(maximise="ild", minimise="gini")
    with pytest.raises(SpecError, match="metric 'ild@5' needs item features; pass items= with a genres column"):
        tuned(data=ba.Dataset(TRAIN, TEST))
    with pytest.raises(SpecError, match=r"re-ranker MMR.* needs item features"):
        tuned(maximise="recall", data=ba.Dataset(TRAIN, TEST))
    with pytest.raises(SpecError, match="there is no re-ranker 'MRM'; did you mean MMR"):
        tuned("MRM")
    with pytest.raises(SpecError, match="reranker is a int; pass a re-ranker or its text, such as 'MMR"):
        tuned(3)
    with pytest.raises(SpecError, match="data is a dict; pass a Dataset"):
        tuned(data=TRAIN)
    for name, value in (("k", 0), ("validation", 0), ("validation", 1), ("n_boot", -1), ("seed", -1)):
        with pytest.raises(SpecError, match=f"tune: {name}={value} is not allowed; {name} must be a"):
            tuned(**{name: value})
    for value in ([0.5, 1.5], ["much"]):
        with pytest.raises(
            SpecError, match=r"tune: diversity=.* is not allowed; diversity must be a number in \[0, 1\]"
        ):
            tuned(diversity=value)
    for value in ("much", 7):
        with pytest.raises(SpecError, match=r"tune: diversity=.* is not allowed; diversity must be several weights"):
            tuned(diversity=value)
    with pytest.raises(
        DataError, match=r"validation=0.001 leaves 0 of the 145 users with candidates and a relevant test item to choo"
    ):
        tuned(validation=0.001)
    with pytest.raises(
        DataError, match=r"leaves 0 of the 0 users with .* to choose the weight on and 0 to check it on"
    ):
        tuned(frame=FRAME.assign(user_id=FRAME["user_id"] + 1000))
    pair = [part[0] for part in sides()]
    with pytest.raises(
        DataError, match=r"leaves 1 of the 2 users with candidates to choose the weight on and 1 to check"
    ):
        tuned(target="ild >= baseline", frame=FRAME[FRAME["user_id"].isin(pair)])


def test_what_cannot_be_reached_is_told():
    seen, _ = sides()
    weights = [0.0, *WEIGHTS]
    values = values_of(ba.MMR(), ["ild@5", "ndcg@5"], seen, weights)
    best = int(values[:, 0].argmax())
    with pytest.raises(SpecError) as error:
        tuned(target="ild >= 0.99 and ndcg >= baseline")
    assert str(error.value) == (
        f"no weight of MMR meets ild@5 >= 0.99 and ndcg@5 >= baseline for the {len(seen)} validation users: "
        f"ild@5 reaches {values[best, 0]:.4f} at diversity {weights[best]:g}, the bound is 0.9900; ndcg@5 reaches "
        f"{values[:, 1].max():.4f} at diversity {weights[values[:, 1].argmax()]:g}, the bound is {values[0, 1]:.4f}; "
        "loosen the target or take another re-ranker"
    )
    least = values_of(ba.MMR(), ["mean_popularity@5"], seen, weights)
    with pytest.raises(SpecError, match=f"mean_popularity@5 reaches {least.min():.4f} at diversity"):
        tuned(target="mean_popularity < 0", maximise="ndcg")
    with pytest.raises(SpecError, match=r"no weight of MMR meets ild@1 > 0 for .* users: ild@1 is undefined; loosen"):
        tuned(target="ild@1 > 0", maximise="ndcg")
    with pytest.raises(SpecError, match=r"ild@1 is undefined for the \d+ validation users wherever ndcg@5 >= 0.9 "):
        tuned(maximise="ild@1")
