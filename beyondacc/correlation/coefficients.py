"""Coefficients of all pairs of columns under many multiplicities at once: the arithmetic behind `correlate`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from beyondacc.declare.params import Param

__all__ = ["Floats", "Method", "Moment", "all_pairs", "choose", "parts", "unpack", "within_groups"]

Method: TypeAlias = Literal["pearson", "spearman", "kendall"]
Moment: TypeAlias = Literal["pearson", "spearman"]
Floats: TypeAlias = NDArray[np.float64]
Kernel: TypeAlias = Callable[[Floats, Floats], Floats]
"""From columns ``(m, n)`` without NaN and multiplicities ``(b, n)`` to coefficients ``(b, pairs)``."""

Centring: TypeAlias = Callable[[Floats], Callable[[Floats], Floats]]
"""From columns ``(m, n)`` to what centres them under multiplicities ``(b, n)``: ``(b, m, n)``."""

_WORK = 1 << 17
"""Numbers in one work array of a kernel: small enough to stay in cache (1 MiB of float64)."""
_NEAR = 1 - 1e-8
"""From here on 1 - |r| is computed from the distance of the two columns, where a dot product has lost its digits."""


def parts(total: int, size: int) -> Iterator[slice]:
    """Cut 0..total into slices of `size`."""
    for start in range(0, total, size):
        yield slice(start, min(start + size, total))


def unpack(packed: Floats, m: int) -> Floats:
    """Spread ``(b, pairs)``, in the order of ``np.triu_indices(m)``, over symmetric ``(b, m, m)``."""
    full = np.empty((len(packed), m, m))
    first, second = np.triu_indices(m)
    full[:, first, second] = packed
    full[:, second, first] = packed
    return full


def choose(method: Method) -> Kernel:
    """Return the kernel of a method; raises `SpecError` where there is none."""
    kernels: dict[str, Kernel] = {"pearson": _pearson, "spearman": _spearman, "kendall": _kendall}
    return kernels[Param("method", "kendall", Method).check(method, "correlation")]


def all_pairs(kernel: Kernel, table: Floats, weights: Floats) -> Floats:
    """Run a kernel on pairwise complete rows: ``(b, pairs)``."""
    m = table.shape[1]
    columns = np.ascontiguousarray(table.T)
    complete = ~np.isnan(columns)
    result = np.full((len(weights), m * (m + 1) // 2), np.nan)
    if not columns.size:
        return result
    if complete.all():
        return kernel(columns, weights)
    # The pairs that share their rows go together: one call for all columns without NaN, one for each other pattern.
    sharing: dict[bytes, list[tuple[int, int, int]]] = {}
    for place, (a, b) in enumerate(itertools.combinations_with_replacement(range(m), 2)):
        sharing.setdefault((complete[a] & complete[b]).tobytes(), []).append((place, a, b))
    for mask, pairs in sharing.items():
        rows = np.frombuffer(mask, dtype=np.bool_)
        if not rows.any():
            continue
        places, first, second = np.array(pairs).T
        members = np.union1d(first, second)
        part = kernel(np.ascontiguousarray(columns[np.ix_(members, rows)]), np.ascontiguousarray(weights[:, rows]))
        inner = np.zeros((len(members), len(members)), dtype=np.int64)
        inner[np.triu_indices(len(members))] = np.arange(part.shape[1])
        result[:, places] = part[:, inner[np.searchsorted(members, first), np.searchsorted(members, second)]]
    return result


def _pearson(columns: Floats, weights: Floats) -> Floats:
    infinite = np.isinf(columns)
    # Divided by a power of two, which is exact, so that the squares of large values do not overflow.
    columns = np.where(infinite, 0.0, columns)
    columns = np.ldexp(columns, -np.frexp(np.abs(columns).max(axis=1))[1][:, None])
    result = _moments(columns, weights, _centred_values, _product_moment)
    if infinite.any():
        first, second = np.triu_indices(len(columns))
        spoiled = weights @ infinite.T.astype(np.float64) > 0
        result[spoiled[:, first] | spoiled[:, second]] = np.nan
    return result


def _spearman(columns: Floats, weights: Floats) -> Floats:
    return _moments(columns, weights, _centred_ranks, _product_moment)


def _moments(
    columns: Floats, weights: Floats, centring: Centring, reduce: Callable[[Floats, Floats], Floats]
) -> Floats:
    """Reduce the centred columns, some multiplicities at a time, to ``(b, pairs)``."""
    m, n = columns.shape
    centred = centring(columns)
    found = np.empty((len(weights), m * (m + 1) // 2))
    for part in parts(len(weights), max(1, _WORK // (m * n))):
        found[part] = reduce(centred(weights[part]), weights[part])
    return found


def _centred_values(columns: Floats) -> Callable[[Floats], Floats]:
    def centre(chosen: Floats) -> Floats:
        total = chosen.sum(axis=1)
        # Away from a row that counts first: a column constant on the rows that count becomes exactly zero.
        centred = columns - columns[:, np.argmax(chosen > 0, axis=1)].T[:, :, None]
        centred -= (centred @ chosen[:, :, None]) / np.maximum(total, 1)[:, None, None]
        return np.asarray(centred)

    return centre


def _centred_ranks(columns: Floats) -> Callable[[Floats], Floats]:
    m, n = columns.shape
    order = np.argsort(columns, axis=1)
    ordered = np.take_along_axis(columns, order, axis=1)
    below = np.array([np.searchsorted(line, column, "left") for line, column in zip(ordered, columns, strict=True)])
    up_to = np.array([np.searchsorted(line, column, "right") for line, column in zip(ordered, columns, strict=True)])

    def centre(chosen: Floats) -> Floats:
        total = chosen.sum(axis=1)[:, None]
        centred = np.empty((len(chosen), m, n))
        cumulated = np.zeros((len(chosen), n + 1))
        for column in range(m):
            np.cumsum(chosen[:, order[column]], axis=1, out=cumulated[:, 1:])
            # Rows below plus rows up to here = twice the mid-rank, less 1; less the total: twice the centred mid-rank.
            np.add(cumulated[:, below[column]], cumulated[:, up_to[column]], out=centred[:, column])
            centred[:, column] -= total
        return centred

    return centre


def within_groups(method: Moment, tables: Sequence[Floats], weights: Sequence[Floats]) -> Floats:
    """Pool the products of several groups of rows, each about its own mean: ``(b, pairs)``.

    Parameters
    ----------
    method
        ``pearson``; ``spearman``, of mid-ranks within the group, in shares of its size.
    tables, weights
        ``(n, m)`` values and ``(b, n)`` multiplicities of each group; a NaN leaves its row out of its pairs.
    """
    centring = _centred_values if method == "pearson" else _centred_ranks

    def products(first: int, second: int) -> Kernel:
        """Make a kernel of the products of two columns of each pair: of both, or of one with itself."""

        def reduce(centred: Floats, counted: Floats) -> Floats:
            ends = np.triu_indices(centred.shape[1])
            found = (centred * counted[:, None, :]) @ centred.transpose(0, 2, 1)
            # ranks in shares, so that a group counts by its rows and not by their cube
            unit = np.maximum(counted.sum(axis=1), 1.0) ** 2 if method == "spearman" else np.ones(len(counted))
            return np.asarray(found[:, ends[first], ends[second]] / unit[:, None])

        return lambda columns, counted: _moments(columns, counted, centring, reduce)

    both, left, right = (
        sum(np.nan_to_num(all_pairs(kernel, *group)) for group in zip(tables, weights, strict=True))
        for kernel in (products(0, 1), products(0, 0), products(1, 1))
    )
    divisor = np.asarray(np.sqrt(left * right))
    result = np.full(np.shape(divisor), np.nan)
    np.divide(both, divisor, out=result, where=divisor > 0)
    return np.asarray(np.clip(result, -1.0, 1.0))


def _product_moment(centred: Floats, weights: Floats) -> Floats:
    """Coefficients of columns ``(b, m, n)`` centred under the weights ``(b, n)``: ``(b, pairs)``."""
    first, second = np.triu_indices(centred.shape[1])
    sums = (centred * weights[:, None, :]) @ centred.transpose(0, 2, 1)
    result = _ratio(sums[:, first, second], weights.sum(axis=1), centred.shape[1])
    size = np.abs(result)
    near = (size > _NEAR) & (size != 1)  # rounded beyond 1 as well: 1 less a square comes back inside
    for pair in np.flatnonzero(near.any(axis=0)):
        at = np.flatnonzero(near[:, pair])
        sign, counts = np.sign(result[at, pair]), weights[at]
        left, right = (
            side / np.sqrt((counts * side**2).sum(axis=1, keepdims=True))
            for side in (centred[at, first[pair]], centred[at, second[pair]])
        )
        result[at, pair] = sign * (1 - (counts * (left - sign[:, None] * right) ** 2).sum(axis=1) / 2)
    return result


def _kendall(columns: Floats, weights: Floats) -> Floats:
    m, n = columns.shape
    first, second = np.triu_indices(m)
    sums = np.zeros((len(weights), len(first)))
    # The sums of a tile are whole numbers up to (tile * heaviest)², exact in float32 up to 2^24 and in float64 beyond.
    heaviest = int(weights.max(initial=1))
    kind: type[Any] = np.float32 if heaviest <= 1 << 12 else np.float64
    single = len(weights) == 1
    tile = math.isqrt(4 * _WORK // (m if single else max(len(first), 64)))  # room for 64 replicates at a time
    tile = max(1, min(tile, (1 << 12) // heaviest if kind is np.float32 else tile))
    ranks = np.array([np.unique(column, return_inverse=True)[1] for column in columns]).astype(kind)
    counts = weights.astype(kind)
    for rows, others in itertools.combinations_with_replacement(parts(n, tile), 2):
        signs = ranks[:, rows, None] - ranks[:, None, others]
        flat = np.clip(signs, -1, 1, out=signs).reshape(m, -1)  # ranks are whole numbers
        products = flat.T if single else (flat[first] * flat[second]).T
        for part in parts(len(weights), max(1, 4 * _WORK // tile**2)):
            both = (counts[part, rows, None] * counts[part, None, others]).reshape(-1, len(products))
            found = ((flat * both) @ products)[first, second] if single else both @ products
            sums[part] += found / 2 if rows == others else found  # a tile on the diagonal has each pair of rows twice
    return _ratio(sums, weights.sum(axis=1), m)


def _ratio(sums: Floats, total: Floats, m: int) -> Floats:
    """Divide the sums of products ``(b, pairs)`` by the root of both sums of squares; NaN where undefined."""
    first, second = np.triu_indices(m)
    squares = sums[:, first == second]
    # The root of a product, not a product of roots: the root of a square is exact, so equal columns give exactly 1.
    divisor = np.sqrt(squares[:, first] * squares[:, second])
    defined = (divisor > 0) & (total >= 3)[:, None]
    result = np.full(sums.shape, np.nan)
    np.divide(sums, divisor, out=result, where=defined)
    return result
