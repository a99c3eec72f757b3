"""Measure peers and ours side by side, each peer in its own environment.

Run ``python benchmarks/speed/peers/run.py M --folder ENVS --out OUT.json`` after ``install.py``. The rows of peers that
are named are measured anew, those of others in the file are kept, so that a long run can be cut into short ones.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from exchange import IDS, Unanswered, Worker, write
from install import DEFAULT_FOLDER, PINS, python_of
from pairing import Budget, pair
from table import render

import beyondacc as ba

__all__ = ["Session", "definition", "machine", "main", "merged", "said"]

_ADAPTERS = Path(__file__).with_name("adapters")
_THREADS = (1, 2)
_KEPT = ("convention", "options", "call", "tolerance", "because")


@dataclasses.dataclass(frozen=True)
class Session:
    """What all peers are measured with.

    Attributes
    ----------
    ours
        Our side, by number of threads.
    folder
        Where the workload is.
    sizes
        Of the workload, as `exchange.write` returns.
    budget
        For each row.
    ids, rows
        Only these kinds of ids, and rows of these names; all rows where none is named.
    memory
        Gigabytes that a peer may take.
    """

    ours: Mapping[int, Worker]
    folder: Path
    sizes: Mapping[str, int]
    budget: Budget = dataclasses.field(default_factory=Budget)
    ids: tuple[str, ...] = IDS
    rows: frozenset[str] = frozenset()
    memory: float = 10.0

    def measure(
        self, peer: Mapping[str, Any], python: Path, adapter: Path, keep: Callable[[dict[str, Any]], object]
    ) -> dict[str, Any]:
        """Measure one peer.

        Parameters
        ----------
        peer
            Its entry of ``pins.json``.
        python, adapter
            The interpreter of its environment, and what it runs.
        keep
            Gets each row as soon as it is measured, because a long run may be stopped.

        Returns
        -------
        dict
            Its ``versions``, or why it ``failed``.
        """
        if not python.exists():
            return {"failed": "not installed"}
        about: dict[str, Any] = {}
        for threads in peer["threads"]:
            with Worker(python, adapter, threads=threads, memory=self.memory) as worker:
                try:
                    about = worker.ask("describe")
                except Unanswered as reason:
                    return {"failed": str(reason)}
                for kind in self.ids:
                    for row in filter(self._wanted(kind), about["rows"]):
                        found = self._one(worker, row, kind)
                        keep({"peer_name": peer["title"], "threads": threads, "ids": kind, **found})
        return {"versions": about["versions"]}

    def _wanted(self, kind: str) -> Callable[[dict[str, Any]], bool]:
        return lambda row: (kind == "plain" or row["journey"]) and (not self.rows or row["name"] in self.rows)

    def _one(self, worker: Worker, row: dict[str, Any], kind: str) -> dict[str, Any]:
        everyone = self.sizes["users"]
        few = row["users"] if row["users"] and row["users"] < everyone else None
        for each in (worker, *self.ours.values()):
            each.load(self.folder, kind, few)
        about = {"row": row["name"], "definition": definition(row), **{key: row[key] for key in _KEPT}}
        about |= {"n_users": few or everyone, "scaled": (everyone / few) ** row["power"] if few else None}
        return about | pair(worker, self.ours, row, self.folder, self.budget)


def definition(row: dict[str, Any]) -> str:
    """Return which of ours it is, with every parameter and choice that the convention sets."""
    if row["options"] is not None:
        return str(getattr(ba, row["metric"])(**row["options"]))
    if row["convention"] is None:
        return str(ba.parse(row["metric"]))
    convention = ba.conventions[row["convention"]]
    metric = convention.metric(row["metric"])
    choices = ", ".join(f"{name}={value}" for name, value in convention.policy_of(metric.family.name).items())
    return f"{metric} ({choices})" if choices else str(metric)


def said(row: dict[str, Any]) -> str:
    """Return a line about one row, for who watches."""
    what = f"{row['peer_name']} {row['row']}, {row['ids']} ids, {row['threads']} thread(s)"
    if "failed" in row:
        return f"{what}: {row['failed']}"
    times = row["theirs"]
    return (
        f"{what}: {times['convert']['median']:.3g} + {times['compute']['median']:.3g} s, "
        f"{row['ratio']['1']['compute']['median']:.1f} times ours, "
        f"{row['ratio']['1']['end_to_end']['median']:.1f} with conversion; "
        f"{'equal' if row['equal'] else 'void: ' + row['void']}"
    )


def merged(rows: list[dict[str, Any]], anew: dict[str, Any]) -> list[dict[str, Any]]:
    """Put a new row in the place of an old one of the same comparison."""

    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(row[name] for name in ("peer_name", "row", "ids", "threads"))

    return [row for row in rows if key(row) != key(anew)] + [anew]


def machine() -> dict[str, Any]:
    """Describe the machine, without its name."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {"cpu": model, "cores": os.cpu_count(), "memory_gb": round(memory, 1), "python": platform.python_version()}


def _workload(size: str, folder: Path) -> dict[str, int]:
    """Write the workload of that size, or keep the one that is there."""
    record = folder / f"{size}.json"
    if not record.exists():
        sys.path.append(str(Path(__file__).resolve().parents[1]))
        workloads = importlib.import_module("workloads")
        folder.mkdir(parents=True, exist_ok=True)
        sizes = write(workloads.make(size), folder)
        record.write_text(json.dumps(sizes), encoding="utf-8")
    found: dict[str, int] = json.loads(record.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Measure, write the result after each peer, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", help="a workload of workloads.py: S, M or L")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="where install.py put the environments")
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write or to go on with")
    parser.add_argument("--data", type=Path, help="a folder that keeps the workload for the next run")
    parser.add_argument("--peer", action="append", choices=PINS, help="only these peers")
    parser.add_argument("--row", action="append", default=[], help="only rows of these names, such as ndcg")
    parser.add_argument("--ids", action="append", choices=IDS, help="only these kinds of ids")
    parser.add_argument("--seconds", type=float, default=Budget.seconds, help="about so long for each row of a peer")
    parser.add_argument("--timeout", type=float, default=Budget.timeout, help="after which a call is given up")
    parser.add_argument("--memory", type=float, default=Session.memory, help="gigabytes that a peer may take")
    chosen = parser.parse_args()
    result: dict[str, Any] = {"peers": {}, "rows": []}
    if chosen.out.exists():
        result = json.loads(chosen.out.read_text(encoding="utf-8"))
        if result["workload"]["size"] != chosen.size:
            parser.error(f"{chosen.out} is of workload {result['workload']['size']}; give another file")
    budget = Budget(seconds=chosen.seconds, timeout=chosen.timeout)
    with contextlib.ExitStack() as stack:
        folder = chosen.data or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        names = chosen.peer or list(PINS)
        sizes = _workload(chosen.size, folder)
        ours = {
            threads: stack.enter_context(Worker(Path(sys.executable), _ADAPTERS / "ours.py", threads=threads))
            for threads in _THREADS
        }
        result |= {"workload": {"size": chosen.size, **sizes}, "machine": machine()}
        result["ours"] = ours[1].ask("describe")["versions"]
        ids, rows = tuple(chosen.ids or IDS), frozenset(chosen.row)
        session = Session(ours, folder, sizes, budget, ids, rows, chosen.memory)

        def keep(row: dict[str, Any] | None = None) -> None:
            if row:
                print(said(row), flush=True)
                result["rows"] = merged(result["rows"], row)
            chosen.out.write_text(json.dumps(result, indent=1), encoding="utf-8")

        for name in names:
            peer = PINS[name]
            about = session.measure(peer, python_of(chosen.folder, name), _ADAPTERS / peer["adapter"], keep)
            result["peers"][name] = about
            keep()
    print(render(result))


if __name__ == "__main__":
    main()
