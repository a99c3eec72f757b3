"""The cells of a study on disk, one file each, so that a study that was stopped goes on where it stopped.

A file is written beside its place and moved there, so that it is whole or not there at all, and two processes that work
on one study write the same bytes. A folder belongs to one study: what data, models, re-rankers, metrics and version it
is of stands in it, and another study is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beyondacc.data.dataset import Dataset, Profiles
from beyondacc.data.vocabulary import hash_ids
from beyondacc.errors import DataError
from beyondacc.files.atomic import replace_file
from beyondacc.metrics.base.metric import Metric

__all__ = ["Arrays", "FolderStore", "Store", "digest_of"]

Arrays = dict[str, Any]
_NAME: Final = "study.json"


class Store:
    """Keeps nothing."""

    def get(self, *key: object) -> Arrays | None:  # noqa: ARG002 - of nothing
        """Return the arrays of a cell, None where it is not there."""
        return None

    def put(self, arrays: Arrays, *key: object) -> None:
        """Keep the arrays of a cell."""


class FolderStore(Store):
    """A folder with the cells of one study.

    Parameters
    ----------
    folder
        Created where it is not there; its parent must be.
    facts
        What the study is of, as texts; the same texts are the same study.

    Raises
    ------
    DataError
        If the folder cannot be used, or is of another study.
    """

    def __init__(self, folder: Path, facts: Mapping[str, str]) -> None:
        if folder.exists() and not folder.is_dir():
            raise DataError(f"{folder} is a file; choose a folder for the cells of the study")
        if not folder.parent.is_dir():
            raise DataError(f"the folder {folder.parent} does not exist; create it or choose another place")
        self.folder = folder
        file = folder / _NAME
        if file.exists():
            known = _read_facts(file)
            other = [name for name, text in facts.items() if known.get(name) != text]
            if other:
                raise DataError(
                    f"{folder} holds cells of another study, with other {' and '.join(other)}; "
                    "choose another folder, or remove it"
                )
        elif folder.exists() and not all(each.name.startswith(".") for each in folder.iterdir()):
            raise DataError(f"{folder} holds files that are no cells of a study; choose an empty folder")
        else:
            folder.mkdir(exist_ok=True)
            replace_file(file, json.dumps(dict(facts), indent=1).encode())

    def get(self, *key: object) -> Arrays | None:
        """Return the arrays of a cell, None where it is not there or cannot be read."""
        try:
            with self._file(key).open("rb") as file, np.load(file, allow_pickle=False) as found:
                return dict(found)
        except Exception:  # noqa: BLE001 - not there or damaged since, of which NumPy says whatever it stumbles over
            return None

    def put(self, arrays: Arrays, *key: object) -> None:
        """Keep the arrays of a cell."""
        content = io.BytesIO()
        np.savez(content, **arrays)
        replace_file(self._file(key), content.getvalue())

    def _file(self, key: tuple[object, ...]) -> Path:
        name = hashlib.sha256(json.dumps([str(part) for part in key]).encode()).hexdigest()[:24]
        return self.folder / f"{name}.npz"


def _read_facts(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DataError(f"{file} does not say of which study the cells are; remove its folder, or choose another one")
    return found


def digest_of(data: Dataset, metrics: Iterable[Metric] = ()) -> str:
    """Return a text that tells data sets apart: a digest of all that these metrics, re-rankers and models read.

    Dates count as they are written, and times only where a metric orders the history by them, as nothing else needs
    either to be right.
    """
    found = hashlib.sha256()

    def add(*arrays: NDArray[Any] | None) -> None:
        for array in arrays:
            found.update(b"-" if array is None else f"{array.dtype}{array.shape}".encode())
            found.update(b"" if array is None else np.ascontiguousarray(array).tobytes())

    def of(rows: Profiles | None) -> tuple[NDArray[Any] | None, ...]:
        return (None,) if rows is None else (rows.starts, rows.items, rows.values)

    features = data.features
    add(hash_ids(data.users.ids), hash_ids(data.items.ids), data.catalogue, *of(data.train), *of(data.test))
    add(*((None,) if features is None else (features.starts, features.ids, features.weights)))
    add(data.vectors)
    if data.train is not None and any(metric.values.get("history") == "reciprocal" for metric in metrics):
        add(data.train.recency)
    found.update(repr(data.world.date_column).encode())
    if data.item_table is not None:
        found.update(data.item_table.to_csv().encode())
    return found.hexdigest()
