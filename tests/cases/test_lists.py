"""Lists as people have them: what orders them is never guessed in silence."""

import numpy as np
import pandas as pd
import pytest

import beyondacc as ba

TEST = "user_id,item_id\n1,14\n2,15\n3,16\n"


def test_a_name_for_one_file_leaves_the_others_alone(put, values):
    put(
        recs__csv="user_id,item_id,score\nq1,d2,0.1\nq1,d1,0.9\nq2,d4,0.2\nq2,d3,0.8\n",
        test__tsv="query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td3\t2\n",
    )
    for rating in ("rating=score", "test.rating=score"):
        columns = f"user=query-id,item=corpus-id,{rating}"
        found, _ = values("recs.csv", "--test", "test.tsv", "--columns", columns, "-m", "ndcg@2", "-m", "hit_rate@1")
        assert found == {"ndcg@2": 1, "hit_rate@1": 1}


def test_a_canonical_column_that_is_overridden_is_told(put, values, refusal):
    put(recs__csv="user_id,item_id,score,other\n1,9,2,1\n1,14,1,2\n", test__csv="user_id,item_id\n1,14\n")
    args = ("recs.csv", "--test", "test.csv", "-m", "reciprocal_rank@2")
    assert values(*args)[0] == {"reciprocal_rank@2": 0.5}
    found, notes = values(*args, "--columns", "recs.score=other")
    assert found == {"reciprocal_rank@2": 1}
    assert "recs: 'other' is taken for the score, and not the column 'score'" in notes
    assert refusal(*args, "--columns", "score=other").startswith(
        "--columns says that the score column is 'other', but recs has 'score' as well; say --columns recs.score=other"
    )


def test_scores_in_a_column_called_rating(put, values):
    put(
        recs__csv="query_id,item_id,rating\n1,12,0.1\n1,14,0.9\n2,11,0.1\n2,15,0.9\n3,10,0.1\n3,16,0.9\n",
        test__csv=TEST,
    )
    found, notes = values("recs.csv", "--test", "test.csv", "-m", "ndcg@2", "-m", "hit_rate@1")
    assert found == {"ndcg@2": 1, "hit_rate@1": 1}
    assert "recs: the column 'rating' is taken as the score" in notes


ROWS = {1: [(12, 0.1), (14, 0.9)], 2: [(11, 0.1), (15, 0.9)], 3: [(10, 0.1), (16, 0.9)]}


@pytest.mark.parametrize(
    "name",
    ["est", "pred", "prediction_score", "Predicted_Rating", "relevance", "value", "rating", "weight", "prob", "logits"],
)
def test_names_of_scores_are_taken_and_told(name):
    rows = [(user, item, score) for user, pairs in ROWS.items() for item, score in pairs]
    data = ba.Dataset(test={1: [14], 2: [15], 3: [16]})
    report = ba.evaluate(pd.DataFrame(rows, columns=["user_id", "item_id", name]), data, ["hit_rate@1"], n_boot=0)
    assert report["hit_rate@1"].value == 1
    assert report.reading["order"].tolist()[-1] == "score"


@pytest.mark.parametrize("name", ["label", "x", "distance", "n_clicks"])
def test_other_numbers_are_refused_with_both_ways(name):
    rows = [(user, item, score) for user, pairs in ROWS.items() for item, score in pairs]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", name])
    data = ba.Dataset(test={1: [14], 2: [15], 3: [16]})
    with pytest.raises(ba.DataError, match=rf"columns=\{{'score': '{name}'\}}.*or order='rows'"):
        ba.evaluate(frame, data, ["hit_rate@1"], n_boot=0)
    named = ba.evaluate(frame, data, ["hit_rate@1"], columns={"score": name}, n_boot=0)
    assert named["hit_rate@1"].value == 1
    assert ba.evaluate(frame, data, ["hit_rate@1"], order="rows", n_boot=0)["hit_rate@1"].value == 0
    falling = frame.sort_values(name, ascending=False, kind="stable")  # either reading gives the same lists
    assert ba.evaluate(falling, data, ["hit_rate@1"], n_boot=0)["hit_rate@1"].value == 1


def test_labels_of_0_and_1_are_no_scores():
    frame = pd.DataFrame({"user_id": [1, 1, 1], "item_id": [3, 4, 5], "relevance": [0, 1, 0]})
    with pytest.raises(ba.DataError, match="neither rank nor score but a column 'relevance' of numbers"):
        ba.evaluate(frame, ba.Dataset(test={1: [4]}), ["hit_rate@1"], n_boot=0)


RUN = "q1 Q0 d1 1 0.9 x\nq1 Q0 d2 0 0.1 x\nq1 Q0 d5 0 0.05 x\nq2 Q0 d3 1 0.8 x\nq2 Q0 d4 0 0.2 x\nq2 Q0 d6 0 0.1 x\n"


@pytest.mark.parametrize("convention", [(), ("--convention", "trec_eval")])
def test_a_run_whose_fourth_column_is_not_a_rank(put, values, convention):
    put(recs__run=RUN, test__qrels="q1 0 d1 1\nq2 0 d3 1\n")
    found, notes = values("recs.run", "--test", "test.qrels", "-m", "reciprocal_rank@3", *convention)
    assert found == {"reciprocal_rank@3": 1}
    assert any("the rank repeats within a user" in note for note in notes)


def test_scores_order_runs_and_ranks_order_tables(put, values):
    put(
        recs__run="q1 Q0 d1 1 0.1 x\nq1 Q0 d2 2 0.9 x\n",
        recs__csv="user,item,rank,score\nq1,d1,1,0.1\nq1,d2,2,0.9\n",
        test__csv="user,item\nq1,d1\n",
    )
    for name, value, decides in (("recs.run", 0.5, "score"), ("recs.csv", 1, "rank")):
        found, notes = values(name, "--test", "test.csv", "-m", "reciprocal_rank@2")
        assert found == {"reciprocal_rank@2": value}
        assert f"recs: rank and score order the lists of 1 user differently; the {decides} decides" in notes


def test_lists_of_two_models_in_one_file(put, values, refusal):
    rows = "b,1,13,1\nb,1,11,2\na,1,14,1\na,1,12,2\nb,2,13,1\nb,2,14,2\na,2,15,1\na,2,11,2\n"
    put(recs__csv=f"model,user_id,item_id,rank\n{rows}", test__csv="user_id,item_id\n1,14\n2,15\n")
    args = ("recs.csv", "--test", "test.csv", "-m", "ndcg@2")
    assert refusal(*args) == (
        "recs has a column 'model' with 2 values (such as b and a), so that it may hold several lists per user; say "
        "--columns run=model to evaluate each apart, or --order score (rank, rows) to take all rows of a user as one "
        "list"
    )
    lists = pd.read_csv("recs.csv")
    reports = ba.evaluate(lists, ba.Dataset(test="test.csv"), ["ndcg@2"], columns={"run": "model"}, n_boot=0)
    assert {name: report["ndcg@2"].value for name, report in reports.items()} == {"b": 0, "a": 1}
    # one list per user, if that is said: rank 1 of b, rank 1 of a, and so on
    assert values(*args, "--order", "rank")[0]["ndcg@2"] == pytest.approx(1 / np.log2(3))


def test_ranks_that_start_again(put, refusal):
    rows = "1,13,1\n1,11,2\n1,14,1\n1,12,2\n"
    put(recs__csv=f"user_id,item_id,rank\n{rows}", test__csv="user_id,item_id\n1,14\n")
    assert "the ranks of recs start again within user '1' (row 2" in refusal("recs.csv", "--test", "test.csv")


def test_scores_that_begin_anew():
    rng = np.random.default_rng(3)
    rows = [
        (user, 10 * part + place, score)
        for user in range(4)
        for part in range(2)
        for place, score in enumerate(sorted(rng.random(5), reverse=True))
    ]
    frame = pd.DataFrame(rows, columns=["user", "item", "score"])
    data = ba.Dataset(test={user: [0] for user in range(4)})
    with pytest.raises(ba.DataError, match=r"begin anew within user 0 .* after every 5 rows"):
        ba.evaluate(frame, data, ["ndcg@3"], n_boot=0)
    assert ba.evaluate(frame, data, ["ndcg@3"], order="score", n_boot=0)["ndcg@3"].n_users == 4
    # rows in no order are one list per user, and so are those that go through the items in the same order for all
    alike = frame.assign(score=frame["item"] % 7 % 4)
    assert ba.evaluate(alike[frame["item"] < 4], data, ["ndcg@3"], n_boot=0)["ndcg@3"].n_users == 4
    shuffled = frame.sample(frac=1, random_state=0)
    assert ba.evaluate(shuffled, data, ["ndcg@3"], n_boot=0)["ndcg@3"].n_users == 4


@pytest.mark.parametrize("size", [2, 3, 5])
def test_equal_scores_do_not_look_like_several_lists(size):
    """Rows that rise in steps, as a file that is sorted upwards has them, are one list per user."""
    data = ba.Dataset(test={0: [0], 1: [0]})
    rows = [(user, item, (item // size) * (1 + user)) for user in range(2) for item in range(20 * size)]
    frame = pd.DataFrame(rows, columns=["user", "item", "score"])
    assert ba.evaluate(frame, data, ["recall@3"], n_boot=0)["recall@3"].n_users == 2


def test_few_levels_in_no_order_seldom_look_like_several_lists():
    rng = np.random.default_rng(8)
    data = ba.Dataset(test={0: [0]})
    refused = 0
    for _ in range(400):
        users, size = rng.integers(1, 4), rng.integers(2, 4) * 2
        user = np.repeat(np.arange(users), size)
        frame = pd.DataFrame({"user": user, "item": np.tile(np.arange(size), users)})
        frame["score"] = rng.integers(1, rng.integers(2, 7), len(frame)).astype(float)
        try:
            ba.evaluate(frame, data, ["recall@3"], n_boot=0)
        except ba.DataError as error:
            assert "begin anew" in str(error)  # noqa: PT017 - seldom, not always
            refused += 1
    assert refused <= 8, refused


@pytest.mark.parametrize("method", ["min", "max", "average"])
def test_ranks_that_tied_items_share(method):
    frame = pd.DataFrame({"user": 1, "item": [5, 6, 7, 8], "s": [0.5, 0.9, 0.9, 0.1]})
    frame["rank"] = frame.pop("s").rank(ascending=False, method=method)
    found = ba.Recommendations.read(frame)
    assert found.to_dict() == {1: [6, 7, 5, 8]}


def test_lists_as_dicts_of_pairs():
    data = ba.Dataset({1: [9], 2: [9]}, {1: [14], 2: [15]})
    recs = {1: [(12, 0.1), (14, 0.9)], 2: [(15, 0.8), (11, 0.2)]}
    assert ba.evaluate(recs, data, ["ndcg@2"], n_boot=0)["ndcg@2"].value == 1
    with pytest.raises(ba.DataError, match="a set has no order"):
        ba.evaluate({1: {12, 14}}, data, ["ndcg@2"], n_boot=0)
    assert ba.Dataset({1: {9}}, {1: {14, 15}}).test.sizes.tolist() == [2]


def test_a_list_of_lists_is_one_list_per_user():
    data = ba.Dataset({1: [2], 2: [1], 3: [1]}, {1: [3], 2: [2], 3: [1]})
    recs = [[2, 1, 3], [1, 2, 3], [3, 2, 1]]
    for given in (recs, np.array(recs), [np.array(each) for each in recs]):
        value = ba.evaluate(given, data, ["reciprocal_rank@3"], n_boot=0)["reciprocal_rank@3"].value
        assert value == pytest.approx((1 / 3 + 1 / 2 + 1 / 3) / 3)
    with pytest.raises(ba.DataError, match=r"may be rows .* or one ranked list per user"):
        ba.evaluate([[1, 2], [1, 3], [2, 3]], data, ["recall@3"], n_boot=0)
    with pytest.raises(ba.DataError, match="a list of 2 lists, one per user, but the Dataset has 3 users"):
        ba.evaluate([[1, 2], [2, 3]], data, ["recall@3"], n_boot=0)


def test_a_series_of_lists_and_one_of_scores():
    data = ba.Dataset(test={"a": [14], "b": [15]})
    lists = pd.Series([[14, 12], [11, 15]], index=["a", "b"])
    assert ba.evaluate(lists, data, ["reciprocal_rank@2"], n_boot=0)["reciprocal_rank@2"].value == 0.75
    scores = pd.Series(
        [0.1, 0.9, 0.5, 0.4], index=pd.MultiIndex.from_tuples([("a", 12), ("a", 14), ("b", 15), ("b", 1)])
    )
    assert ba.evaluate(scores, data, ["reciprocal_rank@2"], n_boot=0)["reciprocal_rank@2"].value == 1


def test_tensors():
    torch = pytest.importorskip("torch")
    data = ba.Dataset({1: [2], 2: [1]}, {1: [3], 2: [2]})
    lists = torch.tensor([[2, 3], [2, 1]])
    assert ba.evaluate(lists, data, ["hit_rate@1"], n_boot=0)["hit_rate@1"].value == 0.5
    own = {1: torch.tensor([2, 3]), 2: torch.tensor([2, 1])}
    assert ba.evaluate(own, data, ["hit_rate@1"], n_boot=0)["hit_rate@1"].value == 0.5
    vectors = torch.ones((3, 2), dtype=torch.bfloat16, requires_grad=True)
    items = ba.Dataset(items=pd.DataFrame({"item_id": [1, 2, 3]}), vectors=vectors)
    assert ba.evaluate({1: [1, 2]}, items, ["ild(distance=cosine)@2"], n_boot=0)["ild(distance=cosine)@2"].value < 1e-12


def test_one_long_list_among_many_short_ones():
    n = 3_000  # with padding to the longest, 9 million places
    user = np.concatenate([np.repeat(np.arange(1, n), 10), np.zeros(n, int)])
    item = np.concatenate([np.tile(np.arange(10), n - 1), np.arange(n)])
    recs = pd.DataFrame({"user_id": user, "item_id": item, "score": -item.astype(float)})
    train = pd.DataFrame({"user_id": np.arange(n), "item_id": np.arange(n)})
    test = pd.DataFrame({"user_id": np.arange(n), "item_id": (np.arange(n) + 1) % 10})
    data = ba.Dataset(train, test)
    short, whole = (
        ba.evaluate(each, data, ["ndcg@10"], seen="drop", n_boot=0)["ndcg@10"].value
        for each in (recs[recs.item_id < 50], recs)
    )
    assert whole == short


def test_order_is_said_wherever_lists_are_taken():
    frame = pd.DataFrame({"user_id": [1, 1, 1], "item_id": [3, 4, 5], "label": [0.1, 0.9, 0.5]})
    data = ba.Dataset({1: [9]}, {1: [4]}, {3: ["a"], 4: ["b"], 5: ["a"], 9: ["a"]})
    for call in (
        lambda **how: ba.MMR(diversity=0.0).rerank(frame, data, k=2, **how).to_dict()[1],
        lambda **how: ba.sweep("MMR", frame, data, diversity=[0.0], k=2, metrics=["hit_rate"], n_boot=0, **how),
        lambda **how: ba.diagnose(frame, frame, data, ["hit_rate@1"], n_boot=0, **how),
        lambda **how: ba.explain_difference(frame, data, "ndcg@2", "ranx", **how),
    ):
        with pytest.raises(ba.DataError, match="neither rank nor score but a column 'label'"):
            call()
        assert call(order="rows") is not None
        assert call(columns={"score": "label"}) is not None


def test_arrow_data_sets_and_streams(here):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import dataset

    table = pa.table({"user_id": [1, 1], "item_id": [12, 14], "score": [0.1, 0.9]})
    (here / "lists").mkdir()
    pd.DataFrame(table.to_pandas()).to_parquet(here / "lists" / "a.parquet")
    data = ba.Dataset(test={1: [14]})
    sources = [table, table.to_batches()[0], table.to_reader(), dataset.dataset(here / "lists")]
    for source in sources:
        assert ba.evaluate(source, data, ["hit_rate@1"], n_boot=0)["hit_rate@1"].value == 1


@pytest.mark.parametrize(
    ("name", "first", "way"),
    [
        ("est", "0,1", "--decimal ,"),
        ("x", "0,1", "--decimal ,"),
        ("score_of_model", "7,25", "--decimal ,"),
        ("est", "low", "numbers"),
    ],
)
def test_texts_where_scores_stand_are_refused(put, values, refusal, name, first, way):
    put(recs__csv=f"user;item;{name}\n1;12;{first}\n1;14;0,9\n", test__csv="user_id,item_id\n1,14\n")
    args = ("recs.csv", "--test", "test.csv", "-m", "hit_rate@1")
    said = refusal(*args)
    assert f"its column '{name}' holds texts such as '{first}'" in said
    assert way in said
    assert values(*args, "--order", "rows")[0] == {"hit_rate@1": 0}
    if first == "0,1":
        named = values(*args, "--decimal", "recs=,", "--columns", f"recs.score={name}")
        assert named[0] == {"hit_rate@1": 1}


def test_titles_beside_items_order_nothing(put, values):
    put(recs__csv="user,item,title\n1,14,Seven\n1,12,Up\n", test__csv="user_id,item_id\n1,14\n")
    assert values("recs.csv", "--test", "test.csv", "-m", "hit_rate@1")[0] == {"hit_rate@1": 1}


def test_a_column_of_runs_beside_several_runs():
    frame = pd.DataFrame({"user": [1], "item": [2], "model": ["a"]})
    with pytest.raises(ba.SpecError, match="names a column of runs, but several runs were given"):
        ba.evaluate({"x": frame, "y": frame}, ba.Dataset(test={1: [2]}), ["ndcg@1"], columns={"run": "model"}, n_boot=0)
