"""Each metric and re-ranker beside naive NumPy code, a plain numba prototype, and what the machine can do at most.

Run ``python benchmarks/speed/kernels.py M`` (or S, L). Ours is timed through the public interface, from lists that are
encoded, and as the bare pass over the users; naive code runs on a sample of the users where it takes long, and is
scaled. The prototype runs on all of them, in turn with ours. Where values differ the row is void.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from cases import CASES, Case
from encoded import K, World, load_world
from limits import limits_table, measure_limits
from numpy.typing import NDArray
from timing import Times, alternate, blas_threads, number, ratio, table

import beyondacc as ba
from beyondacc.bound.batch import Batch
from beyondacc.evaluation.evaluate import check_metrics, evaluate_run
from beyondacc.rerank import RERANKERS

__all__ = ["CASES", "Ours", "agree", "kernels_tables", "measure_case", "measure_kernels", "sample_rows"]

_SAMPLE = 64  # users on whom naive code is tried
_AHEAD = 300  # users on whom kernels are compiled
_TIED = 0.01  # of the lists
_MOST_PAIRS = 2000  # users whose pairs naive code compares
_PROTOTYPE = (
    "The prototype is a plain numba loop over all users for just this case, as a competent user writes it in an "
    "afternoon (`prototype.py`), on the same encoded ids and in turn with ours; on two threads by `parallel=True`."
)


class Ours:
    """A case as the library computes it.

    Parameters
    ----------
    case, world
    """

    def __init__(self, case: Case, world: World) -> None:
        self.case, self.world = case, world
        if case.reranks:
            self.reranker = RERANKERS.create(case.spec)
        else:
            self.metric = check_metrics(f"{case.spec}@{K}", world.data)[0]
        first = np.zeros(len(self.run), np.bool_)
        first[:_AHEAD] = True
        for threads in (1, 2):  # compiles, and derives what is kept of the items
            self.bare(threads, self.run.take(first))

    @property
    def run(self) -> Batch:
        """The lists in question."""
        return self.world.pool if self.case.reranks else self.world.run

    def bare(self, threads: int, run: Batch | None = None) -> Any:
        """Run the pass over the users alone: a state, or picks.

        The run is a copy, so that nothing is kept from one call to the next but what depends on items alone.
        """
        run = dataclasses.replace(run or self.run)
        if self.case.reranks:
            return self.reranker.pick(run, [self.reranker.weight], K, threads=threads)
        state = evaluate_run(run, [self.metric], threads=threads)[self.metric]
        _ = getattr(state, "counted", None)  # which is made when it is asked for
        return state

    def public(self, threads: int) -> Any:
        """Call what users call."""
        world = self.world
        if self.case.reranks:
            return self.reranker.rerank(world.candidates, world.data, k=K, threads=threads)
        report = ba.evaluate(world.recs, world.data, self.metric, n_boot=0, threads=threads)
        return report.value(self.metric)

    def values(self, found: Any, rows: NDArray[np.int64]) -> Any:
        """Return what `bare` gave for some rows, in the form of naive code."""
        if self.case.reranks:
            return found.positions[rows, 0], found.selection[rows, 0]
        if found.per_user is not None:
            return found.per_user[rows]
        return np.atleast_1d(found.value(self.metric, self.run.world))


def agree(ours: Any, theirs: Any, tolerance: float) -> bool:
    """Tell whether values are equal up to a tolerance, NaN included.

    Picks are, where they are the same up to the first that differs and the objective is equal there, too: a tie but for
    rounding, after which each is right in its own way. No more than a hundredth of the lists may have one.
    """
    if not isinstance(ours, tuple):
        return bool(np.allclose(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True))
    (picks, values), (other_picks, other_values) = ours, theirs
    width = min(picks.shape[1], other_picks.shape[1])
    differs = picks[:, :width] != other_picks[:, :width]
    up_to_first = np.cumsum(differs, axis=1) - differs == 0
    close = np.isclose(values[:, :width], other_values[:, :width], rtol=tolerance, atol=tolerance, equal_nan=True)
    few = differs.any(axis=1).sum() <= max(1, _TIED * len(differs))
    return bool(few and close[up_to_first].all())


def sample_rows(n_rows: int, n: int) -> NDArray[np.int64]:
    """Return n rows that are spread evenly."""
    return np.linspace(0, n_rows - 1, min(n, n_rows)).astype(np.int64)


def _naive_rows(case: Case, world: World, prepared: Any, seconds: float) -> NDArray[np.int64]:
    """Choose so many users that naive code takes about so many seconds."""
    n_rows = len(world.pool if case.reranks else world.run)
    if case.of_run:
        return sample_rows(n_rows, _MOST_PAIRS if case.power > 1 else n_rows)
    few = sample_rows(n_rows, _SAMPLE)
    took = alternate({"": lambda: case.naive(world.arrays, few, prepared)}, repeats=1, budget=0.5)[""].least
    return sample_rows(n_rows, max(_SAMPLE, int(len(few) * seconds / took)))


def _reference(ours: Ours, rows: NDArray[np.int64]) -> Any:
    """Return our values of the rows that naive code computes."""
    if ours.case.of_run and len(rows) < len(ours.run):
        kept = np.zeros(len(ours.run), np.bool_)
        kept[rows] = True
        return ours.values(ours.bare(1, ours.run.take(kept)), rows)
    return ours.values(ours.bare(1), rows)


@dataclasses.dataclass(frozen=True)
class _Sides:
    """Both sides of a comparison.

    Attributes
    ----------
    works
        What is timed, by name.
    n_rows, naive_rows
        Users of ours, and of the naive code.
    once
        Seconds that naive code needs however many users there are.
    equal
        Whether the values are.
    prototype_equal
        Whether those of the prototype are, on one thread and on two; None where there is none.
    """

    works: dict[str, Callable[[], Any]]
    n_rows: int
    naive_rows: int
    once: float
    equal: bool
    prototype_equal: bool | None


def _sides(case: Case, world: World, naive_seconds: float) -> _Sides:
    ours = Ours(case, world)
    once, prepared = 0.0, None
    if case.prepare is not None:
        prepared = case.prepare(world.arrays)
        if prepared is not None:
            once = alternate({"": lambda: case.prepare(world.arrays)}, repeats=1)[""].processor.least
    rows = _naive_rows(case, world, prepared, naive_seconds)
    works: dict[str, Callable[[], Any]] = {
        "naive": lambda: case.naive(world.arrays, rows, prepared),
        "public_1": lambda: ours.public(1),
        "public_2": lambda: ours.public(2),
        "ours_1": lambda: ours.bare(1),
        "ours_2": lambda: ours.bare(2),
    }
    equal = agree(_reference(ours, rows), works["naive"](), case.tolerance)
    same = None
    if case.prototype is not None:
        run = case.prototype.bind(world.arrays)
        prototypes = {f"prototype_{threads}": functools.partial(run, threads) for threads in (1, 2)}
        values = _reference(ours, np.arange(len(ours.run)))
        same = all(agree(values, work(), case.tolerance) for work in prototypes.values())  # which compiles, too
        works |= prototypes
    return _Sides(works, len(ours.run), len(rows), once, equal, same)


def measure_case(
    case: Case,
    world: World,
    limits: dict[str, float],
    *,
    repeats: int = 5,
    budget: float = 10.0,
    naive_seconds: float = 0.5,
) -> dict[str, Any]:
    """Measure one case.

    Parameters
    ----------
    limits
        Of `measure_limits`.
    repeats, budget
        Rounds, and seconds after which one side is left out of further ones.
    naive_seconds
        How long naive code may take in each round.

    Returns
    -------
    dict
        A row: the case, seconds, those of the processor, ratios, and whether values are equal. ``public_1`` is what
        users call, on one thread, ``ours_1`` the bare pass over the users; ``prototype_1`` is there for some cases.
    """
    with blas_threads(1):  # products of matrices this small only lose by threads
        sides = _sides(case, world, naive_seconds)
        times = alternate(sides.works, repeats=repeats, budget=budget, warm=True)
    times["naive"] = times["naive"].scaled((sides.n_rows / sides.naive_rows) ** case.power, sides.once)
    bound = case.bound(world.arrays)
    limit = bound.amount / limits[bound.limit]
    return {
        "case": case.name,
        "spec": case.spec,
        "workload": world.name,
        "seconds": {name: found.median for name, found in times.items()} | {"limit": limit},
        "processor": {name: found.processor.median for name, found in times.items()},
        "min": {name: found.least for name, found in times.items()},
        "max": {name: found.most for name, found in times.items()},
        "repeats": {name: len(found) for name, found in times.items()},
        "ratios": _ratios(times, limit),
        "limit": {"name": bound.limit, "amount": bound.amount, "formula": bound.formula},
        "naive_rows": sides.naive_rows,
        "naive_once": sides.once,
        "rows": sides.n_rows,
        "tolerance": case.tolerance,
        "value_equal": sides.equal,
        "prototype_equal": sides.prototype_equal,
    }


def _ratios(times: dict[str, Times], limit: float) -> dict[str, float]:
    # of one thread in seconds of the processor, lest other processes should count
    one, naive = times["ours_1"].processor, times["naive"].processor
    found = {
        "naive / ours_1": ratio(naive, one),
        "naive / public_1": ratio(naive, times["public_1"].processor),
        "ours_1 / ours_2": ratio(times["ours_1"], times["ours_2"]),
        "public_1 / public_2": ratio(times["public_1"], times["public_2"]),
        "ours_1 / limit": one.median / limit,
    }
    if "prototype_1" in times:
        found["prototype_1 / ours_1"] = ratio(times["prototype_1"].processor, one)
        found["prototype_2 / ours_2"] = ratio(times["prototype_2"], times["ours_2"])
    return found


def measure_kernels(
    world: World, *, names: Sequence[str] | None = None, limits: dict[str, float] | None = None, **options: Any
) -> dict[str, Any]:
    """Measure all cases, or some; `options` are those of `measure_case`."""
    limits = limits or measure_limits()
    rows = []
    for name in names or CASES:
        rows.append(measure_case(CASES[name], world, limits, **options))
        found = rows[-1]
        print(
            f"{name}: {number(found['processor']['ours_1'])} s, naive "
            f"{number(found['ratios']['naive / ours_1'])} times as long",
            flush=True,
        )
    return {"limits": limits, "rows": rows}


def kernels_tables(found: dict[str, Any]) -> str:
    """Return what was measured as markdown."""
    rows = found["rows"]
    main = table(
        ("case", "one thread, ms", "two, ms", "public, ms", "gain of two", "naive / ours", "ours / limit", "equal"),
        (
            (
                row["case"],
                1e3 * row["processor"]["ours_1"],
                1e3 * row["seconds"]["ours_2"],
                1e3 * row["processor"]["public_1"],
                row["ratios"]["ours_1 / ours_2"],
                row["ratios"]["naive / ours_1"] if row["value_equal"] else None,
                row["ratios"]["ours_1 / limit"],
                row["value_equal"] or "void",
            )
            for row in rows
        ),
    )
    formulas = table(
        ("case", "limit", "what is counted", "amount, 10^6", "least, ms", "naive users"),
        (
            (
                row["case"],
                row["limit"]["name"],
                row["limit"]["formula"],
                row["limit"]["amount"] / 1e6,
                1e3 * row["seconds"]["limit"],
                f"{row['naive_rows']:,} of {row['rows']:,}",
            )
            for row in rows
        ),
    )
    said = (
        "Bare passes over the users on encoded lists, medians; one thread, and public (`evaluate` without a bootstrap, "
        "`rerank`, one thread) in time of the processor; two threads in time of the clock, and how much faster than "
        "one by it. Naive code runs on some users and is scaled by their number, its co-occurrence matrix counted "
        "once; values are compared on the users that it computes."
    )
    parts = [
        said,
        main,
        formulas,
        "What the machine can do at most:",
        limits_table(found["limits"]),
    ]
    if compared := [row for row in rows if "prototype_1" in row["seconds"]]:
        parts += [_PROTOTYPE, _prototype_table(compared)]
    return "\n\n".join(parts)


def _prototype_table(rows: Sequence[dict[str, Any]]) -> str:
    header = ("case", "prototype, one thread, ms", "two, ms", "prototype / ours, one thread", "two", "equal")
    lines = []
    for row in rows:
        equal = row["prototype_equal"]
        ratios = [row["ratios"][name] if equal else None for name in ("prototype_1 / ours_1", "prototype_2 / ours_2")]
        times = 1e3 * row["processor"]["prototype_1"], 1e3 * row["seconds"]["prototype_2"]
        lines.append((row["case"], *times, *ratios, equal or "void"))
    return table(header, lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size")
    parser.add_argument("--case", action="append", choices=list(CASES), help="only these")
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    world = load_world(chosen.size, candidates=any(CASES[name].reranks for name in chosen.case or CASES))
    print("\n" + kernels_tables(measure_kernels(world, names=chosen.case, repeats=chosen.repeats)))


if __name__ == "__main__":
    main()
