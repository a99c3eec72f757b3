"""Beyond-accuracy evaluation of recommender systems: evaluate, re-rank, study.

Names are imported when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beyondacc import models as models
    from beyondacc.comparison import Comparison as Comparison, compare as compare
    from beyondacc.convention import conventions as conventions
    from beyondacc.data.dataset import Dataset as Dataset
    from beyondacc.data.intake.files import File as File
    from beyondacc.data.movielens import load_movielens as load_movielens
    from beyondacc.data.recommendations import Recommendations as Recommendations
    from beyondacc.data.world import ItemFacts as ItemFacts, World as World
    from beyondacc.diagnosis import Diagnosis as Diagnosis, diagnose as diagnose
    from beyondacc.differences import explain_difference as explain_difference
    from beyondacc.distances import Distance as Distance, distance as distance
    from beyondacc.errors import (
        BeyondAccError as BeyondAccError,
        DataError as DataError,
        DependencyError as DependencyError,
        NoEffectWarning as NoEffectWarning,
        SpecError as SpecError,
    )
    from beyondacc.evaluation import evaluate as evaluate
    from beyondacc.metrics import (
        aclt as aclt,
        age as age,
        alpha_ndcg as alpha_ndcg,
        aplt as aplt,
        average_precision as average_precision,
        binomial_coverage as binomial_coverage,
        binomial_diversity as binomial_diversity,
        binomial_nonredundancy as binomial_nonredundancy,
        calibration_hellinger as calibration_hellinger,
        calibration_js as calibration_js,
        calibration_kl as calibration_kl,
        catalog_coverage as catalog_coverage,
        dcg as dcg,
        distance_unexpectedness as distance_unexpectedness,
        efd as efd,
        effective_catalog as effective_catalog,
        eild as eild,
        entropy as entropy,
        epc as epc,
        epd as epd,
        err_ia as err_ia,
        exposure_gini as exposure_gini,
        f1 as f1,
        genre_coverage as genre_coverage,
        genre_entropy as genre_entropy,
        gini as gini,
        gini_simpson as gini_simpson,
        group_exposure_ratio as group_exposure_ratio,
        hhi as hhi,
        hit_rate as hit_rate,
        ild as ild,
        ils as ils,
        inter_user_diversity as inter_user_diversity,
        mean_popularity as mean_popularity,
        ndcg as ndcg,
        parse as parse,
        personalization as personalization,
        pop_reo as pop_reo,
        pop_rsp as pop_rsp,
        popularity_lift as popularity_lift,
        popularity_percentile as popularity_percentile,
        precision as precision,
        proportionality as proportionality,
        r_precision as r_precision,
        radio_calibration as radio_calibration,
        radio_fragmentation as radio_fragmentation,
        radio_representation as radio_representation,
        rbp as rbp,
        recall as recall,
        reciprocal_rank as reciprocal_rank,
        self_information as self_information,
        serendipity as serendipity,
        serendipity_ge as serendipity_ge,
        serendipity_murakami as serendipity_murakami,
        serendipity_rank as serendipity_rank,
        subtopic_recall as subtopic_recall,
        surprise_content as surprise_content,
        surprise_cooccurrence as surprise_cooccurrence,
        temporal_diversity as temporal_diversity,
        temporal_novelty as temporal_novelty,
        unexpectedness as unexpectedness,
        unseen_share as unseen_share,
        unserendipity as unserendipity,
        user_coverage as user_coverage,
        vendi as vendi,
    )
    from beyondacc.parts import (
        MergedReport as MergedReport,
        Part as Part,
        evaluate_part as evaluate_part,
        merge as merge,
    )
    from beyondacc.ratings import (
        RatingReport as RatingReport,
        RatingReports as RatingReports,
        Ratings as Ratings,
        evaluate_ratings as evaluate_ratings,
    )
    from beyondacc.rerank import (
        DPP as DPP,
        MMR as MMR,
        MSD as MSD,
        PM2 as PM2,
        SSD as SSD,
        BinomialDiversity as BinomialDiversity,
        Calibrated as Calibrated,
        Cover as Cover,
        Greedy as Greedy,
        GreedyDiversity as GreedyDiversity,
        Novelty as Novelty,
        Popularity as Popularity,
        Random as Random,
        Reranker as Reranker,
        Surprise as Surprise,
        Swap as Swap,
        TopicDiversification as TopicDiversification,
        XQuAD as XQuAD,
    )
    from beyondacc.results import Report as Report, Reports as Reports
    from beyondacc.scorers import as_scorer as as_scorer, recommend as recommend
    from beyondacc.spec.metric import Metric as Metric
    from beyondacc.study import Study as Study, StudyResult as StudyResult, Tuned as Tuned, tune as tune
    from beyondacc.study.between import StudyComparison as StudyComparison, compare_studies as compare_studies
    from beyondacc.study.item_map import item_map as item_map
    from beyondacc.study.sweep import Sweep as Sweep, sweep as sweep

__version__ = "0.1.0"

_HOME = {
    "beyondacc.comparison": ("Comparison", "compare"),
    "beyondacc.convention": ("conventions",),
    "beyondacc.data.dataset": ("Dataset",),
    "beyondacc.data.intake.files": ("File",),
    "beyondacc.data.movielens": ("load_movielens",),
    "beyondacc.data.recommendations": ("Recommendations",),
    "beyondacc.data.world": ("ItemFacts", "World"),
    "beyondacc.diagnosis": ("Diagnosis", "diagnose"),
    "beyondacc.differences": ("explain_difference",),
    "beyondacc.distances": ("Distance", "distance"),
    "beyondacc.errors": ("BeyondAccError", "DataError", "DependencyError", "NoEffectWarning", "SpecError"),
    "beyondacc.evaluation": ("evaluate",),
    "beyondacc.parts": ("MergedReport", "Part", "evaluate_part", "merge"),
    "beyondacc.ratings": ("RatingReport", "RatingReports", "Ratings", "evaluate_ratings"),
    "beyondacc.rerank": (
        "DPP",
        "MMR",
        "MSD",
        "PM2",
        "SSD",
        "BinomialDiversity",
        "Calibrated",
        "Cover",
        "Greedy",
        "GreedyDiversity",
        "Novelty",
        "Popularity",
        "Random",
        "Reranker",
        "Surprise",
        "Swap",
        "TopicDiversification",
        "XQuAD",
    ),
    "beyondacc.results": ("Report", "Reports"),
    "beyondacc.scorers": ("as_scorer", "recommend"),
    "beyondacc.spec.metric": ("Metric",),
    "beyondacc.study": ("Study", "StudyResult", "Tuned", "tune"),
    "beyondacc.study.between": ("StudyComparison", "compare_studies"),
    "beyondacc.study.item_map": ("item_map",),
    "beyondacc.study.sweep": ("Sweep", "sweep"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def _public() -> list[str]:
    metrics = import_module("beyondacc.metrics")
    return sorted([*_MODULE_OF, "models", "parse", *metrics.REGISTRY])


if not TYPE_CHECKING:  # for a type checker it would hide that a name is missing

    def __getattr__(name: str) -> Any:
        if name == "__all__":
            return _public()
        if name == "models":
            return import_module("beyondacc.models")
        if name in _MODULE_OF:
            found = getattr(import_module(_MODULE_OF[name]), name)
        elif name.startswith("_") or name not in _public():
            raise AttributeError(f"module 'beyondacc' has no attribute {name!r}")
        else:
            found = getattr(import_module("beyondacc.metrics"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return _public()
