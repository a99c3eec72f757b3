"""The metrics: declarations next to their formulas. Importing this package fills the registry."""

# The order of declaration is the order of tables.
# isort: off
from beyondacc.metrics import accuracy, diversity, novelty, serendipity, coverage
from beyondacc.metrics.accuracy import *
from beyondacc.metrics.diversity import *
from beyondacc.metrics.novelty import *
from beyondacc.metrics.serendipity import *
from beyondacc.metrics.coverage import *

# isort: on
from beyondacc.spec.registry import REGISTRY

parse = REGISTRY.parse

__all__ = ["REGISTRY", "parse"]
__all__ += accuracy.__all__
__all__ += diversity.__all__
__all__ += novelty.__all__
__all__ += serendipity.__all__
__all__ += coverage.__all__
