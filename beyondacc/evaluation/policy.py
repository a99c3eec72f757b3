"""Who is averaged and how lists and gains are read: the choices of an evaluation that belong to no single metric."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Literal

from beyondacc.bound.batch import Users
from beyondacc.declare.params import Param, bind, descriptions, parameters

__all__ = ["Policy", "Ties"]

Ties = Literal["input", "reversed", "item", "number"]
"""How items of equal score are ordered."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Policy:
    """Choices that hold for all metrics of an evaluation.

    Parameters
    ----------
    users
        Who is averaged: ``all``: users of the test set and of the lists, each metric over those that define it;
        ``recommended``: users with a non-empty list; ``tested``: users with a relevant test item; ``intersection``:
        users with both; ``judged``: users with a test row, relevant or not; ``judged-intersection``: those of them
        with a non-empty list.
    undefined
        What a user counts for whom a metric is undefined: ``skip``: nothing; ``zero``: 0.
    gains
        What a relevant item is worth: ``given``: its value; ``binary``: 1.
    seen
        Listed items of the user's own training rows: ``keep`` or ``drop`` them.
    unknown_items
        Listed items outside the catalogue: ``keep`` them, never as covered, or raise an ``error``.
    duplicates
        An item twice in a list: ``error``, or keep the ``first``, of better rank.
    ties
        How items of equal score are ordered: ``input``: as given; ``reversed``: against the order given; ``item``: by
        item id as text, descending; ``number``: the same, whole-number ids as numbers. The latter three put every list
        that has scores in the order of its scores.
    ranks
        Whether a rank only orders the items of a list (``order``), or an item counts at the rank that is written beside
        it (``literal``): a list of one row of rank 9 has no hit at 3.
    """

    users: Users = "all"
    undefined: Literal["skip", "zero"] = "skip"
    gains: Literal["given", "binary"] = "given"
    seen: Literal["keep", "drop"] = "keep"
    unknown_items: Literal["keep", "error"] = "keep"
    duplicates: Literal["error", "first"] = "error"
    ties: Ties = "input"
    ranks: Literal["order", "literal"] = "order"

    @classmethod
    def choose(cls, given: Mapping[str, Any], convention: Mapping[str, Any]) -> Policy:
        """Check the choices that were named; the others are those of a convention, or else the defaults.

        Parameters
        ----------
        given
            None where a choice was not named.
        convention
            Choices as far as they are not the defaults.

        Raises
        ------
        SpecError
            If a choice is not allowed.
        """
        named = {name: value for name, value in given.items() if value is not None}
        return cls(**bind("evaluate", _choices(), {**convention, **named}))

    @classmethod
    def documented(cls) -> dict[str, str]:
        """Say what each choice means."""
        return descriptions(cls)


@functools.cache
def _choices() -> Mapping[str, Param]:
    """Return the choices there are; reading them from the annotations takes as long as a small evaluation."""
    return parameters(Policy)
