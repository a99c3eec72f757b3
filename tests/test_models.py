"""The models against naive formulas, published numbers and the promises of their interface."""

import dataclasses
import json
import math
import pickle
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from draws import draws
from scipy import sparse

from beyondacc import models
from beyondacc.declare.params import Range, parameters
from beyondacc.errors import DataError, SpecError, choices
from beyondacc.models import EASE, MODELS, ItemKNN, Popularity, PureSVD, Random, UserKNN
from beyondacc.models.base import Model

ORACLES = Path(__file__).resolve().parents[2] / "shared" / "oracles" / "similarity_models.json"
create = MODELS.create
CALLS = ["Random(seed=3)", "Popularity", "ItemKNN(k=3)", "UserKNN(k=3, shrink=0.7)", "PureSVD(factors=3)", "EASE(l2=2)"]


def matrix(seed, n_users=12, n_items=9, density=0.35):
    """Make a 0/1 array in which the user 1 and the item 2 have nothing, and the users 3 and 4 are alike."""
    dense = (np.random.default_rng(seed).random((n_users, n_items)) < density).astype(float)
    dense[4] = dense[3]
    dense[1], dense[:, 2] = 0, 0
    dense[0, 0] = 1
    return dense


def scores(fitted):
    return fitted.score(np.arange(fitted._n_users, dtype=np.int32))


def fit(call, dense):
    return create(call).fit(sparse.csr_array(dense))


@pytest.fixture(params=CALLS)
def call(request):
    return request.param


@pytest.fixture
def oracle():
    def find(case):
        if not ORACLES.exists():
            pytest.skip("the oracle files are not part of the package")
        return next(found for found in json.loads(ORACLES.read_text())["cases"] if found["id"] == case)

    return find


# --- naive formulas


def naive_neighbours(sets, k, shrink):
    """Return {a: {b: similarity}} with ties broken exactly, by comparing squares of fractions where shrink is 0."""
    chosen = {}
    for a, mine in enumerate(sets):
        candidates = []
        for b, other in enumerate(sets):
            common = len(mine & other)
            if b == a or not common:
                continue
            norm = math.sqrt(len(mine) * len(other))
            key = common / (norm + shrink) if shrink else Fraction(common**2, len(mine) * len(other))
            candidates.append((-key, b, common / (norm + shrink)))
        chosen[a] = {b: similarity for _, b, similarity in sorted(candidates)[:k]}
    return chosen


def naive_item_knn(dense, k, shrink):
    users_of = [set(np.flatnonzero(column)) for column in dense.T]
    near = naive_neighbours(users_of, k, shrink)
    return [[sum(near[i].get(j, 0) for j in np.flatnonzero(row)) for i in range(dense.shape[1])] for row in dense]


def naive_user_knn(dense, k, shrink):
    near = naive_neighbours([set(np.flatnonzero(row)) for row in dense], k, shrink)
    return [
        [sum(similarity for v, similarity in near[u].items() if dense[v, i]) for i in range(dense.shape[1])]
        for u in range(dense.shape[0])
    ]


def naive_ease(dense, l2):
    inverse = np.linalg.inv(dense.T @ dense + l2 * np.eye(dense.shape[1]))
    weights = np.eye(dense.shape[1]) - inverse @ np.diag(1 / np.diag(inverse))
    return dense @ weights


def naive_svd(dense, factors):
    left, singular, right = np.linalg.svd(dense, full_matrices=False)
    return left[:, :factors] * singular[:factors] @ right[:factors]


def splitmix64(state):
    """Return the next output of the generator for a state, with Python's own whole numbers."""
    mask = 2**64 - 1
    z = (state + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


@pytest.mark.kernel
@pytest.mark.parametrize(("k", "shrink"), [(1, 0), (3, 0), (4, 0.37), (500, 0), (500, 10)])
@pytest.mark.parametrize("seed", range(draws(4)))
@pytest.mark.parametrize(("cls", "naive"), [(ItemKNN, naive_item_knn), (UserKNN, naive_user_knn)])
def test_neighbours_match_the_formula(cls, naive, k, shrink, seed):
    dense = matrix(seed, n_users=25, n_items=20)
    fitted = cls(k=k, shrink=shrink).fit(sparse.csr_array(dense))
    np.testing.assert_allclose(scores(fitted), naive(dense, k, shrink), rtol=1e-12, atol=1e-13)


def naive_conditional_knn(dense, k, shrink):
    """Item neighbours by the chance that who has j has i, in exact fractions."""
    users_of = [set(np.flatnonzero(column).tolist()) for column in dense.T]
    near = {}
    for i, mine in enumerate(users_of):
        found = [
            (-Fraction(len(mine & other)) / (len(other) + Fraction(shrink)), j)
            for j, other in enumerate(users_of)
            if i != j and mine & other
        ]
        near[i] = {j: float(-value) for value, j in sorted(found)[:k]}
    return [[sum(near[i].get(j, 0) for j in np.flatnonzero(row)) for i in range(dense.shape[1])] for row in dense]


@pytest.mark.kernel
@pytest.mark.parametrize(("k", "shrink"), [(1, 0), (3, 0), (4, 0.375), (500, 0), (500, 10)])
@pytest.mark.parametrize("seed", range(draws(4)))
def test_conditional_similarities_match_the_formula(k, shrink, seed):
    dense = matrix(seed, n_users=25, n_items=20)
    fitted = ItemKNN(k=k, shrink=shrink, similarity="conditional").fit(sparse.csr_array(dense))
    np.testing.assert_allclose(scores(fitted), naive_conditional_knn(dense, k, shrink), rtol=1e-12, atol=1e-13)


@pytest.mark.kernel
def test_conditional_similarity_is_not_symmetric():
    dense = np.array([[1, 1], [1, 0], [1, 0]], float)  # all of the few who have the second have the first
    found = scores(fit("ItemKNN(similarity=conditional)", dense))
    assert found[0].tolist() == [1.0, pytest.approx(1 / 3)]


@pytest.mark.kernel
def test_equal_similarities_go_to_the_lower_index():
    fitted = ItemKNN(k=2).fit(sparse.csr_array(np.ones((1, 4))))
    offsets, columns, weights = fitted._right
    kept = sparse.csr_array((weights, columns, offsets), shape=(4, 4)).toarray().T
    assert [np.flatnonzero(row).tolist() for row in kept] == [[1, 2], [0, 2], [0, 1], [0, 1]]


@pytest.mark.kernel
def test_similarities_that_are_equal_as_numbers_tie():
    assert 3 / math.sqrt(27) < 1 / math.sqrt(3)  # both are the root of a third, and rounding alone tells them apart
    users_of = [{0, 1, 2}, set(range(9)), {2}]
    dense = np.array([[user in users for users in users_of] for user in range(9)], float)
    assert scores(fit("ItemKNN(k=1)", dense))[5, 0] == pytest.approx(math.sqrt(1 / 3))


@pytest.mark.kernel
def test_neighbours_do_not_depend_on_how_many_rows_are_searched_at_a_time(monkeypatch):
    dense = matrix(5, n_users=30, n_items=17)
    whole = [scores(fit(call, dense)) for call in ("ItemKNN(k=4)", "UserKNN(k=4)")]
    monkeypatch.setattr("beyondacc.models.neighbours._BLOCK", 12)
    for expected, call in zip(whole, ("ItemKNN(k=4)", "UserKNN(k=4)"), strict=True):
        np.testing.assert_array_equal(scores(fit(call, dense)), expected)


@pytest.mark.parametrize("l2", [0.03, 1, 250])
@pytest.mark.parametrize("shape", [(30, 11), (11, 30), (16, 16)])
def test_ease_matches_the_closed_form(shape, l2):
    dense = matrix(7, *shape)
    expected = naive_ease(dense, l2)
    train = sparse.csr_array(dense)
    np.testing.assert_allclose(scores(EASE(l2=l2).fit(train)), expected, rtol=0, atol=1e-8)
    for branch in ("_fit_items", "_fit_users"):
        fitted = EASE(l2=l2).fit(train)
        getattr(fitted, branch)()
        np.testing.assert_allclose(scores(fitted), expected, rtol=0, atol=1e-8)


def test_ease_solves_the_smaller_system():
    assert fit("EASE", matrix(0, 30, 11))._weights.shape == (11, 11)
    wide = fit("EASE", matrix(0, 11, 30))
    assert wide._weights is None
    assert wide._inverse.shape == (11, 11)


def test_ease_with_more_items_than_leverages_at_a_time(monkeypatch):
    dense = matrix(1, 6, 23)
    monkeypatch.setattr("beyondacc.models.ease._BLOCK", 5)
    np.testing.assert_allclose(scores(fit("EASE(l2=1)", dense)), naive_ease(dense, 1), rtol=0, atol=1e-10)


@pytest.mark.parametrize("shape", [(12, 9), (9, 14), (12, 12)])
@pytest.mark.parametrize("factors", [1, 3])
def test_puresvd_matches_the_decomposition(shape, factors):
    dense = matrix(2, *shape)
    for seed in (0, 1):
        fitted = PureSVD(factors=factors, seed=seed).fit(sparse.csr_array(dense))
        np.testing.assert_allclose(scores(fitted), naive_svd(dense, factors), rtol=0, atol=1e-9)


def test_puresvd_with_more_factors_than_the_rank_gives_the_matrix_back():
    dense = np.array([[1.0, 1, 0, 0, 0]] * 4 + [[0, 0, 1, 1, 0]] * 3)
    np.testing.assert_allclose(scores(fit("PureSVD(factors=4)", dense)), dense, rtol=0, atol=1e-9)
    np.testing.assert_allclose(scores(fit("PureSVD(factors=4)", dense.T.copy())), dense.T, rtol=0, atol=1e-9)


def test_puresvd_gives_the_same_bits_again():
    dense = matrix(4)
    np.testing.assert_array_equal(
        scores(fit("PureSVD(factors=4, seed=5)", dense)), scores(fit("PureSVD(factors=4, seed=5)", dense))
    )


def test_popularity_counts_users():
    dense = matrix(3)
    assert scores(fit("Popularity", dense)).tolist() == [dense.sum(axis=0).tolist()] * 12


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_random_is_splitmix64(seed):
    got = scores(Random(seed=seed).fit(sparse.csr_array(matrix(0))))
    mask = 2**64 - 1
    for user, item in [(0, 0), (3, 8), (11, 5)]:
        stream = splitmix64((splitmix64(seed) + user) & mask)
        assert got[user, item] == (splitmix64((stream + item) & mask) >> 11) * 2.0**-53


def test_random_is_uniform_and_independent_of_the_catalogue():
    wide = sparse.csr_array((np.ones(1), ([0], [0])), shape=(300, 400))
    got = scores(Random().fit(wide))
    assert 0 <= got.min() < got.max() < 1
    assert np.unique(got).size == got.size
    counts = np.histogram(got, bins=20, range=(0, 1))[0]
    assert (np.abs(counts - 6000) < 6 * math.sqrt(6000)).all()
    assert abs(np.corrcoef(got[:-1].ravel(), got[1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(got[:, :-1].ravel(), got[:, 1:].ravel())[0, 1]) < 0.02
    np.testing.assert_array_equal(scores(Random().fit(wide[:, :50])), got[:, :50])
    assert not np.array_equal(scores(Random(seed=1).fit(wide)), got)


# --- published numbers


@pytest.mark.kernel
def test_itemknn_of_recpack(oracle):
    case = oracle("recpack-itemknn-cosine")
    train = np.array(case["inputs"]["X"], float)
    fitted = ItemKNN(k=case["inputs"]["K"]).fit(sparse.csr_array(train))
    offsets, columns, weights = fitted._right
    similarity = sparse.csr_array((weights, columns, offsets), shape=(3, 3)).toarray()
    np.testing.assert_allclose(similarity, case["expected"]["similarity"], atol=case["tol"])
    np.testing.assert_allclose([1, 1, 0] @ similarity, case["expected"]["predict_for_row_110"], atol=case["tol"])
    np.testing.assert_allclose(scores(fitted), train @ np.array(case["expected"]["similarity"]), atol=case["tol"])


def test_ease_of_recpack(oracle):
    case = oracle("recpack-ease")
    train, expected = np.array(case["inputs"]["X"], float), np.array(case["expected"]["closed_form_B"])
    fitted = EASE(l2=case["inputs"]["l2"]).fit(sparse.csr_array(train))
    np.testing.assert_allclose(fitted._weights, expected, rtol=0, atol=case["tol"])
    fitted._fit_users()
    np.testing.assert_allclose(scores(fitted), train @ expected, rtol=0, atol=1e-8)


# --- what every model promises


def test_every_core_model_is_among_the_calls():
    core = [name for name, info in MODELS.items() if info.factory.core]
    assert [create(text).__class__.__name__ for text in CALLS] == core
    assert core == ["Random", "Popularity", "ItemKNN", "UserKNN", "PureSVD", "EASE"]


@pytest.mark.kernel
@pytest.mark.parametrize("shape", [(40, 15), (15, 40)])
def test_scores_do_not_depend_on_the_blocks(call, shape):
    fitted = fit(call, matrix(6, *shape))
    whole = scores(fitted)
    users = np.arange(shape[0], dtype=np.int32)
    for n_blocks in (2, 3, 7, shape[0]):
        parts = [fitted.score(block) for block in np.array_split(users, n_blocks)]
        np.testing.assert_array_equal(np.concatenate(parts).view(np.int64), whole.view(np.int64))
    order = np.random.default_rng(0).permutation(users)
    np.testing.assert_array_equal(fitted.score(order), whole[order])
    np.testing.assert_array_equal(fitted.score(np.array([2, 2, 0])), whole[[2, 2, 0]])


@pytest.mark.kernel
def test_scores_are_a_fresh_array(call):
    fitted = fit(call, matrix(8))
    users = np.array([0, 5, 1], np.int32)
    users.flags.writeable = False
    first = fitted.score(users)
    assert first.shape == (3, 9)
    assert first.dtype == np.float64
    assert first.flags.c_contiguous
    assert first.flags.writeable
    assert np.isfinite(first).all()
    kept = first.copy()
    first[:] = -np.inf
    np.testing.assert_array_equal(fitted.score(users), kept)
    assert fitted.score(np.array([], np.int32)).shape == (0, 9)
    assert fitted.score([]).shape == (0, 9)


@pytest.mark.kernel
def test_fit_leaves_its_input_alone_and_returns_the_model(call):
    dense = matrix(9)
    users, items = np.nonzero(dense)
    # Unsorted rows, one entry stored twice, values of all kinds, arrays that must not be written to.
    order = np.lexsort((-items, users))
    users, items = np.append(users[order], 11), np.append(items[order], items[order][users[order] == 11][0])
    values = np.linspace(-2, 3, users.size)
    values[3], values[5] = 0, np.nan
    train = sparse.csr_array((values, items, np.searchsorted(users, np.arange(13))), shape=dense.shape)
    before = train.data.copy(), train.indices.copy(), train.indptr.copy()
    for part in (train.data, train.indices, train.indptr):
        part.flags.writeable = False
    fitted = create(call)
    assert fitted.fit(train) is fitted
    for part, expected in zip((train.data, train.indices, train.indptr), before, strict=True):
        np.testing.assert_array_equal(part, expected)
    np.testing.assert_array_equal(scores(fitted), scores(fit(call, dense)))
    np.testing.assert_array_equal(scores(create(call).fit(sparse.csr_matrix(dense))), scores(fitted))


@pytest.mark.kernel
@pytest.mark.parametrize("shape", [(12, 9), (9, 12)])
@pytest.mark.parametrize("call", CALLS[1:])  # random scores do not depend on interactions
def test_users_and_items_without_interactions_score_zero(call, shape):
    got = scores(fit(call, matrix(10, *shape)))
    np.testing.assert_allclose(got[:, 2], 0, atol=1e-12)
    if call != "Popularity":
        np.testing.assert_allclose(got[1], 0, atol=1e-12)


@pytest.mark.kernel
@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (1, 1)])
def test_one_user_or_one_item(call, shape):
    dense = np.ones(shape)
    if call.startswith("PureSVD"):
        with pytest.raises(SpecError, match="no number of factors is possible"):
            fit(call, dense)
        return
    got = scores(fit(call, dense))
    assert got.shape == shape
    if call.startswith("EASE"):
        np.testing.assert_allclose(got, naive_ease(dense, 2), atol=1e-12)
    elif call.startswith("ItemKNN"):
        assert got.tolist() == (np.ones(shape) * min(3, shape[1] - 1)).tolist()
    elif call.startswith("UserKNN"):
        expected = min(3, shape[0] - 1) / (math.sqrt(shape[1] ** 2) + 0.7)
        assert got == pytest.approx(np.full(shape, expected))


@pytest.mark.kernel
def test_a_fitted_model_travels(call):
    fitted = fit(call, matrix(11))
    copied = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - written on the line that reads it
    np.testing.assert_array_equal(scores(copied), scores(fitted))


@pytest.mark.kernel
def test_a_model_can_be_fitted_again(call):
    fitted = fit(call, matrix(12)).fit(sparse.csr_array(matrix(13, 8, 20)))
    np.testing.assert_array_equal(scores(fitted), scores(fit(call, matrix(13, 8, 20))))


@pytest.mark.kernel
def test_models_that_learn_beat_popularity():
    # Three groups of users with 20 items each, of which the first are the most popular.
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

    def precision(call):
        got = scores(fit(call, dense))
        got[dense > 0] = -np.inf
        best = np.argsort(-got, axis=1, kind="stable")[:, :3]
        return np.take_along_axis(held, best, axis=1).mean()

    popular = precision("Popularity")
    assert popular > precision("Random")
    for text in ("ItemKNN(k=10)", "UserKNN(k=20)", "PureSVD(factors=3)", "EASE(l2=20)"):
        assert precision(text) > 1.5 * popular, text


# --- errors


def test_score_before_fit(call):
    with pytest.raises(SpecError, match=r"has not been fitted; call fit\(train\)"):
        create(call).score(np.array([0]))


def test_a_failed_fit_leaves_the_model_unfitted():
    fitted = fit("PureSVD(factors=4)", matrix(0))
    with pytest.raises(SpecError, match="factors=4"):
        fitted.fit(sparse.csr_array(matrix(0, 5, 4)[:4]))
    with pytest.raises(SpecError, match="has not been fitted"):
        fitted.score(np.array([0]))


@pytest.mark.parametrize(
    ("users", "message"),
    [
        ([0, 12], r"user 12 \(position 1\) is not a row .* from 0 to 11"),
        ([-1], r"user -1 \(position 0\)"),
        ([[0]], "2 dimensions of int64"),
        ([0.5], "1 dimensions of float64"),
    ],
)
def test_users_that_are_not_rows(call, users, message):
    with pytest.raises(DataError, match=message):
        fit(call, matrix(0)).score(np.array(users))


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (np.ones((2, 3)), "got ndarray with 2 dimensions"),
        ([[1, 2]], "got list with no dimensions"),
        (sparse.coo_array(np.ones(3)), "got coo_array with 1 dimensions"),
        (sparse.csr_array((4, 5)), "4 users x 5 items has no interactions"),
        (sparse.csr_array((0, 5)), "0 users x 5 items has no interactions"),
    ],
)
def test_training_matrices_that_cannot_be_used(call, train, message):
    with pytest.raises(DataError, match=message):
        create(call).fit(train)


def test_puresvd_says_how_many_factors_are_possible():
    with pytest.raises(SpecError, match=r"factors=9 .* 12 users x 9 items; factors must be at most 8, one less"):
        fit("PureSVD(factors=9)", matrix(0))
    assert scores(fit("PureSVD(factors=8)", matrix(0))).shape == (12, 9)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3)])
@pytest.mark.parametrize("l2", [1e-300, 1e-17])
def test_ease_says_when_the_penalty_is_too_small(shape, l2):
    with pytest.raises(SpecError, match=rf"l2={l2:g} is too small .* give a larger l2"):
        EASE(l2=l2).fit(sparse.csr_array(np.ones(shape)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ItemKNN(k=0), "ItemKNN: k=0 is not allowed; k must be a whole number >= 1"),
        (lambda: ItemKNN(k=2.5), "k=2.5 is not allowed"),
        (lambda: UserKNN(shrink=-1), "UserKNN: shrink=-1 is not allowed; shrink must be a number >= 0"),
        (lambda: EASE(l2=0), "EASE: l2=0 is not allowed; l2 must be a number > 0"),
        (lambda: EASE(l2=math.nan), "l2=nan is not allowed"),
        (lambda: PureSVD(factors=True), "factors=True is not allowed"),
        (lambda: Random(seed=-1), "seed=-1 is not allowed"),
        (lambda: create("ItemKNN(k=none)"), "k='none' is not allowed"),
        (lambda: create("ItemKNN(q=3)"), "ItemKNN has no parameter 'q'"),
        (lambda: create("Popularity(k=3)"), "Popularity has no parameter 'k'; it takes none"),
        (lambda: create("ItemKN"), "there is no model 'ItemKN'; did you mean ItemKNN"),
        (lambda: create("populr"), "there is no model 'populr'; did you mean Popularity?"),
        (lambda: create("zzz"), f"known are {choices(sorted(MODELS, key=str.lower))}"),
        (lambda: create("EASE@10"), "'EASE@10': a model takes no cutoff; leave out @10"),
        (lambda: create("EASE(("), "cannot be read"),
    ],
)
def test_wrong_names_and_values(make, message):
    with pytest.raises(SpecError) as raised:
        make()
    assert message in str(raised.value)


def test_parameters_are_keyword_only():
    with pytest.raises(TypeError):
        ItemKNN(40)


# --- names and registry


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (ItemKNN(), "ItemKNN"),
        (ItemKNN(k=40), "ItemKNN(k=40)"),
        (ItemKNN(k=60, shrink=0), "ItemKNN"),
        (UserKNN(shrink=2.5, k=10), "UserKNN(k=10, shrink=2.5)"),
        (PureSVD(factors=8, seed=1), "PureSVD(factors=8, seed=1)"),
        (EASE(l2=50), "EASE(l2=50.0)"),
        (Popularity(), "Popularity"),
        (Random(seed=9), "Random(seed=9)"),
    ],
)
def test_a_model_writes_itself_and_is_read_back(made, text):
    assert repr(made) == str(made) == text
    for written in (text, text.replace(type(made).__name__, type(made).__name__.lower()), f" {text} "):
        again = create(written)
        assert type(again) is type(made)
        assert str(again) == text


@pytest.mark.parametrize("name", list(MODELS))
def test_every_model_is_described(name):
    info = MODELS[name]
    assert info.name == name == info.factory.__name__
    assert getattr(models, name) is info.factory
    assert info.title
    assert any(part.strip(",").isdecimal() and len(part.strip(",")) == 4 for part in info.cite.split())
    assert info.summary.endswith(".")
    assert info.parameters == parameters(info.factory)
    assert json.loads(json.dumps(info.as_dict())) == {
        "name": name,
        "title": info.title,
        "summary": info.summary,
        "parameters": [{"name": p.name, "default": p.default, "domain": p.domain} for p in info.parameters.values()],
        **{fact: getattr(info.factory, fact) for fact in ("explicit", "core", "needs")},
        "cite": info.cite,
    }
    for parameter in info.parameters:
        assert f"\n{parameter}\n" in info.factory.__doc__.replace("    ", ""), "a parameter without a description"


def test_a_name_is_registered_once():
    with pytest.raises(SpecError, match="'ease' is taken by EASE"):
        MODELS.declare(title="again", cite="nobody 2020")(type("ease", (Model,), {}))
    assert "ease" not in MODELS


def test_a_model_of_ones_own(monkeypatch):
    monkeypatch.setitem(MODELS, "Constant", None)  # so that the name is free again afterwards
    del MODELS["Constant"]

    @MODELS.declare(title="Constant", cite="nobody 2020")
    @dataclasses.dataclass(kw_only=True, repr=False, eq=False)
    class Constant(Model):
        """The same score everywhere."""

        value: Annotated[float, Range(0, 1)] = 0.5

        def _fit(self, train):
            self._items = train.shape[1]

        def _score(self, users):
            return np.full((users.size, self._items), self.value)

    made = create("constant(value=0.25)")
    assert type(made) is Constant
    assert str(made) == "Constant(value=0.25)"
    assert (scores(made.fit(sparse.csr_array(matrix(0)))) == 0.25).all()
    with pytest.raises(SpecError, match=r"Constant: value=2 is not allowed; value must be a number in \[0, 1\]"):
        Constant(value=2)
