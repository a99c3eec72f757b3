"""A run by groups: of users, for every metric; of items, for exposure and hits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beyondacc.bound.batch import Batch, row_sizes
from beyondacc.data.groups import column_groups, item_groups
from beyondacc.data.vocabulary import same_kind
from beyondacc.errors import DataError, SpecError, did_you_mean
from beyondacc.run.local import map_blocks

__all__ = ["items_by_group", "user_groups"]

PROFILE_SIZE: Final = "profile_size"
POPULARITY_TASTE: Final = "popularity_taste"


def user_groups(run: Batch, by: Any, bins: int) -> tuple[NDArray[np.int64], list[str]]:
    """Return the group of each row of a run, -1 where it has none, and the names of the groups.

    Parameters
    ----------
    by
        A column of the users table; ``profile_size`` or ``popularity_taste``, cut into quantiles; or
        ``{user: group}`` as a dict or Series.
    bins
        How many quantiles.

    Raises
    ------
    SpecError
        If there is no such column, or it has too many groups.
    DataError
        If no evaluated user is in any group.
    """
    if isinstance(by, str):
        codes, names = _quantiles(_quantity(run, by), bins) if by in _QUANTITIES else _column(run, by)
    elif isinstance(by, Mapping | pd.Series):
        series = pd.Series(dict(by)) if isinstance(by, Mapping) else by
        if not series.index.is_unique:
            raise DataError(
                f"by= gives user {series.index[series.index.duplicated()][0]!r} twice; keep one group a user"
            )
        codes, names = column_groups(series.reindex(run.ids), "by=")
    else:
        raise SpecError(
            f"by= is a {type(by).__name__}; give a column of the users table, {PROFILE_SIZE!r}, {POPULARITY_TASTE!r}, "
            "or the group of each user as a dict or Series"
        )
    if not (codes >= 0).any():
        raise DataError(f"none of the {len(run)} evaluated users is in any group of by=; check the user ids")
    return codes, names


def _column(run: Batch, by: str) -> tuple[NDArray[np.int64], list[str]]:
    table = run.data.user_table
    known = [*_QUANTITIES, *([] if table is None else table.columns)]
    if table is None or by not in table.columns:
        hint = did_you_mean(by, known) + ("" if table is not None else "; the Dataset has no users table: pass users=")
        raise SpecError(f"users cannot be grouped by {by!r}; {hint}")
    same_kind(run.ids, table.index, axis="user", what="recs", other="users")
    codes, names = column_groups(table[by], by)
    return np.append(codes, -1)[table.index.get_indexer(run.ids)], names


def _quantity(run: Batch, by: str) -> NDArray[np.float64]:
    """Return a number a row, NaN without a profile."""
    train = run.train
    sizes = row_sizes(train, run.users).astype(np.float64)
    if not sizes.any():
        raise SpecError(f"by={by!r} needs training rows of the evaluated users; pass train= to the Dataset")
    numbers = np.where(sizes > 0, sizes, np.nan)
    if by == PROFILE_SIZE:
        return numbers
    cumulated = np.concatenate([[0], np.cumsum(run.world.item_counts[train.items])])
    totals = np.append(np.diff(cumulated[train.starts]), 0)[run.users]
    return np.asarray(totals / numbers)


_QUANTITIES: Final = (PROFILE_SIZE, POPULARITY_TASTE)


def _quantiles(numbers: NDArray[np.float64], bins: int) -> tuple[NDArray[np.int64], list[str]]:
    """Cut into equally large groups, as far as equal numbers allow."""
    defined = numbers[~np.isnan(numbers)]
    edges = np.unique(np.quantile(defined, np.linspace(0, 1, bins + 1), method="inverted_cdf"))
    upper = edges[1:] if len(edges) > 1 else edges
    codes = np.where(np.isnan(numbers), -1, np.searchsorted(upper, numbers))
    lows = [edges[0], *upper[:-1]]
    names = [
        f"{low:g} to {high:g}" if place == 0 else f"above {low:g}, to {high:g}"
        for place, (low, high) in enumerate(zip(lows, upper, strict=True))
    ]
    return codes.astype(np.int64), names


def items_by_group(run: Batch, attribute: str, k: int, head: float) -> pd.DataFrame:
    """Return a row a group of items: how large it is, how much it is shown and how often it is hit.

    The columns are group, items (of the catalogue), catalogue_share, shown (how often the first k of the lists show
    one), exposure_share, exposure_per_item, relevant (test rows of the evaluated users), hits and hit_rate = hits /
    relevant. Where an item is in several groups, shares add up to more than 1.
    """
    groups = item_groups(run.world, attribute, head)
    n_items = run.n_items

    def count(start: int, stop: int) -> NDArray[np.int64]:
        block = run.block(start, stop, k)
        within = np.arange(block.lists.shape[1]) < block.lengths[:, None]
        hit = within & (block.gains >= 0)
        return np.array([np.bincount(block.lists[which], minlength=n_items) for which in (within, hit)])

    shown, hits = np.sum(map_blocks(count, len(run), threads=1, width=min(k, run.ranked.width)), axis=0)
    test = run.test
    evaluated = np.zeros(len(test.sizes), np.bool_)
    evaluated[run.users[run.users >= 0]] = True
    relevant = np.bincount(test.items[np.repeat(evaluated, test.sizes)], minlength=n_items)
    table = pd.DataFrame({"group": groups.names})
    table["items"] = groups.sums(run.world.catalogue).astype(np.int64)
    table["catalogue_share"] = table["items"] / max(1, int(run.world.catalogue.sum()))
    table["shown"] = groups.sums(shown).astype(np.int64)
    table["exposure_share"] = table["shown"] / max(1, int(shown.sum()))
    table["exposure_per_item"] = table["shown"] / table["items"]
    if run.data.test is not None:
        table["relevant"] = groups.sums(relevant).astype(np.int64)
        table["hits"] = groups.sums(hits).astype(np.int64)
        table["hit_rate"] = table["hits"] / table["relevant"]
    return table
