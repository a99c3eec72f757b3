"""Files of models with wrong numbers in them: an error in one sentence, and never the end of the process."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from beyondacc import models
from beyondacc.errors import DataError
from beyondacc.models import MODELS
from beyondacc.models.base import Model
from beyondacc.models.files import Stored, read_state, write_state
from beyondacc.models.layout import Array, Joined, Number, Rows, Sparse, check_state

ROOT = Path(__file__).resolve().parents[1]
SMALL = {"factors": 3, "epochs": 2, "k": 3, "hidden": 4, "latent": 3, "batch": 8}
N_USERS, N_ITEMS = 14, 9

#: Loads each file, recommends and predicts; one line for each, so that a process that ends says where.
WORKER = """
import sys
import numpy as np
from scipy import sparse
import beyondacc as ba
from beyondacc import models

rng = np.random.default_rng(0)
n_users, n_items = int(sys.argv[1]), int(sys.argv[2])
dense = (rng.random((n_users, n_items)) < 0.4).astype(float)
dense[:, 0] = dense[0] = 1
data = ba.Dataset(sparse.csr_array(dense))
for path in sys.stdin.read().split():
    print(path, end=" ", flush=True)
    try:
        model = models.load(path)
        lists = ba.recommend(model, data, k=4, exclude_seen=False)
        assert len(lists) == n_users and (lists.lists < n_items).all(), "lists are wrong"
        if model.explicit:
            rows = np.arange(n_users, dtype=np.int32)
            model.predict(rows, np.resize(np.arange(n_items, dtype=np.int32), n_users))
    except ba.BeyondAccError as error:
        print("refused:", " ".join(str(error).split()), flush=True)
    except BaseException as error:
        print("raised", type(error).__name__, error, flush=True)
    else:
        print("ok", flush=True)
"""


def try_all(files, shape=(N_USERS, N_ITEMS)):
    """What comes of each file, ``{path: outcome}``; a process that ends without a word is told as its exit code."""
    outcomes, left = {}, [str(file) for file in files]
    while left:
        done = subprocess.run(  # noqa: S603 - our own lines
            [sys.executable, "-W", "error", "-c", WORKER, *map(str, shape)],
            input="\n".join(left),
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=500,
            check=False,
        )
        lines = [line.partition(" ")[::2] for line in done.stdout.splitlines()]
        outcomes |= dict(lines)
        if done.returncode:
            assert lines, done.stderr
            outcomes[lines[-1][0]] = f"ended the process with {done.returncode}"
        left = left[len(lines) :]
    return outcomes


def fitted(name, shape=(N_USERS, N_ITEMS)):
    """A small model of that name."""
    info = MODELS[name]
    rng = np.random.default_rng(0)
    dense = rng.integers(1, 6, shape) * (rng.random(shape) < 0.6)
    dense[0, 0] = 3
    made = MODELS.create(name, **{key: value for key, value in SMALL.items() if key in info.parameters})
    if info.factory.needs == "models":  # what it learns is two matrices, which need not be learned to be read
        made._users, made._items = rng.random((shape[0], 3)), rng.random((3, shape[1]))
        made._n_users, made._n_items = shape
        return made
    if info.factory.needs and importlib.util.find_spec("torch") is None:
        pytest.skip(f"the extra {info.factory.needs!r} is not installed")
    return made.fit(sparse.csr_array(dense.astype(float)))


def opened(path):
    """The text and the arrays of a file."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return json.loads(arrays.pop("header").item()), arrays


def write(path, header, arrays):
    with path.open("wb") as file:
        np.savez(file, header=np.array(json.dumps(header)), **arrays)
    return path


def changed(array):
    """``{what: array}`` of arrays that no model has learned in the place of this one."""
    found = {
        "none of it": array[:0],
        "one dimension more": array[..., None],
        "one row less": array[:-1],
        "one row more": np.concatenate([array, array[-1:]]),
        "a number": np.asarray(array.reshape(-1)[0] if array.size else 0),
        "texts": array.astype(str),
        "complex": array.astype(complex),
    }
    if array.dtype.kind != "b":
        found["booleans"] = array.astype(bool)
    if array.dtype.kind in "iu":
        high = np.iinfo(array.dtype).max
        for place in {0, array.size // 2, array.size - 1}:
            for wrong in (high, -high - 1, -1, int(array.max()) + 1000):
                found[f"{wrong} at {place}"] = array.copy()
                found[f"{wrong} at {place}"].reshape(-1)[place] = wrong
        found["wider"] = array.astype(np.int16)
        found["floats"] = array.astype(np.float64)
    if array.dtype.kind == "f":
        for wrong in (np.nan, np.inf, -np.inf):
            found[f"{wrong} at the end"] = array.copy()
            found[f"{wrong} at the end"].reshape(-1)[-1] = wrong
        found["whole numbers"] = np.nan_to_num(array).astype(np.int64)
        found["other floats"] = array.astype(np.float32 if array.dtype == np.float64 else np.float64)
    return found


def headers(header):
    """``{what: header}`` of texts that no model has written."""
    found = {}
    for key in ("_n_users", "_n_items"):
        for wrong in (0, -1, 1, 10**12, 2**70, 1.5, "9", True, None, [9]):
            found[f"{key} {wrong}"] = {**header, "state": {**header["state"], key: wrong}}
    found["a part too many"] = {**header, "state": {**header["state"], "_more": 1}}
    found["a method"] = {**header, "state": {**header["state"], "score": 1}}
    found["a class"] = {**header, "state": {**header["state"], "__class__": 1}}
    for key in header["state"]:
        found[f"without {key}"] = {**header, "state": {k: v for k, v in header["state"].items() if k != key}}
        for wrong in (
            "text",
            None,
            3,
            {"tuple": []},
            {"list": [1, 2]},
            {"array": "none"},
            {"sparse": ["a0"]},
            {},
            {"a": 1},
        ):
            if isinstance(wrong, int) and isinstance(header["state"][key], float):
                continue  # another number
            if wrong != header["state"][key] and key not in {"_n_users", "_n_items"}:
                found[f"{key} {wrong}"] = {**header, "state": {**header["state"], key: wrong}}
    for part, wrong in (("model", 3), ("model", None), ("parameters", [1]), ("state", None), ("state", 7)):
        found[f"{part} {wrong}"] = {**header, part: wrong}
    found["other parameters"] = {**header, "parameters": {**header["parameters"], "no_such": 1}}
    return found


@pytest.mark.parametrize("shape", [(N_USERS, N_ITEMS), (N_ITEMS, N_USERS)])
@pytest.mark.parametrize("name", list(MODELS))
def test_no_wrong_number_in_a_file_ends_the_process(name, shape, tmp_path):
    if shape[0] < shape[1] and name != "EASE":
        pytest.skip("learns the same for few users and for many")
    path = tmp_path / "model"
    fitted(name, shape).save(path)
    header, arrays = opened(path)
    files, harmless = {path: "nothing"}, {path}
    for key, array in arrays.items():
        for number, (what, wrong) in enumerate(changed(array).items()):
            if wrong.dtype == array.dtype and np.array_equal(wrong, array):
                continue
            files[write(tmp_path / f"{key}-{number}", header, {**arrays, key: wrong})] = f"{key} {what}"
        files[write(tmp_path / f"{key}-gone", header, {k: v for k, v in arrays.items() if k != key})] = f"without {key}"
    for number, (what, wrong) in enumerate(headers(header).items()):
        files[write(tmp_path / f"header-{number}", wrong, arrays)] = what
    for key in header["parameters"]:  # which may be others, as far as the arrays allow
        for number, value in enumerate((1, 2, 7, 10**12, 2**70)):
            extra = write(
                tmp_path / f"{key}-{number}", {**header, "parameters": {**header["parameters"], key: value}}, arrays
            )
            files[extra] = f"{key} {value}"
            harmless.add(extra)
    more = write(tmp_path / "more", header, {**arrays, "a999": np.arange(3)})
    files[more] = "an array that nothing names"
    harmless.add(more)
    outcomes = try_all(files, shape)
    wrong = {}
    for file, what in files.items():
        outcome = outcomes[str(file)]
        if outcome == "ok" and file in harmless:
            continue
        if not outcome.startswith("refused: "):
            wrong[what] = outcome
    assert not wrong
    assert outcomes[str(path)] == "ok"
    assert len(files) > 30


def test_no_file_of_other_bytes_ends_the_process(tmp_path):
    rng = np.random.default_rng(0)
    files = []
    for name in ("ItemKNN", "EASE", "UserKNNRatings", "SLIM"):
        path = tmp_path / name
        fitted(name).save(path)
        content = path.read_bytes()
        for number in range(60):
            made = bytearray(content)
            if number % 3 == 0:
                made = made[: int(rng.integers(len(made)))]
            else:
                for place in rng.integers(0, len(made), int(rng.integers(1, 6))):
                    made[place] ^= 1 << int(rng.integers(8))
            files.append(tmp_path / f"{name}-{number}")
            files[-1].write_bytes(made)
    outcomes = try_all(files)
    assert not {file: each for file, each in outcomes.items() if each != "ok" and not each.startswith("refused: ")}
    assert sum(each != "ok" for each in outcomes.values()) > 100


def test_every_model_says_what_its_file_holds():
    for name, info in MODELS.items():
        assert info.factory._layout is not Model._layout, f"{name} does not say what its file holds"


# --- messages


LAYOUT = {
    "_rows": Rows((2, 3)),
    "_floats": Array(np.float64, (2, "n")),
    "_more": Array(np.float32, (("n", 2),)),
    "_pair": (Number(), Array(np.bool_, (1,))),
    "_nothing": None,
    "_matrix": Sparse((2, 2)),
    "_joined": Joined((Rows((1, 2), 0), Rows((2, 1)))),
}


def right():
    return {
        "_rows": (np.array([0, 1, 3]), np.array([2, 0, 1], np.int32), np.ones(3)),
        "_floats": np.ones((2, 2)),
        "_more": np.ones(4, np.float32),
        "_pair": (1.5, np.array([True])),
        "_nothing": None,
        "_matrix": sparse.csr_array(np.eye(2)),
        "_joined": (
            *(np.array([0, 2]), np.array([0, 1], np.int32)),
            *(np.array([0, 1, 2]), np.array([0, 0], np.int32), np.ones(2)),
        ),
    }


def broken_matrix():
    made = sparse.csr_array(np.eye(2))
    made.indices[0] = 9
    return made


WRONG = [
    ({"_rows": None}, r"holds a NoneType as '_rows', which must be a tuple of 3"),
    ({"_rows": (np.array([0, 4, 3]), *right()["_rows"][1:])}, r"holds 3 in place 2 of '_rows\[0\]', where rows begin"),
    ({"_rows": (np.array([1, 2, 3]), *right()["_rows"][1:])}, r"holds 1 in place 0 of '_rows\[0\]', where rows begin"),
    (
        {"_rows": (right()["_rows"][0], np.array([0, 3, 1], np.int32), np.ones(3))},
        r"holds 3 in place 1 of '_rows\[1\]', whose numbers must be from 0 to 2",
    ),
    (
        {"_floats": np.array([[1, 2], [3, np.nan]])},
        r"holds nan in place \(1, 1\) of '_floats', whose numbers must be fin",
    ),
    ({"_floats": np.ones((2, 0))}, r"holds a ndarray of \(2, 0\) of float64 as '_floats', which must not be empty"),
    (
        {"_more": np.ones(3, np.float32)},
        r"holds a ndarray of \(3,\) of float32 as '_more', which must be an array of \(4,\) of float32",
    ),
    ({"_pair": (np.nan, right()["_pair"][1])}, r"holds nan as '_pair\[0\]', which must be a finite number"),
    ({"_nothing": 3}, r"holds a int as '_nothing', which must be nothing"),
    ({"_matrix": broken_matrix()}, r"holds a sparse matrix as '_matrix' that is broken"),
    (
        {"_matrix": sparse.csr_array(np.eye(3))},
        r"holds a csr_array of \(3, 3\) of float64 as '_matrix', which must be a sparse matrix of \(2, 2\) of float64",
    ),
    (
        {"_joined": (np.array([0, 1]), np.array([0], np.int32), *right()["_joined"][2:])},
        r"holds 1 entries in _joined\[0\] and 2 in _joined\[2\], which must be as many",
    ),
    ({"_further": 1}, r"holds '_further', which a file of this model must not have"),
]


@pytest.mark.parametrize(("part", "message"), WRONG)
def test_messages_name_the_array_and_the_place(part, message):
    check_state("it", right(), LAYOUT)
    with pytest.raises(DataError, match=rf"^it {message}.*; train and save the model again$"):
        check_state("it", {**right(), **part}, LAYOUT)


def test_a_part_that_is_missing_is_named():
    state = right()
    del state["_floats"]
    with pytest.raises(DataError, match="lacks '_floats', which a file of this model must have; train and save"):
        check_state("it", state, LAYOUT)


def test_a_model_of_ones_own_keeps_what_it_learns(tmp_path, monkeypatch):
    class Own(models.Random):
        def _layout(self):
            return None

    monkeypatch.setitem(MODELS, "Own", MODELS["Random"].__class__("Own", "", "", Own))
    state = {"_n_users": 2, "_n_items": 3, "_whatever": np.arange(3)}
    write_state(tmp_path / "own", Stored("Own", {"seed": 1}, state))
    assert models.load(tmp_path / "own")._whatever.tolist() == [0, 1, 2]
    for key in ("seed", "__class__"):
        write_state(tmp_path / "own", Stored("Own", {"seed": 1}, {**state, key: 5}))
        with pytest.raises(DataError, match=f"holds '{key}', which is not learned; train and save the model again"):
            models.load(tmp_path / "own")
    assert read_state(tmp_path / "own").name == "Own"
