"""The models that learn with torch against naive formulas; scoring and checks also where torch is not installed."""

import itertools
import math
import sys

import numpy as np
import pytest
from scipy import integrate, sparse

from beyondacc import models
from beyondacc.errors import DependencyError, SpecError
from beyondacc.models import CDAE, MODELS, RBM, AutoRec, DenoisingAutoencoder, MultDAE, MultVAE, Popularity
from beyondacc.models.neural.backend import Backend, Batch
from beyondacc.models.neural.network import Network
from beyondacc.models.training import hold_out, lost_ndcg

create = MODELS.create
RATINGS = [
    "AutoRec(hidden=8)",
    "AutoRec(hidden=8, on=user)",
    "RBM(hidden=8)",
    "RBM(hidden=8, on=item)",
    "RBM(hidden=8, visible=gaussian, steps=2)",
    "RBM(hidden=8, visible=gaussian, on=item)",
]
CHOICES = [
    "DenoisingAutoencoder(hidden=8)",
    "CDAE(hidden=8)",
    "CDAE(hidden=8, negatives=none)",
    "MultDAE(hidden=9, latent=4)",
    "MultVAE(hidden=9, latent=4)",
]
NEURAL = {"AutoRec", "RBM", "DenoisingAutoencoder", "CDAE", "MultDAE", "MultVAE"}


def ratings(seed=0, n_users=14, n_items=9):
    """Make ratings from 0 to 4, zeros among them stored, where the user 1 and the item 2 have none."""
    rng = np.random.default_rng(seed)
    there = rng.random((n_users, n_items)) < 0.5
    there[1], there[:, 2], there[0, 0] = False, False, True
    users, items = np.nonzero(there)
    values = rng.integers(0, 5, users.size).astype(float)
    return sparse.csr_array((values, (users, items)), shape=there.shape)


def everything(fitted):
    return fitted.score(np.arange(fitted._n_users, dtype=np.int32))


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="the extra 'neural' is not installed")


@pytest.fixture
def no_torch(monkeypatch):
    def forbid():
        monkeypatch.setitem(sys.modules, "torch", None)

    return forbid


@pytest.fixture(params=RATINGS + CHOICES)
def call(request):
    return request.param


# --- without torch


def test_the_models_are_listed_and_checked_without_torch(no_torch):
    no_torch()
    found = {name: info.as_dict() for name, info in MODELS.items() if info.factory.needs == "neural"}
    assert set(found) == NEURAL == {create(text).__class__.__name__ for text in RATINGS + CHOICES}
    assert {name for name, facts in found.items() if facts["explicit"]} == {"AutoRec", "RBM"}
    assert not any(facts["core"] for facts in found.values())


def test_fitting_without_torch_says_what_to_install(no_torch, call):
    no_torch()
    with pytest.raises(DependencyError, match=r"^\w+ learns with torch; pip install 'beyondacc\[neural\]'$"):
        create(call).fit(ratings())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("AutoRec(on=both)", "on must be 'item' or 'user'"),
        ("RBM(visible=binary)", "visible must be 'softmax' or 'gaussian'"),
        ("RBM(momentum=1)", r"momentum must be a number in \[0, 1\)"),
        ("RBM(steps=0)", "steps must be a whole number >= 1"),
        ("CDAE(negatives=0)", "negatives must be a whole number >= 1 or none"),
        ("CDAE(corruption=1)", r"corruption must be a number in \[0, 1\)"),
        ("MultVAE(beta=2)", r"beta must be a number in \[0, 1\]"),
        ("MultDAE(l2=-1)", "l2 must be a number >= 0"),
        ("MultDAE(learning_rate=0)", "learning_rate must be a number > 0"),
        ("MultDAE(validation=1)", r"validation must be a number in \[0, 1\)"),
    ],
)
def test_parameters_that_are_not_allowed(text, message):
    with pytest.raises(SpecError, match=message):
        create(text)


def test_softmax_units_want_a_scale():
    train = ratings(0, 30)
    train.data = np.arange(train.nnz) / 7
    with pytest.raises(SpecError, match=rf"has {train.nnz} distinct ratings; .* at most 50, give visible=gaussian"):
        RBM().fit(train)


def naive_expected(fields, levels):
    weights = [math.exp(field) for field in fields]
    return sum(w * level for w, level in zip(weights, levels, strict=True)) / sum(weights)


@pytest.mark.parametrize("on", ["user", "item"])
@pytest.mark.parametrize("visible", ["softmax", "gaussian"])
def test_a_loaded_rbm_predicts_the_expected_rating_without_torch(no_torch, tmp_path, on, visible):
    no_torch()
    rng = np.random.default_rng(3)
    train = ratings()
    made = RBM(on=on, visible=visible, hidden=4)
    made._prepare(train)
    n_rows, n_columns = (14, 9) if on == "user" else (9, 14)
    levels = [0, 1, 2, 3, 4] if visible == "softmax" else [0]
    codes = rng.random((n_rows, 4)).astype(np.float32)
    weights = rng.normal(size=(len(levels), n_columns, 4)).astype(np.float32)
    bias = rng.normal(size=(len(levels), n_columns)).astype(np.float32)
    made._keep(codes, {"weights": weights.reshape(-1, 4), "visible_bias": bias.ravel()})
    made._n_users, made._n_items = 14, 9
    made.save(tmp_path / "rbm")
    loaded = models.load(tmp_path / "rbm")
    for user, item in [(0, 0), (13, 8), (1, 2), (5, 7)]:
        row, column = (user, item) if on == "user" else (item, user)
        fields = [float(codes[row] @ weights[k, column] + bias[k, column]) for k in range(len(levels))]
        if visible == "softmax":
            expected = naive_expected(fields, levels)
        else:
            expected = train.data.mean() + train.data.std() * fields[0]
        assert loaded.predict(np.array([user]), np.array([item]))[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("on", ["user", "item"])
def test_a_loaded_autorec_scores_without_torch(no_torch, tmp_path, on):
    no_torch()
    rng = np.random.default_rng(4)
    n_rows, n_columns = (14, 9) if on == "user" else (9, 14)
    codes, decoder, bias = (rng.random(shape).astype(np.float32) for shape in ((n_rows, 5), (5, n_columns), n_columns))
    made = AutoRec(on=on, hidden=5)
    made._keep(codes, {"decoder": decoder, "decoder_bias": bias})
    made._n_users, made._n_items, made._mean = 14, 9, 3.0
    made.save(tmp_path / "autorec")
    expected = codes @ decoder + bias
    np.testing.assert_allclose(
        everything(models.load(tmp_path / "autorec")), expected if on == "user" else expected.T, rtol=1e-5
    )


# --- losses and gradients against naive formulas


class Fixed:
    """Noise that was drawn before."""

    def __init__(self, torch, seed):
        self.torch, self.rng, self.asked = torch, np.random.default_rng(seed), []

    def _keep(self, array):
        self.asked.append(array)
        return self.torch.from_numpy(array)

    def kept(self, values, drop):
        mask = (self.rng.random(tuple(values.shape)) >= drop) / (1 - drop)
        return values * self._keep(mask)

    def normal(self, like):
        return self._keep(self.rng.normal(size=tuple(like.shape)))

    def chosen(self, probability):
        return self._keep((self.rng.random(tuple(probability.shape)) < probability.numpy()).astype(float))


def prepared(torch, model, train, seed=0):
    """Return weights that are all random and a batch of all rows but the last, both in double precision."""
    model._prepare(train)
    backend = Backend("a test", "cpu")
    rows = model._oriented(train.astype(np.float32))
    rng = np.random.default_rng(seed)
    weights = {
        name: torch.from_numpy(rng.normal(0, 0.5, array.shape)).requires_grad_()
        for name, array in model._start(rows.shape, rng).items()
    }
    batch = backend.batch(rows, np.arange(rows.shape[0] - 1))
    return weights, Batch(batch.rows, batch.values.double(), batch.stored.double())


def arrays(weights):
    return {name: weight.detach().numpy() for name, weight in weights.items()}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def naive_autorec(w, values, stored, _model, _drawn):
    total = 0.0
    for row, there in zip(values, stored, strict=True):
        out = sigmoid(row @ w["encoder"] + w["encoder_bias"]) @ w["decoder"] + w["decoder_bias"]
        total += sum((row[j] - out[j]) ** 2 for j in np.flatnonzero(there))
    return total


def naive_bernoulli(w, values, stored, _model, drawn):
    total = 0.0
    for user, (row, there) in enumerate(zip(values * drawn[0], stored, strict=True)):
        own = w["user"][user] if "user" in w else 0
        out = sigmoid(sigmoid(row @ w["encoder"] + own + w["encoder_bias"]) @ w["decoder"] + w["decoder_bias"])
        losses = [-math.log(p if x else 1 - p) for p, x in zip(out, there, strict=True)]
        total += sum(losses if len(drawn) == 1 else np.array(losses) * drawn[1][user])
    return total


def naive_multinomial(w, values, _stored, model, drawn):
    total = 0.0
    for user, row in enumerate(values):
        share = row / math.sqrt((row**2).sum()) if row.any() else row
        code = np.tanh(share * drawn[0][user] @ w["encoder"] + w["encoder_bias"]) @ w["latent"] + w["latent_bias"]
        if isinstance(model, MultVAE):
            mean, deviation = code[: model.latent], np.exp(code[model.latent :] / 2)
            total += model.beta * 0.3 / model.annealing * sum(map(divergence, mean, deviation))
            code = mean + deviation * drawn[1][user]
        else:
            code = np.tanh(code)
        out = np.tanh(code @ w["hidden"] + w["hidden_bias"]) @ w["decoder"] + w["decoder_bias"]
        total -= sum(out[j] - math.log(np.exp(out).sum()) for j in np.flatnonzero(row))
    return total


def divergence(mean, deviation):
    """Return KL(N(mean, deviation^2) || N(0, 1)) by its definition as an integral."""

    def integrand(z):
        own = -((z - mean) ** 2) / (2 * deviation**2) - math.log(deviation)
        return math.exp(own) / math.sqrt(2 * math.pi) * (own + z**2 / 2)

    return integrate.quad(integrand, mean - 12 * deviation, mean + 12 * deviation, epsabs=1e-11)[0]


@pytest.mark.parametrize(
    ("text", "naive"),
    [
        ("AutoRec(hidden=4, l2=3)", naive_autorec),
        ("AutoRec(hidden=4, on=user)", naive_autorec),
        ("DenoisingAutoencoder(hidden=4, l2=2, corruption=0.3)", naive_bernoulli),
        ("CDAE(hidden=4, negatives=none)", naive_bernoulli),
        ("CDAE(hidden=4, negatives=1, l2=2)", naive_bernoulli),
        ("MultDAE(hidden=5, latent=3, l2=1, dropout=0.2)", naive_multinomial),
        ("MultVAE(hidden=5, latent=2, beta=0.7, annealing=0.6)", naive_multinomial),
    ],
)
def test_losses_and_gradients_are_those_of_the_formula(torch, text, naive):
    model, train = create(text), ratings()
    if not model.explicit:
        train.data[:] = 1
    weights, batch = prepared(torch, model, train)
    noise = Fixed(torch, 5)
    loss = model._gradients(weights, batch, noise, 0.3)
    values, stored, given = batch.values.numpy(), batch.stored.numpy(), arrays(weights)
    n, n_rows = len(values), len(values) + 1
    assert loss == pytest.approx(naive(given, values, stored, model, noise.asked), rel=1e-9)
    with torch.no_grad():
        model._penalise(weights, n, n_rows)

    def objective(given):
        penalty = sum((array**2).sum() for name, array in given.items() if not name.endswith("bias"))
        return (naive(given, values, stored, model, noise.asked) + n / n_rows * model.l2 / 2 * penalty) / n

    rng = np.random.default_rng(6)
    for name, array in given.items():
        place = tuple(rng.integers(size) for size in array.shape)
        sides = []
        for step in (1e-5, -1e-5):
            moved = array.copy()
            moved[place] += step
            sides.append(objective(given | {name: moved}))
        assert weights[name].grad[place].item() == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-4, abs=1e-7)


class Silent:
    """No noise."""

    def kept(self, values, _drop):
        return values

    def normal(self, like):
        return 0 * like


@pytest.mark.parametrize(
    "text",
    [
        "AutoRec(hidden=4)",
        "DenoisingAutoencoder(hidden=4)",
        "CDAE(hidden=4, negatives=none)",
        "MultDAE(hidden=5, latent=3)",
        "MultVAE(hidden=5, latent=3, beta=0)",
    ],
)
def test_what_scores_is_what_was_learned_without_the_noise(torch, text):
    model, train = create(text), ratings()
    if not model.explicit:
        train.data[:] = 1
    weights, batch = prepared(torch, model, train)
    outputs = model._decode(weights, model._encode(weights, batch)).detach().numpy()
    values, there = batch.values.numpy(), batch.stored.numpy() > 0
    if model.explicit:
        expected = np.square(outputs - values)[there].sum()
    elif isinstance(model, MultDAE | MultVAE):
        expected = -np.log(np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True))[there].sum()
    else:
        expected = -np.log(sigmoid(np.where(there, outputs, -outputs))).sum()
    assert model._loss(weights, batch, Silent(), 1.0).item() == pytest.approx(expected, rel=1e-9)


def test_beta_rises_to_its_full_value(torch):
    train = ratings()
    train.data[:] = 1
    losses = {}
    for text in ("MultVAE(annealing=0.5)", "MultVAE(annealing=0)", "MultVAE(beta=0)"):
        model = create(text, hidden=5, latent=2)
        weights, batch = prepared(torch, model, train)
        losses[text] = [model._loss(weights, batch, Fixed(torch, 1), passed).item() for passed in (0, 0.25, 0.5, 0.9)]
    rising, whole, none = losses.values()
    kl = whole[0] - none[0]
    assert kl > 0.1
    np.testing.assert_allclose(np.array(rising) - none[0], [0, kl / 2, kl, kl], atol=1e-9)
    assert whole == [whole[0]] * 4


def test_cdae_draws_so_many_of_the_other_items(torch):
    train = sparse.csr_array(np.array([[1.0, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 0, 0], [1] * 8, [1] + [0] * 7]))
    _, batch = prepared(torch, CDAE(), sparse.vstack([train, train[:1]]).tocsr())

    class Asked:
        def chosen(self, probability):
            self.probability = probability.numpy()

    asked = Asked()
    CDAE(negatives=2)._weigh(batch, asked)
    rows = asked.probability.tolist()
    assert rows[0] == [1, 1] + [pytest.approx(4 / 6)] * 6
    assert rows[1] == [1] * 8
    assert rows[2] == [1] * 8
    assert rows[3] == [1] + [pytest.approx(2 / 7)] * 7


def test_noise_has_the_probabilities_it_is_asked_for(torch):
    noise = Backend("a test", "cpu").noise(0)
    values = torch.full((400, 500), 3.0)
    kept = noise.kept(values, 0.25)
    assert set(kept.unique().tolist()) == {0.0, 4.0}
    assert kept.mean().item() == pytest.approx(3, abs=0.02)
    assert noise.chosen(torch.full((400, 500), 0.7)).mean().item() == pytest.approx(0.7, abs=0.005)
    normal = noise.normal(values)
    assert normal.mean().item() == pytest.approx(0, abs=0.01)
    assert normal.std().item() == pytest.approx(1, abs=0.01)


# --- the restricted Boltzmann machine by enumeration


def energy(w, states, hidden):
    return -(states @ w["visible_bias"] + hidden @ w["hidden_bias"] + states @ w["weights"] @ hidden)


def test_conditional_probabilities_of_the_rbm_by_enumeration(torch):
    """Two rated items with two states each, two hidden units, and one item that is not rated."""
    train = sparse.csr_array(np.array([[1.0, 2, 0], [2, 1, 0], [2, 1, 2]]))
    model = RBM(hidden=2)
    weights, batch = prepared(torch, model, train)
    given = arrays(weights)
    cases = {}
    for first, second in itertools.product(range(2), repeat=2):
        states = np.zeros((2, 3))
        states[first, 0] = states[second, 1] = 1
        for hidden in itertools.product(range(2), repeat=2):
            cases[first, second, hidden] = math.exp(-energy(given, states.ravel(), np.array(hidden)))
    states = model._states(batch)
    assert states.reshape(2, 2, 3).tolist() == [[[1, 0, 0], [0, 1, 0]], [[0, 1, 0], [1, 0, 0]]]
    got = model._hidden(weights, states).detach().numpy()
    for row, (first, second) in enumerate([(0, 1), (1, 0)]):
        alike = {hidden: p for (a, b, hidden), p in cases.items() if (a, b) == (first, second)}
        for unit in range(2):
            expected = sum(p for hidden, p in alike.items() if hidden[unit]) / sum(alike.values())
            assert got[row, unit] == pytest.approx(expected, rel=1e-9)
    for hidden in itertools.product(range(2), repeat=2):
        means = model._reconstruct(weights, torch.tensor([hidden]).double())[0].detach().numpy()
        alike = {(a, b): p for (a, b, h), p in cases.items() if h == hidden}
        for state in range(2):
            assert means[state, 0] == pytest.approx(
                sum(p for (a, _), p in alike.items() if a == state) / sum(alike.values()), rel=1e-9
            )
            assert means[state, 1] == pytest.approx(
                sum(p for (_, b), p in alike.items() if b == state) / sum(alike.values()), rel=1e-9
            )


def test_the_visible_units_start_at_the_base_rates():
    train = ratings()
    model = RBM(hidden=2)
    model._prepare(train)
    start = np.exp(model._start((14, 9), np.random.default_rng(0))["visible_bias"].reshape(5, 9))
    rates = [np.mean(train.data == level) for level in range(5)]
    np.testing.assert_allclose(start / start.sum(axis=0), np.tile(rates, (9, 1)).T)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("visible", ["softmax", "gaussian"])
@pytest.mark.parametrize("on", ["user", "item"])
def test_contrastive_divergence_step_by_step(torch, on, visible, steps):
    train = ratings(2)
    model = RBM(hidden=3, on=on, visible=visible, steps=steps)
    weights, batch = prepared(torch, model, train)
    noise, w = Fixed(torch, 8), arrays(weights)
    loss = model._gradients(weights, batch, noise, 0.0)
    assert len(noise.asked) == steps
    n_columns = batch.values.shape[1]
    n_states = 5 if visible == "softmax" else 1
    expected = {name: np.zeros(array.shape) for name, array in w.items()}
    squares = 0.0
    for row, (values, there) in enumerate(zip(batch.values.numpy(), batch.stored.numpy(), strict=True)):
        data = np.zeros((n_states, n_columns))
        for j in np.flatnonzero(there):
            if visible == "softmax":
                data[int(values[j]), j] = 1
            else:
                data[0, j] = (values[j] - train.data.mean()) / train.data.std()
        state, first = data, sigmoid(data.ravel() @ w["weights"] + w["hidden_bias"])
        last = first
        for drawn in noise.asked:
            state = np.zeros_like(data)
            for j in np.flatnonzero(there):
                fields = [
                    w["visible_bias"][k * n_columns + j] + drawn[row] @ w["weights"][k * n_columns + j]
                    for k in range(n_states)
                ]
                state[:, j] = np.exp(fields) / np.exp(fields).sum() if visible == "softmax" else fields
            last = sigmoid(state.ravel() @ w["weights"] + w["hidden_bias"])
        expected["weights"] += np.outer(state.ravel(), last) - np.outer(data.ravel(), first)
        expected["visible_bias"] += (state - data).ravel()
        expected["hidden_bias"] += last - first
        squares += ((state - data) ** 2).sum()
    for name, gradient in expected.items():
        np.testing.assert_allclose(weights[name].grad.numpy(), gradient, rtol=1e-5, atol=1e-5)
    assert loss == pytest.approx(squares, rel=1e-5)


def test_the_steps_of_the_rbm_have_momentum(torch):
    backend = Backend("a test", "cpu")
    weights = backend.weights({"weights": np.zeros(1)})
    optimizer = RBM(momentum=0.5, learning_rate=0.1)._optimizer(backend, weights)
    places = []
    for _ in range(3):
        weights["weights"].grad = torch.ones(1)
        optimizer.step()
        places.append(weights["weights"].item())
    np.testing.assert_allclose(places, [-0.1, -0.25, -0.425], rtol=1e-6)


# --- what they learn


def planted_ratings():
    """Ratings of two factors in whole steps from 1 to 5, and the third of them that is held out."""
    rng = np.random.default_rng(0)
    n_users, n_items = 150, 60
    taste = 3 + 1.3 * rng.choice([-1, 1], (n_users, 2)) @ rng.normal(0, 0.8, (2, n_items))
    values = np.clip(np.rint(taste + rng.normal(0, 0.3, taste.shape)), 1, 5)
    there = rng.random(values.shape) < 0.6
    held = there & (rng.random(values.shape) < 1 / 3)
    users, items = np.nonzero(there & ~held)
    return sparse.csr_array((values[users, items], (users, items)), shape=values.shape), values, held


@pytest.mark.parametrize(
    "text",
    [
        "AutoRec(hidden=20, epochs=150, learning_rate=0.01, l2=20)",
        "AutoRec(hidden=20, epochs=150, learning_rate=0.01, l2=20, on=user)",
        "RBM(hidden=10, l2=0.5, epochs=150, learning_rate=0.1)",
        "RBM(hidden=10, l2=0.5, epochs=150, learning_rate=0.1, on=item)",
        "RBM(hidden=10, l2=0.5, epochs=150, learning_rate=0.05, visible=gaussian)",
    ],
)
def test_models_of_ratings_beat_the_mean_of_the_item(torch, text):  # noqa: ARG001 - skips
    train, values, held = planted_ratings()
    users, items = np.nonzero(held)
    truth = values[users, items]
    there = train.toarray() > 0
    means = train.sum(axis=0) / there.sum(axis=0)
    baseline = math.sqrt(np.mean((means[items] - truth) ** 2))
    fitted = create(text, batch=30, patience=20).fit(train)
    error = math.sqrt(np.mean((fitted.predict(users, items) - truth) ** 2))
    assert error < 0.7 * baseline, (error, baseline)


def planted_choices():
    """Three groups of users with 20 items each, of which the first are the most popular; three are held out."""
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
    return sparse.csr_array(dense), held


@pytest.mark.parametrize(
    "text",
    [
        "DenoisingAutoencoder(hidden=20)",
        "CDAE(hidden=20)",
        "MultDAE(hidden=30, latent=10)",
        "MultVAE(hidden=30, latent=10)",
    ],
)
def test_models_of_choices_beat_popularity(torch, text):  # noqa: ARG001 - skips
    train, held = planted_choices()

    def precision(fitted):
        got = everything(fitted)
        got[train.toarray() > 0] = -np.inf
        best = np.argsort(-got, axis=1, kind="stable")[:, :3]
        return np.take_along_axis(held, best, axis=1).mean()

    fitted = create(text, epochs=60, learning_rate=0.01, batch=30, validation=0).fit(train)
    assert precision(fitted) > 1.5 * precision(Popularity().fit(train))


# --- what they promise


def test_the_same_seed_gives_the_same_bits(torch, call):
    state = torch.get_rng_state()
    first, second, other = (everything(create(call, epochs=3, batch=4, seed=seed).fit(ratings())) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.view(np.int64), second.view(np.int64))
    assert not np.array_equal(first, other)
    assert torch.equal(state, torch.get_rng_state())


def test_scores_do_not_depend_on_the_blocks(torch, call):  # noqa: ARG001 - skips
    fitted = create(call, epochs=2).fit(ratings(3, 40, 23))
    users = np.arange(40, dtype=np.int32)
    whole = everything(fitted)
    assert whole.flags.c_contiguous
    assert np.isfinite(whole).all()
    for n_blocks in (2, 3, 7, 40):
        parts = [fitted.score(block) for block in np.array_split(users, n_blocks)]
        np.testing.assert_array_equal(np.concatenate(parts).view(np.int64), whole.view(np.int64))
    order = np.random.default_rng(0).permutation(users)
    np.testing.assert_array_equal(fitted.score(order), whole[order])
    assert fitted.score(np.array([], np.int32)).shape == (0, 23)


def test_a_saved_model_needs_no_torch(torch, no_torch, tmp_path, call):  # noqa: ARG001 - skips
    fitted = create(call, epochs=2).fit(ratings())
    fitted.save(tmp_path / "model")
    no_torch()
    loaded = models.load(tmp_path / "model")
    assert str(loaded) == str(fitted)
    np.testing.assert_array_equal(everything(loaded).view(np.int64), everything(fitted).view(np.int64))
    if loaded.explicit:
        users, items = np.arange(9), np.arange(9)[::-1]
        np.testing.assert_array_equal(loaded.predict(users, items), everything(fitted)[users, items])


def test_codes_are_made_from_everything_and_in_parts(torch, call, monkeypatch):  # noqa: ARG001 - skips
    train = ratings(1, 30, 20)
    whole = create(call, epochs=1, validation=0).fit(train)
    monkeypatch.setattr("beyondacc.models.neural.network._SCORED", 7)
    parts = create(call, epochs=1, validation=0).fit(train)
    np.testing.assert_allclose(everything(parts), everything(whole), rtol=1e-4, atol=1e-5)


def test_what_is_held_out_is_not_learned_from_but_known(torch, monkeypatch):  # noqa: ARG001 - skips
    seen = {}
    learn = AutoRec._learn

    def spy(self, backend, fitted, held):
        seen.update(fitted=fitted, held=held)
        return learn(self, backend, fitted, held)

    monkeypatch.setattr(AutoRec, "_learn", spy)
    train = ratings()
    fitted = AutoRec(on="user", hidden=4, epochs=1, validation=0.2, seed=3).fit(train)
    parts = hold_out(train, 0.2, 3)
    for got, expected in zip(seen.values(), parts, strict=True):
        np.testing.assert_array_equal(got.toarray(), expected.toarray())
        assert got.nnz == expected.nnz
    # The weights are of what was learned from, the codes of all ratings: those of a user with a held rating differ.
    of_part = AutoRec(on="user", hidden=4, epochs=1, validation=0, seed=3).fit(parts[0])
    differs = (of_part._codes != fitted._codes).any(axis=1)
    np.testing.assert_array_equal(differs, np.diff(parts[1].indptr) > 0)


@pytest.mark.parametrize("text", ["AutoRec(hidden=4)", "AutoRec(hidden=4, on=user)", "RBM(on=item)", "RBM", "MultDAE"])
def test_validation_measures_what_is_held_out(torch, text):
    model, train = create(text), ratings()
    if not model.explicit:
        train.data[:] = 1
    learned, held = hold_out(train, 0.2, 0)
    model._prepare(train)
    backend = Backend("a test", "cpu")
    rows = [model._oriented(part.astype(np.float32)) for part in (learned, held)]
    weights = model._learn(backend, rows[0], None)
    with torch.no_grad():
        error, text = model._validate(backend, weights, *rows)
        codes = model._encode(weights, backend.batch(rows[0], np.arange(rows[0].shape[0])))
    model._keep(codes.numpy(), arrays(weights))
    model._n_users, model._n_items = train.shape
    if model.explicit:
        users, items = held.nonzero() if held.data.all() else (held.tocoo().row, held.tocoo().col)
        expected = math.sqrt(np.mean((model.predict(users, items) - held.data) ** 2))
        assert text == f"RMSE {error:.4f}"
    else:
        expected = lost_ndcg(model.score, learned, held)
        assert text == f"nDCG {1 - error:.4f}"
    assert error == pytest.approx(expected, rel=1e-5)


def test_the_weights_of_the_best_epoch_are_restored(torch, monkeypatch, call):  # noqa: ARG001 - skips
    if call.startswith("MultVAE"):
        call = call.replace(")", ", annealing=0)")  # else its loss depends on how many epochs there are
    script = []
    monkeypatch.setattr(Network, "_validate", lambda *_: (script.pop(0), "as written"))

    def run(errors, epochs):
        script[:] = errors
        told = []
        fitted = create(call, epochs=epochs, patience=3).fit(ratings(), progress=lambda *each: told.append(each))
        return everything(fitted), told

    stopped, told = run([3, 1, 2, 1, 2, 0], 50)
    assert [done for done, _, _ in told] == [1, 2, 3, 4, 5]
    assert all(total == 50 for _, total, _ in told)
    assert all(text.endswith(", validation as written") for _, _, text in told)
    best, _ = run([3, 1], 2)
    last, _ = run([5, 4, 3, 2, 1], 5)
    np.testing.assert_array_equal(stopped, best)
    assert not np.array_equal(stopped, last)


def test_without_validation_all_epochs_are_gone_through(torch, call):  # noqa: ARG001 - skips
    told = []
    create(call, epochs=4, validation=0, patience=1).fit(ratings(), progress=lambda *each: told.append(each))
    assert [each[:2] for each in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert all(text.startswith("training loss ") and "validation" not in text for _, _, text in told)


def test_a_loss_without_bounds_is_an_error(torch):  # noqa: ARG001 - skips
    with pytest.raises(SpecError, match=r"AutoRec\(.*\): the loss is \w+ after epoch \d; give a learning_rate smaller"):
        AutoRec(learning_rate=1e30, hidden=4, validation=0).fit(ratings())


@pytest.mark.parametrize("device", ["nothing", "meta", "cuda:99"])
def test_devices_that_are_not_there(torch, device):  # noqa: ARG001 - skips
    with pytest.raises(SpecError, match=rf"AutoRec: device='{device}' cannot be used \(.*\); device must be 'auto'"):
        AutoRec(device=device).fit(ratings())


def test_the_device_is_chosen(torch, monkeypatch):
    assert Backend("a test", "cpu").device.type == "cpu"
    assert Backend("a test", "auto").device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    asked = []
    zeros = torch.zeros
    monkeypatch.setattr(torch, "zeros", lambda n, device: asked.append(str(device)) or zeros(n))
    Backend("a test", "auto")
    assert asked == ["cuda"]


@pytest.mark.parametrize("cls", [DenoisingAutoencoder, MultDAE, AutoRec, RBM])
@pytest.mark.parametrize("shape", [(1, 5), (5, 1)])
def test_one_user_or_one_item(torch, cls, shape):  # noqa: ARG001 - skips
    fitted = cls(hidden=3, epochs=2, validation=0).fit(sparse.csr_array(np.full(shape, 2.0)))
    got = everything(fitted)
    assert got.shape == shape
    assert np.isfinite(got).all()
    if cls is RBM:
        np.testing.assert_allclose(got, 2.0)  # the only rating there is
