"""Files in, a `Dataset` and lists out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beyondacc.data.dataset import Dataset
from beyondacc.data.groups import UserTable, read_users
from beyondacc.data.intake.kinds import choose_kinds
from beyondacc.data.intake.order import order_runs
from beyondacc.data.intake.read import read_rows
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import Names
from beyondacc.data.intake.rows import Rows
from beyondacc.data.intake.tables import settle_tables
from beyondacc.data.items import Items, read_items
from beyondacc.errors import DataError

if TYPE_CHECKING:
    from beyondacc.cli.reading import FileOptions

__all__ = ["Tables"]


class Tables:
    """The tables of one command, whose columns and ids are settled together.

    Parameters
    ----------
    paths
        The files by what messages call them; None for those that were not given.
    options
        How to read them.
    order
        What orders the lists.
    vectors
        The file of the items' vectors.

    Raises
    ------
    DataError
        If a file cannot be read, or no table has a column that was named.
    SpecError
        If an option says nothing that can be understood.
    """

    def __init__(
        self,
        paths: Mapping[str, Path | str | None],
        options: FileOptions,
        *,
        order: str = "auto",
        vectors: Path | None = None,
    ) -> None:
        if vectors is not None and paths.get("items") is None:
            raise DataError("--vectors are those of the items table; pass --items too")
        names, self._options = Names(options.names()), options
        self._order: Any = order
        files = {what: options.file(what, path) for what, path in paths.items() if path is not None}
        items, users = files.pop("items", None), files.pop("users", None)
        settings: dict[str, Any] = {"columns": names, "order": order}
        rows = {what: read_rows(file, what=what, **settings) for what, file in files.items()}
        table = None if items is None else read_items(items, columns=names, genre_sep=options.genre_sep)
        groups = None if users is None else read_users(users, names)
        names.check_used()
        self._rows, found, self.users = settle_tables(rows, table, groups, choose_kinds(options.kinds()))
        self.items = found if found is None or vectors is None else found.with_vectors(vectors, names)

    users: UserTable | None
    items: Items | None

    def rows(self, what: str) -> Rows | None:
        """Return the rows of a table, or None where it was not given."""
        return self._rows.get(what)

    def runs(self, what: str, name: str) -> dict[str, Rows]:
        """Return the lists of a table by the name of the run: those of its column, where one was named for it."""
        rows = self._rows[what]
        return order_runs(rows, what, self._order) or {name: rows}

    def dataset(self, **options: Any) -> Dataset:
        """Make a dataset of the tables train, test, items and users; options as in `Dataset`."""
        zeros = None if self._options.zeros is None else self._options.zeros.value
        settings: dict[str, Any] = {"repeats": self._options.repeats.value, "zeros": zeros, "users": self.users}
        return Dataset(self.rows("train"), self.rows("test"), self.items, **settings, **options)

    def readings(self) -> Iterable[Reading]:
        """Yield what the boundary did with each table that is not of a dataset."""
        for what, rows in self._rows.items():
            if what not in {"train", "test"}:
                yield rows.reading
