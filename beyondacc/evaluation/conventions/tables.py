"""What eleven tools compute, as read in their sources: a plain table a tool.

The keys of a table are the attributes of `Convention`; values of parameters are written as in the
names of metrics. Only what differs from our defaults is named.
"""

from __future__ import annotations

from typing import Any

from beyondacc.evaluation.conventions.phrases import (
    ALL_RELEVANT,
    EVERY_ROW,
    LEVEL,
    NO_CUTOFF,
    PADDED,
    ROWS,
    TWICE,
    plain,
)
from beyondacc.evaluation.conventions.research import RESEARCH

__all__ = ["TABLES"]

TABLES: dict[str, dict[str, Any]] = {
    "rectools": {
        "title": "RecTools",
        "source": "rectools 0.19.0, rectools/metrics; run",
        "data": f"{EVERY_ROW} The catalogue is the argument catalog: pass items=. Lists go by rank, not by score. "
        f"A rank counts as it is written: one row of rank 9 is no hit at 3, unless ranks=order is named. {TWICE}",
        "relevance": {"zeros": "relevant"},
        "policy": {"gains": "binary", "ranks": "literal"},
        "policies": {"serendipity_rank": {"users": "recommended", "undefined": "zero"}},
        "metrics": {
            **plain(
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
            "mean_popularity": f"{ROWS} With normalize=True it is mean_popularity(normalized=true).",
            "ild": "With Hamming distances over a column a genre. Items without genres have distances there, not here.",
            "serendipity_rank": f"{ROWS} Its ranks are places in the list, also where ranks have gaps.",
            "catalog_coverage": "Equal where no list shows an item outside the catalogue. With normalize=True it is "
            "catalog_coverage with no convention.",
        },
        "differs": {},
    },
    "recbole": {
        "title": "RecBole",
        "source": "recbole 1.2.1, recbole/evaluator; run, recbole/trainer and recbole/data; read",
        "data": f"{EVERY_ROW} Training and validation items are masked before the ranking, so that every list has k "
        "items. Values are rounded to 4 digits.",
        "relevance": {"zeros": "relevant"},
        "policy": {"users": "tested", "gains": "binary", "seen": "drop"},
        "metrics": {
            **plain(
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
            "aplt": {"head": 0.9, "head_by": "items"},
        },
        "notes": {
            "aplt": "Called TailPercentage, with a tail_ratio of 0.1, the default; another one below 1 is 1 - head. "
            "Equally popular items of which only some are in the tail are told apart by the order of the data there, "
            "and by their ids here.",
            "catalog_coverage": PADDED,
            "gini": PADDED,
        },
        "differs": {
            "entropy": "it is in nats and divided by the number of items shown; take entropy, times ln 2, divided by "
            "catalog_coverage(count=true)",
        },
    },
    "ranx": {
        "title": "ranx",
        "source": "ranx 0.3.21, ranx/metrics; run, ranx/meta/evaluate.py; read",
        "data": f"{LEVEL} More than about 15 equal scores come in no certain order.",
        "relevance": {"threshold": 1.0, "graded": True},
        "policy": {"users": "judged", "undefined": "zero"},
        "metrics": {
            **plain("ndcg", "dcg", "precision", "recall", "f1", "hit_rate", "reciprocal_rank", "r_precision", "rbp"),
            "average_precision": {"denominator": "relevant"},
        },
        "notes": {
            "ndcg": "ndcg_burges is ndcg(gain=exp).",
            "dcg": "dcg_burges is dcg(gain=exp).",
            "precision": "Without a cutoff it is precision(denominator=list) at a k that no list exceeds.",
            "r_precision": ALL_RELEVANT,
            "rbp": f"Equal where all gains are 1: there a hit weighs its gain. Name the patience, p=. {NO_CUTOFF}",
        },
        "differs": {},
    },
    "trec_eval": {
        "title": "trec_eval",
        "source": "pytrec-eval-terrier 0.5.11; run, usnistgov/trec_eval dc0c991; read",
        "data": f"{LEVEL} ndcg and dcg always take level 1. With -c topics without a list count 0: pass "
        'users="judged".',
        "relevance": {"threshold": 1.0, "graded": True},
        "policy": {"users": "judged-intersection", "undefined": "zero", "ties": "item"},
        "metrics": {
            **plain("ndcg", "dcg", "precision", "recall", "hit_rate", "reciprocal_rank", "r_precision", "f1"),
            "average_precision": {"denominator": "relevant"},
            "rbp": {"p": 0.9},
        },
        "notes": {
            "ndcg": "As ndcg_cut; ndcg has no cutoff.",
            "dcg": f"In later releases. {NO_CUTOFF}",
            "average_precision": "As map_cut; map has no cutoff.",
            "reciprocal_rank": NO_CUTOFF,
            "r_precision": ALL_RELEVANT,
            "f1": "Equal where all lists have exactly k items: set_F divides by the length of the list.",
            "rbp": f"Equal where all gains are 1: there a hit weighs its gain. {NO_CUTOFF}",
        },
        "differs": {},
    },
    "replay": {
        "title": "RePlay",
        "source": "replay-rec 0.22.0, replay/metrics; the pandas version run",
        "data": f"{EVERY_ROW} Equal scores go by item id, descending, whole numbers as numbers.",
        "relevance": {"zeros": "relevant"},
        "policy": {"gains": "binary", "ties": "number"},
        "metrics": {
            **plain(
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
        "data": f"{EVERY_ROW} The catalogue is the training items. What is not accuracy has no cutoff there: pass "
        f"lists of k items, or a k that none exceeds. {TWICE}",
        "relevance": {"zeros": "relevant"},
        "policy": {"gains": "binary"},
        "policies": {
            "precision": {"users": "intersection"},
            "recall": {"users": "intersection"},
            "average_precision": {"users": "intersection"},
            "serendipity": {"users": "recommended", "undefined": "zero"},
        },
        "metrics": {
            **plain("ndcg", "precision", "recall", "average_precision", "catalog_coverage", "entropy"),
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
            "ild": f"{ROWS} With item features it is ild(distance=cosine).",
            "self_information": f"Called novelty, a mean over the rows of all lists. {ROWS}",
            "efd": f"Called novelty, a mean over the rows of all lists. {ROWS}",
            "surprise_content": f"Called serendipity, with col_relevance=None, the default. {ROWS}",
            "serendipity": "With a column of relevance, 0 or 1. A user without training rows counts 0 here, not there. "
            f"{ROWS}",
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
        "data": f"{EVERY_ROW} These are the means of list_summary(), where what is undefined counts 0. A user with an "
        "empty list counts 0 there and is left out here.",
        "relevance": {"zeros": "relevant"},
        "policy": {"users": "recommended", "undefined": "zero", "gains": "binary"},
        "metrics": {
            **plain("hit_rate", "reciprocal_rank", "rbp", "genre_entropy"),
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
    **RESEARCH,
}
