"""Ratings held out and the errors of predictions, against naive formulas."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import beyondacc as ba
from beyondacc.errors import DataError, SpecError

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def table(seed=0, n_users=20, n_items=12, density=0.6):
    """Make a frame of real ratings from -10 to 10, some of them 0, with ids of both kinds."""
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((n_users, n_items)) < density)
    order = rng.permutation(len(users))
    values = np.round(rng.uniform(-10, 10, len(users)), 1)
    values[::7] = 0
    names = np.array([f"u{user:02}" for user in users])
    return pd.DataFrame({"user_id": names[order], "item_id": items[order] * 10, "rating": values[order]})


def flat(ratings):
    """Return ``{(user id, item id): rating}`` of train and of test."""
    users, items = ratings.users.ids.tolist(), ratings.items.ids.tolist()
    coo = ratings.matrix.tocoo()
    train = {(users[u], items[i]): r for u, i, r in zip(*coo.coords, coo.data, strict=True)}
    test = {
        (users[u], items[i]): r
        for u, i, r in zip(ratings.test_users, ratings.test_items, ratings.test_values, strict=True)
    }
    return train, test


@pytest.fixture
def ratings():
    return ba.Ratings.split(table(), seed=3)


# --- splits


@pytest.mark.parametrize("per", ["row", "user"])
@pytest.mark.parametrize("fraction", [0.1, 0.3])
def test_a_split_keeps_every_rating_once(per, fraction):
    frame = table()
    made = ba.Ratings.split(frame, how=f"holdout(fraction={fraction})", per=per, seed=1)
    train, test = flat(made)
    whole = {(row.user_id, row.item_id): row.rating for row in frame.itertuples()}
    assert {**train, **test} == whole
    assert len(train) + len(test) == len(whole)
    if per == "row":
        assert len(test) == int(fraction * len(whole) + 0.5)
    else:
        for user, mine in frame.groupby("user_id"):
            assert sum(owner == user for owner, _ in test) == int(fraction * len(mine) + 0.5)
    assert flat(ba.Ratings.split(frame, how=f"holdout(fraction={fraction})", per=per, seed=1)) == (train, test)
    assert flat(ba.Ratings.split(frame, how=f"holdout(fraction={fraction})", per=per, seed=2)) != (train, test)


def test_rows_are_held_out_whoever_they_are_of():
    frame = pd.DataFrame({"user_id": np.arange(50), "item_id": np.arange(50) % 5, "rating": 1.0})
    assert len(ba.Ratings.split(frame, how="holdout(fraction=0.2)").test_values) == 10
    with pytest.raises(DataError, match="no user has enough rows"):
        ba.Ratings.split(frame, how="holdout(fraction=0.2)", per="user")


def test_other_splits():
    frame = table().assign(timestamp=lambda rows: np.arange(len(rows)))
    _, test = flat(ba.Ratings.split(frame, how="by-time(fraction=0.25)"))
    assert test == {(row.user_id, row.item_id): row.rating for row in frame[-len(test) :].itertuples()}
    _, test = flat(ba.Ratings.split(frame, how="leave-one-out", per="user"))
    assert len(test) == 20
    with pytest.raises(SpecError, match=r"the split 'leave-one-out' takes a row of each user; pass per='user'"):
        ba.Ratings.split(frame, how="leave-one-out")
    with pytest.raises(SpecError, match=r"Ratings\.split: per='item' is not allowed; per must be 'row' or 'user'"):
        ba.Ratings.split(frame, per="item")


def test_the_last_rating_of_a_pair_counts():
    made = ba.Ratings([("a", 1, 2.0), ("b", 1, 1.0), ("a", 1, -3.0)], [("b", 2, 0.0), ("b", 2, 0.5)])
    assert flat(made) == ({("a", 1): -3, ("b", 1): 1}, {("b", 2): 0.5})
    assert repr(made) == "Ratings(2 users, 2 items, 2 train ratings, 1 test ratings)"


def test_zeros_are_ratings():
    made = ba.Ratings({"a": {1: 0.0, 2: 4.0}}, {"a": {3: 0.0}})
    assert made.matrix.nnz == 2
    assert made.test_values.tolist() == [0]
    assert ba.evaluate_ratings("UserKNNRatings", made).rmse.value == pytest.approx(2)


def test_tables_that_cannot_be_used():
    with pytest.raises(DataError, match="train has no ratings; pass a table with a rating column"):
        ba.Ratings({"a": [1, 2]}, {"a": {3: 1.0}})
    with pytest.raises(
        DataError, match=r"1 pairs of user and item are in train and in test, the first being user 'a' and item 2; keep"
    ):
        ba.Ratings({"a": {1: 1.0, 2: 2.0}}, {"a": {3: 1.0, 2: 2.0}})
    frame = table().rename(columns={"rating": "stars!"})
    with pytest.raises(DataError):
        ba.Ratings.split(frame)
    assert len(ba.Ratings.split(frame, columns={"rating": "stars!"}).test_values) > 0


# --- errors of predictions


def naive_predictions(ratings, predict, *, clip):
    """Return ``{(user, item): prediction}``, with the means where a user or an item is new."""
    train, test = flat(ratings)
    mean = sum(train.values()) / len(train)
    found, cold = {}, {"item mean": 0, "user mean": 0, "global mean": 0}
    for user, item in test:
        mine = [r for (u, _), r in train.items() if u == user]
        its = [r for (_, i), r in train.items() if i == item]
        if mine and its:
            value = predict(user, item)
        else:
            kind = "user mean" if mine else "item mean" if its else "global mean"
            cold[kind] += 1
            value = sum(mine) / len(mine) if mine else sum(its) / len(its) if its else mean
        found[user, item] = min(max(value, min(train.values())), max(train.values())) if clip else value
    return found, cold


def some_number(user, item):
    return 25 * math.sin(int(user[1:]) * 3 + item)


def ask(ratings):
    users, items = ratings.users.ids.tolist(), ratings.items.ids.tolist()
    return lambda u, i: np.array([some_number(users[a], items[b]) for a, b in zip(u, i, strict=True)])


@pytest.fixture
def with_cold():
    """A user, an item and a pair of both that train does not know."""
    frame = table(4)
    frame.loc[len(frame)] = "u03", 50, 4.5
    frame = frame.drop_duplicates(["user_id", "item_id"])
    held = (frame.index % 4 == 0) | (frame["user_id"] == "u03") | (frame["item_id"] == 50)
    return ba.Ratings(frame[~held], frame[held])


@pytest.mark.parametrize("clip", [True, False])
def test_errors_match_the_formulas(with_cold, clip):
    report = ba.evaluate_ratings(ask(with_cold), with_cold, clip=clip)
    expected, cold = naive_predictions(with_cold, some_number, clip=clip)
    _, test = flat(with_cold)
    assert report.predictions.tolist() == pytest.approx([expected[pair] for pair in test])
    assert report.cold == cold
    assert min(cold.values()) > 0
    errors = {pair: expected[pair] - rating for pair, rating in test.items()}
    assert report.rmse.value == pytest.approx(math.sqrt(sum(e * e for e in errors.values()) / len(errors)))
    assert report.mae.value == pytest.approx(sum(abs(e) for e in errors.values()) / len(errors))
    assert (report.n_test, report.n_users) == (len(test), len({user for user, _ in test}))
    for user, value in report.per_user("rmse").items():
        mine = [e for (owner, _), e in errors.items() if owner == user]
        assert value == pytest.approx(math.sqrt(sum(e * e for e in mine) / len(mine)))
        assert report.per_user("mae")[user] == pytest.approx(sum(map(abs, mine)) / len(mine))
    assert set(report.per_user("mae").index) == {user for user, _ in test}


def test_the_model_is_not_asked_what_it_cannot_know(with_cold):
    asked = []

    def predict(users, items):
        asked.extend(zip(users.tolist(), items.tolist(), strict=True))
        return np.zeros(len(users))

    report = ba.evaluate_ratings(predict, with_cold)
    known_users, known_items = (set(part.tolist()) for part in with_cold.matrix.tocoo().coords)
    assert len(asked) == report.n_test - sum(report.cold.values())
    assert all(user in known_users and item in known_items for user, item in asked)


def test_intervals_are_of_users(ratings):
    report = ba.evaluate_ratings(ask(ratings), ratings, n_boot=4000, seed=1)
    errors = report.predictions - ratings.test_values
    rng = np.random.default_rng(9)
    users = np.unique(ratings.test_users)
    of_user = [errors[ratings.test_users == user] for user in users]
    drawn = []
    for _ in range(4000):
        sample = np.concatenate([of_user[at] for at in rng.integers(0, len(users), len(users))])
        drawn.append((math.sqrt(np.mean(sample**2)), np.mean(np.abs(sample))))
    for number, values in zip((report.rmse, report.mae), zip(*drawn, strict=True), strict=True):
        assert number.ci_low < number.value < number.ci_high
        assert number.standard_error == pytest.approx(np.std(values), rel=0.06)
        assert number.ci_high - number.ci_low == pytest.approx(np.ptp(np.quantile(values, [0.025, 0.975])), rel=0.08)
    again = ba.evaluate_ratings(ask(ratings), ratings, n_boot=4000, seed=1)
    assert (again.rmse, again.mae) == (report.rmse, report.mae)
    assert ba.evaluate_ratings(ask(ratings), ratings, n_boot=4000, seed=2).rmse != report.rmse
    bare = ba.evaluate_ratings(ask(ratings), ratings, n_boot=0)
    assert bare.rmse.value == report.rmse.value
    assert math.isnan(bare.rmse.ci_low)


def test_explained_variance_is_its_definition(ratings):
    for source in (ask(ratings), ratings.test_values + 1.0, np.full(len(ratings.test_values), 2.0)):
        report = ba.evaluate_ratings(source, ratings, n_boot=300, clip=False)
        values, found = ratings.test_values.tolist(), report.predictions.tolist()
        middle = sum(values) / len(values)
        errors = [p - r for p, r in zip(found, values, strict=True)]
        bias = sum(errors) / len(errors)
        total = sum((r - middle) ** 2 for r in values)
        assert report.r2.value == pytest.approx(1 - sum(e * e for e in errors) / total, rel=1e-9)
        explained = 1 - sum((e - bias) ** 2 for e in errors) / total
        assert report.explained_variance.value == pytest.approx(explained, rel=1e-9, abs=1e-9)
        for each in (report.r2, report.explained_variance):
            assert each.ci_low <= each.ci_high <= 1
    shifted = ba.evaluate_ratings(ratings.test_values + 1.0, ratings, clip=False)
    assert shifted.explained_variance.value == pytest.approx(1)  # a constant error explains everything
    assert shifted.r2.value < 1
    same = ba.Ratings([("u", "a", 3.0), ("v", "b", 4.0)], [("u", "b", 3.0), ("v", "a", 3.0)])
    assert math.isnan(ba.evaluate_ratings(np.array([1.0, 2.0]), same).r2.value)


def test_draws_do_not_depend_on_how_many_are_made_at_a_time(ratings, monkeypatch):
    whole = ba.evaluate_ratings(ask(ratings), ratings, n_boot=50)
    monkeypatch.setattr("beyondacc.ratings.evaluate._CELLS", 130)
    parts = ba.evaluate_ratings(ask(ratings), ratings, n_boot=50)
    assert parts.rmse.ci_low == pytest.approx(whole.rmse.ci_low, rel=1e-12)


def test_perfect_predictions(ratings):
    report = ba.evaluate_ratings(ratings.test_values, ratings, clip=False)
    assert report.rmse.value == report.rmse.ci_low == report.rmse.ci_high == 0
    assert report.mae.value == 0


def test_all_forms_of_a_model_agree(ratings):
    made = ba.models.BiasedMF(factors=2, epochs=4).fit(ratings.matrix)
    reports = ba.evaluate_ratings(
        {
            "text": "BiasedMF(factors=2, epochs=4)",
            "model": ba.models.BiasedMF(factors=2, epochs=4),
            "function": made.predict,
            "array": made.predict(ratings.test_users, ratings.test_items),
        },
        ratings,
        n_boot=20,
    )
    assert list(reports) == ["text", "model", "function", "array"]
    assert len({report.rmse for report in reports.values()}) == 1
    frame = reports.to_pandas()
    assert frame["model"].tolist() == [name for name in reports for _ in range(4)]
    assert frame["name"].tolist() == ["rmse", "mae", "r2", "explained_variance"] * 4
    assert frame["value"].tolist()[:2] == [reports["text"].rmse.value, reports["text"].mae.value]
    lines = repr(reports).splitlines()
    assert lines[0].split() == ["model", "rmse", "mae"]
    assert [line.split()[0] for line in lines[1:]] == list(reports)
    assert f"{reports['array'].mae.value:.4f}" in lines[4]


def test_a_report_shows_itself(with_cold):
    report = ba.evaluate_ratings(ask(with_cold), with_cold, n_boot=100)
    lines = repr(report).splitlines()
    assert (
        lines[0] == f"rmse               {report.rmse.value:.4f}  [{report.rmse.ci_low:.4f}, {report.rmse.ci_high:.4f}]"
    )
    assert lines[1].startswith(f"mae                {report.mae.value:.4f}")
    assert lines[2].startswith(f"r2                 {report.r2.value:.4f}")
    assert lines[3].startswith(f"explained_variance {report.explained_variance.value:.4f}")
    assert lines[4] == f"{report.n_test} test ratings of {report.n_users} users"
    assert lines[5:] == [f"{count} predicted by the {what}" for what, count in report.cold.items()]
    frame = report.to_pandas()
    assert frame["n_cold"].tolist() == [sum(report.cold.values())] * 4
    assert json.loads(frame.to_json(orient="records"))[0]["name"] == "rmse"


def test_models_that_cannot_be_used(ratings):
    with pytest.raises(SpecError, match=r"EASE does not learn from ratings and predicts none; models that do are .*MF"):
        ba.evaluate_ratings("EASE", ratings)
    with pytest.raises(SpecError, match="needs at least one model"):
        ba.evaluate_ratings({}, ratings)
    with pytest.raises(SpecError, match=r"int does not predict ratings; give a model of beyondacc.models or its text"):
        ba.evaluate_ratings(3, ratings)
    with pytest.raises(SpecError, match=r"there is no error 'mse' of the ratings of each user; give 'rmse' or 'mae'"):
        ba.evaluate_ratings(ask(ratings), ratings).per_user("mse")
    for wrong in (np.zeros(3), np.array(["a"] * len(ratings.test_values))):
        with pytest.raises(DataError, match=r"the predictions have shape .* one for each test rating"):
            ba.evaluate_ratings(wrong, ratings)
    with pytest.raises(DataError, match=r"the predictions have shape \(2,\) .* one for each pair asked for"):
        ba.evaluate_ratings(lambda _users, _items: np.zeros(2), ratings)
    with pytest.raises(DataError, match="predictions are nan or not finite either"):
        ba.evaluate_ratings(np.full(len(ratings.test_values), np.nan), ratings)


def test_nothing_is_trained_before_all_models_are_known(ratings):
    class Watched(ba.models.BiasedMF):
        def fit(self, *_args, **_options):
            pytest.fail("it was trained")

    with pytest.raises(SpecError, match="there is no model 'Nothing'"):
        ba.evaluate_ratings({"a": Watched(), "b": "Nothing"}, ratings)


def test_a_sparse_matrix_is_split(ratings):
    made = ba.Ratings.split(sparse.csr_array(ratings.matrix))
    assert made.matrix.nnz + len(made.test_values) == ratings.matrix.nnz


# --- real data


@pytest.mark.parametrize(
    ("call", "low", "high"),
    # a course table reports 4.4235 for raw user neighbourhoods and 4.3245 for matrix factorisation, of 1,000 users
    [("UserKNNRatings(normalize=mean)", 4.0, 4.3), ("BiasedMF(learning_rate=0.002, l2=0.5)", 4.0, 4.35)],
)
def test_errors_on_jester_are_as_known(call, low, high):
    path = DATA / "jester5k" / "ratings.csv.gz"
    if not path.exists():
        pytest.skip("the data folder is not part of the package")
    frame = pd.read_csv(path)
    chosen = np.random.default_rng(0).choice(frame["user_id"].unique(), 1000, replace=False)
    made = ba.Ratings.split(frame[frame["user_id"].isin(chosen)])
    assert low < ba.evaluate_ratings(call, made, n_boot=0).rmse.value < high
