"""Ids of files are texts until all files of a call are known: then they are numbers, where nothing is lost by it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.arrow import STRING
from beyondacc.data.ids import Ids
from beyondacc.data.intake.rows import Rows
from beyondacc.errors import DataError, SpecError

__all__ = ["Axis", "IdKinds", "Kind", "Part", "choose_kinds", "fit_ids", "settle", "settle_ids"]

Kind = Literal["auto", "text", "number"]
Axis = Literal["user", "item"]
IdKinds = Mapping[Axis, Kind]
"""What the ids of users and of items are."""

_CANONICAL: Final = r"0|-?[1-9]\d{0,18}"  # what a whole number looks like when it is written
_LARGEST: Final = 2**63 - 1


class Part(NamedTuple):
    """The ids of one table.

    Attributes
    ----------
    table
        What messages call it.
    ids
        Its distinct ids, int64 or strings.
    written
        Whether they are texts only because a file holds nothing else.
    """

    table: str
    ids: pd.Index[Any]
    written: bool


def choose_kinds(given: Kind | Mapping[str, Kind] | None) -> dict[Axis, Kind]:
    """Read ``ids="text"`` or ``ids={"item": "text"}``.

    Raises
    ------
    SpecError
        If it is neither.
    """
    kinds: dict[Any, Kind] = {"user": "auto", "item": "auto"}
    chosen = given if isinstance(given, Mapping) else {"user": given or "auto", "item": given or "auto"}
    for axis, kind in chosen.items():
        if axis not in kinds or kind not in {"auto", "text", "number"}:
            raise SpecError(
                f"ids: {axis}={kind} does not say what the ids of users or items are; pass 'text', 'number' or 'auto', "
                "or one of them for each, such as {'item': 'text'} (--id-type text, --id-type item=text)"
            )
        kinds[axis] = kind
    return kinds


def settle(parts: Sequence[Part], kind: Kind, axis: Axis) -> list[pd.Index[Any]]:
    """Decide once, over all tables of a call, whether ids are numbers or texts.

    Texts of files become numbers if all of them are written as whole numbers are (no zeros or plus signs in front, no
    blanks, no exponents, up to 64 bits) and no table holds ids that are texts for good.

    Returns
    -------
    list of Index
        The ids of each part, in the same order.

    Raises
    ------
    DataError
        If a text of a file can be no number though another table has numbers, or two ids would become equal.
    """
    if kind == "text":
        return [part.ids if _is_text(part.ids) else _as_texts(part.ids) for part in parts]
    if kind == "number":
        return [_as_numbers(part, axis) if _is_text(part.ids) else part.ids for part in parts]
    filled = [part for part in parts if len(part.ids)]
    written = [part for part in filled if part.written]
    if not written or any(_is_text(part.ids) and not part.written for part in filled):
        return [part.ids for part in parts]
    numeric = [_are_numbers(part.ids) for part in written]
    odd = next((pair for pair in zip(written, numeric, strict=True) if not pair[1].all()), None)
    typed = next((part for part in filled if not _is_text(part.ids)), None)
    if odd is None:
        return [_as_numbers(part, axis) if part.written else part.ids for part in parts]
    if typed is not None:
        part, mask = odd
        text = str(part.ids[int(np.argmin(mask))])
        raise DataError(
            f"{axis} ids of {part.table} are texts (such as {text!r}) but those of {typed.table} are whole numbers "
            f"(such as {int(typed.ids[0])}); say what they are with ids={{{axis!r}: 'text'}} or "
            f"ids={{{axis!r}: 'number'}}"
        )
    _refuse_strangers(written, numeric, axis)
    return [part.ids for part in parts]


def _refuse_strangers(parts: Sequence[Part], numeric: Sequence[NDArray[np.bool_]], axis: Axis) -> None:
    """Refuse a file none of whose ids is a whole number or in another file, beside one that has whole numbers only.

    As where pandas wrote 101 as 101.0, because some row of the column had no value.
    """
    whole = next((part for part, mask in zip(parts, numeric, strict=True) if mask.all()), None)
    for part, mask in zip(parts, numeric, strict=True):
        if whole is None or mask.any() or any(part.ids.isin(other.ids).any() for other in parts if other is not part):
            continue
        text, number = str(part.ids[0]), str(whole.ids[0])
        also = f"ids={{{axis!r}: 'number'}} to read {text} as {_whole(text)}, or " if _fits(text) else ""
        raise DataError(
            f"{axis} ids of {part.table} are texts (such as {text!r}) but those of {whole.table} are whole numbers "
            f"(such as {number}), and no other table has the former; write them alike, or say {also}"
            f"ids={{{axis!r}: 'text'}} to take them as different ids"
        )


def _is_text(ids: pd.Index[Any]) -> bool:
    return not pd.api.types.is_integer_dtype(ids.dtype)


def _as_texts(ids: pd.Index[Any]) -> pd.Index[Any]:
    found: pd.Index[Any] = pd.Index(ids.astype(np.int64).astype(str), dtype=STRING)
    return found


def _are_numbers(ids: pd.Index[Any]) -> NDArray[np.bool_]:
    """Tell which texts are written as whole numbers are."""
    texts = pd.Series(ids)
    good = np.array(texts.str.fullmatch(_CANONICAL), dtype=bool)
    long = np.flatnonzero(good & (texts.str.len().to_numpy() >= len(str(_LARGEST))))
    good[long] = [-_LARGEST - 1 <= int(texts.iloc[row]) <= _LARGEST for row in long]
    return good


def _as_numbers(part: Part, axis: Axis) -> pd.Index[Any]:
    """Read texts as whole numbers, however they are written, as long as no two become equal."""
    texts = part.ids.tolist()
    try:
        numbers = np.array([_whole(text) for text in texts], dtype=np.int64)
    except (ValueError, OverflowError):
        odd = next(text for text in texts if not _fits(text))
        raise DataError(
            f"the {axis} id {odd!r} of {part.table} is not a whole number of 64 bits; "
            f"pass ids={{{axis!r}: 'text'}} to keep ids as they are"
        ) from None
    found: pd.Index[Any] = pd.Index(numbers)
    if not found.is_unique:
        number = found[found.duplicated()][0]
        same = [text for text, each in zip(texts, numbers, strict=True) if each == number]
        raise DataError(
            f"the {axis} ids {same[0]!r} and {same[1]!r} of {part.table} are one whole number; "
            f"pass ids={{{axis!r}: 'text'}} to tell them apart"
        )
    return found


def _whole(text: str) -> int:
    """Read a whole number, also one that was written as a float; anything else raises ValueError."""
    whole, point, zeros = text.partition(".")
    if "_" in text or (point and set(zeros) != {"0"}):
        raise ValueError(text)
    return int(whole)


def _fits(text: str) -> bool:
    try:
        return -_LARGEST - 1 <= _whole(text) <= _LARGEST
    except ValueError:
        return False


def settle_ids(columns: Sequence[tuple[str, Ids]], kind: Kind, axis: Axis) -> list[Ids]:
    """Settle encoded columns of ids, by the name of the table; see `settle`."""
    parts = [Part(table, ids.distinct, ids.written) for table, ids in columns]
    settled = settle(parts, kind, axis)
    return [
        ids if found is ids.distinct and not ids.written else dataclasses.replace(ids, distinct=found, written=False)
        for (_, ids), found in zip(columns, settled, strict=True)
    ]


def fit_ids(rows: Rows, users: pd.Index[Any] | None, items: pd.Index[Any] | None, what: str) -> Rows:
    """Settle the ids of lists by those of a dataset, which are what they are, if there is one.

    Raises
    ------
    DataError
        If a text of a file can be no number though the dataset has numbers.
    """
    known = {"user": users, "item": items}
    fitted: dict[str, Ids] = {}
    axes: tuple[tuple[Axis, Ids], ...] = (("user", rows.user), ("item", rows.item))
    for axis, ids in axes:
        others = known[axis]
        before = [] if others is None else [Part("the dataset", others, written=False)]
        found = settle([*before, Part(what, ids.distinct, ids.written)], "auto", axis)[-1]
        changed = found is not ids.distinct or ids.written
        fitted[axis] = dataclasses.replace(ids, distinct=found, written=False) if changed else ids
        rows.reading.ids[axis] = fitted[axis].kind
    return dataclasses.replace(rows, user=fitted["user"], item=fitted["item"])
