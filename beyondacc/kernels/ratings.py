"""Predicted ratings: neighbours among those who share columns with a row, and steps of a factorisation."""

from __future__ import annotations

import numpy as np

from beyondacc.kernels.jit import kernel, scratch_kernel
from beyondacc.kernels.topk import sift_down
from beyondacc.types import Floats, ItemIds, Offsets

__all__ = ["COSINE", "MSD", "PEARSON", "factor_epoch", "neighbour_ratings", "pair_products"]

COSINE, PEARSON, MSD = range(3)  # how rows are compared

_NOISE = 1e-12  # of a sum of squares, below which a variance is rounding


@scratch_kernel
def neighbour_ratings(
    rows: ItemIds,
    starts: Offsets,
    wanted: ItemIds,
    offsets: Offsets,
    columns: ItemIds,
    values: Floats,
    column_offsets: Offsets,
    column_rows: ItemIds,
    column_values: Floats,
    normalised: Floats,
    how: int,
    shrink: float,
    least: int,
    k: int,
    out: Floats,
) -> None:
    """Average what the most similar rows have in a column, weighted by the similarities.

    Parameters
    ----------
    rows, starts, wanted
        For row ``rows[r]`` the columns ``wanted[starts[r]:starts[r + 1]]`` are predicted.
    offsets, columns, values
        The matrix by rows (CSR), of the values that are compared.
    column_offsets, column_rows, column_values
        The same by columns (CSC), rows ascending.
    normalised
        The values to average, at the places of `column_values`.
    how
        Compare by the cosine over the common columns (COSINE), by the correlation (PEARSON), or by 1 / (1 + m), m the
        mean square of the differences (MSD).
    shrink, least
        A similarity over n common columns is multiplied by ``n / (n + shrink)``, and is none where n < `least`.
    k
        How many of the rows that have the column count; equally similar ones are taken by lower index.
    out : (starts[-1],)
        Result; NaN where no row of positive similarity has the column.
    """
    n_rows = offsets.size - 1
    # of each other row: how many columns are common, and over these the sums of a, b, a a, b b and a b
    sums = np.zeros((n_rows, 6))
    touched = np.empty(n_rows, np.int64)
    similarity = np.zeros(n_rows)
    keys = np.empty(k)
    ids = np.empty(k, np.int32)
    weighted = np.empty(n_rows)
    for r in range(rows.size):
        row = rows[r]
        n_touched = 0
        for p in range(offsets[row], offsets[row + 1]):
            a = values[p]
            for q in range(column_offsets[columns[p]], column_offsets[columns[p] + 1]):
                own = sums[column_rows[q]]
                b = column_values[q]
                if own[0] == 0.0:
                    touched[n_touched] = column_rows[q]
                    n_touched += 1
                own[0] += 1.0
                own[1] += a
                own[2] += b
                own[3] += a * a
                own[4] += b * b
                own[5] += (a - b) * (a - b) if how == MSD else a * b
        for t in range(n_touched):
            other = touched[t]
            n, a, b, aa, bb, ab = sums[other]
            sums[other, :] = 0.0
            if other == row or n < least:
                continue
            if how == MSD:
                similarity[other] = 1.0 / (1.0 + ab / n) * (n / (n + shrink))
                continue
            floor_a = floor_b = 0.0
            if how == PEARSON:
                floor_a = _NOISE * aa
                floor_b = _NOISE * bb
                aa -= a * a / n
                bb -= b * b / n
                ab -= a * b / n
            if ab > 0.0 and aa > floor_a and bb > floor_b:
                value = ab / np.sqrt(aa * bb)
                similarity[other] = (value if value < 1.0 else 1.0) * (n / (n + shrink))
        for w in range(starts[r], starts[r + 1]):
            column = wanted[w]
            size = column_offsets[column + 1] - column_offsets[column]
            if size > k:
                size = k
            keys[:size] = 0.0
            ids[:size] = n_rows
            for q in range(column_offsets[column], column_offsets[column + 1]):
                other = column_rows[q]
                value = similarity[other]
                if value > keys[0]:  # rows ascend, so that of equals the lower is there first
                    weighted[other] = normalised[q]
                    keys[0] = value
                    ids[0] = other
                    sift_down(keys, ids, size)
            total = 0.0
            norm = 0.0
            for place in range(size):
                if keys[place] > 0.0:
                    total += keys[place] * weighted[ids[place]]
                    norm += keys[place]
            out[w] = total / norm if norm > 0.0 else np.nan
        for t in range(n_touched):
            similarity[touched[t]] = 0.0


@kernel
def factor_epoch(
    order: Offsets,
    users: ItemIds,
    items: ItemIds,
    ratings: Floats,
    mean: float,
    rate: float,
    l2: float,
    user_biases: Floats,
    item_biases: Floats,
    user_factors: Floats,
    item_factors: Floats,
) -> float:
    """Take one step of stochastic gradient descent for each rating, in the order given.

    Parameters
    ----------
    order : (n,)
        Positions in `users`, `items` and `ratings`.
    mean
        Of the ratings; a rating is explained by it, both biases and the product of both rows of factors.
    rate, l2
        Length of a step and penalty on the squares.
    user_biases, item_biases, user_factors, item_factors
        Changed in place; (n_users,), (n_items,), (n_users, f), (n_items, f).

    Returns
    -------
    float
        The sum of the squared errors, each before its step.
    """
    loss = 0.0
    n_factors = user_factors.shape[1]
    for place in order:
        user = users[place]
        item = items[place]
        mine = user_factors[user]
        its = item_factors[item]
        product = 0.0
        for f in range(n_factors):
            product += mine[f] * its[f]
        error = ratings[place] - (mean + user_biases[user] + item_biases[item] + product)
        loss += error * error
        user_biases[user] += rate * (error - l2 * user_biases[user])
        item_biases[item] += rate * (error - l2 * item_biases[item])
        for f in range(n_factors):
            before = mine[f]
            mine[f] += rate * (error * its[f] - l2 * before)
            its[f] += rate * (error * before - l2 * its[f])
    return loss


@kernel
def pair_products(users: ItemIds, items: ItemIds, user_factors: Floats, item_factors: Floats, out: Floats) -> None:
    """Write the product of both rows of factors for each pair, ``(n,)``."""
    for pair in range(users.size):
        mine = user_factors[users[pair]]
        its = item_factors[items[pair]]
        product = 0.0
        for f in range(mine.size):
            product += mine[f] * its[f]
        out[pair] = product
