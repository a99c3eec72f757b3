"""Targets: what a metric must reach, as text such as ``ndcg@10 >= 0.95 * baseline``."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Final, Self

import numpy as np

from beyondacc.comparison.diagnosis import ROUNDING
from beyondacc.errors import SpecError
from beyondacc.metrics.base.metric import Metric
from beyondacc.metrics.base.registry import REGISTRY
from beyondacc.types import Bools

__all__ = ["Target"]

_NUMBER: Final = r"(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_TARGET: Final = re.compile(
    r"\s*(?P<metric>[^<>]+?)\s*(?P<sign>>=|<=|>|<)\s*"
    rf"(?:(?P<number>[+-]?{_NUMBER})(?P<times>\s*\*\s*baseline)?|baseline(?:\s*(?P<offset>[+-]\s*{_NUMBER}))?)\s*",
    re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True)
class Target:
    """A bound on a metric: ``factor * baseline + offset``, where the baseline is its value for the input lists.

    Attributes
    ----------
    text
        As it was given, with the cutoff of the metric.
    metric : Metric
    sign
        ``>=``, ``<=``, ``>`` or ``<``: how the value must compare with the bound.
    factor, offset
    """

    text: str
    metric: Metric
    sign: str
    factor: float
    offset: float

    @classmethod
    def parse(cls, text: str, k: int) -> list[Self]:
        """Read targets such as ``ndcg@10 >= 0.95 * baseline and gini@10 <= baseline``.

        Parameters
        ----------
        k
            The cutoff of metrics that name none.

        Raises
        ------
        SpecError
            If a target does not have that form, or there is no such metric.
        """
        return [cls._parse(part, k) for part in re.split(r"\s+and\s+", str(text), flags=re.IGNORECASE)]

    @classmethod
    def _parse(cls, text: str, k: int) -> Self:
        match = _TARGET.fullmatch(text)
        if match is None:
            raise SpecError(
                f"the target {text!r} cannot be read; write a metric, >=, <=, > or <, and a number, number * baseline, "
                "baseline + number or baseline - number, such as 'ndcg@10 >= 0.95 * baseline'"
            )
        metric = REGISTRY.parse(match["metric"], k=k)
        if match["number"]:
            number = float(match["number"])
            factor, offset = (number, 0.0) if match["times"] else (0.0, number)
        else:
            factor, offset = 1.0, float("".join((match["offset"] or "0").split()))
        written = f"{metric} {match['sign']} {text[match.end('sign') :].strip()}"
        return cls(written, metric, match["sign"], factor, offset)

    def bound(self, baseline: Any) -> Any:
        """Return the number that the value is compared with, for one baseline or an array of them."""
        return np.where(self.factor == 0, 0.0, self.factor * baseline) + self.offset

    def meets(self, values: Any, baseline: Any) -> Bools:
        """Return where the values are within the bound, but for rounding; undefined ones never are."""
        bound = self.bound(baseline)
        over = (values - bound) * (1 if self.sign[0] == ">" else -1)
        rounding = ROUNDING * np.maximum(1.0, np.abs(bound))
        return np.asarray(over >= -rounding if self.sign[1:] else over > rounding)
