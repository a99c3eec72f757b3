"""The markdown tables of what ``run.py`` measured: ``python benchmarks/speed/peers/table.py OUT.json``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

__all__ = ["render"]

_HEAD = (
    "| metric | peer | its conversion, s | its computation, s | ours, 1 / 2 threads, s | computation: times faster "
    "| end to end: times faster | values |"
)
_RULE = "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"
_TITLES = {
    "plain": "Frames with the workload's ids",
    "dense": "Whole journey, ids 0 .. n-1",
    "int64": "Whole journey, ids random 64-bit integers",
    "text": "Whole journey, ids random texts",
}


def _seconds(value: float) -> str:
    return (
        "0" if value < 5e-5 else f"{value:.4f}" if value < 0.01 else f"{value:.3g}" if value < 1000 else f"{value:.0f}"
    )


def _times(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _each(row: dict[str, Any], what: str) -> str:
    """Return the ratios by number of our threads; a peer on two threads is compared with ours on two alone."""
    return " / ".join(
        "-" if int(threads) < row["threads"] else _times(found[what]["median"])
        for threads, found in sorted(row["ratio"].items())
    )


def _line(row: dict[str, Any], unit: str) -> str:
    name = f"`{row['definition']}`"
    peer = row["peer_name"] + (f", {row['threads']} threads" if row["threads"] > 1 else "")
    if row["scaled"]:
        peer += f", {row['n_users']:,} users"
    if "failed" in row:
        return f"| {name} | {peer} | - | - | - | - | - | {row['failed']} |"
    ours = " / ".join(_seconds(each[f"compute{unit}"]["median"]) for _, each in sorted(row["ours"].items()))
    values = "equal" if row["equal"] else f"void: {row['void']}"
    if row["equal"] and row["options"] is not None:
        values = f"{100 * row['value']:.2f} % of the lists"
    elif row["equal"] and row["because"]:
        values = f"equal, but {row['because']}"
    cells = [
        name,
        peer,
        *(_seconds(row["theirs"][f"{part}{unit}"]["median"]) for part in ("convert", "compute")),
        ours,
        _each(row, f"compute{unit}"),
        _each(row, f"end_to_end{unit}"),
        values,
    ]
    return f"| {' | '.join(cells)} |"


def render(result: dict[str, Any], *, processor: bool = False) -> str:
    """Return the tables of one result as markdown.

    Parameters
    ----------
    result
        As ``run.py`` writes it.
    processor
        Show seconds of the processor, of all threads together: they stand still while other processes have the core.
    """
    work, machine, unit = result["workload"], result["machine"], "_cpu" if processor else ""
    sizes = ", ".join(f"{work[what]:,} {what}" for what in ("users", "items"))
    lines = [
        f"## Workload {work['size']}: {sizes}, {work['train']:,} training rows",
        "",
        f"{machine['cpu']}, {machine['cores']} cores. Medians; each ratio is of calls next to each other in one run.",
        *(["Seconds are those of the processor, of all threads together."] if processor else []),
        "",
    ]
    for ids, title in _TITLES.items():
        rows = sorted((row for row in result["rows"] if row["ids"] == ids), key=lambda row: row["row"])
        if rows:
            lines += [f"### {title}", "", _HEAD, _RULE, *(_line(row, unit) for row in rows), ""]
    scaled = [row for row in result["rows"] if row["scaled"] and "failed" not in row]
    if scaled:
        lines += ["Measured on some users, on both sides; to all users it would be about:", ""]
        lines += [
            f"- {row['row']}, {row['peer_name']}: "
            f"{_seconds(row['scaled'] * row['theirs'][f'compute{unit}']['median'])} s "
            f"(times {row['scaled']:.1f})"
            for row in scaled
        ]
        lines.append("")
    for name, peer in sorted(result["peers"].items()):
        said = peer.get("failed") or ", ".join(f"{package} {version}" for package, version in peer["versions"].items())
        lines.append(f"- {name}: {said}")
    ours = ", ".join(f"{package} {version}" for package, version in result["ours"].items())
    return "\n".join([*lines, f"- ours: {ours}", ""])


def main() -> None:
    """Print the tables of the files named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--processor", action="store_true", help="seconds of the processor, for a busy machine")
    chosen = parser.parse_args()
    for file in chosen.files:
        print(render(json.loads(file.read_text(encoding="utf-8")), processor=chosen.processor))


if __name__ == "__main__":
    main()
