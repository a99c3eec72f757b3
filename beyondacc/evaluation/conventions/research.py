"""The tables of tools that came with research: frameworks for experiments, and code of papers."""

from __future__ import annotations

from typing import Any

from beyondacc.evaluation.conventions.phrases import (
    BACKGROUND,
    BINOMIAL,
    FULL_LISTS,
    SHIFTED,
    TWICE,
    each,
    plain,
)

__all__ = ["RESEARCH"]

#: Metrics of RankSys that look at the test set, and those of a list alone.
_RANKSYS_TRUTH = (
    *("precision", "recall", "f1", "ndcg", "average_precision", "reciprocal_rank"),
    *("alpha_ndcg", "err_ia"),
)
_RANKSYS_LISTS = (
    *("ild", "eild", "epc", "efd", "epd", "subtopic_recall"),
    *("binomial_diversity", "binomial_coverage", "binomial_nonredundancy"),
)


RESEARCH: dict[str, dict[str, Any]] = {
    "elliot": {
        "title": "Elliot",
        "source": "sisinflab/elliot 0126926 and c085d43 (0.3.1), elliot/evaluation; read",
        "data": "Test rows below relevance_threshold, by default 0, are not relevant: pass threshold=. What "
        "looks at the test set leaves out users without a relevant row; the rest averages all who have a list and a "
        "test row, relevant or not. The catalogue is the training items. Training items are masked before the "
        f"ranking. Values are rounded to 5 digits. {TWICE}",
        "relevance": {"zeros": "relevant"},
        "policy": {"users": "judged-intersection", "seen": "drop"},
        "metrics": {
            **plain(
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
            "ndcg": f"{SHIFTED} nDCGRendle2020 is ndcg with users=intersection, gains=binary and no convention.",
            "entropy": FULL_LISTS,
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
        "others. The catalogue is the items of training and test rows. Of its re-rankers, "
        "MMR is GreedyDiversity(renormalize=both) and those by the binomial model are "
        f"BinomialDiversity(renormalize=true). {TWICE}",
        "policy": {"undefined": "zero"},
        "policies": each(_RANKSYS_TRUTH, users="judged") | each(_RANKSYS_LISTS, users="recommended"),
        "metrics": {
            **plain(
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
            "ndcg": SHIFTED,
            "average_precision": "One user without a relevant item makes the mean NaN there.",
            "ild": "As EILD without discount and relevance; equal where all listed items have features.",
            "eild": f"{BACKGROUND} Equal where all listed items have features: there an item without any counts 0.",
            "epc": BACKGROUND,
            "efd": BACKGROUND,
            "epd": f"{BACKGROUND} Equal where all listed items have features and all users a profile: there others "
            "count 0.",
            "alpha_ndcg": "Equal where no user has more than k relevant items: there the ideal list has k + 1. Of "
            "equally good items it takes the first of a hash table there, and that of the last id here.",
            "err_ia": "Pass threshold=, graded=True, and as training rows those of the intents: in its example "
            "training and test rows together.",
            "binomial_diversity": BINOMIAL,
            "binomial_nonredundancy": BINOMIAL,
            "binomial_coverage": "Name alpha as there.",
            "subtopic_recall": "With a relevance model it is subtopic_recall(relevant_only=true).",
            "catalog_coverage": f"As AggregateDiversity. {FULL_LISTS}",
            "entropy": FULL_LISTS,
            "gini_simpson": FULL_LISTS,
            "inter_user_diversity": FULL_LISTS,
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
            **plain("hit_rate", "recall", "ild", "surprise_content", "surprise_cooccurrence"),
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
            "radio_calibration": {"genre_weight": "full", "history": "reciprocal"},
            "radio_representation": {"genre_weight": "full"},
            "radio_fragmentation": {"genre_weight": "full"},
        },
        "notes": {
            "radio_calibration": "Of categories. The latest item of the profile weighs 1, the one before it 1/2: pass "
            "timestamps, or training rows in the order of their times. An item that stands twice in it counts twice "
            "there. With KL divergences it is radio_calibration(divergence=kl).",
            "radio_representation": "With genres as the viewpoints, of which it compares those of a list with those of "
            "the pool that it was taken from, here of the catalogue.",
            "radio_fragmentation": "With genres as the stories. Its users are drawn anew for each list.",
        },
        "differs": {},
    },
}
