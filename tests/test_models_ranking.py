"""Models that learn to rank, against naive formulas, closed forms and what their sources promise."""

import itertools
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import beyondacc as ba
from beyondacc.errors import DependencyError
from beyondacc.models import ALS, EASE, MODELS, SLIM, WARP, EASEGradient
from beyondacc.models.training import lost_ndcg

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CALLS = ["SLIM(l1=0.1, l2=2)", "EASEGradient(l2=2, epochs=5)", "WARP(factors=4, epochs=5)"]
LIBRARY = ["ALS(factors=4)", "BPR(factors=4, epochs=5)"]


def matrix(seed, n_users=12, n_items=9, density=0.35):
    """Make a 0/1 array in which the user 1 and the item 2 have nothing."""
    dense = (np.random.default_rng(seed).random((n_users, n_items)) < density).astype(float)
    dense[1], dense[:, 2] = 0, 0
    dense[0, 0] = 1
    return dense


def scores(fitted):
    return fitted.score(np.arange(fitted._n_users))


def fit(call, dense):
    made = MODELS.create(call) if isinstance(call, str) else call
    if made.needs:
        pytest.importorskip("implicit", reason="the extra 'models' is not installed")
    return made.fit(sparse.csr_array(dense))


@pytest.fixture(params=[*CALLS, *LIBRARY])
def call(request):
    return request.param


def test_the_calls_are_all_implicit_models_besides_the_core():
    besides = {
        name
        for name, info in MODELS.items()
        if not info.factory.core and not info.factory.explicit and info.factory.needs != "neural"
    }
    assert {type(MODELS.create(text)).__name__ for text in (*CALLS, *LIBRARY)} == besides


# --- SLIM


def naive_slim(dense, l1, l2, *, positive):
    """Minimise by proximal gradient steps, all columns at once, until nothing moves."""
    n = dense.shape[1]
    gram, weights = dense.T @ dense, np.zeros((n, n))
    step = 1 / (np.linalg.eigvalsh(gram).max() + l2)
    for _ in range(200_000):
        moved = weights - step * (gram @ weights - gram + l2 * weights)
        moved = np.sign(moved) * np.maximum(np.abs(moved) - step * l1, 0)
        if positive:
            moved = np.maximum(moved, 0)
        np.fill_diagonal(moved, 0)
        if np.abs(moved - weights).max() < 1e-13:
            break
        weights = moved
    return weights


@pytest.mark.kernel
@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize(("l1", "l2"), [(0.3, 1.0), (0.0, 0.5), (1.2, 4.0)])
@pytest.mark.parametrize("seed", [0, 1])
def test_slim_finds_the_minimum(monkeypatch, positive, l1, l2, seed):
    dense = matrix(seed, 20, 10, 0.4)
    expected = dense @ naive_slim(dense, l1, l2, positive=positive)
    monkeypatch.setattr("beyondacc.models.slim._TOLERANCE", 1e-12)
    made = SLIM(l1=l1, l2=l2, positive=positive)
    np.testing.assert_allclose(scores(fit(made, dense)), expected, atol=1e-8)
    monkeypatch.setattr("beyondacc.models.slim._BLOCK", 3)
    np.testing.assert_allclose(scores(fit(made, dense)), expected, atol=1e-8)
    monkeypatch.undo()
    np.testing.assert_allclose(scores(fit(made, dense)), expected, atol=1e-3)


def test_slim_without_a_sparse_penalty_is_ridge_regression():
    dense = matrix(2, 30, 8, 0.5)
    found = scores(fit(SLIM(l1=0, l2=3, positive=False), dense))
    for item in range(8):
        others = [j for j in range(8) if j != item]
        left = dense[:, others]
        expected = left @ np.linalg.solve(left.T @ left + 3 * np.eye(7), left.T @ dense[:, item])
        np.testing.assert_allclose(found[:, item], expected, atol=1e-3)


@pytest.mark.kernel
def test_slim_weights_are_sparse_positive_and_hollow():
    dense = matrix(3, 40, 20, 0.3)
    offsets, columns, weights = fit("SLIM(l1=1, l2=1)", dense)._weights
    kept = sparse.csr_array((weights, columns, offsets), shape=(20, 20)).toarray()
    assert (weights > 0).all()
    assert 0 < weights.size < 20 * 19 / 2
    assert not np.diag(kept).any()
    assert fit("SLIM(l1=100)", dense)._weights[2].size == 0


# --- EASE by gradient descent


def test_gradient_descent_approaches_the_closed_form():
    rng = np.random.default_rng(0)
    dense = (rng.random((200, 30)) < 0.15).astype(float)
    dense[:, :10] = np.maximum(dense[:, :10], rng.random((200, 10)) < rng.random((200, 1)))
    expected = scores(fit(EASE(l2=20), dense))

    def distance(**options):
        return np.abs(scores(fit(EASEGradient(l2=20, **options), dense)) - expected).max()

    assert np.abs(expected).max() > 0.5
    assert distance(batch=200, epochs=400) < 1e-3
    assert distance(batch=32, epochs=300, learning_rate=0.003) < 0.04
    assert distance(batch=200, epochs=400) < distance(batch=200, epochs=100) < distance(batch=200, epochs=20)
    weights = fit(EASEGradient(batch=64, epochs=3), dense)._weights
    assert not np.diag(weights).any()
    assert weights.any()


def test_a_step_of_adam_matches_the_formula():
    dense = matrix(4, 6, 4, 0.6)
    gram = dense.T @ dense
    weights, first, second = np.zeros((4, 4)), np.zeros((4, 4)), np.zeros((4, 4))
    for step in range(3):
        gradient = 2 * (gram @ weights - gram) + 2 * 5 * weights
        np.fill_diagonal(gradient, 0)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        rate = 0.1 * (1 - step / 3)
        weights = weights - rate * (first / (1 - 0.9 ** (step + 1))) / (
            np.sqrt(second / (1 - 0.999 ** (step + 1))) + 1e-8
        )
    made = EASEGradient(l2=5, epochs=3, learning_rate=0.1, batch=6)
    np.testing.assert_allclose(fit(made, dense)._weights, weights, rtol=1e-9, atol=1e-12)


# --- WARP


def naive_warp(dense, users, items, order, state, *, rate, radius, trials):
    """Algorithm 1 of Weston et al. 2011 with plain lists; draws by the minimal standard generator."""
    pairs = [(u, i) for u, row in enumerate(dense) for i, has in enumerate(row) if has]

    def shortened(row):
        length = math.sqrt(sum(x * x for x in row))
        return [x * radius / length for x in row] if length > radius else row

    for place in order:
        u, i = pairs[place]
        others = [j for j, has in enumerate(dense[u]) if not has]
        for trial in itertools.count(1):
            if not others or trial > trials:
                break
            state = state * 48271 % (2**31 - 1)
            j = others[state % len(others)]
            p, good, bad = users[u], items[i], items[j]
            if sum(x * y for x, y in zip(p, bad, strict=True)) + 1 > sum(x * y for x, y in zip(p, good, strict=True)):
                step = rate * sum(1 / rank for rank in range(1, len(others) // trial + 1))
                users[u] = shortened([x + step * (a - b) for x, a, b in zip(p, good, bad, strict=True)])
                items[i] = shortened([a + step * x for x, a in zip(p, good, strict=True)])
                items[j] = shortened([b - step * x for x, b in zip(p, bad, strict=True)])
                break
    return users, items


@pytest.mark.kernel
@pytest.mark.parametrize(("rate", "radius", "trials"), [(0.05, 1.5, 50), (0.3, 0.8, 2), (0.5, 20.0, 7)])
def test_warp_takes_the_steps_of_the_paper(rate, radius, trials):
    dense = matrix(5)
    dense[7] = 1  # has all there is
    rng = np.random.default_rng(3)
    users = rng.normal(0, radius / math.sqrt(5), (12, 5))
    items = rng.normal(0, radius / math.sqrt(5), (9, 5))
    users[1] = 0
    users, items = users.tolist(), items.tolist()
    for _ in range(3):
        order, start = rng.permutation(int(dense.sum())), int(rng.integers(1, 2**31 - 1))
        users, items = naive_warp(dense, users, items, order, start, rate=rate, radius=radius, trials=trials)
    made = WARP(factors=5, epochs=3, learning_rate=rate, radius=radius, trials=trials, seed=3)
    np.testing.assert_allclose(scores(fit(made, dense)), np.array(users) @ np.array(items).T, rtol=1e-9, atol=1e-12)


@pytest.mark.kernel
def test_warp_keeps_its_factors_in_the_ball():
    fitted = fit("WARP(factors=6, radius=0.7, learning_rate=0.2)", matrix(6, 30, 20))
    for part in (fitted._users, fitted._items.T):
        lengths = np.linalg.norm(part, axis=1)
        assert lengths.max() <= 0.7 + 1e-12
        assert np.count_nonzero(lengths > 0.69) > 10


# --- the library implicit


def test_als_solves_the_normal_equations():
    dense = matrix(7, 40, 25)
    fitted = fit(ALS(factors=5, epochs=100, alpha=4, l2=0.8), dense)
    users, items = fitted._users, fitted._items.T
    for mine, theirs, table in ((users, items, dense), (items, users, dense.T)):
        for row, factors in zip(table, mine, strict=True):
            weights = np.where(row > 0, 4, 1)
            expected = np.linalg.solve(theirs.T @ (weights[:, None] * theirs) + 0.8 * np.eye(5), theirs.T @ (4 * row))
            np.testing.assert_allclose(factors, expected, atol=5e-3)


@pytest.mark.parametrize("call", LIBRARY)
def test_the_factors_of_implicit_are_kept(call):
    implicit = pytest.importorskip("implicit", reason="the extra 'models' is not installed")
    fitted = fit(call, matrix(8))
    made = fitted._model(implicit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("implicit.utils._checked_blas_config", True)
        made.fit(sparse.csr_matrix(matrix(8).astype(np.float32)), show_progress=False)
    np.testing.assert_allclose(scores(fitted), made.user_factors @ made.item_factors.T, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["ALS", "BPR"])
def test_without_implicit(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "implicit", None)
    made = MODELS.create(name)
    with pytest.raises(DependencyError, match=rf"{name} is trained by the library implicit; pip install 'beyondacc\[m"):
        made.fit(sparse.csr_array(matrix(0)))


# --- what all promise


@pytest.mark.kernel
def test_rows_do_not_depend_on_the_block(call):
    fitted = fit(call, matrix(9))
    whole = scores(fitted)
    assert whole.dtype == np.float64
    assert whole.flags.c_contiguous
    assert np.isfinite(whole).all()
    for block in ([3], [11, 0, 0], [5, 2, 7, 8]):
        np.testing.assert_array_equal(fitted.score(np.array(block)).view(np.int64), whole[block].view(np.int64))
    whole[:] = np.nan
    assert np.isfinite(scores(fitted)).all()


@pytest.mark.kernel
def test_the_same_seed_gives_the_same_bits(call):
    dense = matrix(10, 50, 30)
    found = scores(fit(call, dense))
    np.testing.assert_array_equal(scores(fit(call, dense)), found)
    np.testing.assert_array_equal(scores(fit(call, dense * 7)), found)  # values do not count
    if "seed" in MODELS.find(call.partition("(")[0]).parameters:
        with_batches = {"batch": 16} if "EASEGradient" in call else {}
        one, other = (scores(fit(MODELS.create(call, seed=seed, **with_batches), dense)) for seed in (0, 1))
        assert not np.array_equal(one, other)


@pytest.mark.kernel
def test_users_and_items_without_interactions_score_zero(call):
    fitted = fit(call, matrix(11, 30, 20))
    found = scores(fitted)
    if "BPR" in call:  # whose items have biases, whoever asks
        np.testing.assert_allclose(found[1], fitted._items[-1], atol=1e-6)
    else:
        np.testing.assert_allclose(found[1], 0, atol=1e-6)
    np.testing.assert_allclose(found[:, 2], 0, atol=1e-6)


@pytest.mark.kernel
def test_progress_is_told_to_the_end(call):
    made = MODELS.create(call)
    if made.needs:
        pytest.importorskip("implicit", reason="the extra 'models' is not installed")
    told = []
    made.fit(sparse.csr_array(matrix(12)), progress=lambda done, total, text: told.append((done, total, type(text))))
    total = made.epochs if hasattr(made, "epochs") else 9
    assert told == [(done, total, str) for done in (range(1, total + 1) if hasattr(made, "epochs") else [9])]


def groups():
    """Three groups of users with 20 items each, of which the first are the most popular, and what is held out."""
    rng = np.random.default_rng(0)
    taste = np.linspace(2, 1, 20) / np.linspace(2, 1, 20).sum()
    dense, held = np.zeros((90, 60)), np.zeros((90, 60), bool)
    for user in range(90):
        liked = rng.choice(20, 11, replace=False, p=taste) + 20 * (user % 3)
        rng.shuffle(liked)
        held[user, liked[:3]] = True
        dense[user, liked[3:]] = 1
        dense[user, rng.choice(60, 2)] = 1
    dense[held] = 0
    return dense, held


@pytest.mark.kernel
@pytest.mark.parametrize(
    "call",
    [
        "SLIM(l1=0.5, l2=10)",
        "EASEGradient(l2=20)",
        "WARP(factors=8, learning_rate=0.02)",
        "WARP(factors=8, learning_rate=0.02, validation=0.1)",
        "ALS(factors=3)",
        "BPR(factors=8, epochs=200)",
    ],
)
def test_models_that_learn_beat_popularity(call):
    dense, held = groups()

    def precision(text):
        found = scores(fit(text, dense))
        found[dense > 0] = -np.inf
        best = np.argsort(-found, axis=1, kind="stable")[:, :3]
        return np.take_along_axis(held, best, axis=1).mean()

    assert precision(call) > 1.5 * precision("Popularity")


@pytest.mark.kernel
@pytest.mark.parametrize("call", ["WARP(factors=8, learning_rate=0.05)", "EASEGradient(l2=20, batch=16)"])
def test_the_best_epoch_is_kept(call):
    dense, _ = groups()
    told = []
    made = MODELS.create(call, validation=0.2, patience=3, epochs=40)
    fitted = made.fit(sparse.csr_array(dense), progress=lambda *what: told.append(what))
    found = [float(text.split("validation nDCG ")[1]) for _, _, text in told]
    best = int(np.argmax(found))
    assert len(told) == best + 1 + 3 < 40
    if "WARP" in call:  # the steps of the other depend on the number of epochs
        shorter = fit(MODELS.create(call, validation=0.2, patience=40, epochs=best + 1), dense)
        np.testing.assert_array_equal(scores(fitted), scores(shorter))


@pytest.mark.kernel
def test_the_loss_that_stops_is_ndcg(monkeypatch):
    rng = np.random.default_rng(1)
    monkeypatch.setattr("beyondacc.models.training._CUTOFF", 5)
    monkeypatch.setattr("beyondacc.models.training._USERS", 4)
    train, held = rng.random((11, 15)) < 0.3, rng.random((11, 15)) < 0.4
    held &= ~train
    held[4] = False
    train[6], held[6] = True, False
    train[6, :3], held[6, 2] = False, True
    table = rng.normal(size=(11, 15))
    values = []
    for user in range(11):
        if held[user].any():
            ranked = sorted((i for i in range(15) if not train[user, i]), key=lambda i: -table[user, i])[:5]
            gain = sum(1 / math.log2(rank + 2) for rank, item in enumerate(ranked) if held[user, item])
            values.append(gain / sum(1 / math.log2(rank + 2) for rank in range(min(5, held[user].sum()))))
    got = lost_ndcg(lambda users: table[users], *(sparse.csr_array(part.astype(float)) for part in (train, held)))
    assert got == pytest.approx(1 - sum(values) / len(values))


# --- real data


@pytest.fixture(scope="module")
def movielense():
    path = DATA / "movielense" / "ratings.csv"
    if not path.exists():
        pytest.skip("the data folder is not part of the package")
    data = ba.Dataset.split(pd.read_csv(path), how="holdout(fraction=0.2)", seed=0)

    def ndcg(model):
        lists = ba.recommend(MODELS.create(model).fit(data.matrix), data, k=10)
        return ba.evaluate(lists, data, ["ndcg@10"], n_boot=0).value("ndcg@10")

    best = ndcg("EASE")
    return lambda model: ndcg(model) / best


@pytest.mark.parametrize(
    ("call", "least"),
    [("SLIM", 0.9), ("WARP(epochs=20)", 0.7), ("ALS", 0.85), ("BPR", 0.6)],
)
def test_ndcg_on_movielens_is_near_that_of_ease(movielense, call, least):
    if MODELS.create(call).needs:
        pytest.importorskip("implicit", reason="the extra 'models' is not installed")

    assert least < movielense(call) < 1.05
