"""What a re-ranking writes: a score that orders the lists as they are, whatever reads it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from rerank_worlds import ALL, EVERY, HOW, MANY, world

import beyondacc as ba
from beyondacc.cli.output import encode

pytestmark = pytest.mark.usefixtures("fresh_distances")
WEIGHTS = (0.0, 0.3, 0.5, 1.0)
COLUMNS = ["user_id", "item_id", "rank", "score", "relevance", "gain", "input_rank"]
METRICS = "ndcg@5,ild@5,ndcg@3,reciprocal_rank@5,serendipity_murakami@5,self_information(discount=log2)@5"


def by_score(frame, kind, seed):
    """The rows as any tool has them that sorts by score: stable or not, whatever the order they came in."""
    shuffled = frame.sample(frac=1, random_state=seed)
    return shuffled.sort_values("score", ascending=False, kind=kind).groupby("user_id", sort=False)["item_id"].agg(list)


@pytest.mark.parametrize("method", EVERY, ids=str)
@pytest.mark.parametrize("normalize", HOW)
def test_whoever_sorts_by_score_keeps_the_order(method, normalize):
    for kind in ("jaccard", "cosine of vectors"):
        here = world(kind, 3)
        made = dataclasses.replace(method, normalize=normalize).sweep(here.frame, here.data, WEIGHTS, k=12)
        for weight, lists in made.items():
            frame = lists.to_pandas()
            for sort in ("stable", "quicksort", "heapsort"):
                assert by_score(frame, sort, 5).to_dict() == lists.to_dict(), (weight, sort)
            falling = frame.groupby("user_id", sort=False)["score"].diff().dropna()
            assert (falling < 0).all()
            assert (frame["score"].astype(np.float32).groupby(frame["user_id"]).nunique() == lists.lengths).all()


@pytest.mark.parametrize("method", EVERY, ids=str)
def test_what_was_written_is_evaluated_as_the_result_is(method, tmp_path):
    frame = MANY()[1]
    test = {
        int(user): {int(item): 1.0 + item % 3} for user, item in frame.iloc[::20][["user_id", "item_id"]].to_numpy()
    }
    data = ba.Dataset(train=_train(), test=test, items=_genres())
    made = method.rerank(frame, data, k=5)
    table = made.to_pandas()
    expected = ba.evaluate(made, data, METRICS.split(","), n_boot=0).per_user_frame()
    for columns in (COLUMNS, ["user_id", "item_id", "score"], ["user_id", "item_id", "score", "relevance", "gain"]):
        for suffix in (".csv", ".tsv", ".parquet"):
            path = tmp_path / f"lists{suffix}"
            path.write_bytes(encode(table[columns].sample(frac=1, random_state=1), suffix))
            for ties in ("input", "reversed", "item"):
                found = ba.evaluate(path, data, METRICS.split(","), n_boot=0, ties=ties).per_user_frame()
                pd.testing.assert_frame_equal(found.loc[expected.index], expected, check_exact=True)
    ranked = ba.evaluate(table.drop(columns="score"), data, ["ndcg@5", "ild@5"], n_boot=0).per_user_frame()
    pd.testing.assert_frame_equal(ranked.loc[expected.index], expected[list(ranked.columns)], check_exact=True)


def _train():
    return {user: list({user * user * step % 40 % (user % 9 + 5) for step in range(1, 6)}) for user in range(600)}


def _genres():
    return {item: [f"g{item % 5}", f"h{item % 3}"] for item in range(40)}


def test_relevance_and_gain_are_those_of_the_candidates_and_the_objective():
    lists = {"u": {"a": 3.0, "b": 2.0, "c": 1.0}}
    data = ba.Dataset(items={"a": ["x"], "b": ["x"], "c": ["y"]})
    made = ba.GreedyDiversity(diversity=0.6, normalize="minmax").rerank(lists, data, k=3)
    frame = made.to_pandas()
    assert list(frame.columns) == COLUMNS
    assert frame["item_id"].tolist() == ["a", "c", "b"]
    assert frame["score"].tolist() == [1, 1 / 2, 1 / 3]
    assert frame["relevance"].tolist() == [3, 1, 2]
    assert frame["gain"].tolist() == pytest.approx([0.4, 0.6, 0.2 + 0.3])  # which does not always fall
    assert frame["input_rank"].tolist() == [1, 3, 2]
    bare = ba.MMR().rerank({"u": ["a", "b", "c"]}, data).to_pandas()
    assert list(bare.columns) == [column for column in COLUMNS if column != "relevance"]  # there was none


@pytest.mark.parametrize("method", ALL, ids=str)
def test_a_cut_takes_all_numbers_along(method):
    here = world("jaccard", 0)
    made = method.rerank(here.frame, here.data, k=6)
    whole = made.to_pandas()
    cut = made.top(3).to_pandas()
    pd.testing.assert_frame_equal(cut, whole[whole["rank"] <= 3].reset_index(drop=True))
    again = made.by_score("reversed").to_pandas()
    pd.testing.assert_frame_equal(again, whole)


def test_lists_are_ordered_by_rank_and_score_whatever_messages_call_them():
    data, frame = MANY()
    before = frame[["user_id", "item_id", "rank"]]
    made = ba.MMR(diversity=0.7).rerank(before, data, k=10)
    table = made.to_pandas().sample(frac=1, random_state=2)
    expected = ba.diagnose(ba.Recommendations.read(before, data), made, data, "ild@5", k=5, n_boot=0)
    for columns in (["user_id", "item_id", "rank"], ["user_id", "item_id", "score"]):
        found = ba.diagnose(before, table[columns], data, "ild@5", k=5, n_boot=0)
        pd.testing.assert_frame_equal(found.per_user.sort_index(), expected.per_user.sort_index())
    shown = ba.SSD(recent=table[["user_id", "item_id", "rank"]]).recent
    assert shown.lists(data).to_dict() == made.to_dict()
