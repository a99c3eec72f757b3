"""Who is averaged and how lists and gains are read: the choices of an evaluation that belong to no single metric."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Literal

from beyondacc.data.binding import Users
from beyondacc.spec.params import Param, bind, descriptions, parameters

__all__ = ["Policy"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Policy:
    """Choices that hold for all metrics of an evaluation.

    Parameters
    ----------
    users
        Who is averaged: ``all``: users of the test set and of the lists, each metric over those that define it;
        ``intersection``: users in both; ``recommended``: users with a non-empty list; ``tested``: users with a relevant
        test item.
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
        item id as text, descending. The latter two put every list that has scores in the order of its scores.
    """

    users: Users = "all"
    undefined: Literal["skip", "zero"] = "skip"
    gains: Literal["given", "binary"] = "given"
    seen: Literal["keep", "drop"] = "keep"
    unknown_items: Literal["keep", "error"] = "keep"
    duplicates: Literal["error", "first"] = "error"
    ties: Literal["input", "reversed", "item"] = "input"

    @classmethod
    def choose(cls, given: Mapping[str, Any], convention: Mapping[str, Any]) -> Policy:
        """Check the choices given; what is left at its default is taken from a convention.

        Raises
        ------
        SpecError
            If a choice is not allowed.
        """
        known = _choices()
        checked = bind("evaluate", known, given)
        for name, value in convention.items():
            if checked[name] == known[name].default:
                checked[name] = value
        return cls(**checked)

    @classmethod
    def documented(cls) -> dict[str, str]:
        """Say what each choice means."""
        return descriptions(cls)


@functools.cache
def _choices() -> Mapping[str, Param]:
    """Return the choices there are; reading them from the annotations takes as long as a small evaluation."""
    return parameters(Policy)
