"""Positions that are none, through everything public that takes positions: an error, never the end of the process."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from draws import draws
from scipy import sparse

import beyondacc as ba
from beyondacc import Dataset, Recommendations
from beyondacc.data.profiles import Profiles
from beyondacc.data.vocabulary import Vocabulary
from beyondacc.errors import DataError

ROOT = Path(__file__).resolve().parents[1]
N_USERS, N_ITEMS, K = 5, 8, 3


def world():
    rng = np.random.default_rng(0)
    dense = (rng.random((N_USERS, N_ITEMS)) < 0.4).astype(float)
    dense[:, 0] = dense[0] = 1
    items = pd.DataFrame({"item_id": range(N_ITEMS), "genres": ["a|b", "b", "c", "a"] * (N_ITEMS // 4)})
    return Dataset(sparse.csr_array(dense), sparse.csr_array(dense[:, ::-1]), items)


def right():
    """What `Recommendations` takes."""
    lists = np.array([[0, 1, 2], [3, -1, -1], [4, 5, -1], [-1, -1, -1], [7, 6, 5]], np.int32)
    return {
        "users": pd.Index(range(N_USERS)),
        "items": Vocabulary(pd.Index(range(N_ITEMS))),
        "lists": lists,
        "scores": np.where(lists >= 0, -np.arange(K, dtype=float), np.nan),
        "input_ranks": np.where(lists >= 0, np.arange(K, dtype=np.int32), np.int32(-1)),
    }


def put(value, row=2, rank=1):
    lists = right()["lists"]
    lists[row, rank] = value
    return lists


WRONG = [
    ({"lists": put(N_ITEMS)}, r"hold 8 in row 2, rank 2; they hold positions in items, from 0 to 7, padded with -1"),
    ({"lists": put(2**31 - 1)}, "hold 2147483647 in row 2, rank 2"),
    ({"lists": put(-2)}, "hold -2 in row 2, rank 2"),
    ({"lists": put(-(2**31))}, "hold -2147483648 in row 2, rank 2"),
    ({"lists": put(-1, 0, 0)}, "have an item after -1 in row 0, rank 2; -1 pads the end of a list"),
    ({"lists": right()["lists"].astype(np.int64)}, "array of 2 dimensions of int32"),
    ({"lists": right()["lists"].astype(float)}, "array of 2 dimensions of int32"),
    ({"lists": right()["lists"][0]}, r"ndarray of shape \(3,\) of int32; give an array of 2 dimensions"),
    ({"lists": right()["lists"].tolist()}, "are a list; give an array of 2 dimensions of int32"),
    ({"lists": right()["lists"][:-1]}, "have 5 users and 4 lists; give a row for each user"),
    ({"scores": np.ones((N_USERS, K + 1))}, r"scores of Recommendations have shape \(5, 4\)"),
    ({"scores": np.ones((N_USERS, K), complex)}, "of complex128; give a float for each item"),
    ({"scores": [1.0]}, r"scores of Recommendations have shape \(1,\) of <class 'list'>"),
    ({"input_ranks": np.zeros((1, K), np.int32)}, r"input_ranks of Recommendations have shape \(1, 3\)"),
    ({"users": list(range(N_USERS))}, "users of type list and items of type Vocabulary; give a pandas.Index and"),
    ({"items": pd.Index(range(N_ITEMS))}, "items of type .*Index; give a pandas.Index and a Vocabulary"),
    ({"items": Vocabulary(pd.Index([3]))}, "from 0 to 0"),
]


@pytest.mark.parametrize(("part", "message"), WRONG)
def test_recommendations_made_by_hand_are_checked(part, message):
    assert len(Recommendations(**right())) == N_USERS
    with pytest.raises(DataError, match=message):
        Recommendations(**{**right(), **part})


FUZZ = """
import sys
import numpy as np, pandas as pd
import beyondacc as ba
from beyondacc.data.vocabulary import Vocabulary
from beyondacc.warmup import _lists  # noqa: F401 - compiles nothing, loads all

rng = np.random.default_rng(int(sys.argv[1]))
items = pd.DataFrame({"item_id": range(30), "genres": ["a|b", "b", "c"] * 10, "year": 2000})
rows = pd.DataFrame({"user_id": rng.integers(0, 12, 90), "item_id": rng.integers(0, 30, 90)}).drop_duplicates()
data = ba.Dataset.split(rows, items)
refused = evaluated = 0
for number in range(150):
    n_items = int(rng.integers(1, 40))
    lists = rng.integers(-1, n_items, (int(rng.integers(1, 12)), int(rng.integers(1, 9)))).astype(np.int32)
    lists[:, 1:][np.cumsum(lists < 0, axis=1)[:, :-1] > 0] = -1
    if number % 3 == 0:
        lists.reshape(-1)[rng.integers(lists.size)] = rng.choice([n_items, -2, 2**31 - 1, -(2**31), n_items + 10**6])
    scores = None if number % 2 else rng.random(lists.shape)
    users = pd.Index(rng.permutation(20)[: len(lists)])
    try:
        made = ba.Recommendations(users, Vocabulary(pd.Index(rng.permutation(45)[:n_items])), lists, scores)
    except ba.DataError:
        refused += 1
        continue
    try:
        ba.evaluate(made, data, ["ndcg@5", "ild@5", "surprise_content@5", "alpha_ndcg@5", "gini@5", "personalization@5",
                                 "calibration_js@5", "unexpectedness@5", "vendi@5", "catalog_coverage@5"], n_boot=2)
        made.top(2).to_pandas()
        evaluated += 1
    except ba.BeyondAccError:
        pass
print(refused, evaluated)
"""


@pytest.mark.parametrize("seed", range(draws(2)))
def test_random_lists_made_by_hand_are_refused_or_evaluated(seed):
    done = subprocess.run(  # noqa: S603 - our own lines
        [sys.executable, "-W", "ignore", "-c", FUZZ, str(seed)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    refused, evaluated = map(int, done.stdout.split())
    assert refused >= 45
    assert evaluated >= 60


# --- scorers


class Recommends:
    """Answers as implicit does, with what it is told to."""

    def __init__(self, found, scores):
        self.found, self.scores = found, scores

    def recommend(self, userid, user_items, N=10, filter_already_liked_items=True, filter_items=None):  # noqa: ARG002, N803 - implicit's names
        return self.found[: len(userid)], self.scores[: len(userid)]


def answer(**parts):
    found = np.tile(np.arange(K, dtype=np.int32), (N_USERS, 1))
    return Recommends(
        parts.get("found", found), parts.get("scores", -np.arange(K * N_USERS, dtype=np.float32).reshape(-1, K))
    )


def with_item(value, dtype=np.int32):
    found = np.tile(np.arange(K), (N_USERS, 1)).astype(dtype)
    found[0, 2] = value
    return found


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"found": with_item(N_ITEMS)},
            r"returned the item 8 in row 0, rank 3; items are positions in data.items, from 0",
        ),
        ({"found": with_item(-2)}, "returned the item -2 in row 0, rank 3"),
        ({"found": with_item(2**32, np.int64)}, "returned the item 4294967296 in row 0"),
        ({"found": with_item(2**63, np.uint64)}, "returned the item 9223372036854775808 in row 0"),
        ({"found": with_item(1.5, float)}, r"array of shape \(5, 3\) of float64 for 5 users and N=3"),
        ({"found": with_item(1)[0]}, r"array of shape \(3,\) of int32"),
        ({"found": with_item(1)[:0]}, r"array of shape \(0, 3\) of int32"),
        ({"found": np.zeros((N_USERS, K + 1), int)}, r"array of shape \(5, 4\)"),
        ({"scores": np.zeros((N_USERS, 1))}, r"scores of shape \(5, 1\) of float64 for items of shape \(5, 3\)"),
        ({"scores": np.full((N_USERS, K), "a")}, "scores of shape .* for items"),
        ({"scores": np.full((N_USERS, K), np.nan)}, "returned the score nan in row 0, rank 1; scores must be numbers"),
        ({"scores": np.full((N_USERS, K), np.inf)}, "returned the score inf in row 0, rank 1"),
    ],
)
def test_what_a_scorer_recommends_is_checked(parts, message):
    data = world()
    with pytest.raises(DataError, match=message):
        ba.recommend(answer(**parts), data, k=K)
    with pytest.raises(DataError, match="the scorer's recommend\\(\\) returned"):
        ba.MMR().wrap(answer(**parts), data).recommend(0, k=K)


def test_padding_of_a_scorer_ends_its_list():
    data = world()
    found = with_item(1)
    found[0], found[1, 2] = [-1, 1, 2], -1
    least = np.zeros((N_USERS, K), np.float32)
    least[2, 1] = np.finfo(np.float32).min
    lists = ba.recommend(answer(found=found, scores=least), data, k=K)
    assert lists.lists[:4].tolist() == [[1, 2, -1], [0, 1, -1], [0, 2, -1], [0, 1, 2]]
    assert np.isnan(lists.scores[:3, 2]).all()
    fewer = ba.recommend(answer(found=found[:, :2], scores=least[:, :2]), data, k=K)
    assert fewer.lists[3].tolist() == [0, 1, -1]


def test_a_model_of_other_items_is_refused_before_it_scores():
    model = ba.models.Random().fit(sparse.csr_array(np.ones((N_USERS, N_ITEMS + 1))))
    with pytest.raises(
        DataError, match=r"Random was fitted on a matrix of 9 items, but the Dataset has 8; fit it on data"
    ):
        ba.recommend(model, world(), k=K)


# --- sparse matrices and profiles


def broken(form, value):
    """A matrix with an index that is outside."""
    dense = np.eye(N_USERS, N_ITEMS)
    dense[0, 1] = 1
    made = getattr(sparse, f"{form}_array")(dense)
    if form == "coo":
        made.coords[1][0] = value
    elif form == "lil":
        made.rows[0] = [0, value]
    else:
        made.indices[0] = value
    return made


@pytest.mark.parametrize("value", [N_ITEMS, 10**6, -1, -(10**6)])
@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "bsr"])
def test_sparse_matrices_with_indices_outside_are_refused(form, value):
    made, data = broken(form, value), world()
    for what, use in {
        "train": lambda: Dataset(made),
        "test": lambda: Dataset(None, made),
        "recs": lambda: ba.evaluate(made, data, "ndcg@3"),
        "the score matrix": lambda: ba.recommend(made, data, k=K),
        "EASE: train": lambda: ba.models.EASE().fit(made),
    }.items():
        with pytest.raises(DataError, match=f"^{what} is a sparse matrix that is broken .*; make it anew from rows"):
            use()


@pytest.mark.parametrize("place", [0, 1, -1])
@pytest.mark.parametrize("value", [-1, -(2**31), 2**31 - 1, 3])
@pytest.mark.parametrize("form", ["csr", "csc", "bsr"])
def test_sparse_matrices_with_offsets_outside_are_refused(form, value, place):
    made = getattr(sparse, f"{form}_array")(np.eye(N_USERS, N_ITEMS))
    made.indptr[place] = value
    for use in (Dataset, ba.models.EASE().fit, lambda given: ba.recommend(given, world(), k=K)):
        with pytest.raises(
            DataError, match=r"is a sparse matrix that is broken \(indptr must ascend from 0 to the num"
        ):
            use(made)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "bsr", "dok", "dia"])
def test_sparse_matrices_that_are_whole_are_taken(form):
    dense = np.ones((N_USERS, N_ITEMS))
    made = getattr(sparse, f"{form}_array")(dense)
    before = copy.deepcopy(made).toarray()
    assert len(Dataset(made).train.items) == N_USERS * N_ITEMS
    assert len(ba.recommend(made, world(), k=K, exclude_seen=False)) == N_USERS
    ba.models.Popularity().fit(made)
    np.testing.assert_array_equal(made.toarray(), before)


@pytest.mark.parametrize(
    ("starts", "items", "message"),
    [
        ([0, 2, 1], [1, 2], "must ascend from 0 to the number of items, 2"),
        ([0, 1, 3], [1, 2], "must ascend from 0 to the number of items, 2"),
        ([1, 1, 2], [1, 2], "must ascend from 0"),
        ([], [], "must ascend from 0"),
        ([0, 2], [1, -1], "the items of profiles hold -1; give positions of items, from 0 on"),
    ],
)
def test_profiles_made_by_hand_are_checked(starts, items, message):
    starts, items = np.array(starts, np.int64), np.array(items, np.int32)
    with pytest.raises(DataError, match=message):
        Profiles(starts, items, np.ones(len(items)))
    with pytest.raises(DataError, match="give an array of 1 dimension of int64"):
        Profiles(starts.astype(np.int32), items, np.ones(len(items)))
    with pytest.raises(DataError, match=r"values of shape .*; give one for each"):
        Profiles(np.array([0, 2]), np.array([1, 2], np.int32), np.ones(3))
