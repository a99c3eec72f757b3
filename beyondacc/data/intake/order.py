"""What orders a list: a rank, a score, or the rows; never guessed in silence."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.data.ids import Ids
from beyondacc.data.intake.reading import counted
from beyondacc.data.intake.roles import ALIASES, stem
from beyondacc.data.intake.rows import Held, Rows
from beyondacc.errors import DataError, choices
from beyondacc.kernels.hashing import mix

__all__ = ["Order", "find_score", "is_run_column", "order_lists", "order_runs", "refuse_several"]

Order = Literal["auto", "rank", "score", "rows"]

#: Names of what a model predicts; a column of such a name is the score of a list.
_PREDICTIONS: Final = frozenset(
    {
        "est", "estimate", "predicted", "predicted_rating", "predicted_score", "prediction_score", "pred_score",
        "pred_rating", "rating_pred", "rating_prediction", "item_score", "scores", "yhat", "y_hat", "y_pred", "logit",
        "logits", "prob", "probability", "proba", "similarity", "sim", "utility", "preference",
    }
)  # fmt: skip
#: Names of what interactions have and some tools (RePlay, Spark ALS) use for scores, too.
_VALUES: Final = frozenset({"rating", "value", "relevance", "rel", "weight"})
#: Columns whose values tell several lists apart.
_RUNS: Final = frozenset({"model", "day", "session", "session_id", "fold", "split", "run", "algorithm", "system"})
_TIMES: Final = frozenset(name.lower() for name in ("timestamp", *ALIASES["timestamp"]))
_CHANCE: Final = 0.01  # that rows in no order look like several lists


def find_score(
    free: Sequence[str], bring: Callable[[str], Any], what: str, user: Ids, order: Order
) -> tuple[str | None, str]:
    """Tell which column of numbers, under a name that is not known, orders lists that have neither rank nor score.

    Parameters
    ----------
    free
        The columns that play no role yet.
    bring
        Brings one of them, as a plain pandas column.
    user
        Whose rows they are.

    Returns
    -------
    column
        None where the order of the rows counts: there is no column of numbers, or ``order="rows"`` was named.
    note
        What to tell the reader; empty where there is nothing to tell.

    Raises
    ------
    DataError
        If a column of numbers could be the score but need not be.
    """
    if order == "rows":
        return None, ""
    asked = {name: bring(name) for name in free if stem(name).lower() not in _TIMES}
    numbers = {name: floats for name, values in asked.items() if (floats := _numeric(values)) is not None}
    if not numbers:
        for name, values in asked.items():
            _refuse_written(name, values, what)
        return None, ""
    for names in (_PREDICTIONS, _VALUES):
        named = [name for name in numbers if name.lower().replace(" ", "_") in names]
        certain = [name for name in named if names is _PREDICTIONS or not _is_label(numbers[name])]
        if len(certain) == 1:
            return certain[0], f"the column {certain[0]!r} is taken as the score"
        if certain:
            break
    if all(_falls(values, user) for values in numbers.values()):
        return None, ""  # every reading gives the same order
    name = next(iter(numbers))
    shown = f"columns {choices(map(repr, numbers))}" if len(numbers) > 1 else f"a column {name!r}"
    raise DataError(
        f"{what} has neither rank nor score but {shown} of numbers, which would order the lists in another way than "
        f"the rows do; say columns={{'score': {name!r}}} (--columns score={name}), or order='rows' to take the rows as "
        "they stand"
    )


def _refuse_written(name: str, values: pd.Series[Any], what: str) -> None:
    """Refuse texts that are numbers after all, such as 0,9, or stand where scores do."""
    texts = values.dropna()
    if not len(texts) or pd.api.types.infer_dtype(texts) != "string":
        return
    commas = texts.str.fullmatch(r"\s*[+-]?\d*,\d+\s*|\s*[+-]?\d+\s*").all()
    if commas or name.lower().replace(" ", "_") in _PREDICTIONS | _VALUES:
        way = "pass --decimal , (Python: File(path, decimal=',')) if the comma stands before decimals" if commas else ""
        raise DataError(
            f"{what} has neither rank nor score, and its column {name!r} holds texts such as {texts.iloc[0]!r}; "
            f"{way or 'give numbers'}, or pass order='rows' to take the rows as they stand"
        )


def _numeric(values: pd.Series[Any]) -> NDArray[np.float64] | None:
    if pd.api.types.is_bool_dtype(values.dtype) or not pd.api.types.is_numeric_dtype(values.dtype):
        return None
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _is_label(values: NDArray[np.float64]) -> bool:
    """Whether numbers look like what is true of an item rather than like a score."""
    return bool(np.isin(values, (-1.0, 0.0, 1.0)).all())


def _falls(values: NDArray[np.float64], user: Ids) -> bool:
    """Whether the numbers never rise within the rows of a user."""
    return not len(_rises(values, user))


def _by_user(user: Ids) -> NDArray[np.int64] | None:
    """Return the rows user by user, each user's in the order given; None where they stand so already."""
    return None if user.runs.grouped else np.argsort(user.codes, kind="stable")


def _rises(values: NDArray[np.float64], user: Ids) -> NDArray[np.int64]:
    """Return where a number is higher than the one before of the same user, in the order of `_by_user`."""
    order, codes = _by_user(user), user.codes
    if order is not None:
        values, codes = values[order], codes[order]
    return np.flatnonzero((codes[1:] == codes[:-1]) & (values[1:] > values[:-1])) + 1


def is_run_column(name: str) -> bool:
    """Whether a column of this name tells several lists of a user apart."""
    return name.lower() in _RUNS


def refuse_several(free: Mapping[str, Callable[[], Any]], what: str, order: Order) -> None:
    """Refuse an unused column that tells several lists of one user apart.

    Raises
    ------
    DataError
        If there is one with more than one value; named orders take everything as one list per user.
    """
    if order != "auto":
        return
    for name, bring in free.items():
        if not is_run_column(name):
            continue
        values = pd.unique(bring().dropna())
        if len(values) > 1:
            raise DataError(
                f"{what} has a column {name!r} with {len(values):,} values (such as {values[0]!s} and {values[1]!s}), "
                f"so that it may hold several lists per user; say columns={{'run': {name!r}}} (--columns run={name}) "
                "to evaluate each apart, or order='score' (rank, rows) to take all rows of a user as one list"
            )


def order_lists(rows: Rows, what: str, order: Order) -> Rows:
    """Settle what orders the lists; the rows keep the columns that count.

    ``rank`` orders where it is there and tells the items of a user apart, else ``score`` does, else the rows. In TREC
    runs the score orders, and the rank breaks its ties, as trec_eval reads them but for the ties.

    Raises
    ------
    DataError
        If the named order has no column, or a user has several lists.
    """
    reading, named = rows.reading, order != "auto"
    if what.partition(" ")[0] == "candidates":
        _ = rows.score  # which re-rankers read also where ranks order: it must be right
    has_rank, has_score = "rank" in rows.numbers, "score" in rows.numbers
    if named and order != "rows" and order not in rows.numbers:
        raise DataError(f"order={order!r} needs a {order} column in {what}, which has none; name it with columns=")
    if order == "rows":
        reading.order = "rows"
        return _with_rank(rows.without("rank"), np.arange(len(rows), dtype=np.float64))
    if order == "score":
        reading.order = "score"
        return rows.without("rank")
    if has_rank:
        return _by_rank(rows, what, named=named, is_run=reading.form.startswith("trec"))
    if has_score and not named:
        _refuse_restart(rows, what)
    reading.order = "score" if has_score else "rows"
    return rows


def order_runs(rows: Rows, what: str, order: Order) -> dict[str, Rows]:
    """Settle what orders the lists of each run of a table, where a column was named for them; else return nothing."""
    found = {}
    for name, part in rows.by_run().items():
        table = f"{what} of {name!r}"
        reading = dataclasses.replace(rows.reading, table=table, rows=len(part), notes=list(rows.reading.notes))
        found[name] = order_lists(dataclasses.replace(part, reading=reading), table, order)
    return found


def _with_rank(rows: Rows, rank: NDArray[np.float64]) -> Rows:
    return dataclasses.replace(rows, numbers={**rows.numbers, "rank": Held(rank)})


def _by_rank(rows: Rows, what: str, *, named: bool, is_run: bool) -> Rows:
    rank = rows.rank
    assert rank is not None  # noqa: S101 - who calls looked
    reading = rows.reading
    repeated = _repeated(rank, rows.user)
    scored = _usable_scores(rows)
    if repeated is None or named:
        if scored is not None and (users := _disagreeing(rank, scored, rows.user)):
            decides = "score" if is_run and not named else "rank"
            whose = counted(users, "user")
            reading.note(f"rank and score order the lists of {whose} differently; the {decides} decides")
            if decides == "score":
                return _by_score_then_rank(rows, scored, rank)
        reading.order = "score" if is_run and not named and scored is not None else "rank"
        return rows if scored is not None else rows.without("score")
    if scored is None and _is_competition(rank, rows.user):
        reading.note("equal ranks of a user keep the order of the rows")
        reading.order = "rank"
        return rows.without("score")
    if not is_run and _restarts(rank, rows.user):
        user = rows.user[[repeated]].tolist()[0]
        raise DataError(
            f"the ranks of {what} start again within user {user!r} (row {repeated}, rows count from 0), so that users "
            "have several lists; say which column tells them apart with columns={'run': ...} (--columns run=...), or "
            "order='score' (rows) to take all rows of a user as one list"
        )
    if scored is not None:
        reading.note("the rank repeats within a user and therefore does not order; the score does")
        reading.order = "score"
        return rows.without("rank")
    if len(rank) > 1 and (rank == rank[0]).all():
        reading.note("the rank is the same in all rows and therefore does not order; the rows do")
        reading.order = "rows"
        return rows.without("rank")
    user = rows.user[[repeated]].tolist()[0]
    raise DataError(
        f"the rank of {what} repeats within user {user!r} (row {repeated}, rows count from 0) and there is no score; "
        "name the column that orders the lists with columns={'score': ...} (--columns score=...), or pass order='rank' "
        "to keep equal ranks as they stand, or order='rows'"
    )


def _usable_scores(rows: Rows) -> NDArray[np.float64] | None:
    """Return the scores beside a rank; None, with a note, where they cannot be used: nothing needs them."""
    if "score" not in rows.numbers:
        return None
    try:
        return rows.score
    except DataError as error:
        rows.reading.note(f"the scores are left out, as the rank orders the lists: {error}")
        return None


def _repeated(rank: NDArray[np.float64], user: Ids) -> int | None:
    """Return the first row whose rank another row of the user has, too; None where there is none."""
    codes = user.codes
    if user.runs.grouped and (rank[1:] > rank[:-1])[codes[1:] == codes[:-1]].all():
        return None
    order = np.lexsort((rank, codes))
    same = (codes[order[1:]] == codes[order[:-1]]) & (rank[order[1:]] == rank[order[:-1]])
    return int(order[1:][same].min()) if same.any() else None


def _disagreeing(rank: NDArray[np.float64], score: NDArray[np.float64], user: Ids) -> int:
    """Count users in whose list, ordered by rank, a score rises."""
    codes = user.codes
    if not (user.runs.grouped and (rank[1:] > rank[:-1])[codes[1:] == codes[:-1]].all()):
        order = np.lexsort((rank, codes))
        codes, score = codes[order], score[order]
    rises = (codes[1:] == codes[:-1]) & (score[1:] > score[:-1])
    return len(np.unique(codes[1:][rises])) if rises.any() else 0


def _by_score_then_rank(rows: Rows, score: NDArray[np.float64], rank: NDArray[np.float64]) -> Rows:
    """Order by score, equal ones by rank, and say so as ranks."""
    order = np.lexsort((rank, -score, rows.user.codes))
    place = np.empty(len(order))
    place[order] = np.arange(len(order))
    rows.reading.order = "score"
    return _with_rank(rows, place)


def _blocks(user: Ids) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows user by user, where each user begins among them, and how many rows each has."""
    order = _by_user(user)
    rows = np.arange(len(user)) if order is None else order
    codes = user.codes[rows]
    starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    return rows, starts, np.diff(np.append(starts, len(codes)))


def _is_competition(rank: NDArray[np.float64], user: Ids) -> bool:
    """Whether ranks are places from 1 on, of which equal items of a user share the least, the greatest or the mean."""
    rank_order = np.lexsort((rank, user.codes))
    ranks, codes = rank[rank_order], user.codes[rank_order]
    begins = np.append(True, (codes[1:] != codes[:-1]) | (ranks[1:] != ranks[:-1]))
    starts = np.flatnonzero(begins)
    sizes = np.diff(np.append(starts, len(ranks)))
    users = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    first = starts - users[np.searchsorted(users, starts, side="right") - 1] + 1.0  # the least place of each stretch
    given = ranks[starts]
    alone = len(starts) == len(users)  # one stretch per user says nothing
    return not alone and any((given == first + extra).all() for extra in (0.0, sizes - 1.0, (sizes - 1.0) / 2))


def _restarts(rank: NDArray[np.float64], user: Ids) -> bool:
    """Whether every user's ranks begin anew with 1, and count up in between."""
    rows, starts, _ = _blocks(user)
    ranks = rank[rows]
    first = ranks == 1
    begins = np.zeros(len(ranks), np.bool_)
    begins[starts] = True
    counts = np.append(True, ranks[1:] == ranks[:-1] + 1)
    return bool(first[starts].all() and (first | (counts & ~begins)).all() and (ranks > 1).any())


def _first_of_each_order(
    score: NDArray[np.float64], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Mark users before whom nobody has rows in the same order of scores."""
    owner = np.repeat(np.arange(len(starts)), lengths)
    sorted_rows = np.lexsort((-score, owner))
    places = np.empty(len(score), np.uint64)
    places[sorted_rows] = (np.arange(len(score)) - starts[owner]).astype(np.uint64)
    within = (np.arange(len(score)) - starts[owner]).astype(np.uint64)
    codes = np.add.reduceat(mix(places + mix(within)), starts)
    found = np.zeros(len(starts), np.bool_)
    found[np.unique(codes, return_index=True)[1]] = True
    return found


def _log_orders(score: NDArray[np.float64], starts: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return, per user, the logarithm of how many orders her stretches have; rows of one score have one."""
    owner = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(score))))
    within = np.arange(len(score)) - starts[owner]
    begins = (within % size == 0) | np.append(True, score[1:] != score[:-1])
    alike = np.diff(np.append(np.flatnonzero(begins), len(score)))  # how many rows in turn share a score
    stretches = np.diff(np.append(starts, len(score))) / size
    log_factorial = np.append(0.0, np.log(np.arange(1, size + 1)).cumsum())
    found: NDArray[np.float64] = stretches * log_factorial[-1] - np.bincount(
        owner[begins], log_factorial[alike], len(starts)
    )
    return found


def _refuse_restart(rows: Rows, what: str) -> None:
    """Refuse scores that fall in stretches of one length for every user, as rows in no order do too rarely."""
    score = rows.score
    assert score is not None  # noqa: S101 - who calls looked
    rises = _rises(score, rows.user)
    if not len(rises):
        return
    order, starts, lengths = _blocks(rows.user)
    owner = np.searchsorted(starts, rises, side="right") - 1
    per_user = np.bincount(owner, minlength=len(starts)) + 1  # stretches that fall
    place = rises - starts[owner]
    size = int(place.min())
    several = lengths > size
    if size < 2 or (place % size).any() or (lengths[several] % size).any():
        return
    if (per_user != lengths // size)[several].any():
        return
    # the rows of a stretch fall in one of its orders; users whose rows have one order, as where a file goes through the
    # items in theirs, say it once
    first = _first_of_each_order(score[order], starts, lengths) & several
    if (_log_orders(score[order], starts, size) * first).sum() < -np.log(_CHANCE):
        return
    row = int(order[rises[0]])
    user = rows.user[[row]].tolist()[0]
    raise DataError(
        f"the scores of {what} begin anew within user {user!r} (row {row}, rows count from 0) after every {size} rows, "
        "so that users have several lists; say which column tells them apart with columns={'run': ...} "
        "(--columns run=...), or order='score' to order all rows of a user by their score"
    )
