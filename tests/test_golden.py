"""Values that other projects assert in their own tests, through our public API with parameters for their conventions.

Every case of ``shared/oracles`` is mapped here, mapped in another test file, or refused with the reason.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from beyondacc.data.dataset import Dataset
from beyondacc.evaluation.evaluate import evaluate

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


def report(recs, metric, *, choices=None, **parts):
    """Evaluate lists on a dataset of such parts, by such choices."""
    return evaluate(recs, Dataset(**parts), metric, n_boot=0, **(choices or {}))


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


def numbered(table):
    """The same dict with the ids that JSON made text as numbers again, where they are."""
    return {int(key) if key.isdecimal() else key: value for key, value in table.items()}


def flagged(table):
    """``{item: [0, 1, ...]}`` as ``{item: [genres]}``."""
    return {item: [f"g{place}" for place, flag in enumerate(flags) if flag] for item, flags in numbered(table).items()}


def whole(ranking, k):
    """Say how long a list is where a case cuts it by -1: nowhere."""
    return k if k > 0 else len(ranking)


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
            choices={"users": "intersection"},
        )

    return run


golden("msrec-ndcg-10")(msrec("ndcg"))
golden("msrec-map-10")(msrec("map(denominator=relevant)"))
golden("msrec-recall-10")(msrec("recall"))
golden("msrec-rprecision-3", "msrec-rprecision-5", "msrec-rprecision-10")(msrec("r_precision"))


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
golden("ranx-dcg-a", "ranx-dcg-b", "ranx-dcg-c")(ranx("dcg"))


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


@golden("lenskit-rbp-one", "lenskit-rbp-p05")
def lenskit_rbp(inputs):
    return single(inputs["ranking"], f"rbp(p={inputs['p']})", inputs["relevant"])


@golden("ranksys-ap5")
def ranksys_ap(inputs):
    """The list has an item twice."""
    return single(inputs["ranking"], f"map@{inputs['k']}", inputs["relevant"], choices={"duplicates": "first"})


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
    # "known" tells an item without any feature from one that is not in the table; all have it, so it adds no distance
    items = {item: [*genres, "known"] for item, genres in flagged(inputs["item_features"]).items()}
    metric = f"ild(distance=hamming(normalized=false), singleton=0)@{inputs['k']}"
    return outcome(pd.DataFrame(inputs["reco"]), metric, items=items)


@golden("recpack-ild2")
def recpack_ild(inputs):
    """A user of the test set without a list counts 0."""
    items = {item: [str(feature)] for item, feature in enumerate(inputs["item_feature_index"])}
    return outcome(
        frame(inputs["pred_user_item_score"], "score"),
        f"ild@{inputs['k']}",
        items=items,
        test=frame(inputs["true_user_item"]),
        choices={"undefined": "zero"},
    )


@golden("lenskit-ils-identical", "lenskit-ils-orthogonal", "lenskit-ils-two-same")
def lenskit_ils(inputs):
    items = vectors(dict(enumerate(inputs["item_vectors"])))
    return single(list(items["items"]["item_id"]), "ils(distance=cosine, average=true)", **items)


@golden("informfully-ild")
def informfully_ild(inputs):
    return single(inputs["ranking"], "ild(distance=cosine)", **vectors(numbered(inputs["item_vectors"])))


@golden("informfully-eild")
def informfully_eild(inputs):
    """A list of two grades: relevant is the better item, and the other weighs 2^(difference of their ratings)."""
    worse, best = sorted(inputs["ranking"], key=lambda item: inputs["ratings"][item])
    grade = 2.0 ** (inputs["ratings"][worse] - inputs["ratings"][best])
    return single(
        inputs["ranking"],
        f"eild(distance=cosine, discount=exp, base={inputs['base']}, relevance=background, background={grade})",
        [best],
        **vectors(numbered(inputs["item_vectors"])),
    )


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


@golden("informfully-binomial--1", "informfully-binomial-2")
def informfully_binomial(inputs):
    user = next(int(user) for user, items in inputs["all_histories"].items() if items == inputs["user_history"])
    k = whole(inputs["ranking"], inputs["k"])
    return outcome(
        {user: inputs["ranking"]},
        f"binomial_diversity(alpha={inputs['alpha']}, root=all)@{k}",
        train=numbered(inputs["all_histories"]),
        items=flagged(inputs["item_genres"]),
    )


@golden("informfully-alpha-ndcg-b", "informfully-alpha-ndcg-c")
def informfully_alpha_ndcg(inputs):
    k = whole(inputs["ranking"], inputs["k"])
    return single(
        inputs["ranking"],
        f"alpha_ndcg(alpha={inputs['alpha']}, relevance=none, aspects=profile, ideal=sorted)@{k}",
        train={0: inputs["user_history"]},
        items=flagged(inputs["item_genres"]),
    )


@golden("rsmetrics-a-ndcg")
def rs_metrics_alpha_ndcg(inputs):
    """The aspects of an item depend on the user: each user has items of their own."""

    def own(user, items):
        return [f"{user}:{item}" for item in items]

    lists, truth = ({user: own(user, inputs[part][user]) for user in inputs[part]} for part in ("pred", "truth"))
    aspects = {}
    for user, sets in inputs["aspects"].items():
        for place, items in enumerate(sets):
            for item in own(user, items):
                aspects.setdefault(item, []).append(f"aspect {place}")
    metric = f"alpha_ndcg(alpha={inputs['alpha']})@{inputs['k']}"
    return outcome(lists, metric, test=truth, items=aspects, choices={"duplicates": "first"})


@golden("pyndeval-basic")
def ndeval(inputs):
    """Items have the subtopics for which they are judged relevant; measures by intent have the subtopics as users."""
    ranking, judged = inputs["ranking"], {}
    for subtopic, item, grade in inputs["qrels"]:
        assert grade == 1
        judged.setdefault(item, []).append(subtopic)
    unjudged = {item: [] for item in ranking if item not in judged}
    wanted = {"test": {0: list(judged)}, "items": judged | unjudged}

    def value(metric, shown=ranking):
        return single(shown, metric, **wanted)["value"]

    def mean_of_subtopics(metric):
        truth = frame([(subtopic, item) for subtopic, item, _ in inputs["qrels"]])
        return outcome(dict.fromkeys(truth.user.tolist(), ranking), metric, test=truth)["value"]

    err = "err_ia(intents=relevant)@5"
    best = ["A", "B", "C", "D"]  # a new subtopic at each of the first three ranks
    # a hit weighs 1 there and 1/2 here; the sum is divided by that of a list of which each item has all subtopics
    most = sum(0.5**rank / (rank + 1) for rank in range(5))
    return {
        "alpha-nDCG@5": value("alpha_ndcg@5"),
        "alpha-nDCG@10": value("alpha_ndcg@10"),
        "strec@5": value("subtopic_recall@5"),
        "ERR-IA@5": value(err) * 2 / most,
        "nERR-IA@5": value(err) / value(err, best),
        "P-IA@5": mean_of_subtopics("precision@5"),
        "MAP-IA": mean_of_subtopics("map(denominator=relevant)"),
    }


@golden("ranksys-intent-model")
def ranksys_intents(inputs):
    """Of a list of one relevant item that only has genre g, ERR-IA is p(g|u) / 2."""
    genres = sorted(set().union(*inputs["item_features"].values()))
    users = {user: [str(item) for item in items] for user, items in inputs["user_items"].items()}
    shares = {user: {} for user in users}
    for genre in genres:
        only = {user: ["only"] for user in users}
        items = inputs["item_features"] | {"only": [genre]}
        for user, value in outcome(only, "err_ia@1", train=users, test=only, items=items)["per_user"].items():
            shares[user][genre] = 2 * value
    return {"p": shares}


@golden("replay-catdiv-5", "replay-catdiv-10", "replay-catdiv-20")
def replay_categories(inputs):
    recs = frame(inputs["recommendations_user_category_score"], "score")
    items = {category: [str(category)] for category in recs.item.unique().tolist()}
    return outcome(recs, f"subtopic_recall(denominator=k)@{inputs['k']}", items=items)


@golden("lenskit-entropy-uniform3")
def lenskit_entropy(inputs):
    matrix = {str(item): flags for item, flags in enumerate(inputs["category_matrix"])}
    return single(list(range(len(matrix))), "genre_entropy", items=flagged(matrix))


@golden("informfully-gini-genre")
def informfully_gini(inputs):
    """Each item of the list has one genre: count the genres as Gini counts items."""
    flags = [inputs["item_genres"][str(item)] for item in inputs["ranking"]]
    recs = {place: np.flatnonzero(each).tolist() for place, each in enumerate(flags)}
    assert all(len(genres) == 1 for genres in recs.values())
    return outcome(recs, "gini", items=pd.DataFrame({"item_id": range(len(flags[0]))}))


@golden("surprise-pearson")
def surprise_pearson(inputs):
    """Each pair as a list of two; a pair without a correlation counts as 0."""
    train = frame([(user, item, rating) for user, rated in inputs["yr"].items() for item, rating in rated], "rating")
    asserted = CASES["surprise-pearson"]["expected"]["pairs"]
    pairs = {pair: [int(item) for item in pair.split(",")] for pair in asserted}
    return {"pairs": outcome(pairs, "ils(distance=pearson, missing=one)", train=train)["per_user"]}


# Calibration


def informfully_calibration(inputs, metric):
    """The profile has items several times: as often as their training values say."""
    counts = pd.Series(inputs["history"]).value_counts()
    return single(
        inputs["ranking"],
        metric,
        train=pd.DataFrame({"user": 0, "item": counts.index, "rating": counts.astype(float)}),
        items={item: [str(category)] for item, category in numbered(inputs["item_category"]).items()},
    )


@golden("informfully-kl-category")
def informfully_kl(inputs):
    return informfully_calibration(inputs, "calibration_kl(smoothing=0.001, smooth=both, profile_weight=rating)")


@golden("informfully-js-category")
def informfully_js(inputs):
    return informfully_calibration(inputs, "calibration_js(root=true, smoothing=0.001, profile_weight=rating)")


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


@golden(
    "replay-surprisal-self-5",
    "replay-surprisal-gt-3",
    "replay-surprisal-gt-5",
    "replay-surprisal-cold-5",
    "replay-surprisal-missinguser-5",
)
def replay_surprisal(inputs):
    recs, train = frame(inputs["recommendations_user_item_score"], "score"), frame(inputs["train_user_item"])
    return outcome(recs, f"self_information(normalized=true, short=k)@{inputs['k']}", train=train)


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
    made = report(shown, metrics, choices={"order": "rank"}, **parts)  # ranks repeat within a user there
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
    metric = f"unexpectedness(denominator=k)@{inputs['k']}"
    return outcome(recs, metric, train=recs[["user", "item"]], choices={"primitive": primitive})


@golden("kb2016-sur-coocc-inprofile")
def kaminskas_bridge_surprise(inputs):
    return outcome({inputs["user"]: inputs["ranking"]}, "surprise_cooccurrence", train=inputs["users"])


def msrec_serendipity(metric):
    def run(inputs):
        reco = pd.DataFrame(inputs["reco"])
        parts = {"train": pd.DataFrame(inputs["train"]), "items": flagged(inputs["item_features"])}
        parts["test"] = reco.loc[reco.relevance > 0, ["user", "item"]]
        alone = {
            f"{user}:{item}": outcome({user: [item]}, metric, **parts)["per_user"][str(user)]
            for user, item in zip(reco.user, reco.item, strict=True)
        }
        return {"per_user_item": alone, **outcome(reco[["user", "item"]], metric, **parts)}

    return run


golden("msrec-serendipity-cooc")(msrec_serendipity("serendipity(distance=cooccurrence)"))
golden("msrec-serendipity-features")(msrec_serendipity("serendipity(distance=cosine)"))


@golden("rectools-serendipity-1")
def rectools_serendipity(inputs):
    return outcome(
        pd.DataFrame(inputs["reco"]),
        f"serendipity_rank(denominator=k)@{inputs['k']}",
        train=pd.DataFrame(inputs["train"]),
        test=pd.DataFrame(inputs["test"]),
        items=pd.DataFrame({"item_id": inputs["catalog"]}),
    )


# Where else cases are mapped or refused one by one; the text is how that test file finds them.
MAPPED_ELSEWHERE = {
    "recpack-itemknn-cosine": ("test_models.py", "recpack-itemknn-cosine"),
    "recpack-ease": ("test_models.py", "recpack-ease"),
    **{
        name: ({"reranking.json": "test_diagnosis.py"}.get(case["file"], "test_rerank_golden.py"), f'"{case["file"]}"')
        for name, case in CASES.items()
        if case["file"].startswith("reranking")
    },
}
REFUSED = {
    "replay-novelty-3": "no metric of the share of a list outside the user's own training rows; with these passed as "
    "test=, it is 1 - precision(denominator=list)",
}
# What is expected in a case beside what is mapped.
PARTS_REFUSED = {
    "pyndeval-basic": {
        "alpha-DCG@5": "alpha_ndcg is always divided by its ideal",
        "NRBP": "no rank-biased measure of intents",
        "nNRBP": "no rank-biased measure of intents",
    },
}


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
    refused = PARTS_REFUSED.get(name, {})
    assert set(expected) - set(found) == set(refused)
    for key in set(expected) - set(refused):
        compare(found[key], expected[key], case["tol"], f"{name}: {key}")


def compare(found, expected, tol, place):
    if isinstance(expected, dict):
        assert set(found) == set(expected), place
        for key, value in expected.items():
            compare(found[key], value, tol, f"{place}[{key}]")
    else:
        # null stands for an undefined value
        np.testing.assert_allclose(found, np.array(expected, float), rtol=0, atol=tol, equal_nan=True, err_msg=place)
