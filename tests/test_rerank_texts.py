"""Names, texts, weights and messages of re-rankers."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rerank_worlds import ALL, EVERY, MANY, MARKS, fading, manhattan, same, world

import beyondacc as ba
from beyondacc.errors import DataError, SpecError
from beyondacc.rerank import RERANKERS

pytestmark = MARKS
every = pytest.mark.parametrize("method", EVERY, ids=str)
NAMES = sorted(RERANKERS)


# text and back

WRITTEN = [
    "MMR(diversity=0.3, normalize=rank, distance=cosine)",
    "MMR(diversity=0.0)",
    "MMR(diversity=1.0, distance=rating_cosine(center=item, support=common))",
    "MMR(diversity=0.1)",
    "MMR(diversity=0.5, renormalize=true)",
    "GreedyDiversity(diversity=0.5, renormalize=both)",
    "BinomialDiversity(diversity=0.5, part=coverage, renormalize=true)",
    "GreedyDiversity(diversity=0.3333333333333333, normalize=zscore, renormalize=true)",
    "MSD(diversity=0.5, per_user=true, distance=cosine(half=true))",
    "Cover(diversity=0.5, gamma=0.25)",
    "DPP(diversity=0.5, normalize=none, distance=jaccard, scale=2.5)",
    "TopicDiversification(diversity=0.75, distance=hamming(normalized=false))",
    "SSD(diversity=0.5, normalize=minmax, window=3, gamma=0.5, unit=false, bias=false)",
    f"SSD(diversity=0.5, window=3, recent={Path(__file__).with_name('outputs') / 'shown.csv'})",
    "XQuAD(diversity=0.5, alpha=0.0)",
    "PM2(diversity=0.5, emphasis=0.9)",
    "Calibrated(diversity=0.5, smoothing=0.1, profile_weight=rating)",
    "BinomialDiversity(diversity=0.5, alpha=1.0)",
    "Swap(diversity=0.2, distance=npmi)",
    "Novelty(diversity=0.25, normalize=none)",
    "Popularity(diversity=0.5, normalize=rank)",
    "Surprise(diversity=0.5, distance=npmi, profile=mean)",
    "Random(diversity=0.7, seed=4611686018427387904)",
]


@pytest.mark.parametrize("text", [*WRITTEN, *map(str, ALL)])
def test_text_and_back(text):
    chosen = RERANKERS.create(text)
    assert str(chosen) == repr(chosen) == text
    again = RERANKERS.create(chosen.kind).at(chosen.weight)
    assert type(again) is type(chosen)
    assert str(again) == text
    assert "diversity=" not in chosen.kind


def test_every_reranker_and_parameter_is_written():
    assert {text.partition("(")[0] for text in WRITTEN} == {*RERANKERS}
    for name, info in RERANKERS.items():
        parameters = set(info.parameters) - {"diversity", "relevance_weight", "normalize", "per_user", "distance"}
        texts = "".join(text for text in WRITTEN if text.startswith(f"{name}("))
        assert all(f"{parameter}=" in texts for parameter in parameters), name


def test_the_kind_leaves_out_the_weight():
    assert ba.MMR(diversity=0.2).kind == "MMR"
    assert ba.MMR(diversity=0.2, distance="cosine").kind == "MMR(distance=cosine)"
    assert ba.SSD(window=2, bias=False).kind == "SSD(window=2, bias=false)"
    assert RERANKERS.create(WRITTEN[2]).kind == "MMR(distance=rating_cosine(center=item, support=common))"


def test_texts_of_ones_own():
    chosen = ba.MMR(distance=ba.distance(manhattan))
    assert str(chosen) == "MMR(diversity=0.5, distance=manhattan)"
    assert RERANKERS.create(str(chosen)).distance.own is manhattan
    chosen = ba.Greedy(gain=fading, distance=manhattan, diversity=0.1)
    assert str(chosen) == "Greedy(diversity=0.1, distance=manhattan, gain=fading)"
    assert chosen.kind == "Greedy(distance=manhattan, gain=fading)"


def test_none_is_no_normalisation():
    assert ba.MMR(normalize=None).normalize == ba.MMR(normalize="none").normalize == "none"
    assert str(ba.DPP(normalize=None)) == "DPP(diversity=0.5, normalize=none)"


@pytest.mark.parametrize("name", NAMES)
def test_a_reranker_is_declared_in_full(name):
    info = RERANKERS[name]
    assert name == info.name == info.factory.__name__
    assert getattr(ba, name) is info.factory
    assert info.title
    assert info.cite
    assert info.summary.endswith(".")
    assert info.description.index("Parameters") > 0
    for parameter in info.parameters:
        assert f"\n{parameter}\n" in info.description, f"describe {parameter}"
    listed = json.loads(json.dumps(info.as_dict()))
    assert [each["name"] for each in listed["parameters"]] == list(info.parameters)
    assert all(each["domain"] for each in listed["parameters"])
    assert listed["prefix"] == info.factory.prefix
    assert all("pass " in need for need in listed["needs"])
    for text in (name, name.lower(), name.upper()):
        assert str(RERANKERS.create(text)) == f"{name}(diversity=0.5)"
    assert RERANKERS.create(name).weight == 0.5


# weights


def test_weights():
    assert ba.MMR(relevance_weight=0.75).weight == 0.25
    assert ba.MMR(relevance_weight=0.7).weight == 0.3
    assert ba.MMR(relevance_weight=0).weight == 1
    assert ba.MMR(relevance_weight=1).weight == 0
    assert ba.MMR(relevance_weight=0.2).at(0.3).weight == 0.3
    here = world("jaccard", 0)
    assert same(
        ba.MMR(relevance_weight=0.75).rerank(here.frame, here.data),
        ba.MMR(diversity=0.25).rerank(here.frame, here.data),
    )
    with pytest.raises(SpecError, match=r"MMR: diversity=0.3 and relevance_weight=0.7 were both given; give one"):
        ba.MMR(diversity=0.3, relevance_weight=0.7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan, math.inf, "much", True])
def test_wrong_weights(name, wrong):
    domain = r"=.* is not allowed; {} must be a number in \[0, 1\]"
    make = RERANKERS[name].factory
    with pytest.raises(SpecError, match=f"{name}: diversity" + domain.format("diversity")):
        make(diversity=wrong)
    with pytest.raises(SpecError, match=f"{name}: relevance_weight" + domain.format("relevance_weight")):
        make(relevance_weight=wrong)
    with pytest.raises(SpecError, match="diversity must be a number in"):
        make().at(wrong)
    data, frame = MANY()
    with pytest.raises(SpecError, match=f"{name}: diversity" + domain.format("diversity")):
        make().sweep(frame, data, [0.5, wrong])


def test_a_sweep_needs_weights():
    data, frame = MANY()
    with pytest.raises(SpecError, match="at least one"):
        ba.MMR().sweep(frame, data, [])
    for wrong in (0.5, "0.5"):
        with pytest.raises(SpecError, match=r"MMR: diversity=.* is not allowed; diversity must be several weights"):
            ba.MMR().sweep(frame, data, wrong)


# parameters


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MRM", r"there is no re-ranker 'MRM'; did you mean MMR\?"),
        ("Novelty(distance=cosine)", "Novelty has no parameter 'distance'"),
        ("Random(sed=1)", r"Random has no parameter 'sed'; did you mean seed\?"),
        ("MMR(normalize=max)", "normalize must be 'minmax', 'zscore', 'rank' or 'none'"),
        ("MMR(distance=cosinus)", "MMR: distance='cosinus' is not allowed; distance must be jaccard, cosine"),
        ("MMR(per_user=2)", "per_user must be true or false"),
        ("MMR@10", "leave out @10"),
        ("Cover(gamma=0)", r"gamma must be a number in \(0, 1\] or none"),
        ("Cover(gamma=1.5)", r"gamma must be a number in \(0, 1\] or none"),
        ("DPP(scale=0)", "scale must be a number > 0"),
        ("SSD(window=0)", "window must be a whole number >= 1 and at most 1,000,000 or none"),
        ("SSD(window=1.5)", "window must be a whole number >= 1 and at most 1,000,000 or none"),
        ("SSD(gamma=-1)", "gamma must be a number > 0"),
        ("SSD(unit=3)", "unit must be true or false"),
        ("XQuAD(alpha=2)", r"alpha must be a number in \[0, 1\]"),
        ("PM2(emphasis=-1)", r"emphasis must be a number in \[0, 1\]"),
        ("Calibrated(smoothing=0)", r"smoothing must be a number in \(0, 1\]"),
        ("Calibrated(profile_weight=all)", "profile_weight must be 'none' or 'rating'"),
        ("BinomialDiversity(alpha=1.1)", r"alpha must be a number in \[0, 1\]"),
        ("Surprise(profile=max)", "profile must be 'min' or 'mean'"),
        ("Random(seed=-1)", "seed must be a whole number >= 0"),
        ("GreedyDiversity(renormalize=5)", "renormalize must be true or false"),
    ],
)
def test_wrong_parameters(text, message):
    with pytest.raises(SpecError, match=message):
        RERANKERS.create(text)


# what the data must have

NEEDS = {
    "features": "item features; pass items= with a genres column",
    "rows": "item features or vectors; pass items= with a genres column, or vectors=",
    "train": "training rows; pass train=",
}
LACKS = {  # of a dataset of training rows alone, of one of items alone
    ba.MMR: ("features", None),
    ba.GreedyDiversity: ("features", None),
    ba.MSD: ("features", None),
    ba.Cover: ("features", None),
    ba.DPP: ("rows", None),
    ba.TopicDiversification: ("features", None),
    ba.SSD: ("rows", None),
    ba.XQuAD: ("features", "train"),
    ba.PM2: ("features", "train"),
    ba.Calibrated: ("features", "train"),
    ba.BinomialDiversity: ("features", "train"),
    ba.Swap: ("features", None),
    ba.Novelty: (None, "train"),
    ba.Popularity: (None, "train"),
    ba.Surprise: ("features", "train"),
    ba.Random: (None, None),
}


@pytest.mark.parametrize("name", NAMES)
def test_what_the_data_lack(name):
    make = RERANKERS[name].factory
    lists = {1: [2, 1, 3]}
    both = (ba.Dataset(train={1: [1, 2], 2: [1]}), ba.Dataset(items={1: ["a"], 2: ["b"], 3: ["a"]}))
    for lack, data in zip(LACKS[make], both, strict=True):
        if lack is None:
            assert make().missing(data) is None
            assert make().at(0).rerank(lists, data).to_dict() == lists
            continue
        assert make().missing(data) == NEEDS[lack]
        for diversity in (0.0, 0.5):
            with pytest.raises(SpecError) as caught:
                make(diversity=diversity).rerank(lists, data)
            assert str(caught.value) == f"re-ranker {make(diversity=diversity)} needs {NEEDS[lack]}"
        with pytest.raises(SpecError, match=f"re-ranker {name}.* needs {NEEDS[lack][:12]}"):
            make().wrap(np.ones((2, 2)), data)
    if "distance" in RERANKERS[name].parameters:
        assert make(distance="npmi").missing(ba.Dataset(items={1: ["a"]})) == NEEDS["train"]
        assert make(distance="euclidean").missing(ba.Dataset(train={1: [1]})) == NEEDS["rows"]
        if name != "Surprise":
            assert make(distance=np.zeros((1, 1))).missing(ba.Dataset(items={1: []})) is None


def test_ratings_below_zero_do_not_weigh():
    data = ba.Dataset(train={1: {1: -1.0, 2: 3.0}}, items={1: ["a"], 2: ["b"]})
    assert ba.Calibrated().missing(data) is None
    with pytest.raises(
        SpecError, match="needs training values >= 0 for profile_weight=rating; pass profile_weight=none"
    ):
        ba.Calibrated(profile_weight="rating").rerank({1: [1, 2]}, data)


def test_a_matrix_that_does_not_fit():
    data, frame = MANY()
    for method in (ba.MMR, ba.Cover, ba.Swap, ba.Surprise):
        with pytest.raises(DataError, match="the matrix of distances has 3 rows, but the Dataset has 40 items"):
            method(distance=np.zeros((3, 3))).rerank(frame, data)


# candidates


@every
def test_wrong_candidates(method):
    data, frame = MANY()
    for k in (0, -3, 1.5, "many", True):
        with pytest.raises(SpecError, match=f"k={k!r} is not allowed; k must be a whole number >= 1"):
            method.rerank(frame, data, k=k)
    twice = pd.concat([frame, frame[frame["user_id"] == 3].head(1)])
    item = frame.loc[frame["user_id"] == 3, "item_id"].iloc[0]
    with pytest.raises(DataError, match=rf"candidates lists item .*{item}.* more than once for user .*3.* "):
        method.rerank(twice[["user_id", "item_id"]], data)  # whose ranks would begin again
    with pytest.raises(DataError, match="column 'score' of candidates has no value"):
        method.rerank(frame.assign(score=np.nan), data)
    with pytest.raises(DataError, match="candidates"):
        method.rerank(frame.assign(score=np.inf), data)
    with pytest.raises(DataError, match="candidates"):
        method.rerank(frame.assign(item_id=frame["item_id"].map("i{}".format)), data)
    with pytest.raises(DataError, match="candidates"):
        method.rerank(frame.assign(user_id=frame["user_id"].map("u{}".format)), data)
    with pytest.raises(DataError, match="candidates"):
        method.rerank(frame.drop(columns="item_id"), data)
    with pytest.raises(DataError, match="candidates is an array of 2 rows"):
        method.rerank(np.zeros((2, 3), int), data)


def test_wrapped_messages():
    for candidates in (0, -1):
        with pytest.raises(
            SpecError, match=f"candidates={candidates} is not allowed; candidates must be a whole number"
        ):
            ba.MMR().wrap(np.ones((2, 2)), candidates=candidates)
    with pytest.raises(SpecError, match="k=0 is not allowed"):
        ba.Random().wrap(lambda users: np.ones((len(users), 40))).recommend(MANY()[0], k=0)
