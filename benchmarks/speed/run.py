"""Measure everything, and write one JSON file a workload and a page of tables.

Run ``python benchmarks/speed/run.py S --out FOLDER`` (or M, L). Parts that are named by ``--only`` are measured anew,
the others stay as they are in the file, so that a long run can be cut into short ones: ``--only kernels --case DPP``.
``--only page`` only writes the page. Peers need ``--peers ENVS``, the folder that ``peers/install.py`` filled.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from cases import CASES
from encoded import World, encode
from first import first_table, measure_first
from growth import growth_table, measure_growth
from kernels import kernels_tables, measure_kernels
from registry import measure_registry, registry_table
from reranking import measure_reranking, reranking_tables
from targets import peers_short, readme_table, targets_table
from timing import load, machine, now, table, versions
from topk import measure_topk, topk_table
from workloads import SIZES, Workload, make

from beyondacc.run.local import n_threads

__all__ = ["PARTS", "main", "page", "read_results"]

_HERE = Path(__file__).parent
_ORDER = ("T", "S", "C", "M", "L")
_TITLES = {
    "kernels": "Metrics and re-rankers beside naive code and the machine",
    "registry": "Every metric",
    "reranking": "Sweeps, and one user at a time",
    "growth": "Growth",
    "topk": "The best items from factors",
    "first": "The first second",
    "boundary": "From frames to arrays",
    "peers": "Peers",
}
#: What does not depend on the workload, or takes long without telling more, is measured on some only.
_ONLY_ON = {"growth": {"S", "T"}, "first": {"S", "T"}, "reranking": {"S", "M", "T"}}


@dataclasses.dataclass
class _Session:
    """What the parts share: the workload, made when it is first needed.

    Attributes
    ----------
    before
        What the file holds.
    """

    chosen: argparse.Namespace
    before: Mapping[str, Any]

    @cached_property
    def work(self) -> Workload:
        """The workload."""
        print(f"making workload {self.chosen.size}", flush=True)
        return make(self.chosen.size)

    @cached_property
    def world(self) -> World:
        """The same, encoded."""
        return encode(self.chosen.size, self.work)

    @property
    def repeats(self) -> dict[str, int]:
        """The number of repeats, where it was given."""
        return {} if self.chosen.repeats is None else {"repeats": self.chosen.repeats}


def _kernels(session: _Session) -> Any:
    found = measure_kernels(session.world, names=session.chosen.case, **session.repeats)
    if session.chosen.case and "kernels" in session.before:  # the other cases stay
        rows = {row["case"]: row for row in session.before["kernels"]["found"]["rows"]}
        rows |= {row["case"]: row for row in found["rows"]}
        found["rows"] = [rows[name] for name in CASES if name in rows]
    return found


def _registry(session: _Session) -> Any:
    return measure_registry(session.work, **session.repeats)


def _reranking(session: _Session) -> Any:
    return measure_reranking(session.world, **session.repeats)


def _growth(session: _Session) -> Any:
    return measure_growth(**session.repeats)


def _topk(session: _Session) -> Any:
    counts = sorted({1, min(2, n_threads())})
    return [measure_topk(session.work, users=session.chosen.users, threads=threads) for threads in counts]


def _first(session: _Session) -> Any:
    return measure_first(session.work, compiling=not session.chosen.no_compiling, **session.repeats)


def _subprocess(session: _Session, script: Path, *arguments: str, before: Any = None) -> Any:
    """Run a script that writes JSON, or goes on with what was there before, and return what it wrote."""
    if not script.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        if before is not None:
            out.write_text(json.dumps(before), encoding="utf-8")
        command = [sys.executable, str(script), session.chosen.size, "--out", str(out), *arguments]
        subprocess.run(command, check=True)  # noqa: S603 - our own script
        return json.loads(out.read_text(encoding="utf-8"))


def _boundary(session: _Session) -> Any:
    repeats = [] if session.chosen.repeats is None else ["--repeats", str(session.chosen.repeats)]
    return _subprocess(session, _HERE / "boundary.py", *repeats)


def _peers(session: _Session) -> Any:
    if session.chosen.peers is None:
        return None
    arguments = ["--folder", str(session.chosen.peers)]
    for name in session.chosen.peer or ():  # the rows of the others stay
        arguments += ["--peer", name]
    before = session.before["peers"]["found"] if session.chosen.peer and "peers" in session.before else None
    return _subprocess(session, _HERE / "peers" / "run.py", *arguments, before=before)


#: The parts by name; one that returns None was not measured.
PARTS: dict[str, Callable[[_Session], Any]] = {
    "kernels": _kernels,
    "registry": _registry,
    "reranking": _reranking,
    "growth": _growth,
    "topk": _topk,
    "first": _first,
    "boundary": _boundary,
    "peers": _peers,
}


def _boundary_tables(found: Mapping[str, Any]) -> str:
    boundary = importlib.import_module("boundary")  # imports polars and Arrow
    rows = found["rows"]
    one, every = ([row for row in rows if (row["table"] == "all") == together] for together in (False, True))
    said = (
        "From the frame to a code a row, beside the fastest of the ways that pandas, polars and Arrow have to "
        "factorize both columns:"
    )
    parts = [
        said,
        table(boundary.HEADER, [boundary.line(row) for row in one]),
        "`Dataset` and `Recommendations`, beside a factorize of the ids of all tables:",
        table(boundary.HEADER, [boundary.line(row) for row in every]),
    ]
    return "\n\n".join(parts)


def _peers_tables(found: Mapping[str, Any]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "peers.json"
        given.write_text(json.dumps(found), encoding="utf-8")
        command = [sys.executable, str(_HERE / "peers" / "table.py"), str(given)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own script
    return f"{peers_short(found)}\n\n{answer.stdout.strip()}"


_TABLES: dict[str, Callable[[Any], str]] = {
    "kernels": kernels_tables,
    "registry": registry_table,
    "reranking": reranking_tables,
    "growth": growth_table,
    "topk": topk_table,
    "first": first_table,
    "boundary": _boundary_tables,
    "peers": _peers_tables,
}


def read_results(folder: Path) -> dict[str, Any]:
    """Return what a folder holds, by size."""
    paths = {size: folder / f"{size}.json" for size in _ORDER}
    return {size: json.loads(path.read_text(encoding="utf-8")) for size, path in paths.items() if path.exists()}


def page(results: Mapping[str, Any]) -> str:
    """Return everything as one page of markdown."""
    lines = ["# Speed", "## Targets", targets_table(results), "## For the README", readme_table(results)]
    for size, result in results.items():
        users, items, rows = SIZES[size]
        lines += [
            f"## Workload {size}: {users:,} users, {items:,} items, about {rows:,} training rows",
            ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
        ]
        for part, title in _TITLES.items():
            if part in result["parts"]:
                measured = result["parts"][part]
                loads = f"{measured['load_before']:g} before and {measured['load_after']:g} after"
                about = measured["machine"]
                cores = f"{about['cpu']}, {about['cores']} cores, "
                cores += ", ".join(f"{name} {cache}" for name, cache in about["caches"].items())
                when = f"{cores}; {measured['date']}; processes that wanted a core: {loads}."
                lines += [f"### {title}", when, _TABLES[part](measured["found"])]
    return "\n\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and write the files; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--only", help=f"of {', '.join(PARTS)}, separated by commas; or page")
    parser.add_argument("--case", action="append", choices=list(CASES), help="only these of the kernels")
    parser.add_argument("--peers", type=Path, metavar="ENVS", help="the folder of the peers' environments")
    parser.add_argument("--peer", action="append", metavar="NAME", help="with --peers: measure only these anew")
    parser.add_argument("--users", type=int, help="so many for the best items from factors")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--no-compiling", action="store_true", help="do not compile everything anew")
    chosen = parser.parse_args(argv)
    default = [part for part in PARTS if chosen.size in _ONLY_ON.get(part, SIZES)]
    wanted = default if chosen.only is None else [part for part in chosen.only.split(",") if part != "page"]
    if unknown := [part for part in wanted if part not in PARTS]:
        parser.error(f"no part is called {unknown[0]!r}; there are {', '.join(PARTS)}")
    chosen.out.mkdir(parents=True, exist_ok=True)
    result = read_results(chosen.out).get(chosen.size, {"size": chosen.size, "parts": {}})
    session = _Session(chosen, result["parts"])
    for part in wanted:
        print(f"{part} of {chosen.size}", flush=True)
        about = {"date": now(), "load_before": load()}
        found = PARTS[part](session)
        if found is None:
            print(f"{part} was left out: its script or its folder is not there", flush=True)
            continue
        result["versions"] = versions()
        result["parts"][part] = about | {"machine": machine(), "load_after": load(), "found": found}
        (chosen.out / f"{chosen.size}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (chosen.out / "results.md").write_text(page(read_results(chosen.out)), encoding="utf-8")
    print(chosen.out / "results.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
