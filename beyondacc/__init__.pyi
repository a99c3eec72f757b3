# The public names, typed once: type checkers read this file, and so does the package when a name is first used.

from beyondacc import metrics as metrics, models as models
from beyondacc.charts.item_map import item_map as item_map
from beyondacc.comparison import Comparison as Comparison, compare as compare
from beyondacc.comparison.diagnosis import Diagnosis as Diagnosis, diagnose as diagnose
from beyondacc.comparison.differences import explain_difference as explain_difference
from beyondacc.data.dataset import Dataset as Dataset
from beyondacc.data.intake.files import File as File
from beyondacc.data.movielens import load_movielens as load_movielens
from beyondacc.data.recommendations import Recommendations as Recommendations
from beyondacc.data.world import ItemFacts as ItemFacts, World as World
from beyondacc.distances import Distance as Distance, distance as distance
from beyondacc.errors import (
    BeyondAccError as BeyondAccError,
    DataError as DataError,
    DependencyError as DependencyError,
    NoEffectWarning as NoEffectWarning,
    SpecError as SpecError,
)
from beyondacc.evaluation.conventions import conventions as conventions
from beyondacc.evaluation.evaluate import evaluate as evaluate
from beyondacc.evaluation.parts import (
    MergedReport as MergedReport,
    Part as Part,
    evaluate_part as evaluate_part,
    merge as merge,
)
from beyondacc.evaluation.report import Report as Report, Reports as Reports
from beyondacc.metrics import metric as metric, parse as parse
from beyondacc.metrics.accuracy import *
from beyondacc.metrics.aspects import *
from beyondacc.metrics.base.metric import Metric as Metric
from beyondacc.metrics.binomial import *
from beyondacc.metrics.calibration import *
from beyondacc.metrics.coverage import *
from beyondacc.metrics.diversity import *
from beyondacc.metrics.novelty import *
from beyondacc.metrics.popularity import *
from beyondacc.metrics.surprise import *
from beyondacc.metrics.temporal import *
from beyondacc.metrics.unexpected import *
from beyondacc.ratings.evaluate import (
    RatingReport as RatingReport,
    RatingReports as RatingReports,
    Ratings as Ratings,
    evaluate_ratings as evaluate_ratings,
)
from beyondacc.rerank import Reranker as Reranker, gain as gain, reranker as reranker
from beyondacc.rerank.aspects import *
from beyondacc.rerank.blend import *
from beyondacc.rerank.greedy import *
from beyondacc.rerank.spectrum import *
from beyondacc.rerank.swap import *
from beyondacc.scoring.scorers import as_scorer as as_scorer, recommend as recommend
from beyondacc.study import Study as Study, StudyResult as StudyResult, Tuned as Tuned, tune as tune
from beyondacc.study.between import StudyComparison as StudyComparison, compare_studies as compare_studies
from beyondacc.tradeoff.sweep import Sweep as Sweep, sweep as sweep

__version__: str
