"""Any scoring function behind one adapter, and the best items of each user, block by block."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from beyondacc.data.checks import check_sparse, checked_answer
from beyondacc.data.dataset import Dataset
from beyondacc.data.intake.scores import labelled_scores, unmasked
from beyondacc.data.recommendations import Recommendations
from beyondacc.declare.params import Cutoff, Param
from beyondacc.errors import DataError, SpecError
from beyondacc.kernels.jit import read_only
from beyondacc.kernels.topk import list_best_rows, make_best, offer_rows, topk_rows
from beyondacc.models.base import Model
from beyondacc.run.blas import SINGLE_BLAS
from beyondacc.run.local import blocks, map_blocks, map_parts
from beyondacc.types import Bools, Floats, ItemIds, Offsets, Scorer, UserIds

__all__ = ["as_scorer", "best_of", "recommend"]

_BLOCK_BYTES = 128 * 2**20  # of scores at a time
_ROWS_A_THREAD = 32
_ROWS, _COLUMNS = 256, 2048  # of scores of factors at a time

_ACCEPTED = (
    "a user x item matrix (dense, sparse or a DataFrame with ids as labels), a pair of factor matrices (users, items), "
    "a function f(users) -> scores, a function f(user_id, item_ids) -> scores, or an object with score(users) or "
    "implicit's recommend()"
)


@dataclasses.dataclass(frozen=True)
class _Matrix:
    matrix: Any

    def score(self, users: UserIds) -> Floats:
        rows = self.matrix[users]
        dense: Floats = rows.toarray() if hasattr(rows, "toarray") else rows
        return dense


@dataclasses.dataclass(frozen=True)
class _Factors:
    users: Floats
    items: Floats

    def score(self, users: UserIds) -> Floats:
        product: Floats = self.users[users] @ self.items.T
        return product

    def parts(self, users: UserIds) -> Iterator[tuple[int, Floats]]:
        """Yield the scores of some users for some items at a time, so few that they stay in a core's cache.

        Each with the first of its items, in an array that is used again for the next.
        """
        own = self.users[users]
        room = np.empty(len(users) * min(_COLUMNS, len(self.items)), self.items.dtype)
        for first in range(0, len(self.items), _COLUMNS):
            items = self.items[first : first + _COLUMNS]
            yield first, np.matmul(own, items.T, out=room[: len(own) * len(items)].reshape(len(own), -1))


@dataclasses.dataclass(frozen=True)
class _Function:
    """``f(users) -> scores``, users being positions in data.users and columns those in data.items."""

    function: Callable[[UserIds], Any]

    def score(self, users: UserIds) -> Floats:
        scores: Floats = self.function(users)
        return scores


@dataclasses.dataclass(frozen=True)
class _PairFunction:
    """``f(user_id, item_ids) -> scores`` on external ids."""

    function: Callable[[Any, Any], Any]
    data: Dataset

    def score(self, users: UserIds) -> Floats:
        items = self.data.items.ids.to_numpy()
        ids = self.data.users.ids.take(users).tolist()
        rows = [np.asarray(unmasked(self.function(user, items))) for user in ids]
        for user, row in zip(ids, rows, strict=True):
            if row.shape != items.shape:
                raise DataError(
                    f"the scorer returned shape {row.shape} for user {user!r} and {len(items)} items; "
                    f"it must return one score an item, shape ({len(items)},)"
                )
        return np.stack(rows)


class _Recommends(Protocol):
    def recommend(self, userid: Any, user_items: Any, /, **options: Any) -> tuple[Any, Any]: ...


@dataclasses.dataclass(frozen=True)
class _Implicit:
    """An object of the implicit library: it recommends on its own, on positions, from the training rows."""

    model: _Recommends
    data: Dataset

    def top(self, users: UserIds, k: int, exclude_seen: bool) -> tuple[ItemIds, Floats]:
        rows = sparse.csr_matrix(self.data.matrix[users])
        banned = np.flatnonzero(~self.data.catalogue)
        found, scores = self.model.recommend(
            users, rows, N=k, filter_already_liked_items=exclude_seen, filter_items=banned if len(banned) else None
        )
        lists, scores = checked_answer(found, scores, (len(users), k), len(self.data.items))
        # implicit fills up with items of the least possible score where it has too few
        padding = (lists < 0) | (scores <= np.finfo(np.float32).min)
        order = np.argsort(padding, axis=1, kind="stable")  # lists end where padding begins
        return (
            np.take_along_axis(np.where(padding, np.int32(-1), lists), order, axis=1),
            np.take_along_axis(np.where(padding, np.nan, scores), order, axis=1),
        )


def as_scorer(source: Any, data: Dataset) -> Scorer | _Implicit:
    """Make a scorer of anything that scores.

    Parameters
    ----------
    source
        One of: a dense or sparse matrix (n_users, n_items); a DataFrame with ids of users as row labels and ids of
        items as column labels (0, 1, 2, ... that are no ids are positions), NaN where there is no score; a pair of
        factor matrices ((n_users, f), (n_items, f)); a function ``f(users) -> scores`` of shape (len(users), n_items)
        on positions in `data.users` and `data.items`; a function ``f(user_id, item_ids) -> scores`` on external ids; an
        object with ``score(users)`` on positions; an object with implicit's
        ``recommend(userid, user_items, N, filter_already_liked_items)``.
    data : Dataset
        Whose users and items, in their order, are rows and columns.

    Returns
    -------
    Scorer
        With ``score(users) -> (len(users), n_items)``.

    Raises
    ------
    SpecError, DataError
        If it is nothing of the kind, or a matrix does not have the shape of the dataset.
    """
    if isinstance(source, pd.DataFrame):
        return _Function(labelled_scores(source, data.users.ids, data.items.ids))
    if (table := _of_arrays(source, data)) is not None:
        return table
    if isinstance(source, Model):
        _check_model(source, data)
    if callable(getattr(source, "score", None)):
        return _Function(source.score)
    if callable(getattr(source, "recommend", None)) and _n_arguments(source.recommend) >= 2:
        return _Implicit(source, data)
    if callable(source):
        return _PairFunction(source, data) if _n_arguments(source) == 2 else _Function(source)
    raise SpecError(f"{type(source).__name__} is not a scorer; give {_ACCEPTED}")


def _of_arrays(source: Any, data: Dataset) -> Scorer | None:
    """Score by a matrix or by a pair of factors; None for anything else."""
    shape = (len(data.users), len(data.items))
    if isinstance(source, np.ndarray | sparse.sparray | sparse.spmatrix):
        matrix: Any = unmasked(source)
        if not isinstance(matrix, np.ndarray):
            check_sparse(matrix, "the score matrix")
            matrix = sparse.csr_array(matrix)
        if matrix.shape != shape:
            raise DataError(
                f"the score matrix has shape {matrix.shape}; it must be {shape}, the users and items of the Dataset"
            )
        return _Matrix(matrix)
    if isinstance(source, tuple) and len(source) == 2 and all(isinstance(part, np.ndarray) for part in source):
        users, items = source
        if any(np.ma.is_masked(part) for part in source):
            raise DataError("the factors have masked numbers, of which no score can be made; fill them")
        users, items = map(np.ma.getdata, source)
        return _factors(users, items, shape)
    return None


def _factors(users: NDArray[Any], items: NDArray[Any], shape: tuple[int, int]) -> Scorer:
    if (len(users), len(items)) != shape or users.ndim != 2 or users.shape[1:] != items.shape[1:]:
        raise DataError(
            f"the factors have shapes {users.shape} and {items.shape}; they must be ({shape[0]}, f) and "
            f"({shape[1]}, f), one row for each user and item of the Dataset"
        )
    kind = np.result_type(users, items)
    if kind.kind not in "iufb":
        raise DataError(f"the factors are of {kind}; they must be numbers")
    kind = np.dtype(np.float32 if kind in {np.dtype(np.float16), np.dtype(np.float32)} else np.float64)
    return _Factors(users.astype(kind, copy=False), items.astype(kind, copy=False))


def _check_model(model: Model, data: Dataset) -> None:
    """Refuse a fitted model of other items before it scores them, which may take more memory than there is."""
    if model.n_items not in {0, len(data.items)}:
        raise DataError(
            f"{model} was fitted on a matrix of {model.n_items:,} items, but the Dataset has {len(data.items):,}; "
            "fit it on data.matrix"
        )


def _n_arguments(function: Callable[..., Any]) -> int:
    """Count the arguments that must be given by position."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some compiled functions do not say
        return 1
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(1 for each in parameters if each.kind in kinds and each.default is inspect.Parameter.empty)


def recommend(
    scorer: Any,
    data: Dataset,
    *,
    k: int = 10,
    users: Any = None,
    exclude_seen: bool = True,
    threads: int | None = None,
) -> Recommendations:
    """Recommend the k best items of the catalogue to each user.

    Scores are asked for in blocks of users, so the whole user x item matrix never exists at once.

    Parameters
    ----------
    scorer
        Anything `as_scorer` takes. A score of -inf and a masked one keep an item out.
    data : Dataset
    k
        Length of the lists; a user with fewer items left gets a shorter one.
    users
        External ids, each taken once; by default all users with a test row, relevant or not, or where there is no test
        set, with a training row.
    exclude_seen
        Leave out the user's training items.
    threads
        Number of threads; one a core by default. Those of BLAS, which multiplies factors, are its own: it is only
        kept from starting some for each of these where the package threadpoolctl is installed.

    Returns
    -------
    Recommendations
        Equal scores go to the item that comes first in `data.items`.

    Raises
    ------
    DataError
        If a user is unknown, or the scorer returns the wrong shape, NaN or +inf.
    """
    k = Param("k", 10, Cutoff).check(k, "recommend")
    chosen = _positions(users, data)
    lists, scores = best_of(as_scorer(scorer, data), data, chosen, k, exclude_seen=exclude_seen, threads=threads)
    return Recommendations(data.users.ids.take(chosen), data.items, lists, scores)


def best_of(
    source: Scorer | _Implicit, data: Dataset, users: UserIds, k: int, *, exclude_seen: bool, threads: int | None
) -> tuple[ItemIds, NDArray[np.float64]]:
    """Return the k best items of each user and their scores, padded with -1 and NaN; `source` is of `as_scorer`."""
    width = min(k, len(data.items))
    lists = np.full((len(users), width), -1, np.int32)
    scores = np.full((len(users), width), np.nan)
    left_out = _LeftOut.of(data, exclude_seen=exclude_seen)
    if isinstance(source, _Factors):
        _select_of_factors(source, users, left_out, (lists, scores), threads)
        return lists, scores
    rows = max(1, min(4096, _BLOCK_BYTES // (8 * max(1, len(data.items)))))
    for start in range(0, len(users), rows):
        block = slice(start, min(start + rows, len(users)))
        if isinstance(source, _Implicit):
            found, best = source.top(users[block], width, exclude_seen)
            lists[block, : found.shape[1]] = found
            scores[block, : found.shape[1]] = best
        else:
            answer = _checked(source.score(users[block]), len(users[block]), data)
            _select(answer, users[block], left_out, (lists[block], scores[block]), threads)
    return lists, scores


def _positions(users: Any, data: Dataset) -> UserIds:
    if users is None:
        known = [rows.occupied for rows in (data.test, data.judged) if rows is not None]
        if not known and data.train is not None:
            known = [data.train.occupied]
        if not known:
            raise DataError("the Dataset has no users; pass train= or test= to it")
        return np.flatnonzero(np.logical_or.reduce(known)).astype(np.int32)
    ids = pd.Index(users if isinstance(users, list | tuple | np.ndarray | pd.Index | pd.Series) else [users]).unique()
    codes = data.users.encode(ids, axis="user", what="users", known="the dataset")
    if (codes < 0).any():
        raise DataError(f"user {ids[codes < 0].tolist()[0]!r} is not in the Dataset; recommend to users it knows")
    return codes


def _checked(answer: Any, n_rows: int, data: Dataset) -> Floats:
    expected = (n_rows, len(data.items))
    array = np.asarray(unmasked(answer))
    if array.shape != expected or array.dtype.kind not in "iufb":
        raise DataError(
            f"the scorer returned shape {array.shape} of {array.dtype} for {n_rows} users; it must return numbers of "
            f"shape {expected}, a score for each item of data.items"
        )
    if array.dtype not in {np.dtype(np.float32), np.dtype(np.float64)}:
        array = array.astype(np.float64)
    return np.ascontiguousarray(array)


class _LeftOut(NamedTuple):
    """What is not recommended: compressed rows of training items, and which items are outside the catalogue."""

    data: Dataset
    starts: Offsets
    seen: ItemIds
    banned: Bools

    @classmethod
    def of(cls, data: Dataset, *, exclude_seen: bool) -> _LeftOut:
        train = data.train if exclude_seen else None
        starts = np.zeros(len(data.users) + 1, np.int64) if train is None else train.starts
        seen = np.empty(0, np.int32) if train is None else train.items
        return cls(data, starts, seen, ~data.catalogue)

    def refuse(self, user: int, scores: Floats, first: int = 0) -> None:
        """Raise the error of a row of scores, of items from `first` on, with NaN or +inf."""
        place = int(np.flatnonzero(~(scores < np.inf))[0])
        user_id, item_id = self.data.users.ids.tolist()[user], self.data.items.ids.tolist()[first + place]
        raise DataError(
            f"the scorer returned {scores[place]} for user {user_id!r} and item {item_id!r}; "
            "scores must be numbers (-inf keeps an item out)"
        )


def _select(
    answer: Floats,
    users: UserIds,
    left_out: _LeftOut,
    into: tuple[ItemIds, NDArray[np.float64]],
    threads: int | None,
) -> None:
    """Write the best of whole rows of scores."""
    lists, scores = into

    def work(start: int, stop: int) -> int:
        own = slice(start, stop)
        best = np.empty(lists[own].shape, answer.dtype)
        lengths = np.empty(stop - start, np.int32)
        excluded = left_out.starts, left_out.seen, left_out.banned
        bad = topk_rows(answer[own], users[own], *excluded, lists[own], best, lengths)
        scores[own] = best
        return -1 if bad < 0 else start + int(bad)

    for bad in map_blocks(work, len(users), threads=threads, least=_ROWS_A_THREAD):
        if bad >= 0:
            left_out.refuse(users[bad], answer[bad])


def _select_of_factors(
    source: _Factors,
    users: UserIds,
    left_out: _LeftOut,
    into: tuple[ItemIds, NDArray[np.float64]],
    threads: int | None,
) -> None:
    """Write the best of products, some users and items at a time."""
    lists, scores = into
    width = lists.shape[1]

    def work(start: int, stop: int) -> None:
        own = users[start:stop]
        found, cursors = None, left_out.starts[own]
        for first, part in source.parts(own):
            found = found or make_best(len(own), width, part.dtype)
            excluded = cursors, left_out.starts, left_out.seen, left_out.banned
            if (bad := offer_rows(read_only(part), first, own, *excluded, width, found)) >= 0:
                left_out.refuse(own[bad], part[bad], first)
        if found:
            best, lengths = np.empty((len(own), width), found.scores.dtype), np.empty(len(own), np.int32)
            list_best_rows(found, lists[start:stop], best, lengths)
            scores[start:stop] = best

    parts = blocks(len(users), -(-len(users) // _ROWS))
    with SINGLE_BLAS as single:  # else its threads and these would wait for each other
        map_parts(work, parts, threads=threads if single else 1)
