"""Which column of a table plays which role: the one table of their names, and the user's own names for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from beyondacc.data.intake.reading import Reading
from beyondacc.errors import DataError, choices, did_you_mean

__all__ = [
    "ALIASES",
    "IDS",
    "INTERACTIONS",
    "NUMBERS",
    "ORDERS",
    "RECBOLE_TYPES",
    "TABLES",
    "TEXTS",
    "Names",
    "given_names",
    "positions",
    "resolve",
    "role_of",
    "short_name",
    "stem",
    "with_role",
]

#: Canonical name -> other names, compared without regard to case; a canonical name is always its own alias.
ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "user_id": ("userId", "user", "u", "query_id", "qid", "uid"),
    "item_id": ("itemId", "item", "i", "movieId", "movie_id", "doc_id", "docno", "iid"),
    "score": ("prediction", "pred"),
    "rank": (),
    "run": (),
    "rating": ("value", "relevance", "rel", "gain", "weight"),
    "timestamp": ("ts", "time", "datetime"),
    "genres": ("genre", "categories", "category", "class"),
    "title": ("name", "movie_title"),
    "vector": ("embedding", "features"),
    "date": ("release_date", "published", "publication_date", "year"),
}
#: What stands behind the colon of a RecBole header such as ``user_id:token``.
RECBOLE_TYPES: Final = ("token", "token_seq", "float", "float_seq")
#: Roles by what stands in their columns.
IDS: Final = ("user_id", "item_id")
NUMBERS: Final = ("score", "rank", "rating", "timestamp")
TEXTS: Final = ("genres", "title")
#: How the tables of a call are named in front of a role, as in ``test.rating``.
TABLES: Final = ("train", "test", "recs", "items", "users", "primitive", "earlier", "candidates", "ratings")
#: Those whose rows are interactions, the numbers of which are ratings where nothing else says what they are.
INTERACTIONS: Final = frozenset({"train", "test", "ratings"})
_ROLES: Final = {name.lower(): role for role, others in ALIASES.items() for name in (role, *others)}
#: In lower case, the names of columns that order a list.
ORDERS: Final = frozenset(name for name, role in _ROLES.items() if role in {"score", "rank"})


def short_name(canonical: str) -> str:
    """Return the name used in ``columns={...}``: ``user`` for ``user_id``."""
    return canonical.removesuffix("_id")


_KNOWN: Final = {short_name(name): name for name in ALIASES} | {name: name for name in ALIASES}


def stem(column: Any) -> Any:
    """Cut the type off a RecBole header such as ``user_id:token``."""
    if not isinstance(column, str):
        return column
    name, colon, kind = column.rpartition(":")
    return name if colon and kind in RECBOLE_TYPES else column


def role_of(name: str, given: Mapping[str, str]) -> str | None:
    """Return the role of a column: what the user says, or what its name says, without regard to case."""
    said = next((role for role, column in given.items() if column == name), None)
    return said or _ROLES.get(stem(name.strip()).lower())


def with_role(names: Iterable[str], roles: Iterable[str], given: Mapping[str, str]) -> list[str]:
    """Return the columns that have one of some roles."""
    wanted = set(roles)
    return [name for name in names if role_of(name, given) in wanted]


def given_names(columns: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the column of each role that the user names, by the canonical name of the role, as a text."""
    return {_KNOWN[key]: str(name) for key, name in (columns or {}).items() if key in _KNOWN}


def positions(given: Mapping[str, str], names: Iterable[str]) -> dict[int, str]:
    """Return the roles that are given by a position, counted from 1, rather than by one of `names`."""
    known = set(names)
    return {
        int(name): role
        for role, name in given.items()
        if name not in known and name.isascii() and name.isdecimal() and int(name)
    }


def _find(canonical: str, free: Sequence[str], what: str) -> str | None:
    exact = [column for column in free if stem(column) == canonical]
    found = exact or with_role(free, [canonical], {})
    if len(found) > 1:
        short = short_name(canonical)
        raise DataError(
            f"{what} has {len(found)} columns that could be the {short}: {', '.join(map(repr, found))}; "
            f"say which with columns={{{short!r}: {found[0]!r}}} (--columns {short}={found[0]})"
        )
    return found[0] if found else None


@dataclasses.dataclass(frozen=True)
class _Name:
    """One of the user's own names: for one table or for every one that needs it, of a column or of its position."""

    table: str
    role: str
    column: Any
    key: str


class Names:
    """The user's own names of columns, for all tables of one call.

    Parameters
    ----------
    given
        ``{"user": "customer"}``: a name counts for every table that has such a column and lacks one of the canonical
        name; ``{"test.rating": "relevance"}``: for one table, where it comes before a canonical column. Short or
        canonical names are roles. A whole number is the position of a column, from 1, of a file without a header line.

    Raises
    ------
    DataError
        If a key names no role or no table, or a role is given twice.
    """

    def __init__(self, given: Mapping[str, Any] | None) -> None:
        self._names = [_name(key, column) for key, column in (given or {}).items()]
        seen: set[tuple[str, str]] = set()
        for name in self._names:
            if (name.table, name.role) in seen:
                raise DataError(f"columns= gives the {short_name(name.role)} column twice; keep one of the two")
            seen.add((name.table, name.role))
        self._used: set[str] = set()
        self._passed: dict[str, tuple[str, str]] = {}
        self._asked: dict[str, dict[str, list[str]]] = {}  # by role and table, the columns of the table

    def has(self, role: str, table: str) -> bool:
        """Whether a column is named for a role of a table."""
        return any(name.role == role and name.table in {"", table} for name in self._names)

    def given(self, what: str, roles: Sequence[str]) -> dict[str, Any]:
        """Return what is named for the roles of a table, before anybody knows which columns it has."""
        mine = [name for name in self._names if name.table in {"", _table(what)} and name.role in roles]
        return {short_name(name.role): name.column for name in sorted(mine, key=lambda name: bool(name.table))}

    def of(self, what: str, present: Iterable[Any], roles: Sequence[str], reading: Reading) -> dict[str, Any]:
        """Return the user's names for the roles of one table.

        Parameters
        ----------
        what
            The table.
        present
            Its columns.
        roles
            The canonical names of the roles that it has; others are left aside.
        reading
            Learns of canonical columns that are passed over.
        """
        columns = list(present)
        for role in roles:
            self._asked.setdefault(role, {})[what] = [str(column) for column in columns]
        found: dict[str, Any] = {}
        for name in sorted(self._names, key=lambda name: not name.table):  # those of this table come first
            if name.role not in roles or name.table not in {"", _table(what)} or name.role in found:
                continue
            canonical = next((str(column) for column in columns if stem(column) == name.role), None)
            column = _placed(name.column, columns)
            if not name.table and column not in columns:
                continue
            if canonical is not None and canonical != column:
                if not name.table:
                    self._passed[name.key] = (what, canonical)
                    continue
                reading.note(f"{column!r} is taken for the {short_name(name.role)}, and not the column {canonical!r}")
            found[name.role] = column
            self._used.add(name.key)
        return found

    def check_used(self) -> None:
        """Refuse a name that counted for no table.

        Raises
        ------
        DataError
            If no table has such a column, or every table that has it has the canonical one, too.
        """
        for name in self._names:
            if name.key in self._used:
                continue
            asked = {
                what: columns
                for what, columns in self._asked.get(name.role, {}).items()
                if name.table in {"", _table(what)}
            }
            if not asked:  # of a table that this call does not have, or a role that no table has
                continue
            short = short_name(name.role)
            if name.key in self._passed:
                what, canonical = self._passed[name.key]
                raise DataError(
                    f"columns= says that the {short} column is {name.column!r}, but {what} has {canonical!r} as well; "
                    f"say columns={{'{_table(what)}.{short}': {name.column!r}}} (--columns "
                    f"{_table(what)}.{short}={name.column}) to take the former, or leave the name out"
                )
            known = did_you_mean(str(name.column), {column for columns in asked.values() for column in columns})
            one = next(iter(asked))
            where, has = (f"of {one} ", f"{one} has no such") if len(asked) == 1 else ("", "no table has such a")
            raise DataError(
                f"columns= says that the {short} column {where}is {name.column!r}, but {has} column; {known}"
            )


def _placed(given: Any, columns: Sequence[Any]) -> Any:
    """Return the column at a position, counted from 1, unless a column is called so; others as they are."""
    text = str(given)
    if given in columns or not text.isdecimal():
        return given
    if text in columns:  # columns of a file without a header line are called by their positions
        return text
    return columns[int(text) - 1] if 0 < int(text) <= len(columns) else given


def _table(what: str) -> str:
    """Return how a table is called in front of a role: ``recs`` for ``recs of 'ease'``."""
    return what.partition(" ")[0]


def _name(key: Any, column: Any) -> _Name:
    text = str(key)
    table, dot, role = text.partition(".")
    if not dot:
        table, role = "", text
    elif table not in TABLES:
        raise DataError(f"columns= has the key {key!r}, which names no table; {did_you_mean(table, TABLES)}")
    if role not in _KNOWN:
        raise DataError(
            f"columns= has the key {key!r}, which names no column; "
            f"{did_you_mean(role, (short_name(name) for name in ALIASES))}"
        )
    return _Name(table, _KNOWN[role], column, text)


def resolve(
    present: Iterable[object],
    wanted: Sequence[str],
    names: Names | Mapping[str, Any] | None,
    what: str,
    *,
    optional: Sequence[str] = (),
    reading: Reading | None = None,
) -> dict[str, Any]:
    """Find the columns of a table by their canonical names.

    A column mapped by the user comes first, then the exact canonical name, then any alias without regard to case.
    RecBole's typed headers (``user_id:token``) are compared without their type.

    Parameters
    ----------
    present
        The columns of the table.
    wanted
        Canonical names that must be found.
    names
        The user's own names, of this table alone where it is a mapping.
    what
        The name of the table in messages, such as ``"train"``.
    optional
        Canonical names that may be missing.
    reading
        Learns which canonical columns are passed over.

    Returns
    -------
    dict
        Canonical name -> actual column, without the optional ones that are missing.

    Raises
    ------
    DataError
        If a wanted column is missing, two columns could be it, or the mapping does not fit.
    """
    columns = list(present)
    known = names if isinstance(names, Names) else Names(names)
    given = known.of(what, columns, (*wanted, *optional), reading or Reading(what))
    if known is not names:
        known.check_used()
    for name, column in given.items():
        if column not in columns:
            raise DataError(
                f"columns= says that the {short_name(name)} column of {what} is {column!r}, but {what} has no such "
                f"column; {did_you_mean(str(column), map(str, columns))}"
            )
        twin = next((other for other, same in given.items() if other != name and same == column), None)
        if twin is not None:
            raise DataError(
                f"columns= takes {column!r} of {what} for both the {short_name(name)} "
                f"and the {short_name(twin)} column; give each its own"
            )
    free = [column for column in columns if isinstance(column, str) and column not in given.values()]
    found: dict[str, str] = {}
    for name in (*wanted, *optional):
        match = given[name] if name in given else _find(name, free, what)
        if match is not None:
            found[name] = match
        elif name in wanted:
            short = short_name(name)
            raise DataError(
                f"{what} has no {short} column; its columns are {', '.join(map(repr, columns)) or 'none'}; "
                f"call it {choices([name, *ALIASES[name]])}, "
                f"or say which it is with columns={{{short!r}: ...}} (--columns {short}=...)"
            )
    return found
