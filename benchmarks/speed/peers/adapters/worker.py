"""What every adapter shares: tables from files, timing, and the conversation with ``run.py``.

An adapter runs in the environment of its peer, so this module needs numpy and pandas alone, of any release. It reads
commands from its standard input, a line of JSON each, and answers each with a line of JSON.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib.metadata
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["K", "Row", "Tables", "genre_columns", "lists_of", "serve"]

K = 10
Frames = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison: how a peer computes a number, and which of ours it should equal.

    Attributes
    ----------
    name
        Of the row, such as ``ndcg``.
    call
        What is timed as computation, as one would write it.
    metric, convention
        The metric of ours, and the convention it is evaluated by. For a re-ranker `metric` is its name.
    options
        Parameters of the re-ranker of ours; None for a metric.
    tables
        What the peer reads, which is also what ours gets: ``train``, ``past`` (the same without what the lists
        show), ``test``, ``recs``, ``candidates``, ``popular`` (ten popular items a user, for a primitive model),
        ``items`` (ids), ``genres`` (ids and genres), ``vectors``.
    order
        The column of the lists that the peer orders by, ``rank`` or ``score``; ours gets the same.
    convert, compute
        Frames -> the peer's own objects -> its result. Both are timed.
    number
        Result -> the number to compare, or for a re-ranker the positions it picked, (users, k).
    before
        Not timed, such as clearing the peer's own cache.
    users, power
        At most so many users, where the peer is hopelessly slow, and the power of their number with which it grows.
    tolerance, because
        How far the values may be apart, and why that is more than rounding in double precision.
    differs
        In which respect the definition is known to differ, where it is.
    journey
        Whether it is also run with dense and with hashed ids.
    """

    name: str
    call: str
    metric: str
    tables: tuple[str, ...]
    convert: Callable[[Frames], Any]
    compute: Callable[[Any], Any]
    number: Callable[[Any], Any] = float
    before: Callable[[], object] | None = None
    convention: str | None = None
    options: dict[str, Any] | None = None
    order: str = "score"
    users: int | None = None
    power: int = 1
    tolerance: float = 1e-6
    because: str = ""
    differs: str = ""
    journey: bool = False

    def describe(self) -> dict[str, Any]:
        """Return everything that is not a function."""
        return {
            field.name: value
            for field in dataclasses.fields(self)
            if not callable(value := getattr(self, field.name)) and field.name != "before"
        }


class Tables:
    """The frames of a workload, as a user would hold them.

    Parameters
    ----------
    folder
        Where ``exchange.write`` put them.
    ids
        Which ids: ``plain``, ``dense``, ``int64`` or ``text``.
    users
        Only the first so many; all by default.
    """

    def __init__(self, folder: str, ids: str, users: int | None = None) -> None:
        self._folder = Path(folder)
        self._users = users
        self._known: dict[tuple[str, str], Any] = {}
        self._ids = {axis: self._array(f"{axis}-{ids}") for axis in ("users", "items")}
        if ids == "text":  # Python strings, of which pandas makes what it makes of strings
            self._ids = {axis: array.astype(object) for axis, array in self._ids.items()}

    def _array(self, name: str) -> np.ndarray:
        return np.load(self._folder / f"{name}.npy")

    def select(self, names: tuple[str, ...], order: str) -> dict[str, Any]:
        """Return tables by name; frames are views, so that nobody's new columns stay."""
        found = {name: self._table(name, order) for name in names}
        return {name: table.copy(deep=False) if hasattr(table, "columns") else table for name, table in found.items()}

    def _table(self, name: str, order: str) -> Any:
        if (name, order) not in self._known:
            self._known[name, order] = self._load(name, order)
        return self._known[name, order]

    def _load(self, name: str, order: str) -> Any:
        if name == "vectors":
            return self._array("vectors")
        if name in {"items", "genres"}:
            genres = {"genres": self._array("genres").astype(object)} if name == "genres" else {}
            return pd.DataFrame({"item_id": self._ids["items"], **genres})
        users, items = self._array(f"{name}-user"), self._array(f"{name}-item")
        column = order if name in {"recs", "candidates", "popular"} else "rating"
        values = self._array(f"{name}-{column}")
        kept = slice(None) if self._users is None else np.flatnonzero(users < self._users)
        return pd.DataFrame(
            {
                "user_id": self._ids["users"][users[kept]],
                "item_id": self._ids["items"][items[kept]],
                column: values[kept],
            }
        )


def genre_columns(genres: pd.DataFrame) -> pd.DataFrame:
    """Return a 0/1 column a genre, indexed by item id."""
    return genres.set_index("item_id")["genres"].str.get_dummies(sep="|")


def lists_of(frame: pd.DataFrame) -> list[list[Any]]:
    """Return the items of each user as a list, in the order of the rows, which is that of the ranks."""
    return frame.groupby("user_id", sort=False)["item_id"].agg(list).tolist()


def _measure(row: Row, frames: Frames) -> dict[str, Any]:
    """Time conversion and computation apart, from frames to the number.

    Seconds of the processor stand still while other processes have the core, so they tell a busy machine.
    """
    if row.before:
        row.before()
    gc.collect()  # what others left behind is not this call's work
    started, busy = time.perf_counter(), time.process_time()
    made = row.convert(frames)
    converted, busy_converting = time.perf_counter(), time.process_time()
    found = row.compute(made)
    computed, busy_computing = time.perf_counter(), time.process_time()
    return {
        "convert": converted - started,
        "compute": computed - converted,
        "convert_cpu": busy_converting - busy,
        "compute_cpu": busy_computing - busy_converting,
        "value": row.number(found),
    }


def serve(rows: list[Row] | Callable[[dict[str, Any]], Row], packages: tuple[str, ...]) -> None:
    """Answer commands until there are no more.

    Parameters
    ----------
    rows
        The rows of a peer, or a function from the description of a peer's row to a row of ours.
    packages
        Whose versions to tell.
    """
    # whatever a library prints goes elsewhere than the answers
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    known = {} if callable(rows) else {row.name: row for row in rows}
    tables = loaded = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if command["do"] == "describe":
                answer = {
                    "versions": {name: importlib.metadata.version(name) for name in packages},
                    "rows": [row.describe() for row in known.values()],
                }
            else:
                asked = (command["folder"], command["ids"], command["users"])
                if asked != loaded:
                    tables, loaded = Tables(*asked), asked
                row = rows(command["row"]) if callable(rows) else known[command["row"]["name"]]
                answer = _measure(row, tables.select(row.tables, row.order))
                if isinstance(answer["value"], np.ndarray):
                    np.save(command["keep"], answer["value"])
                    answer["value"] = command["keep"]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a peer raises is the answer
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)
