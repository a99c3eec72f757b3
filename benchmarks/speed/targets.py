"""The targets of issue 6 beside what was measured, and the short table of the README."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from timing import number, table

__all__ = ["peers_short", "readme_table", "targets", "targets_table"]

Result = Mapping[str, Any]
#: What was asked for, how much of it there is, and whether that is enough.
Target = tuple[str, str, bool]

_LARGE = ("M", "L")  # on smaller workloads there is too little to do for most targets
_TWO_THREADS = 1.7
_FROM_FRAMES = {"ranx", "RecTools", "RePlay", "recmetrics", "Recommenders", "LensKit"}
_AT_LEAST = {"plain": 20.0, "dense": 5.0, "int64": 3.0, "text": 3.0}
_ILD, _PYVERSITY = 200.0, 15.0
_BOUNDARY, _TOP_K = 1.5, 1.3
#: What the README shows, and the metric of ours that a peer has.
_README = {
    "nDCG": "ndcg",
    "ILD Jaccard": "ild",
    "ILD cosine": "ils",
    "binomial diversity": "",
    "self-information": "self_information",
    "surprise (nPMI)": "",
    "serendipity (rank)": "serendipity_rank",
    "personalization": "personalization",
    "MMR Jaccard": "",
    "MMR cosine": "MMR",
    "MSD cosine": "MSD",
    "DPP": "DPP",
    "Cover": "Cover",
    "SSD": "SSD",
}


def _seconds(clock: float, processor: float) -> str:
    """Return both: on a busy machine the clock counts what others do."""
    return f"{number(clock)} s, {number(processor)} s of the processor"


def _of_kernels(size: str, found: Result) -> Iterator[Target]:
    for row in found["rows"]:
        name, ratios = f"{size}, {row['case']}", row["ratios"]
        if not row["value_equal"]:
            yield f"{name}: same values as naive code", "other values", False
        if row.get("prototype_equal") is False:
            yield f"{name}: same values as the prototype", "other values", False
        elif row.get("prototype_equal"):
            prototype = ratios["prototype_1 / ours_1"]
            yield f"{name}: as fast as the prototype", f"{number(prototype)} times as fast", prototype >= 1
            two = row["seconds"]["prototype_1"] / row["seconds"]["ours_2"]
            what = f"{name}: on two threads {_TWO_THREADS} times as fast as the prototype on one"
            yield what, f"{number(two)} times", two >= _TWO_THREADS
        elif size in _LARGE:  # nobody wrote a prototype, for which ours on one thread has to stand
            two = ratios["ours_1 / ours_2"]
            yield f"{name}: {_TWO_THREADS} times as fast on two threads", f"{number(two)} times", two >= _TWO_THREADS
        if row["case"] == "MMR cosine" and size in _LARGE:
            share = 1.0 / ratios["ours_1 / limit"]
            yield f"{name}: half the rate of products with a matrix in cache", number(share), share >= 0.5
        if row["case"] == "surprise (nPMI)" and size == "L":
            seconds = min(row["seconds"]["ours_1"], row["seconds"]["ours_2"])
            yield f"{name}: under 5 s", f"{number(seconds)} s", seconds < 5


def _of_registry(size: str, found: Result) -> Iterator[Target]:
    if size == "L":
        seconds = min(found["together"].values())
        measured = _seconds(seconds, found["together_processor"]["1"])
        yield "L, all metrics without co-occurrence: under 2 s", measured, seconds < 2


def _of_first(_size: str, found: Result) -> Iterator[Target]:
    row = found["imports"]["beyondacc"]
    yield "import beyondacc: under 0.35 s", _seconds(row["median"], row["processor"]), row["median"] < 0.35
    for what, row in found["evaluations"].items():
        measured = _seconds(row["total"], row["total_processor"])
        yield f"first evaluation ({what} metrics), warm cache: under 0.8 s", measured, row["total"] < 0.8
    if "compiling" in found:
        row = found["compiling"]["usual"]
        yield "compiling ahead: under 12 s", _seconds(row["seconds"], row["processor"]), row["seconds"] < 12


def _of_growth(_size: str, found: Result) -> Iterator[Target]:
    for row in found["rows"]:
        if row["exceeds"]:
            slope = f"{row['exponent']:.2f}, from {row['low']:.2f} to {row['high']:.2f}"
            yield f"{row['case']} with {row['axis']}: exponent {row['allowed']:g}", slope, False
    if not any(row["exceeds"] for row in found["rows"]):
        yield "nothing grows faster than it may", "nothing does", True


def _of_topk(size: str, found: list[Result]) -> Iterator[Target]:
    for row in found if size == "L" else ():
        what = f"{size}, top {row['k']}, {row['threads']} thread(s): within {_TOP_K} of the product"
        yield what, f"{number(row['ratio'])} times", row["ratio"] <= _TOP_K and row["value_equal"]


def _of_boundary(size: str, found: Result) -> Iterator[Target]:
    for row in found["rows"]:
        if row["table"] != "all" and size in _LARGE:
            what = f"{size}, {row['table']} from {row['source']}, {row['ids']} ids: within {_BOUNDARY} of a factorize"
            yield what, f"{number(row['ratio'])} times", row["ratio"] <= _BOUNDARY


def _fastest(found: Result, ids: str) -> dict[str, Result]:
    """Return the peer that comes nearest, by our metric: of those whose values agree and that start from frames."""
    part = "compute" if ids == "plain" else "end_to_end"
    best: dict[str, Result] = {}
    for row in found["rows"]:
        if row["ids"] != ids or "failed" in row or not row["equal"]:
            continue
        if row["peer_name"] not in _FROM_FRAMES and row["peer_name"] != "pyversity":
            continue
        name = re.split(r"[(@]", row["definition"])[0]
        so_far = best.get(name)
        if so_far is None or row["ratio"]["1"][part]["median"] < so_far["ratio"]["1"][part]["median"]:
            best[name] = row
    return best


def _of_peers(size: str, found: Result) -> Iterator[Target]:
    for ids, least in _AT_LEAST.items() if size in _LARGE else ():
        part = "compute" if ids == "plain" else "end_to_end"
        for name, row in _fastest(found, ids).items():
            wanted = least
            if ids == "plain":
                wanted = _PYVERSITY if row["peer_name"] == "pyversity" else _ILD if name in {"ild", "ils"} else least
            ratio = row["ratio"]["1"][part]["median"]
            what = f"{size}, {name} against {row['peer_name']}, " + ("computation" if ids == "plain" else f"{ids} ids")
            yield f"{what}: {wanted:g} times as fast", f"{number(ratio)} times", ratio >= wanted


_PARTS = {
    "kernels": _of_kernels,
    "registry": _of_registry,
    "topk": _of_topk,
    "first": _of_first,
    "growth": _of_growth,
    "boundary": _of_boundary,
    "peers": _of_peers,
}


def targets(results: Mapping[str, Result]) -> list[Target]:
    """Return the targets that what was measured can tell about; `results` by size, see `run`."""
    return [
        target
        for size, result in results.items()
        for part, of_part in _PARTS.items()
        if part in result["parts"]
        for target in of_part(size, result["parts"][part]["found"])
    ]


def targets_table(results: Mapping[str, Result]) -> str:
    """Return the targets as markdown, those that are not met first."""
    found = sorted(targets(results), key=lambda target: target[2])
    met = sum(target[2] for target in found)
    return f"{met} of {len(found)} are met.\n\n" + table(("target", "measured", "met"), found)


def peers_short(found: Result) -> str:
    """Return for each metric the peer that comes nearest, by the kind of ids."""
    lines = []
    for ids in _AT_LEAST:
        for name, row in sorted(_fastest(found, ids).items()):
            one, theirs = row["ratio"]["1"], row["theirs"]
            seconds = theirs["compute"]["median"], theirs["convert"]["median"]
            ratios = one["compute"]["median"], one["end_to_end"]["median"]
            lines.append((f"{name}, {ids}", row["peer_name"], *seconds, *ratios))
    header = ("row, ids", "nearest peer", "computation, s", "conversion, s", "computation / ours", "end to end / ours")
    return table(header, lines)


def readme_table(results: Mapping[str, Result]) -> str:
    """Return the short table of the README: workload M, or what there is, with its peers if they were measured."""
    sizes = [size for size in results if "kernels" in results[size]["parts"]]
    if not sizes:
        return ""
    size = "M" if "M" in sizes else sizes[-1]
    parts = results[size]["parts"]
    rows = {row["case"]: row for row in parts["kernels"]["found"]["rows"] if row["value_equal"]}
    peers = _fastest(parts["peers"]["found"], "plain") if "peers" in parts else {}

    def nearest(name: str) -> str:
        if name not in peers:
            return ""
        return f"{number(peers[name]['ratio']['1']['compute']['median'], digits=2)} ({peers[name]['peer_name']})"

    columns = ["one thread, ms", "two, ms", "times as fast as naive NumPy", "share of the limit"]
    return table(
        [f"workload {size}", *columns, *["times as fast as the nearest peer"] * bool(peers)],
        (
            (
                case,
                1e3 * rows[case]["processor"]["ours_1"],
                1e3 * rows[case]["seconds"]["ours_2"],
                rows[case]["ratios"]["naive / ours_1"],
                f"{100 / rows[case]['ratios']['ours_1 / limit']:.0f} % ({rows[case]['limit']['name']})",
                *[nearest(name)] * bool(peers),
            )
            for case, name in _README.items()
            if case in rows
        ),
    )
