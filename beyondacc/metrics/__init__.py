"""The metrics: declarations next to their formulas. Importing this package fills the registry."""

# The order of declaration is the order of tables.
# isort: off
from beyondacc.metrics import (
    accuracy,
    diversity,
    binomial,
    aspects,
    temporal,
    novelty,
    surprise,
    unexpected,
    coverage,
    calibration,
    popularity,
)
from beyondacc.metrics.accuracy import *
from beyondacc.metrics.diversity import *
from beyondacc.metrics.binomial import *
from beyondacc.metrics.aspects import *
from beyondacc.metrics.temporal import *
from beyondacc.metrics.novelty import *
from beyondacc.metrics.surprise import *
from beyondacc.metrics.unexpected import *
from beyondacc.metrics.coverage import *
from beyondacc.metrics.calibration import *
from beyondacc.metrics.popularity import *

# isort: on
from beyondacc.metrics.base.registry import REGISTRY as REGISTRY, metric

parse = REGISTRY.parse

__all__ = ["metric", "parse"]
__all__ += accuracy.__all__
__all__ += diversity.__all__
__all__ += binomial.__all__
__all__ += aspects.__all__
__all__ += temporal.__all__
__all__ += novelty.__all__
__all__ += surprise.__all__
__all__ += unexpected.__all__
__all__ += coverage.__all__
__all__ += calibration.__all__
__all__ += popularity.__all__
