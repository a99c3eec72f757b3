"""How ``run.py`` talks to the environments: a workload as files, and processes that answer commands."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd

__all__ = ["IDS", "Unanswered", "Worker", "write"]

#: Kinds of ids: as the workload has them, positions, random numbers, random texts.
IDS = ("plain", "dense", "int64", "text")
_ADAPTERS = Path(__file__).with_name("adapters")
_LISTS = ("recs", "candidates")
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "NUMEXPR", "RAYON")
_POPULAR = 10


def write(work: Any, folder: Path) -> dict[str, int]:
    """Write a workload column by column, ids as positions beside one vocabulary for each kind of ids.

    Returns
    -------
    dict
        How many users, items and rows there are.
    """
    items = np.sort(work.items["item_id"].to_numpy())
    # sorted after hashing, because few distinct ids occur many times
    users = np.sort(pd.unique(pd.concat([frame["user_id"] for frame in (work.train, work.test, work.recs)])))
    for axis, ids in (("users", users), ("items", items)):
        for kind, vocabulary in zip(IDS, _vocabularies(ids), strict=True):
            np.save(folder / f"{axis}-{kind}.npy", vocabulary)
    codes = {}
    for name in ("train", "test", *_LISTS):
        frame = getattr(work, name)
        if len(frame):
            codes[name] = [_codes(frame[column], ids) for column, ids in (("user_id", users), ("item_id", items))]
            _write_rows(folder, name, *codes[name])
        if len(frame) and name in _LISTS:
            rank = frame.groupby("user_id", sort=False).cumcount().to_numpy() + 1
            _write_order(folder, name, frame["score"].to_numpy(), rank)
        elif len(frame):
            np.save(folder / f"{name}-rating.npy", frame["rating"].to_numpy())
    keys = [user.astype(np.int64) * len(items) + item for user, item in (codes["train"], codes["recs"])]
    past = ~np.isin(*keys, kind="sort")  # for a peer that refuses to look at items a user knows
    _write_rows(folder, "past", *(code[past] for code in codes["train"]))
    np.save(folder / "past-rating.npy", work.train["rating"].to_numpy()[past])
    popular = np.argsort(-np.bincount(codes["train"][1]), kind="stable")[:_POPULAR]
    _write_rows(folder, "popular", np.repeat(np.arange(len(users)), _POPULAR), np.tile(popular, len(users)))
    rank = np.tile(np.arange(1, _POPULAR + 1), len(users))
    _write_order(folder, "popular", 1.0 / rank, rank)
    place = np.searchsorted(items, work.items["item_id"])
    np.save(folder / "genres.npy", _permuted(work.items["genres"].to_numpy().astype(str), place))
    np.save(folder / "vectors.npy", _permuted(work.vectors, place))
    return {"users": len(users), "items": len(items)} | {
        name: len(getattr(work, name)) for name in ("train", "test", *_LISTS)
    }


def _codes(column: pd.Series, ids: np.ndarray) -> np.ndarray:
    """Return the position of each id in the sorted ids."""
    return pd.Index(ids).get_indexer(column)


def _vocabularies(ids: np.ndarray) -> list[np.ndarray]:
    """Return the ids of each kind, position by position."""
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 2**63 - 1, len(ids))  # a collision of random 63-bit numbers would be noticed as one id
    return [ids, np.arange(len(ids)), numbers, np.array([f"{number:016x}" for number in numbers])]


def _permuted(rows: np.ndarray, place: np.ndarray) -> np.ndarray:
    found = np.empty_like(rows)
    found[place] = rows
    return found


def _write_rows(folder: Path, name: str, users: np.ndarray, items: np.ndarray) -> None:
    np.save(folder / f"{name}-user.npy", users.astype(np.int32))
    np.save(folder / f"{name}-item.npy", items.astype(np.int32))


def _write_order(folder: Path, name: str, score: np.ndarray, rank: np.ndarray) -> None:
    np.save(folder / f"{name}-score.npy", score)
    np.save(folder / f"{name}-rank.npy", rank)


class Unanswered(Exception):  # noqa: N818 - it is not always an error: a peer may be too slow
    """A worker raised, died, or did not answer in time; the message says which, in a line."""


class Worker:
    """An adapter in its environment, with so many threads, that answers commands.

    A process that died or was given up is started anew by the next command.

    Parameters
    ----------
    python
        The interpreter of the environment.
    script
        The adapter.
    threads
        Processor cores that it may use, which is also told to every thread pool that reads it from the environment.
    memory
        Gigabytes that it may take; more is a MemoryError there.
    """

    def __init__(self, python: Path, script: Path, *, threads: int = 1, memory: float | None = None) -> None:
        self._command = [str(python), str(script)]
        self._env = _environment(threads)
        self._limits = (sorted(os.sched_getaffinity(0))[-threads:], memory)
        self._process: subprocess.Popen[str] | None = None
        self._loaded: dict[str, Any] = {}

    def load(self, folder: Path, ids: str, users: int | None) -> None:
        """Say which tables the next measurements are of; they are read when they are first used."""
        self._loaded = {"folder": str(folder), "ids": ids, "users": users}

    def ask(self, do: str, *, timeout: float = 600.0, **details: Any) -> dict[str, Any]:
        """Send a command and wait for the answer.

        Raises
        ------
        Unanswered
            If there is none.
        """
        process = self._process or self._start()
        said = os.fstat(self._errors.fileno()).st_size
        try:
            process.stdin.write(json.dumps({"do": do, **self._loaded, **details}) + "\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], timeout)
            line = process.stdout.readline() if ready else None
        except BrokenPipeError:
            line = ""
        if not line:
            reason = f"no answer in {timeout:g} s" if line is None else self._last_words(said)
            self.close(kill=True)
            raise Unanswered(reason)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Unanswered(answer["error"])
        return answer

    def _start(self) -> subprocess.Popen[str]:
        limits = self._limits
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(  # noqa: S603 - our own adapters
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=self._env,
            preexec_fn=lambda: _limit(*limits),  # noqa: PLW1509 - no thread of ours holds a lock here
        )
        return self._process

    def _last_words(self, start: int) -> str:
        """Return how it ended, and the last line of what it wrote since that position."""
        status = self._process.wait()
        self._errors.seek(start)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return f"ended with status {status}" + (f": {lines[-1]}" if lines else "")

    def close(self, *, kill: bool = False) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()  # no more commands, so it ends
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _environment(threads: int) -> dict[str, str]:
    chosen = {f"{pool}_NUM_THREADS": str(threads) for pool in _THREADS}
    # an interpreter of another environment must not meet our modules
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    return kept | chosen | {"POLARS_MAX_THREADS": str(threads), "PYTHONWARNINGS": "ignore", "PYTHONHASHSEED": "0"}


def _limit(cores: list[int], memory: float | None) -> None:
    os.sched_setaffinity(0, cores)
    if memory is not None:
        most = int(memory * 1e9)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
