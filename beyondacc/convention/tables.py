"""What eleven tools compute, as read in their sources: a plain table a tool.

The keys of a table are the attributes of `beyondacc.convention.Convention`; values of parameters are written as in the
names of metrics. Only what differs from our defaults is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["TABLES"]

_EVERY_ROW = "Every test row is relevant, whatever its value."
_SHIFTED = "Its gain is 2^(v - threshold + 1) - 1: pass test values v - threshold + 1 and threshold=1, graded=True."
_NO_CUTOFF = "It has no cutoff: take a k that no list exceeds."
_ALL_RELEVANT = "It has no cutoff: take a k that no user's number of relevant items exceeds."
_LEVEL = (
    "Values of test rows are gains, whole numbers, and those below level 1 do not count; for another level l pass "
    "threshold=l, graded=True. Users whose test rows are all below it count 0."
)
_ROWS = "It counts rows: a training row given twice counts twice there, and once here."
_TWICE = (
    "An item that stands twice in a list counts twice there; here it is an error, or counts once with duplicates=first."
)
_PADDED = "It counts the padding as an item: pass items= with the items of all rows and one more."
_BINOMIAL = (
    "Name alpha and relevant_only as there. With alpha=1 the non-redundancy takes its root by all listed genres there, "
    "by those of the profile here."
)
_BACKGROUND = "With background relevance: there for items without a test row, here for all that are not relevant."
_FULL_LISTS = "Equal where all lists have k items: there each list weighs 1, whatever its length."


def _plain(*names: str) -> dict[str, dict[str, Any]]:
    """Name metrics that are as ours."""
    return {name: {} for name in names}


def _each(names: Iterable[str], **choices: Any) -> dict[str, dict[str, Any]]:
    """Give several metrics the same choices of their own."""
    return {name: dict(choices) for name in names}


#: Metrics of RankSys that look at the test set, and those of a list alone.
_RANKSYS_TRUTH = (
    *("precision", "recall", "f1", "ndcg", "average_precision", "reciprocal_rank"),
    *("alpha_ndcg", "err_ia"),
)
_RANKSYS_LISTS = (
    *("ild", "eild", "epc", "efd", "epd", "subtopic_recall"),
    *("binomial_diversity", "binomial_coverage", "binomial_nonredundancy"),
)


TABLES: dict[str, dict[str, Any]] = {
    "rectools": {
        "title": "RecTools",
        "source": "rectools 0.19.0, rectools/metrics; run",
        "data": f"{_EVERY_ROW} The catalogue is the argument catalog: pass items=. Lists go by rank, not by score. "
        f"{_TWICE}",
        "relevance": {"zeros": "relevant"},
        "policy": {"gains": "binary"},
        "policies": {"serendipity_rank": {"users": "recommended", "undefined": "zero"}},
        "metrics": {
            **_plain(
                "reciprocal_rank",
                "precision",
                "recall",
                "f1",
                "hit_rate",
                "self_information",
                "mean_popularity",
                "serendipity_rank",
                "user_coverage",
            ),
            "ndcg": {"ideal": "full"},
            "average_precision": {"denominator": "relevant"},
            "ild": {"distance": "hamming(normalized=false)", "singleton": 0.0},
            "catalog_coverage": {"count": True},
        },
        "notes": {
            "ndcg": "With divide_by_achievable=True it is ndcg with gains=binary and no convention.",
            "average_precision": "With divide_by_k=True it is average_precision(denominator=k).",
            "precision": "With r_precision=True it is precision(denominator=relevant).",
            "f1": "F1Beta with beta=1.",
            "mean_popularity": f"{_ROWS} With normalize=True it is mean_popularity(normalized=true).",
            "ild": "With Hamming distances over a column a genre. Items without genres have distances there, not here.",
            "serendipity_rank": _ROWS,
            "catalog_coverage": "Equal where no list shows an item outside the catalogue. With normalize=True it is "
            "catalog_coverage with no convention.",
        },
        "differs": {},
    },
    "recbole": {
        "title": "RecBole",
        "source": "recbole 1.2.1, recbole/evaluator; run, recbole/trainer and recbole/data; read",
        "data": f"{_EVERY_ROW} Training and validation items are masked before the ranking, so that every list has k "
        "items. Values are rounded to 4 digits.",
        "relevance": {"zeros": "relevant"},
        "policy": {"users": "tested", "gains": "binary", "seen": "drop"},
        "metrics": {
            **_plain(
                "ndcg",
                "precision",
                "recall",
                "hit_rate",
                "average_precision",
                "reciprocal_rank",
                "mean_popularity",
                "catalog_coverage",
            ),
            "gini": {"denominator": "n"},
        },
        "notes": {
            "catalog_coverage": _PADDED,
            "gini": _PADDED,
        },
        "differs": {
            "entropy": "it is in nats and divided by the number of items shown; take entropy, times ln 2, divided by "
            "catalog_coverage(count=true)",
            "aplt": "its tail is the rarest tenth of the items seen in training, not what lies behind 80 % of the rows",
        },
    },
    "ranx": {
        "title": "ranx",
        "source": "ranx 0.3.21, ranx/metrics; run, ranx/meta/evaluate.py; read",
        "data": f"{_LEVEL} More than about 15 equal scores come in no certain order.",
        "relevance": {"threshold": 1.0, "graded": True},
        "policy": {"users": "judged", "undefined": "zero"},
        "metrics": {
            **_plain("ndcg", "dcg", "precision", "recall", "f1", "hit_rate", "reciprocal_rank", "r_precision", "rbp"),
            "average_precision": {"denominator": "relevant"},
        },
        "notes": {
            "ndcg": "ndcg_burges is ndcg(gain=exp).",
            "dcg": "dcg_burges is dcg(gain=exp).",
            "precision": "Without a cutoff it is precision(denominator=list) at a k that no list exceeds.",
            "r_precision": _ALL_RELEVANT,
            "rbp": f"Equal where all gains are 1: there a hit weighs its gain. Name the patience, p=. {_NO_CUTOFF}",
        },
        "differs": {},
    },
    "trec_eval": {
        "title": "trec_eval",
        "source": "pytrec-eval-terrier 0.5.11; run, usnistgov/trec_eval dc0c991; read",
        "data": f"{_LEVEL} ndcg and dcg always take level 1. With -c topics without a list count 0: pass "
        'users="judged".',
        "relevance": {"threshold": 1.0, "graded": True},
        "policy": {"users": "judged-intersection", "undefined": "zero", "ties": "item"},
        "metrics": {
            **_plain("ndcg", "dcg", "precision", "recall", "hit_rate", "reciprocal_rank", "r_precision", "f1"),
            "average_precision": {"denominator": "relevant"},
            "rbp": {"p": 0.9},
        },
        "notes": {
            "ndcg": "As ndcg_cut; ndcg has no cutoff.",
            "dcg": f"In later releases. {_NO_CUTOFF}",
            "average_precision": "As map_cut; map has no cutoff.",
            "reciprocal_rank": _NO_CUTOFF,
            "r_precision": _ALL_RELEVANT,
            "f1": "Equal where all lists have exactly k items: set_F divides by the length of the list.",
            "rbp": f"Equal where all gains are 1: there a hit weighs its gain. {_NO_CUTOFF}",
        },
        "differs": {},
    },
    "replay": {
        "title": "RePlay",
        "source": "replay-rec 0.22.0, replay/metrics; the pandas version run",
        "data": f"{_EVERY_ROW} Equal scores go by item id, descending, whole numbers as numbers.",
        "relevance": {"zeros": "relevant"},
        "policy": {"gains": "binary", "ties": "number"},
        "metrics": {
            **_plain(
                "ndcg", "precision", "recall", "hit_rate", "average_precision", "reciprocal_rank", "catalog_coverage"
            ),
            "self_information": {"normalized": True, "short": "k"},
            "unexpectedness": {"denominator": "k"},
            "subtopic_recall": {"denominator": "k"},
        },
        "notes": {
            "self_information": "Called Surprisal.",
            "catalog_coverage": "The catalogue is the training items: pass no items=.",
            "unexpectedness": "With the base lists as primitive=. A user without one counts 0 there and 1 here.",
            "subtopic_recall": "Called CategoricalDiversity and takes one category an item.",
        },
        "differs": {},
    },
    "recommenders": {
        "title": "Recommenders",
        "source": "recommenders 1.2.1, recommenders/evaluation/python_evaluation.py; run",
        "data": f"{_EVERY_ROW} The catalogue is the training items. What is not accuracy has no cutoff there: pass "
        f"lists of k items, or a k that none exceeds. {_TWICE}",
        "relevance": {"zeros": "relevant"},
        "policy": {"gains": "binary"},
        "policies": {
            "precision": {"users": "intersection"},
            "recall": {"users": "intersection"},
            "average_precision": {"users": "intersection"},
            "serendipity": {"users": "recommended", "undefined": "zero"},
        },
        "metrics": {
            **_plain("ndcg", "precision", "recall", "average_precision", "catalog_coverage", "entropy"),
            "ild": {"distance": "cooccurrence", "missing": "one"},
            "self_information": {"denominator": "interactions", "cold": "drop", "short": "mean"},
            "efd": {"cold": "drop", "short": "mean"},
            "surprise_content": {"distance": "cooccurrence", "profile": "mean", "missing": "one"},
            "serendipity": {"missing": "one"},
        },
        "notes": {
            "ndcg": 'With score_type="raw" or "exp" it is ndcg or ndcg(gain=exp) with no convention, which leaves out '
            "users whose gains are all 0 as well.",
            "average_precision": "As map_at_k; map is average_precision(denominator=relevant) on lists of k items.",
            "ild": f"{_ROWS} With item features it is ild(distance=cosine).",
            "self_information": f"Called novelty, a mean over the rows of all lists. {_ROWS}",
            "efd": f"Called novelty, a mean over the rows of all lists. {_ROWS}",
            "surprise_content": f"Called serendipity, with col_relevance=None, the default. {_ROWS}",
            "serendipity": "With a column of relevance, 0 or 1. A user without training rows counts 0 here, not there. "
            f"{_ROWS}",
            "catalog_coverage": "Equal where all listed items are in the training rows.",
            "entropy": "Called distributional_coverage. Equal where all listed items are in the catalogue.",
        },
        "differs": {
            "r_precision": "only users with a hit are averaged; take r_precision, times the users averaged, divided by "
            "those with a hit",
        },
    },
    "lenskit": {
        "title": "LensKit",
        "source": "lenskit 2025.8.1, lenskit/metrics; run",
        "data": f"{_EVERY_ROW} These are the means of list_summary(), where what is undefined counts 0. A user with an "
        "empty list counts 0 there and is left out here.",
        "relevance": {"zeros": "relevant"},
        "policy": {"users": "recommended", "undefined": "zero", "gains": "binary"},
        "metrics": {
            **_plain("hit_rate", "reciprocal_rank", "rbp", "genre_entropy"),
            "ndcg": {"discount": "log2_clip"},
            "dcg": {"discount": "log2_clip"},
            "precision": {"denominator": "list"},
            "recall": {"denominator": "cut"},
            "average_precision": {"denominator": "list"},
            "gini": {"denominator": "n"},
            "exposure_gini": {"discount": "exp", "denominator": "n"},
            "ils": {"distance": "cosine", "average": True, "missing": "one", "singleton": 1.0},
        },
        "notes": {
            "ndcg": 'With gain="rating" also gains=given; then a value of 0 is a gain of 1 here. With '
            "LogRankWeight(offset=1) it is ndcg with these choices and no convention.",
            "average_precision": "Every user with a list needs a relevant test item; there others raise an error.",
            "rbp": "With normalize=False, the default.",
            "gini": "As ListGini, whose items= is the catalogue here.",
            "exposure_gini": "In single precision there, so that it differs in the seventh digit.",
            "ils": "As ILS, after release 2025.8.1.",
            "genre_entropy": "Equal, but for a smoothing of 1e-6, where each item has one category.",
        },
        "differs": {
            "popularity_percentile": "MeanPopRank ranks the n items that have training users, which are its catalogue, "
            "and gives each of them 1/(2n) more",
        },
    },
    "elliot": {
        "title": "Elliot",
        "source": "sisinflab/elliot 0126926 and c085d43 (0.3.1), elliot/evaluation; read",
        "data": "Test rows below relevance_threshold, by default 0, are not relevant: pass threshold=. Who has no "
        "relevant test row is left out of what looks at the test set, but not of the rest: everybody with a list and a "
        "test row, relevant or not, is. The catalogue is the training items. Training items are masked before the "
        f"ranking. Values are rounded to 5 digits. {_TWICE}",
        "relevance": {"zeros": "relevant"},
        "policy": {"users": "judged-intersection", "seen": "drop"},
        "metrics": {
            **_plain(
                "precision",
                "recall",
                "f1",
                "hit_rate",
                "reciprocal_rank",
                "entropy",
                "mean_popularity",
                "aplt",
                "aclt",
                "pop_reo",
                "pop_rsp",
            ),
            "ndcg": {"gain": "exp"},
            "epc": {"discount": "log2", "relevance": "binary"},
            "efd": {"discount": "log2", "relevance": "binary"},
            "gini": {"complement": True},
            "catalog_coverage": {"count": True},
            "subtopic_recall": {"relevant_only": True},
        },
        "notes": {
            "ndcg": f"{_SHIFTED} nDCGRendle2020 is ndcg with users=intersection, gains=binary and no convention.",
            "entropy": _FULL_LISTS,
            "subtopic_recall": "Equal where every genre is that of a training item.",
        },
        "differs": {
            "average_precision": "it is the mean of precision@1 .. precision@k, also at ranks that are no hit; average "
            "these",
            "user_coverage": "it is a count; take user_coverage times the number of users of the test set",
        },
    },
    "ranksys": {
        "title": "RankSys",
        "source": "RankSys/RankSys 42a64ae, 4b66d1a and f03a6dc; read",
        "data": "Test rows below the threshold are not relevant: pass threshold=. The mean is the sum over all lists, "
        "divided by the number of users with a test row, relevant or not: give lists of all of these users and of no "
        f"others. The catalogue is the items of training and test rows. {_TWICE}",
        "policy": {"undefined": "zero"},
        "policies": _each(_RANKSYS_TRUTH, users="judged") | _each(_RANKSYS_LISTS, users="recommended"),
        "metrics": {
            **_plain(
                "precision",
                "recall",
                "f1",
                "average_precision",
                "reciprocal_rank",
                "epc",
                "efd",
                "alpha_ndcg",
                "err_ia",
                "binomial_diversity",
                "binomial_coverage",
                "binomial_nonredundancy",
                "subtopic_recall",
                "entropy",
                "gini_simpson",
                "inter_user_diversity",
            ),
            "ndcg": {"gain": "exp"},
            "ild": {"distance": "cosine"},
            "eild": {"distance": "cosine"},
            "epd": {"distance": "cosine"},
            "gini": {"complement": True},
            "catalog_coverage": {"count": True},
        },
        "notes": {
            "ndcg": _SHIFTED,
            "average_precision": "One user without a relevant item makes the mean NaN there.",
            "ild": "As EILD without discount and relevance; equal where all listed items have features.",
            "eild": "Equal where all listed items have features: there an item without any counts 0.",
            "epc": _BACKGROUND,
            "efd": _BACKGROUND,
            "epd": "Equal where all listed items have features and all users a profile: there others count 0.",
            "alpha_ndcg": "Equal where no user has more than k relevant items: there the ideal list has k + 1.",
            "err_ia": "Pass threshold=, graded=True, and as training rows those of the intents: in its example "
            "training and test rows together.",
            "binomial_diversity": _BINOMIAL,
            "binomial_nonredundancy": _BINOMIAL,
            "binomial_coverage": "Name alpha as there.",
            "subtopic_recall": "With a relevance model it is subtopic_recall(relevant_only=true).",
            "catalog_coverage": f"As AggregateDiversity. {_FULL_LISTS}",
            "entropy": _FULL_LISTS,
            "gini_simpson": _FULL_LISTS,
            "inter_user_diversity": _FULL_LISTS,
        },
        "differs": {
            "proportionality": "its shares of genres are those of the binomial model, which add up to more than 1",
        },
    },
    "kaminskas-bridge": {
        "title": "Kaminskas & Bridge 2016",
        "source": "the authors' code, mkaminskas/beyond_accuracy 96a8bdd; read, one of its own tests reproduced",
        "data": "Training rows whose rating is the user's mean are lost there: remove them. One test item rated 5 is "
        "relevant for each user: threshold=5. The candidates are that item and 1000 that the user has not rated.",
        "policy": {"users": "intersection", "gains": "binary", "seen": "drop"},
        "metrics": {
            **_plain("hit_rate", "recall", "ild", "surprise_content", "surprise_cooccurrence"),
            "self_information": {"normalized": True},
            "catalog_coverage": {"count": True},
        },
        "notes": {
            "ild": "As diversity by content. By ratings it is ild(distance=rating_cosine); an item without ratings has "
            "distance 0.5 to any other there, and none here.",
            "surprise_content": "A list item without genres beside a profile item without any is an error there.",
            "self_information": "An item without training users is an error there.",
        },
        "differs": {
            "unexpectedness": "it prints what lists have in common with those of a baseline; take 1 - "
            "unexpectedness(denominator=k) with these as primitive=",
        },
    },
    "radio": {
        "title": "RADio",
        "source": "svrijenhoek/RADio c6b81d6, dart/metrics; read",
        "data": "It has no cutoff: take a k that no list exceeds. An item has one category there; an item of several "
        "genres is here what several items of one each would be there at the same rank.",
        "policy": {},
        "metrics": {
            "radio_calibration": {"genre_weight": "full"},
            "radio_representation": {"genre_weight": "full"},
            "radio_fragmentation": {"genre_weight": "full"},
        },
        "notes": {
            "radio_calibration": "Of categories. The items of the profile are weighted by 1/rank in their order there, "
            "and all alike here. With KL divergences it is radio_calibration(divergence=kl).",
            "radio_representation": "With genres as the viewpoints, of which it compares those of a list with those of "
            "the pool that it was taken from, here of the catalogue.",
            "radio_fragmentation": "With genres as the stories. Its users are drawn anew for each list.",
        },
        "differs": {},
    },
}
