"""One user at a time: the same answer as for all users at once, and messages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import beyondacc as ba
from beyondacc.errors import DataError, SpecError
from beyondacc.rerank import RERANKERS

N_USERS, N_ITEMS = 40, 120


def made(kind):
    """A dataset whose ids are integers with gaps, dense integers or strings."""
    rng = np.random.default_rng(0)
    name = {"integer": lambda n: 7 * n + 100, "dense": int, "string": "id{}".format}[kind]
    items = pd.DataFrame(
        {
            "item_id": [name(n) for n in range(N_ITEMS)],
            "genres": ["|".join(rng.choice(list("abcdef"), rng.integers(0, 4), replace=False)) for _ in range(N_ITEMS)],
        }
    )
    train = {name(user): [name(item) for item in rng.choice(N_ITEMS, 6, replace=False)] for user in range(N_USERS)}
    data = ba.Dataset(train=train, items=items, vectors=rng.normal(size=(N_ITEMS, 5)))
    scores = rng.normal(size=(N_USERS, N_ITEMS))
    return data, scores, [name(user) for user in range(N_USERS)]


@pytest.mark.parametrize("kind", ["integer", "dense", "string"])
@pytest.mark.parametrize("name", sorted(RERANKERS))
def test_one_user_is_answered_as_all_are(name, kind):
    data, scores, users = made(kind)
    for chosen in (RERANKERS.create(name), RERANKERS.create(name, per_user=True, diversity=0.8)):
        for scorer in (scores, (scores[:, :4], np.random.default_rng(1).normal(size=(N_ITEMS, 4)))):
            recommender = chosen.wrap(scorer, data, candidates=30)
            every = recommender.recommend(k=7, users=users)
            for row, user in enumerate(users):
                found = recommender.recommend(user, k=7)
                assert found.items.tolist() == every.to_dict()[user]
                # products of factors depend on how many rows they have, in the last bit
                atol = (scorer is not scores) * 1e-12
                np.testing.assert_allclose(found.relevance, every.relevance[row, :7], rtol=0, atol=atol)
                np.testing.assert_allclose(found.gain, every.gain[row, :7], rtol=0, atol=atol)
                np.testing.assert_array_equal(found.scores, every.scores[row, :7])
                np.testing.assert_array_equal(found.input_ranks, every.input_ranks[row, :7])


def test_what_is_seen_and_how_many():
    data, scores, users = made("string")
    recommender = ba.MMR(diversity=0).wrap(scores, data, candidates=5)
    best = ba.recommend(scores, data, k=N_ITEMS, users=users, exclude_seen=False).to_dict()
    assert recommender.recommend(users[3], exclude_seen=False, k=9).items.tolist() == best[users[3]][:9]
    unseen = recommender.recommend(users[3], k=1000)  # at least k candidates, as many as there are
    assert len(unseen.items) == len(unseen.scores) == N_ITEMS - 6
    row = data.users.ids.get_loc(users[3])
    seen = data.items.ids[data.train.items[data.train.starts[row] : data.train.starts[row + 1]]]
    assert len(seen) == 6
    assert not set(unseen.items) & set(seen)


def test_all_users_by_default_and_of_another_dataset():
    data, scores, users = made("integer")
    recommender = ba.MMR().wrap(scores, data)
    assert recommender.recommend(k=3).to_dict() == recommender.recommend(data, k=3).to_dict()
    other, more, _ = made("dense")
    bare = ba.MMR().wrap(more)
    assert bare.recommend(other, k=3).to_dict() == ba.MMR().wrap(more, other).recommend(k=3).to_dict()
    assert (
        recommender.recommend(k=2, users=users[:1]).to_dict()[users[0]]
        == recommender.recommend(users[0], k=2).items.tolist()
    )


@pytest.mark.parametrize(("kind", "unknown"), [("integer", 101), ("integer", "a"), ("dense", -1), ("string", "nobody")])
def test_unknown_users(kind, unknown):
    data, scores, _ = made(kind)
    with pytest.raises(DataError, match=rf"user '?{unknown}'? is not in the Dataset; recommend to users it knows"):
        ba.MMR().wrap(scores, data).recommend(unknown)


def test_messages():
    data, scores, users = made("dense")
    with pytest.raises(SpecError, match=r"recommend needs the data: pass them to wrap\(scorer, data\), or recommend"):
        ba.MMR().wrap(scores).recommend(3)
    with pytest.raises(SpecError, match=r"recommend\(3\) is for one user; leave out users=, or the user"):
        ba.MMR().wrap(scores, data).recommend(3, users=users)
    with pytest.raises(SpecError, match="k=0 is not allowed"):
        ba.MMR().wrap(scores, data).recommend(3, k=0)
    with pytest.raises(SpecError, match=r"re-ranker MMR.* needs item features"):
        ba.MMR().wrap(scores, ba.Dataset(train={1: [2]}))
    with pytest.raises(DataError, match="the scorer returned nan for user 3"):
        ba.MMR().wrap(np.where(np.arange(N_ITEMS) == 5, np.nan, scores), data).recommend(3)


def test_vectors_are_the_datasets_own():
    vectors = np.random.default_rng(0).normal(size=(N_ITEMS, 5))
    vectors.setflags(write=False)  # as those of a file that is mapped
    data = ba.Dataset(items=pd.DataFrame({"item_id": range(N_ITEMS)}), vectors=vectors)
    lists = {user: list(range(user, user + 20)) for user in range(50)}
    before = ba.MMR(distance="cosine").rerank(lists, data).to_dict()
    vectors.setflags(write=True)
    vectors[:] = vectors[::-1].copy()
    assert ba.MMR(distance="cosine").rerank(lists, data).to_dict() == before
    assert data.vectors.flags.writeable
    assert not np.array_equal(data.vectors, vectors)
