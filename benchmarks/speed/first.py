"""The first second: importing, a first evaluation in a new process, and compiling everything for the first time.

Run ``python benchmarks/speed/first.py S``. Every number is of fresh processes, with bytecode on disk, as an
installation leaves it. Frames are read from a file before the clock starts.
"""

from __future__ import annotations

import argparse
import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from timing import table
from workloads import Workload, make

__all__ = ["first_table", "measure_first"]

_CLOCK = """
import time
started, worked = time.perf_counter(), time.process_time()
{}
print(time.perf_counter() - started, time.process_time() - worked)
"""
_IMPORTS = {
    "nothing": "pass",
    "numpy": "import numpy",
    "pandas, numba": "import pandas, numba",
    "beyondacc": "import beyondacc",
    "beyondacc and all that evaluate needs": "import beyondacc; beyondacc.evaluate",
}
_EVALUATE = """
import json, sys, time
marks = [("start", time.perf_counter(), time.process_time())]
def mark(name):
    marks.append((name, time.perf_counter(), time.process_time()))
import pandas as pd
mark("import pandas")
frames = {name: pd.read_pickle(f"{sys.argv[1]}/{name}.pickle") for name in ("train", "test", "items", "recs")}
mark("read frames")
import beyondacc as ba
ba.evaluate
mark("import beyondacc")
data = ba.Dataset(frames["train"], frames["test"], frames["items"])
mark("Dataset")
metrics = ["ndcg@10", "ild@10", "self_information@10", "catalog_coverage@10"] if sys.argv[2] == "some" else None
report = ba.evaluate(frames["recs"], data, metrics)
str(report)
mark("evaluate")
from beyondacc.warmup import compilations, kernels
found = {name: (at - before, worked - work) for (_, before, work), (name, at, worked) in zip(marks, marks[1:])}
del found["read frames"]
used = sum(1 for kernel in kernels() if kernel.signatures)
print(json.dumps({"steps": found, "compiled": compilations(), "kernels": used}))
"""
_WARMUP = """
import json, os
from beyondacc.warmup import warmup
def processor():
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system
worked = processor()
import sys
seconds, compiled = warmup(every=sys.argv[1] == "all")
print(json.dumps({"seconds": seconds, "processor": processor() - worked, "compiled": compiled}))
"""


@functools.cache
def _bytecode() -> str:
    """Return a folder for bytecode, which the first process that imports a module fills."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    return folder


def _run(code: str, *arguments: str, cache: str | None = None) -> str:
    """Run code in a fresh process and return its last line."""
    given = os.environ | {"PYTHONPYCACHEPREFIX": _bytecode()} | ({} if cache is None else {"NUMBA_CACHE_DIR": cache})
    given.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", code, *arguments]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=given)  # noqa: S603 - our own code
    return answer.stdout.strip().splitlines()[-1]


def _evaluations(folder: str, what: str, repeats: int, cache: str | None = None) -> dict[str, Any]:
    """Evaluate in fresh processes and return medians by step."""
    found = [json.loads(_run(_EVALUATE, folder, what, cache=cache)) for _ in range(repeats)]
    steps = np.array([list(each["steps"].values()) for each in found])  # processes, steps, clock and processor
    totals = steps.sum(axis=1)
    return {
        "steps": dict(zip(found[0]["steps"], np.median(steps[:, :, 0], axis=0).tolist(), strict=True)),
        "processor": dict(zip(found[0]["steps"], np.median(steps[:, :, 1], axis=0).tolist(), strict=True)),
        "total": float(np.median(totals[:, 0])),
        "total_processor": float(np.median(totals[:, 1])),
        "min": float(totals[:, 0].min()),
        "max": float(totals[:, 0].max()),
        "compiled": found[-1]["compiled"],
        "kernels": found[-1]["kernels"],
    }


def _summary(found: NDArray[np.float64]) -> dict[str, float]:
    clock, processor = found.T
    return {
        "median": float(np.median(clock)),
        "processor": float(np.median(processor)),
        "min": float(clock.min()),
        "max": float(clock.max()),
    }


def measure_first(
    work: Workload, *, repeats: int = 7, compiling: bool = True, kinds: Sequence[str] = ("some", "core")
) -> dict[str, Any]:
    """Measure imports, first evaluations and compilation.

    Parameters
    ----------
    repeats
        Processes of each kind, in turn.
    compiling
        Whether to compile from nothing, once: a first evaluation and a warm-up.
    kinds
        Evaluations by ``some`` metrics, and by the ``core`` ones.

    Returns
    -------
    dict
        ``imports``: seconds by what is imported; ``evaluations``: by which metrics, with a warm cache; ``compiling``.
    """
    imports: dict[str, list[list[float]]] = {name: [] for name in _IMPORTS}
    for code in _IMPORTS.values():  # once for the bytecode
        _run(_CLOCK.format(code))
    for _ in range(repeats):
        for name, code in _IMPORTS.items():
            imports[name].append([float(each) for each in _run(_CLOCK.format(code)).split()])
    found: dict[str, Any] = {
        "imports": {name: _summary(np.array(each)) for name, each in imports.items()},
        "repeats": repeats,
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in ("train", "test", "items", "recs"):
            getattr(work, name).to_pickle(Path(folder) / f"{name}.pickle")
        found["evaluations"] = {}
        for what in kinds:
            _evaluations(folder, what, 1)  # fills the cache
            found["evaluations"][what] = _evaluations(folder, what, repeats)
        if compiling:
            found["compiling"] = {}
            for what in kinds:
                with tempfile.TemporaryDirectory() as cache:
                    found["compiling"][what] = _evaluations(folder, what, 1, cache)
            for what in ("usual", "all"):
                with tempfile.TemporaryDirectory() as cache:
                    found["compiling"][what] = json.loads(_run(_WARMUP, what, cache=cache))
    return found


def first_table(found: dict[str, Any]) -> str:
    """Return what was measured as markdown."""
    imports = table(
        ("import", "median, s", "processor, s", "min, s", "max, s"),
        (
            (name, each["median"], each["processor"], each["min"], each["max"])
            for name, each in found["imports"].items()
        ),
    )
    kinds = {"some": "four metrics", "core": "the core metrics"}
    steps = ("import pandas", "import beyondacc", "Dataset", "evaluate")
    header = ("first evaluation", "cache", *steps, "all, s", "processor, s", "compiled")
    lines: list[tuple[Any, ...]] = []
    for state, rows in (("warm", found["evaluations"]), ("empty", found.get("compiling", {}))):
        for what, name in kinds.items():
            if what in rows:
                row = rows[what]
                totals = row["total"], row["total_processor"], f"{row['compiled']:.0f}"
                lines.append((name, state, *row["steps"].values(), *totals))
    said = (
        "From pandas frames to a report with intervals; reading the frames is left out. The last column: variants of "
        "kernels that had to be compiled."
    )
    parts = [
        f"Fresh processes, medians of {found['repeats']} (an empty cache: once).",
        imports,
        said,
        table(header, lines),
    ]
    if "compiling" in found:
        for what, command in (("usual", "beyondacc warmup"), ("all", "beyondacc warmup --all")):
            every = found["compiling"][what]
            parts.append(
                f"Compiling ahead (`{command}`): {every['compiled']} variants in {every['seconds']:.1f} s, "
                f"{every['processor']:.1f} s of the processor."
            )
    return "\n\n".join(parts)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--no-compiling", action="store_true")
    chosen = parser.parse_args()
    work = make(chosen.size, candidates=False)
    print(first_table(measure_first(work, repeats=chosen.repeats, compiling=not chosen.no_compiling)))


if __name__ == "__main__":
    main()
