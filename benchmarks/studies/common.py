"""What the studies share: arguments, reading the folders of data, and a page of results with wall time and versions."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import stats

__all__ = ["Page", "interval", "parser", "read", "table"]

PACKAGES = ("beyondacc", "numpy", "scipy", "pandas", "numba", "implicit", "torch")


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the two arguments of every study."""
    made = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    made.add_argument("data", type=Path, metavar="DATA_FOLDER", help="the folder that holds the folders of data")
    made.add_argument("-o", "--out", type=Path, required=True, metavar="OUT_FOLDER", help="where the results go")
    return made


def read(folder: Path, name: str) -> pd.DataFrame:
    """Read ``name.csv`` or ``name.csv.gz`` of a folder."""
    for path in (folder / f"{name}.csv", folder / f"{name}.csv.gz"):
        if path.exists():
            return pd.read_csv(path)
    raise SystemExit(f"{folder} holds neither {name}.csv nor {name}.csv.gz")


def table(frame: pd.DataFrame, *, digits: int = 3) -> str:
    """Return a frame, its index first, as a Markdown table; missing cells are empty."""

    def text(value: Any) -> str:
        if isinstance(value, float | np.floating):
            return "" if np.isnan(value) else f"{value:.{digits}f}"
        return str(value)

    names = [frame.index.name or "", *map(str, frame.columns)]
    lines = ["| " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(frame.columns)]
    lines += [
        "| " + " | ".join([str(name), *map(text, row)]) + " |"
        for name, row in zip(frame.index, frame.itertuples(index=False), strict=True)
    ]
    return "\n".join(lines)


def interval(values: Sequence[float], *, digits: int = 4) -> str:
    """Return the mean of a few repetitions with its 95 % t interval."""
    found = np.asarray(values, dtype=np.float64)
    mean = found.mean()
    if found.size < 2:
        return f"{mean:.{digits}f}"
    half = stats.t.ppf(0.975, found.size - 1) * found.std(ddof=1) / np.sqrt(found.size)
    return f"{mean:.{digits}f} ({mean - half:.{digits}f} to {mean + half:.{digits}f})"


class Page:
    """The page of a study: paragraphs and tables in order, written with the wall time and the versions at the end.

    Parameters
    ----------
    out
        The folder; it is made.
    title
        Heading of the page.
    """

    def __init__(self, out: Path, title: str) -> None:
        self.out = out
        self._parts = [f"# {title}"]
        self._seconds: dict[str, float] = {}
        self._started = self._last = time.perf_counter()

    def __enter__(self) -> Self:
        self.out.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if kind is not None:
            return
        total = time.perf_counter() - self._started
        versions = {"Python": platform.python_version()}
        for name in PACKAGES:
            try:
                versions[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                versions[name] = "not installed"
        slowest = sorted(self._seconds.items(), key=lambda each: -each[1])[:8]
        self.add(
            "## Run",
            f"Wall time {total:.0f} s in all; the slowest parts: "
            + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in slowest)
            + ".",
            "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        )
        (self.out / "results.md").write_text("\n\n".join(self._parts) + "\n", encoding="utf-8")
        print(f"{self.out / 'results.md'}: {total:.0f} s")

    def add(self, *parts: str) -> None:
        """Append paragraphs."""
        self._parts += parts

    def csv(self, name: str, frame: pd.DataFrame) -> None:
        """Write a frame beside the page."""
        frame.to_csv(self.out / f"{name}.csv", index=False, float_format="%.6g")

    def lap(self, name: str) -> None:
        """Add the time since the last lap to a part, and say that it is done."""
        now = time.perf_counter()
        self._seconds[name] = self._seconds.get(name, 0.0) + now - self._last
        print(f"{now - self._started:7.0f} s  {name} ({now - self._last:.1f} s)", flush=True)
        self._last = now
