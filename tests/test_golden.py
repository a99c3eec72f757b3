"""Values that other projects assert in their own tests, through our public API with parameters for their conventions.

Every case of ``shared/oracles`` is mapped here, mapped in another test file, or refused with the reason.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from beyondacc import distances
from beyondacc.data.dataset import Dataset
from beyondacc.evaluation import evaluate

pytestmark = pytest.mark.kernel

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "oracles"
CASES = {
    case["id"]: case | {"file": path.name}
    for path in sorted(FOLDER.glob("*.json"))
    for case in json.loads(path.read_text())["cases"]
}
needs_cases = pytest.mark.skipif(
    not CASES, reason=f"the cases of other projects are kept in {FOLDER}, which is not here"
)
GOLDEN = {}


def golden(*ids):
    """Map cases to the function that computes what they expect, under the same keys."""

    def add(function):
        for case in ids:
            assert case not in GOLDEN
            GOLDEN[case] = function
        return function

    return add


def frame(rows, *columns):
    return pd.DataFrame(rows, columns=["user", "item", *columns])


def report(recs, metric, *, duplicates="error", users="all", primitive=None, **parts):
    options = {"duplicates": duplicates, "users": users, "primitive": primitive}
    return evaluate(recs, Dataset(**parts), metric, n_boot=0, **options)


def outcome(recs, metric, **options):
    """Per-user values, their mean and the value: the same number under the names that cases use."""
    made = report(recs, metric, **options)
    value = made.value(metric)
    found = {"value": value, "mean": value}
    if made.find(metric).family.grain == "user":
        found["per_user"] = {str(user): number for user, number in made.per_user(metric).items()}
    return found


def single(ranking, metric, truth=None, **options):
    """One user, called 0."""
    if truth is not None:
        options["test"] = {0: truth}
    return outcome({0: ranking}, metric, **options)


def flagged(table):
    """``{item: [0, 1, ...]}`` as ``{item: [genres]}``."""
    return {int(item): [f"g{place}" for place, flag in enumerate(flags) if flag] for item, flags in table.items()}


def vectors(table, **options):
    """``{item: vector}`` as the parts of a dataset."""
    return {
        "items": pd.DataFrame({"item_id": list(table)}),
        "vectors": np.array(list(table.values()), float),
        **options,
    }


# Accuracy


def with_gaps_filled(reco, k):
    """RecTools takes ranks as they are, and a gap is a place where nothing is shown: an item that nobody knows."""
    lists = {}
    for user, item, rank in zip(reco["user"], reco["item"], reco["rank"], strict=True):
        if rank <= k:
            shown = lists.setdefault(user, {})
            assert rank not in shown
            shown[rank] = item
    return {user: [shown.get(rank, -rank) for rank in range(1, max(shown) + 1)] for user, shown in lists.items()}


def rectools(metric):
    def run(inputs):
        k = inputs["k"]
        truth = frame({column: inputs["interactions"][column] for column in ("user", "item")})
        found = outcome(with_gaps_filled(inputs["reco"], k), f"{metric}@{k}", test=truth)
        with_truth = {str(user) for user in truth.user}
        found["per_user"] = {user: value for user, value in found["per_user"].items() if user in with_truth}
        return found

    return run


golden("rectools-map-k1-divkFalse", "rectools-map-k3-divkFalse")(rectools("map(denominator=relevant)"))
golden("rectools-map-k1-divkTrue")(rectools("map"))  # everybody has a relevant item, so min(k, |T|) is k = 1
golden("rectools-ndcg-k1-achievableFalse", "rectools-ndcg-k3-achievableFalse")(rectools("ndcg(ideal=full)"))
golden("rectools-mrr-k1")(rectools("mrr"))
golden("rectools-precision-k2")(rectools("precision"))
golden("rectools-rprecision-k2")(rectools("precision(denominator=relevant)"))
golden("rectools-recall-k2")(rectools("recall"))


def msrec(metric):
    def run(inputs):
        # everything rated is relevant, whatever the rating
        return outcome(
            pd.DataFrame(inputs["rating_pred"]),
            f"{metric}@{inputs['k']}",
            test=pd.DataFrame(inputs["rating_true"])[["user", "item"]],
            users="intersection",
        )

    return run


golden("msrec-ndcg-10")(msrec("ndcg"))
golden("msrec-map-10")(msrec("map(denominator=relevant)"))
golden("msrec-recall-10")(msrec("recall"))


@golden("msrec-ndcg-wikipedia-6")
def wikipedia(inputs):
    truth = dict(enumerate(inputs["all_relevance"]))
    return single(list(range(len(inputs["ranked_relevance"]))), f"ndcg@{inputs['k']}", truth)


def replay(metric):
    def run(inputs):
        recs = frame(inputs["recommendations_user_item_score"], "score")
        return outcome(recs, f"{metric}@{inputs['k']}", test=frame(inputs["ground_truth_user_item"]))

    return run


golden("replay-precision-5")(replay("precision"))
golden("replay-hitrate-10")(replay("hit_rate"))
golden("replay-mrr-3", "replay-mrr-5")(replay("mrr"))
golden("replay-map-5")(replay("map"))
golden("replay-ndcg-10")(replay("ndcg"))
golden("replay-recall-5")(replay("recall"))


def recbole(metric):
    def run(inputs):
        hits = np.array(inputs["hit_matrix_rows_users_cols_ranks"])
        items = np.arange(hits.size).reshape(hits.shape)
        further = [list(range(-n, 0)) for n in np.array(inputs["n_relevant"]) - hits.sum(axis=1)]
        truth = {user: [*items[user][hits[user] > 0].tolist(), *further[user]] for user in range(len(hits))}
        metrics = [f"{metric}@{k}" for k in range(1, hits.shape[1] + 1)]
        made = report(items, metrics, test=truth)
        return {"matrix": np.column_stack([made.per_user(each) for each in metrics]).tolist()}

    return run


golden("recbole-ndcg")(recbole("ndcg"))
golden("recbole-mrr")(recbole("mrr"))
golden("recbole-map")(recbole("map"))
golden("recbole-recall")(recbole("recall"))


def ranx(metric):
    return lambda inputs: single(inputs["ranking"], f"{metric}@{inputs['k']}", inputs["qrels"])


golden("ranx-ndcg-burges-a", "ranx-ndcg-burges-c")(ranx("ndcg(gain=exp)"))
golden("ranx-ndcg-b")(ranx("ndcg"))


@golden("pytrec-ndcg-rank3", "pytrec-ndcg-cut-1", "pytrec-ndcg-cut-2", "pytrec-ndcg-cut-1000")
def trec(inputs):
    data = Dataset(test={"q": inputs["qrel"]}, threshold=1)  # a judgement of 0 is not relevant
    metric = f"ndcg@{inputs.get('k', 1000)}"
    return {"value": evaluate({"q": inputs["scores"]}, data, metric, n_boot=0).value(metric)}


@golden("lenskit-ndcg-shorter", "lenskit-ndcg-shorter-graded", "lenskit-ndcg-nomatch")
def lenskit_ndcg(inputs):
    truth = {int(item): rating for item, rating in inputs["truth"].items()}
    graded = inputs.get("gain") == "rating"
    return single(inputs["ranking"], "ndcg(discount=log2_clip)@10", truth, threshold=0, graded=graded)


@golden("lenskit-ap-a", "lenskit-ap-b", "lenskit-ap-c", "lenskit-ap-e")
def lenskit_ap(inputs):
    metric = f"map@{inputs['n']}" if inputs["n"] else "map(denominator=relevant)@20"
    return single(inputs["ranking"], metric, inputs["relevant"])


@golden("lenskit-rr-late", "lenskit-rr-trunc5")
def lenskit_rr(inputs):
    return single(inputs["ranking"], f"mrr@{inputs['n'] or 20}", inputs["relevant"])


@golden("ranksys-ap5")
def ranksys_ap(inputs):
    return single(inputs["ranking"], f"map@{inputs['k']}", inputs["relevant"], duplicates="first")  # an item twice


def rs_metrics(metric):
    return lambda inputs: outcome(inputs["pred"], f"{metric}@{inputs['k']}", test=inputs["truth"])


golden("rsmetrics-map")(rs_metrics("map"))
golden("rsmetrics-mrr")(rs_metrics("mrr"))


@golden("recmetrics-apk")
def recmetrics_apk(inputs):
    return single(inputs["ranking"], f"map(denominator=hits)@{inputs['k']}", inputs["relevant"])


@golden("cornac-ndcg2")
def cornac(inputs):
    return single(inputs["ranking"], f"ndcg@{inputs['k']}", inputs["relevant"])


# Diversity


@golden("msrec-user-diversity-features")
def msrec_diversity(inputs):
    recs = pd.DataFrame(inputs["reco"])[["user", "item"]]
    return outcome(recs, "ild(distance=cosine)", items=flagged(inputs["item_features"]))


@golden("rectools-ild-hamming-3")
def rectools_ild(inputs):
    def hamming(one, other):
        """Count the features in which two items differ."""
        return float((one != other).sum())

    # the 1 says that an item without any feature is known to have none
    items = vectors({item: [*flags, 1] for item, flags in inputs["item_features"].items()})
    metric = f"ild(distance=hamming, singleton=0)@{inputs['k']}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "DISTANCES", distances.DISTANCES.copy())
        distances.distance(hamming)
        return outcome(pd.DataFrame(inputs["reco"]), metric, **items)


@golden("lenskit-ils-identical", "lenskit-ils-orthogonal", "lenskit-ils-two-same")
def lenskit_ils(inputs):
    items = vectors(dict(enumerate(inputs["item_vectors"])))
    diversity = single(list(range(len(inputs["item_vectors"]))), "ild(distance=cosine)", **items)
    return {"value": 1 - diversity["value"]}  # a similarity


@golden("informfully-ild")
def informfully_ild(inputs):
    items = vectors({int(item): vector for item, vector in inputs["item_vectors"].items()})
    return single(inputs["ranking"], "ild(distance=cosine)", **items)


@golden("kb2016-div-c")
def kaminskas_bridge_diversity(inputs):
    return single(inputs["ranking"], "ild", items=inputs["labels"])


@golden("ranksys-binomial-model-alpha0.0", "ranksys-binomial-model-alpha0.5")
def ranksys_binomial(inputs):
    """Of two genres, a list of one item lacks exactly one: its coverage is sqrt(1 - p(g))."""
    parts = {
        "train": frame(inputs["preferences_user_item"]),
        "items": {int(item): [str(genre) for genre in genres] for item, genres in inputs["item_features"].items()},
    }
    metric = f"binomial_coverage(alpha={inputs['alpha']})"
    shown = {"1": [3], "2": [1]}  # the lists that lack genres 1 and 2
    return {"p": {g: 1 - outcome({inputs["user"]: shown[g]}, metric, **parts)["value"] ** 2 for g in shown}}


def exposure_of_genres(listed, n_genres, metric):
    """Each item of a list has one genre: count the genres as other metrics count items."""
    recs = {place: [genre] for place, (genre,) in enumerate(listed)}
    return outcome(recs, metric, items=pd.DataFrame({"item_id": range(n_genres)}))


@golden("informfully-gini-genre")
def informfully_gini(inputs):
    flags = [inputs["item_genres"][str(item)] for item in inputs["ranking"]]
    return exposure_of_genres([np.flatnonzero(each).tolist() for each in flags], len(flags[0]), "gini")


@golden("lenskit-entropy-uniform3")
def lenskit_entropy(inputs):
    matrix = np.array(inputs["category_matrix"])
    return exposure_of_genres([np.flatnonzero(each).tolist() for each in matrix], matrix.shape[1], "entropy")


# Novelty


def rectools_novelty(inputs, metric):
    train = pd.DataFrame(inputs["interactions"])
    return outcome(pd.DataFrame(inputs["reco"]), f"{metric}@{inputs['k']}", train=train)


@golden("rectools-miuf-1", "rectools-miuf-2")
def rectools_miuf(inputs):
    return rectools_novelty(inputs, "miuf")


@golden("rectools-arp-1-normFalse", "rectools-arp-1-normTrue", "rectools-arp-3-newitem")
def rectools_arp(inputs):
    return rectools_novelty(inputs, f"arp(normalized={str(inputs['normalize']).lower()})")


def popular(counts, n_users):
    """Train on so many users of each item; -1 is an item that everybody has."""
    rows = [(user, int(item)) for item, count in counts.items() for user in range(count)]
    return frame([*rows, *((user, -1) for user in range(n_users))])


@golden("recbole-averagepopularity")
def recbole_popularity(inputs):
    matrix = np.array(inputs["rec_matrix"])
    metrics = [f"arp@{k}" for k in range(1, matrix.shape[1] + 1)]
    made = report(matrix, metrics, train=popular(inputs["item_count"], len(matrix)))
    return {"matrix": np.column_stack([made.per_user(each) for each in metrics]).tolist()}


@golden("replay-surprisal-gt-3")
def replay_surprisal(inputs):
    recs = frame(inputs["recommendations_user_item_score"], "score")
    return outcome(recs, f"self_information(normalized=true)@{inputs['k']}", train=frame(inputs["train_user_item"]))


@golden("recmetrics-novelty")
def recmetrics_novelty(inputs):
    train = popular(inputs["pop"], inputs["n_users"])
    return outcome(dict(enumerate(inputs["predicted"])), f"self_information@{inputs['n']}", train=train)


# Coverage, concentration, spread


@golden("msrec-distributional-coverage")
def msrec_entropy(inputs):
    recs = pd.DataFrame(inputs["reco"])[["user", "item"]]
    return outcome(recs, "entropy", train=pd.DataFrame(inputs["train"]))


@golden("rectools-catalog-coverage")
def rectools_coverage(inputs):
    reco = pd.DataFrame(inputs["reco"])
    parts = {"items": pd.DataFrame({"item_id": range(1, inputs["catalog_size"] + 1)})}
    shown = reco[reco["rank"] <= inputs["k"]]
    metrics = [f"catalog_coverage@{inputs['k']}", f"catalog_coverage(count=true)@{inputs['k']}"]
    made = report(shown, metrics, **parts)
    return {"value": made.value(metrics[0]), "count": made.value(metrics[1])}


@golden("replay-coverage-5")
def replay_coverage(inputs):
    recs = frame(inputs["recommendations_user_item_score"], "score")
    return outcome(recs, f"catalog_coverage@{inputs['k']}", train={0: inputs["train_items"]})


@golden("recmetrics-catalog-coverage")
def recmetrics_coverage(inputs):
    items = pd.DataFrame({"item_id": inputs["catalog"]})
    share = outcome(dict(enumerate(inputs["predicted"])), "catalog_coverage", items=items)["value"]
    return {"value": 100 * share}  # in percent


@golden("jurity-inter-list")
def jurity(inputs):
    items = pd.DataFrame({"item_id": sorted(set().union(*inputs["lists"].values()))})
    return outcome(inputs["lists"], f"personalization@{inputs['k']}", items=items)


# Surprise, unexpectedness, serendipity


@golden(*(f"replay-unexpectedness-{k}" for k in (2, 3, 5, 10, 20)))
def replay_unexpectedness(inputs):
    recs = frame(inputs["recommendations_user_item_score"], "score")
    primitive = frame(inputs["base_user_item_score"], "score")
    parts = {"train": recs[["user", "item"]], "primitive": primitive}
    return outcome(recs, f"unexpectedness(denominator=k)@{inputs['k']}", **parts)


@golden("kb2016-sur-coocc-inprofile")
def kaminskas_bridge_surprise(inputs):
    return outcome({inputs["user"]: inputs["ranking"]}, "surprise_cooccurrence", train=inputs["users"])


@golden("msrec-serendipity-features")
def msrec_serendipity(inputs):
    """Item by item, as lists of one: the mean distance to the profile; what is not relevant weighs 0."""
    parts = {"train": pd.DataFrame(inputs["train"]), "items": flagged(inputs["item_features"])}
    metric = "surprise_content(distance=cosine, profile=mean)"
    reco = inputs["reco"]
    return {
        "per_user_item": {
            f"{user}:{item}": relevance * outcome({user: [item]}, metric, **parts)["value"]
            for user, item, relevance in zip(reco["user"], reco["item"], reco["relevance"], strict=True)
        }
    }


# Where else cases are mapped or refused one by one; the text is how that test file finds them.
MAPPED_ELSEWHERE = {
    "recpack-itemknn-cosine": ("test_models.py", "recpack-itemknn-cosine"),
    "recpack-ease": ("test_models.py", "recpack-ease"),
    **{
        name: ("test_rerank.py", '"reranking*.json"')
        for name, case in CASES.items()
        if case["file"].startswith("reranking")
    },
}
NOT_BUILT = {
    "calibration": ("informfully-kl-category", "informfully-js-category"),
    "eild": ("informfully-eild",),
    "alpha_ndcg, err_ia and the other metrics of intents": (
        "informfully-alpha-ndcg-b",
        "informfully-alpha-ndcg-c",
        "rsmetrics-a-ndcg",
        "pyndeval-basic",
        "ranksys-intent-model",
    ),
    "the number of genres of a list": ("replay-catdiv-5", "replay-catdiv-10", "replay-catdiv-20"),
    "r_precision": ("msrec-rprecision-3", "msrec-rprecision-5", "msrec-rprecision-10"),
    "dcg": ("ranx-dcg-a", "ranx-dcg-b", "ranx-dcg-c"),
    "rbp": ("lenskit-rbp-one", "lenskit-rbp-p05"),
    "serendipity over the cosine of co-occurrences": ("msrec-serendipity-cooc",),
    "serendipity_rank": ("rectools-serendipity-1",),
    "the share of a list outside the profile": ("replay-novelty-3",),
    "similarities of ratings": ("surprise-pearson",),
}
OTHER_CONVENTION = {
    "recpack-ild2": "counts a user without a list as a list of diversity 0; METRICS leaves such users out",
    "informfully-binomial--1": "takes the root of non-redundancy by all genres, Vargas et al. by those of the list",
    "informfully-binomial-2": "takes the root of non-redundancy by all genres, Vargas et al. by those of the list",
    **dict.fromkeys(
        (
            "replay-surprisal-self-5",
            "replay-surprisal-gt-5",
            "replay-surprisal-cold-5",
            "replay-surprisal-missinguser-5",
        ),
        "divides by k where a list is shorter; METRICS divides means over items by the length of the list",
    ),
}
REFUSED = {case: f"not built: {what}" for what, ids in NOT_BUILT.items() for case in ids} | OTHER_CONVENTION


@needs_cases
def test_every_case_is_mapped_or_refused():
    told = [*GOLDEN, *MAPPED_ELSEWHERE, *REFUSED]
    assert len(told) == len(set(told)), "a case is told twice"
    assert set(told) == set(CASES)


def test_what_is_mapped_elsewhere_is_there():
    for case, (name, text) in MAPPED_ELSEWHERE.items():
        assert text in (Path(__file__).parent / name).read_text(), case


@needs_cases
@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name):
    case = CASES[name]
    found = GOLDEN[name](case["inputs"])
    expected = case["expected"]
    shared = {key: value for key, value in expected.items() if key in found}
    assert shared, f"{sorted(found)} are not what is expected: {sorted(expected)}"
    for key, value in shared.items():
        compare(found[key], value, case["tol"], f"{name}: {key}")


def compare(found, expected, tol, place):
    if isinstance(expected, dict):
        assert set(found) == set(expected), place
        for key, value in expected.items():
            compare(found[key], value, tol, f"{place}[{key}]")
    else:
        # null stands for an undefined value
        np.testing.assert_allclose(found, np.array(expected, float), rtol=0, atol=tol, equal_nan=True, err_msg=place)


@needs_cases
def test_users_without_a_list_are_left_out_and_not_zero():
    inputs = CASES["recpack-ild2"]["inputs"]
    items = {item: [str(feature)] for item, feature in enumerate(inputs["item_feature_index"])}
    recs, truth = frame(inputs["pred_user_item_score"], "score"), frame(inputs["true_user_item"])
    made = report(recs, "ild@2", items=items, test=truth)
    assert made.value("ild@2") == 1 / 2
    assert made["ild@2"].n_undefined == 1
    assert made["ild@2"].n_users == 2
