"""Lists in one field: each element gets its row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from beyondacc.data.arrow import STRING
from beyondacc.data.intake.files.source import Part
from beyondacc.data.intake.reading import Reading
from beyondacc.data.intake.roles import NUMBERS, with_role

__all__ = ["as_tokens", "with_a_row_per_element"]

_TOKEN: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([^\s,'\"]+)")
_WRAPPED: Final = re.compile(r"(?:np|numpy)\.\w+\(([^()]*)\)")
_DIGITS: Final = re.compile(r"\s*\d+(?:([\s,;|])\s*\d+)*\s*", re.ASCII)
_FEW: Final = 20
_ESCAPED: Final = re.compile(r"\\(.)")


def as_tokens(texts: Sequence[str]) -> list[list[str]] | None:
    """Split texts that are all lists, ``[14, 12]`` as Python, JSON and numpy write them, or ``14 12``; else None.

    Lists without brackets are certain only where all elements are digits and some text has several of them.
    """
    if not texts or not all(map(_could_be_list, texts[:_FEW])) or "".join(texts).isdecimal():
        return None
    stripped = [text.strip() for text in texts]
    if all(text[:1] + text[-1:] in {"[]", "()"} and len(text) > 1 for text in stripped):
        return [_elements(_WRAPPED.sub(r"\1", text[1:-1])) for text in stripped]
    matches = [_DIGITS.fullmatch(text) for text in stripped]
    separators = {match[1] for match in matches if match} - {None}
    if not all(matches) or len(separators) != 1:
        return None
    return [re.findall(r"\d+", text) for text in stripped]


def _could_be_list(text: str) -> bool:
    return text.strip()[:1] in {"[", "("} or _DIGITS.fullmatch(text) is not None


def _elements(text: str) -> list[str]:
    found = []
    for single, double, bare in _TOKEN.findall(text):
        found.append(bare or _ESCAPED.sub(r"\1", single or double))
    return found


def with_a_row_per_element(frame: pd.DataFrame, part: Part, reading: Reading, given: Mapping[str, str]) -> pd.DataFrame:
    """Give each element its row where all cells of the item column are lists; return other tables as they are.

    Lists of scores and the like, of the same lengths, are spread along; else `rank` counts from 1 within each list.

    Raises
    ------
    DataError
        If the lists of a row are not equally long.
    """
    items = with_role(frame.columns, ["item_id"], given)
    users = with_role(frame.columns, ["user_id"], given)
    if len(items) != 1 or len(users) != 1:
        return frame
    lists = _lists(frame[items[0]], once=lambda: frame[users[0]].dtype != object and frame[users[0]].is_unique)
    if lists is None:
        return frame
    lengths = np.fromiter(map(len, lists), np.int64, len(lists))
    rows = np.repeat(np.arange(len(frame)), lengths)
    result = frame.iloc[rows].reset_index(drop=True)
    flat = pd.Series([each for cell in lists for each in cell], dtype=object)
    texts = bool(len(flat)) and pd.api.types.infer_dtype(flat) == "string"
    result[items[0]] = flat.astype(STRING).astype("category") if texts else flat.infer_objects()
    ordered = False
    for name in with_role(frame.columns, NUMBERS, given):
        values = _lists(frame[name], once=lambda: True)
        if values is None:
            continue
        for row, (wanted, cell) in enumerate(zip(lengths, values, strict=True)):
            if len(cell) != wanted:
                raise part.broken(
                    f"row {row} (rows count from 0) holds {wanted} elements in {items[0]!r} but {len(cell)} in {name!r}"
                )
        spread = pd.Series([each for cell in values for each in cell], dtype=object)
        result[name] = pd.to_numeric(spread, errors="coerce").where(spread.notna())
        ordered = ordered or name in with_role([name], ["score", "rank"], given)
    if not ordered and "rank" not in result:
        result["rank"] = np.arange(1, len(rows) + 1) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    reading.note(f"each row holds a list in {items[0]!r}; its elements became rows in their order")
    empty = int(np.count_nonzero(lengths == 0))
    if empty:
        reading.note(f"{empty} {'row holds' if empty == 1 else 'rows hold'} an empty list")
    result.attrs = dict(frame.attrs)
    return result


def _lists(column: pd.Series[Any], *, once: Callable[[], bool]) -> list[list[Any]] | None:
    """Return the list in each cell, an empty one where it is missing; None if some cell is not a list.

    `once` tells whether each user has one row, without which a text of digits is no list.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts = column.cat.categories.tolist()
        tokens = as_tokens(texts) if texts and isinstance(texts[0], str) else None
        if tokens is None or not (texts[0].strip()[0] in "[(" or once()):
            return None
        return [[] if code < 0 else tokens[code] for code in column.cat.codes.tolist()]
    present = (
        column[column.notna()].tolist() if column.dtype == object or isinstance(column.dtype, pd.StringDtype) else []
    )
    if present and all(isinstance(cell, (list, tuple, np.ndarray)) for cell in present):
        return [list(cell) if isinstance(cell, (list, tuple, np.ndarray)) else [] for cell in column]
    if present and all(isinstance(cell, str) and cell.strip()[:1] + cell.strip()[-1:] == "[]" for cell in present):
        found = as_tokens(present)
        filled = iter(found or [])
        return None if found is None else [next(filled) if known else [] for known in column.notna()]
    return None
