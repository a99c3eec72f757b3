"""The items table: ids, titles, genres as sparse rows, vectors, and whatever else is known about an item."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.arrow import STRING
from beyondacc.data.columns import as_ids
from beyondacc.data.frames import open_table
from beyondacc.data.intake.files import File, read_file
from beyondacc.data.intake.genre_rows import Genres, union_rows
from beyondacc.data.intake.genres import read_flags, read_genres
from beyondacc.data.intake.numbers import nullable
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import ALIASES, Names, resolve, short_name
from beyondacc.data.intake.vectors import align_vectors, vectors_of_lists
from beyondacc.errors import DataError

__all__ = ["Genres", "Items", "read_items"]

_ROLES: Final = ("item_id", "title", "genres", "vector", "date")
_ACCEPTED: Final = (
    "a DataFrame (pandas, polars, pyarrow or anything narwhals takes), a path, a dict {item: [genres]}, or Items"
)


@dataclasses.dataclass(frozen=True, eq=False)
class Items:
    """A validated items table; n is the number of items.

    Parameters
    ----------
    ids
        ``(n,)`` unique external ids, int64 or strings.
    titles
        ``(n,)`` texts, missing where unknown, or None where the table has no titles.
    genres
        n rows, or None.
    vectors
        ``(n, d)`` finite float32 or float64, C-contiguous, or None.
    frame
        The other columns, n rows: for grouping, and the dates.
    date_column
        Which of them holds the dates; they are read when a metric asks for them.
    written
        Whether the ids are texts only because they stood in a file.
    reading
        What the boundary did with the table.
    """

    ids: pd.Index
    titles: pd.Index | None
    genres: Genres | None
    vectors: NDArray[np.floating[Any]] | None
    frame: pd.DataFrame
    date_column: str | None = None
    written: bool = False
    reading: Reading = dataclasses.field(default_factory=lambda: Reading("items"))

    def __len__(self) -> int:
        return len(self.ids)

    def with_vectors(self, vectors: Any, names: Names) -> Items:
        """Return the same with other vectors; see `align_vectors`."""
        return dataclasses.replace(self, vectors=align_vectors(vectors, self.ids, names, self.reading))


def read_items(
    source: Any,
    *,
    columns: Mapping[str, Any] | Names | None = None,
    genre_sep: str | None = None,
    vectors: Any = None,
    reading: Reading | None = None,
) -> Items:
    """Read the items table.

    Parameters
    ----------
    source
        A frame (pandas, polars, pyarrow, anything narwhals takes), the path of a file, a dict ``{item: [genres]}``, or
        `Items`. Genres are a column in one of the forms `read_genres` takes, such as texts (``"Action|Drama"``) and
        lists, or, where there is no genres column, the 0/1 and boolean columns if there are at least two of them. An
        item may have a row for each of its genres if the other columns agree.
    columns
        The user's own column names, ``{"item": "sku", "genres": "tags"}``.
    genre_sep
        What stands between the genres of a text; without it, it is told from all texts.
    vectors
        Vectors in a form that `align_vectors` takes: ``(n, d)`` one row of numbers for each item, or rows with the ids
        of the items as labels; in place of a column `vector` of lists.
    reading
        Where to say what was done with the table.

    Raises
    ------
    DataError
        If an item is missing or listed twice, vectors do not fit, or the source is of no such kind.
    """
    names = columns if isinstance(columns, Names) else Names(columns)
    if isinstance(source, Items):
        items = source
    else:
        reading = reading or Reading("items", type(source).__name__)
        if isinstance(source, (str, os.PathLike, File)):
            source = read_file(source, what="items", reading=reading, columns=names.given("items", _ROLES))
        if isinstance(source, Mapping):
            items = _from_dict(source, genre_sep, reading)
        else:
            items = _from_frame(source, names, genre_sep, reading, with_vectors=vectors is None)
        if not len(items):
            raise DataError("items is empty; pass at least one item")
        reading.rows = len(items)
        items = items if items.ids.is_unique else _gathered(items, reading)
    if names is not columns:
        names.check_used()
    return items if vectors is None else items.with_vectors(vectors, names)


def _from_dict(source: Mapping[Any, Any], genre_sep: str | None, reading: Reading) -> Items:
    names = {name.lower() for name in ("item_id", *ALIASES["item_id"])}
    if any(isinstance(key, str) and key.lower() in names for key in source):
        raise DataError(
            f"items is a dict of columns ({', '.join(map(repr, source))}); pass pandas.DataFrame(...) of it"
        )
    ids = as_ids(pd.Series(list(source)), "the items of items") if source else pd.Index([])
    values = pd.Series(list(source.values()), dtype=object)
    genres = read_genres(values, "the genres of items", genre_sep, reading)
    return Items(ids, None, genres, None, pd.DataFrame(index=range(len(ids))), reading=reading)


def _from_frame(source: Any, names: Names, genre_sep: str | None, reading: Reading, *, with_vectors: bool) -> Items:
    table = open_table(source, what="items", accepted=_ACCEPTED)
    found = resolve(table.columns, _ROLES[:1], names, "items", optional=_ROLES[1:], reading=reading)
    reading.columns = {short_name(name): str(column) for name, column in found.items()}
    pulled = table.pull([column for column in table.columns if isinstance(column, str)])
    taken: dict[str, pd.Series[Any]] = {
        short_name(name): pulled.pop(column) for name, column in found.items() if name != "date"
    }
    ids = as_ids(taken["item"], f"column {found['item_id']!r} of items")
    titles = pd.Index(taken["title"].astype(STRING).array) if "title" in taken else None
    if "genres" in taken:
        genres: Genres | None = read_genres(taken["genres"], f"column {found['genres']!r} of items", genre_sep, reading)
    else:
        genres = read_flags(pulled, reading)
    vectors = None
    if "vector" in taken and with_vectors and len(ids):
        vectors = vectors_of_lists(taken["vector"], f"column {found['vector']!r} of items")
    frame = pd.DataFrame({name: nullable(column).array for name, column in pulled.items()}, index=range(len(ids)))
    written = found["item_id"] in getattr(source, "attrs", {}).get("written", ())
    return Items(ids, titles, genres, vectors, frame, found.get("date"), written=written, reading=reading)


def _gathered(items: Items, reading: Reading) -> Items:
    """Join the rows of an item where they say the same but for the genre: a row for each item and genre."""
    codes, ids = pd.factorize(items.ids)
    first = np.flatnonzero(~items.ids.duplicated())
    genres = items.genres
    joined = None if genres is None or genres.weights is not None else union_rows(genres, codes, len(ids))
    own = None if genres is None else np.diff(genres.indptr)
    if joined is None or own is None or (np.diff(joined.indptr)[codes] == own).all():
        raise _twice(items, int(np.argmax(items.ids.duplicated())), "; keep one row an item")
    others = {"title": items.titles} | {str(name): column for name, column in items.frame.items()}
    others["vector"] = None if items.vectors is None else pd.Series(items.vectors.tolist(), dtype=object)
    for name, column in others.items():
        if column is not None:
            values = _codes(column)
            differs = np.flatnonzero(values != values[first][codes])
            if len(differs):
                raise _twice(
                    items,
                    int(differs[0]),
                    f", which differ in {name!r}; keep one row an item, or one for each of its genres with the same "
                    "values in all other columns",
                )
    reading.note(f"items with a row for each genre are joined, {len(items):,} rows to {len(ids):,} items")
    reading.genres = f"{reading.genres}, a row for each item and genre".removeprefix(", ")
    return dataclasses.replace(
        items,
        ids=items.ids[first],
        titles=None if items.titles is None else items.titles[first],
        genres=joined,
        vectors=None if items.vectors is None else items.vectors[first],
        frame=items.frame.iloc[first].reset_index(drop=True),
    )


def _codes(column: Any) -> NDArray[np.int64]:
    """Give equal values of a column one number, -1 where there is none; lists and dicts are compared as texts."""
    try:
        return np.asarray(pd.factorize(column)[0], dtype=np.int64)
    except (TypeError, ValueError, NotImplementedError):
        texts = [repr(each.tolist() if isinstance(each, np.ndarray) else each) for each in column]
        return np.asarray(pd.factorize(pd.Series(texts))[0], dtype=np.int64)


def _twice(items: Items, second: int, advice: str) -> DataError:
    item = items.ids[second]
    first = int(np.argmax(np.asarray(items.ids == item)))
    shown = item if isinstance(item, str) else int(item)
    return DataError(f"items lists {shown!r} twice, in rows {first} and {second} (rows count from 0){advice}")
