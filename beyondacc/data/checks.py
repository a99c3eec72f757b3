"""What is checked before it reaches a kernel, which trusts its input: a position outside ends the process."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beyondacc.errors import DataError
from beyondacc.types import ItemIds

__all__ = ["check_lists", "check_profiles", "check_sparse", "checked_answer"]


def check_sparse(matrix: Any, what: str) -> None:
    """Refuse a matrix of scipy with indices outside of it, which scipy itself does not look at before it uses them.

    Raises
    ------
    DataError
        If there is one.
    """
    try:
        if matrix.format == "lil":
            places = [np.asarray(row, np.int64) for row in matrix.rows]
            _check_within(np.concatenate([np.empty(0, np.int64), *places]), matrix.shape[-1])
            same = [len(row) for row in matrix.rows] == [len(row) for row in matrix.data]
            if not same or len(matrix.rows) != matrix.shape[0]:
                raise ValueError("rows and values are not as many")  # noqa: TRY301 - as scipy's own
        elif hasattr(matrix, "check_format"):
            matrix.check_format(full_check=True)
        elif matrix.format == "coo":
            for places, n in zip(matrix.coords, matrix.shape, strict=True):
                _check_within(places, n)
            if any(len(places) != len(matrix.data) for places in matrix.coords):
                raise ValueError("places and values are not as many")  # noqa: TRY301 - as scipy's own
    except (ValueError, TypeError, IndexError) as error:
        raise DataError(
            f"{what} is a sparse matrix that is broken ({error}); make it anew from rows, columns and values"
        ) from error


def _check_within(places: NDArray[Any], n: int) -> None:
    if len(places) and (places.min() < 0 or places.max() >= n):
        raise ValueError(f"indices must be from 0 to {n - 1}")


def check_profiles(starts: Any, items: Any, values: Any) -> None:
    """Refuse compressed rows whose arrays do not belong together.

    Raises
    ------
    DataError
        If they do not.
    """
    _check_array("the starts of profiles", starts, 1, np.int64)
    _check_array("the items of profiles", items, 1, np.int32)
    if not len(starts) or starts[0] != 0 or starts[-1] != len(items) or (np.diff(starts) < 0).any():
        raise DataError(
            f"the starts of profiles must ascend from 0 to the number of items, {len(items)}; give where each row "
            "begins, and the last one ends"
        )
    if len(items) and items.min() < 0:
        raise DataError(f"the items of profiles hold {items.min()}; give positions of items, from 0 on")
    if np.shape(values) != items.shape:
        raise DataError(f"profiles have {len(items)} items and values of shape {np.shape(values)}; give one for each")


def check_lists(n_users: int, n_items: int, lists: Any, scores: Any, input_ranks: Any) -> None:
    """Refuse lists of positions that are none.

    Parameters
    ----------
    n_users, n_items
        How many rows there must be, and how many items there are.
    lists, scores, input_ranks
        As in `Recommendations`.

    Raises
    ------
    DataError
        If something has another shape or type, or a position is outside; the message names the row.
    """
    _check_array("lists of Recommendations", lists, 2, np.int32)
    if len(lists) != n_users:
        raise DataError(f"Recommendations have {n_users} users and {len(lists)} lists; give a row for each user")
    if lists.size and (lists.max() >= n_items or lists.min() < -1):
        row, rank = np.argwhere((lists >= n_items) | (lists < -1))[0]
        raise DataError(
            f"lists of Recommendations hold {lists[row, rank]} in row {row}, rank {rank + 1}; they hold positions in "
            f"items, from 0 to {n_items - 1}, padded with -1; Recommendations.from_array takes ids of items"
        )
    holes = (lists[:, 1:] >= 0) & (lists[:, :-1] < 0)
    if holes.any():
        row, rank = np.argwhere(holes)[0]
        raise DataError(
            f"lists of Recommendations have an item after -1 in row {row}, rank {rank + 2}; -1 pads the end of a list"
        )
    for name, given, kind in (("scores", scores, "f"), ("input_ranks", input_ranks, "i")):
        if given is not None and (
            not isinstance(given, np.ndarray) or given.shape != lists.shape or given.dtype.kind != kind
        ):
            raise DataError(
                f"{name} of Recommendations have shape {np.shape(given)} of {getattr(given, 'dtype', type(given))}; "
                f"give {'a float' if kind == 'f' else 'a whole number'} for each item of the lists, of shape "
                f"{lists.shape}"
            )


def checked_answer(
    found: Any, scores: Any, shape: tuple[int, int], n_items: int
) -> tuple[ItemIds, NDArray[np.float64]]:
    """Return what an object with implicit's recommend() answers, if it is positions of items and their scores.

    Parameters
    ----------
    found, scores
        The answer.
    shape
        For how many users, and how many items were asked for.
    n_items
        How many there are.

    Raises
    ------
    DataError
        If it is something else; the message names the row.
    """
    lists, values = np.asarray(found), np.asarray(scores)
    if lists.ndim != 2 or len(lists) != shape[0] or lists.shape[1] > shape[1] or lists.dtype.kind not in "iu":
        raise DataError(
            f"the scorer's recommend() returned an array of shape {lists.shape} of {lists.dtype} for {shape[0]} users "
            f"and N={shape[1]}; it must return positions in data.items of shape ({shape[0]}, N or fewer)"
        )
    if values.shape != lists.shape or values.dtype.kind not in "iuf":
        raise DataError(
            f"the scorer's recommend() returned scores of shape {values.shape} of {values.dtype} for items of shape "
            f"{lists.shape}; it must return a number for each item"
        )
    outside = lists >= n_items
    if lists.dtype.kind == "i":
        outside |= lists < -1
    if outside.any():
        row, rank = np.argwhere(outside)[0]
        raise DataError(
            f"the scorer's recommend() returned the item {lists[row, rank]} in row {row}, rank {rank + 1}; items are "
            f"positions in data.items, from 0 to {n_items - 1}, or -1 where there are no more"
        )
    numbers = values.astype(np.float64)
    odd = (lists.astype(np.int64) >= 0) & ~(numbers < np.inf)
    if odd.any():
        row, rank = np.argwhere(odd)[0]
        raise DataError(
            f"the scorer's recommend() returned the score {numbers[row, rank]} in row {row}, rank {rank + 1}; scores "
            "must be numbers"
        )
    return lists.astype(np.int32), numbers


def _check_array(what: str, given: Any, n_dimensions: int, dtype: type[np.generic]) -> None:
    if not isinstance(given, np.ndarray) or given.ndim != n_dimensions or given.dtype != np.dtype(dtype):
        shape, kind = getattr(given, "shape", None), getattr(given, "dtype", None)
        found = type(given).__name__ if shape is None else f"{type(given).__name__} of shape {shape} of {kind}"
        raise DataError(
            f"{what} are a {found}; give an array of {n_dimensions} dimension{'s' * (n_dimensions > 1)} of "
            f"{np.dtype(dtype)}"
        )
