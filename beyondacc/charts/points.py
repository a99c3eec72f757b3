"""What the charts of a study draw: points, their texts and curves, from its numbers."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.charts.view import StudyView
from beyondacc.tradeoff.pareto import pareto_front

__all__ = ["MINUS", "Order", "clustered_order", "interval_texts", "lorenz_points", "paired"]

MINUS = "\N{MINUS SIGN}"
CURVE_POINTS = 200
Order: TypeAlias = Literal["families", "clustered"]
"""How the metrics of a heat map are ordered."""


def clustered_order(view: StudyView, names: list[str]) -> list[str]:
    """Order metrics so that those that correlate strongly, with either sign, stand next to each other.

    Average linkage (Sokal & Michener 1958) of the distances 1 - |r|, the leaves turned so that neighbours are near
    (Bar-Joseph, Gifford & Jaakkola 2001, Bioinformatics 17); an undefined coefficient counts as 0.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage  # noqa: PLC0415 - only this order needs it
    from scipy.spatial.distance import squareform  # noqa: PLC0415 - same

    if len(names) < 3:
        return names
    wide = view.correlations.pivot_table(index="metric_a", columns="metric_b", values="coefficient", dropna=False)
    distances = 1.0 - wide.reindex(index=names, columns=names).abs().fillna(0.0).to_numpy(np.float64)
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(np.clip(distances, 0.0, 1.0), checks=False), "average", optimal_ordering=True)
    return [names[int(place)] for place in leaves_list(tree)]


def interval_texts(low: pd.Series, high: pd.Series, digits: int) -> list[str]:
    """Write intervals as text, "none" where there is none."""
    return [
        "none" if np.isnan(a) or np.isnan(b) else f"[{a:.{digits}f}, {b:.{digits}f}]".replace("-", MINUS)
        for a, b in zip(low.astype(float), high.astype(float), strict=True)
    ]


def paired(view: StudyView, x: str, y: str) -> pd.DataFrame:
    """Every run with both values: run, model, reranker, diversity, seed, x, y, their texts, n_users, front."""
    sides: list[pd.DataFrame | pd.Series] = []
    for channel, name in (("x", x), ("y", y)):
        view.check_metric(name)
        rows = view.table[view.table["metric"] == name].set_index("run")
        text = rows["value"].map("{:.5g} ".format) + interval_texts(rows["ci_low"], rows["ci_high"], 5)
        side = pd.DataFrame({channel: rows["value"], f"{channel}_text": text.str.removesuffix(" none")})
        sides.append(side.assign(n_users=rows["n_users"]) if channel == "x" else side)
    data = view.runs.set_index("run").join(sides, how="inner").dropna(subset=["x", "y"]).reset_index()
    ways = (view.metrics[x].better, view.metrics[y].better)
    front = np.zeros(len(data), dtype=bool)
    if "target" not in ways and len(data):
        front = pareto_front(data[["x", "y"]].to_numpy(dtype=float), (ways[0] == "higher", ways[1] == "higher"))
    return data.assign(front=front)


def lorenz_points(exposure: NDArray[np.integer[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lorenz curve, by the points where it bends or, where these are too many, by some evenly spaced along it."""
    counts = np.sort(exposure)
    share = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
    items = np.linspace(0, 1, len(share))
    keep = np.concatenate([[0], np.flatnonzero(np.diff(counts)) + 1, [len(counts)]])
    if len(keep) > CURVE_POINTS:
        length = items[keep] + share[keep]
        near = np.searchsorted(length, np.linspace(0, length[-1], CURVE_POINTS // 2))
        keep = keep[np.union1d(near, np.maximum(near - 1, 0))]  # from both sides, so that no jump becomes a slope
    return items[keep], share[keep]
