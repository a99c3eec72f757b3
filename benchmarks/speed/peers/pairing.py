"""One comparison: the peer's repeats between repeats of ours, ratios within the pair, and whether the values agree."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from exchange import Unanswered, Worker

__all__ = ["Budget", "agree", "pair", "summary"]

Times = dict[str, float]
#: In seconds, and in seconds of the processor.
_PARTS = ("convert", "compute", "convert_cpu", "compute_cpu")


@dataclasses.dataclass(frozen=True)
class Budget:
    """How long one comparison may take.

    Attributes
    ----------
    repeats
        At most so many of the peer, after a first call that compiles.
    seconds
        About so long for them together.
    slow
        A peer whose first call takes longer is not asked again: whatever it compiled does not show.
    timeout
        After which a call is given up.
    """

    repeats: int = 5
    seconds: float = 20.0
    slow: float = 150.0
    timeout: float = 300.0


def summary(values: list[float]) -> dict[str, float | int]:
    """Return median, smallest, largest and number."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "repeats": len(values),
    }


def pair(
    peer: Worker, ours: Mapping[int, Worker], row: dict[str, Any], folder: Path, budget: Budget = Budget()
) -> dict[str, Any]:
    """Measure one row of a peer, ours before and after each of its repeats.

    Parameters
    ----------
    ours
        By number of threads.
    row
        As the adapter describes it.
    folder
        For results that are arrays.

    Returns
    -------
    dict
        Times, ratios and values; ``failed`` says in a line why there are none.
    """
    measured: dict[str, Any] = {}
    try:
        first = _measure(peer, row, folder / "theirs.npy", budget.timeout)
    except Unanswered as reason:
        return {"failed": f"the peer: {reason}"}
    try:
        # what is compiled once is no part of the comparison, on either side
        mine = {threads: _measure(worker, row, folder / "ours.npy", budget.timeout) for threads, worker in ours.items()}
        slots: dict[int, list[Times]] = {threads: [_slot(ours[threads], row, folder, budget)] for threads in ours}
        theirs: list[Times] = []
        while not theirs or (len(theirs) < budget.repeats and (len(theirs) + 1) * _total(theirs[-1]) < budget.seconds):
            once = not theirs and _total(first) > budget.slow
            theirs.append(first if once else _measure(peer, row, folder / "theirs.npy", budget.timeout))
            for threads, worker in ours.items():
                slots[threads].append(_slot(worker, row, folder, budget))
            if once:
                break
    except Unanswered as reason:
        return {"failed": f"after the first call: {reason}"}
    measured["first"] = {part: first[part] for part in _PARTS}
    measured["theirs"] = _times(theirs)
    measured["ours"] = {str(threads): _times(slot) for threads, slot in slots.items()}
    measured["ratio"] = {str(threads): _ratios(theirs, slot) for threads, slot in slots.items()}
    return measured | agree(first["value"], mine[min(mine)]["value"], row)


def _measure(worker: Worker, row: dict[str, Any], keep: Path, timeout: float) -> dict[str, Any]:
    found = worker.ask("measure", row=row, keep=str(keep), timeout=timeout)
    if isinstance(found["value"], str):
        found["value"] = np.load(found["value"])
    return found


def _slot(worker: Worker, row: dict[str, Any], folder: Path, budget: Budget) -> Times:
    """Return the medians of up to three calls: ours is so short that one call says little."""
    found = [_measure(worker, row, folder / "ours.npy", budget.timeout)]
    while len(found) < 3 and _total(found[0]) < 1.0:
        found.append(_measure(worker, row, folder / "ours.npy", budget.timeout))
    return {part: statistics.median(each[part] for each in found) for part in _PARTS}


def _total(call: Times) -> float:
    return call["convert"] + call["compute"]


def _times(calls: list[Times]) -> dict[str, Any]:
    return {part: summary([call[part] for call in calls]) for part in _PARTS}


def _ratios(theirs: list[Times], slots: list[Times]) -> dict[str, Any]:
    """Divide each repeat of the peer by the mean of ours before and after it."""
    ends = {"compute": ("compute",), "end_to_end": ("convert", "compute")}
    ends |= {"compute_cpu": ("compute_cpu",), "end_to_end_cpu": ("convert_cpu", "compute_cpu")}
    return {
        name: summary(
            [
                sum(call[part] for part in parts)
                / statistics.mean(sum(slot[part] for part in parts) for slot in (before, after))
                for call, before, after in zip(theirs, slots[:-1], slots[1:], strict=True)
            ]
        )
        for name, parts in ends.items()
    }


def agree(theirs: Any, ours: Any, row: dict[str, Any]) -> dict[str, Any]:
    """Compare two values, or the picks of two re-rankers; a row whose values differ is void.

    Returns
    -------
    dict
        ``value``, ``ours_value``, ``equal`` and, where they are not, ``void``: why.
    """
    if isinstance(theirs, np.ndarray):
        same = float(np.mean([np.array_equal(*each) for each in zip(theirs, ours, strict=True)]))
        values = {"value": same, "ours_value": 1.0}
        equal = same >= 1 - row["tolerance"]
        found = f"{100 * (1 - same):.2f} % of the lists differ"
    else:
        values = {"value": theirs, "ours_value": ours}
        equal = bool(abs(theirs - ours) <= row["tolerance"] * max(1.0, abs(theirs)))
        found = f"{theirs:.9g} there, {ours:.9g} here"
    if equal:
        return values | {"equal": True}
    reason = row["differs"]
    return values | {"equal": False, "void": f"{found}: {reason}" if reason else found}
