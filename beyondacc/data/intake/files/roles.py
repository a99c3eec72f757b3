"""Which columns of a file are taken for what, as far as reading it depends on that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from beyondacc.data.intake.roles import ALIASES, RECBOLE_TYPES, short_name

__all__ = ["IDS", "NUMBERS", "ORDERS", "TEXTS", "given_names", "positions", "role_of", "with_role"]

IDS: Final = ("user_id", "item_id")
NUMBERS: Final = ("score", "rank", "rating", "timestamp")
TEXTS: Final = ("genres", "title")
#: In lower case, the names of columns that order a list.
ORDERS: Final = frozenset(name.lower() for role in ("score", "rank") for name in (role, *ALIASES[role]))
_CANONICAL: Final = {short_name(name): name for name in ALIASES} | {name: name for name in ALIASES}
_ROLES: Final = {
    name.lower(): role for role, others in reversed(list(ALIASES.items())) for name in (role, *others)
}  # fmt: skip


def given_names(columns: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the column of each role that the user names, by the canonical name of the role, as a text."""
    return {_CANONICAL[key]: str(name) for key, name in (columns or {}).items() if key in _CANONICAL}


def positions(given: Mapping[str, str], names: Iterable[str]) -> dict[int, str]:
    """Return the roles that are given by a position, counted from 1, rather than by one of `names`."""
    known = set(names)
    return {
        int(name): role
        for role, name in given.items()
        if name not in known and name.isascii() and name.isdecimal() and int(name)
    }


def role_of(name: str, given: Mapping[str, str]) -> str | None:
    """Return the role of a column: what the user says, or what its name says, without regard to case."""
    said = next((role for role, column in given.items() if column == name), None)
    if said is not None:
        return said
    stem, colon, kind = name.strip().rpartition(":")
    return _ROLES.get((stem if colon and kind in RECBOLE_TYPES else name.strip()).lower())


def with_role(names: Iterable[str], roles: Iterable[str], given: Mapping[str, str]) -> list[str]:
    """Return the columns that have one of some roles."""
    wanted = set(roles)
    return [name for name in names if role_of(name, given) in wanted]
