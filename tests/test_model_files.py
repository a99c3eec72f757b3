"""Trained models as files, and what models that learn in epochs share."""

import dataclasses
import json
import math

import numpy as np
import pytest
from scipy import sparse

from beyondacc import models
from beyondacc.errors import DataError, SpecError
from beyondacc.models import EASE, MODELS, ItemKNN, Model, Random
from beyondacc.models.files import Stored, read_state, write_state
from beyondacc.models.training import Stopper, hold_out

SMALL = {"factors": 3, "epochs": 3, "k": 3}


def matrix(seed=0, n_users=14, n_items=9):
    rng = np.random.default_rng(seed)
    dense = rng.integers(1, 6, (n_users, n_items)) * (rng.random((n_users, n_items)) < 0.5)
    dense[0, 0] = 3
    return sparse.csr_array(dense.astype(float))


def small(name):
    info = MODELS[name]
    if info.factory.needs == "models":
        pytest.importorskip("implicit", reason="the extra 'models' is not installed")
    elif info.factory.needs:
        pytest.skip(f"{name} needs the extra {info.factory.needs!r} and has tests of its own")
    return MODELS.create(name, **{key: value for key, value in SMALL.items() if key in info.parameters})


# --- files


@pytest.mark.kernel
@pytest.mark.parametrize("name", list(MODELS))
def test_a_saved_model_scores_with_the_same_bits(name, tmp_path):
    fitted = small(name).fit(matrix())
    fitted.save(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    loaded = models.load(tmp_path / "model")
    assert type(loaded) is type(fitted)
    assert str(loaded) == str(fitted)
    users = np.arange(14, dtype=np.int32)
    np.testing.assert_array_equal(loaded.score(users).view(np.int64), fitted.score(users).view(np.int64))
    if fitted.explicit:
        items = np.resize(np.arange(9, dtype=np.int32), 14)
        np.testing.assert_array_equal(loaded.predict(users, items), fitted.predict(users, items))


def test_both_ways_of_ease_are_kept(tmp_path):
    for train in (matrix(1, 20, 6), matrix(1, 6, 20)):
        fitted = EASE(l2=7).fit(train)
        fitted.save(tmp_path / "ease.npz")
        loaded = EASE.load(tmp_path / "ease.npz")
        users = np.arange(train.shape[0], dtype=np.int32)
        np.testing.assert_array_equal(loaded.score(users), fitted.score(users))


def test_all_kinds_of_state_come_back(tmp_path):
    state = {
        "nothing": None,
        "numbers": [1, 2.5, True, math.inf, -0.0, 2**70],
        "text": "é",
        "scalar": np.float32(1.5),
        "nested": ((1, [np.arange(3, dtype=np.int32)]), {"inner": np.array([[1.0, 2]])}),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "array": sparse.csr_array(np.array([[0, 1.0], [2, 0]])),
        "matrix": sparse.csc_matrix(np.array([[0, 1.0], [2, 0]])),
    }
    write_state(tmp_path / "x", Stored("Name", {"a": 1, "b": None, "c": "d"}, state))
    found = read_state(tmp_path / "x")
    assert (found.name, found.parameters) == ("Name", {"a": 1, "b": None, "c": "d"})
    got = found.state
    assert got["nothing"] is None
    assert got["numbers"] == state["numbers"]
    assert [type(each) for each in got["numbers"]] == [int, float, bool, float, float, int]
    assert math.copysign(1, got["numbers"][4]) == -1
    assert got["text"] == "é"
    assert type(got["scalar"]) is np.float32
    assert got["scalar"] == 1.5
    assert type(got["nested"]) is tuple
    assert got["nested"][0][1][0].dtype == np.int32
    assert got["nested"][1]["inner"].tolist() == [[1, 2]]
    assert got["fortran"].flags.f_contiguous
    assert isinstance(got["array"], sparse.csr_array)
    assert isinstance(got["matrix"], sparse.csr_matrix)
    assert got["matrix"].toarray().tolist() == [[0, 1], [2, 0]]


@pytest.mark.parametrize("value", [object(), {1: 2}, np.array([object()]), [lambda: 0]])
def test_what_a_file_cannot_hold(value, tmp_path):
    (tmp_path / "x").write_text("older")
    with pytest.raises(DataError, match="cannot hold"):
        write_state(tmp_path / "x", Stored("Name", {}, {"a": value}))
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_text() == "older"


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    fitted = EASE().fit(matrix())
    fitted.save(tmp_path / "x")
    before = (tmp_path / "x").read_bytes()

    def fail(file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(DataError, match=r"cannot be written to .*: No space left on device; give another path"):
        fitted.save(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == before


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "x"
    with pytest.raises(DataError, match=r"cannot be read from .*: No such file"):
        models.load(path)
    with pytest.raises(DataError, match=r"cannot be written to .*: No such file"):
        EASE().fit(matrix()).save(tmp_path / "none" / "x")
    for content in (b"", b"text", b"PK\x03\x04 broken"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"is not the file of a model; give one that model\.save"):
            models.load(path)
    for arrays in ({"a": np.ones(2)}, {"header": np.array("{}")}, {"header": np.array("[1]")}):
        with path.open("wb") as file:
            np.savez(file, **arrays)
        with pytest.raises(DataError, match="is not the file of a model"):
            models.load(path)
    with path.open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(DataError, match="is not the file of a model"):
        models.load(path)
    with path.open("wb") as file:
        np.savez(file, header=np.array(json.dumps({"beyondacc model": 99})))
    with pytest.raises(DataError, match="in version 99, and this reads version 1; train and save"):
        models.load(path)


def test_nothing_in_a_file_is_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    with (tmp_path / "x").open("wb") as file:
        np.savez(file, header=np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="is not the file of a model"):
        models.load(tmp_path / "x")


def test_a_file_of_another_class(tmp_path):
    Random(seed=4).fit(matrix()).save(tmp_path / "x")
    assert models.load(tmp_path / "x").seed == 4
    with pytest.raises(SpecError, match=r"holds the model Random; load it by Random.load or models.load"):
        EASE.load(tmp_path / "x")
    write_state(tmp_path / "x", Stored("EASY", {}, {}))
    with pytest.raises(SpecError, match="there is no model 'EASY'; did you mean EASE"):
        models.load(tmp_path / "x")


def test_what_cannot_be_saved(tmp_path):
    with pytest.raises(SpecError, match=r"ItemKNN\(k=4\) has not been fitted; call fit\(train\) before save"):
        ItemKNN(k=4).save(tmp_path / "x")

    @dataclasses.dataclass(kw_only=True, repr=False, eq=False)
    class Own(Random):
        pass

    with pytest.raises(SpecError, match=r"Own is not among the declared models"):
        Own().fit(matrix()).save(tmp_path / "x")
    assert not list(tmp_path.iterdir())


# --- explicit models


@dataclasses.dataclass(kw_only=True, repr=False, eq=False)
class Echo(Model):
    """Predicts user + item / 100, and keeps what it was given."""

    explicit = True

    def _fit(self, train):
        self._train = train
        self._tell(1, 2, "half")

    def _score(self, users):
        assert users.size <= self.most
        return users[:, None] + np.arange(self._n_items) / 100

    most = 1000


def test_explicit_models_get_the_values_as_they_are():
    given = sparse.csr_array((np.array([0, -2, 5]), np.array([2, 0, 1]), [0, 2, 3]), shape=(2, 3))
    fitted = Echo().fit(given)
    assert fitted._train.dtype == np.float64
    assert fitted._train.nnz == 3
    assert fitted._train.indices.tolist() == [0, 2, 1]
    assert fitted._train.data.tolist() == [-2, 0, 5]
    assert given.indices.tolist() == [2, 0, 1]


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.coo_array, sparse.csc_matrix])
def test_ratings_that_cannot_be_used(kind):
    twice = sparse.coo_array((np.ones(3), ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    if kind is sparse.csr_array:
        twice = sparse.csr_array((np.ones(3), np.array([1, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))
    elif kind is sparse.csc_matrix:
        twice = sparse.csc_matrix((np.ones(3), np.array([1, 0, 0]), np.array([0, 1, 3])), shape=(2, 2))
    with pytest.raises(DataError, match=r"Echo: the training matrix stores 3 ratings for 2 pairs .* one rating"):
        Echo().fit(twice)
    for bad in (np.nan, np.inf):
        with pytest.raises(DataError, match=rf"the rating of user 1 and item 2 is {bad}; ratings must be finite"):
            Echo().fit(kind(np.array([[1, 1, 0], [0, 1, bad]])))


def test_predictions_are_picked_from_the_scores(monkeypatch):
    fitted = Echo().fit(matrix())
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 14, 50), rng.integers(0, 9, 50)
    for rows in (1, 3, 14):
        monkeypatch.setattr("beyondacc.models.base._BLOCK_BYTES", rows * 8 * 9)
        monkeypatch.setattr(Echo, "most", rows)
        got = fitted.predict(users, items)
        assert got.tolist() == (users + items / 100).tolist()
    assert fitted.predict([], []).tolist() == []


def test_pairs_that_cannot_be_predicted():
    with pytest.raises(SpecError, match="EASE does not learn from ratings and predicts none; models that do are"):
        EASE().fit(matrix()).predict([0], [0])
    with pytest.raises(SpecError, match=r"Echo has not been fitted; call fit\(train\) before predict\(users, items\)"):
        Echo().predict([0], [0])
    fitted = Echo().fit(matrix())
    with pytest.raises(DataError, match=r"item 9 \(position 1\) is not a column .* items must be from 0 to 8"):
        fitted.predict([0, 0], [0, 9])
    with pytest.raises(DataError, match=r"user 14 \(position 0\) is not a row"):
        fitted.predict([14], [0])
    with pytest.raises(DataError, match="2 users and 1 items are no pairs"):
        fitted.predict([0, 1], [0])


def test_progress_is_told_during_the_fit_only():
    told = []
    fitted = Echo().fit(matrix(), progress=lambda *what: told.append(what))
    assert told == [(1, 2, "half")]
    assert "_progress" not in vars(fitted)
    fitted.fit(matrix())
    assert len(told) == 1


# --- what models that learn in epochs share


@pytest.mark.parametrize("share", [0.1, 0.3, 0.9])
def test_held_out_entries(share):
    train = matrix(3, 40, 30)
    train.data[5] = 0  # an explicit zero is an entry
    left, held = hold_out(train, share, seed=1)
    assert left.shape == held.shape == train.shape
    for part in (left, held):
        assert part.has_canonical_format
    pairs = [set(zip(*part.tocoo().coords, strict=True)) for part in (left, held, train)]
    assert pairs[0] | pairs[1] == pairs[2]
    assert not pairs[0] & pairs[1]
    assert ((left + held) != train).nnz == 0
    sizes = np.diff(train.indptr)
    assert (np.diff(left.indptr)[sizes > 0] > 0).all()
    assert held.nnz == min(int(share * train.nnz + 0.5), train.nnz - np.count_nonzero(sizes))
    again, other = hold_out(train, share, seed=1)[1], hold_out(train, share, seed=2)[1]
    assert (again != held).nnz == 0
    assert (other != held).nnz > 0


def test_nothing_to_hold_out():
    with pytest.raises(DataError, match=r"validation=0.2 of 3 interactions of 3 users sets none aside"):
        hold_out(sparse.csr_array(np.eye(3)), 0.2, 0)
    with pytest.raises(DataError, match=r"sets none aside"):
        hold_out(sparse.csr_array(np.ones((2, 3))), 0.01, 0)


def test_the_best_epoch_is_remembered():
    stopper = Stopper(2)
    assert stopper.best is None
    copies = []
    for epoch, (loss, stop) in enumerate(
        [(3, False), (2, False), (math.nan, False), (1, False), (1, False), (4, True)]
    ):
        assert stopper.stop(loss, lambda epoch=epoch: copies.append(epoch) or epoch) is stop
    assert copies == [0, 1, 3]
    assert (stopper.best, stopper.loss, stopper.epoch) == (3, 1, 4)
